"""The years of the cohort twin: the engine's twelve phases, in the engine's order, for expected persons.

Kernels of `model/` are called wherever an equation is one of places, not of persons: drivers, wear, services,
posts, wages, perceived incomes, utilities, advantages, arrivals, mortality and fertility.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_founding import FoundingTable
from calibration.cohort_incomes import (
    Chances,
    Profile,
    Youth,
    household_chances,
    households_of_youth,
    mean_kappa,
    profile_heads,
)
from calibration.cohort_labour import found_labour_expected, match_expected, seek
from calibration.cohort_moves import (
    Destinations,
    Students,
    admit_expected,
    move_from,
    share_destinations,
    students_return,
)
from calibration.cohort_opening import Base, fill_register_expected, settle_cohorts, tie_to_data
from calibration.cohort_renewal import age_students, age_workers, qualify_expected, renew_place
from calibration.cohort_scene import Scene, Years
from calibration.cohort_state import KINDS, Cohorts, Floats, Work, count_persons
from calibration.cohort_zones import Odds, expect_zones
from model.accounts import Ledger
from model.arrivals import count_arrivals, mean_arrivals
from model.choice import Choice, Places, advantages, log_distances, rogers_castro, tabulate
from model.demography import Vital, vital_rates
from model.infrastructure import (
    DWELLINGS_PER_HOUSEHOLD,
    HEALTH,
    HEALTH_NORMS,
    SCHOOL,
    SCHOOL_NORMS,
    level_reached,
    review_services,
    show_places,
    wear_out,
)
from model.jobs import advance_output, advance_wages, demand_labour, perceive_incomes
from model.labour import MOST_PARTICIPATION, Centres, set_commuter_incomes
from model.migration import Incomes
from model.normalisation import Founders, Norm
from model.opening import RETURN_YEARS
from model.outlook import LAST_OBSERVED_FLOWS
from model.population import AGES, SECTORS
from model.readiness import Readiness, advance_walk, set_readiness
from model.record import AT, write_flows, write_stocks
from model.settlements import SCHOOL_FIRST_AGE, SCHOOL_LAST_AGE, Settlements
from model.zones import Projects, advance_zones, relieve_centres


class Twin(NamedTuple):
    """All columns of one run: the state, the tables of a year and the record.

    `values` float64[columns, years, n_sim]; `flows`, `arrivals_from` float64[years, n_sim, n_all]; `pyramids`
    float64[2, n_sim, 2, 111] the first and the last 1 January; `breach` float64[1] the largest gap of an account.
    """

    scene: Scene
    years: Years
    founding: FoundingTable
    cohorts: Cohorts
    spare: Cohorts
    students: Students
    work: Work
    state: Settlements
    ledger: Ledger
    places: Places
    choice: Choice
    vital: Vital
    centres: Centres
    incomes: Incomes
    readiness: Readiness
    kappa: Floats
    profile: Profile
    chances: Chances
    youth: Youth
    destinations: Destinations
    founders: Founders
    norm: Norm
    base: Base
    projects: Projects
    odds: Odds
    values: Floats
    flows: Floats
    arrivals_from: Floats
    pyramids: Floats
    breach: Floats


@cohort_kernel
def _clear(cohorts: Cohorts) -> None:
    cohorts.single[:] = 0.0
    cohorts.couple[:] = 0.0
    cohorts.dependent[:] = 0.0
    cohorts.skilled[:] = 0.0


@cohort_kernel
def _count_places(twin: Twin) -> None:
    """Population, households and pupils of 1 January; a couple is half a household for either."""
    state, stock = twin.state, twin.ledger.closing
    for place in range(stock.shape[0]):
        state.population[place] = stock[place].sum()
        state.pupils[place] = stock[place, :, SCHOOL_FIRST_AGE : SCHOOL_LAST_AGE + 1].sum()
        households = 0.0
        for kind in range(KINDS):
            households += twin.cohorts.single[place, kind].sum() + 0.5 * twin.cohorts.couple[place, kind].sum()
        state.households[place] = households


@cohort_kernel
def _open(twin: Twin, table: Any, russia_target: float, outside_only: bool, start: int, keyed: bool, seed: np.uint64) -> None:
    """1 January of the first year, in the order of `model.opening.open_world`."""
    settings = table[0]
    scene, state, work, students, norm = twin.scene, twin.state, twin.work, twin.students, twin.norm
    n_sim = state.population.shape[0]
    share = settings.stayer_share
    twin.kappa[0] = (1.0 - share * settings.stayer_kappa) / (1.0 - share)
    twin.kappa[1] = settings.stayer_kappa
    rogers_castro(twin.readiness.by_age)
    log_distances(scene.road_km, twin.places.log_distance)
    settle_cohorts(twin.founding, share, twin.cohorts)
    persons = twin.ledger.closing
    count_persons(twin.cohorts, persons)
    _count_places(twin)
    state.households[:] = twin.founding.households
    for place in range(n_sim):
        state.dwellings[place] = np.rint(state.households[place] * DWELLINGS_PER_HOUSEHOLD)
        state.level[place, HEALTH] = level_reached(state.population[place], HEALTH_NORMS)
        state.level[place, SCHOOL] = level_reached(state.pupils[place], SCHOOL_NORMS)
        for sex in range(2):
            for age in range(AGES):
                taking_part = scene.participation[sex, age] * scene.kappa_E[place]
                work.participation[place, sex, age] = min(MOST_PARTICIPATION, taking_part)
        state.wage[place] = scene.omega[place] * twin.years.opening[place]
    state.wear[:] = scene.wear_2015
    state.services_open[:] = 1.0
    twin.base.level_2015[:] = state.level
    state.slack_outside[:] = settings.centre_slack
    _relieve(twin, table)
    wages = np.where(scene.waged, scene.omega, 1.0) * twin.years.opening
    set_commuter_incomes(wages, twin.centres, table, twin.incomes.wage, twin.incomes.commuter)
    seekers = np.zeros(work.local.shape)
    seek(persons, twin.cohorts, students.here, settings.separation, state, work, seekers, False)
    found_labour_expected(state, work, seekers, scene.formal_share, twin.centres, settings)
    show_places(state, scene.services_2015, scene.rent_2015[:n_sim], np.ones(n_sim), table, twin.places)
    perceive_incomes(
        state, n_sim, scene.waged, scene.omega, twin.years.opening, twin.years.unemployment[0],
        settings.centre_slack, table, twin.places.income, 1.0,
    )  # fmt: skip
    twin.readiness.study_logit[:] = scene.study_logit
    twin.readiness.return_chance[:] = 1.0 - math.exp(math.log1p(-settings.p_ret) / RETURN_YEARS)
    tie_to_data(
        scene, twin.cohorts, persons, work, students, twin.incomes, twin.places, twin.choice, twin.readiness,
        twin.kappa, table, russia_target, outside_only, twin.profile, twin.youth, twin.founders, norm, twin.base,
    )  # fmt: skip
    advantages(n_sim, twin.base.origins, twin.places, table, norm.alpha[0], twin.base.advantage_2015)
    fill_register_expected(norm.study_outside, twin.readiness.return_chance, share, students)
    twin.pyramids[0] = persons
    write_stocks(twin.values, 0, persons, state, scene.register_bias, state.dwellings)


@cohort_kernel
def _relieve(twin: Twin, table: Any) -> None:
    settings = table[0]
    relieve_centres(
        twin.state, twin.state.population.shape[0], settings.centre_slack, twin.scene.labour_force_outside, table,
        twin.centres.openings_outside, twin.centres.seekers_outside,
    )  # fmt: skip


@cohort_kernel
def _open_ledger(ledger: Ledger) -> None:
    ledger.stock[:] = ledger.closing
    for column in (ledger.deaths, ledger.arrivals, ledger.departures):
        column[:] = 0.0
    for column in (ledger.births, ledger.newborn_deaths, ledger.flows, ledger.arrivals_from):
        column[:] = 0.0


@cohort_kernel
def _read_drivers(
    twin: Twin, table: Any, t: int, year: int, keyed: bool, seed: np.uint64, kappa_2015: Floats
) -> float:
    """Phase 1; returns alpha_RU with the futures' odds."""
    settings, scene, years, state = table[0], twin.scene, twin.years, twin.state
    _open_ledger(twin.ledger)
    vital_rates(
        scene.mortality, scene.fertility, years.tfr[t], years.mortality[t], scene.fertility_log, scene.mortality_log,
        settings.infant_first_year, twin.vital,
    )  # fmt: skip
    n_sim, n_all = twin.norm.flows.shape
    for place in range(n_sim, n_all):
        twin.places.rent[place] = scene.rent_2015[place] * years.rent[t, place]
    if years.border_distance[t] != 1.0 or (t > 0 and years.border_distance[t - 1] != 1.0):
        road = scene.road_km.copy()
        for here in range(n_all):
            for there in range(n_all):
                if (twin.places.nest[here] == 1) != (twin.places.nest[there] == 1):
                    road[here, there] *= years.border_distance[t]
        log_distances(road, twin.places.log_distance)
    if keyed and t > 0:
        advance_walk(state.walk, settings.walk_sd, settings.walk_common, seed, year, scene.keys)
    elif not keyed:
        state.walk[:] = 0.5 * settings.walk_sd**2 * t  # ln of the mean of exp(walk)
    kappa = np.empty(n_sim)
    mean_kappa(twin.cohorts, twin.kappa, kappa)
    set_readiness(
        twin.norm.hazard, state.walk, twin.base.regime_hazard, year > LAST_OBSERVED_FLOWS, kappa_2015 / kappa,
        scene.study_logit, years.study_logit[t], settings.p_ret, years.return_gain[t], RETURN_YEARS, twin.readiness,
    )  # fmt: skip
    return twin.norm.alpha[0] + math.log(years.russia_odds[t])


