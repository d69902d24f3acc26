"""Phases 3, 5 and 6: output and jobs (equations 1-4), wages (8), perceived incomes (9)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import lean_kernel
from model.draws import U64
from model.population import SECTORS
from model.settlements import Settlements

AGRICULTURE_SECTOR = 0
INDUSTRY_SECTOR = 1
PUBLIC_SECTOR = 2
SERVICES_SECTOR = 3
OUTPUT_PERSISTENCE = 0.7  # equation (1)
SLACK_SHIFT = 0.02  # equation (8)


@lean_kernel
def advance_output(
    state: Settlements,
    table: Any,
    drought: float,
    industry_shift: float,
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
) -> None:
    """Equation (1): x <- .7 x + sigma (sqrt(rho) z_common + sqrt(1 - rho) z_place), for agriculture and industry.

    `drought` is added to agriculture's innovation (log points, a future), `industry_shift` to industry's.
    """
    settings = table[0]
    common = draws.salt(seed, year, draws.OUTPUT_COMMON)
    own = draws.salt(seed, year, draws.OUTPUT_PLACE)
    for sector in range(2):
        sigma = settings.sigma_A if sector == AGRICULTURE_SECTOR else settings.sigma_I
        rho = settings.rho_A if sector == AGRICULTURE_SECTOR else settings.rho_I
        extra = drought if sector == AGRICULTURE_SECTOR else industry_shift
        z = draws.normal(U64(sector), common)
        for place in range(state.output.shape[0]):
            z_place = draws.inverse_normal(
                draws.open_unit(draws.draw_alternative(keys[place], own, U64(sector)))
            )
            shock = sigma * (math.sqrt(rho) * z + math.sqrt(1.0 - rho) * z_place) + extra
            state.output[place, sector] = OUTPUT_PERSISTENCE * state.output[place, sector] + shock


@lean_kernel
def service_shares(settings: Any) -> float:
    """Share of jobs that are local services: what agriculture, industry and the public sector leave."""
    return max(0.0, 1.0 - settings.share_A - settings.share_I - settings.share_G)


@lean_kernel
def found_jobs(total: NDArray[np.float64], settings: Any, state: Settlements) -> None:
    """Jobs of 2015 by sector from the total of each place, float64[n_sim]."""
    for place in range(total.shape[0]):
        state.jobs_2015[place, AGRICULTURE_SECTOR] = settings.share_A * total[place]
        state.jobs_2015[place, INDUSTRY_SECTOR] = settings.share_I * total[place]
        state.jobs_2015[place, PUBLIC_SECTOR] = settings.share_G * total[place]
        state.jobs_2015[place, SERVICES_SECTOR] = service_shares(settings) * total[place]
        for sector in range(SECTORS):
            state.jobs[place, sector] = state.jobs_2015[place, sector]


@lean_kernel
def share_jobs(total: NDArray[np.float64], shares: NDArray[np.float64], state: Settlements) -> None:
    """Jobs of 2015 by sector from the total of each place and its own shares, float64[n_sim, 4]."""
    for place in range(total.shape[0]):
        for sector in range(SECTORS):
            state.jobs_2015[place, sector] = shares[place, sector] * total[place]
            state.jobs[place, sector] = state.jobs_2015[place, sector]


@lean_kernel
def drift_of_services(settings: Any, extra_agriculture: float) -> float:
    """Equations (3) and (4): yearly loss of posts per head that makes all jobs drift by m_J, people being constant."""
    tradable = settings.share_A * (settings.m_A + extra_agriculture) + settings.share_I * settings.m_I
    rest = settings.share_G + service_shares(settings)
    return (settings.m_J - tradable) / rest if rest > 0.0 else 0.0


@lean_kernel
def demand_labour(
    state: Settlements,
    population_2015: NDArray[np.int64],
    elapsed: int,
    agricultural_shedding: float,
    table: Any,
) -> None:
    """Equations (2)-(4): posts by sector for the year `elapsed` years after the start.

    `agricultural_shedding` is the cumulated extra loss of agricultural jobs of a future (log points).
    Zone jobs count as industry. The multiplier mu_loc is total: the part of it that reaches services through
    the residents whom jobs keep (people_per_job) is left to the population term.
    """
    settings = table[0]
    drift = math.exp(-drift_of_services(settings, 0.0) * elapsed)
    for place in range(population_2015.shape[0]):
        base = state.jobs_2015[place]
        agriculture = base[AGRICULTURE_SECTOR] * math.exp(
            settings.eta_A * state.output[place, 0] - settings.m_A * elapsed - agricultural_shedding
        )
        industry = base[INDUSTRY_SECTOR] * math.exp(
            settings.eta_I * state.output[place, 1] - settings.m_I * elapsed
        )
        industry += state.zone_jobs[place]
        people = state.population[place] / population_2015[place] if population_2015[place] > 0 else 0.0
        tradable = agriculture - base[AGRICULTURE_SECTOR] + industry - base[INDUSTRY_SECTOR]
        spending = settings.zeta * (state.commuters[place] - state.commuters_2015[place])
        per_head = base[SERVICES_SECTOR] / population_2015[place] if population_2015[place] > 0 else 0.0
        multiplier = max(0.0, settings.mu_loc - per_head * settings.people_per_job)
        wanted = base[SERVICES_SECTOR] * people * drift + multiplier * (tradable + spending)
        services = (1.0 - settings.psi) * state.jobs[place, SERVICES_SECTOR] + settings.psi * wanted
        state.jobs[place, AGRICULTURE_SECTOR] = max(0.0, agriculture)
        state.jobs[place, INDUSTRY_SECTOR] = max(0.0, industry)
        state.jobs[place, PUBLIC_SECTOR] = base[PUBLIC_SECTOR] * people * drift * state.services_open[place]
        state.jobs[place, SERVICES_SECTOR] = max(0.0, services)


@lean_kernel
def wage_level(
    omega: float, reference: float, slack: float, slack_2015: float, disturbance: float, settings: Any
) -> float:
    """Equation (8): ln W = ln omega + ln W_ref + beta_c ln((slack + .02) / (slack_2015 + .02)) + nu."""
    tightness = math.log((max(slack, 0.0) + SLACK_SHIFT) / (slack_2015 + SLACK_SHIFT))
    return omega * reference * math.exp(settings.beta_c * tightness + disturbance)


@lean_kernel
def advance_wages(
    state: Settlements,
    omega: NDArray[np.float64],
    reference: NDArray[np.float64],
    supplement: NDArray[np.float64],
    table: Any,
    seed: np.uint64,
    year: int,
    keys: NDArray[np.uint64],
) -> None:
    """Phase 5 for the simulated places; `supplement` raises wages by its share in the public share of jobs."""
    settings = table[0]
    salted = draws.salt(seed, year, draws.WAGE_SHOCK)
    for place in range(state.wage.shape[0]):
        shock = (
            settings.sigma_W
            * math.sqrt(1.0 - settings.rho_W * settings.rho_W)
            * draws.normal(keys[place], salted)
        )
        state.wage_shock[place] = settings.rho_W * state.wage_shock[place] + shock
        jobs = 0.0
        for sector in range(SECTORS):
            jobs += state.jobs[place, sector]
        public = state.jobs[place, PUBLIC_SECTOR] / jobs if jobs > 0.0 else 0.0
        level = wage_level(
            omega[place],
            reference[place],
            state.slack[place],
            state.slack_2015[place],
            state.wage_shock[place],
            settings,
        )
        state.wage[place] = level * (1.0 + supplement[place] * public)


@lean_kernel
def outside_wage(
    place: int,
    waged: bool,
    omega: NDArray[np.float64],
    reference: NDArray[np.float64],
    slack_2015: float,
    slack: NDArray[np.float64],
    settings: Any,
) -> float:
    """Wage of an external place: its series, or the wage curve where it is a ratio to the region's."""
    if waged:
        return wage_level(omega[place], reference[place], slack[place], slack_2015, 0.0, settings)
    return reference[place]


@lean_kernel
def perceive_incomes(
    state: Settlements,
    n_sim: int,
    waged: NDArray[np.bool_],
    omega: NDArray[np.float64],
    reference: NDArray[np.float64],
    unemployment: NDArray[np.float64],
    slack_2015_outside: float,
    table: Any,
    income: NDArray[np.float64],
    speed: float,
) -> None:
    """Phase 6, equation (9): y_d <- (1 - rho_e) y_d + rho_e W_d (1 - u_d) for every place (`speed` is rho_e)."""
    settings = table[0]
    for place in range(income.shape[0]):
        if place < n_sim:
            offered = state.wage[place] * (1.0 - state.unemployment[place])
        else:
            wage = outside_wage(
                place, waged[place], omega, reference, slack_2015_outside, state.slack_outside, settings
            )
            relief = max(0.0, slack_2015_outside - state.slack_outside[place]) if waged[place] else 0.0
            offered = wage * (1.0 - max(0.0, unemployment[place] - relief))
        income[place] = (1.0 - speed) * income[place] + speed * offered
