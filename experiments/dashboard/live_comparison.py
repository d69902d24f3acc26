"""A live comparison: scenarios as the page describes them, run pair by pair in this process, summed up as it grows.

The runs are those of `qyzyljar compare` with the same seed: the same draws, founders and chance. Only what the page
shows leaves this file, as plain numbers.
"""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.campaign import default_threads
from experiments.compare import comparison_design
from experiments.compare_effects import Effects
from experiments.compare_scenarios import BASELINE, Case, Comparison
from experiments.dashboard.live_summary import Summary, summary_of
from experiments.dashboard.session import MOST_RUNS
from experiments.dashboard.twin_paths import TwinPaths
from experiments.design import Batch, Scenario, check_horizon
from experiments.ensemble import Study, Together
from experiments.failures import BadInput
from experiments.forecast import read_world
from experiments.parameter_source import parameter_source
from model.record import COLUMN_NAMES
from model.world import World
from scenarios.problems import ScenarioError
from scenarios.reading import load_future, load_policy
from scenarios.translation import levers_of

MOST_SCENARIOS = 4
FIRST_RUNS = 4  # runs before the ensemble is first shown; each further look has half as many again
PREVIEW_SECONDS = 0.2  # kept paths cost nothing: what stays as it was gets more draws with every preview
FEWEST_PREVIEW_DRAWS = 2  # one would have no interval
MOST_PREVIEW_DRAWS, PREVIEW_PLACES = (
    12,
    60,
)  # draws, and draws times places: large worlds are summed up more slowly
Floats = NDArray[np.float64]


class Cancelled(Exception):
    """The user asked to stop."""


@dataclass(frozen=True)
class Wish:
    """What a page asks for.

    Attributes:
        scenarios: (slot, text of the policy file, name of a shipped future), at most four.
    """

    world: str
    horizon: int
    seed: int
    runs: int
    scenarios: tuple[tuple[str, str, str], ...]

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> Wish:
        """Read a message of the page. Raises BadInput where a number is out of bounds."""
        wish = cls(
            str(message["world"]),
            int(message["horizon"]),
            int(message["seed"]),
            int(message["runs"]),
            tuple((str(s["slot"]), str(s["policy"]), str(s["future"])) for s in message["scenarios"]),
        )
        if not 1 <= len(wish.scenarios) <= MOST_SCENARIOS:
            raise BadInput(f"{len(wish.scenarios)} scenarios: expected 1 to {MOST_SCENARIOS}")
        if not 2 <= wish.runs <= MOST_RUNS:
            raise BadInput(f"{wish.runs} runs: expected 2 to {MOST_RUNS}")
        return wish


class HeldRuns:
    """Figures of runs in memory, as `Effects` reads them.

    Attributes:
        flows: persons by year, place and destination, mean over runs: float64[scenarios, years, n_sim, n_all].
    """

    def __init__(self, world: World, horizon: int, scenarios: Sequence[str]) -> None:
        self.places = world.ids[: world.n_sim]
        self.years: NDArray[np.int64] = np.arange(world.start, horizon + 1)
        self.scenarios = tuple(scenarios)
        self.pairs: tuple[int, ...] = ()
        self._values: list[list[Floats]] = [[] for _ in scenarios]
        self._flows = np.zeros((len(scenarios), len(self.years) - 1, world.n_sim, world.n_all))

    @property
    def runs(self) -> int:
        """Pairs held."""
        return len(self.pairs)

    @property
    def flows(self) -> Floats:
        """Mean moves by year, place and destination."""
        mean: Floats = self._flows / max(1, self.runs)
        return mean

    def add(self, pair: int, records: Sequence[Any]) -> None:
        """Add a pair: one record for every scenario, in their order."""
        for s, record in enumerate(records):
            self._values[s].append(record.values)
            self._flows[s] += record.flows
        self.pairs = (*self.pairs, pair)

    def columns(self, names: Sequence[str]) -> dict[str, Floats]:
        """Columns by name, float64[scenarios, runs, years, places]."""
        at = [COLUMN_NAMES.index(name) for name in names]
        held = np.stack([np.stack([values[at] for values in one]) for one in self._values])
        return {name: held[:, :, k] for k, name in enumerate(names)}


