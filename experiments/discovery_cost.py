"""Failure of a policy by its price: what a resident-year costs in a run, or that the run gains none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.compare_costs import money_of_cases
from experiments.compare_effects import ALL, Effects
from experiments.compare_scenarios import BASELINE, Case
from experiments.cost_effectiveness import DISCOUNT, person_years, present_value
from experiments.ensemble import Study
from experiments.paired_statistics import Floats

Flags = NDArray[np.bool_]


def too_dear(cost: Floats, gain: Floats, most: float) -> Flags:
    """In which runs a policy costs more than `most` for each resident-year, float64[runs] each to bool[runs].

    A run that gains none has no price: it fails, whatever it costs. One that gains and saves money does not.
    """
    gains = gain > 0.0
    price = np.divide(cost, gain, out=np.full(len(gain), np.inf), where=gains)
    return np.asarray(price > most)


class Prices:
    """Extra public money and resident-years of every case above the baseline of its future, run by run.

    Both are present values of 2026 at 5 % a year, as in `compare`.
    """

    def __init__(self, effects: Effects, study: Study) -> None:
        self.effects, self.money = effects, money_of_cases(effects, study)

    def of(self, case: Case) -> tuple[Floats, Floats]:
        """Extra money in million KZT at 2020 prices and resident-years retained in all places, float64[runs] each."""
        effects = self.effects
        reference = effects.comparison.case(BASELINE, case.future)
        years, place = effects.years[:-1].astype(np.float64), effects.places.index(ALL)
        extra = self.money[case.name].public - self.money[reference.name].public
        people = (effects.values("population", case) - effects.values("population", reference))[:, :, place]
        return present_value(extra, years, DISCOUNT), present_value(person_years(people), years, DISCOUNT)

    def fails(self, cases: Sequence[Case], most: float) -> Flags:
        """Whether the policy of some cases is too dear, their runs one after the other."""
        return np.concatenate([too_dear(*self.of(case), most) for case in cases])
