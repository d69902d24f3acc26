"""What is refused in a user's world: each damage named with its file and line, or its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.world import WorldError, load_world
from tests.own_world import copy_of_template, edit

Edit = tuple[str, str, str]  # file (the world or one below its folder), text to replace, its replacement
Case = tuple[Edit, tuple[str, ...]]  # the damage and words that the message must hold


@pytest.fixture
def own_world(tmp_path: Path) -> Path:
    return copy_of_template(tmp_path)


def refusal(world: Path) -> str:
    with pytest.raises(WorldError) as error:
        load_world(str(world))
    return str(error.value)


FIRST = "samplestead,population_1jan,persons,2015,5210,invented,user"
REFUSED_LINES: dict[str, Case] = {
    "missing column": (
        ("accounts.csv", "variable,unit", "variable"),
        ("accounts.csv:1:", "'unit' is missing"),
    ),
    "misspelt column": (("accounts.csv", "unit,year", "unit,yaer"), ("accounts.csv:1:", "'yaer'", "'year'")),
    "repeated column": (
        ("accounts.csv", "source,quality", "source,quality,source"),
        ("accounts.csv:1:", "twice"),
    ),
    "semicolons": (
        ("accounts.csv", "territory,variable,unit,year,value,source,quality", "a;b;c"),
        (":1:", "';'"),
    ),
    "repeated row": (("accounts.csv", FIRST, f"{FIRST}\n{FIRST}"), ("accounts.csv:3:", "already at line 2")),
    "text in a number": (("accounts.csv", ",5210,", ",many,"), ("accounts.csv:2:", "text 'many'", "'value'")),
    "decimal comma": (
        ("accounts.csv", ",5210,", ',"5210,5",'),
        ("accounts.csv:2:", "'5210,5'", "as a point"),
    ),
    "underscore in a number": (("accounts.csv", ",5210,", ",5_210,"), ("accounts.csv:2:", "'5_210'")),
    "empty number": (("accounts.csv", ",5210,", ",,"), ("accounts.csv:2:", "nothing", "expected a number")),
    "nan": (("accounts.csv", ",5210,", ",nan,"), ("accounts.csv:2:", "not finite")),
    "infinite": (("drivers.csv", ",80100,", ",inf,"), ("drivers.csv:2:", "not finite")),
    "overflow": (("drivers.csv", ",80100,", ",1e999,"), ("drivers.csv:2:", "not a finite number")),
    "negative count": (("accounts.csv", ",5210,", ",-5210,"), ("accounts.csv:2:", "outside 0")),
    "half a person": (("accounts.csv", ",5210,", ",5210.5,"), ("accounts.csv:2:", "whole number")),
    "nobody there": (("accounts.csv", ",5210,", ",0,"), ("accounts.csv:2:", "no people in 2015")),
    "wrong unit": (
        ("accounts.csv", "persons,2015", "thousand persons,2015"),
        (":2:", "'thousand persons'", "'persons'"),
    ),
    "wrong money": (("drivers.csv", "KZT,2015", "USD,2015"), ("drivers.csv:2:", "'USD'", "'KZT' or 'RUB'")),
    "two monies": (("drivers.csv", "KZT,2015", "RUB,2015"), ("drivers.csv:", "KZT and RUB in one series")),
    "unknown place": (
        ("accounts.csv", "samplestead,", "samplested,"),
        (":2:", "'samplested'", "'samplestead'"),
    ),
    "unknown variable": (("accounts.csv", "population_1jan", "population"), (":2:", "'population_1jan'")),
    "unknown series": (("drivers.csv", "uplands,", "upland,"), (":2:", "series 'upland'", "'uplands'")),
    "unknown quality": (("accounts.csv", "invented,user", "invented,users"), (":2:", "'users'", "'user'")),
    "no source": (("accounts.csv", "invented,user", ",user"), (":2:", "'source' is empty")),
    "year in words": (("accounts.csv", "persons,2015", "persons,MMXV"), (":2:", "'MMXV'", "'year'")),
    "after the window": (("accounts.csv", "persons,2021", "persons,2022"), (":8:", "window ends with 2021")),
    "too few cells": (("accounts.csv", FIRST, FIRST.removesuffix(",user")), (":2:", "6 cells, expected 7")),
    "open quote": (("accounts.csv", FIRST, '"' + FIRST), ("accounts.csv", "not a readable CSV record")),
    "gap": (
        ("accounts.csv", "samplestead,births,persons,2016,76,invented,user\n", ""),
        ("missing years 2016", "births"),
    ),
    "driver gap": (
        ("drivers.csv", "uplands,wage_monthly_nominal,KZT,2018,105200,invented,user\n", ""),
        ("drivers.csv:5:", "missing years 2018", "interpolated"),
    ),
    "series too short": (
        ("drivers.csv", "uplands,unemployment_rate,percent,2020,5.2,invented,user\n", ""),
        ("own.toml: places.samplestead", "no year 2020"),
    ),
    "unknown kind": (("places.csv", ",town,", ",twon,"), ("places.csv:2:", "'twon'", "'town'")),
    "latitude": (("places.csv", ",54.35,70.35,", ",154.35,70.35,"), ("places.csv:2:", "'lat'", "-90 to 90")),
    "unknown hinterland": (
        ("places.csv", "samplestead_villages,uplands", "samplestead_vilages,uplands"),
        ("places.csv:2:", "'samplestead_villages'"),
    ),
    "place twice": (
        ("places.csv", "samplestead_villages,Villages", "samplestead,Villages"),
        ("places.csv:3:", "already at line 2"),
    ),
    "no such file": (
        ("own.toml", 'accounts = "template/accounts.csv"', 'accounts = "template/acounts.csv"'),
        ("acounts.csv: no such file", "'accounts.csv'"),
    ),
}
REFUSED_KEYS: dict[str, Case] = {
    "broken TOML": (("own.toml", "schema = 1", "schema ="), ("own.toml", "not a readable TOML file", "line")),
    "no schema": (("own.toml", "schema = 1\n", ""), ("schema", "is missing")),
    "other schema": (("own.toml", "schema = 1", "schema = 2"), ("schema", "got 2")),
    "other start": (("own.toml", "start = 2015", "start = 2016"), ("start", "2015")),
    "unknown table": (
        ("own.toml", "[arrival_origins]", "[arrival_origin]"),
        ("arrival_origin", "'arrival_origins'"),
    ),
    "unknown key": (
        ("own.toml", "rent_index =", "rent_indx ="),
        ("places.samplestead.rent_indx", "'rent_index'"),
    ),
    "unknown wear": (("own.toml", "heat =", "heating ="), ("wear", "'heat'")),
    "unknown file": (("own.toml", "drivers =", "driver ="), ("files.driver", "'drivers'")),
    "unknown role": (
        ("own.toml", 'role = "hinterland"', 'role = "hinterlan"'),
        ("samplestead_villages.role", "nearest valid name: 'hinterland'"),
    ),
    "unknown place": (("own.toml", "[places.omsk]", "[places.omks]"), ("places.omks", "'omsk'")),
    "text": (
        ("own.toml", "services_S = 0.6", 'services_S = "0.6"'),
        ("places.samplestead.services_S", "number"),
    ),
    "nan": (("own.toml", "services_S = 0.6", "services_S = nan"), ("services_S", "finite")),
    "boolean": (("own.toml", "services_S = 0.6", "services_S = true"), ("services_S", "number")),
    "share above one": (
        ("own.toml", "heat = 0.80", "heat = 80"),
        ("wear.heat", "less than or equal to 1", "got 80"),
    ),
    "wear and Q": (
        ("own.toml", "services_S = 0.6", "services_S = 0.6\ninfrastructure_Q = 0.5"),
        ("infrastructure_Q", "0.25"),
    ),
    "index missing": (
        ("own.toml", "rent_index = 0.45\n", ""),
        ("places.samplestead.rent_index", "is missing", "'town'"),
    ),
    "decline missing": (
        ("own.toml", "hinterland_decline = 0.03\n", ""),
        ("hinterland_decline", "is missing"),
    ),
    "decline elsewhere": (
        ("own.toml", "rent_index = 0.45\n", "rent_index = 0.45\nhinterland_decline = 0.1\n"),
        ("samplestead.hinterland_decline", "role 'hinterland'"),
    ),
    "size missing": (
        ("own.toml", "size_2015 = 9000\n", ""),
        ("samplestead_villages.size_2015", "is missing"),
    ),
    "size of a simulated place": (
        ("own.toml", "kin_russia = 0.30\n", "kin_russia = 0.30\nsize_2015 = 9\n"),
        ("samplestead.size_2015", "accounts"),
    ),
    "kin of a destination": (
        (
            "own.toml",
            '[places.omsk]\nrole = "destination"',
            '[places.omsk]\nrole = "destination"\nkin_russia = 0.1',
        ),
        ("places.omsk.kin_russia", "role 'simulated'"),
    ),
    "nobody simulated": (("own.toml", 'role = "simulated"', 'role = "destination"'), ("at least one",)),
    "simulated without accounts": (
        ("own.toml", 'role = "hinterland"', 'role = "simulated"'),
        ("samplestead_villages", "no population_1jan"),
    ),
    "Russia simulated": (
        ("own.toml", '[places.omsk]\nrole = "destination"', '[places.omsk]\nrole = "simulated"'),
        ("kind 'russia' cannot be simulated",),
    ),
    "idle hinterland": (
        ("own.toml", '# hinterland = "samplestead_villages"', 'hinterland = "omsk"'),
        ("samplestead_villages.role", "no simulated place"),
    ),
    "unknown hinterland": (
        ("own.toml", '# hinterland = "samplestead_villages"', 'hinterland = "sampelstead_villages"'),
        ("places.samplestead.hinterland", "'samplestead_villages'"),
    ),
    "unknown driver series": (
        ("own.toml", '# driver_series = "uplands"', 'driver_series = "kz"'),
        ("no wage_monthly_nominal",),
    ),
    "roubles at home": (
        ("own.toml", '# driver_series = "uplands"', 'driver_series = "omsk"'),
        ("drivers.csv:", "in RUB", "needs KZT"),
    ),
    "origins": (
        ("own.toml", "petropavlovsk = 0.8", "petropavlovsk = 0.7"),
        ("arrival_origins", "sum to 0.9"),
    ),
    "unknown origin": (
        ("own.toml", "petropavlovsk = 0.8", "petropavl = 0.8"),
        ("arrival_origins.petropavl", "'petropavlovsk'"),
    ),
    "short road": (("own.toml", "km = 112", "km = 11"), ("roads.0.km", "15")),
    "road to nowhere": (
        ("own.toml", '"samplestead", "petropavlovsk"', '"samplestead", "petropavl"'),
        ("roads.0.between", "'petropavlovsk'"),
    ),
    "road to itself": (("own.toml", '"samplestead", "petropavlovsk"', '"omsk", "omsk"'), ("to itself",)),
    "road of three": (
        ("own.toml", '"samplestead", "petropavlovsk"', '"samplestead", "omsk", "petropavlovsk"'),
        ("roads.0.between", "at most 2"),
    ),
    "unknown key of a road": (
        ("own.toml", "km = 112", "miles = 70"),
        ("roads.0.miles", "valid names: between, km"),
    ),
}


@pytest.mark.parametrize("case", REFUSED_LINES)
def test_a_damaged_data_file_is_refused_with_its_line(own_world: Path, case: str) -> None:
    change, words = REFUSED_LINES[case]
    edit(own_world, *change)
    message = refusal(own_world)
    assert all(word in message for word in words), message


@pytest.mark.parametrize("case", REFUSED_KEYS)
def test_a_wrong_world_file_is_refused_with_its_key(own_world: Path, case: str) -> None:
    change, words = REFUSED_KEYS[case]
    edit(own_world, *change)
    message = refusal(own_world)
    assert all(word in message for word in words), message


def test_all_problems_are_listed_at_once(own_world: Path) -> None:
    edit(own_world, "own.toml", "rent_index =", "rent_indx =")
    edit(own_world, "own.toml", "km = 112", "km = 11")
    assert "2 problems" in refusal(own_world)


def test_problems_of_several_files_are_listed_at_once(own_world: Path) -> None:
    edit(own_world, "accounts.csv", ",5210,", ",many,")
    edit(own_world, "drivers.csv", ",80100,", ",nan,")
    edit(own_world, "places.csv", ",town,", ",twon,")
    message = refusal(own_world)
    assert "3 problems" in message
    assert all(name in message for name in ("accounts.csv:2:", "drivers.csv:2:", "places.csv:2:"))


def test_a_file_wrong_in_every_line_gives_a_short_message(own_world: Path) -> None:
    path = own_world.parent / "template" / "accounts.csv"
    head = path.read_text(encoding="utf-8").splitlines()[0]
    path.write_text("\n".join([head] + ["nowhere,births,persons,2015,1,x,user"] * 20_000), encoding="utf-8")
    message = refusal(own_world)
    assert "or more" in message
    assert len(message.splitlines()) < 60


def test_stated_net_migration_must_be_the_identity(own_world: Path) -> None:
    row = "samplestead,net_migration_implied,persons,2015,{},invented,user\n"
    path = own_world.parent / "template" / "accounts.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + row.format(-49), encoding="utf-8")
    assert load_world(str(own_world)).accounts.value("samplestead", "net_migration_implied", 2015) == -49
    path.write_text(text + row.format(-50), encoding="utf-8")
    message = refusal(own_world)
    assert f"accounts.csv:{len(text.splitlines()) + 1}:" in message
    assert "-49" in message


def test_a_file_that_is_not_text(own_world: Path) -> None:
    path = own_world.parent / "template" / "accounts.csv"
    path.write_bytes(path.read_bytes().replace(b"invented,user\n", "придумано,user\n".encode("cp1251"), 2))
    assert "accounts.csv:2: not UTF-8" in refusal(own_world)


def test_a_file_too_large(own_world: Path) -> None:
    with (own_world.parent / "template" / "accounts.csv").open("ab") as file:
        file.truncate(20_000_001)
    assert "20000001 bytes" in refusal(own_world)


def test_too_many_places(own_world: Path) -> None:
    places = "".join(f'[places.p{i}]\nrole = "destination"\n' for i in range(5001))
    edit(own_world, "own.toml", "[arrival_origins]", places + "[arrival_origins]")
    assert "at most 5000" in refusal(own_world)


def test_too_many_people(own_world: Path) -> None:
    edit(own_world, "accounts.csv", ",5210,", ",50000001,")
    assert "50000001" in refusal(own_world)
