"""The years of the cohort twin: the engine's twelve phases, in the engine's order, for expected persons.

Kernels of `model/` are called wherever an equation is one of places, not of persons: drivers, wear, services,
posts, wages, perceived incomes, utilities, advantages, arrivals, mortality and fertility. A phase is handed
the columns it needs and no others: every array of an argument costs compile time.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_destinations import Destinations, share_destinations
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
from calibration.cohort_labour import Market, match_expected, new_market, seek
from calibration.cohort_moves import (
    Leavers,
    Students,
    admit_expected,
    move_from,
    new_leavers,
    students_return,
)
from calibration.cohort_opening import Base, Survey
from calibration.cohort_renewal import Unions, age_students, age_workers, qualify_expected, renew_place
from calibration.cohort_scene import Scene, Years
from calibration.cohort_state import (
    Cohorts,
    Floats,
    Numbers,
    Work,
    add,
    copy,
    count_persons,
    fill,
    pour,
    total,
)
from calibration.cohort_zones import Odds, expect_zones
from model.accounts import Ledger
from model.arrivals import count_arrivals, mean_arrivals
from model.choice import Choice, Places, advantages, log_distances, tabulate
from model.demography import Vital, vital_rates
from model.infrastructure import review_services, show_places, wear_out
from model.jobs import advance_output, advance_wages, demand_labour, perceive_incomes
from model.labour import Centres, set_commuter_incomes
from model.migration import Incomes
from model.normalisation import Founders, Norm
from model.opening import RETURN_YEARS
from model.outlook import LAST_OBSERVED_FLOWS
from model.population import AGES, SECTORS
from model.readiness import Readiness, advance_walk, set_readiness
from model.record import AT, write_flows, write_stocks
from model.register_counts import persons_to_come, pushed
from model.settlements import SCHOOL_FIRST_AGE, SCHOOL_LAST_AGE, Settlements
from model.zones import Projects, advance_zones, relieve_centres


class Room(NamedTuple):
    """Working space of a year.

    Attributes:
        seekers, placed: float64[n_sim, 2, 2, 111] of the labour market, settlers placed in work.
        kappa_2015, kappa: float64[n_sim] mean readiness of the founders and of today's people. wages: float64[n_all].
        mean, counts: [n_sim, n_all] arriving households. distance: float64[n_all, n_all] km. left: float64[2, 2].
    """

    seekers: Floats
    placed: Floats
    market: Market
    kappa_2015: Floats
    kappa: Floats
    wages: Floats
    mean: Floats
    counts: NDArray[np.int64]
    distance: Floats
    left: Floats
    leavers: Leavers


def new_room(n_sim: int, n_all: int) -> Room:
    """Empty working space."""
    return Room(
        seekers=np.zeros((n_sim, 2, 2, AGES)),
        placed=np.zeros((n_sim, 2, 2, AGES)),
        market=new_market(n_sim, n_all),
        kappa_2015=np.zeros(n_sim),
        kappa=np.zeros(n_sim),
        wages=np.zeros(n_all),
        mean=np.zeros((n_sim, n_all)),
        counts=np.zeros((n_sim, n_all), np.int64),
        distance=np.zeros((n_all, n_all)),
        left=np.zeros((2, 2)),
        leavers=new_leavers(),
    )


class Twin(NamedTuple):
    """All columns of one run: the state, the tables of a year and the record.

    `values` float64[columns, years, n_sim]; `flows`, `arrivals_from` float64[years, n_sim, n_all]; `pyramids`
    float64[2, n_sim, 2, 111] the first and the last 1 January; `breach` float64[1] the largest gap of an account.
    `bound_counts` float64[years, n_sim] counts that are met (`model.register_counts`), `shift` float64[years, n_sim,
    n_all] households added for it, `push` float64[years + 1, n_sim] factors on the hazards; `guided` bool[1]: both come
    from the run without policies and are only taken over.
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
    unions: Unions
    survey: Survey
    room: Room
    values: Floats
    flows: Floats
    arrivals_from: Floats
    pyramids: Floats
    breach: Floats
    bound_counts: Floats
    shift: Floats
    push: Floats
    guided: NDArray[np.bool_]


