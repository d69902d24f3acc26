"""Incomes, children and readiness of expected households: what equations (10)-(12) ask of a household.

The engine works with each household's y_h. The twin takes the expectation over what heads do: of a single
head over the own status, of a couple over both statuses as if they were independent given age and sex; the
incomes of grown-up dependents are left out. The exact mean of y ** -beta_y is formed, not that of mean y.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_state import (
    BANDS,
    COUPLE_GAP,
    HEADS,
    KINDS,
    SKILLS,
    STAYER_KIND,
    Cohorts,
    Floats,
    Numbers,
    Work,
    average_heads,
    bands_at,
    chance_of,
    fill,
    over_heads,
)
from model.labour import RETIREMENT_AGE_MEN, RETIREMENT_AGE_WOMEN
from model.migration import MEAN_SKILL, STUDY_LAST_AGE
from model.population import ADULT_AGE, AGES, WORKING_AGE

# What a head may live on; the two states of work come twice, unskilled and skilled.
CATEGORIES = 8
LOCAL, AWAY, HIDDEN_WORK, OUT_OF_WORK, OLD_AGE, NOTHING = 0, 2, 4, 5, 6, 7


class Profile(NamedTuple):
    """Heads of one place in a year; sexes 0 men, 1 women, couples by the woman's age.

    Attributes:
        pull_single: float64[2, 111] mean of (y / W) ** -beta_y; log_single: mean of ln(y / W).
        pull_couple, log_couple: float64[111]. children: float64[111] chance that a woman who is head or
            head's partner lives with minors. skilled: float64[2, 111] share of skilled heads.
        in_couple: float64[111] share of couples among the women; women: float64[111] women who are head or
            head's partner.
        living: float64[2, 111, 8] what heads live on. income, alone [2], both [2, 8]: float64[..., 8] of the
            categories, relative incomes and their (0) pulls and (1) logs. minors: float64[111].
    """

    pull_single: Floats
    log_single: Floats
    pull_couple: Floats
    log_couple: Floats
    children: Floats
    skilled: Floats
    in_couple: Floats
    women: Floats
    living: Floats
    income: Floats
    alone: Floats
    both: Floats
    minors: Floats


def new_profile() -> Profile:
    """Empty tables for one place."""
    return Profile(
        pull_single=np.zeros((2, AGES)),
        log_single=np.zeros((2, AGES)),
        pull_couple=np.zeros(AGES),
        log_couple=np.zeros(AGES),
        children=np.zeros(AGES),
        skilled=np.zeros((2, AGES)),
        in_couple=np.zeros(AGES),
        women=np.zeros(AGES),
        living=np.zeros((2, AGES, CATEGORIES)),
        income=np.zeros(CATEGORIES),
        alone=np.zeros((2, CATEGORIES)),
        both=np.zeros((2, CATEGORIES, CATEGORIES)),
        minors=np.zeros(AGES),
    )


@cohort_kernel
def relative_incomes(wage: float, commuter: float, settings: Any, out: Floats) -> None:
    """Income of each category relative to the local wage W, float64[8] (below equation 10)."""
    for skill in range(SKILLS):
        factor = 1.0 + settings.skill_premium * (skill - MEAN_SKILL)
        out[LOCAL + skill] = factor
        out[AWAY + skill] = factor * commuter / wage
    out[HIDDEN_WORK] = settings.phi_se
    out[OUT_OF_WORK] = settings.phi_u
    out[OLD_AGE] = settings.old_age_income
    out[NOTHING] = 0.0


@cohort_kernel
def _livelihoods(
    place: int, sex: int, age: int, persons: Numbers, students: Floats, cohorts: Cohorts, work: Work,
    skilled_heads: float, out: Floats,
) -> None:  # fmt: skip
    """What heads of a sex and age live on: shares by category, float64[8]."""
    for category in range(CATEGORIES):
        out[category] = 0.0
    if age < WORKING_AGE:
        out[NOTHING] = 1.0
        return
    retires = age >= (RETIREMENT_AGE_WOMEN if sex == 1 else RETIREMENT_AGE_MEN)
    everyone = persons[place, sex, age]
    taught = cohorts.skilled[place, 0, sex, age] + cohorts.skilled[place, 1, sex, age]
    for skill in range(SKILLS):
        weight = skilled_heads if skill == 1 else 1.0 - skilled_heads
        number = taught if skill == 1 else everyone - taught
        active = 0.0
        if number > 0.0:
            studying = students[place, sex, age] if skill == 0 else 0.0
            active = work.participation[place, sex, age] * max(0.0, 1.0 - studying / number)
            local = min(active, work.local[place, skill, sex, age] / number)
            away = min(active - local, work.away[place, skill, sex, age] / number)
            out[LOCAL + skill] += weight * local
            out[AWAY + skill] += weight * away
            idle = active - local - away
            out[HIDDEN_WORK] += weight * idle * work.hidden_share[place]
            out[OUT_OF_WORK] += weight * idle * (1.0 - work.hidden_share[place])
        out[OLD_AGE if retires else NOTHING] += weight * (1.0 - active)


@cohort_kernel
def profile_heads(
    place: int, persons: Numbers, students: Floats, cohorts: Cohorts, work: Work, wage: float, commuter: float,
    settings: Any, profile: Profile,
) -> None:  # fmt: skip
    """Fill the profile of one place for this year's moves."""
    income, floor = profile.income, settings.income_floor
    relative_incomes(wage, commuter, settings, income)
    alone_pull, alone_log = profile.alone[0], profile.alone[1]
    both_pull, both_log = profile.both[0], profile.both[1]
    for i in range(CATEGORIES):
        alone_log[i] = math.log(max(floor, income[i]))
        alone_pull[i] = math.exp(-settings.beta_y * alone_log[i])
        for j in range(i + 1):
            value = math.log(max(floor, 0.5 * (income[i] + income[j])))
            both_log[i, j] = both_log[j, i] = value
            both_pull[i, j] = both_pull[j, i] = math.exp(-settings.beta_y * value)
    living = profile.living
    for sex in range(2):
        for age in range(AGES):
            heads = 0.0
            for kind in range(KINDS):
                heads += cohorts.single[place, kind, sex, age] + cohorts.couple[place, kind, sex, age]
            share = min(1.0, cohorts.skilled[place, HEADS, sex, age] / heads) if heads > 0.0 else 0.0
            profile.skilled[sex, age] = share
            _livelihoods(place, sex, age, persons, students, cohorts, work, share, living[sex, age])
            pull, log = 0.0, 0.0
            for i in range(CATEGORIES):
                pull += living[sex, age, i] * alone_pull[i]
                log += living[sex, age, i] * alone_log[i]
            profile.pull_single[sex, age] = pull
            profile.log_single[sex, age] = log
    for age in range(AGES):
        his = living[0, min(age + COUPLE_GAP, AGES - 1)]
        pull, log = 0.0, 0.0
        for i in range(CATEGORIES if age >= ADULT_AGE else 0):  # no couple is younger
            hers = living[1, age, i]
            if hers > 0.0:
                pulls, logs = 0.0, 0.0
                for j in range(CATEGORIES):
                    pulls += his[j] * both_pull[i, j]
                    logs += his[j] * both_log[i, j]
                pull += hers * pulls
                log += hers * logs
        profile.pull_couple[age] = pull
        profile.log_couple[age] = log
    _count_children(place, cohorts, profile)


