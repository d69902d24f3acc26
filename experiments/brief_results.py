"""What a finished comparison has stored, as the brief reads it: nothing is run here, nothing is made up."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from experiments.compare_scenarios import BASELINE, NO_ZONE
from experiments.failures import BadInput

ALL = "all"
Row = dict[str, str]


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval, and where it is stored.

    Attributes:
        mean, low, high: NaN where undefined. bound: size that a further run's effect stays below, NaN if unknown.
        source: file and keys of the row.
    """

    mean: float
    low: float
    high: float
    source: str
    bound: float = math.nan

    @property
    def is_claim(self) -> bool:
        """Whether the interval lies on one side of zero: only then may a sentence say that there is an effect."""
        return self.low > 0.0 or self.high < 0.0


class StoredComparison:
    """The folder of one comparison.

    Attributes:
        folder, manifest: where, and what its manifest holds.
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder. Raises BadInput where it holds no comparison."""
        self.folder = folder
        try:
            self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInput(f"{folder}: holds no comparison ({error})") from None
        self._tables: dict[str, list[Row]] = {}

    def rows(self, name: str) -> list[Row]:
        """Rows of a CSV file of the folder."""
        if name not in self._tables:
            path = self.folder / name
            try:
                with path.open(encoding="utf-8", newline="") as file:
                    self._tables[name] = list(csv.DictReader(file))
            except OSError as error:
                raise BadInput(
                    f"{path}: cannot be read ({error.strerror}); run the comparison again"
                ) from None
        return self._tables[name]

    def found(self, name: str, **keys: str) -> Row | None:
        """The first row of a file with these values."""
        return next(
            (row for row in self.rows(name) if all(row[key] == value for key, value in keys.items())), None
        )

    @cached_property
    def runs(self) -> int:
        """Pairs of runs that the tables rest on."""
        return int(self.rows("summary.csv")[0]["runs"])

    @property
    def identity(self) -> str:
        """Identity of the design."""
        return str(self.manifest["identity"])

    @property
    def horizon(self) -> int:
        """Last 1 January."""
        return int(self.manifest["design"]["horizon"])

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios compared with the baseline, by their names, in the order of the tables."""
        return tuple(
            dict.fromkeys(
                row["scenario"]
                for row in self.rows("bounds.csv")
                if row["reference"].split("@")[0] == BASELINE
            )
        )

    @property
    def policies(self) -> tuple[str, ...]:
        """The scenarios that the reader asked about: without the zone-less one."""
        return tuple(name for name in self.scenarios if name.split("@")[0] != NO_ZONE)

    def reference(self, scenario: str) -> str:
        """Name of the baseline under the same future."""
        _, at, future = scenario.partition("@")
        return f"{BASELINE}{at}{future}"

    def residents(self, scenario: str, place: str) -> Estimate:
        """Residents at the horizon above the baseline."""
        row = self._row("bounds.csv", scenario=scenario, reference=self.reference(scenario), place=place)
        keys = ("mean", "mean_low95", "mean_high95")
        return Estimate(*_three(row, keys), f"bounds.csv: {scenario}, {place}", _number(row["bound95"]))

    def spread(self, scenario: str, place: str) -> Estimate | None:
        """Residents at the horizon above the baseline in the runs: mean and central 90 %; None where not stored."""
        keys = {"variable": "population", "place": place, "year": str(self.horizon)}
        row = self.found("effects.csv", scenario=scenario, reference=self.reference(scenario), **keys)
        if row is None:
            return None
        source = f"effects.csv: {scenario}, population, {place}, {self.horizon}"
        return Estimate(*_three(row, ("mean", "q05", "q95")), source)

    def money(self, scenario: str) -> Estimate:
        """Public money above the baseline, present value in million KZT; its interval is the central 90 % of runs."""
        row = self._cost(scenario, "additional resident")
        return Estimate(*_three(row, ("cost_mean", "cost_q05", "cost_q95")), f"costs.csv: {scenario}")

    def price(self, scenario: str, unit: str = "additional resident") -> Estimate:
        """Public money per unit of gain with Fieller's interval; NaN where undefined."""
        row = self._cost(scenario, unit)
        return Estimate(
            *_three(row, ("expected", "expected_low95", "expected_high95")),
            f"costs.csv: {scenario}, {unit}",
        )

    def gain(self, scenario: str, unit: str) -> Estimate:
        """Gain in a unit."""
        row = self._cost(scenario, unit)
        return Estimate(
            *_three(row, ("gain_mean", "gain_low95", "gain_high95")), f"costs.csv: {scenario}, {unit}"
        )

    def _cost(self, scenario: str, unit: str) -> Row:
        return self._row(
            "costs.csv", scenario=scenario, reference=self.reference(scenario), unit=unit, money="public"
        )

    def effect(self, scenario: str, variable: str, place: str, year: int) -> Estimate | None:
        """Effect on a figure in a place and year; None where it was not recorded."""
        row = self.found(
            "effects.csv",
            scenario=scenario,
            reference=self.reference(scenario),
            variable=variable,
            place=place,
            year=str(year),
        )
        if row is None:
            return None
        keys = ("mean", "mean_low95", "mean_high95")
        return Estimate(*_three(row, keys), f"effects.csv: {scenario}, {variable}, {place}, {year}")

    def share_below(self, scenario: str, place: str) -> float:
        """Share of runs in which a place has fewer residents at the horizon than in the baseline."""
        row = self._row(
            "effects.csv",
            scenario=scenario,
            reference=self.reference(scenario),
            variable="population",
            place=place,
            year=str(self.horizon),
        )
        return _number(row["share_below"])

    def crossings(self, scenario: str) -> Iterable[tuple[str, str, Estimate, float, float]]:
        """Place, rung, change of the chance, chance under the scenario and under the baseline."""
        for row in self.rows("crossings.csv"):
            if (row["scenario"], row["reference"]) == (scenario, self.reference(scenario)):
                change = Estimate(
                    *_three(row, ("change", "change_low95", "change_high95")),
                    f"crossings.csv: {scenario}, {row['place']}, {row['rung']}",
                )
                yield (
                    row["place"],
                    row["rung"],
                    change,
                    _number(row["chance"]),
                    _number(row["chance_reference"]),
                )

    def level(
        self, scenario: str, place: str, year: int, variable: str = "population"
    ) -> tuple[float, float, float]:
        """Median of a figure with the central 90 % of the runs."""
        row = self._summary[scenario, place, variable, year]
        return row[2], row[0], row[4]

    def fan(
        self, scenario: str, place: str, variable: str = "population"
    ) -> tuple[list[int], list[list[float]]]:
        """Years, and quantiles 5, 25, 50, 75, 95 % by year."""
        years = sorted(y for s, p, v, y in self._summary if (s, p, v) == (scenario, place, variable))
        columns = [self._summary[scenario, place, variable, year] for year in years]
        return years, [[column[k] for column in columns] for k in range(5)]

    @cached_property
    def _summary(self) -> dict[tuple[str, str, str, int], tuple[float, ...]]:
        keys = ("q05", "q25", "median", "q75", "q95")
        return {
            (row["scenario"], row["place"], row["variable"], int(row["year"])): tuple(
                _number(row[key]) for key in keys
            )
            for row in self.rows("summary.csv")
            if row["variable"] == "population"
        }

    def moves(self, scenario: str, year: int) -> dict[tuple[str, str], float]:
        """Persons who move in a year by origin and destination, mean over runs."""
        files = sorted(str(path) for path in (self.folder / "flows").glob("part-*.parquet"))
        with duckdb.connect(config={"threads": 1}) as database:
            rows = database.execute(
                "select origin, destination, sum(persons)::bigint from read_parquet($files) "
                "where scenario = $scenario and year = $year group by all order by all",
                {"files": files, "scenario": scenario, "year": year},
            ).fetchall()
        return {(origin, destination): persons / self.runs for origin, destination, persons in rows}

    def checks(self) -> list[dict[str, str]]:
        """Runs repeated at a pessimistic end of a prior: its parameter and their identity."""
        return [
            {
                "parameter": path.parent.name.removeprefix("check-"),
                "identity": json.loads(path.read_text(encoding="utf-8"))["identity"],
            }
            for path in sorted(self.folder.glob("check-*/manifest.json"))
        ]

    def _row(self, name: str, **keys: str) -> Row:
        row = self.found(name, **keys)
        if row is None:
            raise BadInput(
                f"{self.folder / name}: no row of {', '.join(keys.values())}; run the comparison again"
            )
        return row


def _number(text: str) -> float:
    return float(text) if text else math.nan


def _three(row: Row, keys: tuple[str, str, str]) -> tuple[float, float, float]:
    return _number(row[keys[0]]), _number(row[keys[1]]), _number(row[keys[2]])
