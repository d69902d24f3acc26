"""Every sampler against its analytic law, with fixed seeds; independence of the keyed draws."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats

from model import draws

SEED = np.uint64(20150101)
ONES = 0xFFFFFFFFFFFFFFFF
LEAST_P = 1e-4  # fixed seeds: the verdict never changes from run to run


def uniforms(
    n: int, year: int = 2015, purpose: int = draws.DEATH, seed: int = 1, first: int = 0
) -> NDArray[np.float64]:
    salted = draws.salt_of(np.uint64(seed), year, purpose)
    return np.array([draws.uniform(np.uint64(key), salted) for key in range(first, first + n)])


def mixed(value: int) -> int:
    """`rrxmrrxmsx_0` written down again in plain integers, as published."""

    def turned(v: int, by: int) -> int:
        return (v >> by | v << (64 - by)) & ONES

    value ^= turned(value, 25) ^ turned(value, 50)
    value = value * 0xA24BAED4963EE407 & ONES
    value ^= turned(value, 24) ^ turned(value, 49)
    value = value * 0x9FB21C651E98DF25 & ONES
    return value ^ value >> 28


@given(st.integers(0, ONES))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_mixer_is_the_published_one(value: int) -> None:
    assert int(draws.mix(np.uint64(value))) == mixed(value)


def test_keys_of_names_and_runs_are_the_same_on_every_machine() -> None:
    assert int(draws.text_key("bulaevo")) == 8070393665676352356
    assert int(draws.run_seed(1, 2, 3)) == 6723297306001071031
    assert draws.text_key("bulaevo") != draws.text_key("bulaev")


def test_seeds_of_runs_differ_in_every_argument() -> None:
    seeds = {
        int(draws.run_seed(seed, number, replicate))
        for seed in range(8)
        for number in range(8)
        for replicate in range(8)
    }
    assert len(seeds) == 8**3


def test_one_bit_of_the_input_turns_half_of_the_output() -> None:
    values = [mixed(k) for k in range(400)]
    flips = np.zeros((64, 64))
    for value in values:
        base = int(draws.mix(np.uint64(value)))
        for bit in range(64):
            changed = base ^ int(draws.mix(np.uint64(value ^ 1 << bit)))
            flips[bit] += np.array([changed >> out & 1 for out in range(64)])
    share = flips / len(values)
    # 4096 cells of a binomial with sd .025: the largest deviation expected is about 4 sd.
    assert np.abs(share - 0.5).max() < 6 * 0.5 / math.sqrt(len(values))
    assert abs(share.mean() - 0.5) < 5 * 0.5 / math.sqrt(len(values) * 4096)


def test_bits_become_numbers_in_the_half_open_unit_interval() -> None:
    assert draws.unit(np.uint64(0)) == 0.0
    assert draws.unit(np.uint64(ONES)) == 1.0 - 2.0**-53
    assert draws.unit(np.uint64(1 << 63)) == 0.5


def test_uniform_draws_are_uniform() -> None:
    values = uniforms(60_000)
    assert stats.kstest(values, "uniform").pvalue > LEAST_P
    assert abs(values.mean() - 0.5) < 4 * math.sqrt(1 / 12 / len(values))
    assert abs(values.var() - 1 / 12) < 4 * math.sqrt(1 / 180 / len(values))
    assert stats.chisquare(np.bincount((values * 256).astype(int), minlength=256)).pvalue > LEAST_P


PAIRS: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "the next year": lambda n: uniforms(n, year=2016),
    "a year 256 later": lambda n: uniforms(n, year=2015 + 256),
    "the next purpose": lambda n: uniforms(n, purpose=draws.BIRTH),
    "the next seed": lambda n: uniforms(n, seed=2),
    "the next key": lambda n: uniforms(n, first=1),
    "a key one bit higher": lambda n: uniforms(n, first=1 << 32),
}


@pytest.mark.parametrize("other", PAIRS)
def test_draws_are_independent_of(other: str) -> None:
    n = 20_000
    one, two = uniforms(n), PAIRS[other](n)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4.5 / math.sqrt(n)
    cells = np.histogram2d(one, two, bins=16, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(cells.ravel()).pvalue > LEAST_P


def test_all_purposes_have_their_own_number() -> None:
    purposes = [value for name, value in vars(draws).items() if name.isupper() and type(value) is int]
    assert len(purposes) > 40
    assert len(set(purposes)) == len(purposes)


def test_alternatives_of_one_key_are_independent() -> None:
    salted = draws.salt_of(SEED, 2015, draws.DESTINATION_PLACE)
    one, two = draws.text_key("astana"), draws.text_key("omsk")
    pairs = np.array(
        [
            [draws.unit(np.uint64(draws.draw_alternative(np.uint64(k), salted, a))) for a in (one, two)]
            for k in range(20_000)
        ]
    )
    cells = np.histogram2d(pairs[:, 0], pairs[:, 1], bins=16, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(cells.ravel()).pvalue > LEAST_P


def test_the_normal_quantile_is_exact() -> None:
    inner = np.linspace(1e-3, 1 - 1e-3, 4001)
    tails = np.array([2.0**-54, 1e-15, 1e-12, 1e-8, 1e-5])
    for p in np.concatenate((inner, tails)):
        assert draws.inverse_normal(p) == pytest.approx(special.ndtri(p), rel=2e-14, abs=1e-15)
    for p in tails[2:]:
        assert draws.inverse_normal(1.0 - p) == pytest.approx(-special.ndtri(1.0 - (1.0 - p)), rel=1e-9)
    assert draws.inverse_normal(0.5) == 0.0


def test_normal_draws_are_normal() -> None:
    salted = draws.salt_of(SEED, 2015, draws.WAGE_SHOCK)
    values = np.array([draws.normal(np.uint64(key), salted) for key in range(40_000)])
    assert stats.kstest(values, "norm").pvalue > LEAST_P
    assert abs(values.mean()) < 4 / math.sqrt(len(values))
    assert abs(values.var() - 1) < 4 * math.sqrt(2 / len(values))


def test_gumbel_draws_have_mean_and_variance_of_the_law() -> None:
    salted = draws.salt_of(SEED, 2015, draws.DESTINATION_NEST)
    values = np.array([draws.gumbel(np.uint64(draws.draw(np.uint64(key), salted))) for key in range(40_000)])
    assert stats.kstest(values, "gumbel_r").pvalue > LEAST_P
    variance = math.pi**2 / 6
    assert abs(values.mean() - np.euler_gamma) < 4 * math.sqrt(variance / len(values))
    # The fourth central moment of the law is (3 + 12/5) variance squared.
    assert abs(values.var() - variance) < 4 * variance * math.sqrt((5.4 - 1) / len(values))


def test_gumbel_is_finite_at_both_ends() -> None:
    assert -4.0 < draws.gumbel(np.uint64(0)) < -3.0
    assert 36.0 < draws.gumbel(np.uint64(ONES)) < 38.0


@pytest.mark.parametrize("mean", [0.2, 3.0, 45.0, 900.0, 4000.0])
@pytest.mark.parametrize("variation", [0.0, 0.1, 0.3, 1.0])
def test_counts_of_arrivals_follow_the_negative_binomial(mean: float, variation: float) -> None:
    grid = (np.arange(2_000) + 0.5) / 2_000
    counts = np.array([draws.negative_binomial(u, mean, variation) for u in grid])
    if variation == 0.0:
        quantiles, variance = stats.poisson.ppf(grid, mean), stats.poisson.var(mean)
    else:
        size = 1 / variation**2
        quantiles = stats.nbinom.ppf(grid, size, size / (size + mean))
        variance = stats.nbinom.var(size, size / (size + mean))
    assert variance == pytest.approx(mean + (variation * mean) ** 2)
    assert (counts == quantiles).all()


def test_counts_of_arrivals_at_the_edges() -> None:
    top = 1.0 - 2.0**-53
    assert draws.negative_binomial(0.5, 0.0, 0.3) == 0
    assert draws.negative_binomial(0.5, -1.0, 0.3) == 0
    assert draws.negative_binomial(0.0, 5.0, 0.0) == 0
    assert draws.negative_binomial(top, 1e-9, 0.3) < 3
    for mean in (1.0, 100.0, 5000.0):
        for variation in (0.0, 0.3):
            most = draws.negative_binomial(top, mean, variation)
            assert mean < most < mean + 60 + 40 * math.sqrt(mean + (variation * mean) ** 2)
    # Below the threshold of `variation` the law is Poisson, and just above it hardly differs.
    for u in (0.01, 0.4, 0.99):
        assert draws.negative_binomial(u, 40.0, 1e-7) == draws.negative_binomial(u, 40.0, 1e-4)


@given(
    st.floats(0.0, 1.0, exclude_max=True), st.floats(0.01, 2500.0), st.floats(1.0, 1.5), st.floats(0.0, 1.2)
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_larger_mean_never_takes_an_arrival_away(
    u: float, mean: float, factor: float, variation: float
) -> None:
    assert draws.negative_binomial(u, mean * factor, variation) >= draws.negative_binomial(u, mean, variation)


@given(st.floats(0.0, 1.0), st.integers(0, ONES))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_cut_decides_like_the_probability(probability: float, bits: int) -> None:
    edge = math.ceil(probability * 2.0**53)
    for whole in {bits >> 11, max(0, edge - 1), min(edge, 2**53 - 1)}:
        decided = draws.unit(np.uint64(whole << 11)) < probability
        assert (whole < int(draws.cut(probability))) == decided
