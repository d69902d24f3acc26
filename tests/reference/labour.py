"""Phase 4: who takes part, loses a job, is hired, commutes, works on the own account (equations 5-7)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model import draws
from tests.reference.chance import uniform
from tests.reference.people import EMPLOYED, STUDENT_LAST_AGE, WORKING_AGE, Person, Status
from tests.reference.places import SECTORS, Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

RETIREMENT_AGES = {False: 63, True: 58}  # men, women


def round_half_up(value: float) -> int:
    """Whole number nearest to a non-negative value."""
    return math.floor(value + 0.5)


def participation_table(schedule: list[list[float]], kappa_E: float) -> list[list[float]]:
    """l(age, sex): the region's schedule times kappa_E."""
    return [[min(0.99, share * kappa_E) for share in by_age] for by_age in schedule]


def take_stock(person: Person, model: ReferenceModel, salts: dict[int, Any]) -> None:
    """(5) Keep the job, queue up for one, or do neither. Taking part is a lifelong rank against l(age, sex)."""
    settlement = person.household.place
    studies = person.study_home is not None and person.age <= STUDENT_LAST_AGE
    takes_part = (
        person.age >= WORKING_AGE
        and not studies
        and uniform(person.key, model.lifelong[draws.PARTICIPATION])
        < settlement.participation[person.female][person.age]
    )
    if not takes_part:
        person.status = idle_status(person)
    elif person.status not in EMPLOYED or uniform(person.key, salts[draws.SEPARATION]) < model.p.separation:
        settlement.queue.append(person)
    elif person.status == Status.COMMUTER:
        settlement.commuters += 1
    else:
        settlement.staff[person.status - Status.AGRICULTURE] += 1


def idle_status(person: Person) -> Status:
    """Status of those out of the labour force."""
    if person.age < WORKING_AGE:
        return Status.CHILD
    if person.age <= STUDENT_LAST_AGE:
        return Status.STUDENT
    return Status.RETIRED if person.age >= RETIREMENT_AGES[person.female] else Status.INACTIVE


def survey_labour(model: ReferenceModel, salts: dict[int, Any]) -> None:
    """Everyone takes stock; the queue of each place is put in order."""

    def queue_number(person: Person) -> tuple[int, int]:
        """Uniform; for the skilled divided by their odds; ties break by key."""
        position = draws.draw(person.key, salts[draws.HIRING]) >> 11
        odds = model.p.skill_hiring_odds if person.skilled else 1.0
        return int(position / odds), int(person.key) % 2048

    for settlement in model.settlements:
        settlement.staff, settlement.commuters, settlement.queue = [0] * 4, 0, []
    model.people.do(take_stock, model, salts)
    for settlement in model.settlements:
        settlement.queue.sort(key=queue_number)
        at_work = sum(settlement.staff) + settlement.commuters
        settlement.participants = at_work + len(settlement.queue)


def acceptance(distance: float, reach: float, p: Any) -> float:
    """(6) Share of seekers who would take a job `distance` km away."""
    log_odds = (distance - p.D50 - reach) / p.s_D
    return 1.0 / (1.0 + math.exp(log_odds)) if log_odds < 700.0 else 0.0


def vacancies_by_sector(settlement: Settlement) -> list[int]:
    """V = max(0, J - staff), J rounded half up."""
    return [max(0, round_half_up(settlement.jobs[k]) - settlement.staff[k]) for k in SECTORS]


def local_openings(settlement: Settlement) -> int:
    """Vacancies that commuters from other settlements do not hold already."""
    return max(0, sum(vacancies_by_sector(settlement)) - settlement.commuters_in)


def hire(settlement: Settlement, openings: int, matching: float) -> list[Person]:
    """(5) The first min(openings, matching x seekers) of the queue are hired, sectors in order; returns the rest."""
    hires = max(0, min(openings, round_half_up(matching * len(settlement.queue))))
    filled = 0
    for sector, vacancies in enumerate(vacancies_by_sector(settlement)):
        take = min(vacancies, hires - filled)
        for person in settlement.queue[filled : filled + take]:
            person.status = Status.AGRICULTURE + sector
        filled += take
        settlement.staff[sector] += take
    return settlement.queue[filled:]


