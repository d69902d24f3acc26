"""Births, deaths, unions, divorces and leaving home: probabilities and who is struck (equations 15-17)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.accounts import REMOVED, Ledger
from model.compiled import kernel
from model.draws import U64
from model.population import AGES, FEMALE, LAST_AGE, NOWHERE, PARTNER, REFERENCE, Households, People

# Bits of the fate of a person in this year.
DIES = 1
BEARS = 2
LEAVES_HOME = 4
UNITES = 8
LEFT = 16  # moved alone out of the simulated places
MOVED = 32  # moved alone to another simulated place
DIVORCES = 64
ORPHANED = 128

UNION_FIRST_AGE = 20
UNION_LAST_AGE = 35
UNION_CELLS = 3  # fixed age cells of pairing: 20-24, 25-29, 30-35


class Vital(NamedTuple):
    """Yearly probabilities by place.

    Attributes:
        death: float64[n_sim, 2, 111] of a person aged a on 1 January; newborn: float64[n_sim, 2] of a child of the year.
        birth: float64[n_sim, 2, 111] of a woman aged a on 1 January (0 for men).
        death_cut, birth_cut: uint64[n_sim * 2 * 111] the same as cuts of a draw (`draws.cut`), flat.
    """

    death: NDArray[np.float64]
    newborn: NDArray[np.float64]
    birth: NDArray[np.float64]
    death_cut: NDArray[np.uint64]
    birth_cut: NDArray[np.uint64]


def new_vital(n_sim: int) -> Vital:
    """Tables for `n_sim` places."""
    cells = n_sim * 2 * AGES
    return Vital(
        np.zeros((n_sim, 2, AGES)), np.zeros((n_sim, 2)), np.zeros((n_sim, 2, AGES)),
        np.zeros(cells, np.uint64), np.zeros(cells, np.uint64),
    )  # fmt: skip


class Candidates(NamedTuple):
    """People who look for a union this year: row, household, group (place x age cell) and position on the circle."""

    row: NDArray[np.int32]
    household: NDArray[np.int32]
    group: NDArray[np.int32]
    position: NDArray[np.uint64]


@kernel
def death_probabilities(rates: NDArray[np.float64], factor: float, infant_first_year: float,
                        death: NDArray[np.float64], newborn: NDArray[np.float64]) -> None:
    """Equation (16): chance to die within the calendar year, from central death rates by single age.

    A person aged a on 1 January spends half of the year at age a and half at a + 1 (Lexis parallelogram);
    of the first year's deaths the share `infant_first_year` falls into the calendar year of birth.

    Args:
        rates: float64[2, 111] central death rates a year.
        factor: e^d of the place and year.
        death: float64[2, 111], newborn: float64[2], filled.
    """
    for sex in range(2):
        newborn[sex] = 1.0 - math.exp(-infant_first_year * rates[sex, 0] * factor)
        infant = (1.0 - infant_first_year) * rates[sex, 0] + 0.5 * rates[sex, 1]
        death[sex, 0] = 1.0 - math.exp(-infant * factor)
        for age in range(1, AGES):
            mean = 0.5 * (rates[sex, age] + rates[sex, min(age + 1, LAST_AGE)])
            death[sex, age] = 1.0 - math.exp(-mean * factor)


@kernel
def birth_probabilities(shape: NDArray[np.float64], total: float, birth: NDArray[np.float64]) -> None:
    """Equation (15): births of a woman aged a on 1 January = TFR x mean of the shape at a and a + 1."""
    for age in range(AGES):
        after = shape[age + 1] if age + 1 < AGES else 0.0
        birth[age] = min(1.0, 0.5 * total * (shape[age] + after))


@kernel
def vital_rates(rates: NDArray[np.float64], shape: NDArray[np.float64], tfr: float, mortality_factor: float,
                fertility_log: NDArray[np.float64], mortality_log: NDArray[np.float64], infant_first_year: float,
                vital: Vital) -> None:
    """Fill this year's probabilities for every place (`fertility_log` is f_s, `mortality_log` d_s)."""
    for place in range(vital.newborn.shape[0]):
        birth_probabilities(shape, tfr * math.exp(fertility_log[place]), vital.birth[place, 1])
        factor = mortality_factor * math.exp(mortality_log[place])
        death_probabilities(rates, factor, infant_first_year, vital.death[place], vital.newborn[place])
        for sex in range(2):
            for age in range(AGES):
                cell = (place * 2 + sex) * AGES + age
                vital.death_cut[cell] = draws.cut(vital.death[place, sex, age])
                vital.birth_cut[cell] = draws.cut(vital.birth[place, sex, age])


@kernel
def strike(key: np.uint64, place: int, sex: int, age: int, vital: Vital, death_salt: np.uint64, birth_salt: np.uint64) -> int:
    """Fate bits of birth and death of one person; a woman who dies in a year bears no child in it."""
    if draws.uniform(key, death_salt) < vital.death[place, sex, age]:
        return DIES
    if draws.uniform(key, birth_salt) < vital.birth[place, sex, age]:
        return BEARS
    return 0


