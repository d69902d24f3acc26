"""1 January 2015: founders settle in, the labour market stands in equilibrium, hazards are tied to data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.arrivals import Arrivers, household_traits, trait_salts
from model.choice import advantages, tabulate
from model.compiled import kernel
from model.draws import U64
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
from model.labour import fill_participation, scan_labour, set_commuter_incomes
from model.labour_founding import found_labour
from model.migration import RETURN_FIRST_AGE, STUDY_LAST_AGE, Students
from model.normalisation import (
    CELLS,
    adjust_constants,
    count_youth,
    expected_flows,
    new_founders,
    new_norm,
    normalise,
    solve_alpha,
    survey_founders,
)
from model.person_year import RETURN_LAST_AGE
from model.population import AGES, FEMALE, REFERENCE, SKILLED, Households
from model.readiness import Readiness, mean_readiness
from model.zones import relieve_centres

if TYPE_CHECKING:
    from model.engine_state import EngineState

LABOUR_FORCE_OF_SIZE = (
    0.55  # labour force of an outside centre whose figure is unknown, per resident [assumed]
)
LEAST_ARRIVALS = 0.05  # arrivals from outside are at least this share of departures
LEAST_FLOW = 1e-9  # persons a year
LEAST_REGIME_FACTOR = 0.3  # bounds of what a change of regime may do to hazards and arrivals
CONSTANT_ROUNDS = 40
CONSTANT_TOLERANCE = 1e-3
RETURN_YEARS = RETURN_LAST_AGE - RETURN_FIRST_AGE + 1


@kernel
def settle_founders(households: Households, n_households: int, arrivers: Arrivers, seed: np.uint64) -> None:
    """Attachment and kin of the founding households of this run."""
    salts = trait_salts(seed)
    for h in range(n_households):
        households.traits[h] = household_traits(households.key[h], int(households.place[h]), arrivers, salts)


@kernel
def fill_register(
    leaving: NDArray[np.float64],
    per_year: NDArray[np.float64],
    return_chance: NDArray[np.float64],
    place_keys: NDArray[np.uint64],
    arrivers: Arrivers,
    seed: np.uint64,
    students: Students,
) -> int:
    """Students who left before the start and may still return: as many as leave a year, less earlier returns.

    `leaving` is the yearly number by place, `per_year` float64[26] the share of a cohort away at each age.
    """
    n = 0
    for place in range(leaving.shape[0]):
        for age in range(per_year.shape[0]):
            if per_year[age] <= 0.0:
                continue
            stay_away = 1.0
            for _ in range(age - RETURN_FIRST_AGE):
                stay_away *= 1.0 - return_chance[place]
            wanted = leaving[place] * per_year[age] * stay_away
            salted = draws.salt(seed, age, draws.STUDENT_DESTINATION)
            whole = int(math.floor(wanted + draws.uniform(place_keys[place], salted)))
            for rank in range(whole):
                key = draws.draw_alternative(place_keys[place], salted, U64(rank))
                students.key[n] = key
                students.age[n] = age
                students.traits[n] = (FEMALE if draws.draw(key, salted) & U64(1) else 0) | SKILLED | REFERENCE
                students.household_traits[n] = household_traits(key, place, arrivers, trait_salts(seed))
                students.origin[n] = place
                n += 1
    return n


def open_world(engine: EngineState) -> None:
    """Bring an engine to its first 1 January (everything before the first step)."""
    world, state = engine.world, engine.state
    _copy_founders(engine)
    settle_founders(engine.households, engine.n_households, engine.arrivers, engine.seed)
    engine.recount()
    state.households[:] = np.bincount(engine.households.place[: engine.n_households], minlength=world.n_sim)
    state.dwellings[:] = np.round(state.households * DWELLINGS_PER_HOUSEHOLD)
    state.wear[:] = world.wear_2015
    state.services_open[:] = 1.0
    for place in range(world.n_sim):
        state.level[place, HEALTH] = level_reached(float(state.population[place]), HEALTH_NORMS)
        state.level[place, SCHOOL] = level_reached(float(state.pupils[place]), SCHOOL_NORMS)
    engine.level_2015 = state.level.copy()
    _open_labour_market(engine)
    no_flats = np.zeros(world.n_sim)
    show_places(
        state,
        world.services_S[: world.n_sim],
        world.rent_index[: world.n_sim],
        np.ones(world.n_sim),
        no_flats,
        no_flats,
        engine.table,
        engine.places,
    )
    engine.show_services()
    perceive_incomes(
        state,
        world.n_sim,
        engine.waged,
        engine.omega,
        engine.outlook.opening,
        engine.outlook.unemployment[0],
        engine.settings.centre_slack,
        engine.table,
        engine.places.income,
        1.0,
    )
    _normalise(engine)


def _copy_founders(engine: EngineState) -> None:
    founding = engine.founding
    n_people, n_households = founding.n_people, founding.n_households
    engine.people.key[:n_people] = founding.people.key
    engine.people.age[:n_people] = founding.people.age
    engine.people.traits[:n_people] = founding.people.traits
    engine.people.status[:n_people] = founding.people.status
    engine.people.origin[:n_people] = founding.people.origin
    engine.households.key[:n_households] = founding.households.key
    engine.households.place[:n_households] = founding.households.place
    engine.households.traits[:n_households] = founding.households.traits
    engine.households.first[: n_households + 1] = founding.households.first


def labour_force_of_centres(engine: EngineState) -> NDArray[np.float64]:
    """Labour force of outside places that people can commute to, float64[n_all] (0 for all others)."""
    world = engine.world
    known = world.labour_force_external
    force = np.where(known > 0.0, known, LABOUR_FORCE_OF_SIZE * world.size_2015)
    force[: world.n_sim] = 0.0
    force[~world.is_destination] = 0.0
    force[world.nest == 1] = 0.0
    return force


def _open_labour_market(engine: EngineState) -> None:
    """Wages at omega x the region's, posts and statuses in equilibrium (`labour_founding.py`)."""
    world, state, settings = engine.world, engine.state, engine.settings
    n_sim = world.n_sim
    engine.participation = np.empty(n_sim * 2 * AGES, np.uint64)
    fill_participation(
        world.schedules.participation, engine.values.by_place("kappa_E", 1.0)[:n_sim], engine.participation
    )
    engine.labour_force_outside = labour_force_of_centres(engine)
    state.wage[:] = engine.omega[:n_sim] * engine.outlook.opening[:n_sim]
    state.slack_outside[:] = settings.centre_slack
    relieve_centres(
        state,
        n_sim,
        settings.centre_slack,
        engine.labour_force_outside,
        engine.table,
        engine.centres.openings_outside,
        engine.centres.seekers_outside,
    )
    wages = np.where(engine.waged, engine.omega, 1.0) * engine.outlook.opening
    set_commuter_incomes(wages, engine.centres, engine.table, engine.incomes.wage, engine.incomes.commuter)
    engine.ensure_seekers()
    n = scan_labour(
        engine.people,
        engine.n_people,
        engine.residence,
        engine.participation,
        settings.separation,
        settings.skill_hiring_odds,
        engine.seed,
        engine.start - 1,
        state,
        engine.seekers,
    )
    found_labour(
        engine.people,
        engine.seekers,
        n,
        world.formal_jobs_share,
        engine.job_shares(),
        engine.centres,
        engine.is_centre,
        engine.table,
        state,
        engine.cuts,
    )


