"""Indices of a sensitivity analysis from the figures of its runs, by SALib under guards.

SALib turns a single NaN into zeros for all, takes a seed of 0 for none, and divides by a variance of zero: nothing
reaches it here before it has been checked. Intervals are percentiles of a bootstrap over blocks. A block holds its own
point of the design and its own seeds, so that they cover both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.failures import RunFailure
from experiments.sensitivity_design import LEVELS, SLICES, Sampling
from experiments.sensitivity_factors import CHANCE, DUMMY
from model.draws import run_seed

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
RESAMPLES = 200
NULL_ANALYSES = 60  # of factors that change nothing, for the floor of PAWN's distances
MOST_LOST = 0.05  # share of blocks that may be left out because a run failed; beyond it there are no indices
WORTH_KEEPING = 0.05  # a factor below this share of the largest effect does not survive screening
STABLE = 1.0  # rank distance between bootstrap resamples (Sarrazin et al. 2016)
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Index:
    """Estimates by factor with their 95 % intervals, float64[factors] (or [years, factors]) each."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class SobolIndices:
    """Sobol' indices of one output.

    Attributes:
        names: of the groups of the design. blocks: how many blocks they rest on.
        first, total: S1 and ST. second: S2 by pair of names; empty without interactions.
        rank_distance: 95 % quantile of the distance between rankings of two resamples: below 1 they agree.
        mean, sd: of the output.
    """

    names: tuple[str, ...]
    blocks: int
    first: Index
    total: Index
    second: dict[tuple[str, str], tuple[float, float, float]]
    rank_distance: float
    mean: float
    sd: float

    @property
    def is_stable(self) -> bool:
        """Whether another sample would rank the factors alike."""
        return self.rank_distance < STABLE

    def of(self, name: str) -> tuple[float, float, float]:
        """Total index of a factor with its interval."""
        k = self.names.index(name)
        return float(self.total.value[k]), float(self.total.low[k]), float(self.total.high[k])

    @property
    def noise_of_pairs(self) -> float:
        """Largest second-order index of a pair with the dummy, which acts together with nothing; 0 without any."""
        return max((value for pair, (value, _, _) in self.second.items() if DUMMY in pair), default=0.0)

    @property
    def says_nothing(self) -> bool:
        """Whether the interval of the largest total index is as wide as the whole variance: too few blocks for it."""
        k = int(np.argmax(self.total.value))
        return bool(self.total.high[k] - self.total.low[k] >= 1.0)

    @property
    def false_alarm(self) -> bool:
        """Whether the dummy, which changes nothing, seems to matter: then no index here can be trusted."""
        k = self.names.index(DUMMY)
        return bool(self.total.value[k] != 0.0 or self.first.value[k] != 0.0)


@dataclass(frozen=True)
class MorrisIndices:
    """Elementary effects of one output: mean size mu*, mean mu, spread sigma, per whole range of a factor."""

    names: tuple[str, ...]
    blocks: int
    star: Index
    mean_effect: Floats
    sigma: Floats

    @property
    def false_alarm(self) -> bool:
        """Whether the dummy seems to matter."""
        return bool(self.star.value[self.names.index(DUMMY)] != 0.0)


@dataclass(frozen=True)
class PawnIndices:
    """PAWN indices of one output: median and largest Kolmogorov-Smirnov distance over conditioning intervals.

    Attributes:
        threshold: median distance that the largest of as many factors reaches once in twenty analyses if none of them
            changes anything (`noise_floor`).
    """

    names: tuple[str, ...]
    blocks: int
    median: Index
    largest: Floats
    threshold: float

    @property
    def above(self) -> Bools:
        """Which factors stand out from chance differences between intervals."""
        return np.asarray(self.median.value > self.threshold)

    @property
    def false_alarm(self) -> bool:
        """Whether the dummy stands out: once in some hundred analyses it does by accident."""
        return bool(self.above[self.names.index(DUMMY)])


def usable(values: Floats, text: str) -> Bools:
    """Blocks that can be analysed: those without a run that failed or has no figure. values: float64[blocks, rows].

    Raises:
        RunFailure: more than `MOST_LOST` of them cannot, or none can.
    """
    whole: Bools = np.isfinite(values).all(axis=1)
    lost = int((~whole).sum())
    if lost > MOST_LOST * len(whole) or not whole.any():
        undefined = float((~np.isfinite(values)).mean())
        raise RunFailure(
            f"{text}: failed or undefined in {undefined:.1%} of the runs, in {lost} of {len(whole)} blocks; "
            f"more than {MOST_LOST:.0%} of blocks cannot be left out without a bias, so that no index is given"
        )
    return whole


def is_constant(values: Floats) -> bool:
    """Whether an output takes one value in all usable runs."""
    return bool(np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())))


def sobol_indices(values: Floats, sampling: Sampling, resamples: int = RESAMPLES) -> SobolIndices:
    """Indices of the groups of a Sobol' design. values: float64[blocks, rows], usable blocks of one output.

    First order: Saltelli et al. 2010; total: Jansen 1999; second: Saltelli 2002, all as in SALib.
    """
    names = tuple(name for name, _ in sampling.groups)
    width = len(names) * (2 if sampling.interactions else 1) + 2
    return _sobol(values[:, :width], names, sampling.interactions, sampling.seed, resamples)


