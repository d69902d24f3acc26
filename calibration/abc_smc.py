"""An independent second opinion on the posterior: sequential Monte Carlo ABC by pyABC on real runs of the model.

Nothing of the calibration's own machinery takes part but the priors and the errors of the record: no emulator, no
synthetic likelihood, no history matching, and the sampler is pyABC's (Schälte et al. 2022,
doi:10.21105/joss.04304). For each parameter the record is reduced to a regression estimate of it (Fearnhead & Prangle
2012), the distance weighs these estimates by their scatter, the tolerance falls generation by generation (Toni et al.
2009), and what is left of the distance is regressed out (Beaumont et al. 2002).

pyABC is an optional extra: `pip install qyzyljar[pyabc]`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from calibration.emulator import is_emulated
from calibration.observation import ObservationModel
from calibration.posterior_inputs import Floats, Inputs
from calibration.posterior_runs import Runner

LARGEST: Final = 3.0  # standard deviations of a record's figure: heavy tails would rule the regression
TURNING: Final = 2.0  # deviations from which on a figure says the less, the further away it lies
NEAREST: Final = 0.10  # of the first pilot, around whom the second is laid
WIDENING: Final = 1.5  # of their standard deviations
RIDGE: Final = 1e-2
# Of the covariance of pyABC's proposals: in 31 dimensions its own rule nearly doubles the variance of a generation,
# and hardly a proposal comes nearer to the record
PROPOSAL_SCALE: Final = 0.15
FIRST_PILOT, FIRST_RUN = 5_000_000, 6_000_000  # numbers of runs: no other run shares their chance
PILOT, RECORD = 71, 72  # purposes of generators


@dataclass(frozen=True)
class AbcEffort:
    """Sizes. pilot: runs for the statistics, half over the priors and half where these come near the record.
    particles: of a generation. generations, runs: at most.

    A generation that would need more runs is dropped: the last complete one counts.
    """

    pilot: int = 1500
    particles: int = 1000
    generations: int = 5
    runs: int = 5000


@dataclass(frozen=True, eq=False)
class AbcPosterior:
    """Marginal posteriors as normal scores.

    Attributes:
        names: of the p parameters. mean, sd: float64[p] after the regression. raw_mean, raw_sd: before it.
        tolerances, runs: by generation. effective: effective particles of the last one.
    """

    names: tuple[str, ...]
    mean: Floats
    sd: Floats
    raw_mean: Floats
    raw_sd: Floats
    tolerances: tuple[float, ...]
    runs: tuple[int, ...]
    effective: float


class _RunsSpent(Exception):
    """All runs are used up inside a generation."""


def is_installed() -> bool:
    """Whether pyABC can be imported."""
    return importlib.util.find_spec("pyabc") is not None


@dataclass(frozen=True, eq=False)
class Statistics:
    """Regression estimates of all parameters from a record, float64[n, p] of records [n, figures]."""

    used: Any
    middle: Floats
    spread: Floats
    weights: Floats

    def __call__(self, records: Floats) -> Floats:
        """Return the estimates."""
        return np.asarray(_basis((records[:, self.used] - self.middle) / self.spread) @ self.weights)


def _basis(y: Floats) -> Floats:
    """Regressors from figures in standard deviations [n, k]: clipped, their squares, and such as outliers leave."""
    clipped = np.clip(y, -LARGEST, LARGEST)
    fading = y / (1.0 + (y / TURNING) ** 2)
    return np.concatenate([np.ones((len(y), 1)), clipped, clipped**2 - 1.0, fading], axis=1)


def fit_statistics(observation: ObservationModel, z: Floats, records: Floats) -> Statistics:
    """Return the statistics that a pilot teaches: z [n, p] and records with errors [n, figures]."""
    used = np.array([is_emulated(one) for one in observation.figures])
    middle = np.median(records[:, used], axis=0)
    # Half the distance of the quartiles: a heavy tail would hide what lies in the middle
    quartiles = np.quantile(records[:, used], (0.25, 0.75), axis=0)
    spread = np.maximum((quartiles[1] - quartiles[0]) / 1.349, 1e-9)
    basis = _basis((records[:, used] - middle) / spread)
    penalty = RIDGE * len(basis) * np.mean(basis**2, axis=0)
    penalty[0] = 0.0
    weights = np.linalg.solve(basis.T @ basis + np.diag(penalty), basis.T @ z)
    return Statistics(used, middle, spread, weights)


def abc_posterior(
    runner: Runner,
    effort: AbcEffort,
    seed: int,
    threads: int,
    on_run: Callable[[], None] = lambda: None,
) -> AbcPosterior:
    """Return the marginal posteriors by pyABC; deterministic under a seed, one run after the other.

    Raises:
        ImportError: pyABC is not installed. ValueError: too few runs for one generation.
        model.accounts.AccountsError: the accounts of a run do not close.
    """
    import pyabc

    logging.getLogger("ABC").setLevel(logging.ERROR)
    inputs, observation = runner.inputs, runner.observation
    statistics, tolerance = _piloted(runner, effort, seed, threads, on_run)
    observed = statistics(observation.observed[None])[0]
    keys = [f"p{k:02d}" for k in range(inputs.size)]
    made = [0]

    def simulate(chosen: Mapping[str, float]) -> dict[str, Floats]:
        number = made[0]
        if number >= effort.runs:
            raise _RunsSpent
        made[0] += 1
        z = np.array([[chosen[key] for key in keys]])
        records = runner.records(z, FIRST_RUN + number, 1, on_run)
        drawn = observation.draw(records, _whole(seed, RECORD, number + 1))
        return {"s": statistics(drawn)[0]}

    state = np.random.get_state()
    np.random.seed(_whole(seed, RECORD) % 2**32)  # pyABC draws from numpy's one common generator
    try:
        with tempfile.TemporaryDirectory(prefix="qyzyljar-pyabc-") as folder:
            abc = pyabc.ABCSMC(
                simulate,
                pyabc.Distribution(**{key: pyabc.RV("norm", 0.0, 1.0) for key in keys}),
                pyabc.PNormDistance(p=2),
                population_size=effort.particles,
                sampler=pyabc.SingleCoreSampler(),
                eps=pyabc.ConstantEpsilon(tolerance),
            )
            history = abc.new("sqlite:///" + str(Path(folder) / "abc.db"), {"s": observed})
            with contextlib.suppress(_RunsSpent):
                abc.run(max_nr_populations=1)
            if history.max_t < 0:
                raise ValueError(
                    f"{effort.runs} runs did not complete a generation of {effort.particles} particles"
                )
            population = history.get_population().particles
            told = history.get_all_populations()
            told = told[told["t"] >= 0]
            tolerances = tuple(float(value) for value in told["epsilon"])
            runs = tuple(int(value) for value in told["samples"])
    finally:
        np.random.set_state(state)
    z = np.array([[one.parameter[key] for key in keys] for one in population])
    weights = np.array([one.weight for one in population])
    weights = weights / weights.sum()
    reached = np.array([np.asarray(one.sum_stat["s"]) for one in population])
    adjusted = _adjusted(z, reached - observed, weights)
    mean, raw = weights @ adjusted, weights @ z
    return AbcPosterior(
        inputs.names,
        mean,
        np.sqrt(weights @ (adjusted - mean) ** 2),
        raw,
        np.sqrt(weights @ (z - raw) ** 2),
        tolerances,
        runs,
        float(1.0 / np.sum(weights**2)),
    )


def _piloted(
    runner: Runner, effort: AbcEffort, seed: int, threads: int, on_run: Callable[[], None]
) -> tuple[Statistics, float]:
    """Statistics taught over the priors, then anew where the nearest runs of this first pilot lie; and the tolerance.

    The tolerance is the distance within which the share of the priors lies that `effort` can afford.
    """
    inputs, observation = runner.inputs, runner.observation
    first, second = effort.pilot - effort.pilot // 2, effort.pilot // 2
    z = inputs.design(first, _whole(seed, PILOT))
    records = observation.draw(runner.records(z, FIRST_PILOT, threads, on_run), _whole(seed, RECORD))
    statistics = fit_statistics(observation, z, records)
    found = statistics(records)
    apart = (found - statistics(observation.observed[None])) / found.std(axis=0)
    nearest = z[np.argsort((apart**2).sum(axis=1))[: max(2 * inputs.size, int(NEAREST * first))]]
    middle, sd = nearest.mean(axis=0), np.minimum(1.0, WIDENING * nearest.std(axis=0))
    near = middle + sd * inputs.design(second, _whole(seed, PILOT, 1))
    near_records = runner.records(near, FIRST_PILOT + first, threads, on_run)
    taught = fit_statistics(
        observation, near, observation.draw(near_records, _whole(seed, RECORD, 1_000_000))
    )
    spread = taught(near_records).std(axis=0)
    taught = replace(taught, weights=taught.weights / spread)  # every estimate in its own scatter
    apart = np.sqrt(((taught(records) - taught(observation.observed[None])) ** 2).sum(axis=1))
    return taught, float(np.quantile(apart, effort.particles / effort.runs))


def _adjusted(z: Floats, distance: Floats, weights: Floats) -> Floats:
    """Return particles z [n, p] moved to a distance of zero by weighted linear regression."""
    x = np.concatenate([np.ones((len(z), 1)), distance], axis=1)
    gram = (x.T * weights) @ x
    penalty = RIDGE * np.diag(gram).copy()
    penalty[0] = 0.0
    slopes = np.linalg.solve(gram + np.diag(penalty), (x.T * weights) @ z)
    return np.asarray(z - distance @ slopes[1:])


def normal_scores(inputs: Inputs, names: tuple[str, ...], values: Floats) -> Floats:
    """Return draws of parameters [n, p] as normal scores under their priors, in the order of ``inputs``.

    Raises:
        ValueError: a calibrated parameter is missing among the names.
    """
    grid = np.linspace(-6.0, 6.0, 1201)
    tables = inputs.values(np.repeat(grid[:, None], inputs.size, axis=1))
    missing = [name for name in inputs.names if name not in names]
    if missing:
        raise ValueError(f"the draws lack {', '.join(missing)}")
    scores = np.empty((len(values), inputs.size))
    for k, name in enumerate(inputs.names):
        scores[:, k] = np.interp(values[:, names.index(name)], tables[:, k], grid)
    return scores


def _whole(seed: int, purpose: int, number: int = 0) -> int:
    return int(np.random.SeedSequence((seed, purpose, number)).generate_state(1)[0])
