"""Results of a forecast made up for tests: the layout of the store, plausible figures, any world."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from experiments.forecast_summaries import FLOWS
from model.world import World


def write_forecast_folder(
    folder: Path, world: World, n_runs: int = 40, horizon: int = 2045, seed: int = 1, parts: int = 2
) -> Path:
    """Write parts, flows, pyramids and a manifest of invented runs; return the folder."""
    rng = np.random.default_rng(seed)
    for part, draws in enumerate(np.array_split(np.arange(n_runs), parts)):
        if len(draws):
            _write(_results(rng, world, draws, horizon), folder, "parts", part)
            _write(_flows(rng, world, len(draws), horizon), folder, "flows", part)
            _write(_pyramids(rng, world, draws, horizon), folder, "pyramids", part)
    manifest = {
        "identity": "0123456789abcdef",
        "design": {"world": world.name, "horizon": horizon, "seed": seed, "set": {}},
        "parameters": {"note": "drawn from the declared priors"},
        "runs": n_runs,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def _write(rows: pd.DataFrame, folder: Path, kind: str, part: int) -> None:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    path = folder / kind / f"part-{part:06d}.parquet"
    with duckdb.connect() as database:
        database.register("rows", rows)
        database.execute(f"COPY rows TO '{path}' (FORMAT parquet)")


def _results(rng: np.random.Generator, world: World, draws: np.ndarray, horizon: int) -> pd.DataFrame:
    frames = []
    years = np.arange(world.start, horizon + 1)
    last = years == horizon
    for draw in draws:
        trend = rng.normal(-0.008, 0.006)
        for place in range(world.n_sim):
            size = float(world.founding_population[place])
            walk = np.concatenate([[0.0], np.cumsum(rng.normal(trend, 0.01, len(years) - 1))])
            people = np.rint(size * np.exp(walk))
            births, deaths = (
                np.rint(people * rate * rng.normal(1, 0.1, len(years))) for rate in (0.0145, 0.0135)
            )
            out = np.rint(people * rng.normal(0.03, 0.004, len(years)))
            labour = people * 0.58
            jobs = labour * rng.normal(0.72, 0.02, len(years))
            commuters = np.rint(labour * 0.02 * rng.lognormal(0, 0.3))
            official = np.clip(rng.normal(0.055, 0.006, len(years)), 0, 1)
            frame = pd.DataFrame(
                {
                    "scenario": "baseline",
                    "draw": draw,
                    "replicate": 0,
                    "year": years,
                    "place": world.ids[place],
                    "population": people,
                    "births": births,
                    "deaths": deaths,
                    "in_migration": out - 20,
                    "out_migration": out,
                    "net_migration": np.full(len(years), -20.0) + rng.normal(0, 30, len(years)),
                    "jobs": jobs,
                    "employed": jobs + commuters,
                    "labour_force": labour,
                    "commuters": commuters,
                    "unemployment_rate": official,
                    "hidden_unemployment_rate": 0.24 - official,
                    "share_65": np.linspace(0.1, 0.2, len(years)) * rng.normal(1, 0.1),
                }
            )
            frame.loc[last, list(FLOWS)] = np.nan
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _flows(rng: np.random.Generator, world: World, runs: int, horizon: int) -> pd.DataFrame:
    rows = []
    for place in range(world.n_sim):
        for other in range(world.n_all):
            if other == place:
                continue
            mean = runs * 0.02 * world.founding_population[place] / world.n_all
            for year in range(world.start, horizon):
                if world.is_destination[other]:
                    rows.append((year, world.ids[place], world.ids[other], int(rng.poisson(mean))))
                if other >= world.n_sim:
                    rows.append((year, world.ids[other], world.ids[place], int(rng.poisson(mean))))
    frame = pd.DataFrame(rows, columns=["year", "origin", "destination", "persons"])
    return frame.assign(scenario="baseline", n_runs=runs)


def _pyramids(rng: np.random.Generator, world: World, draws: np.ndarray, horizon: int) -> pd.DataFrame:
    rows = []
    for draw in draws:
        for place in range(world.n_sim):
            for year in (world.start, horizon):
                for sex in ("M", "F"):
                    for age in range(0, 105, 5):
                        mean = world.founding_population[place] / 25 * max(1 - age / 90, 0.01)
                        rows.append((draw, year, world.ids[place], sex, age, int(rng.poisson(mean))))
    frame = pd.DataFrame(rows, columns=["draw", "year", "place", "sex", "age", "persons"])
    return frame.assign(scenario="baseline", replicate=0)
