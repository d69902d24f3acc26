"""Schedules by sex and single age: founding ages, mortality, fertility, participation, partners, skill."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.csv_tables import Files

AGES = 111
LAST_TABLE_AGE = 100
SEXES = ("M", "F")
FOUNDING_YEAR, COMPARISON_YEAR = 2015, 2020
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Schedules:
    """Read-only arrays by sex (0 men, 1 women) and single age 0-110.

    Attributes:
        base_ages: [2, 111] persons of North Kazakhstan on 1 January 2015 (estimate).
        base_ages_2020: [2, 111] the same on 1 January 2020, for comparison only.
        mortality: [2, 111] central death rates a year, 2015-2020; the rate of age 100 holds above it.
        fertility: [111] share of the total fertility rate at each single age, sums to 1.
        participation: [2, 111] share in the labour force (assumed).
        partnered: [2, 111] share living with a partner among founders (assumed).
        skilled: [2, 111] share with vocational or higher education among founders (assumed).
    """

    base_ages: Floats
    base_ages_2020: Floats
    mortality: Floats
    fertility: Floats
    participation: Floats
    partnered: Floats
    skilled: Floats


def frozen_array(values: Any, dtype: Any = np.float64) -> Any:
    """Return a read-only array."""
    array = np.asarray(values, dtype=dtype)
    array.setflags(write=False)
    return array


def read_schedules(files: Files, folder: Path) -> Schedules:
    """Read the shipped schedules; problems are noted in ``files.problems``."""
    ages_2015, ages_2020 = _ages(files, folder / "ages.csv")
    return Schedules(
        base_ages=frozen_array(ages_2015),
        base_ages_2020=frozen_array(ages_2020),
        mortality=frozen_array(_mortality(files, folder / "mortality.csv")),
        fertility=frozen_array(_fertility(files, folder / "fertility.csv")),
        participation=frozen_array(_bands(files, folder / "participation.csv", first_age=15)),
        partnered=frozen_array(_bands(files, folder / "partnered.csv", first_age=0)),
        skilled=frozen_array(_bands(files, folder / "skilled.csv", first_age=0)),
    )


def _ages(files: Files, path: Path) -> tuple[Floats, Floats]:
    """Read the age tables of both years; the last age of the file is open above."""
    tables = {year: np.full((2, AGES), np.nan) for year in (FOUNDING_YEAR, COMPARISON_YEAR)}
    for row in files.rows(path, ("year", "sex", "age", "persons", "source", "quality")):
        files.quality(path, row)
        year = files.integer(path, row, "year", FOUNDING_YEAR, COMPARISON_YEAR)
        sex = files.name(path, row, "sex", SEXES, "sex")
        age = files.integer(path, row, "age", 0, LAST_TABLE_AGE)
        persons = files.number(path, row, "persons", 0, 1e9)
        if year not in tables or sex is None or age is None:
            continue
        _set_once(files, path, row.line, tables[year], (SEXES.index(sex), age), persons)
    for year, table in tables.items():
        _check_complete(files, path, table[:, : LAST_TABLE_AGE + 1], 0, f"persons of {year}")
        table[:, LAST_TABLE_AGE + 1 :] = 0.0
    return tables[FOUNDING_YEAR], tables[COMPARISON_YEAR]


def _mortality(files: Files, path: Path) -> Floats:
    rates = np.full((2, AGES), np.nan)
    for row in files.rows(path, ("sex", "age", "rate", "source", "quality")):
        files.quality(path, row)
        sex = files.name(path, row, "sex", SEXES, "sex")
        age = files.integer(path, row, "age", 0, LAST_TABLE_AGE)
        rate = files.number(path, row, "rate", 0, 5)
        if sex is not None and age is not None:
            _set_once(files, path, row.line, rates, (SEXES.index(sex), age), rate)
    _check_complete(files, path, rates[:, : LAST_TABLE_AGE + 1], 0, "death rate")
    rates[:, LAST_TABLE_AGE + 1 :] = rates[:, LAST_TABLE_AGE : LAST_TABLE_AGE + 1]
    return rates


def _fertility(files: Files, path: Path) -> Floats:
    shape = np.zeros(AGES)
    for row in files.rows(path, ("age_from", "age_to", "percent_of_tfr", "source", "quality")):
        files.quality(path, row)
        first = files.integer(path, row, "age_from", 0, AGES - 1)
        last = files.integer(path, row, "age_to", 0, AGES - 1)
        percent = files.number(path, row, "percent_of_tfr", 0, 100)
        if first is None or last is None or math.isnan(percent):
            continue
        if last < first or shape[first : last + 1].any():
            files.problems.at_line(path, row.line, f"ages {first}-{last} are turned round or stand already")
            continue
        shape[first : last + 1] = percent / (last - first + 1)
    total = float(shape.sum())
    if not 99.0 <= total <= 101.0:
        files.problems.at_key(path, (), f"the shares sum to {total:g} percent, expected about 100")
        return shape
    return shape / total


def _bands(files: Files, path: Path, first_age: int) -> Floats:
    """Read shares by bands of age that cover ``first_age`` to 110 for both sexes; younger ages hold 0."""
    shares = np.full((2, AGES), np.nan)
    shares[:, :first_age] = 0.0
    for row in files.rows(path, ("age_from", "age_to", "sex", "share", "source", "quality")):
        files.quality(path, row)
        first = files.integer(path, row, "age_from", first_age, AGES - 1)
        last = files.integer(path, row, "age_to", first_age, AGES - 1)
        sex = files.name(path, row, "sex", SEXES, "sex")
        share = files.number(path, row, "share", 0, 1)
        if first is None or last is None or sex is None:
            continue
        if last < first:
            files.problems.at_line(path, row.line, f"age_from {first} is above age_to {last}")
            continue
        for age in range(first, last + 1):
            if not _set_once(files, path, row.line, shares, (SEXES.index(sex), age), share):
                break
    _check_complete(files, path, shares, first_age, "share")
    return shares


def _set_once(
    files: Files, path: Path, line: int, table: Floats, cell: tuple[int, int], value: float
) -> bool:
    """Set a cell that must still be empty; note a repeated one."""
    if not math.isnan(table[cell]):
        files.problems.at_line(path, line, f"sex {SEXES[cell[0]]}, age {cell[1]} stands already")
        return False
    table[cell] = value
    return True


def _check_complete(files: Files, path: Path, table: Floats, first_age: int, what: str) -> None:
    """Note the ages of each sex that hold no value."""
    for sex, name in enumerate(SEXES):
        missing = [age for age in range(first_age, table.shape[1]) if math.isnan(table[sex, age])]
        if missing:
            ages = f"{missing[0]}-{missing[-1]}" if len(missing) > 1 else str(missing[0])
            files.problems.at_key(path, (), f"no {what} for sex {name} at ages {ages}")
