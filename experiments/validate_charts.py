"""Figures of a validation: coverage, skill, rank histograms, and forecasts beside what was observed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from scipy.stats import binom

from calibration.fold_forecast import FREE, MODEL
from calibration.fold_scores import EVENT_YEARS, Score, group_of
from calibration.folds import OF_REGION
from calibration.naive_forecasters import NAMES
from calibration.scores import LEVELS
from experiments.calibrate_charts import panel_sheet
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
    save_sheet,
    style,
)
from experiments.intervals import probability
from experiments.validate_report import GROUP_TITLES, SERIES_TITLES, WITHOUT_EVENTS, ValidationReport

SERIES_COLOURS: Final = dict(
    zip(SERIES_TITLES, (BLUE, VERMILLION, GREEN, BLACK, ORANGE, PURPLE), strict=True)
)
SERIES_MARKERS: Final = dict(zip(SERIES_TITLES, "osD^vP", strict=True))
GROUP_COLOURS: Final = {
    "last_years": BLUE,
    "left_out": GREEN,
    "back_cast": ORANGE,
    "region": BLUE,
    "region_last_years": GREEN,
}
GROUP_NAMES: Final = {
    "last_years": "2019-2020 from 2015-2018",
    "left_out": "town left out",
    "back_cast": "back-cast",
    "region": "2015-2020 from 2009-2014",
    "region_last_years": "2019-2020 from 2015-2018, region",
}
MANY, FEW = 10, 5  # bins of a rank histogram, by whether there are ten figures a bin
STRONGEST: Final = 0.5  # skill at which a cell has its full colour
SOURCES: Final = (
    "Observed: Bureau of National Statistics of Kazakhstan (counts, births, deaths; net migration implied by them);"
    " tables of Turkeeva, Omarov & Abilkaiyr 2022 (wages, unemployment)."
)


def draw_validation(report: ValidationReport, folder: Path, identity: str) -> list[Path]:
    """Draw all figures into ``folder`` as PNG and SVG; return their paths.

    Raises:
        OSError: the files cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(style()):
        sheets = {
            "coverage": _coverage_sheet(report, identity),
            "skill": _skill_sheet(report, identity),
            "ranks": _rank_sheet(report, identity),
        }
        towns = [one for one in report.scores if one.fold not in OF_REGION]
        for place in dict.fromkeys(one.place for one in towns):
            own = [one for one in towns if one.place == place]
            sheets[f"forecast_{place}"] = _place_sheet(report, place, own, identity)
        region = [one for one in report.scores if one.fold == "region" and one.series == "net_migration"]
        if region:
            sheets["region"] = _region_sheet(report, region, identity)
        return [path for name, figure in sheets.items() for path in save_sheet(figure, folder, name)]


def _identity(report: ValidationReport, identity: str) -> str:
    return f"Seed {report.seed}; re-fits of {report.effort.draws:,} draws; validation {identity}."


def _coverage_sheet(report: ValidationReport, identity: str) -> Figure:
    """Share of the observed figures inside the model's intervals."""
    series = [name for name in SERIES_TITLES if any(one.series == name for one in report.scores)]
    handles = [
        Line2D([], [], marker=SERIES_MARKERS[name], color=SERIES_COLOURS[name], markersize=4.5, linewidth=0.8,
               label=SERIES_TITLES[name])
        for name in series
    ] + [Line2D([], [], color=GREY, linestyle=":", linewidth=1.0, label="as stated")]  # fmt: skip
    footer = (
        "Central intervals of 50, 80 and 95 % of the model's forecast, parameters, chance and errors of the record"
        " together; bars: Wilson's 95 % interval of the share, as if figures were independent, which they are not.",
        SOURCES,
        _identity(report, identity),
    )
    groups = report.groups
    figure, axes = panel_sheet(
        "Coverage: observed figures inside the model's intervals",
        len(groups),
        3,
        (3.0, 2.5),
        footer,
        handles,
        0.62,
    )
    for group, panel in zip(groups, axes, strict=True):
        panel.plot([0.0, 1.0], [0.0, 1.0], color=GREY, linestyle=":", linewidth=1.0)
        held = [
            one
            for one in report.summaries
            if one.group == group and one.forecaster == MODEL and not one.place
        ]
        for k, one in enumerate(held):
            x = np.array(LEVELS) + 0.012 * (k - (len(held) - 1) / 2)
            chances = [probability(round(share * one.figures), one.figures) for share in one.coverage]
            panel.vlines(
                x, [c.low for c in chances], [c.high for c in chances], color=SERIES_COLOURS[one.series],
                linewidth=0.6, alpha=0.6,
            )  # fmt: skip
            panel.plot(
                x, one.coverage, marker=SERIES_MARKERS[one.series], color=SERIES_COLOURS[one.series],
                markersize=4, linewidth=0.8,
            )  # fmt: skip
        panel.set_xlim(0.4, 1.03)
        panel.set_ylim(0.0, 1.03)
        panel.set_xticks(LEVELS, [f"{level:.0%}" for level in LEVELS])
        panel.set_xlabel("stated", fontsize=7)
        panel.set_ylabel("observed inside", fontsize=7)
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        panel.set_title(_wrapped(GROUP_TITLES[group], 52), loc="left", fontsize=6.8, fontweight="bold", pad=3)
    return figure


