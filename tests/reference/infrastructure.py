"""Phase 2: wear of networks (18), services by norm (19), rents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tests.reference.places import NETWORKS, Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

HEALTH, SCHOOL = 0, 1
NORMS = ((50.0, 500.0, 1500.0, 5000.0), (5.0, 41.0, 81.0))  # persons; pupils
CAPACITY = ((0.0, 0.1, 0.3, 0.6, 1.0), (0.0, 0.3, 0.6, 1.0))  # open at each level kept [assumed]
DWELLINGS_PER_HOUSEHOLD = 1.05  # [assumed]


def wear_out(settlement: Settlement, model: ReferenceModel) -> None:
    """(18) w' = w + delta (1 - w) - Inv / (c L) within [0, 1]; the budget renews in proportion to cost."""
    p, i, t = model.p, settlement.index, model.t
    scale = float(settlement.population_2015) / 7000.0
    lengths = [p.heat_km * scale, p.water_km * scale, p.sewer_km * scale, p.road_km * scale]
    costs = [p.heat_cost, p.water_cost, p.water_cost, p.road_cost]
    worth = [cost * length for cost, length in zip(costs, lengths, strict=True)]
    value = 0.0
    for network in NETWORKS:
        value += worth[network]
    budget = float(model.outlook.budget[t, i]) + float(model.levers.extra_budget[t, i])
    local = p.network_share * budget * settlement.population / 1000.0
    settlement.investment = local
    for network in NETWORKS:
        spent = float(model.levers.renewal[t, i, network])
        settlement.investment += spent
        renewed = 0.0
        if value > 0.0:
            renewed = local / value + (spent / worth[network] if worth[network] > 0.0 else 0.0)
        wear = settlement.wear[network]
        wear = wear + p.delta_w * (1.0 - wear) - renewed
        settlement.wear[network] = min(1.0, max(0.0, wear))


def level_reached(count: int, facility: int) -> int:
    """Number of norms that a count of persons or pupils meets."""
    return sum(count >= norm for norm in NORMS[facility])


def share_open(level: list[int], p: Any) -> float:
    """Share of public services open at these levels of health and school."""
    health, school = 1.0 - CAPACITY[HEALTH][level[HEALTH]], 1.0 - CAPACITY[SCHOOL][level[SCHOOL]]
    return 1.0 - (p.health_weight * health + p.school_weight * school)  # type: ignore[no-any-return]


def review_services(settlement: Settlement, model: ReferenceModel) -> None:
    """(19) A level is lost after `loss_years` below its norm, restored at `restoration` times the norm."""
    p, i, t = model.p, settlement.index, model.t
    for facility, count in ((HEALTH, settlement.population), (SCHOOL, settlement.pupils)):
        norms, level = NORMS[facility], settlement.level[facility]
        if level > 0 and count < norms[level - 1] and not model.levers.services_kept[t, i, facility]:
            settlement.below[facility] += 1
            if settlement.below[facility] >= p.loss_years:
                settlement.level[facility] = level - 1
                settlement.below[facility] = 0
            continue
        settlement.below[facility] = 0
        if level < len(norms) and count >= p.restoration * norms[level]:
            settlement.level[facility] = level + 1
    settlement.services_open = share_open(settlement.level, p) / share_open(settlement.level_2015, p)
    settlement.budget_services = p.budget_services * float(model.levers.extra_budget[t, i]) / 50.0


def show(
    settlement: Settlement, model: ReferenceModel, rent_factor: float, built: float, reused: float
) -> None:
    """What the place offers: Q = mean(1 - wear), S, and rent by occupied dwellings, flats of policies among them."""
    kept = 0.0
    for network in NETWORKS:
        kept += 1.0 - settlement.wear[network]
    settlement.quality = kept / 4
    services = float(model.world.services_S[settlement.index]) * settlement.services_open
    settlement.services = min(1.0, services + settlement.budget_services)
    empty = max(0.0, settlement.dwellings - settlement.households)
    offered = settlement.dwellings + built + min(reused, empty)
    homes = max(offered / DWELLINGS_PER_HOUSEHOLD, 1.0)
    occupied = math.log(max(settlement.households, 1) / homes)
    rent_2015 = float(model.world.rent_index[settlement.index])
    settlement.rent = rent_2015 * rent_factor * math.exp(model.p.rent_elasticity * occupied)
