"""The causal ledger: expectations are those of the draws, parts add up, dead channels carry nothing."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.causal_ledger import CHANCE, INTERACTION, LEFT, Ledger, explain_case
from experiments.causal_ledger_moment import (
    CHANNELS,
    NETWORKS,
    OTHER_INCOME,
    OWN_INCOME,
    OWN_WORK,
    PEOPLE,
    RUSSIA,
    SETTLERS,
    YOUTH,
    Expectation,
    compare_moments,
    moment_of,
)
from experiments.causal_ledger_tables import lines_of
from experiments.compare import comparison_design
from experiments.compare_scenarios import BASELINE, Comparison
from experiments.ensemble import Study
from model import draws
from model.engine import Engine
from model.expected_moves import expect_flows, expect_leavers, new_leavers
from model.founding import Founding
from model.levers import Levers, neutral_levers
from model.parameters import ParameterSpace
from model.world import World
from model.zones import Project
from tests.test_compare import HORIZON, by_hand, changed

PAIRS = 6


def before_moves(engine: Engine, years: int) -> Engine:
    """An engine some years on, just before people move."""
    for _ in range(years):
        engine.step()
    for phase in Engine.PLAN[:6]:
        getattr(engine, phase.run)()
    return engine


def twin_of(engine: Engine, replicate: int) -> Engine:
    """The same state under other draws."""
    shared = (engine.world, engine.founding, engine.values)
    twin = copy.deepcopy(engine, {id(thing): thing for thing in shared})
    twin.seed = draws.run_seed(99, replicate, 0)
    return twin


# ---- expectations ----


@pytest.mark.parametrize("seed", [1, 2])
def test_expected_moves_are_the_mean_of_drawn_ones(
    small_world: World, small_founding: Founding, small_space: ParameterSpace, seed: int
) -> None:
    values = small_space.draw(seed, 0)
    engine = before_moves(Engine(small_world, small_founding, values, draws.run_seed(seed, 0, 0)), 4)
    n_sim, n_all = small_world.n_sim, small_world.n_all
    leavers, flows = new_leavers(n_sim), np.zeros((n_sim, n_all))
    expect_leavers(
        engine.people, engine.households, engine.n_households, engine.incomes, engine.readiness, engine.choice,
        engine.table, leavers,
    )  # fmt: skip
    expect_flows(n_sim, leavers, engine.choice, engine.places, engine.table, engine.alpha, flows)
    drawn = []
    for replicate in range(400):
        twin = twin_of(engine, replicate)
        twin.move()
        drawn.append(twin.ledger.flows.copy())
    moves: NDArray[np.int64] = np.array(drawn)
    error = moves.std(axis=0, ddof=1) / np.sqrt(len(moves))
    likely = flows > 0.2
    assert likely.sum() > 8
    assert (np.abs(moves.mean(axis=0) - flows)[likely] < 4.5 * error[likely]).all()
    total = moves.sum(axis=2)
    error_of_total = total.std(axis=0, ddof=1) / np.sqrt(len(moves))
    assert (np.abs(total.mean(axis=0) - flows.sum(axis=1)) < 4 * error_of_total).all()
    assert ((moves.mean(axis=0) == 0) | (flows > 0)).all(), "nobody goes where nobody is expected"


def test_expected_arrivals_are_those_the_run_draws_from(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    levers = neutral_levers(towns, HORIZON)
    levers.settlers[:, 1] = 20.0
    engine = Engine(towns, towns_founding, towns_space.draw(1, 4), draws.run_seed(1, 4, 0), levers, HORIZON)
    engine = before_moves(engine, 8)
    expect = Expectation(engine, 1)
    expected = expect.from_outside(moment_of(engine))
    arrived = []
    for replicate in range(150):
        twin = twin_of(engine, replicate)
        twin.move()
        twin.bring_students_back()
        twin.admit_arrivals()
        arrived.append(twin.ledger.arrivals_from[1, towns.n_sim :].sum())
    error = np.std(arrived, ddof=1) / np.sqrt(len(arrived))
    assert np.mean(arrived) == pytest.approx(expected, abs=4 * error + 1.0)
    assert expected > 20 * 4


def test_a_channel_alone_is_what_putting_in_its_table_does(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """Raising one town's wage alone: fewer leave it, more come; the same people as before live there."""
    values, seed = towns_space.defaults(), draws.run_seed(3, 0, 0)
    one = before_moves(Engine(towns, towns_founding, values, seed, horizon=HORIZON), 3)
    other = twin_of(one, 0)
    other.seed = one.seed
    other.incomes.wage[0] *= 1.2
    other.places.income[0] *= 1.2
    moves = compare_moments(moment_of(one), moment_of(other), Expectation(one, 0))
    alone = moves.channels[OWN_INCOME]
    assert alone[0] < -1.0
    assert alone[1] > 1.0
    assert all(not moves.channels[name].any() for name in CHANNELS if name != OWN_INCOME)
    assert moves.interaction == pytest.approx([0.0, 0.0], abs=1e-9)
    elsewhere = compare_moments(moment_of(one), moment_of(other), Expectation(one, 1))
    assert elsewhere.channels[OTHER_INCOME][1] < 0.0, "a dearer rival draws people away"
    assert not elsewhere.channels[OWN_INCOME].any()


