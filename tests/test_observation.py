"""The observation model: readings of the truth, roles and errors from the audit, densities, synthetic records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from calibration.audit_data import AuditData, published, read_audit_data
from calibration.observation import ObservationModel, student_density
from calibration.observation_errors import ERRORS, SERIES, Figure
from calibration.observed_figures import (
    heavy_years,
    information_lost,
    observed_figures,
    recorded_bias,
    series_noise,
    until,
)
from calibration.readings import COLUMNS_NEEDED, Truth
from model.drivers import Drivers
from model.record import Record
from tests.audit_files import AuditFiles

YEARS = range(2015, 2021)
STOCK_YEARS = tuple(range(2015, 2022))
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def data() -> AuditData:
    return read_audit_data("towns")


@pytest.fixture(scope="module")
def model(data: AuditData) -> ObservationModel:
    return ObservationModel.of_data(data, YEARS)


def truth_behind(data: AuditData, runs: int = 1) -> Truth:
    """A truth that the observed figures record without any error, the same in all runs."""
    prices = Drivers(data.drivers).price_level
    columns = {name: np.full((runs, 7, len(data.places)), np.nan) for name in COLUMNS_NEEDED}
    for p, place in enumerate(data.places):
        counts = published(data.accounts, place, "population_1jan")
        columns["population"][:, :, p] = [counts[year] for year in STOCK_YEARS]
        for name in ("births", "deaths"):
            columns[name][:, :6, p] = [published(data.accounts, place, name)[year] for year in YEARS]
        force = data.accounts[place, "labour_force"]
        columns["labour_force"][:, :6, p] = [force[year].value for year in YEARS]
        for t, year in enumerate(YEARS):
            known = {name: published(data.paper, place, name).get(year) for _, name in data.paper}
            columns["unemployment_rate"][:, t, p] = (known["unemployment_rate"] or 5.0) / 100
            columns["wage"][:, t, p] = (known["wage_monthly_nominal"] or 80_000) / prices[year]
            for column, name in (("agriculture", "agricultural"), ("industry", "industrial")):
                value = known[f"{name}_output_per_capita"] or 100.0
                columns[f"output_{column}"][:, t, p] = value * counts[year + 1] / prices[year] * 1e-6
    return Truth(columns, STOCK_YEARS, data.places)


def number(model: ObservationModel, series: str, place: str, year: int) -> int:
    return next(
        k for k, one in enumerate(model.figures) if (one.series, one.place, one.year) == (series, place, year)
    )


def figure(model: ObservationModel, series: str, place: str, year: int) -> Figure:
    return model.figures[number(model, series, place, year)]


# --- reading the truth ---------------------------------------------------------------------------------------


def test_a_truth_without_errors_is_recorded_as_it_is(data: AuditData, model: ObservationModel) -> None:
    predicted = model.predict(truth_behind(data, runs=3))
    assert predicted.shape == (3, len(model.figures))
    exact = [k for k, one in enumerate(model.figures) if one.series not in ("migration_balance", "employed")]
    np.testing.assert_allclose(predicted[:, exact], np.tile(model.observed[exact], (3, 1)), rtol=1e-12)
    for k, one in enumerate(model.figures):
        if one.series == "employed" and one.role == "check":
            assert abs(predicted[0, k] - model.observed[k]) < 0.0015, one
        if one.series == "migration_balance":
            net = data.implied_net_migration(one.place)[one.year]
            assert predicted[0, k] == pytest.approx(0.7 * net)


def test_all_series_are_read(model: ObservationModel) -> None:
    assert {one.series for one in model.figures} == set(SERIES)
    assert len({(one.series, one.place, one.year) for one in model.figures}) == len(model.figures)


READS: dict[str, tuple[str, str, float]] = {
    # column of the truth that is raised by a tenth in 2017, series that must follow, factor
    "births": ("births", "births", 1.1),
    "deaths": ("deaths", "deaths", 1.1),
    "labour_force": ("labour_force", "labour_force", 1.1),
    "labour_force for employed": ("labour_force", "employed", 1.1),
    "wage": ("wage", "wage", 1.1),
    "unemployment": ("unemployment_rate", "unemployment_rate", 1.1),
}


@pytest.mark.parametrize("case", READS)
def test_a_change_of_the_truth_is_seen_where_it_belongs(
    data: AuditData, model: ObservationModel, case: str
) -> None:
    column, series, factor = READS[case]
    before = truth_behind(data)
    after = truth_behind(data)
    after.columns[column][:, 2, 0] *= factor
    first, second = (model.natural(model.predict(truth)) for truth in (before, after))
    k = number(model, series, data.places[0], 2017)
    assert second[0, k] / first[0, k] == pytest.approx(factor)
    of_others = [i for i, one in enumerate(model.figures) if one.place != data.places[0]]
    np.testing.assert_array_equal(first[:, of_others], second[:, of_others])


def test_implied_net_migration_comes_from_the_accounts(data: AuditData, model: ObservationModel) -> None:
    truth = truth_behind(data)
    truth.columns["births"][:, 1, 0] += 10.0
    predicted = model.predict(truth)
    k = number(model, "net_migration", "bulaevo", 2016)
    assert predicted[0, k] == 6 - 10
    assert predicted[0, number(model, "count", "bulaevo", 2017)] == 7704


def test_the_level_of_output_per_head_is_free(data: AuditData, model: ObservationModel) -> None:
    doubled, once = truth_behind(data), truth_behind(data)
    doubled.columns["output_agriculture"][:] *= 2.0
    np.testing.assert_allclose(model.predict(doubled), model.predict(once), rtol=1e-12)
    once.columns["output_agriculture"][:, 2, 0] *= 1.2
    k = number(model, "agricultural_output", "bulaevo", 2017)
    assert model.predict(once)[0, k] - model.observed[k] == pytest.approx(np.log(1.2) * 5 / 6)


# --- what the audit decides ----------------------------------------------------------------------------------


def test_figures_that_repeat_others_only_check(model: ObservationModel) -> None:
    checks = {(one.series, one.place, one.year) for one in model.figures if one.role == "check"}
    employed = {(place, year) for series, place, year in checks if series == "employed"}
    assert employed == {
        (place, year) for place in ("bulaevo", "mamlyutka") for year in (2015, 2016, 2017, 2018, 2020)
    }
    assert {series for series, _, _ in checks} == {"count", "employed"}
    assert figure(model, "employed", "mamlyutka", 2016).reading == "labour_force"
    assert figure(model, "employed", "mamlyutka", 2020).reading == ""
    doubtful = figure(model, "employed", "mamlyutka", 2019)
    assert (doubtful.role, doubtful.reading) == ("fit", "either")
    assert doubtful.recording_sd > figure(model, "employed", "mamlyutka", 2020).recording_sd


def test_interpolated_figures_are_not_observed(model: ObservationModel) -> None:
    years = {one.year for one in model.figures if one.series == "labour_force"}
    assert years == {2015, 2016, 2017, 2018, 2020}


def test_heavy_tails_stand_where_the_audit_found_events(data: AuditData, model: ObservationModel) -> None:
    heavy = {(one.series, one.place, one.year) for one in model.figures if np.isfinite(one.degrees)}
    assert heavy == {
        *(("net_migration", place, 2015) for place in data.places),
        ("net_migration", "sergeevka", 2017),
        ("wage", "bulaevo", 2019),
    }
    assert set(heavy_years(data, "bulaevo")) == {2015}
    wage = figure(model, "wage", "bulaevo", 2019)
    assert wage.recording_sd == pytest.approx(-np.log(0.87), abs=0.003)


def test_one_extreme_year_does_not_decide(data: AuditData, model: ObservationModel) -> None:
    """A register event as large as Mamlyutka's costs far less in 2015 than in an ordinary year."""

    def loss(year: int) -> float:
        truth = truth_behind(data)
        at_ease = model.log_density(model.predict(truth))[0]
        truth.columns["births"][:, year - 2015, 1] += 150.0
        k = number(model, "net_migration", "mamlyutka", year)
        births = number(model, "births", "mamlyutka", year)
        net_only = model.keeping(series=["net_migration"])
        assert model.predict(truth)[0, k] - model.observed[k] == -150.0
        assert model.predict(truth)[0, births] - model.observed[births] == 150.0
        truth_before = truth_behind(data)
        assert at_ease == model.log_density(model.predict(truth_before))[0]
        return float(
            net_only.log_density(net_only.predict(truth_before))[0]
            - net_only.log_density(net_only.predict(truth))[0]
        )

    assert loss(2016) > 30.0
    assert 0.2 < loss(2015) < 3.0


