"""`qyzyljar calibrate --pyabc`: the shipped posterior beside one by pyABC, parameter by parameter.

Two comparisons: a second calibration whose likelihood pyABC samples exactly (`--pyabc`), and one without any
emulator, in which pyABC simulates and compares (`--pyabc-direct`).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from rich.console import Console

from calibration.abc_smc import AbcEffort, abc_posterior, is_installed, normal_scores
from calibration.abc_tempered import FreshRuns, SecondPosterior, TemperedEffort, second_posterior
from calibration.audit_data import read_audit_data
from calibration.posterior import Task
from calibration.posterior_draws import PosteriorDraws
from calibration.posterior_inputs import Floats
from calibration.posterior_runs import Runner
from experiments.calibrate_folder import replace_file
from experiments.calibrate_report import MEAN_TOLERANCE, WIDTH_TOLERANCE
from experiments.campaign import default_threads
from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.forecast import NARROWEST, RESULTS, read_world
from experiments.forecast_tables import PLAIN, new_table
from experiments.manifest import now
from experiments.output_folder import check_writable
from experiments.parameter_source import RECORDED, parameter_source
from experiments.progress import run_progress
from model.accounts import AccountsError

FULL: Final = TemperedEffort()
QUICK: Final = TemperedEffort(1000, 1000, 200, 3000, 4000)
FULL_DIRECT: Final = AbcEffort()
QUICK_DIRECT: Final = AbcEffort(600, 300, 5, 1800)
LARGEST_SHARE_APART: Final = 0.10  # of the parameters may lie outside the tolerances without any emulator
# Where both sample a likelihood none may, the emulators' bias stays below this, in standard deviations of the record
LARGEST_BIAS: Final = 0.25
TABLE, FRESH, REPORT = "pyabc.csv", "pyabc_fresh_runs.csv", "pyabc.json"


@dataclass(frozen=True)
class MarginalPair:
    """A parameter's marginal posterior by both engines, as normal scores: prior N(0, 1)."""

    name: str
    mean: float
    sd: float
    mean_pyabc: float
    sd_pyabc: float

    @property
    def agrees(self) -> bool:
        """Whether means and widths lie within the stated tolerances."""
        near = abs(self.mean - self.mean_pyabc) <= MEAN_TOLERANCE
        return near and WIDTH_TOLERANCE[0] <= self.sd_pyabc / self.sd <= WIDTH_TOLERANCE[1]


@dataclass(frozen=True)
class PyabcOptions:
    """What the user asked for. `direct`: without emulators."""

    world: str
    believed: Literal["accounts", "recorded"]
    quick: bool
    direct: bool
    seed: int
    out: Path | None
    threads: int | None
    quiet: bool


