"""The figures: all are drawn, hold what they promise, and the numbers drawn are those of the runs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import duckdb
import numpy as np
import pytest

from experiments.figure_sheets import grid_of, year_ticks
from experiments.forecast_summaries import QUANTILES, ForecastSummary, official, summarise
from experiments.plots import draw_forecast_figures
from model.world import World, load_world
from tests.forecast_folder import write_forecast_folder
from tests.own_world import copy_of_template

PNG = b"\x89PNG\r\n\x1a\n"
SHEETS_OF_TOWNS = ["population", "population_index", "flows", "pyramids", "labour", "accounts"]
SHEETS_OF_REGION = [
    *SHEETS_OF_TOWNS[:4],
    *("jobs", "unemployment", "commuters", "births_deaths", "arrivals_departures", "net_migration"),
]


@pytest.fixture(scope="module")
def towns() -> World:
    return load_world("towns")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, towns: World) -> Path:
    return write_forecast_folder(tmp_path_factory.mktemp("towns"), towns, n_runs=12, parts=3)


@pytest.fixture(scope="module")
def summary(folder: Path, towns: World) -> ForecastSummary:
    return summarise(folder, towns)


@pytest.fixture(scope="module")
def sheets(folder: Path, towns: World) -> dict[str, str]:
    """Draw the figures of the towns; return the text in each SVG file."""
    paths = draw_forecast_figures(folder, towns)
    return {path.stem: words(path) for path in paths if path.suffix == ".svg"}


def words(svg: Path) -> str:
    """All text of an SVG file: it is kept as text, not as outlines."""
    root = ElementTree.parse(svg).getroot()
    return "\n".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


def pixels(png: Path) -> tuple[int, int]:
    head = png.read_bytes()[:24]
    assert head.startswith(PNG)
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")


def test_towns_get_a_sheet_per_subject_as_png_and_svg(folder: Path, sheets: dict[str, str]) -> None:
    assert list(sheets) == SHEETS_OF_TOWNS
    for name in sheets:
        width, height = pixels(folder / "figures" / f"{name}.png")
        assert 1000 < width < 2500
        assert 600 < height < 2500


def test_every_sheet_names_its_places_runs_and_sources(sheets: dict[str, str]) -> None:
    for name, text in sheets.items():
        for place in ("Bulaevo", "Mamlyutka", "Tayynsha", "Sergeevka"):
            assert place in text, name
        for part in ("12 runs", "scenario baseline", "seed 1", "identity 0123456789abcdef"):
            assert part in text, name
        assert "declared priors" in text
    for name in ("population", "population_index", "accounts", "labour"):
        assert "middle 50 %, pale band or thin lines the middle 90 %" in sheets[name].replace("\n", " ")
        assert "BNS: Bureau of National Statistics" in sheets[name]
    assert "no official series" in sheets["accounts"]
    assert "10,000: legal floor of a town" in sheets["population"]


@pytest.mark.slow
def test_region_gets_a_panel_for_each_of_its_units(tmp_path: Path) -> None:
    world = load_world("region")
    write_forecast_folder(tmp_path, world, n_runs=3, parts=1)
    paths = draw_forecast_figures(tmp_path, world)
    assert [path.stem for path in paths if path.suffix == ".png"] == SHEETS_OF_REGION
    text = words(tmp_path / "figures" / "population.svg")
    names = world.names("en")[: world.n_sim]
    assert sorted((text.index(name + "\n"), name) for name in names)[0][1] == "Petropavlovsk"


def test_a_users_world_of_one_place_and_a_short_horizon(tmp_path: Path) -> None:
    world = load_world(str(copy_of_template(tmp_path)))
    write_forecast_folder(tmp_path / "out", world, n_runs=1, horizon=2017, parts=1)
    paths = draw_forecast_figures(tmp_path / "out", world)
    assert all(path.stat().st_size > 0 for path in paths)
    assert "Samplestead" in words(tmp_path / "out" / "figures" / "flows.svg")


def test_equal_results_give_equal_files(folder: Path, towns: World, sheets: dict[str, str]) -> None:
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    draw_forecast_figures(folder, towns)
    assert before == {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}


def test_bands_are_the_quantiles_of_the_runs(folder: Path, towns: World, summary: ForecastSummary) -> None:
    place = towns.index("mamlyutka")
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT population, births FROM read_parquet($1) WHERE place = 'mamlyutka' AND year = 2030",
            [str(folder / "parts" / "*.parquet")],
        ).fetchnumpy()
    assert len(rows["births"]) == summary.n_runs == 12
    for name in ("population", "births"):
        expected = np.quantile(rows[name], QUANTILES)
        np.testing.assert_allclose(summary.bands[name][:, 2030 - 2015, place], expected)
    assert np.isnan(summary.bands["births"][:, -1]).all()
    assert not np.isnan(summary.flow("births", place)).any()


def test_index_is_100_in_the_last_observed_year_of_every_run(summary: ForecastSummary) -> None:
    assert summary.index_year == 2021
    np.testing.assert_allclose(summary.index[:, 2021 - 2015], 100.0)


def test_flows_are_means_of_a_run_and_lose_nobody(
    folder: Path, towns: World, summary: ForecastSummary
) -> None:
    assert summary.groups == (
        "Petropavlovsk",
        "other centres in Kazakhstan",
        "other towns and districts",
        "Russia",
    )
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT sum(persons) FILTER (origin = 'bulaevo'),"
            " sum(persons) FILTER (origin = 'bulaevo' AND destination IN ('omsk', 'kurgan', 'tyumen')),"
            " sum(persons) FILTER (destination = 'bulaevo') FROM read_parquet($1)",
            [str(folder / "flows" / "*.parquet")],
        ).fetchone()
    assert found is not None
    place = towns.index("bulaevo")
    assert summary.leavers[:, :, place].sum() == pytest.approx(found[0] / 12)
    assert summary.leavers[3, :, place].sum() == pytest.approx(found[1] / 12)
    assert summary.arrivals[:, :, place].sum() == pytest.approx(found[2] / 12)


def test_pyramid_joins_the_oldest_ages_run_by_run(
    folder: Path, towns: World, summary: ForecastSummary
) -> None:
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT sum(persons) AS persons FROM read_parquet($1) WHERE place = 'bulaevo' AND sex = 'F'"
            " AND year = 2045 AND age >= 85 GROUP BY draw, replicate",
            [str(folder / "pyramids" / "*.parquet")],
        ).fetchnumpy()
    oldest = summary.pyramids[:, 1, towns.index("bulaevo"), 1, -1]
    np.testing.assert_allclose(oldest, np.quantile(rows["persons"], QUANTILES))


def test_official_figures_are_those_of_the_accounts(towns: World) -> None:
    counts = official(towns, towns.index("bulaevo"), "population_1jan")
    assert (min(counts), max(counts), counts[2021]) == (2009, 2021, 7653.0)
    assert official(towns, towns.index("omsk"), "births") == {}


def test_an_unfinished_part_is_left_out(tmp_path: Path, towns: World) -> None:
    write_forecast_folder(tmp_path, towns, n_runs=6, parts=3)
    (tmp_path / "parts" / "part-000002.parquet").unlink()
    assert summarise(tmp_path, towns).n_runs == 4


def test_a_folder_without_results_is_refused(tmp_path: Path, towns: World) -> None:
    with pytest.raises(FileNotFoundError, match="run the forecast first"):
        draw_forecast_figures(tmp_path, towns)


def test_a_part_without_its_flows_is_named(tmp_path: Path, towns: World) -> None:
    write_forecast_folder(tmp_path, towns, n_runs=4, parts=2)
    (tmp_path / "flows" / "part-000001.parquet").unlink()
    with pytest.raises(FileNotFoundError, match=re.escape("part-000001.parquet: missing")):
        summarise(tmp_path, towns)


def test_results_of_another_world_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="another world"):
        draw_forecast_figures(folder, load_world("region"))


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 9, 12, 13, 18, 24])
def test_grids_have_room_for_every_place(number: int) -> None:
    grid = grid_of(number)
    assert (grid.rows - 1) * grid.columns < number <= grid.rows * grid.columns


def test_year_ticks_include_the_start_and_are_few() -> None:
    assert year_ticks(2009, 2045, 2015, 8) == (2010, 2015, 2020, 2025, 2030, 2035, 2040, 2045)
    assert year_ticks(2015, 2045, 2015, 4) == (2015, 2025, 2035, 2045)
    assert year_ticks(2009, 2100, 2015, 4) == (2015, 2040, 2065, 2090)
    assert year_ticks(2015, 2016, 2015, 5) == (2015, 2016)
