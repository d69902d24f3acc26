"""Where the movers of a place go: the nested logit of equation (11) in expected shares."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from calibration.cohort_compiled import cohort_kernel
from calibration.cohort_state import Floats, fill
from model.choice import FAR_BELOW, KINDS_OF_KIN, NESTS, Choice, Places, nest_weight


class Destinations(NamedTuple):
    """Where movers of a place go, shares that sum to 1 (0 where nothing is open), float64.

    `moving` [2 (children), n_all] of households, `study` [n_all] of students; `factor` [2] exp(T) averaged over
    kin. `kin` [4] shares of households by kin bits; `weights` [3, 2] of nests, of households, of students, of a kin.
    """

    moving: Floats
    study: Floats
    factor: Floats
    kin: Floats
    weights: Floats


def new_destinations(n_all: int) -> Destinations:
    """Empty shares."""
    return Destinations(
        np.zeros((2, n_all)), np.zeros(n_all), np.zeros(2), np.zeros(KINDS_OF_KIN), np.zeros((3, NESTS))
    )


@cohort_kernel
def kin_shares(kin: Floats, out: Floats) -> None:
    """Shares of households by kin bits, float64[4], from the shares with kin in either nest, float64[2]."""
    for bits in range(KINDS_OF_KIN):
        share = 1.0
        for nest in range(NESTS):
            share *= kin[nest] if (bits >> nest) & 1 else 1.0 - kin[nest]
        out[bits] = share


@cohort_kernel
def share_destinations(
    here: int, kin: Floats, choice: Choice, places: Places, settings: Any, alpha: float, out: Destinations
) -> None:
    """Nested logit of equation (11) averaged over kin; households weighted by their exp(IV)."""
    n_all = choice.utility.shape[2]
    share, weights = out.kin, out.weights
    kin_shares(kin, share)
    fill(out.moving, 0.0)
    fill(out.study, 0.0)
    for children in range(2):
        out.factor[children] = 0.0
        fill(weights, 0.0)
        for bits in range(KINDS_OF_KIN):
            out.factor[children] += share[bits] * choice.factor[here, children, bits]
            study, both = weights[2], 0.0
            for nest in range(NESTS):
                value = nest_weight(choice.nest_value[here, children, nest], bits, nest, settings, alpha)
                weights[0, nest] += share[bits] * math.exp(value) if value > FAR_BELOW else 0.0
                if children == 0:
                    value = nest_weight(choice.study_value[here, nest], bits, nest, settings, alpha)
                    study[nest] = math.exp(value) if value > FAR_BELOW else 0.0
                    both += study[nest]
            if both > 0.0:
                for nest in range(NESTS):
                    weights[1, nest] += share[bits] * study[nest] / both
        both = weights[0, 0] + weights[0, 1]
        for there in range(n_all):
            value = choice.utility[here, children, there]
            if value > FAR_BELOW and both > 0.0:
                nest = places.nest[there]
                within = math.exp(value - choice.nest_value[here, children, nest])
                out.moving[children, there] = weights[0, nest] / both * within
                if children == 0 and places.study[there]:
                    out.study[there] = weights[1, nest] * math.exp(value - choice.study_value[here, nest])
