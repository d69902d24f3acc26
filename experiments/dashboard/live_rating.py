"""The reconstructed settlement rating of live runs, as plain numbers that JSON can hold; made in the child."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from calibration.rating import Rating, rate, weights_for
from calibration.rating_external import SHIPPED, read_external
from calibration.rating_questionnaire import Answers
from calibration.rating_simulated import RATING_COLUMNS, region_wages, simulated_figures
from calibration.rating_system import CLASSES, rating_system
from experiments.compare_effects import Columns
from experiments.ensemble import Study
from experiments.rate_files import chance_of
from experiments.rate_outputs import completed_figures
from experiments.rate_results import GROWTH

LEAST_DRAWS = 300  # of weights, thresholds and missing indicators: an answer within a second a scenario
DECIMALS = 4
Summary = dict[str, Any]


def rating_of(results: Columns, study: Study) -> Summary:
    """Index and class probabilities of every scenario, place and year, all on the same draws.

    Equal weights and the shipped external figures, as `compare` rates its runs.

    Args:
        results: runs of the study's scenarios, in their order.
    """
    ratings = _ratings(results, study)
    first = next(iter(ratings.values()))
    return {
        "draws": first.probabilities.draws,
        "years": list(first.figures.years),
        "of": len(first.system.ids),
        "cases": {
            name: {place: _place(rating, p) for p, place in enumerate(rating.figures.places)}
            for name, rating in ratings.items()
        },
    }


def _ratings(results: Columns, study: Study) -> dict[str, Rating]:
    system, world, design = rating_system(), study.world, study.design
    external = read_external([SHIPPED], world, system)
    years = [int(year) for year in results.years]
    held = results.columns(RATING_COLUMNS)
    growth = np.array([study.values(pair // design.replicates)[GROWTH] for pair in results.pairs])
    ratings: dict[str, Rating] = {}
    for k, scenario in enumerate(design.scenarios):
        factor = None if scenario.levers is None else scenario.levers.home_wage
        wages = region_wages(world, years, growth, factor)
        columns = {name: values[k] for name, values in held.items()}
        figures = simulated_figures(world, columns, years, wages, system)
        figures = completed_figures(figures, external, Answers(), system)
        weights = weights_for("equal", figures, system)
        ratings[scenario.name] = rate(figures, world, weights, LEAST_DRAWS, design.seed, system)
    return ratings


def _place(rating: Rating, p: int) -> Summary:
    """A place's path: full index by quantile and year; classes by name with share, interval and range by year."""
    found, number = rating.probabilities, len(rating.figures.years)
    intervals = [
        [
            (None, None) if np.isnan(found.share[t, p, k]) else chance_of(rating, t, p, k)
            for t in range(number)
        ]
        for k in range(len(CLASSES))
    ]
    return {
        "index": [_known(row) for row in found.index[:, :, p]],
        "known": [round(float(share) * len(rating.system.ids)) for share in found.coverage[:, p]],
        "printable": found.printable[:, p].tolist(),
        "classes": {
            name: {
                "share": _known(found.share[:, p, k]),
                "interval": [list(one) for one in intervals[k]],
                "least": _known(found.low[:, p, k]),
                "most": _known(found.high[:, p, k]),
            }
            for k, name in enumerate(CLASSES)
        },
    }


def _known(values: Sequence[float] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), DECIMALS) for value in values]
