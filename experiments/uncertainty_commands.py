"""The commands `sensitivity ledger` and `sensitivity discover`. What they need is imported when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from experiments.command_options import (
    Assignments,
    Horizon,
    NoFigures,
    Out,
    Parameters,
    Quiet,
    Seed,
    Threads,
    World,
    exit_codes,
)

commands = typer.Typer()


@commands.command("ledger", epilog="Example: qyzyljar sensitivity ledger --draws 60 --out results/ledger")
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
    assignments: Assignments = None,
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


@commands.command(
    "discover",
    epilog="Example: qyzyljar sensitivity discover settlers housing --least-gain 100 --most-cost 2 --runs 400",
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
    most_cost: Annotated[
        float | None,
        typer.Option(
            "--most-cost",
            metavar="MILLION",
            help="Also: a policy has failed that costs more public money, million KZT at 2020 prices, for a "
            "resident-year retained, or retains none.",
        ),
    ] = None,
    world: World = "towns",
    runs: Annotated[
        int, typer.Option("--runs", min=1, help="Runs of each scenario, on the same people and chance.")
    ] = 300,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Assignments = None,
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
                most_cost,
            )
        )
