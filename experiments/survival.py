"""Survival curves of first crossings: Kaplan-Meier, restricted means, competing events, with their intervals.

Times are whole years from the start of a run. A run that has not crossed when it ends is censored there: what it
would have done later is not known, only that it had not crossed by then.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf

from experiments.intervals import NORMAL_975, probability

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
NEVER = -1


def first_held(flags: Flags, in_a_row: int = 1) -> Integers:
    """Return the first position at which a flag has held this many times in a row.

    Args:
        flags: bool[..., T]. in_a_row: at least 1.

    Returns:
        int64[...], `NEVER` where it never has.

    Raises:
        ValueError: `in_a_row` is not positive.
    """
    if in_a_row < 1:
        raise ValueError(f"in_a_row = {in_a_row}, expected at least 1")
    if flags.shape[-1] < in_a_row:
        return np.full(flags.shape[:-1], NEVER, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(flags, in_a_row, axis=-1).all(axis=-1)
    first = windows.argmax(axis=-1) + in_a_row - 1
    return np.where(windows.any(axis=-1), first, NEVER).astype(np.int64)


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Share of runs that have not crossed by each year, with a 95 % interval.

    Attributes:
        years: int64[T] years since the start, 0, 1, 2 ...
        survival, low, high: float64[T]. Where no run has crossed yet, `low` is a bound; where all have, `high` is.
        at_risk, events: int64[T] runs not yet crossed or censored just before each year; crossings in that year.
    """

    years: Integers
    survival: Floats
    low: Floats
    high: Floats
    at_risk: Integers
    events: Integers

    @property
    def median(self) -> int | None:
        """First year by which half of the runs have crossed; None where that is after the last year."""
        reached = np.flatnonzero(self.survival <= 0.5)
        return int(self.years[reached[0]]) if reached.size else None


def _checked(times: Integers, crossed: Flags) -> None:
    if times.ndim != 1 or times.shape != crossed.shape or times.size == 0:
        raise ValueError(
            f"times {times.shape} and crossed {crossed.shape}: expected the same runs, at least one"
        )
    if (times < 0).any():
        raise ValueError("a time before the start")


def _at_risk(times: Integers, years: Integers) -> Integers:
    return np.asarray((times[None, :] >= years[:, None]).sum(axis=1), dtype=np.int64)


def _events(times: Integers, crossed: Flags, years: Integers) -> Integers:
    return np.asarray(((times[None, :] == years[:, None]) & crossed).sum(axis=1), dtype=np.int64)


def kaplan_meier(times: Integers, crossed: Flags, last: int) -> SurvivalCurve:
    """Product-limit estimate (Kaplan & Meier 1958) with the log-log interval of Greenwood's variance.

    Where no run has crossed, or all have, that variance says nothing; Wilson's interval for the runs still at risk
    (or all runs) stands there instead, so that no curve is known for certain.

    Args:
        times: int64[runs] year of crossing or censoring. crossed: bool[runs]. last: last year of the curve.

    Raises:
        ValueError: no runs, a negative time, or shapes that do not fit.
    """
    _checked(times, crossed)
    years = np.arange(last + 1, dtype=np.int64)
    at_risk, events = _at_risk(times, years), _events(times, crossed, years)
    if not events.any():
        bounds = np.array([1.0 - probability(0, int(n)).high if n else 0.0 for n in at_risk])
        return SurvivalCurve(years, np.ones(len(years)), bounds, np.ones(len(years)), at_risk, events)
    sample = CensoredData.right_censored(times.astype(np.float64), ~crossed)
    curve = ecdf(sample).sf
    # scipy warns where Greenwood's variance is undefined: those ends are set below
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = curve.confidence_interval(0.95, method="log-log")
    grid = years.astype(np.float64)
    survival = curve.evaluate(grid)
    low, high = interval.low.evaluate(grid), interval.high.evaluate(grid)
    for k in range(len(years)):
        if survival[k] == 1.0:
            low[k], high[k] = 1.0 - probability(0, max(1, int(at_risk[k]))).high, 1.0
        elif survival[k] == 0.0:
            low[k], high[k] = 0.0, probability(0, len(times)).high
    return SurvivalCurve(years, survival, low, high, at_risk, events)


