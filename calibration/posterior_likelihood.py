"""The synthetic likelihood of the observed figures: emulated mean and scatter, plus all errors of the record.

Places are independent given the parameters and a few common factors of their scatter, latent coordinates with a
standard normal prior. Heavy-tailed figures are normal given a latent precision, one more
coordinate each with a standard normal prior: Student t = N(0, s^2 df / chi2_df), so that their errors combine with the
correlated scatter of the runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr

from calibration.emulator import PlaceEmulator
from calibration.observation import ObservationModel
from calibration.posterior_inputs import Floats
from model.compiled import kernel

LARGEST_WEIGHT: Final = 1e6
LOG_TWO_PI: Final = math.log(2.0 * math.pi)


@dataclass(frozen=True, eq=False)
class PlaceErrors:
    """Errors of the record of a place's k fitted figures.

    Attributes:
        shared: float64[k, k] covariance of own and level errors. own: float64[k] own variances.
        coverage: float64[k] standard deviation of the coverage over its mean, 0 where all is recorded.
        heavy: positions of heavy-tailed figures. degrees: their degrees of freedom.
        latent: number of the latent coordinate of each.
    """

    shared: Floats
    own: Floats
    coverage: Floats
    heavy: NDArray[np.int64]
    degrees: Floats
    latent: NDArray[np.int64]


class SyntheticLikelihood:
    """Log likelihood of the fitted figures over x = (calibrated z, common factors, precisions of heavy tails).

    Args:
        series: only these series (None: all).
    """

    def __init__(
        self,
        observation: ObservationModel,
        emulators: Sequence[PlaceEmulator],
        size: int,
        series: frozenset[str] | None = None,
    ) -> None:
        self.observation, self.size = observation, size
        self.factors = max((one.loadings.shape[1] for one in emulators), default=0)
        self.latents = self.factors
        self._kept: list[NDArray[np.int64]] = []
        self._errors: list[PlaceErrors] = []
        self._emulators = [one for one in emulators if len(_positions(observation, one, series))]
        for one in self._emulators:
            kept = _positions(observation, one, series)
            errors = _errors_of(observation, one.figures[kept], self.latents)
            self.latents += len(errors.heavy)
            self._kept.append(kept)
            self._errors.append(errors)

    @property
    def dimension(self) -> int:
        """Number of coordinates: calibrated parameters and latents."""
        return self.size + self.latents

    def __call__(self, x: Floats, observed: Floats | None = None) -> Floats:
        """Return the log likelihood of x [n, dimension], float64[n]; ``observed`` stands in for the real record."""
        record = self.observation.observed if observed is None else observed
        z = x[:, : self.size]
        total = np.zeros(len(x))
        for one, kept, errors in zip(self._emulators, self._kept, self._errors, strict=True):
            means, scales = one.mean(z)[:, kept], one.scale(z)[:, kept]
            covered = means * errors.coverage
            means = means + scales * (x[:, self.size : self.size + self.factors] @ one.loadings[kept].T)
            extra = np.zeros_like(means)
            for position, degrees, latent in zip(errors.heavy, errors.degrees, errors.latent, strict=True):
                share = ndtr(-x[:, self.size + latent])
                chi = np.maximum(chdtri(degrees, np.clip(share, 1e-15, 1.0)), degrees / LARGEST_WEIGHT)
                extra[:, position] = errors.own[position] * (degrees / chi - 1.0)
            correlation = one.correlation[np.ix_(kept, kept)]
            total += normal_densities(
                record[one.figures[kept]], means, scales, np.ascontiguousarray(correlation),
                errors.shared, covered, extra,
            )  # fmt: skip
        return total


def _positions(
    observation: ObservationModel, emulator: PlaceEmulator, series: frozenset[str] | None
) -> NDArray[np.int64]:
    return np.array(
        [k for k, number in enumerate(emulator.figures)
         if series is None or observation.figures[number].series in series], np.int64
    )  # fmt: skip


def _errors_of(observation: ObservationModel, numbers: NDArray[np.int64], first: int) -> PlaceErrors:
    figures = [observation.figures[number] for number in numbers]
    own = observation.variance()[numbers]
    level = np.array([one.level_sd for one in figures])
    same = np.array([[one.series == other.series for other in figures] for one in figures])
    heavy = np.array([k for k, one in enumerate(figures) if np.isfinite(one.degrees)], np.int64)
    return PlaceErrors(
        np.diag(own) + np.where(same, level[:, None] * level[None, :], 0.0),
        own,
        np.array([one.coverage_sd / one.coverage for one in figures]),
        heavy,
        np.array([figures[k].degrees for k in heavy]),
        first + np.arange(len(heavy)),
    )


@kernel
def normal_densities(
    observed: Floats,
    means: Floats,
    scales: Floats,
    correlation: Floats,
    shared: Floats,
    covered: Floats,
    extra: Floats,
) -> Floats:
    """Log densities of one observed vector [k] under n normal laws, float64[n].

    Covariance: scales x correlation x scales + shared + covered covered' + diag(extra), by Cholesky.
    """
    n, k = means.shape
    result = np.empty(n)
    a = np.empty((k, k))
    column = np.empty(k)
    solved = np.empty(k)
    for run in range(n):
        for i in range(k):
            for j in range(i + 1):
                a[i, j] = (
                    scales[run, i] * scales[run, j] * correlation[i, j]
                    + shared[i, j]
                    + covered[run, i] * covered[run, j]
                )
            a[i, i] += extra[run, i]
            solved[i] = observed[i] - means[run, i]
        log_det, quadratic, ok = 0.0, 0.0, True
        for j in range(k):
            pivot = a[j, j]
            if not pivot > 0.0:
                ok = False
                break
            log_det += math.log(pivot)
            root = math.sqrt(pivot)
            value = solved[j] / root
            quadratic += value * value
            for i in range(j + 1, k):
                column[i] = a[i, j] / root
                solved[i] -= column[i] * value
            for i in range(j + 1, k):
                factor = column[i]
                for other in range(j + 1, i + 1):
                    a[i, other] -= factor * column[other]
        result[run] = -0.5 * (quadratic + log_det + k * LOG_TWO_PI) if ok else -np.inf
    return result
