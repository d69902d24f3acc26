"""Phase 10: births, deaths, unions, divorces, leaving home, orphans, ageing (equations 15-17).

Everyone's events are drawn first, from the state at the start of the phase; then they are carried out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model import draws
from tests.reference.chance import bits, uniform
from tests.reference.migration import post_move
from tests.reference.people import (
    ADULT_AGE,
    LAST_AGE,
    RETURN_AGES,
    SKILL_AGE,
    STUDENT_LAST_AGE,
    UNION_AGES,
    Household,
    Person,
)
from tests.reference.places import Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel


def set_vital_rates(settlement: Settlement, model: ReferenceModel) -> None:
    """(15), (16) Chances of the year from central rates; a person aged a lives half of the year at a + 1."""
    p, t, i = model.p, model.t, settlement.index
    shape = [*model.fertility_shape, 0.0]
    total = float(model.outlook.tfr[t]) * math.exp(model.fertility_log[i])
    settlement.birth = [min(1.0, 0.5 * total * (shape[a] + shape[a + 1])) for a in range(LAST_AGE + 1)]
    factor = float(model.outlook.mortality[t]) * math.exp(model.mortality_log[i])
    settlement.death, settlement.newborn_death = [], []
    for rates in model.mortality_rates:  # men, women
        infant = (1.0 - p.infant_first_year) * rates[0] + 0.5 * rates[1]
        means = [infant] + [0.5 * (rates[a] + rates[min(a + 1, LAST_AGE)]) for a in range(1, LAST_AGE + 1)]
        settlement.death.append([1.0 - math.exp(-mean * factor) for mean in means])
        settlement.newborn_death.append(1.0 - math.exp(-p.infant_first_year * rates[0] * factor))


def renew_population(model: ReferenceModel) -> None:
    """Phase 10."""
    candidates: list[Person] = []
    alone: list[Person] = []
    model.people.do(draw_events, model, candidates, alone)
    model.households.do(draw_divorce, model, alone)
    couples = pair_up(candidates, model)
    house_orphans(model)
    old_households = list(model.households)
    model.people.do(grow_older, model)
    for couple in couples:
        form_couple(*couple, model)
    for person in alone:
        home = person.household
        own = Household(model, person.key, home.place, home.stayer, home.kin, [person])
        deliver(own, [person], model)
    for household in old_households:
        carry_on(household, model)


def draw_events(person: Person, model: ReferenceModel, candidates: list[Person], alone: list[Person]) -> None:
    """Who dies does nothing else; who moved alone this year bears or dies; who looks for a union stays at home."""
    place, salts, p = person.household.place, model.salts, model.p
    person.dies = uniform(person.key, salts[draws.DEATH]) < place.death[person.female][person.age]
    person.bears, person.gone = False, person.dies
    if person.dies:
        place.deaths[person.female, person.age] += 1
        model.deaths.append(person.key)
        person.remove()
        return
    person.bears = person.female and uniform(person.key, salts[draws.BIRTH]) < place.birth[person.age]
    if person.settling or person.age not in UNION_AGES or person.has_partner:
        return
    if uniform(person.key, salts[draws.UNION]) < p.union_rate:
        candidates.append(person)
    elif not person.is_head and uniform(person.key, salts[draws.LEAVING_HOME]) < p.leaving_home_rate:
        person.gone = True
        alone.append(person)


def draw_divorce(household: Household, model: ReferenceModel, alone: list[Person]) -> None:
    """The man leaves; a couple of whom one dies does not divorce in that year."""
    if not household.couple or household.members[0].dies or household.members[1].dies:
        return
    if uniform(household.key, model.salts[draws.DIVORCE]) < model.p.divorce_rate:
        first, second = household.members[:2]
        man = second if first.female else first
        man.gone = True
        alone.append(man)


def pair_up(candidates: list[Person], model: ReferenceModel) -> list[tuple[Person, Person]]:
    """(17) On the circle of hashes each woman takes the nearest preceding free man of her place and age cell."""
    cells: dict[tuple[int, int], list[Person]] = {}
    for person in candidates:
        ages = min(2, (person.age - UNION_AGES[0]) // 5)  # 20-24, 25-29, 30-35
        cells.setdefault((person.household.place.index, ages), []).append(person)
    couples = []
    for candidates in cells.values():
        circle = sorted(candidates, key=lambda person: bits(person.key, model.salts[draws.PAIRING]))
        free_men: list[Person] = []
        for lap in range(2):
            for person in circle:
                if not person.female:
                    if lap == 0:
                        free_men.append(person)
                elif free_men and not person.gone and free_men[-1].household is not person.household:
                    man = free_men.pop()
                    man.gone = person.gone = True
                    couples.append((person, man))
    return couples


def house_orphans(model: ReferenceModel) -> None:
    """(17) Minors left without an adult join the household that follows their old one's hash in the place."""
    orphaned = []
    for household in model.households:
        if all(head.dies for head in household.members[: 2 if household.couple else 1]):
            left = [person for person in household.members if not person.gone]
            if all(person.age + 1 < ADULT_AGE for person in left):
                orphaned += [(household, orphan) for orphan in left]
    for _, orphan in orphaned:
        orphan.gone = True
    for household, orphan in orphaned:
        salt = model.salts[draws.ORPHAN_HOST]
        wish = int(bits(household.key, salt))
        hosts = [
            host
            for host in model.households
            if host.place is household.place and not host.head.gone and not host.head.settling
        ]
        if hosts:
            host = min(hosts, key=lambda host: (int(bits(host.key, salt)) - wish) % 2**64)
            host.taken_in.append(orphan)
        else:  # to kin in the nearest place outside
            post_move(orphan, household.place, model.nearest_outside(household.place), model)
            orphan.remove()
            model.sent_to_kin += 1


