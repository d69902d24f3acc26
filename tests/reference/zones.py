"""Phase 2: special economic zones, one agent per project (20), and what they do to an outside centre."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import mesa

from model import draws
from model.zones import Project
from tests.reference.chance import Key, normal, uniform
from tests.reference.places import Destination

if TYPE_CHECKING:
    from tests.reference.year import ReferenceModel


class ZoneProject(mesa.Agent):
    """A project: `plan` as declared, the years it was launched and closed, its jobs at full size."""

    def __init__(self, model: mesa.Model, plan: Project) -> None:
        super().__init__(model)
        self.plan = plan
        self.key = Key(draws.text_key(f"{plan.zone}/{plan.name}"))
        self.launched: int | None = None
        self.closed = False
        self.jobs = 0.0

    def advance(self) -> None:
        """(20) Launch with hazard h_L, close with x_z; additional jobs = launched x but-for x (1 - displacement)."""
        model: ReferenceModel = self.model
        p, plan, place, year = model.p, self.plan, model.places[self.plan.place], model.year
        if self.launched is None:
            if not self.starts(model):
                return
            self.launched = year
            self.jobs = plan.declared_jobs
            if math.isnan(plan.declared_jobs):
                z = normal(self.key, model.lifelong[draws.PROJECT_JOBS])
                self.jobs = p.jobs_per_project * math.exp(p.project_spread * z)
        elif not self.closed and year > max(plan.full_year, plan.kept_until):
            self.closed = uniform(self.key, model.salts[draws.PROJECT_EXIT]) < p.exit_rate
        if self.closed:
            return
        jobs = self.jobs
        if plan.recorded and year < plan.full_year:
            jobs *= (year - plan.first_year) / (plan.full_year - plan.first_year)
        but_for = p.but_for if math.isnan(plan.but_for) else plan.but_for
        displaced = p.displacement if math.isnan(plan.displacement) else plan.displacement
        place.zone_launched += jobs
        place.zone_jobs += jobs * but_for * (1.0 - displaced)

    def starts(self, model: ReferenceModel) -> bool:
        """Whether the project is launched this year: as recorded, or by chance within its years."""
        plan = self.plan
        if plan.recorded:
            return model.year >= plan.first_year
        factor = float(model.levers.launch_factor[model.t, plan.place])
        chance = model.p.launch_hazard * plan.launch_factor * factor
        inside = plan.first_year <= model.year <= plan.last_year
        return inside and uniform(self.key, model.salts[draws.PROJECT_LAUNCH]) < chance


def relieve(centre: Destination, p: Any) -> None:
    """Additional jobs lower a centre's slack and open posts, for which its own and its district's people queue."""
    centre.openings = centre.seekers = 0.0
    force = centre.labour_force
    if force <= 0.0:
        return
    centre.slack = max(0.0, p.centre_slack - centre.zone_jobs / force)
    employed = force * (1.0 - p.centre_slack)
    fresh = centre.zone_jobs - (1.0 - p.separation) * centre.zone_jobs_before
    centre.openings = p.separation * employed + max(0.0, fresh)
    own = force * (centre.slack + p.separation * (1.0 - p.centre_slack))
    centre.seekers = own * (1.0 + p.district_seekers)
