"""The shipped figures: transcribed rightly, complete, and inside the observation window."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from model.accounts_data import LAST_COUNT_YEAR, LAST_FLOW_YEAR
from model.csv_tables import QUALITIES
from model.places import KINDS
from model.reference_tables import census_counts, extinction_ladder, paper_tables, policy_costs, zone_facts
from model.world import DATA, World, load_world

LONG_FILES = ("accounts.csv", "drivers.csv", "local_budget.csv", "paper_tables.csv", "census_towns.csv")


@pytest.fixture(scope="module")
def region() -> World:
    return load_world("region")


@pytest.fixture(scope="module")
def units(region: World) -> tuple[str, ...]:
    return region.ids[: region.n_sim]


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("place", "variable", "year", "expected"),
    [
        ("bulaevo", "population_1jan", 2015, 7644),
        ("bulaevo", "births", 2015, 122),
        ("bulaevo", "deaths", 2016, 99),
        ("bulaevo", "labour_force", 2018, 4849),
        ("bulaevo", "net_migration_implied", 2016, 6),
        ("mamlyutka", "labour_force", 2020, 3861),
        ("tayynsha", "population_1jan", 2015, 11476),
        ("sergeevka", "population_1jan", 2015, 7353),
        ("petropavlovsk", "population_1jan", 2021, 219822),
        ("petropavlovsk", "net_migration_implied", 2015, 4955),
        ("petropavlovsk", "net_migration_implied", 2016, -440),
        ("aiyrtau_rural", "population_1jan", 2009, 44277),
    ],
)
def test_accounts_are_transcribed(
    region: World, place: str, variable: str, year: int, expected: float
) -> None:
    assert region.accounts.value(place, variable, year) == expected


@pytest.mark.parametrize(
    ("series", "variable", "year", "expected"),
    [
        ("nkr", "wage_monthly_nominal", 2015, 84324),
        ("nkr", "wage_monthly_nominal", 2023, 262248),
        ("kazakhstan", "wage_monthly_nominal", 2025, 443315),
        ("tyumen", "wage_monthly_nominal", 2020, 51501),
        ("nkr", "cpi_dec_dec", 2022, 120.58),
        ("russia", "exchange_rate", 2015, 3.613),
        ("russia", "ppp_rate", 2020, 5.4),
        ("kurgan", "unemployment_rate", 2017, 9.1),
        ("astana", "rent_m2_month", 2015, 2732),
        ("nkr", "employees", 2015, 215.11),
        ("nkr", "employed_agriculture", 2020, 86087),
        ("nkr", "gva_industry", 2013, 85436.2),
        ("nkr", "net_migration", 2017, -5463),
        ("nkr", "population_1jan", 2015, 571830),
    ],
)
def test_drivers_are_transcribed(
    region: World, series: str, variable: str, year: int, expected: float
) -> None:
    assert region.drivers.series(series, variable)[year] == expected


def test_net_migration_is_the_identity_for_every_place_and_year(
    region: World, units: tuple[str, ...]
) -> None:
    for place in units:
        stated = region.accounts.series(place, "net_migration_implied")
        assert list(stated) == list(range(2009, 2021))
        for year, value in stated.items():
            assert value == region.accounts.implied_net_migration(place, year), (place, year)


def test_units_sum_to_the_region(region: World, units: tuple[str, ...]) -> None:
    def total(variable: str, year: int) -> float:
        return sum(region.accounts.value(place, variable, year) for place in units)

    official = region.drivers.series("nkr", "population_1jan")
    # A small rural remainder of Petropavlovsk is in no unit until 2017 and in a listed one from 2018 on
    assert total("population_1jan", 2015) == 570_888
    assert all(900 <= official[year] - total("population_1jan", year) <= 1010 for year in range(2009, 2018))
    assert all(official[year] == total("population_1jan", year) for year in range(2018, 2022))
    for flow in ("births", "deaths"):
        published = region.drivers.series("nkr", flow)
        assert all(0 <= published[year] - total(flow, year) <= 11 for year in range(2009, 2021))
    net = region.drivers.series("nkr", "net_migration")
    gap = {year: total("net_migration_implied", year) - net[year] for year in net}
    assert [gap[year] for year in (2013, 2018, 2019, 2020)] == [0, 0, 0, 0]
    assert all(12 <= gap[year] <= 23 for year in (2014, 2015, 2016))
    assert gap[2017] == 908


def test_net_rates_of_the_towns(region: World) -> None:
    expected = {
        "bulaevo": (-14.4, 1.4),
        "tayynsha": (-14.7, -1.7),
        "sergeevka": (-6.8, 4.2),
        "mamlyutka": (-4.6, -8.3),
    }
    for place, (early, late) in expected.items():
        s = region.index(place)
        assert region.net_rate_2009_2014[s] * 1000 == pytest.approx(early, abs=0.15)
        assert region.net_rate_2015_2020[s] * 1000 == pytest.approx(late, abs=0.15)


def test_the_papers_years_are_the_official_counts_one_year_later(region: World) -> None:
    printed = paper_tables()
    for place in ("bulaevo", "mamlyutka"):
        for year, point in printed[(place, "population")].items():
            assert point.value == region.accounts.value(place, "population_1jan", year + 1)
    assert sum(p.value for p in printed[("bulaevo", "migration_balance")].values()) == -269
    assert sum(p.value for p in printed[("mamlyutka", "migration_balance")].values()) == -215


@pytest.mark.parametrize("name", LONG_FILES)
def test_every_figure_has_source_quality_and_lies_in_the_window(name: str) -> None:
    outcomes = {"births", "deaths", "net_migration", "net_migration_implied", "labour_force", "employees"}
    for row in rows_of(name):
        assert row["source"], row
        assert row["quality"] in QUALITIES, row
        assert math.isfinite(float(row["value"]))
        if row["variable"] in outcomes or row["variable"].startswith(("employed", "life_expectancy")):
            assert int(row["year"]) <= LAST_FLOW_YEAR, row
        if row["variable"].startswith("population"):
            assert int(row["year"]) <= LAST_COUNT_YEAR, row
        if name == "accounts.csv":
            is_count = row["variable"] == "population_1jan"
            assert int(row["year"]) <= (LAST_COUNT_YEAR if is_count else LAST_FLOW_YEAR)


def test_interpolated_rows_are_few_and_state_their_rule() -> None:
    rows = [row for name in LONG_FILES for row in rows_of(name) if row["quality"] == "interpolated"]
    assert len([row for row in rows if row["variable"] == "labour_force" and row["year"] == "2019"]) == 18
    assert all("mean" in row["source"] or "sum" in row["source"] for row in rows)
    wages = {(r["territory"], r["year"]) for r in rows if r["variable"] == "wage_monthly_nominal"}
    assert wages == {("kurgan", "2021"), ("tyumen", "2021"), ("akmola", "2014")}
    unemployment = {(r["territory"], r["year"]) for r in rows if r["variable"] == "unemployment_rate"}
    assert unemployment == {(name, "2015") for name in ("akmola", "kostanay", "astana", "kazakhstan")} | {
        ("kazakhstan", "2019")
    }


def test_interpolated_labour_force_is_the_mean_of_its_neighbours(
    region: World, units: tuple[str, ...]
) -> None:
    for place in units:
        force = region.accounts.series(place, "labour_force")
        assert force[2019] == (force[2018] + force[2020]) / 2


def test_real_wages(region: World) -> None:
    drivers = region.drivers
    assert drivers.price_level[2020] == 1.0
    assert drivers.wage_real("nkr", 2020) == 157_497
    # Prices rose by the geometric mean of the two December changes between two annual means
    assert drivers.price_level[2020] / drivers.price_level[2019] == pytest.approx(
        math.sqrt(1.0564 * 1.0723), rel=1e-12
    )
    assert drivers.wage_real("nkr", 2015) == pytest.approx(119_946.57, abs=0.01)
    market, ppp = (drivers.wage_real_russia("omsk", 2020, rate) for rate in ("market", "ppp"))
    assert (market, ppp) == (37_828 * 5.734, 37_828 * 5.4)
    assert drivers.last_wage_year("omsk") == 2024
    assert drivers.last_unemployment_year("omsk") == 2023
    assert drivers.unemployment("nkr", 2015) == 0.051
    assert drivers.rent("petropavlovsk", 2015) == 1145


def test_every_driving_series_covers_the_observed_years(region: World) -> None:
    drivers = region.drivers
    for i, name in enumerate(region.driver_series):
        for year in range(2015, 2021):
            russian = region.nest[i] == 1
            wage = drivers.wage_real_russia(name, year) if russian else drivers.wage_real(name, year)
            assert 50_000 < wage < 450_000
            assert 0.03 < drivers.unemployment(name, year) < 0.1


def test_ages_and_mortality(region: World) -> None:
    ages, rates = region.schedules.base_ages, region.schedules.mortality
    assert ages.shape == rates.shape == (2, 111)
    assert ages.sum() == pytest.approx(571_830, abs=2)
    assert region.schedules.base_ages_2020.sum() == pytest.approx(548_755, rel=0.001)
    assert (rates[:, 100:] == rates[:, 100:101]).all()
    for sex, published in ((0, 65.6), (1, 75.7)):
        survivors, years = 1.0, 0.0
        for rate in rates[sex]:
            years += survivors * (1 - math.exp(-rate)) / rate
            survivors *= math.exp(-rate)
        assert years == pytest.approx(published, abs=0.05)
    # The table gives 7 % too many deaths in 2015: the level is scaled per place
    assert (ages * rates).sum() / 6720 == pytest.approx(1.07, abs=0.005)


def test_fertility_shape(region: World) -> None:
    shape = region.schedules.fertility
    assert shape.sum() == pytest.approx(1, abs=1e-12)
    assert shape[20:25].sum() == pytest.approx(0.291 / 0.999)
    assert not shape[:15].any()
    assert not shape[50:].any()
    births = 1.90 * (region.schedules.base_ages[1] * shape).sum()
    assert births == pytest.approx(8132, rel=0.01)


def test_assumed_schedules_hold_what_they_claim(region: World) -> None:
    schedules = region.schedules
    ages = schedules.base_ages
    assert (ages * schedules.participation).sum() / ages.sum() == pytest.approx(0.5606, abs=5e-5)
    assert not schedules.participation[:, :15].any()
    men, women = (ages * schedules.partnered).sum(axis=1)
    assert men == pytest.approx(women, rel=0.001)
    adults = ages[:, 25:]
    assert (adults * schedules.skilled[:, 25:]).sum() / adults.sum() == pytest.approx(0.45, abs=0.001)
    for table in (schedules.participation, schedules.partnered, schedules.skilled):
        assert table.min() >= 0
        assert table.max() <= 1


def test_formal_jobs_are_near_the_employees_of_the_region(region: World) -> None:
    jobs = (region.labour_force_2015 * region.formal_jobs_share).sum()
    assert jobs == pytest.approx(215_110, rel=0.01)


def test_founding_means_are_those_of_2013_to_2017(region: World) -> None:
    s = region.index("bulaevo")
    births = region.accounts.series("bulaevo", "births")
    assert region.founding_births[s] == sum(births[year] for year in range(2013, 2018)) / 5
    assert region.founding_population.sum() == 570_888


def test_small_tables() -> None:
    assert [rung.persons for rung in extinction_ladder()] == [10_000, 5_000, 4_000, 3_000, 1_500, 500, 50]
    costs = {cost.item: (cost.low, cost.high, cost.unit) for cost in policy_costs()}
    assert costs["water and sewer renewal"] == (60, 125, "million KZT per km")
    assert len(policy_costs()) == 12
    facts = {fact.fact: fact.value for fact in zone_facts()}
    assert facts["jobs_created"] == "700"
    assert census_counts()[("bulaevo", "population")][2009].value == 8433
    assert census_counts()[("nkr", "population")][2008].value == 653_921


def test_zone_jobs_grow_linearly_to_700(region: World) -> None:
    jobs = region.zone_jobs["petropavlovsk"]
    assert list(jobs) == list(range(2019, 2026))
    assert (jobs[2019], jobs[2025]) == (0, 700)
    assert np.allclose(np.diff(list(jobs.values())), 700 / 6, atol=0.02)


def test_local_budget_of_mamlyutka(region: World) -> None:
    assert region.local_budget[region.index("mamlyutka")].tolist() == [0, 0, 4.7, 7.0, 24.5, 63.3]
    assert region.local_budget.sum() == pytest.approx(99.5)


def test_places_have_names_in_three_languages_and_a_known_kind() -> None:
    for row in rows_of("places.csv"):
        assert all(row[f"name_{lang}"] for lang in ("en", "ru", "kk"))
        assert row["kind"] in KINDS


def test_distances_reproduce_the_estimates_of_the_places_table(region: World) -> None:
    hub = region.index("petropavlovsk")
    for row in rows_of("places.csv"):
        if row["id"] != "petropavlovsk":
            estimate = float(row["road_km_to_petropavlovsk_estimate"])
            assert region.road_km[hub, region.index(row["id"])] == pytest.approx(estimate, abs=0.51)


def test_every_data_file_is_described() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    files = [path for path in Path(DATA).rglob("*") if path.suffix in {".csv", ".toml"}]
    assert files
    assert [path.name for path in files if f"`{path.relative_to(DATA).as_posix()}`" not in text] == []
    assert [quality for quality in QUALITIES if f"`{quality}`" not in text] == []
