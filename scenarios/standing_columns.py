"""What a world would record if it stood still: enough to say what a policy costs before anything is run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.declarations import DECLARATIONS
from model.infrastructure import DWELLINGS_PER_HOUSEHOLD, HEALTH_NORMS, SCHOOL_NORMS
from model.world import World

PUPILS_PER_HEAD = 0.15  # residents of 7-17 in North Kazakhstan, 2015 (ages.csv), rounded
PARTICIPANTS_PER_HEAD = 0.595  # labour force of the towns (docs/specification.md section 6)


def standing_columns(world: World, horizon: int) -> dict[str, NDArray[np.float64]]:
    """Columns of one run in which 2015 lasts for ever, float64[1, years, n_sim] by name.

    Wages are those of 2020; jobs, pupils and households follow from the founding population at default parameters.
    """
    settings = {declaration.name: declaration.default for declaration in DECLARATIONS}
    people = world.founding_population.astype(np.float64)
    households = people / settings["household_size"]
    jobs = people * PARTICIPANTS_PER_HEAD * world.formal_jobs_share
    pupils = people * PUPILS_PER_HEAD
    wage = settings["omega"] * world.drivers.wage_real("nkr", 2020)
    standing = {
        "population": people,
        "households": households,
        "pupils": pupils,
        "jobs": jobs,
        "jobs_public": jobs * settings["share_G"],
        "wage": np.full(world.n_sim, wage),
        "rent": world.rent_index[: world.n_sim],
        "commuters": np.zeros(world.n_sim),
        "empty_dwellings": households * (DWELLINGS_PER_HOUSEHOLD - 1.0),
        "health_level": np.searchsorted(HEALTH_NORMS, people, side="right").astype(np.float64),
        "school_level": np.searchsorted(SCHOOL_NORMS, pupils, side="right").astype(np.float64),
    }
    shape = (1, horizon - world.start, world.n_sim)
    return {name: np.broadcast_to(np.asarray(values, np.float64), shape) for name, values in standing.items()}
