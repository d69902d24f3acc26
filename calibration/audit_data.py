"""What the audit reads: published figures of the places, the paper's tables and text, censuses, ages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.accounts_data import BUDGET_VARIABLES, LAST_COUNT_YEAR, LAST_FLOW_YEAR
from model.accounts_data import VARIABLES as ACCOUNT_VARIABLES
from model.csv_tables import Files
from model.drivers import SHARED_TERRITORIES
from model.drivers import VARIABLES as DRIVER_VARIABLES
from model.places import read_places
from model.problems import Problems, WorldError, nearest
from model.reference_tables import CENSUS_VARIABLES, PAPER_VARIABLES
from model.schedules import AGES, SEXES
from model.series_tables import Table, Variable, read_series
from model.world import DATA, shipped_worlds
from model.world_file import WorldFile, read_world_file

OWN_DATA: Final = Path(__file__).resolve().parent / "data"
FIRST_YEAR: Final = 2015
LAST_YEAR: Final = LAST_FLOW_YEAR
REGION_NAME: Final = "North Kazakhstan"
FILLED: Final = frozenset({"interpolated", "assumed"})
STATISTICS: Final = ("level", "mean", "sum", "change", "ratio_of_means")
STATEMENT_COLUMNS: Final = (
    "id", "territory", "variable", "statistic", "first_year", "last_year",
    "stated", "unit", "rounding", "quote", "source",
)  # fmt: skip
# Every file the audit reads, and the folder that ships it
SHIPPED: Final = {
    **dict.fromkeys(
        (
            "accounts.csv", "ages.csv", "census_towns.csv", "drivers.csv", "fertility.csv",
            "local_budget.csv", "paper_tables.csv", "places.csv",
        ),
        DATA,
    ),
    "paper_statements.csv": OWN_DATA,
}  # fmt: skip
Floats = NDArray[np.float64]
Series = dict[int, float]


@dataclass(frozen=True, slots=True)
class Statement:
    """A figure that the paper states in words.

    Attributes:
        variable: of the paper's tables or the local budget; two names joined by "/" for a ratio.
        statistic: one of ``STATISTICS``, over ``first_year`` to ``last_year``.
        stated, unit: the figure as stated. rounding: half the last digit stated, in the same unit.
    """

    id: str
    territory: str
    variable: str
    statistic: str
    first_year: int
    last_year: int
    stated: float
    unit: str
    rounding: float
    quote: str
    source: str


@dataclass(frozen=True, eq=False)
class AuditData:
    """All figures that the audit tests, as published.

    Attributes:
        world: name of the world. places: its simulated places, sorted.
        names, kinds, regions: name, kind and driving series of every known place.
        accounts, paper, drivers, census, budget: figures by (territory, variable) and year.
        statements: figures the paper states in words.
        women: by year, float64[111] women of each age in the region of ``ages_region`` (an estimate).
        fertility: float64[111] share of the total fertility rate at each age, sums to 1.
        sources: path of every file read. digest: sha256 over their names and bytes.
    """

    world: str
    places: tuple[str, ...]
    names: dict[str, str]
    kinds: dict[str, str]
    regions: dict[str, str]
    accounts: Table
    paper: Table
    drivers: Table
    census: Table
    budget: Table
    statements: tuple[Statement, ...]
    women: dict[int, Floats]
    fertility: Floats
    sources: tuple[Path, ...]
    digest: str
    ages_region: str = "nkr"

    def name(self, place: str) -> str:
        """Return the English name of a place, or the id of what is no place."""
        return self.names.get(place, place)

    def paper_places(self, variable: str) -> tuple[str, ...]:
        """Return the places of this world for which the paper's tables hold a variable, sorted."""
        return tuple(place for place in self.places if (place, variable) in self.paper)

    @property
    def is_of_region(self) -> bool:
        """Say whether some place of this world belongs to the region whose ages and censuses are known."""
        return any(self.regions.get(place) == self.ages_region for place in self.places)

    def units(self, region: str) -> tuple[str, ...]:
        """Return the places with official counts that a regional series drives, sorted."""
        counted = {place for place, held in self.accounts if held == "population_1jan"}
        return tuple(sorted(place for place in counted if self.regions.get(place) == region))

    def implied_net_migration(self, place: str) -> Series:
        """Return P(t+1) - P(t) - births + deaths by year t, where all four are published."""
        counts, births, deaths = (
            published(self.accounts, place, name) for name in ("population_1jan", "births", "deaths")
        )
        return {
            year: counts[year + 1] - counts[year] - births[year] + deaths[year]
            for year in counts
            if year + 1 in counts and year in births and year in deaths
        }


