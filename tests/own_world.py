"""A user's own world for tests: a copy of the template that a test may change."""

from __future__ import annotations

import shutil
from pathlib import Path

from model.world import DATA


def copy_of_template(folder: Path) -> Path:
    """Copy the template world and its files as the documentation tells a user to; return the world file."""
    shutil.copytree(DATA / "worlds" / "template", folder / "template")
    return Path(shutil.copy(DATA / "worlds" / "template.toml", folder / "own.toml"))


def edit(world: Path, name: str, old: str, new: str) -> None:
    """Replace text in the world file ("own.toml") or in one of its data files; the text must be there."""
    path = world if name == "own.toml" else world.parent / "template" / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"the test's own text is not in {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
