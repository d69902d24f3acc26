"""Statistics of comparisons against what is known analytically: intervals, bounds, ratios, regret."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from experiments.cost_effectiveness import (
    PRESENT_YEAR,
    cost_ratio,
    discount_factors,
    fieller,
    person_years,
    present_value,
)
from experiments.paired_statistics import (
    difference,
    mean_interval,
    pairing_gain,
    probability_change,
    size_bound,
    student,
    summarised,
)
from experiments.regret import expected_regret, leads, prior_driven, rank, regret_intervals

Floats = NDArray[np.float64]
numbers = st.lists(st.floats(-1e4, 1e4, allow_nan=False), min_size=3, max_size=40)


def normal(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


# ---- paired differences ----


@given(numbers)
def test_the_mean_has_students_interval(values: list[float]) -> None:
    data = np.array(values)
    assume(float(np.std(data)) > 1e-6)
    mean, (low, high) = mean_interval(data)
    expected = stats.t.interval(0.95, len(data) - 1, np.mean(data), stats.sem(data))
    assert (low, mean, high) == pytest.approx((expected[0], np.mean(data), expected[1]), rel=1e-6, abs=1e-6)


def test_one_run_has_no_interval() -> None:
    mean, interval = mean_interval(np.array([3.0]))
    assert mean == 3.0
    assert all(math.isnan(end) for end in interval)
    assert student(1, 0.95) == math.inf


def test_a_difference_of_runs_is_paired() -> None:
    base = 1000.0 * normal(1, 50)
    gap = difference(base + 2.0, base)
    assert gap.mean == pytest.approx(2.0)
    assert gap.of_mean == pytest.approx((2.0, 2.0))
    assert gap.is_clear
    assert (gap.above, gap.below) == (1.0, 0.0)
    assert difference(base, base).is_zero
    with pytest.raises(ValueError, match="no runs"):
        summarised(np.empty(0))


@pytest.mark.parametrize("runs", [19, 40, 199])
def test_the_bound_holds_for_a_further_run_as_often_as_it_says(runs: int) -> None:
    """Exchangeable runs: the k-th smallest size bounds the next one with probability k / (n + 1)."""
    k = math.ceil(0.95 * (runs + 1) - 1e-9)
    data = np.random.default_rng(runs).standard_cauchy((20_000, runs + 1))
    held = np.mean([abs(row[-1]) <= (size_bound(row[:-1]) or 0.0) for row in data])
    assert held == pytest.approx(k / (runs + 1), abs=4 * math.sqrt(0.05 * 0.95 / 20_000))


def test_too_few_runs_give_no_bound() -> None:
    assert size_bound(normal(2, 18)) is None
    assert size_bound(normal(2, 19)) == np.abs(normal(2, 19)).max()


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60), st.integers(0, 60))
def test_a_change_of_probability_turns_its_sign_with_its_sides(a: int, b: int, both: int, none: int) -> None:
    assume(a + b + both + none > 0)
    policy = np.repeat([True, False, True, False], (a, b, both, none))
    reference = np.repeat([False, True, True, False], (a, b, both, none))
    there, back = probability_change(policy, reference), probability_change(reference, policy)
    n = a + b + both + none
    assert there.change == pytest.approx((a - b) / n)
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert there.interval[0] < (a - b) / (n + 2) < there.interval[1]
    assert there.policy - there.reference == pytest.approx(there.change)


def test_no_change_in_any_run_is_no_proof_of_none() -> None:
    same = np.zeros(50, np.bool_)
    low, high = probability_change(same, same).interval
    assert 0.0 < high < 0.1
    assert low == -high
    always = probability_change(~same, same)
    assert always.interval[1] <= 1.0
    assert always.interval[0] > 0.8


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.9, 0.99])
def test_pairing_saves_what_the_correlation_says(rho: float) -> None:
    """Var(X) + Var(Y) over Var(X - Y) is 1 / (1 - rho) for equal variances."""
    common, own = normal(3, 200_000), normal(4, 200_000)
    gain = pairing_gain(common, rho * common + math.sqrt(1 - rho * rho) * own)
    assert gain is not None
    assert gain.independent / gain.runs == pytest.approx(1 / (1 - rho), rel=0.02)
    assert gain.correlation == pytest.approx(rho, abs=0.01)
    assert gain.saved == pytest.approx(gain.independent - gain.runs)


def test_pairing_of_equal_runs_saves_all_of_them() -> None:
    gain = pairing_gain(normal(5, 30), normal(5, 30))
    assert gain is not None
    assert gain.independent == math.inf
    assert pairing_gain(np.ones(30), np.ones(30)) is None
    assert pairing_gain(np.ones(1), np.ones(1)) is None


# ---- money ----


def test_present_values_are_annuities() -> None:
    years, rate = np.arange(PRESENT_YEAR, PRESENT_YEAR + 20, dtype=np.float64), 0.05
    value = present_value(np.full((2, 20), 10.0), years, rate)
    assert value == pytest.approx(10.0 * (1 - 1.05**-20) / 0.05 * 1.05)
    assert discount_factors(np.array([PRESENT_YEAR - 1.0]), rate) == pytest.approx([1.05])
    assert present_value(np.ones((1, 20)), years, 0.0) == pytest.approx(20.0)


def test_person_years_lie_between_two_januaries() -> None:
    assert person_years(np.array([[100.0, 110.0, 90.0]])).tolist() == [[105.0, 100.0]]


@given(st.integers(0, 500), st.floats(0.2, 50), st.floats(-0.9, 0.9), st.integers(5, 60))
def test_fieller_ends_where_the_test_of_the_ratio_does(
    seed: int, effect: float, rho: float, runs: int
) -> None:
    """A ratio r lies inside exactly where Student's test does not reject mean(cost - r x effect) = 0."""
    e, own = normal(seed, runs), normal(seed + 1000, runs)
    gain, cost = effect + e, 10.0 + rho * e + math.sqrt(1 - rho * rho) * own
    interval = fieller(cost, gain)
    low, high = mean_interval(gain)[1]
    assert (interval is None) == (low <= 0.0 <= high)
    if interval is not None:
        for ratio in interval:
            t = stats.ttest_1samp(cost - ratio * gain, 0.0).statistic
            assert abs(t) == pytest.approx(student(runs, 0.95), rel=1e-6)
        assert interval[0] <= cost.mean() / gain.mean() <= interval[1]