@cohort_kernel
def _count_children(place: int, cohorts: Cohorts, profile: Profile) -> None:
    """Chance to live with minors by the woman's age: one minus exp of minors per woman (Poisson, assumed)."""
    minors, women = profile.minors, profile.women
    fill(minors, 0.0)
    for age in range(AGES):
        couples, singles = 0.0, 0.0
        for kind in range(KINDS):
            couples += cohorts.couple[place, kind, 1, age]
            singles += cohorts.single[place, kind, 1, age]
        women[age] = couples + singles
        profile.in_couple[age] = couples / women[age] if women[age] > 0.0 else 0.0
    for age in range(ADULT_AGE):
        for band in range(1, BANDS - 1):
            number = 0.0
            for kind in range(KINDS):
                for sex in range(2):
                    number += cohorts.dependent[place, kind, sex, age, band]
            first = age + 15 + 5 * (band - 1)
            for head in range(first, first + 5):
                minors[head] += number / 5.0
    for age in range(AGES):
        profile.children[age] = 1.0 - math.exp(-minors[age] / women[age]) if women[age] > 0.0 else 0.0


class Chances(NamedTuple):
    """Chances to move in a year with the household, split by whether minors live in it (0 no, 1 yes).

    Attributes:
        single: float64[2 kinds, 2, 2 sexes, 111]. couple: float64[2, 2, 111] by the woman's age.
        heads: float64[2, 3, 3, 111] of a dependent's heads (`average_heads`): without minors, with, and of a
            household that surely has some. pull: float64[3, 111] the mean pull of the household.
        rate: float64[4, 111] the same by single age.
    """

    single: Floats
    couple: Floats
    heads: Floats
    pull: Floats
    rate: Floats


def new_chances() -> Chances:
    """Empty tables."""
    return Chances(
        np.zeros((KINDS, 2, 2, AGES)),
        np.zeros((KINDS, 2, AGES)),
        np.zeros((KINDS, 3, 3, AGES)),
        np.zeros((3, AGES)),
        np.zeros((4, AGES)),
    )


