"""Every lever enters its array in its years and places, and only there; what does not fit a world is refused."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.levers import Levers, neutral_levers
from model.world import World
from scenarios.composition import compose
from scenarios.future_levers import FutureLevers
from scenarios.library import names
from scenarios.networks import network_lengths, network_prices
from scenarios.policy_levers import PolicyLevers
from scenarios.problems import ScenarioError
from scenarios.reading import load_future, load_policy
from scenarios.translation import check_against, levers_of
from tests.scenario_files import write_future, write_policy

HORIZON = 2032
WINDOW = slice(2027 - 2015, 2030 - 2015)  # from 2027 to 2029
DATES = "from = 2027\nto = 2029\n"
IN_MAMLYUTKA = f'places = ["mamlyutka"]\n{DATES}'


def changed(levers: Levers, world: World) -> dict[str, NDArray[np.float64]]:
    """Difference to neutral of every array that differs."""
    neutral = neutral_levers(world, HORIZON)
    found = {}
    for field in dataclasses.fields(Levers):
        one, two = getattr(levers, field.name), getattr(neutral, field.name)
        if isinstance(one, np.ndarray) and not np.array_equal(one, two):
            found[field.name] = one.astype(np.float64) - two.astype(np.float64)
    return found


def of_policy(tmp_path: Path, text: str, world: World, horizon: int = HORIZON) -> Levers:
    return levers_of(load_policy(write_policy(tmp_path, text)), load_future("reference"), world, horizon)


def of_future(tmp_path: Path, text: str, world: World, horizon: int = HORIZON) -> Levers:
    return levers_of(load_policy("baseline"), load_future(write_future(tmp_path, text)), world, horizon)


@pytest.mark.parametrize(
    ("text", "array", "value"),
    [
        (f"[commuter_link.bus]\n{IN_MAMLYUTKA}reach_km = 20\n", "reach", 20.0),
        (f"[commuter_link.bus]\n{IN_MAMLYUTKA}reach_km = 0\nfare_discount = 0.25\n", "fare", -0.25),
        (f"[public_wages.more]\n{IN_MAMLYUTKA}supplement = 0.25\n", "wage_supplement", 0.25),
        (f"[local_budget.more]\n{IN_MAMLYUTKA}thousand_kzt_a_head = 60\n", "extra_budget", 60.0),
        (f"[housing.help]\n{IN_MAMLYUTKA}rent_discount = 0.3\n", "rent_factor", -0.3),
        (f"[youth_retention.home]\n{IN_MAMLYUTKA}study_odds = 0.8\n", "study_logit", math.log(0.8)),
        (f"[youth_retention.home]\n{IN_MAMLYUTKA}return_gain = 0.1\n", "return_gain", 0.1),
        (f"[settlers.families]\n{IN_MAMLYUTKA}families_a_year = 7\n", "settlers", 7.0),
    ],
)
def test_a_lever_of_a_place_acts_there_and_then(
    tmp_path: Path, towns: World, text: str, array: str, value: float
) -> None:
    arrays = changed(of_policy(tmp_path, text, towns), towns)
    assert set(arrays) == {array}
    expected = np.zeros((HORIZON - 2015, towns.n_sim))
    expected[WINDOW, towns.index("mamlyutka")] = value
    assert arrays[array] == pytest.approx(expected)


def test_services_are_kept_by_facility(tmp_path: Path, towns: World) -> None:
    text = f"[services_kept.schools]\n{IN_MAMLYUTKA}facilities = ['school']\n"
    arrays = changed(of_policy(tmp_path, text, towns), towns)
    assert set(arrays) == {"services_kept"}
    expected = np.zeros((HORIZON - 2015, towns.n_sim, 2))
    expected[WINDOW, towns.index("mamlyutka"), 1] = 1.0
    assert np.array_equal(arrays["services_kept"], expected)


def test_flats_add_up_and_stay(tmp_path: Path, towns: World) -> None:
    text = f"[housing.flats]\n{IN_MAMLYUTKA}flats_built_a_year = 10\nflats_reused_a_year = 5\n"
    levers = of_policy(tmp_path, text, towns)
    place = towns.index("mamlyutka")
    assert levers.dwellings[10:, place].tolist() == [0, 0, 10, 20, 30, 30, 30]
    assert levers.reused[10:, place].tolist() == [0, 0, 5, 10, 15, 15, 15]
    assert not np.delete(levers.dwellings, place, axis=1).any()


@pytest.mark.parametrize(
    ("size", "money"),
    [
        ('network = "water"\nkm_a_year = 2', lambda cost, km: [0, 2 * cost[1], 0, 0]),
        ('network = "sewer"\nshare_a_year = 0.05', lambda cost, km: [0, 0, 0.05 * cost[2] * km[2], 0]),
        ('network = "heat"\nmillion_kzt_a_year = 300', lambda cost, km: [300, 0, 0, 0]),
        ('network = "all"\nmillion_kzt_a_year = 300', lambda cost, km: 300 * cost * km / (cost @ km)),
        ('network = "all"\nshare_a_year = 0.1', lambda cost, km: 0.1 * cost * km),
    ],
)
def test_renewal_by_length_money_or_share(tmp_path: Path, towns: World, size: str, money: object) -> None:
    arrays = changed(of_policy(tmp_path, f"[renewal.net]\n{IN_MAMLYUTKA}{size}\n", towns), towns)
    place = towns.index("mamlyutka")
    lengths = network_lengths(place, towns)
    assert lengths[0] == pytest.approx(11 * towns.founding_population[place] / 7000)
    assert callable(money)
    expected = np.zeros((HORIZON - 2015, towns.n_sim, 4))
    expected[WINDOW, place] = money(network_prices(), lengths)
    assert arrays["renewal"] == pytest.approx(expected)


def test_what_adds_up_adds_up_and_groups_stand_for_their_members(tmp_path: Path, region: World) -> None:
    text = "".join(
        f"[settlers.{name}]\nplaces = {places}\nfrom = 2027\nfamilies_a_year = {families}\n"
        for name, places, families in (
            ("one", '["@towns"]', 2),
            ("two", '["@all"]', 3),
            ("three", '["bulaevo", "@rural_districts"]', 5),
            ("four", '["@centres"]', 7),
        )
    )
    families = of_policy(tmp_path, text, region).settlers[-1]
    by_kind = {"town": 5, "rural_district": 8, "regional_centre": 10}
    expected = [by_kind[region.kind[place]] for place in range(region.n_sim)]
    expected[region.index("bulaevo")] += 5
    assert families.tolist() == expected


def test_a_tax_holiday_reaches_places_outside(tmp_path: Path, towns: World) -> None:
    text = f'[tax_holiday.zone]\nplaces = ["petropavlovsk"]\n{DATES}launch_factor = 2.5\n'
    arrays = changed(of_policy(tmp_path, text, towns), towns)
    assert set(arrays) == {"launch_factor"}
    expected = np.zeros((HORIZON - 2015, towns.n_all))
    expected[WINDOW, towns.index("petropavlovsk")] = 1.5
    assert arrays["launch_factor"] == pytest.approx(expected)


def test_border_and_trade_of_a_policy(tmp_path: Path, towns: World) -> None:
    text = f"[border.crossing]\n{DATES}distance_factor = 0.9\nodds_factor = 1.2\n"
    text += f"[trade.open]\n{DATES}output_gain = 0.05\n"
    arrays = changed(of_policy(tmp_path, text, towns), towns)
    for name, value in (("border_distance", -0.1), ("russia_odds", 0.2), ("industry", 0.3 * 0.05)):
        expected = np.zeros(HORIZON - 2015)
        expected[WINDOW] = value
        assert arrays.pop(name) == pytest.approx(expected)
    assert not arrays
    level = 0.0
    for _ in range(60):
        level = 0.7 * level + 0.3 * 0.05
    assert level == pytest.approx(0.05), "equation (1) adds the yearly innovations up to the gain"


@pytest.mark.parametrize(
    ("text", "array", "path"),
    [
        ("[russian_wages.up]\nlevel_factor = 1.2\n", "russian_wage", [1, 1.2, 1.2, 1.2, 1]),
        ("[rouble.up]\nlevel_factor = 1.2\n", "rouble", [1, 1.2, 1.2, 1.2, 1]),
        ("[border_openness.up]\nodds_factor = 0.5\n", "russia_odds", [1, 0.5, 0.5, 0.5, 1]),
        ("[border_openness.up]\ndistance_factor = 1.1\n", "border_distance", [1, 1.1, 1.1, 1.1, 1]),
        ("[compatriots.up]\nodds_factor = 2.0\n", "russia_odds", [1, 2, 2, 2, 1]),
        ("[centres.up]\nlevel_factor = 1.1\n", "centre_wage", [1, 1.1, 1.1, 1.1, 1]),
        ("[shedding.up]\nextra_loss = 0.02\n", "shedding", [0, 0.02, 0.02, 0.02, 0]),
        ("[hinterland.up]\nextra_decline = 0.01\n", "hinterland", [0, 0.01, 0.01, 0.01, 0]),
        ("[industrial_output.up]\noutput_gain = -0.1\n", "industry", [0, -0.03, -0.03, -0.03, 0]),
    ],
)
def test_a_future_acts_in_its_years(
    tmp_path: Path, towns: World, text: str, array: str, path: list[float]
) -> None:
    head, rest = text.split("\n", 1)
    levers = of_future(tmp_path, f"{head}\n{DATES}{rest}", towns)
    assert set(changed(levers, towns)) == {array}
    assert getattr(levers, array)[11:16] == pytest.approx(path)
    assert np.array_equal(getattr(levers, array)[:12], getattr(neutral_levers(towns, HORIZON), array)[:12])


def test_what_growth_has_added_stays(tmp_path: Path, towns: World) -> None:
    levers = of_future(tmp_path, f"[national_growth.slow]\n{DATES}growth = -0.02\n", towns)
    expected = [1.0, *(math.exp(-0.02 * k) for k in (1, 2, 3, 3, 3))]
    assert levers.home_wage[11:] == pytest.approx(expected)
    assert levers.centre_wage[11:] == pytest.approx(expected)


def test_a_boom_of_one_centre_leaves_the_others(tmp_path: Path, towns: World) -> None:
    levers = of_future(tmp_path, f'[centres.boom]\n{DATES}places = ["astana"]\ngrowth = 0.02\n', towns)
    assert set(changed(levers, towns)) == {"place_wage"}
    assert levers.place_wage[-1, towns.index("astana")] == pytest.approx(math.exp(0.06))
    assert (np.delete(levers.place_wage, towns.index("astana"), axis=1) == 1.0).all()


def test_droughts_come_in_their_years(tmp_path: Path, towns: World) -> None:
    text = "[drought.d]\nyears = [2028, 2030, 2040]\noutput_loss = 0.25\n"
    drought = of_future(tmp_path, text, towns).drought
    assert np.flatnonzero(drought).tolist() == [13, 15]
    assert drought[13] == pytest.approx(math.log(0.75))


def test_a_policy_and_a_future_act_together(tmp_path: Path, towns: World) -> None:
    policy = load_policy(write_policy(tmp_path, f"[border.b]\n{DATES}odds_factor = 1.5\n", "p"))
    future = load_future(write_future(tmp_path, f"[compatriots.c]\n{DATES}odds_factor = 1.2\n", "f"))
    assert levers_of(policy, future, towns, HORIZON).russia_odds[12] == pytest.approx(1.8)


# ---- zones ----


def test_an_empty_policy_is_neutral(tmp_path: Path, towns: World, region: World) -> None:
    for world in (towns, region):
        levers = of_policy(tmp_path, "", world)
        assert not changed(levers, world)
        assert levers.qyzyljar
        assert levers.projects == ()


def test_own_projects_stand_beside_the_zone(tmp_path: Path, towns: World) -> None:
    text = """
