"""The commands for readers: rate, brief, dashboard. What they need is imported when they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.command_options import (
    Assignments,
    Futures,
    Horizon,
    NoFigures,
    Out,
    PairedRuns,
    Parameters,
    Quiet,
    Seed,
    Threads,
    World,
    exit_codes,
)

commands = typer.Typer()


@commands.command(
    epilog="Example: qyzyljar rate --results results/region --weights number --out results/rating"
)
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


@commands.command(epilog="Example: qyzyljar brief settlers housing --lang kk --out results/brief")
def brief(
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POLICY...", help="Policies by name, by path of a .toml file, or as POLICY@FUTURE."
        ),
    ] = None,
    lang: Annotated[str, typer.Option("--lang", metavar="kk|ru|en", help="Language of the brief.")] = "ru",
    futures: Futures = None,
    world: World = "towns",
    runs: PairedRuns = 200,
    horizon: Horizon = 2045,
    seed: Seed = 1,
    assignments: Assignments = None,
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


@commands.command(epilog="Example: qyzyljar dashboard --port 9000 --no-open")
def dashboard(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the page.")] = 8787,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Listen for other computers too (0.0.0.0: on all networks). The addresses for them, with a token that "
            "they need, are printed.",
        ),
    ] = "127.0.0.1",
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address, open no browser.")] = False,
    lang: Annotated[
        str | None, typer.Option("--lang", metavar="kk|ru|en", help="Default: the browser's language.")
    ] = None,
    world: World = "towns",
    tabs: Annotated[
        int, typer.Option("--tabs", help="Most tabs at once; each takes some hundred megabytes.")
    ] = 8,
    quiet: Quiet = False,
) -> None:
    """Open the local page: levers, live comparison, map, ladder, costs; Kazakh, Russian, English; no network needed."""
    with exit_codes():
        from experiments.dashboard.server import DashboardOptions, run_dashboard

        run_dashboard(DashboardOptions(host, port, not no_open, lang, world, tabs, quiet))
