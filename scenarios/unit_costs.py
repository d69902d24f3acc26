"""Unit costs of levers, each with its range, the year of its prices and its source (data/unit_costs.csv)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model.csv_tables import Files
from model.drivers import Drivers
from model.problems import Problems, nearest

DATA = Path(__file__).resolve().parent / "data"
_COLUMNS = ("item", "value", "low", "high", "unit", "price_year", "source", "quality")


@dataclass(frozen=True, slots=True)
class UnitCost:
    """What one unit costs: the central value, its range, and the year at whose prices they stand."""

    item: str
    value: float
    low: float
    high: float
    unit: str
    price_year: int
    source: str
    quality: str

    def at_2020(self, drivers: Drivers) -> float:
        """The central value at the prices of 2020; shares and areas stand at 2020 already."""
        return drivers.deflate(self.value, self.price_year)


@cache
def unit_costs() -> dict[str, UnitCost]:
    """All unit costs by item. Raises WorldError when the shipped file is damaged."""
    path, files = DATA / "unit_costs.csv", Files(Problems("unit costs of scenarios"))
    costs = {}
    for row in files.rows(path, _COLUMNS):
        files.quality(path, row)
        low = files.number(path, row, "low", 0)
        value = files.number(path, row, "value", low)
        high = files.number(path, row, "high", value)
        year = files.integer(path, row, "price_year", 2011, 2025) or 2020
        cells = row.cells
        costs[cells["item"]] = UnitCost(
            cells["item"], value, low, high, cells["unit"], year, cells["source"], cells["quality"]
        )
    files.problems.raise_if_any()
    return costs


def unit_cost(item: str, drivers: Drivers) -> float:
    """One unit cost at the prices of 2020.

    Raises:
        KeyError: no such item; names the nearest.
    """
    costs = unit_costs()
    if item not in costs:
        raise KeyError(f"no unit cost '{item}'{nearest(item, costs)}")
    return costs[item].at_2020(drivers)
