"""Ensembles of a world of villages: foundings, parameters and policies of every run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calibration.village_draws import calibrated_villages
from experiments.branches import branch
from experiments.design import PROJECT, SOURCES, Batch, Design, Row, runs_per_part, source_hashes
from experiments.ensemble import Study, Together, check_code, read_only
from experiments.failures import RunFailure
from experiments.parts import Columns
from experiments.village_cases import VillageCase, future_levers
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
from experiments.village_policies import FIRST_YEAR, cost, pull
from model.accounts import AccountsError
from model.draws import run_seed
from model.founding import Founding, build_founding
from model.levers import Levers
from model.parameters import ParameterValues
from model.village_engine import VillageEngine, VillageLevers
from model.villages import villages_of_seed
from model.world import World

FOUNDINGS = 8  # founding seeds that the runs of an ensemble take in turn
OWN_SOURCES = (
    *SOURCES,
    "model/data/villages/*.csv",
    "calibration/data/villages/*posterior.csv",
    "experiments/village_cases.py",
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
    cases: Sequence[VillageCase],
    parameters: str,
    per_village: bool,
) -> Design:
    """Design of an ensemble of villages: its cases, one replicate per draw."""
    kept = "every village" if per_village else f"villages of founding 1 of {FOUNDINGS}"
    return Design(
        world=world.name,
        world_digest=world.digest,
        horizon=horizon,
        seed=seed,
        fixed=tuple(sorted((name, float(value)) for name, value in fixed.items())),
        scenarios=tuple(case.scenario() for case in sorted(cases, key=lambda case: case.name)),
        runs_per_part=runs_per_part(world),
        parameters=f"villages: {parameters}; kept: {kept}",
        code=source_hashes(PROJECT, OWN_SOURCES),
    )


def arrived_villages(
    design: Design, world: World, cases: Sequence[VillageCase], parameters: str, per_village: bool
) -> VillageStudy:
    """A study that came from another process (raises as `ensemble.check_code`)."""
    check_code(design, OWN_SOURCES)
    assert world.villages is not None
    read_only(world.villages.base)
    for value in vars(world.villages).values():
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    return VillageStudy(design, read_only(world), cases, parameters, per_village)


class VillageStudy(Study):
    """A design made ready to run; founding variants differ in their villages and in the size of households.

    Args:
        cases: those of the design.
        parameters: "posterior" (village parameters jointly with the rate of leaving) or "prior".
        per_village: keep a row for every village of every run, not only of those of the first founding.
    """

    tables = TABLES

    def __init__(
        self,
        design: Design,
        world: World,
        cases: Sequence[VillageCase],
        parameters: str,
        per_village: bool,
    ) -> None:
        super().__init__(design, world)
        self.cases = {case.name: case for case in cases}
        self.parameters, self.per_village = parameters, per_village
        self.rows_of_posterior = calibrated_villages() if parameters == POSTERIOR else []
        self._variant_locks = [threading.Lock() for _ in range(FOUNDINGS)]
        self._variants: list[tuple[World, Founding] | None] = [None] * FOUNDINGS

    def __reduce__(self) -> tuple[Callable[..., Study], tuple[Any, ...]]:
        """Travels to another process as what it was made from."""
        given = (self.design, self.world, tuple(self.cases.values()), self.parameters, self.per_village)
        return arrived_villages, given

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

    def forget_foundings(self) -> None:
        """Give back the memory of all founding populations; they are built again when asked for."""
        self._variants = [None] * FOUNDINGS

    def _values(self, draw: int) -> ParameterValues:
        given: dict[str, float] = {}
        if self.rows_of_posterior:
            given.update(self.rows_of_posterior[draw % len(self.rows_of_posterior)])
        given.update(self.fixed)
        given["household_size"] = self.size_of(self.variant(draw))
        return self.space.draw(self.design.seed, draw, given)

    def run_together(self, rows: Together) -> list[Any]:
        """Run one pair under all its cases, in the order of the rows. Pure: the same rows give the same outcomes.

        Cases of one future share their past: it is run once up to the year in which policies begin.

        Raises:
            RunFailure: a run's accounts do not close; names the pair.
        """
        draw = rows[0].draw
        world, founding = self.settled(self.variant(draw))
        values, seed = self.values(draw), run_seed(self.design.seed, draw, rows[0].replicate)
        found: dict[str, VillageOutcome] = {}
        try:
            for future in dict.fromkeys(self.cases[row.scenario.name].future.name for row in rows):
                cases = [
                    case
                    for case in (self.cases[row.scenario.name] for row in rows)
                    if case.future.name == future
                ]
                under = future_levers(cases[0].future, world, self.design.horizon)
                trunk = VillageEngine(world, founding, values, seed, under, self.design.horizon)
                if len(cases) > 1:
                    while trunk.year < min(FIRST_YEAR, self.design.horizon):
                        trunk.step()
                for k, case in enumerate(cases):
                    found[case.name] = self._finished(trunk, case, under, alone=k == len(cases) - 1)
        except AccountsError as error:
            raise RunFailure(f"{rows[0]} of design {self.design.identity}: {error}") from error
        return [found[row.scenario.name] for row in rows]

    def _finished(
        self, trunk: VillageEngine, case: VillageCase, under: Levers, alone: bool
    ) -> VillageOutcome:
        """Outcome of a case whose past is `trunk`, which only the last one may use up."""
        engine = trunk
        if case.policy is not None:
            levers, own = pull(case.policy, trunk.world, self.design.horizon, under)
            engine = branch_villages(trunk, levers, own)
        elif not alone:
            engine = branch_villages(trunk, under, trunk.village_levers)
        engine.run()
        record = engine.record
        spent = np.zeros(len(record.years) - 1)
        if case.policy is not None:
            spent = cost(case.policy, engine.world, record, engine.values.__getitem__)
        return outcome_of(engine, spent)

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


def branch_villages(engine: VillageEngine, levers: Levers, own: VillageLevers) -> VillageEngine:
    """A copy of an engine at the start of a year that goes on under other levers, equal to its own until then."""
    twin = branch(engine, levers)
    assert isinstance(twin, VillageEngine)
    twin.village_levers = own
    return twin


def own_folder(world: World, design: Design, results: Path) -> Path:
    """Default folder of an ensemble."""
    return results / f"extinction-{world.name}-{design.horizon}-{design.identity[:10]}"
