"""Settlements, destinations and zones: ordinary Mesa agents whose attributes live in the engine's columns."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import mesa
import numpy as np
from numpy.typing import NDArray

from model.compiled import kernel
from model.engine import Engine
from model.infrastructure import HEALTH, HEALTH_NORMS, SCHOOL, SCHOOL_NORMS
from model.jobs import outside_wage
from model.place_attribute import Column, PlaceAttribute, flow, number_between
from model.population import SECTOR_NAMES
from model.settlements import NETWORK_NAMES, NETWORKS

if TYPE_CHECKING:
    from model.border_model import BorderModel


class PlaceAgent(mesa.Agent):
    """What settlements, destinations and zones share: they stand as long as the world does."""

    model: BorderModel

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a name that only nearly exists is refused: a slip changes nothing silently."""
        if (
            not name.startswith("_")
            and name not in self.__dict__
            and inspect.getattr_static(type(self), name, None) is None
        ):
            near = difflib.get_close_matches(name, place_attributes(type(self)), n=1, cutoff=0.75)
            if near:
                raise AttributeError(
                    f"{type(self).__name__} has no attribute '{name}'; nearest valid name: '{near[0]}'"
                )
        object.__setattr__(self, name, value)

    def remove(self) -> None:
        """Refused: the equations of a world hold all its places.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError(
            f"{self!r} belongs to world '{self.model.world.name}'; write a world file without it"
        )


def place_attributes(kind: type[PlaceAgent]) -> list[str]:
    """Names of the attributes of a kind of place that live in the engine's columns."""
    return [name for name in dir(kind) if isinstance(inspect.getattr_static(kind, name), PlaceAttribute)]


class Located(PlaceAgent):
    """One place.

    Attributes:
        index: of the place in the world; id: of the place; kind: town, rural_district, regional_centre, ...
    """

    def __init__(self, model: BorderModel, index: int) -> None:
        super().__init__(model)
        self.index: int = index
        self.id: str = model.world.ids[index]
        self.kind: str = model.world.kind[index]

    @property
    def name(self) -> str:
        """Name in English; `world.names(language)` has the others."""
        return self.model.world.names("en")[self.index]

    @property
    def nest(self) -> str:
        """Kazakhstan or Russia."""
        return ("Kazakhstan", "Russia")[int(self.model.world.nest[self.index])]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


_PEOPLE = "move, change or remove households (household.place, person.age, household.remove())"
_POSTS = (
    "posts follow from equations (1)-(4); change shares or drifts in BorderModel(values=...), "
    "or add projects to its levers"
)
_MARKET = (
    "it follows from posts and seekers, equations (5)-(7); change person.status or BorderModel(values=...)"
)
_FLOW = "it is counted while the year runs"


def _set_omega(place: Any, value: Any) -> None:
    engine = place.model.engine
    if not engine.waged[place.index]:
        raise AttributeError(
            f"{place!r} follows a wage series of its own; use the levers centre_wage or russian_wage"
        )
    space = engine.values.space
    name = f"omega.{place.id}"
    bounds = space.by_name[name].declaration
    engine.omega[place.index] = number_between(bounds.low, bounds.high, value, name)


def _set_wear(network: int) -> Callable[[Any, Any], None]:
    def write(place: Any, value: Any) -> None:
        wear = number_between(0.0, 1.0, value, f"wear_{NETWORK_NAMES[network]}")
        place.model.engine.state.wear[place.index, network] = wear

    return write


def _set_level(facility: int, highest: int) -> Callable[[Any, Any], None]:
    def write(place: Any, value: Any) -> None:
        level = number_between(0, highest, value, f"{('health', 'school')[facility]}_level")
        if level != int(level):
            raise ValueError(f"{('health', 'school')[facility]}_level = {value!r}: expected a whole number")
        state = place.model.engine.state
        state.level[place.index, facility] = int(level)
        state.below[place.index, facility] = 0

    return write


def _sector(sector: int) -> PlaceAttribute:
    return PlaceAttribute(
        f"Posts in {SECTOR_NAMES[sector]}.", lambda engine: engine.state.jobs[:, sector], instead=_POSTS
    )


