"""The engine beside its peers, in one run and by turns: idiomatic Mesa agents, Mesa itself, the machine's memory.

Only in a checkout: the object-agent reference lives in `tests/reference`.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.bench_growth import WORLD, world_of_size
from experiments.bench_machine import PROJECT, in_checkout
from experiments.bench_sheets import Sheet, verdict
from experiments.failures import BadInput

if TYPE_CHECKING:
    from model.founding import Founding

Reference = Callable[..., object]

REFERENCE_MODULE = "tests.reference.year"
REFERENCE_FUNCTION = "simulate_reference"
SIZES = (34_000, 150_000)
# Years the reference and the engine run; the whole forecast takes the reference minutes.
YEARS = {34_000: 30, 150_000: 10}
TARGETS = {34_000: 60.0, 150_000: 100.0}  # times the reference
TURNS = 3
RUNS_A_TURN = 5  # of the engine, which is quick
MESA_STEPS = 5  # of Mesa's trivial model in a turn
COPY_BYTES = 256 * 2**20  # far more than any cache holds
ENGINE, REFERENCE, DO, SHUFFLE_DO = "engine", "reference", "mesa do", "mesa shuffle_do"


@dataclass(frozen=True)
class Contest:
    """All measurements at one number of people.

    Attributes:
        people, years, person_years: of the run that engine and reference both make, opening included.
        seconds: processor seconds by contestant, of every turn: a run of the engine and of the reference, a
            step of all agents of Mesa's trivial model.
        row_bytes: bytes of all columns a person takes, households' included.
        copy_seconds: seconds to copy `COPY_BYTES`, of every turn; copied_bytes: read plus written.
    """

    people: int
    years: int
    person_years: float
    seconds: dict[str, tuple[float, ...]]
    row_bytes: float
    copy_seconds: tuple[float, ...]
    copied_bytes: int

    def ratio(self, peer: str, best: bool = False) -> float:
        """How many times the peer's time the engine's goes into: medians, or the best of each."""
        pick = min if best else statistics.median
        return float(pick(self.seconds[peer]) / pick(self.seconds[ENGINE]))

    @property
    def bandwidth(self) -> float:
        """Bytes read plus written a second by the best copy."""
        return self.copied_bytes / min(self.copy_seconds)

    @property
    def bound(self) -> float:
        """Seconds a person-year if every column were read once and written once a year, and nothing else done."""
        return 2.0 * self.row_bytes / self.bandwidth


def find_reference() -> Reference:
    """The object-agent reference of the checkout this package lies in.

    Raises:
        BadInput: this is no checkout, or one without the reference.
    """
    if not in_checkout():
        raise BadInput(
            "--peers compares with the object-agent reference, which only a checkout of the project holds "
            f"(tests/reference); this is an installation in {PROJECT}: run it from a checkout"
        )
    try:
        module = importlib.import_module(REFERENCE_MODULE)
        found: Reference = getattr(module, REFERENCE_FUNCTION)
    except (ImportError, AttributeError) as error:
        raise BadInput(
            f"--peers needs {REFERENCE_MODULE}.{REFERENCE_FUNCTION} of the checkout {PROJECT}: {error}"
        ) from None
    return found


def measure_peers(
    reference: Reference, seed: int, sizes: Sequence[int] = SIZES, turns: int = TURNS
) -> list[Contest]:
    """Let all contestants run by turns at every size; the reference runs once a turn."""
    return [_contest(reference, seed, size, YEARS.get(size, 30), turns) for size in sizes]


def _contest(reference: Reference, seed: int, people: int, years: int, turns: int) -> Contest:
    from model import draws
    from model.engine import simulate
    from model.parameters import ParameterSpace

    world, founding = world_of_size(people)
    values, run_seed = ParameterSpace(world).defaults(), draws.run_seed(seed, 0, 0)
    horizon = world.start + years

    def run_engine() -> Any:
        return simulate(world, founding, values, run_seed, None, horizon)

    person_years = float(run_engine().column("population")[:-1].sum())  # also warms up
    trivial = trivial_model(founding.n_people)
    source, target = np.ones(COPY_BYTES // 8), np.zeros(COPY_BYTES // 8)
    seconds: dict[str, list[float]] = {name: [] for name in (ENGINE, REFERENCE, DO, SHUFFLE_DO)}
    copies: list[float] = []
    for _ in range(turns):
        seconds[ENGINE] += [_timed(run_engine) for _ in range(RUNS_A_TURN)]
        seconds[REFERENCE].append(_timed(lambda: reference(world, founding, values, run_seed, None, horizon)))
        seconds[ENGINE] += [_timed(run_engine) for _ in range(RUNS_A_TURN)]
        seconds[DO] += [_timed(lambda: trivial.agents.do("step")) for _ in range(MESA_STEPS)]
        seconds[SHUFFLE_DO] += [_timed(lambda: trivial.agents.shuffle_do("step")) for _ in range(MESA_STEPS)]
        copies += [_timed(lambda: np.copyto(target, source)) for _ in range(MESA_STEPS)]
    return Contest(
        founding.n_people,
        years,
        person_years,
        {name: tuple(taken) for name, taken in seconds.items()},
        row_bytes(founding),
        tuple(copies),
        2 * COPY_BYTES,
    )


def _timed(run: Callable[[], object]) -> float:
    began = time.thread_time()
    run()
    return time.thread_time() - began


def trivial_model(people: int) -> Any:
    """Mesa's least model: agents that grow a year older and do nothing else."""
    import mesa

    class Resident(mesa.Agent):  # type: ignore[misc]  # Mesa ships no types
        """An agent that only has an age."""

        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.age = 0

        def step(self) -> None:
            """A year passes."""
            self.age += 1

    model = mesa.Model()
    for _ in range(people):
        Resident(model)
    return model


