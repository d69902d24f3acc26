"""Robust choice by satisficing: in how many runs and futures a policy meets what is asked for, and in the worst future.

Starr's domain criterion (Starr 1963; Schneller & Sphicas 1983): the policy that is good enough in most states of the
world. It stands beside regret (`regret.py`), which asks how much better another policy would have been.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.intervals import Probability, probability
from experiments.paired_statistics import Interval, mean_interval

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Satisficing:
    """How often a policy is good enough.

    Attributes:
        policy: name. share: of runs, futures weighing alike, with the 95 % interval `of_share` over runs.
        by_future: share in each future with Wilson's interval. worst: position of the future with the least share.
    """

    policy: str
    share: float
    of_share: Interval
    by_future: tuple[Probability, ...]
    worst: int


def satisficing(policies: tuple[str, ...], met: Flags) -> list[Satisficing]:
    """Policies from the most often good enough to the least; equal ones by the worst future, then by name.

    Args:
        met: bool[policies, futures, runs] whether a run meets what is asked for.

    Raises:
        ValueError: no policies, futures or runs, or another number of policies.
    """
    if met.size == 0 or met.shape[0] != len(policies):
        raise ValueError(f"met {met.shape} for {len(policies)} policies: expected policies x futures x runs")
    found = []
    for policy, held in zip(policies, met, strict=True):
        by_future = tuple(probability(int(one.sum()), len(one)) for one in held)
        over_futures = held.mean(axis=0)
        share, interval = mean_interval(over_futures)
        if not held.any() or held.all():  # every run alike: Student's interval has no width
            bound = probability(int(held.all(axis=0).sum()), held.shape[1])
            interval = (bound.low, bound.high)
        interval = (max(0.0, interval[0]), min(1.0, interval[1]))
        worst = min(range(len(by_future)), key=lambda f: by_future[f].share)
        found.append(Satisficing(policy, share, interval, by_future, worst))
    return sorted(found, key=lambda one: (-one.share, -one.by_future[one.worst].share, one.policy))
