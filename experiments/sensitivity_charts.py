"""Figures of a sensitivity analysis: tornado with intervals, Morris plane, interactions, index over time."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    LineStyle,
    save_sheet,
    style,
)
from experiments.sensitivity import Analysis, OutputResult
from experiments.sensitivity_factors import CHANCE, DUMMY
from experiments.sensitivity_indices import Index, MorrisIndices, PawnIndices, SobolIndices

MOST_BARS = 15
MOST_LABELS = 12
MOST_LINES = 7
BANDS = 3
WIDTH = 8.2
KNOWN, NOISE, NOTHING = BLUE, ORANGE, GREY
LINES: tuple[tuple[str, LineStyle], ...] = (
    (BLUE, "-"), (VERMILLION, "--"), (GREEN, (0, (5, 1, 1, 1))), (PURPLE, "-"), (SKY, "--"), (BLACK, ":"),
    (GREY, "--"),
)  # fmt: skip
AXIS = {
    "sobol": "share of the variance",
    "morris": "mean size of an elementary effect, mu*",
    "pawn": "median Kolmogorov-Smirnov distance",
}


def draw_sensitivity_figures(folder: Path, analysis: Analysis) -> list[Path]:
    """Draw the figures of an analysis into ``folder/figures``, each output's as PNG and SVG, and the screening's.

    Returns:
        The paths of the files, in the order of drawing.

    Raises:
        OSError: the figures cannot be written.
    """
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    with mpl.rc_context(style()):
        for one in analysis.results:
            if one.indices is None:
                continue
            name = re.sub(r"[^A-Za-z0-9]+", "-", one.output.text).strip("-")
            drawn: list[tuple[str, Figure]] = [
                ("tornado", _tornado(analysis, one)),
                ("over-time", _paths(analysis, one)),
            ]
            if isinstance(one.indices, MorrisIndices):
                drawn.append(("morris-plane", _plane(analysis, one, one.indices)))
            if isinstance(one.indices, SobolIndices) and one.indices.second:
                drawn.append(("interactions", _heat_map(analysis, one, one.indices)))
            if one.by_block is not None:
                drawn.append(("blocks", _block_bars(analysis, one, one.by_block)))
            for kind, figure in drawn:
                written += save_sheet(figure, target, f"{kind}-{name}")
    if analysis.screening is not None:
        written += draw_sensitivity_figures(folder / "screening", analysis.screening)
    return written


# --- layout ------------------------------------------------------------------------------------------------


def _sheet(
    analysis: Analysis,
    one: OutputResult,
    heading: str,
    inches: float,
    left: float,
    note: str,
    width: float = WIDTH,
) -> tuple[Figure, Axes]:
    """A figure with one panel of a height, room for labels on its left, a title above and a footer below."""
    footer = [
        line for text in (note, _identity(analysis, one)) for line in textwrap.wrap(text, int(width * 20))
    ]
    title = textwrap.wrap(f"{heading}: {one.output.label}", int(width * 11))
    above, below = 0.55 + 0.2 * len(title), 0.6 + 0.14 * len(footer)
    height = above + inches + below
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(0.12 / width, 1 - 0.12 / height, "\n".join(title), fontsize=12, fontweight="bold", va="top")
    figure.text(
        0.12 / width, 0.1 / height, "\n".join(footer), fontsize=6.5, color=GREY, va="bottom", linespacing=1.3
    )
    axes = figure.add_axes((left / width, below / height, (width - left - 0.3) / width, inches / height))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2.5, width=0.6, labelsize=7.5)
    axes.set_axisbelow(True)
    return figure, axes


def _legend(figure: Figure, axes: Axes, handles: Sequence[Line2D | Patch], columns: int) -> None:
    """Above the panel, from the left edge of the sheet on: long names of factors leave room there."""
    box = axes.get_position()
    edge = (0.12 / figure.get_figwidth() - box.x0) / box.width
    axes.legend(
        handles=list(handles), loc="lower left", bbox_to_anchor=(edge, 1.005), ncols=columns, frameon=False,
        fontsize=7.5, borderaxespad=0, handlelength=1.8, columnspacing=1.4,
    )  # fmt: skip


def _identity(analysis: Analysis, one: OutputResult) -> str:
    runs = analysis.blocks * analysis.sampling.rows_per_block
    unit = {"sobol": " in {:,} Saltelli blocks", "morris": " in {:,} trajectories", "pawn": ""}[
        analysis.sampling.method
    ]
    kept = unit.format(analysis.blocks - one.lost)
    return (
        f"World {analysis.world.name}; {runs:,} runs{kept}; parameters: {analysis.parameters_note}; seed "
        f"{analysis.sampling.seed}; identity {analysis.identity}. Source: runs of this model over the declared ranges."
    )


def _colour(name: str) -> str:
    return NOISE if name == CHANCE else NOTHING if name == DUMMY else KNOWN


def _order(values: np.ndarray, names: Sequence[str], most: int) -> list[int]:
    """The largest, chance and dummy wherever they stand; the largest first."""
    order = [int(k) for k in np.argsort(-values, kind="stable")]
    always = [k for k in order if names[k] in (CHANCE, DUMMY)]
    first = [k for k in order if k not in always][: most - len(always)]
    return [k for k in order if k in first or k in always]


_COLOURS = (
    Patch(color=KNOWN, label="parameter, structure, policy or future"),
    Patch(color=NOISE, label="chance"),
    Patch(color=NOTHING, label="dummy: changes nothing"),
)


# --- tornado -----------------------------------------------------------------------------------------------


def _tornado(analysis: Analysis, one: OutputResult) -> Figure:
    """Bars with 95 % intervals, the largest on top."""
    found = one.indices
    assert found is not None
    if isinstance(found, SobolIndices):
        index, heading = found.total, "What moves it"
        note = (
            "Bar: total index ST, the share of the variance that stays if only this factor is unknown, with its 95 % "
            "interval; diamond: S1, its share alone, with its own. Both are estimates: below 0, or S1 beyond its bar, "
            "is their error. Bars add up to more than 1 where factors act together."
        )
    elif isinstance(found, MorrisIndices):
        index, heading = found.star, "What moves it"
        note = f"Bar: mean size of a factor's effect over its whole range ({one.output.unit}), with its 95 % interval."
    else:
        index, heading = found.median, "What shifts its distribution"
        note = (
            "Bar: median distance between the distribution of all runs and of those with the factor in one of ten "
            "intervals, with its 95 % interval; dashed: what the largest of as many idle factors stays below in 19 of "
            "20 analyses."
        )
    order = _order(index.value, found.names, MOST_BARS)
    figure, axes = _sheet(analysis, one, heading, 0.26 * len(order) + 0.3, 2.5, note)
    y = np.arange(len(order))[::-1]
    values = index.value[order]
    errors = np.stack([values - index.low[order], index.high[order] - values]).clip(min=0.0)
    axes.barh(y, values, height=0.62, color=[_colour(found.names[k]) for k in order], alpha=0.75)
    axes.errorbar(values, y, xerr=errors, fmt="none", ecolor=BLACK, elinewidth=0.9, capsize=2.2)
    handles: list[Line2D | Patch] = [*_COLOURS]
    if isinstance(found, SobolIndices):
        _alone(axes, found.first, order, y)
        handles.append(
            Line2D([], [], linestyle="none", marker="D", markersize=3.4, color=BLACK, label="alone (S1)")
        )
    if isinstance(found, PawnIndices):
        axes.axvline(found.threshold, color=BLACK, linewidth=0.8, linestyle="--")
    axes.set_yticks(y, [found.names[k] for k in order])
    axes.set_ylim(-0.7, len(order) - 0.3)
    least = float(found.first.low[order].min()) if isinstance(found, SobolIndices) else 0.0
    axes.set_xlim(left=min(0.0, 1.1 * least))
    in_unit = f" ({one.output.unit})" if isinstance(found, MorrisIndices) else ""
    axes.set_xlabel(AXIS[analysis.sampling.method] + in_unit)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    axes.grid(axis="x", color=PALE, linewidth=0.4)
    _legend(figure, axes, handles, 4)
    return figure


def _alone(axes: Axes, first: Index, order: Sequence[int], y: np.ndarray) -> None:
    """S1 as diamonds with their intervals, below the middle of the bars."""
    values = first.value[order]
    errors = np.stack([values - first.low[order], first.high[order] - values]).clip(min=0.0)
    axes.errorbar(
        values, y - 0.22, xerr=errors, fmt="D", markersize=3.2, color=BLACK, ecolor=GREY, elinewidth=0.7
    )


def _block_bars(analysis: Analysis, one: OutputResult, found: SobolIndices) -> Figure:
    """Total index of every subject block with its interval."""
    note = (
        "All factors of a block together: total index ST with its 95 % interval; diamond: S1, its share alone, with "
        "its own."
    )
    order = [int(k) for k in np.argsort(-found.total.value, kind="stable")]
    figure, axes = _sheet(analysis, one, "What moves it, by block", 0.28 * len(order) + 0.3, 1.5, note)
    y = np.arange(len(order))[::-1]
    values = found.total.value[order]
    errors = np.stack([values - found.total.low[order], found.total.high[order] - values]).clip(min=0.0)
    axes.barh(y, values, height=0.62, color=[_colour(found.names[k]) for k in order], alpha=0.75)
    axes.errorbar(values, y, xerr=errors, fmt="none", ecolor=BLACK, elinewidth=0.9, capsize=2.2)
    _alone(axes, found.first, order, y)
    axes.set_yticks(y, [found.names[k] for k in order])
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.set_xlabel(AXIS["sobol"])
    axes.grid(axis="x", color=PALE, linewidth=0.4)
    _legend(figure, axes, _COLOURS, 3)
    return figure


# --- Morris plane ------------------------------------------------------------------------------------------


def _plane(analysis: Analysis, one: OutputResult, found: MorrisIndices) -> Figure:
    """Mean size of effects against their spread, the most important named."""
    note = (
        "Each point a factor. Far right: matters. Above the line sigma = mu*: its effect depends on other factors or "
        "on where it stands; far below: about the same everywhere. Bars: 95 % of mu*."
    )
    figure, axes = _sheet(analysis, one, "Effects and their spread", 4.2, 0.9, note)
    star, sigma = found.star.value, found.sigma
    order = _order(star, found.names, MOST_LABELS + 2)
    for k in range(len(star)):
        colour = _colour(found.names[k])
        if k in order:
            axes.plot(found.star.low[k : k + 1].tolist() + found.star.high[k : k + 1].tolist(), [sigma[k]] * 2,
                      color=colour, linewidth=0.8, alpha=0.6, zorder=1.2)  # fmt: skip
        marker = "s" if found.names[k] == CHANCE else "x" if found.names[k] == DUMMY else "o"
        axes.plot(
            star[k],
            sigma[k],
            marker=marker,
            markersize=4.5,
            color=colour,
            linestyle="none",
            clip_on=False,
            zorder=3,
        )
    top = 1.08 * max(float(sigma.max()), 1e-12)
    right = 1.05 * float(found.star.high.max())
    axes.plot([0.0, max(top, right)], [0.0, max(top, right)], color=GREY, linewidth=0.7, linestyle="--")
    axes.set_xlim(0.0, right)
    axes.set_ylim(0.0, top)
    _label_points(axes, [(float(star[k]), float(sigma[k]), found.names[k]) for k in order], right, top)
    axes.set_xlabel(f"mean size of the effect mu* ({one.output.unit}, whole range of the factor)")
    axes.set_ylabel("spread of the effect sigma")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    axes.grid(color=PALE, linewidth=0.4)
    handles = [
        Line2D([], [], linestyle="none", marker=marker, markersize=4.5, color=colour, label=label)
        for marker, colour, label in (
            ("o", KNOWN, "parameter, structure, policy or future"),
            ("s", NOISE, "chance"),
            ("x", NOTHING, "dummy: changes nothing"),
        )
    ]  # fmt: skip
    handles.append(Line2D([], [], color=GREY, linewidth=0.7, linestyle="--", label="sigma = mu*"))
    _legend(figure, axes, handles, 4)
    return figure


def _label_points(axes: Axes, points: Sequence[tuple[float, float, str]], right: float, top: float) -> None:
    """Names beside points, moved up or down until none lies on another (sizes in shares of the panel)."""
    line, letter = 0.032, 0.0105
    taken: list[tuple[float, float, float]] = []
    for x, y, name in sorted(points, key=lambda point: -point[0]):
        across, up = x / right, y / top
        width = letter * len(name)
        flipped = across + 0.012 + width > 1.0
        start = across - 0.012 - width if flipped else across + 0.012
        for step in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, 6, 7):
            level = min(0.99, max(0.012, up + step * line))
            if all(
                abs(level - other) >= line or start + width < begin or start > end
                for begin, end, other in taken
            ):
                break
        taken.append((start, start + width, level))
        arrow = {"arrowstyle": "-", "color": PALE, "linewidth": 0.6} if level != up else None
        axes.annotate(
            name, (across, up), (start, level), xycoords="axes fraction", textcoords="axes fraction", fontsize=7,
            va="center", arrowprops=arrow, zorder=2,
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.6},
        )  # fmt: skip


# --- interactions ------------------------------------------------------------------------------------------


def _heat_map(analysis: Analysis, one: OutputResult, found: SobolIndices) -> Figure:
    """Second-order indices of all pairs; numbers where the interval is above 0; S1 on the diagonal."""
    names = [name for name in found.names if name != DUMMY]
    n = len(names)
    side = 0.46 * n + 0.2
    note = (
        "Below the diagonal: S2, the share of the variance from two factors acting together, beyond what each does "
        "alone (diagonal: S1). Coloured where the 95 % interval lies above 0 and the pair above all pairs with the "
        "dummy; the others cannot be told from none. All pairs of a factor share the error of that factor's own index: "
        "a row or column of one sign is that error."
    )
    width = max(WIDTH, side + 3.6)
    figure, axes = _sheet(analysis, one, "What acts together", side, 2.3, note, width)
    axes.set_position(
        (2.3 / width, axes.get_position().y0 + 0.75 / figure.get_figheight(), side / width,
         (side - 0.35) / figure.get_figheight())
    )  # fmt: skip
    values = np.full((n, n), np.nan)
    clear = np.zeros((n, n), np.bool_)
    for j, name in enumerate(names):
        k = found.names.index(name)
        values[j, j], clear[j, j] = found.first.value[k], found.first.low[k] > 0.0
        for i in range(j):
            pair = found.second.get((names[i], name)) or found.second[name, names[i]]
            values[j, i], clear[j, i] = pair[0], pair[1] > 0.0 and pair[0] > found.noise_of_pairs
    shades = LinearSegmentedColormap.from_list("blues", ["#ffffff", "#9ecae1", BLUE, "#08306b"])
    most = max(0.05, float(values[clear].max(initial=0.0)))
    shown = np.where(clear, values, np.where(np.isnan(values), np.nan, 0.0))
    image = axes.imshow(shown, cmap=shades, vmin=0.0, vmax=most, aspect="auto")
    for j in range(n):
        for i in range(j + 1):
            dark = clear[j, i] and values[j, i] > 0.5 * most
            axes.text(i, j, f"{values[j, i]:.2f}".replace("-0.00", "0.00"), ha="center", va="center", fontsize=6.5,
                      color="white" if dark else BLACK if clear[j, i] else GREY,
                      fontweight="bold" if clear[j, i] else "normal")  # fmt: skip
    axes.set_xticks(range(n), names, rotation=40, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_yticks(range(n), names, fontsize=7)
    axes.spines[:].set_visible(False)
    box = axes.get_position()
    bar = figure.add_axes((box.x1 + 0.2 / width, box.y0, 0.14 / width, box.height))
    figure.colorbar(image, cax=bar, label="share of the variance")
    bar.tick_params(labelsize=7)
    return figure


# --- over time ---------------------------------------------------------------------------------------------


def _paths(analysis: Analysis, one: OutputResult) -> Figure:
    """Index of the most important factors by year."""
    found = one.indices
    assert found is not None
    sampling = analysis.sampling
    note = {
        "sobol": "Total index ST of the figure in each year, with its 95 % interval for chance and the three largest; "
        "years in which it does not vary are left out. Below: how much there is to share out.",
        "morris": "Mean size of the effect over the whole range of the factor in each year, with its 95 % interval for "
        "chance and the three largest.",
        "pawn": "Median distance in each year; years in which the figure does not vary are left out.",
    }[sampling.method]
    figure, whole = _sheet(analysis, one, "What moves it when", 4.6, 0.9, note)
    axes, below = _split(figure, whole)
    _spread(below, analysis, one)
    peak = np.nan_to_num(np.nanmax(np.vstack([one.over_time.value, np.zeros(len(found.names))]), axis=0))
    last = np.nan_to_num(one.over_time.value[_last_known(one.over_time.value)])
    real = [k for k, name in enumerate(found.names) if name not in (CHANCE, DUMMY)]
    chosen = sorted(real, key=lambda k: (-max(last[k], 0.6 * peak[k]), k))[:MOST_LINES]
    path = one.over_time
    for number, (k, (colour, dash)) in enumerate(zip(chosen, LINES, strict=False)):
        if number < BANDS:
            axes.fill_between(
                analysis.years, path.low[:, k], path.high[:, k], color=colour, alpha=0.13, linewidth=0
            )
        axes.plot(
            analysis.years,
            path.value[:, k],
            color=colour,
            linestyle=dash,
            linewidth=1.4,
            label=found.names[k],
        )
    chance = found.names.index(CHANCE)
    axes.fill_between(
        analysis.years, path.low[:, chance], path.high[:, chance], color=NOISE, alpha=0.18, linewidth=0
    )
    axes.plot(analysis.years, path.value[:, chance], color=NOISE, linewidth=2.2, label=CHANCE)
    axes.axvline(one.output.year, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_ylim(bottom=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    axes.set_ylabel(AXIS[sampling.method])
    axes.tick_params(labelbottom=False)
    axes.grid(axis="y", color=PALE, linewidth=0.4)
    handles, _ = axes.get_legend_handles_labels()
    _legend(figure, axes, [handle for handle in handles if isinstance(handle, Line2D)], 4)
    return figure


def _split(figure: Figure, axes: Axes) -> tuple[Axes, Axes]:
    """Return the panel cut down to its upper part, and a second one below it with the same years."""
    box = axes.get_position()
    axes.set_position((box.x0, box.y0 + 0.28 * box.height, box.width, 0.72 * box.height))
    below = figure.add_axes((box.x0, box.y0, box.width, 0.22 * box.height), sharex=axes)
    below.spines[["top", "right"]].set_visible(False)
    below.tick_params(length=2.5, width=0.6, labelsize=7.5)
    below.set_axisbelow(True)
    return axes, below


def _spread(axes: Axes, analysis: Analysis, one: OutputResult) -> None:
    """Standard deviation over the runs by year: a large share of next to nothing is next to nothing."""
    axes.fill_between(analysis.years, one.spread, color=GREY, alpha=0.25, linewidth=0)
    axes.plot(analysis.years, one.spread, color=GREY, linewidth=1.0)
    axes.axvline(one.output.year, color=GREY, linewidth=0.7, linestyle=":")
    axes.set_ylim(bottom=0.0)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    axes.set_ylabel("\n".join(textwrap.wrap(f"standard deviation ({one.output.unit})", 18)), fontsize=7)
    axes.set_xlabel("year")
    axes.grid(axis="y", color=PALE, linewidth=0.4)


def _last_known(path: np.ndarray) -> int:
    known = [t for t in range(len(path)) if not math.isnan(float(path[t, 0]))]
    return known[-1] if known else -1
