"""Recovery: does the calibration find parameters back that it has been given? Simulation-based calibration.

Each synthetic record is a real run at parameters drawn from the prior, with all errors of the record. If sampler,
likelihood and emulators are right, the rank of the true parameter among the particles of its own posterior is
uniform (Cook, Gelman & Rubin 2006; Talts et al. 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chisquare, kstest

from calibration.emulator import fit_emulators
from calibration.observation import ObservationModel
from calibration.posterior import Arrays, Keep, generator_seed, nothing_kept, whole_seed
from calibration.posterior_inputs import Floats, Inputs
from calibration.posterior_likelihood import SyntheticLikelihood
from calibration.posterior_sampler import sample

BINS: Final = 10
LEVELS: Final = (0.5, 0.9)
FAILURE: Final = 0.05  # after Holm's correction for the number of parameters
RECORD, SAMPLER = 21, 22  # purposes of generators
GROUP: Final = 20  # synthetic records between two checkpoints


@dataclass(frozen=True, eq=False)
class Recovery:
    """Ranks of true parameters in their posteriors.

    Attributes:
        names: of the p parameters. ranks: float64[records, p] in [0, 1].
        p_values: float64[p] of uniformity (chi-square over ten bins). adjusted: the same after Holm.
        kolmogorov: float64[p] p-values of the Kolmogorov-Smirnov test, a second look.
        coverage: float64[levels, p] share of truths inside central intervals of `LEVELS`.
        bias: float64[p] mean of (posterior mean - truth), in prior standard deviations.
        contraction: float64[p] mean of 1 - posterior variance / prior variance.
    """

    names: tuple[str, ...]
    ranks: Floats
    p_values: Floats
    adjusted: Floats
    kolmogorov: Floats
    coverage: Floats
    bias: Floats
    contraction: Floats

    @property
    def failures(self) -> tuple[str, ...]:
        """Names of the parameters whose ranks are not uniform."""
        return tuple(name for name, p in zip(self.names, self.adjusted, strict=True) if p < FAILURE)


def recover(
    observation: ObservationModel,
    inputs: Inputs,
    z: Floats,
    records: Floats,
    synthetic: int,
    particles: int,
    seed: int,
    threads: int,
    keep: Keep = nothing_kept,
    advance: Callable[[], None] = lambda: None,
) -> Recovery:
    """Calibrate to the last ``synthetic`` runs of a design over the prior, with emulators of all the others.

    Args:
        z, records: float64[n, p] and float64[n, figures] of the first wave.
        particles: of the sampler for each record. advance: called after each record.
    """
    split = len(z) - synthetic
    emulators = fit_emulators(observation, inputs, z[:split], records[:split])
    likelihood = SyntheticLikelihood(observation, emulators, inputs.size)
    drawn = observation.draw(records[split:], whole_seed(seed, RECORD))

    def one(number: int) -> Floats:
        found = sample(
            lambda x: likelihood(x, drawn[number]),
            likelihood.dimension,
            particles,
            generator_seed(seed, SAMPLER, number),
        )
        advance()
        part = found.x[:, : inputs.size]
        below = (part < z[split + number]).sum(axis=0)
        return np.stack([below, part.mean(axis=0), part.var(axis=0)])

    found = []
    with ThreadPoolExecutor(threads, "recover") as pool:
        for first in range(0, synthetic, GROUP):
            numbers = range(first, min(first + GROUP, synthetic))

            def compute(numbers: range = numbers) -> Arrays:
                return {"found": np.stack(list(pool.map(one, numbers)))}

            found.append(keep(f"recovery-{first // GROUP:03d}", compute)["found"])
    together = np.concatenate(found)
    return judge(inputs.names, together, z[split:], particles, seed)


def judge(names: tuple[str, ...], found: Floats, truth: Floats, particles: int, seed: int) -> Recovery:
    """Return the verdict on ranks.

    Args:
        found: float64[records, 3, p]: particles below the truth, posterior mean, posterior variance.
        truth: float64[records, p].
    """
    below = found[:, 0]
    # A rank is one of particles + 1 values: spread evenly within its cell, so that bins hold equal shares
    jitter = np.random.default_rng(generator_seed(seed, RECORD, 1)).random(below.shape)
    ranks = (below + jitter) / (particles + 1)
    counts = np.stack([np.histogram(column, BINS, (0.0, 1.0))[0] for column in ranks.T])
    p_values = np.array([chisquare(row).pvalue for row in counts])
    return Recovery(
        names,
        ranks,
        p_values,
        holm(p_values),
        np.array([kstest(column, "uniform").pvalue for column in ranks.T]),
        np.stack([np.mean(np.abs(ranks - 0.5) <= level / 2.0, axis=0) for level in LEVELS]),
        np.mean(found[:, 1] - truth, axis=0),
        np.mean(1.0 - found[:, 2], axis=0),
    )


def holm(p_values: Floats) -> Floats:
    """Return p-values adjusted for their number (Holm 1979)."""
    order = np.argsort(p_values)
    count = len(p_values)
    stepped = np.maximum.accumulate(p_values[order] * (count - np.arange(count)))
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
