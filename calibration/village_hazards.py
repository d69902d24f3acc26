"""How often villages are given up (V4): simulated chances of emptying by size against those that were seen.

(V4) is a chance of being given up; the panels count villages that are empty. Between the two lie the years in which
the last people go, the fading of small villages without it, and villages that shrink on the way. So the chances of
emptying are simulated: an emulator (cloglog, one for each class of size) tells, for h_u and e_u of (V4), what share of
the villages of a class is empty T years later, with all other parameters drawn as an ensemble draws them. Then

    cells of the region's sample: y ~ Binomial(n, p_c(h_u, e_u, T))
    cells of Tyumen's south:      y ~ Binomial(n, 1 - (1 - p_c)^(1 / phi))

with phi, the region's hazards over its neighbour's. Classes of up to ten people are left out (they empty by deaths
and moves of a few households, whatever (V4) is), so is the sample's fate after 2009, which comes from the state list
of 2019 that is held out. Repeat with `python -m calibration.village_hazards` (some minutes); it writes
hazards_design.csv and hazards_posterior.csv in calibration/data/villages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import qmc

from calibration.village_draws import (
    GIVING_UP,
    GIVING_UP_1999_FILE,
    GIVING_UP_FILE,
    read_draws,
    read_posterior,
    write_table,
)
from calibration.village_posterior import KEPT
from calibration.village_transitions import DATA, Floats, census_transitions
from model import draws
from model.csv_tables import Files
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace
from model.problems import Problems
from model.village_engine import VillageEngine
from model.villages import villages_of_seed
from model.world import World, load_world

CLASSES = ("11-50", "51-100", "101-200", "201-500", "over 500")
EDGES = (11, 51, 101, 201, 501)  # least people of each class
MIDDLE = np.array(
    [24.0, 71.0, 141.0, 316.0, 900.0]
)  # people that stand for a class (about its geometric middle)
SPANS = (8, 10, 12)  # years of the windows of the panels
REFERENCE_PEOPLE = 50.0  # of h_u
PANEL_CLASSES = {"501-1000": "over 500", "1000+": "over 500"}
REGION, NEIGHBOUR = "nkr_sample", "tyumen_south"
FACTOR_PRIOR = (math.log(1.5), 0.5)  # of ln phi: the region declines faster [assumed]
DECADES = ((1989, 1999), (1999, 2009))
COLUMNS_OF_PANELS = (
    "panel", "period", "size_class", "villages", "extinct", "annual_hazard", "wilson_low", "wilson_high",
    "mean_log_growth", "sd_log_growth", "source", "quality",
)  # fmt: skip
RUNS, FOUNDINGS = 256, 8
TAIL = 0.005  # of each prior, beyond which no point of the design lies
RIDGE = 1.0  # of the emulator's slopes: without events a class follows the declared chance
CANDIDATES = 40_000
DESIGN = DATA / "hazards_design.csv"


@dataclass(frozen=True)
class Cell:
    """Villages of one panel, class of size and window of years, and how many of them emptied."""

    panel: str
    period: str
    years: int
    size_class: str
    villages: int
    extinct: int


@dataclass(frozen=True)
class HazardDesign:
    """Simulated villages and how many of them were empty some years later.

    Attributes:
        points: h_u and e_u of each run, float64[runs, 2].
        villages: float64[runs, classes]. emptied: float64[runs, classes, spans].
    """

    points: Floats
    villages: Floats
    emptied: Floats


def class_of(people: NDArray[np.int64]) -> NDArray[np.int64]:
    """Index in `CLASSES` of each number of people, -1 for ten and fewer."""
    return np.asarray(np.searchsorted(EDGES, people, side="right") - 1, np.int64)


def panel_cells() -> list[Cell]:
    """Cells that are fitted: Tyumen's two windows and the census sample's two decades.

    Raises:
        WorldError: a file is damaged.
    """
    files = Files(Problems("hazards of villages"))
    counted: dict[tuple[str, str, int, str], list[int]] = {}
    for row in files.rows(DATA / "hazards.csv", COLUMNS_OF_PANELS):
        c = row.cells
        name = PANEL_CLASSES.get(c["size_class"], c["size_class"])
        if c["panel"] == NEIGHBOUR and name in CLASSES:
            first, last = (int(year) for year in c["period"].split("-"))
            own = counted.setdefault((NEIGHBOUR, c["period"], last - first, name), [0, 0])
            own[0] += int(c["villages"])
            own[1] += int(c["extinct"])
    files.problems.raise_if_any()
    for first, last in DECADES:
        sample = census_transitions(first, last)
        number = class_of(sample.before.astype(np.int64))
        for k, name in enumerate(CLASSES):
            if (number == k).any():
                emptied = int((sample.after[number == k] == 0).sum())
                counted[(REGION, f"{first}-{last}", last - first, name)] = [int((number == k).sum()), emptied]
    return [Cell(*key, villages, extinct) for key, (villages, extinct) in counted.items()]


class Decades:
    """Runs of the world of villages, followed over `SPANS` from its start."""

    def __init__(self, world: World) -> None:
        assert world.villages is not None
        self.settled: list[tuple[World, Founding]] = []
        for number in range(FOUNDINGS):
            own = villages_of_seed(world, world.villages.seed + number)
            self.settled.append((own, build_founding(own)))
        self.rows = read_posterior()

    def emptied(self, given: dict[str, float], seed: int, run: int) -> tuple[Floats, Floats]:
        """Villages by class, float64[classes], and how many were empty, float64[classes, spans], of one run."""
        world, founding = self.settled[run % FOUNDINGS]
        chosen = self.rows[run % len(self.rows)] | given | {"household_size": founding.household_size}
        values = ParameterSpace(world).draw(seed, run, chosen)
        run_seed, horizon = draws.run_seed(seed, run, 0), world.start + max(SPANS)
        engine = VillageEngine(world, founding, values, run_seed, horizon=horizon)
        assert world.villages is not None
        people = engine.run().column("population")[:, world.villages.is_village].astype(np.int64)
        own = class_of(people[0]) == np.arange(len(CLASSES))[:, None]
        gone = np.stack([people[span] == 0 for span in SPANS])
        return own.sum(axis=1).astype(np.float64), (own.astype(np.float64) @ gone.T.astype(np.float64))


def simulate(decades: Decades, points: Floats, seed: int, threads: int) -> HazardDesign:
    """A run for each point of (h_u, e_u), float64[runs, 2]."""
    with ThreadPoolExecutor(threads) as pool:
        found = list(
            pool.map(
                lambda k: decades.emptied(dict(zip(GIVING_UP, points[k].tolist(), strict=True)), seed, k),
                range(len(points)),
            )
        )
    return HazardDesign(points, np.array([f[0] for f in found]), np.array([f[1] for f in found]))


def prior_points(world: World, chance: Floats) -> Floats:
    """h_u and e_u at quantiles of their declared priors, float64[points, 2]; `chance` alike, in (0, 1)."""
    space = ParameterSpace(world)
    columns = []
    for name, column in zip(GIVING_UP, chance.T, strict=True):
        prior = space.by_name[name].prior
        assert prior is not None
        columns.append([prior.quantile(float(u)) for u in column])
    return np.array(columns).T


def log_given_up(points: Floats) -> Floats:
    """ln of the yearly chance (V4) of a village in the middle of each class, float64[points, classes]."""
    return np.asarray(np.log(points[:, :1]) + points[:, 1:] * np.log(REFERENCE_PEOPLE / MIDDLE))


@dataclass(frozen=True)
class HazardEmulator:
    """Share of the villages of a class that is empty after T years: cloglog, quadratic in ln h_u and e_u.

    Attributes:
        coefficients: float64[classes, 7]. centre, scale: of (ln h_u, e_u), float64[2].
    """

    coefficients: Floats
    centre: Floats
    scale: Floats

    def terms(self, points: Floats, years: int) -> Floats:
        """Terms of the emulator, float64[points, 7]."""
        z = (np.column_stack([np.log(points[:, 0]), points[:, 1]]) - self.centre) / self.scale
        late = np.full(len(z), math.log(years / SPANS[1]))
        return np.column_stack([np.ones(len(z)), z, z[:, 0] ** 2, z[:, 0] * z[:, 1], z[:, 1] ** 2, late])

    def __call__(self, points: Floats, years: int) -> Floats:
        """Share that is empty after `years`, float64[points, classes]."""
        log_rate = log_given_up(points) + math.log(years) + self.terms(points, years) @ self.coefficients.T
        return np.asarray(-np.expm1(-np.exp(np.minimum(log_rate, 3.0))))


def fit_emulator(design: HazardDesign) -> HazardEmulator:
    """Binomial regression with a weak ridge on everything but the level, by Newton's method (Fisher's scoring)."""
    logs = np.column_stack([np.log(design.points[:, 0]), design.points[:, 1]])
    bare = HazardEmulator(np.zeros((len(CLASSES), 7)), logs.mean(axis=0), logs.std(axis=0))
    terms = np.concatenate([bare.terms(design.points, span) for span in SPANS])
    penalty = np.diag([1e-3, *([RIDGE] * (terms.shape[1] - 1))])
    out = []
    for k in range(len(CLASSES)):
        offset = np.concatenate([log_given_up(design.points)[:, k] + math.log(span) for span in SPANS])
        n = np.tile(design.villages[:, k], len(SPANS))
        y = design.emptied[:, k, :].T.ravel()
        b = np.zeros(terms.shape[1])
        for _ in range(60):
            rate = np.exp(np.clip(offset + terms @ b, -30.0, 3.0))
            p = -np.expm1(-rate)
            slope = rate * np.exp(-rate)  # of p in the linear predictor
            gradient = terms.T @ ((y - n * p) * slope / (p * (1.0 - p))) - penalty @ b
            weight = n * slope**2 / (p * (1.0 - p))
            step = np.linalg.solve((terms * weight[:, None]).T @ terms + penalty, gradient)
            b = b + np.clip(step, -1.0, 1.0)
            if np.abs(step).max() < 1e-8:
                break
        out.append(b)
    return HazardEmulator(np.array(out), bare.centre, bare.scale)


def log_likelihood(emulator: HazardEmulator, cells: Sequence[Cell], points: Floats, factor: Floats) -> Floats:
    """Of the cells, float64[points], at (h_u, e_u) float64[points, 2] and the region's factor float64[points]."""
    share = {span: emulator(points, span) for span in sorted({cell.years for cell in cells})}
    total = np.zeros(len(points))
    for cell in cells:
        stays = np.log1p(-share[cell.years][:, CLASSES.index(cell.size_class)])
        if cell.panel == NEIGHBOUR:
            stays = stays / factor
        stays = np.minimum(stays, -1e-12)
        total += (cell.villages - cell.extinct) * stays
        if cell.extinct:
            total += cell.extinct * np.log(-np.expm1(stays))
        total += (
            gammaln(cell.villages + 1) - gammaln(cell.extinct + 1) - gammaln(cell.villages - cell.extinct + 1)
        )
    return total


