"""`qyzyljar forecast --list-parameters`: every declared parameter with unit, prior and source."""

from __future__ import annotations

import json
import textwrap
from itertools import groupby
from typing import Any, Final

from rich.console import Console

from model.parameters import ParameterSpace
from model.world import World

FIXED: Final = "fixed"
MINIMUM_WIDTH: Final = 120


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
    """Print the parameters declaration by declaration, or as JSON for other programs.

    Values that places have of one parameter stand together; meaning and source follow once.
    """
    rows = parameter_rows(world)
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    console = Console()
    width = max(MINIMUM_WIDTH, console.width) if console.is_terminal else MINIMUM_WIDTH
    names = max(len(row["name"]) for row in rows)
    priors = max(len(row["prior"] or FIXED) for row in rows)
    print(f"Parameters of the world '{world.name}': {len(rows)} values\n")
    print(f"{'name':{names}}  {'default':>9}  {'prior':{priors}}  range, unit; kind")
    block = ""
    for _, group in groupby(rows, key=lambda row: (row["block"], row["symbol"], row["meaning"])):
        values = list(group)
        first = values[0]
        if first["block"] != block:
            block = first["block"]
            print(f"\n{block.upper()}")
        for row in values:
            limits = (
                f"  {row['low']:g} to {row['high']:g}, {row['unit']}; {row['kind']}" if row is first else ""
            )
            line = f"{row['name']:{names}}  {row['default']:>9.5g}  {row['prior'] or FIXED:{priors}}{limits}"
            print(line.rstrip())
        print(
            textwrap.fill(
                f"{first['symbol']}: {first['meaning']}. Source: {first['source']}",
                width,
                initial_indent="    ",
                subsequent_indent="    ",
            )
        )
