"""Strips of rows: passes over persons or households, one simple loop at a time, that compile to vector instructions.

A pass that walks the members of each household mispredicts the end of nearly every household, and one that
branches on a draw mispredicts the rest: that, not arithmetic, is what a year costs. So a phase first marks
whom something happens to, strip by strip and without a branch - the place of everyone, the cut of everyone,
the draw of everyone - then lists the marked rows, and only those few are looked at one by one. A loop that
looks a number up in a table is not vectorised; hence looking up and drawing are loops of their own, and a
strip is short enough for all of its intermediate columns to stay in the fastest cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import lean_kernel
from model.draws import U64
from model.population import AGES, FEMALE, NOWHERE

STRIP = 2048  # rows of a strip
HOUSEHOLD_STRIP = 640  # households of a strip: their people usually fit into one strip of persons
USUAL_MEMBERS = 8  # written for every household at once; more members are rare


@lean_kernel
def spread_places(
    first: NDArray[np.int32],
    place: NDArray[np.uint16],
    begin_household: int,
    end_household: int,
    out: NDArray[np.uint16],
) -> None:
    """Place of every person, from the places of households `begin_household` to `end_household - 1`.

    The same number of rows is written for every household, the next one overwrites what is too much: `out`,
    uint16, needs `USUAL_MEMBERS` rows more than there are people.
    """
    for h in range(begin_household, end_household):
        begin = U64(first[h])
        here = place[h]
        for k in range(USUAL_MEMBERS):
            out[begin + U64(k)] = here
        for i in range(first[h] + USUAL_MEMBERS, first[h + 1]):
            out[i] = here


@lean_kernel
def find_cells(
    places: NDArray[np.uint16], ages: NDArray[np.uint8], traits: NDArray[np.uint8], cells: NDArray[np.uint32]
) -> None:
    """Cell of every person of a strip in a flat table [place, sex, age]; people who are nowhere read place 0's."""
    for i in range(ages.shape[0]):
        place = np.uint32(places[i]) if places[i] != NOWHERE else np.uint32(0)
        sex = np.uint32(traits[i] & FEMALE)
        cells[i] = (place * np.uint32(2) + sex) * np.uint32(AGES) + np.uint32(ages[i])


@lean_kernel
def look_up(table: NDArray[np.uint64], cells: NDArray[np.uint32], n: int, out: NDArray[np.uint64]) -> None:
    """Entries of a flat table at `n` cells."""
    for i in range(n):
        out[i] = table[cells[i]]


@lean_kernel
def fill_draws(keys: NDArray[np.uint64], salted: np.uint64, out: NDArray[np.uint64]) -> None:
    """64 random bits for everyone of a strip."""
    for i in range(keys.shape[0]):
        out[i] = draws.draw(keys[i], salted)


@lean_kernel
def mark_below(keys: NDArray[np.uint64], salted: np.uint64, cut: np.uint64, marks: NDArray[np.bool_]) -> None:
    """Who of a strip draws a number below one cut for all (`draws.cut`)."""
    for i in range(keys.shape[0]):
        marks[i] = (draws.draw(keys[i], salted) >> U64(11)) < cut


@lean_kernel
def mark_below_own(
    keys: NDArray[np.uint64], salted: np.uint64, cuts: NDArray[np.uint64], marks: NDArray[np.bool_]
) -> None:
    """Who of a strip draws a number below the own cut."""
    for i in range(keys.shape[0]):
        marks[i] = (draws.draw(keys[i], salted) >> U64(11)) < cuts[i]


@lean_kernel
def list_marked(marks: NDArray[Any], begin: int, n: int, rows: NDArray[np.int32], listed: int) -> int:
    """Append the rows of a strip (the first is `begin`) with a mark to `rows`; returns how many are listed.

    `rows` needs one entry more than marks can be listed.
    """
    for i in range(n):
        rows[U64(listed)] = begin + i
        listed += marks[i] != 0
    return listed
