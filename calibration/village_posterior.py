"""What the censuses say about how villages differ: slope on size, shocks that hit a whole village, farms that close.

Four moments inform the parameters: the slope of growth on ln people (`village_slope`), the scatter of villages of 150
and of 1000 people (`village_shock_sd`, `village_shock_small`), and the skewness of what is left, which closed farms
make (`village_farm_push` with `village_farm_closure`, told apart by the prior of the latter alone). The two census
decades contradict each other: every moment of a decade is a draw around a mean with a spread between decades, and the
target is the decade to come (a random-effects mean with its predictive variance). The panel of Tyumen's south stands
in as two further decades for the slope.

Repeat with `python -m calibration.village_posterior` (some minutes); it writes design.csv and posterior.csv in
calibration/data/villages.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from calibration.village_draws import (
    GIVING_UP,
    GIVING_UP_1999_FILE,
    GIVING_UP_FILE,
    HETEROGENEITY,
    HETEROGENEITY_FILE,
    read_draws,
    write_table,
)
from calibration.village_hindcast import YEARS, SampleWorld, sample_of
from calibration.village_transitions import (
    DATA,
    Floats,
    Transitions,
    bootstrap_moments,
    census_transitions,
    fit_transitions,
)
from model.world import World, load_world

# The more people move, the more of them a shock moves: the rate of leaving is drawn jointly, from its prior, as is the
# chance that a farm closes
CLOSURE, LEAVING = "village_farm_closure", "leaving"
COLUMNS = HETEROGENEITY
PRIORS = {
    CLOSURE: (math.log(0.012), 0.5),
    LEAVING: (math.log(0.025), 0.35),
}  # of the logs; model.md section 5
# Of the last two the prior is what chances of emptying say (`village_hazards.py`); the bounds only scale them
LOW = np.array([-0.25, 0.0, 0.0, 0.0, math.log(0.004), math.log(0.0125), math.log(0.003), 0.3])
HIGH = np.array([0.45, 0.9, 16.0, 2.5, math.log(0.036), math.log(0.05), math.log(0.04), 2.2])
LOGS = (4, 5, 6)
SEARCHED = 6  # of them, spread over their box
# Shocks move arrivals too: with fewer of them, as in a decade that declines faster, villages scatter less. Not a
# parameter of the forecast, in which it is 1
ARRIVALS = "arrivals"
ARRIVALS_RANGE = (0.0, 1.3)
DECADES = ((1989, 1999), (1999, 2009))
# Slopes of growth on ln people in the south of Tyumen oblast, from the classes of hazards.csv (11-50 to 1000+ people):
# 2002-2010 and 1990-2002.
TYUMEN_SLOPES = (0.0125, 0.0106)
DESIGN_POINTS = 256
CANDIDATES = 200_000
PIECE = 10_000
KEPT = 1000
DESIGN = DATA / "design.csv"  # simulated moments at the design points: another target needs no new runs
MOMENTS = ("slope", "log_sd_150", "log_sd_1000", "skewness")


@dataclass(frozen=True)
class Target:
    """Moments of a decade (`MOMENTS`): mean and sd of each."""

    mean: Floats
    sd: Floats


@cache
def target_of(
    decades: tuple[tuple[int, int], ...] = DECADES, with_tyumen: bool = True, seed: int = 1
) -> Target:
    """Moments of a decade to come, from those that the given decades had.

    Between decades a moment has a variance: that of the decades less what sampling of villages explains (bootstrap).
    The sd of the target is predictive: sampling, that variance, and the error of the mean of so few decades. One
    decade alone says nothing of the spread between decades; its target holds sampling error only.
    """
    fits, errors = [], []
    for first, last in decades:
        transitions = census_transitions(first, last)
        fits.append(fit_transitions(transitions).moments())
        errors.append(bootstrap_moments(transitions, seed).std(axis=0))
    moments, sampling = np.array(fits), np.array(errors)
    pairs = [predictive(moments[:, k], sampling[:, k]) for k in range(len(MOMENTS))]
    if with_tyumen:
        slopes = np.concatenate([moments[:, 0], TYUMEN_SLOPES])
        # About 1,300 places: their sampling error is small beside the spread of decades
        pairs[0] = predictive(slopes, np.concatenate([sampling[:, 0], np.zeros(len(TYUMEN_SLOPES))]))
    mean, sd = (np.array(side) for side in zip(*pairs, strict=True))
    return Target(mean, sd)


def predictive(values: Floats, errors: Floats) -> tuple[float, float]:
    """Mean of decades' values and the sd of the next decade's (random effects by moments); `errors` of sampling."""
    n, sampled = len(values), float((errors**2).mean())
    if n == 1:
        return float(values[0]), math.sqrt(sampled)
    between = max(0.0, float(values.var(ddof=1)) - sampled)
    return float(values.mean()), math.sqrt(between + (between + sampled) / n)


def target_of_villages(transitions: Transitions, seed: int = 1) -> Target:
    """Moments of these villages in their own decade, with the error of sampling them (bootstrap)."""
    moments = fit_transitions(transitions).moments()
    return Target(moments, bootstrap_moments(transitions, seed).std(axis=0))


def given_of(theta: Floats) -> dict[str, float]:
    """Parameter values of a point, float64[8] with logs where the search has them."""
    return {
        name: math.exp(value) if k in LOGS else value
        for k, (name, value) in enumerate(zip(COLUMNS, theta.tolist(), strict=True))
    }


def simulated_moments(
    sample: SampleWorld, before: Floats, theta: Floats, arrivals: float, number: int, seed: int
) -> Floats:
    """Moments of a simulated decade: the median over copies of the sample, each fitted as the sample is.

    Not those of all copies together: of the villages given up a census sees one in fifty, but a single one among
    seven hundred would make the skewness. Parameters other than `theta` are drawn from their priors.
    """
    after = sample.after(given_of(theta), arrivals, seed, number)
    moments = [fit_transitions(Transitions(before, copy, YEARS)).moments() for copy in after]
    return np.asarray(np.median(moments, axis=0))


@dataclass(frozen=True)
class Emulator:
    """Quadratic in the parameters and arrivals, one for each moment; `noise` is the sd of what it leaves."""

    coefficients: Floats
    noise: Floats

    def __call__(self, theta: Floats, arrivals: float = 1.0) -> Floats:
        """Moments, float64[points, 4], of parameters float64[points, 8]."""
        # In pieces: the terms of all candidates at once are hundreds of megabytes
        pieces = [theta[k : k + PIECE] for k in range(0, len(theta), PIECE)]
        return np.concatenate(
            [_terms(piece, np.full(len(piece), arrivals)) @ self.coefficients for piece in pieces]
        )


def _terms(theta: Floats, arrivals: Floats) -> Floats:
    z = (theta - LOW) / (HIGH - LOW) * 2.0 - 1.0
    at = (arrivals - ARRIVALS_RANGE[0]) / (ARRIVALS_RANGE[1] - ARRIVALS_RANGE[0]) * 2.0 - 1.0
    z = np.column_stack([z, at])
    n = z.shape[1]
    squares = [z[:, i] * z[:, j] for i in range(n) for j in range(i, n)]
    return np.column_stack([np.ones(len(z)), z, *squares])


def fit_emulator(theta: Floats, arrivals: Floats, moments: Floats) -> Emulator:
    """Least squares."""
    terms = _terms(theta, arrivals)
    coefficients = np.linalg.lstsq(terms, moments, rcond=None)[0]
    left = moments - terms @ coefficients
    noise = np.sqrt((left**2).sum(axis=0) / (len(theta) - terms.shape[1]))
    return Emulator(coefficients, noise)


def design_points(world: World, seed: int, points: int, threads: int) -> tuple[Floats, Floats, Floats]:
    """Parameters and arrivals spread over their box, and the moments of a simulated decade at each."""
    before = sample_of(*DECADES[-1])[0].before
    sample = SampleWorld(world, before)
    low, high = (
        np.append(side[:SEARCHED], end) for side, end in zip((LOW, HIGH), ARRIVALS_RANGE, strict=True)
    )
    spread = qmc.scale(qmc.Sobol(len(low), seed=seed).random(points), low, high)
    given_up = giving_up()
    theta = np.column_stack([spread[:, :-1], given_up[np.arange(points) % len(given_up)]])
    arrivals = spread[:, -1]
    with ThreadPoolExecutor(threads) as pool:
        moments = list(
            pool.map(
                lambda k: simulated_moments(sample, before, theta[k], float(arrivals[k]), k, seed),
                range(points),
            )
        )
    return theta, arrivals, np.array(moments)


def misfit(emulator: Emulator, target: Target, theta: Floats, arrivals: float = 1.0) -> Floats:
    """Half the sum of squared errors of the moments in units of their sd: minus the log likelihood, float64[points]."""
    error = (emulator(theta, arrivals) - target.mean) / np.sqrt(target.sd**2 + emulator.noise**2)
    return np.asarray(0.5 * (error**2).sum(axis=1))


def giving_up(path: Path = GIVING_UP_FILE) -> Floats:
    """ln h_u and e_u that chances of emptying leave possible, float64[draws, 2]."""
    return np.array([[math.log(row[GIVING_UP[0]]), row[GIVING_UP[1]]] for row in read_draws(path, GIVING_UP)])


def prior(seed: int, given_up: Floats | None = None) -> Floats:
    """Candidates, float64[CANDIDATES, 8] (logs where the search has them); `given_up` as in `posterior`."""
    chance = np.random.default_rng(seed)
    given_up = giving_up() if given_up is None else given_up
    theta = LOW + (HIGH - LOW) * chance.random((CANDIDATES, len(COLUMNS)))
    theta[:, SEARCHED:] = given_up[chance.integers(0, len(given_up), CANDIDATES)]
    for name, (mean, sd) in PRIORS.items():
        k = COLUMNS.index(name)
        theta[:, k] = np.clip(mean + sd * chance.standard_normal(CANDIDATES), LOW[k], HIGH[k])
    return np.asarray(theta)


def posterior(
    emulator: Emulator, target: Target, seed: int, arrivals: float = 1.0, given_up: Floats | None = None
) -> tuple[Floats, float]:
    """Draws of the parameters, float64[KEPT, 8] (logs where the search has them), and the effective candidates.

    `given_up` float64[draws, 2]: prior draws of ln h_u and e_u, those of `giving_up` where nothing is given.
    """
    theta = prior(seed, given_up)
    weight = np.exp(-misfit(emulator, target, theta, arrivals))
    share = weight / weight.sum()
    chance = np.random.default_rng((seed, 1))
    return theta[chance.choice(CANDIDATES, KEPT, p=share)], float(1.0 / (share**2).sum())


def write_design(theta: Floats, arrivals: Floats, moments: Floats, path: Path = DESIGN) -> None:
    """Write the design points with their simulated moments."""
    lines = zip(theta, arrivals.tolist(), moments.tolist(), strict=True)
    rows = ((*given_of(point).values(), factor, *found) for point, factor, found in lines)
    write_table(path, (*COLUMNS, ARRIVALS, *MOMENTS), rows)


def shipped_emulator(path: Path = DESIGN) -> Emulator:
    """Emulator of the shipped design.

    Raises:
        ValueError: the file does not hold the design.
    """
    rows = read_draws(path, (*COLUMNS, ARRIVALS, *MOMENTS))
    theta = np.array([[row[name] for name in COLUMNS] for row in rows])
    for k in LOGS:
        theta[:, k] = np.log(theta[:, k])
    arrivals = np.array([row[ARRIVALS] for row in rows])
    return fit_emulator(theta, arrivals, np.array([[row[name] for name in MOMENTS] for row in rows]))


def posterior_points(target: Target, arrivals: float, seed: int = 1) -> Floats:
    """Draws that only a target informs, at the arrivals of its decade, for validation on villages it does not hold."""
    return posterior(shipped_emulator(), target, seed, arrivals, giving_up(GIVING_UP_1999_FILE))[0]


def main() -> None:
    """Calibrate and print what was found."""
    world, seed = load_world("villages"), 1
    write_design(*design_points(world, seed, DESIGN_POINTS, 2))
    emulator, target = shipped_emulator(), target_of()
    rows, effective = posterior(emulator, target, seed)
    write_table(HETEROGENEITY_FILE, COLUMNS, (tuple(given_of(row).values()) for row in rows))
    at = emulator(rows)
    print("target mean", np.round(target.mean, 4), "sd", np.round(target.sd, 4))
    print("emulator noise", np.round(emulator.noise, 4), f"effective candidates {effective:.0f}")
    for k, (name, before) in enumerate(zip(COLUMNS, prior(seed).T, strict=True)):
        first, last = (np.exp(side) if k in LOGS else side for side in (before, rows[:, k]))
        low, median, high = np.quantile(last, (0.05, 0.5, 0.95))
        ratio = last.std() / first.std()
        print(f"{name}: median {median:.3g}, 90 % {low:.3g} to {high:.3g}, sd / prior sd {ratio:.2f}")
    print("moments of the posterior", np.round(at.mean(axis=0), 4), np.round(at.std(axis=0), 4))
    print("correlations", np.round(np.corrcoef(rows.T), 2).tolist())


if __name__ == "__main__":
    main()
