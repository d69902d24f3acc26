"""How each lever enters the arrays of the model, one function a lever, with its equation of the specification."""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np
from numpy.typing import NDArray

from model.infrastructure import HEALTH, SCHOOL
from model.jobs import OUTPUT_PERSISTENCE
from model.levers import Levers
from scenarios import future_levers as future
from scenarios import policy_levers as policy
from scenarios.fields import Lever
from scenarios.networks import network_lengths, network_prices, network_rows
from scenarios.selection import Selection

FACILITIES = {"health": HEALTH, "school": SCHOOL}


@singledispatch
def pull(lever: Lever, where: Selection, levers: Levers) -> None:
    """Enter one lever into the arrays, in the years and places of `where`."""
    raise TypeError(f"no equation is known for {type(lever).__name__}")


# Policies ----------------------------------------------------------------------------------------------


@pull.register
def _(lever: policy.ZoneProject, where: Selection, levers: Levers) -> None:
    """(20): projects enter together, see `zone_projects`."""


@pull.register
def _(lever: policy.RatingInput, where: Selection, levers: Levers) -> None:
    """No equation: read by the rating."""


@pull.register
def _(lever: policy.TaxHoliday, where: Selection, levers: Levers) -> None:
    """(20): factor on the hazard h_L."""
    levers.launch_factor[where.cells] = lever.launch_factor


@pull.register
def _(lever: policy.Renewal, where: Selection, levers: Levers) -> None:
    """(18): Inv of the networks."""
    for place in where.places:
        levers.renewal[where.rows, place] += renewal_money(lever, place, where)


def renewal_money(lever: policy.Renewal, place: int, where: Selection) -> NDArray[np.float64]:
    """Money that a renewal puts into the networks of a place: float64[4] million KZT a year at 2020 prices."""
    prices, lengths = network_prices(), network_lengths(place, where.world)
    rows, worth = network_rows(lever.network), prices * lengths
    money = np.zeros(len(prices))
    if lever.km_a_year is not None:
        money[rows] = lever.km_a_year * prices[rows]
    elif lever.share_a_year is not None:
        money[rows] = lever.share_a_year * worth[rows]
    elif lever.million_kzt_a_year is not None:
        money[rows] = lever.million_kzt_a_year * worth[rows] / worth[rows].sum()
    return money


@pull.register
def _(lever: policy.Housing, where: Selection, levers: Levers) -> None:
    """(10): rent by occupied dwellings, and the part of it that the budget pays."""
    years = where.elapsed()[:, None]
    levers.dwellings[:, where.places] += lever.flats_built_a_year * years
    levers.reused[:, where.places] += lever.flats_reused_a_year * years
    levers.rent_factor[where.cells] *= 1.0 - lever.rent_discount


@pull.register
def _(lever: policy.CommuterLink, where: Selection, levers: Levers) -> None:
    """(6): D50 and the cost of travel."""
    levers.reach[where.cells] = lever.reach_km
    levers.fare[where.cells] = 1.0 - lever.fare_discount


@pull.register
def _(lever: policy.LocalBudget, where: Selection, levers: Levers) -> None:
    """(18), (19): the share i_n renews networks, all of it betters services."""
    levers.extra_budget[where.cells] += lever.thousand_kzt_a_head


@pull.register
def _(lever: policy.ServicesKept, where: Selection, levers: Levers) -> None:
    """(19): losses suspended."""
    years, places = where.cells
    for facility in lever.facilities:
        levers.services_kept[years, places, FACILITIES[facility]] = True


@pull.register
def _(lever: policy.YouthRetention, where: Selection, levers: Levers) -> None:
    """(12): logit of leaving to study, share of students who return."""
    levers.study_logit[where.cells] = math.log(lever.study_odds)
    levers.return_gain[where.cells] = lever.return_gain


@pull.register
def _(lever: policy.Settlers, where: Selection, levers: Levers) -> None:
    """(13): families above the baseline."""
    levers.settlers[where.cells] += lever.families_a_year


@pull.register
def _(lever: policy.PublicWages, where: Selection, levers: Levers) -> None:
    """(8): wage, in the public share of jobs."""
    levers.wage_supplement[where.cells] = lever.supplement


@pull.register
def _(lever: policy.Border, where: Selection, levers: Levers) -> None:
    """(10): D to Russia, alpha_RU."""
    levers.border_distance[where.rows] = lever.distance_factor
    levers.russia_odds[where.rows] = lever.odds_factor


@pull.register
def _(lever: policy.Trade, where: Selection, levers: Levers) -> None:
    """(1): a yearly innovation that in the long run adds up to `output_gain`."""
    levers.industry[where.rows] += (1.0 - OUTPUT_PERSISTENCE) * lever.output_gain


# Futures -----------------------------------------------------------------------------------------------


def path_of(lever: future.Path, where: Selection) -> NDArray[np.float64]:
    """Factor on the reference path, float64[years]: the level while in force, the growth for good."""
    level = np.ones(where.horizon - where.world.start)
    level[where.rows] = lever.level_factor
    return np.asarray(level * np.array([math.exp(lever.growth * years) for years in where.elapsed()]))


@pull.register
def _(lever: future.RussianWages, where: Selection, levers: Levers) -> None:
    """(9): wages in Russia."""
    levers.russian_wage *= path_of(lever, where)


@pull.register
def _(lever: future.Rouble, where: Selection, levers: Levers) -> None:
    """(9): the same wages in tenge."""
    levers.rouble *= path_of(lever, where)


@pull.register
def _(lever: future.BorderOpenness, where: Selection, levers: Levers) -> None:
    """(10): alpha_RU, D to Russia."""
    levers.russia_odds[where.rows] *= lever.odds_factor
    levers.border_distance[where.rows] *= lever.distance_factor


@pull.register
def _(lever: future.Compatriots, where: Selection, levers: Levers) -> None:
    """(10): alpha_RU."""
    levers.russia_odds[where.rows] *= lever.odds_factor


@pull.register
def _(lever: future.Centres, where: Selection, levers: Levers) -> None:
    """(9): wages of all centres, or of the places named."""
    if lever.places:
        places = [where.world.index(place) for place in lever.places]
        levers.place_wage[:, places] *= path_of(lever, where)[:, None]
    else:
        levers.centre_wage *= path_of(lever, where)


@pull.register
def _(lever: future.NationalGrowth, where: Selection, levers: Levers) -> None:
    """(8), (9): the region's wages and the centres'."""
    levers.home_wage *= path_of(lever, where)
    levers.centre_wage *= path_of(lever, where)


@pull.register
def _(lever: future.Drought, where: Selection, levers: Levers) -> None:
    """(1): an innovation of agricultural output in each year of drought."""
    for year in lever.years:
        if year < where.horizon:
            levers.drought[year - where.world.start] += math.log1p(-lever.output_loss)


@pull.register
def _(lever: future.IndustrialOutput, where: Selection, levers: Levers) -> None:
    """(1): a yearly innovation that in the long run adds up to `output_gain`."""
    levers.industry[where.rows] += (1.0 - OUTPUT_PERSISTENCE) * lever.output_gain


@pull.register
def _(lever: future.Shedding, where: Selection, levers: Levers) -> None:
    """(2): beside m_A."""
    levers.shedding[where.rows] += lever.extra_loss


@pull.register
def _(lever: future.Hinterland, where: Selection, levers: Levers) -> None:
    """(13): beside the hinterlands' own decline."""
    levers.hinterland[where.rows] += lever.extra_decline
