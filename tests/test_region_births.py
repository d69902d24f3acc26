"""The fall of births in the region 2015-2020 that age structure alone explains, beside the observed one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from model import draws
from model.demography import birth_probabilities
from model.engine import Engine
from model.founding import build_founding
from model.parameters import ParameterSpace
from model.population import AGES
from model.world import World, load_world

CLOSED = {"leaving": 0.002, "p_edu": 0.0, "in_out": 1.0}


@pytest.fixture(scope="module")
def region() -> World:
    return load_world("region")


def observed_change(world: World) -> float:
    """Change of the region's births from 2015 to 2020, by the accounts of its units."""
    births = [
        sum(world.accounts.value(place, "births", year) for place in world.ids[: world.n_sim])
        for year in (2015, 2020)
    ]
    return births[1] / births[0] - 1


def change_by_age_tables(world: World) -> float:
    """Change of expected births between the two estimated age tables at one fertility."""
    chance = np.empty(AGES)
    birth_probabilities(world.schedules.fertility, 1.90, chance)
    births = [
        float((table[1] * chance).sum())
        for table in (world.schedules.base_ages, world.schedules.base_ages_2020)
    ]
    return births[1] / births[0] - 1


def test_age_structure_explains_most_of_the_fall_of_births(
    region: World, capsys: pytest.CaptureFixture[str]
) -> None:
    observed, by_ages = observed_change(region), change_by_age_tables(region)
    with capsys.disabled():
        print(
            f"\nbirths of the region 2015-2020: observed {observed:+.1%}, by age tables alone {by_ages:+.1%}"
        )
    assert observed == pytest.approx(-0.15, abs=0.01)
    assert by_ages == pytest.approx(-0.13, abs=0.02)


def expected_births(stock: NDArray[np.int64], world: World) -> float:
    """Births a year of these women at the total fertility of 2015."""
    chance = np.empty(AGES)
    birth_probabilities(world.schedules.fertility, 1.90, chance)
    return float((stock[:, 1].sum(axis=0) * chance).sum())


def test_the_simulated_region_falls_with_its_ages(region: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The simulated region ages into the small cohorts of the 1990s; how far depends on who moves away."""
    founding = build_founding(region)
    changes = {}
    for case, fixed in (("as simulated", {}), ("without migration", CLOSED)):
        space = ParameterSpace(region)
        full = {name: value for base, value in fixed.items() for name in space.expand(base, "test")}
        values = space.defaults().with_values(full)
        engine = Engine(region, founding, values, draws.run_seed(71, 0, 0), horizon=2020)
        record = engine.run()
        changes[case] = (
            expected_births(record.pyramid_last, region) / expected_births(record.pyramid_first, region) - 1
        )
    observed, by_ages = observed_change(region), change_by_age_tables(region)
    with capsys.disabled():
        told = "; ".join(f"{case} {change:+.1%}" for case, change in changes.items())
        print(f"\nat constant fertility: {told}; by age tables {by_ages:+.1%}; observed {observed:+.1%}")
    assert changes["as simulated"] < changes["without migration"] < -0.02
    assert changes["as simulated"] == pytest.approx(by_ages, abs=0.03)
    assert changes["as simulated"] > observed - 0.02, "age structure explains no more than there is"
