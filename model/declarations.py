"""Every parameter of the model, declared once in `data/parameters.csv`: symbol, meaning, unit, prior, source.

`kind` says what stands behind a value: `estimated` (to be calibrated to 2015-2020), `literature` (carried
with a prior from published work), `assumed` (no source; varied), `data` (read off the data files),
`rule` (a legal or accounting rule), `structural` (a switch between readings of the world).
A parameter with `per` has one value per place, written `name.place`: `simulated` places, `waged` ones (the
simulated and the outside centres whose wage is a ratio to the same series), external `hinterland`s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model.csv_tables import Files, Row
from model.priors import (
    Beta,
    Choice,
    LogNormal,
    Normal,
    Prior,
    SpikeHalfNormal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from model.problems import Problems, nearest

TABLE = Path(__file__).resolve().parent / "data" / "parameters.csv"
VILLAGE_TABLE = TABLE.parent / "villages" / "parameters.csv"
COLUMNS = (
    "name", "symbol", "meaning", "unit", "default", "prior", "low", "high", "kind", "block", "per", "source",
)  # fmt: skip
KINDS = ("estimated", "literature", "assumed", "data", "rule", "structural")
PER = ("", "simulated", "waged", "hinterland")
PRIORS = {
    kind.__name__: kind
    for kind in (Normal, TruncatedNormal, LogNormal, Uniform, Triangular, Beta, SpikeHalfNormal)
}
_PRIOR = re.compile(r"(\w+)\(([^()]*)\)")
LARGEST = 1e9


@dataclass(frozen=True)
class Declaration:
    """One declared parameter; `low` and `high` bound every value that is accepted."""

    name: str
    symbol: str
    meaning: str
    unit: str
    default: float
    prior: Prior | None
    low: float
    high: float
    kind: str
    source: str
    block: str
    per: str = ""


def parse_prior(text: str) -> Prior | None:
    """Prior from its text, `Triangular(0.1, 0.3, 0.6)`; None for an empty one.

    Raises:
        ValueError: unknown distribution or wrong numbers, with what was expected.
    """
    if not text:
        return None
    match = _PRIOR.fullmatch(text)
    if match is None:
        raise ValueError(f"prior '{text}': expected a name and numbers, such as Normal(0, 0.15)")
    name, numbers = match[1], [float(number) for number in match[2].split(",")]
    if name == "Choice":
        return Choice(tuple(numbers))
    if name not in PRIORS:
        raise ValueError(f"unknown prior '{name}'" + nearest(name, [*PRIORS, "Choice"]))
    try:
        return PRIORS[name](*numbers)
    except TypeError:
        raise ValueError(f"prior '{text}': wrong number of numbers") from None


def _declaration(files: Files, row: Row, path: Path) -> Declaration:
    cells = row.cells
    files.name(path, row, "kind", KINDS, "kind")
    files.name(path, row, "per", PER, "kind of place")
    low = files.number(path, row, "low", -LARGEST, LARGEST)
    high = files.number(path, row, "high", low, LARGEST)
    prior: Prior | None = None
    try:
        prior = parse_prior(cells["prior"])
    except ValueError as fault:
        files.problems.at_line(path, row.line, str(fault))
    return Declaration(
        cells["name"], cells["symbol"], cells["meaning"], cells["unit"], files.number(path, row, "default", low, high),
        prior, low, high, cells["kind"], cells["source"], cells["block"], cells["per"],
    )  # fmt: skip


def read_declarations(path: Path = TABLE) -> tuple[Declaration, ...]:
    """Declarations in the order of a table.

    Raises:
        WorldError: the table is damaged; all faults are listed with their lines.
    """
    files = Files(Problems("parameters"))
    declarations = [_declaration(files, row, path) for row in files.rows(path, COLUMNS)]
    names = [declaration.name for declaration in declarations]
    for name in sorted({name for name in names if names.count(name) > 1}):
        files.problems.at_key(path, (name,), "is declared twice")
    files.problems.raise_if_any()
    return tuple(declarations)


@cache
def village_declarations() -> tuple[Declaration, ...]:
    """Further parameters of worlds of villages; no other world has them."""
    return read_declarations(VILLAGE_TABLE)


DECLARATIONS: tuple[Declaration, ...] = read_declarations()
