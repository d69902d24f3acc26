"""The labour market (5)-(7): who takes part, exact matching, unemployment, commuting."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from model import draws
from model.engine import Engine
from model.founding import Founding
from model.job_queue import Seekers, cut_after, new_queue, queue_number
from model.labour import acceptance
from model.parameters import ParameterSpace
from model.population import COMMUTER, FEMALE, HIDDEN, NOWHERE, SKILLED, UNEMPLOYED
from model.world import World
from tests.year import up_to

SECTORS = 4


def columns(engine: Engine) -> dict[str, NDArray[np.int64]]:
    """Living people: place, status, age, sex as plain integers, and their keys."""
    first = engine.households.first[: engine.n_households + 1].astype(np.int64)
    people, n = engine.people, engine.n_people
    return {
        "place": np.repeat(engine.households.place[: engine.n_households].astype(np.int64), np.diff(first)),
        "status": people.status[:n].astype(np.int64), "age": people.age[:n].astype(np.int64),
        "sex": (people.traits[:n] & FEMALE).astype(np.int64),
        "skilled": ((people.traits[:n] & SKILLED) != 0).astype(np.int64),
        "origin": people.origin[:n].astype(np.int64),
    }  # fmt: skip


def working(engine: Engine) -> set[int]:
    """Keys of everyone in a job."""
    status = engine.people.status[: engine.n_people]
    return set(engine.people.key[: engine.n_people][(status >= 2) & (status <= COMMUTER)].tolist())


@pytest.fixture(scope="module")
def third_year(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> Engine:
    """Towns on 1 January 2017, with jobs announced but nobody matched."""
    engine = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(21, 0, 0), horizon=2020)
    engine.step()
    engine.step()
    return up_to(engine, 3)


# ---- participation and matching ----


def participation(world: World, kappa: float = 1.06) -> NDArray[np.float64]:
    """l(age, sex) of a place by hand."""
    return np.minimum(0.99, world.schedules.participation * kappa)


def test_participants_are_counted_by_their_lifelong_rank(third_year: Engine) -> None:
    engine = copy.deepcopy(third_year)
    rank_salt = draws.salt_of(engine.seed, 0, draws.PARTICIPATION)
    people = columns(engine)
    keys = engine.people.key[: engine.n_people]
    engine.match_labour()
    after = columns(engine)
    expected = np.zeros(engine.world.n_sim)
    variance = 0.0
    for place in range(engine.world.n_sim):
        rows = np.where((people["place"] == place) & (people["age"] >= 15))[0]
        chance = participation(engine.world)[people["sex"][rows], people["age"][rows]]
        chance[(people["origin"][rows] != NOWHERE) & (people["age"][rows] <= 21)] = 0.0
        part = np.array([draws.uniform(np.uint64(k), rank_salt) for k in keys[rows]]) < chance
        assert part.sum() == engine.state.participants[place]
        status = after["status"][rows]
        assert ((status >= 2) & (status <= UNEMPLOYED) == part).all()
        assert (after["status"][(people["place"] == place) & (people["age"] < 15)] == 0).all()
        expected[place] = chance.sum()
        variance += (chance * (1 - chance)).sum()
    assert abs(engine.state.participants.sum() - expected.sum()) < 4 * math.sqrt(variance)


def test_exactly_the_possible_number_is_hired(third_year: Engine) -> None:
    """min(V, round(.8 S)), V = sum of max(0, posts - staff kept), S seekers: followed person by person."""
    engine = copy.deepcopy(third_year)
    s = engine.settings
    before, keys = columns(engine), engine.people.key[: engine.n_people].copy()
    separation = draws.salt_of(engine.seed, engine.year, draws.SEPARATION)
    engine.match_labour()
    after = columns(engine)
    for place in range(engine.world.n_sim):
        taking_part = (before["place"] == place) & (after["status"] >= 2) & (after["status"] <= UNEMPLOYED)
        was_working = taking_part & (before["status"] >= 2) & (before["status"] <= COMMUTER)
        kept = np.zeros(engine.n_people, bool)
        rows = np.where(was_working)[0]
        kept[rows] = [draws.uniform(np.uint64(keys[i]), separation) >= s.separation for i in rows]
        assert (after["status"][kept] == before["status"][kept]).all(), "whoever keeps the job keeps it"
        staff = np.array([(kept & (before["status"] == 2 + k)).sum() for k in range(SECTORS)])
        posts = np.floor(engine.state.jobs[place] + 0.5).astype(int)
        vacancies = np.maximum(0, posts - staff)
        seeking = int(taking_part.sum() - kept.sum())
        possible = min(int(vacancies.sum()), math.floor(s.matching * seeking + 0.5))
        hired = taking_part & ~kept & (after["status"] >= 2) & (after["status"] < COMMUTER)
        assert hired.sum() == possible
        assert engine.state.staff[place].sum() == staff.sum() + possible
        assert engine.state.vacancies[place] == vacancies.sum() - possible
        # The first sectors are filled first.
        by_sector = [int((hired & (after["status"] == 2 + k)).sum()) for k in range(SECTORS)]
        left = possible
        for k in range(SECTORS):
            assert by_sector[k] == min(vacancies[k], left)
            left -= by_sector[k]
        # Those with the smallest queue numbers, and nobody else.
        queue = draws.salt_of(engine.seed, engine.year, draws.HIRING)
        numbers = {}
        for i in np.where(taking_part & ~kept)[0]:
            traits = int(before["skilled"][i]) * SKILLED
            numbers[int(i)] = int(queue_number(np.uint64(keys[i]), traits, queue, s.skill_hiring_odds))
        assert max(numbers[int(i)] for i in np.where(hired)[0]) < min(
            n for i, n in numbers.items() if not hired[i]
        )


@pytest.mark.parametrize("sector", range(SECTORS))
def test_one_vacancy_more_hires_exactly_one_more(third_year: Engine, sector: int) -> None:
    one, two = copy.deepcopy(third_year), copy.deepcopy(third_year)
    place = 0
    two.state.jobs[place, sector] += 1.0
    for engine in (one, two):
        engine.match_labour()
    first, second = working(one), working(two)
    assert first <= second
    assert len(second) == len(first) + 1
    assert two.state.employed[place] == one.state.employed[place] + 1


def test_when_jobs_abound_a_fifth_of_the_seekers_goes_without(third_year: Engine) -> None:
    engine = copy.deepcopy(third_year)
    engine.state.jobs[:] += 50_000.0
    engine.centres.pays[:] = False
    before = engine.state.employed.copy()
    engine.match_labour()
    out_of_work = engine.state.hidden + engine.state.unemployed
    seeking = engine.state.participants - (engine.state.employed - before)
    assert (engine.state.vacancies > 40_000).all()
    assert (out_of_work > 0.15 * (out_of_work + 0.12 * engine.state.employed)).all()
    assert (out_of_work < seeking).all()


@pytest.mark.parametrize("n", [0, 1, 7, 100, 199, 200, 500])
def test_the_cut_leaves_exactly_n_below(n: int) -> None:
    random = np.random.default_rng(n)
    values = random.integers(0, 2**64 - 1, 400, dtype=np.uint64)
    places = np.repeat(np.array([0, 1], np.int32), 200)
    seekers = Seekers(np.arange(400, dtype=np.int32), random.permutation(places), values)
    for place in range(2):
        cut = np.uint64(cut_after(new_queue(seekers, 400, 2), place, n))
        assert (values[seekers.place == place] < cut).sum() == min(n, 200)


def test_the_skilled_are_hired_first_at_their_odds(third_year: Engine) -> None:
    salted = draws.salt_of(np.uint64(3), 2017, draws.HIRING)
    keys = [np.uint64(k) for k in range(20_000)]
    plain = np.array([int(queue_number(k, 0, salted, 1.3)) for k in keys], float) / 2**64
    skilled = np.array([int(queue_number(k, SKILLED, salted, 1.3)) for k in keys], float) / 2**64
    for cut in (0.1, 0.3):
        assert (skilled < cut).mean() / (plain < cut).mean() == pytest.approx(1.3, rel=0.05)
    assert len(set(plain)) == len(keys)


# ---- unemployment ----


def test_the_official_rate_by_hand(third_year: Engine) -> None:
    engine = copy.deepcopy(third_year)
    engine.match_labour()
    state, s = engine.state, engine.settings
    people = columns(engine)
    for place in range(engine.world.n_sim):
        here = people["place"] == place
        counted = {code: int((here & (people["status"] == code)).sum()) for code in range(11)}
        employed = sum(counted[code] for code in range(2, COMMUTER + 1))
        slack = 1 - employed / state.participants[place]
        assert state.slack[place] == pytest.approx(slack, abs=1e-15)
        rate = min(0.5, max(0.0, s.ubar + s.chi * (slack - state.slack_2015[place])))
        unemployed = math.floor(rate * state.participants[place] + 0.5)
        assert counted[UNEMPLOYED] == state.unemployed[place] == unemployed
        assert counted[HIDDEN] == state.hidden[place] == state.participants[place] - employed - unemployed
        assert state.unemployment[place] == unemployed / state.participants[place]
        assert state.hidden_rate[place] == counted[HIDDEN] / state.participants[place]


def test_the_official_rate_of_2015_is_ubar(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    engine = Engine(
        towns, towns_founding, towns_space.defaults().with_values({"ubar": 0.07}), np.uint64(1), horizon=2016
    )
    assert engine.state.unemployment == pytest.approx(0.07, abs=1e-3)
    expected = towns.formal_jobs_share * engine.state.participants + engine.state.commuters
    assert engine.state.employed == pytest.approx(expected, abs=4)
    assert engine.state.slack_2015 == pytest.approx(engine.state.slack)


def test_the_market_of_2015_is_in_equilibrium(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """With no drift the first year leaves employment where it was."""
    still = {"m_J": 0.0, "m_A": 0.0, "m_I": 0.0, "sigma_A": 0.0, "sigma_I": 0.0}
    engine = Engine(
        towns,
        towns_founding,
        towns_space.defaults().with_values(still),
        draws.run_seed(22, 0, 0),
        horizon=2016,
    )
    slack = engine.state.slack_2015.copy()
    commuters = engine.state.commuters_2015.copy()
    engine.step()
    assert engine.state.slack == pytest.approx(slack, abs=0.012)
    assert engine.state.commuters == pytest.approx(commuters, abs=0.15 * commuters.max() + 6)


# ---- commuting ----


def test_acceptance_by_hand(third_year: Engine) -> None:
    s = third_year.table[0]
    assert acceptance(30.0, 0.0, s) == pytest.approx(0.5)
    assert acceptance(40.0, 0.0, s) == pytest.approx(1 / (1 + math.e))
    assert acceptance(40.0, 10.0, s) == pytest.approx(0.5)
    assert acceptance(144.0, 0.0, s) < 1e-4


def test_a_town_gets_only_its_share_of_the_centres_jobs(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """New commuters = openings x acceptance x seekers / (all such, the centre's, its district's seekers)."""
    place = towns.index("mamlyutka")
    gaps = []
    for replicate in range(25):
        engine = Engine(
            towns, towns_founding, towns_space.defaults(), draws.run_seed(23, 0, replicate), horizon=2016
        )
        up_to(engine, 3)
        before, keys = columns(engine), engine.people.key[: engine.n_people].copy()
        s, centres = engine.settings, engine.centres
        separation = draws.salt_of(engine.seed, engine.year, draws.SEPARATION)
        engine.match_labour()
        after = columns(engine)
        weights = []
        for town in range(towns.n_sim):
            here = (before["place"] == town) & (after["status"] >= 2) & (after["status"] <= UNEMPLOYED)
            had_job = np.where(here & (before["status"] >= 2) & (before["status"] <= COMMUTER))[0]
            kept = np.zeros(engine.n_people, bool)
            kept[had_job] = [draws.uniform(np.uint64(keys[i]), separation) >= s.separation for i in had_job]
            hired = here & ~kept & (after["status"] >= 2) & (after["status"] < COMMUTER)
            left = here.sum() - kept.sum() - hired.sum()
            weights.append(
                acceptance(centres.distance[town], 0.0, engine.table[0]) * left * centres.pays[town]
            )
            if town == place:
                commuting = int((here & ~kept & (after["status"] == COMMUTER)).sum())
        same = [t for t in range(towns.n_sim) if centres.centre[t] == centres.centre[place]]
        centre = centres.centre[place]
        own = centres.seekers_outside[centre]
        share = centres.openings_outside[centre] * weights[place] / (own + sum(weights[t] for t in same))
        assert math.floor(share) <= commuting <= math.ceil(share)
        gaps.append(commuting - share)
    assert share > 5
    assert abs(np.mean(gaps)) < 4 * math.sqrt(0.25 / len(gaps)), "rounding is fair"
    force = 114_691
    assert centres.openings_outside[centre] == pytest.approx(0.12 * 0.85 * force)
    assert own == pytest.approx(force * (0.15 + 0.12 * 0.85) * 1.4)


def test_a_commuter_link_brings_more_commuters(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    engine = Engine(towns, towns_founding, towns_space.defaults(), draws.run_seed(24, 0, 0), horizon=2017)
    linked = copy.deepcopy(engine)
    linked.levers.reach[:, towns.index("mamlyutka")] = 30.0
    for one in (engine, linked):
        one.step()
    place = towns.index("mamlyutka")
    assert linked.state.commuters[place] > engine.state.commuters[place] + 10
    others = [i for i in range(towns.n_sim) if i != place]
    assert (linked.state.staff[others] == engine.state.staff[others]).all()


def test_commuting_is_given_up_where_it_does_not_pay(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    corby = small_world.index("corby")
    cheap = Engine(small_world, small_founding, small_space.defaults(), np.uint64(5), horizon=2016)
    dear = Engine(
        small_world,
        small_founding,
        small_space.defaults().with_values({"travel_cost": 0.05}),
        np.uint64(5),
        horizon=2016,
    )
    assert cheap.state.commuters[corby] > 50
    assert dear.state.commuters[corby] == 0
    km = small_world.road_km[corby, small_world.index("petropavlovsk")]
    wage = (
        cheap.omega[small_world.index("petropavlovsk")]
        * cheap.outlook.reference[0, small_world.index("petropavlovsk")]
    )
    assert cheap.incomes.commuter[corby] == pytest.approx(wage * (1 - 0.006 * km))


def test_a_simulated_centre_shares_its_own_posts(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    engine = Engine(
        small_world, small_founding, small_space.defaults(), draws.run_seed(25, 0, 0), horizon=2020
    )
    aulton, bexley = small_world.index("aulton"), small_world.index("bexley")
    assert small_world.commuting_centre[bexley] == aulton
    for _ in range(4):
        engine.step()
        people = columns(engine)
        assert engine.state.commuters_in[aulton] == engine.state.commuters[bexley] > 0
        posts = np.floor(engine.state.jobs[aulton] + 0.5).sum()
        assert (
            engine.state.staff[aulton].sum()
            + engine.state.commuters_in[aulton]
            + engine.state.vacancies[aulton]
            >= posts - 1
        )
        assert (people["status"][people["place"] == aulton] != COMMUTER).all()
