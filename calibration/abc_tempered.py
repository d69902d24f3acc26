"""A second calibration from runs of its own: emulators fitted anew, their likelihood sampled by pyABC.

It shares with `calibrate` the priors, the errors of the record and the form of emulator and likelihood; not one
run, no history matching and no sampler. pyABC (Schälte et al. 2022, doi:10.21105/joss.04304) takes particles by
stochastic acceptance in proportion to the likelihood (Wilkinson 2013, doi:10.1515/sagmb-2013-0010), tempered down
to a temperature of 1, where that is exact. Where both engines give the same marginals, neither the sampler nor the
noise of the runs that taught the emulators made them. Whether emulators describe runs is looked at apart, on fresh
runs of the shipped draws.

pyABC is an optional extra: `pip install qyzyljar[pyabc]`.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from calibration.emulator import PlaceEmulator, fit_emulators
from calibration.observation import ObservationModel
from calibration.posterior import WIDENING
from calibration.posterior_inputs import Floats
from calibration.posterior_likelihood import SyntheticLikelihood
from calibration.posterior_runs import Runner

KEPT_WEIGHT: Final = 0.7  # of the particles, from one temperature to the next
# Of the log densities last accepted, the quantile that is taken for certain to be accepted; denser particles
# carry the rest as a weight
CERTAIN: Final = 0.6
INFLATION: Final = 1.2  # of the fitted covariance: proposals must reach the tails
GENERATIONS: Final = 40  # at most; the first engine needs 9 steps of one half
# Numbers of runs that no other stage shares: its own other parameters and chance
FIRST_PILOT, FIRST_WIDENED, FIRST_FRESH = 7_000_000, 8_000_000, 9_000_000
POINT: Final = "point"
PILOT, ROUGH, FINAL = 81, 82, 83  # purposes of generators


@dataclass(frozen=True)
class TemperedEffort:
    """Sizes. pilot: runs over the priors. widened: runs around a first posterior. fresh: runs of shipped draws.

    rough, particles: particles of a generation of the first posterior and of the last.
    """

    pilot: int = 3000
    widened: int = 3000
    fresh: int = 600
    rough: int = 3000
    particles: int = 6000

    @property
    def runs(self) -> int:
        """Runs of the model altogether."""
        return self.pilot + self.widened + self.fresh


@dataclass(frozen=True, eq=False)
class TemperedSample:
    """What pyABC found.

    Attributes:
        x: float64[n, dimension]. weights: float64[n], sum 1. temperatures, evaluations: of each generation.
    """

    x: Floats
    weights: Floats
    temperatures: tuple[float, ...]
    evaluations: tuple[int, ...]

    @property
    def effective(self) -> float:
        """Effective number of independent particles (Kish)."""
        return float(1.0 / np.sum(self.weights**2))

    def moments(self, size: int) -> tuple[Floats, Floats]:
        """Return means and standard deviations of the first ``size`` coordinates."""
        z = self.x[:, :size]
        mean = self.weights @ z
        return mean, np.sqrt(self.weights @ (z - mean) ** 2)


@dataclass(frozen=True, eq=False)
class SecondPosterior:
    """Marginals by the second calibration, as normal scores, and what its emulators say of fresh runs.

    Attributes:
        names: of the p parameters. mean, sd: float64[p]. sample: of the last likelihood.
        fresh: how fresh runs lie in what the emulators say of them.
    """

    names: tuple[str, ...]
    mean: Floats
    sd: Floats
    sample: TemperedSample
    fresh: FreshRuns


@dataclass(frozen=True, eq=False)
class FreshRuns:
    """Fresh runs against the emulators, figure by figure.

    Attributes:
        series, places, years: of the k figures. bias: float64[k] mean residual, in the standard deviations by
            which a record may differ from a run (scatter of runs and errors of the record). noise: float64[k] standard
            error of that by the number of runs. spread: float64[k] root mean square residual over the scatter stated.
        inside_50, inside_90: float64[k] share of runs inside the emulators' intervals.
    """

    series: tuple[str, ...]
    places: tuple[str, ...]
    years: tuple[int, ...]
    bias: Floats
    noise: Floats
    spread: Floats
    inside_50: Floats
    inside_90: Floats


def second_posterior(
    runner: Runner,
    effort: TemperedEffort,
    shipped: Floats,
    seed: int,
    threads: int,
    on_run: Callable[[], None] = lambda: None,
) -> SecondPosterior:
    """Return the marginals by a calibration of its own; deterministic under a seed whatever the threads.

    Args:
        shipped: float64[n, p] draws of the shipped posterior as normal scores; the first ones are run afresh.

    Raises:
        ImportError: pyABC is not installed. ValueError: too few runs for the emulators, or too few particles.
        model.accounts.AccountsError: the accounts of a run do not close.
    """
    inputs, observation = runner.inputs, runner.observation
    pilot_z = inputs.design(effort.pilot, _whole(seed, PILOT))
    pilot = runner.records(pilot_z, FIRST_PILOT, threads, on_run)
    rough = SyntheticLikelihood(observation, fit_emulators(observation, inputs, pilot_z, pilot), inputs.size)
    first = tempered_sample(rough, rough.dimension, inputs.size, effort.rough, _whole(seed, ROUGH))
    mean, _ = first.moments(inputs.size)
    chosen = np.random.default_rng((seed, ROUGH)).choice(len(first.x), effort.widened, p=first.weights)
    # Copies of one particle would teach little: each is moved by what the kernel estimate of the law would move it
    around = first.x[chosen, : inputs.size] - mean
    moved = (
        np.random.default_rng((seed, FINAL)).standard_normal(around.shape)
        @ np.linalg.cholesky(
            np.cov(first.x[:, : inputs.size].T, aweights=first.weights) + 1e-9 * np.eye(inputs.size)
        ).T
    )
    widened_z = mean + WIDENING * (around + moved) / np.sqrt(2.0)
    widened = runner.records(widened_z, FIRST_WIDENED, threads, on_run)
    emulators = fit_emulators(observation, inputs, widened_z, widened)
    likelihood = SyntheticLikelihood(observation, emulators, inputs.size)
    found = tempered_sample(
        likelihood, likelihood.dimension, inputs.size, effort.particles, _whole(seed, FINAL)
    )
    mean, sd = found.moments(inputs.size)
    fresh_z = shipped[: effort.fresh]
    records = runner.records(fresh_z, FIRST_FRESH, threads, on_run)
    return SecondPosterior(
        inputs.names, mean, sd, found, fresh_runs(observation, emulators, fresh_z, records)
    )


def fresh_runs(
    observation: ObservationModel, emulators: tuple[PlaceEmulator, ...], z: Floats, records: Floats
) -> FreshRuns:
    """Return how runs at z [n, p] with records [n, figures] lie in what the emulators say of them."""
    parts = []
    for one in emulators:
        scale = one.scale(z)
        residual = records[:, one.figures] - one.mean(z)
        figures = [observation.figures[number] for number in one.figures]
        level = np.array([figure.level_sd for figure in figures])
        error = np.sqrt((scale**2).mean(axis=0) + observation.variance()[one.figures] + level**2)
        standard = residual / scale
        parts.append(
            (
                [figure.series for figure in figures],
                [figure.place for figure in figures],
                [figure.year for figure in figures],
                residual.mean(axis=0) / error,
                residual.std(axis=0) / error / np.sqrt(len(z)),
                np.sqrt((standard**2).mean(axis=0)),
                (np.abs(standard) < 0.6745).mean(axis=0),
                (np.abs(standard) < 1.6449).mean(axis=0),
            )
        )
    series, places, years, *numbers = zip(*parts, strict=True)
    return FreshRuns(
        tuple(name for part in series for name in part),
        tuple(name for part in places for name in part),
        tuple(year for part in years for year in part),
        *(np.concatenate(one) for one in numbers),
    )


def tempered_sample(
    log_likelihood: Callable[[Floats], Floats], dimension: int, joint: int, particles: int, seed: int
) -> TemperedSample:
    """Sample N(0, 1)^dimension x likelihood by pyABC.

    Args:
        log_likelihood: of x [n, dimension], float64[n]. joint: so many first coordinates are proposed with their
            covariances, the others (latent ones, near their priors) each for itself.

    Raises:
        ImportError: pyABC is not installed. ValueError: the temperature has not come down to 1.
    """
    import pyabc

    logging.getLogger("ABC").setLevel(logging.ERROR)
    points: list[Floats] = []
    prior, transition, scheme = _pyabc_parts(points, dimension, joint)

    def simulate(chosen: Mapping[str, float]) -> dict[str, float]:
        return {"log": float(log_likelihood(points[int(chosen[POINT])][None])[0])}

    with _common_generator(seed), tempfile.TemporaryDirectory(prefix="qyzyljar-pyabc-") as folder:
        abc = pyabc.ABCSMC(
            simulate,
            prior,
            pyabc.distance.FunctionKernel(_log_density, ret_scale=pyabc.distance.SCALE_LOG),
            population_size=particles,
            transitions=transition,
            eps=pyabc.Temperature(schemes=[scheme], initial_temperature=scheme),
            acceptor=pyabc.StochasticAcceptor(pdf_norm_method=_certain),
            sampler=pyabc.SingleCoreSampler(),
        )
        history = abc.new("sqlite:///" + str(Path(folder) / "abc.db"), {"log": 0.0})
        abc.run(max_nr_populations=GENERATIONS)
        frame, weights = history.get_distribution(t=history.max_t)
        told = history.get_all_populations()
    told = told[told["t"] >= 0]
    temperatures = tuple(float(value) for value in told["epsilon"])
    if not temperatures or temperatures[-1] > 1.0 or len(temperatures) == GENERATIONS:
        raise ValueError(f"{len(temperatures)} generations have not cooled to a temperature of 1")
    return TemperedSample(
        np.stack([points[int(number)] for number in frame[POINT]]),
        np.asarray(weights, dtype=np.float64) / np.sum(weights),
        temperatures,
        tuple(int(value) for value in told["samples"]),
    )


def _log_density(x: Mapping[str, float], **_: object) -> float:
    return x["log"]


def _certain(get_weighted_distances: Callable[[], Any], **_: object) -> float:
    """Return the log density that is accepted for certain."""
    found = get_weighted_distances()["distance"].to_numpy()
    return float(np.quantile(found[np.isfinite(found)], CERTAIN))


def _pyabc_parts(points: list[Floats], dimension: int, joint: int) -> tuple[Any, Any, Any]:
    """Return prior, proposal and cooling: subclasses of pyABC's, which is not there for everybody.

    What pyABC handles and stores of a particle is the number of its point in ``points``, float64[dimension] each: a
    row of its data base for every coordinate took nine tenths of the time.
    """
    import pyabc
    from pyabc.random_variables import DistributionBase
    from pyabc.transition import Transition

    constant = -0.5 * dimension * np.log(2.0 * np.pi)

    def keep(x: Floats) -> Any:
        points.append(x)
        return pyabc.Parameter({POINT: float(len(points) - 1)})

    class Prior(DistributionBase):  # type: ignore[misc]
        """N(0, 1) for every coordinate."""

        def rvs(self, *_: object, **__: object) -> Any:
            return keep(np.random.standard_normal(dimension))

        def pdf(self, x: Any) -> float:
            return float(np.exp(constant - 0.5 * np.sum(points[int(x[POINT])] ** 2)))

    class Normal(Transition):  # type: ignore[misc]
        """One normal law fitted to the particles.

        pyABC's own kernel estimate has no effective particles left in thirty dimensions and more.
        """

        def fit(self, X: Any, w: Floats) -> None:
            x = np.stack([points[int(number)] for number in X[POINT]])
            share = w / w.sum()
            self.mean = share @ x
            centred = x - self.mean
            whole = INFLATION * (centred.T * share) @ centred
            count = 1.0 / float(np.sum(share**2))
            kept = count / (joint + count)
            covariance = np.diag(np.diag(whole))
            covariance[:joint, :joint] += kept * (whole - covariance)[:joint, :joint]
            self.factor = np.linalg.cholesky(covariance + 1e-9 * np.eye(dimension))
            self.inverse = np.linalg.inv(self.factor)
            self.constant = constant + float(np.log(np.diag(self.inverse)).sum())

        def rvs_single(self) -> Any:
            return keep(self.mean + self.factor @ np.random.standard_normal(dimension))

        def pdf(self, x: Any) -> Any:
            standard = self.inverse @ (points[int(x[POINT])] - self.mean)
            return float(np.exp(self.constant - 0.5 * np.sum(standard**2)))

    class Cooling(pyabc.epsilon.TemperatureScheme):  # type: ignore[misc]
        """The lowest temperature that keeps `KEPT_WEIGHT` of the particles' weight."""

        def requires_distances(self) -> bool:
            return True

        def __call__(
            self,
            get_weighted_distances: Callable[[], Any],
            prev_temperature: float | None = None,
            **_: object,
        ) -> float:
            frame = get_weighted_distances()
            held, level = frame["w"].to_numpy(), frame["distance"].to_numpy()
            before = 0.0 if prev_temperature is None else 1.0 / float(prev_temperature)
            return 1.0 / next_exponent(held / held.sum(), level, before)

    return Prior(), Normal(), Cooling()


def next_exponent(held: Floats, level: Floats, before: float) -> float:
    """Return the exponent of the likelihood that keeps `KEPT_WEIGHT` of the effective weight, at most 1, by bisection.

    Conditional effective size (Zhou, Johansen & Aston 2016): weights ``held`` [n] that are uneven already do not
    stop the cooling. level: float64[n] log densities.
    """

    def kept(candidate: float) -> float:
        logs = (candidate - before) * (level - level.max())
        weights = np.exp(logs)
        return float((held @ weights) ** 2 / (held @ weights**2))

    if kept(1.0) >= KEPT_WEIGHT:
        return 1.0
    low, high = before, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if kept(middle) >= KEPT_WEIGHT else (low, middle)
    return low


@contextlib.contextmanager
def _common_generator(seed: int) -> Iterator[None]:
    """Seed numpy's one common generator, from which pyABC draws, and give it back as it was."""
    state = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        np.random.set_state(state)


def _whole(seed: int, purpose: int) -> int:
    return int(np.random.SeedSequence((seed, purpose)).generate_state(1)[0])
