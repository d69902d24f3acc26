"""Launches and closings of zone projects, replayed without a run: they depend on no person (equation 20)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.declarations import DECLARATIONS
from model.levers import neutral_levers
from model.parameters import ParameterValues
from model.settlements import new_settlements
from model.world import World
from model.zones import NOT_YET, Project, advance_zones, project_columns
from scenarios.policy import Policy
from scenarios.pulling import pull
from scenarios.selection import selection_of
from scenarios.zone_projects import zone_projects


class ZonePath(NamedTuple):
    """Launched jobs of a policy's projects in each run: float64[runs, years, projects].

    `running` in the year, `opened` for the first time in it; projects in the order of `zone_projects`.
    """

    running: NDArray[np.float64]
    opened: NDArray[np.float64]


def replay_zones(
    policy: Policy, world: World, horizon: int, runs: Sequence[tuple[ParameterValues, np.uint64]]
) -> ZonePath:
    """The launched jobs that runs with these parameters and seeds (`draws.run_seed`) have, exactly."""

    factors = launch_factors(policy, world, horizon)
    projects = zone_projects(policy.levers, world)
    shape = (len(runs), horizon - world.start, len(projects))
    running, opened = np.zeros(shape), np.zeros(shape)
    for run, (values, seed) in enumerate(runs):
        columns, state = project_columns(projects), new_settlements(world.n_sim, world.n_all)
        before, table = np.zeros(len(projects)), values.table()
        for t in range(shape[1]):
            year = world.start + t
            advance_zones(columns, factors[t], table, seed, year, state)
            alive = (columns.launched != NOT_YET) & (columns.closed == NOT_YET)
            share = np.array([_share_open(project, year) for project in projects])
            jobs = np.where(alive, columns.jobs * share, 0.0)
            running[run, t], opened[run, t] = jobs, np.maximum(jobs - before, 0.0)
            before = jobs
    return ZonePath(running, opened)


def expected_zones(policy: Policy, world: World, horizon: int) -> ZonePath:
    """Expectation of the path at default parameters, as one run: for display, not for paired comparisons."""
    settings = {declaration.name: declaration.default for declaration in DECLARATIONS}
    projects = zone_projects(policy.levers, world)
    hazards = launch_factors(policy, world, horizon)
    mean_size = settings["jobs_per_project"] * math.exp(settings["project_spread"] ** 2 / 2.0)
    shape = (1, horizon - world.start, len(projects))
    running, opened = np.zeros(shape), np.zeros(shape)
    for k, project in enumerate(projects):
        jobs = mean_size if math.isnan(project.declared_jobs) else project.declared_jobs
        waiting, alive, share_before = 1.0, 0.0, 0.0
        for t in range(shape[1]):
            year = world.start + t
            if project.recorded:
                launch = waiting * float(year >= project.first_year)
            else:
                hazard = settings["launch_hazard"] * project.launch_factor * hazards[t, project.place]
                inside = project.first_year <= year <= project.last_year
                launch = waiting * min(1.0, hazard) * float(inside)
            leaving = settings["exit_rate"] if year > max(project.full_year, project.kept_until) else 0.0
            staying = alive * (1.0 - leaving)
            share = _share_open(project, year)
            opened[0, t, k] = jobs * (launch * share + staying * max(0.0, share - share_before))
            alive, waiting, share_before = staying + launch, waiting - launch, share
            running[0, t, k] = jobs * alive * share
    return ZonePath(running, opened)


def launch_factors(policy: Policy, world: World, horizon: int) -> NDArray[np.float64]:
    """Factor of the tax holidays on the hazard of launching: float64[years, n_all]."""
    levers = neutral_levers(world, horizon)
    for lever in policy.levers.tax_holiday.values():
        pull(lever, selection_of(lever, world, horizon), levers)
    return levers.launch_factor


def _share_open(project: Project, year: int) -> float:
    """Share of a running project's jobs that are open: recorded ones grow linearly."""
    if not project.recorded or year >= project.full_year:
        return 1.0
    return (year - project.first_year) / (project.full_year - project.first_year)
