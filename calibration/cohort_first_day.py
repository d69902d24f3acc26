"""The twin's first 1 January, step by step as `model.opening.open_world`; every step is a kernel of its own."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_incomes import mean_kappa
from calibration.cohort_labour import found_labour_expected, seek
from calibration.cohort_opening import fill_register_expected, settle_cohorts, tie_to_data
from calibration.cohort_state import count_persons
from calibration.cohort_year import Twin, count_places_expected, wages_of_all
from model.choice import advantages, log_distances, rogers_castro, tabulate
from model.infrastructure import (
    DWELLINGS_PER_HOUSEHOLD,
    HEALTH,
    HEALTH_NORMS,
    SCHOOL,
    SCHOOL_NORMS,
    level_reached,
    show_places,
)
from model.jobs import perceive_incomes
from model.labour import MOST_PARTICIPATION, set_commuter_incomes
from model.opening import RETURN_YEARS
from model.parameters import ParameterValues
from model.record import write_stocks
from model.world import World
from model.zones import relieve_centres


def open_twin(world: World, twin: Twin, table: NDArray[np.void], values: ParameterValues) -> None:
    """Bring a new run to its first 1 January: founders, labour market, hazards and arrivals tied to data."""
    share, kappa = values["stayer_share"], values["stayer_kappa"]
    twin.kappa[:] = ((1.0 - share * kappa) / (1.0 - share), kappa)
    rogers_castro(twin.readiness.by_age)
    log_distances(twin.scene.road_km, twin.places.log_distance)
    _settle(twin, share)
    _open_labour_market(twin, table, values)
    _tie(world, twin, table, values)


def _settle(twin: Twin, stayer_share: float) -> None:
    scene, state, persons = twin.scene, twin.state, twin.ledger.closing
    settle_cohorts(twin.founding, stayer_share, twin.cohorts)
    count_persons(twin.cohorts, persons)
    count_places_expected(twin.cohorts, persons, state)
    state.households[:] = twin.founding.households
    state.dwellings[:] = np.round(state.households * DWELLINGS_PER_HOUSEHOLD)
    state.wear[:] = scene.wear_2015
    state.services_open[:] = 1.0
    for place in range(len(state.population)):
        state.level[place, HEALTH] = level_reached(state.population[place], HEALTH_NORMS)
        state.level[place, SCHOOL] = level_reached(state.pupils[place], SCHOOL_NORMS)
    twin.base.level_2015[:] = state.level
    mean_kappa(twin.cohorts, twin.kappa, twin.room.kappa_2015)
    twin.pyramids[0] = persons
    write_stocks(twin.values, 0, persons, state, scene.register_bias, state.dwellings)


def _open_labour_market(twin: Twin, table: NDArray[np.void], values: ParameterValues) -> None:
    scene, state, work, room, centres = twin.scene, twin.state, twin.work, twin.room, twin.centres
    n_sim = len(state.population)
    work.participation[:] = np.minimum(
        MOST_PARTICIPATION, scene.participation[None] * scene.kappa_E[:, None, None]
    )
    state.wage[:] = scene.omega[:n_sim] * twin.years.opening[:n_sim]
    state.slack_outside[:] = values["centre_slack"]
    relieve_centres(
        state, n_sim, values["centre_slack"], scene.labour_force_outside, table, centres.openings_outside,
        centres.seekers_outside,
    )  # fmt: skip
    wages_of_all(scene.omega, scene.waged, twin.years.opening, room.wages)
    set_commuter_incomes(room.wages, centres, table, twin.incomes.wage, twin.incomes.commuter)
    seek(
        twin.ledger.closing,
        twin.cohorts,
        twin.students.here,
        values["separation"],
        state,
        work,
        room.seekers,
        False,
    )
    found_labour_expected(state, work, room.seekers, scene.formal_share, centres, table[0], room.market)


def _tie(world: World, twin: Twin, table: NDArray[np.void], values: ParameterValues) -> None:
    scene, state, readiness, norm, base = twin.scene, twin.state, twin.readiness, twin.norm, twin.base
    n_sim = len(state.population)
    none = np.zeros(n_sim)
    show_places(
        state, scene.services_2015, scene.rent_2015[:n_sim], np.ones(n_sim), none, none, table, twin.places
    )
    perceive_incomes(
        state, n_sim, scene.waged, scene.omega, twin.years.opening, twin.years.unemployment[0],
        values["centre_slack"], table, twin.places.income, 1.0,
    )  # fmt: skip
    readiness.study_logit[:] = scene.study_logit
    readiness.return_chance[:] = 1.0 - math.exp(math.log1p(-values["p_ret"]) / RETURN_YEARS)
    outside = world.russia_share_of == "leavers_outside"
    tie_to_data(
        scene, twin.cohorts, twin.ledger.closing, twin.work, twin.students, twin.incomes, twin.places, twin.choice,
        readiness, twin.kappa, table, values["russia_share_outside" if outside else "russia_share"], outside,
        twin.profile, twin.youth, twin.founders, norm, base, twin.survey, twin.destinations.kin,
    )  # fmt: skip
    # Compiled here, with a heap, for the kernel of the years (`run_years`); the values stand already.
    tabulate(n_sim, twin.places, table, float(norm.alpha[0]), twin.choice)
    advantages(n_sim, base.origins, twin.places, table, float(norm.alpha[0]), base.advantage_2015)
    fill_register_expected(norm.study_outside, readiness.return_chance, values["stayer_share"], twin.students)
