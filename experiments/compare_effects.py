"""Effects of a comparison: paired differences of every figure by scenario, place and year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from experiments.compare_scenarios import BASELINE, NO_ZONE, YARDSTICK_JOBS, Case, Comparison
from experiments.cost_effectiveness import PRESENT_YEAR, fieller
from experiments.paired_statistics import (
    Difference,
    Floats,
    Interval,
    PairingGain,
    ProbabilityChange,
    difference,
    mean_interval,
    pairing_gain,
    probability_change,
    size_bound,
)
from model.record import COLUMNS
from model.reference_tables import Rung, extinction_ladder
from model.world import World
from scenarios.costs import COLUMNS_NEEDED

ALL = "all"  # all simulated places together
REFERENCES = (BASELINE, NO_ZONE)
IS_FLOW = {column.name: column.is_flow for column in COLUMNS}
# Figures that can be added up over places.
ADDED = (
    "population",
    "births",
    "deaths",
    "in_migration",
    "out_migration",
    "out_russia",
    "out_kazakhstan",
    "net_migration",
    "jobs",
    "employed",
    "commuters",
    "zone_jobs",
)
RATES = (
    "unemployment_rate",
    "hidden_unemployment_rate",
    "wage",
    "perceived_income",
    "wear",
    "services",
    "rent",
)
VARIABLES = (*ADDED, *RATES)


class Columns(Protocol):
    """Figures of runs: read from an ensemble's folder (`Results`), or held in memory by a live comparison."""

    places: tuple[str, ...]
    scenarios: tuple[str, ...]
    years: NDArray[np.int64]
    pairs: tuple[int, ...]

    def columns(self, names: Sequence[str]) -> Mapping[str, Floats]:
        """Columns by name, float64[scenarios, runs, years, places]."""
        ...


class Effects:
    """The figures of all cases on the same pairs of runs.

    Attributes:
        comparison, world: what is compared. places: simulated places, then `ALL`. years: all 1 Januaries.
        pairs, runs: numbers of the pairs in the order of the runs; how many they are.
    """

    def __init__(self, comparison: Comparison, world: World, results: Columns) -> None:
        """Read the columns of the results once."""
        self.comparison, self.world = comparison, world
        self.places = (*results.places, ALL)
        self.years = results.years
        self.pairs, self.runs = results.pairs, len(results.pairs)
        self._scenario = {name: k for k, name in enumerate(results.scenarios)}
        read = results.columns(tuple(dict.fromkeys((*VARIABLES, *COLUMNS_NEEDED))))
        self._values = {name: _with_all(values) if name in ADDED else values for name, values in read.items()}

    def values(self, name: str, case: Case) -> Floats:
        """A figure of a case: float64[runs, years, places], the sum of all places last where it can be added up."""
        held: Floats = self._values[name][self._scenario[case.name]]
        return held

    def columns(self, case: Case) -> dict[str, Floats]:
        """All figures of a case in the simulated places, float64[runs, years, places]."""
        n_sim = len(self.places) - 1
        return {name: self.values(name, case)[:, :, :n_sim] for name in self._values}

    def at(self, name: str, case: Case, place: str, year: int) -> Floats:
        """A figure of a case in a place on a 1 January or during a year: float64[runs]."""
        cell: Floats = self.values(name, case)[:, year - int(self.years[0]), self.places.index(place)]
        return cell

    def difference(self, name: str, case: Case, reference: Case, place: str, year: int) -> Difference:
        """Paired difference of a figure in a place and year."""
        return difference(self.at(name, case, place, year), self.at(name, reference, place, year))

    def total_difference(
        self, name: str, case: Case, reference: Case, place: str, first: int, last: int
    ) -> Difference:
        """Paired difference of a flow summed over the years `first` to `last`."""
        p, start = self.places.index(place), int(self.years[0])
        window = slice(first - start, last - start + 1)
        summed = (self.values(name, one)[:, window, p].sum(axis=1) for one in (case, reference))
        return difference(*summed)

    def ever_differs(self, name: str, case: Case, reference: Case) -> bool:
        """Whether a figure differs in any run, year or place."""
        return not np.array_equal(self.values(name, case), self.values(name, reference), equal_nan=True)

    @property
    def last_year(self) -> int:
        """The last 1 January."""
        return int(self.years[-1])

    def crossings(
        self, case: Case, reference: Case, place: int
    ) -> list[tuple[Rung, ProbabilityChange | None]]:
        """Change of the chance to fall below each rung by the horizon; None where the start lies below already."""
        found: list[tuple[Rung, ProbabilityChange | None]] = []
        for rung in extinction_ladder():
            if float(self.world.founding_population[place]) < rung.persons:
                found.append((rung, None))
                continue
            below = [self._falls_below(one, place, rung.persons) for one in (case, reference)]
            found.append((rung, probability_change(*below)))
        return found

    def _falls_below(self, case: Case, place: int, persons: float) -> NDArray[np.bool_]:
        fallen: NDArray[np.bool_] = (self.values("population", case)[:, 1:, place] < persons).any(axis=1)
        return fallen

    def bound(self, case: Case, reference: Case, place: str) -> float | None:
        """Size of the effect on population at the horizon that is not exceeded with 95 % certainty."""
        ours, theirs = (self.at("population", one, place, self.last_year) for one in (case, reference))
        return size_bound(ours - theirs)

    def gain_of_pairing(self, case: Case, reference: Case, place: str = ALL) -> PairingGain | None:
        """What pairing saved for the population at the horizon."""
        return pairing_gain(*(self.at("population", one, place, self.last_year) for one in (case, reference)))

    def yardstick(self) -> list[HoldingJobs]:
        """What jobs in a town do for its population, town by town; none where the yardstick was not run."""
        comparison = self.comparison
        if comparison.yardstick is None:
            return []
        base = comparison.case(BASELINE, "reference")
        found = []
        for p in comparison.yardstick_places:
            place = self.places[p]
            before = self.at("population", base, place, PRESENT_YEAR)
            after = self.at("population", base, place, self.last_year)
            gained = self.at("population", comparison.yardstick, place, self.last_year) - after
            per_job = gained / YARDSTICK_JOBS
            loss = before - after
            mean_loss, of_loss = mean_interval(loss)
            mean_effect, of_effect = mean_interval(per_job)
            found.append(
                HoldingJobs(
                    place,
                    mean_effect,
                    of_effect,
                    mean_loss,
                    of_loss,
                    mean_loss / mean_effect if mean_effect > 0.0 else float("nan"),
                    fieller(loss, per_job),
                )
            )
        return found


@dataclass(frozen=True)
class HoldingJobs:
    """Jobs in a town that would hold its population, linearised from a paired run with 100 of them.

    Attributes:
        place: the town. per_job: residents at the horizon per job opened in 2026 and kept, with its 95 % interval.
            loss: residents lost from 2026 to the horizon in the baseline, mean with its 95 % interval.
        jobs: expected loss / residents per job; of_jobs: its 95 % interval (Fieller), None where unbounded.
    """

    place: str
    per_job: float
    of_per_job: Interval
    loss: float
    of_loss: Interval
    jobs: float
    of_jobs: Interval | None


def _with_all(values: Floats) -> Floats:
    """float64[scenarios, runs, years, places] with the sum over places as one more place, added in their order."""
    total = np.zeros(values.shape[:3])
    for p in range(values.shape[3]):
        total += values[:, :, :, p]
    return np.concatenate((values, total[..., None]), axis=3)
