"""Where people go (10), (11): nested logit against brute force, and what a better offer changes."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from model import draws
from model.choice import tabulate
from model.destination import choose_destination
from model.engine import Engine
from model.founding import Founding
from model.nest_tastes import ANGLE_STEPS, bound_taste, nest_taste, tabulate_tastes
from model.parameters import ParameterSpace
from model.world import World

KZ, RU = 0, 1


@pytest.fixture(scope="module")
def opened(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> Engine:
    """An engine on its first 1 January, only looked at or copied."""
    return Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(1, 0, 0), horizon=2016)


def brute_force(
    engine: Engine, here: int, children: bool, kin: int, income: float
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Nested logit written down from (10) and (11): shares by place, inclusive value, the utilities V."""
    p, s, world = engine.places, engine.settings, engine.world
    value = np.full(world.n_all, -np.inf)
    for d in range(world.n_all):
        if d == here or not world.is_destination[d]:
            continue
        km = max(15.0, world.road_km[here, d])
        value[d] = (
            s.beta_y * math.log(p.income[d] / income)
            + s.beta_Q * (p.quality[d] - p.quality[here])
            + (s.beta_K * (p.services[d] - p.services[here]) if children else 0.0)
            + s.beta_N * (kin >> world.nest[d] & 1)
            - s.beta_H * math.log(p.rent[d] / p.rent[here])
            - s.beta_D * math.log(km / 100.0)
            + s.beta_M * math.log(world.size_2015[d] / 100_000.0)
            + p.constant[d]
            + (engine.norm.alpha[0] if world.nest[d] == RU else 0.0)
        )
    nests = [np.exp(value[world.nest == g] / s.tau).sum() ** s.tau for g in (KZ, RU)]
    inclusive = math.log(sum(nests))
    shares = np.zeros(world.n_all)
    for g in (KZ, RU):
        inside = np.where(world.nest == g, np.exp(value / s.tau), 0.0)
        shares += nests[g] / sum(nests) * inside / inside.sum()
    return shares, inclusive, value


# ---- choice ----


@pytest.mark.parametrize("kin", range(4))
@pytest.mark.parametrize("children", [0, 1])
def test_inclusive_values_by_brute_force(opened: Engine, children: int, kin: int) -> None:
    for here in range(opened.world.n_sim):
        _, inclusive, _ = brute_force(opened, here, bool(children), kin, 90_000.0)
        tabulated = opened.choice.inclusive[here, children, kin] - opened.settings.beta_y * math.log(90_000.0)
        assert tabulated == pytest.approx(inclusive, rel=1e-12, abs=1e-12)
        assert opened.choice.factor[here, children, kin] == pytest.approx(
            math.exp(inclusive) * 90_000.0**opened.settings.beta_y
        )


def chosen(
    engine: Engine, here: int, n: int, study: bool = False, children: int = 0, kin: int = 2
) -> NDArray[np.int64]:
    """Destinations of `n` movers."""
    nest_salt = draws.salt_of(np.uint64(9), 2015, draws.DESTINATION_NEST)
    place_salt = draws.salt_of(np.uint64(9), 2015, draws.DESTINATION_PLACE)
    return np.array([
        choose_destination(np.uint64(key), nest_salt, place_salt, here, children, kin, engine.choice,
                           engine.places, engine.table[0], float(engine.norm.alpha[0]), study)
        for key in range(n)
    ])  # fmt: skip


@pytest.mark.parametrize("study", [False, True])
def test_destinations_are_chosen_at_nested_logit_shares(opened: Engine, study: bool) -> None:
    n = 20_000
    counts = np.bincount(chosen(opened, 1, n, study), minlength=opened.world.n_all)
    shares, _, value = brute_force(opened, 1, False, 2, 90_000.0)
    if study:
        tau, world = opened.settings.tau, opened.world
        inside = np.where(world.is_study_place & np.isfinite(value), np.exp(value / tau), 0.0)
        nests = np.array([inside[world.nest == g].sum() for g in (KZ, RU)])
        shares = nests[world.nest] ** tau / (nests**tau).sum() * inside / nests[world.nest]
    assert counts[shares == 0.0].sum() == 0
    open_places = shares > 0.0
    assert stats.chisquare(counts[open_places], n * shares[open_places]).pvalue > 1e-3


