"""A fold seen from inside: the figures, the world and the constants as a forecaster of the fold would have them.

The world and the priors hold constants taken from 2009-2020: founding births and deaths (means of 2013-2017), rates of
net migration, decline of hinterlands, the mortality factor of 2020, the labour force of 2015, local budgets, scatter
of output. Each is worked out anew here from what the fold knows. Drivers stay: a fold is scored given the drivers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import AuditData, Series, published
from calibration.folds import COUNTS, FIRST_YEAR, LAST_YEAR, START, Fold
from model import draws
from model.priors import Normal, Prior
from model.schedules import frozen_array
from model.series_tables import Table
from model.world import World
from model.world_reader import FIRST_FOUNDING_YEAR, LAST_FOUNDING_YEAR

Floats = NDArray[np.float64]
FOUNDING_YEARS: Final = range(FIRST_FOUNDING_YEAR, LAST_FOUNDING_YEAR + 1)
DEMOGRAPHIC_DRIVERS: Final = ("births", "deaths", "net_migration", COUNTS)
HINTERLAND_SD: Final = 0.006  # docs/specification.md (13)
MORTALITY_2020: Final = "mortality_2020"
MORTALITY_SD: Final = 0.010  # of the declared factor of 2020
FEWEST_YEARS: Final = 3
OUTPUT_OF: Final = {
    "sigma_A": "agricultural_output_per_capita",
    "sigma_I": "industrial_output_per_capita",
}
LARGEST_SCALING: Final = 2.0  # four years of two towns say little about a spread


def fitted_data(data: AuditData, fold: Fold) -> AuditData:
    """Return the figures a model may be fitted to inside a fold.

    More than what the naive forecasters see (`folds.known`): other units stay, as their common movements tell a
    register event from migration. Of the forecast places nothing outside the history; of all others nothing after
    a forecast's history or before a back-cast's, but where a place is left out, whose neighbours are known throughout.
    """
    first = fold.history.start if fold.is_backward else -10_000
    last = fold.history.stop - 1 if not fold.others and not fold.is_backward else LAST_YEAR
    left_out = set(fold.places) if fold.others else set()

    def cut(table: Table) -> Table:
        kept = {}
        for (territory, variable), points in table.items():
            extra = int(variable == COUNTS)
            end = fold.history.stop - 1 if territory in left_out else last
            inside = {year: point for year, point in points.items() if first <= year <= end + extra}
            if inside:
                kept[territory, variable] = inside
        return kept

    demographic = {key: points for key, points in data.drivers.items() if key[1] in DEMOGRAPHIC_DRIVERS}
    economic = {key: points for key, points in data.drivers.items() if key not in demographic}
    return replace(
        data,
        accounts=cut(data.accounts),
        paper=cut(data.paper),
        census=cut(data.census),
        budget=cut(data.budget),
        drivers={**economic, **cut(demographic)},
        statements=(),
        women={year: women for year, women in data.women.items() if year <= last + 1},
    )


def founding_years(known: Series) -> tuple[int, ...]:
    """Return the years whose mean founds a place: 2013-2017 where all are known, else the five nearest to 2015."""
    if all(year in known for year in FOUNDING_YEARS):
        return tuple(FOUNDING_YEARS)
    nearest = sorted(known, key=lambda year: (abs(year + 0.5 - START), year))
    return tuple(sorted(nearest[: len(FOUNDING_YEARS)]))


def net_rate(inside: AuditData, place: str, first: int) -> float:
    """Return the mean yearly net migration of a place per resident from a year on.

    Where no year from then on is known all known years count; 0 where none is.
    """
    counts = published(inside.accounts, place, COUNTS)
    rates = {year: net / counts[year] for year, net in inside.implied_net_migration(place).items()}
    held = [rate for year, rate in rates.items() if year >= first] or list(rates.values())
    return sum(held) / len(held) if held else 0.0


def fold_world(world: World, inside: AuditData, fold: Fold) -> World:
    """Return the world with all constants that come from the accounts worked out anew.

    Args:
        inside: of `fitted_data`.

    Raises:
        ValueError: a simulated place has no births or deaths in the fold.
    """
    n_sim = world.n_sim
    births, deaths, rates, late, force = (np.empty(n_sim) for _ in range(5))
    for p, place in enumerate(world.ids[:n_sim]):
        for name, means in (("births", births), ("deaths", deaths)):
            flows = published(inside.accounts, place, name)
            years = founding_years(flows)
            if not years:
                raise ValueError(f"no {name} of {place} are known in fold '{fold.name}'")
            means[p] = sum(flows[year] for year in years) / len(years)
        rates[p], late[p] = net_rate(inside, place, FIRST_YEAR), net_rate(inside, place, START)
        known = published(inside.accounts, place, "labour_force")
        nearest = min(known, key=lambda year: (abs(year - START), year), default=None)
        force[p] = known[nearest] if nearest is not None else np.nan
    budget = np.zeros_like(world.local_budget)
    for (place, _), points in inside.budget.items():
        if place in world.ids[:n_sim]:
            for year, point in points.items():
                if year >= START:
                    budget[world.index(place), year - START] = point.value
    years_known = 1 + max((k for k in range(budget.shape[1]) if budget[:, k].any()), default=0)
    mark = hashlib.sha256(f"{world.digest}/{inside.digest}/{fold.name}".encode()).hexdigest()
    return replace(
        world,
        founding_births=frozen_array(births),
        founding_deaths=frozen_array(deaths),
        net_rate_2009_2014=frozen_array(rates),
        net_rate_2015_2020=frozen_array(late),
        labour_force_2015=frozen_array(force),
        local_budget=frozen_array(budget[:, :years_known]),
        digest=mark,
    )


@dataclass(frozen=True)
class Constant:
    """A parameter that a fold draws from a prior of its own.

    Attributes:
        prior: inside the fold. reason: what it was worked out from.
        scaling: factor on what the prior gives.
    """

    name: str
    prior: Prior
    reason: str
    scaling: float = 1.0

    def value(self, seed: int, number: int) -> float:
        """Return the value of a run: one keyed uniform, as the parameter's own draw would take."""
        salted = draws.run_seed(seed, number, draws.PARAMETER)
        bits = int(draws.draw(draws.text_key(self.name), salted)) >> 12
        return self.scaling * self.prior.quantile((bits + 0.5) * 2.0**-52)

    def describe(self) -> str:
        """Return the prior as text."""
        factor = f"{self.scaling:.2f} x " if self.scaling != 1.0 else ""
        return f"{factor}{self.prior.describe()}"


