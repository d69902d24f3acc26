"""Scores of forecasts against what is known analytically."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from calibration.scores import (
    LEVELS,
    bias,
    covered,
    crps,
    crps_normal,
    interval,
    log_score,
    rank,
    skill,
)

NORMAL = np.random.default_rng(1)


def brute_force(members: list[float], observed: float) -> float:
    """The fair score by its definition, pair by pair."""
    m = len(members)
    error = sum(abs(x - observed) for x in members) / m
    pairs = sum(abs(x - y) for x in members for y in members)
    return error - pairs / (2 * m * (m - 1))


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12),
    st.floats(-1e3, 1e3),
)
@settings(max_examples=100, deadline=None)
def test_crps_is_its_definition(members: list[float], observed: float) -> None:
    ours = crps(np.array(members)[:, None], np.array([observed]))[0]
    assert ours == pytest.approx(brute_force(members, observed), abs=1e-8)


def test_crps_of_an_ensemble_tends_to_the_analytic_one() -> None:
    observed = np.array([-2.0, 0.0, 0.7, 3.5])
    mean, sd = np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 0.5, 3.0])
    ensemble = mean + sd * NORMAL.standard_normal((200_000, 4))
    np.testing.assert_allclose(crps(ensemble, observed), crps_normal(mean, sd, observed), rtol=0.01)


def test_analytic_crps_is_the_integral_of_its_definition() -> None:
    """Integral over x of (F(x) - 1[x >= y])^2 (Matheson & Winkler 1976)."""
    for mean, sd, observed in ((0.0, 1.0, 0.3), (2.0, 0.5, 4.0), (-1.0, 3.0, -9.0)):
        below = integrate.quad(lambda x, m=mean, s=sd: stats.norm.cdf(x, m, s) ** 2, -60, observed)[0]
        above = integrate.quad(lambda x, m=mean, s=sd: stats.norm.sf(x, m, s) ** 2, observed, 60)[0]
        ours = crps_normal(np.array([mean]), np.array([sd]), np.array([observed]))[0]
        assert ours == pytest.approx(below + above, rel=1e-6)


def test_crps_is_fair_to_small_ensembles() -> None:
    """Its mean does not depend on the number of members: 3 members score as 300."""
    observed = NORMAL.standard_normal(40_000)
    few = crps(NORMAL.standard_normal((3, 40_000)), observed).mean()
    expected = crps_normal(np.zeros(40_000), np.ones(40_000), observed).mean()
    assert few == pytest.approx(expected, rel=0.02)
    assert expected == pytest.approx(1 / math.sqrt(math.pi), rel=0.02)


def test_crps_prefers_the_truth() -> None:
    observed = NORMAL.standard_normal(5000)
    scores = {
        (mean, sd): crps(mean + sd * NORMAL.standard_normal((200, 5000)), observed).mean()
        for mean, sd in ((0.0, 1.0), (0.5, 1.0), (0.0, 0.5), (0.0, 2.0))
    }
    assert min(scores, key=lambda key: scores[key]) == (0.0, 1.0)


@pytest.mark.parametrize("level", LEVELS)
def test_intervals_cover_what_they_say(level: float) -> None:
    for members in (39, 999):
        observed = NORMAL.standard_normal(20_000)
        share = covered(NORMAL.standard_normal((members, 20_000)), observed, level).mean()
        assert share == pytest.approx(level, abs=0.012)


def test_intervals_of_a_known_ensemble() -> None:
    low, high = interval(np.arange(1.0, 100.0)[:, None], 0.80)
    assert (low[0], high[0]) == pytest.approx((10.0, 90.0), abs=1e-9)
    with pytest.raises(ValueError, match="level 95"):
        interval(np.arange(1.0, 100.0)[:, None], 95)


def test_bias_has_a_sign() -> None:
    ensemble = np.array([[1.0, 5.0], [2.0, 5.0], [1e9, 5.0]])
    np.testing.assert_allclose(bias(ensemble, np.array([0.0, 7.0])), [2.0, -2.0])


def test_log_score_tends_to_the_density() -> None:
    observed = np.array([-1.0, 0.0, 1.5])
    ours = log_score(NORMAL.standard_normal((100_000, 3)), observed)
    np.testing.assert_allclose(ours, -stats.norm.logpdf(observed), atol=0.03)


def test_log_score_of_a_point_forecast_is_finite_and_bad() -> None:
    point = np.zeros((10, 2))
    right, wrong = log_score(point, np.array([0.0, 1.0]))
    assert right < 0 < 1e6 < wrong < math.inf


def test_ranks_of_a_calibrated_forecast_are_uniform() -> None:
    members = 9
    ranks = rank(NORMAL.standard_normal((members, 20_000)), NORMAL.standard_normal(20_000))
    counts = np.bincount(ranks, minlength=members + 1)
    assert stats.chisquare(counts).pvalue > 0.001
    tied = rank(np.zeros((members, 20_000)), np.zeros(20_000))
    assert stats.chisquare(np.bincount(tied, minlength=members + 1)).pvalue > 0.001


def test_skill_says_who_is_better() -> None:
    groups = np.repeat(np.arange(8), 6)
    noise = 0.05 * NORMAL.random(48)
    better = skill(0.5 + noise, np.ones(48), groups)
    assert better.verdict == "beats"
    assert better.skill == pytest.approx(1 - (0.5 + noise.mean()))
    assert better.low < better.difference < better.high < 0
    assert skill(1.5 + noise, np.ones(48), groups).verdict == "does not beat"
    mixed = np.where(groups < 5, 0.8, 1.2)
    assert skill(mixed, np.ones(48), groups).verdict == "not clearly better"
    alone = skill(0.5 + noise, np.ones(48), np.zeros(48, dtype=np.int64))
    assert (alone.low, alone.high, alone.verdict) == (-math.inf, math.inf, "not clearly better")
    assert math.isnan(skill(np.ones(2), np.zeros(2), np.arange(2)).skill)


def test_skill_repeats_itself() -> None:
    groups = np.repeat(np.arange(4), 5)
    scores = NORMAL.random(20)
    assert skill(scores, np.ones(20), groups, seed=3) == skill(scores, np.ones(20), groups, seed=3)


@pytest.mark.parametrize(
    ("ensemble", "observed", "message"),
    [
        (np.zeros((1, 2)), np.zeros(2), "at least 2"),
        (np.zeros((3, 2)), np.zeros(3), "do not fit"),
        (np.full((3, 2), np.nan), np.zeros(2), "not a finite number"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    ensemble: np.ndarray, observed: np.ndarray, message: str
) -> None:  # fmt: skip
    with pytest.raises(ValueError, match=message):
        crps(ensemble, observed)


def test_comparing_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        skill(np.zeros(3), np.zeros(2), np.zeros(3, dtype=np.int64))