def _study_logits(engine: EngineState) -> NDArray[np.float64]:
    """Logit of the share of a cohort that leaves to study, by place; lower where universities are at home."""
    share = min(max(engine.settings.p_edu, 1e-9), 1.0 - 1e-9)
    logit = np.full(engine.world.n_sim, math.log(share / (1.0 - share)))
    logit[engine.world.is_study_place[: engine.world.n_sim]] += math.log(engine.settings.study_place_odds)
    return logit


def _normalise(engine: EngineState) -> None:
    """alpha_RU, IV_2015, lambda', arrivals of 2015, and the register of students already away."""
    world, settings, places = engine.world, engine.settings, engine.places
    n_sim = world.n_sim
    share = settings.stayer_share
    mover = (1.0 - share * settings.stayer_kappa) / (1.0 - share)
    study_logit = _study_logits(engine)
    chance = 1.0 - math.exp(math.log1p(-settings.p_ret) / RETURN_YEARS)
    engine.readiness = Readiness(
        np.zeros(n_sim),
        np.zeros(n_sim),
        engine.mobility,
        settings.stayer_kappa,
        mover,
        study_logit.copy(),
        np.full(n_sim, chance),
    )
    engine.kappa_2015, engine.kappa = np.ones(n_sim), np.ones(n_sim)
    mean_readiness(
        engine.households,
        engine.n_households,
        settings.stayer_kappa,
        mover,
        engine.tally,
        engine.kappa_2015,
    )
    youth_rows = int(engine.ledger.closing[:, :, 17:20].sum()) + 1
    founders = new_founders(n_sim, youth_rows)
    survey_founders(
        engine.people,
        engine.households,
        engine.n_households,
        engine.incomes,
        engine.readiness,
        engine.table,
        founders,
    )
    leaving = settings.leaving * world.leaving_rate_ratio * engine.population_2015
    youth, youth_cells = np.zeros(n_sim), np.zeros((n_sim, CELLS))
    count_youth(founders, study_logit, engine.table, youth_cells, youth)
    youth = np.minimum(youth, 0.9 * leaving)
    norm = new_norm(n_sim, world.n_all)
    tabulate(n_sim, places, engine.table, 0.0, engine.choice)
    outside = world.russia_share_of == "leavers_outside"
    target = settings.russia_share_outside if outside else settings.russia_share
    most_inside = settings.inside_share * engine.values.by_place("in_out")[:n_sim] * leaving
    for _ in range(CONSTANT_ROUNDS):
        norm.alpha[0] = solve_alpha(
            founders,
            engine.choice,
            places,
            engine.table,
            leaving,
            youth,
            youth_cells,
            target,
            outside,
        )
        expected_flows(
            founders,
            engine.choice,
            places,
            engine.table[0],
            norm.alpha[0],
            leaving,
            youth,
            youth_cells,
            norm.flows,
        )
        moved = adjust_constants(norm.flows, most_inside, settings.tau, places)
        tabulate(n_sim, places, engine.table, norm.alpha[0], engine.choice)
        if moved < CONSTANT_TOLERANCE:
            break
    normalise(founders, engine.choice, engine.table, state_wage(engine), study_logit, leaving, norm)
    students = np.minimum(norm.youth_leaving, leaving)
    expected_flows(
        founders,
        engine.choice,
        places,
        engine.table[0],
        norm.alpha[0],
        leaving,
        students,
        youth_cells,
        norm.flows,
    )
    engine.norm, engine.leaving_2015, engine.study_logit_2015 = norm, leaving, study_logit
    engine.readiness.mean_inclusive[:] = norm.mean_inclusive
    engine.readiness.hazard[:] = norm.hazard
    _open_arrivals(engine, leaving)
    _open_register(engine)


