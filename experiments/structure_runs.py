"""`forecast --structures`: the forecast again under each structural alternative, side by side, run paired with run."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from experiments.campaign import completed
from experiments.design import Design, forecast_design
from experiments.failures import BadInput
from experiments.forecast_tables import PLAIN, new_table, short_name
from experiments.intervals import Probability, Spread, probability, spread
from experiments.manifest import Ensemble, check_folder
from experiments.paired_statistics import Difference, difference
from experiments.parameter_source import ParameterSource, parameter_source
from experiments.readable_table import print_notes
from experiments.results import Results
from experiments.structures import STRUCTURES, Alternative, Structure, with_structures
from model.world import World

Floats = NDArray[np.float64]
FOLDER, TABLE = "structures", "structures.csv"
RUNG: Final = 5000  # persons: the rung of the ladder that is the live question of the towns
HEADER: Final = (
    "place", "structure", "value", "year", "runs", "median", "q05", "q95", "share_below_5000", "below_low",
    "below_high", "mean_difference", "mean_difference_low", "mean_difference_high", "difference_median",
    "difference_q05", "difference_q95", "paired_in_calibrated_parameters",
)  # fmt: skip


@dataclass(frozen=True)
class Variant:
    """An alternative as a forecast of its own.

    Attributes:
        note: where its parameters come from. is_paired: whether its calibrated parameters are the reference's too.
    """

    structure: Structure
    alternative: Alternative
    design: Design
    note: str
    is_paired: bool

    @property
    def name(self) -> str:
        """Text as the user would give it."""
        return f"{self.structure.name}={self.alternative.value}"


@dataclass(frozen=True)
class Row:
    """The last 1 January of one place under one alternative.

    Attributes:
        below: chance that the place ends below `RUNG`. against: paired differences to the reference.
    """

    place: str
    variant: Variant
    year: int
    runs: int
    population: Spread
    below: Probability
    against: Difference


def variants(
    world: World,
    world_source: str,
    horizon: int,
    seed: int,
    fixed: Mapping[str, float],
    parameters: str | None,
) -> tuple[list[Variant], list[str]]:
    """Return the alternatives to run, and texts on those that cannot be.

    Args:
        fixed, parameters: of the reference. A structure the user has fixed already is left out.
    """
    reference = parameter_source(world, world_source, parameters)
    made: list[Variant] = []
    left_out: list[str] = []
    for structure in STRUCTURES:
        for one in structure.alternatives[1:]:
            if set(one.fixed) & set(fixed):
                left_out.append(
                    f"{structure.name}={one.value}: {', '.join(one.fixed)} is fixed in the reference"
                )
                continue
            try:
                together, source_name = with_structures({structure.name: one}, fixed, parameters)
                source: ParameterSource = parameter_source(world, world_source, source_name)
            except BadInput as error:
                left_out.append(f"{structure.name}={one.value}: {error}")
                continue
            if source.identity == reference.identity and one.parameters is not None:
                left_out.append(f"{structure.name}={one.value}: is the reference itself")
                continue
            design = forecast_design(world, horizon, seed, together, source)
            made.append(Variant(structure, one, design, source.note, source.identity == reference.identity))
    return made, left_out


def check_structure_folders(out: Path, held: list[Variant]) -> None:
    """Refuse folders that hold other designs, before anything is written.

    Raises:
        BadInput: as `check_folder`.
    """
    for one in held:
        check_folder(out / FOLDER / one.name, one.design)


def run_structures(
    out: Path,
    world: World,
    world_source: str,
    runs: int,
    held: list[Variant],
    reference: Results,
    threads: int | None,
    quiet: bool,
) -> list[Row]:
    """Run every alternative, or what is missing of it; return the table's rows, place by place.

    Raises:
        BadInput, RunFailure, Interrupted: complete parts are kept.
    """
    own = _last(reference)
    rows: list[Row] = []
    for one in held:
        ensemble = Ensemble("forecast", one.design, runs, world, world_source, one.note)
        with completed(out / FOLDER / one.name, ensemble, threads, quiet) as results:
            theirs, common = _common(results, reference)
            last = _last(results)[theirs]
            year = int(results.years[-1])
            rows += [
                Row(
                    place,
                    one,
                    year,
                    len(theirs),
                    spread(last[:, p]),
                    probability(int((last[:, p] < RUNG).sum()), len(theirs)),
                    difference(last[:, p], own[common, p]),
                )
                for p, place in enumerate(results.places)
            ]
    order = {place: k for k, place in enumerate(reference.places)}
    return sorted(rows, key=lambda row: order[row.place])


def _last(results: Results) -> Floats:
    """Population of the last 1 January, float64[runs, places]."""
    return np.asarray(results.columns(["population"])["population"][0][:, -1, :])


def _common(first: Results, second: Results) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of the pairs that both ensembles hold."""
    shared = sorted(set(first.pairs) & set(second.pairs))
    places = [{pair: k for k, pair in enumerate(one.pairs)} for one in (first, second)]
    return np.array([places[0][pair] for pair in shared]), np.array([places[1][pair] for pair in shared])


