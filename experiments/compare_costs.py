"""Costs of the cases of a comparison beside what they gain: present values and ratios."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from experiments.compare_centres import CentrePath, run_keys
from experiments.compare_effects import ALL, Effects
from experiments.compare_scenarios import Case
from experiments.cost_effectiveness import Ratio, cost_ratio, person_years, present_value
from experiments.ensemble import Study
from experiments.paired_statistics import Difference, Floats, summarised

RESIDENT, RESIDENT_YEAR, JOB = "additional resident", "resident-year retained", "additional job"
UNITS = (RESIDENT, RESIDENT_YEAR, JOB)
YEARS_OF_JOBS = 5  # additional jobs are the mean of the last years, which a single harvest does not move


@dataclass(frozen=True)
class Money:
    """Yearly money of a case in million KZT at 2020 prices, float64[runs, years]: all places together."""

    public: Floats
    private: Floats


@dataclass(frozen=True)
class CostEffect:
    """Costs and gains of a case against a reference, run by run.

    Attributes:
        case, reference: what is compared.
        public, private: present values of the extra money, million KZT, float64[runs].
        gains: by unit, float64[runs]: residents at the horizon, discounted resident-years, jobs (mean of the last
            five years, those of outside centres included).
        per_unit: present value of public money per unit. with_private: of public and private money together.
    """

    case: Case
    reference: Case
    public: Floats
    private: Floats
    gains: Mapping[str, Floats]
    per_unit: Mapping[str, Ratio]
    with_private: Mapping[str, Ratio]

    @property
    def public_spread(self) -> Difference:
        """Extra public money over runs."""
        return summarised(self.public)

    @property
    def private_spread(self) -> Difference:
        """Extra private money over runs."""
        return summarised(self.private)

    @property
    def total_spread(self) -> Difference:
        """Extra public and private money over runs."""
        return summarised(self.public + self.private)

    @property
    def gain_spreads(self) -> dict[str, Difference]:
        """Gains by unit over runs."""
        return {unit: summarised(gain) for unit, gain in self.gains.items()}


def money_of_cases(effects: Effects, study: Study) -> dict[str, Money]:
    """What every case costs by year, from its policy's own accounts; nothing for levers made by hand."""
    from scenarios.costs import yearly_costs
    from scenarios.zone_path import ZonePath, launch_factors, replay_zones
    from scenarios.zone_projects import zone_projects

    world, horizon = study.world, study.design.horizon
    years = horizon - world.start
    keys = run_keys(study, effects.pairs)
    zones: dict[tuple[str, bytes], ZonePath] = {}
    money: dict[str, Money] = {}
    for case in effects.comparison.cases:
        if case.source is None:
            nothing = np.zeros((effects.runs, years))
            money[case.name] = Money(nothing, nothing)
            continue
        policy = case.source
        # Policies with the same projects share their launches and closings
        same = (repr(zone_projects(policy.levers, world)), launch_factors(policy, world, horizon).tobytes())
        if same not in zones:
            zones[same] = replay_zones(policy, world, horizon, keys)
        costs = yearly_costs(policy, world, horizon, effects.columns(case), zones[same])
        money[case.name] = Money(*(_over_places(part) for part in (costs.public, costs.private)))
    return money


def _over_places(money: Floats) -> Floats:
    """float64[runs, years, places] summed over places, in their order."""
    total = np.zeros(money.shape[:2])
    for place in range(money.shape[2]):
        total += money[:, :, place]
    return total


def extra_jobs(
    effects: Effects, case: Case, reference: Case, centres: Mapping[tuple[str, int], CentrePath]
) -> Floats:
    """Additional posts a year in all simulated places and in outside centres: float64[runs, years]."""
    place = effects.places.index(ALL)
    jobs: Floats = (effects.values("jobs", case) - effects.values("jobs", reference))[:, :-1, place]
    for name, centre in centres:
        if name == case.name:
            jobs = jobs + centres[name, centre].jobs - centres[reference.name, centre].jobs
    return jobs


def cost_effect(
    effects: Effects,
    case: Case,
    reference: Case,
    money: Mapping[str, Money],
    centres: Mapping[tuple[str, int], CentrePath],
    rate: float,
) -> CostEffect:
    """Costs and gains of a case against a reference at a discount rate."""
    years = effects.years[:-1].astype(np.float64)
    place = effects.places.index(ALL)
    ours, theirs = money[case.name], money[reference.name]
    public = present_value(ours.public - theirs.public, years, rate)
    private = present_value(ours.private - theirs.private, years, rate)
    people = (effects.values("population", case) - effects.values("population", reference))[:, :, place]
    jobs = extra_jobs(effects, case, reference, centres)
    gains = {
        RESIDENT: people[:, -1],
        RESIDENT_YEAR: present_value(person_years(people), years, rate),
        JOB: jobs[:, -YEARS_OF_JOBS:].mean(axis=1),
    }
    return CostEffect(
        case,
        reference,
        public,
        private,
        gains,
        {unit: cost_ratio(public, gain) for unit, gain in gains.items()},
        {unit: cost_ratio(public + private, gain) for unit, gain in gains.items()},
    )
