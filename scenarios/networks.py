"""Lengths and unit costs of a place's networks, as the declared parameters have them by default (equation 18)."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from model.declarations import DECLARATIONS
from model.infrastructure import REFERENCE_TOWN
from model.settlements import NETWORK_NAMES
from model.world import World

_LENGTHS = ("heat_km", "water_km", "sewer_km", "road_km")
_PRICES = ("heat_cost", "water_cost", "water_cost", "road_cost")


@cache
def _defaults() -> dict[str, float]:
    return {declaration.name: declaration.default for declaration in DECLARATIONS}


def network_prices() -> NDArray[np.float64]:
    """Renewal of heat, water, sewer, road: float64[4] million KZT a km at 2020 prices."""
    return np.array([_defaults()[name] for name in _PRICES])


def network_lengths(place: int, world: World) -> NDArray[np.float64]:
    """Length of the networks of a simulated place: float64[4] km, by its people of the start."""
    scale = float(world.founding_population[place]) / REFERENCE_TOWN
    return np.array([_defaults()[name] for name in _LENGTHS]) * scale


def network_rows(network: str) -> list[int]:
    """Numbers of the networks that a name stands for."""
    return list(range(len(NETWORK_NAMES))) if network == "all" else [NETWORK_NAMES.index(network)]