def match(model: ReferenceModel) -> None:
    """(5)-(7) Places hire their own seekers, centres share their posts, centres hire, the rest is unemployed."""
    p, salts = model.p, model.salts
    for settlement in model.settlements:
        settlement.commuters_in = 0
    for settlement in model.settlements:
        centre = model.centre_of(settlement)
        if isinstance(centre, Settlement):
            centre.commuters_in += settlement.commuters
    left: dict[Settlement, list[Person]] = {}
    for settlement in model.settlements:
        left[settlement] = settlement.queue
        if not settlement.is_centre:
            left[settlement] = hire(settlement, local_openings(settlement), p.matching)
    posts = share_centres(model, left)
    for settlement in model.settlements:
        if settlement.is_centre:
            set_aside = sum(n for other, n in posts.items() if model.centre_of(other) is settlement)
            left[settlement] = hire(settlement, local_openings(settlement) - set_aside, p.matching)
    for settlement in model.settlements:
        rest = left[settlement]
        willing = (
            k
            for k, person in enumerate(rest)
            if uniform(person.key, salts[draws.COMMUTE_ACCEPTANCE]) < settlement.acceptance
        )
        commuting = {k for _, k in zip(range(posts.get(settlement, 0)), willing, strict=False)}
        for k in commuting:
            rest[k].status = Status.COMMUTER
        settlement.commuters += len(commuting)
        centre = model.centre_of(settlement)
        if isinstance(centre, Settlement):
            centre.commuters_in += len(commuting)
        close_market(settlement, [person for k, person in enumerate(rest) if k not in commuting], p)
    for settlement in model.settlements:
        settlement.vacancies = local_openings(settlement)


def share_centres(model: ReferenceModel, left: dict[Settlement, list[Person]]) -> dict[Settlement, int]:
    """(6) Posts of each centre that go to each place: by acceptance x seekers, its own and its district's included."""
    competing: dict[Any, float] = {centre: centre.seekers for centre in model.outside}
    competing |= {s: float(len(s.queue)) if s.is_centre else 0.0 for s in model.settlements}
    for settlement in model.settlements:
        centre, i = model.centre_of(settlement), settlement.index
        settlement.acceptance = 0.0
        if centre is not None and settlement.commuting_pays:
            reach = float(model.levers.reach[model.t, i])
            settlement.acceptance = acceptance(model.road_km[i][centre.index], reach, model.p)
            competing[centre] += settlement.acceptance * len(left[settlement])
    posts: dict[Settlement, int] = {}
    for settlement in model.settlements:
        centre = model.centre_of(settlement)
        if centre is None or settlement.acceptance <= 0.0 or competing[centre] <= 0.0:
            continue
        openings = float(local_openings(centre)) if isinstance(centre, Settlement) else centre.openings
        weight = settlement.acceptance * len(left[settlement])
        share = openings * min(1.0, weight / competing[centre])
        # A tenth of a job more is one commuter more every tenth year.
        posts[settlement] = math.floor(share + uniform(settlement.key, model.salts[draws.COMMUTE_ROUNDING]))
    return posts


def close_market(settlement: Settlement, jobless: list[Person], p: Any) -> None:
    """(7) Slack and the official rate; the last of the queue are unemployed, the rest work on their own account."""
    participants = settlement.participants
    settlement.employed = settlement.commuters + sum(settlement.staff)
    settlement.slack = 1.0 - settlement.employed / participants if participants > 0 else 0.0
    official = p.ubar + p.chi * (settlement.slack - settlement.slack_2015)
    official = min(0.5, max(0.0, official))
    settlement.unemployed = min(round_half_up(official * participants), participants - settlement.employed)
    settlement.hidden = participants - settlement.employed - settlement.unemployed
    settlement.unemployment = settlement.unemployed / participants if participants > 0 else 0.0
    settlement.hidden_rate = settlement.hidden / participants if participants > 0 else 0.0
    for k, person in enumerate(jobless):
        person.status = Status.HIDDEN if k < settlement.hidden else Status.UNEMPLOYED
