"""How often villages are given up: cells that may be used, the emulator and the fit find back what made them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration import village_hazards as hazards
from calibration.village_draws import GIVING_UP, read_posterior
from calibration.village_hazards import CLASSES, SPANS, Cell, HazardDesign
from model.world import World, load_world


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("villages")


def truth(points: NDArray[np.float64], years: int) -> NDArray[np.float64]:
    """Half of what is declared in small villages, a tenth in large ones, and later windows see more of it."""
    seen = np.array([0.5, 0.4, 0.3, 0.2, 0.1])
    chance = -np.expm1(-seen * years * (years / 10) ** 0.5 * np.exp(hazards.log_given_up(points)))
    return np.asarray(chance)


def made_up(world: World, runs: int, villages: float) -> HazardDesign:
    chance = np.random.default_rng(3)
    points = hazards.prior_points(world, chance.uniform(0.02, 0.98, (runs, 2)))
    number = np.full((runs, len(CLASSES)), villages)
    share = np.stack([truth(points, span) for span in SPANS], axis=2)
    return HazardDesign(points, number, chance.binomial(int(villages), share).astype(float))


def test_cells_are_those_that_are_not_held_out() -> None:
    cells = hazards.panel_cells()
    assert {cell.period for cell in cells} == {"1990-2002", "2002-2010", "1989-1999", "1999-2009"}
    assert set(SPANS) == {cell.years for cell in cells}
    sample = [cell for cell in cells if cell.panel == hazards.REGION]
    assert sum(cell.villages for cell in sample) == 118
    assert {cell.size_class: cell.extinct for cell in sample if cell.extinct} == {"11-50": 2, "201-500": 2}
    large = [cell for cell in cells if cell.panel == hazards.NEIGHBOUR and cell.size_class == "over 500"]
    assert [cell.villages for cell in large if cell.period == "2002-2010"] == [164 + 84]


def test_emulator_finds_back_the_chances_that_made_its_runs(world: World) -> None:
    emulator = hazards.fit_emulator(made_up(world, 128, 400.0))
    middle = hazards.prior_points(world, np.array([[0.5, 0.5], [0.7, 0.4]]))
    for span in SPANS:
        found, expected = emulator(middle, span), truth(middle, span)
        assert found[:, :3] == pytest.approx(expected[:, :3], rel=0.15)
        assert found[:, 3] == pytest.approx(expected[:, 3], rel=0.3)


def test_fit_recovers_the_chance_and_its_fall_with_size(world: World) -> None:
    """What a hundred thousand villages tell is found, though the chance of emptying is far below that of (V4)."""
    emulator = hazards.fit_emulator(made_up(world, 128, 400.0))
    point = np.array([[0.012, 1.1]])
    cells = [
        Cell(panel, "x", 10, name, 20_000, round(20_000 * float(1 - (1 - emulator(point, 10)[0, k]) ** (1 / phi))))
        for panel, phi in ((hazards.REGION, 1.0), (hazards.NEIGHBOUR, 2.0))
        for k, name in enumerate(CLASSES)
    ]  # fmt: skip
    points, factor, _ = hazards.hazard_posterior(emulator, cells, world, 1)
    assert np.median(points[:, 0]) == pytest.approx(0.012, rel=0.1)
    assert np.median(points[:, 1]) == pytest.approx(1.1, abs=0.08)
    assert np.median(factor) == pytest.approx(2.0, rel=0.1)


def test_more_emptied_villages_of_a_size_raise_the_chance_there(world: World) -> None:
    emulator, cells = hazards.fit_emulator(hazards.shipped_design()), hazards.panel_cells()
    usual = hazards.hazard_posterior(emulator, cells, world, 1)[0]
    more = [
        replace(cell, extinct=cell.extinct + 8)
        if (cell.panel, cell.size_class) == (hazards.NEIGHBOUR, "101-200")
        else cell
        for cell in cells
    ]
    raised = hazards.hazard_posterior(emulator, more, world, 1)[0]
    one, two = (np.median(emulator(points, 10), axis=0) for points in (usual, raised))
    assert two[2] > 2 * one[2]


def test_shipped_draws_lie_between_the_neighbour_and_the_sample(world: World) -> None:
    """The chance of emptying in a decade of 51-200 people is no longer below Tyumen's south, the lower guide."""
    points = np.array([[draw[name] for name in GIVING_UP] for draw in read_posterior()])
    share = hazards.fit_emulator(hazards.shipped_design())(points, 10).mean(axis=0)
    cells = hazards.panel_cells()
    for k in (1, 2):  # 51-100, 101-200 people
        own = [c for c in cells if c.panel == hazards.NEIGHBOUR and c.size_class == CLASSES[k]]
        guide = sum(c.extinct for c in own) / sum(c.villages * c.years for c in own)
        assert -np.log1p(-share[k]) / 10 > guide
        assert share[k] < 0.1
