"""What Mesa sees: settlements, destinations and zones as its agents, households and persons as proxies.

A proxy knows the key of its household or person, not the row: held over a step, it finds its row again or
says that it is gone.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import mesa
import numpy as np

from model.census import HOUSEHOLDS, MISSING, PEOPLE, Census, GoneError, Rows
from model.explanation import Explanation, explain
from model.place_agents import Destination, PlaceAgent, Settlement
from model.population import (
    ADULT_AGE,
    FEMALE,
    KIN_KAZAKHSTAN,
    KIN_RUSSIA,
    NOWHERE,
    PARTNER,
    SKILLED,
    STATUS_NAMES,
    STAYER,
)
from model.problems import nearest
from model.row_attribute import RowAttribute, RowKey
from model.zone_agent import Zone

if TYPE_CHECKING:
    from model.border_model import BorderModel

__all__ = ["Destination", "GoneError", "Household", "Person", "PlaceAgent", "Settlement", "Zone"]

# Identifiers that Mesa's tables can hold beside those of settlements: a mark of the kind, then a key's bits.
_ID_SHIFT = np.uint64(3)
_HOUSEHOLD_MARK = np.uint64(1 << 62)
_PERSON_MARK = np.uint64(3 << 61)


class RowAgent(mesa.Agent):
    """A proxy of one row. Made on demand and never registered with Mesa."""

    kind: ClassVar[str]
    noun: ClassVar[str]
    pos: ClassVar[None] = None  # Mesa's plots ask every agent for a position
    key: RowKey

    def __init__(self, model: BorderModel, key: int, row: int, version: int) -> None:
        state = self.__dict__
        state["model"], state["_key"], state["_row"], state["_version"] = model, key, row, version

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(inspect.getattr_static(type(self), name, None), (RowAttribute, property)):
            raise AttributeError(
                f"{type(self).__name__} has no attribute '{name}' that could be set"
                + nearest(name, attribute_names(type(self)))
                + "; proxies are made anew every time, keep values of your own in a dictionary by unique_id"
            )
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.key == self.key and other.model is self.model

    def __hash__(self) -> int:
        return hash((self.kind, self.key))

    def __repr__(self) -> str:
        if not self.alive:
            return f"<{type(self).__name__} with key {self.key} (gone)>"
        return f"<{type(self).__name__} {self.unique_id} in {self.place}, key {self.key}>"

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _find(self) -> int:
        state, census = self.__dict__, self.model.census
        version = census.version
        if state["_version"] != version:
            state["_row"] = int(census.find(self.kind, np.array([self.key], np.uint64))[0])
            state["_version"] = version
        row: int = state["_row"]
        return row

    @property
    def alive(self) -> bool:
        """Whether the household or person is still in the simulated places."""
        return self._find() != MISSING

    def rows(self) -> Rows:
        """The current row as int64[1].

        Raises:
            GoneError: no longer in the simulated places.
        """
        row = self._find()
        if row == MISSING:
            raise GoneError(
                f"{self.noun} {self.key} is gone: dissolved, died out or moved away by {self.model.year} "
                f"(`.alive` is False)"
            )
        return np.array([row], np.int64)


def attribute_names(kind: type[RowAgent]) -> list[str]:
    """Names of the attributes of households or of persons."""
    return [name for name in dir(kind) if isinstance(inspect.getattr_static(kind, name), RowAttribute)]


def _place_names(census: Census, indices: Any) -> list[str]:
    ids = census.engine.world.ids
    return [ids[index] for index in indices.tolist()]


def _marked(keys: Any, mark: np.uint64) -> list[int]:
    identifiers: list[int] = ((keys >> _ID_SHIFT) | mark).tolist()
    return identifiers


def _household_bits(bit: int) -> Any:
    return lambda census, rows: ((census.engine.households.traits[rows] & bit) != 0).tolist()


def _person_bits(bit: int) -> Any:
    return lambda census, rows: ((census.engine.people.traits[rows] & bit) != 0).tolist()


def _set_household_bit(bit: int) -> Any:
    return lambda census, rows, on: census.set_bit(census.engine.households.traits, rows, bit, on)


def _set_attachment(census: Census, rows: Rows, value: Any) -> None:
    if value not in ("stayer", "mover"):
        raise ValueError(f"expected 'stayer' or 'mover', found {value!r}")
    census.set_bit(census.engine.households.traits, rows, STAYER, value == "stayer")


class Household(RowAgent):
    """A household: its place, its members, how ready it is to move, and why."""

    kind = HOUSEHOLDS
    noun = "household"

    key = RowKey(
        "That of the reference person when the household formed.",
        lambda census, rows: census.engine.households.key[rows].tolist(),
        instead="it is the household's identity",
    )

    unique_id = RowAttribute[int](
        "Identifier for Mesa, from the key: the same in every year and every copy.",
        lambda census, rows: _marked(census.engine.households.key[rows], _HOUSEHOLD_MARK),
        instead="it follows from the key",
    )
    place = RowAttribute[str](
        "Id of the place; setting it moves the household, whose workers give up their jobs.",
        lambda census, rows: _place_names(census, census.engine.households.place[rows]),
        lambda census, rows, value: census.move(rows, value),
    )
    size = RowAttribute[int](
        "Number of members.",
        lambda census, rows: census.sizes(rows).tolist(),
        instead="remove a member with person.remove()",
    )
    children = RowAttribute[int](
        "Members below 18.",
        lambda census, rows: census.members_below(rows, ADULT_AGE).tolist(),
        instead="it counts members below 18; set person.age",
    )
    attachment = RowAttribute[str](
        "'stayer' or 'mover'.",
        lambda census, rows: [
            "stayer" if stays else "mover" for stays in _household_bits(STAYER)(census, rows)
        ],
        _set_attachment,
    )
    kappa = RowAttribute[float](
        "Readiness to move kappa_h of equation (11), mean 1 over founders.",
        lambda census, rows: np.where(
            census.engine.households.traits[rows] & STAYER,
            census.engine.readiness.stayer,
            census.engine.readiness.mover,
        ).tolist(),
        instead="set attachment to 'stayer' or 'mover'",
    )
    kin_kazakhstan = RowAttribute[bool](
        "Whether it has kin in Kazakhstan's places.",
        _household_bits(KIN_KAZAKHSTAN),
        _set_household_bit(KIN_KAZAKHSTAN),
    )
    kin_russia = RowAttribute[bool](
        "Whether it has kin in Russia.", _household_bits(KIN_RUSSIA), _set_household_bit(KIN_RUSSIA)
    )
    income = RowAttribute[float](
        "Income per adult y_h of equation (10), KZT a month at 2020 prices.",
        lambda census, rows: census.household_incomes(rows).tolist(),
        instead="it follows from what the members do (person.status) and the place's wage (settlement.omega)",
    )

    @property
    def members(self) -> list[Person]:
        """All members, the reference person first, then the partner (if any)."""
        engine, row, version = self.model.engine, int(self.rows()[0]), self.model.census.version
        begin, end = engine.households.first[row : row + 2].tolist()
        keys = engine.people.key[begin:end].tolist()
        return [Person(self.model, key, begin + k, version) for k, key in enumerate(keys)]

    @property
    def reference_person(self) -> Person:
        """The member after whose age the household moves."""
        return self.members[0]

    def explain(self) -> Explanation:
        """Why the household stays or goes: utilities of all alternatives, inclusive value, yearly hazard."""
        return explain(self.model.engine, int(self.rows()[0]))

    def remove(self) -> None:
        """Take the household with all members out of the world."""
        self.model.census.remove_households(self.rows())


def _set_status(census: Census, rows: Rows, value: Any) -> None:
    if value not in STATUS_NAMES:
        raise ValueError(f"{value!r} is no status" + nearest(str(value), STATUS_NAMES))
    census.engine.people.status[rows] = STATUS_NAMES.index(value)


def _set_sex(census: Census, rows: Rows, value: Any) -> None:
    if value not in ("woman", "man"):
        raise ValueError(f"expected 'woman' or 'man', found {value!r}")
    census.set_bit(census.engine.people.traits, rows, FEMALE, value == "woman")
    census.engine.recount()


def _origins(census: Census, rows: Rows) -> list[str | None]:
    ids = census.engine.world.ids
    return [
        None if origin == NOWHERE else ids[origin] for origin in census.engine.people.origin[rows].tolist()
    ]


def _set_origin(census: Census, rows: Rows, value: Any) -> None:
    census.engine.people.origin[rows] = NOWHERE if value is None else census.place_index(value)


class Person(RowAgent):
    """A member of a household."""

    kind = PEOPLE
    noun = "person"

    key = RowKey(
        "Lineage key, the same for the whole life.",
        lambda census, rows: census.engine.people.key[rows].tolist(),
        instead="it is the person's identity",
    )

    unique_id = RowAttribute[int](
        "Identifier for Mesa, from the lineage key: the same in every year and every copy.",
        lambda census, rows: _marked(census.engine.people.key[rows], _PERSON_MARK),
        instead="it follows from the key",
    )
    age = RowAttribute[int](
        "Completed years on 1 January.",
        lambda census, rows: census.engine.people.age[rows].tolist(),
        lambda census, rows, value: census.set_ages(rows, value),
    )
    sex = RowAttribute[str](
        "'woman' or 'man'.",
        lambda census, rows: ["woman" if w else "man" for w in _person_bits(FEMALE)(census, rows)],
        _set_sex,
    )
    skilled = RowAttribute[bool](
        "Whether the person has vocational or higher education.",
        _person_bits(SKILLED),
        lambda census, rows, on: census.set_bit(census.engine.people.traits, rows, SKILLED, on),
    )
    status = RowAttribute[str](
        "What the person does, one of population.STATUS_NAMES.",
        lambda census, rows: [STATUS_NAMES[code] for code in census.engine.people.status[rows].tolist()],
        _set_status,
    )
    origin = RowAttribute["str | None"](
        "Place that a student left to study, else None.", _origins, _set_origin
    )
    is_partner = RowAttribute[bool](
        "Whether the person is the partner of the reference person.",
        _person_bits(PARTNER),
        instead="unions and divorces follow from equation (17)",
    )
    is_reference_person = RowAttribute[bool](
        "Whether the household moves after this person's age.",
        lambda census, rows: (census.engine.households.first[census.households_of(rows)] == rows).tolist(),
        instead="a successor is seated when the reference person is removed",
    )
    place = RowAttribute[str](
        "Id of the place.",
        lambda census, rows: _place_names(census, census.places_of_people(rows)),
        instead="a person lives where the household does; set person.household.place",
    )
    income = RowAttribute[float](
        "Own income, KZT a month at 2020 prices.",
        lambda census, rows: census.person_incomes(rows).tolist(),
        instead="it follows from person.status and the place's wage (settlement.omega)",
    )

    @property
    def household(self) -> Household:
        """The household the person lives in."""
        census = self.model.census
        row = int(census.households_of(self.rows())[0])
        return Household(self.model, int(self.model.engine.households.key[row]), row, census.version)

    def remove(self) -> None:
        """Take the person out of the world; refused where a household would be left without an adult."""
        self.model.census.remove_people(self.rows())
