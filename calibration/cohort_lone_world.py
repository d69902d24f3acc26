"""The world in which the cohort twin is exact: one-person households, all alike, no shocks that strike places.

What is left is the chance of persons, whose mean the twin is; the engine converges to it as people are many.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.founding import TEMPLATES, Founding, _build_templates
from model.population import FEMALE, REFERENCE, SKILLED, Households, People

# Shocks that strike a whole place or all places, and projects that launch or close by chance.
NO_SHOCKS = {
    "sigma_A": 0.0, "sigma_I": 0.0, "sigma_W": 0.0, "walk_sd": 0.0, "exchange_sd": 0.0, "arrival_variation": 0.0,
    "launch_hazard": 0.0, "exit_rate": 0.0,
}  # fmt: skip
# y_h is the local wage for everybody, and nobody counts children: what is left of V is the same for all.
ALIKE = {"income_floor": 1.0, "skill_premium": 0.0, "phi_se": 0.45, "travel_cost": 0.008, "beta_K": 0.0}
LONE = {
    "stayer_share": 0.0,
    "kin_scale": 0.0,
    "union_rate": 0.0,
    "leaving_home_rate": 0.0,
    "divorce_rate": 0.003,
}


def one_person_founding(founding: Founding) -> Founding:
    """The same founders, each in a household alone (minors too); later children live with their mothers."""
    n = founding.n_people
    places = np.repeat(founding.households.place, np.diff(founding.households.first))
    kept = founding.people.traits & np.uint8(FEMALE | SKILLED)
    people = People(
        founding.people.key, founding.people.age, kept | np.uint8(REFERENCE), founding.people.status,
        founding.people.origin,
    )  # fmt: skip
    households = Households(
        founding.people.key.copy(), places, np.zeros(n, np.uint8), np.arange(n + 1, dtype=np.int32)
    )
    templates = _build_templates(people, households, n)
    for column in (*people, *households, *templates):
        column.setflags(write=False)
    return replace(
        founding, people=people, households=households, n_households=n, templates=templates,
        template_size=float(templates.first[-1]) / TEMPLATES, household_size=1.0,
    )  # fmt: skip