def test_shared_totals_count_once_for_both_towns(model: ObservationModel) -> None:
    shared = figure(model, "agricultural_output", "bulaevo", 2015)
    own = figure(model, "agricultural_output", "bulaevo", 2017)
    assert shared.recording_sd**2 == pytest.approx(2 * own.recording_sd**2)
    assert shared.discrepancy_sd**2 == pytest.approx(2 * own.discrepancy_sd**2)
    assert "shared by 2 places" in shared.sd_source


def test_output_is_divided_by_the_count_it_was_divided_by(
    data: AuditData, model: ObservationModel, tmp_path: Path
) -> None:
    assert figure(model, "industrial_output", "bulaevo", 2016).count_year == 2017
    files = AuditFiles()
    for year in YEARS:
        for place in ("bulaevo", "mamlyutka"):
            count = files.official(place, "population_1jan", year)
            files.set("paper_tables.csv", place, "population", year, count)
    right = ObservationModel.of_data(read_audit_data("towns", files.write(tmp_path)), YEARS)
    assert figure(right, "industrial_output", "bulaevo", 2016).count_year == 2016


def test_which_migration_series_is_believed_is_a_switch(data: AuditData, model: ObservationModel) -> None:
    recorded = ObservationModel.of_data(data, YEARS, believed="recorded")
    balance = figure(recorded, "migration_balance", "bulaevo", 2018)
    assert (balance.coverage, balance.coverage_sd, balance.level_sd, balance.role) == (1.0, 0.0, 0.0, "fit")
    assert figure(recorded, "net_migration", "bulaevo", 2018).role == "check"
    assert figure(recorded, "net_migration", "tayynsha", 2018).role == "fit"
    own = figure(model, "migration_balance", "bulaevo", 2018)
    assert own.level_sd == pytest.approx((recorded_bias(data) or 0.0) * 7722)
    assert (own.coverage, own.coverage_sd) == (0.7, 0.25)

    def pull(of: ObservationModel) -> float:
        """How much likelier forty leavers a year more than the accounts are."""
        truth = truth_behind(data)
        truth.columns["population"][:, :, 0] -= 40.0 * np.arange(7)
        only = of.keeping(series=["net_migration", "migration_balance"], places=["bulaevo"])
        before, after = (only.log_density(only.predict(one))[0] for one in (truth_behind(data), truth))
        return float(after - before)

    assert pull(model) < 0.0 < pull(recorded)


