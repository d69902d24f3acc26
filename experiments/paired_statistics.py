"""Statistics of paired runs: differences, bounds, changes of probabilities, and what the pairing saves.

A pair is a run under a policy and the run with the same people, parameters and chance under its reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from experiments.intervals import NORMAL_975

Floats = NDArray[np.float64]
Interval = tuple[float, float]
UNKNOWN: Interval = (math.nan, math.nan)
LEVELS = (0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975)


@dataclass(frozen=True)
class Difference:
    """Paired differences over runs.

    Attributes:
        runs: number of pairs. mean: the expected difference, with its own 95 % interval `of_mean` (Student),
            which narrows with more runs.
        median, half, most, widest: of the differences themselves with their central 50, 90 and 95 %: chance
            and parameters together, which do not narrow.
        above, below: shares of runs with a positive, a negative difference.
    """

    runs: int
    mean: float
    of_mean: Interval
    median: float
    half: Interval
    most: Interval
    widest: Interval
    above: float
    below: float

    @property
    def is_zero(self) -> bool:
        """Whether no run differs at all."""
        return self.above == 0.0 and self.below == 0.0

    @property
    def is_clear(self) -> bool:
        """Whether the central 90 % of the runs lie on one side of zero."""
        return excludes_zero(self.most)

    @property
    def is_expected(self) -> bool:
        """Whether the 95 % interval of the mean lies on one side of zero."""
        return excludes_zero(self.of_mean)


def excludes_zero(interval: Interval) -> bool:
    """Whether an interval lies wholly above or wholly below zero; an unknown one does not."""
    return interval[0] > 0.0 or interval[1] < 0.0


def student(runs: int, level: float) -> float:
    """Two-sided quantile of Student's t with `runs` - 1 degrees of freedom; infinite below two runs."""
    return float(stdtrit(runs - 1, 0.5 + level / 2.0)) if runs > 1 else math.inf


def mean_interval(values: Floats, level: float = 0.95) -> tuple[float, Interval]:
    """Mean of float64[runs] and its interval by Student's t (unknown with fewer than two runs)."""
    runs = len(values)
    mean = math.fsum(values.tolist()) / runs
    if runs < 2:
        return mean, UNKNOWN
    half = student(runs, level) * float(np.std(values, ddof=1)) / math.sqrt(runs)
    return mean, (mean - half, mean + half)


def difference(policy: Floats, reference: Floats) -> Difference:
    """Summarise paired values, float64[runs] each, in their own unit.

    Raises:
        ValueError: no runs, or different numbers of them.

    Example:
        >>> import numpy as np
        >>> from experiments.paired_statistics import difference
        >>> effect = difference(np.array([5_010.0, 5_210.0, 4_812.0]), np.array([5_000.0, 5_200.0, 4_800.0]))
        >>> round(effect.mean, 1), effect.is_clear  # surer than either: the runs share people and chance
        (10.7, True)
    """
    return summarised(policy - reference)


def summarised(values: Floats) -> Difference:
    """Summarise paired differences, float64[runs].

    Raises:
        ValueError: no runs.
    """
    if values.size == 0:
        raise ValueError("no runs to compare")
    mean, of_mean = mean_interval(values)
    q = [float(v) for v in np.quantile(values, LEVELS)]
    return Difference(
        len(values),
        mean,
        of_mean,
        q[3],
        (q[2], q[4]),
        (q[1], q[5]),
        (q[0], q[6]),
        float(np.mean(values > 0.0)),
        float(np.mean(values < 0.0)),
    )


def size_bound(values: Floats, certainty: float = 0.95) -> float | None:
    """Bound that the size of a further run's difference stays at or below with at least this probability.

    Runs are exchangeable, so that the k-th smallest of n sizes bounds the next one with probability k / (n + 1)
    or more, whatever their distribution. None where n is too small for any bound.

    Example:
        >>> import numpy as np
        >>> from experiments.paired_statistics import size_bound
        >>> size_bound(np.arange(-10.0, 10.0)), size_bound(np.arange(-3.0, 3.0))
        (10.0, None)
    """
    sizes = np.sort(np.abs(values))
    k = math.ceil(certainty * (len(sizes) + 1) - 1e-9)
    return float(sizes[k - 1]) if 1 <= k <= len(sizes) else None


@dataclass(frozen=True)
class ProbabilityChange:
    """Change of the probability of an event between paired runs, with its 95 % interval.

    Attributes:
        policy, reference: shares of runs with the event. change: their difference. interval: of the change.
    """

    policy: float
    reference: float
    change: float
    interval: Interval


def probability_change(policy: NDArray[np.bool_], reference: NDArray[np.bool_]) -> ProbabilityChange:
    """Change of a probability counted over pairs, bool[runs] each.

    Interval of Bonett & Price 2012 (adjusted Wald for paired proportions): one discordant pair is added either
    way, so that no change in n runs is not taken for a proof of none.

    Raises:
        ValueError: no runs.
    """
    runs = len(policy)
    if runs == 0:
        raise ValueError("no runs to compare")
    more, fewer = int((policy & ~reference).sum()), int((reference & ~policy).sum())
    p, q = (more + 1.0) / (runs + 2.0), (fewer + 1.0) / (runs + 2.0)
    half = NORMAL_975 * math.sqrt((p + q - (p - q) ** 2) / (runs + 2.0))
    return ProbabilityChange(
        float(policy.mean()),
        float(reference.mean()),
        (more - fewer) / runs,
        (max(-1.0, p - q - half), min(1.0, p - q + half)),
    )


@dataclass(frozen=True)
class PairingGain:
    """What pairing saves: independent runs of each scenario that would fix the mean difference as well.

    Attributes:
        runs: paired runs. independent: runs without pairing for the same standard error; infinite where the
            pairs do not differ. correlation: of policy and reference over runs.
    """

    runs: int
    independent: float
    correlation: float

    @property
    def saved(self) -> float:
        """Runs saved of each scenario (negative where pairing does harm)."""
        return self.independent - self.runs


def pairing_gain(policy: Floats, reference: Floats) -> PairingGain | None:
    """Var(X) + Var(Y) against Var(X - Y), float64[runs] each; None with fewer than two runs or no variance at all."""
    runs = len(policy)
    if runs < 2:
        return None
    apart = float(np.var(policy, ddof=1) + np.var(reference, ddof=1))
    together = float(np.var(policy - reference, ddof=1))
    if apart == 0.0:
        return None
    spread = math.sqrt(float(np.var(policy, ddof=1)) * float(np.var(reference, ddof=1)))
    correlation = (apart - together) / (2.0 * spread) if spread > 0.0 else 0.0
    return PairingGain(runs, runs * apart / together if together > 0.0 else math.inf, correlation)
