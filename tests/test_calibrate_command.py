"""`qyzyljar calibrate`: exit codes, messages, files, stop and resume."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import experiments.calibrate_command
from calibration.posterior import Effort
from calibration.posterior_inputs import Floats
from calibration.posterior_runs import Runner
from experiments.command_line import app
from tests.own_world import copy_of_template, edit
from tests.test_posterior import toy_records

TINY = Effort(400, 300, 200, 120, 100, 10, 40, 3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; a quick calibration is a tiny one on toy runs."""

    def records(runner: Runner, z: Floats, first: int, threads: int, on_run: Callable[[], None]) -> Floats:
        return toy_records(runner.inputs, runner.observation, z, first, 0.5)

    monkeypatch.setattr(Runner, "records", records)
    monkeypatch.setattr(experiments.calibrate_command, "QUICK", TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["calibrate", *(str(argument) for argument in arguments)])


def test_a_calibration_prints_its_report_and_writes_its_folder(folder: Path) -> None:
    result = qyzyljar("--quick", "--out", "here")
    assert result.exit_code == 0, result.output
    for text in (
        "31 parameters, 130 figures fitted (192 known)",
        "only its prior",
        "prior-dominated",
        "Net flows identify lambda x (in/out - 1)",
        "recovery of 10 synthetic truths",
        "wage (Sergeevka, Tayynsha): left to the prior: omega of the place",
        "Draws for --parameters: here/draws.csv",
    ):
        assert text in result.stdout
    out = folder / "here"
    assert {path.name for path in out.iterdir() if path.name[0] != "."} == {
        "draws.csv", "draws.json", "parameters.csv", "predictive.csv", "recovery.csv", "report.json", "manifest.json",
        "stages", "figures",
    }  # fmt: skip
    with (out / "parameters.csv").open(encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert rows["omega.sergeevka"]["identified_by"] == ""
    assert rows["fertility.bulaevo"]["verdict"] == "identified"
    assert "births" in rows["fertility.bulaevo"]["identified_by"]
    manifest = json.loads((out / "draws.json").read_text(encoding="utf-8"))
    assert manifest["draws"] == 100
    assert manifest["design"]["seed"] == 1
    for name in ("posterior", "identifiability", "predictive", "recovery"):
        with Image.open(out / "figures" / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5.0
        assert (out / "figures" / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.slow
def test_a_stopped_calibration_goes_on_where_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = qyzyljar("--quick", "--no-figures", "--quiet", "--out", "whole")
    assert whole.exit_code == 0
    assert whole.stdout == ""
    usual = Runner.records

    def interrupted(
        runner: Runner, z: Floats, first: int, threads: int, on_run: Callable[[], None]
    ) -> Floats:
        if first >= 2_000_000:
            raise KeyboardInterrupt
        return usual(runner, z, first, threads, on_run)

    monkeypatch.setattr(Runner, "records", interrupted)
    stopped = qyzyljar("--quick", "--no-figures", "--out", "part")
    assert stopped.exit_code == 130
    assert "repeat the same command with --out part" in stopped.stderr
    asked: list[int] = []

    def counted(runner: Runner, z: Floats, first: int, threads: int, on_run: Callable[[], None]) -> Floats:
        asked.append(first)
        return usual(runner, z, first, threads, on_run)

    monkeypatch.setattr(Runner, "records", counted)
    damaged = folder / "part" / "stages" / "prior-002.npz"
    damaged.write_bytes(b"not a table")
    again = qyzyljar("--quick", "--no-figures", "--quiet", "--threads", "3", "--out", "part")
    assert again.exit_code == 0, again.output
    assert min(asked) == 200
    assert sum(first < 2_000_000 for first in asked) == 1  # the damaged batch only
    assert (folder / "part" / "draws.csv").read_bytes() == (folder / "whole" / "draws.csv").read_bytes()


def test_another_calibration_is_not_mixed_in(folder: Path) -> None:
    (folder / "full").mkdir()
    (folder / "full" / "notes.txt").write_text("mine", encoding="utf-8")
    result = qyzyljar("--quick", "--out", "full")
    assert result.exit_code == 2
    assert "holds no manifest.json" in result.stderr
    assert [path.name for path in (folder / "full").iterdir()] == ["notes.txt"]
    (folder / "other").mkdir()
    design = {"command": "calibrate", "design": {"seed": 5}}
    (folder / "other" / "manifest.json").write_text(json.dumps(design), encoding="utf-8")
    result = qyzyljar("--quick", "--out", "other")
    assert result.exit_code == 2
    assert "holds another design" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--believe", "nobody"), "expected accounts or recorded"),
        (("--quick", "--install"), "--install goes with a full calibration"),
        (("--world", "nowhere"), "unknown world 'nowhere'"),
        (("--set", "psy=1"), "did you mean 'psi'"),
        (("--out", "file"), "is a file"),
    ],
)
def test_bad_input_writes_nothing(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    (folder / "file").touch()
    result = qyzyljar(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_users_world_is_calibrated_to_the_columns_that_exist(folder: Path) -> None:
    path = copy_of_template(folder)
    result = qyzyljar("--world", path, "--quick", "--no-figures", "--out", "own")
    assert result.exit_code == 0, result.output
    assert "Series without any figure, and what they cost" in result.stdout
    assert "left to the prior: omega of the place" in result.stdout
    report = json.loads((folder / "own" / "report.json").read_text(encoding="utf-8"))
    assert report["series_missing"]
    assert any(name.startswith("omega") for name in report["prior_dominated"])


def test_faults_of_a_users_figures_are_told(folder: Path) -> None:
    path = copy_of_template(folder)
    edit(path, "accounts.csv", ",unit,", ",units,")
    result = qyzyljar("--world", path, "--quick")
    assert result.exit_code == 2
    assert "column 'unit' is missing" in result.stderr
