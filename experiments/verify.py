"""`--verify`: finished runs done again and compared with what is stored, bit for bit."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from experiments.campaign import default_threads, tell_set_aside
from experiments.design import Batch
from experiments.ensemble import Study, run_ensemble
from experiments.failures import BadInput, RunFailure
from experiments.manifest import MANIFEST, Ensemble
from experiments.parts import Columns
from experiments.progress import run_progress
from experiments.store import Store, StoredPart

SHOWN_DIFFERENCES = 8


def verify(
    folder: Path,
    ensemble: Ensemble,
    runs: int,
    threads: int | None,
    quiet: bool,
    study: Study | None = None,
) -> None:
    """Run at least `runs` finished runs of a folder again, whole parts at random, and compare every stored value.

    `study`: what runs the design where that is not a plain `Study`.

    Raises:
        BadInput: nothing is stored there, or another design. RunFailure: a value differs; names where.
    """
    if not (folder / MANIFEST).is_file():
        raise BadInput(
            f"--verify: no results in {folder}; run the command without --verify first, or give its --out"
        )
    design, world = ensemble.design, ensemble.world
    study = study or Study(design, world)
    found: list[str] = []
    with Store(folder, ensemble, tables=study.tables) as store:
        tell_set_aside(store, quiet)
        chosen = chosen_parts(folder, store.held(), runs)
        total = len(design.scenarios) * sum(batch.end - batch.first for batch in chosen)

        def compare(part: StoredPart) -> None:
            found.extend(part_differences(folder, part))

        with run_progress(f"checking {world.title['en']}", total, 0, quiet) as on_run:
            run_ensemble(study, chosen, compare, threads or default_threads(), on_run)
        held = sum(batch.end - batch.first for batch in chosen)
        tell_outcome(folder, chosen, f"{held} of {store.runs()} runs", found, quiet)


def chosen_parts(folder: Path, held: Sequence[Batch], runs: int) -> list[Batch]:
    """Complete parts of a folder at random, with at least `runs` pairs.

    Raises:
        BadInput: there is none.
    """
    chosen = sampled(held, runs)
    if not chosen:
        raise BadInput(f"--verify: {folder} holds no complete part")
    return chosen


def tell_outcome(folder: Path, chosen: Sequence[Batch], done: str, found: Sequence[str], quiet: bool) -> None:
    """Say what was done again and that it is the same.

    Raises:
        RunFailure: something was found to differ; names where.
    """
    if found:
        shown = sorted(found)[:SHOWN_DIFFERENCES]
        more = [f"... and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
        raise RunFailure(
            "\n  ".join([f"{folder}: stored results differ from the runs done again:", *shown, *more])
        )
    names = ", ".join(f"{batch.number}" for batch in chosen)
    Console(quiet=quiet).print(
        f"{done} (parts {names}) were done again: every stored value is the same, bit for bit.",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def sampled(held: Sequence[Batch], runs: int) -> list[Batch]:
    """Parts chosen at random, other ones each time, that hold at least `runs` runs (all where there are fewer)."""
    left, chosen, covered = list(held), [], 0
    while left and covered < runs:
        batch = left.pop(secrets.randbelow(len(left)))
        chosen.append(batch)
        covered += batch.end - batch.first
    return sorted(chosen, key=lambda batch: batch.number)


def part_differences(folder: Path, part: StoredPart) -> list[str]:
    """Where the stored tables of a part differ from the part: file, column, row, both values."""
    found = []
    for table, columns in part.tables().items():
        path = folder / table / f"part-{part.batch.number:06d}.parquet"
        with duckdb.connect(config={"threads": 1}) as database:
            stored = database.execute("select * from read_parquet(?)", [str(path)]).fetchnumpy()
        found += [f"{path}: {text}" for text in _table_differences(stored, columns)]
    return found


def _table_differences(stored: dict[str, Any], made: Columns) -> list[str]:
    if list(stored) != list(made):
        return [f"columns {', '.join(stored)}, expected {', '.join(made)}"]
    found = []
    for name, column in made.items():
        there, here = _bits(stored[name]), _bits(column)
        if there.shape != here.shape:
            found.append(f"{name}: {len(there)} rows, expected {len(here)}")
        elif (unequal := np.flatnonzero(there != here)).size:
            row = int(unequal[0])
            both = f"stored {stored[name][row]}, run again {column[row]}"
            found.append(f"{name}, row {row}: {both} ({unequal.size} rows differ)")
    return found


def _bits(column: NDArray[Any]) -> NDArray[Any]:
    """A column such that equal bits are equal: floats as whole numbers (every NaN and null the same)."""
    if not np.issubdtype(np.asarray(column).dtype, np.floating):
        return np.ma.getdata(column)
    filled = np.asarray(np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan))
    return np.where(np.isnan(filled), np.nan, filled).view(np.uint64)
