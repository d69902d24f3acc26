"""The causal ledger as printed tables and as ledger.csv."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.causal_ledger import (
    ARRIVED,
    BIRTHS,
    CENTRE_JOBS,
    CHANCE,
    DEATHS,
    INTERACTION,
    LEFT,
    RIVAL_INCOME,
    STEPS,
    Ledger,
)
from experiments.compare_files import write_table
from experiments.forecast_tables import new_table
from experiments.paired_statistics import Difference, Floats, summarised
from experiments.readable_table import print_notes

UNITS = {name: unit for _, name, unit, _ in STEPS} | {CENTRE_JOBS: "jobs", RIVAL_INCOME: "KZT a month"}
ORDER = (CENTRE_JOBS, *(name for _, name, _, _ in STEPS), RIVAL_INCOME)
ALWAYS = (INTERACTION, CHANCE)
LEAST_SHOWN = 0.5  # persons in some pair: smaller channels are added up
NOTE = (
    "Each line: mean over the pairs, its 95 % interval, and the central 90 % of the pairs. Births - deaths + arrivals",
    "- departures is the change of population in every pair. Departures and arrivals are made up of what each channel",
    "alone changes in the model's expectation (one table of the policy's run put into the reference's state each",
    "year), the interaction of the channels, and chance: what happened beyond the expectation, 0 on average.",
)


def lines_of(ledger: Ledger) -> Iterator[tuple[str, str, str, Floats]]:
    """Section, line, unit and values of a ledger, in the order of cause and effect."""
    for name in ORDER:
        yield "work and income, mean of the years", name, UNITS[name], ledger.steps[name]
    for section, sign, parts, total in (
        ("fewer departures (+ keeps people)", -1.0, ledger.leaving, LEFT),
        ("more arrivals", 1.0, ledger.arriving, ARRIVED),
    ):
        others = np.zeros(ledger.runs)
        for name, values in parts.items():
            if name in ALWAYS or np.abs(values).max() >= LEAST_SHOWN:
                yield section, name, "persons", sign * values
            else:
                others = others + sign * values
        if np.any(others):
            yield section, "all other channels", "persons", others
        yield section, f"together: {total}", "persons", sign * ledger.vital[total]
    yield "births and deaths", "more births", "persons", ledger.vital[BIRTHS]
    yield "births and deaths", "fewer deaths", "persons", -ledger.vital[DEATHS]
    yield "population", "residents at the horizon", "persons", ledger.population


def print_ledgers(console: Console, ledgers: Sequence[Ledger], place: str) -> None:
    """Print the ledger of every case."""
    for ledger in ledgers:
        console.print()
        console.print(ledger_table(ledger, place))
    console.print()
    print_notes(console, NOTE)


def ledger_table(ledger: Ledger, place: str) -> Table:
    """One ledger, sections under their headings."""
    title = (
        f"{place}: '{ledger.case}' against '{ledger.reference}', {ledger.first}-{ledger.last}, "
        f"{ledger.runs} pairs of runs"
    )
    table = new_table(title, ["", "unit", "mean", "95 % of the mean", "90 % of pairs"])
    if not any(np.any(values) for _, _, _, values in lines_of(ledger)):
        table.add_row("no difference in any pair", "", "", "", "")
        return table
    section = ""
    for heading, name, unit, values in lines_of(ledger):
        if heading != section:
            table.add_row(heading, "", "", "", "", style="bold")
            section = heading
        table.add_row(f"  {name}", unit, *_cells(summarised(values), unit))
    return table


def _cells(gap: Difference, unit: str) -> tuple[str, str, str]:
    def text(value: float) -> str:
        if unit == "points":
            return f"{value:+.2f}"
        return "0" if abs(value) < 0.05 else (f"{value:+,.0f}" if abs(value) >= 9.95 else f"{value:+.1f}")

    if gap.is_zero:
        return "0", "", ""
    of_mean, most = (f"{text(low)} to {text(high)}" for low, high in (gap.of_mean, gap.most))
    return text(gap.mean), of_mean, most


def write_ledgers(folder: Path, ledgers: Sequence[Ledger]) -> Path:
    """ledger.csv: every line of every ledger."""
    header = ("scenario", "reference", "place", "first", "last", "section", "line", "unit", "runs", "mean",
              "mean_low95", "mean_high95", "q05", "q95")  # fmt: skip
    rows = []
    for ledger in ledgers:
        for section, name, unit, values in lines_of(ledger):
            gap = summarised(values)
            rows.append(
                (ledger.case, ledger.reference, ledger.place, ledger.first, ledger.last, section, name, unit,
                 gap.runs, gap.mean, *gap.of_mean, *gap.most)
            )  # fmt: skip
    return write_table(folder, "ledger.csv", header, rows)
