"""The printed boxes of scenario discovery and the robust choice, and their CSV files."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.compare_cells import signed
from experiments.compare_files import Row, write_table
from experiments.discovery import Box, Discovery, Restriction
from experiments.discovery_satisficing import Satisficing
from experiments.forecast_tables import KNOWN_LIMITS, PLAIN, new_table
from experiments.intervals import Probability, per_cent
from experiments.readable_table import print_notes
from experiments.regret import Ranked

NOTE_WIDTH = 118
FUTURE = "future: "


def print_discovery(
    console: Console,
    found: Sequence[Discovery],
    skipped: Mapping[str, str],
    robust: Sequence[Satisficing],
    ranked: Sequence[Ranked],
    futures: Sequence[str],
    heading: str,
    note: str,
) -> None:
    """Print boxes and robust choice."""
    console.print(heading, style="bold", **PLAIN)
    console.print(f"Parameters: {note}", **PLAIN)
    tables = [box_table(found)]
    if len(robust) > 1 or len(futures) > 1:
        tables.append(robust_table(robust, ranked, futures))
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    print_notes(console, notes(skipped))


def range_text(one: Restriction) -> str:
    """A restriction in words."""
    if one.name.startswith(FUTURE):
        name = one.name.removeprefix(FUTURE)
        return f"future is {name}" if one.low > 0.0 else f"future is not {name}"
    if math.isinf(one.low):
        return f"{one.name} up to {one.high:.3g}"
    if math.isinf(one.high):
        return f"{one.name} over {one.low:.3g}"
    return f"{one.name} over {one.low:.3g}, up to {one.high:.3g}"


def p_text(p_value: float) -> str:
    """A quasi p-value."""
    return "p < .001" if p_value < 0.001 else f"p = {p_value:.3f}".replace("0.", ".", 1)


def chance_text(chance: Probability) -> str:
    """Share with its interval."""
    return str(chance)


def box_table(found: Sequence[Discovery]) -> Table:
    """Boxes of every outcome with coverage and density on held-out runs."""
    table = new_table(
        "Where it happens: boxes of uncertainties, judged on held-out runs (95 %)",
        ["Outcome and box", "density", "coverage", "of all runs", "borne out"],
    )
    for one in found:
        table.add_row(one.outcome, f"overall {chance_text(one.share)}")
        if not one.boxes:
            table.add_row("  no combination tells more than the overall share")
            continue
        for k, box in enumerate(one.boxes, start=1):
            rows = [f"  {k}. {range_text(r)}, {p_text(r.p_value)}" for r in box.restrictions[:1]]
            rows += [f"     and {range_text(r)}, {p_text(r.p_value)}" for r in box.restrictions[1:]]
            table.add_row(
                rows[0],
                chance_text(box.density),
                chance_text(box.coverage),
                f"{per_cent(box.mass)} %",
                "yes" if box.is_confirmed else "no",
            )
            for row in rows[1:]:
                table.add_row(row)
        if one.together is not None and len(one.boxes) > 1:
            table.add_row("  together", "", chance_text(one.together))
    return table


def robust_table(robust: Sequence[Satisficing], ranked: Sequence[Ranked], futures: Sequence[str]) -> Table:
    """Satisficing and regret of every policy over the futures."""
    plural = "s" if len(futures) > 1 else ""
    table = new_table(
        f"Robust choice over {len(futures)} future{plural}: runs in which no town crosses its nearest rung, and regret",
        ["Policy", "good enough (95 %)", "in the worst future", "worst future", "residents", "worst regret"],
    )
    by_policy = {one.policy: one for one in ranked}
    for one in robust:
        rank = by_policy[one.policy]
        low, high = one.of_share
        interval = f"{per_cent(low)} to {per_cent(high)}"
        table.add_row(
            one.policy,
            f"under {per_cent(high)} %" if one.share == 0.0 else f"{per_cent(one.share)} % ({interval})",
            chance_text(one.by_future[one.worst]),
            futures[one.worst],
            signed(rank.mean),
            f"{rank.worst_regret:,.0f}",
        )
    return table


def notes(skipped: Mapping[str, str]) -> list[str]:
    """What a reader has to know, with the assumptions made."""
    text = (
        "Density: share of the runs in a box in which it happens; coverage: share of all runs in which it happens that "
        "lie in the box. Boxes are the dense leaves of a classification tree pruned by cross-validation, found on two "
        "thirds of the parameter draws and judged on the others. p: chance that the box would be as dense on held-out "
        "runs without that restriction. Borne out: the density's interval lies above the overall share. Chance is no "
        "uncertainty that a box can use: it keeps densities below 100 %. Futures weigh alike [assumed]. Good enough: "
        "share of runs; residents: of all places at the horizon above the baseline, mean over futures; regret: those "
        "forgone against the best policy in the same future."
    )
    found = textwrap.wrap(text, NOTE_WIDTH)
    for outcome, reason in skipped.items():
        found += textwrap.wrap(f"{outcome}: {reason}.", NOTE_WIDTH)
    return [*found, *KNOWN_LIMITS]


def write_boxes(folder: Path, found: Sequence[Discovery]) -> Path:
    """boxes.csv: one row a restriction of a box."""
    header = ("outcome", "overall", "box", "uncertainty", "low", "high", "p_value", "density", "density_low95",
              "density_high95", "coverage", "coverage_low95", "coverage_high95", "mass", "found_density",
              "borne_out")  # fmt: skip
    rows: list[Row] = [
        (one.outcome, one.share.share, k, r.name, _end(r.low), _end(r.high), r.p_value, *_figures(box))
        for one in found
        for k, box in enumerate(one.boxes, start=1)
        for r in box.restrictions
    ]
    return write_table(folder, "boxes.csv", header, rows)


def _figures(box: Box) -> tuple[object, ...]:
    density, coverage = box.density, box.coverage
    return (
        density.share, density.low, density.high, coverage.share, coverage.low, coverage.high, box.mass,
        box.found_density, int(box.is_confirmed),
    )  # fmt: skip


def _end(value: float) -> float | None:
    return None if math.isinf(value) else value


def write_robust(
    folder: Path, robust: Sequence[Satisficing], ranked: Sequence[Ranked], futures: Sequence[str]
) -> Path:
    """robust.csv: satisficing and regret by policy and future."""
    header = ("policy", "future", "good_enough", "good_enough_low95", "good_enough_high95", "over_futures",
              "over_futures_low95", "over_futures_high95", "gain_over_baseline", "regret", "worst_regret")  # fmt: skip
    by_policy = {one.policy: one for one in ranked}
    rows: list[Row] = []
    for one in robust:
        rank = by_policy[one.policy]
        for f, future in enumerate(futures):
            share = one.by_future[f]
            rows.append(
                (one.policy, future, share.share if share.events else math.nan, share.low, share.high, one.share,
                 *one.of_share, rank.mean, rank.regret[f], rank.worst_regret)
            )  # fmt: skip
    return write_table(folder, "robust.csv", header, rows)
