"""The printed comparison: effects by town, who gains and who loses, costs, ranking with regret, what pairing saved."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from experiments.compare_cells import effect_cell, hundredths, interval_cell, signed
from experiments.compare_centres import CentrePath
from experiments.compare_choice_tables import SURE, cost_table, ranking_table
from experiments.compare_costs import CostEffect
from experiments.compare_effects import ALL, Effects
from experiments.compare_ranking import Ranking
from experiments.compare_scenarios import BASELINE, NO_ZONE, YARDSTICK_JOBS, Case
from experiments.cost_effectiveness import PRESENT_YEAR
from experiments.forecast_tables import KNOWN_LIMITS, MOST_PLACES_IN_DETAIL, PLAIN, new_table, short_name
from experiments.intervals import per_cent
from experiments.paired_statistics import summarised
from experiments.readable_table import print_notes

SHOWN_KINDS = ("regional_centre", "town")
NOTE_WIDTH = 118


def print_comparison(
    console: Console,
    effects: Effects,
    centres: Mapping[tuple[str, int], CentrePath],
    costs: Sequence[CostEffect],
    ranking: Ranking,
    discount: float,
    parameters_note: str,
) -> None:
    """Print all tables of a comparison."""
    world, year = effects.world, effects.last_year
    heading = (
        f"{world.title['en']}: {len(effects.comparison.cases)} scenarios to {year}, {effects.runs} runs each "
        f"on the same people, parameters and chance"
    )
    console.print(f"{heading}; parameters: {parameters_note}", style="bold", **PLAIN)
    tables = [
        population_table(effects, BASELINE),
        population_table(effects, NO_ZONE),
        work_table(effects),
        moves_table(effects),
        *([centre_table(effects, centres)] if centres else []),
        spill_over_table(effects, centres),
        crossing_table(effects),
        *([holding_table(effects)] if effects.comparison.yardstick else []),
        cost_table(costs),
        ranking_table(ranking),
    ]
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    print_notes(console, notes(effects, ranking, discount))
    console.print(pairing_line(effects), **PLAIN)


def notes(effects: Effects, ranking: Ranking, discount: float) -> list[str]:
    """What a reader has to know, with the assumptions made."""
    checked = ", ".join(f"{one.parameter} = {one.value:g}" for one in ranking.checked)
    prior = (
        f"Prior-driven: a lead that does not hold with {checked} (no data identify it), runs repeated there."
        if checked
        else "No case compared moves what an unidentified parameter (beta_Q) weighs: no place is prior-driven by it."
    )
    text = (
        "Effects are differences between runs of the same people under the same chance: the mean, in brackets the "
        "central 90 % of runs (chance and parameters). 'under X': the 90 % include 0; with 95 % certainty the effect "
        "in a further run is smaller than X residents either way. Money: million KZT at 2020 prices, present value "
        f"of 1 January {PRESENT_YEAR} at {100 * discount:g} % a year (assumption); resident-years are discounted "
        "alike, residents at the horizon and jobs are not. Cost per unit: mean cost / mean gain with its 95 % "
        "interval (Fieller); over runs: 90 %; undefined where the gain's interval includes 0. Regret: residents "
        f"forgone against the best policy there. {prior}"
    )
    return [*textwrap.wrap(text, NOTE_WIDTH), *KNOWN_LIMITS]


def shown_places(effects: Effects) -> list[tuple[str, str]]:
    """Id and name of the places printed: all of a small world, the centres and towns of a large one; then the sum."""
    world, names = effects.world, effects.world.names("en")
    places = list(range(world.n_sim))
    if len(places) > MOST_PLACES_IN_DETAIL:
        places = [p for p in places if world.kind[p] in SHOWN_KINDS] or places[:MOST_PLACES_IN_DETAIL]
    return [*((world.ids[p], short_name(names[p])) for p in places), (ALL, "All together")]


def population_table(effects: Effects, reference: str) -> Table:
    """Effect on population at the horizon by place, against one of the references."""
    places, year = shown_places(effects), effects.last_year
    table = new_table(
        f"Residents on 1 January {year} against '{reference}'", ["Scenario", *(name for _, name in places)]
    )
    for case, against in effects.comparison.compared(reference):
        cells = [
            effect_cell(
                effects.difference("population", case, against, place, year),
                effects.bound(case, against, place),
            )
            for place, _ in places
        ]
        table.add_row(case.name, *cells)
    return table


def work_table(effects: Effects) -> Table:
    """Jobs, workers and commuters of all places together in the last year, against the baseline."""
    last = effects.last_year - 1
    names = {"jobs": "posts", "employed": "residents in a job", "commuters": "commuters"}
    table = new_table(
        f"Work in all places together in {last} against '{BASELINE}'", ["Scenario", *names.values()]
    )
    for case, against in effects.comparison.compared(BASELINE):
        gaps = [effects.difference(name, case, against, ALL, last) for name in names]
        table.add_row(case.name, *(interval_cell(gap) for gap in gaps))
    return table


def moves_table(effects: Effects) -> Table:
    """Moves by destination, arrivals and births of all places together over all years, against the baseline."""
    start, last = int(effects.years[0]), effects.last_year - 1
    names = {
        "out_russia": "left to Russia",
        "out_kazakhstan": "left inside Kazakhstan",
        "in_migration": "arrived",
        "births": "born",
    }
    table = new_table(
        f"Persons of all places together, sums of {start}-{last} against '{BASELINE}'",
        ["Scenario", *names.values()],
    )
    for case, against in effects.comparison.compared(BASELINE):
        gaps = [effects.total_difference(name, case, against, ALL, start, last) for name in names]
        table.add_row(case.name, *(interval_cell(gap) for gap in gaps))
    return table


def centre_table(effects: Effects, centres: Mapping[tuple[str, int], CentrePath]) -> Table:
    """Outside centres that host a zone beside the simulated places and the sum of both, against no zone at all."""
    year, names = effects.last_year - 1, effects.world.names("en")
    host = sorted({place for _, place in centres})
    headings = ["Scenario"]
    for place in host:
        headings += [f"jobs in {names[place]}", "unemployment, points", "wage, %"]
    table = new_table(
        f"Where the zone is, in {year} against '{NO_ZONE}' (scenarios with the baseline's zone are left out)",
        [*headings, "posts in simulated places", "posts in all"],
    )
    for case, against in effects.comparison.compared(NO_ZONE):
        if case.policy != BASELINE and _same_zone(effects, centres, case):
            continue
        p = effects.places.index(ALL)
        inside = (effects.values("jobs", case) - effects.values("jobs", against))[:, -2, p]
        cells, together = [], inside.copy()
        for place in host:
            ours, theirs = centres[case.name, place], centres[against.name, place]
            jobs = ours.jobs[:, -1] - theirs.jobs[:, -1]
            together += jobs
            points = 100.0 * (ours.unemployment[:, -1] - theirs.unemployment[:, -1])
            wage = 100.0 * (ours.wage[:, -1] / theirs.wage[:, -1] - 1.0)
            cells += [
                interval_cell(summarised(jobs)),
                interval_cell(summarised(points), hundredths),
                interval_cell(summarised(wage), hundredths),
            ]
        table.add_row(
            case.name, *cells, interval_cell(summarised(inside)), interval_cell(summarised(together))
        )
    return table


def _same_zone(effects: Effects, centres: Mapping[tuple[str, int], CentrePath], case: Case) -> bool:
    base = effects.comparison.case(BASELINE, case.future)
    return all(
        np.array_equal(path.jobs, centres[base.name, place].jobs)
        for (name, place), path in centres.items()
        if name == case.name
    )


def spill_over_table(effects: Effects, centres: Mapping[tuple[str, int], CentrePath]) -> Table:
    """Who gains and who loses: places whose mean effect is clear, against the baseline."""
    table = new_table(
        f"Who gains and who loses by {effects.last_year} against '{BASELINE}' ({SURE} interval of the mean excludes 0)",
        ["Scenario", "residents gained in", "residents lost in", "jobs gained outside", "jobs lost outside"],
    )
    names = effects.world.names("en")
    for case, against in effects.comparison.compared(BASELINE):
        sides: tuple[list[str], list[str]] = ([], [])
        for name, place in centres:
            if name == case.name:
                gap = summarised(centres[name, place].jobs[:, -1] - centres[against.name, place].jobs[:, -1])
                if gap.is_expected:
                    sides[0 if gap.mean > 0 else 1].append(f"{names[place]} {signed(gap.mean)}")
        jobs = (", ".join(side) if side else "-" for side in sides)
        table.add_row(case.name, *winners_and_losers(effects, case, against), *jobs)
    return table


def winners_and_losers(effects: Effects, case: Case, against: Case) -> tuple[str, str]:
    """Simulated places whose mean effect on residents is clearly above, clearly below zero, with that mean."""
    names = effects.world.names("en")
    sides: tuple[list[str], list[str]] = ([], [])
    for p, place in enumerate(effects.places[:-1]):
        gap = effects.difference("population", case, against, place, effects.last_year)
        if gap.is_expected:
            sides[0 if gap.mean > 0 else 1].append(f"{short_name(names[p])} {signed(gap.mean)}")
    gain, lose = (", ".join(side) if side else "-" for side in sides)
    return gain, lose


def crossing_table(effects: Effects) -> Table:
    """Changes of the chance to fall below a rung whose 95 % interval excludes zero."""
    table = new_table(
        f"Chance to fall below a rung of the extinction ladder by {effects.last_year}, against '{BASELINE}', %",
        ["Scenario", "Place", "Rung", BASELINE, "scenario", "change, points", SURE],
    )
    names, found = effects.world.names("en"), False
    for case, against in effects.comparison.compared(BASELINE):
        for p in range(len(effects.places) - 1):
            for rung, change in effects.crossings(case, against, p):
                if change is None or not (change.interval[0] > 0.0 or change.interval[1] < 0.0):
                    continue
                found = True
                table.add_row(
                    case.name,
                    short_name(names[p]),
                    f"{rung.persons:,}",
                    per_cent(change.reference),
                    per_cent(change.policy),
                    f"{100 * change.change:+.1f}",
                    " to ".join(f"{100 * end:+.1f}" for end in change.interval),
                )
    if not found:
        table.add_row("no clear change", *[""] * 6)
    return table


def holding_table(effects: Effects) -> Table:
    """What jobs in the town do: the yardstick for effects that are too small to matter."""
    table = new_table(
        f"Jobs in the town that would hold its population of {PRESENT_YEAR} to {effects.last_year} (linear in the "
        f"effect of {YARDSTICK_JOBS:.0f} jobs opened in every town in {PRESENT_YEAR} and kept; {SURE} of means)",
        ["Town", "lost in the baseline", SURE, "residents per job", SURE, "jobs that would hold", SURE],
    )
    for one in effects.yardstick():
        name = effects.world.names("en")[effects.places.index(one.place)]
        held = ("none needed", "") if one.loss <= 0 else (
            (f"{one.jobs:,.0f}", "-".join(f"{max(0.0, end):,.0f}" for end in one.of_jobs))
            if one.of_jobs is not None
            else ("undefined", "effect of a job includes 0")
        )  # fmt: skip
        table.add_row(
            short_name(name),
            f"{one.loss:,.0f}",
            " to ".join(f"{end:,.0f}" for end in one.of_loss),
            f"{one.per_job:.2f}",
            " to ".join(f"{end:.2f}" for end in one.of_per_job),
            *held,
        )
    return table


def pairing_line(effects: Effects) -> str:
    """How many runs the pairing saved, over scenarios and simulated places."""
    gains = [
        gain
        for case, against in effects.comparison.compared(BASELINE)
        for place in effects.places[:-1]
        if (gain := effects.gain_of_pairing(case, against, place)) is not None
    ]
    finite = sorted(gain.independent for gain in gains if math.isfinite(gain.independent))
    same = len(gains) - len(finite)
    if not gains:
        return "Pairing: too few runs to say what it saved."
    text = f"Pairing: {effects.runs} paired runs of a scenario"
    if finite:
        median = finite[len(finite) // 2]
        text += (
            f" say as much about its effect as {median:,.0f} independent ones (median over scenarios and places; "
            f"{finite[0]:,.0f} to {finite[-1]:,.0f}): {max(0.0, median - effects.runs):,.0f} runs saved"
        )
    if same:
        text += f"{';' if finite else ':'} {same} of {len(gains)} effects are exactly 0 in every run"
    return text + "."
