"""Figures of a calibration: prior and posterior, what identifies it, posterior predictive, recovery."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr
from scipy.stats import binom

from calibration.identifiability import IDENTIFIED, PRIOR_DOMINATED, fitted_series
from calibration.posterior_check import FigureCheck
from calibration.posterior_inputs import Floats
from calibration.recovery import BINS, FAILURE
from experiments.calibrate_report import Report
from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    SKY,
    VERMILLION,
    save_sheet,
    style,
)

COLUMNS: Final = 6
LEFT, RIGHT, GAP_X, GAP_Y, HEADER, FOOTER = 0.5, 0.2, 0.4, 0.62, 0.95, 0.7
SERIES_TITLES: Final = {
    "births": "Births, persons a year",
    "deaths": "Deaths, persons a year",
    "net_migration": "Net migration implied by the accounts, persons a year",
    "migration_balance": "Recorded migration balance, persons a year",
    "labour_force": "Labour force, persons",
    "employed": "Employed as the paper prints them, persons",
    "unemployment_rate": "Official unemployment, %",
    "wage": "Wage, thousand KZT a month, nominal",
    "count": "Count of 1 January, persons",
    "agricultural_output": "Agricultural output a head, thousand KZT, nominal, level free",
    "industrial_output": "Industrial output a head, thousand KZT, nominal, level free",
}
SHOWN_SERIES: Final = (
    "count", "births", "deaths", "net_migration", "migration_balance", "labour_force", "employed",
    "unemployment_rate", "wage", "agricultural_output", "industrial_output",
)  # fmt: skip
VERDICT_COLOURS: Final = {"identified": BLUE, "weakly identified": ORANGE, "prior-dominated": GREY}
SOURCES: Final = (
    "Observed: Bureau of National Statistics of Kazakhstan (counts, births, deaths, labour force); tables of Turkeeva,"
    " Omarov & Abilkaiyr 2022 (wages, unemployment, employed, balances, output)."
)


def draw_calibration(report: Report, folder: Path, identity: str) -> list[Path]:
    """Draw all figures into ``folder`` as PNG and SVG; return their paths.

    Raises:
        OSError: the files cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(style()):
        sheets = {
            "posterior": _posterior_sheet(report, identity),
            "identifiability": _identifiability_sheet(report, identity),
            "predictive": _predictive_sheet(report, identity),
            "recovery": _recovery_sheet(report, identity),
        }
        return [path for name, figure in sheets.items() for path in save_sheet(figure, folder, name)]


def _identity(report: Report, identity: str) -> str:
    return f"World {report.world.name}; {len(report.posterior.z):,} draws; calibration {identity}."


