"""What may happen to a village in a decade, and the naive forecasters: hazard table, logistic curve, drifted Wiener.

Each learns from some villages (`learned`) and foretells others by nothing but their people at the start (`before`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from calibration.village_transitions import Floats, Transitions

CLASSES = (101, 201, 501, 1001)  # lower bounds after the first class, of the hazard table
GRID = norm.ppf((np.arange(2000) + 0.5) / 2000)
RIDGE = 0.05  # of the logistic curve: keeps it finite where an event happened to none or to all
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Event:
    """Something that happens to a village or not: a test of people before and after."""

    name: str
    title: str
    happens: Callable[[Floats, Floats], Booleans]
    at_risk: Callable[[Floats], Booleans]


def _everybody(before: Floats) -> Booleans:
    return np.ones(before.shape, np.bool_)


EVENTS = (
    Event("empty", "empty in 2009", lambda before, after: after < 0.5, _everybody),
    Event("under_50", "fewer than 50 people in 2009", lambda before, after: after < 50, lambda b: b >= 50),
    Event(
        "under_100", "fewer than 100 people in 2009", lambda before, after: after < 100, lambda b: b >= 100
    ),
    Event("lost_half", "lost half of its people", lambda before, after: after <= 0.5 * before, _everybody),
    Event(
        "lost_third", "lost a third of its people", lambda before, after: after <= 2 / 3 * before, _everybody
    ),
)


def hazard_table(learned: Transitions, before: Floats, event: Event) -> Floats:
    """Share of the villages of the same size class (add-half)."""
    happened = event.happens(learned.before, learned.after)
    at_risk = event.at_risk(learned.before)
    there = np.searchsorted(CLASSES, learned.before, side="right")
    here = np.searchsorted(CLASSES, before, side="right")
    same = (there == here[:, None]) & at_risk
    return np.asarray(((same & happened).sum(axis=1) + 0.5) / (same.sum(axis=1) + 1.0))


def logistic(learned: Transitions, before: Floats, event: Event) -> Floats:
    """Logistic regression on ln people with a weak ridge."""
    at_risk = event.at_risk(learned.before)
    x = np.log(learned.before[at_risk]) - math.log(300.0)
    happened = event.happens(learned.before, learned.after)[at_risk].astype(np.float64)

    def loss(b: Floats) -> float:
        z = b[0] + b[1] * x
        return float((np.logaddexp(0.0, z) - happened * z).sum() + RIDGE * b @ b)

    b = minimize(loss, np.zeros(2), method="BFGS").x
    return np.asarray(1.0 / (1.0 + np.exp(-(b[0] + b[1] * (np.log(before) - math.log(300.0))))))


def wiener_paths(learned: Transitions, before: Floats) -> Floats:
    """ln people as a random walk with drift, one mean and one sd for all: people after, float64[2000, villages]."""
    growth = learned.survivors().growth() * learned.years
    return np.asarray(before * np.exp(growth.mean() + growth.std(ddof=1) * GRID[:, None]))


def wiener(learned: Transitions, before: Floats, event: Event) -> Floats:
    """Chance of the event at the end point of that walk; empty means below one half."""
    return np.asarray(event.happens(before[None, :], wiener_paths(learned, before)).mean(axis=0))


Benchmark = Callable[[Transitions, Floats, Event], Floats]
BENCHMARKS: dict[str, Benchmark] = {
    "hazard table by size": hazard_table,
    "logistic on ln people": logistic,
    "drifted Wiener": wiener,
}
