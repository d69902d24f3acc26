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

SIZES = (1, 4, 16)  # times 33.6 thousand people
SEEDS = 8
YEARS = (2025, 2035, 2045)
# What the remaining approximations may leave of a place's population (docs/cohort-twin.md).
LARGEST_BIAS = 0.003


def deviations(towns: World, sizes: tuple[int, ...]) -> dict[int, NDArray[np.float64]]:
    """Relative deviation of every run's population from the twin: float64[seeds, years, places] by size."""
    space = ParameterSpace(towns)
    values = space.defaults().with_values(expand(space, {**NO_SHOCKS, **ALIKE, **LONE}))
    at = [year - towns.start for year in YEARS]
    found = {}
    for size in sizes:
        founding = one_person_founding(build_founding(towns, replicates=size))
        twin = CohortTwin(towns, founding).run(values).column("population")[at]
        runs = [
            simulate(towns, founding, values, run_seed(4, size, k)).column("population")[at]
            for k in range(SEEDS)
        ]
        found[size] = np.array(runs) / twin - 1.0
    return found


@pytest.fixture(scope="module")
def errors(towns: World) -> dict[int, NDArray[np.float64]]:
    return deviations(towns, SIZES)


def assert_unbiased(errors: NDArray[np.float64]) -> None:
    mean = errors.mean(axis=0)
    standard = errors.std(axis=0, ddof=1) / math.sqrt(SEEDS)
    assert (np.abs(mean) < 5.0 * standard + LARGEST_BIAS).all(), (mean, standard)


@pytest.mark.slow
def test_the_towns_mean_is_the_twin(towns: World) -> None:
    errors = deviations(towns, (1,))[1]
    assert_unbiased(errors)
    assert math.sqrt(float((errors**2).mean())) < 0.02


@pytest.mark.slow
def test_deviations_fall_with_the_root_of_the_population(errors: dict[int, NDArray[np.float64]]) -> None:
    spread = [math.sqrt(float((errors[size] ** 2).mean())) for size in SIZES]
    rate = np.polyfit(np.log(SIZES), np.log(spread), 1)[0]
    assert -0.65 < rate < -0.35, (rate, spread)


@pytest.mark.slow
def test_means_are_the_twin_up_to_chance_and_a_bounded_bias(errors: dict[int, NDArray[np.float64]]) -> None:
    for size in SIZES:
        assert_unbiased(errors[size])
    # Over all places and seeds, where chance is smallest.
    assert abs(float(errors[SIZES[-1]].mean())) < LARGEST_BIAS
