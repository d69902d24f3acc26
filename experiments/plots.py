"""All figures of a forecast, drawn from its results folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from experiments.account_charts import flow_chart, gross_chart, natural_chart, net_chart
from experiments.figure_sheets import Chart, draw_sheet, save_sheet, style
from experiments.forecast_summaries import ForecastSummary, summarise
from experiments.labour_charts import commuter_chart, jobs_chart, unemployment_chart
from experiments.population_charts import index_chart, population_chart, pyramid_chart
from experiments.structures import last_count_met
from model.world import World

MOST_PANELS = 24
MOST_ROWS = 4
SOURCE_NAMES = {
    "population_1jan": "counts",
    "births": "births",
    "deaths": "deaths",
    "labour_force": "labour force",
}
BUREAU = "Bureau of National Statistics of Kazakhstan, number of the indicator"
KIND_ORDER = ("regional_centre", "capital", "town", "rural_district", "russia")


def draw_forecast_figures(folder: Path, world: World) -> list[Path]:
    """Draw the figures of the forecast in ``folder`` into ``folder/figures``, each as PNG and SVG.

    A world of at most four places gets a sheet per subject, with a row for each place where a subject needs
    several panels; a larger world gets a sheet per panel and shows its places in a grid, centres first, then
    towns, then rural districts, the largest first, at most 24 of them.

    Returns:
        The paths of the files, in the order of drawing.

    Raises:
        FileNotFoundError: the folder holds no complete part of a forecast.
        ValueError: the results belong to another world.
        OSError: the figures cannot be written.
    """
    summary = summarise(folder, world)
    target = folder / "figures"
    target.mkdir(parents=True, exist_ok=True)
    places = _order(world)
    with mpl.rc_context(style()):
        written = []
        for name, title, charts in _sheets(summary, world, len(places)):
            footer = _footer(summary, world, places, charts)
            figure = draw_sheet(f"{title}: {world.title['en']}", charts, places, footer)
            written += save_sheet(figure, target, name)
    return written


def _sheets(
    summary: ForecastSummary, world: World, n_places: int
) -> list[tuple[str, str, tuple[Chart, ...]]]:
    """Return name, title and charts of each sheet."""
    wide = n_places <= MOST_ROWS
    ticks = 8 if wide else 4
    population = population_chart(summary, world, ticks)
    index = index_chart(summary, world, ticks)
    flows, pyramids = flow_chart(summary), pyramid_chart(summary, world)
    labour = (
        jobs_chart(summary, world, 5),
        unemployment_chart(summary, world, 5),
        commuter_chart(summary, 5),
    )
    accounts = (
        natural_chart(summary, world, 5),
        gross_chart(summary, 5),
        net_chart(summary, world, 5),
    )
    alone: list[tuple[str, str, tuple[Chart, ...]]]
    alone = [(chart.name, chart.title, (chart,)) for chart in (population, index, flows, pyramids)]
    if wide:
        return [
            *alone,
            ("labour", "Jobs and unemployment", labour),
            ("accounts", "Population accounts", accounts),
        ]
    return alone + [(chart.name, chart.title, (chart,)) for chart in (*labour, *accounts)]


def _order(world: World) -> list[tuple[int, str]]:
    """Return index and name of the places to show: by kind, the largest first; of many, the largest only."""
    names = world.names("en")
    largest = sorted(range(world.n_sim), key=lambda place: -world.founding_population[place])[:MOST_PANELS]
    largest.sort(key=lambda place: (KIND_ORDER.index(world.kind[place]), -world.founding_population[place]))
    return [(place, names[place]) for place in largest]


def _footer(
    summary: ForecastSummary, world: World, places: Sequence[tuple[int, str]], charts: Sequence[Chart]
) -> list[str]:
    """Return what every figure says below its panels: intervals, notes, sources, identity of the runs."""
    lines = [chart.note for chart in charts if chart.note]
    if any(chart.intervals for chart in charts):
        lines.insert(
            0,
            f"Intervals over {summary.n_runs} runs that differ in chance and in parameters: dark band the"
            " middle 50 %, pale band or thin lines the middle 90 %, line the median.",
        )
    until = last_count_met(summary.manifest.get("design", {}).get("set", {}), int(summary.years[-1]))
    if until > world.start and world.villages is None:
        lines.append(
            f"Runs meet the official counts of 1 January {world.start + 1}-{until}: there net migration is the"
            " counts' and not the model's."
        )
    if sources := _sources(world, places, charts):
        lines.append(f"Observed figures: {sources}.")
    if len(places) < world.n_sim:
        lines.append(f"Shown are the {len(places)} largest of {world.n_sim} places; summary.csv holds all.")
    return [*lines, _identity(summary, world)]


def _identity(summary: ForecastSummary, world: World) -> str:
    """Return what names the runs: world, scenario, parameters, seed and the identity of the design."""
    manifest = summary.manifest
    design = manifest.get("design", {})
    parts = [f"World {world.name}", f"scenario {summary.scenario}", f"{summary.n_runs} runs"]
    if note := manifest.get("parameters", {}).get("note"):
        parts.append(f"parameters: {note}")
    if "seed" in design:
        parts.append(f"seed {design['seed']}")
    if fixed := design.get("set"):
        parts.append("set " + " ".join(f"{name}={value:g}" for name, value in fixed.items()))
    if "identity" in manifest:
        parts.append(f"identity {manifest['identity']}")
    return "; ".join(parts) + "."


def _sources(world: World, places: Sequence[tuple[int, str]], charts: Sequence[Chart]) -> str:
    """Return the sources of the official figures drawn, each variable's most used one first."""
    texts = []
    for variable in dict.fromkeys(name for chart in charts for name in chart.sources):
        used = Counter(
            point.source
            for place, _ in places
            for point in world.accounts.table.get((world.ids[place], variable), {}).values()
        )
        if used:
            texts.append(f"{SOURCE_NAMES[variable]}: {' and '.join(name for name, _ in used.most_common(2))}")
    bureau = f" (BNS: {BUREAU})" if any("BNS" in text for text in texts) else ""
    return "; ".join(texts) + bureau
