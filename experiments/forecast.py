"""`qyzyljar forecast`: an ensemble over parameters and chance, its tables and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from experiments.calibrate_folder import replace_file
from experiments.campaign import completed
from experiments.design import check_horizon, forecast_design
from experiments.failures import BadInput, RunFailure
from experiments.forecast_labels import print_labels
from experiments.forecast_tables import print_forecast
from experiments.manifest import Ensemble, check_folder
from experiments.parameter_source import parameter_source
from experiments.part_of_design import only_part_of_it
from experiments.rate_outputs import write_ensemble_rating
from experiments.readable_table import print_notes
from experiments.structure_runs import (
    TABLE,
    check_structure_folders,
    print_structures,
    run_structures,
    structures_csv,
    variants,
)
from experiments.structures import chosen_structures, last_count_met, with_structures
from model.parameters import ParameterError, ParameterSpace
from model.world import World, WorldError, load_world

RESULTS = Path("results")
DEFAULT_HORIZON = 2045
DEFAULT_RUNS = 200
DEFAULT_SEED = 1
NARROWEST = 140  # columns of text; a table that is piped would else be folded at 80


@dataclass(frozen=True)
class ForecastOptions:
    """What the user asked for. `out` None: a folder under results/ named by the design.

    `parameters`: "prior", "posterior", "recorded" or a file of draws; None takes the posterior where one is shipped.
    `structure`: structural alternatives, "name=value". `structures`: all of them again, side by side.
    """

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
    shard: str | None = None
    verify: int | None = None
    cluster: str | None = None
    structure: Sequence[str] = ()
    structures: bool = False


def read_world(name: str) -> World:
    """Load a world. Raises BadInput with every problem of its files, and for a world of villages."""
    try:
        world = load_world(name)
    except WorldError as error:
        raise BadInput(f"--world {name}: {error}") from None
    if world.villages is not None:
        raise BadInput(
            f"--world {name}: {world.n_sim} places are too many for tables by place; "
            f"'qyzyljar extinction --world {name}' runs a world of villages"
        )
    return world


def read_assignments(world: World, assignments: Sequence[str]) -> dict[str, float]:
    """Parameters fixed with --set. Raises BadInput with every wrong one."""
    try:
        return ParameterSpace(world).parse(assignments)
    except ParameterError as error:
        raise BadInput(str(error)) from None


def forecast(options: ForecastOptions) -> Path:
    """Run the ensemble, or what is missing of it, print its tables, draw its figures; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    world = read_world(options.world)
    check_horizon(options.horizon, world)
    fixed = read_assignments(world, options.assignments)
    fixed, parameters = with_structures(chosen_structures(options.structure), fixed, options.parameters)
    source = parameter_source(world, options.world, parameters)
    design = forecast_design(world, options.horizon, options.seed, fixed, source)
    out = options.out or RESULTS / f"forecast-{world.name}-{design.horizon}-{design.identity[:10]}"
    check_folder(out, design)
    held, left_out = (
        variants(world, options.world, options.horizon, options.seed, fixed, parameters)
        if options.structures
        else ([], [])
    )
    check_structure_folders(out, held)
    ensemble = Ensemble("forecast", design, options.runs, world, options.world, source.note)
    if only_part_of_it(out, ensemble, options):
        return out
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    with completed(out, ensemble, options.threads, options.quiet, options.cluster) as results:
        if not options.quiet:
            print_forecast(console, world, results, source.note, last_count_met(fixed, design.horizon))
            print_labels(console, world, options.world)
        write_ensemble_rating(console, out, world, options.world, design, source.note)
        if options.structures:
            rows = run_structures(
                out, world, options.world, options.runs, held, results, options.threads, options.quiet
            )
            replace_file(out / TABLE, structures_csv(rows).encode())
            print_structures(console, world, rows, results, left_out)
        if options.figures:
            _draw_figures(out, world)
    if options.runs < DEFAULT_RUNS:
        again = f"the same command with --out {out} --runs {DEFAULT_RUNS}"
        print_notes(console, [f"{options.runs} runs are a first look; {again} adds to them."])
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def _draw_figures(out: Path, world: World) -> None:
    from experiments.plots import draw_forecast_figures

    try:
        draw_forecast_figures(out, world)
    except OSError as error:
        raise RunFailure(
            f"the figures could not be written: {error}\n"
            f"all runs are complete in {out}; repeat the same command with --out {out} to draw them"
        ) from error
