"""Levers: what policies and futures change in a run, year by year and place by place, as plain arrays.

This package knows nothing of policy files; `scenarios` translates them into these arrays. All levers
are neutral by default, and each acts through an equation of docs/specification.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from model.settlements import FACILITIES, NETWORKS
from model.world import World
from model.zones import Project

BY_SIMULATED_PLACE = (
    "reach", "fare", "wage_supplement", "extra_budget", "rent_factor", "dwellings", "reused", "study_logit",
    "return_gain", "settlers",
)  # fmt: skip
BY_ANY_PLACE = ("launch_factor", "place_wage")
WITHOUT_YEARS = ("projects", "qyzyljar")


class LeversError(ValueError):
    """Levers that were made for another world or end before the horizon."""


@dataclass
class Levers:
    """Arrays over years (from the start) and places; a year beyond the arrays cannot be simulated.

    Policies:
        reach: [years, n_sim] km added to D50 by a commuter link; fare: [years, n_sim] factor on the cost of
            travel (6).
        wage_supplement: [years, n_sim] share added to public wages (8).
        renewal: [years, n_sim, 4] million KZT a year at 2020 prices into networks (18).
        extra_budget: [years, n_sim] thousand KZT a head at 2020 prices above the local budget (18, 19).
        services_kept: [years, n_sim, 2] losses of health and school facilities suspended (19).
        rent_factor: [years, n_sim] factor on rent; dwellings: [years, n_sim] flats built since the start;
            reused: [years, n_sim] flats that stood abandoned and were given back to use, of which as many count as
            stand empty (10).
        study_logit: [years, n_sim] added to the logit of leaving to study; return_gain: [years, n_sim] added to
            the share of students who return (12).
        settlers: [years, n_sim] families above the baseline (13).
        launch_factor: [years, n_all] factor on the hazard of launching a project, a tax holiday (20).
        projects: further zone projects; qyzyljar: whether the zone as realised is part of the run.
    Futures:
        russia_odds: [years] factor on the odds of going to Russia; border_distance: [years] factor on road
            distances to Russia. russian_wage, rouble: [years] factors on Russian wages and on the exchange rate.
        centre_wage: [years] factor on wages of Kazakhstan's places outside the home series.
        place_wage: [years, n_all] factor on the wage series of single places.
        home_wage: [years] factor on the wages of the home series.
        drought: [years] log shock on agricultural output; industry: [years] log shock on industrial output.
        shedding: [years] extra yearly loss of agricultural jobs; hinterland: [years] extra yearly decline.
    """

    reach: NDArray[np.float64]
    fare: NDArray[np.float64]
    wage_supplement: NDArray[np.float64]
    renewal: NDArray[np.float64]
    extra_budget: NDArray[np.float64]
    services_kept: NDArray[np.bool_]
    rent_factor: NDArray[np.float64]
    dwellings: NDArray[np.float64]
    reused: NDArray[np.float64]
    study_logit: NDArray[np.float64]
    return_gain: NDArray[np.float64]
    settlers: NDArray[np.float64]
    launch_factor: NDArray[np.float64]
    russia_odds: NDArray[np.float64]
    border_distance: NDArray[np.float64]
    russian_wage: NDArray[np.float64]
    rouble: NDArray[np.float64]
    centre_wage: NDArray[np.float64]
    place_wage: NDArray[np.float64]
    home_wage: NDArray[np.float64]
    drought: NDArray[np.float64]
    industry: NDArray[np.float64]
    shedding: NDArray[np.float64]
    hinterland: NDArray[np.float64]
    projects: tuple[Project, ...] = field(default=())
    qyzyljar: bool = True


def neutral_levers(world: World, horizon: int) -> Levers:
    """Levers that change nothing, for the years from the world's start to the one before `horizon`."""
    years, n_sim, n_all = horizon - world.start, world.n_sim, world.n_all

    def zeros() -> NDArray[np.float64]:
        return np.zeros((years, n_sim))

    return Levers(
        reach=zeros(),
        fare=np.ones((years, n_sim)),
        wage_supplement=zeros(),
        renewal=np.zeros((years, n_sim, NETWORKS)),
        extra_budget=zeros(),
        services_kept=np.zeros((years, n_sim, FACILITIES), np.bool_),
        rent_factor=np.ones((years, n_sim)),
        dwellings=zeros(),
        reused=zeros(),
        study_logit=zeros(),
        return_gain=zeros(),
        settlers=zeros(),
        launch_factor=np.ones((years, n_all)),
        russia_odds=np.ones(years),
        border_distance=np.ones(years),
        russian_wage=np.ones(years),
        rouble=np.ones(years),
        centre_wage=np.ones(years),
        place_wage=np.ones((years, n_all)),
        home_wage=np.ones(years),
        drought=np.zeros(years),
        industry=np.zeros(years),
        shedding=np.zeros(years),
        hinterland=np.zeros(years),
    )


def check_levers(levers: Levers, world: World, horizon: int) -> None:
    """Refuse levers that do not fit a run; those that reach beyond the horizon fit.

    Raises:
        LeversError: names every array that does not fit, with its shape and the one that is expected.
    """
    years, n_sim, n_all = horizon - world.start, world.n_sim, world.n_all
    trailing: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(BY_SIMULATED_PLACE, (n_sim,)),
        **dict.fromkeys(BY_ANY_PLACE, (n_all,)),
        "renewal": (n_sim, NETWORKS),
        "services_kept": (n_sim, FACILITIES),
    }
    short, foreign = [], []
    for name in [one.name for one in fields(levers) if one.name not in WITHOUT_YEARS]:
        shape, expected = getattr(levers, name).shape, trailing.get(name, ())
        if shape[1:] != expected:
            foreign.append(f"{name} is [{', '.join(map(str, shape))}], expected {[years, *expected]}")
        elif shape[0] < years:
            short.append((shape[0], name))
    problems = []
    if foreign:
        problems.append(
            f"levers of another world than '{world.name}' ({n_sim} simulated places, {n_all} in all): "
            + "; ".join(foreign)
        )
    if short:
        reached = world.start + min(short)[0]
        problems.append(
            f"levers that reach {reached} only, expected {horizon}, the horizon of the run "
            f"({', '.join(name for _, name in short)})"
        )
    if problems:
        raise LeversError(
            "\n".join(problems) + "\nMake them for this world and horizon: neutral_levers(world, horizon) of "
            "model.levers, or levers_of(policy, future, world, horizon) of scenarios.translation"
        )
