"""Where a mover goes: nested logit by one Gumbel draw per alternative and one taste per nest (equation 11).

Most draws are only bracketed (`nest_tastes.py`): a mover has two dozen alternatives, of which the draws leave one
or two in question. What is left in question is worked out, so the choice is the exact one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from model import draws
from model.choice import FAR_BELOW, Choice, Places, nest_kin
from model.compiled import lean_kernel
from model.draws import I64, U64
from model.nest_tastes import BRACKET_SHIFT, BRACKETS, MARGIN, bound_taste, nest_taste


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
    own = draws.mix(key ^ place_salt)
    home, home_sure, home_reach, home_clear = bound_nest(own, here, children, 0, choice, places, study_only)
    russia, sure, reach, clear = bound_nest(own, here, children, 1, choice, places, study_only)
    abroad = home < 0
    if home >= 0 and russia >= 0:
        home_pull = settings.beta_N * nest_kin(kin, 0) / tau
        pull = (settings.beta_N * nest_kin(kin, 1) + alpha_russia) / tau
        home_low, home_high = bound_taste(key, nest_salt, 0, tau, choice.taste_steps)
        low, high = bound_taste(key, nest_salt, 1, tau, choice.taste_steps)
        abroad = sure + pull + low > home_reach + home_pull + home_high
        if not abroad and home_sure + home_pull + home_low <= reach + pull + high:  # in question
            home, home_value = best_of_nest(own, here, children, 0, home_sure, choice, places, study_only)
            russia, value = best_of_nest(own, here, children, 1, sure, choice, places, study_only)
            home_value += home_pull + nest_taste(key, nest_salt, 0, tau)
            return russia if value + pull + nest_taste(key, nest_salt, 1, tau) > home_value else home
    if abroad:
        if not clear:
            russia, _ = best_of_nest(own, here, children, 1, sure, choice, places, study_only)
        return russia
    if not home_clear:
        home, _ = best_of_nest(own, here, children, 0, home_sure, choice, places, study_only)
    return home


@lean_kernel
def bound_nest(
    own: np.uint64,
    here: int,
    children: int,
    nest: int,
    choice: Choice,
    places: Places,
    study_only: bool | np.bool_,
) -> tuple[int, float, float, bool]:
    """The place of a nest that may be worth most to a mover whose own draws start at `own`, and how much that is.

    Returns:
        The place (-1: none is open); bounds of what the best place of the nest is worth, tastes for nests apart;
        whether it is surely this one.
    """
    likely, sure, reach, second = I64(-1), FAR_BELOW, FAR_BELOW, FAR_BELOW
    for k in range(choice.utility.shape[2]):
        utility, there = choice.utility[here, children, k], I64(choice.there[here, k])
        if utility > FAR_BELOW and places.nest[there] == nest and (places.study[there] or not study_only):
            bracket = draws.mix(own + places.key[there]) >> BRACKET_SHIFT
            sure = max(sure, utility + BRACKETS[bracket])
            high = utility + BRACKETS[bracket + U64(1)]
            second = max(second, min(high, reach))
            likely = there if high > reach else likely
            reach = max(reach, high)
    return likely, sure - MARGIN, reach + MARGIN, second + MARGIN < sure


@lean_kernel
def best_of_nest(
    own: np.uint64,
    here: int,
    children: int,
    nest: int,
    sure: float,
    choice: Choice,
    places: Places,
    study_only: bool | np.bool_,
) -> tuple[int, float]:
    """The best place of a nest and what it is worth, where the bounds leave several in question.

    `sure` is what the best is worth at least; places that cannot reach it are passed over.
    """
    best, best_value = I64(-1), FAR_BELOW
    for k in range(choice.utility.shape[2]):
        utility, there = choice.utility[here, children, k], I64(choice.there[here, k])
        if utility > FAR_BELOW and places.nest[there] == nest and (places.study[there] or not study_only):
            bits = draws.mix(own + places.key[there])
            if utility + BRACKETS[(bits >> BRACKET_SHIFT) + U64(1)] < sure:
                continue
            value = utility + draws.gumbel(bits)
            if value > best_value:
                best, best_value = there, value
    return best, best_value
