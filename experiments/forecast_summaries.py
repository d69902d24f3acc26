"""What the figures need from a folder of forecast results: quantiles over runs and mean flows, as arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from model.accounts_data import LAST_COUNT_YEAR
from model.world import World

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BASELINE = "baseline"
EARLIEST_OBSERVED = 2009
STOCKS = ("population", "share_65")
FLOWS = (
    "births",
    "deaths",
    "in_migration",
    "out_migration",
    "net_migration",
    "jobs",
    "employed",
    "labour_force",
    "commuters",
    "unemployment_rate",
    "hidden_unemployment_rate",
)
SEXES = ("M", "F")
AGE_GROUPS = 18
OLDEST = 5 * (AGE_GROUPS - 1)
PRINCIPAL_CENTRE = "petropavlovsk"


@dataclass(frozen=True)
class ForecastSummary:
    """One scenario of a results folder, summed up over its runs.

    Attributes (Q = 5 quantiles of QUANTILES, T = years, S = simulated places, G = groups of places):
        scenario, n_runs: the scenario and the number of its runs (draw x replicate) found in the folder.
        manifest: the folder's manifest.
        first_observed: first year with an official count of any simulated place, 2009 at the earliest.
        years: [T] the states are dated 1 January of these years; flows belong to the years [T - 1] between.
        bands: by column, [Q, T, S]; the last year of flows is NaN.
        index_year: the year in which the index is 100 in every run.
        index: [Q, T, S] population of a run as percent of its own population in ``index_year``.
        groups: names of the groups of origins and destinations.
        leavers, arrivals: [G, T - 1, S] persons a year, means over the runs, by destination and by origin.
        pyramid_years: the first and the last year with pyramids.
        pyramids: [Q, 2 years, S, 2 sexes, 18 age groups] persons; men first, ages 0-4 to 85 and over.
    """

    scenario: str
    n_runs: int
    manifest: dict[str, Any]
    first_observed: int
    years: Integers
    bands: dict[str, Floats]
    index_year: int
    index: Floats
    groups: tuple[str, ...]
    leavers: Floats
    arrivals: Floats
    pyramid_years: tuple[int, int]
    pyramids: Floats

    @property
    def mid_years(self) -> Floats:
        """The middles of the years [T - 1], where figures of a whole year are drawn."""
        return self.years[:-1].astype(np.float64) + 0.5

    def stock(self, name: str, place: int) -> Floats:
        """Quantiles [Q, T] of what holds on each 1 January."""
        return self.bands[name][:, :, place]

    def flow(self, name: str, place: int) -> Floats:
        """Quantiles [Q, T - 1] of what happens during, or is the mean of, each year."""
        return self.bands[name][:, :-1, place]


def official(world: World, place: int, variable: str) -> dict[int, float]:
    """Return a series of the official accounts from 2009 on; empty where there is none."""
    if (world.ids[place], variable) not in world.accounts.table:
        return {}
    series = world.accounts.series(world.ids[place], variable)
    return {year: value for year, value in series.items() if year >= EARLIEST_OBSERVED}


def summarise(folder: Path, world: World) -> ForecastSummary:
    """Read the results of a folder.

    Where a folder holds several scenarios, the one named "baseline" is read, or else the first by name.

    Raises:
        FileNotFoundError: the folder has no complete part, or a part lacks one of its tables.
        ValueError: the results are not those of ``world``.
    """
    places = world.ids[: world.n_sim]
    with duckdb.connect() as database:
        table = _table(folder, "parts")
        found = database.execute(
            f"SELECT scenario, count(*) FROM (SELECT DISTINCT scenario, draw, replicate FROM {table})"
            " GROUP BY ALL ORDER BY scenario"
        ).fetchall()
        runs = {str(name): int(number) for name, number in found}
        scenario = BASELINE if BASELINE in runs else next(iter(runs))
        years, bands = _bands(database, table, scenario, places)
        index_year = int(np.clip(LAST_COUNT_YEAR, years[0], years[-1]))
        index = _index(database, table, scenario, places, years, index_year)
        groups, group_of = _groups(world)
        leavers, arrivals = _flows(database, folder, scenario, world, years, group_of, len(groups))
        pyramid_years, pyramids = _pyramids(database, folder, scenario, places)
    return ForecastSummary(
        scenario=scenario,
        n_runs=runs[scenario],
        manifest=_manifest(folder),
        first_observed=_first_observed(world),
        years=years,
        bands=bands,
        index_year=index_year,
        index=index,
        groups=groups,
        leavers=leavers,
        arrivals=arrivals,
        pyramid_years=pyramid_years,
        pyramids=pyramids,
    )


def _first_observed(world: World) -> int:
    counts = (official(world, place, "population_1jan") for place in range(world.n_sim))
    return min((min(series) for series in counts if series), default=world.start)


def _manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest; empty where there is none."""
    path = folder / "manifest.json"
    if not path.exists():
        return {}
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _table(folder: Path, kind: str) -> str:
    """Return the SQL expression that reads one kind of table of all complete parts.

    A part is complete when its file in ``parts`` stands there; the others of an interrupted one may too.

    Raises:
        FileNotFoundError: there is no complete part, or one lacks this table.
    """
    names = sorted(path.name for path in (folder / "parts").glob("part-*.parquet"))
    if not names:
        raise FileNotFoundError(f"{folder / 'parts'}: no part-*.parquet; run the forecast first")
    paths = [folder / kind / name for name in names]
    missing = [path for path in paths if not path.exists()]
    if missing:
        complete = folder / "parts" / missing[0].name
        raise FileNotFoundError(f"{missing[0]}: missing, though {complete} is there")
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], filename = true)"


