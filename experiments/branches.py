"""Scenarios that share their past: one run with branches where policies begin to differ.

Scenarios of a comparison start from the same people under the same chance, and most policies begin years after
the start. Up to the first year in which two sets of levers differ their runs are the same run: it is run once,
copied there, and each copy goes on under its own levers. The records are those of separate runs, to the last bit.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from model.engine import Engine
from model.founding import Founding
from model.levers import Levers, neutral_levers
from model.outlook import build_outlook
from model.parameters import ParameterValues
from model.partings import core_of, first_difference, projects_of
from model.record import Record
from model.register_counts import known_counts
from model.world import World
from model.zones import project_columns

MOST_KEPT, MOST_WORLDS = 4096, 16


class Partings:
    """First differences of sets of levers, each worked out once: the same sets run under hundreds of draws.

    Sets are told apart as objects, which are held here so that no other one can take their place.
    """

    def __init__(self) -> None:
        self._neutral: dict[tuple[int, int], tuple[World, Levers]] = {}
        self._years: dict[tuple[int, int, int, int], tuple[World, Levers, Levers, int]] = {}

    def neutral(self, world: World, horizon: int) -> Levers:
        """The levers that change nothing."""
        key = id(world), horizon
        held = self._neutral.get(key)
        if held is None:
            if len(self._neutral) >= MOST_WORLDS:
                self._neutral = {}
            held = world, neutral_levers(world, horizon)
            self._neutral[key] = held
        return held[1]

    def between(self, world: World, one: Levers, other: Levers, horizon: int) -> int:
        """As `first_difference`."""
        key = id(world), id(one), id(other), horizon
        held = self._years.get(key)
        if held is None:
            if len(self._years) >= MOST_KEPT:
                self._years = {}
            held = world, one, other, first_difference(world, one, other, horizon)
            self._years[key] = held
        return held[3]

    def departs(self, world: World, levers: Levers, until: int) -> bool:
        """As `partings.departs`."""
        return until > world.start and self.between(world, self.neutral(world, until), levers, until) < until


_partings = Partings()


def branch(engine: Engine, levers: Levers, departs_early: bool | None = None) -> Engine:
    """A copy of an engine, at the start of a year, that goes on under other levers.

    Args:
        engine: a run whose levers do not differ from `levers` before its present year.
        departs_early: what `engine.departs(levers)` says, where that is known already.

    World, founders and parameters are shared, never written to.
    """
    shared = (engine.world, engine.founding, engine.values)
    twin = copy.deepcopy(engine, {id(thing): thing for thing in shared})
    twin.levers = levers
    twin.departs_early = engine.departs(levers) if departs_early is None else departs_early
    twin.outlook = build_outlook(twin.world, twin.values, levers, twin.seed, twin.horizon)
    projects = projects_of(twin.world, levers)
    columns = project_columns(projects)
    held = {core_of(p): k for k, p in enumerate(projects_of(engine.world, engine.levers))}
    for k, project in enumerate(projects):
        before = held.get(core_of(project))
        if before is not None:
            columns.launched[k] = engine.projects.launched[before]
            columns.closed[k] = engine.projects.closed[before]
            columns.jobs[k] = engine.projects.jobs[before]
    twin.projects = columns
    return twin


def simulate_together(
    world: World,
    founding: Founding,
    values: ParameterValues,
    seed: np.uint64,
    scenarios: Sequence[Levers | None],
    horizon: int,
) -> list[Record]:
    """Run one world under several sets of levers (None: neutral) with the same people and chance.

    Returns:
        The records in the order of `scenarios`, equal to those of `simulate` for each of them.
    """
    levers = [_partings.neutral(world, horizon) if one is None else one for one in scenarios]
    records: dict[int, Record] = {}
    until = world.start + len(known_counts(world, int(values["bound_until"]), horizon))
    early = [_partings.departs(world, one, until) for one in levers]

    def grow(engine: Engine, group: Sequence[int]) -> None:
        """Carry an engine on under the levers of the first of a group that shares its past."""
        leader, others = group[0], list(group[1:])
        parting = {k: _partings.between(world, levers[leader], levers[k], horizon) for k in others}
        followers = []
        while engine.year < horizon and others:
            leaving = [k for k in others if parting[k] <= engine.year]
            if leaving:
                twin = branch(engine, levers[leaving[0]], early[leaving[0]])
                if twin.departs_early and not engine.departs_early:
                    followers.append((twin, leaving))
                else:
                    grow(twin, leaving)
                others = [k for k in others if k not in leaving]
            else:
                engine.step()
        records[leader] = engine.run()
        for k in others:  # never parted
            records[k] = records[leader]
        for twin, leaving in followers:  # this run has met the counts: they need none of their own that does
            twin.follow(engine)
            grow(twin, leaving)

    order = sorted(range(len(levers)), key=lambda k: early[k])
    grow(Engine(world, founding, values, seed, levers[order[0]], horizon), order)
    return [records[k] for k in range(len(levers))]
