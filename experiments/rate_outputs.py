"""The rating as an output of ensembles: every scenario of a folder rated on common draws, as a table and in print."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from calibration.rating import Rating, rate, weights_for
from calibration.rating_external import SHIPPED, ExternalFigure, read_external, with_external
from calibration.rating_figures import RatedFigures
from calibration.rating_questionnaire import Answers, with_grades
from calibration.rating_system import CLASSES, LABEL, RatingSystem, rating_system
from calibration.rating_weights import Scheme, Weights
from experiments.compare_files import Row, write_table
from experiments.crew import over_the_crew
from experiments.design import Design
from experiments.forecast_tables import new_table, short_name
from experiments.paired_statistics import probability_change
from experiments.rate_files import write_ratings
from experiments.rate_results import BASELINE, SimulatedYears, of_design
from experiments.rate_tables import per_cent_of_draws
from experiments.readable_table import print_notes
from model.world import World

DRAWS = 400  # two of every run of the default; a share is then known to some 2.5 points, as the runs are
RATING, CHANGES = "rating.csv", "rating_changes.csv"
BETWEEN = (2020, 2030)
MOST_PLACES = 6
NOTE_WIDTH = 118
Draws = np.ndarray[tuple[int, ...], np.dtype[np.int8]]


def completed_figures(
    figures: RatedFigures, external: Sequence[ExternalFigure], answers: Answers, system: RatingSystem
) -> RatedFigures:
    """Figures with the user's own, then with grades where nothing else is known."""
    return with_grades(with_external(figures, external, system), answers, system)


def rate_scenarios(
    results: SimulatedYears,
    scheme: Scheme,
    external: Sequence[ExternalFigure],
    answers: Answers,
    draws: int,
    seed: int,
) -> dict[str, Rating]:
    """Rate every scenario of a folder, the baseline first; data-driven weights come from the first one for all.

    Raises:
        BadInput: the folder cannot be read. WeightError: the weights cannot be had.
    """
    system = rating_system()
    figures = [
        completed_figures(results.figures(scenario), external, answers, system)
        for scenario in results.scenarios
    ]
    weights = weights_for(scheme, figures[0], system, answers.importance())
    tasks = [(one, results.world, weights, draws, seed, system) for one in figures]
    return dict(zip(results.scenarios, over_the_crew(_rated, tasks), strict=True))


def _rated(task: tuple[RatedFigures, World, Weights, int, int, RatingSystem]) -> Rating:
    return rate(*task)


def write_changes(folder: Path, ratings: Mapping[str, Rating]) -> None:
    """rating_changes.csv: change of every class probability against the baseline, on the same runs and draws."""
    if BASELINE not in ratings or len(ratings) < 2:
        return
    header = ("scenario", "reference", "place", "year", "class", "share", "share_reference", "change",
              "change_low95", "change_high95", "runs")  # fmt: skip
    write_table(folder, CHANGES, header, _change_rows(ratings))


def _change_rows(ratings: Mapping[str, Rating]) -> Iterable[Row]:
    base = ratings[BASELINE]
    for name, rating in ratings.items():
        if name == BASELINE:
            continue
        for p, place in enumerate(rating.figures.places):
            for t, year in enumerate(rating.figures.years):
                if np.isnan(rating.probabilities.share[t, p]).any():
                    continue
                for k, kind in enumerate(CLASSES):
                    here, there = (_in_class(one, t, p, k) for one in (rating, base))
                    change = probability_change(here, there)
                    yield (
                        name, BASELINE, place, year, kind, change.policy, change.reference, change.change,
                        *change.interval, len(here),
                    )  # fmt: skip


def _in_class(rating: Rating, t: int, p: int, k: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether each run, with its first draw, is in a class: further draws of a run are no further runs."""
    runs = rating.figures.values.shape[0]
    drawn: Draws = rating.probabilities.drawn[:runs, t, p]
    return np.asarray(drawn == k)


def class_table(ratings: Mapping[str, Rating], world: World) -> Table:
    """Class probabilities of the towns in a few years under each scenario."""
    first = next(iter(ratings.values()))
    years = first.figures.years
    chosen = [t for t, year in enumerate(years) if year in BETWEEN or t == len(years) - 1]
    chosen = [t for t in chosen if not np.isnan(first.probabilities.share[t]).any()]
    places = list(range(len(first.figures.places)))
    if len(places) > MOST_PLACES:
        places = [p for p in places if world.kind[p] != "rural_district"] or places[:MOST_PLACES]
    names = world.names("en")
    several = len(ratings) > 1
    table = new_table(
        "Settlement rating (reconstruction): likeliest class, and chance of development / depressive / extinction, %",
        ["Settlement", *(["scenario"] if several else []), "known",
         *(cell for t in chosen for cell in (f"{years[t]}", ""))],
    )  # fmt: skip
    for p in places:
        for name, rating in ratings.items():
            known = rating.figures.known()[-1, p].sum()
            cells: list[str] = []
            for t in chosen:
                found = rating.probabilities
                shares = [per_cent_of_draws(float(one), found.draws) for one in found.share[t, p]]
                ranges = [
                    f"{100 * low:.0f}-{100 * high:.0f}"
                    for low, high in zip(found.low[t, p], found.high[t, p], strict=True)
                ]
                if not found.printable[t, p]:
                    cells += ["no class", " / ".join(ranges)]
                elif t == chosen[-1]:
                    both = (f"{share} ({one})" for share, one in zip(shares, ranges, strict=True))
                    cells += [found.likeliest(t, p) or "", " / ".join(both)]
                else:
                    cells += [found.likeliest(t, p) or "", " / ".join(shares)]
            table.add_row(short_name(names[p]), *([name] if several else []), f"{known} of 34", *cells)
    return table


def write_ensemble_rating(
    console: Console, out: Path, world: World, world_source: str, design: Design, parameters_note: str
) -> None:
    """Rate all scenarios of an ensemble that is complete in `out`: rating.csv, changes, and a printed table.

    Equal weights, the shipped external figures, no questionnaires; `qyzyljar rate --results` has all else.
    """
    system = rating_system()
    external = read_external([SHIPPED], world, system)
    results = of_design(out, world, world_source, design, parameters_note)
    ratings = rate_scenarios(results, "equal", external, Answers(), DRAWS, design.seed)
    write_ratings(out, ratings, RATING)
    write_changes(out, ratings)
    console.print()
    console.print(class_table(ratings, world))
    note = (
        f"{LABEL} Missing indicators are drawn over their whole band; in brackets, and alone where fewer than half are"
        f" known, the range over what they could be. `qyzyljar rate --results {out}` shows how it comes about."
    )
    print_notes(console, textwrap.wrap(note, NOTE_WIDTH))
