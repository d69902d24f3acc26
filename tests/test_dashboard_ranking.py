"""Scenarios in order of what they keep: as `compare` ranks them, clear only where the runs say so."""

from __future__ import annotations

import copy
import csv
import io

import pytest

from experiments.compare_effects import Effects
from experiments.compare_ranking import ranking_of
from experiments.dashboard import figures, ranking_table
from experiments.dashboard.live_comparison import HeldRuns, _together
from experiments.dashboard.live_ranking import ranks_of
from experiments.language import LANGUAGES, language
from tests.live_results import HORIZON, POLICIES, live_run, live_towns, session_with, wish

RUNS = 3


def effects_of(policies: tuple[str, ...], future: str = "reference") -> Effects:
    """The effects of a live run."""
    live = live_towns()
    study, comparison = live.ready(wish(policies, RUNS, future))
    held = HeldRuns(live.world, HORIZON, [scenario.name for scenario in study.design.scenarios])
    for pair in range(RUNS):
        held.add(pair, study.run_together(_together(study, pair)))
    return Effects(comparison, live.world, held)


def test_ranks_and_regret_are_those_of_compare() -> None:
    effects = effects_of(POLICIES)
    theirs = ranking_of(effects, lambda pessimism: effects)
    mine = ranks_of(effects)["reference"]
    assert mine == live_run()["ranks"]["reference"]
    assert [one["case"] for one in mine] == [f"{one.policy}@reference" for one in theirs.ranked]
    for one, other in zip(mine, theirs.ranked, strict=True):
        assert (one["mean"], one["regret"], one["best_share"]) == (
            other.mean,
            other.worst_regret,
            other.best_share,
        )
        assert [one["regret_low"], one["regret_high"]] == theirs.regret_interval[other.policy][0].tolist()
    assert sorted(one["place"] for one in mine) == list(range(1, len(POLICIES) + 2))
    gains = [effect["all"]["mean"] for effect in live_run()["effects"].values()]
    assert mine[0]["mean"] == pytest.approx(max(gains))
    assert mine[-1]["regret"] == pytest.approx(max(gains) - min(*gains, 0.0))


def test_one_scenario_and_a_preview_have_no_ranks() -> None:
    assert ranks_of(effects_of(("settlers",))) == {}
    assert live_towns().preview(wish(("settlers", "housing")))["ranks"] is None


def test_what_is_alike_has_no_lead() -> None:
    t = language("en")
    held = {one["case"]: one for one in live_run()["ranks"]["reference"]}
    one, other = held["C@reference"], held["baseline@reference"]  # the baseline under another name
    assert one["mean"] == other["mean"] == 0.0
    first = min(one, other, key=lambda each: int(each["place"]))
    assert ranking_table.lead_words(t, first) == "none: alike in every run"


def test_only_what_the_runs_tell_is_called_clear() -> None:
    t = language("en")
    one = {"lead_low": -3.0, "lead_high": 9.0, "regret": 5.0, "regret_low": -1.2, "regret_high": 11.0}
    assert ranking_table.lead_words(t, one) == "not clear"
    assert ranking_table.regret_words(t, one) == "not clear (−1 to 11)"
    clear = {**one, "lead_low": 3.0, "regret_low": 1.6}
    assert ranking_table.lead_words(t, clear) == "+3 to +9"
    assert ranking_table.regret_words(t, clear) == "5 (2 to 11)"
    assert ranking_table.lead_words(t, {**one, "lead_low": None}) == "–"
    assert ranking_table.regret_words(t, {**one, "regret": 0.0}) == "0"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_table_names_every_scenario_once(lang: str) -> None:
    session = session_with(live_run(), lang)
    ((future, title),) = ranking_table.ranked_futures(session)
    assert str(HORIZON) in title
    head, rows = ranking_table.ranking_rows(session, future)
    assert {len(row) for row in rows} == {len(head)}
    wanted = {session.title(slot) for slot in session.slots} | {session.lang("Baseline")}
    assert {row[1] for row in rows} == wanted
    assert "qyzyljar compare" in ranking_table.ranking_note(session.lang)
    summary = copy.deepcopy(live_run())
    summary["ranks"] = None
    assert ranking_table.ranked_futures(session_with(summary, lang)) == []


def test_the_download_holds_regret_and_every_row_has_all_columns() -> None:
    text = figures.effects_csv(session_with(live_run(), "ru"))
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    table = list(csv.DictReader(io.StringIO(text)))
    held = {one["case"]: one for one in live_run()["ranks"]["reference"]}
    found = {row["scenario"][0]: row for row in table if row["what"].startswith("regret")}
    assert {float(found[letter]["mean"]) for letter in "ABCD"} == {
        held[f"{letter}@reference"]["regret"] for letter in "ABCD"
    }
    for row in table:
        assert row["place"] == "all" or row["place"] in live_run()["places"]
        assert row["clear"] in ("0", "1", "")
        if row["low95"]:
            assert float(row["low95"]) <= float(row["mean"]) <= float(row["high95"])
