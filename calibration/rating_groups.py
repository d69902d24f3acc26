"""Steps 1 and 2 of the rating: criteria by which settlements are rated and the groups they belong to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from calibration.rating_figures import travel_hours
from calibration.rating_system import RatingSystem
from model.world import World

SMALL_TOWN: Final = "small town"
SINGLE_INDUSTRY: Final = "single-industry town"
BORDER: Final = "border settlement"
VILLAGES: Final = "villages"
SUPPORT_VILLAGE: Final = "support village"
CENTRE: Final = "regional centre (rated for comparison)"
NOT_KNOWN: Final = "not known"


@dataclass(frozen=True, slots=True)
class Criteria:
    """What of a settlement decides its groups (step 1).

    Attributes:
        population: persons on 1 January of the world's start. border_km: to the schematic border with Russia; NaN
            where the place has no coordinates. centre_hours: by road. largest_employer: percent of the employed at
            one employer, NaN where no questionnaire says it.
    """

    place: str
    kind: str
    population: float
    border_km: float
    centre_hours: float
    largest_employer: float


def criteria_of(
    world: World,
    system: RatingSystem,
    distances: Mapping[str, float],
    employers: Mapping[str, float],
) -> list[Criteria]:
    """Criteria of every simulated place."""
    return [
        Criteria(
            place,
            world.kind[p],
            float(world.founding_population[p]),
            distances.get(place, math.nan),
            travel_hours(world, p, system),
            employers.get(place, math.nan),
        )
        for p, place in enumerate(world.ids[: world.n_sim])
    ]


def groups_of(one: Criteria, system: RatingSystem) -> tuple[list[str], list[str]]:
    """Groups of a settlement (step 2), and the groups of which it cannot be said whether it belongs.

    a) towns of up to 50 thousand; b) towns that hang on one enterprise; c) up to 50 km from the state border;
    d) villages and support villages. A rural district is a sum of villages; which of them are support villages is
    in no table.
    """
    groups: list[str] = []
    unknown: list[str] = []
    if one.kind == "rural_district":
        groups.append(VILLAGES)
        unknown.append(SUPPORT_VILLAGE)
    elif one.kind == "town" and one.population <= system.value("small_town"):
        groups.append(SMALL_TOWN)
    elif one.kind != "town":
        groups.append(CENTRE)
    if one.kind == "town":
        if math.isnan(one.largest_employer):
            unknown.append(SINGLE_INDUSTRY)
        elif one.largest_employer >= system.value("single_industry"):
            groups.append(SINGLE_INDUSTRY)
    if math.isnan(one.border_km):
        unknown.append(BORDER)
    elif one.border_km <= system.value("border_zone"):
        groups.append(BORDER)
    return groups, unknown


def rated_groups(criteria: Sequence[Criteria], system: RatingSystem) -> dict[str, list[str]]:
    """Places by group, groups in the paper's order."""
    order = (SMALL_TOWN, SINGLE_INDUSTRY, BORDER, VILLAGES, CENTRE)
    by_group: dict[str, list[str]] = {group: [] for group in order}
    for one in criteria:
        for group in groups_of(one, system)[0]:
            by_group[group].append(one.place)
    return by_group
