"""What the record says about each parameter: prior against posterior, which series say it, what stays unseen."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from calibration.emulator import is_emulated
from calibration.observation import ObservationModel
from calibration.posterior import Arrays, Keep, Posterior, generator_seed, nothing_kept
from calibration.posterior_inputs import Floats, Inputs
from calibration.posterior_likelihood import SyntheticLikelihood
from calibration.posterior_sampler import sample

PRIOR_DOMINATED: Final = 0.9  # posterior over prior standard deviation from here on
IDENTIFIED: Final = 0.6  # and up to here
LEAST_LOSS: Final = 0.05  # growth of a standard deviation without a series that is worth a mention
LEAST_LOADING: Final = 0.25
WITHOUT: Final = 41  # purpose of generators
PROFILE_REACH: Final = 2.5  # prior standard deviations on either side
DIFFERENCE: Final = 1e-4
PRIOR_SAMPLE: Final = 4001


@dataclass(frozen=True)
class Knowledge:
    """What is known of one parameter.

    Attributes:
        name, unit, prior: as declared. prior_mean, prior_sd, mean, sd, q05, q50, q95: in its unit.
        sd_ratio: posterior over prior standard deviation of the normal score. shift: of its mean, in prior
            standard deviations. verdict: "identified", "weakly identified" or "prior-dominated".
        series: that identify it, the most important first, with the growth of the sd without it.
    """

    name: str
    unit: str
    prior: str
    prior_mean: float
    prior_sd: float
    mean: float
    sd: float
    q05: float
    q50: float
    q95: float
    sd_ratio: float
    shift: float
    verdict: str
    series: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Direction:
    """A combination of normal scores: its posterior sd (prior 1) and loadings of the parameters in it."""

    sd: float
    loadings: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class NetRate:
    """Net migration level lambda (in/out - 1) of a place, persons per 1,000 a year: prior and posterior mean, sd."""

    place: str
    prior_mean: float
    prior_sd: float
    mean: float
    sd: float


@dataclass(frozen=True, eq=False)
class Identifiability:
    """The report.

    Attributes:
        parameters: one each. directions: all p, from the least to the most seen.
        net_rates: of the places. correlation: float64[p, p] posterior correlation of normal scores.
        profile_grid: float64[g] normal scores. profiles: float64[p, g] log posterior density maximised over all
            other coordinates, its own maximum 0.
    """

    parameters: tuple[Knowledge, ...]
    directions: tuple[Direction, ...]
    net_rates: tuple[NetRate, ...]
    correlation: Floats
    profile_grid: Floats
    profiles: Floats

    @property
    def prior_dominated(self) -> tuple[str, ...]:
        """Names of the parameters that only their prior determines."""
        return tuple(one.name for one in self.parameters if one.verdict == "prior-dominated")


def verdict_of(sd_ratio: float) -> str:
    """Return the verdict on a parameter whose standard deviation shrank to this share of its prior's."""
    if sd_ratio >= PRIOR_DOMINATED:
        return "prior-dominated"
    return "identified" if sd_ratio <= IDENTIFIED else "weakly identified"


def identify(
    posterior: Posterior,
    particles: int,
    profile_points: int,
    seed: int,
    threads: int,
    keep: Keep = nothing_kept,
    advance: Callable[[], None] = lambda: None,
) -> Identifiability:
    """Return the report on a posterior; ``advance`` is called `units_of_work` times."""
    inputs, observation = posterior.inputs, posterior.observation
    sds = posterior.z.std(axis=0)
    names = fitted_series(observation)
    with ThreadPoolExecutor(threads, "identify") as pool:

        def without(name: str) -> Floats:
            found = keep(f"without-{name}", lambda: _sd_without(posterior, name, particles, seed))["sd"]
            advance()
            return np.asarray(found)

        losses = {name: sd / sds - 1.0 for name, sd in zip(names, pool.map(without, names), strict=True)}
        grid = np.linspace(-PROFILE_REACH, PROFILE_REACH, profile_points)

        def profile(number: int) -> Floats:
            found = keep(f"profile-{number:02d}", lambda: _profile(posterior, number, grid))["profile"]
            advance()
            return np.asarray(found)

        profiles = np.stack(list(pool.map(profile, range(inputs.size))))
    covariance = np.cov(posterior.z.T) if inputs.size > 1 else np.array([[float(posterior.z.var())]])
    return Identifiability(
        tuple(_knowledge(posterior, k, losses) for k in range(inputs.size)),
        directions_of(np.atleast_2d(covariance), inputs.names),
        net_rates_of(inputs, posterior.z),
        np.atleast_2d(np.corrcoef(posterior.z.T)),
        grid,
        profiles,
    )


def units_of_work(posterior: Posterior) -> int:
    """Return how often `identify` calls ``advance``."""
    return len(fitted_series(posterior.observation)) + posterior.inputs.size


def fitted_series(observation: ObservationModel) -> tuple[str, ...]:
    """Return the series that take part in the likelihood, in order."""
    return tuple(dict.fromkeys(one.series for one in observation.figures if is_emulated(one)))


