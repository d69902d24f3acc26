"""The printed rating: groups, coverage, level and class probabilities, problems, checks - with what it is not."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from calibration.rating import Rating
from calibration.rating_checks import OrderCheck, RankStability
from calibration.rating_figures import OBSERVED_YEARS
from calibration.rating_groups import Criteria, groups_of
from calibration.rating_system import BLOCKS, CLASSES, LABEL, RatingSystem
from experiments.forecast_tables import new_table, short_name
from experiments.intervals import per_cent
from experiments.rate_files import problems_of
from experiments.readable_table import print_notes
from model.world import World

SHOWN_PROBLEMS = 4
BETWEEN = 2030
NOTE_WIDTH = 118
TABLES, OFFICIAL = "tables", "official"
OBSERVED_NAMES = {TABLES: "paper's tables alone", OFFICIAL: "official and paper"}


def group_table(criteria: Sequence[Criteria], world: World, system: RatingSystem) -> Table:
    """Steps 1 and 2: criteria and groups."""
    table = new_table(
        "Steps 1-2. Criteria and groups of settlements",
        ["Settlement", f"people {world.start}", "border, km", "centre, h", "groups", "not known"],
    )
    names = dict(zip(world.ids, world.names("en"), strict=True))
    for one in criteria:
        groups, unknown = groups_of(one, system)
        border = "not known" if math.isnan(one.border_km) else f"{one.border_km:.0f}"
        hours = "not known" if math.isnan(one.centre_hours) else f"{one.centre_hours:.1f}"
        table.add_row(
            short_name(names[one.place]),
            f"{one.population:,.0f}",
            border,
            hours,
            ", ".join(groups) or "none",
            ", ".join(unknown) or "-",
        )
    return table


def coverage_table(ratings: Mapping[str, Rating], world: World) -> Table:
    """Step 5: how many of the indicators are known, by block, in the last year of every basis."""
    table = new_table(
        "Step 5. Indicators known in the last year, of 34",
        ["Settlement", *(f"{title_of(name)} {one.figures.years[-1]}" for name, one in ratings.items())],
    )
    names = dict(zip(world.ids, world.names("en"), strict=True))
    for p, place in enumerate(next(iter(ratings.values())).figures.places):
        cells = []
        for rating in ratings.values():
            known = rating.figures.known()[-1, p]
            parts = [f"{int(known[rating.system.of_block(block)].sum())}" for block in range(len(BLOCKS))]
            cells.append(f"{int(known.sum())} ({'+'.join(parts)})")
        table.add_row(short_name(names[place]), *cells)
    return table


def title_of(name: str) -> str:
    """How a basis or a scenario is called in print."""
    return OBSERVED_NAMES.get(name, name)


def rating_table(name: str, rating: Rating, world: World, t: int) -> Table:
    """Step 6: level on two scales, trend and class of every settlement in one year, the highest index first."""
    year = rating.figures.years[t]
    table = new_table(
        f"Step 6. Rating of {year}, {title_of(name)}; weights: {rating.weights.scheme}",
        ["Settlement", "known", "index", "90 % of runs", "with missing, 90 %", "against region", "since start",
         "trend", "class", *(f"{one}, %" for one in CLASSES)],
    )  # fmt: skip
    names = dict(zip(world.ids, world.names("en"), strict=True))
    level = rating.index[1, t]
    order = np.argsort(-np.where(np.isnan(level), -1.0, level), kind="stable")
    for p in order:
        found = rating.probabilities
        known = round(float(found.coverage[t, p]) * len(rating.system.ids))
        table.add_row(
            short_name(names[rating.figures.places[p]]),
            str(known),
            _level(float(level[p])),
            _range(*(float(one) for one in rating.index[[0, 2], t, p])),
            _range(*(float(one) for one in found.index[[0, 4], t, p])),
            _signed(float(rating.against_region[1, t, p])),
            _signed(float(rating.against_start[1, t, p])),
            rating.direction(t, int(p)),
            found.likeliest(t, int(p)) or "no class",
            *(_chance(rating, t, int(p), k) for k in range(len(CLASSES))),
        )
    return table


def _chance(rating: Rating, t: int, p: int, k: int) -> str:
    """Share of a class, or its range over the missing indicators where no class may be named."""
    found = rating.probabilities
    if math.isnan(found.share[t, p, k]):
        return "no trend"
    low, high = float(found.low[t, p, k]), float(found.high[t, p, k])
    between = f"{100 * low:.0f} to {100 * high:.0f}"
    if not found.printable[t, p]:
        return between
    return f"{per_cent_of_draws(float(found.share[t, p, k]), found.draws)} ({between})"


def per_cent_of_draws(share: float, draws: int) -> str:
    """A share of draws in per cent; never 0 or 100."""
    if share == 0.0:
        return f"<{per_cent(min(1.0, 3.0 / draws))}"
    if share == 1.0:
        return f">{per_cent(max(0.0, 1.0 - 3.0 / draws))}"
    return per_cent(share)


def problem_table(name: str, rating: Rating, world: World) -> Table:
    """Step 7: the gravest problems and risks of every settlement."""
    table = new_table(
        f"Step 7. Problems and risks of {rating.figures.years[-1]}, {title_of(name)}",
        ["Settlement", "problems (score on the band of 0-1)", "risks (change of the score in five years)"],
    )
    for column in table.columns[1:]:
        column.justify = "left"
    names = dict(zip(world.ids, world.names("en"), strict=True))
    found = problems_of(rating)
    for place in rating.figures.places:
        cells = []
        for kind in ("problem", "risk"):
            own = [one for one in found if (one.place, one.kind) == (place, kind)][:SHOWN_PROBLEMS]
            cells.append(
                "; ".join(
                    f"{one.indicator.id} {one.text} ({one.score:.2f})"
                    if kind == "problem"
                    else f"{one.indicator.id} {one.text} ({one.change:+.2f})"
                    for one in own
                )
                or "none among the known indicators"
            )
        table.add_row(short_name(names[place]), *cells)
    return table


def order_table(orders: Mapping[str, Sequence[OrderCheck]], world: World) -> Table:
    """Whether the rating orders settlements as the related study does."""
    table = new_table(
        "Check: settlements that a related study of the institute found severely depressed against vulnerable ones",
        ["Basis", "year", "rated lower there", "rated higher there", "shared", "index", "index",
         "weights agreeing, %", "verdict"],
    )  # fmt: skip
    names = dict(zip(world.ids, world.names("en"), strict=True))
    for basis, checks in orders.items():
        last = max((one.year for one in checks), default=0)
        for one in checks:
            if (
                one.year not in OBSERVED_YEARS[-1:]
                and one.year not in (BETWEEN, last)
                and basis not in OBSERVED_NAMES
            ):
                continue  # all years are in checks.csv
            table.add_row(
                title_of(basis), str(one.year), names[one.worse], names[one.better],
                f"{len(one.indicators)} of 34", _level(one.index_worse), _level(one.index_better),
                f"{100 * one.agreeing:.0f}", one.verdict,
            )  # fmt: skip
    return table


def stability_table(stability: Mapping[str, Sequence[RankStability]]) -> Table:
    """Kendall's tau between the ranking under the chosen weights and under drawn ones."""
    table = new_table(
        "Check: rank stability under weights (Kendall's tau; 1 same order, -1 reversed)",
        ["Basis", "year", "places", "indicators known of all", "median", "90 % of weights", "below 0, %"],
    )
    for basis, years in stability.items():
        for one in [years[0], *years[-1:]] if len(years) > 1 else years:
            tau = one.tau[~np.isnan(one.tau)]
            if not tau.size:
                continue
            low, middle, high = (float(q) for q in np.quantile(tau, (0.05, 0.5, 0.95)))
            table.add_row(
                title_of(basis), str(one.year), str(one.places), str(len(one.indicators)), f"{middle:.2f}",
                f"{low:.2f} to {high:.2f}", f"{100 * float((tau < 0).mean()):.0f}",
            )  # fmt: skip
    return table


