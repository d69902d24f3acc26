"""The law of sizes, fitted to the counts of 2018: villages under 50 and of at most ten people after three years.

Repeat with `python -m calibration.village_size_law`: it prints the share of remnants and the sd of the body that meet
both counts on average over founding seeds, to be written into model/data/villages/sizes.csv.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from calibration.village_draws import read_posterior
from calibration.village_transitions import Floats
from model import draws
from model.csv_tables import Files
from model.founding import build_founding
from model.parameters import ParameterSpace
from model.problems import Problems
from model.village_engine import VillageEngine
from model.village_sites import read_counts
from model.villages import WholeDistricts
from model.world import World, load_world

COUNTED_YEAR = 2018
FOUNDINGS = 12
STEP = np.array([0.01, 0.05])
ROUNDS = 3


def counts_after(world: World, law: Floats, number: int, rows: list[dict[str, float]]) -> Floats:
    """Villages of 1-49 and of 1-10 people in 2018 of one founding seed; `law` is remnant share and sd of the body."""
    villages = world.villages
    assert villages is not None
    sites = replace(
        villages.source,
        law=replace(villages.source.law, remnant_share=float(law[0]), body_sd=float(law[1])),
    )
    where = {**villages.external, **villages.coordinates}
    own = WholeDistricts(villages.base, sites, villages.coordinates, where).world(villages.seed + number)
    values = ParameterSpace(own).draw(1, number, rows[number])
    engine = VillageEngine(
        own, build_founding(own), values, draws.run_seed(1, number, 0), horizon=COUNTED_YEAR
    )
    assert own.villages is not None
    people = engine.run().column("population")[-1, own.villages.is_village]
    return np.array([((people > 0) & (people < 50)).sum(), ((people > 0) & (people <= 10)).sum()], float)


def mean_counts(world: World, law: Floats, threads: int = 2) -> Floats:
    """Mean over founding seeds of `counts_after`."""
    rows = read_posterior()
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda k: counts_after(world, law, k, rows), range(FOUNDINGS)))
    return np.asarray(np.mean(found, axis=0))


def main() -> None:
    """Newton's method with differences, on shared seeds."""
    world = load_world("villages")
    assert world.villages is not None
    problems = Problems("dated counts of villages")
    counts = read_counts(Files(problems))
    problems.raise_if_any()
    wanted = np.array([counts[("under_50", COUNTED_YEAR)], counts[("at_most_10", COUNTED_YEAR)]], float)
    now = world.villages.source.law
    law = np.array([now.remnant_share, now.body_sd])
    for _ in range(ROUNDS):
        here = mean_counts(world, law)
        print(
            f"remnant_share {law[0]:.4f} body_sd {law[1]:.3f}: under 50 {here[0]:.1f}, at most 10 {here[1]:.1f}"
        )
        if np.abs(here - wanted).max() < 1.0:
            break
        slopes = np.column_stack(
            [(mean_counts(world, law + STEP * unit) - here) / STEP[k] for k, unit in enumerate(np.eye(2))]
        )
        law = np.clip(law + np.linalg.solve(slopes, wanted - here), (0.01, 0.5), (0.3, 1.6))


if __name__ == "__main__":
    main()
