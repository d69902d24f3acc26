"""Cases for the differential tests: small invented worlds, parameters from priors and range edges, levers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from model.levers import Levers, neutral_levers
from model.parameters import ParameterSpace, ParameterValues
from model.world import World, load_world
from model.zones import Project

CENTRES = ("petropavlovsk", "kokshetau", "kostanay", "astana", "omsk", "kurgan", "tyumen")
KINDS = ("town", "rural_district", "regional_centre", "capital")
NAMES = ("alder", "birch", "cedar", "dogwood", "elm", "fir")
PLACE_COLUMNS = (
    "id,name_en,name_ru,name_kk,kind,lat,lon,hinterland,driver_series,size_2015,labour_force_2015,"
    "source,quality"
)
SERIES_COLUMNS = "territory,variable,unit,year,value,source,quality"


@dataclass(frozen=True)
class InventedPlace:
    """A simulated place; `villages`: "" none, "own" outside, or the name of a simulated place."""

    name: str
    kind: str
    people: int
    lat: float
    lon: float
    birth_rate: float
    death_rate: float
    growth: float
    villages: str
    leaving: float  # leaving_rate_ratio
    indices: tuple[float, float, float]  # infrastructure_Q, services_S, rent_index


@dataclass(frozen=True)
class InventedWorld:
    """A world for one test."""

    places: tuple[InventedPlace, ...]
    centres: tuple[str, ...]
    of_leavers_outside: bool

    def write(self, folder: Path) -> World:
        """Write the world's files and load it."""
        rows, accounts, entries = [], [], []
        for place in self.places:
            villages = f"{place.name}_villages" if place.villages == "own" else place.villages
            rows.append(
                f"{place.name},{place.name},,,{place.kind},{place.lat},{place.lon},{villages},nkr,,,invented,user"
            )
            quality, services, rent = place.indices
            entries.append(
                f'{place.name} = {{ role = "simulated", infrastructure_Q = {quality}, services_S = {services}, '
                f"rent_index = {rent}, leaving_rate_ratio = {place.leaving} }}"
            )
            if place.villages == "own":
                rows.append(
                    f"{villages},{villages},,,rural_district,{place.lat},{place.lon},,nkr,2000,,invented,user"
                )
                entries.append(f'{villages} = {{ role = "hinterland", hinterland_decline = 0.03 }}')
            for year in range(2015, 2022):
                people = max(1, round(place.people * (1.0 + place.growth) ** (year - 2015)))
                accounts.append(f"{place.name},population_1jan,persons,{year},{people},invented,user")
            for year in range(2013, 2021):
                births, deaths = (
                    max(1, round(place.people * rate)) for rate in (place.birth_rate, place.death_rate)
                )
                accounts.append(f"{place.name},births,persons,{year},{births},invented,user")
                accounts.append(f"{place.name},deaths,persons,{year},{deaths},invented,user")
        entries += [f'{centre} = {{ role = "destination" }}' for centre in self.centres]
        share = 1.0 / len(self.centres)
        (folder / "places.csv").write_text("\n".join([PLACE_COLUMNS, *rows]) + "\n", encoding="utf-8")
        (folder / "accounts.csv").write_text("\n".join([SERIES_COLUMNS, *accounts]) + "\n", encoding="utf-8")
        path = folder / "invented.toml"
        of = "leavers_outside" if self.of_leavers_outside else "leavers"
        lines = [
            "schema = 1", "start = 2015", f'russia_share_of = "{of}"', "[title]", 'en = "Invented places"',
            "[files]", 'places = "places.csv"', 'accounts = "accounts.csv"', "[places]", *entries,
            "[arrival_origins]", *(f"{centre} = {share!r}" for centre in self.centres),
        ]  # fmt: skip
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return load_world(str(path))


@st.composite
def worlds(draw: st.DrawFn, most_people: int = 2000) -> InventedWorld:
    """One to five simulated places with up to `most_people` residents, beside one to seven real centres."""
    names = NAMES[: draw(st.integers(1, 5))]
    room = most_people // len(names)
    places = []
    for name in names:
        places.append(
            InventedPlace(
                name,
                draw(st.sampled_from(KINDS)),
                draw(st.integers(30, room)),
                round(draw(st.floats(53.0, 55.3)), 3),
                round(draw(st.floats(66.0, 71.0)), 3),
                draw(st.floats(0.008, 0.025)),
                draw(st.floats(0.006, 0.022)),
                draw(st.floats(-0.05, 0.03)),
                draw(st.sampled_from(("", "own", *(other for other in names if other != name)))),
                draw(st.sampled_from((0.0, 0.5, 1.0, 2.0, 10.0))),
                tuple(round(draw(st.floats(0.1, 1.0)), 3) for _ in range(3)),  # type: ignore[arg-type]
            )
        )
    centres = draw(st.lists(st.sampled_from(CENTRES), min_size=1, max_size=7, unique=True))
    return InventedWorld(tuple(places), tuple(centres), draw(st.booleans()))


