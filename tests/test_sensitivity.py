"""The sensitivity command: factors and outputs of the model, bad input, resuming, failures, what it writes."""

from __future__ import annotations

import _thread
import csv
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import experiments.sensitivity_runs as runs_module
from calibration.rating import index_of_results
from calibration.rating_simulated import RATING_COLUMNS
from experiments.command_line import app
from experiments.parameter_source import FROM_PRIORS, parameter_source
from experiments.sensitivity_factors import CALIBRATED, CHANCE, DUMMY, FactorSpace
from experiments.sensitivity_levers import InForce
from experiments.sensitivity_output_reader import read_outputs
from experiments.sensitivity_outputs import COST_CEILING, CostOutput, Region
from experiments.sensitivity_pool import build_pool
from experiments.sensitivity_runs import TownModel
from model.accounts import AccountsError
from model.engine import simulate
from model.founding import Founding
from model.parameters import ParameterSpace
from model.record import Record
from model.world import World
from tests.fake_simulation import fake_simulate

SHORT = (
    "--horizon", "2018", "--parameters", "prior", "--policy", "none", "--future", "none", "--structure", "none",
    "--no-figures",
)  # fmt: skip
POPULATION = ("-y", "population:bulaevo:2018")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are a quick function of seed and parameters."""
    monkeypatch.setattr(runs_module, "simulate", fake_simulate)
    monkeypatch.setattr(runs_module, "build_founding", lambda *_, **__: None)


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["sensitivity", *(str(argument) for argument in arguments)])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- factors and outputs -----------------------------------------------------------------------------------


def test_every_uncertain_parameter_is_a_factor(towns: World) -> None:
    space = FactorSpace(towns, 2045, 1, FROM_PRIORS, {"chi": 0.2})
    uncertain = {p.name for p in ParameterSpace(towns).parameters if p.prior is not None} - {"chi"}
    assert {f.name for f in space.factors} - {CHANCE, DUMMY} == uncertain
    assert {f.block for f in space.factors} == {
        "migration", "labour", "demography", "infrastructure", "zone", "outlook", CHANCE, DUMMY,
    }  # fmt: skip
    low, high = np.full(len(space.factors), 0.05), np.full(len(space.factors), 0.95)
    for name in uncertain:
        assert space.inputs(low).values[name] <= space.inputs(high).values[name], name
    assert space.inputs(low).values["chi"] == 0.2
    assert space.inputs(low).values["ppp"] == 0.0
    assert space.inputs(high).values["ppp"] == 1.0
    assert space.inputs(high).variant == 3
    only_dummy = low.copy()
    only_dummy[space.column[DUMMY]] = 0.7
    assert space.inputs(only_dummy) == space.inputs(low)
    only_chance = low.copy()
    only_chance[space.column[CHANCE]] = 0.7
    assert space.inputs(only_chance).seeds != space.inputs(low).seeds


def test_calibrated_parameters_enter_together(towns: World) -> None:
    source = parameter_source(towns, "towns", "posterior")
    assert source.draws is not None
    space = FactorSpace(towns, 2045, 1, source, {})
    assert CALIBRATED in space.column
    assert not set(source.draws.names) & set(space.names)
    row = np.full(len(space.factors), 0.5)
    row[space.column[CALIBRATED]] = (17 + 0.5) / len(source.draws)
    values = space.inputs(row).values
    seed = 1  # the order begins with the draw of that number
    for name, value in zip(source.draws.names, source.draws.values[17 + seed].tolist(), strict=True):
        assert values[name] == value
    # Intervals of PAWN hold one draw each, spread over all of them
    few = FactorSpace(towns, 2045, 1, source, {}, chance_sets=10)
    numbers = np.random.default_rng(1).random(500)
    rows = np.tile(row, (500, 1))
    rows[:, few.column[CALIBRATED]] = numbers
    found = {(int(u * 10), few.inputs(one).values["chi"]) for u, one in zip(numbers, rows, strict=True)}
    assert len(found) == len({value for _, value in found}) == 10


def test_policies_that_exclude_each_other_are_one_factor(towns: World) -> None:
    pool = build_pool(towns, 2045, (), (), ())
    space = FactorSpace(towns, 2045, 1, FROM_PRIORS, {}, pool.policies, pool.futures, known=pool.known)
    groups = space.lever_factors.groups
    assert ("commuter_link", "cross_border") in groups
    assert ("no_zone", "zone_as_declared", "zone_null") in groups
    assert ("settlers",) in groups
    assert "combined" not in {name for group in groups for name in group}
    high, low = (space.inputs(np.full(len(space.factors), u)) for u in (0.99, 0.01))
    # At the low end hardly anything of those with amounts, and nothing of the others
    assert "services_kept" not in {one.name for one in low.policies}
    assert all(one.amount == pytest.approx(0.015) for one in low.policies)
    assert low.future == "reference"
    assert {"cross_border", "zone_null", "settlers", "services_kept"} <= {one.name for one in high.policies}
    assert {one.amount for one in high.policies} <= {1.0, 0.99 * 1.5}
    assert high.future != "reference"
    levers = space.levers(high.policies, high.future)
    assert levers.settlers.any()
    assert not space.levers((), "reference").settlers.any()
    assert space.levers((InForce("settlers", 1.5),), "reference").settlers.max() == 15.0


def test_policies_that_outputs_compare_are_no_factors(towns: World) -> None:
    pool = build_pool(towns, 2045, (), (), ("cross_border",))
    names = {policy.name for policy in pool.policies}
    assert not names & {"cross_border", "commuter_link"}
    assert any("commuter_link" in note for note in pool.notes)


def test_outputs_are_those_of_the_record(small_world: World, small_founding: Founding) -> None:
    values = ParameterSpace(small_world).defaults()
    record = simulate(small_world, small_founding, values, np.uint64(5), None, 2030)
    corby = small_world.index("corby")
    people = record.column("population")

    def value(text: str, other: Record | None = None) -> float:
        (output,) = read_outputs([text], small_world, 2030, ("baseline", "settlers"))
        return output.value({"baseline": record, "settlers": other or record}, lambda _: np.zeros(15))

    assert value("population:corby:2029") == people[14, corby]
    assert value("population:corby") == people[15, corby]
    assert value("population:all:2020") == people[5].sum()
    moved = record.column("net_migration")[:, corby]
    assert value("net_migration:corby:2020-2024") == moved[5:10].sum()
    assert value("wage:corby:2020-2021") == pytest.approx(record.column("wage")[5:7, corby].mean())
    lowest = int(people[1:, corby].min())
    if lowest < people[0, corby]:
        assert value(f"crossing:corby:{people[0, corby]:.0f}:2030") in (0.0, 1.0)
        assert value(f"crossing:corby:{lowest + 1}:2030") == 1.0
    assert value(f"crossing:corby:{lowest}:2030") == 0.0
    other = simulate(small_world, small_founding, values, np.uint64(6), None, 2030)
    assert (
        value("effect:settlers:population:corby:2030", other)
        == other.column("population")[15, corby] - people[15, corby]
    )
    assert value("effect:settlers:population:corby:2030") == 0.0


def test_a_run_that_gains_nobody_is_dearer_than_any_price(
    small_world: World, small_founding: Founding
) -> None:
    record = simulate(
        small_world, small_founding, ParameterSpace(small_world).defaults(), np.uint64(5), None, 2030
    )
    (output,) = read_outputs(["cost:settlers:corby"], small_world, 2030, ("baseline", "settlers"))
    assert isinstance(output, CostOutput)
    spent = np.zeros(15)
    spent[11] = 50.0  # 2026: not discounted

    def price(gained: float, saved: bool = False) -> float:
        more = Record(2015, 2030, small_world.n_sim, small_world.n_all)
        more.values[:] = record.values
        more.column("population")[-1, small_world.index("corby")] += gained
        money = {"settlers": -spent if saved else spent, "baseline": np.zeros(15)}
        return output.value({"settlers": more, "baseline": record}, money.__getitem__)

    assert price(10.0) == pytest.approx(5.0)
    assert price(-3.0) == price(0.0) == price(0.001) == COST_CEILING
    assert np.isnan(price(10.0, saved=True))


def test_the_rating_is_the_index_of_the_run(small_world: World) -> None:
    pool = build_pool(small_world, 2032, ("none",), ("none",), ("settlers",))
    space = FactorSpace(
        small_world, 2032, 1, FROM_PRIORS, {}, pool.policies, pool.futures, 2, known=pool.known
    )
    texts = ["rating:corby:2024", "effect:settlers:rating:corby", "wage:corby:2024"]
    model = TownModel(space, read_outputs(texts, small_world, 2032, ("baseline", "settlers")))
    row = np.random.default_rng(1).random(len(space.factors))
    found = model(row)
    assert found.failure == ""
    corby, inputs = small_world.index("corby"), space.inputs(row)
    indices = []
    for policies in ((), ("settlers",)):
        levers, runs = space.levers(tuple(map(InForce, policies)), "reference"), []
        for seed in inputs.seeds:
            record = simulate(small_world, model.founding(inputs.variant), inputs.values, seed, levers, 2032)
            columns = {name: record.column(name)[None] for name in RATING_COLUMNS}
            growth = np.array([inputs.values["growth_kazakhstan"]])
            years = list(range(2015, 2033))
            runs.append(index_of_results(small_world, columns, years, growth, levers.home_wage)[0, :, corby])
        indices.append(np.mean(runs, axis=0))
    np.testing.assert_allclose(found.series[0, :-1], indices[0], rtol=0, atol=1e-12)
    assert found.values[0] == found.series[0, 2024 - 2015]
    assert np.isnan(found.series[0, -1])  # nothing closes the last year
    np.testing.assert_allclose(found.series[1, :-1], indices[1] - indices[0], rtol=0, atol=1e-12)
    assert found.values[1] == found.series[1, 2031 - 2015] != 0.0  # the settlers move it
    assert 0.0 < found.values[0] < 1.0
    assert model(np.random.default_rng(2).random(len(row))).values[0] != found.values[0]


def test_the_rating_compares_wages_with_those_of_the_region(small_world: World) -> None:
    (output,) = read_outputs(["rating:corby:2029"], small_world, 2030, ("baseline",))
    record = Record(2015, 2030, small_world.n_sim, small_world.n_all)
    record.values[:] = np.random.default_rng(3).uniform(0.2, 0.8, record.values.shape)
    record.column("wage")[:] = 175_000.0  # inside the band of the indicator

    def index(growth: float, factor: float = 1.0) -> float:
        region = {"baseline": Region(growth, np.full(15, factor))}
        return output.value({"baseline": record}, lambda _: np.zeros(15), region)

    assert index(0.0) > index(0.02) > index(0.02, 1.2)  # the same wage in a richer region
    with pytest.raises(ValueError, match="growth of wages"):
        output.value({"baseline": record}, lambda _: np.zeros(15))


def test_rows_of_the_real_model_are_paired_and_pure(small_world: World) -> None:
    pool = build_pool(small_world, 2032, ("none",), ("none",), ("settlers",))
    space = FactorSpace(
        small_world, 2032, 1, FROM_PRIORS, {}, pool.policies, pool.futures, 2, known=pool.known
    )
    texts = ["population:corby:2032", "effect:settlers:population:corby:2032", "cost:settlers:all:2032"]
    model = TownModel(space, read_outputs(texts, small_world, 2032, ("baseline", "settlers")))
    row = np.random.default_rng(1).random(len(space.factors))
    found = model(row)
    again = TownModel(space, model.outputs)(row)
    np.testing.assert_array_equal(found.values, again.values)
    np.testing.assert_array_equal(found.series, again.series)
    assert found.failure == ""
    assert found.values[1] > 0.0  # ten families a year settle in the one town
    assert 0.0 < found.values[2] < COST_CEILING
    assert (found.series[1, : 2027 - 2015 + 1] == 0.0).all()  # nothing before the programme: the same chance
    changed = row.copy()
    changed[space.column[DUMMY]] = 1.0 - row[space.column[DUMMY]]
    np.testing.assert_array_equal(model(changed).values, found.values)


# --- bad input ---------------------------------------------------------------------------------------------

BAD = {
    "unknown output": (("-y", "populaton:bulaevo"), "unknown output 'populaton'; nearest valid name: 'population'"),
    "unknown place": (("-y", "population:bulayevo"), "unknown place 'bulayevo'.*bulaevo"),
    "outside place": (("-y", "population:omsk"), "'omsk' is only seen from outside"),
    "no place": (("-y", "population"), "expected population:PLACE"),
    "year beyond the horizon": (("-y", "population:bulaevo:2030"), "year 2030: expected 2015 to 2018"),
    "flow in the last year": (("-y", "births:bulaevo:2018"), "year 2018: expected 2015 to 2017"),
    "rate of all places": (("-y", "wage:all:2017"), "cannot be added up over places"),
    "span of a stock": (("-y", "population:bulaevo:2016-2018"), "stock of 1 January"),
    "count of the start": (("-y", "population:bulaevo:2015"), "cannot vary: on 1 January 2015"),
    "crossed already": (("-y", "crossing:tayynsha:100000"), "cannot vary: it has .* below it already"),
    "unknown rung": (("-y", "crossing:bulaevo:primary_care_center"), "did you mean|nearest valid name"),
    "constant in trial runs": (("-y", "crossing:bulaevo:50"), "constant: 0 in all 32 trial runs"),
    "policy against itself": (("-y", "effect:settlers/settlers:population:all:2018"), "compared with itself"),
    "unknown policy": (("-y", "effect:setlers:population:all:2018"), "unknown policy 'setlers'.*settlers"),
    "rating of all places": (("-y", "rating:all:2017"), "a rating needs one place"),
    "rating of a year that does not close": (("-y", "rating:bulaevo:2018"), "year 2018: expected 2015 to 2017"),
    "rating without a place": (("-y", "rating"), "expected rating:PLACE or rating:PLACE:YEAR"),
    "effect of an effect": (("-y", "effect:settlers:cost:settlers:all"), "expected effect:POLICY:COLUMN"),
    "too few blocks": (("--base", "16"), "--base 16: too few runs to tell factors apart, expected at least 32"),
    "no power of two": (("--base", "100"), "--base 100: .* powers of two; expected 64 or 128"),
    "too few trajectories": (("--trajectories", "2"), "--trajectories 2: too few runs to screen"),
    "unknown factor": (("--factors", "beta_Y1"), "--factors beta_Y1: unknown factor; nearest valid name: 'beta_y'"),
    "factor without range": (("--factors", "loss_years"), "loss_years has no range: it is a rule fixed at 3"),
    "factor fixed": (("--factors", "chi", "--set", "chi=0.2"), "chi is fixed by --set at 0.2: it has no range"),
    "value out of range": (("--set", "chi=7"), "chi = 7 is outside its range"),
    "horizon": (("--horizon", "2010"), "must lie in 2016 to 2100"),
    "no such future": (("--future", "russia_opn"), "unknown future 'russia_opn'.*russia_open"),
    "no such policy": (("--policy", "houses"), "unknown policy 'houses'"),
}  # fmt: skip


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_told_before_the_first_run(folder: Path, case: str) -> None:
    arguments, message = BAD[case]
    given = list(SHORT)
    for option in ("--policy", "--future"):
        if option in arguments:
            del given[given.index(option) : given.index(option) + 2]
    if "-y" not in arguments and "--horizon" not in arguments:
        arguments = (*POPULATION, *arguments)
    result = qyzyljar("sobol", *given, *arguments)
    assert result.exit_code == 2, result.output
    assert re.search(message, result.stderr), result.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("fake")
def test_all_faults_of_outputs_are_told_at_once(folder: Path) -> None:
    result = qyzyljar(
        "morris", *SHORT, "-y", "wages:bulaevo", "-y", "population:omsk", "-y", "crossing:bulaevo:x"
    )
    assert result.exit_code == 2
    assert len(re.findall("--output ", result.stderr)) == 3


@pytest.mark.usefixtures("fake")
def test_a_calibrated_parameter_is_not_told_apart_under_the_posterior(folder: Path) -> None:
    posterior = [*SHORT]
    posterior[posterior.index("prior")] = "posterior"
    result = qyzyljar("sobol", *posterior, *POPULATION, "--factors", "chi")
    assert result.exit_code == 2
    assert "name the factor 'calibrated', or take --parameters prior" in result.stderr


def test_every_command_has_its_help() -> None:
    for name in ("morris", "sobol", "pawn"):
        text = qyzyljar(name, "--help").stdout
        assert f"Example: qyzyljar sensitivity {name}" in text
        for option in ("--output", "--world", "--horizon", "--seed", "--out", "--parameters", "--quiet"):
            assert option in text


# --- running -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fake")
def test_sobol_screens_first_and_finds_what_moves_the_stand_in(folder: Path) -> None:
    """The stand-in's figures are chi (uniform on 0 to 1/2) plus uniform chance: shares of 1/5 and 4/5."""
    arguments = ("sobol", *SHORT, "-y", "wage:bulaevo:2017", "--base", "256", "--no-stop", "--out", "here")
    result = qyzyljar(*arguments, "--trajectories", "4", "--most", "3")
    assert result.exit_code == 0, result.output
    found = {
        (row["set"], row["factor"], row["index"]): row for row in rows_of(folder / "here" / "summary.csv")
    }
    for factor, share in (("chi", 0.2), (CHANCE, 0.8)):
        row = found["factor", factor, "ST"]
        assert float(row["value"]) == pytest.approx(share, abs=0.12)
        assert float(row["low95"]) < share < float(row["high95"])
    for factor in ("all others", DUMMY):
        assert float(found["factor", factor, "ST"]["value"]) == 0.0
    assert float(found["block", "labour", "ST"]["value"]) == float(found["factor", "chi", "ST"]["value"])
    assert float(found["block", "zone", "ST"]["value"]) == 0.0
    groups = {row["group"] for row in rows_of(folder / "here" / "factors.csv")}
    assert groups == {"chi", "all others", CHANCE, DUMMY}
    assert "Screening: 4 trajectories" in result.stdout
    assert "Chance alone or with others:" in result.stdout
    assert "ALARM" not in result.stdout
    manifest = json.loads((folder / "here" / "manifest.json").read_text())
    assert manifest["design"]["groups"]["chi"] == ["chi"]
    assert {row["year"] for row in rows_of(folder / "here" / "over_time.csv")} == {"2015", "2016", "2017"}
    assert (folder / "here" / "screening" / "summary.csv").is_file()
    # Nothing is run again
    assert qyzyljar(*arguments, "--trajectories", "4", "--most", "3").exit_code == 0
    refused = qyzyljar(*arguments, "--trajectories", "4", "--most", "3", "--seed", "9")
    assert refused.exit_code == 2
    assert "holds another design" in refused.stderr


