"""Outputs of a sensitivity analysis: figures of a run, written as a user gives them.

    COLUMN:PLACE[:YEAR[-YEAR]]            population:mamlyutka:2045, net_migration:all:2026-2044
    crossing:PLACE:RUNG[:YEAR]            crossing:bulaevo:5000, crossing:tayynsha:legal_town_floor:2040
    effect:POLICY[/REFERENCE]:OUTPUT      effect:settlers:population:mamlyutka:2045
    cost:POLICY[/REFERENCE]:PLACE[:YEAR]  cost:housing:all (million KZT per additional resident)

A crossing is 1 where the place has fallen below the rung by the year, 0 elsewhere: its mean is the probability.
Effects and costs are paired: the same people, parameters and chance with and without the policy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.cost_effectiveness import DISCOUNT, PRESENT_YEAR, discount_factors
from experiments.failures import BadInput
from model.problems import nearest
from model.record import COLUMNS, Column, Record
from model.reference_tables import extinction_ladder
from model.world import World

Floats = NDArray[np.float64]
ALL, CROSSING, EFFECT, COST = "all", "crossing", "effect", "cost"
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


Records = Mapping[str, Record]  # by the policy that is added to those in force; `baseline` adds none


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

    def value(self, records: Records, money: Money) -> float:
        """The figure; NaN where it is undefined."""
        raise NotImplementedError

    def series(self, records: Records, money: Money) -> Floats:
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

    def series(self, records: Records, money: Money) -> Floats:
        """Yearly figures."""
        held = records[BASELINE].column(self.column)
        if self.place is not None:
            return held[:, self.place].copy()
        total = np.zeros(len(held))
        for place in range(held.shape[1]):
            total += held[:, place]
        return total

    def value(self, records: Records, money: Money) -> float:
        """The year's figure, or that of all years together."""
        window = self.series(records, money)[self.first - self.start : self.year - self.start + 1]
        total = math.fsum(window.tolist())
        return total if _is_added(BY_NAME[self.column]) else total / len(window)

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

    def series(self, records: Records, money: Money) -> Floats:
        """0 until the first 1 January below, 1 from then on."""
        below = records[BASELINE].column("population")[:, self.place] < self.persons
        return np.logical_or.accumulate(below).astype(np.float64)

    def value(self, records: Records, money: Money) -> float:
        """0 or 1."""
        return float(self.series(records, money)[self.year - self.start])

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

    def _pair(self, records: Records) -> tuple[Records, Records]:
        return {BASELINE: records[self.policy]}, {BASELINE: records[self.reference]}

    def series(self, records: Records, money: Money) -> Floats:
        """Yearly differences."""
        ours, theirs = self._pair(records)
        return self.inner.series(ours, money) - self.inner.series(theirs, money)

    def value(self, records: Records, money: Money) -> float:
        """The difference."""
        ours, theirs = self._pair(records)
        return self.inner.value(ours, money) - self.inner.value(theirs, money)

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

    def series(self, records: Records, money: Money) -> Floats:
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

    def value(self, records: Records, money: Money) -> float:
        """Cost per resident at the year."""
        return float(self.series(records, money)[self.year - self.start])

    def share_at_ceiling(self, values: Floats) -> float:
        """Share of runs that gain nobody at a price below the ceiling."""
        return float((values >= COST_CEILING).mean())

    def constant(self, world: World) -> str:
        """A policy against itself."""
        return f"'{self.policy}' is compared with itself" if self.policy == self.reference else ""


def _people(record: Record, place: int | None) -> Floats:
    people = record.column("population")
    return people[:, place] if place is not None else people.sum(axis=1)


def _is_added(column: Column) -> bool:
    return column.unit.split(",")[0] in ADDED_UNITS


