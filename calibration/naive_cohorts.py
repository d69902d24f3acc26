"""Naive forecasters that know ages: constant-rate cohort-component, and Hamilton-Perry where ages exist twice.

Ages of a place are not published: the constant-rate forecaster takes the region's estimated ages of 2015, moved to
the year by survival forward or backward and scaled to the place's count. Levels of fertility and mortality and the
rate of net migration are those of the known years of the place; nothing else is taken from the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import Series
from calibration.folds import COUNTS, NET
from calibration.naive_series import NotAvailable, Panel, mean
from model.schedules import FOUNDING_YEAR, Schedules

Floats = NDArray[np.float64]
FEMALE: Final = 1
FEWEST: Final = 3
GROUP: Final = 5
HALF_A_PERSON: Final = 0.5
OLDEST_REVERSED: Final = 95  # nobody is brought back from the dead beyond this age: too few are left


@dataclass(frozen=True, eq=False)
class CohortHistory:
    """What is known of one place.

    Attributes:
        counts, births, deaths, net: persons by year. direction: 1 forecast, -1 back-cast.
    """

    counts: Series
    births: Series
    deaths: Series
    net: Series
    direction: int = 1

    @property
    def years(self) -> tuple[int, ...]:
        """Years of which count, births, deaths and net migration are all known."""
        return tuple(sorted(set(self.counts) & set(self.births) & set(self.deaths) & set(self.net)))

    @property
    def start(self) -> int:
        """1 January from which the forecast sets out: the last known count, or the first of a back-cast."""
        return max(self.counts) if self.direction > 0 else min(self.counts)


def survival(schedules: Schedules, factor: float = 1.0) -> Floats:
    """Return the share float64[2, 111] of those aged a on 1 January who live a year later, aged a + 1 then."""
    rates = schedules.mortality
    older = np.concatenate([rates[:, 1:], rates[:, -1:]], axis=1)
    return np.asarray(np.exp(-0.5 * factor * (rates + older)))


def aged(ages: Floats, share: Floats, years: int) -> Floats:
    """Return ages float64[..., 2, 111] moved by ``years`` through survival alone; negative years move back.

    Forward nobody is born, backward the youngest vanish and the oldest, who were more, are those who are left.
    """
    moved = ages.copy()
    for _ in range(abs(years)):
        shifted = np.zeros_like(moved)
        if years > 0:
            shifted[..., 1:] = (moved * share)[..., :-1]
            shifted[..., -1] += (moved * share)[..., -1]
        else:
            shifted[..., :-1] = moved[..., 1:]
            shifted[..., :OLDEST_REVERSED] /= share[..., :OLDEST_REVERSED]
        moved = shifted
    return moved


def place_ages(schedules: Schedules, history: CohortHistory, year: int) -> Floats:
    """Return estimated ages float64[2, 111] of a place on 1 January of a year, summing to its count.

    Cohorts born after the year of the age table take the place's own births; backward they simply vanish.
    """
    share = survival(schedules)
    ages = schedules.base_ages / schedules.base_ages.sum() * _count_near(history, FOUNDING_YEAR)
    step = 1 if year >= FOUNDING_YEAR else -1
    for passing in range(FOUNDING_YEAR, year, step):
        ages = aged(ages, share, step)
        if step > 0:
            born = history.births.get(passing, _mean_of(history.births))
            ages[:, 0] = np.array([0.515, 0.485]) * born
    total = history.counts.get(year)
    return ages if total is None else ages * total / ages.sum()


def _count_near(history: CohortHistory, year: int) -> float:
    return history.counts[min(history.counts, key=lambda known: (abs(known - year), known))]


def _mean_of(series: Series) -> float:
    return sum(series.values()) / len(series)


def constant_rates(
    schedules: Schedules,
    histories: Mapping[str, CohortHistory],
    horizon: int,
    draws: int,
    generator: np.random.Generator,
) -> dict[str, Floats]:
    """Project the places with the constant rates of their known years.

    Births and deaths are Poisson; their levels carry the chance of the known years (gamma), net migration per head
    that of its mean and of single years (Student t, spread pooled over the places). A back-cast walks the accounts
    backwards: P(t) = P(t+1) - births + deaths - net.

    Returns:
        "births", "deaths", "net_migration", "population_1jan" as float64[draws, horizon, places]; the places in
        the order of ``histories``; flows of the years, counts at their far ends, nearest first.

    Raises:
        NotAvailable: a place has fewer than three known years.
    """
    names = list(histories)
    for name in names:
        if len(histories[name].years) < FEWEST:
            raise NotAvailable(
                f"{name}: {len(histories[name].years)} known years of the accounts, needs {FEWEST}"
            )
    result = {name: np.empty((draws, horizon, len(names))) for name in ("births", "deaths", NET, COUNTS)}
    rates = _net_rates(histories, horizon, draws, generator)
    for p, name in enumerate(names):
        _project(
            schedules, histories[name], rates[:, :, p], generator, {k: v[:, :, p] for k, v in result.items()}
        )
    return result


def _net_rates(
    histories: Mapping[str, CohortHistory], horizon: int, draws: int, generator: np.random.Generator
) -> Floats:
    """Return net migration per head drawn from the known years, float64[draws, horizon, places]."""
    years = sorted(set.intersection(*(set(one.years) for one in histories.values())))
    if len(years) < FEWEST:
        raise NotAvailable(f"{len(years)} years known of all places, needs {FEWEST}")
    values = np.array([[one.net[t] / one.counts[t] for one in histories.values()] for t in years])
    times = np.arange(len(years), dtype=np.float64)
    panel = Panel(times, values, len(years) + np.arange(float(horizon)), np.ones(len(histories)))
    return mean(panel, draws, generator)


def _project(
    schedules: Schedules,
    history: CohortHistory,
    rates: Floats,
    generator: np.random.Generator,
    into: Mapping[str, Floats],
) -> None:
    """Walk one place through the years; writes float64[draws, horizon] of each series."""
    draws, horizon = rates.shape
    fertility, mortality = _levels(schedules, history)
    births_known = sum(history.births[year] for year in history.years)
    deaths_known = sum(history.deaths[year] for year in history.years)
    fertility_drawn = fertility * generator.gamma(births_known + HALF_A_PERSON, size=draws) / births_known
    mortality_drawn = mortality * generator.gamma(deaths_known + HALF_A_PERSON, size=draws) / deaths_known
    ages = np.repeat(place_ages(schedules, history, history.start)[None], draws, axis=0)
    share = survival(schedules, mortality)
    people = ages.sum(axis=(1, 2))
    for step in range(horizon):
        if history.direction < 0:
            ages = aged(ages, share, -1)
            ages *= (people / np.maximum(ages.sum(axis=(1, 2)), 1.0))[:, None, None]
        women, dying = _exposure(schedules, ages)
        births = generator.poisson(fertility_drawn * women).astype(np.float64)
        deaths = generator.poisson(mortality_drawn * dying).astype(np.float64)
        net = rates[:, step] * people
        people = np.maximum(people + history.direction * (births - deaths + net), 1.0)
        if history.direction > 0:
            ages = aged(ages, share, 1)
            ages[:, :, 0] = births[:, None] * np.array([0.515, 0.485])
            ages *= (people / np.maximum(ages.sum(axis=(1, 2)), 1.0))[:, None, None]
        for name, drawn in (("births", births), ("deaths", deaths), (NET, net), (COUNTS, people)):
            into[name][:, step] = drawn


def _exposure(schedules: Schedules, ages: Floats) -> tuple[Floats, Floats]:
    """Return expected births at a total fertility rate of 1 and expected deaths of ages float64[..., 2, 111]."""
    women = (ages[..., FEMALE, :] * schedules.fertility).sum(axis=-1)
    dying = (ages * (1.0 - survival(schedules))).sum(axis=(-1, -2))
    return np.asarray(women), np.asarray(dying)


def _levels(schedules: Schedules, history: CohortHistory) -> tuple[float, float]:
    """Return total fertility and the factor of mortality that give the known births and deaths."""
    exposures = [_exposure(schedules, place_ages(schedules, history, year)) for year in history.years]
    births = sum(history.births[year] for year in history.years)
    deaths = sum(history.deaths[year] for year in history.years)
    women = float(sum(one[0] for one in exposures))
    dying = float(sum(one[1] for one in exposures))
    if min(births, deaths, women, dying) <= 0:
        raise NotAvailable("no births or no deaths in the known years")
    return births / women, deaths / dying


def five_year_groups(ages: Floats) -> Floats:
    """Return ages float64[2, 111] by five years, float64[2, 21], the last group open (100 and over)."""
    closed = ages[:, :100].reshape(2, 20, GROUP).sum(axis=2)
    return np.concatenate([closed, ages[:, 100:].sum(axis=1, keepdims=True)], axis=1)


def hamilton_perry(first: Floats, second: Floats) -> Floats:
    """Project the second of two age tables five years apart by five more years (Hamilton & Perry 1962).

    Cohort change ratios of ages 5 and over; children 0-4 by the child-woman ratio (women 15-44).

    Args:
        first, second: float64[2, 21] persons by sex and five-year group, the last open.

    Raises:
        NotAvailable: a cohort of the first table is empty.
    """
    before = np.concatenate([first[:, :-2], first[:, -2:].sum(axis=1, keepdims=True)], axis=1)
    if not (before > 0).all():
        raise NotAvailable("an age group of the first table is empty")
    ratios = second[:, 1:] / before
    now = np.concatenate([second[:, :-2], second[:, -2:].sum(axis=1, keepdims=True)], axis=1)
    projected = np.zeros_like(second)
    projected[:, 1:] = ratios * now
    bearing = slice(3, 9)
    per_woman = second[:, 0] / second[FEMALE, bearing].sum()
    projected[:, 0] = per_woman * projected[FEMALE, bearing].sum()
    return projected


def hamilton_perry_back(first: Floats, second: Floats) -> float:
    """Return the total five years before the first of two age tables, by the same ratios turned round.

    Raises:
        NotAvailable: a cohort of the second table is empty.
    """
    before = np.concatenate([first[:, :-2], first[:, -2:].sum(axis=1, keepdims=True)], axis=1)
    ratios = second[:, 1:] / before
    if not (ratios > 0).all():
        raise NotAvailable("an age group of the second table is empty")
    return float((first[:, 1:] / ratios).sum())
