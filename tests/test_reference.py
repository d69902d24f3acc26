"""The compiled engine and the object-agent reference give every person the same fate, to the last bit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model import draws
from model.engine import simulate
from model.founding import Founding, build_founding
from model.levers import Levers, neutral_levers
from model.parameters import ParameterSpace
from model.world import World, load_world
from model.zones import Project
from tests.reference import (
    ReferenceModel,
    demography,
    jobs,
    labour,
    migration,
    random_cases,
    simulate_reference,
)
from tests.reference.comparison import Difference, reference_people, run_both
from tests.reference.people import Household, Person
from tests.small_world import write_small_world

SIZES = {"aulton": 900, "bexley": 300, "corby": 700}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return load_world(str(write_small_world(tmp_path_factory.mktemp("reference"), sizes=SIZES)))


@pytest.fixture(scope="module")
def founding(world: World) -> Founding:
    return build_founding(world)


def all_levers(world: World, horizon: int) -> Levers:
    """Every policy and future of the issue at once, from 2018 on: each must reach both models alike."""
    levers = neutral_levers(world, horizon)
    corby = world.index("corby")
    levers.reach[3:, corby] = 25.0
    levers.fare[3:, corby] = 0.2
    levers.wage_supplement[3:, corby] = 0.3
    levers.renewal[3:, corby] = 12.0
    levers.extra_budget[3:] = 8.0
    levers.services_kept[3:, :, 1] = True
    levers.rent_factor[3:, corby] = 0.8
    levers.dwellings[3:, corby] = 30.0
    levers.reused[3:, corby] = 10.0
    levers.study_logit[3:, corby] = -0.6
    levers.return_gain[3:, corby] = 0.2
    levers.settlers[3:, corby] = 3.0
    levers.launch_factor[3:] = 3.0
    levers.russia_odds[3:] = 1.8
    levers.border_distance[3:] = 0.6
    levers.russian_wage[3:] = 1.1
    levers.drought[5] = -0.3
    levers.shedding[3:] = 0.01
    levers.hinterland[3:] = 0.01
    projects = (
        Project("sub-zone", "mill", corby, 2018, 2035, declared_jobs=40.0, but_for=1.0, launch_factor=20.0),
        Project("sub-zone", "dairy", corby, 2018, 2018, 25.0, recorded=True, full_year=2022),
        Project("zone", "works", world.index("petropavlovsk"), 2018, 2040, launch_factor=20.0),
    )
    return replace(levers, projects=projects)


# ---- the same fate ----


@pytest.mark.parametrize("number", [1, 2])
def test_thirty_years_are_the_same(world: World, founding: Founding, number: int) -> None:
    values, seed = ParameterSpace(world).draw(1, number), draws.run_seed(1, number, 0)
    levers = all_levers(world, 2045) if number == 2 else None
    engine, model = run_both(world, founding, values, seed, levers)
    assert model.year == engine.year == 2045
    assert sum(place.population for place in model.settlements) > 100


def test_the_towns_are_the_same(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> None:
    run_both(towns, towns_founding, towns_space.draw(2, 1), draws.run_seed(2, 1, 0), horizon=2017)


def test_dying_villages_are_the_same(tmp_path: Path) -> None:
    """Places become empty, and orphans without a neighbour go to kin outside."""
    names = random_cases.NAMES
    places = tuple(
        random_cases.InventedPlace(
            name, "rural_district", 10, 54.0, 66.0 + k, 0.025, 0.022, -0.04, "", 1.0, (0.3, 0.4, 0.3)
        )
        for k, name in enumerate(names)
    )  # fmt: skip
    world = random_cases.InventedWorld(places, ("petropavlovsk", "omsk"), False).write(tmp_path)
    harsh = {f"mortality.{name}": 2.0 for name in names} | {f"fertility.{name}": 1.5 for name in names}
    sent_to_kin = 0
    for number in range(4):
        values = ParameterSpace(world).draw(3, number).with_values(harsh)
        founding = build_founding(world, seed=number)
        _, model = run_both(world, founding, values, draws.run_seed(3, number, 0), horizon=2024)
        sent_to_kin += model.sent_to_kin
    assert sent_to_kin > 0


def test_a_place_that_nobody_leaves_keeps_its_people(tmp_path: Path) -> None:
    """`leaving_rate_ratio` 0: after the observed flows a regime factor of 0 / 0 let everybody leave in 2021."""
    place = random_cases.InventedPlace(
        "elm", "town", 300, 54.0, 68.0, 0.015, 0.012, 0.0, "own", 0.0, (0.3, 0.5, 0.4)
    )
    world = random_cases.InventedWorld((place,), ("petropavlovsk", "omsk"), False).write(tmp_path)
    values = ParameterSpace(world).defaults().with_values({"p_edu": 0.0})
    engine, model = run_both(world, build_founding(world), values, draws.run_seed(8, 0, 0), horizon=2024)
    assert not engine.record.flows.any()
    assert model.settlements[0].population > 200


def check_random_case(data: st.DataObject, most_people: int, horizon: int) -> None:
    """A random world with random parameters and levers."""
    invented = data.draw(random_cases.worlds(most_people))
    with tempfile.TemporaryDirectory() as folder:
        world = invented.write(Path(folder))
    values = data.draw(random_cases.parameters(ParameterSpace(world)))
    levers = data.draw(random_cases.levers(world, horizon))
    founding = build_founding(world, household_size=values["household_size"])
    run_both(world, founding, values, data.draw(random_cases.seeds()), levers, horizon)


@given(st.data())
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_random_worlds_are_the_same(data: st.DataObject) -> None:
    check_random_case(data, most_people=600, horizon=2023)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_random_worlds_are_the_same(data: st.DataObject) -> None:
    check_random_case(data, most_people=2000, horizon=2045)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3, 23))
def test_many_draws_are_the_same(world: World, founding: Founding, number: int) -> None:
    values, seed = ParameterSpace(world).draw(1, number), draws.run_seed(1, number, 0)
    run_both(world, founding, values, seed, all_levers(world, 2045) if number % 2 else None)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_region_is_the_same() -> None:
    region = load_world("region")
    values = ParameterSpace(region).draw(4, 1)
    run_both(region, build_founding(region), values, draws.run_seed(4, 1, 0), horizon=2017)


# ---- what the reference is ----


def test_no_order_of_agents_matters(world: World, founding: Founding) -> None:
    values, seed = ParameterSpace(world).draw(5, 1), draws.run_seed(5, 1, 0)
    plain, shuffled = (ReferenceModel(world, founding, values, seed) for _ in range(2))
    shuffled.random.seed(7)
    for _ in range(5):
        plain.step()
        for kind in (Person, Household):
            shuffled.agents_by_type[kind].shuffle(inplace=True)
        shuffled.step()
        assert reference_people(plain) == reference_people(shuffled)
        for one, two in zip(plain.settlements, shuffled.settlements, strict=True):
            assert (one.jobs, one.wage, one.income, one.flows) == (two.jobs, two.wage, two.income, two.flows)


def test_the_peer_runs_as_the_benchmark_calls_it(world: World, founding: Founding) -> None:
    values, seed = ParameterSpace(world).defaults(), draws.run_seed(6, 0, 0)
    peer = simulate_reference(world, founding, values, seed, None, 2018)
    record = simulate(world, founding, values, seed, None, 2018)
    assert [place.population for place in peer.settlements] == record.column("population")[-1].tolist()


# ---- the comparison notices what is wrong ----


def later_retirement(original: Any) -> Any:
    return {False: 63, True: 59}


def rounding_up(original: Callable[[float], int]) -> Callable[[float], int]:
    return lambda value: int(np.ceil(value))


def weaker_tightness(original: Callable[..., float]) -> Callable[..., float]:
    return lambda omega, reference, slack, slack_2015, nu, p: original(
        omega, reference, slack, slack_2015 + 1e-15, nu, p
    )


def one_candidate_less(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda candidates, model: original(candidates[1:], model)


@pytest.mark.parametrize(
    ("module", "name", "change"),
    [
        (labour, "RETIREMENT_AGES", later_retirement),
        (labour, "round_half_up", rounding_up),
        (jobs, "wage_curve", weaker_tightness),
        (migration, "yearly_return", lambda original: lambda share: original(share) * 1.01),
        (demography, "pair_up", one_candidate_less),
    ],
)
def test_a_changed_equation_is_noticed(
    world: World, founding: Founding, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, change: Any
) -> None:
    monkeypatch.setattr(module, name, change(getattr(module, name)))
    with pytest.raises(Difference):
        run_both(world, founding, ParameterSpace(world).defaults(), draws.run_seed(7, 0, 0), horizon=2020)
