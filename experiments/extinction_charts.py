"""Figures of `qyzyljar extinction`: survival, the ladder, years bought, places beyond, early warning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullFormatter, NullLocator

from experiments.compare_scenarios import BASELINE, Case
from experiments.design import Design
from experiments.extinction_benchmark import Wiener, threshold_persons
from experiments.extinction_files import benchmark_count, scopes
from experiments.extinction_ladder import ExtinctionRung
from experiments.extinction_outcomes import Outcomes
from experiments.extinction_tables import baseline_of, live_rung
from experiments.extinction_warning import DUMMY, JOINT, WarningSign
from experiments.figure_sheets import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Chart,
    LineStyle,
    draw_sheet,
    line_handle,
    mark_window,
    save_sheet,
    style,
    window_handle,
    year_ticks,
)
from experiments.forecast_tables import short_name
from model.accounts_data import LAST_COUNT_YEAR

COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, BLACK)
GROUP_COLOURS = {"legal": BLUE, "practical": SKY, "service": ORANGE, "demographic": VERMILLION}
STROKES: tuple[LineStyle, ...] = ("-", "--", ":", (0.0, (5.0, 1.0, 1.0, 1.0)), (0.0, (3.0, 3.0)))
WIENER_DASHES = (0.0, (6.0, 2.0))
SELDOM = 0.05  # places: rungs with fewer in every year fill no panel
MOST_CURVES, MOST_PANELS, MOST_FIGURES = 7, 18, 16
CENSORED = (
    "Kaplan-Meier estimate over runs that differ in chance and in parameters; runs that have not crossed by the "
    "horizon are censored there. Bands: 95 % (log-log; Wilson's bound where no run has crossed yet)."
)


def draw_extinction_figures(
    folder: Path,
    outcomes: Outcomes,
    wieners: Mapping[str, Wiener],
    signs: Mapping[tuple[str, str], Sequence[WarningSign]],
    design: Design,
) -> list[Path]:
    """Draw all figures into ``folder/figures``, each as PNG and SVG; returns their paths.

    Raises:
        OSError: the figures cannot be written.
    """
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    identity = (
        f"World {outcomes.world.name}; {outcomes.runs} runs of each scenario; seed {design.seed}; parameters: "
        f"{design.parameters}; identity {design.identity}."
    )
    written: list[Path] = []
    with mpl.rc_context(style()):
        written += save_sheet(survival_sheet(outcomes, wieners, identity), target, "survival")
        written += save_sheet(ladder_sheet(outcomes, identity), target, "ladder")
        if len(outcomes.comparison.cases) > 1:
            written += save_sheet(bought_sheet(outcomes, identity), target, "years_bought")
        if len(outcomes.places) > 1:
            written += save_sheet(beyond_sheet(outcomes, wieners, identity), target, "places_beyond")
        if signs:
            written += save_sheet(warning_sheet(outcomes, signs, identity), target, "early_warning")
    return written


def shown_places(outcomes: Outcomes) -> list[tuple[int, str]]:
    """Index and name of the places drawn: those with a live rung, the smallest first where there are many."""
    names = outcomes.world.names("en")
    live = [p for p in range(len(outcomes.places)) if live_rung(outcomes, p) is not None]
    live.sort(key=lambda p: (outcomes.world.kind[p] != "town", int(outcomes.world.founding_population[p])))
    return [(p, short_name(names[p])) for p in live[:MOST_PANELS]]


def _frame(axes: Axes, outcomes: Outcomes) -> None:
    axes.set_xlim(int(outcomes.years[0]) - 0.5, outcomes.horizon + 0.5)
    axes.set_ylim(-0.03, 1.03)
    mark_window(axes)


def _ticks(outcomes: Outcomes, at_most: int = 5) -> tuple[int, ...]:
    return year_ticks(int(outcomes.years[0]), outcomes.horizon, int(outcomes.years[0]), at_most)


def survival_sheet(outcomes: Outcomes, wieners: Mapping[str, Wiener], identity: str) -> Figure:
    """Share of runs that have not crossed the nearest rung, a panel a place, a curve a scenario."""
    cases = outcomes.comparison.cases[:MOST_CURVES]
    base, years = baseline_of(outcomes), outcomes.years.astype(np.float64)

    def draw(axes: Axes, place: int) -> None:
        rung = live_rung(outcomes, place)
        if rung is None:
            return
        drawn: list[np.ndarray] = []
        for k, case in enumerate(cases):
            curve = outcomes.curve(case, rung, place)
            if not any(np.array_equal(curve.survival, other) for other in drawn):
                axes.fill_between(
                    years, curve.low, curve.high, step="post", color=COLOURS[k], alpha=0.13, linewidth=0
                )
            drawn.append(curve.survival)
            axes.step(
                years, curve.survival, where="post", color=COLOURS[k], linewidth=1.2, linestyle=STROKES[k % 5]
            )
        wiener = wieners.get(outcomes.places[place])
        limit = threshold_persons(
            rung.figure, rung.threshold, float(outcomes.world.founding_population[place])
        )
        if wiener is not None and limit is not None and rung.years == 1:
            below = wiener.below(limit)
            kept = ~np.logical_or.accumulate(below, axis=1)
            axes.step(
                years, kept.mean(axis=0), where="post", color=GREY, linewidth=1.0, linestyle=WIENER_DASHES
            )
        axes.text(0.02, 0.03, rung.label, transform=axes.transAxes, fontsize=6.5)
        _frame(axes, outcomes)

    legend: list[Artist] = [
        line_handle(COLOURS[k], case.name, STROKES[k % 5]) for k, case in enumerate(cases)
    ]
    legend += [line_handle(GREY, "drifted Wiener benchmark", WIENER_DASHES), window_handle()]
    chart = Chart(
        "survival",
        "",
        "share of runs not yet beyond the rung",
        "1 January",
        draw,
        tuple(legend),
        _ticks(outcomes),
    )
    footer = [
        f"The nearest rung of each place. {CENSORED} Equal curves share one band. Benchmark: log counts "
        "since 2009 drift and diffuse (Dennis et al. "
        "1991), with the uncertainty of both.",
        *_left_out(len(outcomes.comparison.cases) - len(cases), "scenarios"),
        identity,
    ]
    title = f"Years before the nearest rung of the ladder: {outcomes.world.title['en']}"
    assert base in outcomes.comparison.cases
    return draw_sheet(title, (chart,), shown_places(outcomes), footer)


def _left_out(number: int, what: str) -> list[str]:
    return [f"{number} further {what} are in the CSV files only."] if number > 0 else []


def ladder_sheet(outcomes: Outcomes, identity: str) -> Figure:
    """Chance to be beyond each rung by year in the baseline, a panel a place."""
    case, years = baseline_of(outcomes), outcomes.years.astype(np.float64)

    def draw(axes: Axes, place: int) -> None:
        labels: list[tuple[float, str, str]] = []
        nearest = live_rung(outcomes, place)
        for rung in outcomes.rungs_of(place, case):
            curve = outcomes.curve(case, rung, place)
            if not curve.events.any() and rung is not nearest:
                continue
            colour = GROUP_COLOURS[rung.group]
            axes.fill_between(
                years, 1.0 - curve.high, 1.0 - curve.low, step="post", color=colour, alpha=0.13, linewidth=0
            )
            axes.step(years, 1.0 - curve.survival, where="post", color=colour, linewidth=1.2)
            labels.append((1.0 - float(curve.survival[-1]), rung.label, colour))
        _label_ends(axes, labels, float(years[-1]))
        _frame(axes, outcomes)

    legend: tuple[Artist, ...] = (
        *(Line2D([], [], color=colour, label=f"{group} rungs") for group, colour in GROUP_COLOURS.items()),
        Patch(color=GREY, alpha=0.2, linewidth=0, label="95 %"),
        window_handle(),
    )
    chart = Chart("ladder", "", "share of runs beyond the rung", "1 January", draw, legend, _ticks(outcomes))
    footer = [
        "Share of runs that have crossed a rung by each 1 January; rungs that no run crosses are left out, except the "
        f"nearest, whose band is an upper bound. {CENSORED} ladder.csv says what each rung means and "
        "where it comes from.",
        identity,
    ]
    return draw_sheet(
        f"The extinction ladder in '{case.name}': {outcomes.world.title['en']}",
        (chart,),
        shown_places(outcomes),
        footer,
    )


def _label_ends(axes: Axes, labels: Sequence[tuple[float, str, str]], x: float) -> None:
    """Write each label at its curve's end, moved so that none covers another."""
    position = -1.0
    for level, text, colour in sorted(labels):
        position = max(level, position + 0.075, 0.03)
        axes.text(x, position, text, fontsize=5.5, color=colour, ha="right", va="bottom")


