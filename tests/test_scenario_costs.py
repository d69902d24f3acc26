"""Costs by hand: unit cost x quantity, in the years and places of the lever."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.reference_tables import policy_costs
from model.world import World
from scenarios.costs import COLUMNS_NEEDED, Costs, yearly_costs
from scenarios.networks import network_lengths, network_prices
from scenarios.reading import load_policy
from scenarios.unit_costs import DATA, unit_cost, unit_costs
from scenarios.zone_path import ZonePath
from tests.scenario_files import write_policy

HORIZON = 2032
YEARS = HORIZON - 2015
RUNS = 2
DATES = "from = 2027\nto = 2029\n"
IN_MAMLYUTKA = f'places = ["mamlyutka"]\n{DATES}'
Columns = dict[str, NDArray[np.float64]]


@pytest.fixture
def columns(towns: World) -> Columns:
    """Round numbers in every town and year; the second run has twice as many people. A last row for the horizon."""
    numbers = {
        "population": 7000.0,
        "households": 2600.0,
        "pupils": 1100.0,
        "jobs": 3000.0,
        "jobs_public": 1000.0,
        "wage": 150_000.0,
        "rent": 0.4,
        "commuters": 50.0,
        "empty_dwellings": 40.0,
        "health_level": 4.0,
        "school_level": 3.0,
    }
    held = {name: np.full((RUNS, YEARS + 1, towns.n_sim), numbers[name]) for name in COLUMNS_NEEDED}
    held["population"][1] *= 2.0
    return held


def costs_of(tmp_path: Path, text: str, world: World, columns: Columns) -> Costs:
    policy = load_policy(write_policy(tmp_path, "[qyzyljar]\nstatus = 'never_created'\n" + text))
    return yearly_costs(policy, world, HORIZON, columns)


def assert_in_mamlyutka(costs: Costs, world: World, name: str, by_run: list[float]) -> None:
    """The lever costs this much a year of 2027-2029 in Mamlyutka, and nothing else is spent."""
    expected = np.zeros((RUNS, YEARS, world.n_all))
    expected[:, 12:15, world.index("mamlyutka")] = np.array(by_run)[:, None]
    assert set(costs.public_by_lever) == {name}
    assert costs.public_by_lever[name] == pytest.approx(expected, rel=1e-9)
    assert costs.public == pytest.approx(expected, rel=1e-9)
    assert not costs.private.any()


def test_money_is_that_of_2020(towns: World) -> None:
    assert unit_cost("settler_family", towns.drivers) == pytest.approx(6.9 / towns.drivers.price_level[2025])
    assert 3.8 < unit_cost("settler_family", towns.drivers) < 4.1
    with pytest.raises(KeyError, match="nearest valid name: 'settler_family'"):
        unit_cost("settler_famly", towns.drivers)


def test_settlers_cost_by_family(tmp_path: Path, towns: World, columns: Columns) -> None:
    costs = costs_of(tmp_path, f"[settlers.s]\n{IN_MAMLYUTKA}families_a_year = 10\n", towns, columns)
    yearly = 10 * 6.9 / towns.drivers.price_level[2025]
    assert_in_mamlyutka(costs, towns, "settlers.s", [yearly, yearly])


def test_a_budget_a_head_costs_by_people(tmp_path: Path, towns: World, columns: Columns) -> None:
    costs = costs_of(tmp_path, f"[local_budget.b]\n{IN_MAMLYUTKA}thousand_kzt_a_head = 60\n", towns, columns)
    assert_in_mamlyutka(costs, towns, "local_budget.b", [420.0, 840.0])


def test_public_wages_cost_by_post_and_wage_without_the_supplement(
    tmp_path: Path, towns: World, columns: Columns
) -> None:
    costs = costs_of(tmp_path, f"[public_wages.w]\n{IN_MAMLYUTKA}supplement = 0.3\n", towns, columns)
    base = 150_000 / (1 + 0.3 / 3)  # the recorded wage holds the supplement in the public third of jobs
    yearly = 0.3 * base * 1000 * 12 / 1e6
    assert_in_mamlyutka(costs, towns, "public_wages.w", [yearly, yearly])


def test_renewal_costs_what_it_puts_in(tmp_path: Path, towns: World, columns: Columns) -> None:
    costs = costs_of(
        tmp_path, f"[renewal.r]\n{IN_MAMLYUTKA}network = 'all'\nshare_a_year = 0.1\n", towns, columns
    )
    yearly = 0.1 * float(network_prices() @ network_lengths(towns.index("mamlyutka"), towns))
    assert yearly == pytest.approx(0.1 * (11 * 220 + 80 * 70 + 60 * 50) * 7184 / 7000, rel=0.02)
    assert_in_mamlyutka(costs, towns, "renewal.r", [yearly, yearly])


def test_flats_cost_when_built_and_only_those_repaired_that_stand_empty(
    tmp_path: Path, towns: World, columns: Columns
) -> None:
    text = f"[housing.h]\n{IN_MAMLYUTKA}flats_built_a_year = 10\nflats_reused_a_year = 15\n"
    costs = costs_of(tmp_path, text, towns, columns)
    prices = towns.drivers.price_level[2025]
    spent = costs.public[0, 12:15, towns.index("mamlyutka")]
    assert spent == pytest.approx([(160 + 60) / prices, (160 + 60) / prices, (160 + 40) / prices]), (
        "40 stand empty"
    )
    assert costs.public.sum() == pytest.approx(RUNS * spent.sum())


def test_a_rent_discount_costs_the_part_that_is_not_paid(
    tmp_path: Path, towns: World, columns: Columns
) -> None:
    costs = costs_of(tmp_path, f"[housing.h]\n{IN_MAMLYUTKA}rent_discount = 0.2\n", towns, columns)
    base = towns.drivers.deflate(towns.drivers.rent("petropavlovsk", 2015), 2015)
    yearly = 0.2 * (0.4 / 0.8) * base * 50 * 0.1 * 2600 * 12 / 1e6
    assert_in_mamlyutka(costs, towns, "housing.h", [yearly, yearly])


def test_a_commuter_link_costs_its_running_its_opening_and_the_fares(
    tmp_path: Path, towns: World, columns: Columns
) -> None:
    text = f"[commuter_link.l]\n{IN_MAMLYUTKA}reach_km = 10\nfare_discount = 0.5\nrunning_cost = 30\n"
    text += "opening_cost = 100\n"
    costs = costs_of(tmp_path, text, towns, columns)
    place = towns.index("mamlyutka")
    km = towns.road_km[place, towns.index("petropavlovsk")]
    fares = 0.5 * 0.006 * km * 150_000 * 50 * 12 / 1e6
    assert costs.public[1, 12:15, place] == pytest.approx([130 + fares, 30 + fares, 30 + fares])
    plain = costs_of(tmp_path, f"[commuter_link.l]\n{IN_MAMLYUTKA}reach_km = 10\n", towns, columns)
    assert plain.public[0, 13, place] == pytest.approx(60 / towns.drivers.price_level[2025])


def test_services_kept_cost_from_the_third_year_below_the_norm(
    tmp_path: Path, towns: World, columns: Columns
) -> None:
    place = towns.index("mamlyutka")
    columns["population"][0, 11:, place] = 4900.0  # below the norm of 5,000 from 2026 on
    costs = costs_of(tmp_path, f"[services_kept.s]\n{IN_MAMLYUTKA}facilities = ['health']\n", towns, columns)
    assert costs.public[0, :13, place].tolist() == [0.0] * 13
    kept = 0.25 * (1.0 - 0.6)  # share of health in public services, share that closes below the fourth norm
    yearly = 1000 * kept * 150_000 * 12 * 1.4 / 1e6
    assert costs.public[0, 13:15, place] == pytest.approx([yearly, yearly])
    assert costs.public.sum() == pytest.approx(2 * yearly), (
        "nothing without need, nothing after the last year"
    )


def test_youth_costs_by_those_who_turn_18(tmp_path: Path, towns: World, columns: Columns) -> None:
    text = f"[youth_retention.y]\n{IN_MAMLYUTKA}return_gain = 0.1\ncost_per_youth = 2\n"
    assert_in_mamlyutka(costs_of(tmp_path, text, towns, columns), towns, "youth_retention.y", [200.0, 200.0])


def test_rating_inputs_and_trade_cost_what_the_file_says(
    tmp_path: Path, towns: World, columns: Columns
) -> None:
    text = f"[rating_input.r]\n{IN_MAMLYUTKA}indicator = 'V1'\nchange = 0.5\ncost = 7\n"
    assert_in_mamlyutka(costs_of(tmp_path, text, towns, columns), towns, "rating_input.r", [7.0, 7.0])
    trade = costs_of(tmp_path, f"[trade.t]\n{DATES}output_gain = 0.1\ncost = 12\n", towns, columns)
    assert trade.public.sum(axis=2)[:, 12:15] == pytest.approx(np.full((RUNS, 3), 12.0))
    assert trade.public.sum() == pytest.approx(RUNS * 3 * 12.0)


# ---- zones ----


def test_a_project_costs_as_its_jobs_open(tmp_path: Path, towns: World, columns: Columns) -> None:
    text = """
