"""The twin as control variate: unbiased, and it takes away what the parameters explain."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.cohort_control import adjust_mean, twin_paths
from calibration.cohort_twin import CohortTwin
from model.draws import run_seed
from model.engine import simulate
from model.founding import Founding
from model.parameters import ParameterSpace
from model.world import World


def test_known_slope_is_taken_out() -> None:
    rng = np.random.default_rng(1)
    control = rng.normal(10.0, 3.0, 400)
    runs = 5.0 + 2.0 * control + rng.normal(0.0, 1.0, 400)
    mean = adjust_mean(runs, control, rng.normal(10.0, 3.0, 40_000))
    assert abs(mean.adjusted - 25.0) < 4.0 * mean.adjusted_error
    # 37 / 400 against 1 / 400 and what 40 000 draws leave unknown of the control's mean, 36 / 40 000
    assert mean.reduction == pytest.approx(27.2, rel=0.3)
    assert mean.adjusted_error < mean.plain_error


def test_adjusted_means_keep_their_stated_error() -> None:
    rng = np.random.default_rng(2)
    scores = []
    for _ in range(300):
        control = rng.normal(0.0, 1.0, 30)
        runs = 1.5 * control + rng.normal(0.0, 0.5, 30)
        mean = adjust_mean(runs, control, rng.normal(0.0, 1.0, 600))
        scores.append(mean.adjusted / mean.adjusted_error)
    assert abs(np.mean(scores)) < 0.2
    assert np.std(scores) == pytest.approx(1.0, abs=0.15)


def test_a_constant_control_changes_nothing() -> None:
    mean = adjust_mean(np.arange(5.0), np.ones(5), np.ones(9))
    assert mean.adjusted == mean.plain == 2.0
    assert mean.reduction == 1.0


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="as many controls"):
        adjust_mean(np.arange(5.0), np.arange(4.0), np.arange(9.0))


@pytest.mark.slow
def test_it_saves_more_than_half_of_the_variance_in_the_towns(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    numbers = range(40)
    runs = np.array(
        [
            simulate(towns, towns_founding, towns_space.draw(1, k), run_seed(1, k, 0), None, 2030)
            .column("population")[-1].sum()
            for k in numbers
        ]
    )  # fmt: skip
    twin = CohortTwin(towns, towns_founding)
    for shares_shocks, least in ((False, 2.0), (True, 5.0)):
        controls = [
            twin_paths(twin, towns_space, 1, draws, None, 2030, shares_shocks)[:, -1].sum(axis=1)
            for draws in (numbers, range(1000, 1400))
        ]
        mean = adjust_mean(runs, controls[0], controls[1])
        assert mean.reduction > least, (shares_shocks, mean)