class LiveComparison:
    """One world made ready: founders, parameters and the twin are kept between the wishes of a page."""

    def __init__(self, world: str) -> None:
        """Load a world. Raises BadInput."""
        self.world_name = world
        self.world = read_world(world)
        self.source = parameter_source(self.world, world)
        self._paths = TwinPaths(self.world)
        self._study: Study | None = None

    def warm_twin(self) -> None:
        """Compile, or load, the kernels of a preview."""
        self.preview(self._short_wish())

    def warm_engine(self) -> None:
        """Compile, or load, the kernels of a run."""
        study, _ = self.ready(self._short_wish())
        study.run_together(_together(study, 0))

    def _short_wish(self) -> Wish:
        text = 'schema = 1\nkind = "policy"\n[title]\nen = "warm"\n'
        return Wish(self.world_name, self.world.start + 2, 1, 2, (("A", text, "reference"),))

    @property
    def _most_draws(self) -> int:
        return max(FEWEST_PREVIEW_DRAWS, min(MOST_PREVIEW_DRAWS, PREVIEW_PLACES // self.world.n_sim))

    def preview(self, wish: Wish) -> Summary:
        """Expected paths of the cohort twin for a few draws, under the shocks of the same runs.

        Raises:
            BadInput: a scenario that cannot be used.
        """
        begun = time.perf_counter()
        study, comparison = self.ready(wish)
        names = [scenario.name for scenario in study.design.scenarios]
        held = HeldRuns(self.world, wish.horizon, names)
        draws = study.design.replicates
        variants = len(study.household_sizes)
        for number in range(self._most_draws):
            draw = number * variants  # draws that share one founding population
            held.add(draw * draws, self._paths.paths(study, draw))
            if number and time.perf_counter() - begun > PREVIEW_SECONDS:
                break
        return summary_of("preview", Effects(comparison, self.world, held), study, held, held.flows)

    def foresee(self, wish: Wish, stopped: Callable[[], bool]) -> None:
        """Work out the paths that a preview of a wish can use, a few at a time: it will find them kept.

        Args:
            stopped: asked between paths; true when the reader has asked for something, which comes first.

        Raises:
            BadInput: a scenario that cannot be used.
        """
        study, _ = self.ready(wish)
        scenarios, at_once = study.design.scenarios, default_threads()
        for number in range(self._most_draws):
            for first in range(0, len(scenarios), at_once):
                if stopped():
                    return
                part = copy.copy(study)
                part.design = replace(study.design, scenarios=scenarios[first : first + at_once])
                self._paths.paths(part, number * len(study.household_sizes))

    def run(
        self,
        wish: Wish,
        on_progress: Callable[[int, int], None],
        on_summary: Callable[[Summary], None],
        stopped: Callable[[], bool],
        threads: int | None = None,
    ) -> Summary:
        """The ensemble on the real model; looks at it in between.

        Raises:
            BadInput, RunFailure. Cancelled: `stopped` became true.
        """
        study, comparison = self.ready(wish)
        held = HeldRuns(self.world, wish.horizon, [scenario.name for scenario in study.design.scenarios])
        done, look = 0, FIRST_RUNS
        on_progress(0, wish.runs)

        def one(pair: int) -> list[Any]:
            if stopped():
                raise Cancelled
            return study.run_together(_together(study, pair))

        with ThreadPoolExecutor(threads or default_threads(), "run") as pool:
            futures = [pool.submit(one, pair) for pair in range(wish.runs)]
            try:
                for pair, future in enumerate(futures):
                    held.add(pair, future.result())
                    done += 1
                    on_progress(done, wish.runs)
                    if done == look and done < wish.runs:
                        on_summary(
                            summary_of(
                                "partial", Effects(comparison, self.world, held), study, held, held.flows
                            )
                        )
                        look += max(FIRST_RUNS, look // 2)
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
        return summary_of("final", Effects(comparison, self.world, held), study, held, held.flows)

    def ready(self, wish: Wish) -> tuple[Study, Comparison]:
        """The study and comparison of a wish; founders and draws are those of the last one with the same seed."""
        check_horizon(wish.horizon, self.world)
        comparison = read_wish(wish, self.world)
        last = self._study
        if last is None or last.design.seed != wish.seed:
            design = comparison_design(self.world, wish.horizon, wish.seed, {}, comparison, self.source)
            self._study = Study(design, self.world)
            return self._study, comparison
        # Founders and parameter draws depend on the seed alone, not on scenarios nor the horizon
        study = copy.copy(last)
        study.design = replace(last.design, horizon=wish.horizon, scenarios=comparison.scenarios())
        return study, comparison


def _together(study: Study, pair: int) -> Together:
    return tuple(study.design.rows(Batch(0, pair, pair + 1)))


def read_wish(wish: Wish, world: World) -> Comparison:
    """The baseline and the wished scenarios under their futures, as a comparison.

    Raises:
        BadInput: lists what is wrong with any of them, by slot.
    """
    problems: list[str] = []
    cases: list[Case] = []
    base = load_policy(BASELINE)
    with tempfile.TemporaryDirectory(prefix="qyzyljar-") as folder:
        for slot, text, future in wish.scenarios:
            path = Path(folder) / f"{slot}.toml"
            path.write_text(text, encoding="utf-8", newline="\n")
            try:
                policy, under = load_policy(str(path)), load_future(future)
                pairs = [(BASELINE, base), (slot, policy)]
                for name, one in pairs:
                    full = f"{name}@{future}"
                    if any(case.name == full for case in cases):
                        continue
                    levers = levers_of(one, under, world, wish.horizon)
                    digest = f"{one.digest[:16]}-{under.digest[:16]}"
                    cases.append(
                        Case(full, name, future, one.title("en"), Scenario(full, digest, levers), one)
                    )
            except ScenarioError as error:
                problems.append(str(error).replace(str(path), slot))
    if problems:
        raise BadInput("\n".join(dict.fromkeys(problems)))
    return Comparison(tuple(cases), None, ())
