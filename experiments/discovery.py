"""Scenario discovery: boxes of uncertainties in which an outcome of interest concentrates.

Lempert, Bryant & Bankes 2008 compare the two ways to find such boxes, PRIM and classification trees (CART, Breiman et
al. 1984); here a tree of scikit-learn is grown and pruned by cross-validation, its dense leaves are boxes, and a
restriction that a box does not need is dropped (quasi p-value, Bryant & Lempert 2010). Coverage and density are those
of runs that had no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from experiments.intervals import Probability, probability
from experiments.uncertainty_ledger_information import explained_share

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

FEWEST: Final = 20  # runs of interest, and others, where boxes are found; half as many where they are judged
HELD_OUT: Final = 3  # every third parameter draw is held out
FOLDS: Final = 5
DEEPEST: Final = 4
MOST_LEAVES: Final = 12
SMALLEST_LEAF: Final = 0.04
FEWEST_DRAWS: Final = 8  # parameter draws in a leaf
MOST_SCREENED: Final = 8
LIFT: Final = 1.3  # a leaf is a box where the outcome is this much more frequent than overall
NEEDED: Final = 0.05
MOST_BOXES: Final = 4


class TooFewRuns(ValueError):
    """The outcome is too rare or too common among the runs to say where it concentrates."""


@dataclass(frozen=True)
class Restriction:
    """A range of one uncertainty; infinite where it is open.

    Attributes:
        name: of the uncertainty. low, high: the range, low excluded, high included.
        p_value: chance that the box without this restriction would be as dense on held-out runs by luck.
    """

    name: str
    low: float
    high: float
    p_value: float = math.nan

    def holds(self, column: Floats) -> Flags:
        """Which runs lie within it, bool[runs]."""
        return np.asarray((column > self.low) & (column <= self.high))


@dataclass(frozen=True)
class Box:
    """A combination of ranges.

    Attributes:
        restrictions: all of them hold in the box. coverage: share of the runs of interest that lie in it.
            density: share of the runs in it that are of interest. Both on held-out runs, with Wilson's interval.
        found_density: the same where the box was found, for comparison.
        mass: share of held-out runs in the box. overall: share of held-out runs that are of interest.
    """

    restrictions: tuple[Restriction, ...]
    coverage: Probability
    density: Probability
    found_density: float
    mass: float
    overall: float

    @property
    def is_confirmed(self) -> bool:
        """Whether held-out runs bear the box out: its density lies clearly above the share overall."""
        return self.density.events > 0 and self.density.low > self.overall


@dataclass(frozen=True)
class Discovery:
    """What was found for one outcome.

    Attributes:
        outcome: what is of interest. share: of all runs, with Wilson's interval over runs. boxes: the densest first.
        together: coverage of all boxes on held-out runs; None without a box.
    """

    outcome: str
    share: Probability
    boxes: tuple[Box, ...]
    together: Probability | None


def held_out(draws: Integers) -> Flags:
    """Which runs are held out: all those of every third parameter draw, bool[runs]."""
    return np.asarray(draws % HELD_OUT == HELD_OUT - 1)


def discover(
    outcome: str, table: Mapping[str, Floats], interest: Flags, draws: Integers, seed: int
) -> Discovery:
    """Find boxes in which an outcome of interest concentrates.

    Args:
        outcome: its name. table: uncertainties by name, float64[runs]. interest: bool[runs]. draws: int64[runs]
            parameter draw of each run; runs of a draw stay on one side of the split. seed: of the folds.

    Returns:
        No box where cross-validation finds no tree better than the plain share.

    Raises:
        TooFewRuns: fewer than FEWEST runs of interest, or others, on either side of the split.
        ValueError: no uncertainty varies.
    """
    names = [name for name, column in table.items() if len(np.unique(column)) > 1]
    if not names:
        raise ValueError("no uncertainty varies: all are fixed")
    out = held_out(draws)
    size = len(interest) / len(np.unique(draws))
    share = hanging_together(int(interest.sum()), len(interest), size)
    for part, fewest in ((interest[~out], FEWEST), (interest[out], FEWEST // 2)):
        if min(int(part.sum()), int((~part).sum())) < fewest:
            raise TooFewRuns(
                f"{int(interest.sum())} of {len(interest)} runs ({share}): too few of either kind to find boxes"
            )
    columns = np.column_stack([table[name] for name in names])
    paths = _dense_leaves(columns[~out], interest[~out], draws[~out], seed)
    boxes: list[Box] = []
    inside_any = np.zeros(int(out.sum()), np.bool_)
    for path in paths:
        ranges = [Restriction(names[k], low, high) for k, (low, high) in sorted(path.items())]
        ranges = _needed({n: table[n][~out] for n in names}, interest[~out], ranges)
        box = judged({n: table[n][out] for n in names}, interest[out], ranges, size)
        if box is None or any(box.restrictions == other.restrictions for other in boxes):
            continue
        found = _inside({n: table[n][~out] for n in names}, ranges)
        boxes.append(replace(box, found_density=float(interest[~out][found].mean())))
        inside_any |= _inside({n: table[n][out] for n in names}, ranges)
    boxes.sort(key=lambda box: -box.density.share)
    together = (
        hanging_together(int((inside_any & interest[out]).sum()), int(interest[out].sum()), size)
        if boxes
        else None
    )
    return Discovery(outcome, share, tuple(boxes[:MOST_BOXES]), together)


@dataclass(frozen=True)
class _Grower:
    """Grows trees: screens the uncertainties, then splits on the ones that passed.

    Attributes:
        smallest: fewest runs in a leaf. seed: of ties between equal splits.
    """

    smallest: int
    seed: int

    def columns(self, table: Floats, interest: Flags, draws: Integers) -> Integers:
        """Columns that trees may split on: the parameters that tell most, and all that vary within a draw.

        A tree that may choose among a hundred uncertainties finds a split in noise; each is first looked at alone, on
        the means of the draws, whose runs are not independent.
        """
        numbers = draw_numbers(draws)
        size = np.bincount(numbers)
        share = np.bincount(numbers, weights=interest) / size
        order = np.argsort(numbers, kind="stable")
        firsts = order[np.concatenate(([0], np.cumsum(size)[:-1]))]
        within = (table != table[firsts][numbers]).any(axis=0)
        alone = [
            -1.0 if within[k] or np.ptp(share) == 0.0 else explained_share(table[firsts, k], share)
            for k in range(table.shape[1])
        ]
        best = np.argsort(alone)[::-1][:MOST_SCREENED]
        return np.asarray(
            np.sort(np.concatenate((best[~within[best]], np.flatnonzero(within)))), dtype=np.int64
        )

    def tree(self, alpha: float) -> DecisionTreeClassifier:
        """A tree that is not grown yet, with a cost of complexity."""
        from sklearn.tree import DecisionTreeClassifier

        return DecisionTreeClassifier(
            max_depth=DEEPEST,
            max_leaf_nodes=MOST_LEAVES,
            min_samples_leaf=self.smallest,
            ccp_alpha=alpha,
            random_state=self.seed,
        )


def _dense_leaves(
    table: Floats, interest: Flags, draws: Integers, seed: int
) -> list[dict[int, tuple[float, float]]]:
    """Ranges by column of the leaves in which the outcome is clearly more frequent, the densest first."""
    runs_of_a_draw = len(interest) / len(np.unique(draws))
    smallest = math.ceil(max(SMALLEST_LEAF * len(interest), FEWEST_DRAWS * runs_of_a_draw))
    grower = _Grower(smallest, seed)
    alpha = _pruning(grower, table, interest, draws)
    if alpha is None:
        return []
    screened = grower.columns(table, interest, draws)
    tree = grower.tree(alpha).fit(table[:, screened], interest).tree_
    overall = float(interest.mean())
    found: list[tuple[float, dict[int, tuple[float, float]]]] = []

    def descend(node: int, ranges: dict[int, tuple[float, float]]) -> None:
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == right:
            density = float(tree.value[node][0][1] / tree.value[node][0].sum())
            if ranges and density >= min(LIFT * overall, 1.0 - (1.0 - overall) / LIFT):
                found.append((density, ranges))
            return
        column, cut = int(screened[tree.feature[node]]), float(tree.threshold[node])
        low, high = ranges.get(column, (-math.inf, math.inf))
        descend(left, {**ranges, column: (low, min(high, cut))})
        descend(right, {**ranges, column: (max(low, cut), high)})

    descend(0, {})
    return [ranges for _, ranges in sorted(found, key=lambda one: -one[0])]


def _pruning(grower: _Grower, table: Floats, interest: Flags, draws: Integers) -> float | None:
    """Cost of complexity of the simplest tree that is not clearly worse than the best; None where no tree helps.

    The score is Brier's on held-out draws, screening repeated without them. The best must beat the plain share by one
    standard error of the difference, the simplest may be worse than the best by one (Breiman et al. 1984, paired by
    draw).
    """
    screened = grower.columns(table, interest, draws)
    path = grower.tree(0.0).cost_complexity_pruning_path(table[:, screened], interest).ccp_alphas
    if len(path) < 2:
        return None
    alphas: Floats = np.unique(np.sqrt(np.maximum(path[:-1], 0.0) * np.maximum(path[1:], 0.0)))
    numbers = draw_numbers(draws)
    size = np.bincount(numbers)
    folds = (np.random.default_rng(grower.seed).permutation(len(size)) % FOLDS)[numbers]
    plain, errors = np.empty(len(interest)), np.empty((len(alphas), len(interest)))
    for fold in range(FOLDS):
        held, seen = folds == fold, folds != fold
        plain[held] = (interest[held] - interest[seen].mean()) ** 2
        own = grower.columns(table[seen], interest[seen], draws[seen])
        for k, alpha in enumerate(alphas):
            model = grower.tree(float(alpha)).fit(table[np.ix_(seen, own)], interest[seen])
            kinds = model.classes_.tolist()
            chance = (
                model.predict_proba(table[np.ix_(held, own)])[:, kinds.index(True)] if True in kinds else 0.0
            )
            errors[k, held] = (interest[held] - chance) ** 2
    by_draw = np.stack([np.bincount(numbers, weights=row) for row in (plain, *errors)]) / size
    scores = by_draw.mean(axis=1)
    best = 1 + int(scores[1:].argmin())
    if scores[0] - scores[best] <= _standard_error(by_draw[0] - by_draw[best]):
        return None
    simplest = [
        k
        for k in range(1, len(scores))
        if scores[k] - scores[best] <= _standard_error(by_draw[k] - by_draw[best])
    ]
    return float(alphas[max(simplest) - 1])


def draw_numbers(draws: Integers) -> Integers:
    """Number of each run's draw among the draws that occur, int64[runs]: runs of a draw are not independent."""
    return np.asarray(np.unique(draws, return_inverse=True)[1], dtype=np.int64)


