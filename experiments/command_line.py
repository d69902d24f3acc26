"""The command `qyzyljar`. Commands import what they need when they run: `--help` must start at once.

Exit codes: 0 success; 2 bad input (message on stderr, nothing written); 1 a failure while running
(complete parts kept, the message says how to resume); 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from experiments.failures import BadInput, Interrupted, RunFailure
from experiments.scenario_commands import scenarios
from experiments.sensitivity_command import sensitivity

SUCCESS, FAILURE, BAD_INPUT, CTRL_C = 0, 1, 2, 130

app = typer.Typer(
    name="qyzyljar",
    help="Agent-based model of migration in the border settlements of North Kazakhstan.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

World = Annotated[
    str,
    typer.Option(
        "--world", metavar="towns|region|FILE", help="A shipped world, or the path of your own .toml file."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of parameter draws and of chance.")]
Parameters = Annotated[
    str | None,
    typer.Option(
        "--parameters",
        metavar="prior|posterior|FILE",
        help="Draw the calibrated parameters from their priors, the shipped posterior, or a CSV file of draws. "
        "Default: the posterior where one comes with the world.",
    ),
]
Horizon = Annotated[int, typer.Option("--horizon", help="Last 1 January reported.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder of the results; the same one again resumes or extends. "
        "Default: a folder under results/ named by the design.",
    ),
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Default: all cores.")]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="i/n",
        help="Run only the i-th of n shares of the parts, for several machines without a server; then once without it.",
    ),
]
Verify = Annotated[
    int | None,
    typer.Option(
        "--verify",
        min=1,
        metavar="RUNS",
        help="Instead: run at least this many finished runs again, chosen at random, and compare them bit for bit.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Run on the workers of a Dask scheduler, tcp://host:8786 (extra 'cluster').",
    ),
]
NoFigures = Annotated[bool, typer.Option("--no-figures", help="Draw no figures.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn what goes wrong into a message on stderr and the exit code of the contract."""
    try:
        yield
    except BadInput as error:
        _stop(str(error), BAD_INPUT)
    except RunFailure as error:
        _stop(str(error), FAILURE)
    except (Interrupted, KeyboardInterrupt) as error:
        _stop(str(error) or "stopped", CTRL_C)
    except (typer.Exit, typer.Abort, SystemExit):
        raise
    except Exception as error:
        traceback.print_exc()
        notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
        _stop(f"unexpected failure, please report it: {type(error).__name__}: {error}{notes}", FAILURE)


def _stop(message: str, code: int) -> None:
    print(f"qyzyljar: {message}", file=sys.stderr)
    raise typer.Exit(code)


app.add_typer(scenarios)
app.add_typer(sensitivity)


@app.callback()
def qyzyljar() -> None:
    """Agent-based model of migration in the border settlements of North Kazakhstan."""


