"""Draws of the posterior: the file, what it refuses, and the seam by which ensembles take their parameters."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.posterior_draws import (
    SHIPPED,
    DrawsError,
    PosteriorDraws,
    draws_text,
    read_draws,
    shipped_draws,
)
from calibration.posterior_inputs import Inputs
from experiments.design import Design, forecast_design
from experiments.ensemble import Study
from experiments.failures import BadInput
from experiments.parameter_source import FROM_PRIORS, parameter_source
from model.parameters import ParameterSpace
from model.world import World, load_world


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("towns")


def write(folder: Path, text: str, name: str = "own.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def own_draws(folder: Path, name: str = "own.csv", shift: float = 0.0) -> Path:
    values = np.stack([np.linspace(0.1, 0.4, 12) + shift, np.linspace(0.02, 0.03, 12)], axis=1)
    return write(folder, draws_text(("chi", "leaving"), values), name)


def test_what_is_written_is_read(tmp_path: Path, world: World) -> None:
    found = read_draws(own_draws(tmp_path), world)
    assert found.names == ("chi", "leaving")
    assert len(found) == 12
    assert found.values[:, 0] == pytest.approx(np.linspace(0.1, 0.4, 12), rel=1e-6)
    assert found.manifest == {}
    assert found.digest == hashlib.sha256((tmp_path / "own.csv").read_bytes()).hexdigest()


FAULTS = {
    "unknown name": (
        "chi,leavin\n" + "0.1,0.02\n" * 12,
        "no parameter 'leavin'; nearest valid name: 'leaving'",
    ),
    "twice": ("chi,chi\n" + "0.1,0.02\n" * 12, "'chi' twice"),
    "too few": ("chi\n" + "0.1\n" * 3, "3 draws, expected at least 10"),
    "empty": ("", "no parameter names"),
    "text": ("chi\n" + "0.1\n" * 12 + "much\n", ":14: chi = 'much' is not a number"),
    "out of range": ("chi\n" + "0.1\n" * 12 + "7\n", ":14: chi = 7 is outside its range 0 to 1"),
    "not a number": ("chi\n" + "0.1\n" * 12 + "nan\n", "outside its range"),
    "ragged": ("chi,leaving\n" + "0.1,0.02\n" * 12 + "0.1\n", ":14: 1 values, expected 2"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_of_a_file_are_told_with_their_line(tmp_path: Path, world: World, case: str) -> None:
    text, message = FAULTS[case]
    with pytest.raises(DrawsError, match=message.replace("(", r"\(")):
        read_draws(write(tmp_path, text), world)


def test_all_faults_are_told_at_once(tmp_path: Path, world: World) -> None:
    with pytest.raises(DrawsError) as caught:
        read_draws(write(tmp_path, "chi\n" + "0.1\n" * 12 + "7\nmuch\n"), world)
    assert ":14:" in str(caught.value)
    assert ":15:" in str(caught.value)


def test_rows_are_used_in_turn_from_a_start_that_the_seed_gives(tmp_path: Path, world: World) -> None:
    draws = read_draws(own_draws(tmp_path), world)
    first = [draws.row(1, number)["chi"] for number in range(12)]
    assert sorted(first) == pytest.approx(sorted(draws.values[:, 0]))
    assert draws.row(1, 12) == draws.row(1, 0)
    assert len({draws.row(seed, 0)["chi"] for seed in range(40)}) > 5


def study_of(world: World, path: Path, **fixed: float) -> Study:
    return Study(forecast_design(world, 2017, 3, fixed, parameter_source(world, "towns", str(path))), world)


def test_an_ensemble_takes_rows_together_and_all_else_from_the_priors(tmp_path: Path, world: World) -> None:
    study = study_of(world, own_draws(tmp_path))
    priors = Study(forecast_design(world, 2017, 3, {}), world)
    assert study.design.draws is not None
    for number in range(20):
        values, prior = study.values(number), priors.values(number)
        row = study.design.draws.row(3, number)
        assert (values["chi"], values["leaving"]) == (row["chi"], row["leaving"])
        assert values["psi"] == prior["psi"]
        assert values["household_size"] == prior["household_size"]


def test_what_the_user_fixes_goes_before_the_posterior(tmp_path: Path, world: World) -> None:
    study = study_of(world, own_draws(tmp_path), chi=0.33)
    assert {study.values(number)["chi"] for number in range(5)} == {0.33}
    assert len({study.values(number)["leaving"] for number in range(5)}) == 5


def test_the_identity_of_a_design_holds_the_digest_of_the_draws(tmp_path: Path, world: World) -> None:
    paths = [own_draws(tmp_path), own_draws(tmp_path, "same.csv"), own_draws(tmp_path, "other.csv", 0.01)]

    def design(source: str) -> Design:
        return forecast_design(world, 2017, 3, {}, parameter_source(world, "towns", source))

    identities = [design(str(path)).identity for path in paths]
    assert identities[0] == identities[1] != identities[2]
    assert design("prior").identity == forecast_design(world, 2017, 3, {}).identity
    assert design("prior").identity not in identities


def test_sources_say_what_they_are(tmp_path: Path, world: World) -> None:
    assert parameter_source(world, "towns", "prior") is FROM_PRIORS
    assert "12 draws of 2 parameters" in parameter_source(world, "towns", str(own_draws(tmp_path))).note
    with pytest.raises(
        BadInput, match=r"expected prior, posterior, recorded or the path.*nearest valid name: 'posterior'"
    ):
        parameter_source(world, "towns", "posterir")
    with pytest.raises(BadInput, match="cannot be read"):
        parameter_source(world, "towns", str(tmp_path / "none.csv"))


def test_worlds_without_a_posterior_fall_back_to_the_priors_and_say_so(world: World) -> None:
    other = replace(world, name="elsewhere")
    for source in ("elsewhere", "my/towns.toml"):
        found = parameter_source(other, source)
        assert found.draws is None
        assert "no posterior comes with world 'elsewhere'" in found.note
    with pytest.raises(BadInput, match=r"qyzyljar calibrate --world my/towns.toml"):
        parameter_source(world, "my/towns.toml", "posterior")
    # A user's file that calls itself towns does not get the draws of the shipped world
    assert parameter_source(world, "my/towns.toml").draws is None


def test_draws_of_other_data_are_called_so(tmp_path: Path, world: World) -> None:
    path = own_draws(tmp_path)
    path.with_suffix(".json").write_text(json.dumps({"world_digest": "other"}), encoding="utf-8")
    assert "data have changed" in parameter_source(world, "towns", str(path)).note
    path.with_suffix(".json").write_text(json.dumps({"world_digest": world.digest}), encoding="utf-8")
    assert "data have changed" not in parameter_source(world, "towns", str(path)).note
    path.with_suffix(".json").write_text("[1", encoding="utf-8")
    with pytest.raises(BadInput, match=r"own\.json: cannot be read"):
        parameter_source(world, "towns", str(path))


# --- the shipped posterior ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped(world: World) -> PosteriorDraws:
    found = shipped_draws(world, "towns")
    assert found is not None
    return found


def test_the_shipped_draws_are_the_default_and_complete(shipped: PosteriorDraws, world: World) -> None:
    assert len(shipped) >= 1000
    assert shipped.names == Inputs(ParameterSpace(world), {}).names
    source = parameter_source(world, "towns")
    assert source.identity == f"draws {shipped.digest[:16]}"
    assert "posterior of world 'towns'" in source.note


def test_the_shipped_manifest_is_that_of_the_shipped_draws(shipped: PosteriorDraws) -> None:
    assert shipped.manifest["sha256"] == shipped.digest
    assert shipped.manifest["draws"] == len(shipped)
    assert shipped.manifest["design"]["effort"]["draws"] == len(shipped)
    found = shipped.manifest["diagnostics"]
    assert found["effective_draws_at_least"] >= 500
    assert found["draws_implausible"] < 0.1
    assert 0.9 < found["emulator_rms_residual_in_scatter"] < 1.1
    assert (SHIPPED / "towns.json").is_file()


def test_the_shipped_posterior_knows_what_the_data_say(shipped: PosteriorDraws) -> None:
    """Net migration of 2015-2020 per 1,000 (docs/specification.md section 4): +1.4, -8.3, +4.2, -1.7."""
    leaving = shipped.values[:, shipped.columns["leaving"]]
    rates = {
        place: 1000.0 * np.mean(leaving * (shipped.values[:, shipped.columns[f"in_out.{place}"]] - 1.0))
        for place in ("bulaevo", "mamlyutka", "sergeevka", "tayynsha")
    }
    assert rates["mamlyutka"] < rates["tayynsha"] < rates["bulaevo"]
    assert -10.0 < rates["mamlyutka"] < -2.0
    assert -1.5 < rates["bulaevo"] < 5.0
    # Nothing but its prior speaks of Tayynsha's wage: median .83, sd of the logarithm .06
    omega = np.log(shipped.values[:, shipped.columns["omega.tayynsha"]] / 0.83)
    assert abs(omega.mean()) < 0.012
    assert omega.std() == pytest.approx(0.06, abs=0.006)
