"""`qyzyljar extinction --world villages`: villages that empty or lose what keeps them, and what policies save."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from calibration.village_backtest import Backtest, backtest
from experiments.campaign import SUMMARY, default_threads
from experiments.design import check_horizon
from experiments.ensemble import run_ensemble
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.manifest import Ensemble, check_folder
from experiments.progress import run_progress
from experiments.store import Store
from experiments.village_policies import POLICIES
from experiments.village_results import Counts, Floats, VillageResults, policy_effect
from experiments.village_study import POSTERIOR, PRIOR, VillageStore, VillageStudy, own_folder, village_design
from experiments.village_tables import (
    backtest_text,
    csv_tables,
    policies_text,
    print_backtest,
    print_counts,
    print_dated,
    print_districts,
    print_hazards,
    print_policies,
    summary_text,
)
from model.parameters import ParameterError, ParameterSpace
from model.problems import nearest
from model.world import World, WorldError, load_world

RESULTS = Path("results")
NARROWEST = 150  # columns of text where the output is no terminal
BASELINE = "baseline"
ALL_POLICIES = "all"


def run_village_extinction(
    policies: Sequence[str] = (),
    world_name: str = "villages",
    runs: int = 200,
    horizon: int = 2045,
    seed: int = 1,
    assignments: Sequence[str] = (),
    out: Path | None = None,
    threads: int | None = None,
    figures: bool = True,
    quiet: bool = False,
    parameters: str | None = None,
    per_village: bool = False,
    validate: bool = True,
) -> Path:
    """Run the ensemble, or what is missing of it, print and write its tables, draw its figures; returns the folder.

    Args:
        policies: names of `village_policies.POLICIES`, or "all". parameters: "posterior" (default) or "prior".
        per_village: keep every village of every run. validate: hindcast 1999-2009 beside the benchmarks.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    world = read_village_world(world_name)
    check_horizon(horizon, world)
    chosen = check_policies(policies)
    source = parameters or POSTERIOR
    if source not in (POSTERIOR, PRIOR):
        raise BadInput(f"--parameters {source}: a world of villages takes {PRIOR} or {POSTERIOR}")
    try:
        fixed = ParameterSpace(world).parse(assignments)
    except ParameterError as error:
        raise BadInput(str(error)) from None
    design = village_design(world, horizon, seed, fixed, chosen, source, per_village)
    folder = out or own_folder(world, design, RESULTS)
    check_folder(folder, design)
    note = (
        f"{'calibrated village parameters and rate of leaving' if source == POSTERIOR else 'declared priors'}, "
        "all others from their priors; villages drawn anew in 8 foundings, most sizes and places synthetic"
    )
    ensemble = Ensemble("extinction", design, runs, world, world_name, note)
    console = Console(quiet=quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    with VillageStore(folder, ensemble) as store:
        study = VillageStudy(design, world, source, per_village)
        _carry_out(store, study, runs, threads or default_threads(), quiet)
        with VillageResults(folder, store.held()) as results:
            scenarios = {name: results.counts(name) for name in (BASELINE, *chosen)}
            hazards = results.hazards(BASELINE, world.start)
            base = scenarios[BASELINE]
            names = dict(zip(_districts(world), _district_names(world), strict=True))
            store.write_text(SUMMARY, summary_text(scenarios))
            for name, text in csv_tables(base, hazards, names).items():
                store.write_text(name, text)
            effects = [policy_effect(name, base, scenarios[name]) for name in chosen]
            if effects:
                store.write_text("policies.csv", policies_text(effects))
            found: Backtest | None = None
            if validate:
                found = backtest(load_world("villages"), threads=threads or default_threads())
                store.write_text("backtest.csv", backtest_text(found))
            if not quiet:
                _show_heading(console, world, len(base.values["empty"]), note)
                print_counts(console, base)
                print_dated(console, base)
                print_hazards(console, hazards, world.start)
                print_districts(console, base, names)
                if effects:
                    print_policies(console, effects, horizon)
                if found is not None:
                    print_backtest(console, found)
            if figures:
                _draw(folder, world, results, base, hazards, found, note, design.identity)
    console.print(f"Results: {folder}", markup=False, highlight=False, soft_wrap=True)
    return folder


def read_village_world(name: str) -> World:
    """Load a world of villages. Raises BadInput with every problem of its files, or if it has none."""
    try:
        world = load_world(name)
    except WorldError as error:
        raise BadInput(f"--world {name}: {error}") from None
    if world.villages is None:
        raise BadInput(
            f"--world {name}: has no villages; add a [villages] table, see model/data/worlds/villages.toml"
        )
    return world


def check_policies(given: Sequence[str]) -> tuple[str, ...]:
    """Names of the policies asked for, sorted, each once. Raises BadInput with every unknown one."""
    names = set(given)
    if ALL_POLICIES in names:
        names = (names - {ALL_POLICIES}) | set(POLICIES)
    names.discard(BASELINE)
    faults = [
        f"unknown village policy '{name}'" + nearest(name, (*POLICIES, ALL_POLICIES))
        for name in sorted(names)
        if name not in POLICIES
    ]
    if faults:
        raise BadInput("\n".join(faults))
    return tuple(sorted(names))


def _carry_out(store: Store, study: VillageStudy, runs: int, threads: int, quiet: bool) -> None:
    design, world = study.design, study.world
    missing = store.missing(design.batches(runs))
    to_run = len(design.scenarios) * sum(batch.end - batch.first for batch in missing)
    total = max(to_run, len(design.scenarios) * runs)
    how = f"repeat the same command with --out {store.folder} to continue"
    with run_progress(f"{world.title['en']} to {design.horizon}", total, total - to_run, quiet) as on_run:
        try:
            run_ensemble(study, missing, store.write, threads, on_run)
        except Interrupted:
            raise Interrupted(f"stopped; {store.runs()} of {runs} runs are complete; {how}") from None
        except RunFailure as error:
            raise RunFailure(f"{error}\n{store.runs()} of {runs} runs are complete; {how}") from error


def _districts(world: World) -> list[str]:
    assert world.villages is not None
    return sorted(world.villages.coordinates)


def _district_names(world: World) -> list[str]:
    assert world.villages is not None
    base = world.villages.base
    return [
        base.names("en")[base.index(name)].replace(" district", "").replace(", villages", "")
        for name in _districts(world)
    ]


def _show_heading(console: Console, world: World, runs: int, note: str) -> None:
    assert world.villages is not None
    villages = int(world.villages.is_village.sum())
    people = int(world.founding_population[world.villages.is_village].sum())
    console.print(
        f"{world.title['en']}: {villages} villages, {people:,} people on 1 January {world.start}; {runs} runs. {note}.",
        markup=False, highlight=False,
    )  # fmt: skip


def _draw(
    folder: Path,
    world: World,
    results: VillageResults,
    base: Counts,
    hazards: dict[str, Floats],
    found: Backtest | None,
    note: str,
    identity: str,
) -> None:
    from experiments.village_charts import draw_village_figures

    line = f"{len(base.values['empty'])} runs; {note}; identity {identity}."
    try:
        draw_village_figures(
            folder,
            world,
            base,
            hazards,
            results.village_chances(BASELINE),
            found,
            line,
            world.start,
        )
    except OSError as error:
        raise RunFailure(
            f"the figures could not be written: {error}\nall runs are complete in {folder}; "
            f"repeat the same command with --out {folder} to draw them"
        ) from error
