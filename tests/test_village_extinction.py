"""The ensemble of villages: resumed and extended parts, tables, policies and what they cost, refusals."""

from __future__ import annotations

import csv
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from experiments.design import Batch
from experiments.failures import BadInput, RunFailure
from experiments.forecast import read_world
from experiments.village_cases import VillageCase, read_cases
from experiments.village_extinction import VillageOptions, run_village_extinction
from experiments.village_policies import BUDGET, POLICIES, SUPPORTED, pull, supported
from experiments.village_results import Counts, policy_effect
from experiments.village_study import VillageStudy, village_design
from model.world import World, load_world
from scenarios.reading import load_future
from tests.test_sensitivity_parts import kill_a_worker_after_the_first_part, started
from tests.test_shards import local_cluster

DROUGHT = Path(__file__).parent / "village_futures" / "early_drought.toml"


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("villages")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("villages") / "run"
    run_village_extinction(options(out))
    return out


def options(out: Path, **changed: Any) -> VillageOptions:
    given: dict[str, Any] = {
        "policies": ("roads", f"farms_kept@{DROUGHT}"), "runs": 2, "horizon": 2024, "out": out, "quiet": True,
        "figures": False, "validate": False,
    }  # fmt: skip
    return VillageOptions(**{**given, **changed})


def table(folder: Path, name: str) -> dict[str, np.ndarray]:
    with duckdb.connect() as database:
        found = database.execute(f"select * from read_parquet('{folder}/{name}/*.parquet')").fetchnumpy()
    return {key: np.asarray(value) for key, value in found.items()}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_counts_are_those_of_the_classes_and_of_every_year(folder: Path) -> None:
    parts, classes = table(folder, "parts"), table(folder, "classes")
    assert len(parts["year"]) == 4 * 2 * 10 * 13  # scenarios x runs x years x districts
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
    assert parts["people"][start].sum() == 8 * 327_657
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
    assert {row["scenario"] for row in rows(folder / "summary.csv")} == {
        "baseline", "roads", "baseline@early_drought", "farms_kept@early_drought",
    }  # fmt: skip
    assert len(rows(folder / "districts.csv")) == 13
    held = rows(folder / "listed_2019.csv")
    assert len(held) == 13
    assert sum(int(row["published"]) for row in held) == 635
    found = rows(folder / "policies.csv")
    assert [(row["policy"], row["future"]) for row in found] == [
        ("farms_kept", "early_drought"),
        ("roads", "reference"),
    ]
    for row in found:
        priced = bool(row["million_kzt_per_village_year"])
        assert priced == (float(row["village_years_low95"]) > 0)
        assert priced != bool(row["undefined_because"])
    assert len(rows(folder / "hazards.csv")) == 7
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["runs"] == 2
    assert manifest["command"] == "extinction"


def test_villages_of_the_first_founding_are_kept_and_known_ones_are_named(folder: Path) -> None:
    villages = table(folder, "villages")
    assert set(villages["founding"]) == {0}
    assert len(villages["village"]) == 4 * 672  # one run of founding 0, four cases
    assert 50 < (~villages["synthetic"].astype(bool)).sum() / 4 < 65
    assert (villages["people_2015"] >= 1).all()


def test_a_shared_past_changes_nothing(world: World) -> None:
    """Cases run together, their past once, give what each gives alone, whatever the future."""
    cases = read_cases(("settlers", f"roads@{DROUGHT}"), world, 2024)
    study = VillageStudy(
        village_design(world, 2024, 1, {}, cases, "prior", False), world, cases, "prior", False
    )
    rows_of_pair = study.design.rows(Batch(0, 0, 1))
    together = study.run_together(tuple(rows_of_pair))
    for row, outcome in zip(rows_of_pair, together, strict=True):
        alone = study.run_together((row,))[0]
        assert (alone.people == outcome.people).all(), row
        assert (alone.listed == outcome.listed).all()
        assert (alone.cost == outcome.cost).all()
    people = {row.scenario.name: o.people for row, o in zip(rows_of_pair, together, strict=True)}
    assert (people["settlers"] != people["baseline"]).any()
    assert (people["baseline@early_drought"] != people["baseline"]).any()


