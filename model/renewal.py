"""Phase 10, carried out: the year's events turn the source columns into next year's columns.

Streaming from a source to a destination buffer: surviving households are copied in order, then new
households are appended (couples, people who left home or divorced, lone movers). Nobody is lost: minors
without an adult are re-housed in their place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.accounts import ADDED, REMOVED, Ledger
from model.compiled import kernel, lean_kernel
from model.demography import (
    BEARS,
    DIES,
    DIVORCES,
    LEAVES_HOME,
    LEFT,
    MOVED,
    ORPHANED,
    UNITES,
    Candidates,
    Vital,
    strike,
)
from model.draws import I64, U64
from model.population import (
    ADULT_AGE,
    CHILD,
    FEMALE,
    KIN_KAZAKHSTAN,
    KIN_RUSSIA,
    LAST_AGE,
    NOWHERE,
    PARTNER,
    REFERENCE,
    SKILLED,
    STAYER,
    WITH_CHILDREN,
    WITH_YOUNG,
    YOUNG_FIRST_AGE,
    YOUNG_LAST_AGE,
    Households,
    People,
    household_marks,
)
from model.strips import STRIP, fill_draws, list_marked

GONE = DIES | LEFT | MOVED | LEAVES_HOME | UNITES | DIVORCES | ORPHANED  # not copied with the old household
SKILL_AGE = 20
RUN = 1024  # households copied at once: counts of their members fit into 16 bits
ARC_BITS = 6
ARCS = 64  # arcs of the circle of hashes on which hosts of orphans are looked for
STUDENT_LAST_AGE = 21
RETURN_LAST_AGE = 25


class LoneMoves(NamedTuple):
    """People who found a household of their own this year: row, old household, place they live in from now on."""

    row: NDArray[np.int32]
    household: NDArray[np.int32]
    destination: NDArray[np.int32]


class Refuge(NamedTuple):
    """Re-housing of orphans: rows of the orphans and the households that take them in, sorted by household."""

    host: NDArray[np.int32]
    row: NDArray[np.int32]


@lean_kernel
def _lasting(traits: int) -> int:
    """Traits of a household without the bits derived from its members."""
    return I64(traits) & (STAYER | KIN_KAZAKHSTAN | KIN_RUSSIA)


@lean_kernel
def _stays(fate: int) -> bool:
    return (fate & GONE) == 0


@lean_kernel
def find_orphans(
    people: People,
    households: Households,
    bereft: NDArray[np.int32],
    n_bereft: int,
    fate: NDArray[np.uint8],
    orphans: NDArray[np.int32],
    orphan_household: NDArray[np.int32],
) -> int:
    """Mark minors who remain in a household without any adult (adult at the end of the year)."""
    n = 0
    for b in range(n_bereft):
        h = bereft[b]
        begin, end = households.first[h], households.first[h + 1]
        adults = 0
        minors = 0
        for i in range(begin, end):
            if _stays(fate[i]):
                if people.age[i] + 1 >= ADULT_AGE:
                    adults += 1
                else:
                    minors += 1
        if adults == 0 and minors > 0:
            for i in range(begin, end):
                if _stays(fate[i]):
                    fate[i] |= ORPHANED
                    orphans[n] = i
                    orphan_household[n] = h
                    n += 1
    return n


@kernel
def find_hosts(
    people: People,
    households: Households,
    n_households: int,
    fate: NDArray[np.uint8],
    n_sim: int,
    orphans: NDArray[np.int32],
    orphan_household: NDArray[np.int32],
    n_orphans: int,
    seed: np.uint64,
    year: int,
    host: NDArray[np.int32],
) -> None:
    """Equation (17): an orphan joins the household of nearest hash in the place (-1 where nobody is left)."""
    salted = draws.salt(seed, year, draws.ORPHAN_HOST)
    distance = np.empty(n_orphans, dtype=np.uint64)
    next_in_place = np.full(n_orphans, -1, dtype=np.int32)
    first_in_place = np.full(n_sim, -1, dtype=np.int32)
    wish = np.empty(n_orphans, dtype=np.uint64)
    near = np.zeros((n_sim + 1, ARCS), dtype=np.bool_)  # the last row: households that left the world
    position = np.empty(STRIP, dtype=np.uint64)
    marks, listed = np.empty(STRIP, dtype=np.bool_), np.empty(STRIP + 1, dtype=np.int32)
    for o in range(n_orphans):
        host[o] = -1
        distance[o] = U64(0xFFFFFFFFFFFFFFFF)
        place = households.place[orphan_household[o]]
        # Siblings share their household's hash, so that they stay together.
        wish[o] = draws.draw(households.key[orphan_household[o]], salted)
        next_in_place[o] = first_in_place[place]
        first_in_place[place] = o
        arc = wish[o] >> U64(64 - ARC_BITS)
        near[place, arc] = True
        near[place, (arc + U64(1)) % U64(ARCS)] = True
    # First look only at households on the orphan's arc of the circle or the next; where that finds none
    # close enough to be sure (a small place), look at all.
    for _ in range(2):
        open_cases = 0
        for o in range(n_orphans):
            if distance[o] > U64(1) << U64(64 - ARC_BITS):
                open_cases += 1
        if open_cases == 0:
            break
        for begin in range(0, n_households, STRIP):
            end = min(n_households, begin + STRIP)
            homes = households.place[begin:end]
            fill_draws(households.key[begin:end], salted, position)
            for k in range(end - begin):
                place = np.uint32(homes[k]) if homes[k] != NOWHERE else np.uint32(n_sim)
                marks[k] = near[place, position[k] >> U64(64 - ARC_BITS)]
            for k in range(list_marked(marks, begin, end - begin, listed, 0)):
                h = listed[k]
                if not _stays(fate[households.first[h]]):
                    continue
                o = first_in_place[households.place[h]]
                while o >= 0:
                    apart = position[h - begin] - wish[o]
                    if apart < distance[o]:
                        distance[o] = apart
                        host[o] = h
                    o = next_in_place[o]
        for place in range(n_sim):
            near[place, :] = first_in_place[place] >= 0


@lean_kernel
def _qualify(target: People, row: int, skill_salt: np.uint64, skill_if_staying: float) -> None:
    """Skill of the year: at 20 those who stayed may gain vocational skill, students gain theirs at 22."""
    if target.origin[row] == NOWHERE:
        if target.age[row] == SKILL_AGE and draws.uniform(target.key[row], skill_salt) < skill_if_staying:
            target.traits[row] |= SKILLED
    elif target.age[row] > STUDENT_LAST_AGE:
        target.traits[row] |= SKILLED
        if target.age[row] > RETURN_LAST_AGE:
            target.origin[row] = NOWHERE


@lean_kernel
def _copy_person(
    source: People, i: int, target: People, row: int, skill_salt: np.uint64, skill_if_staying: float
) -> None:
    """Copy one survivor, a year older."""
    target.key[row] = source.key[i]
    target.age[row] = min(I64(source.age[i]) + 1, LAST_AGE)
    target.traits[row] = source.traits[i]
    target.status[row] = source.status[i]
    target.origin[row] = source.origin[i]
    _qualify(target, row, skill_salt, skill_if_staying)


@lean_kernel
def newborn_key(mother: np.uint64, year: int) -> np.uint64:
    """Lineage key of a child: a function of mother and year only."""
    return draws.draw(mother, draws.salt(U64(0), year, draws.NEWBORN_KEY))


class Salts(NamedTuple):
    """What the draws of the phase share: keys, sex and early death of newborns, skill."""

    newborn: np.uint64
    sex: np.uint64
    death: np.uint64
    skill: np.uint64


@lean_kernel
def _salts(seed: np.uint64, year: int) -> Salts:
    return Salts(
        draws.salt(U64(0), year, draws.NEWBORN_KEY),
        draws.salt(seed, 0, draws.NEWBORN_SEX),
        draws.salt(seed, year, draws.NEWBORN_DEATH),
        draws.salt(seed, 0, draws.SKILL),
    )


@lean_kernel
def _deliver(
    mother: np.uint64,
    place: int,
    vital: Vital,
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    row: int,
) -> int:
    """Write a mother's newborn to `row`; returns 1, or 0 if the child dies within the year."""
    key = draws.draw(mother, salts.newborn)
    sex = 0 if draws.uniform(key, salts.sex) < settings.male_births else 1
    ledger.births[place, sex] += 1
    if draws.uniform(key, salts.death) < vital.newborn[place, sex]:
        ledger.newborn_deaths[place, sex] += 1
        return 0
    ledger.checksum[ADDED] += key
    target.key[row] = key
    target.age[row] = 0
    target.traits[row] = FEMALE if sex == 1 else 0
    target.status[row] = CHILD
    target.origin[row] = NOWHERE
    return 1


