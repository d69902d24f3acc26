"""The report of a validation as a value, and its files: CSV tables and JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from calibration.fold_forecast import FoldForecast
from calibration.fold_scores import (
    Comparison,
    Score,
    Summary,
    Verdict,
    comparisons,
    group_of,
    summaries,
    verdicts,
)
from calibration.folds import COUNTS
from calibration.forecast_labels import Label, labels_of
from calibration.naive_forecasters import Missing
from calibration.posterior import Effort
from calibration.scores import LEVELS

GROUP_TITLES: Final = {
    "last_years": "(a) fitted to 2015-2018, scored on 2019-2020",
    "left_out": "(b) one town left out: 2015-2020 from its years to 2014 and the other towns",
    "back_cast": "(c) back-cast of 2009-2014 from 2015-2020: the past from what came after it, no forecast",
    "region": "(d) region: 2015-2020 from 2009-2014, register events of 2015 and 2017 included",
    "region_last_years": "(e) region: 2019-2020 from the years to 2018, counts to 2019 met, not fitted",
    "region without events": "(d) region without the years of the register events, 2015 and 2017",
}
SERIES_TITLES: Final = {
    "births": "births",
    "deaths": "deaths",
    "net_migration": "net migration",
    "population_1jan": "count, 1 January",
    "wage_monthly_nominal": "wage, KZT",
    "unemployment_rate": "unemployment, %",
}
WITHOUT_EVENTS: Final = "region without events"
KINDS: Final = {"regional_centre": "centre", "town": "towns", "rural_district": "rural districts"}


@dataclass(frozen=True, eq=False)
class ValidationReport:
    """All that a validation says.

    Attributes:
        forecasts: of the model by fold. scores: of every figure and forecaster. missing: by (fold, series), naive
            forecasters that could not be fed. names, kinds: of the places. effort, seed: of the re-fits.
    """

    forecasts: tuple[FoldForecast, ...]
    scores: tuple[Score, ...]
    missing: Mapping[tuple[str, str], Sequence[Missing]]
    names: Mapping[str, str]
    kinds: Mapping[str, str]
    effort: Effort
    seed: int

    @cached_property
    def all_scores(self) -> tuple[Score, ...]:
        """Scores, those of the region also without the years of the register events.

        Counts carry the level of an event for good and are scored with it.
        """
        usual = [
            replace(one, fold=WITHOUT_EVENTS)
            for one in self.scores
            if one.fold == "region" and not one.is_event and one.series != COUNTS
        ]
        return (*self.scores, *usual)

    @cached_property
    def summaries(self) -> tuple[Summary, ...]:
        """Mean scores by group, series, forecaster, of all places and of each."""
        return tuple(summaries(self.all_scores))

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The model against each naive forecaster."""
        return tuple(comparisons(self.all_scores, self.seed))

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The model's standing by group, series and place."""
        return tuple(verdicts(self.comparisons))

    @cached_property
    def labels(self) -> list[Label]:
        """Labels of single places."""
        return labels_of(self.verdicts)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups in the order of the report."""
        held = {group_of(one.fold) for one in self.all_scores}
        return tuple(group for group in GROUP_TITLES if group in held)

    def of_kind(self, kind: str) -> set[str]:
        """Return the places of a kind."""
        return {place for place, held in self.kinds.items() if held == kind}


def scores_csv(report: ValidationReport) -> str:
    """Return every figure against every forecast of it."""
    header = (
        "fold", "series", "place", "year", "register_event", "forecaster", "observed", "median",
        *(f"{end}_{level:.0%}".replace("%", "") for level in LEVELS for end in ("low", "high")),
        "crps", "log_score", "bias", *(f"inside_{level:.0%}".replace("%", "") for level in LEVELS), "share_below",
    )  # fmt: skip
    return _csv(
        header,
        (
            (
                one.fold, one.series, one.place, one.year, int(one.is_event), one.forecaster, _number(one.observed),
                _number(one.median),
                *(_number(end) for pair in zip(one.low, one.high, strict=True) for end in pair),
                _number(one.crps), _number(one.log_score), _number(one.bias), *(int(held) for held in one.inside),
                _number(one.share_below),
            )
            for one in report.scores
        ),
    )  # fmt: skip


def summary_csv(report: ValidationReport) -> str:
    """Return mean scores and coverage by group, series, place and forecaster; place "" is all."""
    header = (
        "group", "series", "place", "forecaster", "figures", "crps", "log_score",
        *(f"coverage_{level:.0%}".replace("%", "") for level in LEVELS), "mean_bias", "mean_observed",
    )  # fmt: skip
    return _csv(
        header,
        (
            (
                one.group, one.series, one.place, one.forecaster, one.figures, _number(one.crps),
                _number(one.log_score), *(_number(share) for share in one.coverage), _number(one.mean_bias),
                _number(one.mean_observed),
            )
            for one in report.summaries
        ),
    )  # fmt: skip


def skill_csv(report: ValidationReport) -> str:
    """Return the model against each naive forecaster, with the 90 % interval of the mean difference over places."""
    header = (
        "group", "series", "place", "model", "naive", "figures", "crps_model", "crps_naive", "skill",
        "difference", "difference_low", "difference_high", "places", "verdict",
    )  # fmt: skip
    return _csv(
        header,
        (
            (
                one.group, one.series, one.place, one.model, one.naive, one.figures, _number(one.skill.score),
                _number(one.skill.reference), _number(one.skill.skill), _number(one.skill.difference),
                _number(one.skill.low), _number(one.skill.high), one.skill.clusters, one.skill.verdict,
            )
            for one in report.comparisons
        ),
    )  # fmt: skip


def not_beaten_csv(report: ValidationReport) -> str:
    """Return where the model does not beat the naive forecasters: by group, series and place ("" is all)."""
    header = (
        "group", "series", "place", "model", "figures", "crps_model", "best_naive", "crps_best", "naive_as_good",
        "naive_forecasters", "worse_beyond_interval",
    )  # fmt: skip
    return _csv(
        header,
        (
            (
                one.group, one.series, one.place, one.model, one.figures, _number(one.crps), one.best,
                _number(one.best_crps), ";".join(one.as_good), one.naive, int(one.clearly),
            )
            for one in report.verdicts
            if one.as_good
        ),
    )  # fmt: skip


def report_json(report: ValidationReport) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "folds": [
            {
                "name": one.fold.name,
                "title": one.fold.title,
                "places": list(one.fold.places),
                "history": [one.fold.history.start, one.fold.history.stop - 1],
                "targets": [one.fold.targets.start, one.fold.targets.stop - 1],
                "figures_fitted": one.fitted,
                "constants": dict(one.constants),
                "diagnostics": one.diagnostics,
                "naive_not_available": {
                    series: {each.name: each.reason for each in held}
                    for (fold, series), held in report.missing.items()
                    if fold == one.fold.name
                },
            }
            for one in report.forecasts
        ],
        "coverage": [
            {"group": one.group, "series": one.series, "figures": one.figures, "crps": one.crps,
             "coverage": dict(zip((f"{level:.0%}" for level in LEVELS), one.coverage, strict=True)),
             "mean_bias": one.mean_bias, "forecaster": one.forecaster}
            for one in report.summaries
            if not one.place
        ],
        "verdicts": [
            {"group": one.group, "series": one.series, "place": one.place or None, "model": one.model,
             "figures": one.figures, "crps": one.crps, "best_naive": one.best, "crps_best_naive": one.best_crps,
             "naive_as_good": list(one.as_good), "naive_forecasters": one.naive, "beats_all": one.beats_all,
             "worse_beyond_interval": one.clearly}
            for one in report.verdicts
        ],
    }  # fmt: skip


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
