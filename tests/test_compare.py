"""`qyzyljar compare`: null policies, paired effects, files, exit codes; effects of outside centres."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from experiments.command_line import app
from experiments.compare import CompareOptions, comparison_design, run_comparison
from experiments.compare_cells import effect_cell
from experiments.compare_centres import centre_paths
from experiments.compare_scenarios import (
    BASELINE,
    NO_ZONE,
    YARDSTICK,
    YARDSTICK_JOBS,
    Case,
    Comparison,
    compare_cases,
    read_comparison,
)
from experiments.design import Scenario
from experiments.ensemble import Study
from experiments.failures import BadInput
from experiments.paired_statistics import size_bound, summarised
from model.draws import run_seed
from model.engine import Engine
from model.levers import Levers, neutral_levers
from model.world import World, load_world
from model.zones import Project
from tests.test_invariance import fates

PROJECT = Path(__file__).resolve().parent.parent
HORIZON = 2031
RUNS = 20
FILES = {
    "bounds.csv", "costs.csv", "crossings.csv", "effects.csv", "flows", "jobs_to_hold.csv", "manifest.json",
    "pairing.csv", "parameters", "parts", "pyramids", "rating.csv", "rating_changes.csv", "regret.csv",
    "summary.csv", "views.sql",
    ".lock",
}  # fmt: skip


def case(name: str, levers: Levers, future: str = "reference") -> Case:
    """A case made by hand."""
    full = name if future == "reference" else f"{name}@{future}"
    return Case(full, name, future, name, Scenario(full, full, levers))


def changed(world: World, horizon: int = HORIZON, **changes: Any) -> Levers:
    """Neutral levers, with arrays changed from 2022 on and other fields set."""
    levers = neutral_levers(world, horizon)
    for name, value in changes.items():
        held = getattr(levers, name)
        if isinstance(held, np.ndarray):
            held[7:] = value
        else:
            setattr(levers, name, value)
    return levers


def by_hand(world: World, **policies: Levers) -> Comparison:
    """A comparison of levers made by hand with no zone and the baseline."""
    cases = [
        case(NO_ZONE, changed(world, qyzyljar=False)),
        case(BASELINE, neutral_levers(world, HORIZON)),
        *(case(name, levers) for name, levers in policies.items()),
    ]
    return compare_cases(cases, world, HORIZON)


def options(out: Path, runs: int = RUNS, **changes: Any) -> CompareOptions:
    return CompareOptions(runs=runs, horizon=HORIZON, out=out, figures=False, quiet=True, **changes)


def rows(path: Path, **keys: str) -> list[dict[str, str]]:
    """Rows of a CSV file that hold these values."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [row for row in csv.DictReader(lines) if all(row[key] == value for key, value in keys.items())]


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def compared(small_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison]:
    """A finished comparison of the small world: policies with known answers."""
    null = Project("z", "null", small_world.ids.index("petropavlovsk"), 2019, 2040, 900.0, recorded=True,
                   full_year=2022, but_for=0.0)  # fmt: skip
    comparison = by_hand(
        small_world,
        zone_null=changed(small_world, qyzyljar=False, projects=(null,)),
        empty=neutral_levers(small_world, HORIZON),
        settlers=changed(small_world, settlers=3.0),
        settlers_again=changed(small_world, settlers=3.0),
        networks=changed(small_world, renewal=60.0),
    )
    out = tmp_path_factory.mktemp("compared") / "out"
    run_comparison(options(out), small_world, {}, comparison)
    return out, comparison


# ---- null tests ----


def test_a_zone_without_additional_jobs_equals_no_zone_person_by_person(
    towns: World, towns_founding: Any, towns_space: Any
) -> None:
    comparison = read_comparison(["zone_null"], [], towns, HORIZON)
    levers = [comparison.case(name, "reference").scenario.levers for name in (NO_ZONE, "zone_null")]
    engines = [
        Engine(towns, towns_founding, towns_space.draw(1, 1), run_seed(1, 1, 0), one, HORIZON)
        for one in levers
    ]
    for _ in range(HORIZON - towns.start):
        for engine in engines:
            engine.step()
        assert fates(engines[0]) == fates(engines[1]), f"1 January {engines[0].year}"


def _zero(out: Path, scenario: str, reference: str) -> bool:
    found = rows(out / "effects.csv", scenario=scenario, reference=reference)
    people = [row for row in found if row["variable"] not in ("zone_jobs", "zone_launched")]
    assert len(people) > 1000
    return all(float(row[name]) == 0.0 for row in people for name in ("mean", "q025", "q975", "share_above"))


