"""Worlds and founding populations that the tests of the model share: built once, never written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import experiments.crew
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace
from model.world import World, load_world
from tests.small_world import write_small_world


@pytest.fixture(autouse=True)
def threads_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tests that put something in the place of the model see it run: other processes would run the model itself."""
    monkeypatch.setattr(experiments.crew, "RUNS_WORTH_A_CREW", 10**9)
    yield
    experiments.crew.dismiss()


@pytest.fixture(scope="session")
def towns() -> World:
    return load_world("towns")


@pytest.fixture(scope="session")
def region() -> World:
    return load_world("region")


@pytest.fixture(scope="session")
def towns_founding(towns: World) -> Founding:
    return build_founding(towns)


@pytest.fixture(scope="session")
def towns_space(towns: World) -> ParameterSpace:
    return ParameterSpace(towns)


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return load_world(str(write_small_world(tmp_path_factory.mktemp("small"))))


@pytest.fixture(scope="session")
def small_founding(small_world: World) -> Founding:
    return build_founding(small_world)


@pytest.fixture(scope="session")
def small_space(small_world: World) -> ParameterSpace:
    return ParameterSpace(small_world)
