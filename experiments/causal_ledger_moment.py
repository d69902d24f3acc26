"""One year of two paired runs just before people move: what each expects, and what one channel alone would change.

Both runs stand in front of the same phases. A channel is swapped by putting one table of the policy's run into the
reference's state and asking the model's own equations (10)-(13) how many people they expect to come and to go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from model.arrivals import SETTLER_LARGEST, SETTLER_LEAST, count_settlers, mean_arrivals
from model.choice import Choice, Places, advantages, new_choice, tabulate
from model.engine import Engine
from model.expected_moves import Leavers, expect_flows, expect_leavers, new_leavers
from model.migration import RETURN_FIRST_AGE, Incomes
from model.outlook import LAST_OBSERVED_FLOWS
from model.population import Households, People
from model.readiness import Readiness

OWN_INCOME, OWN_WORK, OTHER_INCOME = "incomes in the town", "who has work in the town", "incomes elsewhere"
NETWORKS, SERVICES, RENT = "networks (Q)", "services (S)", "rents"
RUSSIA, YOUTH = "Russia: odds and border", "youth: leaving to study, returning"
SETTLERS, HINTERLAND, ATTACHMENT = "settlers' programme", "hinterland", "attachment of those who stay"
PEOPLE = "who lives there"
CHANNELS = (
    OWN_INCOME, OWN_WORK, OTHER_INCOME, NETWORKS, SERVICES, RENT, RUSSIA, YOUTH, SETTLERS, HINTERLAND, ATTACHMENT,
    PEOPLE,
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """All that the phases of moving and arriving see of a run in one year; arrays are the run's own, only read.

    Attributes:
        engine: the run, for what both runs of a pair share (parameters, seed, origins, normalisation).
        people, households, n_households: columns. registered: register of students outside, as (age, origin).
        places, alpha, incomes, readiness: tables of the year. alpha is that of moves.
        settlers: families a year by place. hinterland: size of external hinterlands.
        population: residents on 1 January. arrival_base: mean outside arrivals of 2015, with the regime of the year.
    """

    engine: Engine
    people: People
    households: Households
    n_households: int
    registered: tuple[NDArray[np.uint8], NDArray[np.uint16]]
    places: Places
    alpha: float
    incomes: Incomes
    readiness: Readiness
    settlers: NDArray[np.float64]
    hinterland: NDArray[np.float64]
    population: NDArray[np.int64]
    arrival_base: NDArray[np.float64]


def moment_of(engine: Engine) -> Moment:
    """The moment of an engine that has run the phases of its year up to perceived incomes."""
    t, n = engine.t, engine.n_students
    base = engine.arrival_base
    if engine.year > LAST_OBSERVED_FLOWS:
        base = base * engine.regime_arrivals
    return Moment(
        engine,
        engine.people,
        engine.households,
        engine.n_households,
        (engine.students.age[:n], engine.students.origin[:n]),
        engine.places,
        engine.alpha,
        engine.incomes,
        engine.readiness,
        engine.levers.settlers[t],
        engine.outlook.hinterland[t],
        engine.state.population,
        base,
    )


class Expectation:
    """Evaluates moments of one place; holds the tables it fills."""

    def __init__(self, engine: Engine, place: int) -> None:
        """Room for the tables of a world; `place` is the simulated place whose moves are counted."""
        n_sim, n_all = engine.world.n_sim, engine.world.n_all
        self.place = place
        self._choice: Choice = new_choice(n_sim, n_all)
        self._leavers: Leavers = new_leavers(n_sim)
        self._flows: NDArray[np.float64] = np.zeros((n_sim, n_all))
        self._advantage: NDArray[np.float64] = np.zeros((n_sim, n_all))
        self._mean: NDArray[np.float64] = np.zeros((n_sim, n_all))
        self._family = _mean_family(engine)

    def __call__(self, seen: Moment) -> NDArray[np.float64]:
        """Expected persons who leave and who arrive in the place within the year, float64[2]."""
        engine, n_sim = seen.engine, seen.engine.world.n_sim
        tabulate(n_sim, seen.places, engine.table, seen.alpha, self._choice)
        expect_leavers(
            seen.people,
            seen.households,
            seen.n_households,
            seen.incomes,
            seen.readiness,
            self._choice,
            engine.table,
            self._leavers,
        )
        expect_flows(n_sim, self._leavers, self._choice, seen.places, engine.table, seen.alpha, self._flows)
        arriving = float(self._flows[:, self.place].sum()) + self.from_outside(seen)
        return np.array([self._flows[self.place].sum(), arriving])

    def from_outside(self, seen: Moment) -> float:
        """Expected persons from outside: households of (13), the settlers' programme, returning students."""
        return self.households_from_outside(seen) + self._settlers(seen) + self._returning(seen)

    def households_from_outside(self, seen: Moment) -> float:
        """Expected persons in households of equation (13)."""
        engine = seen.engine
        advantages(
            engine.world.n_sim,
            engine.origins,
            seen.places,
            engine.table,
            float(engine.norm.alpha[0]),
            self._advantage,
        )
        mean_arrivals(
            seen.arrival_base / engine.founding.template_size,
            engine.origin_share,
            engine.world.hinterland[: engine.world.n_sim],
            engine.settings.hinterland_weight,
            seen.hinterland,
            seen.population / engine.population_2015,
            self._advantage,
            engine.advantage_2015,
            self._mean,
        )
        return float(self._mean[self.place].sum()) * engine.founding.template_size

    def _settlers(self, seen: Moment) -> float:
        """Families of the programme who stay (counted as in the run, keyed) times the mean size of such a family."""
        engine = seen.engine
        counts = np.zeros(engine.world.n_sim, np.int64)
        count_settlers(
            seen.settlers, engine.settings.settlers_returning, engine.keys, engine.seed, engine.year, counts
        )
        return float(counts[self.place]) * self._family

    def _returning(self, seen: Moment) -> float:
        ages, origins = seen.registered
        due = int(((ages >= RETURN_FIRST_AGE) & (origins == self.place)).sum())
        return due * float(seen.readiness.return_chance[self.place])


