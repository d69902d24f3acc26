"""The printed ladder: chances, years bought, competing rungs, places beyond rungs, benchmark, early warning."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from experiments.compare_scenarios import BASELINE, REFERENCE, Case
from experiments.extinction_benchmark import BenchmarkLine, Wiener, threshold_persons
from experiments.extinction_files import benchmark_count, scopes
from experiments.extinction_ladder import ExtinctionRung
from experiments.extinction_outcomes import Outcomes, YearsBought
from experiments.extinction_warning import DUMMY, FEWEST, JOINT, UNITS, USEFUL, WarningSign
from experiments.forecast_tables import (
    KNOWN_LIMITS,
    MOST_PLACES_IN_DETAIL,
    PLAIN,
    new_table,
    reported_years,
    short_name,
)
from experiments.intervals import Probability, per_cent, probability
from experiments.readable_table import print_notes

NOTE_WIDTH = 118
SHOWN_SIGNS = 3
MOST_PLACES_LISTED = 40  # with more, place by place stands in the CSV files only
EMPTY = "empty"  # nearest for nobody: every other rung comes before it
LIKELY = 0.02  # rungs that fewer runs than this cross stand together in one row


def baseline_of(outcomes: Outcomes) -> Case:
    """The baseline under the reference future."""
    return outcomes.comparison.case(BASELINE, REFERENCE)


def live_rung(outcomes: Outcomes, place: int) -> ExtinctionRung | None:
    """The rung by residents that a place is nearest to: of those that apply, the highest not behind it.

    Where none by a number applies (a district), the first of those by a share of the start.
    """
    live = outcomes.rungs_of(place, baseline_of(outcomes))
    for figure in ("population", "population_of_start"):
        own = [rung for rung in live if rung.figure == figure and rung.id != EMPTY]
        if own:
            return max(own, key=lambda rung: rung.threshold)
    return None


def print_extinction(
    console: Console,
    outcomes: Outcomes,
    wieners: Mapping[str, Wiener],
    lines: Sequence[BenchmarkLine],
    signs: Mapping[tuple[str, str], Sequence[WarningSign]],
    parameters_note: str,
) -> None:
    """Print all tables."""
    cases = outcomes.comparison.cases
    console.print(
        f"{outcomes.world.title['en']}: rungs of the extinction ladder to 1 January {outcomes.horizon}, "
        f"{outcomes.runs} runs of {'each of ' + str(len(cases)) + ' scenarios' if len(cases) > 1 else 'the baseline'}",
        style="bold",
        **PLAIN,
    )
    console.print(f"Parameters: {parameters_note}", **PLAIN)
    few, listed = (len(outcomes.places) <= most for most in (MOST_PLACES_IN_DETAIL, MOST_PLACES_LISTED))
    tables = [ladder_table(outcomes, baseline_of(outcomes))] if few else []
    if listed and not few:
        tables.append(nearest_table(outcomes))
    if listed and len(cases) > 1:
        tables.append(bought_table(outcomes))
    if few:
        tables.append(first_table(outcomes))
    tables.append(beyond_table(outcomes, wieners))
    if lines and listed:
        tables.append(benchmark_table(outcomes, wieners, lines))
    if _printed(outcomes, signs):
        tables.append(warning_table(outcomes, signs))
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    print_notes(console, [*tighter_lines(outcomes, lines), *notes(outcomes, signs)])


def chance_cell(chance: Probability) -> str:
    """A chance in per cent with its interval; no or every run gives a bound."""
    return str(chance)


def ladder_table(outcomes: Outcomes, case: Case) -> Table:
    """Rungs place by place: chance, year by which half have crossed, mean years before."""
    span, horizon = outcomes.span, outcomes.horizon
    table = new_table(
        f"The ladder in '{case.name}': chance to cross by {horizon}",
        ["Place and rung", "group", "chance (95 %)", "half by", f"mean years before, of {span} (95 %)"],
    )
    names = outcomes.world.names("en")
    for p in range(len(outcomes.places)):
        table.add_row(short_name(names[p]))
        behind = [
            rung.label
            for rung in outcomes.rungs
            if rung.applies(outcomes.world.kind[p]) and outcomes.crossings(case, rung).already(p)
        ]
        live, rare = outcomes.rungs_of(p, case), []
        nearest = live_rung(outcomes, p)
        for rung in live:
            chance = outcomes.chance(case, rung, p)
            if chance.share < LIKELY and rung is not nearest:
                rare.append((rung, chance))
                continue
            median = outcomes.curve(case, rung, p).median
            mean = outcomes.restricted(case, rung, p)
            table.add_row(
                f"  {rung.label}",
                rung.group,
                chance_cell(chance),
                str(int(outcomes.years[0]) + median) if median is not None else f"after {horizon}",
                f"{mean.years:.2f} ({mean.low:.2f} to {mean.high:.2f})"
                if chance.events
                else f"over {mean.low:.2f}",
            )
        if rare:
            most = max((chance for _, chance in rare), key=lambda chance: chance.high)
            table.add_row(
                f"  {len(rare)} others", "", f"each under {per_cent(most.high)} %", f"after {horizon}"
            )
        if behind:
            table.add_row(f"  behind it at the start: {', '.join(behind)}")
    return table


def nearest_table(outcomes: Outcomes) -> Table:
    """For many places: the nearest rung by residents, and the two shares of the start, by place."""
    case = baseline_of(outcomes)
    shares = [rung for rung in outcomes.rungs if rung.figure == "population_of_start"]
    table = new_table(
        f"Chance to cross by {outcomes.horizon} in '{case.name}', % (95 %)",
        ["Place", "nearest rung", "chance", "half by", *(rung.label for rung in shares)],
    )
    names = outcomes.world.names("en")
    for p in range(len(outcomes.places)):
        rung = live_rung(outcomes, p)
        cells = ["no rung by residents", "", ""]
        if rung is not None and rung.figure == "population":
            median = outcomes.curve(case, rung, p).median
            cells = [
                rung.label,
                chance_cell(outcomes.chance(case, rung, p)),
                str(int(outcomes.years[0]) + median) if median is not None else f"after {outcomes.horizon}",
            ]
        table.add_row(
            short_name(names[p]),
            *cells,
            *(chance_cell(outcomes.chance(case, one, p)) for one in shares),
        )
    return table


def years_cell(bought: YearsBought) -> str:
    """Years bought with their interval; where no run gains, how few of them might."""
    if bought.years.is_zero and bought.saved == 0:
        return f"none; under {per_cent(probability(0, bought.years.runs).high)} % of runs gain"
    return f"{bought.years.mean:+.2f} ({_hundredths(bought.years.of_mean)})"


def crossing_cell(bought: YearsBought) -> str:
    """Years bought in the runs in which the baseline crosses."""
    if bought.crossing == 0:
        return f"baseline crosses in under {per_cent(probability(0, bought.years.runs).high)} %"
    mean, ends = bought.of_crossing
    if bought.years.is_zero and bought.saved == 0:
        return "none"
    return "one run only" if math.isnan(mean) else f"{mean:+.2f} ({_hundredths(ends)})"


def bought_table(outcomes: Outcomes) -> Table:
    """Years bought by each policy at the nearest rung of each place."""
    table = new_table(
        f"Years bought before the nearest rung, up to {outcomes.horizon}, against the same future's baseline (95 %)",
        [
            "Scenario, place, rung",
            "all runs",
            "if the baseline crosses",
            "postponed beyond",
            "chance, points",
        ],
    )
    names = outcomes.world.names("en")
    for case, reference in outcomes.comparison.compared(BASELINE):
        table.add_row(case.name)
        for p in range(len(outcomes.places)):
            rung = live_rung(outcomes, p)
            if rung is None:
                continue
            one = outcomes.years_bought(case, reference, rung, p)
            low, high = one.chance.interval
            table.add_row(
                f"  {short_name(names[p])}, {_short_rung(rung)}",
                years_cell(one),
                crossing_cell(one),
                f"{one.saved} of {one.crossing} runs" if one.crossing else "-",
                f"{100 * one.chance.change:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
            )
    return table


def _short_rung(rung: ExtinctionRung) -> str:
    return f"{rung.threshold:,.0f}" if rung.figure == "population" else rung.label


def _hundredths(interval: tuple[float, float]) -> str:
    return "unknown" if math.isnan(interval[0]) else f"{interval[0]:+.2f} to {interval[1]:+.2f}"


def first_table(outcomes: Outcomes) -> Table:
    """Competing rungs: the next one of residents, ages, births and pupils - which comes first."""
    case, t = baseline_of(outcomes), outcomes.span
    table = new_table(
        f"Which rung is reached first by {outcomes.horizon} in '{case.name}', share of runs (95 %)",
        ["Place and rung", "first in"],
    )
    names = outcomes.world.names("en")
    none = f"each under {per_cent(probability(0, outcomes.runs).high)} %"
    for p in range(len(outcomes.places)):
        found = outcomes.competing(case, p)
        rungs = outcomes.competing_rungs(case, p)
        table.add_row(short_name(names[p]))
        for rung in rungs:
            one = found.get(rung.id)
            if one is not None:
                share, low, high = (per_cent(float(x[t])) for x in (one.share, one.low, one.high))
                table.add_row(f"  {rung.label}", f"{share} % ({low} to {high})")
        never = [rung.label for rung in rungs if rung.id not in found]
        if never:
            table.add_row(f"  {', '.join(never)}", none)
    return table


def beyond_table(outcomes: Outcomes, wieners: Mapping[str, Wiener]) -> Table:
    """Expected number of places beyond each rung by year in the baseline, beside the benchmark."""
    case = baseline_of(outcomes)
    start = int(outcomes.years[0])
    years = reported_years(start, outcomes.horizon)
    headings = ["Rung", "places", f"{start}"]
    for year in years:
        headings += [str(year), "runs 90 %"]
    table = new_table(
        f"Expected number of places beyond a rung on 1 January in '{case.name}' (95 % of the expectation)",
        [*headings, f"Wiener {outcomes.horizon}"],
    )
    for rung in outcomes.rungs:
        for scope, places in scopes(outcomes, rung):
            found = outcomes.places_beyond(case, rung, places)
            if not found.any_run.any() and rung.figure == "population" and rung.threshold < 3000:
                continue  # far below every place: the CSV file holds its bounds
            cells = [f"{found.mean[0]:.0f}"]
            for year in years:
                t = year - start
                if not found.any_run[t]:
                    cells += [f"under {_tenths(float(found.high[t]))}", "none"]
                    continue
                mean, low, high = (float(one[t]) for one in (found.mean, found.low, found.high))
                middle = _tenths(mean)
                cells.append(middle if low == high else f"{middle} ({_tenths(low)}-{_tenths(high)})")
                cells.append(f"{found.runs_low[t]:.0f}-{found.runs_high[t]:.0f}")
            naive = benchmark_count(outcomes, rung, places, wieners)
            label = rung.label + (" *" if scope != "where it applies" else "")
            table.add_row(label, str(found.places), *cells, "" if naive is None else _count(float(naive[-1])))
    return table


def _count(value: float) -> str:
    """An expected number under the benchmark's draws; none of them gives a bound."""
    return _tenths(value) if value >= 0.005 else "under 0.01"


