"""Charts of a comparison: fans over years, bars with intervals; unit, source and intervals written in each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from experiments.dashboard.drawing import COLOURS, DASHES, FAINT, INK, Drawing, fitting, text_width, ticks
from experiments.language import Language

WIDTH, HEIGHT = 760.0, 400.0
LEGEND_COLUMNS, LEGEND_ROW = 3, 17.0
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
) -> Drawing:
    """Medians with the central 50 % (dark) and 90 % (light) of the runs, observed figures as dots."""
    entries = [(fan.label, fan.colour, True) for fan in fans]
    if observed:
        entries.append((lang.text("observed"), 0, False))
    extra = LEGEND_ROW * ((len(entries) - 1) // LEGEND_COLUMNS)
    height += extra
    drawing = Drawing(width, height, title, note)
    left, right, top, bottom = 74.0, width - 18.0, 48.0, height - 62.0 - extra
    scale = 100.0 if per_cent else 1.0
    values = [scale * v for fan in fans for path in fan.quantiles for v in path if not math.isnan(v)]
    values += [scale * v for _, v in observed]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    marks = ticks(0.0 if from_zero else low, high)
    floor, ceiling = marks[0], marks[-1]

    def at(year: float, value: float) -> tuple[float, float]:
        x = left + (right - left) * (year - years[0]) / max(1, years[-1] - years[0])
        return x, bottom - (bottom - top) * (scale * value - floor) / (ceiling - floor)

    drawing.text((left - 60, 16), fitting(title, width - 30, 14), size=14, bold=False)
    drawing.text((left - 60, 34), fitting(unit, width - 30), colour="#444444")
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
    for fan in fans:
        _bands(drawing, fan, years, at, min(1.0, 2.0 / len(fans)))
    for fan in fans:
        _median(drawing, lang, fan, years, at, scale)
    for year, value in observed:
        drawing.circle(at(year, value), 3.2, INK, f"{year}: {lang.number(scale * value)}")
    _legend(drawing, entries, height - 26)
    drawing.text((left - 60, height - 6), fitting(note, width - 24, 10.5), size=10.5, colour="#444444")
    return drawing


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


def _legend(drawing: Drawing, entries: Sequence[tuple[str, int, bool]], y: float) -> None:
    """Labels in rows of three, shortened alike where they would not fit; `y` is the last row."""
    rows = [entries[k : k + LEGEND_COLUMNS] for k in range(0, len(entries), LEGEND_COLUMNS)]
    room = (drawing.width - 20.0) / min(LEGEND_COLUMNS, len(entries)) - 42.0
    for number, row in enumerate(rows):
        x, line = 14.0, y - LEGEND_ROW * (len(rows) - 1 - number)
        for label, colour, is_line in row:
            if is_line:
                drawing.line((x, line - 4), (x + 24, line - 4), COLOURS[colour], 2.6, DASHES[colour])
            else:
                drawing.circle((x + 12, line - 4), 3.2, INK)
            shown = fitting(label, room)
            drawing.text((x + 29, line), shown)
            x += room + 42.0 if len(rows) > 1 else 29 + text_width(shown) + 14


def bar_chart(lang: Language, title: str, unit: str, bars: Sequence[Bar], note: str) -> Drawing:
    """Horizontal bars with their intervals, values written beside them."""
    row, top = 30.0, 52.0
    height = top + row * max(1, len(bars)) + 44.0
    drawing = Drawing(WIDTH, height, title, note)
    drawing.text((14, 16), fitting(title, WIDTH - 30, 14), size=14)
    drawing.text((14, 34), fitting(unit, WIDTH - 30), colour="#444444")
    label_width = min(250.0, max([text_width(bar.label) for bar in bars] or [0.0])) + 8
    value_width = max([text_width(bar.written) for bar in bars] or [0.0]) + 10
    left, right = 14 + label_width, WIDTH - 14 - value_width
    known = [v for bar in bars for v in (bar.value, bar.low, bar.high) if math.isfinite(v)]
    marks = ticks(min([0.0, *known]), max([0.0, *known] if any(known) else [1.0]), 4)

    def at(value: float) -> float:
        return left + (right - left) * (value - marks[0]) / (marks[-1] - marks[0])

    for mark in marks:
        drawing.line((at(mark), top - 6), (at(mark), height - 40), INK if mark == 0.0 else FAINT)
        drawing.text(
            (at(mark), height - 26), lang.number(mark, _tick_decimals(marks)), anchor="middle", size=11
        )
    for k, bar in enumerate(bars):
        y = top + k * row
        drawing.text((14, y + 15), fitting(bar.label, label_width - 8))
        if math.isfinite(bar.value):
            start, end = sorted((at(0.0), at(bar.value)))
            drawing.box(start, y + 3, end - start, 16, COLOURS[bar.colour], f"{bar.label}: {bar.written}")
        if math.isfinite(bar.low) and math.isfinite(bar.high):
            drawing.line((at(bar.low), y + 11), (at(bar.high), y + 11), INK, 2.0)
            for end in (bar.low, bar.high):
                drawing.line((at(end), y + 6), (at(end), y + 16), INK, 2.0)
        drawing.text((WIDTH - 14, y + 15), bar.written, anchor="end")
    drawing.text((14, height - 6), fitting(note, WIDTH - 24, 10.5), size=10.5, colour="#444444")
    return drawing


def _tick_decimals(marks: Sequence[float]) -> int:
    step = abs(marks[1] - marks[0]) if len(marks) > 1 else 1.0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return decimals + (1 if round(step * 10**decimals, 6) % 1 else 0)
