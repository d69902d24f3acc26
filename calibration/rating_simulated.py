"""Step 5 of the rating for simulated years: indicators from the columns of the table of results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from calibration.rating_figures import (
    GROWTH_YEARS,
    OBSERVED_YEARS,
    RatedFigures,
    account_value,
    paper_value,
    travel_hours,
)
from calibration.rating_system import Floats, RatingSystem, by_position, rating_system
from model.world import World

SECTOR_COLUMNS: Final = ("jobs_agriculture", "jobs_industry", "jobs_public", "jobs_services")
RATING_COLUMNS: Final = (
    "population", "births", "deaths", "net_migration", "youth_net", "share_65", "unemployment_rate",
    "hidden_unemployment_rate", "school_level", "health_level", "wage", "labour_force", "output_industry",
    "output_agriculture", "investment", *SECTOR_COLUMNS, "commuters", "employed", "wear_heat", "wear_water",
    "wear_sewer",
)  # fmt: skip
SOURCE: Final = "simulation"
SOURCE_OUTPUT: Final = (
    "simulated index on the mean level of the paper's tables, 2015-2020; places without tables have no level"
)


def simulated_figures(
    world: World,
    columns: Mapping[str, Floats],
    years: Sequence[int],
    region_wage: Floats,
    system: RatingSystem | None = None,
) -> RatedFigures:
    """Figures of every run, year and simulated place from a table of results.

    Args:
        columns: `RATING_COLUMNS`, float64[runs, years, places] each; flows of the last year are not read.
        years: the 1 Januaries of the columns. The year t of a rating closes on 1 January t + 1, so that the
            last 1 January gives stocks but no rating.
        region_wage: float64[runs, years] real mean wage of the region, see `region_wages`.
    """
    system = system or rating_system()
    n_sim = world.n_sim
    with np.errstate(divide="ignore", invalid="ignore"):
        flow = {name: values[:, :-1, :n_sim] for name, values in columns.items()}
        close = {name: values[:, 1:, :n_sim] for name, values in columns.items()}
        mean = (flow["population"] + close["population"]) / 2.0
        posts = np.stack([flow[name] for name in SECTOR_COLUMNS])
        people = 1000.0 / mean
        employed = flow["labour_force"] * (1.0 - flow["unemployment_rate"])
        industry, agriculture = (
            _output(world, flow[column], years, variable)
            for column, variable in (
                ("output_industry", "industrial_output_per_capita"),
                ("output_agriculture", "agricultural_output_per_capita"),
            )
        )
        travel = np.array([travel_hours(world, p, system) for p in range(n_sim)])
        first_level = columns["school_level"][:, :1, :n_sim]
        found = [
            ("S1", _growth(world, columns["population"][:, :, :n_sim], years)),
            ("S2", people * (flow["births"] - flow["deaths"])),
            ("S3", people * flow["net_migration"]),
            ("S4", 100.0 * close["share_65"]),
            ("S5", -people * flow["youth_net"]),
            ("S6", 100.0 * flow["unemployment_rate"]),
            ("S7", 100.0 * flow["hidden_unemployment_rate"]),
            ("S8", np.where(first_level > 0.0, flow["school_level"] / first_level, np.nan)),
            ("S9", flow["health_level"]),
            ("E1", flow["wage"] / region_wage[:, :-1, None]),
            ("E2", employed / mean),
            ("E3", industry / mean),
            ("E4", agriculture / mean),
            ("E5", people * flow["investment"]),
            ("E9", (posts**2).sum(axis=0) / posts.sum(axis=0) ** 2),
            ("E10", 100.0 * flow["commuters"] / flow["employed"]),
            ("E11", (industry + agriculture) / employed),
            ("I1", 100.0 * close["wear_heat"]),
            ("I2", 100.0 * close["wear_water"]),
            ("I3", 100.0 * close["wear_sewer"]),
            ("I6", np.broadcast_to(travel, mean.shape)),
        ]
    values = by_position(system, found, mean.shape)
    values[~np.isfinite(values)] = np.nan  # nobody left to divide by
    sources: dict[tuple[str, ...] | str, str] = {id: SOURCE for id, _ in found}
    sources.update(dict.fromkeys(("E3", "E4", "E11"), SOURCE_OUTPUT))
    return RatedFigures(
        "simulated",
        world.ids[:n_sim],
        tuple(int(year) for year in years[:-1]),
        values,
        np.zeros(values.shape[1:]),
        sources,
    )


def _growth(world: World, population: Floats, years: Sequence[int]) -> Floats:
    """Growth over the five years to the close of every year, per cent; official counts before the first year."""
    n_before = GROWTH_YEARS - 1
    places, first = world.ids[: world.n_sim], int(years[0]) - n_before
    counts = np.array(
        [
            [account_value(world, place, "population_1jan", first + k) for place in places]
            for k in range(n_before)
        ]
    )
    before = np.broadcast_to(counts, (population.shape[0], *counts.shape))
    # Position of year t - 4 in the joined series is that of t among the simulated years
    joined = np.concatenate((before, population), axis=1)[:, : population.shape[1] - 1]
    return np.asarray(100.0 * (population[:, 1:] / joined - 1.0))


def _output(world: World, index: Floats, years: Sequence[int], variable: str) -> Floats:
    """Real output of a place, thousand KZT of 2020 prices: the run's index on the mean level observed in 2015-2020.

    Only the paper gives a level, for two towns; elsewhere the result is NaN.
    """
    window = [t for t, year in enumerate(years[:-1]) if year in OBSERVED_YEARS]
    levels = np.full(index.shape[2], np.nan)
    for p, place in enumerate(world.ids[: world.n_sim]):
        totals = [
            world.drivers.deflate(paper_value(place, variable, int(years[t])), int(years[t]))
            * paper_value(place, "population", int(years[t]))
            for t in window
        ]
        levels[p] = float(np.mean(totals)) if totals else math.nan
    return np.asarray(levels * index / index[:, window].mean(axis=1, keepdims=True))


def region_wages(world: World, years: Sequence[int], growth: Floats, factor: Floats | None = None) -> Floats:
    """Real mean wage of the region in every run, KZT a month at 2020 prices, float64[runs, years].

    Observed as far as known, then grown as the simulation grows it (`model.outlook`).

    Args:
        growth: float64[runs], parameter `growth_kazakhstan`. factor: float64[years] of a future on the wages at
            home; None leaves them.
    """
    series = world.driver_series[0]
    drivers = world.drivers
    last = drivers.last_wage_year(series)
    wages = np.empty((len(growth), len(years)))
    for t, year in enumerate(years):
        known = drivers.wage_real(series, min(int(year), last))
        wages[:, t] = known * np.exp(growth * max(0, int(year) - last))
    if factor is not None:
        wages[:, : len(factor)] *= factor[: len(years)]
    return wages
