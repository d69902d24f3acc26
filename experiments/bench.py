"""`qyzyljar bench`: what the model costs and where it stands beside its peers. Never part of a test.

Plain: speed, time by phase, memory, start-up. `--growth`: from 4 thousand to 20 million people. `--peers`:
idiomatic Mesa agents, Mesa itself, the machine's memory. `--chance`: what common random numbers save.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from experiments.bench_sheets import Sheet
from experiments.failures import BadInput
from experiments.output_folder import check_writable

COMPARED = ("towns", "region")
OWN_WORLD = "towns"  # growth, peers and chance are measured in this world
FORMAT = 2  # of bench.json
WIDTH = 160  # of tables that do not go to a terminal


@dataclass(frozen=True)
class BenchOptions:
    """What `qyzyljar bench` was asked for."""

    world: str = "towns"
    seed: int = 1
    peers: bool = False
    growth: bool = False
    chance: bool = False
    pairs: int = 200
    as_json: bool = False
    out: Path | None = None
    quiet: bool = False

    @property
    def sections(self) -> tuple[str, ...]:
        """What is measured, in order: the plain measurement unless others are asked for."""
        asked = {"growth": self.growth, "peers": self.peers, "chance": self.chance}
        return tuple(name for name, wanted in asked.items() if wanted) or ("speed",)


@dataclass
class Section:
    """What one part of the measurement found: its entries of the record, its tables, its figures."""

    record: dict[str, Any]
    sheets: list[Sheet]
    lines: list[str] = field(default_factory=list)
    draw: Callable[[Path], list[Path]] | None = None


def run_bench(options: BenchOptions) -> None:
    """Measure, print the tables or the JSON and, with `out`, write both and the figures there.

    Raises:
        BadInput: options that do not go together, a folder that cannot be written, peers without a checkout.
        RunFailure: a measurement failed.
    """
    _check(options)
    notes = Console(stderr=True, quiet=options.quiet)
    from experiments.bench_machine import describe, provenance

    measures = {"speed": _speed, "growth": _growth, "peers": _peers, "chance": _chance}
    found = [measures[name](options, notes) for name in options.sections]
    record: dict[str, Any] = {"format": FORMAT, "seed": options.seed, **provenance()}
    for section in found:
        record.update(section.record)
    lines = [*(line for section in found for line in section.lines), describe(record)]
    text = json.dumps(record, indent=1)
    if options.as_json:
        print(text)
    else:
        console = Console(quiet=options.quiet)
        if not console.is_terminal:
            console = Console(quiet=options.quiet, width=WIDTH)  # a file or a pipe has no width of its own
        for section in found:
            for sheet in section.sheets:
                console.print(sheet.table())
        console.print("\n".join(lines))
    if options.out is not None:
        _write(options.out, text, found, lines)


def _check(options: BenchOptions) -> None:
    """Refuse before anything is measured."""
    if options.sections != ("speed",) and options.world != OWN_WORLD:
        asked = " and ".join(f"--{name}" for name in options.sections)
        raise BadInput(f"{asked}: measured in world '{OWN_WORLD}' only; leave --world {options.world} out")
    if options.pairs < 2:
        raise BadInput(f"--pairs {options.pairs}: expected 2 or more, a variance needs two")
    if options.peers:
        from experiments.bench_peers import find_reference

        find_reference()
    if options.sections == ("speed",):
        from experiments.forecast import read_world

        read_world(options.world)
    if options.out is not None:
        check_writable(options.out)


def _speed(options: BenchOptions, console: Console) -> Section:
    from experiments import bench_speed

    names = [options.world, *(name for name in COMPARED if name != options.world)]
    with console.status("measuring speed on one core ..."):
        speeds = [bench_speed.measure_speed(name, options.seed) for name in names]
        share = bench_speed.mesa_share(options.seed)
    with console.status("measuring memory ..."):
        memory = {
            speed.world: bench_speed.measure_memory(name) for name, speed in zip(names, speeds, strict=True)
        }
    with console.status("measuring start-up, kernels compiled anew once (about a minute) ..."):
        start = bench_speed.measure_start()
    return Section(
        {
            "speed": [asdict(speed) for speed in speeds],
            "memory_mb": memory,
            "start_seconds": start,
            "mesa_share_seconds": share,
        },
        [bench_speed.speed_sheet(speeds, memory), bench_speed.phase_sheet(speeds[0])],
        [
            f"start-up: --help {start['help']:.2f} s; forecast --runs 1 warm {start['warm']:.1f} s, "
            f"cold (kernels compiled) {start['cold']:.0f} s",
            f"Mesa's share of a step: {share * 1e3:.3f} ms",
            "processor time of one thread, best of several runs",
        ],
    )


def _growth(options: BenchOptions, console: Console) -> Section:
    from experiments import bench_growth

    with console.status("measuring from 4 thousand to 20 million people (some four minutes) ..."):
        sizes = bench_growth.measure_growth(options.seed)

    def draw(folder: Path) -> list[Path]:
        from experiments.bench_figures import draw_growth

        return draw_growth(sizes, folder)

    return Section(
        {
            "growth": {
                "sizes": [size.record() for size in sizes],
                "fixed_seconds": bench_growth.fixed_cost(sizes),
                "net_nanoseconds": [cost * 1e9 for cost in bench_growth.net_costs(sizes)],
                "spread": bench_growth.spread(sizes),
            }
        },
        [bench_growth.growth_sheet(sizes), bench_growth.phase_growth_sheet(sizes)],
        draw=draw,
    )


def _peers(options: BenchOptions, console: Console) -> Section:
    from experiments import bench_peers

    reference = bench_peers.find_reference()
    with console.status("measuring peers by turns (some minutes: object agents are slow) ..."):
        contests = bench_peers.measure_peers(reference, options.seed)
    record = [
        {
            **asdict(contest),
            "times_reference": contest.ratio(bench_peers.REFERENCE),
            "bandwidth": contest.bandwidth,
            "bound_seconds": contest.bound,
        }
        for contest in contests
    ]
    return Section({"peers": record}, [bench_peers.peers_sheet(contests)])


def _chance(options: BenchOptions, console: Console) -> Section:
    from experiments import chance, chance_sheets

    with console.status(f"running {options.pairs} pairs of every change (some minutes) ..."):
        study = chance.study_chance(options.seed, options.pairs)

    def draw(folder: Path) -> list[Path]:
        from experiments.chance_figures import draw_chance

        return draw_chance(study, folder)

    return Section({"chance": study.record()}, chance_sheets.chance_sheets(study), draw=draw)


def _write(out: Path, text: str, found: list[Section], lines: list[str]) -> None:
    """Write bench.json, bench.md and the figures."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(text + "\n", encoding="utf-8")
    tables = [sheet.markdown() for section in found for sheet in section.sheets]
    (out / "bench.md").write_text("\n".join([*tables, "  \n".join(lines)]) + "\n", encoding="utf-8")
    for section in found:
        if section.draw is not None:
            for path in section.draw(out):
                print(path, file=sys.stderr)
