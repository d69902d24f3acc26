"""The command `qyzyljar`: its commands stand in the files `*_commands.py`, and import what they need when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from experiments import ensemble_commands, evidence_commands, reader_commands, uncertainty_commands
from experiments.scenario_commands import scenarios
from experiments.sensitivity_command import sensitivity

app = typer.Typer(
    name="qyzyljar",
    help="Agent-based model of migration in the border settlements of North Kazakhstan.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"qyzyljar {version('qyzyljar')}")
        except PackageNotFoundError:
            typer.echo("qyzyljar, run from its sources: the version stands in pyproject.toml")
        raise typer.Exit


@app.callback()
def qyzyljar(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Agent-based model of migration in the border settlements of North Kazakhstan."""


app.add_typer(ensemble_commands.commands)
app.add_typer(scenarios)
app.add_typer(evidence_commands.commands)
sensitivity.add_typer(uncertainty_commands.commands)
app.add_typer(sensitivity)
app.add_typer(reader_commands.commands)


def main() -> None:
    """Entry point of the command."""
    app()
