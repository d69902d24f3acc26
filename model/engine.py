"""The plain engine: the columns of one run and the year as one readable, ordered plan of phases.

One step is a calendar year; the state is dated 1 January. Ensembles run this engine; `BorderModel` wraps
the same one for interactive use. All decisions of a phase read the state at its start.
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import draws, place_year
from model.accounts import REMOVED, Ledger, check_closed, count_stock, new_ledger
from model.arrivals import Arrivers, admit
from model.buffers import Buffers
from model.choice import Choice, Places, log_distances, new_choice, rogers_castro
from model.demography import (
    UNION_CELLS,
    Vital,
    decide_vital_events,
    new_vital,
    pair_on_circle,
)
from model.founding import Founding
from model.labour import Centres, Cuts, match, scan_labour
from model.levers import Levers, neutral_levers
from model.migration import (
    Incomes,
    move_people,
    return_students,
)
from model.new_homes import strike_lone_movers, write_next_year
from model.normalisation import Norm
from model.opening import RETURN_YEARS, open_world
from model.orphans import Refuge, find_hosts, find_orphans
from model.outlook import LAST_OBSERVED_FLOWS, build_outlook
from model.parameters import ParameterValues, waged_places
from model.population import (
    AGES,
    FEMALE,
    SECTORS,
    refresh_marks,
)
from model.readiness import Readiness
from model.record import Record
from model.settlements import LANES, Settlements, count_places, new_settlements
from model.world import World
from model.zones import project_columns, qyzyljar_projects


class Phase(NamedTuple):
    """One phase of the year: its number and name in model.md, its equations, the method that runs it."""

    number: int
    name: str
    equations: str
    run: str


class Engine(Buffers):
    """One run of one world.

    Args:
        world: the world; founding: its founding population (shared, never written to).
        values: a complete set of parameter values. seed: the run's seed (`draws.run_seed`).
        levers: what policies and futures change; None changes nothing.
        horizon: last 1 January that is reached.

    Raises:
        ValueError: the horizon does not lie after the world's start.
    """

    PLAN: ClassVar[tuple[Phase, ...]] = (
        Phase(1, "exogenous drivers", "", "read_drivers"),
        Phase(2, "zones and infrastructure", "18-20", "run_zones_and_networks"),
        Phase(3, "labour demand", "1-4", "set_labour_demand"),
        Phase(4, "participation and matching", "5-7", "match_labour"),
        Phase(5, "wages", "8", "set_wages"),
        Phase(6, "perceived incomes", "9", "perceive"),
        Phase(7, "household and individual moves", "10-12", "move"),
        Phase(8, "students return", "12", "bring_students_back"),
        Phase(9, "arrivals", "13", "admit_arrivals"),
        Phase(10, "unions, births, deaths, ageing", "15-17", "renew_population"),
        Phase(11, "accounts", "", "close_accounts"),
        Phase(12, "records", "", "take_record"),
    )

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
        self.choice: Choice = new_choice(n_sim, n_all)
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
        self.alpha, self.border = 0.0, 1.0
        self.opening_keys = np.uint64(0)
        self.record = Record(self.start, horizon, n_sim, n_all)
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
        self._note_stocks()

    # Rows and counts ----------------------------------------------------------------------------------

    def recount(self) -> None:
        """Take the opening stock from the columns (after the founders settled, or after an edit by hand)."""
        refresh_marks(self.people, self.households, self.n_households)
        self.ensure_residence()
        self.opening_keys = np.uint64(
            count_stock(self.people, self.households, self.n_households, self.residence, self.ledger.closing)
        )
        self._count_places()

    def _count_places(self) -> None:
        """Population, households and pupils of the places on this 1 January."""
        count_places(self.ledger.closing, self.households.place, self.n_households, self.state)

    def _note_stocks(self) -> None:
        self.record.note_stocks(
            self.t, self.ledger.closing, self.state, self.register_bias, self.state.dwellings
        )

    # The year -----------------------------------------------------------------------------------------

    def step(self) -> None:
        """One calendar year: all phases of the plan, accounts closed.

        Raises:
            AccountsError: the accounts of a place do not close.
            RuntimeError: the horizon is reached.
        """
        if self.year >= self.horizon:
            raise RuntimeError(f"the horizon {self.horizon} is reached: build the engine with a later one")
        for phase in self.PLAN:
            getattr(self, phase.run)()

    def run(self) -> Record:
        """All years up to the horizon; returns the record."""
        while self.year < self.horizon:
            self.step()
        return self.record

    @property
    def t(self) -> int:
        """Number of the year, 0 for the first."""
        return self.year - self.start

    def read_drivers(self) -> None:
        """Phase 1: this year's drivers, the walk of the hazards, probabilities of births and deaths."""
        t, world = self.t, self.world
        self.reference, self.unemployment = self.outlook.reference[t], self.outlook.unemployment[t]
        outside = slice(world.n_sim, world.n_all)
        self.places.rent[outside] = world.rent_index[outside] * self.outlook.rent[t, outside]
        self.alpha = float(self.norm.alpha[0]) + math.log(self.levers.russia_odds[t])
        border = self.levers.border_distance[t]
        if border != 1.0 or self.border != 1.0:
            crossing = (world.nest[:, None] == 1) != (world.nest[None, :] == 1)
            log_distances(np.where(crossing, world.road_km * border, world.road_km), self.places.log_distance)
            self.border = border
        place_year.open_places(
            self.ledger,
            world.schedules.mortality,
            world.schedules.fertility,
            float(self.outlook.tfr[t]),
            float(self.outlook.mortality[t]),
            self.fertility_log,
            self.mortality_log,
            self.vital,
            self.households,
            self.n_households,
            self.tally,
            self.kappa_2015,
            self.kappa,
            self.norm.hazard,
            self.regime_hazard,
            self.year > LAST_OBSERVED_FLOWS,
            self.study_logit_2015,
            self.levers.study_logit[t],
            self.levers.return_gain[t],
            RETURN_YEARS,
            self.readiness,
            self.state.walk,
            t > 0,
            self.table,
            self.seed,
            self.year,
            self.keys,
        )

    def run_zones_and_networks(self) -> None:
        """Phase 2: zone projects, wear of networks, services by norm, rents."""
        t, world, levers = self.t, self.world, self.levers
        extra = levers.extra_budget[t]
        place_year.run_zones_and_networks(
            self.projects,
            levers.launch_factor[t],
            self.labour_force_outside,
            self.centres,
            self.population_2015,
            self.outlook.budget[t] + extra,
            extra,
            levers.renewal[t],
            self.level_2015,
            levers.services_kept[t],
            world.services_S,
            world.rent_index,
            levers.rent_factor[t],
            levers.dwellings[t],
            levers.reused[t],
            self.table,
            self.seed,
            self.year,
            self.state,
            self.places,
        )

    def set_labour_demand(self) -> None:
        """Phase 3: output around its trend and posts by sector."""
        t, levers = self.t, self.levers
        place_year.set_labour_demand(
            self.state,
            self.population_2015,
            t,
            float(self.outlook.shedding[t]),
            float(levers.drought[t]),
            float(levers.industry[t]),
            self.table,
            self.seed,
            self.year,
            self.keys,
        )

    def match_labour(self) -> None:
        """Phase 4: participation, separations, hiring, commuting, unemployment."""
        world, settings = self.world, self.settings
        self.centres.reach[:] = self.levers.reach[self.t]
        self.centres.fare[:] = self.levers.fare[self.t]
        self.ensure_seekers()
        n = scan_labour(
            self.people,
            self.n_people,
            self.residence,
            self.participation,
            settings.separation,
            settings.skill_hiring_odds,
            self.seed,
            self.year,
            self.state,
            self.seekers,
        )
        match(
            self.people,
            self.seekers,
            n,
            self.state,
            self.centres,
            self.table,
            self.seed,
            self.year,
            self.keys,
            self.is_centre[: world.n_sim],
            self.cuts,
        )

    def set_wages(self) -> None:
        """Phase 5: wages of the simulated places and what commuters bring home."""
        place_year.set_wages(
            self.state,
            self.waged,
            self.omega,
            self.reference,
            self.levers.wage_supplement[self.t],
            self.table,
            self.seed,
            self.year,
            self.keys,
            self.centres,
            self.wages,
            self.incomes,
        )

    def perceive(self) -> None:
        """Phase 6: perceived incomes, and the utilities that follow from them."""
        place_year.perceive(
            self.state,
            self.waged,
            self.omega,
            self.reference,
            self.unemployment,
            self.table,
            self.places,
            self.alpha,
            self.choice,
        )

    def move(self) -> None:
        """Phases 7 and 8: households move; young people leave to study or alone."""
        self.ensure_fate()
        self.ensure_students(self.n_students + self.young_people())
        before, self.n_settled = self.n_students, self.n_households
        self.n_moves, self.n_students = move_people(
            self.people,
            self.households,
            self.n_households,
            self.residence,
            self.world.n_sim,
            self.incomes,
            self.readiness,
            self.choice,
            self.places,
            self.table,
            self.alpha,
            self.seed,
            self.year,
            self.fate,
            self.moves,
            self.students,
            self.n_students,
            self.ledger,
        )
        self.first_new_student = before

    def bring_students_back(self) -> None:
        """Phase 8: students return from outside."""
        self.ensure_room(self.n_students, self.n_students)
        self.n_students, self.n_people, self.n_households = return_students(
            self.students,
            self.n_students,
            self.first_new_student,
            self.readiness.return_chance,
            self.seed,
            self.year,
            self.people,
            self.n_people,
            self.households,
            self.n_households,
            self.study_origin,
            self.ledger,
        )

    def admit_arrivals(self) -> None:
        """Phase 9: households from outside."""
        world, t, counts = self.world, self.t, self.arrival_counts
        total = place_year.count_newcomers(
            self.arrival_base,
            self.founding.template_size,
            self.regime_arrivals,
            self.year > LAST_OBSERVED_FLOWS,
            self.origins,
            self.origin_share,
            world.hinterland,
            self.outlook.hinterland[t],
            self.population_2015,
            self.state,
            self.places,
            float(self.norm.alpha[0]),
            self.advantage,
            self.advantage_2015,
            self.arrival_variation,
            self.levers.settlers[t],
            self.table,
            self.keys,
            self.seed,
            self.year,
            self.expected_arrivals,
            counts,
            self.settlers,
        )
        self.ensure_room(total * self.largest_arrival, total)
        self.n_people, self.n_households = admit(
            counts,
            self.settlers,
            self.settings.settlers_working,
            world.n_all - 1,
            self.keys,
            self.founding.templates,
            self.arrivers,
            self.seed,
            self.year,
            self.people,
            self.n_people,
            self.households,
            self.n_households,
            self.ledger,
        )

    def renew_population(self) -> None:
        """Phase 10: unions, splits, births, deaths, ageing; the columns of the next 1 January."""
        seed, year, n_sim = self.seed, self.year, self.world.n_sim
        self.ensure_fate()
        self.ensure_lists()
        n_candidates, births, n_own, n_bereft = decide_vital_events(
            self.people,
            self.households,
            self.n_settled,
            self.n_households,
            self.residence,
            self.vital,
            self.table,
            seed,
            year,
            self.fate,
            self.candidates,
            self.own.row,
            self.own.household,
            self.own.destination,
            self.bereft,
            self.ledger,
        )
        births += strike_lone_movers(
            self.people, self.moves, self.n_moves, self.vital, seed, year, self.fate, self.ledger
        )
        n_pairs = pair_on_circle(
            self.candidates, n_candidates, self.people, n_sim * UNION_CELLS, self.fate, self.pairs
        )
        refuge = self._house_orphans(n_bereft)
        rows, hearths = self.n_people + births + 1, self.n_households + n_own + self.n_moves + n_pairs + 1
        self.ensure_spare(rows, hearths)
        target, hearth = self.spare_people, self.spare_households
        row, written = write_next_year(
            self.people,
            self.households,
            self.n_households,
            self.fate,
            refuge,
            self.candidates,
            self.pairs,
            n_pairs,
            self.own,
            n_own,
            self.moves,
            self.n_moves,
            self.vital,
            self.table,
            seed,
            year,
            self.ledger,
            target,
            hearth,
        )
        self.people, self.spare_people = target, self.people
        self.households, self.spare_households = hearth, self.households
        self.n_people, self.n_households = row, written

    def _house_orphans(self, n_bereft: int) -> Refuge:
        """Hosts of this year's orphans; where a place has no household left, the nearest place's take them in."""
        orphans, homes = np.empty(0, np.int32), np.empty(0, np.int32)
        if n_bereft:
            begin = self.households.first[self.bereft[:n_bereft]]
            end = self.households.first[self.bereft[:n_bereft] + 1]
            room = int((end - begin).sum())
            orphans, homes = np.empty(room, np.int32), np.empty(room, np.int32)
            n = find_orphans(self.people, self.households, self.bereft, n_bereft, self.fate, orphans, homes)
            orphans, homes = orphans[:n], homes[:n]
        hosts = np.empty(len(orphans), np.int32)
        if len(orphans):
            find_hosts(
                self.people,
                self.households,
                self.n_households,
                self.fate,
                self.world.n_sim,
                orphans,
                homes,
                len(orphans),
                self.seed,
                self.year,
                hosts,
            )
            self._send_to_kin(orphans[hosts < 0], homes[hosts < 0])
            orphans, hosts = orphans[hosts >= 0], hosts[hosts >= 0]
            order = np.lexsort((self.people.key[orphans], hosts))
            orphans, hosts = orphans[order], hosts[order]
        return Refuge(hosts, orphans)

    def _send_to_kin(self, orphans: NDArray[np.int32], homes: NDArray[np.int32]) -> None:
        """Orphans of a place without any other household go to kin in the nearest external place."""
        world, ledger = self.world, self.ledger
        for row, home in zip(orphans, homes, strict=True):
            place = int(self.households.place[home])
            distance = np.where(world.is_destination, world.road_km[place], np.inf)
            distance[: world.n_sim] = np.inf
            outside = int(np.argmin(distance)) if np.isfinite(distance).any() else world.n_all - 1
            ledger.departures[place, self.people.traits[row] & FEMALE, self.people.age[row]] += 1
            ledger.flows[place, outside] += 1
            # An array wraps around without a warning.
            ledger.checksum[REMOVED : REMOVED + 1] += self.people.key[row]

    def close_accounts(self) -> None:
        """Phase 11: the recount of the new columns must equal what the postings say."""
        self.ensure_residence()
        closing_keys = np.uint64(
            count_stock(self.people, self.households, self.n_households, self.residence, self.ledger.closing)
        )
        check_closed(self.ledger, self.opening_keys, closing_keys, self.year, self.world.ids)
        self.opening_keys = closing_keys

    def take_record(self) -> None:
        """Phase 12: flows of the year, then the new 1 January."""
        t = self.t
        trends = np.array([self.settings.g_A * t, self.settings.g_I * t])
        self.record.note_flows(t, self.ledger, self.state, self.places, trends)
        self.year += 1
        self._count_places()
        self._note_stocks()
        if self.year == self.horizon:
            self.record.pyramid_last[:] = self.ledger.closing


def simulate(
    world: World,
    founding: Founding,
    values: ParameterValues,
    seed: np.uint64,
    levers: Levers | None = None,
    horizon: int = 2045,
) -> Record:
    """Run one world from its start to the horizon."""
    return Engine(world, founding, values, seed, levers, horizon).run()