def _network(network: int) -> PlaceAttribute:
    return PlaceAttribute(
        f"Wear of the {NETWORK_NAMES[network]} network, share; can be set.",
        lambda engine: engine.state.wear[:, network],
        _set_wear(network),
    )


def _to_russia(engine: Engine) -> Column:
    counts: Column = engine.ledger.flows[:, engine.places.nest == 1].sum(axis=1)
    return counts


def _departures(engine: Engine) -> Column:
    counts: Column = engine.ledger.departures.sum(axis=(1, 2))
    return counts


def _arrivals(engine: Engine) -> Column:
    counts: Column = engine.ledger.arrivals.sum(axis=(1, 2))
    return counts


class Settlement(Located):
    """A simulated place. Stocks hold on this 1 January, flows count the year that ended on it."""

    omega = PlaceAttribute(
        "Wage relative to the region's, omega_s of equation (8); can be set.",
        lambda engine: engine.omega,
        _set_omega,
    )
    population = PlaceAttribute(
        "Residents on the register's basis.", lambda engine: engine.state.population, instead=_PEOPLE
    )
    households = PlaceAttribute("Households.", lambda engine: engine.state.households, instead=_PEOPLE)
    pupils = PlaceAttribute("Residents of 7-17.", lambda engine: engine.state.pupils, instead=_PEOPLE)
    labour_force = PlaceAttribute(
        "Participants of the year.", lambda engine: engine.state.participants, instead=_MARKET
    )
    employed = PlaceAttribute(
        "Residents in a job, commuters included.", lambda engine: engine.state.employed, instead=_MARKET
    )
    unemployment_rate = PlaceAttribute(
        "Official unemployment, share of the labour force (7).",
        lambda engine: engine.state.unemployment,
        instead=_MARKET,
    )
    hidden_unemployment_rate = PlaceAttribute(
        "Self-employed or hidden unemployed, share of the labour force (7).",
        lambda engine: engine.state.hidden_rate,
        instead=_MARKET,
    )
    wage = PlaceAttribute(
        "Mean wage of local jobs, KZT a month at 2020 prices (8).",
        lambda engine: engine.state.wage,
        instead="set omega, the place's wage relative to the region's, or the lever wage_supplement",
    )
    perceived_income = PlaceAttribute(
        "Income people expect here, KZT a month at 2020 prices (9).",
        lambda engine: engine.places.income,
        instead="it follows the wage; set omega",
    )
    jobs = PlaceAttribute("Posts in the place.", lambda engine: engine.state.jobs.sum(axis=1), instead=_POSTS)
    jobs_agriculture, jobs_industry, jobs_public, jobs_services = (_sector(k) for k in range(4))
    vacancies = PlaceAttribute("Posts left open.", lambda engine: engine.state.vacancies, instead=_MARKET)
    commuters = PlaceAttribute(
        "Residents who work in the centre.",
        lambda engine: engine.state.commuters,
        instead=_MARKET + "; the lever reach acts on it",
    )
    wear = PlaceAttribute(
        "Mean wear of the four networks, share (18).",
        lambda engine: engine.state.wear.sum(axis=1) / NETWORKS,
        instead="set wear_heat, wear_water, wear_sewer or wear_road",
    )
    wear_heat, wear_water, wear_sewer, wear_road = (_network(k) for k in range(NETWORKS))
    investment = PlaceAttribute(
        "Money into networks, million KZT of the year at 2020 prices.",
        lambda engine: engine.state.investment,
        instead="use the levers renewal and extra_budget",
    )
    services = PlaceAttribute(
        "Services S open to residents, index.",
        lambda engine: engine.places.services,
        instead="set health_level or school_level, or use the levers services_kept and extra_budget",
    )
    health_level = PlaceAttribute(
        "Health norms met and kept, 0-4 (19); can be set.",
        lambda engine: engine.state.level[:, HEALTH],
        _set_level(HEALTH, len(HEALTH_NORMS)),
    )
    school_level = PlaceAttribute(
        "School norms met and kept, 0-3 (19); can be set.",
        lambda engine: engine.state.level[:, SCHOOL],
        _set_level(SCHOOL, len(SCHOOL_NORMS)),
    )
    rent = PlaceAttribute(
        "Rent, Petropavlovsk 2015 = 1.",
        lambda engine: engine.places.rent,
        instead="use the lever rent_factor",
    )
    zone_jobs = PlaceAttribute(
        "Additional zone jobs in the place (20).", lambda engine: engine.state.zone_jobs, instead=_POSTS
    )
    births = PlaceAttribute("Births.", flow(lambda engine: engine.ledger.births.sum(axis=1)), instead=_FLOW)
    deaths = PlaceAttribute(
        "Deaths, newborns included.",
        flow(lambda engine: engine.ledger.deaths.sum(axis=(1, 2)) + engine.ledger.newborn_deaths.sum(axis=1)),
        instead=_FLOW,
    )
    in_migration = PlaceAttribute("Arrivals from all other places.", flow(_arrivals), instead=_FLOW)
    out_migration = PlaceAttribute("Departures to all other places.", flow(_departures), instead=_FLOW)
    net_migration = PlaceAttribute(
        "Arrivals minus departures.",
        flow(lambda engine: _arrivals(engine) - _departures(engine)),
        instead=_FLOW,
    )
    out_russia = PlaceAttribute("Departures to Russia.", flow(_to_russia), instead=_FLOW)