def test_fieller_covers_the_true_ratio() -> None:
    rng, held = np.random.default_rng(7), 0
    for _ in range(2000):
        gain, cost = 5 + 4 * rng.normal(size=15), 20 + 6 * rng.normal(size=15)
        interval = fieller(cost, gain)
        held += interval is None or interval[0] <= 4.0 <= interval[1]
    assert held / 2000 == pytest.approx(0.95, abs=0.02)


def test_a_fixed_price_is_found_without_error() -> None:
    gain = 50.0 + normal(8, 60)
    ratio = cost_ratio(3.0 * gain, gain)
    assert ratio.expected == pytest.approx(3.0)
    assert ratio.of_expected == pytest.approx((3.0, 3.0))
    assert (ratio.median, *(ratio.half or ()), *(ratio.most or ())) == pytest.approx((3.0,) * 5)
    assert ratio.reason == ""


@pytest.mark.parametrize(
    ("cost", "gain", "reason"),
    [
        (10.0, 0.0 * normal(9, 40), "no effect in any run"),
        (10.0, normal(9, 40) - normal(9, 40).mean(), "mean gain .* includes 0"),
        (10.0, -3.0 + 0.1 * normal(9, 40), "a loss, not a gain"),
        (-10.0, 3.0 + 0.1 * normal(9, 40), "saves money"),
    ],
)
def test_a_ratio_to_nothing_is_undefined_and_says_so(cost: float, gain: Floats, reason: str) -> None:
    ratio = cost_ratio(np.full(40, cost), gain)
    assert math.isnan(ratio.expected)
    assert ratio.of_expected is None
    assert ratio.most is None
    assert re.search(reason, ratio.reason)