def _standard_error(values: Floats) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def _inside(table: Mapping[str, Floats], restrictions: Sequence[Restriction]) -> Flags:
    """Runs for which all restrictions hold."""
    runs = len(next(iter(table.values())))
    inside = np.ones(runs, np.bool_)
    for one in restrictions:
        inside &= one.holds(table[one.name])
    return inside


def _p_value(
    table: Mapping[str, Floats], interest: Flags, restrictions: Sequence[Restriction], one: Restriction
) -> float:
    """Chance of as many runs of interest in the box if the restriction did nothing (Bryant & Lempert 2010)."""
    without = _inside(table, [other for other in restrictions if other is not one])
    inside = _inside(table, restrictions)
    if not inside.any():
        return 1.0
    return float(
        binom.sf(int(interest[inside].sum()) - 1, int(inside.sum()), float(interest[without].mean()))
    )


def _needed(
    table: Mapping[str, Floats], interest: Flags, restrictions: Sequence[Restriction]
) -> list[Restriction]:
    """Restrictions without those that the box does not need, the least needed dropped first."""
    kept = list(restrictions)
    while len(kept) > 1:
        values = [_p_value(table, interest, kept, one) for one in kept]
        worst = int(np.argmax(values))
        if values[worst] <= NEEDED:
            break
        kept.pop(worst)
    return kept


def hanging_together(hits: int, runs: int, size: float) -> Probability:
    """A share of runs whose interval counts groups of `size` runs (of one draw, under several futures) once.

    Exact where the runs of a group are alike, too wide where they differ.
    """
    groups = max(1, round(runs / size))
    interval = probability(min(groups, round(hits / size)), groups)
    share = hits / runs
    return Probability(hits, runs, min(interval.low, share), max(interval.high, share))


def judged(
    table: Mapping[str, Floats], interest: Flags, restrictions: Sequence[Restriction], size: float = 1.0
) -> Box | None:
    """Coverage and density of a box on runs that had no part in finding it; None where it holds none of them.

    Args:
        size: runs of one parameter draw, which hang together.
    """
    inside = _inside(table, restrictions)
    hits = int((inside & interest).sum())
    if not inside.any() or not interest.any():
        return None
    return Box(
        tuple(replace(one, p_value=_p_value(table, interest, restrictions, one)) for one in restrictions),
        hanging_together(hits, int(interest.sum()), size),
        hanging_together(hits, int(inside.sum()), size),
        math.nan,
        float(inside.mean()),
        float(interest.mean()),
    )
