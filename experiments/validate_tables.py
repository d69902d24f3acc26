"""The printed report of a validation: scores by fold, and plainly where the model does not beat naive forecasters."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from calibration.fold_forecast import BY_MODEL, FREE, MODEL
from calibration.fold_scores import Summary, Verdict, group_of
from calibration.naive_forecasters import NAMES
from experiments.forecast_tables import PLAIN, new_table
from experiments.readable_table import print_notes
from experiments.validate_report import GROUP_TITLES, KINDS, SERIES_TITLES, ValidationReport

MOST_PLACES = 6
# Reasons that say what a forecaster is for, not what a fold lacks
NOT_FOR_A_SERIES = ("it gives people by age, no flows", "for wages only", "ages say nothing about it")
NOTES = (
    "CRPS: mean error of the whole distribution, in the unit of the series; lower is better. Inside: share of the",
    "observed figures inside the central 50, 80, 95 % intervals. Bias: median minus observed. A verdict 'clearly'",
    "holds beyond the 90 % interval that resamples whole places; with one or two figures a place it says little.",
    "Free: runs that start in 2015 and are never told a later count; the model's own meet those that the fold knows.",
    "All constants are worked out anew inside each fold; drivers (wages, prices, rates) of the scored years are given.",
)


def print_validation(console: Console, report: ValidationReport) -> None:
    """Print the report."""
    console.print("Validation against naive forecasters", style="bold", **PLAIN)
    for group in report.groups:
        console.print()
        console.print(_scores_table(report, group))
    console.print()
    console.print(_not_beaten_table(report))
    console.print()
    for line in _labels(report):
        console.print(line, **PLAIN)
    console.print()
    print_notes(console, (*_missing(report), *NOTES))


def _scores_table(report: ValidationReport, group: str) -> Table:
    table = new_table(
        GROUP_TITLES[group],
        ("", "figures", "CRPS", "inside 50", "80", "95 %", "bias", "best naive", "CRPS", "skill", "beats?"),
    )
    by_key = {
        (one.series, one.forecaster): one for one in report.summaries if one.group == group and not one.place
    }
    against = {
        (one.series, one.model): one for one in report.verdicts if one.group == group and not one.place
    }
    for (series, forecaster), own in by_key.items():
        if forecaster not in BY_MODEL:
            continue
        name = SERIES_TITLES[series] + (", free" if forecaster == FREE else "")
        verdict = against.get((series, forecaster))
        table.add_row(name, *_score_cells(own), *_verdict_cells(verdict))
    if group.startswith("region"):
        _add_kinds(table, report, group)
    return table


def _add_kinds(table: Table, report: ValidationReport, group: str) -> None:
    """Rows of the centre, the towns and the rural districts, each against the naive forecaster best among them."""
    scores = [one for one in report.all_scores if group_of(one.fold) == group]
    for kind, title in KINDS.items():
        places = report.of_kind(kind)
        for series in ("births", "deaths", "net_migration", "population_1jan"):
            held: dict[str, list[float]] = {}
            for one in scores:
                if one.place in places and one.series == series:
                    held.setdefault(one.forecaster, []).append(one.crps)
            if MODEL not in held:
                continue
            own = [
                one
                for one in scores
                if one.place in places and one.series == series and one.forecaster == MODEL
            ]
            means = {name: sum(values) / len(values) for name, values in held.items()}
            naive = {name: value for name, value in means.items() if name in NAMES}
            best = min(naive, key=lambda name: naive[name])
            inside = [sum(one.inside[k] for one in own) / len(own) for k in range(3)]
            bias = sum(one.bias for one in own) / len(own)
            table.add_row(
                f"  {title}: {SERIES_TITLES[series]}", str(len(own)), f"{means[MODEL]:,.3g}",
                *(f"{100 * share:.0f}" for share in inside), f"{bias:+,.3g}", best, f"{naive[best]:,.3g}",
                f"{100 * (1 - means[MODEL] / naive[best]):+.0f} %",
                "beats all" if means[MODEL] < naive[best] else "NOT",
            )  # fmt: skip


def _score_cells(own: Summary) -> tuple[str, ...]:
    return (
        str(own.figures),
        _figure(own.crps),
        *(f"{100 * share:.0f}" for share in own.coverage),
        f"{own.mean_bias:+,.3g}" if abs(own.mean_bias) < 1000 else f"{own.mean_bias:+,.0f}",
    )


def _verdict_cells(verdict: Verdict | None) -> tuple[str, ...]:
    if verdict is None:
        return ("none fed", "", "", "-")
    skill = 1.0 - verdict.crps / verdict.best_crps if verdict.best_crps > 0 else float("nan")
    if verdict.beats_all:
        text = f"beats all {verdict.naive}"
    else:
        clearly = ", clearly" if verdict.clearly else ""
        text = f"NOT {len(verdict.as_good)} of {verdict.naive}{clearly}"
    return verdict.best, _figure(verdict.best_crps), f"{100 * skill:+.0f} %", text


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _not_beaten_table(report: ValidationReport) -> Table:
    table = new_table(
        "Where the model does NOT beat the naive forecasters (mean CRPS over all places)",
        ("fold", "series", "model", "naive forecasters at least as good"),
    )
    for one in report.verdicts:
        if one.place or not one.as_good:
            continue
        crps = {
            held.naive: held.skill.reference
            for held in report.comparisons
            if (held.group, held.series, held.place, held.model) == (one.group, one.series, "", one.model)
        }
        name = SERIES_TITLES[one.series] + (", free" if one.model == FREE else "")
        listed = ", ".join(f"{naive} {_figure(crps[naive])}" for naive in one.as_good)
        table.add_row(one.group.replace("_", " "), name, _figure(one.crps), listed)
    if not table.row_count:
        table.add_row("nowhere", "", "", "")
    return table


def _labels(report: ValidationReport) -> list[str]:
    beaten = [one for one in report.labels if one.beaten]
    lines = [
        f"Labelled in `forecast`: {len(beaten)} of {len(report.labels)} forecasts of a place's indicator "
        "did not beat every naive forecaster"
    ]
    places = dict.fromkeys(one.place for one in report.labels)
    if len(places) > MOST_PLACES:
        return lines
    for place in places:
        own = [str(one) for one in beaten if one.place == place]
        lines.append(f"  {report.names.get(place, place)}:")
        lines += [f"    {text}" for text in own] or ["    none"]
    return lines


def _missing(report: ValidationReport) -> Sequence[str]:
    """Return why naive forecasters could not be fed, one line a reason; what is not for a series is left out."""
    reasons: dict[str, tuple[set[str], set[str]]] = {}
    for (fold, series), held in report.missing.items():
        for one in held:
            if one.reason in NOT_FOR_A_SERIES:
                continue
            names, places = reasons.setdefault(one.reason, (set(), set()))
            names.add(one.name)
            places.add(f"{group_of(fold)} {SERIES_TITLES[series]}")
    return [
        f"Not available: {'all' if len(names) == len(NAMES) else ', '.join(sorted(names))}: {reason} "
        f"({'; '.join(sorted(places))})"
        for reason, (names, places) in sorted(reasons.items())
    ]
