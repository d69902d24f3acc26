"""What the censuses say about how villages differ: slope on size and size of the shocks that hit a whole village.

Three moments identify three parameters: the slope of growth on ln people (`village_slope`), and the scatter of villages
of 150 and of 1000 people (`village_shock_sd`, `village_shock_small`). The two census decades contradict each other and
are therefore not pooled as if they were one sample: a decade's moments are draws around a mean with a spread between
decades, and the panel of Tyumen's south stands in as two further decades for the slope.

Repeat with `python -m calibration.village_posterior` (a minute or two); it writes design.csv and posterior.csv in
calibration/data/villages.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from calibration.village_transitions import (
    DATA,
    Floats,
    Transitions,
    bootstrap_moments,
    census_transitions,
    fit_transitions,
)
from model import draws
from model.founding import build_founding
from model.parameters import ParameterSpace
from model.village_engine import VillageEngine
from model.villages import villages_of_seed
from model.world import World, load_world

NAMES = ("village_slope", "village_shock_sd", "village_shock_small")
LEAVING = "leaving"  # the more people move, the more of them a shock moves: drawn jointly, from its prior
COLUMNS = (*NAMES, LEAVING)
LOW, HIGH = np.array([-0.25, 0.0, 0.0, math.log(0.0125)]), np.array([0.45, 0.9, 16.0, math.log(0.05)])
DECADES = ((1989, 1999), (1999, 2009))
# Slopes of growth on ln people in the south of Tyumen oblast, from the classes of hazards.csv (11-50 to 1000+ people):
# 2002-2010 and 1990-2002.
TYUMEN_SLOPES = (0.0125, 0.0106)
DESIGN_POINTS = 64
SIMULATED_YEARS = 10
CANDIDATES = 200_000
KEPT = 1000
POSTERIOR = DATA / "posterior.csv"
DESIGN = DATA / "design.csv"  # simulated moments at the design points: another target needs no new runs
MOMENTS = ("slope", "log_sd_150", "log_sd_1000")
LEAVING_PRIOR = (math.log(0.025), 0.35)  # of lambda, docs/specification.md section 5


@dataclass(frozen=True)
class Target:
    """Moments of a decade to come: mean and sd of the slope, and of ln sd of villages of 150 and of 1000 people."""

    mean: Floats
    sd: Floats


def target_of(
    decades: Sequence[tuple[int, int]] = DECADES, with_tyumen: bool = True, seed: int = 1
) -> Target:
    """Moments that the decades agree on, and how far they leave them open.

    The sd holds sampling error (bootstrap over villages) and, where there are two decades, their disagreement.
    """
    fits, errors = [], []
    for first, last in decades:
        transitions = census_transitions(first, last)
        fits.append(fit_transitions(transitions).moments())
        errors.append(bootstrap_moments(transitions, seed).std(axis=0))
    moments, sampling = np.array(fits), np.array(errors)
    mean, sd = moments.mean(axis=0), np.sqrt((sampling**2).mean(axis=0))
    if len(decades) > 1:
        sd = np.maximum(sd, moments.std(axis=0, ddof=1) / math.sqrt(2.0))
    slopes = np.concatenate([moments[:, 0], TYUMEN_SLOPES if with_tyumen else ()])
    mean[0] = slopes.mean()
    if len(slopes) > 1:
        sd[0] = slopes.std(ddof=1)  # of a decade, not of the mean: the next one is as free as these were
    return Target(mean, sd)


def simulated_moments(world: World, theta: Floats, number: int, seed: int) -> Floats:
    """Moments of one simulated decade; parameters other than `theta` are drawn from their priors."""
    given = dict(zip(NAMES, theta[:3].tolist(), strict=True)) | {LEAVING: math.exp(theta[3])}
    own = villages_of_seed(world, seed + number)
    values = ParameterSpace(own).draw(seed, number, given)
    engine = VillageEngine(
        own, build_founding(own), values, draws.run_seed(seed, number, 0), horizon=own.start + SIMULATED_YEARS
    )
    people = engine.run().column("population")
    assert own.villages is not None
    chosen = own.villages.is_village
    return fit_transitions(Transitions(people[0, chosen], people[-1, chosen], SIMULATED_YEARS)).moments()


@dataclass(frozen=True)
class Emulator:
    """Quadratic in the parameters, one for each moment; `noise` is the sd of what it leaves."""

    coefficients: Floats
    noise: Floats

    def __call__(self, theta: Floats) -> Floats:
        """Moments, float64[points, 3]."""
        return _terms(theta) @ self.coefficients


def _terms(theta: Floats) -> Floats:
    z = (theta - LOW) / (HIGH - LOW) * 2.0 - 1.0
    squares = [z[:, i] * z[:, j] for i in range(4) for j in range(i, 4)]
    return np.column_stack([np.ones(len(z)), z, *squares])


def fit_emulator(theta: Floats, moments: Floats) -> Emulator:
    """Least squares."""
    terms = _terms(theta)
    coefficients = np.linalg.lstsq(terms, moments, rcond=None)[0]
    left = moments - terms @ coefficients
    noise = np.sqrt((left**2).sum(axis=0) / (len(theta) - terms.shape[1]))
    return Emulator(coefficients, noise)


def design_points(world: World, seed: int, points: int, threads: int) -> tuple[Floats, Floats]:
    """Parameters spread over their box, and the moments of a simulated decade at each."""
    theta = qmc.scale(qmc.Sobol(4, seed=seed).random(points), LOW, HIGH)
    with ThreadPoolExecutor(threads) as pool:
        moments = list(pool.map(lambda k: simulated_moments(world, theta[k], k, seed), range(points)))
    return theta, np.array(moments)


def posterior(
    emulator: Emulator, target: Target, leaving: tuple[float, float], seed: int
) -> tuple[Floats, float]:
    """Draws of the parameters, float64[KEPT, 4] (ln of the rate of leaving last), and the effective candidates.

    `leaving` is the mean and sd of the log of the rate of leaving, its prior.
    """
    chance = np.random.default_rng(seed)
    theta = LOW + (HIGH - LOW) * chance.random((CANDIDATES, 4))
    theta[:, 3] = np.clip(leaving[0] + leaving[1] * chance.standard_normal(CANDIDATES), LOW[3], HIGH[3])
    error = (emulator(theta) - target.mean) / np.sqrt(target.sd**2 + emulator.noise**2)
    weight = np.exp(-0.5 * (error**2).sum(axis=1))
    share = weight / weight.sum()
    return theta[chance.choice(CANDIDATES, KEPT, p=share)], float(1.0 / (share**2).sum())


def write_posterior(rows: Floats, path: Path = POSTERIOR) -> None:
    """Write the draws as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for *own, log_leaving in rows.tolist():
            writer.writerow([f"{value:.6g}" for value in (*own, math.exp(log_leaving))])


