"""`qyzyljar validate`: exit codes, messages, files, figures, stop and resume."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import experiments.validate_command
from calibration.posterior import Effort
from calibration.posterior_inputs import Floats
from calibration.posterior_runs import Runner
from experiments.command_line import app
from tests.test_posterior import toy_records

TINY = Effort(400, 300, 200, 120, 100, 10, 40, 3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; re-fits are tiny and made on toy runs."""

    def records(runner: Runner, z: Floats, first: int, threads: int, on_run: Callable[[], None]) -> Floats:
        return toy_records(runner.inputs, runner.observation, z, first, 0.5)

    monkeypatch.setattr(Runner, "records", records)
    monkeypatch.setattr(experiments.validate_command, "QUICK", TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["validate", *(str(argument) for argument in arguments)])


def test_a_validation_prints_scores_and_writes_its_folder(folder: Path) -> None:
    result = qyzyljar("--quick", "--fold", "last_years", "--out", "here")
    assert result.exit_code == 0, result.output
    for text in (
        "(a) fitted to 2015-2018, scored on 2019-2020",
        "Where the model does NOT beat the naive forecasters",
        "Labelled in `forecast`",
        "Not available: Hamilton-Perry: ages are known for 2015 and 2020 only",
    ):
        assert text in result.stdout
    out = folder / "here"
    assert {path.name for path in out.iterdir() if path.name[0] != "."} == {
        "scores.csv", "summary.csv", "skill.csv", "not_beaten.csv", "labels.csv", "report.json", "manifest.json",
        "stages", "figures",
    }  # fmt: skip
    with (out / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["year"] for row in rows if row["series"] == "births"} == {"2019", "2020"}
    assert {row["register_event"] for row in rows} == {"0"}
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    constants = report["folds"][0]["constants"]
    assert constants["mortality_2020"].startswith("N(1, ")
    for name in ("coverage", "skill", "ranks", "forecast_bulaevo"):
        with Image.open(out / "figures" / f"{name}.png") as image:
            assert np.asarray(image.convert("L")).std() > 5.0
    verdict = next(one for one in report["verdicts"] if one["series"] == "births" and one["place"] is None)
    assert verdict["beats_all"] == (verdict["naive_as_good"] == [])


@pytest.mark.slow
def test_the_region_is_scored_with_its_register_events_marked(folder: Path) -> None:
    result = qyzyljar("--quick", "--fold", "region", "--out", "here")
    assert result.exit_code == 0, result.output
    assert "rural districts: net migration" in result.stdout
    assert "without the years of the register events" in result.stdout
    with (folder / "here" / "scores.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["year"] for row in rows if row["register_event"] == "1"} == {"2015", "2017"}
    with Image.open(folder / "here" / "figures" / "region.png") as image:
        assert np.asarray(image.convert("L")).std() > 5.0


@pytest.mark.slow
def test_a_stopped_validation_goes_on_where_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Runner.records
    asked: list[int] = []
    stops: list[int] = []

    def stopping(runner: Runner, z: Floats, first: int, threads: int, on_run: Callable[[], None]) -> Floats:
        asked.append(first)
        if len(asked) in stops:
            raise KeyboardInterrupt
        return usual(runner, z, first, threads, on_run)

    monkeypatch.setattr(Runner, "records", stopping)
    whole = qyzyljar("--quick", "--fold", "last_years", "--no-figures", "--quiet", "--out", "whole")
    assert whole.exit_code == 0
    assert whole.stdout == ""
    at_once = asked.copy()
    asked.clear()
    stops.append(6)
    arguments = ("--quick", "--fold", "last_years", "--no-figures", "--quiet", "--out", "parts")
    stopped = qyzyljar(*arguments)
    assert stopped.exit_code == 130
    assert "repeat the same command with --out parts to continue" in stopped.stderr
    assert qyzyljar(*arguments).exit_code == 0
    assert asked == [*at_once[:6], *at_once[5:]]  # only the batch that was stopped is asked for again
    for name in ("scores.csv", "skill.csv", "labels.csv"):
        assert (folder / "whole" / name).read_bytes() == (folder / "parts" / name).read_bytes()


def test_what_cannot_be_validated_is_refused_before_anything_is_written(folder: Path) -> None:
    for arguments, expected in (
        (("--fold", "last_year"), "no such fold of world 'towns'; nearest valid name: 'last_years'"),
        (("--world", "region", "--fold", "back_cast"), "no such fold of world 'region'"),
        (("--quick", "--install"), "--install goes with all folds"),
        (("--world", "nowhere"), "unknown world 'nowhere'"),
    ):
        result = qyzyljar("--out", "new", *arguments)
        assert result.exit_code == 2
        assert expected in result.stderr
        assert not (folder / "new").exists()


def test_a_folder_of_another_design_is_refused(folder: Path) -> None:
    (folder / "used").mkdir()
    (folder / "used" / "manifest.json").write_text('{"design": {}, "command": "calibrate"}', encoding="utf-8")
    result = qyzyljar("--quick", "--fold", "last_years", "--out", "used")
    assert result.exit_code == 2
    assert "holds another design" in result.stderr


@pytest.mark.slow
def test_a_re_fit_on_real_runs_scores_all_folds_of_the_towns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiments.validate_command, "QUICK", TINY)
    result = qyzyljar(
        "--quick", "--fold", "last_years", "--fold", "back_cast", "--no-figures", "--out", "real"
    )
    assert result.exit_code == 0, result.output
    with (tmp_path / "real" / "summary.csv").open(encoding="utf-8") as file:
        rows = {
            (row["group"], row["series"], row["place"], row["forecaster"]): row
            for row in csv.DictReader(file)
        }
    for group, observed in (("last_years", 116.0), ("back_cast", 131.0)):
        births = rows[group, "births", "", "model"]
        assert float(births["mean_observed"]) == pytest.approx(observed, abs=1.0)
        assert abs(float(births["mean_bias"])) < 30.0
        assert float(births["coverage_95"]) > 0.6
