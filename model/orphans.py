"""Phase 10, orphans: minors without an adult are re-housed in their place; nobody is lost (equation 17)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import kernel, lean_kernel
from model.demography import (
    ORPHANED,
    stays,
)
from model.draws import U64
from model.population import (
    ADULT_AGE,
    NOWHERE,
    Households,
    People,
)
from model.strips import STRIP, fill_draws, list_marked

# Arcs of the circle of hashes on which hosts of orphans are looked for: so many that an arc of a place holds some
# households, not thousands, each of which would look at every orphan of the arc.
HOUSEHOLDS_OF_ARC = 16
LEAST_ARC_BITS = 8
MOST_ARC_BITS = 16


class Refuge(NamedTuple):
    """Re-housing of orphans: rows of the orphans and the households that take them in, sorted by household."""

    host: NDArray[np.int32]
    row: NDArray[np.int32]


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
            if stays(fate[i]):
                if people.age[i] + 1 >= ADULT_AGE:
                    adults += 1
                else:
                    minors += 1
        if adults == 0 and minors > 0:
            for i in range(begin, end):
                if stays(fate[i]):
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
    distance = np.full(n_orphans, 0xFFFFFFFFFFFFFFFF, dtype=np.uint64)
    wish = np.empty(n_orphans, dtype=np.uint64)
    next_on_arc = np.empty(n_orphans, dtype=np.int32)
    bits = LEAST_ARC_BITS
    while bits < MOST_ARC_BITS and (n_sim * HOUSEHOLDS_OF_ARC) << bits < n_households:
        bits += 1
    arc_shift, last_arc = U64(64 - bits), U64((1 << bits) - 1)
    first_on_arc = np.empty((n_sim, 1 << bits), dtype=np.int32)
    near = np.empty((n_sim + 1, 1 << bits), dtype=np.bool_)  # the last row: households that left the world
    position = np.empty(STRIP, dtype=np.uint64)
    marks, listed = np.empty(STRIP, dtype=np.bool_), np.empty(STRIP + 1, dtype=np.int32)
    for o in range(n_orphans):
        host[o] = -1
        # Siblings share their household's hash, so that they stay together.
        wish[o] = draws.draw(households.key[orphan_household[o]], salted)
    # First look only at households on the orphan's arc of the circle or the next; where that finds none
    # close enough to be sure (a small place), look at all of the place.
    for whole_place in range(2):
        first_on_arc[:] = -1
        near[:] = False
        open_cases = 0
        for o in range(n_orphans):
            if distance[o] > U64(1) << arc_shift:
                open_cases += 1
                place = households.place[orphan_household[o]]
                arc = U64(0) if whole_place else wish[o] >> arc_shift
                next_on_arc[o] = first_on_arc[place, arc]
                first_on_arc[place, arc] = o
                near[place, arc] = True
                near[place, (arc + U64(1)) & last_arc] = True
                if whole_place:
                    near[place, :] = True
        if open_cases == 0:
            break
        for begin in range(0, n_households, STRIP):
            end = min(n_households, begin + STRIP)
            homes = households.place[begin:end]
            fill_draws(households.key[begin:end], salted, position)
            for k in range(end - begin):
                place = np.uint32(homes[k]) if homes[k] != NOWHERE else np.uint32(n_sim)
                marks[k] = near[place, position[k] >> arc_shift]
            for k in range(list_marked(marks, begin, end - begin, listed, 0)):
                h = listed[k]
                if not stays(fate[households.first[h]]):
                    continue
                here = position[h - begin]
                for back in range(1 if whole_place else 2):
                    arc = U64(0) if whole_place else ((here >> arc_shift) - U64(back)) & last_arc
                    o = first_on_arc[households.place[h], arc]
                    while o >= 0:
                        apart = here - wish[o]
                        if apart < distance[o]:
                            distance[o] = apart
                            host[o] = h
                        o = next_on_arc[o]
