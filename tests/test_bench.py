"""`qyzyljar bench`: what is refused, what is written, and the arithmetic of its figures (never its speed)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import experiments.bench as bench
from experiments import bench_growth, bench_machine, bench_peers, bench_speed
from experiments.bench_growth import Growth, fixed_cost, growth_sheet, net_costs, spread, world_of_size
from experiments.bench_peers import Contest, find_reference, measure_peers, peers_sheet
from experiments.bench_sheets import Sheet, verdict
from experiments.command_line import app
from experiments.failures import BadInput, RunFailure
from model.engine import Engine, simulate
from model.founding import Founding
from model.world import World, load_world


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def size_of(people: int, runs: tuple[float, ...], memory: float | None = 10.0) -> Growth:
    steps = tuple(min(runs) * share for share in (0.1, 0.3, *[0.0] * 10, 0.6))
    return Growth(people, 30.0 * people, runs, 0.5, steps, memory)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Measurements replaced by fixed figures; the list names those that were taken."""
    taken: list[str] = []

    def section(name: str) -> Any:
        def measure(options: bench.BenchOptions, console: object) -> bench.Section:
            taken.append(name)
            sheet = Sheet(f"{name} of {options.world}", ("what", "value"), [(name, "1")])
            return bench.Section({name: 1}, [sheet], [f"line of {name}"])

        return measure

    for name in ("speed", "growth", "peers", "chance"):
        monkeypatch.setattr(bench, f"_{name}", section(name))
    monkeypatch.setattr(bench_peers, "find_reference", lambda: simulate)
    return taken


# --- the command -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sections"),
    [
        ((), ["speed"]),
        (("--growth",), ["growth"]),
        (("--peers", "--chance", "--growth"), ["growth", "peers", "chance"]),
    ],
)
def test_json_holds_what_was_measured_with_machine_date_and_versions(
    quick: list[str], arguments: tuple[str, ...], sections: list[str]
) -> None:
    result = qyzyljar("bench", "--json", *arguments)
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert quick == sections
    assert [name for name in ("speed", "growth", "peers", "chance") if name in record] == sections
    assert record["date"].endswith("+00:00")
    assert record["machine"]["cores"] >= 1
    assert record["versions"]["numpy"] == np.__version__
    assert record["commit"] is None or len(record["commit"].rstrip("+")) == 12
    assert len(record["model_source"]) == 16


def test_tables_and_folder(quick: list[str], tmp_path: Path) -> None:
    result = qyzyljar("bench", "--growth", "--out", tmp_path / "deep" / "bench")
    assert "growth of towns" in result.stdout
    assert "line of growth" in result.stdout
    folder = tmp_path / "deep" / "bench"
    assert json.loads((folder / "bench.json").read_text())["growth"] == 1
    assert "| what | value |" in (folder / "bench.md").read_text()
    assert qyzyljar("bench", "--quiet").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--growth", "--world", "region"), "--growth: measured in world 'towns' only"),
        (("--world", "town"), "nearest valid name: 'towns'"),
        (("--chance", "--pairs", "1"), "'--pairs'"),
        (("--out", "/dev/null/here"), "is a file, expected a folder"),
    ],
)
def test_bad_input_is_refused_before_anything_is_measured(
    quick: list[str], arguments: tuple[str, ...], message: str
) -> None:
    result = qyzyljar("bench", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert quick == []


# --- where it was measured ---------------------------------------------------------------------------------


def test_outside_a_checkout_there_is_no_commit_and_no_peers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench_machine, "PROJECT", tmp_path)
    monkeypatch.setattr(bench_peers, "PROJECT", tmp_path)
    assert bench_machine.commit() is None
    result = qyzyljar("bench", "--peers")
    assert result.exit_code == 2
    assert "only a checkout of the project holds" in result.stderr
    assert str(tmp_path) in result.stderr


def test_a_checkout_without_the_reference_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_peers, "REFERENCE_MODULE", "tests.small_world")
    with pytest.raises(BadInput, match=r"tests\.small_world\.simulate_reference"):
        find_reference()


def test_the_reference_of_this_checkout_is_found() -> None:
    assert find_reference().__name__ == "simulate_reference"


