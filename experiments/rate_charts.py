"""Figures of the rating: heat map of settlements and blocks, ranks over years, the region's map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from calibration.rating import Rating
from calibration.rating_index import integral_index
from calibration.rating_system import BLOCKS, CLASSES, LABEL, Floats
from experiments.figure_sheets import (
    BLACK,
    PALE,
    save_sheet,
    style,
)
from experiments.forecast_tables import short_name
from experiments.rate_class_charts import LINES, class_chart, footer_text, policy_chart, wrapped
from model.problems import WorldError
from model.world import World

PALETTE = "viridis"
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
                class_chart(first[0], first[1], names, world, identity), target, "rating_classes"
            )
        if len(simulated) > 1:
            for k in (0, 2):
                figure = policy_chart(k, simulated, names, world, identity)
                written += save_sheet(figure, target, f"rating_policies_{CLASSES[k]}")
        try:
            drawn = _map(shown, names, world, world_source, identity)
        except WorldError:
            drawn = None
        if drawn is not None:
            written += save_sheet(drawn, target, "rating_map")
    return written


def _heat_map(
    shown: Sequence[tuple[str, Rating]], names: Mapping[str, str], world: World, identity: str
) -> Figure:
    """Settlements by blocks in the last year of each rating: index of a block, and how much of it is known."""
    rows = len(shown[0][1].figures.places)
    columns = len(BLOCKS) + 1
    cell_width, cell_height = 0.92, 0.34 if rows > 6 else 0.42
    left, gap = 1.95, 0.35
    width = left + len(shown) * columns * cell_width + (len(shown) - 1) * gap + 0.3
    lines = wrapped(
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
                _cell(axes, rating, known[p], p, row, column, norm, palette)
        axes.set_xticks(np.arange(columns) + 0.5, [*(block for block in BLOCKS), "whole"], fontsize=7.5)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        labels = [short_name(names[rating.figures.places[p]]) for p in order] if k == 0 else [""] * rows
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
    footer_text(figure, width, height, lines)
    return figure


def _by_index(rating: Rating) -> list[int]:
    level = rating.index[1, -1]
    return [int(p) for p in np.argsort(-np.where(np.isnan(level), -1.0, level), kind="stable")]


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
    corner, size = (column + 0.015, row + 0.03), (0.97, 0.94)
    if np.isnan(value):
        axes.add_patch(
            Rectangle(corner, *size, linewidth=0, facecolor="#eeeeee", hatch="////", edgecolor="#c4c4c4")
        )
        return
    axes.add_patch(Rectangle(corner, *size, linewidth=0, facecolor=palette(norm(value))))
    ink = "white" if value < 0.6 else BLACK
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
    lines = wrapped(
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
                f"{short_name(names[place])} ({low[p]:.0f}-{high[p]:.0f})",
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
    footer_text(figure, width, height, lines)
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
        f"Settlement rating: {world.title['en']}",
        panels,
        "integral index",
        (0.0, 1.0),
        footer,
        cities,
        PALETTE,
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
