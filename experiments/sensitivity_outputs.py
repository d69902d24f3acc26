"""Outputs of a sensitivity analysis: figures of a run, written as a user gives them.

    COLUMN:PLACE[:YEAR[-YEAR]]            population:mamlyutka:2045, net_migration:all:2026-2044
    crossing:PLACE:RUNG[:YEAR]            crossing:bulaevo:5000, crossing:tayynsha:legal_town_floor:2040
    effect:POLICY[/REFERENCE]:OUTPUT      effect:settlers:population:mamlyutka:2045
    cost:POLICY[/REFERENCE]:PLACE[:YEAR]  cost:housing:all (million KZT per additional resident)
    rating:PLACE[:YEAR]                   rating:mamlyutka:2030 (integral index of the reconstructed rating, 0 to 1)

A crossing is 1 where the place has fallen below the rung by the year, 0 elsewhere: its mean is the probability.
Effects and costs are paired: the same people, parameters and chance with and without the policy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from experiments.cost_effectiveness import DISCOUNT, PRESENT_YEAR, discount_factors
from model.record import COLUMNS, Column, Record
from model.world import World

Floats = NDArray[np.float64]
Figure = TypeVar("Figure")
ALL, CROSSING, EFFECT, COST, RATING = "all", "crossing", "effect", "cost", "rating"
BASELINE = "baseline"
ADDED_UNITS = ("persons", "posts", "jobs", "households", "dwellings", "million KZT")
# A cost per resident above this, or a gain of nobody, counts as this much: without it a mean does not exist.
COST_CEILING = 100.0
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}


class Money(Protocol):
    """Yearly public money of the policies in force with one more, million KZT at 2020 prices, float64[years]."""

    def __call__(self, policy: str, /) -> Floats:
        """Money of the run with this policy added to those in force."""
        ...


@dataclass(frozen=True)
class Region:
    """What a run assumes of the wages of its region beyond the record.

    Attributes:
        growth: parameter `growth_kazakhstan`. home_wage: float64[years] factor of the levers, None without any.
    """

    growth: float
    home_wage: Floats | None


Records = Mapping[str, Record]  # by the policy that is added to those in force; `baseline` adds none
Regions = Mapping[str, Region]  # by the same names


@dataclass(frozen=True)
class Output:
    """A figure of a run.

    Attributes:
        text: as the user writes it, complete. label, unit: for tables and figures. year: the last it looks at.
    """

    text: str
    label: str
    unit: str
    year: int

    @property
    def policies(self) -> tuple[str, ...]:
        """Policies that are added in turn; `baseline` adds none."""
        return (BASELINE,)

    @property
    def needs_money(self) -> bool:
        """Whether it asks for costs."""
        return False

    def value(self, records: Records, money: Money, regions: Regions | None = None) -> float:
        """The figure; NaN where it is undefined."""
        raise NotImplementedError

    def series(self, records: Records, money: Money, regions: Regions | None = None) -> Floats:
        """The same for every 1 January or year up to the horizon, float64[years]; NaN where it is undefined."""
        raise NotImplementedError

    def constant(self, world: World) -> str:
        """Why it cannot vary, "" where it can (as far as can be told without a run)."""
        return ""

    def share_at_ceiling(self, values: Floats) -> float:
        """Share of runs in which a cost stands at its ceiling; 0 for all other figures."""
        return 0.0


@dataclass(frozen=True)
class ColumnOutput(Output):
    """A column of the record in a place (or all together) in a year, or over several (flows added, rates averaged)."""

    column: str
    place: int | None
    first: int
    start: int

    def series(self, records: Records, money: Money, regions: Regions | None = None) -> Floats:
        """Yearly figures."""
        held = records[BASELINE].column(self.column)
        if self.place is not None:
            return held[:, self.place].copy()
        total = np.zeros(len(held))
        for place in range(held.shape[1]):
            total += held[:, place]
        return total

    def value(self, records: Records, money: Money, regions: Regions | None = None) -> float:
        """The year's figure, or that of all years together."""
        window = self.series(records, money, regions)[self.first - self.start : self.year - self.start + 1]
        total = math.fsum(window.tolist())
        return total if is_added(BY_NAME[self.column]) else total / len(window)

    def constant(self, world: World) -> str:
        """A stock on the first 1 January is a published count."""
        if self.year == world.start and self.column in ("population", "households"):
            return f"on 1 January {world.start} it is the published count in every run"
        return ""


