"""Double-entry accounts: they close in random worlds, and a broken posting is found and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model import draws
from model.accounts import ADDED, REMOVED, AccountsError, check_closed, find_breach, new_ledger
from model.engine import Engine
from model.founding import Founding, build_founding
from model.levers import neutral_levers
from model.parameters import ParameterSpace
from model.population import AGES, FEMALE, LAST_AGE
from model.world import World, load_world
from tests.small_world import PEOPLE, write_small_world

YEARS = 4
EXTREMES = [
    ("leaving", 0.15),
    ("leaving", 0.002),
    ("p_edu", 0.95),
    ("p_edu", 0.0),
    ("p_ret", 0.9),
    ("mortality", 2.0),
    ("fertility", 2.0),
    ("fertility", -2.0),
    ("divorce_rate", 0.5),
    ("union_rate", 1.0),
    ("leaving_home_rate", 1.0),
    ("in_out", 5.0),
    ("in_out", 0.0),
    ("arrival_variation", 2.0),
    ("stayer_share", 0.95),
    ("separation", 0.6),
    ("walk_sd", 0.5),
    ("tau", 0.1),
    ("beta_y", 3.0),
    ("kappa_E", 0.4),
    ("D50", 300.0),
    ("infant_first_year", 0.0),
]


def stock_of(engine: Engine) -> NDArray[np.int64]:
    """Persons by place, sex and age, counted from the columns without the model's help."""
    first = engine.households.first[: engine.n_households + 1].astype(np.int64)
    place = np.repeat(engine.households.place[: engine.n_households].astype(np.int64), np.diff(first))
    people, n = engine.people, engine.n_people
    stock = np.zeros((engine.world.n_sim, 2, AGES), np.int64)
    np.add.at(
        stock, (place, (people.traits[:n] & FEMALE).astype(np.int64), people.age[:n].astype(np.int64)), 1
    )
    return stock


def assert_accounts(engine: Engine, before: NDArray[np.int64]) -> None:
    """stock' = stock + births - deaths + in - out with ageing, for every place, sex and age, by hand."""
    ledger, n_sim = engine.ledger, engine.world.n_sim
    left = before - ledger.deaths - ledger.departures + ledger.arrivals
    expected = np.zeros_like(before)
    expected[:, :, 1:] = left[:, :, :-1]
    expected[:, :, LAST_AGE] += left[:, :, LAST_AGE]
    expected[:, :, 0] = ledger.births - ledger.newborn_deaths
    assert (expected == stock_of(engine)).all()
    assert (left >= 0).all()
    assert ledger.departures.sum(axis=(1, 2)).tolist() == ledger.flows.sum(axis=1).tolist()
    inside = ledger.flows[:, :n_sim].sum(axis=0)
    assert ledger.arrivals.sum(axis=(1, 2)).tolist() == (inside + ledger.arrivals_from.sum(axis=1)).tolist()
    assert ledger.flows.diagonal().sum() == 0
    keys = engine.people.key[: engine.n_people]
    assert len(np.unique(keys)) == engine.n_people
    record, t = engine.record, engine.t - 1
    change = record.column("population")[t + 1] - record.column("population")[t]
    flows = record.column("births")[t] - record.column("deaths")[t] + record.column("net_migration")[t]
    assert (change == flows).all()


@given(
    number=st.integers(0, 10**6), replicate=st.integers(0, 10**6), household_size=st.floats(1.8, 4.5),
    extremes=st.lists(st.sampled_from(EXTREMES), max_size=4, unique_by=lambda item: item[0]),
    settlers=st.floats(0.0, 40.0), renewal=st.floats(0.0, 900.0), link=st.floats(0.0, 200.0),
)  # fmt: skip
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_accounts_close_whatever_the_parameters(
    small_world: World, small_space: ParameterSpace, number: int, replicate: int, household_size: float,
    extremes: list[tuple[str, float]], settlers: float, renewal: float, link: float,
) -> None:  # fmt: skip
    fixed = {full: value for name, value in extremes for full in small_space.expand(name, "test")}
    values = small_space.draw(1, number, fixed)
    founding = build_founding(small_world, household_size, seed=number)
    levers = neutral_levers(small_world, 2015 + YEARS)
    levers.settlers[:], levers.renewal[:], levers.reach[:] = settlers, renewal, link
    engine = Engine(small_world, founding, values, draws.run_seed(1, number, replicate), levers, 2015 + YEARS)
    for _ in range(YEARS):
        before = stock_of(engine)
        engine.step()
        assert_accounts(engine, before)


