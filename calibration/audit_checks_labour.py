"""Audit of labour figures: columns that are another series, impossible ratios, wage outliers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scipy.special import stdtr

from calibration.audit_data import AuditData, Series, common_years, in_window, published
from calibration.audit_findings import Cell, Check, Finding
from calibration.audit_measures import years_text

EQUAL_SHARE: Final = 0.0015
EQUAL_PERSONS: Final = 1.0
FEWEST_EQUAL: Final = 3
LABOUR_FORCE: Final = "labour_force"
EMPLOYED_OF_FORCE: Final = "labour_force x (1 - unemployment)"
# .5606 of the region's people were in the labour force in 2015, in the towns 1.06 times as many (prior of kappa_E)
USUAL_SHARE: Final = 0.595
SWING: Final = 0.10
FAR_FROM_USUAL: Final = 0.10
JUMP: Final = 0.05
JUMP_OF_POPULATION: Final = 3.0
OUTLYING_SHARE: Final = 0.10
OUTLYING_CHANCE: Final = 0.05
FEWEST_FOR_OUTLIERS: Final = 5

SAME_SERIES = Check(
    "same_series",
    "Columns of the paper that are another series",
    "Every column of the paper against every official series of the place of the same year (and against labour"
    " force x (1 - the paper's unemployment rate)). Found where at least three years are equal within .15 % or"
    " one person.",
    "Employment is not what the column holds. Used beside the labour force it counts the same survey twice.",
    "Years in which the column repeats an official series or follows from one carry no information of their"
    " own and only check the model; years without an official figure are read as labour force x (1 -"
    " unemployment), with room for either reading where the column was the labour force before.",
)
RATIOS = Check(
    "labour_ratios",
    "Impossible ratios of labour and population",
    "Labour force / (.595 x population): found where a place swings by over 10 % within the window or lies over"
    " 10 % off. Employment: found where employed + unemployed exceed the labour force by over 1 %, or employed"
    " change by over 5 % in a year and over three times as many persons as the population.",
    "Survey noise of a small sample, read as behaviour, would let participation and jobs swing by a tenth.",
    "The labour force gets a standard deviation estimated from its own second differences, no trend is"
    " identified from it, and its level is shared with kappa_E; unemployment keeps its own error.",
)
WAGE_OUTLIERS = Check(
    "wage_outliers",
    "Wages that fall out of line with the region's",
    "Ratio of the place's wage to the region's against the mean of the other years (t test with one year left"
    " out). Found where it is over 10 % away and chance has less than 5 %.",
    "A wage that dips and catches up would be read as a collapse and a boom of the town's labour market.",
    "The outlying year gets a heavy-tailed error as wide as the deviation; the growth of the next year cannot"
    " be read as a jump.",
)


@dataclass(frozen=True)
class SameSeries:
    """Years in which a column of the paper repeats another series, with the largest difference in persons."""

    place: str
    variable: str
    other: str
    years: tuple[int, ...]
    of_years: int
    largest_difference: float


def _equal(first: float, second: float) -> bool:
    return abs(first - second) <= max(EQUAL_PERSONS, EQUAL_SHARE * abs(second))


def _other_series(data: AuditData, place: str) -> dict[str, Series]:
    """Return the official series of a place and what follows from them, by name."""
    others = {
        variable: published(data.accounts, place, variable)
        for held, variable in data.accounts
        if held == place and variable != "population_1jan"
    }
    rate = published(data.paper, place, "unemployment_rate")
    force = others.get(LABOUR_FORCE, {})
    derived = {year: force[year] * (1.0 - rate[year] / 100.0) for year in common_years(force, rate)}
    if derived:
        others[EMPLOYED_OF_FORCE] = derived
    return others


def same_series(data: AuditData) -> list[SameSeries]:
    """Return every column of the paper that repeats another series in at least three years.

    Once a column is known to repeat a series, its other years are reported for all series they equal.
    """
    found = []
    for place, variable in sorted(data.paper):
        if place not in data.places:
            continue
        column = published(data.paper, place, variable)
        matches = {}
        for name, other in _other_series(data, place).items():
            years = common_years(column, other)
            equal = tuple(year for year in years if _equal(column[year], other[year]))
            if equal:
                largest = max(abs(column[year] - other[year]) for year in equal)
                matches[name] = SameSeries(place, variable, name, equal, len(years), largest)
        if any(len(one.years) >= FEWEST_EQUAL for one in matches.values()):
            found += list(matches.values())
    return found


def check_same_series(data: AuditData) -> Finding:
    """Is a column another series than its name says? (docs/specification.md section 6, point 4)."""
    if not any(place in data.places for place, _ in data.paper):
        return SAME_SERIES.not_tested("no tables of a paper on these places")
    found = same_series(data)
    numbers: list[dict[str, Cell]] = [
        {
            "place": data.name(one.place),
            "column": one.variable,
            "is": one.other,
            "in years": years_text(one.years),
            "of years compared": one.of_years,
            "largest difference": round(one.largest_difference, 1),
        }
        for one in found
    ]
    sentences = []
    for one in found:
        how = (
            "to the person" if one.largest_difference == 0 else f"within {one.largest_difference:.0f} persons"
        )
        sentences.append(
            f"{data.name(one.place)}: '{one.variable}' is {one.other} {how} in {years_text(one.years)}."
        )
    return SAME_SERIES.result(
        bool(found), " ".join(sentences) or "No column repeats an official series.", numbers
    )


def check_ratios(data: AuditData) -> Finding:
    """Are labour force and employment possible? (docs/specification.md section 6, point 7)."""
    numbers: list[dict[str, Cell]] = []
    sentences: list[str] = []
    tested = False
    found = False
    for place in data.places:
        counts = published(data.accounts, place, "population_1jan")
        force = in_window(published(data.accounts, place, LABOUR_FORCE))
        ratios = {year: force[year] / (USUAL_SHARE * counts[year]) for year in common_years(force, counts)}
        if len(ratios) >= 2:
            tested = True
            low, high = min(ratios.values()), max(ratios.values())
            is_off = high / low - 1.0 > SWING or low < 1.0 - FAR_FROM_USUAL or high > 1.0 + FAR_FROM_USUAL
            numbers.append(_row(data, place, "labour force / (.595 P)", ratios, is_off))
            if is_off:
                found = True
                sentences.append(f"{data.name(place)}: labour force {low:.2f}-{high:.2f} of the usual.")
    for place in data.paper_places("employed"):
        employed = published(data.paper, place, "employed")
        force = published(data.accounts, place, LABOUR_FORCE)
        rate = published(data.paper, place, "unemployment_rate")
        ratios = {
            year: (employed[year] + rate[year] / 100.0 * force[year]) / force[year]
            for year in common_years(employed, force, rate)
        }
        if ratios:
            tested = True
            over = {year for year, ratio in ratios.items() if ratio > 1.01}
            numbers.append(_row(data, place, "(employed + unemployed) / labour force", ratios, bool(over)))
            if over:
                found = True
                sentences.append(
                    f"{data.name(place)}: employed and unemployed exceed the labour force in {years_text(over)}."
                )
        jumps = employment_jumps(employed, published(data.paper, place, "population"))
        if len(employed) >= 2:
            tested = True
            changes = {y: employed[y] - employed[y - 1] for y in employed if y - 1 in employed}
            numbers.append(_row(data, place, "change of employed, persons", changes, bool(jumps)))
        if jumps:
            found = True
            text = ", ".join(f"{change:+.0f} in {year}" for year, change in jumps.items())
            sentences.append(f"{data.name(place)}: employed {text} without a counterpart in population.")
    if not tested:
        return RATIOS.not_tested("no labour force and no employment")
    return RATIOS.result(found, " ".join(sentences) or "All ratios are possible.", numbers)


def employment_jumps(employed: Series, population: Series) -> Series:
    """Return the yearly changes of employed persons that no change of population goes with."""
    return {
        year: employed[year] - employed[year - 1]
        for year in common_years(employed, population)
        if year - 1 in employed
        and year - 1 in population
        and abs(employed[year] - employed[year - 1]) > JUMP * employed[year - 1]
        and abs(employed[year] - employed[year - 1])
        > JUMP_OF_POPULATION * abs(population[year] - population[year - 1])
    }


def _row(
    data: AuditData, place: str, what: str, values: Mapping[int, float], is_off: bool
) -> dict[str, Cell]:
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    digits = 0 if "persons" in what else 3
    return {
        "place": data.name(place),
        "what": what,
        "lowest": round(values[low], digits),
        "in": low,
        "highest": round(values[high], digits),
        "in year": high,
        "years": len(values),
        "impossible": "yes" if is_off else "",
    }


@dataclass(frozen=True)
class WageOutlier:
    """A year's wage ratio to the region: the ratio, the mean of the other years, chance, growth afterwards."""

    ratio: float
    others: float
    chance: float
    growth_after: float | None

    @property
    def deviation(self) -> float:
        """Share by which the ratio lies off the mean of the other years."""
        return self.ratio / self.others - 1.0

    @property
    def is_outlying(self) -> bool:
        """Say whether the ratio is too far off for chance."""
        return abs(self.deviation) > OUTLYING_SHARE and self.chance < OUTLYING_CHANCE