def test_the_page_names_commands_that_exist() -> None:
    page = (bench_machine.PROJECT / "docs" / "performance.md").read_text(encoding="utf-8")
    offered = qyzyljar("bench", "--help").stdout
    named = set(re.findall(r"`qyzyljar bench (--[a-z]+)", page)) | {"--json", "--out"}
    assert named == {"--growth", "--peers", "--chance", "--json", "--out"}
    assert all(option in offered for option in named)
    for name in re.findall(r"\]\((performance/[a-z.]+)\)", page):
        assert (bench_machine.PROJECT / "docs" / name).is_file()


def test_the_provenance_fits_in_a_line() -> None:
    line = bench_machine.describe(bench_machine.provenance())
    assert "\n" not in line
    assert bench_machine.processor() in line


# --- speed -------------------------------------------------------------------------------------------------


def test_net_and_fixed_cost_are_those_of_the_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of 30 ms and 40 ns a person-year, whatever its size; every second run is disturbed."""
    turns = iter(range(10_000))

    def timed(world: World, founding: Founding, values: object, seed: int) -> tuple[list[float], float]:
        person_years = 30.0 * founding.n_people
        step = (0.03 + 40e-9 * person_years) / 361
        disturbed = next(turns) % 2
        return [step * (1.0 + 0.5 * disturbed)] * 361, person_years

    monkeypatch.setattr(bench_speed, "timed_run", timed)
    for name in ("template", "towns", "region"):
        speed = bench_speed.measure_speed(name, 1, rounds=2)
        assert speed.world == name
        assert speed.net_nanoseconds == pytest.approx(40.0)
        assert speed.fixed_milliseconds == pytest.approx(1.0)
        assert sum(speed.phases.values()) + speed.opening == pytest.approx(speed.seconds)


def test_worlds_are_measured_beside_sizes_of_themselves() -> None:
    assert bench_speed.compared_sizes(load_world("towns")) == (33_645, 8_000)
    people, *cuts = bench_speed.compared_sizes(load_world("region"))
    assert people > 500_000
    assert cuts == [8_000, 34_000]
    own, double = bench_speed.compared_sizes(load_world("template"))
    assert double == 2 * own


# --- growth ------------------------------------------------------------------------------------------------


def test_the_fixed_cost_of_a_straight_line_is_its_intercept() -> None:
    sizes = [size_of(people, (0.012 + 30 * people * 40e-9, 9.0)) for people in (4000, 8000, 15000, 34000)] + [
        size_of(1_000_000, (0.012 + 30e6 * 50e-9,))
    ]
    assert fixed_cost(sizes) == pytest.approx(0.012)
    assert net_costs(sizes) == pytest.approx([40e-9] * 4 + [50e-9])
    assert spread(sizes) == pytest.approx(0.25)
    text = growth_sheet(sizes).markdown()
    assert "25% above cheapest" in text
    assert "at most 30%: met" in text


def test_a_single_size_shows_no_fixed_cost() -> None:
    with pytest.raises(ValueError, match="two sizes"):
        fixed_cost([size_of(4000, (0.1,))])


def test_the_verdict_on_twenty_million_people() -> None:
    small = [size_of(4000, (0.02,)), size_of(34000, (0.05,))]
    good = growth_sheet([*small, size_of(20_000_000, (50.0,), 3000.0)]).notes[-1]
    assert good.count("met") == 2
    bad = growth_sheet([*small, size_of(20_000_000, (70.0,), 5000.0)]).notes[-1]
    assert bad.count("missed") == 2
    unknown = growth_sheet([*small, size_of(20_000_000, (50.0,), None)]).notes[-1]
    assert unknown.count("missed") == 1, "memory that nobody measured is not a target met"


@pytest.mark.parametrize("people", [2000, 34_000, 50_000])
def test_a_world_of_any_size_keeps_its_rates(people: int) -> None:
    world, founding = world_of_size(people)
    whole, _ = world_of_size(33_645)
    assert founding.n_people == pytest.approx(people, rel=bench_growth.UNSCALED)
    for rate in ("founding_births", "founding_deaths"):
        scaled = getattr(world, rate) / world.founding_population
        assert scaled == pytest.approx(getattr(whole, rate) / whole.founding_population, rel=0.01)


def test_one_size_is_measured_in_this_process() -> None:
    size = bench_growth.measure_size(1000, 1, 2)
    assert size.people == pytest.approx(1000, abs=3)
    assert len(size.runs) == 2
    assert size.seconds == min(size.runs) > size.opening
    assert size.person_years > 25 * 1000 * 0.5
    assert size.quiet == pytest.approx(size.opening + sum(size.phases))
    assert 0.3 * size.seconds < size.quiet < 1.001 * size.seconds
    assert len(size.steps) == 1 + bench_growth.PHASES * 30
    assert len(Engine.PLAN) == bench_growth.PHASES


def test_a_size_that_fails_in_its_process_names_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RunFailure, match="measuring 4,000 people failed with exit code 1"):
        bench_growth.measure_growth(1, (4000,), 1)


def test_rounds_are_joined_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def one(people: int, seed: int) -> Growth:
        asked.append(people)
        turn = len(asked)
        return Growth(people, 1.0, (1.0 / turn,), 0.5, (float(turn), 10.0 - turn), float(turn))

    monkeypatch.setattr(bench_growth, "_in_fresh_process", one)
    small, large = bench_growth.measure_growth(1, (4000, 20_000_000), rounds=2)
    assert asked == [4000, 20_000_000, 4000, 20_000_000]
    assert small.runs == (1.0, 1 / 3)
    assert small.steps == (1.0, 7.0)
    assert small.quiet == 8.0
    assert large.memory == 4.0


def test_phases_are_summed_over_the_years() -> None:
    steps = (5.0, *(float(phase) for _ in range(3) for phase in range(bench_growth.PHASES)))
    size = Growth(1, 1.0, (1.0,), 0.0, steps, None)
    assert size.opening == 5.0
    assert size.phases == tuple(3.0 * phase for phase in range(bench_growth.PHASES))


# --- peers -------------------------------------------------------------------------------------------------


def test_all_contestants_run_by_turns_on_the_same_world() -> None:
    order: list[str] = []

    def stand_in(world: Any, founding: Any, values: Any, seed: Any, levers: Any, horizon: int) -> object:
        order.append(f"{founding.n_people} people to {horizon}")
        return simulate(world, founding, values, seed, levers, horizon)

    (contest,) = measure_peers(stand_in, 1, sizes=(1000,), turns=2)
    assert order == [f"{contest.people} people to 2045"] * 2
    assert {name: len(taken) for name, taken in contest.seconds.items()} == {
        "engine": 20, "reference": 2, "mesa do": 10, "mesa shuffle_do": 10,
    }  # fmt: skip
    assert 0.3 < contest.ratio("reference") < 3.0, "the stand-in is the engine itself"
    assert contest.person_years > 25 * 1000 * 0.5


def test_ratios_and_bounds_of_a_contest() -> None:
    seconds = {
        "engine": (1.0, 2.0, 3.0), "reference": (100.0, 300.0), "mesa do": (0.5,), "mesa shuffle_do": (0.7,),
    }  # fmt: skip
    contest = Contest(34_000, 30, 1e6, seconds, 18.0, (0.1, 0.05), 10**9)
    assert contest.ratio("reference") == pytest.approx(100.0)
    assert contest.ratio("reference", best=True) == pytest.approx(100.0)
    assert contest.bandwidth == pytest.approx(2e10)
    assert contest.bound == pytest.approx(36.0 / 2e10)
    text = peers_sheet([contest]).markdown()
    assert "100 times object agents by medians" in text
    assert "target 60: met" in text


def test_the_columns_of_a_person_are_counted_with_the_household_s() -> None:
    founding = SimpleNamespace(
        people=(np.empty(0, np.uint64), np.empty(0, np.uint8)),
        households=(np.empty(0, np.uint64),),
        n_people=30,
        n_households=10,
    )
    assert bench_peers.row_bytes(founding) == pytest.approx(9 + 8 / 3)  # type: ignore[arg-type]


def test_mesas_trivial_agents_grow_older() -> None:
    model = bench_peers.trivial_model(50)
    model.agents.do("step")
    model.agents.shuffle_do("step")
    assert [agent.age for agent in model.agents] == [2] * 50


# --- tables ------------------------------------------------------------------------------------------------


def test_a_sheet_is_the_same_in_the_terminal_and_in_markdown() -> None:
    sheet = Sheet("Title", ("a", "b"), [("x", "1"), ("y", "2")], notes=("one", "two"))
    assert (
        sheet.markdown() == "**Title**\n\n| a | b |\n| --- | ---: |\n| x | 1 |\n| y | 2 |\n\none  \ntwo  \n"
    )
    assert sheet.table().row_count == 2


def test_a_verdict_is_strict_about_what_is_unknown() -> None:
    assert verdict(60.0, 60.0) == "met"
    assert verdict(59.9, 60.0) == "missed"
    assert verdict(0.3, 0.3, at_most=True) == "met"
    assert verdict(float("nan"), 1.0, at_most=True) == "missed"
