"""BorderModel from a prompt: an ensemble's row again, live places, edits after which the accounts close."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

from model import draws
from model.agents import GoneError, Household, Settlement
from model.border_model import BorderModel
from model.engine import simulate
from model.founding import build_founding
from model.parameters import ParameterError, ParameterSpace
from model.population import STATUS_NAMES
from model.record import Record
from model.world import WorldError, load_world

HORIZON = 2020


@pytest.fixture(scope="module")
def untouched() -> BorderModel:
    """A model on 1 January 2017, for tests that only look."""
    model = BorderModel(seed=1, horizon=HORIZON)
    model.run_for(2)
    return model


@pytest.fixture
def model(untouched: BorderModel) -> BorderModel:
    return copy.deepcopy(untouched)


def assert_equal_records(one: Record, other: Record) -> None:
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert np.array_equal(one.flows, other.flows)
    assert np.array_equal(one.arrivals_from, other.arrivals_from)
    assert np.array_equal(one.pyramid_last, other.pyramid_last)


def stock(model: BorderModel) -> int:
    return sum(settlement.population for settlement in model.settlements)


# ---- runs ----


def test_a_row_of_an_ensemble_is_reproduced() -> None:
    world = load_world("towns")
    values = ParameterSpace(world).draw(20, 3)
    founding = build_founding(world, household_size=2.5)
    seed = draws.run_seed(20, 3, 1)
    row = simulate(world, founding, values, seed, horizon=HORIZON)
    model = BorderModel(world, seed, values, founding, horizon=HORIZON)
    while model.running:
        model.step()
        model.agents.shuffle_do(lambda agent: agent.unique_id)
    assert_equal_records(row, model.record)


def test_values_by_name() -> None:
    model = BorderModel(seed=1, values={"omega.bulaevo": 0.9, "household_size": 2.6}, horizon=2016)
    assert model.settlement("bulaevo").omega == 0.9
    assert model.engine.founding.household_size == 2.6
    with pytest.raises(ParameterError, match=r"omega\.bulaevo"):
        BorderModel(values={"omega.bulayevo": 0.9})
    with pytest.raises(WorldError, match="towns"):
        BorderModel("town")
    with pytest.raises(ValueError, match="horizon"):
        BorderModel(horizon=2015)


# ---- places ----


def test_settlements_are_live(model: BorderModel) -> None:
    for _ in range(3):
        for settlement in model.settlements:
            state, k = model.engine.state, settlement.index
            assert (
                settlement.population
                == state.population[k]
                == model.record.column("population")[model.engine.t, k]
            )
            assert settlement.wage == state.wage[k]
            assert settlement.unemployment_rate == state.unemployment[k]
            sectors = [settlement.jobs_agriculture, settlement.jobs_industry]
            sectors += [settlement.jobs_public, settlement.jobs_services]
            assert sectors == state.jobs[k].tolist()
            assert settlement.jobs == pytest.approx(sum(sectors))
            networks = [
                settlement.wear_heat,
                settlement.wear_water,
                settlement.wear_sewer,
                settlement.wear_road,
            ]
            assert settlement.wear == pytest.approx(sum(networks) / 4)
            assert settlement.net_migration == settlement.in_migration - settlement.out_migration
        model.step()


def test_live_series_are_those_of_the_record(model: BorderModel) -> None:
    by_year = model.datacollector.get_agenttype_vars_dataframe(Settlement)
    model.datacollector.collect(model)
    live = model.datacollector.get_agenttype_vars_dataframe(Settlement)
    assert list(live.columns) == list(by_year.columns)
    assert np.array_equal(live.to_numpy(), by_year.to_numpy(), equal_nan=True)


def test_flows_before_the_first_year_are_unknown() -> None:
    settlement = BorderModel(seed=1, horizon=2016).settlements[0]
    assert math.isnan(settlement.births)
    assert settlement.wage > 0


def test_omega_moves_the_wage(model: BorderModel) -> None:
    twin = copy.deepcopy(model)
    model.settlement("bulaevo").omega *= 1.1
    model.step()
    twin.step()
    ratio = [a.wage / b.wage for a, b in zip(model.settlements, twin.settlements, strict=True)]
    assert ratio == pytest.approx([1.1, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("wage", "omega"),
        ("population", "household"),
        ("unemployment_rate", "status"),
        ("jobs", "values"),
        ("wear", "wear_heat"),
        ("rent", "rent_factor"),
        ("births", "counted"),
    ],
)
def test_what_is_derived_says_what_to_set_instead(model: BorderModel, name: str, instead: str) -> None:
    with pytest.raises(AttributeError, match=rf"Settlement\.{name} .*{instead}"):
        setattr(model.settlements[0], name, 1.0)


def test_settings_out_of_range_and_slips_are_refused(model: BorderModel) -> None:
    settlement = model.settlements[0]
    with pytest.raises(ValueError, match=r"omega\.bulaevo = -1"):
        settlement.omega = -1
    with pytest.raises(ValueError, match="number from 0 to 1"):
        settlement.wear_heat = float("nan")
    with pytest.raises(ValueError, match="whole number"):
        settlement.school_level = 1.5
    with pytest.raises(AttributeError, match="'omega'"):
        settlement.omga = 0.9
    settlement.wear_heat = 0.25
    assert settlement.wear_heat == model.engine.state.wear[0, 0] == 0.25
    settlement.note = "of my own"
    with pytest.raises(RuntimeError, match="world"):
        settlement.remove()
    with pytest.raises(ValueError, match="bulaevo"):
        model.settlement("bulayevo")


def test_destinations(model: BorderModel) -> None:
    places = {destination.id: destination for destination in model.destinations}
    assert places["omsk"].nest == "Russia"
    assert places["astana"].nest == "Kazakhstan"
    assert all(destination.wage > 10_000 for destination in model.destinations)
    assert all(0 <= destination.unemployment_rate < 0.2 for destination in model.destinations)
    assert all(destination.rent > 0 and 0 < destination.services <= 1.5 for destination in model.destinations)
    with pytest.raises(AttributeError, match="rouble"):
        places["omsk"].wage = 1.0
    with pytest.raises(AttributeError, match="series of its own"):
        places["omsk"].omega = 1.0
    before = places["petropavlovsk"].wage
    places["petropavlovsk"].omega *= 1.2
    assert places["petropavlovsk"].wage == pytest.approx(1.2 * before)


def test_the_zone_has_its_projects() -> None:
    model = BorderModel(seed=1, horizon=2027)
    (zone,) = model.zones
    assert zone.place == "petropavlovsk"
    assert zone.realised_jobs == 0
    assert all(project.launch_year is None for project in zone.projects)
    while model.running:
        model.step()
        here = model.world.index("petropavlovsk")
        assert zone.realised_jobs == pytest.approx(model.engine.state.zone_launched[here])
        assert zone.additional_jobs == pytest.approx(model.engine.state.zone_jobs[here])
    assert zone.realised_jobs > 300
    assert 0 < zone.additional_jobs < zone.realised_jobs
    assert zone.launched_jobs >= zone.realised_jobs
    assert min(p.launch_year for p in zone.projects if p.launch_year) == 2019


# ---- households ----


def test_a_household_holds_together(untouched: BorderModel) -> None:
    for household in untouched.household_agents.select(lambda h: h.children > 1, at_most=20):
        members = household.members
        assert members[0] == household.reference_person
        assert members[0].is_reference_person
        assert not any(person.is_reference_person for person in members[1:])
        assert len(members) == household.size
        assert household.children == sum(person.age < 18 for person in members)
        assert all(person.household == household and person.place == household.place for person in members)
        adults = household.size - household.children
        floor = untouched.engine.settings.income_floor * untouched.settlement(household.place).wage
        own = sum(person.income for person in members) / max(adults, 1)
        assert household.income == pytest.approx(max(own, floor))


def test_an_explanation_adds_up(untouched: BorderModel) -> None:
    engine = untouched.engine
    for household in untouched.household_agents.shuffle().select(at_most=50):
        why = household.explain()
        assert sum(a.share for a in why.alternatives) == pytest.approx(1.0)
        assert len(why.alternatives) == engine.world.is_destination.sum() - 1
        assert household.place not in [a.place for a in why.alternatives]
        tau = engine.settings.tau
        nests = [
            sum(math.exp(a.utility / tau) for a in why.alternatives if a.nest == g) ** tau for g in (0, 1)
        ]
        assert why.inclusive_value == pytest.approx(math.log(sum(nests)))
        rate = engine.readiness.hazard[engine.world.index(household.place)] * why.kappa * why.age_factor
        assert why.hazard == pytest.approx(1 - math.exp(-rate * math.exp(why.inclusive_value)))
        assert 0 < why.hazard < 0.5
        assert why.kappa == household.kappa
        assert household.place in str(why)


def test_ready_to_move_means_a_higher_hazard(model: BorderModel) -> None:
    household = model.household_agents.select(lambda h: h.attachment == "mover")[0]
    before = household.explain().hazard
    household.attachment = "stayer"
    assert household.attachment == "stayer"
    assert household.explain().hazard < before
    household.kin_russia = True
    with_kin = household.explain()
    household.kin_russia = False
    assert household.explain().inclusive_value < with_kin.inclusive_value


def test_a_proxy_finds_its_row_again_or_is_gone(model: BorderModel) -> None:
    held = model.household_agents.to_list()
    keys, sizes = [h.key for h in held], len(held)
    ids = [h.unique_id for h in held]
    model.step()
    alive = [h.alive for h in held]
    present = set(model.household_agents.get("key"))
    assert alive == [key in present for key in keys]
    assert 0.85 * sizes < sum(alive) < sizes
    for household, living, identity in zip(held, alive, ids, strict=True):
        if living:
            assert household.unique_id == identity
            break
    gone = held[alive.index(False)]
    assert gone not in model.agents
    assert "gone" in repr(gone)
    with pytest.raises(GoneError, match=str(gone.key)):
        _ = gone.size
    with pytest.raises(GoneError):
        gone.place = "bulaevo"


def test_what_is_printed_is_found_again() -> None:
    model = BorderModel("towns", seed=1, horizon=2016)
    household = model.household_agents[0]
    for agent in (household, household.members[0]):
        assert str(agent.unique_id) in str(agent)
        assert f"in {household.place}" in str(agent)
    model.step()
    with pytest.raises(RuntimeError, match=r"1 January 2016, is reached: .* later `horizon`"):
        model.step()


def test_a_chosen_set_follows_its_households(model: BorderModel) -> None:
    chosen = model.household_agents.select(lambda h: h.place == "bulaevo")
    keys = chosen.get("key")
    model.step()
    present = set(model.household_agents.get("key"))
    assert chosen.get("key") == [key for key in keys if key in present]
    assert len(chosen) == len(chosen.to_list()) < len(keys)
    twin = pickle.loads(pickle.dumps(chosen))
    assert twin.get("key") == chosen.get("key")
    assert twin.model is not model
    assert copy.deepcopy(chosen).get("key") == chosen.get("key")


# ---- edits ----


def test_moving_a_household(model: BorderModel) -> None:
    household = model.agents_by_type[Household].select(lambda h: h.place == "tayynsha" and h.size == 4)[0]
    before = [settlement.population for settlement in model.settlements]
    household.place = "bulaevo"
    assert household.place == "bulaevo"
    after = [settlement.population for settlement in model.settlements]
    assert [b - a for a, b in zip(before, after, strict=True)] == [4, 0, 0, -4]
    assert not any(
        "employed in" in person.status or person.status == "commuter" for person in household.members
    )
    model.run_for(2)
    with pytest.raises(ValueError, match="outside the simulated places"):
        model.household_agents[0].place = "omsk"
    with pytest.raises(ValueError, match="'bulaevo'"):
        model.household_agents[0].place = "bulayevo"


def test_setting_an_attribute_of_many(model: BorderModel) -> None:
    movers = model.household_agents.select(lambda h: h.place == "mamlyutka")
    people = sum(movers.get("size"))
    movers.set("place", "sergeevka").set("attachment", "stayer")
    assert set(movers.get("place")) == {"sergeevka"}
    assert set(movers.get("attachment")) == {"stayer"}
    assert model.settlement("mamlyutka").population == 0
    assert people > 0
    model.run_for(2)
    model.agents.select(agent_type=Settlement).set("omega", 0.9)
    assert model.engine.omega[:4].tolist() == [0.9] * 4


def test_changing_persons(model: BorderModel) -> None:
    person = model.people.select(lambda p: p.is_partner and p.age > 30)[0]
    person.age, person.sex, person.skilled, person.status = 44, "woman", True, "officially unemployed"
    assert (person.age, person.sex, person.skilled, person.status) == (
        44,
        "woman",
        True,
        "officially unemployed",
    )
    person.origin = "bulaevo"
    assert person.origin == "bulaevo"
    person.origin = None
    assert person.origin is None
    model.step()
    assert not person.alive or person.age == 45
    model.run_for(2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("age", 111, "0 to 110"),
        ("age", 3.5, "whole number"),
        ("sex", "female", "'woman' or 'man'"),
        ("status", "commuting", "'commuter'"),
        ("skilled", 1, "True or False"),
        ("origin", "omks", "no place"),
    ],
)
def test_values_that_no_person_has(model: BorderModel, name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"Person\.{name}: .*{message}"):
        setattr(model.people[0], name, value)


def test_what_is_derived_of_rows(model: BorderModel) -> None:
    household = model.household_agents[0]
    for name, instead in (
        ("size", "person.remove"),
        ("income", "omega"),
        ("kappa", "attachment"),
        ("key", "identity"),
    ):
        with pytest.raises(AttributeError, match=rf"{name} cannot be set: .*{instead}"):
            setattr(household, name, 1)
    with pytest.raises(AttributeError, match=r"household.place"):
        household.reference_person.place = "bulaevo"
    with pytest.raises(AttributeError, match="nearest valid name: 'attachment'"):
        household.atachment = "stayer"
    with pytest.raises(AttributeError, match="attachment"):
        model.household_agents.set("attachement", "stayer")


def test_removing_a_household(model: BorderModel) -> None:
    households, people = model.engine.n_households, stock(model)
    household = model.household_agents[100]
    members, size, following = household.members, household.size, model.household_agents[101].key
    household.remove()
    assert not household.alive
    assert not any(person.alive for person in members)
    assert (model.engine.n_households, stock(model), model.population) == (
        households - 1,
        people - size,
        people - size,
    )
    assert model.household_agents[100].key == following
    model.run_for(3)


def test_removing_many_households(model: BorderModel) -> None:
    places = model.settlements, len(model.agents) - model.engine.n_households
    gone = model.household_agents.select(lambda h: h.place == "bulaevo")
    left = stock(model) - model.settlement("bulaevo").population
    assert gone.do("remove") is gone
    assert len(gone) == 0
    assert stock(model) == left
    assert model.settlement("bulaevo").households == 0
    model.step()
    one_by_one = model.household_agents.select(at_most=30)
    households = model.engine.n_households
    one_by_one.do(lambda household: household.remove())
    assert model.engine.n_households == households - 30
    assert len(model.agents) == model.engine.n_households + places[1]
    model.run_for(2)


def test_removing_a_person(model: BorderModel) -> None:
    family = model.household_agents.select(lambda h: h.size > 2 and h.members[1].is_partner)[0]
    first, partner = family.members[:2]
    size, people = family.size, stock(model)
    first.remove()
    assert not first.alive
    assert family.reference_person == partner
    assert partner.is_reference_person
    assert not partner.is_partner
    assert (family.size, stock(model)) == (size - 1, people - 1)
    single = model.household_agents.select(lambda h: h.size == 1)[0]
    single.reference_person.remove()
    assert not single.alive
    model.run_for(2)


def test_a_household_keeps_an_adult(model: BorderModel) -> None:
    household = model.household_agents.select(lambda h: h.children > 0 and h.size - h.children == 1)[0]
    (adult,) = [person for person in household.members if person.age >= 18]
    before = (model.engine.n_people, household.members)
    with pytest.raises(ValueError, match=rf"key {household.key}\) without an adult"):
        adult.remove()
    with pytest.raises(ValueError, match="without an adult"):
        adult.age = 12
    assert (model.engine.n_people, household.members) == before
    assert set(model.people.get("status")) <= set(STATUS_NAMES)
    model.step()


def test_an_edited_model_can_be_copied(model: BorderModel) -> None:
    model.household_agents.select(at_most=0.1).do("remove")
    model.household_agents[5].place = "bulaevo"
    twin = pickle.loads(pickle.dumps(model))
    model.run_for(9)
    twin.run_for(9)
    assert_equal_records(model.record, twin.record)
