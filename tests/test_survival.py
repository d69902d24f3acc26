"""Survival curves against closed forms, simulation with known truth, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.intervals import probability
from experiments.survival import (
    NEVER,
    cumulative_incidence,
    first_held,
    kaplan_meier,
    restricted_mean,
)

# Kaplan & Meier's estimate for the placebo arm of Freireich et al. 1963 (Cox 1972), all remissions observed,
# and for the arm with 6-mercaptopurine, censored ones with False; survival as printed in textbooks.
MERCAPTOPURINE = [
    (6, True), (6, True), (6, True), (6, False), (7, True), (9, False), (10, True), (10, False), (11, False),
    (13, True), (16, True), (17, False), (19, False), (20, False), (22, True), (23, True), (25, False),
    (32, False), (32, False), (34, False), (35, False),
]  # fmt: skip


def test_kaplan_meier_of_a_textbook_trial() -> None:
    times = np.array([t for t, _ in MERCAPTOPURINE])
    crossed = np.array([c for _, c in MERCAPTOPURINE])
    curve = kaplan_meier(times, crossed, 35)
    for year, expected in (
        (5, 1.0),
        (6, 0.8571),
        (7, 0.8067),
        (10, 0.7529),
        (13, 0.6902),
        (16, 0.6275),
        (23, 0.4482),
    ):
        assert curve.survival[year] == pytest.approx(expected, abs=5e-5)
    assert curve.at_risk[6] == 21
    assert curve.at_risk[10] == 15
    assert curve.median == 23
    # Greenwood's standard error at 10 weeks is 0.0963 in the textbooks; log-log interval from it
    width = 1.959964 * 0.0963 / (0.7529 * abs(math.log(0.7529)))
    assert curve.low[10] == pytest.approx(0.7529 ** math.exp(width), abs=2e-3)
    assert curve.high[10] == pytest.approx(0.7529 ** math.exp(-width), abs=2e-3)


def test_no_crossing_and_all_crossing_are_bounds_never_certainties() -> None:
    none = kaplan_meier(np.full(100, 30), np.zeros(100, bool), 30)
    assert (none.survival == 1.0).all()
    assert none.low[30] == pytest.approx(1.0 - probability(0, 100).high)
    assert none.median is None
    everyone = kaplan_meier(np.full(100, 3), np.ones(100, bool), 30)
    assert everyone.survival[3] == 0.0
    assert everyone.high[3] == pytest.approx(probability(0, 100).high)
    assert everyone.low[2] == pytest.approx(1.0 - probability(0, 100).high)


def test_without_early_censoring_the_curve_is_the_share_of_runs() -> None:
    rng = np.random.default_rng(1)
    latent = rng.geometric(0.05, 400)
    times, crossed = np.minimum(latent, 30), latent <= 30
    curve = kaplan_meier(times, crossed, 30)
    for year in (1, 10, 29, 30):
        assert curve.survival[year] == pytest.approx((latent > year).mean(), abs=1e-12)


def test_intervals_of_the_curve_cover_the_truth() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        latent, lost = rng.geometric(0.06, 60), rng.integers(5, 40, 60)
        times, crossed = np.minimum(np.minimum(latent, lost), 30), latent <= np.minimum(lost, 30)
        curve = kaplan_meier(times, crossed, 30)
        hits += bool(curve.low[15] <= 0.94**15 <= curve.high[15])
    assert 0.92 <= hits / 400 <= 0.985


def test_restricted_mean_and_its_variance_without_censoring() -> None:
    rng = np.random.default_rng(2)
    latent = rng.geometric(0.08, 300)
    times, crossed = np.minimum(latent, 20), latent <= 20
    found = restricted_mean(times, crossed, 20)
    restricted = np.minimum(latent, 20)
    assert found.years == pytest.approx(restricted.mean(), abs=1e-9)
    half = 1.959964 * restricted.std() / math.sqrt(300)
    assert found.high - found.years == pytest.approx(half, rel=1e-6)


def test_restricted_mean_covers_the_truth_under_censoring() -> None:
    rng = np.random.default_rng(3)
    truth = sum(0.93**t for t in range(20))
    hits = 0
    for _ in range(400):
        latent, lost = rng.geometric(0.07, 80), rng.integers(3, 45, 80)
        times, crossed = np.minimum(np.minimum(latent, lost), 20), latent <= np.minimum(lost, 20)
        found = restricted_mean(times, crossed, 20)
        hits += bool(found.low <= truth <= found.high)
    assert 0.92 <= hits / 400 <= 0.98


def test_restricted_mean_without_crossings_is_a_bound() -> None:
    found = restricted_mean(np.full(50, 30), np.zeros(50, bool), 30)
    assert found.years == 30.0
    assert found.high == 30.0
    assert found.low == pytest.approx(30.0 * (1.0 - probability(0, 50).high))


def test_competing_shares_without_censoring_are_binomial() -> None:
    rng = np.random.default_rng(4)
    latent, kind = rng.geometric(0.1, 500), rng.choice([1, 2], 500, p=[0.3, 0.7])
    kinds = np.where(latent <= 25, kind, 0)
    found = cumulative_incidence(np.minimum(latent, 25), kinds, 25)
    for k in (1, 2):
        share = (kinds == k).mean()
        assert found[k].share[25] == pytest.approx(share, abs=1e-12)
        error = math.sqrt(share * (1 - share) / 500)
        width = 1.959964 * error / (share * abs(math.log(share)))
        assert found[k].high[25] == pytest.approx(share ** math.exp(-width), rel=1e-6)


def test_competing_shares_cover_the_truth_under_censoring() -> None:
    rng = np.random.default_rng(6)
    truth = 0.4 * (1 - 0.9**12)
    hits = 0
    for _ in range(300):
        latent, lost = rng.geometric(0.1, 120), rng.integers(2, 40, 120)
        kind = rng.choice([1, 2], 120, p=[0.4, 0.6])
        times = np.minimum(latent, lost)
        found = cumulative_incidence(times, np.where(latent <= lost, kind, 0), 40)[1]
        hits += bool(found.low[12] <= truth <= found.high[12])
    assert 0.92 <= hits / 300 <= 0.985


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_competing_shares_and_survival_add_up_to_one(runs: list[tuple[int, int]]) -> None:
    times, kinds = (np.array(column) for column in zip(*runs, strict=True))
    curve = kaplan_meier(times, kinds > 0, 12)
    total = curve.survival.copy()
    for one in cumulative_incidence(times, kinds, 12).values():
        total += one.share
        assert (one.low <= one.share + 1e-12).all()
        assert (one.share <= one.high + 1e-12).all()
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_first_held_needs_all_years_in_a_row() -> None:
    flags = np.array(
        [[0, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 1, 1]], dtype=bool
    )
    assert first_held(flags, 3).tolist() == [5, 2, NEVER, NEVER]
    assert first_held(flags, 1).tolist() == [1, 0, NEVER, 1]
    assert first_held(flags[:, :2], 3).tolist() == [NEVER] * 4
    with pytest.raises(ValueError, match="in_a_row"):
        first_held(flags, 0)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="same runs"):
        kaplan_meier(np.array([1, 2]), np.array([True]), 5)
    with pytest.raises(ValueError, match="before the start"):
        kaplan_meier(np.array([-1]), np.array([True]), 5)
    with pytest.raises(ValueError, match="below 0"):
        cumulative_incidence(np.array([1]), np.array([-1]), 5)