@cohort_kernel
def count_places_expected(cohorts: Cohorts, stock: Numbers, state: Settlements) -> None:
    """Population, households and pupils of 1 January; a couple is half a household for either."""
    for place in range(stock.shape[0]):
        state.population[place] = total(stock[place])
        state.pupils[place] = 0.0
        for sex in range(2):
            for age in range(SCHOOL_FIRST_AGE, SCHOOL_LAST_AGE + 1):
                state.pupils[place] += stock[place, sex, age]
        state.households[place] = total(cohorts.single[place]) + 0.5 * total(cohorts.couple[place])


@cohort_kernel
def wages_of_all(omega: Floats, waged: NDArray[np.bool_], reference: Floats, wages: Floats) -> None:
    """Wages of places that are a ratio to the region's series, or the series themselves, float64[n_all]."""
    for place in range(wages.shape[0]):
        wages[place] = reference[place] * (omega[place] if waged[place] else 1.0)


@cohort_kernel
def _open_ledger(ledger: Ledger) -> None:
    copy(ledger.closing, ledger.stock)
    fill(ledger.deaths, 0.0)
    fill(ledger.arrivals, 0.0)
    fill(ledger.departures, 0.0)
    fill(ledger.births, 0.0)
    fill(ledger.newborn_deaths, 0.0)
    fill(ledger.flows, 0.0)
    fill(ledger.arrivals_from, 0.0)


@cohort_kernel
def _see_borders(road_km: Floats, nest: NDArray[np.int8], factor: float, distance: Floats) -> None:
    """Road distances with those across the border times a future's factor."""
    for here in range(nest.shape[0]):
        for there in range(nest.shape[0]):
            crossing = (nest[here] == 1) != (nest[there] == 1)
            distance[here, there] = road_km[here, there] * (factor if crossing else 1.0)


@cohort_kernel
def _ready(
    cohorts: Cohorts, kappa: Floats, walk: Floats, norm: Norm, base: Base, readiness: Readiness, room: Room,
    study_logit: Floats, study_lever: Floats, return_gain: Floats, keys: NDArray[np.uint64], settings: Any,
    t: int, year: int, keyed: bool, seed: np.uint64, push: Floats,
) -> None:  # fmt: skip
    """Equation (14) and the selection of movers: this year's hazards (`model.readiness`)."""
    if keyed and t > 0:
        advance_walk(walk, settings.walk_sd, settings.walk_common, seed, year, keys)
    elif not keyed:
        fill(walk, 0.5 * settings.walk_sd**2 * t)  # ln of the mean of exp(walk)
    mean_kappa(cohorts, kappa, room.kappa)
    bound = t < push.shape[0] - 1
    set_readiness(
        norm.hazard, walk, push[t] if bound else base.regime_hazard, bound or year > LAST_OBSERVED_FLOWS,
        room.kappa_2015, room.kappa, study_logit, study_lever, settings.p_ret, return_gain, RETURN_YEARS, readiness,
    )  # fmt: skip


