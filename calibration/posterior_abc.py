"""A second, independent way to the posterior: semi-automatic approximate Bayesian computation on real runs.

It assumes neither normal errors nor an emulated likelihood. For each parameter the record is reduced to a
regression estimate of that parameter (Fearnhead & Prangle 2012); of many synthetic records those are kept whose
estimate is nearest to the observed one, and what is left of the distance is regressed out (Beaumont et al. 2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.emulator import is_emulated
from calibration.observation import ObservationModel
from calibration.posterior import whole_seed
from calibration.posterior_inputs import Floats

REPLICATES: Final = 10  # records with errors per run
KEPT: Final = 0.05  # of the synthetic records
RIDGE: Final = 1e-2
RECORD: Final = 31  # purpose of generators
LARGEST: Final = 6.0  # standard deviations of a record's figure: heavy tails would rule the regression


@dataclass(frozen=True, eq=False)
class AbcMarginals:
    """Marginal posteriors of p parameters as normal scores: mean and standard deviation, float64[p] each."""

    mean: Floats
    sd: Floats


def abc_marginals(observation: ObservationModel, z: Floats, records: Floats, seed: int) -> AbcMarginals:
    """Return marginal posteriors from runs that cover the prior where it is not ruled out.

    Shapes: z [n, p], records [n, figures]. The runs stand for the prior: what history matching has ruled out
    has no posterior weight.
    """
    used = np.array([is_emulated(one) for one in observation.figures])
    drawn = np.concatenate(
        [observation.draw(records, whole_seed(seed, RECORD + k))[:, used] for k in range(REPLICATES)]
    )
    truth = np.tile(z, (REPLICATES, 1))
    middle, spread = np.median(drawn, axis=0), drawn.std(axis=0)
    y = np.clip((drawn - middle) / spread, -LARGEST, LARGEST)
    observed = np.clip((observation.observed[used] - middle) / spread, -LARGEST, LARGEST)
    basis = np.concatenate([np.ones((len(y), 1)), y, y**2 - 1.0], axis=1)
    target = np.concatenate([[1.0], observed, observed**2 - 1.0])
    penalty = RIDGE * len(basis) * np.mean(basis**2, axis=0)
    penalty[0] = 0.0
    weights = np.linalg.solve(basis.T @ basis + np.diag(penalty), basis.T @ truth)
    statistics, reached = basis @ weights, target @ weights
    pairs = [_adjusted(truth[:, k], statistics[:, k], float(reached[k])) for k in range(z.shape[1])]
    return AbcMarginals(np.array([mean for mean, _ in pairs]), np.array([sd for _, sd in pairs]))


def _adjusted(truth: Floats, statistic: Floats, reached: float) -> tuple[float, float]:
    """Return mean and standard deviation of a parameter given its statistic, by local linear regression."""
    distance = np.abs(statistic - reached)
    width = float(np.quantile(distance, KEPT))
    near = distance < max(width, 1e-300)
    kernel = 1.0 - (distance[near] / width) ** 2  # Epanechnikov
    x, y = statistic[near] - reached, truth[near]
    total = kernel.sum()
    x_mean, y_mean = (kernel * x).sum() / total, (kernel * y).sum() / total
    slope = (kernel * (x - x_mean) * (y - y_mean)).sum() / max((kernel * (x - x_mean) ** 2).sum(), 1e-300)
    adjusted = y - slope * x
    mean = (kernel * adjusted).sum() / total
    return float(mean), float(np.sqrt((kernel * (adjusted - mean) ** 2).sum() / total))
