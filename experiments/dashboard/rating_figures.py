"""The rating tab of the page: the index as a fan, the classes as a table, both said to be a reconstruction."""

from __future__ import annotations

import math
from typing import Any

from experiments.dashboard.charts import Fan, fan_chart
from experiments.dashboard.drawing import Drawing
from experiments.dashboard.figures import FIRST_POLICY_YEAR, baselines
from experiments.dashboard.session import Session
from experiments.language import Language
from experiments.language_schema import RATING_CLASSES

EVERY = 5  # years between rows of the table


def rated_place(session: Session) -> str:
    """The place shown: the chosen one, or the first where all are chosen together."""
    return session.world.ids[0] if session.place == "all" else session.place


def index_figure(session: Session, place: str) -> Drawing:
    """Full index of a place under every scenario, missing indicators drawn over their whole range."""
    rating, lang = _rating(session), session.lang
    fans = []
    for name, label, colour in _cases(session):
        paths = rating["cases"][name][place]["index"]
        fans.append(
            Fan(label, colour, [[math.nan if one is None else one for one in path] for path in paths])
        )
    return fan_chart(
        lang,
        lang.text("Index of the settlement rating: {place}", place=lang.place(session.world, place)),
        lang.text("reconstruction; 0 worst, 1 best; missing indicators drawn over their whole range"),
        rating["years"],
        fans,
        lang.text("Median, central 50 % (dark) and 90 % (light) of the runs"),
        mark_year=FIRST_POLICY_YEAR,
    )


def class_rows(session: Session, place: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the classes: one row a year and scenario."""
    rating, lang = _rating(session), session.lang
    years: list[int] = rating["years"]
    shown = [t for t, year in enumerate(years) if year % EVERY == 0 or t == len(years) - 1]
    head = [lang.text("Year"), lang.text("Scenario"), lang.text("Known indicators")]
    rows = []
    for t in shown:
        for name, label, _ in _cases(session):
            held = rating["cases"][name][place]
            if held["classes"]["development"]["share"][t] is None:
                continue
            known = lang.text("{known} of {all}", known=held["known"][t], all=rating["of"])
            cells = [
                class_words(lang, held["classes"][kind], t, held["printable"][t]) for kind in RATING_CLASSES
            ]
            rows.append([str(years[t]), label, known, *cells])
    return [*head, *(lang.text(words) for words in RATING_CLASSES.values())], rows


def class_words(lang: Language, held: dict[str, Any], t: int, printable: bool) -> str:
    """Share of the draws in a class with its range over missing indicators; the range alone where too few are known."""
    reach = lang.range(100 * held["least"][t], 100 * held["most"][t], decimals=0)
    if not printable:
        return reach
    share, (low, high) = held["share"][t], held["interval"][t]
    if share == 0.0:
        value = lang.text("under {bound}", bound=lang.bound(high, above=True))
    elif share == 1.0:
        value = lang.text("over {bound}", bound=lang.bound(low, above=False))
    else:
        value = lang.percent(share, 0)
    return lang.text("{value} ({interval})", value=value, interval=reach)


def rating_note(session: Session) -> str:
    """What the figures are and are not."""
    lang = session.lang
    return lang.text(
        "A reconstruction: the paper publishes blocks and numbers of indicators, but neither the indicators nor "
        "weights nor thresholds. Shares of {draws} draws of weights, thresholds and missing indicators over the runs; "
        "in brackets the range over what the missing indicators could be, alone where fewer than half are known.",
        draws=lang.number(_rating(session)["draws"], 0),
    )


def _rating(session: Session) -> dict[str, Any]:
    assert session.summary is not None
    rating: dict[str, Any] = session.summary["rating"]
    return rating


def _cases(session: Session) -> list[tuple[str, str, int]]:
    """Scenario, label and colour, the baselines first."""
    cases = [(name, label, 0) for name, label in baselines(session, session.shown_slots)]
    return cases + [
        (slot.case, session.title(slot), 1 + ord(slot.letter) - ord("A")) for slot in session.shown_slots
    ]
