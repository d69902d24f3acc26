"""What the page shows of a live comparison, as plain numbers that JSON can hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.compare_centres import centre_paths
from experiments.compare_costs import CostEffect, cost_effect, money_of_cases
from experiments.compare_effects import ADDED, IS_FLOW, Columns, Effects
from experiments.compare_scenarios import BASELINE, Case
from experiments.cost_effectiveness import DISCOUNT
from experiments.dashboard.live_ranking import ranks_of
from experiments.dashboard.live_rating import rating_of
from experiments.ensemble import Study
from experiments.intervals import probability
from experiments.paired_statistics import Difference, summarised
from model.reference_tables import extinction_ladder

Summary = dict[str, Any]
SHOWN = (
    "population", "births", "deaths", "in_migration", "out_migration", "net_migration", "out_russia", "jobs",
    "employed", "commuters", "unemployment_rate", "hidden_unemployment_rate", "wage", "wear", "services",
)  # fmt: skip
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
DECIMALS = 4


def summary_of(
    stage: str, effects: Effects, study: Study, results: Columns, flows: NDArray[np.float64]
) -> Summary:
    """Levels, effects, ladder, costs, flows and rating of all scenarios.

    Args:
        stage: "preview", "partial" or "final"; a preview has no chance in it, hence no classes, no rating and
            no ranks.
        results: the runs of `effects`. flows: float64[scenarios, years, n_sim, n_all], mean over runs, in
            the order of the design's scenarios.
    """
    comparison = effects.comparison
    order = [scenario.name for scenario in study.design.scenarios]
    centres = centre_paths(comparison, study, effects.pairs)
    money = money_of_cases(effects, study)
    compared = comparison.compared(BASELINE)
    return {
        "stage": stage,
        "runs": effects.runs,
        "identity": study.design.identity,
        "seed": study.design.seed,
        "horizon": study.design.horizon,
        "years": effects.years.tolist(),
        "places": list(effects.places),
        "destinations": list(effects.world.ids),
        "scenarios": [{"name": c.name, "policy": c.policy, "future": c.future} for c in comparison.cases],
        "levels": {case.name: _levels(effects, case) for case in comparison.cases},
        "flows": {
            case.name: np.round(flows[order.index(case.name)], 2).tolist() for case in comparison.cases
        },
        "rating": None if stage == "preview" else rating_of(results, study),
        "ranks": None if stage == "preview" else ranks_of(effects),
        "ladder": {case.name: _ladder(effects, case) for case in comparison.cases},
        "effects": {case.name: _effects(effects, case, against) for case, against in compared},
        "costs": {
            case.name: _costs(cost_effect(effects, case, against, money, centres, DISCOUNT))
            for case, against in compared
        },
    }


def _levels(effects: Effects, case: Case) -> dict[str, dict[str, list[list[float]]]]:
    """Quantiles by figure and place, [quantile][year]."""
    found: dict[str, dict[str, list[list[float]]]] = {}
    for name in SHOWN:
        values = effects.values(name, case)
        until = values.shape[1] - (1 if IS_FLOW[name] else 0)
        places = effects.places if name in ADDED else effects.places[:-1]
        quantiles = np.round(np.quantile(values[:, :until], LEVELS, axis=0), DECIMALS)
        found[name] = {place: quantiles[:, :, p].tolist() for p, place in enumerate(places)}
    return found


def _ladder(effects: Effects, case: Case) -> dict[str, list[dict[str, Any]]]:
    """Chance to fall below each rung up to the horizon, for places that stand above it at the start."""
    population = effects.values("population", case)
    found: dict[str, list[dict[str, Any]]] = {}
    for p, place in enumerate(effects.places[:-1]):
        rungs = []
        for rung in extinction_ladder():
            if float(effects.world.founding_population[p]) < rung.persons:
                continue
            events = int((population[:, 1:, p] < rung.persons).any(axis=1).sum())
            chance = probability(events, effects.runs)
            rungs.append(
                {
                    "rung": rung.id,
                    "persons": rung.persons,
                    "events": events,
                    "low": chance.low,
                    "high": chance.high,
                }
            )
        found[place] = rungs
    return found


def _effects(effects: Effects, case: Case, against: Case) -> dict[str, dict[str, Any]]:
    """Paired difference of residents on the last 1 January, by place, with the bound of its size."""
    return {
        place: {
            **_difference(effects.difference("population", case, against, place, effects.last_year)),
            "bound": effects.bound(case, against, place),
        }
        for place in effects.places
    }


def _costs(cost: CostEffect) -> dict[str, Any]:
    return {
        "public": _difference(cost.public_spread),
        "private": _difference(cost.private_spread),
        "units": {
            unit: {
                "gain": _difference(summarised(gain)),
                "expected": _known(cost.per_unit[unit].expected),
                "interval": cost.per_unit[unit].of_expected,
                "reason": cost.per_unit[unit].reason,
            }
            for unit, gain in cost.gains.items()
        },
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "mean": one.mean,
        "low": _known(one.of_mean[0]),
        "high": _known(one.of_mean[1]),
        "q05": one.most[0],
        "q95": one.most[1],
        "clear": one.is_clear,
        "expected": one.is_expected,
        "zero": one.is_zero,
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
