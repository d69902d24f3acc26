"""Launches and closings of zone projects, replayed without a run: they depend on no person (equation 20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.levers import neutral_levers
from model.parameters import ParameterSpace, ParameterValues
from model.settlements import new_settlements
from model.world import World
from model.zones import NOT_YET, advance_zones, project_columns
from scenarios.policy import Policy
from scenarios.pulling import pull
from scenarios.selection import selection_of
from scenarios.zone_projects import zone_projects

EXPECTED_SEEDS = 64


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

    levers = neutral_levers(world, horizon)
    for lever in policy.levers.tax_holiday.values():
        pull(lever, selection_of(lever, world, horizon), levers)
    projects = zone_projects(policy.levers, world)
    shape = (len(runs), horizon - world.start, len(projects))
    running, opened = np.zeros(shape), np.zeros(shape)
    for run, (values, seed) in enumerate(runs):
        columns, state = project_columns(projects), new_settlements(world.n_sim, world.n_all)
        before = np.zeros(len(projects))
        for t in range(shape[1]):
            year = world.start + t
            advance_zones(columns, levers.launch_factor[t], values.table(), seed, year, state)
            alive = (columns.launched != NOT_YET) & (columns.closed == NOT_YET)
            growing = columns.recorded & (year < columns.full_year)
            span = np.maximum(columns.full_year - columns.first_year, 1)
            share = np.where(growing, (year - columns.first_year) / span, 1.0)
            jobs = np.where(alive, columns.jobs * share, 0.0)
            running[run, t], opened[run, t] = jobs, np.maximum(jobs - before, 0.0)
            before = jobs
    return ZonePath(running, opened)


def expected_zones(policy: Policy, world: World, horizon: int) -> ZonePath:
    """Mean path at default parameters over chance, as one run: for display, not for paired comparisons."""
    values = ParameterSpace(world).defaults()
    path = replay_zones(
        policy, world, horizon, [(values, draws.run_seed(0, 0, chance)) for chance in range(EXPECTED_SEEDS)]
    )
    return ZonePath(path.running.mean(axis=0, keepdims=True), path.opened.mean(axis=0, keepdims=True))
