"""A campaign: an ensemble carried to completion in its folder, from whatever is there already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from experiments.ensemble import Study, run_ensemble
from experiments.failures import Interrupted, RunFailure
from experiments.manifest import Ensemble
from experiments.progress import run_progress
from experiments.results import Results
from experiments.store import Store

SUMMARY = "summary.csv"


def default_threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def completed(folder: Path, ensemble: Ensemble, threads: int | None, quiet: bool) -> Iterator[Results]:
    """Run what is missing of an ensemble, write its summary, and give its results to read.

    The folder stays locked until the context ends. All complete parts are read, also those beyond
    `ensemble.runs` that an earlier, larger command left.

    Raises:
        BadInput: the folder cannot take the design. RunFailure, Interrupted: complete parts are kept; the
            message says how to go on.
    """
    design, world = ensemble.design, ensemble.world
    with Store(folder, ensemble) as store:
        for file in store.set_aside:
            Console(stderr=True, quiet=quiet).print(str(file), markup=False, highlight=False, soft_wrap=True)
        missing = store.missing(design.batches(ensemble.runs))
        to_run = len(design.scenarios) * sum(batch.end - batch.first for batch in missing)
        total = max(to_run, len(design.scenarios) * ensemble.runs)
        label = f"{world.title['en']} to {design.horizon}"
        with run_progress(label, total, total - to_run, quiet) as on_run:
            try:
                run_ensemble(Study(design, world), missing, store.write, threads or default_threads(), on_run)
            except Interrupted:
                raise Interrupted(f"stopped; {_how_to_resume(store)}") from None
            except RunFailure as error:
                raise RunFailure(f"{error}\n{_how_to_resume(store)}") from error
            except Exception as error:
                error.add_note(_how_to_resume(store))
                raise
        scenarios = [scenario.name for scenario in design.scenarios]
        years, places = range(world.start, design.horizon + 1), world.ids[: world.n_sim]
        with Results(folder, store.held(), scenarios, years, places) as results:
            store.write_text(SUMMARY, results.summary())
            yield results


def _how_to_resume(store: Store) -> str:
    runs = store.ensemble.runs
    return (
        f"{min(store.runs(), runs)} of {runs} runs are complete in {store.folder}; "
        f"repeat the same command with --out {store.folder} to continue"
    )
