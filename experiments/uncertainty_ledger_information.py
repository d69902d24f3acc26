"""Which missing statistic would narrow a figure most: expected reduction of its variance by knowing parameters.

Knowing a parameter leaves on average Var(Y) - Var(E[Y | X]) of the variance (the expected value of partial perfect
information under squared error; Strong, Oakley & Brennan 2014). Var(E[Y | X]) comes from a regression of the runs on
the parameter alone, smooth and not linear; for all parameters that a statistic would fix together, from a regression
judged on held-out runs. Random columns in the place of parameters say what such regressions find in nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

FILE: Final = Path(__file__).resolve().parent / "data" / "missing_statistics.csv"
FEWEST_RUNS: Final = 60
DEGREE: Final = 3
FOLDS: Final = 5
DUMMY_LISTS: Final = 100
DUMMIES: Final = 5
PENALTIES: Final = np.append(np.logspace(-1.0, 4.0, 11), 1e9)
FEW_LEVELS: Final = 4
RESAMPLES: Final = 300


@dataclass(frozen=True)
class Statistic:
    """A statistic that is not published, and the parameters that it would fix.

    Attributes:
        id, title: name and what it is. parameters: base names (`omega` stands for all places) or full names.
        publisher: who could publish it. source: where it is said that the model lacks it.
    """

    id: str
    title: str
    parameters: tuple[str, ...]
    publisher: str
    source: str

    def fixes(self, name: str) -> bool:
        """Whether it would fix the parameter of this full name."""
        return name in self.parameters or name.partition(".")[0] in self.parameters


def missing_statistics(path: Path = FILE) -> tuple[Statistic, ...]:
    """Return the statistics of the file, in its order."""
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Statistic(
                row["id"], row["title"], tuple(row["parameters"].split()), row["publisher"], row["source"]
            )
            for row in csv.DictReader(lines)
        )


@dataclass(frozen=True)
class Information:
    """Expected reduction of the variance of a figure.

    Attributes:
        name: of a parameter or a statistic. share: of the variance that knowing it would take away on average, at
            best. low, high: its 95 % interval. parameters: how many are fixed.
        floor: share that random columns exceed in one list of 20 only. is_real: whether the share is above it.
    """

    name: str
    share: float
    low: float
    high: float
    parameters: int
    floor: float

    @property
    def is_real(self) -> bool:
        """Whether the regression finds more than it finds in random numbers, in nearly all resamples something."""
        return self.share > self.floor and self.low > 0.0


def _basis(column: Floats) -> Floats:
    """Legendre polynomials of the ranks, or indicators of the few levels, without the constant: float64[runs, k]."""
    levels = np.unique(column)
    if len(levels) == 1:
        return np.empty((len(column), 0))
    if len(levels) <= FEW_LEVELS:
        return np.asarray(column[:, None] == levels[None, 1:], dtype=np.float64)
    scaled = 2.0 * (rankdata(column) - 0.5) / len(column) - 1.0
    return np.asarray(np.polynomial.legendre.legvander(scaled, DEGREE)[:, 1:])


def explained_share(column: Floats, figure: Floats) -> float:
    """Share of the variance of a figure that a smooth function of one column explains, corrected for its freedom.

    Args:
        column, figure: float64[runs].
    """
    basis = _basis(column)
    if basis.shape[1] == 0:
        return 0.0
    design = np.column_stack((np.ones(len(figure)), basis))
    rest = figure - design @ np.linalg.lstsq(design, figure, rcond=None)[0]
    centred = figure - figure.mean()
    power = float(centred @ centred)
    if power == 0.0:
        return 0.0
    unexplained = float(rest @ rest) / power
    freedom: int = len(figure) - design.shape[1]
    return 1.0 - unexplained * (len(figure) - 1) / freedom


def noise_floors(figures: Floats, columns: int, seed: int) -> Floats:
    """Share that the best of a list of random columns exceeds in one list of 20 (95 % quantile of the maximum).

    Args:
        figures: float64[figures, runs]. columns: length of the list.

    Returns:
        float64[figures].
    """
    generator = np.random.default_rng([seed, columns])
    runs = figures.shape[1]
    scaled = 2.0 * (np.arange(runs) + 0.5) / runs - 1.0
    basis = np.linalg.qr(np.polynomial.legendre.legvander(scaled, DEGREE))[0][:, 1:]
    centred = figures - figures.mean(axis=1, keepdims=True)
    power = (centred**2).sum(axis=1)
    best = np.empty((DUMMY_LISTS, len(figures)))
    for k in range(DUMMY_LISTS):
        orders = np.argsort(generator.random((columns, runs)), axis=1)
        shuffled = basis[orders].transpose(0, 2, 1).reshape(-1, runs)
        caught = ((shuffled @ centred.T) ** 2).reshape(columns, DEGREE, -1).sum(axis=1).max(axis=0) / power
        best[k] = 1.0 - (1.0 - caught) * (runs - 1) / (runs - 1 - DEGREE)
    return np.asarray(np.quantile(best, 0.95, axis=0))


def check_figures(figures: Floats) -> None:
    """Refuse figures that no regression can say anything about.

    Raises:
        ValueError: too few runs, values that are not finite, or a constant figure.
    """
    if figures.ndim != 2 or figures.shape[1] < FEWEST_RUNS:
        raise ValueError(f"figures {figures.shape}: expected figures x runs, at least {FEWEST_RUNS} runs")
    if not np.isfinite(figures).all():
        raise ValueError("a value is not a finite number")
    if (np.ptp(figures, axis=1) == 0.0).any():
        raise ValueError("a figure is the same in every run")


def information_of_parameters(
    table: Mapping[str, Floats], figures: Floats, seed: int
) -> list[list[Information]]:
    """Every parameter that varies, for each figure the most telling first.

    Args:
        table: float64[runs] by full name. figures: float64[figures, runs].

    Raises:
        ValueError: too few runs, a constant figure, or no parameter that varies.
    """
    check_figures(figures)
    varied = {name: column for name, column in table.items() if len(np.unique(column)) > 1}
    if not varied:
        raise ValueError("no parameter varies: all are fixed")
    floors = noise_floors(figures, len(varied), seed)
    runs = figures.shape[1]
    picks = np.random.default_rng([seed, 7]).integers(0, runs, (RESAMPLES, runs))
    made = []
    for figure, floor in zip(figures, floors.tolist(), strict=True):
        found = []
        for name, column in varied.items():
            share = explained_share(column, figure)
            low, high = 0.0, max(floor, share)
            if share > floor:
                again = [explained_share(column[pick], figure[pick]) for pick in picks]
                low, high = (float(q) for q in np.quantile(again, [0.025, 0.975]))
            found.append(Information(name, share, max(0.0, low), min(1.0, high), 1, floor))
        made.append(sorted(found, key=lambda one: (-one.share, one.name)))
    return made


def held_out_errors(columns: Sequence[Floats], figures: Floats, seed: int) -> tuple[Floats, Floats]:
    """Squared errors on held-out runs of a ridge regression on all columns, and of the mean.

    The penalty is chosen for each figure and fold by generalised cross-validation (Golub, Heath & Wahba 1979) among
    the runs seen; the largest one leaves the mean.

    Args:
        columns: float64[runs] each. figures: float64[figures, runs].

    Returns:
        Two arrays float64[figures, runs].
    """
    runs = figures.shape[1]
    table = np.column_stack([_basis(column) for column in columns])
    table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-12)
    errors, plain = np.empty_like(figures), np.empty_like(figures)
    folds = np.random.default_rng([seed, 11]).permutation(runs) % FOLDS
    for fold in range(FOLDS):
        held, seen = folds == fold, folds != fold
        mean, centre = figures[:, seen].mean(axis=1, keepdims=True), table[seen].mean(axis=0)
        left, sizes, right = np.linalg.svd(table[seen] - centre, full_matrices=False)
        target = figures[:, seen] - mean
        rotated = target @ left  # [figures, k]
        squares = sizes**2
        shrink = squares / (squares + PENALTIES[:, None])  # [penalties, k]
        rest = (target**2).sum(axis=1)[:, None] - (rotated**2) @ (2.0 * shrink - shrink**2).T
        freedom = seen.sum() - 1.0 - shrink.sum(axis=1)
        chosen = (rest / freedom**2).argmin(axis=1)  # [figures]
        weights = rotated * (shrink[chosen] / np.maximum(sizes, 1e-12))
        predicted = mean + weights @ right @ (table[held] - centre).T
        errors[:, held] = (figures[:, held] - predicted) ** 2
        plain[:, held] = (figures[:, held] - mean) ** 2
    return errors, plain


def information_of_statistics(
    table: Mapping[str, Floats], figures: Floats, statistics: Sequence[Statistic], seed: int
) -> list[list[Information]]:
    """Every statistic that would fix a parameter that varies, for each figure the most telling first.

    The interval resamples runs; the floor is the largest share that the same regression finds in DUMMIES tables of as
    many random columns.

    Raises:
        ValueError: too few runs, or a constant figure.
    """
    check_figures(figures)
    runs = figures.shape[1]
    picks = np.random.default_rng([seed, 13]).integers(0, runs, (RESAMPLES, runs))
    floors: dict[int, Floats] = {}
    made: list[list[Information]] = [[] for _ in figures]
    for statistic in statistics:
        columns = [
            column for name, column in table.items() if statistic.fixes(name) and len(np.unique(column)) > 1
        ]
        number = len(columns)
        if number == 0:
            continue
        if number not in floors:
            floors[number] = _floors_of_columns(number, figures, seed)
        errors, plain = held_out_errors(columns, figures, seed)
        shares = 1.0 - errors.sum(axis=1) / plain.sum(axis=1)
        for k, found in enumerate(made):
            power = plain[k][picks].sum(axis=1)
            again = 1.0 - errors[k][picks].sum(axis=1) / np.where(power > 0.0, power, np.inf)
            low, high = (float(np.clip(q, 0.0, 1.0)) for q in np.quantile(again, [0.025, 0.975]))
            found.append(
                Information(statistic.id, float(shares[k]), low, high, number, float(floors[number][k]))
            )
    return [sorted(found, key=lambda one: (-one.share, one.name)) for found in made]


def _floors_of_columns(number: int, figures: Floats, seed: int) -> Floats:
    """Largest share found in tables of random columns, 0 at least, float64[figures]."""
    generator = np.random.default_rng([seed, 17, number])
    best = np.zeros(len(figures))
    for _ in range(DUMMIES):
        dummies = list(generator.random((number, figures.shape[1])))
        errors, plain = held_out_errors(dummies, figures, seed)
        best = np.maximum(best, 1.0 - errors.sum(axis=1) / plain.sum(axis=1))
    return best
