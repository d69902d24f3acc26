"""Places: what people see of them from anywhere, and the state of those that are simulated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import mesa

from model import draws
from model.world import World
from tests.reference.chance import Key
from tests.reference.people import Person

if TYPE_CHECKING:
    from tests.reference.normalisation import Survey

KAZAKHSTAN, RUSSIA = 0, 1  # the nests
CENTRE_KINDS = ("regional_centre", "capital")
SECTORS = range(4)
AGRICULTURE, INDUSTRY, PUBLIC, SERVICES = SECTORS
NETWORKS = range(4)  # heat, water, sewer, road
SCHOOL_AGES = range(7, 18)
Cell = tuple[bool, tuple[bool, bool]]  # with children; kin in Kazakhstan's places, in Russia


class Place(mesa.Agent):
    """A place of the world as people everywhere see it.

    Attributes:
        index, id, key: number in the order of ids, id and its hash. nest: KAZAKHSTAN or RUSSIA.
        is_open: people may move here. has_universities. size: persons of 2015.
        income: perceived, KZT a month at 2020 prices. quality: of the networks, Q. services: S. rent: index.
        constant: alternative-specific constant. log_distance: ln(D / 100 km) to every place.
        zone_jobs, zone_jobs_before, zone_launched: jobs of zone projects here: additional, last year's, launched.
    """

    def __init__(self, model: mesa.Model, world: World, index: int) -> None:
        super().__init__(model)
        self.index, self.id = index, world.ids[index]
        self.key = Key(draws.text_key(self.id))
        self.nest = int(world.nest[index])
        self.is_open = bool(world.is_destination[index])
        self.has_universities = bool(world.is_study_place[index])
        self.is_centre = world.kind[index] in CENTRE_KINDS
        self.size = float(world.size_2015[index])
        self.income = 0.0
        self.quality = float(world.infrastructure_Q[index])
        self.services = float(world.services_S[index])
        self.rent = float(world.rent_index[index])
        self.constant = 0.0
        self.log_distance: list[float] = []
        self.zone_jobs = self.zone_jobs_before = self.zone_launched = 0.0


class Destination(Place):
    """A place outside: people move there, come from there, commute there.

    Attributes:
        labour_force: persons, 0 where nobody commutes. slack: of its labour market. openings, seekers: posts
            that open in the year and those (its own people and its district's) who seek them.
    """

    def __init__(self, model: mesa.Model, world: World, index: int) -> None:
        super().__init__(model, world, index)
        self.labour_force = self.slack = self.openings = self.seekers = 0.0


class Settlement(Place):
    """A simulated place; names and units as in `model/settlements.py`, one settlement at a time.

    Attributes beside those: queue (this year's seekers of jobs, first come first), participation, death, birth
    (tables by sex and age), newborn_death (by sex); utility, nest_value, study_value, inclusive (tables of the
    year's choices, `choice.py`); hazard, study_logit, return_chance, mean_inclusive (readiness to leave,
    `migration.py`); accounts of the year by (female, age), by place, or by sex.
    """

    def __init__(self, model: mesa.Model, world: World, index: int, replicates: int) -> None:
        super().__init__(model, world, index)
        self.population_2015 = int(world.founding_population[index]) * replicates
        self.population = self.households = self.pupils = 0
        self.dwellings = 0.0
        # labour
        self.output = [0.0, 0.0]
        self.jobs, self.jobs_2015 = [0.0] * 4, [0.0] * 4
        self.staff = [0] * 4
        self.queue: list[Person] = []
        self.participants = self.commuters = self.commuters_in = self.vacancies = 0
        self.employed = self.unemployed = self.hidden = 0
        self.commuters_2015 = self.slack = self.slack_2015 = self.unemployment = self.hidden_rate = 0.0
        self.wage = self.wage_shock = self.commuter_income = 0.0
        self.commuting_pays = False
        self.acceptance = 0.0
        self.participation: list[list[float]] = []
        # networks and services
        self.wear: list[float] = world.wear_2015[index].tolist()
        self.investment = 0.0
        self.level, self.level_2015, self.below = [0, 0], [0, 0], [0, 0]
        self.services_open, self.budget_services = 1.0, 0.0
        # choices and readiness
        self.utility: dict[bool, list[float]] = {}
        self.nest_value: dict[bool, list[float]] = {}
        self.study_value: list[float] = []
        self.inclusive: dict[Cell, float] = {}
        self.factor: dict[Cell, float] = {}
        self.survey: Survey
        self.walk = self.hazard = self.hazard_2015 = self.mean_inclusive = 0.0
        self.kappa, self.kappa_2015 = 1.0, 1.0
        self.study_logit = self.study_logit_2015 = self.return_chance = 0.0
        # arrivals
        self.arrival_base = self.study_outside = 0.0
        self.regime_hazard = self.regime_arrivals = self.push = 1.0
        self.study_origin = 0  # index of the place from which returning students are booked
        self.advantage_2015: dict[int, float] = {}  # by origin
        # demography
        self.death: list[list[float]] = []
        self.newborn_death: list[float] = []
        self.birth: list[float] = []
        self.stock: Counter[tuple[bool, int]] = Counter()
        self.open_accounts()

    def open_accounts(self) -> None:
        """No event of the year has happened yet."""
        self.births: Counter[bool] = Counter()
        self.newborn_deaths: Counter[bool] = Counter()
        self.deaths: Counter[tuple[bool, int]] = Counter()
        self.arrivals: Counter[tuple[bool, int]] = Counter()
        self.departures: Counter[tuple[bool, int]] = Counter()
        self.flows: Counter[int] = Counter()
        self.arrivals_from: Counter[int] = Counter()

    def count(self, stock: Counter[tuple[bool, int]], households: int) -> None:
        """The counts of a 1 January."""
        self.stock, self.households = stock, households
        self.population = stock.total()
        self.pupils = sum(n for (_, age), n in stock.items() if age in SCHOOL_AGES)