[zone_project.given]
place = "mamlyutka"
year = 2028
full_year = 2029
declared_jobs = 100
realisation = 0.5
private_investment = 800
public_investment = 200
[zone_project.by_job]
place = "bulaevo"
year = 2030
declared_jobs = 10
"""
    costs = costs_of(tmp_path, text, towns, columns)
    given = costs.private_by_lever["zone_project.given"][0, :, towns.index("mamlyutka")]
    assert given[12:16] == pytest.approx([0, 400, 400, 0]), (
        "half of the jobs a year; the whole investment in all"
    )
    assert costs.public_by_lever["zone_project.given"][1, :, towns.index("mamlyutka")].sum() == pytest.approx(
        200
    )
    assert costs.public_by_lever["zone_project.by_job"][0, 15, towns.index("bulaevo")] == pytest.approx(
        10 * 21 / towns.drivers.price_level[2019]
    )


def test_the_zone_is_paid_for_where_it_lies(towns: World, columns: Columns) -> None:
    costs = yearly_costs(load_policy("zone_as_declared"), towns, HORIZON, columns)
    place = towns.index("petropavlovsk")
    public, private = costs.public_by_lever["qyzyljar"], costs.private_by_lever["qyzyljar"]
    deflate = towns.drivers.deflate
    grant, jobs = deflate(9600, 2025), deflate(21, 2019)
    assert public[0, :, place].sum() == pytest.approx(grant + 3300 * jobs, rel=1e-4)
    assert private[0, :, place].sum() == pytest.approx(4000 * deflate(40.6, 2025))
    assert public.sum() == pytest.approx(RUNS * public[0, :, place].sum())
    assert not yearly_costs(load_policy("no_zone"), towns, HORIZON, columns).public.any()


def test_a_tax_holiday_costs_while_its_projects_are_free(
    tmp_path: Path, towns: World, columns: Columns
) -> None:
    text = """
