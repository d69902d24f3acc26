"""Scores of a fold side by side, verdicts, and the labels that a forecast carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import calibration.forecast_labels
from calibration.audit_data import AuditData, read_audit_data
from calibration.fold_forecast import FREE, MODEL, FoldForecast, ModelForecast, _forecasts, bindings
from calibration.fold_scores import Comparison, Score, comparisons, group_of, score_fold, summaries, verdicts
from calibration.folds import COUNTS, Fold, folds, observed_targets
from calibration.forecast_labels import (
    LabelsError,
    labels_manifest,
    labels_of,
    labels_text,
    read_labels,
    shipped_labels,
)
from calibration.observation import ObservationModel
from calibration.observed_figures import figure_of
from model.world import World

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def data() -> AuditData:
    return read_audit_data("towns")


@pytest.fixture(scope="module")
def last_years(data: AuditData) -> Fold:
    return next(fold for fold in folds(data) if fold.name == "last_years")


def made_up(data: AuditData, fold: Fold, series: str, shift: float, sd: float) -> FoldForecast:
    """A forecast that misses every figure by ``shift`` and says ``sd``."""
    observed = observed_targets(data, fold, series, fold.places)
    noise = np.random.default_rng(3).standard_normal((500, *observed.shape))
    noise -= noise.mean(axis=0)
    members = observed + shift + sd * noise
    own = ModelForecast(MODEL, series, fold.places, tuple(fold.target_years(series)), members)
    return FoldForecast(fold, (own,), (), 0, {})


def scored(data: AuditData, world: World, fold: Fold, series: str, shift: float, sd: float) -> list[Score]:
    scores, _ = score_fold(data, world.schedules, made_up(data, fold, series, shift, sd), 1)
    return scores


def test_a_forecast_that_knows_the_answer_beats_every_naive_one(
    data: AuditData, towns: World, last_years: Fold
) -> None:
    found = verdicts(comparisons(scored(data, towns, last_years, "births", 0.0, 0.5), 1))
    assert {one.place for one in found} == {"", *data.places}
    assert all(one.beats_all for one in found)
    assert not any(one.beaten for one in labels_of(found))
    whole = next(one for one in found if not one.place)
    assert whole.figures == 8
    assert whole.naive == 6


def test_a_forecast_that_misses_is_said_to_lose_and_labelled(
    data: AuditData, towns: World, last_years: Fold
) -> None:
    scores = scored(data, towns, last_years, "births", 80.0, 2.0)
    found = verdicts(comparisons(scores, 1))
    whole = next(one for one in found if not one.place)
    assert len(whole.as_good) == whole.naive == 6
    assert whole.clearly
    assert whole.best == whole.as_good[0]
    own = next(one for one in summaries(scores) if one.forecaster == MODEL and not one.place)
    assert own.mean_bias == pytest.approx(80.0, abs=0.5)
    assert own.coverage == (0.0, 0.0, 0.0)
    labels = labels_of(found)
    assert {one.place for one in labels if one.beaten} == set(data.places)
    assert "births (" in str(labels[0])
    assert labels_manifest(labels)[0]["label"] == "did not beat a naive forecaster"


def test_wide_intervals_cover_and_narrow_ones_do_not(data: AuditData, towns: World, last_years: Fold) -> None:
    for sd, covered in ((30.0, 1.0), (0.1, 0.0)):
        scores = scored(data, towns, last_years, "deaths", 3.0, sd)
        own = next(one for one in summaries(scores) if one.forecaster == MODEL and not one.place)
        assert own.coverage == (covered,) * 3
        shares = [one.share_below for one in scores if one.forecaster == MODEL]
        assert all(0.0 < share < (0.6 if sd > 1.0 else 0.01) for share in shares)


def test_the_model_is_compared_on_common_figures_only(
    data: AuditData, towns: World, last_years: Fold
) -> None:
    scores = scored(data, towns, last_years, "births", 5.0, 2.0)
    fewer = [one for one in scores if one.forecaster != MODEL or one.year == 2019]
    found: list[Comparison] = comparisons(fewer, 1)
    assert {one.figures for one in found if not one.place} == {4}


def test_towns_left_out_are_summed_up_together() -> None:
    assert group_of("left_out_bulaevo") == group_of("left_out_tayynsha") == "left_out"
    assert group_of("last_years") == "last_years"


def test_years_of_register_events_are_marked_in_the_region_only(data: AuditData, towns: World) -> None:
    for name, expected in (("region", {2015, 2017}), ("left_out_bulaevo", set())):
        fold = Fold(name, "", ("bulaevo",), range(2009, 2015), range(2015, 2021), ("tayynsha",))
        scores = scored(data, towns, fold, "births", 1.0, 2.0)
        assert {one.year for one in scores if one.is_event} == expected


def test_only_a_fold_that_knows_later_counts_meets_them(data: AuditData) -> None:
    late = bindings(
        next(fold for fold in folds(read_audit_data("region")) if fold.name == "region_last_years")
    )
    assert late == {MODEL: 2019, FREE: 0}
    by_name = {fold.name: bindings(fold) for fold in folds(data)}
    assert by_name["last_years"] == {MODEL: 2019, FREE: 0}
    others = [names for name, names in by_name.items() if name != "last_years"]
    assert len(others) >= 5
    assert all(names == {MODEL: 0} for names in others)


def test_counts_of_a_back_cast_are_walked_back_from_the_known_one(data: AuditData) -> None:
    figures = tuple(
        figure_of("count", "bulaevo", year, value, "persons", "made up", 1e-9)
        for year, value in ((2015, 7644.0), (2013, 7900.0), (2014, 7800.0))
    )
    observation = ObservationModel(figures, {})
    records = np.array([[8000.0, 8190.0, 8050.0], [7000.0, 7010.0, 7030.0]])
    back = next(fold for fold in folds(data) if fold.is_backward)
    fold = Fold(back.name, "", ("bulaevo",), back.history, range(2013, 2015))
    yielded = _forecasts(data, fold, observation, {MODEL: records}, {"bulaevo": 2015}, 1)
    made = {one.name: one for one in yielded if one.series == COUNTS}
    assert np.allclose(made[MODEL].members[:, :, 0], [[7834.0, 7694.0], [7654.0, 7674.0]], atol=1e-3)


def test_free_runs_are_scored_beside_those_that_meet_the_counts(data: AuditData, last_years: Fold) -> None:
    figures = tuple(
        figure_of("count", "bulaevo", year, value, "persons", "made up", 1e-9)
        for year, value in ((2019, 7700.0), (2020, 7725.0), (2021, 7653.0))
    )
    records = np.array([[8000.0, 7990.0, 7950.0], [7000.0, 7010.0, 7030.0]])
    fold = Fold("last_years", "", ("bulaevo",), last_years.history, last_years.targets)
    both = {MODEL: records, FREE: records + 50.0}
    yielded = _forecasts(data, fold, ObservationModel(figures, {}), both, {"bulaevo": 2019}, 1)
    made = {one.name: one for one in yielded if one.series == COUNTS}
    assert np.allclose(made[MODEL].members[:, :, 0], records[:, 1:], atol=1e-3)
    assert np.allclose(made[FREE].members[:, :, 0], records[:, 1:] + 50.0, atol=1e-3)


# --- labels ------------------------------------------------------------------------------------------------


def test_labels_are_read_as_they_were_written(
    data: AuditData, towns: World, last_years: Fold, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = labels_of(verdicts(comparisons(scored(data, towns, last_years, "births", 8.0, 2.0), 1)))
    path = tmp_path / "towns.csv"
    path.write_text(labels_text(labels), encoding="utf-8")
    assert [one.place for one in read_labels(path)] == [one.place for one in labels]
    assert [one.beaten for one in read_labels(path)] == [one.beaten for one in labels]
    monkeypatch.setattr(calibration.forecast_labels, "SHIPPED", tmp_path)
    assert shipped_labels(towns, "towns") == read_labels(path)
    assert shipped_labels(towns, "my_world.toml") is None


def test_damaged_labels_are_named_with_their_line(
    data: AuditData, towns: World, last_years: Fold, tmp_path: Path
) -> None:
    labels = labels_of(verdicts(comparisons(scored(data, towns, last_years, "births", 80.0, 2.0), 1)))
    lines = labels_text(labels).splitlines()
    path = tmp_path / "labels.csv"
    for line, text, expected in (
        (2, lines[2].rsplit(",", 1)[0] + ",0", "beaten = 0 contradicts"),
        (1, "bulaevo,births", "not a label"),
        (0, "place,nothing", "expected the columns"),
    ):
        path.write_text("\n".join([*lines[:line], text, *lines[line + 1 :]]) + "\n", encoding="utf-8")
        with pytest.raises(LabelsError, match=f":{line + 1}: .*{expected}|:{line + 1}: {expected}"):
            read_labels(path)
