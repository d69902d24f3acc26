"""Tables of a measurement, printed in the terminal and written as Markdown from the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table

from experiments.readable_table import ReadableTable


@dataclass(frozen=True)
class Sheet:
    """One table of a measurement.

    Attributes:
        title: heading. headings: of the columns. rows: texts, one for every column.
        words: how many leading columns hold words (flush left); the others hold numbers (flush right).
        notes: how it was measured, which target is met.
    """

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: int = 1
    notes: tuple[str, ...] = field(default=())

    def table(self) -> Table:
        """The table for a terminal."""
        table = ReadableTable(title=self.title, caption="\n".join(self.notes) or None, caption_justify="left")
        for number, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if number < self.words else "right")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """The same as Markdown, ending in a newline."""
        rule = ["---" if number < self.words else "---:" for number in range(len(self.headings))]
        lines = [f"**{self.title}**", ""]
        lines += ["| " + " | ".join(cells) + " |" for cells in (self.headings, rule, *self.rows)]
        lines += ["", *(f"{note}  " for note in self.notes)] if self.notes else []
        return "\n".join(lines) + "\n"


def verdict(value: float, target: float, at_most: bool = False) -> str:
    """Whether a measured value reaches its target, as a word."""
    return "met" if (value <= target if at_most else value >= target) else "missed"
