"""Worlds: the interface that the model reads, a user's own world, and what it may leave out."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.geography import road_distances
from model.world import World, WorldError, load_world, shipped_worlds
from tests.own_world import copy_of_template, edit


@pytest.fixture
def own_world(tmp_path: Path) -> Path:
    return copy_of_template(tmp_path)


def test_shipped_worlds() -> None:
    assert shipped_worlds() == ("region", "template", "towns", "villages")


@pytest.mark.parametrize(
    ("name", "n_sim", "n_all", "people"), [("towns", 4, 15, 33_645), ("region", 18, 24, 570_888)]
)
def test_sizes(name: str, n_sim: int, n_all: int, people: int) -> None:
    world = load_world(name)
    assert (world.n_sim, world.n_all, int(world.founding_population.sum())) == (n_sim, n_all, people)
    assert (world.name, world.start) == (name, 2015)
    assert len(world.digest) == 64


@pytest.mark.parametrize("name", ["towns", "region", "template"])
def test_shapes_types_and_order(name: str) -> None:
    world = load_world(name)
    s, n = world.n_sim, world.n_all
    assert list(world.ids) == [*sorted(world.ids[:s]), *sorted(world.ids[s:])]
    assert set(world.role[:s]) == {"simulated"}
    assert "simulated" not in world.role[s:]
    shapes = {
        "road_km": (n, n),
        "wear_2015": (s, 4),
        "kin_share": (s, 2),
        "local_budget": (s, 6),
        "commuting_centre": (s,),
        "founding_population": (s,),
        "founding_births": (s,),
        "leaving_rate_ratio": (s,),
        "size_2015": (n,),
        "arrival_origin_share": (n,),
        "labour_force_external": (n,),
    }
    for name_of_array, shape in shapes.items():
        assert getattr(world, name_of_array).shape == shape, name_of_array
    for field in dataclasses.fields(world):
        value = getattr(world, field.name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable, field.name
            assert value.dtype.kind in "bi" or np.isfinite(value).all(), field.name
    for field in dataclasses.fields(world.schedules):
        assert not getattr(world.schedules, field.name).flags.writeable, field.name
    for lang in ("en", "ru", "kk"):
        assert len(world.names(lang)) == n
    assert np.allclose(1 - world.wear_2015.mean(axis=1), world.infrastructure_Q[:s])


@pytest.mark.parametrize("name", ["towns", "region", "template"])
def test_roads_are_symmetric_and_at_least_15_km(name: str) -> None:
    km = load_world(name).road_km
    assert (km == km.T).all()
    assert (np.diag(km) == 0).all()
    assert km[~np.eye(len(km), dtype=bool)].min() >= 15


def test_road_distances_against_known_ones() -> None:
    quarter = road_distances([0, 0, 90], [0, 90, 0])
    assert quarter[0, 1] == pytest.approx(6371.0 * np.pi / 2 * 1.2, rel=1e-12)
    assert quarter[[0, 1], 2] == pytest.approx(quarter[0, 1], rel=1e-12)
    assert road_distances([54.0, 54.0], [69.0, 69.0])[0, 1] == 15


def test_towns_world() -> None:
    world = load_world("towns")
    assert world.ids[:4] == ("bulaevo", "mamlyutka", "sergeevka", "tayynsha")
    own = [world.ids[i] for i in world.hinterland[:4]]
    assert own == ["zhumabaev_rural", "mamlyut_rural", "shal_akyn_rural", "taiynsha_district_rural"]
    decline = {world.ids[i]: world.hinterland_decline[i] for i in world.hinterland[:4]}
    assert list(decline.values()) == [0.028, 0.029, 0.040, 0.024]
    centres = [world.ids[i] for i in world.commuting_centre]
    assert centres == ["petropavlovsk", "petropavlovsk", "kokshetau", "kokshetau"]
    assert world.arrival_origin_share.sum() == pytest.approx(1)
    assert not world.arrival_origin_share[~world.is_destination].any()
    hub = world.index("petropavlovsk")
    assert (world.size_2015[hub], world.labour_force_external[hub]) == (209_586, 114_691)
    assert world.russia_share_of == "leavers"
    assert [world.ids[i] for i in np.flatnonzero(world.nest)] == ["kurgan", "omsk", "tyumen"]


def test_region_world() -> None:
    world = load_world("region")
    hub = world.index("petropavlovsk")
    assert world.role[hub] == "simulated"
    assert world.commuting_centre[hub] == -1
    assert world.commuting_centre[world.index("kyzylzhar_rural")] == hub
    assert not world.hinterland_decline.any()
    assert not world.arrival_origin_share[: world.n_sim].any()
    assert world.leaving_rate_ratio[hub] == 0.8
    assert world.leaving_rate_ratio[world.index("esil_rural")] == 2.0
    assert world.russia_share_of == "leavers_outside"


def test_a_world_pickles_and_copies_share_it() -> None:
    world = load_world("towns")
    assert copy.deepcopy(world) is world
    again = pickle.loads(pickle.dumps(world))
    assert again.digest == world.digest
    assert again.drivers.wage_real("nkr", 2015) == world.drivers.wage_real("nkr", 2015)


def test_loading_is_quick() -> None:
    def seconds() -> float:
        begin = time.process_time()
        load_world("towns")
        return time.process_time() - begin

    # Usually 0.03 s; the bound only catches a reader that has become slower by an order of magnitude
    assert min(seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize(
    ("name", "hint"),
    [("town", "'towns'"), ("regoin", "'region'"), ("", ".toml file"), ("x.toml", "no such file")],
)
def test_unknown_world(name: str, hint: str) -> None:
    with pytest.raises(WorldError, match="world") as error:
        load_world(name)
    assert hint in str(error.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda w: w.index("mamlutka"), ("no place 'mamlutka'", "'mamlyutka'")),
        (lambda w: w.names("de"), ("unknown language 'de'", "en, kk, ru")),
        (
            lambda w: w.accounts.value("bulaevo", "births", 2021),
            ("no births of 'bulaevo' for 2021", "2009-2020"),
        ),
        (lambda w: w.accounts.series("bulaevo", "birth"), ("unknown variable 'birth'", "'births'")),
        (lambda w: w.accounts.series("bulaev", "births"), ("'bulaev'", "'bulaevo'")),
        (lambda w: w.accounts.series("omsk", "births"), ("no figures of 'omsk'",)),
        (lambda w: w.drivers.wage_real("omsk", 2015), ("'omsk' are not in KZT",)),
        (lambda w: w.drivers.wage_real_russia("nkr", 2015), ("'nkr' are not in RUB",)),
        (lambda w: w.drivers.wage_real("nkr", 2030), ("2030", "2013-2023")),
        (lambda w: w.drivers.series("nkrr", "wage_monthly_nominal"), ("'nkrr'", "'nkr'")),
        (lambda w: w.drivers.exchange(2015, "mark"), ("unknown rate 'mark'", "'market'")),
        (lambda w: w.drivers.rent("omsk", 2015), ("rent_m2_month of 'omsk'",)),
    ],
)
def test_a_wrong_question_names_the_nearest_answer(
    call: Callable[[World], object], words: tuple[str, ...]
) -> None:
    with pytest.raises(WorldError) as error:
        call(load_world("towns"))
    assert all(word in str(error.value) for word in words), str(error.value)


def test_own_world_has_its_own_places_accounts_and_drivers(own_world: Path) -> None:
    world = load_world(str(own_world))
    assert world.name == "own"
    assert world.ids == ("samplestead", "omsk", "petropavlovsk", "samplestead_villages")
    assert world.hinterland.tolist() == [3, -1, -1, -1]
    assert world.founding_population.tolist() == [5210]
    assert world.wear_2015.tolist() == [[0.80, 0.75, 0.70, 0.75]]
    assert world.infrastructure_Q[0] == pytest.approx(0.25)
    assert world.road_km[0, 2] == world.road_km[2, 0] == 112
    assert (world.leaving_rate_ratio[0], world.formal_jobs_share[0]) == (1.1, 0.75)
    assert world.kin_share.tolist() == [[0.6, 0.3]]
    assert world.size_2015.tolist() == [5210, 1_173_000, 209_586, 9000]
    assert world.drivers.wage_real("uplands", 2020) == 149_600
    assert world.local_budget.tolist() == [[0, 0, 3.5, 5.2, 12.8, 18.4]]
    # Accounts that start in 2013 hold no rate of 2009-2014: that of 2015-2020 stands for both
    assert world.net_rate_2009_2014[0] == world.net_rate_2015_2020[0]
    # The shipped figures are still there
    assert world.accounts.value("bulaevo", "births", 2015) == 122


def test_own_figures_replace_shipped_ones(own_world: Path) -> None:
    with (own_world.parent / "template" / "accounts.csv").open("a", encoding="utf-8") as file:
        file.write("petropavlovsk,population_1jan,persons,2015,200000,own count,user\n")
    with (own_world.parent / "template" / "drivers.csv").open("a", encoding="utf-8") as file:
        file.write("nkr,wage_monthly_nominal,KZT,2015,90000,own wage,user\n")
    world = load_world(str(own_world))
    assert world.size_2015[world.index("petropavlovsk")] == 200_000
    assert world.drivers.series("nkr", "wage_monthly_nominal")[2015] == 90_000
    net = world.accounts.value("petropavlovsk", "net_migration_implied", 2015)
    assert net == world.accounts.implied_net_migration("petropavlovsk", 2015)


def test_order_of_lines_and_of_places_does_not_matter(own_world: Path) -> None:
    before = load_world(str(own_world))
    for path in (own_world.parent / "template").glob("*.csv"):
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        random.Random(5).shuffle(lines)
        path.write_text("\n".join([head, *lines]), encoding="utf-8")
    edit(own_world, "own.toml", '[places.omsk]\nrole = "destination"\n', "")
    edit(
        own_world,
        "own.toml",
        "[places.samplestead]\n",
        '[places.omsk]\nrole = "destination"\n[places.samplestead]\n',
    )
    after = load_world(str(own_world))
    assert after.digest != before.digest
    for field in dataclasses.fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if isinstance(old, np.ndarray):
            assert (old == new).all(), field.name
        elif isinstance(old, (tuple, str, int)) and field.name != "digest":
            assert old == new, field.name
    for table in ("accounts", "drivers"):
        old, new = getattr(before, table).table, getattr(after, table).table
        assert list(old) == list(new)
        assert all(list(old[key]) == list(new[key]) for key in old)


def test_reading_twice_gives_the_same_digest(own_world: Path) -> None:
    assert load_world(str(own_world)).digest == load_world(str(own_world)).digest


def test_files_as_spreadsheets_save_them(own_world: Path) -> None:
    path = own_world.parent / "template" / "accounts.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b",,,,,,\r\n\r\n")
    assert load_world(str(own_world)).founding_population.tolist() == [5210]


def test_a_world_of_one_place_and_nothing_else(own_world: Path) -> None:
    text = own_world.read_text(encoding="utf-8")
    for block in ("[places.samplestead_villages]", "[arrival_origins]"):
        start = text.index(block)
        end = text.index("[[roads]]") if "arrival" in block else text.index("# Shares by origin")
        text = text[:start] + text[end:]
    own_world.write_text(text[: text.index("[[roads]]")], encoding="utf-8")
    world = load_world(str(own_world))
    assert (world.n_sim, world.n_all) == (1, 1)
    assert world.hinterland.tolist() == [-1]
    assert world.commuting_centre.tolist() == [-1]
    assert world.arrival_origin_share.tolist() == [0]
