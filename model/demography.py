"""Births, deaths, unions, divorces and leaving home: probabilities and who is struck (equations 15-17)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.accounts import REMOVED, Ledger
from model.compiled import kernel, lean_kernel
from model.draws import I64, U64
from model.population import AGES, FEMALE, LAST_AGE, NOWHERE, PARTNER, REFERENCE, Households, People
from model.strips import STRIP, find_cells, list_marked, look_up, mark_below, mark_below_own, spread_places

# Bits of the fate of a person in this year.
DIES = 1
BEARS = 2
LEAVES_HOME = 4
UNITES = 8
LEFT = 16  # moved alone out of the simulated places
MOVED = 32  # moved alone to another simulated place
DIVORCES = 64
ORPHANED = 128
GONE = DIES | LEFT | MOVED | LEAVES_HOME | UNITES | DIVORCES | ORPHANED  # not copied with the old household

UNION_FIRST_AGE = 20
UNION_LAST_AGE = 35
CANDIDATES_OF_BIN = 4  # wanted on average when candidates are put in order
MOST_CIRCLE_BITS = 14
UNION_CELLS = 3  # fixed age cells of pairing: 20-24, 25-29, 30-35


@lean_kernel
def stays(fate: int) -> bool:
    """Whether a person with this fate is copied with the old household."""
    return (fate & GONE) == 0


class Vital(NamedTuple):
    """Yearly probabilities by place.

    Attributes:
        death: float64[n_sim, 2, 111] of a person aged a on 1 January.
        newborn: float64[n_sim, 2] of a child of the year.
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


@lean_kernel
def death_probabilities(
    rates: NDArray[np.float64],
    factor: float,
    infant_first_year: float,
    death: NDArray[np.float64],
    newborn: NDArray[np.float64],
) -> None:
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


@lean_kernel
def birth_probabilities(shape: NDArray[np.float64], total: float, birth: NDArray[np.float64]) -> None:
    """Equation (15): births of a woman aged a on 1 January = TFR x mean of the shape at a and a + 1."""
    for age in range(AGES):
        after = shape[age + 1] if age + 1 < AGES else 0.0
        birth[age] = min(1.0, 0.5 * total * (shape[age] + after))


@lean_kernel
def vital_rates(
    rates: NDArray[np.float64],
    shape: NDArray[np.float64],
    tfr: float,
    mortality_factor: float,
    fertility_log: NDArray[np.float64],
    mortality_log: NDArray[np.float64],
    infant_first_year: float,
    vital: Vital,
) -> None:
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


@lean_kernel
def strike(
    key: np.uint64, place: int, sex: int, age: int, vital: Vital, death_salt: np.uint64, birth_salt: np.uint64
) -> int:
    """Fate bits of birth and death of one person; a woman who dies in a year bears no child in it."""
    if draws.uniform(key, death_salt) < vital.death[place, sex, age]:
        return DIES
    if draws.uniform(key, birth_salt) < vital.birth[place, sex, age]:
        return BEARS
    return 0


@lean_kernel
def _mark_struck(
    ages: NDArray[np.uint8],
    traits: NDArray[np.uint8],
    places: NDArray[np.uint16],
    dies: NDArray[np.bool_],
    bears: NDArray[np.bool_],
    fate: NDArray[np.uint8],
    marks: NDArray[np.uint8],
) -> None:
    """What happens to everyone of a strip, from the draws: DIES, BEARS, UNITES (single, at the age of unions).

    Who dies does nothing else in the year; who moved alone is struck at the destination's rates
    (`strike_lone_movers`).
    """
    for i in range(ages.shape[0]):
        age, own = ages[i], traits[i]
        present = (fate[i] == 0) & (places[i] != NOWHERE)
        lives = present & (not dies[i])
        single = lives & (age >= UNION_FIRST_AGE) & (age <= UNION_LAST_AGE) & ((own & PARTNER) == 0)
        mark = np.uint8(DIES) if present & dies[i] else np.uint8(0)
        mark |= np.uint8(BEARS) if lives & bears[i] else np.uint8(0)
        mark |= np.uint8(UNITES) if single else np.uint8(0)
        marks[i] = mark


