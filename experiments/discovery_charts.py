"""Figures of scenario discovery: runs in the plane of the two uncertainties of a box, and the robust choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from experiments.design import Design
from experiments.discovery import Box, Discovery, Restriction
from experiments.discovery_satisficing import Satisficing
from experiments.discovery_tables import FUTURE
from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    Chart,
    draw_sheet,
    save_sheet,
    style,
)
from experiments.intervals import per_cent

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_PANELS, MOST_POINTS = 9, 1500


def draw_discovery_figures(
    folder: Path,
    found: Sequence[Discovery],
    interest: Mapping[str, Flags],
    table: Mapping[str, Mapping[str, Floats]],
    robust: Sequence[Satisficing],
    futures: Sequence[str],
    design: Design,
    title: str,
) -> list[Path]:
    """Draw the figures into ``folder/figures``, each as PNG and SVG; returns their paths.

    Args:
        interest: by outcome, bool[runs]. table: by outcome, its uncertainties by name, float64[runs].

    Raises:
        OSError: the figures cannot be written.
    """
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    identity = f"World {design.world}; seed {design.seed}; parameters: {design.parameters}; identity {design.identity}."
    written: list[Path] = []
    boxed = [one for one in found if one.boxes][:MOST_PANELS]
    with mpl.rc_context(style()):
        if boxed:
            written += save_sheet(box_sheet(boxed, interest, table, title, identity), target, "boxes")
        if len(robust) > 1:
            written += save_sheet(robust_sheet(robust, futures, title, identity), target, "robust")
    return written


def plane_of(box: Box) -> tuple[Restriction, Restriction | None]:
    """The two restrictions that a panel shows: those of the smallest p-value, ranges before futures."""
    ordered = sorted(box.restrictions, key=lambda r: (r.name.startswith(FUTURE), r.p_value))
    return ordered[0], ordered[1] if len(ordered) > 1 else None


def box_sheet(
    found: Sequence[Discovery],
    interest: Mapping[str, Flags],
    table: Mapping[str, Mapping[str, Floats]],
    title: str,
    identity: str,
) -> Figure:
    """The densest box of every outcome, a panel an outcome."""

    def draw(axes: Axes, number: int) -> None:
        one = found[number]
        box, columns, hits = one.boxes[0], table[one.outcome], interest[one.outcome]
        first, second = plane_of(box)
        x = columns[first.name]
        spread = np.random.default_rng(0).random(len(x))
        y = columns[second.name] if second is not None else spread
        x = x + 0.3 * (spread - 0.5) if first.name.startswith(FUTURE) else x
        y = y + 0.3 * (spread - 0.5) if second is not None and second.name.startswith(FUTURE) else y
        shown = np.arange(len(x))[:: max(1, len(x) // MOST_POINTS)]
        for kind, colour, marker, size in ((~hits, GREY, ".", 2.5), (hits, VERMILLION, "^", 3.0)):
            pick = shown[kind[shown]]
            axes.plot(
                x[pick],
                y[pick],
                linestyle="none",
                marker=marker,
                markersize=size,
                color=colour,
                alpha=0.55,
                mew=0,
            )
        axes.margins(0.03)
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        low, high = max(left, first.low), min(right, first.high)
        floor, roof = (bottom, top) if second is None else (max(bottom, second.low), min(top, second.high))
        axes.add_patch(
            Rectangle(
                (low, floor), high - low, roof - floor, fill=False, edgecolor=BLACK, linewidth=1.3, zorder=5
            )
        )
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        if second is None:
            axes.set_yticks([])
        more = len(box.restrictions) - (1 if second is None else 2)
        text = f"density {per_cent(box.density.share)} %, coverage {per_cent(box.coverage.share)} %"
        axes.text(
            0.99, 1.01, text + (f"; {more} more restriction{'s' if more > 1 else ''}" if more else ""),
            transform=axes.transAxes, fontsize=6, ha="right", va="bottom",
        )  # fmt: skip

    legend = (
        Line2D(
            [],
            [],
            linestyle="none",
            marker="^",
            markersize=4,
            color=VERMILLION,
            label="runs in which it happens",
        ),
        Line2D([], [], linestyle="none", marker=".", markersize=5, color=GREY, label="other runs"),
        Line2D([], [], color=BLACK, label="the densest box, in two of its ranges"),
    )
    chart = Chart("boxes", "", "", "", draw, legend)
    footer = [
        "All runs, those that boxes were found on and those they are judged on; density and coverage are of held-out "
        "runs. boxes.csv holds all boxes with intervals.",
        identity,
    ]
    named = [(k, one.outcome) for k, one in enumerate(found)]
    figure = draw_sheet(f"Scenario discovery: {title}", (chart,), named, footer)
    for axes, one in zip(figure.axes, found, strict=True):  # every panel has axes of its own
        first, second = plane_of(one.boxes[0])
        axes.set_xlabel(first.name, fontsize=7)
        axes.set_ylabel(second.name if second is not None else "(spread for reading)", fontsize=7)
    return figure


def robust_sheet(robust: Sequence[Satisficing], futures: Sequence[str], title: str, identity: str) -> Figure:
    """Share of runs that are good enough, by policy: over futures, and in each of them."""

    def draw(axes: Axes, _: int) -> None:
        for k, one in enumerate(robust):
            axes.plot(one.of_share, (k, k), color=BLUE, linewidth=2.2, solid_capstyle="butt")
            axes.plot(one.share, k, marker="o", color=BLUE, markersize=5)
            for f, chance in enumerate(one.by_future):
                axes.plot(
                    chance.share,
                    k + 0.22,
                    marker="|",
                    markersize=7,
                    color=ORANGE if f == one.worst else GREY,
                    mew=1.4,
                )
        axes.set_ylim(len(robust) - 0.4, -0.6)
        axes.set_xlim(-0.02, 1.02)
        axes.set_yticks(range(len(robust)), [one.policy for one in robust], fontsize=6.5)
        axes.grid(axis="y", visible=False)

    legend = (
        Line2D([], [], color=BLUE, marker="o", markersize=5, label="over all futures: mean and 95 %"),
        Line2D([], [], linestyle="none", marker="|", markersize=7, color=GREY, label="in each future"),
        Line2D([], [], linestyle="none", marker="|", markersize=7, color=ORANGE, label="in the worst future"),
    )
    chart = Chart("robust", "", "", "share of runs in which no town crosses its nearest rung", draw, legend)
    figure = draw_sheet(
        f"Robust choice: {title}",
        (chart,),
        [(0, "Good enough")],
        [f"Futures: {', '.join(futures)}.", identity],
    )
    for axes in figure.axes:
        box = axes.get_position()
        axes.set_position((box.x0 + 0.08, box.y0, box.width - 0.08, box.height))
    return figure
