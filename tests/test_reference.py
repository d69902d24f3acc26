"""The compiled engine and the object-agent reference give every person the same fate, to the last bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.founding import build_founding
from model.parameters import ParameterSpace
from tests.reference import random_cases
from tests.reference.comparison import run_both


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
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_many_random_worlds_are_the_same(data: st.DataObject) -> None:
    check_random_case(data, most_people=2000, horizon=2045)
