"""`qyzyljar extinction`: ladder, crossings, years bought, competing rungs, counts, benchmark, early warning."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from typer.testing import CliRunner

from experiments.command_line import app
from experiments.compare_scenarios import BASELINE, Case, Comparison
from experiments.design import Scenario
from experiments.extinction_benchmark import (
    Wiener,
    compare_with_benchmark,
    expected_below,
    fit_wiener,
    passage_probability,
    yearly_spread,
)
from experiments.extinction_ladder import (
    COLUMNS_NEEDED,
    FILE,
    ExtinctionRung,
    crossings,
    extinction_rungs,
    read_rungs,
)
from experiments.extinction_outcomes import SEVERAL, Outcomes, count_beyond, read_cases
from experiments.extinction_warning import COLUMNS_NEEDED as WARNING_COLUMNS
from experiments.extinction_warning import (
    DUMMY,
    JOINT,
    alarm_level,
    early_warnings,
    fold_of,
    indicators,
    landmarks,
    roc_area,
)
from experiments.failures import BadInput
from experiments.intervals import probability
from experiments.results import Results
from experiments.survival import NEVER
from model.engine import simulate
from model.founding import build_founding
from model.parameters import ParameterSpace, ParameterValues
from model.places import KINDS
from model.problems import WorldError
from model.reference_tables import extinction_ladder
from model.world import World, load_world
from tests.fake_simulation import use_fake_runs
from tests.small_world import write_small_world

YEARS = np.arange(2015, 2046)


def rung(identifier: str) -> ExtinctionRung:
    return next(one for one in extinction_rungs() if one.id == identifier)


def columns_of(**given: np.ndarray) -> dict[str, np.ndarray]:
    """Columns [runs, years, places]; those not given are harmless."""
    shape = next(iter(given.values())).shape
    harmless = {"population": 20_000.0, "share_65": 0.1, "births": 100.0, "pupils": 1000.0}
    return {name: given.get(name, np.full(shape, harmless[name])) for name in COLUMNS_NEEDED}


# --- the ladder ---------------------------------------------------------------------------------------------


def test_rungs_by_residents_are_those_of_the_ladder() -> None:
    counted = {one.id: one.persons for one in extinction_ladder()}
    ours = {one.id: one.threshold for one in extinction_rungs() if one.id in counted}
    assert ours == counted
    assert all(one.source and one.meaning for one in extinction_rungs())
    assert {one.group for one in extinction_rungs()} == {"legal", "practical", "service", "demographic"}
    for one in extinction_rungs():
        assert set(one.kinds) <= {*KINDS, "village"}


def test_a_damaged_ladder_names_every_line(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    text = text.replace(
        "legal_town_floor,legal,population,below,,", "legal_town_floor,legal,population,below,9000,"
    )
    text = text.replace("old_majority,demographic,share_65,above", "old_majority,demografic,share_65,over")
    text = text.replace("\ndissolution,", "\ndisolution,")
    path = tmp_path / "rungs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorldError) as caught:
        read_rungs(path)
    message = str(caught.value)
    assert "'threshold' must be empty" in message
    assert "unknown group 'demografic'" in message
    assert "unknown side 'over'" in message
    assert "rung 'dissolution' of extinction_ladder.csv is missing" in message


def test_crossing_is_the_first_first_of_january_beyond() -> None:
    people = np.full((3, 6, 1), 6000.0)
    people[0, 3:, 0] = 4999.0
    people[1, :, 0] = 5000.0  # exactly at the threshold is not below it
    people[2, :, 0] = 4000.0
    found = crossings(rung("primary_care_centre"), columns_of(population=people))
    assert found.first[:, 0].tolist() == [3, NEVER, 0]
    assert found.times[:, 0].tolist() == [3, 5, 0]
    assert not found.already(0)


def test_dissolution_needs_three_first_of_januaries_in_a_row() -> None:
    people = np.full((4, 8, 1), 60.0)
    people[0, 2:4, 0] = 40.0  # two years, then back
    people[1, 4:, 0] = 40.0
    people[2, :, 0] = 40.0  # from the start on
    people[3, [1, 3, 5], 0] = 40.0
    found = crossings(rung("dissolution"), columns_of(population=people))
    assert found.first[:, 0].tolist() == [NEVER, 6, 0, NEVER]
    assert found.beyond[1, :, 0].tolist() == [False] * 6 + [True] * 2
    assert found.beyond[2, 0, 0]


def test_births_belong_to_the_first_of_january_that_ends_their_year() -> None:
    births = np.full((1, 8, 1), 9.0)
    births[0, 3:6, 0] = 4.0
    births[0, -1, 0] = np.nan
    found = crossings(rung("few_births"), columns_of(births=births))
    assert found.first[0, 0] == 6  # the years 3, 4 and 5 end on the 1 January number 6
    births[0, 3:6, 0] = 5.0
    assert crossings(rung("few_births"), columns_of(births=births)).first[0, 0] == NEVER


def test_other_rungs_look_at_their_own_figure() -> None:
    shape = (1, 5, 1)
    ages = np.array([0.4, 0.45, 0.5, 0.51, 0.6]).reshape(shape)
    assert crossings(rung("old_majority"), columns_of(share_65=ages)).first[0, 0] == 3
    people = np.array([1000.0, 900.0, 760.0, 740.0, 499.0]).reshape(shape)
    assert crossings(rung("lost_quarter"), columns_of(population=people)).first[0, 0] == 3
    assert crossings(rung("lost_half"), columns_of(population=people)).first[0, 0] == 4
    pupils = np.array([90.0, 80.0, 80.0, 80.0, 80.0]).reshape(shape)
    assert crossings(rung("secondary_school"), columns_of(pupils=pupils)).first[0, 0] == 3


# --- outcomes -----------------------------------------------------------------------------------------------


def made_outcomes(world: World, by_case: dict[str, dict[str, np.ndarray]]) -> Outcomes:
    """Outcomes of invented columns by scenario, [runs, years, places] each."""
    names = sorted(by_case)
    cases = tuple(Case(name, name, "reference", name, Scenario(name)) for name in names)
    held = {column: np.stack([by_case[name][column] for name in names]) for column in COLUMNS_NEEDED}
    runs, years, places = held["population"].shape[1:]
    results = SimpleNamespace(
        years=np.arange(2015, 2015 + years), places=world.ids[:places], runs=runs, pairs=tuple(range(runs)),
        scenarios=tuple(names), columns=lambda wanted: {name: held[name] for name in wanted},
    )  # fmt: skip
    return Outcomes(Comparison(cases, None, ()), world, cast(Results, results))


def falling(runs: int, places: int, year: int) -> np.ndarray:
    """Every run falls below 5 000 in a year of its own, `year` + run number modulo 10."""
    people = np.full((runs, len(YEARS), places), 7000.0)
    for run in range(runs):
        people[run, year + run % 10 :, 0] = 4500.0
    return people


def test_a_small_town_that_empties_crosses_the_school_and_demographic_rungs(tmp_path: Path) -> None:
    """In a real run; years and places are found again here by reading the record year by year."""
    path = write_small_world(tmp_path, sizes={"aulton": 2400, "bexley": 400, "corby": 600})
    world = load_world(str(path))
    space = ParameterSpace(world)
    draining = {
        "leaving": 0.08,
        "p_edu": 0.69,
        "p_ret": 0.05,
        "in_out.corby": 0.1,
        "in_out.bexley": 0.1,
        "g_f": -0.04,
    }
    values = ParameterValues(space, {p.name: draining.get(p.name, p.default) for p in space.parameters})
    record = simulate(world, build_founding(world, household_size=2.68), values, np.uint64(3), None, 2075)
    columns = {name: record.column(name)[None] for name in COLUMNS_NEEDED}
    # What the rungs look at is what happened: ages of the last 1 January, births of the accounts
    old, people = record.pyramid_last[:, :, 65:].sum(axis=(1, 2)), record.pyramid_last.sum(axis=(1, 2))
    np.testing.assert_allclose(columns["share_65"][0, -1], old / np.maximum(people, 1), rtol=1e-12)
    np.testing.assert_array_equal(columns["pupils"][0, -1], record.pyramid_last[:, :, 7:18].sum(axis=(1, 2)))
    residents = columns["population"][0]
    beyond: dict[str, Callable[[int, int], bool]] = {
        "secondary_school": lambda year, place: columns["pupils"][0, year, place] < 81,
        "basic_school": lambda year, place: columns["pupils"][0, year, place] < 41,
        "primary_school": lambda year, place: columns["pupils"][0, year, place] < 5,
        "few_births": lambda year, place: columns["births"][0, max(0, year - 1), place] < 5,
        "old_majority": lambda year, place: columns["share_65"][0, year, place] > 0.5,
        "lost_half": lambda year, place: residents[year, place] < 0.5 * residents[0, place],
    }  # fmt: skip
    corby = world.index("corby")
    for name, holds in beyond.items():
        one = rung(name)
        found = crossings(one, columns).first[0]
        for place in range(world.n_sim):
            raw = [bool(holds(year, place)) for year in range(61)]
            in_a_row = [all(raw[year - lag] for lag in range(one.years)) for year in range(one.years - 1, 61)]
            first = in_a_row.index(True) + one.years - 1 if True in in_a_row else NEVER
            expected = 0 if first == one.years - 1 and raw[0] else first
            assert found[place] == expected, (name, place)
        assert 0 < found[corby] < 61, name  # crossed on the way, neither dead nor behind it


def test_years_bought_are_paired_and_restricted(towns: World) -> None:
    base = falling(20, 4, 15)
    later = falling(20, 4, 19)
    never = np.full_like(base, 7000.0)
    outcomes = made_outcomes(
        towns,
        {
            BASELINE: columns_of(population=base),
            "later": columns_of(population=later),
            "never": columns_of(population=never),
            "same": columns_of(population=base.copy()),
        },
    )
    care = rung("primary_care_centre")
    reference = outcomes.comparison.case(BASELINE, "reference")

    def bought(policy: str) -> Any:
        return outcomes.years_bought(outcomes.comparison.case(policy, "reference"), reference, care, 0)

    four = bought("later")
    assert four.years.mean == pytest.approx(4.0)
    assert four.years.of_mean == pytest.approx((4.0, 4.0))
    assert four.saved == 0
    kept = bought("never")
    assert kept.saved == 20
    assert kept.years.mean == pytest.approx(np.mean([30 - (15 + k % 10) for k in range(20)]))
    assert kept.chance.change == -1.0
    assert bought("same").years.is_zero
    other = outcomes.years_bought(outcomes.comparison.case("later", "reference"), reference, care, 1)
    assert other.crossing == 0
    assert math.isnan(other.of_crossing[0])


def test_restricted_mean_and_curve_of_outcomes_agree(towns: World) -> None:
    outcomes = made_outcomes(towns, {BASELINE: columns_of(population=falling(40, 4, 12))})
    case, care = outcomes.comparison.cases[0], rung("primary_care_centre")
    mean = outcomes.restricted(case, care, 0)
    assert mean.years == pytest.approx(np.mean([12 + k % 10 for k in range(40)]))
    assert outcomes.curve(case, care, 0).median == 16
    assert outcomes.chance(case, care, 1).events == 0
    assert str(outcomes.chance(case, care, 1)).startswith("under ")


def test_competing_rungs_share_the_first_places(towns: World) -> None:
    runs = 40
    people, ages = np.full((runs, 31, 4), 7000.0), np.full((runs, 31, 4), 0.2)
    people[:10, 8:, 0] = 4900.0  # first by residents
    ages[5:30, 12:, 0] = 0.6  # first by ages in runs 10 to 29, second in runs 5 to 9
    people[30:35, 20:, 0] = 4900.0
    ages[30:35, 20:, 0] = 0.6  # both in the same year
    outcomes = made_outcomes(towns, {BASELINE: columns_of(population=people, share_65=ages)})
    case = outcomes.comparison.cases[0]
    found = outcomes.competing(case, 0)
    assert {name: round(float(one.share[-1]), 6) for name, one in found.items()} == {
        "primary_care_centre": 0.25,
        "old_majority": 0.5,
        SEVERAL: 0.125,
    }
    assert [one.id for one in outcomes.competing_rungs(case, 0)] == [
        "primary_care_centre",
        "old_majority",
        "few_births",
        "secondary_school",
    ]


def test_counts_of_places_are_over_runs_and_zero_is_a_bound() -> None:
    beyond = np.zeros((50, 4, 10), bool)
    beyond[:, 1, :4] = True
    beyond[:25, 2, :6] = True
    beyond[0, 3, 0] = True
    found = count_beyond(beyond)
    assert not found.any_run[0]
    assert found.high[0] == pytest.approx(10 * probability(0, 50).high)
    assert found.mean[1] == 4.0
    assert found.high[1] > 4.0  # four in every run is no proof of four in the next
    assert found.mean[2] == 3.0
    # Six places move together: the interval is that of 25 of 50 runs, not of 150 of 500 places
    assert found.high[2] - found.low[2] > 1.6
    # One run of fifty: Student's interval ends at 3 times the mean, the share of such runs can be larger
    assert found.high[3] == pytest.approx(probability(1, 50).high)
    assert (found.runs_low[2], found.runs_high[2]) == (0.0, 6.0)


def test_many_small_places_are_handled_at_once(towns: World) -> None:
    """What a world of villages asks for: hundreds of places, rungs of three years, counts by year."""
    rng = np.random.default_rng(1)
    start = rng.integers(0, 400, 600)
    steps = rng.normal(0.97, 0.05, (30, 30, 600)).cumprod(axis=1)
    people = np.concatenate((np.ones((30, 1, 600)), steps), axis=1) * start
    found = crossings(rung("dissolution"), columns_of(population=np.rint(people)))
    counts = count_beyond(found.beyond)
    assert (np.diff(counts.mean) >= -1.0).all()
    assert counts.mean[-1] > counts.mean[0] + 50
    by_hand = sum(
        (bool((np.rint(people)[0, max(0, t - 2) : t + 1, 7] < 50).all()) and np.rint(people)[0, 0, 7] < 50) or (t >= 2
        and bool((np.rint(people)[0, t - 2 : t + 1, 7] < 50).all()))
        for t in range(31)
    )  # fmt: skip
    assert int(found.beyond[0, :, 7].sum()) == by_hand


def test_no_zone_is_run_only_when_asked(towns: World) -> None:
    assert [case.policy for case in read_cases((), towns, 2030).cases] == [BASELINE]
    assert {case.name for case in read_cases(("housing@russia_open",), towns, 2030).cases} == {
        "baseline",
        "baseline@russia_open",
        "housing@russia_open",
    }
    assert "no_zone" in {case.policy for case in read_cases(("no_zone",), towns, 2030).cases}
    with pytest.raises(BadInput, match="housin"):
        read_cases(("housin",), towns, 2030)


# --- the benchmark ------------------------------------------------------------------------------------------


def test_passage_probability_matches_a_finely_simulated_process() -> None:
    rng = np.random.default_rng(1)
    mu, sigma, distance, time, steps = -0.01, 0.05, 0.3, 20.0, 2000
    walk = np.zeros(4000)
    lowest = np.zeros(4000)
    for _ in range(steps):
        walk += mu * time / steps + sigma * math.sqrt(time / steps) * rng.normal(size=4000)
        np.minimum(lowest, walk, out=lowest)
    share = float((lowest <= -distance).mean())
    assert passage_probability(distance, mu, sigma, time) == pytest.approx(share, abs=0.025)
    assert passage_probability(0.0, mu, sigma, time) == 1.0
    with pytest.raises(ValueError, match="positive"):
        passage_probability(1.0, 0.0, 0.0, 1.0)


def test_the_fit_recovers_drift_and_spread_of_the_counts(towns: World) -> None:
    place = towns.ids.index("mamlyutka")
    wiener = fit_wiener(towns, place, 2045, seed=1)
    assert wiener is not None
    assert (wiener.first, wiener.last, wiener.changes) == (2009, 2021, 12)
    assert wiener.drift == pytest.approx(math.log(6731 / 7473) / 12)
    logs = np.log([7473, 7443, 7408, 7340, 7315, 7260, 7172, 7027, 7058, 6955, 6870, 6833, 6731])
    assert wiener.spread == pytest.approx(np.diff(logs).std(ddof=1))
    assert wiener.population[:, 0].tolist() == [7172.0] * len(wiener.population)
    # Median path: drift from the last count on; chance near the closed form at the same drift and spread
    assert np.median(wiener.population[:, -1]) == pytest.approx(6731 * math.exp(24 * wiener.drift), rel=0.02)
    assert 0.5 < wiener.drift_share < 0.7
    assert wiener.chance(6000) > wiener.chance(5000) > 0.0


def test_a_tighter_model_is_told_with_its_reason(towns: World) -> None:
    wiener = fit_wiener(towns, towns.ids.index("sergeevka"), 2045, seed=1)
    assert wiener is not None
    rng = np.random.default_rng(2)
    calm = 7353.0 * np.exp(np.cumsum(rng.normal(-0.005, 0.002, (200, 31)), axis=1))
    line = compare_with_benchmark(wiener, calm)
    assert line.ratio < 1.0
    assert "tighter even than" in line.reason
    assert "read the model's interval as too tight" in line.reason
    wild = 7353.0 * np.exp(np.cumsum(rng.normal(-0.005, 0.05, (200, 31)), axis=1))
    assert compare_with_benchmark(wiener, wild).reason == ""
    assert yearly_spread(calm) == pytest.approx(0.002, rel=0.1)


def test_expected_counts_of_the_benchmark_add_up_its_chances(towns: World) -> None:
    found = {p: w for k, p in enumerate(towns.ids[:4]) if (w := fit_wiener(towns, k, 2045, 1)) is not None}
    assert len(found) == 4
    expected = expected_below(found, dict.fromkeys(found, 10_000.0))
    assert expected[0] == 3.0
    assert expected[-1] == pytest.approx(sum(w.below(10_000)[:, -1].mean() for w in found.values()))
    assert isinstance(found["bulaevo"], Wiener)


# --- early warning ------------------------------------------------------------------------------------------


def test_roc_area_and_its_interval() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    truth = 0.7602  # two normals one sd apart: Phi(1 / sqrt 2)
    for _ in range(200):
        events = np.arange(120) < 40
        scores = rng.normal(size=120) + events
        area, low, high = roc_area(scores, events)
        hits += bool(low <= truth <= high)
        brute = np.mean([(scores[i] > scores[~events]).mean() for i in np.flatnonzero(events)])
        assert area == pytest.approx(brute)
    assert 0.91 <= hits / 200 <= 0.99
    area, low, high = roc_area(np.arange(40.0), np.arange(40) >= 20)
    assert area == 1.0
    assert low < 1.0
    assert roc_area(np.ones(40), np.arange(40) >= 20)[0] == 0.5
    with pytest.raises(ValueError, match="at least 2"):
        roc_area(np.arange(5.0), np.arange(5) == 4)


def test_alarm_level_separates_best() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert alarm_level(values, np.array([0, 0, 0, 1, 1, 1], bool)) == 4.0
    assert alarm_level(values, np.array([0, 0, 1, 0, 1, 1], bool)) in (3.0, 5.0)


def warned_runs(runs: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Runs in which net migration tells early who will fall below 5 000, and nothing else does but residents."""
    rng = np.random.default_rng(seed)
    doomed = rng.random(runs) < 0.4
    shape = (runs, 31, 1)
    columns = {name: rng.normal(100.0, 5.0, shape) for name in WARNING_COLUMNS}
    fate = np.where(doomed, -100.0, -40.0)[:, None] * np.arange(31)[None, :]
    columns["population"] = (7000.0 + fate + rng.normal(0, 20, (runs, 31)))[:, :, None]
    columns["net_migration"] = (np.where(doomed, -60.0, -20.0)[:, None] + rng.normal(0, 40, (runs, 31)))[
        :, :, None
    ]
    return columns, doomed


