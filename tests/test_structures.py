"""Structural alternatives: what they fix, what contradicts them, and the paired table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import calibration.forecast_labels
from calibration.posterior_draws import read_draws, shipped_draws
from experiments.command_line import app
from experiments.failures import BadInput
from experiments.parameter_source import RECORDED, parameter_source, recorded_draws
from experiments.structure_runs import variants
from experiments.structures import STRUCTURES, chosen_structures, with_structures
from model.parameters import ParameterSpace
from model.world import World
from tests.fake_simulation import use_fake_runs


def qyzyljar(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["forecast", *(str(argument) for argument in arguments)])


def test_every_alternative_fixes_parameters_inside_their_ranges(towns: World) -> None:
    space = ParameterSpace(towns)
    assert {one.name for one in STRUCTURES} == {
        "migration",
        "regime",
        "hinterland",
        "rouble",
        "walk",
        "counts",
    }
    for structure in STRUCTURES:
        assert structure.alternatives[0].is_reference
        for one in structure.alternatives[1:]:
            assert not one.is_reference
            for name, value in one.fixed.items():
                space.check(name, value, structure.name)


def test_chosen_alternatives_become_parameters() -> None:
    chosen = chosen_structures(["regime=2009-2020", "rouble=ppp", "walk=off", "hinterland=0.35"])
    fixed, parameters = with_structures(chosen, {"chi": 0.3}, None)
    assert fixed == {"chi": 0.3, "regime_weight": 1.0, "ppp": 1.0, "walk_sd": 0.0, "hinterland_weight": 0.35}
    assert parameters is None
    fixed, parameters = with_structures(chosen_structures(["migration=recorded"]), {}, None)
    assert (fixed, parameters) == ({}, RECORDED)


def test_wrong_switches_are_listed_together_with_the_nearest_name() -> None:
    with pytest.raises(BadInput) as error:
        chosen_structures(["regim=mixture", "rouble=market", "rouble=ppp", "hinterland=1.5", "walk"])
    text = str(error.value)
    assert "nearest valid name: 'regime'" in text
    assert "'rouble' is given twice" in text
    assert "expected prior or 0.2 or 0.5 or 0.9 or a number from 0 to 1" in text
    assert "--structure walk: expected name=value" in text


def test_a_switch_that_contradicts_what_is_set_is_refused() -> None:
    with pytest.raises(BadInput, match="fixes ppp, which --set fixes at 0"):
        with_structures(chosen_structures(["rouble=ppp"]), {"ppp": 0.0}, None)
    with pytest.raises(BadInput, match="takes --parameters recorded, not prior"):
        with_structures(chosen_structures(["migration=recorded"]), {}, "prior")


def test_the_posterior_that_believes_the_recorded_balances_is_shipped(towns: World, region: World) -> None:
    source = parameter_source(towns, "towns", RECORDED)
    usual = shipped_draws(towns, "towns")
    assert source.draws is not None
    assert usual is not None
    assert source.draws.names == usual.names
    assert source.draws.manifest["design"]["believed"] == "recorded"
    assert len(read_draws(recorded_draws("towns"), towns)) >= 1000
    # The paper's balance of Bulaevo is -269 over six years, that of the accounts +65
    means = [
        float(
            np.mean(
                draws.values[:, draws.columns["leaving"]]
                * (draws.values[:, draws.columns["in_out.bulaevo"]] - 1.0)
            )
        )
        for draws in (source.draws, usual)
    ]
    assert means[0] < means[1] - 0.002
    with pytest.raises(BadInput, match="no such posterior comes with world 'region'"):
        parameter_source(region, "region", RECORDED)


def test_a_structure_the_user_has_fixed_is_no_alternative(towns: World) -> None:
    made, left_out = variants(towns, "towns", 2030, 1, {"ppp": 1.0}, "prior")
    assert {one.structure.name for one in made} == {"regime", "hinterland", "walk", "counts"}
    assert any("rouble=ppp: ppp is fixed in the reference" in text for text in left_out)
    assert any(text.startswith("migration=recorded: ") for text in left_out)


def test_structures_are_run_paired_and_shown_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_fake_runs(monkeypatch)
    monkeypatch.chdir(tmp_path)
    result = qyzyljar("--structures", "--runs", "12", "--horizon", "2018", "--no-figures", "--out", "here")
    assert result.exit_code == 0, result.output
    assert "How much 1 January 2018 depends on structural choices" in result.stdout
    assert "walk=off" in result.stdout
    with (tmp_path / "here" / "structures.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 10  # places x alternatives
    assert {row["runs"] for row in rows} == {"12"}
    # The stand-in's people depend on chi and the seed alone: a switch that leaves both moves nobody
    own = [row for row in rows if row["structure"] != "migration"]
    assert {float(row["mean_difference"]) for row in own} == {0.0}
    assert {row["paired_in_calibrated_parameters"] for row in own} == {"1"}
    recorded = [row for row in rows if row["structure"] == "migration"]
    assert any(float(row["mean_difference"]) != 0.0 for row in recorded)
    again = qyzyljar("--structures", "--runs", "12", "--horizon", "2018", "--no-figures", "--out", "here")
    assert again.exit_code == 0
    assert again.stdout == result.stdout


def test_a_forecast_carries_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_runs(monkeypatch)
    monkeypatch.chdir(tmp_path)
    labels = tmp_path / "labels"
    labels.mkdir()
    monkeypatch.setattr(calibration.forecast_labels, "SHIPPED", labels)
    arguments = ("--runs", "3", "--horizon", "2018", "--no-figures")
    none = qyzyljar(*arguments, "--out", "none")
    assert "No validation comes with this world" in none.stdout
    (labels / "towns.csv").write_text(
        "place,series,fold,figures,crps_model,best_naive,crps_best,naive_as_good,naive_forecasters,beaten\n"
        "bulaevo,deaths,last_years,2,14.6,last value,11.1,last value;mean,6,1\n"
        "bulaevo,births,last_years,2,5,mean,9,,6,0\n"
        "bulaevo,wage_monthly_nominal,last_years,2,1912.4,regional wage ratio,1850.1,regional wage ratio,6,1\n",
        encoding="utf-8",
    )
    result = qyzyljar(*arguments, "--out", "with")
    at = 1 + next(n for n, line in enumerate(result.stdout.splitlines()) if "did NOT beat a naive" in line)
    assert (
        "Bulaevo: deaths (last value 11.1 against 14.6; 2 of 6 naive as good; 2019-2020 from 2015-2018)"
        in result.stdout.splitlines()[at]
    )
    second = "wage (regional wage ratio 1,850 against 1,912; 1 of 6 naive as good; 2019-2020 from 2015-2018)"
    assert result.stdout.splitlines()[at + 1] == " " * len("  Bulaevo: ") + second
    held = json.loads((tmp_path / "with" / "manifest.json").read_text(encoding="utf-8"))["validation"]
    assert held["forecasts_scored"] == 3
    assert [(one["place"], one["indicator"]) for one in held["labels"]] == [
        ("bulaevo", "deaths"),
        ("bulaevo", "wage_monthly_nominal"),
    ]
    (labels / "towns.csv").write_text("nothing\n", encoding="utf-8")
    damaged = qyzyljar(*arguments, "--out", "damaged")
    assert damaged.exit_code == 2
    assert "expected the columns" in damaged.stderr
