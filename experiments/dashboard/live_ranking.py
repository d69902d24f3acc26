"""Which of the scenarios side by side keeps most residents, and what choosing another one would lose; in the child.

Scenarios are ranked against those of the same future and its baseline, by `experiments/regret.py` as `compare` does.
"""

from __future__ import annotations

import math
from typing import Any

from experiments.compare_effects import Effects
from experiments.compare_ranking import gained_residents
from experiments.compare_scenarios import BASELINE
from experiments.regret import rank, regret_intervals

Ranks = dict[str, list[dict[str, Any]]]


def ranks_of(effects: Effects) -> Ranks:
    """Scenarios from best to worst by residents at the horizon, by future; futures with one scenario are left out.

    Returns:
        By future, one entry a scenario and the baseline: `case`, `place`, `mean` residents gained over the baseline,
        `lead_low` and `lead_high` (95 % interval of the lead over the next one; None for the last), `regret` with
        `regret_low` and `regret_high`, `best_share` of the runs in which none does better.
    """
    found: Ranks = {}
    for future in effects.comparison.futures:
        policies = [case.policy for case in effects.comparison.cases if case.future == future]
        if len(policies) < 3:  # one scenario and its baseline: the effect says it all
            continue
        outcome = gained_residents(effects, policies, (future,))
        intervals = dict(zip(policies, regret_intervals(outcome)[:, 0], strict=True))
        found[future] = [
            {
                "case": f"{one.policy}@{future}",
                "place": one.place,
                "is_baseline": one.policy == BASELINE,
                "mean": one.mean,
                "lead_low": _known(one.lead[0]),
                "lead_high": _known(one.lead[1]),
                "regret": one.worst_regret,
                "regret_low": _known(float(intervals[one.policy][0])),
                "regret_high": _known(float(intervals[one.policy][1])),
                "best_share": one.best_share,
            }
            for one in rank(policies, outcome)
        ]
    return found


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
