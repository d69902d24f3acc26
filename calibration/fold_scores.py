"""Scores of the model and of all naive forecasters in the folds of a validation, side by side, value by value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import AuditData
from calibration.fold_forecast import BY_MODEL, MODEL, FoldForecast
from calibration.folds import Fold, observed_targets
from calibration.naive_forecasters import Missing, NaiveForecast, naive_forecasts
from calibration.scores import LEVELS, Skill, covered, crps, interval, log_score, rank, skill
from model.schedules import Schedules

Floats = NDArray[np.float64]
LEFT_OUT: Final = "left_out"
# Of the register in the region (docs/specification.md section 6, point 3; audit)
EVENT_YEARS: Final = (2015, 2017)


@dataclass(frozen=True)
class Score:
    """One observed figure against one forecast of it.

    Attributes:
        fold, series, place, year, forecaster: what was forecast by whom.
        observed, median: in the figure's unit. low, high: ends of the intervals of `LEVELS`.
        crps, log_score: lower is better. bias: median - observed. inside: of the intervals of `LEVELS`.
        share_below: of the members, ties broken at random: uniform for a calibrated forecast.
        is_event: a year in which the audit finds a register event in the region.
    """

    fold: str
    series: str
    place: str
    year: int
    forecaster: str
    observed: float
    median: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    crps: float
    log_score: float
    bias: float
    inside: tuple[bool, ...]
    share_below: float
    is_event: bool

    @property
    def is_model(self) -> bool:
        """Whether the model made the forecast."""
        return self.forecaster in BY_MODEL


@dataclass(frozen=True)
class Comparison:
    """The model against one naive forecaster on the same figures.

    Attributes:
        group: fold, or all folds that leave one place out together. place: one place, or "" for all.
        model: `MODEL` or `FREE`. figures: compared.
    """

    group: str
    series: str
    place: str
    model: str
    naive: str
    figures: int
    skill: Skill


@dataclass(frozen=True)
class Summary:
    """Mean scores of a forecaster. coverage: of the intervals of `LEVELS`. mean_bias: median - observed."""

    group: str
    series: str
    place: str
    forecaster: str
    figures: int
    crps: float
    log_score: float
    coverage: tuple[float, ...]
    mean_bias: float
    mean_observed: float


def group_of(fold: str) -> str:
    """Return the group in which a fold is summed up."""
    return LEFT_OUT if fold.startswith(LEFT_OUT) else fold


def score_fold(
    data: AuditData, schedules: Schedules, forecast: FoldForecast, seed: int
) -> tuple[list[Score], dict[str, list[Missing]]]:
    """Return the scores of the model and of all naive forecasters, and by series those that could not be fed."""
    fold = forecast.fold
    scores: list[Score] = []
    missing: dict[str, list[Missing]] = {}
    for own in forecast.forecasts:
        scores += _scores(data, fold, own.series, own.name, own.places, own.years, own.members, seed)
        if own.name == MODEL:
            naive, unfed = naive_forecasts(data, fold, own.series, schedules, seed)
            missing[own.series] = unfed
            for one in naive:
                scores += _naive_scores(data, fold, own.series, one, seed)
    return scores, missing


def _naive_scores(data: AuditData, fold: Fold, series: str, one: NaiveForecast, seed: int) -> list[Score]:
    return _scores(data, fold, series, one.name, one.places, one.years, one.members, seed)


def _scores(
    data: AuditData,
    fold: Fold,
    series: str,
    forecaster: str,
    places: Sequence[str],
    years: Sequence[int],
    members: Floats,
    seed: int,
) -> list[Score]:
    observed = observed_targets(data, fold, series, places)
    known = np.isfinite(observed) & np.isfinite(members).all(axis=0)
    t, p = np.nonzero(known)
    ensemble, values = members[:, t, p], observed[t, p]
    if not len(values):
        return []
    ends = [interval(ensemble, level) for level in LEVELS]
    inside = [covered(ensemble, values, level) for level in LEVELS]
    below = (rank(ensemble, values, seed) + 0.5) / (len(ensemble) + 1.0)
    points, logs, median = crps(ensemble, values), log_score(ensemble, values), np.median(ensemble, axis=0)
    of_region = fold.name == "region"
    return [
        Score(
            fold.name,
            series,
            places[p[k]],
            years[t[k]],
            forecaster,
            float(values[k]),
            float(median[k]),
            tuple(float(low[k]) for low, _ in ends),
            tuple(float(high[k]) for _, high in ends),
            float(points[k]),
            float(logs[k]),
            float(median[k] - values[k]),
            tuple(bool(one[k]) for one in inside),
            float(below[k]),
            of_region and years[t[k]] in EVENT_YEARS,
        )
        for k in range(len(values))
    ]


def summaries(scores: Sequence[Score]) -> list[Summary]:
    """Return mean scores by group, series and forecaster, of all places together and of each."""
    made = []
    for (group, series, place, forecaster), held in _grouped(scores).items():
        made.append(
            Summary(
                group, series, place, forecaster, len(held),
                float(np.mean([one.crps for one in held])),
                float(np.mean([one.log_score for one in held])),
                tuple(float(share) for share in np.mean([one.inside for one in held], axis=0)),
                float(np.mean([one.bias for one in held])),
                float(np.mean([one.observed for one in held])),
            )
        )  # fmt: skip
    return made


def _grouped(scores: Iterable[Score]) -> dict[tuple[str, str, str, str], list[Score]]:
    held: dict[tuple[str, str, str, str], list[Score]] = {}
    for one in scores:
        for place in ("", one.place):
            held.setdefault((group_of(one.fold), one.series, place, one.forecaster), []).append(one)
    return held


def comparisons(scores: Sequence[Score], seed: int) -> list[Comparison]:
    """Return the model against each naive forecaster on the figures that both forecast, places resampled."""
    grouped = _grouped(scores)
    made = []
    for (group, series, place, model), own in grouped.items():
        if model not in BY_MODEL:
            continue
        by_figure = {(one.fold, one.place, one.year): one.crps for one in own}
        for (other_group, other_series, other_place, naive), theirs in grouped.items():
            if (other_group, other_series, other_place) != (group, series, place) or naive in BY_MODEL:
                continue
            both = [one for one in theirs if (one.fold, one.place, one.year) in by_figure]
            if not both:
                continue
            names = sorted({one.place for one in both})
            result = skill(
                np.array([by_figure[one.fold, one.place, one.year] for one in both]),
                np.array([one.crps for one in both]),
                np.array([names.index(one.place) for one in both], np.int64),
                seed,
            )
            made.append(Comparison(group, series, place, model, naive, len(both), result))
    return made


@dataclass(frozen=True)
class Verdict:
    """How the model stands against all naive forecasters of a series in a group.

    Attributes:
        crps: of the model. best, best_crps: the best naive forecaster, NaN and "" where none could be fed.
        as_good: naive forecasters whose mean CRPS is not above the model's. naive: number of all.
        clearly: whether some naive forecaster is better beyond its interval over places.
    """

    group: str
    series: str
    place: str
    model: str
    figures: int
    crps: float
    best: str
    best_crps: float
    as_good: tuple[str, ...]
    naive: int
    clearly: bool

    @property
    def beats_all(self) -> bool:
        """Whether no naive forecaster is as good."""
        return self.naive > 0 and not self.as_good


def verdicts(compared: Sequence[Comparison]) -> list[Verdict]:
    """Return the model's standing by group, series and place, in the order of the comparisons."""
    keys = dict.fromkeys((one.group, one.series, one.place, one.model) for one in compared)
    made = []
    for group, series, place, model in keys:
        held = [
            one
            for one in compared
            if (one.group, one.series, one.place, one.model) == (group, series, place, model)
        ]
        best = min(held, key=lambda one: one.skill.reference)
        as_good = sorted(
            (one for one in held if one.skill.reference <= one.skill.score),
            key=lambda one: one.skill.reference,
        )
        made.append(
            Verdict(
                group, series, place, model, best.figures, best.skill.score, best.naive, best.skill.reference,
                tuple(one.naive for one in as_good), len(held), any(one.skill.low > 0.0 for one in held),
            )
        )  # fmt: skip
    return made
