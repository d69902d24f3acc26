"""Policies for villages: what they change in a run, and what they cost."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.infrastructure import HEALTH, HEALTH_CAPACITY, HEALTH_NORMS, SCHOOL, SCHOOL_CAPACITY, SCHOOL_NORMS
from model.levers import Levers, neutral_levers
from model.village_engine import VillageLevers, VillageRecord, neutral_village_levers
from model.world import World
from scenarios.unit_costs import unit_cost

FIRST_YEAR = 2022  # the year after the observed window that a government could begin in
SUPPORTED = 3  # villages of a district that are supported, the largest but the seat
BUDGET = 50.0  # thousand KZT a head and year at 2020 prices, for supported villages
FAMILIES = 2.0  # settler families a year and supported village
FARM_SUBSIDY = 0.10  # of the wages of every farm that stands, for keeping it [assumed]
SHARED_ROAD = 0.5  # share of a village's road that another village's mending pays for already [assumed]
MONTHS = 12.0
NORMS = {HEALTH: HEALTH_NORMS, SCHOOL: SCHOOL_NORMS}
CAPACITIES = {HEALTH: HEALTH_CAPACITY, SCHOOL: SCHOOL_CAPACITY}
WEIGHTS = {HEALTH: "health_weight", SCHOOL: "school_weight"}
LEVELS = {HEALTH: "health_level", SCHOOL: "school_level"}
COUNTS = {HEALTH: "population", SCHOOL: "pupils"}
Booleans = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class VillagePolicy:
    """A policy: where services and farms are kept, roads mended, money and families given.

    Attributes:
        services, farms, roads, budget, families: "", "all" villages or the "supported" ones. `dispersed` spreads
            the budget of the supported villages over all by head.
    """

    name: str
    title: str
    services: str = ""
    farms: str = ""
    roads: str = ""
    budget: str = ""
    families: str = ""
    dispersed: bool = False


POLICIES: dict[str, VillagePolicy] = {
    policy.name: policy
    for policy in (
        VillagePolicy("services_kept", "Schools and medical points kept everywhere", services="all"),
        VillagePolicy("roads", "Rough roads mended everywhere", roads="all"),
        VillagePolicy("farms_kept", "Farms kept everywhere by a subsidy on wages", farms="all"),
        VillagePolicy(
            "supporting", "Supporting villages: services, farms, budget for three a district",
            services="supported", farms="supported", budget="supported",
        ),
        VillagePolicy("dispersed", "The same budget spread over all villages by head", budget="all", dispersed=True),
        VillagePolicy("settlers", "Two settler families a year for every supporting village", families="supported"),
    )
}  # fmt: skip


def supported(world: World) -> Booleans:
    """The largest villages of every district in 2015 but its seat, bool[n_sim]."""
    villages = world.villages
    assert villages is not None
    chosen = np.zeros(world.n_sim, np.bool_)
    for district in np.unique(villages.district[villages.is_village]):
        own = np.flatnonzero(villages.is_village & (villages.district == district))
        own = own[villages.centre[own] != own]
        order = np.lexsort((own, -world.founding_population[own]))
        chosen[own[order[:SUPPORTED]]] = True
    return chosen


def _where(scope: str, world: World) -> Booleans:
    villages = world.villages
    assert villages is not None
    none = np.zeros(world.n_sim, np.bool_)
    return {"": none, "all": villages.is_village, "supported": supported(world)}[scope]


def _money(policy: VillagePolicy, world: World) -> Floats:
    """Budget a head by place, thousand KZT a year."""
    if not policy.budget:
        return np.zeros(world.n_sim)
    where = _where(policy.budget, world)
    if not policy.dispersed:
        return np.where(where, BUDGET, 0.0)
    people = world.founding_population
    share = people[supported(world)].sum() / people[where].sum()
    return np.where(where, BUDGET * share, 0.0)


def pull(
    policy: VillagePolicy | None, world: World, horizon: int, under: Levers | None = None
) -> tuple[Levers, VillageLevers]:
    """Levers of a policy in one world of villages; None pulls none. `under`: levers of a future, left as they are."""
    levers = neutral_levers(world, horizon) if under is None else copy.deepcopy(under)
    own = neutral_village_levers(world, horizon)
    if policy is None:
        return levers, own
    late = slice(max(0, FIRST_YEAR - world.start), None)
    for facility in (HEALTH, SCHOOL):
        levers.services_kept[late, :, facility] |= _where(policy.services, world)
    levers.extra_budget[late] += _money(policy, world)
    levers.settlers[late] += np.where(_where(policy.families, world), FAMILIES, 0.0)
    own.farm_kept[late] |= _where(policy.farms, world)
    own.road_mended[late] |= _where(policy.roads, world)
    return levers, own


def cost(
    policy: VillagePolicy, world: World, record: VillageRecord, defaults: Callable[[str], float]
) -> Floats:
    """Public cost of a policy by year, million KZT at 2020 prices, float64[years]; `defaults` gives parameters."""
    villages = world.villages
    assert villages is not None
    years = len(record.years) - 1
    spent = np.zeros(years)
    active = np.arange(years) >= FIRST_YEAR - world.start
    running = unit_cost("running_factor", world.drivers)
    wage, people = record.column("wage")[:-1], record.column("population")[:-1]
    if policy.services:
        where = _where(policy.services, world)
        for facility in (HEALTH, SCHOOL):
            level = record.column(LEVELS[facility])[:-1].astype(np.int64)
            count = record.column(COUNTS[facility])[:-1]
            normal = np.minimum(level, np.searchsorted(NORMS[facility], count, side="right"))
            capacity = np.array(CAPACITIES[facility])
            kept = defaults(WEIGHTS[facility]) * (capacity[level] - capacity[normal])
            posts = kept * record.column("jobs_public")[:-1]
            spent += (posts * wage * MONTHS * running * where).sum(axis=1) / 1e6
    spent += (people * _money(policy, world)).sum(axis=1) / 1000.0
    if policy.families:
        families = FAMILIES * _where(policy.families, world).sum()
        spent += families * unit_cost("settler_family", world.drivers)
    if policy.farms:
        jobs = record.column("jobs_agriculture")[:-1] * record.farm[:-1]
        spent += (jobs * wage * MONTHS * FARM_SUBSIDY * _where(policy.farms, world)).sum(axis=1) / 1e6
    if policy.roads:
        km = float(villages.centre_km[_where(policy.roads, world) & villages.rough_road].sum())
        at = FIRST_YEAR - world.start
        if at < years:
            spent[at] += km * SHARED_ROAD * defaults("road_cost")
    return np.asarray(np.where(active, spent, 0.0))
