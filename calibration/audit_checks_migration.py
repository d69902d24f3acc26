"""Audit of the population accounts: recorded migration balances against what the counts imply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from calibration.audit_data import AuditData, common_years, in_window, published
from calibration.audit_findings import Cell, Check, Finding
from calibration.audit_measures import correlation, years_text

FEWEST_YEARS: Final = 3
REMAINDER_PER_1000: Final = 1.0

CLOSING = Check(
    "accounts",
    "Recorded migration balances against the accounts",
    "Net migration implied by P(t+1) - P(t) - births + deaths against the balance the paper records for the"
    " same year. Found where the mean yearly remainder exceeds 1 per 1,000 residents; also where a stated"
    " implied figure is not that sum.",
    "The two series differ in level and in course: whoever calibrates on one is refuted by the other, and the"
    " sign of a town's migration depends on the choice.",
    "Implied net migration is believed by default and the recorded balance gets a coverage and a bias of its"
    " own (observation.py); which one is believed is a switch, both are reported side by side.",
)


@dataclass(frozen=True)
class Remainder:
    """Recorded against implied net migration of a place, persons over the years compared.

    Attributes:
        recorded, implied: sums. per_1000: mean absolute yearly remainder per 1,000 residents.
        agreement: correlation of the two series, None where it is undefined.
    """

    years: tuple[int, ...]
    recorded: float
    implied: float
    per_1000: float
    agreement: float | None


def recorded_remainders(data: AuditData) -> dict[str, Remainder]:
    """Return recorded against implied net migration of every place with at least three years of both."""
    found = {}
    for place in data.paper_places("migration_balance"):
        recorded = in_window(published(data.paper, place, "migration_balance"))
        implied = data.implied_net_migration(place)
        counts = published(data.accounts, place, "population_1jan")
        years = common_years(recorded, implied)
        if len(years) < FEWEST_YEARS:
            continue
        gaps = [1000.0 * abs(recorded[year] - implied[year]) / counts[year] for year in years]
        found[place] = Remainder(
            years,
            sum(recorded[year] for year in years),
            sum(implied[year] for year in years),
            sum(gaps) / len(gaps),
            correlation([recorded[year] for year in years], [implied[year] for year in years]),
        )
    return found


def broken_identities(data: AuditData) -> list[tuple[str, int, float, float]]:
    """Return place, year, stated and right value of every implied net migration that is not its own sum."""
    broken = []
    for place, variable in data.accounts:
        if variable == "net_migration_implied":
            right = data.implied_net_migration(place)
            stated = published(data.accounts, place, variable)
            broken += [
                (place, year, stated[year], right[year])
                for year in common_years(stated, right)
                if stated[year] != right[year]
            ]
    return broken


def check_accounts(data: AuditData) -> Finding:
    """Do counts, births, deaths and the recorded balances close? (docs/specification.md section 6, point 2)."""
    remainders, broken = recorded_remainders(data), broken_identities(data)
    if not remainders and not broken:
        if any(data.implied_net_migration(place) for place in data.places):
            return CLOSING.result(False, "Every stated implied figure is its sum; no recorded balances.", [])
        return CLOSING.not_tested("no place with at least three years of recorded and implied net migration")
    numbers: list[dict[str, Cell]] = [
        {
            "place": data.name(place),
            "years": years_text(one.years),
            "recorded": one.recorded,
            "implied": one.implied,
            "remainder": one.recorded - one.implied,
            "a year per 1,000": round(one.per_1000, 1),
            "correlation": None if one.agreement is None else round(one.agreement, 2),
        }
        for place, one in remainders.items()
    ]
    numbers += [
        {
            "place": data.name(place),
            "years": str(year),
            "recorded": stated,
            "implied": right,
            "remainder": stated - right,
            "a year per 1,000": None,
            "correlation": None,
        }
        for place, year, stated, right in broken
    ]
    open_places = {place: one for place, one in remainders.items() if one.per_1000 > REMAINDER_PER_1000}
    sentences = [
        f"{data.name(place)}: recorded {one.recorded:+.0f} against {one.implied:+.0f} in"
        f" {years_text(one.years)}, on average {one.per_1000:.1f} per 1,000 a year apart."
        for place, one in open_places.items()
    ]
    sentences += [
        f"{data.name(place)}, {year}: implied net migration is stated as {stated:+.0f}, the accounts give"
        f" {right:+.0f}."
        for place, year, stated, right in broken
    ]
    found = bool(open_places or broken)
    return CLOSING.result(found, " ".join(sentences) or "Recorded and implied balances agree.", numbers)