@pytest.mark.slow
def test_extending_gives_what_running_at_once_gives(folder: Path, tmp_path: Path) -> None:
    before = table(folder, "parts")
    longer, at_once = tmp_path / "longer", tmp_path / "at_once"
    shutil.copytree(folder, longer)  # the other tests share the folder as it is
    run_village_extinction(options(longer, runs=3))
    run_village_extinction(options(at_once, runs=3, threads=1))
    extended, whole = table(longer, "parts"), table(at_once, "parts")
    for name in extended:
        assert extended[name].tolist() == whole[name].tolist(), name
    assert before["people"].tolist() == extended["people"][extended["draw"] < 2].tolist()


def test_finished_runs_are_verified_and_a_changed_value_is_named(folder: Path, tmp_path: Path) -> None:
    run_village_extinction(options(folder, verify=2))
    copied = tmp_path / "copy"
    shutil.copytree(folder, copied)
    path = copied / "parts" / "part-000000.parquet"
    with duckdb.connect() as database:
        marks = database.execute(
            f"select decode(key), decode(value) from parquet_kv_metadata('{path}')"
        ).fetchall()
        metadata = ", ".join(f"{key}: '{value}'" for key, value in marks)
        database.execute(
            f"create table t as select * replace (listed + (year = 2020)::int as listed) "
            f"from read_parquet('{path}')"
        )
        database.execute(f"copy t to '{path}' (format parquet, kv_metadata {{{metadata}}})")
    with pytest.raises(RunFailure, match="listed, row"):
        run_village_extinction(options(copied, verify=2))


@pytest.mark.slow
def test_shards_make_the_folder_of_one_machine(folder: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    for shard in ("1/2", "2/2"):  # one part in all: the second shard has nothing to do
        run_village_extinction(options(shared, shard=shard))
        assert not (shared / "summary.csv").exists()
    run_village_extinction(options(shared))
    for name in ("parts", "classes", "villages", "parameters"):
        one, two = table(shared, name), table(folder, name)
        assert all(one[key].tolist() == two[key].tolist() for key in two), name
    assert (shared / "summary.csv").read_bytes() == (folder / "summary.csv").read_bytes()


def test_a_study_travels_to_another_process_with_its_cases(world: World) -> None:
    assert world.villages is not None
    cases = read_cases((f"roads@{DROUGHT}",), world, 2024)
    design = village_design(world, 2024, 1, {}, cases, "posterior", True)
    arrive, given = VillageStudy(design, world, cases, "posterior", True).__reduce__()
    again = arrive(*given)
    assert isinstance(again, VillageStudy)
    assert set(again.cases) == {"baseline", "baseline@early_drought", "roads@early_drought"}
    assert again.per_village
    # As the world that was loaded: otherwise every kernel would be compiled once more
    travelled = pickle.loads(pickle.dumps(VillageStudy(design, world, cases, "posterior", True))).world
    for one, two in (
        (world, travelled),
        (world.villages, travelled.villages),
        (world.villages.base, travelled.villages.base),
    ):
        for name, value in vars(one).items():
            if isinstance(value, np.ndarray):
                assert getattr(two, name).flags.writeable == value.flags.writeable, name
    other = replace(design, code={**design.code, "experiments/village_policies.py": "another"})
    with pytest.raises(RunFailure, match="another version of the project"):
        arrive(other, *given[1:])


def test_another_design_is_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match="another design"):
        run_village_extinction(options(folder, horizon=2023))


def test_refusals_write_nothing(tmp_path: Path) -> None:
    out = tmp_path / "nothing"
    for wrong, expected in (
        ({"policies": ("service_kept",)}, "nearest valid name: 'services_kept'"),
        ({"policies": ("roads@drout",)}, "nearest valid name: 'drought'"),
        ({"policies": ("roads@",)}, "expected POLICY or POLICY@FUTURE"),
        ({"verify": 1}, "no results in"),
        ({"verify": 1, "shard": "1/2"}, "--verify goes with neither"),
        ({"shard": "3/2"}, "expected i/n"),
        ({"world": "towns"}, "has no villages"),
        ({"horizon": 2015}, "--horizon 2015"),
        ({"parameters": "posteriour"}, "takes prior or posterior"),
        ({"assignments": ("village_slop=1",)}, "did you mean 'village_slope'"),
    ):
        with pytest.raises(BadInput, match=expected):
            run_village_extinction(options(out, **{"policies": (), **wrong}))
    assert not out.exists()


