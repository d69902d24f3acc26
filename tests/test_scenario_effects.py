"""What scenarios do in a run: null tests person by person, and every policy and future moves an output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model import draws
from model.engine import Engine, simulate
from model.founding import Founding, build_founding
from model.levers import Levers
from model.parameters import ParameterSpace
from model.record import COLUMN_NAMES, Record
from model.world import World
from scenarios.library import names
from scenarios.reading import load_future, load_policy
from scenarios.translation import levers_of
from scenarios.zone_path import expected_zones, replay_zones
from tests.scenario_files import write_policy
from tests.test_invariance import assert_same, fates

HORIZON = 2045
DRAWS = 3


def levers(
    world: World, policy: str = "baseline", future: str = "reference", horizon: int = HORIZON
) -> Levers:
    return levers_of(load_policy(policy), load_future(future), world, horizon)


@pytest.fixture(scope="module")
def baseline(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> list[Record]:
    """The baseline without any scenario file."""
    return [
        simulate(
            towns, towns_founding, towns_space.draw(5, draw), draws.run_seed(5, draw, 0), horizon=HORIZON
        )
        for draw in range(DRAWS)
    ]


def records(
    towns: World, founding: Founding, space: ParameterSpace, pulled: Levers, runs: int = DRAWS
) -> list[Record]:
    return [
        simulate(towns, founding, space.draw(5, draw), draws.run_seed(5, draw, 0), pulled, HORIZON)
        for draw in range(runs)
    ]


def test_an_empty_policy_and_the_baseline_of_the_library_are_the_model_without_levers(
    towns: World,
    towns_founding: Founding,
    towns_space: ParameterSpace,
    baseline: list[Record],
    tmp_path: Path,
) -> None:
    for policy in ("baseline", write_policy(tmp_path), write_policy(tmp_path, name="other_name")):
        for one, two in zip(
            records(towns, towns_founding, towns_space, levers(towns, policy)), baseline, strict=True
        ):
            assert_same(one, two)


def test_the_null_zone_is_no_zone_person_by_person(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    for draw in range(2):
        values, seed = towns_space.draw(6, draw), draws.run_seed(6, draw, 0)
        engines = [
            Engine(towns, towns_founding, values, seed, levers(towns, policy), HORIZON)
            for policy in ("zone_null", "no_zone")
        ]
        for year in range(2015, HORIZON):
            for engine in engines:
                engine.step()
            if year in (2020, 2026, 2035, HORIZON - 1):
                assert fates(engines[0]) == fates(engines[1]), year
        assert engines[0].state.zone_launched.sum() > 0.0, "the null zone has jobs"
        assert_same(engines[0].record, engines[1].record)


def test_the_null_zone_is_no_zone_where_the_zone_lies_inside(region: World) -> None:
    """In `region` Petropavlovsk is simulated: the jobs launched there are recorded, and nothing else differs."""
    founding, values = build_founding(region), ParameterSpace(region).defaults()
    one, two = (
        simulate(
            region, founding, values, draws.run_seed(7, 0, 0), levers(region, policy, horizon=2024), 2024
        )
        for policy in ("zone_null", "no_zone")
    )
    launched = COLUMN_NAMES.index("zone_launched")
    assert one.values[launched, 5:9, region.index("petropavlovsk")].min() > 0.0
    one.values[launched] = two.values[launched]
    assert_same(one, two)


def test_the_zone_as_declared_has_its_jobs_by_2030_and_moves_the_towns(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values, seed = towns_space.draw(5, 0), draws.run_seed(5, 0, 0)
    path = replay_zones(load_policy("zone_as_declared"), towns, HORIZON, [(values, seed)])
    launched = path.running[0].sum(axis=1)
    assert launched[2025 - 2015] == pytest.approx(700)
    assert launched[2028 - 2015] == pytest.approx(700 + 3300 * 3 / 5)
    assert launched[2030 - 2015] == pytest.approx(4000)
    assert launched[2044 - 2015] == pytest.approx(4000)
    engine = Engine(towns, towns_founding, values, seed, levers(towns, "zone_as_declared"), 2031)
    engine.run()
    petropavlovsk = towns.index("petropavlovsk")
    additional = 4000 * values["but_for"] * (1.0 - values["displacement"])
    assert engine.state.zone_jobs[petropavlovsk] == pytest.approx(additional)


@pytest.mark.parametrize("name", [name for name in names("policy") if name not in ("baseline",)])
def test_every_policy_moves_an_output(
    name: str,
    towns: World,
    towns_founding: Founding,
    towns_space: ParameterSpace,
    baseline: list[Record],
) -> None:
    moved = records(towns, towns_founding, towns_space, levers(towns, name))
    assert any(
        not np.array_equal(one.values, two.values, equal_nan=True)
        for one, two in zip(moved, baseline, strict=True)
    )
    first = 2019 if name in ("no_zone", "zone_null") else 2026
    for one, two in zip(moved, baseline, strict=True):
        assert np.array_equal(one.values[:, : first - 2015], two.values[:, : first - 2015]), "nothing before"


@pytest.mark.parametrize("name", [name for name in names("future") if name != "reference"])
def test_every_future_moves_the_population(
    name: str,
    towns: World,
    towns_founding: Founding,
    towns_space: ParameterSpace,
    baseline: list[Record],
) -> None:
    moved = records(towns, towns_founding, towns_space, levers(towns, future=name), runs=1)[0]
    assert not np.array_equal(moved.column("population"), baseline[0].column("population"))
    assert np.array_equal(moved.values[:, :12], baseline[0].values[:, :12]), "nothing before 2027"


# The sign that the equation of a lever gives, in population over all towns and runs.
SIGNS = {
    "networks_renewal": 1,
    "settlers": 1,
    "public_wages": 1,
    "youth_retention": 1,
    "local_budget": 1,
}


@pytest.mark.parametrize(("name", "sign"), SIGNS.items())
def test_levers_act_in_the_direction_of_their_equation(
    name: str,
    sign: int,
    towns: World,
    towns_founding: Founding,
    towns_space: ParameterSpace,
    baseline: list[Record],
) -> None:
    moved = records(towns, towns_founding, towns_space, levers(towns, name))
    gain = sum(
        float((one.column("population") - two.column("population"))[-1].sum())
        for one, two in zip(moved, baseline, strict=True)
    )
    assert sign * gain > 20 * DRAWS


@pytest.mark.parametrize("name", ["baseline", "zone_accelerated", "subzone_mamlyutka", "zone_as_declared"])
def test_a_replayed_zone_is_the_one_of_the_run(name: str, region: World) -> None:
    founding, space = build_founding(region), ParameterSpace(region)
    values, seed = space.draw(8, 1), draws.run_seed(8, 1, 0)
    record = simulate(region, founding, values, seed, levers(region, name, horizon=2036), 2036)
    path = replay_zones(load_policy(name), region, 2036, [(values, seed)])
    launched = record.column("zone_launched")[:-1]
    assert path.running[0].sum(axis=1) == pytest.approx(launched.sum(axis=1))
    assert launched.sum() > 0.0


@pytest.mark.parametrize("name", ["baseline", "zone_accelerated", "zone_as_declared"])
def test_the_expected_zone_is_the_mean_of_many(name: str, towns: World, towns_space: ParameterSpace) -> None:
    policy, values = load_policy(name), towns_space.defaults()
    many = replay_zones(policy, towns, HORIZON, [(values, draws.run_seed(9, 0, r)) for r in range(400)])
    expected = expected_zones(policy, towns, HORIZON)
    for one, two in zip(many, expected, strict=True):
        sums = one.sum(axis=2)
        error = sums.std(axis=0) / 20.0
        assert (np.abs(sums.mean(axis=0) - two[0].sum(axis=1)) <= 4.5 * error + 1e-9).all()