class _Reader:
    """Reads outputs; what is wrong with one is raised as BadInput, without its text."""

    def __init__(self, world: World, horizon: int, policies: Sequence[str]) -> None:
        self.world, self.horizon, self.policies = world, horizon, policies

    def read(self, text: str) -> Output:
        kind, _, rest = text.partition(":")
        fields = rest.split(":") if rest else []
        if kind == EFFECT:
            return self._effect(rest)
        if kind == COST:
            return self._cost(fields)
        if kind == CROSSING:
            return self._crossing(fields)
        if kind in BY_NAME:
            return self._column(BY_NAME[kind], fields)
        raise BadInput(f"unknown output '{kind}'" + nearest(kind, (*BY_NAME, CROSSING, EFFECT, COST)))

    def _column(self, column: Column, fields: list[str]) -> Output:
        if not 1 <= len(fields) <= 2:
            raise BadInput(f"expected {column.name}:PLACE or {column.name}:PLACE:YEAR")
        place = self._place(fields[0])
        if place is None and not _is_added(column):
            raise BadInput(f"{column.name} ({column.unit}) cannot be added up over places: name one")
        last_year = self.horizon - 1 if column.is_flow else self.horizon
        first, last = self._years(fields[1] if len(fields) == 2 else str(last_year), last_year)
        if first < last and not column.is_flow:
            raise BadInput(f"{column.name} is a stock of 1 January: give one year, not {first}-{last}")
        span = f"{first}" if first == last else f"{first}-{last}"
        name = fields[0]
        label = f"{column.name.replace('_', ' ')}, {self._title(place)}, {span}"
        return ColumnOutput(
            f"{column.name}:{name}:{span}",
            label,
            column.unit,
            last,
            column.name,
            place,
            first,
            self.world.start,
        )

    def _crossing(self, fields: list[str]) -> Output:
        if not 2 <= len(fields) <= 3:
            raise BadInput("expected crossing:PLACE:RUNG or crossing:PLACE:RUNG:YEAR")
        place = self._place(fields[0])
        if place is None:
            raise BadInput("a crossing needs one place")
        rungs = {rung.id: float(rung.persons) for rung in extinction_ladder()}
        persons = rungs.get(fields[1])
        if persons is None:
            try:
                persons = float(fields[1])
            except ValueError:
                raise BadInput(f"unknown rung '{fields[1]}'" + nearest(fields[1], tuple(rungs))) from None
        if not (math.isfinite(persons) and persons > 0.0):
            raise BadInput(f"rung '{fields[1]}': expected a number of persons above 0")
        first, year = self._years(fields[2] if len(fields) == 3 else str(self.horizon), self.horizon)
        if first != year:
            raise BadInput(f"a crossing is counted up to one year, not {first}-{year}")
        text = f"crossing:{fields[0]}:{persons:g}:{year}"
        label = f"{self._title(place)} below {persons:,.0f} by {year}"
        return CrossingOutput(text, label, "probability", year, place, persons, self.world.start)

    def _effect(self, rest: str) -> Output:
        pair, _, inner_text = rest.partition(":")
        if not inner_text or inner_text.partition(":")[0] in (EFFECT, COST):
            raise BadInput("expected effect:POLICY:COLUMN:PLACE:YEAR or effect:POLICY:crossing:PLACE:RUNG")
        policy, reference = self._pair(pair)
        inner = self.read(inner_text)
        against = "" if reference == BASELINE else f" against {reference}"
        return EffectOutput(
            f"effect:{policy}/{reference}:{inner.text}", f"effect of {policy}{against} on {inner.label}", inner.unit,
            inner.year, inner, policy, reference,
        )  # fmt: skip

    def _cost(self, fields: list[str]) -> Output:
        if not 2 <= len(fields) <= 3:
            raise BadInput("expected cost:POLICY:PLACE or cost:POLICY:PLACE:YEAR ('all' for all places)")
        policy, reference = self._pair(fields[0])
        place = self._place(fields[1])
        first, year = self._years(fields[2] if len(fields) == 3 else str(self.horizon), self.horizon)
        if first != year or year <= PRESENT_YEAR:
            raise BadInput(f"a cost is counted up to one year after {PRESENT_YEAR}")
        return CostOutput(
            f"cost:{policy}/{reference}:{fields[1]}:{year}",
            f"cost of {policy} per additional resident, {self._title(place)}, {year}",
            "million KZT a resident, 2020 prices", year, place, policy, reference, self.world.start,
        )  # fmt: skip

    def _pair(self, text: str) -> tuple[str, str]:
        policy, _, reference = text.partition("/")
        reference = reference or BASELINE
        for name in (policy, reference):
            if name not in self.policies:
                raise BadInput(f"unknown policy '{name}'" + nearest(name, self.policies))
        return policy, reference

    def _place(self, name: str) -> int | None:
        inside = self.world.ids[: self.world.n_sim]
        if name == ALL:
            return None
        if name not in inside:
            outside = (
                f"; '{name}' is only seen from outside" if name in self.world.ids else nearest(name, inside)
            )
            raise BadInput(
                f"unknown place '{name}': expected a simulated place of '{self.world.name}' or all{outside}"
            )
        return inside.index(name)

    def _title(self, place: int | None) -> str:
        return "all places" if place is None else self.world.names("en")[place]

    def _years(self, text: str, last: int) -> tuple[int, int]:
        one, dash, two = text.partition("-")
        try:
            first, final = int(one), int(two if dash else one)
        except ValueError:
            raise BadInput(f"'{text}': expected a year or FIRST-LAST") from None
        if not self.world.start <= first <= final <= last:
            raise BadInput(f"year {text}: expected {self.world.start} to {last} (horizon {self.horizon})")
        return first, final


def read_outputs(
    texts: Sequence[str], world: World, horizon: int, policies: Sequence[str]
) -> tuple[Output, ...]:
    """Read outputs, each once.

    Args:
        policies: names that effects and costs may use.

    Raises:
        BadInput: lists every one that is unknown, cannot be computed, or cannot vary.
    """
    reader = _Reader(world, horizon, policies)
    found: dict[str, Output] = {}
    faults = []
    for text in texts:
        try:
            output = reader.read(text)
        except BadInput as fault:
            faults.append(f"--output {text}: {fault}")
            continue
        if reason := output.constant(world):
            faults.append(f"--output {text}: cannot vary: {reason}")
        found[output.text] = output
    if faults:
        raise BadInput("\n".join(faults))
    return tuple(found.values())