def test_a_world_of_villages_is_refused_where_tables_are_by_place() -> None:
    with pytest.raises(BadInput, match="qyzyljar extinction --world villages"):
        read_world("villages")


def test_names_of_cases(world: World) -> None:
    names = [case.name for case in read_cases(("all",), world, 2030)]
    assert names == sorted((*POLICIES, "baseline"))
    cases = read_cases(("roads", "baseline", "roads", f"settlers@{DROUGHT}"), world, 2030)
    assert [case.name for case in cases] == [
        "baseline",
        "baseline@early_drought",
        "roads",
        "settlers@early_drought",
    ]
    assert cases[-1].baseline == "baseline@early_drought"


def test_a_price_is_undefined_where_the_gain_may_be_nothing() -> None:
    years, chance = np.arange(2020, 2031), np.random.default_rng(1)
    lost = chance.integers(50, 60, (30, 11, 1)).astype(float)

    def counts(saved: np.ndarray, cost: float) -> Counts:
        nothing = np.zeros((30, 11, 1))
        values = {"empty": nothing, "under_50": lost - saved, "people": nothing + 1000.0}
        return Counts(
            years, ("all",), values | {"cost": np.where(years < 2030, cost, 0.0)[None, :, None] + nothing}
        )

    case = VillageCase("roads", POLICIES["roads"], load_future("reference"))
    base = counts(np.zeros((30, 11, 1)), 0.0)
    clear = policy_effect(case, base, counts(np.full((30, 11, 1), 2.0), 100.0))
    assert clear.saved.mean == 2.0
    assert clear.per_village_year.expected == pytest.approx(50.0)  # discounted alike
    assert clear.cost.mean == pytest.approx(sum(100.0 * 1.05 ** (2026 - year) for year in range(2020, 2030)))
    doubtful = policy_effect(case, base, counts(chance.normal(0.0, 1.0, (30, 11, 1)), 100.0))
    assert np.isnan(doubtful.per_village_year.expected)
    assert "includes 0" in doubtful.per_village_year.reason


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


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_villages_survive_a_worker_killed_in_the_middle(tmp_path: Path) -> None:
    arguments = (
        "extinction", f"farms_kept@{DROUGHT}", "--world", "villages", "--runs", "8", "--horizon", "2024",
        "--no-figures", "--no-backtest",
    )  # fmt: skip
    with local_cluster(2) as cluster:
        run = started(tmp_path, *arguments, "--out", "there", "--cluster", cluster.scheduler_address)
        kill_a_worker_after_the_first_part(cluster, tmp_path / "there" / "parts", run)
    run = started(tmp_path, *arguments, "--out", "here")
    out, error = run.communicate(timeout=280)
    assert run.returncode == 0, out + error
    for name in ("parts", "classes", "villages", "parameters"):
        one, two = (table(tmp_path / where, name) for where in ("there", "here"))
        assert all(one[key].tolist() == two[key].tolist() for key in two), name
    written = sorted(path.name for path in (tmp_path / "here").glob("*.csv"))
    assert {"policies.csv", "hazards.csv", "summary.csv"} <= set(written)
    for name in written:
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_shipped_future_is_seen_in_villages_by_2045(tmp_path: Path) -> None:
    """Droughts from 2028 on: nothing before, fewer people after, and the policy is measured under the future."""
    out = tmp_path / "run"
    run_village_extinction(options(out, policies=("farms_kept@drought",), runs=2, horizon=2045))
    parts = table(out, "parts")
    without, drought = (parts["scenario"] == name for name in ("baseline", "baseline@drought"))
    early = parts["year"] <= 2028
    assert (parts["people"][without & early] == parts["people"][drought & early]).all()
    last = parts["year"] == 2045
    people = {
        name: parts["people"][last & (parts["scenario"] == name)].sum() for name in set(parts["scenario"])
    }
    assert people["baseline@drought"] < people["baseline"]
    assert people["farms_kept@drought"] > people["baseline@drought"]
    (found,) = rows(out / "policies.csv")
    assert (found["policy"], found["future"]) == ("farms_kept", "drought")
    assert float(found["people_mean"]) == pytest.approx(
        (people["farms_kept@drought"] - people["baseline@drought"]) / 2
    )