@app.command(epilog="Example: qyzyljar forecast --world region --runs 100 --set chi=0.3 --out results/region")
def forecast(
    world: World = "towns",
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Runs, each with its own parameters and chance.")
    ] = 200,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable); see --list-parameters."
        ),
    ] = None,
    out: Out = None,
    parameters: Parameters = None,
    threads: Threads = None,
    shard: Shard = None,
    cluster: Cluster = None,
    verify: Verify = None,
    no_figures: NoFigures = False,
    structure: Annotated[
        list[str] | None,
        typer.Option(
            "--structure",
            metavar="NAME=VALUE",
            help="Choose a structural alternative (repeatable): migration=accounts|recorded, "
            "regime=mixture|2015-2020|2009-2020, hinterland=prior|NUMBER, rouble=either|market|ppp, walk=on|off.",
        ),
    ] = None,
    structures: Annotated[
        bool,
        typer.Option(
            "--structures", help="Also run every structural alternative and show them side by side."
        ),
    ] = False,
    list_parameters: Annotated[
        bool,
        typer.Option("--list-parameters", help="Print every parameter with unit, prior, source, and stop."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --list-parameters: as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Forecast the settlements from 1 January 2015, with intervals over parameters and chance."""
    with exit_codes():
        if list_parameters:
            from experiments.forecast import read_world
            from experiments.parameter_list import print_parameters

            print_parameters(read_world(world), as_json)
            return
        if as_json:
            raise BadInput("--json goes with --list-parameters")
        from experiments.forecast import ForecastOptions
        from experiments.forecast import forecast as run_forecast

        run_forecast(
            ForecastOptions(
                world,
                runs,
                horizon,
                seed,
                tuple(assignments or ()),
                out,
                threads,
                not no_figures,
                quiet,
                parameters,
                shard,
                verify,
                cluster,
                tuple(structure or ()),
                structures,
            )
        )


@app.command(epilog="Example: qyzyljar compare settlers housing --futures russia_open --explain mamlyutka")
def compare(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICY...",
            help="Policies by name, by path of a .toml file, or as POLICY@FUTURE. "
            "'no_zone' and 'baseline' are always run.",
        ),
    ] = None,
    futures: Annotated[
        list[str] | None,
        typer.Option(
            "--futures", "-f", metavar="FUTURE", help="Also run every policy under this future (repeatable)."
        ),
    ] = None,
    world: World = "towns",
    runs: Annotated[
        int, typer.Option("--runs", min=2, help="Runs of each scenario, on the same people and chance.")
    ] = 200,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable)."),
    ] = None,
    discount: Annotated[
        float, typer.Option("--discount", help="Yearly rate at which money and resident-years count less.")
    ] = 0.05,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="TOWN", help="Print the causal ledger of every effect on a town."),
    ] = None,
    out: Out = None,
    parameters: Parameters = None,
    threads: Threads = None,
    shard: Shard = None,
    cluster: Cluster = None,
    verify: Verify = None,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Compare policies on the same people under the same chance: effects, costs, ranking with regret."""
    with exit_codes():
        from experiments.compare import CompareOptions
        from experiments.compare import compare as run_compare

        run_compare(
            CompareOptions(
                tuple(policies or ()),
                tuple(futures or ()),
                world,
                runs,
                horizon,
                seed,
                tuple(assignments or ()),
                discount,
                explain,
                out,
                threads,
                not no_figures,
                quiet,
                parameters,
                shard,
                verify,
                cluster,
            )
        )


@app.command(epilog="Example: qyzyljar extinction settlers housing --runs 400 --out results/extinction")
def extinction(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICY...",
            help="Policies by name, by path of a .toml file, or as POLICY@FUTURE. 'baseline' is always run.",
        ),
    ] = None,
    world: World = "towns",
    runs: Annotated[
        int, typer.Option("--runs", min=2, help="Runs of each scenario, on the same people and chance.")
    ] = 200,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable)."),
    ] = None,
    out: Out = None,
    parameters: Parameters = None,
    threads: Threads = None,
    shard: Shard = None,
    cluster: Cluster = None,
    verify: Verify = None,
    per_village: Annotated[
        bool,
        typer.Option(
            "--per-village",
            help="World of villages: keep every village of every run, not only of one founding.",
        ),
    ] = False,
    no_backtest: Annotated[
        bool,
        typer.Option("--no-backtest", help="World of villages: leave out the hindcast of 1999-2009."),
    ] = False,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """When places cross the rungs of the extinction ladder; years bought by policies; early warning.

    In a world of villages: villages empty, under 50 people, without school or medical point; what policies save.
    """
    with exit_codes():
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        from experiments.extinction import ExtinctionOptions
        from experiments.extinction import extinction as run_extinction

        run_extinction(
            ExtinctionOptions(
                tuple(policies or ()),
                world,
                runs,
                horizon,
                seed,
                tuple(assignments or ()),
                out,
                threads,
                not no_figures,
                quiet,
                parameters,
                per_village,
                not no_backtest,
                shard,
                verify,
                cluster,
            )
        )


