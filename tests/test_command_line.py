"""The command `qyzyljar`: exit codes, messages, what is written and what is not."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import experiments.ensemble
from experiments.command_line import app
from model.accounts import AccountsError
from model.parameters import ParameterSpace
from model.reference_tables import extinction_ladder
from model.world import load_world
from tests.fake_simulation import use_fake_runs
from tests.own_world import copy_of_template, edit
from tests.test_ensemble import tables

PROJECT = Path(__file__).resolve().parent.parent
PROGRAM = [sys.executable, "-c", "from experiments.command_line import main; main()"]
SHORT = ("--horizon", "2017", "--no-figures")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def qyzyljar(*arguments: str | Path) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def start(*arguments: str | Path, cwd: Path, limit: str = "") -> subprocess.Popen[str]:
    """Start the command in a process of its own, as a user does, after a line of Python (`limit`)."""
    program = [*PROGRAM[:-1], f"{limit}\n{PROGRAM[-1]}"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        [*program, *(str(argument) for argument in arguments)],
        cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for_parts(out: Path, number: int, process: subprocess.Popen[str]) -> None:
    while len(list((out / "parts").glob("part-*.parquet"))) < number:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)


def written(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


# --- starting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("--help",), ("forecast", "--help"), ("bench", "--help")])
def test_help_starts_without_the_heavy_imports(arguments: tuple[str, ...]) -> None:
    check = (
        "import sys\nfrom experiments.command_line import main\ntry:\n    main()\nfinally:\n"
        "    print([m for m in ('numba', 'numpy', 'mesa', 'scipy', 'pandas', 'matplotlib', 'duckdb')"
        " if m in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", check, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    if len(arguments) > 1:
        assert f"Example: qyzyljar {arguments[0]}" in done.stdout
        for option in ("--world", "--seed", "--out", "--quiet"):
            assert option in done.stdout


def test_the_installed_command_is_this_one() -> None:
    assert 'qyzyljar = "experiments.command_line:main"' in (PROJECT / "pyproject.toml").read_text()


# --- bad input ---------------------------------------------------------------------------------------------

BAD_INPUT = {
    "misspelt parameter": (("--set", "beta_Y1=0.5"), "unknown parameter 'beta_Y1'; did you mean 'beta_y'"),
    "misspelt place of a parameter": (("--set", "omega.bulayevo=1"), "did you mean 'omega.bulaevo'"),
    "value out of range": (("--set", "chi=1.5"), "chi = 1.5 is outside its range 0 to 1"),
    "text for a number": (("--set", "chi=much"), "'much' is not a number"),
    "no value": (("--set", "chi"), "expected name=value"),
    "not a number": (("--set", "chi=nan"), "chi = nan is outside its range"),
    "unknown world": (("--world", "town"), "unknown world 'town'; nearest valid name: 'towns'"),
    "no such world file": (("--world", "mine.toml"), "no such file"),
    "no runs": (("--runs", "0"), "'--runs': Input should be greater than or equal to 1"),
    "text for runs": (("--runs", "many"), "'--runs': Input should be a valid integer"),
    "no threads": (("--threads", "0"), "'--threads': Input should be greater than or equal to 1"),
    "horizon before the start": (("--horizon", "2010"), "must lie in 2016 to 2100"),
    "horizon at the start": (("--horizon", "2015"), "must lie in 2016 to 2100"),
    "horizon too far": (("--horizon", "2101"), "must lie in 2016 to 2100"),
    "misspelt option": (("--run", "5"), "No such option: --run"),
    "out below a file": (("--out", "/dev/null/here"), "is a file, expected a folder"),
    "out that cannot be made": (("--out", "/proc/here"), "--out /proc/here"),
    "JSON of nothing": (("--json",), "--json goes with --list-parameters"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_told_and_nothing_is_written(folder: Path, case: str) -> None:
    arguments, message = BAD_INPUT[case]
    result = qyzyljar("forecast", *arguments)
    told = re.sub(r"[\s│]+", " ", result.stderr)  # usage errors stand in a frame
    assert result.exit_code == 2, result.output
    assert message in told
    assert "Traceback" not in told
    assert result.stdout == ""
    assert written(folder) == []


def test_all_faults_of_parameters_are_told_at_once(folder: Path) -> None:
    result = qyzyljar("forecast", "--set", "chi=7", "--set", "psy=0.3")
    assert result.exit_code == 2
    assert "chi = 7" in result.stderr
    assert "unknown parameter 'psy'; did you mean 'psi'" in result.stderr
    assert written(folder) == []


def test_unknown_commands_are_refused(folder: Path) -> None:
    assert qyzyljar("forcast").exit_code == 2
    assert written(folder) == []


WORLD_FAULTS = {
    "unknown place": ("own.toml", "[places.petropavlovsk]", "[places.petropavlovks]", "'petropavlovsk'"),
    "missing column": ("accounts.csv", ",unit,", ",units,", "column 'unit' is missing"),
    "text in a number": ("drivers.csv", ",2016,", ",2016,x", "expected a number"),
    "gap in a driver": ("drivers.csv", ",2016,", ",2031,", "fill a gap with a row"),
}  # fmt: skip


@pytest.mark.parametrize("case", WORLD_FAULTS)
def test_faults_of_a_users_world_are_told_with_their_place(folder: Path, case: str) -> None:
    name, old, new, message = WORLD_FAULTS[case]
    path = copy_of_template(folder)
    edit(path, name, old, new)
    before = written(folder)
    result = qyzyljar("forecast", "--world", path)
    assert result.exit_code == 2
    assert message in result.stderr
    assert name in result.stderr
    assert written(folder) == before


def test_a_folder_without_permission_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # tests may run as root, who may write anywhere
    result = qyzyljar("forecast", "--out", "closed")
    assert result.exit_code == 2
    assert "no permission to write" in result.stderr
    assert written(folder) == []


# --- a forecast --------------------------------------------------------------------------------------------


def test_a_forecast_prints_its_tables_and_writes_its_folder(folder: Path) -> None:
    arguments = ("forecast", "--runs", "12", "--horizon", "2022", "--no-figures", "--out", "here")
    result = qyzyljar(*arguments)
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert "12 runs" in text
    assert "Parameters: posterior of world 'towns' (" in text
    for part in (
        *load_world("towns").names("en")[:4],
        "All together",
        "Known limits: wages known of two towns only",
    ):
        assert part in text
    bulaevo = text[text.index("Bulaevo") : text.index("Mamlyutka")]
    assert re.search(r"Population 1 January 2015 +7,644\n", bulaevo)
    assert re.search(r"Population 1 January 2021 +[\d,]+ +[\d,]+-[\d,]+ +[\d,]+-[\d,]+ +7,653\n", bulaevo)
    assert re.search(r"Population 1 January 2022 +[\d,]+ +[\d,]+-[\d,]+ +[\d,]+-[\d,]+ *\n", bulaevo)
    assert re.search(r"Net migration/year 2015-2020 .* \+11\n", bulaevo)
    assert "Net migration/year 2021-2021" in bulaevo
    assert "Leavers to Russia, %" in bulaevo
    assert "Leavers to centres, %" in bulaevo
    for rung in extinction_ladder():
        assert f"{rung.persons:,}" in bulaevo
    assert re.search(r"10,000 legal town floor +already", bulaevo)
    assert re.search(r" 50 dissolution +under 24 %", bulaevo)
    assert sorted(path.name for path in (folder / "here").iterdir() if path.name[0] != ".") == [
        "flows", "manifest.json", "parameters", "parts", "pyramids", "rating.csv", "summary.csv", "views.sql",
    ]  # fmt: skip
    assert [path.name for path in sorted((folder / "here" / "parts").iterdir())] == [
        "part-000000.parquet", "part-000001.parquet",
    ]  # fmt: skip
    manifest = json.loads((folder / "here" / "manifest.json").read_text())
    assert manifest["design"]["horizon"] == 2022
    before = {path: path.stat().st_mtime_ns for path in (folder / "here" / "parts").iterdir()}
    assert qyzyljar(*arguments).stdout == text
    assert {path: path.stat().st_mtime_ns for path in (folder / "here" / "parts").iterdir()} == before


def test_a_quiet_forecast_prints_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)
    result = qyzyljar("forecast", "--runs", "3", *SHORT, "--quiet")
    assert (result.exit_code, result.output) == (0, "")
    (out,) = (folder / "results").iterdir()
    identity = json.loads((out / "manifest.json").read_text())["identity"]
    assert out.name == f"forecast-towns-2017-{identity[:10]}"


def test_another_design_in_the_folder_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)
    assert qyzyljar("forecast", "--runs", "2", *SHORT, "--out", "here", "--quiet").exit_code == 0
    before = {path: path.stat().st_mtime_ns for path in written(folder)}
    result = qyzyljar("forecast", "--runs", "2", *SHORT, "--out", "here", "--set", "chi=0.25", "--seed", "9")
    assert result.exit_code == 2
    assert "holds another design" in result.stderr
    assert "seed: there 1, asked 9" in result.stderr
    assert "set chi: there nothing, asked 0.25" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in written(folder)} == before


def test_damaged_parts_are_named_and_redone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)
    arguments = ("forecast", "--runs", "15", *SHORT, "--out", "here")
    first = qyzyljar(*arguments)
    path = folder / "here" / "parts" / "part-000001.parquet"
    path.write_bytes(path.read_bytes()[:900])
    again = qyzyljar(*arguments)
    assert again.exit_code == 0
    assert again.stdout == first.stdout
    assert "part-000001.parquet: damaged" in again.stderr


def test_a_users_world_is_forecast(folder: Path) -> None:
    path = copy_of_template(folder)
    result = qyzyljar("forecast", "--world", path, "--runs", "2", *SHORT, "--out", "here")
    assert result.exit_code == 0, result.output
    assert "Samplestead" in result.stdout


def test_many_places_are_shown_with_a_row_each(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)
    result = qyzyljar(
        "forecast", "--world", "region", "--runs", "2", "--horizon", "2031", "--no-figures", "--out", "here"
    )
    assert result.exit_code == 0, result.output
    assert len(re.findall(r"^Tayynsha ", result.stdout, re.MULTILINE)) == 5
    assert len(re.findall(r"^All together ", result.stdout, re.MULTILINE)) == 2
    assert max(len(line) for line in result.stdout.splitlines()) <= 140


def test_parameters_are_listed_with_unit_prior_and_source(folder: Path) -> None:
    table = qyzyljar("forecast", "--list-parameters")
    listed = json.loads(qyzyljar("forecast", "--list-parameters", "--json").stdout)
    space = ParameterSpace(load_world("towns"))
    assert [row["name"] for row in listed] == [parameter.name for parameter in space.parameters]
    assert all(row["unit"] and row["source"] and row["kind"] and row["meaning"] for row in listed)
    chi = next(row for row in listed if row["name"] == "chi")
    assert (chi["prior"], chi["low"], chi["high"]) == ("U(0, 0.5)", 0.0, 1.0)
    for row in listed:
        assert row["name"] in table.stdout
    assert written(folder) == []


# --- failures while running --------------------------------------------------------------------------------


def test_ctrl_c_gives_130_and_the_same_command_goes_on(folder: Path) -> None:
    arguments = ("forecast", "--runs", "300", *SHORT, "--out", "here")
    process = start(*arguments, cwd=folder)
    wait_for_parts(folder / "here", 2, process)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1]
    assert process.returncode == 130, told
    assert re.search(r"stopped; \d+0 of 300 runs are complete in here; repeat the same command", told)
    assert "Traceback" not in told
    assert start(*arguments, cwd=folder).wait() == 0
    assert qyzyljar(*arguments[:-1], "at_once").exit_code == 0
    assert tables(folder / "here") == tables(folder / "at_once")


def test_after_kill_9_the_same_command_goes_on(folder: Path) -> None:
    arguments = ("forecast", "--runs", "200", *SHORT, "--out", "here")
    for parts in (2, 7):
        process = start(*arguments, cwd=folder)
        wait_for_parts(folder / "here", parts, process)
        process.kill()
        process.communicate()
    result = qyzyljar(*arguments)
    assert result.exit_code == 0, result.output
    assert qyzyljar(*arguments[:-1], "at_once").exit_code == 0
    assert tables(folder / "here") == tables(folder / "at_once")
    assert not [path for path in written(folder) if path.name.endswith(".unfinished")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_refuses_gives_1_and_the_same_command_goes_on(folder: Path) -> None:
    arguments = ("forecast", "--runs", "20", "--horizon", "2030", "--no-figures", "--out", "here")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    process = start(*arguments, cwd=folder, limit=limit)
    told = process.communicate()[1]
    assert process.returncode == 1, told
    assert re.search(
        r"part-00000\d.parquet could not be written: .*\n0 of 20 runs are complete in here", told
    )
    assert "Traceback" not in told
    assert not list((folder / "here" / "parts").iterdir())
    assert qyzyljar(*arguments).exit_code == 0


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            AccountsError("year 2016: the accounts of bulaevo do not close"),
            "draw 0, replicate 0 .*do not close",
        ),
        (TypeError("a slip of ours"), "unexpected failure, please report it: TypeError: a slip of ours"),
    ],
)
def test_a_failing_run_gives_1_and_says_how_to_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def simulate(*_: object) -> None:
        raise error

    monkeypatch.setattr(experiments.ensemble, "simulate", simulate)
    result = qyzyljar("forecast", "--runs", "3", *SHORT, "--out", "here", "--threads", "1")
    assert result.exit_code == 1
    assert re.search(message, result.stderr)
    assert "0 of 3 runs are complete in here; repeat the same command with --out here" in result.stderr
    use_fake_runs(monkeypatch)
    assert qyzyljar("forecast", "--runs", "3", *SHORT, "--out", "here").exit_code == 0


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"1.2.3 of {name}")
    told = qyzyljar("--version")
    assert (told.exit_code, told.stdout) == (0, "qyzyljar 1.2.3 of qyzyljar\n")


def test_a_first_look_says_how_to_go_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)
    few = qyzyljar("forecast", "--runs", "3", *SHORT, "--out", "few").stdout.splitlines()
    assert "3 runs are a first look; the same command with --out few --runs 200 adds to them." in few
    assert few[-1] == "Results: few"
    assert "first look" not in qyzyljar("forecast", "--runs", "200", *SHORT, "--out", "all").stdout
