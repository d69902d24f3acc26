"""Common random numbers measured: paired differences, what they are compared with, tables and figure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.bench_figures import draw_growth
from experiments.bench_growth import Growth
from experiments.chance import (
    CHANGES,
    DEFAULTS,
    PRIORS,
    WAGE_CHANGE,
    Comparison,
    Study,
    follow_splits,
    open_run,
    study_chance,
)
from experiments.chance_figures import draw_chance
from experiments.chance_sheets import chance_sheets
from model.founding import Founding
from model.parameters import ParameterSpace
from model.world import World

BY_NAME = {change.name: change for change in CHANGES}


@pytest.fixture(scope="module")
def study() -> Study:
    """A small study: two changes, twelve pairs, five years."""
    changes = [BY_NAME[WAGE_CHANGE], BY_NAME["zone, 400 jobs"]]
    return study_chance(1, 12, changes, horizon=2020, split_pairs=2)


def test_a_shared_seed_saves_more_than_shared_shocks(study: Study) -> None:
    at = study.years.index(5)
    wage = study.comparisons[DEFAULTS][WAGE_CHANGE]
    assert wage.effect(at, 0) > 3.0, "a better wage holds people"
    assert wage.ratio(at, 0) > 50.0
    assert wage.ratio(at, 0) > wage.ratio(at, 0, "other_people") > 5.0
    assert wage.ratio(at, 1) > wage.ratio(at, 0), "the other town hardly feels it"


def test_a_larger_change_saves_less(study: Study) -> None:
    at = study.years.index(5)
    zone, wage = (study.comparisons[DEFAULTS][name] for name in ("zone, 400 jobs", WAGE_CHANGE))
    assert zone.effect(at, 0) > wage.effect(at, 0)
    assert zone.ratio(at, 0) < wage.ratio(at, 0)


def test_nothing_differs_before_the_zone_opens(study: Study) -> None:
    zone = study.comparisons[DEFAULTS]["zone, 400 jobs"]
    assert (zone.paired[:, 0] == 0).all()
    assert zone.ratio(0, 0) == float("inf")


def test_ratio_and_interval_of_known_differences() -> None:
    chance = np.random.default_rng(5)
    paired, independent = chance.normal(7, 2, (400, 1, 1)), chance.normal(7, 20, (400, 1, 1))
    comparison = Comparison(paired, independent, independent)
    assert comparison.effect(0, 0) == pytest.approx(7.0, abs=0.3)
    assert comparison.spread(0, 0) == pytest.approx(2.0, rel=0.1)
    low, high = comparison.ratio_interval(0, 0)
    assert low < 100.0 < high
    assert low < comparison.ratio(0, 0) < high
    assert high / low < 1.8


def test_lives_come_apart_slowly_and_first_where_the_wage_changed(study: Study) -> None:
    first, last = study.splits[0], study.splits[-1]
    assert [split.year for split in study.splits] == [1, 2, 3, 4, 5]
    assert 0 < first.elsewhere[0] < last.elsewhere[0] < 60
    assert last.elsewhere[1] < last.elsewhere[0]


def test_an_unchanged_pair_never_comes_apart(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments import chance

    same = chance.Change(WAGE_CHANGE, "nothing")
    monkeypatch.setattr(chance, "CHANGES", (same,))
    for split in follow_splits(towns, towns_founding, towns_space.defaults(), 1, 1, 2):
        assert split.elsewhere == (0.0, 0.0)
        assert split.household == (0.0, 0.0)


@pytest.mark.parametrize("name", list(BY_NAME))
def test_every_change_acts(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace, name: str
) -> None:
    values = towns_space.defaults()
    one, two = (
        open_run(towns, towns_founding, values, 3, 0, 0, change, 2022) for change in (None, BY_NAME[name])
    )
    assert (one.people.key[: one.n_people] == two.people.key[: two.n_people]).all()
    with np.errstate(invalid="ignore"):
        differ = one.run().column("perceived_income") != two.run().column("perceived_income")
    assert differ[:-1].any()


def test_tables_and_record(study: Study) -> None:
    sheets = {sheet.title: sheet for sheet in chance_sheets(study)}
    assert len(sheets) == 4
    first = chance_sheets(study)[0]
    assert len(first.rows) == 2 * 2
    for sheet in sheets.values():
        assert {len(row) for row in sheet.rows} == {len(sheet.headings)}
    record = json.loads(json.dumps(study.record()))
    assert record["pairs"] == 12
    assert len(record["differences"]) == 2 * 2 * 2 * len(study.years)
    assert {row["parameters"] for row in record["differences"]} == {DEFAULTS, PRIORS}


def test_figures_are_written_as_png_and_svg(study: Study, tmp_path: Path) -> None:
    sizes = [
        Growth(people, 30.0 * people, (0.01 + 30 * people * 5e-8,), 0.1, (0.01, 30 * people * 5e-8), memory)
        for people, memory in ((4000, 3.0), (34_000, 9.0), (1_000_000, None), (20_000_000, 1600.0))
    ]
    written = [*draw_chance(study, tmp_path / "new"), *draw_growth(sizes, tmp_path / "new")]
    assert [path.name for path in written] == ["chance.png", "chance.svg", "growth.png", "growth.svg"]
    assert all(path.stat().st_size > 10_000 for path in written)
