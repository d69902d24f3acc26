"""The brief: every number comes from stored results, nothing is claimed where zero is in the interval, one file."""

from __future__ import annotations

import csv
import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.brief import compose, find_browser
from experiments.brief_rating import rating_sentences
from experiments.brief_results import ALL, StoredComparison
from experiments.brief_sentences import Speaker
from experiments.command_line import app
from experiments.compare import CompareOptions, compare
from experiments.dashboard.drawing import missing_glyphs
from experiments.language import LANGUAGES, Language, language
from model.world import load_world

ASKED = ("settlers", "housing")
OPTIONS = CompareOptions(policies=ASKED, runs=4, horizon=2030, figures=False, quiet=True, threads=2)
TITLES = {"settlers": "S", "housing": "H", "no_zone": "Z"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compare(replace(OPTIONS, out=tmp_path_factory.mktemp("brief") / "compared"))


def speaker(folder: Path, lang: str = "en") -> Speaker:
    return Speaker(language(lang), StoredComparison(folder), load_world("towns"), TITLES)


def change(folder: Path, to: Path, name: str, keys: dict[str, str], values: dict[str, str]) -> Path:
    """A copy of a comparison's tables with one row changed."""
    to.mkdir()
    for path in folder.glob("*.csv"):
        (to / path.name).write_bytes(path.read_bytes())
    (to / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    with (to / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    hits = 0
    for row in rows:
        if all(row[key] == value for key, value in keys.items()):
            row.update(values)
            hits += 1
    assert hits
    with (to / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return to


def test_the_answer_is_five_sentences_that_name_their_rows(folder: Path) -> None:
    answer = speaker(folder).answer()
    assert len(answer) == 5
    assert all(sentence.source for sentence in answer)


def test_the_number_is_the_stored_one(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "settlers", "reference": "baseline", "place": ALL}
    values = {"mean": "4321", "mean_low95": "4111", "mean_high95": "4531"}
    changed = change(folder, tmp_path / "c", "bounds.csv", keys, values)
    sentence = speaker(changed).effect_on_residents("settlers", ALL)
    assert "4,321 more residents" in sentence.text
    assert "4,111 to 4,531" in sentence.text
    assert sentence.source == "bounds.csv: settlers, all"


def test_no_claim_when_the_interval_includes_zero(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "settlers", "reference": "baseline", "place": ALL}
    values = {"mean": "4321", "mean_low95": "-1", "mean_high95": "8643", "bound95": "9000"}
    changed = change(folder, tmp_path / "c", "bounds.csv", keys, values)
    text = speaker(changed).effect_on_residents("settlers", ALL).text
    assert "4,321" not in text
    assert "no clear effect" in text
    assert "smaller than 9,000 persons" in text
    assert "no clear effect" in compose(language("en"), _whole(changed, folder), load_world("towns"), ASKED)


def _whole(changed: Path, folder: Path) -> StoredComparison:
    (changed / "flows").symlink_to(folder / "flows")
    return StoredComparison(changed)


def test_a_loss_is_said_as_a_loss(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "housing", "reference": "baseline", "place": "bulaevo"}
    values = {"mean": "-50", "mean_low95": "-70", "mean_high95": "-30"}
    changed = change(folder, tmp_path / "c", "bounds.csv", keys, values)
    losers = [sentence.text for sentence in speaker(changed).losers()]
    assert any("50 fewer residents" in text and "Bulaevo" in text and "30 to 70" in text for text in losers)


def test_several_losers_stand_in_one_sentence_the_largest_loss_first(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "housing", "reference": "baseline"}
    few = {"mean": "-5", "mean_low95": "-7", "mean_high95": "-0.4"}
    many = {"mean": "-50", "mean_low95": "-70", "mean_high95": "-30"}
    one = change(folder, tmp_path / "one", "bounds.csv", keys | {"place": "bulaevo"}, few)
    two = change(one, tmp_path / "two", "bounds.csv", keys | {"place": "tayynsha"}, many)
    (said,) = [sentence for sentence in speaker(two).losers() if "fewer residents" in sentence.text]
    assert said.text.endswith("of the mean: Tayynsha 50 (30 to 70); Bulaevo 5.0 (0.4 to 7.0).")
    assert said.source == "bounds.csv: housing, bulaevo, tayynsha"


def test_a_mean_that_single_runs_can_turn_round_says_so(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "settlers", "reference": "baseline", "place": ALL}
    clear = {"mean": "9.13", "mean_low95": "7.1", "mean_high95": "11.2"}
    runs = keys | {"variable": "population", "year": "2030"}
    sure = change(folder, tmp_path / "mean", "bounds.csv", keys, clear)
    spread = change(sure, tmp_path / "spread", "effects.csv", runs, {"q05": "-14.2", "q95": "32.4"})
    text = speaker(spread).effect_on_residents("settlers", ALL).text
    assert "9 more residents" in text
    assert "95% interval of the mean 7 to 11" in text
    assert "a single run may not show it (central 90% of the runs −14 to +32)" in text
    narrow = change(sure, tmp_path / "narrow", "effects.csv", runs, {"q05": "2.0", "q95": "32.4"})
    assert "single run" not in speaker(narrow).effect_on_residents("settlers", ALL).text


def test_a_clear_interval_is_never_written_down_to_zero(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "housing", "reference": "baseline", "place": "bulaevo", "rung": "primary_care_centre"}
    values = {"change": "-0.119", "change_low95": "-0.237", "change_high95": "-0.001"}
    changed = change(folder, tmp_path / "c", "crossings.csv", keys, values)
    assert "by 11.9 percentage points (95% interval 0.1 to 23.7)" in speaker(changed).ladder("housing").text
    said = speaker(changed, "ru").ladder("housing").text
    assert "на 11,9\N{NO-BREAK SPACE}п.\N{NO-BREAK SPACE}п. (95-процентный интервал от 0,1 до 23,7)" in said


def test_price_and_its_interval_are_rounded_alike(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "settlers", "reference": "baseline", "unit": "additional resident", "money": "public"}
    values = {"gain_low95": "5", "gain_high95": "9", "expected": "9.8765", "expected_low95": "8.1234",
              "expected_high95": "123.456"}  # fmt: skip
    changed = change(folder, tmp_path / "c", "costs.csv", keys, values)
    text = speaker(changed).cost("settlers").text.replace("\N{NO-BREAK SPACE}", " ")
    assert "that is 10 million KZT per retained resident (95% interval 8 to 123)" in text


def test_no_price_without_a_clear_gain(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "settlers", "reference": "baseline", "unit": "additional resident", "money": "public"}
    values = {"gain_low95": "-5", "expected": "", "expected_low95": "", "expected_high95": ""}
    changed = change(folder, tmp_path / "c", "costs.csv", keys, values)
    assert "no price per retained resident" in speaker(changed).cost("settlers").text


def test_a_crossing_is_claimed_only_where_it_is_clear(folder: Path, tmp_path: Path) -> None:
    assert "all intervals include zero" in speaker(folder).ladder("housing").text
    keys = {"scenario": "housing", "reference": "baseline", "place": "bulaevo", "rung": "primary_care_centre"}
    values = {"change": "-0.25", "change_low95": "-0.4", "change_high95": "-0.1"}
    changed = change(folder, tmp_path / "c", "crossings.csv", keys, values)
    text = speaker(changed).ladder("housing").text
    assert "lowers the chance" in text
    assert "by 25 percentage points (95% interval 10 to 40)" in text


def test_a_class_is_named_only_where_enough_is_known(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "baseline", "place": "bulaevo", "year": "2029"}
    values = {
        "class": "depressive", "share_depressive": "0.62", "least_depressive": "0.11", "most_depressive": "0.87",
        "coverage": "0.6471",
    }  # fmt: skip
    named = change(folder, tmp_path / "named", "rating.csv", keys, values)
    (said,) = [one for one in rating_sentences(speaker(named)) if one.source.endswith("bulaevo, 2029")]
    assert "likeliest class “Depressive”, chance 62%, between 11% and 87%" in said.text
    assert "(65% are known)" in said.text
    assert said.source == "rating.csv: baseline, bulaevo, 2029"
    unnamed = change(folder, tmp_path / "unnamed", "rating.csv", keys, {**values, "class": "no class"})
    (said,) = [one for one in rating_sentences(speaker(unnamed)) if one.source.endswith("bulaevo, 2029")]
    assert "no class can be named" in said.text
    assert "62" not in said.text
    assert "a reconstruction" in rating_sentences(speaker(unnamed))[-1].text


def test_a_change_of_class_is_claimed_only_where_it_is_clear(folder: Path, tmp_path: Path) -> None:
    keys = {"scenario": "housing", "place": "bulaevo", "year": "2029", "class": "extinction"}
    clear = {"change": "-0.25", "change_low95": "-0.4", "change_high95": "-0.1"}
    everywhere = {"change": "0.9", "change_low95": "-0.01", "change_high95": "1.0"}

    def said(to: Path) -> str:
        held = [one for one in rating_sentences(speaker(to)) if one.source.startswith("rating_changes.csv: ")]
        return " ".join(one.text for one in held if "housing" in one.source)

    vague = change(folder, tmp_path / "vague", "rating_changes.csv", {"scenario": "housing"}, everywhere)
    vague = change(vague, tmp_path / "named", "rating.csv", {"scenario": "housing"}, {"class": "depressive"})
    assert "all intervals include zero" in said(vague)
    assert "90" not in said(vague)
    sure = change(vague, tmp_path / "sure", "rating_changes.csv", keys, clear)
    assert "lowers the chance of the class “Extinction” in 2029" in said(sure)
    assert "by 25 percentage points (95% interval 10 to 40)" in said(sure)
    unnamed = change(sure, tmp_path / "unnamed", "rating.csv", {"scenario": "housing"}, {"class": "no class"})
    assert "lowers" not in said(unnamed)  # where no class can be named, no change of one is told


def test_what_never_happened_is_bounded(folder: Path) -> None:
    texts = " ".join(sentence.text for sentence in speaker(folder).doubts())
    assert re.search(r"“S”.*: in none of 4 runs are there fewer residents in 2030", texts)
    assert "the chance of it is under 49%" in texts  # none of four: Wilson's 95 % interval, as everywhere


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_file_that_needs_nothing_else(folder: Path, lang: str) -> None:
    page = compose(Language(lang), StoredComparison(folder), load_world("towns"), ASKED)
    assert f'<html lang="{lang}">' in page
    addresses = set(re.findall(r"https?://[^\"'\s<]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|script|img|iframe)\b", page)
    assert "data:font/woff;base64," in page
    assert StoredComparison(folder).identity in page
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert missing_glyphs(body) == set()
    assert "{" not in body
    assert len(page) < 400_000


def test_every_sentence_with_a_number_names_its_run(folder: Path) -> None:
    page = compose(language("en"), StoredComparison(folder), load_world("towns"), ASKED)
    start, end = page.index("The answer"), page.index("<h2>Assumptions")
    items = re.findall(r"<li>(.*?)</li>", page[start:end], flags=re.DOTALL)
    assert len(items) > 8
    for item in items:
        if re.search(r"\d", html.unescape(re.sub(r"<span.*", "", item))):
            assert "[R1 · " in item, item


def test_a_policy_is_needed_and_a_language_known(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for arguments, said in (
        (["--lang", "en"], "expected at least one POLICY"),
        ([], "нужна хотя бы одна мера"),  # Russian unless told otherwise
        (["settlerz", "--lang", "kk"], "белгісіз шара 'settlerz'; ең жақын жарамды атау: 'settlers'"),
        (["settlers", "--lang", "de"], "--lang de"),
    ):
        done = CliRunner().invoke(app, ["brief", *arguments, "--out", str(out)])
        assert done.exit_code == 2
        assert said in done.stderr
        assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked", [("settlers",), ("settlers", "housing", "networks_renewal", "zone_as_declared")]
)
def test_the_command_prints_three_to_five_pages_in_every_language(
    asked: tuple[str, ...], tmp_path: Path
) -> None:
    if find_browser() is None:
        pytest.skip("no Chromium, Chrome or Edge is installed: no PDF can be made")
    out = tmp_path / "out"
    for lang in LANGUAGES:
        options = ["--runs", "4", "--horizon", "2036", "--lang", lang, "--out", str(out)]
        done = CliRunner().invoke(app, ["brief", *asked, *options])
        assert done.exit_code == 0, done.output
        printed = (out / f"brief-{lang}.pdf").read_bytes()
        assert len(printed) > 20_000
        assert 3 <= len(re.findall(rb"/Type /Page\b", printed)) <= 5, lang
