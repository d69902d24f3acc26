"""`qyzyljar extinction`: when places cross the rungs of the extinction ladder, and what policies buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from experiments.campaign import completed
from experiments.compare import comparison_design
from experiments.design import Design, check_horizon
from experiments.extinction_benchmark import BenchmarkLine, Wiener, compare_with_benchmark, fit_wiener
from experiments.extinction_files import (
    write_benchmark,
    write_competing,
    write_crossings,
    write_ladder,
    write_places_beyond,
    write_survival,
    write_warnings,
    write_years_bought,
)
from experiments.extinction_outcomes import Outcomes, read_cases
from experiments.extinction_tables import baseline_of, live_rung, print_extinction
from experiments.extinction_warning import COLUMNS_NEEDED, WarningSign, early_warnings, fold_of
from experiments.failures import RunFailure
from experiments.forecast import (
    DEFAULT_HORIZON,
    DEFAULT_RUNS,
    DEFAULT_SEED,
    RESULTS,
    read_assignments,
    read_world,
)
from experiments.manifest import Ensemble, check_folder
from experiments.parameter_source import parameter_source
from experiments.part_of_design import only_part_of_it
from experiments.results import Results
from model.world import World, WorldError, load_world

COMMAND = "extinction"
TABLE_WIDTH = 160  # columns of the widest table; where the output is no terminal it would be folded
MOST_WARNED = 20  # places of a world whose early-warning figures are looked for


@dataclass(frozen=True)
class ExtinctionOptions:
    """What the user asked for. `out` None: a folder under results/ named by the design.

    `per_village` and `backtest` only matter in a world of villages.
    """

    policies: Sequence[str] = ()
    world: str = "towns"
    runs: int = DEFAULT_RUNS
    horizon: int = DEFAULT_HORIZON
    seed: int = DEFAULT_SEED
    assignments: Sequence[str] = ()
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    parameters: str | None = None
    per_village: bool = False
    backtest: bool = True
    shard: str | None = None
    verify: int | None = None
    cluster: str | None = None


def extinction(options: ExtinctionOptions) -> Path:
    """Run the scenarios, or what is missing of them, print and write the ladder; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    villages = world_of_villages(options.world)
    if villages is not None:
        return _of_villages(options, villages)
    world = read_world(options.world)
    check_horizon(options.horizon, world)
    fixed = read_assignments(world, options.assignments)
    comparison = read_cases(options.policies, world, options.horizon)
    source = parameter_source(world, options.world, options.parameters)
    design = comparison_design(world, options.horizon, options.seed, fixed, comparison, source)
    out = options.out or RESULTS / f"{COMMAND}-{world.name}-{design.horizon}-{design.identity[:10]}"
    check_folder(out, design)
    ensemble = Ensemble(COMMAND, design, options.runs, world, options.world, source.note)
    if only_part_of_it(out, ensemble, options):
        return out
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, TABLE_WIDTH)
    with completed(out, ensemble, options.threads, options.quiet, options.cluster) as results:
        outcomes = Outcomes(comparison, world, results)
        wieners = benchmark_of(world, options.horizon, options.seed)
        base = baseline_of(outcomes)
        lines = benchmark_lines(outcomes, wieners)
        signs = warnings_of(outcomes, results, base.name, design)
        write_ladder(out, outcomes.rungs)
        write_survival(out, outcomes)
        write_crossings(out, outcomes)
        write_competing(out, outcomes)
        write_years_bought(out, outcomes)
        write_places_beyond(out, outcomes, wieners)
        write_benchmark(out, outcomes, wieners, lines)
        write_warnings(out, signs)
        if not options.quiet:
            print_extinction(console, outcomes, wieners, lines, signs, source.note)
        if options.figures:
            _draw_figures(out, outcomes, wieners, signs, design)
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def world_of_villages(name: str) -> World | None:
    """The world if it is one of villages; None also where it cannot be read, which is for others to say."""
    try:
        world = load_world(name)
    except WorldError:
        return None
    return world if world.villages is not None else None


def _of_villages(options: ExtinctionOptions, world: World) -> Path:
    from experiments.village_extinction import VillageOptions, run_village_extinction

    return run_village_extinction(
        VillageOptions(
            options.policies,
            options.world,
            options.runs,
            options.horizon,
            options.seed,
            options.assignments,
            options.out,
            options.threads,
            options.figures,
            options.quiet,
            options.parameters,
            options.per_village,
            options.backtest,
            options.shard,
            options.verify,
            options.cluster,
        ),
        world,
    )


def benchmark_of(world: World, horizon: int, seed: int) -> dict[str, Wiener]:
    """The drifted Wiener process of every simulated place that has counts enough, by place."""
    found = {world.ids[p]: fit_wiener(world, p, horizon, seed) for p in range(world.n_sim)}
    return {place: wiener for place, wiener in found.items() if wiener is not None}


def benchmark_lines(outcomes: Outcomes, wieners: Mapping[str, Wiener]) -> list[BenchmarkLine]:
    """The baseline beside the benchmark, place by place."""
    population = outcomes.population(baseline_of(outcomes))
    return [
        compare_with_benchmark(wieners[place], population[:, :, p])
        for p, place in enumerate(outcomes.places)
        if place in wieners
    ]


def warnings_of(
    outcomes: Outcomes, results: Results, baseline: str, design: Design
) -> dict[tuple[str, str], list[WarningSign]]:
    """Early-warning figures for the nearest rung of every place that enough runs of the baseline cross."""
    if len(outcomes.places) > MOST_WARNED:
        return {}
    k = results.scenarios.index(baseline)
    columns = {name: np.array(values[k]) for name, values in results.columns(COLUMNS_NEEDED).items()}
    folds = fold_of(outcomes.pairs, design.replicates)
    base, found = baseline_of(outcomes), {}
    for p, place in enumerate(outcomes.places):
        rung = live_rung(outcomes, p)
        if rung is None:
            continue
        signs = early_warnings(columns, outcomes.crossings(base, rung), p, outcomes.years, folds, design.seed)
        if signs:
            found[place, rung.id] = signs
    return found


def _draw_figures(
    out: Path,
    outcomes: Outcomes,
    wieners: Mapping[str, Wiener],
    signs: Mapping[tuple[str, str], Sequence[WarningSign]],
    design: Design,
) -> None:
    from experiments.extinction_charts import draw_extinction_figures

    try:
        draw_extinction_figures(out, outcomes, wieners, signs, design)
    except OSError as error:
        raise RunFailure(
            f"the figures could not be written: {error}\n"
            f"all runs are complete in {out}; repeat the same command with --out {out} to draw them"
        ) from error
