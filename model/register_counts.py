"""Runs meet the counts that are known: in the observed years arrivals make up what the year would miss.

A forecast starts from what is known today. Chance and parameters alone would leave a town of 7,000 some 130 persons
off its last count after six years, and every later year would carry that gap. So, as long as counts are known
(`bound_until`), the households that arrive are as many as bring the place to its next count: those drawn by (13), with
as many taken away or added as the moves already made and the births and deaths to be expected leave to be done.
Chance in births and deaths remains, within the year. Where nobody arriving is not enough, the rest is carried into the
next year, in which people leave that much more readily (`push`), until arrivals need not be cut any more. What was
changed is kept: a policy that acts in the observed years gets the same changes on top of what it draws itself, so that
its effect is not undone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.accounts import Ledger
from model.arrivals import newcomer_key, template_of
from model.compiled import lean_kernel
from model.demography import Vital
from model.draws import U64
from model.population import Templates
from model.world import World

COUNTS = "population_1jan"
MOST_PUSH = 4.0  # however wrong a count, nobody leaves more than four times as readily


def known_counts(world: World, until: int, horizon: int) -> NDArray[np.float64]:
    """Counts that the runs meet, float64[years, n_sim]; NaN where a place has none. Row 0: a year after the start.

    Args:
        until: last 1 January whose count is met; none where it does not lie after the world's start.

    A world of villages has counts of few places, and sums of districts only: none is met. Nor is that of a place
    which was founded with other people than its first count says (a world scaled for a measurement).
    """
    last = min(until, horizon)
    years = range(world.start + 1, last + 1) if world.villages is None else range(0)
    counts = np.full((len(years), world.n_sim), np.nan)
    for place, place_id in enumerate(world.ids[: world.n_sim]):
        known = world.accounts.table.get((place_id, COUNTS), {})
        if world.start not in known or known[world.start].value != world.founding_population[place]:
            continue
        for t, year in enumerate(years):
            if year in known:
                counts[t, place] = known[year].value
    return counts


@lean_kernel
def persons_to_come(place: int, count: float, ledger: Ledger, vital: Vital) -> float:
    """Persons who must arrive for a place to stand at its count after the births and deaths to be expected.

    Who moves away or in during the year is already in the ledger; births and deaths of movers are neglected.
    """
    here = 0.0
    for sex in range(2):
        for age in range(ledger.stock.shape[2]):
            people = float(
                ledger.stock[place, sex, age]
                - ledger.departures[place, sex, age]
                + ledger.arrivals[place, sex, age]
            )
            here += people * (1.0 - vital.death[place, sex, age])
            # Half of the children are girls as far as this expectation goes
            child_lives = 1.0 - 0.5 * (vital.newborn[place, 0] + vital.newborn[place, 1])
            here += people * vital.birth[place, sex, age] * child_lives
    return count - here


@lean_kernel
def meet_counts(
    count: NDArray[np.float64],
    mean: NDArray[np.float64],
    keys: NDArray[np.uint64],
    templates: Templates,
    seed: np.uint64,
    year: int,
    ledger: Ledger,
    vital: Vital,
    counts: NDArray[np.int64],
    shift: NDArray[np.int64],
    push: NDArray[np.float64],
    next_push: NDArray[np.float64],
) -> None:
    """Change the drawn numbers of arriving households so that the places meet their next counts.

    Households come and go one by one, by rank: origins keep their shares of the expected arrivals (d'Hondt).
    Where more people must be missing than arrive, nobody arrives and the hazards of the next year are pushed up.

    Args:
        count: float64[n_sim] the counts of the coming 1 January, NaN for none.
        mean: float64[n_sim, n_all] expected households by origin; where it is 0 nobody is added.
        counts: int64[n_sim, n_all] households drawn, changed. shift: int64[n_sim, n_all] filled with the change.
        push, next_push: float64[n_sim] factors on the hazards of this year and, filled, of the next.
    """
    key_salt = draws.salt(seed, year, draws.ARRIVAL_KEY)
    template_salt = draws.salt(seed, year, draws.ARRIVAL_TEMPLATE)
    n_sim, n_all = counts.shape
    shift[:] = 0
    for place in range(n_sim):
        next_push[place] = push[place]
        if not np.isfinite(count[place]):
            continue
        missing = persons_to_come(place, count[place], ledger, vital)
        for origin in range(n_all):
            for rank in range(counts[place, origin]):
                missing -= _size(place, origin, rank, keys, templates, key_salt, template_salt)
        grows, added = missing > 0.0, 0
        while True:
            origin = _next_origin(mean[place], counts[place], grows)
            if origin < 0:
                break
            rank = counts[place, origin] if grows else counts[place, origin] - 1
            size = _size(place, origin, rank, keys, templates, key_salt, template_salt)
            if abs(missing) < 0.5 * size:
                break
            step = 1 if grows else -1
            missing -= step * size
            counts[place, origin] += step
            shift[place, origin] += step
            added += step
            if (missing > 0.0) != grows:
                break
        if added >= 0:
            next_push[place] = 1.0
        if not grows and origin < 0:
            next_push[place] = pushed(push[place], -missing, place, ledger)


@lean_kernel
def pushed(push: float, too_many: float, place: int, ledger: Ledger) -> float:
    """Factor on the hazards of the next year where this year left too many persons."""
    leavers = 1.0
    for sex in range(2):
        for age in range(ledger.departures.shape[2]):
            leavers += ledger.departures[place, sex, age]
    return min(MOST_PUSH, push * (1.0 + max(0.0, too_many) / leavers))


@lean_kernel
def add_shift(shift: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    """Add the households that the run without policies needed; less than none cannot arrive."""
    for place in range(counts.shape[0]):
        for origin in range(counts.shape[1]):
            counts[place, origin] = max(0, counts[place, origin] + shift[place, origin])


@lean_kernel
def _size(
    place: int,
    origin: int,
    rank: int,
    keys: NDArray[np.uint64],
    templates: Templates,
    key_salt: np.uint64,
    template_salt: np.uint64,
) -> float:
    """Persons in the household of this rank among those who arrive."""
    key = newcomer_key(keys[place], keys[origin], U64(rank), key_salt)
    template = template_of(key, templates, template_salt, 0, 1_000_000)
    return float(templates.first[template + 1] - templates.first[template])


@lean_kernel
def _next_origin(mean: NDArray[np.float64], counts: NDArray[np.int64], grows: bool) -> int:
    """Origin that gets the next household, or gives one up: its share stays nearest to the expected one; -1 none."""
    best, chosen = 0.0, -1
    for origin in range(mean.shape[0]):
        if grows:
            if mean[origin] > 0.0 and mean[origin] / (counts[origin] + 1) > best:
                best, chosen = mean[origin] / (counts[origin] + 1), origin
        elif counts[origin] > 0 and counts[origin] / max(mean[origin], 1e-9) > best:
            best, chosen = counts[origin] / max(mean[origin], 1e-9), origin
    return chosen
