"""Worlds of villages: the rural districts of a world taken apart into their villages, beside its towns.

The districts keep what is known of them - counts, births, deaths, net migration, parameters - and their villages
share it; what makes one village different from the next is its size, its farm, its road and where it lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.geography import road_distances
from model.places import CENTRE_KINDS, COLUMNS, OPTIONAL_COLUMNS
from model.schedules import frozen_array
from model.village_sites import Sites, shipped_sites, users_sites
from model.village_sizes import Village, settle
from model.world import DATA, World

if TYPE_CHECKING:
    from model.world_file import VillageList
    from model.world_reader import WorldReader

RURAL, VILLAGE, TOWN = "rural_district", "village", "town"
FORMAL_JOBS_SLOPE = (
    0.05  # jobs per participant for a log point of people: small villages work on the own account
)
FORMAL_JOBS_RANGE = (0.25, 0.75)


@dataclass(frozen=True, eq=False)
class Villages:
    """What a world of villages holds beyond other worlds; arrays over its n_sim simulated places, read-only.

    Attributes:
        base: the same world with its districts whole: accounts, parameters and founders are its.
        source: what the villages were drawn from. seed: founding seed of the draw.
        coordinates: by district id, of its seat. external: latitude and longitude of external places.
        sites: the villages drawn, in the order of the places; None for a town.
        holders: [n_all] id of the place that holds a place's parameters: a village's district.
        district: int64 index in `base` of the place's district, or of the town itself.
        is_village, known, rough_road, farm_2015: bool.
        lat, lon: float64 degrees.
        alternatives: int32[n_sim, k] places that people choose from (`choice_sets.py`). hubs: int32 of all places.
        centre: int64 own district's centre (itself for a town); centre_km: float64 road km to it.
    """

    base: World
    source: Sites
    seed: int
    coordinates: dict[str, tuple[float, float]]
    external: dict[str, tuple[float, float]]
    sites: tuple[Village | None, ...]
    holders: tuple[str, ...]
    district: NDArray[np.int64]
    is_village: NDArray[np.bool_]
    known: NDArray[np.bool_]
    rough_road: NDArray[np.bool_]
    farm_2015: NDArray[np.bool_]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    alternatives: NDArray[np.int32]
    hubs: NDArray[np.int32]
    centre: NDArray[np.int64]
    centre_km: NDArray[np.float64]

    def __deepcopy__(self, memo: dict[int, Any]) -> Villages:
        """Villages never change, so that copies of a run share them."""
        return self


def read_villages(reader: WorldReader, chosen: VillageList) -> World:
    """World of villages from a world file with a `[villages]` table.

    Raises:
        WorldError: lists every problem of its files.
    """
    base = reader.world()
    files, problems = reader.files, reader.problems
    where = {place.id: (place.lat, place.lon) for place in reader.chosen}
    rural = [base.ids[i] for i in range(base.n_sim) if base.kind[i] == RURAL]
    towns = [i for i in range(base.n_sim) if base.kind[i] == TOWN]
    if not rural or not towns:
        problems.at_key(
            reader.path, ("villages",), "needs at least one simulated rural district and one simulated town"
        )
    totals = {name: int(base.founding_population[base.index(name)]) for name in rural}
    seats = _seats(reader, rural, [base.ids[i] for i in towns], where)
    if chosen.list is not None:
        path = reader.path.parent / chosen.list
        sites = users_sites(files, path, tuple(rural), seats, totals, {name: where[name] for name in rural})
    else:
        # The start's own year comes from the same accounts: a ratio carries a census count from 2009 to 2015
        since = {
            name: base.accounts.value(name, "population_1jan", base.start)
            / base.accounts.value(name, "population_1jan", 2009)
            for name in rural
            if base.accounts.has(name, "population_1jan", 2009, 2009)
        }
        sites = shipped_sites(files, seats, since, base.start)
        for name in rural:
            if name not in sites.listed:
                problems.at_key(reader.path, ("villages",), f"no list of villages is shipped for '{name}'")
    problems.raise_if_any()
    base = replace(base, digest=files.digest)
    shell = WholeDistricts(base, sites, {name: where[name] for name in rural}, where)
    try:
        return shell.world(chosen.seed)
    except ValueError as error:
        problems.at_key(reader.path, ("villages",), str(error))
        problems.raise_if_any()
        raise


def villages_of_seed(world: World, seed: int) -> World:
    """The same world with its villages drawn from another founding seed; a user's own list stays as it is.

    Raises:
        ValueError: not a world of villages.
    """
    villages = world.villages
    if villages is None:
        raise ValueError(f"world '{world.name}' has no villages")
    where = {**villages.external, **villages.coordinates}
    return WholeDistricts(villages.base, villages.source, villages.coordinates, where).world(seed)


def _seats(
    reader: WorldReader, rural: list[str], towns: list[str], where: dict[str, tuple[float, float]]
) -> dict[str, str]:
    """Name of each district's seat; "" where a simulated town of the world is the seat."""
    with_town = {reader.places[town].hinterland for town in towns}
    given = {
        row.cells["id"]: row.cells.get("seat", "")
        for row in reader.files.rows(DATA / "places.csv", COLUMNS, OPTIONAL_COLUMNS)
    }
    return {name: "" if name in with_town else given.get(name) or name for name in rural}


