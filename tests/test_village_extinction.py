"""The ensemble of villages: resumed and extended parts, tables, policies and what they cost, refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import numpy as np
import pytest

from experiments.failures import BadInput
from experiments.forecast import read_world
from experiments.village_extinction import check_policies, run_village_extinction
from experiments.village_policies import BUDGET, POLICIES, SUPPORTED, pull, supported
from model.world import World, load_world


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("villages")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("villages") / "run"
    run_village_extinction(
        ("roads",), runs=2, horizon=2024, out=out, quiet=True, figures=False, validate=False
    )
    return out


def table(folder: Path, name: str) -> dict[str, np.ndarray]:
    with duckdb.connect() as database:
        found = database.execute(f"select * from read_parquet('{folder}/{name}/*.parquet')").fetchnumpy()
    return {key: np.asarray(value) for key, value in found.items()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_counts_are_those_of_the_classes_and_of_every_year(folder: Path) -> None:
    parts, classes = table(folder, "parts"), table(folder, "classes")
    assert len(parts["year"]) == 2 * 2 * 10 * 13  # scenarios x runs x years x districts
    assert set(parts["villages"][parts["district"] == "akzhar_rural"]) <= {24, 25}
    for scenario in ("baseline", "roads"):
        for draw in (0, 1):
            for year in (2015, 2023):
                one = (parts["scenario"] == scenario) & (parts["draw"] == draw) & (parts["year"] == year)
                two = (
                    (classes["scenario"] == scenario) & (classes["draw"] == draw) & (classes["year"] == year)
                )
                alive = parts["villages"][one].sum() - parts["empty"][one].sum()
                assert alive == classes["villages"][two].sum()
                assert parts["people"][one].sum() == classes["people"][two].sum()
    start = parts["year"] == 2015
    assert parts["people"][start].sum() == 4 * 327_657
    assert (parts["under_50_three_years"][start] == 0).all()
    third = parts["year"] == 2017  # under 50 on three 1 Januaries in a row is possible for the first time
    assert parts["under_50_three_years"][third].sum() > 0
    assert parts["under_50_three_years"][parts["year"] == 2016].sum() == 0


def test_policies_cost_from_their_first_year_and_the_past_is_shared(folder: Path) -> None:
    parts = table(folder, "parts")
    baseline, roads = (parts["scenario"] == name for name in ("baseline", "roads"))
    assert (parts["cost"][baseline] == 0).all()
    spent = parts["cost"][roads]
    assert (spent[parts["year"][roads] != 2022] == 0).all()
    assert spent.sum() > 0
    early = parts["year"] <= 2022
    for name in ("people", "empty", "lost_school"):
        assert (parts[name][baseline & early] == parts[name][roads & early]).all()
    late = parts["year"] == 2024
    assert (parts["people"][baseline & late] != parts["people"][roads & late]).any()


def test_tables_are_written(folder: Path) -> None:
    assert {row["scenario"] for row in rows(folder / "summary.csv")} == {"baseline", "roads"}
    assert len(rows(folder / "districts.csv")) == 13
    assert [row["policy"] for row in rows(folder / "policies.csv")] == ["roads"]
    assert len(rows(folder / "hazards.csv")) == 7
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["runs"] == 2
    assert manifest["command"] == "extinction"


def test_villages_of_the_first_founding_are_kept_and_known_ones_are_named(folder: Path) -> None:
    villages = table(folder, "villages")
    assert set(villages["founding"]) == {0}
    assert len(villages["village"]) == 2 * 672  # one run of founding 0, two scenarios
    assert 50 < (~villages["synthetic"].astype(bool)).sum() / 2 < 65
    assert (villages["people_2015"] >= 1).all()


@pytest.mark.slow
def test_extending_gives_what_running_at_once_gives(folder: Path, tmp_path: Path) -> None:
    before = table(folder, "parts")
    run_village_extinction(
        ("roads",), runs=3, horizon=2024, out=folder, quiet=True, figures=False, validate=False
    )
    at_once = tmp_path / "at_once"
    run_village_extinction(
        ("roads",), runs=3, horizon=2024, out=at_once, threads=1, quiet=True, figures=False, validate=False
    )
    extended, whole = table(folder, "parts"), table(at_once, "parts")
    for name in extended:
        assert extended[name].tolist() == whole[name].tolist(), name
    assert before["people"].tolist() == extended["people"][extended["draw"] < 2].tolist()


def test_another_design_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match="another design"):
        run_village_extinction(runs=2, horizon=2023, out=folder, quiet=True)


def test_refusals_write_nothing(tmp_path: Path) -> None:
    out = tmp_path / "nothing"
    for wrong, expected in (
        ({"policies": ("service_kept",)}, "nearest valid name: 'services_kept'"),
        ({"world_name": "towns"}, "has no villages"),
        ({"horizon": 2015}, "--horizon 2015"),
        ({"parameters": "posteriour"}, "takes prior or posterior"),
        ({"assignments": ("village_slop=1",)}, "did you mean 'village_slope'"),
    ):
        with pytest.raises(BadInput, match=expected):
            run_village_extinction(out=out, quiet=True, **wrong)
    assert not out.exists()


def test_a_world_of_villages_is_refused_where_tables_are_by_place() -> None:
    with pytest.raises(BadInput, match="qyzyljar extinction --world villages"):
        read_world("villages")


def test_names_of_policies() -> None:
    assert check_policies(("all",)) == tuple(sorted(POLICIES))
    assert check_policies(("roads", "baseline", "roads")) == ("roads",)


def test_levers_of_policies(world: World) -> None:
    assert world.villages is not None
    chosen = supported(world)
    assert chosen.sum() == 13 * SUPPORTED
    assert not chosen[world.villages.centre].any()
    concentrated, own = pull(POLICIES["supporting"], world, 2030)
    dispersed, _ = pull(POLICIES["dispersed"], world, 2030)
    assert (concentrated.extra_budget[:7] == 0).all()
    assert set(concentrated.extra_budget[7, chosen]) == {BUDGET}
    people = world.founding_population
    money = [(levers.extra_budget[7] * people).sum() for levers in (concentrated, dispersed)]
    assert money[0] == pytest.approx(money[1], rel=1e-9)
    assert own.farm_kept[7, chosen].all()
    assert not own.farm_kept[6].any()
    towns = ~world.villages.is_village
    for policy in POLICIES.values():
        levers, extra = pull(policy, world, 2030)
        assert not levers.services_kept[:, towns].any()
        assert not extra.farm_kept[:, towns].any()
        assert (levers.extra_budget[:, towns] == 0).all()
        assert (levers.settlers[:, towns] == 0).all()