@kernel
def decide_vital_events(people: People, households: Households, n_households: int, vital: Vital, table: Any,
                        seed: np.uint64, year: int, fate: NDArray[np.uint8], candidates: Candidates,
                        own_row: NDArray[np.int32], own_household: NDArray[np.int32],
                        own_place: NDArray[np.int32], bereft: NDArray[np.int32],
                        ledger: Ledger) -> tuple[int, int, int, int]:
    """Phase 10, decisions: who dies, bears, looks for a union, leaves home or divorces (fate is filled).

    Everyone reads the state at the start of the phase. `own_row`, `own_household`, `own_place` collect those
    who found a household of their own, `bereft` the households whose reference person and partner all die:
    only there can orphans arise.

    Returns:
        Counts of candidates, births, new one-person households, households that lose all heads.
    """
    settings = table[0]
    keys, ages, traits_of = people.key, people.age, people.traits
    household_keys, place_of, first = households.key, households.place, households.first
    vital_death_cut, vital_birth_cut = vital.death_cut, vital.birth_cut
    death_salt = draws.salt(seed, year, draws.DEATH)
    birth_salt = draws.salt(seed, year, draws.BIRTH)
    union_salt = draws.salt(seed, year, draws.UNION)
    pairing_salt = draws.salt(seed, year, draws.PAIRING)
    home_salt = draws.salt(seed, year, draws.LEAVING_HOME)
    divorce_salt = draws.salt(seed, year, draws.DIVORCE)
    union_cut = draws.cut(settings.union_rate)
    home_cut = draws.cut(settings.leaving_home_rate)
    divorce_cut = draws.cut(settings.divorce_rate)
    n_candidates, n_births, n_own, n_bereft = 0, 0, 0, 0
    end = first[0]
    for h in range(n_households):
        place = place_of[h]
        begin, end = end, first[h + 1]
        if place == NOWHERE:
            continue
        base = U64(place) * U64(2 * AGES)
        for i in range(begin, end):
            age = ages[i]
            traits = traits_of[i]
            key = keys[i]
            cell = base + U64(traits & FEMALE) * U64(AGES) + U64(age)
            if fate[i] != 0:  # moved alone this year: struck at the destination's rates
                continue
            if (draws.draw(key, death_salt) >> U64(11)) < vital_death_cut[cell]:
                fate[i] = DIES
                ledger.deaths[place, traits & FEMALE, age] += 1
                ledger.checksum[REMOVED] += key
                continue
            chance = vital_birth_cut[cell]
            if chance > U64(0) and (draws.draw(key, birth_salt) >> U64(11)) < chance:
                fate[i] = BEARS
                n_births += 1
            if (U64(age) - U64(UNION_FIRST_AGE)) > U64(UNION_LAST_AGE - UNION_FIRST_AGE) or traits & PARTNER:
                continue
            if (draws.draw(key, union_salt) >> U64(11)) < union_cut:
                candidates.row[n_candidates] = i
                candidates.household[n_candidates] = h
                age_cell = min(UNION_CELLS - 1, (np.int64(age) - UNION_FIRST_AGE) // 5)
                candidates.group[n_candidates] = np.int64(place) * UNION_CELLS + age_cell
                candidates.position[n_candidates] = draws.draw(key, pairing_salt)
                n_candidates += 1
            elif not traits & REFERENCE and (draws.draw(key, home_salt) >> U64(11)) < home_cut:
                fate[i] |= LEAVES_HOME
                own_row[n_own] = i
                own_household[n_own] = h
                own_place[n_own] = place
                n_own += 1
        couple = (traits_of[begin] & PARTNER) != 0
        if fate[begin] & DIES:
            if not couple or (fate[begin + 1] & DIES):
                bereft[n_bereft] = h
                n_bereft += 1
        elif couple and (draws.draw(household_keys[h], divorce_salt) >> U64(11)) < divorce_cut:
            if fate[begin + 1] & DIES:
                continue
            man = begin if (traits_of[begin] & FEMALE) == 0 else begin + 1
            fate[man] |= DIVORCES
            own_row[n_own] = man
            own_household[n_own] = h
            own_place[n_own] = place
            n_own += 1
    return n_candidates, n_births, n_own, n_bereft


@kernel
def pair_on_circle(candidates: Candidates, n: int, people: People, n_groups: int, fate: NDArray[np.uint8],
                   pairs: NDArray[np.int32]) -> int:
    """Equation (17), who pairs with whom: on the circle of hashes each woman takes the nearest preceding free man.

    Per place and fixed age cell; one more single person then changes a handful of couples, not half of
    them. Leftovers wait a year; members of one household never pair. Fills pairs[k] = (woman, man) as
    candidate numbers and marks both fates; returns the number of pairs.
    """
    order = np.argsort(candidates.position[:n], kind="mergesort")
    start = np.zeros(n_groups + 1, dtype=np.int64)
    for c in range(n):
        start[candidates.group[c] + 1] += 1
    for g in range(n_groups):
        start[g + 1] += start[g]
    fill = start[:n_groups].copy()
    sorted_candidates = np.empty(n, dtype=np.int32)
    for k in range(n):
        group = candidates.group[order[k]]
        sorted_candidates[fill[group]] = order[k]
        fill[group] += 1
    stack = np.empty(n, dtype=np.int32)
    n_pairs = 0
    for g in range(n_groups):
        depth = 0
        for lap in range(2):
            for k in range(start[g], start[g + 1]):
                c = sorted_candidates[k]
                woman = (people.traits[candidates.row[c]] & FEMALE) != 0
                if not woman:
                    if lap == 0:
                        stack[depth] = c
                        depth += 1
                elif depth > 0 and not fate[candidates.row[c]] & UNITES:
                    man = stack[depth - 1]
                    if candidates.household[man] != candidates.household[c]:
                        depth -= 1
                        pairs[n_pairs, 0] = c
                        pairs[n_pairs, 1] = man
                        fate[candidates.row[c]] |= UNITES
                        fate[candidates.row[man]] |= UNITES
                        n_pairs += 1
    return n_pairs
