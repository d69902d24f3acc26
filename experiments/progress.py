"""Progress of an ensemble on stderr: a bar with the time that is left; a line a minute where there is no terminal."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

COMPILING: Final = (
    "compiling the model, once on this computer: a minute or two, some more where it is busy ..."
)
EVERY_SECONDS = 60.0


@contextmanager
def run_progress(label: str, total: int, done: int, quiet: bool) -> Iterator[Callable[[], None]]:
    """Show a bar of `total` runs, `done` of them already there; yields what to call after every run.

    Nothing is shown when quiet. Where something is to be run and the kernels have to be compiled first, that is said
    before: the bar stands still meanwhile. Where stderr is no terminal (a log, a job array) a line a minute takes its
    place.
    """
    if not quiet and done < total:
        announce_compiling()
    console = Console(stderr=True)
    if quiet:
        yield lambda: None
        return
    if not console.is_terminal:
        yield _Log(label, total, done).on_run
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("runs"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(label, total=total, completed=done)
        yield lambda: progress.advance(task)


@cache  # said once, however many ensembles a command runs
def announce_compiling() -> None:
    """Say that the first runs wait for the compiler, where no compiled kernels were found."""
    from model.compiled import KERNELS_ARE_CACHED

    if not KERNELS_ARE_CACHED:
        Console(stderr=True).print(COMPILING, markup=False, highlight=False, soft_wrap=True)


class _Log:
    """Tells once a minute how far an ensemble has come; `on_run` may be called from several threads.

    The time that is left is reckoned from the first finished run on: before it the model may have been compiled.
    """

    def __init__(self, label: str, total: int, done: int) -> None:
        self.label, self.total, self.done, self.began_with = label, total, done, done
        self.told = time.monotonic()
        self.first = math.nan  # when the first run was finished
        self.lock = threading.Lock()

    def on_run(self) -> None:
        """Count a run."""
        with self.lock:
            self.done += 1
            now = time.monotonic()
            since_first = self.done - self.began_with - 1
            if since_first == 0:
                self.first = now
            if now - self.told < EVERY_SECONDS:
                return
            self.told = now
            text = f"{self.label}: {self.done:,} of {self.total:,} runs"
            if since_first:
                left = (now - self.first) / since_first * (self.total - self.done)
                text += f", about {math.ceil(left / 60)} min left"
        print(text, file=sys.stderr, flush=True)
