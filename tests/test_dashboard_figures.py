"""Figures and tables of the page in three languages: nothing overflows, no glyph missing, no claim without ground."""

from __future__ import annotations

import copy
import csv
import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from experiments.dashboard import figures, rating_figures
from experiments.dashboard.charts import Bar, bar_chart
from experiments.dashboard.drawing import Drawing, fitting, missing_glyphs, text_width, ticks
from experiments.dashboard.region_drawing import region_map
from experiments.dashboard.session import Session
from experiments.language import LANGUAGES, language
from model.world import DATA, load_world
from tests.live_results import HORIZON, live_run, session_with

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: Drawing) -> list[str]:
    root = ElementTree.fromstring(drawing.svg())
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def all_drawings(lang: str) -> list[Drawing]:
    session = session_with(live_run(), lang)
    drawings = [figures.effect_figure(session), figures.money_figure(session), figures.price_figure(session)]
    for figure in figures.FIGURES:
        for place in ("all", "bulaevo"):
            drawing = figures.fan_figure(session, figure, place)
            if drawing is not None:
                drawings.append(drawing)
    drawings += [rating_figures.index_figure(session, place) for place in live_run()["places"][:-1]]
    label = session.title(session.slots[0])
    drawings += [figures.map_figure(session, "A@reference", year, label) for year in (2015, 2026, 2060)]
    return drawings


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_overflows_and_no_glyph_is_missing(lang: str) -> None:
    drawings = all_drawings(lang)
    assert len(drawings) > 25
    for drawing in drawings:
        assert drawing.overflow() == [], drawing.title
        cut = [text for text in texts(drawing) if text.rstrip().endswith("…")]
        assert cut == [], "shortened to fit"
        assert missing_glyphs("".join(texts(drawing)) + drawing.title) == set()


def test_overflow_is_seen() -> None:
    drawing = Drawing(100, 50, "x")
    drawing.text((60, 20), "far too long for this")
    assert drawing.overflow()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pictures_say_what_they_show(lang: str) -> None:
    session = session_with(live_run(), lang)
    drawing = figures.fan_figure(session, "population", "mamlyutka")
    assert drawing is not None
    words = texts(drawing)
    name = {"en": "Mamlyutka", "ru": "Мамлютка", "kk": "Мамлют"}[lang]
    assert any(name in word for word in words)
    assert any("3" in word and "50" in word and "90" in word for word in words), "runs and intervals"
    root = ElementTree.fromstring(drawing.svg())
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == drawing.title


def test_no_claim_where_the_interval_holds_zero() -> None:
    lang = language("en")
    effect = {"mean": 12.0, "low": -3.0, "high": 27.0, "expected": False, "zero": False, "bound": 40.0}
    assert figures.effect_words(lang, effect) == "no clear effect, under 40"
    assert figures.effect_words(lang, {**effect, "bound": None}) == "no clear effect (−3 to +27)"
    assert figures.effect_words(lang, {**effect, "zero": True}) == "no effect in any run"
    assert figures.effect_words(lang, {**effect, "low": 3.0, "expected": True}) == "+12 (+3 to +27)"
    gain = {"zero": False, "expected": False, "mean": 12.0}
    unit = {"expected": None, "interval": None, "gain": gain}
    assert figures.price_words(lang, unit) == "no price: the effect may be zero"
    assert figures.price_words(lang, {**unit, "gain": {**gain, "expected": True, "mean": -2.0}}).endswith(
        "lost"
    )


def test_a_bar_of_an_unclear_effect_has_no_length() -> None:
    summary = copy.deepcopy(live_run())
    summary["effects"]["A@reference"]["all"] |= {
        "expected": False,
        "low": -500.0,
        "high": 900.0,
        "zero": False,
    }
    clear = figures.effect_figure(session_with(live_run(), "en")).svg()
    unclear = figures.effect_figure(session_with(summary, "en")).svg()
    assert 'fill="#0072B2"' in clear
    bars = [e for e in ElementTree.fromstring(unclear).iter(f"{SVG}rect") if e.attrib["fill"] == "#0072B2"]
    assert [bar.attrib["width"] for bar in bars] == ["0.0"]


