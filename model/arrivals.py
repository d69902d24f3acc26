"""Phase 9: people who arrive from outside (equation 13).

Counts are households, drawn by inverse CDF of one uniform per (place, origin, year) and ranked: a policy
that draws one more family adds exactly that family and leaves all others as they were.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.accounts import ADDED, Ledger
from model.compiled import lean_kernel
from model.draws import I64, U64
from model.population import (
    CHILD,
    FEMALE,
    HIDDEN,
    KIN_KAZAKHSTAN,
    KIN_RUSSIA,
    NOWHERE,
    SERVICES,
    STAYER,
    WORKING_AGE,
    Households,
    People,
    Templates,
)

SETTLER_ORIGIN = U64(0x5E771E5)  # stands for the programme in the keys of settler families
SETTLER_LEAST = 4  # persons; families of 4 or 5 give the programme's mean of 4.6
SETTLER_LARGEST = 5
MOST_TRIES = 64


class Arrivers(NamedTuple):
    """Traits of newcomers' households: share of stayers, and of households with kin in either nest [n_sim, 2]."""

    stayer_share: float
    kin_share: NDArray[np.float64]


@lean_kernel
def arrival_level(weight: float, hinterland: float) -> float:
    """Equation (13), A_t = (1 - h) + h H_t / H_2015: how far arrivals follow the shrinking hinterland."""
    return 1.0 - weight + weight * hinterland


@lean_kernel
def mean_arrivals(
    base: NDArray[np.float64],
    origin_share: NDArray[np.float64],
    home: NDArray[np.int64],
    weight: float,
    hinterland: NDArray[np.float64],
    people: NDArray[np.float64],
    advantage: NDArray[np.float64],
    advantage_2015: NDArray[np.float64],
    mean: NDArray[np.float64],
) -> None:
    """Equation (13): a_s A_t exp(Adv_t - Adv_2015) by place and origin, in the unit of `base`.

    The share h of arrivals comes from the own external hinterland and shrinks with it, the rest from other
    origins. Where the hinterland is simulated, or there is none, all arrivals counted here come from other
    origins, and their share h follows the hinterland's own people (a place without one: its own, to whom
    most outside arrivals return).

    Args:
        base: float64[n_sim] a_s. origin_share: float64[n_all]. home: int64[n_sim] hinterland (-1 none).
        hinterland: float64[n_all] size of external hinterlands relative to 2015.
        people: float64[n_sim] residents of the simulated places relative to 2015. mean: float64[n_sim, n_all], filled.
    """
    n_sim, n_all = mean.shape
    mean[:] = 0.0
    for place in range(n_sim):
        outside_home = home[place] >= n_sim
        followed = people[place if home[place] < 0 else home[place]] if not outside_home else 0.0
        for origin in range(n_sim, n_all):
            share = origin_share[origin] * arrival_level(weight, followed)
            if outside_home and origin == home[place]:
                share = weight * hinterland[origin]
            if share > 0.0:
                change = advantage[place, origin] - advantage_2015[place, origin]
                mean[place, origin] = base[place] * share * math.exp(change)


class TraitSalts(NamedTuple):
    """What the draws of lifelong household traits share in a run."""

    kappa: np.uint64
    kazakhstan: np.uint64
    russia: np.uint64


@lean_kernel
def trait_salts(seed: np.uint64) -> TraitSalts:
    """Salts of a run, made once."""
    return TraitSalts(
        draws.salt(seed, 0, draws.KAPPA),
        draws.salt(seed, 0, draws.KIN_KAZAKHSTAN),
        draws.salt(seed, 0, draws.KIN_RUSSIA),
    )


@lean_kernel
def household_traits(key: np.uint64, place: int, arrivers: Arrivers, salts: TraitSalts) -> int:
    """Attachment and kin of a household, drawn afresh (founders and arrivals)."""
    stays = draws.uniform(key, salts.kappa) < arrivers.stayer_share
    at_home = draws.uniform(key, salts.kazakhstan) < arrivers.kin_share[place, 0]
    abroad = draws.uniform(key, salts.russia) < arrivers.kin_share[place, 1]
    return I64(stays) * STAYER | I64(at_home) * KIN_KAZAKHSTAN | I64(abroad) * KIN_RUSSIA


@lean_kernel
def count_arrivals(
    mean: NDArray[np.float64],
    variation: NDArray[np.float64],
    keys: NDArray[np.uint64],
    seed: np.uint64,
    year: int,
    counts: NDArray[np.int64],
) -> int:
    """Households arriving per (place, origin): negative binomial with the given means; returns their sum.

    Args:
        mean: float64[n_sim, n_all] expected households.
        variation: float64[n_sim] extra coefficient of variation.
        keys: uint64[n_all] hashes of the places.
    """
    salted = draws.salt(seed, year, draws.ARRIVAL_COUNT)
    total = 0
    for place in range(mean.shape[0]):
        for origin in range(mean.shape[1]):
            counts[place, origin] = 0
            if mean[place, origin] > 0.0:
                u = draws.unit(draws.draw_alternative(keys[place], salted, keys[origin]))
                counts[place, origin] = draws.negative_binomial(u, mean[place, origin], variation[place])
                total += counts[place, origin]
    return total


