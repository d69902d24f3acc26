"""Phases 7 and 8: households move, young people leave to study or alone, students return (equations 10-12)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.accounts import ADDED, REMOVED, Ledger
from model.choice import Choice, Places
from model.compiled import kernel, lean_kernel
from model.demography import LEFT, MOVED
from model.destination import choose_destination
from model.draws import I64, U64
from model.new_homes import LoneMoves
from model.person_year import RETURN_LAST_AGE, STUDENT_LAST_AGE
from model.population import (
    ADULT_AGE,
    AGES,
    CHILD,
    COMMUTER,
    FEMALE,
    HIDDEN,
    KIN_MASK,
    KIN_SHIFT,
    NOWHERE,
    PARTNER,
    REFERENCE,
    RETIRED,
    SKILLED,
    STAYER,
    STUDENT,
    UNEMPLOYED,
    WITH_CHILDREN,
    WITH_YOUNG,
    Households,
    People,
)
from model.readiness import Readiness
from model.strips import HOUSEHOLD_STRIP, STRIP, list_marked, mark_below_own

ROUND_UP = 1.0 + 1e-12  # keeps a computed bound above what it bounds
HOUSEHOLD_TRAITS = 32  # combinations of the bits of Households.traits
STUDY_FIRST_AGE = 17
STUDY_LAST_AGE = 19
RETURN_FIRST_AGE = STUDENT_LAST_AGE + 1
LONE_FIRST_AGE = 20
LONE_LAST_AGE = 29


class Incomes(NamedTuple):
    """Monthly incomes by simulated place, KZT at 2020 prices: a local wage, and a commuter's after travel."""

    wage: NDArray[np.float64]
    commuter: NDArray[np.float64]


class Bounds(NamedTuple):
    """Upper bounds of this year's chances to leave, by cell = place x bits of `Households.traits`.

    Attributes:
        leaving: float64[cells] of the hazard of leaving without the age profile.
        study: float64[cells, 2] of the chance to leave to study, by whether the reference person is skilled.
        household_cut: uint64[cells] of a household's move at any age, as a cut of a draw.
        person_cut: uint64[n_sim * 2 * 111] of leaving alone or to study from any household of the place.
    """

    leaving: NDArray[np.float64]
    study: NDArray[np.float64]
    household_cut: NDArray[np.uint64]
    person_cut: NDArray[np.uint64]


class Students(NamedTuple):
    """The outside register: students from simulated places who study in external ones keep their key here."""

    key: NDArray[np.uint64]
    age: NDArray[np.uint8]
    traits: NDArray[np.uint8]
    household_traits: NDArray[np.uint8]
    origin: NDArray[np.uint16]


@lean_kernel
def person_income(status: int, traits: int, wage: float, commuter: float, settings: Any) -> float:
    """Monthly income of a person by what the person does (section 4, below equation 10).

    The skill premium is spread around the mean wage at the share of skilled workers `MEAN_SKILL`.
    """
    if status < HIDDEN:
        if status in (CHILD, STUDENT):
            return 0.0
        base = commuter if status == COMMUTER else wage
        skill = 1.0 if traits & SKILLED else 0.0
        return base * (1.0 + settings.skill_premium * (skill - MEAN_SKILL))
    if status == HIDDEN:
        return settings.phi_se * wage
    if status == UNEMPLOYED:
        return settings.phi_u * wage
    if status == RETIRED:
        return settings.old_age_income * wage
    return 0.0


MEAN_SKILL = 0.45  # share of skilled workers among founders, `data/skilled.csv` [assumed]


@lean_kernel
def household_income(
    people: People, begin: int, end: int, wage: float, commuter: float, settings: Any
) -> float:
    """Equation (10), y_h: incomes of all members per adult, floored at a share of the place's wage."""
    total = 0.0
    adults = 0
    for i in range(begin, end):
        total += person_income(people.status[i], people.traits[i], wage, commuter, settings)
        if people.age[i] >= ADULT_AGE:
            adults += 1
    return max(settings.income_floor * wage, total / max(adults, 1))