def _tenths(value: float) -> str:
    """A number of places with as many digits as it needs."""
    if 0.0 < value < 0.095:
        return f"{value:.2f}"
    return f"{value:.1f}"


def benchmark_table(
    outcomes: Outcomes, wieners: Mapping[str, Wiener], lines: Sequence[BenchmarkLine]
) -> Table:
    """Population and chances of the model beside those of the drifted Wiener process."""
    case = baseline_of(outcomes)
    table = new_table(
        f"Benchmark: drifted Wiener process of the counts; residents in {outcomes.horizon}, median and 90 %",
        [
            "Place", "model", "90 %", "Wiener", "90 %", "width ratio", "rung",
            "model's chance", "Wiener's",
        ],
    )  # fmt: skip
    names = outcomes.world.names("en")
    for line in lines:
        p = outcomes.places.index(line.place)
        rung = live_rung(outcomes, p)
        cells = ["none", "", ""]
        if rung is not None:
            limit = threshold_persons(
                rung.figure, rung.threshold, float(outcomes.world.founding_population[p])
            )
            if limit is not None:
                hits = int((wieners[line.place].below(limit)[:, 1:].any(axis=1)).sum())
                naive = probability(hits, len(wieners[line.place].population))
                cells = [
                    rung.label,
                    chance_cell(outcomes.chance(case, rung, p)),
                    f"{per_cent(naive.share)} %" if 0 < hits < naive.runs else str(naive),
                ]
        table.add_row(
            short_name(names[p]),
            f"{line.model_median:,.0f}",
            f"{line.model[0]:,.0f}-{line.model[1]:,.0f}",
            f"{line.benchmark_median:,.0f}",
            f"{line.benchmark[0]:,.0f}-{line.benchmark[1]:,.0f}",
            f"{line.ratio:.2f}",
            *cells,
        )
    return table


