"""How the twin's hazards and arrivals are tied to the data of 2015 (as `model.opening` and `model.normalisation`)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel, outer_kernel
from calibration.cohort_destinations import kin_shares
from calibration.cohort_founding import FoundingTable
from calibration.cohort_incomes import Profile, Youth, households_of_youth, profile_heads
from calibration.cohort_moves import Students, chance_to_study
from calibration.cohort_scene import Scene
from calibration.cohort_state import (
    BANDS,
    COUPLE_GAP,
    KINDS,
    STAYER_KIND,
    Cohorts,
    Floats,
    Numbers,
    Work,
    average_heads,
    bands_at,
    copy,
    fill,
    over_heads,
    total,
)
from model.choice import KINDS_OF_KIN, Choice, Places, tabulate
from model.migration import (
    LONE_FIRST_AGE,
    LONE_LAST_AGE,
    RETURN_FIRST_AGE,
    STUDY_FIRST_AGE,
    STUDY_LAST_AGE,
    Incomes,
    study_probability,
)
from model.normalisation import (
    CELLS,
    FIXED_POINT,
    LEAST_HOUSEHOLD_SHARE,
    POWERS,
    Founders,
    Norm,
    _invert_hazard,
    adjust_constants,
    expected_flows,
    solve_alpha,
)
from model.opening import CONSTANT_ROUNDS, CONSTANT_TOLERANCE, LEAST_ARRIVALS, LEAST_FLOW, LEAST_REGIME_FACTOR
from model.person_year import RETURN_LAST_AGE
from model.population import ADULT_AGE, AGES
from model.readiness import Readiness

PERSON_POINT = 2.0**20  # expected persons as whole numbers of this part


class Survey(NamedTuple):
    """Sums over the founders of one place, and working space.

    Attributes:
        moving: float64[2, 4] powers of hazards by presence of minors. persons: float64[2]. by_age: float64[4, 111]
            R x pull, pull, ln(y / W) and minors of households by the woman's age; heads: float64[4, 3, 111] of a
            dependent (`average_heads`). powers: float64[4]. youth_cells: float64[n_sim, 8] people of 17-19.
        first_youth, logs: float64[n_sim] first guess of youth leaving; sum of ln(y / W). most: float64[n_sim].
    """

    moving: Floats
    persons: Floats
    by_age: Floats
    heads: Floats
    powers: Floats
    youth_cells: Floats
    first_youth: Floats
    logs: Floats
    most: Floats


def new_survey(n_sim: int) -> Survey:
    """Empty sums."""
    return Survey(
        np.zeros((2, POWERS)),
        np.zeros(2),
        np.zeros((4, AGES)),
        np.zeros((4, 3, AGES)),
        np.zeros(POWERS),
        np.zeros((n_sim, CELLS)),
        np.zeros(n_sim),
        np.zeros(n_sim),
        np.zeros(n_sim),
    )


class Base(NamedTuple):
    """What the opening leaves for the years, float64[n_sim] unless said.

    Attributes:
        arrival_base: persons a year from outside in 2015. regime_hazard, regime_arrivals: factors after 2020.
        study_origin: int64[n_sim] where returning students are booked from. origins: bool[n_sim, n_all].
        advantage, advantage_2015: float64[n_sim, n_all]. level_2015: int64[n_sim, 2] facility levels.
    """

    arrival_base: Floats
    regime_hazard: Floats
    regime_arrivals: Floats
    study_origin: NDArray[np.int64]
    origins: NDArray[np.bool_]
    advantage: Floats
    advantage_2015: Floats
    level_2015: NDArray[np.int64]


def new_base(n_sim: int, n_all: int) -> Base:
    """Empty outcome."""
    return Base(
        np.zeros(n_sim),
        np.ones(n_sim),
        np.ones(n_sim),
        np.zeros(n_sim, np.int64),
        np.zeros((n_sim, n_all), np.bool_),
        np.zeros((n_sim, n_all)),
        np.zeros((n_sim, n_all)),
        np.zeros((n_sim, 2), np.int64),
    )


@cohort_kernel
def settle_cohorts(table: FoundingTable, stayer_share: float, cohorts: Cohorts) -> None:
    """Founders, divided between movers and stayers."""
    for kind in range(KINDS):
        share = stayer_share if kind == STAYER_KIND else 1.0 - stayer_share
        for place in range(table.single.shape[0]):
            for sex in range(2):
                for age in range(AGES):
                    cohorts.single[place, kind, sex, age] = share * table.single[place, sex, age]
                    cohorts.couple[place, kind, sex, age] = share * table.couple[place, sex, age]
                    for band in range(BANDS):
                        cohorts.dependent[place, kind, sex, age, band] = (
                            share * table.dependent[place, sex, age, band]
                        )
    copy(table.skilled, cohorts.skilled)


@cohort_kernel
def survey_cohorts(
    place: int, cohorts: Cohorts, profile: Profile, share: Floats, kappa: Floats, by_age: Floats,
    founders: Founders, survey: Survey,
) -> float:  # fmt: skip
    """Sums of `model.normalisation.survey_founders` in expectation, for one place; returns the sum of ln(y / W)."""
    moving, persons, youth_cells = survey.moving, survey.persons, survey.youth_cells
    logs, of_heads, heads = 0.0, survey.by_age, survey.heads
    fill(moving, 0.0)
    fill(persons, 0.0)
    for age in range(AGES):
        both = 0.5 * (by_age[age] + by_age[min(age + COUPLE_GAP, AGES - 1)]) * profile.pull_couple[age]
        together = profile.in_couple[age]
        of_heads[0, age] = together * both + (1.0 - together) * by_age[age] * profile.pull_single[1, age]
        of_heads[1, age] = (
            together * profile.pull_couple[age] + (1.0 - together) * profile.pull_single[1, age]
        )
        of_heads[2, age] = together * profile.log_couple[age] + (1.0 - together) * profile.log_single[1, age]
        of_heads[3, age] = profile.children[age]
    for k in range(4):
        average_heads(of_heads[k], profile.women, heads[k])
    for kind in range(KINDS):
        for sex in range(2):
            for age in range(AGES):
                woman = age if sex == 1 else max(0, age - COUPLE_GAP)
                single = cohorts.single[place, kind, sex, age]
                with_minors = profile.children[age] if sex == 1 else 0.0
                hazard = kappa[kind] * by_age[age] * profile.pull_single[sex, age]
                _add(single, with_minors, hazard, moving, persons, True)
                logs += single * profile.log_single[sex, age]
                couple = cohorts.couple[place, kind, sex, age]
                partner = by_age[min(woman + COUPLE_GAP, AGES - 1)]
                hazard = kappa[kind] * 0.5 * (by_age[woman] + partner) * profile.pull_couple[woman]
                _add(couple, profile.children[woman], hazard, moving, persons, True)
                logs += couple * profile.log_couple[woman]
                for band in range(bands_at(age)):
                    number = cohorts.dependent[place, kind, sex, age, band]
                    if number <= 0.0:
                        continue
                    with_minors = 1.0
                    if age >= ADULT_AGE:
                        with_minors = over_heads(heads[3], age, band)
                    hazard = kappa[kind] * over_heads(heads[0], age, band)
                    _add(number, with_minors, hazard, moving, persons, True)
                    logs += number * over_heads(heads[2], age, band)
                    if LONE_FIRST_AGE <= age <= LONE_LAST_AGE:
                        hazard = kappa[kind] * by_age[age] * over_heads(heads[1], age, band)
                        _add(number, with_minors, hazard, moving, persons, False)
                    elif STUDY_FIRST_AGE <= age <= STUDY_LAST_AGE:
                        for bits in range(KINDS_OF_KIN):
                            youth_cells[place, KINDS_OF_KIN + bits] += number * share[bits] * with_minors
                            youth_cells[place, bits] += number * share[bits] * (1.0 - with_minors)
    for minors in range(2):
        for bits in range(KINDS_OF_KIN):
            cell = minors * KINDS_OF_KIN + bits
            founders.persons[place, cell] = math.floor(persons[minors] * share[bits] * PERSON_POINT + 0.5)
            for k in range(POWERS):
                value = moving[minors, k] * share[bits] * FIXED_POINT
                founders.moving[place, cell, k] = math.floor(value + 0.5)
    return logs


@cohort_kernel
def _add(
    number: float, with_minors: float, hazard: float, moving: Floats, persons: Floats, counts: bool
) -> None:
    for minors in range(2):
        weight = number * (with_minors if minors == 1 else 1.0 - with_minors)
        if counts:
            persons[minors] += weight
        power = 1.0
        for k in range(POWERS):
            power *= hazard
            moving[minors, k] += weight * power


@outer_kernel
def tie_to_data(
    scene: Scene, cohorts: Cohorts, persons: Numbers, work: Work, students: Students, incomes: Incomes,
    places: Places, choice: Choice, readiness: Readiness, kappa: Floats, table: Any, russia_target: float,
    outside_only: bool, profile: Profile, youth: Youth, founders: Founders, norm: Norm, base: Base, survey: Survey,
    kin_space: Floats,
) -> None:  # fmt: skip
    """alpha_RU, constants, IV_2015, lambda' and arrivals of 2015 (`model.opening._normalise`, `_open_arrivals`)."""
    settings = table[0]
    n_sim = norm.flows.shape[0]
    leaving = scene.leaving
    youth_cells, first_youth, kin = survey.youth_cells, survey.first_youth, kin_space
    for place in range(n_sim):
        profile_heads(place, persons, students.here, cohorts, work, incomes.wage[place], incomes.commuter[place],
                      settings, profile)  # fmt: skip
        kin_shares(scene.kin_share[place], kin)
        survey.logs[place] = survey_cohorts(
            place, cohorts, profile, kin, kappa, readiness.by_age, founders, survey
        )
        guess = study_probability(scene.study_logit[place], 0.0, 0.0, False, settings)
        first_youth[place] = min(0.9 * leaving[place], total(youth_cells[place]) * guess)
        survey.most[place] = settings.inside_share * scene.in_out[place] * leaving[place]
    tabulate(n_sim, places, table, 0.0, choice)
    for _ in range(CONSTANT_ROUNDS):
        norm.alpha[0] = solve_alpha(
            founders, choice, places, table, leaving, first_youth, youth_cells, russia_target, outside_only
        )
        expected_flows(
            founders, choice, places, settings, norm.alpha[0], leaving, first_youth, youth_cells, norm.flows
        )
        moved = adjust_constants(norm.flows, survey.most, settings.tau, places)
        tabulate(n_sim, places, table, norm.alpha[0], choice)
        if moved < CONSTANT_TOLERANCE:
            break
    for place in range(n_sim):
        _tie_place(place, scene, cohorts, persons, work, students, incomes, choice, readiness, settings, profile,
                   youth, founders, kin, survey, norm)  # fmt: skip
        first_youth[place] = min(norm.youth_leaving[place], leaving[place])
    expected_flows(
        founders, choice, places, settings, norm.alpha[0], leaving, first_youth, youth_cells, norm.flows
    )
    for place in range(n_sim):
        _open_arrivals(place, scene, places, choice, settings, norm, base)


