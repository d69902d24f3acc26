"""`qyzyljar bench`: person-years a second, time by phase of the year, memory, start-up. Never part of a test."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

REPEATS = 5
COMMAND = "from experiments.command_line import main; main()"
COMPARED = ("towns", "region")
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
    """Best of several runs of a world, and of the same world with every founder doubled (for the fixed cost)."""
    from model import draws
    from model.founding import build_founding
    from model.parameters import ParameterSpace
    from model.world import load_world

    world = load_world(name)
    values = ParameterSpace(world).defaults()
    best: dict[int, tuple[float, float, dict[str, float], float]] = {}
    for replicates in (1, 2):
        founding = build_founding(world, replicates=replicates)
        for repeat in range(repeats + 1):  # the first run only warms up
            run = _one_run(world, founding, values, draws.run_seed(seed, 0, 0))
            if repeat and (replicates not in best or run[0] < best[replicates][0]):
                best[replicates] = run
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


def mesa_share(seed: int, years: int = 10) -> float:
    """Seconds a step of `BorderModel` takes beside the engine's own year (best of the years)."""
    from model.border_model import BorderModel

    model = BorderModel(world="towns", seed=seed)
    engine, spent = model.engine, [0.0]
    plain_step = engine.step

    def timed_step() -> None:
        before = time.perf_counter()
        plain_step()
        spent[0] = time.perf_counter() - before

    engine.step = timed_step  # type: ignore[method-assign]
    shares = []
    for _ in range(years):
        before = time.perf_counter()
        model.step()
        shares.append(time.perf_counter() - before - spent[0])
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


def run_bench(world: str, seed: int, out: Path | None, quiet: bool) -> None:
    """Measure, print the tables and, with `out`, write them to `bench.json` there."""
    console = Console(quiet=quiet)
    names = [world, *(name for name in COMPARED if name != world)]
    with console.status("measuring speed on one core ..."):
        speeds = [measure_speed(name, seed, REPEATS if name != "region" else 2) for name in names]
        share = mesa_share(seed)
    with console.status("measuring memory ..."):
        memory = {name: measure_memory(name) for name in names}
    with console.status("measuring start-up, kernels compiled anew once (about a minute) ..."):
        start = measure_start()
    console.print(_speed_table(speeds, memory))
    console.print(_phase_table(speeds[0]))
    console.print(
        f"start-up: --help {start['help']:.2f} s; forecast --runs 1 warm {start['warm']:.1f} s, "
        f"cold (kernels compiled) {start['cold']:.0f} s\nMesa's share of a step: {share * 1e3:.3f} ms\n"
        f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        "processor time of one thread, best of several runs"
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        record = {
            "speed": [asdict(speed) for speed in speeds],
            "memory_mb": memory,
            "start_seconds": start,
            "mesa_share_seconds": share,
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
        (out / "bench.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _speed_table(speeds: list[Speed], memory: dict[str, tuple[float, float]]) -> Table:
    table = Table(title="One core, full rules, 30 years")
    for heading in (
        "world",
        "people",
        "one run",
        "million person- years/s",
        "net cost",
        "fixed cost",
        "opening",
        "memory over imports",
    ):
        table.add_column(heading, justify="left" if heading == "world" else "right")
    for speed in speeds:
        before, after = memory[speed.world]
        table.add_row(
            speed.world,
            f"{speed.people:,}",
            f"{speed.seconds:.3f} s",
            f"{speed.rate / 1e6:.1f}",
            f"{speed.net_nanoseconds:.0f} ns",
            f"{speed.fixed_milliseconds:.2f} ms/year",
            f"{speed.opening * 1e3:.1f} ms",
            f"{after - before:.0f} MB",
        )
    return table


def _phase_table(speed: Speed) -> Table:
    from model.engine import Engine

    table = Table(title=f"The year of '{speed.world}' by phase")
    for heading in ("phase", "equations", "ms a year", "ns a person-year"):
        table.add_column(heading, justify="left" if heading in ("phase", "equations") else "right")
    for phase in Engine.PLAN:
        spent = speed.phases[phase.name]
        table.add_row(
            f"{phase.number} {phase.name}",
            phase.equations,
            f"{spent / 30 * 1e3:.3f}",
            f"{spent / speed.person_years * 1e9:.1f}",
        )
    return table
