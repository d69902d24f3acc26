"""The official accounts of the settlements: counts of 1 January 2009-2021, births, deaths, labour force."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from model.csv_tables import Files
from model.problems import WorldError, nearest
from model.series_tables import Point, Table, Variable, read_series

LAST_FLOW_YEAR = 2020
LAST_COUNT_YEAR = 2021
MOST_PEOPLE = 50_000_000.0

VARIABLES = {
    "population_1jan": Variable(("persons",), 0, MOST_PEOPLE, LAST_COUNT_YEAR, whole=True),
    "births": Variable(("persons",), 0, MOST_PEOPLE, LAST_FLOW_YEAR, whole=True),
    "deaths": Variable(("persons",), 0, MOST_PEOPLE, LAST_FLOW_YEAR, whole=True),
    "labour_force": Variable(("persons",), 0, MOST_PEOPLE, LAST_FLOW_YEAR),
    "net_migration_implied": Variable(("persons",), -MOST_PEOPLE, MOST_PEOPLE, LAST_FLOW_YEAR, whole=True),
}
BUDGET_VARIABLES = {
    "local_budget_per_capita": Variable(("thousand KZT",), 0, 1e9, LAST_FLOW_YEAR),
}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Yearly figures of places: ``population_1jan``, ``births``, ``deaths``, ``labour_force``,
    ``net_migration_implied``, all in persons.

    Counts end with 1 January 2021 and flows with 2020, the end of the observation window.
    """

    table: Table

    def places(self) -> tuple[str, ...]:
        """Return the ids of all places that have any figure, sorted."""
        return tuple(sorted({place for place, _ in self.table}))

    def series(self, place_id: str, variable: str) -> dict[int, float]:
        """Return a place's figures by year.

        Raises:
            WorldError: no such series; the message names the nearest place or variable.
        """
        points = self.table.get((place_id, variable))
        if points is None:
            if variable not in VARIABLES:
                raise WorldError(f"accounts: unknown variable '{variable}'" + nearest(variable, VARIABLES))
            if place_id not in self.places():
                raise WorldError(f"accounts: no figures of '{place_id}'" + nearest(place_id, self.places()))
            raise WorldError(f"accounts: no {variable} of '{place_id}'")
        return {year: point.value for year, point in points.items()}

    def value(self, place_id: str, variable: str, year: int) -> float:
        """Return one figure in persons.

        Raises:
            WorldError: the series does not exist or has no figure for the year.
        """
        series = self.series(place_id, variable)
        if year not in series:
            raise WorldError(
                f"accounts: no {variable} of '{place_id}' for {year}; known {min(series)}-{max(series)}"
            )
        return series[year]

    def has(self, place_id: str, variable: str, first: int, last: int) -> bool:
        """Say whether a series is known for every year from ``first`` to ``last``."""
        points = self.table.get((place_id, variable), {})
        return all(year in points for year in range(first, last + 1))

    def mean(self, place_id: str, variable: str, first: int, last: int) -> float:
        """Return the mean of a series over the years ``first`` to ``last``, both included."""
        return sum(self.value(place_id, variable, t) for t in range(first, last + 1)) / (last - first + 1)

    def implied_net_migration(self, place_id: str, year: int) -> float:
        """Return P(t+1) - P(t) - births + deaths of a year, in persons (docs/specification.md section 6, point 2)."""
        return (
            self.value(place_id, "population_1jan", year + 1)
            - self.value(place_id, "population_1jan", year)
            - self.value(place_id, "births", year)
            + self.value(place_id, "deaths", year)
        )

    def mean_net_rate(self, place_id: str, first: int, last: int) -> float:
        """Return the mean of implied net migration / population of 1 January over ``first`` to ``last``."""
        rates = [
            self.implied_net_migration(place_id, t) / self.value(place_id, "population_1jan", t)
            for t in range(first, last + 1)
        ]
        return sum(rates) / len(rates)


def read_accounts(files: Files, paths: Iterable[Path], places: Collection[str]) -> Accounts:
    """Read account files; stated net migration must equal the identity of the other rows of its file.

    Where a later file replaced a count or a flow, net migration is worked out anew.
    """
    accounts = Accounts(read_series(files, paths, VARIABLES, places, "place"))
    for place in accounts.places():
        stated = accounts.table.get((place, "net_migration_implied"), {})
        for year, point in list(stated.items()):
            terms = _terms_of_net_migration(accounts.table, place, year)
            if None in terms:
                continue
            implied = accounts.implied_net_migration(place, year)
            if point.value == implied:
                continue
            if all(term is not None and term.path == point.path for term in terms):
                files.problems.at_line(
                    point.path,
                    point.line,
                    f"{place}, {year}: net_migration_implied {point.value:g} is not"
                    f" P(t+1) - P(t) - births + deaths = {implied:g}",
                )
            stated[year] = replace(point, value=implied)
    return accounts


def _terms_of_net_migration(table: Table, place: str, year: int) -> list[Point | None]:
    counts, births, deaths = (
        table.get((place, name), {}) for name in ("population_1jan", "births", "deaths")
    )
    return [counts.get(year), counts.get(year + 1), births.get(year), deaths.get(year)]
