"""Levers and structural switches as factors: amounts of policies, ranges a user gives, answers, what each moves."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from experiments.failures import BadInput, RunFailure
from experiments.parameter_source import FROM_PRIORS, parameter_source
from experiments.sensitivity_design import Sampling, SensitivityDesign
from experiments.sensitivity_factors import DUMMY, FactorSpace
from experiments.sensitivity_levers import InForce, LeverRange, PolicyFactors, read_lever_ranges
from experiments.sensitivity_output_reader import read_outputs
from experiments.sensitivity_pool import build_pool
from experiments.sensitivity_runs import Task, TownModel
from experiments.sensitivity_structures import build_switches, carried_over
from model.world import World
from scenarios.amounts import at_amount, has_amounts, settable, with_figure
from scenarios.composition import compose
from scenarios.library import names
from scenarios.reading import load_future, load_policy
from scenarios.translation import levers_of

HORIZON = 2034


# --- amounts of policies -----------------------------------------------------------------------------------


def test_half_of_a_policy_is_half_of_its_amounts() -> None:
    families = at_amount(load_policy("settlers"), 0.55).levers.settlers["families"]
    assert families.families_a_year == 6  # 5.5 rounded half up: families are whole
    youth = at_amount(load_policy("youth_retention"), 0.5).levers.youth_retention["colleges_and_grants"]
    assert youth.study_odds == pytest.approx(0.8**0.5)  # odds: halfway to neutral is the root
    assert youth.return_gain == pytest.approx(0.05)
    renewal = at_amount(load_policy("networks_renewal"), 20.0).levers.renewal["heat"]
    assert renewal.share_a_year == 1.0  # not beyond the declared range
    holiday = at_amount(load_policy("zone_accelerated"), 0.01).levers.tax_holiday["qyzyljar"]
    assert 1.0 <= holiday.launch_factor < 1.01
    plant = at_amount(load_policy("subzone_tayynsha"), 1.5).levers.zone_project["deep_processing"]
    assert plant.declared_jobs == 600.0
    assert plant.private_investment == pytest.approx(1.5 * 6290)  # a larger plant, at the same money a job
    assert plant.realisation == 0.5
    declared = at_amount(load_policy("zone_as_declared"), 0.5).levers.qyzyljar
    assert (declared.declared_jobs, declared.declared_by) == (2000.0, 2030)


def test_a_policy_at_one_is_itself_and_at_nothing_is_refused(towns: World) -> None:
    reference = load_future("reference")
    for name in names("policy"):
        policy = load_policy(name)
        once = levers_of(at_amount(policy, 1.0), reference, towns, 2045)
        twice = levers_of(at_amount(at_amount(policy, 0.5), 2.0), reference, towns, 2045)
        for array in ("renewal", "rent_factor", "reach", "study_logit", "wage_supplement"):
            np.testing.assert_allclose(getattr(once, array), getattr(twice, array), rtol=1e-12)
    with pytest.raises(ValueError, match="expected more than 0"):
        at_amount(load_policy("settlers"), 0.0)


def test_a_lever_without_an_amount_is_in_force_from_one_half_on() -> None:
    combined = load_policy("combined")
    assert has_amounts(combined)
    assert not at_amount(combined, 0.49).levers.services_kept
    assert at_amount(combined, 0.5).levers.services_kept == combined.levers.services_kept
    assert not has_amounts(load_policy("services_kept"))
    assert not has_amounts(load_policy("no_zone"))
    assert has_amounts(load_policy("zone_as_declared"))


def test_a_single_figure_can_be_given_another_value() -> None:
    policy = load_policy("subzone_tayynsha")
    plant = with_figure(policy, "realisation", 0.25).levers.zone_project["deep_processing"]
    assert (plant.realisation, plant.declared_jobs) == (0.25, 400.0)
    assert with_figure(policy, "but_for", 0.1).levers.zone_project["deep_processing"].but_for == 0.1
    assert "realisation" in settable(policy)
    with pytest.raises(ValueError, match=r"realisation = 1.2: .*less than or equal to 1"):
        with_figure(policy, "realisation", 1.2)
    with pytest.raises(ValueError, match="no figure 'famlies_a_year'; nearest valid name: 'families_a_year'"):
        with_figure(load_policy("settlers"), "famlies_a_year", 3.0)


# --- policies as factors -----------------------------------------------------------------------------------


def policies_of(*wanted: str) -> list:  # type: ignore[type-arg]
    return [load_policy(name) for name in wanted]


def test_policies_become_amounts_switches_and_alternatives() -> None:
    factors = PolicyFactors(
        policies_of("settlers", "services_kept", "commuter_link", "cross_border", "no_zone", "zone_null")
    )
    listed = {factor.name: factor.levels for factor in factors.factors}
    assert listed == {
        "policy settlers": (),
        "policy services_kept": ("", "services_kept"),
        "policy commuter_link|cross_border": ("", "commuter_link", "cross_border"),
        "amount of commuter_link|cross_border": (),
        "policy no_zone|zone_null": ("", "no_zone", "zone_null"),
    }
    numbers = dict.fromkeys(listed, 0.5)
    assert factors.in_force(numbers) == (
        InForce("settlers", 0.75),
        InForce("services_kept"),
        InForce("commuter_link", 0.75),
        InForce("no_zone"),
    )
    assert factors.in_force(dict.fromkeys(listed, 0.0)) == ()


def test_policies_that_share_a_lever_are_alternatives() -> None:
    """Both at once would need two amounts of one lever."""
    assert PolicyFactors(policies_of("housing", "combined")).groups == (("housing", "combined"),)


def test_a_user_gives_ranges_to_amounts_and_figures(towns: World) -> None:
    pool = build_pool(towns, 2045, ("settlers", "subzone_tayynsha"), ("none",), ("housing",))
    texts = ("settlers=0.5:2", "subzone_tayynsha.realisation=0.3:1", "housing=0:3")
    ranges = read_lever_ranges(texts, pool.policies, pool.known[1:])
    assert ranges[1] == LeverRange("subzone_tayynsha", "realisation", 0.3, 1.0)
    space = FactorSpace(
        towns, 2045, 1, FROM_PRIORS, {}, pool.policies, pool.futures, 1, None, pool.known, ranges
    )
    policy = [f.name for f in space.factors if f.block == "policy"]
    assert policy == [
        "policy settlers",
        "policy subzone_tayynsha",  # in force or not, as one of its figures varies
        "amount of housing",
        "lever subzone_tayynsha.realisation",
    ]
    inputs = space.inputs(np.full(len(space.factors), 0.75))
    assert inputs.policies == (
        InForce("settlers", 0.5 + 0.75 * 1.5),
        InForce("subzone_tayynsha", 1.0, (("realisation", 0.3 + 0.75 * 0.7),)),
    )
    assert inputs.added == {"housing": InForce("housing", 2.25)}
    levers = space.levers((*inputs.policies, inputs.added["housing"]), "reference")
    assert levers.settlers.max() == 16.0  # 10 x 1.625 = 16.25
    assert levers.dwellings[-1].max() == pytest.approx(10 * 10 * 2.25)
    assert levers.projects[-1].declared_jobs == pytest.approx(400 * 0.825)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("setlers=0:1", "'setlers' is neither a factor nor compared by an output; nearest valid name: 'settlers'"),
        ("settlers", "expected POLICY=LOW:HIGH or POLICY.FIGURE=LOW:HIGH"),
        ("settlers=1:1", "1 to 1 is no range; expected LOW below HIGH"),
        ("settlers=a:b", "expected two numbers"),
        ("settlers=-1:1", "expected amounts from 0 to 10"),
        ("services_kept=0:1", "in force or not, there is no range"),
        ("settlers.familes_a_year=1:2", "no figure 'familes_a_year'; nearest valid name: 'families_a_year'"),
        ("subzone_tayynsha.realisation=0.5:1.5", "realisation = 1.5: input should be less than or equal to 1"),
    ],
)  # fmt: skip
def test_a_lever_that_cannot_be_a_factor_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_lever_ranges([text], policies_of("settlers", "services_kept", "subzone_tayynsha"), ())
    assert message in str(caught.value)


def test_all_faults_of_levers_are_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        read_lever_ranges(
            ["x=0:1", "settlers=2:1", "settlers=0:1", "settlers=0:1"], policies_of("settlers"), ()
        )
    assert len(str(caught.value).splitlines()) == 3


# --- structural switches -----------------------------------------------------------------------------------


def test_structures_are_factors_and_decide_their_parameters(towns: World) -> None:
    source = parameter_source(towns, "towns", "posterior")
    switches, notes = build_switches(towns, "towns", source, {}, ())
    assert notes == ()
    assert [(one.name, len(one.answers)) for one in switches] == [
        ("structure migration", 2),
        ("structure regime", 3),
        ("structure hinterland", 4),
        ("structure rouble", 2),
        ("structure walk", 2),
        ("structure counts", 2),
    ]
    space = FactorSpace(towns, 2045, 1, source, {}, switches=switches)
    assert "ppp" not in space.names  # the switch is that choice
    assert "ppp is decided by the factor 'structure rouble'" in space.refuse_without_range("ppp")
    row = np.full(len(space.factors), 0.25)

    def values(name: str, u: float) -> dict[str, float]:
        changed = row.copy()
        changed[space.column[name]] = u
        inputs = space.inputs(changed)
        return {p.name: inputs.values[p.name] for p in space.space.parameters}

    assert values("structure regime", 0.99)["regime_weight"] == 1.0
    assert values("structure regime", 0.5)["regime_weight"] == 0.0
    assert values("structure regime", 0.01)["regime_weight"] == 0.25  # the parameter's own factor
    assert values("structure walk", 0.99)["walk_sd"] == 0.0
    assert values("structure walk", 0.01)["walk_sd"] > 0.0
    assert values("structure rouble", 0.99)["ppp"] == 1.0
    assert values("structure hinterland", 0.99)["hinterland_weight"] == 0.9
    accounts, recorded = (values("structure migration", u) for u in (0.1, 0.9))
    assert source.draws is not None
    assert {name for name in accounts if accounts[name] != recorded[name]} == set(source.draws.names)


def test_draws_are_carried_over_to_their_likeness_in_another_posterior(towns: World) -> None:
    """Every parameter is distributed as in the other posterior and correlated as there, and each draw stays near."""
    ours, theirs = (parameter_source(towns, "towns", name).draws for name in ("posterior", "recorded"))
    assert ours is not None
    assert theirs is not None
    there = theirs.values[:, [theirs.names.index(name) for name in ours.names]]
    moved = carried_over(ours.values, there)
    for k, name in enumerate(ours.names):
        np.testing.assert_allclose(
            moved[:, k].mean(), there[:, k].mean(), rtol=0, atol=0.05 * there[:, k].std()
        )
        np.testing.assert_allclose(moved[:, k].std(), there[:, k].std(), rtol=0.05)
        assert spearmanr(moved[:, k], ours.values[:, k]).statistic > 0.95, name
        assert there[:, k].min() <= moved[:, k].min() < moved[:, k].max() <= there[:, k].max()
    difference = np.abs(spearmanr(moved).statistic - spearmanr(there).statistic).max()
    assert difference < 0.06
    assert np.abs(spearmanr(ours.values).statistic - spearmanr(there).statistic).max() > 2 * difference
    np.testing.assert_allclose(carried_over(there, there), there, rtol=1e-9)


def test_structures_that_cannot_vary_are_left_out_or_refused(towns: World) -> None:
    switches, notes = build_switches(towns, "towns", FROM_PRIORS, {"walk_sd": 0.05}, ())
    assert {one.structure.name for one in switches} == {"regime", "hinterland", "rouble", "counts"}
    assert "structure 'migration' is left out: its answers are posteriors" in notes[0]
    assert "structure 'walk' is left out: walk_sd is fixed by --set" in notes[1]
    with pytest.raises(BadInput, match="--structure walk: walk_sd is fixed"):
        build_switches(towns, "towns", FROM_PRIORS, {"walk_sd": 0.05}, ("walk",))
    with pytest.raises(BadInput, match="no such structure; nearest valid name: 'regime'"):
        build_switches(towns, "towns", FROM_PRIORS, {}, ("regimes",))
    assert build_switches(towns, "towns", FROM_PRIORS, {}, ("none",)) == ((), ())


# --- what they move ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> TownModel:
    """The towns to 2034 with all levers and structures as factors; realisation and a compared policy's amount too."""
    from model.world import load_world

    towns = load_world("towns")
    source = parameter_source(towns, "towns", None)
    pool = build_pool(towns, HORIZON, (), (), ("settlers",))
    texts = ("settlers=0.5:1.5", "subzone_tayynsha.realisation=0.3:1")
    ranges = read_lever_ranges(texts, pool.policies, pool.known[1:])
    switches, _ = build_switches(towns, "towns", source, {}, ())
    space = FactorSpace(
        towns, HORIZON, 2, source, {}, pool.policies, pool.futures, 1, None, pool.known, ranges, switches
    )
    outputs = [
        f"population:all:{HORIZON}", "effect:settlers:population:all:2034", "zone_jobs:all:2030", "wage:mamlyutka:2033",
        "wear:bulaevo:2033", "services:bulaevo:2033", "rent:sergeevka:2033", "commuters:all:2033",
    ]  # fmt: skip
    return TownModel(space, read_outputs(outputs, towns, HORIZON, ("baseline", "settlers")))


