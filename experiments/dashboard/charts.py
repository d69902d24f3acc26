"""Charts of a comparison: fans over years, bars with intervals; unit, source and intervals written in each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.dashboard.drawing import (
    COLOURS,
    DASHES,
    FAINT,
    GREY,
    INK,
    Drawing,
    text_width,
    ticks,
    wrapped,
)
from experiments.language import Language

WIDTH, HEIGHT = 760.0, 400.0
LINE, SMALL, SMALL_LINE = 16.0, 10.5, 13.0  # heights of lines of text; size of notes
KEY, GAP = 29.0, 16.0  # room of a sign of the legend, and between its entries
NARROWEST_BARS = 150.0  # room that labels and values leave for the bars
Path = Sequence[float]


@dataclass(frozen=True)
class Fan:
    """A series with its bands over years.

    Attributes:
        label: in the reader's language. colour: number in the palette. quantiles: 5, 25, 50, 75, 95 % by year.
    """

    label: str
    colour: int
    quantiles: Sequence[Path]


@dataclass(frozen=True)
class Bar:
    """A value with its interval; `low` and `high` NaN where it has none."""

    label: str
    colour: int
    value: float
    low: float
    high: float
    written: str


def fan_chart(
    lang: Language,
    title: str,
    unit: str,
    years: Sequence[int],
    fans: Sequence[Fan],
    note: str,
    *,
    observed: Sequence[tuple[int, float]] = (),
    per_cent: bool = False,
    from_zero: bool = False,
    mark_year: int | None = None,
    width: float = WIDTH,
    height: float = HEIGHT,
    legend: bool = True,
) -> Drawing:
    """Medians with the central 50 % (dark) and 90 % (light) of the runs, observed figures as dots."""
    entries = [(fan.label, fan.colour, True) for fan in fans]
    if observed:
        entries.append((lang.text("observed"), 0, False))
    head = _Head(title, unit, note, width)
    rows = _legend_rows(entries, width - 28.0) if legend else []
    below = _height(rows) + head.foot
    drawing = Drawing(width, height + head.extra + below - LINE - SMALL_LINE, title, note)
    left, right, top, bottom = 74.0, width - 18.0, 48.0 + head.extra, drawing.height - below - 30.0
    scale = 100.0 if per_cent else 1.0
    values = [scale * v for fan in fans for path in fan.quantiles for v in path if not math.isnan(v)]
    values += [scale * v for _, v in observed]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    marks = ticks(0.0 if from_zero else low, high)
    floor, ceiling = marks[0], marks[-1]

    def at(year: float, value: float) -> tuple[float, float]:
        x = left + (right - left) * (year - years[0]) / max(1, years[-1] - years[0])
        return x, bottom - (bottom - top) * (scale * value - floor) / (ceiling - floor)

    head.draw(drawing)
    for mark in marks:
        y = at(years[0], mark / scale)[1]
        drawing.line((left, y), (right, y))
        drawing.text((left - 6, y + 4), lang.number(mark, _tick_decimals(marks)), anchor="end")
    step = 5 if width > 500 else 10
    for year in range(step * math.ceil(years[0] / step), years[-1] + 1, step):
        x = at(year, floor / scale)[0]
        drawing.line((x, bottom), (x, bottom + 4), INK)
        drawing.text((x, bottom + 17), str(year), anchor="middle")
    if mark_year is not None and years[0] <= mark_year <= years[-1]:
        x = at(mark_year, floor / scale)[0]
        drawing.line((x, top), (x, bottom), INK, 1.0, "3 3")
        said = lang.text("policies from {year}", year=mark_year)
        if x + 4 + text_width(said, SMALL) < right:
            # A long unit reaches over the line: then the words stand at its foot
            height_said = bottom - 5 if 14.0 + text_width(head.unit[-1]) > x else top - 3
            drawing.text((x + 4, height_said), said, size=SMALL, colour=GREY)
    for fan in fans:
        _bands(drawing, fan, years, at, min(1.0, 2.0 / len(fans)))
    for fan in fans:
        _median(drawing, lang, fan, years, at, scale)
    for year, value in observed:
        drawing.circle(at(year, value), 3.2, INK, f"{year}: {lang.number(scale * value)}")
    _legend(drawing, rows, bottom + 40.0)
    return drawing


def legend_strip(lang: Language, labels: Sequence[str], note: str, width: float = WIDTH) -> Drawing:
    """The legend of several fans that stand together without one: their series, in the order of the palette."""
    entries = [(label, colour, True) for colour, label in enumerate(labels)]
    rows = _legend_rows([*entries, (lang.text("observed"), 0, False)], width - 28.0)
    lines = wrapped(note, width - 28.0, SMALL)
    drawing = Drawing(width, _height(rows) + SMALL_LINE * len(lines) + 10.0, note)
    _legend(drawing, rows, 15.0)
    for k, line in enumerate(reversed(lines)):
        drawing.text((14, drawing.height - 6 - SMALL_LINE * k), line, size=SMALL, colour=GREY)
    return drawing


class _Head:
    """Title and unit above a figure and the note below it, in as many lines as they need.

    Attributes:
        extra: height of lines beyond one of the title and one of the unit. foot: height of the note.
    """

    def __init__(self, title: str, unit: str, note: str, width: float) -> None:
        self.title, self.unit = wrapped(title, width - 28.0, 14), wrapped(unit, width - 28.0)
        self.note = wrapped(note, width - 28.0, SMALL)
        self.extra = LINE * (len(self.title) + len(self.unit) - 2)
        self.foot = SMALL_LINE * len(self.note) + 4.0 if note else 0.0

    def draw(self, drawing: Drawing) -> None:
        """Write them."""
        for k, line in enumerate(self.title):
            drawing.text((14, 16 + LINE * k), line, size=14)
        for k, line in enumerate(self.unit):
            drawing.text((14, 34 + LINE * (len(self.title) - 1 + k)), line, colour=GREY)
        for k, line in enumerate(reversed(self.note) if self.foot else ()):
            drawing.text((14, drawing.height - 6 - SMALL_LINE * k), line, size=SMALL, colour=GREY)


def _bands(
    drawing: Drawing,
    fan: Fan,
    years: Sequence[int],
    at: Callable[[float, float], tuple[float, float]],
    strength: float,
) -> None:
    """Central 90 and 50 % of the runs; fainter where many fans lie over each other."""
    for outer, opacity in ((0, 0.13), (1, 0.2)):
        low, high = fan.quantiles[outer], fan.quantiles[-1 - outer]
        known = [k for k in range(len(low)) if not math.isnan(low[k])]
        drawing.area(
            [at(years[k], high[k]) for k in known] + [at(years[k], low[k]) for k in reversed(known)],
            COLOURS[fan.colour],
            opacity * strength,
        )
        if outer == 0:  # its tint alone could not be told from the paper
            for edge in (low, high):
                drawing.polyline([at(years[k], edge[k]) for k in known], COLOURS[fan.colour], 0.6)


def _median(
    drawing: Drawing,
    lang: Language,
    fan: Fan,
    years: Sequence[int],
    at: Callable[[float, float], tuple[float, float]],
    scale: float,
) -> None:
    middle = fan.quantiles[2]
    known = [k for k in range(len(middle)) if not math.isnan(middle[k])]
    if known:
        last = known[-1]
        tip = f"{fan.label}: {years[last]}: {lang.number(scale * middle[last])}"
        drawing.polyline(
            [at(years[k], middle[k]) for k in known], COLOURS[fan.colour], 2.4, DASHES[fan.colour], tip
        )


Entry = tuple[str, int, bool]
Placed = tuple[float, int, bool, list[str]]  # left edge, colour, whether a line, lines of text


def _legend_rows(entries: Sequence[Entry], room: float) -> list[list[Placed]]:
    """Rows of a legend: each as many entries as stand whole beside each other; longer ones are broken into lines."""
    rows: list[list[Placed]] = []
    x = 0.0
    for label, colour, is_line in entries:
        lines = wrapped(label, room - KEY)
        width = KEY + max(text_width(line) for line in lines)
        if not rows or x + width > room:
            rows.append([])
            x = 0.0
        rows[-1].append((x, colour, is_line, lines))
        x += width + GAP
    return rows


def _height(rows: Sequence[Sequence[Placed]]) -> float:
    """Height of a legend."""
    return LINE * sum(max(len(entry[3]) for entry in row) for row in rows)


def _legend(drawing: Drawing, rows: Sequence[Sequence[Placed]], y: float) -> None:
    """Draw a legend whose first line of text stands at `y`."""
    for row in rows:
        for left, colour, is_line, lines in row:
            x = 14.0 + left
            if is_line:
                drawing.line((x, y - 4), (x + 24, y - 4), COLOURS[colour], 2.6, DASHES[colour])
            else:
                drawing.circle((x + 12, y - 4), 3.2, INK)
            for k, line in enumerate(lines):
                drawing.text((x + KEY, y + LINE * k), line)
        y += LINE * max(len(entry[3]) for entry in row)


def bar_chart(lang: Language, title: str, unit: str, bars: Sequence[Bar], note: str) -> Drawing:
    """Horizontal bars with their intervals, values written beside them."""
    head = _Head(title, unit, note, WIDTH)
    value_width = max([text_width(bar.written) for bar in bars] or [0.0]) + 10
    room = min(250.0, WIDTH - 28.0 - value_width - NARROWEST_BARS)
    labels = [wrapped(bar.label, room) for bar in bars]
    row = 8.0 + max(22.0, LINE * max([len(lines) for lines in labels] or [1]))
    top = 52.0 + head.extra
    axis = top + row * max(1, len(bars)) + 6.0
    drawing = Drawing(WIDTH, axis + 20.0 + head.foot, title, note)
    head.draw(drawing)
    label_width = max([text_width(line) for lines in labels for line in lines] or [0.0]) + 8
    left, right = 14 + label_width, WIDTH - 14 - value_width
    known = [v for bar in bars for v in (bar.value, bar.low, bar.high) if math.isfinite(v)]
    marks = ticks(min([0.0, *known]), max([0.0, *known] if any(known) else [1.0]), 4)

    def at(value: float) -> float:
        return left + (right - left) * (value - marks[0]) / (marks[-1] - marks[0])

    for mark in marks:
        drawing.line((at(mark), top - 6), (at(mark), axis), INK if mark == 0.0 else FAINT)
        drawing.text(
            (at(mark), axis + 14), lang.number(mark, _tick_decimals(marks)), anchor="middle", size=11
        )
    for k, bar in enumerate(bars):
        y = top + k * row
        for line, words in enumerate(labels[k]):
            drawing.text((14, y + 15 + LINE * line), words)
        if math.isfinite(bar.value):
            start, end = sorted((at(0.0), at(bar.value)))
            drawing.box(start, y + 3, end - start, 16, COLOURS[bar.colour], f"{bar.label}: {bar.written}")
        if math.isfinite(bar.low) and math.isfinite(bar.high):
            drawing.line((at(bar.low), y + 11), (at(bar.high), y + 11), INK, 2.0)
            for end in (bar.low, bar.high):
                drawing.line((at(end), y + 6), (at(end), y + 16), INK, 2.0)
        drawing.text((WIDTH - 14, y + 15), bar.written, anchor="end")
    return drawing


def _tick_decimals(marks: Sequence[float]) -> int:
    step = abs(marks[1] - marks[0]) if len(marks) > 1 else 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return decimals + (1 if round(step * 10**decimals, 6) % 1 else 0)
