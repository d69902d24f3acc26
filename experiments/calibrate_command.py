"""`qyzyljar calibrate`: the posterior of a world's parameters, its report, its figures, the draws for forecasts."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from rich.console import Console

from calibration.audit_data import AuditData, read_audit_data
from calibration.identifiability import identify, units_of_work
from calibration.observed_figures import information_lost
from calibration.posterior import FULL, QUICK, Effort, Posterior, Task, calibrate
from calibration.posterior_abc import abc_marginals
from calibration.posterior_check import check_predictive
from calibration.posterior_draws import SHIPPED, draws_text
from calibration.recovery import recover
from experiments.calibrate_folder import STAGES, CalibrationFolder, replace_file
from experiments.calibrate_report import Report, checks_csv, parameters_csv, recovery_csv, report_json
from experiments.calibrate_tables import print_report
from experiments.campaign import default_threads
from experiments.design import package_versions, source_hashes
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.forecast import NARROWEST, RESULTS, read_assignments, read_world
from experiments.manifest import now
from experiments.progress import run_progress
from model.accounts import AccountsError
from model.world import World, WorldError, shipped_worlds

DRAWS, FIGURES = "draws.csv", "figures"
# Sources that can change a draw
SOURCES: Final = (
    "model/*.py",
    "model/data/parameters.csv",
    "calibration/posterior*.py",
    "calibration/emulator.py",
    "calibration/history_matching.py",
    "calibration/identifiability.py",
    "calibration/recovery.py",
    "calibration/observation*.py",
    "calibration/observed_figures.py",
    "calibration/readings.py",
    "calibration/audit*.py",
)


@dataclass(frozen=True)
class CalibrateOptions:
    """What the user asked for. `install`: the draws become those that come with the world."""

    world: str = "towns"
    believed: Literal["accounts", "recorded"] = "accounts"
    quick: bool = False
    seed: int = 1
    assignments: tuple[str, ...] = ()
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    install: bool = False


def run_calibrate(options: CalibrateOptions) -> Path:
    """Calibrate, or what is missing of it; print and write the report; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete stages kept.
    """
    world = read_world(options.world)
    if options.install and (options.world not in shipped_worlds() or options.quick):
        raise BadInput("--install goes with a full calibration of a shipped world")
    task = _task(options, world)
    effort = QUICK if options.quick else FULL
    design = _design(options, task, effort)
    canonical = json.dumps(design, sort_keys=True, ensure_ascii=True)
    identity = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    out = options.out or RESULTS / f"calibrate-{world.name}-{identity[:10]}"
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    with CalibrationFolder(out, identity, design) as folder:
        try:
            report = _calibrated(options, task, effort, folder)
            _write(report, task, folder, options)
        except (KeyboardInterrupt, Interrupted):
            raise Interrupted(f"stopped; {_how_to_resume(folder)}") from None
        except (AccountsError, OSError) as error:
            raise RunFailure(f"{error}\n{_how_to_resume(folder)}") from error
    print_report(console, report)
    if options.install:
        _install(out, world.name if options.believed == "accounts" else f"{world.name}-{options.believed}")
        text = f"Installed as the posterior of world '{world.name}', migration believed: {options.believed}"
        console.print(text, markup=False, highlight=False)
    console.print(f"Draws for --parameters: {out / DRAWS}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def _task(options: CalibrateOptions, world: World) -> Task:
    """Read the figures and refuse what cannot be calibrated."""
    try:
        data: AuditData = read_audit_data(options.world)
    except WorldError as error:
        raise BadInput(str(error)) from None
    task = Task(world, data, believed=options.believed, fixed=read_assignments(world, options.assignments))
    try:
        observation = task.observation()
    except ValueError as error:
        raise BadInput(f"--world {options.world}: {error}") from None
    if not observation.is_fit.any():
        raise BadInput(f"--world {options.world}: its accounts and paper's tables hold no figure to fit")
    if not task.inputs().size:
        raise BadInput("--set fixes every parameter that could be calibrated")
    return task


def _design(options: CalibrateOptions, task: Task, effort: Effort) -> dict[str, Any]:
    """Return all that determines the draws."""
    return {
        "world": task.world.name,
        "data": task.world.digest,
        "figures": task.data.digest,
        "believed": options.believed,
        "years": [min(task.years), max(task.years)],
        "set": dict(sorted(task.fixed.items())),
        "seed": options.seed,
        "effort": asdict(effort),
        "code": source_hashes(patterns=SOURCES),
        "versions": package_versions(),
    }


def _calibrated(options: CalibrateOptions, task: Task, effort: Effort, folder: CalibrationFolder) -> Report:
    """Run all stages that are not kept yet."""
    threads = options.threads or default_threads()
    console = Console(stderr=True, quiet=options.quiet)
    began = time.monotonic()

    def watch(label: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        if not console.is_terminal:
            console.print(f"{time.monotonic() - began:6.0f} s  {label}", markup=False, highlight=False)
        return run_progress(label, total, 0, options.quiet)

    posterior: Posterior = calibrate(task, effort, options.seed, threads, folder.keep, watch)
    with watch("what the data identify", units_of_work(posterior)) as advance:
        identifiability = identify(
            posterior,
            effort.particles // 3,
            effort.profile_points,
            options.seed,
            threads,
            folder.keep,
            advance,
        )
    with watch("recovery of synthetic truths", effort.synthetic) as advance:
        recovery = recover(
            posterior.observation,
            posterior.inputs,
            posterior.prior_z,
            posterior.prior_records,
            effort.synthetic,
            effort.synthetic_particles,
            options.seed,
            threads,
            folder.keep,
            advance,
        )
    return Report(
        task.world,
        options.believed,
        effort,
        posterior,
        identifiability,
        recovery,
        abc_marginals(posterior.observation, posterior.matched_z, posterior.matched_records, options.seed),
        check_predictive(posterior, options.seed),
        information_lost(task.data, posterior.observation.figures),
        {place: task.data.name(place) for place in task.data.places},
    )


def _write(report: Report, task: Task, folder: CalibrationFolder, options: CalibrateOptions) -> None:
    """Write draws, tables and figures."""
    text = draws_text(report.posterior.inputs.names, report.posterior.values)
    folder.write_text(DRAWS, text)
    folder.write_json(Path(DRAWS).with_suffix(".json").name, _draws_manifest(report, task, folder, text))
    folder.write_text("parameters.csv", parameters_csv(report))
    folder.write_text("predictive.csv", checks_csv(report))
    folder.write_text("recovery.csv", recovery_csv(report))
    folder.write_json("report.json", report_json(report))
    if options.figures:
        from experiments.calibrate_charts import draw_calibration

        draw_calibration(report, folder.folder / FIGURES, folder.identity)


def _draws_manifest(report: Report, task: Task, folder: CalibrationFolder, text: str) -> Mapping[str, Any]:
    """Return what made the draws: ships beside them."""
    return {
        "made": now(),
        "identity": folder.identity,
        "world": task.world.name,
        "world_digest": task.world.digest,
        "draws": len(report.posterior.values),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "design": folder.design,
        "diagnostics": report_json(report)["diagnostics"],
    }


def _install(out: Path, name: str) -> None:
    """Copy draws and manifest to where shipped ones are looked for."""
    try:
        for suffix in (".json", ".csv"):  # the draws last: they are what a forecast looks for
            content = (out / DRAWS).with_suffix(suffix).read_bytes()
            replace_file(SHIPPED / f"{name}{suffix}", content)
    except OSError as error:
        raise RunFailure(f"the draws could not be installed in {SHIPPED}: {error}") from error


def _how_to_resume(folder: CalibrationFolder) -> str:
    return (
        f"{folder.completed()} stages and batches are kept in {folder.folder / STAGES}; repeat the same command "
        f"with --out {folder.folder} to continue"
    )
