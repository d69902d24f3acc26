"""The uncertainty ledger: the variance of a figure split by the law of total variance on a designed grid.

Every combination of structures, futures and parameter draws is run with several replicates of chance. Structures and
futures are given levels of equal weight; draws are a sample, each with its own chance, the same under all structures
and futures (crossed random-effects design; Searle, Casella & McCulloch 1992). All components are estimated without
bias: what chance and the finite number of draws add to a variance of means is taken off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PARAMETERS: Final = "parameters"
CHANCE: Final = "chance"
FUTURE: Final = "future"
STRUCTURE: Final = "structure"
TOGETHER: Final = "together"
SOURCES: Final = (PARAMETERS, CHANCE, FUTURE, STRUCTURE, TOGETHER)
RESAMPLES: Final = 400
LEAST_DRAWS: Final = 8
LEAST_REPLICATES: Final = 2
LEAST_EVENTS: Final = 15


def is_rare(values: Floats) -> bool:
    """Whether a figure of 0 and 1 has too few of either, float64[runs] or a grid, to say what it depends on.

    The runs of a grid that share people and chance (one draw and replicate) count once.
    """
    if not np.isin(values, (0.0, 1.0)).all():
        return False
    chains = values.reshape(-1, *values.shape[2:]) if values.ndim == 4 else values[None]
    return bool(min((chains == one).any(axis=0).sum() for one in (0.0, 1.0)) < LEAST_EVENTS)


@dataclass(frozen=True)
class Component:
    """One source of variance.

    Attributes:
        source: of SOURCES; TOGETHER is what parameters, future and structure do only in combination.
        variance: unbiased estimate, can be slightly negative where the source does nothing.
        share: of the total. low, high: 95 % interval of the share over draws, within 0 to 1.
    """

    source: str
    variance: float
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Ledger:
    """The split variance of one figure.

    Attributes:
        mean, variance: of the figure over the whole grid, levels weighing alike. components: by source.
    """

    mean: float
    variance: float
    components: Mapping[str, Component]


def check_grid(values: Floats) -> None:
    """Refuse a grid that cannot tell the sources apart.

    Args:
        values: float64[structures, futures, draws, replicates].

    Raises:
        ValueError: wrong number of dimensions, too few draws or replicates, or a value that is not finite.
    """
    if values.ndim != 4:
        raise ValueError(f"values {values.shape}: expected structures x futures x draws x replicates")
    if values.shape[2] < LEAST_DRAWS or values.shape[3] < LEAST_REPLICATES:
        raise ValueError(
            f"{values.shape[2]} draws x {values.shape[3]} replicates: expected at least {LEAST_DRAWS} x "
            f"{LEAST_REPLICATES}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} values are not finite numbers")


def split(values: Floats) -> dict[str, float]:
    """Return the variance of each source and, under "total", of all of them together.

    With Y[s, f, d, r], chance is E Var(Y | s, f, d); the rest, Var E(Y | s, f, d), is split into the variances of the
    means over draws (parameters), futures and structures, and what they do in combination only.

    Args:
        values: float64[structures, futures, draws, replicates].

    Raises:
        ValueError: as `check_grid`.
    """
    check_grid(values)
    replicates = values.shape[3]
    chance = float(values.var(axis=3, ddof=1).mean())
    over_levels = values.mean(axis=(0, 1))  # [draws, replicates]
    noise = float(over_levels.var(axis=1, ddof=1).mean()) / replicates
    parameters = float(over_levels.mean(axis=1).var(ddof=1)) - noise
    cells = values.mean(axis=3)  # [structures, futures, draws]
    structure = _between(cells.mean(axis=1))
    future = _between(cells.mean(axis=0))
    inside = float(cells.var(axis=2, ddof=1).mean()) - chance / replicates
    levels = _between(cells.reshape(-1, cells.shape[2]))
    explained = inside + levels
    return {
        PARAMETERS: parameters,
        CHANCE: chance,
        FUTURE: future,
        STRUCTURE: structure,
        TOGETHER: explained - parameters - future - structure,
        "total": chance + explained,
    }


def _between(means: Floats) -> float:
    """Variance of the expectations of equally likely levels, from their means by draw, float64[levels, draws].

    Levels share their draws: what the finite number of draws adds is the variance of the differences from the mean
    over levels, divided by the number of draws.
    """
    effects = means - means.mean(axis=0)
    expected = effects.mean(axis=1)
    noise = effects.var(axis=1, ddof=1).mean() / means.shape[1]
    return float((expected**2).mean() - noise)


def ledger(values: Floats, seed: int = 0) -> Ledger:
    """Split the variance of a figure, with intervals that resample whole draws (all their runs together).

    Args:
        values: float64[structures, futures, draws, replicates]. seed: of the resampling.

    Raises:
        ValueError: as `check_grid`, or the figure is the same in every run.
    """
    found = split(values)
    total = found["total"]
    if total <= 0.0 or float(np.ptp(values)) == 0.0:
        raise ValueError("the figure is the same in every run: nothing to split")
    generator = np.random.default_rng(seed)
    draws = values.shape[2]
    shares: dict[str, list[float]] = {source: [] for source in SOURCES}
    for _ in range(RESAMPLES):
        again = split(values[:, :, generator.integers(0, draws, draws)])
        if again["total"] > 0.0:
            for source in SOURCES:
                shares[source].append(again[source] / again["total"])
    components = {}
    for source in SOURCES:
        low, high = (float(np.clip(q, 0.0, 1.0)) for q in np.quantile(shares[source], [0.025, 0.975]))
        components[source] = Component(source, found[source], found[source] / total, low, high)
    return Ledger(math.fsum(values.ravel().tolist()) / values.size, total, components)


@dataclass(frozen=True)
class RunsNeeded:
    """What more runs would do for the forecast of a figure.

    Attributes:
        runs: in the sample. low, high: the 90 % interval of the figure.
        of_low, of_high: half widths of the 95 % intervals of its two ends, from order statistics.
        needed: runs that would bring the worse of them down to `target` of the interval's width.
    """

    runs: int
    low: float
    high: float
    of_low: float
    of_high: float
    target: float
    needed: int


def runs_needed(values: Floats, target: float = 0.05) -> RunsNeeded | None:
    """How well the ends of the 90 % interval of float64[runs] are known, and how many runs would fix them.

    The 95 % interval of a quantile lies between two order statistics whose ranks are binomial (David & Nagaraja 2003,
    7.1); its width shrinks with the square root of the runs. None with fewer than 40 runs, or no width.
    """
    runs = len(values)
    ordered = np.sort(values)
    low, high = (float(q) for q in np.quantile(values, [0.05, 0.95]))
    if runs < 40 or high <= low:
        return None
    spread = 1.959963984540054 * math.sqrt(runs * 0.05 * 0.95)
    ends = []
    for share in (0.05, 0.95):
        first = max(0, math.floor(runs * share - spread) - 1)
        last = min(runs - 1, math.ceil(runs * share + spread))
        ends.append((float(ordered[last]) - float(ordered[first])) / 2.0)
    needed = math.ceil(runs * (max(ends) / (high - low) / target) ** 2)
    return RunsNeeded(runs, low, high, ends[0], ends[1], target, needed)
