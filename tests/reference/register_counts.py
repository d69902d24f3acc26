"""Phase 9 in the observed years: as many households arrive as bring a settlement to its next official count."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from model.partings import departs
from tests.reference.places import Place, Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

Households = dict[Place, int]
Shift = dict[int, dict[int, int]]  # households by settlement and origin, by their indices


def counts_known(model: ReferenceModel) -> list[dict[Settlement, float]]:
    """Counts of the coming 1 January by year and settlement."""
    last = min(int(model.p.bound_until), model.horizon)
    tables = {
        place: model.world.accounts.table.get((place.id, "population_1jan"), {})
        for place in model.settlements
    }
    start = model.world.start
    founded = {
        place: table
        for place, table in tables.items()
        if start in table and table[start].value == model.world.founding_population[place.index]
    }
    return [
        {
            place: table[year].value * model.founding.replicates
            for place, table in founded.items()
            if year in table
        }
        for year in range(start + 1, last + 1)
    ]


def run_without_policies(model: ReferenceModel) -> ReferenceModel | None:
    """The run without policies to the last known count, where policies change the years before it."""
    years = len(model.counts_known)
    if not years or not departs(model.world, model.levers, model.world.start + years):
        return None
    plain = type(model)(
        model.world, model.founding, model.values, model.seed, None, model.world.start + years
    )
    for _ in range(years):
        plain.step()
    return plain


def persons_to_come(settlement: Settlement, count: float) -> float:
    """What is missing after the moves of the year and the births and deaths to be expected."""
    stays = 0.0
    lives = 1.0 - 0.5 * (settlement.newborn_death[0] + settlement.newborn_death[1])
    for cell in sorted(
        {*settlement.stock, *settlement.arrivals}
    ):  # the engine's order: sums equal to the last bit
        female, age = cell
        people = settlement.stock[cell] - settlement.departures[cell] + settlement.arrivals[cell]
        stays += people * (1.0 - settlement.death[int(female)][age])
        if female:
            stays += people * settlement.birth[age] * lives
    return count - stays


MOST_PUSH = 4.0


def meet_count(
    settlement: Settlement,
    count: float,
    mean: dict[Place, float],
    drawn: Households,
    size_of: Callable[[Place, int], int],
) -> Households:
    """Numbers of arriving households by origin, changed one by one until the next would miss by more."""
    counts, push = dict(drawn), settlement.push
    missing = persons_to_come(settlement, count)
    missing -= sum(size_of(origin, rank) for origin, number in counts.items() for rank in range(number))
    grows, pushed = missing > 0.0, None
    while (missing > 0.0) == grows:
        if grows:
            shares = {origin: mean[origin] / (counts[origin] + 1) for origin in counts if mean[origin] > 0.0}
        else:
            shares = {o: counts[o] / max(mean[o], 1e-9) for o in counts if counts[o] > 0}
        if not shares:
            if not grows:
                leavers = 1.0 + sum(settlement.departures.values())
                pushed = min(MOST_PUSH, push * (1.0 - missing / leavers))
            break
        origin = min(shares, key=lambda one: (-shares[one], one.index))
        size = size_of(origin, counts[origin] if grows else counts[origin] - 1)
        if math.fabs(missing) < 0.5 * size:
            break
        counts[origin] += 1 if grows else -1
        missing += -size if grows else size
    if pushed is not None:
        settlement.push = pushed
    elif sum(counts.values()) >= sum(drawn.values()):
        settlement.push = 1.0
    return counts
