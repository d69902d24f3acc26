"""Calibration and validation of villages: fits recover known truths, benchmarks and scores are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from calibration import village_backtest as backtest
from calibration.village_posterior import COLUMNS, DECADES, posterior_rows, read_posterior, target_of
from calibration.village_transitions import Transitions, census_transitions, fit_transitions
from experiments.village_parts import first_year, size_class
from model.village_list import years_below


def walk(n: int, slope: float, v0: float, v1: float, seed: int) -> Transitions:
    chance = np.random.default_rng(seed)
    before = np.round(np.exp(chance.normal(5.5, 1.0, n))) + 60
    sd = np.sqrt((v0 + v1 / before) / 10)
    growth = -0.03 + slope * (np.log(before) - np.log(300)) + sd * chance.standard_normal(n)
    return Transitions(before, before * np.exp(10 * growth), 10)


def test_fit_recovers_slope_and_scatter() -> None:
    fit = fit_transitions(walk(20_000, 0.01, 0.003, 1.2, 1))
    assert fit.level == pytest.approx(-0.03, abs=0.001)
    assert fit.slope == pytest.approx(0.01, abs=0.001)
    assert fit.v0 == pytest.approx(0.003, rel=0.1)
    assert fit.v1 == pytest.approx(1.2, rel=0.1)


def test_fit_leaves_out_the_empty_and_refuses_too_few() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_transitions(Transitions(np.full(9, 200.0), np.array([0.0] * 3 + [150.0] * 6), 10))


def test_census_sample() -> None:
    early, late = census_transitions(1989, 1999), census_transitions(1999, 2009)
    assert (len(early.before), int((early.after == 0).sum())) == (60, 4)
    assert (len(late.before), int((late.after == 0).sum())) == (58, 0)
    one, two = fit_transitions(early), fit_transitions(late)
    assert one.slope < 0 < two.slope  # the decades contradict each other: the slope is not identified
    assert two.slope == pytest.approx(0.0098, abs=0.003)  # the reference's own regression


def test_disagreement_of_the_decades_widens_the_target() -> None:
    both, early = target_of(DECADES, True), target_of(DECADES[:1], False)
    assert both.sd[0] > 2 * early.sd[0]
    assert both.mean[0] > early.mean[0]


def test_shipped_posterior_is_read_and_early_decade_gives_less_scatter() -> None:
    rows = read_posterior()
    assert len(rows) == 1000
    assert tuple(rows[0]) == COLUMNS
    early = posterior_rows(DECADES[:1], True)
    scatter = [np.mean([row["village_shock_small"] for row in given]) for given in (early, rows)]
    assert scatter[0] < scatter[1]


def test_benchmarks_leave_out_the_village_they_foretell() -> None:
    sample = backtest.observed()
    event = next(e for e in backtest.EVENTS if e.name == "lost_half")
    flipped = Transitions(sample.before, sample.after.copy(), sample.years)
    k = int(np.argmin(sample.after / sample.before))
    flipped.after[k] = flipped.before[k]
    for benchmark in (backtest.hazard_table, backtest.logistic, backtest.wiener):
        assert benchmark(sample, event)[k] == pytest.approx(benchmark(flipped, event)[k], abs=1e-6)
        assert not np.allclose(benchmark(sample, event), benchmark(flipped, event), atol=1e-6)


def test_a_perfect_forecast_beats_the_benchmarks_and_the_interval_says_so() -> None:
    sample = backtest.observed()
    event = next(e for e in backtest.EVENTS if e.name == "lost_third")
    happened = event.happens(sample.before, sample.after)
    forecasts = {
        (event.name, backtest.MODEL): np.where(happened, 0.99, 0.01),
        (event.name, "coin"): np.full(len(happened), 0.5),
    }
    ours, coin = backtest._scores(event, forecasts, happened, 1)
    assert ours.brier < 0.001
    assert ours.skill > 0.99
    assert coin.low > 0.2


def test_reliability_counts_every_village_once() -> None:
    chance = np.array([0.0, 0.04, 0.2, 0.2, 0.9, 1.0])
    bins = backtest.reliability(chance, np.array([0, 1, 0, 1, 1, 1], bool))
    assert [(n, hits) for _, n, hits in bins] == [(2, 1), (2, 1), (2, 2)]


def test_classes_and_years_below() -> None:
    assert size_class(np.array([0, 1, 10, 11, 50, 51, 1000, 1001])).tolist() == [-1, 0, 0, 1, 1, 2, 5, 6]
    people = np.array([[60], [40], [30], [55], [49], [0]])
    assert years_below(people, 50).ravel().tolist() == [0, 1, 2, 0, 1, 2]
    happened = np.array([[False, False], [True, False], [True, False]])
    assert first_year(happened, np.array([2015, 2016, 2017])).tolist() == [2016, 0]
