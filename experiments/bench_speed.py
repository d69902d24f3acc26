"""Speed of one run: person-years a second, time by phase of the year, memory, Mesa's share, start-up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from experiments.bench_sheets import Sheet

REPEATS = 5
SECONDS_TO_SPEND = 3.0  # on repeating short runs: the best of five is a matter of luck on a busy machine
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
        net_nanoseconds: cost of a person-year net of the fixed cost; fixed_milliseconds: that cost a year.
        phases: seconds a run by phase of the year. opening: seconds before the first year.
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


def _one_run(
    world: Any, founding: Any, values: Any, seed: Any
) -> tuple[float, float, dict[str, float], float]:
    """Processor seconds of a run: total, opening, by phase; and its person-years."""
    from model.engine import Engine

    began = time.thread_time()
    engine = Engine(world, founding, values, seed)
    opening = time.thread_time() - began
    phases = {phase.name: 0.0 for phase in Engine.PLAN}
    while engine.year < engine.horizon:
        for phase in Engine.PLAN:
            before = time.thread_time()
            getattr(engine, phase.run)()
            phases[phase.name] += time.thread_time() - before
    total = time.thread_time() - began
    return total, opening, phases, float(engine.record.column("population")[:-1].sum())


def measure_speed(name: str, seed: int, repeats: int = REPEATS) -> Speed:
    """Best of several runs of a world in a row, and of the same world with every founder doubled (for the fixed cost).

    Short runs are repeated more often than `repeats` times.
    """
    from model import draws
    from model.founding import build_founding
    from model.parameters import ParameterSpace
    from model.world import load_world

    world = load_world(name)
    values = ParameterSpace(world).defaults()
    best: dict[int, tuple[float, float, dict[str, float], float]] = {}
    for replicates in (1, 2):
        founding = build_founding(world, replicates=replicates)
        spent, turn = 0.0, 0
        while turn <= repeats or spent < SECONDS_TO_SPEND:
            run = _one_run(world, founding, values, draws.run_seed(seed, 0, 0))
            # The first turn only warms up
            if turn and (replicates not in best or run[0] < best[replicates][0]):
                best[replicates] = run
            spent, turn = spent + run[0], turn + 1
    (single, opening, phases, years), (double, _, _, double_years) = best[1], best[2]
    net = (double - single) / (double_years - years)
    fixed = max(0.0, single - net * years) / (2045 - world.start)
    return Speed(
        world.name,
        int(world.founding_population.sum()),
        years,
        single,
        years / single,
        net * 1e9,
        fixed * 1e3,
        opening,
        phases,
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
