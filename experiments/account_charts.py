"""Panels of the accounts: births and deaths, gross and net migration, flows by origin and destination."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREY,
    SKY,
    VERMILLION,
    YELLOW,
    Chart,
    band_handles,
    fan,
    line_handle,
    mark_window,
    open_fan,
    point_handle,
    points,
    window_handle,
    year_ticks,
)
from experiments.forecast_summaries import ForecastSummary, official
from model.accounts_data import LAST_FLOW_YEAR
from model.world import World

GROUP_COLOURS = (BLUE, SKY, YELLOW, VERMILLION)


def natural_chart(summary: ForecastSummary, world: World, ticks: int) -> Chart:
    """Births and deaths of each year with the official ones."""

    def draw(axes: Axes, place: int) -> None:
        births, deaths = summary.flow("births", place), summary.flow("deaths", place)
        open_fan(axes, summary.mid_years, deaths, VERMILLION, "--")
        open_fan(axes, summary.mid_years, births, BLUE)
        points(axes, official(world, place, "deaths"), 0.5, "^", VERMILLION)
        points(axes, official(world, place, "births"), 0.5, "o", BLUE)
        _frame(axes, summary)
        axes.set_ylim(bottom=0)

    return Chart(
        name="births_deaths",
        title="Births and deaths",
        unit="persons a year",
        x_label="year",
        draw=draw,
        legend=(
            line_handle(BLUE, "births"),
            line_handle(VERMILLION, "deaths", "--"),
            point_handle("o", BLUE, "official births"),
            point_handle("^", VERMILLION, "official deaths"),
        ),
        ticks=_ticks(summary, ticks),
        sources=("births", "deaths"),
    )


def gross_chart(summary: ForecastSummary, ticks: int) -> Chart:
    """Arrivals and departures of each year; there is no official series of either."""

    def draw(axes: Axes, place: int) -> None:
        open_fan(axes, summary.mid_years, summary.flow("out_migration", place), VERMILLION, "--")
        open_fan(axes, summary.mid_years, summary.flow("in_migration", place), BLUE)
        _frame(axes, summary)
        axes.set_ylim(bottom=0)

    return Chart(
        name="arrivals_departures",
        title="Arrivals and departures (no official series)",
        unit="persons a year",
        x_label="year",
        draw=draw,
        legend=(line_handle(BLUE, "arrivals"), line_handle(VERMILLION, "departures", "--")),
        ticks=_ticks(summary, ticks),
        note="Arrivals and departures have no official series for these places: only births, deaths and the"
        " net migration implied by the counts are known. The counts identify the difference of the two"
        " flows, so that their level is the prior's.",
    )


def net_chart(summary: ForecastSummary, world: World, ticks: int) -> Chart:
    """Net migration of each year with the official one."""

    def draw(axes: Axes, place: int) -> None:
        fan(axes, summary.mid_years, summary.flow("net_migration", place), BLUE)
        points(axes, official(world, place, "net_migration_implied"), 0.5, "o", "white")
        axes.axhline(0, color=GREY, linewidth=0.6)
        _frame(axes, summary)

    return Chart(
        name="net_migration",
        title="Net migration",
        unit="persons a year",
        x_label="year",
        draw=draw,
        legend=(*band_handles(BLUE), point_handle("o", "white", "implied by the counts")),
        ticks=_ticks(summary, ticks),
        note="Implied net migration: count one year later - count - births + deaths; that of 2015 looks like"
        " an event of the register.",
        sources=("population_1jan", "births", "deaths"),
    )


def flow_chart(summary: ForecastSummary) -> Chart:
    """Arrivals by origin upwards, departures by destination downwards, stacked, means over the runs."""
    edges = summary.years.astype(np.float64)
    colours = GROUP_COLOURS[-len(summary.groups) :]

    def draw(axes: Axes, place: int) -> None:
        for flows, side in ((summary.arrivals, 1), (summary.leavers, -1)):
            base = np.zeros(len(edges) - 1)
            for group, colour in zip(flows[:, :, place], colours, strict=True):
                top = base + side * group
                axes.stairs(top, edges, baseline=base, fill=True, facecolor=colour, edgecolor="white", lw=0.3)
                base = top
        net = (summary.arrivals - summary.leavers)[:, :, place].sum(axis=0)
        axes.plot(summary.mid_years, net, color="white", linewidth=2.6)
        axes.plot(summary.mid_years, net, color=BLACK, linewidth=1.2)
        axes.axhline(0, color=BLACK, linewidth=0.6)
        axes.set_xlim(edges[0], edges[-1])
        mark_window(axes)

    return Chart(
        name="flows",
        title="Migration by origin and destination",
        unit="persons a year",
        x_label="year",
        draw=draw,
        legend=(
            *map(_group_handle, summary.groups, colours),
            line_handle(BLACK, "net"),
            window_handle(),
        ),
        ticks=year_ticks(int(edges[0]), int(edges[-1]), int(edges[0]), 4),
        intervals=False,
        note="Upwards: arrivals by origin; downwards: departures by destination, youth leaving to study"
        " included; means over the runs, the intervals of the totals stand with the accounts. No gross flow"
        " of these places is published: level and destinations are assumptions, only the net is observed.",
    )


def _group_handle(group: str, colour: str) -> Patch:
    return Patch(facecolor=colour, label=group)


def _ticks(summary: ForecastSummary, at_most: int) -> tuple[int, ...]:
    return year_ticks(summary.first_observed, int(summary.years[-1]), int(summary.years[0]), at_most)


def _frame(axes: Axes, summary: ForecastSummary) -> None:
    last = max(int(summary.years[-1]), LAST_FLOW_YEAR + 1)
    axes.set_xlim(summary.first_observed - 0.3, last + 0.3)
    mark_window(axes)
