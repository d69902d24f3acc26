"""`qyzyljar sensitivity discover`: which combinations of uncertainties make a town cross a rung, or a policy fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from experiments.campaign import completed
from experiments.compare import comparison_design
from experiments.compare_effects import Effects
from experiments.compare_scenarios import BASELINE, Comparison
from experiments.design import Design, check_horizon
from experiments.discovery import Discovery, TooFewRuns, discover
from experiments.discovery_cost import Prices
from experiments.discovery_satisficing import Satisficing, satisficing
from experiments.discovery_tables import FUTURE, print_discovery, write_boxes, write_robust
from experiments.ensemble import Study
from experiments.extinction_ladder import ExtinctionRung, extinction_rungs
from experiments.extinction_outcomes import Outcomes, read_cases
from experiments.failures import BadInput, RunFailure
from experiments.forecast import NARROWEST, RESULTS, read_assignments, read_world
from experiments.manifest import Ensemble, check_folder
from experiments.parameter_source import parameter_source
from experiments.regret import rank
from experiments.uncertainty_ledger_command import DEFAULT_FUTURES, sampled_parameters
from experiments.uncertainty_ledger_runs import check_varies, nearest_rung
from model.problems import nearest
from model.world import World

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
COMMAND = "sensitivity discover"
DEFAULT_RUNS = 300
LEAST_RUNS = 60


@dataclass(frozen=True)
class DiscoverOptions:
    """What the user asked for. `futures` empty: those of the ledger beside the reference.

    `place`: whose crossing is looked at, None all simulated places. `rung`: id of a rung by residents, None the
    nearest of each place. `least_gain`: residents of all places at the horizon below which a policy has failed.
    `most_cost`: million KZT of public money for a resident-year above which it has failed, None for any price.
    """

    policies: Sequence[str] = ()
    futures: Sequence[str] = ()
    place: str | None = None
    rung: str | None = None
    least_gain: float = 0.0
    world: str = "towns"
    runs: int = DEFAULT_RUNS
    horizon: int = 2045
    seed: int = 1
    assignments: Sequence[str] = ()
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    parameters: str | None = None
    most_cost: float | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """An outcome of interest on the runs of some scenarios.

    Attributes:
        outcome: what it is. interest: bool[runs]. table: uncertainties by name, float64[runs]. draws: int64[runs].
    """

    outcome: str
    interest: Flags
    table: Mapping[str, Floats]
    draws: NDArray[np.int64]


def run_discovery(options: DiscoverOptions) -> Path:
    """Run the scenarios, or what is missing of them, print and write boxes and robust choice; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    world = read_world(options.world)
    check_horizon(options.horizon, world)
    fixed = read_assignments(world, options.assignments)
    check_varies(world, fixed)
    rungs = rungs_asked(options, world)
    if options.runs < LEAST_RUNS:
        raise BadInput(
            f"--runs {options.runs}: expected at least {LEAST_RUNS} runs, to find boxes and to judge them"
        )
    check_cost(options)
    futures = options.futures or DEFAULT_FUTURES
    comparison = read_cases(options.policies, world, options.horizon, futures)
    source = parameter_source(world, options.world, options.parameters)
    design = comparison_design(world, options.horizon, options.seed, fixed, comparison, source)
    out = options.out or RESULTS / f"discover-{world.name}-{design.horizon}-{design.identity[:10]}"
    check_folder(out, design)
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    ensemble = Ensemble(COMMAND, design, options.runs, world, options.world, source.note)
    with completed(out, ensemble, options.threads, options.quiet) as results:
        outcomes = Outcomes(comparison, world, results)
        parameters = sampled_parameters(design, world, outcomes.pairs)
        asked = questions(outcomes, rungs, parameters, options.least_gain)
        if options.most_cost is not None:
            prices = Prices(Effects(comparison, world, results), Study(design, world))
            asked += cost_questions(outcomes, prices, parameters, options.most_cost)
        found: list[Discovery] = []
        skipped: dict[str, str] = {}
        for one in asked:
            try:
                found.append(discover(one.outcome, one.table, one.interest, one.draws, design.seed))
            except TooFewRuns as error:
                skipped[one.outcome] = str(error)
        policies = comparison.full_policies()
        robust = robust_choice(outcomes, policies, rungs)
        ranked = rank(policies, gains(outcomes, policies))
        write_boxes(out, found)
        write_robust(out, robust, ranked, comparison.futures)
        if not options.quiet:
            heading = (
                f"{world.title['en']}: scenario discovery to {options.horizon}, {outcomes.runs} runs of each of "
                f"{len(comparison.cases)} scenarios"
            )
            print_discovery(console, found, skipped, robust, ranked, comparison.futures, heading, source.note)
        if options.figures:
            _draw_figures(out, found, asked, robust, comparison, design, world)
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def check_cost(options: DiscoverOptions) -> None:
    """Refuse a price that says nothing.

    Raises:
        BadInput: a price of nothing or less, or one without a policy that could be too dear.
    """
    if options.most_cost is None:
        return
    if not options.most_cost > 0.0:
        raise BadInput(
            f"--most-cost {options.most_cost:g}: expected million KZT for a resident-year, more than 0"
        )
    if not options.policies:
        raise BadInput("--most-cost needs policies, such as: sensitivity discover settlers --most-cost 2")


