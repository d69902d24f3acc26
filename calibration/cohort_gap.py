"""How far the cohort twin is from the engine's mean, measured: `python -m calibration.cohort_gap`.

Prints the tables of `docs/cohort-twin.md`: speed, the gap by quantity at the default parameters, the gap by
ingredient of the rules, and what the twin saves as control variate.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.cohort_control import adjust_mean, twin_paths
from calibration.cohort_lone_world import ALIKE, LONE, NO_SHOCKS, one_person_founding
from calibration.cohort_twin import CohortTwin
from model.draws import run_seed
from model.engine import simulate
from model.founding import Founding, build_founding
from model.parameters import ParameterSpace, ParameterValues
from model.world import World, load_world

Floats = NDArray[np.float64]
QUANTITIES = (
    "population", "births", "deaths", "in_migration", "out_migration", "out_russia", "employed",
    "unemployment_rate", "hidden_unemployment_rate", "wage", "wear", "households", "share_65", "pupils",
)  # fmt: skip
HORIZON = 2045
LATER_CONTROLS = 20  # draws of the twin alone for each run of the engine
FIRST_LATER_DRAW = 1_000_000
LIMIT_SEEDS = {1: 96, 4: 48, 16: 20}  # runs by size of the founding population


@dataclass(frozen=True)
class Gap:
    """Twin against the engine's mean over seeds, summed (rates: averaged) over the simulated places.

    `relative` is twin over mean minus one, `error` the standard error of the mean in the same unit.
    """

    quantity: str
    year: int
    mean: float
    twin: float
    relative: float
    error: float


def measure_gap(
    world: World, founding: Founding, values: ParameterValues, seeds: int, years: Sequence[int],
    quantities: Sequence[str] = QUANTITIES,
) -> list[Gap]:  # fmt: skip
    """Run the engine `seeds` times and compare its mean with the twin (flows of `HORIZON`: of the year before)."""
    records = [simulate(world, founding, values, run_seed(1, 0, k)) for k in range(seeds)]
    path = CohortTwin(world, founding).run(values)
    gaps = []
    for quantity in quantities:
        for year in years:
            t = year - world.start
            if math.isnan(path.column(quantity)[t, 0]):
                t -= 1
            runs = np.array([record.column(quantity)[t].mean() for record in records])
            mean, twin = float(runs.mean()), float(path.column(quantity)[t].mean())
            error = float(runs.std(ddof=1)) / math.sqrt(seeds)
            gaps.append(Gap(quantity, world.start + t, mean, twin, twin / mean - 1.0, error / mean))
    return gaps


def ladder_of_rules(world: World, values: ParameterValues) -> Iterator[tuple[str, Founding, ParameterValues]]:
    """Full rules, then one ingredient after the other taken out, down to one-person households all alike."""
    founding = build_founding(world)
    yield "full rules", founding, values
    changes: dict[str, float] = {}
    steps: tuple[tuple[str, Mapping[str, float]], ...] = (
        ("without shocks that strike whole places", NO_SHOCKS),
        ("and without stayers", {"stayer_share": 0.0}),
        ("and without kin", {"kin_scale": 0.0}),
        ("and all incomes equal to the local wage", ALIKE),
    )
    for name, step in steps:
        changes.update(step)
        yield name, founding, values.with_values(expand(values.space, changes))
    yield (
        "and one-person households",
        one_person_founding(founding),
        values.with_values(expand(values.space, {**changes, "union_rate": 0.0, "leaving_home_rate": 0.0})),
    )


def expand(space: ParameterSpace, changes: Mapping[str, float]) -> dict[str, float]:
    """Full names of parameters of places."""
    return {full: value for name, value in changes.items() for full in space.expand(name, "cohort gap")}


def measure_speed(
    world: World, founding: Founding, values: ParameterValues, times: int = 50
) -> tuple[float, float]:
    """Best milliseconds of a run of the twin and of the engine, after compilation."""
    twin = CohortTwin(world, founding)
    best: list[float] = []
    for run in (lambda: twin.run(values), lambda: simulate(world, founding, values, run_seed(1, 0, 0))):
        run()
        fastest = math.inf
        for _ in range(times if not best else max(3, times // 10)):
            started = time.process_time()
            run()
            fastest = min(fastest, time.process_time() - started)
        best.append(1000.0 * fastest)
    return best[0], best[1]


def report_speed(world: World, founding: Founding, values: ParameterValues) -> None:
    """Print the best times."""
    twin, engine = measure_speed(world, founding, values)
    print(f"\nSpeed, {world.name} 2015-{HORIZON}, best of many, processor time of one core")
    print(f"| twin | {twin:.2f} ms |\n| engine | {engine:.1f} ms |")


def report_gaps(world: World, founding: Founding, values: ParameterValues, seeds: int) -> None:
    """Print the gap of every quantity under the full rules."""
    print(f"\nGap by quantity, {world.name}, default parameters, full rules, mean of {seeds} seeds")
    print(
        "| quantity | year | engine's mean | twin | gap, % | standard error, % |\n|---|---|---|---|---|---|"
    )
    for gap in measure_gap(world, founding, values, seeds, (2020, 2030, HORIZON)):
        print(
            f"| {gap.quantity} | {gap.year} | {gap.mean:.5g} | {gap.twin:.5g} "
            f"| {100 * gap.relative:+.2f} | {100 * gap.error:.2f} |"
        )


def report_ladder(world: World, values: ParameterValues, seeds: int) -> None:
    """Print the gap in population as ingredients of the rules are taken out."""
    print(f"\nGap in population by ingredient of the rules, {world.name}, {seeds} seeds")
    print("| rules | 2030, % | standard error | 2045, % | standard error |\n|---|---|---|---|---|")
    for name, founding, changed in ladder_of_rules(world, values):
        near, far = measure_gap(world, founding, changed, seeds, (2030, HORIZON), ("population",))
        print(
            f"| {name} | {100 * near.relative:+.2f} | {100 * near.error:.2f} "
            f"| {100 * far.relative:+.2f} | {100 * far.error:.2f} |"
        )


def report_limit(world: World, values: ParameterValues, seeds: Mapping[int, int]) -> None:
    """Print how the engine goes to the twin where it must, for `seeds` runs by size (times the founders)."""
    alike = values.with_values(expand(values.space, {**NO_SHOCKS, **ALIKE, **LONE}))
    at = [year - world.start for year in (2025, 2035, HORIZON)]
    print("\nLimit: one-person households, all alike")
    print(
        "| people | seeds | root mean square deviation of a place, % | bias of all in 2045, % | error |\n"
        "|---|---|---|---|---|"
    )
    spread = []
    for size, runs in seeds.items():
        founding = one_person_founding(build_founding(world, replicates=size))
        twin = CohortTwin(world, founding).run(alike).column("population")[at]
        engine = np.array(
            [
                simulate(world, founding, alike, run_seed(11, size, k)).column("population")[at]
                for k in range(runs)
            ]
        )
        spread.append(math.sqrt(float(((engine / twin - 1.0) ** 2).mean())))
        bias = engine[:, -1].sum(axis=1) / twin[-1].sum() - 1.0
        error = float(bias.std(ddof=1)) / math.sqrt(runs)
        print(
            f"| {founding.n_people} | {runs} | {100 * spread[-1]:.2f} | {100 * float(bias.mean()):+.2f} "
            f"| {100 * error:.2f} |"
        )
    rate = float(np.polyfit(np.log(list(seeds)), np.log(spread), 1)[0])
    print(f"Deviations fall with the number of people to the power {rate:.2f}")


def report_control(world: World, founding: Founding, space: ParameterSpace, runs: int) -> None:
    """Print what the twin saves in the means of population over prior draws."""
    numbers = range(runs)
    later = range(FIRST_LATER_DRAW, FIRST_LATER_DRAW + LATER_CONTROLS * runs)
    engine = np.array(
        [simulate(world, founding, space.draw(1, k), run_seed(1, k, 0)).column("population") for k in numbers]
    )
    twin = CohortTwin(world, founding)
    print(
        f"\nControl variate, {world.name}, {runs} prior draws, E[C] from {len(later)} further draws of the twin"
    )
    print("| control | year | place | correlation | sd of the mean, plain | adjusted | variance reduced by |")
    print("|---|---|---|---|---|---|---|")
    for shares, name in ((False, "expected path"), (True, "path with the run's shocks")):
        control = twin_paths(twin, space, 1, numbers, shares_shocks=shares)
        known = twin_paths(twin, space, 1, later, shares_shocks=shares)
        for year in (2030, HORIZON):
            t = year - world.start
            for place in range(world.n_sim + 1):
                columns = [
                    table[:, t].sum(axis=1) if place == world.n_sim else table[:, t, place]
                    for table in (engine, control, known)
                ]
                mean = adjust_mean(*columns)
                label = "all" if place == world.n_sim else world.ids[place]
                print(
                    f"| {name} | {year} | {label} | {mean.correlation:.3f} | {mean.plain_error:.1f} "
                    f"| {mean.adjusted_error:.1f} | {mean.reduction:.1f} |"
                )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m calibration.cohort_gap", description=__doc__)
    parser.add_argument("--world", default="towns")
    parser.add_argument("--seeds", type=int, default=200, help="runs of the engine for each gap")
    parser.add_argument("--runs", type=int, default=300, help="prior draws for the control variate; 0: none")
    parser.add_argument(
        "--limit", action="store_true", help="only the limit of one-person households, all alike"
    )
    chosen = parser.parse_args(arguments)
    world = load_world(chosen.world)
    founding, space = build_founding(world), ParameterSpace(world)
    values = space.defaults()
    if chosen.limit:
        report_limit(world, values, LIMIT_SEEDS)
        return
    report_speed(world, founding, values)
    report_gaps(world, founding, values, chosen.seeds)
    report_ladder(world, values, chosen.seeds)
    if chosen.runs:
        report_control(world, founding, space, chosen.runs)


if __name__ == "__main__":
    main()
