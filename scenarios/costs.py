"""What a policy costs, year by year and place by place: public and private money, million KZT at 2020 prices.

A unit cost comes from the lever itself where the file gives one, else from data/unit_costs.csv. Costs are those of
the policy as a whole, its zone included: what it costs above another policy is the difference of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.declarations import DECLARATIONS
from model.infrastructure import HEALTH_CAPACITY, HEALTH_NORMS, SCHOOL_CAPACITY, SCHOOL_NORMS
from model.settlements import SCHOOL_FIRST_AGE, SCHOOL_LAST_AGE
from model.world import World
from scenarios import policy_levers as policy
from scenarios.fields import Lever
from scenarios.policy import Policy
from scenarios.pulling import renewal_money
from scenarios.selection import Selection, places_of, selection_of
from scenarios.unit_costs import unit_cost
from scenarios.zone_path import ZonePath, expected_zones
from scenarios.zone_projects import last_recorded_year, zone_projects

Columns = Mapping[str, NDArray[np.float64]]
MONTHS = 12
NORMS = {"health": HEALTH_NORMS, "school": SCHOOL_NORMS}
CAPACITY = {"health": HEALTH_CAPACITY, "school": SCHOOL_CAPACITY}
WEIGHTS = {"health": "health_weight", "school": "school_weight"}
# Columns of the record that costs depend on; compare must hand over these.
COLUMNS_NEEDED = (
    "population",
    "households",
    "pupils",
    "jobs",
    "jobs_public",
    "wage",
    "rent",
    "commuters",
    "empty_dwellings",
    "health_level",
    "school_level",
)


@dataclass(frozen=True)
class Costs:
    """Costs of a policy by lever (`kind.name`, and `qyzyljar`).

    Attributes:
        places: ids of ALL places of the world, the simulated ones first (a zone's money may be spent in a place
            that is only seen from outside): the last axis of every array.
        shape: runs, years, places. public_by_lever, private_by_lever: float64[runs, years, places] each.
    """

    places: tuple[str, ...]
    shape: tuple[int, int, int]
    public_by_lever: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    private_by_lever: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def public(self) -> NDArray[np.float64]:
        """Public money of all levers: float64[runs, years, places] million KZT a year at 2020 prices."""
        return sum(self.public_by_lever.values(), np.zeros(self.shape))

    @property
    def private(self) -> NDArray[np.float64]:
        """Private money of all levers: float64[runs, years, places] million KZT a year at 2020 prices."""
        return sum(self.private_by_lever.values(), np.zeros(self.shape))


def yearly_costs(
    policy: Policy, world: World, horizon: int, columns: Columns, zones: ZonePath | None = None
) -> Costs:
    """Costs of a policy in every run, year and place.

    Args:
        columns: what the runs recorded, by name (`COLUMNS_NEEDED`): float64[runs, years, n_sim], simulated places
            in the world's order; a last row for the horizon itself may follow and is not read.
        zones: launched jobs of the same runs (`zone_path.replay_zones`); None: their mean at default parameters,
            the same for every run.

    Raises:
        ValueError: a column is missing or too short.

    Example:
        >>> import numpy as np
        >>> from model.world import load_world
        >>> from scenarios.costs import COLUMNS_NEEDED, yearly_costs
        >>> from scenarios.reading import load_policy
        >>> world = load_world("towns")
        >>> still = {name: np.ones((1, 2030 - world.start, world.n_sim)) for name in COLUMNS_NEEDED}
        >>> costs = yearly_costs(load_policy("settlers"), world, 2030, still)
        >>> costs.public.shape  # runs, years, all places; million KZT a year at 2020 prices
        (1, 15, 15)
        >>> families = costs.public_by_lever["settlers.families"][0, 2027 - world.start]
        >>> bool(families[:4].min() > 0.0), float(families[4:].sum())  # in the four towns only
        (True, 0.0)
    """
    years = horizon - world.start
    held = {name: _column(columns, name, years, world.n_sim) for name in COLUMNS_NEEDED}
    runs = len(held["population"])
    costs = Costs(world.ids, (runs, years, world.n_all))
    ledger = _Ledger(costs, world, held)
    for kind, name, lever in policy.levers.items():
        ledger.book(lever, f"{kind}.{name}", selection_of(lever, world, horizon))
    ledger.book_zones(policy, expected_zones(policy, world, horizon) if zones is None else zones)
    return costs


def _column(columns: Columns, name: str, years: int, places: int) -> NDArray[np.float64]:
    if name not in columns:
        raise ValueError(f"costs: the column '{name}' is missing; needed are {', '.join(COLUMNS_NEEDED)}")
    column = np.asarray(columns[name], np.float64)
    if column.ndim != 3 or column.shape[1] < years or column.shape[2] != places:
        raise ValueError(
            f"costs: column '{name}' has the shape {column.shape}, expected (runs, at least {years}, {places})"
        )
    return column[:, :years]


class _Ledger:
    """Books the costs of levers one by one."""

    def __init__(self, costs: Costs, world: World, columns: Columns) -> None:
        self.costs, self.world, self.columns = costs, world, columns
        self.defaults = {declaration.name: declaration.default for declaration in DECLARATIONS}

    def price(self, item: str, own: float | None = None) -> float:
        """The lever's own unit cost, or the one of the data file, million KZT at 2020 prices."""
        return own if own is not None else unit_cost(item, self.world.drivers)

    def enter(self, lever: str, where: Selection, yearly: Any) -> None:
        """Book public money: `yearly` is a number, or an array [runs, years, n_sim], per place and year in force."""
        simulated = np.zeros((*self.costs.shape[:2], self.world.n_sim))
        years, places = where.cells
        simulated[:, years, places] = np.broadcast_to(yearly, simulated.shape)[:, years, places]
        booked = self.costs.public_by_lever.setdefault(lever, np.zeros(self.costs.shape))
        booked[:, :, : self.world.n_sim] += simulated

    @singledispatchmethod
    def book(self, lever: Lever, name: str, where: Selection) -> None:
        """Levers without a known cost (border), and zones, which are booked together."""

    @book.register
    def _(self, lever: policy.Renewal, name: str, where: Selection) -> None:
        money = np.zeros(self.world.n_sim)
        for place in where.places:
            money[place] = renewal_money(lever, place, where).sum()
        self.enter(name, where, money)

    @book.register
    def _(self, lever: policy.Housing, name: str, where: Selection) -> None:
        """New flats, repair of as many abandoned ones as stand empty, and the part of rents that is paid."""
        self.enter(name, where, lever.flats_built_a_year * self.price("new_flat"))
        given_back = np.minimum(
            lever.flats_reused_a_year * where.elapsed()[None, :, None], self.columns["empty_dwellings"]
        )
        repaired = np.maximum(np.diff(given_back, axis=1, prepend=0.0), 0.0)
        self.enter(name, where, repaired * self.price("reused_flat"))
        if lever.rent_discount:
            full = self.columns["rent"] / (1.0 - lever.rent_discount)
            flats = self.columns["households"] * self.price("renting_share") * self.price("flat_area")
            self.enter(name, where, lever.rent_discount * full * self.rent_of_2015() * flats * MONTHS / 1e6)

    def rent_of_2015(self) -> float:
        """Rent of Petropavlovsk in 2015, to which the column `rent` is relative: KZT a m2 and month, 2020 prices."""
        return self.world.drivers.deflate(self.world.drivers.rent("petropavlovsk", 2015), 2015)

    @book.register
    def _(self, lever: policy.CommuterLink, name: str, where: Selection) -> None:
        """Running and opening the link, and the part of the fare that is paid (priced at the town's wage)."""
        self.enter(name, where, self.price("commuter_link_year", lever.running_cost))
        opening = np.zeros((self.costs.shape[1], 1))
        opening[where.rows[:1]] = lever.opening_cost
        self.enter(name, where, opening)
        centre = self.world.commuting_centre
        km = np.array([self.world.road_km[s, c] if c >= 0 else 0.0 for s, c in enumerate(centre)])
        fare = self.defaults["travel_cost"] * km * self.columns["wage"] * MONTHS / 1e6
        self.enter(name, where, lever.fare_discount * fare * self.columns["commuters"])

    @book.register
    def _(self, lever: policy.LocalBudget, name: str, where: Selection) -> None:
        self.enter(name, where, lever.thousand_kzt_a_head * self.columns["population"] / 1e3)

    @book.register
    def _(self, lever: policy.ServicesKept, name: str, where: Selection) -> None:
        """Payroll of the posts that would have closed: from the third year in a row below a norm on."""
        posts, wage = self.columns["jobs_public"], self.columns["wage"]
        open_now = 1.0 - sum(self.closed_share(facility, self.level(facility)) for facility in NORMS)
        kept = sum(
            self.closed_share(facility, self.level_by_norm(facility))
            - self.closed_share(facility, self.level(facility))
            for facility in lever.facilities
        )
        factor = self.price("running_factor")
        self.enter(name, where, posts * kept / open_now * wage * factor * MONTHS / 1e6)

    def level(self, facility: str) -> NDArray[np.int64]:
        """Levels of a facility as recorded, int64[runs, years, n_sim]."""
        return self.columns[f"{facility}_level"].astype(np.int64)

    def level_by_norm(self, facility: str) -> NDArray[np.int64]:
        """Levels that the norms would have left: lost after `loss_years` years in a row below."""
        level = self.level(facility)
        count = self.columns["population" if facility == "health" else "pupils"]
        met = np.searchsorted(NORMS[facility], count, side="right")
        below = np.zeros(level.shape[::2], np.int64)
        left = level.copy()
        for t in range(level.shape[1]):
            below = np.where(met[:, t] < level[:, t], below + 1, 0)
            lost = below >= self.defaults["loss_years"]
            left[:, t] = np.where(lost, met[:, t], level[:, t])
        return left

    def closed_share(self, facility: str, level: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of public services that a facility at these levels leaves closed."""
        weight = self.defaults[WEIGHTS[facility]]
        return np.asarray(weight * (1.0 - np.array(CAPACITY[facility])[level]))

    @book.register
    def _(self, lever: policy.YouthRetention, name: str, where: Selection) -> None:
        turning_18 = self.columns["pupils"] / (SCHOOL_LAST_AGE - SCHOOL_FIRST_AGE + 1)
        self.enter(name, where, self.price("youth", lever.cost_per_youth) * turning_18)

    @book.register
    def _(self, lever: policy.Settlers, name: str, where: Selection) -> None:
        self.enter(name, where, lever.families_a_year * self.price("settler_family"))

    @book.register
    def _(self, lever: policy.PublicWages, name: str, where: Selection) -> None:
        """The supplement on the wage without it, for every public post."""
        posts, jobs = self.columns["jobs_public"], np.maximum(self.columns["jobs"], 1.0)
        base = self.columns["wage"] / (1.0 + lever.supplement * posts / jobs)
        self.enter(name, where, lever.supplement * base * posts * MONTHS / 1e6)

    @book.register
    def _(self, lever: policy.Trade, name: str, where: Selection) -> None:
        """Region-wide: shared out by population."""
        everywhere = Selection(where.world, where.horizon, where.rows, list(range(self.world.n_sim)))
        people = self.columns["population"]
        shares = people / np.maximum(people.sum(axis=2, keepdims=True), 1.0)
        self.enter(name, everywhere, lever.cost * shares)

    @book.register
    def _(self, lever: policy.RatingInput, name: str, where: Selection) -> None:
        self.enter(name, where, lever.cost)

    def book_zones(self, policy: Policy, path: ZonePath) -> None:
        """Investment as jobs open, and taxes forgone while projects of a holiday run."""
        projects, own = zone_projects(policy.levers, self.world), policy.levers.zone_project
        for k, project in enumerate(projects):
            opened = path.opened[:, :, k]
            if k < len(projects) - len(own):
                recorded = project.recorded and project.full_year <= last_recorded_year(self.world)
                name = "qyzyljar"
                public = self.price("qyzyljar_public_per_job" if recorded else "zone_public_per_job")
                private = self.price("zone_private_per_job")
            else:
                lever = own[project.name]
                name = f"zone_project.{project.name}"
                public = self.per_job(lever.public_investment, project.declared_jobs, "zone_public_per_job")
                private = self.per_job(
                    lever.private_investment, project.declared_jobs, "zone_private_per_job"
                )
            for book, price in (
                (self.costs.public_by_lever, public),
                (self.costs.private_by_lever, private),
            ):
                booked = book.setdefault(name, np.zeros(self.costs.shape))
                booked[:, :, project.place] += opened * price
            self._forgo_taxes(policy, project.place, path.running[:, :, k], opened)

    def per_job(self, investment: float | None, jobs: float, item: str) -> float:
        """A project's own investment over its jobs, or the unit cost of a job."""
        return self.price(item) if investment is None else (investment / jobs if jobs > 0.0 else 0.0)

    def _forgo_taxes(
        self, policy: Policy, place: int, running: NDArray[np.float64], opened: NDArray[np.float64]
    ) -> None:
        start = self.world.start
        launch = np.where((opened > 0.0).any(axis=1), np.argmax(opened > 0.0, axis=1) + start, 0)
        years = np.arange(start, start + running.shape[1])
        for name, lever in policy.levers.tax_holiday.items():
            if place not in places_of(lever.places, self.world):
                continue
            inside = np.isin(launch, list(lever.years(int(years[-1]) + 1)))[:, None]
            free = inside & (years < launch[:, None] + lever.years_free)
            booked = self.costs.public_by_lever.setdefault(f"tax_holiday.{name}", np.zeros(self.costs.shape))
            booked[:, :, place] += np.where(free, running, 0.0) * self.price(
                "tax_forgone_per_job", lever.forgone_per_job
            )
