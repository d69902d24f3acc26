"""The printed calibration: parameters with verdicts, directions the data do not see, checks, what is missing."""

from __future__ import annotations

from typing import Any, Final

from rich import box
from rich.console import Console

from calibration.identifiability import Direction, Knowledge
from calibration.posterior_check import coverage
from experiments.calibrate_report import MEAN_TOLERANCE, WIDTH_TOLERANCE, Report, effective_draws
from experiments.readable_table import ReadableTable

PLAIN: Final[Any] = {"markup": False, "highlight": False, "soft_wrap": True}
SHOWN_SERIES: Final = 2
SHOWN_DIRECTIONS: Final = 4
# What a missing series leaves to its prior
COST: Final = {
    "births": "fertility of the place; g_f rests on the others",
    "deaths": "mortality of the place",
    "net_migration": "in_out of the place; lambda rests on the others",
    "migration_balance": "nothing that the accounts do not say better",
    "labour_force": "kappa_E of the place",
    "unemployment_rate": "ubar, chi and m_J rest on the other places",
    "wage": "omega of the place",
    "agricultural_output": "nothing that is calibrated",
    "industrial_output": "nothing that is calibrated",
}


def print_report(console: Console, report: Report) -> None:
    """Print the whole report."""
    _print_head(console, report)
    _print_parameters(console, report)
    _print_net_rates(console, report)
    _print_directions(console, report)
    _print_checks(console, report)
    _print_lost(console, report)


def _print_head(console: Console, report: Report) -> None:
    effort, observation = report.effort, report.posterior.observation
    count, _, _ = coverage(report.checks)
    runs = effort.prior + effort.matched + effort.widened + effort.draws
    console.print(
        f"Calibration of world '{report.world.name}': {report.posterior.inputs.size} parameters, {count} figures"
        f" fitted ({len(observation.figures)} known), {runs:,} runs, {len(report.posterior.z):,} draws;"
        f" net migration believed: {report.believed}",
        style="bold", **PLAIN,
    )  # fmt: skip


def _print_parameters(console: Console, report: Report) -> None:
    table = ReadableTable(box=box.SIMPLE_HEAD, title="Prior and posterior", title_justify="left")
    table.add_column(
        "parameter", no_wrap=True, min_width=max(len(p.name) for p in report.identifiability.parameters)
    )
    for heading in ("prior mean", "sd", "posterior", "90 % interval", "sd ratio", "shift"):
        table.add_column(heading, justify="right")
    for heading in ("verdict", "identified by (growth of sd without it)"):
        table.add_column(heading)
    for one in report.identifiability.parameters:
        table.add_row(
            one.name,
            f"{one.prior_mean:.3g}",
            f"{one.prior_sd:.2g}",
            f"{one.mean:.3g}",
            f"{one.q05:.3g} to {one.q95:.3g}",
            f"{one.sd_ratio:.2f}",
            f"{one.shift:+.2f}",
            one.verdict,
            _series(one),
        )
    console.print(table)
    console.print(
        "sd ratio and shift on the scale of normal scores (prior N(0, 1)); prior-dominated from .9 on: its"
        " posterior is its prior, and no result that hangs on it is an estimate.",
        **PLAIN,
    )


def _series(one: Knowledge) -> str:
    if one.verdict == "prior-dominated":
        return "only its prior"
    shown = [f"{name} +{growth:.0%}" for name, growth in one.series[:SHOWN_SERIES]]
    return ", ".join(shown) or "several series together"


def _print_net_rates(console: Console, report: Report) -> None:
    if not report.identifiability.net_rates:
        return
    console.print(
        "\nNet flows identify lambda x (in/out - 1), persons per 1,000 a year, better than either factor:",
        **PLAIN,
    )
    for one in report.identifiability.net_rates:
        console.print(
            f"  {report.names.get(one.place, one.place):<14} prior {one.prior_mean:+5.1f} (sd {one.prior_sd:.1f})"
            f"   posterior {one.mean:+5.1f} (sd {one.sd:.1f}, {one.sd / one.prior_sd:.2f} of the prior's)",
            **PLAIN,
        )


def _print_directions(console: Console, report: Report) -> None:
    directions = report.identifiability.directions
    shown = min(SHOWN_DIRECTIONS, len(directions) // 2)
    console.print("\nCombinations the data do not see (sd, prior 1) and those they see best:", **PLAIN)
    for one in (*directions[:shown], *directions[len(directions) - shown :]):
        console.print(f"  {one.sd:.2f}  {direction_text(one)}", **PLAIN)


def direction_text(one: Direction) -> str:
    """Return a combination as text."""
    return " ".join(f"{loading:+.2f} {name}" for name, loading in one.loadings)


def _print_checks(console: Console, report: Report) -> None:
    posterior = report.posterior
    count, inside_50, inside_90 = coverage(report.checks)
    failures = report.recovery.failures
    low, high = WIDTH_TOLERANCE
    lines = [
        f"history matching: {posterior.not_ruled_out:.1%} of the prior is not ruled out; {posterior.implausible:.1%}"
        " of the draws are implausible",
        f"sampler: two independent replicas, means at most {posterior.disagreement.max():.2f} posterior sd apart,"
        f" log evidence {' and '.join(f'{value:.1f}' for value in posterior.evidence)};"
        f" at least {effective_draws(posterior):,} effective draws",
        f"emulators: real runs of the draws scatter {posterior.emulator_z:.2f} times as expected (1 is right)",
        f"posterior predictive: {inside_50:.0%} and {inside_90:.0%} of {count} figures inside 50 and 90 %",
        f"second engine (regression ABC on real runs): {len(report.disagreements)} of {posterior.inputs.size} marginals"
        f" differ by more than {MEAN_TOLERANCE} prior sd or a width of {low}-{high}"
        + (f": {', '.join(report.disagreements)}" if report.disagreements else ""),
        f"recovery of {len(report.recovery.ranks)} synthetic truths: "
        + (f"ranks not uniform for {', '.join(failures)}" if failures else "all ranks uniform (5 %, Holm)"),
    ]
    console.print("\nChecks", style="bold", **PLAIN)
    for line in lines:
        console.print(f"  {line}", **PLAIN)


def _print_lost(console: Console, report: Report) -> None:
    if not report.lost:
        return
    console.print("\nSeries without any figure, and what they cost", style="bold", **PLAIN)
    by_series: dict[str, list[str]] = {}
    for place, names in report.lost.items():
        for name in names:
            by_series.setdefault(name, []).append(report.names.get(place, place))
    for name, places in by_series.items():
        shown = ", ".join(places) if len(places) <= 6 else f"{len(places)} places"
        console.print(f"  {name} ({shown}): left to the prior: {COST[name]}", **PLAIN)
