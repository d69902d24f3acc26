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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from calibration.emulator import is_emulated
from calibration.observation import ObservationModel
from calibration.posterior_inputs import Floats, Inputs
from calibration.posterior_runs import Runner

LARGEST: Final = 6.0  # standard deviations of a record's figure: heavy tails would rule the regression
RIDGE: Final = 1e-2
# Of the covariance of pyABC's proposals: in 31 dimensions its own rule nearly doubles the variance of a generation,
# and hardly a proposal comes nearer to the record
PROPOSAL_SCALE: Final = 0.15
FIRST_PILOT, FIRST_RUN = 5_000_000, 6_000_000  # numbers of runs: no other run shares their chance
PILOT, RECORD = 71, 72  # purposes of generators


@dataclass(frozen=True)
class AbcEffort:
    """Sizes. pilot: runs over the priors for the statistics. particles: of a generation. generations, runs: at most.

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
        y = np.clip((records[:, self.used] - self.middle) / self.spread, -LARGEST, LARGEST)
        basis = np.concatenate([np.ones((len(y), 1)), y, y**2 - 1.0], axis=1)
        return np.asarray(basis @ self.weights)


def fit_statistics(observation: ObservationModel, z: Floats, records: Floats) -> Statistics:
    """Return the statistics that a pilot teaches: z [n, p] and records with errors [n, figures]."""
    used = np.array([is_emulated(one) for one in observation.figures])
    middle, spread = np.median(records[:, used], axis=0), records[:, used].std(axis=0)
    y = np.clip((records[:, used] - middle) / spread, -LARGEST, LARGEST)
    basis = np.concatenate([np.ones((len(y), 1)), y, y**2 - 1.0], axis=1)
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
    pilot_z = inputs.design(effort.pilot, _whole(seed, PILOT))
    pilot = runner.records(pilot_z, FIRST_PILOT, threads, on_run)
    statistics = fit_statistics(observation, pilot_z, observation.draw(pilot, _whole(seed, RECORD)))
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
                pyabc.AdaptivePNormDistance(p=2),
                population_size=effort.particles,
                transitions=pyabc.MultivariateNormalTransition(scaling=PROPOSAL_SCALE),
                sampler=pyabc.SingleCoreSampler(),
                eps=pyabc.QuantileEpsilon(alpha=0.5),
            )
            observed = statistics(observation.observed[None])[0]
            history = abc.new("sqlite:///" + str(Path(folder) / "abc.db"), {"s": observed})
            with contextlib.suppress(_RunsSpent):
                abc.run(max_nr_populations=effort.generations)
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