def _sd_without(posterior: Posterior, name: str, particles: int, seed: int) -> Arrays:
    """Return the standard deviations float64[p] of the posterior without one series."""
    kept = frozenset(fitted_series(posterior.observation)) - {name}
    if not kept:
        return {"sd": np.ones(posterior.inputs.size)}
    size = posterior.inputs.size
    likelihood = SyntheticLikelihood(posterior.observation, posterior.emulators, size, kept)
    purpose = WITHOUT + fitted_series(posterior.observation).index(name)
    found = sample(likelihood, likelihood.dimension, particles, generator_seed(seed, purpose))
    return {"sd": found.x[:, :size].std(axis=0)}


def _profile(posterior: Posterior, number: int, grid: Floats) -> Arrays:
    """Return float64[g]: log posterior density maximised over all other coordinates, from the middle outwards."""
    likelihood = posterior.likelihood
    others = np.array([k for k in range(likelihood.dimension) if k != number])
    start = np.zeros(likelihood.dimension)
    start[: posterior.inputs.size] = posterior.z.mean(axis=0)
    steps = np.concatenate([np.zeros((1, len(others))), DIFFERENCE * np.eye(len(others))])

    def best(fixed: float, from_here: Floats) -> tuple[float, Floats]:
        def objective(free: Floats) -> tuple[float, Floats]:
            x = np.empty((len(steps), likelihood.dimension))
            x[:, number] = fixed
            x[:, others] = free + steps
            # The prior of the coordinate itself stays out: the profile shows what data and other priors say
            levels = likelihood(x) - 0.5 * (x[:, others] ** 2).sum(axis=1)
            return -float(levels[0]), -(levels[1:] - levels[0]) / DIFFERENCE

        found = minimize(objective, from_here, jac=True, method="L-BFGS-B", options={"maxiter": 60})
        return -float(found.fun), np.asarray(found.x)

    values = np.empty(len(grid))
    nearest = int(np.argmin(np.abs(grid - start[number])))
    for sequence in (range(nearest, len(grid)), range(nearest - 1, -1, -1)):
        current = start[others]
        for k in sequence:
            values[k], current = best(float(grid[k]), current)
    return {"profile": values - values.max()}


def _knowledge(posterior: Posterior, number: int, losses: dict[str, Floats]) -> Knowledge:
    one = posterior.inputs.parameters[number]
    assert one.prior is not None
    shares = (np.arange(PRIOR_SAMPLE) + 0.5) / PRIOR_SAMPLE
    prior = np.array([one.prior.quantile(float(share)) for share in shares])
    values = posterior.values[:, number]
    low, middle, high = (float(value) for value in np.quantile(values, [0.05, 0.5, 0.95]))
    ratio = float(posterior.z[:, number].std())
    seen = sorted(((name, float(loss[number])) for name, loss in losses.items()), key=lambda pair: -pair[1])
    verdict = verdict_of(ratio)
    return Knowledge(
        one.name,
        one.declaration.unit,
        one.prior.describe(),
        float(prior.mean()),
        float(prior.std()),
        float(values.mean()),
        float(values.std()),
        low,
        middle,
        high,
        ratio,
        float(posterior.z[:, number].mean()),
        verdict,
        () if verdict == "prior-dominated" else tuple(pair for pair in seen if pair[1] >= LEAST_LOSS),
    )


def directions_of(covariance: Floats, names: tuple[str, ...]) -> tuple[Direction, ...]:
    """Return the eigenvectors of the posterior covariance of normal scores, the least seen first.

    The prior covariance is the identity, so that an eigenvalue is the share of the prior variance that is left.
    """
    values, vectors = np.linalg.eigh(covariance)
    return tuple(
        Direction(float(np.sqrt(max(values[k], 0.0))), _loadings(vectors[:, k], names))
        for k in range(len(values) - 1, -1, -1)
    )


def _loadings(vector: NDArray[np.float64], names: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    order = np.argsort(-np.abs(vector))
    sign = 1.0 if vector[order[0]] > 0 else -1.0
    chosen = [k for k in order if abs(vector[k]) >= LEAST_LOADING] or [order[0]]
    return tuple((names[k], sign * float(vector[k])) for k in chosen)


def net_rates_of(inputs: Inputs, z: Floats) -> tuple[NetRate, ...]:
    """Return the net migration levels that lambda and the in/out ratios imply, prior against posterior."""
    world = inputs.space.world
    names = inputs.names
    rates = []
    prior_z = inputs.design(2048, 0)
    for p, place in enumerate(world.ids[: world.n_sim]):
        if "leaving" not in names or f"in_out.{place}" not in names:
            continue
        levels = []
        for points in (prior_z, z):
            values = inputs.values(points)
            leaving = 1000.0 * values[:, names.index("leaving")] * float(world.leaving_rate_ratio[p])
            levels.append(leaving * (values[:, names.index(f"in_out.{place}")] - 1.0))
        prior, found = levels
        rates.append(
            NetRate(place, float(prior.mean()), float(prior.std()), float(found.mean()), float(found.std()))
        )
    return tuple(rates)
