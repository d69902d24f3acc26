"""How cost and memory grow with the number of people: the towns from 4 thousand to 20 million people."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from experiments.bench_sheets import Sheet, verdict
from experiments.failures import RunFailure

if TYPE_CHECKING:
    from model.founding import Founding
    from model.world import World

WORLD = "towns"
# Wanted sizes; the first ones show the fixed cost.
SIZES = (4_000, 8_000, 15_000, 34_000, 67_000, 135_000, 340_000, 1_000_000, 5_000_000, 20_000_000)
UNSCALED = 0.02
LEAST_COMPARED = 15_000  # people; net cost is compared from here on
FIXED_FITTED = 34_000  # people; sizes up to here tell the fixed cost
ROUNDS = 2  # fresh processes of every size
PHASES = 12  # of a year
# Targets of the specification.
SPREAD_TARGET = 0.30
RATE_TARGET = 20e6
SECONDS_TARGET = 60.0
MEMORY_TARGET = 4096.0


@dataclass(frozen=True)
class Growth:
    """Runs of one size, processor seconds of one thread.

    Attributes:
        people: founders. person_years: of a run. runs: seconds of every run to 2045, opening included.
        founding: seconds to build the founders, once per world and shared by all runs, not part of `runs`.
        steps: float64 seconds of the opening and then of every phase, year by year; of several runs, which are
            identical, the least each of them took.
        memory: MB above what the process holds after imports and a small run, founders included, at the peak;
            None where the system does not tell.
    """

    people: int
    person_years: float
    runs: tuple[float, ...]
    founding: float
    steps: tuple[float, ...]
    memory: float | None

    @property
    def seconds(self) -> float:
        """The best run."""
        return min(self.runs)

    @property
    def quiet(self) -> float:
        """A run without interruptions: the sum of the least that opening and every phase of every year took."""
        return sum(self.steps)

    @property
    def opening(self) -> float:
        """Seconds before the first year."""
        return self.steps[0]

    @property
    def phases(self) -> tuple[float, ...]:
        """Seconds a run by phase of the year, in the order of the plan."""
        return tuple(sum(self.steps[1 + phase :: PHASES]) for phase in range(PHASES))

    def record(self) -> dict[str, Any]:
        """Figures for JSON."""
        return {
            "people": self.people,
            "person_years": self.person_years,
            "runs": self.runs,
            "quiet_run": self.quiet,
            "opening": self.opening,
            "founding": self.founding,
            "phases": self.phases,
            "memory_mb": self.memory,
        }


def resized(world: World, people: int) -> tuple[World, Founding]:
    """A world with that many founders (rounded by place): so many times all of them, each place scaled a little.

    Births, deaths and everything the model derives from the founders shrink and grow along; distances,
    destinations and rates do not. Within 2 % of the world itself it is left as it is.
    """
    from model.founding import build_founding

    whole = int(world.founding_population.sum())
    replicates = max(1, round(people / whole))
    part = people / (replicates * whole)
    if abs(part - 1.0) > UNSCALED:
        founders = (world.founding_population * part).round().astype(world.founding_population.dtype)
        world = replace(
            world,
            founding_population=founders,
            founding_births=world.founding_births * part,
            founding_deaths=world.founding_deaths * part,
        )
    return world, build_founding(world, replicates=replicates)


def world_of_size(people: int) -> tuple[World, Founding]:
    """The towns `resized` to that many founders."""
    from model.world import load_world

    return resized(load_world(WORLD), people)


def timed_run(world: World, founding: Founding, values: Any, seed: int) -> tuple[list[float], float]:
    """One run to the horizon: processor seconds of the opening and of every phase, year by year; person-years."""
    from model import draws
    from model.engine import Engine

    began = time.thread_time()
    engine = Engine(world, founding, values, draws.run_seed(seed, 0, 0))
    steps = [time.thread_time() - began]
    while engine.year < engine.horizon:
        for phase in Engine.PLAN:
            then = time.thread_time()
            getattr(engine, phase.run)()
            steps.append(time.thread_time() - then)
    return steps, float(engine.record.column("population")[:-1].sum())


def repeats_of(people: int) -> int:
    """Runs within one process: enough of the short ones for a quiet moment."""
    return max(1, min(9, 2_000_000 // people))


def measure_size(people: int, seed: int, repeats: int) -> Growth:
    """Run one size in this process; the memory is only right in a fresh one (see `measure_growth`)."""
    from model import draws
    from model.engine import Engine
    from model.parameters import ParameterSpace

    small, founders = world_of_size(1000)
    Engine(small, founders, ParameterSpace(small).defaults(), draws.run_seed(seed, 0, 0), horizon=2018).run()
    before = _resident("VmRSS:", forget=True)
    began = time.thread_time()
    world, founding = world_of_size(people)
    built = time.thread_time() - began
    values = ParameterSpace(world).defaults()
    runs: list[float] = []
    least: list[float] = []
    person_years = 0.0
    for _ in range(repeats):
        began = time.thread_time()
        steps, person_years = timed_run(world, founding, values, seed)
        runs.append(time.thread_time() - began)
        least = least_steps(least or steps, steps)
    peak = _resident("VmHWM:")
    memory = None if before is None or peak is None else peak - before
    return Growth(founding.n_people, person_years, tuple(runs), built, tuple(least), memory)


def least_steps(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """The less of two times of every step of identical runs."""
    return [min(pair) for pair in zip(one, other, strict=True)]


def _resident(line: str, forget: bool = False) -> float | None:
    """Memory of this process in MB (Linux); `forget` lets the peak start anew from here."""
    try:
        if forget:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as order:
                order.write("5")
        with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
            return next(int(text.split()[1]) / 1024 for text in lines if text.startswith(line))
    except (OSError, StopIteration):
        return None


def probe(people: int, seed: int, repeats: int) -> None:
    """Measure one size and print it as JSON: what a fresh process runs."""
    print(json.dumps(asdict(measure_size(people, seed, repeats))))


def measure_growth(seed: int, sizes: Sequence[int] = SIZES, rounds: int = ROUNDS) -> list[Growth]:
    """Measure all sizes, each in fresh processes of its own, round by round, so that a noisy minute hits all.

    Raises:
        RunFailure: a process failed (the message holds the end of what it said), mostly for want of memory.
    """
    found: dict[int, Growth] = {}
    for _ in range(rounds):
        for size in sizes:
            one = _in_fresh_process(size, seed)
            found[size] = _joined(found[size], one) if size in found else one
    return [found[size] for size in sizes]


def _in_fresh_process(people: int, seed: int) -> Growth:
    code = f"from experiments.bench_growth import probe; probe({people}, {seed}, {repeats_of(people)})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise RunFailure(
            f"measuring {people:,} people failed with exit code {done.returncode} "
            f"(20 million people take about 2 GB of memory): {said}"
        )
    fields = json.loads(done.stdout.splitlines()[-1])
    fields["runs"], fields["steps"] = tuple(fields["runs"]), tuple(fields["steps"])
    return Growth(**fields)


def _joined(one: Growth, other: Growth) -> Growth:
    """Two measurements of one size: all runs, the least of every step, the larger memory."""
    memories = [memory for memory in (one.memory, other.memory) if memory is not None]
    return replace(
        one,
        runs=one.runs + other.runs,
        founding=min(one.founding, other.founding),
        steps=tuple(least_steps(one.steps, other.steps)),
        memory=max(memories) if memories else None,
    )


def fixed_cost(sizes: Sequence[Growth]) -> float:
    """Seconds of a run that do not depend on its people: intercept of seconds on person-years of the small sizes.

    Quiet runs, weighted by 1 / seconds, so that every size counts by its relative error.

    Raises:
        ValueError: fewer than two sizes.
    """
    small = sorted(sizes, key=lambda size: size.people)
    small = [size for size in small if size.people <= FIXED_FITTED * 1.05] or small
    if len(small) < 2:
        small = sorted(sizes, key=lambda size: size.people)[:2]
    if len(small) < 2:
        raise ValueError("the fixed cost needs two sizes")
    weights = [1.0 / size.quiet**2 for size in small]
    total = sum(weights)
    mean_x = sum(w * size.person_years for w, size in zip(weights, small, strict=True)) / total
    mean_y = sum(w * size.quiet for w, size in zip(weights, small, strict=True)) / total
    above = sum(
        w * (s.person_years - mean_x) * (s.quiet - mean_y) for w, s in zip(weights, small, strict=True)
    )
    below = sum(w * (s.person_years - mean_x) ** 2 for w, s in zip(weights, small, strict=True))
    return max(0.0, mean_y - above / below * mean_x)


def net_costs(sizes: Sequence[Growth]) -> list[float]:
    """Seconds a person-year of a quiet run net of the fixed cost, by size."""
    fixed = fixed_cost(sizes)
    return [(size.quiet - fixed) / size.person_years for size in sizes]


def spread(sizes: Sequence[Growth]) -> float:
    """Dearest over cheapest net cost of a person-year, less 1, from 15 thousand people on."""
    compared = [
        cost
        for size, cost in zip(sizes, net_costs(sizes), strict=True)
        if size.people >= 0.95 * LEAST_COMPARED
    ]
    return max(compared) / min(compared) - 1.0


def growth_sheet(sizes: Sequence[Growth]) -> Sheet:
    """The growth curve as a table, with the verdict on every target."""
    fixed, costs = fixed_cost(sizes), net_costs(sizes)
    rows = []
    for size, cost in zip(sizes, costs, strict=True):
        rows.append(
            (
                f"{size.people:,}",
                f"{size.seconds:,.3f} s",
                f"{sorted(size.runs)[len(size.runs) // 2]:,.3f} s",
                str(len(size.runs)),
                f"{size.quiet:,.3f} s",
                f"{size.person_years / size.seconds / 1e6:.1f}",
                f"{cost * 1e9:.1f} ns",
                f"{1e-6 / cost:.1f}",
                f"{size.opening:,.3f} s",
                f"{size.founding:,.2f} s",
                "unknown" if size.memory is None else f"{size.memory:,.0f} MB",
            )
        )
    gap, largest = spread(sizes), sizes[-1]
    rate = max(size.person_years / size.seconds for size in sizes)
    notes = [
        "Full rules, 30 years, one core; processor time of one thread, opening of the world included, founding not.",
        "Quiet run: the sum of the least that opening and every phase of every year took in any run (they are"
        " identical); net cost: of a quiet run, less the fixed cost of "
        f"{fixed * 1e3:.1f} ms a run (fit over the sizes up to {FIXED_FITTED:,} people).",
        f"Net cost from {LEAST_COMPARED:,} people on: dearest {gap:.0%} above cheapest,"
        f" target at most {SPREAD_TARGET:.0%}: {verdict(gap, SPREAD_TARGET, at_most=True)}.",
        f"Best rate {rate / 1e6:.1f} million person-years/s, target {RATE_TARGET / 1e6:.0f}: "
        f"{verdict(rate, RATE_TARGET)}.",
    ]
    if largest.people > 0.9 * SIZES[-1]:
        memory = largest.memory if largest.memory is not None else float("nan")
        notes.append(
            f"{largest.people:,} people: {largest.seconds:.0f} s, target {SECONDS_TARGET:.0f} s: "
            f"{verdict(largest.seconds, SECONDS_TARGET, at_most=True)}; {memory:,.0f} MB above imports, target "
            f"{MEMORY_TARGET:,.0f} MB: {verdict(memory, MEMORY_TARGET, at_most=True)}."
        )
    return Sheet(
        f"Growth: '{WORLD}' with other numbers of founders",
        (
            "people",
            "best run",
            "median run",
            "runs",
            "quiet run",
            "million person-years/s",
            "net cost",
            "net million/s",
            "opening",
            "founding",
            "peak memory over imports",
        ),
        rows,
        words=0,
        notes=tuple(notes),
    )


def phase_growth_sheet(sizes: Sequence[Growth]) -> Sheet:
    """Nanoseconds a person-year by phase and size: where growth costs."""
    from model.engine import Engine

    steps = [("opening", [size.opening for size in sizes])]
    steps += [
        (phase.name, [size.phases[number] for size in sizes]) for number, phase in enumerate(Engine.PLAN)
    ]
    rows = [
        (name, *(f"{s / size.person_years * 1e9:.1f}" for s, size in zip(spent, sizes, strict=True)))
        for name, spent in steps
    ]
    return Sheet(
        "Nanoseconds a person-year by phase, quiet runs",
        ("phase", *(f"{size.people:,}" for size in sizes)),
        rows,
    )
