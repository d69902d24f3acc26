"""Worlds of villages: the list, sizes, founders, choice sets, and a user's own list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.founding import Founding, build_founding
from model.parameters import ParameterSpace
from model.population import ADULT_AGE
from model.village_sizes import REMNANT_LARGEST, round_to
from model.villages import villages_of_seed
from model.world import DATA, World, WorldError, load_world


@pytest.fixture(scope="module")
def world() -> World:
    return load_world("villages")


@pytest.fixture(scope="module")
def founding(world: World) -> Founding:
    return build_founding(world)


def test_numbers_of_2015(world: World) -> None:
    villages = world.villages
    assert villages is not None
    assert int(villages.is_village.sum()) == 672  # 697 listed in 2013 less 25
    assert int(world.founding_population[villages.is_village].sum()) == 327_657
    for d in np.unique(villages.district):
        own = villages.district == d
        assert world.founding_population[own].sum() == villages.base.founding_population[d]
    assert int(world.founding_population.min()) >= 1


def test_another_founding_seed_draws_other_villages_of_the_same_districts(world: World) -> None:
    other = villages_of_seed(world, 7)
    assert other.villages is not None
    assert world.villages is not None
    assert other.digest != world.digest
    assert int(other.villages.is_village.sum()) == 672
    known = [site for site in world.villages.sites if site is not None and site.known]
    theirs = {site.id: site for site in other.villages.sites if site is not None}
    assert len(known) > 50
    assert all(theirs[site.id].people == site.people for site in known)
    shared = [
        (site.people, theirs[site.id].people)
        for site in world.villages.sites
        if site is not None and not site.known and site.id in theirs
    ]
    assert np.mean([one == two for one, two in shared]) < 0.1
    gone = {i for i in world.ids if "_v" in i} ^ {i for i in other.ids if "_v" in i}
    assert gone, "the same villages were gone by 2015"
    again = villages_of_seed(world, 7)
    assert again.ids == other.ids
    assert (again.founding_population == other.founding_population).all()


def test_the_lower_tail_is_fat(world: World) -> None:
    """Of a plain lognormal with as many villages under 50, fewer than half would have at most ten people."""
    small, tiny = [], []
    for seed in range(6):
        drawn = villages_of_seed(world, seed)
        assert drawn.villages is not None
        people = drawn.founding_population[drawn.villages.is_village]
        small.append((people < 50).sum())
        tiny.append((people <= 10).sum())
    assert 85 <= np.mean(small) <= 120
    assert 35 <= np.mean(tiny) <= 55
    assert REMNANT_LARGEST == 49


def test_synthetic_villages_say_so(world: World) -> None:
    villages = world.villages
    assert villages is not None
    names = world.names("en")
    for k, site in enumerate(villages.sites):
        if site is not None and not site.known:
            assert "synthetic" in names[k]
            assert not villages.known[k]
    assert any("size synthetic" in name for name in names)  # seats have a name, not a size


def test_choice_sets(world: World) -> None:
    villages = world.villages
    assert villages is not None
    outside = set(range(world.n_sim, world.n_all))
    towns = set(np.flatnonzero(~villages.is_village).tolist())
    for place in range(world.n_sim):
        chosen = set(villages.alternatives[place].tolist()) - {place}
        assert outside <= chosen
        inside = chosen - outside
        if villages.is_village[place]:
            assert inside <= towns | {int(villages.centre[place])}
            assert inside & towns
            if villages.centre[place] != place:
                assert int(villages.centre[place]) in inside
        else:
            assert inside == towns - {place}
    assert villages.alternatives.shape[1] <= 12  # cost grows with people, not with places squared


def test_districts_with_a_town_have_it_as_their_centre(world: World) -> None:
    villages = world.villages
    assert villages is not None
    for place in np.flatnonzero(villages.is_village):
        district = villages.holders[place]
        centre = int(villages.centre[place])
        if district == "mamlyut_rural":
            assert world.ids[centre] == "mamlyutka"
        if district == "kyzylzhar_rural":
            assert villages.is_village[centre]
            assert villages.holders[centre] == district
            assert world.founding_population[centre] > 3000


def test_founders_fill_every_village_with_an_adult(world: World, founding: Founding) -> None:
    households = founding.households
    size = np.diff(households.first)
    people = np.bincount(households.place, weights=size, minlength=world.n_sim)
    assert (people == world.founding_population).all()
    assert (np.diff(households.place.astype(int)) >= 0).all()
    place_of = np.repeat(households.place, size)
    adults = np.bincount(place_of[founding.people.age >= ADULT_AGE], minlength=world.n_sim)
    assert (adults >= 1).all()
    assert len(np.unique(founding.people.key)) == founding.n_people
    assert (households.key == founding.people.key[households.first[:-1]]).all()


def test_villages_share_their_districts_parameters(world: World) -> None:
    space = ParameterSpace(world)
    names = [p.name for p in space.parameters if p.declaration.name == "in_out"]
    assert len(names) == 17  # 13 districts and four towns
    values = space.defaults().with_values({"in_out.akzhar_rural": 0.31})
    by_place = values.by_place("in_out")
    own = [k for k, holder in enumerate(world.holders) if holder == "akzhar_rural"]
    assert len(own) > 20
    assert set(by_place[own]) == {0.31}
    assert "village_slope" in space.by_name
    assert "village_slope" not in ParameterSpace(load_world("towns")).by_name


def test_replicates_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="cannot be repeated"):
        build_founding(world, replicates=2)


def test_round_to() -> None:
    assert sum(round_to(np.array([1.0, 2.0, 1e-9]), 10, "x")) == 10
    assert min(round_to(np.array([1e3, 1e-9, 1e-9]), 7, "x")) == 1
    with pytest.raises(ValueError, match="at least one"):
        round_to(np.array([1.0, 1.0]), 1, "x")


def write_own_world(folder: Path, rows: list[str]) -> str:
    text = (DATA / "worlds" / "villages.toml").read_text(encoding="utf-8")
    folder.joinpath("mine.toml").write_text(
        text.replace("seed = 20150101", 'list = "mine.csv"'), encoding="utf-8"
    )
    head = "id,name,district,population_2015,lat,lon,source,quality,farm,rough_road"
    folder.joinpath("mine.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return str(folder / "mine.toml")


def own_rows(world: World, shares: tuple[float, ...] = (0.5, 0.3, 0.2)) -> list[str]:
    assert world.villages is not None
    base = world.villages.base
    rows = []
    for district, at in sorted(world.villages.coordinates.items()):
        total = int(base.founding_population[base.index(district)])
        sizes = [round(total * share) for share in shares]
        sizes[0] += total - sum(sizes)
        for k, people in enumerate(sizes):
            rows.append(
                f"{district}_real{k},Real {k},{district},{people},{at[0] + 0.1},{at[1]},census,user,1,0"
            )
    return rows


def test_a_users_list_replaces_the_drawn_villages(tmp_path: Path, world: World) -> None:
    own = load_world(write_own_world(tmp_path, own_rows(world)))
    villages = own.villages
    assert villages is not None
    assert int(villages.is_village.sum()) == 39
    assert villages.known.all()
    assert "Real 0" in own.names("en")
    seats = [
        villages.coordinates[name][0]
        for name, own in zip(villages.holders, villages.is_village, strict=False)
        if own
    ]
    assert villages.lat[villages.is_village] == pytest.approx(np.array(seats) + 0.1)
    assert villages.source.counted == {}  # counts of the drawn list say nothing of another one
    assert villages_of_seed(own, 99).founding_population.tolist() == own.founding_population.tolist()


def test_a_users_list_is_checked(tmp_path: Path, world: World) -> None:
    rows = own_rows(world)
    rows[0] = rows[0].replace("aiyrtau_rural,", "ayirtau_rural,")
    rows[4] = rows[3]
    rows[7] = rows[7].replace(",1,0", ",yes,0")
    fields = rows[10].split(",")
    fields[4:6] = fields[5], fields[4]
    rows[10] = ",".join(fields)
    fields = rows[12].split(",")
    fields[5] = ""
    rows[12] = ",".join(fields)
    with pytest.raises(WorldError) as error:
        load_world(write_own_world(tmp_path, rows))
    message = str(error.value)
    for expected in (
        "mine.csv:2: unknown district 'ayirtau_rural'; nearest valid name: 'aiyrtau_rural'",
        "stands already at line 5",
        "column 'farm' holds 'yes', expected 0, 1 or nothing",
        "aiyrtau_rural",
        "expected within 5 %",
        "mine.csv:12: lat",
        "expected at most 250 km (lat is north, lon east)",
        "mine.csv:14: give both lat and lon, or neither",
    ):
        assert expected in message, message
