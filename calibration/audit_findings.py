"""A finding of the audit: what was tested, with which numbers, what follows and what the calibration does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Verdict = Literal["found", "not found", "not tested"]
Cell = str | int | float | None
FOUND: Final = "found"
NOT_FOUND: Final = "not found"
NOT_TESTED: Final = "not tested"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        id, title: short name for programs and heading for readers.
        verdict: "found" - the defect is in the data; "not found" - tested and absent; "not tested" - the
            files hold too little.
        summary: one or two sentences with the decisive numbers.
        numbers: rows of one table, all with the same keys; a missing figure is None.
        test: how it was tested and from where on it counts as found.
        consequence: what goes wrong for who does not know it.
        treatment: what the calibration does about it.
    """

    id: str
    title: str
    verdict: Verdict
    summary: str
    numbers: tuple[Mapping[str, Cell], ...]
    test: str
    consequence: str
    treatment: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding for other programs."""
        return {
            "id": self.id,
            "title": self.title,
            "verdict": self.verdict,
            "summary": self.summary,
            "numbers": [dict(row) for row in self.numbers],
            "test": self.test,
            "consequence": self.consequence,
            "calibration": self.treatment,
        }


@dataclass(frozen=True)
class Check:
    """A check with its words, whatever the data say: what it is called, tests, means and leads to."""

    id: str
    title: str
    test: str
    consequence: str
    treatment: str

    def _finding(self, verdict: Verdict, summary: str, numbers: list[dict[str, Cell]]) -> Finding:
        return Finding(
            self.id, self.title, verdict, summary, tuple(numbers), self.test, self.consequence, self.treatment
        )

    def result(self, found: bool, summary: str, numbers: list[dict[str, Cell]]) -> Finding:
        """Return the finding of a check that could be made."""
        return self._finding(FOUND if found else NOT_FOUND, summary, numbers)

    def not_tested(self, reason: str) -> Finding:
        """Return the finding of a check for which the files hold too little."""
        return self._finding(NOT_TESTED, reason, [])
