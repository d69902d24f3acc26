"""1 January 2015: founders settle in, the labour market stands in equilibrium, hazards are tied to data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model import draws
from model.population import FEMALE, PARTNER, SKILLED
from tests.reference import infrastructure, labour
from tests.reference.arrivals import attachment
from tests.reference.chance import Salts, bits_of, uniform
from tests.reference.choice import advantages
from tests.reference.jobs import found_posts, perceive_income, set_commuter_income
from tests.reference.migration import Student, mean_kappa, rogers_castro, yearly_return
from tests.reference.normalisation import normalise, open_arrivals
from tests.reference.people import RETURN_AGES, STUDY_AGES, Household, Person, Status
from tests.reference.places import Settlement
from tests.reference.zones import relieve

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

LABOUR_FORCE_OF_SIZE = 0.55  # labour force per resident of a centre whose figure is unknown [assumed]


def open_world(model: ReferenceModel) -> None:
    """Everything before the first year."""
    settle_founders(model)
    model.count()
    for settlement in model.settlements:
        settlement.dwellings = float(round(settlement.households * infrastructure.DWELLINGS_PER_HOUSEHOLD))
        settlement.level = [
            infrastructure.level_reached(settlement.population, infrastructure.HEALTH),
            infrastructure.level_reached(settlement.pupils, infrastructure.SCHOOL),
        ]
        settlement.level_2015 = list(settlement.level)
    open_labour_market(model)
    for settlement in model.settlements:
        infrastructure.show(settlement, model, 1.0, 0.0, 0.0)
    for place in (*model.settlements, *model.outside):
        perceive_income(place, model, 1.0)
    p, share = model.p, model.p.stayer_share
    model.kappa = {True: p.stayer_kappa, False: (1.0 - share * p.stayer_kappa) / (1.0 - share)}
    model.mobility = rogers_castro()
    edu = min(max(p.p_edu, 1e-9), 1.0 - 1e-9)
    for place, kappa in mean_kappa(model).items():
        place.kappa_2015 = kappa
        place.return_chance = yearly_return(p.p_ret)
        place.study_logit_2015 = math.log(edu / (1.0 - edu))
        if place.has_universities:
            place.study_logit_2015 += math.log(p.study_place_odds)
    open_arrivals(model, normalise(model))
    for (place, origin), value in advantages(model).items():
        place.advantage_2015[origin] = value
    for place in model.settlements:
        open_register(place, model)


def settle_founders(model: ReferenceModel) -> None:
    """Founding columns become agents; attachment and kin are drawn for this run."""
    people, households = model.founding.people, model.founding.households
    rows = list(zip(people.key, people.age.tolist(), people.traits.tolist(), strict=True))
    first, places = households.first.tolist(), households.place.tolist()
    for h in range(model.founding.n_households):
        members, traits = [], [trait for _, _, trait in rows[first[h] : first[h + 1]]]
        for key, age, trait in rows[first[h] : first[h + 1]]:
            members.append(Person(model, key, age, bool(trait & FEMALE), bool(trait & SKILLED)))
        place, key = model.settlements[places[h]], households.key[h]
        couple = len(traits) > 1 and bool(traits[1] & PARTNER)
        Household(model, key, place, *attachment(key, place, model), members, couple)


def open_labour_market(model: ReferenceModel) -> None:
    """Wages at omega x the region's; posts, commuters and statuses in the equilibrium of their own equations."""
    p, world = model.p, model.world
    schedule = world.schedules.participation.tolist()
    for centre in model.outside:
        centre.slack = p.centre_slack
        if centre.is_open and centre.nest == 0:
            known = float(world.labour_force_external[centre.index])
            centre.labour_force = known if known > 0.0 else LABOUR_FORCE_OF_SIZE * centre.size
        relieve(centre, p)
    for settlement in model.settlements:
        i = settlement.index
        settlement.participation = labour.participation_table(schedule, model.kappa_E[i])
        settlement.wage = model.omega[i] * model.reference[i]
    for settlement in model.settlements:
        set_commuter_income(settlement, model, 1.0)
    labour.survey_labour(model, Salts(model.seed, model.year - 1))
    posts = {s: float(world.formal_jobs_share[s.index]) * s.participants for s in model.settlements}
    away = {s: steady_commuters(s, posts, model) for s in model.settlements}
    for settlement in model.settlements:
        settlement.commuters_in = sum(n for s, n in away.items() if model.centre_of(s) is settlement)
    for settlement in model.settlements:
        found_posts(settlement, posts[settlement] + settlement.commuters_in, p)
        found_statuses(settlement, away[settlement], model)


def steady_commuters(settlement: Settlement, posts: dict[Settlement, float], model: ReferenceModel) -> int:
    """(6) Commuters at which yearly hires in the centre replace yearly separations."""
    p, centre = model.p, model.centre_of(settlement)
    if centre is None or not settlement.commuting_pays:
        return 0
    kept = 1.0 - p.separation
    if isinstance(centre, Settlement):
        openings, others = p.separation * posts[centre], centre.participants - kept * posts[centre]
    else:
        openings, others = centre.openings, centre.seekers
    accepted = labour.acceptance(model.road_km[settlement.index][centre.index], 0.0, p)
    commuters = 0.0
    for _ in range(200):
        seeking = max(0.0, settlement.participants - posts[settlement] - kept * commuters)
        willing = accepted * seeking
        share = openings * min(1.0, willing / (others + willing)) if others + willing > 0.0 else 0.0
        commuters = kept * commuters + min(share, willing)
    return labour.round_half_up(commuters)


def found_statuses(settlement: Settlement, away: int, model: ReferenceModel) -> None:
    """The queue decides as in any year: local posts by sector, commuters next, the unemployed last."""
    queue, filled = settlement.queue, 0
    wanted = [labour.round_half_up(jobs) for jobs in settlement.jobs]
    wanted[-1] = max(0, wanted[-1] - settlement.commuters_in)  # who commute in hold posts in services
    for sector, posts in enumerate(wanted):
        settlement.staff[sector] = min(posts, len(queue) - filled)
        for person in queue[filled : filled + settlement.staff[sector]]:
            person.status = Status.AGRICULTURE + sector
        filled += settlement.staff[sector]
    settlement.commuters = min(away, len(queue) - filled)
    settlement.commuters_2015 = float(settlement.commuters)
    for person in queue[filled : filled + settlement.commuters]:
        person.status = Status.COMMUTER
    filled += settlement.commuters
    participants = settlement.participants
    settlement.slack_2015 = 1.0 - filled / participants if participants > 0 else 0.0
    labour.close_market(settlement, queue[filled:], model.p)


def open_register(place: Settlement, model: ReferenceModel) -> None:
    """Students who left before the start and may still return, less earlier returns."""
    for age in range(STUDY_AGES[-1] - 1, RETURN_AGES[-1] + 1):
        away = min(1.0, (age - STUDY_AGES[0]) / 3.0)  # of a cohort's students: a third leaves every year
        stay_away = 1.0
        for _ in range(age - RETURN_AGES[0]):
            stay_away *= 1.0 - place.return_chance
        salt = Salts(model.seed, age)[draws.STUDENT_DESTINATION]
        number = math.floor(place.study_outside * away * stay_away + uniform(place.key, salt))
        for rank in range(number):
            key = bits_of(place.key, salt, rank)
            female = bool(draws.draw(key, salt) & 1)
            stayer, kin = attachment(key, place, model)
            model.students.append(Student(key, age, female, True, stayer, kin, place))