@dataclass(frozen=True)
class WholeDistricts:
    """A world with its districts whole and what is needed to take them apart."""

    base: World
    sites: Sites
    coordinates: dict[str, tuple[float, float]]
    where: dict[str, tuple[float, float]]

    def world(self, seed: int) -> World:
        """The world of villages of one founding seed."""
        base = self.base
        totals = {name: int(base.founding_population[base.index(name)]) for name in self.coordinates}
        villages = settle(self.sites, totals, self.coordinates, seed)
        towns = [base.ids[i] for i in range(base.n_sim) if base.ids[i] not in totals]
        drawn: dict[str, Village | None] = {village.id: village for village in villages}
        clash = sorted(set(drawn).intersection(base.ids))
        if clash:
            raise ValueError(f"village id '{clash[0]}' is that of another place")
        drawn.update(dict.fromkeys(towns))
        ids = (*sorted(drawn), *base.ids[base.n_sim :])
        sites = tuple(drawn[name] for name in sorted(drawn))
        return self._assemble(ids, sites, seed)

    def _assemble(self, ids: tuple[str, ...], sites: tuple[Village | None, ...], seed: int) -> World:
        base, n_sim = self.base, len(sites)
        holders = tuple(
            site.district if site is not None else name
            for name, site in zip(ids, (*sites, *[None] * (len(ids) - n_sim)), strict=True)
        )
        own = np.array([base.index(name) for name in holders])
        sim = own[:n_sim]
        people = np.array(
            [
                base.founding_population[base.index(name)] if site is None else site.people
                for name, site in zip(ids, sites, strict=False)
            ],
            np.int64,
        )
        share = people / base.founding_population[sim]
        points = [
            (site.lat, site.lon) if site is not None else self.where[name]
            for name, site in zip(ids, (*sites, *[None] * (len(ids) - n_sim)), strict=True)
        ]
        lat, lon = (np.array(side) for side in zip(*points, strict=True))
        road = road_distances(lat.tolist(), lon.tolist())
        kind = tuple(
            VILLAGE if k < n_sim and sites[k] is not None else base.kind[own[k]] for k in range(len(ids))
        )
        is_village = np.array([site is not None for site in sites])
        centre = _centres(base, ids, sites)
        sizes = np.concatenate([people.astype(np.float64), base.size_2015[own[n_sim:]]])
        alternatives, hubs = _choice_sets(road, centre, is_village, n_sim)

        def names(lang: str) -> tuple[str, ...]:
            at = ("en", "ru", "kk").index(lang)
            return tuple(
                sites[k].names[at] if k < n_sim and sites[k] is not None else base.place_names[lang][own[k]]  # type: ignore[union-attr]
                for k in range(len(ids))
            )

        def of_base(values: NDArray[Any], dtype: Any = np.float64) -> NDArray[Any]:
            taken: NDArray[Any] = frozen_array(values[own if len(values) == base.n_all else sim], dtype)
            return taken

        villages = Villages(
            base=base,
            source=self.sites,
            seed=seed,
            coordinates=self.coordinates,
            external=self.where,
            sites=sites,
            holders=holders,
            district=frozen_array(sim, np.int64),
            is_village=frozen_array(is_village, np.bool_),
            known=frozen_array([site is None or site.known for site in sites], np.bool_),
            rough_road=frozen_array([site is not None and site.rough_road for site in sites], np.bool_),
            farm_2015=frozen_array([site is not None and site.farm for site in sites], np.bool_),
            lat=frozen_array(lat[:n_sim]),
            lon=frozen_array(lon[:n_sim]),
            alternatives=frozen_array(alternatives, np.int32),
            hubs=frozen_array(hubs, np.int32),
            centre=frozen_array(centre, np.int64),
            centre_km=frozen_array([road[k, c] for k, c in enumerate(centre)]),
        )
        return replace(
            base,
            n_sim=n_sim,
            n_all=len(ids),
            ids=ids,
            kind=kind,
            role=tuple("simulated" if k < n_sim else base.role[own[k]] for k in range(len(ids))),
            driver_series=tuple(base.driver_series[i] for i in own),
            place_names={lang: names(lang) for lang in base.place_names},
            nest=of_base(base.nest, np.int8),
            is_destination=of_base(base.is_destination, np.bool_),
            is_study_place=of_base(base.is_study_place, np.bool_),
            road_km=frozen_array(road),
            hinterland=frozen_array(np.full(len(ids), -1), np.int64),
            commuting_centre=frozen_array(_commuting_centres(kind, road, n_sim), np.int64),
            infrastructure_Q=of_base(base.infrastructure_Q),
            services_S=of_base(base.services_S),
            rent_index=of_base(base.rent_index),
            size_2015=frozen_array(sizes),
            wear_2015=of_base(base.wear_2015),
            founding_population=frozen_array(people, np.int64),
            founding_births=frozen_array(base.founding_births[sim] * share),
            founding_deaths=frozen_array(base.founding_deaths[sim] * share),
            net_rate_2009_2014=of_base(base.net_rate_2009_2014),
            net_rate_2015_2020=of_base(base.net_rate_2015_2020),
            leaving_rate_ratio=of_base(base.leaving_rate_ratio),
            formal_jobs_share=frozen_array(
                _formal_jobs(base.formal_jobs_share[sim], people, sim, is_village)
            ),
            kin_share=of_base(base.kin_share),
            labour_force_external=of_base(base.labour_force_external),
            labour_force_2015=frozen_array(
                np.where(is_village, math.nan, base.labour_force_2015[sim]),
            ),
            arrival_origin_share=of_base(base.arrival_origin_share),
            hinterland_decline=of_base(base.hinterland_decline),
            local_budget=of_base(base.local_budget),
            digest=f"{base.digest}-villages-{seed}",
            villages=villages,
        )


