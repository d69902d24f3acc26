"""Every declared parameter and every lever moves some output; bad values are refused."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from model import draws
from model.declarations import DECLARATIONS
from model.engine import simulate
from model.founding import Founding, build_founding
from model.levers import Levers, neutral_levers
from model.parameters import Parameter, ParameterError, ParameterSpace, ParameterValues
from model.record import Record
from model.world import World
from model.zones import Project

HORIZON = 2028
SEED = draws.run_seed(61, 0, 0)
CORBY = 2  # the town of the small world; its 1,500 people are a norm of health, and soon they are fewer

Change = Callable[[World, Levers], None]


def _budget(world: World, levers: Levers) -> None:
    levers.extra_budget[:] = 30.0


def _settlers(world: World, levers: Levers) -> None:
    levers.settlers[2:, CORBY] = 4.0


def _settlers_after_loss(world: World, levers: Levers) -> None:
    levers.settlers[7, CORBY] = 250.0


def _pipeline(world: World, levers: Levers) -> None:
    levers.projects = tuple(Project("own", f"{k}", CORBY, 2016, 2040) for k in range(6))


def _boom(world: World, levers: Levers) -> None:
    levers.projects = (
        Project("own", "works", CORBY, 2016, 2016, 2000.0, but_for=1.0, displacement=0.0, launch_factor=1e9),
    )


# What it takes for a parameter to matter: a lever that activates it, and settings of other parameters.
# All others act in the baseline of the small world.
ACTIVATION: dict[str, tuple[Change | None, dict[str, float]]] = {
    "budget_services": (_budget, {}),
    "growth_centres": (None, {"leaving": 0.1, "rho_e": 1.0}),  # wages elsewhere are observed until 2023
    "settlers_working": (_settlers, {}),
    "settlers_returning": (_settlers, {}),
    "restoration": (_settlers_after_loss, {"leaving": 0.06, "in_out.corby": 0.0}),
    "launch_hazard": (_pipeline, {}),
    "exit_rate": (_pipeline, {"launch_hazard": 1.0}),
    "jobs_per_project": (_pipeline, {"launch_hazard": 1.0}),
    "project_spread": (_pipeline, {"launch_hazard": 1.0}),
    "but_for": (_pipeline, {"launch_hazard": 1.0}),
    "displacement": (_pipeline, {"launch_hazard": 1.0}),
    # Seekers are many: the share that meets an open job binds only where jobs abound.
    "matching": (_boom, {}),
    # Schools close by pupils: everybody leaves.
    "school_weight": (None, {"leaving": 0.15, "in_out.bexley": 0.0}),
    # Binds where the other simulated places alone would bring more than this share of all arrivals.
    "inside_share": (None, {"in_out.aulton": 0.3}),
    # A household's income and destinations matter for who moves, and few move in a place of 700.
    "phi_u": (None, {"leaving": 0.1}),
    "income_floor": (None, {"leaving": 0.1}),
    "kin_scale": (None, {"leaving": 0.1}),
    "skilled_parent_odds": (None, {"leaving": 0.1}),
}
# Parameters that the founding population is built with (by whoever starts a run, `experiments/design.py`).
FOUNDING = ("household_size",)
# In the towns: the small world counts Russia's share of those who leave all simulated places, knows no net
# migration of 2009-2014, and has too few births, deaths and moves to show a change of one or two per cent.
IN_TOWNS = (
    "russia_share", "regime_weight", "mortality_2020", "male_births", "exchange_sd", "unemployment_drift",
    "growth_centres",
)  # fmt: skip


def outcome(world: World, founding: Founding, values: ParameterValues, change: Change | None) -> Record:
    levers = neutral_levers(world, HORIZON)
    if change is not None:
        change(world, levers)
    return simulate(world, founding, values, SEED, levers, HORIZON)


def differ(one: Record, two: Record) -> bool:
    same = np.array_equal(one.values, two.values, equal_nan=True) and np.array_equal(one.flows, two.flows)
    return not (same and np.array_equal(one.arrivals_from, two.arrivals_from))


def extremes(parameter: Parameter) -> list[float]:
    """A low and a high value of the prior; of a rule without prior, its neighbours."""
    declaration = parameter.declaration
    if parameter.prior is None:
        low, high = parameter.default - 1.0, parameter.default * 2.0
    else:
        low, high = parameter.prior.quantile(0.02), parameter.prior.quantile(0.98)
    return [min(declaration.high, max(declaration.low, value)) for value in (low, high)]


@pytest.mark.parametrize("name", [declaration.name for declaration in DECLARATIONS])
def test_every_declared_parameter_moves_some_output(
    name: str, small_world: World, small_founding: Founding, small_space: ParameterSpace,
    towns: World, towns_founding: Founding, towns_space: ParameterSpace,
) -> None:  # fmt: skip
    in_towns = name in IN_TOWNS
    world, founding, space = (
        (towns, towns_founding, towns_space) if in_towns else (small_world, small_founding, small_space)
    )
    change, fixed = ACTIVATION.get(name, (None, {}))
    values = space.defaults().with_values(fixed)
    base = outcome(world, founding, values, change)
    places = [parameter for parameter in space.parameters if parameter.declaration.name == name]
    assert places, f"no parameter {name} in this world"
    for parameter in places:
        moved = []
        for value in extremes(parameter):
            if value == values[parameter.name]:
                continue
            founders = build_founding(world, household_size=value) if name in FOUNDING else founding
            other = outcome(world, founders, values.with_values({parameter.name: value}), change)
            moved.append(differ(base, other))
        assert any(moved), f"{parameter.name} is declared without effect"


@pytest.mark.parametrize("name", [d.name for d in DECLARATIONS if d.per])
def test_a_parameter_of_a_place_acts_there_first(
    name: str, towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """One year in the towns: what belongs to one town leaves the people of the others as they were."""
    place = {"hinterland_decline": "mamlyut_rural"}.get(name, "mamlyutka")
    parameter = towns_space.by_name[f"{name}.{place}"]
    values = towns_space.defaults().with_values({"bound_until": 0.0})  # a count that is met hides who arrives
    high = values.with_values({parameter.name: extremes(parameter)[1]})
    years = 13 if name == "hinterland_decline" else 1
    one = simulate(towns, towns_founding, values, SEED, horizon=2015 + years)
    two = simulate(towns, towns_founding, high, SEED, horizon=2015 + years)
    assert differ(one, two)
    sergeevka = towns.index("sergeevka")
    births_deaths = [
        (record.column("births")[0, sergeevka], record.column("deaths")[0, sergeevka])
        for record in (one, two)
    ]
    assert births_deaths[0] == pytest.approx(births_deaths[1], abs=3)


# ---- levers ----


def _projects(world: World, levers: Levers) -> None:
    levers.projects = (Project("own", "plant", 0, 2016, 2016, 200.0, launch_factor=1e9),)


def _no_zone(world: World, levers: Levers) -> None:
    levers.qyzyljar = False


def _all(name: str, value: float, first: int = 0) -> Change:
    def change(world: World, levers: Levers) -> None:
        getattr(levers, name)[first:] = value

    return change


LEVERS: dict[str, tuple[Change, Change | None]] = {
    # name: (the lever pulled, what it needs to act)
    "reach": (_all("reach", 40.0), None),
    "fare": (_all("fare", 0.0), None),
    "wage_supplement": (_all("wage_supplement", 0.3), None),
    "renewal": (_all("renewal", 50.0), None),
    "extra_budget": (_all("extra_budget", 30.0), None),
    "services_kept": (_all("services_kept", True), None),
    "rent_factor": (_all("rent_factor", 0.6), None),
    "dwellings": (_all("dwellings", 200.0), None),
    "reused": (_all("reused", 40.0), None),
    "study_logit": (_all("study_logit", -0.5), None),
    "return_gain": (_all("return_gain", 0.3), None),
    "settlers": (_all("settlers", 3.0), None),
    "launch_factor": (_all("launch_factor", 5.0), _pipeline),
    "projects": (_projects, None),
    "qyzyljar": (_no_zone, None),
    "russia_odds": (_all("russia_odds", 2.0), None),
    "border_distance": (_all("border_distance", 2.0), None),
    # A level that holds from 2015 on is what alpha_RU and lambda are tied to: only a change acts.
    "russian_wage": (_all("russian_wage", 1.3, first=3), None),
    "rouble": (_all("rouble", 0.7, first=3), None),
    "centre_wage": (_all("centre_wage", 1.2, first=3), None),
    "place_wage": (_all("place_wage", 1.2, first=3), None),
    "home_wage": (_all("home_wage", 0.8, first=3), None),
    "drought": (_all("drought", -0.3), None),
    "industry": (_all("industry", -0.3), None),
    "shedding": (_all("shedding", 0.05), None),
    "hinterland": (_all("hinterland", 0.04), None),
}


def test_every_lever_is_in_the_table() -> None:
    assert {field.name for field in dataclasses.fields(Levers)} == set(LEVERS)


@pytest.mark.parametrize("name", LEVERS)
def test_every_lever_moves_some_output(
    name: str, small_world: World, small_founding: Founding, small_space: ParameterSpace
) -> None:
    pull, needs = LEVERS[name]

    def both(world: World, levers: Levers) -> None:
        if needs is not None:
            needs(world, levers)
        pull(world, levers)

    values = small_space.defaults().with_values({"leaving": 0.06, "but_for": 0.9, "displacement": 0.0})
    base = outcome(small_world, small_founding, values, needs)
    assert differ(base, outcome(small_world, small_founding, values, both)), f"the lever {name} has no effect"


SIGNS: dict[str, tuple[str, int]] = {
    # lever: (a column of the towns' sum over the years, the sign of the effect)
    "renewal": ("wear", -1),
    "wage_supplement": ("wage", 1),
    "reach": ("commuters", 1),
    "extra_budget": ("services", 1),
    "rent_factor": ("rent", -1),
    "study_logit": ("youth_net", 1),
    "settlers": ("in_migration", 1),
    "shedding": ("jobs_agriculture", -1),
    "russia_odds": ("out_russia", 1),
    "border_distance": ("out_russia", -1),
    "drought": ("output_agriculture", -1),
    "industry": ("output_industry", -1),
    "projects": ("zone_jobs", 1),
    "hinterland": ("in_migration", -1),
    "home_wage": ("perceived_income", -1),
    "russian_wage": ("out_russia", 1),
    "rouble": ("out_russia", -1),
}


@pytest.mark.parametrize("name", SIGNS)
def test_levers_act_in_their_direction(
    name: str, towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    column, sign = SIGNS[name]
    levers = neutral_levers(towns, HORIZON)
    LEVERS[name][0](towns, levers)
    values = towns_space.defaults()
    base = simulate(towns, towns_founding, values, SEED, neutral_levers(towns, HORIZON), HORIZON)
    pulled = simulate(towns, towns_founding, values, SEED, levers, HORIZON)
    assert sign * np.nansum(pulled.column(column) - base.column(column)) > 0


# ---- values ----


def test_values_out_of_range_are_refused(small_space: ParameterSpace) -> None:
    values = small_space.defaults()
    for parameter in small_space.parameters:
        declaration = parameter.declaration
        assert declaration.low <= parameter.default <= declaration.high, parameter.name
        unit = declaration.unit.split("(")[0].split("/")[0]
        for value in (declaration.low - 1e-6, declaration.high + 1e-6, math.nan, math.inf):
            with pytest.raises(
                ParameterError,
                match=rf"{parameter.name} = .* is outside its range .*{unit}",
            ):
                values.with_values({parameter.name: value})
        for value in (declaration.low, declaration.high):
            assert values.with_values({parameter.name: value})[parameter.name] == value


def test_misspelt_names_are_refused_with_the_nearest(small_space: ParameterSpace) -> None:
    with pytest.raises(ParameterError, match=r"unknown parameter 'beta_z'; did you mean 'beta_.'"):
        small_space.parse(["beta_z=1"])
    with pytest.raises(
        ParameterError, match=r"unknown parameter 'omega\.corbie'; did you mean 'omega\.corby'"
    ):
        small_space.parse(["omega.corbie=1"])
    with pytest.raises(ParameterError, match="unknown parameter"):
        small_space.defaults().with_values({"no such thing": 1.0})


def test_all_faults_of_a_command_line_are_listed_at_once(small_space: ParameterSpace) -> None:
    with pytest.raises(ParameterError) as caught:
        small_space.parse(["tau", "beta_y=much", "leaving=7", "lambda=1", "tau=0.5"])
    message = str(caught.value)
    assert len(message.splitlines()) == 4
    for part in (
        "expected name=value",
        "'much' is not a number",
        "leaving = 7 is outside",
        "unknown parameter 'lambda'",
    ):
        assert part in message


def test_a_name_without_place_stands_for_all_places(small_space: ParameterSpace) -> None:
    chosen = small_space.parse(["omega=0.9", "fertility.corby=0.1"])
    assert chosen == {
        "omega.aulton": 0.9,
        "omega.bexley": 0.9,
        "omega.corby": 0.9,
        "omega.petropavlovsk": 0.9,
        "fertility.corby": 0.1,
    }


def test_draws_stay_in_range_and_follow_their_priors(small_space: ParameterSpace) -> None:
    drawn = [small_space.draw(1, number) for number in range(400)]
    for parameter in small_space.parameters:
        values = np.array([one[parameter.name] for one in drawn])
        assert (values >= parameter.declaration.low).all()
        assert (values <= parameter.declaration.high).all()
        if parameter.prior is None:
            assert (values == parameter.default).all()
            continue
        below = (values <= parameter.prior.quantile(0.5)).mean()
        assert abs(below - 0.5) < 4.5 * math.sqrt(0.25 / 400) or parameter.name in ("beta_Q", "ppp"), (
            parameter.name
        )
    assert np.mean([one["beta_Q"] == 0.0 for one in drawn]) == pytest.approx(0.2, abs=0.08)


def test_a_fixed_parameter_leaves_the_draws_of_all_others(small_space: ParameterSpace) -> None:
    free, fixed = small_space.draw(1, 5), small_space.draw(1, 5, {"tau": 0.44})
    assert fixed["tau"] == 0.44
    assert {name: value for name, value in free.as_rows() if name != "tau"} == {
        name: value for name, value in fixed.as_rows() if name != "tau"
    }


def test_declarations_are_complete() -> None:
    names = [declaration.name for declaration in DECLARATIONS]
    assert len(set(names)) == len(names)
    for declaration in DECLARATIONS:
        assert declaration.symbol
        assert declaration.meaning
        assert declaration.unit
        assert declaration.source
        assert declaration.kind in {"estimated", "literature", "assumed", "data", "rule", "structural"}
        assert declaration.low < declaration.high
    settings = set(ACTIVATION) | set(FOUNDING) | set(IN_TOWNS)
    assert settings <= set(names), "the table of this test names parameters that are gone"
