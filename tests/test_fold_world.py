"""What a fold knows: nothing from the years it is scored on reaches the figures, the world or the constants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.audit_data import AuditData, published, read_audit_data
from calibration.back_cast import (
    SHIFT,
    YEARS,
    BackCastConstants,
    back_cast_world,
    expected_flows,
    reversed_ages,
)
from calibration.fold_forecast import target_figures
from calibration.fold_world import (
    FoldConstants,
    fitted_data,
    fold_constants,
    fold_world,
    founding_years,
    growth,
    mortality_of_2020,
    net_rate,
)
from calibration.folds import COUNTS, Fold, folds
from calibration.naive_cohorts import aged, survival
from calibration.observation import ObservationModel
from model.founding import Founding
from model.parameters import ParameterSpace
from model.priors import Normal
from model.schedules import frozen_array
from model.series_tables import Table
from model.world import World

FOLDS = ("last_years", "left_out_bulaevo", "left_out_mamlyutka", "left_out_tayynsha", "back_cast")


@pytest.fixture(scope="module")
def data() -> AuditData:
    return read_audit_data("towns")


@pytest.fixture(scope="module")
def by_name(data: AuditData) -> dict[str, Fold]:
    return {fold.name: fold for fold in folds(data)}


def spoiled(data: AuditData, fold: Fold) -> AuditData:
    """The data with every figure that the fold must not know multiplied by seven."""

    def spoil(table: Table) -> Table:
        made: Table = {}
        for (territory, variable), points in table.items():
            hidden = hidden_years(fold, territory, variable)
            made[territory, variable] = {
                year: replace(point, value=7.0 * point.value) if year in hidden else point
                for year, point in points.items()
            }
        return made

    return replace(data, accounts=spoil(data.accounts), paper=spoil(data.paper), budget=spoil(data.budget))


def hidden_years(fold: Fold, territory: str, variable: str) -> set[int]:
    """Years of a series outside the fold, as the issue states the folds."""
    count = int(variable == COUNTS)
    if fold.name == "last_years":
        return set(range(2019 + count, 2022))
    if fold.name == "back_cast":
        return set(range(1900, 2015))
    return set(range(2015 + count, 2022)) if territory in fold.places else set()


def known_constants(
    world: World, data: AuditData, fold: Fold
) -> tuple[World, FoldConstants, tuple[float, ...], ObservationModel]:
    inside = fitted_data(data, fold)
    made = fold_world(world, inside, fold)
    priors = {one.name: one.prior for one in ParameterSpace(world).parameters}
    constants = fold_constants(made, data, inside, fold, priors, 1)
    years = [year for year in range(2015, 2021) if fold.others or year in fold.history]
    observation = ObservationModel.of_data(inside, years)
    return made, constants, tuple(observation.observed.tolist()), observation


@pytest.mark.parametrize("name", FOLDS)
def test_no_figure_from_outside_a_fold_changes_what_it_is_fitted_with(
    towns: World, data: AuditData, by_name: dict[str, Fold], name: str
) -> None:
    fold = by_name[name]
    # The world as read holds means of 2013-2017 and rates of 2009-2020: a fold must not take them over
    wrong = replace(
        towns,
        founding_births=frozen_array(9.0 * towns.founding_births),
        founding_deaths=frozen_array(9.0 * towns.founding_deaths),
        net_rate_2009_2014=frozen_array(towns.net_rate_2009_2014 + 1.0),
        net_rate_2015_2020=frozen_array(towns.net_rate_2015_2020 + 1.0),
        labour_force_2015=frozen_array(9.0 * towns.labour_force_2015),
        local_budget=frozen_array(9.0 * towns.local_budget),
    )
    world, constants, observed, observation = known_constants(towns, data, fold)
    other, spoiled_constants, spoiled_observed, spoiled_observation = known_constants(
        wrong, spoiled(data, fold), fold
    )
    for field in (
        "founding_births",
        "founding_deaths",
        "net_rate_2015_2020",
        "labour_force_2015",
        "local_budget",
    ):
        assert np.array_equal(getattr(world, field), getattr(other, field), equal_nan=True), field
    scaled = {
        "sigma_A",
        "sigma_I",
    }  # their scale is relative to all years: the fold's own part is tested below
    for one, another in zip(constants.constants, spoiled_constants.constants, strict=True):
        assert (one.name, one.prior) == (another.name, another.prior)
        assert one.scaling == another.scaling or one.name in scaled
    assert observed == spoiled_observed
    assert np.array_equal(observation.recording_sd, spoiled_observation.recording_sd)


def test_regional_demography_ends_with_the_fold_and_prices_do_not(
    data: AuditData, by_name: dict[str, Fold]
) -> None:
    inside = fitted_data(data, by_name["last_years"])
    assert max(inside.drivers["nkr", "births"]) == 2018
    assert max(inside.drivers["nkr", COUNTS]) == 2019
    assert max(inside.drivers["nkr", "cpi_dec_dec"]) == max(data.drivers["nkr", "cpi_dec_dec"])
    assert min(fitted_data(data, by_name["back_cast"]).drivers["nkr", "births"]) == 2015


def test_known_figures_do_change_a_fold(towns: World, data: AuditData, by_name: dict[str, Fold]) -> None:
    fold = by_name["last_years"]
    points = dict(data.accounts["bulaevo", "births"])
    points[2016] = replace(points[2016], value=points[2016].value + 50.0)
    changed = replace(data, accounts={**data.accounts, ("bulaevo", "births"): points})
    before, after = (fold_world(towns, fitted_data(one, fold), fold) for one in (data, changed))
    assert after.founding_births[towns.index("bulaevo")] == pytest.approx(
        before.founding_births[towns.index("bulaevo")] + 10.0
    )


def test_a_fold_with_all_years_founds_as_the_world_does(towns: World, data: AuditData) -> None:
    whole = Fold("all", "", data.places, range(2009, 2021), range(2021, 2022))
    made = fold_world(towns, data, whole)
    assert np.array_equal(made.founding_births, towns.founding_births)
    assert np.array_equal(made.founding_deaths, towns.founding_deaths)
    assert np.array_equal(made.labour_force_2015, towns.labour_force_2015)


def test_founding_years_are_those_nearest_to_2015_where_the_usual_ones_are_not_known() -> None:
    def known(first: int, last: int) -> dict[int, float]:
        return dict.fromkeys(range(first, last + 1), 1.0)

    assert founding_years(known(2009, 2018)) == (2013, 2014, 2015, 2016, 2017)
    assert founding_years(known(2009, 2014)) == (2010, 2011, 2012, 2013, 2014)
    assert founding_years(known(2015, 2020)) == (2015, 2016, 2017, 2018, 2019)
    assert founding_years({}) == ()


def test_nobody_knows_of_the_epidemic_before_2020(data: AuditData, by_name: dict[str, Fold]) -> None:
    before = mortality_of_2020(fitted_data(data, by_name["last_years"]), by_name["last_years"]).prior
    assert isinstance(before, Normal)
    assert before.mean == 1.0
    assert before.sd > 0.01
    fold = by_name["left_out_mamlyutka"]
    inside = fitted_data(data, fold)
    known = mortality_of_2020(inside, fold)
    assert isinstance(known.prior, Normal)
    others = [unit for unit in data.units("nkr") if unit != "mamlyutka"]
    deaths = {
        year: sum(published(data.accounts, unit, "deaths")[year] for unit in others)
        for year in range(2015, 2021)
    }
    assert known.prior.mean == pytest.approx(
        deaths[2020] / np.mean([deaths[year] for year in range(2015, 2020)])
    )
    assert "17 known units" in known.reason


def test_growth_and_net_rate_are_those_of_the_known_years(data: AuditData, by_name: dict[str, Fold]) -> None:
    assert growth({2015: 100.0, 2016: 90.0, 2017: 81.0}) == pytest.approx(np.log(0.9))
    assert growth({2015: 100.0, 2016: 90.0}) is None
    inside = fitted_data(data, by_name["back_cast"])
    counts = published(data.accounts, "bulaevo", COUNTS)
    net = data.implied_net_migration("bulaevo")
    expected = np.mean([net[year] / counts[year] for year in range(2015, 2021)])
    assert net_rate(inside, "bulaevo", 2009) == pytest.approx(expected)


def test_constants_of_a_run_are_keyed_by_its_number(
    towns: World, data: AuditData, by_name: dict[str, Fold]
) -> None:
    _, constants, _, _ = known_constants(towns, data, by_name["last_years"])
    assert constants(3, {}) == constants(3, {})
    values = np.array([constants(number, {})["mortality_2020"] for number in range(400)])
    prior = constants.constants[0].prior
    assert isinstance(prior, Normal)
    assert values.mean() == pytest.approx(1.0, abs=4.0 * prior.sd / 20.0)
    assert values.std() == pytest.approx(prior.sd, rel=0.2)
    declines = {name for name in constants(0, {}) if name.startswith("hinterland_decline.")}
    assert len(declines) == 4


# --- back-cast ---------------------------------------------------------------------------------------------


def test_reverse_survival_is_undone_by_survival(towns: World, towns_founding: Founding) -> None:
    ages = reversed_ages(towns, towns_founding)
    assert ages.shape == (4, 2, 111)
    founders = towns.founding_population.astype(float)
    # The dead are back, those born since 2009 are gone
    assert (ages[:, :, 60:80].sum(axis=(1, 2)) > 0).all()
    for p in range(4):
        share = survival(towns.schedules, float(np.exp(towns_founding.mortality_offset[p])))
        again = aged(ages[p], share, YEARS)
        assert again[:, :YEARS].sum() == 0.0
        own = towns_founding.people.age[: towns_founding.n_people]
        assert again.sum() < founders[p]
    older = float((own >= YEARS).sum())
    total = sum(
        aged(
            ages[p], survival(towns.schedules, float(np.exp(towns_founding.mortality_offset[p]))), YEARS
        ).sum()
        for p in range(4)
    )
    assert total == pytest.approx(older, rel=2e-3)


def test_the_back_cast_starts_without_the_migrants_since_and_with_drivers_that_stand_still(
    towns: World, data: AuditData, by_name: dict[str, Fold]
) -> None:
    fold = by_name["back_cast"]
    inside = fitted_data(data, fold)
    world = fold_world(towns, inside, fold)
    past = back_cast_world(world, inside)
    for p, place in enumerate(past.ids[: past.n_sim]):
        observed = published(data.accounts, place, COUNTS)[2009]
        assert past.founding_population[p] == pytest.approx(observed, rel=0.15)
        net = sum(inside.implied_net_migration(place).values())
        moved = replace(inside, accounts=shifted_counts(inside, place, 600.0))
        fewer = back_cast_world(world, moved)
        assert sum(moved.implied_net_migration(place).values()) == pytest.approx(net + 600.0)
        assert past.founding_population[p] - fewer.founding_population[p] == pytest.approx(600.0, abs=1.0)
    for series in ("nkr", "astana"):
        wages = [past.drivers.wage_real(series, year) for year in range(2015, 2021)]
        assert np.allclose(wages, towns.drivers.wage_real(series, 2015))
    russian = [past.drivers.wage_real_russia("omsk", year) for year in range(2015, 2021)]
    assert np.allclose(russian, towns.drivers.wage_real_russia("omsk", 2015))
    rates = [past.drivers.unemployment("nkr", year) for year in range(2015, 2021)]
    assert rates == [towns.drivers.unemployment("nkr", 2015)] * 6
    assert past.zone_jobs == {}
    assert past.local_budget.shape == (4, 1)


def shifted_counts(data: AuditData, place: str, persons: float) -> Table:
    """Counts with ``persons`` more on the last 1 January: so many more came in the known years."""
    points = dict(data.accounts[place, COUNTS])
    points[2021] = replace(points[2021], value=points[2021].value + persons)
    return {**data.accounts, (place, COUNTS): points}


def test_births_of_the_past_rest_on_the_women_of_the_past(towns: World, towns_founding: Founding) -> None:
    ages = reversed_ages(towns, towns_founding)
    births, deaths = expected_flows(towns, towns_founding, ages)
    more, _ = expected_flows(towns, towns_founding, ages * np.array([1.0, 2.0])[None, :, None])
    assert np.allclose(more, 2.0 * births)
    assert (births > 0.5 * towns.founding_births).all()
    assert (births < 2.0 * towns.founding_births).all()
    assert (deaths > 0.5 * towns.founding_deaths).all()


def test_fertility_of_the_back_cast_lies_six_years_back_on_its_trend() -> None:
    constants = BackCastConstants(1, Normal(1.9, 1e-9), ("x_rural",))
    assert SHIFT == -6
    found = constants(0, {"g_f": -0.01})
    assert found["tfr"] == pytest.approx(1.9 * np.exp(0.06))
    assert found["mortality_2020"] == 1.0
    assert found["hinterland_decline.x_rural"] == 0.0


# --- targets -----------------------------------------------------------------------------------------------


def test_errors_of_the_figures_to_score_come_from_inside_the_fold(
    data: AuditData, by_name: dict[str, Fold]
) -> None:
    fold = by_name["last_years"]
    inside = fitted_data(data, fold)
    figures = target_figures(data, inside, fold, dict.fromkeys(fold.places, 2019))
    other = target_figures(spoiled(data, fold), inside, fold, dict.fromkeys(fold.places, 2019))
    assert [one.recording_sd for one in figures] == [one.recording_sd for one in other]
    assert {one.degrees for one in figures} == {float("inf")}
    assert {one.year for one in figures if one.series == "count"} == {2019, 2020, 2021}
    assert {one.year for one in figures if one.series == "births"} == {2019, 2020}
    assert {one.place for one in figures if one.series == "wage"} == {"bulaevo", "mamlyutka"}
