"""Tables of a comparison as CSV files in its folder, each written whole or not at all."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.compare_centres import CentrePath
from experiments.compare_costs import UNITS, CostEffect
from experiments.compare_effects import ADDED, IS_FLOW, REFERENCES, VARIABLES, Effects
from experiments.compare_ranking import Ranking
from experiments.compare_scenarios import BASELINE
from experiments.failures import RunFailure
from experiments.paired_statistics import LEVELS, Floats, Interval, student

DIGITS = 8
Row = Iterable[object]
_QUANTILES = tuple(f"q{1000 * level:03.0f}".removesuffix("0") for level in LEVELS)
_DIFFERENCE = ("runs", "mean", "mean_low95", "mean_high95", *_QUANTILES, "share_above", "share_below")


def write_table(folder: Path, name: str, header: Sequence[str], rows: Iterable[Row]) -> Path:
    """Write a table to `folder/name`.

    Raises:
        RunFailure: the disk refuses.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    path = folder / name
    temporary = path.with_name(f".{name}.{os.getpid()}.unfinished")
    try:
        temporary.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunFailure(f"{path}: could not be written: {error.strerror}") from error
    return path


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.{DIGITS}g}"
    return "" if value is None else value


def write_effects(folder: Path, effects: Effects, centres: Mapping[tuple[str, int], CentrePath]) -> Path:
    """effects.csv: paired differences of every figure by scenario, reference, place and year."""
    header = ("scenario", "reference", "variable", "place", "year", *_DIFFERENCE)
    return write_table(folder, "effects.csv", header, _effect_rows(effects, centres))


def _effect_rows(effects: Effects, centres: Mapping[tuple[str, int], CentrePath]) -> Iterable[Row]:
    years = [int(year) for year in effects.years]
    for reference_name in REFERENCES:
        for case, reference in effects.comparison.compared(reference_name):
            for name in VARIABLES:
                until = len(years) - 1 if IS_FLOW[name] else len(years)
                gap = (effects.values(name, case) - effects.values(name, reference))[:, :until]
                places = effects.places if name in ADDED else effects.places[:-1]
                yield from _summaries((case.name, reference.name, name), gap, places, years)
            hosts = [place for held, place in centres if held == case.name]
            for place in hosts:
                ours, theirs = centres[case.name, place], centres[reference.name, place]
                paths = {
                    "zone_jobs": ours.jobs - theirs.jobs,
                    "zone_launched": ours.launched - theirs.launched,
                    "unemployment_rate": ours.unemployment - theirs.unemployment,
                    "wage_factor": ours.wage - theirs.wage,
                }
                for name, path in paths.items():
                    yield from _summaries(
                        (case.name, reference.name, name),
                        path[:, :, None],
                        (effects.world.ids[place],),
                        years,
                    )


def _summaries(
    keys: tuple[str, str, str], gap: Floats, places: Sequence[str], years: Sequence[int]
) -> Iterable[Row]:
    """Rows of paired differences float64[runs, years, places]: all cells at once, as `paired_statistics.summarised`."""
    runs = gap.shape[0]
    mean = gap.mean(axis=0)
    half = np.full_like(mean, math.nan)
    if runs > 1:
        half = student(runs, 0.95) * gap.std(axis=0, ddof=1) / math.sqrt(runs)
    quantiles = np.quantile(gap, LEVELS, axis=0)
    above, below = (gap > 0.0).mean(axis=0), (gap < 0.0).mean(axis=0)
    for p, place in enumerate(places):
        for t in range(gap.shape[1]):
            m, h = float(mean[t, p]), float(half[t, p])
            yield (
                *keys, place, years[t], runs, m, m - h, m + h,
                *(float(q) for q in quantiles[:, t, p]), float(above[t, p]), float(below[t, p]),
            )  # fmt: skip


def write_crossings(folder: Path, effects: Effects) -> Path:
    """crossings.csv: change of the chance to fall below each rung of the ladder by the horizon."""
    header = ("scenario", "reference", "place", "rung", "persons", "chance", "chance_reference", "change",
              "change_low95", "change_high95")  # fmt: skip
    rows: list[Row] = []
    for reference_name in REFERENCES:
        for case, reference in effects.comparison.compared(reference_name):
            for p, place in enumerate(effects.places[:-1]):
                for rung, change in effects.crossings(case, reference, p):
                    if change is not None:
                        rows.append(
                            (case.name, reference.name, place, rung.id, rung.persons, change.policy,
                             change.reference, change.change, *change.interval)
                        )  # fmt: skip
    return write_table(folder, "crossings.csv", header, rows)