@st.composite
def parameters(draw: st.DrawFn, space: ParameterSpace) -> ParameterValues:
    """A draw from the priors, some parameters moved to an edge of their prior or of what is accepted at all."""
    values = space.draw(draw(st.integers(0, 2**31)), draw(st.integers(0, 1000)))
    moved = draw(st.lists(st.sampled_from(space.parameters), max_size=12, unique_by=lambda p: p.name))
    changes: dict[str, float] = {}
    for parameter in moved:
        declaration = parameter.declaration
        edge = draw(st.sampled_from(("low prior", "high prior", "low", "high")))
        value = {"low": declaration.low, "high": declaration.high}.get(edge)
        if value is None:
            if parameter.prior is None:
                continue
            value = parameter.prior.quantile(1e-6 if edge == "low prior" else 1.0 - 1e-6)
        changes[parameter.name] = min(declaration.high, max(declaration.low, value))
    return values.with_values(changes)


# Lever: least and largest value; arrays by (year, place) unless the shape says otherwise.
BY_PLACE = {
    "reach": (0.0, 60.0), "wage_supplement": (0.0, 0.6), "renewal": (0.0, 80.0), "extra_budget": (0.0, 60.0),
    "rent_factor": (0.4, 1.5), "study_logit": (-1.5, 1.0), "return_gain": (0.0, 0.5), "settlers": (0.0, 6.0),
    "launch_factor": (0.0, 6.0), "fare": (0.0, 2.0), "dwellings": (0.0, 200.0), "reused": (0.0, 50.0),
    "place_wage": (0.7, 1.5),
}  # fmt: skip
BY_YEAR = {
    "russia_odds": (0.3, 2.0), "border_distance": (0.5, 3.0), "russian_wage": (0.6, 1.5), "rouble": (0.6, 1.5),
    "centre_wage": (0.8, 1.4), "home_wage": (0.8, 1.4), "drought": (-0.4, 0.2), "industry": (-0.4, 0.4),
    "shedding": (0.0, 0.05), "hinterland": (0.0, 0.05),
}  # fmt: skip


@st.composite
def levers(draw: st.DrawFn, world: World, horizon: int) -> Levers:
    """A few policies and futures, each from some year on, and zone projects in any place."""
    chosen = neutral_levers(world, horizon)
    for name in draw(st.lists(st.sampled_from([*BY_PLACE, *BY_YEAR]), max_size=8, unique=True)):
        array: Any = getattr(chosen, name)
        value = draw(st.floats(*(BY_PLACE | BY_YEAR)[name]))
        first = draw(st.integers(0, len(array) - 1))
        if name in BY_PLACE:
            array[first:, draw(st.integers(0, array.shape[1] - 1))] = value
        else:
            array[first:] = value
    if draw(st.booleans()):
        first, facility = draw(st.integers(0, len(chosen.services_kept) - 1)), draw(st.integers(0, 1))
        chosen.services_kept[first:, :, facility] = True
    projects = []
    for number in range(draw(st.integers(0, 3))):
        first_year, recorded = world.start + draw(st.integers(0, 8)), draw(st.booleans())
        projects.append(
            Project(
                "test", f"project {number}", draw(st.integers(0, world.n_all - 1)), first_year,
                first_year + draw(st.integers(0, 25)),
                declared_jobs=draw(st.sampled_from((float("nan"), 3.0, 25.0, 400.0))) if not recorded else 40.0,
                recorded=recorded, full_year=first_year + draw(st.integers(1, 6)) if recorded else 0,
                but_for=draw(st.sampled_from((float("nan"), 1.0))),
                displacement=draw(st.sampled_from((float("nan"), 0.0))),
                launch_factor=draw(st.sampled_from((1.0, 10.0))), kept_until=draw(st.sampled_from((0, 2030))),
            )
        )  # fmt: skip
    return replace(chosen, projects=tuple(projects), qyzyljar=draw(st.booleans()))


def seeds() -> st.SearchStrategy[np.uint64]:
    """Seeds of runs."""
    return st.integers(0, 2**64 - 1).map(np.uint64)
