"""What Mesa 3.3 and 3.5 share, kept by BorderModel; runs by itself on the oldest and newest interpreter."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from functools import partial
from typing import Any

import mesa
import numpy as np
import pytest

from model import migration, renewal
from model.agent_rows import AgentRows
from model.agents import Destination, Household, Person, Settlement, Zone
from model.border_model import BorderModel

TOWNS = ["bulaevo", "mamlyutka", "sergeevka", "tayynsha"]
HORIZON = 2022


@pytest.fixture(scope="module")
def untouched() -> BorderModel:
    """A model on 1 January 2016, for tests that only look."""
    model = BorderModel(seed=1, horizon=HORIZON)
    model.step()
    return model


@pytest.fixture
def model(untouched: BorderModel) -> BorderModel:
    return copy.deepcopy(untouched)


def assert_same_record(one: BorderModel, other: BorderModel) -> None:
    assert np.array_equal(one.record.values, other.record.values, equal_nan=True)
    assert np.array_equal(one.record.flows, other.record.flows)
    assert np.array_equal(one.record.pyramid_last, other.record.pyramid_last)


class Watcher(mesa.Agent):
    """An agent of a user's own."""


# ---- the model ----


def test_a_step_is_a_year_and_running_ends_at_the_horizon() -> None:
    model = BorderModel(seed=2, horizon=2018)
    assert isinstance(model, mesa.Model)
    assert (model.year, model.steps, model.running) == (2015, 0, True)
    model.step()
    assert (model.year, model.steps, model.running) == (2016, 1, True)
    model.run_for(100)
    assert (model.year, model.steps, model.running) == (2018, 3, False)
    with pytest.raises(RuntimeError, match="2018"):
        model.step()


def test_run_model_stops_at_the_horizon() -> None:
    model = BorderModel(seed=2, horizon=2017)
    model.run_model()
    assert (model.year, model.steps) == (2017, 2)


@pytest.mark.parametrize("years", [-1, 1.5, True])
def test_run_for_wants_whole_years(untouched: BorderModel, years: Any) -> None:
    with pytest.raises(ValueError, match="whole number of years"):
        untouched.run_for(years)


def test_seed_and_rng_are_one_thing() -> None:
    assert BorderModel(seed=5).seed == BorderModel(rng=5).seed == 5
    assert BorderModel(rng=np.random.default_rng(1)).seed == BorderModel(rng=np.random.default_rng(1)).seed
    assert BorderModel().seed != BorderModel().seed
    with pytest.raises(ValueError, match="not both"):
        BorderModel(seed=1, rng=1)
    with pytest.raises(ValueError, match="seed"):
        BorderModel(seed=-1)


def test_two_models_in_one_process_do_not_touch_each_other() -> None:
    alone = {seed: BorderModel(seed=seed, horizon=2019) for seed in (1, 2)}
    for model in alone.values():
        model.run_for(4)
    first, second = BorderModel(seed=1, horizon=2019), BorderModel(seed=2, horizon=2019)
    for _ in range(4):
        first.step()
        second.step()
    assert_same_record(first, alone[1])
    assert_same_record(second, alone[2])
    assert not np.array_equal(first.record.values, second.record.values, equal_nan=True)
    assert all(agent.model is second for agent in second.settlements)


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_a_pickled_model_continues_as_the_original(model: BorderModel, protocol: int) -> None:
    check_continues(model, pickle.loads(pickle.dumps(model, protocol)))


def test_a_deep_copy_continues_as_the_original(model: BorderModel) -> None:
    check_continues(model, copy.deepcopy(model))


def check_continues(model: BorderModel, twin: BorderModel) -> None:
    assert [agent.model is twin for agent in twin.settlements] == [True] * 4
    assert (twin.steps, twin.running) == (model.steps, model.running)
    assert twin.random.random() == model.random.random()
    twin.step()
    assert (model.year, twin.year) == (2016, 2017)
    model.run_for(99)
    twin.run_for(99)
    assert_same_record(model, twin)
    assert twin.steps == model.steps == HORIZON - 2015
    assert model.agents.get("unique_id") == twin.agents.get("unique_id")
    assert model.datacollector.model_vars == twin.datacollector.model_vars