def write_bounds(folder: Path, effects: Effects) -> Path:
    """bounds.csv: size of the effect on population at the horizon that is not exceeded with 95 % certainty."""
    header = (
        "scenario",
        "reference",
        "place",
        "year",
        "bound95",
        "mean",
        "mean_low95",
        "mean_high95",
        "clear",
    )
    rows: list[Row] = []
    for reference_name in REFERENCES:
        for case, reference in effects.comparison.compared(reference_name):
            for place in effects.places:
                year = effects.last_year
                gap = effects.difference("population", case, reference, place, year)
                bound = effects.bound(case, reference, place)
                rows.append(
                    (case.name, reference.name, place, year, bound, gap.mean, *gap.of_mean, int(gap.is_clear))
                )
    return write_table(folder, "bounds.csv", header, rows)


def write_holding_jobs(folder: Path, effects: Effects) -> Path:
    """jobs_to_hold.csv: residents per job created in a town, and the jobs that would hold its population."""
    header = ("place", "residents_per_job", "residents_per_job_low95", "residents_per_job_high95", "loss",
              "loss_low95", "loss_high95", "jobs", "jobs_low95", "jobs_high95")  # fmt: skip
    rows: list[Row] = [
        (one.place, one.per_job, *one.of_per_job, one.loss, *one.of_loss, one.jobs, *_ends(one.of_jobs))
        for one in effects.yardstick()
    ]
    return write_table(folder, "jobs_to_hold.csv", header, rows)


def write_costs(folder: Path, costs: Sequence[CostEffect], rate: float) -> Path:
    """costs.csv: extra money and gains, and cost per unit of gain, expected and over runs."""
    ratio = ("expected", "expected_low95", "expected_high95", "median", "q25", "q75", "q05", "q95")
    header = ("scenario", "reference", "unit", "discount", "money", "cost_mean", "cost_q05", "cost_q95",
              "gain_mean", "gain_low95", "gain_high95", "gain_q05", "gain_q95", *ratio, "why_undefined")  # fmt: skip
    rows: list[Row] = []
    for one in costs:
        gains = one.gain_spreads
        for money, spread, ratios in (
            ("public", one.public_spread, one.per_unit),
            ("public and private", one.total_spread, one.with_private),
        ):
            for unit in UNITS:
                gain, r = gains[unit], ratios[unit]
                rows.append(
                    (one.case.name, one.reference.name, unit, rate, money, spread.mean, *spread.most,
                     gain.mean, *gain.of_mean, *gain.most, r.expected, *_ends(r.of_expected), r.median,
                     *_ends(r.half), *_ends(r.most), r.reason)
                )  # fmt: skip
    return write_table(folder, "costs.csv", header, rows)


def write_regret(folder: Path, ranking: Ranking) -> Path:
    """regret.csv: place, expected gain and regret of every policy by future."""
    header = ("place", "policy", "future", "gain_over_baseline", "lead_low95", "lead_high95", "regret",
              "regret_low95", "regret_high95", "worst_regret", "best_share", "prior_driven")  # fmt: skip
    rows: list[Row] = []
    for one in ranking.ranked:
        intervals = ranking.regret_interval[one.policy]
        for f, future in enumerate(ranking.futures):
            rows.append(
                (one.place, one.policy, future, one.mean, *one.lead, one.regret[f], *intervals[f].tolist(),
                 one.worst_regret, one.best_share, " ".join(one.prior_driven))
            )  # fmt: skip
    return write_table(folder, "regret.csv", header, rows)


def write_pairing(folder: Path, effects: Effects) -> Path:
    """pairing.csv: runs without pairing that would fix the mean effect on population at the horizon as well."""
    header = ("scenario", "reference", "place", "runs", "independent_runs", "correlation")
    rows: list[Row] = []
    for case, reference in effects.comparison.compared(BASELINE):
        for place in effects.places:
            gain = effects.gain_of_pairing(case, reference, place)
            if gain is not None:
                rows.append((case.name, reference.name, place, gain.runs, gain.independent, gain.correlation))
    return write_table(folder, "pairing.csv", header, rows)


def _ends(interval: Interval | None) -> tuple[float, float]:
    return interval if interval is not None else (math.nan, math.nan)
