"""Panels of the labour market: jobs and residents in work, both unemployment rates, commuters."""

from __future__ import annotations

from matplotlib.axes import Axes

from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREEN,
    VERMILLION,
    Chart,
    fan,
    line_handle,
    mark_window,
    open_fan,
    point_handle,
    points,
    year_ticks,
)
from experiments.forecast_summaries import ForecastSummary, official
from model.accounts_data import LAST_FLOW_YEAR
from model.reference_tables import paper_tables
from model.world import World

PERCENT = 100.0


def jobs_chart(summary: ForecastSummary, world: World, ticks: int) -> Chart:
    """Posts in the place and the labour force that lives there, with the official labour force."""

    def draw(axes: Axes, place: int) -> None:
        x = summary.mid_years
        fan(axes, x, summary.flow("jobs", place), BLUE)
        axes.plot(x, summary.flow("labour_force", place)[2], color=BLACK, linewidth=1.0, linestyle="--")
        points(axes, _since_start(summary, official(world, place, "labour_force")), 0.5, "s", "white")
        _frame(axes, summary)
        axes.set_ylim(bottom=0)

    return Chart(
        name="jobs",
        title="Jobs and labour force",
        unit="persons or posts",
        x_label="year",
        draw=draw,
        legend=(
            line_handle(BLUE, "jobs in the place"),
            line_handle(BLACK, "labour force, median", "--", 1.0),
            point_handle("s", "white", "official labour force"),
        ),
        ticks=_ticks(summary, ticks),
        sources=("labour_force",),
        note="Official labour force: survey estimate of residents aged 15 and over. Jobs have no official"
        " series in these places: their level in 2015 is an assumption.",
    )


def unemployment_chart(summary: ForecastSummary, world: World, ticks: int) -> Chart:
    """Official and hidden unemployment as percent of the labour force."""
    paper = paper_tables()

    def draw(axes: Axes, place: int) -> None:
        x = summary.mid_years
        open_fan(axes, x, PERCENT * summary.flow("hidden_unemployment_rate", place), VERMILLION, "--")
        open_fan(axes, x, PERCENT * summary.flow("unemployment_rate", place), BLUE)
        printed = paper.get((world.ids[place], "unemployment_rate"), {})
        points(axes, {year: point.value for year, point in printed.items()}, 0.5, "o", "white")
        _frame(axes, summary)
        axes.set_ylim(bottom=0)

    known = any((place, "unemployment_rate") in paper for place in world.ids[: world.n_sim])
    source = (
        " Points: official rate as printed by Turkeeva et al. 2022, Tables 1 and 2 (Bulaevo, Mamlyutka)."
        if known
        else ""
    )
    return Chart(
        name="unemployment",
        title="Unemployment",
        unit="% of the labour force",
        x_label="year",
        draw=draw,
        legend=(
            line_handle(BLUE, "official"),
            line_handle(VERMILLION, "hidden or self-employed", "--"),
            *((point_handle("o", "white", "official, published"),) if known else ()),
        ),
        ticks=_ticks(summary, ticks),
        note=f"Hidden: without a job but not registered, most of them self-employed; not published.{source}",
    )


def commuter_chart(summary: ForecastSummary, ticks: int) -> Chart:
    """Residents who work in the nearest centre."""

    def draw(axes: Axes, place: int) -> None:
        fan(axes, summary.mid_years, summary.flow("commuters", place), GREEN)
        _frame(axes, summary)
        axes.set_ylim(bottom=0)
        if not summary.flow("commuters", place)[-1].any():
            axes.set_yticks([0])
            axes.set_ylim(0, 1)
            axes.text(0.5, 0.5, "none in 95 % of the runs", transform=axes.transAxes, ha="center", fontsize=7)

    return Chart(
        name="commuters",
        title="Commuters to the nearest centre",
        unit="persons",
        x_label="year",
        draw=draw,
        legend=(line_handle(GREEN, "residents who commute"),),
        ticks=_ticks(summary, ticks),
        note="Commuting has no official series.",
    )


def _since_start(summary: ForecastSummary, series: dict[int, float]) -> dict[int, float]:
    return {year: value for year, value in series.items() if year >= summary.years[0]}


def _ticks(summary: ForecastSummary, at_most: int) -> tuple[int, ...]:
    start = int(summary.years[0])
    return year_ticks(start, int(summary.years[-1]), start, at_most)


def _frame(axes: Axes, summary: ForecastSummary) -> None:
    axes.set_xlim(float(summary.years[0]), float(max(summary.years[-1], LAST_FLOW_YEAR + 1)))
    mark_window(axes)
