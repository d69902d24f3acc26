"""The figures the model is calibrated to, as the findings of the audit make them readable.

The audit decides how a column of the paper is read, which years are heavy-tailed, and which figures repeat
others and are only checks.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import chain
from statistics import median
from typing import Final

from calibration.audit_checks_counts import paper_dating
from calibration.audit_checks_labour import LABOUR_FORCE, same_series, wage_ratios
from calibration.audit_checks_migration import recorded_remainders
from calibration.audit_checks_output import shared_counts
from calibration.audit_checks_register import rate_outliers, register_events
from calibration.audit_data import FIRST_YEAR, LAST_YEAR, AuditData, Series, published
from calibration.observation_errors import ERRORS, HEAVY, SERIES, Believed, Figure
from model.series_tables import Table

PANDEMIC_YEAR: Final = 2020
COUNTS: Final = "population_1jan"
MEDIAN_OF_T: Final = 0.7649  # median of the absolute value of Student t with 3 degrees of freedom


OF_PAPER: Final = {
    "agricultural_output": "agricultural_output_per_capita",
    "industrial_output": "industrial_output_per_capita",
}
# Second differences of five noisy figures say little: the estimate is pooled with this many years of the prior
PRIOR_YEARS: Final = 4


def observed_figures(
    data: AuditData,
    years: Collection[int] = range(FIRST_YEAR, LAST_YEAR + 1),
    believed: Believed = "accounts",
) -> tuple[Figure, ...]:
    """Return the figures of the world's places in these years, sorted by series, place and year.

    Args:
        data: as published. For a fold of a validation give `until(data, last_year)`, so that every constant
            taken from the figures is taken from inside the fold.
        years: of the flows; counts of 1 January of each year and of the one after the last.
        believed: which migration series identifies net migration: "accounts" fits the implied one and lets the
            recorded balances have a coverage and a bias; "recorded" fits the recorded ones as they stand, where
            a place has them, and keeps the implied ones for comparison.

    Raises:
        ValueError: no figure of these places and years at all.
    """
    chosen = [
        figure
        for place in data.places
        for figure in chain(
            _demography(data, place),
            _migration(data, place, believed),
            _labour(data, place),
            _wages(data, place),
            _output(data, place),
        )
        if figure.year in years or (figure.series == "count" and figure.year - 1 in years)
    ]
    if not chosen:
        raise ValueError(f"no observed figure of {', '.join(data.places)} in {min(years)}-{max(years)}")
    order = {name: number for number, name in enumerate(SERIES)}
    return tuple(sorted(chosen, key=lambda one: (order[one.series], one.place, one.year)))


def until(data: AuditData, last_year: int) -> AuditData:
    """Return the data as known after ``last_year``: flows to that year, counts to 1 January after it.

    Drivers stay: a fold is scored given the drivers, and prices are a unit of measurement.
    """

    def cut(table: Table) -> Table:
        kept = {
            key: {year: point for year, point in points.items() if year <= last_year + (key[1] == COUNTS)}
            for key, points in table.items()
        }
        return {key: points for key, points in kept.items() if points}

    return replace(
        data,
        accounts=cut(data.accounts),
        paper=cut(data.paper),
        census=cut(data.census),
        budget=cut(data.budget),
        women={year: women for year, women in data.women.items() if year <= last_year + 1},
    )


def _official(data: AuditData, place: str, variable: str) -> Iterator[tuple[int, float, str]]:
    """Yield year, value and source of what is published, not of what fills a gap."""
    known = published(data.accounts, place, variable)
    for year, value in known.items():
        yield year, value, data.accounts[place, variable][year].source


def _printed(data: AuditData, place: str, variable: str) -> Iterator[tuple[int, float, str]]:
    for year, value in published(data.paper, place, variable).items():
        yield year, value, data.paper[place, variable][year].source


def figure_of(
    series: str, place: str, year: int, value: float, unit: str, source: str, size: float
) -> Figure:
    """Return a figure with the errors of its series; ``size`` is what relative and per-head errors refer to."""
    errors = ERRORS[series]
    factor = size if errors.relative or errors.per_head else 1.0
    return Figure(
        series=series,
        place=place,
        year=year,
        value=value,
        unit=unit,
        source=source,
        scale=errors.scale,
        recording_sd=errors.recording * factor,
        discrepancy_sd=errors.discrepancy * factor,
        sd_source=errors.source,
        level_sd=errors.level * (size if errors.per_head else 1.0),
        coverage=errors.coverage,
        coverage_sd=errors.coverage_sd,
    )


def _demography(data: AuditData, place: str) -> Iterator[Figure]:
    """Counts (checks: they are the sum of the flows), births and deaths."""
    for year, value, source in _official(data, place, COUNTS):
        yield replace(figure_of("count", place, year, value, "persons", source, value), role="check")
    for series in ("births", "deaths"):
        flows = published(data.accounts, place, series)
        usual = sum(flows.values()) / max(len(flows), 1)
        for year, value, source in _official(data, place, series):
            figure = figure_of(series, place, year, value, "persons", source, usual)
            # Whole persons: rounding alone is a third of a person
            figure = replace(figure, recording_sd=math.hypot(figure.recording_sd, 0.3))
            if series == "deaths" and year == PANDEMIC_YEAR:
                figure = replace(figure, discrepancy_sd=0.08 * usual)
            yield figure


def _migration(data: AuditData, place: str, believed: Believed) -> Iterator[Figure]:
    """Implied net migration and recorded balances."""
    counts = published(data.accounts, place, COUNTS)
    recorded = published(data.paper, place, "migration_balance")
    widths = heavy_years(data, place)
    for year, value in data.implied_net_migration(place).items():
        figure = figure_of("net_migration", place, year, value, "persons", "P(t+1) - P(t) - births + deaths",
                         counts[year])  # fmt: skip
        if year in widths:
            figure = replace(
                figure,
                recording_sd=widths[year] * counts[year],
                degrees=HEAVY,
                sd_source=f"register event of {year}: {1000 * widths[year]:.1f} per 1,000, Student t (audit)",
            )
        if believed == "recorded" and year in recorded:
            figure = replace(figure, role="check")
        yield figure
    bias = recorded_bias(data)
    for year, value, source in _printed(data, place, "migration_balance"):
        if year not in counts:
            continue
        figure = figure_of("migration_balance", place, year, value, "persons", source, counts[year])
        if believed == "recorded":
            figure = replace(
                figure, level_sd=0.0, coverage=1.0, coverage_sd=0.0, sd_source="believed as recorded (switch)"
            )
        elif bias is not None:
            figure = replace(figure, level_sd=bias * counts[year])
        yield figure


def heavy_years(data: AuditData, place: str) -> Series:
    """Return by year the width of the heavy-tailed error of a place's net migration, persons per resident.

    In a year in which many units moved at once: such that half of the units lie within it as they do (median
    distance from their usual years over that of Student t); in a year in which the place stood out alone: its
    own distance.
    """
    outliers = rate_outliers(data)
    widths = {}
    for year, event in register_events(data).items():
        if event.is_common:
            distances = [
                abs(held[year].rate - held[year].usual) for held in outliers.values() if year in held
            ]
            widths[year] = median(distances) / MEDIAN_OF_T / 1000.0
        elif place in event.units:
            widths[year] = abs(outliers[place][year].rate - outliers[place][year].usual) / 1000.0
    return widths


def recorded_bias(data: AuditData) -> float | None:
    """Return the root mean square of the places' mean yearly remainder, persons per resident, or None."""
    shares = []
    for place, one in recorded_remainders(data).items():
        counts = published(data.accounts, place, COUNTS)
        people = sum(counts[year] for year in one.years)
        shares.append((one.recorded - one.implied) / people)
    return math.sqrt(sum(share**2 for share in shares) / len(shares)) if shares else None


