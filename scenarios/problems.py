"""What is wrong with scenario files: collected, then raised all at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHOWN_AT_MOST = 50


class ScenarioError(ValueError):
    """A policy or a future cannot be used.

    The message lists every problem found, each with its place (file and key), what was expected and, where a
    name is unknown, the nearest valid one. `partial` holds what could be read all the same (a Policy or a Future),
    so that more can be checked.

    Example:
        >>> from scenarios.problems import ScenarioError
        >>> from scenarios.reading import load_policy
        >>> try:
        ...     load_policy("setlers")
        ... except ScenarioError as fault:
        ...     print("settlers" in str(fault))
        True
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial


class Findings:
    """The problems found so far in the files of one scenario, or between one and a world."""

    def __init__(self, subject: str) -> None:
        """Start with no problem; `subject` opens the message (for example: policy 'housing')."""
        self.subject = subject
        self.found: list[str] = []

    def at(self, where: Path | str, key: Sequence[str | int], text: str) -> None:
        """Note a problem at a key of a file (or of a policy); an empty key means the whole."""
        dotted = ".".join(str(part) for part in key)
        note = f"{where}: {dotted}: {text}" if dotted else f"{where}: {text}"
        if note not in self.found:
            self.found.append(note)

    def raise_if_any(self, partial: Any = None) -> None:
        """Raise one ScenarioError that lists every problem; do nothing when there is none."""
        if not self.found:
            return
        count = len(self.found)
        shown = self.found[:SHOWN_AT_MOST]
        if count > SHOWN_AT_MOST:
            shown = [*shown, f"... and {count - SHOWN_AT_MOST} more"]
        head = f"{self.subject}: {count} problem{'s' if count > 1 else ''}"
        raise ScenarioError("\n  ".join([head, *shown]), partial)