@given(
    people=st.tuples(*(st.integers(3, 4000) for _ in PEOPLE)),
    seed=st.integers(0, 2**62),
    turned=st.booleans(),
)
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_accounts_close_in_worlds_of_any_size(
    tmp_path: Path, people: tuple[int, ...], seed: int, turned: bool
) -> None:
    world = load_world(str(write_small_world(tmp_path, turned, dict(zip(PEOPLE, people, strict=True)))))
    founding = build_founding(world, seed=seed % 1000)
    assert founding.n_people == sum(people)
    engine = Engine(
        world, founding, ParameterSpace(world).draw(2, seed % 997), np.uint64(seed), horizon=2015 + YEARS
    )
    for _ in range(YEARS):
        before = stock_of(engine)
        engine.step()
        assert_accounts(engine, before)


def test_a_place_may_run_empty(tmp_path: Path) -> None:
    """A hamlet that dies out: all columns stay finite, and the year goes on without anyone."""
    world = load_world(str(write_small_world(tmp_path, sizes={"aulton": 60, "bexley": 4, "corby": 7})))
    deadly = {"mortality": 2.0, "fertility": -2.0, "in_out": 0.0}
    space = ParameterSpace(world)
    values = space.defaults().with_values(
        {full: value for name, value in deadly.items() for full in space.expand(name, "test")}
    )
    record = Engine(world, build_founding(world), values, draws.run_seed(41, 0, 0), horizon=2070).run()
    population = record.column("population")
    assert (population[1:-1] == 0).any()
    for name in ("population", "share_65", "wear", "households", "pupils"):
        assert np.isfinite(record.column(name)).all(), name
    for name in (
        "wage",
        "unemployment_rate",
        "jobs",
        "services",
        "rent",
        "perceived_income",
        "net_migration",
    ):
        assert np.isfinite(record.column(name)[:-1]).all(), name


# ---- broken accounts ----


def one_year(world: World, founding: Founding, space: ParameterSpace) -> Engine:
    """An engine whose year is posted but not yet closed."""
    engine = Engine(world, founding, space.defaults(), draws.run_seed(42, 0, 0), horizon=2017)
    for phase in engine.PLAN:
        if phase.number <= 10:
            getattr(engine, phase.run)()
    return engine


POSTINGS = {
    "deaths": (1, 0, 50), "departures": (2, 1, 33), "arrivals": (0, 1, 7),
}  # fmt: skip


@pytest.mark.parametrize("posting", POSTINGS)
def test_a_broken_posting_is_found_and_named(
    small_world: World, small_founding: Founding, small_space: ParameterSpace, posting: str
) -> None:
    engine = one_year(small_world, small_founding, small_space)
    place, sex, age = POSTINGS[posting]
    getattr(engine.ledger, posting)[place, sex, age] += 1
    surplus = "-1" if posting == "arrivals" else r"\+1"
    who = ("men", "women")[sex]
    with pytest.raises(
        AccountsError, match=rf"2015.*{small_world.ids[place]}.*{who} aged {age + 1} .*{surplus} persons"
    ):
        engine.close_accounts()


def test_an_unposted_birth_is_found_and_named(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    engine = one_year(small_world, small_founding, small_space)
    engine.ledger.births[0, 1] -= 1
    with pytest.raises(AccountsError, match=r"aulton.*women aged 0 .*\+1 persons"):
        engine.close_accounts()


def test_a_move_posted_once_is_found(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    engine = one_year(small_world, small_founding, small_space)
    engine.ledger.flows[0, 1] += 1
    with pytest.raises(AccountsError, match="moves between places do not sum to zero"):
        engine.close_accounts()


def test_a_person_replaced_by_another_is_found_by_the_keys(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    engine = one_year(small_world, small_founding, small_space)
    engine.people.key[17] = engine.people.key[18]
    with pytest.raises(AccountsError, match="keys of persons do not add up"):
        engine.close_accounts()


def test_a_lost_person_stops_the_run(
    small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    engine = one_year(small_world, small_founding, small_space)
    row = engine.households.first[engine.n_households] - 1
    age, sex = int(engine.people.age[row]), int(engine.people.traits[row] & FEMALE)
    engine.households.first[engine.n_households] -= 1
    with pytest.raises(AccountsError, match=f"{('men', 'women')[sex]} aged {age} .*-1 persons"):
        engine.close_accounts()


def test_the_oldest_gather_in_the_open_age_group() -> None:
    ledger = new_ledger(1, 2)
    ledger.stock[0, 1, LAST_AGE - 1], ledger.stock[0, 1, LAST_AGE] = 3, 2
    ledger.deaths[0, 1, LAST_AGE] = 1
    ledger.closing[0, 1, LAST_AGE] = 4
    ledger.checksum[ADDED], ledger.checksum[REMOVED] = 5, 7
    assert find_breach(ledger, np.uint64(100), np.uint64(98))[0] == -1
    ledger.closing[0, 1, LAST_AGE] = 5
    assert find_breach(ledger, np.uint64(100), np.uint64(98)) == (0, 1, LAST_AGE, 1)
    with pytest.raises(AccountsError, match="year 2030: the accounts of here do not close: women aged 110"):
        check_closed(ledger, np.uint64(100), np.uint64(98), 2030, ["here"])
