"""Which policies and futures are factors of a sensitivity analysis: the user's, or all of the library that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from experiments.failures import BadInput
from experiments.sensitivity_factors import BASELINE, REFERENCE
from experiments.sensitivity_levers import alternatives
from model.world import World

if TYPE_CHECKING:
    from scenarios.policy import Future, Policy

NONE = "none"
Read = TypeVar("Read")


@dataclass(frozen=True)
class Pool:
    """Policies that are factors, policies that only outputs name (and the baseline), futures, and what was left out."""

    policies: tuple[Policy, ...]
    known: tuple[Policy, ...]
    futures: tuple[Future, ...]
    notes: tuple[str, ...]


def build_pool(
    world: World,
    horizon: int,
    policies: Sequence[str],
    futures: Sequence[str],
    compared: Sequence[str],
) -> Pool:
    """Read policies and futures.

    Args:
        policies, futures: as the user gave them; empty for all of the library that fit, `none` for none.
        compared: policies that outputs name. They, and what contradicts them, are no factors.

    Raises:
        BadInput: lists everything that is wrong with any of them.
    """
    from scenarios.library import names
    from scenarios.reading import load_future, load_policy
    from scenarios.translation import check_against

    faults: list[str] = []
    notes: list[str] = []
    reference, baseline = load_future(REFERENCE), load_policy(BASELINE)
    known = [baseline]
    for name in dict.fromkeys(compared):
        if name != BASELINE:
            known += _tried(partial(load_policy, name), faults)
    for policy in known:
        _tried(partial(check_against, policy, reference, world, horizon), faults)

    chosen: list[Policy] = []
    for name in _wanted(policies, names("policy")):
        problems: list[str] = []
        for policy in _tried(partial(load_policy, name), problems):
            _tried(partial(check_against, policy, reference, world, horizon), problems)
            clash = [
                one.name
                for one in known[1:]
                if one.name == policy.name or len(alternatives([one, policy])) == 1
            ]
            if clash:
                problems.append(f"policy '{name}' is no factor: an output compares {', '.join(clash)}")
            if policy.name != BASELINE and not problems:
                chosen.append(policy)
        _share_out(problems, policies, f"policy '{name}'", faults, notes)
    if not policies:
        chosen = _elementary(chosen)

    held: list[Future] = [reference]
    for name in _wanted(futures, names("future")):
        problems = []
        for future in _tried(partial(load_future, name), problems):
            _tried(partial(check_against, baseline, future, world, horizon), problems)
            if future.name != REFERENCE and not problems:
                held.append(future)
        _share_out(problems, futures, f"future '{name}'", faults, notes)
    if faults:
        raise BadInput("\n".join(dict.fromkeys(faults)))
    return Pool(tuple(chosen), tuple(known), tuple(held), tuple(notes))


def _wanted(given: Sequence[str], library: Sequence[str]) -> tuple[str, ...]:
    if not given:
        return tuple(library)
    return tuple(name for name in dict.fromkeys(given) if name != NONE)


def _tried(read: Callable[[], Read], faults: list[str]) -> list[Read]:
    """What is read as a list of one, or an empty list with the problem noted."""
    from scenarios.problems import ScenarioError

    try:
        return [read()]
    except ScenarioError as error:
        faults.append(str(error))
        return []


def _share_out(
    problems: Sequence[str], given: Sequence[str], what: str, faults: list[str], notes: list[str]
) -> None:
    """What is wrong with a scenario the user named is a fault; one of the library is left out with a note."""
    if given:
        faults.extend(problems)
    elif problems:
        reason = problems[0].removeprefix(f"{what} is no factor: ")
        notes.append(f"{what} is no factor: {reason.splitlines()[-1].strip()}")


def _elementary(policies: Sequence[Policy]) -> list[Policy]:
    """Policies without those that only put others together."""
    held = {policy.name: {(kind, item) for kind, item, _ in policy.levers.items()} for policy in policies}
    kept = []
    for policy in policies:
        own = held[policy.name]
        parts = [name for name, items in held.items() if name != policy.name and items and items < own]
        if not own or own != set().union(*(held[name] for name in parts)):
            kept.append(policy)
    return kept