def test_figures_that_foretell_are_told_from_those_that_do_not() -> None:
    columns, doomed = warned_runs(240, 1)
    people = columns["population"]
    found = crossings(rung("primary_care_centre"), columns_of(population=people))
    assert (found.crossed[:, 0] == doomed).mean() > 0.98
    signs = early_warnings(columns, found, 0, YEARS, fold_of(range(240)), seed=1)
    assert {sign.landmark for sign in signs} == {2021, 2026, 2031}  # by 2036 all that will have crossed
    first = {sign.figure: sign for sign in signs if sign.landmark == 2021}
    assert first["net migration"].auc > 0.85
    assert first["net migration"].direction == -1
    assert first["net migration"].is_useful
    assert first["net migration"].caught > first["net migration"].false_alarms + 0.4
    for name in ("perceived income", "wear of networks", DUMMY):
        assert first[name].auc < 0.65, name
        assert not first[name].is_useful
    assert first[JOINT].auc > 0.9
    # They cross 20 years after the start, 14 after the landmark
    assert first["residents"].years_before == pytest.approx(14.0, abs=1.0)


def test_held_out_areas_of_noise_do_not_flatter() -> None:
    rng = np.random.default_rng(9)
    runs = 60
    columns = {name: rng.normal(100.0, 5.0, (runs, 31, 1)) for name in WARNING_COLUMNS}
    people = np.full((runs, 31, 1), 7000.0)
    people[rng.permutation(runs)[:25], 29:, 0] = 4000.0
    found = crossings(rung("primary_care_centre"), columns_of(population=people))
    columns["population"] = np.full((runs, 31, 1), 7000.0)
    signs = early_warnings(columns, found, 0, YEARS, fold_of(range(runs)), seed=1)
    areas = [sign.auc for sign in signs if sign.figure not in (DUMMY, JOINT)]
    assert len(areas) >= 50
    assert np.mean(areas) < 0.53  # choosing direction and judging on the same runs would give about .57


