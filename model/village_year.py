"""What befalls a village in a year beyond what befalls any place: kernels over places (docs/villages.md).

(V1) push_v = sd(n) z_v - sd(n)^2 / 2 - kappa_v (ln n_v - L_d) + gamma_s 1[school lost]
              + gamma_f exp(-(years since the farm closed) / d_f) 1[farm closed],
     sd(n) = min(s_max, sqrt(s_0^2 + s_1^2 / n)), z_v an AR(1) of variance 1;
     the hazard of leaving is times exp(push_v), arrivals are times exp(-push_v - sd^2) x people / people of 2015.
(V2) a farm of a village closes for good with chance h_f (200 / n)^e_f a year; its jobs go, those who worked there work
     on the own account, and for some years more people leave the whole village than their incomes tell (gamma_f).
(V3) S_v = own + a_v max(0, S_centre - own) exp(-km r / d_v), own = S x share of services open at the levels kept.
(V4) a village is given up with chance h_u (50 / n)^e_u a year, times b_u where neither farm, school nor medical point
     is left: from then on push_v = 4 and nobody arrives; the last go within a few years.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.choice import Places
from model.compiled import kernel, lean_kernel
from model.infrastructure import HEALTH, SCHOOL, services_share
from model.jobs import AGRICULTURE_SECTOR
from model.population import AGRICULTURE, HIDDEN, People
from model.settlements import Settlements

FARM_REFERENCE = 200.0  # people of the village that h_f is declared for
GIVEN_UP_REFERENCE = 50.0  # people of the village that h_u is declared for
GIVEN_UP_PUSH = (
    4.0  # log points: a rate of leaving of five per cent a year becomes one in which all leave [assumed]
)
MOST_GIVEN_UP = 0.05  # a year


class VillageState(NamedTuple):
    """Columns of the simulated places; towns never change theirs.

    Attributes:
        shock: float64 z of (V1). push: float64 this year's push. spread: float64 sd(n) of this year.
        farm: bool, stands. farm_closed, school_lost, medical_lost, given_up: int64 year, 0 where it has not happened.
        had_school, had_medical: bool on 1 January 2015.
    """

    shock: NDArray[np.float64]
    push: NDArray[np.float64]
    spread: NDArray[np.float64]
    farm: NDArray[np.bool_]
    farm_closed: NDArray[np.int64]
    school_lost: NDArray[np.int64]
    medical_lost: NDArray[np.int64]
    given_up: NDArray[np.int64]
    had_school: NDArray[np.bool_]
    had_medical: NDArray[np.bool_]


class VillageSettings(NamedTuple):
    """Values of the village parameters in a run (`data/villages/parameters.csv`)."""

    slope: float
    shock_sd: float
    shock_small: float
    shock_most: float
    shock_rho: float
    farm_closure: float
    farm_size: float
    farm_share: float
    farm_push: float
    farm_fade: float
    school_push: float
    services: float
    access: float
    access_km: float
    rough_road: float
    given_up: float
    given_up_size: float
    given_up_bare: float


@lean_kernel
def shock_spread(people: int, settings: VillageSettings) -> float:
    """sd(n) of (V1)."""
    variance = settings.shock_sd * settings.shock_sd + settings.shock_small * settings.shock_small / max(
        people, 1
    )
    return min(settings.shock_most, math.sqrt(variance))


@lean_kernel
def open_shocks(
    is_village: NDArray[np.bool_], seed: np.uint64, year: int, keys: NDArray[np.uint64], village: VillageState
) -> None:
    """Stationary start of z."""
    salted = draws.salt(seed, year, draws.VILLAGE_SHOCK)
    for place in range(is_village.shape[0]):
        village.shock[place] = draws.normal(keys[place], salted) if is_village[place] else 0.0


@lean_kernel
def advance_villages(
    is_village: NDArray[np.bool_],
    population: NDArray[np.int64],
    mean_log: NDArray[np.float64],
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
    settings: VillageSettings,
    state: Settlements,
    village: VillageState,
    hazard: NDArray[np.float64],
    return_chance: NDArray[np.float64],
) -> None:
    """This year's push (V1), (V4) on the hazards of leaving; nobody returns to a village that is empty or given up.

    `mean_log` float64[n_sim] is the person-weighted mean of ln people in the district in 2015: at the start the
    size term moves people between small and large villages of a district, not into or out of it.
    """
    salted = draws.salt(seed, year, draws.VILLAGE_SHOCK)
    give_up = draws.salt(seed, year, draws.VILLAGE_GIVEN_UP)
    rho = settings.shock_rho
    fresh = math.sqrt(1.0 - rho * rho)
    for place in range(is_village.shape[0]):
        if not is_village[place]:
            continue
        people = population[place]
        village.shock[place] = rho * village.shock[place] + fresh * draws.normal(keys[place], salted)
        sd = shock_spread(people, settings)
        push = sd * village.shock[place] - 0.5 * sd * sd
        push -= settings.slope * (math.log(max(people, 1)) - mean_log[place])
        if village.school_lost[place] > 0:
            push += settings.school_push
        if village.farm_closed[place] > 0:
            push += settings.farm_push * math.exp(-(year - village.farm_closed[place]) / settings.farm_fade)
        if village.given_up[place] == 0 and people > 0:
            chance = settings.given_up * (GIVEN_UP_REFERENCE / people) ** settings.given_up_size
            if (
                not village.farm[place]
                and state.level[place, HEALTH] == 0
                and state.level[place, SCHOOL] == 0
            ):
                chance *= settings.given_up_bare
            if draws.uniform(keys[place], give_up) < min(chance, MOST_GIVEN_UP):
                village.given_up[place] = year
        if village.given_up[place] > 0:
            push, sd = GIVEN_UP_PUSH, 0.0
        village.spread[place] = sd
        village.push[place] = push
        hazard[place] *= math.exp(push)
        if people == 0 or village.given_up[place] > 0:
            return_chance[place] = 0.0


@lean_kernel
def arrivals_factor(
    is_village: NDArray[np.bool_],
    population: NDArray[np.int64],
    population_2015: NDArray[np.int64],
    weight: float,
    village: VillageState,
    base_2015: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Level of arrivals of the year by place: a village draws newcomers in proportion to who is left (V1).

    Divided by what (13) itself does with the people of a place (`arrivals.arrival_level`), which keeps 1 - h of the
    arrivals of 2015 in a village that has emptied.
    """
    for place in range(is_village.shape[0]):
        out[place] = base_2015[place]
        if not is_village[place] or population_2015[place] == 0:
            continue
        relative = population[place] / population_2015[place]
        spread = village.spread[place]
        level = relative / (1.0 - weight + weight * relative) if relative > 0.0 else 0.0
        if village.given_up[place] > 0:
            level = 0.0
        out[place] = base_2015[place] * level * math.exp(-village.push[place] - spread * spread)


