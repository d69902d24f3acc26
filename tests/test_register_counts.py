"""Runs meet the counts that are known, and policies keep the effect they have in the years of these counts."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from calibration.cohort_twin import CohortTwin
from model.arrivals import newcomer_key, template_of
from model.draws import ARRIVAL_KEY, ARRIVAL_TEMPLATE, U64, run_seed, salt_of
from model.engine import Engine, simulate
from model.founding import Founding
from model.levers import neutral_levers
from model.parameters import ParameterSpace
from model.partings import departs
from model.record import Record
from model.register_counts import known_counts, meet_counts, persons_to_come
from model.world import World

LAST = 2021
Floats = NDArray[np.float64]
RUNS = 24


def counts_of(world: World) -> Floats:
    return known_counts(world, LAST, 2045)


def gaps(record: Record, world: World) -> Floats:
    """Simulated minus official counts of 2016-2021, float64[6, n_sim]."""
    people = record.column("population")
    gap: Floats = people[1 : LAST - world.start + 1] - counts_of(world)
    return gap


@pytest.fixture(scope="module")
def records(towns: World, towns_founding: Founding, towns_space: ParameterSpace) -> list[Record]:
    return [
        simulate(towns, towns_founding, towns_space.defaults(), run_seed(5, k, 0), None, 2023)
        for k in range(RUNS)
    ]


def test_counts_known_are_those_of_the_accounts(towns: World) -> None:
    counts = counts_of(towns)
    bulaevo = towns.index("bulaevo")
    assert counts.shape == (6, 4)
    assert counts[-1, bulaevo] == towns.accounts.value("bulaevo", "population_1jan", 2021) == 7653
    assert known_counts(towns, 2018, 2045).shape == (3, 4)
    assert known_counts(towns, LAST, 2017).shape == (2, 4)
    assert known_counts(towns, 0, 2045).shape == (0, 4)


def test_runs_meet_the_counts_but_for_chance_in_births_and_deaths(
    towns: World, records: list[Record]
) -> None:
    found = np.array([gaps(record, towns) for record in records])
    vital = towns.founding_births + towns.founding_deaths
    # A year's births and deaths scatter by their square root; half a household is left at most
    assert np.all(np.abs(found) < 5.0 * np.sqrt(vital) + 4.0)
    scatter = found.std(axis=0, ddof=1)
    assert np.all(scatter < 1.6 * np.sqrt(vital) + 2.0)
    # Nothing piles up: the last count is met as well as the first, and without bias
    assert scatter[-1].mean() < 1.5 * scatter[0].mean() + 2.0
    error = found.mean(axis=0) / (scatter / np.sqrt(RUNS))
    assert np.abs(error).max() < 4.5


def test_counts_after_the_last_known_one_spread_again(records: list[Record]) -> None:
    people = np.array([record.column("population") for record in records])
    spread = people.std(axis=0, ddof=1).mean(axis=1)
    assert spread[8] > 1.7 * spread[6]


def test_an_unbound_run_ignores_the_counts(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.draw(5, 1).with_values({"bound_until": 0.0})
    engine = Engine(towns, towns_founding, values, run_seed(5, 1, 0), None, 2022)
    free = engine.run()
    assert len(engine.bound_counts) == len(engine.shift) == 0
    assert np.abs(gaps(free, towns)[-1]).max() > 60.0


def test_a_run_bound_for_some_years_is_the_bound_run_until_then(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace, records: list[Record]
) -> None:
    values = towns_space.defaults().with_values({"bound_until": 2018.0})
    part = simulate(towns, towns_founding, values, run_seed(5, 2, 0), None, 2023)
    whole = records[2]
    assert np.array_equal(part.column("population")[:4], whole.column("population")[:4])
    assert not np.array_equal(part.column("population")[4:], whole.column("population")[4:])
    short = simulate(towns, towns_founding, towns_space.defaults(), run_seed(5, 2, 0), None, 2018)
    assert np.array_equal(short.column("population"), whole.column("population")[:4])


def test_levers_that_change_nothing_leave_a_run_its_own_shift(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    engines = [
        Engine(towns, towns_founding, towns_space.defaults(), run_seed(1, 0, 0), levers, 2022)
        for levers in (None, neutral_levers(towns, 2022))
    ]
    plain, neutral = (engine.run() for engine in engines)
    assert engines[1].guide is None
    assert np.array_equal(plain.values, neutral.values, equal_nan=True)
    assert engines[0].shift.any()


def test_a_policy_of_the_observed_years_keeps_its_effect(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """Settlers of 2016 are not taken back by the count of 2017, nor is a town without them brought up to it."""
    values, seed = towns_space.defaults(), run_seed(1, 3, 0)
    plain = Engine(towns, towns_founding, values, seed, None, LAST)
    base = plain.run()
    levers = neutral_levers(towns, LAST)
    place, families = towns.index("bulaevo"), 40
    levers.settlers[1, place] = families
    engine = Engine(towns, towns_founding, values, seed, levers, LAST)
    more = engine.run()
    assert engine.guide is not None
    assert np.array_equal(engine.guide, plain.shift)
    gain = more.column("population")[:, place] - base.column("population")[:, place]
    assert gain[1] == 0.0
    assert gain[2] > 0.8 * 4.0 * families
    assert gain[-1] > 0.6 * gain[2]


def test_a_copy_of_a_run_goes_on_with_the_shift_it_began(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    engine = Engine(towns, towns_founding, towns_space.defaults(), run_seed(1, 4, 0), None, 2022)
    for _ in range(3):
        engine.step()
    twin = copy.deepcopy(engine)
    assert np.array_equal(engine.run().values, twin.run().values, equal_nan=True)
    assert np.array_equal(engine.shift, twin.shift)


def test_a_place_without_counts_is_left_alone(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    table = {
        key: points for key, points in towns.accounts.table.items() if key != ("sergeevka", "population_1jan")
    }
    world = replace(towns, accounts=replace(towns.accounts, table=table))
    engine = Engine(world, towns_founding, towns_space.defaults(), run_seed(1, 5, 0), None, LAST)
    engine.run()
    without = world.index("sergeevka")
    assert np.isnan(engine.bound_counts[:, without]).all()
    assert not engine.shift[:, without].any()
    assert engine.shift.any()


def test_where_more_must_go_than_arrive_nobody_arrives_and_more_leave_next_year(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    engine = Engine(towns, towns_founding, towns_space.defaults(), run_seed(1, 6, 0), None, LAST)
    place = towns.index("tayynsha")
    engine.bound_counts[:3, place] -= 1000.0  # three years on another level
    engine.step()
    assert engine.arrival_counts[place].sum() == 0
    assert engine.push[1, place] > 2.0
    first = engine.record.column("out_migration")[0, place]
    engine.step()
    assert engine.record.column("out_migration")[1, place] > 1.5 * first
    people = engine.record.column("population")[:, place]
    assert people[1] > engine.bound_counts[0, place] + 500.0
    assert abs(people[2] - engine.bound_counts[1, place]) < 400.0
    engine.run()
    assert abs(gaps(engine.record, towns)[-1, place]) < 5.0 * np.sqrt(400.0)


@settings(max_examples=60, deadline=None)
@given(
    missing=st.lists(st.integers(-1500, 1500), min_size=4, max_size=4),
    drawn=st.lists(st.integers(0, 60), min_size=8, max_size=8),
    seed=st.integers(0, 2**63),
)
def test_households_come_and_go_until_the_next_would_miss_by_more(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace,
    missing: list[int], drawn: list[int], seed: int,
) -> None:  # fmt: skip
    engine = Engine(towns, towns_founding, towns_space.defaults(), run_seed(1, 0, 0), None, 2016)
    n_sim, n_all = towns.n_sim, towns.n_all
    engine.read_drivers()
    mean = np.zeros((n_sim, n_all))
    mean[:, n_sim : n_sim + 2] = [[30.0, 10.0]] * n_sim
    counts = np.zeros((n_sim, n_all), np.int64)
    counts[:, n_sim : n_sim + 2] = np.array(drawn).reshape(n_sim, 2)
    before, shift = counts.copy(), np.ones_like(counts)
    templates, key = engine.founding.templates, np.uint64(seed)
    key_salt, template_salt = salt_of(key, 2015, ARRIVAL_KEY), salt_of(key, 2015, ARRIVAL_TEMPLATE)

    def persons(place: int) -> int:
        total = 0
        for origin in range(n_sim, n_all):
            for rank in range(counts[place, origin]):
                newcomer = np.uint64(
                    newcomer_key(engine.keys[place], engine.keys[origin], U64(rank), key_salt)
                )
                chosen = template_of(newcomer, templates, template_salt, 0, 1_000_000)
                total += int(templates.first[chosen + 1] - templates.first[chosen])
        return total

    target = np.array(
        [
            -persons_to_come(s, 0.0, engine.ledger, engine.vital) + persons(s) + missing[s]
            for s in range(n_sim)
        ]
    )
    push, next_push = np.full(n_sim, 1.2), np.zeros(n_sim)
    meet_counts(
        target, mean, engine.keys, templates, key, 2015, engine.ledger, engine.vital, counts, shift, push, next_push
    )  # fmt: skip
    assert np.array_equal(counts - before, shift)
    assert (counts >= 0).all()
    assert not counts[:, n_sim + 2 :].any()
    largest = engine.largest_arrival
    for place in range(n_sim):
        left = persons_to_come(place, float(target[place]), engine.ledger, engine.vital) - persons(place)
        assert abs(left) <= 0.5 * largest or (left < 0.0 and counts[place].sum() == 0)
        if left < -0.5 * largest:
            assert next_push[place] > 1.2
        elif counts[place].sum() > 0:
            assert next_push[place] == (1.0 if shift[place].sum() >= 0 else 1.2)
        if shift[place].sum() > 20 and before[place].sum() == 0:
            share = counts[place, n_sim] / counts[place].sum()
            assert share == pytest.approx(0.75, abs=1.0 / counts[place].sum())


def test_what_departs_before_the_last_count(towns: World) -> None:
    for year, until, expected in (
        (2020, 2021, True),
        (2021, 2021, False),
        (2018, 2018, False),
        (2017, 2018, True),
    ):
        levers = neutral_levers(towns, 2030)
        levers.settlers[year - towns.start, 0] = 1.0
        assert departs(towns, levers, until) is expected


def test_a_world_founded_with_other_people_than_counted_meets_no_count(towns: World) -> None:
    half = replace(towns, founding_population=towns.founding_population // 2)
    assert np.isnan(counts_of(half)).all()
    assert np.isfinite(counts_of(towns)).all()


def test_the_cohort_twin_meets_the_counts_and_keeps_a_policys_effect(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    twin, values = CohortTwin(towns, towns_founding), towns_space.defaults()
    base = twin.run(values, horizon=LAST)
    # Births and deaths of those who move within the year are not foreseen: some persons are left
    assert np.abs(base.column("population")[1:] - counts_of(towns)).max() < 8.0
    free = twin.run(values.with_values({"bound_until": 0.0}), horizon=LAST)
    assert np.abs(free.column("population")[1:] - counts_of(towns)).max() > 60.0
    keyed = twin.run(values, horizon=LAST, seed=run_seed(1, 0, 0))
    assert np.abs(keyed.column("population")[1:] - counts_of(towns)).max() < 8.0
    levers = neutral_levers(towns, LAST)
    place = towns.index("bulaevo")
    levers.settlers[1, place] = 40.0
    more = twin.run(values, levers, LAST).column("population")[:, place]
    gain = more - base.column("population")[:, place]
    assert gain[1] == pytest.approx(0.0, abs=1e-6)
    assert gain[2] > 0.8 * 4.0 * 40
    assert gain[-1] > 0.6 * gain[2]
