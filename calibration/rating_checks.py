"""Checks of the rating: against a related study and the paper's own words, and how stable ranks are under weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.rating_figures import RatedFigures
from calibration.rating_index import integral_index
from calibration.rating_system import RATING_DATA, Floats, RatingSystem
from calibration.rating_weights import SCHEMES, Scheme, WeightError, Weights, weights_of
from model.csv_tables import Files
from model.problems import Problems

SEVERELY, VULNERABLE = "severely_depressed", "vulnerable"
CLEAR: Final = 0.9  # share of the weights from which an order is called clear
AGREEMENT, DISAGREEMENT, UNDECIDED = "agreement", "disagreement", "undecided"


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """Whether one settlement is rated at least as depressed as another.

    Attributes:
        worse, better: the settlements as the related study orders them. year: of the rating.
        indicators: known of both, on which alone they are compared. coverage: their share of all.
        index_worse, index_better: indices from those indicators under the chosen weights.
        agreeing: share of the drawn weights under which `worse` has no higher index.
    """

    worse: str
    better: str
    year: int
    indicators: tuple[str, ...]
    coverage: float
    index_worse: float
    index_better: float
    agreeing: float

    @property
    def verdict(self) -> str:
        """Agreement or disagreement where the drawn weights are clear, else undecided."""
        if self.agreeing >= CLEAR:
            return AGREEMENT
        return DISAGREEMENT if self.agreeing <= 1.0 - CLEAR else UNDECIDED


@dataclass(frozen=True, slots=True)
class RankStability:
    """Kendall's tau between the ranking under the chosen weights and those under drawn weights, in one year.

    Attributes:
        places: how many are ranked. indicators: known of all of them, on which alone they are ranked.
        tau: float64[draws].
    """

    year: int
    places: int
    indicators: tuple[str, ...]
    tau: Floats


@cache
def related_study() -> dict[str, str]:
    """Finding by place of the related study. Raises WorldError when the file is damaged."""
    files = Files(Problems("related study"))
    path = RATING_DATA / "related_study.csv"
    found: dict[str, str] = {}
    for row in files.rows(path, ("place", "finding", "source")):
        finding = files.name(path, row, "finding", (SEVERELY, VULNERABLE), "finding")
        if finding is not None:
            found[row.cells["place"]] = finding
    files.problems.raise_if_any()
    return found


def order_checks(
    figures: RatedFigures, system: RatingSystem, weights: Weights, draws: int, seed: int
) -> list[OrderCheck]:
    """Compare every pair of settlements that the related study sets apart, in every year."""
    study = related_study()
    pairs = [
        (worse, better)
        for worse, one in study.items()
        for better, other in study.items()
        if (one, other) == (SEVERELY, VULNERABLE) and {worse, better} <= set(figures.places)
    ]
    scores = np.median(system.scores(figures.values), axis=0)
    drawn = [
        weights.drawn(system, generator)
        for generator in (np.random.default_rng([seed, d]) for d in range(draws))
    ]
    checks = []
    for worse, better in pairs:
        chosen = [figures.places.index(worse), figures.places.index(better)]
        for t, year in enumerate(figures.years):
            both = scores[t, chosen]
            common = ~np.isnan(both).any(axis=0)
            if not common.any():
                continue
            shared = np.where(common, both, np.nan)
            here = integral_index(shared, weights, system)
            under = np.array([integral_index(shared, one, system) for one in drawn])
            ids = tuple(np.array(system.ids)[common].tolist())
            checks.append(
                OrderCheck(
                    worse, better, year, ids, len(ids) / len(system.ids), float(here[0]), float(here[1]),
                    float((under[:, 0] <= under[:, 1]).mean()),
                )
            )  # fmt: skip
    return checks


def kendall_tau(one: Floats, other: Floats) -> float:
    """Kendall's tau-b of two rankings, float64[places] each; NaN where one of them is all ties."""
    signs = [
        np.array([np.sign(values[i] - values[j]) for i, j in combinations(range(len(values)), 2)])
        for values in (one, other)
    ]
    size = np.sqrt((signs[0] ** 2).sum() * (signs[1] ** 2).sum())
    return float((signs[0] * signs[1]).sum() / size) if size > 0.0 else float("nan")


def common_scores(figures: RatedFigures, system: RatingSystem, t: int) -> tuple[Floats, NDArray[np.int64]]:
    """Median scores of a year with all but the indicators known of every place set to NaN; numbers of the latter."""
    scores = np.median(system.scores(figures.values[:, t]), axis=0)
    common = ~np.isnan(scores).any(axis=0)
    return np.where(common, scores, np.nan), np.flatnonzero(common)


def rank_stability(
    figures: RatedFigures, system: RatingSystem, weights: Weights, draws: int, seed: int
) -> list[RankStability]:
    """How the ranking of the settlements changes with the weights, year by year, on indicators known of all."""
    found = []
    for t, year in enumerate(figures.years):
        scores, common = common_scores(figures, system, t)
        if len(figures.places) < 2 or not common.size:
            continue
        reference = integral_index(scores, weights, system)
        tau = np.empty(draws)
        for d in range(draws):
            one = weights.drawn(system, np.random.default_rng([seed, d]))
            tau[d] = kendall_tau(reference, integral_index(scores, one, system))
        ids = tuple(system.ids[k] for k in common)
        found.append(RankStability(year, len(figures.places), ids, tau))
    return found


def scheme_rankings(
    figures: RatedFigures, system: RatingSystem, points: dict[str, float]
) -> dict[Scheme, tuple[str, ...]]:
    """Settlements of the last year from the highest index down under every scheme that can be had."""
    scores, common = common_scores(figures, system, len(figures.years) - 1)
    if not common.size:
        return {}
    found: dict[Scheme, tuple[str, ...]] = {}
    for scheme in SCHEMES:
        try:
            weights = weights_of(scheme, system, sample_of(figures, system), points)
        except WeightError:
            continue
        index = integral_index(scores, weights, system)
        found[scheme] = tuple(figures.places[p] for p in np.argsort(-index, kind="stable"))
    return found


def sample_of(figures: RatedFigures, system: RatingSystem) -> Floats:
    """Median scores of every place and year, float64[cases, indicators]: what data-driven weights are made from."""
    scores = np.median(system.scores(figures.values), axis=0)
    return np.asarray(scores.reshape(-1, scores.shape[-1]))