[tax_holiday.t]
places = ["mamlyutka"]
from = 2027
to = 2028
launch_factor = 2.0
years_free = 2
forgone_per_job = 0.5
[zone_project.early]
place = "mamlyutka"
year = 2020
launch = "hazard"
declared_jobs = 100
[zone_project.inside]
place = "mamlyutka"
year = 2020
launch = "hazard"
declared_jobs = 40
"""
    policy = load_policy(write_policy(tmp_path, "[qyzyljar]\nstatus = 'never_created'\n" + text))
    running, opened = np.zeros((RUNS, YEARS, 2)), np.zeros((RUNS, YEARS, 2))
    for project, (launch, jobs) in enumerate(((2026, 100.0), (2028, 40.0))):
        running[:, launch - 2015 :, project], opened[:, launch - 2015, project] = jobs, jobs
    costs = yearly_costs(policy, towns, HORIZON, columns, ZonePath(running, opened))
    forgone = costs.public_by_lever["tax_holiday.t"][0, :, towns.index("mamlyutka")]
    assert forgone[12:].tolist() == [0.0, 20.0, 20.0, 0.0, 0.0], "launched in 2028, free for two years"


# ---- what goes in ----


def test_a_missing_or_short_column_is_named(towns: World, columns: Columns) -> None:
    short = {**columns, "wage": columns["wage"][:, :5]}
    with pytest.raises(ValueError, match="column 'wage' has the shape"):
        yearly_costs(load_policy("housing"), towns, HORIZON, short)
    del columns["pupils"]
    with pytest.raises(ValueError, match="column 'pupils' is missing"):
        yearly_costs(load_policy("housing"), towns, HORIZON, columns)


def test_unit_costs_have_sources_and_agree_with_the_reference_costs() -> None:
    with (DATA / "unit_costs.csv").open(encoding="utf-8") as file:
        assert {row["item"] for row in csv.DictReader(file)} == set(unit_costs())
    for cost in unit_costs().values():
        assert cost.source
        assert cost.low <= cost.value <= cost.high
    known = {(cost.item, cost.first_year): cost for cost in policy_costs()}
    pairs = {
        "zone_public_per_job": "public cost per zone job, all zones",
        "zone_private_per_job": "private investment per launched zone job",
        "settler_family": "settler family of 4.6",
    }
    for item, published in pairs.items():
        cost = unit_costs()[item]
        assert cost.value == known[published, cost.price_year].low
    assert unit_costs()["new_flat"].value == known["two-flat house, Mamlyutka", 2025].low / 2
    assert unit_costs()["qyzyljar_public_per_job"].value == pytest.approx(9600 / 700, rel=1e-4)
