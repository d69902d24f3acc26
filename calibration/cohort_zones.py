"""Zones of the cohort twin: equation (20) in expectation over launches, sizes and exits."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_state import Floats, fill
from model.settlements import Settlements
from model.zones import Projects


class Odds(NamedTuple):
    """Chance that a project has not launched yet, and that it runs: float64[projects] each."""

    waiting: Floats
    running: Floats


def new_odds(projects: int) -> Odds:
    """No project has launched."""
    return Odds(np.ones(projects), np.zeros(projects))


@cohort_kernel
def expect_zones(
    projects: Projects,
    odds: Odds,
    launch_factor: NDArray[np.float64],
    settings: Any,
    year: int,
    state: Settlements,
) -> None:
    """Expected jobs of the year; fills `state.zone_jobs` (additional) and `zone_launched`."""
    for place in range(state.zone_jobs.shape[0]):
        state.zone_jobs_before[place] = state.zone_jobs[place]
    fill(state.zone_jobs, 0.0)
    fill(state.zone_launched, 0.0)
    for k in range(projects.key.shape[0]):
        place = projects.place[k]
        if year > max(projects.full_year[k], projects.kept_until[k]):
            odds.running[k] *= 1.0 - settings.exit_rate
        chance = 0.0
        if projects.recorded[k]:
            chance = 1.0 if year >= projects.first_year[k] else 0.0
        elif projects.first_year[k] <= year <= projects.last_year[k]:
            chance = min(1.0, settings.launch_hazard * projects.launch_factor[k] * launch_factor[place])
        odds.running[k] += odds.waiting[k] * chance
        odds.waiting[k] *= 1.0 - chance
        if odds.running[k] <= 0.0:
            continue
        jobs = projects.declared_jobs[k]
        if math.isnan(jobs):
            jobs = settings.jobs_per_project * math.exp(
                0.5 * settings.project_spread**2
            )  # mean of a lognormal
        if projects.recorded[k] and year < projects.full_year[k]:
            jobs *= (year - projects.first_year[k]) / (projects.full_year[k] - projects.first_year[k])
        but_for = settings.but_for if math.isnan(projects.but_for[k]) else projects.but_for[k]
        displaced = (
            settings.displacement if math.isnan(projects.displacement[k]) else projects.displacement[k]
        )
        state.zone_launched[place] += odds.running[k] * jobs
        state.zone_jobs[place] += odds.running[k] * jobs * but_for * (1.0 - displaced)
