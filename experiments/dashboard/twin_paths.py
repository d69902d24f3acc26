"""Expected paths of the cohort twin for the preview: run beside each other, kept while a reader moves a slider."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from calibration.cohort_twin import CohortPath, CohortTwin
from experiments.campaign import default_threads
from experiments.design import Scenario
from experiments.ensemble import Study
from model.draws import run_seed
from model.world import World

MOST_HELD = 120  # paths; one of the region has about 0.4 MB
Key = tuple[str, int, int, int]


class TwinPaths:
    """The twin's paths of one world, by scenario, draw, seed and horizon."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._twins: dict[int, CohortTwin] = {}
        self._held: OrderedDict[Key, CohortPath] = OrderedDict()

    def paths(self, study: Study, draw: int) -> list[CohortPath]:
        """One path for every scenario of a study, under the shocks of the same run.

        Raises:
            AccountsError: the accounts of a place do not close.
        """
        twin = self._twin(study, study.variant(draw))
        design, values = study.design, study.values(draw)
        seed = run_seed(design.seed, draw, 0)
        keys = [_key(scenario, design.seed, draw, design.horizon) for scenario in design.scenarios]
        missing = {
            key: scenario
            for key, scenario in zip(keys, design.scenarios, strict=True)
            if key not in self._held
        }
        found = {key: self._held[key] for key in keys if key in self._held}

        def one(scenario: Scenario) -> CohortPath:
            return twin.run(values, scenario.levers, design.horizon, seed)

        if missing:
            with ThreadPoolExecutor(min(default_threads(), len(missing)), "twin") as pool:
                found |= dict(zip(missing, pool.map(one, missing.values()), strict=True))
        self._keep(keys, found)
        return [found[key] for key in keys]

    def _keep(self, keys: Sequence[Key], found: dict[Key, CohortPath]) -> None:
        for key in keys:
            self._held[key] = found[key]
            self._held.move_to_end(key)
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)

    def _twin(self, study: Study, variant: int) -> CohortTwin:
        if variant not in self._twins:
            self._twins[variant] = CohortTwin(self.world, study.founding(variant))
        return self._twins[variant]


def _key(scenario: Scenario, seed: int, draw: int, horizon: int) -> Key:
    """What a path depends on, in one world: the digest holds the policy and the future."""
    return scenario.digest, seed, draw, horizon
