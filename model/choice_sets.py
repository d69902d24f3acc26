"""Whom a choice is offered: the places that people of a place choose from (equations 10, 11 and 13).

In most worlds everybody weighs every place. In a world of villages that would cost places squared, and nobody in a
village of two hundred weighs six hundred others: its people choose between their own district centre, the nearest
town and what lies outside, so that the cost grows with people.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.world import World


def everywhere(n_sim: int, n_all: int) -> NDArray[np.int32]:
    """Choice sets that hold all places, int32[n_sim, n_all]; `choice.tabulate` passes over the own place."""
    return np.tile(np.arange(n_all, dtype=np.int32), (n_sim, 1))


def choice_sets(world: World) -> NDArray[np.int32]:
    """Places that people of each simulated place choose from, int32[n_sim, alternatives], sorted in every row.

    A row with fewer alternatives is filled up with the place itself.
    """
    if world.villages is None:
        return everywhere(world.n_sim, world.n_all)
    return world.villages.alternatives


def rivals(world: World) -> NDArray[np.int32]:
    """Places that people outside weigh against any place (equation 13), int32, sorted."""
    if world.villages is None:
        return np.arange(world.n_all, dtype=np.int32)
    return world.villages.hubs
