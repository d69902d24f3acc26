"""The second calibration: pyABC finds a law that is known, and the look at emulators finds one that is off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import chdtri, ndtr
from scipy.stats import multivariate_normal
from typer.testing import CliRunner

from calibration.abc_tempered import (
    KEPT_WEIGHT,
    FreshRuns,
    TemperedEffort,
    fresh_runs,
    next_exponent,
    second_posterior,
    tempered_sample,
)
from calibration.emulator import fit_emulators
from calibration.posterior_inputs import Floats
from calibration.posterior_likelihood import SyntheticLikelihood
from calibration.posterior_runs import Runner
from experiments.calibrate_pyabc import LARGEST_BIAS, emulator_verdict
from experiments.command_line import app
from tests.test_abc_smc import needs_pyabc, runner  # noqa: F401
from tests.test_posterior import toy_records


def linear_law(dimension: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Matrix and record of a linear model with unit errors; mean and covariance of its posterior under N(0, 1)."""
    generator = np.random.default_rng(7)
    matrix = generator.normal(size=(12, dimension))
    matrix[:, 4:] = 0.0
    record = matrix @ generator.normal(size=dimension) + generator.normal(size=12)
    covariance = np.linalg.inv(np.eye(dimension) + matrix.T @ matrix)
    return matrix, record, covariance @ matrix.T @ record, covariance


@needs_pyabc
def test_pyabc_samples_the_likelihood_and_not_a_tempered_one() -> None:
    matrix, record, mean, covariance = linear_law(6)
    state = np.random.get_state()[1]

    def log_likelihood(x: Floats) -> Floats:
        return np.asarray(-0.5 * ((record - x @ matrix.T) ** 2).sum(axis=1))

    found = tempered_sample(log_likelihood, 6, 4, 300, 3)
    assert np.array_equal(np.random.get_state()[1], state)
    assert found.temperatures[0] > 1.0
    assert found.temperatures[-1] == 1.0
    assert found.effective > 60
    moments = found.moments(6)
    sd = np.sqrt(np.diag(covariance))
    # Largest of six errors of at most 1/sqrt(60) standard deviations each
    assert np.abs((moments[0] - mean) / sd).max() < 0.45
    assert np.all((moments[1] / sd > 0.75) & (moments[1] / sd < 1.3))
    again = tempered_sample(log_likelihood, 6, 4, 300, 3)
    assert np.array_equal(found.x, again.x)


def test_cooling_keeps_its_share_of_the_weight_and_ends_at_one() -> None:
    level = -0.5 * np.random.default_rng(1).chisquare(30, 2000) * 20.0
    held = np.full(2000, 1.0 / 2000)
    exponent = next_exponent(held, level, 0.0)
    weights = np.exp(exponent * (level - level.max()))
    assert (held @ weights) ** 2 / (held @ weights**2) == pytest.approx(KEPT_WEIGHT, abs=0.01)
    assert exponent < next_exponent(held, level, exponent) < 1.0
    assert next_exponent(held, level * 1e-3, 0.0) == 1.0
    # Weights that are uneven before do not stop it
    uneven = np.random.default_rng(2).exponential(size=2000) ** 6
    assert next_exponent(uneven / uneven.sum(), level, exponent) > exponent * 1.01


def test_the_likelihood_is_that_of_a_dense_normal_law_worked_out_apart(runner: Runner) -> None:  # noqa: F811
    inputs, observation = runner.inputs, runner.observation
    z = inputs.design(700, 5)
    emulators = fit_emulators(observation, inputs, z, toy_records(inputs, observation, z, 0, 0.5))
    likelihood = SyntheticLikelihood(observation, emulators, inputs.size)
    x = 0.7 * np.random.default_rng(4).standard_normal((3, likelihood.dimension))
    dense = np.zeros(3)
    for run in range(3):
        latent = inputs.size + likelihood.factors
        for one in emulators:
            mean, scale = (
                one.mean(x[run : run + 1, : inputs.size])[0],
                one.scale(x[run : run + 1, : inputs.size])[0],
            )
            figures = [observation.figures[number] for number in one.figures]
            covariance = scale[:, None] * one.correlation * scale[None, :]
            for i, first in enumerate(figures):
                own = first.recording_sd**2 + first.discrepancy_sd**2
                if np.isfinite(first.degrees):
                    own *= first.degrees / chdtri(first.degrees, ndtr(-x[run, latent]))
                    latent += 1
                covariance[i, i] += own
                for j, second in enumerate(figures):
                    if first.series == second.series:
                        covariance[i, j] += first.level_sd * second.level_sd
                    covariance[i, j] += (
                        mean[i]
                        * first.coverage_sd
                        / first.coverage
                        * mean[j]
                        * second.coverage_sd
                        / second.coverage
                    )
            shift = scale * (one.loadings @ x[run, inputs.size : inputs.size + likelihood.factors])
            dense[run] += multivariate_normal.logpdf(
                observation.observed[one.figures], mean + shift, covariance
            )
    assert np.allclose(likelihood(x), dense, rtol=1e-8)


def test_emulators_that_are_off_are_named(runner: Runner) -> None:  # noqa: F811
    inputs, observation = runner.inputs, runner.observation
    z = inputs.design(900, 5)
    records = toy_records(inputs, observation, z, 0, 0.5)
    emulators = fit_emulators(observation, inputs, z[:700], records[:700])
    good = fresh_runs(observation, emulators, z[700:], records[700:])
    assert "beyond" not in emulator_verdict(good)
    assert good.inside_90.mean() == pytest.approx(0.9, abs=0.04)
    number = emulators[0].figures[3]
    moved = records[700:].copy()
    moved[:, number] += 3.0 * moved[:, number].std()
    told = emulator_verdict(fresh_runs(observation, emulators, z[700:], moved))
    figure = observation.figures[number]
    assert told.endswith(f"beyond: {figure.series} {figure.place} {figure.year}")
    wide = replace(good, bias=np.full(len(good.series), LARGEST_BIAS * 0.99))
    assert isinstance(wide, FreshRuns)
    assert "beyond" not in emulator_verdict(wide)


@needs_pyabc
@pytest.mark.slow
def test_a_second_calibration_finds_what_its_runs_tell(runner: Runner) -> None:  # noqa: F811
    shipped = np.random.default_rng(1).standard_normal((80, runner.inputs.size))
    found = second_posterior(runner, TemperedEffort(600, 600, 80, 1000, 1500), shipped, 3, 1)
    for place in ("bulaevo", "tayynsha"):
        for name in (f"fertility.{place}", f"mortality.{place}"):
            k = found.names.index(name)
            assert found.mean[k] == pytest.approx(0.5, abs=0.3)
            assert found.sd[k] < 0.45
    assert found.sd[found.names.index("in_out.bulaevo")] > 0.6


def test_two_comparisons_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["calibrate", "--pyabc", "--pyabc-direct", "--out", "new"])
    assert result.exit_code == 2
    assert "give one of them" in result.stderr
    assert not (tmp_path / "new").exists()
