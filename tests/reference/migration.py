"""Phases 7 and 8: households move, the young leave to study or alone, students return (equations 10-12, 14)."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model import draws
from tests.reference.chance import Key, normal, uniform
from tests.reference.choice import choose_destination
from tests.reference.people import (
    ADULT_AGE,
    EMPLOYED,
    LAST_AGE,
    RETURN_AGES,
    STUDY_AGES,
    YOUNG_ADULT_AGES,
    Household,
    Person,
    Status,
)
from tests.reference.places import Place, Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

MEAN_SKILL = 0.45  # share of skilled workers, around whose mean wage the premium is spread [assumed]
LAST_OBSERVED_FLOWS = 2020


@dataclass
class Student:
    """Someone who studies outside: key and traits wait in a register for the return (no agent of the model)."""

    key: Key
    age: int
    female: bool
    skilled: bool
    stayer: bool
    kin: tuple[bool, bool]
    home: Settlement


def rogers_castro() -> list[float]:
    """R: the age profile of moving (Rogers & Castro 1981)."""
    profile = []
    for age in range(LAST_AGE + 1):
        young = 0.06 * math.exp(-0.10 * (age - 20.0) - math.exp(-0.40 * (age - 20.0)))
        profile.append(0.02 * math.exp(-0.10 * age) + young + 0.003)
    return profile


def mean_kappa(model: ReferenceModel) -> dict[Settlement, float]:
    """Person-weighted mean attachment of every place: kappa says who leaves, not how many (selection)."""
    stayers: Counter[Settlement] = Counter()
    movers: Counter[Settlement] = Counter()
    for household in model.households:
        (stayers if household.stayer else movers)[household.place] += len(household.members)
    means = {}
    for place in model.settlements:
        persons = movers[place] + stayers[place]
        kappas = model.kappa[False] * movers[place] + model.kappa[True] * stayers[place]
        means[place] = kappas / persons if persons > 0 else 1.0
    return means


def set_readiness(model: ReferenceModel) -> None:
    """(14) The walk of ln lambda, the regime after the observed flows, selection; studying and returning."""
    p, t, means = model.p, model.t, mean_kappa(model)
    model.pushes.append([place.push for place in model.settlements])
    common = normal(Key(draws.HAZARD_WALK_COMMON), model.salts[draws.HAZARD_WALK_COMMON])
    for place in model.settlements:
        i = place.index
        if t > 0:
            own = normal(place.key, model.salts[draws.HAZARD_WALK_PLACE])
            place.walk += p.walk_sd * (
                math.sqrt(p.walk_common) * common + math.sqrt(1.0 - p.walk_common) * own
            )
        regime = place.regime_hazard if model.year > LAST_OBSERVED_FLOWS else 1.0
        if t < len(model.counts_known):
            regime = place.push if model.plain is None else model.plain.pushes[t][i]
        selection = place.kappa_2015 / means[place]
        place.hazard = place.hazard_2015 * (math.exp(place.walk) * regime) * selection
        place.study_logit = place.study_logit_2015 + float(model.levers.study_logit[t, i])
        returning = min(0.99, p.p_ret + float(model.levers.return_gain[t, i]))
        place.return_chance = yearly_return(returning)


def yearly_return(share: float) -> float:
    """Yearly chance to return such that the share has returned after the ages of return."""
    return 1.0 - math.exp(math.log1p(-share) / len(RETURN_AGES))


def person_income(person: Person, place: Settlement, p: Any) -> float:
    """Monthly income by what a person does."""
    status, share = person.status, 0.0
    if status in EMPLOYED:
        base = place.commuter_income if status == Status.COMMUTER else place.wage
        skill = 1.0 if person.skilled else 0.0
        return base * (1.0 + p.skill_premium * (skill - MEAN_SKILL))  # type: ignore[no-any-return]
    if status == Status.HIDDEN:
        share = p.phi_se
    elif status == Status.UNEMPLOYED:
        share = p.phi_u
    elif status == Status.RETIRED:
        share = p.old_age_income
    return share * place.wage


def household_income(household: Household, p: Any) -> float:
    """y_h: incomes of all members per adult, floored at a share of the place's wage."""
    total, adults = 0.0, 0
    for person in household.members:
        total += person_income(person, household.place, p)
        adults += person.age >= ADULT_AGE
    income: float = max(p.income_floor * household.place.wage, total / max(adults, 1))
    return income