def block_indices(values: Floats, sampling: Sampling, resamples: int = RESAMPLES) -> SobolIndices | None:
    """Indices of the subject blocks, from the same runs and those of `extra_blocks`; None where there are none."""
    if not sampling.blocks:
        return None
    group_rows = {frozenset(members): 1 + k for k, (_, members) in enumerate(sampling.groups)}
    b_row = len(sampling.groups) * (2 if sampling.interactions else 1) + 1
    extra_rows = {frozenset(members): b_row + 1 + k for k, (_, members) in enumerate(sampling.extra_blocks)}
    rows = {**group_rows, **extra_rows}
    chosen = [0, *(rows[frozenset(members)] for _, members in sampling.blocks), b_row]
    names = tuple(name for name, _ in sampling.blocks)
    return _sobol(values[:, chosen], names, False, sampling.seed, resamples)


def _sobol(
    values: Floats, names: tuple[str, ...], interactions: bool, seed: int, resamples: int
) -> SobolIndices:
    from SALib.analyze import sobol

    problem = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    found = sobol.analyze(
        problem, values.ravel(), calc_second_order=interactions, num_resamples=resamples, keep_resamples=True,
        seed=1 + seed % (2**32 - 1),
    )  # fmt: skip
    second = {}
    if interactions:
        for j, one in enumerate(names):
            for k in range(j + 1, len(names)):
                value, half = float(found["S2"][j, k]), float(found["S2_conf"][j, k])
                second[one, names[k]] = (value, value - half, value + half)
    ends = values[:, [0, -1]]
    return SobolIndices(
        names, len(values), _index(found["S1"], found["S1_conf_all"]), _index(found["ST"], found["ST_conf_all"]),
        second, rank_distance(np.asarray(found["ST_conf_all"])), float(ends.mean()), float(ends.std()),
    )  # fmt: skip


def _index(value: Floats, resampled: Floats) -> Index:
    low, high = np.percentile(np.asarray(resampled, np.float64), _PERCENTILES, axis=0)
    return Index(np.asarray(value, np.float64), low, high)


def rank_distance(resampled: Floats) -> float:
    """95 % quantile of the weighted distance between the rankings of two resamples, float64[resamples, factors].

    Distances of ranks are weighted by the square of the larger of both indices, so that factors that do not matter do
    not count (Sarrazin, Pianosi & Wagener 2016, equation 13).
    """
    ranks = np.argsort(np.argsort(-resampled, axis=1), axis=1).astype(np.float64)
    half = len(resampled) // 2
    one, two = slice(0, half), slice(half, 2 * half)
    weight = np.maximum(resampled[one], resampled[two]) ** 2
    total = weight.sum(axis=1)
    distance = (np.abs(ranks[one] - ranks[two]) * weight).sum(axis=1) / np.where(total > 0.0, total, 1.0)
    return float(np.quantile(distance, 0.95))


def resample_weights(blocks: int, resamples: int, seed: int) -> Floats:
    """How often each block stands in each resample, float64[resamples, blocks], rows adding up to 1."""
    chosen = _resampled(blocks, resamples, seed)
    counts = np.stack([np.bincount(row, minlength=blocks) for row in chosen])
    return counts / float(blocks)


def total_by_year(series: Floats, sampling: Sampling, resamples: int = RESAMPLES) -> Index:
    """Total index of every group by year, float64[years, groups]; NaN where an output is undefined or constant.

    Args:
        series: float64[blocks, rows, years] of usable blocks.
    """
    from SALib.analyze.sobol import total_order

    groups = len(sampling.groups)
    b_row = groups * (2 if sampling.interactions else 1) + 1
    found = empty_index(series.shape[2], groups)
    weights = resample_weights(len(series), resamples, sampling.seed)
    for year in range(series.shape[2]):
        values = series[:, : b_row + 1, year]
        a, b = values[:, 0], values[:, b_row]
        if not np.isfinite(values).all() or is_constant(np.concatenate((a, b))):
            continue
        found.value[year] = [float(total_order(a, values[:, 1 + k], b)) for k in range(groups)]
        squares = 0.5 * (a[:, None] - values[:, 1 : 1 + groups]) ** 2
        mean, square = weights @ (a + b) / 2.0, weights @ (a * a + b * b) / 2.0
        variance = square - mean**2
        kept = variance > 1e-12 * float(np.concatenate((a, b)).var())
        again = (weights[kept] @ squares) / variance[kept, None]
        found.low[year], found.high[year] = np.percentile(again, _PERCENTILES, axis=0)
    return found


def empty_index(years: int, factors: int) -> Index:
    """An index by year of which nothing is known yet."""
    return Index(*(np.full((years, factors), math.nan) for _ in range(3)))