@lean_kernel
def count_settlers(
    families: NDArray[np.float64],
    returning: float,
    keys: NDArray[np.uint64],
    seed: np.uint64,
    year: int,
    counts: NDArray[np.int64],
) -> int:
    """Families of the settlers' programme who stay, per place: thinned one by one; returns their sum."""
    salted = draws.salt(seed, year, draws.SETTLER_RETURN)
    total = 0
    for place in range(families.shape[0]):
        counts[place] = 0
        for rank in range(int(math.floor(families[place] + 0.5))):
            if draws.unit(draws.draw_alternative(keys[place], salted, U64(rank))) >= returning:
                counts[place] += 1
        total += counts[place]
    return total


@lean_kernel
def newcomer_key(place: np.uint64, origin: np.uint64, rank: np.uint64, salted: np.uint64) -> np.uint64:
    """Key of the household of this rank that comes from an origin to a place (keys of both) in a year."""
    return draws.draw_alternative(draws.mix(place ^ draws.mix(origin)), salted, rank)


@lean_kernel
def template_of(key: np.uint64, templates: Templates, salted: np.uint64, least: int, largest: int) -> int:
    """Number of the template of an arriving household; `least` and `largest` bound its size."""
    n = templates.first.shape[0] - 1
    chosen = 0
    for attempt in range(MOST_TRIES):
        chosen = I64(draws.draw_alternative(key, salted, U64(attempt)) % U64(n))
        if least <= templates.first[chosen + 1] - templates.first[chosen] <= largest:
            break
    return chosen


@lean_kernel
def _settle(
    key: np.uint64,
    template: int,
    place: int,
    origin: int,
    templates: Templates,
    arrivers: Arrivers,
    seed: np.uint64,
    working: float,
    people: People,
    n_people: int,
    households: Households,
    n_households: int,
    ledger: Ledger,
) -> int:
    """Write one arriving household; returns the next free row of people."""
    work_salt = draws.salt(seed, 0, draws.SETTLER_WORK)
    households.key[n_households] = key
    households.place[n_households] = place
    households.traits[n_households] = household_traits(key, place, arrivers, trait_salts(seed))
    households.first[n_households] = n_people
    for member in range(templates.first[template], templates.first[template + 1]):
        rank = member - templates.first[template]
        person = key if rank == 0 else draws.mix(key + U64(rank) * U64(0x9E3779B97F4A7C15))
        age, traits = templates.age[member], templates.traits[member]
        status = HIDDEN if age >= WORKING_AGE else CHILD
        if working > 0.0 and 18 <= age < 60 and draws.uniform(person, work_salt) < working:
            status = SERVICES
        people.key[n_people] = person
        people.age[n_people] = age
        people.traits[n_people] = traits
        people.status[n_people] = status
        people.origin[n_people] = NOWHERE
        ledger.arrivals[place, traits & FEMALE, age] += 1
        ledger.arrivals_from[place, origin] += 1
        ledger.checksum[ADDED] += person
        n_people += 1
    households.first[n_households + 1] = n_people
    return n_people


@lean_kernel
def admit(
    counts: NDArray[np.int64],
    settlers: NDArray[np.int64],
    settlers_working: float,
    settler_origin: int,
    keys: NDArray[np.uint64],
    templates: Templates,
    arrivers: Arrivers,
    seed: np.uint64,
    year: int,
    people: People,
    n_people: int,
    households: Households,
    n_households: int,
    ledger: Ledger,
) -> tuple[int, int]:
    """Append the year's arriving households to the columns; returns persons and households in use."""
    key_salt = draws.salt(seed, year, draws.ARRIVAL_KEY)
    template_salt = draws.salt(seed, year, draws.ARRIVAL_TEMPLATE)
    settler_salt = draws.salt(seed, year, draws.SETTLER_KEY)
    for place in range(counts.shape[0]):
        for origin in range(counts.shape[1]):
            for rank in range(counts[place, origin]):
                key = newcomer_key(keys[place], keys[origin], U64(rank), key_salt)
                template = template_of(key, templates, template_salt, 0, 1_000_000)
                n_people = _settle(
                    key,
                    template,
                    place,
                    origin,
                    templates,
                    arrivers,
                    seed,
                    0.0,
                    people,
                    n_people,
                    households,
                    n_households,
                    ledger,
                )
                n_households += 1
        for rank in range(settlers[place]):
            key = draws.draw_alternative(keys[place] ^ SETTLER_ORIGIN, settler_salt, U64(rank))
            template = template_of(key, templates, template_salt, SETTLER_LEAST, SETTLER_LARGEST)
            n_people = _settle(
                key,
                template,
                place,
                settler_origin,
                templates,
                arrivers,
                seed,
                settlers_working,
                people,
                n_people,
                households,
                n_households,
                ledger,
            )
            n_households += 1
    return n_people, n_households