@kernel
def decide_vital_events(
    people: People,
    households: Households,
    n_settled: int,
    n_households: int,
    places: NDArray[np.uint16],
    vital: Vital,
    table: Any,
    seed: np.uint64,
    year: int,
    fate: NDArray[np.uint8],
    candidates: Candidates,
    own_row: NDArray[np.int32],
    own_household: NDArray[np.int32],
    own_place: NDArray[np.int32],
    bereft: NDArray[np.int32],
    ledger: Ledger,
) -> tuple[int, int, int, int]:
    """Phase 10, decisions: who dies, bears, looks for a union, leaves home or divorces (fate is filled).

    Everyone reads the state at the start of the phase. `own_row`, `own_household`, `own_place` collect those
    who found a household of their own, `bereft` the households whose reference person and partner all die:
    only there can orphans arise. `places` are those of everyone; the households from `n_settled` on are added.

    Returns:
        Counts of candidates, births, new one-person households, households that lose all heads.
    """
    settings = table[0]
    first = households.first
    death_salt = draws.salt(seed, year, draws.DEATH)
    birth_salt = draws.salt(seed, year, draws.BIRTH)
    union_salt = draws.salt(seed, year, draws.UNION)
    pairing_salt = draws.salt(seed, year, draws.PAIRING)
    home_salt = draws.salt(seed, year, draws.LEAVING_HOME)
    union_cut = draws.cut(settings.union_rate)
    home_cut = draws.cut(settings.leaving_home_rate)
    n_people = first[n_households]
    spread_places(first, households.place, n_settled, n_households, places)
    cells, cuts = np.empty(STRIP, dtype=np.uint32), np.empty(STRIP, dtype=np.uint64)
    dies, bears = np.empty(STRIP, dtype=np.bool_), np.empty(STRIP, dtype=np.bool_)
    marks, struck = np.empty(STRIP, dtype=np.uint8), np.empty(STRIP + 1, dtype=np.int32)
    n_candidates, n_births, n_own = I64(0), I64(0), I64(0)
    h = 0
    for begin in range(0, n_people, STRIP):
        end = min(n_people, begin + STRIP)
        keys, ages, traits = people.key[begin:end], people.age[begin:end], people.traits[begin:end]
        find_cells(places[begin:end], ages, traits, cells)
        look_up(vital.death_cut, cells, end - begin, cuts)
        mark_below_own(keys, death_salt, cuts, dies)
        look_up(vital.birth_cut, cells, end - begin, cuts)
        mark_below_own(keys, birth_salt, cuts, bears)
        _mark_struck(ages, traits, places[begin:end], dies, bears, fate[begin:end], marks)
        for k in range(list_marked(marks, begin, end - begin, struck, 0)):
            i = struck[k]
            mark = marks[i - begin]
            if mark & UNITES and not draws.draw(people.key[i], union_salt) >> U64(11) < union_cut:
                mark &= ~np.uint8(UNITES)
                dependent = (people.traits[i] & REFERENCE) == 0
                if dependent and draws.draw(people.key[i], home_salt) >> U64(11) < home_cut:
                    mark |= np.uint8(LEAVES_HOME)
            while first[h + 1] <= i:
                h += 1
            fate[i] = mark & (DIES | BEARS | LEAVES_HOME)
            n_births += (mark & BEARS) != 0
            if mark & DIES:
                ledger.deaths[places[i], people.traits[i] & FEMALE, people.age[i]] += 1
                ledger.checksum[REMOVED] += people.key[i]
            elif mark & UNITES:
                candidates.row[n_candidates] = i
                candidates.household[n_candidates] = h
                age_cell = min(UNION_CELLS - 1, (I64(people.age[i]) - UNION_FIRST_AGE) // 5)
                candidates.group[n_candidates] = I64(places[i]) * UNION_CELLS + age_cell
                candidates.position[n_candidates] = draws.draw(people.key[i], pairing_salt)
                n_candidates += 1
            elif mark & LEAVES_HOME:
                own_row[n_own] = i
                own_household[n_own] = h
                own_place[n_own] = places[i]
                n_own += 1
    n_own, n_bereft = _decide_couples(
        people,
        households,
        n_households,
        draws.salt(seed, year, draws.DIVORCE),
        draws.cut(settings.divorce_rate),
        fate,
        own_row,
        own_household,
        own_place,
        n_own,
        bereft,
    )
    return n_candidates, n_births, n_own, n_bereft


@kernel
def _decide_couples(
    people: People,
    households: Households,
    n_households: int,
    salted: np.uint64,
    divorce_cut: np.uint64,
    fate: NDArray[np.uint8],
    own_row: NDArray[np.int32],
    own_household: NDArray[np.int32],
    own_place: NDArray[np.int32],
    n_own: int,
    bereft: NDArray[np.int32],
) -> tuple[int, int]:
    """Divorces, and households whose heads all die; returns the new numbers of one-person and of bereft households.

    The man leaves; a couple of whom one dies does not divorce in that year.
    """
    first, places = households.first, households.place
    parts, marks = np.empty(STRIP, dtype=np.bool_), np.empty(STRIP, dtype=np.bool_)
    struck = np.empty(STRIP + 1, dtype=np.int32)
    n_bereft = 0
    for begin in range(0, n_households, STRIP):
        end = min(n_households, begin + STRIP)
        mark_below(households.key[begin:end], salted, divorce_cut, parts)
        for k in range(end - begin):
            head = U64(first[begin + k])
            couple = (people.traits[head] & PARTNER) != 0
            marks[k] = (((fate[head] & DIES) != 0) | (couple & parts[k])) & (places[begin + k] != NOWHERE)
        for k in range(list_marked(marks, begin, end - begin, struck, 0)):
            h = struck[k]
            head = first[h]
            couple = (people.traits[head] & PARTNER) != 0
            partner_dies = couple and (fate[head + 1] & DIES) != 0
            if fate[head] & DIES:
                if not couple or partner_dies:
                    bereft[n_bereft] = h
                    n_bereft += 1
            elif not partner_dies:
                man = head if (people.traits[head] & FEMALE) == 0 else head + 1
                fate[man] |= DIVORCES
                own_row[n_own] = man
                own_household[n_own] = h
                own_place[n_own] = places[h]
                n_own += 1
    return n_own, n_bereft


@kernel
def _order_on_circle(
    candidates: Candidates,
    n: int,
    people: People,
    n_groups: int,
    number: NDArray[np.int32],
    woman: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Order candidates by group and position on the circle; returns the first place in the order of every group.

    Fills, for every place in the order, the candidate's number and whether she is a woman. They are dealt into bins by
    group and leading bits of the position; a few steps within the bins then complete the order.
    """
    bits = 1
    while bits < MOST_CIRCLE_BITS and (n_groups * CANDIDATES_OF_BIN) << bits < n:
        bits += 1
    shift = U64(64 - bits)
    groups, positions, rows, traits = candidates.group, candidates.position, candidates.row, people.traits
    fill = np.zeros((n_groups << bits) + 1, dtype=np.int32)
    for c in range(n):
        fill[(U64(groups[c]) << U64(bits)) + (positions[c] >> shift)] += 1
    place = 0
    for cell in range(fill.shape[0]):
        members = fill[cell]
        fill[cell] = place
        place += members
    start = np.empty(n_groups + 1, dtype=np.int32)
    for group in range(n_groups + 1):
        start[group] = fill[group << bits]
    ordered = np.empty(n, dtype=np.uint64)
    for c in range(n):
        cell = (U64(groups[c]) << U64(bits)) + (positions[c] >> shift)
        at = U64(fill[cell])
        fill[cell] += 1
        ordered[at] = positions[c]
        number[at] = c
        woman[at] = (traits[rows[c]] & FEMALE) != 0
    for group in range(n_groups):
        for k in range(start[group] + 1, start[group + 1]):
            position, c, female = ordered[k], number[k], woman[k]
            at = k
            while at > start[group] and ordered[at - 1] > position:
                ordered[at], number[at], woman[at] = ordered[at - 1], number[at - 1], woman[at - 1]
                at -= 1
            ordered[at], number[at], woman[at] = position, c, female
    return start


@kernel
def pair_on_circle(
    candidates: Candidates,
    n: int,
    people: People,
    n_groups: int,
    fate: NDArray[np.uint8],
    pairs: NDArray[np.int32],
) -> int:
    """Equation (17), who pairs with whom: on the circle of hashes each woman takes the nearest preceding free man.

    Per place and fixed age cell; one more single person then changes a handful of couples, not half of
    them. Leftovers wait a year; members of one household never pair. Fills pairs[k] = (woman, man) as
    candidate numbers, in the order of the rows, and marks both fates; returns the number of pairs.
    """
    number, woman = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.bool_)
    start = _order_on_circle(candidates, n, people, n_groups, number, woman)
    stack = np.empty(n, dtype=np.int32)
    partner = np.full(n, -1, dtype=np.int32)
    household = candidates.household
    for g in range(n_groups):
        depth = 0
        for lap in range(2):
            for k in range(start[g], start[g + 1]):
                c = number[k]
                if not woman[k]:
                    if lap == 0:
                        stack[depth] = c
                        depth += 1
                elif depth > 0 and partner[c] < 0:
                    man = stack[depth - 1]
                    if household[man] != household[c]:
                        depth -= 1
                        partner[c] = man
                        partner[man] = c
    n_pairs = 0
    for c in range(n):
        if partner[c] >= 0:
            fate[candidates.row[c]] |= UNITES
            if partner[c] > c:
                female = (people.traits[candidates.row[c]] & FEMALE) != 0
                pairs[n_pairs, 0] = c if female else partner[c]
                pairs[n_pairs, 1] = partner[c] if female else c
                n_pairs += 1
    return n_pairs
