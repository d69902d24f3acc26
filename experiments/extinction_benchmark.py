"""The benchmark of population viability analysis: a drifted Wiener process of log counts, fitted to what was observed.

Dennis, Munholland & Scott 1991 (Ecological Monographs 61:115): the logarithm of a count drifts with mu a year and
diffuses with sigma^2 a year; both are estimated from the observed counts alone. It knows nothing of ages, jobs or
policies. Draws take the uncertainty of drift and spread along; the process is looked at on each 1 January, as the
runs are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from calibration.naive_series import FEWEST, Panel, bounded_exp, drift
from experiments.extinction_ladder import OF_START
from experiments.forecast_summaries import official
from experiments.survival import Flags
from model.world import World

Floats = NDArray[np.float64]
DRAWS: Final = 4000
NINETY: Final = (0.05, 0.95)
CALMER: Final = 0.8  # below this share of the observed spread of yearly growth, the runs are called calmer


@dataclass(frozen=True, eq=False)
class Wiener:
    """A drifted Wiener process fitted to the counts of one place, and what it foretells.

    Attributes:
        place: id. first, last: years of the first and the last count. changes: yearly changes of log counts.
        drift, spread: mu and sigma of log counts a year.
        years: int64[T] 1 Januaries from the start of the runs to the horizon.
        population: float64[draws, T]; counts where there are any, draws of the process after the last one.
    """

    place: str
    first: int
    last: int
    changes: int
    drift: float
    spread: float
    years: NDArray[np.int64]
    population: Floats

    def below(self, persons: float) -> Flags:
        """Whether each draw is below a number of persons on each 1 January, bool[draws, T]."""
        return np.asarray(self.population < persons)

    def chance(self, persons: float) -> float:
        """Probability to be below on some 1 January after the start."""
        return float(self.below(persons)[:, 1:].any(axis=1).mean())

    @property
    def drift_share(self) -> float:
        """Share of the variance of the log count at the horizon that is uncertainty of the drift."""
        ahead = int(self.years[-1]) - self.last
        span = self.last - self.first
        return ahead / (ahead + span) if ahead > 0 else 0.0


def fit_wiener(world: World, place: int, horizon: int, seed: int) -> Wiener | None:
    """Fit the process to the official counts of a place since 2009 and draw it to the horizon.

    Returns:
        None where fewer than three positive counts are known, or none in the year of the start.
    """
    counts = {year: count for year, count in official(world, place, "population_1jan").items() if count > 0}
    years = sorted(counts)
    if len(years) < FEWEST or world.start not in counts or years[-1] >= horizon:
        return None
    logs = np.log(np.array([[counts[year]] for year in years]))
    targets = np.arange(years[-1] + 1, horizon + 1, dtype=np.float64)
    panel = Panel(np.array(years, dtype=np.float64), logs, targets, np.ones(1))
    generator = np.random.default_rng([seed, crc32(f"drifted Wiener/{world.ids[place]}".encode())])
    ahead = bounded_exp(drift(panel, DRAWS, generator)[:, :, 0], logs[-1])
    known = [counts.get(year, math.nan) for year in range(world.start, years[-1] + 1)]
    past = np.broadcast_to(np.array(known), (DRAWS, len(known)))
    steps, changes = np.diff(panel.times), np.diff(logs[:, 0])
    mu = float(changes.sum() / steps.sum())
    spread = math.sqrt(float(((changes - mu * steps) ** 2 / steps).sum()) / (len(steps) - 1))
    return Wiener(
        world.ids[place],
        years[0],
        years[-1],
        len(changes),
        mu,
        spread,
        np.arange(world.start, horizon + 1),
        np.concatenate((past, ahead), axis=1),
    )


def passage_probability(distance: float, mu: float, sigma: float, time: float) -> float:
    """Probability that a Wiener process has fallen by `distance` at some moment up to `time`.

    Inverse Gaussian first passage (Dennis et al. 1991, equation 16; Cox & Miller 1965).

    Raises:
        ValueError: sigma or time is not positive.
    """
    if sigma <= 0.0 or time <= 0.0:
        raise ValueError(f"sigma = {sigma:g}, time = {time:g}: expected positive numbers")
    if distance <= 0.0:
        return 1.0
    spread = sigma * math.sqrt(time)
    direct = float(ndtr((-distance - mu * time) / spread))
    mirrored = float(ndtr((-distance + mu * time) / spread))
    return min(1.0, direct + math.exp(min(700.0, -2.0 * mu * distance / sigma**2)) * mirrored)


@dataclass(frozen=True)
class BenchmarkLine:
    """The model beside the benchmark in one place.

    Attributes:
        place: id. model, benchmark: 90 % intervals of the population at the horizon. model_median,
            benchmark_median: medians. ratio: width of the model's interval over the benchmark's, of logarithms.
        reason: why the model is the tighter one; empty where it is not.
    """

    place: str
    model: tuple[float, float]
    benchmark: tuple[float, float]
    model_median: float
    benchmark_median: float
    ratio: float
    reason: str


def yearly_spread(population: Floats) -> float:
    """Median over runs of the sd of yearly log growth around a run's own mean, of float64[runs, years]."""
    growth = np.diff(np.log(np.maximum(population, 1.0)), axis=1)
    if growth.shape[1] < 2:
        return math.nan
    return float(np.median(growth.std(axis=1, ddof=1)))


