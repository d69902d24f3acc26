"""Phase 2: special economic zones, project by project (equation 20).

A declared project launches with hazard h_L; launched jobs are log-normal; additional = launched x but-for
x (1 - displacement); a launched project closes with hazard x_z. Projects that are known to run follow
their recorded jobs until the record ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import lean_kernel
from model.reference_tables import zone_facts
from model.settlements import Settlements
from model.world import World

ZONE = "qyzyljar"
NOT_YET = -1
UNKNOWN = float("nan")


@dataclass(frozen=True)
class Project:
    """One project of a zone.

    `declared_jobs` NaN: drawn at launch. `recorded`: known to run, jobs grow linearly from `first_year` to
    `full_year`. Otherwise it may launch from `first_year` to `last_year`. But-for share and displacement
    default (NaN) to the declared parameters. No project closes before the year after `kept_until`.
    """

    zone: str
    name: str
    place: int
    first_year: int
    last_year: int
    declared_jobs: float = UNKNOWN
    recorded: bool = False
    full_year: int = 0
    but_for: float = UNKNOWN
    displacement: float = UNKNOWN
    launch_factor: float = 1.0
    kept_until: int = 0


class Projects(NamedTuple):
    """Columns of projects: fixed part (see `Project`) and state (`launched`, `closed` years, `jobs` at full size)."""

    key: NDArray[np.uint64]
    place: NDArray[np.int64]
    first_year: NDArray[np.int64]
    last_year: NDArray[np.int64]
    full_year: NDArray[np.int64]
    recorded: NDArray[np.bool_]
    declared_jobs: NDArray[np.float64]
    but_for: NDArray[np.float64]
    displacement: NDArray[np.float64]
    launch_factor: NDArray[np.float64]
    kept_until: NDArray[np.int64]
    launched: NDArray[np.int64]
    closed: NDArray[np.int64]
    jobs: NDArray[np.float64]


def qyzyljar_projects(world: World) -> tuple[Project, ...]:
    """The zone as realised so far: launched projects with their recorded jobs, and the declared pipeline.

    Worlds without a record of zone jobs have none.
    """
    facts = {row.fact: row.value for row in zone_facts()}
    projects: list[Project] = []
    for place, path in sorted(world.zone_jobs.items()):
        if place not in world.ids:
            continue
        index = world.ids.index(place)
        first, full = min(path), max(path)
        end = first + int(facts["term_years"])
        launched = int(facts["launched_projects"])
        for number in range(launched):
            projects.append(
                Project(ZONE, f"launched {number + 1}", index, first, end, path[full] / launched, True, full)
            )
        for number in range(int(facts["pipeline_projects"])):
            projects.append(Project(ZONE, f"pipeline {number + 1}", index, full + 1, end))
    return tuple(projects)


def project_columns(projects: tuple[Project, ...]) -> Projects:
    """Columns for the kernels; a project's draws are keyed by zone and name."""
    n = len(projects)

    def whole(name: str) -> NDArray[np.int64]:
        return np.array([getattr(project, name) for project in projects], np.int64).reshape(n)

    def real(name: str) -> NDArray[np.float64]:
        return np.array([getattr(project, name) for project in projects], np.float64).reshape(n)

    return Projects(
        key=np.array([draws.text_key(f"{p.zone}/{p.name}") for p in projects], np.uint64).reshape(n),
        place=whole("place"),
        first_year=whole("first_year"),
        last_year=whole("last_year"),
        full_year=whole("full_year"),
        recorded=np.array([p.recorded for p in projects], np.bool_).reshape(n),
        declared_jobs=real("declared_jobs"),
        but_for=real("but_for"),
        displacement=real("displacement"),
        launch_factor=real("launch_factor"),
        kept_until=whole("kept_until"),
        launched=np.full(n, NOT_YET, np.int64),
        closed=np.full(n, NOT_YET, np.int64),
        jobs=np.zeros(n),
    )


@lean_kernel
def advance_zones(
    projects: Projects,
    launch_factor: NDArray[np.float64],
    table: Any,
    seed: np.uint64,
    year: int,
    state: Settlements,
) -> None:
    """Equation (20): launches and exits of the year; fills `state.zone_jobs` (additional) and `zone_launched`."""
    settings = table[0]
    launch_salt = draws.salt(seed, year, draws.PROJECT_LAUNCH)
    exit_salt = draws.salt(seed, year, draws.PROJECT_EXIT)
    jobs_salt = draws.salt(seed, 0, draws.PROJECT_JOBS)
    for place in range(state.zone_jobs.shape[0]):
        state.zone_jobs_before[place] = state.zone_jobs[place]
    state.zone_jobs[:] = 0.0
    state.zone_launched[:] = 0.0
    for k in range(projects.key.shape[0]):
        key = projects.key[k]
        place = projects.place[k]
        if projects.launched[k] == NOT_YET:
            if projects.recorded[k]:
                starts = year >= projects.first_year[k]
            else:
                chance = settings.launch_hazard * projects.launch_factor[k] * launch_factor[place]
                inside = projects.first_year[k] <= year <= projects.last_year[k]
                starts = inside and draws.uniform(key, launch_salt) < chance
            if not starts:
                continue
            projects.launched[k] = year
            if math.isnan(projects.declared_jobs[k]):
                spread = settings.project_spread * draws.normal(key, jobs_salt)
                projects.jobs[k] = settings.jobs_per_project * math.exp(spread)
            else:
                projects.jobs[k] = projects.declared_jobs[k]
        elif (
            projects.closed[k] == NOT_YET
            and year > max(projects.full_year[k], projects.kept_until[k])
            and draws.uniform(key, exit_salt) < settings.exit_rate
        ):
            projects.closed[k] = year
        if projects.closed[k] != NOT_YET:
            continue
        jobs = projects.jobs[k]
        if projects.recorded[k] and year < projects.full_year[k]:
            jobs *= (year - projects.first_year[k]) / (projects.full_year[k] - projects.first_year[k])
        but_for = settings.but_for if math.isnan(projects.but_for[k]) else projects.but_for[k]
        displaced = (
            settings.displacement if math.isnan(projects.displacement[k]) else projects.displacement[k]
        )
        state.zone_launched[place] += jobs
        state.zone_jobs[place] += jobs * but_for * (1.0 - displaced)


@lean_kernel
def relieve_centres(
    state: Settlements,
    n_sim: int,
    slack_2015: float,
    labour_force: NDArray[np.float64],
    table: Any,
    openings: NDArray[np.float64],
    seekers: NDArray[np.float64],
) -> None:
    """What a zone does to an outside centre: slack falls by additional jobs / labour force, posts open for seekers.

    Fills the yearly openings and the seekers (the centre's own and its district's) of external centres.
    """
    settings = table[0]
    for place in range(n_sim, state.zone_jobs.shape[0]):
        openings[place] = 0.0
        seekers[place] = 0.0
        force = labour_force[place]
        if force <= 0.0:
            continue
        state.slack_outside[place] = max(0.0, slack_2015 - state.zone_jobs[place] / force)
        employed = force * (1.0 - slack_2015)
        fresh = state.zone_jobs[place] - (1.0 - settings.separation) * state.zone_jobs_before[place]
        openings[place] = settings.separation * employed + max(0.0, fresh)
        own = force * (state.slack_outside[place] + settings.separation * (1.0 - slack_2015))
        seekers[place] = own * (1.0 + settings.district_seekers)
