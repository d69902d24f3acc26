"""The settlement rating as a whole: level on two scales, trend, class and its probabilities for every place and year.

Functions for others: `rate` (everything), `index_of_results` (integral index by run, year and place, an output of a
sensitivity analysis).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.rating_checks import sample_of
from calibration.rating_figures import OBSERVED_YEARS, RatedFigures, region_figures
from calibration.rating_index import (
    ClassProbabilities,
    block_indices,
    class_probabilities,
    integral_index,
    rating_index,
)
from calibration.rating_simulated import region_wages, simulated_figures
from calibration.rating_system import Floats, RatingSystem, rating_system
from calibration.rating_weights import Scheme, Weights, weights_of
from model.world import World

REFERENCE_YEARS: Final = (
    2018,
    2019,
    2020,
)  # the region, where it is not simulated itself, stays as it was then
STEADY: Final = 0.05
LEVELS: Final = (0.05, 0.5, 0.95)


@dataclass(frozen=True, eq=False)
class Rating:
    """The rating of one scenario or of the observed years (Y years, P places).

    Attributes:
        figures, system, weights: what it was made from.
        index: float64[3, Y, P] 5, 50 and 95 % over runs of the index from the known indicators.
        blocks: float64[Y, P, 4] medians over runs of the block indices, NaN where nothing of a block is known.
        against_region: float64[3, Y, P] the same quantiles of index minus the region's, on shared indicators.
        against_start: float64[3, Y, P] of index minus that of the first year rated, on indicators known in both.
        probabilities: of the classes. region_note: what the region is here.
    """

    figures: RatedFigures
    system: RatingSystem
    weights: Weights
    index: Floats
    blocks: Floats
    against_region: Floats
    against_start: Floats
    probabilities: ClassProbabilities
    region_note: str

    def direction(self, year: int, place: int) -> str:
        """Rising, steady, falling or unknown, from the median five-year trend."""
        trend = float(self.probabilities.trend[2, year, place])
        if np.isnan(trend):
            return "no trend yet"
        return "steady" if abs(trend) < STEADY else ("rising" if trend > 0 else "falling")

    def missing(self, year: int, place: int) -> list[str]:
        """Ids of the indicators not known in every run."""
        known = self.figures.known()[year, place]
        return [id for id, is_known in zip(self.system.ids, known, strict=True) if not is_known]


def rate(
    figures: RatedFigures,
    world: World,
    weights: Weights,
    draws: int,
    seed: int,
    system: RatingSystem | None = None,
) -> Rating:
    """Rate every place and year of `figures`.

    Args:
        draws: of weights, thresholds and missing scores; raised to the number of runs where it is smaller.
    """
    system = system or rating_system()
    scores = system.scores(figures.values)
    index = integral_index(scores, weights, system)
    gap, note = _against_region(figures, scores, world, weights, system)
    return Rating(
        figures,
        system,
        weights,
        np.quantile(index, LEVELS, axis=0),
        np.median(block_indices(scores, weights, system), axis=0),
        np.quantile(gap, LEVELS, axis=0),
        np.quantile(_against_start(scores, weights, system), LEVELS, axis=0),
        class_probabilities(figures, system, weights, max(draws, figures.values.shape[0]), seed),
        note,
    )


def weights_for(
    scheme: Scheme, figures: RatedFigures, system: RatingSystem, points: Mapping[str, float] | None = None
) -> Weights:
    """Weights of a scheme, from the figures where they come from data. Raises WeightError."""
    return weights_of(scheme, system, sample_of(figures, system), points)


def index_of_results(
    world: World,
    columns: Mapping[str, Floats],
    years: Sequence[int],
    growth: Floats,
    home_wage: Floats | None = None,
    weights: Weights | None = None,
) -> Floats:
    """Integral index from a table of results, float64[runs, years - 1, places], for a sensitivity analysis.

    Args:
        columns: `calibration.rating_simulated.RATING_COLUMNS`, float64[runs, years, places] each.
        years: all 1 Januaries of the columns; the last one closes the last year rated.
        growth: float64[runs], the runs' parameter `growth_kazakhstan`. home_wage: `Levers.home_wage` of the scenario.
        weights: equal ones by default, which do not depend on the sample.
    """
    system = rating_system()
    figures = simulated_figures(world, columns, years, region_wages(world, years, growth, home_wage), system)
    return rating_index(figures, system, weights or weights_for("equal", figures, system))


def _shared(scores: Floats, reference: Floats, weights: Weights, system: RatingSystem) -> Floats:
    """Index minus that of a reference, from the indicators known of both; the shapes broadcast."""
    known = ~(np.isnan(scores) | np.isnan(reference))
    ours = np.where(known, scores, np.nan)
    theirs = np.where(known, np.broadcast_to(reference, scores.shape), np.nan)
    return np.asarray(integral_index(ours, weights, system) - integral_index(theirs, weights, system))


def _against_region(
    figures: RatedFigures, scores: Floats, world: World, weights: Weights, system: RatingSystem
) -> tuple[Floats, str]:
    """Index minus the region's, float64[runs, years, places], and what the region is."""
    units = world.accounts.places()
    if figures.basis == "simulated" and len(figures.places) > 1 and set(units) <= set(figures.places):
        people = world.founding_population.astype(np.float64)
        mean = np.einsum("rypk,p->ryk", scores, people / people.sum())
        note = "the region: mean of its simulated units, weighted by their people of the start"
        return _shared(scores, mean[:, :, None, :], weights, system), note
    official = system.scores(region_figures(world, system))
    if figures.basis == "simulated":
        rows = [OBSERVED_YEARS.index(year) for year in REFERENCE_YEARS]
        after = official[rows].mean(axis=0)
        region = np.stack(
            [
                official[OBSERVED_YEARS.index(year)] if year in OBSERVED_YEARS else after
                for year in figures.years
            ]
        )
        note = (
            "the region: official figures of the year, after 2020 their mean of 2018-2020 held (assumed);"
            " six indicators"
        )
    else:
        region = official[[OBSERVED_YEARS.index(year) for year in figures.years]]
        note = "the region: official figures of the year; six indicators"
    return _shared(scores, region[None, :, None, :], weights, system), note


def _against_start(scores: Floats, weights: Weights, system: RatingSystem) -> Floats:
    return _shared(scores, scores[:, :1], weights, system)
