"""A campaign: an ensemble carried to completion in its folder, from whatever is there already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from experiments.design import Batch
from experiments.ensemble import Study, run_ensemble
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.manifest import Ensemble
from experiments.progress import run_progress
from experiments.results import Results
from experiments.shard import Shard
from experiments.store import PartStore, Store
from experiments.views import VIEWS, views_of

SUMMARY = "summary.csv"


def default_threads() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def completed(
    folder: Path, ensemble: Ensemble, threads: int | None, quiet: bool, cluster: str | None = None
) -> Iterator[Results]:
    """Run what is missing of an ensemble, write its summary, and give its results to read.

    The folder stays locked until the context ends. All complete parts are read, also those beyond
    `ensemble.runs` that an earlier, larger command left. `cluster`: address of a Dask scheduler whose workers run.

    Raises:
        BadInput: the folder cannot take the design. RunFailure, Interrupted: complete parts are kept; the
            message says how to go on.
    """
    design, world = ensemble.design, ensemble.world
    with Store(folder, ensemble) as store:
        tell_set_aside(store, quiet)
        missing = store.missing(design.batches(ensemble.runs))
        to_run = len(design.scenarios) * sum(batch.end - batch.first for batch in missing)
        total = max(to_run, len(design.scenarios) * ensemble.runs)
        run_missing(store, Study(design, world), missing, total, threads, quiet, cluster, how_to_resume)
        scenarios = [scenario.name for scenario in design.scenarios]
        years, places = range(world.start, design.horizon + 1), world.ids[: world.n_sim]
        with Results(folder, store.held(), scenarios, years, places) as results:
            store.write_text(SUMMARY, results.summary())
            store.write_text(VIEWS, views_of())
            yield results


def contribute(
    folder: Path,
    ensemble: Ensemble,
    shard: Shard,
    threads: int | None,
    quiet: bool,
    cluster: str | None = None,
    study: Study | None = None,
) -> None:
    """Run what is missing of a shard's share of an ensemble; other shards may write into the folder meanwhile.

    Tables are made once all shares are there, by the command without a shard. `study`: what runs the design where
    that is not a plain `Study`.

    Raises:
        BadInput: the folder cannot take the design. RunFailure, Interrupted: complete parts are kept.
    """
    design = ensemble.design
    study = study or Study(design, ensemble.world)
    share = shard.share(design.batches(ensemble.runs))
    with Store(folder, ensemble, shard, study.tables) as store:
        tell_set_aside(store, quiet)
        missing = store.missing(share)
        total = len(design.scenarios) * sum(batch.end - batch.first for batch in share)

        def how_to_go_on(store: Store) -> str:
            done = len(share) - len(store.missing(share))
            return (
                f"{done} of {len(share)} parts of shard {shard} are complete in {store.folder}; "
                f"repeat the same command with --out {store.folder} to continue"
            )

        run_missing(store, study, missing, total, threads, quiet, cluster, how_to_go_on)
        Console(quiet=quiet).print(
            f"Shard {shard}: {len(share)} of {len(design.batches(ensemble.runs))} parts are complete in {folder}. "
            "When all shards are, in this folder or copied together into one, the same command without --shard "
            "makes the tables.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def tell_set_aside(store: PartStore, quiet: bool) -> None:
    """Name the files of a folder that could not be used."""
    for file in store.set_aside:
        Console(stderr=True, quiet=quiet).print(str(file), markup=False, highlight=False, soft_wrap=True)


def run_missing(
    store: Store,
    study: Study,
    missing: Sequence[Batch],
    total: int,
    threads: int | None,
    quiet: bool,
    cluster: str | None,
    tell: Callable[[Store], str],
) -> None:
    """Run batches with a bar of `total` runs; what goes wrong is told together with how to go on.

    Raises:
        BadInput: no cluster answers. RunFailure, Interrupted: complete parts are kept.
    """
    design, world = store.ensemble.design, store.ensemble.world
    to_run = len(design.scenarios) * sum(batch.end - batch.first for batch in missing)
    with run_progress(f"{world.title['en']} to {design.horizon}", total, total - to_run, quiet) as on_run:
        try:
            if cluster is not None and missing:
                from experiments.cluster import connected, remote_study, run_on_cluster

                with connected(cluster) as client:
                    run_on_cluster(client, remote_study(study), missing, store.write, on_run)
            else:
                run_ensemble(study, missing, store.write, threads or default_threads(), on_run)
        except Interrupted:
            raise Interrupted(f"stopped; {tell(store)}") from None
        except RunFailure as error:
            raise RunFailure(f"{error}\n{tell(store)}") from error
        except BadInput:
            raise
        except Exception as error:
            error.add_note(tell(store))
            raise


def how_to_resume(store: Store) -> str:
    """How much of a whole ensemble is there, and how to go on."""
    runs = store.ensemble.runs
    return (
        f"{min(store.runs(), runs)} of {runs} runs are complete in {store.folder}; "
        f"repeat the same command with --out {store.folder} to continue"
    )
