"""Step 5 of the rating for observed years: what the paper's tables and the official accounts say, 2015-2020.

Two bases: "tables", the seven rows of the paper's Tables 1 and 2 alone, and "official", which adds the accounts of
all places, corrects what the audit found and leaves the paper where nothing else is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from calibration.rating_system import Floats, RatingSystem
from model.accounts_data import LAST_FLOW_YEAR
from model.places import CENTRE_KINDS
from model.problems import WorldError
from model.reference_tables import paper_tables
from model.world import World

Basis = Literal["tables", "official", "simulated"]
FIRST_YEAR: Final = 2015
OBSERVED_YEARS: Final = tuple(range(FIRST_YEAR, LAST_FLOW_YEAR + 1))
GROWTH_YEARS: Final = 5
REGION: Final = "nkr"
REGION_INDICATORS: Final = ("S1", "S2", "S3", "S6", "E1", "E2")
PAPER: Final = "Turkeeva, Omarov, Abilkaiyr 2022, Tables 1 and 2"
SOURCES_OFFICIAL: Final = {
    "S1": "BNS 6584, counts of 1 January",
    "S2": "BNS 6548, 6550, 6584",
    "S3": "implied by counts, births and deaths (BNS 6584, 6548, 6550)",
    "S6": PAPER,
    "E1": f"{PAPER}; region: BNS",
    "E2": f"{PAPER}; a printed labour force is turned into employed (audit, finding 4)",
    "E3": PAPER,
    "E4": PAPER,
    "E11": f"{PAPER}: output / employed",
    "I6": "great circle x 1.2 at the assumed speed",
}
SOURCES_TABLES: Final = {id: PAPER for id in ("S1", "S3", "S6", "E1", "E2", "E3", "E4")}


@dataclass(frozen=True, eq=False)
class RatedFigures:
    """Figures of places and years, missing ones as NaN.

    Attributes:
        basis: "tables", "official" or "simulated". places, years: of the rating; year t closes on 1 January t + 1.
        values: float64[runs, years, places, indicators] in the indicators' units; one run where observed.
        half_width: float64[years, places, indicators] half the range of a graded score; 0 for figures.
        sources: by (indicator), or (indicator, place, year) where a user gave it.
    """

    basis: Basis
    places: tuple[str, ...]
    years: tuple[int, ...]
    values: Floats
    half_width: Floats
    sources: Mapping[tuple[str, ...] | str, str] = field(default_factory=dict)

    def source(self, id: str, place: str, year: int) -> str:
        """Where a figure comes from."""
        return self.sources.get((id, place, str(year)), self.sources.get(id, ""))

    def coverage(self) -> Floats:
        """Share of all indicators that are known in every run, float64[years, places]."""
        return np.asarray(self.known().mean(axis=-1))

    def known(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """bool[years, places, indicators]: known in every run."""
        return ~np.isnan(self.values).any(axis=0)

    def only(self, places: tuple[str, ...]) -> RatedFigures:
        """The same for some of the places."""
        chosen = [self.places.index(place) for place in places]
        return replace(
            self,
            places=places,
            values=self.values[:, :, chosen],
            half_width=self.half_width[:, chosen],
        )


def observed_figures(world: World, system: RatingSystem, basis: Basis) -> RatedFigures:
    """Figures of the simulated places of a world in 2015-2020, as observed."""
    places = world.ids[: world.n_sim]
    values = np.full((1, len(OBSERVED_YEARS), len(places), len(system.ids)), np.nan)
    for p, place in enumerate(places):
        for t, year in enumerate(OBSERVED_YEARS):
            found = _of_tables(world, place, year) if basis == "tables" else _official(world, p, year, system)
            for id, value in found.items():
                values[0, t, p, system.position(id)] = value
    known = SOURCES_TABLES if basis == "tables" else SOURCES_OFFICIAL
    sources: dict[tuple[str, ...] | str, str] = {id: text for id, text in known.items()}
    return RatedFigures(basis, places, OBSERVED_YEARS, values, np.zeros(values.shape[1:]), sources)


def paper_value(place: str, variable: str, year: int) -> float:
    """A figure of the paper's tables as printed, NaN where they have none."""
    point = paper_tables().get((place, variable), {}).get(year)
    return math.nan if point is None else point.value


