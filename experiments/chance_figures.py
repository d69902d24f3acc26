"""Figure of what common random numbers save: ratios of variance by year and size, and one effect both ways."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.chance import DEFAULTS, WAGE_CHANGE, Study
from experiments.chance_sheets import RATIO_TARGET
from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    LineStyle,
    save_sheet,
    style,
)

LEAST_DIFFERENT = 20  # pairs in which anything differs; a ratio from fewer says nothing
NINETY = 1.645  # standard deviations to either side that hold 90 % of a normal variate
LINES: dict[str, tuple[str, LineStyle, str]] = {
    "wage +0.5 %": (SKY, "-", "o"),
    "wage +2 %": (BLUE, "-", "o"),
    "wage +10 %": (BLACK, "-", "o"),
    "home wages +2 %": (GREEN, "--", "s"),
    "zone, 25 jobs": (ORANGE, ":", "^"),
    "zone, 100 jobs": (VERMILLION, ":", "^"),
    "zone, 400 jobs": (PURPLE, ":", "^"),
}


def draw_chance(study: Study, folder: Path) -> list[Path]:
    """Draw into `folder/chance.png` and `.svg`."""
    with mpl.rc_context(style()):
        figure = Figure(figsize=(10.4, 4.3), facecolor="white")
        panels = figure.subplots(1, 3)
        for place, axes in enumerate(panels[:2]):
            _draw_ratios(axes, study, place)
        panels[0].set_title(f"{study.names[0]}, the changed town", loc="left", fontsize=9, fontweight="bold")
        panels[1].set_title(f"{study.names[1]}, spill-over", loc="left", fontsize=9, fontweight="bold")
        _draw_effect(panels[2], study)
        figure.suptitle(
            "What common random numbers save", x=0.012, y=0.985, ha="left", fontsize=12, fontweight="bold"
        )
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0.01, 0.115), ncols=len(labels), frameon=False,
            fontsize=7, columnspacing=1.2, handlelength=2.2,
        )  # fmt: skip
        figure.text(
            0.012,
            0.015,
            "Left and middle: variance of the difference in population between a run with and one without the change,"
            f" two independent seeds over one shared seed; {study.pairs} pairs, default parameters, whiskers 90 %"
            " (bootstrap).\n"
            f"Right: '{WAGE_CHANGE}' in {study.names[0]}: mean difference, and the range of 90 % of single pairs"
            " (1.645 standard deviations). Scales of ratios are logarithmic.",
            fontsize=6.5,
            color=GREY,
            va="bottom",
            linespacing=1.4,
        )
        figure.subplots_adjust(left=0.066, right=0.985, top=0.84, bottom=0.31, wspace=0.3)
        folder.mkdir(parents=True, exist_ok=True)
        return save_sheet(figure, folder, "chance")


def _draw_ratios(axes: Axes, study: Study, place: int) -> None:
    years = np.array(study.years, np.float64)
    shown = {name: look for name, look in LINES.items() if name in study.comparisons[DEFAULTS]}
    for number, (name, (colour, dashes, marker)) in enumerate(shown.items()):
        comparison = study.comparisons[DEFAULTS][name]
        known = [
            at
            for at in range(len(years))
            if np.count_nonzero(comparison.paired[:, at, place]) >= LEAST_DIFFERENT
        ]
        if not known:
            continue
        ratios = np.array([comparison.ratio(at, place) for at in known])
        bounds = np.array([comparison.ratio_interval(at, place) for at in known]).T
        x = years[known] * (1 + 0.012 * (number - len(shown) / 2))
        axes.errorbar(
            x, ratios, yerr=np.abs(bounds - ratios), color=colour, linestyle=dashes, marker=marker,
            markersize=3, linewidth=1.1, elinewidth=0.6, label=name,
        )  # fmt: skip
    axes.axhline(RATIO_TARGET, color=GREY, linewidth=0.8, linestyle="--")
    axes.annotate(
        "target at 10 years",
        (years[0], RATIO_TARGET),
        (0, 3),
        textcoords="offset points",
        fontsize=7,
        color=GREY,
    )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(bottom=10)
    axes.set_ylabel("ratio of variances")
    _dress(axes, years)


def _draw_effect(axes: Axes, study: Study) -> None:
    years = np.array(study.years, np.float64)
    comparison = study.comparisons[DEFAULTS].get(WAGE_CHANGE)
    if comparison is None:
        return
    mean = np.array([comparison.effect(at, 0) for at in range(len(years))])
    for design, colour, alpha, label in (
        ("independent", ORANGE, 0.25, "independent seeds"),
        ("paired", BLUE, 0.5, "common random numbers"),
    ):
        half = NINETY * np.array([comparison.spread(at, 0, design) for at in range(len(years))])
        axes.fill_between(
            years, mean - half, mean + half, color=colour, alpha=alpha, linewidth=0, label=label
        )
    axes.plot(years, mean, color=BLACK, linewidth=1.2, label="mean difference")
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.set_title(f"{WAGE_CHANGE}: effect in {study.names[0]}", loc="left", fontsize=9, fontweight="bold")
    axes.set_ylabel("persons")
    axes.legend(loc="upper left", frameon=False, fontsize=7)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _dress(axes, years)


def _dress(axes: Axes, years: np.ndarray) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(years.tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(years[0] / 1.15, years[-1] * 1.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2.5, width=0.6, labelsize=7)
    axes.grid(axis="y", color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.set_xlabel("years after the start")
