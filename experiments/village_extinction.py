"""`qyzyljar extinction --world villages`: villages that empty or lose what keeps them, and what policies save."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from calibration.village_backtest import Backtest, backtest
from experiments.campaign import SUMMARY, default_threads, how_to_resume, run_missing, tell_set_aside
from experiments.design import check_horizon
from experiments.failures import BadInput, RunFailure
from experiments.manifest import Ensemble, check_folder
from experiments.part_of_design import only_part_of_it
from experiments.store import Store
from experiments.village_cases import BASELINE, read_cases
from experiments.village_results import Counts, Floats, VillageResults, policy_effect
from experiments.village_study import POSTERIOR, PRIOR, VillageStudy, own_folder, village_design
from experiments.village_tables import (
    backtest_text,
    csv_tables,
    policies_text,
    print_backtest,
    print_counts,
    print_dated,
    print_districts,
    print_hazards,
    print_listed,
    print_policies,
    summary_text,
    widths_text,
)
from model.parameters import ParameterError, ParameterSpace
from model.world import World, WorldError, load_world

RESULTS = Path("results")
SHIPPED = "villages"  # the world that the hindcast is made with, whatever list the user brings
NARROWEST = 150  # columns of text where the output is no terminal
M_MMAP_THRESHOLD, MAPPED_BYTES = -3, 256 * 1024  # glibc's malloc.h; its own initial threshold is 128 KB


@dataclass(frozen=True)
class VillageOptions:
    """What the user asked for. `out` None: a folder under results/ named by the design.

    Attributes:
        policies: `POLICY` or `POLICY@FUTURE` of `village_policies.POLICIES`, or "all".
        parameters: "posterior" (default) or "prior". per_village: keep every village of every run.
        validate: hindcast 1999-2009 beside the benchmarks.
    """

    policies: Sequence[str] = ()
    world: str = SHIPPED
    runs: int = 200
    horizon: int = 2045
    seed: int = 1
    assignments: Sequence[str] = ()
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    parameters: str | None = None
    per_village: bool = False
    validate: bool = True
    shard: str | None = None
    verify: int | None = None
    cluster: str | None = None


def run_village_extinction(options: VillageOptions, world: World | None = None) -> Path:
    """Run the ensemble, or what is missing of it, print and write its tables, draw its figures; returns the folder.

    `world`: that of the options, where it was read already.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete parts kept.
    """
    world = world or read_village_world(options.world)
    check_horizon(options.horizon, world)
    cases = read_cases(options.policies, world, options.horizon)
    source = options.parameters or POSTERIOR
    if source not in (POSTERIOR, PRIOR):
        raise BadInput(f"--parameters {source}: a world of villages takes {PRIOR} or {POSTERIOR}")
    try:
        fixed = ParameterSpace(world).parse(options.assignments)
    except ParameterError as error:
        raise BadInput(str(error)) from None
    design = village_design(world, options.horizon, options.seed, fixed, cases, source, options.per_village)
    folder = options.out or own_folder(world, design, RESULTS)
    check_folder(folder, design)
    drawn = "villages drawn anew in 8 foundings, most sizes and places synthetic"
    if world.villages is not None and world.villages.source.complete:
        drawn = "villages of the user's list"
    note = (
        f"{'calibrated village parameters and rate of leaving' if source == POSTERIOR else 'declared priors'}, "
        f"all others from their priors; {drawn}"
    )
    ensemble = Ensemble("extinction", design, options.runs, world, options.world, note)
    study = VillageStudy(design, world, cases, source, options.per_village)
    if only_part_of_it(folder, ensemble, options, study):
        return folder
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    with Store(folder, ensemble, tables=study.tables) as store:
        tell_set_aside(store, options.quiet)
        missing = store.missing(design.batches(options.runs))
        to_run = len(cases) * sum(batch.end - batch.first for batch in missing)
        total = max(to_run, len(cases) * options.runs)
        run_missing(
            store, study, missing, total, options.threads, options.quiet, options.cluster, how_to_resume
        )
        with VillageResults(folder, store.held()) as results:
            _report(options, study, store, results, console, note)
    console.print(f"Results: {folder}", markup=False, highlight=False, soft_wrap=True)
    return folder


def _report(
    options: VillageOptions,
    study: VillageStudy,
    store: Store,
    results: VillageResults,
    console: Console,
    note: str,
) -> None:
    """Tables to the folder and the terminal, and figures."""
    world = study.world
    scenarios = {name: results.counts(name) for name in study.cases}
    hazards = results.hazards(BASELINE, world.start)
    base = scenarios[BASELINE]
    names = dict(zip(_districts(world), _district_names(world), strict=True))
    store.write_text(SUMMARY, summary_text(scenarios))
    assert world.villages is not None
    own_list = world.villages.source.complete
    for name, text in csv_tables(base, hazards, names, own_list).items():
        store.write_text(name, text)
    effects = [
        policy_effect(case, scenarios[case.baseline], scenarios[case.name])
        for case in study.cases.values()
        if case.policy is not None
    ]
    if effects:
        store.write_text("policies.csv", policies_text(effects))
    found: Backtest | None = None
    if options.validate:
        # The hindcast has half a million people of its own: both at once would not stay under 1 GB
        study.forget_foundings()
        _give_back_memory()
        shipped = world if options.world == SHIPPED else load_world(SHIPPED)
        found = backtest(shipped, threads=options.threads or default_threads())
        store.write_text("backtest.csv", backtest_text(found))
        store.write_text("backtest_widths.csv", widths_text(found))
    if not options.quiet:
        _show_heading(console, world, len(base.values["empty"]), note)
        print_counts(console, base)
        print_dated(console, base, own_list)
        print_hazards(console, hazards, world.start)
        print_districts(console, base, names)
        if not own_list:
            print_listed(console, base, names)
        if effects:
            print_policies(console, effects, options.horizon)
        if found is not None:
            print_backtest(console, found)
    if options.figures:
        _draw(store.folder, world, results, base, hazards, found, note, study.design.identity)


def _give_back_memory() -> None:
    """Return freed memory to the system and keep it so: glibc holds on to the columns of ended runs otherwise.

    Once columns were freed glibc takes the next ones from its own heaps, where those of two threads lie among each
    other and are not given back: 60 MB a run. A fixed threshold has every large array mapped on its own.
    """
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            libc = ctypes.CDLL("libc.so.6")
            libc.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)
            libc.malloc_trim(0)


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