def _of_tables(world: World, place: str, year: int) -> dict[str, float]:
    """The seven indicators that the paper's rows give, the paper's dating and its own migration balance."""
    count = paper_value(place, "population", year)
    before = paper_value(place, "population", year - GROWTH_YEARS)
    return {
        "S1": 100.0 * (count / before - 1.0),
        "S3": 1000.0 * paper_value(place, "migration_balance", year) / count,
        "E2": paper_value(place, "employed", year) / count,
        **_printed(world, place, year),
    }


def _printed(world: World, place: str, year: int) -> dict[str, float]:
    """What both bases take from the paper."""
    deflate = world.drivers.deflate
    wage = paper_value(place, "wage_monthly_nominal", year)
    return {
        "S6": paper_value(place, "unemployment_rate", year),
        "E1": wage / _series(world, REGION, "wage_monthly_nominal").get(year, math.nan),
        "E3": deflate(paper_value(place, "industrial_output_per_capita", year), year),
        "E4": deflate(paper_value(place, "agricultural_output_per_capita", year), year),
    }


def _official(world: World, p: int, year: int, system: RatingSystem) -> dict[str, float]:
    place = world.ids[p]
    count = account_value(world, place, "population_1jan", year)
    after = account_value(world, place, "population_1jan", year + 1)
    before = account_value(world, place, "population_1jan", year + 1 - GROWTH_YEARS)
    births, deaths = (account_value(world, place, name, year) for name in ("births", "deaths"))
    mean = (count + after) / 2.0
    printed = _printed(world, place, year)
    employed = employed_persons(world, place, year)
    people = paper_value(place, "population", year)
    return {
        **printed,
        "S1": 100.0 * (after / before - 1.0),
        "S2": 1000.0 * (births - deaths) / mean,
        "S3": 1000.0 * (after - count - births + deaths) / mean,
        "E2": employed / mean,
        "E11": (printed["E3"] + printed["E4"]) * people / employed,
        "I6": travel_hours(world, p, system),
    }


def employed_persons(world: World, place: str, year: int) -> float:
    """The paper's employed; where it printed the labour force (audit, finding 4), that times 1 - unemployment."""
    printed = paper_value(place, "employed", year)
    if abs(printed - account_value(world, place, "labour_force", year)) <= 1.0:
        return printed * (1.0 - paper_value(place, "unemployment_rate", year) / 100.0)
    return printed


def travel_hours(world: World, p: int, system: RatingSystem) -> float:
    """Hours by road from a place to the nearest centre of Kazakhstan, 0 for a centre itself (indicator I6)."""
    if world.kind[p] in CENTRE_KINDS:
        return 0.0
    centres = [i for i in range(world.n_all) if world.kind[i] in CENTRE_KINDS and world.nest[i] == 0]
    if not centres:
        return math.nan
    return float(world.road_km[p, centres].min()) / system.value("road_speed")


def region_figures(world: World, system: RatingSystem) -> Floats:
    """The region as if it were a settlement: float64[years 2015-2020, indicators], `REGION_INDICATORS` only."""
    values = np.full((len(OBSERVED_YEARS), len(system.ids)), np.nan)
    series = {
        name: _series(world, REGION, name)
        for name in (
            "population_1jan", "births", "deaths", "net_migration", "unemployment_rate", "employees",
            "self_employed",
        )
    }  # fmt: skip
    for t, year in enumerate(OBSERVED_YEARS):

        def at(name: str, when: int = year) -> float:
            return series[name].get(when, math.nan)

        after, count = at("population_1jan", year + 1), at("population_1jan")
        mean = (count + after) / 2.0
        found = {
            "S1": 100.0 * (after / at("population_1jan", year + 1 - GROWTH_YEARS) - 1.0),
            "S2": 1000.0 * (at("births") - at("deaths")) / mean,
            "S3": 1000.0 * at("net_migration") / mean,
            "S6": at("unemployment_rate"),
            "E1": 1.0,
            "E2": 1000.0 * (at("employees") + at("self_employed")) / mean,
        }
        for id, value in found.items():
            values[t, system.position(id)] = value
    return values


def _series(world: World, name: str, variable: str) -> dict[int, float]:
    try:
        return world.drivers.series(name, variable)
    except WorldError:
        return {}


def account_value(world: World, place: str, variable: str, year: int) -> float:
    """A figure of the official accounts, NaN where there is none."""
    try:
        return world.accounts.value(place, variable, year)
    except WorldError:
        return math.nan