def hazard_posterior(
    emulator: HazardEmulator, cells: Sequence[Cell], world: World, seed: int
) -> tuple[Floats, Floats, float]:
    """Draws of (h_u, e_u), float64[KEPT, 2], of the region's factor, float64[KEPT], and the effective candidates."""
    chance = np.random.default_rng(seed)
    points = prior_points(world, TAIL + (1.0 - 2.0 * TAIL) * chance.random((CANDIDATES, 2)))
    factor = np.exp(FACTOR_PRIOR[0] + FACTOR_PRIOR[1] * chance.standard_normal(CANDIDATES))
    log_weight = log_likelihood(emulator, cells, points, factor)
    share = np.exp(log_weight - log_weight.max())
    share /= share.sum()
    kept = chance.choice(CANDIDATES, KEPT, p=share)
    return points[kept], factor[kept], float(1.0 / (share**2).sum())


def _design_columns() -> list[str]:
    return [f"villages {c}" for c in CLASSES] + [f"emptied {c} in {s}" for c in CLASSES for s in SPANS]


def write_design(design: HazardDesign, path: Path = DESIGN) -> None:
    """Write the runs of the design."""
    flat = design.emptied.reshape(len(design.points), -1)
    rows = np.column_stack([design.points, design.villages, flat]).tolist()
    write_table(path, (*GIVING_UP, *_design_columns()), rows)


