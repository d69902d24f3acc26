"""A design: the runs of an ensemble as a value, with an identity that changes when any result could change.

The number of runs is not part of a design: more runs extend the same ensemble. Runs are numbered as pairs of
(parameter draw, replicate of chance), the same pairs for every scenario, so that policies are compared on
shared seeds. Parts hold all scenarios of a fixed range of pairs.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.failures import BadInput
from experiments.parameter_source import FROM_PRIORS, PRIORS, ParameterSource
from model.levers import Levers
from model.parameters import ParameterSpace
from model.world import World

if TYPE_CHECKING:
    from calibration.posterior_draws import PosteriorDraws

PROJECT = Path(__file__).resolve().parent.parent
# Sources that can change a result; the rest of `experiments` only reads what these have written.
SOURCES = (
    "model/*.py",
    "model/data/parameters.csv",
    "scenarios/*.py",
    "scenarios/data/*.csv",
    "experiments/branches.py",
    "calibration/posterior_draws.py",
    "experiments/design.py",
    "experiments/ensemble.py",
    "experiments/parts.py",
)
PACKAGES = ("mesa", "numba", "llvmlite", "numpy", "scipy")
LATEST_HORIZON = 2100
FOUNDING_VARIANTS = 4
LARGEST_PART = 10
PERSONS_PER_PART = 3_000_000  # founding persons x runs: keeps a part at some seconds of work on one core


@dataclass(frozen=True)
class Scenario:
    """A named policy: its levers (None pulls none) and the digest of what they were read from."""

    name: str = "baseline"
    digest: str = ""
    levers: Levers | None = field(default=None, compare=False, repr=False)

    def description(self) -> dict[str, Any]:
        """What of the scenario enters the identity of a design."""
        return {"name": self.name, "digest": self.digest}


BASELINE = Scenario()


@dataclass(frozen=True)
class Row:
    """One run of a design."""

    scenario: Scenario
    draw: int
    replicate: int

    def __str__(self) -> str:
        return f"scenario {self.scenario.name}, draw {self.draw}, replicate {self.replicate}"


@dataclass(frozen=True)
class Batch:
    """The pairs `first` to `end - 1` of a design: what one part holds."""

    number: int
    first: int
    end: int


@dataclass(frozen=True)
class Design:
    """Scenarios x pairs of (draw, replicate) in one world up to one horizon.

    Attributes:
        world, world_digest: name of the world and sha256 of all its files.
        horizon: last 1 January reported.
        seed: the user's seed; with draw and replicate it gives the seed of a run.
        fixed: parameters fixed by the user, (full name, value), sorted by name; all others are drawn.
        scenarios: sorted by name.
        replicates: replicates of chance per parameter draw.
        runs_per_part: pairs in a part.
        parameters: what the draws come from: priors, or the digest of a file of draws. draws: the latter.
        code: hash by source file; versions: Python (minor) and packages that can change a result.
    """

    world: str
    world_digest: str
    horizon: int
    seed: int
    fixed: tuple[tuple[str, float], ...] = ()
    scenarios: tuple[Scenario, ...] = (BASELINE,)
    replicates: int = 1
    runs_per_part: int = LARGEST_PART
    parameters: str = PRIORS
    draws: PosteriorDraws | None = field(default=None, compare=False, repr=False)
    code: Mapping[str, str] = field(default_factory=lambda: source_hashes())
    versions: Mapping[str, str] = field(default_factory=lambda: package_versions())

    def description(self) -> dict[str, Any]:
        """All that determines the results, in a form that JSON can hold."""
        return {
            "world": self.world,
            "data": self.world_digest,
            "horizon": self.horizon,
            "seed": self.seed,
            "set": dict(self.fixed),
            "scenarios": [scenario.description() for scenario in self.scenarios],
            "replicates": self.replicates,
            "runs_per_part": self.runs_per_part,
            "parameters": self.parameters,
            "code": dict(self.code),
            "versions": dict(self.versions),
        }

    @property
    def identity(self) -> str:
        """Hash of the description, 16 hexadecimal digits."""
        canonical = json.dumps(self.description(), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def batches(self, runs: int) -> list[Batch]:
        """Parts of the first `runs` pairs. Boundaries do not depend on `runs`; the last can be short."""
        size = self.runs_per_part
        return [
            Batch(number, number * size, min(runs, (number + 1) * size))
            for number in range((runs + size - 1) // size)
        ]

    def rows(self, batch: Batch) -> list[Row]:
        """Runs of a part in the order of its rows: scenario by scenario, pair by pair."""
        return [
            Row(scenario, *divmod(pair, self.replicates))
            for scenario in self.scenarios
            for pair in range(batch.first, batch.end)
        ]


def check_horizon(horizon: int, world: World) -> None:
    """Refuse a horizon that is not after the start of the world or lies beyond 2100.

    Raises:
        BadInput: naming the years that can be given.
    """
    if not world.start < horizon <= LATEST_HORIZON:
        raise BadInput(
            f"--horizon {horizon}: the last 1 January reported must lie in "
            f"{world.start + 1} to {LATEST_HORIZON} (world '{world.name}' starts on 1 January {world.start})"
        )


def runs_per_part(world: World) -> int:
    """Pairs in a part: ten, fewer in large worlds so that an interruption costs little."""
    return max(1, min(LARGEST_PART, PERSONS_PER_PART // max(1, int(world.founding_population.sum()))))


def forecast_design(
    world: World,
    horizon: int,
    seed: int,
    fixed: Mapping[str, float],
    source: ParameterSource = FROM_PRIORS,
) -> Design:
    """Design of a forecast: the baseline alone, one replicate per draw from a source of parameters."""
    check_horizon(horizon, world)
    return Design(
        world=world.name,
        world_digest=world.digest,
        horizon=horizon,
        seed=seed,
        fixed=tuple(sorted((name, float(value)) for name, value in fixed.items())),
        runs_per_part=runs_per_part(world),
        parameters=source.identity,
        draws=source.draws,
    )


def founding_household_sizes(space: ParameterSpace, fixed: Mapping[str, float]) -> tuple[float, ...]:
    """Mean household sizes of the founding variants: mid-quantiles of the prior, or the one fixed value.

    A run of draw i takes variant i modulo their number: runs share a few founding populations instead of
    building one each, and still cover the prior of household size evenly.
    """
    parameter = space.by_name["household_size"]
    if parameter.name in fixed:
        return (fixed[parameter.name],)
    if parameter.prior is None:
        return (parameter.default,)
    return tuple(parameter.prior.quantile((k + 0.5) / FOUNDING_VARIANTS) for k in range(FOUNDING_VARIANTS))


def source_hashes(project: Path = PROJECT, patterns: Sequence[str] = SOURCES) -> dict[str, str]:
    """Hash of every source file that can change a result, by path."""
    paths = sorted(path for pattern in patterns for path in project.glob(pattern))
    return {
        path.relative_to(project).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in paths
    }


def package_versions() -> dict[str, str]:
    """Python minor version and versions of the packages that can change a result."""
    versions = {package: metadata.version(package) for package in PACKAGES}
    return {"python": ".".join(platform.python_version_tuple()[:2]), **versions}


def differences(recorded: Mapping[str, Any], asked: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What differs between two descriptions, one text a key: "horizon: there 2045, asked 2040"."""
    found: list[str] = []
    for key in sorted({*recorded, *asked}):
        there, here = recorded.get(key), asked.get(key)
        name = f"{prefix}{key}"
        if there == here:
            continue
        if isinstance(there, Mapping) and isinstance(here, Mapping):
            found.extend(differences(there, here, f"{name} "))
        elif prefix.startswith("code"):
            found.append(f"{name} has changed")
        else:
            found.append(f"{name}: there {_shown(there)}, asked {_shown(here)}")
    return found


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:12] + "..."
