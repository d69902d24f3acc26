"""Yearly series in long form: ``territory,variable,unit,year,value,source,quality``."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from model.csv_tables import Files
from model.problems import nearest

COLUMNS = ("territory", "variable", "unit", "year", "value", "source", "quality")
FIRST_YEAR, LAST_YEAR = 1950, 2100


@dataclass(frozen=True, slots=True)
class Variable:
    """What a variable of a series may hold: its units, its range and the last year it may be known for."""

    units: tuple[str, ...]
    low: float = 0.0
    high: float = math.inf
    last_year: int = LAST_YEAR
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of a series with where it was read."""

    value: float
    unit: str
    source: str
    quality: str
    path: Path
    line: int


Table = dict[tuple[str, str], dict[int, Point]]


def read_series(
    files: Files,
    paths: Iterable[Path],
    variables: dict[str, Variable],
    territories: Collection[str],
    territory_noun: str,
    yearly: bool = True,
) -> Table:
    """Read the files in order; a figure of a later file replaces the same one of an earlier file.

    Problems noted with file and line: unknown variable or territory, a unit that the variable does not have
    or that changes within a series, a year after the variable's last one, a repeated figure within a file, a
    value out of range, a year missing between the first and the last of a series (but not where series
    are not ``yearly``, as censuses).
    """
    table: Table = {}
    unusable: set[tuple[str, str, int]] = set()
    for path in paths:
        seen: dict[tuple[str, str, int], int] = {}
        for row in files.rows(path, COLUMNS):
            files.quality(path, row)
            territory = row.cells["territory"]
            if territory not in territories:
                files.problems.at_line(
                    path,
                    row.line,
                    f"unknown {territory_noun} '{territory}'" + nearest(territory, territories),
                )
                continue
            name = row.cells["variable"]
            variable = variables.get(name)
            if variable is None:
                files.problems.at_line(
                    path, row.line, f"unknown variable '{name}'" + nearest(name, variables)
                )
                continue
            unit = row.cells["unit"]
            if unit not in variable.units:
                expected = " or ".join(f"'{known}'" for known in variable.units)
                files.problems.at_line(path, row.line, f"unit '{unit}' of {name}: expected {expected}")
                continue
            year = files.integer(path, row, "year", FIRST_YEAR, LAST_YEAR)
            value = files.number(path, row, "value", variable.low, variable.high, variable.whole)
            if year is None:
                continue
            if math.isnan(value):
                unusable.add((territory, name, year))
                continue
            if year > variable.last_year:
                files.problems.at_line(
                    path,
                    row.line,
                    f"{name} of {year}: the observation window ends with {variable.last_year}",
                )
                continue
            earlier = seen.setdefault((territory, name, year), row.line)
            if earlier != row.line:
                files.problems.at_line(
                    path, row.line, f"{territory}, {name}, {year} stands already at line {earlier}"
                )
                continue
            table.setdefault((territory, name), {})[year] = Point(
                value, unit, row.cells["source"], row.cells["quality"], path, row.line
            )
    for (territory, name), series in table.items():
        _check_unit(files, territory, name, series)
        if yearly:
            noted = {year for place, held, year in unusable if (place, held) == (territory, name)}
            _check_years(files, territory, name, series, noted)
    return {key: dict(sorted(table[key].items())) for key in sorted(table)}


def _check_unit(files: Files, territory: str, name: str, series: dict[int, Point]) -> None:
    """Note a unit that changes within a series."""
    units = {point.unit for point in series.values()}
    if len(units) > 1:
        point = series[max(series)]
        files.problems.at_line(
            point.path, point.line, f"{territory}, {name}: units {' and '.join(sorted(units))} in one series"
        )


def _check_years(files: Files, territory: str, name: str, series: dict[int, Point], noted: set[int]) -> None:
    """Note years missing inside a series, but for those whose figure was refused already."""
    first, last = min(series), max(series)
    missing = [year for year in range(first, last) if year not in series and year not in noted]
    if missing:
        after = series[min(year for year in series if year > missing[0])]
        years = ", ".join(str(year) for year in missing)
        files.problems.at_line(
            after.path,
            after.line,
            f"{territory}, {name}: missing years {years} between {first} and {last};"
            " fill a gap with a row of quality 'interpolated' that states the rule",
        )