@cohort_kernel
def _move(
    scene_kin: Floats, cohorts: Cohorts, gain: Cohorts, students: Students, work: Work, ledger: Ledger,
    incomes: Incomes, readiness: Readiness, kappa: Floats, choice: Choice, places: Places, base: Base,
    profile: Profile, chances: Chances, youth: Youth, to: Destinations, room: Room, settings: Any, alpha: float,
) -> None:  # fmt: skip
    """Phases 7 and 8; movers inside the simulated places wait in `gain` until everybody has decided."""
    for place in range(scene_kin.shape[0]):
        wage, commuter = incomes.wage[place], incomes.commuter[place]
        profile_heads(place, ledger.stock, students.here, cohorts, work, wage, commuter, settings, profile)
        households_of_youth(profile, youth)
        share_destinations(place, scene_kin[place], choice, places, settings, alpha, to)
        for children in range(2):
            to.factor[children] *= math.exp(-settings.beta_y * math.log(wage))
        hazard = readiness.hazard[place]
        household_chances(hazard, kappa, to.factor, readiness.by_age, profile, chances)
        move_from(
            place, hazard, wage, cohorts, gain, chances, youth, choice, to, readiness, kappa, students, settings,
            ledger, room.left, room.leavers,
        )  # fmt: skip
    students_return(students, cohorts, gain, readiness.return_chance, base.study_origin, ledger)


@cohort_kernel
def _meet_counts(
    count: Floats, shift: Floats, push: Floats, next_push: Floats, guided: bool, household_size: float,
    ledger: Ledger, vital: Vital, mean: Floats,
) -> None:  # fmt: skip
    """Expected households such that the places meet their counts; under policies those of the run without them."""
    for place in range(mean.shape[0]):
        if guided:
            for origin in range(mean.shape[1]):
                mean[place, origin] = max(0.0, mean[place, origin] + shift[place, origin])
            continue
        if not math.isfinite(count[place]):
            continue
        missing = persons_to_come(place, count[place], ledger, vital)
        drawn = total(mean[place])
        next_push[place] = push[place] if missing < household_size * drawn else 1.0
        if missing < 0.0:
            next_push[place] = pushed(push[place], -missing, place, ledger)
        if drawn <= 0.0:
            continue
        factor = max(0.0, missing) / (household_size * drawn)
        for origin in range(mean.shape[1]):
            shift[place, origin] = (factor - 1.0) * mean[place, origin]
            mean[place, origin] *= factor


@cohort_kernel
def _admit(
    scene: Scene, hinterland: Floats, families: Floats, base: Base, founding: FoundingTable, state: Settlements,
    cohorts: Cohorts, gain: Cohorts, ledger: Ledger, room: Room, settings: Any, year: int, keyed: bool,
    seed: np.uint64, vital: Vital, bound_counts: Floats, shift: Floats, push: Floats, guided: bool, t: int,
) -> None:  # fmt: skip
    """Phase 9; all who arrived or moved join the residents."""
    households, people, settlers = room.market.seeking, room.market.hired, room.market.shares
    n_sim, n_all = room.mean.shape
    fill(room.placed, 0.0)
    for place in range(n_sim):
        households[place] = base.arrival_base[place] / founding.size[0]
        if year > LAST_OBSERVED_FLOWS:
            households[place] *= base.regime_arrivals[place]
        people[place] = state.population[place] / scene.population_2015[place]
        settlers[place] = math.floor(families[place] + 0.5) * (1.0 - settings.settlers_returning)
    mean_arrivals(
        households, scene.origin_share, scene.hinterland, settings.hinterland_weight, hinterland, people,
        base.advantage, base.advantage_2015, room.mean,
    )  # fmt: skip
    if keyed:
        count_arrivals(room.mean, scene.arrival_variation, scene.keys, seed, year, room.counts)
        copy(room.counts, room.mean)
    if t < bound_counts.shape[0]:
        _meet_counts(
            bound_counts[t], shift[t], push[t], push[t + 1], guided, founding.size[0], ledger, vital, room.mean,
        )  # fmt: skip
    admit_expected(
        room.mean, settlers, settings.settlers_working, n_all - 1, settings.stayer_share, founding, gain, room.placed,
        ledger,
    )  # fmt: skip
    for place in range(n_sim):
        state.staff[place, SECTORS - 1] += total(room.placed[place])
    pour(gain.single, cohorts.single)
    pour(gain.couple, cohorts.couple)
    pour(gain.dependent, cohorts.dependent)
    pour(gain.skilled, cohorts.skilled)