[zone_project.plant]
place = "mamlyutka"
year = 2028
full_year = 2030
declared_jobs = 100
realisation = 0.6
but_for = 0.5
[zone_project.hope]
place = "petropavlovsk"
year = 2027
declared_jobs = 50
launch = "hazard"
last_year = 2031
"""
    levers = of_policy(tmp_path, text, towns)
    hope, plant = levers.projects
    assert levers.qyzyljar
    assert (plant.place, plant.declared_jobs, plant.but_for) == (towns.index("mamlyutka"), 60.0, 0.5)
    assert (plant.recorded, plant.first_year, plant.full_year) == (True, 2027, 2030)
    assert math.isnan(plant.displacement)
    assert (hope.recorded, hope.first_year, hope.last_year) == (False, 2027, 2031)
    assert math.isnan(hope.but_for)


def test_the_zone_as_declared_has_four_thousand_jobs_in_2030(towns: World, region: World) -> None:
    for world in (towns, region):
        levers = levers_of(load_policy("zone_as_declared"), load_future("reference"), world, 2045)
        assert not levers.qyzyljar
        assert len(levers.projects) == 21
        assert sum(project.declared_jobs for project in levers.projects) == pytest.approx(4000)
        assert {project.kept_until for project in levers.projects} == {2044}
        assert {world.ids[project.place] for project in levers.projects} == {"petropavlovsk"}


def test_no_zone_has_no_project_and_the_null_zone_no_additional_one(towns: World) -> None:
    none = levers_of(load_policy("no_zone"), load_future("reference"), towns, 2045)
    assert (none.qyzyljar, none.projects) == (False, ())
    null = levers_of(load_policy("zone_null"), load_future("reference"), towns, 2045)
    assert not null.qyzyljar
    assert len(null.projects) == 21
    assert {project.but_for for project in null.projects} == {0.0}


# ---- what does not fit ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f'[settlers.s]\nplaces = ["mamlutka"]\n{DATES}families_a_year = 1\n',
            "world 'towns' has no place 'mamlutka'; nearest valid name: 'mamlyutka'",
        ),
        (
            f'[settlers.s]\nplaces = ["petropavlovsk"]\n{DATES}families_a_year = 1\n',
            "'petropavlovsk' is only seen from outside",
        ),
        (
            f'[settlers.s]\nplaces = ["@centres"]\n{DATES}families_a_year = 1\n',
            "no place of the group @centres",
        ),
        (
            '[settlers.s]\nplaces = ["@all"]\nfrom = 2032\nfamilies_a_year = 1\n',
            "settlers.s.from: year 2032 lies outside the run, which goes from 2015 to 2031",
        ),
        (
            '[settlers.s]\nplaces = ["@all"]\nfrom = 2027\nto = 2046\nfamilies_a_year = 1\n',
            "settlers.s.to: year 2046 lies outside the horizon 2032",
        ),
        (
            '[zone_project.p]\nplace = "mamlyutka"\nyear = 2040\ndeclared_jobs = 10\n',
            "zone_project.p.year: year 2040 lies outside",
        ),
        (
            '[zone_project.p]\nplace = "omsk"\nyear = 2027\ndeclared_jobs = 10\n',
            "'omsk' has no labour market in world 'towns'",
        ),
        (
            '[zone_project.p]\nplace = "mamlyut_rural"\nyear = 2027\ndeclared_jobs = 10\n',
            "'mamlyut_rural' has no labour market",
        ),
        (
            '[qyzyljar]\nstatus = "as_declared"\ndeclared_by = 2035\n',
            "qyzyljar.declared_by: 2035 lies outside 2026 to 2031",
        ),
        (
            f'[commuter_link.a]\nplaces = ["mamlyutka"]\n{DATES}reach_km = 10\n'
            f'[commuter_link.b]\nplaces = ["@towns"]\n{DATES}reach_km = 20\n',
            "contradictory levers: [commuter_link.a]",
        ),
    ],
)
def test_what_does_not_fit_a_world_is_refused(tmp_path: Path, towns: World, text: str, expected: str) -> None:
    policy = load_policy(write_policy(tmp_path, text))
    with pytest.raises(ScenarioError) as caught:
        check_against(policy, load_future("reference"), towns, HORIZON)
    assert expected in str(caught.value)
    assert str(caught.value).count("\n") == 1, "one problem"


def test_all_that_does_not_fit_comes_at_once(tmp_path: Path, towns: World) -> None:
    policy = load_policy(
        write_policy(
            tmp_path,
            f'[settlers.s]\nplaces = ["atlantis", "omsk"]\n{DATES}families_a_year = 1\n'
            '[zone_project.p]\nplace = "mamlyutka"\nyear = 2050\ndeclared_jobs = 10\n',
        )
    )
    future = load_future(write_future(tmp_path, "[drought.d]\nyears = [2050]\noutput_loss = 0.1\n", "dry"))
    with pytest.raises(ScenarioError) as caught:
        check_against(policy, future, towns, HORIZON)
    message = str(caught.value)
    assert "4 problems" in message
    for text in (
        "'atlantis'",
        "'omsk' is only seen",
        "year 2050 lies outside the run",
        "dry.toml: drought.d.years",
    ):
        assert text in message


def test_a_lever_may_end_after_a_near_horizon(towns: World) -> None:
    levers = levers_of(load_policy("networks_renewal"), load_future("reference"), towns, 2030)
    assert levers.renewal[-1].any()


@pytest.mark.parametrize("name", names("policy"))
@pytest.mark.parametrize("world", ["towns", "region"])
def test_every_policy_of_the_library_moves_its_arrays_in_both_worlds(
    name: str, world: str, request: pytest.FixtureRequest
) -> None:
    held: World = request.getfixturevalue(world)
    levers = levers_of(load_policy(name), load_future("reference"), held, 2045)
    moved = bool(_moved(levers, held)) or not levers.qyzyljar or bool(levers.projects)
    assert moved == (name != "baseline")


@pytest.mark.parametrize("name", names("future"))
def test_every_future_of_the_library_moves_its_arrays(name: str, towns: World) -> None:
    levers = levers_of(load_policy("baseline"), load_future(name), towns, 2045)
    assert bool(_moved(levers, towns)) == (name != "reference")


def _moved(levers: Levers, world: World) -> list[str]:
    neutral = neutral_levers(world, 2045)
    return [
        field.name
        for field in dataclasses.fields(Levers)
        if isinstance(getattr(levers, field.name), np.ndarray)
        and not np.array_equal(getattr(levers, field.name), getattr(neutral, field.name))
    ]


def test_every_array_of_the_model_can_be_set_by_some_lever(tmp_path: Path, towns: World) -> None:
    """No lever of the model is out of a ministry's reach, and every kind of lever in a file is read."""
    policies = " ".join(f"[{kind}." for kind in PolicyLevers.model_fields if kind != "qyzyljar")
    futures = " ".join(f"[{kind}." for kind in FutureLevers.model_fields)
    here = Path(__file__).read_text(encoding="utf-8")
    untested = [
        kind for kind in (policies + " " + futures).split() if kind not in here and kind != "[rating_input."
    ]
    assert not untested
    reachable = {
        "reach", "fare", "wage_supplement", "renewal", "extra_budget", "services_kept", "rent_factor", "dwellings",
        "reused", "study_logit", "return_gain", "settlers", "launch_factor", "russia_odds", "border_distance",
        "russian_wage", "rouble", "centre_wage", "place_wage", "home_wage", "drought", "industry", "shedding",
        "hinterland", "projects", "qyzyljar",
    }  # fmt: skip
    assert {field.name for field in dataclasses.fields(Levers)} == reachable


