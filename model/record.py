"""Phase 12: what the statistician records of every place and year - the columns of the table of results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.accounts import Ledger
from model.choice import Places
from model.population import AGES
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
    Column("hidden_unemployment_rate", "share", "self-employed or hidden unemployed of the labour force", True),
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
        """One column, float64[n_years, n_sim]."""
        return self.values[_INDEX[name]]

    def note_stocks(self, t: int, stock: NDArray[np.int64], state: Settlements, bias: NDArray[np.float64],
                    dwellings: NDArray[np.float64]) -> None:
        """Record what holds on 1 January of year number `t` (`bias` is exp(b_s) of the register)."""
        population = stock.sum(axis=(1, 2))
        old = stock[:, :, OLD_AGE:].sum(axis=(1, 2))
        values = self.values
        values[_INDEX["population"], t] = population
        values[_INDEX["population_resident"], t] = population * bias
        values[_INDEX["share_65"], t] = old / np.maximum(population, 1)
        values[_INDEX["households"], t] = state.households
        values[_INDEX["pupils"], t] = state.pupils
        values[_INDEX["wear"], t] = state.wear.sum(axis=1) / NETWORKS
        first = _INDEX["wear_heat"]
        values[first : first + NETWORKS, t] = state.wear.T
        values[_INDEX["empty_dwellings"], t] = np.maximum(dwellings - state.households, 0.0)

    def note_flows(self, t: int, ledger: Ledger, state: Settlements, places: Places, trends: NDArray[np.float64]) -> None:
        """Record what happened during year number `t` (`trends` holds the log trends of output)."""
        n_sim = state.population.shape[0]
        values = self.values
        departures = ledger.departures.sum(axis=(1, 2))
        arrivals = ledger.arrivals.sum(axis=(1, 2))
        to_russia = ledger.flows[:, places.nest == 1].sum(axis=1)
        youth = slice(YOUTH_FIRST, YOUTH_LAST + 1)
        values[_INDEX["births"], t] = ledger.births.sum(axis=1)
        values[_INDEX["deaths"], t] = ledger.deaths.sum(axis=(1, 2)) + ledger.newborn_deaths.sum(axis=1)
        values[_INDEX["in_migration"], t] = arrivals
        values[_INDEX["out_migration"], t] = departures
        values[_INDEX["net_migration"], t] = arrivals - departures
        values[_INDEX["out_russia"], t] = to_russia
        values[_INDEX["out_kazakhstan"], t] = departures - to_russia
        values[_INDEX["youth_net"], t] = (ledger.arrivals[:, :, youth] - ledger.departures[:, :, youth]).sum(axis=(1, 2))
        values[_INDEX["employed"], t] = state.employed
        values[_INDEX["unemployment_rate"], t] = state.unemployment
        values[_INDEX["hidden_unemployment_rate"], t] = state.hidden_rate
        values[_INDEX["wage"], t] = state.wage
        values[_INDEX["labour_force"], t] = state.participants
        values[_INDEX["jobs"], t] = state.jobs.sum(axis=1)
        first = _INDEX["jobs_agriculture"]
        values[first : first + state.jobs.shape[1], t] = state.jobs.T
        values[_INDEX["commuters"], t] = state.commuters
        values[_INDEX["vacancies"], t] = state.vacancies
        values[_INDEX["services"], t] = places.services[:n_sim]
        values[_INDEX["health_level"], t] = state.level[:, 0]
        values[_INDEX["school_level"], t] = state.level[:, 1]
        values[_INDEX["rent"], t] = places.rent[:n_sim]
        values[_INDEX["perceived_income"], t] = places.income[:n_sim]
        values[_INDEX["output_agriculture"], t] = np.exp(state.output[:, 0] + trends[0])
        values[_INDEX["output_industry"], t] = np.exp(state.output[:, 1] + trends[1])
        values[_INDEX["zone_jobs"], t] = state.zone_jobs[:n_sim]
        values[_INDEX["zone_launched"], t] = state.zone_launched[:n_sim]
        values[_INDEX["investment"], t] = state.investment
        self.flows[t] = ledger.flows
        self.arrivals_from[t] = ledger.arrivals_from


