"""The command `qyzyljar rate`, and the rating as an output of forecast and compare."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

import experiments.ensemble
from calibration.rating_system import CLASSES, rating_system
from experiments.campaign import completed
from experiments.command_line import app
from experiments.compare import comparison_design
from experiments.compare_scenarios import read_comparison
from experiments.manifest import Ensemble
from experiments.rate_outputs import DRAWS, write_ensemble_rating
from experiments.rate_results import of_folder
from model.founding import Founding
from model.levers import Levers
from model.parameters import ParameterValues
from model.record import Record
from model.world import World
from tests.fake_simulation import fake_simulate, use_fake_runs
from tests.own_world import copy_of_template


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A forecast of stand-in runs made by the command, and what it printed; never written to."""
    out = tmp_path_factory.mktemp("simulated") / "forecast"
    with pytest.MonkeyPatch.context() as patch:
        use_fake_runs(patch)
        result = run(
            "forecast", "--runs", "6", "--horizon", "2022", "--set", "household_size=2.7", "--no-figures",
            "--out", out,
        )  # fmt: skip
    assert result.exit_code == 0, result.output
    return out, result.stdout


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


STAGES = [
    "1_criteria.csv", "2_groups.csv", "3_indicators.csv", "3_rules.csv", "4_questionnaire.csv",
    "5_coverage.csv", "5_figures.csv", "6_ratings.csv", "7_problems.csv", "checks.csv", "rating.json",
    "stability.csv",
]  # fmt: skip


def test_every_step_has_its_output_and_no_class_below_half(folder: Path) -> None:
    result = run("rate", "--draws", "150", "--no-figures", "--out", "here")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (folder / "here").iterdir()) == STAGES
    for part in ("Steps 1-2.", "Step 5.", "Step 6.", "Step 7.", "A reconstruction", "undecided"):
        assert part in result.stdout
    ratings = rows(folder / "here" / "6_ratings.csv")
    assert len(ratings) == 2 * 4 * 6
    assert {row["class"] for row in ratings} == {"no class"}
    last = next(
        row
        for row in ratings
        if (row["scenario"], row["place"], row["year"]) == ("tables", "bulaevo", "2020")
    )
    assert last["known"] == "7"
    for name in CLASSES:
        assert float(last[f"least_{name}"]) <= float(last[f"share_{name}"]) <= float(last[f"most_{name}"])
    figures = rows(folder / "here" / "5_figures.csv")
    assert {row["state"] for row in figures} == {"known", "missing"}
    assert all(row["source"] for row in figures if row["state"] == "known")
    assert all(not row["figure"] for row in figures if row["state"] == "missing")
    (budget,) = [
        row
        for row in figures
        if (row["scenario"], row["indicator"], row["year"], row["state"])
        == ("official", "E6", "2020", "known")
    ]
    assert (budget["place"], float(budget["figure"])) == ("mamlyutka", 63.3)
    assert max(len(line) for line in result.stdout.splitlines() if "Results:" not in line) <= 170