def elementary_effects(values: Floats, grid: Floats) -> Floats:
    """Effect of the one factor that each step of a trajectory moves, per whole range: float64[blocks, factors].

    Args:
        values: float64[blocks, rows]. grid: levels, float64[blocks, rows, factors].
    """
    steps = np.diff(grid, axis=1)
    moved = np.abs(steps).argmax(axis=2)
    size = np.take_along_axis(steps, moved[:, :, None], axis=2)[:, :, 0]
    effects = np.empty_like(size)
    np.put_along_axis(effects, moved, np.diff(values, axis=1) / size, axis=1)
    return effects


def morris_indices(
    values: Floats, grid: Floats, sampling: Sampling, resamples: int = RESAMPLES
) -> MorrisIndices:
    """Elementary effects of one output (Morris 1991; mu*: Campolongo et al. 2007), SALib's estimates.

    Args:
        values: float64[blocks, rows] of usable trajectories. grid: their levels, float64[blocks, rows, factors].
    """
    from SALib.analyze import morris

    flat = grid.reshape(-1, grid.shape[2])
    found = morris.analyze(
        sampling.problem(),
        flat,
        values.ravel(),
        num_levels=LEVELS,
        num_resamples=2,
        seed=1 + sampling.seed % 2**31,
    )
    sizes = np.abs(elementary_effects(values, grid))
    again = np.stack(
        [sizes[chosen].mean(axis=0) for chosen in _resampled(len(sizes), resamples, sampling.seed)]
    )
    star = np.asarray(found["mu_star"], np.float64)
    mean, sigma = (np.asarray(found[name], np.float64) for name in ("mu", "sigma"))
    return MorrisIndices(sampling.names, len(values), _index(star, again), mean, sigma)


def _resampled(blocks: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Blocks of every resample, int64[resamples, blocks]."""
    chance = np.random.default_rng(int(run_seed(seed, blocks, resamples)))
    return chance.integers(blocks, size=(resamples, blocks))


def survivors(screened: Sequence[MorrisIndices], most: int) -> tuple[str, ...]:
    """Factors that matter for one output or another, the most important first; chance and dummy stand apart.

    A factor's mu* is taken relative to the largest of the output. Kept are at most `most`, none below `WORTH_KEEPING`.
    """
    names = screened[0].names
    shares = np.zeros(len(names))
    real = np.array([name not in (CHANCE, DUMMY) for name in names])
    for one in screened:
        largest = float(one.star.value[real].max())
        if largest > 0.0:
            shares = np.maximum(shares, one.star.value / largest)
    order = [int(k) for k in np.argsort(-shares, kind="stable") if real[k] and shares[k] >= WORTH_KEEPING]
    return tuple(names[k] for k in order[:most])


def pawn_indices(values: Floats, rows: Floats, sampling: Sampling, resamples: int = RESAMPLES) -> PawnIndices:
    """PAWN indices of one output (Pianosi & Wagener 2018), SALib's estimates.

    Args:
        values: float64[runs]. rows: numbers of the factors, float64[runs, factors].
    """
    from SALib.analyze import pawn

    found = pawn.analyze(sampling.problem(), rows, values, S=SLICES)
    slices = slice_of(rows)
    again = np.stack(
        [
            np.median(distances(values[chosen], slices[chosen]), axis=0)
            for chosen in _resampled(len(values), resamples, sampling.seed)
        ]
    )
    median = np.asarray(found["median"], np.float64)
    # Resamples hold runs twice and are further apart than the runs: only their spread is taken from them
    index = _index(median, again + (median - again.mean(axis=0)))
    floor = noise_floor(values, len(sampling.names), sampling.seed)
    return PawnIndices(sampling.names, len(values), index, np.asarray(found["maximum"], np.float64), floor)


def noise_floor(values: Floats, factors: int, seed: int, analyses: int = NULL_ANALYSES) -> float:
    """Median distance that the largest of some factors exceeds in one of twenty analyses if none changes anything.

    Intervals are drawn at random, of equal numbers of runs, so that the floor is that of these very values, ties
    included. A single dummy is one such draw: among a hundred factors some always exceed it.
    """
    chance = np.random.default_rng(int(run_seed(seed, len(values), analyses)))
    largest = [
        np.median(distances(values, slice_of(chance.random((len(values), factors)))), axis=0).max()
        for _ in range(analyses)
    ]
    return float(np.quantile(largest, 0.95))


def slice_of(rows: Floats) -> NDArray[np.int64]:
    """Conditioning interval of every run and factor, intervals of equal numbers of runs: int64[runs, factors]."""
    order = np.argsort(np.argsort(rows, axis=0, kind="stable"), axis=0)
    return order * SLICES // len(rows)


def distances(values: Floats, slices: NDArray[np.int64]) -> Floats:
    """Kolmogorov-Smirnov distance between all runs and those of each interval, float64[intervals, factors]."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    # Ties: distributions are compared only where a value ends
    ends = np.append(ordered[1:] != ordered[:-1], True)
    everywhere = np.arange(1, len(values) + 1) / len(values)
    found = np.empty((SLICES, slices.shape[1]))
    for k in range(SLICES):
        inside = slices[order] == k
        counts = np.cumsum(inside, axis=0, dtype=np.int64)
        share = counts / np.maximum(counts[-1], 1)
        found[k] = np.abs(share - everywhere[:, None])[ends].max(axis=0)
    return found