@lean_kernel
def close_farms(
    is_village: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    forced: NDArray[np.bool_],
    population: NDArray[np.int64],
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
    settings: VillageSettings,
    state: Settlements,
    village: VillageState,
    closing: NDArray[np.bool_],
) -> int:
    """(V2): farms that close this year, marked in `closing` bool[n_sim]; returns how many.

    `kept` bool[n_sim] are those that a policy keeps; `forced` close whatever chance says (an experiment).
    """
    salted = draws.salt(seed, year, draws.VILLAGE_FARM)
    n = 0
    for place in range(is_village.shape[0]):
        closing[place] = False
        if not is_village[place] or not village.farm[place]:
            continue
        chance = settings.farm_closure * (FARM_REFERENCE / max(population[place], 1)) ** settings.farm_size
        closes = draws.uniform(keys[place], salted) < chance and not kept[place]
        if closes or forced[place]:
            closing[place] = True
            village.farm[place] = False
            village.farm_closed[place] = year
            state.jobs_2015[place, AGRICULTURE_SECTOR] = 0.0
            n += 1
    return n


@kernel
def lay_off(
    people: People,
    n_people: int,
    residence: NDArray[np.uint16],
    closing: NDArray[np.bool_],
    state: Settlements,
) -> None:
    """Everyone who worked on a farm that closes works on the own account from now on, until hired again."""
    for i in range(n_people):
        if people.status[i] == AGRICULTURE and closing[residence[i]]:
            people.status[i] = HIDDEN
    for place in range(closing.shape[0]):
        if closing[place]:
            state.staff[place, AGRICULTURE_SECTOR] = 0


@lean_kernel
def show_village_services(
    is_village: NDArray[np.bool_],
    centre: NDArray[np.int64],
    centre_km: NDArray[np.float64],
    rough: NDArray[np.bool_],
    table: Any,
    settings: VillageSettings,
    state: Settlements,
    places: Places,
) -> None:
    """(V3): services that people of a village can use, its own and the centre's down the road."""
    for place in range(is_village.shape[0]):
        if is_village[place]:
            share = services_share(state.level[place, HEALTH], state.level[place, SCHOOL], table[0])
            own = settings.services * share + state.budget_services[place]
            places.services[place] = min(1.0, own)
    # Villages read their centre's own services, and centres of their own are among them: own first, then access
    for place in range(is_village.shape[0]):
        there = centre[place]
        if is_village[place] and there != place:
            share = services_share(state.level[place, HEALTH], state.level[place, SCHOOL], table[0])
            own = min(1.0, settings.services * share + state.budget_services[place])
            km = centre_km[place] * (settings.rough_road if rough[place] else 1.0)
            gain = max(0.0, places.services[there] - own)
            places.services[place] = own + settings.access * gain * math.exp(-km / settings.access_km)


@lean_kernel
def note_losses(is_village: NDArray[np.bool_], year: int, state: Settlements, village: VillageState) -> None:
    """Years in which a village lost its last school or medical point; a place that regains one forgets the loss."""
    for place in range(is_village.shape[0]):
        if not is_village[place]:
            continue
        if state.level[place, SCHOOL] > 0:
            village.school_lost[place] = 0
        elif village.had_school[place] and village.school_lost[place] == 0:
            village.school_lost[place] = year
        if state.level[place, HEALTH] > 0:
            village.medical_lost[place] = 0
        elif village.had_medical[place] and village.medical_lost[place] == 0:
            village.medical_lost[place] = year
