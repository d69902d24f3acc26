"""Small measures that several checks of the audit share, and years as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

MAD_TO_SD: Final = 1.4826


def robust_spread(values: Sequence[float]) -> float:
    """Return 1.4826 x the median absolute deviation: the standard deviation of a normal, outliers ignored."""
    usual = median(values)
    return MAD_TO_SD * median(abs(value - usual) for value in values)


def robust_z(value: float, others: Sequence[float], smallest_spread: float) -> float:
    """Return the distance of a value from the median of others in robust standard deviations.

    The yardstick is the robust spread of the others, at least ``smallest_spread``, so that a constant series
    does not make everything an outlier.
    """
    return (value - median(others)) / max(robust_spread(others), smallest_spread)


def years_text(years: Iterable[int]) -> str:
    """Return years as text, runs shortened: 2013, 2018-2020."""
    runs: list[tuple[int, int]] = []
    for year in sorted(years):
        if runs and year == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], year)
        else:
            runs.append((year, year))
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Pearson's correlation, or None where a series does not vary or is shorter than 3."""
    count = len(first)
    if count < 3:
        return None
    mean_1, mean_2 = sum(first) / count, sum(second) / count
    cross = sum((a - mean_1) * (b - mean_2) for a, b in zip(first, second, strict=True))
    square_1 = sum((a - mean_1) ** 2 for a in first)
    square_2 = sum((b - mean_2) ** 2 for b in second)
    if square_1 == 0.0 or square_2 == 0.0:
        return None
    return float(cross / (square_1 * square_2) ** 0.5)
