"""Emulators of the recorded figures of a place: quadratic mean, and a scatter that depends on the parameters.

Runs scatter around the mean by chance and by the parameters that are not calibrated. That scatter is part of
the likelihood (a synthetic likelihood, Wood 2010): dispersion parameters are identified by nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.observation import FREE_LEVEL, ObservationModel
from calibration.observation_errors import Figure
from calibration.posterior_inputs import Floats, Inputs

Indices = NDArray[np.int64]
RIDGE: Final = 1e-2  # of one run's mean square: no product of coordinates is left undetermined
LEAST_T_SQUARE: Final = (
    4.0  # mean over a series' figures: weaker terms are noise that would pass for knowledge
)
SCALE_BOUND: Final = 1.6  # |ln scale / typical scale| is trusted up to here (a factor of five)
SHRINKAGE: Final = 0.02  # of the correlation of scatter towards independence
SMALLEST_SQUARE: Final = 1e-4  # of the mean square: a residual of exactly zero has no logarithm
COMMON_FACTORS: Final = 4  # of the scatter shared by places: trends of jobs, fertility, migration
FACTOR_ROUNDS: Final = 30
LEAST_OWN: Final = 0.05  # of a figure's scatter variance that no common factor explains


@dataclass(frozen=True, eq=False)
class PlaceEmulator:
    """Distribution of a place's k fitted figures given the calibrated parameters z.

    Attributes:
        place: id. figures: int64[k] indices into the figures of the observation model.
        active: int64[a] coordinates it depends on. centre: float64[a] where the features are centred.
        coefficients: float64[features, k] of the mean. log_scale: float64[1 + 2a, k] of the scatter's ln scale.
        loadings: float64[k, factors] of the standardised scatter on factors that all places share.
        correlation: float64[k, k] of the rest of the standardised scatter.
        explained: float64[k] share of the runs' variance explained by z.
    """

    place: str
    figures: Indices
    active: Indices
    centre: Floats
    coefficients: Floats
    log_scale: Floats
    loadings: Floats
    correlation: Floats
    explained: Floats

    def mean(self, z: Floats) -> Floats:
        """Return the mean of the figures at z [n, p], float64[n, k]."""
        return np.asarray(features(z[:, self.active] - self.centre) @ self.coefficients)

    def scale(self, z: Floats) -> Floats:
        """Return the standard deviation of the scatter at z [n, p], float64[n, k]."""
        curved = scale_features(z[:, self.active] - self.centre)
        trend = np.clip(curved[:, 1:] @ self.log_scale[1:], -SCALE_BOUND, SCALE_BOUND)
        return np.asarray(np.exp(self.log_scale[0] + trend))


def features(x: Floats) -> Floats:
    """Return 1, x_i, x_i^2 - 1 and x_i x_j of x [n, a], float64[n, 1 + 2a + a(a - 1)/2]."""
    first, second = np.triu_indices(x.shape[1], 1)
    return np.concatenate([np.ones((len(x), 1)), x, x**2 - 1.0, x[:, first] * x[:, second]], axis=1)


def scale_features(x: Floats) -> Floats:
    """Return 1, x_i and x_i^2 - 1 of x [n, a], float64[n, 1 + 2a]."""
    return np.concatenate([np.ones((len(x), 1)), x, x**2 - 1.0], axis=1)


def fit_emulators(
    observation: ObservationModel, inputs: Inputs, z: Floats, records: Floats
) -> tuple[PlaceEmulator, ...]:
    """Fit one emulator per place with figures to fit.

    Output per head is left out: its level is free and no calibrated parameter moves its course (its runs are
    no better explained by them than by their mean).

    Args:
        z: float64[n, p] of the runs. records: float64[n, figures] of `Runner.records`.

    Raises:
        ValueError: fewer runs than half again the features.
    """
    places = dict.fromkeys(one.place for one in observation.figures if is_emulated(one))
    fitted = [_fit_place(observation, inputs, place, z, records) for place in places]
    standard = np.concatenate([residual for _, residual in fitted], axis=1)
    ends = np.cumsum([0, *(residual.shape[1] for _, residual in fitted)])
    owner = np.repeat(np.arange(len(fitted)), np.diff(ends))
    whole = standard.T @ standard / len(standard)
    loadings = common_loadings(whole, owner)
    emulators = []
    for (one, _), first, end in zip(fitted, ends[:-1], ends[1:], strict=True):
        shared = loadings[first:end]
        own = _positive(whole[first:end, first:end] - shared @ shared.T)
        own = (1.0 - SHRINKAGE) * own + SHRINKAGE * np.diag(np.diag(own))
        emulators.append(replace(one, loadings=shared, correlation=own))
    return tuple(emulators)


def is_emulated(one: Figure) -> bool:
    """Say whether a figure takes part in the likelihood."""
    return one.role == "fit" and one.series not in FREE_LEVEL


def _fit_place(
    observation: ObservationModel, inputs: Inputs, place: str, z: Floats, records: Floats
) -> tuple[PlaceEmulator, Floats]:
    """Return mean and scale of a place (no correlation yet), and the standardised residuals [n, k]."""
    figures = np.array(
        [k for k, one in enumerate(observation.figures) if one.place == place and is_emulated(one)], np.int64
    )
    active = inputs.active(place)
    centre = z[:, active].mean(axis=0)
    x = z[:, active] - centre
    basis, y = features(x), records[:, figures]
    runs, size = basis.shape
    if runs < 1.5 * size:
        raise ValueError(f"{runs} runs for {size} features of {place}")
    groups = _series_groups(observation, figures)
    coefficients = np.zeros((size, len(figures)))
    for group in groups:
        coefficients[:, group] = selected_regression(basis, y[:, group])
    # Residuals of a regression are too small by its own degrees of freedom, and its error comes on top
    used = (coefficients != 0.0).sum(axis=0)
    residual = (y - basis @ coefficients) * np.sqrt(runs / (runs - used) * (1.0 + used / runs))
    square = residual**2
    square = np.maximum(square, SMALLEST_SQUARE * square.mean(axis=0) + 1e-300)
    curved = scale_features(x)
    log_scale = np.zeros((curved.shape[1], len(figures)))
    for group in groups:
        # One law of the scatter for all years of a series: a year alone would mostly show noise
        logs = (np.log(square[:, group]) - np.log(square[:, group]).mean(axis=0)).mean(axis=1)
        log_scale[:, group] = 0.5 * selected_regression(curved, logs[:, None])
    trend = np.clip(curved[:, 1:] @ log_scale[1:], -SCALE_BOUND, SCALE_BOUND)
    # The level from the squares themselves: their logarithms only serve the trend
    log_scale[0] = 0.5 * np.log(np.mean(residual**2 / np.exp(2.0 * trend), axis=0))
    standard = residual / np.exp(log_scale[0] + trend)
    explained = 1.0 - (residual**2).mean(axis=0) / np.maximum(y.var(axis=0), 1e-300)
    none = np.zeros((len(figures), 0))
    return PlaceEmulator(
        place, figures, active, centre, coefficients, log_scale, none, np.eye(len(figures)), explained
    ), standard


def common_loadings(correlation: Floats, owner: Indices) -> Floats:
    """Return loadings float64[k, factors] that reproduce the correlations between figures of different places.

    Principal factors in which only blocks between places count: blocks within a place are replaced by what
    the factors say of them, until that settles. One place alone has no common factor.
    """
    count = min(COMMON_FACTORS, len(owner) // 2)
    within = owner[:, None] == owner[None, :]
    if within.all():
        return np.zeros((len(owner), 0))
    reduced = np.where(within, 0.0, correlation)
    loadings = np.zeros((len(owner), count))
    for _ in range(FACTOR_ROUNDS):
        values, vectors = np.linalg.eigh(np.where(within, loadings @ loadings.T, reduced))
        loadings = vectors[:, -count:] * np.sqrt(np.maximum(values[-count:], 0.0))
        communality = (loadings**2).sum(axis=1)
        limit = np.sqrt((1.0 - LEAST_OWN) * np.diag(correlation) / np.maximum(communality, 1e-300))
        loadings *= np.minimum(1.0, limit)[:, None]
    return np.asarray(loadings)


def _positive(matrix: Floats) -> Floats:
    """Return the nearest covariance: negative eigenvalues cut off."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-6)) @ vectors.T)


