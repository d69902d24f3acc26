"""The stages of the rating as files: one table or more for each of the seven steps, and the checks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from calibration.rating import Rating
from calibration.rating_checks import OrderCheck, RankStability
from calibration.rating_groups import Criteria, groups_of
from calibration.rating_problems import Finding, findings
from calibration.rating_system import BLOCKS, CLASSES, RatingSystem
from experiments.compare_files import Row, write_table
from experiments.intervals import probability

NO_CLASS = "no class"
TAU_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
PROBABILITY_COLUMNS = tuple(
    f"{what}_{name}" for name in CLASSES for what in ("share", "low95", "high95", "least", "most")
)


def write_criteria(folder: Path, criteria: Sequence[Criteria]) -> None:
    """Step 1: what of a settlement decides its groups."""
    header = ("place", "kind", "population", "border_km", "centre_hours", "largest_employer_percent")
    rows = [
        (one.place, one.kind, one.population, one.border_km, one.centre_hours, one.largest_employer)
        for one in criteria
    ]
    write_table(folder, "1_criteria.csv", header, rows)


def write_groups(folder: Path, criteria: Sequence[Criteria], system: RatingSystem) -> None:
    """Step 2: groups of every settlement, and those of which it is not known."""
    rows: list[Row] = []
    for one in criteria:
        groups, unknown = groups_of(one, system)
        rows += [(one.place, group, "belongs") for group in groups]
        rows += [(one.place, group, "not known") for group in unknown]
    write_table(folder, "2_groups.csv", ("place", "group", "membership"), rows)


def write_system(folder: Path, rating: Rating) -> None:
    """Step 3: indicators, bands, weights used, and the rules."""
    weight = rating.weights.of_indicators(rating.system)
    header = ("id", "block", "indicator", "polarity", "kind", "unit", "worst", "best", "weight_in_block",
              "weight", "formula", "band_source", "band_quality")  # fmt: skip
    rows = [
        (one.id, one.block, one.name, one.polarity, one.kind, one.unit, one.worst, one.best,
         float(rating.weights.within[k]), float(weight[k]), one.formula, one.source, one.quality)
        for k, one in enumerate(rating.system.indicators)
    ]  # fmt: skip
    write_table(folder, "3_indicators.csv", header, rows)
    rules = [
        (name, rule.value, rule.spread, rule.unit, rule.source) for name, rule in rating.system.rules.items()
    ]
    write_table(folder, "3_rules.csv", ("rule", "value", "spread", "unit", "source"), rules)


def write_figures(folder: Path, ratings: Mapping[str, Rating]) -> None:
    """Step 5: every figure with its score and source, missing ones too."""
    header = ("scenario", "place", "year", "indicator", "figure", "figure_q05", "figure_q95", "unit", "score",
              "state", "source")  # fmt: skip
    write_table(folder, "5_figures.csv", header, _figure_rows(ratings))
    columns = ("scenario", "place", "year", "known", "of", "coverage", *BLOCKS, "missing")
    write_table(folder, "5_coverage.csv", columns, _coverage_rows(ratings))


def _figure_rows(ratings: Mapping[str, Rating]) -> Iterable[Row]:
    for scenario, rating in ratings.items():
        figures, system = rating.figures, rating.system
        known = figures.known()
        low, middle, high = np.quantile(figures.values, (0.05, 0.5, 0.95), axis=0)
        scores = system.scores(middle)
        for p, place in enumerate(figures.places):
            for t, year in enumerate(figures.years):
                for k, one in enumerate(system.indicators):
                    cell = (t, p, k)
                    graded = figures.half_width[cell] > 0.0
                    state = ("graded" if graded else "known") if known[cell] else "missing"
                    yield (
                        scenario, place, year, one.id, float(middle[cell]), float(low[cell]), float(high[cell]),
                        one.unit, float(scores[cell]), state,
                        figures.source(one.id, place, year) if known[cell] else "",
                    )  # fmt: skip


def _coverage_rows(ratings: Mapping[str, Rating]) -> Iterable[Row]:
    for scenario, rating in ratings.items():
        known = rating.figures.known()
        members = [rating.system.of_block(block) for block in range(len(BLOCKS))]
        number = len(rating.system.ids)
        for p, place in enumerate(rating.figures.places):
            for t, year in enumerate(rating.figures.years):
                held = int(known[t, p].sum())
                by_block = [f"{int(known[t, p, one].sum())}/{one.size}" for one in members]
                yield (
                    scenario, place, year, held, number, held / number, *by_block,
                    " ".join(rating.missing(t, p)),
                )  # fmt: skip


RATING_HEADER = (
    "scenario", "place", "year", "basis", "known", "coverage", "index", "index_q05", "index_q95",
    *(f"block_{name}" for name in BLOCKS), "full_index", "full_index_q05", "full_index_q95", "trend",
    "trend_q05", "trend_q95", "direction", "against_region", "against_region_q05", "against_region_q95",
    "against_start", "against_start_q05", "against_start_q95", "class", *PROBABILITY_COLUMNS, "draws", "runs",
)  # fmt: skip


def write_ratings(folder: Path, ratings: Mapping[str, Rating], name: str = "6_ratings.csv") -> Path:
    """Step 6: level on both scales, trend, class and class probabilities by scenario, place and year."""
    return write_table(folder, name, RATING_HEADER, _rating_rows(ratings))


def _rating_rows(ratings: Mapping[str, Rating]) -> Iterable[Row]:
    for scenario, rating in ratings.items():
        found, figures = rating.probabilities, rating.figures
        runs = figures.values.shape[0]
        for p, place in enumerate(figures.places):
            for t, year in enumerate(figures.years):
                low, middle, high = (float(value) for value in rating.index[:, t, p])
                yield (
                    scenario, place, year, figures.basis, round(float(found.coverage[t, p]) * len(rating.system.ids)),
                    float(found.coverage[t, p]), middle, low, high,
                    *(float(value) for value in rating.blocks[t, p]),
                    *_middle_first(found.index[[0, 2, 4], t, p]),
                    *_middle_first(found.trend[[0, 2, 4], t, p]),
                    rating.direction(t, p),
                    *_middle_first(rating.against_region[:, t, p]),
                    *_middle_first(rating.against_start[:, t, p]),
                    found.likeliest(t, p) or NO_CLASS,
                    *_probability_cells(rating, t, p), found.draws, runs,
                )  # fmt: skip


def _middle_first(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float, float]:
    low, middle, high = (float(value) for value in values)
    return middle, low, high


def _probability_cells(rating: Rating, t: int, p: int) -> list[float | None]:
    """Share, its Wilson interval, and the range over missing indicators, class by class."""
    found = rating.probabilities
    cells: list[float | None] = []
    for k in range(len(CLASSES)):
        share = float(found.share[t, p, k])
        if math.isnan(share):
            cells += [None] * 5
            continue
        chance = chance_of(rating, t, p, k)
        cells += [share, chance[0], chance[1], float(found.low[t, p, k]), float(found.high[t, p, k])]
    return cells


def chance_of(rating: Rating, t: int, p: int, k: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a class's share; draws that repeat a run do not count as further runs."""
    found = rating.probabilities
    runs = rating.figures.values.shape[0]
    independent = found.draws if runs == 1 else min(runs, found.draws)
    one = probability(round(float(found.share[t, p, k]) * independent), independent)
    return one.low, one.high


