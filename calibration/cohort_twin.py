"""The cohort twin: the model's equations for expected persons instead of persons, deterministic, a few milliseconds.

It serves as benchmark forecaster (`forecast`), control variate (`cohort_control.py`), and instant preview
(`CohortTwin.run`). What is approximated, and how large the gap to the engine is: `docs/cohort-twin.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_destinations import new_destinations
from calibration.cohort_first_day import open_twin
from calibration.cohort_founding import founding_table
from calibration.cohort_incomes import new_chances, new_profile, new_youth
from calibration.cohort_moves import new_students
from calibration.cohort_opening import new_base, new_survey
from calibration.cohort_renewal import new_unions
from calibration.cohort_scene import FixedWorld, fix_world, new_expected_settlements, set_scene, set_years
from calibration.cohort_state import Floats, new_cohorts, new_work
from calibration.cohort_year import Twin, new_room, run_years
from calibration.cohort_zones import new_odds
from model.accounts import AccountsError, Ledger
from model.choice import Places, new_choice
from model.demography import new_vital
from model.founding import Founding
from model.labour import Centres
from model.levers import Levers, check_levers, neutral_levers
from model.migration import Incomes
from model.normalisation import Founders, new_founders, new_norm
from model.outlook import build_outlook
from model.parameters import ParameterValues
from model.partings import departs
from model.population import AGES
from model.readiness import Readiness
from model.record import COLUMN_NAMES
from model.register_counts import known_counts
from model.world import World
from model.zones import project_columns, qyzyljar_projects

# Spreads of shocks that strike a whole place or all places: none in expectation.
SHOCKS = ("sigma_A", "sigma_I", "sigma_W")
LARGEST_BREACH = 1e-6  # persons by which an account of expected persons may miss for rounding


@dataclass(frozen=True)
class CohortPath:
    """Expected years of one run, in the columns of `model.record`.

    Attributes:
        years: int64[years] 1 January dates. values: float64[columns, years, n_sim], flows NaN in the last year.
        flows, arrivals_from: float64[years - 1, n_sim, n_all] persons by destination and by external origin.
        pyramid_first, pyramid_last: float64[n_sim, 2, 111] persons by sex and age.
        breach: largest gap of an account of a place, sex and age, persons (rounding).
    """

    years: NDArray[np.int64]
    values: Floats
    flows: Floats
    arrivals_from: Floats
    pyramid_first: Floats
    pyramid_last: Floats
    breach: float

    def column(self, name: str) -> Floats:
        """One column of the table of results, float64[years, n_sim]."""
        values: Floats = self.values[COLUMN_NAMES.index(name)]
        return values

    @property
    def columns(self) -> dict[str, Floats]:
        """Columns by name, float64[years, n_sim] each."""
        return {name: self.values[k] for k, name in enumerate(COLUMN_NAMES)}


class CohortTwin:
    """The twin of one world and founding population.

    Args:
        world: the world. founding: founders, whose columns are summed once.
    """

    def __init__(self, world: World, founding: Founding) -> None:
        self.world, self.founding = world, founding
        self.table = founding_table(founding, world.n_sim)
        self.fixed = _fixed(world)
        self.population = np.asarray(world.founding_population * founding.replicates, np.float64)

    def run(
        self,
        values: ParameterValues,
        levers: Levers | None = None,
        horizon: int = 2045,
        seed: np.uint64 | None = None,
    ) -> CohortPath:
        """Expected path for one set of parameter values.

        Args:
            values: a complete set of parameter values. levers: policies and futures; None changes nothing.
            horizon: last 1 January.
            seed: None for the expectation over everything; a run's seed to share the shocks that strike whole
                places in that run (output, wages, the rouble, the walk of the hazards, launches of projects,
                numbers of arriving households), so that only the fates of persons are averaged.

        Raises:
            ValueError: the horizon does not lie after the world's start.
            LeversError: levers of another world, or that end before the horizon.
            AccountsError: the accounts of a place do not close.

        Example:
            >>> from calibration.cohort_twin import CohortTwin
            >>> from model.founding import build_founding
            >>> from model.parameters import ParameterSpace
            >>> from model.world import load_world
            >>> world = load_world("towns")
            >>> path = CohortTwin(world, build_founding(world)).run(ParameterSpace(world).defaults(), horizon=2017)
            >>> path.column("population").shape, path.column("population")[0].tolist()
            ((3, 4), [7644.0, 7172.0, 7353.0, 11476.0])
        """
        world = self.world
        if horizon <= world.start:
            raise ValueError(
                f"horizon {horizon}: expected a year after {world.start}, the start of world '{world.name}'"
            )
        if levers is not None:
            check_levers(levers, world, horizon)
        twin = self._run(values, levers, horizon, seed)
        return CohortPath(
            np.arange(world.start, horizon + 1), twin.values, twin.flows, twin.arrivals_from,
            twin.pyramids[0], twin.pyramids[1], float(twin.breach[0]),
        )  # fmt: skip

    def _run(
        self, values: ParameterValues, levers: Levers | None, horizon: int, seed: np.uint64 | None
    ) -> Twin:
        world, has_levers = self.world, levers is not None
        levers = levers if levers is not None else neutral_levers(world, horizon)
        keyed = seed is not None
        key = np.uint64(0) if seed is None else np.uint64(seed)
        table = values.table()
        if not keyed:
            for name in SHOCKS:
                table[name] = 0.0
            values = replace(values, values={**values.values, "exchange_sd": 0.0})
        twin = self._new_run(values, levers, horizon, key)
        end = world.start + len(twin.bound_counts)
        if has_levers and end > world.start and departs(world, levers, end):
            plain = self._run(values, None, end, seed)
            twin.shift[:], twin.push[:] = plain.shift, plain.push
            twin.guided[0] = True
        open_twin(world, twin, table, values)
        run_years(twin, table, world.start, keyed, key)
        breach = float(twin.breach[0])
        if not breach <= LARGEST_BREACH:
            raise AccountsError(
                f"cohort twin of world '{world.name}': an account misses by {breach:g} persons"
            )
        return twin

    def forecast(self, values: ParameterValues, horizon: int = 2045) -> dict[str, Floats]:
        """Benchmark forecast: expected population of every simulated place on 1 January of each year, by place id."""
        population = self.run(values, horizon=horizon).column("population")
        return {place: population[:, k] for k, place in enumerate(self.world.ids[: self.world.n_sim])}

    def _new_run(self, values: ParameterValues, levers: Levers, horizon: int, seed: np.uint64) -> Twin:
        world, fixed = self.world, self.fixed
        n_sim, n_all, years = world.n_sim, world.n_all, horizon - world.start
        projects = project_columns((qyzyljar_projects(world) if levers.qyzyljar else ()) + levers.projects)
        outlook = build_outlook(world, values, levers, seed, horizon)
        bound = known_counts(world, int(values["bound_until"]), horizon) * self.founding.replicates
        return Twin(
            scene=set_scene(world, fixed, values, self.population, self.table.offsets),
            years=set_years(outlook, levers),
            founding=self.table,
            cohorts=new_cohorts(n_sim),
            spare=new_cohorts(n_sim),
            students=new_students(n_sim, fixed.host),
            work=new_work(n_sim),
            state=new_expected_settlements(n_sim, n_all),
            ledger=_new_expected_ledger(n_sim, n_all),
            places=Places(
                np.zeros(n_all),
                world.infrastructure_Q.copy(),
                world.services_S.copy(),
                world.rent_index.copy(),
                world.size_2015,
                np.zeros(n_all),
                world.nest,
                world.is_destination,
                world.is_study_place,
                fixed.keys,
                np.empty((n_all, n_all)),
                np.arange(n_all, dtype=np.int32),
            ),
            choice=new_choice(n_sim, n_all),
            vital=new_vital(n_sim),
            centres=Centres(
                world.commuting_centre,
                fixed.commuting_distance,
                np.zeros(n_all),
                np.zeros(n_all),
                np.zeros(n_sim),
                np.ones(n_sim),
                np.zeros(n_sim, np.bool_),
            ),
            incomes=Incomes(np.zeros(n_sim), np.zeros(n_sim)),
            readiness=Readiness(
                np.zeros(n_sim), np.zeros(n_sim), np.empty(AGES), 0.0, 0.0, np.zeros(n_sim), np.zeros(n_sim)
            ),
            kappa=np.zeros(2),
            profile=new_profile(),
            chances=new_chances(),
            youth=new_youth(),
            destinations=new_destinations(n_all),
            founders=_new_sums(n_sim),
            norm=new_norm(n_sim, n_all),
            base=new_base(n_sim, n_all),
            projects=projects,
            odds=new_odds(len(projects.key)),
            unions=new_unions(),
            survey=new_survey(n_sim),
            room=new_room(n_sim, n_all),
            values=np.full((len(COLUMN_NAMES), years + 1, n_sim), np.nan),
            flows=np.zeros((years, n_sim, n_all)),
            arrivals_from=np.zeros((years, n_sim, n_all)),
            pyramids=np.zeros((2, n_sim, 2, AGES)),
            breach=np.zeros(1),
            bound_counts=bound,
            shift=np.zeros((len(bound), n_sim, n_all)),
            push=np.ones((len(bound) + 1, n_sim)),
            guided=np.zeros(1, np.bool_),
        )


def _new_sums(n_sim: int) -> Founders:
    """Sums over founders without the list of young persons, whom the twin averages."""
    return new_founders(n_sim, 0)


def _new_expected_ledger(n_sim: int, n_all: int) -> Ledger:
    """The engine's accounts for expected persons (float64 instead of whole numbers)."""
    by_age, by_sex, between = (n_sim, 2, AGES), (n_sim, 2), (n_sim, n_all)
    shapes = (by_age, by_age, by_sex, by_sex, by_age, by_age, by_age, between, between)
    columns: list[NDArray[Any]] = [np.zeros(shape) for shape in shapes]
    columns.append(np.zeros(2, np.uint64))  # no keys to check: expected persons have none
    return Ledger(*columns)


_FIXED: WeakKeyDictionary[World, FixedWorld] = WeakKeyDictionary()


def _fixed(world: World) -> FixedWorld:
    if world not in _FIXED:
        _FIXED[world] = fix_world(world)
    return _FIXED[world]