@lean_kernel
def study_probability(
    logit: float, inclusive: float, mean_inclusive: float, skilled_parent: bool, settings: Any
) -> float:
    """Equation (12): yearly chance that a person of 17-19 leaves to study, such that a cohort's share is p."""
    value = logit + inclusive - mean_inclusive
    if skilled_parent:
        value += math.log(settings.skilled_parent_odds)
    share = 1.0 / (1.0 + math.exp(-value))
    years = STUDY_LAST_AGE - STUDY_FIRST_AGE + 1
    return 1.0 - math.exp(math.log1p(-share) / years)


@lean_kernel
def _seek_anew(people: People, i: int) -> None:
    """A worker who moves gives up the old job and seeks a new one."""
    if STUDENT < people.status[i] < HIDDEN:
        people.status[i] = HIDDEN


@lean_kernel
def _post_move(people: People, i: int, here: int, there: int, n_sim: int, ledger: Ledger) -> None:
    """Double entry of one person's move."""
    sex, age = people.traits[i] & FEMALE, people.age[i]
    ledger.departures[here, sex, age] += 1
    ledger.flows[here, there] += 1
    if there < n_sim:
        ledger.arrivals[there, sex, age] += 1
    else:
        ledger.checksum[REMOVED] += people.key[i]


@kernel
def tabulate_bounds(
    n_sim: int, incomes: Incomes, readiness: Readiness, choice: Choice, settings: Any
) -> Bounds:
    """Upper bounds of this year's chances to leave: the income at its floor, the age of most moves."""
    cells = n_sim * HOUSEHOLD_TRAITS
    bounds = Bounds(
        np.empty(cells),
        np.empty((cells, 2)),
        np.empty(cells, dtype=np.uint64),
        np.zeros(n_sim * 2 * AGES, dtype=np.uint64),
    )
    by_age = readiness.by_age
    highest = 0.0
    for age in range(by_age.shape[0]):
        highest = max(highest, by_age[age])
    for place in range(n_sim):
        floor = math.exp(-settings.beta_y * math.log(settings.income_floor * incomes.wage[place])) * ROUND_UP
        alone, study = 0.0, 0.0
        for traits in range(HOUSEHOLD_TRAITS):
            kappa = readiness.stayer if traits & STAYER else readiness.mover
            children = 1 if traits & WITH_CHILDREN else 0
            kin = (traits >> KIN_SHIFT) & KIN_MASK
            cell = place * HOUSEHOLD_TRAITS + traits
            bounds.leaving[cell] = (
                readiness.hazard[place] * kappa * choice.factor[place, children, kin] * floor
            )
            bounds.household_cut[cell] = draws.cut(bounds.leaving[cell] * highest)
            alike = cell & ~(STAYER | WITH_YOUNG)  # these bits do not matter for studying
            most = choice.inclusive[place, children, kin] + math.log(floor)
            for parent in range(2):
                if alike < cell:
                    bounds.study[cell, parent] = bounds.study[alike, parent]
                else:
                    bounds.study[cell, parent] = ROUND_UP * study_probability(
                        readiness.study_logit[place],
                        most,
                        readiness.mean_inclusive[place],
                        parent == 1,
                        settings,
                    )
                study = max(study, bounds.study[cell, parent])
            alone = max(alone, bounds.leaving[cell])
        for sex in range(2):
            for age in range(STUDY_FIRST_AGE, LONE_LAST_AGE + 1):
                most = study if age <= STUDY_LAST_AGE else alone * by_age[age]
                bounds.person_cut[(place * 2 + sex) * AGES + age] = draws.cut(most)
    return bounds