def published(table: Table, territory: str, variable: str) -> Series:
    """Return a series by year without what only fills a gap: that is no evidence. Empty where unknown."""
    points = table.get((territory, variable), {})
    return {year: point.value for year, point in points.items() if point.quality not in FILLED}


def common_years(*series: Series) -> tuple[int, ...]:
    """Return the years that all series hold, ascending."""
    return tuple(sorted(set.intersection(*(set(one) for one in series)))) if series else ()


def in_window(series: Series) -> Series:
    """Return the part of a series inside the window of calibration, 2015-2020."""
    return {year: value for year, value in series.items() if FIRST_YEAR <= year <= LAST_YEAR}


def read_audit_data(world: str, folder: Path | None = None) -> AuditData:
    """Read all files of a world as they are, without the tests that a simulation makes of them.

    Args:
        world: a shipped world or the path of a world file, whose own files extend the shipped ones.
        folder: files that stand in for the shipped ones of the same name; may hold any of ``SHIPPED``.

    Raises:
        WorldError: lists every problem found: a file that cannot be read, an unknown name, a wrong unit,
            a missing year, a folder that holds none of the files.
    """
    problems = Problems(f"audit of world '{world}'" + (f" with {folder}" if folder else ""))
    files = Files(problems)
    if folder is not None:
        _check_folder(problems, folder)
    world_path = _world_path(world)
    world_file = read_world_file(files, world_path)
    problems.raise_if_any()
    assert world_file is not None
    return _read_tables(files, world, world_path, world_file, folder)


def _check_folder(problems: Problems, folder: Path) -> None:
    """Refuse a folder with nothing to audit and files whose name is nearly right."""
    if not folder.is_dir():
        problems.at_key(folder, (), "no such folder")
        problems.raise_if_any()
    found = sorted(path.name for path in folder.glob("*.csv"))
    others = {path.name for path in DATA.glob("*.csv")}
    for name in found:
        if name not in SHIPPED and name not in others:
            problems.at_key(folder / name, (), "not a file that the audit reads" + nearest(name, SHIPPED))
    if not set(found) & set(SHIPPED):
        problems.at_key(folder, (), "holds none of the files to audit: " + ", ".join(sorted(SHIPPED)))
    problems.raise_if_any()


def _world_path(world: str) -> Path:
    if world in shipped_worlds():
        return DATA / "worlds" / f"{world}.toml"
    if world.endswith(".toml"):
        return Path(world)
    raise WorldError(f"unknown world '{world}'" + nearest(world, shipped_worlds()))


