"""What common random numbers save: variance of a paired difference against that of independent seeds.

Two runs that share their seed share the fate of everyone whose circumstances they share (`model/draws.py`).
The difference that a small change makes then varies far less from pair to pair than between runs of two
seeds. How much less is measured here, by year and size of the change, in the town that is changed and in
another one that only feels it through migration.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from model.engine import Engine
    from model.founding import Founding
    from model.levers import Levers
    from model.parameters import ParameterValues
    from model.world import World

WORLD = "towns"
TARGET, SPILL_OVER = "mamlyutka", "bulaevo"
CENTRE = "petropavlovsk"
HORIZON = 2045
FIRST_YEAR = 2016  # of a zone
YEARS = (1, 2, 3, 5, 10, 15, 20, 30)  # after the start
DEFAULTS, PRIORS = "defaults", "declared priors"
OTHER_FOUNDERS = 77  # founding seed of the other people
RESAMPLES = 400
SPLIT_PAIRS = 20
SPLIT_YEARS = 10
Populations = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A change that is compared with none.

    Attributes:
        name: short name. meaning: what is changed.
        to_levers: changes the levers of a run before its start. to_engine: changes the run after its opening.
    """

    name: str
    meaning: str
    to_levers: Callable[[World, Levers], None] | None = None
    to_engine: Callable[[Engine], None] | None = None


def _raise_wage(share: float, engine: Engine) -> None:
    """The wage level of the target town from the first year on, as `town.omega` does in a `BorderModel`."""
    engine.omega[engine.world.index(TARGET)] *= 1.0 + share


def _raise_home_wages(share: float, world: World, levers: Levers) -> None:
    levers.home_wage[:] = 1.0 + share


def _open_zone(place: str, jobs: float, world: World, levers: Levers) -> None:
    """A project of which every job is additional, launched for certain."""
    from model.zones import Project

    levers.projects = (
        Project(
            "measured", f"{place} {jobs:.0f}", world.index(place), FIRST_YEAR, FIRST_YEAR, jobs,
            but_for=1.0, displacement=0.0, launch_factor=1e9,
        ),
    )  # fmt: skip


WAGE_CHANGE = "wage +2 %"
CHANGES: tuple[Change, ...] = (
    *(
        Change(
            f"wage +{100 * share:g} %",
            f"wage level omega of {TARGET.title()} {100 * share:g} % higher from the first year on",
            to_engine=partial(_raise_wage, share),
        )
        for share in (0.005, 0.01, 0.02, 0.05, 0.10)
    ),
    Change(
        "home wages +2 %",
        "wages of all simulated towns and of Petropavlovsk 2 % higher",
        to_levers=partial(_raise_home_wages, 0.02),
    ),
    *(
        Change(
            f"zone, {jobs} jobs",
            f"a zone in {TARGET.title()} with {jobs} additional jobs from {FIRST_YEAR + 1} on",
            to_levers=partial(_open_zone, TARGET, float(jobs)),
        )
        for jobs in (25, 100, 400)
    ),
    *(
        Change(
            f"zone in Petropavlovsk, {jobs:,} jobs",
            f"a zone in Petropavlovsk with {jobs:,} additional jobs from {FIRST_YEAR + 1} on",
            to_levers=partial(_open_zone, CENTRE, float(jobs)),
        )
        for jobs in (700, 5000)
    ),
)


@dataclass(frozen=True)
class Comparison:
    """Differences between runs with and without a change, float64[pairs, years, places].

    Attributes:
        paired: same seed. independent: the run without the change has another seed. other_people: it has the same
            seed, hence the same shocks to drivers, places and arrivals, but other founders.
    """

    paired: Populations
    independent: Populations
    other_people: Populations

    def effect(self, year: int, place: int) -> float:
        """Mean paired difference, persons."""
        return float(self.paired[:, year, place].mean())

    def spread(self, year: int, place: int, against: str = "paired") -> float:
        """Standard deviation of the difference between pairs, persons."""
        return float(getattr(self, against)[:, year, place].std(ddof=1))

    def ratio(self, year: int, place: int, against: str = "independent") -> float:
        """Variance of the difference against another design over that of the paired one; infinite where it is 0."""
        return _variance_ratio(getattr(self, against)[:, year, place], self.paired[:, year, place])

    def ratio_interval(self, year: int, place: int, against: str = "independent") -> tuple[float, float]:
        """Interval of 90 % of `ratio`: percentiles over resampled pairs (bootstrap)."""
        other, paired = getattr(self, against)[:, year, place], self.paired[:, year, place]
        chosen = np.random.default_rng(1).integers(0, len(paired), (RESAMPLES, len(paired)))
        ratios = [_variance_ratio(other[rows], paired[rows]) for rows in chosen]
        low, high = np.quantile(ratios, (0.05, 0.95), method="lower")
        return float(low), float(high)


def _variance_ratio(other: Populations, paired: Populations) -> float:
    below = float(paired.var(ddof=1))
    return float(other.var(ddof=1)) / below if below > 0.0 else float("inf")


@dataclass(frozen=True)
class Split:
    """How far the lives of two runs with one seed and a small change have come apart, means over pairs.

    Attributes:
        year: years after the start.
        elsewhere: persons who live in the town in one of the two runs only, by town.
        household: persons who live there in both, but in different households, by town.
    """

    year: int
    elsewhere: tuple[float, float]
    household: tuple[float, float]


