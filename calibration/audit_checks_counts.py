"""Audit of counts: their date, the sum of units against the region, re-basing at a census."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import Final

from calibration.audit_data import AuditData, common_years, published
from calibration.audit_findings import Cell, Check, Finding
from calibration.audit_measures import robust_z, years_text

MOST_LAG: Final = 2
FEWEST_YEARS: Final = 3
CLEARLY_NEARER: Final = 0.25
COVERED: Final = 0.9
BOUNDARY_PERSONS: Final = 100.0
FEWEST_FOR_OUTLIERS: Final = 6
BREAK_Z: Final = 6.0
BREAK_SHARE: Final = 0.02
SMALLEST_SPREAD: Final = 0.001

DATING = Check(
    "dating",
    "Date of the paper's counts",
    "Mean absolute difference between the printed count of year t and the official count of 1 January t + lag,"
    " lag -2 to 2. Found where another lag than 0 fits at least four times better.",
    "Read as 1 January t, every count would be a year late: births, deaths and moves of year t would be set"
    " against the change of the year before.",
    "Printed counts are read as 1 January t + best lag. Where they equal the official counts they carry no"
    " information of their own and only check the model; the official series is used.",
)
REGIONAL_SUM = Check(
    "regional_sum",
    "Net migration of the units against the region's",
    "Sum over the units of P(t+1) - P(t) - births + deaths minus the published net migration of the region,"
    " year by year, beside the region's count that no unit holds. Found where a year does not close.",
    "In a year with a gap some unit's implied figure holds people who did not move: a boundary was redrawn.",
    "Implied net migration is used. Small gaps lie far below the observation error; in a year of a redrawn"
    " boundary the units whose figure stands out carry a heavy-tailed error.",
)
REBASING = Check(
    "census_rebasing",
    "Re-basing of the register at a census",
    "Yearly log change of the region's count against the median of the other years. Found where a change is"
    " over 6 robust standard deviations and over 2 % away.",
    "The register misses departures between censuses: any level may be several per cent off, and a model"
    " on this basis inherits it.",
    "The model lives on the register's basis; the parameter b_s (register_bias) carries a level bias of every"
    " count into population_resident, and results are also given as indices free of the level.",
)


@dataclass(frozen=True)
class Dating:
    """How the paper's counts of a place are dated.

    Attributes:
        lag: the count of printed year t is that of 1 January t + lag.
        years: printed years compared. equal: how many of them are equal to the person.
        distance, distance_unshifted: mean absolute difference in persons, at the best lag and at none.
    """

    lag: int
    years: tuple[int, ...]
    equal: int
    distance: float
    distance_unshifted: float

    @property
    def is_shifted(self) -> bool:
        """Say whether another date than the printed one fits clearly better."""
        return self.lag != 0 and self.distance <= CLEARLY_NEARER * self.distance_unshifted


def paper_dating(data: AuditData) -> dict[str, Dating]:
    """Return the dating of every place whose printed counts can be set against at least three official ones."""
    found = {}
    for place in data.paper_places("population"):
        printed = published(data.paper, place, "population")
        official = published(data.accounts, place, "population_1jan")
        distances: dict[int, tuple[float, tuple[int, ...]]] = {}
        for lag in sorted(range(-MOST_LAG, MOST_LAG + 1), key=abs):
            years = tuple(year for year in printed if year + lag in official)
            if len(years) >= FEWEST_YEARS:
                gaps = [abs(printed[year] - official[year + lag]) for year in years]
                distances[lag] = (sum(gaps) / len(gaps), years)
        if 0 not in distances:
            continue
        lag = min(distances, key=lambda candidate: distances[candidate][0])
        distance, years = distances[lag]
        equal = sum(printed[year] == official[year + lag] for year in years)
        found[place] = Dating(lag, years, equal, distance, distances[0][0])
    return found


def check_dating(data: AuditData) -> Finding:
    """Of which 1 January are the paper's counts? (docs/specification.md section 6, point 1)."""
    dating = paper_dating(data)
    if not dating:
        return DATING.not_tested("no place with at least three printed and official counts")
    shifted = [place for place, one in dating.items() if one.is_shifted]
    numbers: list[dict[str, Cell]] = [
        {
            "place": data.name(place),
            "best lag, years": one.lag,
            "counts compared": len(one.years),
            "equal to the person": one.equal,
            "mean difference at best lag": round(one.distance, 1),
            "at lag 0": round(one.distance_unshifted, 1),
        }
        for place, one in dating.items()
    ]
    compared = sum(len(dating[place].years) for place in shifted)
    equal = sum(dating[place].equal for place in shifted)
    lags = " and ".join(f"{lag:+d}" for lag in sorted({dating[place].lag for place in shifted}))
    summary = (
        f"Printed year t is the official count of 1 January t {lags}: {equal} of {compared} counts equal to"
        " the person."
        if shifted
        else "The printed counts fit the official 1 January counts of the same year best."
    )
    return DATING.result(bool(shifted), summary, numbers)


