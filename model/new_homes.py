"""Phase 10, new households: couples, people who left home or divorced, lone movers (equation 17)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.accounts import REMOVED, Ledger
from model.compiled import kernel, lean_kernel
from model.demography import (
    BEARS,
    DIES,
    Candidates,
    Vital,
    stays,
    strike,
)
from model.draws import I64
from model.fetching import fetch
from model.orphans import Refuge
from model.person_year import (
    Salts,
    copy_person,
    deliver,
    draw_salts,
)
from model.population import (
    FEMALE,
    PARTNER,
    REFERENCE,
    Households,
    People,
    household_marks,
)
from model.renewal import copy_households, lasting

COUPLES_AHEAD = 8  # how many couples ahead their rows are fetched


class LoneMoves(NamedTuple):
    """People who found a household of their own this year: row, old household, place they live in from now on."""

    row: NDArray[np.int32]
    household: NDArray[np.int32]
    destination: NDArray[np.int32]


@lean_kernel
def _fetch_couple(
    source: People,
    from_households: Households,
    fate: NDArray[np.uint8],
    candidates: Candidates,
    pairs: NDArray[np.int32],
    n_pairs: int,
    k: int,
) -> None:
    """Begin to load what a later couple needs: partners stand at random rows."""
    if k + 2 * COUPLES_AHEAD < n_pairs:
        for member in range(2):
            fetch(candidates.row, I64(pairs[k + 2 * COUPLES_AHEAD, member]))
            fetch(candidates.household, I64(pairs[k + 2 * COUPLES_AHEAD, member]))
    if k + COUPLES_AHEAD < n_pairs:
        for member in range(2):
            candidate = I64(pairs[k + COUPLES_AHEAD, member])
            i, h = I64(candidates.row[candidate]), I64(candidates.household[candidate])
            fetch(source.key, i)
            fetch(source.age, i)
            fetch(source.traits, i)
            fetch(source.status, i)
            fetch(source.origin, i)
            fetch(fate, i)
            fetch(from_households.first, h)
            fetch(from_households.place, h)
            fetch(from_households.traits, h)


@lean_kernel
def join_couples(
    source: People,
    from_households: Households,
    fate: NDArray[np.uint8],
    candidates: Candidates,
    pairs: NDArray[np.int32],
    n_pairs: int,
    vital: Vital,
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
) -> tuple[int, int]:
    """Append the households of new couples: a head brings the whole household along, anyone else comes alone.

    The couple takes key, readiness to move and kin of the smaller key.
    """
    for k in range(n_pairs):
        _fetch_couple(source, from_households, fate, candidates, pairs, n_pairs, k)
        first, second = pairs[k, 0], pairs[k, 1]
        if source.key[candidates.row[second]] < source.key[candidates.row[first]]:
            first, second = second, first
        opened = row
        lead_household = candidates.household[first]
        place = I64(from_households.place[lead_household])
        for member in (first, second):
            i = I64(candidates.row[member])
            copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
            target.traits[row] = (target.traits[row] & ~np.uint8(REFERENCE)) | PARTNER
            row += 1
        target.traits[opened] |= REFERENCE
        for member in (first, second):
            i = I64(candidates.row[member])
            h = candidates.household[member]
            begin, end = I64(from_households.first[h]), I64(from_households.first[h + 1])
            if i == begin:
                for j in range(begin + 1, end):
                    if stays(fate[j]):
                        copy_person(source, j, target, row, salts.skill, settings.skill_if_staying)
                        row += 1
                for j in range(begin + 1, end):
                    if stays(fate[j]) and fate[j] & BEARS:
                        row += deliver(source.key[j], place, vital, settings, salts, ledger, target, row)
            if fate[i] & BEARS:
                row += deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
        to_households.key[written] = target.key[opened]
        to_households.place[written] = place
        to_households.traits[written] = lasting(from_households.traits[lead_household]) | household_marks(
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
    copy_person(source, i, target, row, salts.skill, settings.skill_if_staying)
    target.traits[row] = (target.traits[row] & ~np.uint8(PARTNER)) | REFERENCE
    row += 1
    if bears:
        row += deliver(source.key[i], place, vital, settings, salts, ledger, target, row)
    to_households.key[written] = source.key[i]
    to_households.place[written] = place
    to_households.traits[written] = lasting(traits) | household_marks(target, opened, row)
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
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    to_households: Households,
    row: int,
    written: int,
) -> tuple[int, int]:
    """Append the households of people who live alone from now on (left home, divorced, moved alone) and survived."""
    for m in range(n_moves):
        i = I64(moves.row[m])
        if not fate[i] & DIES:
            row = _found_alone(
                source,
                i,
                I64(moves.destination[m]),
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


@kernel
def write_next_year(
    source: People,
    from_households: Households,
    n_households: int,
    fate: NDArray[np.uint8],
    refuge: Refuge,
    candidates: Candidates,
    pairs: NDArray[np.int32],
    n_pairs: int,
    own: LoneMoves,
    n_own: int,
    moves: LoneMoves,
    n_moves: int,
    vital: Vital,
    table: Any,
    seed: np.uint64,
    year: int,
    ledger: Ledger,
    target: People,
    to_households: Households,
) -> tuple[int, int]:
    """The columns of the next 1 January: couples, those who left home, lone movers, then every household that goes on.

    Returns:
        Rows of people and of households written.
    """
    settings = table[0]
    salts = draw_salts(seed, year)
    # As I64, since numba compiles a callee once more for arguments that begin as a literal 0.
    row, written = I64(0), I64(0)
    row, written = join_couples(
        source,
        from_households,
        fate,
        candidates,
        pairs,
        n_pairs,
        vital,
        settings,
        salts,
        ledger,
        target,
        to_households,
        row,
        written,
    )
    for lone, n in ((own, n_own), (moves, n_moves)):
        row, written = found_households(
            source,
            from_households,
            lone,
            n,
            fate,
            vital,
            settings,
            salts,
            ledger,
            target,
            to_households,
            row,
            written,
        )
    return copy_households(
        source,
        from_households,
        n_households,
        fate,
        refuge,
        vital,
        settings,
        salts,
        ledger,
        target,
        to_households,
        row,
        written,
    )