def test_what_never_happened_is_an_upper_bound() -> None:
    lang = language("en")
    rung = {"events": 0, "low": 0.0, "high": 0.11}
    assert figures.chance_words(lang, rung, 30) == "under 11%"
    assert figures.chance_words(lang, {"events": 30, "low": 0.89, "high": 1.0}, 30) == "over 89%"
    assert figures.chance_words(lang, {"events": 15, "low": 0.33, "high": 0.67}, 30) == "50% (33 to 67)"


def test_a_class_is_given_with_its_range_over_missing_indicators() -> None:
    lang = language("en")
    held = {"share": [0.31], "interval": [[0.2, 0.45]], "least": [0.05], "most": [0.9]}
    words = rating_figures.class_words
    assert words(lang, held, 0, True) == "31% (5 to 90)"
    assert words(lang, held, 0, False) == "5 to 90"  # too little is known to name a chance
    assert words(lang, {**held, "share": [0.0], "interval": [[0.0, 0.2]]}, 0, True) == "under 20% (5 to 90)"
    assert words(lang, {**held, "share": [1.0], "interval": [[0.8, 1.0]]}, 0, True) == "over 80% (5 to 90)"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_rating_is_called_a_reconstruction(lang: str) -> None:
    session = session_with(live_run(), lang)
    assert rating_figures.rated_place(session) == session.world.ids[0]
    head, rows = rating_figures.class_rows(session, "bulaevo")
    assert len(head) == 6
    assert {len(row) for row in rows} == {6}
    assert {row[0] for row in rows} == {"2020", "2025", "2030"}  # trends need five years
    assert len({row[1] for row in rows}) == 5
    word = {"en": "reconstruction", "ru": "еконструкция", "kk": "айта құрылған"}[lang]
    assert word in rating_figures.rating_note(session)
    assert any(word in text for text in texts(rating_figures.index_figure(session, "bulaevo")))


def test_the_ladder_leaves_out_rungs_below_which_a_town_stands() -> None:
    session = session_with(live_run(), "en")
    rows = figures.ladder_rows(session, "tayynsha")
    assert rows[0]["persons"] == "10,000"
    assert figures.ladder_rows(session, "bulaevo")[0]["persons"] == "5,000"


def test_tables_hold_what_is_shown() -> None:
    session = session_with(live_run(), "kk")
    rows = list(csv.DictReader(io.StringIO(figures.table_csv(session))))
    one = next(
        row
        for row in rows
        if row["scenario"].startswith("A: settlers") and row["figure"] == "population"
        and row["place"] == "all" and row["year"] == str(HORIZON)
    )  # fmt: skip
    assert float(one["q50"]) == live_run()["levels"]["A@reference"]["population"]["all"][2][-1]
    assert one["unit"].startswith("persons")
    effects = list(csv.DictReader(io.StringIO(figures.effects_csv(session))))
    mine = next(row for row in effects if row["scenario"].startswith("A") and row["place"] == "all")
    assert float(mine["mean"]) == live_run()["effects"]["A@reference"]["all"]["mean"]


def test_observed_counts_end_with_the_window() -> None:
    seen = figures.observed(load_world("towns"), "population", "bulaevo")
    assert [year for year, _ in seen] == list(range(2015, 2022))
    assert figures.observed(load_world("towns"), "births", "bulaevo") == []