@cohort_kernel
def _run_zones_and_networks(
    twin: Twin, table: Any, t: int, year: int, keyed: bool, seed: np.uint64
) -> None:
    """Phase 2."""
    scene, years, state = twin.scene, twin.years, twin.state
    if keyed:
        advance_zones(twin.projects, years.launch_factor[t], table, seed, year, state)
    else:
        expect_zones(twin.projects, twin.odds, years.launch_factor[t], table[0], year, state)
    _relieve(twin, table)
    extra = years.extra_budget[t]
    wear_out(state, scene.population_2015, years.budget[t] + extra, years.renewal[t], table)
    review_services(state, twin.base.level_2015, years.services_kept[t], extra, table)
    n_sim = state.population.shape[0]
    show_places(state, scene.services_2015, scene.rent_2015[:n_sim], years.rent_factor[t], table, twin.places)


@cohort_kernel
def _run_labour(twin: Twin, table: Any, t: int, year: int, seed: np.uint64, alpha: float) -> None:
    """Phases 3 to 6: posts, matching, wages, perceived incomes and utilities."""
    settings, scene, years, state = table[0], twin.scene, twin.years, twin.state
    n_sim = state.population.shape[0]
    advance_output(state, table, years.drought[t], years.industry[t], seed, year, scene.keys)
    demand_labour(state, scene.population_2015, t, years.shedding[t], table)
    twin.centres.reach[:] = years.reach[t]
    seekers = np.zeros(twin.work.local.shape)
    seek(twin.ledger.stock, twin.cohorts, twin.students.here, settings.separation, state, twin.work, seekers, t > 0)
    match_expected(state, twin.work, seekers, twin.centres, settings, scene.is_centre)
    advance_wages(
        state, scene.omega, years.reference[t], years.wage_supplement[t], table, seed, year, scene.keys
    )
    wages = np.where(scene.waged, scene.omega, 1.0) * years.reference[t]
    wages[:n_sim] = state.wage
    set_commuter_incomes(wages, twin.centres, table, twin.incomes.wage, twin.incomes.commuter)
    perceive_incomes(
        state, n_sim, scene.waged, scene.omega, years.reference[t], years.unemployment[t], settings.centre_slack,
        table, twin.places.income, settings.rho_e,
    )  # fmt: skip
    tabulate(n_sim, twin.places, table, alpha, twin.choice)


