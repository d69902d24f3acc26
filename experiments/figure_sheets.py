"""Sheets of small panels in one plain style: layout in inches, legends, footers, files as PNG and SVG."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, StrMethodFormatter

from experiments.forecast_summaries import Floats
from model.accounts_data import LAST_COUNT_YEAR

# Okabe & Ito 2008, colours told apart with any colour vision; neighbours in a figure also differ in lightness
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
ORANGE, YELLOW, VERMILLION, PURPLE = "#E69F00", "#F0E442", "#D55E00", "#CC79A7"
BLACK, GREY, PALE = "#000000", "#666666", "#d9d9d9"

WINDOW_DASHES: Final = (0, (1.5, 1.5))
WINDOW_LABEL = f"observed until 1 January {LAST_COUNT_YEAR}"
LineStyle = Literal["-", "--", ":"] | tuple[float, tuple[float, ...]]
LABEL_BELOW, LABEL_LEFT = 0.3, 0.54  # inches from the axes to the middle of their labels
DPI: Final = 150
# Text stays text in SVG; a fixed salt and no date make equal results equal files
STYLE: Final = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "qyzyljar",
}


@dataclass(frozen=True)
class Chart:
    """What one panel shows of one place.

    Attributes:
        name: stem of the file when the chart fills a sheet of its own.
        title, unit, x_label: heading, label of the vertical axis, label of the horizontal axis.
        draw: draws one place, given by its index, into the axes.
        legend: handles of the chart's legend.
        ticks: ticks of the horizontal axis; none lets matplotlib choose.
        same_scale: whether all panels share the range of the vertical axis.
        note: what a reader has to know about this chart, for the footer.
        sources: variables of the official accounts that the chart draws, for the footer.
        intervals: whether the chart shows intervals over the runs.
    """

    name: str
    title: str
    unit: str
    x_label: str
    draw: Callable[[Axes, int], None]
    legend: tuple[Artist, ...]
    ticks: tuple[int, ...] | None = None
    same_scale: bool = False
    note: str = ""
    sources: tuple[str, ...] = ()
    intervals: bool = True


@dataclass(frozen=True)
class Panels:
    """The size of panels and of the space around them, in inches."""

    rows: int
    columns: int
    width: float
    height: float
    left: float = 0.78
    right: float = 0.2
    gap_x: float = 0.62
    gap_y: float = 0.5
    header: float = 0.9
    axis: float = 0.54

    @property
    def sheet_width(self) -> float:
        """Width of the whole sheet."""
        return self.left + self.columns * self.width + (self.columns - 1) * self.gap_x + self.right


def grid_of(number: int) -> Panels:
    """Return the grid for one chart of ``number`` places."""
    if number == 1:
        return Panels(1, 1, 8.2, 4.4)
    if number <= 4:
        return Panels(-(-number // 2), 2, 4.5, 2.6)
    columns = 3 if number <= 9 else 4 if number <= 12 else 6
    width, height = {3: (3.1, 2.1), 4: (2.5, 1.9), 6: (1.95, 1.85)}[columns]
    return Panels(-(-number // columns), columns, width, height, gap_x=0.58)


def rows_of(places: int, charts: int) -> Panels:
    """Return the grid for several charts as columns, a row for each place."""
    return Panels(places, charts, 3.35, 1.75, header=1.05, gap_x=0.72)


def fan(axes: Axes, x: Floats, band: Floats, colour: str) -> None:
    """Draw the bands of 90 % and 50 % and the median of quantiles [5, len(x)]."""
    axes.fill_between(x, band[0], band[4], color=colour, alpha=0.16, linewidth=0)
    axes.fill_between(x, band[1], band[3], color=colour, alpha=0.30, linewidth=0)
    axes.plot(x, band[2], color=colour, linewidth=1.3)


def open_fan(axes: Axes, x: Floats, band: Floats, colour: str, style: LineStyle = "-") -> None:
    """Draw the same with thin lines around the 90 %: four overlapping bands cannot be told apart."""
    axes.fill_between(x, band[1], band[3], color=colour, alpha=0.25, linewidth=0)
    axes.plot(x, band[[0, 4]].T, color=colour, linewidth=0.5, linestyle=style)
    axes.plot(x, band[2], color=colour, linewidth=1.4, linestyle=style)


def points(axes: Axes, series: dict[int, float], shift: float, marker: str, colour: str) -> None:
    """Draw observed figures by year, moved by ``shift`` years (0.5 for what happens during a year)."""
    axes.plot(
        np.array(list(series), dtype=np.float64) + shift,
        list(series.values()),
        linestyle="none",
        marker=marker,
        markersize=3.2,
        markerfacecolor=colour,
        markeredgecolor=BLACK,
        markeredgewidth=0.5,
        zorder=4,
    )


def mark_window(axes: Axes) -> None:
    """Draw the end of the observation window, 1 January 2021."""
    axes.axvline(LAST_COUNT_YEAR, color=GREY, linewidth=0.7, linestyle=WINDOW_DASHES)


def window_handle() -> Line2D:
    """Return the legend of the end of the observation window."""
    return Line2D([], [], color=GREY, linewidth=0.9, linestyle=WINDOW_DASHES, label=WINDOW_LABEL)


def band_handles(colour: str) -> tuple[Artist, ...]:
    """Return the legend of a single fan."""
    return (
        Line2D([], [], color=colour, linewidth=1.3, label="median"),
        Patch(color=colour, alpha=0.42, linewidth=0, label="50 % of the runs"),
        Patch(color=colour, alpha=0.16, linewidth=0, label="90 % of the runs"),
    )


def line_handle(colour: str, label: str, style: LineStyle = "-", width: float = 1.3) -> Line2D:
    """Return the legend of a line."""
    return Line2D([], [], color=colour, linestyle=style, linewidth=width, label=label)


def point_handle(marker: str, colour: str, label: str) -> Line2D:
    """Return the legend of observed points."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=4,
        markerfacecolor=colour,
        markeredgecolor=BLACK,
        markeredgewidth=0.5,
        label=label,
    )


