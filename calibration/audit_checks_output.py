"""Audit of output per head: different places that share one numerator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from calibration.audit_data import AuditData, Series, common_years, published
from calibration.audit_findings import Cell, Check, Finding
from calibration.audit_measures import years_text

PER_HEAD: Final = "_per_capita"
VALUE_ADDED: Final = {
    "agricultural_output_per_capita": "gva_agriculture",
    "industrial_output_per_capita": "gva_industry",
}
CHANCE: Final = 0.01

SHARED = Check(
    "shared_numerator",
    "Output per head that shares one total between places",
    "Value per head x printed population, place against place: equal where the difference is within what the"
    " rounding of the printed figures allows. Found where chance has less than 1 % (binomial; chance of one"
    " year from the spread of the places' totals).",
    "The figure of a place is a larger area's total divided by the place's people: its level says nothing"
    " about the place, and two places look like two observations but are one.",
    "Levels of output per head are never fitted (a free level per place); shared years enter with their"
    " variance multiplied by the number of places that share them.",
)


@dataclass(frozen=True)
class SharedTotal:
    """A year of two places: totals in the unit of the value x persons, and whether they are one number."""

    first: float
    second: float
    rounding: float

    @property
    def is_equal(self) -> bool:
        """Say whether the totals differ by no more than the rounding of the printed figures."""
        return abs(self.first - self.second) <= self.rounding


@dataclass(frozen=True)
class PairOfPlaces:
    """Totals of two places by year, and the probability of so many equal ones by chance."""

    variable: str
    places: tuple[str, str]
    totals: dict[int, SharedTotal]
    chance: float

    @property
    def shared_years(self) -> tuple[int, ...]:
        """Return the years with one common total, if there are too many for chance."""
        years = tuple(year for year, one in self.totals.items() if one.is_equal)
        return years if years and self.chance < CHANCE else ()


def _half_digit(values: Series) -> float:
    """Return half of the last digit printed in a series."""
    digits = max(len(f"{value:.6f}".rstrip("0").split(".")[1]) for value in values.values())
    return float(0.5 * 10.0**-digits)


def pairs_of_places(data: AuditData) -> list[PairOfPlaces]:
    """Return the totals of every pair of places for every value per head of the paper."""
    variables = sorted({name for _, name in data.paper if name.endswith(PER_HEAD)})
    pairs = []
    for first, second in combinations(data.paper_places("population"), 2):
        people = [published(data.paper, place, "population") for place in (first, second)]
        by_variable = {}
        for variable in variables:
            values = [published(data.paper, place, variable) for place in (first, second)]
            years = common_years(*values, *people)
            if years:
                half = max(_half_digit(one) for one in values)
                by_variable[variable] = {
                    year: SharedTotal(
                        values[0][year] * people[0][year],
                        values[1][year] * people[1][year],
                        half * (people[0][year] + people[1][year]),
                    )
                    for year in years
                }
        spread = _spread(list(by_variable.values()))
        for variable, totals in by_variable.items():
            chance = _chance_of_equal(totals, spread)
            pairs.append(PairOfPlaces(variable, (first, second), totals, chance))
    return pairs


def _spread(tables: list[dict[int, SharedTotal]]) -> float:
    """Return the typical log ratio of the two places' totals where they are not equal, at least .05."""
    squares = [
        math.log(one.first / one.second) ** 2
        for totals in tables
        for one in totals.values()
        if not one.is_equal and one.first > 0 and one.second > 0
    ]
    return max(math.sqrt(sum(squares) / len(squares)), 0.05) if squares else 0.05


def _chance_of_equal(totals: dict[int, SharedTotal], spread: float) -> float:
    """Return the probability of at least as many equal years, log ratios being normal with that spread."""
    equal = sum(one.is_equal for one in totals.values())
    if equal == 0:
        return 1.0
    tolerance = max(one.rounding / max(min(one.first, one.second), 1e-9) for one in totals.values())
    chance = min(1.0, 2.0 * tolerance / (spread * math.sqrt(2.0 * math.pi)))
    count = len(totals)
    return math.fsum(
        math.comb(count, k) * chance**k * (1.0 - chance) ** (count - k) for k in range(equal, count + 1)
    )


def shared_counts(data: AuditData) -> dict[tuple[str, str, int], int]:
    """Return for (place, variable, year) the number of places that share its total, where several do."""
    sharing: dict[tuple[str, str, int], set[str]] = {}
    for pair in pairs_of_places(data):
        for year in pair.shared_years:
            for place in pair.places:
                sharing.setdefault((place, pair.variable, year), set()).update(pair.places)
    return {key: len(places) for key, places in sharing.items()}


def check_shared_numerator(data: AuditData) -> Finding:
    """Do different places divide one total by their people? (docs/specification.md section 6, point 5)."""
    pairs = pairs_of_places(data)
    if not pairs:
        return SHARED.not_tested("fewer than two places with values per head")
    numbers: list[dict[str, Cell]] = []
    sentences = []
    for pair in pairs:
        shared = pair.shared_years
        value_added = published(data.drivers, data.ages_region, VALUE_ADDED.get(pair.variable, ""))
        for year, one in pair.totals.items():
            regional = value_added.get(year)
            numbers.append(
                {
                    "variable": pair.variable,
                    "places": " / ".join(data.name(place) for place in pair.places),
                    "year": year,
                    "first, million": round(one.first / 1000.0, 2),
                    "second, million": round(one.second / 1000.0, 2),
                    "difference": round((one.first - one.second) / 1000.0, 2),
                    "rounding allows": round(one.rounding / 1000.0, 2),
                    "% of region's value added": (
                        None if not regional else round(one.first / 1000.0 / regional * 100.0, 2)
                    ),
                    "shared": "yes" if year in shared else "",
                }
            )
        if shared:
            totals = " and ".join(f"{pair.totals[year].first / 1e6:.2f}" for year in shared)
            names = " and ".join(data.name(place) for place in pair.places)
            sentences.append(
                f"{names}: {pair.variable} x population is the same total in {years_text(shared)}"
                f" ({totals} billion KZT; chance {pair.chance:.1g})."
            )
    return SHARED.result(bool(sentences), " ".join(sentences) or "No two places share a total.", numbers)