def shipped_design(path: Path = DESIGN) -> HazardDesign:
    """The shipped runs.

    Raises:
        ValueError: the file does not hold them.
    """
    table = np.array([list(row.values()) for row in read_draws(path, (*GIVING_UP, *_design_columns()))])
    n = 2 + len(CLASSES)
    return HazardDesign(table[:, :2], table[:, 2:n], table[:, n:].reshape(-1, len(CLASSES), len(SPANS)))


def print_posterior(points: Floats, factor: Floats, effective: float) -> None:
    """What the cells say of (V4)."""
    print(
        f"effective candidates {effective:.0f}; correlation {np.corrcoef(np.log(points[:, 0]), points[:, 1])[0, 1]:.2f}"
    )
    for name, column in (*zip(GIVING_UP, points.T, strict=True), ("region over Tyumen", factor)):
        low, median, high = np.quantile(column, (0.05, 0.5, 0.95))
        print(f"{name}: median {median:.3g}, 90 % {low:.3g} to {high:.3g}")


def print_cells(found: HazardDesign, cells: Sequence[Cell]) -> None:
    """Simulated chances of emptying a year beside every cell, per cent; the interval is that of runs."""
    for k, name in enumerate(CLASSES):
        for s, span in enumerate(SPANS):
            n, y = found.villages[:, k], found.emptied[:, k, s]
            yearly = -100.0 * np.log1p(-np.minimum(np.append(y / n, y.sum() / n.sum()), 0.999)) / span
            low, high = np.quantile(yearly[:-1], (0.05, 0.95))
            own = ", ".join(
                f"{cell.panel} {cell.period} {cell.extinct} of {cell.villages}"
                for cell in cells
                if cell.size_class == name and cell.years == span
            )
            print(f"{name} over {span} years: {yearly[-1]:.3f} ({low:.3f}-{high:.3f}) | {own}")


def main() -> None:
    """Simulate, fit, write the draws, and simulate with them once more on other seeds."""
    world, seed = load_world("villages"), 1
    decades, cells = Decades(world), panel_cells()
    spread = TAIL + (1.0 - 2.0 * TAIL) * qmc.Sobol(2, seed=seed).random(RUNS)
    write_design(simulate(decades, prior_points(world, spread), seed, 2))
    emulator = fit_emulator(shipped_design())
    for title, used, path in (
        ("Tyumen's south alone", [cell for cell in cells if cell.panel == NEIGHBOUR], None),
        ("without 1999-2009", [cell for cell in cells if cell.period != "1999-2009"], GIVING_UP_1999_FILE),
        ("with the region's sample", cells, GIVING_UP_FILE),
    ):
        points, factor, effective = hazard_posterior(emulator, used, world, seed)
        print(title)
        print_posterior(points, factor, effective)
        if path is not None:
            write_table(path, GIVING_UP, points.tolist())
    print("simulated with these draws, other seeds")
    print_cells(simulate(decades, points[:RUNS], seed + 1, 2), cells)


if __name__ == "__main__":
    main()