def bought_sheet(outcomes: Outcomes, identity: str) -> Figure:
    """Years bought by each policy before the nearest rung, a panel a place."""
    pairs = outcomes.comparison.compared(BASELINE)[:MOST_CURVES]

    def draw(axes: Axes, place: int) -> None:
        rung = live_rung(outcomes, place)
        if rung is None:
            return
        for k, (case, reference) in enumerate(pairs):
            one = outcomes.years_bought(case, reference, rung, place)
            axes.plot(
                one.years.of_mean, (k - 0.12, k - 0.12), color=BLUE, linewidth=1.6, solid_capstyle="butt"
            )
            axes.plot(one.years.mean, k - 0.12, marker="o", color=BLUE, markersize=4.5)
            mean, ends = one.of_crossing
            if not math.isnan(mean):
                axes.plot(ends, (k + 0.16, k + 0.16), color=VERMILLION, linewidth=1.6, solid_capstyle="butt")
                axes.plot(mean, k + 0.16, marker="D", color=VERMILLION, markersize=4)
        axes.axvline(0, color=GREY, linewidth=0.7)
        axes.set_ylim(len(pairs) - 0.5, -0.5)
        axes.set_yticks(range(len(pairs)), [_wrapped(case) for case, _ in pairs], fontsize=6)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", linewidth=0.3)
        axes.text(0.99, 0.98, rung.label, transform=axes.transAxes, fontsize=6.5, ha="right", va="top")

    legend = (
        Line2D([], [], color=BLUE, marker="o", markersize=4.5, label="all runs: mean and 95 %"),
        Line2D(
            [], [], color=VERMILLION, marker="D", markersize=4, label="runs in which the baseline crosses"
        ),
    )
    chart = Chart(
        "years_bought", "", "", f"years before the rung gained, up to {outcomes.horizon}", draw, legend
    )
    footer = [
        "Years before the nearest rung under a policy minus those under the baseline of the same future, run by run on "
        f"the same people, parameters and chance. Years beyond {outcomes.horizon} do not count, so that figures are "
        "lower bounds where a policy postpones a crossing beyond it.",
        *_left_out(len(outcomes.comparison.compared(BASELINE)) - len(pairs), "policies"),
        identity,
    ]
    return draw_sheet(
        f"Years bought by policies: {outcomes.world.title['en']}", (chart,), shown_places(outcomes), footer
    )