def test_an_expected_price_may_stand_where_single_runs_have_none() -> None:
    gain = 1.0 + 2.0 * normal(10, 400)
    ratio = cost_ratio(np.full(400, 10.0), gain)
    assert ratio.expected == pytest.approx(10.0 / gain.mean())
    assert ratio.most is None
    assert "over runs" in ratio.reason
    assert ratio.median == pytest.approx(10.0 / np.median(gain), rel=0.1)


@given(st.integers(0, 300), st.floats(0.0, 4.0))
def test_an_interval_over_runs_is_finite_exactly_where_the_gain_excludes_zero(seed: int, mean: float) -> None:
    gain = mean + normal(seed, 50)
    ratio = cost_ratio(np.full(50, 7.0), gain)
    clear = float(np.quantile(gain, 0.05, method="lower")) > 0.0
    if mean_interval(gain)[1][0] > 0.0:
        assert (ratio.most is not None) == clear
    if ratio.most is not None:
        assert 0.0 < ratio.most[0] <= ratio.most[1] < math.inf


# ---- ranking ----

OUTCOME = np.array(
    [
        [[10.0, 12.0], [0.0, 2.0]],  # best in the first future
        [[6.0, 6.0], [5.0, 5.0]],  # cautious
        [[0.0, 0.0], [0.0, 0.0]],
    ]
)


def test_regret_is_what_the_best_would_have_given() -> None:
    assert expected_regret(OUTCOME).tolist() == [[0.0, 4.0], [5.0, 0.0], [11.0, 5.0]]
    ranked = rank(("bold", "cautious", "none"), OUTCOME)
    assert [one.policy for one in ranked] == ["bold", "cautious", "none"]
    assert [one.worst_regret for one in ranked] == [4.0, 5.0, 11.0]
    assert [one.mean for one in ranked] == [6.0, 5.5, 0.0]
    assert [one.best_share for one in ranked] == [0.5, 0.5, 0.0]
    assert math.isnan(ranked[-1].lead[0])


def test_equal_policies_share_the_best_and_stand_by_name() -> None:
    ranked = rank(("b", "a"), np.ones((2, 1, 5)))
    assert [one.policy for one in ranked] == ["a", "b"]
    assert [one.best_share for one in ranked] == [1.0, 1.0]
    assert [one.worst_regret for one in ranked] == [0.0, 0.0]
    with pytest.raises(ValueError, match="nothing to rank"):
        rank((), np.empty((0, 1, 1)))


def test_regret_has_the_interval_of_the_pairs() -> None:
    outcome = np.array([[normal(1, 30) + 5.0], [normal(2, 30)]])
    intervals = regret_intervals(outcome)
    assert intervals[0, 0].tolist() == [0.0, 0.0]
    assert intervals[1, 0] == pytest.approx(mean_interval(outcome[0, 0] - outcome[1, 0])[1])


def test_a_lead_that_rests_on_the_prior_is_marked() -> None:
    noise = 0.1 * normal(3, 3, 40)
    declared = np.array([[9.0], [5.0], [1.0]]) + noise
    gone = np.array([[4.0], [5.0], [1.0]]) + noise  # the first falls behind the second
    weaker = np.array([[6.0], [5.0], [1.0]]) + noise  # and here it does not
    assert leads(declared).tolist() == [[False, True, True], [False, False, True], [False, False, False]]
    means = declared.mean(axis=1)
    assert prior_driven(means, declared, gone).tolist() == [True, False, False]
    assert prior_driven(means, declared, weaker).tolist() == [False, False, False]
    blurred = np.array([[5.2], [5.0], [1.0]]) + noise + 3.0 * normal(4, 3, 40)
    turned = (
        np.array([[4.0], [8.0], [1.0]]) + noise
    )  # ranked by means that are no clear lead, and turned round
    assert not leads(blurred)[0, 1]
    assert prior_driven(np.array([5.2, 5.0, 1.0]), blurred, turned).tolist() == [True, False, False]
    with pytest.raises(ValueError, match="different runs"):
        prior_driven(means, declared, gone[:, :5])
