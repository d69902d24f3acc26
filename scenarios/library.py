"""The shipped scenarios: policies and futures, one TOML file each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from model.problems import nearest
from scenarios.problems import ScenarioError

Kind = Literal["policy", "future"]
LIBRARY = Path(__file__).resolve().parent / "library"
FOLDERS: dict[str, Path] = {"policy": LIBRARY / "policies", "future": LIBRARY / "futures"}
BASELINE, REFERENCE = "baseline", "reference"
# Those that others are compared with stand first in lists.
_FIRST = {"policy": ("no_zone", BASELINE), "future": (REFERENCE,)}


def names(kind: Kind) -> tuple[str, ...]:
    """Names of the shipped policies or futures: what others are compared with first, then by name."""
    held = sorted(path.stem for path in FOLDERS[kind].glob("*.toml"))
    first = [name for name in _FIRST[kind] if name in held]
    return tuple(first + [name for name in held if name not in first])


def path_of(name_or_path: str, kind: Kind, beside: Path | None = None) -> Path:
    """File of a shipped scenario, or the path itself where it ends in .toml (relative to `beside` when given).

    Raises:
        ScenarioError: neither a shipped name nor the path of a .toml file; names the nearest shipped one.
    """
    if name_or_path in names(kind):
        return FOLDERS[kind] / f"{name_or_path}.toml"
    if name_or_path.endswith(".toml"):
        return (beside or Path()) / name_or_path
    other: Kind = "future" if kind == "policy" else "policy"
    hint = (
        f"; '{name_or_path}' is a {other}"
        if name_or_path in names(other)
        else nearest(name_or_path, names(kind))
    )
    raise ScenarioError(
        f"unknown {kind} '{name_or_path}'{hint}; or give the path of a .toml file (qyzyljar scenarios list)"
    )
