"""Step 6 of the rating: integral index by blocks, five-year trend, class, and the probabilities of classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.rating_figures import RatedFigures
from calibration.rating_system import BLOCKS, CLASSES, Floats, RatingSystem
from calibration.rating_weights import Weights

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
# What all never-known indicators are set to for the ranges of probabilities: a level, and a drift either way or none
MISSING_LEVELS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
MISSING_DRIFTS: Final = (-1.0, 0.0, 1.0)
DEVELOPMENT, DEPRESSIVE, EXTINCTION = range(len(CLASSES))
UNCLASSED: Final = -1


def block_indices(scores: Floats, weights: Weights, system: RatingSystem) -> Floats:
    """Index of every block from its known indicators, float64[..., 4]; NaN for a block of which nothing is known."""
    known = ~np.isnan(scores)
    filled = np.where(known, scores, 0.0)
    indices = np.full((*scores.shape[:-1], len(BLOCKS)), np.nan)
    for block in range(len(BLOCKS)):
        members = system.of_block(block)
        weight = weights.within[members]
        total = known[..., members] @ weight
        with np.errstate(invalid="ignore", divide="ignore"):
            indices[..., block] = np.where(total > 0.0, (filled[..., members] @ weight) / total, np.nan)
    return indices


def integral_index(scores: Floats, weights: Weights, system: RatingSystem) -> Floats:
    """Integral index from the known indicators, float64[...] in [0, 1]: blocks of which nothing is known drop out."""
    blocks = block_indices(scores, weights, system)
    known = ~np.isnan(blocks)
    total = known @ weights.blocks
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0.0, np.where(known, blocks, 0.0) @ weights.blocks / total, np.nan)


@cache
def trend_matrix(years: int, window: int, least: int) -> Floats:
    """float64[years, years]: matrix that turns an index by year into its change over `window` years.

    Row t is `window` times the least-squares slope over the years t - window to t; NaN where fewer than `least`
    years are rated there.
    """
    matrix = np.zeros((years, years))
    for t in range(years):
        first = max(0, t - window)
        x = np.arange(first, t + 1) - (first + t) / 2.0
        if x.size < least:
            matrix[t] = np.nan
            continue
        matrix[t, first : t + 1] = window * x / (x**2).sum()
    matrix.flags.writeable = False
    return matrix


def trends(index: Floats, system: RatingSystem) -> Floats:
    """Five-year trend of an index float64[..., years, places], same shape; NaN where too few years are rated."""
    matrix = trend_matrix(
        index.shape[-2], int(system.value("trend_window")), int(system.value("least_ratings"))
    )
    known = ~np.isnan(matrix).any(axis=1)
    result = np.full_like(index, np.nan)
    result[..., known, :] = matrix[known] @ index
    return result


def classes(level: Floats, trend: Floats, thresholds: Sequence[float]) -> NDArray[np.int8]:
    """Class of every level and five-year trend: 0 development, 1 depressive, 2 extinction, -1 without a trend.

    Development: level at or above the upper threshold and not falling. Extinction: level below the lower threshold
    and not rising. Depressive: all others.

    Args:
        thresholds: level of development, level of extinction, trend of development, trend of extinction.
    """
    high, low, falling, rising = thresholds
    result = np.full(level.shape, DEPRESSIVE, np.int8)
    result[(level >= high) & (trend >= falling)] = DEVELOPMENT
    result[(level < low) & (trend <= rising)] = EXTINCTION
    result[np.isnan(level) | np.isnan(trend)] = UNCLASSED
    return result


THRESHOLDS: Final = ("level_development", "level_extinction", "trend_development", "trend_extinction")


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """Probabilities of the classes over runs, weights, thresholds and missing indicators.

    Attributes (Y years, P places):
        draws: how many. share: float64[Y, P, 3] share of the draws in each class; NaN without a trend.
        low, high: float64[Y, P, 3] least and largest share when all never-known indicators are set to one level
            from worst to best and one five-year drift (rule `missing_drift`, either way or none).
        index: float64[5, Y, P] quantiles of the full index over the draws. trend: the same of its trend.
        coverage: float64[Y, P] share of the indicators known. printable: bool[Y, P] whether a class may be named.
        drawn: int8[draws, Y, P] class of every draw.
    """

    draws: int
    share: Floats
    low: Floats
    high: Floats
    index: Floats
    trend: Floats
    coverage: Floats
    printable: NDArray[np.bool_]
    drawn: NDArray[np.int8]

    def likeliest(self, year: int, place: int) -> str | None:
        """Name of the likeliest class; None where coverage is too low or no trend is known."""
        if not self.printable[year, place]:
            return None
        return CLASSES[int(np.argmax(self.share[year, place]))]


def class_probabilities(
    figures: RatedFigures, system: RatingSystem, weights: Weights, draws: int, seed: int
) -> ClassProbabilities:
    """Probabilities of the classes, `draws` times: a run, weights, thresholds, grades and missing scores anew.

    Draw d takes run d modulo the runs, and the same weights, thresholds and missing scores whatever the figures,
    so that scenarios rated with one seed are compared on common draws. Missing scores: uniform over the band,
    correlated within a block of a place, walking from year to year and reflected at its ends; where an
    indicator is known in other years of the same place, the walk starts from the nearest of them.

    Args:
        draws: at least 1. More than there are runs, so that weights are varied too.
    """
    scores = system.scores(figures.values)
    runs, n_years, n_places, _ = scores.shape
    block_of = system.block_of
    ever = ~np.isnan(scores).all(axis=(0, 1))  # [places, indicators]
    drawn = np.empty((draws, n_years, n_places), np.int8)
    drift = system.value("missing_drift")
    cases = [(level, drift * way) for level in MISSING_LEVELS for way in MISSING_DRIFTS]
    at_level = np.empty((len(cases), draws, n_years, n_places), np.int8)
    index = np.empty((draws, n_years, n_places))
    trend = np.empty_like(index)
    correlation = system.value("missing_correlation")
    walk_sd = system.value("missing_walk")
    for d in range(draws):
        generator = np.random.default_rng([seed, d])
        chosen = weights.drawn(system, generator)
        thresholds = [
            system.rules[name].value + system.rules[name].spread * generator.uniform(-1.0, 1.0)
            for name in THRESHOLDS
        ]
        latent = np.sqrt(correlation) * generator.standard_normal((n_places, len(BLOCKS)))[:, block_of]
        latent += np.sqrt(1.0 - correlation) * generator.standard_normal((n_places, len(system.ids)))
        steps = walk_sd * generator.standard_normal((n_years, n_places, len(system.ids)))
        wobble = generator.uniform(-1.0, 1.0, (n_places, len(system.ids)))
        one = np.clip(scores[d % runs] + figures.half_width * wobble, 0.0, 1.0)
        weight = chosen.of_indicators(system)
        gaps = np.isnan(one)
        if gaps.any():
            still, walking = _filled(one, gaps, _normal_cdf(latent), np.cumsum(steps, axis=0))
        else:
            still = walking = one
        index[d] = walking @ weight
        trend[d] = trends(index[d], system)
        drawn[d] = classes(index[d], trend[d], thresholds)
        # A level of the never-known indicators moves the index alone, a drift its trend alone
        unknown = np.where(ever, 0.0, weight).sum(axis=1)
        without = np.where(ever, still, 0.0) @ weight
        of_known = trends(without, system)
        for k, (level, moved) in enumerate(cases):
            at_level[k, d] = classes(without + level * unknown, of_known + moved * unknown, thresholds)
    share = _shares(drawn)
    by_level = np.stack([_shares(one) for one in at_level])
    coverage = figures.coverage()
    trended = ~np.isnan(share).any(axis=-1)
    quantiles = [np.quantile(values, QUANTILES, axis=0) for values in (index, trend)]
    return ClassProbabilities(
        draws,
        share,
        by_level.min(axis=0),
        by_level.max(axis=0),
        quantiles[0],
        quantiles[1],
        coverage,
        (coverage >= system.value("least_coverage")) & trended,
        drawn,
    )


def _shares(drawn: NDArray[np.int8]) -> Floats:
    """Share of the draws in each class, float64[years, places, 3]; NaN where any draw has no class."""
    share = np.stack([(drawn == number).mean(axis=0) for number in range(len(CLASSES))], axis=-1)
    share[(drawn == UNCLASSED).any(axis=0)] = np.nan
    return share


def _normal_cdf(values: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(values))


def _filled(scores: Floats, gaps: NDArray[np.bool_], start: Floats, walk: Floats) -> tuple[Floats, Floats]:
    """Scores float64[years, places, indicators] with their gaps filled, standing still and walking.

    A gap takes the score of the nearest known year (the earlier of two), or `start` where none is known; the walk
    adds what `walk` has moved since that year.
    """
    n_years = scores.shape[0]
    year = np.arange(n_years)[:, None, None]
    before = np.maximum.accumulate(np.where(gaps, -1, year), axis=0)
    after = np.minimum.accumulate(np.where(gaps, n_years, year)[::-1], axis=0)[::-1]
    nearer = np.where((before >= 0) & ((after >= n_years) | (year - before <= after - year)), before, after)
    anchored = (before >= 0) | (after < n_years)
    origin = np.clip(np.where(anchored, nearer, 0), 0, n_years - 1)
    base = np.where(anchored, np.take_along_axis(scores, origin, axis=0), start)
    moved = base + walk - np.take_along_axis(walk, origin, axis=0)
    still = np.where(gaps, base, scores)
    return still, np.where(gaps, _reflected(moved), scores)


def _reflected(values: Floats) -> Floats:
    """Values folded back into [0, 1]: a uniform score stays uniform whatever it walks."""
    folded = np.mod(values, 2.0)
    return np.asarray(np.where(folded > 1.0, 2.0 - folded, folded))


def rating_index(figures: RatedFigures, system: RatingSystem, weights: Weights) -> Floats:
    """Integral index of the known indicators by run, year and place, float64[runs, years, places]."""
    return integral_index(system.scores(figures.values), weights, system)