def _skill_sheet(report: ValidationReport, identity: str) -> Figure:
    """Skill against each naive forecaster, as a table."""
    groups = report.groups
    rows = {
        group: list(
            dict.fromkeys(
                (one.series, one.model) for one in report.comparisons if one.group == group and not one.place
            )
        )
        for group in groups
    }
    rows = {group: held for group, held in rows.items() if held}
    handles = (
        Patch(color=BLUE, alpha=0.55, linewidth=0, label="model better"),
        Patch(color=ORANGE, alpha=0.75, linewidth=0, label="naive forecaster better"),
        Patch(color=PALE, linewidth=0, label="cannot be fed in this fold"),
    )
    footer = (
        "Skill: 1 - mean CRPS of the model / mean CRPS of the naive forecaster, all places together. Bold: beyond"
        " the 90 % interval over whole places. 'Free': runs that are told no count after that of the start.",
        _identity(report, identity),
    )
    height = 0.24 * max((len(held) for held in rows.values()), default=1) + 0.3
    figure, axes = panel_sheet(
        "Skill of the model against naive forecasters", len(rows), 2, (4.6, height), footer, handles, 1.05
    )
    for (group, held), panel in zip(rows.items(), axes, strict=True):
        _skill_panel(panel, report, group, held)
    return figure


def _skill_panel(panel: Axes, report: ValidationReport, group: str, rows: list[tuple[str, str]]) -> None:
    table = {
        (one.series, one.model, one.naive): one.skill
        for one in report.comparisons
        if one.group == group and not one.place
    }
    for r, (series, model) in enumerate(rows):
        for c, naive in enumerate(NAMES):
            found = table.get((series, model, naive))
            if found is None or math.isnan(found.skill):
                colour, strength, text = PALE, 0.5, ""
            else:
                colour = BLUE if found.skill > 0 else ORANGE
                strength = 0.15 + 0.5 * min(1.0, abs(found.skill) / STRONGEST)
                text = f"{100 * found.skill:+.0f} %" if found.skill > -9.99 else "under -999 %"
            panel.add_patch(
                mpl.patches.Rectangle((c, r), 0.96, 0.92, color=colour, alpha=strength, linewidth=0)
            )
            clear = found is not None and (found.high < 0.0 or found.low > 0.0)
            panel.text(
                c + 0.48, r + 0.46, text, ha="center", va="center", fontsize=6.2,
                fontweight="bold" if clear else "normal",
            )  # fmt: skip
    panel.set_xlim(0, len(NAMES))
    panel.set_ylim(len(rows), 0)
    panel.set_xticks(np.arange(len(NAMES)) + 0.48, [_wrapped(name, 10) for name in NAMES], fontsize=5.8)
    panel.xaxis.tick_top()
    labels = [
        SERIES_TITLES[series].replace(", 1 January", "") + (" *" if model == FREE else "")
        for series, model in rows
    ]
    panel.set_yticks(np.arange(len(rows)) + 0.46, labels, fontsize=6.2)
    panel.tick_params(length=0)
    panel.spines[["left", "bottom"]].set_visible(False)
    starred = any(model == FREE for _, model in rows)
    title = GROUP_TITLES[group] + (" (* runs that do not meet the known counts)" if starred else "")
    panel.set_xlabel(_wrapped(title, 84), fontsize=6.8, fontweight="bold", loc="left", labelpad=3)


