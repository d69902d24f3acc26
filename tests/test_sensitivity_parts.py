"""Sensitivity analyses shared out over machines, done again, and run by a Dask cluster that loses a worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

import experiments.sensitivity_runs as runs_module
from experiments.command_line import app
from tests.fake_simulation import fake_simulate
from tests.test_ensemble import tables
from tests.test_shards import PROJECT, local_cluster

SHORT = (
    "--horizon", "2018", "--parameters", "prior", "--policy", "none", "--future", "none", "--structure", "none",
    "-y", "wage:bulaevo:2017", "--no-figures",
)  # fmt: skip
SCREENED = ("sobol", *SHORT, "--base", "32", "--trajectories", "4", "--most", "2")
DIRECT = ("morris", *SHORT, "--trajectories", "4")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and runs that are a quick function of seed and parameters."""
    monkeypatch.setattr(runs_module, "simulate", fake_simulate)
    monkeypatch.setattr(runs_module, "build_founding", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["sensitivity", *(str(argument) for argument in arguments)])


def done(*arguments: str | Path) -> Result:
    result = qyzyljar(*arguments)
    assert result.exit_code == 0, result.output
    return result


def same_tables(one: Path, two: Path) -> None:
    for name in ("summary.csv", "over_time.csv", "factors.csv", "failures.csv"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def rows_of(folder: Path) -> list[list[tuple[object, ...]]]:
    """All rows of all parts."""
    with duckdb.connect() as database:
        return [
            database.execute(f"select * from '{folder}/{table}/*.parquet' order by all").fetchall()
            for table in runs_module.TABLES
        ]


def test_shards_of_a_screening_and_of_what_follows_make_the_folder_of_one_machine(folder: Path) -> None:
    shared = ("--out", "shared")
    first = done(*SCREENED, *shared, "--shard", "2/2")
    assert "waits for the other shards" in first.stdout
    assert not (folder / "shared" / "parts").exists()
    second = done(
        *SCREENED, *shared, "--shard", "1/2"
    )  # the screening is complete: its share of what follows
    assert "When all shards are" in second.stdout
    assert not (folder / "shared" / "summary.csv").exists()
    third = done(*SCREENED, *shared, "--shard", "2/2")
    assert "all parts are in shared" in third.stdout
    before = {path: path.stat().st_mtime_ns for path in (folder / "shared").rglob("*.parquet")}
    done(*SCREENED, *shared)
    assert {path: path.stat().st_mtime_ns for path in (folder / "shared").rglob("*.parquet")} == before
    done(*SCREENED, "--out", "alone", "--threads", "1")
    for inner in (".", "screening"):
        same_tables(folder / "shared" / inner, folder / "alone" / inner)
        assert rows_of(folder / "shared" / inner) == rows_of(folder / "alone" / inner)


@pytest.mark.slow
def test_shards_copied_together_make_the_folder_of_one_machine(folder: Path) -> None:
    for number in (1, 2, 3):
        done(*DIRECT, "--shard", f"{number}/3", "--out", f"machine{number}")
    for number in (2, 3):
        shutil.copytree(folder / f"machine{number}", folder / "machine1", dirs_exist_ok=True)
    done(*DIRECT, "--out", "machine1")
    done(*DIRECT, "--out", "alone")
    same_tables(folder / "machine1", folder / "alone")


def test_finished_runs_are_done_again_and_a_changed_value_is_found(folder: Path) -> None:
    done(*SCREENED, "--out", "here")
    verified = done(*SCREENED, "--out", "here", "--verify", "1")
    assert (
        verified.stdout.count("every stored value is the same, bit for bit") == 2
    )  # the screening, and Sobol'
    part = folder / "here" / "parts" / "part-000000.parquet"
    with duckdb.connect() as database:
        marks = database.execute(
            "select decode(key), decode(value) from parquet_kv_metadata(?)", [str(part)]
        ).fetchall()
        kept = ", ".join(f"{key}: '{value}'" for key, value in marks)
        database.execute(
            f"copy (select block, row, output, value + (block = 0 and row = 0)::int * 1e-9 as value, failure "
            f"from '{part}') to '{part}.new' (format parquet, kv_metadata {{{kept}}})"
        )
    os.replace(f"{part}.new", part)
    found = qyzyljar(*SCREENED, "--out", "here", "--verify", "100000")
    assert found.exit_code == 1, found.output
    assert "stored results differ from the runs done again" in found.stderr
    assert "value, row 0" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shard", "3/2"), "expected i/n"),
        (("--verify", "5"), "--verify: no results in"),
        (("--shard", "1/2", "--verify", "5"), "--verify goes with neither --shard nor --cluster"),
        (("--cluster", "tcp://127.0.0.1:9"), "no Dask scheduler answers there"),
        (("--lever", "settlers=0:1"), "'settlers' is neither a factor nor compared by an output"),
        (("--structure", "regimes"), "no such structure; nearest valid name: 'regime'"),
        (("--structure", "migration"), "its answers are posteriors"),
        (("--structure", "walk", "--set", "walk_sd=0"), "walk_sd is fixed by --set"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr("experiments.cluster.CONNECT_SECONDS", 1)
    given = list(DIRECT)
    if "--structure" in arguments:
        del given[given.index("--structure") : given.index("--structure") + 2]
    result = qyzyljar(*given, *arguments, "--out", "here")
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert list(folder.iterdir()) == []


# --- processes that end before their work does ---------------------------------------------------------------

# A real process, whose runs are the quick function of seed and parameters, each a few milliseconds long. After FULL
# of them no file may grow beyond a few hundred bytes: the disk is full
STAND_IN = """
import itertools, os, time
import experiments.crew
import experiments.sensitivity_runs as runs
from experiments.command_line import main
from tests.fake_simulation import fake_simulate
numbers, full = itertools.count(), int(os.environ.get("FULL", 10**9))
def slowly(*given):
    time.sleep(0.004)
    if next(numbers) == full:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    return fake_simulate(*given)
runs.simulate, runs.build_founding = slowly, lambda *_, **__: None
experiments.crew.RUNS_WORTH_A_CREW = 10**9  # other processes would run the model itself
main()
"""


def stand_in(cwd: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STAND_IN, "sensitivity", *arguments], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip


def killed_in_the_middle(process: subprocess.Popen[str], parts: Path, number: int) -> None:
    """Kill -9 as soon as so many parts are there; the process must have been at work."""
    until = time.monotonic() + 120
    while len(list(parts.glob("part-*.parquet"))) < number and time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def resumed_equals_uninterrupted(folder: Path, arguments: tuple[str, ...]) -> None:
    """Finish what was killed; nothing may be lost, doubled or left over."""
    whole = {path: path.stat().st_mtime_ns for path in (folder / "here").rglob("part-*.parquet")}
    done(*arguments, "--out", "here")
    assert all(path.stat().st_mtime_ns == when for path, when in whole.items()), (
        "complete parts are not redone"
    )
    done(*arguments, "--out", "at_once")
    for inner in (".", "screening") if (folder / "at_once" / "screening").is_dir() else (".",):
        same_tables(folder / "here" / inner, folder / "at_once" / inner)
        assert rows_of(folder / "here" / inner) == rows_of(folder / "at_once" / inner)
    assert not list((folder / "here").rglob("*.unfinished"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_morris_killed_in_the_middle_goes_on(folder: Path) -> None:
    arguments = ("morris", *SHORT, "--trajectories", "10")
    killed_in_the_middle(stand_in(folder, *arguments, "--out", "here"), folder / "here" / "parts", 3)
    resumed_equals_uninterrupted(folder, arguments)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_sobol_killed_in_its_screening_and_again_after_it_goes_on(folder: Path) -> None:
    arguments = ("sobol", *SHORT, "--base", "64", "--no-stop", "--trajectories", "6", "--most", "2")
    screening = folder / "here" / "screening" / "parts"
    killed_in_the_middle(stand_in(folder, *arguments, "--out", "here"), screening, 2)
    assert not (folder / "here" / "parts").exists()
    killed_in_the_middle(stand_in(folder, *arguments, "--out", "here"), folder / "here" / "parts", 2)
    resumed_equals_uninterrupted(folder, arguments)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_refuses_gives_1_and_the_same_command_goes_on(folder: Path) -> None:
    arguments = ("sobol", *SHORT, "--base", "64", "--no-stop", "--factors", "chi", "--no-blocks")
    process = stand_in(folder, *arguments, "--out", "here", FULL="150")
    told = process.communicate(timeout=120)[1]
    assert process.returncode == 1, told
    assert "could not be written" in told
    assert "repeat the same command" in told
    assert "Traceback" not in told
    kept = list((folder / "here" / "parts").glob("part-*.parquet"))
    assert 0 < len(kept) < 8
    resumed_equals_uninterrupted(folder, arguments)


# --- a real cluster ----------------------------------------------------------------------------------------

PROGRAM = "from experiments.command_line import main; main()"


def started(cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip


def kill_a_worker_after_the_first_part(cluster, parts: Path, run: subprocess.Popen[str]) -> None:  # type: ignore[no-untyped-def]
    first = next(iter(cluster.workers.values())).pid
    until = time.monotonic() + 240
    while not list(parts.glob("part-*.parquet")) and run.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(first, signal.SIGKILL)
    out, error = run.communicate(timeout=280)
    assert run.returncode == 0, out + error


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_screening_survives_a_worker_killed_in_the_middle(tmp_path: Path) -> None:
    arguments = (
        "sensitivity", "morris", "--horizon", "2030", "--policy", "settlers", "--future", "drought", "-y",
        "population:bulaevo:2030", "--trajectories", "4", "--no-figures",
    )  # fmt: skip
    with local_cluster(2) as cluster:
        run = started(tmp_path, *arguments, "--out", "there", "--cluster", cluster.scheduler_address)
        kill_a_worker_after_the_first_part(cluster, tmp_path / "there" / "parts", run)
    run = started(tmp_path, *arguments, "--out", "here")
    out, error = run.communicate(timeout=280)
    assert run.returncode == 0, out + error
    same_tables(tmp_path / "there", tmp_path / "here")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_extinction_study_survives_a_worker_killed_in_the_middle(tmp_path: Path) -> None:
    arguments = ("extinction", "settlers", "--horizon", "2030", "--runs", "60", "--no-figures")
    with local_cluster(2) as cluster:
        run = started(tmp_path, *arguments, "--out", "there", "--cluster", cluster.scheduler_address)
        kill_a_worker_after_the_first_part(cluster, tmp_path / "there" / "parts", run)
    run = started(tmp_path, *arguments, "--out", "here")
    out, error = run.communicate(timeout=280)
    assert run.returncode == 0, out + error
    assert tables(tmp_path / "there") == tables(tmp_path / "here")
    written = sorted(path.name for path in (tmp_path / "here").glob("*.csv"))
    assert "years_bought.csv" in written
    for name in written:
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name
