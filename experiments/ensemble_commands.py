"""The commands that run ensembles: forecast, compare, extinction. What they need is imported when they run."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from experiments.command_options import (
    Assignments,
    Cluster,
    Futures,
    Horizon,
    NoFigures,
    Out,
    PairedRuns,
    Parameters,
    Quiet,
    Seed,
    Shard,
    Threads,
    Verify,
    World,
    exit_codes,
)
from experiments.failures import BadInput

commands = typer.Typer()


@commands.command(
    epilog="Example: qyzyljar forecast --world region --runs 100 --set chi=0.3 --out results/region"
)
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
            help="Choose a structural alternative (repeatable): migration=accounts or recorded; regime=mixture, "
            "2015-2020 or 2009-2020; hinterland=prior or a number; rouble=either, market or ppp; walk=on or off; "
            "counts=met or free.",
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


@commands.command(
    epilog="Example: qyzyljar compare settlers housing --futures russia_open --explain mamlyutka"
)
def compare(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICY...",
            help="Policies by name, by path of a .toml file, or as POLICY@FUTURE. "
            "'no_zone' and 'baseline' are always run.",
        ),
    ] = None,
    futures: Futures = None,
    world: World = "towns",
    runs: PairedRuns = 200,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Assignments = None,
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


@commands.command(epilog="Example: qyzyljar extinction settlers housing --runs 400 --out results/extinction")
def extinction(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICY...",
            help="Policies by name, by path of a .toml file, or as POLICY@FUTURE. 'baseline' is always run.",
        ),
    ] = None,
    world: World = "towns",
    runs: PairedRuns = 200,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Assignments = None,
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