@pytest.mark.usefixtures("fake")
def test_it_stops_when_the_ranking_is_stable(folder: Path) -> None:
    arguments = (
        "sobol",
        *SHORT,
        "-y",
        "wage:bulaevo:2017",
        "--factors",
        "chi",
        "--no-interactions",
        "--no-blocks",
    )
    result = qyzyljar(*arguments, "--base", "1024", "--out", "here")
    assert result.exit_code == 0, result.output
    assert "The ranking was stable before all blocks were run" in result.stdout
    (blocks,) = {row["blocks"] for row in rows_of(folder / "here" / "summary.csv")}
    assert int(blocks) == 128


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("method", "option", "number"),
    [("morris", "--trajectories", "6"), pytest.param("pawn", "--runs", "1500", marks=pytest.mark.slow)],
)
def test_morris_and_pawn_tell_chi_and_chance_from_the_rest(
    folder: Path, method: str, option: str, number: str
) -> None:
    result = qyzyljar(method, *SHORT, "-y", "wage:bulaevo:2017", option, number, "--out", "here")
    assert result.exit_code == 0, result.output
    name = {"morris": "mu_star", "pawn": "median_distance"}[method]
    values = {
        row["factor"]: float(row["value"])
        for row in rows_of(folder / "here" / "summary.csv")
        if row["index"] == name
    }
    assert sorted(values, key=lambda factor: -values[factor])[:2] in ([CHANCE, "chi"], ["chi", CHANCE])
    if method == "morris":
        assert values[DUMMY] == 0.0
        assert values["beta_y"] == 0.0


