"""Rows of households and persons between two steps: found by key, edited so that the accounts still close.

The engine rewrites its columns every year, so that a row number means nothing after a step. A key does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.compiled import kernel
from model.engine import Engine
from model.migration import Incomes, household_income, person_income
from model.population import ADULT_AGE, HIDDEN, LAST_AGE, PARTNER, STUDENT, Households, People
from model.problems import nearest

Rows = NDArray[np.int64]
HOUSEHOLDS = "households"
PEOPLE = "people"
MISSING = -1


class GoneError(LookupError):
    """A household or person that a proxy stands for is no longer in the simulated places."""


@kernel
def fill_household_incomes(
    people: People,
    households: Households,
    rows: NDArray[np.int64],
    incomes: Incomes,
    table: NDArray[Any],
    out: NDArray[np.float64],
) -> None:
    """Income per adult y_h of equation (10) of some households."""
    settings = table[0]
    for k in range(rows.shape[0]):
        h = rows[k]
        place = households.place[h]
        begin, end = households.first[h], households.first[h + 1]
        out[k] = household_income(people, begin, end, incomes.wage[place], incomes.commuter[place], settings)


@kernel
def fill_person_incomes(
    people: People,
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    incomes: Incomes,
    table: NDArray[Any],
    out: NDArray[np.float64],
) -> None:
    """Own income of some persons who live in `places`."""
    settings = table[0]
    for k in range(rows.shape[0]):
        i, place = rows[k], places[k]
        status, traits = people.status[i], people.traits[i]
        out[k] = person_income(status, traits, incomes.wage[place], incomes.commuter[place], settings)


class Census:
    """Who lives where in an engine, by key.

    Attributes:
        engine: the engine whose columns are read and edited.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._edits = 0
        self._sorted: dict[str, tuple[int, NDArray[np.uint64], Rows]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"engine": self.engine, "_edits": self._edits, "_sorted": {}}

    @property
    def version(self) -> int:
        """Number that changes whenever rows may have changed places."""
        return (self.engine.year << 40) + self._edits

    def count(self, kind: str) -> int:
        """Rows in use of households or people."""
        return self.engine.n_households if kind == HOUSEHOLDS else self.engine.n_people

    def keys(self, kind: str) -> NDArray[np.uint64]:
        """Keys of all rows in use, uint64[count]; valid until the next step or edit."""
        columns = self.engine.households if kind == HOUSEHOLDS else self.engine.people
        return columns.key[: self.count(kind)]

    def find(self, kind: str, keys: NDArray[np.uint64]) -> Rows:
        """Rows of the keys, int64[len(keys)]; MISSING for those no longer there."""
        version = self.version
        kept = self._sorted.get(kind)
        if kept is None or kept[0] != version:
            present = self.keys(kind)
            order = np.argsort(present, kind="stable")
            kept = self._sorted[kind] = (version, present[order], order)
        _, ranked, order = kept
        if ranked.size == 0:
            return np.full(len(keys), MISSING, np.int64)
        at = np.minimum(np.searchsorted(ranked, keys), ranked.size - 1)
        return np.where(ranked[at] == keys, order[at], MISSING)

    # ---- what rows hold ----

    def sizes(self, rows: Rows) -> Rows:
        """Members of each household, int64."""
        first = self.engine.households.first
        return (first[rows + 1] - first[rows]).astype(np.int64)

    def members_below(self, rows: Rows, age: int) -> Rows:
        """Members of each household younger than `age`, int64."""
        young = np.concatenate(([0], np.cumsum(self.engine.people.age[: self.engine.n_people] < age)))
        first = self.engine.households.first
        below: Rows = young[first[rows + 1]] - young[first[rows]]
        return below

    def households_of(self, rows: Rows) -> Rows:
        """Household row of each person row."""
        first = self.engine.households.first[: self.engine.n_households + 1]
        return np.searchsorted(first, rows, side="right") - 1

    def places_of_people(self, rows: Rows) -> Rows:
        """Place index of each person row."""
        places: Rows = self.engine.households.place[self.households_of(rows)].astype(np.int64)
        return places

    def household_incomes(self, rows: Rows) -> NDArray[np.float64]:
        """Income per adult y_h of equation (10), KZT a month at 2020 prices."""
        engine, out = self.engine, np.empty(len(rows))
        fill_household_incomes(engine.people, engine.households, rows, engine.incomes, engine.table, out)
        return out

    def person_incomes(self, rows: Rows) -> NDArray[np.float64]:
        """Income of each person, KZT a month at 2020 prices."""
        engine, out = self.engine, np.empty(len(rows))
        fill_person_incomes(
            engine.people, rows, self.places_of_people(rows), engine.incomes, engine.table, out
        )
        return out

    # ---- edits ----

    def place_index(self, place: object) -> int:
        """Index of a simulated place.

        Raises:
            ValueError: no such place, or one that is only seen from outside.
        """
        world = self.engine.world
        inside = world.ids[: world.n_sim]
        if place in inside:
            return inside.index(str(place))
        if place in world.ids:
            raise ValueError(
                f"'{place}' is outside the simulated places ({', '.join(inside)}); "
                "household.remove() takes a household out"
            )
        raise ValueError(f"world '{world.name}' has no place {place!r}" + nearest(str(place), inside))

    def move(self, rows: Rows, place: object) -> None:
        """Households go to live in another simulated place; workers give up their jobs, as movers do."""
        index, engine = self.place_index(place), self.engine
        moving = rows[engine.households.place[rows] != index]
        engine.households.place[moving] = index
        people = self._member_rows(moving)
        status = engine.people.status
        works = (status[people] > STUDENT) & (status[people] < HIDDEN)
        status[people[works]] = HIDDEN
        engine.recount()

    def set_ages(self, rows: Rows, age: object) -> None:
        """Persons become that old.

        Raises:
            ValueError: an age outside 0-110, or a household would be left without an adult.
        """
        if isinstance(age, bool) or not isinstance(age, (int, np.integer)) or not 0 <= age <= LAST_AGE:
            raise ValueError(f"age {age!r}: expected a whole number from 0 to {LAST_AGE}")
        if age < ADULT_AGE:
            self._refuse_without_adult(rows, f"age {age}")
        self.engine.people.age[rows] = age
        self.engine.recount()

    def set_bit(self, traits: NDArray[np.uint8], rows: Rows, bit: int, on: object) -> None:
        """Set or clear one trait; `on` has to be True or False."""
        if not isinstance(on, (bool, np.bool_)):
            raise ValueError(f"expected True or False, found {on!r}")
        traits[rows] = traits[rows] | np.uint8(bit) if on else traits[rows] & ~np.uint8(bit)

    def remove_households(self, rows: Rows) -> None:
        """Take whole households out of the world."""
        gone = np.zeros(self.engine.n_households, np.bool_)
        gone[rows] = True
        people_gone = np.zeros(self.engine.n_people, np.bool_)
        people_gone[self._member_rows(np.flatnonzero(gone))] = True
        self._compact(people_gone)

    def remove_people(self, rows: Rows) -> None:
        """Take persons out of the world; a partner or else the oldest member succeeds a reference person.

        Raises:
            ValueError: a household would be left without an adult.
        """
        self._refuse_without_adult(rows, "removing its last adult")
        gone = np.zeros(self.engine.n_people, np.bool_)
        gone[rows] = True
        for household in np.unique(self.households_of(rows)).tolist():
            self._seat_reference_person(household, gone)
        self._compact(gone)

    def _member_rows(self, households: Rows) -> Rows:
        first, sizes = self.engine.households.first[households].astype(np.int64), self.sizes(households)
        ends = np.cumsum(sizes)
        rows: Rows = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - sizes), sizes)
        return rows

    def _refuse_without_adult(self, rows: Rows, reason: str) -> None:
        """Refuse to take the last adult (by leaving or by being made a minor) from members who stay."""
        people, households = self.engine.people, np.unique(self.households_of(rows))
        taken = set(rows.tolist())
        for h in households.tolist():
            members = range(*self.engine.households.first[h : h + 2].tolist())
            staying = [i for i in members if i not in taken]
            emptied = not staying and reason.startswith("removing")
            if not emptied and all(people.age[i] < ADULT_AGE for i in staying):
                place = self.engine.world.ids[self.engine.households.place[h]]
                key = int(self.engine.households.key[h])
                raise ValueError(
                    f"{reason} would leave a household in {place} (key {key}) without an adult "
                    f"of {ADULT_AGE} or older; use household.remove() to take out all its members"
                )

    def _seat_reference_person(self, household: int, gone: NDArray[np.bool_]) -> None:
        """Put a removed reference person's successor first: the partner, else the oldest (ties by key)."""
        people = self.engine.people
        begin, end = self.engine.households.first[household : household + 2].tolist()
        staying = [i for i in range(begin, end) if not gone[i]]
        if not gone[begin] or not staying:
            return
        successor = min(
            staying, key=lambda i: (not people.traits[i] & PARTNER, -int(people.age[i]), int(people.key[i]))
        )
        for column in people:
            column[begin], column[successor] = column[successor], column[begin]
        gone[begin], gone[successor] = False, True
        people.traits[begin] &= ~np.uint8(PARTNER)

    def _compact(self, gone: NDArray[np.bool_]) -> None:
        """Drop rows of persons, then the households nobody is left in, and recount."""
        engine = self.engine
        people, households, n_people, n_households = (
            engine.people,
            engine.households,
            engine.n_people,
            engine.n_households,
        )
        removed = np.concatenate(([0], np.cumsum(gone)))
        first = households.first[: n_households + 1] - removed[households.first[: n_households + 1]]
        for column in people:
            column[: n_people - int(removed[-1])] = column[:n_people][~gone]
        kept = first[1:] > first[:-1]
        engine.n_people, engine.n_households = n_people - int(removed[-1]), int(kept.sum())
        for column in (households.key, households.place, households.traits):
            column[: engine.n_households] = column[:n_households][kept]
        households.first[: engine.n_households] = first[:-1][kept]
        households.first[engine.n_households] = engine.n_people
        self._edits += 1
        engine.recount()