def richer(engine: Engine, place: int, factor: float) -> Engine:
    """A copy in which one place promises a higher income."""
    other = copy.deepcopy(engine)
    other.places.income[place] *= factor
    tabulate(other.world.n_sim, other.places, other.table, float(other.norm.alpha[0]), other.choice)
    return other


@pytest.mark.parametrize("target", ["astana", "omsk", "petropavlovsk"])
def test_a_better_offer_draws_people_to_it_and_shuffles_nobody_else(opened: Engine, target: str) -> None:
    place = opened.world.index(target)
    before, after = chosen(opened, 1, 6_000), chosen(richer(opened, place, 1.3), 1, 6_000)
    changed = before != after
    assert changed.sum() > 20
    assert (after[changed] == place).all(), "someone who changed the destination went elsewhere"


def test_a_better_offer_shuffles_nobody_inside_its_nest(opened: Engine) -> None:
    place = opened.world.index("astana")
    before, after = chosen(opened, 1, 6_000), chosen(richer(opened, place, 1.3), 1, 6_000)
    changed = before != after
    inside = changed & (opened.world.nest[before] == KZ)
    assert inside.sum() > 20
    assert (after[inside] == place).all()


def test_where_russia_is_closed_everybody_stays_in_kazakhstan(opened: Engine) -> None:
    other = copy.deepcopy(opened)
    closed = other.places._replace(open=other.world.is_destination & (other.world.nest == KZ))
    tabulate(other.world.n_sim, closed, other.table, 3.0, other.choice)
    other.places = closed
    assert (other.world.nest[chosen(other, 0, 500)] == KZ).all()


# ---- brackets ----


@pytest.mark.parametrize("tau", [0.1, 0.3, 0.6, 0.95, 1.0])
def test_a_taste_for_a_nest_lies_between_its_bounds(tau: float) -> None:
    steps = np.empty(ANGLE_STEPS + 1)
    tabulate_tastes(tau, steps)
    salted = draws.salt_of(np.uint64(4), 2020, draws.DESTINATION_NEST)
    width = []
    for key in range(5_000):
        taste = nest_taste(np.uint64(key), salted, key % 2, tau)
        low, high = bound_taste(np.uint64(key), salted, key % 2, tau, steps)
        assert low <= taste <= high
        width.append(high - low)
    assert np.median(width) < 0.5 * max(1.0, 0.6 / tau)  # bounds that say something


@pytest.mark.parametrize("study", [False, True])
def test_the_choice_is_that_of_all_draws_worked_out(opened: Engine, study: bool) -> None:
    """What the brackets leave out never wins: the same choice with every taste and every Gumbel variate in full."""
    place, n = 1, 4_000
    nest_salt = draws.salt_of(np.uint64(9), 2015, draws.DESTINATION_NEST)
    place_salt = draws.salt_of(np.uint64(9), 2015, draws.DESTINATION_PLACE)
    settings, places, world = opened.settings, opened.places, opened.world
    pull = np.array([settings.beta_N * kin for kin in (0, 1)]) / settings.tau  # kin in Russia only
    pull[RU] += opened.norm.alpha[0] / settings.tau
    offered = opened.choice.utility[place, 0] > -1e299
    if study:
        offered &= places.study
    expected = []
    for key in map(np.uint64, range(n)):
        tastes = pull + [nest_taste(key, nest_salt, nest, settings.tau) for nest in (KZ, RU)]
        values = [
            opened.choice.utility[place, 0, d]
            + tastes[places.nest[d]]
            + draws.gumbel(np.uint64(draws.draw_alternative(key, place_salt, places.key[d])))
            if offered[d]
            else -np.inf
            for d in range(world.n_all)
        ]
        expected.append(int(np.argmax(values)))
    assert chosen(opened, place, n, study, kin=2).tolist() == expected
