"""Figure of the growth curve: speed, net cost and memory by number of people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from experiments.bench_growth import (
    LEAST_COMPARED,
    MEMORY_TARGET,
    RATE_TARGET,
    SPREAD_TARGET,
    Growth,
    fixed_cost,
    net_costs,
)
from experiments.figure_sheets import BLUE, GREY, ORANGE, PALE, VERMILLION, save_sheet, style

PEOPLE_TICKS = (4e3, 15e3, 67e3, 340e3, 1e6, 5e6, 20e6)


def draw_growth(sizes: Sequence[Growth], folder: Path) -> list[Path]:
    """Draw rate, net cost and memory against people into `folder/growth.png` and `.svg`."""
    people = np.array([size.people for size in sizes], np.float64)
    rates = np.array([size.person_years / size.seconds for size in sizes]) / 1e6
    slowest = np.array([size.person_years / max(size.runs) for size in sizes]) / 1e6
    costs = np.array(net_costs(sizes)) * 1e9
    with mpl.rc_context(style()):
        figure = Figure(figsize=(10.4, 3.9), facecolor="white")
        rate, cost, memory = figure.subplots(1, 3)
        rate.fill_between(people, slowest, rates, color=BLUE, alpha=0.2, linewidth=0)
        rate.plot(people, rates, "o-", color=BLUE, markersize=3.5, linewidth=1.2)
        rate.axhline(RATE_TARGET / 1e6, color=VERMILLION, linewidth=0.8, linestyle="--")
        _dress(rate, "Speed of one core", "million person-years a second", people)
        rate.set_ylim(0, None)
        rate.annotate(
            "target", (people[-1], RATE_TARGET / 1e6), (0, 3), textcoords="offset points", ha="right",
            fontsize=7, color=VERMILLION,
        )  # fmt: skip
        _draw_costs(cost, people, costs, [size.opening / size.person_years * 1e9 for size in sizes])
        _draw_memory(memory, sizes)
        figure.suptitle(
            "Growth of cost and memory", x=0.012, y=0.985, ha="left", fontsize=12, fontweight="bold"
        )
        figure.text(
            0.012,
            0.015,
            "Full rules, 30 years of 'towns' with other numbers of founders, processor time of one thread; points"
            " are best runs, the band reaches to the slowest.\n"
            f"Net cost: less {fixed_cost(sizes) * 1e3:.1f} ms a run that do not depend on people (fit). Memory: peak"
            " of a process above what it holds after imports. Scales of people and memory are logarithmic.",
            fontsize=6.5,
            color=GREY,
            va="bottom",
            linespacing=1.4,
        )
        figure.subplots_adjust(left=0.055, right=0.985, top=0.83, bottom=0.26, wspace=0.27)
        folder.mkdir(parents=True, exist_ok=True)
        return save_sheet(figure, folder, "growth")


def _draw_costs(axes: Axes, people: np.ndarray, costs: np.ndarray, opening: Sequence[float]) -> None:
    """Net cost with the corridor of 30 % above the cheapest size."""
    compared = people >= 0.95 * LEAST_COMPARED
    cheapest = float(costs[compared].min())
    axes.axhspan(cheapest, cheapest * (1 + SPREAD_TARGET), color=PALE, alpha=0.6, linewidth=0)
    axes.plot(people[compared], costs[compared], "o-", color=BLUE, markersize=3.5, linewidth=1.2)
    axes.plot(people[compared], np.array(opening)[compared], "s:", color=ORANGE, markersize=3, linewidth=1)
    _dress(axes, "Net cost of a person-year", "nanoseconds", people)
    axes.set_ylim(0, None)
    axes.annotate(
        f"within {SPREAD_TARGET:.0%} of the cheapest", (people[0], cheapest * (1 + SPREAD_TARGET)), (0, 3),
        textcoords="offset points", fontsize=7, color=GREY,
    )  # fmt: skip
    axes.annotate(
        "of it the world's opening", (people[-1], opening[-1]), (0, 5),
        textcoords="offset points", ha="right", fontsize=7, color=GREY,
    )  # fmt: skip


def _draw_memory(axes: Axes, sizes: Sequence[Growth]) -> None:
    """Peak memory where the system tells it, with the bound of 20 million people."""
    known = [(size.people, size.memory) for size in sizes if size.memory is not None]
    if known:
        axes.plot(*zip(*known, strict=True), "o-", color=BLUE, markersize=3.5, linewidth=1.2)
    axes.axhline(MEMORY_TARGET, color=VERMILLION, linewidth=0.8, linestyle="--")
    axes.set_yscale("log")
    _dress(
        axes, "Peak memory above imports", "megabytes", np.array([size.people for size in sizes], np.float64)
    )
    axes.yaxis.set_major_locator(FixedLocator((1, 4, 16, 64, 256, 1024, 4096)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(1, 8192)
    axes.annotate(
        "target at 20 million", (sizes[0].people, MEMORY_TARGET), (0, 3), textcoords="offset points",
        fontsize=7, color=VERMILLION,
    )  # fmt: skip


def _dress(axes: Axes, title: str, unit: str, people: np.ndarray) -> None:
    axes.set_xscale("log")
    axes.set_xlim(people[0] / 1.3, people[-1] * 1.3)
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in PEOPLE_TICKS if tick <= people[-1] * 1.3]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2.5, width=0.6, labelsize=7)
    axes.grid(axis="y", color=PALE, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axes.set_ylabel(unit)
    axes.set_xlabel("people")


def _short(people: float) -> str:
    return f"{people / 1e6:.0f} M" if people >= 1e6 else f"{people / 1e3:.0f} k"
