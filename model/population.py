"""The columns of people and households: what a row holds, the codes, and the buffers a run streams through.

Members of a household stand contiguously: household h holds rows `first[h]` to `first[h + 1]` of the
people's columns, the reference person first, the partner (if any) second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import kernel

AGES = 111  # single ages 0 to 110; the last one is open
LAST_AGE = AGES - 1
ADULT_AGE = 18
WORKING_AGE = 15

# Bits of People.traits.
FEMALE = 1
SKILLED = 2
PARTNER = 4  # second of a couple; the reference person carries no mark, it stands first

# People.status: what a person does.
CHILD = 0
STUDENT = 1
AGRICULTURE = 2
INDUSTRY = 3
PUBLIC = 4
SERVICES = 5
COMMUTER = 6
HIDDEN = 7  # self-employed or hidden unemployed
UNEMPLOYED = 8  # officially
INACTIVE = 9
RETIRED = 10
STATUS_NAMES = (
    "child", "student", "employed in agriculture", "employed in industry", "employed in public services",
    "employed in local services", "commuter", "self-employed or hidden unemployed", "officially unemployed",
    "inactive", "retired",
)  # fmt: skip
SECTORS = 4
FIRST_SECTOR = AGRICULTURE
SECTOR_NAMES = ("agriculture", "industry", "public", "services")

# Bits of Households.traits.
STAYER = 1
KIN_KAZAKHSTAN = 2
KIN_RUSSIA = 4
KIN_SHIFT = 1

NOWHERE = 65535  # no place: People.origin of one who did not leave to study; Households.place of one who left the world


class People(NamedTuple):
    """Columns of persons, one row each."""

    key: NDArray[np.uint64]
    age: NDArray[np.uint8]
    traits: NDArray[np.uint8]
    status: NDArray[np.uint8]
    origin: NDArray[np.uint16]


class Households(NamedTuple):
    """Columns of households, one row each; `first` has one entry more, the end of the last household."""

    key: NDArray[np.uint64]
    place: NDArray[np.uint16]
    traits: NDArray[np.uint8]
    first: NDArray[np.int32]


class Templates(NamedTuple):
    """Composition of migrant households, drawn from founders by their readiness to move; shared read-only."""

    first: NDArray[np.int32]
    age: NDArray[np.uint8]
    traits: NDArray[np.uint8]


def new_people(rows: int) -> People:
    """Uninitialised columns for `rows` persons."""
    return People(
        np.empty(rows, np.uint64), np.empty(rows, np.uint8), np.empty(rows, np.uint8),
        np.empty(rows, np.uint8), np.empty(rows, np.uint16),
    )  # fmt: skip


def new_households(rows: int) -> Households:
    """Uninitialised columns for `rows` households."""
    return Households(
        np.empty(rows, np.uint64), np.empty(rows, np.uint16), np.empty(rows, np.uint8), np.empty(rows + 1, np.int32)
    )


@kernel
def count_stock(people: People, households: Households, n_households: int, stock: NDArray[np.int64]) -> np.uint64:
    """Recount persons into `stock[place, sex, age]` (overwritten); returns the sum of all person keys.

    The key sum is a checksum of identity: a person doubled or lost changes it.
    """
    stock[:] = 0
    checksum = np.uint64(0)
    for h in range(n_households):
        place = households.place[h]
        for i in range(households.first[h], households.first[h + 1]):
            stock[place, people.traits[i] & FEMALE, people.age[i]] += 1
            checksum += people.key[i]
    return checksum
