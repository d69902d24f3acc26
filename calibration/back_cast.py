"""The back-cast: a world on 1 January 2009, made from what 2015-2020 know, simulated forward to 2015.

Ages of 2009 are those of 2015 by reverse survival; whoever the net-migration regime of 2015-2020 would have brought
since then is taken out again. Economic drivers and hinterlands stand still at their first observed year, there is no
zone. The engine's calendar is not touched: its 2015 stands for 2009. It is the past from what came after it: a test of
the demography and of the regime, no forecast.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import AuditData
from calibration.fold_world import Constant
from calibration.folds import FIRST_YEAR, START
from calibration.naive_cohorts import aged, survival
from model.demography import birth_probabilities, death_probabilities
from model.drivers import PRICE_SERIES, Drivers
from model.founding import Founding, build_founding
from model.priors import Prior
from model.schedules import AGES, frozen_array
from model.series_tables import Table
from model.world import World

Floats = NDArray[np.float64]
SHIFT: Final = FIRST_YEAR - START  # years from what is simulated to what it stands for
YEARS: Final = START - FIRST_YEAR
FOUNDING_TFR: Final = 1.90
INFANT_FIRST_YEAR: Final = 0.8
NOMINAL: Final = ("wage_monthly_nominal", "exchange_rate", "ppp_rate", "rent_m2_month")


def back_cast_world(world: World, inside: AuditData) -> World:
    """Return the world of 1 January 2009 that a back-cast starts from.

    Args:
        world: of `fold_world`, with constants of 2015-2020. inside: the figures of 2015-2020.
    """
    ages = reversed_ages(world, build_founding(world))
    net = np.array([_mean_net(inside, place) for place in world.ids[: world.n_sim]])
    people = ages.sum(axis=(1, 2)) - YEARS * net
    ages = ages * (people / ages.sum(axis=(1, 2)))[:, None, None]
    founding = build_founding(world)
    births, deaths = expected_flows(world, founding, ages)
    base = aged(world.schedules.base_ages, survival(world.schedules), -YEARS)
    return replace(
        world,
        founding_population=frozen_array(np.round(people), np.int64),
        founding_births=frozen_array(births),
        founding_deaths=frozen_array(deaths),
        schedules=replace(world.schedules, base_ages=frozen_array(base)),
        drivers=Drivers(standing_still(world.drivers, world.start), world.drivers.first_year),
        local_budget=frozen_array(world.local_budget[:, :1]),
        zone_jobs={},
    )


def reversed_ages(world: World, founding: Founding) -> Floats:
    """Return the founders of 2015 by place, sex and age as they were in 2009, float64[n_sim, 2, 111].

    Children born since then are gone, the dead are back; places' own mortality counts. Nobody has moved.
    """
    people = founding.people
    rows = slice(0, founding.n_people)
    own = np.zeros((world.n_sim, 2, AGES))
    household = np.repeat(
        founding.households.place[: founding.n_households],
        np.diff(founding.households.first[: founding.n_households + 1]),
    )
    female = (people.traits[rows] & 1).astype(np.int64)
    np.add.at(own, (household.astype(np.int64), female, people.age[rows].astype(np.int64)), 1.0)
    return np.stack(
        [
            aged(own[p], survival(world.schedules, math.exp(float(founding.mortality_offset[p]))), -YEARS)
            for p in range(world.n_sim)
        ]
    )


def expected_flows(world: World, founding: Founding, ages: Floats) -> tuple[Floats, Floats]:
    """Return births and deaths a year float64[n_sim] of ages [n_sim, 2, 111] at the places' own levels."""
    births, deaths, newborn = np.empty(AGES), np.empty((2, AGES)), np.empty(2)
    birth_probabilities(world.schedules.fertility, FOUNDING_TFR, births)
    death_probabilities(world.schedules.mortality, 1.0, INFANT_FIRST_YEAR, deaths, newborn)
    born = (ages[:, 1] * births).sum(axis=1)
    dying = (ages * deaths).sum(axis=(1, 2)) + born * float(newborn.mean())
    return born * np.exp(founding.fertility_offset), dying * np.exp(founding.mortality_offset)


def _mean_net(inside: AuditData, place: str) -> float:
    """Return the mean net migration of a place over the known years, persons a year."""
    net = inside.implied_net_migration(place)
    return sum(net.values()) / len(net) if net else 0.0


def standing_still(drivers: Drivers, year: int) -> Table:
    """Return drivers that keep their real level of one year: nominal ones move with the consumer prices."""
    prices = drivers.price_level
    kept: Table = {}
    for (series, variable), points in drivers.table.items():
        if year not in points or (variable not in NOMINAL and variable != "unemployment_rate"):
            kept[series, variable] = dict(points)
            continue
        first = points[year].value
        moves = variable in NOMINAL and not _is_foreign(points[year].unit)
        kept[series, variable] = {
            t: replace(point, value=first * (prices[t] / prices[year] if moves and t in prices else 1.0))
            for t, point in points.items()
        }
    assert (PRICE_SERIES, "cpi_dec_dec") in kept
    return kept


def _is_foreign(unit: str) -> bool:
    """Say whether a figure is in roubles: the rate of the rouble already moves with the prices."""
    return unit == "RUB"


@dataclass(frozen=True)
class BackCastConstants:
    """Parameters of a run of the back-cast: fertility on its trend six years earlier, nothing of later events."""

    seed: int
    fertility: Prior
    hinterlands: tuple[str, ...]

    def __call__(self, number: int, chosen: Mapping[str, float]) -> dict[str, float]:
        """Return what run ``number`` takes instead of its declared priors."""
        level = Constant("tfr", self.fertility, "level of 2015").value(self.seed, number)
        return {
            "tfr": level * math.exp(-chosen.get("g_f", 0.0) * YEARS),
            "mortality_2020": 1.0,
            **{f"hinterland_decline.{place}": 0.0 for place in self.hinterlands},
        }