def test_a_fold_knows_nothing_from_outside(data: AuditData) -> None:
    fold = ObservationModel.of_data(until(data, 2018), range(2015, 2019))
    assert {one.year for one in fold.figures if one.series != "count"} == {2015, 2016, 2017, 2018}
    assert max(one.year for one in fold.figures) == 2019
    assert not any(one.series == "wage" and np.isfinite(one.degrees) for one in fold.figures)
    changed = {
        key: {
            year: replace(point, value=point.value * (3.0 if year > 2019 else 1.0))
            for year, point in points.items()
        }
        for key, points in data.accounts.items()
    }
    other = ObservationModel.of_data(until(replace(data, accounts=changed), 2018), range(2015, 2019))
    assert other.figures == fold.figures


def test_noise_is_taken_from_second_differences() -> None:
    rng = np.random.default_rng(5)
    line = {t: float(np.exp(0.1 * t + 0.05 * rng.standard_normal())) for t in range(400)}
    assert series_noise(line, 0.5) == pytest.approx(0.05 * np.sqrt(1 + 4 / 402 * 100), rel=0.15)
    assert series_noise({2015: 5.0, 2016: 6.0}, 0.03) == 0.03


def test_a_users_world_is_told_what_it_lacks() -> None:
    data = read_audit_data("template")
    figures = observed_figures(data)
    assert {one.series for one in figures} >= {"count", "births", "deaths", "net_migration"}
    assert "wage" in information_lost(data, figures)["samplestead"]
    with pytest.raises(ValueError, match="no observed figure of samplestead in 1960-1969"):
        observed_figures(data, range(1960, 1970))


def test_every_error_has_a_source(model: ObservationModel) -> None:
    assert all(errors.source for errors in ERRORS.values())
    assert all(one.sd_source and one.source and one.recording_sd > 0 for one in model.figures)