def test_replicates_of_a_draw_are_judged_together() -> None:
    folds = fold_of(range(40), replicates=4)
    for draw in range(10):
        assert len(set(folds[4 * draw : 4 * draw + 4].tolist())) == 1
    assert landmarks(YEARS) == [2021, 2026, 2031, 2036, 2041]
    assert landmarks(np.arange(2022, 2031)) == [2023, 2028]


def test_indicators_look_back_only() -> None:
    rng = np.random.default_rng(4)
    columns = {name: rng.uniform(50.0, 100.0, (10, 12)) for name in WARNING_COLUMNS}
    before = indicators(columns, 6)
    for values in columns.values():
        values[:, 7:] = np.nan
    stock = ("population", "share_65", "pupils", "wear", "empty_dwellings")
    for name, values in columns.items():
        if name not in stock:
            values[:, 6] = np.nan  # flows of the year that begins are not known on its 1 January
    for name, values in indicators(columns, 6).items():
        np.testing.assert_array_equal(values, before[name], err_msg=name)


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.usefixtures("fake")
def test_command_writes_its_tables_and_resumes(tmp_path: Path) -> None:
    out = tmp_path / "e"
    arguments = [
        "extinction",
        "--runs",
        "12",
        "--horizon",
        "2026",
        "--out",
        str(out),
        "--parameters",
        "prior",
    ]
    first = CliRunner().invoke(app, [*arguments, "--no-figures"])
    assert first.exit_code == 0, first.output
    names = (
        "ladder",
        "survival",
        "rungs",
        "first_rung",
        "years_bought",
        "places_beyond",
        "benchmark",
        "early_warning",
    )
    held = {name: (out / f"{name}.csv").read_bytes() for name in names}
    assert json.loads((out / "manifest.json").read_text())["command"] == "extinction"
    assert "Benchmark" in first.output
    parts = {path: path.stat().st_mtime_ns for path in (out / "parts").iterdir()}
    again = CliRunner().invoke(app, [*arguments, "--quiet"])
    assert again.exit_code == 0, again.output
    assert {path: path.stat().st_mtime_ns for path in (out / "parts").iterdir()} == parts
    assert {name: (out / f"{name}.csv").read_bytes() for name in names} == held
    for name in ("survival", "ladder", "places_beyond"):
        assert (out / "figures" / f"{name}.png").stat().st_size > 10_000
    for row in rows_of(out / "rungs.csv"):
        if row["crossings"] == "0":
            assert row["chance"] == ""
            assert float(row["chance_high95"]) > 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["housin"], "housin"),
        (["--world", "towms"], "towms"),
        (["--horizon", "2014"], "--horizon 2014"),
        (["--set", "chy=1"], "chy"),
        (["--parameters", "posterio"], "posterio"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["extinction", *arguments, "--out", str(tmp_path / "e")])
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "e").exists()
