"""State of the simulated places: jobs, slack, wages, networks, services. One entry per place, on 1 January."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import kernel
from model.population import AGES, SECTORS

NETWORKS = 4
NETWORK_NAMES = ("heat", "water", "sewer", "road")
FACILITIES = 2  # health, school
LANES = 4  # rows are counted in turn into as many tables, so that one count need not wait for the last
SCHOOL_FIRST_AGE, SCHOOL_LAST_AGE = 7, 17
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Settlements(NamedTuple):
    """Columns of the simulated places.

    Attributes:
        population, households, pupils: int64[n_sim] counted on 1 January of the step.
        jobs, jobs_2015: float64[n_sim, 4] posts by sector (agriculture, industry, public, services).
        output: float64[n_sim, 2] log deviation of agricultural and industrial output from trend, x of (1).
        zone_jobs, zone_launched: float64[n_all] additional and launched zone jobs in a place this year;
            zone_jobs_before the additional ones a year earlier.
        staff: int64[n_sim, 4] local workers by sector; commuters: int64[n_sim] residents who work in the
            centre; commuters_in: int64[n_sim] workers from other simulated places.
        participants, employed, unemployed, hidden: int64[n_sim] persons; vacancies: int64[n_sim] left open.
        slack, slack_2015: float64[n_sim] 1 - employed / participants; slack_outside: float64[n_all] of centres.
        unemployment, hidden_rate: float64[n_sim] shares of participants. commuters_2015: float64[n_sim].
        wage, wage_shock: float64[n_sim] KZT a month at 2020 prices; AR(1) disturbance nu.
        wear: float64[n_sim, 4] of networks. investment: float64[n_sim] million KZT of the year, 2020 prices.
        level: int64[n_sim, 2] facility levels kept (health 0-4, school 0-3); below, above: int64[n_sim, 2]
            years in a row below the norm of the level kept.
        services_open: float64[n_sim] share of services open relative to 2015. budget_services: float64[n_sim].
        walk: float64[n_sim] random walk on ln lambda. dwellings: float64[n_sim] dwellings of 2015.
    """

    population: Integers
    households: Integers
    pupils: Integers
    jobs: Floats
    jobs_2015: Floats
    output: Floats
    zone_jobs: Floats
    zone_jobs_before: Floats
    zone_launched: Floats
    staff: Integers
    commuters: Integers
    commuters_in: Integers
    participants: Integers
    employed: Integers
    unemployed: Integers
    hidden: Integers
    vacancies: Integers
    slack: Floats
    slack_2015: Floats
    slack_outside: Floats
    unemployment: Floats
    hidden_rate: Floats
    commuters_2015: Floats
    wage: Floats
    wage_shock: Floats
    wear: Floats
    investment: Floats
    level: Integers
    below: Integers
    services_open: Floats
    budget_services: Floats
    walk: Floats
    dwellings: Floats


_SHAPES = {
    "jobs": (SECTORS,),
    "jobs_2015": (SECTORS,),
    "output": (2,),
    "staff": (SECTORS,),
    "wear": (NETWORKS,),
    "level": (FACILITIES,),
    "below": (FACILITIES,),
}
_EVERYWHERE = ("zone_jobs", "zone_jobs_before", "zone_launched", "slack_outside")


def new_settlements(n_sim: int, n_all: int) -> Settlements:
    """All-zero columns."""
    columns = []
    for name, kind in Settlements.__annotations__.items():
        rows = n_all if name in _EVERYWHERE else n_sim
        dtype = np.int64 if "Integers" in str(kind) else np.float64
        columns.append(np.zeros((rows, *_SHAPES.get(name, ())), dtype))
    return Settlements(*columns)


@kernel
def count_places(
    stock: NDArray[np.int64], places: NDArray[np.uint16], n_households: int, state: Settlements
) -> None:
    """Population, pupils and households of the places, from `stock[place, sex, age]` and the places of households."""
    for place in range(stock.shape[0]):
        population, pupils = 0, 0
        for sex in range(2):
            for age in range(AGES):
                population += stock[place, sex, age]
                pupils += stock[place, sex, age] if SCHOOL_FIRST_AGE <= age <= SCHOOL_LAST_AGE else 0
        state.population[place] = population
        state.pupils[place] = pupils
        state.households[place] = 0
    counts = np.zeros((LANES, stock.shape[0]), dtype=np.int64)
    for h, place in enumerate(places[:n_households]):
        counts[h & (LANES - 1), place] += 1
    for lane in range(LANES):
        for place in range(stock.shape[0]):
            state.households[place] += counts[lane, place]
