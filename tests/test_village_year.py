"""What befalls villages: shocks, farms, schools, villages that are given up, newcomers (V1-V4)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model import draws
from model.choice_sets import everywhere
from model.founding import Founding, build_founding
from model.infrastructure import SCHOOL
from model.parameters import ParameterSpace, ParameterValues
from model.population import AGRICULTURE
from model.village_engine import VillageEngine, engine_for, neutral_village_levers
from model.village_year import VillageSettings, shock_spread
from model.world import World, load_world

SEED = draws.run_seed(1, 0, 0)
QUIET = {
    "village_slope": 0.0, "village_shock_sd": 0.0, "village_shock_small": 0.0, "village_farm_closure": 0.0,
    "village_given_up": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("villages")


@pytest.fixture(scope="module")
def founding(world: World) -> Founding:
    return build_founding(world)


@pytest.fixture(scope="module")
def defaults(world: World) -> ParameterValues:
    return ParameterSpace(world).defaults()


def run(
    world: World, founding: Founding, values: ParameterValues, years: int, **levers: np.ndarray
) -> VillageEngine:
    horizon = world.start + years
    own = neutral_village_levers(world, horizon)
    for name, chosen in levers.items():
        getattr(own, name)[0] |= chosen
    engine = VillageEngine(world, founding, values, SEED, None, horizon, own)
    engine.run()
    return engine


def test_spread_falls_with_size_and_is_bounded() -> None:
    settings = VillageSettings(0, 0.3, 6.0, 1.2, 0.6, 0, 0, 0, 0, 8, 0, 0, 0, 1, 1, 0, 0, 1)
    assert shock_spread(400, settings) == pytest.approx(math.sqrt(0.09 + 36 / 400))
    assert shock_spread(5, settings) == 1.2
    assert shock_spread(0, settings) == 1.2


def test_same_seed_same_run_and_other_worlds_keep_their_engine(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    one, two = (run(world, founding, defaults, 2).record.column("population") for _ in range(2))
    assert (one == two).all()
    assert isinstance(engine_for(world, founding, defaults, SEED), VillageEngine)
    towns = load_world("towns")
    plain = engine_for(towns, build_founding(towns), ParameterSpace(towns).defaults(), SEED)
    assert not isinstance(plain, VillageEngine)
    assert (plain.choice.there == everywhere(towns.n_sim, towns.n_all)).all()


def test_a_closed_farm_lays_off_everyone_who_worked_there(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    assert world.villages is not None
    values = defaults.with_values(QUIET)
    closing = world.villages.farm_2015 & (world.founding_population > 100)
    engine = VillageEngine(world, founding, values, SEED, None, 2016, None)
    engine.village_levers.farm_closes[0] = closing
    for phase in engine.PLAN[:3]:
        getattr(engine, phase.run)()
    place = engine.residence[: engine.n_people]
    on_farms = engine.people.status[: engine.n_people] == AGRICULTURE
    assert not on_farms[closing[place]].any()
    assert on_farms[~closing[place]].any()
    assert (engine.state.jobs[closing, 0] == 0.0).all()
    assert (engine.village.farm_closed[closing] == 2015).all()


@pytest.mark.slow
def test_a_closed_farm_or_school_tips_villages_of_100_to_300_people_within_15_years(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    """Against the same villages under the same chance: each closure alone tips villages that would have lived."""
    assert world.villages is not None
    values = defaults.with_values({"village_farm_closure": 0.0, "village_given_up": 0.0})
    people = world.founding_population
    chosen = world.villages.farm_2015 & world.villages.is_village & (people >= 100) & (people <= 300)
    assert chosen.sum() > 80

    def left(**closing: np.ndarray) -> np.ndarray:
        people_left = run(world, founding, values, 15, **closing).record.column("population")[-1]
        return np.asarray(people_left[chosen])

    kept = left()
    farm, school = left(farm_closes=chosen), left(school_closes=chosen)
    both = left(farm_closes=chosen, school_closes=chosen)
    for hit, share, tipped in ((farm, 0.8, 12), (school, 0.9, 5), (both, 0.65, 25)):
        assert hit.sum() < share * kept.sum()
        assert ((hit < 50) & (kept >= 50)).sum() >= tipped
        assert ((kept < 50) & (hit >= 50)).sum() <= 1, "a closure must not save villages"
    without_push = values.with_values({"village_farm_push": 0.0, "village_school_push": 0.0})
    mild = run(world, founding, without_push, 15, farm_closes=chosen, school_closes=chosen)
    assert (
        mild.record.column("population")[-1, chosen].sum() > 1.2 * both.sum()
    )  # the pushes are what tips them


def test_the_push_of_a_closed_farm_fades(world: World, founding: Founding, defaults: ParameterValues) -> None:
    assert world.villages is not None
    values = defaults.with_values(QUIET | {"village_farm_push": 1.0, "village_farm_fade": 5.0})
    closing = world.villages.farm_2015 & (world.founding_population > 100)
    none = run(world, founding, values, 3)
    closed = run(world, founding, values, 3, farm_closes=closing)
    # Pushes are this year's, 2017: two years after the closure; the villages' sizes play no part without a slope
    expected = np.where(closing, math.exp(-2.0 / 5.0), 0.0)
    assert closed.village.push - none.village.push == pytest.approx(expected)


def test_people_of_villages_move_to_their_own_centre_and_to_towns_but_not_from_village_to_village(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    """Own district centre, nearest town and what lies outside receive them; a seat is a village that grows by them."""
    villages = world.villages
    assert villages is not None
    engine = VillageEngine(world, founding, defaults, SEED, None, 2017, None)
    moves = np.zeros((world.n_sim, world.n_all), np.int64)
    for _ in range(2):
        engine.step()
        moves += engine.ledger.flows
    centre, is_village = villages.centre, villages.is_village
    allowed = np.zeros(moves.shape, bool)
    allowed[np.arange(world.n_sim)[:, None], villages.alternatives] = True
    assert moves[~allowed].sum() == 0
    rural = np.flatnonzero(is_village & (centre != np.arange(world.n_sim)))
    seats = np.flatnonzero(is_village & (centre == np.arange(world.n_sim)))
    assert len(seats) == 9  # four of the thirteen districts have a town of the world for their centre
    for seat in seats:
        assert world.kind[seat] == "village"
        own = rural[villages.district[rural] == villages.district[seat]]
        received = moves[own, seat].sum()
        assert received > 20, world.ids[seat]
        assert received == moves[rural, seat].sum(), "people of another district came"
    towns = np.flatnonzero(~is_village)
    assert (moves[rural][:, towns].sum(axis=0) > 0).all()
    for name in ("petropavlovsk", "astana"):
        assert moves[rural, world.ids.index(name)].sum() > 0
    assert moves[np.ix_(rural, rural)].sum() == 0


def test_a_village_given_up_empties_and_nobody_comes_back(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    assert world.villages is not None
    values = defaults.with_values(QUIET | {"village_given_up": 0.5, "village_given_up_size": 0.0})
    engine = run(world, founding, values, 9)
    given_up = engine.village.given_up
    assert (given_up[~world.villages.is_village] == 0).all()
    first = (given_up == 2015) | (given_up == 2016)
    assert first.sum() > 30  # five per cent a year at most
    record = engine.record.column("population")
    assert record[-1, first].sum() < 0.05 * record[0, first].sum()
    empty = record == 0
    assert not (empty[:-1] & ~empty[1:]).any(), "an empty village came back to life"


def test_empty_villages_stay_empty_and_draw_nobody(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    engine = run(world, founding, defaults, 6)
    record = engine.record
    people, came = record.column("population"), record.column("in_migration")
    empty = people[:-1] == 0
    assert empty.any()
    assert (came[:-1][empty] == 0).all()


def test_size_slope_makes_small_villages_shrink_faster(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    assert world.villages is not None

    def slope(kappa: float) -> float:
        engine = run(world, founding, defaults.with_values(QUIET | {"village_slope": kappa}), 6)
        people = engine.record.column("population")
        chosen = world.villages.is_village & (people[0] >= 60)  # type: ignore[union-attr]
        x = np.log(people[0, chosen])
        y = np.log(np.maximum(people[-1, chosen], 1) / people[0, chosen])
        return float(np.polyfit(x, y, 1, w=np.sqrt(people[0, chosen]))[0]) / 6

    assert slope(0.3) - slope(0.0) > 0.008


def test_losing_the_last_school_lowers_services_and_a_good_road_softens_it(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    assert world.villages is not None
    values = defaults.with_values(QUIET)
    villages = world.villages
    far = villages.is_village & villages.rough_road & (villages.centre != np.arange(world.n_sim))
    far &= (world.founding_population > 200) & (villages.centre_km < 40)
    assert far.sum() > 20
    before = run(world, founding, values, 1)
    closed = run(world, founding, values, 1, school_closes=far)
    mended = run(world, founding, values, 1, school_closes=far, road_mended=far)
    assert (closed.state.level[far, SCHOOL] == 0).all()
    chosen = np.flatnonzero(far)
    one, two, three = (e.places.services[chosen] for e in (before, closed, mended))
    assert (two < one).all()
    assert (three > two).all()


def test_years_at_full_speed_stay_within_memory_and_moves_are_summed(
    world: World, founding: Founding, defaults: ParameterValues
) -> None:
    engine = run(world, founding, defaults, 2)
    record = engine.record
    assert record.flows.shape == (2, 1, world.n_all)
    departures = record.column("out_migration")[:-1].sum(axis=1)
    assert record.flows.sum(axis=(1, 2)).tolist() == departures.tolist()
    assert record.school.shape == (3, world.n_sim)
