"""The villages of the census sample inside the model: one copy of each in every district, ten years long.

The same sizes as in the censuses, so that simulated and real villages are looked at through equal eyes: a copy of the
sample has as many villages of each size, and what is said of 58 villages is said of simulated samples of as many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from calibration.village_transitions import Floats, Transitions, census_by_district
from model import draws
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace
from model.village_engine import VillageEngine
from model.village_sites import Known, Sites
from model.villages import RURAL, WholeDistricts
from model.world import World

YEARS = 10
LEAST_IN_OUT = 0.01  # arrivals per departure: the parameter must be positive
LARGEST = 3000  # larger villages are left out: no event concerns them and they cost most people


def sample_of(first: int, last: int) -> tuple[Transitions, tuple[str, ...]]:
    """Villages of the census sample without the largest, and the district of each."""
    whole, districts = census_by_district(first, last)
    kept = whole.before <= LARGEST
    return whole.of(kept), tuple(name for name, own in zip(districts, kept.tolist(), strict=True) if own)


class SampleWorld:
    """A world whose every district holds one village of each of the given sizes, and its founders.

    Args:
        world: world of villages that lends districts, towns and parameters. before: float64[villages] people.
    """

    def __init__(self, world: World, before: Floats) -> None:
        self.world = _copies(world, before)
        villages = self.world.villages
        assert villages is not None
        self.founding: Founding = build_founding(self.world)  # half a million people: one copy for all runs
        self.space = ParameterSpace(self.world)
        self.villages = len(before)
        self.own = np.flatnonzero(villages.is_village)
        number = np.array([int(self.world.ids[k].rsplit("_h", 1)[1]) for k in self.own])
        holder = villages.district[self.own]
        self.copies = len(self.own) // self.villages
        # Copy c of village k lies in district c + k: every copy of the sample spans the districts as the sample does
        place = np.searchsorted(np.unique(holder), holder)
        self.order = np.empty((self.copies, self.villages), np.int64)
        self.order[(place - number) % self.copies, number] = np.arange(len(self.own))
        self.rural = [
            name for name, kind in zip(villages.base.ids, villages.base.kind, strict=True) if kind == RURAL
        ]

    def after(self, given: Mapping[str, float], arrivals: float, seed: int, run: int) -> Floats:
        """People after ten years, float64[copies, villages]; parameters that are not given come from their priors.

        `arrivals` is a factor on those of all rural districts, which makes the mean growth of another decade.
        """
        chosen = {**given, "household_size": self.founding.household_size}
        values = self.space.draw(seed, run, chosen)
        values = values.with_values(
            {
                f"in_out.{name}": max(LEAST_IN_OUT, float(values[f"in_out.{name}"]) * arrivals)
                for name in self.rural
            }
        )
        engine = VillageEngine(
            self.world, self.founding, values, draws.run_seed(seed, run, 0), horizon=self.world.start + YEARS
        )
        people = engine.run().column("population")[-1, self.own].astype(np.float64)
        return np.asarray(people[self.order])


def _copies(world: World, before: Floats) -> World:
    villages = world.villages
    assert villages is not None
    base = villages.base
    rural = [name for name, kind in zip(base.ids, base.kind, strict=True) if kind == RURAL]
    total = int(before.sum())
    people = base.founding_population.copy()
    for name in rural:
        people[base.index(name)] = total
    ratio = people / base.founding_population
    known = tuple(
        Known(f"{name.removesuffix('_rural')}_h{k:03d}", (name, name, name), name, float(before[k]))
        for name in rural
        for k in range(len(before))
    )
    whole = replace(
        base,
        founding_population=people,
        founding_births=base.founding_births * ratio,
        founding_deaths=base.founding_deaths * ratio,
        size_2015=np.concatenate([people.astype(np.float64), base.size_2015[base.n_sim :]]),
    )
    sites = Sites(dict.fromkeys(rural, 0), 0, known, villages.source.seats, villages.source.law, True)
    where = {**villages.external, **villages.coordinates}
    return WholeDistricts(whole, sites, villages.coordinates, where).world(villages.seed)