# ---- composition ----


def test_policies_put_together_hold_the_levers_of_all(towns: World) -> None:
    parts = [load_policy(name) for name in ("housing", "settlers", "no_zone")]
    whole = compose(parts, "whole")
    assert whole.name == "whole"
    assert whole.title("en") == " + ".join(part.title("en") for part in parts)
    levers = levers_of(whole, load_future("reference"), towns, 2045)
    assert not levers.qyzyljar
    for part, array in ((parts[0], "dwellings"), (parts[1], "settlers")):
        alone = levers_of(part, load_future("reference"), towns, 2045)
        assert np.array_equal(getattr(levers, array), getattr(alone, array))
    assert (
        whole.digest != compose(parts[::-1], "whole").digest
        or whole.levers == compose(parts[::-1], "w").levers
    )


def test_a_policy_put_together_with_itself_is_itself() -> None:
    housing = load_policy("housing")
    assert compose([housing, housing], "twice").levers == housing.levers


@pytest.mark.parametrize(
    ("names_", "expected"),
    [
        (("commuter_link", "cross_border"), "[commuter_link.border_region] sets"),
        (("no_zone", "zone_as_declared"), "[qyzyljar] is set differently by 'no_zone'"),
    ],
)
def test_contradictory_policies_are_named(names_: tuple[str, str], expected: str) -> None:
    with pytest.raises(ScenarioError, match="contradictory levers") as caught:
        compose([load_policy(name) for name in names_], "both")
    assert expected in str(caught.value)