def _series_groups(observation: ObservationModel, figures: Indices) -> list[Indices]:
    """Return the positions of the figures of each series."""
    names = [observation.figures[number].series for number in figures]
    return [
        np.array([k for k, one in enumerate(names) if one == name], np.int64) for name in dict.fromkeys(names)
    ]


def selected_regression(basis: Floats, y: Floats) -> Floats:
    """Return the coefficients float64[features, k] of a regression on the terms that matter, 0 elsewhere.

    A term matters where its squared t-value, averaged over the figures, exceeds `LEAST_T_SQUARE` in the
    regression on all terms; the rest is fitted again without the others. The constant always stays.
    """
    gram = basis.T @ basis + RIDGE * np.diag(np.mean(basis**2, axis=0))
    inverse = np.linalg.inv(gram)
    everything = inverse @ (basis.T @ y)
    freedom = max(1, basis.shape[0] - basis.shape[1])
    variance = ((y - basis @ everything) ** 2).sum(axis=0) / freedom
    t_square = everything**2 / np.maximum(np.diag(inverse)[:, None] * variance, 1e-300)
    chosen = t_square.mean(axis=1) > LEAST_T_SQUARE
    chosen[0] = True
    coefficients = np.zeros_like(everything)
    part = basis[:, chosen]
    coefficients[chosen] = np.linalg.solve(gram[np.ix_(chosen, chosen)], part.T @ y)
    return coefficients


def stacked_mean(emulators: Sequence[PlaceEmulator], z: Floats, size: int) -> Floats:
    """Return the means of all fitted figures, float64[n, size]; NaN where a figure is not emulated."""
    means = np.full((len(z), size), np.nan)
    for one in emulators:
        means[:, one.figures] = one.mean(z)
    return means


def stacked_scale(emulators: Sequence[PlaceEmulator], z: Floats, size: int) -> Floats:
    """Return the scatter of all fitted figures, float64[n, size]; NaN where a figure is not emulated."""
    scales = np.full((len(z), size), np.nan)
    for one in emulators:
        scales[:, one.figures] = one.scale(z)
    return scales
