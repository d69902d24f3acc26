"""Worlds: which places are simulated, which are only seen from outside, and all that is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.accounts_data import Accounts
from model.csv_tables import Files
from model.drivers import Drivers
from model.problems import Problems, WorldError, nearest
from model.schedules import Schedules

if TYPE_CHECKING:
    from model.villages import Villages

__all__ = ["DATA", "World", "WorldError", "load_world", "shipped_worlds"]

DATA = Path(__file__).resolve().parent / "data"
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class World:
    """A world as read from its files. Places are sorted by id: first the n_sim simulated ones, then others.

    Attributes (shapes in brackets; arrays are read-only; a rate is a share a year):
        name, title, start: the world's name, its title by language, the first year (2015).
        n_sim, n_all: number of simulated places and of all places.
        ids, kind, role, driver_series: [n_all] id, kind, role and name of the driving series of each place.
        place_names: by language, [n_all].
        nest: [n_all] 0 Kazakhstan, 1 Russia.
        is_destination: [n_all] whether people can move there (simulated and destination, not hinterland).
        is_study_place: [n_all] whether youth can study there.
        road_km: [n_all, n_all] road distance, at least 15 off the diagonal.
        hinterland: [n_all] index of the place's own hinterland, or -1.
        commuting_centre: [n_sim] nearest centre; -1 for a centre itself or where the world has none.
        infrastructure_Q, services_S, rent_index: [n_all] assumed indices of 2015.
        size_2015: [n_all] persons.
        wear_2015: [n_sim, 4] heat, water, sewer, road; Q = mean(1 - wear).
        founding_population: [n_sim] persons on 1 January of the start.
        founding_births, founding_deaths: [n_sim] persons a year, means of 2013-2017.
        net_rate_2009_2014, net_rate_2015_2020: [n_sim] mean implied net migration / population.
        leaving_rate_ratio, formal_jobs_share: [n_sim] assumed, see ``data/README.md``.
        kin_share: [n_sim, 2] share of households with kin in Kazakhstan's places and in Russia (assumed).
        labour_force_external: [n_all] persons; 0 where unknown and for simulated places.
        labour_force_2015: [n_sim] persons, official labour force 15+ (survey estimate); NaN where unknown.
        arrival_origin_share: [n_all] origins of arrivals that do not come from the own hinterland (assumed).
        hinterland_decline: [n_all] yearly decline of external hinterlands, 0 elsewhere.
        russia_share_of: of whom the share going to Russia is known: "leavers" or "leavers_outside".
        drivers, accounts, schedules: observed drivers, official accounts, schedules by age.
        local_budget: [n_sim, 6] nominal thousand KZT a head 2015-2020, 0 where unknown.
        zone_jobs: launched jobs of special economic zones by place id and year.
        where: longitude and latitude of a place by its id, degrees; places without are missing.
        digest: sha256 over the names and bytes of all files read.
        villages: in a world of villages, what is known of them beyond other places; None elsewhere.
    """

    name: str
    title: dict[str, str]
    start: int
    n_sim: int
    n_all: int
    ids: tuple[str, ...]
    kind: tuple[str, ...]
    role: tuple[str, ...]
    driver_series: tuple[str, ...]
    place_names: dict[str, tuple[str, ...]]
    nest: NDArray[np.int8]
    is_destination: NDArray[np.bool_]
    is_study_place: NDArray[np.bool_]
    road_km: Floats
    hinterland: Integers
    commuting_centre: Integers
    infrastructure_Q: Floats
    services_S: Floats
    rent_index: Floats
    size_2015: Floats
    wear_2015: Floats
    founding_population: Integers
    founding_births: Floats
    founding_deaths: Floats
    net_rate_2009_2014: Floats
    net_rate_2015_2020: Floats
    leaving_rate_ratio: Floats
    formal_jobs_share: Floats
    kin_share: Floats
    labour_force_external: Floats
    labour_force_2015: Floats
    arrival_origin_share: Floats
    hinterland_decline: Floats
    russia_share_of: str
    drivers: Drivers
    accounts: Accounts
    schedules: Schedules
    local_budget: Floats
    zone_jobs: dict[str, dict[int, float]]
    where: dict[str, tuple[float, float]]
    digest: str
    villages: Villages | None = None

    def names(self, lang: str = "en") -> tuple[str, ...]:
        """Return the names of all places in English, Russian or Kazakh ("en", "ru", "kk")."""
        if lang not in self.place_names:
            raise WorldError(f"unknown language '{lang}'" + nearest(lang, self.place_names))
        return self.place_names[lang]

    def index(self, place_id: str) -> int:
        """Return the index of a place.

        Raises:
            WorldError: no such place; the message names the nearest id.
        """
        try:
            return self.ids.index(place_id)
        except ValueError:
            raise WorldError(
                f"world '{self.name}' has no place '{place_id}'" + nearest(place_id, self.ids)
            ) from None

    @property
    def holders(self) -> tuple[str, ...]:
        """Id by place [n_all] under which parameters per place are declared: for a village, its district."""
        return self.ids if self.villages is None else self.villages.holders

    def __deepcopy__(self, memo: dict[int, Any]) -> World:
        """A world never changes, so that copies of a model share it."""
        return self


def shipped_worlds() -> tuple[str, ...]:
    """Return the names of the worlds that come with the project, sorted."""
    return tuple(sorted(path.stem for path in (DATA / "worlds").glob("*.toml")))


def load_world(name_or_path: str) -> World:
    """Load a shipped world by name or a user's world by the path of its TOML file.

    Raises:
        WorldError: lists every problem found in the world file and in its data files.

    Example:
        >>> from model.world import load_world
        >>> world = load_world("towns")
        >>> world.ids[: world.n_sim]
        ('bulaevo', 'mamlyutka', 'sergeevka', 'tayynsha')
        >>> world.founding_population  # persons on 1 January 2015, the published counts
        array([ 7644,  7172,  7353, 11476])
        >>> world.road_km.shape == (world.n_all, world.n_all)  # km
        True
    """
    if name_or_path in shipped_worlds():
        path = DATA / "worlds" / f"{name_or_path}.toml"
    elif name_or_path.endswith(".toml"):
        path = Path(name_or_path)
    else:
        raise WorldError(
            f"unknown world '{name_or_path}'"
            + nearest(name_or_path, shipped_worlds())
            + "; or give the path of a .toml file (copy template.toml and the folder template in model/data/worlds)"
        )
    # pydantic takes longer to import than a world to read: only who loads a world pays for it
    from model.world_file import read_world_file
    from model.world_reader import WorldReader

    problems = Problems(f"world '{name_or_path}'")
    files = Files(problems)
    world_file = read_world_file(files, path)
    problems.raise_if_any()
    assert world_file is not None
    reader = WorldReader(files, path, world_file)
    if world_file.villages is None:
        return reader.world()
    from model.villages import read_villages

    return read_villages(reader, world_file.villages)
