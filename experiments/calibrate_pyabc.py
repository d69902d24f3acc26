"""`qyzyljar calibrate --pyabc`: the shipped posterior beside one by pyABC, parameter by parameter."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from rich.console import Console

from calibration.abc_smc import AbcEffort, AbcPosterior, abc_posterior, is_installed, normal_scores
from calibration.audit_data import read_audit_data
from calibration.posterior import Task
from calibration.posterior_draws import PosteriorDraws
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

FULL: Final = AbcEffort()
QUICK: Final = AbcEffort(600, 300, 5, 1800)
LARGEST_SHARE_APART: Final = 0.10  # of the parameters may lie outside the tolerances
TABLE, REPORT = "pyabc.csv", "pyabc.json"


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


def run_pyabc(
    world_source: str,
    believed: Literal["accounts", "recorded"],
    quick: bool,
    seed: int,
    out: Path | None,
    threads: int | None,
    quiet: bool,
) -> Path:
    """Compare the shipped posterior with one by pyABC; print and write the table; returns the folder.

    Raises:
        BadInput: pyABC is not installed, no posterior comes with the world, or nothing can be written.
        RunFailure, Interrupted: nothing is kept: the comparison starts anew.
    """
    if not is_installed():
        raise BadInput(
            "--pyabc: pyABC is not installed; `pip install 'qyzyljar[pyabc]'` or `pip install pyabc`"
        )
    world = read_world(world_source)
    draws = parameter_source(world, world_source, RECORDED if believed == "recorded" else "posterior").draws
    assert draws is not None
    folder = out or RESULTS / f"pyabc-{world.name}-{seed}"
    check_writable(folder)
    task = Task(world, read_audit_data(world_source), believed=believed)
    runner = Runner(world, task.inputs(), task.observation(), seed, task.horizon)
    effort = QUICK if quick else FULL
    try:
        with run_progress("pyABC", effort.pilot + effort.runs, 0, quiet) as advance:
            found = abc_posterior(runner, effort, seed, threads or default_threads(), advance)
        pairs = compared(runner, draws, found)
        replace_file(folder / TABLE, _csv(pairs).encode())
        replace_file(folder / REPORT, _json(pairs, found, effort, draws, seed).encode())
    except KeyboardInterrupt:
        raise Interrupted("stopped; the comparison with pyABC keeps nothing and starts anew") from None
    except (AccountsError, OSError, ValueError) as error:
        raise RunFailure(f"{error}\nthe comparison with pyABC keeps nothing and starts anew") from error
    console = Console(quiet=quiet)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    _print(console, pairs, found)
    console.print(f"Results: {folder}", **PLAIN)
    return folder


def compared(runner: Runner, draws: PosteriorDraws, found: AbcPosterior) -> list[MarginalPair]:
    """Return both engines' marginals by parameter."""
    z = normal_scores(runner.inputs, draws.names, draws.values)
    return [
        MarginalPair(
            name, float(z[:, k].mean()), float(z[:, k].std()), float(found.mean[k]), float(found.sd[k])
        )
        for k, name in enumerate(found.names)
    ]


def verdict(pairs: Sequence[MarginalPair]) -> str:
    """Say in one line whether the engines agree."""
    apart = [one.name for one in pairs if not one.agrees]
    whole = len(apart) <= LARGEST_SHARE_APART * len(pairs)
    text = (
        f"{len(pairs) - len(apart)} of {len(pairs)} marginals agree within {MEAN_TOLERANCE} prior standard deviations "
        f"of the mean and a ratio of the widths of {WIDTH_TOLERANCE[0]}-{WIDTH_TOLERANCE[1]}"
    )
    return f"{text}: the engines {'agree' if whole else 'do NOT agree'}" + (
        f"; apart: {', '.join(apart)}" if apart else ""
    )


def _print(console: Console, pairs: Sequence[MarginalPair], found: AbcPosterior) -> None:
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
    console.print(
        f"pyABC: {sum(found.runs):,} runs in {len(found.runs)} generation(s), tolerance {found.tolerances[0]:.3g} to "
        f"{found.tolerances[-1]:.3g}, {found.effective:.0f} effective particles",
        **PLAIN,
    )
    console.print(verdict(pairs), **PLAIN)


def _csv(pairs: Sequence[MarginalPair]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("name", "mean", "sd", "mean_pyabc", "sd_pyabc", "agrees"))
    for one in pairs:
        writer.writerow(
            (one.name, f"{one.mean:.5g}", f"{one.sd:.5g}", f"{one.mean_pyabc:.5g}", f"{one.sd_pyabc:.5g}",
             int(one.agrees))
        )  # fmt: skip
    return buffer.getvalue()


def _json(
    pairs: Sequence[MarginalPair], found: AbcPosterior, effort: AbcEffort, draws: PosteriorDraws, seed: int
) -> str:
    content = {
        "made": now(),
        "seed": seed,
        "effort": asdict(effort),
        "draws_sha256": draws.digest,
        "tolerances": list(found.tolerances),
        "runs": list(found.runs),
        "effective_particles": found.effective,
        "mean_tolerance": MEAN_TOLERANCE,
        "width_tolerance": list(WIDTH_TOLERANCE),
        "apart": [one.name for one in pairs if not one.agrees],
        "mean_absolute_difference": float(np.mean([abs(one.mean - one.mean_pyabc) for one in pairs])),
        "mean_width_ratio": float(np.mean([one.sd_pyabc / one.sd for one in pairs])),
        "verdict": verdict(pairs),
        "before_regression": {
            "mean": dict(zip(found.names, found.raw_mean.tolist(), strict=True)),
            "sd": dict(zip(found.names, found.raw_sd.tolist(), strict=True)),
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
