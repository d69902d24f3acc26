"""Packing aged persons of one place into households of plausible composition.

Couples by age-specific shares with a plausible age gap, children with a woman of child-bearing age at their
birth, grown-up children with parents, the old alone or with relatives; the number of households follows
from the mean size. All of it is an assumption about 2015, shown as a table by `tests/test_founding.py`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import kernel
from model.draws import U64
from model.population import ADULT_AGE, AGES, LAST_AGE

HUSBAND_OLDER_BY = 2.5  # years; sd below [assumed]
HUSBAND_GAP_SD = 3.0
MOST_CHILDREN = 5
TRIES = 12
NO_HOUSEHOLD = -1


@kernel
def _cell(age: int, sex: int) -> int:
    return sex * AGES + age


@kernel
def couple_up(
    counts: NDArray[np.int64],
    start: NDArray[np.int64],
    partnered: NDArray[np.float64],
    keys: NDArray[np.uint64],
    salted: np.uint64,
    n_partnered: NDArray[np.int64],
    couples: NDArray[np.int64],
) -> int:
    """Pair women and men; fills couples[c] = (woman, man) row numbers and n_partnered[sex, age].

    The first n_partnered persons of a cell are the partnered ones (keys within a cell are random).
    """
    wanted = np.zeros(2, dtype=np.float64)
    for sex in range(2):
        for age in range(ADULT_AGE, AGES):
            wanted[sex] += partnered[sex, age] * counts[sex, age]
    # Both sexes must form the same number of couples: scale each to the mean of the two wishes.
    target = min(wanted[0], wanted[1])
    for sex in range(2):
        scale = target / wanted[sex] if wanted[sex] > 0.0 else 0.0
        carried = 0.5
        for age in range(AGES):
            n_partnered[sex, age] = 0
            if age >= ADULT_AGE:
                carried += scale * partnered[sex, age] * counts[sex, age]
                take = min(int(math.floor(carried)), counts[sex, age])
                n_partnered[sex, age] = take
                carried -= take
    n_women = n_partnered[1].sum()
    n_men = n_partnered[0].sum()
    n = min(n_women, n_men)
    women = np.empty(n_women, dtype=np.int64)
    wish = np.empty(n_women, dtype=np.float64)
    k = 0
    for age in range(AGES):
        for r in range(n_partnered[1, age]):
            row = start[_cell(age, 1)] + r
            women[k] = row
            wish[k] = age + HUSBAND_OLDER_BY + HUSBAND_GAP_SD * draws.normal(keys[row], salted)
            k += 1
    order = np.argsort(wish, kind="mergesort")
    k = 0
    for age in range(AGES):
        for r in range(n_partnered[0, age]):
            if k < n:
                couples[k, 0] = women[order[k]]
                couples[k, 1] = start[_cell(age, 0)] + r
                k += 1
    for late in range(n, n_men):  # more men than women: the oldest surplus men are single after all
        surplus = late - n + 1
        for age in range(AGES - 1, -1, -1):
            if n_partnered[0, age] > 0 and surplus > 0:
                n_partnered[0, age] -= 1
                break
    return n


@kernel
def _random_age_at_birth(bits: np.uint64, fertility_cumulated: NDArray[np.float64]) -> int:
    """Age of a mother at a birth, by inverse CDF of the fertility shape."""
    u = draws.unit(bits) * fertility_cumulated[LAST_AGE]
    age = 15
    while age < 49 and fertility_cumulated[age] <= u:
        age += 1
    return age


@kernel
def _find_parent_household(
    key: np.uint64,
    age: int,
    salted: np.uint64,
    counts: NDArray[np.int64],
    start: NDArray[np.int64],
    household: NDArray[np.int64],
    children: NDArray[np.int64],
    fertility_cumulated: NDArray[np.float64],
    limit: int,
) -> int:
    """Row of a woman who could be the mother of a person of `age` and lives in a household; -1 if none is found."""
    for attempt in range(TRIES):
        bits = draws.draw_alternative(key, salted, U64(attempt))
        mother_age = age + _random_age_at_birth(bits, fertility_cumulated)
        if mother_age > LAST_AGE:
            continue
        n = counts[1, mother_age]
        if n == 0:
            continue
        row = start[_cell(mother_age, 1)] + np.int64(draws.mix(bits) % U64(n))
        if household[row] != NO_HOUSEHOLD and children[row] < limit:
            return row
    return -1


@kernel
def pack_place(
    counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    partnered: NDArray[np.float64],
    fertility_cumulated: NDArray[np.float64],
    mean_size: float,
    seed: np.uint64,
    household: NDArray[np.int64],
    rank: NDArray[np.int64],
) -> int:
    """Give every person of one place a household number and a rank in it (0 reference person, 1 partner).

    Args:
        counts: int64[2, 111] persons by sex and age; rows are numbered men by age, then women by age.
        keys: uint64[persons] their keys.
        partnered: float64[2, 111] share living with a partner.
        fertility_cumulated: float64[111] cumulated fertility shape.
        mean_size: wanted persons per household.
        seed: founding seed.
        household, rank: int64[persons], filled.

    Returns:
        Number of households.
    """
    persons = keys.shape[0]
    start = np.zeros(2 * AGES + 1, dtype=np.int64)
    sex_of = np.empty(persons, dtype=np.int64)
    age_of = np.empty(persons, dtype=np.int64)
    for sex in range(2):
        for age in range(AGES):
            cell = _cell(age, sex)
            start[cell + 1] = start[cell] + counts[sex, age]
            for row in range(start[cell], start[cell + 1]):
                sex_of[row] = sex
                age_of[row] = age
    household[:] = NO_HOUSEHOLD
    rank[:] = 2
    n_partnered = np.zeros((2, AGES), dtype=np.int64)
    couples = np.empty((persons // 2 + 1, 2), dtype=np.int64)
    salted = draws.salt(seed, 0, draws.FOUNDING_PACKING)
    n_couples = couple_up(counts, start, partnered, keys, salted, n_partnered, couples)
    n = 0
    for c in range(n_couples):
        woman, man = couples[c, 0], couples[c, 1]
        household[woman] = n
        household[man] = n
        woman_first = keys[woman] < keys[man]
        rank[woman] = 0 if woman_first else 1
        rank[man] = 1 if woman_first else 0
        n += 1
    target = int(math.floor(persons / mean_size + 0.5))
    # Single adults found households in the order of a weighted lottery: the old live alone more often.
    adults = 0
    for row in range(persons):
        if age_of[row] >= ADULT_AGE and household[row] == NO_HOUSEHOLD:
            adults += 1
    lottery = np.empty(adults, dtype=np.float64)
    singles = np.empty(adults, dtype=np.int64)
    k = 0
    salted_single = draws.salt(seed, 1, draws.FOUNDING_PACKING)
    for row in range(persons):
        if age_of[row] >= ADULT_AGE and household[row] == NO_HOUSEHOLD:
            age = age_of[row]
            weight = 0.15 if age < 25 else (0.5 if age < 35 else (1.0 if age < 60 else 1.6))
            if sex_of[row] == 1 and 22 <= age < 45:
                weight *= 1.5  # lone mothers have households of their own
            u = draws.open_unit(draws.draw(keys[row], salted_single))
            lottery[k] = -math.log(u) / weight
            singles[k] = row
            k += 1
    order = np.argsort(lottery, kind="mergesort")
    heads = min(adults, max(target - n, 1 if n == 0 else 0))
    for k in range(heads):
        row = singles[order[k]]
        household[row] = n
        rank[row] = 0
        n += 1
    # Grown-up children and old relatives join a household first, so that minors find them there.
    children = np.zeros(persons, dtype=np.int64)
    salted_join = draws.salt(seed, 2, draws.FOUNDING_PACKING)
    for k in range(heads, adults):
        row = singles[order[k]]
        host = -1
        if age_of[row] < 45:
            host = _find_parent_household(
                keys[row],
                age_of[row],
                salted_join,
                counts,
                start,
                household,
                children,
                fertility_cumulated,
                2,
            )
        if host >= 0:
            children[host] += 1
            household[row] = household[host]
        else:
            household[row] = (
                np.int64(draws.draw(keys[row], salted_join) % U64(max(n_couples, 1))) if n_couples > 0 else 0
            )
    salted_child = draws.salt(seed, 3, draws.FOUNDING_PACKING)
    for row in range(persons):
        if household[row] != NO_HOUSEHOLD:
            continue
        host = _find_parent_household(
            keys[row],
            age_of[row],
            salted_child,
            counts,
            start,
            household,
            children,
            fertility_cumulated,
            MOST_CHILDREN,
        )
        if host >= 0:
            children[host] += 1
            household[row] = household[host]
        else:
            household[row] = np.int64(draws.draw(keys[row], salted_child) % U64(n))
    return n
