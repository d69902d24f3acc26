"""Figures of the rating: heat map of settlements and blocks, ranks over years, class probabilities, the region's map."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, MaxNLocator, StrMethodFormatter

from calibration.rating import Rating
from calibration.rating_index import integral_index
from calibration.rating_system import BLOCKS, CLASSES, LABEL, Floats
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
    YELLOW,
    LineStyle,
    line_handle,
    mark_window,
    save_sheet,
    style,
    window_handle,
)
from experiments.rate_tables import title_of
from model.problems import WorldError
from model.world import World

PALETTE = "cividis"
CLASS_COLOURS = (GREEN, YELLOW, VERMILLION)
LINES: tuple[tuple[str, LineStyle], ...] = tuple(
    (colour, dashes)
    for dashes in ("-", "--", ":")
    for colour in (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, BLACK)
)
MOST_SCENARIOS = 10
RANK_DRAWS = 200


def draw_rating_figures(
    folder: Path,
    world: World,
    world_source: str,
    observed: Rating | None,
    simulated: Mapping[str, Rating],
    seed: int,
    identity: str,
) -> list[Path]:
    """Draw all figures of a rating into ``folder/figures`` as PNG and SVG.

    Args:
        observed: of the official basis. simulated: by scenario, the baseline first; may be empty.
        identity: what names the runs, for the footers.
    """
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    names = dict(zip(world.ids, world.names("en"), strict=True))
    first = next(iter(simulated.items()), None)
    shown = [("official and paper", observed)] if observed is not None else []
    shown += [(f"simulated, {first[0]}", first[1])] if first is not None else []
    written: list[Path] = []
    with mpl.rc_context(style()):
        written += save_sheet(_heat_map(shown, names, world, identity), target, "rating_blocks")
        ranked = [(name, rating) for name, rating in shown if len(rating.figures.places) > 1]
        if ranked:
            written += save_sheet(_bump_chart(ranked, names, world, seed, identity), target, "rating_ranks")
        if first is not None:
            written += save_sheet(
                _class_chart(first[0], first[1], names, world, identity), target, "rating_classes"
            )
        if len(simulated) > 1:
            written += save_sheet(
                _policy_chart(simulated, names, world, identity), target, "rating_policies"
            )
        try:
            figure = _map(shown, names, world, world_source, identity)
        except WorldError:
            figure = None
        if figure is not None:
            written += save_sheet(figure, target, "rating_map")
    return written


def _footer(figure: Figure, width: float, height: float, lines: Sequence[str]) -> None:
    figure.text(
        0.12 / width, 0.1 / height, "\n".join(lines), fontsize=6.5, color=GREY, va="bottom", linespacing=1.3
    )


def _wrapped(width: float, *texts: str) -> list[str]:
    return [row for text in texts if text for row in textwrap.wrap(text, int(width * 20))]


def _heat_map(
    shown: Sequence[tuple[str, Rating]], names: Mapping[str, str], world: World, identity: str
) -> Figure:
    """Settlements by blocks in the last year of each rating: index of a block, and how much of it is known."""
    rows = len(shown[0][1].figures.places)
    columns = len(BLOCKS) + 1
    cell_width, cell_height = 0.92, 0.34 if rows > 6 else 0.42
    left, gap = 1.95, 0.35
    width = left + len(shown) * columns * cell_width + (len(shown) - 1) * gap + 0.3
    lines = _wrapped(
        width,
        f"{LABEL} Index of the known indicators of a block, 0 the worst and 1 the best end of fixed reference bands;"
        " in small type how many of the block's indicators are known; hatched: none is known. The whole is the"
        f" integral index ({shown[0][1].weights.scheme} weights); below it the 90 % range when the missing"
        " indicators, weights and runs are drawn. Settlements in the order of the whole.",
        identity,
    )
    height = 1.15 + rows * cell_height + 0.75 + 0.14 * len(lines)
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(
        0.12 / width,
        1 - 0.12 / height,
        f"Settlement rating by blocks: {world.title['en']}",
        fontsize=12,
        fontweight="bold",
        va="top",
    )
    norm, palette = Normalize(0.0, 1.0), mpl.colormaps[PALETTE]
    order = _by_index(shown[0][1])
    for k, (heading, rating) in enumerate(shown):
        x = left + k * (columns * cell_width + gap)
        axes = figure.add_axes(
            (
                x / width,
                1 - (1.0 + rows * cell_height) / height,
                columns * cell_width / width,
                rows * cell_height / height,
            )
        )
        axes.set_xlim(0, columns)
        axes.set_ylim(rows, 0)
        known = rating.figures.known()[-1]
        for row, p in enumerate(order):
            for column in range(columns):
                _cell(axes, rating, known[p], int(p), row, column, norm, palette)
        axes.set_xticks(np.arange(columns) + 0.5, [*(block for block in BLOCKS), "whole"], fontsize=7.5)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        labels = [names[rating.figures.places[p]] for p in order] if k == 0 else [""] * rows
        axes.set_yticks(np.arange(rows) + 0.5, labels, fontsize=7.5)
        axes.axvline(len(BLOCKS), color="white", linewidth=3)
        axes.spines[:].set_visible(False)
        figure.text(
            x / width,
            1 - 0.55 / height,
            f"{rating.figures.years[-1]}, {heading}",
            fontsize=9,
            fontweight="bold",
            va="center",
        )
    bar = figure.add_axes((left / width, (0.3 + 0.14 * len(lines)) / height, 2.4 / width, 0.11 / height))
    figure.colorbar(ScalarMappable(norm, palette), cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=6.5, length=2)
    bar.set_title("index", fontsize=7, loc="left", pad=2)
    _footer(figure, width, height, lines)
    return figure


def _by_index(rating: Rating) -> Floats:
    level = rating.index[1, -1]
    return np.argsort(-np.where(np.isnan(level), -1.0, level), kind="stable")


def _cell(
    axes: Axes,
    rating: Rating,
    known: Floats,
    p: int,
    row: int,
    column: int,
    norm: Normalize,
    palette: mpl.colors.Colormap,
) -> None:
    whole = column == len(BLOCKS)
    value = float(rating.index[1, -1, p] if whole else rating.blocks[-1, p, column])
    box = {"width": 0.97, "height": 0.94, "linewidth": 0}
    if np.isnan(value):
        axes.add_patch(
            Rectangle((column + 0.015, row + 0.03), **box, facecolor="#eeeeee", hatch="////", edgecolor="#c4c4c4")
        )
        return
    axes.add_patch(Rectangle((column + 0.015, row + 0.03), **box, facecolor=palette(norm(value))))
    ink = "white" if value < 0.55 else BLACK
    axes.text(column + 0.5, row + 0.40, f"{value:.2f}", ha="center", va="center", fontsize=8, color=ink)
    if whole:
        low, high = rating.probabilities.index[[0, 4], -1, p]
        note = f"{low:.2f}-{high:.2f}"
    else:
        members = rating.system.of_block(column)
        note = f"{int(known[members].sum())} of {members.size}"
    axes.text(column + 0.5, row + 0.77, note, ha="center", va="center", fontsize=5.6, color=ink)


def rank_draws(rating: Rating, seed: int, draws: int = RANK_DRAWS) -> Floats:
    """Ranks float64[draws, years, places], 1 the highest index, over runs and drawn weights.

    Settlements are ranked on the indicators known of all of them in that year.
    """
    system = rating.system
    scores = system.scores(rating.figures.values)
    common = ~np.isnan(scores).any(axis=(0, 2))  # [years, indicators]
    scores = np.where(common[None, :, None, :], scores, np.nan)
    ranks = np.empty((draws, *scores.shape[1:3]))
    for d in range(draws):
        weights = rating.weights.drawn(system, np.random.default_rng([seed, d]))
        index = integral_index(scores[d % scores.shape[0]], weights, system)
        ranks[d] = np.argsort(np.argsort(-index, axis=1, kind="stable"), axis=1) + 1
    return ranks


def _bump_chart(
    shown: Sequence[tuple[str, Rating]], names: Mapping[str, str], world: World, seed: int, identity: str
) -> Figure:
    """Ranks over the years, with the 90 % range over runs and weights in the last year."""
    places = shown[0][1].figures.places
    panel_height = max(2.2, 0.24 * len(places))
    widths = [2.6 if len(rating.figures.years) < 10 else 4.6 for _, rating in shown]
    left, gap, right = 0.6, 1.9, 2.0
    width = left + sum(widths) + gap * (len(shown) - 1) + right
    lines = _wrapped(
        width,
        f"{LABEL} Ranks of settlements by the integral index on the indicators known of all of them (line: mean rank"
        f" over {RANK_DRAWS} draws of runs and weights, numbers: the 90 % of the draws in the last year shown).",
        identity,
    )
    height = 0.95 + panel_height + 0.6 + 0.14 * len(lines)
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(
        0.12 / width,
        1 - 0.12 / height,
        f"Ranks over the years: {world.title['en']}",
        fontsize=12,
        fontweight="bold",
        va="top",
    )
    start = left
    for k, (heading, rating) in enumerate(shown):
        axes = figure.add_axes(
            (
                start / width,
                1 - (0.85 + panel_height) / height,
                widths[k] / width,
                panel_height / height,
            )
        )
        start += widths[k] + gap
        ranks = rank_draws(rating, seed)
        mean = ranks.mean(axis=0)
        low, high = np.quantile(ranks[:, -1], (0.05, 0.95), axis=0, method="nearest")
        years = np.array(rating.figures.years)
        ends = np.argsort(np.argsort(mean[-1], kind="stable")) + 1
        for p, place in enumerate(places):
            colour, dashes = LINES[p % len(LINES)]
            axes.plot(years, mean[:, p], color=colour, linestyle=dashes, linewidth=1.6)
            axes.plot(years[-1], mean[-1, p], marker="o", markersize=3.5, color=colour)
            axes.annotate(
                f"{names[place]} ({low[p]:.0f}-{high[p]:.0f})",
                (years[-1], mean[-1, p]),
                (years[-1] + 0.06 * (years[-1] - years[0]), float(ends[p])),
                fontsize=6.6,
                va="center",
                color=colour,
                annotation_clip=False,
                arrowprops={"arrowstyle": "-", "color": PALE, "linewidth": 0.5},
            )
        axes.set_ylim(len(places) + 0.5, 0.5)
        axes.set_xlim(years[0], years[-1])
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=min(len(places), 9)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6 if len(years) > 10 else 5))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(length=2.5, width=0.6, labelsize=7)
        axes.set_title(heading, loc="left", fontsize=9, fontweight="bold", pad=6)
        axes.set_xlabel("year", fontsize=7.5)
        axes.set_ylabel("rank (1 the best)" if k == 0 else "", fontsize=7.5)
    _footer(figure, width, height, lines)
    return figure


def _grid(number: int) -> tuple[int, int, float, float]:
    """Rows, columns, width and height of panels."""
    columns = 2 if number <= 4 else 3 if number <= 9 else 6
    columns = min(columns, number)
    size = (4.0, 1.9) if columns <= 2 else (2.7, 1.6) if columns == 3 else (1.75, 1.3)
    return -(-number // columns), columns, *size


def _panels(
    title: str, number: int, lines_of: Sequence[str], legend: Sequence[object], legend_rows: int
) -> tuple[Figure, list[Axes]]:
    rows, columns, panel_width, panel_height = _grid(number)
    gap_x, gap_y, left = 0.45, 0.5, 0.55
    width = left + columns * panel_width + (columns - 1) * gap_x + 0.2
    lines = _wrapped(width, *lines_of)
    header = 0.75 + 0.17 * legend_rows
    below = 0.5 + 0.14 * len(lines)
    height = header + rows * panel_height + (rows - 1) * gap_y + below
    figure = Figure(figsize=(width, height), facecolor="white")
    figure.text(0.12 / width, 1 - 0.12 / height, title, fontsize=12, fontweight="bold", va="top")
    figure.legend(
        handles=list(legend),  # type: ignore[arg-type]
        loc="upper left",
        bbox_to_anchor=(0.1 / width, 1 - 0.36 / height),
        ncols=-(-len(legend) // legend_rows),
        frameon=False,
        fontsize=7,
        borderaxespad=0,
    )
    drawn = []
    for cell in range(number):
        row, column = divmod(cell, columns)
        axes = figure.add_axes(
            (
                (left + column * (panel_width + gap_x)) / width,
                1 - (header + row * (panel_height + gap_y) + panel_height) / height,
                panel_width / width,
                panel_height / height,
            )
        )
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(length=2.5, width=0.6, labelsize=6.5)
        axes.set_ylim(0, 100)
        axes.yaxis.set_major_locator(FixedLocator((0, 25, 50, 75, 100)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        if column == 0:
            axes.set_ylabel("share of draws, %", fontsize=6.5)
        drawn.append(axes)
    _footer(figure, width, height, lines)
    return figure, drawn


def _class_chart(
    scenario: str, rating: Rating, names: Mapping[str, str], world: World, identity: str
) -> Figure:
    """Class probabilities by year, stacked, with the range over missing indicators of extinction and development."""
    figures, found = rating.figures, rating.probabilities
    years = np.array(figures.years, dtype=np.float64)
    legend = [
        *(Patch(facecolor=colour, label=name) for colour, name in zip(CLASS_COLOURS, CLASSES, strict=True)),
        line_handle(BLACK, "largest share whatever the missing indicators: extinction", "--", 1.0),
        line_handle(BLACK, "development (from the top)", ":", 1.0),
        window_handle(),
    ]
    lines = (
        f"{LABEL} Shares of {found.draws:,} draws over {figures.values.shape[0]} runs, weights, thresholds and missing"
        " indicators. Lines: the largest share of extinction (dashed, from below) and of development (dotted, from"
        " above) when all unknown indicators stand at one level from worst to best and drift together. Pale years:"
        " fewer than half of the indicators known, no class may be named.",
        identity,
    )
    figure, panels = _panels(
        f"Class probabilities, {scenario}: {world.title['en']}", len(figures.places), lines, legend, 2
    )
    for p, axes in enumerate(panels):
        share = 100.0 * found.share[:, p]
        rated = ~np.isnan(share[:, 0])
        x = years[rated]
        lowest = share[rated, 2]
        top = 100.0 - share[rated, 0]
        alpha = 0.85 if found.printable[:, p][rated].any() else 0.3
        axes.fill_between(x, 0, lowest, color=CLASS_COLOURS[2], alpha=alpha, linewidth=0)
        axes.fill_between(x, lowest, top, color=CLASS_COLOURS[1], alpha=alpha, linewidth=0)
        axes.fill_between(x, top, 100, color=CLASS_COLOURS[0], alpha=alpha, linewidth=0)
        axes.plot(x, 100 * found.high[rated, p, 2], color=BLACK, linestyle="--", linewidth=0.9)
        axes.plot(x, 100 - 100 * found.high[rated, p, 0], color=BLACK, linestyle=":", linewidth=1.1)
        axes.set_xlim(years[0], years[-1])
        mark_window(axes)
        axes.set_title(
            names[figures.places[p]],
            loc="left",
            fontsize=min(8.5, 100 / len(names[figures.places[p]]) * 2.2),
            fontweight="bold",
            pad=3,
        )
    return figure


def _policy_chart(
    simulated: Mapping[str, Rating], names: Mapping[str, str], world: World, identity: str
) -> Figure:
    """Probability of extinction by year under each policy, on the same runs and draws."""
    shown = list(simulated.items())[:MOST_SCENARIOS]
    first = shown[0][1]
    legend = [
        line_handle(colour, title_of(name), dashes)
        for (name, _), (colour, dashes) in zip(shown, LINES, strict=False)
    ]
    left_out = len(simulated) - len(shown)
    lines = (
        f"{LABEL} Share of {first.probabilities.draws:,} draws in the class 'extinction', the same runs, weights,"
        " thresholds and missing scores under every policy; pale band: 95 % (Wilson, runs) of the first one."
        + (f" {left_out} further scenarios are in rating.csv." if left_out else ""),
        identity,
    )
    rows = -(-len(shown) // 5)
    figure, panels = _panels(
        f"Chance of the class 'extinction': {world.title['en']}", len(first.figures.places), lines, legend, rows
    )
    from experiments.rate_files import chance_of

    for p, axes in enumerate(panels):
        top = 1.0
        for k, (_, rating) in enumerate(shown):
            share = 100.0 * rating.probabilities.share[:, p, 2]
            years = np.array(rating.figures.years, dtype=np.float64)
            rated = ~np.isnan(share)
            colour, dashes = LINES[k]
            axes.plot(years[rated], share[rated], color=colour, linestyle=dashes, linewidth=1.3)
            top = max(top, float(np.nanmax(share)))
            if k == 0:
                ends = np.array([chance_of(rating, int(t), p, 2) for t in np.flatnonzero(rated)])
                axes.fill_between(
                    years[rated], 100 * ends[:, 0], 100 * ends[:, 1], color=colour, alpha=0.15, linewidth=0
                )
                top = max(top, float(100 * ends[:, 1].max()))
        axes.set_ylim(0, 1.05 * top)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        mark_window(axes)
        place = first.figures.places[p]
        axes.set_title(
            names[place], loc="left", fontsize=min(8.5, 220 / len(names[place])), fontweight="bold", pad=3
        )
    return figure


def _map(
    shown: Sequence[tuple[str, Rating]],
    names: Mapping[str, str],
    world: World,
    world_source: str,
    identity: str,
) -> Figure | None:
    """All rated units on the map: colour by index, a full symbol only where a class may be named."""
    from experiments.region_map import MapPlace, draw_map_figure, map_places, on_base_map

    people = {place: float(world.founding_population[p]) for p, place in enumerate(world.ids[: world.n_sim])}
    panels: list[tuple[str, Sequence[MapPlace]]] = []
    for heading, rating in shown:
        found, places = rating.probabilities, rating.figures.places
        year = rating.figures.years[-1]
        drawn = map_places(
            world_source,
            places,
            names,
            people,
            {place: float(rating.index[1, -1, p]) for p, place in enumerate(places)},
            {place: _map_label(rating, p) for p, place in enumerate(places)},
            {place: bool(found.printable[-1, p]) for p, place in enumerate(places)},
        )
        panels.append((f"{year}, {heading}", drawn))
    if not on_base_map(panels[0][1]):
        return None
    around = map_places(world_source, world.ids[world.n_sim :], names, {}, {})
    cities = [one for one in around if one.kind != "rural_district"]
    footer = (
        f"{LABEL} Colour: integral index from the known indicators; below a name the index, and either the likeliest"
        " class with its share of the draws or how many indicators are known. Size: people of the start.",
        identity,
    )
    return draw_map_figure(
        f"Settlement rating: {world.title['en']}", panels, "integral index", (0.0, 1.0), footer, cities, PALETTE
    )


def _map_label(rating: Rating, p: int) -> str:
    level = float(rating.index[1, -1, p])
    if np.isnan(level):
        return "nothing known"
    found = rating.probabilities
    name = found.likeliest(len(rating.figures.years) - 1, p)
    known = round(float(found.coverage[-1, p]) * len(rating.system.ids))
    if name is None:
        return f"{level:.2f}, {known} of {len(rating.system.ids)} known"
    return f"{level:.2f}, {name} {100 * float(found.share[-1, p, CLASSES.index(name)]):.0f} %"