def study_probability(
    logit: float, inclusive: float, inclusive_2015: float, skilled_parent: bool, p: Any
) -> float:
    """(12) Yearly chance at 17-19 such that the share of a cohort has logit p_edu + IV_h - IV_2015."""
    value = logit + inclusive - inclusive_2015
    if skilled_parent:
        value += math.log(p.skilled_parent_odds)
    share = 1.0 / (1.0 + math.exp(-value))
    return 1.0 - math.exp(math.log1p(-share) / len(STUDY_AGES))


def decide_moves(household: Household, model: ReferenceModel) -> None:
    """(11), (12) Move together; else a student living alone may return, the young may leave to study or alone."""
    p, salts, here = model.p, model.salts, household.place
    cell = household.has_children, household.kin
    cost = p.beta_y * math.log(household_income(household, p))
    scale = here.hazard * model.kappa[household.stayer] * here.factor[cell] * math.exp(-cost)
    inclusive = here.inclusive[cell] - cost

    def leaves(key: Key, age: int, purpose: int) -> bool:
        """(11) Pr(move) = 1 - exp(-lambda' R(age) kappa exp(IV_h - IV_2015))."""
        return uniform(key, salts[purpose]) < 1.0 - math.exp(-scale * model.mobility[age])

    if leaves(household.key, household.head.age, draws.HOUSEHOLD_MOVE):
        there = choose_destination(household.key, here, cell[0], household.kin, False, model)
        if there is not None:
            move_household(household, there, model)
            return
    head = household.head
    if head.study_home is not None and len(household.members) == 1 and head.age in RETURN_AGES:
        home = head.study_home
        if home is not here and uniform(head.key, salts[draws.STUDENT_RETURN]) < home.return_chance:
            move_household(household, home, model)
            head.study_home, head.skilled = None, True
        return
    for person in household.members[2 if household.couple else 1 :]:
        to_study = person.age in STUDY_AGES
        if to_study:
            chance = study_probability(here.study_logit, inclusive, here.mean_inclusive, head.skilled, p)
            goes = uniform(person.key, salts[draws.STUDY_EXIT]) < chance
        else:
            goes = person.age in YOUNG_ADULT_AGES and leaves(person.key, person.age, draws.YOUNG_ADULT_MOVE)
        if goes:
            place = choose_destination(person.key, here, False, household.kin, to_study, model)
            if place is not None:
                move_alone(person, place, to_study, model)


def post_move(person: Person, here: Settlement, there: Place, model: ReferenceModel) -> None:
    """Double entry of a move; a worker who moves gives up the old job."""
    here.departures[person.female, person.age] += 1
    here.flows[there.index] += 1
    if isinstance(there, Settlement):
        there.arrivals[person.female, person.age] += 1
    if person.status in EMPLOYED:
        person.status = Status.HIDDEN
    model.moves.append((person.key, here.index, there.index))


def move_household(household: Household, there: Place, model: ReferenceModel) -> None:
    """All members go along, to another settlement or out of the world."""
    for person in household.members:
        post_move(person, household.place, there, model)
    if isinstance(there, Settlement):
        household.place = there
    else:
        model.dissolve(household)


def move_alone(person: Person, there: Place, to_study: bool, model: ReferenceModel) -> None:
    """Leave the household for one's own elsewhere, for the register of students, or for good."""
    old = person.household
    here = old.place
    post_move(person, here, there, model)
    old.members.remove(person)
    if isinstance(there, Settlement):
        Household(model, person.key, there, old.stayer, old.kin, [person])
        person.settling = True
        if to_study:
            person.study_home, person.status = here, Status.STUDENT
        return
    if to_study:
        student = Student(person.key, person.age, person.female, person.skilled, old.stayer, old.kin, here)
        model.new_students.append(student)
    person.remove()


def return_students(model: ReferenceModel) -> None:
    """(12) Students of 22-25 come back from outside with their old key, skilled; past 25 they stay away."""
    register = []
    for student in model.students:
        home = student.home
        draw = uniform(student.key, model.salts[draws.STUDENT_RETURN])
        if student.age in RETURN_AGES and draw < home.return_chance:
            person = Person(model, student.key, student.age, student.female, True, Status.HIDDEN)
            Household(model, student.key, home, student.stayer, student.kin, [person])
            home.arrivals[person.female, person.age] += 1
            home.arrivals_from[home.study_origin] += 1
        else:
            register.append(student)
    register += model.new_students
    model.students = [student for student in register if student.age < RETURN_AGES[-1]]
    model.new_students = []
    for student in model.students:
        student.age += 1
