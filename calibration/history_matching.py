"""History matching: which parameters the record does not rule out, and runs where they are (Craig et al. 1997).

A point is implausible where its emulated record lies further from the observed one than recording, level,
declared discrepancy of the model, chance, parameters that are not calibrated and the emulator together explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.emulator import PlaceEmulator, stacked_mean, stacked_scale
from calibration.observation import ObservationModel
from calibration.posterior_inputs import Floats, Inputs

THRESHOLD: Final = 3.0  # Pukelsheim 1994: 95 % of any unimodal error lies within three standard deviations
# Of about 110 figures the third largest: if all errors are right, the truth survives with 99.6 %
RANK: Final = 3
CHUNK: Final = 8192
MOST_CHUNKS: Final = 40


@dataclass(frozen=True, eq=False)
class Matching:
    """Points that are not ruled out.

    Attributes:
        z: float64[n, p]. share: of the prior that is not ruled out. candidates: points that were looked at.
        quantiles: 5, 50 and 95 % of the prior's implausibility.
    """

    z: Floats
    share: float
    candidates: int
    quantiles: tuple[float, float, float]


def implausibility(
    observation: ObservationModel, emulators: Sequence[PlaceEmulator], z: Floats, rank: int = RANK
) -> Floats:
    """Return the rank-th largest standardised distance to the record at z [n, p], float64[n].

    Figures that are not emulated count as met. The variance of chance is its mean over the points.
    """
    size = len(observation.figures)
    means = stacked_mean(emulators, z, size)
    scales = stacked_scale(emulators, z, size)
    missing = np.isnan(means[0])
    extra = np.where(missing, 0.0, np.mean(np.where(missing, 0.0, scales) ** 2, axis=0))
    predicted = np.where(missing, observation.observed, means)
    fitted = int(observation.is_fit.sum())
    return observation.implausibility(predicted, min(rank, fitted), extra)


def match_history(
    observation: ObservationModel,
    inputs: Inputs,
    emulators: Sequence[PlaceEmulator],
    count: int,
    seed: int,
) -> Matching:
    """Return ``count`` points of the prior that are not ruled out.

    Where the record rules out nearly all of the prior, the least implausible points looked at are returned.
    """
    kept: list[Floats] = []
    levels: list[Floats] = []
    found = 0
    for chunk in range(MOST_CHUNKS):
        z = inputs.design(CHUNK, seed + chunk)
        level = implausibility(observation, emulators, z)
        keep = level < max(THRESHOLD, float(np.sort(level)[min(len(z), count // MOST_CHUNKS + 1) - 1]))
        kept.append(z[keep])
        levels.append(level)
        found += int(keep.sum())
        if found >= count:
            break
    everything = np.concatenate(levels)
    low, middle, high = (float(value) for value in np.quantile(everything, [0.05, 0.5, 0.95]))
    share = float(np.mean(everything < THRESHOLD))
    return Matching(np.concatenate(kept)[:count], share, len(everything), (low, middle, high))
