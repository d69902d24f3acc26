"""Births, deaths, unions and households: probabilities by hand, counts within chance, nobody lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from model import draws
from model.demography import Candidates, birth_probabilities, death_probabilities, pair_on_circle
from model.engine import Engine
from model.founding import Founding
from model.parameters import ParameterSpace
from model.person_year import newborn_key
from model.population import AGES, FEMALE, LAST_AGE, PARTNER, new_people
from model.world import World

SEEDS = 40


def live_rows(engine: Engine) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Household number and row of every living person."""
    first = engine.households.first[: engine.n_households + 1].astype(np.int64)
    home = np.repeat(np.arange(engine.n_households), np.diff(first))
    return home, np.arange(first[0], first[-1])


def homes(engine: Engine) -> dict[int, tuple[int, int]]:
    """Household key and place of every living person, by key."""
    home, rows = live_rows(engine)
    keys = engine.people.key[rows].tolist()
    return dict(
        zip(
            keys,
            zip(engine.households.key[home].tolist(), engine.households.place[home].tolist(), strict=True),
            strict=True,
        )
    )


# ---- probabilities ----


def test_death_probabilities_by_hand(towns: World) -> None:
    rates = np.zeros((2, AGES))
    rates[0, 0], rates[0, 1], rates[0, 2] = 0.010, 0.002, 0.001
    rates[1, 60], rates[1, 61], rates[1, LAST_AGE] = 0.02, 0.04, 0.5
    death, newborn = np.empty((2, AGES)), np.empty(2)
    death_probabilities(rates, 1.5, 0.8, death, newborn)
    assert newborn[0] == pytest.approx(1 - math.exp(-1.5 * 0.8 * 0.010), rel=1e-12)
    assert death[0, 0] == pytest.approx(1 - math.exp(-1.5 * (0.2 * 0.010 + 0.5 * 0.002)), rel=1e-12)
    assert death[0, 1] == pytest.approx(1 - math.exp(-1.5 * 0.0015), rel=1e-12)
    assert death[1, 60] == pytest.approx(1 - math.exp(-1.5 * 0.03), rel=1e-12)
    assert death[1, 59] == pytest.approx(1 - math.exp(-1.5 * 0.01), rel=1e-12)
    assert death[1, LAST_AGE] == pytest.approx(1 - math.exp(-1.5 * 0.5), rel=1e-12)
    death_probabilities(towns.schedules.mortality, 1.0, 0.8, death, newborn)
    assert ((death > 0) & (death < 1)).all()
    assert (death[0, 30:90] > death[1, 30:90]).all(), "men die earlier"


def test_birth_probabilities_by_hand(towns: World) -> None:
    birth = np.empty(AGES)
    shape = towns.schedules.fertility
    assert shape.sum() == pytest.approx(1.0)
    assert shape[15:20].sum() == pytest.approx(0.050 / 0.999, rel=1e-3)
    assert shape[20:25].sum() == pytest.approx(0.291 / 0.999, rel=1e-3)
    birth_probabilities(shape, 1.9, birth)
    assert birth[14] == pytest.approx(0.5 * 1.9 * shape[15])
    assert birth[24] == pytest.approx(0.5 * 1.9 * (shape[24] + shape[25]))
    assert birth[49] == pytest.approx(0.5 * 1.9 * shape[49])
    assert birth[:14].sum() == birth[50:].sum() == 0.0
    assert birth.sum() == pytest.approx(1.9, rel=1e-12), "a cohort bears TFR children"
    birth_probabilities(shape, 1e6, birth)
    assert birth.max() == 1.0


