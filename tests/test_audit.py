"""The audit: what the specification names is found in the shipped files, gone when repaired, found elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.audit import CHECKS, Audit, audit_world
from calibration.audit_checks_labour import employment_jumps
from calibration.audit_checks_register import register_events
from calibration.audit_data import read_audit_data
from calibration.audit_findings import FOUND, NOT_FOUND, NOT_TESTED, Finding
from calibration.audit_measures import correlation, robust_z, years_text
from model.world import WorldError
from tests.audit_files import AuditFiles

TOWNS = ("bulaevo", "mamlyutka")
YEARS = range(2015, 2021)
Change = Callable[[AuditFiles], None]


@pytest.fixture(scope="module")
def shipped() -> Audit:
    return audit_world("towns")


def audited(tmp_path: Path, change: Change, check: str, world: str = "towns") -> Finding:
    files = AuditFiles()
    change(files)
    return audit_world(world, files.write(tmp_path)).finding(check)


# --- what section 6 of the specification says about the shipped files ----------------------------------------


def rows(finding: Finding, **wanted: object) -> list[dict[str, object]]:
    return [dict(row) for row in finding.numbers if all(row[key] == value for key, value in wanted.items())]


def test_every_defect_of_the_specification_is_found(shipped: Audit) -> None:
    assert len(shipped.found) == len(shipped.findings) == len(CHECKS) == 11
    for finding in shipped.findings:
        assert finding.numbers, finding.id
        for text in (finding.summary, finding.test, finding.consequence, finding.treatment):
            assert len(text) > 40, finding.id
        assert len({tuple(row) for row in finding.numbers}) == 1, f"{finding.id}: rows with other columns"


def test_the_papers_counts_are_those_a_year_later(shipped: Audit) -> None:
    finding = shipped.finding("dating")
    assert [row["best lag, years"] for row in finding.numbers] == [1, 1]
    assert "12 of 12 counts equal to the person" in finding.summary


def test_recorded_balances_do_not_fit_the_accounts(shipped: Audit) -> None:
    finding = shipped.finding("accounts")
    sums = {row["place"]: (row["recorded"], row["implied"]) for row in finding.numbers}
    assert sums == {"Bulaevo": (-269, 65), "Mamlyutka": (-215, -348)}


def test_units_add_up_to_the_region_but_for_redrawn_boundaries(shipped: Audit) -> None:
    finding = shipped.finding("regional_sum")
    assert {row["year"]: row["gap"] for row in finding.numbers} == {
        2013: 0, 2014: 12, 2015: 20, 2016: 23, 2017: 908, 2018: 0, 2019: 0, 2020: 0,
    }  # fmt: skip
    assert [row["year"] for row in finding.numbers if row["boundary redrawn"]] == [2017]


def test_2015_is_a_register_event(shipped: Audit) -> None:
    finding = shipped.finding("register_event")
    assert finding.summary.startswith("2015: 5 of 18 units stand out")
    assert "centres +4,955" in finding.summary
    assert "rural districts -8,416 against -5,785 a year afterwards" in finding.summary
    (centre,) = rows(finding, unit="Petropavlovsk")
    assert (centre["net, persons"], centre["a year later"], centre["stands out"]) == (4955, -440, "yes")
    (mamlyutka,) = rows(finding, unit="Mamlyutka")
    assert (mamlyutka["year"], mamlyutka["net, persons"]) == (2015, -143)


def test_ordinary_years_make_no_register_events(shipped: Audit) -> None:
    """Units whose net migration is independent normal noise, with the years and places of the real ones."""
    events = register_events(shipped.data)
    assert {year: event.is_common for year, event in events.items()} == {2015: True, 2017: False}
    assert events[2017].units == ("sergeevka",)
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(40):
        accounts = dict(shipped.data.accounts)
        for unit in shipped.data.units("nkr"):
            points = accounts[unit, "population_1jan"]
            people = np.concatenate([[10_000.0], 10_000.0 + np.cumsum(np.round(rng.normal(-150, 60, 12)))])
            accounts[unit, "population_1jan"] = {
                year: replace(point, value=count)
                for (year, point), count in zip(points.items(), people, strict=True)
            }
            for flow in ("births", "deaths"):
                flows = accounts[unit, flow].items()
                accounts[unit, flow] = {year: replace(point, value=100.0) for year, point in flows}
        false += len(register_events(replace(shipped.data, accounts=accounts)))
    assert false <= 3


def test_employed_is_the_labour_force(shipped: Audit) -> None:
    finding = shipped.finding("same_series")
    assert [(row["place"], row["is"], row["in years"], row["largest difference"]) for row in finding.numbers] == [
        ("Bulaevo", "labour_force x (1 - unemployment)", "2015-2018, 2020", 5.1),
        ("Mamlyutka", "labour_force", "2015-2018", 0.0),
        ("Mamlyutka", "labour_force x (1 - unemployment)", "2020", 0.1),
    ]  # fmt: skip


def test_two_towns_share_a_total_in_two_years(shipped: Audit) -> None:
    finding = shipped.finding("shared_numerator")
    shared = rows(finding, shared="yes")
    assert [(row["year"], row["first, million"]) for row in shared] == [(2015, 1978.59), (2016, 2256.5)]
    assert {row["variable"] for row in shared} == {"agricultural_output_per_capita"}
    assert shared[0]["% of region's value added"] == 0.94


def test_one_wage_falls_out_of_line(shipped: Audit) -> None:
    (row,) = rows(shipped.finding("wage_outliers"), outlier="yes")
    assert (row["place"], row["year"], row["wage / region's"]) == ("Bulaevo", 2019, 0.722)
    assert (row["off, %"], row["growth after, %"]) == (-13.0, 43.6)


def test_labour_forces_and_employment_are_impossible(shipped: Audit) -> None:
    finding = shipped.finding("labour_ratios")
    forces = {
        row["place"]: (round(float(str(row["lowest"])), 2), round(float(str(row["highest"])), 2))
        for row in rows(finding, what="labour force / (.595 P)")
    }
    assert forces == {
        "Bulaevo": (0.99, 1.05), "Mamlyutka": (0.88, 0.95), "Tayynsha": (0.84, 1.02), "Sergeevka": (0.80, 0.99),
    }  # fmt: skip
    assert "+246 in 2018, -320 in 2019, +278 in 2020" in finding.summary
    assert "exceed the labour force in 2015-2018" in finding.summary


def test_text_contradicts_tables(shipped: Audit) -> None:
    finding = shipped.finding("text")
    verdicts = {(row["place"], row["what"]): str(row["verdict"]) for row in finding.numbers}
    ratio = "agricultural_output_per_capita / industrial_output_per_capita, ratio_of_means"
    assert verdicts["Bulaevo", "wage_monthly_nominal, level"].startswith("stale: the mean of 2015-")
    assert verdicts["Bulaevo", "employed, level"].startswith("stale: the mean of 2015-")
    assert verdicts["Bulaevo", ratio].startswith("another place: that of Mamlyutka")
    assert verdicts["Mamlyutka", ratio].startswith("another place: that of Bulaevo")
    assert verdicts["North Kazakhstan", "population, change"] == "another place: that of Bulaevo, -1,985"
    assert "thousand KZT" in str(rows(finding, years="2020", unit="KZT", stated=63.3)[0]["verdict"])
    assert verdicts["Bulaevo", "industrial_output_per_capita, mean"] == "agrees"
    assert verdicts["Bulaevo", "population, level"] == "agrees"


def test_the_census_rebased_the_register(shipped: Audit) -> None:
    (row,) = shipped.finding("census_rebasing").numbers
    assert (row["1 January"], row["count"], row["a year later"]) == (2008, 653_921, 597_534)
    assert row["change, %"] == -8.6


def test_most_of_the_fall_of_births_is_age_structure(shipped: Audit) -> None:
    (row,) = shipped.finding("age_structure").numbers
    assert (row["change, %"], row["by ages, points"]) == (-15.4, -13.0)


# --- the same files repaired: the finding is gone ------------------------------------------------------------


def date_counts_right(files: AuditFiles) -> None:
    for place in TOWNS:
        for year in YEARS:
            count = files.official(place, "population_1jan", year)
            files.set("paper_tables.csv", place, "population", year, count)


def close_accounts(files: AuditFiles) -> None:
    for place in TOWNS:
        for year in YEARS:
            files.set("paper_tables.csv", place, "migration_balance", year, files.net(place, year))


def units() -> list[str]:
    return list(read_audit_data("towns").units("nkr"))


def close_region(files: AuditFiles) -> None:
    for year in range(2013, 2021):
        total = sum(files.net(unit, year) for unit in units())
        files.set("drivers.csv", "nkr", "net_migration", year, total)


def calm_register(files: AuditFiles) -> None:
    for unit in units():
        for year in range(2009, 2021):
            usual = -15 if unit.endswith("rural") else 2
            jitter = (year * 7 + len(unit)) % 5 - 2
            people = files.official(unit, "population_1jan", year)
            files.set_net(unit, year, (usual + jitter) * people / 1000)


def own_employment(files: AuditFiles) -> None:
    for place in TOWNS:
        for year in YEARS:
            employed = files.value("paper_tables.csv", place, "employed", year)
            files.set("paper_tables.csv", place, "employed", year, round(0.93 * employed))


def own_totals(files: AuditFiles) -> None:
    for year in (2015, 2016):
        value = files.value("paper_tables.csv", "mamlyutka", "agricultural_output_per_capita", year)
        files.set("paper_tables.csv", "mamlyutka", "agricultural_output_per_capita", year, value + 5)


def level_wage(files: AuditFiles) -> None:
    files.set("paper_tables.csv", "bulaevo", "wage_monthly_nominal", 2019, 108_000)


def possible_labour(files: AuditFiles) -> None:
    for place in (*TOWNS, "tayynsha", "sergeevka"):
        for year in YEARS:
            force = round(0.595 * files.official(place, "population_1jan", year))
            files.set("accounts.csv", place, "labour_force", year, force)
            if place in TOWNS:
                rate = files.value("paper_tables.csv", place, "unemployment_rate", year)
                files.set("paper_tables.csv", place, "employed", year, round(force * (1 - rate / 100)))


def true_text(files: AuditFiles) -> None:
    right = ("mamlyutka_population", "bulaevo_population", "bulaevo_industry", "mamlyutka_budget_2017")
    files.keep("paper_statements.csv", lambda row: row["id"].startswith(right))


def one_register_basis(files: AuditFiles) -> None:
    for year in range(2000, 2009):
        count = files.value("census_towns.csv", "nkr", "population", year)
        files.set("census_towns.csv", "nkr", "population", year, round(0.922 * count))


def constant_ages(files: AuditFiles) -> None:
    first = {
        (row["sex"], row["age"]): row["persons"] for row in files.tables["ages.csv"] if row["year"] == "2015"
    }
    for row in files.tables["ages.csv"]:
        row["persons"] = first[row["sex"], row["age"]]


REPAIRS: dict[str, Change] = {
    "dating": date_counts_right,
    "accounts": close_accounts,
    "regional_sum": close_region,
    "register_event": calm_register,
    "same_series": own_employment,
    "shared_numerator": own_totals,
    "wage_outliers": level_wage,
    "labour_ratios": possible_labour,
    "text": true_text,
    "census_rebasing": one_register_basis,
    "age_structure": constant_ages,
}


@pytest.mark.parametrize("check", REPAIRS)
def test_a_repaired_file_gives_no_finding(tmp_path: Path, check: str) -> None:
    finding = audited(tmp_path, REPAIRS[check], check)
    assert finding.verdict == NOT_FOUND, finding.summary


def test_one_coincidence_is_no_shared_total(tmp_path: Path) -> None:
    def coincide(files: AuditFiles) -> None:
        own_totals(files)
        total = files.value("paper_tables.csv", "bulaevo", "industrial_output_per_capita", 2018)
        total *= files.value("paper_tables.csv", "bulaevo", "population", 2018)
        people = files.value("paper_tables.csv", "mamlyutka", "population", 2018)
        variable = "industrial_output_per_capita"
        files.set("paper_tables.csv", "mamlyutka", variable, 2018, round(total / people, 1))

    assert audited(tmp_path, coincide, "shared_numerator").verdict == NOT_FOUND


# --- other defects of the same kind: found where they are ----------------------------------------------------


def date_one_town_back(files: AuditFiles) -> None:
    date_counts_right(files)
    for year in range(2015, 2020):
        count = files.official("mamlyutka", "population_1jan", year - 2)
        files.set("paper_tables.csv", "mamlyutka", "population", year, count)
    files.keep("paper_tables.csv", lambda row: (row["variable"], row["year"]) != ("population", "2020"))


def misstate_an_identity(files: AuditFiles) -> None:
    close_accounts(files)
    files.set("accounts.csv", "tayynsha", "net_migration_implied", 2016, -27)


def lose_a_unit(files: AuditFiles) -> None:
    close_region(files)
    files.set("drivers.csv", "nkr", "net_migration", 2019, -6543)


def clean_up_one_year(files: AuditFiles) -> None:
    calm_register(files)
    for unit in ("sergeevka", "esil_rural", "zhambyl_rural", "zhumabaev_rural", "akzhar_rural", "tayynsha"):
        people = files.official(unit, "population_1jan", 2019)
        files.set_net(unit, 2019, -0.045 * people)


def repeat_births(files: AuditFiles) -> None:
    own_employment(files)
    for year in (2015, 2016, 2017, 2019):
        births = files.official("bulaevo", "births", year)
        files.set("paper_tables.csv", "bulaevo", "migration_balance", year, births)


def share_industry(files: AuditFiles) -> None:
    own_totals(files)
    for year in (2017, 2018, 2019):
        total = files.value("paper_tables.csv", "bulaevo", "industrial_output_per_capita", year)
        total *= files.value("paper_tables.csv", "bulaevo", "population", year)
        people = files.value("paper_tables.csv", "mamlyutka", "population", year)
        files.set(
            "paper_tables.csv", "mamlyutka", "industrial_output_per_capita", year, round(total / people, 1)
        )


def halve_a_wage(files: AuditFiles) -> None:
    level_wage(files)
    files.set("paper_tables.csv", "mamlyutka", "wage_monthly_nominal", 2017, 42_000)


def overfill_a_labour_force(files: AuditFiles) -> None:
    possible_labour(files)
    files.set("accounts.csv", "sergeevka", "labour_force", 2017, 5600)


def misquote(files: AuditFiles) -> None:
    true_text(files)
    for row in files.tables["paper_statements.csv"]:
        if row["id"] == "bulaevo_industry":
            row["stated"] = "234.6"


def rebase_again(files: AuditFiles) -> None:
    one_register_basis(files)
    for year in range(2018, 2022):
        count = files.value("drivers.csv", "nkr", "population_1jan", year)
        files.set("drivers.csv", "nkr", "population_1jan", year, round(0.93 * count))


def empty_the_twenties(files: AuditFiles) -> None:
    constant_ages(files)
    for row in files.tables["ages.csv"]:
        if row["year"] == "2020" and 20 <= int(row["age"]) < 30:
            row["persons"] = str(0.8 * float(row["persons"]))


CORRUPTIONS: dict[str, tuple[Change, str]] = {
    "dating": (date_one_town_back, "1 January t -2: 5 of 5"),
    "accounts": (misstate_an_identity, "Tayynsha, 2016: implied net migration is stated as -27"),
    "regional_sum": (lose_a_unit, "in 2019"),
    "register_event": (clean_up_one_year, "2019: 6 of 18 units stand out"),
    "same_series": (repeat_births, "'migration_balance' is births to the person in 2015-2017, 2019"),
    "shared_numerator": (share_industry, "industrial_output_per_capita x population is the same total"),
    "wage_outliers": (halve_a_wage, "Mamlyutka, 2017: 0.40 of the region's wage"),
    "labour_ratios": (overfill_a_labour_force, "Sergeevka: labour force 1.00-1.27 of the usual"),
    "text": (misquote, "another place: that of Mamlyutka, 235"),
    "census_rebasing": (rebase_again, "a year later (-7."),
    "age_structure": (empty_the_twenties, "fertility changed by"),
}


@pytest.mark.parametrize("check", CORRUPTIONS)
def test_a_corrupted_file_gives_the_finding_where_it_is(tmp_path: Path, check: str) -> None:
    change, told = CORRUPTIONS[check]
    finding = audited(tmp_path, change, check)
    assert finding.verdict == FOUND
    assert told in finding.summary


# --- little data, other worlds, unreadable files -------------------------------------------------------------


def test_without_the_paper_its_checks_are_not_made(tmp_path: Path) -> None:
    files = AuditFiles()
    files.keep("paper_tables.csv", lambda row: row["territory"] == "nowhere")
    files.keep("paper_statements.csv", lambda row: False)
    audit = audit_world("towns", files.write(tmp_path))
    untested = {one.id for one in audit.findings if one.verdict == NOT_TESTED}
    assert untested == {"dating", "same_series", "shared_numerator", "wage_outliers", "text"}
    assert audit.finding("accounts").verdict == NOT_FOUND
    assert audit.finding("register_event").verdict == FOUND


def test_figures_that_fill_gaps_are_no_evidence(tmp_path: Path) -> None:
    """The labour force of 2019 is interpolated: a column that repeats it repeats nothing published."""

    def fill(files: AuditFiles) -> None:
        own_employment(files)
        for year in (2015, 2016, 2019):
            force = files.official("bulaevo", "labour_force", year)
            files.set("paper_tables.csv", "bulaevo", "employed", year, round(force))

    assert audited(tmp_path, fill, "same_series").verdict == NOT_FOUND


def test_a_users_world_is_audited_the_same_way() -> None:
    audit = audit_world("template")
    assert audit.data.places == ("samplestead",)
    assert "Bulaevo" not in json.dumps(audit.as_json())
    verdicts = {one.id: one.verdict for one in audit.findings}
    assert verdicts["text"] == verdicts["dating"] == verdicts["census_rebasing"] == NOT_TESTED
    assert verdicts["accounts"] == verdicts["labour_ratios"] == NOT_FOUND


def test_region_and_towns_agree_about_the_paper(shipped: Audit) -> None:
    region = audit_world("region")
    for name in ("dating", "accounts", "same_series", "shared_numerator", "text"):
        assert region.finding(name) == shipped.finding(name)
    assert len(region.data.places) == 18


def test_every_problem_of_a_folder_is_told(tmp_path: Path) -> None:
    files = AuditFiles()
    files.tables["paper_tables.csv"][3]["value"] = "many"
    files.tables["paper_statements.csv"][0]["statistic"] = "median"
    files.tables["accounts.csv"][5]["territory"] = "bulayevo"
    with pytest.raises(WorldError) as error:
        read_audit_data("towns", files.write(tmp_path))
    told = str(error.value)
    assert "paper_tables.csv:5: column 'value' holds text 'many'" in told
    assert "paper_statements.csv:2: unknown statistic 'median'" in told
    assert "unknown territory 'bulayevo'; nearest valid name: 'bulaevo'" in told


def test_a_misspelt_file_is_not_passed_over(tmp_path: Path) -> None:
    AuditFiles().write(tmp_path)
    (tmp_path / "acounts.csv").write_text("x\n")
    with pytest.raises(WorldError, match=r"nearest valid name: 'accounts\.csv'"):
        read_audit_data("towns", tmp_path)


def test_a_folder_may_hold_one_file_only(tmp_path: Path, shipped: Audit) -> None:
    files = AuditFiles()
    level_wage(files)
    whole, one = tmp_path / "whole", tmp_path / "one"
    whole.mkdir()
    one.mkdir()
    files.write(whole)
    (one / "paper_tables.csv").write_bytes((whole / "paper_tables.csv").read_bytes())
    audit = audit_world("towns", one)
    assert set(shipped.found) - set(audit.found) == {"wage_outliers"}
    assert audit.data.digest != shipped.data.digest


def test_the_report_is_json_and_repeats_itself(shipped: Audit) -> None:
    text = json.dumps(shipped.as_json())
    assert text == json.dumps(audit_world("towns").as_json())
    assert json.loads(text)["found"] == list(shipped.found)
    with pytest.raises(KeyError, match="no check 'datum'"):
        shipped.finding("datum")


def test_measures() -> None:
    assert years_text([2018, 2013, 2020, 2019]) == "2013, 2018-2020"
    assert robust_z(10.0, [1.0, 2.0, 3.0], 0.1) == pytest.approx(8.0 / 1.4826)
    assert robust_z(2.5, [2.0, 2.0, 2.0], 0.25) == 2.0
    assert correlation([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]) == pytest.approx(1.0)
    assert correlation([1.0, 1.0, 1.0], [2.0, 4.0, 6.0]) is None
    assert employment_jumps({2015: 100, 2016: 120}, {2015: 500, 2016: 499}) == {2016: 20}
    assert employment_jumps({2015: 100, 2016: 120}, {2015: 500, 2016: 480}) == {}
