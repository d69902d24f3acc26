"""Where two sets of levers part: the first year in which what they change can lead to different results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache

import numpy as np

from model.levers import Levers, neutral_levers
from model.world import World
from model.zones import Project, qyzyljar_projects

NOT_ARRAYS = ("projects", "qyzyljar")
MOST_KEPT = 4096


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
    here, there = ({core_of(project): project for project in projects} for projects in (ours, theirs))
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
def core_of(project: Project) -> str:
    """A project without the date until which it is kept: equal texts do the same until one of them may close."""
    return repr(replace(project, kept_until=0))


def departs(world: World, levers: Levers, until: int) -> bool:
    """Whether a run under these levers can differ from one under none before 1 January of `until`."""
    return first_difference(world, neutral_levers(world, until), levers, until) < until
