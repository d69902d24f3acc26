"""Draws of the calibrated parameters as a file: one row a draw, one column a parameter, and the manifest beside it.

Ensembles take the calibrated parameters of their i-th parameter draw from one row, together, and all others from their
priors. A file of draws is plain CSV; `towns.json` beside `towns.csv` says what made it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model.draws import PARAMETER, run_seed
from model.parameters import ParameterError, ParameterSpace
from model.problems import nearest
from model.world import World, shipped_worlds

Floats = NDArray[np.float64]
SHIPPED: Final = Path(__file__).resolve().parent / "data" / "posterior"
LEAST_DRAWS: Final = 10
MOST_PROBLEMS: Final = 8


class DrawsError(ValueError):
    """A file of draws that cannot be used."""


@dataclass(frozen=True, eq=False)
class PosteriorDraws:
    """Draws of some parameters of a world.

    Attributes:
        names: full parameter names. values: float64[n, p]. source: path or name of the file.
        digest: sha256 of the file's bytes. manifest: what made them, empty where unknown.
    """

    names: tuple[str, ...]
    values: Floats
    source: str
    digest: str
    manifest: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Column of each parameter."""
        return {name: k for k, name in enumerate(self.names)}

    def row(self, seed: int, number: int) -> dict[str, float]:
        """Return the parameters of an ensemble's draw ``number``: rows in turn from a start that the seed gives.

        As many draws as the file has rows use every row once.
        """
        start = int(run_seed(seed, 0, PARAMETER)) % len(self.values)
        row = self.values[(start + number) % len(self.values)]
        return dict(zip(self.names, row.tolist(), strict=True))


def shipped_draws(world: World, source: str) -> PosteriorDraws | None:
    """Return the draws that come with a shipped world, or None where there are none.

    Args:
        source: what the user named the world by; a user's own file never takes the shipped draws.

    Raises:
        DrawsError: the shipped file is damaged or does not fit the world.

    Example:
        >>> from calibration.posterior_draws import shipped_draws
        >>> from model.parameters import ParameterSpace
        >>> from model.world import load_world
        >>> world = load_world("towns")
        >>> posterior = shipped_draws(world, "towns")
        >>> values = ParameterSpace(world).draw(seed=1, number=0, fixed=posterior.row(seed=1, number=0))
        >>> values["leaving"] == posterior.row(1, 0)["leaving"]
        True
    """
    path = SHIPPED / f"{world.name}.csv"
    if source not in shipped_worlds() or not path.is_file():
        return None
    return read_draws(path, world)


def read_draws(path: Path, world: World) -> PosteriorDraws:
    """Read a file of draws and check every value against the parameters of a world.

    Raises:
        DrawsError: the file cannot be read, is no such table, or holds an unknown parameter or a value out of
            range; all faults at once, with their lines.
    """
    try:
        content = path.read_bytes()
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    except OSError as error:
        raise DrawsError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DrawsError(f"{path}: cannot be read ({error})") from None
    names = tuple(rows[0]) if rows else ()
    space = ParameterSpace(world)
    problems = [f"{path}:1: no parameter names"] if not names or names == ("",) else []
    for name in names:
        if name not in space.by_name:
            problems.append(
                f"{path}:1: world '{world.name}' has no parameter '{name}'" + nearest(name, space.by_name)
            )
    problems.extend(f"{path}:1: '{name}' twice" for name in sorted(set(names)) if names.count(name) > 1)
    if len(rows) - 1 < LEAST_DRAWS:
        problems.append(f"{path}: {max(0, len(rows) - 1)} draws, expected at least {LEAST_DRAWS}")
    if problems:
        raise DrawsError(_listed(problems))
    values = np.empty((len(rows) - 1, len(names)))
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            problems.append(f"{path}:{line}: {len(row)} values, expected {len(names)}")
            continue
        for k, (name, text) in enumerate(zip(names, row, strict=True)):
            try:
                value = float(text)
            except ValueError:
                problems.append(f"{path}:{line}: {name} = '{text}' is not a number")
                continue
            try:
                space.check(name, value, f"{path}:{line}")
            except ParameterError as error:
                problems.append(str(error))
            values[line - 2, k] = value if math.isfinite(value) else math.nan
    if problems:
        raise DrawsError(_listed(problems))
    return PosteriorDraws(
        names,
        values,
        path.name,
        hashlib.sha256(content).hexdigest(),
        read_manifest(path.with_suffix(".json")),
    )


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest beside a file of draws; empty where there is none.

    Raises:
        DrawsError: there is one that is no JSON object.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DrawsError(f"{path}: cannot be read ({error})") from None
    if not isinstance(content, dict):
        raise DrawsError(f"{path}: not a manifest")
    return content


def draws_text(names: Sequence[str], values: Floats) -> str:
    """Return the file of draws as text: seven significant digits, far beyond what any draw knows."""
    lines = [",".join(names)]
    lines.extend(",".join(f"{value:.7g}" for value in row) for row in values.tolist())
    return "\n".join(lines) + "\n"


def _listed(problems: list[str]) -> str:
    shown = problems[:MOST_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(f"... and {len(problems) - len(shown)} more")
    return "\n".join(shown)
