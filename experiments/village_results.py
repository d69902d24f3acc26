"""Reading an ensemble of villages: counts by year, hazards by size class, districts, policies against the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from experiments.cost_effectiveness import DISCOUNT, Ratio, cost_ratio, person_years, present_value
from experiments.design import Batch
from experiments.paired_statistics import Difference, summarised
from experiments.village_cases import VillageCase
from experiments.village_parts import CLASS_NAMES

Floats = NDArray[np.float64]
MEASURES = (
    "villages", "people", "empty", "at_most_10", "under_50", "under_50_three_years", "listed",
    "off_list_with_people", "lost_school", "lost_medical", "lost_farm", "cost",
)  # fmt: skip
INTERVAL = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Counts:
    """Counts of one scenario: float64[measure][runs, years, districts]."""

    years: NDArray[np.int64]
    districts: tuple[str, ...]
    values: dict[str, Floats]

    def total(self, measure: str) -> Floats:
        """Sum over districts, float64[runs, years]."""
        return self.values[measure].sum(axis=2)

    def at(self, year: int) -> int:
        """Index of a year."""
        return int(year - self.years[0])


class VillageResults:
    """The complete parts of one ensemble of villages; a context manager."""

    def __init__(self, folder: Path, batches: Sequence[Batch]) -> None:
        self.folder = folder
        self._names = [f"part-{batch.number:06d}.parquet" for batch in batches]
        self._database = duckdb.connect(config={"threads": 1})

    def __enter__(self) -> VillageResults:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def _read(self, table: str, columns: str, where: str, given: dict[str, Any]) -> dict[str, Any]:
        files = [str(self.folder / table / name) for name in self._names]
        found: dict[str, Any] = self._database.execute(
            f"select {columns} from read_parquet($files) {where}", {"files": files, **given}
        ).fetchnumpy()
        return found

    def counts(self, scenario: str) -> Counts:
        """All counts of a scenario, runs in the order of draws."""
        read = self._read(
            "parts",
            f"draw, year, district, {', '.join(MEASURES)}",
            "where scenario = $scenario order by draw, year, district",
            {"scenario": scenario},
        )
        years = np.unique(np.asarray(read["year"], np.int64))
        districts = tuple(sorted(set(np.asarray(read["district"]).tolist())))
        runs = len(read["draw"]) // (len(years) * len(districts))
        shape = (runs, len(years), len(districts))
        return Counts(
            years,
            districts,
            {name: np.asarray(read[name], np.float64).reshape(shape) for name in MEASURES},
        )

    def hazards(self, scenario: str, year: int) -> dict[str, Floats]:
        """By class on 1 January of `year`: float64[runs, 4] villages, empty ten years later, log growth, squares."""
        read = self._read(
            "classes",
            "draw, size_class, sum(villages) villages, sum(emptied_later) emptied, sum(growth_sum) growth, "
            "sum(growth_squares) squares",
            "where scenario = $scenario and year = $year group by all order by draw",
            {"scenario": scenario, "year": year},
        )
        out: dict[str, Floats] = {}
        names = np.asarray(read["size_class"])
        for name in CLASS_NAMES:
            own = names == name
            out[name] = np.column_stack(
                [
                    np.asarray(read[key], np.float64)[own]
                    for key in ("villages", "emptied", "growth", "squares")
                ]
            )
        return out

    def village_chances(self, scenario: str, founding: int = 0) -> dict[str, Any]:
        """Villages of one founding: share of runs in which each is empty, under 50 for three years, at the horizon."""
        return self._read(
            "villages",
            "village, any_value(name) as label, any_value(district) as district, any_value(lat) as lat, "
            "any_value(lon) as lon, any_value(people_2015) as people, bool_or(synthetic) as synthetic, "
            "avg((empty_since > 0)::int) as empty, avg((under_50_three_years > 0)::int) as dissolved, count(*) as runs",
            "where scenario = $scenario and founding = $founding group by village order by village",
            {"scenario": scenario, "founding": founding},
        )


def quantiles(values: Floats) -> tuple[float, float, float]:
    """Low, median, high of the central 90 %."""
    low, median, high = np.quantile(values, INTERVAL)
    return float(low), float(median), float(high)


@dataclass(frozen=True)
class PolicyEffect:
    """A policy against the baseline of the same future on the same draws.

    Attributes:
        alive, saved: villages not empty, and of at least 50 people, at the horizon. village_years: years in which
            villages have at least 50 people, discounted. people: at the horizon.
        cost: present value of public money, million KZT at 2020 prices. per_village_year: cost per discounted year.
    """

    case: VillageCase
    alive: Difference
    saved: Difference
    village_years: Difference
    people: Difference
    cost: Difference
    per_village_year: Ratio


def _lost(counts: Counts) -> Floats:
    """Villages that are empty or have fewer than 50 people, float64[runs, years]."""
    return counts.total("empty") + counts.total("under_50")


def policy_effect(
    case: VillageCase, baseline: Counts, policy: Counts, rate: float = DISCOUNT
) -> PolicyEffect:
    """Paired differences of a policy to its baseline; money and village-years count less by `rate` a year."""
    saved = _lost(baseline) - _lost(policy)
    alive = baseline.total("empty")[:, -1] - policy.total("empty")[:, -1]
    years = policy.years[:-1].astype(np.float64)
    gained = present_value(person_years(saved), years, rate)
    spent = present_value(policy.total("cost")[:, :-1], years, rate)
    return PolicyEffect(
        case,
        summarised(alive),
        summarised(saved[:, -1]),
        summarised(gained),
        summarised(policy.total("people")[:, -1] - baseline.total("people")[:, -1]),
        summarised(spent),
        cost_ratio(spent, gained),
    )