def run_pyabc(options: PyabcOptions) -> Path:
    """Compare the shipped posterior with one by pyABC; print and write the tables; returns the folder.

    Raises:
        BadInput: pyABC is not installed, no posterior comes with the world, or nothing can be written.
        RunFailure, Interrupted: nothing is kept: the comparison starts anew.
    """
    if not is_installed():
        raise BadInput(
            "--pyabc: pyABC is not installed; `pip install 'qyzyljar[pyabc]'` or `pip install pyabc`"
        )
    world = read_world(options.world)
    believed = RECORDED if options.believed == "recorded" else "posterior"
    draws = parameter_source(world, options.world, believed).draws
    assert draws is not None
    kind = "pyabc-direct" if options.direct else "pyabc"
    folder = options.out or RESULTS / f"{kind}-{world.name}-{options.seed}"
    check_writable(folder)
    task = Task(world, read_audit_data(options.world), believed=options.believed)
    runner = Runner(world, task.inputs(), task.observation(), options.seed, task.horizon)
    console = Console(quiet=options.quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    try:
        if options.direct:
            _direct(console, folder, runner, draws, options)
        else:
            _tempered(console, folder, runner, draws, options)
    except KeyboardInterrupt:
        raise Interrupted("stopped; the comparison with pyABC keeps nothing and starts anew") from None
    except (AccountsError, OSError, ValueError) as error:
        raise RunFailure(f"{error}\nthe comparison with pyABC keeps nothing and starts anew") from error
    console.print(f"Results: {folder}", **PLAIN)
    return folder


def _direct(
    console: Console, folder: Path, runner: Runner, draws: PosteriorDraws, options: PyabcOptions
) -> None:
    """Compare with what pyABC finds by simulating and comparing."""
    effort = QUICK_DIRECT if options.quick else FULL_DIRECT
    threads = options.threads or default_threads()
    with run_progress("pyABC", effort.pilot + effort.runs, 0, options.quiet) as advance:
        found = abc_posterior(runner, effort, options.seed, threads, advance)
    pairs = compared(runner, draws, found.names, found.mean, found.sd)
    told = verdict(pairs, LARGEST_SHARE_APART)
    details = {
        "tolerances": list(found.tolerances),
        "runs": list(found.runs),
        "effective_particles": found.effective,
        "before_regression": {
            "mean": dict(zip(found.names, found.raw_mean.tolist(), strict=True)),
            "sd": dict(zip(found.names, found.raw_sd.tolist(), strict=True)),
        },
    }
    replace_file(folder / TABLE, _csv(pairs).encode())
    replace_file(folder / REPORT, _json(pairs, told, asdict(effort), details, draws, options.seed).encode())
    _print_pairs(console, pairs)
    console.print(
        f"pyABC: {sum(found.runs):,} runs in {len(found.runs)} generation(s), tolerance {found.tolerances[0]:.3g} to "
        f"{found.tolerances[-1]:.3g}, {found.effective:.0f} effective particles",
        **PLAIN,
    )
    if scarce := scarcity(found.effective, len(found.names)):
        console.print(scarce, **PLAIN)
    console.print(told, **PLAIN)


def scarcity(effective: float, parameters: int) -> str:
    """A warning where fewer particles count than a regression has coefficients, so that its line is not determined."""
    if effective > parameters + 1:
        return ""
    return (
        f"WARNING: {effective:.0f} effective particles for a regression of {parameters} parameters: the weights of "
        "later generations leave too few of them. Do not quote this comparison; --quick stops after one generation."
    )


def _tempered(
    console: Console, folder: Path, runner: Runner, draws: PosteriorDraws, options: PyabcOptions
) -> None:
    """Compare with a second calibration, and its emulators with fresh runs of the shipped draws."""
    effort = QUICK if options.quick else FULL
    shipped = normal_scores(runner.inputs, draws.names, draws.values)
    threads = options.threads or default_threads()
    with run_progress("pyABC", effort.runs, 0, options.quiet) as advance:
        found = second_posterior(runner, effort, shipped, options.seed, threads, advance)
    pairs = compared(runner, draws, found.names, found.mean, found.sd)
    told = (verdict(pairs, 0.0), emulator_verdict(found.fresh))
    details = {
        "temperatures": list(found.sample.temperatures),
        "evaluations": list(found.sample.evaluations),
        "effective_particles": found.sample.effective,
        "emulators": {
            "verdict": told[1],
            "fresh_runs": effort.fresh,
            "largest_bias": float(np.abs(found.fresh.bias).max()),
            "largest_bias_allowed": LARGEST_BIAS,
            "residual_over_scatter": float(np.sqrt(np.mean(found.fresh.spread**2))),
            "inside_50": float(found.fresh.inside_50.mean()),
            "inside_90": float(found.fresh.inside_90.mean()),
        },
    }
    replace_file(folder / TABLE, _csv(pairs).encode())
    replace_file(folder / FRESH, _fresh_csv(found.fresh).encode())
    replace_file(
        folder / REPORT, _json(pairs, told[0], asdict(effort), details, draws, options.seed).encode()
    )
    _print_pairs(console, pairs)
    _print_fresh(console, found)
    for text in told:
        console.print(text, **PLAIN)


def compared(
    runner: Runner, draws: PosteriorDraws, names: Sequence[str], mean: Floats, sd: Floats
) -> list[MarginalPair]:
    """Return both engines' marginals by parameter; mean and sd: float64[p] by pyABC."""
    z = normal_scores(runner.inputs, draws.names, draws.values)
    return [
        MarginalPair(name, float(z[:, k].mean()), float(z[:, k].std()), float(mean[k]), float(sd[k]))
        for k, name in enumerate(names)
    ]


def verdict(pairs: Sequence[MarginalPair], allowed: float) -> str:
    """Say in one line whether the engines agree; allowed: share of the parameters that may lie apart."""
    apart = [one.name for one in pairs if not one.agrees]
    whole = len(apart) <= allowed * len(pairs)
    text = (
        f"{len(pairs) - len(apart)} of {len(pairs)} marginals agree within {MEAN_TOLERANCE} prior standard deviations "
        f"of the mean and a ratio of the widths of {WIDTH_TOLERANCE[0]}-{WIDTH_TOLERANCE[1]}"
    )
    return f"{text}: the engines {'agree' if whole else 'do NOT agree'}" + (
        f"; apart: {', '.join(apart)}" if apart else ""
    )


def emulator_verdict(fresh: FreshRuns) -> str:
    """Say in one line whether emulators describe fresh runs."""
    off = [k for k in range(len(fresh.series)) if abs(fresh.bias[k]) > LARGEST_BIAS]
    text = (
        f"Emulators on fresh runs: {len(fresh.series) - len(off)} of {len(fresh.series)} figures within {LARGEST_BIAS} "
        f"standard deviations of the record (largest {np.abs(fresh.bias).max():.2f}); {fresh.inside_50.mean():.0%} and "
        f"{fresh.inside_90.mean():.0%} of the runs inside 50 and 90 %"
    )
    named = ", ".join(f"{fresh.series[k]} {fresh.places[k]} {fresh.years[k]}" for k in off)
    return text + (f"; beyond: {named}" if off else "")


def _print_pairs(console: Console, pairs: Sequence[MarginalPair]) -> None:
    table = new_table(
        "Marginal posteriors as normal scores (prior: mean 0, sd 1)",
        ("parameter", "mean", "pyABC", "difference", "sd", "pyABC", "ratio", ""),
    )
    for one in pairs:
        table.add_row(
            one.name, f"{one.mean:+.2f}", f"{one.mean_pyabc:+.2f}", f"{one.mean_pyabc - one.mean:+.2f}",
            f"{one.sd:.2f}", f"{one.sd_pyabc:.2f}", f"{one.sd_pyabc / one.sd:.2f}",
            "" if one.agrees else "apart",
        )  # fmt: skip
    console.print(table)


def _print_fresh(console: Console, found: SecondPosterior) -> None:
    fresh, sample = found.fresh, found.sample
    table = new_table(
        "Fresh runs of the shipped draws against the second calibration's emulators",
        ("series", "figures", "largest bias", "mean bias", "residual/scatter", "in 50 %", "in 90 %"),
    )
    for name in dict.fromkeys(fresh.series):
        held = np.array([one == name for one in fresh.series])
        table.add_row(
            name, f"{held.sum()}", f"{np.abs(fresh.bias[held]).max():.2f}", f"{fresh.bias[held].mean():+.2f}",
            f"{np.sqrt(np.mean(fresh.spread[held] ** 2)):.2f}", f"{fresh.inside_50[held].mean():.0%}",
            f"{fresh.inside_90[held].mean():.0%}",
        )  # fmt: skip
    console.print(table)
    console.print(
        f"Bias in standard deviations by which a record may differ from a run. pyABC: {len(sample.temperatures)} "
        f"temperatures from {sample.temperatures[0]:.3g} to {sample.temperatures[-1]:.3g}, {sum(sample.evaluations):,} "
        f"evaluations of the likelihood, {len(sample.x):,} particles, {sample.effective:.0f} of them effective",
        **PLAIN,
    )


def _csv(pairs: Sequence[MarginalPair]) -> str:
    return _table(
        ("name", "mean", "sd", "mean_pyabc", "sd_pyabc", "agrees"),
        [
            (one.name, f"{one.mean:.5g}", f"{one.sd:.5g}", f"{one.mean_pyabc:.5g}", f"{one.sd_pyabc:.5g}",
             int(one.agrees))
            for one in pairs
        ],
    )  # fmt: skip


def _fresh_csv(fresh: FreshRuns) -> str:
    columns = (fresh.bias, fresh.noise, fresh.spread, fresh.inside_50, fresh.inside_90)
    return _table(
        (
            "series",
            "place",
            "year",
            "bias",
            "standard_error",
            "residual_over_scatter",
            "inside_50",
            "inside_90",
        ),
        [
            (series, place, year, *(f"{float(column[k]):.4f}" for column in columns))
            for k, (series, place, year) in enumerate(
                zip(fresh.series, fresh.places, fresh.years, strict=True)
            )
        ],
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def _json(
    pairs: Sequence[MarginalPair],
    told: str,
    effort: Mapping[str, int],
    details: Mapping[str, Any],
    draws: PosteriorDraws,
    seed: int,
) -> str:
    content = {
        "made": now(),
        "seed": seed,
        "effort": effort,
        "draws_sha256": draws.digest,
        **details,
        "mean_tolerance": MEAN_TOLERANCE,
        "width_tolerance": list(WIDTH_TOLERANCE),
        "apart": [one.name for one in pairs if not one.agrees],
        "mean_absolute_difference": float(np.mean([abs(one.mean - one.mean_pyabc) for one in pairs])),
        "mean_width_ratio": float(np.mean([one.sd_pyabc / one.sd for one in pairs])),
        "verdict": told,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