def read_posterior(path: Path = POSTERIOR) -> list[dict[str, float]]:
    """Draws of the village parameters, in the order of the file.

    Raises:
        ValueError: the file does not hold the three parameters.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [{name: float(text) for name, text in row.items()} for row in csv.DictReader(file)]
    if not rows or tuple(rows[0]) != COLUMNS:
        raise ValueError(f"{path}: expected columns {', '.join(COLUMNS)}")
    return rows


def write_design(theta: Floats, moments: Floats, path: Path = DESIGN) -> None:
    """Write the design points with their simulated moments."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*COLUMNS, *MOMENTS))
        for point, found in zip(theta.tolist(), moments.tolist(), strict=True):
            given = (*point[:3], math.exp(point[3]))
            writer.writerow([f"{value:.6g}" for value in (*given, *found)])


def shipped_emulator(path: Path = DESIGN) -> Emulator:
    """Emulator of the shipped design.

    Raises:
        ValueError: the file does not hold the design.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or tuple(rows[0]) != (*COLUMNS, *MOMENTS):
        raise ValueError(f"{path}: expected columns {', '.join((*COLUMNS, *MOMENTS))}")
    theta = np.array([[float(row[name]) for name in COLUMNS] for row in rows])
    theta[:, 3] = np.log(theta[:, 3])
    return fit_emulator(theta, np.array([[float(row[name]) for name in MOMENTS] for row in rows]))


def posterior_rows(
    decades: Sequence[tuple[int, int]], with_tyumen: bool, seed: int = 1
) -> list[dict[str, float]]:
    """Draws that only the given decades inform, for validation on the others."""
    rows, _ = posterior(shipped_emulator(), target_of(decades, with_tyumen), LEAVING_PRIOR, seed)
    return [dict(zip(NAMES, row[:3], strict=True)) | {LEAVING: math.exp(row[3])} for row in rows.tolist()]


def main() -> None:
    """Calibrate and print what was found."""
    world, seed = load_world("villages"), 1
    theta, moments = design_points(world, seed, DESIGN_POINTS, 2)
    write_design(theta, moments)
    emulator, target = shipped_emulator(), target_of()
    rows, effective = posterior(emulator, target, LEAVING_PRIOR, seed)
    write_posterior(rows)
    at = emulator(rows)
    print("target mean", np.round(target.mean, 4), "sd", np.round(target.sd, 4))
    print("emulator noise", np.round(emulator.noise, 4), f"effective candidates {effective:.0f}")
    prior_sd = (HIGH - LOW) / math.sqrt(12.0)
    prior_sd[3] = math.exp(LEAVING_PRIOR[0]) * LEAVING_PRIOR[1]
    for k, name in enumerate(COLUMNS):
        column = rows[:, k] if name != LEAVING else np.exp(rows[:, k])
        q = np.quantile(column, (0.05, 0.5, 0.95))
        print(
            f"{name}: median {q[1]:.3g}, 90 % {q[0]:.3g} to {q[2]:.3g}, sd / prior sd {column.std() / prior_sd[k]:.2f}"
        )
    print("moments of the posterior", np.round(at.mean(axis=0), 4), np.round(at.std(axis=0), 4))
    print("correlations", np.round(np.corrcoef(rows.T), 2).tolist())


if __name__ == "__main__":
    main()