@kernel
def fill_outside_wages(
    waged: NDArray[np.bool_],
    omega: NDArray[np.float64],
    reference: NDArray[np.float64],
    slack: NDArray[np.float64],
    table: NDArray[Any],
    out: NDArray[np.float64],
) -> None:
    """Wages of places that are seen from outside, as equation (9) sees them."""
    settings = table[0]
    for place in range(out.shape[0]):
        out[place] = outside_wage(
            place, waged[place], omega, reference, settings.centre_slack, slack, settings
        )


def _outside_wages(engine: Engine) -> Column:
    reference, out = engine.outlook.reference[max(0, engine.t - 1)], np.empty(engine.world.n_all)
    fill_outside_wages(engine.waged, engine.omega, reference, engine.state.slack_outside, engine.table, out)
    return out


def _outside_unemployment(engine: Engine) -> Column:
    """Unemployment of the series less the relief that zone jobs bring, as equation (9) sees it."""
    relief = np.where(
        engine.waged, np.maximum(0.0, engine.settings.centre_slack - engine.state.slack_outside), 0.0
    )
    rates: Column = np.maximum(0.0, engine.outlook.unemployment[max(0, engine.t - 1)] - relief)
    return rates


_SERIES = (
    "it follows an observed series, then the declared growth: change BorderModel(values=...) or its levers"
)


class Destination(Located):
    """A place outside the world that people can move to; values are those of the latest simulated year."""

    omega = PlaceAttribute(
        "Wage relative to the region's, where the place follows the region's series; can be set there.",
        lambda engine: np.where(engine.waged, engine.omega, np.nan),
        _set_omega,
    )
    wage = PlaceAttribute(
        "Wage, KZT a month at 2020 prices.",
        _outside_wages,
        instead="set omega where the place has one, or use the levers centre_wage, russian_wage and rouble",
    )
    unemployment_rate = PlaceAttribute(
        "Unemployment, share of the labour force.", _outside_unemployment, instead=_SERIES
    )
    rent = PlaceAttribute("Rent, Petropavlovsk 2015 = 1.", lambda engine: engine.places.rent, instead=_SERIES)
    services = PlaceAttribute("Services S, index.", lambda engine: engine.places.services, instead=_SERIES)
    quality = PlaceAttribute(
        "Quality of infrastructure Q, share.", lambda engine: engine.places.quality, instead=_SERIES
    )
    perceived_income = PlaceAttribute(
        "Income people expect there, KZT a month at 2020 prices (9).",
        lambda engine: engine.places.income,
        instead=_SERIES,
    )
    zone_jobs = PlaceAttribute(
        "Additional zone jobs in the place (20).", lambda engine: engine.state.zone_jobs, instead=_POSTS
    )
