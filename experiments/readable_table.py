"""Tables that stay readable in narrow terminals: no word or figure is broken; without room, rows become entries."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

ENDLESS = 100_000  # characters: a line that every table fits on
INDENT = 3


class ReadableTable(Table):
    """A table of rich that breaks lines between words only.

    rich shares a narrow line out by the widths of whole cells and then breaks words and figures ("depressi-ve"). Here
    every column keeps the room of its longest word; where even that is too much, each row is printed as an entry: its
    first cell, and below it the others, each behind its heading.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the table as rich does where it fits, with whole words, or as entries."""
        natural = Measurement.get(console, options.update(max_width=ENDLESS), self).maximum
        if natural <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        wanted = [_within(column, max(map(len, lines))) for column, lines in self._lines(console)]
        least = [
            most
            if column.no_wrap
            else _within(column, max(1, *(len(word) for line in lines for word in _words(line))))
            for most, (column, lines) in zip(wanted, self._lines(console), strict=True)
        ]
        widths = shared_widths(least, wanted, options.max_width - (natural - sum(wanted)))
        if widths is None:
            yield from self._entries(console)
            return
        declared = [column.width for column in self.columns]
        for column, width in zip(self.columns, widths, strict=True):
            column.width = width
        try:
            yield from super().__rich_console__(console, options)
        finally:
            for column, old in zip(self.columns, declared, strict=True):
                column.width = old

    def _lines(self, console: Console) -> Iterator[tuple[Column, list[str]]]:
        for column in self.columns:
            texts = [_plain(console, cell) for cell in (column.header, *column.cells)]
            yield column, [line for text in texts for line in text.split("\n")]

    def _entries(self, console: Console) -> Iterator[RenderableType]:
        if not self.title:
            yield Text("")
        else:
            yield Text(_plain(console, self.title), style="bold")
        headings = [" ".join(_plain(console, column.header).split()) for column in self.columns]
        cells = [[_plain(console, cell) for cell in column.cells] for column in self.columns]
        for first, *others in zip(*cells, strict=True):
            indent = len(first) - len(first.lstrip())  # of a row that belongs to one above
            if first:
                yield Padding(Text(first.strip()), (0, 0, 0, indent))
            said = entry(headings[1:], [" ".join(cell.split()) for cell in others])
            if said:
                yield Padding(Text(said), (0, 0, 0, indent + INDENT))
        if self.caption:
            yield Text(_plain(console, self.caption))
        if not self.title:
            yield Text("")


def print_notes(console: Console, lines: Iterable[str], style: str = "dim") -> None:
    """Print what stands below tables, each line as it is; in a narrow terminal broken anew, between words."""
    whole = list(lines)
    if console.is_terminal and any(len(line) > console.width for line in whole):
        whole = broken_anew(whole, console.width)
    for line in whole:
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def broken_anew(lines: Sequence[str], width: int) -> list[str]:
    """Return lines of at most `width` characters; where one ends no sentence and the next begins none, they are one.

    Example:
        >>> broken_anew(["One sentence over", "two lines.", "  - an item of a list"], 12)
        ['One sentence', 'over two', 'lines.', '  - an item', '    of a', '    list']
    """
    texts: list[str] = []
    for line in lines:
        goes_on = line[:1].strip() != "" and not line[0].isupper()
        if goes_on and texts and texts[-1] and not texts[-1].endswith((".", ":", ";")):
            texts[-1] += f" {line}"
        else:
            texts.append(line)
    found: list[str] = []
    for text in texts:
        indent = " " * (len(text) - len(text.lstrip()))
        hanging = f"{indent}  " if indent else ""
        found += textwrap.wrap(
            text.strip(), width, initial_indent=indent, subsequent_indent=hanging,
            break_long_words=False, break_on_hyphens=False,
        ) or [""]  # fmt: skip
    return found


def entry(headings: Sequence[str], cells: Sequence[str]) -> str:
    """Return the cells of a row as text, each behind its heading; one without heading goes with the one before it.

    Example:
        >>> entry(["known", "2030", "", "mark"], ["21 of 34", "depressive", "30 / 68 / 2.5", ""])
        'known: 21 of 34; 2030: depressive, 30 / 68 / 2.5'
    """
    said: list[str] = []
    for heading, cell in zip(headings, cells, strict=True):
        if cell and heading:
            said.append(f"{heading}: {cell}")
        elif cell and said:
            said[-1] += f", {cell}"
        elif cell:
            said.append(cell)
    return "; ".join(said)


def shared_widths(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int] | None:
    """Share `room` characters out among columns, always to the one whose cells need most lines: rows stay low.

    Args:
        least: width of the longest word of each column. wanted: width at which no cell needs a second line.

    Returns:
        A width for each column, or None where not even the longest words fit beside each other.

    Example:
        >>> shared_widths([2, 6, 6], [2, 20, 40], 32)
        [2, 10, 20]
        >>> shared_widths([2, 6], [2, 22], 7) is None
        True
    """
    widths = list(least)
    left = room - sum(widths)
    if left < 0:
        return None
    while left > 0:
        lacking = [at for at, most in enumerate(wanted) if most > widths[at]]
        if not lacking:
            break
        widths[max(lacking, key=lambda at: wanted[at] / widths[at])] += 1
        left -= 1
    return widths


def _within(column: Column, width: int) -> int:
    """Return a width inside what is declared for a column."""
    if column.width is not None:
        return column.width
    return max(column.min_width or 0, min(width, column.max_width or width))


def _words(line: str) -> list[str]:
    return line.split() or [""]


def _plain(console: Console, cell: RenderableType) -> str:
    return cell.plain if isinstance(cell, Text) else console.render_str(str(cell)).plain
