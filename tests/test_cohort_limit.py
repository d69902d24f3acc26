"""Where everybody is alike and lives alone, the engine's mean goes to the cohort twin as people become many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.cohort_gap import expand
from calibration.cohort_lone_world import ALIKE, LONE, NO_SHOCKS, one_person_founding
from calibration.cohort_twin import CohortTwin
from model.draws import run_seed
from model.engine import simulate
from model.founding import build_founding
from model.parameters import ParameterSpace
from model.world import World

SIZES = (1, 4, 16)
SEEDS = 6
YEARS = (2025, 2035, 2045)
# What the remaining approximations may leave of population, births and deaths (docs/cohort-twin.md).
LARGEST_BIAS = 0.004


@pytest.fixture(scope="module")
def errors(towns: World) -> dict[int, NDArray[np.float64]]:
    """Relative deviation of every run's population from the twin: float64[seeds, years, places] by size."""
    space = ParameterSpace(towns)
    values = space.defaults().with_values(expand(space, {**NO_SHOCKS, **ALIKE, **LONE}))
    at = [year - towns.start for year in YEARS]
    found = {}
    for size in SIZES:
        founding = one_person_founding(build_founding(towns, replicates=size))
        twin = CohortTwin(towns, founding).run(values).column("population")[at]
        runs = [
            simulate(towns, founding, values, run_seed(4, size, k)).column("population")[at]
            for k in range(SEEDS)
        ]
        found[size] = np.array(runs) / twin - 1.0
    return found


def test_deviations_fall_with_the_root_of_the_population(errors: dict[int, NDArray[np.float64]]) -> None:
    spread = [math.sqrt(float((errors[size] ** 2).mean())) for size in SIZES]
    rate = np.polyfit(np.log(SIZES), np.log(spread), 1)[0]
    assert -0.65 < rate < -0.35, (rate, spread)


def test_means_are_the_twin_up_to_chance_and_a_bounded_bias(errors: dict[int, NDArray[np.float64]]) -> None:
    for size in SIZES:
        mean = errors[size].mean(axis=0)
        standard = errors[size].std(axis=0, ddof=1) / math.sqrt(SEEDS)
        assert (np.abs(mean) < 5.0 * standard + LARGEST_BIAS).all(), (size, mean, standard)
    # Over all places, where chance is smallest.
    total = float(errors[SIZES[-1]].mean())
    assert abs(total) < LARGEST_BIAS, total
