"""Weights of blocks and indicators: equal, by number of indicators, entropy, principal component, experts.

Entropy: Shannon's information of the spread of scores (Zeleny 1982). Principal component: squared loadings of the
first component (OECD/JRC, Handbook on Constructing Composite Indicators, 2008). Both are computed from the rated
sample, so that unlike the bands they change with the settlements rated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from calibration.rating_system import BLOCKS, Floats, RatingSystem

Scheme = Literal["equal", "number", "entropy", "component", "expert"]
SCHEMES: Final[tuple[Scheme, ...]] = ("equal", "number", "entropy", "component", "expert")


class WeightError(ValueError):
    """Weights of this kind cannot be had from these figures."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of one scheme.

    Attributes:
        scheme: its name. blocks: float64[4], sum 1. within: float64[indicators], sum 1 in every block.
    """

    scheme: Scheme
    blocks: Floats
    within: Floats

    def of_indicators(self, system: RatingSystem) -> Floats:
        """Weight of every indicator in the whole, float64[indicators], sum 1."""
        return np.asarray(self.blocks[system.block_of] * self.within)

    def drawn(self, system: RatingSystem, generator: np.random.Generator) -> Weights:
        """Weights around these: blocks and indicators within a block from Dirichlet laws with this mean.

        The concentration is the number of elements, so that equal weights are varied over the whole simplex with
        uniform density.
        """
        blocks = _dirichlet(self.blocks, generator)
        within = np.empty_like(self.within)
        for block in range(len(BLOCKS)):
            members = system.of_block(block)
            within[members] = _dirichlet(self.within[members], generator)
        return Weights(self.scheme, blocks, within)


def _dirichlet(mean: Floats, generator: np.random.Generator) -> Floats:
    shares = generator.standard_gamma(np.maximum(mean, 1e-12) * mean.size)
    shares[mean == 0.0] = 0.0
    total = shares.sum()
    return shares / total if total > 0.0 else mean.copy()


def weights_of(
    scheme: Scheme, system: RatingSystem, sample: Floats, points: Mapping[str, float] | None = None
) -> Weights:
    """Weights of a scheme.

    Args:
        sample: scores float64[cases, indicators], NaN where missing; used by "entropy" and "component". An
            indicator not known in every case takes the mean weight of the known ones (assumed).
        points: importance by indicator and block that experts gave, for "expert".

    Raises:
        WeightError: the sample is too small or does not vary, or no expert has given points.
    """
    number = len(system.ids)
    if scheme == "equal":
        return _from_raw(scheme, system, np.ones(number), np.ones(len(BLOCKS)))
    if scheme == "number":
        sizes = np.bincount(system.block_of, minlength=len(BLOCKS)).astype(np.float64)
        return _from_raw(scheme, system, np.ones(number), sizes)
    if scheme == "expert":
        return _of_experts(system, points or {})
    known = np.flatnonzero(~np.isnan(sample).any(axis=0))
    if sample.shape[0] < 3 or known.size < 2:
        raise WeightError(
            f"--weights {scheme}: needs two indicators known in at least three cases, found {known.size} in"
            f" {sample.shape[0]}"
        )
    raw = np.full(number, np.nan)
    raw[known] = _entropy(sample[:, known]) if scheme == "entropy" else _component(sample[:, known])
    if not np.nansum(raw) > 0.0:
        raise WeightError(f"--weights {scheme}: the scores do not vary between settlements and years")
    raw[np.isnan(raw)] = float(np.nanmean(raw))
    blocks = np.array([raw[system.of_block(block)].sum() for block in range(len(BLOCKS))])
    return _from_raw(scheme, system, raw, blocks)


def _from_raw(scheme: Scheme, system: RatingSystem, within: Floats, blocks: Floats) -> Weights:
    shares = within.copy()
    for block in range(len(BLOCKS)):
        members = system.of_block(block)
        total = shares[members].sum()
        shares[members] = shares[members] / total if total > 0.0 else 1.0 / members.size
    return Weights(scheme, blocks / blocks.sum(), shares)


def _entropy(scores: Floats) -> Floats:
    """1 - Shannon's entropy of each indicator's shares over the cases, float64[indicators]."""
    shares = scores + 1e-9  # an indicator at its worst everywhere carries no information, like any constant
    shares = shares / shares.sum(axis=0)
    entropy = -(shares * np.log(shares)).sum(axis=0) / np.log(scores.shape[0])
    return np.asarray(np.clip(1.0 - entropy, 0.0, None))


def _component(scores: Floats) -> Floats:
    """Squared loadings of the first principal component of the correlation matrix; 0 for a constant indicator."""
    spread = scores.std(axis=0)
    varies = spread > 1e-12
    loadings = np.zeros(scores.shape[1])
    if not varies.any():
        return loadings
    standard = (scores[:, varies] - scores[:, varies].mean(axis=0)) / spread[varies]
    _, _, components = np.linalg.svd(standard, full_matrices=False)
    loadings[varies] = components[0] ** 2
    return loadings


def _of_experts(system: RatingSystem, points: Mapping[str, float]) -> Weights:
    missing = [name for name in (*BLOCKS, *system.ids) if name not in points]
    if missing:
        shown = ", ".join(missing[:8]) + (" ..." if len(missing) > 8 else "")
        raise WeightError(
            f"--weights expert: no expert has given points of importance to {shown}; fill in section"
            " 'importance' of a questionnaire (--template FILE) and give it with --questionnaire FILE"
        )
    within = np.array([points[id] for id in system.ids])
    blocks = np.array([points[block] for block in BLOCKS])
    if not blocks.sum() > 0.0:
        raise WeightError("--weights expert: all blocks have importance 0")
    return _from_raw("expert", system, within, blocks)
