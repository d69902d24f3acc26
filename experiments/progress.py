"""Progress of an ensemble on the terminal: a bar with the time that is left, on stderr."""

from __future__ import annotations

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


@contextmanager
def run_progress(label: str, total: int, done: int, quiet: bool) -> Iterator[Callable[[], None]]:
    """Show a bar of `total` runs, `done` of them already there; yields what to call after every run.

    Nothing is shown when quiet, and no bar where stderr is not a terminal. Where something is to be run and the
    kernels have to be compiled first, that is said before: the bar stands still meanwhile.
    """
    if not quiet and done < total:
        announce_compiling()
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda: None
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