def test_a_copy_compiles_nothing_anew(model: BorderModel) -> None:
    kernels: list[Any] = [migration.move_people, renewal.copy_households]
    before = [len(kernel.signatures) for kernel in kernels]
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.step()
    assert before == [len(kernel.signatures) for kernel in kernels]


def test_fifty_dropped_models_are_collected() -> None:
    dropped = []
    for seed in range(50):
        model = BorderModel(seed=seed, horizon=2017)
        model.step()
        Watcher(model)
        assert len(model.agents.select(lambda h: h.size > 5, agent_type=Household)) > 0
        dropped.append(weakref.ref(model))
    del model
    gc.collect()
    assert [reference() for reference in dropped] == [None] * 50


# ---- its agents ----


def test_places_and_zones_are_ordinary_agents(untouched: BorderModel) -> None:
    assert [agent.id for agent in untouched.agents_by_type[Settlement]] == TOWNS
    assert "omsk" in untouched.agents_by_type[Destination].get("id")
    assert all(isinstance(agent, mesa.Agent) for agent in untouched.agents.select(agent_type=Zone))
    assert untouched.agent_types == [Settlement, Destination, Zone, Household]
    identifiers = untouched.agents.get("unique_id")
    assert len(set(identifiers)) == len(identifiers)
    assert identifiers[:4] == [1, 2, 3, 4]


def test_agents_are_places_and_all_households(untouched: BorderModel) -> None:
    places = len(untouched.settlements) + len(untouched.destinations) + len(untouched.zones)
    households = untouched.engine.n_households
    assert len(untouched.agents) == places + households
    assert len(untouched.agents_by_type[Household]) == households
    assert len(untouched.people) == untouched.population
    assert sum(1 for _ in untouched.agents) == places + households
    assert sum(untouched.agents_by_type[Household].get("size")) == untouched.population
    assert f"{households:,} Household" in repr(untouched.agents)


def test_membership_and_indexing(untouched: BorderModel) -> None:
    households = untouched.agents_by_type[Household]
    first = households[0]
    assert first in untouched.agents
    assert first in households
    assert first == households[0]
    assert len({first, households[0], households[1]}) == 2
    assert households[-1] == households.to_list()[-1]
    assert households[2:5] == households.to_list()[2:5]
    assert untouched.agents[0] is untouched.settlements[0]
    assert untouched.settlements[0] in untouched.agents
    assert untouched.settlements[0] not in households
    assert first not in households.select(lambda household: household != first)
    assert first.reference_person in untouched.people
    assert first.reference_person not in untouched.agents
    with pytest.raises(IndexError):
        households[len(households)]


def test_select_sort_and_shuffle_lose_no_row(untouched: BorderModel) -> None:
    agents = untouched.agents
    everyone = sorted(agents.get("unique_id"))
    for chosen in (
        agents.select(),
        agents.select(lambda agent: True),
        agents.sort("unique_id"),
        agents.sort(lambda agent: -agent.unique_id, ascending=True),
        agents.shuffle(),
        agents.shuffle().sort("unique_id").shuffle().select(lambda agent: True),
        copy.copy(agents),
    ):
        gc.collect()
        assert len(chosen) == len(everyone)
        assert sorted(chosen.get("unique_id")) == everyone
        assert sorted(agent.unique_id for agent in chosen) == everyone


def test_select(untouched: BorderModel) -> None:
    households = untouched.agents_by_type[Household]
    large = households.select(lambda household: household.size >= 5)
    sizes = np.array(households.get("size"))
    assert len(large) == (sizes >= 5).sum() > 0
    assert min(large.get("size")) == 5
    assert len(large.select(at_most=7)) == 7
    assert len(households.select(at_most=0.25)) == len(households) // 4
    assert len(households.select(lambda household: household.size >= 5, at_most=3)) == 3
    assert len(untouched.agents.select(agent_type=Settlement)) == 4
    assert len(untouched.agents.select(agent_type=mesa.Agent)) == len(untouched.agents)
    assert len(untouched.agents.select(agent_type=Household)) == len(households)
    assert len(untouched.agents.select(agent_type=Person)) == 0
    chosen = households.copy()
    assert chosen.select(lambda household: household.children > 0, inplace=True) is chosen
    assert min(chosen.get("children")) == 1
    assert len(untouched.agents_by_type[Household]) == len(households)


