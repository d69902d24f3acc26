"""Steps 4 and 5 of the rating: the questionnaire of experts and residents - its template, and reading it back."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from calibration.rating_figures import RatedFigures
from calibration.rating_system import BLOCKS, RatingSystem, indicator_hint
from model.csv_tables import Files
from model.problems import Problems, nearest
from model.world import World

COLUMNS: Final = ("section", "item", "place", "year", "question", "answer", "respondent", "role")
IMPORTANCE, GRADE, EMPLOYER = "importance", "grade", "employer"
SECTIONS: Final = (IMPORTANCE, GRADE, EMPLOYER)
LARGEST_EMPLOYER: Final = "largest_employer"
EXPERT, RESIDENT = "expert", "resident"
ROLES: Final = (EXPERT, RESIDENT)
MOST_POINTS, LOWEST_GRADE, HIGHEST_GRADE = 10.0, 1.0, 5.0
FIRST_YEAR, LAST_YEAR = 2009, 2100


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `item` is an indicator, a block or `LARGEST_EMPLOYER`; `place` "" and `year` 0 for importance."""

    section: str
    item: str
    place: str
    year: int
    value: float
    respondent: str
    role: str


@dataclass(frozen=True)
class Answers:
    """All answers of all questionnaires."""

    answers: tuple[Answer, ...] = ()

    @property
    def respondents(self) -> tuple[str, ...]:
        """Names of the respondents, sorted."""
        return tuple(sorted({answer.respondent for answer in self.answers}))

    def importance(self) -> dict[str, float]:
        """Mean points by indicator and block over the experts who gave any."""
        return {item: float(np.mean(values)) for item, values in self._of(IMPORTANCE).items()}

    def largest_employer(self) -> dict[str, float]:
        """Percent of the employed at the largest employer by place: the median over respondents, last year asked."""
        latest: dict[str, int] = {}
        for answer in self.answers:
            if answer.section == EMPLOYER:
                latest[answer.place] = max(answer.year, latest.get(answer.place, 0))
        return {
            place: float(
                np.median(
                    [
                        answer.value
                        for answer in self.answers
                        if (answer.section, answer.place, answer.year) == (EMPLOYER, place, year)
                    ]
                )
            )
            for place, year in sorted(latest.items())
        }

    def _of(self, section: str) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for answer in self.answers:
            if answer.section == section:
                found.setdefault(answer.item, []).append(answer.value)
        return found


