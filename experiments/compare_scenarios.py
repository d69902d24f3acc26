"""What is compared: policies under futures, what each is compared with, and the jobs put into towns as a yardstick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from experiments.cost_effectiveness import PRESENT_YEAR
from experiments.design import Scenario
from experiments.failures import BadInput
from model.levers import Levers, neutral_levers
from model.world import World
from model.zones import Project

if TYPE_CHECKING:
    from scenarios.policy import Future, Policy

NO_ZONE, BASELINE, REFERENCE = "no_zone", "baseline", "reference"
YARDSTICK = "jobs_in_towns"
YARDSTICK_JOBS = 100.0
LEAST_YARDSTICK_YEARS = 3
MOST_SCENARIOS = 64
Read = TypeVar("Read")


@dataclass(frozen=True)
class Case:
    """A policy under a future: one scenario of the comparison.

    Attributes:
        name: `policy`, or `policy@future`. policy, future: names. title: of the policy, in English.
        scenario: what is run.
        source: the policy as read, for its costs; None for the yardstick and for levers made by hand.
    """

    name: str
    policy: str
    future: str
    title: str
    scenario: Scenario
    source: Policy | None = None


@dataclass(frozen=True)
class Comparison:
    """The cases of a comparison.

    Attributes:
        cases: policies under futures, the policies in the user's order after `no_zone` and `baseline`.
        yardstick: baseline with jobs in every town, None where the horizon is too near.
        yardstick_places: indices of those towns.
    """

    cases: tuple[Case, ...]
    yardstick: Case | None
    yardstick_places: tuple[int, ...]

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of the policies, each once."""
        return tuple(dict.fromkeys(case.policy for case in self.cases))

    @property
    def futures(self) -> tuple[str, ...]:
        """Names of the futures, the reference first."""
        return tuple(dict.fromkeys(case.future for case in self.cases))

    def scenarios(self) -> tuple[Scenario, ...]:
        """All scenarios to run, sorted by name as a design wants them."""
        cases = [*self.cases, *([self.yardstick] if self.yardstick else [])]
        return tuple(sorted((case.scenario for case in cases), key=lambda scenario: scenario.name))

    def case(self, policy: str, future: str) -> Case:
        """The case of a policy under a future. Raises KeyError where it is not compared."""
        for case in self.cases:
            if (case.policy, case.future) == (policy, future):
                return case
        raise KeyError((policy, future))

    def compared(self, reference: str) -> list[tuple[Case, Case]]:
        """Pairs of a case and its reference under the same future, for all other policies."""
        return [(case, self.case(reference, case.future)) for case in self.cases if case.policy != reference]

    def full_policies(self) -> tuple[str, ...]:
        """Policies compared under every future: those that can be ranked over futures."""
        present = {(case.policy, case.future) for case in self.cases}
        return tuple(
            policy for policy in self.policies if all((policy, future) in present for future in self.futures)
        )


def read_comparison(names: Sequence[str], futures: Sequence[str], world: World, horizon: int) -> Comparison:
    """Read policies and futures by name or path and translate them into levers.

    Every policy named without a future is run under the reference and all of `futures`; `no_zone` and `baseline`
    are always run, under every future that any policy is run under.

    Raises:
        BadInput: lists everything that is wrong with any of them.
    """
    reader = _Reader(world, horizon)
    common = [REFERENCE, *(name for name in dict.fromkeys(futures) if name != REFERENCE)]
    wanted: list[tuple[str, str]] = []
    for text in (NO_ZONE, BASELINE, *names):
        policy, future = reader.split(text)
        wanted += [(policy, future)] if "@" in text else [(policy, one) for one in common]
    for future in dict.fromkeys(future for _, future in wanted):
        wanted += [(NO_ZONE, future), (BASELINE, future)]
    for policy, future in dict.fromkeys(wanted):
        reader.add(policy, future)
    return compare_cases(reader.cases(), world, horizon)


