"""Villages of 1999 foretold to 2009: the model beside a hazard table, a logistic curve and a drifted Wiener process.

The same information for everybody. Two questions, each asked of the villages of one district at a time:

* *other districts*: the decade is known, its villages are not. Everybody learns from 1999-2009 in the other districts:
  benchmarks are fitted to them, the model's shocks, size slope and farm closures are calibrated to their moments.
* *decade before*: everybody learns from 1989-1999 (the model from its moments, the benchmarks from its villages, grown
  further by the difference of mean growth), as a forecaster in 1999 would have.

In both everybody is given the mean growth of 1999-2009 in the other districts: what is tested is who falls how far.
The model is not run anew for every district: runs drawn from the posterior of all districts are weighted by the
likelihood without the district over that with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from calibration.village_benchmarks import BENCHMARKS, EVENTS, Booleans, Event, wiener_paths
from calibration.village_hindcast import YEARS, SampleWorld, sample_of
from calibration.village_posterior import (
    ARRIVALS_RANGE,
    COLUMNS,
    LEAVING,
    Target,
    given_of,
    misfit,
    posterior_points,
    shipped_emulator,
    target_of_villages,
)
from calibration.village_scores import (
    LEVELS,
    Score,
    Width,
    brier_scores,
    crps,
    difference_interval,
    widths,
)
from calibration.village_transitions import LEAST_PEOPLE, Floats, Transitions
from model.world import World

RUNS = 48
TRIED, TRIED_ARRIVALS = 8, (0.3, 0.8)  # runs of each trial of arrivals
TRIED_LEAVING, LARGEST_LEAVING = 2.0, 4.0  # factor of the trial, and the largest
MODEL, WIENER = "model", "drifted Wiener"
OTHER_DISTRICTS, DECADE_BEFORE = "other districts", "decade before"
QUESTIONS = (OTHER_DISTRICTS, DECADE_BEFORE)


@dataclass(frozen=True)
class Backtest:
    """Scores, widths, and forecasts with outcomes for the reliability diagram.

    Attributes:
        scores: by question, event and contestant. widths: of the model and of the Wiener process by size.
        crps_difference: question -> CRPS of the Wiener process less the model's, with its 90 % interval.
        forecasts: (question, event, contestant) -> chance by village at risk. outcomes: event -> bool by village.
    """

    scores: tuple[Score, ...]
    widths: tuple[Width, ...]
    crps_difference: dict[str, tuple[float, float, float]]
    forecasts: dict[tuple[str, str, str], Floats]
    outcomes: dict[str, Booleans]


@dataclass(frozen=True)
class Paths:
    """Simulated people of 2009, float64[runs, copies, villages], and what they were simulated with.

    Attributes:
        points: parameters of each run, float64[runs, 6]. arrivals: factor on arrivals of the rural districts in the
            decade that the parameters were learned from.
    """

    people: Floats
    points: Floats
    arrivals: float


def simulate(
    sample: SampleWorld, points: Floats, arrivals: Floats | float, runs: int, threads: int, seed: int = 1
) -> Floats:
    """People after ten years, float64[runs, copies, villages]; `arrivals` float64[runs] or the same for all."""
    factor = np.broadcast_to(np.asarray(arrivals, np.float64), (runs,))
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda k: sample.after(given_of(points[k]), float(factor[k]), seed, k), range(runs))
        return np.array(list(found))


def mean_growth(before: Floats, after: Floats, weights: Floats | None = None) -> float:
    """Mean log growth a year over simulated survivors, float64[runs, copies, villages]; `weights` of the runs."""
    alive = (after > 0) & (before >= LEAST_PEOPLE)
    growth = np.where(alive, np.log(np.maximum(after, 1.0) / before) / YEARS, 0.0).sum(axis=(1, 2))
    number = alive.sum(axis=(1, 2)).astype(np.float64)
    share = np.ones(len(after)) if weights is None else weights
    return float((share * growth).sum() / (share * number).sum())


def model_paths(
    sample: SampleWorld, villages: Transitions, learned: Transitions, runs: int, threads: int
) -> Paths:
    """Simulated people at the arrivals that give the villages' mean growth, under parameters that `learned` gives.

    Parameters meet the moments of `learned` at the arrivals of its own decade: growth is about linear in arrivals,
    and a line through two trials tells those of either decade. Where the decade foretold grows otherwise, nobody
    tells whether fewer come or more leave: every second run has the one, the others the other. It matters for
    scatter, which is larger where more leave, for shocks act on leaving and on arrivals (V1).
    """
    target = target_of_villages(learned)
    grown = [float(t.survivors().growth().mean()) for t in (learned, villages)]
    points = posterior_points(target, TRIED_ARRIVALS[0])
    tried = [
        mean_growth(villages.before, simulate(sample, points, arrivals, TRIED, threads))
        for arrivals in TRIED_ARRIVALS
    ]
    slope = (tried[1] - tried[0]) / (TRIED_ARRIVALS[1] - TRIED_ARRIVALS[0])
    low, high = ARRIVALS_RANGE
    then, told = (min(high, max(low, TRIED_ARRIVALS[0] + (g - tried[0]) / slope)) for g in grown)
    points = posterior_points(target, then)[:runs]
    if learned is villages:
        return Paths(simulate(sample, points, told, runs, threads), points, then)
    here = mean_growth(villages.before, simulate(sample, points, then, TRIED, threads))
    more = leaving_times(points, TRIED_LEAVING)
    # Arrivals are so many per departure: as many come as did where they are divided by what leaving is multiplied by
    there = mean_growth(villages.before, simulate(sample, more, then / TRIED_LEAVING, TRIED, threads))
    slope = (there - here) / (TRIED_LEAVING - 1.0)
    factor = min(LARGEST_LEAVING, max(1.0 / LARGEST_LEAVING, 1.0 + (grown[1] - here) / slope))
    fewer_come = np.arange(runs) % 2 == 0
    moved = np.where(fewer_come[:, None], points, leaving_times(points, factor))
    people = simulate(sample, moved, np.where(fewer_come, told, then / factor), runs, threads)
    return Paths(people, points, then)


def leaving_times(points: Floats, factor: float) -> Floats:
    """Points, float64[points, 6], with that many times the rate of leaving."""
    moved = points.copy()
    moved[:, COLUMNS.index(LEAVING)] += math.log(factor)
    return moved


def fold_weights(paths: Paths, held: Target, without: Target) -> Floats:
    """Weights of runs drawn under one target for another, float64[runs], of mean 1."""
    emulator, at = shipped_emulator(), (paths.points, paths.arrivals)
    log_weight = misfit(emulator, held, *at) - misfit(emulator, without, *at)
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight / weight.mean())


def with_growth(paths: Paths, before: Floats, growth: float, weights: Floats) -> Floats:
    """Simulated people with that mean growth, float64[runs x copies, villages]."""
    shift = math.exp(YEARS * (growth - mean_growth(before, paths.people, weights)))
    return np.asarray((paths.people * shift).reshape(-1, paths.people.shape[2]))


def model_chance(people: Floats, weights: Floats, before: Floats, event: Event) -> Floats:
    """Weighted share of simulated copies in which the event happens, by village (add-half)."""
    happened = event.happens(before[None, :], people)
    total = weights.sum()
    return np.asarray((weights @ happened + 0.5) / (total + 1.0))


def weighted_levels(people: Floats, weights: Floats) -> Floats:
    """Quantiles of ln people at `village_scores.LEVELS`, float64[99, villages]; an empty village counts one half."""
    logs = np.log(np.maximum(people, 0.5))
    order = np.argsort(logs, axis=0, kind="stable")
    out = np.empty((len(LEVELS), people.shape[1]))
    for k in range(people.shape[1]):
        share = np.cumsum(weights[order[:, k]])
        at = np.searchsorted(share, LEVELS * share[-1])
        out[:, k] = logs[order[np.minimum(at, len(logs) - 1), k], k]
    return out


def shifted(earlier: Transitions, growth: float) -> Transitions:
    """Villages of the decade before with another mean growth a year."""
    factor = math.exp(earlier.years * (growth - float(earlier.survivors().growth().mean())))
    return Transitions(earlier.before, earlier.after * factor, earlier.years)


def learned_from(question: str, villages: Transitions, earlier: Transitions, others: Booleans) -> Transitions:
    """What benchmarks learn from for the district that `others` leaves out."""
    there = villages.of(others)
    if question == OTHER_DISTRICTS:
        return there
    return shifted(earlier, float(there.survivors().growth().mean()))


def backtest(world: World, runs: int = RUNS, threads: int = 2, seed: int = 1) -> Backtest:
    """Run the hindcasts and score all contestants."""
    villages, districts = sample_of(1999, 2009)
    earlier = sample_of(1989, 1999)[0]
    sample = SampleWorld(world, villages.before)
    scores: list[Score] = []
    found_widths: list[Width] = []
    crps_difference: dict[str, tuple[float, float, float]] = {}
    forecasts: dict[tuple[str, str, str], Floats] = {}
    outcomes: dict[str, Booleans] = {}
    for question in QUESTIONS:
        learned = villages if question == OTHER_DISTRICTS else earlier
        paths = model_paths(sample, villages, learned, runs, threads)
        chances, levels = _contest(question, paths, villages, earlier, districts)
        observed = np.log(np.maximum(villages.after, 0.5))
        for contestant, quantiles in levels.items():
            found_widths += widths(question, contestant, quantiles, villages.before, observed)
        loss = crps(levels[WIENER], observed) - crps(levels[MODEL], observed)
        crps_difference[question] = (float(loss.mean()), *difference_interval(loss, seed))
        for event in EVENTS:
            at_risk = event.at_risk(villages.before)
            happened = event.happens(villages.before, villages.after)[at_risk]
            outcomes[event.name] = happened
            own = {name: p[at_risk] for (which, name), p in chances.items() if which == event.name}
            for name, p in own.items():
                forecasts[(question, event.name, name)] = p
            scores += brier_scores(question, event.name, MODEL, own, happened, seed)
    return Backtest(tuple(scores), tuple(found_widths), crps_difference, forecasts, outcomes)


def _contest(
    question: str,
    paths: Paths,
    villages: Transitions,
    earlier: Transitions,
    districts: Sequence[str],
) -> tuple[dict[tuple[str, str], Floats], dict[str, Floats]]:
    """Chances by (event, contestant) and quantiles of ln people by contestant, each district foretold by the others."""
    n, copies = len(villages.before), paths.people.shape[1]
    chances = {(event.name, name): np.empty(n) for event in EVENTS for name in (MODEL, *BENCHMARKS)}
    levels = {name: np.empty((len(LEVELS), n)) for name in (MODEL, WIENER)}
    held, target = np.array(districts), target_of_villages(villages)
    for district in sorted(set(districts)):
        others = held != district
        there = villages.of(others)
        growth = float(there.survivors().growth().mean())
        weights = np.ones(len(paths.points))
        if question == OTHER_DISTRICTS:
            weights = fold_weights(paths, target, target_of_villages(there))
        people = with_growth(paths, villages.before, growth, weights)[:, ~others]
        by_copy = np.repeat(weights, copies)
        before = villages.before[~others]
        learned = learned_from(question, villages, earlier, others)
        levels[MODEL][:, ~others] = weighted_levels(people, by_copy)
        walk = wiener_paths(learned, before)
        levels[WIENER][:, ~others] = weighted_levels(walk, np.ones(len(walk)))
        for event in EVENTS:
            chances[(event.name, MODEL)][~others] = model_chance(people, by_copy, before, event)
            for name, benchmark in BENCHMARKS.items():
                chances[(event.name, name)][~others] = benchmark(learned, before, event)
    return chances, levels
