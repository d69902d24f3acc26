"""Reading the outputs of a sensitivity analysis from what the user wrote (`sensitivity_outputs`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from experiments.cost_effectiveness import PRESENT_YEAR
from experiments.failures import BadInput
from experiments.sensitivity_outputs import (
    ALL,
    BASELINE,
    BY_NAME,
    COST,
    CROSSING,
    EFFECT,
    RATING,
    ColumnOutput,
    CostOutput,
    CrossingOutput,
    EffectOutput,
    Output,
    is_added,
)
from experiments.sensitivity_rating import RatingOutput
from model.problems import nearest
from model.record import Column
from model.reference_tables import extinction_ladder
from model.world import World


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
        if kind == RATING:
            return self._rating(fields)
        if kind in BY_NAME:
            return self._column(BY_NAME[kind], fields)
        kinds = (*BY_NAME, CROSSING, EFFECT, COST, RATING)
        hint = nearest(kind, kinds)
        raise BadInput(f"unknown output '{kind}'" + (hint or f"; valid names: {', '.join(kinds)}"))

    def _column(self, column: Column, fields: list[str]) -> Output:
        if not 1 <= len(fields) <= 2:
            raise BadInput(f"expected {column.name}:PLACE or {column.name}:PLACE:YEAR")
        place = self._place(fields[0])
        if place is None and not is_added(column):
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

    def _rating(self, fields: list[str]) -> Output:
        if not 1 <= len(fields) <= 2:
            raise BadInput("expected rating:PLACE or rating:PLACE:YEAR")
        place = self._place(fields[0])
        if place is None:
            raise BadInput("a rating needs one place")
        last = self.horizon - 1  # a year is rated when it closes
        first, year = self._years(fields[1] if len(fields) == 2 else str(last), last)
        if first != year:
            raise BadInput(f"a rating is of one year, not {first}-{year}")
        return RatingOutput(
            f"rating:{fields[0]}:{year}",
            f"rating index (reconstruction), {self._title(place)}, {year}",
            "index, 0 to 1", year, place, self.world.start, self.world,
        )  # fmt: skip

    def _effect(self, rest: str) -> Output:
        pair, _, inner_text = rest.partition(":")
        if not inner_text or inner_text.partition(":")[0] in (EFFECT, COST):
            raise BadInput(
                "expected effect:POLICY:COLUMN:PLACE:YEAR, effect:POLICY:crossing:PLACE:RUNG or "
                "effect:POLICY:rating:PLACE"
            )
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
