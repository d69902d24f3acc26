"""What the brief says of the reconstructed rating: classes without a policy, and clear changes by policies."""

from __future__ import annotations

from experiments.brief_results import Estimate, Row
from experiments.brief_sentences import Sentence, Speaker
from experiments.compare_scenarios import BASELINE
from experiments.language_schema import RATING_CLASSES
from experiments.rate_outputs import CHANGES, RATING

MOST_TOWNS = 5


def rating_sentences(speaker: Speaker) -> list[Sentence]:
    """Class of each town without a policy in the last year rated, the clearest change by each policy, what it is not.

    A class is named only where enough indicators are known, and a change only where its interval lies on one side of
    zero.
    """
    t, stored = speaker.lang, speaker.stored
    last = str(max(int(row["year"]) for row in stored.rows(RATING)))
    found = [
        _level(speaker, row)
        for row in stored.rows(RATING)
        if (row["scenario"], row["year"]) == (_baseline(speaker), last) and row["place"] in _towns(speaker)
    ]
    # Changes are stored against the plain baseline only: scenarios under futures have none
    if (stored.folder / CHANGES).is_file():
        plain = [scenario for scenario in speaker.ranked() if stored.reference(scenario) == BASELINE]
        changes = {scenario: _change(speaker, scenario, last) for scenario in plain}
        found += [sentence for sentence in changes.values() if sentence is not None]
        unmoved = [scenario for scenario, sentence in changes.items() if sentence is None]
        if unmoved:
            text = t(
                "{policies}: no place's chance of a class in {year} changes clearly, all intervals include zero.",
                policies=speaker.quoted(unmoved),
                year=last,
            )
            found.append(Sentence(text, f"{CHANGES}: {', '.join(unmoved)}"))
    text = t(
        "The rating is a reconstruction: the paper publishes blocks and numbers of indicators, but neither the "
        "indicators nor weights nor thresholds; missing indicators are drawn over their whole range."
    )
    return [*found, Sentence(text)]


def _baseline(speaker: Speaker) -> str:
    ranked = speaker.ranked()
    return speaker.stored.reference(ranked[0]) if ranked else BASELINE


def _towns(speaker: Speaker) -> list[str]:
    world = speaker.world
    places = list(world.ids[: world.n_sim])
    return ([place for place in places if world.kind[world.index(place)] == "town"] or places)[:MOST_TOWNS]


def _level(speaker: Speaker, row: Row) -> Sentence:
    t, kind = speaker.lang, row["class"]
    words = {
        "place": t.place(speaker.world, row["place"]),
        "year": row["year"],
        "known": t.percent(float(row["coverage"]), 0),
    }
    source = f"{RATING}: {row['scenario']}, {row['place']}, {row['year']}"
    if kind not in RATING_CLASSES:
        text = t(
            "{place}, {year}, with no further policy: no class can be named, as only {known} of the indicators are "
            "known.",
            **words,
        )
        return Sentence(text, source)
    share = float(row[f"share_{kind}"])
    chance = (
        t.percent(share, 0)
        if share < 1.0
        else t("over {bound}", bound=t.bound(float(row[f"low95_{kind}"]), above=False))
    )
    text = t(
        "{place}, {year}, with no further policy: likeliest class “{kind}”, chance {chance}, between {least} and "
        "{most} depending on what the missing indicators are ({known} are known).",
        kind=t(RATING_CLASSES[kind]),
        chance=chance,
        least=t.percent(float(row[f"least_{kind}"]), 0),
        most=t.percent(float(row[f"most_{kind}"]), 0),
        **words,
    )
    return Sentence(text, source)


def _change(speaker: Speaker, scenario: str, year: str) -> Sentence | None:
    """The largest clear change of a class by a policy; None where there is none."""
    t, stored = speaker.lang, speaker.stored
    named = {
        row["place"]
        for row in stored.rows(RATING)
        if (row["scenario"], row["year"]) == (scenario, year) and row["class"] in RATING_CLASSES
    }
    clear = []
    for row in stored.rows(CHANGES):
        if (row["scenario"], row["year"]) == (scenario, year) and row["place"] in named:
            source = f"{CHANGES}: {scenario}, {row['place']}, {year}, {row['class']}"
            change, low, high = (float(row[key]) for key in ("change", "change_low95", "change_high95"))
            estimate = Estimate(change, low, high, source)
            if estimate.is_claim:
                clear.append((row["place"], row["class"], estimate))
    if not clear:
        return None
    words = {"policy": speaker.titles[scenario], "year": year}
    place, kind, largest = max(clear, key=lambda one: abs(one[2].mean))
    ends = sorted((abs(100 * largest.low), abs(100 * largest.high)))
    points, interval = t.estimate(abs(100 * largest.mean), *ends, whole=True)
    words |= {
        "place": t.place(speaker.world, place),
        "kind": t(RATING_CLASSES[kind]),
        "points": points,
        "interval": interval,
    }
    if largest.mean > 0:
        text = t(
            "“{policy}” raises the chance of the class “{kind}” in {year}, {place}, by {points} percentage points "
            "(95 % interval {interval}).",
            **words,
        )
    else:
        text = t(
            "“{policy}” lowers the chance of the class “{kind}” in {year}, {place}, by {points} percentage points "
            "(95 % interval {interval}).",
            **words,
        )
    return Sentence(text, largest.source)
