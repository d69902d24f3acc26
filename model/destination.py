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
from model.choice import FAR_BELOW, Choice, Places, nest_kin
from model.compiled import lean_kernel
from model.draws import I64, U64

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
BRACKETS: NDArray[np.float64] = np.array(
    [_gumbel_at(b / 2.0**BRACKET_BITS) for b in range(2**BRACKET_BITS + 1)]
)


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
    rate = -math.log(draws.open_unit(draws.mix(bits)))
    slant = math.log(math.sin((1.0 - tau) * angle)) - math.log(rate)
    return math.log(math.sin(tau * angle)) - math.log(math.sin(angle)) / tau + slant * (1.0 - tau) / tau


@lean_kernel
def choose_destination(
    key: np.uint64,
    nest_salt: np.uint64,
    place_salt: np.uint64,
    here: int,
    children: int,
    kin: int,
    choice: Choice,
    places: Places,
    settings: Any,
    alpha_russia: float,
    study_only: bool | np.bool_,
) -> int:
    """Destination of one mover by nested logit (equation 11); -1 where nothing is open.

    One taste per place and one per nest, none of which depends on what is offered: a better offer in one
    place draws people to it and shuffles nobody else.
    """
    tau = settings.tau
    kazakhstan = nest_taste(key, nest_salt, 0, tau) + settings.beta_N * nest_kin(kin, 0) / tau
    russia = nest_taste(key, nest_salt, 1, tau) + (settings.beta_N * nest_kin(kin, 1) + alpha_russia) / tau
    own = draws.mix(key ^ place_salt)
    surely = FAR_BELOW
    for k in range(choice.utility.shape[2]):
        utility, there = choice.utility[here, children, k], choice.there[here, k]
        if utility > FAR_BELOW and (places.study[there] or not study_only):
            utility += russia if places.nest[there] == 1 else kazakhstan
            bits = draws.mix(own + places.key[there])
            surely = max(surely, utility + BRACKETS[bits >> BRACKET_SHIFT])
    best, rivals = -1, 0
    best_value, best_utility, best_bits = FAR_BELOW, FAR_BELOW, U64(0)
    for k in range(choice.utility.shape[2]):
        utility, there = choice.utility[here, children, k], I64(choice.there[here, k])
        if utility > FAR_BELOW and (places.study[there] or not study_only):
            utility += russia if places.nest[there] == 1 else kazakhstan
            bits = draws.mix(own + places.key[there])
            if utility + BRACKETS[(bits >> BRACKET_SHIFT) + U64(1)] + MARGIN < surely:
                continue
            rivals += 1
            if rivals == 1:  # worked out only if a second one is in question
                best, best_utility, best_bits = there, utility, bits
                continue
            if rivals == 2:
                best_value = best_utility + draws.gumbel(best_bits)
            value = utility + draws.gumbel(bits)
            if value > best_value:
                best = there
                best_value = value
    return best