def series_noise(series: Series, prior_sd: float) -> float:
    """Return the standard deviation of the noise of log figures around any smooth course.

    The mean square of second differences over 6 (Gasser, Sroka & Jennen-Steinmetz 1986), pooled with a prior
    worth four years, as five figures alone say little.
    """
    logs = {year: math.log(value) for year, value in series.items() if value > 0}
    squares = [
        (logs[year + 1] - 2.0 * logs[year] + logs[year - 1]) ** 2 / 6.0
        for year in logs
        if year - 1 in logs and year + 1 in logs
    ]
    return math.sqrt((PRIOR_YEARS * prior_sd**2 + sum(squares)) / (PRIOR_YEARS + len(squares)))


def _labour(data: AuditData, place: str) -> Iterator[Figure]:
    """Labour force, the paper's employed as the audit reads it, unemployment."""
    force = published(data.accounts, place, LABOUR_FORCE)
    noise = series_noise(force, ERRORS["labour_force"].recording)
    for year, value, source in _official(data, place, LABOUR_FORCE):
        figure = figure_of("labour_force", place, year, value, "persons", source, value)
        yield replace(figure, recording_sd=noise)
    readings: dict[int, str] = {}
    for one in same_series(data):
        if (one.place, one.variable) == (place, "employed"):
            readings.update(dict.fromkeys(one.years, one.other))
    was_force = LABOUR_FORCE in readings.values()
    rates = published(data.paper, place, "unemployment_rate")
    for year, value, source in _printed(data, place, "employed"):
        figure = replace(
            figure_of("employed", place, year, value, "persons", source, value), recording_sd=noise
        )
        if year in readings:
            reading = LABOUR_FORCE if readings[year] == LABOUR_FORCE else ""
            yield replace(figure, role="check", reading=reading)
        elif was_force:
            # It may be the labour force again: half-way between the two readings is off by half the unemployed
            gap = 0.5 * rates.get(year, 5.0) / 100.0
            text = f"{figure.sd_source}; either reading of the column"
            yield replace(figure, recording_sd=math.hypot(noise, gap), reading="either", sd_source=text)
        else:
            yield figure
    for year, value, source in _printed(data, place, "unemployment_rate"):
        yield figure_of("unemployment_rate", place, year, value, "percent", source, value)


