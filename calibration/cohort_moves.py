"""Phases 7 to 9 of the cohort twin: households, lone adults and students move, students return, others arrive."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_destinations import Destinations
from calibration.cohort_founding import FoundingTable
from calibration.cohort_incomes import Chances, Youth, mean_of_youth
from calibration.cohort_state import (
    ANY_HEAD,
    BAND_YEARS,
    BANDED_AGES,
    BANDS,
    COUPLE_GAP,
    DEPENDENTS,
    FIRST_LAG,
    HEADS,
    KINDS,
    LAST_BAND,
    LAST_LAG,
    STAYER_KIND,
    Cohorts,
    Floats,
    bands_at,
    chance_of,
    fill,
    over_heads,
    total,
)
from model.accounts import Ledger
from model.choice import KINDS_OF_KIN, Choice
from model.migration import (
    LONE_LAST_AGE,
    RETURN_FIRST_AGE,
    STUDY_FIRST_AGE,
    STUDY_LAST_AGE,
    study_probability,
)
from model.person_year import RETURN_LAST_AGE
from model.population import ADULT_AGE, AGES
from model.readiness import Readiness

REGISTER_AGES = RETURN_LAST_AGE + 1


class Leavers(NamedTuple):
    """Who leaves a place this year by presence of minors (lone adults: none), float64[2, 2 kinds, 2, 111 (, 9)]."""

    single: Floats
    couple: Floats
    dependent: Floats


def new_leavers() -> Leavers:
    """Nobody leaves."""
    cells = (2, KINDS, 2, AGES)
    return Leavers(np.zeros(cells), np.zeros(cells), np.zeros((*cells, BANDS)))


@cohort_kernel
def _settle(without: Floats, together: Floats, alone: float, family: float, gain: Floats) -> None:
    """Add the shares of leavers, `alone` of those without and `family` of those with minors, who come to one place."""
    first, second, arrived = without.reshape(gain.size), together.reshape(gain.size), gain.reshape(gain.size)
    for k in range(arrived.shape[0]):
        arrived[k] += first[k] * alone + second[k] * family


class Students(NamedTuple):
    """Who studies away: float64[n_sim origin, 2 kinds, 2 sexes, 26] outside, and at simulated places.

    `inside` float64[study places, n_sim origin, 2, 2, 26]; `host` int64[study places] their index; `here`
    float64[n_sim, 2, 111] all who study in a place, whatever their origin.
    """

    outside: Floats
    inside: Floats
    host: NDArray[np.int64]
    here: Floats


def new_students(n_sim: int, host: NDArray[np.int64]) -> Students:
    """Nobody studies yet."""
    return Students(
        np.zeros((n_sim, KINDS, 2, REGISTER_AGES)),
        np.zeros((len(host), n_sim, KINDS, 2, REGISTER_AGES)),
        host,
        np.zeros((n_sim, 2, AGES)),
    )


@cohort_kernel
def chance_to_study(
    place: int, age: int, share: Floats, wage: float, cohorts: Cohorts, youth: Youth, choice: Choice,
    readiness: Readiness, settings: Any,
) -> float:  # fmt: skip
    """Equation (12): mean chance of dependents of `age`, over kin, minors in the household and skill of parents.

    `share` float64[4] of kin bits.
    """
    household = youth.mean
    mean_of_youth(place, age, cohorts, youth)
    cost = settings.beta_y * (household[0] + math.log(wage))
    chance = 0.0
    for bits in range(KINDS_OF_KIN):
        for children in range(2):
            for parent in range(2):
                weight = share[bits] * (household[2] if children == 1 else 1.0 - household[2])
                weight *= household[1] if parent == 1 else 1.0 - household[1]
                if weight > 0.0:
                    chance += weight * study_probability(
                        readiness.study_logit[place],
                        choice.inclusive[place, children, bits] - cost,
                        readiness.mean_inclusive[place],
                        parent == 1,
                        settings,
                    )
    return chance


@cohort_kernel
def _post(here: int, there: int, sex: int, age: int, number: float, n_sim: int, ledger: Ledger) -> None:
    """Double entry of an expected move; departures are posted by cell."""
    ledger.flows[here, there] += number
    if there < n_sim:
        ledger.arrivals[there, sex, age] += number


@cohort_kernel
def _leave_with_heads(
    age: int, residents: Floats, heads: Floats, without: Floats, together: Floats
) -> tuple[float, float, float]:
    """Dependents of one cell who move with their households, by band: float64[9] each, `residents` lose them.

    Minors are surely in a household with minors. The windows of `over_heads` are read in one stride here.

    Returns:
        Number before, leavers without minors in the household, leavers with (minors themselves among them).
    """
    grown = 1.0 if age >= ADULT_AGE else 0.0
    alone, family = heads[0], heads[2 if age < ADULT_AGE else 1]
    everyone = residents[ANY_HEAD]
    without[ANY_HEAD] = everyone * grown * alone[2, 0]
    together[ANY_HEAD] = everyone * family[2, 0]
    residents[ANY_HEAD] = everyone - without[ANY_HEAD] - together[ANY_HEAD]
    left_alone, left_family = without[ANY_HEAD], together[ANY_HEAD]
    if bands_at(age) == 1:
        return everyone, left_alone, left_family
    for band in range(1, BANDS):
        row, first = (
            (0, age + FIRST_LAG + BAND_YEARS * (band - 1)) if band < LAST_BAND else (1, age + LAST_LAG)
        )
        number = residents[band]
        lone, joint = number * grown * alone[row, first], number * family[row, first]
        without[band] = lone
        together[band] = joint
        residents[band] = number - lone - joint
        everyone += number
        left_alone += lone
        left_family += joint
    return everyone, left_alone, left_family


@cohort_kernel
def _leave_alone(age: int, residents: Floats, study: Floats, rate: float, pull: Floats) -> float:
    """Young dependents of households that stay who leave to study, or alone at `rate` times the household's pull."""
    gone = 0.0
    for band in range(bands_at(age)):
        chance = study[age] if age <= STUDY_LAST_AGE else chance_of(rate * over_heads(pull, age, band))
        gone += residents[band] * chance
        residents[band] *= 1.0 - chance
    return gone