def test_sort_orders_as_mesa_does(untouched: BorderModel) -> None:
    households = untouched.agents_by_type[Household]
    sizes = households.get("size")
    assert households.sort("size").get("size") == sorted(sizes, reverse=True)
    assert households.sort("size", ascending=True).get("size") == sorted(sizes)
    by_function = households.sort(lambda household: household.size, ascending=True)
    assert by_function.get("key") == households.sort("size", ascending=True).get("key")
    chosen = households.copy()
    assert chosen.sort("income", inplace=True) is chosen
    incomes = chosen.get("income")
    assert incomes == sorted(incomes, reverse=True)


def test_shuffle_follows_the_models_generator(model: BorderModel) -> None:
    twin = copy.deepcopy(model)
    keys = model.household_agents.get("key")
    shuffled = model.household_agents.shuffle()
    assert shuffled.get("key") == twin.household_agents.shuffle().get("key") != keys
    chosen = model.household_agents.copy()
    assert chosen.shuffle(inplace=True) is chosen
    assert chosen.get("key") != keys
    assert model.household_agents.get("key") == keys
    model.step()
    BorderModel.step(twin)
    assert_same_record(model, twin)


def test_get_reads_what_the_proxies_say(untouched: BorderModel) -> None:
    for agents in (untouched.household_agents.select(at_most=300), untouched.people.select(at_most=300)):
        kind = type(agents[0])
        names = [
            name for name in dir(kind) if type(inspect.getattr_static(kind, name)).__name__.startswith("Row")
        ]
        assert len(names) >= 9
        for name in names:
            assert agents.get(name) == [getattr(agent, name) for agent in agents]
            assert type(agents.get(name)[0]) is type(getattr(agents[0], name))
        assert agents.get(["key", "unique_id"]) == [[agent.key, agent.unique_id] for agent in agents]


def test_get_of_a_missing_attribute(untouched: BorderModel) -> None:
    with pytest.raises(AttributeError, match="size"):
        untouched.agents.get("size")
    sizes = untouched.agents.get("size", handle_missing="default", default_value=0)
    assert sum(sizes) == untouched.population
    assert sizes[0] == 0
    with pytest.raises(ValueError, match="handle_missing"):
        untouched.agents.get("size", handle_missing="never")  # type: ignore[arg-type]


def test_agg_and_groupby(untouched: BorderModel) -> None:
    households = untouched.agents_by_type[Household]
    assert households.agg("size", sum) == untouched.population
    assert households.agg("size", [min, max])[0] == 1
    groups = households.groupby("place")
    assert sorted(name for name, _ in groups) == TOWNS
    assert len(groups) == 4
    assert groups.agg("size", sum) == {s.id: s.population for s in untouched.settlements}
    assert groups.count() == {s.id: s.households for s in untouched.settlements}
    assert groups.map(len) == groups.count()
    assert groups.map("agg", "size", sum) == groups.agg("size", sum)
    seen: list[int] = []
    assert groups.do(lambda group: seen.append(len(group))) is groups
    assert seen == list(groups.count().values())
    by_function = households.groupby(lambda household: household.size > 3, result_type="list")
    assert all(household.size > 3 for household in by_function.groups[True])
    assert sum(by_function.count().values()) == len(households)


def test_do_map_and_shuffle_do(untouched: BorderModel) -> None:
    few = untouched.household_agents.select(at_most=50)
    seen: list[int] = []
    assert few.do(lambda household, note: note(household.key), seen.append) is few
    assert seen == few.get("key")
    again: list[int] = []
    few.shuffle_do(lambda household: again.append(household.key))
    assert sorted(again) == sorted(seen)
    assert few.get("key") == seen
    assert few.map(lambda household: household.size) == few.get("size")
    assert [e.income for e in few.map("explain")] == pytest.approx(few.get("income"))


def test_the_set_is_never_one_of_mesas(untouched: BorderModel) -> None:
    assert isinstance(untouched.agents, AgentRows)
    assert all(isinstance(agents, AgentRows) for agents in untouched.agents_by_type.values())


