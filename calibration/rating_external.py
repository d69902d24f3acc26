"""Figures that no table and no simulation holds: a user's CSV file, checked cell by cell, all problems at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from calibration.rating_figures import RatedFigures
from calibration.rating_system import RATING_DATA, Indicator, RatingSystem, indicator_hint
from model.accounts_data import LAST_FLOW_YEAR
from model.csv_tables import Files
from model.drivers import PRICE_BASE_YEAR
from model.problems import Problems, WorldError, nearest
from model.world import World

SHIPPED: Final = RATING_DATA / "external.csv"
COLUMNS: Final = ("place", "indicator", "year", "value", "unit", "source", "quality")
FIRST_YEAR, LAST_YEAR = 2009, 2100
# Units that are turned into the indicator's own by the region's consumer prices
NOMINAL: Final = {"thousand KZT, 2020 prices": "thousand KZT, nominal"}


@dataclass(frozen=True, slots=True)
class ExternalFigure:
    """A user's figure of one indicator in the indicator's unit."""

    place: str
    id: str
    year: int
    value: float
    source: str


def read_external(paths: Sequence[Path], world: World, system: RatingSystem) -> tuple[ExternalFigure, ...]:
    """Read files of external figures; a later file replaces the same figure of an earlier one.

    Figures of shipped places that the world does not simulate are left out.

    Raises:
        WorldError: lists every problem with file and line.
    """
    files = Files(Problems("external indicators"))
    simulated = world.ids[: world.n_sim]
    known_places = _known_places(world)
    by_id = {one.id: one for one in system.indicators}
    figures: dict[tuple[str, str, int], ExternalFigure] = {}
    for path in paths:
        seen: dict[tuple[str, str, int], int] = {}
        for row in files.rows(path, COLUMNS):
            cells, problems = row.cells, files.problems
            files.quality(path, row)
            place, id = cells["place"], cells["indicator"]
            if place not in known_places:
                problems.at_line(path, row.line, f"unknown place '{place}'" + nearest(place, known_places))
            year = files.integer(path, row, "year", FIRST_YEAR, LAST_YEAR)
            indicator = by_id.get(id)
            if indicator is None:
                problems.at_line(path, row.line, f"unknown indicator '{id}'" + indicator_hint(id, system))
                continue
            value = _value(files, path, row, indicator, year, world)
            if year is None or math.isnan(value) or place not in known_places:
                continue
            if indicator.kind == "simulated" and year > LAST_FLOW_YEAR:
                problems.at_line(
                    path,
                    row.line,
                    f"{id} of {year}: a figure of a settlement after {LAST_FLOW_YEAR}, where the observation window"
                    " ends; later years are simulated",
                )
                continue
            key = (place, id, year)
            if key in seen:
                problems.at_line(path, row.line, f"{place}, {id}, {year} stands already at line {seen[key]}")
                continue
            seen[key] = row.line
            if place in simulated:
                figures[key] = ExternalFigure(place, id, year, value, cells["source"])
    files.problems.raise_if_any()
    return tuple(figures[key] for key in sorted(figures))


def _known_places(world: World) -> frozenset[str]:
    from model.places import read_places
    from model.world import DATA

    files = Files(Problems("places"))
    return frozenset({*world.ids, *read_places(files, [DATA / "places.csv"])})


def _value(
    files: Files, path: Path, row: object, indicator: Indicator, year: int | None, world: World
) -> float:
    """The cell's figure in the unit of the indicator; NaN with a problem noted."""
    from model.csv_tables import Row

    assert isinstance(row, Row)
    unit = row.cells["unit"]
    allowed = [indicator.unit, *([NOMINAL[indicator.unit]] if indicator.unit in NOMINAL else [])]
    value = files.number(path, row, "value")
    if unit not in allowed:
        expected = " or ".join(f"'{one}'" for one in allowed)
        files.problems.at_line(path, row.line, f"unit '{unit}' of {indicator.id}: expected {expected}")
        return math.nan
    # A figure far beyond the band is rather a slip of the unit than a settlement
    width = abs(indicator.best - indicator.worst)
    low, high = min(indicator.worst, indicator.best), max(indicator.worst, indicator.best)
    if not math.isnan(value) and not low - 10.0 * width <= value <= high + 10.0 * width:
        files.problems.at_line(
            path,
            row.line,
            f"{indicator.id}: {value:g} {indicator.unit} is more than ten bands away from {low:g} to {high:g};"
            " check the unit",
        )
        return math.nan
    if unit == indicator.unit or year is None:
        return value
    try:
        return world.drivers.deflate(value, year)
    except WorldError:
        files.problems.at_line(
            path, row.line, f"no consumer prices for {year}: give the figure at {PRICE_BASE_YEAR} prices"
        )
        return math.nan


def with_external(
    figures: RatedFigures, external: Sequence[ExternalFigure], system: RatingSystem
) -> RatedFigures:
    """Figures with a user's own put in, over what is computed too: a user's figure is better."""
    values, half_width, sources = figures.values.copy(), figures.half_width.copy(), dict(figures.sources)
    for one in external:
        if one.place not in figures.places or one.year not in figures.years:
            continue
        cell = (figures.years.index(one.year), figures.places.index(one.place), system.position(one.id))
        values[(slice(None), *cell)] = one.value
        half_width[cell] = 0.0
        sources[one.id, one.place, str(one.year)] = one.source
    return replace(figures, values=values, half_width=half_width, sources=sources)
