"""The commands about data and fit: audit, calibrate, validate; and bench. What they need is imported when they run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from experiments.command_options import (
    NoFigures,
    Quiet,
    Seed,
    Threads,
    World,
    exit_codes,
)
from experiments.failures import BadInput

commands = typer.Typer()


@commands.command(epilog="Example: qyzyljar audit --data my_figures --out results/audit")
def audit(
    world: World = "towns",
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Folder of CSV files that stand in for the shipped ones of the same name, e.g. accounts.csv.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON instead of tables.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the results. Default: a folder under results/."),
    ] = None,
    no_figures: NoFigures = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Accepted; the audit draws nothing.")] = 1,
    quiet: Quiet = False,
) -> None:
    """Find what is wrong with the data: dates, accounts that do not close, columns that are others, outliers."""
    with exit_codes():
        from experiments.audit_command import AuditOptions, run_audit

        run_audit(AuditOptions(world, data, as_json, out, not no_figures, quiet))


@commands.command(epilog="Example: qyzyljar calibrate --quick --out results/calibration")
def calibrate(
    world: World = "towns",
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer runs: a first look in about two minutes.")
    ] = False,
    believe: Annotated[
        str,
        typer.Option(
            "--believe",
            metavar="accounts|recorded",
            help="Which migration series identifies net migration: the one implied by the accounts, or the paper's.",
        ),
    ] = "accounts",
    seed: Seed = 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Fix a parameter instead of calibrating it (repeatable)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder of the results; the same one again resumes. Default: a folder under results/.",
        ),
    ] = None,
    threads: Threads = None,
    install: Annotated[
        bool,
        typer.Option("--install", help="Make the draws the posterior that comes with this shipped world."),
    ] = False,
    pyabc: Annotated[
        bool,
        typer.Option(
            "--pyabc",
            help="Instead: compare the shipped posterior with a second calibration sampled by pyABC (optional extra).",
        ),
    ] = False,
    pyabc_direct: Annotated[
        bool,
        typer.Option("--pyabc-direct", help="The same without emulators: pyABC simulates and compares."),
    ] = False,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Calibrate to 2015-2020: posterior draws, what the data identify, recovery of synthetic truths."""
    with exit_codes():
        if believe not in ("accounts", "recorded"):
            raise BadInput(f"--believe {believe}: expected accounts or recorded")
        # Sums keep their order and threads are left for runs; must stand before numpy is first imported
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if pyabc or pyabc_direct:
            if pyabc and pyabc_direct:
                raise BadInput("--pyabc and --pyabc-direct are two comparisons: give one of them")
            if install or assignments:
                raise BadInput("--pyabc compares what is shipped: it does not go with --install or --set")
            from experiments.calibrate_pyabc import PyabcOptions, run_pyabc

            believed: Literal["accounts", "recorded"] = "recorded" if believe == "recorded" else "accounts"
            run_pyabc(PyabcOptions(world, believed, quick, pyabc_direct, seed, out, threads, quiet))
            return
        from experiments.calibrate_command import CalibrateOptions, run_calibrate

        run_calibrate(
            CalibrateOptions(
                world,
                "recorded" if believe == "recorded" else "accounts",
                quick,
                seed,
                tuple(assignments or ()),
                out,
                threads,
                not no_figures,
                quiet,
                install,
            )
        )


@commands.command(epilog="Example: qyzyljar validate --quick --fold last_years --out results/validation")
def validate(
    world: World = "towns",
    quick: Annotated[
        bool, typer.Option("--quick", help="Smaller re-fits and fewer runs: a first look in a few minutes.")
    ] = False,
    fold: Annotated[
        list[str] | None,
        typer.Option(
            "--fold",
            metavar="NAME",
            help="Only this fold (repeatable): last_years, left_out, left_out_TOWN, back_cast, region. Default: all.",
        ),
    ] = None,
    seed: Seed = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder of the results; the same one again resumes. Default: a folder under results/.",
        ),
    ] = None,
    threads: Threads = None,
    install: Annotated[
        bool,
        typer.Option(
            "--install", help="Make the result the labels that `forecast` prints for this shipped world."
        ),
    ] = False,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Score the model against naive forecasters in folds that know only their own years."""
    with exit_codes():
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from experiments.validate_command import ValidateOptions, run_validate

        run_validate(
            ValidateOptions(
                world, quick, tuple(fold or ()), seed, out, threads, not no_figures, quiet, install
            )
        )


@commands.command(epilog="Example: qyzyljar bench --growth --json --out results/bench")
def bench(
    world: World = "towns",
    seed: Seed = 1,
    growth: Annotated[
        bool, typer.Option("--growth", help="Instead: cost and memory from 4 thousand to 20 million people.")
    ] = False,
    peers: Annotated[
        bool,
        typer.Option(
            "--peers",
            help="Instead: beside object agents, Mesa itself, the machine's memory (checkout only).",
        ),
    ] = False,
    chance: Annotated[
        bool,
        typer.Option(
            "--chance", help="Instead: what common random numbers save when a wage or a zone is compared."
        ),
    ] = False,
    pairs: Annotated[
        int, typer.Option("--pairs", min=2, help="Pairs of runs of every change, with --chance.")
    ] = 200,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON with machine, date, versions and commit.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Also write bench.json, bench.md and the figures there."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Measure speed, time by phase, memory and start-up; or growth, peers, common random numbers."""
    with exit_codes():
        from experiments.bench import BenchOptions, run_bench

        run_bench(BenchOptions(world, seed, peers, growth, chance, pairs, as_json, out, quiet))
