"""Naive forecasters of yearly series, each with a predictive distribution.

A panel holds one series of several places. Each place has its own level and slope; the spread around them is
pooled over the places in units of each place's scale, because four years of one town say next to nothing about
a spread. Draws take the uncertainty of spread, level and slope along (the textbook Student t intervals) and are
paths: the years of one draw belong together. Hyndman & Athanasopoulos 2021, Forecasting, section 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEWEST: Final = 3
SMALLEST_SPREAD: Final = 1e-6
LARGEST_FACTOR: Final = math.log(10.0)


class NotAvailable(ValueError):
    """A forecaster needs what the fold does not hold; the message says what."""


@dataclass(frozen=True, eq=False)
class Panel:
    """Known values of one series in several places.

    Attributes:
        times: float64[n] of the known values in the order in which they lead to the targets: ascending for
            a forecast; for a back-cast years counted backwards.
        values: float64[n, places].
        targets: float64[h] times to forecast, all after the last known one.
        scale: float64[places] size of the errors relative to each other: population for net migration and
            counts, its square root for births and deaths, the level for wages.
    """

    times: Floats
    values: Floats
    targets: Floats
    scale: Floats

    def __post_init__(self) -> None:
        """Check shapes, order and length; raises NotAvailable or ValueError."""
        if len(self.times) < FEWEST:
            raise NotAvailable(f"{len(self.times)} known years, needs {FEWEST}")
        if self.values.shape != (len(self.times), len(self.scale)):
            raise ValueError(
                f"values {self.values.shape} of {len(self.times)} times, {len(self.scale)} places"
            )
        if not (np.diff(self.times) > 0).all() or self.targets.min() <= self.times[-1]:
            raise ValueError("times must ascend and targets come after them")


Forecaster = Callable[[Panel, int, np.random.Generator], Floats]


def _spreads(
    squares: Floats, freedom: int, scale: Floats, draws: int, generator: np.random.Generator
) -> Floats:
    """Return standard deviations float64[draws, places] drawn given a pooled sum of squares in units of scale."""
    chi = generator.chisquare(freedom, draws)
    pooled = np.sqrt(max(float(squares.sum()), SMALLEST_SPREAD**2) / chi)
    return np.asarray(pooled[:, None] * scale[None, :])


def last_value(panel: Panel, draws: int, generator: np.random.Generator) -> Floats:
    """Random walk without drift: the last value, float64[draws, h, places]."""
    return _walk(panel, draws, generator, with_drift=False)


def drift(panel: Panel, draws: int, generator: np.random.Generator) -> Floats:
    """Random walk with the mean change of the known years as drift, float64[draws, h, places]."""
    return _walk(panel, draws, generator, with_drift=True)


def _walk(panel: Panel, draws: int, generator: np.random.Generator, with_drift: bool) -> Floats:
    steps = np.diff(panel.times)
    changes = np.diff(panel.values, axis=0)
    span = panel.times[-1] - panel.times[0]
    slope = changes.sum(axis=0) / span if with_drift else np.zeros(len(panel.scale))
    squares = (changes - slope * steps[:, None]) ** 2 / steps[:, None] / panel.scale**2
    freedom = len(panel.scale) * (len(steps) - with_drift)
    sd = _spreads(squares, freedom, panel.scale, draws, generator)
    ahead = np.diff(np.concatenate([panel.times[-1:], panel.targets]))
    noise = generator.standard_normal((draws, len(ahead), len(panel.scale)))
    paths = np.cumsum(noise * np.sqrt(ahead)[None, :, None], axis=1) * sd[:, None, :]
    slopes = np.broadcast_to(slope, sd.shape)
    if with_drift:
        slopes = slope + sd / np.sqrt(span) * generator.standard_normal(sd.shape)
    distance = (panel.targets - panel.times[-1])[None, :, None]
    return np.asarray(panel.values[-1] + slopes[:, None, :] * distance + paths)


def mean(panel: Panel, draws: int, generator: np.random.Generator) -> Floats:
    """Mean of the known years, years independent, float64[draws, h, places]."""
    return _regression(
        panel, draws, generator, np.ones((len(panel.times), 1)), np.ones((len(panel.targets), 1))
    )


def linear(panel: Panel, draws: int, generator: np.random.Generator) -> Floats:
    """Straight line through the known years by least squares, float64[draws, h, places]."""
    centre = panel.times.mean()
    known = np.stack([np.ones(len(panel.times)), panel.times - centre], axis=1)
    ahead = np.stack([np.ones(len(panel.targets)), panel.targets - centre], axis=1)
    return _regression(panel, draws, generator, known, ahead)


def _regression(
    panel: Panel, draws: int, generator: np.random.Generator, known: Floats, ahead: Floats
) -> Floats:
    """Least squares with columns orthogonal over the known years; coefficients and errors drawn."""
    squared = (known**2).sum(axis=0)
    coefficients = (known.T @ panel.values) / squared[:, None]
    squares = ((panel.values - known @ coefficients) / panel.scale) ** 2
    freedom = len(panel.scale) * (len(panel.times) - known.shape[1])
    sd = _spreads(squares, freedom, panel.scale, draws, generator)
    shape = (draws, known.shape[1], len(panel.scale))
    wobble = generator.standard_normal(shape) / np.sqrt(squared)[None, :, None] * sd[:, None, :]
    noise = generator.standard_normal((draws, len(panel.targets), len(panel.scale))) * sd[:, None, :]
    return np.asarray(np.einsum("hk,dkp->dhp", ahead, coefficients + wobble) + noise)


def log_drift(panel: Panel, draws: int, generator: np.random.Generator) -> Floats:
    """Random walk of logarithms with drift: constant growth, float64[draws, h, places].

    Raises:
        NotAvailable: a known value is not positive.
    """
    if not (panel.values > 0).all():
        raise NotAvailable("a known value is not positive")
    level = panel.values.mean(axis=0)
    logs = Panel(panel.times, np.log(panel.values), panel.targets, panel.scale / level)
    return bounded_exp(drift(logs, draws, generator), logs.values[-1])


def bounded_exp(logs: Floats, centre: Floats) -> Floats:
    """Return exponentials of draws within a tenth to ten times exp(centre).

    The exponential of a Student t has no mean: without the bound one draw could decide a score.
    """
    return np.asarray(np.exp(np.clip(logs, centre - LARGEST_FACTOR, centre + LARGEST_FACTOR)))


def regional_ratio(panel: Panel, region_known: Floats, region_ahead: Floats, draws: int,
                   generator: np.random.Generator) -> Floats:  # fmt: skip
    """Mean log ratio to the region's value times the region's value of the target year, float64[draws, h, places].

    Args:
        panel: values of the places. region_known, region_ahead: float64[n], float64[h] of the region.

    Raises:
        NotAvailable: a value is not positive.
    """
    if not ((panel.values > 0).all() and (region_known > 0).all() and (region_ahead > 0).all()):
        raise NotAvailable("a value is not positive")
    ratios = np.log(panel.values / region_known[:, None])
    drawn = mean(Panel(panel.times, ratios, panel.targets, np.ones(len(panel.scale))), draws, generator)
    return np.asarray(region_ahead[None, :, None] * bounded_exp(drawn, ratios[-1]))


SERIES_FORECASTERS: Final[dict[str, Forecaster]] = {
    "last value": last_value,
    "mean": mean,
    "drift": drift,
    "linear": linear,
    "log-drift": log_drift,
}
