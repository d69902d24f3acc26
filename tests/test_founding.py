"""The founding population: exact totals, vital events of 2013-2017 in expectation, plausible households."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model import draws
from model.demography import new_vital, vital_rates
from model.founding import FOUNDING_SEED, Founding, build_founding, round_counts
from model.parameters import ParameterSpace
from model.population import ADULT_AGE, AGES, FEMALE, PARTNER
from model.world import World

LARGEST_HOUSEHOLD = 14


def counts_of(world: World, founding: Founding) -> NDArray[np.int64]:
    """Persons by place, sex and age, counted independently of the model."""
    sizes = np.diff(founding.households.first)
    place = np.repeat(founding.households.place, sizes).astype(int)
    sex = (founding.people.traits & FEMALE).astype(int)
    counts = np.zeros((world.n_sim, 2, AGES), np.int64)
    np.add.at(counts, (place, sex, founding.people.age.astype(int)), 1)
    return counts


def expected_events(
    world: World, space: ParameterSpace, founding: Founding
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Births and deaths that the model expects of the founders at rates of 2015, before anyone moves."""
    values = space.defaults()
    vital = new_vital(world.n_sim)
    vital_rates(
        world.schedules.mortality, world.schedules.fertility, values["tfr"], 1.0, founding.fertility_offset,
        founding.mortality_offset, values["infant_first_year"], vital,
    )  # fmt: skip
    stock = counts_of(world, founding).astype(float)
    births = (stock * (1.0 - vital.death) * vital.birth).sum(axis=(1, 2))
    boys = values["male_births"]
    newborn = births * (boys * vital.newborn[:, 0] + (1.0 - boys) * vital.newborn[:, 1])
    return births, (stock * vital.death).sum(axis=(1, 2)) + newborn


def columns_of(founding: Founding) -> list[NDArray[Any]]:
    return [*founding.people, *founding.households]


def couples_of(founding: Founding) -> NDArray[np.int64]:
    """Rows of reference persons who live with a partner, who stands next."""
    first = founding.households.first[:-1].astype(np.int64)
    first = first[np.diff(founding.households.first) >= 2]
    rows: NDArray[np.int64] = first[(founding.people.traits[first + 1] & PARTNER) != 0]
    return rows


@pytest.mark.parametrize("name", ["towns", "small"])
def test_every_place_has_its_published_number_of_people(name: str, request: pytest.FixtureRequest) -> None:
    world: World = request.getfixturevalue("towns" if name == "towns" else "small_world")
    founding: Founding = request.getfixturevalue(f"{name}_founding")
    counts = counts_of(world, founding)
    assert (counts.sum(axis=(1, 2)) == world.founding_population).all()
    assert founding.n_people == world.founding_population.sum() == len(founding.people.key)
    assert (np.diff(founding.households.place.astype(int)) >= 0).all()


def test_expected_births_and_deaths_are_the_means_of_2013_2017(
    towns: World, towns_space: ParameterSpace, towns_founding: Founding
) -> None:
    births, deaths = expected_events(towns, towns_space, towns_founding)
    assert births == pytest.approx(towns.founding_births, rel=EVENTS_TOLERANCE)
    assert deaths == pytest.approx(towns.founding_deaths, rel=EVENTS_TOLERANCE)


EVENTS_TOLERANCE = 1e-6


def test_whole_persons_stay_within_one_of_their_expectation() -> None:
    expected = np.abs(np.sin(np.arange(2 * AGES))).reshape(2, AGES) * 9.0
    total = round(float(expected.sum()))
    expected *= total / expected.sum()
    for offset in (0.0, 0.31, 0.999):
        counts = np.empty((2, AGES), np.int64)
        round_counts(expected, total, offset, counts)
        assert counts.sum() == total
        assert (counts >= 0).all()
        assert np.abs(counts - expected).max() < 1.0 + 1e-9


def test_nobody_is_two_people(towns_founding: Founding, small_founding: Founding) -> None:
    for founding in (towns_founding, small_founding):
        assert len(np.unique(founding.people.key)) == founding.n_people
        first = founding.households.first
        assert first[0] == 0
        assert first[-1] == founding.n_people
        assert (np.diff(first) >= 1).all()
        assert (founding.households.key == founding.people.key[first[:-1]]).all()


