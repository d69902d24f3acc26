"""`qyzyljar forecast --list-parameters`: every declared parameter with unit, prior and source."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from model.parameters import ParameterSpace
from model.world import World


def parameter_rows(world: World) -> list[dict[str, Any]]:
    """One mapping a parameter of the world, in the declared order."""
    return [
        {
            "name": parameter.name,
            "symbol": parameter.declaration.symbol,
            "meaning": parameter.declaration.meaning,
            "unit": parameter.declaration.unit,
            "default": parameter.default,
            "prior": parameter.prior.describe() if parameter.prior else None,
            "low": parameter.declaration.low,
            "high": parameter.declaration.high,
            "kind": parameter.declaration.kind,
            "block": parameter.declaration.block,
            "source": parameter.declaration.source,
        }
        for parameter in ParameterSpace(world).parameters
    ]


def print_parameters(world: World, as_json: bool) -> None:
    """Print the parameters as a table, or as JSON for other programs."""
    rows = parameter_rows(world)
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 180)
    table = Table(title=f"Parameters of the world '{world.name}'", title_justify="left", pad_edge=False)
    for heading in ("name", "symbol", "unit", "default", "prior", "range", "kind", "meaning; source"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("name", "symbol"))
    for row in rows:
        table.add_row(
            row["name"],
            row["symbol"],
            row["unit"],
            f"{row['default']:g}",
            row["prior"] or "fixed",
            f"{row['low']:g} to {row['high']:g}",
            row["kind"],
            f"{row['meaning']}; {row['source']}",
        )
    console.print(table, markup=False)