@lean_kernel
def _swap(target: People, a: int, b: int) -> None:
    """Exchange two rows."""
    key, age, traits, status, origin = (
        target.key[a],
        target.age[a],
        target.traits[a],
        target.status[a],
        target.origin[a],
    )
    target.key[a] = target.key[b]
    target.age[a] = target.age[b]
    target.traits[a] = target.traits[b]
    target.status[a] = target.status[b]
    target.origin[a] = target.origin[b]
    target.key[b] = key
    target.age[b] = age
    target.traits[b] = traits
    target.status[b] = status
    target.origin[b] = origin


@lean_kernel
def _seat_reference(target: People, begin: int, end: int) -> None:
    """Put a new reference person first: the widowed or divorced partner, else the oldest adult (ties by key)."""
    best = begin
    if (target.traits[begin] & PARTNER) == 0:
        for i in range(begin + 1, end):
            older = target.age[i] > target.age[best]
            if older or (target.age[i] == target.age[best] and target.key[i] < target.key[best]):
                best = i
    if best != begin:
        _swap(target, begin, best)
    target.traits[begin] = (target.traits[begin] & ~np.uint8(PARTNER)) | REFERENCE


@kernel
def _find_changed(
    people: People,
    households: Households,
    n_households: int,
    fate: NDArray[np.uint8],
    refuge: Refuge,
    n_refuge: int,
    changed: NDArray[np.int32],
    cradles: NDArray[np.int32],
) -> tuple[int, int]:
    """List the households that are not simply copied, and those with a birth, in order; returns both numbers.

    The former left the world, lose the reference person or the partner but not everybody, or take in orphans.
    """
    first = households.first
    mark = np.empty(n_households, dtype=np.bool_)
    for h in range(n_households):
        mark[h] = households.place[h] == NOWHERE
    eventful, listed = np.empty(STRIP, dtype=np.bool_), np.empty(STRIP + 1, dtype=np.int32)
    n_people = first[n_households]
    n_cradles = 0
    h = 0
    for begin in range(0, n_people, STRIP):
        end = min(n_people, begin + STRIP)
        traits, fates = people.traits[begin:end], fate[begin:end]
        for k in range(end - begin):
            head_goes = ((traits[k] & (REFERENCE | PARTNER)) != 0) & ((fates[k] & GONE) != 0)
            eventful[k] = head_goes | ((fates[k] & (BEARS | GONE)) == BEARS)
        for k in range(list_marked(eventful, begin, end - begin, listed, 0)):
            i = listed[k]
            while first[h + 1] <= i:
                h += 1
            if _stays(fate[i]):
                if n_cradles == 0 or cradles[n_cradles - 1] != h:
                    cradles[n_cradles] = h
                    n_cradles += 1
            elif first[h + 1] - first[h] > 1:
                mark[h] = True
    for k in range(n_refuge):
        mark[refuge.host[k]] = True
    return list_marked(mark, 0, n_households, changed, 0), n_cradles