def row_bytes(founding: Founding) -> float:
    """Bytes of the columns of persons and households, a person."""
    person = sum(column.itemsize for column in founding.people)
    household = sum(column.itemsize for column in founding.households)
    return person + household * founding.n_households / founding.n_people


def peers_sheet(contests: Sequence[Contest]) -> Sheet:
    """All contestants at every size: best and median, ratios to the engine."""
    rows, notes = [], []
    for contest in contests:
        for name, what in (
            (ENGINE, "this engine, full rules"),
            (REFERENCE, "object agents (idiomatic Mesa), full rules"),
            (DO, "Mesa's trivial agents, do"),
            (SHUFFLE_DO, "Mesa's trivial agents, shuffle_do"),
        ):
            taken = contest.seconds[name]
            units = contest.person_years if name in (ENGINE, REFERENCE) else contest.people
            best, median = min(taken) / units, statistics.median(taken) / units
            ratio = median / (statistics.median(contest.seconds[ENGINE]) / contest.person_years)
            rows.append(
                (
                    f"{contest.people:,}",
                    what,
                    f"{len(taken)}",
                    f"{best * 1e9:,.1f} ns",
                    f"{median * 1e9:,.1f} ns",
                    f"{1e-6 / median:,.3f}",
                    f"{ratio:,.1f}",
                )
            )
        each = statistics.median(contest.seconds[ENGINE]) / contest.person_years
        rows.append(
            (
                f"{contest.people:,}",
                "memory: every column read and written once",
                f"{len(contest.copy_seconds)}",
                f"{contest.bound * 1e9:,.2f} ns",
                "",
                f"{1e-6 / contest.bound:,.0f}",
                f"{contest.bound / each:,.3f}",
            )
        )
        notes.append(_contest_note(contest))
    notes.append(
        "A unit is a person-year (engine, object agents, memory) or an agent's step (Mesa's trivial model). Processor"
        " time of one thread, contestants by turns in one process; ratios between medians."
    )
    return Sheet(
        f"Peers side by side in '{WORLD}'",
        ("people", "contestant", "runs", "best a unit", "median a unit", "million units/s", "engine = 1"),
        rows,
        words=2,
        notes=tuple(notes),
    )


def _contest_note(contest: Contest) -> str:
    ratio = contest.ratio(REFERENCE)
    nearest = min(TARGETS, key=lambda size: abs(size - contest.people))
    target = TARGETS[nearest]
    return (
        f"{contest.people:,} people, {contest.years} years: {ratio:.0f} times object agents by medians, "
        f"{contest.ratio(REFERENCE, best=True):.0f} by best runs, target {target:.0f}: {verdict(ratio, target)}. "
        f"{contest.row_bytes:.1f} bytes of columns a person; copying reads and writes "
        f"{contest.bandwidth / 1e9:.1f} GB/s."
    )
