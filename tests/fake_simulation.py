"""A stand-in for a run of the engine, for tests of what happens around runs: a quick function of the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import experiments.ensemble
from experiments.design import Design, forecast_design
from experiments.manifest import Ensemble
from experiments.store import Store
from model.founding import Founding
from model.levers import Levers
from model.parameters import ParameterValues
from model.record import COLUMNS, Record
from model.world import World

HORIZON = 2018


def fake_simulate(
    world: World,
    founding: Founding,
    values: ParameterValues,
    seed: np.uint64,
    levers: Levers | None = None,
    horizon: int = 2045,
) -> Record:
    """Return a record of plausible shape whose figures depend on the seed and the parameters alone."""
    chance = np.random.default_rng(int(seed))
    record = Record(world.start, horizon, world.n_sim, world.n_all)
    record.values[:] = values["chi"] + chance.random(record.values.shape)
    record.values[0] = np.round(1000 * record.values[0])
    for k, column in enumerate(COLUMNS):
        if column.is_flow:
            record.values[k, -1] = np.nan
    record.flows[:] = chance.integers(0, 9, record.flows.shape)
    outside = record.arrivals_from[:, :, world.n_sim :]
    outside[:] = chance.integers(0, 9, outside.shape)
    record.pyramid_first[:] = chance.integers(0, 50, record.pyramid_first.shape)
    record.pyramid_last[:] = chance.integers(0, 50, record.pyramid_last.shape)
    return record


def use_fake_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ensembles run the stand-in."""
    monkeypatch.setattr(experiments.ensemble, "simulate", fake_simulate)


def small_design(world: World, seed: int = 1, **fixed: float) -> Design:
    """A design with a short horizon."""
    return forecast_design(world, HORIZON, seed, fixed)


def open_store(folder: Path, world: World, design: Design, runs: int = 25) -> Store:
    """A store for a design, to be entered as a context."""
    return Store(folder, Ensemble("forecast", design, runs, world, world.name, "declared priors"))
