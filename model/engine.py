"""The plain engine: the columns of one run and the year as one readable, ordered plan of phases.

One step is a calendar year; the state is dated 1 January. Ensembles run this engine; `BorderModel` wraps
the same one for interactive use. All decisions of a phase read the state at its start.
"""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import place_year
from model.accounts import REMOVED, check_closed, count_stock
from model.arrivals import admit
from model.choice import log_distances
from model.demography import (
    UNION_CELLS,
    decide_vital_events,
    pair_on_circle,
)
from model.engine_state import EngineState
from model.founding import Founding
from model.labour import match, scan_labour
from model.levers import Levers
from model.migration import (
    move_people,
    return_students,
)
from model.new_homes import strike_lone_movers, write_next_year
from model.opening import RETURN_YEARS
from model.orphans import Refuge, find_hosts, find_orphans
from model.outlook import LAST_OBSERVED_FLOWS
from model.parameters import ParameterValues
from model.population import (
    FEMALE,
)
from model.record import Record
from model.register_counts import add_shift, meet_counts
from model.world import World


class Phase(NamedTuple):
    """One phase of the year: its number and name in the specification, its equations, the method that runs it."""

    number: int
    name: str
    equations: str
    run: str


class Engine(EngineState):
    """One run of one world, stepped a year at a time (arguments: `EngineState`)."""

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

    # The year -----------------------------------------------------------------------------------------

    def step(self) -> None:
        """One calendar year: all phases of the plan, accounts closed.

        Raises:
            AccountsError: the accounts of a place do not close.
            RuntimeError: the horizon is reached.
        """
        if self.year >= self.horizon:
            raise RuntimeError(
                f"the horizon, 1 January {self.horizon}, is reached: build the run anew with a later `horizon`"
            )
        for phase in self.PLAN:
            getattr(self, phase.run)()

    def run(self) -> Record:
        """All years up to the horizon; returns the record."""
        while self.year < self.horizon:
            self.step()
        return self.record

    def read_drivers(self) -> None:
        """Phase 1: this year's drivers, the walk of the hazards, probabilities of births and deaths."""
        t, world = self.t, self.world
        bound = t < len(self.bound_counts)
        if bound:
            self.ensure_guide()
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
            self.push[t] if bound else self.regime_hazard,
            bound or self.year > LAST_OBSERVED_FLOWS,
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
        if t < len(self.bound_counts):
            self.meet_counts()
            total = int(counts.sum() + self.settlers.sum())
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

    def ensure_guide(self) -> None:
        """Run without policies ahead, where policies act before the last known count: its changes are theirs too."""
        if self.guide is None and self.departs_early:
            end = self.start + len(self.bound_counts)
            plain = type(self)(self.world, self.founding, self.values, self.seed, None, end)
            plain.run()
            self.follow(plain)

    def follow(self, plain: Engine) -> None:
        """Take the changes of a run that no policy acted upon before the last known count."""
        self.guide, self.push = plain.shift, plain.push

    def meet_counts(self) -> None:
        """Phase 9, in years whose closing count is known: the run without policies meets it, others add the same."""
        t, counts = self.t, self.arrival_counts
        if self.guide is not None:
            add_shift(self.guide[t], counts)
            return
        meet_counts(
            self.bound_counts[t],
            self.expected_arrivals,
            self.keys,
            self.founding.templates,
            self.seed,
            self.year,
            self.ledger,
            self.vital,
            counts,
            self.shift[t],
            self.push[t],
            self.push[t + 1],
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
        self.count_places()
        self.note_stocks()
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
    """Run one world from its start to the horizon: twelve phases a year, `Engine.PLAN`.

    Args:
        world: the world; founding: its founding population (`build_founding`), shared by runs, never written to.
        values: a complete set of parameter values of that world (`ParameterSpace`).
        seed: seed of the run (`draws.run_seed`): the same gives the same run, bit for bit.
        levers: what policies and futures change by year and place; None: nothing.
        horizon: last 1 January reached.

    Returns:
        Record with `values` float64[columns, horizon - world.start + 1, world.n_sim], units as in
        `model.record.COLUMNS`: stocks in persons, jobs or shares on 1 January, flows in persons a year that begins
        then, money in KZT at 2020 prices.

    Raises:
        AccountsError: the accounts of a year do not close; names place, sex, age and the posts.
        ValueError: a horizon that is not after the start. LeversError: levers of another world, or that end before
            the horizon.

    Example:
        >>> from model import draws
        >>> from model.engine import simulate
        >>> from model.founding import build_founding
        >>> from model.parameters import ParameterSpace
        >>> from model.world import load_world
        >>> world = load_world("towns")
        >>> founding, values = build_founding(world), ParameterSpace(world).defaults()
        >>> record = simulate(world, founding, values, draws.run_seed(1, 0, 0), horizon=2017)
        >>> record.years.tolist(), record.column("population").shape
        ([2015, 2016, 2017], (3, 4))
        >>> again = simulate(world, founding, values, draws.run_seed(1, 0, 0), horizon=2017)
        >>> bool((record.flows == again.flows).all())
        True
    """
    from model.village_engine import engine_for  # builds on this file

    return engine_for(world, founding, values, seed, levers, horizon).run()
