"""`qyzyljar validate`: the model scored against naive forecasters in folds that know only their own years."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from calibration.audit_data import AuditData, read_audit_data
from calibration.fold_forecast import FoldForecast, forecast_fold
from calibration.fold_scores import Score, group_of, score_fold
from calibration.folds import OF_REGION, REGION, Fold, folds
from calibration.forecast_labels import SHIPPED, labels_text
from calibration.naive_forecasters import Missing
from calibration.posterior import Effort
from experiments.calibrate_command import SOURCES as CALIBRATION_SOURCES
from experiments.calibrate_folder import STAGES, CalibrationFolder, replace_file
from experiments.campaign import default_threads
from experiments.design import package_versions, source_hashes
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.forecast import NARROWEST, RESULTS, read_world
from experiments.manifest import now
from experiments.progress import run_progress
from experiments.validate_report import (
    ValidationReport,
    not_beaten_csv,
    report_json,
    scores_csv,
    skill_csv,
    summary_csv,
)
from experiments.validate_tables import print_validation
from model.accounts import AccountsError
from model.problems import nearest
from model.world import World, WorldError, shipped_worlds

FULL: Final = Effort(600, 500, 500, 600, 500, 10)  # a fifth of a calibration: six of them are made
QUICK: Final = Effort(400, 300, 300, 250, 200, 10)
LARGEST_FITTED: Final = 100_000  # people: a re-fit of a larger world takes hours
FIGURES: Final = "figures"
SOURCES: Final = (
    *CALIBRATION_SOURCES,
    "calibration/fold*.py",
    "calibration/back_cast.py",
    "calibration/naive_*.py",
    "calibration/scores.py",
)


@dataclass(frozen=True)
class ValidateOptions:
    """What the user asked for. `chosen`: names of folds, empty for all. `install`: ship the labels."""

    world: str = "towns"
    quick: bool = False
    chosen: Sequence[str] = ()
    seed: int = 1
    out: Path | None = None
    threads: int | None = None
    figures: bool = True
    quiet: bool = False
    install: bool = False


@dataclass(frozen=True, eq=False)
class Trial:
    """A fold of a world."""

    source: str
    world: World
    data: AuditData
    fold: Fold


def run_validate(options: ValidateOptions) -> Path:
    """Score all folds, or what is missing of them; print and write the report; returns the folder.

    Raises:
        BadInput: before anything is written. RunFailure, Interrupted: with complete stages kept.
    """
    trials = _trials(options)
    if options.install and (options.world not in shipped_worlds() or options.quick or options.chosen):
        raise BadInput("--install goes with all folds and a full validation of a shipped world")
    effort = QUICK if options.quick else FULL
    design = _design(options, trials, effort)
    canonical = json.dumps(design, sort_keys=True, ensure_ascii=True)
    identity = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    out = options.out or RESULTS / f"validate-{trials[0].world.name}-{identity[:10]}"
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    with CalibrationFolder(out, identity, design, "validate") as folder:
        try:
            report = _validated(options, trials, effort, folder)
            _write(report, folder, options.figures)
        except (KeyboardInterrupt, Interrupted):
            raise Interrupted(f"stopped; {_how_to_resume(folder)}") from None
        except (AccountsError, OSError) as error:
            raise RunFailure(f"{error}\n{_how_to_resume(folder)}") from error
    print_validation(console, report)
    if options.install:
        _install(report, trials, design, identity)
        console.print("Labels installed for `forecast`", markup=False, highlight=False)
    console.print(f"Results: {out}", markup=False, highlight=False, soft_wrap=True)
    return out


def _trials(options: ValidateOptions) -> list[Trial]:
    """Return the folds to score; of the towns also the fold of their region."""
    sources = [options.world, *([REGION] if options.world == "towns" else [])]
    trials = []
    for source in sources:
        world = read_world(source)
        try:
            data = read_audit_data(source)
        except WorldError as error:
            raise BadInput(str(error)) from None
        fitted = int(world.founding_population.sum()) <= LARGEST_FITTED
        trials += [
            Trial(source, world, data, fold)
            for fold in folds(data)
            if (fold.name in OF_REGION) == (source == REGION or not fitted)
        ]
    if not trials:
        raise BadInput(
            f"--world {options.world}: no fold can be made of its accounts; validation needs births, deaths and counts "
            f"of 2015-2020, and of 2009-2014 for a back-cast (worlds above {LARGEST_FITTED:,} people: fold '{REGION}')"
        )
    names = list(dict.fromkeys(name for one in trials for name in (one.fold.name, group_of(one.fold.name))))
    unknown = [
        f"--fold {name}: no such fold of world '{options.world}'"
        + nearest(name, names)
        + f"; has {', '.join(names)}"
        for name in options.chosen
        if name not in names
    ]
    if unknown:
        raise BadInput("\n".join(unknown))
    return [
        one for one in trials
        if not options.chosen or {one.fold.name, group_of(one.fold.name)} & set(options.chosen)
    ]  # fmt: skip


def _design(options: ValidateOptions, trials: Sequence[Trial], effort: Effort) -> dict[str, Any]:
    """Return all that determines the scores."""
    return {
        "world": options.world,
        "data": {one.source: one.world.digest for one in trials},
        "figures": {one.source: one.data.digest for one in trials},
        "folds": [one.fold.name for one in trials],
        "seed": options.seed,
        "effort": asdict(effort),
        "code": source_hashes(patterns=SOURCES),
        "versions": package_versions(),
    }


def _validated(
    options: ValidateOptions, trials: Sequence[Trial], effort: Effort, folder: CalibrationFolder
) -> ValidationReport:
    """Run all stages that are not kept yet, and score."""
    threads = options.threads or default_threads()
    console = Console(stderr=True, quiet=options.quiet)
    began = time.monotonic()

    def watch(label: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        if not console.is_terminal:
            console.print(f"{time.monotonic() - began:6.0f} s  {label}", markup=False, highlight=False)
        return run_progress(label, total, 0, options.quiet)

    forecasts: list[FoldForecast] = []
    scores: list[Score] = []
    missing: dict[tuple[str, str], list[Missing]] = {}
    for one in trials:
        try:
            made = forecast_fold(
                one.world, one.data, one.fold, effort, options.seed, threads, folder.keep, watch
            )
        except ValueError as error:
            raise RunFailure(f"fold '{one.fold.name}': {error}\n{_how_to_resume(folder)}") from error
        held, unfed = score_fold(one.data, one.world.schedules, made, options.seed)
        forecasts.append(made)
        scores += held
        missing |= {(one.fold.name, series): names for series, names in unfed.items()}
    return ValidationReport(
        tuple(forecasts),
        tuple(scores),
        missing,
        {place: one.data.name(place) for one in trials for place in one.data.places},
        {place: one.data.kinds.get(place, "") for one in trials for place in one.data.places},
        effort,
        options.seed,
    )


def _write(report: ValidationReport, folder: CalibrationFolder, figures: bool) -> None:
    """Write tables and figures."""
    folder.write_text("scores.csv", scores_csv(report))
    folder.write_text("summary.csv", summary_csv(report))
    folder.write_text("skill.csv", skill_csv(report))
    folder.write_text("not_beaten.csv", not_beaten_csv(report))
    folder.write_text("labels.csv", labels_text(report.labels))
    folder.write_json("report.json", report_json(report))
    if figures:
        from experiments.validate_charts import draw_validation

        draw_validation(report, folder.folder / FIGURES, folder.identity)


def _install(
    report: ValidationReport, trials: Sequence[Trial], design: dict[str, Any], identity: str
) -> None:
    """Copy the labels of each world, and what made them, to where `forecast` looks for them."""
    try:
        for source in dict.fromkeys(one.source for one in trials):
            groups = {group_of(one.fold.name) for one in trials if one.source == source}
            labels = [one for one in report.labels if one.fold in groups]
            text = labels_text(labels)
            manifest = {
                "made": now(),
                "identity": identity,
                "world": source,
                "labels": len(labels),
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "design": design,
            }
            content = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
            replace_file(SHIPPED / f"{source}.json", content.encode())
            replace_file(SHIPPED / f"{source}.csv", text.encode())
    except OSError as error:
        raise RunFailure(f"the labels could not be installed in {SHIPPED}: {error}") from error


def _how_to_resume(folder: CalibrationFolder) -> str:
    return (
        f"{folder.completed()} stages and batches are kept in {folder.folder / STAGES}; repeat the same command "
        f"with --out {folder.folder} to continue"
    )