@cohort_kernel
def move_from(
    here: int, hazard: float, wage: float, cohorts: Cohorts, gain: Cohorts, chances: Chances,
    youth: Youth, choice: Choice, to: Destinations, readiness: Readiness, kappa: Floats, students: Students,
    settings: Any, ledger: Ledger, left: Floats, leavers: Leavers,
) -> None:  # fmt: skip
    """Phase 7 for the residents of one place: they leave `cohorts`; who stays in the simulated places joins `gain`.

    `left` float64[2, 2] and `leavers` are working space.
    """
    n_sim, n_all = ledger.flows.shape
    gone_without, gone_with = 0.0, 0.0  # households' members by presence of minors, for flows to all places
    alone, studying = 0.0, 0.0
    study = youth.chance
    for age in range(STUDY_FIRST_AGE, STUDY_LAST_AGE + 1):
        study[age] = chance_to_study(here, age, to.kin, wage, cohorts, youth, choice, readiness, settings)
    for sex in range(2):
        for age in range(AGES):
            woman = age if sex == 1 else max(0, age - COUPLE_GAP)
            heads, dependents = 0.0, 0.0
            left_heads, left_dependents = left[0], left[1]
            fill(left, 0.0)
            left_alone, left_study = 0.0, 0.0
            for kind in range(KINDS):
                single = cohorts.single[here, kind, sex, age]
                couple = cohorts.couple[here, kind, sex, age]
                heads += single + couple
                for children in range(2):
                    by_self = single * chances.single[kind, children, sex, age]
                    by_two = couple * chances.couple[kind, children, woman]
                    left_heads[children] += by_self + by_two
                    cohorts.single[here, kind, sex, age] -= by_self
                    cohorts.couple[here, kind, sex, age] -= by_two
                    leavers.single[children, kind, sex, age] = by_self
                    leavers.couple[children, kind, sex, age] = by_two
                number, without, together = _leave_with_heads(
                    age, cohorts.dependent[here, kind, sex, age], chances.heads[kind],
                    leavers.dependent[0, kind, sex, age], leavers.dependent[1, kind, sex, age],
                )  # fmt: skip
                dependents += number
                left_dependents[0] += without
                left_dependents[1] += together
                if STUDY_FIRST_AGE <= age <= LONE_LAST_AGE:
                    rate = hazard * kappa[kind] * readiness.by_age[age]
                    leaves = _leave_alone(
                        age, cohorts.dependent[here, kind, sex, age], study, rate, chances.pull
                    )
                    if age <= STUDY_LAST_AGE:
                        left_study += leaves
                        _enrol(here, kind, sex, age, leaves, to, gain, students, n_sim)
                    else:
                        left_alone += leaves
                        leavers.single[0, kind, sex, age] += leaves
            _carry_skill(
                here, sex, age, heads, dependents, left_heads, left_dependents, left_alone, left_study, to,
                cohorts, gain, n_sim,
            )  # fmt: skip
            without, together = left_heads[0] + left_dependents[0], left_heads[1] + left_dependents[1]
            ledger.departures[here, sex, age] += without + together + left_alone + left_study
            gone_without += without
            gone_with += together
            alone += left_alone
            studying += left_study
            for there in range(n_sim):
                arriving = left_alone * to.moving[0, there] + left_study * to.study[there]
                arriving += without * to.moving[0, there] + together * to.moving[1, there]
                ledger.arrivals[there, sex, age] += arriving
    for there in range(n_sim):
        alone_there, family_there = to.moving[0, there], to.moving[1, there]
        if alone_there <= 0.0 and family_there <= 0.0:
            continue
        _settle(leavers.single[0], leavers.single[1], alone_there, family_there, gain.single[there])
        _settle(leavers.couple[0], leavers.couple[1], alone_there, family_there, gain.couple[there])
        for kind in range(KINDS):
            for sex in range(2):
                without_minors, with_minors = leavers.dependent[0, kind, sex], leavers.dependent[1, kind, sex]
                arrived = gain.dependent[there, kind, sex]
                # Nobody of `BANDED_AGES` or more stands in a band but the first.
                _settle(
                    without_minors[:BANDED_AGES], with_minors[:BANDED_AGES], alone_there, family_there,
                    arrived[:BANDED_AGES],
                )  # fmt: skip
                for age in range(BANDED_AGES, AGES):
                    moved = (
                        without_minors[age, ANY_HEAD] * alone_there
                        + with_minors[age, ANY_HEAD] * family_there
                    )
                    arrived[age, ANY_HEAD] += moved
    for there in range(n_all):
        ledger.flows[here, there] += (
            (gone_without + alone) * to.moving[0, there]
            + gone_with * to.moving[1, there]
            + studying * to.study[there]
        )


