"""Index, trend, classes and their probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.rating_figures import RatedFigures
from calibration.rating_index import (
    DEPRESSIVE,
    DEVELOPMENT,
    EXTINCTION,
    UNCLASSED,
    ClassProbabilities,
    _reflected,
    block_indices,
    class_probabilities,
    classes,
    integral_index,
    trends,
)
from calibration.rating_system import Floats, RatingSystem, Rule, rating_system
from calibration.rating_weights import SCHEMES, WeightError, Weights, weights_of

SYSTEM = rating_system()
NUMBER = len(SYSTEM.ids)
EQUAL = weights_of("equal", SYSTEM, np.empty((0, NUMBER)))
YEARS = tuple(range(2015, 2024))


def figures_of(scores: Floats) -> RatedFigures:
    """Figures that have these scores float64[runs, years, places, indicators]."""
    worst = np.array([one.worst for one in SYSTEM.indicators])
    best = np.array([one.best for one in SYSTEM.indicators])
    places = tuple(f"place{p}" for p in range(scores.shape[2]))
    years = tuple(range(2015, 2015 + scores.shape[1]))
    values = worst + scores * (best - worst)
    return RatedFigures("simulated", places, years, values, np.zeros(scores.shape[1:]))


def probabilities(scores: Floats, draws: int = 400, seed: int = 1) -> ClassProbabilities:
    return class_probabilities(figures_of(scores), SYSTEM, EQUAL, draws, seed)


def test_blocks_count_alike_and_missing_indicators_and_blocks_drop_out() -> None:
    scores = np.full(NUMBER, np.nan)
    scores[SYSTEM.position("S1")], scores[SYSTEM.position("S2")] = 0.2, 0.6
    scores[SYSTEM.position("I6")] = 1.0
    blocks = block_indices(scores, EQUAL, SYSTEM)
    np.testing.assert_allclose(blocks[[0, 2]], [0.4, 1.0])
    assert np.isnan(blocks[[1, 3]]).all()
    assert integral_index(scores, EQUAL, SYSTEM) == pytest.approx(0.7)
    by_number = weights_of("number", SYSTEM, scores[None])
    assert integral_index(scores, by_number, SYSTEM) == pytest.approx((11 * 0.4 + 7 * 1.0) / 18)
    assert np.isnan(integral_index(np.full(NUMBER, np.nan), EQUAL, SYSTEM))


def test_the_trend_is_the_change_over_five_years() -> None:
    index = np.stack([0.3 + 0.02 * np.arange(9), np.full(9, 0.5)], axis=1)
    trend = trends(index, SYSTEM)
    assert np.isnan(trend[:3]).all()  # fewer than four years are rated
    np.testing.assert_allclose(trend[3:], [[0.1, 0.0]] * 6, atol=1e-12)
    index[0] = 9.0  # beyond the window of the sixth year
    np.testing.assert_allclose(trends(index, SYSTEM)[6:], [[0.1, 0.0]] * 3, atol=1e-12)


@pytest.mark.parametrize(
    ("level", "trend", "expected"),
    [
        (0.6, 0.1, DEVELOPMENT),
        (0.6, -0.1, DEPRESSIVE),
        (0.5, 0.0, DEVELOPMENT),
        (0.4, 0.3, DEPRESSIVE),
        (0.4, -0.3, DEPRESSIVE),
        (0.3, -0.1, EXTINCTION),
        (0.3, 0.0, EXTINCTION),
        (0.3, 0.1, DEPRESSIVE),
        (0.3, np.nan, UNCLASSED),
    ],
)
def test_classes_come_from_level_and_trend(level: float, trend: float, expected: int) -> None:
    assert classes(np.array([level]), np.array([trend]), (0.5, 0.35, 0.0, 0.0))[0] == expected


def test_certain_cases_are_certain() -> None:
    scores = np.empty((1, 9, 3, NUMBER))
    slope = 0.02 * np.arange(9)[:, None]
    scores[0, :, 0] = 0.7 + slope
    scores[0, :, 1] = 0.25 - slope
    scores[0, :, 2] = 0.425 + 0.0 * slope
    found = probabilities(np.clip(scores, 0, 1))
    assert np.isnan(found.share[:3]).all()
    np.testing.assert_array_equal(found.share[-1], [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert [found.likeliest(8, p) for p in range(3)] == ["development", "extinction", "depressive"]
    assert found.likeliest(2, 0) is None
    np.testing.assert_allclose(found.index[:, -1, 2], 0.425)


def test_thresholds_are_varied_by_their_spread() -> None:
    scores = np.full((1, 9, 1, NUMBER), 0.525) + 0.05 * np.arange(9)[:, None, None] / 9
    shifted = np.clip(
        scores - scores[:, -1:] + 0.525, 0, 1
    )  # rises to .525: half way into the band of .45-.55
    found = probabilities(shifted, draws=800)
    # The level is above three quarters of its thresholds, the trend of .0278 above .778 of its own
    assert found.share[-1, 0, DEVELOPMENT] == pytest.approx(0.75 * 0.778, abs=0.05)
    fixed = replace(
        SYSTEM,
        rules={name: Rule(rule.value, 0.0, rule.unit, rule.source) for name, rule in SYSTEM.rules.items()},
    )
    sure = class_probabilities(figures_of(shifted), fixed, EQUAL, 200, 1)
    assert sure.share[-1, 0, DEVELOPMENT] == 1.0


def test_no_class_is_named_below_half_and_the_range_is_wide() -> None:
    scores = np.full((1, 9, 2, NUMBER), np.nan)
    scores[:, :, 0, :16] = 0.5
    scores[:, :, 1, :17] = 0.5
    found = probabilities(scores)
    assert not found.printable[:, 0].any()
    assert found.likeliest(8, 0) is None
    assert found.printable[8, 1]
    assert found.likeliest(8, 1) is not None
    for p in range(2):
        low, high = found.low[8, p], found.high[8, p]
        assert (low <= high).all()
        assert high[EXTINCTION] - low[EXTINCTION] > 0.3
        assert high[DEVELOPMENT] - low[DEVELOPMENT] > 0.3
    nothing = probabilities(np.full((1, 9, 1, NUMBER), np.nan))
    assert nothing.low[8, 0].max() < 0.05
    assert nothing.high[8, 0].min() > 0.95


def test_without_missing_indicators_there_is_no_range() -> None:
    generator = np.random.default_rng(3)
    scores = np.clip(generator.normal(0.45, 0.2, (5, 9, 2, NUMBER)), 0, 1)
    found = probabilities(scores)
    np.testing.assert_allclose(found.low[5:], found.share[5:])
    np.testing.assert_allclose(found.high[5:], found.share[5:])


def test_a_year_without_a_figure_takes_its_neighbour_not_the_middle() -> None:
    scores = np.full((1, 9, 1, NUMBER), 0.9)
    scores[0, 5:, 0, :10] = np.nan
    found = probabilities(scores, draws=100)
    assert found.index[2, 8, 0] > 0.8
    assert found.share[8, 0, DEVELOPMENT] > 0.5
    assert found.coverage[8, 0] == pytest.approx(24 / 34)


def test_what_is_never_known_is_drawn_over_the_whole_band_and_moves() -> None:
    found = probabilities(np.full((1, 9, 1, NUMBER), np.nan), draws=600)
    low, median, high = found.index[[0, 2, 4], 8, 0]
    assert (low, median, high) == pytest.approx((0.27, 0.5, 0.73), abs=0.05)
    # Scores stand for themselves in their blocks: the spread does not fade with their number, nor over the years
    np.testing.assert_allclose(found.index[4] - found.index[0], high - low, atol=0.05)
    assert found.trend[4, 8, 0] - found.trend[0, 8, 0] > 0.03


def test_draws_are_shared_between_scenarios_and_repeat_with_the_seed() -> None:
    generator = np.random.default_rng(3)
    scores = np.clip(generator.normal(0.45, 0.2, (7, 9, 2, NUMBER)), 0, 1)
    scores[..., 30:] = np.nan
    one, again, other = (probabilities(scores, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.drawn, again.drawn)
    assert (one.drawn != other.drawn).any()
    # A place that is the same in another scenario is classed the same in every draw
    changed = scores.copy()
    changed[:, :, 1] = np.clip(changed[:, :, 1] + 0.2, 0, 1)
    better = probabilities(changed)
    np.testing.assert_array_equal(one.drawn[:, :, 0], better.drawn[:, :, 0])
    assert better.share[8, 1, DEVELOPMENT] > one.share[8, 1, DEVELOPMENT]


@settings(max_examples=50, deadline=None)
@given(st.floats(-5, 5))
def test_walks_are_folded_back_onto_the_band(value: float) -> None:
    folded = float(_reflected(np.array(value)))
    assert 0.0 <= folded <= 1.0
    assert np.cos(np.pi * folded) == pytest.approx(np.cos(np.pi * value), abs=1e-9)


def test_weights_of_blocks_and_indicators_sum_to_one() -> None:
    generator = np.random.default_rng(1)
    sample = generator.random((20, NUMBER))
    points = {name: 1.0 for name in (*SYSTEM.ids, "social", "economic", "infrastructure", "environment")}
    points |= {"social": 3.0, "S1": 10.0}
    for scheme in SCHEMES:
        weights = weights_of(scheme, SYSTEM, sample, points)
        _check(weights, SYSTEM)
        _check(weights.drawn(SYSTEM, generator), SYSTEM)
    expert = weights_of("expert", SYSTEM, sample, points)
    assert expert.blocks[0] == pytest.approx(0.5)
    assert expert.within[SYSTEM.position("S1")] == pytest.approx(0.5)


def _check(weights: Weights, system: RatingSystem) -> None:
    assert weights.blocks.sum() == pytest.approx(1)
    for block in range(4):
        assert weights.within[system.of_block(block)].sum() == pytest.approx(1)
    assert weights.of_indicators(system).sum() == pytest.approx(1)
    assert (weights.of_indicators(system) >= 0).all()


def test_entropy_gives_weight_to_what_tells_settlements_apart() -> None:
    sample = np.full((6, NUMBER), 0.5)
    sample[:, 0] = [0, 0, 0, 0, 0, 1]
    sample[:, 1] = [0.4, 0.5, 0.6, 0.4, 0.5, 0.6]
    sample[:, 2] = np.nan
    weights = weights_of("entropy", SYSTEM, sample)
    of = weights.of_indicators(SYSTEM)
    assert of[0] > of[1] > of[3] == pytest.approx(0.0, abs=1e-9)
    # One case holds all of the first indicator: entropy 0, information 1; what is not known takes the mean
    raw = 1.0, 1 - (-sum(x * np.log(x) for x in sample[:, 1] / 3.0) / np.log(6))
    assert of[1] / of[0] == pytest.approx(raw[1] / raw[0], rel=1e-4)
    assert of[2] == pytest.approx(of[[0, 1, *range(3, NUMBER)]].mean(), rel=1e-6)


def test_the_first_component_carries_what_moves_together() -> None:
    generator = np.random.default_rng(2)
    common = generator.random(200)
    sample = np.full((200, NUMBER), 0.5)
    for k in range(3):
        sample[:, k] = 0.9 * common + 0.1 * generator.random(200)
    sample[:, 3] = generator.random(200)
    of = weights_of("component", SYSTEM, sample).of_indicators(SYSTEM)
    assert of[:3].min() > 0.3
    assert of[3] < 0.02
    assert of[4:].sum() == pytest.approx(0, abs=1e-9)


def test_dirichlet_weights_have_the_scheme_as_their_mean() -> None:
    base = weights_of("number", SYSTEM, np.empty((0, NUMBER)))
    drawn = np.array([base.drawn(SYSTEM, np.random.default_rng([1, d])).blocks for d in range(1500)])
    np.testing.assert_allclose(drawn.mean(axis=0), base.blocks, atol=0.02)
    assert drawn.std(axis=0).min() > 0.1


def test_weights_that_cannot_be_had_are_refused_with_what_to_do() -> None:
    with pytest.raises(WeightError, match="needs two indicators known in at least three cases, found 0 in 2"):
        weights_of("entropy", SYSTEM, np.full((2, NUMBER), np.nan))
    with pytest.raises(WeightError, match="do not vary"):
        weights_of("component", SYSTEM, np.full((5, NUMBER), 0.5))
    with pytest.raises(WeightError, match=r"points of importance to social, .*--template FILE"):
        weights_of("expert", SYSTEM, np.full((5, NUMBER), 0.5), {"S1": 3.0})
