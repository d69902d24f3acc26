"""All naive forecasters of a fold: what the model has to beat, fed with what the fold holds and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import AuditData, Series, published
from calibration.folds import COUNTS, NET, PAPER_SERIES, Fold, history_of, known, series_of
from calibration.naive_cohorts import (
    CohortHistory,
    constant_rates,
    five_year_groups,
    hamilton_perry,
    hamilton_perry_back,
)
from calibration.naive_series import (
    FEWEST,
    SERIES_FORECASTERS,
    NotAvailable,
    Panel,
    bounded_exp,
    last_value,
    mean,
    regional_ratio,
)
from model.schedules import COMPARISON_YEAR, FOUNDING_YEAR, Schedules

Floats = NDArray[np.float64]
DEFAULT_DRAWS: Final = 2000
NON_NEGATIVE: Final = frozenset({"births", "deaths", COUNTS, *PAPER_SERIES})
COHORTS: Final = "constant rates"
HAMILTON_PERRY: Final = "Hamilton-Perry"
OTHER_PLACES: Final = "other places"
WAGE_RATIO: Final = "regional wage ratio"
NAMES: Final = (*SERIES_FORECASTERS, COHORTS, HAMILTON_PERRY, OTHER_PLACES, WAGE_RATIO)


@dataclass(frozen=True, eq=False)
class NaiveForecast:
    """A predictive distribution of one series in a fold.

    Attributes:
        name: of ``NAMES``. places, years: forecast, in the order of the array.
        members: float64[draws, years, places].
    """

    name: str
    places: tuple[str, ...]
    years: tuple[int, ...]
    members: Floats


@dataclass(frozen=True)
class Missing:
    """A forecaster that a fold cannot feed, and why."""

    name: str
    reason: str


def naive_forecasts(
    data: AuditData,
    fold: Fold,
    series: str,
    schedules: Schedules,
    seed: int = 1,
    draws: int = DEFAULT_DRAWS,
) -> tuple[list[NaiveForecast], list[Missing]]:
    """Return every naive forecast of a series in a fold, and the forecasters that the fold cannot feed.

    Everything taken from data is taken from `folds.known`: constants are recomputed inside the fold. The same
    seed gives the same draws, whatever other series or forecasters are asked for.

    Args:
        series: of `folds.ACCOUNT_SERIES` or `folds.PAPER_SERIES`.
        schedules: ages, mortality and fertility by age (estimates that do not come from the places).
    """
    inside = known(data, fold)
    history = history_of(inside, fold, series)
    made: list[NaiveForecast] = []
    missing: list[Missing] = []
    if not history:
        return made, [Missing(name, f"no known {series}") for name in NAMES]
    places = tuple(sorted(history))
    years = tuple(fold.target_years(series))
    for name in NAMES:
        generator = np.random.default_rng([seed, crc32(f"{fold.name}/{series}/{name}".encode())])
        try:
            members = _members(name, inside, fold, series, history, schedules, generator, draws)
        except NotAvailable as error:
            missing.append(Missing(name, str(error)))
            continue
        if series in NON_NEGATIVE:
            members = np.maximum(members, 0.0)
        made.append(NaiveForecast(name, places, years, members))
    return made, missing


def _members(
    name: str,
    inside: AuditData,
    fold: Fold,
    series: str,
    history: Mapping[str, Series],
    schedules: Schedules,
    generator: np.random.Generator,
    draws: int,
) -> Floats:
    """Return float64[draws, years, places] of one forecaster; raises NotAvailable."""
    if name in SERIES_FORECASTERS:
        return _in_order(
            SERIES_FORECASTERS[name](_panel(inside, fold, series, history), draws, generator), fold
        )
    if name == COHORTS:
        return _cohorts(inside, fold, series, sorted(history), schedules, generator, draws)
    if name == OTHER_PLACES:
        return _other_places(inside, fold, series, sorted(history), generator, draws)
    if name == WAGE_RATIO:
        return _wage_ratio(inside, fold, series, history, generator, draws)
    return _hamilton_perry(inside, fold, series, history, schedules, generator, draws)


def _in_order(members: Floats, fold: Fold) -> Floats:
    """Return members with ascending years: a back-cast has walked them from the nearest to the farthest."""
    return np.asarray(members[:, :: -1 if fold.is_backward else 1, :])


def _panel(inside: AuditData, fold: Fold, series: str, history: Mapping[str, Series]) -> Panel:
    """Return the years known of all places, counted towards the targets."""
    years = sorted(set.intersection(*(set(one) for one in history.values())))
    sign = -1.0 if fold.is_backward else 1.0
    order = slice(None, None, int(sign))
    times = sign * np.array(years, dtype=np.float64)[order]
    places = sorted(history)
    values = np.array([[history[place][year] for place in places] for year in years]).reshape(-1, len(places))
    targets = sign * np.array(list(fold.target_years(series)), dtype=np.float64)[order]
    return Panel(times, values[order], targets, _scale(inside, series, places, values))


def _scale(inside: AuditData, series: str, places: list[str], values: Floats) -> Floats:
    """Return how large errors of the places are relative to each other."""
    people = np.array(
        [max(published(inside.accounts, place, COUNTS).values(), default=1.0) for place in places]
    )
    if series in (NET, COUNTS):
        return np.asarray(np.maximum(people, 1.0))
    if series in ("births", "deaths"):
        return np.asarray(np.sqrt(np.maximum(people, 1.0)))
    return np.maximum(np.abs(values).mean(axis=0), 1e-9) if len(values) else np.ones(len(places))


def _cohorts(
    inside: AuditData,
    fold: Fold,
    series: str,
    places: list[str],
    schedules: Schedules,
    generator: np.random.Generator,
    draws: int,
) -> Floats:
    if series in PAPER_SERIES:
        raise NotAvailable("ages say nothing about it")
    direction = -1 if fold.is_backward else 1
    histories = {}
    for place in places:
        counts, births, deaths, net = (
            history_of(inside, fold, name).get(place, {}) for name in (COUNTS, "births", "deaths", NET)
        )
        histories[place] = CohortHistory(counts, births, deaths, net, direction)
    if not all(one.counts for one in histories.values()):
        raise NotAvailable("no known counts")
    projected = constant_rates(schedules, histories, len(fold.targets), draws, generator)
    return _in_order(projected[series], fold)


def _other_places(
    inside: AuditData, fold: Fold, series: str, places: list[str], generator: np.random.Generator, draws: int
) -> Floats:
    """Mean of the other places in the same year, per head of the last known count; levels as they are.

    The spread is that between place-years of the others, one year at a time.
    """
    if not fold.others:
        raise NotAvailable("no other place is known in the target years")
    per_head = series not in PAPER_SERIES
    years = list(fold.target_years(series))
    columns = []
    for other in fold.others:
        held = series_of(inside, other, series)
        counts = published(inside.accounts, other, COUNTS)
        if all(year in held for year in years):
            base = counts[fold.targets.start] if per_head else 1.0
            columns.append([held[year] / base for year in years])
    if len(columns) < FEWEST:
        raise NotAvailable(f"{len(columns)} other places have the series, needs {FEWEST}")
    known_rates = np.array(columns).T
    members = np.empty((draws, len(years), len(places)))
    for t, rates in enumerate(known_rates):
        times = np.arange(float(len(rates)))
        drawn = mean(Panel(times, rates[:, None], times[-1:] + 1.0, np.ones(1)), draws, generator)
        for p, place in enumerate(places):
            start = published(inside.accounts, place, COUNTS)[fold.history.stop] if per_head else 1.0
            members[:, t, p] = drawn[:, 0, 0] * start
    return members


def _wage_ratio(
    inside: AuditData,
    fold: Fold,
    series: str,
    history: Mapping[str, Series],
    generator: np.random.Generator,
    draws: int,
) -> Floats:
    """Ratio to the region's wage, which is a driver and known in the target years."""
    if series != "wage_monthly_nominal":
        raise NotAvailable("for wages only")
    regions = {inside.regions[place] for place in history}
    if len(regions) > 1:
        raise NotAvailable(f"places of several regions: {', '.join(sorted(regions))}")
    wages = published(inside.drivers, regions.pop(), series)
    panel = _panel(inside, fold, series, history)
    sign = -1 if fold.is_backward else 1
    needed = [[int(sign * time) for time in times] for times in (panel.times, panel.targets)]
    if not all(year in wages for years in needed for year in years):
        raise NotAvailable("the region's wage is not known in all years")
    known_wages, ahead = (np.array([wages[year] for year in years]) for years in needed)
    return _in_order(regional_ratio(panel, known_wages, ahead, draws, generator), fold)


