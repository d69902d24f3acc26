"""Which policy to choose when the future is not known: ranking by expected outcome, and regret.

The regret of a policy in a future is what the best of the policies compared would have given more there; the policy
whose largest regret over the futures is least is the cautious choice (Savage 1951). A place in the ranking that rests
on a parameter no data identify is marked: it is asked again with that parameter at its pessimistic end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.paired_statistics import Floats, Interval, excludes_zero, mean_interval


@dataclass(frozen=True)
class Ranked:
    """A policy's place among those compared.

    Attributes:
        policy: name. place: 1 is best. mean: expected outcome over all futures (equal weights), with `of_mean`, the
            95 % interval of its difference from the policy one place below (NaN for the last).
        regret: expected regret by future. worst_regret: the largest of them. best_share: share of runs, over all
            futures, in which no other policy does better.
        prior_driven: names of pessimistic parameters under which its lead over some policy below does not hold.
    """

    policy: str
    place: int
    mean: float
    lead: Interval
    regret: tuple[float, ...]
    worst_regret: float
    best_share: float
    prior_driven: tuple[str, ...] = ()


def expected_regret(outcome: Floats) -> Floats:
    """Expected regret float64[policies, futures] of outcomes float64[policies, futures, runs], more being better."""
    mean = outcome.mean(axis=2)
    regret: Floats = mean.max(axis=0) - mean
    return regret


def regret_intervals(outcome: Floats) -> NDArray[np.float64]:
    """95 % intervals of expected regret, float64[policies, futures, 2], from pairs with each future's best policy."""
    policies, futures, _ = outcome.shape
    best = outcome.mean(axis=2).argmax(axis=0)
    intervals = np.zeros((policies, futures, 2))
    for f in range(futures):
        for p in range(policies):
            if p != best[f]:
                intervals[p, f] = mean_interval(outcome[best[f], f] - outcome[p, f])[1]
    return intervals


def rank(policies: Sequence[str], outcome: Floats) -> list[Ranked]:
    """Rank policies by expected outcome, float64[policies, futures, runs]; equal ones by name.

    Raises:
        ValueError: no policies, futures or runs.
    """
    if outcome.size == 0:
        raise ValueError("nothing to rank")
    over_futures = outcome.mean(axis=1)
    means = over_futures.mean(axis=1)
    regret = expected_regret(outcome)
    best = (outcome == outcome.max(axis=0)).mean(axis=(1, 2))
    order = sorted(range(len(policies)), key=lambda p: (-means[p], policies[p]))
    ranked = []
    for place, p in enumerate(order):
        lead: Interval = (float("nan"), float("nan"))
        if place + 1 < len(order):
            lead = mean_interval(over_futures[p] - over_futures[order[place + 1]])[1]
        ranked.append(
            Ranked(
                policies[p],
                place + 1,
                float(means[p]),
                lead,
                tuple(regret[p].tolist()),
                float(regret[p].max()),
                float(best[p]),
            )
        )
    return ranked


def leads(outcome: Floats) -> NDArray[np.bool_]:
    """Which policies are ahead of which, bool[policies, policies]: the 95 % interval of the mean paired difference > 0.

    Args:
        outcome: float64[policies, runs] in one future, more being better.
    """
    n = len(outcome)
    ahead = np.zeros((n, n), np.bool_)
    for p in range(n):
        for q in range(n):
            if p != q:
                interval = mean_interval(outcome[p] - outcome[q])[1]
                ahead[p, q] = excludes_zero(interval) and interval[0] > 0.0
    return ahead


def prior_driven(means: Floats, declared: Floats, pessimistic: Floats) -> NDArray[np.bool_]:
    """Which policies owe a lead to a prior, bool[policies].

    `means` float64[policies] is what the policies are ranked by, over all runs. `declared` and `pessimistic` are
    outcomes float64[policies, runs] of the same runs, fewer of them, with an unidentified parameter drawn from its
    prior and fixed at its pessimistic end. A policy owes its place to the prior if it stands above another one, and
    with the pessimistic value the other is clearly ahead, or a lead that was clear is no longer so.

    Raises:
        ValueError: the two do not hold the same policies and runs.
    """
    if declared.shape != pessimistic.shape:
        raise ValueError(f"outcomes of different runs: {declared.shape} and {pessimistic.shape}")
    clear, clear_then = leads(declared), leads(pessimistic)
    above = means[:, None] > means[None, :]
    lost: NDArray[np.bool_] = (above & (clear_then.T | (clear & ~clear_then))).any(axis=1)
    return lost