def _wrapped(case: Case) -> str:
    """A scenario's name in two lines where it is long: the labels stand left of the axis."""
    name = case.name
    if len(name) <= 13:
        return name
    cut = max(name.find("_", 5), name.find("@"))
    return f"{name[: cut + 1]}\n{name[cut + 1 :]}" if cut > 0 else name


def beyond_sheet(outcomes: Outcomes, wieners: Mapping[str, Wiener], identity: str) -> Figure:
    """Number of places beyond each rung by year: expected, 90 % of runs, and the benchmark; a panel a rung."""
    case, years = baseline_of(outcomes), outcomes.years.astype(np.float64)
    panels: list[tuple[ExtinctionRung, str, list[int]]] = [
        (rung, scope, places)
        for rung in outcomes.rungs
        for scope, places in scopes(outcomes, rung)
        if outcomes.places_beyond(case, rung, places).mean.max() >= SELDOM
    ][:MOST_PANELS]

    def draw(axes: Axes, k: int) -> None:
        rung, _, places = panels[k]
        found = outcomes.places_beyond(case, rung, places)
        axes.fill_between(
            years, found.runs_low, found.runs_high, step="mid", color=BLUE, alpha=0.15, linewidth=0
        )
        seen = np.where(found.any_run, 1.0, np.nan)
        axes.fill_between(years, seen * found.low, seen * found.high, color=BLUE, alpha=0.4, linewidth=0)
        axes.plot(years, seen * found.mean, color=BLUE, linewidth=1.2)
        bound = np.where(found.any_run, np.nan, found.high)
        axes.plot(years, bound, color=BLUE, linewidth=0.8, linestyle=":")
        naive = benchmark_count(outcomes, rung, places, wieners)
        if naive is not None:
            axes.plot(years, naive, color=GREY, linewidth=1.0, linestyle=WIENER_DASHES)
        axes.set_xlim(years[0] - 0.5, years[-1] + 0.5)
        top = max(
            float(found.runs_high.max()),
            float(found.high.max()),
            0.0 if naive is None else float(naive.max()),
        )
        axes.set_ylim(0, min(1.08 * top, 1.02 * len(places)) if top > 0.0 else 1.0)
        mark_window(axes)

    legend = (
        line_handle(BLUE, "expected number (dark band: its 95 %)"),
        line_handle(BLUE, "upper bound, no run has any", ":", 0.8),
        Patch(color=BLUE, alpha=0.15, linewidth=0, label="90 % of the runs"),
        line_handle(GREY, "drifted Wiener benchmark", WIENER_DASHES),
        window_handle(),
    )
    chart = Chart("places_beyond", "", "places", "1 January", draw, legend, _ticks(outcomes))
    named = [
        (k, f"{rung.label}{' *' if scope.startswith('all') else ''}, of {len(places)}")
        for k, (rung, scope, places) in enumerate(panels)
    ]
    footer = [
        "Rungs with fewer than 0.05 places expected beyond them are left out (places_beyond.csv holds all). * counts "
        "all units, as a mere size: for some of them the rung has no legal or practical meaning.",
        f"Official counts end on 1 January {LAST_COUNT_YEAR}. The benchmark knows only counts of residents.",
        identity,
    ]
    return draw_sheet(
        f"Places beyond each rung in '{case.name}': {outcomes.world.title['en']}", (chart,), named, footer
    )


