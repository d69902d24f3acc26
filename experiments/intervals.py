"""Intervals: of quantities over runs, and of the probability of an event counted over runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NORMAL_975 = 1.959963984540054


@dataclass(frozen=True)
class Spread:
    """Median with the central 50 and 90 % of the runs."""

    median: float
    half: tuple[float, float]
    most: tuple[float, float]


def spread(values: NDArray[np.float64]) -> Spread:
    """Median and central intervals of float64[runs]; runs where it is undefined (NaN) are left out.

    Example:
        >>> import numpy as np
        >>> from experiments.intervals import spread
        >>> towns = spread(np.array([4_900.0, 5_300.0, 5_500.0, 5_700.0, 6_300.0]))
        >>> towns.median, towns.half
        (5500.0, (5300.0, 5700.0))
    """
    known = values[~np.isnan(values)]
    if known.size == 0:
        nothing = (math.nan, math.nan)
        return Spread(math.nan, nothing, nothing)
    low, quarter, median, three_quarters, high = (
        float(q) for q in np.quantile(known, (0.05, 0.25, 0.5, 0.75, 0.95))
    )
    return Spread(median, (quarter, three_quarters), (low, high))


@dataclass(frozen=True)
class Probability:
    """Share of runs in which an event happened, with Wilson's 95 % interval."""

    events: int
    runs: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Events per run."""
        return self.events / self.runs

    def __str__(self) -> str:
        """Text in per cent; no event gives an upper bound, one in every run a lower one: never 0 or 100."""
        if self.events == 0:
            return f"under {per_cent(self.high)} %"
        if self.events == self.runs:
            return f"over {per_cent(self.low)} %"
        return f"{per_cent(self.share)} % ({per_cent(self.low)} to {per_cent(self.high)})"


def per_cent(share: float) -> str:
    """A share in per cent, with a decimal below 10 and above 90 where digits matter."""
    value = 100.0 * share
    return f"{value:.1f}" if value < 9.95 or value > 90.05 else f"{value:.0f}"


def probability(events: int, runs: int) -> Probability:
    """Wilson's score interval (Wilson 1927) of a probability from `events` out of `runs`.

    Raises:
        ValueError: no runs, or more events than runs.

    Example:
        >>> from experiments.intervals import probability
        >>> print(probability(30, 200))
        15 % (11 to 21)
        >>> print(probability(0, 200))  # what never happened is an upper bound
        under 1.9 %
    """
    if not 0 <= events <= runs or runs == 0:
        raise ValueError(f"{events} events in {runs} runs")
    z2 = NORMAL_975**2
    centre = (events + z2 / 2.0) / (runs + z2)
    half = NORMAL_975 / (runs + z2) * math.sqrt(events * (runs - events) / runs + z2 / 4.0)
    low = 0.0 if events == 0 else centre - half
    high = 1.0 if events == runs else centre + half
    return Probability(events, runs, low, high)