def test_policies_that_do_nothing_differ_by_exactly_zero(compared: tuple[Path, Comparison]) -> None:
    out, _ = compared
    assert _zero(out, "zone_null", NO_ZONE)
    assert _zero(out, "empty", BASELINE)
    assert not _zero(out, "settlers", BASELINE)


def test_two_equal_policies_under_different_names_differ_by_exactly_zero(
    compared: tuple[Path, Comparison],
) -> None:
    out, _ = compared
    with duckdb.connect() as database:
        parts = f"from '{out}/parts/*.parquet'"
        one, two = (
            database.execute(f"select * exclude scenario {parts} where scenario = ? order by all", [name]).fetchall()
            for name in ("settlers", "settlers_again")
        )  # fmt: skip
    assert repr(one) == repr(two)
    assert len(one) == RUNS * (HORIZON - 2015 + 1) * 3
    ranked = {row["policy"]: row for row in rows(out / "regret.csv")}
    assert ranked["settlers"]["regret"] == ranked["settlers_again"]["regret"]


def test_an_empty_policy_file_equals_the_baseline(towns: World, tmp_path: Path) -> None:
    path = tmp_path / "nothing.toml"
    path.write_text('schema = 1\nkind = "policy"\ntitle = { en = "Nothing" }\n', encoding="utf-8")
    comparison = read_comparison([str(path)], [], towns, HORIZON)
    ours, theirs = (comparison.case(name, "reference").scenario.levers for name in ("nothing", BASELINE))
    assert repr(ours) == repr(theirs)
    assert ours is not None
    assert (ours.projects, ours.qyzyljar) == ((), True)


# ---- what is written ----


def test_everything_is_written(compared: tuple[Path, Comparison]) -> None:
    out, comparison = compared
    assert {path.name for path in out.iterdir()} == FILES | {"check-beta_Q"}
    assert {path.name for path in (out / "check-beta_Q").iterdir()} >= {
        "manifest.json",
        "parts",
        "summary.csv",
    }
    assert {row["scenario"] for row in rows(out / "effects.csv")} == {one.name for one in comparison.cases}


def test_effects_are_paired_differences_of_the_parts(compared: tuple[Path, Comparison]) -> None:
    out, _ = compared
    with duckdb.connect() as database:
        gaps = np.array(
            database.execute(
                f"select sum(a.population - b.population) from '{out}/parts/*.parquet' a "
                f"join '{out}/parts/*.parquet' b using (draw, replicate, year, place) "
                "where a.scenario = 'settlers' and b.scenario = 'baseline' and year = 2031 group by draw, replicate"
            ).fetchall(),
            np.float64,
        ).ravel()
    (row,) = rows(out / "effects.csv", scenario="settlers", reference=BASELINE, variable="population",
                  place="all", year="2031")  # fmt: skip
    assert float(row["mean"]) == pytest.approx(gaps.mean(), rel=1e-6)
    assert float(row["q05"]) == pytest.approx(np.quantile(gaps, 0.05), rel=1e-6)
    assert float(row["share_above"]) == pytest.approx((gaps > 0).mean())
    (bound,) = rows(out / "bounds.csv", scenario="settlers", reference=BASELINE, place="all")
    assert float(bound["bound95"]) == np.abs(gaps).max()  # 20 runs: the 20th of 20 bounds the next one
    before = rows(out / "effects.csv", scenario="settlers", variable="population", place="all", year="2022")
    assert all(float(row["mean"]) == 0.0 for row in before if row["reference"] == BASELINE)


def test_the_yardstick_creates_the_jobs_it_says(
    compared: tuple[Path, Comparison], small_world: World
) -> None:
    out, comparison = compared
    town = small_world.ids[comparison.yardstick_places[0]]
    with duckdb.connect() as database:
        jobs = database.execute(
            f"select year, min(zone_jobs), max(zone_jobs) from '{out}/parts/*.parquet' "
            f"where scenario = '{YARDSTICK}' and place = '{town}' and year < 2031 group by year order by year"
        ).fetchall()
    assert [row[1:] for row in jobs if row[0] < 2026] == [(0.0, 0.0)] * 11
    assert [row[1:] for row in jobs if row[0] >= 2026] == [(YARDSTICK_JOBS, YARDSTICK_JOBS)] * 5
    (row,) = rows(out / "jobs_to_hold.csv")
    assert row["place"] == town
    assert 0.0 < float(row["residents_per_job_low95"]) < float(row["residents_per_job"]) < 2.0