@lean_kernel
def _list_leavers(
    people: People,
    residence: NDArray[np.uint16],
    begin: int,
    end: int,
    person_cut: NDArray[np.uint64],
    study_salt: np.uint64,
    alone_salt: np.uint64,
    marks: NDArray[np.bool_],
    listed: NDArray[np.int32],
) -> int:
    """List who of a strip may leave alone: the single young below their bound, and students at the age of return.

    Whom age and role rule out, nine in ten, draws no number; returns how many are listed.
    """
    ages, traits_of, origins = people.age[begin:end], people.traits[begin:end], people.origin[begin:end]
    for i in range(ages.shape[0]):
        age, traits = ages[i], traits_of[i]
        single = (traits & (PARTNER | REFERENCE)) == 0
        young = (age >= STUDY_FIRST_AGE) & (age <= LONE_LAST_AGE)
        returning = (origins[i] != NOWHERE) & (age >= RETURN_FIRST_AGE) & (age <= RETURN_LAST_AGE)
        marks[i] = (single & young) | (((traits & REFERENCE) != 0) & returning)
    kept = 0
    for k in range(list_marked(marks, begin, end - begin, listed, 0)):
        i = listed[k]
        age, traits = I64(people.age[i]), people.traits[i]
        salted = study_salt if age <= STUDY_LAST_AGE else alone_salt
        cut = person_cut[(I64(residence[i]) * 2 + I64(traits & FEMALE)) * AGES + age]
        listed[kept] = i
        kept += ((traits & REFERENCE) != 0) | ((draws.draw(people.key[i], salted) >> U64(11)) < cut)
    return kept


class MoveRoom(NamedTuple):
    """Columns of a strip, at work in phases 7 and 8."""

    cuts: NDArray[np.uint64]
    marks: NDArray[np.bool_]
    listed: NDArray[np.int32]


@lean_kernel
def move_households(
    people: People,
    households: Households,
    strip: int,
    stop: int,
    n_sim: int,
    incomes: Incomes,
    readiness: Readiness,
    choice: Choice,
    places: Places,
    settings: Any,
    alpha_russia: float,
    move_salt: np.uint64,
    nest_salt: np.uint64,
    place_salt: np.uint64,
    bounds: Bounds,
    ledger: Ledger,
    room: MoveRoom,
    moved: NDArray[np.int32],
    n_moved: int,
) -> int:
    """Phase 7: of the households `strip` to `stop` some move, all members along, to another place or out of the world.

    They are listed in `moved`, which holds `n_moved` already; returns how many are listed.
    """
    cuts, below, listed = room.cuts, room.marks, room.listed
    homes, marks = households.place[strip:stop], households.traits[strip:stop]
    for k in range(stop - strip):
        cell = np.uint32(homes[k]) * np.uint32(HOUSEHOLD_TRAITS) + np.uint32(marks[k])
        cuts[k] = bounds.household_cut[cell]
    mark_below_own(households.key[strip:stop], move_salt, cuts, below)
    kept = 0
    for k in range(list_marked(below, strip, stop - strip, listed, 0)):
        h = listed[k]
        cell = I64(homes[h - strip]) * HOUSEHOLD_TRAITS + I64(marks[h - strip])
        mobility = readiness.by_age[people.age[households.first[h]]]
        listed[kept] = h
        kept += draws.uniform(households.key[h], move_salt) < bounds.leaving[cell] * mobility
    for k in range(kept):
        h = listed[k]
        begin, end = households.first[h], households.first[h + 1]
        here, traits = I64(households.place[h]), I64(households.traits[h])
        u = draws.uniform(households.key[h], move_salt)
        mobility = readiness.by_age[people.age[begin]]
        kin = (traits >> KIN_SHIFT) & KIN_MASK
        children = 1 if traits & WITH_CHILDREN else 0
        scale, _ = leaving_scale(
            people, begin, end, here, traits, children, kin, incomes, readiness, choice, settings
        )
        if u >= 1.0 - math.exp(-scale * mobility):
            continue
        there = choose_destination(
            households.key[h],
            nest_salt,
            place_salt,
            here,
            children,
            kin,
            choice,
            places,
            settings,
            alpha_russia,
            np.bool_(False),
        )
        if there >= 0:
            for i in range(begin, end):
                _post_move(people, i, here, there, n_sim, ledger)
                _seek_anew(people, i)
            households.place[h] = there if there < n_sim else NOWHERE
            moved[n_moved] = h
            n_moved += 1
    return n_moved


