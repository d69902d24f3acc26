"""Ensembles of a world of villages: foundings, parameters and policies of every run."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calibration.village_posterior import read_posterior
from calibration.village_waves import read_waves_posterior
from experiments.design import PROJECT, SOURCES, Batch, Design, Row, Scenario, runs_per_part, source_hashes
from experiments.ensemble import Study, Together
from experiments.failures import RunFailure
from experiments.manifest import Ensemble
from experiments.parts import Columns
from experiments.store import Store
from experiments.village_parts import (
    TABLES,
    VillageOutcome,
    VillagePart,
    classes_of,
    counts_of,
    outcome_of,
    stack,
    villages_of,
)
from experiments.village_policies import POLICIES, VillagePolicy, cost, pull
from model.accounts import AccountsError
from model.draws import run_seed
from model.founding import Founding, build_founding
from model.parameters import ParameterValues
from model.village_engine import VillageEngine
from model.villages import villages_of_seed
from model.world import World

FOUNDINGS = 8  # founding seeds that the runs of an ensemble take in turn
OWN_SOURCES = (
    *SOURCES,
    "model/data/villages/*.csv",
    "calibration/data/villages/*posterior.csv",
    "experiments/village_parts.py",
    "experiments/village_policies.py",
    "experiments/village_study.py",
)
POSTERIOR, PRIOR = "posterior", "prior"


def village_design(
    world: World,
    horizon: int,
    seed: int,
    fixed: Mapping[str, float],
    policies: Sequence[str],
    parameters: str,
    per_village: bool,
) -> Design:
    """Design of an ensemble of villages: the baseline and policies, one replicate per draw."""
    scenarios = [Scenario("baseline")] + [
        Scenario(name, hashlib.sha256(repr(POLICIES[name]).encode()).hexdigest()[:16]) for name in policies
    ]
    kept = "every village" if per_village else f"villages of founding 1 of {FOUNDINGS}"
    return Design(
        world=world.name,
        world_digest=world.digest,
        horizon=horizon,
        seed=seed,
        fixed=tuple(sorted((name, float(value)) for name, value in fixed.items())),
        scenarios=tuple(sorted(scenarios, key=lambda scenario: scenario.name)),
        runs_per_part=runs_per_part(world),
        parameters=f"villages: {parameters}; kept: {kept}",
        code=source_hashes(PROJECT, OWN_SOURCES),
    )


class VillageStore(Store):
    """Store of an ensemble of villages."""

    def __init__(self, folder: Path, ensemble: Ensemble) -> None:
        super().__init__(folder, ensemble, tables=TABLES)


class VillageStudy(Study):
    """A design made ready to run; founding variants differ in their villages and in the size of households.

    Args:
        parameters: "posterior" (village parameters jointly with the rate of leaving) or "prior".
        per_village: keep a row for every village of every run, not only of those of the first founding.
    """

    def __init__(self, design: Design, world: World, parameters: str, per_village: bool) -> None:
        super().__init__(design, world)
        self.parameters, self.per_village = parameters, per_village
        self.rows_of_posterior = (
            [one | other for one, other in zip(read_posterior(), read_waves_posterior(), strict=True)]
            if parameters == POSTERIOR
            else []
        )
        self._variant_locks = [threading.Lock() for _ in range(FOUNDINGS)]
        self._variants: list[tuple[World, Founding] | None] = [None] * FOUNDINGS

    def variant(self, draw: int) -> int:
        """Number of the founding that a draw starts from."""
        return draw % FOUNDINGS

    def size_of(self, variant: int) -> float:
        """Mean household size of a founding."""
        return self.household_sizes[variant % len(self.household_sizes)]

    def settled(self, variant: int) -> tuple[World, Founding]:
        """World and founding population of a variant, built when first asked for."""
        with self._variant_locks[variant]:
            held = self._variants[variant]
            if held is None:
                assert self.world.villages is not None
                world = villages_of_seed(self.world, self.world.villages.seed + variant)
                held = world, build_founding(world, household_size=self.size_of(variant))
                self._variants[variant] = held
        return held

    def _values(self, draw: int) -> ParameterValues:
        given: dict[str, float] = {}
        if self.rows_of_posterior:
            given.update(self.rows_of_posterior[draw % len(self.rows_of_posterior)])
        given.update(self.fixed)
        given["household_size"] = self.size_of(self.variant(draw))
        return self.space.draw(self.design.seed, draw, given)

    def run_outcome(self, row: Row) -> VillageOutcome:
        """Run one row. Pure: the same row always gives the same outcome.

        Raises:
            RunFailure: the run's accounts do not close; names the row.
        """
        world, founding = self.settled(self.variant(row.draw))
        policy: VillagePolicy | None = POLICIES.get(row.scenario.name)
        levers, own = pull(policy, world, self.design.horizon)
        seed, values = run_seed(self.design.seed, row.draw, row.replicate), self.values(row.draw)
        engine = VillageEngine(world, founding, values, seed, levers, self.design.horizon, own)
        try:
            engine.run()
        except AccountsError as error:
            raise RunFailure(f"{row} of design {self.design.identity}: {error}") from error
        record = engine.record
        spent = (
            np.zeros(len(record.years) - 1)
            if policy is None
            else cost(policy, world, record, values.__getitem__)
        )
        return outcome_of(engine, spent)

    def run_together(self, rows: Together) -> list[Any]:
        """Run one pair under all its scenarios."""
        return [self.run_outcome(row) for row in rows]

    def assemble(self, batch: Batch, rows: Sequence[Row], records: Sequence[Any]) -> Any:
        """Part of a batch from the outcomes of its rows."""
        counts: list[Columns] = []
        classes: list[Columns] = []
        villages: list[Columns] = []
        for row, outcome in zip(rows, records, strict=True):
            variant = self.variant(row.draw)
            world = self.settled(variant)[0]
            counts.append(counts_of(world, row, outcome))
            classes.append(classes_of(row, outcome))
            table = villages_of(world, row, variant, outcome)
            if not self.per_village and variant:
                table = {name: values[:0] for name, values in table.items()}
            villages.append(table)
        return VillagePart(batch, stack(counts), stack(classes), stack(villages), self._parameters(rows))

    def _parameters(self, rows: Sequence[Row]) -> Columns:
        drawn = sorted({row.draw for row in rows})
        names = sorted(parameter.name for parameter in self.space.parameters)
        values = {draw: self.values(draw) for draw in drawn}
        return {
            "draw": np.repeat(np.array(drawn, np.int32), len(names)),
            "name": np.tile(np.array(names, dtype=object), len(drawn)),
            "value": np.array([values[draw][name] for draw in drawn for name in names]),
        }


def own_folder(world: World, design: Design, results: Path) -> Path:
    """Default folder of an ensemble."""
    return results / f"extinction-{world.name}-{design.horizon}-{design.identity[:10]}"