def structures_csv(rows: list[Row]) -> str:
    """Return the table as text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        figures = (
            row.population.median, *row.population.most, row.below.share, row.below.low, row.below.high,
            row.against.mean, *row.against.of_mean, row.against.median, *row.against.most,
        )  # fmt: skip
        writer.writerow(
            (row.place, row.variant.structure.name, row.variant.alternative.value, row.year, row.runs,
             *(f"{value:.8g}" for value in figures), int(row.variant.is_paired))
        )  # fmt: skip
    return buffer.getvalue()


def print_structures(
    console: Console, world: World, rows: list[Row], reference: Results, left_out: list[str]
) -> None:
    """Print how much the answer depends on each structural choice, a table for each of a few places."""
    names = dict(zip(world.ids, world.names("en"), strict=True))
    last = _last(reference)
    year = int(reference.years[-1])
    console.print()
    console.print(f"How much 1 January {year} depends on structural choices", style="bold", **PLAIN)
    for p, place in enumerate(reference.places):
        console.print()
        console.print(_table(names[place], last[:, p], [row for row in rows if row.place == place]))
    console.print()
    print_notes(console, _notes(rows, left_out))


def _table(name: str, reference: Floats, rows: list[Row]) -> Table:
    usual = spread(reference)
    width = usual.most[1] - usual.most[0]
    table = new_table(
        short_name(name),
        ("", "median", "90 %", f"below {RUNG:,}", "mean difference", "95 % of the mean", "90 % of the pairs",
         "of the width"),
    )  # fmt: skip
    table.add_row(
        "reference", f"{usual.median:,.0f}", f"{usual.most[0]:,.0f}-{usual.most[1]:,.0f}",
        str(probability(int((reference < RUNG).sum()), len(reference))), "", "", "", "",
    )  # fmt: skip
    for row in rows:
        mark = "" if row.variant.is_paired else " *"
        against = row.against
        table.add_row(
            row.variant.name + mark,
            f"{row.population.median:,.0f}",
            f"{row.population.most[0]:,.0f}-{row.population.most[1]:,.0f}",
            str(row.below),
            f"{against.mean:+,.0f}",
            f"{against.of_mean[0]:+,.0f} to {against.of_mean[1]:+,.0f}",
            f"{against.most[0]:+,.0f} to {against.most[1]:+,.0f}",
            f"{100 * against.mean / width:+.0f} %" if width > 0 else "",
        )
    return table


def _notes(rows: list[Row], left_out: list[str]) -> list[str]:
    shown = {row.variant.structure.name for row in rows}
    lines = [
        f"{one.name}: {one.question}; reference: {one.alternatives[0].text}"
        for one in STRUCTURES
        if one.name in shown
    ]
    lines += [
        "Runs of the same number share founders, chance and all other parameters. Of the width: mean difference over",
        "the width of the reference's 90 % interval. The calibrated parameters come from the one posterior, which is",
        "marginal over the alternatives; they are not fitted again under each (but for migration=recorded).",
    ]
    if any(not row.variant.is_paired for row in rows):
        lines.append(
            "* calibrated parameters from another posterior: not paired in them, so that the 90 % of the pairs is too"
            " wide; the mean and its interval hold."
        )
    return [*lines, *(f"Left out: {text}" for text in left_out)]
