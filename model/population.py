"""The columns of people and households: what a row holds, the codes, and the buffers a run streams through.

Members of a household stand contiguously: household h holds rows `first[h]` to `first[h + 1]` of the
people's columns, the reference person first, the partner (if any) second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.compiled import kernel
from model.draws import I64

AGES = 111  # single ages 0 to 110; the last one is open
LAST_AGE = AGES - 1
ADULT_AGE = 18
WORKING_AGE = 15

# Bits of People.traits.
FEMALE = 1
SKILLED = 2
PARTNER = 4  # lives with a partner in this household (both of a couple, who stand first and second)
REFERENCE = 8  # reference person of the household, who stands first

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
STATUSES = 11
SECTORS = 4
FIRST_SECTOR = AGRICULTURE
SECTOR_NAMES = ("agriculture", "industry", "public", "services")

# Bits of Households.traits.
STAYER = 1
KIN_KAZAKHSTAN = 2
KIN_RUSSIA = 4
KIN_SHIFT = 1
KIN_MASK = 3
WITH_CHILDREN = 8  # derived: somebody is a minor
WITH_YOUNG = 16  # derived: somebody but the reference person and partner is 17-29 and may leave alone
YOUNG_FIRST_AGE = 17
YOUNG_LAST_AGE = 29

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


PAGE = 4096
LINE = 64  # bytes of a line of the cache
STAGGER = 5 * LINE


def _columns(rows: int, *dtypes: type) -> list[NDArray[Any]]:
    """Uninitialised columns in one piece of memory, each `STAGGER` bytes further into its page than the one before.

    Columns that all begin at a page would meet in the same few sets of the fastest cache at every row.
    """
    widths = [np.dtype(dtype).itemsize for dtype in dtypes]
    sizes = [-(-rows * width // PAGE) * PAGE + STAGGER for width in widths]
    memory = np.empty(sum(sizes) + LINE, np.uint8)
    begin = -memory.ctypes.data % LINE
    columns: list[NDArray[Any]] = []
    for dtype, width, size in zip(dtypes, widths, sizes, strict=True):
        columns.append(memory[begin : begin + rows * width].view(dtype))
        begin += size
    return columns


def new_people(rows: int) -> People:
    """Uninitialised columns for `rows` persons."""
    return People(*_columns(rows, np.uint64, np.uint8, np.uint8, np.uint8, np.uint16))


def new_households(rows: int) -> Households:
    """Uninitialised columns for `rows` households."""
    key, place, traits, first = _columns(rows + 1, np.uint64, np.uint16, np.uint8, np.int32)
    return Households(key[:rows], place[:rows], traits[:rows], first)


@kernel
def person_marks(age: int, traits: int) -> int:
    """What one member contributes to the derived bits of the household."""
    marks = WITH_CHILDREN if age < ADULT_AGE else 0
    if YOUNG_FIRST_AGE <= age <= YOUNG_LAST_AGE and not traits & (PARTNER | REFERENCE):
        marks |= WITH_YOUNG
    return marks


@kernel
def household_marks(people: People, begin: int, end: int) -> int:
    """Derived bits of a household: WITH_CHILDREN, WITH_YOUNG."""
    marks = 0
    for i in range(begin, end):
        marks |= person_marks(I64(people.age[i]), I64(people.traits[i]))
    return marks


@kernel
def refresh_marks(people: People, households: Households, n_households: int) -> None:
    """Bring roles and derived bits in line with the rows (at the opening, and after an edit by hand).

    The first of a household is its reference person; PARTNER holds for the first two or for nobody.
    """
    for h in range(n_households):
        begin, end = households.first[h], households.first[h + 1]
        for i in range(begin + 1, end):
            people.traits[i] &= ~np.uint8(REFERENCE)
        people.traits[begin] |= REFERENCE
        if end - begin < 2 or not people.traits[begin + 1] & PARTNER:
            people.traits[begin] &= ~np.uint8(PARTNER)
        lasting = households.traits[h] & (STAYER | KIN_KAZAKHSTAN | KIN_RUSSIA)
        households.traits[h] = I64(lasting) | household_marks(people, begin, end)
