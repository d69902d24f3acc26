"""Panels of the audit's figure: the evidence for each finding, drawn from the same measures as the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes

from calibration.audit import Audit
from calibration.audit_checks_ages import births_change
from calibration.audit_checks_counts import paper_dating, regional_gaps
from calibration.audit_checks_labour import LABOUR_FORCE, USUAL_SHARE, wage_ratios
from calibration.audit_checks_output import pairs_of_places
from calibration.audit_checks_register import OUTLYING, rate_outliers
from calibration.audit_checks_text import comparisons
from calibration.audit_data import Series, common_years, in_window, published
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
)

COLOURS: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION)
MARKERS: Final = ("o", "s", "^", "D", "v", "P")
SMALL: Final = 6.5
JITTER: Final = 0.3
LABELLED: Final = 3.25
MOST_STATEMENTS: Final = 10
SHORT_NAMES: Final = {
    "wage_monthly_nominal": "wage",
    "unemployment_rate": "unemployment",
    "migration_balance": "migration",
    "agricultural_output_per_capita": "agriculture",
    "industrial_output_per_capita": "industry",
    "local_budget_per_capita": "budget",
}


def dating_panel(axes: Axes, audit: Audit) -> None:
    """Printed counts at their printed year (hollow) and at the date that fits (filled), official counts."""
    data = audit.data
    for number, (place, one) in enumerate(list(paper_dating(data).items())[: len(COLOURS)]):
        official = in_window_or_after(published(data.accounts, place, "population_1jan"))
        printed = published(data.paper, place, "population")
        colour = COLOURS[number]
        _line(axes, official, colour, f"{data.name(place)}, official 1 January")
        _points(axes, printed, colour, MARKERS[number], hollow=True)
        moved = {year + one.lag: value for year, value in printed.items()}
        _points(axes, moved, colour, MARKERS[number])
    axes.plot([], [], "o", color="white", markeredgecolor=GREY, label="printed year")
    axes.plot([], [], "o", color=GREY, label="printed year + best lag")
    _legend(axes)


def in_window_or_after(series: Series) -> Series:
    """Return a series from 2014 on."""
    return {year: value for year, value in series.items() if year >= 2014}


def accounts_panel(axes: Axes, audit: Audit) -> None:
    """Recorded and implied net migration, cumulated."""
    data = audit.data
    axes.axhline(0, color=GREY, linewidth=0.6)
    for number, place in enumerate(data.paper_places("migration_balance")[: len(COLOURS)]):
        recorded = in_window(published(data.paper, place, "migration_balance"))
        implied = data.implied_net_migration(place)
        years = common_years(recorded, implied)
        colour = COLOURS[number]
        _line(axes, _cumulated(implied, years), colour, f"{data.name(place)}: implied by the accounts")
        _line(axes, _cumulated(recorded, years), colour, f"{data.name(place)}: recorded", (0, (3.0, 1.5)))
    _legend(axes)


def sum_panel(axes: Axes, audit: Audit) -> None:
    """What the units' implied net migration leaves open against the region's."""
    data = audit.data
    for region in sorted({data.regions[place] for place in data.places if place in data.regions}):
        gaps = regional_gaps(data, region)
        years = list(gaps)
        values = [gaps[year].gap for year in years]
        axes.bar(years, values, color=BLUE, width=0.6, label=f"{data.name(region)}: sum of units - published")
        for year, value in zip(years, values, strict=True):
            axes.annotate(f"{value:+.0f}" if value else "0", (year, value), (0, 2), textcoords="offset points",
                          ha="center", fontsize=SMALL)  # fmt: skip
        outside = {year: one.in_no_unit_before for year, one in gaps.items()}
        _line(axes, outside, ORANGE, "people of the region in no unit, 1 January")
    axes.margins(y=0.25)
    _legend(axes)


def register_panel(axes: Axes, audit: Audit) -> None:
    """Distance of each unit's year from its other years."""
    outliers = rate_outliers(audit.data)
    axes.axhspan(-OUTLYING, OUTLYING, color=PALE, alpha=0.5, linewidth=0, label=f"within {OUTLYING:g}")
    for number, (unit, years) in enumerate(outliers.items()):
        shift = JITTER * (2.0 * number / max(len(outliers) - 1, 1) - 1.0)
        for year, one in years.items():
            stands_out = abs(one.z) > OUTLYING
            axes.plot(year + shift, one.z, MARKERS[0], markersize=3.2 if stands_out else 2.2,
                      color=VERMILLION if stands_out else GREY)  # fmt: skip
            if abs(one.z) > LABELLED:
                axes.annotate(audit.data.name(unit), (year + shift, one.z), (4, -2),
                              textcoords="offset points", fontsize=5.5)  # fmt: skip
    axes.plot([], [], "o", markersize=3.2, color=VERMILLION, label="a unit that stands out")
    axes.margins(x=0.12, y=0.1)
    _legend(axes)


