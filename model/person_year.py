"""What a year does to one person who stays: a year older, skill, and the children born."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from model import draws
from model.accounts import ADDED, Ledger
from model.compiled import lean_kernel
from model.demography import (
    Vital,
)
from model.draws import I64, U64
from model.population import (
    CHILD,
    FEMALE,
    LAST_AGE,
    NOWHERE,
    SKILLED,
    People,
)

SKILL_AGE = 20
STUDENT_LAST_AGE = 21
RETURN_LAST_AGE = 25


class Salts(NamedTuple):
    """What the draws of the phase share: keys, sex and early death of newborns, skill."""

    newborn: np.uint64
    sex: np.uint64
    death: np.uint64
    skill: np.uint64


@lean_kernel
def draw_salts(seed: np.uint64, year: int) -> Salts:
    """Salts of a year, made once."""
    return Salts(
        draws.salt(U64(0), year, draws.NEWBORN_KEY),
        draws.salt(seed, 0, draws.NEWBORN_SEX),
        draws.salt(seed, year, draws.NEWBORN_DEATH),
        draws.salt(seed, 0, draws.SKILL),
    )


@lean_kernel
def qualify(target: People, row: int, skill_salt: np.uint64, skill_if_staying: float) -> None:
    """Skill of the year: at 20 those who stayed may gain vocational skill, students gain theirs at 22."""
    if target.origin[row] == NOWHERE:
        if target.age[row] == SKILL_AGE and draws.uniform(target.key[row], skill_salt) < skill_if_staying:
            target.traits[row] |= SKILLED
    elif target.age[row] > STUDENT_LAST_AGE:
        target.traits[row] |= SKILLED
        if target.age[row] > RETURN_LAST_AGE:
            target.origin[row] = NOWHERE


@lean_kernel
def copy_person(
    source: People, i: int, target: People, row: int, skill_salt: np.uint64, skill_if_staying: float
) -> None:
    """Copy one survivor, a year older."""
    target.key[row] = source.key[i]
    target.age[row] = min(I64(source.age[i]) + 1, LAST_AGE)
    target.traits[row] = source.traits[i]
    target.status[row] = source.status[i]
    target.origin[row] = source.origin[i]
    qualify(target, row, skill_salt, skill_if_staying)


@lean_kernel
def newborn_key(mother: np.uint64, year: int) -> np.uint64:
    """Lineage key of a child: a function of mother and year only."""
    return draws.draw(mother, draws.salt(U64(0), year, draws.NEWBORN_KEY))


@lean_kernel
def deliver(
    mother: np.uint64,
    place: int,
    vital: Vital,
    settings: Any,
    salts: Salts,
    ledger: Ledger,
    target: People,
    row: int,
) -> int:
    """Write a mother's newborn to `row`; returns 1, or 0 if the child dies within the year."""
    key = draws.draw(mother, salts.newborn)
    sex = 0 if draws.uniform(key, salts.sex) < settings.male_births else 1
    ledger.births[place, sex] += 1
    if draws.uniform(key, salts.death) < vital.newborn[place, sex]:
        ledger.newborn_deaths[place, sex] += 1
        return 0
    ledger.checksum[ADDED] += key
    target.key[row] = key
    target.age[row] = 0
    target.traits[row] = FEMALE if sex == 1 else 0
    target.status[row] = CHILD
    target.origin[row] = NOWHERE
    return 1