@dataclass(frozen=True)
class RestrictedMean:
    """Mean years before crossing, of at most `within`, with a 95 % interval (Royston & Parmar 2013).

    Attributes:
        years: the mean. low, high: its interval; `low` is a bound where no run crosses. within: the restriction.
    """

    years: float
    low: float
    high: float
    within: int


def restricted_mean(times: Integers, crossed: Flags, within: int) -> RestrictedMean:
    """Area under the Kaplan-Meier curve up to `within` years.

    Variance: sum over crossings of (area of the curve beyond them)^2 d / (n (n - d)) (Klein & Moeschberger 2003,
    4.5.2). Where no run crosses by then, the chance to cross is below Wilson's bound, and so is the share of the
    years that can be lost.

    Raises:
        ValueError: as `kaplan_meier`.
    """
    curve = kaplan_meier(times, crossed, within)
    area = math.fsum(curve.survival[:-1].tolist())
    beyond = np.concatenate((np.cumsum(curve.survival[:-1][::-1])[::-1], [0.0]))
    if not curve.events[:-1].any():
        bound = 1.0 - probability(0, max(1, int(curve.at_risk[-1]))).high
        return RestrictedMean(area, within * bound, float(within), within)
    n, d = curve.at_risk.astype(np.float64), curve.events.astype(np.float64)
    inside = (d > 0) & (n > d)
    variance = float((beyond[inside] ** 2 * d[inside] / (n[inside] * (n[inside] - d[inside]))).sum())
    half = NORMAL_975 * math.sqrt(variance)
    return RestrictedMean(area, max(0.0, area - half), min(float(within), area + half), within)


@dataclass(frozen=True, eq=False)
class Incidence:
    """Share of runs whose first event is of one kind by each year, with a 95 % interval, float64[T] each."""

    share: Floats
    low: Floats
    high: Floats


def cumulative_incidence(times: Integers, kinds: Integers, last: int) -> dict[int, Incidence]:
    """Competing events by the estimator of Aalen & Johansen (1978); shares of all kinds and survival add up to 1.

    Variance of Marubini & Valsecchi (1995, 10.2), interval on the log-log scale (Choudhury 2002). A kind without an
    event has Wilson's upper bound.

    Args:
        times: int64[runs] year of the first event or of censoring. kinds: int64[runs], 0 censored, above 0 the
            kind of event. last: last year.

    Returns:
        By kind that occurs (1, 2, ...), in ascending order.

    Raises:
        ValueError: as `kaplan_meier`, or a negative kind.
    """
    _checked(times, kinds > 0)
    if (kinds < 0).any():
        raise ValueError("a kind of event below 0")
    years = np.arange(last + 1, dtype=np.int64)
    n = _at_risk(times, years).astype(np.float64)
    d = _events(times, kinds > 0, years).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(n > 0, 1.0 - d / n, 1.0)
        hazard_term = np.where(n > d, d / (n * (n - d)), 0.0)
    before = np.concatenate(([1.0], np.cumprod(kept)[:-1]))
    return {
        int(kind): _incidence(_events(times, kinds == kind, years).astype(np.float64), n, before, hazard_term)
        for kind in np.unique(kinds[kinds > 0])
    }


def _incidence(own: Floats, n: Floats, before: Floats, hazard_term: Floats) -> Incidence:
    """Incidence of a kind from its events, runs at risk, survival just before each year, and d / (n (n - d))."""
    safe = np.where(n > 0, n, 1.0)
    share = np.cumsum(before * own / safe)
    apart = np.tril(share[:, None] - share[None, :])  # F(t) - F(t_j) for t_j <= t
    variance = (
        (apart**2 * hazard_term).sum(axis=1)
        + np.cumsum(before**2 * own * (safe - own) / safe**3)
        - 2.0 * (apart * (before * own / safe**2)).sum(axis=1)
    )
    low, high = np.zeros_like(share), np.ones_like(share)
    for k, value in enumerate(share.tolist()):
        if value <= 0.0:
            high[k] = probability(0, int(max(1.0, n[k]))).high
        elif value < 1.0:
            width = NORMAL_975 * math.sqrt(max(0.0, float(variance[k]))) / (value * abs(math.log(value)))
            low[k], high[k] = value ** math.exp(width), value ** math.exp(-width)
        else:
            low[k] = 1.0 - probability(0, int(n[0])).high
    return Incidence(share, low, high)