def year_ticks(first: int, last: int, start: int, at_most: int) -> tuple[int, ...]:
    """Return at most ``at_most`` evenly spaced years between ``first`` and ``last``, ``start`` among them."""
    for step in (1, 2, 5, 10, 15, 20, 25, 50):
        low = start - (start - first) // step * step
        ticks = tuple(range(low, last + 1, step))
        if len(ticks) <= at_most:
            return ticks
    return (start,)


def draw_sheet(
    title: str, charts: Sequence[Chart], places: Sequence[tuple[int, str]], footer: Sequence[str]
) -> Figure:
    """Draw a sheet: one chart for all places in a grid, or several charts as columns with a row per place.

    Args:
        title: heading of the sheet.
        charts: the charts; more than one become columns.
        places: index and name of each place, in the order of drawing.
        footer: lines below the panels, wrapped to the sheet's width.
    """
    grid = len(charts) == 1
    panels = grid_of(len(places)) if grid else rows_of(len(places), len(charts))
    width = panels.sheet_width
    lines = [row for line in footer for row in textwrap.wrap(line, int(width * 20))]
    below = panels.axis + 0.14 * len(lines) + 0.1
    height = panels.header + panels.rows * panels.height + (panels.rows - 1) * panels.gap_y + below
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(0.12 / width, 1 - 0.12 / height, title, fontsize=12, fontweight="bold", va="top")
    figure.text(
        0.12 / width, 0.1 / height, "\n".join(lines), fontsize=6.5, color=GREY, va="bottom", linespacing=1.3
    )
    drawn: list[list[Axes]] = [[] for _ in charts]
    cells = len(places) * len(charts)
    for cell in range(cells):
        row, column = divmod(cell, panels.columns)
        number = cell if grid else row
        chart_number = 0 if grid else column
        chart, (place, name) = charts[chart_number], places[number]
        axes = figure.add_axes(
            (
                (panels.left + column * (panels.width + panels.gap_x)) / width,
                1 - (panels.header + row * (panels.height + panels.gap_y) + panels.height) / height,
                panels.width / width,
                panels.height / height,
            )
        )
        _dress(axes, chart)
        chart.draw(axes, place)
        size = _fitting(name, panels.width)
        axes.set_title(name, loc="left", fontsize=size, fontweight="bold", pad=4, y=1.0)
        # Fixed places of title and labels: matplotlib would lay out the ticks four times to find them
        axes.xaxis.set_label_coords(0.5, -LABEL_BELOW / panels.height)
        axes.yaxis.set_label_coords(-LABEL_LEFT / panels.width, 0.5)
        if column == 0 or not grid:
            axes.set_ylabel(chart.unit)
        if cell + panels.columns >= cells:
            axes.set_xlabel(chart.x_label)
        drawn[chart_number].append(axes)
    for number, chart in enumerate(charts):
        if chart.same_scale:
            _share_range(drawn[number])
        left = panels.left + number * (panels.width + panels.gap_x) if not grid else 0.12
        _head(figure, chart, left / width, height, grid)
    return figure


def save_sheet(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a sheet as PNG (150 dpi) and SVG; return both paths."""
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    figure.savefig(png, dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    figure.savefig(svg, metadata={"Date": None})
    return [png, svg]


def style() -> mpl.RcParams:
    """Return matplotlib's own defaults with the style of the figures, whatever a matplotlibrc says."""
    return mpl.RcParams({**mpl.rcParamsDefault, **STYLE})


def _dress(axes: Axes, chart: Chart) -> None:
    """Leave of the frame only what is read."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2.5, width=0.6, labelsize=7)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    axes.grid(axis="y", color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)
    if chart.ticks is not None:
        axes.xaxis.set_major_locator(FixedLocator(chart.ticks))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))


def _head(figure: Figure, chart: Chart, left: float, height: float, grid: bool) -> None:
    """Write the legend of a sheet, or heading and legend of a column."""
    top = 0.38
    if not grid:
        figure.text(left, 1 - top / height, chart.title, fontsize=9, va="top")
        top += 0.16
    figure.legend(
        handles=list(chart.legend),
        loc="upper left",
        bbox_to_anchor=(left, 1 - top / height),
        ncols=len(chart.legend) if grid else 2,
        frameon=False,
        fontsize=7.5 if grid else 6.5,
        borderaxespad=0,
        borderpad=0.2,
        handlelength=1.8,
        columnspacing=1.4,
        labelspacing=0.3,
    )


def _share_range(axes: Sequence[Axes]) -> None:
    low = min(panel.get_ylim()[0] for panel in axes)
    high = max(panel.get_ylim()[1] for panel in axes)
    for panel in axes:
        panel.set_ylim(low, high)


def _fitting(name: str, width: float) -> float:
    """Return the size of bold type, in points, that fits a name to a panel's width in inches."""
    return min(9.0, width * 72 / (0.62 * max(len(name), 1)))