@dataclass(frozen=True)
class CrossingOutput(Output):
    """Whether a place has fallen below a number of persons by 1 January of the year."""

    place: int
    persons: float
    start: int

    def series(self, records: Records, money: Money, regions: Regions | None = None) -> Floats:
        """0 until the first 1 January below, 1 from then on."""
        below = records[BASELINE].column("population")[:, self.place] < self.persons
        return np.logical_or.accumulate(below).astype(np.float64)

    def value(self, records: Records, money: Money, regions: Regions | None = None) -> float:
        """0 or 1."""
        return float(self.series(records, money, regions)[self.year - self.start])

    def constant(self, world: World) -> str:
        """A place that starts below has crossed already."""
        people = int(world.founding_population[self.place])
        if self.year == self.start:
            return f"on 1 January {self.start} nobody has moved yet"
        return f"it has {people:,} residents at the start, below it already" if people < self.persons else ""


@dataclass(frozen=True)
class EffectOutput(Output):
    """Paired difference of a figure with a policy and with its reference."""

    inner: Output
    policy: str
    reference: str

    @property
    def policies(self) -> tuple[str, ...]:
        """Both."""
        return (self.policy, self.reference)

    def _inner(
        self, figure: Callable[[Records, Money, Regions | None], Figure], records: Records, money: Money,
        regions: Regions | None,
    ) -> tuple[Figure, Figure]:  # fmt: skip
        """A figure with the policy and with the reference, each as if nothing had been added."""
        ours, theirs = (
            figure(
                {BASELINE: records[name]},
                money,
                None if regions is None else {BASELINE: regions[name]},
            )
            for name in self.policies
        )
        return ours, theirs

    def series(self, records: Records, money: Money, regions: Regions | None = None) -> Floats:
        """Yearly differences."""
        ours, theirs = self._inner(self.inner.series, records, money, regions)
        return ours - theirs

    def value(self, records: Records, money: Money, regions: Regions | None = None) -> float:
        """The difference."""
        ours, theirs = self._inner(self.inner.value, records, money, regions)
        return ours - theirs

    def constant(self, world: World) -> str:
        """A policy against itself, or a figure that cannot vary."""
        if self.policy == self.reference:
            return f"'{self.policy}' is compared with itself"
        return self.inner.constant(world)


@dataclass(frozen=True)
class CostOutput(Output):
    """Present value of extra public money up to a year per resident more on its 1 January.

    A run that gains nobody, or pays more than `COST_CEILING` for each, counts as `COST_CEILING`: dearer than any
    price one would pay. A policy that saves money has no price: undefined.
    """

    place: int | None
    policy: str
    reference: str
    start: int

    @property
    def policies(self) -> tuple[str, ...]:
        """Both."""
        return (self.policy, self.reference)

    @property
    def needs_money(self) -> bool:
        """Yes."""
        return True

    def series(self, records: Records, money: Money, regions: Regions | None = None) -> Floats:
        """Cost per resident, were each year the last; undefined up to the year in which a policy can first act."""
        gain = _people(records[self.policy], self.place) - _people(records[self.reference], self.place)
        extra = money(self.policy) - money(self.reference)
        years = self.start + np.arange(len(extra), dtype=np.float64)
        spent = np.concatenate(([0.0], np.cumsum(extra * discount_factors(years, DISCOUNT))))
        price = np.full(len(gain), COST_CEILING)
        gains = gain > 0.0
        price[gains] = np.minimum(COST_CEILING, spent[gains] / gain[gains])
        price[spent < 0.0] = np.nan
        price[: PRESENT_YEAR - self.start + 1] = np.nan
        return price

    def value(self, records: Records, money: Money, regions: Regions | None = None) -> float:
        """Cost per resident at the year."""
        return float(self.series(records, money, regions)[self.year - self.start])

    def share_at_ceiling(self, values: Floats) -> float:
        """Share of runs that gain nobody at a price below the ceiling."""
        return float((values >= COST_CEILING).mean())

    def constant(self, world: World) -> str:
        """A policy against itself."""
        return f"'{self.policy}' is compared with itself" if self.policy == self.reference else ""


def _people(record: Record, place: int | None) -> Floats:
    people = record.column("population")
    return people[:, place] if place is not None else people.sum(axis=1)


def is_added(column: Column) -> bool:
    """Whether figures of a column are added up over years and places; others are averaged over years."""
    return column.unit.split(",")[0] in ADDED_UNITS
