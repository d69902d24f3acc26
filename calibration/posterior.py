"""The posterior of the calibrated parameters: from a design over the priors to draws that real runs have checked.

1. A space-filling design over the priors is run; emulators are fitted. 2. History matching rules out what the
record contradicts; the rest is run. 3. A first posterior, widened, is run, so that the emulators are right where
it matters. 4. The posterior is sampled under the synthetic likelihood, twice and independently. 5. Every draw is
run once more with fresh chance: the posterior predictive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.audit_data import FIRST_YEAR, LAST_YEAR, AuditData
from calibration.emulator import PlaceEmulator, fit_emulators
from calibration.history_matching import THRESHOLD, implausibility, match_history
from calibration.observation import ObservationModel
from calibration.observation_errors import Believed
from calibration.posterior_inputs import Floats, Inputs
from calibration.posterior_likelihood import SyntheticLikelihood
from calibration.posterior_runs import Constants, Runner
from calibration.posterior_sampler import Sample, sample
from model.parameters import ParameterSpace
from model.world import World

Arrays = dict[str, NDArray[Any]]
BATCH: Final = 100  # runs between two checkpoints
WIDENING: Final = 1.5  # of the first posterior's standard deviations, for the runs that refine the emulators
REPLICAS: Final = 2
# First run numbers of the stages: no two runs share other parameters or chance
FIRST_NUMBER: Final = {"prior": 0, "matched": 1_000_000, "widened": 2_000_000, "predictive": 3_000_000}
# Purposes of the generators that hang on the user's seed
DESIGN, MATCHING, ROUGH, FINAL, THINNING = range(1, 6)


class Keep(Protocol):
    """Returns the arrays kept under a name, or computes and keeps them: what makes a calibration resumable."""

    def __call__(self, name: str, compute: Callable[[], Arrays], /) -> Arrays:
        """Return the arrays of a stage or batch."""
        ...


class Watch(Protocol):
    """Shows the progress of a stage: yields what to call after each of its ``total`` units."""

    def __call__(self, label: str, total: int, /) -> AbstractContextManager[Callable[[], None]]:
        """Begin a stage."""
        ...


@dataclass(frozen=True)
class Effort:
    """Sizes of the stages.

    Attributes:
        prior, matched, widened: runs of the three waves. particles: of each replica of the sampler.
        draws: of the posterior that are kept and run. synthetic: synthetic records of the recovery, taken from
            the runs of the first wave. synthetic_particles: of the sampler for each of them.
        profile_points: per parameter.
    """

    prior: int = 3000
    matched: int = 3000
    widened: int = 2000
    particles: int = 3000
    draws: int = 2000
    synthetic: int = 200
    synthetic_particles: int = 300
    profile_points: int = 11

    def __post_init__(self) -> None:
        """Refuse sizes that contradict each other."""
        if self.draws > REPLICAS * self.particles:
            raise ValueError(f"{self.draws} draws of {REPLICAS * self.particles} particles")
        if self.synthetic > self.prior // 2:
            raise ValueError(f"{self.synthetic} synthetic records of {self.prior} runs")


FULL: Final = Effort()
QUICK: Final = Effort(800, 600, 500, 800, 1000, 100, 120, 5)


@dataclass(frozen=True, eq=False)
class Task:
    """What is calibrated to what.

    Attributes:
        world, data: a world and its published figures; for a fold of a validation `until(data, last_year)`.
        years: of the flows that are fitted. believed: which migration series (see `observed_figures`).
        fixed: full parameter names the user has fixed.
        constants: of a fold of a validation, in the place of priors that know more (see `Runner`).
    """

    world: World
    data: AuditData
    years: Collection[int] = range(FIRST_YEAR, LAST_YEAR + 1)
    believed: Believed = "accounts"
    fixed: Mapping[str, float] = field(default_factory=dict)
    constants: Constants | None = None

    def inputs(self) -> Inputs:
        """Return the parameters to calibrate."""
        return Inputs(ParameterSpace(self.world), self.fixed)

    def observation(self) -> ObservationModel:
        """Return the figures to fit with their errors.

        Raises:
            ValueError: no figure of these places and years at all.
        """
        return ObservationModel.of_data(self.data, self.years, self.believed)

    @property
    def horizon(self) -> int:
        """Last 1 January simulated: the one after the last year fitted."""
        return max(self.years) + 1


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of the calibrated parameters and what speaks for them.

    Attributes:
        inputs, observation: coordinates and figures. z: float64[draws, p]; values: the same in parameters' units.
        prior_z, prior_records: runs of the first wave (records [n, figures]); the last ones serve the recovery.
        matched_z, matched_records: runs of the second wave: the prior without what is ruled out.
        emulators: of the last wave. likelihood: that was sampled. predictive: float64[draws, figures] real runs.
        not_ruled_out: share of the prior. evidence, exponents, acceptance, mixing: of each replica.
        disagreement: float64[p] difference of the replicas' means, in posterior standard deviations.
        implausible: share of the draws whose emulated record lies beyond the threshold.
        emulator_z: root mean square of the predictive runs' residuals around the emulators, in their scatter.
    """

    inputs: Inputs
    observation: ObservationModel
    z: Floats
    values: Floats
    prior_z: Floats
    prior_records: Floats
    matched_z: Floats
    matched_records: Floats
    emulators: tuple[PlaceEmulator, ...]
    likelihood: SyntheticLikelihood
    predictive: Floats
    not_ruled_out: float
    evidence: tuple[float, ...]
    exponents: tuple[int, ...]
    acceptance: tuple[float, ...]
    mixing: float
    disagreement: Floats
    implausible: float
    emulator_z: float