@dataclass(frozen=True)
class Study:
    """All comparisons by parameters and change, and how lives come apart under the 2 % wage change."""

    pairs: int
    places: tuple[str, str]
    names: tuple[str, str]
    years: tuple[int, ...]
    comparisons: dict[str, dict[str, Comparison]]
    splits: tuple[Split, ...] = field(default=())

    def record(self) -> dict[str, Any]:
        """Figures for JSON."""
        rows = []
        for parameters, changes in self.comparisons.items():
            for change, comparison in changes.items():
                for place, name in enumerate(self.places):
                    for at, year in enumerate(self.years):
                        rows.append(
                            {
                                "parameters": parameters,
                                "change": change,
                                "place": name,
                                "year": year,
                                "effect": comparison.effect(at, place),
                                "sd_paired": comparison.spread(at, place),
                                "sd_independent": comparison.spread(at, place, "independent"),
                                "sd_other_people": comparison.spread(at, place, "other_people"),
                            }
                        )
        splits = [
            {"year": split.year, "elsewhere": split.elsewhere, "household": split.household}
            for split in self.splits
        ]
        return {"pairs": self.pairs, "differences": rows, "splits": splits}


def study_chance(
    seed: int,
    pairs: int,
    changes: Sequence[Change] = CHANGES,
    horizon: int = HORIZON,
    split_pairs: int = SPLIT_PAIRS,
) -> Study:
    """Run all pairs on all cores: once at the defaults, once with parameters drawn anew for every pair.

    Args:
        seed: of parameter draws and chance. pairs: number of pairs of runs, at least 2.
        changes: what is compared. horizon: last 1 January. split_pairs: pairs whose lives are followed one by one.
    """
    from model.founding import build_founding
    from model.parameters import ParameterSpace
    from model.world import load_world

    world = load_world(WORLD)
    founders, others = build_founding(world), build_founding(world, seed=OTHER_FOUNDERS)
    space = ParameterSpace(world)
    places = (world.index(TARGET), world.index(SPILL_OVER))
    years = tuple(year for year in YEARS if year <= horizon - world.start)
    comparisons: dict[str, dict[str, Comparison]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for parameters in (DEFAULTS, PRIORS):

            def runs(
                founding: Founding, replicate: int, change: Change | None, drawn: bool = parameters == PRIORS
            ) -> Populations:
                def run(number: int) -> Populations:
                    values = space.draw(seed, number) if drawn else space.defaults()
                    engine = open_run(world, founding, values, seed, number, replicate, change, horizon)
                    return engine.run().column("population")[np.ix_(years, places)]

                return np.array(list(threads.map(run, range(pairs))))

            base, independent = runs(founders, 0, None), runs(founders, 1, None)
            other_people = runs(others, 0, None)
            comparisons[parameters] = {}
            for change in changes:
                changed = runs(founders, 0, change)
                comparisons[parameters][change.name] = Comparison(
                    changed - base, changed - independent, changed - other_people
                )
    names = world.names("en")
    return Study(
        pairs,
        (TARGET, SPILL_OVER),
        (names[places[0]], names[places[1]]),
        years,
        comparisons,
        follow_splits(
            world, founders, space.defaults(), seed, split_pairs, min(SPLIT_YEARS, horizon - world.start)
        ),
    )


def open_run(
    world: World,
    founding: Founding,
    values: ParameterValues,
    seed: int,
    number: int,
    replicate: int,
    change: Change | None,
    horizon: int,
) -> Engine:
    """A run at its start, with the change (None: without)."""
    from model import draws
    from model.engine import Engine
    from model.levers import neutral_levers

    # Counts that are met would take the effect of a change of the engine away again
    values = values.with_values({"bound_until": 0.0})
    levers = neutral_levers(world, horizon)
    if change is not None and change.to_levers is not None:
        change.to_levers(world, levers)
    engine = Engine(world, founding, values, draws.run_seed(seed, number, replicate), levers, horizon)
    if change is not None and change.to_engine is not None:
        change.to_engine(engine)
    return engine


def follow_splits(
    world: World, founding: Founding, values: ParameterValues, seed: int, pairs: int, years: int
) -> tuple[Split, ...]:
    """Compare everyone of two runs with one seed, year by year, under the 2 % wage change."""
    change = next(change for change in CHANGES if change.name == WAGE_CHANGE)
    places = (world.index(TARGET), world.index(SPILL_OVER))
    elsewhere, household = np.zeros((pairs, years, 2)), np.zeros((pairs, years, 2))
    for number in range(pairs):
        one, two = (
            open_run(world, founding, values, seed, number, 0, which, world.start + years)
            for which in (None, change)
        )
        for year in range(years):
            one.step()
            two.step()
            before, after = homes(one), homes(two)
            for at, place in enumerate(places):
                here = {key for key, (where, _) in before.items() if where == place}
                there = {key for key, (where, _) in after.items() if where == place}
                elsewhere[number, year, at] = len(here ^ there)
                both = here & there
                household[number, year, at] = sum(before[key][1] != after[key][1] for key in both)
    return tuple(
        Split(
            year + 1,
            (float(elsewhere[:, year, 0].mean()), float(elsewhere[:, year, 1].mean())),
            (float(household[:, year, 0].mean()), float(household[:, year, 1].mean())),
        )
        for year in range(years)
    )


def homes(engine: Engine) -> dict[int, tuple[int, int]]:
    """Place and household of every person, by key."""
    n = engine.n_households
    first = engine.households.first[: n + 1].astype(np.int64)
    home = np.repeat(np.arange(n), np.diff(first))
    columns = (engine.households.place[home].tolist(), engine.households.key[home].tolist())
    return dict(zip(engine.people.key[: engine.n_people].tolist(), zip(*columns, strict=True), strict=True))
