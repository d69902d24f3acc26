"""How far the cohort twin's ages are from the engine's mean: `python -m calibration.twin_ages`.

Prints the table of ages of `docs/cohort-twin.md`. The shocks that strike whole places are switched off, so that few
runs suffice to see a gap.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.cohort_gap import expand
from calibration.cohort_lone_world import NO_SHOCKS
from calibration.cohort_twin import CohortTwin
from model.draws import run_seed
from model.engine import simulate
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace, ParameterValues
from model.world import World, load_world

AGE_GROUPS: Final = ((0, 9), (10, 16), (17, 21), (22, 26), (27, 32), (33, 49), (50, 64), (65, 110))


@dataclass(frozen=True)
class AgeGap:
    """People of an age group in all places together: mean of the engine's runs, the twin, error of the mean."""

    first: int
    last: int
    mean: float
    twin: float
    error: float

    @property
    def relative(self) -> float:
        """Twin over mean minus one."""
        return self.twin / self.mean - 1.0


def measure_ages(
    world: World, founding: Founding, values: ParameterValues, seeds: int, horizon: int
) -> list[AgeGap]:
    """Compare the people of each age group on 1 January `horizon`; `seeds`: runs of the engine, at least 2."""
    records = [simulate(world, founding, values, run_seed(1, 0, k), horizon=horizon) for k in range(seeds)]
    runs = np.array([record.pyramid_last.sum(axis=(0, 1)) for record in records], dtype=np.float64)
    twin = CohortTwin(world, founding).run(values, horizon=horizon).pyramid_last.sum(axis=(0, 1))
    gaps = []
    for first, last in AGE_GROUPS:
        people = runs[:, first : last + 1].sum(axis=1)
        error = float(people.std(ddof=1)) / math.sqrt(seeds)
        gaps.append(AgeGap(first, last, float(people.mean()), float(twin[first : last + 1].sum()), error))
    return gaps


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m calibration.twin_ages", description=__doc__)
    parser.add_argument("--world", default="towns")
    parser.add_argument("--seeds", type=int, default=100, help="runs of the engine")
    parser.add_argument("--horizon", type=int, default=2030)
    chosen = parser.parse_args(arguments)
    world = load_world(chosen.world)
    values = ParameterSpace(world).defaults()
    calm = values.with_values(expand(values.space, NO_SHOCKS))
    print("| age | engine's mean | twin | gap, % | standard error, % |\n|---|---|---|---|---|")
    for gap in measure_ages(world, build_founding(world), calm, chosen.seeds, chosen.horizon):
        print(
            f"| {gap.first}-{gap.last} | {gap.mean:,.0f} | {gap.twin:,.0f} | {100 * gap.relative:+.1f} "
            f"| {100 * gap.error / gap.mean:.1f} |"
        )


if __name__ == "__main__":
    main()