@pytest.mark.parametrize(
    "name", ["select", "get", "set", "agg", "groupby", "sort", "shuffle", "do", "shuffle_do", "map"]
)
def test_signatures_are_those_of_mesa(name: str) -> None:
    theirs = inspect.signature(getattr(mesa.agent.AgentSet, name)).parameters
    ours = inspect.signature(getattr(AgentRows, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


def test_agents_of_a_users_own_are_among_the_agents(model: BorderModel) -> None:
    watcher = Watcher(model)
    assert watcher in model.agents
    assert model.agents_by_type[Watcher].to_list() == [watcher]
    assert watcher.unique_id not in untouched_ids(model, watcher)
    chosen = model.agents.select(agent_type=Watcher)
    watcher.remove()
    assert len(chosen) == 0
    assert Watcher not in model.agent_types


def untouched_ids(model: BorderModel, but: mesa.Agent) -> set[int]:
    return {agent.unique_id for agent in model.agents if agent is not but}


# ---- its data collector ----


def test_the_settlements_series_are_collected(model: BorderModel) -> None:
    model.run_for(2)
    frame = model.datacollector.get_agenttype_vars_dataframe(Settlement)
    assert list(frame.index.names) == ["Step", "AgentID"]
    assert len(frame) == 4 * 4
    population = frame["population"].unstack().to_numpy()
    assert np.array_equal(population, model.record.column("population")[:4])
    wage = frame["wage"].unstack().to_numpy()
    assert np.array_equal(wage[1:], model.record.column("wage")[:3])
    assert frame["births"].unstack().iloc[0].isna().all()
    assert np.array_equal(frame["births"].unstack().to_numpy()[1:], model.record.column("births")[:3])
    totals = model.datacollector.get_model_vars_dataframe()
    assert totals["year"].tolist() == [2015, 2016, 2017, 2018]
    assert totals["population"].tolist() == population.sum(axis=1).tolist()


def count_children(model: BorderModel, below: int) -> int:
    return sum(age < below for age in model.people.get("age"))


def test_reporters_of_a_users_own() -> None:
    model = BorderModel(
        seed=3,
        horizon=2017,
        model_reporters={"children": partial(count_children, below=18), "n": "population"},
        agenttype_reporters={
            Household: {"size": "size"},
            Settlement: {"twice": lambda settlement: 2 * settlement.population},
        },
    )
    model.step()
    totals = model.datacollector.get_model_vars_dataframe()
    assert totals["n"].tolist() == totals["population"].tolist()
    assert totals["children"].iloc[-1] == count_children(model, 18)
    sizes = model.datacollector.get_agenttype_vars_dataframe(Household)["size"]
    assert sizes.groupby("Step").sum().tolist() == totals["population"].tolist()
    frame = model.datacollector.get_agenttype_vars_dataframe(Settlement)
    assert (frame["twice"] == 2 * frame["population"]).all()


def test_mesas_own_data_collector_works(model: BorderModel) -> None:
    collector = mesa.DataCollector(
        model_reporters={"households": lambda m: len(m.agents_by_type[Household])},
        agenttype_reporters={Settlement: {"wage": "wage"}, Household: {"place": "place"}},
        agent_reporters={"identity": "unique_id"},
    )
    collector.collect(model)
    model.step()
    collector.collect(model)
    assert collector.get_model_vars_dataframe()["households"].iloc[-1] == model.engine.n_households
    assert len(collector.get_agenttype_vars_dataframe(Settlement)) == 8
    places = collector.get_agenttype_vars_dataframe(Household)["place"]
    assert set(places.unique()) == set(TOWNS)
    everyone = collector.get_agent_vars_dataframe()
    assert len(everyone) == len(places) + 2 * (len(model.agents) - model.engine.n_households)


def test_a_model_with_named_reporters_can_be_pickled() -> None:
    model = BorderModel(
        seed=3, horizon=2016, agenttype_reporters={Settlement: {"w": "wage"}, Zone: {"z": "places"}}
    )
    twin = pickle.loads(pickle.dumps(model))
    twin.step()
    assert len(twin.datacollector.get_agenttype_vars_dataframe(Settlement)["w"]) == 8
