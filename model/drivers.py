"""What drives the places from outside: wages, prices, exchange rates, unemployment, rents, observed years."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model.accounts_data import LAST_COUNT_YEAR, LAST_FLOW_YEAR, MOST_PEOPLE
from model.csv_tables import Files
from model.problems import WorldError, nearest
from model.series_tables import Table, Variable, read_series

PRICE_SERIES = "nkr"
PRICE_BASE_YEAR = 2020
SHARED_TERRITORIES = (
    "nkr",
    "akmola",
    "kostanay",
    "astana",
    "kazakhstan",
    "omsk",
    "kurgan",
    "tyumen",
    "russia",
)

_KZT_PER_M2 = Variable(("KZT per m2",), 1, 1e9)
_MILLION_KZT = Variable(("million KZT",), 0, 1e12)
_THOUSAND_PERSONS = Variable(("thousand persons",), 0, 1e6, LAST_FLOW_YEAR)
_PERSONS = Variable(("persons",), 0, 1e9, LAST_FLOW_YEAR, whole=True)
_YEARS = Variable(("years",), 1, 120, LAST_FLOW_YEAR)
_RATE = Variable(("KZT per RUB",), 0.01, 1000)

VARIABLES = {
    "wage_monthly_nominal": Variable(("KZT", "RUB"), 1, 1e9),
    "unemployment_rate": Variable(("percent",), 0, 100),
    "cpi_dec_dec": Variable(("Dec previous year = 100",), 50, 1000),
    "exchange_rate": _RATE,
    "ppp_rate": _RATE,
    "rent_m2_month": _KZT_PER_M2,
    "new_flat_price_m2": _KZT_PER_M2,
    "resale_flat_price_m2": _KZT_PER_M2,
    "labour_force": _THOUSAND_PERSONS,
    "employees": _THOUSAND_PERSONS,
    "self_employed": _THOUSAND_PERSONS,
    "employed_agriculture": _PERSONS,
    "employed_industry_construction": _PERSONS,
    "employed_services": _PERSONS,
    "gva_agriculture": _MILLION_KZT,
    "gva_industry": _MILLION_KZT,
    "fixed_investment": _MILLION_KZT,
    "births": _PERSONS,
    "deaths": _PERSONS,
    "population_1jan": Variable(("persons",), 0, 1e9, LAST_COUNT_YEAR, whole=True),
    "net_migration": Variable(("persons",), -MOST_PEOPLE, MOST_PEOPLE, LAST_FLOW_YEAR, whole=True),
    **{
        f"life_expectancy_{who}": _YEARS
        for who in (
            "both_sexes",
            "men_total",
            "men_urban",
            "men_rural",
            "women_total",
            "women_urban",
            "women_rural",
        )
    },
}


@dataclass(frozen=True)
class Drivers:
    """Observed drivers. "Real" means deflated with the annual mean of North Kazakhstan's consumer prices to
    2020; no Russian price series is at hand, so Russian wages are converted in their year and deflated alike.
    """

    table: Table
    first_year: int = 2015

    def names(self, variable: str) -> tuple[str, ...]:
        """Return the names of all series that hold a variable, sorted."""
        return tuple(sorted(name for name, held in self.table if held == variable))

    def series(self, name: str, variable: str) -> dict[int, float]:
        """Return a series by year, in the unit of its file.

        Raises:
            WorldError: no such series; the message names the nearest valid name.
        """
        points = self.table.get((name, variable))
        if points is None:
            if variable not in VARIABLES:
                raise WorldError(f"drivers: unknown variable '{variable}'" + nearest(variable, VARIABLES))
            raise WorldError(f"drivers: no {variable} of '{name}'" + nearest(name, self.names(variable)))
        return {year: point.value for year, point in points.items()}

    def unit(self, name: str, variable: str) -> str:
        """Return the unit of a series."""
        self.series(name, variable)
        return next(iter(self.table[(name, variable)].values())).unit

    @cached_property
    def price_level(self) -> dict[int, float]:
        """Annual mean of consumer prices, 2020 = 1: the mean of year t is sqrt(Dec[t-1] x Dec[t])."""
        changes = self.series(PRICE_SERIES, "cpi_dec_dec")
        december = {min(changes) - 1: 1.0}
        for year, change in changes.items():
            december[year] = december[year - 1] * change / 100.0
        mean = {year: math.sqrt(december[year - 1] * december[year]) for year in changes}
        return {year: level / mean[PRICE_BASE_YEAR] for year, level in mean.items()}

    def deflate(self, nominal: float, year: int) -> float:
        """Return a nominal amount of a year at the prices of 2020.

        Raises:
            WorldError: no consumer prices for the year.
        """
        return nominal / self._of_year(self.price_level, year, "consumer prices")

    def wage_real(self, series_id: str, year: int) -> float:
        """Return the mean monthly wage of a Kazakhstan series, KZT a month at 2020 prices.

        Raises:
            WorldError: no such series or year, or the series is in roubles.
        """
        return self.deflate(self._wage(series_id, year, "KZT"), year)

    def wage_real_russia(self, series_id: str, year: int, rate: str = "market") -> float:
        """Return a Russian mean monthly wage converted in its year, KZT a month at 2020 prices.

        Args:
            series_id: name of a series in roubles.
            year: calendar year.
            rate: "market" (National Bank) or "ppp" (World Bank).

        Raises:
            WorldError: no such series, year or rate, or the series is in tenge.
        """
        return self.deflate(self._wage(series_id, year, "RUB") * self.exchange(year, rate), year)

    def _wage(self, series_id: str, year: int, unit: str) -> float:
        wages = self.series(series_id, "wage_monthly_nominal")
        if self.unit(series_id, "wage_monthly_nominal") != unit:
            raise WorldError(f"drivers: the wages of '{series_id}' are not in {unit}")
        return self._of_year(wages, year, f"wage of '{series_id}'")

    def last_wage_year(self, series_id: str) -> int:
        """Return the last year of a wage series."""
        return max(self.series(series_id, "wage_monthly_nominal"))

    def unemployment(self, series_id: str, year: int) -> float:
        """Return an official unemployment rate as a share in [0, 1]."""
        rates = self.series(series_id, "unemployment_rate")
        return self._of_year(rates, year, f"unemployment of '{series_id}'") / 100.0

    def last_unemployment_year(self, series_id: str) -> int:
        """Return the last year of an unemployment series."""
        return max(self.series(series_id, "unemployment_rate"))

    def exchange(self, year: int, rate: str = "market") -> float:
        """Return KZT per RUB of a year; ``rate`` is "market" or "ppp"."""
        variables = {"market": "exchange_rate", "ppp": "ppp_rate"}
        if rate not in variables:
            raise WorldError(f"drivers: unknown rate '{rate}'" + nearest(rate, variables))
        return self._of_year(self.series("russia", variables[rate]), year, f"{rate} rate of the rouble")

    def last_exchange_year(self, rate: str = "market") -> int:
        """Return the last year of a rate of the rouble."""
        return max(self.series("russia", {"market": "exchange_rate", "ppp": "ppp_rate"}[rate]))

    def has_rent(self, place_id: str, year: int) -> bool:
        """Say whether the rent of a place is published for a year."""
        return year in self.table.get((place_id, "rent_m2_month"), {})

    def rent(self, place_id: str, year: int) -> float:
        """Return the rent of a well-equipped flat, nominal KZT per m2 and month, end of the year."""
        return self._of_year(self.series(place_id, "rent_m2_month"), year, f"rent of '{place_id}'")

    @staticmethod
    def _of_year(series: dict[int, float], year: int, what: str) -> float:
        if year not in series:
            raise WorldError(f"drivers: no {what} for {year}; known {min(series)}-{max(series)}")
        return series[year]


def read_drivers(files: Files, paths: Iterable[Path], territories: Collection[str]) -> Drivers:
    """Read driver files; ``territories`` are the names that a series may have."""
    return Drivers(read_series(files, paths, VARIABLES, territories, "series"))
