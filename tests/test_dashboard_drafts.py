"""Drafts of the page: what is saved is what the command line reads; what is uploaded is bounded data; sliders."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.dashboard.declared import declared_levers
from experiments.dashboard.draft import LARGEST_UPLOAD, draft_of_library, draft_of_upload, read_text
from experiments.dashboard.session import Session, missing_places, policy_names
from experiments.language import language
from model.world import load_world
from scenarios.library import names
from scenarios.problems import ScenarioError
from scenarios.reading import load_future, load_policy
from scenarios.translation import check_against
from tests.own_world import copy_of_template

POLICY = b'schema = 1\nkind = "policy"\nextends = "housing"\n[title]\nen = "Mine"\n'


@pytest.mark.parametrize("name", names("policy"))
def test_a_saved_draft_is_the_policy_it_came_from(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(draft_of_library(name).toml(), encoding="utf-8")
    again, shipped = load_policy(str(path)), load_policy(name)
    assert again.levers == shipped.levers
    assert again.titles == shipped.titles
    assert again.assumptions == shipped.assumptions


def test_a_moved_lever_is_in_the_file() -> None:
    draft = draft_of_library("settlers")
    draft.set("settlers", "families", "families_a_year", 25)
    assert draft.changed
    assert draft.name == "settlers_changed"
    assert draft.check().levers.settlers["families"].families_a_year == 25
    draft.set("settlers", "families", "families_a_year", 26)
    assert draft.name == "settlers_changed"


def test_a_lever_out_of_range_is_named() -> None:
    draft = draft_of_library("settlers")
    draft.set("settlers", "families", "families_a_year", -1)
    with pytest.raises(ScenarioError, match=r"settlers\.families\.families_a_year: expected at least 0"):
        draft.check()


def test_levers_come_and_go() -> None:
    draft = draft_of_library("settlers")
    name = draft.add("housing", {"from": 2027, "places": ["@towns"], "flats_built_a_year": 3.0})
    assert draft.add("housing", {"from": 2027, "places": ["bulaevo"], "flats_built_a_year": 1.0}) != name
    draft.remove("settlers", "families")
    levers = draft.check().levers
    assert not levers.settlers
    assert levers.housing[name].flats_built_a_year == 3.0


@pytest.mark.parametrize("kind", declared_levers())
def test_every_lever_can_be_pulled_from_the_page(kind: str) -> None:
    """What the page starts a new lever with is a policy that the model takes and that is not neutral."""
    pytest.importorskip("nicegui")
    from experiments.dashboard.lever_panel import first_lever

    draft = draft_of_library("baseline")
    name = draft.add(kind, first_lever(kind))
    policy = draft.check()
    check_against(policy, load_future("reference"), load_world("towns"), 2045)
    lever = getattr(policy.levers, kind) if kind == "qyzyljar" else getattr(policy.levers, kind)[name]
    assert lever.settings()


def test_an_uploaded_policy_may_build_on_the_library() -> None:
    draft = draft_of_upload("mine.toml", POLICY)
    assert draft.check().levers == load_policy("housing").levers
    assert (draft.name, draft.base) == ("mine", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a = [", "not a readable TOML"),
        (b"a = " + b"[" * 5000, "not a readable TOML"),
        (POLICY.replace(b"housing", b"../../../etc/passwd.toml"), "can build on shipped policies only"),
        (
            POLICY.replace(b'extends = "housing"', b'combines = ["housing", "/tmp/x.toml"]'),
            "shipped policies only",
        ),
        (POLICY.replace(b'"policy"', b'"future"'), "is a future, expected a policy"),
        (POLICY + b"[housng.x]\nfrom = 2027\n", "unknown key 'housng'"),
        (b"#" * (LARGEST_UPLOAD + 1), "at most 200,000"),
    ],
)
def test_bad_uploads_are_refused_with_a_reason(content: bytes, said: str) -> None:
    with pytest.raises(ScenarioError) as error:
        draft_of_upload("../bad name.toml", content)
    assert said in str(error.value)
    assert "/tmp/qyzyljar" not in str(error.value)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_any_title_survives_saving(title: str) -> None:
    draft = draft_of_library("settlers")
    draft.titles["en"] = title
    assert read_text("x", draft.toml()).title("en") == title


def test_every_number_of_the_schema_has_a_slider_within_its_range() -> None:
    numbers = [
        key
        for keys in declared_levers().values()
        for key in keys.values()
        if key.form in ("number", "integer")
    ]
    assert len(numbers) > 30
    for key in numbers:
        assert key.least < key.slider_most <= key.most, key
        assert 0 < key.step <= key.slider_most - key.least, key


def test_sliders_reach_beyond_what_the_library_uses() -> None:
    keys = declared_levers()
    for name in names("policy"):
        for kind, _, lever in load_policy(name).levers.items():
            for key in keys[kind].values():
                value = getattr(lever, key.name, None)
                if key.form == "number" and isinstance(value, float):
                    assert value <= key.slider_most, (name, kind, key.name)
    assert (
        keys["local_budget"]["thousand_kzt_a_head"].slider_most < 10_000
    )  # of no use if it had the declared end


def test_an_own_world_opens_with_policies_that_fit_it(tmp_path: Path) -> None:
    own = load_world(str(copy_of_template(tmp_path)))
    assert missing_places("subzone_bulaevo", own) == ("bulaevo",)
    assert missing_places("housing", load_world("towns")) == ()
    session = Session(language("en"), worlds=(str(tmp_path / "own.toml"),))
    session.slots[0].draft = draft_of_library("subzone_bulaevo")
    session.choose_world(str(tmp_path / "own.toml"))
    for _ in range(3):
        session.add_slot()
    shown = [slot.draft.base for slot in session.slots]
    assert len(set(shown)) == 4
    for name in shown:  # as the reader of the command line judges
        check_against(load_policy(name), load_future("reference"), own, session.horizon)
    unfit = [name for name in policy_names() if missing_places(name, own)]
    assert "subzone_bulaevo" in unfit
    for name in unfit:
        with pytest.raises(ScenarioError, match="has no place"):
            check_against(load_policy(name), load_future("reference"), own, session.horizon)
