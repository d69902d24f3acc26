"""The shipped files of the audit in memory, for tests that corrupt or repair them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from calibration.audit_data import SHIPPED

Row = dict[str, str]


class AuditFiles:
    """Rows of all files the audit reads; changed by a test and written to a folder of their own."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {}
        for name, folder in SHIPPED.items():
            with (folder / name).open(encoding="utf-8", newline="") as file:
                self.tables[name] = list(csv.DictReader(file))

    def value(self, file: str, territory: str, variable: str, year: int) -> float:
        return float(self._row(file, territory, variable, year)["value"])

    def set(self, file: str, territory: str, variable: str, year: int, value: float) -> None:
        self._row(file, territory, variable, year)["value"] = f"{value:.10g}"

    def _row(self, file: str, territory: str, variable: str, year: int) -> Row:
        key = (territory, variable, str(year))
        return next(
            row for row in self.tables[file] if (row["territory"], row["variable"], row["year"]) == key
        )

    def official(self, place: str, variable: str, year: int) -> float:
        return self.value("accounts.csv", place, variable, year)

    def net(self, place: str, year: int) -> float:
        """Net migration that counts, births and deaths imply."""
        return (
            self.official(place, "population_1jan", year + 1)
            - self.official(place, "population_1jan", year)
            - self.official(place, "births", year)
            + self.official(place, "deaths", year)
        )

    def set_net(self, place: str, year: int, target: float) -> None:
        """Change births, or deaths where births would be negative, so that net migration is ``target``."""
        surplus = self.net(place, year) - round(target)
        births = self.official(place, "births", year) + surplus
        if births >= 0:
            self.set("accounts.csv", place, "births", year, births)
        else:
            deaths = self.official(place, "deaths", year) - surplus
            self.set("accounts.csv", place, "deaths", year, deaths)
        self.set("accounts.csv", place, "net_migration_implied", year, round(target))

    def keep(self, file: str, wanted: Callable[[Row], bool]) -> None:
        self.tables[file] = [row for row in self.tables[file] if wanted(row)]

    def write(self, folder: Path) -> Path:
        for name, rows in self.tables.items():
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]) if rows else self._header(name))
                writer.writeheader()
                writer.writerows(rows)
        return folder

    @staticmethod
    def _header(name: str) -> list[str]:
        with (SHIPPED[name] / name).open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))