def test_a_lead_of_networks_is_checked_at_the_pessimistic_end(compared: tuple[Path, Comparison]) -> None:
    out, _ = compared
    with duckdb.connect() as database:
        weights = database.execute(
            f"select distinct value from '{out}/check-beta_Q/parameters/*.parquet' where name = 'beta_Q'"
        ).fetchall()
        others = [
            database.execute(
                f"select draw, value from '{folder}/parameters/*.parquet' where name = 'beta_y' order by all"
            ).fetchall()
            for folder in (out, out / "check-beta_Q")
        ]
    assert weights == [(0.1,)]
    assert others[0] == others[1], "all other parameters are those of the same draws"


def test_the_same_command_resumes_and_more_runs_extend(
    compared: tuple[Path, Comparison], small_world: World, tmp_path: Path
) -> None:
    out, comparison = compared
    here = tmp_path / "here"
    run_comparison(options(here, 10), small_world, {}, comparison)
    (here / "parts" / "part-000000.parquet").unlink()
    run_comparison(options(here, RUNS), small_world, {}, comparison)
    for name in ("effects.csv", "bounds.csv", "regret.csv", "costs.csv", "summary.csv", "jobs_to_hold.csv"):
        assert (here / name).read_bytes() == (out / name).read_bytes(), name


def test_another_design_is_refused_and_nothing_is_touched(
    compared: tuple[Path, Comparison], small_world: World
) -> None:
    out, comparison = compared
    before = {path: path.stat().st_mtime_ns for path in sorted(out.rglob("*")) if path.is_file()}
    fewer = replace(comparison, cases=comparison.cases[:3])
    with pytest.raises(BadInput, match="holds another design"):
        run_comparison(options(out), small_world, {}, fewer)
    with pytest.raises(BadInput, match="holds another design"):
        run_comparison(options(out, seed=2), small_world, {}, comparison)
    assert before == {path: path.stat().st_mtime_ns for path in sorted(out.rglob("*")) if path.is_file()}


# ---- outside centres ----


def test_paths_of_outside_centres_are_those_of_the_runs() -> None:
    world = load_world("towns")
    centre = world.ids.index("petropavlovsk")
    more = (Project("z", "more", centre, 2020, 2040, 400.0, launch_factor=5.0),)
    comparison = compare_cases(
        [
            case(NO_ZONE, changed(world, qyzyljar=False)),
            case(BASELINE, neutral_levers(world, HORIZON)),
            case("more", changed(world, projects=more)),
        ],
        world,
        HORIZON,
    )
    study = Study(comparison_design(world, HORIZON, 1, {}, comparison), world)
    paths = centre_paths(comparison, study, (0, 1, 2))
    assert {place for _, place in paths} == {centre}
    for name in (NO_ZONE, BASELINE, "more"):
        path, draw = paths[name, centre], 2
        levers = comparison.case(name, "reference").scenario.levers
        seed = run_seed(1, draw, 0)
        engine = Engine(world, study.founding(study.variant(draw)), study.values(draw), seed, levers, HORIZON)
        for t in range(HORIZON - world.start):
            engine.step()
            assert path.jobs[draw, t] == engine.state.zone_jobs[centre]
            assert path.launched[draw, t] == engine.state.zone_launched[centre]
            relief = engine.settings.centre_slack - engine.state.slack_outside[centre]
            assert path.unemployment[draw, t] == pytest.approx(max(0.0, engine.unemployment[centre] - relief))
    assert not paths[NO_ZONE, centre].jobs.any()
    assert (paths["more", centre].jobs[:, -1] > paths[BASELINE, centre].jobs[:, -1]).any()
    assert (paths[BASELINE, centre].wage >= 1.0).all()


# ---- names, exit codes ----


def test_policies_and_futures_are_crossed_and_references_are_always_run(towns: World) -> None:
    comparison = read_comparison(["settlers", "housing@drought"], ["russia_open"], towns, 2045)
    assert [one.name for one in comparison.cases] == [
        "no_zone", "no_zone@russia_open", "no_zone@drought", "baseline", "baseline@russia_open", "baseline@drought",
        "settlers", "settlers@russia_open", "housing@drought",
    ]  # fmt: skip
    assert [one.name for one in comparison.scenarios()] == sorted(
        [YARDSTICK, *(one.name for one in comparison.cases)]
    )
    assert comparison.full_policies() == ("no_zone", "baseline")
    pairs = {ours.name: theirs.name for ours, theirs in comparison.compared(BASELINE)}
    assert pairs["housing@drought"] == "baseline@drought"
    assert pairs["no_zone@russia_open"] == "baseline@russia_open"


