"""From a policy and a future to the arrays of the model."""

from __future__ import annotations

from typing import Any

from model.levers import Levers, neutral_levers
from model.parameters import waged_places
from model.problems import nearest
from model.world import World
from scenarios.composition import contradictions
from scenarios.fields import GROUPS, Dated, Placed
from scenarios.future_levers import Centres, Drought
from scenarios.library import LIBRARY
from scenarios.policy import Future, Policy
from scenarios.policy_levers import TaxHoliday, ZoneProject
from scenarios.problems import Findings
from scenarios.pulling import pull
from scenarios.selection import places_of, selection_of
from scenarios.zone_projects import last_recorded_year, zone_projects

STANDARD_HORIZON = 2045


def check_against(policy: Policy, future: Future, world: World, horizon: int) -> None:
    """Check what only a world and a horizon can tell: places, years, levers that overlap there.

    Raises:
        ScenarioError: lists every unknown place, every lever that starts outside the run's years or runs beyond
            both the horizon and 2045, and every pair of contradictory levers.
    """
    findings = Findings(
        f"policy '{policy.name}', future '{future.name}' in world '{world.name}' up to {horizon}"
    )
    for scenario in (policy, future):
        note_misfits(scenario, world, horizon, findings)
    zone = policy.levers.qyzyljar
    last = last_recorded_year(world)
    if zone.status == "as_declared" and world.zone_jobs and not last < zone.declared_by < horizon:
        findings.at(
            _where(policy),
            ("qyzyljar", "declared_by"),
            f"{zone.declared_by} lies outside {last + 1} to {horizon - 1}: after the record, before the horizon",
        )
    for text in contradictions(
        policy.levers, lambda one, two: bool(set(places_of(one, world)) & set(places_of(two, world)))
    ):
        findings.at(_where(policy), (), text)
    findings.raise_if_any()


def note_misfits(scenario: Policy | Future, world: World, horizon: int, findings: Findings) -> None:
    """Note every place and year of a scenario that does not fit; also of one that could be read only in part."""
    for kind, name, lever in scenario.levers.items():
        item = _Item(findings, scenario, (kind, name), world, horizon)
        item.check_years(lever)
        item.check_places(lever)


def _where(scenario: Policy | Future) -> str:
    """A shipped scenario by its name, a user's by its file."""
    own = [file for file in scenario.files if LIBRARY not in file.parents]
    return str(own[0]) if own else scenario.name


def levers_of(policy: Policy, future: Future, world: World, horizon: int) -> Levers:
    """Arrays of the model for a policy under a future, for the years from the world's start to `horizon`.

    Returns:
        Levers with arrays over the years from `world.start` to `horizon` (excluded) and the simulated places; units
        stand in `model.levers.Levers`.

    Raises:
        ScenarioError: as `check_against`.

    Example:
        >>> from model.world import load_world
        >>> from scenarios.reading import load_future, load_policy
        >>> from scenarios.translation import levers_of
        >>> world = load_world("towns")
        >>> levers = levers_of(load_policy("settlers"), load_future("reference"), world, 2030)
        >>> levers.settlers.shape, levers.settlers[2027 - 2015].tolist()  # families in 2027, by town
        ((15, 4), [10.0, 10.0, 10.0, 10.0])
    """
    check_against(policy, future, world, horizon)
    levers = neutral_levers(world, horizon)
    for scenario in (policy, future):
        for _, _, lever in scenario.levers.items():
            pull(lever, selection_of(lever, world, horizon), levers)
    projects = zone_projects(policy.levers, world)
    if policy.levers.qyzyljar.neutral:
        # The zone of the baseline is part of every run: only what is added to it enters here.
        projects = projects[len(projects) - len(policy.levers.zone_project) :]
    levers.qyzyljar, levers.projects = policy.levers.qyzyljar.neutral, projects
    return levers


class _Item:
    """One named lever on its way into a world: notes what does not fit there."""

    def __init__(
        self, findings: Findings, scenario: Policy | Future, key: tuple[str, str], world: World, horizon: int
    ) -> None:
        self.findings, self.scenario, self.key = findings, scenario, key
        self.world, self.horizon = world, horizon

    def note(self, field: str, text: str) -> None:
        self.findings.at(_where(self.scenario), (*self.key, field), text)

    def check_years(self, lever: Any) -> None:
        """A lever starts within the run's years; it may end later, up to the standard horizon."""
        if isinstance(lever, Dated):
            self._within("from", lever.first)
            latest = max(self.horizon, STANDARD_HORIZON)
            if lever.last is not None and lever.last > latest:
                self.note(
                    "to",
                    f"year {lever.last} lies outside the horizon {self.horizon}; expected at most {latest}",
                )
        elif isinstance(lever, ZoneProject):
            self._within("year", lever.year)
        elif isinstance(lever, Drought):
            latest = max(self.horizon, STANDARD_HORIZON) - 1
            for year in lever.years or ():
                if not self.world.start <= year <= latest:
                    self.note("years", f"year {year} lies outside {self.world.start} to {latest}")

    def _within(self, field: str, year: int | None) -> None:
        if year is not None and not self.world.start <= year < self.horizon:
            self.note(
                field,
                f"year {year} lies outside the run, which goes from {self.world.start} to {self.horizon - 1} "
                f"(horizon 1 January {self.horizon})",
            )

    def check_places(self, lever: Any) -> None:
        """Every place is known, and simulated where the lever needs that; every group has a member."""
        if isinstance(lever, ZoneProject):
            if self._known("place", lever.place):
                self._can_hold_jobs(lever.place)
        elif isinstance(lever, Centres):
            for place in lever.places:
                self._known("places", place)
        elif isinstance(lever, Placed):
            for selector in lever.places or ():
                if selector in GROUPS:
                    if not places_of((selector,), self.world):
                        self.note("places", f"world '{self.world.name}' has no place of the group {selector}")
                elif self._known("places", selector) and not isinstance(lever, TaxHoliday):
                    self._simulated(selector)

    def _known(self, field: str, place: str) -> bool:
        if not place:  # left out, of a file that could be read only in part
            return False
        if place in self.world.ids:
            return True
        self.note(field, f"world '{self.world.name}' has no place '{place}'" + nearest(place, self.world.ids))
        return False

    def _can_hold_jobs(self, place: str) -> None:
        """A project acts through a labour market: of a simulated place, or of a centre outside whose wage follows."""
        world = self.world
        heard_of = {*waged_places(world), *world.commuting_centre.tolist()}
        valid = [
            world.ids[i]
            for i in range(world.n_all)
            if i < world.n_sim or (world.is_destination[i] and world.nest[i] == 0 and i in heard_of)
        ]
        if place not in valid:
            self.note(
                "place",
                f"'{place}' has no labour market in world '{world.name}', jobs there would move nothing; expected "
                f"one of {', '.join(valid)}",
            )

    def _simulated(self, place: str) -> None:
        simulated = self.world.ids[: self.world.n_sim]
        if place not in simulated:
            self.note(
                "places",
                f"'{place}' is only seen from outside in world '{self.world.name}', this lever needs a simulated "
                f"place: {', '.join(simulated)}",
            )