@dataclass(frozen=True)
class RegionalGap:
    """What does not close in a year: units' sum minus region, and people of the region in no unit, persons."""

    sum_of_units: float
    region: float
    in_no_unit_before: float
    in_no_unit_after: float

    @property
    def gap(self) -> float:
        """Implied net migration of the units minus the region's published one."""
        return self.sum_of_units - self.region

    @property
    def is_boundary(self) -> bool:
        """Say whether the gap is the people who came into a unit because its boundary was redrawn."""
        merged = self.in_no_unit_before - self.in_no_unit_after
        return abs(self.gap) > BOUNDARY_PERSONS and abs(self.gap - merged) <= 0.1 * abs(self.gap)


def regional_gaps(data: AuditData, region: str) -> dict[int, RegionalGap]:
    """Return by year what the units' net migration leaves open against the region's; empty if units lack."""
    stated = published(data.drivers, region, "net_migration")
    counts = published(data.drivers, region, "population_1jan")
    units = data.units(region)
    if not stated or not units:
        return {}
    implied = [data.implied_net_migration(unit) for unit in units]
    held = [published(data.accounts, unit, "population_1jan") for unit in units]
    gaps = {}
    for year in common_years(stated, counts, *implied):
        if year + 1 not in counts:
            continue
        before, after = (counts[t] - sum(unit[t] for unit in held) for t in (year, year + 1))
        if before <= (1.0 - COVERED) * counts[year]:
            total = sum(unit[year] for unit in implied)
            gaps[year] = RegionalGap(total, stated[year], before, after)
    return gaps


def check_regional_sum(data: AuditData) -> Finding:
    """Do the units' implied figures add up to the region's? (docs/specification.md section 6, point 2)."""
    numbers: list[dict[str, Cell]] = []
    sentences, found = [], False
    for region in sorted({data.regions[place] for place in data.places if place in data.regions}):
        gaps = regional_gaps(data, region)
        for year, one in gaps.items():
            numbers.append(
                {
                    "region": data.name(region),
                    "year": year,
                    "units together": one.sum_of_units,
                    "published": one.region,
                    "gap": one.gap,
                    "in no unit, 1 Jan": one.in_no_unit_before,
                    "a year later": one.in_no_unit_after,
                    "boundary redrawn": "yes" if one.is_boundary else "",
                }
            )
        if not gaps:
            continue
        closed = [year for year, one in gaps.items() if one.gap == 0]
        small = {y: one.gap for y, one in gaps.items() if one.gap != 0 and abs(one.gap) <= BOUNDARY_PERSONS}
        large = {y: one for y, one in gaps.items() if abs(one.gap) > BOUNDARY_PERSONS}
        found = found or bool(small or large)
        text = (
            f"{data.name(region)}: equal in {years_text(closed)}"
            if closed
            else f"{data.name(region)}: never equal"
        )
        if small:
            low, high = min(small.values(), key=abs), max(small.values(), key=abs)
            text += f"; {low:+.0f} to {high:+.0f} persons in {years_text(small)}"
        for year, one in large.items():
            why = " (people of no unit until then were put into one)" if one.is_boundary else ""
            text += f"; {one.gap:+.0f} in {year}{why}"
        sentences.append(text + ".")
    if not numbers:
        return REGIONAL_SUM.not_tested("the units do not make up a region with published net migration")
    return REGIONAL_SUM.result(found, " ".join(sentences), numbers)


def check_rebasing(data: AuditData) -> Finding:
    """Was the register re-based at a census, and by how much? (docs/specification.md section 6, point 9)."""
    region = data.ages_region
    if not data.is_of_region:
        return REBASING.not_tested(f"no place of {data.name(region)}, whose counts are known")
    counts = dict(published(data.census, region, "population"))
    counts.update(published(data.drivers, region, "population_1jan"))
    years = sorted(year for year in counts if year + 1 in counts and counts[year] > 0)
    if len(years) < FEWEST_FOR_OUTLIERS:
        return REBASING.not_tested(
            f"fewer than {FEWEST_FOR_OUTLIERS} yearly changes of the count of {region}"
        )
    changes = {year: math.log(counts[year + 1] / counts[year]) for year in years}
    numbers: list[dict[str, Cell]] = []
    for year, change in changes.items():
        others = [value for other, value in changes.items() if other != year]
        usual = median(others)
        excess = change - usual
        z = robust_z(change, others, SMALLEST_SPREAD)
        if abs(z) > BREAK_Z and abs(excess) > BREAK_SHARE:
            numbers.append(
                {
                    "region": data.name(region),
                    "1 January": year,
                    "count": counts[year],
                    "a year later": counts[year + 1],
                    "change, %": round(100.0 * math.expm1(change), 1),
                    "usual change, %": round(100.0 * math.expm1(usual), 1),
                    "level bias, %": round(-100.0 * math.expm1(excess), 1),
                    "robust z": round(z, 1),
                }
            )
    summary = " ".join(
        f"{row['count']:,.0f} on 1 January {row['1 January']}, {row['a year later']:,.0f} a year later"
        f" ({row['change, %']:+.1f} %, usually {row['usual change, %']:+.1f} %): the register was"
        f" {row['level bias, %']:.1f} % too high."
        for row in numbers
    )
    return REBASING.result(bool(numbers), summary or f"No break in {years[0]}-{years[-1] + 1}.", numbers)
