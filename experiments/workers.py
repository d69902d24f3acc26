"""Threads or processes over the batches of a design.

The kernels release the interpreter lock, so that threads over runs use all cores where worlds are large; for long
work in small worlds there is a crew of processes (`crew`). Results depend on neither. Memory holds the runs of a few
batches, however large the design.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Protocol, TypeVar

from experiments.crew import Crew, deaths_told, dismiss
from experiments.design import Batch
from experiments.failures import Interrupted

WAKE_SECONDS = 0.5  # how often the main thread looks up while it waits: Windows delivers Ctrl-C only then
Task = TypeVar("Task")
Result = TypeVar("Result")
Part = TypeVar("Part")


class MapRuns(Protocol):
    """Applies a function to every task of a batch, in order: `map`, or the same over threads."""

    def __call__(
        self, function: Callable[[Task], list[Result]], tasks: Sequence[Task], /
    ) -> Iterable[list[Result]]:
        """Return the results of each task in the order of the tasks."""
        ...


def run_batches(
    batches: Sequence[Batch],
    make: Callable[[Batch, MapRuns], Part],
    write: Callable[[Part], None],
    threads: int,
    tasks_per_batch: int,
    on_run: Callable[[], None],
    crew: Crew | None = None,
) -> None:
    """Make the part of each batch with its runs on `threads` threads; write it as soon as its last run has ended.

    `on_run` is called after every run, from its thread. A failure or Ctrl-C lets running runs end, drops the
    others and keeps the parts that are complete. With a `crew` each thread leaves its runs to a worker of it; the
    function that `make` maps must then be able to travel.

    Raises:
        RunFailure: a run or a write failed. Interrupted: Ctrl-C.
    """
    stop = threading.Event()
    with (
        ThreadPoolExecutor(threads, "run") as runners,
        # Enough batches under way that no thread waits while another batch is written
        ThreadPoolExecutor(1 + (threads + tasks_per_batch - 1) // tasks_per_batch, "batch") as keepers,
    ):

        def one(function: Callable[[Task], list[Result]], task: Task) -> list[Result]:
            if stop.is_set():
                raise Interrupted
            if crew is None:
                results = function(task)
            else:
                with deaths_told():
                    results = crew.submit(function, task).result()
            for _ in results:
                on_run()
            return results

        def map_runs(
            function: Callable[[Task], list[Result]], tasks: Sequence[Task], /
        ) -> Iterable[list[Result]]:
            return runners.map(lambda task: one(function, task), tasks)

        def keep(batch: Batch) -> None:
            if stop.is_set():
                raise Interrupted
            write(make(batch, map_runs))

        futures = [keepers.submit(keep, batch) for batch in batches]
        try:
            _wait_for(futures)
        except BaseException as error:
            stop.set()
            for future in futures:
                future.cancel()
            if crew is not None:
                dismiss()
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