BAD = {
    "unknown policy": (("setlers",), "unknown policy 'setlers'; nearest valid name: 'settlers'"),
    "unknown future": (("settlers", "--futures", "rusia_open"), "nearest valid name: 'russia_open'"),
    "both at once": (("setlers", "--futures", "rusia_open"), "unknown future 'rusia_open'"),
    "unknown future of one": (("settlers@nowhere",), "unknown future 'nowhere'"),
    "unknown town": (("--explain", "mamlutka"), "nearest valid name: 'mamlyutka'"),
    "a town outside": (("--explain", "petropavlovsk"), "only seen from outside"),
    "discount": (("--discount", "-0.1"), "expected a rate a year from 0 to 0.5"),
    "horizon": (("--horizon", "2014"), "must lie in 2016 to 2100"),
    "one run": (("--runs", "1"), "greater than or equal to 2"),
    "no file": (("mine.toml",), "mine.toml"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, message = BAD[what]
    result = qyzyljar("compare", *arguments)
    told = " ".join(result.stderr.replace("│", " ").split())
    assert result.exit_code == 2, result.output
    assert message in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_two_files_of_one_name_are_refused(towns: World, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.toml").write_text(
            f'schema = 1\nkind = "policy"\ntitle = {{ en = "{folder}" }}\n', encoding="utf-8"
        )
    names = [str(tmp_path / folder / "same.toml") for folder in ("one", "two")]
    with pytest.raises(BadInput, match="two different files are called 'same'"):
        read_comparison(names, [], towns, HORIZON)


def test_help_starts_without_the_heavy_imports() -> None:
    check = (
        "import sys\nfrom experiments.command_line import main\ntry:\n    main()\nfinally:\n"
        "    print([m for m in ('numba', 'numpy', 'mesa', 'scipy', 'pandas', 'matplotlib', 'duckdb')"
        " if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check, "compare", "--help"], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert "Example: qyzyljar compare" in done.stdout


def test_the_command_prints_effects_costs_ranking_and_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = qyzyljar(
        "compare", "settlers", "--runs", "3", "--horizon", "2030", "--explain", "mamlyutka", "--out", "here"
    )
    assert result.exit_code == 0, result.output
    for text in (
        "Residents on 1 January 2030 against 'baseline'",
        "Residents on 1 January 2030 against 'no_zone'",
        "Where the zone is",
        "Who gains and who loses",
        "Jobs in the town that would hold",
        "Ranking by residents",
        "Pairing: 3 paired runs",
        "Mamlyutka: 'settlers' against 'baseline'",
        "settlers' programme",
    ):
        assert text in result.stdout, text
    figures = {path.name for path in (tmp_path / "here" / "figures").iterdir()}
    assert figures == {
        f"{name}.{kind}"
        for name in ("differences", "cost_effectiveness", "regret")
        for kind in ("png", "svg")
    }
    assert (tmp_path / "here" / "ledger.csv").exists()


def test_an_effect_is_told_with_its_range_its_bound_or_as_none() -> None:
    def cell(values: list[float]) -> str:
        effects = np.array(values)
        return effect_cell(summarised(effects), size_bound(effects))

    assert cell([0.0, 0.0, 0.0]) == "0 in every run"
    assert cell([0.0, 2.0, -1.0]) == "+0.3, too few runs for a bound"
    assert cell([20.0, 22.0, 21.0]).startswith("+21 (+20 to +22")
    assert cell([(-1.0) ** k * (k % 7) for k in range(200)]).endswith(", under 7")


def test_a_fault_is_told_once_however_many_cases_share_it(towns: World) -> None:
    with pytest.raises(BadInput) as refusal:
        read_comparison(["settlers"], ["russia_open"], towns, 2026)
    lines = str(refusal.value).splitlines()
    assert len(lines) == len(set(lines))
    assert sum("russia_open: compatriots.programme.from" in line for line in lines) == 1
    assert sum("settlers: settlers.families.from" in line for line in lines) == 1
