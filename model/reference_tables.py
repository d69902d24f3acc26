"""Tables that are no input of the yearly step: the extinction ladder, costs, the paper's tables, censuses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model.csv_tables import Files
from model.places import read_places
from model.problems import Problems
from model.series_tables import Table, Variable, read_series
from model.world import DATA

LAST_YEAR = 2020
PAPER_VARIABLES = {
    "population": Variable(("persons",), 0, 1e7, LAST_YEAR, whole=True),
    "wage_monthly_nominal": Variable(("KZT",), 1, 1e9, LAST_YEAR),
    "employed": Variable(("persons",), 0, 1e7, LAST_YEAR, whole=True),
    "unemployment_rate": Variable(("percent",), 0, 100, LAST_YEAR),
    "migration_balance": Variable(("persons",), -1e7, 1e7, LAST_YEAR, whole=True),
    "industrial_output_per_capita": Variable(("thousand KZT",), 0, 1e9, LAST_YEAR),
    "agricultural_output_per_capita": Variable(("thousand KZT",), 0, 1e9, LAST_YEAR),
}
CENSUS_VARIABLES = {"population": Variable(("persons",), 0, 1e7, LAST_YEAR, whole=True)}


@dataclass(frozen=True, slots=True)
class Rung:
    """A threshold of the extinction ladder: fewer ``persons`` than this means what ``meaning`` says."""

    persons: int
    id: str
    meaning: str
    source: str


@dataclass(frozen=True, slots=True)
class Cost:
    """A unit cost of a policy lever: a range in ``unit``, at the prices of the years given."""

    item: str
    low: float
    high: float
    unit: str
    first_year: int
    last_year: int
    source: str
    quality: str


@dataclass(frozen=True, slots=True)
class ZoneFact:
    """A published fact of the special economic zone QYZYLJAR; some are words, hence text."""

    fact: str
    value: str
    note: str
    source: str


@cache
def extinction_ladder() -> tuple[Rung, ...]:
    """Return the thresholds, largest first. Raises WorldError when the file is damaged."""
    path, files = DATA / "extinction_ladder.csv", _files("extinction ladder")
    rungs = []
    for row in files.rows(path, ("persons", "id", "meaning", "source")):
        persons = files.integer(path, row, "persons", 1, 10_000_000)
        cells = row.cells
        rungs.append(Rung(persons or 0, cells["id"], cells["meaning"], cells["source"]))
    files.problems.raise_if_any()
    return tuple(sorted(rungs, key=lambda rung: -rung.persons))


@cache
def policy_costs() -> tuple[Cost, ...]:
    """Return the unit costs in the order of the file. Raises WorldError when the file is damaged."""
    path, files = DATA / "policy_costs.csv", _files("policy costs")
    columns = ("item", "low", "high", "unit", "year_from", "year_to", "source", "quality")
    costs = []
    for row in files.rows(path, columns):
        files.quality(path, row)
        low = files.number(path, row, "low", 0)
        high = files.number(path, row, "high", 0 if math.isnan(low) else low)
        first = files.integer(path, row, "year_from", 1990, 2100) or 0
        last = files.integer(path, row, "year_to", first, 2100) or 0
        cells = row.cells
        costs.append(
            Cost(cells["item"], low, high, cells["unit"], first, last, cells["source"], cells["quality"])
        )
    files.problems.raise_if_any()
    return tuple(costs)


@cache
def zone_facts() -> tuple[ZoneFact, ...]:
    """Return the facts of the zone in the order of the file. Raises WorldError when the file is damaged."""
    files = _files("zone facts")
    columns = ("fact", "value", "note", "source")
    facts = [
        ZoneFact(*(row.cells[name] for name in columns))
        for row in files.rows(DATA / "zone_facts.csv", columns)
    ]
    files.problems.raise_if_any()
    return tuple(facts)


@cache
def paper_tables() -> Table:
    """Return Tables 1 and 2 of Turkeeva et al. 2022 by (place, variable) and year, as printed."""
    return _series("paper_tables.csv", PAPER_VARIABLES)


@cache
def census_counts() -> Table:
    """Return census counts 1959-2009 by (place or "nkr", "population") and year."""
    return _series("census_towns.csv", CENSUS_VARIABLES)


def _files(subject: str) -> Files:
    return Files(Problems(subject))


def _series(name: str, variables: dict[str, Variable]) -> Table:
    files = _files(name)
    places = read_places(files, [DATA / "places.csv"])
    path: Path = DATA / name
    table = read_series(files, [path], variables, {*places, "nkr"}, "place", yearly=False)
    files.problems.raise_if_any()
    return table
