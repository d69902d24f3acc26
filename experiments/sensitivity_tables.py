"""What a sensitivity analysis says: tables on the terminal and CSV files in its folder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.compare_files import write_table
from experiments.readable_table import ReadableTable
from experiments.sensitivity import Analysis, OutputResult
from experiments.sensitivity_factors import CHANCE, DUMMY
from experiments.sensitivity_indices import RESAMPLES, Index, MorrisIndices, PawnIndices, SobolIndices
from experiments.sensitivity_outputs import COST_CEILING

SHOWN_FACTORS = 16
SHOWN_PAIRS = 6
HEADER = (
    "output",
    "method",
    "set",
    "factor",
    "with",
    "index",
    "value",
    "low95",
    "high95",
    "blocks",
    "stable",
)
Row = tuple[object, ...]


# --- files -------------------------------------------------------------------------------------------------


def write_analysis(folder: Path, analysis: Analysis) -> None:
    """Write summary.csv, over_time.csv, failures.csv, and factors.csv; the screening's into its own folder.

    Raises:
        RunFailure: the disk refuses.
    """
    if analysis.screening is not None:
        write_analysis(folder / "screening", analysis.screening)
    write_table(
        folder, "summary.csv", HEADER, [row for one in analysis.results for row in _rows(analysis, one)]
    )
    write_table(
        folder,
        "over_time.csv",
        ("output", "year", "factor", "index", "value", "low95", "high95"),
        _over_time_rows(analysis),
    )
    write_table(folder, "failures.csv", ("block", "row", "reason"), analysis.figures.failures)
    groups = {member: name for name, members in analysis.sampling.groups for member in members}
    write_table(
        folder,
        "factors.csv",
        ("factor", "block", "group", "range"),
        [(f.name, f.block, groups.get(f.name, f.name), f.text) for f in analysis.sampling.factors],
    )


def _rows(analysis: Analysis, one: OutputResult) -> Iterator[Row]:
    found, method = one.indices, analysis.sampling.method
    lead = (one.output.text, method)
    if isinstance(found, SobolIndices):
        yield from _sobol_rows((*lead, "factor"), found)
        if one.by_block is not None:
            yield from _sobol_rows((*lead, "block"), one.by_block)
    elif isinstance(found, MorrisIndices):
        yield from _index_rows((*lead, "factor"), "mu_star", found.names, found.star, found.blocks)
        for index, values in (("mu", found.mean_effect), ("sigma", found.sigma)):
            for name, value in zip(found.names, values.tolist(), strict=True):
                yield (*lead, "factor", name, "", index, value, math.nan, math.nan, found.blocks, "")
    elif isinstance(found, PawnIndices):
        yield from _index_rows((*lead, "factor"), "median_distance", found.names, found.median, found.blocks)
        for name, value in zip(found.names, found.largest.tolist(), strict=True):
            yield (*lead, "factor", name, "", "largest_distance", value, math.nan, math.nan, found.blocks, "")
    else:
        yield (*lead, "factor", "", "", "constant", math.nan, math.nan, math.nan, analysis.blocks, "")


def _sobol_rows(lead: Row, found: SobolIndices) -> Iterator[Row]:
    stable = int(found.is_stable)
    yield from _index_rows(lead, "S1", found.names, found.first, found.blocks, stable)
    yield from _index_rows(lead, "ST", found.names, found.total, found.blocks, stable)
    for (one, two), (value, low, high) in found.second.items():
        yield (*lead, one, two, "S2", value, low, high, found.blocks, stable)


def _index_rows(
    lead: Row, name: str, factors: Sequence[str], index: Index, blocks: int, stable: object = ""
) -> Iterator[Row]:
    for k, factor in enumerate(factors):
        value, low, high = (float(part[k]) for part in (index.value, index.low, index.high))
        yield (*lead, factor, "", name, value, low, high, blocks, stable)


def _over_time_rows(analysis: Analysis) -> Iterable[Row]:
    name = {"sobol": "ST", "morris": "mu_star", "pawn": "median_distance"}[analysis.sampling.method]
    for one in analysis.results:
        if one.indices is None:
            continue
        for t, year in enumerate(analysis.years):
            for k, factor in enumerate(one.indices.names):
                path = one.over_time
                if not math.isnan(value := float(path.value[t, k])):
                    yield (
                        one.output.text,
                        year,
                        factor,
                        name,
                        value,
                        float(path.low[t, k]),
                        float(path.high[t, k]),
                    )


# --- terminal ----------------------------------------------------------------------------------------------


def print_analysis(console: Console, analysis: Analysis) -> None:
    """Print one table an output, what acts together, and what the reader has to know."""
    if analysis.screening is not None:
        kept = [name for name, _ in analysis.sampling.groups]
        rows = analysis.screening.blocks * analysis.screening.sampling.rows_per_block
        _say(
            console,
            f"Screening: {analysis.screening.blocks} trajectories over {len(analysis.sampling.factors)} factors, "
            f"{rows:,} runs. Factors of the Sobol' design: {', '.join(kept)}.",
        )
    for note in analysis.notes:
        _say(console, note)
    _say(console, f"Parameters: {analysis.parameters_note}.")
    for one in analysis.results:
        console.print()
        _print_output(console, analysis, one)
    console.print()
    for line in reading(analysis):
        _say(console, line)


def _print_output(console: Console, analysis: Analysis, one: OutputResult) -> None:
    found = one.indices
    title = one.output.label[0].upper() + one.output.label[1:]
    if isinstance(found, SobolIndices):
        heading = f"{title}: mean {found.mean:,.4g}, standard deviation {found.sd:,.4g} ({one.output.unit})"
        _say(console, heading, "bold")
        console.print(_sobol_table(found, _blocks_of(analysis)), markup=False)
        if one.by_block is not None:
            _say(console, "By block:", "bold")
            console.print(_sobol_table(one.by_block, {}), markup=False)
        _print_pairs(console, found)
        noise, low, high = found.of(CHANCE)
        _say(
            console,
            f"Chance alone or with others: {noise:.0%} of the variance ({low:.0%} to {high:.0%}); no knowledge of "
            "parameters or future takes that away.",
        )
        if found.says_nothing:
            k = int(np.argmax(found.total.value))
            _say(
                console,
                f"TOO FEW BLOCKS: the interval of the largest index, {found.names[k]}, is {_span(found.total, k)}, as "
                "wide as the whole variance. These indices say nothing yet: take more blocks (--base), many times more "
                "for a rare event, or a figure that varies in every run.",
            )
        steady = "stable" if found.is_stable else "NOT stable: more blocks (--base) would change it"
        _say(
            console,
            f"Ranking after {found.blocks:,} blocks: {steady} (distance {found.rank_distance:.2f}, below 1).",
        )
    elif isinstance(found, MorrisIndices):
        _say(console, f"{title} ({one.output.unit})", "bold")
        console.print(_morris_table(found, _blocks_of(analysis)), markup=False)
    elif isinstance(found, PawnIndices):
        _say(console, f"{title} ({one.output.unit})", "bold")
        console.print(_pawn_table(found, _blocks_of(analysis)), markup=False)
        _say(
            console,
            f"If no factor changed anything the largest of {len(found.names)} would stay below {found.threshold:.3f} "
            "in 19 of 20 analyses"
            + (
                "."
                if found.above.any()
                else ": none stands out. Take more --runs, or a figure that varies more."
            ),
        )
    else:
        _say(console, f"{title}: one value in all {analysis.blocks:,} blocks, nothing moves it.")
        return
    _print_warnings(console, one)


def _print_warnings(console: Console, one: OutputResult) -> None:
    found = one.indices
    if isinstance(found, PawnIndices) and found.false_alarm:
        _say(
            console,
            "ALARM: the dummy, which changes nothing, stands above what chance differences explain. Once in some "
            "hundred analyses that is an accident: repeat with another --seed before trusting these indices.",
        )
    if isinstance(found, SobolIndices | MorrisIndices) and found.false_alarm:
        _say(
            console,
            "ALARM: the dummy, which changes nothing, has an index above 0: runs with equal inputs differed. "
            "Do not use these indices; please report it.",
        )
    if one.lost:
        _say(console, f"{one.lost} blocks with a run that failed are left out; failures.csv names them.")
    if one.at_ceiling > 0.0:
        _say(
            console,
            f"In {one.at_ceiling:.0%} of the runs the policy gains nobody at a price below {COST_CEILING:g} million "
            f"KZT; they count as {COST_CEILING:g}.",
        )


def _blocks_of(analysis: Analysis) -> dict[str, str]:
    return {factor.name: factor.block for factor in analysis.sampling.factors}


def _table(headings: Sequence[str]) -> Table:
    table = ReadableTable(pad_edge=False, box=None, header_style="bold")
    for k, heading in enumerate(headings):
        table.add_column(heading, justify="left" if k < 2 else "right", no_wrap=True)
    return table


def _shown(order: Sequence[int], names: Sequence[str]) -> list[int]:
    """The largest, and chance and dummy wherever they stand."""
    always = [k for k in order if names[k] in (CHANCE, DUMMY)]
    first = [k for k in order if k not in always][:SHOWN_FACTORS]
    return [k for k in order if k in first or k in always]


def _sobol_table(found: SobolIndices, blocks: dict[str, str]) -> Table:
    table = _table(("factor", "block", "alone S1", "95 %", "total ST", "95 %"))
    order = [int(k) for k in np.argsort(-found.total.value, kind="stable")]
    for k in _shown(order, found.names):
        table.add_row(
            found.names[k], blocks.get(found.names[k], ""),
            f"{found.first.value[k]:.3f}", _span(found.first, k), f"{found.total.value[k]:.3f}", _span(found.total, k),
        )  # fmt: skip
    return table


def _morris_table(found: MorrisIndices, blocks: dict[str, str]) -> Table:
    table = _table(("factor", "block", "mean size mu*", "95 %", "mean mu", "spread sigma"))
    order = [int(k) for k in np.argsort(-found.star.value, kind="stable")]
    for k in _shown(order, found.names):
        table.add_row(
            found.names[k], blocks.get(found.names[k], ""), f"{found.star.value[k]:,.4g}",
            f"{found.star.low[k]:,.4g} to {found.star.high[k]:,.4g}", f"{found.mean_effect[k]:+,.4g}",
            f"{found.sigma[k]:,.4g}",
        )  # fmt: skip
    return table


def _pawn_table(found: PawnIndices, blocks: dict[str, str]) -> Table:
    table = _table(("factor", "block", "median distance", "95 %", "largest", "above noise"))
    order = [int(k) for k in np.argsort(-found.median.value, kind="stable")]
    for k in _shown(order, found.names):
        above = "yes" if found.above[k] else "no"
        table.add_row(
            found.names[k], blocks.get(found.names[k], ""), f"{found.median.value[k]:.3f}", _span(found.median, k),
            f"{found.largest[k]:.3f}", above,
        )  # fmt: skip
    return table


def _span(index: Index, k: int) -> str:
    return f"{index.low[k]:.3f} to {index.high[k]:.3f}"


def _print_pairs(console: Console, found: SobolIndices) -> None:
    clear = [
        (pair, value)
        for pair, value in found.second.items()
        if value[1] > 0.0 and value[0] > found.noise_of_pairs and DUMMY not in pair
    ]
    clear.sort(key=lambda held: -held[1][0])
    if not found.second:
        return
    if not clear:
        _say(
            console,
            "Acting together: no pair that stands out from those with the dummy, its interval above 0.",
        )
        return
    texts = [
        f"{one} x {two} {v:.3f} ({low:.3f} to {high:.3f})"
        for (one, two), (v, low, high) in clear[:SHOWN_PAIRS]
    ]
    _say(console, "Acting together (S2, interval above 0): " + "; ".join(texts) + ".")


def reading(analysis: Analysis) -> list[str]:
    """What a reader has to know about the numbers."""
    sampling = analysis.sampling
    runs = analysis.blocks * sampling.rows_per_block
    common = f"Intervals: 95 % over {RESAMPLES} resamples of blocks, each with its own design point and its own seeds."
    if sampling.method == "sobol":
        stop = " The ranking was stable before all blocks were run." if analysis.stopped else ""
        return [
            f"{runs:,} runs in {analysis.blocks:,} blocks.{stop} S1: share of the variance that knowing this factor "
            "would take away; ST: share that stays if only it is unknown, interactions included. Priors, not wishes, "
            "set the ranges: a factor matters as far as it is unknown.",
            "S1 and ST are two estimates, each with an error: S1 below 0 or above ST is that error. Near 0 beside an "
            "ST above 0 it means that the factor acts only together with others. The dummy is 0.000 to 0.000: rows "
            "that differ in it alone are one and the same run; anything else would be an alarm.",
            common,
        ]
    if sampling.method == "morris":
        return [
            f"{runs:,} runs in {analysis.blocks:,} trajectories. Effects are per whole range of a factor, in the "
            "output's unit: mu* their mean size, mu their mean with sign, sigma their spread (interactions, bends). A "
            "change of chance is an effect as any other.",
            common,
        ]
    return [
        f"{runs:,} runs. Median Kolmogorov-Smirnov distance between all runs and those with the factor in one of ten "
        "intervals. A factor that changes nothing has one above 0, too: 'above noise' compares with that.",
        common,
    ]


def _say(console: Console, text: str, look: str = "") -> None:
    console.print(text, style=look, markup=False, highlight=False, soft_wrap=not console.is_terminal)