@kernel
def move_people(
    people: People,
    households: Households,
    n_households: int,
    residence: NDArray[np.uint16],
    n_sim: int,
    incomes: Incomes,
    readiness: Readiness,
    choice: Choice,
    places: Places,
    table: Any,
    alpha_russia: float,
    seed: np.uint64,
    year: int,
    fate: NDArray[np.uint8],
    moves: LoneMoves,
    students: Students,
    n_students: int,
    ledger: Ledger,
) -> tuple[int, int]:
    """Phases 7 and 8 for everyone who was here on 1 January.

    A household that moves takes all members along; in one that stays, people of 17-19 may leave to study
    and single people of 20-29 may leave alone. Fates LEFT and MOVED are set, every move is posted. Nearly
    all draws are decided by an upper bound of the chance. `residence` is everyone's place, before and after.

    Returns:
        Number of lone moves inside the simulated places, number of rows of `students` in use.
    """
    settings = table[0]
    first = households.first
    n_people = first[n_households]
    fate[:n_people] = 0
    bounds = tabulate_bounds(n_sim, incomes, readiness, choice, settings)
    moved = np.empty(n_households, dtype=np.int32)
    move_salt = draws.salt(seed, year, draws.HOUSEHOLD_MOVE)
    nest_salt = draws.salt(seed, year, draws.DESTINATION_NEST)
    place_salt = draws.salt(seed, year, draws.DESTINATION_PLACE)
    study_salt = draws.salt(seed, year, draws.STUDY_EXIT)
    alone_salt = draws.salt(seed, year, draws.YOUNG_ADULT_MOVE)
    return_salt = draws.salt(seed, year, draws.STUDENT_RETURN)
    room = MoveRoom(
        np.empty(STRIP, dtype=np.uint64),
        np.empty(STRIP, dtype=np.bool_),
        np.empty(STRIP + 1, dtype=np.int32),
    )
    listed = room.listed
    n_moves, n_moved = I64(0), I64(0)
    h, block, strip = I64(0), I64(0), I64(0)
    while strip < n_people:
        if strip == first[block]:  # the households of a block first, then its people, while they are at hand
            h, last = block, min(n_households, block + HOUSEHOLD_STRIP)
            n_moved = move_households(
                people,
                households,
                block,
                last,
                n_sim,
                incomes,
                readiness,
                choice,
                places,
                settings,
                alpha_russia,
                move_salt,
                nest_salt,
                place_salt,
                bounds,
                ledger,
                room,
                moved,
                n_moved,
            )
            block = last
        stop = min(I64(first[block]), strip + STRIP)
        n_listed = _list_leavers(
            people, residence, strip, stop, bounds.person_cut, study_salt, alone_salt, room.marks, listed
        )
        for k in range(n_listed):
            i = listed[k]
            while first[h + 1] <= i:
                h += 1
            here = I64(residence[i])
            if I64(households.place[h]) != here:
                continue  # the whole household moved
            begin, end = first[h], first[h + 1]
            key, age, traits = people.key[i], I64(people.age[i]), I64(households.traits[h])
            if i == begin:
                origin = I64(people.origin[i])
                if (
                    end - begin == 1
                    and origin != here
                    and draws.uniform(key, return_salt) < readiness.return_chance[origin]
                ):
                    _post_move(people, i, here, origin, n_sim, ledger)
                    _seek_anew(people, i)
                    people.origin[i] = NOWHERE
                    people.traits[i] |= SKILLED
                    households.place[h] = origin
                    moved[n_moved] = h
                    n_moved += 1
                continue
            if not traits & WITH_YOUNG:
                continue
            study = age <= STUDY_LAST_AGE
            u = draws.uniform(key, study_salt if study else alone_salt)
            skilled_parent = (people.traits[begin] & SKILLED) != 0
            cell = here * HOUSEHOLD_TRAITS + traits
            if u >= (
                bounds.study[cell, int(skilled_parent)]
                if study
                else bounds.leaving[cell] * readiness.by_age[age]
            ):
                continue
            kin = (traits >> KIN_SHIFT) & KIN_MASK
            children = 1 if traits & WITH_CHILDREN else 0
            scale, inclusive = leaving_scale(
                people, begin, end, here, traits, children, kin, incomes, readiness, choice, settings
            )
            if study:
                chance = study_probability(
                    readiness.study_logit[here],
                    inclusive,
                    readiness.mean_inclusive[here],
                    skilled_parent,
                    settings,
                )
            else:
                chance = 1.0 - math.exp(-scale * readiness.by_age[age])
            if u >= chance:
                continue
            there = choose_destination(
                key, nest_salt, place_salt, here, I64(0), kin, choice, places, settings, alpha_russia, study
            )
            if there < 0:
                continue
            _post_move(people, i, here, there, n_sim, ledger)
            if there < n_sim:
                fate[i] = MOVED
                moves.row[n_moves] = i
                moves.household[n_moves] = h
                moves.destination[n_moves] = there
                n_moves += 1
                if study:
                    people.origin[i] = here
            else:
                fate[i] = LEFT
                if study:
                    students.key[n_students] = key
                    students.age[n_students] = age
                    students.traits[n_students] = people.traits[i] | REFERENCE
                    students.household_traits[n_students] = traits
                    students.origin[n_students] = here
                    n_students += 1
        strip = stop
    for k in range(n_moved):
        h = moved[k]
        residence[first[h] : first[h + 1]] = households.place[h]
    # Only now: until all have decided, a brother's wage of 1 January is part of his sister's household income.
    for m in range(n_moves):
        i = moves.row[m]
        _seek_anew(people, i)
        if people.age[i] <= STUDY_LAST_AGE:
            people.status[i] = STUDENT
    return n_moves, n_students