@lean_kernel
def _copy_unchanged(
    source: People,
    from_households: Households,
    begin: int,
    end: int,
    fate: NDArray[np.uint8],
    cradles: NDArray[np.int32],
    cradle: int,
    vital: Vital,
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
    tally: NDArray[np.uint64],
) -> tuple[int, int, int]:
    """Copy households `begin` to `end`, which keep their couple or lose everybody, with their newborns.

    One loop over persons, one over households, none nested. `tally` holds for each person the row written
    next and, from the same call on, the young and the minors copied before: 32, 16 and 16 bits.
    `cradle` is the number of the next household with a birth; returned after row and household.
    """
    skill_if_staying = settings.skill_if_staying
    top, bottom = from_households.first[begin], from_households.first[end]
    keys, ages, traits_of = source.key[top:bottom], source.age[top:bottom], source.traits[top:bottom]
    statuses, origins, fates = source.status[top:bottom], source.origin[top:bottom], fate[top:bottom]
    target_key, target_age, target_traits, target_status, target_origin = target
    count = U64(row) << U64(32)
    # The member after whom the next newborn is written.
    last = from_households.first[cradles[cradle] + 1] - top - 1 if cradle < cradles.shape[0] else -1
    for i in range(keys.shape[0]):
        tally[i] = count
        at = count >> U64(32)
        age = min(ages[i] + np.uint8(1), np.uint8(LAST_AGE))
        traits = traits_of[i]
        origin = origins[i]
        target_key[at] = keys[i]
        target_age[at] = age
        target_traits[at] = traits
        target_status[at] = statuses[i]
        target_origin[at] = origin
        if (age == SKILL_AGE) | (origin != NOWHERE):
            _qualify(target, I64(at), salts.skill, skill_if_staying)
        young = (age >= YOUNG_FIRST_AGE) & (age <= YOUNG_LAST_AGE) & ((traits & (PARTNER | REFERENCE)) == 0)
        one = (U64(1) << U64(32)) | (U64(young) << U64(16)) | U64(age < ADULT_AGE)
        count += one if (fates[i] & GONE) == 0 else U64(0)
        if i == last:
            h = cradles[cradle]
            for mother in range(from_households.first[h] - top, i + 1):
                if (fates[mother] & (BEARS | GONE)) == BEARS:
                    born = _deliver(
                        keys[mother],
                        from_households.place[h],
                        vital,
                        settings,
                        salts,
                        ledger,
                        target,
                        I64(count >> U64(32)),
                    )
                    count += (U64(born) << U64(32)) | U64(born)
            cradle += 1
            last = from_households.first[cradles[cradle] + 1] - top - 1 if cradle < cradles.shape[0] else -1
    tally[keys.shape[0]] = count
    old_key, old_place, old_traits = (
        from_households.key[begin:end],
        from_households.place[begin:end],
        from_households.traits[begin:end],
    )
    ends = from_households.first[begin + 1 : end + 1]
    new_key, new_place, new_traits, new_first = to_households
    at = U64(written)
    opened = U64(row) << U64(32)
    for h in range(old_key.shape[0]):
        closed = tally[U64(ends[h] - top)]
        members = closed - opened
        marks = np.uint8(WITH_CHILDREN) if members & U64(0xFFFF) else np.uint8(0)
        marks |= np.uint8(WITH_YOUNG) if members & U64(0xFFFF0000) else np.uint8(0)
        new_key[at] = old_key[h]
        new_place[at] = old_place[h]
        new_traits[at] = (old_traits[h] & np.uint8(STAYER | KIN_KAZAKHSTAN | KIN_RUSSIA)) | marks
        new_first[at] = opened >> U64(32)
        at += U64((members >> U64(32)) != U64(0))
        opened = closed
    return I64(count >> U64(32)), I64(at), cradle


