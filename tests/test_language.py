"""Languages: nothing untranslated, no glyph missing, plurals and numbers right, the paper's own terms."""

from __future__ import annotations

import re
import string

import pytest

from experiments.dashboard.declared import declared_levers
from experiments.dashboard.drawing import missing_glyphs
from experiments.failures import BadInput
from experiments.language import LANGUAGES, NO_BREAK, Language, language
from experiments.language_catalogues import (
    catalogue_path,
    compiled,
    entries,
    messages_in_code,
    read_catalogue,
)
from experiments.language_schema import KEYS, KINDS, RUNGS, VALUES
from model.reference_tables import extinction_ladder
from model.world import load_world, shipped_worlds
from scenarios.fields import GROUPS
from scenarios.library import names
from scenarios.reading import load_future, load_policy

# The same in every language: patterns, and words that are spelt alike.
ALIKE = {"{value} ({interval})", "{place} {median} ({interval})", "{place} {interval}", "{low} to {high}"}
KAZAKH_LETTERS = "ӘәҒғҚқҢңӨөҰұҮүҺһІі"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_is_translated_and_no_translation_is_left_over(lang: str) -> None:
    held = {key: (texts, fuzzy) for key, texts, fuzzy in entries(read_catalogue(lang))}
    assert set(held) == messages_in_code()
    for key, (texts, fuzzy) in held.items():
        assert all(texts), key
        assert not fuzzy, key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_placeholders_survive_the_translation(lang: str) -> None:
    for key, texts, _ in entries(read_catalogue(lang)):
        wanted = fields(key if isinstance(key, str) else key[1])
        for text in texts:
            assert fields(text) == wanted, (key, text)


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_translations_are_not_the_english_text(lang: str) -> None:
    for key, texts, _ in entries(read_catalogue(lang)):
        english = key if isinstance(key, str) else key[0]
        if english not in ALIKE:
            assert re.search("[а-яё]", texts[0].lower()) or "{" in texts[0], key
            assert texts[0] != english, key


