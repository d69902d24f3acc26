"""Output and jobs (1)-(4), wages (8) and perceived incomes (9), all by hand."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

from model import draws
from model.engine import Engine
from model.founding import Founding
from model.jobs import demand_labour, drift_of_services
from model.parameters import ParameterSpace
from model.population import PUBLIC
from model.world import World
from tests.year import up_to


@pytest.fixture(scope="module")
def third_year(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> Engine:
    """Towns on 1 January 2017, with jobs announced but nobody matched."""
    engine = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(21, 0, 0), horizon=2020)
    engine.step()
    engine.step()
    return up_to(engine, 3)


# ---- jobs ----


def test_output_by_hand(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> None:
    engine = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(26, 0, 0), horizon=2018)
    engine.step()
    before = engine.state.output.copy()
    year = engine.year
    engine.levers.drought[1] = -0.3
    up_to(engine, 3)
    s = engine.settings
    own = draws.salt_of(engine.seed, year, draws.OUTPUT_PLACE)
    for sector, sigma, rho, extra in ((0, s.sigma_A, s.rho_A, -0.3), (1, s.sigma_I, s.rho_I, 0.0)):
        common = draws.normal(np.uint64(sector), draws.salt_of(engine.seed, year, draws.OUTPUT_COMMON))
        for place in range(towns.n_sim):
            bits = int(draws.draw_alternative(engine.keys[place], own, np.uint64(sector))) >> 11
            z = draws.inverse_normal((bits + 0.5) * 2.0**-53)
            expected = (
                0.7 * before[place, sector]
                + sigma * (math.sqrt(rho) * common + math.sqrt(1 - rho) * z)
                + extra
            )
            assert engine.state.output[place, sector] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_jobs_by_hand(third_year: Engine) -> None:
    engine = copy.deepcopy(third_year)
    s, state = engine.settings, engine.state
    founded = state.jobs_2015
    state.output[:] = [[0.1, -0.2], [0.0, 0.3], [-0.4, 0.0], [0.2, 0.2]]
    state.zone_jobs[2] = 40.0
    state.services_open[1] = 0.8
    before = state.jobs[:, 3].copy()
    commuters = state.commuters - state.commuters_2015
    demand_labour(state, engine.population_2015, 2, 0.05, engine.table)
    drift = (s.m_J - s.share_A * s.m_A - s.share_I * s.m_I) / (1 - s.share_A - s.share_I)
    assert drift_of_services(engine.table[0], 0.0) == pytest.approx(drift)
    for place in range(4):
        agriculture = founded[place, 0] * math.exp(s.eta_A * state.output[place, 0] - 2 * s.m_A - 0.05)
        industry = founded[place, 1] * math.exp(s.eta_I * state.output[place, 1] - 2 * s.m_I) + (
            40.0 if place == 2 else 0.0
        )
        head = state.population[place] / engine.population_2015[place] * math.exp(-2 * drift)
        public = founded[place, 2] * head * (0.8 if place == 1 else 1.0)
        multiplier = s.mu_loc - founded[place, 3] / engine.population_2015[place] * s.people_per_job
        tradable = agriculture + industry - founded[place, 0] - founded[place, 1] + s.zeta * commuters[place]
        services = (1 - s.psi) * before[place] + s.psi * (founded[place, 3] * head + multiplier * tradable)
        assert state.jobs[place] == pytest.approx([agriculture, industry, public, services], rel=1e-12)


def test_jobs_of_2015_by_sector(third_year: Engine) -> None:
    founded = third_year.state.jobs_2015
    assert founded / founded.sum(axis=1, keepdims=True) == pytest.approx(
        np.tile([0.20, 0.08, 0.33, 0.39], (4, 1))
    )


def test_all_jobs_drift_by_the_total_at_constant_population(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values(
        {"sigma_A": 0.0, "sigma_I": 0.0, "m_J": 0.02, "mu_loc": 0.0, "psi": 1.0, "people_per_job": 0.0}
    )
    engine = Engine(towns, towns_founding, values, np.uint64(1), horizon=2017)
    demand_labour(engine.state, engine.population_2015, 1, 0.0, engine.table)
    lost = 1 - engine.state.jobs.sum(axis=1) / engine.state.jobs_2015.sum(axis=1)
    assert lost == pytest.approx(0.02, abs=5e-4)


# ---- wages and incomes ----


def test_the_wage_curve_by_hand(third_year: Engine) -> None:
    engine = copy.deepcopy(third_year)
    s, state, t = engine.settings, engine.state, engine.t
    engine.match_labour()
    state.slack[1] = state.slack_2015[1] + 0.08
    shocks = state.wage_shock.copy()
    engine.levers.wage_supplement[t, 3] = 0.25
    engine.set_wages()
    salted = draws.salt_of(engine.seed, engine.year, draws.WAGE_SHOCK)
    for place in range(4):
        z = draws.normal(engine.keys[place], salted)
        shock = s.rho_W * shocks[place] + s.sigma_W * math.sqrt(1 - s.rho_W**2) * z
        assert state.wage_shock[place] == pytest.approx(shock)
        log = math.log(engine.omega[place]) + math.log(engine.outlook.reference[t, place]) + shock
        log += s.beta_c * math.log((state.slack[place] + 0.02) / (state.slack_2015[place] + 0.02))
        public = state.jobs[place, PUBLIC - 2] / state.jobs[place].sum()
        assert state.wage[place] == pytest.approx(
            math.exp(log) * (1 + (0.25 if place == 3 else 0.0) * public), rel=1e-12
        )


def test_wages_of_2015_are_omega_times_the_regions(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values({"sigma_W": 0.0})
    engine = Engine(towns, towns_founding, values, np.uint64(1), horizon=2016)
    assert engine.state.wage == pytest.approx(0.83 * towns.drivers.wage_real("nkr", 2015))


def test_perceived_incomes_by_hand(third_year: Engine) -> None:
    engine = copy.deepcopy(third_year)
    world, s = engine.world, engine.settings
    engine.match_labour()
    engine.set_wages()
    petro, omsk, astana = (world.index(name) for name in ("petropavlovsk", "omsk", "astana"))
    engine.state.slack_outside[petro] = s.centre_slack - 0.01
    before = engine.places.income.copy()
    engine.perceive()
    t = engine.t
    offered = {
        place: engine.state.wage[place] * (1 - engine.state.unemployment[place])
        for place in range(world.n_sim)
    }
    for place in (omsk, astana):
        offered[place] = engine.outlook.reference[t, place] * (1 - engine.outlook.unemployment[t, place])
    curve = ((s.centre_slack - 0.01 + 0.02) / (s.centre_slack + 0.02)) ** s.beta_c
    assert curve > 1
    offered[petro] = (
        engine.omega[petro]
        * engine.outlook.reference[t, petro]
        * curve
        * (1 - engine.outlook.unemployment[t, petro] + 0.01)
    )
    for place, value in offered.items():
        assert engine.places.income[place] == pytest.approx(0.7 * before[place] + 0.3 * value, rel=1e-12), (
            world.ids[place]
        )


def test_russian_wages_at_purchasing_power_differ_from_the_market_rate(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    market = Engine(towns, towns_founding, towns_space.defaults(), np.uint64(1), horizon=2016)
    parity = Engine(
        towns, towns_founding, towns_space.defaults().with_values({"ppp": 1.0}), np.uint64(1), horizon=2016
    )
    russia = towns.nest == 1
    assert (market.outlook.reference[0, ~russia] == parity.outlook.reference[0, ~russia]).all()
    assert (market.outlook.reference[0, russia] != parity.outlook.reference[0, russia]).all()
    omsk = towns.index("omsk")
    assert market.outlook.reference[0, omsk] == towns.drivers.wage_real_russia("omsk", 2015, "market")
