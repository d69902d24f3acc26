"""What an effect costs: discounting, and the ratio of cost to effect with the intervals that ratios have.

Two questions, two intervals. *Expected*: mean cost over mean effect, with Fieller's interval (Fieller 1954), which
holds the uncertainty of the means and narrows with more runs. *Over runs*: the ratio run by run, ordered as the angle
in the cost-effectiveness plane, which holds chance and parameters and does not narrow. Either is undefined where
the interval of the effect at the same level includes zero: a ratio to something that may be nothing has no bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from experiments.paired_statistics import (
    Floats,
    Interval,
    excludes_zero,
    mean_interval,
    student,
)

DISCOUNT = 0.05
PRESENT_YEAR = (
    2026  # the first year in which a policy decided now can act: present values are those of its start
)


def discount_factors(years: Floats, rate: float) -> Floats:
    """Factors (1 + rate)^-(year - 2026) of flows by year, float64[years]; earlier years are compounded."""
    factors: Floats = (1.0 + rate) ** -(np.asarray(years, np.float64) - PRESENT_YEAR)
    return factors


def present_value(flows: Floats, years: Floats, rate: float) -> Floats:
    """Present value of float64[runs, years] as float64[runs], added year by year."""
    factors = discount_factors(years, rate)
    total = np.zeros(flows.shape[0])
    for t in range(flows.shape[1]):
        total += factors[t] * flows[:, t]
    return total


def person_years(stock: Floats) -> Floats:
    """Person-years lived in each year between two 1 Januaries: float64[runs, years + 1] to float64[runs, years]."""
    lived: Floats = 0.5 * (stock[:, :-1] + stock[:, 1:])
    return lived


def fieller(cost: Floats, effect: Floats, level: float = 0.95) -> Interval | None:
    """Fieller's interval of mean cost / mean effect from paired values, float64[runs] each.

    None where it is unbounded: the interval of the mean effect includes zero, or there are fewer than two runs.
    """
    runs = len(cost)
    if runs < 2:
        return None
    t = student(runs, level)
    mean_cost, mean_effect = mean_interval(cost)[0], mean_interval(effect)[0]
    centred_cost, centred_effect = cost - mean_cost, effect - mean_effect
    scale = 1.0 / (runs * (runs - 1.0))
    v_cc = scale * float(centred_cost @ centred_cost)
    v_ee = scale * float(centred_effect @ centred_effect)
    v_ce = scale * float(centred_cost @ centred_effect)
    if mean_effect == 0.0 or t * t * v_ee >= mean_effect * mean_effect:
        return None
    # Roots of (c - r e)^2 = t^2 (v_cc - 2 r v_ce + r^2 v_ee) in r
    a = mean_effect**2 - t * t * v_ee
    b = mean_cost * mean_effect - t * t * v_ce
    c = mean_cost**2 - t * t * v_cc
    root = math.sqrt(max(0.0, b * b - a * c))
    return ((b - root) / a, (b + root) / a)


@dataclass(frozen=True)
class Ratio:
    """Cost per unit of effect.

    Attributes:
        expected: mean cost / mean effect, with `of_expected`, its 95 % Fieller interval; NaN and None where undefined.
        median, half, most: of the ratio run by run with its central 50 and 90 %; NaN and None where undefined.
        reason: why something is undefined, "" where all is defined.
    """

    expected: float
    of_expected: Interval | None
    median: float
    half: Interval | None
    most: Interval | None
    reason: str


def cost_ratio(cost: Floats, effect: Floats) -> Ratio:
    """Cost per unit of effect from paired differences, float64[runs] each.

    Run by run, ratios are ordered by the angle of (effect, cost): from a cheap gain over a dear one to a cost
    without gain, so that a run with no or a negative gain stands beyond every price. A saving has no price.
    """
    mean_cost, (mean_effect, of_effect) = mean_interval(cost)[0], mean_interval(effect)
    low, quarter, middle, high = (
        float(q) for q in np.quantile(effect, (0.05, 0.25, 0.5, 0.95), method="lower")
    )
    if not np.any(effect):
        return _undefined("no effect in any run")
    if mean_cost < 0.0:
        return _undefined("saves money")
    if excludes_zero(of_effect) and mean_effect < 0.0:
        return _undefined("a loss, not a gain")
    expected, bounds, reason = math.nan, None, ""
    if excludes_zero(of_effect):
        expected, bounds = mean_cost / mean_effect, fieller(cost, effect)
        if low <= 0.0:
            reason = f"over runs: gain {_shown((low, high))} includes 0"
    else:
        reason = f"mean gain {_shown(of_effect)} includes 0"
    ratio = np.divide(cost, effect, out=np.full(len(cost), math.inf), where=effect > 0.0)
    five, first, median, third, last = (
        float(q) for q in np.quantile(ratio, (0.05, 0.25, 0.5, 0.75, 0.95), method="higher")
    )
    return Ratio(
        expected,
        bounds,
        median if middle > 0.0 else math.nan,
        (first, third) if quarter > 0.0 else None,
        (five, last) if low > 0.0 else None,
        reason,
    )


def _undefined(reason: str) -> Ratio:
    return Ratio(math.nan, None, math.nan, None, None, reason)


def _shown(interval: Interval) -> str:
    return f"{interval[0]:+.3g} to {interval[1]:+.3g}"