def test_every_lever_and_structure_moves_something_and_the_dummy_nothing(model: TownModel) -> None:
    space = model.space
    row = np.full(len(space.factors), 0.4)
    # What has an amount or a figure is in force, so that these have something to act on
    row[space.column["policy subzone_tayynsha"]] = 0.6
    row[space.column["policy no_zone|zone_as_declared|zone_null"]] = (
        0.05  # none: the pipeline comes by its hazard
    )
    declared = row.copy()
    declared[space.column["policy no_zone|zone_as_declared|zone_null"]] = 0.6
    plain, plain_declared = model(row), model(declared)
    assert plain.failure == ""
    moved = {}
    for factor in space.factors:
        if factor.block not in ("policy", "structure", DUMMY):
            continue
        of_the_zone = factor.name.startswith("amount of no_zone")
        changed, reference = (declared.copy(), plain_declared) if of_the_zone else (row.copy(), plain)
        changed[space.column[factor.name]] = 0.95 if changed[space.column[factor.name]] < 0.5 else 0.05
        found = model(changed)
        moved[factor.name] = not np.array_equal(found.series, reference.series, equal_nan=True)
    assert moved.pop(DUMMY) is False
    # No town falls below a norm by 2034, so that there is nothing to keep open: the lever is pulled, nobody notices
    assert moved.pop("policy services_kept") is False
    assert space.levers((InForce("services_kept"),), "reference").services_kept.any()
    assert [name for name, moves in moved.items() if not moves] == []
    assert len(moved) == 6 + 14 + 1  # structures; amounts and alternatives of policies; one figure
    assert "amount of settlers" in moved