def _rank_sheet(report: ValidationReport, identity: str) -> Figure:
    """Rank histograms of the model by group and series."""
    panels = [
        (group, series)
        for group in report.groups
        if group != WITHOUT_EVENTS
        for series in ("births", "deaths", "net_migration", "population_1jan")
        if any(one.series == series and group_of(one.fold) == group for one in report.scores)
    ]
    handles = (
        Patch(color=SKY, linewidth=0, label="observed figures"),
        Patch(color=PALE, linewidth=0, label="95 % of a bin if calibrated and independent"),
        Line2D([], [], color=GREEN, linewidth=1.0, label="expected"),
    )
    footer = (
        "Share of the model's members below the observed figure. Uniform: calibrated; a hump: intervals too wide; a"
        " valley: too narrow; a slope to the right: forecast too low. Figures of a place and of neighbouring years hang"
        " together, so that histograms of few places scatter more than the grey band says.",
        SOURCES,
        _identity(report, identity),
    )
    figure, axes = panel_sheet("Rank histograms", len(panels), 4, (2.2, 1.1), footer, handles)
    for (group, series), panel in zip(panels, axes, strict=True):
        shares = [
            one.share_below for one in report.scores
            if one.series == series and group_of(one.fold) == group and one.forecaster == MODEL
        ]  # fmt: skip
        bins = MANY if len(shares) >= 10 * MANY else FEW
        counts, edges = np.histogram(shares, bins, (0.0, 1.0))
        low, high = (float(binom.ppf(level, len(shares), 1.0 / bins)) for level in (0.025, 0.975))
        panel.axhspan(low, high, color=PALE, linewidth=0)
        panel.bar(edges[:-1], counts, width=0.94 / bins, align="edge", color=SKY)
        panel.axhline(len(shares) / bins, color=GREEN, linewidth=1.0)
        panel.set_xlim(0, 1)
        panel.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        panel.set_title(
            f"{group.replace('_', ' ')}: {SERIES_TITLES[series]} ({len(shares)})",
            loc="left", fontsize=6.8, fontweight="bold", pad=3,
        )  # fmt: skip
    return figure


def _place_sheet(report: ValidationReport, place: str, scores: Sequence[Score], identity: str) -> Figure:
    """All scored series of a place: observed figures, the model's intervals in each fold, the best naive median."""
    series = [name for name in SERIES_TITLES if any(one.series == name for one in scores)]
    groups = [group for group in GROUP_NAMES if any(group_of(one.fold) == group for one in scores)]
    handles = [
        *(
            Patch(color=GROUP_COLOURS[group], alpha=0.45, linewidth=0, label=f"model: {GROUP_NAMES[group]}")
            for group in groups
        ),
        Line2D([], [], color=GREY, linestyle="--", linewidth=1.0, label="best naive, median"),
        _observed_handle(),
    ]
    footer = (
        "Bands: central 50 and 95 % of the model's forecast with all errors of the record, line the median; each fold"
        " knows only its own years. Best naive: the naive forecaster of lowest mean CRPS for this place and series in"
        " the fold, chosen afterwards.",
        SOURCES,
        _identity(report, identity),
    )
    name = report.names.get(place, place)
    figure, axes = panel_sheet(
        f"{name}: forecasts of the folds and what was observed",
        len(series),
        3,
        (3.1, 1.6),
        footer,
        handles,
        0.72,
    )
    for one, panel in zip(series, axes, strict=True):
        _fold_panel(panel, report, [held for held in scores if held.series == one], one)
        panel.set_title(SERIES_TITLES[one], loc="left", fontsize=7, fontweight="bold", pad=3)
    return figure


