"""Projects of zones as a policy sets them (equation 20)."""

from __future__ import annotations

import math
from dataclasses import replace

from model.reference_tables import zone_facts
from model.world import World
from model.zones import Project, qyzyljar_projects
from scenarios.policy_levers import PolicyLevers, Qyzyljar, ZoneProject


def zone_projects(levers: PolicyLevers, world: World) -> tuple[Project, ...]:
    """All projects of a policy: QYZYLJAR's, then its own in the order of their names."""
    own = (_own_project(name, project, world) for name, project in sorted(levers.zone_project.items()))
    return (*qyzyljar_of(levers.qyzyljar, world), *own)


def qyzyljar_of(zone: Qyzyljar, world: World) -> tuple[Project, ...]:
    """Projects of QYZYLJAR as a policy sets it; none where it was never created."""
    if zone.status == "never_created":
        return ()
    projects = qyzyljar_projects(world)
    if zone.status == "as_declared":
        projects = _as_declared(zone, projects)
    if zone.but_for is not None:
        projects = tuple(replace(project, but_for=zone.but_for) for project in projects)
    if zone.displacement is not None:
        projects = tuple(replace(project, displacement=zone.displacement) for project in projects)
    return projects


def last_recorded_year(world: World) -> int:
    """Last recorded year of zone jobs; the world's start where there is no record."""
    return max((max(path) for path in world.zone_jobs.values()), default=world.start)


def _as_declared(zone: Qyzyljar, projects: tuple[Project, ...]) -> tuple[Project, ...]:
    """All of the pipeline comes, linearly from the end of the record; nothing closes before `kept_until`."""
    running = [project for project in projects if project.recorded]
    waiting = [project for project in projects if not project.recorded]
    missing = max(0.0, zone.declared_jobs - sum(project.declared_jobs for project in running))
    kept = tuple(replace(project, kept_until=zone.kept_until) for project in running)
    coming = tuple(
        replace(
            project,
            recorded=True,
            first_year=project.first_year - 1,
            full_year=zone.declared_by,
            declared_jobs=missing / len(waiting),
            kept_until=zone.kept_until,
        )
        for project in waiting
    )
    return kept + coming


def _own_project(name: str, project: ZoneProject, world: World) -> Project:
    certain = project.launch == "certain"
    full = project.full_year if project.full_year is not None else project.year
    term = int(next(fact.value for fact in zone_facts() if fact.fact == "term_years"))
    last = project.last_year if project.last_year is not None else project.year + term
    return Project(
        project.zone,
        name,
        world.index(project.place),
        # A recorded project grows from no job in its first year to all of them in `full_year`.
        first_year=project.year - 1 if certain else project.year,
        last_year=full if certain else last,
        declared_jobs=project.declared_jobs * project.realisation,
        recorded=certain,
        full_year=full if certain else 0,
        but_for=math.nan if project.but_for is None else project.but_for,
        displacement=math.nan if project.displacement is None else project.displacement,
        kept_until=project.kept_until or 0,
    )