# --- densities -----------------------------------------------------------------------------------------------


def wobbled(data: AuditData, runs: int = 5) -> Truth:
    truth = truth_behind(data, runs)
    rng = np.random.default_rng(3)
    for name in ("births", "deaths", "labour_force", "wage", "output_industry"):
        truth.columns[name][:] *= np.exp(0.05 * rng.standard_normal(truth.columns[name].shape))
    return truth


def test_the_density_is_that_of_scipy(data: AuditData, model: ObservationModel) -> None:
    predicted = model.predict(wobbled(data))
    extra = np.linspace(0.0, 0.01, len(model.figures))
    for column, block in enumerate(model.blocks):
        ours = model.block_densities(predicted, extra)[:, column]
        own = (model.variance(extra))[block]
        degrees = [model.figures[k].degrees for k in block]
        for run in range(5):
            residual = model.observed[block] - predicted[run, block]
            if np.isfinite(degrees).any():
                theirs = sum(
                    stats.t.logpdf(r, df, scale=np.sqrt(v))
                    if np.isfinite(df)
                    else stats.norm.logpdf(r, scale=np.sqrt(v))
                    for r, df, v in zip(residual, degrees, own, strict=True)
                )
            else:
                first = model.figures[block[0]]
                truth = predicted[run, block] / first.coverage
                level = np.array([model.figures[k].level_sd for k in block])
                covariance = (
                    np.diag(own) + np.outer(level, level) + first.coverage_sd**2 * np.outer(truth, truth)
                )
                theirs = stats.multivariate_normal.logpdf(residual, cov=covariance)
            assert ours[run] == pytest.approx(theirs, rel=1e-9)


def test_only_figures_to_fit_enter_the_density(data: AuditData, model: ObservationModel) -> None:
    predicted = model.predict(wobbled(data))
    other = predicted.copy()
    other[:, ~model.is_fit] += 5.0
    np.testing.assert_array_equal(model.log_density(predicted), model.log_density(other))
    np.testing.assert_array_equal(model.distance(predicted), model.distance(other))
    fitted = [k for k, block in enumerate(model.blocks) if model.is_fit[block[0]]]
    np.testing.assert_allclose(
        model.log_density(predicted), model.block_densities(predicted)[:, fitted].sum(axis=1), rtol=1e-12
    )


