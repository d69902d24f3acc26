"""Phases 3, 5 and 6: output and posts (equations 1-4), wages (8), perceived incomes (9)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model import draws
from tests.reference.chance import Key, bits_of, normal
from tests.reference.places import AGRICULTURE, INDUSTRY, PUBLIC, SECTORS, SERVICES, Destination, Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel


def advance_output(model: ReferenceModel) -> None:
    """(1) x <- .7 x + sigma (sqrt(rho) z_common + sqrt(1 - rho) z_place), plus what a future adds."""
    p, levers = model.p, model.levers
    sectors = (
        (AGRICULTURE, p.sigma_A, p.rho_A, float(levers.drought[model.t])),
        (INDUSTRY, p.sigma_I, p.rho_I, float(levers.industry[model.t])),
    )
    for sector, sigma, rho, future in sectors:
        z_common = normal(Key(sector), model.salts[draws.OUTPUT_COMMON])
        for settlement in model.settlements:
            own = bits_of(settlement.key, model.salts[draws.OUTPUT_PLACE], sector)
            z_place = draws.inverse_normal(draws.open_unit(own))
            shock = sigma * (math.sqrt(rho) * z_common + math.sqrt(1.0 - rho) * z_place) + future
            settlement.output[sector] = 0.7 * settlement.output[sector] + shock


def share_of_services(p: Any) -> float:
    """Share of posts that are local services."""
    share: float = max(0.0, 1.0 - p.share_A - p.share_I - p.share_G)
    return share


def found_posts(settlement: Settlement, total: float, p: Any) -> None:
    """Posts of 2015 by sector."""
    shares = (p.share_A, p.share_I, p.share_G, share_of_services(p))
    settlement.jobs_2015 = [share * total for share in shares]
    settlement.jobs = list(settlement.jobs_2015)


def demand_labour(settlement: Settlement, model: ReferenceModel) -> None:
    """(2)-(4) Posts of the year: output, drift, zone jobs; people served; the multiplier.

    Public and local posts per head drift so that all posts lose m_J a year at constant population. mu_loc is
    a total multiplier: what reaches services through residents whom jobs keep is left to the population term.
    """
    p, years = model.p, model.t
    tradable_drift = p.share_A * p.m_A + p.share_I * p.m_I
    rest = p.share_G + share_of_services(p)
    drift = math.exp(-((p.m_J - tradable_drift) / rest if rest > 0.0 else 0.0) * years)
    base, residents = settlement.jobs_2015, settlement.population_2015
    agriculture = base[AGRICULTURE] * math.exp(
        p.eta_A * settlement.output[AGRICULTURE] - p.m_A * years - float(model.outlook.shedding[years])
    )
    industry = base[INDUSTRY] * math.exp(p.eta_I * settlement.output[INDUSTRY] - p.m_I * years)
    industry += settlement.zone_jobs
    people = settlement.population / residents if residents > 0 else 0.0
    tradable = agriculture - base[AGRICULTURE] + industry - base[INDUSTRY]
    spending = p.zeta * (settlement.commuters - settlement.commuters_2015)
    per_head = base[SERVICES] / residents if residents > 0 else 0.0
    multiplier = max(0.0, p.mu_loc - per_head * p.people_per_job)
    wanted = base[SERVICES] * people * drift + multiplier * (tradable + spending)
    services = (1.0 - p.psi) * settlement.jobs[SERVICES] + p.psi * wanted
    public = base[PUBLIC] * people * drift * settlement.services_open
    settlement.jobs = [max(0.0, agriculture), max(0.0, industry), public, max(0.0, services)]


def wage_curve(omega: float, reference: float, slack: float, slack_2015: float, nu: float, p: Any) -> float:
    """(8) ln W = ln omega + ln W_ref + beta_c ln((slack + .02) / (slack_2015 + .02)) + nu."""
    tightness = math.log((max(slack, 0.0) + 0.02) / (slack_2015 + 0.02))
    return omega * reference * math.exp(p.beta_c * tightness + nu)


def set_wage(settlement: Settlement, model: ReferenceModel) -> None:
    """(8) with its AR(1) disturbance; a supplement raises wages in the public share of posts."""
    p, i = model.p, settlement.index
    z = normal(settlement.key, model.salts[draws.WAGE_SHOCK])
    shock = p.sigma_W * math.sqrt(1.0 - p.rho_W * p.rho_W) * z
    settlement.wage_shock = p.rho_W * settlement.wage_shock + shock
    posts = 0.0
    for sector in SECTORS:
        posts += settlement.jobs[sector]
    public = settlement.jobs[PUBLIC] / posts if posts > 0.0 else 0.0
    level = wage_curve(
        model.omega[i], model.reference[i], settlement.slack, settlement.slack_2015, settlement.wage_shock, p
    )
    settlement.wage = level * (1.0 + float(model.levers.wage_supplement[model.t, i]) * public)


def set_commuter_income(settlement: Settlement, model: ReferenceModel, fare: float) -> None:
    """(6) What a commuter brings home after travel (`fare`: factor on its cost); whether that beats the own account."""
    centre = model.centre_of(settlement)
    if centre is None:
        settlement.commuter_income, settlement.commuting_pays = settlement.wage, False
        return
    if isinstance(centre, Settlement):
        wage = centre.wage
    else:
        wage = (model.omega[centre.index] if model.is_waged[centre.index] else 1.0) * model.reference[
            centre.index
        ]
    kept = max(0.0, 1.0 - model.p.travel_cost * fare * model.road_km[settlement.index][centre.index])
    settlement.commuter_income = wage * kept
    settlement.commuting_pays = wage * kept > model.p.phi_se * settlement.wage


def perceive_income(place: Settlement | Destination, model: ReferenceModel, speed: float) -> None:
    """(9) y <- (1 - rho_e) y + rho_e W (1 - u); the wage of outside centres beside the home series follows (8)."""
    p, i = model.p, place.index
    if isinstance(place, Settlement):
        offered = place.wage * (1.0 - place.unemployment)
    elif model.is_waged[i]:
        wage = wage_curve(model.omega[i], model.reference[i], place.slack, p.centre_slack, 0.0, p)
        relief = max(0.0, p.centre_slack - place.slack)
        offered = wage * (1.0 - max(0.0, model.unemployment[i] - relief))
    else:
        offered = model.reference[i] * (1.0 - max(0.0, model.unemployment[i]))
    place.income = (1.0 - speed) * place.income + speed * offered
