"""What is wrong with a file that a user wrote: collected, then raised all at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

SHOWN_AT_MOST = 50
COLLECTED_AT_MOST = 500


class WorldError(ValueError):
    """A world, or one of its data files, cannot be used.

    The message lists every problem found, each with its place (file and line, or file and key), what was
    expected and, where a name is unknown, the nearest valid one.

    Example:
        >>> from model.problems import WorldError
        >>> from model.world import load_world
        >>> try:
        ...     load_world("town")
        ... except WorldError as fault:
        ...     print(str(fault).split(";")[1].strip())
        nearest valid name: 'towns'
    """


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return a hint naming the valid name nearest to ``name``, or the valid names when they are few."""
    names = sorted(set(valid))
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1, cutoff=0.6)
    if close:
        return f"; nearest valid name: '{next(n for n in names if n.lower() == close[0])}'"
    if 0 < len(names) <= 12:
        return "; valid names: " + ", ".join(names)
    return ""


class Problems:
    """The problems found so far while one world is read."""

    def __init__(self, subject: str) -> None:
        """Start with no problem; ``subject`` opens the message (for example: world 'towns')."""
        self.subject = subject
        self.found: list[str] = []

    def at_line(self, path: Path, line: int, text: str) -> None:
        """Note a problem at a line of a file."""
        self._note(f"{path}:{line}: {text}")

    def at_key(self, path: Path, key: Sequence[str | int], text: str) -> None:
        """Note a problem at a key of a TOML file; an empty key means the file as a whole."""
        where = ".".join(str(part) for part in key)
        self._note(f"{path}: {where}: {text}" if where else f"{path}: {text}")

    def _note(self, text: str) -> None:
        """Keep a problem; a file that is wrong in every line is given up early."""
        self.found.append(text)
        if len(self.found) >= COLLECTED_AT_MOST:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        """Raise one :class:`WorldError` that lists every problem; do nothing when there is none."""
        if not self.found:
            return
        count = len(self.found)
        shown = self.found[:SHOWN_AT_MOST]
        if count > SHOWN_AT_MOST:
            shown = [*shown, f"... and {count - SHOWN_AT_MOST} more"]
        more = " or more" if count >= COLLECTED_AT_MOST else ""
        head = f"{self.subject}: {count}{more} problem{'s' if count > 1 else ''}"
        raise WorldError("\n  ".join([head, *shown]))
