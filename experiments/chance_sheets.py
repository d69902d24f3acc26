"""Tables of what common random numbers save."""

from __future__ import annotations

import math

from experiments.bench_sheets import Sheet, verdict
from experiments.chance import DEFAULTS, PRIORS, WAGE_CHANGE, Comparison, Study

RATIO_TARGET = 20.0  # times smaller at ten years under the 2 % wage change
TARGET_YEAR = 10
SHOWN_YEARS = (1, 2, 5, 10, 20, 30)
PRECISION = 0.1  # wanted standard error of an effect, relative to it


def chance_sheets(study: Study) -> list[Sheet]:
    """Ratios of variance by change, town and year; what bounds them; how lives come apart."""
    titles = {
        DEFAULTS: "Variance of the difference, independent seeds over common random numbers: default parameters",
        PRIORS: "The same with parameters drawn from the declared priors, one draw a pair",
    }
    sheets = [_ratio_sheet(study, parameters, title) for parameters, title in titles.items()]
    return [*sheets, _bound_sheet(study), _split_sheet(study)]


def _ratio_sheet(study: Study, parameters: str, title: str) -> Sheet:
    years = [year for year in SHOWN_YEARS if year in study.years]
    reference = TARGET_YEAR if TARGET_YEAR in study.years else study.years[-1]
    at = study.years.index(reference)
    rows = []
    for change, comparison in study.comparisons[parameters].items():
        for place, name in enumerate(study.names):
            rows.append(
                (
                    change,
                    name,
                    f"{comparison.effect(at, place):+.1f}",
                    f"{comparison.spread(at, place):.1f}",
                    f"{comparison.spread(at, place, 'independent'):.0f}",
                    *(_number(comparison.ratio(study.years.index(year), place)) for year in years),
                    _interval(comparison, at, place),
                )
            )
    notes = [
        f"{study.pairs} pairs; effect and standard deviations in persons at {reference} years; columns 'at N': ratio of"
        f" variances after N years; last column: 90 % interval at {reference} years (bootstrap over pairs)."
    ]
    wage = study.comparisons[parameters].get(WAGE_CHANGE)
    if wage is not None and reference == TARGET_YEAR:
        ratio = wage.ratio(at, 0)
        notes.append(
            f"{WAGE_CHANGE} in {study.names[0]}, {TARGET_YEAR} years: {ratio:,.0f} times smaller, "
            f"target {RATIO_TARGET:.0f}: {verdict(ratio, RATIO_TARGET)}."
        )
    if parameters == PRIORS:
        notes.append(
            "Here the paired difference also holds that the true effect differs between draws of the parameters:"
            " the ratio is less than what chance alone would give."
        )
    return Sheet(
        title,
        (
            "change",
            "town",
            "effect",
            "sd paired",
            "sd independent",
            *(f"at {year}" for year in years),
            "90 %",
        ),
        rows,
        words=2,
        notes=tuple(notes),
    )


def _bound_sheet(study: Study) -> Sheet:
    """What is left of the variance, and what the savings mean in runs."""
    year = TARGET_YEAR if TARGET_YEAR in study.years else study.years[-1]
    at = study.years.index(year)
    rows = []
    for change, comparison in study.comparisons[DEFAULTS].items():
        for place, name in enumerate(study.names):
            effect = comparison.effect(at, place)
            variance = comparison.spread(at, place) ** 2
            rows.append(
                (
                    change,
                    name,
                    _number(comparison.ratio(at, place)),
                    _number(comparison.ratio(at, place, "other_people")),
                    _number(variance / abs(effect) if effect else math.inf),
                    _number(_pairs_needed(comparison, at, place, "paired")),
                    _number(_pairs_needed(comparison, at, place, "independent")),
                )
            )
    return Sheet(
        f"What is left after {year} years, and what it saves (default parameters)",
        (
            "change",
            "town",
            "against other seeds",
            "against other people",
            "variance a person of effect",
            "pairs needed",
            "needed with independent seeds",
        ),
        rows,
        words=2,
        notes=(
            "'Against other people': the run without the change shares all shocks to drivers, places and arrivals but"
            " has other founders: this ratio is what shared lives alone save.",
            "Variance a person of effect: if only the households whose decision the change turns differed, each by"
            " itself, this would be the mean household that moves or stays, two to three persons.",
            f"Pairs needed: for a standard error of {PRECISION:.0%} of the effect.",
        ),
    )


def _split_sheet(study: Study) -> Sheet:
    """How the lives of a pair come apart year by year."""
    rows = [
        (
            str(split.year),
            *(f"{value:.1f}" for value in (*split.elsewhere, *split.household)),
        )
        for split in study.splits
    ]
    one, two = study.names
    return Sheet(
        f"How lives come apart under '{WAGE_CHANGE}' (default parameters)",
        (
            "years",
            f"{one}: here in one run only",
            f"{two}: same",
            f"{one}: another household",
            f"{two}: same",
        ),
        rows,
        notes=("Persons, means over pairs of runs with one seed. A household is the same if its key is.",),
    )


def _pairs_needed(comparison: Comparison, at: int, place: int, design: str) -> float:
    effect = comparison.effect(at, place)
    if effect == 0.0:
        return math.inf
    return max(1.0, math.ceil((comparison.spread(at, place, design) / (PRECISION * effect)) ** 2))


def _interval(comparison: Comparison, at: int, place: int) -> str:
    low, high = comparison.ratio_interval(at, place)
    return f"{_number(low)}-{_number(high)}"


def _number(value: float) -> str:
    """A number with two to four digits that matter; a dash where nothing differed."""
    if not math.isfinite(value):
        return "-"
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}"
