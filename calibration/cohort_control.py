"""The cohort twin as control variate: means of an ensemble of the engine, adjusted by the twin's known mean.

For draw i the engine gives Y_i and the twin C_i, from the same parameters. The adjusted mean is
    Ybar - b (Cbar - E[C]),  b = Cov(Y, C) / Var(C),
with E[C] from many more draws of the twin alone, which costs milliseconds (Glasserman 2004, section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_twin import CohortPath, CohortTwin
from model.draws import run_seed
from model.levers import Levers
from model.parameters import ParameterSpace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AdjustedMean:
    """A mean over runs, plain and adjusted by the control.

    Attributes:
        plain, adjusted: means. plain_error, adjusted_error: their standard errors.
        correlation: of runs and control. reduction: variance of the plain over that of the adjusted mean.
    """

    plain: float
    adjusted: float
    plain_error: float
    adjusted_error: float
    correlation: float
    reduction: float


def adjust_mean(runs: Floats, control: Floats, control_draws: Floats) -> AdjustedMean:
    """Regression-adjusted mean of an outcome.

    Args:
        runs: float64[n] outcome of the engine's runs. control: float64[n] of the twin for the same runs.
        control_draws: float64[m] of the twin for further, independent draws; their mean stands for E[C].

    Raises:
        ValueError: fewer than four runs, or runs and control of different lengths.
    """
    n, m = len(runs), len(control_draws)
    if n < 4 or len(control) != n or m < 2:
        raise ValueError(
            f"adjust_mean: {n} runs, {len(control)} controls, {m} draws of the control; expected at least four runs, "
            "as many controls, and two draws"
        )
    plain, plain_error = float(runs.mean()), float(runs.std(ddof=1) / np.sqrt(n))
    spread = control - control.mean()
    power = float((spread**2).sum())
    if power == 0.0:
        return AdjustedMean(plain, plain, plain_error, plain_error, 0.0, 1.0)
    slope = float((spread * (runs - plain)).sum()) / power
    residual = runs - plain - slope * spread
    adjusted = plain - slope * float(control.mean() - control_draws.mean())
    # What is left of the runs' variance, and what the mean of the control itself is not known to.
    left = float((residual**2).sum()) / (n - 2) / n
    unknown = slope**2 * float(control_draws.var(ddof=1)) / m
    error = float(np.sqrt(left + unknown))
    correlation = float(np.corrcoef(runs, control)[0, 1]) if plain_error > 0.0 else 0.0
    reduction = (plain_error / error) ** 2 if error > 0.0 else np.inf
    return AdjustedMean(plain, adjusted, plain_error, error, correlation, float(reduction))


def twin_paths(
    twin: CohortTwin,
    space: ParameterSpace,
    seed: int,
    draws: Sequence[int],
    levers: Levers | None = None,
    horizon: int = 2045,
    shares_shocks: bool = True,
    outcome: Callable[[CohortPath], Floats] = lambda path: path.column("population"),
) -> Floats:
    """The twin's outcome for every draw of an ensemble, float64[draws, ...].

    Args:
        seed, draws: the ensemble's seed and numbers of draws, as `experiments.ensemble` numbers them.
        shares_shocks: also share the shocks that strike whole places with replicate 0 of the draw; the
            control is then nearly the run itself without the chance of persons.
        outcome: what is kept of a path; population float64[years, n_sim] by default.
    """
    paths = []
    for draw in draws:
        key = run_seed(seed, draw, 0) if shares_shocks else None
        paths.append(outcome(twin.run(space.draw(seed, draw), levers, horizon, key)))
    return np.array(paths)
