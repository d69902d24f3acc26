"""Reading an ensemble's folder for the rating: the scenarios of a forecast or a comparison as rated figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from calibration.rating_figures import RatedFigures
from calibration.rating_simulated import RATING_COLUMNS, region_wages, simulated_figures
from calibration.rating_system import Floats
from experiments.compare_scenarios import REFERENCE, YARDSTICK
from experiments.design import Design
from experiments.failures import BadInput
from experiments.manifest import recorded_manifest
from model.world import World, WorldError, load_world

BASELINE = "baseline"
GROWTH = "growth_kazakhstan"


@dataclass(frozen=True)
class SimulatedYears:
    """What a folder of results holds for the rating.

    Attributes:
        folder, world, world_source: of the ensemble. years: all 1 Januaries. seed: of the design.
        home_wages: by scenario, the factor of its future on all wages of the region, float64[years] or None.
        identity: of the design; parameters: what its draws come from.
    """

    folder: Path
    world: World
    world_source: str
    years: tuple[int, ...]
    seed: int
    home_wages: Mapping[str, Floats | None]
    identity: str
    parameters: str

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Scenarios rated: the baseline first, then by name."""
        return tuple(sorted(self.home_wages, key=lambda name: (name != BASELINE, name)))

    def figures(self, scenario: str) -> RatedFigures:
        """Figures of a scenario in every run.

        Raises:
            BadInput: the parts cannot be read or do not hold every year and place of every run.
        """
        columns, draws = self._columns(scenario)
        of_draw = self._growth()
        growth = np.array([of_draw[draw] for draw in draws])
        wages = region_wages(self.world, self.years, growth, self.home_wages[scenario])
        return simulated_figures(self.world, columns, self.years, wages)

    def _columns(self, scenario: str) -> tuple[dict[str, Floats], list[int]]:
        listed = ", ".join(f'"{name}"' for name in RATING_COLUMNS)
        places = self.world.ids[: self.world.n_sim]
        with _reading(self.folder) as database:
            read = database.execute(
                f"select draw, {listed} from read_parquet($files) where scenario = $scenario"
                " order by draw, replicate, year, place",
                {"files": str(self.folder / "parts" / "part-*.parquet"), "scenario": scenario},
            ).fetchnumpy()
        cells = len(self.years) * len(places)
        rows = len(read["draw"])
        if rows == 0 or rows % cells:
            raise BadInput(
                f"{self.folder}: scenario '{scenario}' has {rows} rows, expected a multiple of {len(self.years)}"
                f" years x {len(places)} places; repeat the command that wrote the folder"
            )
        shape = (rows // cells, len(self.years), len(places))
        columns = {
            name: np.ma.filled(np.ma.asarray(read[name], dtype=np.float64), np.nan).reshape(shape)
            for name in RATING_COLUMNS
        }
        return columns, [int(draw) for draw in read["draw"][::cells]]

    def _growth(self) -> dict[int, float]:
        with _reading(self.folder) as database:
            rows = database.execute(
                "select distinct draw, value from read_parquet($files) where name = $name",
                {"files": str(self.folder / "parameters" / "part-*.parquet"), "name": GROWTH},
            ).fetchall()
        return {int(draw): float(value) for draw, value in rows}


class _reading:
    """A DuckDB connection whose errors name the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = duckdb.connect(config={"threads": 1})

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        return self.database

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.database.close()
        if isinstance(error, duckdb.Error):
            raise BadInput(
                f"{self.folder}: its parts cannot be read ({str(error).splitlines()[0]})"
            ) from None


def of_design(folder: Path, world: World, world_source: str, design: Design, note: str) -> SimulatedYears:
    """The folder of a design that is at hand, with the levers of its scenarios."""
    wages = {
        scenario.name: None if scenario.levers is None else scenario.levers.home_wage
        for scenario in design.scenarios
        if scenario.name != YARDSTICK
    }
    years = tuple(range(world.start, design.horizon + 1))
    return SimulatedYears(folder, world, world_source, years, design.seed, wages, design.identity, note)


def of_folder(folder: Path) -> SimulatedYears:
    """The folder of a forecast or a comparison, as its manifest describes it.

    Raises:
        BadInput: no results, or results of a world whose files have changed since.
    """
    content = recorded_manifest(folder) if folder.is_dir() else None
    if content is None:
        raise BadInput(f"--results {folder}: expected a folder written by forecast or compare")
    design, described = content["design"], content.get("world", {})
    source = str(described.get("source", design.get("world", "")))
    try:
        world = load_world(source)
    except WorldError as error:
        raise BadInput(f"--results {folder}: its world: {error}") from None
    if world.digest != design.get("data"):
        raise BadInput(
            f"--results {folder}: the files of world '{source}' have changed since; repeat the command that wrote it"
        )
    horizon = int(design["horizon"])
    scenarios = [one for one in design.get("scenarios", []) if one.get("name") != YARDSTICK]
    wages = {
        str(one["name"]): _home_wage(str(one["name"]), str(one["digest"]), world, horizon)
        for one in scenarios
    }
    return SimulatedYears(
        folder,
        world,
        source,
        tuple(range(world.start, horizon + 1)),
        int(design.get("seed", 1)),
        wages,
        str(content.get("identity", "")),
        str(content.get("parameters", {}).get("note", "")),
    )


def _home_wage(name: str, digest: str, world: World, horizon: int) -> Floats | None:
    """Factor of a scenario on all wages of the region, read from its files again; None for a plain forecast.

    NaN where the files are gone or have changed: the wage relative to the region is then missing.
    """
    if not digest:
        return None
    from scenarios.problems import ScenarioError
    from scenarios.reading import load_future, load_policy
    from scenarios.translation import levers_of

    policy, _, future = name.partition("@")
    unknown = np.full(horizon - world.start, np.nan)
    try:
        found, under = load_policy(policy), load_future(future or REFERENCE)
        levers = levers_of(found, under, world, horizon)
    except ScenarioError:
        return unknown
    return levers.home_wage if f"{found.digest[:16]}-{under.digest[:16]}" == digest else unknown
