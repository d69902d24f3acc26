"""Running an ensemble: a pure function from a batch of a design to its part, and threads that run it.

The kernels release the interpreter lock, so that threads over runs use all cores; results do not depend on
how many there are. Memory holds the runs of a few batches, however large the design.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from typing import Protocol

from experiments.branches import simulate_together
from experiments.design import Batch, Design, Row, founding_household_sizes
from experiments.failures import Interrupted, RunFailure
from experiments.parts import Part, assemble
from model.accounts import AccountsError
from model.draws import run_seed
from model.engine import simulate
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace, ParameterValues
from model.record import Record
from model.world import World

WAKE_SECONDS = 0.5  # how often the main thread looks up while it waits: Windows delivers Ctrl-C only then


Together = tuple[Row, ...]  # the runs of one pair of draw and replicate, one for every scenario


class MapRuns(Protocol):
    """Applies a function to every pair of a batch, in order: `map`, or the same over threads."""

    def __call__(
        self, function: Callable[[Together], list[Record]], pairs: Sequence[Together], /
    ) -> Iterable[list[Record]]:
        """Return the records of each pair in the order of the pairs."""
        ...


class Study:
    """A design made ready to run: its world, parameter space and founding populations (shared, read-only)."""

    def __init__(self, design: Design, world: World) -> None:
        self.design, self.world = design, world
        self.space = ParameterSpace(world)
        self.fixed = dict(design.fixed)
        self.household_sizes = founding_household_sizes(self.space, self.fixed)
        self._locks = [threading.Lock() for _ in self.household_sizes]
        self._foundings: list[Founding | None] = [None] * len(self.household_sizes)
        self.values = lru_cache(maxsize=1024)(self._values)

    def variant(self, draw: int) -> int:
        """Number of the founding variant that a draw starts from."""
        return draw % len(self.household_sizes)

    def founding(self, variant: int) -> Founding:
        """Founding population of a variant, built when first asked for."""
        with self._locks[variant]:
            founding = self._foundings[variant]
            if founding is None:
                founding = build_founding(self.world, household_size=self.household_sizes[variant])
                self._foundings[variant] = founding
        return founding

    def _values(self, draw: int) -> ParameterValues:
        """Parameters of a draw: a row of the posterior where there is one, the others from their priors.

        What the user has fixed goes before both; the household size is the one that the founders really have.
        """
        size = self.household_sizes[self.variant(draw)]
        drawn = self.design.draws.row(self.design.seed, draw) if self.design.draws is not None else {}
        given = {**drawn, **self.fixed, "household_size": size}
        return self.space.draw(self.design.seed, draw, given)

    def run(self, row: Row) -> Record:
        """Run one row of the design. Pure: the same row always gives the same record.

        Raises:
            RunFailure: the run's accounts do not close; names the row.
        """
        seed = run_seed(self.design.seed, row.draw, row.replicate)
        founding = self.founding(self.variant(row.draw))
        try:
            return simulate(
                self.world, founding, self.values(row.draw), seed, row.scenario.levers, self.design.horizon
            )
        except AccountsError as error:
            raise RunFailure(f"{row} of design {self.design.identity}: {error}") from error

    def run_together(self, rows: Together) -> list[Record]:
        """Run one pair under all its scenarios; their common past is run once. Pure, as `run` is.

        Raises:
            RunFailure: the accounts of a run do not close; names the pair.
        """
        first = rows[0]
        if len(rows) == 1:
            return [self.run(first)]
        seed = run_seed(self.design.seed, first.draw, first.replicate)
        founding, values = self.founding(self.variant(first.draw)), self.values(first.draw)
        levers = [row.scenario.levers for row in rows]
        try:
            return simulate_together(self.world, founding, values, seed, levers, self.design.horizon)
        except AccountsError as error:
            pair = f"draw {first.draw}, replicate {first.replicate}"
            raise RunFailure(f"{pair} of design {self.design.identity}: {error}") from error

    def assemble(self, batch: Batch, rows: Sequence[Row], records: Sequence[Record]) -> Part:
        """Part of a batch from the records of its rows."""
        return assemble(self.world, batch, rows, records, [self.values(row.draw) for row in rows])


def run_batch(study: Study, batch: Batch, map_runs: MapRuns = map) -> Part:
    """Run all rows of a batch and assemble its part. Pure: depends on the design and the batch alone."""
    rows = study.design.rows(batch)
    number = batch.end - batch.first
    pairs = [tuple(rows[k::number]) for k in range(number)]
    by_pair = list(map_runs(study.run_together, pairs))
    records = [together[s] for s in range(len(study.design.scenarios)) for together in by_pair]
    return study.assemble(batch, rows, records)


def run_ensemble(
    study: Study,
    batches: Sequence[Batch],
    write: Callable[[Part], None],
    threads: int,
    on_run: Callable[[], None],
) -> None:
    """Run batches on `threads` threads and write each part as soon as its last run has ended.

    `on_run` is called after every run, from its thread. A failure or Ctrl-C lets running runs end, drops the
    others and keeps the parts that are complete.

    Raises:
        RunFailure: a run or a write failed. Interrupted: Ctrl-C.
    """
    stop = threading.Event()
    size = study.design.runs_per_part
    with (
        ThreadPoolExecutor(threads, "run") as runners,
        # Enough batches under way that no thread waits while another batch is written
        ThreadPoolExecutor(1 + (threads + size - 1) // size, "batch") as keepers,
    ):

        def one(function: Callable[[Together], list[Record]], pair: Together) -> list[Record]:
            if stop.is_set():
                raise Interrupted
            records = function(pair)
            for _ in records:
                on_run()
            return records

        def map_runs(
            function: Callable[[Together], list[Record]], pairs: Sequence[Together], /
        ) -> Iterable[list[Record]]:
            return runners.map(lambda pair: one(function, pair), pairs)

        def keep(batch: Batch) -> None:
            if stop.is_set():
                raise Interrupted
            write(run_batch(study, batch, map_runs))

        futures = [keepers.submit(keep, batch) for batch in batches]
        try:
            _wait_for(futures)
        except BaseException as error:
            stop.set()
            for future in futures:
                future.cancel()
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted from None
            raise


def _wait_for(futures: Iterable[Future[None]]) -> None:
    """Wait until all have ended or one has failed; raises the first failure."""
    pending = set(futures)
    while pending:
        done, pending = wait(pending, WAKE_SECONDS, FIRST_EXCEPTION)
        for future in done:
            future.result()
