"""Audit of the paper's text: figures stated in words against its own tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from calibration.audit_data import AuditData, Series, Statement, published
from calibration.audit_findings import Cell, Check, Finding

SMALL_ROUNDING: Final = 1e-9
LONGEST_TABLE: Final = 10  # years before the stated one in which a stale mean may begin
# How many units of the table one stated unit is
FACTORS: Final = {("KZT", "thousand KZT"): 1e-3, ("thousand KZT", "KZT"): 1e3}

TEXT = Check(
    "text",
    "Figures in the paper's text against its tables",
    "Every figure stated in words against the same statistic of the tables, within half the last digit stated."
    " For one that differs the explanations are searched: another unit, the mean of earlier years, another"
    " place, the change of the population.",
    "A reader who takes the text for data starts from wages of half a decade ago and from the other town's"
    " ratio.",
    "The calibration uses tables and official accounts only; no figure of the text is a target. The local"
    " budget of 2020 is read in the unit of the years before it.",
)


@dataclass(frozen=True)
class Comparison:
    """A statement set against the tables: the tables' figure in the stated unit's place, and what explains it."""

    statement: Statement
    stated: float
    table: float
    unit: str
    explanation: str

    @property
    def agrees(self) -> bool:
        """Say whether the tables round to the stated figure."""
        return not self.explanation


def _series(data: AuditData, territory: str, variable: str) -> Series:
    """Return a series of the paper's tables or budget; population goes back through counts and censuses."""
    if variable != "population":
        source = data.paper if (territory, variable) in data.paper else data.budget
        return published(source, territory, variable)
    known = dict(published(data.census, territory, "population"))
    known.update(published(data.drivers, territory, "population_1jan"))
    known.update(published(data.accounts, territory, "population_1jan"))
    known.update(published(data.paper, territory, "population"))
    return known


def _statistic(data: AuditData, territory: str, one: Statement) -> float | None:
    """Return the tables' figure for what a statement says, of any territory; None where it is not known."""
    first, last = one.first_year, one.last_year
    if one.statistic == "ratio_of_means":
        means = [_mean(_series(data, territory, name), first, last) for name in one.variable.split("/")]
        return None if None in means or not means[1] else float(means[0] or 0.0) / means[1]
    series = _series(data, territory, one.variable)
    if one.statistic == "level":
        return series.get(last)
    if one.statistic == "change":
        # A census may stand a year before the decade it is quoted for
        start = series.get(first, series.get(first - 1))
        return None if start is None or last not in series else series[last] - start
    mean = _mean(series, first, last)
    return mean if mean is None or one.statistic == "mean" else mean * (last - first + 1)


def _mean(series: Series, first: int, last: int) -> float | None:
    years = range(first, last + 1)
    if not all(year in series for year in years):
        return None
    return sum(series[year] for year in years) / len(years)


def comparisons(data: AuditData) -> list[Comparison]:
    """Return every statement about the world's places or their region that the tables can test."""
    return [one for one in (_compare(data, statement) for statement in data.statements) if one is not None]


def _compare(data: AuditData, one: Statement) -> Comparison | None:
    concerns = one.territory in data.places or (one.territory == data.ages_region and data.is_of_region)
    table = _statistic(data, one.territory, one) if concerns else None
    if table is None:
        return None
    unit = _table_unit(data, one)
    factor = FACTORS.get((one.unit, unit), 1.0)
    stated, rounding = one.stated * factor, one.rounding * factor * (1.0 + SMALL_ROUNDING)
    if abs(table - stated) <= rounding:
        return Comparison(one, stated, table, unit, "")
    return Comparison(one, stated, table, unit, _explain(data, one, stated, rounding, table))


def _table_unit(data: AuditData, one: Statement) -> str:
    for source in (data.paper, data.budget):
        for point in source.get((one.territory, one.variable), {}).values():
            return point.unit
    return one.unit


def _explain(data: AuditData, one: Statement, stated: float, rounding: float, table: float) -> str:
    """Return what the stated figure is instead, as far as the tables tell."""
    if abs(table - one.stated) <= one.rounding:
        return f"unit: the tables have {table:g} {_table_unit(data, one)}"
    people = _series(data, one.territory, "population")
    if one.statistic == "sum" and {one.first_year, one.last_year} <= set(people):
        change = people[one.last_year] - people[one.first_year]
        if abs(change - stated) <= rounding:
            return f"another quantity: the change of the population is {change:,.0f}"
    if one.statistic == "level" and (stale := _stale_mean(data, one, stated, rounding)):
        return stale
    others = sorted({territory for held in (data.paper, data.census) for territory, _ in held})
    nearest = [
        (abs(value - stated), territory, value)
        for territory in others
        if territory != one.territory and (value := _statistic(data, territory, one)) is not None
    ]
    fitting = sorted(candidate for candidate in nearest if candidate[0] <= rounding)
    if fitting:
        return f"another place: that of {data.name(fitting[0][1])}, {_short(fitting[0][2])}"
    return "contradicts the tables"


def _stale_mean(data: AuditData, one: Statement, stated: float, rounding: float) -> str:
    """Return which mean from the table's first year on, short of the last year, comes nearest; "" if none fits."""
    series = _series(data, one.territory, one.variable)
    start = min(year for year in series if year >= one.last_year - LONGEST_TABLE)
    means = [
        (abs(mean - stated), last, mean)
        for last in range(start + 1, one.last_year)
        if (mean := _mean(series, start, last)) is not None
    ]
    if not means or min(means)[0] > rounding:
        return ""
    _, last, mean = min(means)
    return f"stale: the mean of {start}-{last} is {mean:,.0f}"


def check_text(data: AuditData) -> Finding:
    """Does the text say what the tables say? (docs/specification.md section 6, point 8)."""
    tested = comparisons(data)
    if not tested:
        return TEXT.not_tested("no statement that the tables can test")
    numbers: list[dict[str, Cell]] = [
        {
            "place": data.name(one.statement.territory),
            "what": f"{_quantity(one.statement)}, {one.statement.statistic}",
            "years": _span(one.statement),
            "stated": one.statement.stated,
            "unit": one.statement.unit,
            "tables": float(f"{one.table:.5g}") if abs(one.table) < 1000 else round(one.table),
            "verdict": one.explanation or "agrees",
            "quote": one.statement.quote,
        }
        for one in tested
    ]
    wrong = [one for one in tested if not one.agrees]
    sentences = [
        f"{data.name(one.statement.territory)}, {_quantity(one.statement)}: {one.statement.stated:,g}"
        f" {one.statement.unit} stated, {_short(one.table)} in the tables ({one.explanation})."
        for one in wrong
    ]
    head = f"{len(wrong)} of {len(tested)} figures differ. " if wrong else f"All {len(tested)} figures agree."
    return TEXT.result(bool(wrong), head + " ".join(sentences), numbers)


def _quantity(one: Statement) -> str:
    return one.variable.replace("/", " / ")


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _span(one: Statement) -> str:
    return str(one.last_year) if one.first_year == one.last_year else f"{one.first_year}-{one.last_year}"