def wage_ratios(data: AuditData) -> dict[str, dict[int, WageOutlier]]:
    """Return by place and year the paper's wage relative to the region's, against the other years."""
    found = {}
    for place in data.paper_places("wage_monthly_nominal"):
        wages = published(data.paper, place, "wage_monthly_nominal")
        region = published(data.drivers, data.regions.get(place, ""), "wage_monthly_nominal")
        ratios = {year: wages[year] / region[year] for year in common_years(wages, region)}
        if len(ratios) >= FEWEST_FOR_OUTLIERS:
            found[place] = {
                year: _left_out(ratios, year, wages.get(year + 1, 0.0) / wages[year] - 1.0 or None)
                for year in ratios
            }
    return found


def _left_out(ratios: Series, year: int, growth: float | None) -> WageOutlier:
    """Set one year against the others: t test of a new observation, two-sided."""
    others = [ratio for other, ratio in ratios.items() if other != year]
    count = len(others)
    mean = sum(others) / count
    sd = (sum((ratio - mean) ** 2 for ratio in others) / (count - 1)) ** 0.5
    t = abs(ratios[year] - mean) / max(sd * (1.0 + 1.0 / count) ** 0.5, 1e-12)
    last = max(ratios)
    return WageOutlier(
        ratios[year], mean, 2.0 * float(stdtr(count - 1, -t)), None if year == last else growth
    )


