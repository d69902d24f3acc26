"""Reading an ensemble: columns of the table of results as arrays, flows, and the summary.

Sums over floating-point columns are taken in the order of the rows with one thread, so that they do not
change from one reading to the next.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.design import Batch
from model.record import COLUMNS

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SUMMARY_HEADER = (
    "scenario",
    "year",
    "place",
    "variable",
    "runs",
    "mean",
    "q05",
    "q25",
    "median",
    "q75",
    "q95",
)
SUMMARY_DIGITS = 10
COLUMNS_AT_ONCE = 6


class Results:
    """The complete parts of one ensemble's folder, read through DuckDB; a context manager.

    Args:
        folder: the ensemble's folder.
        batches: its complete parts (`Store.held`).
        scenarios, places: names in the order of the rows (both sorted). years: all years of the design.
    """

    def __init__(
        self,
        folder: Path,
        batches: Sequence[Batch],
        scenarios: Sequence[str],
        years: Sequence[int],
        places: Sequence[str],
    ) -> None:
        self.folder, self.scenarios, self.places = folder, tuple(scenarios), tuple(places)
        self.years = np.asarray(years)
        # Pairs (draw x replicates + replicate) in the order of the runs
        self.pairs = tuple(pair for batch in batches for pair in range(batch.first, batch.end))
        self.runs = len(self.pairs)
        self._batches = tuple(batches)
        self._names = [f"part-{batch.number:06d}.parquet" for batch in batches]
        self._database = duckdb.connect(config={"threads": 1})

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def _files(self, table: str) -> list[str]:
        return [str(self.folder / table / name) for name in self._names]

    def columns(self, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Columns of the table of results, float64[scenarios, runs, years, places] each; NaN where null.

        Runs are in the order of (draw, replicate).
        """
        listed = ", ".join(f'"{name}"' for name in names)
        # Parts hold their rows sorted and are read in order by one thread: no sort is needed
        read = self._database.execute(
            f"select {listed} from read_parquet($files)", {"files": self._files("parts")}
        ).fetchnumpy()
        return {name: self._by_run(_filled(read[name])) for name in names}

    def _by_run(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows part by part, float64[rows], as float64[scenarios, runs, years, places]."""
        shape = (len(self.scenarios), len(self.years), len(self.places))
        ordered = np.empty((shape[0], self.runs, *shape[1:]))
        row, run = 0, 0
        for batch in self._batches:
            pairs = batch.end - batch.first
            rows = shape[0] * pairs * shape[1] * shape[2]
            block = column[row : row + rows].reshape(shape[0], pairs, *shape[1:])
            ordered[:, run : run + pairs] = block
            row, run = row + rows, run + pairs
        return ordered

    def moves(self, scenario: str, first: int, last: int) -> dict[tuple[str, str], int]:
        """Persons who moved by (origin, destination) in the years `first` to `last`, summed over all runs."""
        rows = self._database.execute(
            "select origin, destination, sum(persons)::bigint from read_parquet($files) "
            "where scenario = $scenario and year between $first and $last group by all",
            {"files": self._files("flows"), "scenario": scenario, "first": first, "last": last},
        ).fetchall()
        return {(origin, destination): persons for origin, destination, persons in rows}

    def summary(self) -> str:
        """Content of summary.csv: mean and quantiles over runs of every column, by scenario, year and place.

        A few columns are held at a time, so that memory stays bounded.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(SUMMARY_HEADER)
        for chunk in range(0, len(COLUMNS), COLUMNS_AT_ONCE):
            columns = COLUMNS[chunk : chunk + COLUMNS_AT_ONCE]
            read = self.columns([column.name for column in columns])
            for column in columns:
                years = self.years[:-1] if column.is_flow else self.years
                values = read[column.name][:, :, : len(years), :]
                figures = np.stack([mean_in_order(values), *np.quantile(values, QUANTILES, axis=1)], axis=-1)
                for s, scenario in enumerate(self.scenarios):
                    for t, year in enumerate(years.tolist()):
                        for p, place in enumerate(self.places):
                            cells = [f"{value:.{SUMMARY_DIGITS}g}" for value in figures[s, t, p].tolist()]
                            writer.writerow((scenario, year, place, column.name, self.runs, *cells))
        return text.getvalue()


def _filled(column: Any) -> NDArray[np.float64]:
    """A column as DuckDB hands it over (masked where null) with NaN for null."""
    return np.asarray(np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan))


def mean_in_order(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over runs (axis 1), added run by run: the order of numpy's own sum depends on the shape."""
    total = np.zeros_like(values[:, 0])
    for run in range(values.shape[1]):
        total += values[:, run]
    mean: NDArray[np.float64] = total / values.shape[1]
    return mean