@cohort_kernel
def _move(twin: Twin, table: Any, alpha: float) -> None:
    """Phases 7 and 8; movers inside the simulated places wait in `spare` until everybody has decided."""
    settings, gain = table[0], twin.spare
    _clear(gain)
    for place in range(twin.state.population.shape[0]):
        wage, commuter = twin.incomes.wage[place], twin.incomes.commuter[place]
        kin = twin.scene.kin_share[place]
        profile_heads(place, twin.ledger.stock, twin.students.here, twin.cohorts, twin.work, wage, commuter, settings,
                      twin.profile)  # fmt: skip
        households_of_youth(place, twin.cohorts, twin.profile, twin.youth)
        share_destinations(place, kin, twin.choice, twin.places, settings, alpha, twin.destinations)
        twin.destinations.factor[:] *= math.exp(-settings.beta_y * math.log(wage))
        hazard = twin.readiness.hazard[place]
        household_chances(
            place, hazard, twin.kappa, twin.destinations.factor, twin.readiness.by_age, twin.cohorts, twin.profile,
            twin.chances,
        )  # fmt: skip
        move_from(
            place, hazard, kin, wage, twin.cohorts, gain, twin.chances, twin.youth, twin.choice, twin.destinations,
            twin.readiness, twin.kappa, twin.students, settings, twin.ledger,
        )  # fmt: skip
    students_return(
        twin.students, twin.cohorts, gain, twin.readiness.return_chance, twin.base.study_origin, twin.ledger
    )


