"""A policy made larger or smaller: amounts of its levers as a continuous quantity, within their declared ranges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from model.problems import nearest
from scenarios.policy import Policy
from scenarios.policy_levers import Qyzyljar

SHARES = ("realisation", "but_for", "displacement")  # of zone jobs: figures of a lever, but no amount of it
HALF = 0.5  # a lever without an amount, in a policy that has one, is in force from here on
NEUTRAL_ZONE = Qyzyljar.model_validate({})


def has_amounts(policy: Policy) -> bool:
    """Whether some lever of a policy can be made larger or smaller."""
    return any(_amounts(lever) for lever in _levers(policy))


def settable(policy: Policy) -> tuple[str, ...]:
    """Figures of a policy's levers that can be given another value: amounts, and shares of zone jobs."""
    found: dict[str, None] = {}
    for lever in _levers(policy):
        found.update(dict.fromkeys(_amounts(lever)))
        found.update((name, None) for name in SHARES if name in type(lever).model_fields)
    return tuple(found)


def at_amount(policy: Policy, amount: float) -> Policy:
    """A policy at an amount of all its levers: 1 as written, 0.5 half of it.

    Factors on odds and distances are raised to the amount, all else is multiplied; figures end at the limits of their
    declared ranges, families are whole ones. Levers without an amount are in force from an amount of one half on.

    Raises:
        ValueError: `amount` is not above 0: such a policy is not in force.
    """
    if not amount > 0.0:
        raise ValueError(f"amount {amount}: expected more than 0; a policy of no amount is the baseline")
    if amount == 1.0:
        return policy

    def changed(lever: Any) -> Any:
        held = _amounts(lever)
        if not held:
            return lever if amount >= HALF else None
        # Inside the declared ranges by construction: not validated again
        return lever.model_copy(
            update={name: how.of(getattr(lever, name), amount) for name, how in held.items()}
        )

    return _replaced(policy, changed)


def with_figure(policy: Policy, name: str, value: float) -> Policy:
    """A policy whose levers hold another value of a figure, wherever they hold one.

    Raises:
        ValueError: no lever of the policy has such a figure, or the value lies outside its declared range.
    """
    names = settable(policy)
    if name not in names:
        raise ValueError(f"policy '{policy.name}' has no figure '{name}'" + nearest(name, names))

    def changed(lever: Any) -> Any:
        held = _amounts(lever)
        if name not in held and not (name in SHARES and name in type(lever).model_fields):
            return lever
        whole = name in held and held[name].whole
        given = lever.model_dump(by_alias=True, exclude_unset=True)
        return type(lever).model_validate({**given, name: math.floor(value + 0.5) if whole else value})

    try:
        return _replaced(policy, changed)
    except ValidationError as error:
        told = error.errors()[0]["msg"]
        raise ValueError(f"{policy.name}.{name} = {value:g}: {told[0].lower()}{told[1:]}") from None


def _levers(policy: Policy) -> list[Any]:
    held = [lever for _, _, lever in policy.levers.items()]
    return held if policy.levers.qyzyljar.neutral else [policy.levers.qyzyljar, *held]


def _amounts(lever: Any) -> Mapping[str, Any]:
    """Scalings of the figures that a lever really holds."""
    if getattr(lever, "status", "as_declared") != "as_declared":
        return {}  # a zone as realised or never created has no declared jobs
    return {name: how for name, how in lever.amounts.items() if getattr(lever, name) is not None}


def _replaced(policy: Policy, changed: Callable[[Any], Any]) -> Policy:
    """A policy with every lever replaced by what `changed` makes of it; None leaves it out."""
    tables: dict[str, Any] = {}
    for kind, name, lever in policy.levers.items():
        table = tables.setdefault(kind, {})
        made = changed(lever)
        if made is not None:
            table[name] = made
    if not policy.levers.qyzyljar.neutral:
        tables["qyzyljar"] = changed(policy.levers.qyzyljar) or NEUTRAL_ZONE
    return replace(policy, levers=policy.levers.model_copy(update=tables))