@lean_kernel
def leaving_scale(
    people: People,
    begin: int,
    end: int,
    here: int,
    traits: int,
    children: int,
    kin: int,
    incomes: Incomes,
    readiness: Readiness,
    choice: Choice,
    settings: Any,
) -> tuple[float, float]:
    """Equation (11), hazard of a household without the age profile, lambda' kappa exp(IV_h - IV_2015); and IV_h."""
    y = household_income(people, begin, end, incomes.wage[here], incomes.commuter[here], settings)
    cost = settings.beta_y * math.log(y)
    kappa = readiness.stayer if traits & STAYER else readiness.mover
    scale = readiness.hazard[here] * kappa * choice.factor[here, children, kin] * math.exp(-cost)
    return scale, choice.inclusive[here, children, kin] - cost


@lean_kernel
def return_students(
    students: Students,
    n_students: int,
    first_new: int,
    return_chance: NDArray[np.float64],
    seed: np.uint64,
    year: int,
    people: People,
    n_people: int,
    households: Households,
    n_households: int,
    study_place: NDArray[np.int64],
    ledger: Ledger,
) -> tuple[int, int, int]:
    """Equation (12), phase 8, returns from outside: students of 22-25 come back with their old key, skilled.

    Rows before `first_new` left in earlier years. The register is compacted and aged in place; those past
    25 stay away for good. `study_place` is the external place returns are booked from, by origin.

    Returns:
        Rows of the register in use, persons, households.
    """
    salted = draws.salt(seed, year, draws.STUDENT_RETURN)
    kept = 0
    for r in range(n_students):
        age = students.age[r]
        origin = int(students.origin[r])
        if (
            r < first_new
            and age >= RETURN_FIRST_AGE
            and draws.uniform(students.key[r], salted) < return_chance[origin]
        ):
            traits = students.traits[r] | SKILLED
            people.key[n_people] = students.key[r]
            people.age[n_people] = age
            people.traits[n_people] = traits
            people.status[n_people] = HIDDEN
            people.origin[n_people] = NOWHERE
            households.key[n_households] = students.key[r]
            households.place[n_households] = origin
            households.traits[n_households] = students.household_traits[r]
            households.first[n_households] = n_people
            ledger.arrivals[origin, traits & FEMALE, age] += 1
            ledger.arrivals_from[origin, study_place[origin]] += 1
            ledger.checksum[ADDED] += students.key[r]
            n_people += 1
            n_households += 1
            households.first[n_households] = n_people
        elif age < RETURN_LAST_AGE:
            students.key[kept] = students.key[r]
            students.age[kept] = age + 1
            students.traits[kept] = students.traits[r]
            students.household_traits[kept] = students.household_traits[r]
            students.origin[kept] = origin
            kept += 1
    return kept, n_people, n_households