def test_ctrl_c_keeps_complete_parts_and_resuming_gives_the_same_tables(
    folder: Path, fake: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("pawn", *SHORT, *POPULATION, "--runs", "480")
    started = 0

    def interrupted(*given: object) -> Record:
        nonlocal started
        started += 1
        if started == 250:
            _thread.interrupt_main()
        time.sleep(0.0 if started < 250 else 0.05)
        return fake_simulate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(runs_module, "simulate", interrupted)
    result = qyzyljar(*arguments, "--out", "here")
    assert result.exit_code == 130, result.output
    assert re.search(r"stopped; \d+ runs are complete in here; repeat the same command", result.stderr)
    kept = [path.name for path in (folder / "here" / "parts").iterdir()]
    assert 1 <= len(kept) < 10
    (folder / "here" / "parts" / kept[0]).write_bytes(b"PAR1")
    monkeypatch.setattr(runs_module, "simulate", fake_simulate)
    again = qyzyljar(*arguments, "--out", "here")
    assert again.exit_code == 0, again.output
    assert f"{kept[0]}: damaged" in again.stderr
    assert qyzyljar(*arguments, "--out", "whole", "--threads", "1").exit_code == 0
    for name in ("summary.csv", "over_time.csv"):
        assert (folder / "here" / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_runs_that_fail_are_named_left_out_and_too_many_refused(
    folder: Path, fake: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("pawn", *SHORT, *POPULATION, "--runs", "400")

    def failing(every: int):  # type: ignore[no-untyped-def]
        def run(world: World, founding: Founding, values: object, seed: np.uint64, *rest: object) -> Record:
            if int(values["beta_y"] * 1e6) % every == 0:  # type: ignore[index]
                raise AccountsError("year 2016: the accounts of bulaevo do not close")
            return fake_simulate(world, founding, values, seed, *rest)  # type: ignore[arg-type]

        return run

    monkeypatch.setattr(runs_module, "simulate", failing(60))
    result = qyzyljar(*arguments, "--out", "few")
    assert result.exit_code == 0, result.output
    failures = rows_of(folder / "few" / "failures.csv")
    assert 1 <= len(failures) <= 20
    assert failures[0]["reason"] == "AccountsError: year 2016: the accounts of bulaevo do not close"
    assert f"{len(failures)} blocks with a run that failed are left out" in result.stdout
    monkeypatch.setattr(runs_module, "simulate", failing(6))
    refused = qyzyljar(*arguments, "--out", "many")
    assert refused.exit_code == 1, refused.output
    assert "no index is given" in refused.stderr
    assert not (folder / "many" / "summary.csv").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("fake")
def test_figures_are_drawn(folder: Path) -> None:
    arguments = [argument for argument in SHORT if argument != "--no-figures"]
    result = qyzyljar(
        "sobol", *arguments, "-y", "wage:bulaevo:2017", "--base", "32", "--trajectories", "4", "--out", "here"
    )
    assert result.exit_code == 0, result.output
    kinds = {path.name.partition("-wage")[0] for path in (folder / "here" / "figures").glob("*.png")}
    assert kinds == {"tornado", "over-time", "interactions", "blocks"}
    screened = {
        path.name.partition("-wage")[0] for path in (folder / "here" / "screening" / "figures").glob("*.png")
    }
    assert screened == {"tornado", "over-time", "morris-plane"}
    text = (folder / "here" / "figures" / "tornado-wage-bulaevo-2017.svg").read_text()
    for shown in ("chance", "dummy", "chi", "all others"):
        assert shown in text