def nothing_kept(_: str, compute: Callable[[], Arrays], /) -> Arrays:
    """Compute without keeping: for calibrations inside a validation."""
    return compute()


def generator_seed(seed: int, purpose: int, number: int = 0) -> tuple[int, ...]:
    """Return the entropy of a generator of this calibration."""
    return (seed, purpose, number)


def whole_seed(seed: int, purpose: int) -> int:
    """Return a single number for what takes no tuple."""
    return int(np.random.SeedSequence(generator_seed(seed, purpose)).generate_state(1)[0])


def calibrate(
    task: Task, effort: Effort, seed: int, threads: int, keep: Keep = nothing_kept, watch: Watch | None = None
) -> Posterior:
    """Return the posterior of a task; the same task, effort and seed give the same draws on any threads.

    Raises:
        ValueError: the data hold no figure to fit, or nothing is left to calibrate.
        model.accounts.AccountsError: a run's accounts do not close.
    """
    inputs, observation = task.inputs(), task.observation()
    if not inputs.size:
        raise ValueError("every parameter that could be calibrated is fixed")
    if not observation.is_fit.any():
        raise ValueError("the data hold no figure that could be fitted")
    runner = Runner(task.world, inputs, observation, seed, task.horizon, task.constants)
    show = watch or silent

    def run(stage: str, label: str, z: Floats) -> Floats:
        return _run_wave(runner, stage, label, z, threads, keep, show)

    prior_z = inputs.design(effort.prior, whole_seed(seed, DESIGN))
    prior_records = run("prior", "1 of 5: runs over the priors", prior_z)
    first = fit_emulators(observation, inputs, prior_z, prior_records)

    def match() -> Arrays:
        found = match_history(observation, inputs, first, effort.matched, whole_seed(seed, MATCHING))
        return {"z": found.z, "share": np.array(found.share)}

    matched = keep("matching", match)
    matched_z = matched["z"]
    matched_records = run("matched", "2 of 5: runs that are not ruled out", matched_z)
    kept = implausibility(observation, first, prior_z) < THRESHOLD
    near_z = np.concatenate([prior_z[kept], matched_z])
    near_records = np.concatenate([prior_records[kept], matched_records])
    second = fit_emulators(observation, inputs, near_z, near_records)

    def widen() -> Arrays:
        rough = SyntheticLikelihood(observation, second, inputs.size)
        particles = max(effort.widened, 500)
        x = sample(rough, rough.dimension, particles, generator_seed(seed, ROUGH)).x[:, : inputs.size]
        mean = x.mean(axis=0)
        return {"z": (mean + WIDENING * (x - mean))[: effort.widened]}

    widened_z = keep("widened", widen)["z"]
    widened_records = run("widened", "3 of 5: runs around the posterior", widened_z)
    emulators = fit_emulators(
        observation,
        inputs,
        np.concatenate([near_z, widened_z]),
        np.concatenate([near_records, widened_records]),
    )
    likelihood = SyntheticLikelihood(observation, emulators, inputs.size)
    with show("4 of 5: sampling the posterior", REPLICAS) as advance:
        replicas = _replicas(likelihood, effort.particles, seed, threads, keep, advance)
    z, disagreement = _pool(replicas, inputs.size, effort.draws, seed)
    predictive = run("predictive", "5 of 5: runs of the posterior", z)
    return Posterior(
        inputs=inputs,
        observation=observation,
        z=z,
        values=inputs.values(z),
        prior_z=prior_z,
        prior_records=prior_records,
        matched_z=matched_z,
        matched_records=matched_records,
        emulators=emulators,
        likelihood=likelihood,
        predictive=predictive,
        not_ruled_out=float(matched["share"]),
        evidence=tuple(one.log_evidence for one in replicas),
        exponents=tuple(len(one.exponents) for one in replicas),
        acceptance=tuple(one.acceptance[-1] for one in replicas),
        mixing=float(max(one.correlation[: inputs.size].max() for one in replicas)),
        disagreement=disagreement,
        implausible=float(np.mean(implausibility(observation, emulators, z) >= THRESHOLD)),
        emulator_z=_emulator_z(emulators, z, predictive),
    )


