"""Running the rows of a sensitivity design, and the parts they are stored in.

A run that fails is not a zero: it is noted with its reason, its figures stay empty, and the analysis leaves out the
whole block it stands in (`sensitivity_indices.usable`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.branches import simulate_together
from experiments.design import Batch
from experiments.ensemble import refuse_other_code
from experiments.manifest import FORMAT
from experiments.parts import Columns
from experiments.sensitivity_design import Sampling, SensitivityDesign
from experiments.sensitivity_factors import FactorSpace, Inputs
from experiments.sensitivity_levers import InForce
from experiments.sensitivity_outputs import BASELINE, Money, Output, Region
from experiments.shard import Shard
from experiments.store import PartStore
from experiments.workers import MapRuns
from model.accounts import AccountsError
from model.engine import simulate
from model.founding import Founding, build_founding
from model.record import Record

Floats = NDArray[np.float64]
TABLES = ("series", "parts")  # the last one marks a part as complete
FAILURES = (
    AccountsError,
    ArithmeticError,
    ValueError,
)  # of one run; anything else is a slip of ours and stops all


@dataclass(frozen=True)
class RowResult:
    """Figures of one row, averaged over its set of seeds.

    Attributes:
        values: float64[outputs]. series: float64[outputs, years]. failure: why it failed, "" where it did not.
    """

    values: Floats
    series: Floats
    failure: str = ""


class Evaluate(Protocol):
    """The model as a design sees it: from numbers of the factors to figures."""

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the series."""
        ...

    @property
    def texts(self) -> tuple[str, ...]:
        """The outputs as written."""
        ...

    def __call__(self, row: Floats) -> RowResult:
        """Figures of a row; pure."""
        ...


@dataclass(frozen=True)
class Alone:
    """Runs a row by itself, here or in another process."""

    model: Evaluate

    def __call__(self, row: Floats) -> list[RowResult]:
        """Figures of a row as the only ones of a list."""
        return [self.model(row)]


class TownModel:
    """The model with the outputs that are asked for."""

    def __init__(self, space: FactorSpace, outputs: Sequence[Output]) -> None:
        self.space, self.outputs = space, tuple(outputs)
        self.years = tuple(range(space.world.start, space.horizon + 1))
        self.texts = tuple(output.text for output in outputs)
        # What is added to the policies in force: nothing first, its past is that of the others
        self.added = tuple(dict.fromkeys(name for output in outputs for name in output.policies))
        self._locks = [threading.Lock() for _ in space.household_sizes]
        self._foundings: list[Founding | None] = [None] * len(space.household_sizes)

    def __reduce__(self) -> tuple[Callable[..., TownModel], tuple[object, ...]]:
        """Travels to another process as what it was made of; founders are built where it arrives."""
        return TownModel, (self.space, self.outputs)

    def founding(self, variant: int) -> Founding:
        """Founding population of a variant, built when first asked for."""
        with self._locks[variant]:
            founding = self._foundings[variant]
            if founding is None:
                founding = build_founding(
                    self.space.world, household_size=self.space.household_sizes[variant]
                )
                self._foundings[variant] = founding
        return founding

    def __call__(self, row: Floats) -> RowResult:
        """Figures of a row, averaged over the seeds of its set."""
        inputs = self.space.inputs(row)
        regions = self._regions(inputs)
        values = np.zeros(len(self.outputs))
        series = np.zeros((len(self.outputs), len(self.years)))
        try:
            for seed in inputs.seeds:
                records = self._records(inputs, seed)
                money = self._money(inputs, seed, records)
                for k, output in enumerate(self.outputs):
                    values[k] += output.value(records, money, regions) / len(inputs.seeds)
                    series[k] += output.series(records, money, regions) / len(inputs.seeds)
        except FAILURES as error:
            nothing = np.full_like(values, math.nan)
            return RowResult(nothing, np.full_like(series, math.nan), f"{type(error).__name__}: {error}")
        return RowResult(values, series)

    def _in_force(self, inputs: Inputs, added: str) -> tuple[InForce, ...]:
        """Policies in force with one more, which is as in its file unless its amounts are factors."""
        if added == BASELINE:
            return inputs.policies
        return (*inputs.policies, inputs.added.get(added, InForce(added)))

    def _records(self, inputs: Inputs, seed: np.uint64) -> dict[str, Record]:
        """Records of the run with each policy added, by its name."""
        space, founding = self.space, self.founding(inputs.variant)
        levers = [space.levers(self._in_force(inputs, added), inputs.future) for added in self.added]
        if len(levers) == 1:
            record = simulate(space.world, founding, inputs.values, seed, levers[0], space.horizon)
            return {self.added[0]: record}
        records = simulate_together(space.world, founding, inputs.values, seed, levers, space.horizon)
        return dict(zip(self.added, records, strict=True))

    def _regions(self, inputs: Inputs) -> dict[str, Region]:
        growth = float(inputs.values["growth_kazakhstan"])
        return {
            added: Region(growth, self.space.levers(self._in_force(inputs, added), inputs.future).home_wage)
            for added in self.added
        }

    def _money(self, inputs: Inputs, seed: np.uint64, records: Mapping[str, Record]) -> Money:
        known: dict[str, Floats] = {}

        def money(added: str) -> Floats:
            from scenarios.costs import COLUMNS_NEEDED, yearly_costs
            from scenarios.zone_path import replay_zones

            if added not in known:
                space = self.space
                policy = space.policy(self._in_force(inputs, added))
                zones = replay_zones(policy, space.world, space.horizon, [(inputs.values, seed)])
                columns = {name: records[added].column(name)[None] for name in COLUMNS_NEEDED}
                public = yearly_costs(policy, space.world, space.horizon, columns, zones).public
                known[added] = public[0].sum(axis=1)
            return known[added]

        return money


