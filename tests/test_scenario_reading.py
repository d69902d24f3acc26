"""Scenario files: what they build on, how they are laid over each other, and everything that can be wrong with them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from scenarios.library import FOLDERS, names
from scenarios.policy_levers import PolicyLevers
from scenarios.problems import ScenarioError
from scenarios.reading import LARGEST_FILE, kind_of, load_future, load_policy, split_name
from tests.scenario_files import FUTURE, POLICY, write_future, write_policy

RENEWAL = """
[renewal.heat]
places = ["mamlyutka"]
from = 2027
to = 2036
network = "heat"
km_a_year = 1.0
"""


def problems(path: str) -> list[str]:
    """Problems of a policy file, one text each."""
    with pytest.raises(ScenarioError) as caught:
        load_policy(path)
    head, *found = str(caught.value).split("\n  ")
    assert f"{len(found)} problem" in head
    return found


def test_an_empty_policy_sets_what_the_baseline_sets(tmp_path: Path) -> None:
    policy = load_policy(write_policy(tmp_path))
    assert policy.name == "mine"
    assert policy.levers == load_policy("baseline").levers == PolicyLevers()


def test_titles_fall_back_to_english(tmp_path: Path) -> None:
    path = write_policy(tmp_path, 'title.ru = "Проба"\ndescription.en = "Words"\n')
    policy = load_policy(path)
    assert (policy.title("ru"), policy.title("kk"), policy.title()) == ("Проба", "A test", "A test")
    assert policy.description("kk") == "Words"


# ---- building on others ----


def test_extends_changes_a_lever_key_by_key(tmp_path: Path) -> None:
    write_policy(tmp_path, RENEWAL + "sources_are_here = 1\n".replace("sources_are_here = 1\n", ""), "parent")
    child = write_policy(
        tmp_path, 'extends = "parent.toml"\n[renewal.heat]\nkm_a_year = 2.5\n[renewal.road]\nplaces = ["@towns"]\n'
        'from = 2030\nnetwork = "road"\nshare_a_year = 0.1\n', "child"
    )  # fmt: skip
    levers = load_policy(child).levers.renewal
    assert (levers["heat"].km_a_year, levers["heat"].first, levers["heat"].last) == (2.5, 2027, 2036)
    assert levers["heat"].places == ("mamlyutka",)
    assert set(levers) == {"heat", "road"}
    assert load_policy(str(tmp_path / "parent.toml")).levers.renewal["heat"].km_a_year == 1.0


def test_sources_and_assumptions_are_inherited_once(tmp_path: Path) -> None:
    write_policy(tmp_path, 'sources = ["one"]\nassumptions = ["guess"]\n', "parent")
    child = load_policy(
        write_policy(tmp_path, 'extends = "parent.toml"\nsources = ["one", "two"]\n', "child")
    )
    assert (child.sources, child.assumptions) == (("one", "two"), ("guess",))


def test_remove_leaves_out_what_is_inherited(tmp_path: Path) -> None:
    write_policy(tmp_path, RENEWAL, "parent")
    child = write_policy(tmp_path, 'extends = "parent.toml"\nremove = ["renewal.heat"]\n', "child")
    assert load_policy(child).levers == PolicyLevers()
    wrong = write_policy(tmp_path, 'extends = "parent.toml"\nremove = ["renewal.heet"]\n', "wrong")
    assert "nearest valid name: 'renewal.heat'" in problems(wrong)[0]


def test_combines_puts_policies_together_and_names_what_contradicts(tmp_path: Path) -> None:
    write_policy(tmp_path, RENEWAL, "one")
    write_policy(tmp_path, RENEWAL.replace("1.0", "3.0"), "two")
    write_policy(tmp_path, RENEWAL.replace("renewal.heat", "renewal.more"), "three")
    good = load_policy(write_policy(tmp_path, 'combines = ["one.toml", "three.toml"]\n', "good"))
    assert set(good.levers.renewal) == {"heat", "more"}
    bad = write_policy(tmp_path, 'combines = ["one.toml", "two.toml"]\n', "bad")
    found = problems(bad)
    assert len(found) == 1
    assert "contradictory levers: [renewal.heat]" in found[0]
    assert "'two.toml'" in found[0]
    settled = 'combines = ["one.toml", "two.toml"]\n[renewal.heat]\nkm_a_year = 2.0\n'
    assert load_policy(write_policy(tmp_path, settled, "settled")).levers.renewal["heat"].km_a_year == 2.0


def test_no_zone_can_be_combined_with_any_policy_that_leaves_the_zone_alone(tmp_path: Path) -> None:
    both = load_policy(write_policy(tmp_path, 'combines = ["no_zone", "housing"]\n'))
    assert both.levers.qyzyljar.status == "never_created"
    assert set(both.levers.housing) == {"flats"}


def test_the_digest_is_that_of_all_files_read(tmp_path: Path) -> None:
    write_policy(tmp_path, RENEWAL, "parent")
    child = write_policy(tmp_path, 'extends = "parent.toml"\n', "child")
    before = load_policy(child)
    assert [path.name for path in before.files] == ["child.toml", "parent.toml"]
    by_hand = hashlib.sha256()
    for path in before.files:
        by_hand.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    assert before.digest == by_hand.hexdigest()
    write_policy(tmp_path, RENEWAL + "# a remark\n", "parent")
    assert load_policy(child).digest != before.digest


def test_names_of_scenarios() -> None:
    assert split_name("housing") == ("housing", "reference")
    assert split_name("my.toml@drought") == ("my.toml", "drought")
    for wrong in ("@drought", "housing@", "a@b@c", ""):
        with pytest.raises(ScenarioError, match="POLICY@FUTURE"):
            split_name(wrong)


# ---- what can be wrong ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            RENEWAL.replace("km_a_year", "km_per_year"),
            "renewal.heat.km_per_year: unknown key 'km_per_year'; nearest valid name: 'km_a_year'",
        ),
        (
            RENEWAL.replace("[renewal.heat]", "[renewals.heat]"),
            "renewals: unknown key 'renewals'; nearest valid name: 'renewal'",
        ),
        (RENEWAL.replace("1.0", "-1.0"), "renewal.heat.km_a_year: expected at least 0, got -1.0"),
        (RENEWAL.replace("1.0", "nan"), "renewal.heat.km_a_year: expected a finite number, got nan"),
        (RENEWAL.replace("1.0", "inf"), "renewal.heat.km_a_year: expected a finite number, got inf"),
        (RENEWAL.replace("1.0", '"1"'), "renewal.heat.km_a_year: expected a number, got '1'"),
        (RENEWAL.replace("2027", "2027.5"), "renewal.heat.from: expected a whole number"),
        (RENEWAL.replace("from = 2027\n", ""), "renewal.heat.from: is missing"),
        (RENEWAL.replace("2027", "1999"), "renewal.heat.from: expected at least 2015, got 1999"),
        (RENEWAL.replace("2036", "2101"), "renewal.heat.to: expected at most 2100, got 2101"),
        (RENEWAL.replace("2036", "2020"), "renewal.heat.to: 2020 lies before 'from', 2027"),
        (
            RENEWAL.replace('"heat"', '"heating"'),
            "renewal.heat.network: unknown value 'heating'; expected 'heat', 'water'",
        ),
        (RENEWAL.replace('["mamlyutka"]', '"mamlyutka"'), "renewal.heat.places: expected a list"),
        (
            RENEWAL.replace("mamlyutka", "@town"),
            "renewal.heat.places.0: unknown group of places '@town'; nearest valid name: '@towns'",
        ),
        (RENEWAL + "share_a_year = 0.1\n", "renewal.heat: expected exactly one of km_a_year"),
        ("[renewal]\nplaces = 3\n", "renewal.places: expected a named lever, [renewal.NAME]"),
        ("[[renewal]]\nkm_a_year = 3\n", "renewal: expected a table [renewal.NAME]"),
        ("[renewal.'a name with blanks']\nfrom = 2027\n", "1 to 60 letters"),
        (
            "[local_budget.more]\nplaces = ['@towns']\nfrom = 2027\nthousand_kzt_a_head = -5\n",
            "local_budget.more.thousand_kzt_a_head: expected at least 0, got -5",
        ),
        (
            "[public_wages.more]\nplaces = ['@towns']\nfrom = 2027\nsupplement = 1.4\n",
            "public_wages.more.supplement: expected at most 1, got 1.4",
        ),
        ("[qyzyljar]\nbut_for = 1.01\n", "qyzyljar.but_for: expected at most 1, got 1.01"),
        ("[qyzyljar]\nstatus = 'never_created'\nbut_for = 0.5\n", "'never_created' contradicts but_for"),
        ("[qyzyljar]\ndeclared_jobs = 5000\n", "declared_jobs needs status = 'as_declared'"),
        (
            "[rouble.weak]\nfrom = 2027\nlevel_factor = 0.5\n",
            "unknown key 'rouble'; it is a lever of a future, this is a policy",
        ),
        ("extends = 'baselin'\n", "nearest valid name: 'baseline'"),
        ("extends = 'nowhere.toml'\n", "nowhere.toml: no such file"),
        ("extends = 'drought'\n", "'drought' is a future"),
        ("extends = 3\n", "extends: expected a text in quotes, got 3"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    path = write_policy(tmp_path, text)
    found = problems(path)
    assert any(expected in problem for problem in found), found
    assert str(tmp_path) in found[0]


def test_all_errors_of_a_file_and_its_parent_come_at_once(tmp_path: Path) -> None:
    write_policy(tmp_path, RENEWAL.replace("1.0", "-1.0"), "parent")
    text = 'extends = "parent.toml"\ncolour = "green"\n[qyzyljar]\nbut_for = 2\n'
    text += "[housing.flats]\nplaces = []\nfrom = 2027\n"
    found = problems(write_policy(tmp_path, text, "child"))
    assert len(found) == 4, found
    assert sum("parent.toml: renewal.heat.km_a_year" in problem for problem in found) == 1
    for key in ("child.toml: colour", "child.toml: qyzyljar.but_for", "child.toml: housing.flats.places"):
        assert any(key in problem for problem in found), key


def test_a_circle_of_extends_is_named(tmp_path: Path) -> None:
    write_policy(tmp_path, 'extends = "b.toml"\n', "a")
    write_policy(tmp_path, 'extends = "c.toml"\n', "b")
    write_policy(tmp_path, 'combines = ["a.toml"]\n', "c")
    found = problems(str(tmp_path / "a.toml"))
    assert len(found) == 1
    assert "a.toml -> b.toml -> c.toml -> a.toml" in found[0]
    assert "a.toml -> a.toml" in problems(write_policy(tmp_path, 'extends = "a.toml"\n', "a"))[0]


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    for number in range(40):
        write_policy(tmp_path, f'extends = "p{number + 1}.toml"\n', f"p{number}")
    assert "build on each other" in problems(str(tmp_path / "p0.toml"))[0]


def test_a_wide_lattice_of_files_is_read_once_each(tmp_path: Path) -> None:
    """Without memory, 2 ** 15 readings; each level combines the two below it."""
    for level in range(15):
        for side in "ab":
            below = f'combines = ["a{level + 1}.toml", "b{level + 1}.toml"]\n'
            write_policy(tmp_path, below if level < 14 else RENEWAL, f"{side}{level}")
    policy = load_policy(str(tmp_path / "a0.toml"))
    assert set(policy.levers.renewal) == {"heat"}
    assert len(policy.files) == 29


def test_files_that_are_no_text(tmp_path: Path) -> None:
    large = tmp_path / "large.toml"
    with large.open("wb") as file:
        file.truncate(50_000_000)
    assert "50,000,000 bytes, a scenario file has at most 1,000,000" in problems(str(large))[0]
    binary = tmp_path / "binary.toml"
    binary.write_bytes(bytes(range(256)))
    assert "not UTF-8 text" in problems(str(binary))[0]
    zeros = tmp_path / "zeros.toml"
    zeros.write_bytes(b"\0" * 1000)
    assert "not a readable TOML file" in problems(str(zeros))[0]
    deep = tmp_path / "deep.toml"
    deep.write_text(POLICY + "x = " + "[" * 100_000 + "]" * 100_000)
    assert "not a readable TOML file" in problems(str(deep))[0]
    tables = tmp_path / "tables.toml"
    tables.write_text(POLICY + "[" + ".".join("a" * 20_000) + "]\n")
    assert problems(str(tables))
    number = tmp_path / "number.toml"
    number.write_text(POLICY + "x = " + "9" * 100_000)
    assert problems(str(number))
    assert "no such file" in problems(str(tmp_path / "nothing.toml"))[0]
    (tmp_path / "folder.toml").mkdir()
    assert "is a folder" in problems(str(tmp_path / "folder.toml"))[0]
    assert LARGEST_FILE == 1_000_000


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert "no such file" in problems(str(tmp_path / "pipe.toml"))[0]


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + (POLICY + RENEWAL).replace("\n", "\r\n").encode())
    assert load_policy(str(path)).levers.renewal["heat"].km_a_year == 1.0


def test_a_name_that_would_hide_a_future_is_refused(tmp_path: Path) -> None:
    assert "must not contain '@'" in problems(write_policy(tmp_path, "", "mine@drought"))[0]


def test_the_head_of_a_file_is_needed(tmp_path: Path) -> None:
    found = problems(write_policy(tmp_path, "[renewal]\n", head=""))
    assert {problem.split(": ", 1)[1] for problem in found} == {
        "schema: is missing",
        "kind: is missing",
        "title: is missing",
    }
    found = problems(write_policy(tmp_path, head=POLICY.replace("schema = 1", "schema = 2")))
    assert "schema: " in found[0]
    assert "1" in found[0]


def test_a_future_is_no_policy(tmp_path: Path) -> None:
    path = write_future(tmp_path, "[rouble.weak]\nfrom = 2027\nlevel_factor = 0.8\n")
    assert load_future(path).levers.rouble["weak"].level_factor == 0.8
    assert kind_of(Path(path)) == "future"
    assert "is a future, expected a policy" in " ".join(problems(path))
    with pytest.raises(ScenarioError, match="expected 'policy' or 'future'"):
        kind_of(Path(write_policy(tmp_path, head=FUTURE.replace('"future"', '"fate"'))))
    with pytest.raises(ScenarioError, match="'baseline' is a policy"):
        load_future("baseline")


# ---- the library ----


@pytest.mark.parametrize("kind", ["policy", "future"])
def test_the_library_is_complete_in_three_languages_with_sources(kind: str) -> None:
    load = load_policy if kind == "policy" else load_future
    held = names("policy" if kind == "policy" else "future")
    assert set(held) == {path.stem for path in FOLDERS[kind].glob("*.toml")}
    for name in held:
        scenario = load(name)
        for lang in ("en", "ru", "kk"):
            assert scenario.titles[lang], (name, lang)
            assert scenario.descriptions[lang], (name, lang)
            assert len(scenario.title(lang)) <= 80
        assert len({scenario.title(lang) for lang in ("en", "ru", "kk")}) == 3, name
        assert scenario.sources, name
        assert scenario.assumptions, name


def test_the_library_has_what_was_asked_for() -> None:
    policies = (
        "no_zone baseline zone_as_declared zone_null zone_accelerated subzone_mamlyutka subzone_bulaevo "
        "subzone_tayynsha commuter_link networks_renewal housing services_kept youth_retention settlers "
        "public_wages local_budget cross_border combined"
    )
    futures = "reference russia_open russia_closed rouble_strong rouble_weak astana_boom drought stagnation"
    assert set(policies.split()) <= set(names("policy"))
    assert set(futures.split()) <= set(names("future"))
    assert names("policy")[:2] == ("no_zone", "baseline")
    assert names("future")[0] == "reference"
