"""Designs of a sensitivity analysis: which rows of factor values are run, and how SALib wants them back.

Rows come in blocks that a bootstrap can draw as a whole: a trajectory (Morris), a Saltelli block (Sobol'), one row
(PAWN). Blocks do not depend on how many there are, so that a design can be stopped, resumed and extended.

Sobol': block i holds row i of the matrices A and B, and mixtures of both: A with one group's columns of B, and (for
interactions) B with one group's columns of A. Chance is a column as any other, so that a block has two sets of seeds:
A's, which all mixtures but one share, and B's. A difference of two rows of a block is then an effect of the factors
exchanged, not of other chance.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from experiments.design import PROJECT, SOURCES, Batch, package_versions, source_hashes
from experiments.sensitivity_factors import CHANCE, DUMMY, Factor
from model.draws import run_seed

Floats = NDArray[np.float64]
Method = Literal["morris", "sobol", "pawn"]
REST = "all others"
LEVELS = 4  # of a Morris grid: as many as there are founding variants
SLICES = 10  # conditioning intervals of PAWN, and its sets of seeds
ROWS_PER_PART = 60
OWN_SOURCES = (
    "experiments/sensitivity_factors.py",
    "experiments/sensitivity_levers.py",
    "experiments/sensitivity_structures.py",
    "experiments/structures.py",
    "experiments/sensitivity_outputs.py",
    "experiments/sensitivity_design.py",
    "experiments/sensitivity_runs.py",
    "experiments/cost_effectiveness.py",
)


@dataclass(frozen=True)
class Sampling:
    """A design over factors, without a model.

    Attributes:
        method: which. factors: all of them, `chance` and `dummy` among them. seed: of the sample.
        groups: Sobol': factors moved together, name and members, a partition of all. blocks: a second partition,
            into subject blocks, empty for none. interactions: whether to run what second-order indices need.
    """

    method: Method
    factors: tuple[Factor, ...]
    seed: int
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    blocks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    interactions: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors."""
        return tuple(factor.name for factor in self.factors)

    @property
    def extra_blocks(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Subject blocks that are not a group already: those that need rows of their own."""
        held = {frozenset(members) for _, members in self.groups}
        return tuple((name, members) for name, members in self.blocks if frozenset(members) not in held)

    @property
    def rows_per_block(self) -> int:
        """Rows of a block."""
        if self.method == "morris":
            return len(self.factors) + 1
        if self.method == "pawn":
            return 1
        return len(self.groups) * (2 if self.interactions else 1) + 2 + len(self.extra_blocks)

    @property
    def blocks_per_part(self) -> int:
        """Blocks in a part: some seconds of work."""
        return max(1, ROWS_PER_PART // self.rows_per_block)

    def batches(self, blocks: int) -> list[Batch]:
        """Parts of the first `blocks` blocks."""
        size = self.blocks_per_part
        return [
            Batch(number, number * size, min(blocks, (number + 1) * size))
            for number in range((blocks + size - 1) // size)
        ]

    def problem(self, groups: Sequence[tuple[str, tuple[str, ...]]] = ()) -> dict[str, Any]:
        """The problem as SALib wants it; columns in the order of the factors."""
        stated: dict[str, Any] = {
            "num_vars": len(self.factors),
            "names": list(self.names),
            "bounds": [[0.0, 1.0]] * len(self.factors),
        }
        if groups:
            home = {member: name for name, members in groups for member in members}
            stated["groups"] = [home[name] for name in self.names]
        return stated

    def sample(self, blocks: int) -> Floats:
        """Rows of the first `blocks` blocks: float64[blocks, rows_per_block, factors] in (0, 1)."""
        return self.sampler(blocks)(0, blocks)

    def sampler(self, blocks: int) -> Callable[[int, int], Floats]:
        """Function that gives the rows of blocks `first` to before `end`, of the first `blocks` blocks.

        It holds the matrices A and B alone, whose mixtures take many times their memory.
        """
        if self.method == "morris":
            rows = self._morris_numbers(self.levels(blocks))
            return lambda first, end: rows[first:end]
        a, b = self._matrices(blocks)
        if self.method == "pawn":
            return lambda first, end: a[first:end, None, :]
        return lambda first, end: self._saltelli(a[first:end], b[first:end])

    def _saltelli(self, a: Floats, b: Floats) -> Floats:
        """Rows of Saltelli blocks from those of A and B."""
        column = {name: k for k, name in enumerate(self.names)}
        groups = [[column[member] for member in members] for _, members in self.groups]
        extra = [[column[member] for member in members] for _, members in self.extra_blocks]
        rows = [a, *(_mixed(a, b, group) for group in groups)]
        if self.interactions:
            rows += [_mixed(b, a, group) for group in groups]
        rows += [b, *(_mixed(a, b, block) for block in extra)]
        return np.stack(rows, axis=1)

    def _matrices(self, blocks: int) -> tuple[Floats, Floats]:
        """Matrices A and B of SALib's scrambled Sobol' sequence, float64[blocks, factors] each."""
        from SALib.sample import sobol

        # SALib takes one group of all factors for no groups at all: with two, rows are A, two mixtures, B
        two = [(self.names[0], self.names[:1]), (REST, self.names[1:])]
        power = 1 << max(0, blocks - 1).bit_length()  # the sequence is balanced at powers of two
        rows = sobol.sample(self.problem(two), power, calc_second_order=False, seed=_salib_seed(self.seed))
        assert len(rows) == 4 * power
        return rows[0::4][:blocks], rows[3::4][:blocks]

    def levels(self, blocks: int) -> Floats:
        """Morris: SALib's trajectories on its grid of levels 0, 1/3, 2/3, 1: float64[blocks, rows, factors]."""
        from SALib.sample import morris

        drawn = morris.sample(self.problem(), blocks, num_levels=LEVELS, seed=_salib_seed(self.seed))
        grid: Floats = np.asarray(drawn, np.float64).reshape(blocks, self.rows_per_block, len(self.factors))
        return grid

    def _morris_numbers(self, grid: Floats) -> Floats:
        """Numbers in (0, 1) for levels: their mid-quantiles, so that no parameter is at an end of its prior.

        A factor without an order has two of its levels, or sets of seeds, drawn for each trajectory; they change places
        where the trajectory moves it.
        """
        steps = LEVELS - 1
        numbers = (np.rint(grid * steps) + 0.5) / LEVELS
        upper = np.rint(grid * steps) >= LEVELS // 2
        for k, factor in enumerate(self.factors):
            if not factor.unordered:
                continue
            for block in range(len(grid)):
                low, high = _two_levels(factor, self.seed, block)
                numbers[block, :, k] = np.where(upper[block, :, k], high, low)
        return numbers


def _mixed(base: Floats, other: Floats, columns: Sequence[int]) -> Floats:
    mixed = base.copy()
    mixed[:, columns] = other[:, columns]
    return mixed


def _two_levels(factor: Factor, seed: int, block: int) -> tuple[float, float]:
    """Numbers that stand for two different levels of a factor, drawn for a block."""
    key = int.from_bytes(hashlib.sha256(factor.name.encode()).digest()[:4], "big")
    words = [int(run_seed(seed + key, block, which)) for which in (0, 1)]
    if factor.levels >= 2**32:
        low, high = ((word >> 11) * 2.0**-53 for word in words)
        return low, high
    first = words[0] % factor.levels
    second = (first + 1 + words[1] % (factor.levels - 1)) % factor.levels
    return (first + 0.5) / factor.levels, (second + 0.5) / factor.levels


def _salib_seed(seed: int) -> int:
    """A seed that SALib takes: 0 would be ignored in places."""
    return 1 + seed % (2**32 - 1)


def partition(factors: Sequence[Factor], named: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Groups of a Sobol' design: each named factor alone, all others together, chance and dummy alone."""
    alone = [name for name in named if name not in (CHANCE, DUMMY)]
    others = tuple(f.name for f in factors if f.name not in alone and f.name not in (CHANCE, DUMMY))
    groups: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in alone]
    if others:
        groups.append((REST, others))
    return (*groups, (CHANCE, (CHANCE,)), (DUMMY, (DUMMY,)))


def subject_blocks(factors: Sequence[Factor]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The partition into subject blocks, chance and dummy alone."""
    names = dict.fromkeys(factor.block for factor in factors)
    return tuple((name, tuple(f.name for f in factors if f.block == name)) for name in names)


@dataclass(frozen=True)
class SensitivityDesign:
    """A sampling with the model it is run on: all that determines the results of a row.

    Attributes:
        sampling: which rows. model: description of world, outputs and factors.
        code, versions: as in `experiments.design.Design`.
    """

    sampling: Sampling
    model: Mapping[str, Any]
    code: Mapping[str, str] = field(default_factory=lambda: source_hashes(PROJECT, (*SOURCES, *OWN_SOURCES)))
    versions: Mapping[str, str] = field(default_factory=lambda: package_versions() | _salib_version())

    def description(self) -> dict[str, Any]:
        """All that determines the results, in a form that JSON can hold."""
        sampling = self.sampling
        return {
            **self.model,
            "method": sampling.method,
            "seed": sampling.seed,
            "groups": {name: list(members) for name, members in sampling.groups},
            "blocks": {name: list(members) for name, members in sampling.blocks},
            "interactions": sampling.interactions,
            "blocks_per_part": sampling.blocks_per_part,
            "code": dict(self.code),
            "versions": dict(self.versions),
        }

    @property
    def identity(self) -> str:
        """Hash of the description, 16 hexadecimal digits."""
        canonical = json.dumps(self.description(), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _salib_version() -> dict[str, str]:
    from importlib import metadata

    return {"SALib": metadata.version("SALib")}
