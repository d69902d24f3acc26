"""The phases that concern places only, each as one compiled call.

Crossing into compiled code costs as much as the work itself where there are a few places, so the steps of a
phase are joined here. What a step does stands in the file of its subject; here is only their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.accounts import Ledger, open_year
from model.arrivals import count_arrivals, count_settlers, mean_arrivals
from model.choice import Choice, Places, advantages, tabulate
from model.compiled import kernel, lean_kernel
from model.demography import Vital, vital_rates
from model.infrastructure import review_services, show_places, wear_out
from model.jobs import advance_output, advance_wages, demand_labour, perceive_incomes
from model.labour import Centres, set_commuter_incomes
from model.migration import Incomes
from model.population import Households
from model.readiness import Readiness, advance_walk, mean_readiness, set_readiness
from model.settlements import Settlements
from model.zones import Projects, advance_zones, relieve_centres


@lean_kernel
def open_places(
    ledger: Ledger,
    mortality: NDArray[np.float64],
    fertility: NDArray[np.float64],
    tfr: float,
    mortality_factor: float,
    fertility_log: NDArray[np.float64],
    mortality_log: NDArray[np.float64],
    vital: Vital,
    households: Households,
    n_households: int,
    tally: NDArray[np.int64],
    kappa_2015: NDArray[np.float64],
    kappa: NDArray[np.float64],
    normal_hazard: NDArray[np.float64],
    regime: NDArray[np.float64],
    follows_regime: bool,
    study_logit_2015: NDArray[np.float64],
    study_lever: NDArray[np.float64],
    return_gain: NDArray[np.float64],
    return_years: int,
    readiness: Readiness,
    walk: NDArray[np.float64],
    walks: bool,
    table: Any,
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
) -> None:
    """Phase 1: accounts opened, rates of births and deaths, the walk of the hazards and readiness to leave.

    `kappa` is filled with the mean readiness of today's people; see `vital_rates` and `set_readiness`.
    """
    settings = table[0]
    open_year(ledger)
    vital_rates(
        mortality,
        fertility,
        tfr,
        mortality_factor,
        fertility_log,
        mortality_log,
        settings.infant_first_year,
        vital,
    )
    if walks:
        advance_walk(walk, settings.walk_sd, settings.walk_common, seed, year, keys)
    mean_readiness(households, n_households, readiness.stayer, readiness.mover, tally, kappa)
    set_readiness(
        normal_hazard,
        walk,
        regime,
        follows_regime,
        kappa_2015,
        kappa,
        study_logit_2015,
        study_lever,
        settings.p_ret,
        return_gain,
        return_years,
        readiness,
    )


@lean_kernel
def run_zones_and_networks(
    projects: Projects,
    launch_factor: NDArray[np.float64],
    labour_force: NDArray[np.float64],
    centres: Centres,
    population_2015: NDArray[np.int64],
    budget: NDArray[np.float64],
    extra_budget: NDArray[np.float64],
    renewal: NDArray[np.float64],
    level_2015: NDArray[np.int64],
    services_kept: NDArray[np.bool_],
    services_2015: NDArray[np.float64],
    rent_2015: NDArray[np.float64],
    rent_factor: NDArray[np.float64],
    built: NDArray[np.float64],
    reused: NDArray[np.float64],
    table: Any,
    seed: np.uint64,
    year: int,
    state: Settlements,
    places: Places,
) -> None:
    """Phase 2: zones (20), renewal and decay of networks (18), services by norm (19), what places offer."""
    settings = table[0]
    advance_zones(projects, launch_factor, table, seed, year, state)
    relieve_centres(
        state,
        population_2015.shape[0],
        settings.centre_slack,
        labour_force,
        table,
        centres.openings_outside,
        centres.seekers_outside,
    )
    wear_out(state, population_2015, budget, renewal, table)
    review_services(state, level_2015, services_kept, extra_budget, table)
    show_places(state, services_2015, rent_2015, rent_factor, built, reused, table, places)


@lean_kernel
def set_labour_demand(
    state: Settlements,
    population_2015: NDArray[np.int64],
    elapsed: int,
    shedding: float,
    drought: float,
    industry_shift: float,
    table: Any,
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
) -> None:
    """Phase 3: output around its trend (1), then posts by sector (2)-(4)."""
    advance_output(state, table, drought, industry_shift, seed, year, keys)
    demand_labour(state, population_2015, elapsed, shedding, table)


@lean_kernel
def set_wages(
    state: Settlements,
    waged: NDArray[np.bool_],
    omega: NDArray[np.float64],
    reference: NDArray[np.float64],
    supplement: NDArray[np.float64],
    table: Any,
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
    centres: Centres,
    wages: NDArray[np.float64],
    incomes: Incomes,
) -> None:
    """Phase 5: wages of the simulated places (8), and what commuters bring home; `wages` float64[n_all] is filled."""
    advance_wages(state, omega, reference, supplement, table, seed, year, keys)
    for place in range(wages.shape[0]):
        wages[place] = (omega[place] if waged[place] else 1.0) * reference[place]
    for place in range(state.wage.shape[0]):
        wages[place] = state.wage[place]
    set_commuter_incomes(wages, centres, table, incomes.wage, incomes.commuter)


@kernel
def perceive(
    state: Settlements,
    waged: NDArray[np.bool_],
    omega: NDArray[np.float64],
    reference: NDArray[np.float64],
    unemployment: NDArray[np.float64],
    table: Any,
    places: Places,
    alpha_russia: float,
    choice: Choice,
) -> None:
    """Phase 6: perceived incomes (9), and the utilities and inclusive values that follow from them (10), (11)."""
    settings = table[0]
    n_sim = state.wage.shape[0]
    perceive_incomes(
        state,
        n_sim,
        waged,
        omega,
        reference,
        unemployment,
        settings.centre_slack,
        table,
        places.income,
        settings.rho_e,
    )
    tabulate(n_sim, places, table, alpha_russia, choice)


@kernel
def count_newcomers(
    base: NDArray[np.float64],
    mean_size: float,
    regime: NDArray[np.float64],
    follows_regime: bool,
    origins: NDArray[np.bool_],
    origin_share: NDArray[np.float64],
    home: NDArray[np.int64],
    hinterland: NDArray[np.float64],
    population_2015: NDArray[np.int64],
    state: Settlements,
    places: Places,
    alpha_russia: float,
    advantage: NDArray[np.float64],
    advantage_2015: NDArray[np.float64],
    variation: NDArray[np.float64],
    settler_families: NDArray[np.float64],
    table: Any,
    keys: NDArray[np.uint64],
    seed: np.uint64,
    year: int,
    mean: NDArray[np.float64],
    counts: NDArray[np.int64],
    settlers: NDArray[np.int64],
) -> int:
    """Phase 9, first part: expected and drawn numbers of arriving households (13), and settler families.

    Fills `mean` float64[n_sim, n_all], `counts` int64[n_sim, n_all] and `settlers` int64[n_sim]; returns the
    sum of the latter two. `base` is float64[n_sim] persons a year in 2015, in households of `mean_size`,
    times `regime` once the observed flows have ended.
    """
    settings = table[0]
    n_sim = counts.shape[0]
    advantages(n_sim, origins, places, table, alpha_russia, advantage)
    level = np.empty(n_sim)
    people = np.empty(n_sim)
    for place in range(n_sim):
        level[place] = base[place] / mean_size * (regime[place] if follows_regime else 1.0)
        people[place] = state.population[place] / population_2015[place]
    mean_arrivals(
        level,
        origin_share,
        home,
        settings.hinterland_weight,
        hinterland,
        people,
        advantage,
        advantage_2015,
        mean,
    )
    total = count_arrivals(mean, variation, keys, seed, year, counts)
    return total + count_settlers(settler_families, settings.settlers_returning, keys, seed, year, settlers)
