"""The settlement rating's system of indicators: 34 in four blocks, their reference bands, and the rules of classes.

The paper (Turkeeva, Omarov, Abilkaiyr 2022) gives the blocks and how many indicators each has, nothing more: list,
bands, weights and thresholds are a labelled reconstruction, kept in `data/rating/`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.csv_tables import Files
from model.problems import Problems, nearest

RATING_DATA: Final = Path(__file__).resolve().parent / "data" / "rating"
BLOCKS: Final = ("social", "economic", "infrastructure", "environment")
BLOCK_SIZES: Final = (11, 11, 7, 5)  # the paper's counts
KINDS: Final = ("simulated", "scenario", "fixed", "external")
CLASSES: Final = ("development", "depressive", "extinction")
POLARITIES: Final = ("+", "-")
LABEL: Final = (
    "A reconstruction: the paper publishes blocks and counts (11, 11, 7, 5), neither the list of indicators nor"
    " weights nor thresholds."
)
INDICATOR_COLUMNS: Final = (
    "id", "block", "name", "polarity", "kind", "unit", "worst", "best", "quality", "source", "formula",
    "problem", "risk",
)  # fmt: skip
RULE_COLUMNS: Final = ("name", "value", "spread", "unit", "source")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One relative indicator.

    Attributes:
        id, block, name, unit: as printed. polarity: "+" where more is better.
        kind: "simulated" (computed from tables or a simulation), "scenario", "fixed", "external" (a user's figure).
        worst, best: ends of the reference band, in `unit`; figures beyond them are winsorised.
        source, quality: where the band comes from. formula: how the figure is computed.
        problem, risk: words for a low score, and for a falling one.
    """

    id: str
    block: str
    name: str
    polarity: str
    kind: str
    unit: str
    worst: float
    best: float
    source: str
    quality: str
    formula: str
    problem: str
    risk: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A number of the procedure; `spread` is by how much it is varied either way for class probabilities."""

    value: float
    spread: float
    unit: str
    source: str


@dataclass(frozen=True)
class RatingSystem:
    """All indicators in the order of their file, block by block, and the rules by name."""

    indicators: tuple[Indicator, ...]
    rules: dict[str, Rule]

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the indicators."""
        return tuple(one.id for one in self.indicators)

    def position(self, id: str) -> int:
        """Number of an indicator in every array of indicators."""
        return self.ids.index(id)

    def value(self, rule: str) -> float:
        """Value of a rule."""
        return self.rules[rule].value

    @property
    def block_of(self) -> NDArray[np.int64]:
        """int64[indicators]: number of the block of every indicator."""
        return np.array([BLOCKS.index(one.block) for one in self.indicators])

    def of_block(self, block: int) -> NDArray[np.int64]:
        """Numbers of a block's indicators."""
        return np.flatnonzero(self.block_of == block)

    def scores(self, figures: Floats) -> Floats:
        """Figures float64[..., indicators] on their reference bands: 0 worst, 1 best, winsorised; NaN where missing.

        The band is fixed, so that a score does not depend on which other settlements are rated.
        """
        worst = np.array([one.worst for one in self.indicators])
        best = np.array([one.best for one in self.indicators])
        return np.asarray(np.clip((figures - worst) / (best - worst), 0.0, 1.0))


@cache
def rating_system() -> RatingSystem:
    """The shipped system. Raises WorldError when a file is damaged."""
    return read_rating_system(RATING_DATA / "indicators.csv", RATING_DATA / "rules.csv")


def read_rating_system(indicators: Path, rules: Path) -> RatingSystem:
    """Read a system of indicators and its rules.

    Raises:
        WorldError: lists every problem: a band that contradicts the polarity, a block of another size than the
            paper's, a repeated id, a missing rule.
    """
    files = Files(Problems("settlement rating"))
    found = _read_indicators(files, indicators)
    read = _read_rules(files, rules)
    files.problems.raise_if_any()
    return RatingSystem(tuple(found), read)


def _read_indicators(files: Files, path: Path) -> list[Indicator]:
    found: list[Indicator] = []
    seen: dict[str, int] = {}
    for row in files.rows(path, INDICATOR_COLUMNS):
        cells = row.cells
        files.quality(path, row)
        for column, valid in (("block", BLOCKS), ("polarity", POLARITIES), ("kind", KINDS)):
            files.name(path, row, column, valid, column)
        worst, best = (files.number(path, row, end) for end in ("worst", "best"))
        if cells["id"] in seen:
            files.problems.at_line(
                path, row.line, f"indicator '{cells['id']}' stands already at line {seen[cells['id']]}"
            )
        seen[cells["id"]] = row.line
        if not math.isnan(worst + best) and (best > worst) != (cells["polarity"] == "+"):
            files.problems.at_line(
                path,
                row.line,
                f"{cells['id']}: the band {worst:g} to {best:g} contradicts the polarity '{cells['polarity']}'",
            )
        found.append(
            Indicator(
                **{name: cells[name] for name in INDICATOR_COLUMNS if name not in ("worst", "best")},
                worst=worst,
                best=best,
            )
        )
    for block, size in zip(BLOCKS, BLOCK_SIZES, strict=True):
        number = sum(one.block == block for one in found)
        if number != size:
            files.problems.at_key(path, (), f"block '{block}' has {number} indicators, the paper has {size}")
    found.sort(key=lambda one: BLOCKS.index(one.block) if one.block in BLOCKS else len(BLOCKS))
    return found


REQUIRED_RULES: Final = (
    "level_development", "level_extinction", "trend_development", "trend_extinction", "least_coverage",
    "trend_window", "least_ratings", "missing_correlation", "missing_walk", "missing_drift", "grade_half_width",
    "problem_score", "risk_change", "small_town", "border_zone", "single_industry", "road_speed",
)  # fmt: skip


def _read_rules(files: Files, path: Path) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for row in files.rows(path, RULE_COLUMNS):
        cells = row.cells
        name = files.name(path, row, "name", REQUIRED_RULES, "rule")
        value, spread = files.number(path, row, "value"), files.number(path, row, "spread", 0)
        if not cells["source"]:
            files.problems.at_line(path, row.line, "column 'source' is empty; every number needs its source")
        if name is not None:
            if name in rules:
                files.problems.at_line(path, row.line, f"rule '{name}' stands twice")
            rules[name] = Rule(value, spread, cells["unit"], cells["source"])
    missing = [name for name in REQUIRED_RULES if name not in rules]
    if missing:
        files.problems.at_key(path, (), f"missing rules: {', '.join(missing)}")
    return rules


def indicator_hint(id: str, system: RatingSystem) -> str:
    """Hint for an unknown indicator: the nearest id, by its letters or else by the name of an indicator."""
    hint = nearest(id, system.ids)
    return hint or f"; ids are {system.ids[0]} to {system.ids[-1]}, see stage 3"


def by_position(
    system: RatingSystem, figures: Sequence[tuple[str, Floats]], shape: tuple[int, ...]
) -> Floats:
    """Figures by indicator id as float64[*shape, indicators], NaN where none is given."""
    table = np.full((*shape, len(system.indicators)), np.nan)
    for id, values in figures:
        table[..., system.position(id)] = values
    return table
