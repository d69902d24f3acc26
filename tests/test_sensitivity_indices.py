"""Designs and indices: functions whose indices are known, with chance added; designs that SALib would make."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from experiments.failures import RunFailure
from experiments.sensitivity_design import SLICES, Floats, Method, Sampling, partition, subject_blocks
from experiments.sensitivity_factors import CHANCE, DUMMY, Factor
from experiments.sensitivity_indices import (
    block_indices,
    distances,
    elementary_effects,
    morris_indices,
    noise_floor,
    pawn_indices,
    rank_distance,
    slice_of,
    sobol_indices,
    survivors,
    total_by_year,
    usable,
)

NOISE = 2.0
# Ishigami & Homma 1990 with a = 7, b = 0.1: variances of x1 alone, x2 alone, x1 with x3
V1, V2, V13 = 0.5 * (1.0 + 0.1 * np.pi**4 / 5.0) ** 2, 49.0 / 8.0, 0.01 * np.pi**8 * 8.0 / 225.0


def factors(number: int, levels: int = 0) -> tuple[Factor, ...]:
    own = tuple(Factor(f"x{k + 1}", "one" if k < 2 else "two", "", levels) for k in range(number))
    return (*own, Factor(CHANCE, CHANCE, "", 2**53), Factor(DUMMY, DUMMY, ""))


def sobol_design(number: int = 3, seed: int = 1) -> Sampling:
    made = factors(number)
    return Sampling("sobol", made, seed, partition(made, [f.name for f in made]), subject_blocks(made))


def chance_of(number: float) -> float:
    """Standard normal of a seed: as in the model, the same number gives the same chance, any other another one."""
    bits = int.from_bytes(hashlib.sha256(float(number).hex().encode()).digest()[:6], "big")
    return float(ndtri((bits + 0.5) / 2.0**48))


def noise(rows: Floats) -> Floats:
    """Noise that the chance column names, the last but one."""
    return np.asarray(np.vectorize(chance_of)(rows[..., -2]), np.float64)


def ishigami(rows: Floats, sd: float = NOISE) -> Floats:
    x = np.pi * (2.0 * rows[..., :3] - 1.0)
    known = np.sin(x[..., 0]) + 7.0 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])
    return np.asarray(known + sd * noise(rows))


def test_sobol_indices_of_ishigami_with_noise_are_the_known_ones() -> None:
    sampling = sobol_design()
    found = sobol_indices(ishigami(sampling.sample(2048)), sampling)
    variance = V1 + V2 + V13 + NOISE**2
    assert found.names == ("x1", "x2", "x3", CHANCE, DUMMY)
    np.testing.assert_allclose(
        found.first.value, np.array([V1, V2, 0.0, NOISE**2, 0.0]) / variance, atol=0.035
    )
    total = np.array([V1 + V13, V2, V13, NOISE**2, 0.0]) / variance
    np.testing.assert_allclose(found.total.value, total, atol=0.035)
    assert (found.total.low <= total + 0.01).all()
    assert (found.total.high >= total - 0.01).all()
    value, low, high = found.second["x1", "x3"]
    assert low < V13 / variance < high
    assert abs(value - V13 / variance) < 0.06
    others = [held for pair, held in found.second.items() if pair != ("x1", "x3")]
    assert all(abs(held[0]) < 0.08 for held in others)
    assert found.of(CHANCE)[0] == pytest.approx(NOISE**2 / variance, abs=0.03)
    assert found.is_stable
    assert not found.false_alarm


def test_blocks_share_the_runs_of_their_factors() -> None:
    sampling = sobol_design()
    assert [name for name, _ in sampling.extra_blocks] == [
        "one"
    ]  # two, chance and dummy are factors of the design
    values = ishigami(sampling.sample(2048))
    found, alone = block_indices(values, sampling), sobol_indices(values, sampling)
    assert found is not None
    assert found.names == ("one", "two", CHANCE, DUMMY)
    variance = V1 + V2 + V13 + NOISE**2
    assert found.first.value[0] == pytest.approx((V1 + V2) / variance, abs=0.05)
    assert found.total.value[0] == pytest.approx((V1 + V2 + V13) / variance, abs=0.05)
    assert found.of("two")[0] == pytest.approx(alone.of("x3")[0], abs=1e-12)


@pytest.mark.parametrize("sd", [0.0, 0.5])
def test_total_indices_of_sobols_g_with_noise_are_the_known_ones(sd: float) -> None:
    weights = np.array([0.0, 1.0, 4.5, 9.0, 99.0])
    sampling = sobol_design(5)
    rows = sampling.sample(2048)
    values = np.prod((np.abs(4.0 * rows[..., :5] - 2.0) + weights) / (1.0 + weights), axis=-1) + sd * noise(
        rows
    )
    found = sobol_indices(np.asarray(values), sampling)
    partial = 1.0 / (3.0 * (1.0 + weights) ** 2)
    variance = np.prod(1.0 + partial) - 1.0 + sd**2
    total = partial * np.prod(1.0 + partial) / (1.0 + partial) / variance
    np.testing.assert_allclose(found.first.value[:5], partial / variance, atol=0.04)
    np.testing.assert_allclose(found.total.value[:5], total, atol=0.04)
    assert found.total.value[5] == pytest.approx(sd**2 / variance, abs=0.03)


def test_other_chance_in_every_row_sounds_the_dummys_alarm() -> None:
    """What common random numbers are for: with a fresh seed a row the dummy takes half the noise and more."""
    sampling = sobol_design()
    rows = sampling.sample(512)
    chance = np.random.default_rng(3)
    values = ishigami(rows, 0.0) + 4.0 * chance.standard_normal(rows.shape[:2])
    found = sobol_indices(values, sampling)
    assert found.false_alarm
    assert found.of(DUMMY)[0] > 0.3
    assert not sobol_indices(ishigami(rows, 4.0), sampling).false_alarm
    made = factors(3)
    morris = Sampling("morris", made, 1)
    grid = morris.levels(8)
    honest = morris_indices(ishigami(morris.sample(8)), grid, morris)
    assert not honest.false_alarm
    leaky = ishigami(morris.sample(8)) + chance.standard_normal((8, morris.rows_per_block))
    assert morris_indices(leaky, grid, morris).false_alarm


def test_rows_are_those_of_salib() -> None:
    from SALib.sample import sobol

    sampling = sobol_design(4)
    problem = {"num_vars": 6, "names": list(sampling.names), "bounds": [[0.0, 1.0]] * 6}
    theirs = sobol.sample(problem, 64, calc_second_order=True, seed=2).reshape(64, 14, 6)
    ours = sampling.sample(64)
    order = [0, *range(1, 7), *range(7, 13), 13]
    np.testing.assert_array_equal(ours[:, order], theirs)


def test_a_block_shares_its_chance_in_all_rows_but_those_that_exchange_it() -> None:
    sampling = sobol_design(4)
    chance = sampling.sample(32)[:, :, -2]
    a, b = chance[:, 0], chance[:, 13]
    assert len(np.unique(np.concatenate((a, b)))) == 64
    exchanged = 1 + [name for name, _ in sampling.groups].index(CHANCE)
    for row in range(1, 7):
        np.testing.assert_array_equal(chance[:, row], b if row == exchanged else a)
    for row in range(7, 13):
        np.testing.assert_array_equal(chance[:, row], a if row == exchanged + 6 else b)


@pytest.mark.parametrize("method", ["morris", "sobol", "pawn"])
def test_more_blocks_leave_the_first_ones_as_they_were(method: Method) -> None:
    sampling = replace(sobol_design(), method=method)
    np.testing.assert_array_equal(sampling.sample(64)[:16], sampling.sample(16))
    assert [batch.end for batch in sampling.batches(30)][-1] == 30
    short, long = sampling.batches(17), sampling.batches(40)
    assert long[: len(short) - 1] == short[:-1]
    rows = sampling.sample(8)
    assert rows.shape == (8, sampling.rows_per_block, 5)
    assert ((rows > 0.0) & (rows < 1.0)).all()


def test_the_number_of_runs_is_that_of_the_issue() -> None:
    made = factors(10)
    sampling = Sampling("sobol", made, 1, partition(made, [f.name for f in made]))
    assert len(sampling.groups) == 12
    assert 1024 * sampling.rows_per_block == 26_624


def test_others_move_together() -> None:
    made = factors(5)
    sampling = Sampling("sobol", made, 1, partition(made, ["x2"]))
    assert sampling.groups == (
        ("x2", ("x2",)), ("all others", ("x1", "x3", "x4", "x5")), (CHANCE, (CHANCE,)), (DUMMY, (DUMMY,)),
    )  # fmt: skip
    rows = sampling.sample(256)
    values = rows[..., :5] @ np.array([1.0, 2.0, 3.0, 0.0, 0.0])
    found = sobol_indices(values, sampling)
    assert found.of("x2")[0] == pytest.approx(4.0 / 14.0, abs=0.1)
    assert found.of("all others")[0] == pytest.approx(10.0 / 14.0, abs=0.1)


def test_elementary_effects_are_salibs_and_those_of_a_linear_function_its_coefficients() -> None:
    sampling = Sampling("morris", factors(3), 5)
    grid, rows = sampling.levels(12), sampling.sample(12)
    # Numbers are mid-quantiles of the four levels, .75 as wide as the levels themselves
    values = rows[..., :3] @ np.array([4.0, -8.0, 0.0]) / 0.75 + 3.0 * noise(rows)
    effects = elementary_effects(values, grid)
    np.testing.assert_allclose(effects[:, 0], 4.0)
    np.testing.assert_allclose(effects[:, 1], -8.0)
    np.testing.assert_allclose(effects[:, 4], 0.0, atol=1e-12)
    found = morris_indices(values, grid, sampling)
    np.testing.assert_allclose(found.star.value, np.abs(effects).mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(found.mean_effect[:2], [4.0, -8.0])
    np.testing.assert_allclose(found.sigma[:2], 0.0, atol=1e-9)
    assert found.star.low[3] < found.star.value[3] < found.star.high[3]
    assert survivors([found], 2) == ("x2", "x1")
    assert survivors([found], 1) == ("x2",)


def test_factors_without_an_order_change_their_level_when_a_trajectory_moves_them() -> None:
    sampling = Sampling("morris", factors(3, levels=7), 2)
    rows = sampling.sample(40)
    drawn = set()
    for block in rows:
        for k in range(3):
            levels = np.unique(np.floor(7 * block[:, k]))
            assert len(levels) == 2
            drawn.update(levels.tolist())
        assert len(np.unique(block[:, 3])) == 2
    assert drawn == set(range(7))
    assert len(np.unique(rows[:, :, 3])) == 80


def test_pawn_is_salibs_and_tells_factors_from_the_dummy() -> None:
    sampling = Sampling("pawn", factors(3), 4)
    rows = sampling.sample(2048)[:, 0]
    values = ishigami(rows)
    found = pawn_indices(values, rows, sampling)
    np.testing.assert_allclose(
        np.median(distances(values, slice_of(rows)), axis=0), found.median.value, atol=0.02
    )
    assert (found.median.low <= found.median.value).all()
    assert (found.median.high >= found.median.value).all()
    assert found.above.tolist()[:2] == [True, True]
    assert not found.false_alarm
    assert found.median.value[1] > found.median.value[0] > found.median.value[4]


def test_the_floor_of_distances_is_rarely_exceeded_by_factors_that_change_nothing() -> None:
    """A single dummy is: of thirty factors without any effect some always lie above the upper end of its interval."""
    chance = np.random.default_rng(7)
    sampling = Sampling("pawn", factors(30), 4)
    found = []
    for seed in range(6):
        rows, values = chance.random((200, 32)), chance.random(200) ** 3
        found.append(pawn_indices(values, rows, replace(sampling, seed=seed), resamples=20))
    assert sum(bool(one.above.any()) for one in found) <= 2
    dummy = [one.median.value[-1] for one in found]
    assert all((one.median.value > own).any() for one, own in zip(found, dummy, strict=True))
    rare = (chance.random(200) < 0.02).astype(np.float64)
    assert noise_floor(rare, 32, 1, 20) < noise_floor(
        chance.random(200), 32, 1, 20
    )  # of a figure that hardly varies


def test_distances_of_ties_are_those_of_distributions() -> None:
    values = np.array([0.0, 1.0] * 50)
    slices = (np.arange(100) * SLICES // 100)[:, None]
    np.testing.assert_allclose(distances(values, slices), 0.0, atol=1e-12)
    sorted_values = np.repeat([0.0, 1.0], 50)
    np.testing.assert_allclose(distances(sorted_values, slices), 0.5)


def test_failed_runs_are_no_zeros() -> None:
    sampling = sobol_design()
    values = ishigami(sampling.sample(256))
    whole = sobol_indices(values, sampling)
    values[[3, 77, 200], [0, 5, 11]] = np.nan
    kept = usable(values, "population")
    assert np.flatnonzero(~kept).tolist() == [3, 77, 200]
    again = sobol_indices(values[kept], sampling)
    np.testing.assert_allclose(again.total.value, whole.total.value, atol=0.05)
    assert again.blocks == 253
    values[:13, 2] = np.inf
    with pytest.raises(
        RunFailure, match=r"population: failed or undefined in 0.5% of the runs, in 15 of 256"
    ):
        usable(values, "population")
    with pytest.raises(RunFailure, match="failed or undefined"):
        usable(np.full((4, 3), np.nan), "population")


def test_the_ranking_settles_with_more_blocks() -> None:
    clear = np.tile([0.9, 0.4, 0.1], (100, 1))
    assert rank_distance(clear) == 0.0
    chance = np.random.default_rng(1)
    tied = 0.5 + 0.1 * chance.standard_normal((100, 3))
    assert rank_distance(tied) > 1.0
    sampling = sobol_design()
    values = ishigami(sampling.sample(1024), 6.0)
    few, many = (sobol_indices(values[:n], sampling).rank_distance for n in (32, 1024))
    assert many < few


def test_indices_by_year_are_those_of_each_year() -> None:
    sampling = sobol_design()
    values = ishigami(sampling.sample(128))
    series = np.stack([np.full_like(values, 7.0), values, np.full_like(values, np.nan)], axis=2)
    path, alone = total_by_year(series, sampling), sobol_indices(values, sampling).total
    assert np.isnan(path.value[[0, 2]]).all()
    np.testing.assert_allclose(path.value[1], alone.value, rtol=1e-9)
    # Two bootstraps of the same blocks
    np.testing.assert_allclose(path.low[1], alone.low, atol=0.05)
    np.testing.assert_allclose(path.high[1], alone.high, atol=0.06)


def test_a_seed_of_zero_is_a_seed() -> None:
    """SALib takes 0 for none."""
    sampling = sobol_design(seed=0)
    values = ishigami(sampling.sample(64))
    one, two = (sobol_indices(values, sampling).total for _ in range(2))
    np.testing.assert_array_equal(one.low, two.low)
    np.testing.assert_array_equal(sampling.sample(64), sobol_design(seed=0).sample(64))
    assert not np.array_equal(sampling.sample(64), sobol_design(seed=1).sample(64))