def state_wage(engine: EngineState) -> NDArray[np.float64]:
    """Local wages of the simulated places, float64[n_sim]."""
    return engine.state.wage


def _open_arrivals(engine: EngineState, leaving: NDArray[np.float64]) -> None:
    """a_s: arrivals from outside in 2015, persons a year, so that all arrivals are in_out x departures.

    Moves from other simulated places and returning students are part of all arrivals.
    """
    world, norm = engine.world, engine.norm
    n_sim = world.n_sim
    inside = norm.flows[:, :n_sim].sum(axis=0)
    outside_students = _outside_students(engine)
    norm.study_outside[:] = outside_students
    returning = outside_students * engine.settings.p_ret
    wanted = engine.values.by_place("in_out")[:n_sim] * leaving
    engine.arrival_base = np.maximum(wanted - inside - returning, LEAST_ARRIVALS * leaving)
    engine.origin_share = world.arrival_origin_share.copy()
    engine.origin_share[:n_sim] = 0.0
    engine.study_origin = np.array([_study_origin(engine, place) for place in range(n_sim)], np.int64)
    engine.origins = np.repeat(engine.origin_share[None, :] > 0.0, n_sim, axis=0)
    for place in range(n_sim):
        if world.hinterland[place] >= n_sim:
            engine.origins[place, world.hinterland[place]] = True
    engine.advantage_2015, engine.advantage = np.zeros((n_sim, world.n_all)), np.zeros((n_sim, world.n_all))
    advantages(
        n_sim, engine.origins, engine.places, engine.table, float(norm.alpha[0]), engine.advantage_2015
    )
    # What the years 2009-2020 say against 2015-2020, half carried by departures, half by arrivals (`regime_weight`).
    gap = 0.5 * (world.net_rate_2009_2014 - world.net_rate_2015_2020) * engine.population_2015
    half = 0.5 * engine.settings.regime_weight * gap
    # A place that nobody leaves (`leaving_rate_ratio` 0) has no flows to scale: 0 / 0 would let everybody leave.
    departures, arrivals = np.maximum(leaving, LEAST_FLOW), np.maximum(engine.arrival_base, LEAST_FLOW)
    engine.regime_hazard = np.maximum(LEAST_REGIME_FACTOR, 1.0 - half / departures)
    engine.regime_arrivals = np.maximum(LEAST_REGIME_FACTOR, 1.0 + half / arrivals)