def tighter_lines(outcomes: Outcomes, lines: Sequence[BenchmarkLine]) -> list[str]:
    """One line for every place where the model's interval is tighter than the benchmark's, with the reason."""
    names = outcomes.world.names("en")
    by_reason: dict[str, list[str]] = {}
    for line in lines:
        if line.reason:
            by_reason.setdefault(line.reason, []).append(short_name(names[outcomes.places.index(line.place)]))
    found = [
        f"Tighter than the benchmark in {', '.join(where)}: {reason}." for reason, where in by_reason.items()
    ]
    return [row for text in found for row in textwrap.wrap(text, NOTE_WIDTH)]


def warning_table(outcomes: Outcomes, signs: Mapping[tuple[str, str], Sequence[WarningSign]]) -> Table:
    """The best figures at every landmark for the nearest rung of every place."""
    table = new_table(
        f"Early warning: figures of a 1 January that foretell a crossing by {outcomes.horizon}, on held-out runs",
        ["Place, rung; year", "figure", "AUC (95 %)", "alarm", "caught, %", "false alarms, %"],
    )
    names = outcomes.world.names("en")
    labels = {rung.id: rung.label for rung in outcomes.rungs}
    for (place, rung), found in _printed(outcomes, signs).items():
        table.add_row(f"{short_name(names[outcomes.places.index(place)])}: {labels[rung]}")
        for landmark in sorted({sign.landmark for sign in found}):
            at = [sign for sign in found if sign.landmark == landmark]
            single = [sign for sign in at if sign.figure not in (JOINT, DUMMY)][:SHOWN_SIGNS]
            joint, dummy = (next(sign for sign in at if sign.figure == name) for name in (JOINT, DUMMY))
            first = at[0]
            heads = [
                f"  {landmark}: {first.crossing} of {first.crossing + first.staying} runs will cross,",
                f"    half of them within {first.years_before:.0f} years",
            ]
            for k, sign in enumerate([joint, *single, dummy]):
                table.add_row(
                    heads[k] if k < len(heads) else "",
                    sign.figure,
                    f"{sign.auc:.2f} ({sign.low:.2f}-{sign.high:.2f})",
                    alarm_cell(sign),
                    f"{100 * sign.caught:.0f}",
                    f"{100 * sign.false_alarms:.0f}",
                )
    return table


