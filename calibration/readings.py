"""How each observed series is read off the simulated truth, before any error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.audit_checks_labour import LABOUR_FORCE
from calibration.observation_errors import Figure
from model.record import Record

Floats = NDArray[np.float64]
COLUMNS_NEEDED: Final = (
    "population",
    "births",
    "deaths",
    "labour_force",
    "unemployment_rate",
    "wage",
    "output_agriculture",
    "output_industry",
)


@dataclass(frozen=True, eq=False)
class Truth:
    """Simulated years of a batch of runs.

    Attributes:
        columns: float64[runs, years, places] by column of the table of results (`model/record.py`); flows may be
            NaN in the last year.
        years: calendar year of each 1 January. places: ids of the places.
    """

    columns: Mapping[str, Floats]
    years: tuple[int, ...]
    places: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check columns and shapes; raises ValueError that names what is wrong."""
        missing = [name for name in COLUMNS_NEEDED if name not in self.columns]
        if missing:
            raise ValueError(f"truth lacks the columns {', '.join(missing)}")
        runs = self.columns[COLUMNS_NEEDED[0]].shape[0]
        expected = (runs, len(self.years), len(self.places))
        for name in COLUMNS_NEEDED:
            if self.columns[name].shape != expected:
                raise ValueError(f"column '{name}' has shape {self.columns[name].shape}, expected {expected}")

    @classmethod
    def of_records(cls, records: Sequence[Record], places: Sequence[str]) -> Truth:
        """Return the truth of single runs, as the engine records them; all of the same years."""
        stacked = {name: np.stack([record.column(name) for record in records]) for name in COLUMNS_NEEDED}
        return cls(stacked, tuple(int(year) for year in records[0].years), tuple(places))

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.columns[COLUMNS_NEEDED[0]].shape[0])

    def at(self, column: str, year: int, place: str) -> Floats:
        """Return float64[runs] of a column.

        Raises:
            ValueError: the year or place is not simulated, or the column holds no number there.
        """
        if year not in self.years or place not in self.places:
            raise ValueError(
                f"no simulated {column} of {place} in {year}; years {self.years[0]}-{self.years[-1]}"
            )
        values = self.columns[column][:, self.years.index(year), self.places.index(place)]
        if np.isnan(values).any():
            raise ValueError(f"simulated {column} of {place} in {year} is not a number in some run")
        return np.asarray(values, dtype=np.float64)


def recorded(one: Figure, truth: Truth, prices: Mapping[int, float]) -> Floats:
    """Return what is recorded of a figure without errors, float64[runs], in the unit of the figure.

    Output per head is in an unknown unit: its level is free.

    Raises:
        ValueError: the figure's year or place is not simulated.
    """
    return READINGS[one.series](one, truth, prices)


def _count(one: Figure, truth: Truth, _: Mapping[int, float]) -> Floats:
    return truth.at("population", one.year, one.place)


def _births(one: Figure, truth: Truth, _: Mapping[int, float]) -> Floats:
    return truth.at("births", one.year, one.place)


def _deaths(one: Figure, truth: Truth, _: Mapping[int, float]) -> Floats:
    return truth.at("deaths", one.year, one.place)


def _net_migration(one: Figure, truth: Truth, _: Mapping[int, float]) -> Floats:
    """Implied by the accounts, as the statistician computes it: P(t+1) - P(t) - births + deaths."""
    return (
        truth.at("population", one.year + 1, one.place)
        - truth.at("population", one.year, one.place)
        - truth.at("births", one.year, one.place)
        + truth.at("deaths", one.year, one.place)
    )


def _balance(one: Figure, truth: Truth, prices: Mapping[int, float]) -> Floats:
    return one.coverage * _net_migration(one, truth, prices)


def _labour_force(one: Figure, truth: Truth, _: Mapping[int, float]) -> Floats:
    return truth.at("labour_force", one.year, one.place)


def _employed(one: Figure, truth: Truth, _: Mapping[int, float]) -> Floats:
    """The column of the paper: labour force x (1 - official rate), the labour force, or half-way between."""
    force = truth.at("labour_force", one.year, one.place)
    rate = truth.at("unemployment_rate", one.year, one.place)
    share = {LABOUR_FORCE: 0.0, "either": 0.5, "": 1.0}[one.reading]
    return force * (1.0 - share * rate)


def _unemployment(one: Figure, truth: Truth, _: Mapping[int, float]) -> Floats:
    return 100.0 * truth.at("unemployment_rate", one.year, one.place)


def _wage(one: Figure, truth: Truth, prices: Mapping[int, float]) -> Floats:
    """Nominal: the model's wages are at 2020 prices."""
    return truth.at("wage", one.year, one.place) * prices[one.year]


def _output_per_head(column: str) -> Callable[[Figure, Truth, Mapping[int, float]], Floats]:
    def per_head(one: Figure, truth: Truth, prices: Mapping[int, float]) -> Floats:
        people = np.maximum(truth.at("population", one.count_year, one.place), 1.0)
        return truth.at(column, one.year, one.place) * prices[one.year] / people

    return per_head


READINGS: Final[dict[str, Callable[[Figure, Truth, Mapping[int, float]], Floats]]] = {
    "count": _count,
    "births": _births,
    "deaths": _deaths,
    "net_migration": _net_migration,
    "migration_balance": _balance,
    "labour_force": _labour_force,
    "employed": _employed,
    "unemployment_rate": _unemployment,
    "wage": _wage,
    "agricultural_output": _output_per_head("output_agriculture"),
    "industrial_output": _output_per_head("output_industry"),
}
