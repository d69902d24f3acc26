"""What the cohort twin counts: expected persons by place, role in the household, readiness, sex and age.

Roles say with whom a person moves. A *single* head moves by the own age, a *couple* by both ages, a
*dependent* (child, grown-up child, old relative) with a head who is `lag` years older; lags are kept in
bands of five years, so that young mothers' children move more than old mothers'.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel
from model.population import AGES

Floats = NDArray[np.float64]
Numbers = NDArray[Any]  # columns that the engine counts in whole numbers and the twin in expectations

KINDS = 2  # households ready to move (0), stayers (1)
MOVER, STAYER_KIND = 0, 1
SKILLS = 2
HEADS, DEPENDENTS = 0, 1  # groups whose skill is counted apart
COUPLE_GAP = 2  # years a man is older than his wife, in unions of founders (2.5) and of one age cell (0)

# Bands of (age of the woman who heads the household or is the head's partner) - (own age).
BANDS = 9
ANY_HEAD = 0  # old relatives and orphans: a head of any age
FIRST_LAG = 15
BAND_YEARS = 5
LAST_BAND = BANDS - 1
LAST_LAG = FIRST_LAG + BAND_YEARS * (LAST_BAND - 1)  # grandparents: lags of 50 to 64
LAST_BAND_YEARS = 15
BANDED_AGES = 60  # from this age on a dependent lives with a head of any age: readiness by age is flat there


class Cohorts(NamedTuple):
    """Expected persons on a date.

    Attributes:
        single, couple: float64[n_sim, 2 kinds, 2 sexes, 111] heads alone and heads with a partner.
        dependent: float64[n_sim, 2, 2, 111, 9] by band of lag.
        skilled: float64[n_sim, 2, 2, 111] skilled heads and skilled dependents, by sex and age.
    """

    single: Floats
    couple: Floats
    dependent: Floats
    skilled: Floats


def new_cohorts(n_sim: int) -> Cohorts:
    """Nobody yet."""
    return Cohorts(
        np.zeros((n_sim, KINDS, 2, AGES)),
        np.zeros((n_sim, KINDS, 2, AGES)),
        np.zeros((n_sim, KINDS, 2, AGES, BANDS)),
        np.zeros((n_sim, 2, 2, AGES)),
    )


class Work(NamedTuple):
    """Employed persons, float64[n_sim, 2 skills, 2 sexes, 111]: in local posts and in the centre.

    `hidden_share` float64[n_sim] is the share of the hidden among participants without a job, `participation`
    float64[n_sim, 2, 111] is l(age, sex) of the place.
    """

    local: Floats
    away: Floats
    hidden_share: Floats
    participation: Floats


def new_work(n_sim: int) -> Work:
    """Nobody works yet."""
    return Work(
        np.zeros((n_sim, SKILLS, 2, AGES)),
        np.zeros((n_sim, SKILLS, 2, AGES)),
        np.zeros(n_sim),
        np.zeros((n_sim, 2, AGES)),
    )


@cohort_kernel
def fill(array: Numbers, value: float) -> None:
    """Set every entry."""
    flat = array.reshape(array.size)
    for k in range(flat.shape[0]):
        flat[k] = value


@cohort_kernel
def copy(source: Numbers, target: Numbers) -> None:
    """Copy all entries of an array of the same shape."""
    start, end = source.reshape(source.size), target.reshape(target.size)
    for k in range(start.shape[0]):
        end[k] = start[k]


@cohort_kernel
def add(source: Numbers, target: Numbers) -> None:
    """Add all entries to an array of the same shape."""
    start, end = source.reshape(source.size), target.reshape(target.size)
    for k in range(start.shape[0]):
        end[k] += start[k]


@cohort_kernel
def pour(source: Numbers, target: Numbers) -> None:
    """Add all entries to an array of the same shape and leave none behind."""
    start, end = source.reshape(source.size), target.reshape(target.size)
    for k in range(start.shape[0]):
        end[k] += start[k]
        start[k] = 0.0


@cohort_kernel
def total(array: Numbers) -> float:
    """Sum of all entries: four sums in turn, which need not wait for each other, in a fixed order."""
    flat = array.reshape(array.size)
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    whole = flat.shape[0] // 4 * 4
    for k in range(0, whole, 4):
        first += flat[k]
        second += flat[k + 1]
        third += flat[k + 2]
        fourth += flat[k + 3]
    for k in range(whole, flat.shape[0]):
        first += flat[k]
    return (first + second) + (third + fourth)


@cohort_kernel
def bands_at(age: int) -> int:
    """Number of bands that hold dependents of an age."""
    return BANDS if age < BANDED_AGES else 1


@cohort_kernel
def band_of(lag: int, age: int) -> int:
    """Band of a lag in years for a dependent of an age."""
    if lag < FIRST_LAG or age >= BANDED_AGES:
        return ANY_HEAD
    return min(LAST_BAND, 1 + (lag - FIRST_LAG) // BAND_YEARS)


@cohort_kernel
def middle_lag(band: int) -> int:
    """Lag in the middle of a band (not of `ANY_HEAD`)."""
    return FIRST_LAG + BAND_YEARS * (band - 1) + BAND_YEARS // 2


@cohort_kernel
def average_heads(by_age: Floats, weights: Floats, windows: Floats) -> None:
    """Means of a quantity of heads, by the woman's age, over the ages that a band allows: `windows` float64[3, 111].

    Rows 0 and 1: over the five, or fifteen, years that begin at an age; entry [2, 0]: over all heads, by `weights`.
    """
    heads, summed = 0.0, 0.0
    for row in range(2):
        years = LAST_BAND_YEARS if row == 1 else BAND_YEARS
        inside = 0.0
        for age in range(AGES - 1, -1, -1):
            inside += by_age[age]
            if age + years < AGES:
                inside -= by_age[age + years]
            windows[row, age] = inside / min(years, AGES - age)
    for age in range(AGES):
        heads += weights[age]
        summed += weights[age] * by_age[age]
    windows[2, 0] = summed / heads if heads > 0.0 else 0.0


@cohort_kernel
def over_heads(windows: Floats, age: int, band: int) -> float:
    """Mean over the heads that a band allows a dependent of an age (`average_heads`)."""
    mean: float = windows[2, 0]
    if band != ANY_HEAD:
        first = min(age + FIRST_LAG + BAND_YEARS * (band - 1), AGES - 1)
        mean = windows[1 if band == LAST_BAND else 0, first]
    return mean


@cohort_kernel
def chance_of(rate: float) -> float:
    """1 - exp(-rate), small rates by their series (to 1e-12 of itself)."""
    if rate < 0.02:
        return rate * (1.0 - rate * (0.5 - rate * (1.0 / 6.0 - rate * (1.0 / 24.0 - rate * (1.0 / 120.0)))))
    return 1.0 - math.exp(-rate)


@cohort_kernel
def count_persons(cohorts: Cohorts, persons: Numbers) -> None:
    """All residents by place, sex and age, float64[n_sim, 2, 111]."""
    fill(persons, 0.0)
    for place in range(persons.shape[0]):
        for kind in range(KINDS):
            for sex in range(2):
                for age in range(AGES):
                    number = cohorts.single[place, kind, sex, age] + cohorts.couple[place, kind, sex, age]
                    for band in range(bands_at(age)):
                        number += cohorts.dependent[place, kind, sex, age, band]
                    persons[place, sex, age] += number
