"""Tables of `qyzyljar extinction` as CSV files in its folder, each written whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.compare_files import Row, write_table
from experiments.compare_scenarios import BASELINE
from experiments.extinction_benchmark import BenchmarkLine, Wiener, expected_below, threshold_persons
from experiments.extinction_ladder import ExtinctionRung
from experiments.extinction_outcomes import Outcomes
from experiments.extinction_warning import UNITS, WarningSign

ENDS = ("low95", "high95")


def write_ladder(folder: Path, rungs: Sequence[ExtinctionRung]) -> Path:
    """ladder.csv: the rungs with their meaning and source."""
    header = ("rung", "group", "figure", "side", "threshold", "years_in_a_row", "kinds", "meaning", "source")
    rows = (
        (r.id, r.group, r.figure, r.side, r.threshold, r.years, " ".join(r.kinds), r.meaning, r.source)
        for r in rungs
    )
    return write_table(folder, "ladder.csv", header, rows)


def write_survival(folder: Path, outcomes: Outcomes) -> Path:
    """survival.csv: share of runs that have not crossed, by scenario, place, rung and 1 January."""
    header = ("scenario", "place", "rung", "year", "at_risk", "crossings", "survival", *ENDS)
    return write_table(folder, "survival.csv", header, _survival_rows(outcomes))


def _survival_rows(outcomes: Outcomes) -> Iterable[Row]:
    for case in outcomes.comparison.cases:
        for p, place in enumerate(outcomes.places):
            for rung in outcomes.rungs_of(p, case):
                curve = outcomes.curve(case, rung, p)
                for t, year in enumerate(outcomes.years.tolist()):
                    yield (
                        case.name, place, rung.id, year, int(curve.at_risk[t]), int(curve.events[t]),
                        float(curve.survival[t]), float(curve.low[t]), float(curve.high[t]),
                    )  # fmt: skip


def write_crossings(folder: Path, outcomes: Outcomes) -> Path:
    """rungs.csv: chance to cross by the horizon, median year, restricted mean years, by scenario, place, rung."""
    header = ("scenario", "place", "rung", "group", "state_at_start", "runs", "crossings", "chance",
              "chance_low95", "chance_high95", "median_year", "mean_years_before_crossing", "mean_years_low95",
              "mean_years_high95", "within_years")  # fmt: skip
    rows: list[Row] = []
    start = int(outcomes.years[0])
    for case in outcomes.comparison.cases:
        for p, place in enumerate(outcomes.places):
            for rung in outcomes.rungs:
                if not rung.applies(outcomes.world.kind[p]):
                    continue
                head = (case.name, place, rung.id, rung.group)
                if outcomes.crossings(case, rung).already(p):
                    rows.append((*head, "beyond", outcomes.runs, *([None] * 9)))
                    continue
                chance, mean = outcomes.chance(case, rung, p), outcomes.restricted(case, rung, p)
                median = outcomes.curve(case, rung, p).median
                share = chance.share if chance.events else math.nan  # no event: an upper bound, no estimate
                rows.append(
                    (*head, "not beyond", chance.runs, chance.events, share, chance.low, chance.high,
                     None if median is None else start + median,
                     mean.years if chance.events else math.nan, mean.low, mean.high, mean.within)
                )  # fmt: skip
    return write_table(folder, "rungs.csv", header, rows)


def write_competing(folder: Path, outcomes: Outcomes) -> Path:
    """first_rung.csv: which of the next rungs is reached first, by scenario, place and 1 January."""
    header = ("scenario", "place", "first_rung", "year", "share", *ENDS)
    rows: list[Row] = []
    for case in outcomes.comparison.cases:
        for p, place in enumerate(outcomes.places):
            for name, found in outcomes.competing(case, p).items():
                for t, year in enumerate(outcomes.years.tolist()):
                    rows.append(
                        (case.name, place, name, year, float(found.share[t]), float(found.low[t]),
                         float(found.high[t]))
                    )  # fmt: skip
    return write_table(folder, "first_rung.csv", header, rows)


def write_years_bought(folder: Path, outcomes: Outcomes) -> Path:
    """years_bought.csv: what every policy changes about every rung against the baseline of its future."""
    header = ("scenario", "reference", "place", "rung", "runs", "reference_crosses", "saved_to_horizon",
              "years_mean", "years_low95", "years_high95", "years_q05", "years_q95", "years_if_crossing",
              "years_if_crossing_low95", "years_if_crossing_high95", "chance", "chance_reference", "change",
              "change_low95", "change_high95")  # fmt: skip
    rows: list[Row] = []
    for case, reference in outcomes.comparison.compared(BASELINE):
        for p, place in enumerate(outcomes.places):
            for rung in outcomes.rungs_of(p, reference):
                one = outcomes.years_bought(case, reference, rung, p)
                rows.append(
                    (case.name, reference.name, place, rung.id, outcomes.runs, one.crossing, one.saved,
                     one.years.mean, *one.years.of_mean, *one.years.most, one.of_crossing[0], *one.of_crossing[1],
                     one.chance.policy, one.chance.reference, one.chance.change, *one.chance.interval)
                )  # fmt: skip
    return write_table(folder, "years_bought.csv", header, rows)


def write_warnings(folder: Path, signs: Mapping[tuple[str, str], Sequence[WarningSign]]) -> Path:
    """early_warning.csv: figures of a landmark year that foretell a crossing, by (place, rung)."""
    header = ("place", "rung", "landmark", "figure", "unit", "crossing_runs", "staying_runs", "auc", "auc_low95",
              "auc_high95", "warns_when", "alarm_level", "caught", "false_alarms", "median_years_before")  # fmt: skip
    rows: list[Row] = []
    for (place, rung), found in signs.items():
        for s in found:
            side = {1: "above", -1: "below", 0: "score"}[s.direction]
            rows.append(
                (place, rung, s.landmark, s.figure, UNITS.get(s.figure, ""), s.crossing, s.staying, s.auc,
                 s.low, s.high, side, s.alarm, s.caught, s.false_alarms, s.years_before)
            )  # fmt: skip
    return write_table(folder, "early_warning.csv", header, rows)


def scopes(outcomes: Outcomes, rung: ExtinctionRung) -> list[tuple[str, list[int]]]:
    """Places counted for a rung: those it means something for, and all as a mere measure of size where more."""
    kinds = outcomes.world.kind
    every = list(range(len(outcomes.places)))
    fitting = [p for p in every if rung.applies(kinds[p])]
    found = [("where it applies", fitting)] if fitting else []
    if rung.figure == "population" and len(fitting) < len(every):
        found.append(("all units, as a size", every))
    return found


def benchmark_count(
    outcomes: Outcomes, rung: ExtinctionRung, places: Sequence[int], wieners: Mapping[str, Wiener]
) -> np.ndarray | None:
    """Expected number of places below a rung under the benchmark, None where it cannot say."""
    ids = [outcomes.places[p] for p in places]
    limits = {
        place: threshold_persons(rung.figure, rung.threshold, float(outcomes.world.founding_population[p]))
        for p, place in zip(places, ids, strict=True)
    }
    if rung.years > 1 or any(place not in wieners for place in ids) or None in limits.values():
        return None
    return expected_below(wieners, {place: limit for place, limit in limits.items() if limit is not None})


def write_places_beyond(folder: Path, outcomes: Outcomes, wieners: Mapping[str, Wiener]) -> Path:
    """places_beyond.csv: expected number of places beyond each rung by 1 January, beside the benchmark's."""
    header = ("scenario", "rung", "counted", "places", "year", "expected", "expected_low95", "expected_high95",
              "runs_q05", "runs_q95", "any_run", "benchmark_expected")  # fmt: skip
    rows: list[Row] = []
    for case in outcomes.comparison.cases:
        for rung in outcomes.rungs:
            for scope, places in scopes(outcomes, rung):
                found = outcomes.places_beyond(case, rung, places)
                naive = benchmark_count(outcomes, rung, places, wieners)
                for t, year in enumerate(outcomes.years.tolist()):
                    some = bool(found.any_run[t])
                    rows.append(
                        (case.name, rung.id, scope, found.places, year,
                         float(found.mean[t]) if some else math.nan, float(found.low[t]), float(found.high[t]),
                         float(found.runs_low[t]), float(found.runs_high[t]), int(some),
                         math.nan if naive is None else float(naive[t]))
                    )  # fmt: skip
    return write_table(folder, "places_beyond.csv", header, rows)


def write_benchmark(
    folder: Path, outcomes: Outcomes, wieners: Mapping[str, Wiener], lines: Sequence[BenchmarkLine]
) -> Path:
    """benchmark.csv: the drifted Wiener process beside the baseline: intervals, chances, why the model is tighter."""
    header = ("place", "counts_from", "counts_to", "drift", "spread", "model_q05", "model_median", "model_q95",
              "benchmark_q05", "benchmark_median", "benchmark_q95", "width_ratio", "reason")  # fmt: skip
    rows = [
        (one.place, wieners[one.place].first, wieners[one.place].last, wieners[one.place].drift,
         wieners[one.place].spread, one.model[0], one.model_median, one.model[1], one.benchmark[0],
         one.benchmark_median, one.benchmark[1], one.ratio, one.reason)
        for one in lines
    ]  # fmt: skip
    return write_table(folder, "benchmark.csv", header, rows)