@sensitivity.command("ledger", epilog="Example: qyzyljar sensitivity ledger --draws 60 --out results/ledger")
def sensitivity_ledger(
    world: World = "towns",
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Runs of the sample that tells parameters apart.")
    ] = 600,
    draws: Annotated[int, typer.Option("--draws", min=1, help="Parameter draws of the grid.")] = 30,
    replicates: Annotated[
        int, typer.Option("--replicates", min=1, help="Replicates of chance in every cell of the grid.")
    ] = 2,
    futures: Annotated[
        list[str] | None,
        typer.Option(
            "--futures",
            "-f",
            metavar="FUTURE",
            help="Futures of the grid beside the reference (repeatable). "
            "Default: russia_open, russia_closed, stagnation, astana_boom.",
        ),
    ] = None,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable)."),
    ] = None,
    out: Out = None,
    parameters: Parameters = None,
    threads: Threads = None,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Split each headline figure into parameters, chance, future and structure; what would narrow it."""
    with exit_codes():
        from experiments.uncertainty_ledger_command import LedgerOptions, uncertainty_ledger

        uncertainty_ledger(
            LedgerOptions(
                world,
                runs,
                draws,
                replicates,
                tuple(futures or ()),
                horizon,
                seed,
                tuple(assignments or ()),
                out,
                threads,
                not no_figures,
                quiet,
                parameters,
            )
        )


@sensitivity.command(
    "discover", epilog="Example: qyzyljar sensitivity discover settlers housing --least-gain 100 --runs 400"
)
def sensitivity_discover(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICY...",
            help="Policies whose failure is looked into, by name or path of a .toml file. 'baseline' is always run.",
        ),
    ] = None,
    futures: Annotated[
        list[str] | None,
        typer.Option(
            "--futures",
            "-f",
            metavar="FUTURE",
            help="Futures beside the reference (repeatable). "
            "Default: russia_open, russia_closed, stagnation, astana_boom.",
        ),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option("--place", metavar="PLACE", help="Whose crossing is looked into. Default: all places."),
    ] = None,
    rung: Annotated[
        str | None,
        typer.Option(
            "--rung", metavar="RUNG", help="A rung by residents. Default: the nearest of each place."
        ),
    ] = None,
    least_gain: Annotated[
        float,
        typer.Option(
            "--least-gain",
            metavar="PERSONS",
            help="A policy that gains no more residents of all places at the horizon has failed.",
        ),
    ] = 0.0,
    world: World = "towns",
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Runs of each scenario, on the same people and chance.")
    ] = 300,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable)."),
    ] = None,
    out: Out = None,
    parameters: Parameters = None,
    threads: Threads = None,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Find the uncertainties under which a town crosses a rung or a policy fails; robust choice over futures."""
    with exit_codes():
        from experiments.discovery_command import DiscoverOptions, run_discovery

        run_discovery(
            DiscoverOptions(
                tuple(policies or ()),
                tuple(futures or ()),
                place,
                rung,
                least_gain,
                world,
                runs,
                horizon,
                seed,
                tuple(assignments or ()),
                out,
                threads,
                not no_figures,
                quiet,
                parameters,
            )
        )


@app.command(epilog="Example: qyzyljar calibrate --quick --out results/calibration")
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
            "--pyabc", help="Instead: compare the shipped posterior with one by pyABC (optional extra)."
        ),
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
        if pyabc:
            if install or assignments:
                raise BadInput("--pyabc compares what is shipped: it does not go with --install or --set")
            from experiments.calibrate_pyabc import run_pyabc

            run_pyabc(
                world, "recorded" if believe == "recorded" else "accounts", quick, seed, out, threads, quiet
            )
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


@app.command(epilog="Example: qyzyljar validate --quick --fold last_years --out results/validation")
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


