"""Figures of the uncertainty ledger: shares of the variance by source, and statistics that would narrow a figure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from experiments.design import Design
from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    Chart,
    draw_sheet,
    line_handle,
    save_sheet,
    style,
)
from experiments.uncertainty_ledger import CHANCE, FUTURE, PARAMETERS, SOURCES, STRUCTURE, TOGETHER
from experiments.uncertainty_ledger_information import missing_statistics
from experiments.uncertainty_ledger_tables import GridSize, LedgerLine
from model.world import World

COLOURS = {PARAMETERS: BLUE, CHANCE: GREY, FUTURE: ORANGE, STRUCTURE: GREEN, TOGETHER: PURPLE}
LABELS = {TOGETHER: "only together"}
MOST_BARS, MOST_FIGURES, BAR = 6, 9, 0.36
LABEL_WIDTH = 40
SHORT = {"population": "residents", "net_migration": "net migration", "crossing": "crossing"}


def draw_ledger_figures(
    folder: Path, lines: Sequence[LedgerLine], size: GridSize, design: Design, world: World
) -> list[Path]:
    """Draw both figures into ``folder/figures``, each as PNG and SVG; returns their paths.

    Raises:
        OSError: the figures cannot be written.
    """
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    identity = (
        f"World {world.name}; {size.runs:,} runs of the grid, {size.sample:,} of the sample; seed {design.seed}; "
        f"parameters: {design.parameters}; identity {design.identity}."
    )
    title = world.title["en"]
    with mpl.rc_context(style()):
        written = save_sheet(split_sheet(lines, title, identity, size), target, "ledger")
        if any(line.statistics for line in lines):
            written += save_sheet(information_sheet(lines, title, identity), target, "missing_statistics")
    return written


def split_sheet(lines: Sequence[LedgerLine], title: str, identity: str, size: GridSize) -> Figure:
    """One bar a figure, split by source, with the 95 % interval of every share as a bar of its own below."""
    shown = [line for line in lines if line.ledger is not None]
    footer = [
        "Wide bar: shares of the variance (law of total variance on the grid; a share below 0 is drawn as 0 and the "
        "others are scaled to add up to 100 %). Thin lines below: 95 % interval of every share over parameter draws.",
        f"Structures ({', '.join(f.name for f in size.factors) or 'none'}) and futures ({', '.join(size.futures)}) "
        "weigh alike [assumed]: their shares say how far apart these choices are, not how likely.",
        identity,
    ]
    lines_of_text = [row for text in footer for row in textwrap.wrap(text, 170)]
    width, left, head, row = 9.2, 3.3, 0.75, 0.46
    below = 0.55 + 0.14 * len(lines_of_text)
    height = head + row * max(1, len(shown)) + below
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(0.12 / width, 1 - 0.12 / height, f"Where the uncertainty comes from: {title}", fontsize=12,
                fontweight="bold", va="top")  # fmt: skip
    figure.text(0.12 / width, 0.1 / height, "\n".join(lines_of_text), fontsize=6.5, color=GREY, va="bottom",
                linespacing=1.3)  # fmt: skip
    axes = figure.add_axes(
        (left / width, below / height, 1 - (left + 0.25) / width, 1 - (below + head) / height)
    )
    for k, line in enumerate(shown):
        assert line.ledger is not None
        shares = {source: max(0.0, line.ledger.components[source].share) for source in SOURCES}
        total, start = sum(shares.values()) or 1.0, 0.0
        for j, source in enumerate(SOURCES):
            part = 100.0 * shares[source] / total
            axes.barh(k, part, BAR, left=start, color=COLOURS[source], linewidth=0)
            if part >= 6.0:
                axes.text(
                    start + part / 2, k, f"{part:.0f}", ha="center", va="center", fontsize=6.5, color="white"
                )
            start += part
            component = line.ledger.components[source]
            axes.plot(
                (100 * component.low, 100 * component.high), [k + 0.25 + 0.05 * j] * 2, color=COLOURS[source],
                linewidth=1.1, solid_capstyle="butt",
            )  # fmt: skip
    axes.set_ylim(len(shown) - 0.35, -0.5)
    axes.set_xlim(0, 100)
    axes.set_yticks(range(len(shown)), [line.headline.title for line in shown], fontsize=7)
    axes.set_xlabel("share of the variance, %")
    axes.tick_params(length=2.5, width=0.6, labelsize=7)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)
    figure.legend(
        handles=[Patch(color=COLOURS[s], linewidth=0, label=LABELS.get(s, s)) for s in SOURCES], loc="upper left",
        bbox_to_anchor=(0.12 / width, 1 - 0.38 / height), ncols=5, frameon=False, fontsize=7.5, borderaxespad=0,
    )  # fmt: skip
    return figure


def information_sheet(lines: Sequence[LedgerLine], title: str, identity: str) -> Figure:
    """Statistics that would narrow each figure most, a panel a figure, with the floor of random columns."""
    titles = {statistic.id: statistic.title for statistic in missing_statistics()}
    shown = [line for line in lines if line.statistics][:MOST_FIGURES]

    def draw(axes: Axes, number: int) -> None:
        found = shown[number].statistics[:MOST_BARS]
        for k, one in enumerate(found):
            axes.barh(k, 100 * max(0.0, one.share), 0.55, color=BLUE if one.is_real else SKY, linewidth=0)
            axes.plot((100 * one.low, 100 * one.high), (k, k), color=BLACK, linewidth=1.0)
            axes.plot((100 * one.floor,) * 2, (k - 0.36, k + 0.36), color=ORANGE, linewidth=1.4)
        axes.set_ylim(MOST_BARS - 0.4, -0.6)
        axes.set_xlim(0, None)
        labels = ["\n".join(textwrap.wrap(titles[one.name], LABEL_WIDTH)[:2]) for one in found]
        axes.set_yticks(range(len(found)), labels, fontsize=4.8)
        axes.grid(axis="y", visible=False)

    legend = (
        Patch(color=BLUE, linewidth=0, label="above what random columns reach"),
        Patch(color=SKY, linewidth=0, label="not told from random columns"),
        line_handle(BLACK, "95 %", width=1.0),
        line_handle(ORANGE, "floor of random columns"),
    )
    chart = Chart("missing_statistics", "", "", "variance taken away at best, %", draw, legend)
    footer = [
        "Share of the variance that a statistic would take away if it fixed its parameters for certain: regression "
        "of the runs on these, judged on held-out runs. Real statistics take away less; chance stays in any case.",
        identity,
    ]
    named = [(k, f"{line.headline.name}: {SHORT[line.headline.id]}") for k, line in enumerate(shown)]
    figure = draw_sheet(f"Which missing statistic would narrow it most: {title}", (chart,), named, footer)
    for axes in figure.axes:
        box = axes.get_position()
        axes.set_position((box.x0 + 0.36 * box.width, box.y0, 0.64 * box.width, box.height))
    return figure
