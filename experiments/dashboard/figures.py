"""From a summary of results to the figures and tables that the page shows and hands out."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from experiments.dashboard.charts import Bar, Fan, bar_chart, fan_chart
from experiments.dashboard.drawing import Drawing
from experiments.dashboard.region_drawing import region_map
from experiments.dashboard.session import Session, Slot, shipped_future
from experiments.language import Language, mark
from experiments.language_schema import RUNGS
from model.accounts_data import LAST_COUNT_YEAR
from model.world import World

Summary = dict[str, Any]
PERSONS_A_YEAR = mark("persons a year")
SHARE = mark("per cent of the labour force")
# Figures of the page with their units; those in per cent are shares in the results.
FIGURES: dict[str, tuple[str, str]] = {
    "population": (mark("Residents on 1 January"), mark("persons, on the register's basis")),
    "births": (mark("Births"), PERSONS_A_YEAR),
    "deaths": (mark("Deaths"), PERSONS_A_YEAR),
    "in_migration": (mark("Arrivals"), PERSONS_A_YEAR),
    "out_migration": (mark("Out-migration"), PERSONS_A_YEAR),
    "net_migration": (mark("Net migration"), PERSONS_A_YEAR),
    "out_russia": (mark("Out-migration to Russia"), PERSONS_A_YEAR),
    "jobs": (mark("Jobs in the place"), mark("posts")),
    "employed": (mark("Residents in work"), mark("persons")),
    "commuters": (mark("Commuters to the centre"), mark("persons")),
    "unemployment_rate": (mark("Official unemployment"), SHARE),
    "hidden_unemployment_rate": (mark("Hidden unemployment and self-employment"), SHARE),
    "wage": (mark("Mean wage"), mark("KZT a month, 2020 prices")),
    "wear": (mark("Wear of networks"), mark("per cent")),
    "services": (mark("Services open to residents"), mark("index")),
}
SHARES = ("unemployment_rate", "hidden_unemployment_rate", "wear")
FROM_ZERO = (*SHARES, "services", "births", "deaths", "out_russia")
POPULATION_FIGURES = (
    "population", "births", "deaths", "in_migration", "out_migration", "net_migration", "out_russia",
)  # fmt: skip
JOB_FIGURES = (
    "jobs", "employed", "commuters", "unemployment_rate", "hidden_unemployment_rate", "wage", "wear", "services",
)  # fmt: skip
RESIDENT = "additional resident"
FIRST_POLICY_YEAR = 2026


FEWEST_DRAWS_OF_A_BAND = 6


def stage_note(lang: Language, summary: Summary) -> str:
    """Where the figures come from and how sure they are, in one line."""
    runs = summary["runs"]
    if summary["stage"] == "preview":
        return lang.plural(
            "Preview without chance by the cohort twin, {count} parameter draw",
            "Preview without chance by the cohort twin, {count} parameter draws",
            runs,
        )
    return lang.plural(
        "Model, {count} run: median, central 50 % (dark) and 90 % (light) over chance and parameters",
        "Model, {count} runs: median, central 50 % (dark) and 90 % (light) over chance and parameters",
        runs,
    )


def source_note(lang: Language, summary: Summary) -> str:
    """Where the figures come from, without the bands: for figures that have none."""
    return stage_note(lang, summary).split(":")[0]


def baselines(session: Session, slots: Sequence[Slot]) -> list[tuple[str, str]]:
    """Names of the baselines shown, each with its label."""
    lang = session.lang
    found = {}
    for slot in slots:
        under = "" if slot.future == "reference" else f" · {shipped_future(slot.future).title(lang.code)}"
        found[slot.baseline] = lang.text("Baseline") + under
    return list(found.items())


def fan_figure(session: Session, figure: str, place: str, *, height: float = 400.0) -> Drawing | None:
    """Fans of all scenarios for one figure and place; None where the figure cannot be added up over places."""
    summary, lang = session.summary, session.lang
    assert summary is not None
    fans = []
    entries = [(name, label, 0) for name, label in baselines(session, session.shown_slots)]
    entries += [
        (slot.case, session.title(slot), 1 + ord(slot.letter) - ord("A")) for slot in session.shown_slots
    ]
    for name, label, colour in entries:
        paths = summary["levels"][name][figure].get(place)
        if paths is None:
            return None
        # The spread of a few draws says nothing: their median alone, until there are more or the model has run
        is_spread = summary["stage"] != "preview" or summary["runs"] >= FEWEST_DRAWS_OF_A_BAND
        fans.append(Fan(label, colour, paths if is_spread else [paths[2]] * len(paths)))
    title, unit = (lang.text(words) for words in FIGURES[figure])
    years = summary["years"][: len(fans[0].quantiles[0])]
    return fan_chart(
        lang,
        f"{title}: {lang.place(session.world, place)}",
        unit,
        years,
        fans,
        stage_note(lang, summary),
        observed=observed(session.world, figure, place),
        per_cent=figure in SHARES,
        from_zero=figure in FROM_ZERO,
        mark_year=FIRST_POLICY_YEAR,
        height=height,
    )


def observed(world: World, figure: str, place: str) -> list[tuple[int, float]]:
    """Official counts of the accounts up to 1 January 2021, where there are any."""
    if figure != "population":
        return []
    places = world.ids[: world.n_sim] if place == "all" else (place,)
    if not all(world.accounts.has(one, "population_1jan", world.start, LAST_COUNT_YEAR) for one in places):
        return []
    return [
        (year, sum(world.accounts.value(one, "population_1jan", year) for one in places))
        for year in range(world.start, LAST_COUNT_YEAR + 1)
    ]


def effect_words(lang: Language, effect: dict[str, Any]) -> str:
    """An effect with its interval, or what can be said where the interval holds zero."""
    if effect["zero"]:
        return lang.text("no effect in any run")
    if effect["low"] is None:
        return lang.text("more runs needed")
    if not effect["expected"] and effect.get("bound") is not None:
        return lang.text("no clear effect, under {bound}", bound=lang.number(math.ceil(effect["bound"]), 0))
    value, interval = lang.estimate(effect["mean"], effect["low"], effect["high"], whole=True, signed=True)
    if not effect["expected"]:
        return lang.text("no clear effect ({interval})", interval=interval)
    return lang.text("{value} ({interval})", value=value, interval=interval)


def price_words(lang: Language, unit: dict[str, Any]) -> str:
    """Cost of a unit with its interval, or why there is none."""
    if unit["expected"] is None:
        gain = unit["gain"]
        if gain["zero"]:
            return lang.text("no price: no effect in any run")
        if gain["expected"] and gain["mean"] < 0:
            return lang.text("no price: residents are lost")
        if gain["expected"]:
            return lang.text("no price: it saves money")
        return lang.text("no price: the effect may be zero")
    if unit["interval"] is None:
        return lang.number(unit["expected"])
    value, interval = lang.estimate(unit["expected"], *unit["interval"])
    return lang.text("{value} ({interval})", value=value, interval=interval)


def effect_figure(session: Session) -> Drawing:
    """Residents more or fewer than in the baseline on the last 1 January, by scenario."""
    summary, lang = session.summary, session.lang
    assert summary is not None
    bars = []
    for slot in session.shown_slots:
        effect = summary["effects"][slot.case][session.place]
        low, high = (math.nan if effect[key] is None else effect[key] for key in ("low", "high"))
        words = effect_words(lang, effect)
        value = effect["mean"] if effect["expected"] or effect["low"] is None else 0.0
        bars.append(Bar(session.title(slot), _colour(slot), value, low, high, words))
    place = lang.place(session.world, session.place)
    title = lang.text(
        "Residents on 1 January {year} against the baseline: {place}", year=summary["horizon"], place=place
    )
    unit = lang.text("persons; mean of paired runs with its 95 % interval")
    return bar_chart(lang, title, unit, bars, source_note(lang, summary))


def price_figure(session: Session) -> Drawing:
    """Public money per retained resident."""
    summary, lang = session.summary, session.lang
    assert summary is not None
    bars = []
    for slot in session.shown_slots:
        unit = summary["costs"][slot.case]["units"][RESIDENT]
        low, high = unit["interval"] or (math.nan, math.nan)
        value = math.nan if unit["expected"] is None else unit["expected"]
        bars.append(Bar(session.title(slot), _colour(slot), value, low, high, price_words(lang, unit)))
    return bar_chart(
        lang,
        lang.text("Public money per retained resident, all places together"),
        lang.text("million KZT, 2020 prices, present value of 2026 at 5 % a year; 95 % interval"),
        bars,
        source_note(lang, summary),
    )


def money_figure(session: Session) -> Drawing:
    """Public money above the baseline."""
    summary, lang = session.summary, session.lang
    assert summary is not None
    bars = []
    for slot in session.shown_slots:
        money = summary["costs"][slot.case]["public"]
        words = lang.signed(money["mean"])
        if lang.number(money["q05"]) != lang.number(money["q95"]):
            words, interval = lang.estimate(money["mean"], money["q05"], money["q95"], signed=True)
            words = lang.text("{value} ({interval})", value=words, interval=interval)
        bars.append(Bar(session.title(slot), _colour(slot), money["mean"], money["q05"], money["q95"], words))
    return bar_chart(
        lang,
        lang.text("Public money above the baseline"),
        lang.text("million KZT, 2020 prices, present value of 2026 at 5 % a year; central 90 % of runs"),
        bars,
        source_note(lang, summary),
    )


def chance_words(lang: Language, rung: dict[str, Any], runs: int) -> str:
    """A chance in per cent with its interval; no event gives an upper bound, never zero."""
    if rung["events"] == 0:
        return lang.text("under {bound}", bound=lang.bound(rung["high"], above=True))
    if rung["events"] == runs:
        return lang.text("over {bound}", bound=lang.bound(rung["low"], above=False))
    interval = lang.range(100 * rung["low"], 100 * rung["high"], decimals=0)
    return lang.text("{value} ({interval})", value=lang.percent(rung["events"] / runs, 0), interval=interval)


def ladder_rows(session: Session, place: str) -> list[dict[str, str]]:
    """Chance to fall below each rung by the horizon: one row a rung, one cell a scenario."""
    summary, lang = session.summary, session.lang
    assert summary is not None
    cases = [(name, label) for name, label in baselines(session, session.shown_slots)]
    cases += [(slot.case, session.title(slot)) for slot in session.shown_slots]
    if place == "all" or not cases:
        return []
    rows = []
    for k, rung in enumerate(summary["ladder"][cases[0][0]][place]):
        meaning = RUNGS[rung["rung"]]
        row = {"rung": lang.text(meaning), "persons": lang.number(rung["persons"], 0)}
        for name, _ in cases:
            row[name] = chance_words(lang, summary["ladder"][name][place][k], summary["runs"])
        rows.append(row)
    return rows


def map_figure(session: Session, case: str, year: int, label: str) -> Drawing:
    """Who moves where in a year, mean over runs."""
    summary, lang, world = session.summary, session.lang, session.world
    assert summary is not None
    t = min(max(0, year - world.start), len(summary["flows"][case]) - 1)
    table = summary["flows"][case][t]
    flows = {
        (world.ids[s], world.ids[d]): float(persons)
        for s, row in enumerate(table)
        for d, persons in enumerate(row)
        if s != d and persons > 0
    }
    people = {place: summary["levels"][case]["population"][place][2][t] for place in world.ids[: world.n_sim]}
    title = lang.text("Who moves where in {year}: {scenario}", year=world.start + t, scenario=label)
    note = source_note(lang, summary)
    return region_map(
        lang,
        world,
        title,
        flows,
        people,
        lang.text("{note}; numbers beside towns: residents on 1 January", note=note),
    )


def _colour(slot: Slot) -> int:
    return 1 + ord(slot.letter) - ord("A")


def table_csv(session: Session) -> str:
    """All figures shown, as CSV: scenario, figure, place, year, quantiles; effects and costs below by their names."""
    summary = session.summary
    assert summary is not None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    units = {name: "share" if name in SHARES else unit for name, (_, unit) in FIGURES.items()}
    head = [
        "stage",
        "runs",
        "seed",
        "scenario",
        "figure",
        "unit",
        "place",
        "year",
        "q05",
        "q25",
        "q50",
        "q75",
        "q95",
    ]
    writer.writerow(head)
    labels = {slot.case: f"{slot.letter}: {slot.draft.name}@{slot.future}" for slot in session.shown_slots}
    first = [summary["stage"], summary["runs"], summary["seed"]]
    for case, figures in summary["levels"].items():
        for figure, places in figures.items():
            for place, paths in places.items():
                for t, cells in enumerate(zip(*paths, strict=True)):
                    row = [labels.get(case, case), figure, units[figure], place, summary["years"][t], *cells]
                    writer.writerow([*first, *row])
    return text.getvalue()


def effects_csv(session: Session) -> str:
    """Effects and costs as CSV, one row each, means with their 95 % intervals."""
    summary = session.summary
    assert summary is not None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["stage", "runs", "seed", "scenario", "what", "unit", "place", "mean", "low95", "high95", "clear"]
    )
    first = [summary["stage"], summary["runs"], summary["seed"]]
    for slot in session.shown_slots:
        label = f"{slot.letter}: {slot.draft.name}@{slot.future}"
        for place, effect in summary["effects"][slot.case].items():
            cells = [effect["mean"], effect["low"], effect["high"], int(effect["expected"])]
            writer.writerow([*first, label, "residents at the horizon", "persons", place, *cells])
        costs = summary["costs"][slot.case]
        for what in ("public", "private"):
            one = costs[what]
            cells = [one["mean"], one["low"], one["high"], int(one["expected"])]
            writer.writerow(
                [*first, label, f"{what} money", "million KZT, 2020 prices, present value", "all", *cells]
            )
        for unit, held in costs["units"].items():
            low, high = held["interval"] or (None, None)
            row = [
                f"cost per {unit}",
                "million KZT",
                "all",
                held["expected"],
                low,
                high,
                int(held["interval"] is not None),
            ]
            writer.writerow([*first, label, *row])
        for one in (summary["ranks"] or {}).get(slot.future, ()):
            if one["case"] == slot.case:
                sure = one["regret_low"] is not None and one["regret_low"] > 0.0
                cells = [one["regret"], one["regret_low"], one["regret_high"], int(sure)]
                writer.writerow(
                    [*first, label, "regret in residents at the horizon", "persons", "all", *cells]
                )
                share = [one["best_share"], None, None, None]
                writer.writerow(
                    [*first, label, "none of the scenarios does better", "share of runs", "all", *share]
                )
    return text.getvalue()
