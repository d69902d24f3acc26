"""Where to go, and whether to go: utilities, inclusive values and nested-logit choice (equations 10-13).

The systematic utility of place d for household h in place s is
    V_hd = beta_y ln(y_d / y_h) + beta_Q (Q_d - Q_s) + beta_K 1[children] (S_d - S_s) + beta_N kin_{h,g}
           - beta_H ln(rent_d / rent_s) - beta_D ln(D_sd / 100 km) + beta_M ln(M_d / M_ref) + alpha_RU 1[Russia].
Only y_h, children and kin differ between households of a place, so that everything else is tabulated once
a year: a household's inclusive value is IV_h = T[s, children, kin] - beta_y ln y_h.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.choice_sets import everywhere
from model.compiled import kernel
from model.nest_tastes import ANGLE_STEPS, tabulate_tastes
from model.population import AGES

NESTS = 2
KINDS_OF_KIN = 4  # bit 0: kin in Kazakhstan's places, bit 1: kin in Russia
REFERENCE_SIZE = 100_000.0
FAR_BELOW = -1e300  # utility of what cannot be chosen

# Rogers & Castro 1981: the age profile of moving (docs/specification.md, below equation 11).
ROGERS_CASTRO = (0.02, 0.10, 0.06, 20.0, 0.10, 0.40, 0.003)


class Places(NamedTuple):
    """What people see of every place in a year; float64 arrays over all n_all places unless said.

    Attributes:
        income: perceived income, KZT a month at 2020 prices. quality: infrastructure Q. services: S.
        rent: rent index. size: persons of 2015 (fixed). nest: int8, 0 Kazakhstan, 1 Russia.
        constant: alternative-specific constant of the simulated places (`normalisation.py`), 0 elsewhere.
        open: bool, can be chosen. study: bool, has universities. key: uint64 hash of the id.
        log_distance: [n_all, n_all] ln(road km / 100) as perceived (border crossing included).
        rivals: int32 places that people outside weigh against any place (`choice_sets.py`).
    """

    income: NDArray[np.float64]
    quality: NDArray[np.float64]
    services: NDArray[np.float64]
    rent: NDArray[np.float64]
    size: NDArray[np.float64]
    constant: NDArray[np.float64]
    nest: NDArray[np.int8]
    open: NDArray[np.bool_]
    study: NDArray[np.bool_]
    key: NDArray[np.uint64]
    log_distance: NDArray[np.float64]
    rivals: NDArray[np.int32]


class Choice(NamedTuple):
    """Tabulated utilities of a year, for the n_sim simulated places.

    Attributes:
        there: int32[n_sim, alternatives] places that people of a place choose from (`choice_sets.py`): in most
            worlds all n_all, so that an alternative's number is the place's.
        utility: [n_sim, 2, alternatives] V without y_h and kin, over tau, by children (0/1); FAR_BELOW if closed.
        nest_value: [n_sim, 2, 2] ln A of the nests: ln of the sum of exp(utility) within the nest.
        study_value: [n_sim, 2] the same over places with universities (no children).
        inclusive: [n_sim, 2, 4] T, the inclusive value without -beta_y ln y_h, by children and kin.
        factor: [n_sim, 2, 4] exp(T).
        taste_steps: [steps + 1] bounds of tastes for a nest (`nest_tastes.py`).
    """

    there: NDArray[np.int32]
    utility: NDArray[np.float64]
    nest_value: NDArray[np.float64]
    study_value: NDArray[np.float64]
    inclusive: NDArray[np.float64]
    factor: NDArray[np.float64]
    taste_steps: NDArray[np.float64]


def new_choice(n_sim: int, n_all: int, there: NDArray[np.int32] | None = None) -> Choice:
    """Empty tables; without choice sets `there`, everyone chooses from all places."""
    sets = everywhere(n_sim, n_all) if there is None else there
    return Choice(
        sets, np.empty((n_sim, 2, sets.shape[1])), np.empty((n_sim, 2, NESTS)), np.empty((n_sim, NESTS)),
        np.empty((n_sim, 2, KINDS_OF_KIN)), np.empty((n_sim, 2, KINDS_OF_KIN)), np.empty(ANGLE_STEPS + 1),
    )  # fmt: skip


@kernel
def rogers_castro(mobility: NDArray[np.float64]) -> None:
    """Equation (11), R: fill the age profile of moving (Rogers & Castro 1981), float64[111]."""
    a1, al1, a2, mu2, al2, lam2, c = ROGERS_CASTRO
    for age in range(AGES):
        young = a2 * math.exp(-al2 * (age - mu2) - math.exp(-lam2 * (age - mu2)))
        mobility[age] = a1 * math.exp(-al1 * age) + young + c


@kernel
def appeal(there: int, places: Places, settings: Any) -> float:
    """Equation (10), the part that only the destination decides, children apart."""
    value = settings.beta_y * math.log(places.income[there]) + settings.beta_Q * places.quality[there]
    value -= settings.beta_H * math.log(places.rent[there])
    return value + settings.beta_M * math.log(places.size[there] / REFERENCE_SIZE) + places.constant[there]


@kernel
def home_appeal(here: int, places: Places, settings: Any) -> float:
    """Equation (10), the part that the place of residence decides, income and children apart."""
    return settings.beta_Q * places.quality[here] - settings.beta_H * math.log(places.rent[here])


@kernel
def all_appeals(places: Places, settings: Any, appeals: NDArray[np.float64]) -> None:
    """Appeal of every place that can be chosen, float64[n_all]."""
    for there in range(appeals.shape[0]):
        appeals[there] = appeal(there, places, settings) if places.open[there] else FAR_BELOW


@kernel
def log_distances(distance: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """ln(D / 100 km) of all pairs (0 on the diagonal)."""
    for here in range(distance.shape[0]):
        for there in range(distance.shape[0]):
            out[here, there] = math.log(distance[here, there] / 100.0) if here != there else 0.0


@kernel
def nest_kin(kin: int, nest: int) -> int:
    """1 where a household with these kin bits has kin in the nest."""
    return (kin >> nest) & 1


@kernel
def log_sum(first: float, second: float) -> float:
    """ln(exp(first) + exp(second)) without overflow; FAR_BELOW where both are closed."""
    top = max(first, second)
    if top <= FAR_BELOW:
        return FAR_BELOW
    return top + math.log(math.exp(first - top) + math.exp(second - top))


@kernel
def tabulate(n_sim: int, places: Places, table: Any, alpha_russia: float, choice: Choice) -> None:
    """Equations (10) and (11): fill the utilities and inclusive values of a year."""
    settings = table[0]
    n_all, alternatives = places.income.shape[0], choice.utility.shape[2]
    tau = settings.tau
    tabulate_tastes(tau, choice.taste_steps)
    appeals = np.empty(n_all)
    all_appeals(places, settings, appeals)
    top = np.empty(NESTS)
    for here in range(n_sim):
        home = home_appeal(here, places, settings)
        for children in range(2):
            top[:] = FAR_BELOW
            for k in range(alternatives):
                there = choice.there[here, k]
                value = FAR_BELOW
                if there != here and places.open[there]:
                    value = appeals[there] - home - settings.beta_D * places.log_distance[here, there]
                    if children:
                        value += settings.beta_K * (places.services[there] - places.services[here])
                    value /= tau
                    top[places.nest[there]] = max(top[places.nest[there]], value)
                choice.utility[here, children, k] = value
            for nest in range(NESTS):
                total = 0.0
                studied = 0.0
                for k in range(alternatives):
                    there = choice.there[here, k]
                    value = choice.utility[here, children, k]
                    if value > FAR_BELOW and places.nest[there] == nest:
                        weight = math.exp(value - top[nest])
                        total += weight
                        if places.study[there]:
                            studied += weight
                choice.nest_value[here, children, nest] = (
                    top[nest] + math.log(total) if total > 0.0 else FAR_BELOW
                )
                if children == 0:
                    choice.study_value[here, nest] = (
                        top[nest] + math.log(studied) if studied > 0.0 else FAR_BELOW
                    )
            for kin in range(KINDS_OF_KIN):
                weights = nest_weight(choice.nest_value[here, children, 0], kin, 0, settings, alpha_russia)
                russia = nest_weight(choice.nest_value[here, children, 1], kin, 1, settings, alpha_russia)
                value = log_sum(weights, russia)
                choice.inclusive[here, children, kin] = value
                choice.factor[here, children, kin] = math.exp(value) if value > FAR_BELOW else 0.0


@kernel
def nest_weight(log_value: float, kin: int, nest: int, settings: Any, alpha_russia: float) -> float:
    """Equation (11), log weight of a nest for a household: tau ln A_g + beta_N kin_g + alpha_RU 1[Russia]."""
    if log_value <= FAR_BELOW:
        return FAR_BELOW
    value = settings.tau * log_value + settings.beta_N * nest_kin(kin, nest)
    if nest == 1:
        value += alpha_russia
    return value


@kernel
def advantages(
    n_sim: int,
    origins: NDArray[np.bool_],
    places: Places,
    table: Any,
    alpha_russia: float,
    out: NDArray[np.float64],
) -> None:
    """Adv of equation (13): utility of a place minus the inclusive value of its rivals, seen from an origin.

    Utilities are those of a household with children; what only the origin decides cancels out, and so does
    any growth common to all places: it moves nobody.

    Args:
        origins: bool[n_sim, n_all] pairs with arrivals. out: float64[n_sim, n_all], filled there.
    """
    settings = table[0]
    n_all = places.income.shape[0]
    appeals = np.empty(n_all)
    all_appeals(places, settings, appeals)
    for there in range(n_all):
        if places.open[there]:
            appeals[there] += settings.beta_K * places.services[there]
    value = np.empty(n_all)
    weights = np.empty(NESTS)
    for place in range(n_sim):
        for origin in range(n_all):
            if not origins[place, origin]:
                continue
            weights[:] = FAR_BELOW
            for nest in range(NESTS):
                top = FAR_BELOW
                for other in places.rivals:
                    value[other] = FAR_BELOW
                    rival = (
                        other != place
                        and other != origin
                        and places.open[other]
                        and places.nest[other] == nest
                    )
                    if rival:
                        value[other] = (
                            appeals[other] - settings.beta_D * places.log_distance[origin, other]
                        ) / settings.tau
                        top = max(top, value[other])
                total = 0.0
                for other in places.rivals:
                    if value[other] > FAR_BELOW:
                        total += math.exp(value[other] - top)
                if total > 0.0:
                    weights[nest] = settings.tau * (top + math.log(total)) + (
                        alpha_russia if nest == 1 else 0.0
                    )
            rivals = log_sum(weights[0], weights[1])
            own = appeals[place] - settings.beta_D * places.log_distance[origin, place]
            out[place, origin] = own - rivals if rivals > FAR_BELOW else own