def same_series_panel(axes: Axes, audit: Audit) -> None:
    """The paper's employed as a share of the official labour force, beside 1 - unemployment."""
    data = audit.data
    axes.axhline(1.0, color=GREY, linewidth=0.8)
    for number, place in enumerate(data.paper_places("employed")[: len(COLOURS)]):
        employed = published(data.paper, place, "employed")
        force = published(data.accounts, place, LABOUR_FORCE)
        rate = published(data.paper, place, "unemployment_rate")
        share = {year: employed[year] / force[year] for year in common_years(employed, force)}
        expected = {year: 1.0 - rate[year] / 100.0 for year in common_years(share, rate)}
        colour = COLOURS[number]
        _line(axes, expected, colour, f"{data.name(place)}: 1 - unemployment", (0, (3.0, 1.5)))
        _points(axes, share, colour, MARKERS[number], label=f"{data.name(place)}: 'employed'")
    axes.annotate("is the labour force", (0.99, 1.0), (0, 3), xycoords=axes.get_yaxis_transform(),
                  textcoords="offset points", ha="right", fontsize=SMALL, color=GREY)  # fmt: skip
    axes.margins(y=0.35)
    _legend(axes, columns=2)


def shared_panel(axes: Axes, audit: Audit) -> None:
    """Value per head x population by place; years of one common total ringed."""
    data = audit.data
    pairs = [pair for pair in pairs_of_places(data) if pair.shared_years] or pairs_of_places(data)[:1]
    for number, pair in enumerate(pairs[:3]):
        name = SHORT_NAMES.get(pair.variable, pair.variable)
        for side, place in enumerate(pair.places):
            totals = {
                year: (one.first if side == 0 else one.second) / 1e6 for year, one in pair.totals.items()
            }
            colour = COLOURS[(2 * number + side) % len(COLOURS)]
            _line(axes, totals, colour, f"{data.name(place)}: {name} x population")
            _points(axes, totals, colour, MARKERS[side])
        _ring(axes, {year: pair.totals[year].first / 1e6 for year in pair.shared_years}, "one common total")
    _legend(axes)


def wage_panel(axes: Axes, audit: Audit) -> None:
    """Wages relative to the region's; outliers ringed."""
    rings: list[tuple[int, float]] = []
    for number, (place, years) in enumerate(list(wage_ratios(audit.data).items())[: len(COLOURS)]):
        ratios = {year: one.ratio for year, one in years.items()}
        _line(axes, ratios, COLOURS[number], audit.data.name(place))
        _points(axes, ratios, COLOURS[number], MARKERS[number])
        rings += [(year, one.ratio) for year, one in years.items() if one.is_outlying]
    if rings:
        axes.plot(*zip(*rings, strict=True), "o", markersize=10, color="none", markeredgecolor=VERMILLION,
                  label="outlier")  # fmt: skip
    axes.margins(y=0.2)
    _legend(axes)


def ratio_panel(axes: Axes, audit: Audit) -> None:
    """Labour force relative to the usual share of the population."""
    data = audit.data
    axes.axhspan(0.9, 1.1, color=PALE, alpha=0.5, linewidth=0)
    places = [place for place in data.places if (place, LABOUR_FORCE) in data.accounts]
    for number, place in enumerate(places[: len(COLOURS)]):
        counts = published(data.accounts, place, "population_1jan")
        force = in_window(published(data.accounts, place, LABOUR_FORCE))
        ratios = {year: force[year] / (USUAL_SHARE * counts[year]) for year in common_years(force, counts)}
        _line(axes, ratios, COLOURS[number], data.name(place))
        _points(axes, ratios, COLOURS[number], MARKERS[number])
    axes.margins(y=0.25)
    _legend(axes, columns=2)


