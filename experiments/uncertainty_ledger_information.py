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
DUMMY_LISTS: Final = 200
DUMMIES: Final = 5
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


def noise_floor(figure: Floats, columns: int, seed: int) -> float:
    """Share that the best of a list of random columns exceeds in one list of 20 (95 % quantile of the maximum)."""
    generator = np.random.default_rng([seed, columns])
    runs = len(figure)
    scaled = 2.0 * (np.arange(runs) + 0.5) / runs - 1.0
    basis = np.linalg.qr(np.polynomial.legendre.legvander(scaled, DEGREE))[0][:, 1:]
    centred = figure - figure.mean()
    power = float(centred @ centred)
    best = np.empty(DUMMY_LISTS)
    for k in range(DUMMY_LISTS):
        shuffled = np.stack([generator.permutation(centred) for _ in range(columns)])
        caught = ((shuffled @ basis) ** 2).sum(axis=1).max() / power
        best[k] = 1.0 - (1.0 - caught) * (runs - 1) / (runs - 1 - DEGREE)
    return float(np.quantile(best, 0.95))


def information_of_parameters(table: Mapping[str, Floats], figure: Floats, seed: int) -> list[Information]:
    """Every parameter that varies, the most telling first.

    Args:
        table: float64[runs] by full name. figure: float64[runs].

    Raises:
        ValueError: too few runs, a constant figure, or no parameter that varies.
    """
    check_figure(figure)
    varied = {name: column for name, column in table.items() if len(np.unique(column)) > 1}
    if not varied:
        raise ValueError("no parameter varies: all are fixed")
    floor = noise_floor(figure, len(varied), seed)
    generator = np.random.default_rng([seed, 7])
    picks = generator.integers(0, len(figure), (RESAMPLES, len(figure)))
    found = []
    for name, column in varied.items():
        share = explained_share(column, figure)
        low, high = 0.0, max(floor, share)
        if share > floor:
            again = [explained_share(column[pick], figure[pick]) for pick in picks]
            low, high = (float(q) for q in np.quantile(again, [0.025, 0.975]))
        found.append(Information(name, share, max(0.0, low), min(1.0, high), 1, floor))
    return sorted(found, key=lambda one: (-one.share, one.name))


def check_figure(figure: Floats) -> None:
    """Refuse a figure that no regression can say anything about.

    Raises:
        ValueError: too few runs, values that are not finite, or a constant figure.
    """
    if len(figure) < FEWEST_RUNS:
        raise ValueError(f"{len(figure)} runs, expected at least {FEWEST_RUNS}")
    if not np.isfinite(figure).all():
        raise ValueError("a value is not a finite number")
    if float(np.ptp(figure)) == 0.0:
        raise ValueError("the figure is the same in every run")


def held_out_errors(columns: Sequence[Floats], figure: Floats, seed: int) -> tuple[Floats, Floats]:
    """Squared errors on held-out runs of a ridge regression on all columns, and of the mean: float64[runs] each."""
    from sklearn.linear_model import RidgeCV

    bases = [basis for column in columns if (basis := _basis(column)).shape[1]]
    errors, plain = np.empty(len(figure)), np.empty(len(figure))
    folds = np.random.default_rng([seed, 11]).permutation(len(figure)) % FOLDS
    table = np.column_stack(bases) if bases else np.zeros((len(figure), 1))
    table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-12)
    for fold in range(FOLDS):
        held, seen = folds == fold, folds != fold
        mean = figure[seen].mean()
        plain[held] = (figure[held] - mean) ** 2
        model = RidgeCV(alphas=np.logspace(-1.0, 4.0, 11))
        model.fit(table[seen], figure[seen])
        errors[held] = (figure[held] - model.predict(table[held])) ** 2
    return errors, plain


def information_of_statistics(
    table: Mapping[str, Floats], figure: Floats, statistics: Sequence[Statistic], seed: int
) -> list[Information]:
    """Every statistic that would fix a parameter that varies, the most telling first.

    The interval resamples runs; the floor is the largest share that the same regression finds in DUMMIES tables of as
    many random columns.

    Raises:
        ValueError: as `information_of_parameters`.
    """
    check_figure(figure)
    picks = np.random.default_rng([seed, 13]).integers(0, len(figure), (RESAMPLES, len(figure)))
    floors: dict[int, float] = {}
    found = []
    for statistic in statistics:
        columns = [
            column for name, column in table.items() if statistic.fixes(name) and len(np.unique(column)) > 1
        ]
        if not columns:
            continue
        errors, plain = held_out_errors(columns, figure, seed)
        rest, power = errors[picks].sum(axis=1), plain[picks].sum(axis=1)
        again = 1.0 - rest / np.where(power > 0.0, power, np.inf)
        low, high = (float(np.clip(q, 0.0, 1.0)) for q in np.quantile(again, [0.025, 0.975]))
        if len(columns) not in floors:
            floors[len(columns)] = _floor_of_columns(len(columns), figure, seed)
        share = 1.0 - float(errors.sum()) / float(plain.sum())
        found.append(Information(statistic.id, share, low, high, len(columns), floors[len(columns)]))
    return sorted(found, key=lambda one: (-one.share, one.name))


def _floor_of_columns(number: int, figure: Floats, seed: int) -> float:
    """Largest share found in tables of random columns, 0 at least."""
    generator = np.random.default_rng([seed, 17, number])
    best = 0.0
    for _ in range(DUMMIES):
        errors, plain = held_out_errors([generator.random(len(figure)) for _ in range(number)], figure, seed)
        best = max(best, 1.0 - float(errors.sum()) / float(plain.sum()))
    return best