# ---- ledgers ----


def ledger_of(world: World, levers: Levers, place: int, pairs: int = PAIRS, **fixed: float) -> Ledger:
    comparison: Comparison = by_hand(world, policy=levers)
    study = Study(comparison_design(world, HORIZON, 1, fixed, comparison), world)
    ours, theirs = (comparison.case(name, "reference") for name in ("policy", BASELINE))
    return explain_case(study, ours, theirs, place, pairs, threads=2)


def policies(world: World) -> dict[str, Levers]:
    mill = Project(
        "s", "mill", 0, 2022, 2022, 80.0, recorded=True, full_year=2022, but_for=1.0, displacement=0.0
    )
    return {
        "settlers": changed(world, settlers=4.0),
        "wages": changed(world, wage_supplement=0.4),
        "networks": changed(world, renewal=80.0),
        "youth": changed(world, study_logit=-0.6, return_gain=0.1),
        "russia": changed(world, russia_odds=2.0, border_distance=0.8),
        "mill": changed(world, projects=(mill,)),
        "no zone": changed(world, qyzyljar=False),
    }


LEADING = {
    "settlers": SETTLERS,
    "wages": OWN_INCOME,
    "networks": NETWORKS,
    "youth": YOUTH,
    "russia": RUSSIA,
    "mill": OWN_INCOME,
}


@pytest.mark.parametrize("name", ["settlers", "wages", "networks", "youth", "russia", "mill", "no zone"])
def test_the_parts_add_up_to_the_whole(small_world: World, name: str) -> None:
    beta_q = 0.6 if name == "networks" else 0.2
    ledger = ledger_of(small_world, policies(small_world)[name], 0, beta_Q=beta_q)
    assert ledger.runs == PAIRS
    assert not ledger.unaccounted().any(), (
        "births - deaths + arrivals - departures is the change of population"
    )
    assert ledger.unexplained().max() < 1e-8
    assert set(ledger.leaving) == {*CHANNELS, INTERACTION, CHANCE}
    if name in LEADING:
        size = {
            channel: abs(ledger.leaving[channel].mean()) + abs(ledger.arriving[channel].mean())
            for channel in CHANNELS
            if channel != PEOPLE
        }
        assert max(size, key=lambda channel: size[channel]) == LEADING[name]
    else:
        assert ledger.first == 2019
        assert (ledger.steps["additional zone jobs in outside centres"] < 0).all()


def test_printed_lines_add_up_too(small_world: World) -> None:
    ledger = ledger_of(small_world, policies(small_world)["youth"], 0)
    by_section: dict[str, list[NDArray[np.float64]]] = {}
    totals: dict[str, NDArray[np.float64]] = {}
    for section, line, _, values in lines_of(ledger):
        if line.startswith("together"):
            totals[section] = values
        else:
            by_section.setdefault(section, []).append(values)
    assert len(totals) == 2
    for section, total in totals.items():
        assert sum(by_section[section]) == pytest.approx(total)
    vital = by_section["births and deaths"]
    whole = sum(vital, start=sum(totals.values(), start=np.zeros(ledger.runs)))
    assert whole == pytest.approx(ledger.population)


def test_equal_levers_leave_nothing_to_explain(small_world: World) -> None:
    ledger = ledger_of(small_world, neutral_levers(small_world, HORIZON), 1)
    assert not any(values.any() for _, _, _, values in lines_of(ledger))


def test_a_dead_channel_carries_nothing(small_world: World) -> None:
    ledger = ledger_of(small_world, changed(small_world, renewal=80.0), 0, beta_Q=0.0)
    assert not ledger.leaving[NETWORKS].any()
    assert not ledger.population.any()
    blind = ledger_of(small_world, changed(small_world, wage_supplement=0.5), 0, beta_y=0.0)
    for channel in (OWN_INCOME, OWN_WORK, OTHER_INCOME):
        assert np.abs(blind.leaving[channel]).max() < 1e-9
        assert np.abs(blind.arriving[channel]).max() < 1e-9
    assert blind.steps["mean wage"].mean() > 1000


def test_chance_is_nothing_on_average(small_world: World) -> None:
    """What happens beyond the expectation has no drift: the channels leave nothing systematic out."""
    ledger = ledger_of(small_world, changed(small_world, wage_supplement=0.6), 0, pairs=40)
    for parts in (ledger.leaving, ledger.arriving):
        chance = parts[CHANCE]
        error = chance.std(ddof=1) / np.sqrt(len(chance))
        assert abs(chance.mean()) < 3.5 * error
        assert abs(parts[INTERACTION].mean()) < 0.5 * abs(parts[OWN_INCOME].mean())
    assert ledger.vital[LEFT].mean() < 0
