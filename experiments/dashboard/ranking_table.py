"""The scenarios in order of the residents they keep, with the regret of choosing another than the best."""

from __future__ import annotations

from typing import Any

from experiments.dashboard.session import Session, shipped_future
from experiments.language import Language


def ranked_futures(session: Session) -> list[tuple[str, str]]:
    """Futures under which scenarios can be ranked, each with the title of its table; none in a preview."""
    summary, t = session.summary, session.lang
    assert summary is not None
    found = []
    for future in summary["ranks"] or {}:
        title = t(
            "Which scenario keeps most residents, 1 January {year}, all places together",
            year=summary["horizon"],
        )
        under = "" if future == "reference" else f" · {shipped_future(future).title(t.code)}"
        found.append((future, title + under))
    return found


def ranking_rows(session: Session, future: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of a future: the best scenario first, the baseline among them."""
    summary, t = session.summary, session.lang
    assert summary is not None
    labels = {slot.case: session.title(slot) for slot in session.shown_slots}
    head = [
        t("Rank"),
        t("Scenario"),
        t("Residents against the baseline"),
        t("Lead over the next"),
        t("Regret: residents lost by this choice"),
        t("None does better, share of runs"),
    ]
    rows = []
    for one in summary["ranks"][future]:
        label = t("Baseline") if one["is_baseline"] else labels[one["case"]]
        cells = [
            _signed(t, one["mean"]),
            lead_words(t, one),
            regret_words(t, one),
            t.percent(one["best_share"], 0),
        ]
        rows.append([t.number(one["place"], 0), label, *cells])
    return head, rows


def lead_words(t: Language, one: dict[str, Any]) -> str:
    """Lead over the next scenario, 95 % interval; what is not clear is called so."""
    low, high = one["lead_low"], one["lead_high"]
    if low is None:
        return "–"
    if low == high == 0.0:
        return t("none: alike in every run")
    if low <= 0.0 <= high:
        return t("not clear")
    return t.range(low, high, signed=True, decimals=0)


def regret_words(t: Language, one: dict[str, Any]) -> str:
    """Expected regret with its 95 % interval; none for the best."""
    low, high = one["regret_low"], one["regret_high"]
    if one["regret"] == 0.0:
        return "0"
    if low is None:
        return t.number(one["regret"], 0)
    if low <= 0.0:
        return t("not clear ({interval})", interval=t.range(low, high, decimals=0))
    value, interval = t.estimate(one["regret"], low, high, whole=True)
    return t("{value} ({interval})", value=value, interval=interval)


def ranking_note(t: Language) -> str:
    """What the ranking is, and what it is not."""
    return t(
        "Ranks by expected residents; money does not enter. Regret is what the best of these scenarios would keep "
        "more; in brackets 95 % intervals over the same runs. Whether a rank rests on an assumption, and ranks over "
        "several futures: qyzyljar compare."
    )


def _signed(t: Language, mean: float) -> str:
    return t.signed(mean, 0)