@lean_kernel
def _copy_changed(
    source: People,
    from_households: Households,
    h: int,
    fate: NDArray[np.uint8],
    refuge: Refuge,
    n_refuge: int,
    taken_in: int,
    vital: Vital,
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
) -> tuple[int, int, int]:
    """Copy one household with its survivors, newborns and taken-in orphans; returns row, households, orphans placed."""
    begin, end = from_households.first[h], from_households.first[h + 1]
    place = from_households.place[h]
    if place == NOWHERE or fate[begin] & UNITES:
        return row, written, taken_in  # left the world, or the whole household moves in with the new partner
    opened = row
    for i in range(begin, end):
        if _stays(fate[i]):
            _copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
            row += 1
    if row == opened:
        return row, written, taken_in
    key = from_households.key[h]
    if fate[begin] & GONE:
        _seat_reference(target, opened, row)
        if fate[begin] & DIVORCES:
            key = target.key[opened]
    elif source.traits[begin] & PARTNER and fate[begin + 1] & GONE:
        target.traits[opened] &= ~np.uint8(PARTNER)
        if fate[begin + 1] & DIVORCES:
            key = source.key[begin]
    for i in range(begin, end):
        if fate[i] & BEARS and _stays(fate[i]):
            row += _deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
    while taken_in < n_refuge and refuge.host[taken_in] == h:
        i = refuge.row[taken_in]
        _copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
        row += 1
        if fate[i] & BEARS:
            row += _deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
        taken_in += 1
    to_households.key[written] = key
    to_households.place[written] = place
    to_households.traits[written] = _lasting(from_households.traits[h]) | household_marks(target, opened, row)
    to_households.first[written] = opened
    return row, written + 1, taken_in


