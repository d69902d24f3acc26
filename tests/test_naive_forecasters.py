"""Naive forecasters: textbook distributions, ages, and folds that let nothing through from outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from calibration.audit_data import AuditData, published, read_audit_data
from calibration.folds import ACCOUNT_SERIES, COUNTS, NET, PAPER_SERIES, Fold, folds, known, observed_targets
from calibration.naive_cohorts import (
    CohortHistory,
    aged,
    constant_rates,
    five_year_groups,
    hamilton_perry,
    hamilton_perry_back,
    place_ages,
    survival,
)
from calibration.naive_forecasters import NAMES, naive_forecasts
from calibration.naive_series import (
    SERIES_FORECASTERS,
    NotAvailable,
    Panel,
    bounded_exp,
    drift,
    last_value,
    linear,
    log_drift,
    mean,
    regional_ratio,
)
from calibration.scores import covered
from model.schedules import Schedules
from model.world import World, load_world

DRAWS = 60_000
SERIES = (*ACCOUNT_SERIES, *PAPER_SERIES)
KNOWN = np.array([4.0, 6.0, 5.0, 8.0, 7.0, 9.0])
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def data() -> AuditData:
    return read_audit_data("towns")


@pytest.fixture(scope="module")
def region_data() -> AuditData:
    return read_audit_data("region")


@pytest.fixture(scope="module")
def schedules() -> Schedules:
    return load_world("towns").schedules


def panel(values: Floats = KNOWN, ahead: int = 3) -> Panel:
    columns = values[:, None] if values.ndim == 1 else values
    times = np.arange(float(len(columns)))
    return Panel(times, columns, len(columns) + np.arange(float(ahead)), np.ones(columns.shape[1]))


def generator(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def fold_named(data: AuditData, name: str) -> Fold:
    return next(fold for fold in folds(data) if fold.name == name)


# --- series --------------------------------------------------------------------------------------------------


def quantiles(members: Floats, step: int) -> Floats:
    return np.quantile(members[:, step, 0], [0.05, 0.25, 0.5, 0.75, 0.95])


def student(centre: float, scale: float, freedom: int) -> Floats:
    return np.asarray(centre + scale * stats.t.ppf([0.05, 0.25, 0.5, 0.75, 0.95], freedom))


@pytest.mark.parametrize("step", [0, 2])
def test_mean_has_the_textbook_distribution(step: int) -> None:
    members = mean(panel(), DRAWS, generator())
    scale = KNOWN.std(ddof=1) * np.sqrt(1 + 1 / 6)
    np.testing.assert_allclose(quantiles(members, step), student(KNOWN.mean(), scale, 5), atol=0.06)


@pytest.mark.parametrize("step", [0, 2])
def test_last_value_is_a_random_walk(step: int) -> None:
    members = last_value(panel(), DRAWS, generator())
    scale = np.sqrt((np.diff(KNOWN) ** 2).mean() * (step + 1))
    np.testing.assert_allclose(quantiles(members, step), student(9.0, scale, 5), atol=0.12)


@pytest.mark.parametrize("step", [0, 2])
def test_drift_carries_the_error_of_its_slope(step: int) -> None:
    members = drift(panel(), DRAWS, generator())
    ahead = step + 1
    scale = np.diff(KNOWN).std(ddof=1) * np.sqrt(ahead + ahead**2 / 5)
    np.testing.assert_allclose(quantiles(members, step), student(9.0 + ahead, scale, 4), atol=0.25)


@pytest.mark.parametrize("step", [0, 2])
def test_linear_has_the_prediction_interval_of_regression(step: int) -> None:
    members = linear(panel(), DRAWS, generator())
    times = np.arange(6.0)
    fit = stats.linregress(times, KNOWN)
    residual = KNOWN - fit.intercept - fit.slope * times
    at = 6.0 + step
    scale = np.sqrt((residual**2).sum() / 4 * (1 + 1 / 6 + (at - 2.5) ** 2 / 17.5))
    np.testing.assert_allclose(
        quantiles(members, step), student(fit.intercept + fit.slope * at, scale, 4), atol=0.1
    )


def test_courses_without_noise_go_on() -> None:
    line = np.array([3.0, 5.0, 7.0, 9.0])
    for forecaster in (drift, linear):
        np.testing.assert_allclose(
            forecaster(panel(line), 50, generator())[:, :, 0], [[11, 13, 15]] * 50, atol=1e-3
        )
    growth = 2.0 ** np.arange(5.0)
    np.testing.assert_allclose(
        log_drift(panel(growth, 2), 50, generator())[:, :, 0], [[32, 64]] * 50, rtol=1e-3
    )
    flat = np.full(4, 6.0)
    for any_forecaster in SERIES_FORECASTERS.values():
        np.testing.assert_allclose(any_forecaster(panel(flat), 50, generator()), 6.0, atol=1e-3)


def test_intervals_cover_what_they_say_after_four_years() -> None:
    """On series of the kind each forecaster assumes, pooled over places as in the folds."""
    rng = generator(1)
    worlds, places = 300, 4
    hits: dict[str, list[float]] = {"last value": [], "mean": []}
    for world in range(worlds):
        walk = np.cumsum(rng.standard_normal((6, places)), axis=0)
        noise = 3 + rng.standard_normal((6, places))
        for name, series in (("last value", walk), ("mean", noise)):
            members = SERIES_FORECASTERS[name](panel(series[:4], 2), 300, generator(world))
            hits[name].append(float(covered(members.reshape(300, -1), series[4:].ravel(), 0.8).mean()))
    for name, shares in hits.items():
        assert np.mean(shares) == pytest.approx(0.8, abs=0.03), name


def test_spread_is_pooled_in_units_of_scale() -> None:
    values = np.stack([KNOWN, 100 * KNOWN], axis=1)
    times = np.arange(6.0)
    members = mean(Panel(times, values, np.array([6.0]), np.array([1.0, 100.0])), DRAWS, generator())
    spread = np.quantile(members, 0.9, axis=0) - np.quantile(members, 0.1, axis=0)
    assert spread[0, 1] / spread[0, 0] == pytest.approx(100, rel=0.03)
    alone = mean(panel(), DRAWS, generator())
    assert spread[0, 0] < np.quantile(alone[:, 0], 0.9) - np.quantile(alone[:, 0], 0.1)


def test_a_gap_in_the_known_years_is_a_longer_step() -> None:
    times, values = np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.0, 1.0, 2.0, 4.0])[:, None]
    members = drift(Panel(times, values, np.array([5.0]), np.ones(1)), 50, generator())
    np.testing.assert_allclose(members, 5.0, atol=1e-3)


def test_no_draw_of_logarithms_explodes() -> None:
    wild = panel(np.array([1.0, 50.0, 2.0, 80.0]), 6)
    members = log_drift(wild, DRAWS, generator())
    assert 8.0 * (1 - 1e-9) <= members.min() < members.max() <= 800.0 * (1 + 1e-9)
    assert bounded_exp(np.array([900.0]), np.array([0.0]))[0] == pytest.approx(10.0)


def test_the_regional_ratio_follows_the_region() -> None:
    region = np.array([100.0, 120.0, 130.0, 150.0])
    members = regional_ratio(panel(0.8 * region, 2), region, np.array([200.0, 300.0]), 50, generator())
    np.testing.assert_allclose(members[:, :, 0], [[160.0, 240.0]] * 50, rtol=1e-3)
    with pytest.raises(NotAvailable, match="not positive"):
        regional_ratio(panel(), np.zeros(6), np.ones(3), 5, generator())


def test_too_little_is_told() -> None:
    with pytest.raises(NotAvailable, match="2 known years, needs 3"):
        panel(np.array([1.0, 2.0]))
    with pytest.raises(NotAvailable, match="not positive"):
        log_drift(panel(np.array([1.0, -2.0, 3.0])), 5, generator())
    with pytest.raises(ValueError, match="targets come after"):
        Panel(np.arange(4.0), np.ones((4, 1)), np.array([2.0]), np.ones(1))


# --- ages ----------------------------------------------------------------------------------------------------


def history(data: AuditData, place: str, direction: int = 1) -> CohortHistory:
    counts, births, deaths = (
        {year: value for year, value in published(data.accounts, place, name).items() if 2015 <= year <= last}
        for name, last in ((COUNTS, 2019), ("births", 2018), ("deaths", 2018))
    )
    net = {t: data.implied_net_migration(place)[t] for t in births}
    return CohortHistory(counts, births, deaths, net, direction)


def test_ageing_back_undoes_ageing(schedules: Schedules) -> None:
    share = survival(schedules)
    ages = schedules.base_ages
    there_and_back = aged(aged(ages, share, 3), share, -3)
    np.testing.assert_allclose(there_and_back[:, :90], ages[:, :90], rtol=1e-12)
    moved = aged(ages, share, 1)
    assert moved[:, 0].sum() == 0.0
    assert moved[0, 41] == pytest.approx(ages[0, 40] * share[0, 40])
    assert moved.sum() < ages.sum()


def test_ages_of_a_place_sum_to_its_count(data: AuditData, schedules: Schedules) -> None:
    one = history(data, "bulaevo")
    for year in (2015, 2017, 2019):
        assert place_ages(schedules, one, year).sum() == pytest.approx(one.counts[year])
    assert place_ages(schedules, one, 2019)[:, 0].sum() == pytest.approx(100, rel=0.05)


@pytest.mark.parametrize("direction", [1, -1])
def test_projected_accounts_close(data: AuditData, schedules: Schedules, direction: int) -> None:
    histories = {place: history(data, place, direction) for place in data.places}
    drawn = constant_rates(schedules, histories, 4, 500, generator())
    start = np.array([one.counts[2019 if direction > 0 else 2015] for one in histories.values()])
    counts = np.concatenate([np.broadcast_to(start, (500, 1, 4)), drawn[COUNTS]], axis=1)
    flows = drawn["births"] - drawn["deaths"] + drawn[NET]
    np.testing.assert_allclose(np.diff(counts, axis=1), direction * flows, atol=1e-6)


def test_constant_rates_reproduce_the_known_levels(data: AuditData, schedules: Schedules) -> None:
    one = history(data, "tayynsha")
    drawn = constant_rates(schedules, {"tayynsha": one}, 1, 20_000, generator())
    for name, known_flow in (("births", one.births), ("deaths", one.deaths)):
        usual = np.mean(list(known_flow.values()))
        assert drawn[name].mean() == pytest.approx(usual, rel=0.08)
        # Poisson of the year and of the four years that set the level
        assert drawn[name].std() == pytest.approx(np.sqrt(usual * 1.25), rel=0.1)
    rate = np.mean([one.net[t] / one.counts[t] for t in one.years])
    assert np.median(drawn[NET]) == pytest.approx(rate * one.counts[2019], abs=2.0)


def test_cohorts_need_three_years(data: AuditData, schedules: Schedules) -> None:
    one = history(data, "bulaevo")
    short = CohortHistory({2015: 7644, 2016: 7666}, {2015: 122}, {2015: 123}, {2015: 23})
    with pytest.raises(NotAvailable, match="short: 1 known years"):
        constant_rates(schedules, {"one": one, "short": short}, 1, 5, generator())


def test_hamilton_perry_of_a_stable_population() -> None:
    """A population that grows by 3 % in five years at every age goes on doing so, and has done so."""
    first = np.stack([np.linspace(1000, 10, 21), np.linspace(900, 20, 21)])
    second = 1.03 * first
    np.testing.assert_allclose(hamilton_perry(first, second)[:, :-1], 1.03 * second[:, :-1], rtol=1e-12)
    assert hamilton_perry_back(first, second) == pytest.approx(first.sum() / 1.03, rel=1e-12)
    first[0, 4] = 0.0
    with pytest.raises(NotAvailable, match="empty"):
        hamilton_perry(first, second)


def test_five_year_groups_lose_nobody(schedules: Schedules) -> None:
    groups = five_year_groups(schedules.base_ages)
    assert groups.shape == (2, 21)
    assert groups.sum() == pytest.approx(schedules.base_ages.sum())
    assert groups[1, 4] == pytest.approx(schedules.base_ages[1, 20:25].sum())


# --- folds ---------------------------------------------------------------------------------------------------


def test_the_folds_are_those_of_the_plan(data: AuditData, region_data: AuditData) -> None:
    named = {fold.name: fold for fold in folds(data)}
    assert list(named) == ["last_years", *(f"left_out_{place}" for place in data.places), "back_cast"]
    last = named["last_years"]
    assert (list(last.history), list(last.targets)) == ([2015, 2016, 2017, 2018], [2019, 2020])
    assert list(last.history_years(COUNTS)) == [2015, 2016, 2017, 2018, 2019]
    assert list(last.target_years(COUNTS)) == [2020, 2021]
    left_out = named["left_out_tayynsha"]
    assert left_out.places == ("tayynsha",)
    assert set(left_out.others) == {"bulaevo", "mamlyutka", "sergeevka"}
    back = named["back_cast"]
    assert back.is_backward
    assert list(back.target_years(COUNTS)) == list(range(2009, 2015))
    assert "no forecast" in back.title
    assert "region" in {fold.name for fold in folds(region_data)}
    assert "2015 and 2017" in fold_named(region_data, "region").title


def disturbed(data: AuditData, fold: Fold) -> AuditData:
    """The same data with everything the fold must not know multiplied."""

    def shake(table: dict[tuple[str, str], dict[int, object]]) -> dict[tuple[str, str], dict[int, object]]:
        changed = {}
        for (territory, variable), points in table.items():
            secret: dict[int, object] = {}
            for year, point in points.items():
                hidden = territory not in fold.others
                if territory in fold.places:
                    hidden = year not in fold.history_years(variable)
                secret[year] = replace(point, value=point.value * 1.7 + 3) if hidden else point  # type: ignore[attr-defined, type-var]
            changed[territory, variable] = secret
        return changed

    return replace(data, accounts=shake(data.accounts), paper=shake(data.paper), census={})  # type: ignore[arg-type]


@pytest.mark.parametrize("world", ["towns", "region"])
def test_nothing_from_outside_a_fold_gets_in(world: str, schedules: Schedules) -> None:
    data = read_audit_data(world)
    for fold in folds(data):
        if world == "region" and fold.name.startswith("left_out") and fold.places != ("mamlyutka",):
            continue
        other = disturbed(data, fold)
        for series in SERIES:
            first, missing = naive_forecasts(data, fold, series, schedules, draws=20)
            second, also_missing = naive_forecasts(other, fold, series, schedules, draws=20)
            assert missing == also_missing
            for one, two in zip(first, second, strict=True):
                np.testing.assert_array_equal(
                    one.members, two.members, err_msg=f"{fold.name} {series} {one.name}"
                )
        flows = observed_targets(data, fold, "births", fold.places)
        assert not np.array_equal(flows, observed_targets(other, fold, "births", fold.places))


def test_known_of_a_fold_is_cut(data: AuditData) -> None:
    inside = known(data, fold_named(data, "left_out_bulaevo"))
    assert max(published(inside.accounts, "bulaevo", "births")) == 2014
    assert max(published(inside.accounts, "bulaevo", COUNTS)) == 2015
    assert max(published(inside.accounts, "mamlyutka", "births")) == 2020
    assert ("bulaevo", "population") not in inside.paper
    assert ("petropavlovsk", "births") not in inside.accounts
    assert inside.statements == ()


def test_every_forecaster_forecasts_or_says_why_not(data: AuditData, schedules: Schedules) -> None:
    for fold in folds(data):
        for series in SERIES:
            made, missing = naive_forecasts(data, fold, series, schedules, draws=10)
            assert {one.name for one in made} | {one.name for one in missing} == set(NAMES)
            assert all(one.reason for one in missing)
            for one in made:
                assert one.members.shape == (10, len(one.years), len(one.places))
                assert one.years == tuple(fold.target_years(series))
                assert np.isfinite(one.members).all()
                assert series == NET or (one.members >= 0).all()


def forecasts(data: AuditData, fold: str, series: str, schedules: Schedules) -> dict[str, Floats]:
    made, _ = naive_forecasts(data, fold_named(data, fold), series, schedules, draws=4000)
    return {one.name: one.members for one in made}


def test_which_forecasters_a_fold_can_feed(data: AuditData, schedules: Schedules) -> None:
    assert "regional wage ratio" in forecasts(data, "last_years", "wage_monthly_nominal", schedules)
    assert "Hamilton-Perry" in forecasts(data, "back_cast", COUNTS, schedules)
    assert "Hamilton-Perry" not in forecasts(data, "last_years", COUNTS, schedules)
    assert "other places" in forecasts(data, "left_out_bulaevo", NET, schedules)
    assert "constant rates" in forecasts(data, "back_cast", "births", schedules)


def test_years_stand_in_order_in_both_directions(data: AuditData, schedules: Schedules) -> None:
    """Far from the known years the spread is wider: at the end of a forecast, at the start of a back-cast."""
    for fold, widest in (("last_years", -1), ("back_cast", 0)):
        members = forecasts(data, fold, COUNTS, schedules)
        for name in ("last value", "constant rates"):
            spread = np.quantile(members[name], 0.75, axis=0) - np.quantile(members[name], 0.25, axis=0)
            assert (spread.argmax(axis=0) == spread.shape[0] - 1).all() == (widest == -1), (fold, name)
            assert (spread.argmax(axis=0) == 0).all() == (widest == 0), (fold, name)


def test_the_wage_ratio_knows_the_wage_of_the_region(data: AuditData, schedules: Schedules) -> None:
    members = forecasts(data, "last_years", "wage_monthly_nominal", schedules)["regional wage ratio"]
    region = published(data.drivers, "nkr", "wage_monthly_nominal")
    paper = published(data.paper, "bulaevo", "wage_monthly_nominal")
    ratio = np.exp(np.mean([np.log(paper[year] / region[year]) for year in range(2015, 2019)]))
    np.testing.assert_allclose(
        np.median(members, axis=0)[:, 0], [ratio * region[2019], ratio * region[2020]], rtol=0.01
    )


def test_other_places_take_the_rates_of_the_others(data: AuditData, schedules: Schedules) -> None:
    members = forecasts(data, "left_out_bulaevo", "births", schedules)["other places"]
    rates = [
        published(data.accounts, place, "births")[2016] / published(data.accounts, place, COUNTS)[2015]
        for place in ("mamlyutka", "sergeevka", "tayynsha")
    ]
    assert np.median(members[:, 1, 0]) == pytest.approx(np.mean(rates) * 7644, rel=0.03)


def test_forecasts_repeat_themselves(data: AuditData, schedules: Schedules) -> None:
    fold = fold_named(data, "last_years")
    one, two, other = (
        naive_forecasts(data, fold, "births", schedules, seed=seed, draws=30)[0] for seed in (1, 1, 2)
    )
    for first, second, third in zip(one, two, other, strict=True):
        np.testing.assert_array_equal(first.members, second.members)
        assert not np.array_equal(first.members, third.members)


def test_observed_targets_are_what_was_published(data: AuditData, towns: World) -> None:
    fold = fold_named(data, "last_years")
    np.testing.assert_array_equal(
        observed_targets(data, fold, COUNTS, ("bulaevo", "tayynsha")), [[7722, 11418], [7653, 11400]]
    )
    net = observed_targets(data, fold, NET, ("mamlyutka",))
    np.testing.assert_array_equal(
        net[:, 0], [towns.accounts.implied_net_migration("mamlyutka", t) for t in (2019, 2020)]
    )
    assert np.isnan(observed_targets(data, fold, "unemployment_rate", ("tayynsha",))).all()