@dataclass(frozen=True)
class SensitivityPart:
    """Rows of some blocks: block, row, output with its value (and why it failed), and its series by year."""

    batch: Batch
    parts: Columns
    series: Columns

    def tables(self) -> dict[str, Columns]:
        """Tables by the name of their folder."""
        return {"series": self.series, "parts": self.parts}


def part_maker(
    sampling: Sampling, model: Evaluate, blocks: int
) -> Callable[[Batch, MapRuns], SensitivityPart]:
    """A function that runs a batch of a design's first `blocks` blocks. Pure: depends on design and batch alone."""
    sampler, run = sampling.sampler(blocks), Alone(model)

    def make(batch: Batch, map_runs: MapRuns) -> SensitivityPart:
        drawn = sampler(batch.first, batch.end)
        rows = drawn.reshape(-1, drawn.shape[2])

        results = [result for together in map_runs(run, list(rows)) for result in together]
        return _assemble(batch, sampling.rows_per_block, model, results)

    return make


class Task:
    """A design on its way to another process: what it takes to make any of its parts there.

    Args:
        design: of the parts. model: run on its rows. blocks: how many of them may be asked for.
    """

    def __init__(self, design: SensitivityDesign, model: TownModel, blocks: int) -> None:
        self.design, self.model, self.blocks = design, model, blocks
        self.make = part_maker(design.sampling, model, blocks)

    def __reduce__(self) -> tuple[Callable[..., Task], tuple[object, ...]]:
        """Travels to another process as what it was made of; matrices and founders are made where it arrives."""
        return arrived, (self.design, self.model.space, self.model.outputs, self.blocks)


def arrived(design: SensitivityDesign, space: FactorSpace, outputs: tuple[Output, ...], blocks: int) -> Task:
    """A task that came from another process: only the code and the packages that it was made with may run it.

    Raises:
        RunFailure: names what differs there.
    """
    here = SensitivityDesign(design.sampling, design.model)
    refuse_other_code(
        {"code": dict(design.code), "versions": dict(design.versions)},
        {"code": dict(here.code), "versions": dict(here.versions)},
    )
    return Task(design, TownModel(space, outputs), blocks)


def make_part(task: Task, batch: Batch) -> SensitivityPart:
    """Run a batch of a task, one run after the other."""
    return task.make(batch, map)


