"""Scenarios run together from a common past give the records of separate runs, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.branches import branch, simulate_together
from model import draws
from model.engine import Engine, simulate
from model.founding import Founding
from model.levers import Levers, neutral_levers
from model.parameters import ParameterSpace
from model.partings import first_difference
from model.world import World
from model.zones import Project
from tests.test_invariance import assert_same, fates

HORIZON = 2027


def _changed(world: World, **changes: Any) -> Levers:
    """Neutral levers with some years changed: `name=(first year, value)`."""
    levers = neutral_levers(world, HORIZON)
    for name, change in changes.items():
        if isinstance(getattr(levers, name), np.ndarray):
            first, value = change
            getattr(levers, name)[first - world.start :] = value
        else:
            setattr(levers, name, change)
    return levers


def _scenarios(world: World) -> list[Levers | None]:
    shop = Project("own", "shop", 0, 2018, 2018, 40.0, but_for=1.0, displacement=0.0, launch_factor=1e9)
    plant = Project("own", "plant", 1, 2020, 2044, 60.0, recorded=True, full_year=2026, but_for=1.0)
    return [
        None,
        _changed(world, qyzyljar=False),
        _changed(world, wage_supplement=(2021, 0.3)),
        _changed(world, projects=(shop,)),
        _changed(world, projects=(shop, plant), russia_odds=(2023, 1.5)),
        _changed(world, russian_wage=(2019, 1.2), hinterland=(2018, 0.01), shedding=(2018, 0.02)),
        _changed(world, russian_wage=(2019, 1.2), hinterland=(2018, 0.01), shedding=(2018, 0.02), reach=(2022, 9)),
        _changed(world, qyzyljar=False, border_distance=(2015, 1.3)),
        _changed(world, launch_factor=(2017, 3.0), projects=(shop,), study_logit=(2020, -0.3), settlers=(2020, 5)),
        neutral_levers(world, HORIZON),
        _changed(world, projects=(replace(shop, kept_until=2024), plant)),
    ]  # fmt: skip


def test_branches_equal_separate_runs(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    scenarios, seed = _scenarios(towns), draws.run_seed(1, 2, 0)
    values = towns_space.draw(1, 2)
    together = simulate_together(towns, towns_founding, values, seed, scenarios, HORIZON)
    for levers, record in zip(scenarios, together, strict=True):
        assert_same(record, simulate(towns, towns_founding, values, seed, levers, HORIZON))
    assert together[9] is together[0], "equal levers are run once"
    different = sum(
        not np.array_equal(together[k].values, together[0].values, equal_nan=True) for k in (*range(1, 9), 10)
    )
    assert different == 9


def test_the_year_of_parting(towns: World) -> None:
    scenarios = [neutral_levers(towns, HORIZON) if one is None else one for one in _scenarios(towns)]
    years = [first_difference(towns, scenarios[0], other, HORIZON) for other in scenarios]
    assert years == [2015 + 12, 2019, 2021, 2018, 2018, 2018, 2018, 2015, 2017, 2027, 2018]
    assert first_difference(towns, scenarios[3], scenarios[10], HORIZON) == 2019, (
        "a project that stays: after launch"
    )
    assert first_difference(towns, scenarios[3], scenarios[4], HORIZON) == 2020
    assert first_difference(towns, scenarios[5], scenarios[6], HORIZON) == 2022


def test_another_order_of_projects_parts_at_their_first_year(towns: World) -> None:
    one, two = (Project("own", name, 0, 2019, 2020, 10.0) for name in "ab")
    levers = [_changed(towns, projects=order) for order in ((one, two), (two, one))]
    assert first_difference(towns, levers[0], levers[1], HORIZON) == 2019


def test_a_branch_leaves_its_origin_as_it_was(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    values, seed = small_space.defaults(), draws.run_seed(5, 0, 0)
    trunk = Engine(small_world, small_founding, values, seed, horizon=HORIZON)
    alone = Engine(small_world, small_founding, values, seed, horizon=HORIZON)
    for _ in range(4):
        trunk.step()
        alone.step()
    twin = branch(trunk, _changed(small_world, rent_factor=(2019, 0.5)))
    assert twin.world is trunk.world
    assert twin.founding is trunk.founding
    twin.run()
    assert fates(trunk) == fates(alone)
    assert_same(trunk.run(), alone.run())


@pytest.mark.parametrize("place", ["petropavlovsk", "astana", "mamlyutka"])
def test_what_no_phase_sees_parts_nobody(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace, place: str
) -> None:
    """A zone none of whose jobs is additional equals no zone, person by person, and so does its record of people."""
    null = Project(
        "zone", "null", towns.ids.index(place), 2016, 2040, 300.0, recorded=True, full_year=2018, but_for=0.0
    )
    engines = [
        Engine(
            towns, towns_founding, towns_space.defaults(), draws.run_seed(6, 0, 0), levers, HORIZON
        )
        for levers in (_changed(towns, qyzyljar=False), _changed(towns, qyzyljar=False, projects=(null,)))
    ]  # fmt: skip
    for _ in range(8):
        for engine in engines:
            engine.step()
        assert fates(engines[0]) == fates(engines[1])


def test_projects_that_closed_before_the_parting_stay_closed(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    shops = tuple(
        Project("own", f"shop {k}", 0, 2016, 2016, but_for=1.0, displacement=0.0, launch_factor=1e9)
        for k in range(12)
    )
    scenarios = [
        _changed(towns, projects=shops),
        _changed(towns, projects=shops, wage_supplement=(2024, 0.3)),
    ]
    values, seed = towns_space.defaults().with_values({"exit_rate": 0.2}), draws.run_seed(7, 0, 0)
    together = simulate_together(towns, towns_founding, values, seed, scenarios, HORIZON)
    jobs = together[1].column("zone_jobs")[:-1, 0]
    assert 0.0 < jobs[9] < jobs[1], "some have closed before the parting, each has a size of its own"
    assert_same(together[1], simulate(towns, towns_founding, values, seed, scenarios[1], HORIZON))