def test_levers_of_one_name_that_differ_are_contradictory(tmp_path: Path) -> None:
    one = load_policy(write_policy(tmp_path, f"[settlers.s]\n{IN_MAMLYUTKA}families_a_year = 1\n", "one"))
    two = load_policy(write_policy(tmp_path, f"[settlers.s]\n{IN_MAMLYUTKA}families_a_year = 2\n", "two"))
    with pytest.raises(ScenarioError, match=r"\[settlers.s\] of 'one' and of 'two' differ"):
        compose([one, two], "both")


def test_a_school_and_a_health_post_may_be_kept_by_two_levers(tmp_path: Path, towns: World) -> None:
    text = "".join(
        f"[services_kept.{facility}]\n{IN_MAMLYUTKA}facilities = ['{facility}']\n"
        for facility in ("health", "school")
    )
    kept = of_policy(tmp_path, text, towns).services_kept
    assert kept[WINDOW, towns.index("mamlyutka")].all()
    with pytest.raises(ScenarioError, match="contradictory"):
        load_policy(
            write_policy(tmp_path, text + f"[services_kept.again]\n{IN_MAMLYUTKA}facilities = ['school']\n")
        )


def test_levers_that_follow_each_other_do_not_contradict(tmp_path: Path, towns: World) -> None:
    link = '[commuter_link.{}]\nplaces = ["mamlyutka"]\nfrom = {}\nto = {}\nreach_km = {}\n'
    text = link.format("first", 2027, 2028, 10) + link.format("then", 2029, 2031, 25)
    reach = of_policy(tmp_path, text, towns).reach[:, towns.index("mamlyutka")]
    assert reach[11:].tolist() == [0.0, 10.0, 10.0, 25.0, 25.0, 25.0]
    overlapping = link.format("first", 2027, 2029, 10) + link.format("then", 2029, 2031, 25)
    with pytest.raises(ScenarioError, match="in 2029-2029"):
        load_policy(write_policy(tmp_path, overlapping))
