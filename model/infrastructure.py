"""Phase 2: wear of networks, services kept by norm, rents (equations 18 and 19)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.choice import Places
from model.compiled import lean_kernel
from model.settlements import NETWORKS, Settlements

REFERENCE_TOWN = 7000.0  # network lengths are declared for a town of this size
HEALTH = 0
SCHOOL = 1
# Norms (specification (19), state network norm of health organisations): persons for health, pupils for schools.
HEALTH_NORMS = (50.0, 500.0, 1500.0, 5000.0)
SCHOOL_NORMS = (5.0, 41.0, 81.0)
# Share of the facility's capacity open at each level kept [assumed].
HEALTH_CAPACITY = (0.0, 0.1, 0.3, 0.6, 1.0)
SCHOOL_CAPACITY = (0.0, 0.3, 0.6, 1.0)
BUDGET_STEP = 50.0  # thousand KZT a head, the unit of `budget_services`


@lean_kernel
def network_lengths(persons: float, settings: Any) -> tuple[float, float, float, float]:
    """Kilometres of heat, water, sewer and street networks of a place of that size in 2015."""
    scale = persons / REFERENCE_TOWN
    return (
        settings.heat_km * scale,
        settings.water_km * scale,
        settings.sewer_km * scale,
        settings.road_km * scale,
    )


@lean_kernel
def network_costs(settings: Any) -> tuple[float, float, float, float]:
    """Renewal cost of the four networks, million KZT a km at 2020 prices."""
    return settings.heat_cost, settings.water_cost, settings.water_cost, settings.road_cost


@lean_kernel
def wear_out(
    state: Settlements,
    population_2015: NDArray[np.int64],
    budget: NDArray[np.float64],
    renewal: NDArray[np.float64],
    table: Any,
) -> None:
    """Equation (18): w' = w + delta (1 - w) - Inv / (c L), within [0, 1].

    Args:
        budget: float64[n_sim] local budget a head, thousand KZT at 2020 prices; its `network_share` renews
            the networks, in proportion to what renewing each would cost.
        renewal: float64[n_sim, 4] million KZT a year of policies, by network.
    """
    settings = table[0]
    costs = network_costs(settings)
    for place in range(population_2015.shape[0]):
        lengths = network_lengths(float(population_2015[place]), settings)
        value = 0.0
        for network in range(NETWORKS):
            value += costs[network] * lengths[network]
        local = settings.network_share * budget[place] * state.population[place] / 1000.0
        state.investment[place] = local
        for network in range(NETWORKS):
            worth = costs[network] * lengths[network]
            spent = renewal[place, network]
            state.investment[place] += spent
            renewed = local / value + (spent / worth if worth > 0.0 else 0.0) if value > 0.0 else 0.0
            wear = state.wear[place, network]
            wear = wear + settings.delta_w * (1.0 - wear) - renewed
            state.wear[place, network] = min(1.0, max(0.0, wear))


@lean_kernel
def level_reached(count: float, norms: tuple[float, ...]) -> int:
    """Number of norms that a count of persons or pupils meets."""
    level = 0
    for norm in norms:
        if count >= norm:
            level += 1
    return level


@lean_kernel
def _review(
    place: int,
    facility: int,
    count: float,
    norms: tuple[float, ...],
    kept: bool,
    settings: Any,
    state: Settlements,
) -> None:
    """Equation (19): a level is lost after `loss_years` in a row below its norm, back at `restoration` times it."""
    level = state.level[place, facility]
    if level > 0 and count < norms[level - 1] and not kept:
        state.below[place, facility] += 1
        if state.below[place, facility] >= settings.loss_years:
            state.level[place, facility] = level - 1
            state.below[place, facility] = 0
        return
    state.below[place, facility] = 0
    if level < len(norms) and count >= settings.restoration * norms[level]:
        state.level[place, facility] = level + 1


@lean_kernel
def services_share(health: int, school: int, settings: Any) -> float:
    """Equation (3), share of public services open at these levels: health, school, and the rest that always stays."""
    lost = settings.health_weight * (1.0 - HEALTH_CAPACITY[health]) + settings.school_weight * (
        1.0 - SCHOOL_CAPACITY[school]
    )
    return 1.0 - lost


@lean_kernel
def review_services(
    state: Settlements,
    level_2015: NDArray[np.int64],
    services_kept: NDArray[np.bool_],
    extra_budget: NDArray[np.float64],
    table: Any,
) -> None:
    """Equation (19): facilities by population and pupils; `services_kept` bool[n_sim, 2] suspends losses (a policy).

    `extra_budget` (thousand KZT a head above the baseline) adds to the quality of services.
    """
    settings = table[0]
    for place in range(level_2015.shape[0]):
        people, pupils = float(state.population[place]), float(state.pupils[place])
        _review(place, HEALTH, people, HEALTH_NORMS, services_kept[place, HEALTH], settings, state)
        _review(place, SCHOOL, pupils, SCHOOL_NORMS, services_kept[place, SCHOOL], settings, state)
        now = services_share(state.level[place, HEALTH], state.level[place, SCHOOL], settings)
        then = services_share(level_2015[place, HEALTH], level_2015[place, SCHOOL], settings)
        state.services_open[place] = now / then
        state.budget_services[place] = settings.budget_services * extra_budget[place] / BUDGET_STEP


@lean_kernel
def show_places(
    state: Settlements,
    services_2015: NDArray[np.float64],
    rent_2015: NDArray[np.float64],
    rent_factor: NDArray[np.float64],
    built: NDArray[np.float64],
    reused: NDArray[np.float64],
    table: Any,
    places: Places,
) -> None:
    """What the simulated places offer this year: Q = mean(1 - wear), S, and rent by occupied dwellings.

    `built` and `reused` (flats, policies) add to the dwellings on offer. An abandoned flat that nobody may use
    offers nothing, though it stands in the stock of 2015; hence a flat given back counts beside it, as long as
    that many stand empty [assumed].
    """
    settings = table[0]
    for place in range(state.population.shape[0]):
        kept = 0.0
        for network in range(NETWORKS):
            kept += 1.0 - state.wear[place, network]
        places.quality[place] = kept / NETWORKS
        services = services_2015[place] * state.services_open[place] + state.budget_services[place]
        places.services[place] = min(1.0, services)
        empty = max(0.0, state.dwellings[place] - state.households[place])
        offered = state.dwellings[place] + built[place] + min(reused[place], empty)
        occupied = max(state.households[place], 1) / max(offered / DWELLINGS_PER_HOUSEHOLD, 1.0)
        places.rent[place] = (
            rent_2015[place] * rent_factor[place] * math.exp(settings.rent_elasticity * math.log(occupied))
        )


DWELLINGS_PER_HOUSEHOLD = 1.05  # five per cent stood empty in 2015 [assumed]