def test_households_are_plausible(towns_founding: Founding, capsys: pytest.CaptureFixture[str]) -> None:
    people, households = towns_founding.people, towns_founding.households
    sizes = np.diff(households.first)
    age = people.age.astype(int)
    adults = np.add.reduceat((age >= ADULT_AGE).astype(int), households.first[:-1])
    assert (adults >= 1).all(), "children live without an adult"
    assert (age[households.first[:-1]] >= ADULT_AGE).all(), "a child is a reference person"
    assert sizes.mean() == pytest.approx(towns_founding.household_size, rel=0.01)
    assert sizes.max() <= LARGEST_HOUSEHOLD
    shares = np.bincount(np.minimum(sizes, 6), minlength=7)[1:] / len(sizes)
    assert 0.15 < shares[0] < 0.35
    assert (np.diff(shares[1:5]) < 0).all(), "larger households are rarer from two persons on"
    assert (sizes > 8).mean() < 0.01
    rows = couples_of(towns_founding)
    sex = people.traits & FEMALE
    assert (sex[rows] != sex[rows + 1]).all()
    assert (age[rows] >= ADULT_AGE).all()
    assert (age[rows + 1] >= ADULT_AGE).all()
    gap = np.where(sex[rows] == 0, age[rows] - age[rows + 1], age[rows + 1] - age[rows])
    assert 0.5 < gap.mean() < 3.5
    assert 2.0 < gap.std() < 5.0
    assert (np.abs(gap) <= 15).all()
    in_couples = 2 * len(rows) / (age >= ADULT_AGE).sum()
    assert 0.5 < in_couples < 0.75
    minors = np.add.reduceat((age < ADULT_AGE).astype(int), households.first[:-1])
    families = minors > 0
    couple = np.isin(households.first[:-1], rows)
    old_alone = (sizes[age[households.first[:-1]] >= 65] == 1).sum() / (age >= 65).sum()
    table = [
        "founding households of the four towns",
        f"  households {len(sizes)}, mean size {sizes.mean():.2f} (wanted 2.7), largest {sizes.max()}",
        "  persons        " + "".join(f"{k:>7}" for k in ("1", "2", "3", "4", "5", "6+")),
        "  share          " + "".join(f"{share:7.3f}" for share in shares),
        f"  adults in couples {in_couples:.1%}; husband older by {gap.mean():.1f} years (sd {gap.std():.1f})",
        f"  with children {families.mean():.1%}, of these with a couple {couple[families].mean():.1%}",
        f"  people of 65 and over living alone {old_alone:.1%}",
    ]
    assert 0.6 < couple[families].mean() < 0.95
    with capsys.disabled():
        print("\n" + "\n".join(table))


@pytest.mark.parametrize("size", [2.4, 2.7, 3.1])
def test_the_mean_size_of_households_is_met(towns: World, size: float) -> None:
    founding = build_founding(towns, household_size=size)
    assert founding.n_people / founding.n_households == pytest.approx(size, rel=0.015)


def test_the_founding_seed_and_the_replicates_matter(small_world: World, small_founding: Founding) -> None:
    again = build_founding(small_world)
    other = build_founding(small_world, seed=FOUNDING_SEED + 1)
    assert all(
        (one == two).all() for one, two in zip(columns_of(small_founding), columns_of(again), strict=True)
    )
    assert not np.intersect1d(small_founding.people.key, other.people.key).size
    assert (small_founding.households.first[:200] != other.households.first[:200]).any()
    twice = build_founding(small_world, replicates=2)
    assert twice.n_people == 2 * small_founding.n_people
    assert len(np.unique(twice.people.key)) == twice.n_people


def test_founders_are_read_only(small_founding: Founding) -> None:
    with pytest.raises(ValueError, match="read-only"):
        small_founding.people.age[0] = 1


def test_templates_of_migrant_households_are_young_and_whole(towns_founding: Founding) -> None:
    templates = towns_founding.templates
    sizes = np.diff(templates.first)
    assert towns_founding.template_size == pytest.approx(sizes.mean())
    heads = templates.age[templates.first[:-1]].astype(int)
    founders = towns_founding.people.age[towns_founding.households.first[:-1]].astype(int)
    assert (heads >= ADULT_AGE).all()
    assert heads.mean() < founders.mean() - 5
    # Sampled by readiness to move: shares of the heads' ages follow founders x Rogers-Castro.
    ages = np.arange(AGES)
    profile = (
        0.02 * np.exp(-0.10 * ages) + 0.06 * np.exp(-0.10 * (ages - 20) - np.exp(-0.40 * (ages - 20))) + 0.003
    )
    wanted = np.bincount(founders, minlength=AGES) * profile
    wanted /= wanted.sum()
    got = np.bincount(heads, minlength=AGES) / len(heads)
    bands = [slice(18, 30), slice(30, 45), slice(45, 65), slice(65, AGES)]
    assert [got[b].sum() for b in bands] == pytest.approx([wanted[b].sum() for b in bands], abs=0.015)


def test_skill_follows_its_schedule(towns: World, towns_founding: Founding) -> None:
    people = towns_founding.people
    age, sex = people.age.astype(int), (people.traits & FEMALE).astype(int)
    skilled = (people.traits & 2) != 0
    expected = towns.schedules.skilled[sex, age]
    for low, high in ((25, 40), (40, 60), (60, AGES)):
        band = (age >= low) & (age < high)
        sd = np.sqrt((expected[band] * (1 - expected[band])).sum())
        assert abs(skilled[band].sum() - expected[band].sum()) < 4 * sd


def test_the_seed_of_a_founder_key_is_the_founding_seed(towns: World) -> None:
    one = build_founding(towns, seed=5)
    two = build_founding(towns, seed=5, household_size=3.0)
    assert (np.sort(one.people.key) == np.sort(two.people.key)).all()
    assert int(draws.run_seed(5, 0, 0)) != int(draws.run_seed(6, 0, 0))
