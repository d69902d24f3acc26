"""Scores of probabilistic forecasts: CRPS, interval coverage, bias, logarithmic score, ranks, skill.

An ensemble is float64[members, n] for n observed values; members are exchangeable draws. Every score is returned
per value, so that they can be averaged over places, years or series as needed. Lower is better for CRPS and the
logarithmic score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]
LEVELS: Final = (0.50, 0.80, 0.95)
SMALLEST_SPREAD: Final = 1e-9


def crps(ensemble: Floats, observed: Floats) -> Floats:
    """Continuous ranked probability score of ensembles, fair version, float64[n], in the unit of the values.

    mean |x_i - y| - sum_{i<j} |x_i - x_j| / (m (m - 1)): unbiased for what an ensemble of infinitely many members
    would score (Ferro 2014, doi:10.1002/qj.2270), so that ensembles of different sizes can be compared.

    Args:
        ensemble: float64[members, n], at least two members. observed: float64[n].

    Raises:
        ValueError: fewer than two members, shapes that do not fit, or a value that is not finite.

    Example:
        >>> import numpy as np
        >>> from calibration.scores import crps
        >>> forecast = np.array([[90.0], [100.0], [110.0]])  # three members for one figure
        >>> round(float(crps(forecast, np.array([100.0]))[0]), 2), round(float(crps(forecast, np.array([140.0]))[0]), 2)
        (0.0, 33.33)
    """
    members = _checked(ensemble, observed)
    error = np.abs(ensemble - observed).mean(axis=0)
    # sum_{i<j} |x_i - x_j| of sorted values: the k-th is subtracted m - 1 - k times and added k times
    weights = 2.0 * np.arange(members) - members + 1.0
    spread = (weights[:, None] * np.sort(ensemble, axis=0)).sum(axis=0)
    return np.asarray(error - spread / (members * (members - 1.0)))


def crps_normal(mean: Floats, sd: Floats, observed: Floats) -> Floats:
    """Continuous ranked probability score of normal forecasts, float64[n].

    Gneiting & Raftery 2007 (doi:10.1198/016214506000001437), equation 21 and following.
    """
    z = (observed - mean) / sd
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    return np.asarray(sd * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / math.sqrt(math.pi)))


def interval(ensemble: Floats, level: float) -> tuple[Floats, Floats]:
    """Return both ends of the central interval of a level in (0, 1), float64[n] each.

    Quantiles at k / (m + 1) of the ordered members (Weibull's plotting position): of an observation exchangeable
    with the members a share k / (m + 1) lies below the k-th, so that coverage is exact; where m members cannot
    reach so far out, the ends are the smallest and the largest.

    Raises:
        ValueError: the level is not inside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level {level} is not inside 0 to 1")
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(ensemble, [tail, 1.0 - tail], axis=0, method="weibull")
    return np.asarray(low), np.asarray(high)


def covered(ensemble: Floats, observed: Floats, level: float) -> NDArray[np.bool_]:
    """Say for each value whether the central interval of the level holds it, ends included, bool[n]."""
    _checked(ensemble, observed)
    low, high = interval(ensemble, level)
    return np.asarray((low <= observed) & (observed <= high))


def bias(ensemble: Floats, observed: Floats) -> Floats:
    """Return the median of the ensemble minus the observed value, float64[n], in the unit of the values.

    The median, as forecasts from four years have tails so long that their mean says nothing.
    """
    _checked(ensemble, observed)
    return np.asarray(np.median(ensemble, axis=0) - observed)


def log_score(ensemble: Floats, observed: Floats) -> Floats:
    """Return minus the logarithm of a kernel density of the ensemble at the observed value, float64[n].

    Normal kernels with Silverman's bandwidth .9 min(sd, IQR / 1.34) m^-.2 (Silverman 1986, 3.31); a forecast of one
    single value gets a tiny bandwidth and the score it deserves.
    """
    members = _checked(ensemble, observed)
    sd = ensemble.std(axis=0, ddof=1)
    quartiles = np.quantile(ensemble, [0.25, 0.75], axis=0)
    robust = (quartiles[1] - quartiles[0]) / 1.34
    spread = np.where(robust > 0.0, np.minimum(sd, robust), sd)
    width = np.maximum(0.9 * spread * members**-0.2, SMALLEST_SPREAD * np.maximum(np.abs(observed), 1.0))
    logs = -0.5 * ((ensemble - observed) / width) ** 2
    top = logs.max(axis=0)
    summed = np.log(np.exp(logs - top).sum(axis=0)) + top
    return np.asarray(np.log(members * width) + 0.5 * math.log(2.0 * math.pi) - summed)


def rank(ensemble: Floats, observed: Floats, seed: int = 0) -> NDArray[np.int64]:
    """Return how many members lie below each observed value, 0 to m, ties broken at random, int64[n].

    Ranks of a calibrated forecast are uniform on 0 to m (Hamill 2001).
    """
    _checked(ensemble, observed)
    below = (ensemble < observed).sum(axis=0)
    ties = (ensemble == observed).sum(axis=0)
    return np.asarray(below + np.random.default_rng(seed).integers(0, ties + 1), dtype=np.int64)


@dataclass(frozen=True)
class Skill:
    """Mean score against a reference: 1 - score / reference; positive is better than the reference.

    Attributes:
        score, reference: mean scores. difference: score - reference, negative is better.
        low, high: 90 % interval of the mean difference.
        clusters: number of independent groups behind the interval.
    """

    score: float
    reference: float
    difference: float
    low: float
    high: float
    clusters: int

    @property
    def skill(self) -> float:
        """Share by which the reference is beaten; NaN where the reference makes no error."""
        return 1.0 - self.score / self.reference if self.reference > 0.0 else math.nan

    @property
    def verdict(self) -> str:
        """Say plainly whether the forecast beats the reference."""
        if self.high < 0.0:
            return "beats"
        return "does not beat" if self.low > 0.0 or self.difference >= 0.0 else "not clearly better"


def skill(
    scores: Floats, reference: Floats, groups: NDArray[np.int64], seed: int = 0, resamples: int = 2000
) -> Skill:
    """Compare mean scores with those of a reference forecast of the same values.

    The interval resamples whole groups (a place's years hang together), paired (Künsch 1989 for blocks); with one
    group it is unbounded: one place tells nothing about others.

    Args:
        scores, reference: float64[n] of the same values. groups: int64[n] group of each value.
        seed: of the resampling. resamples: number of them.

    Raises:
        ValueError: shapes that do not fit, or nothing to compare.
    """
    if scores.shape != reference.shape or scores.shape != groups.shape or scores.size == 0:
        raise ValueError(f"shapes {scores.shape}, {reference.shape}, {groups.shape} do not fit")
    difference = scores - reference
    names = np.unique(groups)
    sums = np.array([difference[groups == name].sum() for name in names])
    sizes = np.array([(groups == name).sum() for name in names], dtype=np.float64)
    low, high = -math.inf, math.inf
    if len(names) > 1:
        chosen = np.random.default_rng(seed).integers(0, len(names), (resamples, len(names)))
        means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
        low, high = (float(end) for end in np.quantile(means, [0.05, 0.95]))
    return Skill(
        float(scores.mean()), float(reference.mean()), float(difference.mean()), low, high, len(names)
    )


def _checked(ensemble: Floats, observed: Floats) -> int:
    """Return the number of members; raise ValueError for what cannot be scored."""
    if ensemble.ndim != 2 or observed.shape != ensemble.shape[1:]:
        raise ValueError(f"ensemble {ensemble.shape} and observed {observed.shape} do not fit")
    if ensemble.shape[0] < 2:
        raise ValueError(f"{ensemble.shape[0]} members; an ensemble has at least 2")
    if not (np.isfinite(ensemble).all() and np.isfinite(observed).all()):
        raise ValueError("a member or an observed value is not a finite number")
    return int(ensemble.shape[0])