@kernel
def copy_households(
    source: People,
    from_households: Households,
    n_households: int,
    fate: NDArray[np.uint8],
    refuge: Refuge,
    n_refuge: int,
    vital: Vital,
    table: Any,
    seed: np.uint64,
    year: int,
    ledger: Ledger,
    target: People,
    to_households: Households,
) -> tuple[int, int]:
    """Copy every household that goes on, with its survivors, newborns and taken-in orphans.

    Households to which nothing happens, or that only lose a member, are copied in runs between the others.

    Returns:
        Rows written to `target`, households written.
    """
    settings = table[0]
    first = from_households.first
    salts = _salts(seed, year)
    changed = np.empty(n_households + 1, dtype=np.int32)
    cradles = np.empty(n_households + 1, dtype=np.int32)
    n_changed, n_cradles = _find_changed(
        source, from_households, n_households, fate, refuge, n_refuge, changed, cradles
    )
    changed[n_changed] = n_households
    cradles = cradles[:n_cradles]
    tally = np.empty(STRIP, dtype=np.uint64)
    row, written, taken_in, cradle = 0, 0, 0, 0
    begin = 0
    for k in range(n_changed + 1):
        while begin < changed[k]:
            end = min(I64(changed[k]), begin + RUN)
            if first[end] - first[begin] >= tally.shape[0]:
                tally = np.empty(2 * (first[end] - first[begin]), dtype=np.uint64)
            row, written, cradle = _copy_unchanged(
                source,
                from_households,
                begin,
                end,
                fate,
                cradles,
                cradle,
                vital,
                settings,
                salts,
                ledger,
                target,
                to_households,
                row,
                written,
                tally,
            )
            begin = end
        if begin < n_households:
            row, written, taken_in = _copy_changed(
                source,
                from_households,
                begin,
                fate,
                refuge,
                n_refuge,
                taken_in,
                vital,
                settings,
                salts,
                ledger,
                target,
                to_households,
                row,
                written,
            )
            if cradle < n_cradles and cradles[cradle] == begin:
                cradle += 1
            begin += 1
    to_households.first[written] = row
    return row, written


