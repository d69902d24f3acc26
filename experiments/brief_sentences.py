"""Sentences of the brief. Each is made from one stored figure and carries where that is stored.

No sentence claims an effect whose 95 % interval includes zero: it says instead how large the effect can be at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.brief_results import ALL, Estimate, StoredComparison
from experiments.compare_scenarios import BASELINE, NO_ZONE
from experiments.cost_effectiveness import PRESENT_YEAR
from experiments.intervals import probability
from experiments.language import Language, mark
from experiments.language_schema import RUNGS
from model.world import World

RESIDENT = "additional resident"
URBAN = ("regional_centre", "town")
MOST_PLACES = 6
MARKED_RUN = "R1"
MODEL_ASSUMPTIONS = (
    mark(
        "People weigh incomes, infrastructure, services, rents, distance and kin; what these are "
        "worth to them comes mostly from the literature, not from the region's data."
    ),
    mark("What quality of networks is worth to people is almost wholly an assumption."),
    mark(
        "Wages, prices and borders follow the future named; after the last observed year they "
        "are assumptions."
    ),
    mark("Unit costs come from the press and from the rules of programmes; they are rough."),
    mark(
        "Heritage, culture, the language of schooling and pensions are not modelled; seasonal "
        "work only as commuting."
    ),
)
DATA_DEFECTS = (
    mark("Only six years are observed, up to 1 January 2021, and only two of the towns have wage data."),
    mark(
        "The official net migration of the towns does not fit their population counts; the "
        "counts are believed here."
    ),
    mark("The year 2015 looks like an event of the register, not of people; it weighs less."),
    mark("The age structure of the towns is an estimate."),
    mark(
        "Counts stand on the register's basis, which censuses have corrected by several per cent either way."
    ),
)


@dataclass(frozen=True)
class Sentence:
    """A sentence and where its number is stored ("" for one without numbers)."""

    text: str
    source: str = ""


class Speaker:
    """Makes sentences from stored results in one language.

    Args:
        titles: of the scenarios, in that language.
    """

    def __init__(
        self, lang: Language, stored: StoredComparison, world: World, titles: dict[str, str]
    ) -> None:
        self.lang, self.stored, self.world, self.titles = lang, stored, world, titles

    def ranked(self) -> list[str]:
        """Policies asked about, the most additional residents first."""
        stored = self.stored
        return sorted(stored.policies, key=lambda name: -stored.residents(name, ALL).mean)

    def answer(self) -> list[Sentence]:
        """Five sentences: where things go, what the best policy does, its cost, the ladder, the zone."""
        best = self.ranked()[0] if self.stored.policies else NO_ZONE
        return [
            self.baseline_path(),
            self.effect_on_residents(best, ALL),
            self.cost(best),
            self.ladder(best),
            self.effect_on_residents(NO_ZONE, ALL),
        ]

    def baseline_path(self) -> Sentence:
        """What happens without a further policy: town by town, as medians of several places do not add up."""
        t, stored = self.lang, self.stored
        places = list(self.world.ids[: self.world.n_sim])
        urban = [place for place in places if self.world.kind[self.world.index(place)] in URBAN] or places
        parts = []
        for place in urban[:MOST_PLACES]:
            median, low, high = stored.level(BASELINE, place, stored.horizon)
            interval = t.range(_tens(low), _tens(high), decimals=0)
            parts.append(
                t(
                    "{place} {median} ({interval})",
                    place=t.place(self.world, place),
                    median=t.number(_tens(median), 0),
                    interval=interval,
                )
            )
        text = t(
            "With no further policy, residents on 1 January {year}, median and central 90 % of "
            "the runs: {places}.",
            year=stored.horizon,
            places="; ".join(parts),
        )
        return Sentence(text, f"summary.csv: {BASELINE}, population, {stored.horizon}")

    def effect_on_residents(self, scenario: str, place: str) -> Sentence:
        """What a scenario does to the residents of a place."""
        t, stored = self.lang, self.stored
        effect = stored.residents(scenario, place)
        words = {"policy": self.titles[scenario], "place": t.place(self.world, place), "year": stored.horizon}
        if effect.is_claim:
            ends = sorted((abs(effect.low), abs(effect.high)))
            size, interval = t.estimate(abs(effect.mean), *ends, whole=True)
            if effect.mean > 0:
                text = t(
                    "“{policy}”: {size} more residents on 1 January {year} than in the baseline, {place} "
                    "(95 % interval of the mean {interval}).",
                    size=size, interval=interval, **words,
                )  # fmt: skip
            else:
                text = t(
                    "“{policy}”: {size} fewer residents on 1 January {year} than in the baseline, {place} "
                    "(95 % interval of the mean {interval}).",
                    size=size, interval=interval, **words,
                )  # fmt: skip
            return Sentence(text + self._single_runs(scenario, place), effect.source)
        return self._no_claim(effect, words)

    def _single_runs(self, scenario: str, place: str) -> str:
        """What a mean hides: where the central 90 % of the runs include zero, one run need not show it. Else ""."""
        t, runs = self.lang, self.stored.spread(scenario, place)
        if runs is None or not runs.low <= 0.0 <= runs.high:
            return ""
        interval = t.range(runs.low, runs.high, signed=True, decimals=0)
        return " " + t(
            "That is the mean over the runs; a single run may not show it (central 90 % of the runs {interval}).",
            interval=interval,
        )

    def _no_claim(self, effect: Estimate, words: dict[str, object]) -> Sentence:
        t = self.lang
        if math.isnan(effect.bound):
            text = t(
                "“{policy}”: no clear effect on residents by {year}, {place}: the interval includes zero.",
                **words,
            )
        else:
            text = t(
                "“{policy}”: no clear effect on residents by {year}, {place}; with 95 % "
                "certainty it is smaller than "
                "{bound} persons either way.",
                bound=t.number(math.ceil(effect.bound), 0), **words,
            )  # fmt: skip
        return Sentence(text, effect.source)

    def cost(self, scenario: str) -> Sentence:
        """What a scenario costs the public, and what a resident retained costs."""
        t, stored = self.lang, self.stored
        money, price, gain = stored.money(scenario), stored.price(scenario), stored.gain(scenario, RESIDENT)
        words = {"policy": self.titles[scenario], "money": t.number(abs(money.mean)), "year": PRESENT_YEAR}
        if money.mean < 0:
            text = t(
                "“{policy}” saves the public {money} million KZT (present value of {year}, 2020 prices).",
                **words,
            )
        elif math.isnan(price.mean) or not gain.is_claim:
            text = t(
                "“{policy}” costs the public {money} million KZT (present value of {year}, 2020 "
                "prices); no price per "
                "retained resident can be given, as the gain is not clearly above zero.",
                **words,
            )
        else:
            each, interval = t.estimate(price.mean, price.low, price.high)
            text = t(
                "“{policy}” costs the public {money} million KZT (present value of {year}, 2020 "
                "prices), that is {price} "
                "million KZT per retained resident (95 % interval {interval}).",
                price=each, interval=interval, **words,
            )  # fmt: skip
        return Sentence(text, price.source)

    def ladder(self, scenario: str) -> Sentence:
        """The clearest change of a chance to fall below a rung."""
        t, stored = self.lang, self.stored
        clear = [one for one in stored.crossings(scenario) if one[2].is_claim]
        words = {"policy": self.titles[scenario], "year": stored.horizon}
        if not clear:
            text = t(
                "“{policy}” changes no town's chance to fall below a rung of the extinction "
                "ladder by {year} clearly: "
                "all intervals include zero.",
                **words,
            )
            return Sentence(text, f"crossings.csv: {scenario}")
        place, rung, change, _, _ = max(clear, key=lambda one: abs(one[2].mean))
        ends = sorted((abs(100 * change.low), abs(100 * change.high)))
        points, interval = t.estimate(abs(100 * change.mean), *ends, whole=True)
        words |= {
            "place": t.place(self.world, place),
            "rung": t(RUNGS[rung]),
            "points": points,
            "interval": interval,
        }
        if change.mean < 0:
            text = t(
                "“{policy}” lowers the chance to fall below the {rung} by {year}, {place}, by "
                "{points} percentage points "
                "(95 % interval {interval}).",
                **words,
            )
        else:
            text = t(
                "“{policy}” raises the chance to fall below the {rung} by {year}, {place}, by "
                "{points} percentage points "
                "(95 % interval {interval}).",
                **words,
            )
        return Sentence(text, change.source)

    def holding_jobs(self) -> list[Sentence]:
        """The jobs in each town that would hold its population; none where it cannot be told."""
        t = self.lang
        rows = [row for row in self.stored.rows("jobs_to_hold.csv") if row["jobs_low95"]]
        if not rows:
            return []
        held = []
        for row in rows:
            low, high = (round(float(row[key]), -2) for key in ("jobs_low95", "jobs_high95"))
            held.append(
                t(
                    "{place} {interval}",
                    place=t.place(self.world, row["place"]),
                    interval=t.range(low, high, decimals=0),
                )
            )
        text = t(
            "Jobs in the town itself, opened in 2026 and kept, that would hold its population (95 % interval, linear "
            "in the effect of 100 jobs: an order of magnitude): {places}.",
            places="; ".join(held),
        )
        return [Sentence(text, "jobs_to_hold.csv: " + ", ".join(row["place"] for row in rows))]

    def losers(self) -> list[Sentence]:
        """Who has fewer residents: every place and scenario whose interval lies below zero; the budget."""
        t, stored = self.lang, self.stored
        found, unharmful = [], []
        for scenario in self.ranked():
            losing = [
                place
                for place in self.world.ids[: self.world.n_sim]
                if stored.residents(scenario, place).high < 0
            ]
            if len(losing) > 1:
                found.append(self._losses(scenario, losing))
            else:
                found += [self.effect_on_residents(scenario, place) for place in losing]
            if not losing:
                unharmful.append(scenario)
        if unharmful:
            text = t(
                "{policies}: in no simulated place does the interval of the effect on residents lie below zero.",
                policies=self.quoted(unharmful),
            )
            found.append(Sentence(text, "bounds.csv: " + ", ".join(unharmful)))
        paid = [scenario for scenario in self.ranked() if stored.money(scenario).mean > 0]
        if paid:
            costs = [
                t(
                    "“{policy}” {money} million KZT",
                    policy=self.titles[scenario],
                    money=t.number(stored.money(scenario).mean),
                )
                for scenario in paid
            ]
            text = t("The budget bears what other uses do without: {costs}.", costs="; ".join(costs))
            found.append(Sentence(text, "costs.csv: " + ", ".join(paid)))
        text = t(
            "Places that new residents come from lose them; those outside the simulated places "
            "are not followed."
        )
        return [*found, Sentence(text)]

    def _losses(self, scenario: str, losing: Sequence[str]) -> Sentence:
        """Every place that loses residents by a scenario, the largest loss first."""
        t, parts = self.lang, []
        effects = {place: self.stored.residents(scenario, place) for place in losing}
        for place in sorted(effects, key=lambda one: effects[one].mean):
            effect = effects[place]
            size, interval = t.estimate(-effect.mean, -effect.high, -effect.low, whole=True)
            words = {"place": t.place(self.world, place), "median": size, "interval": interval}
            parts.append(t("{place} {median} ({interval})", **words))
        text = t(
            "“{policy}”: fewer residents on 1 January {year} than in the baseline, with the 95 % interval of the "
            "mean: {places}.",
            policy=self.titles[scenario],
            year=self.stored.horizon,
            places="; ".join(parts),
        )
        return Sentence(text, f"bounds.csv: {scenario}, " + ", ".join(effects))

    def quoted(self, scenarios: Sequence[str]) -> str:
        """Titles of scenarios in quotation marks, one after another."""
        return ", ".join(self.lang("“{name}”", name=self.titles[scenario]) for scenario in scenarios)

    def doubts(self) -> list[Sentence]:
        """What is uncertain, and what would change the answer."""
        t, stored = self.lang, self.stored
        found, never = [], []
        for scenario in self.ranked():
            share = stored.share_below(scenario, ALL)
            if share > 0:
                text = t(
                    "In {share} of the runs “{policy}” ends {year} with fewer residents.",
                    share=t.percent(share, _decimals_of_share(stored.runs)),
                    policy=self.titles[scenario],
                    year=stored.horizon,
                )
                found.append(Sentence(text, f"effects.csv: {scenario}, population, all, {stored.horizon}"))
            else:
                never.append(scenario)
        if never:
            text = t(
                "{policies}: in none of {runs} runs are there fewer residents in {year}; the chance of it is under "
                "{bound}.",
                policies=self.quoted(never),
                runs=t.number(stored.runs, 0),
                year=stored.horizon,
                bound=t.bound(probability(0, stored.runs).high, above=True),
            )
            found.append(
                Sentence(text, f"effects.csv: {', '.join(never)}, population, all, {stored.horizon}")
            )
        for row in stored.rows("regret.csv"):
            if row["prior_driven"] and row["policy"] in self.titles:
                text = t(
                    "The place of “{policy}” in the ranking rests on an assumption "
                    "({parameter}): at its pessimistic end "
                    "the ranking is another one.",
                    policy=self.titles[row["policy"]],
                    parameter=row["prior_driven"],
                )
                found.append(Sentence(text, f"regret.csv: {row['policy']}"))
        text = t(
            "More years of wages for the towns, counts of gross moves between places, and the "
            "next census's ages would "
            "change the answer most; the bands hold chance and the parameters, not a future that "
            "nobody has thought of."
        )
        return [*found, Sentence(text)]


def _decimals_of_share(runs: int) -> int:
    """Decimals of per cents that a number of runs can tell apart: none up to 100 runs, one up to 1,000."""
    return max(0, math.ceil(math.log10(runs)) - 2)


def _tens(value: float) -> float:
    """Residents to the nearest ten: no more is known of thirty years ahead."""
    return round(value, -1)