@cohort_kernel
def _renew(
    cohorts: Cohorts, after: Cohorts, students: Students, work: Work, vital: Vital, unions: Unions, ledger: Ledger,
    placed: Floats, settings: Any,
) -> None:  # fmt: skip
    """Phase 10: next year's cohorts, written into `after`, where nobody must stand."""
    for place in range(placed.shape[0]):
        renew_place(place, cohorts, after, vital, settings, ledger, unions)
    age_students(students, vital)
    age_workers(work, ledger.stock, placed, vital, ledger)
    for place in range(placed.shape[0]):
        qualify_expected(place, after, students, settings.skill_if_staying, work)


@cohort_kernel
def clear(cohorts: Cohorts) -> None:
    """Nobody is left."""
    fill(cohorts.single, 0.0)
    fill(cohorts.couple, 0.0)
    fill(cohorts.dependent, 0.0)
    fill(cohorts.skilled, 0.0)


@cohort_kernel
def _find_breach(ledger: Ledger) -> float:
    """Phase 11: the largest gap between the recounted cohorts and the postings, persons."""
    worst = 0.0
    for place in range(ledger.stock.shape[0]):
        for sex in range(2):
            carried = 0.0
            expected = ledger.births[place, sex] - ledger.newborn_deaths[place, sex]
            for age in range(AGES):
                if age < AGES - 1:
                    worst = max(worst, abs(ledger.closing[place, sex, age] - expected))
                carried = expected
                expected = (
                    ledger.stock[place, sex, age] - ledger.deaths[place, sex, age]
                    - ledger.departures[place, sex, age] + ledger.arrivals[place, sex, age]
                )  # fmt: skip
            # The last age is open: those of 109 and 110 meet in it.
            worst = max(worst, abs(ledger.closing[place, sex, AGES - 1] - (carried + expected)))
    return worst


@cohort_kernel
def _employ(
    scene: Scene, state: Settlements, cohorts: Cohorts, students: Students, work: Work, stock: Numbers,
    centres: Centres, room: Room, incomes: Incomes, drought: float, industry: float, shedding: float, reference: Floats,
    supplement: Floats, table: Any, t: int, year: int, seed: np.uint64,
) -> None:  # fmt: skip
    """Phases 3 to 5: posts, matching, wages."""
    settings = table[0]
    advance_output(state, table, drought, industry, seed, year, scene.keys)
    demand_labour(state, scene.population_2015, t, shedding, table)
    seek(stock, cohorts, students.here, settings.separation, state, work, room.seekers, t > 0)
    match_expected(state, work, room.seekers, centres, settings, scene.is_centre, room.market)
    advance_wages(state, scene.omega, reference, supplement, table, seed, year, scene.keys)
    wages_of_all(scene.omega, scene.waged, reference, room.wages)
    for place in range(state.wage.shape[0]):
        room.wages[place] = state.wage[place]
    set_commuter_incomes(room.wages, centres, table, incomes.wage, incomes.commuter)