def panel_sheet(
    title: str,
    panels: int,
    columns: int,
    size: tuple[float, float],
    footer: Sequence[str],
    handles: Sequence[Artist],
    left: float = LEFT,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a grid of axes, title, legend and footer; sizes in inches, ``left`` of every panel."""
    width, height = size
    rows = -(-panels // columns)
    gap = GAP_X + left - LEFT
    whole = left + columns * width + (columns - 1) * gap + RIGHT
    lines = [row for text in footer for row in textwrap.wrap(text, int(whole * 20))]
    below = FOOTER + 0.13 * len(lines)
    tall = HEADER + rows * height + (rows - 1) * GAP_Y + below
    figure = Figure(figsize=(whole, tall), facecolor="white")
    figure.text(0.12 / whole, 1 - 0.12 / tall, title, fontsize=12, fontweight="bold", va="top")
    figure.text(
        0.12 / whole, 0.1 / tall, "\n".join(lines), fontsize=6.5, color=GREY, va="bottom", linespacing=1.3
    )
    figure.legend(
        handles=list(handles), loc="upper left", bbox_to_anchor=(0.12 / whole, 1 - 0.38 / tall),
        ncols=len(handles), frameon=False, fontsize=7.5, borderaxespad=0, handlelength=1.8,
    )  # fmt: skip
    axes = []
    for number in range(panels):
        row, column = divmod(number, columns)
        axes.append(
            figure.add_axes(
                (
                    (left + column * (width + gap)) / whole,
                    1 - (HEADER + row * (height + GAP_Y) + height) / tall,
                    width / whole,
                    height / tall,
                )
            )
        )
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(length=2.5, width=0.6, labelsize=6.5)
        one.set_axisbelow(True)
    return figure, axes


def _posterior_sheet(report: Report, identity: str) -> Figure:
    """Prior, posterior and profile of every parameter."""
    handles = (
        Line2D([], [], color=GREY, linewidth=1.2, label="prior"),
        *(
            Patch(color=colour, alpha=0.55, label=f"posterior: {name}")
            for name, colour in VERDICT_COLOURS.items()
        ),
        Line2D(
            [], [], color=VERMILLION, linewidth=1.0, linestyle="--", label="profile (data and other priors)"
        ),
    )
    footer = (
        "Densities, each scaled to its own maximum; horizontal axes in the parameters' units; × posterior over prior"
        " standard deviation of normal scores. Profile: log density"
        " maximised over all other parameters without the parameter's own prior, as exp(profile).",
        _identity(report, identity),
    )
    posterior, found = report.posterior, report.identifiability
    figure, axes = panel_sheet(
        "Prior and posterior of the calibrated parameters",
        posterior.inputs.size,
        COLUMNS,
        (1.75, 0.95),
        footer,
        handles,
    )
    for k, (one, panel) in enumerate(zip(found.parameters, axes, strict=True)):
        prior = posterior.inputs.parameters[k].prior
        assert prior is not None
        sample = np.array([prior.quantile((i + 0.5) / 2000) for i in range(2000)])
        values = posterior.values[:, k]
        low, high = min(sample[4], values.min()), max(sample[-5], values.max())
        edges = np.linspace(low, high, 41)
        heights = np.histogram(values, edges, density=True)[0]
        middles = 0.5 * (edges[1:] + edges[:-1])
        panel.fill_between(middles, heights / heights.max(), step="mid", color=VERDICT_COLOURS[one.verdict],
                           alpha=0.55, linewidth=0)  # fmt: skip
        before = np.histogram(sample, edges, density=True)[0]
        panel.plot(middles, before / before.max(), color=GREY, linewidth=1.2)
        scores = np.linspace(found.profile_grid[0], found.profile_grid[-1], 101)
        level = PchipInterpolator(found.profile_grid, found.profiles[k])(scores)
        at = np.array([prior.quantile(float(share)) for share in ndtr(scores)])
        panel.plot(at, np.exp(level), color=VERMILLION, linewidth=0.9, linestyle="--")
        panel.set_title(
            f"{one.name}  ×{one.sd_ratio:.2f}", loc="left", fontsize=6.3, fontweight="bold", pad=2
        )
        panel.set_yticks([])
        panel.set_ylim(0, 1.08)
        panel.xaxis.set_major_locator(MaxNLocator(nbins=4))
        panel.set_xlabel(one.unit, fontsize=6.5, labelpad=1)
    return figure


def _identifiability_sheet(report: Report, identity: str) -> Figure:
    """What is left of each prior, and how much wider the posterior is without each series."""
    found = report.identifiability
    names = [one.name for one in found.parameters]
    series = fitted_series(report.posterior.observation)
    rows = len(names)
    handles = tuple(
        Line2D([], [], color=colour, marker="o", linestyle="none", markersize=5, label=name)
        for name, colour in VERDICT_COLOURS.items()
    )
    footer = (
        f"Left: posterior over prior standard deviation of normal scores; prior-dominated from {PRIOR_DOMINATED:g} on,"
        f" identified up to {IDENTIFIED:g}. Middle: shift of the mean in prior standard deviations, bar: posterior"
        " standard deviation. Right: growth of the posterior standard deviation without the series, % (sampled anew;"
        " growth below 5 % is not shown, nor for prior-dominated parameters).",
        _identity(report, identity),
    )
    height = max(3.0, 0.19 * rows)
    figure, axes = panel_sheet("What the data identify", 3, 3, (2.6, height), footer, handles)
    y = np.arange(rows)[::-1]
    colours = [VERDICT_COLOURS[one.verdict] for one in found.parameters]
    left, middle, right = axes
    _shift_axes(figure, axes)
    ratios = np.array([one.sd_ratio for one in found.parameters])
    shifts = np.array([one.shift for one in found.parameters])
    left.hlines(y, 0, ratios, color=PALE, linewidth=1.0)
    left.scatter(ratios, y, c=colours, s=16, zorder=3)
    for level in (IDENTIFIED, PRIOR_DOMINATED):
        left.axvline(level, color=GREY, linewidth=0.6, linestyle=":")
    left.set_yticks(y, names, fontsize=6.5)
    left.set_xlim(0, 1.15)
    left.set_xlabel("sd, posterior / prior", fontsize=7)
    middle.axvline(0.0, color=GREY, linewidth=0.6)
    middle.hlines(y, shifts - ratios, shifts + ratios, color=colours, linewidth=1.4)
    middle.scatter(shifts, y, c=colours, s=14, zorder=3)
    middle.set_yticks([])
    middle.set_xlabel("shift, prior sd", fontsize=7)
    table = np.full((rows, len(series)), np.nan)
    for k, one in enumerate(found.parameters):
        for name, growth in one.series:
            table[k, series.index(name)] = 100.0 * growth
    right.imshow(np.minimum(table, 200.0), cmap="cividis_r", aspect="auto", vmin=0, vmax=200)
    for k in range(rows):
        for s in range(len(series)):
            if np.isfinite(table[k, s]):
                colour = "white" if table[k, s] > 90 else BLACK
                right.text(s, k, f"{table[k, s]:.0f}", ha="center", va="center", fontsize=5.5, color=colour)
    right.set_yticks([])
    right.set_xticks(range(len(series)), [name.replace("_", " ") for name in series], rotation=40, ha="right",
                     fontsize=6.5)  # fmt: skip
    for panel in (left, middle):
        panel.set_ylim(-0.6, rows - 0.4)
    return figure


def _shift_axes(figure: Figure, axes: Sequence[Axes]) -> None:
    """Make room for the names of the parameters and the tilted names of the series."""
    width = float(figure.get_size_inches()[0])
    room = 1.0 / width
    for number, one in enumerate(axes):
        box = one.get_position()
        left = LEFT / width + room + number * (box.width - room / 3 + 0.15 / width)
        one.set_position((left, box.y0 + 0.02, box.width - room / 3, box.height - 0.02))


def _predictive_sheet(report: Report, identity: str) -> Figure:
    """Observed series against what the posterior says would have been recorded."""
    places = [place for place in report.names if any(one.figure.place == place for one in report.checks)]
    series = [name for name in SHOWN_SERIES if any(one.figure.series == name for one in report.checks)]
    held = [
        (name, place)
        for name in series
        for place in places
        if any((one.figure.series, one.figure.place) == (name, place) for one in report.checks)
    ]
    handles = (
        Line2D([], [], color=BLUE, linewidth=1.3, label="median"),
        Patch(color=BLUE, alpha=0.45, linewidth=0, label="50 %"),
        Patch(color=BLUE, alpha=0.18, linewidth=0, label="90 %"),
        _point("o", VERMILLION, "observed, fitted"),
        _point("s", "white", "observed, only compared"),
    )
    footer = (
        "Intervals of the posterior predictive over draws: parameters, chance of the run and all errors of the record."
        " Counts, output and part of 'employed' repeat other figures or tell nothing of what is calibrated: they are"
        " compared, not fitted.",
        SOURCES,
        _identity(report, identity),
    )
    figure, axes = panel_sheet(
        "Posterior predictive and observed figures", len(held), 4, (2.6, 1.25), footer, handles
    )
    for (name, place), panel in zip(held, axes, strict=True):
        checks = [one for one in report.checks if (one.figure.series, one.figure.place) == (name, place)]
        _predictive_panel(panel, checks, 1e-3 if name == "wage" else 1.0)
        panel.set_title(
            "\n".join(textwrap.wrap(f"{report.names[place]}: {SERIES_TITLES[name]}", 46)),
            loc="left", fontsize=6.8, fontweight="bold", pad=3,
        )  # fmt: skip
    return figure


def _point(marker: str, colour: str, label: str) -> Line2D:
    return Line2D([], [], marker=marker, linestyle="none", markerfacecolor=colour, markeredgecolor=BLACK,
                  markeredgewidth=0.5, markersize=4.5, label=label)  # fmt: skip


def _predictive_panel(panel: Axes, checks: Sequence[FigureCheck], unit: float) -> None:
    checks = sorted(checks, key=lambda one: one.figure.year)
    years = np.array([one.figure.year for one in checks])
    bands: Floats = unit * np.array([one.quantiles for one in checks]).T
    panel.fill_between(years, bands[0], bands[4], color=BLUE, alpha=0.18, linewidth=0)
    panel.fill_between(years, bands[1], bands[3], color=BLUE, alpha=0.30, linewidth=0)
    panel.plot(years, bands[2], color=BLUE, linewidth=1.2)
    for one in checks:
        if len(checks) == 1:
            panel.vlines(one.figure.year, bands[0], bands[4], color=BLUE, alpha=0.4)
        fitted = one.in_likelihood
        panel.plot(
            one.figure.year, unit * one.figure.value, marker="o" if fitted else "s", markersize=3.6,
            markerfacecolor=VERMILLION if fitted else "white", markeredgecolor=BLACK, markeredgewidth=0.5,
            linestyle="none", zorder=4,
        )  # fmt: skip
    panel.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    panel.yaxis.set_major_locator(MaxNLocator(nbins=4))
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    panel.grid(axis="y", color=PALE, linewidth=0.4)


def _recovery_sheet(report: Report, identity: str) -> Figure:
    """Rank histograms of the simulation-based calibration."""
    found = report.recovery
    records = len(found.ranks)
    low, high = (float(binom.ppf(level, records, 1.0 / BINS)) for level in (0.005, 0.995))
    handles = (
        Patch(color=SKY, label="ranks uniform"),
        Patch(color=VERMILLION, label=f"not uniform ({FAILURE:.0%}, Holm)"),
        Patch(color=PALE, label="99 % of a bin if uniform"),
        Line2D([], [], color=GREEN, linewidth=1.0, label="expected"),
    )
    footer = (
        f"Ranks of the true parameter among the draws of its own posterior, {records} synthetic records: real runs at"
        " parameters from the prior, with all errors of the record (Talts et al. 2018). p: chi-square over ten bins,"
        " before Holm's correction. A hump means intervals too wide, a valley too narrow, a slope bias.",
        _identity(report, identity),
    )
    figure, axes = panel_sheet(
        "Recovery of known parameters", len(found.names), COLUMNS, (1.75, 0.85), footer, handles
    )
    edges = np.linspace(0, 1, BINS + 1)
    for k, (name, panel) in enumerate(zip(found.names, axes, strict=True)):
        counts = np.histogram(found.ranks[:, k], edges)[0]
        panel.axhspan(low, high, color=PALE, linewidth=0, alpha=0.8)
        panel.axhline(records / BINS, color=GREEN, linewidth=0.9)
        colour = VERMILLION if found.adjusted[k] < FAILURE else SKY
        panel.bar(edges[:-1], counts, width=0.9 / BINS, align="edge", color=colour)
        panel.set_title(
            f"{name}  p {found.p_values[k]:.2g}", loc="left", fontsize=6.3, fontweight="bold", pad=2
        )
        panel.set_xticks([0, 0.5, 1])
        panel.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
        if k % COLUMNS == 0:
            panel.set_ylabel("records", fontsize=6.5)
    return figure
