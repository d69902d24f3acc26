"""Audit of the register: years in which people moved on paper only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from calibration.audit_data import AuditData, Series, common_years, in_window, published
from calibration.audit_findings import Cell, Check, Finding
from calibration.audit_measures import robust_spread, robust_z

FEWEST_YEARS: Final = 6
OUTLYING: Final = 2.5
CHANCE: Final = 0.01
ALONE_OUTLYING: Final = 5.0
SMALLEST_SPREAD: Final = 1.0

REGISTER_EVENT = Check(
    "register_event",
    "Years in which the register, not people, moved",
    "Net migration per 1,000 of every unit: distance of a year from the median of the other years in robust standard"
    " deviations (1.4826 x median absolute deviation, at least the typical one of the units). Found where so many"
    " units stand out by over 2.5 in one year of the window that chance has less than 1 % (binomial with the share"
    " of the other years), or one unit by over 5; among 100 sets of independent normal years 3 gave such an event."
    " Needs 6 years of a unit.",
    "Taken as migration, one year of register clean-up would dominate the level and the dispersion of six.",
    "The units that stand out, and every unit in a year of an event, get a heavy-tailed error (Student t with"
    " 3 degrees of freedom) as wide as the event; other years a normal one.",
)


@dataclass(frozen=True)
class RateOutlier:
    """A unit's net migration of a year against its other years: per 1,000 and robust z."""

    rate: float
    usual: float
    z: float
    persons: float


def rate_outliers(data: AuditData) -> dict[str, dict[int, RateOutlier]]:
    """Return, by unit and year of the window, how far net migration lies from the unit's other years.

    Units are the world's places and all other places with the same regional series. The yardstick is the robust
    spread of the unit's other years, at least the typical one of all units and 1 per 1,000: eleven years give
    so rough a spread that a unit which happened to be calm would make outliers of ordinary years.
    """
    regions = {data.regions[place] for place in data.places if place in data.regions}
    rates: dict[str, Series] = {}
    for unit in sorted(set(data.places).union(*(data.units(region) for region in regions))):
        net = data.implied_net_migration(unit)
        counts = published(data.accounts, unit, "population_1jan")
        if len(net) >= FEWEST_YEARS:
            rates[unit] = {year: 1000.0 * net[year] / counts[year] for year in net if counts[year] > 0}
    if not rates:
        return {}
    typical = max(median(robust_spread(list(one.values())) for one in rates.values()), SMALLEST_SPREAD)
    found = {}
    for unit, one in rates.items():
        counts = published(data.accounts, unit, "population_1jan")
        found[unit] = {year: _against_others(one, year, counts[year], typical) for year in in_window(one)}
    return {unit: years for unit, years in found.items() if years}


def _against_others(rates: Series, year: int, people: float, typical: float) -> RateOutlier:
    others = [rate for other, rate in rates.items() if other != year]
    excess = rates[year] - median(others)
    z = robust_z(rates[year], others, typical)
    return RateOutlier(rates[year], median(others), z, excess * people / 1000.0)


@dataclass(frozen=True)
class RegisterEvent:
    """Units that stand out in one year, the chance of so many, and what they gained and lost in persons."""

    units: tuple[str, ...]
    tested: int
    chance: float
    is_common: bool
    gained: float
    lost: float


def register_events(data: AuditData) -> dict[int, RegisterEvent]:
    """Return by year of the window the units whose net migration stands out, where that is no chance."""
    outliers = rate_outliers(data)
    years = sorted({year for unit in outliers.values() for year in unit})
    out = {
        year: {unit for unit, held in outliers.items() if year in held and abs(held[year].z) > OUTLYING}
        for year in years
    }
    tested = {year: sum(year in held for held in outliers.values()) for year in years}
    events = {}
    for year in years:
        elsewhere = sum(tested[other] for other in years if other != year)
        hits = sum(len(out[other]) for other in years if other != year)
        base = (hits + 1.0) / (elsewhere + 2.0)
        chance = _binomial_tail(len(out[year]), tested[year], base)
        alone = {unit for unit in out[year] if abs(outliers[unit][year].z) > ALONE_OUTLYING}
        is_common = chance < CHANCE
        if is_common or alone:
            shifts = [held[year].persons for held in outliers.values() if year in held]
            events[year] = RegisterEvent(
                tuple(sorted(out[year] if is_common else alone)),
                tested[year],
                chance,
                is_common,
                sum(shift for shift in shifts if shift > 0),
                sum(shift for shift in shifts if shift < 0),
            )
    return events


def _binomial_tail(hits: int, trials: int, chance: float) -> float:
    """Return the probability of at least ``hits`` in ``trials``."""
    return math.fsum(
        math.comb(trials, k) * chance**k * (1.0 - chance) ** (trials - k) for k in range(hits, trials + 1)
    )


def check_register_event(data: AuditData) -> Finding:
    """Is there a year in which the register moved and not people? (docs/specification.md section 6, point 3)."""
    outliers = rate_outliers(data)
    if not outliers:
        return REGISTER_EVENT.not_tested("no place has six years of counts, births and deaths")
    events = register_events(data)
    numbers: list[dict[str, Cell]] = []
    for year, event in events.items():
        shown = set(event.units)
        if event.is_common:
            shown.update(place for place in data.places if year in outliers.get(place, {}))
        for unit in sorted(shown, key=lambda name: outliers[name][year].z):
            one = outliers[unit][year]
            net = data.implied_net_migration(unit)
            numbers.append(
                {
                    "year": year,
                    "unit": data.name(unit),
                    "net, persons": net[year],
                    "a year later": net.get(year + 1),
                    "per 1,000": round(one.rate, 1),
                    "usual": round(one.usual, 1),
                    "robust z": round(one.z, 1),
                    "stands out": "yes" if unit in event.units else "",
                }
            )
    sentences = []
    for year, event in events.items():
        if event.is_common:
            sentences.append(
                f"{year}: {len(event.units)} of {event.tested} units stand out (chance {event.chance:.2g}):"
                f" {event.gained:+,.0f} persons against their usual years in some, {event.lost:+,.0f} in"
                f" others{_by_kind(data, year)}."
            )
        else:
            who = ", ".join(f"{data.name(unit)} (z {outliers[unit][year].z:+.1f})" for unit in event.units)
            sentences.append(f"{year}: {who} alone.")
    summary = " ".join(sentences) or "No year stands out from the others."
    return REGISTER_EVENT.result(bool(events), summary, numbers)


def _by_kind(data: AuditData, year: int) -> str:
    """Return net migration of a year by kind of unit beside the mean of the later years."""
    parts = []
    regions = {data.regions[place] for place in data.places if place in data.regions}
    units = sorted(set(data.places).union(*(data.units(region) for region in regions)))
    for kind, noun in (("regional_centre", "centres"), ("rural_district", "rural districts")):
        nets = [data.implied_net_migration(unit) for unit in units if data.kinds.get(unit) == kind]
        nets = [net for net in nets if year in net]
        later = [sum(net[t] for net in nets) for t in common_years(*nets) if t > year]
        if nets and later:
            now = sum(net[year] for net in nets)
            parts.append(f"{noun} {now:+,.0f} against {fmean(later):+,.0f} a year afterwards")
    return "; " + ", ".join(parts) if parts else ""