def test_a_space_travels_as_what_it_was_made_of(model: TownModel) -> None:
    there = pickle.loads(pickle.dumps(model.space))  # what a cluster's transport does
    assert there.names == model.space.names
    assert not there.world.road_km.flags.writeable  # as it was loaded: the same compiled kernels
    assert there.description() == model.space.description()
    row = np.random.default_rng(4).random(len(there.factors))
    again = TownModel(there, model.outputs)(row)
    np.testing.assert_array_equal(again.values, model(row).values)


def test_a_task_travels_from_worker_to_worker_and_refuses_other_code(model: TownModel) -> None:
    design = SensitivityDesign(Sampling("morris", model.space.factors, 1), {"world": "towns"})
    task = Task(design, model, 4)
    packed = pickle.dumps(task)
    there = pickle.loads(packed)
    assert there.design.identity == design.identity
    assert there.blocks == 4
    other = dict(design.code) | {"model/wages.py": "other"}
    with pytest.raises(RunFailure, match=r"another version of the project.*wages.py"):
        pickle.loads(pickle.dumps(Task(replace(design, code=other), model, 4)))


def test_scaled_policies_together_are_their_composition(towns: World) -> None:
    pool = build_pool(towns, 2045, (), (), ())
    space = FactorSpace(towns, 2045, 1, FROM_PRIORS, {}, pool.policies, pool.futures, known=pool.known)
    both = space.levers((InForce("housing", 0.5), InForce("settlers", 1.3)), "stagnation")
    policy = compose(
        [
            load_policy("baseline"),
            at_amount(load_policy("housing"), 0.5),
            at_amount(load_policy("settlers"), 1.3),
        ],
        "x",
    )
    plain = levers_of(policy, load_future("stagnation"), towns, 2045)
    np.testing.assert_array_equal(both.dwellings, plain.dwellings)
    np.testing.assert_array_equal(both.settlers, plain.settlers)
    np.testing.assert_array_equal(both.home_wage, plain.home_wage)