@lean_kernel
def join_couples(
    source: People,
    from_households: Households,
    fate: NDArray[np.uint8],
    candidates: Candidates,
    pairs: NDArray[np.int32],
    n_pairs: int,
    vital: Vital,
    table: Any,
    seed: np.uint64,
    year: int,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
) -> tuple[int, int]:
    """Append the households of new couples: a head brings the whole household along, anyone else comes alone.

    The couple takes key, readiness to move and kin of the smaller key.
    """
    settings = table[0]
    salts = _salts(seed, year)
    for k in range(n_pairs):
        first, second = pairs[k, 0], pairs[k, 1]
        if source.key[candidates.row[second]] < source.key[candidates.row[first]]:
            first, second = second, first
        opened = row
        lead_household = candidates.household[first]
        place = from_households.place[lead_household]
        for member in (first, second):
            i = candidates.row[member]
            _copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
            target.traits[row] = (target.traits[row] & ~np.uint8(REFERENCE)) | PARTNER
            row += 1
        target.traits[opened] |= REFERENCE
        for member in (first, second):
            i = candidates.row[member]
            h = candidates.household[member]
            begin, end = from_households.first[h], from_households.first[h + 1]
            if i == begin:
                for j in range(begin + 1, end):
                    if _stays(fate[j]):
                        _copy_person(source, j, target, row, salts.skill, settings.skill_if_staying)
                        row += 1
                for j in range(begin + 1, end):
                    if _stays(fate[j]) and fate[j] & BEARS:
                        row += _deliver(source.key[j], place, vital, settings, salts, ledger, target, row)
            if fate[i] & BEARS:
                row += _deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
        to_households.key[written] = target.key[opened]
        to_households.place[written] = place
        to_households.traits[written] = _lasting(from_households.traits[lead_household]) | household_marks(
            target, opened, row
        )
        to_households.first[written] = opened
        written += 1
    to_households.first[written] = row
    return row, written


@lean_kernel
def _found_alone(
    source: People,
    i: int,
    place: int,
    traits: int,
    bears: int,
    vital: Vital,
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
) -> int:
    """Append the household of one person (and her newborn); returns the next free row."""
    opened = row
    _copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
    target.traits[row] = (target.traits[row] & ~np.uint8(PARTNER)) | REFERENCE
    row += 1
    if bears:
        row += _deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
    to_households.key[written] = source.key[i]
    to_households.place[written] = place
    to_households.traits[written] = _lasting(traits) | household_marks(target, opened, row)
    to_households.first[written] = opened
    to_households.first[written + 1] = row
    return row


@lean_kernel
def strike_lone_movers(
    people: People,
    moves: LoneMoves,
    n_moves: int,
    vital: Vital,
    seed: np.uint64,
    year: int,
    fate: NDArray[np.uint8],
    ledger: Ledger,
) -> int:
    """Births and deaths of those who moved alone, at the rates of the place they moved to; returns the births."""
    death_salt = draws.salt(seed, year, draws.DEATH)
    birth_salt = draws.salt(seed, year, draws.BIRTH)
    births = 0
    for m in range(n_moves):
        i = moves.row[m]
        place = moves.destination[m]
        sex, age = int(people.traits[i] & FEMALE), int(people.age[i])
        struck = strike(people.key[i], place, sex, age, vital, death_salt, birth_salt)
        if struck == DIES:
            ledger.deaths[place, sex, age] += 1
            ledger.checksum[REMOVED] += people.key[i]
        elif struck == BEARS:
            births += 1
        fate[i] |= struck
    return births


@lean_kernel
def found_households(
    source: People,
    from_households: Households,
    moves: LoneMoves,
    n_moves: int,
    fate: NDArray[np.uint8],
    vital: Vital,
    table: Any,
    seed: np.uint64,
    year: int,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
) -> tuple[int, int]:
    """Append the households of people who live alone from now on (left home, divorced, moved alone) and survived."""
    settings = table[0]
    salts = _salts(seed, year)
    for m in range(n_moves):
        i = moves.row[m]
        if not fate[i] & DIES:
            row = _found_alone(
                source,
                i,
                moves.destination[m],
                from_households.traits[moves.household[m]],
                fate[i] & BEARS,
                vital,
                settings,
                salts,
                ledger,
                target,
                to_households,
                row,
                written,
            )
            written += 1
    return row, written
