"""Where people go and whether they go: utilities, inclusive values, nested-logit choice (equations 10, 11, 13).

V_hd = beta_y ln(y_d / y_h) + beta_Q (Q_d - Q_s) + beta_K 1[children] (S_d - S_s) + beta_N kin_{h,g}
       - beta_H ln(rent_d / rent_s) - beta_D ln(D_sd / 100 km) + beta_M ln(M_d / M_ref) + alpha_RU 1[Russia].
Only y_h, children and kin differ between the households of a place: the rest is tabulated once a year.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model import draws
from tests.reference.chance import Key, bits_of
from tests.reference.places import KAZAKHSTAN, RUSSIA, Cell, Place, Settlement

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel

CLOSED = -math.inf  # utility of what cannot be chosen
KINDS_OF_KIN = ((False, False), (True, False), (False, True), (True, True))
CELLS: list[Cell] = [(children, kin) for children in (False, True) for kin in KINDS_OF_KIN]


def appeal(place: Place, p: Any) -> float:
    """The part of (10) that the destination decides, children apart."""
    if not place.is_open:
        return CLOSED
    value = p.beta_y * math.log(place.income) + p.beta_Q * place.quality
    value -= p.beta_H * math.log(place.rent)
    return value + p.beta_M * math.log(place.size / 100_000.0) + place.constant  # type: ignore[no-any-return]


def log_sum(values: list[float]) -> float:
    """ln of the sum of exp(values), without overflow."""
    top = max(values, default=CLOSED)
    if top == CLOSED:
        return CLOSED
    total = 0.0
    for value in values:
        total += math.exp(value - top)
    return top + math.log(total)


def nest_weight(log_value: float, kin: tuple[bool, bool], nest: int, p: Any, alpha: float) -> float:
    """Log weight of a nest: tau ln A_g + beta_N kin_g + alpha_RU 1[Russia]."""
    value: float = p.tau * log_value + p.beta_N * kin[nest]
    return value + alpha if nest == RUSSIA else value


def tabulate(model: ReferenceModel, alpha: float) -> None:
    """(10), (11) of a year: utilities over tau, nest values, inclusive values without -beta_y ln y_h."""
    p = model.p
    appeals = [appeal(place, p) for place in model.places]
    for here in model.settlements:
        home = p.beta_Q * here.quality - p.beta_H * math.log(here.rent)
        for children in (False, True):
            utility = []
            for there in model.places:
                value = appeals[there.index] - home - p.beta_D * here.log_distance[there.index]
                if children:
                    value += p.beta_K * (there.services - here.services)
                utility.append(value / p.tau if there is not here else CLOSED)
            here.utility[children] = utility
            here.nest_value[children] = [nest_value(model, utility, nest) for nest in (KAZAKHSTAN, RUSSIA)]
            for kin in KINDS_OF_KIN:
                weights = [
                    nest_weight(here.nest_value[children][nest], kin, nest, p, alpha)
                    for nest in (KAZAKHSTAN, RUSSIA)
                ]
                here.inclusive[children, kin] = value = log_sum(weights)
                here.factor[children, kin] = math.exp(value)
        here.study_value = [
            nest_value(model, here.utility[False], nest, True) for nest in (KAZAKHSTAN, RUSSIA)
        ]


def nest_value(model: ReferenceModel, utility: list[float], nest: int, to_study: bool = False) -> float:
    """ln A_g: log sum of the utilities of a nest (of its places with universities, on the scale of all)."""
    inside = [place for place in model.places if place.nest == nest and utility[place.index] > CLOSED]
    top = max((utility[place.index] for place in inside), default=CLOSED)
    total = 0.0
    for place in inside:
        if place.has_universities or not to_study:
            total += math.exp(utility[place.index] - top)
    return top + math.log(total) if total > 0.0 else CLOSED


def choose_destination(
    key: Key, here: Settlement, children: bool, kin: tuple[bool, bool], to_study: bool, model: ReferenceModel
) -> Place | None:
    """(11) Nested logit as one taste per place and one per nest: a better offer shuffles nobody else."""
    p, salts = model.p, model.salts
    tastes = [nest_taste(key, salts[draws.DESTINATION_NEST], nest, p.tau) for nest in (KAZAKHSTAN, RUSSIA)]
    tastes[KAZAKHSTAN] += p.beta_N * kin[KAZAKHSTAN] / p.tau
    tastes[RUSSIA] += (p.beta_N * kin[RUSSIA] + model.alpha) / p.tau
    best, best_value = None, CLOSED
    for there in model.places:
        utility = here.utility[children][there.index]
        if utility > CLOSED and (there.has_universities or not to_study):
            own = draws.gumbel(bits_of(key, salts[draws.DESTINATION_PLACE], there.key))
            value = utility + tastes[there.nest] + own
            if value > best_value:
                best, best_value = there, value
    return best


def nest_taste(key: Key, salt: Key, nest: int, tau: float) -> float:
    """ln of a positive stable variate of index tau (Kanter 1975): with it Gumbel draws are nested (Cardell 1997)."""
    if tau >= 1.0:
        return 0.0
    bits = bits_of(key, salt, nest + 1)
    angle = math.pi * draws.open_unit(bits)
    rate = -math.log(draws.open_unit(Key(draws.mix(bits))))
    slant = math.log(math.sin((1.0 - tau) * angle)) - math.log(rate)
    return math.log(math.sin(tau * angle)) - math.log(math.sin(angle)) / tau + slant * (1.0 - tau) / tau


def advantage(place: Settlement, origin: Place, model: ReferenceModel, appeals: list[float]) -> float:
    """Adv of (13): utility of a place (with children) minus the inclusive value of its rivals, from an origin."""
    p = model.p
    weights = []
    for nest in (KAZAKHSTAN, RUSSIA):
        values = [
            (appeals[rival.index] - p.beta_D * origin.log_distance[rival.index]) / p.tau
            for rival in model.places
            if rival is not place and rival is not origin and rival.is_open and rival.nest == nest
        ]
        weights.append(p.tau * log_sum(values) + (model.alpha_2015 if nest == RUSSIA else 0.0))
    own = appeals[place.index] - p.beta_D * origin.log_distance[place.index]
    rivals = log_sum(weights)
    return own - rivals if rivals > CLOSED else own  # type: ignore[no-any-return]


def advantages(model: ReferenceModel) -> dict[tuple[Settlement, int], float]:
    """Adv of every settlement from every origin of arrivals (by index)."""
    appeals = [
        appeal(place, model.p) + model.p.beta_K * place.services if place.is_open else CLOSED
        for place in model.places
    ]
    return {
        (place, origin): advantage(place, model.places[origin], model, appeals)
        for place in model.settlements
        for origin in model.origins[place]
    }
