"""Tastes for a whole nest of places (equation 11), and between which bounds a taste lies before it is worked out.

A Gumbel variate costs two logarithms and a taste for a nest six logarithms and sines, while a mover's other draws
leave few of them in question. So the leading bits of a draw bracket its variate between two entries of a table.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.compiled import kernel, lean_kernel
from model.draws import U64

BRACKET_BITS = 9
BRACKET_SHIFT = U64(64 - BRACKET_BITS)
MARGIN = 1e-9  # far above what rounding can move a bound, far below what matters
LEAST_GUMBEL = -4.0  # below that of any draw, whose half step keeps u at 2**-54 or more

ANGLE_BITS = 6
ANGLE_SHIFT = U64(64 - ANGLE_BITS)
ANGLE_STEPS = 2**ANGLE_BITS


def _gumbel_at(u: float) -> float:
    """Gumbel quantile, at 0 bounded by what a draw can give."""
    if u <= 0.0:
        return LEAST_GUMBEL
    return math.inf if u >= 1.0 else -math.log(-math.log(u))


# Entry b: the variate at u = b / 2**BRACKET_BITS; a draw with leading bits b lies between entries b and b + 1.
BRACKETS: NDArray[np.float64] = np.array(
    [_gumbel_at(b / 2.0**BRACKET_BITS) for b in range(2**BRACKET_BITS + 1)]
)


@kernel
def angle_term(angle: float, tau: float) -> float:
    """What the angle adds to a taste (Kanter 1975); it rises with the angle, from 0 to pi."""
    slant = math.log(math.sin((1.0 - tau) * angle)) * (1.0 - tau)
    return math.log(math.sin(tau * angle)) + (slant - math.log(math.sin(angle))) / tau


@lean_kernel
def nest_taste(key: np.uint64, salted: np.uint64, nest: int, tau: float) -> float:
    """Taste for a whole nest: ln of a positive stable variate of index tau (Kanter 1975), keyed by the nest.

    Added to the Gumbel draws of the nest's places it makes the choice a nested logit (Cardell 1997): tau times
    the sum is again a Gumbel variate.
    """
    if tau >= 1.0:
        return 0.0
    bits = draws.draw_alternative(key, salted, U64(nest + 1))
    angle = math.pi * draws.open_unit(bits)
    return angle_term(angle, tau) + draws.gumbel(draws.mix(bits)) * ((1.0 - tau) / tau)


@kernel
def tabulate_tastes(tau: float, steps: NDArray[np.float64]) -> None:
    """Fill `angle_term` at the bounds of the angle's steps, float64[ANGLE_STEPS + 1]; none for a single nest."""
    steps[:] = 0.0
    if tau < 1.0:
        steps[0] = math.log(tau) + math.log1p(-tau) * (1.0 - tau) / tau  # the limit of small angles
        for step in range(1, ANGLE_STEPS):
            steps[step] = angle_term(math.pi * step / ANGLE_STEPS, tau)
        steps[ANGLE_STEPS] = math.inf


@lean_kernel
def bound_taste(
    key: np.uint64, salted: np.uint64, nest: int, tau: float, steps: NDArray[np.float64]
) -> tuple[float, float]:
    """Bounds of `nest_taste`, by the steps that the leading bits of its two draws name."""
    if tau >= 1.0:
        return 0.0, 0.0
    bits = draws.draw_alternative(key, salted, U64(nest + 1))
    step, bracket = bits >> ANGLE_SHIFT, draws.mix(bits) >> BRACKET_SHIFT
    spread = (1.0 - tau) / tau
    low = steps[step] + BRACKETS[bracket] * spread
    return low - MARGIN, steps[step + U64(1)] + BRACKETS[bracket + U64(1)] * spread + MARGIN