@cohort_kernel
def _tie_place(
    place: int, scene: Scene, cohorts: Cohorts, persons: Numbers, work: Work, students: Students,
    incomes: Incomes, choice: Choice, readiness: Readiness, settings: Any, profile: Profile, youth: Youth,
    founders: Founders, kin: Floats, survey: Survey, norm: Norm,
) -> None:  # fmt: skip
    """IV_2015 and lambda' of one place (`model.normalisation.normalise`)."""
    wage = incomes.wage[place]
    profile_heads(
        place, persons, students.here, cohorts, work, wage, incomes.commuter[place], settings, profile
    )
    households_of_youth(profile, youth)
    kin_shares(scene.kin_share[place], kin)
    everyone, inclusive = 0.0, 0.0
    for cell in range(CELLS):
        number = founders.persons[place, cell] / PERSON_POINT
        everyone += number
        inclusive += number * choice.inclusive[place, cell // KINDS_OF_KIN, cell % KINDS_OF_KIN]
    inclusive -= settings.beta_y * survey.logs[place]
    level = settings.beta_y * math.log(wage)
    norm.mean_inclusive[place] = inclusive / everyone - level if everyone > 0.0 else 0.0
    readiness.mean_inclusive[place] = norm.mean_inclusive[place]
    norm.youth_leaving[place] = 0.0
    for age in range(STUDY_FIRST_AGE, STUDY_LAST_AGE + 1):
        number = 0.0
        for kind in range(KINDS):
            for sex in range(2):
                for band in range(BANDS):
                    number += cohorts.dependent[place, kind, sex, age, band]
        if number > 0.0:
            chance = chance_to_study(place, age, kin, wage, cohorts, youth, choice, readiness, settings)
            norm.youth_leaving[place] += number * chance
    leaving = scene.leaving[place]
    wanted = max(leaving - norm.youth_leaving[place], LEAST_HOUSEHOLD_SHARE * leaving)
    sums = survey.powers
    fill(sums, 0.0)
    for cell in range(CELLS):
        factor = choice.factor[place, cell // KINDS_OF_KIN, cell % KINDS_OF_KIN] * math.exp(-level)
        power = 1.0
        for k in range(POWERS):
            power *= factor
            sums[k] += power * founders.moving[place, cell, k] / FIXED_POINT
    norm.hazard[place] = _invert_hazard(wanted, sums)


@cohort_kernel
def _open_arrivals(
    place: int, scene: Scene, places: Places, choice: Choice, settings: Any, norm: Norm, base: Base
) -> None:
    """Arrivals from outside, where returning students come from, and what the regimes do after 2020."""
    n_sim, n_all = norm.flows.shape
    top, outside, all_study = -math.inf, 0.0, 0.0
    best = n_all - 1
    best_value = -math.inf
    for there in range(n_all):
        value = choice.utility[place, 0, there]
        if places.study[there] and value > -1e299:
            top = max(top, value)
            if there >= n_sim and value > best_value:
                best, best_value = there, value
    base.study_origin[place] = best
    share = 1.0
    for there in range(n_all):
        value = choice.utility[place, 0, there]
        if places.study[there] and value > -1e299:
            all_study += math.exp(value - top)
            outside += math.exp(value - top) if there >= n_sim else 0.0
    if all_study > 0.0:
        share = outside / all_study
    norm.study_outside[place] = norm.youth_leaving[place] * share
    inside = 0.0
    for other in range(n_sim):
        inside += norm.flows[other, place]
    leaving = scene.leaving[place]
    wanted = scene.in_out[place] * leaving
    returning = norm.study_outside[place] * settings.p_ret
    base.arrival_base[place] = max(wanted - inside - returning, LEAST_ARRIVALS * leaving)
    for origin in range(n_all):
        base.origins[place, origin] = scene.origin_share[origin] > 0.0
    if scene.hinterland[place] >= n_sim:
        base.origins[place, scene.hinterland[place]] = True
    gap = 0.5 * scene.regime_gap[place] * scene.population_2015[place]
    half = 0.5 * settings.regime_weight * gap
    base.regime_hazard[place] = max(LEAST_REGIME_FACTOR, 1.0 - half / max(leaving, LEAST_FLOW))
    base.regime_arrivals[place] = max(
        LEAST_REGIME_FACTOR, 1.0 + half / max(base.arrival_base[place], LEAST_FLOW)
    )


@cohort_kernel
def fill_register_expected(
    leaving: Floats, return_chance: Floats, stayer_share: float, students: Students
) -> None:
    """Students who left before the start (`model.opening.fill_register`)."""
    for place in range(leaving.shape[0]):
        away = 1.0
        for age in range(STUDY_LAST_AGE - 1, RETURN_LAST_AGE + 1):
            share = 1.0
            if age == STUDY_LAST_AGE - 1:
                share = 1.0 / 3.0
            elif age == STUDY_LAST_AGE:
                share = 2.0 / 3.0
            if age > RETURN_FIRST_AGE:
                away *= 1.0 - return_chance[place]
            for kind in range(KINDS):
                weight = stayer_share if kind == STAYER_KIND else 1.0 - stayer_share
                for sex in range(2):
                    students.outside[place, kind, sex, age] = 0.5 * weight * leaving[place] * share * away
