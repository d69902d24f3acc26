"""`qyzyljar sensitivity`: what the results depend on."""

from __future__ import annotations

import typer

sensitivity = typer.Typer(
    name="sensitivity",
    help="What the results depend on: parameters, chance, futures and structure.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