def test_runs_are_scored_alone(data: AuditData, model: ObservationModel) -> None:
    predicted = model.predict(wobbled(data))
    together = model.log_density(predicted)
    alone = [model.log_density(predicted[[run]])[0] for run in range(5)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_better_truths_are_likelier_nearer_and_more_plausible(
    data: AuditData, model: ObservationModel
) -> None:
    truth = truth_behind(data, 3)
    for run, factor in enumerate((1.0, 1.1, 1.3)):
        for name in ("births", "labour_force", "wage"):
            truth.columns[name][run] *= factor
    predicted = model.predict(truth)
    for worse in (-model.log_density(predicted), model.distance(predicted), model.implausibility(predicted)):
        assert worse[0] < worse[1] < worse[2]
    assert model.implausibility(predicted, rank=1)[0] >= model.implausibility(predicted, rank=2)[0]
    with pytest.raises(ValueError, match="rank 0"):
        model.implausibility(predicted, rank=0)


def test_student_density_against_scipy() -> None:
    residual = np.array([[-3.0, 0.1, 40.0]])
    scale, degrees = np.array([1.0, 0.5, 2.0]), np.array([3.0, np.inf, 3.0])
    expected = [stats.t.logpdf(-3, 3), stats.norm.logpdf(0.1, scale=0.5), stats.t.logpdf(40, 3, scale=2)]
    np.testing.assert_allclose(student_density(residual, scale, degrees)[0], expected, rtol=1e-12)


def test_a_heavy_tail_beside_a_common_error_is_refused(model: ObservationModel) -> None:
    heavy = tuple(replace(one, degrees=3.0) if one.series == "labour_force" else one for one in model.figures)
    with pytest.raises(ValueError, match="labour_force of bulaevo: a heavy tail beside an error common"):
        ObservationModel(heavy, model.prices)


# --- synthetic records ---------------------------------------------------------------------------------------


def test_drawn_records_have_the_errors_that_the_density_assumes(
    data: AuditData, model: ObservationModel
) -> None:
    predicted = model.predict(truth_behind(data, 4000))
    drawn = model.draw(predicted, seed=11)
    for block in model.blocks:
        first = model.figures[block[0]]
        errors = drawn[:, block] - predicted[:, block]
        if np.isfinite([model.figures[k].degrees for k in block]).any():
            own = np.sqrt(model.variance())[block]
            share = (np.abs(errors) < own).mean(axis=0)
            expected = [
                1 - 2 * stats.t.sf(1, df) if np.isfinite(df) else 0.6827
                for df in (model.figures[k].degrees for k in block)
            ]
            np.testing.assert_allclose(share, expected, atol=0.03)
        elif "output" not in first.series:
            expected_covariance = model.covariance(block, predicted[:1])[0]
            spread = np.sqrt(np.diag(expected_covariance))
            np.testing.assert_allclose(
                np.cov(errors.T) / np.outer(spread, spread),
                expected_covariance / np.outer(spread, spread),
                atol=0.08,
            )


def test_drawing_repeats_itself(data: AuditData, model: ObservationModel) -> None:
    predicted = model.predict(truth_behind(data, 3))
    np.testing.assert_array_equal(model.draw(predicted, 1), model.draw(predicted, 1))
    assert (model.draw(predicted, 1) != model.draw(predicted, 2)).all()
    calm = model.draw(predicted, 1, discrepancy=False)
    births = [k for k, one in enumerate(model.figures) if one.series == "births"]
    assert (
        np.abs(calm - predicted)[:, births].mean()
        < 0.5 * np.abs(model.draw(predicted, 1) - predicted)[:, births].mean()
    )


def test_a_synthetic_record_takes_the_place_of_the_real_one(data: AuditData, model: ObservationModel) -> None:
    predicted = model.predict(wobbled(data, 1))
    synthetic = model.with_observed(model.draw(predicted, 4)[0])
    np.testing.assert_allclose(synthetic.observed, model.draw(predicted, 4)[0], rtol=1e-12)
    assert [one.recording_sd for one in synthetic.figures] == [one.recording_sd for one in model.figures]
    own = synthetic.log_density(synthetic.predict(wobbled(data, 1)))[0]
    far = synthetic.log_density(synthetic.predict(truth_behind(data)))[0]
    assert own > far


def test_figures_can_be_chosen(model: ObservationModel) -> None:
    some = model.keeping(series=["births", "deaths"], places=["tayynsha"], years=[2016])
    assert [(one.series, one.place, one.year) for one in some.figures] == [
        ("births", "tayynsha", 2016), ("deaths", "tayynsha", 2016),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no observed figure is left"):
        model.keeping(places=["atlantis"])


# --- what is refused -----------------------------------------------------------------------------------------


def without_wage(truth: Truth) -> Truth:
    return Truth({k: v for k, v in truth.columns.items() if k != "wage"}, truth.years, truth.places)


def narrow(truth: Truth) -> Truth:
    return Truth({**truth.columns, "births": truth.columns["births"][:, :3]}, truth.years, truth.places)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(without_wage, "lacks the columns wage"), (narrow, "column 'births' has shape")],
)
def test_an_incomplete_truth_is_refused(
    data: AuditData, spoil: Callable[[Truth], Truth], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        spoil(truth_behind(data))


def test_years_and_places_that_were_not_simulated_are_named(data: AuditData, model: ObservationModel) -> None:
    truth = truth_behind(data)
    short = Truth({k: v[:, :4] for k, v in truth.columns.items()}, truth.years[:4], truth.places)
    with pytest.raises(ValueError, match="no simulated population of bulaevo in 2019"):
        model.predict(short)
    truth.columns["deaths"][0, 2, 1] = np.nan
    with pytest.raises(ValueError, match="simulated deaths of mamlyutka in 2017 is not a number"):
        model.predict(truth)


def test_truth_of_single_runs(data: AuditData) -> None:
    records = [Record(2015, 2021, len(data.places), 9) for _ in range(3)]
    for run, record in enumerate(records):
        record.values[:] = run + 1.0
    truth = Truth.of_records(records, data.places)
    assert truth.runs == 3
    assert truth.years == STOCK_YEARS
    np.testing.assert_array_equal(truth.at("population", 2021, "tayynsha"), [1.0, 2.0, 3.0])