def test_kazakh_is_not_russian() -> None:
    russian = {key: texts for key, texts, _ in entries(read_catalogue("ru"))}
    kazakh = {key: texts for key, texts, _ in entries(read_catalogue("kk"))}
    same = [key for key in russian if russian[key][0] == kazakh[key][0] and key not in ALIKE]
    # Loanwords spelt alike, e.g. "карта"; sentences never are
    assert all(len(str(key).split()) <= 3 for key in same), same
    assert any(letter in text for texts in kazakh.values() for text in texts for letter in KAZAKH_LETTERS)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_compiled_catalogues_are_those_of_the_translators(lang: str) -> None:
    assert catalogue_path(lang, "mo").read_bytes() == compiled(lang), (
        "run python -m experiments.language_catalogues compile"
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_glyph_is_missing(lang: str) -> None:
    texts = {text for _, held, _ in entries(read_catalogue(lang)) for text in held}
    for world in shipped_worlds():
        if world != "template":
            texts |= set(load_world(world).names(lang))
    texts |= {load_policy(name).title(lang) for name in names("policy")}
    assert missing_glyphs("".join(texts) + KAZAKH_LETTERS) == set()
    assert missing_glyphs("\ue000") == {"\ue000"}


def test_the_words_of_the_schema_cover_the_schema() -> None:
    levers = declared_levers()
    assert set(levers) == set(KINDS)
    assert {key for keys in levers.values() for key in keys} == set(KEYS)
    options = {option for keys in levers.values() for key in keys.values() for option in key.options}
    assert {option for option in options if not re.fullmatch(r"[A-Z]\d+", option)} <= set(VALUES)
    assert set(GROUPS) <= set(VALUES)
    assert {rung.id for rung in extinction_ladder()} == set(RUNGS)


@pytest.mark.parametrize("kind", ["policy", "future"])
def test_shipped_scenarios_have_titles_in_all_languages(kind: str) -> None:
    for name in names("policy" if kind == "policy" else "future"):
        scenario = load_policy(name) if kind == "policy" else load_future(name)
        titles = {lang: scenario.title(lang) for lang in LANGUAGES}
        assert titles["ru"] != titles["en"] != titles["kk"], name


def test_numbers_follow_the_language() -> None:
    assert language("en").number(12345.678) == "12,346"
    assert language("ru").number(12345.678) == f"12{NO_BREAK}346"
    assert language("kk").number(0.0123456) == "0,0123"
    assert language("en").number(-3.14159) == "−3.14"
    assert language("en").number(99.96) == "100"
    assert language("en").number(-0.0001, 0) == "0"
    assert language("en").number(float("nan")) == "–"
    assert language("ru").signed(1234.0) == f"+1{NO_BREAK}234"
    assert language("ru").signed(0.0001, 0) == "0"
    assert language("ru").range(-1.5, 20.0, signed=True) == "от −1,5 до +20,0"
    assert language("kk").percent(0.126) == f"12,6{NO_BREAK}%"


def test_mean_and_interval_are_rounded_alike() -> None:
    en, ru = language("en"), language("ru")
    assert en.estimate(9.8765, 8.1, 123.456) == ("10", "8 to 123")
    assert en.estimate(9.13, 7.1, 11.2, whole=True) == ("9", "7 to 11")
    assert en.estimate(24.2, 20.6, 27.9, whole=True, signed=True) == ("+24", "+21 to +28")
    assert ru.estimate(-0.31, -0.6, -0.04, whole=True, signed=True) == ("−0,31", "от −0,60 до −0,04")
    assert en.estimate(0.31, -0.2, 0.9, whole=True, signed=True) == ("0", "0 to +1")  # includes zero anyway


@pytest.mark.parametrize(
    ("share", "above", "said"),
    [
        (0.01487, True, "1.5%"),
        (0.0141, True, "1.5%"),
        (0.11, True, "11%"),
        (0.5271, True, "53%"),
        (0.999, True, "100%"),
        (0.00149, True, "0.15%"),
        (0.985, False, "98.5%"),
        (0.9856, False, "98.5%"),
        (0.89, False, "89%"),
        (0.3333, False, "33%"),
        (0.0, True, "0%"),
    ],
)
def test_bounds_are_rounded_outward(share: float, above: bool, said: str) -> None:
    assert language("en").bound(share, above=above) == said


def test_per_cent_and_units_are_set_as_the_language_sets_them() -> None:
    text = "With no further policy, residents on 1 January {year}, median and central 90 % of the runs: {places}."
    said = {lang: language(lang).text(text, year=2045, places="–") for lang in LANGUAGES}
    assert "central 90% of" in said["en"]
    assert f"90{NO_BREAK}% прогонов" in said["ru"]
    assert f"90{NO_BREAK}%-ы" in said["kk"]
    money = "“{policy}” {money} million KZT"
    assert language("ru").text(money, policy="A", money="5,82").endswith(f"5,82{NO_BREAK}млн тенге")
    assert language("kk").text(money, policy="A", money="5,82").endswith(f"5,82{NO_BREAK}млн теңге")


@pytest.mark.parametrize(
    ("lang", "written"),
    [
        ("en", "24 November 2026, 09:37 UTC"),
        ("ru", "24 ноября 2026 г., 09:37 UTC"),
        ("kk", "2026 ж. 24 қараша, 09:37 UTC"),
    ],
)
def test_moments_follow_the_language(lang: str, written: str) -> None:
    said = language(lang).moment("2026-11-24T09:37:12+00:00")
    assert said.replace(NO_BREAK, " ") == written
    assert language(lang).moment("yesterday") == "yesterday"


@pytest.mark.parametrize(
    ("count", "word"), [(1, "прогона"), (2, "прогонов"), (5, "прогонов"), (21, "прогона"), (111, "прогонов")]
)
def test_russian_plurals(count: int, word: str) -> None:
    said = language("ru").plural("{done} of {count} run", "{done} of {count} runs", count, done=0)
    assert said == f"0 из {count} {word}"


def test_kazakh_nouns_keep_their_form_after_numbers() -> None:
    said = {
        language("kk")
        .plural("{done} of {count} run", "{done} of {count} runs", count, done=0)
        .replace(str(count), "N")
        for count in (1, 2, 5, 21)
    }
    assert len(said) == 1


def test_terms_are_those_of_the_papers_abstracts() -> None:
    words = {lang: language(lang) for lang in ("kk", "ru")}
    assert "арнайы экономикалық айма" in words["kk"]("Special economic zone QYZYLJAR")
    assert "пециальная экономическая зона" in words["ru"]("Special economic zone QYZYLJAR")
    assert "ойылу" in words["kk"]("Extinction ladder")
    assert "угасани" in words["ru"]("Extinction ladder")
    assert "екара маңындағы елді мекен" in words["kk"]("Border settlements: what if?")
    assert "риграничные населённые пункты" in words["ru"]("Border settlements: what if?")
    assert "епрессив" in words["ru"]("Depressive")
    assert "епрессив" in words["kk"]("Depressive")
    assert "өші-қон" in words["kk"]("Net migration")
    for lang in ("kk", "ru"):
        said = " ".join(text for _, texts, _ in entries(read_catalogue(lang)) for text in texts)
        other = {"kk": "Тоқырау|жойылу саты|сынып|Саясат", "ru": "вымирани|исчезновени|[Пп]олитик"}[lang]
        assert not re.search(other, said)  # one word for one thing, that of the abstract


def test_places_in_the_readers_language() -> None:
    world = load_world("towns")
    assert [language(code).place(world, "bulaevo") for code in ("kk", "ru", "en")] == [
        "Булаев",
        "Булаево",
        "Bulaevo",
    ]
    assert language("kk").place(world, "all") == "барлық елді мекен бірге"


def test_unknown_language_is_refused() -> None:
    with pytest.raises(BadInput, match="--lang de: expected one of kk, ru, en"):
        Language("de")
