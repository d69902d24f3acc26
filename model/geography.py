"""How the places of a world lie to each other: roads, hinterlands, commuting centres, origins of arrivals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.places import CENTRE_KINDS, Place
from model.problems import Problems, nearest
from model.world_file import PlaceEntry, Road

EARTH_RADIUS_KM = 6371.0
ROAD_FACTOR = 1.2
SHORTEST_ROAD_KM = 15.0
SHARE_TOLERANCE = 1e-6
Floats = NDArray[np.float64]


def road_distances(latitudes: Sequence[float], longitudes: Sequence[float]) -> Floats:
    """Return road distances in km: great circle (haversine) x 1.2, at least 15 between two places.

    Args:
        latitudes: n values in degrees.
        longitudes: n values in degrees.

    Returns:
        Symmetric array [n, n] with 0 on the diagonal. Sines and arc sines come from ``math``, so that the
        distances are identical on every machine; haversine = (chord / 2) squared.
    """
    count = len(latitudes)
    phi = [math.radians(value) for value in latitudes]
    lam = [math.radians(value) for value in longitudes]
    x = np.array([math.cos(p) * math.cos(q) for p, q in zip(phi, lam, strict=True)])
    y = np.array([math.cos(p) * math.sin(q) for p, q in zip(phi, lam, strict=True)])
    z = np.array([math.sin(p) for p in phi])
    diameter = 2.0 * EARTH_RADIUS_KM * ROAD_FACTOR
    km = np.zeros((count, count))
    for i in range(count - 1):
        dx, dy, dz = x[i + 1 :] - x[i], y[i + 1 :] - y[i], z[i + 1 :] - z[i]
        half_chord = np.minimum(1.0, np.sqrt(dx * dx + dy * dy + dz * dz) / 2.0)
        row = [max(SHORTEST_ROAD_KM, diameter * math.asin(value)) for value in half_chord.tolist()]
        km[i, i + 1 :] = row
        km[i + 1 :, i] = row
    return km


class Geography:
    """The places of one world in their final order, with the world file's entries for them."""

    def __init__(
        self, path: Path, problems: Problems, places: Sequence[Place], entries: Sequence[PlaceEntry]
    ) -> None:
        """Take the places; what is wrong with the world file at ``path`` is noted in ``problems``."""
        self.path, self.problems = path, problems
        self.places, self.entries = places, entries
        self.index = {place.id: i for i, place in enumerate(places)}

    def _wrong(self, key: tuple[str | int, ...], text: str) -> None:
        self.problems.at_key(self.path, key, text)

    def roads(self, stated: Sequence[Road]) -> Floats:
        """Return road distances [n, n] in km, with the stated ones in place of great circle x 1.2."""
        km = road_distances([place.lat for place in self.places], [place.lon for place in self.places])
        seen: set[frozenset[str]] = set()
        for number, road in enumerate(stated):
            key = ("roads", number, "between")
            unknown = [place_id for place_id in road.between if place_id not in self.index]
            for place_id in unknown:
                self._wrong(key, f"unknown place '{place_id}'" + nearest(place_id, self.index))
            ends = frozenset(road.between)
            if len(ends) == 1:
                self._wrong(key, f"a road from '{road.between[0]}' to itself")
            elif ends in seen:
                self._wrong(key, f"the road {' - '.join(sorted(ends))} stands twice")
            elif not unknown:
                i, j = (self.index[place_id] for place_id in road.between)
                km[i, j] = km[j, i] = road.km
            seen.add(ends)
        return km

    def hinterlands(self, n_sim: int) -> NDArray[np.int64]:
        """Return the index [n] of each place's own hinterland, -1 where it has none in this world."""
        found = np.full(len(self.places), -1, dtype=np.int64)
        for i, (place, entry) in enumerate(zip(self.places, self.entries, strict=True)):
            name = place.hinterland
            if name in self.index and name != place.id:
                found[i] = self.index[name]
                if self.entries[found[i]].role == "destination":
                    self._wrong(("places", place.id), f"its hinterland '{name}' has the role destination")
            elif entry.hinterland:
                hint = nearest(name, [other for other in self.index if other != place.id])
                self._wrong(("places", place.id, "hinterland"), f"unknown place '{name}'{hint}")
        used = set(found[:n_sim].tolist())
        for i, entry in enumerate(self.entries):
            if entry.role == "hinterland" and i not in used:
                self._wrong(
                    ("places", self.places[i].id, "role"), "it is the hinterland of no simulated place"
                )
        return found

    def commuting_centres(self, km: Floats, n_sim: int) -> list[int]:
        """Return the nearest centre of each simulated place; -1 for a centre or where the world has none."""
        centres = [
            i
            for i, (place, entry) in enumerate(zip(self.places, self.entries, strict=True))
            if place.kind in CENTRE_KINDS and entry.role != "hinterland"
        ]
        return [
            -1
            if s in centres or not centres
            else min((float(km[s, centre]), centre) for centre in centres)[1]
            for s in range(n_sim)
        ]

    def arrival_origins(self, stated: Mapping[str, float]) -> Floats:
        """Return the shares [n] of origins; they sum to 1, or are all 0 in a world without destinations."""
        shares = np.zeros(len(self.places))
        destinations = [
            place.id
            for place, entry in zip(self.places, self.entries, strict=True)
            if entry.role == "destination"
        ]
        for place_id, share in stated.items():
            if place_id in destinations:
                shares[self.index[place_id]] = share
            else:
                hint = nearest(place_id, destinations)
                self._wrong(("arrival_origins", place_id), f"not a destination of this world{hint}")
        total = math.fsum(stated.values())
        if (destinations or stated) and abs(total - 1.0) > SHARE_TOLERANCE:
            self._wrong(("arrival_origins",), f"the shares sum to {total:g}, expected 1")
        return shares
