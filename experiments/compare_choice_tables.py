"""Printed tables to choose by: what a gain costs, and the ranking with regret."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from experiments.compare_cells import amount, interval_cell, money, signed, signed_range
from experiments.compare_costs import JOB, RESIDENT, RESIDENT_YEAR, UNITS, CostEffect
from experiments.compare_ranking import Ranking
from experiments.compare_scenarios import BASELINE
from experiments.cost_effectiveness import Ratio
from experiments.forecast_tables import new_table
from experiments.intervals import per_cent
from experiments.paired_statistics import Interval

SURE = "95 %"
SHORT = {RESIDENT: "resident", RESIDENT_YEAR: "resident-year", JOB: "job"}


def cost_table(costs: Sequence[CostEffect]) -> Table:
    """Extra money and what a unit of gain costs the public, against the baseline."""
    table = new_table(
        f"Money against '{BASELINE}' (million KZT, present value; mean and 90 %), public money per unit of gain",
        [
            "Scenario",
            "public",
            "private",
            "unit",
            "gained, 95 % of the mean",
            "one costs",
            SURE,
            "over runs, 90 %",
        ],
    )
    for one in costs:
        if one.reference.policy != BASELINE:
            continue
        head = [
            one.case.name,
            interval_cell(one.public_spread, money),
            interval_cell(one.private_spread, money),
        ]
        for unit in UNITS:
            gain = one.gain_spreads[unit]
            shown = "0" if gain.is_zero else f"{signed(gain.mean)} ({signed_range(gain.of_mean)})"
            table.add_row(*head, SHORT[unit], shown, *ratio_cells(one, unit))
            head = ["", "", ""]
    return table


def ratio_cells(one: CostEffect, unit: str) -> tuple[str, str, str]:
    """Cost of a unit: expected, its interval, and over runs; or why there is none."""
    ratio = one.per_unit[unit]
    if one.public_spread.is_zero:
        return "no public money", "", ""
    if ratio.of_expected is None:
        return "undefined", ratio.reason, _over_runs(ratio)
    return amount(ratio.expected), _amounts(ratio.of_expected), _over_runs(ratio)


def _over_runs(ratio: Ratio) -> str:
    return "undefined" if ratio.most is None else _amounts(ratio.most)


def _amounts(interval: Interval) -> str:
    return " to ".join(amount(end) for end in interval)


def ranking_table(ranking: Ranking) -> Table:
    """Policies from best to worst over the futures, with regret."""
    plural = "s" if len(ranking.futures) > 1 else ""
    table = new_table(
        f"Ranking by {ranking.objective} over {len(ranking.futures)} future{plural}, against '{BASELINE}'",
        ["Policy", "place", "gain", "lead over next, 95 %", *(f"regret: {f}" for f in ranking.futures),
         "worst regret", "best in, %", "mark"],
    )  # fmt: skip
    for one in ranking.ranked:
        table.add_row(
            one.policy,
            str(one.place),
            signed(one.mean),
            "" if math.isnan(one.lead[0]) else signed_range(one.lead),
            *(
                f"{value:,.0f}" if value == 0.0 else f"{value:,.0f} ({_whole_range(interval)})"
                for value, interval in zip(
                    one.regret, ranking.regret_interval[one.policy].tolist(), strict=True
                )
            ),
            f"{one.worst_regret:,.0f}",
            per_cent(one.best_share),
            f"prior-driven ({', '.join(one.prior_driven)})" if one.prior_driven else "",
        )
    return table


def _whole_range(interval: Sequence[float]) -> str:
    return " to ".join(f"{end:,.0f}" for end in interval)