def write_problems(folder: Path, ratings: Mapping[str, Rating]) -> None:
    """Step 7: problems and risks of every settlement in the last year."""
    header = ("scenario", "place", "year", "kind", "indicator", "what", "figure", "unit", "score",
              "change_in_five_years", "index_lost", "share_of_runs")  # fmt: skip
    rows = [
        (scenario, one.place, one.year, one.kind, one.indicator.id, one.text, one.figure, one.indicator.unit,
         one.score, one.change, one.loss, one.runs)
        for scenario, rating in ratings.items()
        for one in problems_of(rating)
    ]  # fmt: skip
    write_table(folder, "7_problems.csv", header, rows)


def problems_of(rating: Rating) -> list[Finding]:
    """Problems and risks of a rating."""
    return findings(rating.figures, rating.system, rating.weights)


def write_checks(
    folder: Path, orders: Mapping[str, Sequence[OrderCheck]], stability: Mapping[str, Sequence[RankStability]]
) -> None:
    """Agreement with the related study, and Kendall's tau of rankings under drawn weights."""
    header = ("scenario", "rated_lower_in_study", "rated_higher_in_study", "year", "shared_indicators", "coverage",
              "index_first", "index_second", "share_of_weights_agreeing", "verdict")  # fmt: skip
    rows = [
        (name, one.worse, one.better, one.year, " ".join(one.indicators), one.coverage, one.index_worse,
         one.index_better, one.agreeing, one.verdict)
        for name, checks in orders.items()
        for one in checks
    ]  # fmt: skip
    write_table(folder, "checks.csv", header, rows)
    names = tuple(f"tau_q{round(100 * level):02d}" for level in TAU_LEVELS)
    taus: list[Row] = []
    for name, years in stability.items():
        for found in years:
            tau = found.tau[~np.isnan(found.tau)]
            quantiles = np.quantile(tau, TAU_LEVELS) if tau.size else [math.nan] * len(TAU_LEVELS)
            taus.append(
                (name, found.year, found.places, " ".join(found.indicators), found.tau.size,
                 *(float(one) for one in quantiles), float((tau < 0.0).mean()) if tau.size else math.nan)
            )  # fmt: skip
    of_ranks = ("scenario", "year", "places", "indicators_known_of_all", "draws", *names, "share_reversed")
    write_table(folder, "stability.csv", of_ranks, taus)