def rungs_asked(options: DiscoverOptions, world: World) -> dict[int, ExtinctionRung]:
    """Rung by place whose crossing is looked at.

    Raises:
        BadInput: no such place or rung, or a rung that no place asked for is above at the start.
    """
    inside = world.ids[: world.n_sim]
    problems = []
    if options.place is not None and options.place not in inside:
        problems.append(
            f"--place {options.place}: expected a simulated place of '{world.name}'{nearest(options.place, inside)}"
        )
    by_id = {rung.id: rung for rung in extinction_rungs() if rung.figure == "population"}
    if options.rung is not None and options.rung not in by_id:
        problems.append(f"--rung {options.rung}: expected a rung by residents{nearest(options.rung, by_id)}")
    if problems:
        raise BadInput("\n".join(problems))
    places = range(world.n_sim) if options.place is None else [inside.index(options.place)]
    found: dict[int, ExtinctionRung] = {}
    for p in places:
        rung = nearest_rung(world, p) if options.rung is None else by_id[options.rung]
        if rung is not None and float(world.founding_population[p]) >= rung.threshold:
            found[p] = rung
    if not found:
        what = f"--rung {options.rung}" if options.rung else f"--world {options.world}"
        raise BadInput(f"{what}: no place asked for has a rung below its residents of {world.start}")
    return found


def questions(
    outcomes: Outcomes,
    rungs: Mapping[int, ExtinctionRung],
    parameters: Mapping[str, Floats],
    least_gain: float,
) -> list[Question]:
    """Crossing of every place in the baseline over all futures; failure of every policy over its futures."""
    comparison, names = outcomes.comparison, outcomes.world.names("en")
    base = [case for case in comparison.cases if case.policy == BASELINE]
    asked = []
    for p, rung in rungs.items():
        crossed = np.concatenate([outcomes.crossings(case, rung).crossed[:, p] for case in base])
        title = f"{names[p]} below {rung.threshold:,.0f} by {outcomes.horizon}"
        asked.append(
            Question(title, crossed, *_stacked(outcomes, [case.future for case in base], parameters))
        )
    for policy in comparison.policies:
        own = [case for case in comparison.cases if case.policy == policy]
        if policy == BASELINE:
            continue
        gained = [
            _residents(outcomes.population(case))
            - _residents(outcomes.population(comparison.case(BASELINE, case.future)))
            for case in own
        ]
        failed = np.concatenate(gained) <= least_gain
        title = f"'{policy}' fails: gains {least_gain:,.0f} residents or fewer by {outcomes.horizon}"
        asked.append(Question(title, failed, *_stacked(outcomes, [case.future for case in own], parameters)))
    return asked


def cost_questions(
    outcomes: Outcomes, prices: Prices, parameters: Mapping[str, Floats], most_cost: float
) -> list[Question]:
    """Failure by price of every policy over its futures."""
    comparison, asked = outcomes.comparison, []
    for policy in comparison.policies:
        if policy == BASELINE:
            continue
        own = [case for case in comparison.cases if case.policy == policy]
        title = (
            f"'{policy}' fails: over {most_cost:g} million KZT a resident-year, or none gained, by "
            f"{outcomes.horizon}"
        )
        stacked = _stacked(outcomes, [case.future for case in own], parameters)
        asked.append(Question(title, prices.fails(own, most_cost), *stacked))
    return asked


def _residents(population: Floats) -> Floats:
    """Residents of all places at the horizon, float64[runs]."""
    total: Floats = np.add.reduce(population[:, -1, :], axis=1)
    return total


def _stacked(
    outcomes: Outcomes, futures: Sequence[str], parameters: Mapping[str, Floats]
) -> tuple[dict[str, Floats], NDArray[np.int64]]:
    """Uncertainties and draws of the runs of several futures one after the other; each future a column of 0 and 1."""
    table = {name: np.tile(values, len(futures)) for name, values in parameters.items()}
    if len(futures) > 1:
        for future in futures:
            table[f"{FUTURE}{future}"] = np.repeat([float(one == future) for one in futures], outcomes.runs)
    return table, np.tile(np.array(outcomes.pairs, np.int64), len(futures))


def robust_choice(
    outcomes: Outcomes, policies: tuple[str, ...], rungs: Mapping[int, ExtinctionRung]
) -> list[Satisficing]:
    """How often, over futures and runs, no place asked for crosses its rung."""
    comparison = outcomes.comparison
    met = np.array(
        [
            [
                ~np.any(
                    [
                        outcomes.crossings(comparison.case(q, f), rung).crossed[:, p]
                        for p, rung in rungs.items()
                    ],
                    axis=0,
                )
                for f in comparison.futures
            ]
            for q in policies
        ]
    )
    return satisficing(policies, met)


def gains(outcomes: Outcomes, policies: Sequence[str]) -> Floats:
    """Residents of all places at the horizon above the same future's baseline, float64[policies, futures, runs]."""
    comparison = outcomes.comparison
    people = {case.name: _residents(outcomes.population(case)) for case in comparison.cases}
    return np.array(
        [
            [
                people[comparison.case(q, f).name] - people[comparison.case(BASELINE, f).name]
                for f in comparison.futures
            ]
            for q in policies
        ]
    )


def _draw_figures(
    out: Path,
    found: Sequence[Discovery],
    asked: Sequence[Question],
    robust: Sequence[Satisficing],
    comparison: Comparison,
    design: Design,
    world: World,
) -> None:
    from experiments.discovery_charts import draw_discovery_figures

    interest = {one.outcome: one.interest for one in asked}
    table = {one.outcome: one.table for one in asked}
    try:
        draw_discovery_figures(
            out, found, interest, table, robust, comparison.futures, design, world.title["en"]
        )
    except OSError as error:
        raise RunFailure(
            f"the figures could not be written: {error}\n"
            f"all runs are complete in {out}; repeat the same command with --out {out} to draw them"
        ) from error
