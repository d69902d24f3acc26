"""The ladder of thresholds on the way to extinction: legal, practical, service and demographic rungs as data.

Rungs that count residents alone are those of `model/data/extinction_ladder.csv`; `data/extinction_rungs.csv` says of
each which group it belongs to, how many years in a row it takes and for which kinds of places it means anything, and
adds the rungs that look at something else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.survival import NEVER, Integers, first_held
from model.csv_tables import Files, Row
from model.problems import Problems
from model.record import COLUMNS
from model.reference_tables import extinction_ladder

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FILE: Final = Path(__file__).resolve().parent / "data" / "extinction_rungs.csv"
HEADER: Final = ("id", "group", "figure", "side", "threshold", "years", "kinds", "meaning", "source")
GROUPS: Final = ("legal", "practical", "service", "demographic")
BELOW, ABOVE = "below", "above"
OF_START: Final = "population_of_start"
FIGURES: Final = ("population", "share_65", "births", "pupils", OF_START)
COLUMNS_NEEDED: Final = ("population", "share_65", "births", "pupils")
IS_FLOW: Final = {column.name: column.is_flow for column in COLUMNS}
LONGEST_WAIT: Final = 20


@dataclass(frozen=True)
class ExtinctionRung:
    """A threshold and what it means to be beyond it.

    Attributes:
        id, group: name; one of GROUPS. figure: of FIGURES. side: which side of `threshold` is bad.
        threshold: in the unit of the figure (persons, share, births a year, pupils, share of the start).
        years: 1 Januaries in a row that it takes. kinds: kinds of places for which it means anything.
        meaning, source: texts.
    """

    id: str
    group: str
    figure: str
    side: str
    threshold: float
    years: int
    kinds: tuple[str, ...]
    meaning: str
    source: str

    def applies(self, kind: str) -> bool:
        """Whether the rung means anything for a kind of place."""
        return kind in self.kinds

    @property
    def label(self) -> str:
        """Short text for tables and figures."""
        name = self.id.replace("_", " ")
        if self.figure == "population":
            return f"{self.threshold:,.0f} {name}"
        if self.figure == "share_65":
            return f"{name} (65+ over {100 * self.threshold:.0f} %)"
        if self.figure == OF_START:
            return name
        return f"{name} (under {self.threshold:g} {self.figure})"

    def beyond(self, columns: Mapping[str, Floats]) -> Flags:
        """Whether places are beyond the threshold on each 1 January, whatever the years in a row.

        A flow (births) belongs to the 1 January that ends its year; the first year's stands for the start, too.

        Args:
            columns: by name, float64[..., years, places].

        Returns:
            bool[..., years, places].
        """
        if self.figure == OF_START:
            values = columns["population"]
            values = values / np.maximum(values[..., :1, :], 1.0)
        else:
            values = columns[self.figure]
            if IS_FLOW[self.figure]:
                values = np.concatenate((values[..., :1, :], values[..., :-1, :]), axis=-2)
        return np.asarray(values < self.threshold if self.side == BELOW else values > self.threshold)


@cache
def extinction_rungs() -> tuple[ExtinctionRung, ...]:
    """Return the ladder in the order of its file. Raises WorldError when a file is damaged."""
    return read_rungs(FILE)


def read_rungs(path: Path) -> tuple[ExtinctionRung, ...]:
    """Read a file of rungs.

    Raises:
        WorldError: lists every problem with its line.
    """
    files = Files(Problems("rungs of the extinction ladder"))
    counted = {rung.id: rung for rung in extinction_ladder()}
    found: dict[str, ExtinctionRung] = {}
    for row in files.rows(path, HEADER):
        cells = row.cells
        if cells["id"] in found:
            files.problems.at_line(path, row.line, f"rung '{cells['id']}' stands twice")
        for column, valid in (("group", GROUPS), ("figure", FIGURES), ("side", (BELOW, ABOVE))):
            files.name(path, row, column, valid, column)
        years = files.integer(path, row, "years", 1, LONGEST_WAIT) or 1
        kinds = tuple(cells["kinds"].split())
        if not kinds:
            files.problems.at_line(path, row.line, "column 'kinds' is empty; expected kinds of places")
        known = counted.get(cells["id"])
        if known is not None:
            for column in ("threshold", "meaning", "source"):
                if cells[column]:
                    files.problems.at_line(
                        path, row.line, f"column '{column}' must be empty: extinction_ladder.csv has it"
                    )
            threshold, meaning, source = float(known.persons), known.meaning, known.source
        else:
            threshold, meaning, source = _own_text(files, path, row)
        found[cells["id"]] = ExtinctionRung(
            cells["id"],
            cells["group"],
            cells["figure"],
            cells["side"],
            threshold,
            years,
            kinds,
            meaning,
            source,
        )
    for name in counted:
        if name not in found:
            files.problems.at_key(path, (), f"rung '{name}' of extinction_ladder.csv is missing")
    files.problems.raise_if_any()
    return tuple(found.values())


def _own_text(files: Files, path: Path, row: Row) -> tuple[float, str, str]:
    """Threshold, meaning and source of a rung that stands in this file alone."""
    threshold = files.number(path, row, "threshold", 0.0)
    for column in ("meaning", "source"):
        if not row.cells[column]:
            files.problems.at_line(path, row.line, f"column '{column}' is empty; every rung needs it")
    return (math.nan if math.isnan(threshold) else threshold), row.cells["meaning"], row.cells["source"]


@dataclass(frozen=True, eq=False)
class Crossings:
    """When runs first cross a rung.

    Attributes:
        rung: which one. beyond: bool[runs, years, places] whether it holds on each 1 January, years in a row counted.
        first: int64[runs, places] position of the first crossing in the years; 0 beyond at the start already,
            `NEVER` not by the last year.
        last: position of the last 1 January, where runs are censored.
    """

    rung: ExtinctionRung
    beyond: Flags
    first: Integers
    last: int

    @property
    def crossed(self) -> Flags:
        """bool[runs, places]: whether a run crosses by the last year."""
        return np.asarray(self.first != NEVER)

    @property
    def times(self) -> Integers:
        """int64[runs, places]: years to the crossing or to censoring."""
        return np.where(self.crossed, self.first, self.last)

    def already(self, place: int) -> bool:
        """Whether every run is beyond the rung at the start."""
        return bool((self.first[:, place] == 0).all())


def crossings(rung: ExtinctionRung, columns: Mapping[str, Floats]) -> Crossings:
    """First crossings of a rung by runs and places.

    A place beyond a threshold at the start counts as beyond it from there on where one 1 January is enough, and
    where several in a row are needed if it stays beyond for that long.

    Args:
        columns: `COLUMNS_NEEDED` by name, float64[runs, years, places].
    """
    raw = rung.beyond(columns)
    by_place = np.moveaxis(raw, 1, -1)
    first = first_held(by_place, rung.years)
    first = np.where((first == rung.years - 1) & by_place[..., 0], 0, first)
    held = raw.copy()
    for lag in range(1, rung.years):
        held[:, lag:] &= raw[:, :-lag]
        held[:, :lag] &= raw[:, :1]
    return Crossings(rung, held, first, raw.shape[1] - 1)