@cohort_kernel
def _enrol(
    origin: int, kind: int, sex: int, age: int, number: float, to: Destinations, gain: Cohorts,
    students: Students, n_sim: int,
) -> None:  # fmt: skip
    """Young people who leave to study: into the register outside, or alone to a simulated place of study."""
    outside = number
    for k in range(students.host.shape[0]):
        host = students.host[k]
        there = number * to.study[host]
        outside -= there
        gain.single[host, kind, sex, age] += there
        students.inside[k, origin, kind, sex, age] += there
        students.here[host, sex, age] += there
    students.outside[origin, kind, sex, age] += outside


@cohort_kernel
def _carry_skill(
    here: int, sex: int, age: int, heads: float, dependents: float, left_heads: Floats, left_dependents: Floats,
    left_alone: float, left_study: float, to: Destinations, cohorts: Cohorts, gain: Cohorts, n_sim: int,
) -> None:  # fmt: skip
    """Movers take their group's share of skilled people along; lone movers become heads."""
    of_heads = cohorts.skilled[here, HEADS, sex, age] / heads if heads > 0.0 else 0.0
    of_dependents = cohorts.skilled[here, DEPENDENTS, sex, age] / dependents if dependents > 0.0 else 0.0
    all_heads = left_heads[0] + left_heads[1]
    all_dependents = left_dependents[0] + left_dependents[1] + left_alone + left_study
    cohorts.skilled[here, HEADS, sex, age] -= of_heads * all_heads
    cohorts.skilled[here, DEPENDENTS, sex, age] -= of_dependents * all_dependents
    for there in range(n_sim):
        lone = left_alone * to.moving[0, there] + left_study * to.study[there]
        gain.skilled[there, HEADS, sex, age] += of_dependents * lone
        for children in range(2):
            share = to.moving[children, there]
            gain.skilled[there, HEADS, sex, age] += of_heads * left_heads[children] * share
            gain.skilled[there, DEPENDENTS, sex, age] += of_dependents * left_dependents[children] * share


