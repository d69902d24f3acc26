"""The page on results: its SQL and its Python are run as they stand, on a folder as a command leaves it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from experiments.campaign import completed
from experiments.design import forecast_design
from experiments.ensemble import Study
from experiments.manifest import Ensemble
from model.record import COLUMNS
from model.world import load_world
from tests.fake_simulation import use_fake_runs

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results.md"
RUNS, HORIZON = 25, 2019


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        use_fake_runs(patch)
        patch.setattr(Study, "founding", lambda *_: None)
        world = load_world("towns")
        design = forecast_design(world, HORIZON, 1, {})
        with completed(folder, Ensemble("forecast", design, RUNS, world, world.name, ""), 2, quiet=True):
            pass
    return folder


@pytest.fixture
def ask(results: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[tuple[Any, ...]]]:
    monkeypatch.chdir(results)
    database = duckdb.connect()
    database.execute((results / "views.sql").read_text())
    return lambda query: database.execute(query).fetchall()


def test_every_view_of_the_page_exists_and_no_other(ask: Callable[[str], list[tuple[Any, ...]]]) -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    made = {name for (name,) in ask("select view_name from duckdb_views() where not internal")}
    assert listed == made


def test_views_hold_what_the_page_says(ask: Callable[[str], list[tuple[Any, ...]]]) -> None:
    columns = [name for name, *_ in ask("describe results")]
    assert columns == ["scenario", "draw", "replicate", "year", "place", *(column.name for column in COLUMNS)]
    assert ask("select count(*) from results") == [(RUNS * (HORIZON - 2014) * 4,)]
    assert ask("select count(distinct draw), count(*) from parameters") == [(RUNS, RUNS * 135)]
    assert ask(
        "select sum(n) from (select max(n_runs) n from flows where year = 2015 group by origin, destination)"
    )
    assert ask(f"select count(*) from results where births is null and year < {HORIZON}") == [(0,)]
    assert ask("select count(*) from effects") == [(0,)]  # a forecast holds the baseline alone
    summed = ask("select avg(wage) from results where place = 'bulaevo' and year = 2016")
    told = ask("select mean from summary where place = 'bulaevo' and year = 2016 and variable = 'wage'")
    assert summed[0][0] == pytest.approx(told[0][0], rel=1e-8)


def test_the_pages_queries_answer(ask: Callable[[str], list[tuple[Any, ...]]]) -> None:
    fan, leavers = (ask(query) for query in blocks("sql"))
    assert [row[0] for row in fan] == ["bulaevo", "mamlyutka", "sergeevka", "tayynsha"]
    assert all(runs == RUNS and low <= median <= high for _, runs, low, median, high in fan)
    assert len(leavers) > 5
    assert leavers[0][1] >= leavers[-1][1] > 0


@pytest.mark.parametrize("number", range(3))
def test_the_pages_python_runs_without_the_project(results: Path, number: int) -> None:
    check = ("assert list(fan.columns) == [.05, .5, .95] and len(fan) == 5", "assert len(wage) == 4",
             "assert len(together) == 5 and together.correlation.abs().is_monotonic_decreasing")[number]  # fmt: skip
    program = f"{blocks('python')[number]}\n{check}\nimport sys\nassert 'experiments' not in sys.modules\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=results, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