def _read_tables(
    files: Files, world: str, world_path: Path, world_file: WorldFile, folder: Path | None
) -> AuditData:
    own = world_file.files
    sources: list[Path] = [world_path]

    def paths(name: str, of_world: str | None = None) -> list[Path]:
        standing_in = folder is not None and (folder / name).is_file()
        chosen = [folder / name if folder is not None and standing_in else SHIPPED[name] / name]
        if of_world:
            chosen.append(world_path.parent / of_world)
        sources.extend(chosen)
        return chosen

    places = read_places(files, paths("places.csv", own.places))
    region = AuditData.ages_region
    series_names = {place.driver_series for place in places.values()}.union(SHARED_TERRITORIES, places)

    def series(
        name: str, variables: dict[str, Variable], territories: Collection[str], of_world: str | None = None
    ) -> Table:
        # Not yearly: a gap in a series is no reason to leave the rest of it without an audit
        return read_series(files, paths(name, of_world), variables, territories, "territory", yearly=False)

    accounts = series("accounts.csv", ACCOUNT_VARIABLES, places, own.accounts)
    drivers = series("drivers.csv", DRIVER_VARIABLES, series_names, own.drivers)
    budget = series("local_budget.csv", BUDGET_VARIABLES, places, own.local_budget)
    named = {*places, region}
    paper = series("paper_tables.csv", PAPER_VARIABLES, named)
    census = series("census_towns.csv", CENSUS_VARIABLES, named)
    statements = tuple(_statements(files, paths("paper_statements.csv")[0], named))
    women = _women(files, paths("ages.csv")[0])
    fertility = _fertility(files, paths("fertility.csv")[0])
    simulated = tuple(sorted(name for name, entry in world_file.places.items() if entry.role == "simulated"))
    for name in simulated:
        if name not in places:
            files.problems.at_key(world_path, ("places", name), "unknown place" + nearest(name, places))
    files.problems.raise_if_any()
    regions = {name: place.driver_series for name, place in places.items()}
    regions.update(
        {name: entry.driver_series for name, entry in world_file.places.items() if entry.driver_series}
    )
    return AuditData(
        world=world,
        places=simulated,
        names={region: REGION_NAME, **{name: place.name["en"] for name, place in places.items()}},
        kinds={name: place.kind for name, place in places.items()},
        regions=regions,
        accounts=accounts,
        paper=paper,
        drivers=drivers,
        census=census,
        budget=budget,
        statements=statements,
        women=women,
        fertility=fertility,
        sources=tuple(sources),
        digest=files.digest,
    )


def _statements(files: Files, path: Path, territories: Collection[str]) -> Iterator[Statement]:
    """Read the figures stated in words."""
    variables = {**PAPER_VARIABLES, **BUDGET_VARIABLES}
    for row in files.rows(path, STATEMENT_COLUMNS):
        cells = row.cells
        files.name(path, row, "territory", frozenset(territories), "territory")
        files.name(path, row, "statistic", STATISTICS, "statistic")
        for name in cells["variable"].split("/"):
            if name not in variables:
                files.problems.at_line(
                    path, row.line, f"unknown variable '{name}'" + nearest(name, variables)
                )
        if ("/" in cells["variable"]) != (cells["statistic"] == "ratio_of_means"):
            files.problems.at_line(path, row.line, "two variables joined by '/' go with 'ratio_of_means'")
        first = files.integer(path, row, "first_year", 1900, LAST_YEAR)
        last = files.integer(path, row, "last_year", first or 1900, LAST_YEAR)
        stated = files.number(path, row, "stated")
        rounding = files.number(path, row, "rounding", 0)
        yield Statement(
            cells["id"],
            cells["territory"],
            cells["variable"],
            cells["statistic"],
            first or 0,
            last or 0,
            stated,
            cells["unit"],
            rounding,
            cells["quote"],
            cells["source"],
        )


def _women(files: Files, path: Path) -> dict[int, Floats]:
    """Read the women of an age table by year."""
    women: dict[int, Floats] = {}
    for row in files.rows(path, ("year", "sex", "age", "persons", "source", "quality")):
        files.quality(path, row)
        sex = files.name(path, row, "sex", SEXES, "sex")
        year = files.integer(path, row, "year", 1950, LAST_COUNT_YEAR)
        age = files.integer(path, row, "age", 0, AGES - 1)
        persons = files.number(path, row, "persons", 0, 1e9)
        if sex == "F" and year is not None and age is not None:
            women.setdefault(year, np.zeros(AGES))[age] = persons
    return women


def _fertility(files: Files, path: Path) -> Floats:
    """Read the share of the total fertility rate at every age."""
    shape = np.zeros(AGES)
    for row in files.rows(path, ("age_from", "age_to", "percent_of_tfr", "source", "quality")):
        files.quality(path, row)
        first = files.integer(path, row, "age_from", 0, AGES - 1)
        last = files.integer(path, row, "age_to", first or 0, AGES - 1)
        percent = files.number(path, row, "percent_of_tfr", 0, 100)
        if first is not None and last is not None:
            shape[first : last + 1] = percent / (last - first + 1)
    total = float(shape.sum())
    if not total > 0.0:
        files.problems.at_key(path, (), "the shares sum to nothing")
        return shape
    return shape / total
