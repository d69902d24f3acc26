"""What an ensemble says about its rungs: survival, years bought by policies, competing rungs, places beyond each rung.

Works for a few towns and for many villages alike: everything is computed by rung from arrays of runs x years x places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.compare_scenarios import NO_ZONE, Case, Comparison, read_comparison
from experiments.extinction_ladder import (
    COLUMNS_NEEDED,
    FIGURES,
    OF_START,
    Crossings,
    ExtinctionRung,
    crossings,
    extinction_rungs,
)
from experiments.intervals import Probability, probability
from experiments.paired_statistics import (
    Difference,
    ProbabilityChange,
    mean_interval,
    probability_change,
    summarised,
)
from experiments.results import Results
from experiments.survival import (
    Incidence,
    RestrictedMean,
    SurvivalCurve,
    cumulative_incidence,
    kaplan_meier,
    restricted_mean,
)
from model.world import World

Floats = NDArray[np.float64]
SEVERAL: Final = "several in the same year"


def read_cases(names: Sequence[str], world: World, horizon: int, futures: Sequence[str] = ()) -> Comparison:
    """The policies asked for under the futures asked for, and the baseline of all these futures.

    Raises:
        BadInput: lists everything that is wrong with any of them.
    """
    found = read_comparison(names, futures, world, horizon)
    asked = {text.partition("@")[0] for text in names}
    kept = tuple(case for case in found.cases if case.policy != NO_ZONE or NO_ZONE in asked)
    return replace(found, cases=kept, yardstick=None, yardstick_places=())


@dataclass(frozen=True)
class YearsBought:
    """What a policy changes about one rung in one place, on the same people and chance as its reference.

    Attributes:
        years: paired differences of the years before crossing, of at most the years to the horizon.
        chance: change of the chance to cross by the horizon.
        crossing: runs in which the reference crosses. of_crossing: mean and 95 % interval over these runs alone
            (unknown with fewer than two). saved: of these, runs in which the policy does not cross by the
            horizon: what they gain beyond it is not counted.
    """

    years: Difference
    chance: ProbabilityChange
    crossing: int
    of_crossing: tuple[float, tuple[float, float]]
    saved: int


@dataclass(frozen=True, eq=False)
class PlacesBeyond:
    """Number of places beyond a rung on each 1 January.

    Attributes:
        places: number looked at. mean: float64[T] expected number. low, high: its 95 % interval over runs; where no
            run has any, `high` is an upper bound. runs_low, runs_high: central 90 % of the runs.
        any_run: bool[T] whether any run has any place beyond it.
    """

    places: int
    mean: Floats
    low: Floats
    high: Floats
    runs_low: Floats
    runs_high: Floats
    any_run: NDArray[np.bool_]


class Outcomes:
    """Crossings of all rungs in all scenarios on the same pairs of runs.

    Attributes:
        comparison, world: what was run. years: int64[T] 1 Januaries. places: ids. runs, pairs: as in `Results`.
        rungs: the ladder.
    """

    def __init__(
        self,
        comparison: Comparison,
        world: World,
        results: Results,
        rungs: Sequence[ExtinctionRung] | None = None,
    ) -> None:
        """Read the columns once."""
        self.comparison, self.world = comparison, world
        self.years: NDArray[np.int64] = results.years.astype(np.int64)
        self.places, self.runs, self.pairs = results.places, results.runs, results.pairs
        self.rungs = tuple(extinction_rungs() if rungs is None else rungs)
        self._columns = results.columns(COLUMNS_NEEDED)
        self._scenario = {name: k for k, name in enumerate(results.scenarios)}
        self._held: dict[tuple[str, str], Crossings] = {}
        self._curves: dict[tuple[str, str, int], SurvivalCurve] = {}

    @property
    def horizon(self) -> int:
        """The last 1 January."""
        return int(self.years[-1])

    @property
    def span(self) -> int:
        """Years from the start to the horizon."""
        return len(self.years) - 1

    def population(self, case: Case) -> Floats:
        """Residents, float64[runs, years, places]."""
        held: Floats = self._columns["population"][self._scenario[case.name]]
        return held

    def crossings(self, case: Case, rung: ExtinctionRung) -> Crossings:
        """First crossings of a rung in a scenario."""
        key = (case.name, rung.id)
        if key not in self._held:
            k = self._scenario[case.name]
            self._held[key] = crossings(rung, {name: values[k] for name, values in self._columns.items()})
        return self._held[key]

    def rungs_of(self, place: int, case: Case) -> list[ExtinctionRung]:
        """Rungs that mean something for a place and are not behind it in every run at the start."""
        kind = self.world.kind[place]
        return [
            rung
            for rung in self.rungs
            if rung.applies(kind) and not self.crossings(case, rung).already(place)
        ]

    def curve(self, case: Case, rung: ExtinctionRung, place: int) -> SurvivalCurve:
        """Kaplan-Meier curve of a rung in a place."""
        key = (case.name, rung.id, place)
        if key not in self._curves:
            found = self.crossings(case, rung)
            self._curves[key] = kaplan_meier(found.times[:, place], found.crossed[:, place], self.span)
        return self._curves[key]

    def chance(self, case: Case, rung: ExtinctionRung, place: int) -> Probability:
        """Chance to cross by the horizon, with Wilson's interval."""
        return probability(int(self.crossings(case, rung).crossed[:, place].sum()), self.runs)

    def restricted(self, case: Case, rung: ExtinctionRung, place: int) -> RestrictedMean:
        """Mean years before crossing, of at most the years to the horizon."""
        found = self.crossings(case, rung)
        return restricted_mean(found.times[:, place], found.crossed[:, place], self.span)

    def years_bought(self, case: Case, reference: Case, rung: ExtinctionRung, place: int) -> YearsBought:
        """What a policy changes about a rung in a place."""
        ours, theirs = self.crossings(case, rung), self.crossings(reference, rung)
        gained = (ours.times[:, place] - theirs.times[:, place]).astype(np.float64)
        hit, missed = theirs.crossed[:, place], ~ours.crossed[:, place]
        return YearsBought(
            summarised(gained),
            probability_change(ours.crossed[:, place], theirs.crossed[:, place]),
            int(hit.sum()),
            mean_interval(gained[hit]) if hit.sum() > 1 else (math.nan, (math.nan, math.nan)),
            int((hit & missed).sum()),
        )

    def competing_rungs(self, case: Case, place: int) -> list[ExtinctionRung]:
        """The next rung of every figure that is not behind the place: those that can come first.

        Rungs of one figure come in a fixed order, and shares of the start's residents are residents too: of these,
        the nearest below the present number stands for all.
        """
        live = self.rungs_of(place, case)
        chosen: dict[str, ExtinctionRung] = {}
        for figure in FIGURES:
            own = [rung for rung in live if rung.figure == figure]
            if not own or (figure == OF_START and "population" in chosen):
                continue
            nearest = min if own[0].side == "above" else max
            chosen[figure] = nearest(own, key=lambda rung: rung.threshold)
        return list(chosen.values())

    def competing(self, case: Case, place: int) -> dict[str, Incidence]:
        """Which rung is reached first, by rung id (SEVERAL where more than one in a year), Aalen & Johansen."""
        rungs = self.competing_rungs(case, place)
        if not rungs:
            return {}
        times = np.stack([self._time(case, rung, place) for rung in rungs])
        first = times.min(axis=0)
        winners = times == first
        kinds = np.where(winners.sum(axis=0) > 1, len(rungs) + 1, winners.argmax(axis=0) + 1)
        crossed = first <= self.span
        kinds = np.where(crossed, kinds, 0)
        found = cumulative_incidence(np.minimum(first, self.span), kinds.astype(np.int64), self.span)
        names = [*(rung.id for rung in rungs), SEVERAL]
        return {names[kind - 1]: incidence for kind, incidence in found.items()}

    def _time(self, case: Case, rung: ExtinctionRung, place: int) -> NDArray[np.int64]:
        """Year of crossing, beyond the span where there is none."""
        found = self.crossings(case, rung)
        return np.where(found.crossed[:, place], found.first[:, place], self.span + 1)

    def places_beyond(self, case: Case, rung: ExtinctionRung, places: Sequence[int]) -> PlacesBeyond:
        """Number of these places beyond a rung on each 1 January."""
        return count_beyond(self.crossings(case, rung).beyond[:, :, list(places)])


def count_beyond(beyond: NDArray[np.bool_]) -> PlacesBeyond:
    """Expected number of places beyond a rung, from bool[runs, years, places].

    Places of one run are not independent: the interval is over runs. It is Student's, widened to Wilson's interval of
    the share of runs with more than the least number, times how many more those have, as a handful of such runs says
    little. Where no run has more, a further run has, with Wilson's bound for the chance, all of them at most.
    """
    runs, _, places = beyond.shape
    counts = beyond.sum(axis=2).astype(np.float64)
    mean, low, high = (np.empty(counts.shape[1]) for _ in range(3))
    for t, held in enumerate(counts.T):
        least = float(held.min())
        more = held[held > least] - least
        share = probability(len(more), runs)
        mean[t], (lower, upper) = mean_interval(held)
        if len(more) == 0:
            low[t], high[t] = least, least + share.high * (places - least)
            continue
        typical = float(more.mean())
        low[t] = max(least, min(lower, least + share.low * typical))
        high[t] = min(float(places), max(upper, least + share.high * typical))
    spread = np.quantile(counts, [0.05, 0.95], axis=0)
    return PlacesBeyond(places, mean, low, high, spread[0], spread[1], np.asarray(counts.any(axis=0)))
