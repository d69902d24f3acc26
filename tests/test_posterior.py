"""The posterior: coordinates, emulators, likelihood and sampler against what is known exactly; stages and resume."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from scipy.stats import t as student

from calibration.audit_data import read_audit_data
from calibration.emulator import PlaceEmulator, common_loadings, fit_emulators, selected_regression
from calibration.history_matching import THRESHOLD, implausibility, match_history
from calibration.identifiability import directions_of, identify, verdict_of
from calibration.observation import ObservationModel
from calibration.posterior import Arrays, Effort, Posterior, Task, calibrate
from calibration.posterior_abc import abc_marginals
from calibration.posterior_check import check_predictive, coverage
from calibration.posterior_inputs import Floats, Inputs
from calibration.posterior_likelihood import SyntheticLikelihood, normal_densities
from calibration.posterior_runs import Runner
from calibration.posterior_sampler import sample
from calibration.recovery import holm, judge, recover
from model.parameters import ParameterSpace
from model.world import load_world

SMALL = Effort(400, 300, 200, 300, 200, 20, 60, 3)


@pytest.fixture(scope="module")
def task() -> Task:
    return Task(load_world("towns"), read_audit_data("towns"))


def toy_records(inputs: Inputs, observation: ObservationModel, z: Floats, first: int, noise: float) -> Floats:
    """Births follow the place's fertility, deaths its mortality; everything else is as observed but for noise."""
    sd = np.sqrt(observation.variance())
    records = np.tile(observation.observed, (len(z), 1))
    for k, one in enumerate(observation.figures):
        name = {"births": f"fertility.{one.place}", "deaths": f"mortality.{one.place}"}.get(one.series)
        if name in inputs.names:
            records[:, k] += 3.0 * sd[k] * (z[:, inputs.names.index(name)] - 0.5)
    chance = np.random.default_rng(7 + first).standard_normal(records.shape)
    return records + noise * sd * chance


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace real runs by the toy; returns the list of first run numbers asked for."""
    asked: list[int] = []

    def records(runner: Runner, z: Floats, first: int, threads: int, on_run: Callable[[], None]) -> Floats:
        asked.append(first)
        return toy_records(runner.inputs, runner.observation, z, first, 0.5)

    monkeypatch.setattr(Runner, "records", records)
    return asked


# --- coordinates -------------------------------------------------------------------------------------------


def test_calibrated_parameters_are_those_of_the_specification(task: Task) -> None:
    names = task.inputs().names
    assert len(names) == 31
    assert {name.partition(".")[0] for name in names} == {
        "leaving", "in_out", "arrival_variation", "omega", "kappa_E", "m_J", "ubar", "chi", "sigma_W", "g_f",
        "fertility", "mortality",
    }  # fmt: skip
    assert "omega.petropavlovsk" in names


def test_coordinates_are_normal_scores_of_the_priors(task: Task) -> None:
    inputs = task.inputs()
    z = inputs.design(512, 3)
    assert np.allclose(z.mean(axis=0), 0.0, atol=0.05)
    assert np.allclose(z.std(axis=0), 1.0, atol=0.07)
    at = inputs.names.index("leaving")
    middle = inputs.values(np.zeros((1, inputs.size)))
    assert middle[0, at] == pytest.approx(0.025)
    above = np.zeros((1, inputs.size))
    above[0, at] = 1.0
    assert inputs.values(above)[0, at] == pytest.approx(0.025 * math.exp(0.35))


def test_fixed_parameters_are_not_calibrated(task: Task) -> None:
    inputs = Inputs(ParameterSpace(task.world), {"chi": 0.2})
    assert "chi" not in inputs.names
    assert inputs.size == 30


def test_a_place_depends_on_no_other_places_parameters(task: Task) -> None:
    inputs = task.inputs()
    active = {inputs.names[k] for k in inputs.active("bulaevo")}
    assert "fertility.bulaevo" in active
    assert "omega.petropavlovsk" in active
    assert "fertility.mamlyutka" not in active


# --- emulators ---------------------------------------------------------------------------------------------


def test_a_regression_keeps_the_terms_that_matter_and_drops_noise() -> None:
    generator = np.random.default_rng(1)
    basis = np.concatenate([np.ones((800, 1)), generator.standard_normal((800, 40))], axis=1)
    y = 2.0 + 1.5 * basis[:, [3]] - 0.7 * basis[:, [9]] + generator.standard_normal((800, 6))
    coefficients = selected_regression(basis, y)
    assert coefficients[[0, 3, 9]] == pytest.approx(np.array([[2.0] * 6, [1.5] * 6, [-0.7] * 6]), abs=0.15)
    assert (coefficients != 0.0).any(axis=1).sum() <= 4


def test_emulators_learn_mean_and_scatter(task: Task) -> None:
    inputs, observation = task.inputs(), task.observation()
    z = inputs.design(800, 1)
    sd = np.sqrt(observation.variance())
    records = toy_records(inputs, observation, z, 0, 0.0)
    spread = np.exp(0.4 * z[:, [inputs.names.index("leaving")]])
    records = records + spread * sd * np.random.default_rng(2).standard_normal(records.shape)
    emulators = fit_emulators(observation, inputs, z, records)
    assert [one.place for one in emulators] == list(task.data.places)
    fresh = inputs.design(300, 9)
    for one in emulators:
        expected = toy_records(inputs, observation, fresh, 0, 0.0)[:, one.figures]
        assert np.sqrt(np.mean(((one.mean(fresh) - expected) / sd[one.figures]) ** 2)) < 0.2
        ratio = one.scale(fresh) / sd[one.figures] / np.exp(0.4 * fresh[:, [inputs.names.index("leaving")]])
        assert np.median(ratio) == pytest.approx(1.0, abs=0.1)
        assert ratio.std() < 0.15


def test_too_few_runs_are_refused(task: Task) -> None:
    inputs, observation = task.inputs(), task.observation()
    z = inputs.design(50, 1)
    with pytest.raises(ValueError, match="50 runs for"):
        fit_emulators(observation, inputs, z, toy_records(inputs, observation, z, 0, 1.0))


def test_common_factors_reproduce_correlations_between_places() -> None:
    loadings = np.array([0.8, 0.6, 0.0, 0.7, 0.5, 0.0])
    owner = np.array([0, 0, 0, 1, 1, 1])
    whole = np.outer(loadings, loadings)
    np.fill_diagonal(whole, 1.0)
    whole[0, 1] = whole[1, 0] = 0.9  # what holds within a place does not matter
    found = common_loadings(whole, owner)
    between = found @ found.T
    assert between[:3, 3:] == pytest.approx(whole[:3, 3:], abs=0.02)
    assert common_loadings(whole, np.zeros(6, np.int64)).shape == (6, 0)


# --- likelihood --------------------------------------------------------------------------------------------


def test_the_density_is_that_of_a_normal_law() -> None:
    generator = np.random.default_rng(3)
    k = 7
    root = generator.standard_normal((k, k))
    correlation = root @ root.T / k
    shared = np.diag(generator.random(k)) + 0.2
    means, scales = generator.standard_normal((4, k)), generator.random((4, k)) + 0.5
    covered, extra = generator.standard_normal((4, k)), generator.random((4, k))
    observed = generator.standard_normal(k)
    found = normal_densities(observed, means, scales, correlation, shared, covered, extra)
    for n in range(4):
        covariance = (
            np.outer(scales[n], scales[n]) * correlation
            + shared
            + np.outer(covered[n], covered[n])
            + np.diag(extra[n])
        )
        assert found[n] == pytest.approx(multivariate_normal(means[n], covariance).logpdf(observed))


def bare_emulator(observation: ObservationModel, scatter: float) -> PlaceEmulator:
    """One place, no active parameter, means as observed plus one standard deviation."""
    figures = np.arange(len(observation.figures))
    count = len(figures)
    means = observation.observed + np.sqrt(observation.variance())
    none = np.zeros(0, np.int64)
    return PlaceEmulator(
        observation.figures[0].place, figures, none, np.zeros(0), means[None, :],
        np.full((1, count), math.log(scatter)),
        np.zeros((count, 0)), np.eye(count), np.zeros(count),
    )  # fmt: skip


def test_without_scatter_the_likelihood_is_the_density_of_the_record(task: Task) -> None:
    observation = task.observation().keeping(places=["tayynsha"], series=["births", "deaths", "labour_force"])
    emulator = bare_emulator(observation, 1e-9)
    likelihood = SyntheticLikelihood(observation, [emulator], 0)
    expected = observation.log_density(emulator.coefficients)
    assert likelihood(np.zeros((1, likelihood.dimension)))[0] == pytest.approx(float(expected[0]), rel=1e-6)


def test_latent_precisions_make_errors_heavy_tailed(task: Task) -> None:
    observation = task.observation().keeping(places=["tayynsha"], series=["net_migration"], years=[2015])
    assert observation.figures[0].degrees == 3.0
    likelihood = SyntheticLikelihood(observation, [bare_emulator(observation, 1e-9)], 0)
    assert likelihood.dimension == 1
    x = np.random.default_rng(4).standard_normal((200_000, 1))
    mixed = math.log(np.mean(np.exp(likelihood(x))))
    scale = math.sqrt(float(observation.variance()[0]))
    assert mixed == pytest.approx(student(3.0, scale=scale).logpdf(scale), abs=0.01)


# --- sampler -----------------------------------------------------------------------------------------------


def test_the_sampler_finds_a_normal_posterior_and_its_evidence() -> None:
    noise, observed = 0.3, np.array([1.5, -0.5])
    mixing = np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.0]])

    def log_likelihood(x: Floats) -> Floats:
        residual = observed - x @ mixing.T
        return np.asarray(-0.5 * (residual**2).sum(axis=1) / noise**2 - math.log(2.0 * math.pi * noise**2))

    found = sample(log_likelihood, 3, 4000, (1,))
    precision = np.eye(3) + mixing.T @ mixing / noise**2
    covariance = np.linalg.inv(precision)
    mean = covariance @ mixing.T @ observed / noise**2
    assert found.x.mean(axis=0) == pytest.approx(mean, abs=0.05)
    assert np.cov(found.x.T) == pytest.approx(covariance, abs=0.06)
    marginal = multivariate_normal(np.zeros(2), noise**2 * np.eye(2) + mixing @ mixing.T)
    assert found.log_evidence == pytest.approx(float(marginal.logpdf(observed)), abs=0.1)
    assert found.exponents[-1] == 1.0
    assert np.array_equal(sample(log_likelihood, 3, 200, (5,)).x, sample(log_likelihood, 3, 200, (5,)).x)


# --- history matching --------------------------------------------------------------------------------------


def test_history_matching_rules_out_what_the_record_contradicts(task: Task) -> None:
    inputs, observation = task.inputs(), task.observation()
    z = inputs.design(800, 1)
    emulators = fit_emulators(observation, inputs, z, toy_records(inputs, observation, z, 0, 0.5))
    at = inputs.names.index("fertility.bulaevo")
    points = np.zeros((2, inputs.size))
    points[:, [k for k, name in enumerate(inputs.names) if name.startswith(("fertility", "mortality"))]] = 0.5
    points[1, at] = -2.5
    level = implausibility(observation, emulators, points)
    assert level[0] < THRESHOLD < level[1]
    found = match_history(observation, inputs, emulators, 100, 5)
    assert found.z.shape == (100, inputs.size)
    assert (implausibility(observation, emulators, found.z) < 1.05 * THRESHOLD).all()
    assert 0.0 < found.share < 1.0


# --- the whole ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_known_truth_is_found_and_the_rest_stays_at_its_prior(task: Task, toy: list[int]) -> None:
    posterior = calibrate(task, SMALL, 1, 1)
    assert posterior.z.shape == (200, 31)
    assert len(set(toy)) == len(toy)  # no two batches share other parameters or chance
    found = {name: posterior.z[:, k] for k, name in enumerate(posterior.inputs.names)}
    for place in task.data.places:
        assert found[f"fertility.{place}"].mean() == pytest.approx(0.5, abs=0.25)
        assert found[f"mortality.{place}"].std() < 0.4
    assert abs(found["omega.sergeevka"].mean()) < 0.35
    assert found["omega.sergeevka"].std() > 0.75
    report = identify(posterior, 200, 3, 1, 2)
    verdicts = {one.name: one for one in report.parameters}
    assert verdicts["fertility.bulaevo"].verdict == "identified"
    assert verdicts["fertility.bulaevo"].series[0][0] == "births"
    assert np.all(report.profiles <= 0.0)
    assert report.directions[0].sd > report.directions[-1].sd
    second = abc_marginals(posterior.observation, posterior.matched_z, posterior.matched_records, 1)
    at = posterior.inputs.names.index("fertility.bulaevo")
    assert second.mean[at] == pytest.approx(found["fertility.bulaevo"].mean(), abs=0.4)
    count, _, inside_90 = coverage(check_predictive(posterior, 1))
    assert count > 100
    assert inside_90 > 0.85


@pytest.mark.slow
def test_draws_do_not_depend_on_threads_and_kept_stages_are_not_run_again(task: Task, toy: list[int]) -> None:
    kept: dict[str, Arrays] = {}

    def keep(name: str, compute: Callable[[], Arrays]) -> Arrays:
        if name not in kept:
            kept[name] = compute()
        return kept[name]

    first = calibrate(task, SMALL, 1, 1, keep)
    runs = len(toy)
    assert len([name for name in kept if name.startswith("prior")]) == 4
    del kept["replica-1"], kept["predictive-001"]  # stopped there
    again = calibrate(task, SMALL, 1, 3, keep)
    assert len(toy) == runs + 1
    assert np.array_equal(first.z, again.z)
    assert np.array_equal(first.predictive, again.predictive)
    other = calibrate(task, SMALL, 2, 1)
    assert not np.array_equal(first.z, other.z)


def test_nothing_left_to_calibrate_is_refused(task: Task) -> None:
    fixed = dict.fromkeys(task.inputs().names, 0.1)
    with pytest.raises(ValueError, match="is fixed"):
        calibrate(replace(task, fixed=fixed), SMALL, 1, 1)
    with pytest.raises(ValueError, match="of 10 runs"):
        Effort(prior=10, synthetic=6)


# --- identifiability and recovery --------------------------------------------------------------------------


def test_directions_are_the_eigenvectors_of_what_is_left() -> None:
    covariance = np.array([[0.5, -0.4, 0.0], [-0.4, 0.5, 0.0], [0.0, 0.0, 0.04]])
    found = directions_of(covariance, ("a", "b", "c"))
    assert [one.sd for one in found] == pytest.approx([math.sqrt(0.9), math.sqrt(0.1), 0.2])
    assert dict(found[0].loadings) == pytest.approx({"a": 0.707, "b": -0.707}, abs=1e-3)
    assert [name for name, _ in found[2].loadings] == ["c"]
    assert [verdict_of(ratio) for ratio in (0.3, 0.7, 0.95)] == [
        "identified", "weakly identified", "prior-dominated",
    ]  # fmt: skip


def test_ranks_tell_right_from_wrong_posteriors() -> None:
    generator = np.random.default_rng(6)
    particles, records = 200, 400
    truth = np.zeros((records, 3))
    below = np.stack(
        [
            generator.integers(0, particles + 1, records),
            generator.binomial(particles, generator.beta(2.0, 2.0, records)),  # intervals too wide
            generator.binomial(particles, generator.beta(2.0, 1.0, records)),  # biased
        ],
        axis=1,
    )
    found = np.stack([below, np.zeros_like(below), np.ones_like(below)], axis=1).astype(np.float64)
    verdict = judge(("right", "wide", "biased"), found, truth, particles, 1)
    assert verdict.failures == ("wide", "biased")
    assert verdict.coverage[1, 0] == pytest.approx(0.9, abs=0.05)
    assert verdict.coverage[1, 1] > 0.95


def test_holms_correction() -> None:
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1.0, 1.0])


@pytest.mark.slow
def test_recovery_of_the_toy_is_uniform_and_reports_contraction(task: Task, toy: list[int]) -> None:
    posterior: Posterior = calibrate(task, SMALL, 1, 1)
    found = recover(
        posterior.observation, posterior.inputs, posterior.prior_z, posterior.prior_records, 20, 60, 1, 2
    )
    at = found.names.index("fertility.tayynsha")
    assert found.ranks.shape == (20, 31)
    assert found.contraction[at] > 0.7
    assert abs(found.bias[at]) < 0.2
