"""Several machines on one design, runs done again, a Dask cluster that loses a worker, results read by others."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from experiments.campaign import completed, contribute
from experiments.cluster import connected, remote_study, run_on_cluster
from experiments.command_line import app
from experiments.design import SOURCES, Batch, source_hashes
from experiments.ensemble import Study, run_batch
from experiments.failures import BadInput, RunFailure
from experiments.manifest import Ensemble
from experiments.parts import Part
from experiments.shard import Shard, read_shard
from experiments.store import TABLES, Store
from experiments.verify import sampled
from model.world import World, load_world
from tests.fake_simulation import small_design, use_fake_runs
from tests.test_ensemble import tables

PROJECT = Path(__file__).resolve().parent.parent
SHORT = ("--horizon", "2018", "--no-figures", "--quiet")


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("towns")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and runs that are a quick function of seed and parameters."""
    use_fake_runs(monkeypatch)
    monkeypatch.setattr(Study, "founding", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def forecast(*arguments: str | Path, runs: int = 45) -> Result:
    return qyzyljar("forecast", "--runs", str(runs), *SHORT, *arguments)


# --- shards ------------------------------------------------------------------------------------------------


def test_shards_share_out_every_part_once() -> None:
    batches = [Batch(number, 10 * number, 10 * number + 10) for number in range(23)]
    shares = [Shard(number, 4).share(batches) for number in range(1, 5)]
    assert sorted(batch.number for share in shares for batch in share) == list(range(23))
    assert {len(share) for share in shares} == {5, 6}
    assert read_shard(None) is None
    assert read_shard("2/3") == Shard(2, 3)
    for text in ("0/3", "4/3", "2", "a/b", "1/0", "-1/2", "1/2/3"):
        with pytest.raises(BadInput, match=r"expected i/n"):
            read_shard(text)


def test_shards_of_one_folder_make_the_folder_of_one_machine(folder: Path) -> None:
    for shard in ("3/3", "1/3", "2/3"):
        assert forecast("--shard", shard, "--out", "shared").exit_code == 0
        assert not (folder / "shared" / "summary.csv").exists()
    whole = forecast("--out", "shared")
    assert whole.exit_code == 0, whole.output
    assert forecast("--out", "alone").exit_code == 0
    assert tables(folder / "shared") == tables(folder / "alone")


def test_shards_copied_together_make_the_folder_of_one_machine(folder: Path) -> None:
    for number in (1, 2):
        assert forecast("--shard", f"{number}/2", "--out", f"machine{number}").exit_code == 0
    shutil.copytree(folder / "machine2", folder / "machine1", dirs_exist_ok=True)
    before = {path: path.stat().st_mtime_ns for path in (folder / "machine1" / "parts").iterdir()}
    assert len(before) == 5
    assert forecast("--out", "machine1").exit_code == 0
    assert forecast("--out", "alone").exit_code == 0
    assert tables(folder / "machine1") == tables(folder / "alone")
    assert {path: path.stat().st_mtime_ns for path in (folder / "machine1" / "parts").iterdir()} == before


@pytest.fixture
def together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, with stand-ins for runs of several scenarios at once."""
    import experiments.ensemble
    from tests.fake_simulation import fake_simulate

    def simulate(world: Any, founding: Any, values: Any, seed: Any, levers: Any, horizon: Any) -> list[Any]:
        return [fake_simulate(world, founding, values, seed, one, horizon) for one in levers]

    use_fake_runs(monkeypatch)
    monkeypatch.setattr(experiments.ensemble, "simulate_together", simulate)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_comparison_can_be_shared_out(together: Path) -> None:
    common = ("compare", "settlers", "--runs", "24", "--horizon", "2028", "--no-figures", "--quiet")

    def run(*arguments: str) -> None:
        result = qyzyljar(*common, *arguments)
        assert result.exit_code == 0, result.output

    for shard in ("1/2", "2/2"):
        run("--shard", shard, "--out", "shared")
    run("--out", "shared")
    run("--out", "alone")
    assert tables(together / "shared") == tables(together / "alone")
    for name in ("effects.csv", "costs.csv", "crossings.csv"):
        assert (together / "shared" / name).read_bytes() == (together / "alone" / name).read_bytes()


def test_an_extinction_study_can_be_shared_out_and_verified(together: Path) -> None:
    common = ("extinction", "settlers", "--runs", "24", "--horizon", "2028", "--no-figures")
    for shard in ("2/2", "1/2"):
        done = qyzyljar(*common, "--shard", shard, "--out", "shared")
        assert done.exit_code == 0, done.output
        assert not (together / "shared" / "ladder.csv").exists()
    for out in ("shared", "alone"):
        done = qyzyljar(*common, "--quiet", "--out", out)
        assert done.exit_code == 0, done.output
    assert tables(together / "shared") == tables(together / "alone")
    written = [path.name for path in (together / "alone").glob("*.csv")]
    assert "years_bought.csv" in written
    for name in written:
        assert (together / "shared" / name).read_bytes() == (together / "alone" / name).read_bytes()
    verified = qyzyljar(*common, "--out", "shared", "--verify", "24")
    assert verified.exit_code == 0, verified.output
    assert "24 of 24 runs" in verified.stdout
    assert "every stored value is the same" in verified.stdout


def test_parts_of_an_extinction_study_are_refused_where_they_cannot_be_had(folder: Path) -> None:
    for arguments, said in (
        (("--shard", "3/2"), "expected i/n"),
        (("--verify", "5"), "--verify: no results in"),
        (("--shard", "1/2", "--verify", "5"), "--verify goes with neither"),
        (("--shard", "3/2", "--world", "villages"), "expected i/n"),
    ):
        done = qyzyljar("extinction", *SHORT, *arguments, "--out", "here")
        assert done.exit_code == 2, done.output
        assert said in done.stderr
        assert list(folder.iterdir()) == []


def test_shards_write_side_by_side_and_keep_a_whole_command_out(tmp_path: Path, world: World) -> None:
    ensemble = Ensemble("forecast", small_design(world), 40, world, world.name, "declared priors")
    one, two = Shard(1, 2), Shard(2, 2)
    debris = tmp_path / "parts" / ".part-000001.parquet.shard-2-of-2.99.unfinished"
    with Store(tmp_path, ensemble, two):
        debris.write_bytes(b"PAR1")
        with Store(tmp_path, ensemble, one):
            assert debris.exists()  # a shard leaves the unfinished files of others alone
        with (
            pytest.raises(BadInput, match="another command is writing there"),
            Store(tmp_path, ensemble, two),
        ):
            pass
        with pytest.raises(BadInput, match="another command is writing there"), Store(tmp_path, ensemble):
            pass
    with Store(tmp_path, ensemble):
        assert not debris.exists()
        with (
            pytest.raises(BadInput, match="another command is writing there"),
            Store(tmp_path, ensemble, one),
        ):
            pass


def test_shards_in_threads_at_the_same_time(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_runs(monkeypatch)
    monkeypatch.setattr(Study, "founding", lambda *_: None)
    ensemble = Ensemble("forecast", small_design(world), 95, world, world.name, "declared priors")
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            contribute(tmp_path / "shared", ensemble, Shard(number, 3), 1, quiet=True)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for name in ("shared", "alone"):
        with completed(tmp_path / name, ensemble, 2, quiet=True) as results:
            assert results.runs == 95
    assert tables(tmp_path / "shared") == tables(tmp_path / "alone")


def test_a_wrong_shard_is_refused_before_anything_is_written(folder: Path) -> None:
    for arguments in (("--shard", "3/2"), ("--shard", "1/2", "--verify", "5"), ("--verify", "5")):
        result = forecast(*arguments, "--out", "here")
        assert result.exit_code == 2, result.output
        assert list(folder.iterdir()) == []


# --- runs done again ---------------------------------------------------------------------------------------


def test_verify_finds_every_stored_value_unchanged(folder: Path) -> None:
    assert forecast("--out", "here").exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in (folder / "here").rglob("part*")}
    result = qyzyljar("forecast", "--runs", "45", *SHORT[:-1], "--out", "here", "--verify", "21")
    assert result.exit_code == 0, result.output
    assert re.search(
        r"(25|30) of 45 runs \(parts .*\) were done again: every stored value is the same", result.stdout
    )
    assert {path: path.stat().st_mtime_ns for path in (folder / "here").rglob("part*")} == before


@pytest.mark.parametrize("table", TABLES)
def test_verify_names_a_single_changed_bit(folder: Path, table: str) -> None:
    assert forecast("--out", "here", runs=10).exit_code == 0
    path = folder / "here" / table / "part-000000.parquet"
    column, changed = {
        "parts": ("wage", "case when year = 2016 then nextafter(wage) else wage end"),
        "parameters": ("value", "case when name = 'chi' then nextafter(value) else value end"),
        "flows": ("persons", "case when year = 2017 then persons + 1 else persons end"),
        "pyramids": ("persons", "case when age = 20 then persons - 1 else persons end"),
    }[table]
    with duckdb.connect(config={"threads": 1}) as database:
        database.create_function(
            "nextafter", lambda value: float(np.nextafter(value, np.inf)), ["DOUBLE"], "DOUBLE"
        )
        marks = database.execute(
            "select decode(key), decode(value) from parquet_kv_metadata(?)", [str(path)]
        ).fetchall()
        kept = ", ".join(f"{key}: '{value}'" for key, value in marks)
        database.execute(f"create table held as select * replace ({changed} as {column}) from '{path}'")
        database.execute(f"copy held to '{path}' (format parquet, kv_metadata {{{kept}}})")
    result = forecast("--out", "here", "--verify", "1", runs=10)
    assert result.exit_code == 1, result.output
    assert re.search(
        rf"{table}/part-000000.parquet: {column}, row \d+: stored .*, run again .* rows differ", result.stderr
    )


def test_verified_parts_are_other_ones_each_time() -> None:
    held = [Batch(number, 10 * number, 10 * number + 10) for number in range(40)]
    chosen = {tuple(batch.number for batch in sampled(held, 25)) for _ in range(20)}
    assert {len(numbers) for numbers in chosen} == {3}
    assert len(chosen) > 15
    assert sampled(held[:2], 500) == held[:2]


# --- cluster -----------------------------------------------------------------------------------------------


def test_a_study_travels_as_its_design_and_refuses_other_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(small_design(world), world)
    there = pickle.loads(pickle.dumps(study))  # what the cluster's transport does
    assert there.design.identity == study.design.identity
    # As the world that was loaded: otherwise every kernel would be compiled once more
    for one, other in ((world, there.world), (world.schedules, there.world.schedules)):
        for name, value in vars(one).items():
            if isinstance(value, np.ndarray):
                assert getattr(other, name).flags.writeable == value.flags.writeable, name
    use_fake_runs(monkeypatch)
    monkeypatch.setattr(Study, "founding", lambda *_: None)
    here, again = (run_batch(one, Batch(0, 0, 3)).results for one in (study, there))
    for name, column in here.items():
        np.testing.assert_array_equal(again[name], column)
    packed = pickle.dumps(study)
    monkeypatch.setattr(
        "experiments.ensemble.source_hashes", lambda *_: {**source_hashes(), "model/wages.py": "other"}
    )
    with pytest.raises(RunFailure, match=r"another version of the project.*wages.py"):
        pickle.loads(packed)


def test_an_address_without_a_scheduler_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.cluster.CONNECT_SECONDS", 1)
    result = forecast("--cluster", "tcp://127.0.0.1:9", "--out", "here")
    assert result.exit_code == 2, result.output
    assert "no Dask scheduler answers there" in result.stderr
    assert list(folder.iterdir()) == []


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """A real cluster on this machine: a scheduler, and workers that are processes of their own."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_changes_nothing(tmp_path: Path, world: World) -> None:
    ensemble = Ensemble("forecast", small_design(world), 200, world, world.name, "declared priors")
    study, done = Study(ensemble.design, world), 0
    with local_cluster(2) as cluster, Store(tmp_path / "cluster", ensemble) as store:
        first = next(iter(cluster.workers.values())).pid

        def write(part: Part) -> None:
            nonlocal done
            store.write(part)
            done += 1
            if done == 3:
                os.kill(first, signal.SIGKILL)

        with connected(cluster.scheduler_address) as client:
            missing = store.missing(ensemble.design.batches(200))
            run_on_cluster(client, remote_study(study), missing, write, lambda: None)
        pids = {worker.pid for worker in cluster.workers.values()}
        assert done == 20
        assert first not in pids
    for name in ("cluster", "alone"):
        with completed(tmp_path / name, ensemble, 2, quiet=True) as results:
            assert results.runs == 200
    assert tables(tmp_path / "cluster") == tables(tmp_path / "alone")


@pytest.mark.slow
def test_a_forecast_runs_by_the_address_of_a_scheduler(tmp_path: Path) -> None:
    program = "from experiments.command_line import main; main()"
    with local_cluster(2) as cluster:
        arguments = [
            "forecast",
            "--runs",
            "20",
            *SHORT,
            "--cluster",
            cluster.scheduler_address,
            "--out",
            "there",
        ]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert qyzyljar("forecast", "--runs", "20", *SHORT, "--out", tmp_path / "here").exit_code == 0
    assert tables(tmp_path / "there") == tables(tmp_path / "here")


# --- a disk that is full, memory, code ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk: Linux, as root"
)
def test_a_disk_that_runs_full_keeps_complete_parts_and_resumes(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    program = "from experiments.command_line import main; main()"
    arguments = ["forecast", "--runs", "60", *SHORT, "--out", str(disk / "here")]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip

    try:
        full = run()
        assert full.returncode == 1, full.stderr
        assert re.search(r"could not be written: .*\n[1-5]0 of 60 runs are complete", full.stderr)
        kept = len(list((disk / "here" / "parts").glob("*.parquet")))
        assert kept >= 1
        assert not list(disk.rglob("*.unfinished"))
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        assert run().returncode == 0
        shutil.copytree(disk / "here", tmp_path / "resumed")
    finally:
        subprocess.run(["umount", str(disk)], check=False)
    assert qyzyljar(*arguments[:-1], tmp_path / "alone").exit_code == 0
    assert tables(tmp_path / "resumed") == tables(tmp_path / "alone")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_runs(tmp_path: Path) -> None:
    """Ten times the runs of the stand-in: the peak of a process of its own stays about the same."""
    program = (
        "import resource, sys\n"
        "import experiments.ensemble\n"
        "from tests.fake_simulation import fake_simulate, small_design\n"
        "from experiments.ensemble import Study\n"
        "from experiments.campaign import run_ensemble\n"
        "from experiments.manifest import Ensemble\n"
        "from experiments.store import Store\n"
        "from model.world import load_world\n"
        "from pathlib import Path\n"
        "experiments.ensemble.simulate = fake_simulate\n"
        "world, runs = load_world('towns'), int(sys.argv[2])\n"
        "ensemble = Ensemble('forecast', small_design(world), runs, world, world.name, '')\n"
        "study = Study(ensemble.design, world)\n"
        "study.founding = lambda variant: None\n"
        "with Store(Path(sys.argv[1]), ensemble) as store:\n"
        "    run_ensemble(study, store.missing(ensemble.design.batches(runs)), store.write, 2, lambda: None)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def peak(runs: int) -> int:
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / str(runs)), str(runs)], capture_output=True, text=True,
            check=True, env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )  # fmt: skip
        return int(done.stdout)

    assert peak(3000) < peak(300) + 40_000  # kilobytes


