"""The observation model: what the statistician would have recorded, given simulated truth; its densities.

An observation is y = f(truth) + level + coverage + recording + discrepancy on the scale of its series, with the
errors of `observation_errors.py`. Figures of one series and place form a block: the errors common to its years
(level, coverage) make a covariance of low rank, which is integrated out, so that neither is a parameter to be
estimated. A block with a heavy-tailed figure has no common error; its figures are independent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from calibration.audit_data import AuditData
from calibration.observation_errors import Believed, Figure
from calibration.observed_figures import observed_figures
from calibration.readings import Truth, recorded
from model.drivers import Drivers

Floats = NDArray[np.float64]
FREE_LEVEL: Final = frozenset({"agricultural_output", "industrial_output"})
SMALLEST: Final = 1e-6  # of a positive figure: an empty place gives a finite, hopeless density


@dataclass(frozen=True, eq=False)
class ObservationModel:
    """Observed figures with their errors, and what a run predicts for each.

    Attributes:
        figures: in the order of every array [n] of this class.
        prices: annual mean of consumer prices, 2020 = 1, by year.
    """

    figures: tuple[Figure, ...]
    prices: Mapping[int, float]

    def __post_init__(self) -> None:
        """Refuse what the densities cannot handle: a heavy tail and an error common to years in one block."""
        for block in self.blocks:
            figures = [self.figures[number] for number in block]
            common = any(one.level_sd > 0.0 or one.coverage_sd > 0.0 for one in figures)
            if common and any(np.isfinite(one.degrees) for one in figures):
                one = figures[0]
                raise ValueError(f"{one.series} of {one.place}: a heavy tail beside an error common to years")

    @classmethod
    def of_data(
        cls, data: AuditData, years: Collection[int], believed: Believed = "accounts"
    ) -> ObservationModel:
        """Return the model of a world's published figures of these years (see `observed_figures`)."""
        return cls(observed_figures(data, years, believed), Drivers(data.drivers).price_level)

    @cached_property
    def observed(self) -> Floats:
        """Observed values on the scale of their errors, float64[n]."""
        values = np.array([one.value for one in self.figures])
        return np.where(self.is_log, np.log(np.maximum(values, SMALLEST)), values)

    @cached_property
    def is_log(self) -> NDArray[np.bool_]:
        """Whether a figure is compared in logarithms, bool[n]."""
        return np.array([one.scale == "log" for one in self.figures])

    @cached_property
    def is_fit(self) -> NDArray[np.bool_]:
        """Whether a figure identifies parameters, bool[n]; the others are only compared."""
        return np.array([one.role == "fit" for one in self.figures])

    @cached_property
    def recording_sd(self) -> Floats:
        """Standard deviation (scale, for a t error) of what the statistician got wrong, float64[n]."""
        return np.array([one.recording_sd for one in self.figures])

    @cached_property
    def discrepancy_sd(self) -> Floats:
        """Standard deviation of what the model leaves out, float64[n]."""
        return np.array([one.discrepancy_sd for one in self.figures])

    @cached_property
    def blocks(self) -> tuple[NDArray[np.int64], ...]:
        """Indices of the figures of each series and place, those to fit apart from those to check."""
        keys = [(one.series, one.place, one.role) for one in self.figures]
        return tuple(
            np.array([number for number, held in enumerate(keys) if held == key], dtype=np.int64)
            for key in dict.fromkeys(keys)
        )

    def keeping(
        self,
        series: Collection[str] | None = None,
        places: Collection[str] | None = None,
        years: Collection[int] | None = None,
    ) -> ObservationModel:
        """Return the model of some figures only; errors stay as they are.

        Raises:
            ValueError: nothing is left.
        """
        kept = tuple(
            one
            for one in self.figures
            if (series is None or one.series in series)
            and (places is None or one.place in places)
            and (years is None or one.year in years)
        )
        if not kept:
            raise ValueError("no observed figure is left")
        return replace(self, figures=kept)

    def with_observed(self, values: Floats) -> ObservationModel:
        """Return the model of other observed values float64[n], given on the scale of the errors.

        The errors stay those of the figures that were there: synthetic data are as noisy as the real ones.
        """
        natural = self.natural(values)
        figures = tuple(
            replace(one, value=float(value)) for one, value in zip(self.figures, natural, strict=True)
        )
        return replace(self, figures=figures)

    def natural(self, values: Floats) -> Floats:
        """Return values [..., n] in the unit of their figures: exponentials where they are logarithms."""
        with np.errstate(over="ignore"):
            return np.where(self.is_log, np.exp(np.where(self.is_log, values, 0.0)), values)

    def predict(self, truth: Truth) -> Floats:
        """Return what would be recorded without errors, float64[runs, n] on the scale of the errors.

        Recorded balances are the covered share of the truth; output per head is relative to an unknown level,
        which is set so that the mean over the years of the place is the observed one.

        Raises:
            ValueError: a figure's year or place is not simulated.
        """
        predicted = np.stack([recorded(one, truth, self.prices) for one in self.figures], axis=1)
        logs = np.log(np.maximum(np.where(self.is_log, predicted, 1.0), SMALLEST))
        predicted = np.where(self.is_log, logs, predicted)
        for block in self.blocks:
            if self.figures[block[0]].series in FREE_LEVEL:
                gap = (self.observed[block] - predicted[:, block]).mean(axis=1)
                predicted[:, block] += gap[:, None]
        return predicted

    def variance(self, extra: Floats | float = 0.0) -> Floats:
        """Return the variance of each figure's own error, float64[n]; ``extra`` is added (emulator, chance)."""
        return np.asarray(self.recording_sd**2 + self.discrepancy_sd**2 + extra, dtype=np.float64)

    def covariance(self, block: NDArray[np.int64], predicted: Floats, extra: Floats | float = 0.0) -> Floats:
        """Return the covariance of a block's errors, float64[runs, k, k], level and coverage integrated out.

        The error of coverage is its standard deviation x the truth, which differs from run to run.
        """
        own = np.broadcast_to(self.variance(extra), (len(self.figures),))[block]
        level = np.array([self.figures[number].level_sd for number in block])
        truth = predicted[:, block] / np.array([self.figures[number].coverage for number in block])
        covered = truth * np.array([self.figures[number].coverage_sd for number in block])
        shared = np.diag(own) + level[:, None] * level[None, :]
        return np.asarray(shared[None] + covered[:, :, None] * covered[:, None, :], dtype=np.float64)

    def block_densities(self, predicted: Floats, extra: Floats | float = 0.0) -> Floats:
        """Return the log density of each block's observed values, float64[runs, blocks]."""
        return np.stack([self._block_density(block, predicted, extra) for block in self.blocks], axis=1)

    def log_density(self, predicted: Floats, extra: Floats | float = 0.0) -> Floats:
        """Return the log density of the figures to fit, float64[runs].

        Args:
            predicted: float64[runs, n] from `predict`.
            extra: variance added to every figure, a number or float64[n]: chance of a run, emulator.
        """
        fitted = [block for block in self.blocks if self.is_fit[block[0]]]
        if not fitted:
            return np.zeros(predicted.shape[0])
        parts = [self._block_density(block, predicted, extra) for block in fitted]
        return np.sum(np.stack(parts), axis=0)

    def _block_density(self, block: NDArray[np.int64], predicted: Floats, extra: Floats | float) -> Floats:
        residual = self.observed[block] - predicted[:, block]
        degrees = np.array([self.figures[number].degrees for number in block])
        if np.isfinite(degrees).any():
            own = np.broadcast_to(self.variance(extra), (len(self.figures),))[block]
            return np.asarray(student_density(residual, np.sqrt(own), degrees).sum(axis=1))
        covariance = self.covariance(block, predicted, extra)
        solved = np.linalg.solve(covariance, residual[:, :, None])[:, :, 0]
        log_det = np.linalg.slogdet(covariance)[1]
        quadratic = np.einsum("ri,ri->r", residual, solved)
        return np.asarray(-0.5 * (quadratic + log_det + len(block) * np.log(2.0 * np.pi)))

    def standardised(self, predicted: Floats, extra: Floats | float = 0.0) -> Floats:
        """Return each figure's residual in its standard deviations, all errors included, float64[runs, n].

        Output per head, whose level is free, is measured around its mean over the years. A heavy-tailed figure
        gives the residual of a normal with the same density ratio to its mode,
        sign(z) sqrt((df + 1) ln(1 + z^2/df)), so that one threshold serves all figures.
        """
        z = np.empty_like(predicted)
        for block in self.blocks:
            if self.figures[block[0]].series in FREE_LEVEL:  # the level is set already: what is left is noise
                spread = np.sqrt(np.broadcast_to(self.variance(extra), (len(self.figures),))[block])[None]
            else:
                spread = np.sqrt(np.einsum("rii->ri", self.covariance(block, predicted, extra)))
            z[:, block] = (predicted[:, block] - self.observed[block]) / spread
        degrees = np.array([one.degrees for one in self.figures])
        heavy = np.isfinite(degrees)
        finite = np.where(heavy, degrees, 1.0)
        deviance = np.sign(z) * np.sqrt((finite + 1.0) * np.log1p(z**2 / finite))
        return np.where(heavy, deviance, z)

    def implausibility(self, predicted: Floats, rank: int = 2, extra: Floats | float = 0.0) -> Floats:
        """Return the rank-th largest absolute standardised residual of the figures to fit, float64[runs].

        History matching rules a run out above 3 (Pukelsheim 1994; Craig et al. 1997); the second largest
        forgives one figure that nothing can reach.

        Raises:
            ValueError: fewer figures to fit than the rank.
        """
        z = np.abs(self.standardised(predicted, extra))[:, self.is_fit]
        if not 1 <= rank <= z.shape[1]:
            raise ValueError(f"rank {rank} of {z.shape[1]} figures to fit")
        return np.asarray(np.sort(z, axis=1)[:, -rank])

    def distance(self, predicted: Floats, extra: Floats | float = 0.0) -> Floats:
        """Return the root mean square of the standardised residuals of the figures to fit, float64[runs]."""
        z = self.standardised(predicted, extra)[:, self.is_fit]
        return np.asarray(np.sqrt(np.mean(z**2, axis=1)))

    def draw(self, predicted: Floats, seed: int, discrepancy: bool = True) -> Floats:
        """Return a synthetic record for every run, float64[runs, n]: what is predicted plus all errors.

        Levels of output per head, which are free, are not drawn.

        Args:
            predicted: from `predict`.
            seed: the same seed gives the same errors.
            discrepancy: whether the model's own discrepancy is drawn too.
        """
        generator = np.random.default_rng(seed)
        drawn = predicted.copy()
        own = np.sqrt(self.variance() if discrepancy else self.recording_sd**2)
        for block in self.blocks:
            figures = [self.figures[number] for number in block]
            noise = generator.standard_normal((predicted.shape[0], len(block)))
            heavy = np.array([np.isfinite(one.degrees) for one in figures])
            degrees = np.array([one.degrees if np.isfinite(one.degrees) else 1.0 for one in figures])
            chi = generator.chisquare(degrees, noise.shape)
            noise = np.where(heavy, noise / np.sqrt(chi / degrees), noise)
            level = generator.standard_normal((predicted.shape[0], 1))
            coverage = generator.standard_normal((predicted.shape[0], 1))
            errors = noise * own[block]
            if figures[0].series not in FREE_LEVEL and not heavy.any():
                truth = predicted[:, block] / np.array([one.coverage for one in figures])
                errors += level * np.array([one.level_sd for one in figures])
                errors += coverage * truth * np.array([one.coverage_sd for one in figures])
            drawn[:, block] += errors
        return drawn


def student_density(residual: Floats, scale: Floats, degrees: Floats) -> Floats:
    """Return the log density of Student t errors, normal where the degrees of freedom are infinite.

    Shapes: residual [runs, k], scale and degrees [k]; returns [runs, k].
    """
    heavy = np.isfinite(degrees)
    df = np.where(heavy, degrees, 1.0)
    z2 = (residual / scale) ** 2
    normal = -0.5 * (z2 + np.log(2.0 * np.pi)) - np.log(scale)
    constant = gammaln((df + 1.0) / 2.0) - gammaln(df / 2.0) - 0.5 * np.log(df * np.pi)
    student = constant - np.log(scale) - (df + 1.0) / 2.0 * np.log1p(z2 / df)
    return np.asarray(np.where(heavy, student, normal))
