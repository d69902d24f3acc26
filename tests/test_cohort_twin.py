"""The cohort twin: its accounts, its columns, its levers, and what it shares with the engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calibration.cohort_compiled import twin_digest
from calibration.cohort_gap import expand
from calibration.cohort_lone_world import NO_SHOCKS
from calibration.cohort_twin import CohortPath, CohortTwin
from model.draws import run_seed
from model.engine import simulate
from model.founding import Founding, build_founding
from model.levers import Levers, neutral_levers
from model.parameters import ParameterSpace
from model.record import COLUMN_NAMES, COLUMNS, Record
from model.world import World
from model.zones import Project

SEEDS = tuple(run_seed(7, 0, k) for k in range(4))


@pytest.fixture(scope="module")
def towns_twin(towns: World, towns_founding: Founding) -> CohortTwin:
    return CohortTwin(towns, towns_founding)


@pytest.fixture(scope="module")
def small_twin(small_world: World, small_founding: Founding) -> CohortTwin:
    return CohortTwin(small_world, small_founding)


def assert_closed(path: CohortPath, n_sim: int) -> None:
    """Every place: population, births, deaths and flows fit to a billionth of a person."""
    column = path.column
    change = np.diff(column("population"), axis=0)
    flows = {name: column(name)[:-1] for name in ("births", "deaths", "in_migration", "out_migration")}
    natural = flows["births"] - flows["deaths"]
    assert np.abs(change - natural - flows["in_migration"] + flows["out_migration"]).max() < 1e-8
    assert np.abs(path.flows.sum(axis=2) - flows["out_migration"]).max() < 1e-8
    inside = path.flows[:, :, :n_sim].sum(axis=1)
    assert np.abs(inside + path.arrivals_from.sum(axis=2) - flows["in_migration"]).max() < 1e-8
    assert path.breach < 1e-9


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.integers(0, 2**31), keyed=st.booleans())
def test_accounts_of_the_towns_close_for_any_parameters(
    towns_twin: CohortTwin, towns_space: ParameterSpace, draw: int, keyed: bool
) -> None:
    values = towns_space.draw(3, draw)
    path = towns_twin.run(values, seed=run_seed(3, draw, 0) if keyed else None)
    assert_closed(path, towns_twin.world.n_sim)
    assert (path.column("population") > 0).all()
    assert (path.pyramid_last >= -1e-12).all()
    for name in ("unemployment_rate", "hidden_unemployment_rate", "wear", "share_65"):
        column = path.column(name)[:-1]
        assert ((column >= 0) & (column <= 1)).all()
    assert (path.column("employed")[:-1] <= path.column("labour_force")[:-1] * (1 + 1e-12)).all()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.integers(0, 2**31))
def test_accounts_close_where_youth_study_and_people_commute_inside_the_world(
    small_twin: CohortTwin, small_space: ParameterSpace, draw: int
) -> None:
    path = small_twin.run(small_space.draw(3, draw))
    assert_closed(path, small_twin.world.n_sim)
    assert (path.pyramid_last >= -1e-12).all()
    assert (path.flows >= 0).all()
    assert path.flows[:, :, : small_twin.world.n_sim].sum() > 0


def test_columns_are_those_of_the_record(towns_twin: CohortTwin, towns_space: ParameterSpace) -> None:
    path = towns_twin.run(towns_space.defaults(), horizon=2020)
    assert tuple(path.columns) == COLUMN_NAMES
    assert path.years.tolist() == list(range(2015, 2021))
    for column in COLUMNS:
        values = path.column(column.name)
        assert np.isnan(values[-1]).all() == column.is_flow
        assert np.isfinite(values[:-1]).all()


def test_first_day_is_the_founders(towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World) -> None:
    path = towns_twin.run(towns_space.defaults(), horizon=2016)
    engine = simulate(towns, towns_twin.founding, towns_space.defaults(), SEEDS[0], horizon=2016)
    assert np.allclose(path.pyramid_first, engine.pyramid_first, rtol=0, atol=1e-9)
    for name in ("population", "households", "pupils", "wear", "share_65"):
        assert np.allclose(path.column(name)[0], engine.column(name)[0], rtol=1e-12)


def test_same_call_same_bits(towns_twin: CohortTwin, towns_space: ParameterSpace) -> None:
    values = towns_space.draw(1, 5)
    first, second = towns_twin.run(values), towns_twin.run(values)
    assert np.array_equal(first.values, second.values, equal_nan=True)
    assert np.array_equal(first.flows, second.flows)


def test_forecast_is_the_expected_population(towns_twin: CohortTwin, towns_space: ParameterSpace) -> None:
    forecast = towns_twin.forecast(towns_space.defaults(), horizon=2030)
    assert set(forecast) == set(towns_twin.world.ids[: towns_twin.world.n_sim])
    path = towns_twin.run(towns_space.defaults(), horizon=2030)
    bulaevo = towns_twin.world.index("bulaevo")
    assert np.array_equal(forecast["bulaevo"], path.column("population")[:, bulaevo])


def test_a_horizon_before_the_start_is_refused(towns_twin: CohortTwin, towns_space: ParameterSpace) -> None:
    with pytest.raises(ValueError, match="horizon 2015"):
        towns_twin.run(towns_space.defaults(), horizon=2015)


def test_a_shared_seed_shares_the_shocks_of_places(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World
) -> None:
    values = towns_space.draw(1, 2)
    for seed in SEEDS[:2]:
        engine = simulate(towns, towns_twin.founding, values, seed)
        path = towns_twin.run(values, seed=seed)
        for name in ("output_agriculture", "output_industry"):
            assert np.allclose(path.column(name)[:-1], engine.column(name)[:-1], rtol=1e-12)
        wages = path.column("wage")[:-1] / engine.column("wage")[:-1]
        assert np.abs(wages - 1.0).max() < 0.03


def test_a_shared_seed_follows_its_run(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World
) -> None:
    values = towns_space.defaults()
    seeds = [run_seed(9, 0, k) for k in range(12)]
    engine = np.array(
        [simulate(towns, towns_twin.founding, values, s).column("population")[30] for s in seeds]
    )
    path = np.array([towns_twin.run(values, seed=s).column("population")[30] for s in seeds])
    assert np.corrcoef(engine.sum(axis=1), path.sum(axis=1))[0, 1] > 0.9


def test_the_twin_stays_near_the_engine_under_full_rules(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World
) -> None:
    values = towns_space.defaults()
    records = [simulate(towns, towns_twin.founding, values, run_seed(2, 0, k)) for k in range(24)]
    path = towns_twin.run(values)
    for name, year, bound in (
        ("population", 15, 0.02), ("population", 30, 0.04), ("births", 10, 0.05), ("deaths", 10, 0.04),
        ("out_migration", 10, 0.07), ("in_migration", 10, 0.07), ("employed", 15, 0.03),
        ("labour_force", 15, 0.03), ("households", 15, 0.03), ("wage", 15, 0.02), ("wear", 20, 0.01),
        ("perceived_income", 15, 0.02), ("pupils", 15, 0.04), ("share_65", 20, 0.03),
    ):  # fmt: skip
        mean = float(np.mean([record.column(name)[year].mean() for record in records]))
        assert path.column(name)[year].mean() == pytest.approx(mean, rel=bound), (name, year)


def test_ages_stay_near_the_engines_without_shocks_of_places(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World
) -> None:
    values = towns_space.defaults().with_values(expand(towns_space, NO_SHOCKS))
    engine = np.mean(
        [simulate(towns, towns_twin.founding, values, run_seed(5, 0, k), None, 2030).pyramid_last for k in range(24)],
        axis=0,
    )  # fmt: skip
    twin = towns_twin.run(values, horizon=2030).pyramid_last
    # The young are where roles in the household matter most: docs/cohort-twin.md.
    for first, end, bound in (
        (0, 10, 0.035), (10, 17, 0.02), (17, 22, 0.04), (22, 27, 0.07), (27, 33, 0.035), (33, 40, 0.025),
        (40, 60, 0.015), (60, 111, 0.02),
    ):  # fmt: skip
        expected = pytest.approx(engine[..., first:end].sum(), rel=bound)
        assert twin[..., first:end].sum() == expected, (first, end)


def test_newborns_die_at_the_rate_of_the_year_of_birth(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World
) -> None:
    values = towns_space.defaults()
    path = towns_twin.run(values, horizon=2016)
    rates = towns.schedules.mortality[:, 0] * values["infant_first_year"]
    for place in range(towns.n_sim):
        factor = math.exp(towns_twin.founding.mortality_offset[place])
        survive = [math.exp(-rate * factor) for rate in rates]
        share = values["male_births"] * survive[0] + (1.0 - values["male_births"]) * survive[1]
        infants = path.pyramid_last[place, :, 0].sum()
        assert infants == pytest.approx(share * path.column("births")[0, place], rel=1e-12)


# Levers ------------------------------------------------------------------------------------------------


def _set(name: str, value: float) -> Callable[[Levers, World], None]:
    def change(levers: Levers, world: World) -> None:
        array: NDArray[np.float64] = getattr(levers, name)
        array[...] = value

    return change


def _project(levers: Levers, world: World) -> None:
    levers.projects = (
        Project("test", "works", world.index("bulaevo"), 2016, 2020, 400.0, True, 2018, 1.0, 0.0),
    )


def _launches(levers: Levers, world: World) -> None:
    levers.projects = tuple(
        Project("test", f"p{k}", world.index("bulaevo"), 2016, 2030, 60.0, but_for=1.0, displacement=0.0)
        for k in range(20)
    )
    levers.launch_factor[:] = 3.0


def _launches_base(levers: Levers, world: World) -> None:
    _launches(levers, world)
    levers.launch_factor[:] = 1.0


def _nothing(levers: Levers, world: World) -> None:
    return None


# lever, what it does, what it is compared with, outcome, year of the outcome
LEVERS = (
    ("reach", _set("reach", 40.0), "commuters", 2025),
    ("fare keeps people", _set("fare", 0.0), "population", 2035),
    ("dwellings", _set("dwellings", 300.0), "rent", 2020),
    ("reused flats", _set("reused", 60.0), "rent", 2016),
    ("place_wage", _set("place_wage", 1.3), "wage", 2020),
    ("wage_supplement", _set("wage_supplement", 0.3), "wage", 2020),
    ("wage_supplement moves people", _set("wage_supplement", 1.0), "population", 2035),
    ("renewal", _set("renewal", 100.0), "wear", 2025),
    ("extra_budget", _set("extra_budget", 60.0), "services", 2020),
    ("rent_factor", _set("rent_factor", 0.3), "population", 2035),
    ("study_logit", _set("study_logit", -1.5), "population", 2035),
    ("study_logit keeps the young", _set("study_logit", -1.5), "youth_net", 2025),
    ("return_gain", _set("return_gain", 0.4), "population", 2035),
    ("settlers", _set("settlers", 15.0), "population", 2030),
    ("settlers come", _set("settlers", 15.0), "in_migration", 2020),
    ("russia_odds", _set("russia_odds", 2.0), "out_russia", 2020),
    ("border_distance", _set("border_distance", 3.0), "out_russia", 2020),
    ("russian_wage", _set("russian_wage", 1.6), "out_russia", 2025),
    ("rouble", _set("rouble", 0.5), "out_russia", 2025),
    ("centre_wage", _set("centre_wage", 1.5), "out_kazakhstan", 2025),
    ("home_wage", _set("home_wage", 1.4), "wage", 2020),
    ("home_wage keeps people", _set("home_wage", 1.6), "population", 2035),
    ("drought", _set("drought", -0.3), "jobs_agriculture", 2020),
    ("drought and work", _set("drought", -0.3), "employed", 2025),
    ("industry", _set("industry", 0.3), "jobs_industry", 2020),
    ("shedding", _set("shedding", 0.05), "jobs_agriculture", 2025),
    ("shedding and hidden unemployment", _set("shedding", 0.05), "hidden_unemployment_rate", 2030),
    ("hinterland", _set("hinterland", 0.05), "in_migration", 2030),
    ("projects", _project, "employed", 2025),
    ("projects and zone jobs", _project, "zone_jobs", 2025),
)  # fmt: skip


def _difference(
    run: Callable[[Levers], CohortPath | Record], world: World, change: Callable[[Levers, World], None],
    outcome: str, year: int, before: Callable[[Levers, World], None] = _nothing,
) -> float:  # fmt: skip
    levers, plain = neutral_levers(world, 2036), neutral_levers(world, 2036)
    change(levers, world)
    before(plain, world)
    t = year - world.start
    return float((run(levers).column(outcome)[t] - run(plain).column(outcome)[t]).sum())


@pytest.mark.parametrize(("name", "change", "outcome", "year"), LEVERS, ids=[row[0] for row in LEVERS])
def test_levers_move_the_twin_as_they_move_the_engine(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World, name: str,
    change: Callable[[Levers, World], None], outcome: str, year: int,
) -> None:  # fmt: skip
    values = towns_space.defaults()
    twin = _difference(lambda levers: towns_twin.run(values, levers, 2036), towns, change, outcome, year)
    engine = 0.0
    for seed in SEEDS:
        engine += _difference(
            lambda levers, seed=seed: simulate(towns, towns_twin.founding, values, seed, levers, 2036),  # type: ignore[misc]
            towns, change, outcome, year,
        ) / len(SEEDS)  # fmt: skip
    assert twin != 0.0
    assert math.copysign(1.0, twin) == math.copysign(1.0, engine), (twin, engine)
    assert 0.5 < twin / engine < 2.0


def test_a_tax_holiday_launches_more_projects(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World
) -> None:
    values = towns_space.defaults()
    twin = _difference(
        lambda levers: towns_twin.run(values, levers, 2036),
        towns,
        _launches,
        "zone_launched",
        2025,
        _launches_base,
    )
    engine = np.mean(
        [
            _difference(
                lambda levers, seed=seed: simulate(towns, towns_twin.founding, values, seed, levers, 2036),  # type: ignore[misc]
                towns, _launches, "zone_launched", 2025, _launches_base,
            )
            for seed in [run_seed(7, 0, k) for k in range(12)]
        ]
    )  # fmt: skip
    assert twin == pytest.approx(engine, rel=0.25)


def test_kept_services_stay_open(
    small_twin: CohortTwin, small_space: ParameterSpace, small_world: World
) -> None:
    values = small_space.defaults().with_values({"loss_years": 1.0, "leaving": 0.1})
    levers = neutral_levers(small_world, 2045)
    without = small_twin.run(values, levers).column("services")[-2]
    levers.services_kept[:] = True
    kept = small_twin.run(values, levers).column("services")[-2]
    assert (kept >= without).all()
    assert kept.sum() > without.sum()


def test_the_zone_as_realised_can_be_left_out(
    towns_twin: CohortTwin, towns_space: ParameterSpace, towns: World
) -> None:
    values = towns_space.defaults().with_values({"but_for": 0.9, "displacement": 0.0})
    levers = neutral_levers(towns, 2045)
    with_zone = towns_twin.run(values, levers).column("commuters")
    levers.qyzyljar = False
    without = towns_twin.run(values, levers).column("commuters")
    mamlyutka = towns.index("mamlyutka")
    assert with_zone[12, mamlyutka] > without[12, mamlyutka]


def test_an_edited_source_of_a_kernel_names_another_cache(tmp_path: Path) -> None:
    kernel = tmp_path / "cohort_some.py"
    kernel.write_text("from calibration.cohort_compiled import cohort_kernel\n")
    first = twin_digest(tmp_path)
    (tmp_path / "cohort_prose.py").write_text("x = 1\n")
    assert twin_digest(tmp_path) == first
    kernel.write_text("from calibration.cohort_compiled import cohort_kernel  # edited\n")
    assert twin_digest(tmp_path) != first


def test_population_scales_with_replicates(
    towns: World, towns_twin: CohortTwin, towns_space: ParameterSpace
) -> None:
    twice = CohortTwin(towns, build_founding(towns, replicates=2))
    one = towns_twin.run(towns_space.defaults(), horizon=2020).column("population")
    two = twice.run(towns_space.defaults(), horizon=2020).column("population")
    assert np.allclose(two, 2.0 * one, rtol=3e-3)