def _assemble(batch: Batch, rows: int, model: Evaluate, results: Sequence[RowResult]) -> SensitivityPart:
    blocks, outputs, years = batch.end - batch.first, len(model.texts), len(model.years)
    texts = np.array(model.texts, dtype=object)
    block = np.repeat(np.arange(batch.first, batch.end, dtype=np.int32), rows)
    row = np.tile(np.arange(rows, dtype=np.int32), blocks)
    parts: Columns = {
        "block": np.repeat(block, outputs),
        "row": np.repeat(row, outputs),
        "output": np.tile(texts, len(results)),
        "value": np.concatenate([result.values for result in results]),
        "failure": np.repeat(np.array([result.failure for result in results], dtype=object), outputs),
    }
    series: Columns = {
        "block": np.repeat(block, outputs * years),
        "row": np.repeat(row, outputs * years),
        "output": np.tile(np.repeat(texts, years), len(results)),
        "year": np.tile(np.array(model.years, dtype=np.int32), outputs * len(results)),
        "value": np.concatenate([result.series.ravel() for result in results]),
    }
    return SensitivityPart(batch, parts, series)


class SensitivityStore(PartStore):
    """Writer of the folder of a sensitivity analysis; parts hold blocks instead of pairs."""

    def __init__(
        self, folder: Path, command: str, design: SensitivityDesign, blocks: int, shard: Shard | None = None
    ) -> None:
        super().__init__(folder, design, TABLES, blocks, shard)
        self.command, self.sensitivity = command, design

    def manifest(self, started: str, largest_runs: int) -> dict[str, Any]:
        """Content of manifest.json."""
        return {
            "format": FORMAT,
            "command": self.command,
            "identity": self.identity,
            "design": self.sensitivity.description(),
            "runs": largest_runs,
            "rows_per_block": self.sensitivity.sampling.rows_per_block,
            "started": started,
            "tables": {
                "parts": "block x row x output: value (null where the run failed, with the reason in `failure`)",
                "series": "block x row x output x year: the output's path",
            },
        }


@dataclass(frozen=True)
class Figures:
    """Results of the first blocks of a design.

    Attributes:
        values: float64[blocks, rows, outputs]. series: float64[blocks, rows, outputs, years].
        failures: (block, row, reason) of every run that failed.
    """

    values: Floats
    series: Floats
    failures: tuple[tuple[int, int, str], ...]


def read_values(folder: Path, sampling: Sampling, model: Evaluate, blocks: int) -> Floats:
    """Values of the first `blocks` blocks of a folder whose parts are complete, float64[blocks, rows, outputs]."""
    return _column(folder / "parts", sampling, blocks).reshape(
        blocks, sampling.rows_per_block, len(model.texts)
    )


def read_figures(folder: Path, sampling: Sampling, model: Evaluate, blocks: int) -> Figures:
    """Read the first `blocks` blocks of a folder whose parts are complete."""
    series = _column(folder / "series", sampling, blocks)
    with duckdb.connect(config={"threads": 1}) as database:
        failures = database.execute(
            "select distinct block, row, failure from read_parquet($files) "
            "where block < $blocks and failure <> '' order by all",
            {"files": _files(folder / "parts", sampling, blocks), "blocks": blocks},
        ).fetchall()
    return Figures(
        read_values(folder, sampling, model, blocks),
        series.reshape(blocks, sampling.rows_per_block, len(model.texts), len(model.years)),
        tuple(failures),
    )


def _files(folder: Path, sampling: Sampling, blocks: int) -> list[str]:
    return [str(folder / f"part-{batch.number:06d}.parquet") for batch in sampling.batches(blocks)]


def _column(folder: Path, sampling: Sampling, blocks: int) -> Floats:
    """Column `value` of the parts of a table, in the order of the blocks."""
    with duckdb.connect(config={"threads": 1}) as database:
        read = database.execute(
            "select value from read_parquet($files) where block < $blocks",
            {"files": _files(folder, sampling, blocks), "blocks": blocks},
        ).fetchnumpy()["value"]
    return np.asarray(np.ma.filled(np.ma.asarray(read, dtype=np.float64), np.nan))
