"""Transitions of villages from one census to the next: growth by size, and how far villages scatter around it.

Mean log growth a year is a + b (ln n - ln 300); its variance over T years is (v0 + v1 / n) / T, as of a random walk
whose steps are smaller in larger villages (docs/villages.md). What is left over, in units of that scatter, has a
skewness: villages that a closed farm has tipped make its lower tail long. The same fit is applied to censuses and to
simulated villages, so that parameters are compared through equal eyes (indirect inference, Gourieroux et al. 1993).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from model.csv_tables import Files
from model.problems import Problems
from model.village_sites import read_sample

CENTRE = math.log(300.0)
LEAST_PEOPLE = 60  # of a village that enters a fit: the sample has but one smaller village that survived
SMALL, LARGE = 150.0, 1000.0  # people of the villages whose scatter is compared
BOOTSTRAPS = 400
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Transitions:
    """People before and after `years` years, float64[villages]; 0 after means that nobody was left."""

    before: Floats
    after: Floats
    years: int

    def of(self, kept: NDArray[np.bool_]) -> Transitions:
        """The villages marked, bool[villages]."""
        return Transitions(self.before[kept], self.after[kept], self.years)

    def survivors(self) -> Transitions:
        """Villages large enough for a fit that were not empty at the end."""
        return self.of((self.before >= LEAST_PEOPLE) & (self.after > 0))

    def growth(self) -> Floats:
        """Mean log growth a year (survivors only)."""
        return np.log(self.after / self.before) / self.years


@dataclass(frozen=True)
class Fit:
    """Growth a year of a village of 300, its slope on ln n, yearly variance of small and large villages, skewness."""

    level: float
    slope: float
    small: float
    large: float
    skewness: float

    def moments(self) -> Floats:
        """Slope, the logs of the two standard deviations and the skewness: what identifies the heterogeneity."""
        return np.array([self.slope, 0.5 * math.log(self.small), 0.5 * math.log(self.large), self.skewness])

    @property
    def v1(self) -> float:
        """Part of the variance that falls with size."""
        return (self.small - self.large) / (1.0 / SMALL - 1.0 / LARGE)

    @property
    def v0(self) -> float:
        """Part of the variance that all villages share."""
        return self.large - self.v1 / LARGE


def fit_transitions(transitions: Transitions) -> Fit:
    """Maximum likelihood of level, slope, v0 and v1 (all villages of the survivors).

    Raises:
        ValueError: fewer than eight villages.
    """
    alive = transitions.survivors()
    if len(alive.before) < 8:
        raise ValueError(f"{len(alive.before)} villages are too few for a fit")
    x, y = np.log(alive.before) - CENTRE, alive.growth()
    design = np.column_stack([np.ones_like(x), x])

    def weighted(theta: Floats) -> tuple[Floats, Floats, float]:
        variance = (math.exp(theta[0]) + math.exp(theta[1]) / alive.before) / alive.years
        root = 1.0 / np.sqrt(variance)
        beta = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
        error = y - design @ beta
        loss = 0.5 * float((np.log(variance) + error * error / variance).sum())
        # A wall far from the data keeps the search finite where one part of the variance is nil
        return beta, variance, loss + 1e-3 * float(((theta - START) ** 2).sum())

    search: Any = minimize
    found = search(lambda theta: weighted(theta)[2], START, method="Nelder-Mead", options={"xatol": 1e-4})
    beta, variance, _ = weighted(found.x)
    v0, v1 = math.exp(found.x[0]), math.exp(found.x[1])
    return Fit(
        float(beta[0]), float(beta[1]), v0 + v1 / SMALL, v0 + v1 / LARGE,
        _skewness((y - design @ beta) / np.sqrt(variance)),
    )  # fmt: skip


def _skewness(values: Floats) -> float:
    """Third central moment over the cube of the standard deviation."""
    centred = values - values.mean()
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


START = np.array([math.log(0.003), math.log(1.0)])


def census_transitions(first: int, last: int) -> Transitions:
    """Villages of the sample that both censuses name and that had people in the first, by district and name.

    Raises:
        WorldError: the sample's file is damaged.
    """
    return census_by_district(first, last)[0]


def census_by_district(first: int, last: int) -> tuple[Transitions, tuple[str, ...]]:
    """As `census_transitions`, with the district of each village."""
    problems = Problems("census sample")
    sample = read_sample(Files(problems))
    problems.raise_if_any()
    kept = [
        (district, people[first], people[last])
        for (district, _), people in sorted(sample.items())
        if people.get(first, 0) > 0 and last in people
    ]
    districts, before, after = zip(*kept, strict=True)
    first_count, last_count = (np.array(side, dtype=np.float64) for side in (before, after))
    return Transitions(first_count, last_count, last - first), districts


def bootstrap_moments(transitions: Transitions, seed: int, times: int = BOOTSTRAPS) -> Floats:
    """Moments of resampled villages, float64[times, 4]."""
    chance = np.random.default_rng(seed)
    alive = transitions.survivors()
    out = []
    for _ in range(times):
        rows = chance.integers(0, len(alive.before), len(alive.before))
        out.append(fit_transitions(Transitions(alive.before[rows], alive.after[rows], alive.years)).moments())
    return np.array(out)


DATA = Path(__file__).resolve().parent / "data" / "villages"