def _wages(data: AuditData, place: str) -> Iterator[Figure]:
    """Wages, heavy-tailed where they fall out of line with the region's."""
    against_others = wage_ratios(data).get(place, {})
    for year, value, source in _printed(data, place, "wage_monthly_nominal"):
        figure = figure_of("wage", place, year, value, "KZT a month, nominal", source, value)
        one = against_others.get(year)
        if one is not None and one.is_outlying:
            width = abs(math.log1p(one.deviation))
            figure = replace(
                figure,
                recording_sd=width,
                degrees=HEAVY,
                sd_source=f"{one.deviation:+.0%} off the other years: as wide as that, Student t (audit)",
            )
        yield figure


def _output(data: AuditData, place: str) -> Iterator[Figure]:
    """Output per head with a free level; years of a shared total count once for all who share it."""
    dating = paper_dating(data).get(place)
    lag = dating.lag if dating is not None and dating.is_shifted else 0
    sharing = shared_counts(data)
    counts = published(data.accounts, place, COUNTS)
    for series, variable in OF_PAPER.items():
        for year, value, source in _printed(data, place, variable):
            if value <= 0 or year + lag not in counts:
                continue
            factor = math.sqrt(sharing.get((place, variable, year), 1))
            figure = figure_of(series, place, year, value, "thousand KZT a head, nominal", source, value)
            text = figure.sd_source
            if factor > 1.0:
                text += f"; variance x {factor**2:.0f}: one total shared by {factor**2:.0f} places (audit)"
            yield replace(
                figure,
                recording_sd=figure.recording_sd * factor,
                discrepancy_sd=figure.discrepancy_sd * factor,
                count_year=year + lag,
                sd_source=text,
            )


def information_lost(data: AuditData, figures: tuple[Figure, ...]) -> dict[str, tuple[str, ...]]:
    """Return by place the series that no figure identifies, for the report of a user's own world."""
    needed = [name for name in SERIES if name not in ("count", "employed")]
    lacking = {}
    for place in data.places:
        held = {one.series for one in figures if one.place == place and one.role == "fit"}
        lacking[place] = tuple(name for name in needed if name not in held)
    return {place: names for place, names in lacking.items() if names}
