"""Panels of population: the fan with the official counts, the index, the age pyramids."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    Chart,
    band_handles,
    fan,
    line_handle,
    mark_window,
    point_handle,
    points,
    window_handle,
    year_ticks,
)
from experiments.forecast_summaries import AGE_GROUPS, ForecastSummary, official
from model.accounts_data import LAST_COUNT_YEAR
from model.reference_tables import Rung, extinction_ladder
from model.world import World

# The ladder's full wording stands in model/data/extinction_ladder.csv; a panel has room for a few words
RUNG_LABELS = {
    "legal_town_floor": "legal floor of a town",
    "primary_care_centre": "norm of a primary-care centre",
    "practical_town_floor": "towns made villages in practice",
    "settlement_floor": "legal floor of a settlement",
    "outpatient_clinic": "norm of an outpatient clinic",
    "rural_okrug": "legal floor of a rural okrug",
    "dissolution": "dissolution",
}


LADDER_HANDLE = line_handle(BLACK, "rung of the extinction ladder", (0, (6, 3)), 0.7)


def population_chart(summary: ForecastSummary, world: World, ticks: int) -> Chart:
    """Population of 1 January with the counts of 2009-2021 and the rungs of the ladder within reach."""
    x = summary.years.astype(np.float64)

    def draw(axes: Axes, place: int) -> None:
        band, counts = summary.stock("population", place), official(world, place, "population_1jan")
        fan(axes, x, band, BLUE)
        points(axes, counts, 0, "o", "white")
        _frame(axes, summary, [*band.ravel(), *counts.values()])
        _draw_rungs(axes, world, place, 1.0)

    return Chart(
        name="population",
        title="Population",
        unit="persons",
        x_label="1 January of the year",
        draw=draw,
        legend=(
            *band_handles(BLUE),
            point_handle("o", "white", "official count"),
            LADDER_HANDLE,
            window_handle(),
        ),
        ticks=_ticks(summary, ticks),
        sources=("population_1jan",),
        note="Levels are on the basis of the population register, which censuses have moved by several per"
        " cent either way. Vertical axes differ and do not start at 0."
        " Rungs are drawn for towns only: a rural district is a sum of many villages.",
    )


def index_chart(summary: ForecastSummary, world: World, ticks: int) -> Chart:
    """Population relative to that of the last count, free of the level of the register."""
    x, base = summary.years.astype(np.float64), summary.index_year

    def draw(axes: Axes, place: int) -> None:
        counts = official(world, place, "population_1jan")
        fan(axes, x, summary.index[:, :, place], BLUE)
        shares = {year: 100 * count / counts[base] for year, count in counts.items() if counts.get(base)}
        points(axes, shares, 0, "o", "white")
        axes.axhline(100, color=GREY, linewidth=0.5)
        _frame(axes, summary, [*summary.index[:, :, place].ravel(), *shares.values()])
        if counts.get(base):
            _draw_rungs(axes, world, place, 100 / counts[base])

    return Chart(
        name="population_index",
        title="Population index",
        unit=f"index, {base} = 100",
        x_label="1 January of the year",
        draw=draw,
        legend=(
            *band_handles(BLUE),
            point_handle("o", "white", "official count"),
            LADDER_HANDLE,
            window_handle(),
        ),
        ticks=_ticks(summary, ticks),
        same_scale=True,
        sources=("population_1jan",),
        note=f"Each run is divided by its own population of {base}, the counts by the count of {base}: what"
        " remains is change, free of the register's level and of the runs' error up to then. One scale for"
        " all panels.",
    )


def pyramid_chart(summary: ForecastSummary, world: World) -> Chart:
    """Men and women by age at the start and at the horizon."""
    first, last = summary.pyramid_years
    edges = np.arange(AGE_GROUPS + 1) * 5.0

    def draw(axes: Axes, place: int) -> None:
        for sex, (sign, colour) in enumerate(((-1, BLUE), (1, ORANGE))):
            start, end = summary.pyramids[:, 0, place, sex], summary.pyramids[:, 1, place, sex]
            for values, base, alpha in ((end[0], 0.0, 0.8), (end[4], sign * end[0], 0.35)):
                axes.stairs(
                    sign * values,
                    edges,
                    orientation="horizontal",
                    baseline=base,
                    fill=True,
                    color=colour,
                    alpha=alpha,
                    linewidth=0,
                )
            axes.stairs(
                sign * end[2], edges, orientation="horizontal", baseline=None, color=colour, linewidth=1.3
            )
            axes.stairs(
                sign * start[2], edges, orientation="horizontal", baseline=None, color=BLACK, linewidth=1.0
            )
        axes.axvline(0, color="white", linewidth=0.8)
        reach = 1.05 * float(np.nanmax(summary.pyramids[:, :, place])) or 1.0
        axes.set_xlim(-reach, reach)
        axes.set_ylim(0, 104)  # room for a line of text above the oldest
        axes.set_yticks(range(0, 90, 20))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
        heads = ((0.01, "men", "left"), (0.5, _elderly(summary, place), "center"), (1.0, "women", "right"))
        for x, text, side in heads:
            axes.text(x, 0.99, text, transform=axes.transAxes, va="top", ha=side, fontsize=6.5)

    return Chart(
        name="pyramids",
        title=f"Age pyramids {first} and {last}",
        unit="age, years",
        x_label="persons in five years of age",
        draw=draw,
        legend=(
            line_handle(BLACK, f"1 January {first}", width=1.0),
            Patch(facecolor=BLUE, alpha=0.8, label=f"men, 1 January {last}"),
            Patch(facecolor=ORANGE, alpha=0.8, label=f"women, 1 January {last}"),
            line_handle(GREY, f"{last}, median"),
            Patch(facecolor=GREY, alpha=0.35, label=f"{last}, 90 % of the runs"),
        ),
        intervals=False,
        note=f"Bars of {last}: dark up to the 5 % quantile of the {summary.n_runs} runs, pale up to the 95 %"
        f" quantile, line the median. The top bar holds ages 85 and over. The ages of {first} are an"
        " estimate from regional cohorts, fitted to each place's births and deaths: no age table"
        " of a town is published. 65+: share of the"
        f" population aged 65 and over, median {first}, median {last} and its 90 % interval.",
    )


def _elderly(summary: ForecastSummary, place: int) -> str:
    share = 100 * summary.stock("share_65", place)
    return f"65+: {share[2, 0]:.0f} → {share[2, -1]:.0f} % ({share[0, -1]:.0f}-{share[4, -1]:.0f})"


def _ticks(summary: ForecastSummary, at_most: int) -> tuple[int, ...]:
    first, last = int(summary.years[0]), int(summary.years[-1])
    return year_ticks(summary.first_observed, max(last, LAST_COUNT_YEAR), first, at_most)


def _frame(axes: Axes, summary: ForecastSummary, values: list[float]) -> None:
    """Set the ranges and mark the observation window."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.06 * (high - low) or 1.0
    axes.set_ylim(max(low - 1.5 * room, 0.0), high + room)
    axes.set_xlim(summary.first_observed - 0.7, max(int(summary.years[-1]), LAST_COUNT_YEAR) + 0.3)
    mark_window(axes)


def _rungs(world: World, place: int) -> tuple[Rung, ...]:
    return extinction_ladder() if world.kind[place] == "town" else ()


def _draw_rungs(axes: Axes, world: World, place: int, scale: float) -> None:
    """Draw the rungs that fall into the panel, or come near it, with a few words each."""
    low, high = axes.get_ylim()
    lowest = low - 0.12 * (high - low)
    within = [rung for rung in _rungs(world, place) if lowest < rung.persons * scale < high]
    for rung in within:
        level = rung.persons * scale
        axes.axhline(level, color=BLACK, linewidth=0.6, linestyle=(0, (6, 3)))
        axes.text(
            0.01,
            level,
            f"{rung.persons:,}: {RUNG_LABELS.get(rung.id, rung.id.replace('_', ' '))}",
            transform=axes.get_yaxis_transform(),
            fontsize=6,
            va="bottom",
        )
    if within:
        axes.set_ylim(min(low, within[-1].persons * scale - 0.02 * (high - low)), high)
