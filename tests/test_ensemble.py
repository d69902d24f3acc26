"""Ensembles: the same rows for any number of threads, any interruption and any order of extension."""

from __future__ import annotations

import _thread
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import experiments.ensemble
from experiments.campaign import completed
from experiments.design import FOUNDING_VARIANTS, Batch, Design, Row, Scenario, founding_household_sizes
from experiments.ensemble import Study, run_batch, run_ensemble
from experiments.failures import Interrupted, RunFailure
from experiments.intervals import probability, spread
from experiments.manifest import Ensemble
from experiments.parts import Part
from experiments.progress import run_progress
from experiments.store import TABLES
from model.accounts import AccountsError
from model.draws import run_seed
from model.parameters import ParameterSpace
from model.record import COLUMNS, Record
from model.world import World, load_world
from tests.fake_simulation import HORIZON, fake_simulate, open_store, small_design, use_fake_runs


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("towns")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)


def nothing() -> None:
    """Called after every run."""


def ordered(parts: list[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: part.batch.number)


def run_all(study: Study, runs: int, threads: int, on_run: Callable[[], None] = nothing) -> list[Part]:
    parts: list[Part] = []
    run_ensemble(study, study.design.batches(runs), parts.append, threads, on_run)
    return ordered(parts)


def assert_equal(first: list[Part], second: list[Part]) -> None:
    for one, other in zip(first, second, strict=True):
        assert one.batch == other.batch
        for table, columns in one.tables().items():
            assert list(columns) == list(other.tables()[table])
            for name, values in columns.items():
                np.testing.assert_array_equal(values, other.tables()[table][name], err_msg=f"{table}.{name}")


def tables(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables and the summary of a folder."""
    with duckdb.connect() as database:
        read = {
            table: database.execute(f"select * from '{folder}/{table}/*.parquet' order by all").fetchall()
            for table in TABLES
            if table != "flows"
        }
        # Sums over the runs of a part: their total does not depend on how parts were filled
        read["flows"] = database.execute(
            "select scenario, year, origin, destination, sum(persons), sum(n_runs)"
            f" from '{folder}/flows/*.parquet' group by all order by all"
        ).fetchall()
    read["summary"] = [tuple((folder / "summary.csv").read_text().splitlines())]
    return read


def complete(folder: Path, world: World, runs: int, design: Design | None = None, threads: int = 2) -> None:
    ensemble = Ensemble("forecast", design or small_design(world), runs, world, world.name, "declared priors")
    with completed(folder, ensemble, threads, quiet=True):
        pass


# --- designs -----------------------------------------------------------------------------------------------


@given(st.integers(1, 200), st.integers(1, 200))
def test_boundaries_of_parts_do_not_depend_on_the_number_of_runs(first: int, more: int) -> None:
    design = Design("w", "d", 2045, 1, code={}, versions={})
    fewer, all_of_them = design.batches(first), design.batches(first + more)
    assert fewer[:-1] == all_of_them[: len(fewer) - 1]
    for batches, runs in ((fewer, first), (all_of_them, first + more)):
        pairs = [pair for batch in batches for pair in range(batch.first, batch.end)]
        assert pairs == list(range(runs))
        assert [batch.number for batch in batches] == list(range(len(batches)))


def test_rows_hold_every_scenario_on_the_same_pairs() -> None:
    policies = (Scenario("baseline"), Scenario("housing"))
    design = Design("w", "d", 2045, 1, scenarios=policies, replicates=2, code={}, versions={})
    rows = design.rows(Batch(0, 2, 5))
    assert [(row.scenario.name, row.draw, row.replicate) for row in rows] == [
        (name, *pair) for name in ("baseline", "housing") for pair in ((1, 0), (1, 1), (2, 0))
    ]


def test_identity_changes_with_all_that_can_change_a_result(world: World) -> None:
    base = {
        "world": "towns", "world_digest": "d", "horizon": 2045, "seed": 1, "fixed": (("chi", 0.2),),
        "scenarios": (Scenario(),), "replicates": 1, "runs_per_part": 10, "parameters": "declared priors",
        "code": {"model/labour.py": "a"}, "versions": {"python": "3.12"},
    }  # fmt: skip
    changes = {
        "world": "region", "world_digest": "e", "horizon": 2044, "seed": 2, "fixed": (("chi", 0.3),),
        "scenarios": (Scenario(digest="x"),), "replicates": 2, "runs_per_part": 5, "parameters": "posterior",
        "code": {"model/labour.py": "b"}, "versions": {"python": "3.11"},
    }  # fmt: skip
    identities = {Design(**{**base, name: value}).identity for name, value in changes.items()}  # type: ignore[arg-type]
    assert len(identities | {Design(**base).identity}) == len(changes) + 1  # type: ignore[arg-type]
    assert small_design(world, chi=0.2, psi=0.3).identity == small_design(world, psi=0.3, chi=0.2).identity
    assert small_design(world).identity == small_design(world).identity


def test_founding_variants_cover_the_prior_and_are_written_over_the_drawn_size(world: World) -> None:
    space = ParameterSpace(world)
    sizes = founding_household_sizes(space, {})
    assert len(sizes) == FOUNDING_VARIANTS
    assert list(sizes) == sorted(set(sizes))
    prior = space.by_name["household_size"].prior
    assert prior is not None
    assert prior.quantile(0.1) < sizes[0] < prior.quantile(0.2)
    study = Study(small_design(world), world)
    assert [study.values(draw)["household_size"] for draw in range(5)] == [*sizes, sizes[0]]
    assert study.founding(1).household_size == sizes[1]
    assert study.founding(1) is study.founding(1)
    fixed = Study(small_design(world, household_size=2.6), world)
    assert fixed.household_sizes == (2.6,)
    assert fixed.values(3)["household_size"] == 2.6


# --- running -----------------------------------------------------------------------------------------------


def test_real_runs_are_the_same_for_one_and_two_threads(world: World) -> None:
    design = small_design(world)
    once = run_all(Study(design, world), 12, threads=1)
    assert_equal(once, run_all(Study(design, world), 12, threads=2))
    population = once[0].results["population"].reshape(10, HORIZON - 2014, world.n_sim)
    assert (population[:, 0] == world.founding_population).all()
    assert len(np.unique(population[:, -1, 0])) > 1


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("threads", [2, 7])
def test_results_do_not_depend_on_threads(world: World, threads: int) -> None:
    study = Study(small_design(world), world)
    alone = [run_batch(study, batch) for batch in study.design.batches(33)]
    assert_equal(alone, run_all(study, 33, threads))


@pytest.mark.usefixtures("fake")
def test_every_run_is_reported_once(world: World) -> None:
    study, lock, reported = Study(small_design(world), world), threading.Lock(), 0

    def on_run() -> None:
        nonlocal reported
        with lock:
            reported += 1

    run_all(study, 33, 3, on_run)
    assert reported == 33


def test_few_batches_are_held_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, started, written, ahead = threading.Lock(), 0, 0, 0

    def simulate(*arguments: object) -> Record:
        nonlocal started, ahead
        with lock:
            started += 1
            ahead = max(ahead, started - written)
        return fake_simulate(*arguments)  # type: ignore[arg-type]

    def write(part: Part) -> None:
        nonlocal written
        time.sleep(0.02)
        with lock:
            written += part.batch.end - part.batch.first

    monkeypatch.setattr(experiments.ensemble, "simulate", simulate)
    study = Study(small_design(world), world)
    run_ensemble(study, study.design.batches(300), write, 2, nothing)
    assert (started, written) == (300, 300)
    assert ahead <= 30


def test_a_run_that_fails_is_named_and_others_are_kept(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = small_design(world)
    unlucky = run_seed(design.seed, 24, 0)

    def simulate(*arguments: object) -> Record:
        if arguments[3] == unlucky:
            raise AccountsError("year 2016: the accounts of bulaevo do not close")
        return fake_simulate(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(experiments.ensemble, "simulate", simulate)
    with pytest.raises(RunFailure, match=r"scenario baseline, draw 24, replicate 0 .*bulaevo") as failure:
        complete(tmp_path, world, 40, threads=1)
    held = len(list((tmp_path / "parts").glob("*.parquet")))
    assert 1 <= held <= 3  # the third part is begun when another is there, and the fourth may be beside it
    assert f"{10 * held} of 40 runs are complete" in str(failure.value)
    assert f"--out {tmp_path}" in str(failure.value)
    use_fake_runs(monkeypatch)
    complete(tmp_path, world, 40)
    complete(tmp_path.with_name("at_once"), world, 40)
    assert tables(tmp_path) == tables(tmp_path.with_name("at_once"))
    assert design.identity in str(failure.value)


def test_ctrl_c_keeps_complete_parts_and_resuming_gives_the_same_tables(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = 0

    def simulate(*arguments: object) -> Record:
        nonlocal started
        started += 1
        if started == 27:
            _thread.interrupt_main()
        # The main thread looks up twice a second: what follows the interruption must outlast that.
        time.sleep(0.02 if started < 27 else 0.1)
        return fake_simulate(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(experiments.ensemble, "simulate", simulate)
    with pytest.raises(Interrupted, match=r"of 60 runs are complete in .*; repeat the same command"):
        complete(tmp_path / "a", world, 60)
    with open_store(tmp_path / "a", world, small_design(world)) as store:
        assert 10 <= store.runs() < 60
    use_fake_runs(monkeypatch)
    complete(tmp_path / "a", world, 60)
    complete(tmp_path / "b", world, 60, threads=1)
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


@pytest.mark.usefixtures("fake")
def test_more_runs_extend_a_folder(world: World, tmp_path: Path) -> None:
    for runs in (3, 14, 14, 27):
        complete(tmp_path / "a", world, runs)
    complete(tmp_path / "b", world, 27)
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


# --- reading -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fake")
def test_results_are_read_in_the_order_of_runs_and_summed_up(world: World, tmp_path: Path) -> None:
    design = small_design(world)
    ensemble = Ensemble("forecast", design, 13, world, world.name, "declared priors")
    study = Study(design, world)
    records = [study.run(Row(Scenario(), draw, 0)) for draw in range(13)]
    with completed(tmp_path, ensemble, 2, quiet=True) as results:
        read = results.columns(["population", "births"])
        moves = results.moves("baseline", 2016, 2016)
    for name in ("population", "births"):
        expected = np.stack([record.column(name) for record in records])
        np.testing.assert_array_equal(read[name][0], expected)
    to_astana = sum(int(record.flows[1, 0, world.index("astana")]) for record in records)
    assert moves[world.ids[0], "astana"] == to_astana
    lines = (tmp_path / "summary.csv").read_text().splitlines()
    stocks = sum(not column.is_flow for column in COLUMNS)
    assert len(lines) == 1 + world.n_sim * (len(COLUMNS) * (HORIZON - 2015) + stocks)
    wanted = next(line for line in lines if line.startswith(f"baseline,2016,{world.ids[2]},births,"))
    births = np.array([record.column("births")[1, 2] for record in records])
    figures = [float(cell) for cell in wanted.split(",")[4:]]
    np.testing.assert_allclose(
        figures, [13, births.mean(), *np.quantile(births, (0.05, 0.25, 0.5, 0.75, 0.95))], rtol=1e-9
    )


def test_wilson_intervals_have_their_known_values() -> None:
    some = probability(10, 100)
    assert (some.low, some.high) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    none, every = probability(0, 200), probability(200, 200)
    assert none.low == 0.0
    assert none.high == pytest.approx(0.01885, abs=1e-4)
    assert str(none) == "under 1.9 %"
    assert str(every) == "over 98.1 %"
    assert str(some) == "10 % (5.5 to 17)"
    for events, runs in ((1, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="runs"):
            probability(events, runs)


@given(st.integers(1, 5000), st.data())
def test_wilson_intervals_hold_the_share(runs: int, data: st.DataObject) -> None:
    chance = probability(data.draw(st.integers(0, runs)), runs)
    assert 0.0 <= chance.low <= chance.share <= chance.high <= 1.0
    assert chance.low < chance.high


def test_a_spread_leaves_out_what_is_undefined() -> None:
    values = np.array([np.nan, 1.0, 2.0, 3.0, 4.0, 5.0])
    figure = spread(values)
    assert figure.median == 3.0
    assert figure.half == (2.0, 4.0)
    assert np.isnan(spread(np.array([np.nan])).median)


def test_a_log_tells_once_a_minute_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr("experiments.progress.time.monotonic", lambda: now)
    with run_progress("screening", 1000, 400, quiet=False) as on_run:
        for _ in range(300):
            now += 0.5
            on_run()
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "screening: 520 of 1,000 runs, about 4 min left",
        "screening: 640 of 1,000 runs, about 3 min left",
    ]
    with run_progress("screening", 1000, 0, quiet=True) as on_run:
        now += 100.0
        on_run()
    assert capsys.readouterr().err == ""
