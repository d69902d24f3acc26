"""From a validated world file and its data files to a :class:`~model.world.World`."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from model.accounts_data import BUDGET_VARIABLES, LAST_COUNT_YEAR, LAST_FLOW_YEAR, MOST_PEOPLE, read_accounts
from model.csv_tables import Files
from model.drivers import SHARED_TERRITORIES, read_drivers
from model.geography import Geography
from model.places import (
    STUDY_KINDS,
    Place,
    read_indices,
    read_kinds,
    read_places,
)
from model.problems import nearest
from model.schedules import frozen_array, read_schedules
from model.series_tables import Variable, read_series
from model.world import DATA, Floats, World
from model.world_file import PlaceEntry, WorldFile

FIRST_FOUNDING_YEAR, LAST_FOUNDING_YEAR = 2013, 2017
FIRST_RATE_YEAR = 2009
ZONE_VARIABLES = {"zone_jobs_launched": Variable(("persons",), 0, 1e7)}
ONLY_SIMULATED = ("wear", "leaving_rate_ratio", "formal_jobs_share", "kin_kazakhstan", "kin_russia")
OVERRIDES = ("hinterland", "driver_series", "size_2015", "labour_force_2015")
INDICES = ("infrastructure_Q", "services_S", "rent_index")
ONLY_EXTERNAL = ("size_2015", "labour_force_2015")
SHARE_TOLERANCE = 1e-6


class WorldReader:
    """Reads the tables that a world needs, checks them against each other and builds the world."""

    def __init__(self, files: Files, path: Path, world_file: WorldFile) -> None:
        """Read all tables; raises WorldError with every problem inside the files."""
        self.files, self.path, self.world_file = files, path, world_file
        self.problems = files.problems
        own = world_file.files
        self.places = read_places(files, self._paths("places.csv", own.places))
        self.indices = read_indices(files, DATA / "indices.csv")
        self.kinds = read_kinds(files, DATA / "kinds.csv")
        self.accounts = read_accounts(files, self._paths("accounts.csv", own.accounts), self.places)
        series = {place.driver_series for place in self.places.values()}
        territories = series.union(SHARED_TERRITORIES, self.places)
        self.drivers = read_drivers(files, self._paths("drivers.csv", own.drivers), territories)
        self.budget = read_series(
            files, self._paths("local_budget.csv", own.local_budget), BUDGET_VARIABLES, self.places, "place"
        )
        self.zone_jobs = read_series(files, [DATA / "zone_jobs.csv"], ZONE_VARIABLES, self.places, "place")
        self.schedules = read_schedules(files, DATA)
        self.problems.raise_if_any()

    def _paths(self, shipped: str, own: str | None) -> list[Path]:
        """Return the shipped file and, after it, the user's own one."""
        return [DATA / shipped] + ([self.path.parent / own] if own else [])

    def _wrong(self, key: tuple[str | int, ...], text: str) -> None:
        self.problems.at_key(self.path, key, text)

    def world(self) -> World:
        """Check the places of the world and return it; raises WorldError with every problem found."""
        entries = self.world_file.places
        for place_id in entries:
            if place_id not in self.places:
                self._wrong(
                    ("places", place_id), f"unknown place '{place_id}'" + nearest(place_id, self.places)
                )
        simulated = sorted(place_id for place_id, entry in entries.items() if entry.role == "simulated")
        if not simulated:
            self._wrong(("places",), "no place has the role 'simulated'; a world needs at least one")
        self.problems.raise_if_any()
        external = sorted(place_id for place_id, entry in entries.items() if entry.role != "simulated")
        self.ids = (*simulated, *external)
        self.n_sim = len(simulated)
        self.chosen = [self._with_overrides(place_id) for place_id in self.ids]
        self.entries = [entries[place_id] for place_id in self.ids]
        for place, entry in zip(self.chosen, self.entries, strict=True):
            self._check_place(place, entry)
        self.problems.raise_if_any()
        world = self._assemble()
        self.problems.raise_if_any()
        return world

    def _with_overrides(self, place_id: str) -> Place:
        """Return a place of the table with what the world file says about it instead."""
        place, entry = self.places[place_id], self.world_file.places[place_id]
        given = {name: getattr(entry, name) for name in OVERRIDES if getattr(entry, name) is not None}
        return replace(place, **given)

    def _check_place(self, place: Place, entry: PlaceEntry) -> None:
        """Check what a place needs in its role."""
        key = ("places", place.id)
        is_simulated = entry.role == "simulated"
        for name in ONLY_EXTERNAL if is_simulated else ONLY_SIMULATED:
            if getattr(entry, name) is not None:
                where = (
                    "comes from the accounts of a simulated place"
                    if is_simulated
                    else "needs role 'simulated'"
                )
                self._wrong((*key, name), where)
        if is_simulated and place.kind not in self.kinds:
            self._wrong(key, f"a place of kind '{place.kind}' cannot be simulated" + nearest("", self.kinds))
        if entry.role == "hinterland":
            if entry.hinterland_decline is None:
                self._wrong((*key, "hinterland_decline"), "is missing; a hinterland needs its yearly decline")
        elif entry.hinterland_decline is not None:
            self._wrong((*key, "hinterland_decline"), "needs role 'hinterland'")
        if is_simulated:
            self._check_accounts(place)
        elif self._size(place) <= 0 or math.isnan(self._size(place)):
            self._wrong(
                (*key, "size_2015"), "is missing; give it here, in a places file or in an accounts file"
            )
        self._check_drivers(place)
        for name in INDICES:
            stated_as_wear = name == "infrastructure_Q" and entry.wear is not None
            if self._index(place, entry, name) is None and not stated_as_wear:
                self._wrong((*key, name), f"is missing; no value is shipped for kind '{place.kind}'")
        if entry.wear is not None and entry.infrastructure_Q is not None:
            quality = 1.0 - sum(self._wear(place, entry)) / 4.0
            if abs(quality - entry.infrastructure_Q) > SHARE_TOLERANCE:
                self._wrong(
                    (*key, "infrastructure_Q"),
                    f"{entry.infrastructure_Q:g} is not the mean of 1 - wear, {quality:g}; give only one",
                )

    def _check_accounts(self, place: Place) -> None:
        """Check that a simulated place has the counts and flows that founding and calibration need."""
        start = self.world_file.start
        needs = (
            ("population_1jan", start, LAST_COUNT_YEAR),
            ("births", FIRST_FOUNDING_YEAR, LAST_FLOW_YEAR),
            ("deaths", FIRST_FOUNDING_YEAR, LAST_FLOW_YEAR),
        )
        for variable, first, last in needs:
            if not self.accounts.has(place.id, variable, first, last):
                self._wrong(
                    ("places", place.id), f"simulated, but no {variable} for all years {first}-{last}"
                )
            elif variable == "population_1jan":
                for year in range(start, LAST_COUNT_YEAR + 1):
                    point = self.accounts.table[(place.id, variable)][year]
                    if point.value < 1:
                        self.problems.at_line(point.path, point.line, f"{place.id}: no people in {year}")

    def _check_drivers(self, place: Place) -> None:
        """Check that a place's wages and unemployment are known for 2015-2020 in its country's money."""
        name, money = place.driver_series, "RUB" if place.kind == "russia" else "KZT"
        years = range(self.drivers.first_year, LAST_FLOW_YEAR + 1)
        for variable in ("wage_monthly_nominal", "unemployment_rate"):
            points = self.drivers.table.get((name, variable))
            if points is None:
                hint = nearest(name, self.drivers.names(variable))
                self._wrong(("places", place.id), f"its driver series '{name}' has no {variable}{hint}")
                continue
            missing = [str(year) for year in years if year not in points]
            if missing:
                self._wrong(("places", place.id), f"{variable} of '{name}' has no year {', '.join(missing)}")
            point = next(iter(points.values()))
            if variable == "wage_monthly_nominal" and point.unit != money:
                self.problems.at_line(
                    point.path, point.line, f"wages of '{name}' in {point.unit}; {place.id} needs {money}"
                )

    def _index(self, place: Place, entry: PlaceEntry, name: str) -> float | None:
        """Return an index: the user's, else the place's, else its kind's, else None."""
        given: float | None = getattr(entry, name)
        shipped = self.indices.get(place.id) or self.indices.get(place.kind)
        return given if given is not None else (getattr(shipped, name) if shipped else None)

    def _wear(self, place: Place, entry: PlaceEntry) -> tuple[float, float, float, float]:
        """Return wear of heat, water, sewer and road; all four are 1 - Q unless given."""
        if entry.wear is not None:
            return entry.wear.heat, entry.wear.water, entry.wear.sewer, entry.wear.road
        worn = 1.0 - (self._index(place, entry, "infrastructure_Q") or 0.0)
        return worn, worn, worn, worn

    def _size(self, place: Place) -> float:
        """Return the persons of a place in 2015: from its accounts, unless the world file says otherwise."""
        start = self.world_file.start
        stated = self.world_file.places[place.id].size_2015
        if stated is None and self.accounts.has(place.id, "population_1jan", start, start):
            return self.accounts.value(place.id, "population_1jan", start)
        return place.size_2015

    def _assemble(self) -> World:
        """Build the arrays of the world."""
        start, n_sim, n_all = self.world_file.start, self.n_sim, len(self.ids)
        pairs = list(zip(self.chosen, self.entries, strict=True))
        founders = pairs[:n_sim]
        accounts, sim_ids = self.accounts, self.ids[:n_sim]
        kinds = [self.kinds[place.kind] for place, _ in founders]
        population = [int(accounts.value(place_id, "population_1jan", start)) for place_id in sim_ids]
        if sum(population) > MOST_PEOPLE:
            self._wrong(("places",), f"{sum(population)} people to simulate; at most {MOST_PEOPLE:.0f}")
        geography = Geography(self.path, self.problems, self.chosen, self.entries)
        road = geography.roads(self.world_file.roads)

        def index_of(name: str) -> Floats:
            return np.array([self._index(place, entry, name) for place, entry in pairs], dtype=np.float64)

        def of_kind(name: str) -> list[float]:
            given = [getattr(entry, name) for _, entry in founders]
            return [
                getattr(kind, name) if own is None else own for kind, own in zip(kinds, given, strict=True)
            ]

        wear = np.array([self._wear(place, entry) for place, entry in founders])
        infrastructure = index_of("infrastructure_Q")
        for s, (_, entry) in enumerate(founders):
            if entry.wear is not None:
                infrastructure[s] = 1.0 - sum(wear[s].tolist()) / 4.0
        title = self.world_file.title
        return World(
            name=self.path.stem,
            title={"en": title.en, "ru": title.ru or title.en, "kk": title.kk or title.en},
            start=start,
            n_sim=n_sim,
            n_all=n_all,
            ids=self.ids,
            kind=tuple(place.kind for place in self.chosen),
            role=tuple(entry.role for entry in self.entries),
            driver_series=tuple(place.driver_series for place in self.chosen),
            place_names={
                lang: tuple(place.name[lang] for place in self.chosen) for lang in ("en", "ru", "kk")
            },
            nest=frozen_array([place.kind == "russia" for place in self.chosen], np.int8),
            is_destination=frozen_array([entry.role != "hinterland" for entry in self.entries], np.bool_),
            is_study_place=frozen_array([place.kind in STUDY_KINDS for place in self.chosen], np.bool_),
            road_km=frozen_array(road),
            hinterland=frozen_array(geography.hinterlands(n_sim), np.int64),
            commuting_centre=frozen_array(geography.commuting_centres(road, n_sim), np.int64),
            infrastructure_Q=frozen_array(infrastructure),
            services_S=frozen_array(index_of("services_S")),
            rent_index=frozen_array(index_of("rent_index")),
            size_2015=frozen_array([self._size(place) for place in self.chosen]),
            wear_2015=frozen_array(wear),
            founding_population=frozen_array(population, np.int64),
            founding_births=frozen_array(self._founding_means("births")),
            founding_deaths=frozen_array(self._founding_means("deaths")),
            net_rate_2009_2014=frozen_array([self._early_net_rate(place_id) for place_id in sim_ids]),
            net_rate_2015_2020=frozen_array(
                [accounts.mean_net_rate(place_id, start, LAST_FLOW_YEAR) for place_id in sim_ids]
            ),
            leaving_rate_ratio=frozen_array(of_kind("leaving_rate_ratio")),
            formal_jobs_share=frozen_array(of_kind("formal_jobs_share")),
            kin_share=frozen_array(list(zip(of_kind("kin_kazakhstan"), of_kind("kin_russia"), strict=True))),
            labour_force_external=frozen_array(
                [0.0] * n_sim + [self._labour_force(place, 0.0) for place in self.chosen[n_sim:]]
            ),
            labour_force_2015=frozen_array([self._labour_force(place, math.nan) for place, _ in founders]),
            arrival_origin_share=frozen_array(geography.arrival_origins(self.world_file.arrival_origins)),
            hinterland_decline=frozen_array([entry.hinterland_decline or 0.0 for entry in self.entries]),
            russia_share_of=self.world_file.russia_share_of,
            drivers=self.drivers,
            accounts=accounts,
            schedules=self.schedules,
            local_budget=frozen_array(self._local_budget()),
            zone_jobs={
                place_id: {year: point.value for year, point in series.items()}
                for (place_id, _), series in self.zone_jobs.items()
                if place_id in self.ids
            },
            where={
                place.id: (place.lon, place.lat)
                for place in self.chosen
                if not (math.isnan(place.lon) or math.isnan(place.lat))
            },
            digest=self.files.digest,
        )

    def _founding_means(self, variable: str) -> list[float]:
        """Return the mean flows of 2013-2017, less noisy than one year."""
        years = (FIRST_FOUNDING_YEAR, LAST_FOUNDING_YEAR)
        return [self.accounts.mean(place_id, variable, *years) for place_id in self.ids[: self.n_sim]]

    def _early_net_rate(self, place_id: str) -> float:
        """Return the net migration rate of 2009-2014, or of 2015-2020 where the accounts start later."""
        start = self.world_file.start
        known = self.accounts.has(place_id, "population_1jan", FIRST_RATE_YEAR, start) and all(
            self.accounts.has(place_id, flow, FIRST_RATE_YEAR, start - 1) for flow in ("births", "deaths")
        )
        first, last = (FIRST_RATE_YEAR, start - 1) if known else (start, LAST_FLOW_YEAR)
        return self.accounts.mean_net_rate(place_id, first, last)

    def _labour_force(self, place: Place, unknown: float) -> float:
        """Return the labour force of 2015 in persons, from the accounts or else from the places table."""
        stated = self.world_file.places[place.id].labour_force_2015
        start = self.world_file.start
        if stated is None and self.accounts.has(place.id, "labour_force", start, start):
            return self.accounts.value(place.id, "labour_force", start)
        return unknown if math.isnan(place.labour_force_2015) else place.labour_force_2015

    def _local_budget(self) -> Floats:
        """Return thousand KZT a head, nominal, by simulated place and year from the start to 2020."""
        start = self.world_file.start
        budget = np.zeros((self.n_sim, LAST_FLOW_YEAR - start + 1))
        for s, place_id in enumerate(self.ids[: self.n_sim]):
            for year, point in self.budget.get((place_id, "local_budget_per_capita"), {}).items():
                if year >= start:
                    budget[s, year - start] = point.value
        return budget
