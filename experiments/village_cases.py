"""Cases of an ensemble of villages: a village policy, or none, under a future."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.design import Scenario
from experiments.failures import BadInput
from experiments.village_policies import POLICIES, VillagePolicy
from model.levers import Levers
from model.problems import nearest
from model.world import World
from scenarios.policy import Future
from scenarios.problems import ScenarioError
from scenarios.reading import load_future, load_policy, split_name
from scenarios.translation import levers_of

BASELINE, REFERENCE, ALL_POLICIES = "baseline", "reference", "all"


@dataclass(frozen=True)
class VillageCase:
    """One case.

    Attributes:
        name: `policy`, or `policy@future` where the future is not the reference. policy: None in the baseline.
    """

    name: str
    policy: VillagePolicy | None
    future: Future

    @property
    def baseline(self) -> str:
        """Name of the case without a policy under the same future."""
        return case_name(BASELINE, self.future.name)

    @property
    def title(self) -> str:
        """Title of the policy, with the future where it is not the reference."""
        own = "Baseline" if self.policy is None else self.policy.title
        return own if self.future.name == REFERENCE else f"{own} @ {self.future.name}"

    def scenario(self) -> Scenario:
        """What of it enters a design."""
        own = "" if self.policy is None else hashlib.sha256(repr(self.policy).encode()).hexdigest()[:16]
        if self.future.name == REFERENCE:
            return Scenario(self.name, own)
        return Scenario(self.name, f"{own}-{self.future.digest[:16]}")


def case_name(policy: str, future: str) -> str:
    """Name of a case."""
    return policy if future == REFERENCE else f"{policy}@{future}"


def read_cases(given: Sequence[str], world: World, horizon: int) -> tuple[VillageCase, ...]:
    """Cases of `POLICY` or `POLICY@FUTURE` with the baseline of every future, by name, each once.

    Raises:
        BadInput: lists everything that is wrong with any of them.
    """
    faults: list[str] = []
    futures: dict[str, Future] = {}
    wanted: list[tuple[str, str]] = []
    for text in (BASELINE, *given):
        try:
            policy, future = split_name(text)
            if future not in futures:
                futures[future] = load_future(future)
                future_levers(futures[future], world, horizon)
        except ScenarioError as error:
            faults.append(str(error))
            continue
        if policy not in (*POLICIES, BASELINE, ALL_POLICIES):
            faults.append(
                f"unknown village policy '{policy}'" + nearest(policy, (*POLICIES, BASELINE, ALL_POLICIES))
            )
            continue
        wanted += [(name, future) for name in (POLICIES if policy == ALL_POLICIES else (policy,))]
    if faults:
        raise BadInput("\n".join(dict.fromkeys(faults)))
    cases: dict[str, VillageCase] = {}
    for policy, key in [*((BASELINE, key) for _, key in wanted), *wanted]:
        future_read = futures[key]
        name = case_name(policy, future_read.name)
        case = VillageCase(name, POLICIES.get(policy), future_read)
        if cases.setdefault(name, case).future.digest != future_read.digest:
            raise BadInput(f"two different futures are called '{future_read.name}': give one another name")
    return tuple(cases[name] for name in sorted(cases))


def future_levers(future: Future, world: World, horizon: int) -> Levers:
    """Levers of a future and of nothing else.

    Raises:
        ScenarioError: it does not fit the world or the horizon.
    """
    return levers_of(load_policy(BASELINE), future, world, horizon)
