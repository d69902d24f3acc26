"""Audit of the fall of births: how much of it the age structure makes at constant fertility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from calibration.audit_data import AuditData, published
from calibration.audit_findings import Cell, Check, Finding

SHARE: Final = 0.25
SMALLEST_CHANGE: Final = 0.03

AGES = Check(
    "age_structure",
    "Change of births that the age structure makes alone",
    "Women of each age times the same fertility schedule in the first and the last year of the age table, against"
    " the published births. Found where at least a quarter of a change of over 3 % is age structure.",
    "Births fitted without ages would be read as falling fertility and go on falling after the small cohorts"
    " of the 1990s have passed.",
    "Births come from women by age; only what ages do not explain identifies g_f (one trend for the whole"
    " horizon). The age table is an estimate: its error stays in the prior of g_f.",
)


@dataclass(frozen=True)
class BirthsChange:
    """Births of two years: published, and what the same fertility gives with the women of each year."""

    first: int
    last: int
    births_first: float
    births_last: float
    expected_first: float
    expected_last: float

    @property
    def observed(self) -> float:
        """Relative change of the published births."""
        return self.births_last / self.births_first - 1.0

    @property
    def by_ages(self) -> float:
        """Relative change at constant fertility by age."""
        return self.expected_last / self.expected_first - 1.0

    @property
    def of_fertility(self) -> float:
        """Relative change of fertility that remains."""
        return (1.0 + self.observed) / (1.0 + self.by_ages) - 1.0


def births_change(data: AuditData) -> BirthsChange | None:
    """Return the change of births between the first and the last age table, or None where either lacks."""
    births = published(data.drivers, data.ages_region, "births")
    years = sorted(year for year in data.women if year in births)
    if len(years) < 2:
        return None
    first, last = years[0], years[-1]
    expected = [float((data.women[year] * data.fertility).sum()) for year in (first, last)]
    if min(*expected, births[first]) <= 0.0:
        return None
    return BirthsChange(first, last, births[first], births[last], *expected)


def check_age_structure(data: AuditData) -> Finding:
    """How much of the births' fall is age structure? (docs/specification.md section 6, point 10)."""
    change = births_change(data)
    if change is None:
        return AGES.not_tested("no two age tables with births of their years")
    found = abs(change.observed) > SMALLEST_CHANGE and change.by_ages / change.observed >= SHARE
    numbers: list[dict[str, Cell]] = [
        {
            "region": data.name(data.ages_region),
            "years": f"{change.first}-{change.last}",
            "births": f"{change.births_first:,.0f} to {change.births_last:,.0f}",
            "change, %": round(100.0 * change.observed, 1),
            "by ages, points": round(100.0 * change.by_ages, 1),
            "left for fertility, %": round(100.0 * change.of_fertility, 1),
            "a year, %": round(
                100.0 * ((1.0 + change.of_fertility) ** (1.0 / (change.last - change.first)) - 1.0), 2
            ),
        }
    ]
    summary = (
        f"Births changed by {change.observed:+.1%} in {change.first}-{change.last}; at constant fertility the"
        f" estimated ages alone give {100.0 * change.by_ages:+.1f} points, so that fertility changed by"
        f" {change.of_fertility:+.1%}."
    )
    return AGES.result(found, summary, numbers)
