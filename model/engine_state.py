"""The state of one run: its world, parameters and chance, the columns of people and the tables of places.

`engine.py` leads it through the years, phase by phase.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model import draws, settlements
from model.accounts import Ledger, count_stock, new_ledger
from model.arrivals import Arrivers
from model.buffers import Buffers
from model.choice import Choice, Places, log_distances, new_choice, rogers_castro
from model.choice_sets import choice_sets, rivals
from model.demography import (
    Vital,
    new_vital,
)
from model.founding import Founding
from model.labour import Centres, Cuts
from model.levers import Levers, check_levers, neutral_levers
from model.migration import (
    Incomes,
)
from model.normalisation import Norm
from model.opening import open_world
from model.outlook import build_outlook
from model.parameters import ParameterValues, waged_places
from model.partings import departs
from model.population import (
    AGES,
    SECTORS,
    refresh_marks,
)
from model.readiness import Readiness
from model.record import Record
from model.register_counts import known_counts
from model.settlements import LANES, Settlements, new_settlements
from model.world import World
from model.zones import project_columns, qyzyljar_projects


class EngineState(Buffers):
    """One run of one world on a 1 January.

    Args:
        world: the world; founding: its founding population (shared, never written to).
        values: a complete set of parameter values. seed: the run's seed (`draws.run_seed`).
        levers: what policies and futures change; None changes nothing.
        horizon: last 1 January that is reached.

    Raises:
        ValueError: the horizon does not lie after the world's start.
        LeversError: levers of another world, or that end before the horizon.
    """

    def __init__(
        self,
        world: World,
        founding: Founding,
        values: ParameterValues,
        seed: np.uint64,
        levers: Levers | None = None,
        horizon: int = 2045,
    ) -> None:
        if horizon <= world.start:
            raise ValueError(
                f"horizon {horizon}: expected a year after {world.start}, the start of world '{world.name}'"
            )
        if levers is not None:
            check_levers(levers, world, horizon)
        self.world, self.founding, self.values, self.seed = world, founding, values, np.uint64(seed)
        self.horizon, self.start, self.year = horizon, world.start, world.start
        self.levers = levers if levers is not None else neutral_levers(world, horizon)
        self.settings, self.table = values.settings(), values.table()
        self.outlook = build_outlook(world, values, self.levers, self.seed, horizon)
        self.keys: NDArray[np.uint64] = np.array([draws.text_key(place) for place in world.ids], np.uint64)
        self.omega: NDArray[np.float64] = values.by_place("omega", 1.0)
        self.waged: NDArray[np.bool_] = np.zeros(world.n_all, np.bool_)
        self.waged[waged_places(world)] = True
        n_sim, n_all = world.n_sim, world.n_all
        self.is_centre: NDArray[np.bool_] = np.array(
            [kind in ("regional_centre", "capital") for kind in world.kind]
        )
        self.state: Settlements = new_settlements(n_sim, n_all)
        self.ledger: Ledger = new_ledger(n_sim, n_all)
        self.choice: Choice = new_choice(n_sim, n_all, choice_sets(world))
        self.vital: Vital = new_vital(n_sim)
        self.incomes = Incomes(np.zeros(n_sim), np.zeros(n_sim))
        self.places = Places(
            np.zeros(n_all),
            world.infrastructure_Q.copy(),
            world.services_S.copy(),
            world.rent_index.copy(),
            world.size_2015,
            np.zeros(n_all),
            world.nest,
            world.is_destination,
            world.is_study_place,
            self.keys,
            np.empty((n_all, n_all)),
            rivals(world),
        )
        log_distances(world.road_km, self.places.log_distance)
        self.projects = project_columns(
            (qyzyljar_projects(world) if self.levers.qyzyljar else ()) + self.levers.projects
        )
        self.largest_arrival = int(np.diff(founding.templates.first).max())
        self.arrivers = Arrivers(
            values["stayer_share"], np.minimum(1.0, world.kin_share * values["kin_scale"])
        )
        self.fertility_log = founding.fertility_offset + values.by_place("fertility")[:n_sim]
        self.mortality_log = founding.mortality_offset + values.by_place("mortality")[:n_sim]
        self.arrival_variation = values.by_place("arrival_variation")[:n_sim]
        self.register_bias = np.array([math.exp(b) for b in values.by_place("register_bias")[:n_sim]])
        self.mobility = np.empty(AGES)
        rogers_castro(self.mobility)
        self.centres = Centres(
            world.commuting_centre,
            np.array([world.road_km[s, world.commuting_centre[s]] for s in range(n_sim)]),
            np.zeros(n_all),
            np.zeros(n_all),
            np.zeros(n_sim),
            np.ones(n_sim),
            np.zeros(n_sim, np.bool_),
        )
        self.cuts = Cuts(
            np.zeros((n_sim, SECTORS), np.uint64),
            np.zeros(n_sim, np.uint64),
            np.zeros(n_sim, np.uint64),
            np.zeros(n_sim),
        )
        self.tally: NDArray[np.int64] = np.zeros((LANES, 2 * n_sim), np.int64)
        self.wages: NDArray[np.float64] = np.zeros(n_all)
        self.expected_arrivals: NDArray[np.float64] = np.zeros((n_sim, n_all))
        self.arrival_counts: NDArray[np.int64] = np.zeros((n_sim, n_all), np.int64)
        self.settlers: NDArray[np.int64] = np.zeros(n_sim, np.int64)
        super().__init__(founding, self.ledger)
        # Counts that are met, households added for it by year and factors on the hazards; and the households of the
        # run without policies, where policies change the years of these counts (`register_counts`).
        self.bound_counts = known_counts(world, int(self.settings.bound_until), horizon) * founding.replicates
        self.shift: NDArray[np.int64] = np.zeros((len(self.bound_counts), n_sim, n_all), np.int64)
        self.push: NDArray[np.float64] = np.ones((len(self.bound_counts) + 1, n_sim))
        self.guide: NDArray[np.int64] | None = None
        self.departs_early = self.departs(levers)
        self.alpha, self.border = 0.0, 1.0
        self.opening_keys = np.uint64(0)
        self.record: Record = self.new_record()
        self.population_2015 = world.founding_population * founding.replicates
        # What `open_world` derives from founders and parameters.
        self.norm: Norm
        self.readiness: Readiness
        self.kappa_2015: NDArray[np.float64]
        self.kappa: NDArray[np.float64]
        self.study_logit_2015: NDArray[np.float64]
        self.leaving_2015: NDArray[np.float64]
        self.arrival_base: NDArray[np.float64]
        self.origin_share: NDArray[np.float64]
        self.study_origin: NDArray[np.int64]
        self.origins: NDArray[np.bool_]
        self.advantage: NDArray[np.float64]
        self.advantage_2015: NDArray[np.float64]
        self.regime_hazard: NDArray[np.float64]
        self.regime_arrivals: NDArray[np.float64]
        self.level_2015: NDArray[np.int64]
        self.participation: NDArray[np.uint64]
        self.labour_force_outside: NDArray[np.float64]
        open_world(self)
        self.record.pyramid_first[:] = self.ledger.closing
        self.note_stocks()

    # What kinds of worlds do their own way ------------------------------------------------------------

    def new_record(self) -> Record:
        """Room for what the run records."""
        return Record(self.start, self.horizon, self.world.n_sim, self.world.n_all)

    def show_services(self) -> None:
        """Services that the places offer beyond what `show_places` says; in most worlds that is all."""

    def job_shares(self) -> NDArray[np.float64]:
        """Shares of jobs by place and sector, float64[n_sim, 4]; empty where the settings hold everywhere."""
        return np.empty((0, SECTORS))

    def departs(self, levers: Levers | None) -> bool:
        """Whether levers change anything before the last count that is met."""
        years = len(self.bound_counts)
        return years > 0 and levers is not None and departs(self.world, levers, self.start + years)

    # Rows and counts ----------------------------------------------------------------------------------

    def recount(self) -> None:
        """Take the opening stock from the columns (after the founders settled, or after an edit by hand)."""
        refresh_marks(self.people, self.households, self.n_households)
        self.ensure_residence()
        self.opening_keys = np.uint64(
            count_stock(self.people, self.households, self.n_households, self.residence, self.ledger.closing)
        )
        self.count_places()

    def count_places(self) -> None:
        """Population, households and pupils of the places on this 1 January."""
        settlements.count_places(self.ledger.closing, self.households.place, self.n_households, self.state)

    def note_stocks(self) -> None:
        """Record what holds on this 1 January."""
        self.record.note_stocks(
            self.t, self.ledger.closing, self.state, self.register_bias, self.state.dwellings
        )

    @property
    def t(self) -> int:
        """Number of the year, 0 for the first."""
        return self.year - self.start
