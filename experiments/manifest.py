"""The manifest of an ensemble's folder: what is needed to repeat it; whether a folder fits a design."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from experiments.design import Design, differences
from experiments.failures import BadInput
from experiments.output_folder import check_writable
from model.parameters import ParameterSpace
from model.record import COLUMNS
from model.world import World

MANIFEST = "manifest.json"
FORMAT = 1
# Written beside the manifest: a folder that holds one of these but no manifest is not touched.
OWN_NAMES = ("parts", "series", "flows", "pyramids", "parameters", "figures", "summary.csv")
SHOWN_DIFFERENCES = 8


class Described(Protocol):
    """A design as a folder sees it."""

    @property
    def identity(self) -> str:
        """Hash of the description."""
        ...

    def description(self) -> dict[str, Any]:
        """All that determines the results, in a form that JSON can hold."""
        ...


@dataclass(frozen=True)
class Ensemble:
    """What a command wants to have in a folder: the first `runs` pairs of a design."""

    command: str
    design: Design
    runs: int
    world: World
    world_source: str
    parameters_note: str


def manifest(ensemble: Ensemble, started: str, largest_runs: int) -> dict[str, Any]:
    """Content of manifest.json; `largest_runs` is the most that was ever asked for in this folder."""
    # Scores and their folds are heavy to import: who only reads a manifest does not pay for them
    from experiments.forecast_labels import validation_entry

    design, world = ensemble.design, ensemble.world
    space = ParameterSpace(world)
    chosen = dict(design.fixed)
    return {
        "format": FORMAT,
        "command": ensemble.command,
        "identity": design.identity,
        "design": design.description(),
        "runs": largest_runs,
        "started": started,
        "world": {
            "name": world.name,
            "source": ensemble.world_source,
            "title": world.title,
            "start": world.start,
            "simulated": list(world.ids[: world.n_sim]),
            "external": list(world.ids[world.n_sim :]),
        },
        "parameters": {
            "note": ensemble.parameters_note,
            "values": [
                {
                    "name": parameter.name,
                    "unit": parameter.declaration.unit,
                    "fixed": chosen.get(parameter.name),
                    "prior": parameter.prior.describe() if parameter.prior else None,
                }
                for parameter in space.parameters
            ],
        },
        "validation": validation_entry(world, ensemble.world_source),
        "columns": [
            {"name": column.name, "unit": column.unit, "meaning": column.meaning, "flow": column.is_flow}
            for column in COLUMNS
        ],
        "tables": {
            "parts": "scenario x draw x replicate x year x place; stocks of 1 January, flows during the year",
            "flows": "persons moving by scenario, year, origin, destination, summed over n_runs runs",
            "pyramids": "persons by sex and five-year age group (100: and over), first and last year",
            "parameters": "value of every parameter by draw",
        },
    }


def now() -> str:
    """The present moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def recorded_manifest(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of a folder, or None where there is none.

    Raises:
        BadInput: the file is no manifest of this project.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{path}:{error.lineno}: not a manifest ({error.msg}); choose another --out") from None
    valid = (
        isinstance(content, dict)
        and isinstance(content.get("design"), dict)
        and isinstance(content.get("runs"), int)
    )
    if not valid or content.get("format") != FORMAT:
        raise BadInput(f"{path}: not a manifest of format {FORMAT}; choose another --out")
    return dict(content)


def check_folder(folder: Path, design: Described) -> None:
    """Refuse a folder that cannot take this design, before anything is written.

    Raises:
        BadInput: a file in the way, no right to write, results without a manifest, or another design's
            results (the message says what differs).
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--out {folder}: is a file, expected a folder or a name for a new one")
    if not check_writable(folder):
        return
    content = recorded_manifest(folder)
    if content is None:
        found = [name for name in OWN_NAMES if (folder / name).exists()]
        if found:
            raise BadInput(
                f"--out {folder}: holds {', '.join(found)} but no {MANIFEST}; choose another folder"
            )
        return
    unequal = differences(content["design"], design.description())
    if unequal:
        shown = unequal[:SHOWN_DIFFERENCES]
        if len(unequal) > len(shown):
            shown.append(f"... and {len(unequal) - len(shown)} more")
        raise BadInput(
            "\n  ".join(
                [f"--out {folder}: holds another design; choose another folder. What differs:", *shown]
            )
        )