@cohort_kernel
def students_return(
    students: Students, cohorts: Cohorts, gain: Cohorts, chance: Floats, study_origin: NDArray[np.int64],
    ledger: Ledger,
) -> None:  # fmt: skip
    """Phase 8, from simulated places of study and from outside: at 22-25, skilled; the register grows older."""
    n_sim = chance.shape[0]
    for k in range(students.host.shape[0]):
        host = students.host[k]
        for origin in range(n_sim):
            for kind in range(KINDS):
                for sex in range(2):
                    for age in range(RETURN_FIRST_AGE, RETURN_LAST_AGE + 1):
                        number = students.inside[k, origin, kind, sex, age] * chance[origin]
                        number = min(number, cohorts.single[host, kind, sex, age])
                        if origin == host or number <= 0.0:
                            continue
                        cohorts.single[host, kind, sex, age] -= number
                        taught = min(cohorts.skilled[host, HEADS, sex, age], number)
                        cohorts.skilled[host, HEADS, sex, age] -= taught
                        students.inside[k, origin, kind, sex, age] -= number
                        students.here[host, sex, age] -= number
                        gain.single[origin, kind, sex, age] += number
                        gain.skilled[origin, HEADS, sex, age] += number
                        ledger.departures[host, sex, age] += number
                        _post(host, origin, sex, age, number, n_sim, ledger)
    for origin in range(n_sim):
        for kind in range(KINDS):
            for sex in range(2):
                for age in range(RETURN_LAST_AGE, STUDY_FIRST_AGE - 1, -1):
                    number = students.outside[origin, kind, sex, age]
                    if age >= RETURN_FIRST_AGE:
                        back = number * chance[origin]
                        number -= back
                        gain.single[origin, kind, sex, age] += back
                        gain.skilled[origin, HEADS, sex, age] += back
                        ledger.arrivals[origin, sex, age] += back
                        ledger.arrivals_from[origin, study_origin[origin]] += back
                    if age < RETURN_LAST_AGE:
                        students.outside[origin, kind, sex, age + 1] = number
                students.outside[origin, kind, sex, STUDY_FIRST_AGE] = 0.0


@cohort_kernel
def admit_expected(
    households: Floats, settlers: Floats, settlers_working: float, settler_origin: int, stayer_share: float,
    table: FoundingTable, gain: Cohorts, placed: Floats, ledger: Ledger,
) -> None:  # fmt: skip
    """Phase 9: households float64[n_sim, n_all] by origin, and settler families float64[n_sim] who stay.

    `placed` float64[n_sim, 2 skills, 2 sexes, 111] gains the settlers placed in work (in local services).
    """
    n_sim, n_all = households.shape
    for place in range(n_sim):
        for origin in range(n_all):
            ledger.arrivals_from[place, origin] += households[place, origin] * table.size[0]
        ledger.arrivals_from[place, settler_origin] += settlers[place] * table.size[1]
        for row in range(2):
            number = total(households[place]) if row == 0 else settlers[place]
            if number <= 0.0:
                continue
            for sex in range(2):
                for age in range(AGES):
                    persons = 0.0
                    for kind in range(KINDS):
                        weight = number * (stayer_share if kind == STAYER_KIND else 1.0 - stayer_share)
                        single = weight * table.of_single[row, sex, age]
                        couple = weight * table.of_couple[row, sex, age]
                        gain.single[place, kind, sex, age] += single
                        gain.couple[place, kind, sex, age] += couple
                        persons += single + couple
                        for band in range(bands_at(age)):
                            more = weight * table.of_dependent[row, sex, age, band]
                            gain.dependent[place, kind, sex, age, band] += more
                            persons += more
                    ledger.arrivals[place, sex, age] += persons
                    taught = 0.0
                    for group in range(2):
                        more = number * table.of_skilled[row, group, sex, age]
                        gain.skilled[place, group, sex, age] += more
                        taught += more
                    if row == 1 and 18 <= age < 60:
                        placed[place, 0, sex, age] += settlers_working * (persons - taught)
                        placed[place, 1, sex, age] += settlers_working * taught
