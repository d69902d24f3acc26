"""What a zone does to the outside centre that hosts it: jobs, unemployment and wage there, run by run.

Centres outside the simulated places are drivers with a stock: their zone (20) and labour market follow from a run's
parameters, seed and projects alone, by the same kernels as in the run, so that nothing needs to be stored for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.compare_scenarios import Case, Comparison
from experiments.ensemble import Study
from experiments.paired_statistics import Floats
from model.draws import run_seed
from model.engine import Engine
from model.jobs import wage_level
from model.levers import Levers, neutral_levers
from model.outlook import build_outlook
from model.parameters import ParameterValues, waged_places
from model.partings import projects_of
from model.settlements import new_settlements
from model.zones import Project, advance_zones, project_columns, relieve_centres

Paths = dict[tuple[str, int], "CentrePath"]


@dataclass(frozen=True)
class CentrePath:
    """One outside centre in one case, float64[runs, years] each (years from the start to the one before the horizon).

    Attributes:
        jobs: additional zone jobs. launched: launched zone jobs. unemployment: share of the labour force.
        wage: relative to the centre's wage without any zone.
    """

    jobs: Floats
    launched: Floats
    unemployment: Floats
    wage: Floats


def levers_of_case(case: Case, study: Study) -> Levers:
    """Levers of a case; neutral ones where it pulls none."""
    return case.scenario.levers or neutral_levers(study.world, study.design.horizon)


def run_keys(study: Study, pairs: Sequence[int]) -> list[tuple[ParameterValues, np.uint64]]:
    """Parameters and seed of some pairs of a design."""
    runs = [divmod(pair, study.design.replicates) for pair in pairs]
    return [(study.values(draw), run_seed(study.design.seed, draw, replicate)) for draw, replicate in runs]


def centre_paths(comparison: Comparison, study: Study, pairs: Sequence[int]) -> Paths:
    """Paths of all outside centres that host a zone project, by (case, place), for some pairs of the design."""
    world, n_sim = study.world, study.world.n_sim
    held = {
        case.name: (projects_of(world, levers), levers.launch_factor)
        for case in comparison.cases
        for levers in (levers_of_case(case, study),)
    }
    hosts = sorted({p.place for projects, _ in held.values() for p in projects if p.place >= n_sim})
    paths: Paths = {}
    if not hosts:
        return paths
    # Cases with the same projects share their paths
    known: dict[tuple[str, bytes], dict[int, CentrePath]] = {}
    keys = run_keys(study, pairs)
    idle, horizon = neutral_levers(world, study.design.horizon), study.design.horizon
    outlooks = [build_outlook(world, values, idle, seed, horizon).unemployment for values, seed in keys]
    for name, (projects, factors) in held.items():
        same = (repr(projects), factors.tobytes())
        if same not in known:
            known[same] = _walk(study, projects, factors, hosts, keys, outlooks)
        paths |= {(name, place): path for place, path in known[same].items()}
    return paths


def _walk(
    study: Study,
    projects: tuple[Project, ...],
    factors: NDArray[np.float64],
    hosts: list[int],
    keys: list[tuple[ParameterValues, np.uint64]],
    outlooks: list[NDArray[np.float64]],
) -> dict[int, CentrePath]:
    """Paths of one set of projects; `outlooks` is the unemployment of all places without them, a run each."""
    world, horizon = study.world, study.design.horizon
    years, waged = horizon - world.start, waged_places(world)
    probe = Engine(world, study.founding(0), study.values(0), np.uint64(0), horizon=horizon)
    force = probe.labour_force_outside
    paths = {place: CentrePath(*(np.zeros((len(keys), years)) for _ in range(4))) for place in hosts}
    openings, seekers = np.zeros(world.n_all), np.zeros(world.n_all)
    for run, ((values, seed), unemployment) in enumerate(zip(keys, outlooks, strict=True)):
        table, settings = values.table(), values.settings()
        columns, state = project_columns(projects), new_settlements(world.n_sim, world.n_all)
        state.slack_outside[:] = settings.centre_slack
        for t in range(years):
            advance_zones(columns, factors[t], table, seed, world.start + t, state)
            relieve_centres(state, world.n_sim, settings.centre_slack, force, table, openings, seekers)
            for place, path in paths.items():
                slack = float(state.slack_outside[place])
                relief = settings.centre_slack - slack if place in waged else 0.0
                path.jobs[run, t] = state.zone_jobs[place]
                path.launched[run, t] = state.zone_launched[place]
                path.unemployment[run, t] = max(0.0, unemployment[t, place] - max(0.0, relief))
                path.wage[run, t] = (
                    wage_level(1.0, 1.0, slack, settings.centre_slack, 0.0, table[0])
                    if place in waged
                    else 1.0
                )
    return paths
