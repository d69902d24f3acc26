"""Scores of forecasts of villages: Brier and CRPS against rivals, reliability, and the width of intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calibration.village_benchmarks import Booleans
from calibration.village_transitions import Floats

BINS = (0.0, 0.05, 0.15, 0.3, 0.5, 0.75, 1.0001)
LEVELS = (np.arange(99) + 1.0) / 100.0
SIZES = ((1, "1-200"), (201, "201-500"), (501, "501-3000"))
RESAMPLED = 1000


@dataclass(frozen=True)
class Score:
    """Brier score of one contestant for one event.

    Attributes:
        question: which villages it learned from. skill: against the frequency among the others (1 is perfect).
        expected: how many events it expected. difference: to the model's score (positive: the model is better), with
            a 90 % interval (bootstrap over villages).
    """

    question: str
    event: str
    contestant: str
    villages: int
    events: int
    expected: float
    brier: float
    skill: float
    difference: float
    low: float
    high: float


def brier_scores(
    question: str, event: str, model: str, chances: Mapping[str, Floats], happened: Booleans, seed: int
) -> list[Score]:
    """Scores of all contestants for one event; `chances` by contestant of the villages at risk."""
    n = len(happened)
    y = happened.astype(np.float64)
    climate = (y.sum() - y + 0.5) / n  # frequency among the others
    reference = float(((climate - y) ** 2).mean())
    ours = (chances[model] - y) ** 2
    out = []
    for contestant, p in chances.items():
        loss = (p - y) ** 2
        low, high = difference_interval(loss - ours, seed)
        skill = 1.0 - float(loss.mean()) / reference if reference > 0.0 else math.nan
        out.append(
            Score(
                question, event, contestant, n, int(y.sum()), float(p.sum()), float(loss.mean()), skill,
                float((loss - ours).mean()), low, high,
            )
        )  # fmt: skip
    return out


def difference_interval(differences: Floats, seed: int) -> tuple[float, float]:
    """90 % interval of the mean of differences over villages (bootstrap)."""
    rows = np.random.default_rng(seed).integers(0, len(differences), (RESAMPLED, len(differences)))
    low, high = np.quantile(differences[rows].mean(axis=1), (0.05, 0.95))
    return float(low), float(high)


def reliability(chance: Floats, happened: Booleans) -> list[tuple[float, int, int]]:
    """Mean forecast, villages and events by bin of the forecast (empty bins left out)."""
    out = []
    for low, high in pairwise(BINS):
        own = (chance >= low) & (chance < high)
        if own.any():
            out.append((float(chance[own].mean()), int(own.sum()), int(happened[own].sum())))
    return out


def crps(levels: Floats, observed: Floats) -> Floats:
    """Continuous ranked probability score from quantiles float64[99, villages] (twice the mean pinball loss)."""
    error = observed - levels
    loss = np.where(error >= 0.0, LEVELS[:, None] * error, (LEVELS[:, None] - 1.0) * error)
    return np.asarray(2.0 * loss.mean(axis=0))


@dataclass(frozen=True)
class Width:
    """Whether forecasts of ln people are wide enough in one class of size.

    Attributes:
        rms: root mean square of the errors of the median, log points. sd: half the width of the central 68 % that the
            contestant stated, on average. inside: how many lay in its central 90 %. crps: of ln people.
    """

    question: str
    contestant: str
    size: str
    villages: int
    rms: float
    sd: float
    inside: int
    crps: float


def widths(question: str, contestant: str, levels: Floats, before: Floats, observed: Floats) -> list[Width]:
    """By class of size and for all; `levels` float64[99, villages] quantiles of ln people, `observed` what it was."""
    score = crps(levels, observed)
    error = observed - levels[49]
    stated = 0.5 * (levels[83] - levels[15])
    inside = (observed >= levels[4]) & (observed <= levels[94])
    number = np.searchsorted([least for least, _ in SIZES], before, side="right") - 1
    classes: Sequence[tuple[str, Booleans]] = [
        *((name, number == k) for k, (_, name) in enumerate(SIZES)),
        ("all", np.ones(len(before), np.bool_)),
    ]
    return [
        Width(
            question, contestant, name, int(own.sum()), float(np.sqrt((error[own] ** 2).mean())),
            float(stated[own].mean()), int(inside[own].sum()), float(score[own].mean()),
        )
        for name, own in classes
        if own.any()
    ]  # fmt: skip