def test_fertility_and_mortality_follow_their_trends(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values(
        {"g_f": -0.02, "mortality_2020": 1.2, "mortality_2021": 1.3, "mortality_improvement": 0.01}
    )
    outlook = Engine(towns, towns_founding, values, np.uint64(1), horizon=2026).outlook
    assert outlook.tfr == pytest.approx([1.9 * math.exp(-0.02 * t) for t in range(11)])
    assert outlook.mortality == pytest.approx(
        [1.0] * 5 + [1.2, 1.3] + [math.exp(-0.01 * k) for k in range(1, 5)]
    )


# ---- counts against their expectation ----


def test_births_and_deaths_of_a_year_stay_within_chance(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    """Given who was there to be struck, deaths and births are sums of independent draws of known chance."""
    values = towns_space.defaults()
    deaths = expected = variance = np.zeros((2, AGES))
    births = wanted = spread = boys = newborn_deaths = newborn_wanted = 0.0
    for replicate in range(SEEDS):
        engine = Engine(towns, towns_founding, values, draws.run_seed(7, 0, replicate), horizon=2016)
        engine.step()
        ledger, vital = engine.ledger, engine.vital
        exposed = ledger.stock - ledger.departures + ledger.arrivals
        deaths = deaths + ledger.deaths.sum(axis=0)
        expected = expected + (exposed * vital.death).sum(axis=0)
        variance = variance + (exposed * vital.death * (1 - vital.death)).sum(axis=0)
        chance = (1 - vital.death[:, 1]) * vital.birth[:, 1]
        births += ledger.births.sum()
        wanted += (exposed[:, 1] * chance).sum()
        spread += (exposed[:, 1] * chance * (1 - chance)).sum()
        boys += ledger.births[:, 0].sum()
        newborn_deaths += ledger.newborn_deaths.sum()
        newborn_wanted += (ledger.births * vital.newborn).sum()
    for low, high in ((0, 1), (1, 15), (15, 45), (45, 65), (65, AGES)):
        for sex in range(2):
            band = (sex, slice(low, high))
            gap = deaths[band].sum() - expected[band].sum()
            assert abs(gap) < 4 * math.sqrt(variance[band].sum()), (sex, low, high)
    assert abs(deaths.sum() - expected.sum()) < 4 * math.sqrt(variance.sum())
    assert abs(births - wanted) < 4 * math.sqrt(spread)
    assert abs(boys - 0.515 * births) < 4 * math.sqrt(0.25 * births)
    assert abs(newborn_deaths - newborn_wanted) < 4 * math.sqrt(newborn_wanted)
    assert expected.sum() > 15_000, "a test of this size sees an error of two per cent"


def test_first_years_births_and_deaths_are_those_of_2013_2017(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values({"leaving": 0.002, "p_edu": 0.0})
    values = values.with_values({f"in_out.{place}": 0.0 for place in towns.ids[:4]})
    births, deaths = np.zeros(4), np.zeros(4)
    for replicate in range(SEEDS):
        engine = Engine(towns, towns_founding, values, draws.run_seed(9, 0, replicate), horizon=2016)
        engine.step()
        births += engine.record.column("births")[0]
        deaths += engine.record.column("deaths")[0]
    for counted, mean in ((births, towns.founding_births), (deaths, towns.founding_deaths)):
        # A few people leave before they can be struck, hence half a per cent beside chance.
        assert (np.abs(counted - SEEDS * mean) < 4 * np.sqrt(SEEDS * mean) + 0.005 * SEEDS * mean).all()


# ---- unions ----


def circle(n: int, seed: int) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Positions and sexes of candidates of one group."""
    salted = draws.salt_of(np.uint64(seed), 2015, draws.PAIRING)
    position = np.array([draws.draw(np.uint64(k), salted) for k in range(n)], np.uint64)
    woman = np.array(
        [
            draws.uniform(np.uint64(k), draws.salt_of(np.uint64(seed), 0, draws.NEWBORN_SEX)) < 0.5
            for k in range(n)
        ]
    )
    return position, woman


def pair(position: NDArray[np.uint64], woman: NDArray[np.bool_], household: NDArray[np.int32] | None = None,
         group: NDArray[np.int32] | None = None) -> set[tuple[int, int]]:  # fmt: skip
    """Couples (woman, man) that the model forms of these candidates."""
    n = len(position)
    people = new_people(n)
    people.traits[:] = woman.astype(np.uint8) * FEMALE
    numbers = np.arange(n, dtype=np.int32)
    groups = np.zeros(n, np.int32) if group is None else group
    candidates = Candidates(numbers, numbers if household is None else household, groups, position)
    pairs, fate = np.empty((n, 2), np.int32), np.zeros(n, np.uint8)
    formed = pair_on_circle(candidates, n, people, int(groups.max()) + 1, fate, pairs)
    return {(int(w), int(m)) for w, m in pairs[:formed]}


def by_hand(position: NDArray[np.uint64], woman: NDArray[np.bool_]) -> set[tuple[int, int]]:
    """Each woman takes the nearest preceding free man on the circle: repeat until no couple can be formed."""
    order = [int(k) for k in np.argsort(position, kind="stable")]
    couples = set()
    found = True
    while found:
        found = False
        for k in range(len(order)):
            man, following = order[k - 1], order[k]
            if len(order) > 1 and woman[following] and not woman[man]:
                couples.add((following, man))
                order = [c for c in order if c not in (man, following)]
                found = True
                break
    return couples


@pytest.mark.parametrize("seed", range(6))
def test_women_take_the_nearest_preceding_free_man(seed: int) -> None:
    position, woman = circle(61, seed)
    couples = pair(position, woman)
    assert couples == by_hand(position, woman)
    assert len(couples) == min(woman.sum(), (~woman).sum())


def test_one_more_single_changes_few_couples() -> None:
    n = 1000
    position, woman = circle(n + 40, 3)
    order = np.random.default_rng(1).permutation(n)  # who comes first in the file must not matter
    before = pair(position[:n], woman[:n])
    assert pair(position[order], woman[order]) == {
        (int(np.where(order == w)[0][0]), int(np.where(order == m)[0][0])) for w, m in before
    }
    changed = []
    for extra in range(40):
        rows = np.append(np.arange(n), n + extra)
        after = pair(position[rows], woman[rows])
        changed.append(len(before - after))
    assert len(before) > 450
    assert np.mean(changed) < 40
    assert np.median(changed) < 25


def test_one_household_and_two_age_cells_never_pair() -> None:
    position, woman = circle(200, 5)
    together = np.zeros(200, np.int32)
    assert pair(position, woman, household=together) == set()
    cell = (np.arange(200) % 2).astype(np.int32)
    couples = pair(position, woman, group=cell)
    assert couples
    assert all(cell[w] == cell[m] for w, m in couples)


# ---- households of the running model ----


def test_nobody_is_lost(small_world: World, small_founding: Founding, small_space: ParameterSpace) -> None:
    """Keys of people, followed one by one beside the model's own accounts."""
    engine = Engine(
        small_world, small_founding, small_space.defaults(), draws.run_seed(3, 0, 0), horizon=2027
    )
    before = homes(engine)
    while engine.year < engine.horizon:
        mothers = list(before)
        year = engine.year
        engine.step()
        after = homes(engine)
        first = engine.households.first[: engine.n_households + 1]
        assert first[0] == 0
        assert first[-1] == engine.n_people == len(after), "everyone lives in exactly one household"
        assert (np.diff(first) >= 1).all(), "no household is empty"
        assert len(np.unique(engine.households.key[: engine.n_households])) == engine.n_households
        ledger = engine.ledger
        gone, come = before.keys() - after.keys(), after.keys() - before.keys()
        outside = ledger.flows[:, small_world.n_sim :].sum()
        arrived = ledger.arrivals_from.sum()
        born = ledger.births.sum() - ledger.newborn_deaths.sum()
        died = ledger.deaths.sum()
        assert len(after) == len(before) - died - outside + arrived + born
        # Only those who arrived and died in the same year are not seen here.
        assert died + outside - 5 <= len(gone) <= died + outside
        children = {int(newborn_key(np.uint64(mother), year)) for mother in mothers}
        # Mothers who arrived this year are not among `mothers`.
        assert born - 0.1 * arrived - 2 <= len(come & children) <= born
        before = after


def adults_by_home(engine: Engine) -> NDArray[np.int64]:
    home, rows = live_rows(engine)
    return np.bincount(home, weights=engine.people.age[rows] >= 18, minlength=engine.n_households).astype(
        np.int64
    )


def test_orphans_are_rehoused_together_and_no_child_lives_alone(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    deadly = {f"mortality.{place}": 2.0 for place in towns.ids[:4]}
    still = {"leaving": 0.002, "p_edu": 0.0, **{f"in_out.{place}": 0.0 for place in towns.ids[:4]}}
    values = towns_space.defaults().with_values({**deadly, **still, "divorce_rate": 0.1})
    engine = Engine(towns, towns_founding, values, draws.run_seed(4, 0, 0), horizon=2019)
    orphans = 0
    while engine.year < engine.horizon:
        home, rows = live_rows(engine)
        key, age = engine.people.key[rows], engine.people.age[rows].astype(int)
        place = engine.households.place[home]
        engine.step()
        assert (adults_by_home(engine) >= 1).all(), "a child lives without an adult"
        after = homes(engine)
        alive = np.array([int(k) in after for k in key])
        grown = np.bincount(home, weights=age >= 17)  # 18 at the end of the year
        survivors = np.bincount(home, weights=(age >= 17) & alive)
        bereft = np.where((grown > 0) & (survivors == 0))[0]
        for h in bereft:
            children = [int(k) for k in key[(home == h) & alive]]
            hosts = {after[child] for child in children}
            assert len(hosts) <= 1, "siblings stay together"
            assert all(host[1] == place[home == h][0] for host in hosts), "in their own place"
            orphans += len(children)
    assert orphans > 10


def test_a_widow_becomes_the_reference_person(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values({"divorce_rate": 0.0, "leaving": 0.002})
    engine = Engine(towns, towns_founding, values, draws.run_seed(5, 0, 0), horizon=2016)
    first = engine.households.first[: engine.n_households].astype(np.int64)
    first = first[np.diff(engine.households.first[: engine.n_households + 1]) >= 2]
    couples = first[(engine.people.traits[first + 1] & PARTNER) != 0]
    pairs = [(int(engine.people.key[r]), int(engine.people.key[r + 1])) for r in couples]
    before = homes(engine)
    engine.step()
    after = homes(engine)
    heads = dict(
        zip(
            engine.households.key[: engine.n_households].tolist(),
            engine.households.first[: engine.n_households].tolist(),
            strict=True,
        )
    )
    widowed = 0
    for head, partner in pairs:
        household = before[head][0]
        if head in after or partner not in after or after[partner][0] != household:
            continue
        row = heads[household]
        assert int(engine.people.key[row]) == partner
        assert not engine.people.traits[row] & PARTNER, "the widowed are single again"
        widowed += 1
    assert widowed > 40


def test_couples_part_at_the_rate_of_divorce(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    values = towns_space.defaults().with_values({"divorce_rate": 0.3, "leaving": 0.002})
    engine = Engine(towns, towns_founding, values, draws.run_seed(6, 0, 0), horizon=2016)
    first = engine.households.first[: engine.n_households].astype(np.int64)
    first = first[np.diff(engine.households.first[: engine.n_households + 1]) >= 2]
    couples = first[(engine.people.traits[first + 1] & PARTNER) != 0]
    pairs = []
    for r in couples:
        man, woman = (r, r + 1) if not engine.people.traits[r] & FEMALE else (r + 1, r)
        end = engine.households.first[
            np.searchsorted(engine.households.first[: engine.n_households + 1], r, side="right")
        ]
        minors = [int(engine.people.key[i]) for i in range(r + 2, end) if engine.people.age[i] < 15]
        pairs.append((int(engine.people.key[man]), int(engine.people.key[woman]), minors))
    engine.step()
    after = homes(engine)
    both = [(m, w, minors) for m, w, minors in pairs if m in after and w in after]
    apart = [(m, w, minors) for m, w, minors in both if after[m][0] != after[w][0]]
    assert abs(len(apart) - 0.3 * len(both)) < 4 * math.sqrt(0.21 * len(both))
    with_mother = [
        after[child][0] == after[w][0] for _, w, minors in apart for child in minors if child in after
    ]
    assert len(with_mother) > 300
    assert np.mean(with_mother) > 0.995, "children stay with the mother"
    assert all(after[m][0] == m and after[w][0] == w for m, w, _ in apart), "each household is keyed anew"


def test_young_singles_form_couples_and_leave_home(
    towns: World, towns_founding: Founding, towns_space: ParameterSpace
) -> None:
    still = {"leaving": 0.002, "p_edu": 0.0}

    def singles_and_homes(**rates: float) -> tuple[int, int]:
        engine = Engine(
            towns,
            towns_founding,
            towns_space.defaults().with_values({**still, **rates}),
            draws.run_seed(8, 0, 0),
            horizon=2016,
        )
        engine.step()
        first = engine.households.first[: engine.n_households].astype(np.int64)
        first = first[np.diff(engine.households.first[: engine.n_households + 1]) >= 2]
        return int(((engine.people.traits[first + 1] & PARTNER) != 0).sum()), engine.n_households

    none = singles_and_homes(union_rate=0.0, leaving_home_rate=0.0, divorce_rate=0.0)
    unions = singles_and_homes(union_rate=0.2, leaving_home_rate=0.0, divorce_rate=0.0)
    leaving = singles_and_homes(union_rate=0.0, leaving_home_rate=0.2, divorce_rate=0.0)
    assert unions[0] > none[0] + 100
    assert leaving[0] == none[0]
    assert leaving[1] > none[1] + 200