def _printed(
    outcomes: Outcomes, signs: Mapping[tuple[str, str], Sequence[WarningSign]]
) -> dict[tuple[str, str], Sequence[WarningSign]]:
    """Of many places the towns only; early_warning.csv holds all."""
    if len(outcomes.places) <= MOST_PLACES_IN_DETAIL:
        return dict(signs)
    kinds = dict(zip(outcomes.places, outcomes.world.kind, strict=False))
    return {key: found for key, found in signs.items() if kinds[key[0]] == "town"}


def alarm_cell(sign: WarningSign) -> str:
    """Level of a figure beyond which it warns."""
    if sign.direction == 0 or sign.figure == DUMMY:
        return ""
    side = "over" if sign.direction > 0 else "under"
    level = f"{sign.alarm:,.0f}" if abs(sign.alarm) >= 100 else f"{sign.alarm:.3g}"
    return f"{side} {level} {UNITS[sign.figure]}".rstrip()


def useful_from(signs: Sequence[WarningSign]) -> tuple[WarningSign, int] | None:
    """The figure useful at the earliest landmark, alone, and how many landmarks it stays so."""
    useful = [sign for sign in signs if sign.is_useful and sign.figure not in (JOINT, DUMMY)]
    if not useful:
        return None
    first = min(useful, key=lambda sign: (sign.landmark, -sign.auc))
    return first, sum(sign.figure == first.figure for sign in useful)


def notes(outcomes: Outcomes, signs: Mapping[tuple[str, str], Sequence[WarningSign]]) -> list[str]:
    """What a reader has to know, with the assumptions made."""
    names = outcomes.world.names("en")
    text = (
        "Chances: share of runs with Wilson's 95 % interval; no run gives an upper bound ('under'), never 0. Runs that "
        f"have not crossed by {outcomes.horizon} are censored there: means are of at most {outcomes.span} years, and "
        "years bought beyond the horizon do not count. A crossing is the first 1 January beyond a rung (some take "
        "three in a row, ladder.csv), on the register's basis, which carries a level bias of several per cent; shares "
        "of the start are free of it. * counts units for which the rung has no legal or practical meaning, as a mere "
        "size. Benchmark: log counts since 2009 drift and diffuse (Dennis, Munholland & Scott 1991)."
    )
    found = textwrap.wrap(text, NOTE_WIDTH)
    for (place, _), held in _printed(outcomes, signs).items():
        best = useful_from(held)
        name = short_name(names[outcomes.places.index(place)])
        found += textwrap.wrap(
            f"{name}: no single figure foretells the crossing usefully (AUC above {USEFUL:g} with 95 % certainty)."
            if best is None
            else f"{name}: '{best[0].figure}' foretells the crossing from {best[0].landmark} on, half of the crossings "
            f"within {best[0].years_before:.0f} years of it (AUC {best[0].auc:.2f} on held-out runs).",
            NOTE_WIDTH,
        )
    if len(outcomes.places) <= MOST_PLACES_IN_DETAIL:
        warned = {place for place, _ in signs}
        silent = [short_name(names[p]) for p, place in enumerate(outcomes.places) if place not in warned]
        if silent:
            found += textwrap.wrap(
                f"{', '.join(silent)}: fewer than {FEWEST} runs cross the nearest rung, or fewer do not: no early "
                "warning can be looked for; more --runs would help.",
                NOTE_WIDTH,
            )
    if signs:
        found += textwrap.wrap(
            "AUC: chance that a run that will cross shows the worse figure than one that will not; 0.5 is a coin. "
            "Judged on parameter draws that chose neither direction nor alarm level. These are signs inside the model.",
            NOTE_WIDTH,
        )
    return [*found, *KNOWN_LIMITS]
