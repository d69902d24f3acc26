"""Ranking the policies of a comparison over its futures, and whether it rests on a parameter no data identify."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from experiments.compare_effects import ALL, Effects
from experiments.compare_scenarios import BASELINE, REFERENCE, Case, Comparison
from experiments.paired_statistics import Floats
from experiments.regret import Ranked, prior_driven, rank, regret_intervals

PEOPLE = "residents at the horizon"


@dataclass(frozen=True)
class Pessimism:
    """A parameter that no data identify, and its pessimistic end.

    Attributes:
        parameter, value: what is fixed. moved_by: the figure through which policies act on it: where no case moves
            that figure, the parameter cannot change the ranking.
    """

    parameter: str
    value: float
    moved_by: str


# docs/specification.md section 5: a ranking that does not hold at beta_Q = .1 is prior-driven.
PESSIMISMS = (Pessimism("beta_Q", 0.1, "wear"),)


@dataclass(frozen=True)
class Ranking:
    """Policies from best to worst by what is counted, with their regret.

    Attributes:
        objective: what is counted. futures: names. ranked: best first.
        regret_interval: by policy, the 95 % intervals of expected regret, float64[futures, 2].
        checked: parameters at whose pessimistic end the ranking was asked again, in the reference future.
    """

    objective: str
    futures: tuple[str, ...]
    ranked: tuple[Ranked, ...]
    regret_interval: Mapping[str, Floats]
    checked: tuple[Pessimism, ...]


def gained_residents(effects: Effects, policies: Sequence[str], futures: Sequence[str]) -> Floats:
    """Residents of all places at the horizon above the same future's baseline, float64[policies, futures, runs]."""
    comparison = effects.comparison

    def people(case: Case) -> Floats:
        return effects.at("population", case, ALL, effects.last_year)

    return np.array(
        [
            [people(comparison.case(p, f)) - people(comparison.case(BASELINE, f)) for f in futures]
            for p in policies
        ]
    )


def touched(effects: Effects) -> tuple[Pessimism, ...]:
    """Pessimistic parameters that matter here: some case moves what they weigh."""
    comparison = effects.comparison
    return tuple(
        pessimism
        for pessimism in PESSIMISMS
        if any(
            effects.ever_differs(pessimism.moved_by, case, reference)
            for case, reference in comparison.compared(BASELINE)
        )
    )


def ranking_of(effects: Effects, rerun: Callable[[Pessimism], Effects]) -> Ranking:
    """Rank the policies by residents, and mark those whose lead does not hold at a pessimistic end.

    Args:
        effects: of the comparison. rerun: gives the effects of the same cases, on the first of the same runs, with
            a parameter fixed at its pessimistic end.
    """
    comparison = effects.comparison
    policies, futures = comparison.full_policies(), comparison.futures
    outcome = gained_residents(effects, policies, futures)
    ranked, checked = rank(policies, outcome), touched(effects)
    means = outcome.mean(axis=(1, 2))
    owed: dict[str, tuple[str, ...]] = {policy: () for policy in policies}
    for pessimism in checked:
        again = rerun(pessimism)
        shared = sorted(set(effects.pairs) & set(again.pairs))
        here, there = ([one.pairs.index(pair) for pair in shared] for one in (effects, again))
        declared = outcome[:, futures.index(REFERENCE)][:, here]
        pessimistic = gained_residents(again, policies, (REFERENCE,))[:, 0][:, there]
        for policy, lost in zip(policies, prior_driven(means, declared, pessimistic), strict=True):
            if lost:
                owed[policy] = (*owed[policy], pessimism.parameter)
    intervals = regret_intervals(outcome)
    return Ranking(
        PEOPLE,
        futures,
        tuple(replace(one, prior_driven=owed[one.policy]) for one in ranked),
        {policy: intervals[p] for p, policy in enumerate(policies)},
        checked,
    )


def reference_cases(comparison: Comparison) -> tuple[Case, ...]:
    """The cases under the reference future: those that are run again at a pessimistic end."""
    return tuple(case for case in comparison.cases if case.future == REFERENCE)
