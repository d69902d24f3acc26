"""Figures of the rating: probabilities of the classes by year, and under each policy."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator, StrMethodFormatter

from calibration.rating import Rating
from calibration.rating_system import CLASSES, LABEL
from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    LineStyle,
    line_handle,
    mark_window,
    window_handle,
)
from experiments.rate_files import chance_of
from model.world import World

CLASS_COLOURS = (GREEN, YELLOW, VERMILLION)
LINES: tuple[tuple[str, LineStyle], ...] = tuple(
    (colour, dashes)
    for dashes in ("-", "--", ":")
    for colour in (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK)
)
MOST_SCENARIOS = 10


def footer_text(figure: Figure, width: float, height: float, lines: Sequence[str]) -> None:
    """Write lines at the foot of a figure of this size in inches."""
    figure.text(
        0.12 / width, 0.1 / height, "\n".join(lines), fontsize=6.5, color=GREY, va="bottom", linespacing=1.3
    )


def wrapped(width: float, *texts: str) -> list[str]:
    """Texts broken into lines that fit a figure of this width in inches."""
    return [row for text in texts if text for row in textwrap.wrap(text, int(width * 20))]


def _grid(number: int) -> tuple[int, int, float, float]:
    """Rows, columns, width and height of panels."""
    columns = 2 if number <= 4 else 3 if number <= 9 else 6
    columns = min(columns, number)
    size = (4.0, 1.9) if columns <= 2 else (2.7, 1.6) if columns == 3 else (1.75, 1.3)
    return -(-number // columns), columns, *size


def _panels(
    title: str, number: int, lines_of: Sequence[str], legend: Sequence[Artist], legend_rows: int
) -> tuple[Figure, list[Axes]]:
    rows, columns, panel_width, panel_height = _grid(number)
    gap_x, gap_y, left = 0.45, 0.5, 0.55
    width = left + columns * panel_width + (columns - 1) * gap_x + 0.2
    lines = wrapped(width, *lines_of)
    header = 0.75 + 0.17 * legend_rows
    below = 0.5 + 0.14 * len(lines)
    height = header + rows * panel_height + (rows - 1) * gap_y + below
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(0.12 / width, 1 - 0.12 / height, title, fontsize=12, fontweight="bold", va="top")
    figure.legend(
        handles=list(legend),
        loc="upper left",
        bbox_to_anchor=(0.1 / width, 1 - 0.36 / height),
        ncols=-(-len(legend) // legend_rows),
        frameon=False,
        fontsize=7,
        borderaxespad=0,
    )
    drawn = []
    for cell in range(number):
        row, column = divmod(cell, columns)
        axes = figure.add_axes(
            (
                (left + column * (panel_width + gap_x)) / width,
                1 - (header + row * (panel_height + gap_y) + panel_height) / height,
                panel_width / width,
                panel_height / height,
            )
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(length=2.5, width=0.6, labelsize=6.5)
        axes.set_ylim(0, 100)
        axes.yaxis.set_major_locator(FixedLocator((0, 25, 50, 75, 100)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        if column == 0:
            axes.set_ylabel("share of draws, %", fontsize=6.5)
        drawn.append(axes)
    footer_text(figure, width, height, lines)
    return figure, drawn


def class_chart(
    scenario: str, rating: Rating, names: Mapping[str, str], world: World, identity: str
) -> Figure:
    """Class probabilities by year, stacked, with the range over missing indicators of extinction and development."""
    figures, found = rating.figures, rating.probabilities
    years = np.array(figures.years, dtype=np.float64)
    legend = [
        *(Patch(facecolor=colour, label=name) for colour, name in zip(CLASS_COLOURS, CLASSES, strict=True)),
        window_handle(),
    ]
    lines = (
        f"{LABEL} Shares of {found.draws:,} draws over {figures.values.shape[0]} runs, weights, thresholds and missing"
        " indicators. In small type the range of a share in the last year when all unknown indicators stand at one"
        " level from worst to best and drift together. Pale: fewer than half of the indicators known, no class may be"
        " named.",
        identity,
    )
    figure, panels = _panels(
        f"Class probabilities, {scenario}: {world.title['en']}", len(figures.places), lines, legend, 1
    )
    for p, axes in enumerate(panels):
        share = 100.0 * found.share[:, p]
        rated = ~np.isnan(share[:, 0])
        x = years[rated]
        lowest = share[rated, 2]
        top = 100.0 - share[rated, 0]
        alpha = 0.85 if found.printable[:, p][rated].any() else 0.3
        axes.fill_between(x, 0, lowest, color=CLASS_COLOURS[2], alpha=alpha, linewidth=0)
        axes.fill_between(x, lowest, top, color=CLASS_COLOURS[1], alpha=alpha, linewidth=0)
        axes.fill_between(x, top, 100, color=CLASS_COLOURS[0], alpha=alpha, linewidth=0)
        for k, y, at in ((0, 0.97, "top"), (2, 0.03, "bottom")):
            low, high = 100 * found.low[-1, p, k], 100 * found.high[-1, p, k]
            axes.text(
                0.99, y, f"{low:.0f}-{high:.0f} %", transform=axes.transAxes, ha="right", va=at, fontsize=6
            )
        axes.set_xlim(years[0], years[-1])
        mark_window(axes)
        axes.set_title(
            names[figures.places[p]],
            loc="left",
            fontsize=min(8.5, 100 / len(names[figures.places[p]]) * 2.2),
            fontweight="bold",
            pad=3,
        )
    return figure


def policy_chart(
    k_class: int, simulated: Mapping[str, Rating], names: Mapping[str, str], world: World, identity: str
) -> Figure:
    """Probability of a class by year under each policy, on the same runs and draws."""
    shown = list(simulated.items())[:MOST_SCENARIOS]
    first = shown[0][1]
    legend = [
        line_handle(colour, name, dashes) for (name, _), (colour, dashes) in zip(shown, LINES, strict=False)
    ]
    left_out = len(simulated) - len(shown)
    lines = (
        f"{LABEL} Share of {first.probabilities.draws:,} draws in the class '{CLASSES[k_class]}', the same runs,"
        " weights, thresholds and missing scores under every policy; pale band: 95 % (Wilson, runs) of the first one."
        + (f" {left_out} further scenarios are in rating.csv." if left_out else ""),
        identity,
    )
    rows = -(-len(shown) // 5)
    figure, panels = _panels(
        f"Chance of the class '{CLASSES[k_class]}': {world.title['en']}",
        len(first.figures.places),
        lines,
        legend,
        rows,
    )
    for p, axes in enumerate(panels):
        top = 1.0
        for k, (_, rating) in enumerate(shown):
            share = 100.0 * rating.probabilities.share[:, p, k_class]
            years = np.array(rating.figures.years, dtype=np.float64)
            rated = ~np.isnan(share)
            colour, dashes = LINES[k]
            axes.plot(years[rated], share[rated], color=colour, linestyle=dashes, linewidth=1.3)
            top = max(top, float(np.nanmax(share)))
            if k == 0:
                ends = np.array([chance_of(rating, int(t), p, k_class) for t in np.flatnonzero(rated)])
                axes.fill_between(
                    years[rated], 100 * ends[:, 0], 100 * ends[:, 1], color=colour, alpha=0.15, linewidth=0
                )
                top = max(top, float(100 * ends[:, 1].max()))
        axes.set_ylim(0, 1.05 * top)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        mark_window(axes)
        place = first.figures.places[p]
        axes.set_title(
            names[place], loc="left", fontsize=min(8.5, 220 / len(names[place])), fontweight="bold", pad=3
        )
    return figure