def text_panel(axes: Axes, audit: Audit) -> None:
    """Stated figure over the tables' figure, logarithmic, for the statements that differ."""
    wrong = [one for one in comparisons(audit.data) if not one.agrees][:MOST_STATEMENTS]
    shown = wrong or comparisons(audit.data)[:MOST_STATEMENTS]
    box = axes.get_position()
    axes.set_position((box.x0 + 0.42 * box.width, box.y0, 0.58 * box.width, box.height))
    axes.set_xscale("log")
    axes.axvline(1.0, color=GREY, linewidth=0.8)
    for row, one in enumerate(reversed(shown)):
        ratio = one.stated / one.table if one.table else float("nan")
        axes.plot([1.0, ratio], [row, row], color=SKY, linewidth=1.2)
        axes.plot(ratio, row, "o", markersize=4, color=VERMILLION if not one.agrees else BLUE)
    names = [
        f"{audit.data.name(one.statement.territory)}: "
        + " / ".join(SHORT_NAMES.get(name, name) for name in one.statement.variable.split("/"))
        + (f", {one.statement.stated:g} %" if one.statement.unit == "percent" else "")
        for one in reversed(shown)
    ]
    axes.set_yticks(range(len(shown)), names, fontsize=SMALL)
    axes.set_xlabel("stated / tables", fontsize=7)
    axes.set_ylabel("")
    axes.margins(x=0.1, y=0.08)


def rebasing_panel(axes: Axes, audit: Audit) -> None:
    """The region's count with the break of the register."""
    data = audit.data
    counts = dict(published(data.census, data.ages_region, "population"))
    counts.update(published(data.drivers, data.ages_region, "population_1jan"))
    breaks = audit.finding("census_rebasing").numbers
    ends = [int(row["1 January"] or 0) for row in breaks]
    start = min(counts)
    for end in [*ends, max(counts)]:
        part = {year: value / 1e3 for year, value in counts.items() if start <= year <= end}
        _line(axes, part, BLUE, f"{data.name(data.ages_region)}, official" if start == min(counts) else "")
        start = end + 1
    for row in breaks:
        year = int(row["1 January"] or 0)
        axes.annotate(
            f"re-based: {row['change, %']} %",
            (year + 1, counts[year + 1] / 1e3),
            (8, 22),
            textcoords="offset points",
            fontsize=SMALL,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6},
        )
    _legend(axes)


def age_panel(axes: Axes, audit: Audit) -> None:
    """Published births and births at constant fertility, relative to the first year."""
    data = audit.data
    change = births_change(data)
    if change is None:
        return
    births = published(data.drivers, data.ages_region, "births")
    index = {
        year: value / change.births_first
        for year, value in births.items()
        if change.first <= year <= change.last
    }
    _line(axes, index, BLACK, f"{data.name(data.ages_region)}: births published")
    _points(axes, index, BLACK, "o")
    constant = {change.first: 1.0, change.last: change.expected_last / change.expected_first}
    _line(axes, constant, BLUE, "constant fertility, estimated ages", (0, (3.0, 1.5)))
    _points(axes, constant, BLUE, "s")
    _legend(axes)


def _cumulated(series: Series, years: Sequence[int]) -> Series:
    total, sums = 0.0, {years[0]: 0.0} if years else {}
    for year in years:
        total += series[year]
        sums[year + 1] = total
    return sums


def _line(axes: Axes, series: Mapping[int, float], colour: str, label: str, style: LineStyle = "-") -> None:
    ordered = sorted(series.items())
    axes.plot(
        [year for year, _ in ordered],
        [value for _, value in ordered],
        color=colour,
        linewidth=1.1,
        linestyle=style,
        label=label or None,
    )


def _points(
    axes: Axes, series: Mapping[int, float], colour: str, marker: str, hollow: bool = False, label: str = ""
) -> None:
    axes.plot(
        list(series),
        list(series.values()),
        marker,
        markersize=4,
        markerfacecolor="white" if hollow else colour,
        markeredgecolor=colour if hollow else BLACK,
        markeredgewidth=0.8 if hollow else 0.4,
        label=label or None,
    )


def _ring(axes: Axes, series: Mapping[int, float], label: str) -> None:
    if series:
        axes.plot(list(series), list(series.values()), "o", markersize=10, color="none",
                  markeredgecolor=VERMILLION, label=label)  # fmt: skip


def _legend(axes: Axes, columns: int = 1) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=5.8, ncols=columns, handlelength=1.8, labelspacing=0.25,
                    borderaxespad=0.1)  # fmt: skip