def grow_older(person: Person, model: ReferenceModel) -> None:
    """A year older; who stayed may gain a skill at 20, students gain theirs at 22."""
    person.age = min(person.age + 1, LAST_AGE)
    person.settling = False
    if person.study_home is None:
        if person.age == SKILL_AGE:
            learns = uniform(person.key, model.lifelong[draws.SKILL]) < model.p.skill_if_staying
            person.skilled = person.skilled or learns
    elif person.age > STUDENT_LAST_AGE:
        person.skilled = True
        if person.age > RETURN_AGES[-1]:
            person.study_home = None


def form_couple(woman: Person, man: Person, model: ReferenceModel) -> None:
    """A head brings the whole household along, anyone else comes alone; key and kin are those of the smaller key."""
    first, second = sorted((woman, man), key=lambda person: person.key)
    lead = first.household
    couple = Household(model, first.key, lead.place, lead.stayer, lead.kin, [], couple=True)
    homes = [(person, person.household) for person in (first, second)]
    couple.add(first)
    couple.add(second)
    for person, home in homes:
        if person in home.members[:1]:  # a household whose head has just left with everybody is empty
            followers = [member for member in home.members[1:] if not member.gone]
            for member in followers:
                couple.add(member)
            deliver(couple, followers, model)
            home.members = []
        deliver(couple, [person], model)


def carry_on(household: Household, model: ReferenceModel) -> None:
    """Survivors stay: the widowed or divorced partner, else the oldest, heads the household; children are born."""
    stay = [person for person in household.members if not person.gone]
    if not stay:
        household.remove()
        return
    head, mothers = household.head, list(stay)
    partner = household.members[1] if household.couple else None
    if head.gone and (partner is None or partner.gone):
        oldest = min(range(len(stay)), key=lambda k: (-stay[k].age, stay[k].key))
        stay[0], stay[oldest] = stay[oldest], stay[0]
    if partner is not None and (head.gone or partner.gone):
        household.couple = False
        divorced = (head.gone and not head.dies) or (partner.gone and not partner.dies)
        if divorced:
            household.key = stay[0].key
    household.members = stay
    deliver(household, mothers, model)
    for orphan in sorted(household.taken_in, key=lambda person: person.key):
        household.add(orphan)
        deliver(household, [orphan], model)
    household.taken_in = []


def deliver(household: Household, women: list[Person], model: ReferenceModel) -> None:
    """Children of the year: key from mother and year; some die within it."""
    place = household.place
    for mother in women:
        if not mother.bears:
            continue
        key = bits(mother.key, model.newborn_salt)
        female = uniform(key, model.lifelong[draws.NEWBORN_SEX]) >= model.p.male_births
        place.births[female] += 1
        if uniform(key, model.salts[draws.NEWBORN_DEATH]) < place.newborn_death[female]:
            place.newborn_deaths[female] += 1
        else:
            household.add(Person(model, key, 0, female, False))