@app.command(epilog="Example: qyzyljar audit --data my_figures --out results/audit")
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


@app.command(epilog="Example: qyzyljar bench --growth --json --out results/bench")
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


@app.command(epilog="Example: qyzyljar rate --results results/region --weights number --out results/rating")
def rate(
    world: World = "towns",
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            metavar="DIR",
            help="Also rate the simulated years of this folder of forecast or compare; its world goes before --world.",
        ),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            "--weights",
            metavar="equal|number|entropy|component|expert",
            help="Weights of blocks and indicators; expert needs --questionnaire.",
        ),
    ] = "equal",
    external: Annotated[
        list[Path] | None,
        typer.Option(
            "--external", metavar="FILE", help="CSV of indicators that no table holds (repeatable)."
        ),
    ] = None,
    questionnaires: Annotated[
        list[Path] | None,
        typer.Option("--questionnaire", metavar="FILE", help="A filled-in questionnaire (repeatable)."),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", metavar="FILE", help="Only write a questionnaire to fill in, and stop."),
    ] = None,
    draws: Annotated[
        int, typer.Option("--draws", help="Draws of weights, thresholds and missing indicators.")
    ] = 2000,
    seed: Seed = 1,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder of the results. Default: a folder under results/."),
    ] = None,
    no_figures: NoFigures = False,
    quiet: Quiet = False,
) -> None:
    """Rate the settlements - development, depressive, extinction - in the paper's seven steps (reconstruction)."""
    with exit_codes():
        from experiments.rate import RateOptions, run_rate

        run_rate(
            RateOptions(
                world,
                results,
                weights,
                tuple(external or ()),
                tuple(questionnaires or ()),
                template,
                draws,
                seed,
                out,
                not no_figures,
                quiet,
            )
        )


@app.command(epilog="Example: qyzyljar dashboard --port 9000 --no-open")
def dashboard(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the page.")] = 8787,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Listen elsewhere than on this computer only: others then need a token.",
        ),
    ] = "127.0.0.1",
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address, open no browser.")] = False,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="kk|ru|en", help="Default: the browser's language.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Open the local page: levers, live comparison, map, ladder, costs; Kazakh, Russian, English; no network needed."""
    with exit_codes():
        from experiments.dashboard.server import DashboardOptions, run_dashboard

        run_dashboard(DashboardOptions(host, port, not no_open, lang, quiet))


@app.command(epilog="Example: qyzyljar brief settlers housing --lang kk --out results/brief")
def brief(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICY...", help="Policies by name, by path of a .toml file, or as POLICY@FUTURE."
        ),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", metavar="kk|ru|en", help="Language of the brief.")] = "ru",
    futures: Annotated[
        list[str] | None,
        typer.Option(
            "--futures", "-f", metavar="FUTURE", help="Also run every policy under this future (repeatable)."
        ),
    ] = None,
    world: World = "towns",
    runs: Annotated[
        int, typer.Option("--runs", min=2, help="Runs of each scenario, on the same people and chance.")
    ] = 200,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter (repeatable)."),
    ] = None,
    out: Out = None,
    parameters: Parameters = None,
    threads: Threads = None,
    no_pdf: Annotated[
        bool, typer.Option("--no-pdf", help="Make no PDF, even where a browser is installed.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write a policy brief of a few pages from a comparison: one HTML file, and a PDF where a browser is installed."""
    with exit_codes():
        from experiments.brief import BriefOptions, write_brief
        from experiments.compare import CompareOptions

        options = CompareOptions(
            policies=tuple(policies or ()),
            futures=tuple(futures or ()),
            world=world,
            runs=runs,
            horizon=horizon,
            seed=seed,
            assignments=tuple(assignments or ()),
            out=out,
            threads=threads,
            figures=False,
            quiet=quiet,
            parameters=parameters,
        )
        write_brief(BriefOptions(options, lang, not no_pdf))


def main() -> None:
    """Entry point of the command."""
    app()