def _quantiles(expression: str, name: str) -> str:
    return f"quantile_cont({expression}, {list(QUANTILES)}) AS {name}"


def _stacked(cells: Any) -> Floats:
    """Stack a column of lists of quantiles to [Q, rows]; where no run has a value, the column is NaN."""
    empty = np.full(len(QUANTILES), np.nan)
    rows = [empty if cell is None or np.ma.is_masked(cell) else cell for cell in np.ma.getdata(cells)]
    return np.array(rows, dtype=np.float64).T


def _bands(
    database: duckdb.DuckDBPyConnection, table: str, scenario: str, places: Sequence[str]
) -> tuple[Integers, dict[str, Floats]]:
    columns = (*STOCKS, *FLOWS)
    wanted = ", ".join(_quantiles(name, name) for name in columns)
    rows = database.execute(
        f"SELECT year, {wanted} FROM {table} WHERE scenario = ? GROUP BY year, place ORDER BY year, place",
        [scenario],
    ).fetchnumpy()
    years = np.unique(rows["year"]).astype(np.int64)
    if len(rows["year"]) != len(years) * len(places):
        raise ValueError(
            f"the results hold {len(rows['year'])} rows of place and year, expected {len(places)} places x"
            f" {len(years)} years: they belong to another world"
        )
    shape = (len(QUANTILES), len(years), len(places))
    return years, {name: _stacked(rows[name]).reshape(shape) for name in columns}


def _index(
    database: duckdb.DuckDBPyConnection,
    table: str,
    scenario: str,
    places: Sequence[str],
    years: Integers,
    base: int,
) -> Floats:
    rows = database.execute(
        f"WITH base AS (SELECT draw, replicate, place, population AS level FROM {table}"
        "    WHERE scenario = $scenario AND year = $base AND population > 0)"
        f" SELECT {_quantiles('100 * population / level', 'share')}"
        f" FROM {table} JOIN base USING (draw, replicate, place)"
        " WHERE scenario = $scenario GROUP BY year, place ORDER BY year, place",
        {"scenario": scenario, "base": base},
    ).fetchnumpy()
    return _stacked(rows["share"]).reshape(len(QUANTILES), len(years), len(places))


def _groups(world: World) -> tuple[tuple[str, ...], Integers]:
    """Return the groups of origins and destinations and the group of each place of the world [n_all]."""
    names = world.names("en")
    principal = world.ids.index(PRINCIPAL_CENTRE) if PRINCIPAL_CENTRE in world.ids else -1
    centre, other_centres, other_places, russia = range(4)
    group_of = np.full(world.n_all, other_places, dtype=np.int64)
    for place, kind in enumerate(world.kind):
        if world.nest[place] == 1:
            group_of[place] = russia
        elif place == principal:
            group_of[place] = centre
        elif kind in ("regional_centre", "capital"):
            group_of[place] = other_centres
    labels = (
        names[principal] if principal >= 0 else "",
        "other centres in Kazakhstan" if principal >= 0 else "centres in Kazakhstan",
        "other towns and districts",
        "Russia",
    )
    used = [group for group in range(4) if (group_of == group).any()]
    return tuple(labels[group] for group in used), np.searchsorted(used, group_of).astype(np.int64)


def _flows(
    database: duckdb.DuckDBPyConnection,
    folder: Path,
    scenario: str,
    world: World,
    years: Integers,
    group_of: Integers,
    n_groups: int,
) -> tuple[Floats, Floats]:
    """Return leavers by destination and arrivals by origin, [G, T - 1, S] persons a year, mean of a run."""
    table = _table(folder, "flows")
    found = database.execute(
        "SELECT sum(runs) FROM (SELECT max(n_runs) AS runs"
        f" FROM {table} WHERE scenario = ? GROUP BY filename)",
        [scenario],
    ).fetchone()
    runs = float(found[0]) if found and found[0] else np.nan
    rows = database.execute(
        f"SELECT year, origin, destination, sum(persons) FROM {table} WHERE scenario = ?"
        " GROUP BY year, origin, destination ORDER BY ALL",
        [scenario],
    ).fetchall()
    index = {place: number for number, place in enumerate(world.ids)}
    shape = (n_groups, len(years) - 1, world.n_sim)
    leavers, arrivals = np.zeros(shape), np.zeros(shape)
    for year, origin, destination, persons in rows:
        source, target = index[origin], index[destination]
        if source < world.n_sim:
            leavers[group_of[target], year - years[0], source] += persons / runs
        if target < world.n_sim:
            arrivals[group_of[source], year - years[0], target] += persons / runs
    return leavers, arrivals


def _pyramids(
    database: duckdb.DuckDBPyConnection, folder: Path, scenario: str, places: Sequence[str]
) -> tuple[tuple[int, int], Floats]:
    rows = database.execute(
        "WITH groups AS (SELECT draw, replicate, year, place, sex, least(age, $oldest) AS age,"
        f"    sum(persons) AS persons FROM {_table(folder, 'pyramids')} WHERE scenario = $scenario"
        "    GROUP BY ALL)"
        f" SELECT year, place, sex, age, {_quantiles('persons', 'persons')} FROM groups"
        " GROUP BY year, place, sex, age",
        {"scenario": scenario, "oldest": OLDEST},
    ).fetchall()
    held = sorted({int(row[0]) for row in rows})
    ends = (held[0], held[-1])
    pyramids = np.zeros((len(QUANTILES), 2, len(places), len(SEXES), AGE_GROUPS))
    for year, place, sex, age, persons in rows:
        for end in (0, 1):
            if year == ends[end]:
                pyramids[:, end, places.index(place), SEXES.index(sex), int(age) // 5] = persons
    return ends, pyramids
