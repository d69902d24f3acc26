"""Templates for `qyzyljar scenarios new`: every lever with its keys, units and meaning, ready to be edited."""

from __future__ import annotations

import re
from pathlib import Path

from scenarios.library import Kind

TEMPLATES = Path(__file__).resolve().parent / "data"
_PLACEHOLDER = "NAME_OF_THE_SCENARIO"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)


def template(name: str, kind: Kind) -> str:
    """Text of a new scenario file."""
    text = (TEMPLATES / f"template_{kind}.toml").read_text(encoding="utf-8")
    return text.replace(_PLACEHOLDER, name)


def template_problem(name: str) -> str | None:
    """What is wrong with a name for a new scenario; None when it can be taken."""
    if _NAME.fullmatch(name):
        return None
    return f"'{name[:80]}' is no name for a scenario: expected 1 to 60 of the letters A-Z, a-z, digits, '_' and '-'"
