"""The printed forecast: population with intervals, migration, rungs of the extinction ladder, by place."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from experiments.intervals import Probability, Spread, per_cent, probability, spread
from experiments.readable_table import ReadableTable, print_notes
from experiments.results import Results
from model.accounts_data import LAST_COUNT_YEAR, LAST_FLOW_YEAR
from model.reference_tables import Rung, extinction_ladder
from model.world import World

MOST_PLACES_IN_DETAIL = 6
LONGEST_NAME = 36
BETWEEN = 2030
INDEX_RUNGS = (0.75, 0.50)
CENTRES = ("regional_centre", "capital")
Formatter = Callable[[float], str]
Totals = tuple[dict[int, Spread], dict[int, float]]  # of all places together: simulated and observed, by year
DETAILED_HEADINGS = ("", "median", "50 %", "90 %", "observed")
ALREADY = "already"  # below a rung at the start
PLAIN: Any = {"markup": False, "highlight": False, "soft_wrap": True}
COLUMNS_NEEDED = ("population", "net_migration", "out_migration", "out_russia")
KNOWN_LIMITS = (
    "Known limits: wages known of two towns only, six years, estimated age structure, no gross flows, no pensions",
    "or language of schooling, seasonal work only as commuting, heritage and culture not modelled.",
)


@dataclass(frozen=True)
class PlaceForecast:
    """What is printed of one place.

    Attributes:
        population: by year. observed: counts by year. net: yearly means by (first, last) year of the period.
        net_observed: implied net migration a year, 2015-2020. to_russia, to_centres: shares of all leavers.
        rungs: of the ladder, with the probability of being below on some 1 January, or None where the count
            of the start is below already. indices: the same relative to the count of the start.
    """

    name: str
    population: dict[int, Spread]
    observed: dict[int, float]
    net: dict[tuple[int, int], Spread]
    net_observed: float | None
    to_russia: Spread
    to_centres: float
    rungs: list[tuple[Rung, Probability | None]]
    indices: list[tuple[float, Probability]]


def reported_years(start: int, horizon: int) -> list[int]:
    """1 January of the last count, of 2030 and of the horizon, where they lie after the start."""
    return sorted({year for year in (LAST_COUNT_YEAR, BETWEEN, horizon) if start < year <= horizon})


def reported_periods(start: int, horizon: int) -> list[tuple[int, int]]:
    """First and last year of the observed period and of the one after it, cut at the horizon."""
    periods = [(start, min(LAST_FLOW_YEAR, horizon - 1))]
    if horizon > LAST_COUNT_YEAR:
        periods.append((LAST_COUNT_YEAR, horizon - 1))
    return periods


def crossing(population: NDArray[np.float64], threshold: float) -> Probability:
    """Probability that float64[runs, years] falls below a threshold on some 1 January after the start."""
    return probability(int((population[:, 1:] < threshold).any(axis=1).sum()), population.shape[0])


def observed_counts(world: World, place: str, years: Sequence[int]) -> dict[int, float]:
    """Official counts of 1 January where there are any."""
    series = world.accounts.series(place, "population_1jan")
    return {year: series[year] for year in years if year in series}


def place_forecasts(world: World, results: Results, scenario: int = 0) -> list[PlaceForecast]:
    """Figures of every simulated place, and of all together where there are several."""
    table = {name: values[scenario] for name, values in results.columns(COLUMNS_NEEDED).items()}
    start, horizon = int(results.years[0]), int(results.years[-1])
    moves = results.moves(results.scenarios[scenario], start, horizon - 1)
    centres = [world.ids[i] for i in range(world.n_all) if world.kind[i] in CENTRES]
    years = [start, *reported_years(start, horizon)]
    names = world.names("en")
    found = []
    for p, place in enumerate(results.places):
        population = table["population"][:, :, p]
        net, out, russia = (
            table[name][:, :-1, p] for name in ("net_migration", "out_migration", "out_russia")
        )
        leavers = sum(persons for (origin, _), persons in moves.items() if origin == place)
        to_centres = sum(
            persons for (origin, there), persons in moves.items() if origin == place and there in centres
        )
        first_count = float(world.founding_population[p])
        periods = reported_periods(start, horizon)
        first, last = periods[0]
        with np.errstate(invalid="ignore"):
            share_to_russia = russia.sum(axis=1) / out.sum(axis=1)
        found.append(
            PlaceForecast(
                name=names[p],
                population={year: spread(population[:, year - start]) for year in years},
                observed=observed_counts(world, place, years),
                net={(a, b): spread(net[:, a - start : b - start + 1].mean(axis=1)) for a, b in periods},
                net_observed=float(
                    np.mean(
                        [world.accounts.implied_net_migration(place, year) for year in range(first, last + 1)]
                    )
                ),
                to_russia=spread(share_to_russia),
                to_centres=to_centres / leavers if leavers else math.nan,
                rungs=[
                    (rung, None if first_count < rung.persons else crossing(population, rung.persons))
                    for rung in extinction_ladder()
                ],
                indices=[(level, crossing(population, level * first_count)) for level in INDEX_RUNGS],
            )
        )
    return found


def all_places(
    world: World, results: Results, scenario: int = 0
) -> tuple[dict[int, Spread], dict[int, float]]:
    """Population of all simulated places together by reported year, simulated and observed."""
    population = results.columns(["population"])["population"][scenario]
    total = np.zeros(population.shape[:2])
    for p in range(population.shape[2]):
        total += population[:, :, p]
    start, horizon = int(results.years[0]), int(results.years[-1])
    years = [start, *reported_years(start, horizon)]
    counts = [observed_counts(world, place, years) for place in results.places]
    observed = {
        year: sum(count[year] for count in counts) for year in years if all(year in c for c in counts)
    }
    return {year: spread(total[:, year - start]) for year in years}, observed


def counts_note(bound_until: int, world: World) -> tuple[str, ...]:
    """Lines that say what the runs were told of the official counts."""
    if world.villages is not None:
        return ()
    if bound_until <= world.start:
        return (
            f"Runs start from the count of {world.start} and are told no later one (bound_until={bound_until}).",
        )
    return (
        f"Runs meet the official counts of {world.start + 1}-{bound_until} (as many arrive, or leave, as they",
        "require): runs and record agree there because the model is told, not because it knew.",
        "`--structure counts=free` shows runs that are never told a count.",
    )


def print_forecast(
    console: Console, world: World, results: Results, parameters_note: str, bound_until: int
) -> None:
    """Print the forecast: a table for each of a few places, or compact ones with a row for each of many.

    Args:
        bound_until: last 1 January whose official count the runs meet.
    """
    horizon = int(results.years[-1])
    forecasts = place_forecasts(world, results)
    total = all_places(world, results) if len(forecasts) > 1 else None
    heading = f"{world.title['en']}: {results.runs} runs from 1 January {world.start} to 1 January {horizon}"
    tables = (
        detailed_tables(forecasts, total)
        if len(forecasts) <= MOST_PLACES_IN_DETAIL
        else compact_tables(forecasts, total)
    )
    notes = (
        "Intervals: central 50 and 90 % of runs. Chances: share of runs, with Wilson's 95 % interval; 'under': no",
        "run, so that the chance may be anything below; 'over': every run; 'already': below at the start.",
        "Observed net migration is implied by the official counts, births and deaths. Centres: Kazakhstan's.",
        *counts_note(bound_until, world),
        *KNOWN_LIMITS,
    )
    console.print(heading, style="bold", **PLAIN)
    console.print(f"Parameters: {parameters_note}", **PLAIN)
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    print_notes(console, notes)


def new_table(title: str, headings: Sequence[str]) -> ReadableTable:
    """An empty table in the style of the printed results: first column to the left, numbers to the right."""
    table = ReadableTable(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,  # the tables of four towns then fit into a terminal of 80 columns
    )
    for k, heading in enumerate(headings):
        table.add_column(
            heading, justify="right" if k else "left", no_wrap=k == 0, overflow="fold" if k else "ellipsis"
        )
    return table


def detailed_tables(forecasts: Sequence[PlaceForecast], total: Totals | None) -> list[Table]:
    """All figures, a table a place, and the population of all together."""
    tables = [_detailed_table(forecast) for forecast in forecasts]
    if total is not None:
        together = new_table("All together", DETAILED_HEADINGS)
        _add_population(together, *total)
        tables.append(together)
    return tables


def _detailed_table(forecast: PlaceForecast) -> Table:
    start, horizon = min(forecast.population), max(forecast.population)
    table = new_table(forecast.name, DETAILED_HEADINGS)
    _add_population(table, forecast.population, forecast.observed)
    for (first, last), figure in forecast.net.items():
        observed = forecast.net_observed if last <= LAST_FLOW_YEAR else None
        table.add_row(
            f"Net migration/year {first}-{last}",
            *_signed_cells(figure),
            "" if observed is None else _signed(observed),
        )
    table.add_row("Leavers to Russia, %", *_cells(forecast.to_russia, per_cent))
    table.add_row("Leavers to centres, %", _known(forecast.to_centres, per_cent))
    table.add_row(f"Chance to fall below, by {horizon}")
    for rung, chance in forecast.rungs:
        label = f"{_whole(rung.persons):>8} {rung.id.replace('_', ' ')}"
        table.add_row(label, *(_chance_cells(chance) if chance else (ALREADY,)))
    for level, chance in forecast.indices:
        table.add_row(f"{100 * level:>6.0f} % of the count of {start}", *_chance_cells(chance))
    return table


def _chance_cells(chance: Probability) -> tuple[str, ...]:
    """The probability in the column of the median, its interval in that of the 90 %."""
    if 0 < chance.events < chance.runs:
        return f"{per_cent(chance.share)} %", "", f"{_range((chance.low, chance.high), per_cent)} %"
    return (str(chance),)


def _add_population(table: Table, population: dict[int, Spread], observed: dict[int, float]) -> None:
    for k, (year, figure) in enumerate(population.items()):
        count = _whole(observed[year]) if year in observed else ""
        cells = _cells(figure, _whole) if k else ("", "", "")
        table.add_row(f"Population 1 January {year}", *cells, count)


def compact_tables(forecasts: Sequence[PlaceForecast], total: Totals | None) -> list[Table]:
    """Population, migration and crossings with a row a place, for worlds of many places."""
    years = list(forecasts[0].population)
    observed = [year for year in years if year <= LAST_COUNT_YEAR]
    future = [year for year in years if year > LAST_COUNT_YEAR]
    tables = [
        _population_table(
            "Population on 1 January: observed, and median with intervals of the runs",
            forecasts,
            total,
            observed,
        )
    ]
    if future:
        tables.append(
            _population_table(
                "Population on 1 January: median with intervals of the runs", forecasts, total, future
            )
        )
    return [*tables, _migration_table(forecasts), _crossing_table(forecasts, years[-1])]


def _population_table(
    title: str, forecasts: Sequence[PlaceForecast], total: Totals | None, years: Sequence[int]
) -> Table:
    start = min(forecasts[0].population)
    headings = ["Place"]
    for year in years:
        headings += [f"{year} observed"] if year in forecasts[0].observed else []
        headings += [f"{year}", "50 %", "90 %"] if year > start else []
    table = new_table(title, headings)
    rows = [(short_name(forecast.name), forecast.population, forecast.observed) for forecast in forecasts]
    for name, population, counts in rows + ([("All together", *total)] if total else []):
        cells: list[str] = []
        for year in years:
            cells += [_whole(counts[year])] if year in counts else []
            cells += _cells(population[year], _whole) if year > start else []
        table.add_row(name, *cells)
    return table


def _migration_table(forecasts: Sequence[PlaceForecast]) -> Table:
    headings = ["Place"]
    for first, last in forecasts[0].net:
        headings += ["observed"] if last <= LAST_FLOW_YEAR else []
        headings += [f"{first}-{last}", "90 %"]
    table = new_table("Net migration a year; where leavers go, %", [*headings, "Russia", "90 %", "centres"])
    for forecast in forecasts:
        cells: list[str] = []
        for (_, last), figure in forecast.net.items():
            if last <= LAST_FLOW_YEAR and forecast.net_observed is not None:
                cells.append(_signed(forecast.net_observed))
            median, _, most = _signed_cells(figure)
            cells += [median, most]
        median, _, most = _cells(forecast.to_russia, per_cent)
        table.add_row(short_name(forecast.name), *cells, median, most, _known(forecast.to_centres, per_cent))
    return table


def _crossing_table(forecasts: Sequence[PlaceForecast], horizon: int) -> Table:
    start = min(forecasts[0].population)
    rungs = [_whole(rung.persons) for rung, _ in forecasts[0].rungs]
    indices = [f"{100 * level:.0f} % of {start}" for level, _ in forecasts[0].indices]
    table = new_table(
        f"Chance to fall below a rung of the extinction ladder by {horizon}, %", ["Place", *rungs, *indices]
    )
    for forecast in forecasts:
        chances = [chance for _, chance in forecast.rungs] + [chance for _, chance in forecast.indices]
        table.add_row(
            short_name(forecast.name), *(_short(chance) if chance else ALREADY for chance in chances)
        )
    return table


def _short(chance: Probability) -> str:
    if chance.events == 0:
        return f"<{per_cent(chance.high)}"
    if chance.events == chance.runs:
        return f">{per_cent(chance.low)}"
    return f"{per_cent(chance.share)} ({_range((chance.low, chance.high), per_cent)})"


def short_name(name: str) -> str:
    """A place's name, cut where a table has no room."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip(" ,") + "…"


def _cells(figure: Spread, text: Formatter) -> tuple[str, str, str]:
    if math.isnan(figure.median):
        return "none", "", ""
    return text(figure.median), _range(figure.half, text), _range(figure.most, text)


def _signed_cells(figure: Spread) -> tuple[str, str, str]:
    half, most = (" to ".join(_signed(end) for end in interval) for interval in (figure.half, figure.most))
    return _signed(figure.median), half, most


def _range(interval: tuple[float, float], text: Formatter) -> str:
    return f"{text(interval[0])}-{text(interval[1])}"


def _known(value: float, text: Formatter) -> str:
    return "none" if math.isnan(value) else text(value)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _signed(value: float) -> str:
    return f"{value:+.0f}" if abs(value) >= 0.5 else "0"