@cohort_kernel
def _admit(twin: Twin, table: Any, t: int, year: int, keyed: bool, seed: np.uint64, placed: Floats) -> None:
    """Phase 9; all who arrived or moved join the residents."""
    settings, scene, years, base = table[0], twin.scene, twin.years, twin.base
    n_sim, n_all = twin.norm.flows.shape
    advantages(n_sim, base.origins, twin.places, table, twin.norm.alpha[0], base.advantage)
    of = twin.founding
    size = of.of_single[0].sum() + of.of_couple[0].sum() + of.of_dependent[0].sum()
    households = base.arrival_base / size
    if year > LAST_OBSERVED_FLOWS:
        households = households * base.regime_arrivals
    mean = np.empty((n_sim, n_all))
    mean_arrivals(
        households, scene.origin_share, scene.hinterland, settings.hinterland_weight, years.hinterland[t],
        twin.state.population / scene.population_2015, base.advantage, base.advantage_2015, mean,
    )  # fmt: skip
    if keyed:
        counts = np.zeros((n_sim, n_all), np.int64)
        count_arrivals(mean, scene.arrival_variation, scene.keys, seed, year, counts)
        mean[:] = counts
    settlers = np.empty(n_sim)
    for place in range(n_sim):
        families = math.floor(years.settlers[t, place] + 0.5)
        settlers[place] = families * (1.0 - settings.settlers_returning)
    admit_expected(
        mean, settlers, settings.settlers_working, n_all - 1, settings.stayer_share, of, twin.spare, placed,
        twin.ledger,
    )  # fmt: skip
    for place in range(n_sim):
        twin.state.staff[place, SECTORS - 1] += placed[place].sum()
    twin.cohorts.single[:] += twin.spare.single
    twin.cohorts.couple[:] += twin.spare.couple
    twin.cohorts.dependent[:] += twin.spare.dependent
    twin.cohorts.skilled[:] += twin.spare.skilled


