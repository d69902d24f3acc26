"""The store of an ensemble: one folder, written part by part so that no interruption loses or doubles a run.

Every file is written to a temporary name, forced to the disk and renamed; the folder is forced too. A part
is complete when its file in `parts/` is there, which is renamed after those in `flows/`, `pyramids/` and
`parameters/`. Each file carries the identity of its design and its range of pairs, so that truncated or
foreign files are recognised, named, set aside and redone.

`PartStore` knows neither worlds nor runs; `Store` is the one of forecasts and comparisons.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import duckdb

from experiments.design import Batch
from experiments.failures import BadInput, RunFailure
from experiments.folder_lock import FolderLock
from experiments.manifest import MANIFEST, Described, Ensemble, check_folder, manifest, now, recorded_manifest
from experiments.parts import Columns
from experiments.shard import Shard

TABLES = (
    "flows",
    "pyramids",
    "parameters",
    "parts",
)  # in the order of writing; the last one marks completeness
PART_FILE = re.compile(r"part-(\d{6,})\.parquet")
UNFINISHED = ".unfinished"
SET_ASIDE = ".bad"


@dataclass(frozen=True)
class SetAside:
    """A file that was found in the store and cannot be used, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}; set aside as {self.path.name}{SET_ASIDE}"


class StoredPart(Protocol):
    """What can be stored: the tables of one batch, by the name of their folder, the marking one last."""

    @property
    def batch(self) -> Batch:
        """Which pairs or blocks."""
        ...

    def tables(self) -> Mapping[str, Columns]:
        """Tables by the name of their folder."""
        ...


