"""`qyzyljar sensitivity ledger`: each headline figure split into parameters, chance, future and structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from experiments.campaign import completed
from experiments.design import Design, check_horizon, forecast_design
from experiments.ensemble import Study
from experiments.failures import BadInput, RunFailure
from experiments.forecast import RESULTS, read_assignments, read_world
from experiments.intervals import probability
from experiments.manifest import Ensemble, check_folder
from experiments.parameter_source import parameter_source
from experiments.uncertainty_ledger import LEAST_DRAWS, LEAST_REPLICATES, is_rare, ledger, runs_needed
from experiments.uncertainty_ledger_information import (
    FEWEST_RUNS,
    Information,
    information_of_parameters,
    information_of_statistics,
    missing_statistics,
)
from experiments.uncertainty_ledger_runs import (
    Headline,
    check_varies,
    futures_in_grid,
    grid_designs,
    grid_values,
    headline_values,
    headlines,
    of_the_whole,
    structural_factors,
    structure_folder,
)
from experiments.uncertainty_ledger_tables import (
    GridSize,
    LedgerLine,
    print_ledger,
    write_information,
    write_ledger,
    write_runs_needed,
)
from model.world import World

Floats = NDArray[np.float64]
COMMAND = "sensitivity ledger"
DEFAULT_SAMPLE, DEFAULT_DRAWS, DEFAULT_REPLICATES = 600, 30, 2
TABLE_WIDTH = 160  # columns of the widest table; where the output is no terminal it would be folded
DEFAULT_FUTURES = ("russia_open", "russia_closed", "stagnation", "astana_boom")


@dataclass(frozen=True)
class LedgerOptions:
    """What the user asked for. `futures` empty: DEFAULT_FUTURES beside the reference."""

    world: str = "towns"
    runs: int = DEFAULT_SAMPLE
    draws: int = DEFAULT_DRAWS
    replicates: int = DEFAULT_REPLICATES
    futures: Sequence[str] = ()
    horizon: int = 2045
    seed: int = 1
    assignments: Sequence[str] = ()
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    parameters: str | None = None


def uncertainty_ledger(options: LedgerOptions) -> Path:
    """Run the sample and the grid, or what is missing of them, print and write the ledger; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    world = read_world(options.world)
    check_horizon(options.horizon, world)
    fixed = read_assignments(world, options.assignments)
    check_varies(world, fixed)
    check_sizes(options)
    comparison = futures_in_grid(options.futures or DEFAULT_FUTURES, world, options.horizon)
    source = parameter_source(world, options.world, options.parameters)
    factors = structural_factors(world, fixed)
    sample = forecast_design(world, options.horizon, options.seed, fixed, source)
    designs = grid_designs(
        world, options.horizon, options.seed, fixed, comparison, source, factors, options.replicates
    )
    out = options.out or RESULTS / f"ledger-{world.name}-{sample.horizon}-{sample.identity[:10]}"
    check_folder(out, sample)
    for number, design in enumerate(designs):
        check_folder(structure_folder(out, number), design)
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, TABLE_WIDTH)
    wanted = headlines(world, options.horizon)
    with ExitStack() as stack:
        ensemble = Ensemble(COMMAND, sample, options.runs, world, options.world, source.note)
        results = stack.enter_context(completed(out, ensemble, options.threads, options.quiet))
        pairs, sampled = results.pairs, headline_values(results, wanted)[:, 0]
        pairs_of_grid = options.draws * options.replicates
        by_structure = []
        for number, design in enumerate(designs):
            part = Ensemble(COMMAND, design, pairs_of_grid, world, options.world, source.note)
            folder = structure_folder(out, number)
            with of_the_whole(out), completed(folder, part, options.threads, options.quiet) as grid:
                by_structure.append(headline_values(grid, wanted))
        values = grid_values(by_structure, options.replicates, options.draws)
        table = sampled_parameters(sample, world, pairs)
        lines = ledger_lines(wanted, values, sampled, table, options.seed)
        statistics = missing_statistics()
        write_ledger(out, lines)
        write_runs_needed(out, lines)
        write_information(out, lines, {one.id: one for one in statistics})
        size = GridSize(factors, comparison.futures, options.draws, options.replicates, results.runs)
        if not options.quiet:
            print_ledger(console, lines, size, statistics, world.title["en"], source.note)
        if options.figures:
            _draw_figures(out, lines, size, sample, world)
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def check_sizes(options: LedgerOptions) -> None:
    """Refuse a grid or a sample that can say nothing.

    Raises:
        BadInput: lists everything that is too small.
    """
    least = (
        ("--runs", options.runs, FEWEST_RUNS, "runs, to tell a parameter from random numbers"),
        ("--draws", options.draws, LEAST_DRAWS, "parameter draws, to know a variance over them"),
        ("--replicates", options.replicates, LEAST_REPLICATES, "replicates, to see chance at all"),
    )
    problems = [
        f"{name} {value}: expected at least {low} {why}" for name, value, low, why in least if value < low
    ]
    if problems:
        raise BadInput("\n".join(problems))


def sampled_parameters(design: Design, world: World, pairs: Sequence[int]) -> dict[str, Floats]:
    """Parameters of the runs of a design of one replicate a draw, float64[runs] by full name."""
    study = Study(design, world)
    rows = [dict(study.values(pair // design.replicates).as_rows()) for pair in pairs]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def ledger_lines(
    wanted: Sequence[Headline], grid: Floats, sample: Floats, table: Mapping[str, Floats], seed: int
) -> list[LedgerLine]:
    """All that can be said about each figure; one that never varies, or an event too rare, is not split.

    Args:
        grid: float64[figures, structures, futures, draws, replicates]. sample: float64[figures, runs]. table:
            parameters of the sample's runs by full name.
    """
    varied = {name: column for name, column in table.items() if len(np.unique(column)) > 1}
    telling = [
        k
        for k, one in enumerate(wanted)
        if varied and np.ptp(sample[k]) > 0.0 and not (one.rung is not None and is_rare(sample[k]))
    ]
    statistics: dict[int, list[Information]] = {}
    parameters: dict[int, list[Information]] = {}
    if telling:
        of_statistics = information_of_statistics(varied, sample[telling], missing_statistics(), seed)
        of_parameters = information_of_parameters(varied, sample[telling], seed)
        statistics = dict(zip(telling, of_statistics, strict=True))
        parameters = dict(zip(telling, of_parameters, strict=True))
    lines = []
    for k, one in enumerate(wanted):
        rare = one.rung is not None and is_rare(grid[k])
        constant = float(np.ptp(grid[k])) == 0.0
        lines.append(
            LedgerLine(
                one,
                None if rare or constant else ledger(grid[k], seed),
                runs_needed(sample[k]),
                tuple(statistics.get(k, ())),
                tuple(parameters.get(k, ())),
                probability(int((sample[k] == 1.0).sum()), len(sample[k])) if one.rung is not None else None,
            )
        )
    return lines


def _draw_figures(
    out: Path, lines: Sequence[LedgerLine], size: GridSize, design: Design, world: World
) -> None:
    from experiments.uncertainty_ledger_charts import draw_ledger_figures

    try:
        draw_ledger_figures(out, lines, size, design, world)
    except OSError as error:
        raise RunFailure(
            f"the figures could not be written: {error}\n"
            f"all runs are complete in {out}; repeat the same command with --out {out} to draw them"
        ) from error
