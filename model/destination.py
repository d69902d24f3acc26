"""Where a mover goes: nested logit by one Gumbel draw per alternative (equation 11), most of them only bracketed.

A Gumbel variate costs two logarithms, and a mover has a dozen alternatives, of which the draws leave one or
two in question. The leading bits of a draw bracket its variate between two entries of a table; only an
alternative whose upper bound reaches the best lower bound is worked out, so the choice is the exact one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import draws
from model.choice import FAR_BELOW, Choice, Places, choose_nest, nest_weight
from model.compiled import lean_kernel
from model.draws import U64

BRACKET_BITS = 9
BRACKET_SHIFT = U64(64 - BRACKET_BITS)
MARGIN = 1e-9  # far above what rounding can move a bound, far below what matters
LEAST_GUMBEL = -4.0  # below that of any draw, whose half step keeps u at 2**-54 or more


def _gumbel_at(u: float) -> float:
    """Gumbel quantile, at 0 bounded by what a draw can give."""
    if u <= 0.0:
        return LEAST_GUMBEL
    return math.inf if u >= 1.0 else -math.log(-math.log(u))


# Entry b: the variate at u = b / 2**BRACKET_BITS; a draw with leading bits b lies between entries b and b + 1.
BRACKETS: NDArray[np.float64] = np.array([_gumbel_at(b / 2.0**BRACKET_BITS) for b in range(2**BRACKET_BITS + 1)])


@lean_kernel
def choose_place(key: np.uint64, salted: np.uint64, utility: NDArray[np.float64], nest: int, places: Places,
                 study_only: bool) -> int:
    """Destination in a nest: largest utility plus a Gumbel draw keyed by the place itself (-1 if none is open).

    One draw per alternative: a better offer in one place draws people to it and shuffles nobody else.
    """
    own = draws.mix(key ^ salted)
    surely = FAR_BELOW
    for there in range(utility.shape[0]):
        if places.nest[there] == nest and utility[there] > FAR_BELOW and (places.study[there] or not study_only):
            bits = draws.mix(own + places.key[there])
            surely = max(surely, utility[there] + BRACKETS[bits >> BRACKET_SHIFT])
    best = -1
    best_value = FAR_BELOW
    for there in range(utility.shape[0]):
        if places.nest[there] == nest and utility[there] > FAR_BELOW and (places.study[there] or not study_only):
            bits = draws.mix(own + places.key[there])
            if utility[there] + BRACKETS[(bits >> BRACKET_SHIFT) + U64(1)] + MARGIN < surely:
                continue
            value = utility[there] + draws.gumbel(bits)
            if value > best_value:
                best = there
                best_value = value
    return best


@lean_kernel
def choose_destination(key: np.uint64, nest_salt: np.uint64, place_salt: np.uint64, here: int, children: int, kin: int,
                       choice: Choice, places: Places, settings: Any, alpha_russia: float, study_only: bool) -> int:
    """Destination of one mover by nested logit (equation 11); -1 where nothing is open."""
    values = choice.study_value[here] if study_only else choice.nest_value[here, children]
    kazakhstan = nest_weight(values[0], kin, 0, settings, alpha_russia)
    russia = nest_weight(values[1], kin, 1, settings, alpha_russia)
    if kazakhstan <= FAR_BELOW and russia <= FAR_BELOW:
        return -1
    nest = choose_nest(key, nest_salt, kazakhstan, russia)
    return choose_place(key, place_salt, choice.utility[here, children], nest, places, study_only)
