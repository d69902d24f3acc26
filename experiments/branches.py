"""Scenarios that share their past: one run with branches where policies begin to differ.

Scenarios of a comparison start from the same people under the same chance, and most policies begin years after
the start. Up to the first year in which two sets of levers differ their runs are the same run: it is run once,
copied there, and each copy goes on under its own levers. The records are those of separate runs, to the last bit.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache

import numpy as np

from model.engine import Engine
from model.founding import Founding
from model.levers import Levers, neutral_levers
from model.outlook import build_outlook
from model.parameters import ParameterValues
from model.record import Record
from model.world import World
from model.zones import Project, project_columns, qyzyljar_projects

NOT_ARRAYS = ("projects", "qyzyljar")
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


_partings = Partings()


def projects_of(world: World, levers: Levers) -> tuple[Project, ...]:
    """All zone projects that a run under these levers holds, in the engine's order."""
    return (qyzyljar_projects(world) if levers.qyzyljar else ()) + levers.projects


def first_difference(world: World, one: Levers, other: Levers, horizon: int) -> int:
    """First year in which two sets of levers can lead to different results; `horizon` where there is none.

    Nothing happens in a project before its first year, so that projects differ from then on.
    """
    years = horizon - world.start
    first = years
    for field in fields(Levers):
        if field.name in NOT_ARRAYS:
            continue
        here, there = (getattr(levers, field.name)[:years] for levers in (one, other))
        differs = (here != there).reshape(years, -1).any(axis=1)
        if differs.any():
            first = min(first, int(np.argmax(differs)))
    parting = _projects_part(projects_of(world, one), projects_of(world, other))
    return min(world.start + first, max(world.start, parting)) if parting is not None else world.start + first


def _projects_part(ours: Sequence[Project], theirs: Sequence[Project]) -> int | None:
    """First year in which two lists of projects can differ in what they do; None where they never do."""
    here, there = ({_core(project): project for project in projects} for projects in (ours, theirs))
    shared = [core for core in here if core in there]
    if shared != [core for core in there if core in here]:
        shared = []  # another order of the same projects adds up their jobs in another order
    years = [
        project.first_year for held in (here, there) for core, project in held.items() if core not in shared
    ]
    for core in shared:
        one, other = here[core], there[core]
        if one.kept_until != other.kept_until:
            # A project closes in the year after its launch at the earliest
            closing = min(max(p.full_year, p.kept_until) for p in (one, other)) + 1
            years.append(max(one.first_year + 1, closing))
    return min(years, default=None)


@lru_cache(MOST_KEPT)
def _core(project: Project) -> str:
    """A project without the date until which it is kept: equal texts do the same until one of them may close."""
    return repr(replace(project, kept_until=0))


def branch(engine: Engine, levers: Levers) -> Engine:
    """A copy of an engine, at the start of a year, that goes on under other levers.

    Args:
        engine: a run whose levers do not differ from `levers` before its present year.

    World, founders and parameters are shared, never written to.
    """
    shared = (engine.world, engine.founding, engine.values)
    twin = copy.deepcopy(engine, {id(thing): thing for thing in shared})
    twin.levers = levers
    twin.outlook = build_outlook(twin.world, twin.values, levers, twin.seed, twin.horizon)
    projects = projects_of(twin.world, levers)
    columns = project_columns(projects)
    held = {_core(p): k for k, p in enumerate(projects_of(engine.world, engine.levers))}
    for k, project in enumerate(projects):
        before = held.get(_core(project))
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

    def grow(engine: Engine, group: Sequence[int]) -> None:
        """Carry an engine on under the levers of the first of a group that shares its past."""
        leader, others = group[0], list(group[1:])
        parting = {k: _partings.between(world, levers[leader], levers[k], horizon) for k in others}
        while engine.year < horizon and others:
            leaving = [k for k in others if parting[k] <= engine.year]
            if leaving:
                grow(branch(engine, levers[leaving[0]]), leaving)
                others = [k for k in others if k not in leaving]
            else:
                engine.step()
        records[leader] = engine.run()
        for k in others:  # never parted
            records[k] = records[leader]

    grow(Engine(world, founding, values, seed, levers[0], horizon), range(len(levers)))
    return [records[k] for k in range(len(levers))]
