"""Figures of `qyzyljar extinction --world villages`: counts by year, hazards, reliability, map."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from calibration.village_backtest import MODEL, QUESTIONS, Backtest
from calibration.village_benchmarks import EVENTS
from calibration.village_scores import reliability
from experiments.figure_sheets import (
    BLACK,
    BLUE,
    DPI,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    LineStyle,
    fan,
    save_sheet,
    style,
)
from experiments.intervals import probability
from experiments.village_parts import CLASS_NAMES, SPAN
from experiments.village_results import Counts, Floats
from experiments.village_tables import empirical_hazards, yearly
from model.village_list import DISSOLUTION_YEARS
from model.world import World

SHOWN = (
    ("empty", "Villages without people"),
    ("off_list", "Taken off the state list"),
    ("under_50_three_years", "Under 50 people for three years, or empty"),
    ("at_most_10", "Villages of 1 to 10 people"),
    ("lost_school", "School lost since 2015, people left"),
    ("lost_medical", "Medical point lost since 2015, people left"),
)
PUBLISHED = {
    "off_list": ((2018, 12, "put in: lists to January 2018"), (2020, 37, "held out: list of end 2019")),
}
PANEL_NAMES = {"tyumen_south": "Tyumen's south", "nkr_sample": "sample of the region"}
PANEL_MARKS = {
    ("tyumen_south", "2002-2010"): ("o", VERMILLION),
    ("tyumen_south", "1990-2002"): ("s", ORANGE),
    ("nkr_sample", "1989-1999"): ("^", PURPLE),
    ("nkr_sample", "1999-2009"): ("v", GREEN),
    ("nkr_sample", "2009-2019"): ("D", GREY),
}
CONTESTANT_MARKS: dict[str, tuple[str, str, LineStyle]] = {
    MODEL: ("o", BLUE, "-"),
    "hazard table by size": ("s", ORANGE, "--"),
    "logistic on ln people": ("^", VERMILLION, "--"),
    "drifted Wiener": ("v", PURPLE, "--"),
}
WRAPPED = 125
LAND = "#f4f1ea"
LEAST_SHOWN = 1e-6  # a year
CLOSE = 0.15  # degrees of latitude between seats whose names would meet


def draw_village_figures(
    folder: Path,
    world: World,
    counts: Counts,
    hazards: dict[str, Floats],
    chances: dict[str, Any],
    found: Backtest | None,
    note: str,
    hazard_year: int,
) -> list[Path]:
    """Draw all figures into ``folder/figures``, each as PNG and SVG; returns the paths.

    Raises:
        OSError: they cannot be written.
    """
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(style()):
        written = save_sheet(_counts_sheet(counts, note), target, "villages-by-year")
        written += save_sheet(_hazard_sheet(hazards, note, hazard_year), target, "village-hazards")
        written += save_sheet(_map_sheet(world, chances, note, int(counts.years[-1])), target, "village-map")
        if found is not None:
            written += save_sheet(_reliability_sheet(found, note), target, "village-reliability")
    return written


def _footed(figure: Figure, lines: Sequence[str]) -> None:
    text = "\n".join(part for line in lines for part in textwrap.wrap(line, WRAPPED))
    figure.text(0.02, 0.015, text, fontsize=6.5, color=GREY, va="bottom", ha="left")


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.5)
    axes.set_axisbelow(True)


def _counts_sheet(counts: Counts, note: str) -> Figure:
    figure = Figure(figsize=(7.6, 8.0), dpi=DPI)
    figure.suptitle("Villages of North Kazakhstan's 13 districts", x=0.02, ha="left", fontsize=11)
    grid = figure.add_gridspec(3, 2, left=0.08, right=0.965, top=0.925, bottom=0.13, hspace=0.36, wspace=0.22)
    for k, (name, title) in enumerate(SHOWN):
        axes = figure.add_subplot(grid[k // 2, k % 2])
        total = (
            counts.total("villages") - counts.total("listed") if name == "off_list" else counts.total(name)
        )
        # Three 1 Januaries under the limit are known from the third year on
        known = slice(DISSOLUTION_YEARS - 1 if name == "under_50_three_years" else 0, None)
        bands = np.quantile(total[:, known], (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
        fan(axes, counts.years[known].astype(float), bands, BLUE)
        for j, (year, value, label) in enumerate(PUBLISHED.get(name, ())):
            if counts.years[0] <= year <= counts.years[-1]:
                axes.plot(year, value, "oD"[j], color=(BLACK, VERMILLION)[j], markersize=4, label=label)
        axes.set_title(title, loc="left", fontsize=8.5)
        axes.set_ylabel(f"villages (of {int(counts.total('villages')[0, 0])})")
        axes.set_ylim(bottom=0)
        axes.set_xlim(counts.years[0], counts.years[-1])
        _plain(axes)
        if name in PUBLISHED:
            axes.legend(frameon=False, fontsize=6.5, loc="upper left")
    _footed(
        figure,
        (
            "Line: median; dark and light bands: central 50 and 90 % of the runs, over parameters, chance and the "
            "villages drawn. The list is met as counted until 2018; later waves are drawn as wide as three waves tell.",
            note,
        ),
    )
    return figure


def _hazard_sheet(hazards: dict[str, Floats], note: str, year: int) -> Figure:
    figure = Figure(figsize=(7.6, 4.6), dpi=DPI)
    figure.suptitle(
        f"Chance a year that a village empties, by its people at the start ({year}-{year + SPAN})",
        x=0.02, ha="left", fontsize=11,
    )  # fmt: skip
    axes = figure.add_axes((0.09, 0.27, 0.895, 0.63))
    empirical = empirical_hazards()
    for k, name in enumerate(CLASS_NAMES):
        exposed, emptied = hazards[name][:, 0], hazards[name][:, 1]
        if exposed.sum() > 0:
            share = np.divide(emptied, exposed, out=np.zeros_like(emptied), where=exposed > 0)
            mean = yearly(emptied.sum() / exposed.sum()) / 100
            low, high = (yearly(q) / 100 for q in np.quantile(share, (0.05, 0.95)).tolist())
            if emptied.sum() == 0:
                top = yearly(probability(0, int(exposed.sum())).high) / 100
                axes.plot(k - 0.25, top, marker="v", color=BLUE, markersize=6, fillstyle="none")
            else:
                axes.errorbar(
                    k - 0.25, mean, yerr=[[mean - min(low, mean)], [max(high, mean) - mean]], fmt="o",
                    color=BLUE, markersize=6, capsize=2, linewidth=1.2,
                )  # fmt: skip
        for j, (panel, period, villages, extinct) in enumerate(empirical.get(name, ())):
            mark, colour = PANEL_MARKS.get((panel, period), ("x", GREY))
            first, last = (int(year) for year in period.split("-"))
            spread = probability(extinct, villages)
            chances = [
                -np.log1p(-min(p, 0.999)) / (last - first) for p in (spread.low, spread.share, spread.high)
            ]
            x = k - 0.05 + 0.13 * j
            if extinct == 0:
                axes.plot(x, chances[2], marker=mark, color=colour, fillstyle="none", markersize=4)
                axes.plot([x, x], [chances[2] * 0.6, chances[2]], color=colour, linewidth=0.8)
            else:
                axes.errorbar(
                    x, chances[1], yerr=[[chances[1] - chances[0]], [chances[2] - chances[1]]], fmt=mark,
                    color=colour, markersize=4, capsize=2, linewidth=0.9,
                )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(LEAST_SHOWN, 0.5)
    axes.set_xticks(range(len(CLASS_NAMES)), CLASS_NAMES)
    axes.set_xlabel("people at the start")
    axes.set_ylabel("share of villages a year, log scale")
    _plain(axes)
    handles = [Line2D([], [], marker="o", color=BLUE, linestyle="", label="model")] + [
        Line2D([], [], marker=mark, color=colour, linestyle="", markersize=4,
               label=f"{PANEL_NAMES[panel]} {period}")
        for (panel, period), (mark, colour) in PANEL_MARKS.items()
    ]  # fmt: skip
    axes.legend(handles=handles, frameon=False, fontsize=7, ncol=2, loc="upper right")
    _footed(
        figure,
        (
            "Model: mean with the central 90 % of the runs. Panels: Wilson's 95 % interval; open marks are upper "
            "bounds where no village emptied. The south of Tyumen oblast declined more slowly: a lower guide.",
            note,
        ),
    )
    return figure


def _map_sheet(world: World, chances: dict[str, Any], note: str, horizon: int) -> Figure:
    villages = world.villages
    assert villages is not None
    figure = Figure(figsize=(7.6, 5.6), dpi=DPI)
    figure.suptitle(
        f"Chance that a village is empty or under 50 people for three years by {horizon}",
        x=0.02,
        ha="left",
        fontsize=11,
    )
    axes = figure.add_axes((0.08, 0.15, 0.8, 0.79))
    halo = [withStroke(linewidth=2.0, foreground=LAND)]
    star = villages.external.get("petropavlovsk")
    axes.set_facecolor(LAND)
    lat, lon = np.asarray(chances["lat"], float), np.asarray(chances["lon"], float)
    chance = np.asarray(chances["dissolved"], float)
    people = np.asarray(chances["people"], float)
    order = np.argsort(chance, kind="stable")
    dots = axes.scatter(
        lon[order], lat[order], c=chance[order], s=3 + 6 * np.log1p(people[order]) ** 1.2 / 2, cmap="cividis_r",
        vmin=0, vmax=1, edgecolors="white", linewidths=0.25, zorder=2,
    )  # fmt: skip
    for k in range(world.n_sim):
        if not villages.is_village[k]:
            axes.plot(villages.lon[k], villages.lat[k], "s", color=VERMILLION, markersize=6, zorder=4)
            # A town just west of Petropavlovsk has its name to the left, where the other name is not
            west = star is not None and 0.0 < star[1] - villages.lon[k] < 1.0
            axes.annotate(
                world.names("en")[k], (villages.lon[k], villages.lat[k]), xytext=(-6 if west else 6, 4),
                textcoords="offset points", fontsize=7.5, fontweight="bold", zorder=5,
                ha="right" if west else "left", path_effects=halo,
            )  # fmt: skip
    base = villages.base
    for name, (at, along) in villages.coordinates.items():
        label = base.names("en")[base.index(name)].replace(" district", "").replace(", villages", "")
        # Names of districts whose seats lie close together are drawn apart, to either side
        beside = [
            other
            for place, (lat_of, other) in villages.coordinates.items()
            if place != name and abs(lat_of - at) < CLOSE and abs(other - along) < 4 * CLOSE
        ]
        side = "center" if not beside else "right" if along < beside[0] else "left"
        axes.annotate(
            label, (along, at), xytext=(0, -10), textcoords="offset points", fontsize=6.5, color=BLACK, ha=side,
            zorder=5, path_effects=halo,
        )  # fmt: skip
    if star is not None:
        axes.plot(star[1], star[0], "*", color=VERMILLION, markersize=11, zorder=4)
        axes.annotate(
            "Petropavlovsk", (star[1], star[0]), xytext=(7, 3), textcoords="offset points", fontsize=8, zorder=5,
            path_effects=halo,
        )  # fmt: skip
    axes.set_aspect(1.0 / np.cos(np.radians(54.2)))
    axes.set_xlabel("longitude, degrees")
    axes.set_ylabel("latitude, degrees")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    bar = figure.colorbar(dots, cax=figure.add_axes((0.91, 0.3, 0.016, 0.45)))
    bar.set_label("share of runs")
    runs = int(np.asarray(chances["runs"]).max()) if len(chances["runs"]) else 0
    said = (
        "Villages of the user's list; places that it leaves out are drawn; names are districts."
        if villages.source.complete
        else "Places and most sizes are synthetic: a dot stands for a kind of village, not for one that can be "
        "visited; names are districts."
    )
    _footed(figure, (f"One founding of eight, {runs} runs; larger dots: more people in 2015. {said}", note))
    return figure


def _reliability_sheet(found: Backtest, note: str) -> Figure:
    shown = [event for event in EVENTS if found.outcomes[event.name].sum() >= 2]
    figure = Figure(figsize=(7.6, 6.4), dpi=DPI)
    figure.suptitle("Villages of 1999 foretold to 2009: forecast and outcome", x=0.02, ha="left", fontsize=11)
    grid = figure.add_gridspec(
        len(QUESTIONS),
        max(len(shown), 1),
        left=0.08,
        right=0.985,
        top=0.89,
        bottom=0.2,
        wspace=0.25,
        hspace=0.42,
    )
    for row, question in enumerate(QUESTIONS):
        for k, event in enumerate(shown):
            axes = figure.add_subplot(grid[row, k])
            _reliability_panel(axes, found, question, event.name)
            axes.set_title(f"{event.title}\n({question})", loc="left", fontsize=8)
            if row == len(QUESTIONS) - 1:
                axes.set_xlabel("forecast chance")
            if k == 0:
                axes.set_ylabel("share in which it happened")
    handles = [
        Line2D([], [], marker=mark, color=colour, linestyle=line, markersize=4, label=name)
        for name, (mark, colour, line) in CONTESTANT_MARKS.items()
    ]
    figure.legend(
        handles=handles, frameon=False, fontsize=7, ncol=4, loc="lower left", bbox_to_anchor=(0.05, 0.095)
    )
    _footed(
        figure,
        (
            "Forecasts in bins; numbers and bars: villages in the bin and Wilson's 95 % interval, for the model. "
            "Above, everybody learned from 1999-2009 in the other districts; below, from 1989-1999. Mean growth "
            "1999-2009 is given to everybody. The sample is biased to larger villages.",
            note,
        ),
    )
    return figure


def _reliability_panel(axes: Axes, found: Backtest, question: str, event: str) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.7)
    for contestant, (mark, colour, line) in CONTESTANT_MARKS.items():
        points = reliability(found.forecasts[(question, event, contestant)], found.outcomes[event])
        x, n, hits = (np.array(side, float) for side in zip(*points, strict=True))
        axes.plot(x, hits / n, marker=mark, color=colour, linestyle=line, linewidth=0.9, markersize=4)
        if contestant == MODEL:
            for at, number, happened in points:
                spread = probability(happened, number)
                axes.plot([at, at], [spread.low, spread.high], color=colour, linewidth=0.8, alpha=0.6)
                axes.annotate(str(number), (at, spread.high), xytext=(0, 2), textcoords="offset points",
                              fontsize=6, ha="center", color=colour)  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.1)
    _plain(axes)