def _mean_family(engine: Engine) -> float:
    """Mean size of a settler family: templates of four or five persons are chosen alike."""
    sizes = np.diff(engine.founding.templates.first)
    fitting = sizes[(sizes >= SETTLER_LEAST) & (sizes <= SETTLER_LARGEST)]
    return float(fitting.mean()) if fitting.size else 0.0


Swap = Callable[[Moment, Moment, int], Moment]


def _own_income(one: Moment, other: Moment, place: int) -> Moment:
    here = np.arange(len(one.places.income)) == place
    return _with_incomes(one, other, here)


def _other_income(one: Moment, other: Moment, place: int) -> Moment:
    elsewhere = np.arange(len(one.places.income)) != place
    return _with_incomes(one, other, elsewhere)


def _with_incomes(one: Moment, other: Moment, where: NDArray[np.bool_]) -> Moment:
    """Wages, commuters' incomes and perceived incomes of some places from the other run."""
    inside = where[: len(one.incomes.wage)]
    return replace(
        one,
        places=one.places._replace(income=np.where(where, other.places.income, one.places.income)),
        incomes=Incomes(
            np.where(inside, other.incomes.wage, one.incomes.wage),
            np.where(inside, other.incomes.commuter, one.incomes.commuter),
        ),
    )


def _own_work(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, people=one.people._replace(status=statuses_from(one, other, place)))


def statuses_from(one: Moment, other: Moment, place: int) -> NDArray[np.uint8]:
    """What the people of a place do in the other run, by key; those who are not there keep what they do."""
    mine, n_others = one.people, int(other.households.first[other.n_households])
    first = one.households.first[: one.n_households + 1].astype(np.int64)
    residents = np.repeat(one.households.place[: one.n_households], np.diff(first)) == place
    rows = np.flatnonzero(residents)
    keys = other.people.key[:n_others]
    order = np.argsort(keys)
    at = np.minimum(np.searchsorted(keys, mine.key[rows], sorter=order), n_others - 1)
    same = keys[order[at]] == mine.key[rows]
    status: NDArray[np.uint8] = mine.status.copy()
    status[rows[same]] = other.people.status[order[at[same]]]
    return status


def _networks(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, places=one.places._replace(quality=other.places.quality))


def _services(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, places=one.places._replace(services=other.places.services))


def _rent(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, places=one.places._replace(rent=other.places.rent))


def _russia(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, alpha=other.alpha, places=one.places._replace(log_distance=other.places.log_distance))


def _youth(one: Moment, other: Moment, place: int) -> Moment:
    theirs = other.readiness
    return replace(
        one,
        readiness=one.readiness._replace(study_logit=theirs.study_logit, return_chance=theirs.return_chance),
    )


def _settlers(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, settlers=other.settlers)


def _hinterland(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, hinterland=other.hinterland)


def _attachment(one: Moment, other: Moment, place: int) -> Moment:
    return replace(one, readiness=one.readiness._replace(hazard=other.readiness.hazard))


def _who_lives_there(one: Moment, other: Moment, place: int) -> Moment:
    """The other run's people, doing what they do in this run where they are here too."""
    return replace(
        one,
        people=other.people._replace(status=statuses_from(other, one, place)),
        households=other.households,
        n_households=other.n_households,
        registered=other.registered,
        population=other.population,
    )


SWAPS: dict[str, Swap] = {
    OWN_INCOME: _own_income,
    OWN_WORK: _own_work,
    OTHER_INCOME: _other_income,
    NETWORKS: _networks,
    SERVICES: _services,
    RENT: _rent,
    RUSSIA: _russia,
    YOUTH: _youth,
    SETTLERS: _settlers,
    HINTERLAND: _hinterland,
    ATTACHMENT: _attachment,
    PEOPLE: _who_lives_there,
}


@dataclass(frozen=True)
class MovesOfYear:
    """Expected moves of a year in both runs, float64[2] each: persons who leave, who arrive.

    Attributes:
        reference, policy: expectations of the two runs. channels: what each channel alone changes.
    """

    reference: NDArray[np.float64]
    policy: NDArray[np.float64]
    channels: dict[str, NDArray[np.float64]]

    @property
    def interaction(self) -> NDArray[np.float64]:
        """What the channels change together beyond what each changes alone."""
        alone = np.zeros(2)
        for change in self.channels.values():
            alone += change
        return self.policy - self.reference - alone


def _same(one: Moment, other: Moment) -> bool:
    """Whether two moments hold the same values: a channel that carries nothing need not be evaluated."""
    return all(_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Moment))


def _equal(one: object, other: object) -> bool:
    if one is other:
        return True
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(_equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(np.array_equal(np.asarray(one), np.asarray(other)))


def compare_moments(reference: Moment, policy: Moment, expect: Expectation) -> MovesOfYear:
    """Expected moves of two runs at the same point of the same year, and the part of each channel."""
    base = expect(reference)
    channels = {}
    for name, swap in SWAPS.items():
        swapped = swap(reference, policy, expect.place)
        channels[name] = np.zeros(2) if _same(reference, swapped) else expect(swapped) - base
    return MovesOfYear(base, expect(policy), channels)