def compare_with_benchmark(wiener: Wiener, population: Floats) -> BenchmarkLine:
    """Compare the runs of a place, float64[runs, years], with the benchmark at the horizon."""
    ends = np.log(np.maximum(population[:, -1], 1.0))
    naive = np.log(np.maximum(wiener.population[:, -1], 1.0))
    ours, theirs = np.quantile(ends, NINETY), np.quantile(naive, NINETY)
    width, yardstick = float(ours[1] - ours[0]), float(theirs[1] - theirs[0])
    ratio = width / yardstick if yardstick > 0.0 else math.inf
    return BenchmarkLine(
        wiener.place,
        (float(np.exp(ours[0])), float(np.exp(ours[1]))),
        (float(np.exp(theirs[0])), float(np.exp(theirs[1]))),
        float(np.median(population[:, -1])),
        float(np.median(wiener.population[:, -1])),
        ratio,
        _reason(wiener, population, ratio) if ratio < 1.0 else "",
    )


def _reason(wiener: Wiener, population: Floats, ratio: float) -> str:
    """Why the runs spread less than the benchmark, from what can be computed of both."""
    share = wiener.drift_share
    own = yearly_spread(population[:, int(wiener.last) - int(wiener.years[0]) :])
    reasons = []
    if ratio >= math.sqrt(1.0 - share):
        reasons.append(
            f"the benchmark has its drift from {wiener.changes} yearly changes only ({100 * share:.0f} % of its "
            "variance), the model from births, deaths and moves"
        )
    else:
        reasons.append(
            f"tighter even than the benchmark with its drift known ({100 * share:.0f} % of its variance is the drift)"
        )
    if own < CALMER * wiener.spread:
        reasons.append(
            f"yearly growth within a run varies by {100 * own:.2f} % against {100 * wiener.spread:.2f} % observed: "
            "read the model's interval as too tight by that"
        )
    return "; ".join(reasons)


def threshold_persons(figure: str, threshold: float, start: float) -> float | None:
    """A rung in persons, or None where it looks at something that the benchmark does not know."""
    if figure == "population":
        return threshold
    return threshold * start if figure == OF_START else None


def expected_below(wieners: Mapping[str, Wiener], persons: Mapping[str, float]) -> Floats:
    """Expected number of places below their thresholds on each 1 January, float64[T], under the benchmark."""
    shares = [
        wieners[place].below(limit).mean(axis=0) for place, limit in persons.items() if place in wieners
    ]
    return np.asarray(np.sum(shares, axis=0, dtype=np.float64))
