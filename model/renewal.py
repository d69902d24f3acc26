"""Phase 10, carried out: the year's events turn the source columns into next year's columns.

Streaming from a source to a destination buffer: surviving households are copied in order with their
newborns and the orphans they take in; `new_homes.py` then appends those who found a household.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.accounts import Ledger
from model.compiled import kernel, lean_kernel
from model.demography import (
    BEARS,
    DIVORCES,
    GONE,
    ORPHANED,
    UNITES,
    Vital,
    stays,
)
from model.draws import I64, U64
from model.orphans import Refuge
from model.person_year import (
    SKILL_AGE,
    Salts,
    copy_person,
    deliver,
    qualify,
)
from model.population import (
    ADULT_AGE,
    KIN_KAZAKHSTAN,
    KIN_RUSSIA,
    LAST_AGE,
    NOWHERE,
    PARTNER,
    REFERENCE,
    STAYER,
    WITH_CHILDREN,
    WITH_YOUNG,
    YOUNG_FIRST_AGE,
    YOUNG_LAST_AGE,
    Households,
    People,
    household_marks,
)
from model.strips import HOUSEHOLD_STRIP, STRIP, list_marked


@lean_kernel
def lasting(traits: int) -> int:
    """Traits of a household without the bits derived from its members."""
    return I64(traits) & (STAYER | KIN_KAZAKHSTAN | KIN_RUSSIA)


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
    """List the households that are not simply copied, and others with a birth, in order; returns both numbers.

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
            if stays(fate[i]):
                if n_cradles == 0 or cradles[n_cradles - 1] != h:
                    cradles[n_cradles] = h
                    n_cradles += 1
            elif first[h + 1] - first[h] > 1:
                mark[h] = True
    for k in range(n_refuge):
        mark[refuge.host[k]] = True
    kept = 0
    for k in range(n_cradles):
        cradles[kept] = cradles[k]
        kept += not mark[cradles[k]]
    return list_marked(mark, 0, n_households, changed, 0), kept


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
    next and, from the same call on, the young and the minors copied before: 32, 16 and 16 bits, enough for
    the members of `HOUSEHOLD_STRIP` households.
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
            qualify(target, I64(at), salts.skill, skill_if_staying)
        young = (age >= YOUNG_FIRST_AGE) & (age <= YOUNG_LAST_AGE) & ((traits & (PARTNER | REFERENCE)) == 0)
        one = (U64(1) << U64(32)) | (U64(young) << U64(16)) | U64(age < ADULT_AGE)
        count += one if (fates[i] & GONE) == 0 else U64(0)
        if i == last:
            h = cradles[cradle]
            for mother in range(from_households.first[h] - top, i + 1):
                if (fates[mother] & (BEARS | GONE)) == BEARS:
                    born = deliver(
                        keys[mother],
                        I64(from_households.place[h]),
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
    begin, end = I64(from_households.first[h]), I64(from_households.first[h + 1])
    place = I64(from_households.place[h])
    if place == NOWHERE or fate[begin] & UNITES:
        return row, written, taken_in  # left the world, or the whole household moves in with the new partner
    opened = row
    for i in range(begin, end):
        if stays(fate[i]):
            copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
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
        if fate[i] & BEARS and stays(fate[i]):
            row += deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
    while taken_in < n_refuge and refuge.host[taken_in] == h:
        i = I64(refuge.row[taken_in])
        copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
        row += 1
        if fate[i] & BEARS:
            row += deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
        taken_in += 1
    to_households.key[written] = key
    to_households.place[written] = place
    to_households.traits[written] = lasting(from_households.traits[h]) | household_marks(target, opened, row)
    to_households.first[written] = opened
    return row, written + 1, taken_in


@kernel
def copy_households(
    source: People,
    from_households: Households,
    n_households: int,
    fate: NDArray[np.uint8],
    refuge: Refuge,
    vital: Vital,
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
) -> tuple[int, int]:
    """Append every household that goes on, with its survivors, newborns and taken-in orphans.

    Block by block, first the changed ones, one by one, then in one stream those to which nothing happens,
    that only lose a member or have a birth. Nobody of the changed households is left in the source after
    this (their fate becomes "gone").

    Returns:
        Rows written to `target`, households written.
    """
    first = from_households.first
    changed = np.empty(n_households + 1, dtype=np.int32)
    cradles = np.empty(n_households + 1, dtype=np.int32)
    n_changed, n_cradles = _find_changed(
        source, from_households, n_households, fate, refuge, refuge.host.shape[0], changed, cradles
    )
    cradles = cradles[:n_cradles]
    tally = np.empty(STRIP, dtype=np.uint64)
    # As I64, since numba compiles a callee once more for arguments that begin as a literal 0.
    taken_in, cradle, next_changed = I64(0), I64(0), I64(0)
    for begin in range(0, n_households, HOUSEHOLD_STRIP):
        end = min(n_households, begin + HOUSEHOLD_STRIP)
        while next_changed < n_changed and changed[next_changed] < end:
            h = I64(changed[next_changed])
            row, written, taken_in = _copy_changed(
                source,
                from_households,
                h,
                fate,
                refuge,
                refuge.host.shape[0],
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
            for i in range(first[h], first[h + 1]):
                fate[i] |= ORPHANED
            next_changed += 1
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
    to_households.first[written] = row
    return row, written
