"""What a run of the cohort twin is given: the world, the parameters and the years as plain arrays."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_state import Floats
from model import draws
from model.levers import Levers
from model.opening import LABOUR_FORCE_OF_SIZE
from model.outlook import Outlook
from model.parameters import ParameterValues, waged_places
from model.settlements import NETWORKS, Settlements
from model.world import World


class Scene(NamedTuple):
    """World and parameters of a run; shapes and meanings as in `model.world.World` and `model.engine.Engine`."""

    population_2015: NDArray[Any]
    mortality: Floats
    fertility: Floats
    fertility_log: Floats
    mortality_log: Floats
    participation: Floats
    kappa_E: Floats
    omega: Floats
    waged: NDArray[np.bool_]
    is_centre: NDArray[np.bool_]
    hinterland: NDArray[np.int64]
    road_km: Floats
    services_2015: Floats
    rent_2015: Floats
    wear_2015: Floats
    formal_share: Floats
    kin_share: Floats
    in_out: Floats
    leaving: Floats
    regime_gap: Floats
    study_logit: Floats
    arrival_variation: Floats
    register_bias: Floats
    origin_share: Floats
    labour_force_outside: Floats
    keys: NDArray[np.uint64]


class Years(NamedTuple):
    """Drivers and levers by year, shapes as in `Outlook` and `Levers`."""

    opening: Floats
    reference: Floats
    unemployment: Floats
    tfr: Floats
    mortality: Floats
    hinterland: Floats
    budget: Floats
    rent: Floats
    shedding: Floats
    reach: Floats
    fare: Floats
    wage_supplement: Floats
    renewal: Floats
    extra_budget: Floats
    services_kept: NDArray[np.bool_]
    rent_factor: Floats
    dwellings: Floats
    reused: Floats
    study_logit: Floats
    return_gain: Floats
    settlers: Floats
    launch_factor: Floats
    russia_odds: Floats
    border_distance: Floats
    drought: Floats
    industry: Floats


class FixedWorld(NamedTuple):
    """What does not depend on parameters, made once per world."""

    waged: NDArray[np.bool_]
    is_centre: NDArray[np.bool_]
    labour_force_outside: Floats
    keys: NDArray[np.uint64]
    origin_share: Floats
    commuting_distance: Floats
    host: NDArray[np.int64]


def fix_world(world: World) -> FixedWorld:
    """Arrays that all runs of a world share."""
    n_sim = world.n_sim
    waged = np.zeros(world.n_all, np.bool_)
    waged[waged_places(world)] = True
    known = world.labour_force_external
    force = np.where(known > 0.0, known, LABOUR_FORCE_OF_SIZE * world.size_2015)
    force[:n_sim] = 0.0
    force[~world.is_destination | (world.nest == 1)] = 0.0
    origin_share = world.arrival_origin_share.copy()
    origin_share[:n_sim] = 0.0
    return FixedWorld(
        waged,
        np.array([kind in ("regional_centre", "capital") for kind in world.kind[:n_sim]]),
        force,
        np.array([draws.text_key(place) for place in world.ids], np.uint64),
        origin_share,
        np.array([world.road_km[s, world.commuting_centre[s]] for s in range(n_sim)]),
        np.flatnonzero(world.is_study_place[:n_sim]).astype(np.int64),
    )


def set_scene(
    world: World, fixed: FixedWorld, values: ParameterValues, population: Floats, offsets: Floats
) -> Scene:
    """Arrays of one run. `population` float64[n_sim] founders, `offsets` [2, n_sim] of fertility and mortality."""
    n_sim = world.n_sim
    share = min(max(values["p_edu"], 1e-9), 1.0 - 1e-9)
    study_logit = np.full(n_sim, math.log(share / (1.0 - share)))
    study_logit[world.is_study_place[:n_sim]] += math.log(values["study_place_odds"])
    return Scene(
        population_2015=population,
        mortality=world.schedules.mortality,
        fertility=world.schedules.fertility,
        fertility_log=offsets[0] + values.by_place("fertility")[:n_sim],
        mortality_log=offsets[1] + values.by_place("mortality")[:n_sim],
        participation=world.schedules.participation,
        kappa_E=values.by_place("kappa_E", 1.0)[:n_sim],
        omega=values.by_place("omega", 1.0),
        waged=fixed.waged,
        is_centre=fixed.is_centre,
        hinterland=world.hinterland[:n_sim],
        road_km=world.road_km,
        services_2015=world.services_S[:n_sim],
        rent_2015=world.rent_index,
        wear_2015=world.wear_2015,
        formal_share=world.formal_jobs_share,
        kin_share=np.minimum(1.0, world.kin_share * values["kin_scale"]),
        in_out=values.by_place("in_out")[:n_sim],
        leaving=values["leaving"] * world.leaving_rate_ratio * population,
        regime_gap=world.net_rate_2009_2014 - world.net_rate_2015_2020,
        study_logit=study_logit,
        arrival_variation=values.by_place("arrival_variation")[:n_sim],
        register_bias=np.exp(values.by_place("register_bias")[:n_sim]),
        origin_share=fixed.origin_share,
        labour_force_outside=fixed.labour_force_outside,
        keys=fixed.keys,
    )


def set_years(outlook: Outlook, levers: Levers) -> Years:
    """Drivers and levers of one run."""
    return Years(
        opening=outlook.opening,
        reference=outlook.reference,
        unemployment=outlook.unemployment,
        tfr=outlook.tfr,
        mortality=outlook.mortality,
        hinterland=outlook.hinterland,
        budget=outlook.budget,
        rent=outlook.rent,
        shedding=outlook.shedding,
        reach=levers.reach,
        fare=levers.fare,
        wage_supplement=levers.wage_supplement,
        renewal=levers.renewal,
        extra_budget=levers.extra_budget,
        services_kept=levers.services_kept,
        rent_factor=levers.rent_factor,
        dwellings=levers.dwellings,
        reused=levers.reused,
        study_logit=levers.study_logit,
        return_gain=levers.return_gain,
        settlers=levers.settlers,
        launch_factor=levers.launch_factor,
        russia_odds=levers.russia_odds,
        border_distance=levers.border_distance,
        drought=levers.drought,
        industry=levers.industry,
    )


_TABLES = {"jobs": 4, "jobs_2015": 4, "output": 2, "staff": 4, "wear": NETWORKS, "level": 2, "below": 2}
_EVERYWHERE = ("zone_jobs", "zone_jobs_before", "zone_launched", "slack_outside")
_WHOLE = ("level", "below")


def new_expected_settlements(n_sim: int, n_all: int) -> Settlements:
    """The engine's columns of places, counts as expectations (float64); only facility levels stay whole."""
    columns: list[NDArray[Any]] = []
    for name in Settlements._fields:
        rows = n_all if name in _EVERYWHERE else n_sim
        shape = (rows, _TABLES[name]) if name in _TABLES else (rows,)
        columns.append(np.zeros(shape, np.int64 if name in _WHOLE else np.float64))
    return Settlements(*columns)
