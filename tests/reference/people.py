"""People and households: what they are. What they do stands in the file of its subject."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import mesa

from tests.reference.chance import Key

if TYPE_CHECKING:
    from tests.reference.places import Settlement

LAST_AGE = 110
ADULT_AGE = 18
WORKING_AGE = 15
STUDY_AGES = range(17, 20)  # at which people leave to study
STUDENT_LAST_AGE = 21
RETURN_AGES = range(22, 26)
YOUNG_ADULT_AGES = range(20, 30)  # at which people who head no household may leave alone
UNION_AGES = range(20, 36)
SKILL_AGE = 20


class Status(IntEnum):
    """What a person does."""

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


EMPLOYED = range(Status.AGRICULTURE, Status.COMMUTER + 1)


class Person(mesa.Agent):
    """One resident.

    Attributes:
        key: lineage key, for life and beyond a stay outside. age: on 1 January. status: a `Status`.
        household: the home. study_home: the settlement a student left, None for everybody else.
        settling: moved alone this year. dies, bears: this year. gone: leaves the household this year.
    """

    def __init__(
        self, model: mesa.Model, key: Key, age: int, female: bool, skilled: bool, status: int = Status.CHILD
    ) -> None:
        super().__init__(model)
        self.key, self.age, self.female, self.skilled, self.status = key, age, female, skilled, status
        self.household: Household
        self.study_home: Settlement | None = None
        self.settling = self.dies = self.bears = self.gone = False

    @property
    def is_head(self) -> bool:
        """Reference person of the household."""
        return self.household.members[0] is self

    @property
    def has_partner(self) -> bool:
        """Lives with a partner."""
        return self.household.couple and self in self.household.members[:2]


class Household(mesa.Agent):
    """People who live together: the reference person first, the partner (if `couple`) second.

    Attributes:
        key: of the reference person when it formed. place: a `Settlement`.
        stayer: little attached to moving. kin: whether there is kin in Kazakhstan's places and in Russia.
        taken_in: orphans who join this year.
    """

    def __init__(
        self,
        model: mesa.Model,
        key: Key,
        place: Settlement,
        stayer: bool,
        kin: tuple[bool, bool],
        members: list[Person],
        couple: bool = False,
    ) -> None:
        super().__init__(model)
        self.key, self.place, self.stayer, self.kin, self.couple = key, place, stayer, kin, couple
        self.members: list[Person] = []
        self.taken_in: list[Person] = []
        for person in members:
            self.add(person)

    def add(self, person: Person) -> None:
        """Take a person in."""
        self.members.append(person)
        person.household = self

    @property
    def head(self) -> Person:
        """Reference person."""
        return self.members[0]

    @property
    def has_children(self) -> bool:
        """Whether a minor lives here."""
        return any(person.age < ADULT_AGE for person in self.members)
