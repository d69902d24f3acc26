"""The rating's system of indicators: the paper's blocks, fixed bands, rules, damaged files."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from calibration.rating_external import SHIPPED, read_external
from calibration.rating_system import (
    BLOCK_SIZES,
    BLOCKS,
    RATING_DATA,
    by_position,
    rating_system,
    read_rating_system,
)
from model.problems import WorldError
from model.world import World


def damaged(folder: Path, *changes: tuple[str, str], file: str = "indicators.csv") -> str:
    for name in ("indicators.csv", "rules.csv"):
        shutil.copy(RATING_DATA / name, folder / name)
    text = (folder / file).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / file).write_text(text)
    with pytest.raises(WorldError) as caught:
        read_rating_system(folder / "indicators.csv", folder / "rules.csv")
    return str(caught.value)


def test_the_blocks_have_the_paper_s_numbers_of_indicators() -> None:
    system = rating_system()
    assert len(system.ids) == len(set(system.ids)) == 34
    assert np.bincount(system.block_of).tolist() == list(BLOCK_SIZES) == [11, 11, 7, 5]
    assert [system.indicators[system.of_block(b)[0]].block for b in range(4)] == list(BLOCKS)
    assert all(one.source and one.formula and one.problem and one.risk for one in system.indicators)


def test_bands_are_fixed_winsorised_and_follow_the_polarity() -> None:
    system = rating_system()
    worst = np.array([one.worst for one in system.indicators])
    best = np.array([one.best for one in system.indicators])
    np.testing.assert_allclose(system.scores(worst), 0.0)
    np.testing.assert_allclose(system.scores(best), 1.0)
    np.testing.assert_allclose(system.scores((worst + best) / 2), 0.5)
    np.testing.assert_allclose(system.scores(best + 5 * (best - worst)), 1.0)
    np.testing.assert_allclose(system.scores(worst - 5 * (best - worst)), 0.0)
    k = system.position("S6")
    assert system.indicators[k].polarity == "-"
    unemployment = by_position(system, [("S6", np.array([4.0, 8.0]))], (2,))
    low, high = system.scores(unemployment)[:, k]
    assert low > high
    # A score does not depend on who else is rated
    np.testing.assert_allclose(system.scores(unemployment[:1])[0, k], low)
    assert np.isnan(system.scores(unemployment)[:, 0]).all()


def test_all_problems_of_a_damaged_system_are_told_at_once(tmp_path: Path) -> None:
    text = damaged(
        tmp_path,
        ("S1,social,population growth over five years,+", "S1,social,population growth over five years,-"),
        ("S2,social,", "S1,social,"),
        ("V5,environment", "V5,weather"),
        ("percent of residents,10,0", "percent of residents,ten,0"),
    )
    assert "S1: the band -15 to 7 contradicts the polarity '-'" in text
    assert "indicator 'S1' stands already at line 2" in text
    assert "unknown block 'weather'" in text
    assert "column 'worst' holds text 'ten'" in text
    assert "block 'environment' has 4 indicators, the paper has 5" in text


def test_a_rule_is_missed_and_a_wrong_one_named(tmp_path: Path) -> None:
    text = damaged(tmp_path, ("trend_window,", "trend_windows,"), file="rules.csv")
    assert "nearest valid name: 'trend_window'" in text
    assert "missing rules: trend_window" in text


def test_the_shipped_figures_are_the_paper_s_six(towns: World) -> None:
    figures = read_external([SHIPPED], towns, rating_system())
    assert [(one.place, one.id, one.year) for one in figures] == [
        ("mamlyutka", "E6", year) for year in range(2015, 2021)
    ]
    p = towns.index("mamlyutka")
    for one, nominal in zip(figures, towns.local_budget[p], strict=True):
        assert one.value == pytest.approx(towns.drivers.deflate(float(nominal), one.year))
    assert figures[-1].value == 63.3


def test_all_problems_of_external_figures_are_told_at_once(tmp_path: Path, towns: World) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "place,indicator,year,value,unit,source,quality\n"
        "bulaevos,S10,2020,4,percent of residents,akimat,user\n"
        "bulaevo,S77,2020,4,percent of residents,akimat,user\n"
        "bulaevo,S10,2020,4,per cent,akimat,user\n"
        "bulaevo,I4,2020,many,percent of residents,akimat,user\n"
        'bulaevo,E8,2020,400000,"thousand KZT, nominal",akimat,user\n'
        "bulaevo,S1,2023,1,percent,akimat,user\n"
        "bulaevo,V3,2020,40,percent of residents,akimat,user\n"
        "bulaevo,V3,2020,41,percent of residents,akimat,user\n"
        "bulaevo,V4,2020,41,percent,,user\n"
    )
    with pytest.raises(WorldError) as caught:
        read_external([path], towns, rating_system())
    text = str(caught.value)
    for part in (
        ":2: unknown place 'bulaevos'; nearest valid name: 'bulaevo'",
        ":3: unknown indicator 'S77'",
        ":4: unit 'per cent' of S10: expected 'percent of residents'",
        ":5: column 'value' holds text 'many'",
        ":6: E8: 400000 thousand KZT, 2020 prices is more than ten bands away",
        ":7: S1 of 2023: a figure of a settlement after 2020",
        ":9: bulaevo, V3, 2020 stands already at line 8",
        ":10: column 'source' is empty",
    ):
        assert part in text, part
    assert "8 problems" in text


def test_figures_of_places_that_are_not_simulated_are_left_out(tmp_path: Path, towns: World) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "place,indicator,year,value,unit,source,quality\n"
        "petropavlovsk,V3,2020,90,percent of residents,akimat,user\n"
        "bulaevo,V3,2020,40,percent of residents,akimat,user\n"
    )
    (figure,) = read_external([path], towns, rating_system())
    assert (figure.place, figure.value) == ("bulaevo", 40.0)
