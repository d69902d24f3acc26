"""The printed uncertainty ledger, its CSV files, and what more runs or another statistic would do."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.compare_files import Row, write_table
from experiments.forecast_tables import KNOWN_LIMITS, PLAIN, new_table
from experiments.intervals import Probability
from experiments.readable_table import print_notes
from experiments.uncertainty_ledger import CHANCE, SOURCES, Component, Ledger, RunsNeeded
from experiments.uncertainty_ledger_information import Information, Statistic
from experiments.uncertainty_ledger_runs import Factor, Headline

NOTE_WIDTH = 118
SHOWN_STATISTICS, SHOWN_PARAMETERS = 3, 6


@dataclass(frozen=True)
class LedgerLine:
    """All that the ledger says about a headline figure.

    Attributes:
        headline: the figure.
        ledger: its variance split. runs: what more runs would do. statistics, parameters: what knowing them would
            take away, best first.
        chance: of a crossing, in the sample. Where it is too rare (or too common) to split, nothing else is given.
    """

    headline: Headline
    ledger: Ledger | None
    runs: RunsNeeded | None
    statistics: tuple[Information, ...]
    parameters: tuple[Information, ...]
    chance: Probability | None = None


@dataclass(frozen=True)
class GridSize:
    """How the grid was built."""

    factors: tuple[Factor, ...]
    futures: tuple[str, ...]
    draws: int
    replicates: int
    sample: int

    @property
    def runs(self) -> int:
        """Runs of the grid, without the sample."""
        return (
            math.prod(len(f.levels) for f in self.factors) * len(self.futures) * self.draws * self.replicates
        )


def print_ledger(
    console: Console,
    lines: Sequence[LedgerLine],
    size: GridSize,
    statistics: Sequence[Statistic],
    title: str,
    note: str,
) -> None:
    """Print the ledger."""
    console.print(
        f"{title}: uncertainty ledger, {size.runs:,} runs of the grid and {size.sample:,} of the sample",
        style="bold",
        **PLAIN,
    )
    console.print(f"Parameters: {note}", **PLAIN)
    for table in (
        split_table(lines),
        runs_table(lines),
        statistics_table(lines, statistics),
        parameter_table(lines),
    ):
        console.print()
        console.print(table)
    console.print()
    print_notes(console, notes(size))


def per_cent(share: float) -> str:
    """A share in per cent, a decimal below ten."""
    value = 100.0 * min(1.0, max(0.0, share))
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def share_cell(component: Component) -> str:
    """A share of the variance with its interval; an upper bound where none is found."""
    if component.share <= 0.0:
        return f"under {per_cent(component.high)} %"
    return f"{per_cent(component.share)} % ({per_cent(component.low)}-{per_cent(component.high)})"


def _by_heading(lines: Sequence[LedgerLine], table: Table) -> Iterator[LedgerLine]:
    """The lines in order, with a row for every new heading."""
    heading = ""
    for line in lines:
        if line.headline.heading != heading:
            heading = line.headline.heading
            table.add_row(heading[0].upper() + heading[1:])
        yield line


def split_table(lines: Sequence[LedgerLine]) -> Table:
    """Where the variance of each figure comes from."""
    table = new_table(
        "Where the uncertainty comes from: share of the variance (95 %)",
        ["Figure", "mean", "sd", "parameters", "chance", "future", "structure", "only together"],
    )
    for line in _by_heading(lines, table):
        name = f"  {line.headline.name}"
        if line.ledger is None:
            table.add_row(name, str(line.chance or "constant"), "", "too rare" if line.chance else "")
            continue
        ledger = line.ledger
        form = "{:,.2f}" if line.headline.rung else "{:,.1f}" if abs(ledger.mean) < 1000 else "{:,.0f}"
        table.add_row(
            name,
            form.format(ledger.mean),
            form.format(math.sqrt(ledger.variance)),
            *(share_cell(ledger.components[source]) for source in SOURCES),
        )
    return table


def runs_table(lines: Sequence[LedgerLine]) -> Table:
    """How well the interval itself is known, and what more runs would change."""
    table = new_table(
        "How many more runs would help: the 90 % interval of the sample and how well its ends are known (95 %)",
        [
            "Figure",
            "90 % of runs",
            "low end +-",
            "high end +-",
            "runs now",
            "runs for 5 % of the width",
            "never below, of the sd",
        ],
    )
    counted = [line for line in lines if line.headline.rung is None]
    for line in _by_heading(counted, table):
        if line.runs is None or line.ledger is None:
            table.add_row(f"  {line.headline.name}", "too few runs to say")
            continue
        one = line.runs
        left = math.sqrt(max(0.0, min(1.0, line.ledger.components[CHANCE].share)))
        table.add_row(
            f"  {line.headline.name}",
            f"{one.low:,.0f} to {one.high:,.0f}",
            f"{one.of_low:,.0f}",
            f"{one.of_high:,.0f}",
            f"{one.runs:,}",
            f"{one.needed:,}" if one.needed > one.runs else "enough now",
            f"{per_cent(left)} %",
        )
    return table


def information_cell(one: Information) -> str:
    """What knowing something would take away, or that it cannot be told from nothing."""
    if not one.is_real:
        return f"under {per_cent(max(one.high, one.floor))} %"
    return f"{per_cent(one.share)} % ({per_cent(one.low)}-{per_cent(one.high)})"


def statistics_table(lines: Sequence[LedgerLine], statistics: Sequence[Statistic]) -> Table:
    """Which missing statistic would narrow each figure most."""
    titles = {statistic.id: statistic.title for statistic in statistics}
    table = new_table(
        "Which missing statistic would narrow it most: variance taken away at best (95 %, held-out runs)",
        ["Figure and statistic", "variance", "parameters"],
    )
    for line in lines:
        if not line.statistics:
            continue
        table.add_row(line.headline.title)
        real = [one for one in line.statistics if one.is_real][:SHOWN_STATISTICS]
        for one in real:
            table.add_row(f"  {titles[one.name]}", information_cell(one), str(one.parameters))
        if not real:
            most = max(one.high for one in line.statistics)
            table.add_row("  none can be told from random numbers", f"each under {per_cent(most)} %")
    return table


def parameter_table(lines: Sequence[LedgerLine]) -> Table:
    """Single parameters whose knowledge would narrow a figure, above the floor of random columns."""
    table = new_table(
        "Single parameters: variance that knowing one would take away (95 %); those above the floor of random columns",
        ["Figure", "floor", "parameters"],
    )
    for line in _by_heading([line for line in lines if line.parameters], table):
        real = [one for one in line.parameters if one.is_real][:SHOWN_PARAMETERS]
        table.add_row(
            f"  {line.headline.name}",
            f"{per_cent(line.parameters[0].floor)} %",
            ", ".join(f"{one.name} {per_cent(one.share)} %" for one in real) or "none above it",
        )
    return table


def notes(size: GridSize) -> list[str]:
    """What a reader has to know, with the assumptions made."""
    factors = "; ".join(
        f"{f.name} at {', '.join(f'{level:.3g}' for level in f.levels)}" for f in size.factors
    )
    text = (
        f"Grid: every structure ({factors or 'none varies'}) x every future ({', '.join(size.futures)}) x {size.draws} "
        f"parameter draws x {size.replicates} replicates of chance. Structures and futures weigh alike [assumed]: "
        "their shares say how far apart these choices are, not how likely. Chance: what remains with all else known; "
        "no data and no more runs take it away ('never below' is the sd it leaves alone). 'Only together': what "
        "parameters, future and structure do in combination. Shares are estimated without bias; 'under': the interval "
        "reaches 0. More runs make the ends of an interval better known, they do not move them together. Knowing a "
        "statistic is taken as fixing its parameters for certain: real statistics take away less. Floor: what the best "
        "of as many random columns reaches in one list of 20."
    )
    return [*textwrap.wrap(text, NOTE_WIDTH), *KNOWN_LIMITS]


def write_ledger(folder: Path, lines: Sequence[LedgerLine]) -> Path:
    """ledger.csv: variance of every headline figure by source."""
    header = (
        "figure",
        "place",
        "unit",
        "mean",
        "variance",
        "source",
        "component",
        "share",
        "share_low95",
        "share_high95",
    )
    rows: list[Row] = []
    for line in lines:
        if line.ledger is None:
            continue
        head = (
            line.headline.id,
            line.headline.place,
            line.headline.unit,
            line.ledger.mean,
            line.ledger.variance,
        )
        rows += [
            (*head, c.source, c.variance, c.share, c.low, c.high) for c in line.ledger.components.values()
        ]
    return write_table(folder, "ledger.csv", header, rows)


def write_runs_needed(folder: Path, lines: Sequence[LedgerLine]) -> Path:
    """runs_needed.csv: how well the ends of each interval are known, and runs that would fix them."""
    header = (
        "figure",
        "place",
        "runs",
        "q05",
        "q95",
        "half_width_q05",
        "half_width_q95",
        "target",
        "runs_needed",
    )
    rows: list[Row] = [
        (
            line.headline.id,
            line.headline.place,
            r.runs,
            r.low,
            r.high,
            r.of_low,
            r.of_high,
            r.target,
            r.needed,
        )
        for line in lines
        if (r := line.runs) is not None
    ]
    return write_table(folder, "runs_needed.csv", header, rows)


def write_information(folder: Path, lines: Sequence[LedgerLine], statistics: Mapping[str, Statistic]) -> Path:
    """information.csv: expected reduction of variance by knowing a statistic or a parameter."""
    header = ("figure", "place", "kind", "name", "title", "parameters", "share", "share_low95", "share_high95",
              "floor", "above_floor", "publisher")  # fmt: skip
    rows: list[Row] = []
    for line in lines:
        for kind, found in (("statistic", line.statistics), ("parameter", line.parameters)):
            for one in found:
                statistic = statistics.get(one.name) if kind == "statistic" else None
                rows.append(
                    (line.headline.id, line.headline.place, kind, one.name,
                     statistic.title if statistic else "", one.parameters, one.share, one.low, one.high, one.floor,
                     int(one.is_real), statistic.publisher if statistic else "")
                )  # fmt: skip
    return write_table(folder, "information.csv", header, rows)
