"""Special economic zones as Mesa agents: their projects as they stand on this 1 January (equation 20)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model.place_agents import PlaceAgent
from model.zones import NOT_YET, Project

if TYPE_CHECKING:
    from model.border_model import BorderModel


@dataclass(frozen=True)
class ZoneProject:
    """One project of a zone as it stands on this 1 January.

    Attributes:
        name, place: of the project; id of its place.
        declared_jobs: NaN where they are drawn at launch. launched_jobs: at full size, 0 before the launch.
        realised_jobs: posts of the latest year. additional_jobs: those of them that count in equation (20).
        launch_year, exit_year: None before.
    """

    name: str
    place: str
    declared_jobs: float
    launched_jobs: float
    realised_jobs: float
    additional_jobs: float
    launch_year: int | None
    exit_year: int | None


class Zone(PlaceAgent):
    """A special economic zone.

    Attributes:
        name: of the zone. place: id of its (first) place; places: ids of all its places.
    """

    def __init__(self, model: BorderModel, name: str, projects: tuple[tuple[int, Project], ...]) -> None:
        super().__init__(model)
        self.name = name
        self._projects = projects
        self.places: tuple[str, ...] = tuple(
            dict.fromkeys(model.world.ids[project.place] for _, project in projects)
        )
        self.place: str = self.places[0]

    @property
    def projects(self) -> tuple[ZoneProject, ...]:
        """All projects, in the declared order."""
        return tuple(self._project(row, project) for row, project in self._projects)

    @property
    def declared_jobs(self) -> float:
        """Jobs declared, over the projects that declared any."""
        return sum(p.declared_jobs for p in self.projects if not math.isnan(p.declared_jobs))

    @property
    def launched_jobs(self) -> float:
        """Jobs at full size of all launched projects that have not closed."""
        return sum(p.launched_jobs for p in self.projects if p.exit_year is None)

    @property
    def realised_jobs(self) -> float:
        """Posts of the latest year."""
        return sum(p.realised_jobs for p in self.projects)

    @property
    def additional_jobs(self) -> float:
        """Posts of the latest year that would not exist without the zone, less displaced ones."""
        return sum(p.additional_jobs for p in self.projects)

    def _project(self, row: int, project: Project) -> ZoneProject:
        engine = self.model.engine
        columns, settings, year = engine.projects, engine.settings, engine.year - 1
        launched, closed = int(columns.launched[row]), int(columns.closed[row])
        full = float(columns.jobs[row]) if launched != NOT_YET else 0.0
        realised = full if closed == NOT_YET else 0.0
        if project.recorded and launched != NOT_YET and year < project.full_year:
            realised *= (year - project.first_year) / (project.full_year - project.first_year)
        but_for = settings.but_for if math.isnan(project.but_for) else project.but_for
        displaced = settings.displacement if math.isnan(project.displacement) else project.displacement
        return ZoneProject(
            project.name,
            self.model.world.ids[project.place],
            project.declared_jobs,
            full,
            realised,
            realised * but_for * (1.0 - displaced),
            None if launched == NOT_YET else launched,
            None if closed == NOT_YET else closed,
        )

    def __repr__(self) -> str:
        return f"<Zone {self.name} in {', '.join(self.places)}>"


def zones_of(projects: tuple[Project, ...]) -> dict[str, tuple[tuple[int, Project], ...]]:
    """Projects with their rows by name of their zone, in the declared order."""
    zones: dict[str, list[tuple[int, Project]]] = {}
    for row, project in enumerate(projects):
        zones.setdefault(project.zone, []).append((row, project))
    return {name: tuple(rows) for name, rows in zones.items()}
