"""Why a household stays or goes: its utilities, inclusive value and hazard, equations (10) and (11)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.census import fill_household_incomes
from model.choice import FAR_BELOW, NESTS, nest_kin, nest_weight
from model.compiled import kernel
from model.engine import Engine
from model.population import ADULT_AGE, KIN_MASK, KIN_SHIFT, STAYER


@dataclass(frozen=True)
class Alternative:
    """One place the household could move to.

    Attributes:
        place: id. nest: 0 Kazakhstan, 1 Russia.
        utility: V_hd of equation (10), staying is 0.
        share: probability of this destination given a move.
    """

    place: str
    nest: int
    utility: float
    share: float


@dataclass(frozen=True)
class Explanation:
    """A household's decision as the tables of the latest year of perceived incomes show it.

    Attributes:
        place, year: where it lives; 1 January it is seen at.
        income: y_h, KZT a month at 2020 prices. children: whether there are any. kappa: readiness to move.
        age: of the reference person; age_factor: R(age), Rogers & Castro 1981.
        alternatives: by falling utility.
        inclusive_value: IV_h; inclusive_value_2015: the place's person-weighted mean over founders.
        hazard: Pr(move) within a year, all members together.
    """

    place: str
    year: int
    income: float
    children: bool
    kappa: float
    age: int
    age_factor: float
    alternatives: tuple[Alternative, ...]
    inclusive_value: float
    inclusive_value_2015: float
    hazard: float

    def __str__(self) -> str:
        lines = [
            f"{self.place}, 1 January {self.year}: reference person {self.age}, "
            f"income {self.income:,.0f} KZT an adult a month, "
            f"{'children' if self.children else 'no children'}, kappa {self.kappa:.2f}",
            f"chance to move within a year {100 * self.hazard:.2f} % "
            f"(inclusive value {self.inclusive_value:.3f}, mean of 2015 {self.inclusive_value_2015:.3f})",
            f"{'destination':<24}{'utility':>10}{'share':>10}",
        ]
        lines += [f"{a.place:<24}{a.utility:>10.3f}{100 * a.share:>8.1f} %" for a in self.alternatives]
        return "\n".join(lines)


@kernel
def fill_nest_weights(
    values: NDArray[np.float64], kin: int, table: NDArray[Any], alpha: float, out: NDArray[np.float64]
) -> None:
    """Log weights of the nests of a household with these kin, from the ln A of its place."""
    for nest in range(NESTS):
        out[nest] = nest_weight(values[nest], kin, nest, table[0], alpha)


def explain(engine: Engine, row: int) -> Explanation:
    """Explain household `row` with the engine's tables, by the same functions the year's kernels call."""
    households, people, settings, choice = engine.households, engine.people, engine.settings, engine.choice
    here, traits = int(households.place[row]), int(households.traits[row])
    begin, end = (int(i) for i in households.first[row : row + 2])
    kin, children = (traits >> KIN_SHIFT) & KIN_MASK, int((people.age[begin:end] < ADULT_AGE).any())
    y = np.empty(1)
    fill_household_incomes(people, households, np.array([row]), engine.incomes, engine.table, y)
    income = float(y[0])
    own = settings.beta_y * math.log(income)
    alpha = engine.alpha if engine.t else float(engine.norm.alpha[0])
    weights = np.empty(NESTS)
    fill_nest_weights(choice.nest_value[here, children], kin, engine.table, alpha, weights)
    total = choice.inclusive[here, children, kin]
    alternatives = []
    for k, there in enumerate(choice.there[here].tolist()):
        table = float(choice.utility[here, children, k])
        if table <= FAR_BELOW:
            continue
        nest = int(engine.places.nest[there])
        utility = (
            settings.tau * table - own + settings.beta_N * nest_kin(kin, nest) + (alpha if nest == 1 else 0.0)
        )
        share = math.exp(float(weights[nest]) - total + table - choice.nest_value[here, children, nest])
        alternatives.append(Alternative(engine.world.ids[there], nest, float(utility), share))
    readiness, age = engine.readiness, int(people.age[begin])
    kappa = readiness.stayer if traits & STAYER else readiness.mover
    rate = (
        readiness.hazard[here]
        * kappa
        * choice.factor[here, children, kin]
        * math.exp(-own)
        * readiness.by_age[age]
    )
    return Explanation(
        engine.world.ids[here],
        engine.year,
        income,
        bool(children),
        float(kappa),
        age,
        float(readiness.by_age[age]),
        tuple(sorted(alternatives, key=lambda a: (-a.utility, a.place))),
        float(total - own),
        float(readiness.mean_inclusive[here]),
        1.0 - math.exp(-float(rate)),
    )
