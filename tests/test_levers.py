"""Levers that do not fit a run are refused with words, before anything runs."""

from __future__ import annotations

import dataclasses

import pytest

from calibration.cohort_twin import CohortTwin
from model import draws
from model.border_model import BorderModel
from model.engine import simulate
from model.founding import build_founding
from model.levers import BY_ANY_PLACE, BY_SIMULATED_PLACE, LeversError, check_levers, neutral_levers
from model.parameters import ParameterSpace
from model.world import World, load_world

HORIZON = 2018


@pytest.fixture(scope="module")
def towns() -> World:
    return load_world("towns")


@pytest.mark.parametrize("horizon", [HORIZON, HORIZON + 5])
def test_levers_of_the_run_and_longer_ones_fit(towns: World, horizon: int) -> None:
    check_levers(neutral_levers(towns, horizon), towns, HORIZON)


def test_short_levers_are_refused_with_both_years(towns: World) -> None:
    with pytest.raises(
        LeversError, match=r"reach 2017 only, expected 2018, .*reach, fare.*hinterland"
    ) as caught:
        check_levers(neutral_levers(towns, 2017), towns, HORIZON)
    assert "levers_of(policy, future, world, horizon)" in str(caught.value)


def test_levers_of_another_world_are_refused_array_by_array(towns: World) -> None:
    region = load_world("region")
    with pytest.raises(LeversError, match="another world than 'towns'") as caught:
        check_levers(neutral_levers(region, HORIZON), towns, HORIZON)
    for name in (*BY_SIMULATED_PLACE, *BY_ANY_PLACE, "renewal", "services_kept"):
        assert f"{name} is [3, " in str(caught.value)
    assert f"renewal is [3, {region.n_sim}, 4], expected [3, 4, 4]" in str(caught.value)


def test_a_single_array_of_a_wrong_shape_is_named(towns: World) -> None:
    levers = neutral_levers(towns, HORIZON)
    wrong = dataclasses.replace(levers, rouble=levers.fare)
    with pytest.raises(LeversError) as caught:
        check_levers(wrong, towns, HORIZON)
    assert "rouble is [3, 4], expected [3]" in str(caught.value)
    assert "fare is" not in str(caught.value)


def test_every_way_to_run_refuses_them(towns: World) -> None:
    founding, values = build_founding(towns), ParameterSpace(towns).defaults()
    short = neutral_levers(towns, 2016)
    with pytest.raises(LeversError, match="reach 2016 only"):
        simulate(towns, founding, values, draws.run_seed(1, 0, 0), short, HORIZON)
    with pytest.raises(LeversError, match="reach 2016 only"):
        CohortTwin(towns, founding).run(values, short, HORIZON)
    with pytest.raises(LeversError, match="reach 2016 only"):
        BorderModel(towns, seed=1, founding=founding, levers=short, horizon=HORIZON)
