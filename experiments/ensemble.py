"""Running an ensemble: a pure function from a batch of a design to its part."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from experiments.branches import simulate_together
from experiments.crew import crew_for
from experiments.design import (
    PROJECT,
    SOURCES,
    Batch,
    Design,
    Row,
    differences,
    founding_household_sizes,
    package_versions,
    source_hashes,
)
from experiments.failures import RunFailure
from experiments.parts import Part, assemble
from experiments.store import TABLES
from experiments.workers import MapRuns, run_batches
from model.accounts import AccountsError
from model.draws import run_seed
from model.engine import simulate
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace, ParameterValues
from model.record import Record
from model.world import World

Together = tuple[Row, ...]  # the runs of one pair of draw and replicate, one for every scenario


class Study:
    """A design made ready to run: its world, parameter space and founding populations (shared, read-only).

    Attributes:
        tables: folders of a part's tables, the one that marks completeness last.
    """

    tables: tuple[str, ...] = TABLES

    def __init__(self, design: Design, world: World) -> None:
        self.design, self.world = design, world
        self.space = ParameterSpace(world)
        self.fixed = dict(design.fixed)
        self.household_sizes = founding_household_sizes(self.space, self.fixed)
        self._locks = [threading.Lock() for _ in self.household_sizes]
        self._foundings: list[Founding | None] = [None] * len(self.household_sizes)
        self.values = lru_cache(maxsize=1024)(self._values)

    def __reduce__(self) -> tuple[Callable[..., Study], tuple[Any, ...]]:
        """Travels to another process as its design and world; founders are built where it arrives."""
        return arrived, (self.design, self.world)

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


def arrived(design: Design, world: World) -> Study:
    """A study that came from another process (raises as `check_code`)."""
    check_code(design, SOURCES)
    return Study(design, read_only(world))


def check_code(design: Design, sources: Sequence[str]) -> None:
    """Only the code and the packages that a design was made with may run it in another process.

    Raises:
        RunFailure: names what differs there.
    """
    refuse_other_code(
        {"code": dict(design.code), "versions": dict(design.versions)},
        {"code": source_hashes(PROJECT, sources), "versions": package_versions()},
    )


def read_only(world: World) -> World:
    """A world that travelled, its arrays read-only again, as they are when it is loaded.

    Kernels are compiled by the types of their arguments, which tell arrays that can be written to from others: a
    worker would compile all of them once more.
    """
    for holder in (world, world.schedules):
        for value in vars(holder).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
    return world


def refuse_other_code(made_with: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Refuse to run a design on a machine whose code or packages are not those that it was made with.

    Raises:
        RunFailure: names what differs there.
    """
    unequal = differences(made_with, here)
    if unequal:
        raise RunFailure(
            f"{platform.node()} has another version of the project, so that its runs would not be those of this "
            "design: " + "; ".join(unequal[:8])
        )


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
    """Run batches of a design on `threads` threads, or as many processes (`workers.run_batches`).

    Raises:
        RunFailure: a run or a write failed. Interrupted: Ctrl-C.
    """

    def make(batch: Batch, map_runs: MapRuns) -> Part:
        return run_batch(study, batch, map_runs)

    runs = len(study.design.scenarios) * sum(batch.end - batch.first for batch in batches)
    crew = crew_for(study.world, runs, threads)
    run_batches(batches, make, write, threads, study.design.runs_per_part, on_run, crew)
