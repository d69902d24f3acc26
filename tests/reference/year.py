"""The year as Mesa agents live it: twelve phases, each written in the file of its subject."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import mesa
import numpy as np

from model import draws
from model.founding import Founding
from model.levers import Levers, neutral_levers
from model.outlook import build_outlook
from model.parameters import ParameterValues, waged_places
from model.world import World
from model.zones import qyzyljar_projects
from tests.reference import (
    arrivals,
    choice,
    demography,
    infrastructure,
    jobs,
    labour,
    migration,
    opening,
    register_counts,
    zones,
)
from tests.reference.chance import Key, Salts
from tests.reference.people import LAST_AGE, Household, Person
from tests.reference.places import RUSSIA, Destination, Place, Settlement


class ReferenceModel(mesa.Model):
    """One run of one world as ordinary agents; arguments as those of `model.engine.Engine`.

    Attributes:
        p: single-valued parameters. places: all places by index; settlements and outside: the two kinds.
        salts, lifelong: what this year's draws and draws for life share. year: the coming calendar year.
        students: the register of those who study outside.
        moves, deaths: (person key, from, to) and person keys of the year. sent_to_kin: orphans of all years.
    """

    def __init__(
        self, world: World, founding: Founding, values: ParameterValues, seed: np.uint64,
        levers: Levers | None = None, horizon: int = 2045,
    ) -> None:  # fmt: skip
        super().__init__(rng=int(seed) % 2**32)
        self.world, self.founding, self.values, self.p = world, founding, values, values.settings()
        self.seed, self.horizon, self.year = Key(seed), horizon, world.start
        self.levers = levers if levers is not None else neutral_levers(world, horizon)
        self.outlook = build_outlook(world, values, self.levers, self.seed, horizon)
        self.lifelong = Salts(self.seed, 0)
        self.salts = Salts(self.seed, self.year)
        self.road_km: list[list[float]] = world.road_km.tolist()
        self.omega, self.in_out, self.kappa_E, self.arrival_variation = (
            values.by_place(name, fill).tolist()
            for name, fill in (("omega", 1.0), ("in_out", 0.0), ("kappa_E", 1.0), ("arrival_variation", 0.0))
        )
        fertility, mortality = values.by_place("fertility"), values.by_place("mortality")
        self.fertility_log = (founding.fertility_offset + fertility[: world.n_sim]).tolist()
        self.mortality_log = (founding.mortality_offset + mortality[: world.n_sim]).tolist()
        self.mortality_rates: list[list[float]] = world.schedules.mortality.tolist()
        self.fertility_shape: list[float] = world.schedules.fertility.tolist()
        waged = set(waged_places(world))
        self.is_waged = [i in waged for i in range(world.n_all)]
        self.origin_share: list[float] = world.arrival_origin_share.tolist()
        self.settlements = [Settlement(self, world, i, founding.replicates) for i in range(world.n_sim)]
        self.outside = [Destination(self, world, i) for i in range(world.n_sim, world.n_all)]
        self.places: list[Place] = [*self.settlements, *self.outside]
        self.counts_known = register_counts.counts_known(self)
        self.shifts: list[register_counts.Shift] = [{} for _ in self.counts_known]
        self.pushes: list[list[float]] = []
        self.plain = register_counts.run_without_policies(self)
        self.origins = {place: self.origins_of(place) for place in self.settlements}
        plans = (qyzyljar_projects(world) if self.levers.qyzyljar else ()) + self.levers.projects
        self.projects = [zones.ZoneProject(self, plan) for plan in plans]
        self.reference: list[float] = self.outlook.opening.tolist()
        self.unemployment: list[float] = self.outlook.unemployment[0].tolist()
        self.set_distances(1.0)
        self.alpha = self.alpha_2015 = 0.0
        self.kappa: dict[bool, float] = {}
        self.mobility: list[float] = []
        self.students: list[migration.Student] = []
        self.new_students: list[migration.Student] = []
        self.moves: list[tuple[Key, int, int]] = []
        self.deaths: list[Key] = []
        self.sent_to_kin = 0
        opening.open_world(self)

    # Who is where ---------------------------------------------------------------------------------

    @property
    def t(self) -> int:
        """Number of the year, 0 for the first."""
        return self.year - self.world.start

    @property
    def people(self) -> Any:
        """All persons, a Mesa agent set."""
        return self.agents_by_type[Person]

    @property
    def households(self) -> Any:
        """All households, a Mesa agent set."""
        return self.agents_by_type[Household]

    def centre_of(self, settlement: Settlement) -> Settlement | Destination | None:
        """Where commuters of a settlement may work."""
        index = int(self.world.commuting_centre[settlement.index])
        return self.places[index] if index >= 0 else None

    def hinterland_of(self, settlement: Settlement) -> Settlement | Destination | None:
        """The settlement's own villages."""
        index = int(self.world.hinterland[settlement.index])
        return self.places[index] if index >= 0 else None

    def origins_of(self, settlement: Settlement) -> list[int]:
        """Indices of places outside from which people arrive in a settlement."""
        home = int(self.world.hinterland[settlement.index])
        return [
            place.index
            for place in self.outside
            if self.origin_share[place.index] > 0.0 or place.index == home
        ]

    def nearest_outside(self, settlement: Settlement) -> Destination:
        """The nearest place outside to which people can move."""
        road = self.road_km[settlement.index]
        return min(
            (place for place in self.outside if place.is_open),
            key=lambda place: road[place.index],
            default=self.outside[-1],
        )

    def set_distances(self, border: float) -> None:
        """ln(D / 100 km) as perceived: roads to Russia times what the border adds."""
        for here in self.places:
            here.log_distance = [
                math.log(km * (border if (here.nest == RUSSIA) != (there.nest == RUSSIA) else 1.0) / 100.0)
                if here is not there
                else 0.0
                for there, km in zip(self.places, self.road_km[here.index], strict=True)
            ]

    def dissolve(self, household: Household) -> None:
        """A household leaves the world."""
        for person in household.members:
            person.remove()
        household.remove()

    def count(self) -> None:
        """Recount persons and households of all places."""
        homes: Counter[Settlement] = Counter(household.place for household in self.households)
        stock: dict[Settlement, Counter[tuple[bool, int]]] = {place: Counter() for place in self.settlements}
        for person in self.people:
            stock[person.household.place][person.female, person.age] += 1
        for place in self.settlements:
            place.count(stock[place], homes[place])

    # The year -------------------------------------------------------------------------------------

    def step(self) -> None:
        """One calendar year: twelve phases in the order of docs/specification.md, section 3."""
        self.read_drivers()  # 1
        self.run_zones_and_networks()  # 2
        jobs.advance_output(self)  # 3
        self.agents_by_type[Settlement].do(jobs.demand_labour, self)
        labour.survey_labour(self, self.salts)  # 4
        labour.match(self)
        self.agents_by_type[Settlement].do(jobs.set_wage, self)  # 5
        for settlement in self.settlements:
            jobs.set_commuter_income(settlement, self, float(self.levers.fare[self.t, settlement.index]))
        for place in (*self.settlements, *self.outside):  # 6
            jobs.perceive_income(place, self, self.p.rho_e)
        choice.tabulate(self, self.alpha)
        self.households.shuffle_do(migration.decide_moves, self)  # 7, in any order
        migration.return_students(self)  # 8
        arrivals.admit_arrivals(self)  # 9
        demography.renew_population(self)  # 10
        self.close_accounts()  # 11 and 12
        self.year += 1

    def read_drivers(self) -> None:
        """Phase 1: wages, unemployment, rents, the border; chances of births and deaths; readiness to leave."""
        t, levers, world = self.t, self.levers, self.world
        self.salts = Salts(self.seed, self.year)
        self.newborn_salt = Salts(Key(0), self.year)[draws.NEWBORN_KEY]
        self.moves, self.deaths = [], []
        self.reference = self.outlook.reference[t].tolist()
        self.unemployment = self.outlook.unemployment[t].tolist()
        for place in self.outside:
            place.rent = float(world.rent_index[place.index]) * float(self.outlook.rent[t, place.index])
        self.alpha = self.alpha_2015 + math.log(float(levers.russia_odds[t]))
        self.set_distances(float(levers.border_distance[t]))
        for settlement in self.settlements:
            settlement.open_accounts()
            demography.set_vital_rates(settlement, self)
        migration.set_readiness(self)

    def run_zones_and_networks(self) -> None:
        """Phase 2: zone projects and the centres they relieve; wear, services, rents."""
        for place in self.places:
            place.zone_jobs_before, place.zone_jobs, place.zone_launched = place.zone_jobs, 0.0, 0.0
        for project in self.projects:
            project.advance()
        for centre in self.outside:
            zones.relieve(centre, self.p)
        for settlement in self.settlements:
            infrastructure.wear_out(settlement, self)
            infrastructure.review_services(settlement, self)
            levers, at = self.levers, (self.t, settlement.index)
            flats = float(levers.dwellings[at]), float(levers.reused[at])
            infrastructure.show(settlement, self, float(levers.rent_factor[at]), *flats)

    def close_accounts(self) -> None:
        """Phases 11 and 12: for every place, sex and age the recount must be stock + births - deaths - out + in."""
        expected = {}
        for place in self.settlements:
            stock: Counter[tuple[bool, int]] = Counter()
            for female in (False, True):
                stock[female, 0] = place.births[female] - place.newborn_deaths[female]
                for age in range(LAST_AGE + 1):
                    cell = female, age
                    stays = (
                        place.stock[cell] - place.deaths[cell] - place.departures[cell] + place.arrivals[cell]
                    )
                    stock[female, min(age + 1, LAST_AGE)] += stays
            expected[place] = stock
        self.count()
        for place in self.settlements:
            if place.stock != expected[place]:  # counters with zeros count as equal
                raise RuntimeError(f"year {self.year}: the accounts of {place.id} do not close")


def simulate_reference(
    world: World, founding: Founding, values: ParameterValues, seed: np.uint64,
    levers: Levers | None = None, horizon: int = 2045,
) -> ReferenceModel:  # fmt: skip
    """Run one world as Mesa agents from its start to the horizon; the peer that `qyzyljar bench --peers` measures."""
    model = ReferenceModel(world, founding, values, seed, levers, horizon)
    while model.year < horizon:
        model.step()
    return model