def _outside_students(engine: EngineState) -> NDArray[np.float64]:
    """Of the youth who leave to study, persons a year who go to external places."""
    world, choice = engine.world, engine.choice
    shares = np.ones(world.n_sim)
    for place in range(world.n_sim):
        utility, there = choice.utility[place, 0], choice.there[place]
        open_places = world.is_study_place[there] & (utility > -1e299)
        if open_places.any():
            top = float(utility[open_places].max())
            outside, total = 0.0, 0.0
            for k in np.flatnonzero(open_places):
                weight = math.exp(float(utility[k]) - top)
                total += weight
                if there[k] >= world.n_sim:
                    outside += weight
            shares[place] = outside / total
    return np.asarray(engine.norm.youth_leaving * shares)


def _study_origin(engine: EngineState, place: int) -> int:
    """External place from which returning students are booked: the open university place of largest utility."""
    world, there = engine.world, engine.choice.there[place]
    outside = world.is_study_place[there] & (there >= world.n_sim)
    utility = np.where(outside, engine.choice.utility[place, 0], -np.inf)
    return int(there[np.argmax(utility)]) if np.isfinite(utility).any() else world.n_all - 1


def _open_register(engine: EngineState) -> None:
    """Students who left in the years before the start."""
    per_year = np.zeros(RETURN_LAST_AGE + 1)
    per_year[STUDY_LAST_AGE - 1] = 1.0 / 3.0
    per_year[STUDY_LAST_AGE] = 2.0 / 3.0
    per_year[STUDY_LAST_AGE + 1 :] = 1.0
    engine.ensure_students(int(engine.norm.study_outside.sum() * 10.0) + 64)
    engine.n_students = fill_register(
        engine.norm.study_outside,
        per_year,
        engine.readiness.return_chance,
        engine.keys,
        engine.arrivers,
        engine.seed,
        engine.students,
    )
