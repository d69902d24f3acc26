"""Early warning: which present figures of a run foretell its crossing, how well and how long before.

At a landmark year, runs that have not crossed yet are told apart into those that will by the horizon and those that
will not (landmark analysis, van Houwelingen 2007). How well a figure tells them apart is the area under its ROC curve
on runs that had no part in choosing its direction or its alarm level: five folds of parameter draws, each judged by
what the four others say. 0.5 is a coin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from experiments.extinction_ladder import Crossings
from experiments.intervals import NORMAL_975
from model.accounts_data import LAST_COUNT_YEAR

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

FOLDS: Final = 5
FEWEST: Final = 15  # runs that cross, and runs that do not
STEP: Final = 5
WINDOW: Final = 5
USEFUL: Final = 0.7  # Hosmer & Lemeshow 2000: acceptable discrimination
# Figures of a place on a 1 January and their units; flows are means of up to five years before it
UNITS: Final = {
    "residents": "",
    "growth": "% a year",
    "net migration": "per 1,000",
    "net migration 15-29": "per 1,000",
    "departures": "per 1,000",
    "natural increase": "per 1,000",
    "share 65+": "",
    "pupils": "per 1,000",
    "posts": "a resident",
    "open posts": "a worker",
    "official unemployment": "",
    "hidden unemployment": "",
    "perceived income": "KZT",
    "wear of networks": "",
    "empty dwellings": "a resident",
}
JOINT: Final = "all figures together"
DUMMY: Final = "dummy (random numbers)"
COLUMNS_NEEDED: Final = (
    "population",
    "births",
    "deaths",
    "net_migration",
    "youth_net",
    "out_migration",
    "share_65",
    "jobs",
    "vacancies",
    "labour_force",
    "unemployment_rate",
    "hidden_unemployment_rate",
    "perceived_income",
    "wear",
    "pupils",
    "empty_dwellings",
)


@dataclass(frozen=True)
class WarningSign:
    """What a figure of a landmark year says about crossing between that year and the horizon.

    Attributes:
        figure: of the run; JOINT a logistic regression on all of them, DUMMY random numbers, the alarm.
        landmark: 1 January on which it is looked at. crossing, staying: runs that will cross, that will not.
        auc, low, high: area under the ROC curve on held-out runs with its 95 % interval (DeLong et al. 1988).
        direction: +1 high values warn, -1 low ones, 0 for JOINT. alarm: level of the figure that tells best.
        caught, false_alarms: shares of the crossing, of the staying runs beyond the alarm level, held out.
        years_before: median years from the landmark to the crossing, of the crossing runs.
    """

    figure: str
    landmark: int
    crossing: int
    staying: int
    auc: float
    low: float
    high: float
    direction: int
    alarm: float
    caught: float
    false_alarms: float
    years_before: float

    @property
    def is_useful(self) -> bool:
        """Whether the interval lies wholly above USEFUL."""
        return self.low > USEFUL


def indicators(columns: Mapping[str, Floats], t: int) -> dict[str, Floats]:
    """Figures of a place known on 1 January number `t`, float64[runs] each.

    Args:
        columns: `COLUMNS_NEEDED` by name, float64[runs, years]. t: at least 1. Flows are those of the years before,
            the last five where there are as many.
    """
    people = np.maximum(columns["population"], 1.0)
    first = max(0, t - WINDOW)
    before = slice(first, t)
    mean_people = people[:, before].mean(axis=1)

    def rate(name: str) -> Floats:
        per_head: Floats = 1000.0 * columns[name][:, before].mean(axis=1) / mean_people
        return per_head

    workers = np.maximum(columns["labour_force"][:, t - 1], 1.0)
    return {
        "residents": people[:, t],
        "growth": 100.0 * (np.log(people[:, t] / people[:, first])) / (t - first),
        "net migration": rate("net_migration"),
        "net migration 15-29": rate("youth_net"),
        "departures": rate("out_migration"),
        "natural increase": rate("births") - rate("deaths"),
        "share 65+": columns["share_65"][:, t],
        "pupils": 1000.0 * columns["pupils"][:, t] / people[:, t],
        "posts": columns["jobs"][:, t - 1] / people[:, t - 1],
        "open posts": columns["vacancies"][:, t - 1] / workers,
        "official unemployment": columns["unemployment_rate"][:, t - 1],
        "hidden unemployment": columns["hidden_unemployment_rate"][:, t - 1],
        "perceived income": columns["perceived_income"][:, t - 1],
        "wear of networks": columns["wear"][:, t],
        "empty dwellings": columns["empty_dwellings"][:, t] / people[:, t],
    }


def roc_area(scores: Floats, events: Flags) -> tuple[float, float, float]:
    """Area under the ROC curve with its 95 % interval.

    Variance of DeLong, DeLong & Clarke-Pearson (1988), on the logit scale so that it stays inside 0 to 1; an area of
    0 or 1 gets the interval of one misplaced pair of runs.

    Args:
        scores: float64[n], higher for more likely events; ties count half. events: bool[n].

    Raises:
        ValueError: fewer than two runs with, or without, the event.
    """
    m, n = int(events.sum()), int((~events).sum())
    if m < 2 or n < 2:
        raise ValueError(f"{m} runs with the event and {n} without: expected at least 2 of either")
    ranks = rankdata(scores)
    with_event = (ranks[events] - rankdata(scores[events])) / n
    without = 1.0 - (ranks[~events] - rankdata(scores[~events])) / m
    area = float(with_event.mean())
    variance = float(np.var(with_event, ddof=1)) / m + float(np.var(without, ddof=1)) / n
    inside = min(max(area, 1.0 / (m * n)), 1.0 - 1.0 / (m * n))
    floor = 1.0 / (12.0 * m * n)  # perfect separation leaves no variance to see
    half = NORMAL_975 * math.sqrt(max(variance, floor)) / (inside * (1.0 - inside))
    logit = math.log(inside / (1.0 - inside))
    low, high = (1.0 / (1.0 + math.exp(-min(700.0, max(-700.0, x)))) for x in (logit - half, logit + half))
    return area, min(low, area), max(high, area)


def fold_of(pairs: Sequence[int], replicates: int = 1) -> Integers:
    """Fold of each run: all replicates of a parameter draw are judged together."""
    return np.array([(pair // replicates) % FOLDS for pair in pairs], np.int64)


def alarm_level(values: Floats, events: Flags) -> float:
    """Level of a figure, high values warning, with the most events caught less false alarms (Youden 1950)."""
    order = np.argsort(values, kind="stable")
    ranked, hit = values[order], events[order]
    caught = hit[::-1].cumsum()[::-1] / max(1, int(hit.sum()))
    false = (~hit)[::-1].cumsum()[::-1] / max(1, int((~hit).sum()))
    new = np.concatenate(([True], np.diff(ranked) > 0.0))
    gain = np.where(new, caught - false, -np.inf)
    return float(ranked[int(gain.argmax())])


def landmarks(years: NDArray[np.int64]) -> list[int]:
    """1 January of the last count, and every five years after it before the horizon."""
    start, horizon = int(years[0]), int(years[-1])
    first = LAST_COUNT_YEAR if start < LAST_COUNT_YEAR < horizon else start + 1
    return list(range(first, horizon, STEP))


def early_warnings(
    columns: Mapping[str, Floats],
    found: Crossings,
    place: int,
    years: NDArray[np.int64],
    folds: Integers,
    seed: int,
) -> list[WarningSign]:
    """Every figure at every landmark for a rung in a place, best first within a landmark.

    Landmarks with too few runs of either kind are left out.

    Args:
        columns: `COLUMNS_NEEDED` by name, float64[runs, years, places]. folds: int64[runs] of `fold_of`.
        seed: of the random numbers that stand as an alarm beside the figures.
    """
    here = {name: values[:, :, place] for name, values in columns.items()}
    times, crossed = found.times[:, place], found.crossed[:, place]
    warnings: list[WarningSign] = []
    for landmark in landmarks(years):
        t = landmark - int(years[0])
        still = ~crossed | (times > t)
        events = crossed[still]
        if min(int(events.sum()), int((~events).sum())) < FEWEST:
            continue
        figures = {name: values[still] for name, values in indicators(here, t).items()}
        figures[DUMMY] = np.random.default_rng([seed, landmark, place]).random(int(still.sum()))
        before = float(np.median(times[still][events] - t))
        made = [
            _judged(name, values, events, folds[still], landmark, before) for name, values in figures.items()
        ]
        made.append(_jointly(figures, events, folds[still], landmark, before))
        warnings += sorted(made, key=lambda one: -one.auc)
    return warnings


def _judged(
    name: str, values: Floats, events: Flags, folds: Integers, landmark: int, before: float
) -> WarningSign:
    """One figure: direction and alarm level from four folds, judged on the fifth."""
    scores, alarms = np.zeros(len(values)), np.zeros(len(values), np.bool_)
    for fold in range(FOLDS):
        held, seen = folds == fold, folds != fold
        sign = _direction(values[seen], events[seen])
        level = alarm_level(sign * values[seen], events[seen])
        scores[held] = sign * values[held]
        alarms[held] = sign * values[held] >= level
    direction = _direction(values, events)
    if not (scores == direction * values).all():  # folds disagree: the figure has no direction to trust
        scores = _fold_ranks(scores, folds)
    area, low, high = roc_area(scores, events)
    return WarningSign(
        name,
        landmark,
        int(events.sum()),
        int((~events).sum()),
        area,
        low,
        high,
        direction,
        direction * alarm_level(direction * values, events),
        float(alarms[events].mean()),
        float(alarms[~events].mean()),
        before,
    )


def _direction(values: Floats, events: Flags) -> int:
    """+1 where runs with the event have the higher values, by ranks."""
    ranks = rankdata(values)
    if not events.any() or events.all():
        return 1
    return 1 if ranks[events].mean() >= ranks[~events].mean() else -1


def _fold_ranks(scores: Floats, folds: Integers) -> Floats:
    """Scores as shares of their own fold: comparable where folds were scored with different signs."""
    ranked = np.zeros_like(scores)
    for fold in np.unique(folds):
        held = folds == fold
        ranked[held] = rankdata(scores[held]) / (held.sum() + 1.0)
    return ranked


def _jointly(
    figures: Mapping[str, Floats], events: Flags, folds: Integers, landmark: int, before: float
) -> WarningSign:
    """Logistic regression with a ridge on all figures, each fold judged by the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = np.column_stack([values for name, values in figures.items() if name != DUMMY])
    scores, alarms = np.zeros(len(events)), np.zeros(len(events), np.bool_)
    for fold in range(FOLDS):
        held, seen = folds == fold, folds != fold
        if not held.any():
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        model.fit(table[seen], events[seen])
        level = alarm_level(model.decision_function(table[seen]), events[seen])
        scores[held] = model.decision_function(table[held])
        alarms[held] = scores[held] >= level
    area, low, high = roc_area(scores, events)
    return WarningSign(
        JOINT,
        landmark,
        int(events.sum()),
        int((~events).sum()),
        area,
        low,
        high,
        0,
        math.nan,
        float(alarms[events].mean()),
        float(alarms[~events].mean()),
        before,
    )
