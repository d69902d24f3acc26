"""The store: whole parts or none, whatever happens while it writes; bad files are named and redone."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from experiments import store as store_module
from experiments.design import Batch, Design
from experiments.ensemble import Study, run_batch
from experiments.failures import BadInput, RunFailure
from experiments.manifest import MANIFEST, recorded_manifest
from experiments.parts import Part
from experiments.store import TABLES, Store
from model.record import COLUMNS
from model.world import World, load_world
from tests.fake_simulation import HORIZON, open_store, small_design, use_fake_runs


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("towns")


@pytest.fixture(scope="module")
def design(world: World) -> Design:
    return small_design(world)


@pytest.fixture(scope="module")
def study(world: World, design: Design) -> Iterator[Study]:
    with pytest.MonkeyPatch.context() as patch:
        use_fake_runs(patch)
        yield Study(design, world)


@pytest.fixture(scope="module")
def parts(study: Study) -> list[Part]:
    return [run_batch(study, batch) for batch in study.design.batches(25)]


def fill(store: Store, parts: list[Part]) -> None:
    for part in parts:
        store.write(part)


def rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as database:
        return database.execute(f"select * from '{folder}/{table}/*.parquet' order by all").fetchall()


def unfinished(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if store_module.UNFINISHED in path.name]


def test_a_part_reads_back_as_written(
    tmp_path: Path, world: World, design: Design, parts: list[Part]
) -> None:
    with open_store(tmp_path, world, design) as store:
        store.write(parts[0])
    path = tmp_path / "parts" / "part-000000.parquet"
    with duckdb.connect() as database:
        read = database.execute(f"select * from '{path}'").fetchnumpy()
        nulls = database.execute(
            f"select count(*) from '{path}' where year = {HORIZON} and births is null"
        ).fetchall()
    assert list(read)[:5] == ["scenario", "draw", "replicate", "year", "place"]
    assert list(read)[5:] == [column.name for column in COLUMNS]
    for column in COLUMNS:
        kept = np.ma.filled(np.ma.asarray(read[column.name]), np.nan)
        np.testing.assert_array_equal(kept, parts[0].results[column.name])
    assert nulls == [(10 * world.n_sim,)]


def test_rows_are_sorted_by_their_keys(parts: list[Part]) -> None:
    keys = {
        "results": ("scenario", "draw", "replicate", "year", "place"),
        "flows": ("scenario", "year", "origin", "destination"),
        "pyramids": ("scenario", "draw", "replicate", "year", "place", "sex", "age"),
        "parameters": ("draw", "name"),
    }
    for table, names in keys.items():
        columns = getattr(parts[1], table)
        lines = list(zip(*(columns[name].tolist() for name in names), strict=True))
        assert lines == sorted(lines), table
        assert len(set(lines)) == len(lines), table


def test_sums_of_flows_and_pyramids_lose_nobody(world: World, study: Study, parts: list[Part]) -> None:
    records = [study.run(row) for row in study.design.rows(parts[2].batch)]
    open_places = world.is_destination.copy()
    persons = 0
    for record in records:
        moved = record.flows[:, :, open_places].sum() + record.arrivals_from.sum()
        persons += int(moved) - sum(int(record.flows[:, s, s].sum()) for s in range(world.n_sim))
    assert parts[2].flows["persons"].sum() == persons
    stock = sum(int(record.pyramid_first.sum() + record.pyramid_last.sum()) for record in records)
    assert parts[2].pyramids["persons"].sum() == stock
    assert set(parts[2].flows["n_runs"]) == {5}


def test_only_what_is_missing_is_asked_for(
    tmp_path: Path, world: World, design: Design, parts: list[Part]
) -> None:
    batches = design.batches(25)
    with open_store(tmp_path, world, design) as store:
        assert store.missing(batches) == batches
        fill(store, [parts[0], parts[2]])
    with open_store(tmp_path, world, design) as store:
        assert store.missing(batches) == [batches[1]]
        assert store.runs() == 15
        store.write(parts[1])
        assert store.missing(batches) == []


def test_a_short_last_part_is_redone_when_runs_grow_and_kept_when_they_shrink(
    tmp_path: Path, world: World, design: Design, study: Study, parts: list[Part]
) -> None:
    with open_store(tmp_path, world, design) as store:
        fill(store, parts)
        assert store.missing(design.batches(23)) == []
        assert store.missing(design.batches(32)) == [Batch(2, 20, 30), Batch(3, 30, 32)]
        for batch in store.missing(design.batches(32)):
            store.write(run_batch(study, batch))
        assert store.runs() == 32
    assert len(rows(tmp_path, "parts")) == 32 * (HORIZON - 2015 + 1) * world.n_sim


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("damage", ["truncated", "text", "foreign", "emptied", "removed"])
def test_bad_files_are_named_set_aside_and_redone(
    tmp_path: Path, world: World, design: Design, parts: list[Part], table: str, damage: str
) -> None:
    with open_store(tmp_path / "a", world, design) as store:
        fill(store, parts)
    whole = rows(tmp_path / "a", table)
    path = tmp_path / "a" / table / "part-000001.parquet"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "text":
        path.write_text("scenario,draw\n")
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "removed":
        path.unlink()
    else:
        with open_store(tmp_path / "b", world, small_design(world, seed=2)) as other:
            fill(other, parts)
        shutil.copy(tmp_path / "b" / table / path.name, path)
    with open_store(tmp_path / "a", world, design) as store:
        assert [file.path for file in store.set_aside] == ([] if damage == "removed" else [path])
        assert store.missing(design.batches(25)) == [Batch(1, 10, 20)]
        store.write(parts[1])
    assert rows(tmp_path / "a", table) == whole


def test_a_copy_under_another_name_is_not_read_twice(
    tmp_path: Path, world: World, design: Design, parts: list[Part]
) -> None:
    with open_store(tmp_path, world, design) as store:
        fill(store, parts)
    first = tmp_path / "parts" / "part-000000.parquet"
    shutil.copy(first, tmp_path / "parts" / "part-000007.parquet")
    shutil.copy(first, tmp_path / "parts" / "part-000000 (copy).parquet")
    with open_store(tmp_path, world, design) as store:
        assert len(store.set_aside) == 2
        assert store.runs() == 25
    assert len(list((tmp_path / "parts").glob("*.parquet"))) == 3


@pytest.mark.parametrize("survived", range(5))
def test_a_kill_between_renames_leaves_a_part_whole_or_missing(
    tmp_path: Path, world: World, design: Design, parts: list[Part], survived: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    class KilledError(BaseException):
        """Stands for kill -9: nothing handles it."""

    with open_store(tmp_path, world, design) as store:
        store.write(parts[0])
        done = 0
        rename = os.replace

        def replace(source: Path, target: Path) -> None:
            nonlocal done
            if done == survived:
                raise KilledError
            done += 1
            rename(source, target)

        monkeypatch.setattr(os, "replace", replace)
        if survived < len(TABLES):
            with pytest.raises(KilledError):
                store.write(parts[1])
        else:
            store.write(parts[1])
        monkeypatch.undo()
    with open_store(tmp_path, world, design) as store:
        whole = survived == len(TABLES)
        assert store.missing(design.batches(20)) == ([] if whole else [Batch(1, 10, 20)])
        store.write(parts[1])
        assert store.missing(design.batches(20)) == []
    assert len(rows(tmp_path, "parts")) == 20 * (HORIZON - 2015 + 1) * world.n_sim


def test_an_interrupted_rewrite_of_a_longer_part_is_noticed(
    tmp_path: Path, world: World, design: Design, study: Study, parts: list[Part],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    longer = run_batch(study, Batch(2, 20, 30))
    with open_store(tmp_path, world, design) as store:
        fill(store, parts)
        rename = os.replace

        def replace(source: Path, target: Path) -> None:
            if target.parent.name == "parts":
                raise KeyboardInterrupt
            rename(source, target)

        monkeypatch.setattr(os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            store.write(longer)
        monkeypatch.undo()
    with open_store(tmp_path, world, design) as store:
        assert store.missing(design.batches(25)) == [Batch(2, 20, 25)]


def test_a_full_disk_keeps_complete_parts_and_leaves_no_debris(
    tmp_path: Path, world: World, design: Design, parts: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path, world, design) as store:
        store.write(parts[0])

        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunFailure, match=r"part-000001.parquet could not be written: No space left"):
            store.write(parts[1])
        monkeypatch.undo()
        assert not unfinished(tmp_path)
        assert store.runs() == 10


def test_debris_of_a_killed_writer_is_removed(tmp_path: Path, world: World, design: Design) -> None:
    with open_store(tmp_path, world, design):
        pass
    debris = tmp_path / "parts" / f".part-000003.parquet.99{store_module.UNFINISHED}"
    debris.write_bytes(b"PAR1")
    with open_store(tmp_path, world, design):
        assert not debris.exists()


def test_two_writers_in_one_folder_are_refused(tmp_path: Path, world: World, design: Design) -> None:
    with (
        open_store(tmp_path, world, design),
        pytest.raises(BadInput, match=rf"another command is writing there \(process {os.getpid()}\)"),
        open_store(tmp_path, world, design),
    ):
        pass
    with open_store(tmp_path, world, design):
        pass


def test_another_design_is_refused_and_told_what_differs(
    tmp_path: Path, world: World, design: Design
) -> None:
    with open_store(tmp_path, world, design):
        pass
    before = (tmp_path / MANIFEST).read_bytes()
    with (
        pytest.raises(BadInput, match=r"seed: there 1, asked 7\s+set chi: there nothing, asked 0.3"),
        open_store(tmp_path, world, small_design(world, seed=7, chi=0.3)),
    ):
        pass
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_what_stands_in_the_way_is_refused(tmp_path: Path, world: World, design: Design) -> None:
    file = tmp_path / "file"
    file.write_text("")
    results = tmp_path / "results"
    (results / "parts").mkdir(parents=True)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / MANIFEST).write_text('{"format": 1,\n oops')
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / MANIFEST).write_text("[]")
    cases = {
        file: "is a file, expected a folder",
        file / "below": "is a file, expected a folder",
        results: "holds parts but no manifest.json",
        broken: "manifest.json:2: not a manifest",
        listed: "not a manifest of format",
    }
    for folder, message in cases.items():
        with pytest.raises(BadInput, match=message), open_store(folder, world, design):
            pass


def test_the_manifest_repeats_the_ensemble(tmp_path: Path, world: World, design: Design) -> None:
    with open_store(tmp_path, world, design, runs=25):
        pass
    started = json.loads((tmp_path / MANIFEST).read_text())["started"]
    with open_store(tmp_path, world, design, runs=5):
        pass
    content = recorded_manifest(tmp_path)
    assert content is not None
    assert content["started"] == started
    assert content["runs"] == 25
    assert content["identity"] == design.identity
    assert content["design"]["data"] == world.digest
    assert {"python", "numba", "numpy", "mesa"} <= set(content["design"]["versions"])
    assert "model/demography.py" in content["design"]["code"]
    assert [column["name"] for column in content["columns"]] == [column.name for column in COLUMNS]
