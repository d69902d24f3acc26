"""Posterior predictive: what the draws say would have been recorded, against what was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.emulator import is_emulated
from calibration.observation_errors import Figure
from calibration.posterior import Posterior, whole_seed

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
ERRORS: Final = 51  # purpose of the generator of the record's errors


@dataclass(frozen=True)
class FigureCheck:
    """One observed figure against its posterior predictive distribution, in the figure's unit.

    Attributes:
        figure: observed. quantiles: of `QUANTILES`, chance, parameters and errors of the record together.
        below: share of the predictive distribution below the observed figure. in_likelihood: whether it was fitted.
    """

    figure: Figure
    quantiles: tuple[float, ...]
    below: float
    in_likelihood: bool

    @property
    def is_inside_50(self) -> bool:
        """Whether the observed figure lies in the middle half."""
        return 0.25 <= self.below <= 0.75

    @property
    def is_inside_90(self) -> bool:
        """Whether it lies in the middle nine tenths."""
        return 0.05 <= self.below <= 0.95


def check_predictive(posterior: Posterior, seed: int) -> tuple[FigureCheck, ...]:
    """Return the check of every figure, also of those that were only compared."""
    observation = posterior.observation
    drawn = observation.draw(posterior.predictive, whole_seed(seed, ERRORS))
    below = (drawn < observation.observed).mean(axis=0)
    natural = observation.natural(np.quantile(drawn, QUANTILES, axis=0))
    return tuple(
        FigureCheck(one, tuple(natural[:, k].tolist()), float(below[k]), is_emulated(one))
        for k, one in enumerate(observation.figures)
    )


def coverage(checks: tuple[FigureCheck, ...], series: str | None = None) -> tuple[int, float, float]:
    """Return the number of fitted figures (of a series) and the shares inside 50 and 90 %."""
    chosen = [one for one in checks if one.in_likelihood and series in (None, one.figure.series)]
    if not chosen:
        return 0, float("nan"), float("nan")
    inside = np.mean([[one.is_inside_50, one.is_inside_90] for one in chosen], axis=0)
    return len(chosen), float(inside[0]), float(inside[1])
