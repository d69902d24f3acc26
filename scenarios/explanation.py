"""A scenario in words: what every lever does, by which equation, where, when and for how much; what differs in two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from model.world import World
from scenarios.costs import yearly_costs
from scenarios.fields import Dated, Placed
from scenarios.future_levers import Drought
from scenarios.policy import Future, Policy
from scenarios.policy_levers import ZoneProject
from scenarios.selection import places_of
from scenarios.standing_columns import standing_columns

_WHERE_AND_WHEN = ("from", "to", "places", "place", "year", "full_year", "last_year", "years")


@dataclass(frozen=True)
class LeverLine:
    """One lever in words.

    Attributes:
        name: `kind.NAME`. setting: what it is set to. places, years: where and when. equation: of model.md section 4.
        acts_on: the quantity that it moves.
        public, private: money up to the horizon in million KZT at 2020 prices; None where it has none.
    """

    name: str
    setting: str
    places: str
    years: str
    equation: str
    acts_on: str
    public: float | None
    private: float | None


def lever_lines(scenario: Policy | Future, world: World, horizon: int) -> list[LeverLine]:
    """Every lever of a scenario in words, QYZYLJAR first; money as if the world stood still (`standing_columns`)."""
    public: dict[str, float] = {}
    private: dict[str, float] = {}
    lines = []
    if isinstance(scenario, Policy):
        costs = yearly_costs(scenario, world, horizon, standing_columns(world, horizon))
        public = {name: float(money.sum()) for name, money in costs.public_by_lever.items()}
        private = {name: float(money.sum()) for name, money in costs.private_by_lever.items()}
        zone = scenario.levers.qyzyljar
        place = ", ".join(sorted(set(world.zone_jobs) & set(world.ids))) or "-"
        lines.append(
            LeverLine(
                "qyzyljar",
                _said(_by_alias(zone)),
                place,
                "2019-2044",
                zone.equation,
                zone.acts_on,
                public.get("qyzyljar"),
                private.get("qyzyljar"),
            )
        )
    for kind, name, lever in scenario.levers.items():
        full = f"{kind}.{name}"
        lines.append(
            LeverLine(
                full,
                _said({key: value for key, value in _by_alias(lever).items() if key not in _WHERE_AND_WHEN}),
                _places(lever, world),
                years_of(lever),
                lever.equation,
                lever.acts_on,
                public.get(full),
                private.get(full),
            )
        )
    return lines


def years_of(lever: Any) -> str:
    """Years in force: '2027-2036', '2027-' without an end."""
    if isinstance(lever, Dated):
        if lever.last == lever.first:
            return str(lever.first)
        return f"{lever.first}-{lever.last if lever.last is not None else ''}"
    if isinstance(lever, ZoneProject):
        last = lever.full_year if lever.launch == "certain" else lever.last_year
        return f"{lever.year}-{last or ''}" if last != lever.year else str(lever.year)
    if isinstance(lever, Drought):
        return ", ".join(map(str, lever.years))
    return ""


def levers_in_short(scenario: Policy | Future) -> str:
    """Kinds of lever with their first year: 'renewal 2027, housing 2027'."""
    kinds: dict[str, str] = {}
    for kind, _, lever in scenario.levers.items():
        kinds.setdefault(kind, years_of(lever)[:4])
    if isinstance(scenario, Policy) and not scenario.levers.qyzyljar.neutral:
        zone = scenario.levers.qyzyljar
        said = {"as_realised": "but-for share"}.get(zone.status, zone.status.replace("_", " "))
        return ", ".join([f"zone {said}", *(f"{kind} {year}" for kind, year in kinds.items())])
    return ", ".join(f"{kind} {year}" for kind, year in kinds.items())


def differences(one: Policy | Future, two: Policy | Future) -> Iterator[tuple[str, str, str]]:
    """What two scenarios of a kind set differently: key, value in the first, value in the second ('-': not set)."""
    first, second = _flat(one), _flat(two)
    for key in dict.fromkeys((*first, *second)):
        if first.get(key) != second.get(key):
            yield key, *(_value(side[key]) if key in side else "-" for side in (first, second))


def _flat(scenario: Policy | Future) -> dict[str, Any]:
    """All settings of a scenario by dotted key."""
    flat = {}
    if isinstance(scenario, Policy):
        flat = {f"qyzyljar.{key}": value for key, value in _by_alias(scenario.levers.qyzyljar).items()}
    for kind, name, lever in scenario.levers.items():
        flat.update({f"{kind}.{name}.{key}": value for key, value in _by_alias(lever).items()})
    return flat


def _by_alias(lever: Any) -> dict[str, Any]:
    """Settings of a lever as written in a file; those left out of the file and without effect are left out here."""
    written: dict[str, Any] = lever.model_dump(by_alias=True, exclude_none=True, exclude_unset=True)
    return written or lever.model_dump(by_alias=True, include={"status"})


def _said(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in settings.items())


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _places(lever: Any, world: World) -> str:
    if isinstance(lever, ZoneProject):
        return lever.place
    if isinstance(lever, Placed):
        groups = ", ".join(lever.places)
        if any(selector.startswith("@") for selector in lever.places):
            return f"{groups} ({len(places_of(lever.places, world))})"
        return groups
    return ", ".join(getattr(lever, "places", ())) or "everywhere"