class PartStore:
    """Writer of a folder of parts; a context manager that holds the folder's lock.

    Args:
        folder: where. design: what its parts belong to; its identity is written into every file.
        tables: folders of a part's files; a part is complete when its file in the last one is there.
        runs: what the folder is wanted to hold. shard: the share that this process writes, others may write
            theirs at the same time; None: this process alone writes.

    Raises:
        BadInput: on entering, when the folder cannot take the design or another process writes there.
    """

    def __init__(
        self,
        folder: Path,
        design: Described,
        tables: Sequence[str],
        runs: int,
        shard: Shard | None = None,
    ) -> None:
        self.folder, self.design, self.tables, self.wanted = folder, design, tuple(tables), runs
        self.identity = design.identity
        self.set_aside: list[SetAside] = []
        self._held: dict[int, Batch] = {}
        self._tag = "" if shard is None else f"{shard.label}."
        self._lock = FolderLock(folder, None if shard is None else shard.label)
        self._notes = threading.Lock()
        self._database = duckdb.connect(config={"threads": 1})

    def manifest(self, started: str, largest_runs: int) -> dict[str, Any]:
        """Content of manifest.json; `largest_runs` is the most that was ever asked for in this folder."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        check_folder(self.folder, self.design)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.__enter__()
        except OSError as error:
            raise BadInput(f"--out {self.folder}: cannot be written ({error.strerror})") from None
        try:
            check_folder(self.folder, self.design)  # another process may have come first
            with self._named_failure("manifest"):
                self._clear_unfinished()
                # Before the folders of the tables: a shard that starts now would take them for results without one
                self._write_manifest()
                for table in self.tables:
                    (self.folder / table).mkdir(exist_ok=True)
            self._held = self._scan()
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
        self._lock.__exit__(kind, error, trace)

    # --- what is there -------------------------------------------------------------------------------------

    def missing(self, batches: Sequence[Batch]) -> list[Batch]:
        """Batches without a complete part; a part of fewer pairs than wanted counts as missing."""
        return [
            batch
            for batch in batches
            if batch.number not in self._held or self._held[batch.number].end < batch.end
        ]

    def held(self) -> list[Batch]:
        """Complete parts, by number."""
        return [self._held[number] for number in sorted(self._held)]

    def runs(self) -> int:
        """Pairs held in complete parts."""
        return sum(batch.end - batch.first for batch in self._held.values())

    def _scan(self) -> dict[int, Batch]:
        """Complete parts of this design; sets aside every file that is damaged or foreign."""
        found: dict[str, dict[int, Batch]] = {}
        for table in self.tables:
            found[table] = {}
            for path in sorted((self.folder / table).glob("*.parquet")):
                batch = self._examine(path)
                if batch is not None:
                    found[table][batch.number] = batch
        return {
            number: batch
            for number, batch in found[self.tables[-1]].items()
            if all(found[table].get(number) == batch for table in self.tables)
        }

    def _examine(self, path: Path) -> Batch | None:
        """Range of a sound part file of this design; any other file is set aside."""
        name = PART_FILE.fullmatch(path.name)
        try:
            marks = dict(
                self._database.execute(
                    "select decode(key), decode(value) from parquet_kv_metadata(?)", [str(path)]
                ).fetchall()
            )
            if marks.get("qyzyljar") != self.identity:
                reason = "not of this design"
            elif name is None or marks["number"] != str(int(name[1])):
                reason = "not a part's own name"
            else:
                batch = Batch(int(marks["number"]), int(marks["first_pair"]), int(marks["end_pair"]))
                # Reads every page: a damaged one raises
                self._database.execute("select * from read_parquet(?)", [str(path)]).fetchnumpy()
                return batch
        except duckdb.Error as error:
            reason = f"damaged ({str(error).splitlines()[0]})"
        with self._named_failure(path.name):
            os.replace(path, path.with_name(path.name + SET_ASIDE))
        self.set_aside.append(SetAside(path, reason))
        return None

    # --- writing -------------------------------------------------------------------------------------------

    def write(self, part: StoredPart) -> None:
        """Store a part, whole or not at all. May be called from several threads.

        Raises:
            RunFailure: the disk is full or refuses; complete parts are untouched.
        """
        name = f"part-{part.batch.number:06d}.parquet"
        tables = part.tables()
        with self._named_failure(name), contextlib.ExitStack() as unfinished:
            # All files stand on the disk under temporary names before the first one is renamed
            written = []
            for table in self.tables:
                path = self.folder / table / name
                temporary = unfinished.enter_context(self._temporary(path))
                self._copy(tables[table], temporary, part.batch)
                written.append((temporary, path))
            for temporary, path in written:
                os.replace(temporary, path)
                _force_folder(path.parent)
        with self._notes:
            self._held[part.batch.number] = part.batch

    def _copy(self, columns: Columns, path: Path, batch: Batch) -> None:
        """Write a table of numpy columns as Parquet, marked with the design and the range of pairs."""
        marks = {
            "qyzyljar": self.identity,
            "number": batch.number,
            "first_pair": batch.first,
            "end_pair": batch.end,
        }
        metadata = ", ".join(f"{key}: '{value}'" for key, value in marks.items())
        cursor = self._database.cursor()
        try:
            cursor.register("part_columns", columns)
            cursor.execute(
                f"copy (select * from part_columns) to {_quoted(path)} "
                f"(format parquet, compression zstd, use_tmp_file false, kv_metadata {{{metadata}}})"
            )
        finally:
            cursor.close()
        _force_file(path)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file of the folder, whole or not at all."""
        path = self.folder / name
        with self._named_failure(name), self._temporary(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
            _force_file(temporary)
            os.replace(temporary, path)
            _force_folder(path.parent)

    def _write_manifest(self) -> None:
        """Write the manifest unless the one there says the same; keeps when the ensemble was started."""
        recorded = recorded_manifest(self.folder)
        started, runs = (recorded["started"], recorded["runs"]) if recorded else (now(), 0)
        content = self.manifest(started, max(runs, self.wanted))
        if content != recorded:
            self.write_text(MANIFEST, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    @contextlib.contextmanager
    def _temporary(self, path: Path) -> Iterator[Path]:
        """A temporary name beside `path`, removed if it was not renamed."""
        temporary = path.with_name(f".{path.name}.{self._tag}{os.getpid()}{UNFINISHED}")
        try:
            yield temporary
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _clear_unfinished(self) -> None:
        """Remove temporary files of writers that were killed; a shard removes its own only, others may be at work."""
        for folder in (self.folder, *(self.folder / table for table in self.tables)):
            for path in folder.glob(f".*.{self._tag}*{UNFINISHED}"):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _named_failure(self, what: str) -> Iterator[None]:
        """Turn a failure of the disk into a message."""
        try:
            yield
        except (OSError, duckdb.IOException) as error:
            reason = (
                error.strerror
                if isinstance(error, OSError) and error.strerror
                else str(error).splitlines()[0]
            )
            raise RunFailure(f"{self.folder}: {what} could not be written: {reason}") from error


class Store(PartStore):
    """Writer of the folder of a forecast or a comparison (arguments: `PartStore`)."""

    def __init__(
        self, folder: Path, ensemble: Ensemble, shard: Shard | None = None, tables: Sequence[str] = TABLES
    ) -> None:
        super().__init__(folder, ensemble.design, tables, ensemble.runs, shard)
        self.ensemble = ensemble

    def manifest(self, started: str, largest_runs: int) -> dict[str, Any]:
        """Content of manifest.json (`manifest.manifest`)."""
        return manifest(self.ensemble, started, largest_runs)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _force_file(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _force_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
