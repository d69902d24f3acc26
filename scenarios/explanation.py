"""A scenario in words: what every lever does, by which equation, where, when and for how much; what differs in two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from model.reference_tables import zone_facts
from model.world import World
from scenarios.costs import yearly_costs
from scenarios.fields import Dated, Placed
from scenarios.future_levers import Drought
from scenarios.policy import Future, Policy
from scenarios.policy_levers import Qyzyljar, ZoneProject
from scenarios.selection import places_of
from scenarios.standing_columns import standing_columns

_WHERE_AND_WHEN = ("from", "to", "places", "place", "year", "full_year", "last_year", "years")


@dataclass(frozen=True)
class LeverLine:
    """One lever in words.

    Attributes:
        name: `kind.NAME`. setting: what it is set to. places, years: where and when. equation: of the specification.
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
        place = ", ".join(sorted(set(world.zone_jobs) & set(world.ids))) or "not in this world"
        lines.append(
            LeverLine(
                "qyzyljar",
                _said(_by_alias(zone)),
                place,
                _term(world),
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


def _term(world: World) -> str:
    """Years of QYZYLJAR: from its first recorded year to the end of its term."""
    years = [year for path in world.zone_jobs.values() for year in path]
    term = int(next(fact.value for fact in zone_facts() if fact.fact == "term_years"))
    return f"{min(years)}-{min(years) + term}" if years else ""


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
        said = _said(
            {key: value for key, value in _by_alias(zone).items() if key in ("but_for", "displacement")}
        )
        said = said or zone.status.replace("_", " ")
        return ", ".join([f"zone {said}", *(f"{kind} {year}" for kind, year in kinds.items())])
    return ", ".join(f"{kind} {year}" for kind, year in kinds.items())


def differences(one: Policy | Future, two: Policy | Future) -> Iterator[tuple[str, str, str]]:
    """What two scenarios of a kind set differently: lever, its settings in the first and in the second.

    A lever that only one of them has stands with all its settings against '-'; of one that both have, only what
    differs is given.
    """
    first, second = _by_lever(one), _by_lever(two)
    for name in sorted(first.keys() | second.keys(), key=lambda name: (name != "qyzyljar", name)):
        here, there = first.get(name), second.get(name)
        if here is None or there is None:
            yield name, "-" if here is None else _said(here), "-" if there is None else _said(there)
        elif here != there:
            keys = [key for key in dict.fromkeys((*here, *there)) if here.get(key) != there.get(key)]
            yield name, *_sides(keys, here, there)


def _sides(keys: list[str], here: dict[str, Any], there: dict[str, Any]) -> tuple[str, str]:
    """The settings of some keys on both sides, 'not set' where one has none."""
    return (
        ", ".join(f"{key} {_value(here.get(key, 'not set'))}" for key in keys),
        ", ".join(f"{key} {_value(there.get(key, 'not set'))}" for key in keys),
    )


def _by_lever(scenario: Policy | Future) -> dict[str, dict[str, Any]]:
    """Settings of every lever by its dotted name."""
    levers = {f"{kind}.{name}": _by_alias(lever) for kind, name, lever in scenario.levers.items()}
    if isinstance(scenario, Policy):
        levers["qyzyljar"] = _by_alias(scenario.levers.qyzyljar)
    return levers


def _by_alias(lever: Any) -> dict[str, Any]:
    """Settings of a lever by the names of the file, those left out that stand at their default."""
    written: dict[str, Any] = lever.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
    if isinstance(lever, Qyzyljar):
        declared = {"declared_jobs", "declared_by", "kept_until"} if lever.status == "as_declared" else set()
        written = {**lever.model_dump(include={"status", *declared}), **written}
    return written


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
