"""Phase 12: what the statistician records of every place and year - the columns of the table of results."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.accounts import Ledger
from model.choice import Places
from model.compiled import lean_kernel
from model.population import AGES, SECTORS
from model.settlements import NETWORKS, Settlements

OLD_AGE = 65
YOUTH_FIRST, YOUTH_LAST = 15, 29


@dataclass(frozen=True)
class Column:
    """A column of the table of results; a flow belongs to the year that begins, a stock to its 1 January."""

    name: str
    unit: str
    meaning: str
    is_flow: bool


COLUMNS: tuple[Column, ...] = (
    Column("population", "persons", "residents on 1 January, on the register's basis", False),
    Column("births", "persons", "births in the year", True),
    Column("deaths", "persons", "deaths in the year, newborns included", True),
    Column("in_migration", "persons", "arrivals from all other places", True),
    Column("out_migration", "persons", "departures to all other places", True),
    Column("net_migration", "persons", "arrivals minus departures", True),
    Column("out_russia", "persons", "departures to Russia", True),
    Column("out_kazakhstan", "persons", "departures to another place inside Kazakhstan", True),
    Column("employed", "persons", "residents in a job, commuters included", True),
    Column("unemployment_rate", "share", "official unemployment of the labour force", True),
    Column(
        "hidden_unemployment_rate", "share", "self-employed or hidden unemployed of the labour force", True
    ),
    Column("wage", "KZT a month, 2020 prices", "mean wage of local jobs", True),
    Column("wear", "share", "mean wear of the four networks on 1 January", False),
    Column("labour_force", "persons", "participants of the year", True),
    Column("jobs", "posts", "posts in the place", True),
    Column("jobs_agriculture", "posts", "posts in agriculture", True),
    Column("jobs_industry", "posts", "posts in industry, zone included", True),
    Column("jobs_public", "posts", "posts in public services", True),
    Column("jobs_services", "posts", "posts in local services", True),
    Column("commuters", "persons", "residents who work in the centre", True),
    Column("vacancies", "posts", "posts left open", True),
    Column("households", "households", "households on 1 January", False),
    Column("share_65", "share", "share of residents aged 65 and over", False),
    Column("pupils", "persons", "residents of 7-17", False),
    Column("population_resident", "persons", "residents if the register keeps its level bias", False),
    Column("wear_heat", "share", "wear of the heat network", False),
    Column("wear_water", "share", "wear of the water network", False),
    Column("wear_sewer", "share", "wear of the sewers", False),
    Column("wear_road", "share", "wear of the streets", False),
    Column("services", "index", "services S open to residents", True),
    Column("health_level", "level", "health norms met and kept (0-4)", True),
    Column("school_level", "level", "school norms met and kept (0-3)", True),
    Column("rent", "index", "rent, Petropavlovsk 2015 = 1", True),
    Column("empty_dwellings", "dwellings", "dwellings of 2015 without a household", False),
    Column("perceived_income", "KZT a month, 2020 prices", "income people expect in the place", True),
    Column("output_agriculture", "index", "real agricultural output, 2015 trend = 1", True),
    Column("output_industry", "index", "real industrial output, 2015 trend = 1", True),
    Column("zone_jobs", "jobs", "additional zone jobs in the place", True),
    Column("zone_launched", "jobs", "launched zone jobs in the place", True),
    Column("investment", "million KZT, 2020 prices", "money into networks", True),
    Column("youth_net", "persons", "net migration of people of 15-29", True),
)
COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
_INDEX = {name: k for k, name in enumerate(COLUMN_NAMES)}
# Number of every column by name, as the kernels read it.
AT: Any = namedtuple("AT", COLUMN_NAMES)(*range(len(COLUMN_NAMES)))


class Record:
    """Recorded years of one run.

    Attributes:
        years: int64[n_years] from the start to the horizon, both 1 January dates.
        values: float64[n_columns, n_years, n_sim]; flows are NaN in the last year.
        flows: int64[n_years - 1, n_sim, n_all] persons by destination.
        arrivals_from: int64[n_years - 1, n_sim, n_all] persons by external origin.
        pyramid_first, pyramid_last: int64[n_sim, 2, 111] persons by sex and age.
    """

    def __init__(self, start: int, horizon: int, n_sim: int, n_all: int) -> None:
        self.years: NDArray[np.int64] = np.arange(start, horizon + 1)
        self.values: NDArray[np.float64] = np.full((len(COLUMNS), len(self.years), n_sim), np.nan)
        self.flows: NDArray[np.int64] = np.zeros((horizon - start, n_sim, n_all), np.int64)
        self.arrivals_from: NDArray[np.int64] = np.zeros((horizon - start, n_sim, n_all), np.int64)
        self.pyramid_first: NDArray[np.int64] = np.zeros((n_sim, 2, AGES), np.int64)
        self.pyramid_last: NDArray[np.int64] = np.zeros((n_sim, 2, AGES), np.int64)

    @property
    def columns(self) -> dict[str, NDArray[np.float64]]:
        """Columns by name, float64[n_years, n_sim] each."""
        return {name: self.values[k] for name, k in _INDEX.items()}

    def column(self, name: str) -> NDArray[np.float64]:
        """One column of `COLUMNS`, float64[n_years, n_sim], in its unit; flows are NaN in the last year.

        Raises:
            KeyError: no column of that name.
        """
        return self.values[_INDEX[name]]

    def note_stocks(
        self,
        t: int,
        stock: NDArray[np.int64],
        state: Settlements,
        bias: NDArray[np.float64],
        dwellings: NDArray[np.float64],
    ) -> None:
        """Record what holds on 1 January of year number `t` (`bias` is exp(b_s) of the register)."""
        write_stocks(self.values, t, stock, state, bias, dwellings)

    def note_flows(
        self, t: int, ledger: Ledger, state: Settlements, places: Places, trends: NDArray[np.float64]
    ) -> None:
        """Record what happened during year number `t` (`trends` holds the log trends of output)."""
        write_flows(self.values, t, ledger, state, places)
        output = np.exp(state.output + trends)
        self.values[AT.output_agriculture, t] = output[:, 0]
        self.values[AT.output_industry, t] = output[:, 1]
        self.flows[t] = ledger.flows
        self.arrivals_from[t] = ledger.arrivals_from


@lean_kernel
def write_stocks(
    values: NDArray[np.float64],
    t: int,
    stock: NDArray[np.int64],
    state: Settlements,
    bias: NDArray[np.float64],
    dwellings: NDArray[np.float64],
) -> None:
    """Columns of 1 January of year number `t` in `values[column, year, place]`."""
    for place in range(stock.shape[0]):
        population, old = 0, 0
        for sex in range(2):
            for age in range(AGES):
                population += stock[place, sex, age]
                old += stock[place, sex, age] if age >= OLD_AGE else 0
        values[AT.population, t, place] = population
        values[AT.population_resident, t, place] = population * bias[place]
        values[AT.share_65, t, place] = old / max(population, 1)
        values[AT.households, t, place] = state.households[place]
        values[AT.pupils, t, place] = state.pupils[place]
        wear = 0.0
        for network in range(NETWORKS):
            wear += state.wear[place, network]
            values[AT.wear_heat + network, t, place] = state.wear[place, network]
        values[AT.wear, t, place] = wear / NETWORKS
        values[AT.empty_dwellings, t, place] = max(dwellings[place] - state.households[place], 0.0)


@lean_kernel
def write_flows(
    values: NDArray[np.float64], t: int, ledger: Ledger, state: Settlements, places: Places
) -> None:
    """Columns of what happened during year number `t` in `values[column, year, place]`."""
    for place in range(state.population.shape[0]):
        departures, arrivals, youth, to_russia = 0, 0, 0, 0
        births, deaths = 0, 0
        for sex in range(2):
            births += ledger.births[place, sex]
            deaths += ledger.newborn_deaths[place, sex]
            for age in range(AGES):
                deaths += ledger.deaths[place, sex, age]
                departures += ledger.departures[place, sex, age]
                arrivals += ledger.arrivals[place, sex, age]
            for age in range(YOUTH_FIRST, YOUTH_LAST + 1):
                youth += ledger.arrivals[place, sex, age] - ledger.departures[place, sex, age]
        for there in range(ledger.flows.shape[1]):
            if places.nest[there] == 1:
                to_russia += ledger.flows[place, there]
        values[AT.births, t, place] = births
        values[AT.deaths, t, place] = deaths
        values[AT.in_migration, t, place] = arrivals
        values[AT.out_migration, t, place] = departures
        values[AT.net_migration, t, place] = arrivals - departures
        values[AT.out_russia, t, place] = to_russia
        values[AT.out_kazakhstan, t, place] = departures - to_russia
        values[AT.youth_net, t, place] = youth
        values[AT.employed, t, place] = state.employed[place]
        values[AT.unemployment_rate, t, place] = state.unemployment[place]
        values[AT.hidden_unemployment_rate, t, place] = state.hidden_rate[place]
        values[AT.wage, t, place] = state.wage[place]
        values[AT.labour_force, t, place] = state.participants[place]
        jobs = 0.0
        for sector in range(SECTORS):
            jobs += state.jobs[place, sector]
            values[AT.jobs_agriculture + sector, t, place] = state.jobs[place, sector]
        values[AT.jobs, t, place] = jobs
        values[AT.commuters, t, place] = state.commuters[place]
        values[AT.vacancies, t, place] = state.vacancies[place]
        values[AT.services, t, place] = places.services[place]
        values[AT.health_level, t, place] = state.level[place, 0]
        values[AT.school_level, t, place] = state.level[place, 1]
        values[AT.rent, t, place] = places.rent[place]
        values[AT.perceived_income, t, place] = places.income[place]
        values[AT.zone_jobs, t, place] = state.zone_jobs[place]
        values[AT.zone_launched, t, place] = state.zone_launched[place]
        values[AT.investment, t, place] = state.investment[place]