def _run_wave(
    runner: Runner, stage: str, label: str, z: Floats, threads: int, keep: Keep, watch: Watch
) -> Floats:
    """Run a wave batch by batch, each kept when complete."""
    records = []
    with watch(label, len(z)) as advance:
        for first in range(0, len(z), BATCH):
            part = z[first : first + BATCH]
            calls = [0]

            def counted(calls: list[int] = calls) -> None:
                calls[0] += 1
                advance()

            def compute(
                part: Floats = part, first: int = first, counted: Callable[[], None] = counted
            ) -> Arrays:
                number = FIRST_NUMBER[stage] + first
                return {"records": runner.records(part, number, threads, counted)}

            records.append(keep(f"{stage}-{first // BATCH:03d}", compute)["records"])
            for _ in range(len(part) - calls[0]):
                advance()
    return np.concatenate(records)


def _replicas(
    likelihood: SyntheticLikelihood,
    particles: int,
    seed: int,
    threads: int,
    keep: Keep,
    advance: Callable[[], None],
) -> list[Sample]:
    def one(number: int) -> Sample:
        def compute() -> Arrays:
            found = sample(likelihood, likelihood.dimension, particles, generator_seed(seed, FINAL, number))
            return {
                "x": found.x,
                "log_likelihood": found.log_likelihood,
                "exponents": np.array(found.exponents),
                "acceptance": np.array(found.acceptance),
                "log_evidence": np.array(found.log_evidence),
                "correlation": found.correlation,
            }

        kept = keep(f"replica-{number}", compute)
        advance()
        return Sample(
            kept["x"],
            kept["log_likelihood"],
            tuple(kept["exponents"].tolist()),
            tuple(kept["acceptance"].tolist()),
            float(kept["log_evidence"]),
            kept["correlation"],
        )

    with ThreadPoolExecutor(min(threads, REPLICAS), "sample") as pool:
        return list(pool.map(one, range(REPLICAS)))


def _pool(replicas: list[Sample], size: int, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Return draws z [draws, p] of all replicas in random order, and how far their means are apart."""
    parts = [one.x[:, :size] for one in replicas]
    together = np.concatenate(parts)
    order = np.random.default_rng(generator_seed(seed, THINNING)).permutation(len(together))
    apart = np.abs(parts[0].mean(axis=0) - parts[-1].mean(axis=0)) / together.std(axis=0)
    return together[order[:draws]], apart


def _emulator_z(emulators: tuple[PlaceEmulator, ...], z: Floats, records: Floats) -> float:
    squares = [((records[:, one.figures] - one.mean(z)) / one.scale(z)) ** 2 for one in emulators]
    return float(np.sqrt(np.mean(np.concatenate(squares, axis=1))))


class _Nothing(AbstractContextManager[Callable[[], None]]):
    def __enter__(self) -> Callable[[], None]:
        return lambda: None

    def __exit__(self, *_: object) -> None:
        return None


def silent(_: str, __: int, /) -> AbstractContextManager[Callable[[], None]]:
    """Show no progress."""
    return _Nothing()
