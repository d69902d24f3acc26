"""How numbers of a comparison are written: effects with their intervals, persons, money."""

from __future__ import annotations

import math
from collections.abc import Callable

from experiments.paired_statistics import Difference, Interval


def effect_cell(gap: Difference, bound: float | None) -> str:
    """An effect in persons: mean and 90 %, or its mean and an upper bound where the 90 % include zero."""
    if gap.is_zero:
        return "0 in every run"
    if gap.is_clear:
        return f"{signed(gap.mean)} ({signed_range(gap.most)})"
    if bound is None:
        return f"{signed(gap.mean)}, too few runs for a bound"
    return f"{signed(gap.mean)}, under {math.floor(bound) + 1:,}"


def interval_cell(gap: Difference, text: Callable[[float], str] | None = None) -> str:
    """Mean and central 90 % of an effect."""
    form = text or signed
    mean, low, high = (form(value) for value in (gap.mean, *gap.most))
    if gap.is_zero:
        return "0"
    return mean if mean == low == high else f"{mean} ({low} to {high})"


def signed(value: float) -> str:
    """Whole number with a sign, decimals where it is small."""
    if value == 0.0:
        return "0"
    return f"{value:+,.0f}" if abs(value) >= 9.5 else f"{value:+.1f}"


def signed_range(interval: Interval) -> str:
    """Two signed numbers."""
    return f"{signed(interval[0])} to {signed(interval[1])}"


def hundredths(value: float) -> str:
    """Signed number with two decimals."""
    return f"{value:+.2f}"


def money(value: float) -> str:
    """Million KZT, with a sign where it is saved."""
    return "0" if value == 0.0 else f"{value:,.0f}"


def amount(value: float) -> str:
    """Million KZT a unit, three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
