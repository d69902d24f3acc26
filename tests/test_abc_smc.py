"""The second opinion by pyABC: what it is compared by, and whether it finds a posterior that is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import experiments.calibrate_pyabc
from calibration.abc_smc import AbcEffort, abc_posterior, fit_statistics, is_installed, normal_scores
from calibration.audit_data import read_audit_data
from calibration.posterior import Task
from calibration.posterior_draws import shipped_draws
from calibration.posterior_inputs import Floats
from calibration.posterior_runs import Runner
from experiments.calibrate_pyabc import MarginalPair, scarcity, verdict
from experiments.command_line import app
from model.world import World
from tests.test_posterior import toy_records

needs_pyabc = pytest.mark.skipif(
    not is_installed(), reason="pyABC is not installed (optional extra: pip install 'qyzyljar[pyabc]')"
)


@pytest.fixture
def runner(towns: World, monkeypatch: pytest.MonkeyPatch) -> Runner:
    def records(runner: Runner, z: Floats, first: int, threads: int, on_run: Callable[[], None]) -> Floats:
        return toy_records(runner.inputs, runner.observation, z, first, 0.5)

    monkeypatch.setattr(Runner, "records", records)
    task = Task(towns, read_audit_data("towns"))
    return Runner(towns, task.inputs(), task.observation(), 1, task.horizon)


def test_draws_become_the_normal_scores_they_were_made_from(towns: World, runner: Runner) -> None:
    z = np.random.default_rng(2).standard_normal((50, runner.inputs.size))
    values = runner.inputs.values(z)
    assert np.allclose(normal_scores(runner.inputs, runner.inputs.names, values), z, atol=0.02)
    draws = shipped_draws(towns, "towns")
    assert draws is not None
    with pytest.raises(ValueError, match="the draws lack leaving"):
        normal_scores(runner.inputs, draws.names[1:], draws.values[:, 1:])


def test_statistics_estimate_what_the_record_tells(runner: Runner) -> None:
    z = runner.inputs.design(800, 5)
    records = runner.observation.draw(runner.records(z, 0, 1, lambda: None), 3)
    statistics = fit_statistics(runner.observation, z[:600], records[:600])
    estimates = statistics(records[600:])
    told = runner.inputs.names.index("fertility.bulaevo")
    untold = runner.inputs.names.index("in_out.bulaevo")
    assert np.corrcoef(estimates[:, told], z[600:, told])[0, 1] > 0.9
    assert abs(np.corrcoef(estimates[:, untold], z[600:, untold])[0, 1]) < 0.3


def test_engines_agree_within_the_stated_tolerances_or_it_is_said() -> None:
    near = [MarginalPair(f"p{k}", 0.0, 1.0, 0.3, 1.1) for k in range(18)]
    assert verdict(near, 0.1).endswith("the engines agree")
    one = MarginalPair("far", 0.0, 1.0, 0.4, 1.0)
    assert not one.agrees
    assert not MarginalPair("wide", 0.0, 0.5, 0.0, 0.7).agrees
    assert verdict([*near, one], 0.1).endswith("the engines agree; apart: far")
    assert "do NOT agree" in verdict([*near, one], 0.0)
    assert "do NOT agree" in verdict([*near, one, one, one], 0.1)


def test_without_pyabc_the_command_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiments.calibrate_pyabc, "is_installed", lambda: False)
    result = CliRunner().invoke(app, ["calibrate", "--pyabc", "--out", "new"])
    assert result.exit_code == 2
    assert "pip install 'qyzyljar[pyabc]'" in result.stderr
    assert not (tmp_path / "new").exists()


def test_too_few_effective_particles_are_warned_of() -> None:
    assert scarcity(300.0, 31) == ""
    assert "3 effective particles for a regression of 31 parameters" in scarcity(3.2, 31)


@needs_pyabc
@pytest.mark.slow
def test_pyabc_finds_a_posterior_that_is_known(runner: Runner) -> None:
    # One generation: later ones narrow the tolerance, but leave a handful of effective particles in 31 dimensions
    effort = AbcEffort(600, 400, 1, 6000)
    found = abc_posterior(runner, effort, 3, 1)
    assert found.effective == pytest.approx(400)
    for place in ("bulaevo", "tayynsha"):
        for name in (f"fertility.{place}", f"mortality.{place}"):
            k = found.names.index(name)
            # Six figures a place, each 3 (z - .5) in its error's unit with noise of .5: z is .5 +- about .15
            assert found.mean[k] == pytest.approx(0.5, abs=0.3)
            assert found.sd[k] < 0.45
    untold = found.names.index("in_out.bulaevo")
    assert found.sd[untold] > 0.6
    again = abc_posterior(runner, effort, 3, 1)
    assert np.array_equal(found.mean, again.mean)