@cohort_kernel
def _renew(twin: Twin, table: Any, placed: Floats) -> None:
    """Phase 10; next year's cohorts are written into `spare` and copied back."""
    settings = table[0]
    _clear(twin.spare)
    for place in range(twin.state.population.shape[0]):
        renew_place(place, twin.cohorts, twin.spare, twin.vital, settings, twin.ledger)
    age_students(twin.students, twin.vital)
    age_workers(twin.work, twin.ledger.stock, placed, twin.vital, twin.ledger)
    for place in range(twin.state.population.shape[0]):
        qualify_expected(place, twin.spare, twin.students, settings.skill_if_staying, twin.work)
    twin.cohorts.single[:] = twin.spare.single
    twin.cohorts.couple[:] = twin.spare.couple
    twin.cohorts.dependent[:] = twin.spare.dependent
    twin.cohorts.skilled[:] = twin.spare.skilled


@cohort_kernel
def _close_accounts(twin: Twin) -> float:
    """Phase 11: recount the cohorts and return the largest gap between them and the postings, persons."""
    ledger = twin.ledger
    count_persons(twin.cohorts, ledger.closing)
    worst = 0.0
    for place in range(ledger.stock.shape[0]):
        for sex in range(2):
            carried = 0.0
            expected = ledger.births[place, sex] - ledger.newborn_deaths[place, sex]
            for age in range(AGES):
                worst = max(worst, abs(ledger.closing[place, sex, age] - (expected if age < AGES - 1 else 0.0))
                            if age < AGES - 1 else 0.0)  # fmt: skip
                carried = expected
                expected = (
                    ledger.stock[place, sex, age] - ledger.deaths[place, sex, age]
                    - ledger.departures[place, sex, age] + ledger.arrivals[place, sex, age]
                )  # fmt: skip
            # The last age is open: those of 109 and 110 meet in it.
            worst = max(worst, abs(ledger.closing[place, sex, AGES - 1] - (carried + expected)))
    return worst


@cohort_kernel
def run_years(
    twin: Twin, table: Any, russia_target: float, outside_only: bool, start: int, keyed: bool, seed: np.uint64
) -> None:
    """Open the world and run all years of the record; `table` holds no spread of shocks where `keyed` is false."""
    settings, ledger = table[0], twin.ledger
    _open(twin, table, russia_target, outside_only, start, keyed, seed)
    n_sim = ledger.stock.shape[0]
    kappa_2015 = np.empty(n_sim)
    mean_kappa(twin.cohorts, twin.kappa, kappa_2015)
    for t in range(twin.flows.shape[0]):
        year = start + t
        alpha = _read_drivers(twin, table, t, year, keyed, seed, kappa_2015)
        _run_zones_and_networks(twin, table, t, year, keyed, seed)
        _run_labour(twin, table, t, year, seed, alpha)
        _move(twin, table, alpha)
        placed = np.zeros(twin.work.local.shape)
        _admit(twin, table, t, year, keyed, seed, placed)
        _renew(twin, table, placed)
        twin.breach[0] = max(twin.breach[0], _close_accounts(twin))
        write_flows(twin.values, t, ledger, twin.state, twin.places)
        for place in range(n_sim):
            output = twin.state.output[place]
            twin.values[AT.output_agriculture, t, place] = math.exp(output[0] + settings.g_A * t)
            twin.values[AT.output_industry, t, place] = math.exp(output[1] + settings.g_I * t)
        twin.flows[t] = ledger.flows
        twin.arrivals_from[t] = ledger.arrivals_from
        _count_places(twin)
        write_stocks(twin.values, t + 1, ledger.closing, twin.state, twin.scene.register_bias, twin.state.dwellings)
    twin.pyramids[1] = ledger.closing