@cohort_kernel
def run_years(twin: Twin, table: Any, start: int, keyed: bool, seed: np.uint64) -> None:
    """All years of the record, phase by phase; `table` holds no spread of shocks where `keyed` is false.

    `tabulate` and `advantages` allocate arrays and must be compiled before this kernel, which counts no references
    (`open_twin` calls them): numba would compile them without a heap otherwise, and refuse.
    """
    settings = table[0]
    scene, years, state, ledger, places = twin.scene, twin.years, twin.state, twin.ledger, twin.places
    cohorts, spare, students, work, centres = twin.cohorts, twin.spare, twin.students, twin.work, twin.centres
    norm, base, room, incomes, readiness = twin.norm, twin.base, twin.room, twin.incomes, twin.readiness
    n_sim, n_all = norm.flows.shape
    border = 1.0
    for t in range(twin.flows.shape[0]):
        year = start + t
        _open_ledger(ledger)
        vital_rates(
            scene.mortality, scene.fertility, years.tfr[t], years.mortality[t], scene.fertility_log,
            scene.mortality_log, settings.infant_first_year, twin.vital,
        )  # fmt: skip
        for place in range(n_sim, n_all):
            places.rent[place] = scene.rent_2015[place] * years.rent[t, place]
        if years.border_distance[t] != border:
            border = years.border_distance[t]
            _see_borders(scene.road_km, places.nest, border, room.distance)
            log_distances(room.distance, places.log_distance)
        alpha = norm.alpha[0] + math.log(years.russia_odds[t])
        _ready(
            cohorts, twin.kappa, state.walk, norm, base, readiness, room, scene.study_logit, years.study_logit[t],
            years.return_gain[t], scene.keys, settings, t, year, keyed, seed, twin.push,
        )  # fmt: skip
        if keyed:
            advance_zones(twin.projects, years.launch_factor[t], table, seed, year, state)
        else:
            expect_zones(twin.projects, twin.odds, years.launch_factor[t], settings, year, state)
        relieve_centres(
            state, n_sim, settings.centre_slack, scene.labour_force_outside, table, centres.openings_outside,
            centres.seekers_outside,
        )  # fmt: skip
        copy(years.budget[t], room.market.seeking)
        add(years.extra_budget[t], room.market.seeking)
        wear_out(state, scene.population_2015, room.market.seeking, years.renewal[t], table)
        review_services(state, base.level_2015, years.services_kept[t], years.extra_budget[t], table)
        show_places(
            state, scene.services_2015, scene.rent_2015[:n_sim], years.rent_factor[t], years.dwellings[t],
            years.reused[t], table, places,
        )  # fmt: skip
        copy(years.reach[t], centres.reach)
        copy(years.fare[t], centres.fare)
        _employ(
            scene, state, cohorts, students, work, ledger.stock, centres, room, incomes, years.drought[t],
            years.industry[t], years.shedding[t], years.reference[t], years.wage_supplement[t], table, t, year, seed,
        )  # fmt: skip
        perceive_incomes(
            state, n_sim, scene.waged, scene.omega, years.reference[t], years.unemployment[t], settings.centre_slack,
            table, places.income, settings.rho_e,
        )  # fmt: skip
        tabulate(n_sim, places, table, alpha, twin.choice)
        clear(spare)
        _move(
            scene.kin_share, cohorts, spare, students, work, ledger, incomes, readiness, twin.kappa, twin.choice,
            places, base, twin.profile, twin.chances, twin.youth, twin.destinations, room, settings, alpha,
        )  # fmt: skip
        advantages(n_sim, base.origins, places, table, norm.alpha[0], base.advantage)
        _admit(
            scene, years.hinterland[t], years.settlers[t], base, twin.founding, state, cohorts, spare, ledger, room,
            settings, year, keyed, seed, twin.vital, twin.bound_counts, twin.shift, twin.push, twin.guided[0], t,
        )  # fmt: skip
        _renew(cohorts, spare, students, work, twin.vital, twin.unions, ledger, room.placed, settings)
        cohorts, spare = spare, cohorts
        count_persons(cohorts, ledger.closing)
        twin.breach[0] = max(twin.breach[0], _find_breach(ledger))
        write_flows(twin.values, t, ledger, state, places)
        for place in range(n_sim):
            twin.values[AT.output_agriculture, t, place] = math.exp(state.output[place, 0] + settings.g_A * t)
            twin.values[AT.output_industry, t, place] = math.exp(state.output[place, 1] + settings.g_I * t)
        copy(ledger.flows, twin.flows[t])
        copy(ledger.arrivals_from, twin.arrivals_from[t])
        count_places_expected(cohorts, ledger.closing, state)
        write_stocks(twin.values, t + 1, ledger.closing, state, scene.register_bias, state.dwellings)
    copy(ledger.closing, twin.pyramids[1])
