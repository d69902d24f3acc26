"""Carrying a sensitivity design to completion in its folder: here, on a cluster, as one share of several, or again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from experiments.campaign import default_threads, tell_set_aside
from experiments.crew import crew_for
from experiments.design import Batch
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.progress import run_progress
from experiments.sensitivity_design import SensitivityDesign
from experiments.sensitivity_runs import (
    SensitivityPart,
    SensitivityStore,
    Task,
    TownModel,
    arrived,
    make_part,
    part_maker,
)
from experiments.shard import Shard
from experiments.workers import run_batches

SCREENING = "screening"


@dataclass(frozen=True)
class Campaign:
    """A design with the model it is run on and where it is kept.

    Attributes:
        command: for the manifest. design, model: what is run. blocks: how many of them are wanted.
        threads: None for all cores. cluster: address of a Dask scheduler whose workers run; None: this machine.
    """

    folder: Path
    command: str
    design: SensitivityDesign
    model: TownModel
    blocks: int
    threads: int | None
    quiet: bool
    cluster: str | None = None

    @property
    def rows(self) -> int:
        """Runs of a block."""
        return self.design.sampling.rows_per_block

    def store(self, shard: Shard | None = None) -> SensitivityStore:
        """The folder, to be entered as a context."""
        return SensitivityStore(self.folder, self.command, self.design, self.blocks, shard)

    def batches(self) -> list[Batch]:
        """All parts that are wanted."""
        return self.design.sampling.batches(self.blocks)

    def run_missing(self, store: SensitivityStore, blocks: int) -> None:
        """Run what is missing of the first blocks."""
        missing = store.missing(self.design.sampling.batches(blocks))
        self._run(
            store, missing, self.rows * self.blocks, self.rows * blocks - self._runs(missing), store.runs
        )

    def contribute(self, shard: Shard) -> bool:
        """Run what is missing of a shard's share; returns whether the parts of all shards are there.

        Raises:
            BadInput: the folder cannot take the design. RunFailure, Interrupted: complete parts are kept.
        """
        share = shard.share(self.batches())
        with self.store(shard) as store:
            tell_set_aside(store, self.quiet)
            missing = store.missing(share)
            total = self._runs(share)
            self._run(store, missing, total, total - self._runs(missing), store.runs)
        with self.store(shard) as store:  # what others have written meanwhile
            return not store.missing(self.batches())

    def verify(self, runs: int) -> None:
        """Run at least `runs` finished runs again, whole parts at random, and compare every stored value.

        Raises:
            BadInput: nothing is stored there, or another design. RunFailure: a value differs; names where.
        """
        from experiments.verify import chosen_parts, part_differences, tell_outcome

        found: list[str] = []
        with self.store() as store:
            tell_set_aside(store, self.quiet)
            chosen = chosen_parts(self.folder, store.held(), -(-runs // self.rows))
            blocks = max(batch.end for batch in chosen)
            make = part_maker(self.design.sampling, self.model, blocks)

            def compare(part: SensitivityPart) -> None:
                found.extend(part_differences(self.folder, part))

            with run_progress(f"checking {self._name}", self._runs(chosen), 0, self.quiet) as on_run:
                run_batches(
                    chosen, make, compare, self.threads or default_threads(), self._runs(chosen[:1]), on_run
                )
            held = f"{self._runs(chosen):,} of {self.rows * store.runs():,} runs in {self.folder}"
        tell_outcome(self.folder, chosen, held, found, self.quiet)

    @property
    def _name(self) -> str:
        method = self.design.sampling.method
        return SCREENING if self.folder.name == SCREENING else method

    def _runs(self, batches: Sequence[Batch]) -> int:
        return self.rows * sum(batch.end - batch.first for batch in batches)

    def _run(
        self,
        store: SensitivityStore,
        missing: Sequence[Batch],
        total: int,
        done: int,
        held: Callable[[], int],
    ) -> None:
        """Run batches with a bar of `total` runs, `done` of which are there."""
        if not missing:
            return
        sampling = self.design.sampling
        with run_progress(self._name, total, done, self.quiet) as on_run, self._resumable(held):
            if self.cluster is not None:
                from experiments.cluster import Remote, connected, run_on_cluster

                remote = Remote(
                    arrived,
                    (self.design, self.model.space, self.model.outputs, self.blocks),
                    f"sensitivity-{self.design.identity}",
                    make_part,
                    lambda batch: self._runs([batch]),
                )
                with connected(self.cluster) as client:
                    run_on_cluster(client, remote, missing, store.write, on_run)
                return
            make = Task(self.design, self.model, self.blocks).make
            tasks = self.rows * sampling.blocks_per_part
            threads = self.threads or default_threads()
            crew = crew_for(self.model.space.world, self._runs(missing), threads)
            run_batches(missing, make, store.write, threads, tasks, on_run, crew)

    @contextmanager
    def _resumable(self, held: Callable[[], int]) -> Iterator[None]:
        """Tell how to go on when a run stops early."""
        try:
            yield
        except Interrupted:
            raise Interrupted(f"stopped; {self._how_to_resume(held())}") from None
        except RunFailure as error:
            raise RunFailure(f"{error}\n{self._how_to_resume(held())}") from error
        except BadInput:
            raise
        except Exception as error:
            error.add_note(self._how_to_resume(held()))
            raise

    def _how_to_resume(self, blocks: int) -> str:
        folder = self.folder.parent if self.folder.name == SCREENING else self.folder
        return (
            f"{blocks * self.rows:,} runs are complete in {self.folder}; repeat the same command with --out {folder} "
            "to continue"
        )


def tell_share(folder: Path, shard: Shard, all_there: bool, quiet: bool) -> None:
    """Say what a shard has done and what comes next."""
    if folder.name == SCREENING:
        state = (
            f"the screening in {folder} waits for the other shards: repeat the same command once they have ended, for "
            "this shard's share of the Sobol' runs."
        )
    elif all_there:
        state = f"all parts are in {folder}: the same command without --shard makes the tables."
    else:
        state = (
            f"complete in {folder}. When all shards are, in this folder or copied together into one, the same command "
            "without --shard makes the tables."
        )
    Console(quiet=quiet).print(f"Shard {shard}: {state}", markup=False, highlight=False, soft_wrap=True)
