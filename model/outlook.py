"""Phase 1: exogenous drivers of a run, observed as far as they go and then grown by declared assumptions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import lean_kernel
from model.levers import Levers
from model.parameters import ParameterValues, waged_places
from model.world import World

EXCHANGE_KEY = np.uint64(0xFEC5)
LAST_OBSERVED_FLOWS = 2020  # the observation window of the settlements ends on 1 January 2021
BUDGET_FIRST_YEAR = 2015
RUSSIA, HOME, AWAY = 0, 1, 2  # whose growth a wage series follows
KINDS_OF_GROWTH = 3
MOST_UNEMPLOYMENT = 0.5


@dataclass(frozen=True)
class Observed:
    """Observed drivers of a world: float64[years, n_all], NaN after the last observation of a series.

    `wage` is real (KZT a month, 2020 prices), at the market or the PPP exchange rate; `unemployment` a share;
    `rent` the published rent of a city relative to its home city's, 2015 = 1 (1 where nothing is published).
    """

    wage_market: NDArray[np.float64]
    wage_ppp: NDArray[np.float64]
    unemployment: NDArray[np.float64]
    rent: NDArray[np.float64]


_OBSERVED: WeakKeyDictionary[World, Observed] = WeakKeyDictionary()


def observed_drivers(world: World) -> Observed:
    """Observed drivers of a world, looked up once per world."""
    if world in _OBSERVED:
        return _OBSERVED[world]
    drivers = world.drivers
    last = max(
        max(drivers.last_wage_year(s), drivers.last_unemployment_year(s)) for s in set(world.driver_series)
    )
    years = last - world.start + 1
    wages = {rate: np.full((years, world.n_all), np.nan) for rate in ("market", "ppp")}
    unemployment = np.full((years, world.n_all), np.nan)
    for place, series in enumerate(world.driver_series):
        for year in range(world.start, drivers.last_wage_year(series) + 1):
            for rate, table in wages.items():
                if world.nest[place] == 0:
                    table[year - world.start, place] = drivers.wage_real(series, year)
                elif year <= drivers.last_exchange_year(rate):
                    table[year - world.start, place] = drivers.wage_real_russia(series, year, rate)
        for year in range(world.start, drivers.last_unemployment_year(series) + 1):
            unemployment[year - world.start, place] = drivers.unemployment(series, year)
    observed = Observed(wages["market"], wages["ppp"], unemployment, _rents(world, years))
    _OBSERVED[world] = observed
    return observed


def _rents(world: World, years: int) -> NDArray[np.float64]:
    """Published rents relative to the first published city beside or among the simulated places (`waged_places`)."""
    ratio = np.ones((years, world.n_all))
    home = [i for i in waged_places(world) if world.drivers.has_rent(world.ids[i], world.start)]
    if not home:
        return ratio
    base = world.drivers.series(world.ids[home[0]], "rent_m2_month")
    for place in range(world.n_all):
        if place == home[0] or not world.drivers.has_rent(world.ids[place], world.start):
            continue
        own = world.drivers.series(world.ids[place], "rent_m2_month")
        level = 1.0
        for t in range(years):
            year = world.start + t
            if year in own and year in base:
                level = (own[year] / base[year]) / (own[world.start] / base[world.start])
            ratio[t, place] = level
    return ratio


@dataclass
class Outlook:
    """Drivers of one run for every year from the start to the horizon.

    Attributes:
        opening: float64[n_all] real wage of the first year without any lever: what 2015 is normalised with.
        reference: float64[years, n_all] real wage of each place's series. unemployment: float64[years, n_all].
        tfr, mortality: float64[years] total fertility rate, factor on death rates.
        hinterland: float64[years, n_all] size of external hinterlands relative to 2015.
        budget: float64[years, n_sim] local budget a head, thousand KZT at 2020 prices.
        rent: float64[years, n_all] rent of external places relative to 2015 (and to the home city's).
        shedding: float64[years] cumulated extra loss of agricultural jobs (log points).
    """

    opening: NDArray[np.float64]
    reference: NDArray[np.float64]
    unemployment: NDArray[np.float64]
    tfr: NDArray[np.float64]
    mortality: NDArray[np.float64]
    hinterland: NDArray[np.float64]
    budget: NDArray[np.float64]
    shedding: NDArray[np.float64]
    rent: NDArray[np.float64]


def build_outlook(
    world: World, values: ParameterValues, levers: Levers, seed: np.uint64, horizon: int
) -> Outlook:
    """Drivers of one run (futures act here: `levers` factors on wages, the rouble, hinterlands, shedding)."""
    years = horizon - world.start
    return Outlook(
        _observed_wages(world, values)[0].copy(),
        _wages(world, values, levers, seed, years),
        _unemployment(world, values, years),
        _fertility(world, values, years),
        _mortality(world, values, years),
        _hinterlands(world, values, levers, years),
        _budgets(world, years),
        np.cumsum(levers.shedding[:years]),
        _extended(observed_drivers(world).rent, years),
    )


def _observed_wages(world: World, values: ParameterValues) -> NDArray[np.float64]:
    """Observed real wages of all places, Russian ones at the market or the PPP rate."""
    observed = observed_drivers(world)
    return observed.wage_ppp if values["ppp"] >= 0.5 else observed.wage_market


def _wages(
    world: World, values: ParameterValues, levers: Levers, seed: np.uint64, years: int
) -> NDArray[np.float64]:
    table = _observed_wages(world, values)
    home = {world.driver_series[i] for i in waged_places(world)}
    steps = [
        values["exchange_sd"]
        * float(draws.normal(EXCHANGE_KEY, draws.salt_of(seed, world.start + t, draws.EXCHANGE_RATE)))
        for t in range(years)
    ]
    kinds = np.array(
        [
            RUSSIA if nest == 1 else (HOME if series in home else AWAY)
            for nest, series in zip(world.nest, world.driver_series, strict=True)
        ],
        np.int64,
    )
    grown = np.empty((KINDS_OF_GROWTH, years))
    grown[RUSSIA] = [math.exp(values["growth_russia"] + step) for step in steps]
    grown[HOME] = math.exp(values["growth_kazakhstan"])
    grown[AWAY] = math.exp(values["growth_kazakhstan"] + values["growth_centres"])
    wages = np.empty((years, world.n_all))
    grow_on(table, kinds, grown, math.inf, wages)
    factors = (levers.russian_wage * levers.rouble, levers.home_wage, levers.centre_wage)
    for kind, factor in zip((RUSSIA, HOME, AWAY), factors, strict=True):
        wages[:, kinds == kind] *= factor[:years, None]
    wages *= levers.place_wage[:years]
    return wages


@lean_kernel
def grow_on(
    seen: NDArray[np.float64],
    kind: NDArray[np.int64],
    grown: NDArray[np.float64],
    most: float,
    out: NDArray[np.float64],
) -> None:
    """Series of every place, as far as they are seen, then grown year by year, at most to `most`.

    Args:
        seen: float64[observed years, n_all], NaN where nothing is known. kind: int64[n_all] row of `grown`.
        grown: float64[kinds, years] factor on last year's level. out: float64[years, n_all], filled.
    """
    for place in range(out.shape[1]):
        level = math.nan
        for t in range(out.shape[0]):
            if t < seen.shape[0] and not math.isnan(seen[t, place]):
                level = seen[t, place]
            else:
                level *= grown[kind[place], t]
                if level > most:
                    level = most
            out[t, place] = level


def _extended(table: NDArray[np.float64], years: int) -> NDArray[np.float64]:
    """The table's years, the last one repeated up to the horizon."""
    rows = np.minimum(np.arange(years), table.shape[0] - 1)
    return np.asarray(table[rows])


def _unemployment(world: World, values: ParameterValues, years: int) -> NDArray[np.float64]:
    table = observed_drivers(world).unemployment
    drift = math.exp(values["unemployment_drift"])
    rates = np.empty((years, world.n_all))
    grow_on(table, np.zeros(world.n_all, np.int64), np.full((1, years), drift), MOST_UNEMPLOYMENT, rates)
    return rates


def _fertility(world: World, values: ParameterValues, years: int) -> NDArray[np.float64]:
    """Equation (15): TFR_t = TFR_2015 exp(g_f (t - 2015)); one trend for the whole horizon."""
    return np.array([values["tfr"] * math.exp(values["g_f"] * t) for t in range(years)])


def _mortality(world: World, values: ParameterValues, years: int) -> NDArray[np.float64]:
    """Equation (16), factor on the rates of 2015-2020: the pandemic years, then a slow improvement."""
    factors = []
    for t in range(years):
        year = world.start + t
        if year < 2020:
            factors.append(1.0)
        elif year == 2020:
            factors.append(values["mortality_2020"])
        elif year == 2021:
            factors.append(values["mortality_2021"])
        else:
            factors.append(math.exp(-values["mortality_improvement"] * (year - 2021)))
    return np.array(factors)


def _hinterlands(world: World, values: ParameterValues, levers: Levers, years: int) -> NDArray[np.float64]:
    """Size of external hinterlands relative to 2015, each at its own rate; 1 for all other places."""
    sizes = np.ones((years, world.n_all))
    extra = np.concatenate(([0.0], np.cumsum(levers.hinterland)))
    for place in range(world.n_all):
        if world.role[place] == "hinterland":
            decline = values[f"hinterland_decline.{world.ids[place]}"]
            for t in range(years):
                sizes[t, place] = math.exp(-decline * t - float(extra[t]))
    return sizes


def _budgets(world: World, years: int) -> NDArray[np.float64]:
    """Local budget a head at 2020 prices; unknown places are given the mean of the known ones [assumed]."""
    known = world.local_budget.sum(axis=1) > 0.0
    budget = np.zeros((years, world.n_sim))
    if not known.any():
        return budget
    mean = world.local_budget[known].mean(axis=0)
    for place in range(world.n_sim):
        nominal = world.local_budget[place] if known[place] else mean
        level = 0.0
        for t in range(years):
            year = world.start + t
            if year - BUDGET_FIRST_YEAR < nominal.shape[0]:
                level = world.drivers.deflate(float(nominal[year - BUDGET_FIRST_YEAR]), year)
            budget[t, place] = level
    return budget