def _centres(base: World, ids: tuple[str, ...], sites: tuple[Village | None, ...]) -> list[int]:
    """Index of each place's district centre: the simulated town whose hinterland the district is, else the seat."""
    town_of = {
        base.ids[base.hinterland[i]]: base.ids[i] for i in range(base.n_sim) if base.hinterland[i] >= 0
    }
    seat_of: dict[str, str] = {}
    largest: dict[str, int] = {}
    for site in sites:
        if site is None:
            continue
        if site.is_seat:
            seat_of[site.district] = site.id
        if site.people > largest.get(site.district, 0):
            largest[site.district] = site.people
            seat_of.setdefault(f"largest {site.district}", site.id)
            seat_of[f"largest {site.district}"] = site.id
    centres = []
    for name, site in zip(ids, sites, strict=False):
        if site is None:
            centres.append(ids.index(name))
        else:
            centre = town_of.get(site.district) or seat_of.get(site.district)
            centres.append(ids.index(centre or seat_of[f"largest {site.district}"]))
    return centres


def _choice_sets(
    road: NDArray[np.float64], centre: list[int], is_village: NDArray[np.bool_], n_sim: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Alternatives by place - own centre, nearest town, all that lies outside; for a town all towns - and hubs."""
    towns = np.flatnonzero(~is_village)
    outside = list(range(n_sim, road.shape[0]))
    sets: list[list[int]] = []
    for place in range(n_sim):
        if is_village[place]:
            nearest = min((float(road[place, town]), int(town)) for town in towns)[1]
            sets.append(sorted({centre[place], nearest, *outside} - {place}))
        else:
            sets.append(sorted({*towns.tolist(), *outside} - {place}))
    width = max(len(chosen) for chosen in sets)
    table = np.array(
        [chosen + [place] * (width - len(chosen)) for place, chosen in enumerate(sets)], np.int32
    )
    hubs = np.array(sorted({*centre, *towns.tolist(), *outside}), np.int32)
    return table, hubs


def _commuting_centres(kind: tuple[str, ...], road: NDArray[np.float64], n_sim: int) -> list[int]:
    """Nearest centre of each simulated place, as in other worlds (`geography.py`); -1 where there is none."""
    centres = [k for k, name in enumerate(kind) if name in CENTRE_KINDS]
    if not centres:
        return [-1] * n_sim
    return [min((float(road[s, c]), c) for c in centres)[1] for s in range(n_sim)]


def _formal_jobs(
    share: NDArray[np.float64],
    people: NDArray[np.int64],
    sim: NDArray[np.int64],
    is_village: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Jobs per participant: the district's on average over persons, fewer in smaller villages [assumed]."""
    out = share.copy()
    logs = np.array([math.log(n) for n in people.tolist()])
    for district in np.unique(sim[is_village]):
        own = is_village & (sim == district)
        mean = float((logs[own] * people[own]).sum() / people[own].sum())
        low, high = FORMAL_JOBS_RANGE
        out[own] = np.clip(share[own] + FORMAL_JOBS_SLOPE * (logs[own] - mean), low, high)
    return out
