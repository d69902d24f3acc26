"""Calibration and validation of villages: fits recover known truths, benchmarks and scores are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from calibration import village_backtest as backtest
from calibration import village_waves as waves
from calibration.village_benchmarks import EVENTS, hazard_table, logistic, wiener
from calibration.village_draws import GIVING_UP, HETEROGENEITY_FILE, WAVES, calibrated_villages, read_draws
from calibration.village_hindcast import sample_of
from calibration.village_posterior import (
    COLUMNS,
    DECADES,
    LOGS,
    Target,
    fit_emulator,
    misfit,
    posterior,
    predictive,
    shipped_emulator,
    target_of,
    target_of_villages,
)
from calibration.village_scores import brier_scores, crps, reliability, widths
from calibration.village_transitions import Transitions, census_transitions, fit_transitions
from experiments.village_parts import first_year, size_class
from model.village_list import WaveSettings, state_list, years_below


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


def test_skewness_tells_villages_that_fell_from_those_that_scatter() -> None:
    even = walk(4_000, 0.0, 0.004, 0.0, 3)
    fell = even.after.copy()
    fell[::20] *= 0.4  # one in twenty lost three fifths
    assert fit_transitions(even).skewness == pytest.approx(0.0, abs=0.1)
    assert fit_transitions(Transitions(even.before, fell, 10)).skewness < -1.0
    early, late = (fit_transitions(census_transitions(*decade)).skewness for decade in DECADES)
    assert abs(early) < 0.2
    assert late < -0.8


def test_disagreement_of_the_decades_widens_the_target() -> None:
    both, early = target_of(DECADES, True), target_of(DECADES[:1], False)
    assert both.sd[0] > 2 * early.sd[0]
    assert both.mean[0] > early.mean[0]
    # Two decades that agree leave the error of their mean, two that do not the spread of the next one as well
    assert predictive(np.array([1.0, 1.0]), np.array([0.2, 0.2])) == pytest.approx((1.0, 0.2 / np.sqrt(2)))
    assert predictive(np.array([0.0, 2.0]), np.array([0.0, 0.0])) == pytest.approx((1.0, np.sqrt(2.0 * 1.5)))


def test_shipped_posterior_is_read() -> None:
    rows = calibrated_villages()
    assert len(rows) == 1000
    assert tuple(rows[0]) == (*COLUMNS, *WAVES)
    with pytest.raises(ValueError, match="expected columns village_given_up, village_given_up_size"):
        read_draws(HETEROGENEITY_FILE, GIVING_UP)


@pytest.mark.slow
def test_quiet_decades_give_less_scatter_and_fewer_arrivals_need_larger_shocks() -> None:
    emulator = shipped_emulator()
    early, late = (target_of_villages(sample_of(*decade)[0]) for decade in DECADES)
    quiet, loud = (emulator(posterior(emulator, target, 1)[0])[:, 1].mean() for target in (early, late))
    assert quiet < loud - 0.2
    few = posterior(emulator, late, 1, arrivals=0.3)[0]
    many = posterior(emulator, late, 1, arrivals=1.0)[0]
    assert few[:, 2].mean() > many[:, 2].mean()


def test_emulator_finds_back_what_made_its_moments() -> None:
    chance = np.random.default_rng(1)
    emulator = shipped_emulator()
    theta, _ = posterior(emulator, target_of(), 1)
    arrivals = chance.uniform(0.0, 1.3, len(theta))
    truth = np.array([emulator(point[None, :], at)[0] for point, at in zip(theta, arrivals, strict=True)])
    again = fit_emulator(theta, arrivals, truth)
    assert again(theta, 0.7) == pytest.approx(emulator(theta, 0.7), abs=1e-6)
    sharp = Target(emulator(theta[:1])[0], np.full(4, 1e-3))
    assert np.argmin(misfit(emulator, sharp, theta)) == 0
    assert (theta[:, list(LOGS)] < 0).all()


def test_benchmarks_know_nothing_of_the_district_they_foretell() -> None:
    villages, districts = sample_of(1999, 2009)
    earlier = sample_of(1989, 1999)[0]
    others = np.array(districts) != districts[0]
    assert 0 < (~others).sum() < len(others)
    changed = Transitions(villages.before, np.where(others, villages.after, 1.0), villages.years)
    event = next(e for e in EVENTS if e.name == "lost_half")
    for question in backtest.QUESTIONS:
        one, two = (backtest.learned_from(question, given, earlier, others) for given in (villages, changed))
        for benchmark in (hazard_table, logistic, wiener):
            chance = benchmark(one, villages.before, event)
            assert chance == pytest.approx(benchmark(two, villages.before, event), abs=1e-9)
            assert chance.min() >= 0.0
            assert chance.max() <= 1.0
        growth = one.survivors().growth().mean()
        assert growth == pytest.approx(villages.of(others).survivors().growth().mean(), abs=0.002)


def test_weights_of_a_fold_turn_one_posterior_into_another() -> None:
    emulator, base = shipped_emulator(), target_of()
    moved = Target(base.mean + np.array([0.004, 0.0, 0.0, 0.0]), base.sd)
    points, wanted = posterior(emulator, base, 1)[0], posterior(emulator, moved, 2)[0]
    weights = backtest.fold_weights(backtest.Paths(np.zeros((1, 1, 1)), points, 1.0), base, moved)
    assert weights.mean() == pytest.approx(1.0)
    assert np.average(points[:, 0], weights=weights) == pytest.approx(wanted[:, 0].mean(), abs=0.02)
    assert wanted[:, 0].mean() > points[:, 0].mean() + 0.02


def test_paths_are_given_the_mean_growth_and_weighted() -> None:
    chance = np.random.default_rng(1)
    before = np.array([100.0, 400.0])
    paths = backtest.Paths(before * np.exp(chance.normal(-0.5, 0.3, (40, 5, 2))), np.zeros((40, 6)), 1.0)
    weights = np.where(np.arange(40) < 20, 2.0, 0.0)
    people = backtest.with_growth(paths, before, -0.02, weights)
    logs = np.log(people / before).reshape(40, 10)[:20]
    assert logs.mean() / 10 == pytest.approx(-0.02)
    levels = backtest.weighted_levels(people, np.repeat(weights, 5))
    assert levels[49] == pytest.approx(np.median(np.log(people[:100]), axis=0), abs=0.03)


def test_a_perfect_forecast_beats_the_benchmarks_and_the_interval_says_so() -> None:
    villages = sample_of(1999, 2009)[0]
    event = next(e for e in EVENTS if e.name == "lost_third")
    happened = event.happens(villages.before, villages.after)
    chances = {"model": np.where(happened, 0.99, 0.01), "coin": np.full(len(happened), 0.5)}
    ours, coin = brier_scores("q", event.name, "model", chances, happened, 1)
    assert ours.brier < 0.001
    assert ours.skill > 0.99
    assert coin.low > 0.2


def test_widths_say_whether_intervals_are_wide_enough() -> None:
    chance = np.random.default_rng(1)
    before, observed = np.full(4000, 300.0), chance.normal(5.0, 0.4, 4000)
    q = norm.ppf((np.arange(99) + 1) / 100)[:, None]
    honest, narrow = (
        widths("q", "c", 5.0 + sd * q + 0 * observed, before, observed)[-1] for sd in (0.4, 0.2)
    )
    assert honest.inside / 4000 == pytest.approx(0.9, abs=0.02)
    assert narrow.inside / 4000 < 0.7
    assert honest.rms == pytest.approx(0.4, rel=0.05)
    assert honest.sd == pytest.approx(0.4, rel=0.02)
    assert honest.crps == pytest.approx(0.4 * 0.5642, rel=0.05)  # sd / sqrt(pi) for a normal forecast
    assert honest.crps < narrow.crps
    assert crps(np.zeros((99, 1)) + 2.0, np.array([2.0]))[0] == 0.0


def test_reliability_counts_every_village_once() -> None:
    chance = np.array([0.0, 0.04, 0.2, 0.2, 0.9, 1.0])
    bins = reliability(chance, np.array([0, 1, 0, 1, 1, 1], bool))
    assert [(n, hits) for _, n, hits in bins] == [(2, 1), (2, 1), (2, 2)]


def test_waves_up_to_2017_only() -> None:
    known = waves.known_waves()
    assert [(w.first, w.last, w.abolished) for w in known] == [
        (2013, 2014, 25),
        (2015, 2016, 8),
        (2017, 2017, 4),
    ]
    exposed = waves.exposures(known, {2015: 100.0, 2016: 104.0, 2017: 110.0})
    assert exposed.tolist() == [2 * 100 + 25 * 1.5, 204.0, 110.0]


def test_waves_give_back_a_rate_and_more_spread_where_they_differ() -> None:
    exposed = np.full(12, 400.0)
    alike = waves.sample(waves.log_posterior(np.full(12, 20.0), exposed), 1)
    assert np.median(alike[:, 0]) == pytest.approx(0.05, rel=0.1)
    differing = waves.sample(waves.log_posterior(np.array([2.0, 80.0] * 6), exposed), 1)
    assert np.median(differing[:, 1]) > 3 * np.median(alike[:, 1])


def test_the_state_list_follows_the_law_and_meets_dated_counts() -> None:
    people = np.tile(np.array([[0], [5], [40], [60], [400]]), (1, 40)).reshape(-1, 1).repeat(9, axis=1).T
    people = people.astype(np.int64)
    people[2:, 160] = 45  # of the largest: under 50 from the third year on
    keys = np.arange(200, dtype=np.uint64) * np.uint64(7919)
    settings = WaveSettings(0.3, 0.0, 3.0)
    listed = state_list(people, 2015, keys, np.uint64(5), settings, {2017: 190, 2018: 185})
    assert listed.sum(axis=1)[[0, 2, 3]].tolist() == [200, 190, 185]
    assert (listed[1:] <= listed[:-1]).all()
    assert listed[:, 120:160].all()  # sixty people
    assert listed[:, 161:].all()
    assert listed[:5, 160].all()  # not before three 1 Januaries under 50
    lost = (~listed[-1]).reshape(5, 40).sum(axis=1)
    assert lost[0] > lost[1]  # the empty ones first
    assert (people[-1][~listed[-1]] > 0).any()  # also where people live
    again = state_list(people, 2015, keys, np.uint64(5), settings, {2017: 190, 2018: 185})
    assert (again == listed).all()
    free = state_list(people, 2015, keys, np.uint64(5), settings, {})
    share = 1.0 - free[1, 40:120].mean()
    assert share == pytest.approx(1.0 - np.exp(-0.3), abs=0.12)


def test_classes_and_years_below() -> None:
    assert size_class(np.array([0, 1, 10, 11, 50, 51, 1000, 1001])).tolist() == [-1, 0, 0, 1, 1, 2, 5, 6]
    people = np.array([[60], [40], [30], [55], [49], [0]])
    assert years_below(people, 50).ravel().tolist() == [0, 1, 2, 0, 1, 2]
    happened = np.array([[False, False], [True, False], [True, False]])
    assert first_year(happened, np.array([2015, 2016, 2017])).tolist() == [2016, 0]
