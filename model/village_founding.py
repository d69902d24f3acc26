"""Founders of a world of villages: the households of every district dealt to its villages.

Ages, couples and families are those of the district as a whole; which household lives in which village is chance, so
that a village's number of people is met exactly and every village has an adult. Nothing is known of ages by village.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import kernel
from model.draws import U64
from model.founding import Founding, build_founding
from model.population import Households, People
from model.world import World


@kernel
def deal(
    sizes: NDArray[np.int64],
    keys: NDArray[np.uint64],
    salted: np.uint64,
    room: NDArray[np.int64],
    village_of: NDArray[np.int64],
) -> int:
    """Deal households of more than one person, largest first, to villages with room; singles fill what is left.

    Args:
        sizes: int64[households] persons; keys: uint64[households].
        room: int64[villages] persons still wanted, brought down to 0. village_of: int64[households], filled.

    Returns:
        -1, or the first household that fits nowhere.
    """
    largest = 0
    for h in range(sizes.shape[0]):
        largest = max(largest, sizes[h])
    for size in range(largest, 1, -1):
        for h in range(sizes.shape[0]):
            if sizes[h] != size:
                continue
            total = 0
            for village in range(room.shape[0]):
                if room[village] >= size:
                    total += room[village]
            if total == 0:
                return h
            # A village is drawn by its room, so that families spread as people do
            wanted = draws.uniform(keys[h], salted) * total
            chosen = -1
            for village in range(room.shape[0]):
                if room[village] >= size:
                    chosen = village
                    wanted -= room[village]
                    if wanted < 0.0:
                        break
            village_of[h] = chosen
            room[chosen] -= size
    village = 0
    for h in range(sizes.shape[0]):
        if sizes[h] == 1:
            while room[village] == 0:
                village += 1
            village_of[h] = village
            room[village] -= 1
    return -1


def found_villages(
    world: World,
    household_size: float,
    tfr: float,
    infant_first_year: float,
    seed: int,
    replicates: int,
) -> Founding:
    """Founding population of a world of villages (arguments of `founding.build_founding`).

    Raises:
        ValueError: replicates are asked for, or a family fits into no village of its district.
    """
    villages = world.villages
    assert villages is not None
    if replicates != 1:
        raise ValueError("founders of a world of villages cannot be repeated: every village has its own size")
    whole = build_founding(villages.base, household_size, tfr, infant_first_year, seed)
    households = whole.households
    sizes = np.diff(households.first[: whole.n_households + 1]).astype(np.int64)
    home = np.empty(whole.n_households, np.int64)
    salted = draws.salt_of(draws.run_seed(villages.seed, 0, 0), 0, draws.VILLAGE_DEAL)
    for district in range(villages.base.n_sim):
        own = np.flatnonzero(households.place[: whole.n_households] == district)
        places = np.flatnonzero(villages.district == district)
        room = world.founding_population[places].copy()
        village_of = np.full(len(own), -1, np.int64)
        # In the order of a hash, so that who fills the last rooms does not follow the order of the rows
        order = np.argsort(_hashes(households.key[own], salted), kind="stable")
        left = deal(sizes[own][order], households.key[own][order], U64(salted), room, village_of)
        if left >= 0:
            raise ValueError(
                f"{villages.base.ids[district]}: a household of {sizes[own][order][left]} persons fits into none of "
                f"its villages; there are too few single persons for so many small villages"
            )
        home[own[order]] = places[village_of]
    return _ordered(whole, home, world)


@kernel
def _hash_all(keys: NDArray[np.uint64], salted: np.uint64, out: NDArray[np.uint64]) -> None:
    for i in range(keys.shape[0]):
        out[i] = draws.draw(keys[i], salted)


def _hashes(keys: NDArray[np.uint64], salted: np.uint64) -> NDArray[np.uint64]:
    out = np.empty(len(keys), np.uint64)
    _hash_all(keys, U64(salted), out)
    return out


def _ordered(whole: Founding, home: NDArray[np.int64], world: World) -> Founding:
    """The same households in the order of their villages, members together."""
    villages = world.villages
    assert villages is not None
    order = np.argsort(home, kind="stable")
    begin = whole.households.first[:-1].astype(np.int64)
    size = np.diff(whole.households.first).astype(np.int64)
    first = np.concatenate(([0], np.cumsum(size[order]))).astype(np.int32)
    rows = np.repeat(begin[order] - first[:-1], size[order]) + np.arange(first[-1])
    people = People(*(column[rows] for column in whole.people))
    households = Households(
        whole.households.key[order],
        home[order].astype(np.uint16),
        whole.households.traits[order],
        first,
    )
    for column in (*people, *households):
        column.setflags(write=False)
    return replace(
        whole,
        people=people,
        households=households,
        fertility_offset=whole.fertility_offset[villages.district],
        mortality_offset=whole.mortality_offset[villages.district],
    )
