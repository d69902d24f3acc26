"""Phase 9: people who arrive from outside, and the settlers' programme (equation 13)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model import draws
from model.population import FEMALE, PARTNER, SKILLED
from tests.reference.chance import Key, bits_of, uniform, uniform_of
from tests.reference.choice import advantages
from tests.reference.migration import LAST_OBSERVED_FLOWS
from tests.reference.people import WORKING_AGE, Household, Person, Status
from tests.reference.places import Destination, Place, Settlement
from tests.reference.register_counts import Households, meet_count

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

SETTLER_ORIGIN = Key(0x5E771E5)  # stands for the programme in the keys of its families
SETTLER_SIZES = range(4, 6)
MOST_TRIES = 64
GOLDEN = 0x9E3779B97F4A7C15


def attachment(key: Key, place: Settlement, model: ReferenceModel) -> tuple[bool, tuple[bool, bool]]:
    """Whether a new household is a stayer, and its kin in Kazakhstan's places and in Russia."""
    stayer = uniform(key, model.lifelong[draws.KAPPA]) < model.p.stayer_share
    shares = [min(1.0, share * model.p.kin_scale) for share in model.world.kin_share[place.index].tolist()]
    kazakhstan = uniform(key, model.lifelong[draws.KIN_KAZAKHSTAN]) < shares[0]
    russia = uniform(key, model.lifelong[draws.KIN_RUSSIA]) < shares[1]
    return stayer, (kazakhstan, russia)


def admit_arrivals(model: ReferenceModel) -> None:
    """(13) Negative binomial counts with mean a_s A_t exp(Adv_t - Adv_2015); then the settlers who stay."""
    p, founding, t = model.p, model.founding, model.t
    now = advantages(model)
    people = {s: s.population / s.population_2015 for s in model.settlements}
    for place in model.settlements:
        base = place.arrival_base / founding.template_size  # households
        if model.year > LAST_OBSERVED_FLOWS:
            base = base * place.regime_arrivals
        home = model.hinterland_of(place)
        means: dict[Place, float] = {}
        numbers: Households = {}
        for origin in model.outside:
            share = model.origin_share[origin.index]
            if home is origin:  # its own villages, outside: the share h, which shrinks with them
                share = p.hinterland_weight * float(model.outlook.hinterland[t, origin.index])
            else:
                followed = 0.0 if isinstance(home, Destination) else people[home or place]
                share = share * (1.0 - p.hinterland_weight + p.hinterland_weight * followed)
            if share <= 0.0:
                continue
            gain = now[place, origin.index] - place.advantage_2015[origin.index]
            mean = base * share * math.exp(gain)
            u = uniform_of(place.key, model.salts[draws.ARRIVAL_COUNT], origin.key)
            variation = float(model.arrival_variation[place.index])
            means[origin] = mean
            numbers[origin] = draws.negative_binomial(u, mean, variation)
        if t < len(model.counts_known):
            numbers = bound_numbers(place, means, numbers, model)
        for origin, number in numbers.items():
            for rank in range(number):
                key = newcomer_key(place, origin, rank, model)
                settle(key, template_of(key, range(1_000_000), model), place, origin, 0.0, model)
        families = math.floor(float(model.levers.settlers[t, place.index]) + 0.5)
        staying = [
            uniform_of(place.key, model.salts[draws.SETTLER_RETURN], rank) >= p.settlers_returning
            for rank in range(families)
        ]
        for rank in range(sum(staying)):
            key = bits_of(place.key ^ SETTLER_ORIGIN, model.salts[draws.SETTLER_KEY], rank)
            template = template_of(key, SETTLER_SIZES, model)
            settle(key, template, place, model.places[-1], p.settlers_working, model)


def newcomer_key(place: Settlement, origin: Place, rank: int, model: ReferenceModel) -> Key:
    """Key of the household of this rank that comes from an origin this year."""
    pair = Key(draws.mix(place.key ^ Key(draws.mix(origin.key))))
    return bits_of(pair, model.salts[draws.ARRIVAL_KEY], rank)


def bound_numbers(
    place: Settlement, means: dict[Place, float], drawn: Households, model: ReferenceModel
) -> Households:
    """Households that bring the place to its known count; under policies the drawn ones with the same change."""
    if model.plain is not None:
        shift = model.plain.shifts[model.t].get(place.index, {})
        return {origin: max(0, number + shift.get(origin.index, 0)) for origin, number in drawn.items()}
    count = model.counts_known[model.t].get(place)
    if count is None:
        return drawn

    def size_of(origin: Place, rank: int) -> int:
        return len(template_of(newcomer_key(place, origin, rank, model), range(1_000_000), model))

    met = meet_count(place, count, means, drawn, size_of)
    model.shifts[model.t][place.index] = {origin.index: met[origin] - drawn[origin] for origin in drawn}
    return met


def template_of(key: Key, sizes: range, model: ReferenceModel) -> range:
    """Rows of the founding household whose composition an arriving one copies."""
    first = model.founding.templates.first
    rows = range(0)
    for attempt in range(MOST_TRIES):
        chosen = int(bits_of(key, model.salts[draws.ARRIVAL_TEMPLATE], attempt)) % (len(first) - 1)
        rows = range(int(first[chosen]), int(first[chosen + 1]))
        if len(rows) in sizes:
            break
    return rows


def settle(
    key: Key, template: range, place: Settlement, origin: Place, working: float, model: ReferenceModel
) -> None:
    """One household arrives; a share `working` of a settlers' family's adults is placed in work."""
    ages, traits = model.founding.templates.age, model.founding.templates.traits
    members = []
    for rank, row in enumerate(template):
        own = key if rank == 0 else Key(draws.mix(Key((int(key) + rank * GOLDEN) % 2**64)))
        age, trait = int(ages[row]), int(traits[row])
        status = Status.HIDDEN if age >= WORKING_AGE else Status.CHILD
        if working > 0.0 and 18 <= age < 60 and uniform(own, model.lifelong[draws.SETTLER_WORK]) < working:
            status = Status.SERVICES
        person = Person(model, own, age, bool(trait & FEMALE), bool(trait & SKILLED), status)
        members.append(person)
        place.arrivals[person.female, age] += 1
        place.arrivals_from[origin.index] += 1
    couple = len(template) > 1 and bool(traits[template[1]] & PARTNER)
    Household(model, key, place, *attachment(key, place, model), members, couple)
