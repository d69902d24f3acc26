"""Worker processes over the runs of a design, where threads would wait for one another.

A run of a small world spends a good part of its time in the interpreter, whose lock threads share: two threads do
the work of one and a half. Processes have a lock each. They take some seconds to start, so that they are called up
for long work in small worlds only; results do not depend on them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, Final, TypeVar

from experiments.failures import RunFailure
from model.world import World

Task = TypeVar("Task")
Result = TypeVar("Result")
RUNS_WORTH_A_CREW: Final = 800  # fewer runs end before the start of the workers is made good
SMALL_WORLD: Final = 100_000  # persons; runs of larger worlds hardly touch the interpreter
MOST_HELD: Final = 2  # functions that a worker keeps ready: a comparison and the check of a prior
DIED: Final = (
    "a worker process ended before its run did: memory may have run out (close other programs, or give fewer "
    "--threads), or the project's files were changed meanwhile"
)


class Crew:
    """A number of worker processes that live until the command ends.

    A function travels once to every worker and is kept there, so that what it holds (a world, its founders) is made
    once a worker and not once a run.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(number, context, _arrive, (context.Barrier(number),))
        self._known: dict[int, Callable[..., Any]] = {}
        self._learnt = 0
        self._lock = threading.Lock()
        self.learn(_nothing)  # starts the workers now, while the command is still getting ready

    def learn(self, function: Callable[..., Any]) -> int:
        """Let every worker know a function, unless it does; returns its number."""
        with self._lock:
            for number, known in self._known.items():
                if known == function:
                    return number
            number = self._learnt
            self._learnt += 1
            self._known = {k: self._known[k] for k in sorted(self._known)[1 - MOST_HELD :]} | {
                number: function
            }
            for _ in range(self.number):  # one each: they wait for one another
                self._pool.submit(_learn, number, function, tuple(self._known))
            return number

    def submit(self, function: Callable[[Task], Result], task: Task) -> Future[Result]:
        """Let a worker apply a function to a task; both must be able to travel to another process.

        Raises:
            RunFailure: a worker died before.
        """
        with deaths_told():
            number = self.learn(function)
            return self._pool.submit(_work, number, task)

    def dismiss(self) -> None:
        """Let the workers go; runs that have not begun are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


_crew: Crew | None = None


def crew_for(world: World, runs: int, threads: int) -> Crew | None:
    """The crew of this process, called up when it ends so many runs before threads would; None where it does not."""
    global _crew
    if threads < 2 or int(world.founding_population.sum()) > SMALL_WORLD:
        return None
    if _crew is not None and _crew.number == threads:
        return _crew
    if runs < RUNS_WORTH_A_CREW:
        return None
    dismiss()
    _crew = Crew(threads)
    return _crew


def over_the_crew(function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """Apply a function to tasks, in their order: by the crew where one stands ready, else here.

    Raises:
        RunFailure: a worker died.
    """
    if _crew is None or len(tasks) < 2:
        return [function(task) for task in tasks]
    try:
        with deaths_told():
            futures = [_crew.submit(function, task) for task in tasks]
            return [future.result() for future in futures]
    except BaseException:
        dismiss()
        raise


@contextmanager
def deaths_told() -> Iterator[None]:
    """Turn the death of a worker into what a user is told (`RunFailure`)."""
    try:
        yield
    except BrokenProcessPool:
        raise RunFailure(DIED) from None


def dismiss() -> None:
    """Let the crew go if there is one; the next work calls up another."""
    global _crew
    if _crew is not None:
        _crew.dismiss()
        _crew = None


_held: dict[int, Callable[..., Any]] = {}  # in a worker: what it knows
_barrier: Any = None


def _arrive(barrier: Any) -> None:
    """Make a worker ready: Ctrl-C is the command's to answer, and no worker outlives its command."""
    global _barrier
    _barrier = barrier
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_command, daemon=True).start()


def _end_with_the_command() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _learn(number: int, function: Callable[..., Any], kept: Collection[int]) -> None:
    _held[number] = function
    for known in set(_held).difference(kept):
        del _held[known]
    _barrier.wait()


def _work(number: int, task: Any) -> Any:
    return _held[number](task)


def _nothing() -> None:
    """What workers learn first: it brings them up."""