def print_tables(console: Console, tables: Sequence[Table], lines: Sequence[str]) -> None:
    """Print tables with a line between them, then notes."""
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    print_notes(console, lines)


def notes(rating: Rating) -> list[str]:
    """What a reader has to know of the rating."""
    rules = rating.system.rules
    text = (
        f"{LABEL} Bands, thresholds and rules are in calibration/data/rating with their sources; most are "
        f"assumptions. Index: 0 the worst, 1 the best end of the bands, from known indicators only; 'with missing': "
        f"unknown scores drawn over the whole band. Class: development from {rules['level_development'].value:g} and "
        f"not falling, extinction below {rules['level_extinction'].value:g} and not rising, else depressive. "
        f"Probabilities: share of {rating.probabilities.draws:,} draws over runs, weights (Dirichlet), thresholds "
        f"(+-{rules['level_development'].spread:g}) and missing indicators; in brackets, and alone where fewer than "
        f"half of the indicators are known, the range when all unknown ones are at one level from worst to best and "
        f"drift by up to {rules['missing_drift'].value:g} in five years. Against region: {rating.region_note}."
    )
    return textwrap.wrap(text, NOTE_WIDTH)


def _level(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.2f}"


def _range(low: float, high: float) -> str:
    return "" if math.isnan(low) or low == high else f"{low:.2f}-{high:.2f}"


def _signed(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:+.2f}"
