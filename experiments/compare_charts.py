"""Figures of a comparison: fans of differences, the cost-effectiveness plane, the heat map of regret."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from experiments.compare_costs import RESIDENT, CostEffect
from experiments.compare_effects import ALL, Effects
from experiments.compare_ranking import Ranking
from experiments.compare_scenarios import BASELINE, REFERENCE, Case
from experiments.compare_tables import shown_places
from experiments.cost_effectiveness import PRESENT_YEAR
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
    VERMILLION,
    Chart,
    band_handles,
    draw_sheet,
    fan,
    save_sheet,
    style,
    year_ticks,
)
from experiments.paired_statistics import summarised

MOST_COLUMNS = 5
FIVE = (0.05, 0.25, 0.5, 0.75, 0.95)
COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
PLANE_SIZE, HEAT_WIDTH = (8.6, 6.4), 8.6
SHADES = "cividis_r"


def draw_comparison_figures(
    folder: Path, effects: Effects, costs: Sequence[CostEffect], ranking: Ranking, design: Design
) -> list[Path]:
    """Draw all figures of a comparison into ``folder/figures``, each as PNG and SVG; returns their paths.

    Raises:
        OSError: the figures cannot be written.
    """
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    identity = (
        f"World {effects.world.name}; {effects.runs} runs of each scenario; seed {design.seed}; parameters: "
        f"{design.parameters}; identity {design.identity}."
    )
    with mpl.rc_context(style()):
        written = []
        for future in effects.comparison.futures:
            name = "differences" if future == REFERENCE else f"differences_{future}"
            written += save_sheet(difference_sheet(effects, future, identity), target, name)
        against = [one for one in costs if one.reference.policy == BASELINE and one.case.future == REFERENCE]
        if any(not one.public_spread.is_zero for one in against):
            written += save_sheet(plane(against, effects, identity), target, "cost_effectiveness")
        written += save_sheet(regret_map(ranking, effects, identity), target, "regret")
    return written


def difference_sheet(effects: Effects, future: str, identity: str) -> Figure:
    """Fans of the difference of population from the baseline of a future: a row a scenario, a column a place."""
    pairs = [pair for pair in effects.comparison.compared(BASELINE) if pair[0].future == future]
    places = shown_places(effects)
    if len(places) > MOST_COLUMNS:
        places = [*places[: MOST_COLUMNS - 1], places[-1]]
    years = effects.years
    ticks = year_ticks(int(years[0]), int(years[-1]), int(years[0]), 5)
    charts = tuple(
        Chart(
            name="differences",
            title=name,
            unit="persons",
            x_label="1 January of the year",
            draw=_draw_difference(effects, pairs, place),
            legend=band_handles(GREEN if place == ALL else BLUE),
            ticks=ticks,
        )
        for place, name in places
    )
    rows = [(k, case.name) for k, (case, _) in enumerate(pairs)]
    footer = [
        f"Residents on 1 January, scenario minus '{pairs[0][1].name}', run by run with the same people, "
        "parameters and chance. Dark band the middle 50 %, pale band the middle 90 % of the runs, line the median, "
        "dashed the mean. Vertical axes differ.",
        identity,
    ]
    title = f"Effect on population against '{pairs[0][1].name}': {effects.world.title['en']}"
    return draw_sheet(title, charts, rows, footer)


def _draw_difference(
    effects: Effects, pairs: Sequence[tuple[Case, Case]], place: str
) -> Callable[[Axes, int], None]:
    p, x = effects.places.index(place), effects.years.astype(np.float64)

    def draw(axes: Axes, row: int) -> None:
        case, reference = pairs[row]
        gap = (effects.values("population", case) - effects.values("population", reference))[:, :, p]
        fan(axes, x, np.quantile(gap, FIVE, axis=0), GREEN if place == ALL else BLUE)
        axes.plot(x, gap.mean(axis=0), color=BLACK, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.axhline(0, color=GREY, linewidth=0.6)
        if not np.any(gap):
            axes.set_ylim(-1, 1)
            axes.text(0.5, 0.6, "0 in every run", transform=axes.transAxes, ha="center", fontsize=7)
        axes.set_xlim(x[0] - 0.5, x[-1] + 0.5)

    return draw


def plane(costs: Sequence[CostEffect], effects: Effects, identity: str) -> Figure:
    """Residents gained and public money spent: every run a point, the mean with its central 90 % a cross."""
    figure, axes = _sheet(
        f"Cost and effect against '{BASELINE}': {effects.world.title['en']}",
        PLANE_SIZE,
        [
            "Pale points: single runs (chance and parameters). Large mark: mean of the runs; cross: central 90 % of "
            "either. Reference future. Money of all years at 2020 prices, as the present value of "
            f"1 January {PRESENT_YEAR}. Right below: more residents for less money.",
            identity,
        ],
        right=1.9,
    )
    shown = [one for one in costs if not (one.public_spread.is_zero and not np.any(one.gains[RESIDENT]))]
    for k, one in enumerate(shown):
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[(k + k // len(COLOURS)) % len(MARKERS)]
        x, y = one.gains[RESIDENT], one.public / 1000.0
        axes.plot(x, y, linestyle="none", marker=marker, markersize=2.5, color=colour, alpha=0.3, mew=0)
        gain, money = summarised(x), summarised(y)
        axes.plot([gain.most[0], gain.most[1]], [money.mean, money.mean], color=colour, linewidth=1.2)
        axes.plot([gain.mean, gain.mean], [money.most[0], money.most[1]], color=colour, linewidth=1.2)
        axes.plot(
            gain.mean, money.mean, linestyle="none", marker=marker, markersize=7, color=colour, label=one.case.name,
            markeredgecolor="white", markeredgewidth=0.8, zorder=5,
        )  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=0.7)
    axes.axvline(0, color=GREY, linewidth=0.7)
    axes.set_xlabel(f"residents of all simulated places on 1 January {effects.last_year}, difference")
    axes.set_ylabel("public money, billion KZT, difference")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:+,.0f}"))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:+,.6g}"))
    axes.grid(color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=7, borderaxespad=0)
    return figure


def regret_map(ranking: Ranking, effects: Effects, identity: str) -> Figure:
    """Expected regret of every policy in every future; best policies first."""
    policies = [one.policy for one in ranking.ranked]
    values = np.array([one.regret for one in ranking.ranked])
    height = 2.3 + 0.34 * len(policies)
    checked = ", ".join(f"{one.parameter} = {one.value:g}" for one in ranking.checked)
    mark = (
        f" * prior-driven: its lead over a policy below does not hold with {checked}."
        if any(one.prior_driven for one in ranking.ranked)
        else ""
    )
    figure, axes = _sheet(
        f"Regret in residents on 1 January {effects.last_year}: {effects.world.title['en']}",
        (HEAT_WIDTH, height),
        [
            "Residents of all simulated places forgone, on average over the runs, against the best of these policies "
            "in the same future; in brackets the 95 % interval of that mean. Policies from the best mean over the "
            f"futures to the worst.{mark}",
            identity,
        ],
        left=1.9,
    )
    top = float(values.max()) or 1.0
    axes.imshow(values, cmap=SHADES, aspect="auto", vmin=0.0, vmax=top)
    for row, one in enumerate(ranking.ranked):
        for column, value in enumerate(one.regret):
            low, high = ranking.regret_interval[one.policy][column].tolist()
            text = "best" if value == 0.0 else f"{value:,.0f}\n({low:,.0f} to {high:,.0f})"
            axes.text(
                column, row, text, ha="center", va="center", fontsize=6.5, linespacing=1.0,
                color="white" if value > 0.55 * top else BLACK,
            )  # fmt: skip
    axes.set_xticks(range(len(ranking.futures)), ranking.futures)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    labels = [f"{one.policy} *" if one.prior_driven else one.policy for one in ranking.ranked]
    axes.set_yticks(range(len(policies)), labels)
    axes.spines[:].set_visible(False)
    return figure


def _sheet(
    title: str, size: tuple[float, float], footer: Sequence[str], left: float = 0.85, right: float = 0.2
) -> tuple[Figure, Axes]:
    """A figure with one panel, a title above and a footer below."""
    width, height = size
    lines = [row for line in footer for row in textwrap.wrap(line, int(width * 20))]
    below = 0.66 + 0.14 * len(lines)
    figure = Figure(figsize=size, facecolor="white")
    figure.text(0.12 / width, 1 - 0.12 / height, title, fontsize=12, fontweight="bold", va="top")
    figure.text(
        0.12 / width, 0.1 / height, "\n".join(lines), fontsize=6.5, color=GREY, va="bottom", linespacing=1.3
    )
    axes = figure.add_axes(
        (left / width, below / height, 1 - (left + right) / width, 1 - (below + 0.62) / height)
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2.5, width=0.6, labelsize=7)
    return figure, axes
