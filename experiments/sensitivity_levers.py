"""Levers as factors: how much of each policy is in force, and which of those that exclude each other.

A policy whose levers have amounts (`scenarios.amounts`) is a continuous factor, from none to one and a half times what
its file says. One without amounts (schools kept open, a zone that never was) is in force or not. Of policies that
contradict each other at most one is in force: one factor says which, a second one how much of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from experiments.failures import BadInput
from model.problems import nearest

if TYPE_CHECKING:
    from scenarios.policy import Policy

LEAST, MOST = 0.0, 1.5  # amounts of a policy: from nothing to half as much again as its file says
_RANGE = re.compile(r"([A-Za-z0-9_.\-/\\ ]+?)(?:\.([a-z_]+))?=([^:=]+):([^:=]+)")


@dataclass(frozen=True)
class LeverRange:
    """A range that the user gave (`--lever`): of a policy's amount, or of one figure of its levers.

    Attributes:
        figure: "" for the amount of the whole policy.
    """

    policy: str
    figure: str
    low: float
    high: float

    @property
    def name(self) -> str:
        """Name of its factor."""
        return f"lever {self.policy}.{self.figure}" if self.figure else f"amount of {self.policy}"

    def at(self, u: float) -> float:
        """Its value at a number in (0, 1): all of the range alike."""
        return self.low + u * (self.high - self.low)


@dataclass(frozen=True, order=True)
class InForce:
    """A policy in force.

    Attributes:
        amount: of all its levers, 1 as its file says. figures: values of single figures instead of those of the file.
    """

    name: str
    amount: float = 1.0
    figures: tuple[tuple[str, float], ...] = ()

    def of(self, policies: Mapping[str, Policy]) -> Policy:
        """The policy with these amounts."""
        from scenarios.amounts import at_amount, with_figure

        policy = policies[self.name]
        for figure, value in self.figures:
            policy = with_figure(policy, figure, value)
        return at_amount(policy, self.amount)


@dataclass(frozen=True)
class LeverFactor:
    """A factor over policies.

    Attributes:
        name, text: as of a factor. levels: what it chooses from ("" for none); empty for a continuous one.
    """

    name: str
    text: str
    levels: tuple[str, ...] = ()


class PolicyFactors:
    """Policies as factors.

    Args:
        policies: that can be in force. compared: names of those that only outputs add. ranges: the user's.
    """

    def __init__(
        self, policies: Sequence[Policy], compared: Sequence[str] = (), ranges: Sequence[LeverRange] = ()
    ) -> None:
        from scenarios.amounts import has_amounts

        self.groups = alternatives(policies)
        self._amount = {one.policy: one for one in ranges if not one.figure}
        self._figures: dict[str, list[LeverRange]] = {}
        for one in ranges:
            if one.figure:
                self._figures.setdefault(one.policy, []).append(one)
        # Amounts vary by themselves only where no figure of the policy does
        self._sized = {one.name for one in policies if has_amounts(one) and one.name not in self._figures}
        self._compared = tuple(name for name in compared if name in self._amount or name in self._figures)
        self.factors = self._listed()

    def _listed(self) -> tuple[LeverFactor, ...]:
        found = []
        for group in self.groups:
            sized = [name for name in group if name in self._sized]
            if len(group) == 1 and sized:
                low, high = self._limits(group)
                found.append(
                    LeverFactor(policy_factor(group), f"{low:g} to {high:g} times the amounts of its levers")
                )
                continue
            found.append(LeverFactor(policy_factor(group), "one of none, " + ", ".join(group), ("", *group)))
            if sized:
                low, high = self._limits(sized)
                text = f"{low:g} to {high:g} times the amounts of {', '.join(sized)}, where in force"
                found.append(LeverFactor(amount_factor(group), text))
        found += [
            LeverFactor(one.name, f"{one.low:g} to {one.high:g} times its amounts, where it is compared")
            for name, one in self._amount.items()
            if name in self._compared
        ]
        found += [
            LeverFactor(one.name, f"{one.low:g} to {one.high:g}")
            for held in self._figures.values()
            for one in held
        ]
        return tuple(found)

    def _limits(self, names: Sequence[str]) -> tuple[float, float]:
        """Range of the amount of one policy or of alternatives; of those the user may widen it for all."""
        given = [self._amount[name] for name in names if name in self._amount]
        if not given:
            return LEAST, MOST
        return min(one.low for one in given), max(one.high for one in given)

    def in_force(self, numbers: Mapping[str, float]) -> tuple[InForce, ...]:
        """Policies in force for numbers of the factors in (0, 1)."""
        found = []
        for group in self.groups:
            which = policy_factor(group)
            sized = [name for name in group if name in self._sized]
            if len(group) == 1 and sized:
                found.append(InForce(group[0], self._amount_at(sized, numbers[which])))
                continue
            level = level_of(numbers[which], 1 + len(group))
            if level:
                name = group[level - 1]
                amount = self._amount_at(sized, numbers[amount_factor(group)]) if name in sized else 1.0
                found.append(InForce(name, amount, self._values(name, numbers)))
        return tuple(one for one in found if one.amount > 0.0)

    def added(self, numbers: Mapping[str, float]) -> dict[str, InForce]:
        """Policies that outputs add, where the user gave them a range; all others are as in their files."""
        found = {}
        for name in self._compared:
            one = self._amount.get(name)
            amount = one.at(numbers[one.name]) if one is not None else 1.0
            found[name] = InForce(name, amount, self._values(name, numbers))
        return found

    def _amount_at(self, names: Sequence[str], u: float) -> float:
        low, high = self._limits(names)
        return low + u * (high - low)

    def _values(self, name: str, numbers: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
        return tuple((one.figure, one.at(numbers[one.name])) for one in self._figures.get(name, ()))


def level_of(u: float, levels: int) -> int:
    """Level of a number in [0, 1), all levels equally likely."""
    return min(levels - 1, int(u * levels))


def policy_factor(group: Sequence[str]) -> str:
    """Name of the factor of one policy or of several that exclude each other."""
    return "policy " + "|".join(group)


def amount_factor(group: Sequence[str]) -> str:
    """Name of the factor of the amount of the one that is in force."""
    return "amount of " + "|".join(group)


def alternatives(policies: Sequence[Policy]) -> tuple[tuple[str, ...], ...]:
    """Policies in groups of which at most one can be in force, directly or not.

    Those that contradict each other, and those that share a lever, which could not have two amounts.
    """
    from scenarios.composition import compose
    from scenarios.problems import ScenarioError

    held = {policy.name: {(kind, item) for kind, item, _ in policy.levers.items()} for policy in policies}
    group = {policy.name: policy.name for policy in policies}
    for one, two in combinations(policies, 2):
        if not held[one.name] & held[two.name]:
            try:
                compose([one, two], "both")
                continue
            except ScenarioError:
                pass
        old, new = group[two.name], group[one.name]
        group = {name: new if leader == old else leader for name, leader in group.items()}
    return tuple(
        tuple(name for name, held_by in group.items() if held_by == leader)
        for leader in dict.fromkeys(group.values())
    )


def read_lever_ranges(
    texts: Sequence[str], policies: Sequence[Policy], known: Sequence[Policy]
) -> tuple[LeverRange, ...]:
    """Read `POLICY=LOW:HIGH` and `POLICY.FIGURE=LOW:HIGH` (`--lever`).

    Args:
        policies: that are factors. known: further ones that outputs compare.

    Raises:
        BadInput: lists every text that cannot be used: no such policy or figure, nothing that could be made larger,
            no range, a range beyond the declared one.
    """
    held = {policy.name: policy for policy in (*policies, *known)}
    found: list[LeverRange] = []
    faults: list[str] = []
    for text in texts:
        try:
            one = _range_of(text, held)
            if one.name in {other.name for other in found}:
                raise BadInput(f"--lever {text}: given twice")
            found.append(one)
        except BadInput as error:
            faults.append(str(error))
    both = {one.policy for one in found if one.figure} & {one.policy for one in found if not one.figure}
    faults += [
        f"--lever {name}: give a range to its amount or to single figures, not to both" for name in both
    ]
    if faults:
        raise BadInput("\n".join(faults))
    return tuple(found)


def _range_of(text: str, held: Mapping[str, Policy]) -> LeverRange:
    from scenarios.amounts import has_amounts, settable, with_figure

    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"--lever {text}: expected POLICY=LOW:HIGH or POLICY.FIGURE=LOW:HIGH")
    name, figure = match[1].strip(), match[2] or ""
    if name not in held:
        raise BadInput(
            f"--lever {text}: '{name}' is neither a factor nor compared by an output" + nearest(name, held)
        )
    policy = held[name]
    try:
        low, high = float(match[3]), float(match[4])
    except ValueError:
        raise BadInput(f"--lever {text}: expected two numbers, LOW:HIGH") from None
    if not low < high:
        raise BadInput(f"--lever {text}: {low:g} to {high:g} is no range; expected LOW below HIGH")
    if figure:
        if figure not in settable(policy):
            valid = ", ".join(settable(policy)) or "none"
            raise BadInput(
                f"--lever {text}: '{name}' has no figure '{figure}'"
                + nearest(figure, settable(policy))
                + f"; has {valid}"
            )
        for value in (low, high):
            try:
                with_figure(policy, figure, value)
            except ValueError as error:
                raise BadInput(f"--lever {text}: {error}") from None
        return LeverRange(name, figure, low, high)
    if not has_amounts(policy):
        raise BadInput(
            f"--lever {text}: no lever of '{name}' has an amount; it is in force or not, there is no range"
        )
    if low < 0.0 or high > 10.0:
        raise BadInput(f"--lever {text}: expected amounts from 0 to 10 times what the file says")
    return LeverRange(name, "", low, high)
