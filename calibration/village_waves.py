"""How fast the state list is cleared: the chance (V5) and its spread between waves, from the waves up to 2017.

A wave takes y villages off, Poisson with mean r E: E are the village-years in which the law allowed it (empty, or under
50 people for three years; empty ones count b_w times), ln r is normal with median r_w and sd s_w between waves. Three
waves are known; that of 2018-19 is held out. E is simulated for 2015-17; before that, when nothing is simulated, it is
that of 2015 and whoever was taken off between.

Repeat with `python -m calibration.village_waves`; it writes waves_posterior.csv in calibration/data/villages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import gammaln
from scipy.stats import norm

from calibration.village_draws import WAVES, WAVES_FILE, read_posterior, write_table
from calibration.village_posterior import KEPT
from calibration.village_transitions import DATA, Floats
from model import draws
from model.csv_tables import Files
from model.founding import build_founding
from model.parameters import ParameterSpace
from model.problems import Problems
from model.village_engine import VillageEngine
from model.village_list import WaveSettings, may_be_dissolved, state_list
from model.villages import villages_of_seed
from model.world import World, load_world

LOG_RATES = np.linspace(math.log(0.002), math.log(0.6), 160)
SPREADS = np.linspace(0.02, 2.5, 125)
SPREAD_PRIOR = 1.0  # half-normal
NODES = norm.ppf((np.arange(200) + 0.5) / 200)
FOUNDINGS = 8
EMPTY_WEIGHT = 3.0  # default of village_wave_empty: before 2018 few villages on the list were empty


@dataclass(frozen=True)
class Wave:
    """Villages taken off in the years `first` to `last`."""

    first: int
    last: int
    abolished: int


def known_waves(path: Path = DATA / "waves.csv") -> list[Wave]:
    """Waves that may be used.

    Raises:
        WorldError: the file is damaged.
    """
    files = Files(Problems("waves of abolition"))
    waves = []
    for row in files.rows(path, ("first", "last", "abolished", "source", "quality")):
        files.quality(path, row)
        numbers = [files.integer(path, row, name, 0, 2018) for name in ("first", "last", "abolished")]
        if None not in numbers:
            waves.append(Wave(*(int(number or 0) for number in numbers)))
    files.problems.raise_if_any()
    return waves


def exposures(waves: Sequence[Wave], exposed: dict[int, float]) -> Floats:
    """Village-years of each wave; `exposed` by year from the first that is simulated on."""
    start = min(exposed)
    earlier = {wave.first: wave for wave in waves if wave.last < start}
    out = []
    for wave in waves:
        if wave.first in earlier:
            years = wave.last - wave.first + 1
            # Those taken off later in the wave were there before, evenly over its years
            out.append(years * exposed[start] + wave.abolished * (years + 1) / 2.0)
        else:
            out.append(sum(exposed[year] for year in range(wave.first, wave.last + 1)))
    return np.array(out)


def log_posterior(abolished: Floats, village_years: Floats) -> Floats:
    """Log posterior of (ln r_w, s_w) on the grid, float64[rates, spreads], up to a constant; flat in ln r_w."""
    total = np.zeros((len(LOG_RATES), len(SPREADS)))
    for y, exposed in zip(abolished, village_years, strict=True):
        log_mean = LOG_RATES[:, None, None] + SPREADS[None, :, None] * NODES + math.log(exposed)
        log_chance = y * log_mean - np.exp(log_mean) - gammaln(y + 1.0)
        top = log_chance.max(axis=2, keepdims=True)
        total += top[:, :, 0] + np.log(np.exp(log_chance - top).mean(axis=2))
    return np.asarray(total - 0.5 * (SPREADS / SPREAD_PRIOR) ** 2)


def sample(log_density: Floats, seed: int, number: int = KEPT) -> Floats:
    """Draws of (r_w, s_w), float64[number, 2]."""
    weight = np.exp(log_density - log_density.max()).ravel()
    chance = np.random.default_rng(seed)
    at = chance.choice(len(weight), number, p=weight / weight.sum())
    rows, columns = np.unravel_index(at, log_density.shape)
    return np.column_stack([np.exp(LOG_RATES[rows]), SPREADS[columns]])


def simulated_exposure(world: World, last: int, rows: Sequence[dict[str, float]]) -> dict[int, float]:
    """Mean number of villages on the list that the law lets be taken off, by year from the start to `last`."""
    assert world.villages is not None
    totals: dict[int, float] = {}
    for number in range(FOUNDINGS):
        own = villages_of_seed(world, world.villages.seed + number)
        assert own.villages is not None
        values = ParameterSpace(own).draw(1, number, rows[number])
        engine = VillageEngine(
            own, build_founding(own), values, draws.run_seed(1, number, 0), horizon=last + 1
        )
        chosen = own.villages.is_village
        people = engine.run().column("population")[:, chosen].astype(np.int64)
        settings = WaveSettings(0.0, 0.0, EMPTY_WEIGHT)
        counted = own.villages.source.counted
        listed = state_list(
            people, own.start, engine.keys[: own.n_sim][chosen], engine.seed, settings, counted
        )
        exposed = listed & may_be_dissolved(people)
        weight = np.where(people == 0, EMPTY_WEIGHT, 1.0)
        for t, year in enumerate(range(own.start, last + 1)):
            totals[year] = totals.get(year, 0.0) + float((weight * exposed)[t].sum()) / FOUNDINGS
    return totals


def main() -> None:
    """Fit, write the draws and print what the next wave of two years is expected to take."""
    waves = known_waves()
    rows = read_posterior()
    exposed = simulated_exposure(load_world("villages"), waves[-1].last, rows)
    village_years = exposures(waves, exposed)
    abolished = np.array([wave.abolished for wave in waves], float)
    found = sample(log_posterior(abolished, village_years), 1)
    write_table(WAVES_FILE, WAVES, found.tolist())
    print("village-years", np.round(village_years, 1), "rates", np.round(abolished / village_years, 3))
    for name, column in zip(WAVES, found.T, strict=True):
        low, median, high = np.quantile(column, (0.05, 0.5, 0.95))
        print(f"{name}: median {median:.3g}, 90 % {low:.3g} to {high:.3g}")
    chance = np.random.default_rng(2)
    mean = (
        2.0 * exposed[waves[-1].last] * found[:, 0] * np.exp(found[:, 1] * chance.standard_normal(len(found)))
    )
    low, median, high = np.quantile(chance.poisson(np.minimum(mean, 700.0)), (0.05, 0.5, 0.95))
    print(f"next wave of two years: {median:.0f} villages ({low:.0f} to {high:.0f})")


if __name__ == "__main__":
    main()