@cohort_kernel
def household_chances(
    hazard: float, kappa: Floats, factor: Floats, by_age: Floats, profile: Profile, chances: Chances
) -> None:
    """Equation (11) for heads of every age; `factor` float64[2] is exp(T) W ** -beta_y by children, kin averaged."""
    rate = chances.rate
    for kind in range(KINDS):
        scale = hazard * kappa[kind]
        for age in range(AGES):
            share = profile.children[age]
            both = 0.5 * (by_age[age] + by_age[min(age + COUPLE_GAP, AGES - 1)]) * profile.pull_couple[age]
            mean = by_age[age] * profile.pull_single[1, age]
            alone = by_age[age] * profile.pull_single[0, age]
            chances.single[kind, 0, 0, age] = chance_of(scale * factor[0] * alone)
            chances.single[kind, 1, 0, age] = 0.0
            together = profile.in_couple[age]
            for children in range(2):
                weight = share if children == 1 else 1.0 - share
                couple = chance_of(scale * factor[children] * both)
                single = chance_of(scale * factor[children] * mean)
                chances.couple[kind, children, age] = weight * couple
                chances.single[kind, children, 1, age] = weight * single
                mixed = together * couple + (1.0 - together) * single
                rate[children, age] = weight * mixed
                if children == 1:
                    rate[2, age] = mixed
        for part in range(3):
            average_heads(rate[part], profile.women, chances.heads[kind, part])
    pull = rate[3]
    for age in range(AGES):
        together, share = profile.in_couple[age], profile.children[age]
        mixed = together * profile.pull_couple[age] + (1.0 - together) * profile.pull_single[1, age]
        pull[age] = mixed * ((1.0 - share) * factor[0] + share * factor[1])
    average_heads(pull, profile.women, chances.pull)


class Youth(NamedTuple):
    """What households of young dependents are like.

    Attributes:
        heads: float64[3, 3, 111] ln(y / W), share of skilled reference persons, chance of (other) minors of a
            dependent's heads (`average_heads`). by_age: float64[2, 111] the first two by single age.
        mean: float64[3] the three for dependents of one age. chance: float64[20] to leave to study by age.
    """

    heads: Floats
    by_age: Floats
    mean: Floats
    chance: Floats


def new_youth() -> Youth:
    """Empty tables."""
    return Youth(np.zeros((3, 3, AGES)), np.zeros((2, AGES)), np.zeros(3), np.zeros(STUDY_LAST_AGE + 1))


@cohort_kernel
def households_of_youth(profile: Profile, youth: Youth) -> None:
    """Fill the tables for one place."""
    log, skilled = youth.by_age[0], youth.by_age[1]
    for age in range(AGES):
        together = profile.in_couple[age]
        log[age] = together * profile.log_couple[age] + (1.0 - together) * profile.log_single[1, age]
        man = profile.skilled[0, min(age + COUPLE_GAP, AGES - 1)]
        # The reference person of a couple is the one of the smaller key: he or she.
        skilled[age] = (1.0 - 0.5 * together) * profile.skilled[1, age] + 0.5 * together * man
    average_heads(log, profile.women, youth.heads[0])
    average_heads(skilled, profile.women, youth.heads[1])
    average_heads(profile.children, profile.women, youth.heads[2])


@cohort_kernel
def mean_of_youth(place: int, age: int, cohorts: Cohorts, youth: Youth) -> None:
    """Mean log income, skilled reference persons and minors in the households of dependents of `age` (`youth.mean`)."""
    out = youth.mean
    fill(out, 0.0)
    everyone = 0.0
    for band in range(BANDS):
        number = 0.0
        for kind in range(KINDS):
            for sex in range(2):
                number += cohorts.dependent[place, kind, sex, age, band]
        if number > 0.0:
            for k in range(3):
                out[k] += number * over_heads(youth.heads[k], age, band)
            everyone += number
    for k in range(3):
        out[k] /= everyone if everyone > 0.0 else 1.0
    if age < ADULT_AGE:
        out[2] = 1.0


@cohort_kernel
def mean_kappa(cohorts: Cohorts, kappa: Floats, out: Floats) -> None:
    """Person-weighted mean of kappa in every place (`model.readiness.mean_readiness`), float64[n_sim]."""
    for place in range(out.shape[0]):
        movers, stayers = 0.0, 0.0
        for sex in range(2):
            for age in range(AGES):
                for kind in range(KINDS):
                    number = cohorts.single[place, kind, sex, age] + cohorts.couple[place, kind, sex, age]
                    for band in range(bands_at(age)):
                        number += cohorts.dependent[place, kind, sex, age, band]
                    if kind == STAYER_KIND:
                        stayers += number
                    else:
                        movers += number
        everyone = movers + stayers
        out[place] = (kappa[0] * movers + kappa[1] * stayers) / everyone if everyone > 0.0 else 1.0
