"""Speed of one run: person-years a second, time by phase of the year, memory, Mesa's share, start-up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from experiments.bench_growth import (
    FIXED_FITTED,
    PHASES,
    Growth,
    fixed_cost,
    least_steps,
    resized,
    timed_run,
)
from experiments.bench_sheets import Sheet

if TYPE_CHECKING:
    from model.world import World

ROUNDS = 6  # of all sizes by turns, so that a noisy moment hits all
SECONDS_A_ROUND = 0.2  # on repeating short runs: the best of a few is a matter of luck on a busy machine
SMALL = 8_000  # people; beside worlds cut to `FIXED_FITTED` tells the fixed cost
COMMAND = "from experiments.command_line import main; main()"
MEMORY_PROBE = """
import sys
from model import draws
from model.engine import Engine
from model.founding import build_founding
from model.parameters import ParameterSpace
from model.world import load_world
def resident(line):
    with open("/proc/self/status") as lines:
        return next(int(text.split()[1]) / 1024 for text in lines if text.startswith(line))
small = load_world("template")
Engine(small, build_founding(small), ParameterSpace(small).defaults(), draws.run_seed(1, 0, 0), horizon=2017).run()
before = resident('VmRSS:')
world = load_world(sys.argv[1])
founding = build_founding(world)
Engine(world, founding, ParameterSpace(world).defaults(), draws.run_seed(1, 0, 0)).run()
print(before, resident('VmHWM:'))
"""


@dataclass(frozen=True)
class Speed:
    """Speed of one world on one core, full rules, opening of the world included.

    Attributes:
        people: founders. seconds: one run to 2045 (best of several). rate: person-years a second.
        net_nanoseconds: cost of a person-year of a quiet run net of the fixed cost; fixed_milliseconds: that cost a
            year. Quiet: the least that opening and every phase of every year took in any of the identical runs.
        phases: seconds of the quiet run by phase of the year. opening: its seconds before the first year.
    """

    world: str
    people: int
    person_years: float
    seconds: float
    rate: float
    net_nanoseconds: float
    fixed_milliseconds: float
    opening: float
    phases: dict[str, float]


def compared_sizes(world: World) -> tuple[int, ...]:
    """People of the worlds whose times are compared, the world itself first.

    Large worlds beside cuts of themselves (of the same places and rates), small ones beside twice themselves.
    """
    people = int(world.founding_population.sum())
    if people < 2 * SMALL:
        return people, 2 * people
    return (people, SMALL) if people <= 1.05 * FIXED_FITTED else (people, SMALL, FIXED_FITTED)


def measure_speed(name: str, seed: int, rounds: int = ROUNDS) -> Speed:
    """Runs of a world and, by turns with it, of other sizes of the same world, for the fixed cost."""
    from model.engine import Engine
    from model.parameters import ParameterSpace
    from model.world import load_world

    world = load_world(name)
    values = ParameterSpace(world).defaults()
    founded = [resized(world, people) for people in compared_sizes(world)]
    runs: list[list[float]] = [[] for _ in founded]
    least: list[list[float]] = [[] for _ in founded]
    person_years = [0.0] * len(founded)
    for turn in range(rounds + 1):
        for k, (of_size, founding) in enumerate(founded):
            spent = 0.0
            while spent < SECONDS_A_ROUND:
                steps, person_years[k] = timed_run(of_size, founding, values, seed)
                spent += sum(steps)
                if turn:  # the first round only warms up
                    runs[k].append(sum(steps))
                    least[k] = least_steps(least[k] or steps, steps)
    sizes = [
        Growth(founding.n_people, person_years[k], tuple(runs[k]), 0.0, tuple(least[k]), None)
        for k, (_, founding) in enumerate(founded)
    ]
    whole, fixed = sizes[0], fixed_cost(sizes)
    assert len(Engine.PLAN) == PHASES
    return Speed(
        world.name,
        whole.people,
        whole.person_years,
        whole.seconds,
        whole.person_years / whole.seconds,
        (whole.quiet - fixed) / whole.person_years * 1e9,
        fixed * 1e3 / (len(whole.steps) // PHASES),
        whole.opening,
        {phase.name: seconds for phase, seconds in zip(Engine.PLAN, whole.phases, strict=True)},
    )


def mesa_share(seed: int, years: int = 25) -> float:
    """Processor seconds a step of `BorderModel` takes beside the engine's own year (best of the years)."""
    from model.border_model import BorderModel

    model = BorderModel(world="towns", seed=seed)
    engine, spent = model.engine, [0.0]
    plain_step = engine.step

    def timed_step() -> None:
        before = time.thread_time()
        plain_step()
        spent[0] = time.thread_time() - before

    engine.step = timed_step  # type: ignore[method-assign]
    shares = []
    for _ in range(years):
        before = time.thread_time()
        model.step()
        shares.append(time.thread_time() - before - spent[0])
    return min(shares)


def measure_memory(name: str) -> tuple[float, float]:
    """Memory in MB of a process (Linux): held after the imports and a tiny run, and its peak in a run to 2045."""
    printed = subprocess.run(
        [sys.executable, "-c", MEMORY_PROBE, name], capture_output=True, text=True, check=True
    ).stdout
    before, after = printed.split()
    return float(before), float(after)


def _timed_command(arguments: list[str], cache: str | None = None) -> float:
    environment = dict(os.environ)
    if cache is not None:
        environment["QYZYLJAR_CACHE"] = cache
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], env=environment, check=True, capture_output=True
    )
    return time.perf_counter() - began


def measure_start() -> dict[str, float]:
    """Wall seconds of `--help`, of a one-run forecast with compiled kernels, and of one that has to compile them."""
    with tempfile.TemporaryDirectory() as folder:
        forecast = ["forecast", "--runs", "1", "--no-figures", "--quiet", "--out"]
        return {
            "help": min(_timed_command(["--help"]) for _ in range(3)),
            "warm": min(_timed_command([*forecast, f"{folder}/warm-{k}"]) for k in range(2)),
            "cold": _timed_command([*forecast, f"{folder}/cold"], f"{folder}/cache"),
        }


def speed_sheet(speeds: list[Speed], memory: dict[str, tuple[float, float]]) -> Sheet:
    """Speed and memory of every world."""
    rows = []
    for speed in speeds:
        before, after = memory[speed.world]
        rows.append(
            (
                speed.world,
                f"{speed.people:,}",
                f"{speed.seconds:.3f} s",
                f"{speed.rate / 1e6:.1f}",
                f"{speed.net_nanoseconds:.0f} ns",
                f"{speed.fixed_milliseconds:.2f} ms/year",
                f"{speed.opening * 1e3:.1f} ms",
                f"{after - before:.0f} MB",
            )
        )
    return Sheet(
        "One core, full rules, 30 years",
        (
            "world",
            "people",
            "one run",
            "million person-years/s",
            "net cost",
            "fixed cost",
            "opening",
            "memory over imports",
        ),
        rows,
    )


def phase_sheet(speed: Speed) -> Sheet:
    """Time of the year's phases in one world."""
    from model.engine import Engine

    rows = []
    for phase in Engine.PLAN:
        spent = speed.phases[phase.name]
        rows.append(
            (
                f"{phase.number} {phase.name}",
                phase.equations,
                f"{spent / 30 * 1e3:.3f}",
                f"{spent / speed.person_years * 1e9:.1f}",
            )
        )
    return Sheet(
        f"The year of '{speed.world}' by phase",
        ("phase", "equations", "ms a year", "ns a person-year"),
        rows,
        words=2,
    )
