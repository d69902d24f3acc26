"""A tempered particle sampler for a smooth likelihood under a standard normal prior.

Sequential Monte Carlo (Del Moral, Doucet & Jasra 2006): the likelihood enters by steps small enough to keep half
of the particles' weight; after each step particles are resampled and moved by preconditioned Crank-Nicolson
steps around a normal law fitted to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.posterior_inputs import Floats

KEPT_WEIGHT: Final = 0.5  # of the particles, after each step of the likelihood's exponent
MOVES: Final = 4
LAST_MOVES: Final = 12
INFLATION: Final = 1.15  # of the fitted covariance: proposals must reach the tails
HIGHEST_ACCEPTANCE, LOWEST_ACCEPTANCE = 0.45, 0.20
LARGEST_EXPONENT: Final = 700.0


@dataclass(frozen=True, eq=False)
class Sample:
    """Particles of the posterior, equally weighted.

    Attributes:
        x: float64[n, d]. log_likelihood: float64[n]. exponents: of the likelihood after each step, the last is 1.
        acceptance: of the moves after each step. log_evidence: of the whole likelihood.
        correlation: float64[d] of each coordinate before and after the last moves; small means well mixed.
    """

    x: Floats
    log_likelihood: Floats
    exponents: tuple[float, ...]
    acceptance: tuple[float, ...]
    log_evidence: float
    correlation: Floats


def sample(
    log_likelihood: Callable[[Floats], Floats],
    dimension: int,
    particles: int,
    seed: tuple[int, ...],
    power: float = 1.0,
) -> Sample:
    """Sample prior x likelihood^power.

    Args:
        log_likelihood: of x [n, d], float64[n]. seed: the same seed gives the same particles.
    """
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((particles, dimension))
    level = log_likelihood(x)
    exponent, evidence, step = 0.0, 0.0, 0.6
    exponents, acceptance = [], []
    mixing = np.ones(dimension)
    while exponent < power:
        following = _next_exponent(level, exponent, power)
        weights, increment = _weights((following - exponent) * level)
        evidence += increment
        exponent = following
        reference = _fit(x, weights)
        chosen = _systematic(weights, generator)
        x, level = x[chosen], level[chosen]
        before = x.copy()
        moves = MOVES if exponent < power else LAST_MOVES
        rates = []
        for _ in range(moves):
            x, level, rate = _move(x, level, log_likelihood, exponent, reference, step, generator)
            rates.append(rate)
            if rate > HIGHEST_ACCEPTANCE:
                step = min(1.0, step * 1.25)
            elif rate < LOWEST_ACCEPTANCE:
                step = max(0.05, step / 1.4)
        exponents.append(exponent)
        acceptance.append(float(np.mean(rates)))
        mixing = _column_correlation(before, x)
    return Sample(x, level, tuple(exponents), tuple(acceptance), evidence, mixing)


def _next_exponent(level: Floats, exponent: float, power: float) -> float:
    """Return the largest exponent up to ``power`` that keeps the wanted share of weight, by bisection."""

    def kept(candidate: float) -> float:
        weights, _ = _weights((candidate - exponent) * level)
        return float(1.0 / np.sum(weights**2) / len(weights))

    if kept(power) >= KEPT_WEIGHT:
        return power
    low, high = exponent, power
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if kept(middle) >= KEPT_WEIGHT else (low, middle)
    return max(low, exponent + 1e-9)


def _weights(log_weights: Floats) -> tuple[Floats, float]:
    top = float(np.max(log_weights))
    weights = np.exp(np.maximum(log_weights - top, -LARGEST_EXPONENT))
    total = float(weights.sum())
    return weights / total, top + float(np.log(total / len(weights)))


def _fit(x: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return mean and lower Cholesky factor of the weighted particles, inflated and kept from degenerating."""
    mean = weights @ x
    centred = x - mean
    covariance = INFLATION * (centred.T * weights) @ centred
    count = 1.0 / float(np.sum(weights**2))
    shrink = min(0.5, x.shape[1] / (x.shape[1] + count))
    covariance = (1.0 - shrink) * covariance + shrink * np.diag(np.diag(covariance))
    return mean, np.linalg.cholesky(covariance + 1e-9 * np.eye(x.shape[1]))


def _systematic(weights: Floats, generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the indices of systematic resampling."""
    count = len(weights)
    points = (np.arange(count) + generator.random()) / count
    return np.minimum(np.searchsorted(np.cumsum(weights), points), count - 1)


def _move(
    x: Floats,
    level: Floats,
    log_likelihood: Callable[[Floats], Floats],
    exponent: float,
    reference: tuple[Floats, Floats],
    step: float,
    generator: np.random.Generator,
) -> tuple[Floats, Floats, float]:
    """One preconditioned Crank-Nicolson step, which leaves the fitted normal law invariant."""
    mean, factor = reference
    keep = np.sqrt(1.0 - step**2)
    proposal = mean + keep * (x - mean) + step * generator.standard_normal(x.shape) @ factor.T
    proposed = log_likelihood(proposal)
    current_law = exponent * level + _excess(x, mean, factor)
    proposed_law = exponent * proposed + _excess(proposal, mean, factor)
    accepted = np.log(generator.random(len(x))) < proposed_law - current_law
    return (
        np.where(accepted[:, None], proposal, x),
        np.where(accepted, proposed, level),
        float(accepted.mean()),
    )


def _excess(x: Floats, mean: Floats, factor: Floats) -> Floats:
    """Log of the standard normal prior over the fitted normal law, up to a constant."""
    standard = np.linalg.solve(factor, (x - mean).T)
    return np.asarray(0.5 * (standard**2).sum(axis=0) - 0.5 * (x**2).sum(axis=1))


def _column_correlation(first: Floats, second: Floats) -> Floats:
    a, b = first - first.mean(axis=0), second - second.mean(axis=0)
    return np.asarray((a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0) + 1e-300))