class _Reader:
    """Reads scenario files into cases, and collects what is wrong with them."""

    def __init__(self, world: World, horizon: int) -> None:
        self.world, self.horizon = world, horizon
        self._problems: list[str] = []
        self._cases: dict[str, Case] = {}
        self._policies: dict[str, Policy | None] = {}
        self._futures: dict[str, Future | None] = {}

    def split(self, text: str) -> tuple[str, str]:
        """Policy and future of `policy` or `policy@future`."""
        from scenarios.reading import split_name

        return self._tried(lambda: split_name(text)) or (text, REFERENCE)

    def add(self, policy: str, future: str) -> None:
        """Read a policy and a future, each once, and note their case."""
        from scenarios.reading import load_future, load_policy
        from scenarios.translation import levers_of

        if policy not in self._policies:
            self._policies[policy] = self._tried(lambda: load_policy(policy))
        if future not in self._futures:
            self._futures[future] = self._tried(lambda: load_future(future))
        found, under = self._policies[policy], self._futures[future]
        if found is None or under is None:
            return
        levers = self._tried(lambda: levers_of(found, under, self.world, self.horizon))
        if levers is None:
            return
        name = found.name if under.name == REFERENCE else f"{found.name}@{under.name}"
        digest = f"{found.digest[:16]}-{under.digest[:16]}"
        case = Case(name, found.name, under.name, found.title("en"), Scenario(name, digest, levers), found)
        if self._cases.setdefault(name, case).scenario.digest != digest:
            self._problems.append(f"two different files are called '{name}': give one of them another name")

    def cases(self) -> tuple[Case, ...]:
        """All cases read.

        Raises:
            BadInput: lists everything that was wrong.
        """
        if any(case.policy == YARDSTICK for case in self._cases.values()):
            self._problems.append(
                f"no policy may be called '{YARDSTICK}': the comparison uses that name itself"
            )
        if len(self._cases) > MOST_SCENARIOS:
            self._problems.append(f"{len(self._cases)} scenarios are too many: at most {MOST_SCENARIOS}")
        if self._problems:
            raise BadInput("\n".join(each_fault_once(self._problems)))
        return tuple(self._cases.values())

    def _tried(self, read: Callable[[], Read]) -> Read | None:
        """What is read, or None with the problem noted."""
        from scenarios.problems import ScenarioError

        try:
            return read()
        except ScenarioError as error:
            self._problems.append(str(error))
            return None


def each_fault_once(problems: Sequence[str]) -> list[str]:
    """Problems (a heading, then a fault a line) without those whose faults all stood under an earlier one.

    A lever that does not fit the horizon does so under every policy and future that it is combined with.
    """
    told: set[str] = set()
    kept = []
    for problem in dict.fromkeys(problems):
        faults = problem.splitlines()[1:]
        if not faults or not told.issuperset(faults):
            kept.append(problem)
        told.update(faults)
    return kept


def compare_cases(cases: Sequence[Case], world: World, horizon: int) -> Comparison:
    """A comparison of cases that are ready to run, among them `no_zone` and `baseline`, with its yardstick."""
    order = {REFERENCE: 0}
    for case in cases:
        order.setdefault(case.future, len(order))
    first = {NO_ZONE: 0, BASELINE: 1}
    ranks = {name: k for k, name in enumerate(dict.fromkeys(case.policy for case in cases), start=2)}
    arranged = sorted(cases, key=lambda c: (first.get(c.policy, ranks[c.policy]), order[c.future]))
    comparison = Comparison(tuple(arranged), None, ())
    places = towns_of(world)
    if horizon - PRESENT_YEAR < LEAST_YARDSTICK_YEARS or not places:
        return comparison
    base = comparison.case(BASELINE, REFERENCE)
    levers = with_jobs(base.scenario.levers, world, horizon, places)
    scenario = Scenario(YARDSTICK, base.scenario.digest, levers)
    yardstick = Case(YARDSTICK, YARDSTICK, REFERENCE, "jobs created in every town", scenario)
    return replace(comparison, yardstick=yardstick, yardstick_places=places)


def towns_of(world: World) -> tuple[int, ...]:
    """Indices of the simulated towns; of all simulated places where none is a town."""
    towns = tuple(place for place in range(world.n_sim) if world.kind[place] == "town")
    return towns or tuple(range(world.n_sim))


def with_jobs(levers: Levers | None, world: World, horizon: int, places: Sequence[int]) -> Levers:
    """Levers with 100 further jobs in each of the places, opened in 2026, all additional, and kept to the horizon."""
    base = neutral_levers(world, horizon) if levers is None else levers
    projects = tuple(
        Project(
            YARDSTICK,
            world.ids[place],
            place,
            PRESENT_YEAR,
            PRESENT_YEAR,
            YARDSTICK_JOBS,
            recorded=True,
            full_year=PRESENT_YEAR,
            but_for=1.0,
            displacement=0.0,
            kept_until=horizon,
        )
        for place in places
    )
    return replace(base, projects=base.projects + projects)
