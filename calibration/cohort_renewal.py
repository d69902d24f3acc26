"""Phase 10 of the cohort twin: deaths, unions, break-ups, leaving home, births, a year older (15)-(17)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_moves import REGISTER_AGES, Students
from calibration.cohort_state import (
    ANY_HEAD,
    BANDED_AGES,
    BANDS,
    COUPLE_GAP,
    DEPENDENTS,
    HEADS,
    KINDS,
    SKILLS,
    Cohorts,
    Floats,
    Numbers,
    Work,
    average_heads,
    band_of,
    bands_at,
    chance_of,
    fill,
    middle_lag,
    over_heads,
    total,
)
from model.accounts import Ledger
from model.demography import UNION_CELLS, UNION_FIRST_AGE, UNION_LAST_AGE, Vital
from model.migration import STUDY_FIRST_AGE
from model.person_year import SKILL_AGE, STUDENT_LAST_AGE
from model.population import ADULT_AGE, AGES, LAST_AGE


@cohort_kernel
def expected_pairs(women: float, men: float) -> float:
    """Mean of min(W, M) for independent counts of these means, normal with Poisson variances (Clark 1961)."""
    spread = math.sqrt(women + men)
    if spread <= 0.0:
        return 0.0
    z = (men - women) / spread
    below = 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    pairs = women * below + men * (1.0 - below) - spread * density
    return max(0.0, min(pairs, min(women, men)))


class Unions(NamedTuple):
    """Candidates of a place, float64[2 sexes, 3 age cells]: their number, chance to find a partner, share of stayers.

    `bereft` float64[3, 111] chance that a dependent's household loses all heads (`average_heads`); `by_age`, `women`
    float64[111] the same by single age of the woman, and the number of women.
    """

    number: Floats
    chance: Floats
    stayers: Floats
    bereft: Floats
    by_age: Floats
    women: Floats


def new_unions() -> Unions:
    """Empty tables for one place."""
    cells = (2, UNION_CELLS)
    return Unions(
        np.zeros(cells), np.zeros(cells), np.zeros(cells), np.zeros((3, AGES)), np.zeros(AGES), np.zeros(AGES)
    )


@cohort_kernel
def _uniting(place: int, cohorts: Cohorts, vital: Vital, rate: float, unions: Unions) -> None:
    """Fill the chances of this year's candidates."""
    number, chance, stayers = unions.number, unions.chance, unions.stayers
    fill(number, 0.0)
    fill(stayers, 0.0)
    for sex in range(2):
        for age in range(UNION_FIRST_AGE, UNION_LAST_AGE + 1):
            cell = min(UNION_CELLS - 1, (age - UNION_FIRST_AGE) // 5)
            alive = 1.0 - vital.death[place, sex, age]
            for kind in range(KINDS):
                looking = cohorts.single[place, kind, sex, age]
                for band in range(BANDS):
                    looking += cohorts.dependent[place, kind, sex, age, band]
                looking *= alive * rate
                number[sex, cell] += looking
                stayers[sex, cell] += looking * kind
    for cell in range(UNION_CELLS):
        pairs = expected_pairs(number[1, cell], number[0, cell])
        for sex in range(2):
            chance[sex, cell] = pairs / number[sex, cell] if number[sex, cell] > 0.0 else 0.0
            stayers[sex, cell] /= number[sex, cell] if number[sex, cell] > 0.0 else 1.0


@cohort_kernel
def _share_succeeding(place: int, cohorts: Cohorts) -> float:
    """Share of grown-up dependents of a household without heads who lead it: one each, if their number is Poisson."""
    grown, households = 0.0, 0.0
    for kind in range(KINDS):
        households += total(cohorts.single[place, kind]) + 0.5 * total(cohorts.couple[place, kind])
        for sex in range(2):
            grown += total(cohorts.dependent[place, kind, sex, ADULT_AGE:])
    mean = grown / households if households > 0.0 else 0.0
    return chance_of(mean) / mean if mean > 0.0 else 1.0


@cohort_kernel
def _losing_heads(place: int, cohorts: Cohorts, vital: Vital, unions: Unions) -> None:
    """Fill the chances that a household loses all heads."""
    chance = unions.by_age
    for age in range(AGES):
        couples, singles = 0.0, 0.0
        for kind in range(KINDS):
            couples += cohorts.couple[place, kind, 1, age]
            singles += cohorts.single[place, kind, 1, age]
        hers = vital.death[place, 1, age]
        his = vital.death[place, 0, min(age + COUPLE_GAP, LAST_AGE)]
        together = couples / (couples + singles) if couples + singles > 0.0 else 0.0
        chance[age] = hers * (1.0 - together + together * his)
        unions.women[age] = couples + singles
    average_heads(chance, unions.women, unions.bereft)


@cohort_kernel
def renew_place(
    place: int, cohorts: Cohorts, after: Cohorts, vital: Vital, settings: Any, ledger: Ledger, unions: Unions
) -> None:
    """Fill next year's cohorts of one place (which must be 0) and post births and deaths."""
    chance, stayers, bereft = unions.chance, unions.stayers, unions.bereft
    _uniting(place, cohorts, vital, settings.union_rate, unions)
    _losing_heads(place, cohorts, vital, unions)
    succeeding = _share_succeeding(place, cohorts)
    for sex in range(2):
        other = 1 - sex
        for age in range(AGES):
            older = min(age + 1, LAST_AGE)
            dies = vital.death[place, sex, age]
            lives = 1.0 - dies
            bears = vital.birth[place, sex, age]
            widowed = vital.death[
                place, other, min(max(age + (COUPLE_GAP if sex else -COUPLE_GAP), 0), LAST_AGE)
            ]
            unites, leaves_home, mixing = 0.0, 0.0, 0.0
            if UNION_FIRST_AGE <= age <= UNION_LAST_AGE:
                cell = min(UNION_CELLS - 1, (age - UNION_FIRST_AGE) // 5)
                unites = settings.union_rate * chance[sex, cell]
                leaves_home = (1.0 - settings.union_rate) * settings.leaving_home_rate
                mixing = stayers[other, cell]
            heads, dependents, leaving = 0.0, 0.0, 0.0
            died = 0.0
            for kind in range(KINDS):
                single = cohorts.single[place, kind, sex, age]
                couple = cohorts.couple[place, kind, sex, age]
                heads += single + couple
                died += (single + couple) * dies
                parted = couple * lives * (widowed + (1.0 - widowed) * settings.divorce_rate)
                joined = single * lives * unites
                alone = single * lives - joined + parted
                together = couple * lives - parted
                _give_birth(place, kind, (single + couple) * lives * bears, age, ANY_HEAD, True, after, ledger,
                            vital, settings)  # fmt: skip
                for band in range(bands_at(age)):
                    number = cohorts.dependent[place, kind, sex, age, band]
                    if number <= 0.0:
                        continue
                    dependents += number
                    died += number * dies
                    staying = number * lives
                    if bears > 0.0:
                        in_union = staying * unites * bears
                        _give_birth(place, kind, in_union, age, band, True, after, ledger, vital, settings)
                        _give_birth(place, kind, staying * bears - in_union, age, band, False, after, ledger,
                                    vital, settings)  # fmt: skip
                    uniting = staying * unites
                    leaves = staying * leaves_home
                    joined += uniting
                    alone += leaves
                    leaving += uniting + leaves
                    staying -= uniting + leaves
                    lost = staying * over_heads(bereft, age, band)
                    staying -= lost
                    if age + 1 >= ADULT_AGE:
                        alone += lost * succeeding
                        leaving += lost * succeeding
                        lost *= 1.0 - succeeding
                    after.dependent[place, kind, sex, older, ANY_HEAD] += lost
                    kept = band if older < BANDED_AGES else ANY_HEAD
                    after.dependent[place, kind, sex, older, kept] += staying
                after.single[place, kind, sex, older] += alone
                # A couple takes the readiness of either: half of those who unite change to the partners' mix.
                after.couple[place, kind, sex, older] += together + 0.5 * joined
                after.couple[place, 0, sex, older] += 0.5 * joined * (1.0 - mixing)
                after.couple[place, 1, sex, older] += 0.5 * joined * mixing
            ledger.deaths[place, sex, age] += died
            taught = cohorts.skilled[place, HEADS, sex, age] * lives
            learnt = cohorts.skilled[place, DEPENDENTS, sex, age] * lives
            moved = learnt * leaving / (dependents * lives) if dependents * lives > 0.0 else 0.0
            after.skilled[place, HEADS, sex, older] += taught + moved
            after.skilled[place, DEPENDENTS, sex, older] += learnt - moved


@cohort_kernel
def _give_birth(
    place: int, kind: int, births: float, age: int, band: int, own_head: bool, after: Cohorts, ledger: Ledger,
    vital: Vital, settings: Any,
) -> None:  # fmt: skip
    """Newborns of mothers of `age`: with the mother as head, or with the head of the mother's own household."""
    if births <= 0.0:
        return
    if own_head:
        child = band_of(age + 1, 0)
    else:
        child = ANY_HEAD if band == ANY_HEAD else band_of(middle_lag(band) + age + 1, 0)
    for sex in range(2):
        number = births * (settings.male_births if sex == 0 else 1.0 - settings.male_births)
        lost = number * vital.newborn[place, sex]
        ledger.births[place, sex] += number
        ledger.newborn_deaths[place, sex] += lost
        after.dependent[place, kind, sex, 0, child] += number - lost


@cohort_kernel
def qualify_expected(place: int, cohorts: Cohorts, students: Students, share: float, work: Work) -> None:
    """Skill of the year: at 20 of those who stayed, at 22 of those who study here (`person_year.qualify`)."""
    for sex in range(2):
        heads, dependents = 0.0, 0.0
        for kind in range(KINDS):
            heads += cohorts.single[place, kind, sex, SKILL_AGE] + cohorts.couple[place, kind, sex, SKILL_AGE]
            for band in range(BANDS):
                dependents += cohorts.dependent[place, kind, sex, SKILL_AGE, band]
        heads = max(0.0, heads - students.here[place, sex, SKILL_AGE])
        for group in range(2):
            everyone = heads if group == HEADS else dependents
            taught = cohorts.skilled[place, group, sex, SKILL_AGE]
            cohorts.skilled[place, group, sex, SKILL_AGE] += max(0.0, everyone - taught) * share
        for posts in (work.local, work.away):
            risen = posts[place, 0, sex, SKILL_AGE] * share
            posts[place, 0, sex, SKILL_AGE] -= risen
            posts[place, 1, sex, SKILL_AGE] += risen
        graduates = students.here[place, sex, STUDENT_LAST_AGE + 1]
        if graduates > 0.0:
            number = 0.0
            for kind in range(KINDS):
                number += cohorts.single[place, kind, sex, STUDENT_LAST_AGE + 1]
                number += cohorts.couple[place, kind, sex, STUDENT_LAST_AGE + 1]
            taught = cohorts.skilled[place, HEADS, sex, STUDENT_LAST_AGE + 1]
            untaught = graduates * max(0.0, 1.0 - taught / number) if number > 0.0 else 0.0
            cohorts.skilled[place, HEADS, sex, STUDENT_LAST_AGE + 1] += untaught


@cohort_kernel
def age_students(students: Students, vital: Vital) -> None:
    """Those who study at simulated places grow older and die like everybody; past 25 their origin is forgotten."""
    inside = students.inside
    fill(students.here, 0.0)
    for k in range(students.host.shape[0]):
        host = students.host[k]
        for origin in range(inside.shape[1]):
            for kind in range(KINDS):
                for sex in range(2):
                    for age in range(REGISTER_AGES - 1, STUDY_FIRST_AGE, -1):
                        alive = 1.0 - vital.death[host, sex, age - 1]
                        inside[k, origin, kind, sex, age] = inside[k, origin, kind, sex, age - 1] * alive
                        students.here[host, sex, age] += inside[k, origin, kind, sex, age]
                    inside[k, origin, kind, sex, STUDY_FIRST_AGE] = 0.0


@cohort_kernel
def age_workers(work: Work, opening: Numbers, placed: Floats, vital: Vital, ledger: Ledger) -> None:
    """Those who stayed and survived keep their posts, a year older; who moved away gave them up."""
    for place in range(opening.shape[0]):
        for skill in range(SKILLS):
            for sex in range(2):
                for age in range(LAST_AGE, -1, -1):
                    stock = opening[place, sex, age]
                    stays = max(0.0, 1.0 - ledger.departures[place, sex, age] / stock) if stock > 0.0 else 0.0
                    lives = 1.0 - vital.death[place, sex, age]
                    settled = placed[place, skill, sex, age]
                    local = (work.local[place, skill, sex, age] * stays + settled) * lives
                    away = work.away[place, skill, sex, age] * stays * lives
                    if age == LAST_AGE:
                        work.local[place, skill, sex, age] = local
                        work.away[place, skill, sex, age] = away
                    elif age + 1 == LAST_AGE:
                        work.local[place, skill, sex, age + 1] += local
                        work.away[place, skill, sex, age + 1] += away
                    else:
                        work.local[place, skill, sex, age + 1] = local
                        work.away[place, skill, sex, age + 1] = away
                work.local[place, skill, sex, 0] = 0.0
                work.away[place, skill, sex, 0] = 0.0
