"""Villages of 1999 foretold to 2009: the model beside a hazard table, a logistic curve and a drifted Wiener process.

The model runs ten years with the villages of the sample at their sizes of 1999, one copy of each in every district. It
knows nothing of the years 1999-2009 but their mean growth, which every contestant is given alike (leaving out the
village that it foretells): what is tested is who falls how far. The parameters that make villages differ come from
1989-1999 (`out_of_sample`) or from both decades.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

from calibration.village_posterior import DECADES, posterior_rows
from calibration.village_transitions import LEAST_PEOPLE, Floats, Transitions, census_transitions
from model import draws
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace
from model.village_engine import VillageEngine
from model.village_sites import Known, Sites
from model.villages import RURAL, WholeDistricts
from model.world import World

YEARS = 10
LARGEST = 3000  # larger villages are left out: no event concerns them and they cost most people
RUNS = 24
LEAST_DRIFT_FACTOR = 0.05
CLASSES = (101, 201, 501, 1001)  # lower bounds after the first class, of the hazard table
BINS = (0.0, 0.05, 0.15, 0.3, 0.5, 0.75, 1.0001)
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Event:
    """Something that happens to a village or not: a test of people before and after."""

    name: str
    title: str
    happens: Callable[[Floats, Floats], Booleans]
    at_risk: Callable[[Floats], Booleans]


def _everybody(before: Floats) -> Booleans:
    return np.ones(before.shape, np.bool_)


EVENTS = (
    Event("empty", "empty in 2009", lambda before, after: after < 0.5, _everybody),
    Event("under_50", "fewer than 50 people in 2009", lambda before, after: after < 50, lambda b: b >= 50),
    Event(
        "under_100", "fewer than 100 people in 2009", lambda before, after: after < 100, lambda b: b >= 100
    ),
    Event("lost_half", "lost half of its people", lambda before, after: after <= 0.5 * before, _everybody),
    Event(
        "lost_third", "lost a third of its people", lambda before, after: after <= 2 / 3 * before, _everybody
    ),
)


def observed() -> Transitions:
    """The sample 1999-2009 without its largest villages."""
    whole = census_transitions(1999, 2009)
    kept = whole.before <= LARGEST
    return Transitions(whole.before[kept], whole.after[kept], whole.years)


def hindcast_world(world: World, before: Floats) -> World:
    """A world whose every district holds one village of each of these sizes."""
    villages = world.villages
    assert villages is not None
    base = villages.base
    rural = [name for name, kind in zip(base.ids, base.kind, strict=True) if kind == RURAL]
    total = int(before.sum())
    people = base.founding_population.copy()
    for name in rural:
        people[base.index(name)] = total
    ratio = people / base.founding_population
    known = tuple(
        Known(f"{name.removesuffix('_rural')}_h{k:03d}", (name, name, name), name, float(before[k]))
        for name in rural
        for k in range(len(before))
    )
    whole = replace(
        base,
        founding_population=people,
        founding_births=base.founding_births * ratio,
        founding_deaths=base.founding_deaths * ratio,
        size_2015=np.concatenate([people.astype(np.float64), base.size_2015[base.n_sim :]]),
    )
    sites = Sites(dict.fromkeys(rural, 0), 0, known, villages.source.seats, villages.source.law, True)
    where = {**villages.external, **villages.coordinates}
    return WholeDistricts(whole, sites, villages.coordinates, where).world(villages.seed)


def simulate_hindcast(
    world: World,
    founding: Founding,
    rows: Sequence[dict[str, float]],
    factor: float,
    runs: int,
    villages: int,
    threads: int,
    seed: int = 1,
) -> Floats:
    """People after ten years, float64[runs x copies, villages]; `factor` is on arrivals of rural districts."""
    space = ParameterSpace(world)
    defaults = space.defaults()
    assert world.villages is not None
    base = world.villages.base
    shifted = {
        f"in_out.{name}": max(LEAST_DRIFT_FACTOR, defaults[f"in_out.{name}"] * factor)
        for name, kind in zip(base.ids, base.kind, strict=True)
        if kind == RURAL
    }
    own = np.flatnonzero(world.villages.is_village)
    number = np.array([int(world.ids[k].rsplit("_h", 1)[1]) for k in own])

    def one(run: int) -> Floats:
        given = rows[run % len(rows)] | shifted | {"household_size": founding.household_size}
        values = space.draw(seed, run, given)
        engine = VillageEngine(
            world, founding, values, draws.run_seed(seed, run, 0), horizon=world.start + YEARS
        )
        people = engine.run().column("population")[-1, own]
        copies = len(own) // villages
        out = np.empty((copies, villages))
        for k in range(villages):
            out[:, k] = people[number == k]
        return out

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(one, range(runs))))


def match_drift(before: Floats, after: Floats, wanted: float) -> float:
    """How far the mean log growth a year of simulated survivors is from the wanted one."""
    alive = (after > 0) & (before >= LEAST_PEOPLE)
    growth = np.log(np.maximum(after, 1.0) / before) / YEARS
    return float(growth[alive].mean()) - wanted


def model_paths(
    own: World,
    founding: Founding,
    sample: Transitions,
    rows: Sequence[dict[str, float]],
    runs: int,
    threads: int,
) -> Floats:
    """Simulated people of 2009, at the arrivals that give the sample's mean growth (secant on the factor).

    `own` and `founding` are the world of `hindcast_world` and its founders.
    """
    wanted = float(sample.survivors().growth().mean())
    factors, errors = [1.0, 0.6], []
    for factor in factors:
        after = simulate_hindcast(own, founding, rows, factor, 4, len(sample.before), threads)
        errors.append(match_drift(sample.before, after, wanted))
    for _ in range(2):
        slope = (errors[-1] - errors[-2]) / (factors[-1] - factors[-2])
        factors.append(min(1.5, max(0.0, factors[-1] - errors[-1] / slope)))
        after = simulate_hindcast(own, founding, rows, factors[-1], 8, len(sample.before), threads)
        errors.append(match_drift(sample.before, after, wanted))
    best = factors[int(np.argmin(np.abs(errors)))]
    return simulate_hindcast(own, founding, rows, best, runs, len(sample.before), threads)


def without(sample: Transitions, k: int) -> Transitions:
    """The sample without one village."""
    kept = np.arange(len(sample.before)) != k
    return Transitions(sample.before[kept], sample.after[kept], sample.years)


def shift_drift(paths: Floats, sample: Transitions) -> Floats:
    """Simulated people with the mean growth of all villages but the one foretold, float64 as `paths`."""
    mean = sample.survivors().growth().mean()
    out = paths.copy()
    for k in range(paths.shape[1]):
        left = without(sample, k).survivors().growth().mean()
        out[:, k] *= math.exp(sample.years * (left - mean))
    return out


def model_forecast(paths: Floats, sample: Transitions, event: Event) -> Floats:
    """Chance of the event by village: the share of simulated copies in which it happens (add-half)."""
    happened = event.happens(sample.before[None, :], shift_drift(paths, sample))
    return np.asarray((happened.sum(axis=0) + 0.5) / (len(paths) + 1.0))


def hazard_table(sample: Transitions, event: Event) -> Floats:
    """Share of villages of the same size class, the village itself left out (add-half)."""
    happened = event.happens(sample.before, sample.after)
    at_risk = event.at_risk(sample.before)
    classes = np.searchsorted(CLASSES, sample.before, side="right")
    out = np.empty(len(classes))
    for k in range(len(classes)):
        others = at_risk & (classes == classes[k])
        others[k] = False
        out[k] = (happened[others].sum() + 0.5) / (others.sum() + 1.0)
    return out


def logistic(sample: Transitions, event: Event) -> Floats:
    """Logistic regression on ln people with a weak ridge, the village itself left out."""
    x = np.log(sample.before) - math.log(300.0)
    happened = event.happens(sample.before, sample.after).astype(np.float64)
    at_risk = event.at_risk(sample.before)
    out = np.empty(len(x))
    for k in range(len(x)):
        own = at_risk.copy()
        own[k] = False

        def loss(b: Floats, own: Booleans = own) -> float:
            z = b[0] + b[1] * x[own]
            return float((np.logaddexp(0.0, z) - happened[own] * z).sum() + 0.05 * b @ b)

        b = minimize(loss, np.zeros(2), method="BFGS").x
        out[k] = 1.0 / (1.0 + math.exp(-float(b[0] + b[1] * x[k])))
    return out


def wiener(sample: Transitions, event: Event) -> Floats:
    """ln people as a random walk with drift, one mean and one sd for all villages, the village itself left out.

    The chance of the event is that of the end point (thresholds on people after ten years); empty means below one half.
    """
    out = np.empty(len(sample.before))
    grid = norm.ppf((np.arange(2000) + 0.5) / 2000)
    for k in range(len(out)):
        growth = without(sample, k).survivors().growth() * sample.years
        after = sample.before[k] * np.exp(growth.mean() + growth.std(ddof=1) * grid)
        out[k] = event.happens(np.full(len(grid), sample.before[k]), after).mean()
    return out


@dataclass(frozen=True)
class Score:
    """Brier score of one contestant for one event; `skill` against the mean frequency of the others (1 is perfect)."""

    event: str
    contestant: str
    villages: int
    events: int
    expected: float
    brier: float
    skill: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Backtest:
    """Scores, and forecasts with outcomes for the reliability diagram.

    Attributes:
        scores: by event and contestant; difference to the model's Brier score (positive: the model is better) with a
            90 % interval (bootstrap over villages).
        forecasts: (event, contestant) -> chance by village at risk. outcomes: event -> bool by village at risk.
    """

    scores: tuple[Score, ...]
    forecasts: dict[tuple[str, str], Floats]
    outcomes: dict[str, Booleans]


MODEL, OUT_OF_SAMPLE = "model", "model, shocks from 1989-1999 only"


def backtest(world: World, runs: int = RUNS, threads: int = 2, seed: int = 1) -> Backtest:
    """Run the hindcasts and score all contestants."""
    sample = observed()
    own = hindcast_world(world, sample.before)
    founding = build_founding(own)  # half a million people: one copy for both
    both = model_paths(own, founding, sample, posterior_rows(DECADES, True), runs, threads)
    early = model_paths(own, founding, sample, posterior_rows(DECADES[:1], True), runs, threads)
    forecasts: dict[tuple[str, str], Floats] = {}
    outcomes: dict[str, Booleans] = {}
    scores: list[Score] = []
    for event in EVENTS:
        at_risk = event.at_risk(sample.before)
        happened = event.happens(sample.before, sample.after)[at_risk]
        outcomes[event.name] = happened
        for name, chance in (
            (MODEL, model_forecast(both, sample, event)),
            (OUT_OF_SAMPLE, model_forecast(early, sample, event)),
            ("hazard table by size", hazard_table(sample, event)),
            ("logistic on ln people", logistic(sample, event)),
            ("drifted Wiener", wiener(sample, event)),
        ):
            forecasts[(event.name, name)] = chance[at_risk]
        scores += _scores(event, forecasts, happened, seed)
    return Backtest(tuple(scores), forecasts, outcomes)


def _scores(
    event: Event, forecasts: dict[tuple[str, str], Floats], happened: Booleans, seed: int
) -> list[Score]:
    chance = np.random.default_rng(seed)
    n = len(happened)
    y = happened.astype(np.float64)
    climate = (y.sum() - y + 0.5) / n  # frequency among the others
    reference = float(((climate - y) ** 2).mean())
    rows = chance.integers(0, n, (1000, n))
    ours = (forecasts[(event.name, MODEL)] - y) ** 2
    out = []
    for (name, contestant), p in forecasts.items():
        if name != event.name:
            continue
        loss = (p - y) ** 2
        resampled = (loss - ours)[rows].mean(axis=1)
        low, high = np.quantile(resampled, (0.05, 0.95))
        skill = 1.0 - float(loss.mean()) / reference if reference > 0.0 else math.nan
        out.append(
            Score(
                event.name, contestant, n, int(y.sum()), float(p.sum()), float(loss.mean()), skill,
                float((loss - ours).mean()), float(low), float(high),
            )
        )  # fmt: skip
    return out


def reliability(chance: Floats, happened: Booleans) -> list[tuple[float, int, int]]:
    """Mean forecast, villages and events by bin of the forecast (empty bins left out)."""
    out = []
    for low, high in pairwise(BINS):
        own = (chance >= low) & (chance < high)
        if own.any():
            out.append((float(chance[own].mean()), int(own.sum()), int(happened[own].sum())))
    return out