def check_wages(data: AuditData) -> Finding:
    """Does a wage fall out of line and catch up? (docs/specification.md section 6, point 6)."""
    places = wage_ratios(data)
    if not places:
        return WAGE_OUTLIERS.not_tested("no place with five years of wages beside its region's")
    numbers: list[dict[str, Cell]] = []
    sentences = []
    for place, years in places.items():
        for year, one in years.items():
            numbers.append(
                {
                    "place": data.name(place),
                    "year": year,
                    "wage / region's": round(one.ratio, 3),
                    "mean of others": round(one.others, 3),
                    "off, %": round(100.0 * one.deviation, 1),
                    "chance": round(one.chance, 3),
                    "growth after, %": None
                    if one.growth_after is None
                    else round(100.0 * one.growth_after, 1),
                    "outlier": "yes" if one.is_outlying else "",
                }
            )
            if one.is_outlying:
                others = [two.ratio for other, two in years.items() if other != year]
                then = "" if one.growth_after is None else f"; {one.growth_after:+.1%} in the next year"
                sentences.append(
                    f"{data.name(place)}, {year}: {one.ratio:.2f} of the region's wage against"
                    f" {min(others):.2f}-{max(others):.2f} in the other years ({one.deviation:+.0%}){then}."
                )
    tests = Counter(place for place, years in places.items() for _ in years).total()
    if sentences:
        sentences.append(
            f"{tests} ratios were tested: {0.05 * tests:.1f} would be called unlikely by chance."
        )
    return WAGE_OUTLIERS.result(
        bool(sentences), " ".join(sentences) or "All wages are in line with the region's.", numbers
    )
