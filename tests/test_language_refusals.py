"""Refusals in the reader's language: every message that a policy file can cause is known, and none stays English."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.dashboard.draft import draft_of_library, draft_of_upload
from experiments.design import PROJECT
from experiments.language import language
from experiments.language_refusals import known, refusal
from scenarios.problems import ScenarioError
from scenarios.reading import _EXPECTED, load_future
from scenarios.translation import check_against
from tests.live_results import live_towns

SOURCES = (
    *("composition", "fields", "future_levers", "library", "policy_levers", "reading", "translation"),
    *("dashboard/draft", "dashboard/live_comparison", "dashboard/inspection", "dashboard/worker_process"),
)
RAISED = {"ScenarioError", "ValueError", "BadInput"}
NOTED = {"at": 2, "note": 1}  # of these calls, which argument is the finding
FILLED = {"hint": "", "kind": "policy", "error": "Invalid value", "missing": "is missing"}
OF_THE_PROGRAM = {"compose: expected at least one policy"}  # no reader can cause it
BAD = b"""schema = 1
kind = "policy"
colour = "red"
title.en = "Bad"
[housing.x]
from = 2027
to = 2020
places = ["@town"]
rent_discount = 7
[settlers.y]
from = 2027.5
families_a_year = 3
placs = ["bulaevo"]
[renewal.z]
from = 2027
places = ["@towns"]
network = "gas"
"""


def texts(node: ast.expr) -> list[str]:
    """What an expression can say: placeholders filled with X, calls (hints) left out, both arms of a choice."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            parts = [texts(part) if isinstance(part, ast.Constant) else [filled(part)] for part in values]
            return ["".join(chosen) for chosen in itertools.product(*parts)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [one + two for one in texts(left) for two in texts(right)]
        case ast.IfExp(body=body, orelse=orelse):
            return texts(body) + texts(orelse)
        case ast.Call(func=ast.Attribute(attr="join")) | ast.BoolOp():
            return ["X"]
        case _:
            return [""]


def filled(part: ast.expr) -> str:
    """What a placeholder stands for, where only a certain text makes sense."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "nearest":
        return ""
    return FILLED.get(getattr(value, "id", ""), "X")


def findings(path: Path) -> Iterator[str]:
    """Every finding that a source can note or raise, without where it is."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = NOTED.get(name, 0 if name in RAISED else None)
        if place is not None and len(node.args) > place:
            yield from (text for text in texts(node.args[place]) if re.search("[a-z]{3}", text))


def says(text: str) -> bool:
    """Whether a finding, or what stands behind its place or on its later lines, is known."""
    tails = [text, *(text[match.end() :] for match in re.finditer(": ", text))]
    return any(known(tail) for tail in tails)


@pytest.mark.parametrize("source", SOURCES)
def test_every_message_of_the_readers_is_known(source: str) -> None:
    folder = PROJECT / ("experiments" if "/" in source else "scenarios")
    held = list(findings(folder / f"{source}.py"))
    assert held
    unknown = [text for text in held if not says(text.rsplit("\n", 1)[-1].strip())]
    unknown = [text for text in unknown if text not in OF_THE_PROGRAM]
    assert unknown == []


def test_a_message_that_no_pattern_knows_is_noticed() -> None:
    assert not says("X: the moon is full")
    assert refusal(language("ru"), "x: the moon is full") == "x: the moon is full"


def test_what_is_expected_of_a_value_is_known() -> None:
    for words in _EXPECTED.values():
        filled = words.format(gt=1, ge=1, lt=1, le=1, min_length=1, max_length=9)
        assert known(filled), filled


def test_what_the_reader_of_toml_says_is_known() -> None:
    source = ast.parse(inspect.getsource(tomllib._parser))  # type: ignore[attr-defined]
    calls = [
        node for node in ast.walk(source)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "suffixed_err"
    ]  # fmt: skip
    said = {text for call in calls for text in texts(call.args[2])}
    assert len(said) > 10
    assert [text for text in said if not known(text)] == []


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_a_bad_file_is_refused_in_the_readers_language(lang: str) -> None:
    with pytest.raises(ScenarioError) as error:
        draft_of_upload("bad.toml", BAD)
    english = str(error.value).split("\n")
    said = refusal(language(lang), str(error.value)).split("\n")
    assert len(said) == len(english) > 7
    for line, before in zip(said, english, strict=True):
        assert line != before
        words = re.sub(r"'[^']*'|\([^)]*\)|bad\.toml|[a-z_@]+[._][a-z_.@]+|: [a-z]+:|valid|\bto\b", "", line)
        assert not re.search(r"\b(expected|got|unknown|missing|nearest|lies|should|problems)\b", words), line
    ru = language("ru")
    assert (
        "bad.toml: housing.x.rent_discount (Жильё, аренда за счёт бюджета): ожидается: не больше 0.95, дано 7"
        in (refusal(ru, str(error.value)))
    )
    assert "ближайшее допустимое имя: '@towns'" in refusal(ru, str(error.value))


@pytest.mark.parametrize(("count", "word"), [(1, "ошибка"), (2, "ошибки"), (5, "ошибок"), (21, "ошибка")])
def test_problems_are_counted_as_the_language_counts(count: int, word: str) -> None:
    assert refusal(language("ru"), f"policy 'x': {count} problems") == f"мера 'x': {count} {word}"


def test_a_lever_beyond_the_horizon_is_refused_in_the_readers_language() -> None:
    draft = draft_of_library("settlers")
    draft.set("settlers", "families", "from", 2050)
    draft.set("settlers", "families", "to", 2060)
    with pytest.raises(ScenarioError) as error:
        check_against(draft.check(), load_future("reference"), live_towns().world, 2045)
    said = refusal(language("ru"), str(error.value))
    assert "год 2050 вне прогона, который идёт с 2015 по 2044" in said
    assert "допустимо не больше 2045" in said
    assert "Программа переселенцев, первый год" in said


def test_english_keeps_the_message() -> None:
    with pytest.raises(ScenarioError) as error:
        draft_of_upload("bad.toml", b"a = ")
    assert refusal(language("en"), str(error.value)) == str(error.value)
    assert refusal(language("kk"), str(error.value)) == (
        "bad.toml: TOML файлы оқылмайды: мәні қате (файл соңында)"
    )