def _fold_panel(panel: Axes, report: ValidationReport, scores: Sequence[Score], series: str) -> None:
    unit = 1e-3 if series == "wage_monthly_nominal" else 1.0
    for group, colour in GROUP_COLOURS.items():
        own = [one for one in scores if one.forecaster == MODEL and group_of(one.fold) == group]
        if not own:
            continue
        _band(panel, own, colour, unit)
        verdict = next(
            (
                one for one in report.verdicts
                if (one.group, one.series, one.place, one.model) == (group, series, own[0].place, MODEL)
            ),
            None,
        )  # fmt: skip
        if verdict is not None:
            best = [one for one in scores if one.forecaster == verdict.best and group_of(one.fold) == group]
            best.sort(key=lambda one: one.year)
            panel.plot(
                [one.year for one in best], [unit * one.median for one in best], color=GREY, linestyle="--",
                linewidth=1.0, marker="_", markersize=4,
            )  # fmt: skip
    observed = {one.year: one.observed for one in scores}
    panel.plot(
        list(observed), [unit * value for value in observed.values()], "o", markersize=3.4,
        markerfacecolor=VERMILLION, markeredgecolor=BLACK, markeredgewidth=0.5, zorder=4,
    )  # fmt: skip
    panel.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    panel.yaxis.set_major_locator(MaxNLocator(nbins=4))
    panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    panel.set_ylabel(
        "thousand KZT a month" if unit != 1.0 else "%" if series == "unemployment_rate" else "persons",
        fontsize=6.5,
    )
    panel.grid(axis="y", color=PALE, linewidth=0.4)


def _band(panel: Axes, scores: Sequence[Score], colour: str, unit: float) -> None:
    held = sorted(scores, key=lambda one: one.year)
    years = [one.year for one in held]
    for level, alpha in ((2, 0.16), (0, 0.32)):
        panel.fill_between(
            years, [unit * one.low[level] for one in held], [unit * one.high[level] for one in held],
            color=colour, alpha=alpha, linewidth=0,
        )  # fmt: skip
    panel.plot(years, [unit * one.median for one in held], color=colour, linewidth=1.2)


def _observed_handle() -> Line2D:
    return Line2D(
        [], [], marker="o", linestyle="none", markerfacecolor=VERMILLION, markeredgecolor=BLACK,
        markeredgewidth=0.5, markersize=4.5, label="observed",
    )  # fmt: skip


def _region_sheet(report: ValidationReport, scores: Sequence[Score], identity: str) -> Figure:
    """Net migration of every unit of the region, years of register events marked."""
    order = {"regional_centre": 0, "town": 1, "rural_district": 2}
    places = sorted(
        dict.fromkeys(one.place for one in scores),
        key=lambda place: (order.get(report.kinds.get(place, ""), 3), report.names.get(place, place)),
    )
    handles = (
        Patch(color=BLUE, alpha=0.45, linewidth=0, label="model, 50 and 95 %"),
        Line2D([], [], color=GREY, linestyle="--", linewidth=1.0, label="best naive, median"),
        _observed_handle(),
        Patch(color=PALE, linewidth=0, label="register events of 2015 and 2017"),
    )
    footer = (
        "Net migration implied by the accounts, persons a year. The model knows 2009-2014 and takes its parameters from"
        " their priors. In 2015 and 2017 many units moved at once in the register (docs/data-audit.md): no forecaster"
        " can know of that.",
        SOURCES,
        _identity(report, identity),
    )
    figure, axes = panel_sheet(
        "Region: net migration 2015-2020 from 2009-2014", len(places), 6, (1.95, 1.1), footer, handles, 0.6
    )
    for place, panel in zip(places, axes, strict=True):
        for year in EVENT_YEARS:
            panel.axvspan(year - 0.35, year + 0.35, color=PALE, linewidth=0, zorder=0)
        _fold_panel(panel, report, [one for one in scores if one.place == place], "net_migration")
        panel.set_ylabel("")
        panel.set_title(
            textwrap.shorten(report.names.get(place, place), 34, placeholder="…"),
            loc="left", fontsize=6.6, fontweight="bold", pad=3,
        )  # fmt: skip
    return figure


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))