def template(world: World, system: RatingSystem, year: int) -> str:
    """A questionnaire to fill in, as CSV text: one file a respondent; a blank answer means "do not know"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((*row, "", "respondent-1", EXPERT) for row in _questions(world, system, year))
    return text.getvalue()


def _questions(world: World, system: RatingSystem, year: int) -> Iterator[tuple[str, str, str, str, str]]:
    scale = f"points from 0 (none) to {MOST_POINTS:.0f} (decisive); experts only"
    for block in BLOCKS:
        yield (IMPORTANCE, block, "", "", f"How important is the block '{block}'? {scale}")
    for one in system.indicators:
        yield (IMPORTANCE, one.id, "", "", f"How important is '{one.name}' within its block? {scale}")
    names = world.names("en")
    for p, place in enumerate(world.ids[: world.n_sim]):
        for one in system.indicators:
            if one.kind == "external":
                question = (
                    f"{names[p]}: how good is the state of affairs in '{one.name}'? 1 very bad to 5 very good"
                )
                yield (GRADE, one.id, place, str(year), question)
        question = f"{names[p]}: per cent of the employed who work at the largest single employer"
        yield (EMPLOYER, LARGEST_EMPLOYER, place, str(year), question)


def read_questionnaires(paths: Sequence[Path], world: World, system: RatingSystem) -> Answers:
    """Read filled-in questionnaires.

    Raises:
        WorldError: lists every problem of every file: unknown names, answers out of their scale, a respondent who
            answers twice, a file without any answer.
    """
    files = Files(Problems("questionnaires"))
    answers: list[Answer] = []
    seen: dict[tuple[str, str, str, int, str], str] = {}
    for path in paths:
        before, noted = len(answers), len(files.problems.found)
        for row in files.rows(path, COLUMNS):
            if not row.cells["answer"]:
                continue
            section = files.name(path, row, "section", SECTIONS, "section")
            role = files.name(path, row, "role", ROLES, "role")
            item, place, respondent = (row.cells[name] for name in ("item", "place", "respondent"))
            if not respondent:
                files.problems.at_line(path, row.line, "column 'respondent' is empty; give a name or number")
            if section is None:
                continue
            _check_item(files, path, row.line, section, item, system)
            year = 0
            if section == IMPORTANCE:
                if place or row.cells["year"]:
                    files.problems.at_line(path, row.line, "importance is asked without place and year")
                if role == RESIDENT:
                    files.problems.at_line(path, row.line, "points of importance are asked of experts only")
            else:
                simulated = world.ids[: world.n_sim]
                if place not in simulated:
                    files.problems.at_line(
                        path, row.line, f"unknown place '{place}'" + nearest(place, simulated)
                    )
                year = files.integer(path, row, "year", FIRST_YEAR, LAST_YEAR) or 0
            low, high = _scale(section)
            value = files.number(path, row, "answer", low, high)
            key = (section, item, place, year, respondent)
            where = f"{path}:{row.line}"
            if key in seen:
                files.problems.at_line(
                    path, row.line, f"respondent '{respondent}' answers this already at {seen[key]}"
                )
                continue
            seen[key] = where
            if not math.isnan(value):
                answers.append(Answer(section, item, place, year, value, respondent, role or EXPERT))
        if len(answers) == before and len(files.problems.found) == noted:
            files.problems.at_key(path, (), "holds no answer: column 'answer' is empty in every row")
    files.problems.raise_if_any()
    return Answers(tuple(answers))


def _scale(section: str) -> tuple[float, float]:
    return {
        IMPORTANCE: (0.0, MOST_POINTS),
        GRADE: (LOWEST_GRADE, HIGHEST_GRADE),
        EMPLOYER: (0.0, 100.0),
    }[section]


def _check_item(files: Files, path: Path, line: int, section: str, item: str, system: RatingSystem) -> None:
    if section == EMPLOYER:
        if item != LARGEST_EMPLOYER:
            files.problems.at_line(path, line, f"unknown item '{item}'; expected '{LARGEST_EMPLOYER}'")
        return
    if item in system.ids or (section == IMPORTANCE and item in BLOCKS):
        return
    valid = (*BLOCKS, *system.ids) if section == IMPORTANCE else system.ids
    hint = nearest(item, valid) or indicator_hint(item, system)
    files.problems.at_line(path, line, f"unknown indicator '{item}'{hint}")


def with_grades(figures: RatedFigures, answers: Answers, system: RatingSystem) -> RatedFigures:
    """Figures with the mean grade of the respondents where no figure is known.

    A grade g of 1-5 is the score (g - 1) / 4; its half width is half the range of the respondents, at least half
    a step of the scale.
    """
    grades: dict[tuple[str, str, int], list[float]] = {}
    for answer in answers.answers:
        if answer.section == GRADE:
            grades.setdefault((answer.item, answer.place, answer.year), []).append(answer.value)
    values, half_width, sources = figures.values.copy(), figures.half_width.copy(), dict(figures.sources)
    for (id, place, year), given in sorted(grades.items()):
        if place not in figures.places or year not in figures.years:
            continue
        k = system.position(id)
        cell = (figures.years.index(year), figures.places.index(place), k)
        if not np.isnan(values[(slice(None), *cell)]).all():
            continue
        scores = (np.array(given) - LOWEST_GRADE) / (HIGHEST_GRADE - LOWEST_GRADE)
        indicator = system.indicators[k]
        values[(slice(None), *cell)] = indicator.worst + float(scores.mean()) * (
            indicator.best - indicator.worst
        )
        half_width[cell] = max(system.value("grade_half_width"), float(np.ptp(scores)) / 2.0)
        sources[id, place, str(year)] = f"graded by {len(given)} respondent{'s' if len(given) > 1 else ''}"
    return replace(figures, values=values, half_width=half_width, sources=sources)
