"""`qyzyljar compare`: policies under futures on the same people under the same chance, with costs and regret."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from experiments.campaign import completed, default_threads
from experiments.compare_centres import centre_paths
from experiments.compare_costs import CostEffect, cost_effect, money_of_cases
from experiments.compare_effects import REFERENCES, Effects
from experiments.compare_files import (
    write_bounds,
    write_costs,
    write_crossings,
    write_effects,
    write_holding_jobs,
    write_pairing,
    write_regret,
)
from experiments.compare_ranking import Pessimism, Ranking, ranking_of, reference_cases
from experiments.compare_scenarios import Comparison, read_comparison
from experiments.compare_tables import print_comparison
from experiments.cost_effectiveness import DISCOUNT
from experiments.design import Design, check_horizon, forecast_design
from experiments.ensemble import Study
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.forecast import (
    DEFAULT_HORIZON,
    DEFAULT_RUNS,
    DEFAULT_SEED,
    NARROWEST,
    RESULTS,
    read_assignments,
    read_world,
)
from experiments.manifest import Ensemble, check_folder
from experiments.parameter_source import FROM_PRIORS, ParameterSource, parameter_source
from experiments.part_of_design import only_part_of_it
from experiments.rate_outputs import write_ensemble_rating
from model.world import World

COMMAND = "compare"
CHECK_RUNS = 40  # runs of the check at a pessimistic end, the first ones of the comparison
LARGEST_DISCOUNT = 0.5


@dataclass(frozen=True)
class CompareOptions:
    """What the user asked for. `out` None: a folder under results/ named by the design."""

    policies: Sequence[str] = ()
    futures: Sequence[str] = ()
    world: str = "towns"
    runs: int = DEFAULT_RUNS
    horizon: int = DEFAULT_HORIZON
    seed: int = DEFAULT_SEED
    assignments: Sequence[str] = ()
    discount: float = DISCOUNT
    explain: str | None = None
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    parameters: str | None = None
    shard: str | None = None
    verify: int | None = None
    cluster: str | None = None


def compare(options: CompareOptions) -> Path:
    """Run all scenarios, or what is missing of them, print and write the comparison; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    world = read_world(options.world)
    check_horizon(options.horizon, world)
    fixed = read_assignments(world, options.assignments)
    if not 0.0 <= options.discount <= LARGEST_DISCOUNT:
        raise BadInput(
            f"--discount {options.discount:g}: expected a rate a year from 0 to {LARGEST_DISCOUNT:g}"
        )
    comparison = read_comparison(options.policies, options.futures, world, options.horizon)
    return run_comparison(options, world, fixed, comparison)


def run_comparison(
    options: CompareOptions, world: World, fixed: dict[str, float], comparison: Comparison
) -> Path:
    """Run, print and write a comparison of scenarios that are ready to run; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    town = _place_of(options.explain, world)
    source = parameter_source(world, options.world, options.parameters)
    design = comparison_design(world, options.horizon, options.seed, fixed, comparison, source)
    out = options.out or RESULTS / f"compare-{world.name}-{design.horizon}-{design.identity[:10]}"
    check_folder(out, design)
    ensemble = Ensemble(COMMAND, design, options.runs, world, options.world, source.note)
    if only_part_of_it(out, ensemble, options):
        return out
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    with completed(out, ensemble, options.threads, options.quiet, options.cluster) as results:
        study = Study(design, world)
        effects = Effects(comparison, world, results)
        centres = centre_paths(comparison, study, effects.pairs)

        def rerun(pessimism: Pessimism) -> Effects:
            return _at_pessimistic_end(pessimism, options, ensemble, comparison, out)

        ranking = ranking_of(effects, rerun)
        money = money_of_cases(effects, study)
        costs = [
            cost_effect(effects, case, against, money, centres, options.discount)
            for reference in REFERENCES
            for case, against in comparison.compared(reference)
        ]
        write_effects(out, effects, centres)
        write_crossings(out, effects)
        write_bounds(out, effects)
        write_holding_jobs(out, effects)
        write_costs(out, costs, options.discount)
        write_regret(out, ranking)
        write_pairing(out, effects)
        if not options.quiet:
            print_comparison(console, effects, centres, costs, ranking, options.discount, source.note)
        write_ensemble_rating(console, out, world, options.world, design, source.note)
        if options.figures:
            _draw_figures(out, effects, costs, ranking, design)
        if town is not None:
            from experiments.causal_ledger import explain_comparison

            explain_comparison(
                console, out, study, comparison, town, effects.runs, options.threads or default_threads()
            )
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def comparison_design(
    world: World,
    horizon: int,
    seed: int,
    fixed: dict[str, float],
    comparison: Comparison,
    source: ParameterSource = FROM_PRIORS,
) -> Design:
    """Design of a comparison: all its scenarios on the pairs of a forecast with the same seed."""
    return replace(forecast_design(world, horizon, seed, fixed, source), scenarios=comparison.scenarios())


def _at_pessimistic_end(
    pessimism: Pessimism, options: CompareOptions, ensemble: Ensemble, comparison: Comparison, out: Path
) -> Effects:
    """Effects under the reference future with a parameter fixed, in a folder of its own inside `out`."""
    design, world = ensemble.design, ensemble.world
    fixed = {**dict(design.fixed), pessimism.parameter: pessimism.value}
    fewer = replace(comparison, cases=reference_cases(comparison), yardstick=None, yardstick_places=())
    again = comparison_design(world, design.horizon, design.seed, fixed, fewer)
    again = replace(again, parameters=design.parameters, draws=design.draws)
    part = replace(ensemble, design=again, runs=min(ensemble.runs, CHECK_RUNS))
    folder = out / f"check-{pessimism.parameter}"
    with (
        _of_the_whole(out),
        completed(folder, part, options.threads, options.quiet, options.cluster) as results,
    ):
        return Effects(fewer, world, results)


@contextmanager
def _of_the_whole(out: Path) -> Iterator[None]:
    """Messages of a check name the folder that the user gave."""
    how = f"all runs of the comparison are complete; repeat the same command with --out {out} to continue"
    try:
        yield
    except Interrupted:
        raise Interrupted(f"stopped during the check of a prior; {how}") from None
    except RunFailure as error:
        raise RunFailure(f"{str(error).splitlines()[0]}\n{how}") from error


def _place_of(town: str | None, world: World) -> int | None:
    """Index of the simulated place to explain.

    Raises:
        BadInput: no such place in the world, or one that is only seen from outside.
    """
    if town is None:
        return None
    from model.problems import nearest

    inside = world.ids[: world.n_sim]
    if town not in inside:
        outside = f"; '{town}' is only seen from outside" if town in world.ids else nearest(town, inside)
        raise BadInput(f"--explain {town}: expected a simulated place of '{world.name}'{outside}")
    return inside.index(town)


def _draw_figures(
    out: Path, effects: Effects, costs: Sequence[CostEffect], ranking: Ranking, design: Design
) -> None:
    from experiments.compare_charts import draw_comparison_figures

    try:
        draw_comparison_figures(out, effects, costs, ranking, design)
    except OSError as error:
        raise RunFailure(
            f"the figures could not be written: {error}\n"
            f"all runs are complete in {out}; repeat the same command with --out {out} to draw them"
        ) from error