def _hamilton_perry(
    inside: AuditData,
    fold: Fold,
    series: str,
    history: Mapping[str, Series],
    schedules: Schedules,
    generator: np.random.Generator,
    draws: int,
) -> Floats:
    """Counts by the cohort change ratios of the region's two age tables; no place's ages are published.

    The ratios give the region's growth over five years before the first or after the second table; it is spread
    evenly over the years and applied to the last known count. The spread is that of a random walk.
    """
    if series != COUNTS:
        raise NotAvailable("it gives people by age, no flows")
    held = fold.history_years(COUNTS)
    if FOUNDING_YEAR not in held or COMPARISON_YEAR not in held:
        raise NotAvailable(
            f"ages are known for {FOUNDING_YEAR} and {COMPARISON_YEAR} only, not both in the fold"
        )
    first, second = (five_year_groups(ages) for ages in (schedules.base_ages, schedules.base_ages_2020))
    if fold.is_backward:
        growth = hamilton_perry_back(first, second) / first.sum()
    else:
        growth = hamilton_perry(first, second).sum() / second.sum()
    panel = _panel(inside, fold, series, history)
    ahead = (panel.targets - panel.times[-1]) / (COMPARISON_YEAR - FOUNDING_YEAR)
    logs = Panel(
        panel.times,
        np.log(panel.values),
        panel.targets,
        np.ones(len(panel.scale)),
    )
    drawn = bounded_exp(last_value(logs, draws, generator), logs.values[-1])
    return _in_order(drawn * (growth**ahead)[None, :, None], fold)
