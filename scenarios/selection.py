"""Which rows of the model's arrays a lever touches: its years and its places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.world import World
from scenarios.fields import Dated, Placed

KINDS = {
    "@towns": ("town",),
    "@rural_districts": ("rural_district",),
    "@centres": ("regional_centre", "capital"),
}


def places_of(selectors: Sequence[str], world: World) -> list[int]:
    """Indices of the places that ids and groups stand for, sorted; unknown ones are left out.

    Groups stand for simulated places only, an id for any place.
    """
    found: set[int] = set()
    for selector in selectors:
        if selector == "@all":
            found.update(range(world.n_sim))
        elif selector in KINDS:
            found.update(place for place in range(world.n_sim) if world.kind[place] in KINDS[selector])
        elif selector in world.ids:
            found.add(world.ids.index(selector))
    return sorted(found)


@dataclass(frozen=True)
class Selection:
    """Years (rows from the world's start) and places of a lever in a world up to a horizon."""

    world: World
    horizon: int
    rows: list[int]
    places: list[int]

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Index of all these years in all these places."""
        return np.array(self.rows, np.intp)[:, None], np.array(self.places, np.intp)[None, :]

    def elapsed(self) -> NDArray[np.float64]:
        """Years in force up to each year of the run, that year included: float64[years]."""
        count = np.zeros(self.horizon - self.world.start)
        count[self.rows] = 1.0
        return np.cumsum(count)


def selection_of(lever: Any, world: World, horizon: int) -> Selection:
    """What a lever touches; a lever without places touches none of them, one without dates no year."""
    years = lever.years(horizon) if isinstance(lever, Dated) else range(0)
    places = places_of(lever.places, world) if isinstance(lever, Placed) else []
    return Selection(world, horizon, [year - world.start for year in years if year >= world.start], places)