def test_the_map_knows_every_shipped_place_and_draws_larger_flows_wider() -> None:
    world, lang = load_world("region"), language("en")
    assert set(world.ids) == set(world.where)
    flows = {("bulaevo", "omsk"): 10.0, ("mamlyutka", "petropavlovsk"): 100.0, ("bulaevo", "astana"): 0.1}
    drawing = region_map(lang, world, "t", flows, {"bulaevo": 7000.0}, "n")
    arrows = {
        (path.findtext(f"{SVG}title") or "").split(":")[0]: float(path.attrib["stroke-width"])
        for path in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}path")
    }
    assert set(arrows) == {"Bulaevo → Omsk", "Mamlyutka → Petropavlovsk"}
    assert arrows["Mamlyutka → Petropavlovsk"] > 3 * arrows["Bulaevo → Omsk"]


def test_a_world_of_ones_own_stands_on_the_map_where_its_file_says() -> None:
    world, lang = load_world(str(DATA / "worlds" / "template.toml")), language("en")
    town, centre, outside = "samplestead", "petropavlovsk", "omsk"
    drawing = region_map(lang, world, "t", {(town, centre): 30.0, (town, outside): 20.0}, {town: 5210.0}, "n")
    tips = [path.findtext(f"{SVG}title") for path in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}path")]
    assert tips == ["Samplestead → Omsk: 20", "Samplestead → Petropavlovsk: 30"]
    assert "Samplestead 5,210" in texts(drawing)
    far = replace(world, where={**world.where, town: (10.0, 50.0)})
    drawing = region_map(lang, far, "t", {(town, centre): 30.0}, {town: 5210.0}, "n")
    assert "n; not on this map: Samplestead" in texts(drawing)
    assert not list(ElementTree.fromstring(drawing.svg()).iter(f"{SVG}path"))


def test_a_crowded_map_shows_the_largest_flows_and_says_so() -> None:
    world, lang = load_world("region"), language("en")
    ids = world.ids[: world.n_sim]
    flows = {
        (one, two): 1.0 + k + 20 * j for k, one in enumerate(ids) for j, two in enumerate(ids) if one != two
    }
    drawing = region_map(lang, world, "t", flows, {}, "n")
    paths = list(ElementTree.fromstring(drawing.svg()).iter(f"{SVG}path"))
    assert 0 < len(paths) <= 64
    assert "n; smaller flows are left out" in texts(drawing)
    assert {"Petropavlovsk", "Mamlyutka", "Bulaevo", "Tayynsha", "Sergeevka"} <= set(texts(drawing))


def test_texts_are_shortened_to_fit() -> None:
    short = fitting("Негізгіден тыс қоныс аударушылар бағдарламасы", 120.0)
    assert short.endswith("…")
    assert text_width(short) <= 120.0
    assert fitting("Булаев", 120.0) == "Булаев"


def test_ticks_span_what_is_drawn() -> None:
    assert ticks(0.0, 9.3, 5) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert ticks(5.0, 5.0)[0] <= 5.0 < ticks(5.0, 5.0)[-1]


def test_text_from_files_cannot_become_markup() -> None:
    drawing = bar_chart(language("en"), "<script>", "u", [Bar('"><b>', 1, 1.0, 0.5, 1.5, "<i>")], "n")
    assert "<script>" not in drawing.svg()
    assert "<i>" in texts(drawing)


def test_a_preview_of_a_few_draws_has_no_bands() -> None:
    session = Session(language("en"))
    session.shown_slots = tuple(session.slots)
    paths = {"all": [[1000.0 + 10 * q + y for y in range(4)] for q in range(5)]}
    case = {"population": paths}
    summary = {"years": [2015, 2016, 2017, 2018], "places": ["all"], "horizon": 2018}
    summary["levels"] = {"A@reference": case, "baseline@reference": case}

    def drawn(stage: str, runs: int) -> list[str]:
        session.summary = {**summary, "stage": stage, "runs": runs}
        figure = figures.fan_figure(session, "population", "all")
        assert figure is not None
        return re.findall(r'(?:d|points)="[^"]+"', figure.svg())

    few, more = (drawn("preview", figures.FEWEST_DRAWS_OF_A_BAND - k) for k in (1, 0))
    assert few != more
    assert more == drawn("partial", 2)  # the model's own runs always show their spread
