"""Step 7 of the rating: problems and risks of every settlement, named from its worst and its falling indicators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.rating_figures import RatedFigures
from calibration.rating_index import trends
from calibration.rating_system import Indicator, RatingSystem
from calibration.rating_weights import Weights


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem (a low score) or a risk (a falling one) of a settlement in the last year rated.

    Attributes:
        kind: "problem" or "risk". figure: median over runs, in the indicator's unit. score: its place on the band.
        change: of the score in five years, NaN where it is not known in enough years.
        loss: what the low score (problem) or its fall (risk) takes from the index, in index units.
        runs: share of the runs in which the finding holds.
    """

    place: str
    year: int
    kind: str
    indicator: Indicator
    figure: float
    score: float
    change: float
    loss: float
    runs: float

    @property
    def text(self) -> str:
        """The finding in words."""
        return self.indicator.problem if self.kind == "problem" else self.indicator.risk


def findings(figures: RatedFigures, system: RatingSystem, weights: Weights) -> list[Finding]:
    """Problems and risks of every settlement in the last year, by place, problems first, the gravest first.

    A problem holds where the median score over runs is below the rule `problem_score`, a risk where the five-year
    change of the score is at most `risk_change`. What is missing is no finding: it is in the coverage.
    """
    scores = system.scores(figures.values)
    change = _changes(scores, system)
    weight = weights.of_indicators(system)
    low, falling = system.value("problem_score"), system.value("risk_change")
    found: list[Finding] = []
    for p, place in enumerate(figures.places):
        of_place: list[Finding] = []
        for k, indicator in enumerate(system.indicators):
            now = scores[:, -1, p, k]
            if np.isnan(now).any():
                continue
            middle, moved = float(np.median(now)), float(np.median(change[:, -1, p, k]))
            figure = float(np.median(figures.values[:, -1, p, k]))
            common = (place, figures.years[-1])
            if middle < low:
                of_place.append(
                    Finding(*common, "problem", indicator, figure, middle, moved,
                            float(weight[k]) * (1.0 - middle), float((now < low).mean()))
                )  # fmt: skip
            if moved <= falling:
                of_place.append(
                    Finding(*common, "risk", indicator, figure, middle, moved, -float(weight[k]) * moved,
                            float((change[:, -1, p, k] <= falling).mean()))
                )  # fmt: skip
        found += sorted(of_place, key=lambda one: (one.kind, -one.loss, one.indicator.id))
    return found


def _changes(
    scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]], system: RatingSystem
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Five-year change of every score, same shape; NaN where a year of the window is missing."""
    runs, years, places, number = scores.shape
    flat = scores.reshape(runs, years, places * number)
    with np.errstate(invalid="ignore"):
        changed = trends(np.nan_to_num(flat, nan=0.0), system)
    window = int(system.value("trend_window"))
    gaps = np.isnan(flat)
    for t in range(years):
        changed[:, t][gaps[:, max(0, t - window) : t + 1].any(axis=1)] = np.nan
    return changed.reshape(scores.shape)