@dataclass(frozen=True)
class FoldConstants:
    """Constants of a fold, drawn for each run; stands in for the declared priors of the same names."""

    seed: int
    constants: tuple[Constant, ...]

    def __call__(self, number: int, _: Mapping[str, float]) -> dict[str, float]:
        """Return the constants of run ``number``."""
        return {one.name: one.value(self.seed, number) for one in self.constants}


def fold_constants(
    world: World,
    data: AuditData,
    inside: AuditData,
    fold: Fold,
    priors: Mapping[str, Prior | None],
    seed: int,
) -> FoldConstants:
    """Return the parameters that a fold cannot take from their declared priors, because those know more.

    Args:
        data, inside: all figures, and those of `fitted_data`. priors: declared ones, by full parameter name.
    """
    made = [mortality_of_2020(inside, fold)]
    for p, place in enumerate(world.ids):
        if world.role[p] == "hinterland":
            slope = growth(published(inside.accounts, place, COUNTS))
            if slope is not None:
                counted = sorted(published(inside.accounts, place, COUNTS))
                text = f"counts of {counted[0]}-{counted[-1]}"
                made.append(Constant(f"hinterland_decline.{place}", Normal(-slope, HINTERLAND_SD), text))
    for name, variable in OUTPUT_OF.items():
        whole, part = scatter(data, variable), scatter(inside, variable)
        prior = priors.get(name)
        if prior is not None and whole is not None and part is not None and whole != part:
            ratio = float(np.clip(part / whole, 1.0 / LARGEST_SCALING, LARGEST_SCALING))
            made.append(Constant(name, prior, f"scatter of {variable} inside the fold", ratio))
    return FoldConstants(seed, tuple(made))


def mortality_of_2020(inside: AuditData, fold: Fold) -> Constant:
    """Return the factor of 2020 on deaths: from the units whose 2020 is known, or 1 with the scatter of known years.

    Nobody knew of the epidemic before 2020.
    """
    known = [published(inside.accounts, unit, "deaths") for unit in _units(inside, fold)]
    usual = range(START, LAST_YEAR)
    whole = [one for one in known if LAST_YEAR in one and all(year in one for year in usual)]
    if whole and not fold.is_backward:
        mean = sum(one[year] for one in whole for year in usual) / len(usual)
        factor = sum(one[LAST_YEAR] for one in whole) / mean
        return Constant(MORTALITY_2020, Normal(factor, MORTALITY_SD), f"deaths of {len(whole)} known units")
    years = sorted(set.intersection(*(set(one) for one in known))) if known else []
    if len(years) < FEWEST_YEARS:
        return Constant(MORTALITY_2020, Normal(1.0, MORTALITY_SD), "2020 is unknown: factor 1")
    logs = np.log([sum(one[year] for one in known) for year in years])
    trend = np.polyval(np.polyfit(years, logs, 1), years)
    sd = float(np.sqrt(((logs - trend) ** 2).sum() / (len(years) - 2)))
    return Constant(
        MORTALITY_2020,
        Normal(1.0, max(sd, MORTALITY_SD)),
        "2020 is unknown: factor 1, scatter of known years",
    )


def _units(inside: AuditData, fold: Fold) -> tuple[str, ...]:
    """Return the units of the regions of the fold's places, or the places alone where there are no others."""
    regions = {inside.regions.get(place) for place in fold.places}
    units = {unit for region in regions if region for unit in inside.units(region)}
    known = {unit for unit in units if published(inside.accounts, unit, "deaths")}
    return tuple(sorted(known or set(fold.places)))


def growth(counts: Series) -> float | None:
    """Return the yearly growth of log counts by least squares, None of fewer than three."""
    if len(counts) < FEWEST_YEARS:
        return None
    years = sorted(counts)
    return float(np.polyfit(years, np.log([counts[year] for year in years]), 1)[0])


def scatter(data: AuditData, variable: str) -> float | None:
    """Return the pooled standard deviation of the places' log output around their own straight lines, or None.

    Consumer prices are nearly a straight line in logarithms and fall out with it.
    """
    squares, freedom = 0.0, 0
    for place in data.places:
        series = {year: value for year, value in published(data.paper, place, variable).items() if value > 0}
        if len(series) < FEWEST_YEARS:
            continue
        years = sorted(series)
        logs = np.log([series[year] for year in years])
        squares += float(((logs - np.polyval(np.polyfit(years, logs, 1), years)) ** 2).sum())
        freedom += len(years) - 2
    return float(np.sqrt(squares / freedom)) if freedom else None