def test_the_same_again_is_the_same_and_another_is_refused(folder: Path) -> None:
    assert run("rate", "--draws", "100", "--no-figures", "--quiet", "--out", "here").output == ""
    before = {path.name: path.read_bytes() for path in (folder / "here").iterdir()}
    assert run("rate", "--draws", "100", "--no-figures", "-q", "--out", "here").exit_code == 0
    assert {path.name: path.read_bytes() for path in (folder / "here").iterdir()} == before
    other = run("rate", "--draws", "100", "--no-figures", "--seed", "2", "--out", "here")
    assert other.exit_code == 2
    assert "holds the rating of other figures or settings" in other.stderr
    (folder / "letters").mkdir()
    (folder / "letters" / "a.txt").write_text("dear")
    assert "choose another folder" in run("rate", "--draws", "100", "--out", "letters").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--weights", "equall"), "--weights equall: unknown; nearest valid name: 'equal'"),
        (("--weights", "expert"), "no expert has given points of importance"),
        (("--draws", "5"), "--draws 5: expected at least 100"),
        (("--results", "nowhere"), "--results nowhere: expected a folder written by forecast or compare"),
        (("--world", "towms"), "nearest valid name: 'towns'"),
        (("--external", "gone.csv"), "gone.csv: no such file"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("rate", "--out", "here", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (folder / "here").exists()


def test_problems_of_both_kinds_of_files_are_told_together(folder: Path) -> None:
    (folder / "mine.csv").write_text(
        "place,indicator,year,value,unit,source,quality\nx,S10,2020,1,y,z,user\n"
    )
    (folder / "form.csv").write_text("section,item\n")
    result = run("rate", "--external", "mine.csv", "--questionnaire", "form.csv")
    assert result.exit_code == 2
    assert "mine.csv:2: unknown place 'x'" in result.stderr
    assert "form.csv:1: column 'answer' is missing" in result.stderr
    assert not (folder / "results").exists()


def test_a_template_is_written_once(folder: Path) -> None:
    assert run("rate", "--world", "region", "--template", "forms/ask.csv").exit_code == 0
    asked = rows(folder / "forms" / "ask.csv")
    assert len(asked) == 4 + 34 + 18 * (13 + 1)
    assert {row["section"] for row in asked} == {"importance", "grade", "employer"}
    again = run("rate", "--template", "forms/ask.csv")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_grades_can_lift_a_settlement_over_one_half(folder: Path) -> None:
    assert run("rate", "--template", "form.csv", "-q").exit_code == 0
    asked = rows(folder / "form.csv")
    for row in asked:
        row["answer"] = {"grade": "3", "employer": "30", "importance": "5"}[row["section"]]
    with (folder / "form.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(asked[0]))
        writer.writeheader()
        writer.writerows(asked)
    result = run(
        "rate", "--questionnaire", "form.csv", "--weights", "expert", "--draws", "200", "--no-figures",
        "--out", "here",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    ratings = [row for row in rows(folder / "here" / "6_ratings.csv") if row["year"] == "2020"]
    classed = {row["place"]: row["class"] for row in ratings if row["scenario"] == "official"}
    assert classed["mamlyutka"] in CLASSES  # 11 figures and 12 grades
    assert classed["sergeevka"] == "depressive"  # 4 figures and 13 grades: just one half
    assert "single-industry town" in (folder / "here" / "2_groups.csv").read_text()
    assert ",graded," in (folder / "here" / "5_figures.csv").read_text()


def test_a_forecast_has_the_rating_as_an_output(folder: Path, simulated: tuple[Path, str]) -> None:
    forecast, printed = simulated
    assert "Settlement rating (reconstruction)" in printed
    written = rows(forecast / "rating.csv")
    assert [row["year"] for row in written[:7]] == [str(year) for year in range(2015, 2022)]
    assert {row["scenario"] for row in written} == {"baseline"}
    for row in written:
        if row["year"] == "2021":
            assert sum(float(row[f"share_{name}"]) for name in CLASSES) == pytest.approx(1.0)
    # The command of its own finds the same in the folder
    again = run("rate", "--results", forecast, "--draws", str(DRAWS), "--no-figures", "-q", "--out", "rate")
    assert again.exit_code == 0, again.output
    found = rows(folder / "rate" / "6_ratings.csv")
    assert [row for row in found if row["scenario"] == "baseline"] == written
    assert {row["scenario"] for row in found} == {"tables", "official", "baseline"}
    assert of_folder(forecast).figures("baseline").values.shape == (6, 7, 4, 34)


def test_changes_of_class_probabilities_under_policies(
    folder: Path, towns: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def together(
        world: World,
        founding: Founding,
        values: ParameterValues,
        seed: np.uint64,
        scenarios: Sequence[Levers | None],
        horizon: int,
    ) -> list[Record]:
        """Runs of which the later scenarios differ from the first two."""
        return [
            fake_simulate(world, founding, values, seed + np.uint64(7 * (k > 1)), levers, horizon)
            for k, levers in enumerate(scenarios)
        ]

    monkeypatch.setattr(experiments.ensemble, "simulate_together", together)
    out = folder / "compare"
    comparison = read_comparison(["housing"], [], towns, 2028)
    design = comparison_design(towns, 2028, 1, {"household_size": 2.7}, comparison)
    with completed(out, Ensemble("compare", design, 5, towns, "towns", "priors"), 1, True):
        write_ensemble_rating(Console(quiet=True), out, towns, "towns", design, "priors")
    changes = rows(out / "rating_changes.csv")
    assert {row["scenario"] for row in changes} == {"housing", "no_zone"}
    assert {int(row["runs"]) for row in changes} == {5}
    for row in changes:
        assert float(row["change"]) == pytest.approx(float(row["share"]) - float(row["share_reference"]))
        assert float(row["change_low95"]) <= float(row["change"]) <= float(row["change_high95"])
    # Scenarios are sorted: baseline and housing are the same runs here, no_zone is not
    assert {float(row["change"]) for row in changes if row["scenario"] == "housing"} == {0.0}
    assert any(float(row["change"]) != 0.0 for row in changes if row["scenario"] == "no_zone")
    # Read from the manifest alone, the library's policies are found again, and with them the region's wage
    results = of_folder(out)
    assert results.scenarios == ("baseline", "housing", "no_zone")
    wage = rating_system().position("E1")
    assert not np.isnan(results.figures("housing").values[..., wage]).any()
    manifest = json.loads((out / "manifest.json").read_text())
    for scenario in manifest["design"]["scenarios"]:
        scenario["digest"] = "another"
    (out / "manifest.json").write_text(json.dumps(manifest))
    assert np.isnan(of_folder(out).figures("housing").values[..., wage]).all()


def test_results_of_a_changed_world_are_refused(folder: Path, simulated: tuple[Path, str]) -> None:
    shutil.copytree(simulated[0], folder / "forecast")
    manifest = json.loads((folder / "forecast" / "manifest.json").read_text())
    manifest["design"]["data"] = "0" * 64
    (folder / "forecast" / "manifest.json").write_text(json.dumps(manifest))
    result = run("rate", "--results", "forecast", "--out", "here")
    assert result.exit_code == 2
    assert "the files of world 'towns' have changed since" in result.stderr


def test_a_world_of_one_s_own_is_rated(folder: Path) -> None:
    world = copy_of_template(folder)
    result = run("rate", "--world", world, "--draws", "100", "--no-figures", "--out", "here")
    assert result.exit_code == 0, result.output
    assert rows(folder / "here" / "1_criteria.csv")


def test_the_figures_name_their_sources_and_show_every_settlement(
    folder: Path, simulated: tuple[Path, str]
) -> None:
    result = run("rate", "--results", simulated[0], "--draws", "100", "-q", "--out", "here")
    assert result.exit_code == 0, result.output
    figures = folder / "here" / "figures"
    names = {path.stem for path in figures.iterdir()}
    assert names == {"rating_blocks", "rating_ranks", "rating_classes", "rating_map"}
    for name in names:
        text = (figures / f"{name}.svg").read_text(encoding="utf-8")
        assert (figures / f"{name}.png").stat().st_size > 10_000
        for place in ("Bulaevo", "Mamlyutka", "Sergeevka", "Tayynsha"):
            assert place in text, (name, place)
        assert "A reconstruction" in text
    assert re.search(r"\d of 11", (figures / "rating_blocks.svg").read_text(encoding="utf-8"))