def warning_sheet(
    outcomes: Outcomes, signs: Mapping[tuple[str, str], Sequence[WarningSign]], identity: str
) -> Figure:
    """How well each figure of each landmark foretells the crossing, a panel a place."""
    keys = list(signs)
    names = outcomes.world.names("en")
    labels = {rung.id: rung.label for rung in outcomes.rungs}

    def draw(axes: Axes, k: int) -> None:
        found = signs[keys[k]]
        years = sorted({sign.landmark for sign in found})
        order = _order(found)
        table = np.full((len(order), len(years)), math.nan)
        for sign in found:
            if sign.figure in order:
                table[order.index(sign.figure), years.index(sign.landmark)] = sign.auc
        axes.imshow(np.ma.masked_invalid(table), cmap="cividis", vmin=0.5, vmax=1.0, aspect="auto")
        for (row, column), value in np.ndenumerate(table):
            if not math.isnan(value):
                axes.text(
                    column, row, f"{value:.2f}", ha="center", va="center", fontsize=5.5,
                    color="white" if value < 0.75 else BLACK,
                )  # fmt: skip
        axes.set_xticks(range(len(years)), [str(year) for year in years])
        axes.set_yticks(range(len(order)), order, fontsize=5.5)
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)

    chart = Chart(
        "early_warning",
        "",
        "",
        "1 January on which the figure is looked at",
        draw,
        (Patch(color="none", label=""),),
    )
    shown = [
        (k, f"{short_name(names[outcomes.places.index(place)])}: {labels[rung]}")
        for k, (place, rung) in enumerate(keys)
    ]
    footer = [
        "Area under the ROC curve on held-out runs: chance that a run that will cross by the horizon shows the worse "
        "figure than one that will not. 0.5 (dark) is a coin, 1 (light) never wrong; the dummy shows what chance "
        "alone gives. Landmarks with fewer than 15 runs of either kind are left out. early_warning.csv holds the "
        "intervals and alarm levels.",
        identity,
    ]
    figure = draw_sheet(f"Early warning: {outcomes.world.title['en']}", (chart,), shown, footer)
    for axes in figure.axes:  # the long names of the figures need room left of the panels
        box = axes.get_position()
        axes.set_position((box.x0 + 0.34 * box.width, box.y0, 0.66 * box.width, box.height))
    return figure


def _order(found: Sequence[WarningSign]) -> list[str]:
    """Figures from the best on average over landmarks to the worst; all together first, the dummy last."""
    areas: dict[str, list[float]] = {}
    for sign in found:
        areas.setdefault(sign.figure, []).append(sign.auc)
    single = sorted((n for n in areas if n not in (JOINT, DUMMY)), key=lambda n: -float(np.mean(areas[n])))
    return [JOINT, *single[: MOST_FIGURES - 2], DUMMY]