def test_unit_costs_belong_to_the_code_of_a_design() -> None:
    assert "scenarios/data/*.csv" in SOURCES
    assert "scenarios/data/unit_costs.csv" in source_hashes()


def test_a_part_of_other_code_is_named_and_redone(folder: Path, world: World) -> None:
    from dataclasses import replace

    design = small_design(world)
    older = replace(design, code={**design.code, "model/wages.py": "0123456789abcdef"})
    ensembles = [Ensemble("forecast", one, 20, world, world.name, "") for one in (design, older)]
    for name, ensemble in zip(("new", "old"), ensembles, strict=True):
        with completed(folder / name, ensemble, 2, quiet=True):
            pass
    whole = tables(folder / "new")
    for table in TABLES:
        shutil.copy(folder / "old" / table / "part-000001.parquet", folder / "new" / table)
    with Store(folder / "new", ensembles[0]) as store:
        assert [file.reason for file in store.set_aside] == ["not of this design"] * 4
        assert store.missing(design.batches(20)) == [Batch(1, 10, 20)]
    with completed(folder / "new", ensembles[0], 2, quiet=True):
        pass
    assert tables(folder / "new") == whole


def test_a_killed_writer_leaves_nothing_in_the_views(folder: Path) -> None:
    assert forecast("--out", "here", runs=20).exit_code == 0
    (folder / "here" / "parts" / "part-000001.parquet").unlink()
    with duckdb.connect() as database:
        os.chdir(folder / "here")
        database.execute((folder / "here" / "views.sql").read_text())
        for view in ("results", "pyramids"):
            assert database.execute(f"select max(draw) from {view}").fetchall() == [(9,)]
        assert database.execute("select distinct n_runs from flows").fetchall() == [(10,)]
        assert database.execute("select max(draw) from parameters").fetchall() == [(9,)]


def wait_until(condition: Any, seconds: float = 60.0) -> None:
    """Wait for something another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_a_shard_killed_in_the_middle_is_taken_up_by_the_same_command(tmp_path: Path) -> None:
    program = "from experiments.command_line import main; main()"
    arguments = ["forecast", "--runs", "200", *SHORT]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--shard", "1/2", "--out", "here"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    wait_until(
        lambda: len(list((tmp_path / "here" / "parts").glob("part*"))) >= 3 or process.poll() is not None
    )
    process.kill()
    process.wait()
    for shard in ("2/2", "1/2"):
        assert qyzyljar(*arguments, "--shard", shard, "--out", tmp_path / "here").exit_code == 0
    assert qyzyljar(*arguments, "--out", tmp_path / "here").exit_code == 0
    assert qyzyljar(*arguments, "--out", tmp_path / "alone").exit_code == 0
    assert tables(tmp_path / "here") == tables(tmp_path / "alone")
