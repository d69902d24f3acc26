"""Factors of a sensitivity analysis: uncertain parameters, structures, levers of policies, futures, chance, a dummy.

A design hands over one number in (0, 1) a factor; here it becomes what a run needs. Parameters are quantiles of their
priors. Under a posterior the calibrated parameters depend on one another: they enter together, as one factor that
picks a draw. Structural switches are factors without an order (`sensitivity_structures`); policies are in force to an
amount (`sensitivity_levers`). Chance is a factor too: the number names a set of seeds, so that two runs with the same
number share all chance (common random numbers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.design import founding_household_sizes
from experiments.ensemble import read_only
from experiments.failures import BadInput
from experiments.parameter_source import ParameterSource
from experiments.sensitivity_levers import InForce, LeverRange, PolicyFactors, level_of
from experiments.sensitivity_structures import Switch
from model.draws import run_seed
from model.levers import Levers
from model.parameters import ParameterSpace, ParameterValues
from model.priors import Choice
from model.problems import nearest
from model.world import World

if TYPE_CHECKING:
    from scenarios.policy import Future, Policy

CHANCE, DUMMY, FUTURE, CALIBRATED = "chance", "dummy", "future", "calibrated"
BASELINE, REFERENCE = "baseline", "reference"
# Blocks in the order of figures: those of the declared parameters, then what is no parameter.
BLOCKS = (
    "migration",
    "labour",
    "demography",
    "infrastructure",
    "zone",
    "outlook",
    "structure",
    "policy",
    FUTURE,
    CALIBRATED,
)
STRUCTURE, POLICY = "structure", "policy"
FINEST = 2.0**53


@dataclass(frozen=True)
class Factor:
    """One factor.

    Attributes:
        name, block: what it is called, where it belongs. text: its range in words.
        levels: how many levels a factor without an order has; 0 where the number itself has a meaning. Chance has
            as many as there are numbers.
    """

    name: str
    block: str
    text: str
    levels: int = 0

    @property
    def unordered(self) -> bool:
        """Whether its levels stand in no order."""
        return self.levels > 0


@dataclass(frozen=True)
class Inputs:
    """What one row of a design means.

    Attributes:
        variant: of the founders. seeds: of the set. policies: in force. future: that comes true.
        added: policies that outputs add, where their amounts vary; all others are as in their files.
    """

    values: ParameterValues
    variant: int
    seeds: tuple[np.uint64, ...]
    policies: tuple[InForce, ...]
    future: str
    added: Mapping[str, InForce] = field(default_factory=dict)


class FactorSpace:
    """All factors of a world, in a fixed order.

    Parameters, `calibrated`, structures, policies and their amounts, `future`, `chance`, `dummy`.

    Args:
        world, horizon, seed: of the runs. source: where parameters come from. fixed: those that the user fixed.
        policies: pool of policies that can be in force. known: further ones that outputs add to those in force, and
            the baseline. ranges: of levers, from the user. switches: structural ones.
        futures: futures that can come true (one: no factor). seeds_per_set: runs averaged for one row.
        chance_sets: sets of seeds that there are, and posterior draws; None: as many as numbers, and all. An analysis
            that conditions on intervals of a factor (PAWN) needs as many as intervals: one that holds hundreds of draws
            in no order, or of seeds, is as mixed as the whole.
    """

    def __init__(
        self,
        world: World,
        horizon: int,
        seed: int,
        source: ParameterSource,
        fixed: Mapping[str, float],
        policies: Sequence[Policy] = (),
        futures: Sequence[Future] = (),
        seeds_per_set: int = 1,
        chance_sets: int | None = None,
        known: Sequence[Policy] = (),
        ranges: Sequence[LeverRange] = (),
        switches: Sequence[Switch] = (),
    ) -> None:
        self._made_of = (
            world, horizon, seed, source, dict(fixed), tuple(policies), tuple(futures), seeds_per_set, chance_sets,
            tuple(known), tuple(ranges), tuple(switches),
        )  # fmt: skip
        self.world, self.horizon, self.seed, self.source = world, horizon, seed, source
        self.space, self.fixed = ParameterSpace(world), dict(fixed)
        self.seeds_per_set, self.chance_sets = seeds_per_set, chance_sets
        self.household_sizes = founding_household_sizes(self.space, self.fixed)
        self._policies = {policy.name: policy for policy in (*policies, *known)}
        self._futures = {future.name: future for future in futures}
        self.switches = tuple(switches)
        self.lever_factors = PolicyFactors(policies, [policy.name for policy in known], ranges)
        drawn = source.draws.names if source.draws is not None else ()
        number = 0 if source.draws is None else len(source.draws)
        kept = number if chance_sets is None else min(number, chance_sets)
        self.draws_kept = [(seed + k * number // max(1, kept)) % max(1, number) for k in range(kept)]
        self._drawn = frozenset(name for name in drawn if name not in self.fixed)
        self._uncertain = tuple(
            parameter
            for parameter in self.space.parameters
            if parameter.prior is not None
            and parameter.name not in self.fixed
            and parameter.name not in self._drawn
            and not any(parameter.name in switch.replaced for switch in self.switches)
        )
        self.factors = self._listed()
        self.names = tuple(factor.name for factor in self.factors)
        self.column = {name: k for k, name in enumerate(self.names)}
        self._at = {switch.name: switch for switch in self.switches}
        self.levers = lru_cache(maxsize=256)(self._levers)

    def __reduce__(self) -> tuple[Callable[..., FactorSpace], tuple[object, ...]]:
        """Travels to another process as what it was made of."""
        return _arrived, self._made_of

    def _listed(self) -> tuple[Factor, ...]:
        found = []
        for parameter in self._uncertain:
            assert parameter.prior is not None
            text, block = parameter.prior.describe(), parameter.declaration.block
            if parameter.name == "household_size":
                sizes = ", ".join(f"{size:.2f}" for size in self.household_sizes)
                text = f"founders of mean household size {sizes}"
            found.append(Factor(parameter.name, block, text))
        if self._drawn and self.source.draws is not None:
            kept, number = len(self.draws_kept), len(self.source.draws)
            which = f"{number}" if kept == number else f"{kept} of {number}"
            text = f"{len(self._drawn)} calibrated parameters together: one of {which} posterior draws"
            found.append(Factor(CALIBRATED, CALIBRATED, text, kept))
        for switch in self.switches:
            found.append(Factor(switch.name, STRUCTURE, switch.text, len(switch.answers)))
        for lever in self.lever_factors.factors:
            # A single policy without amounts goes from none to in force: its effect has a sign
            unordered = len(lever.levels) if len(lever.levels) > 2 else 0
            found.append(Factor(lever.name, POLICY, lever.text, unordered))
        if len(self._futures) > 1:
            found.append(Factor(FUTURE, FUTURE, "one of " + ", ".join(self._futures), len(self._futures)))
        sets = "as many as runs need" if self.chance_sets is None else str(self.chance_sets)
        found.append(Factor(CHANCE, CHANCE, f"sets of {self.seeds_per_set} seed(s): {sets}", 2**53))
        found.append(Factor(DUMMY, DUMMY, "changes nothing: an index above 0 is a false positive"))
        return tuple(found)

    def refuse_without_range(self, name: str) -> str:
        """Why a parameter is no factor, for a message; "" where it is one."""
        if name in self.fixed:
            return f"{name} is fixed by --set at {self.fixed[name]:g}: it has no range"
        for switch in self.switches:
            if name in switch.replaced:
                return f"{name} is decided by the factor '{switch.name}'; name that"
        if name in self._drawn:
            return (
                f"{name} is calibrated together with {len(self._drawn) - 1} others, on which it depends: name the "
                f"factor '{CALIBRATED}', or take --parameters prior to tell them apart"
            )
        parameter = self.space.by_name.get(name)
        if parameter is not None and parameter.prior is None:
            return f"{name} has no range: it is a {parameter.declaration.kind} fixed at {parameter.default:g}"
        return ""

    def inputs(self, row: NDArray[np.float64]) -> Inputs:
        """What a row of a design means: float64[factors] in (0, 1)."""
        values: dict[str, float] = {}
        for parameter, u in zip(self._uncertain, row.tolist(), strict=False):
            assert parameter.prior is not None
            value = parameter.prior.quantile(u)
            values[parameter.name] = min(parameter.declaration.high, max(parameter.declaration.low, value))
        variant = 0
        if "household_size" in self.column:
            variant = level_of(float(row[self.column["household_size"]]), len(self.household_sizes))
        given = {parameter.name: parameter.default for parameter in self.space.parameters}
        given.update(values)
        numbers = dict(zip(self.names, row.tolist(), strict=True))
        draws = None if self.source.draws is None else self.source.draws.values
        decided: dict[str, float] = {}
        for switch in self.switches:
            answer = switch.answer(numbers[switch.name])
            decided.update(answer.fixed)
            draws = switch.draws.get(answer.value, draws)
        if CALIBRATED in self.column and self.source.draws is not None and draws is not None:
            drawn = draws[self.draws_kept[level_of(numbers[CALIBRATED], len(self.draws_kept))]]
            given.update(zip(self.source.draws.names, drawn.tolist(), strict=True))
        given.update(decided)
        given.update(self.fixed)
        given["household_size"] = self.household_sizes[variant]
        future = next(iter(self._futures), REFERENCE)
        if FUTURE in self.column:
            future = tuple(self._futures)[level_of(float(row[self.column[FUTURE]]), len(self._futures))]
        return Inputs(
            ParameterValues(self.space, given), variant, self._seeds(row), self.lever_factors.in_force(numbers), future,
            self.lever_factors.added(numbers),
        )  # fmt: skip

    def _seeds(self, row: NDArray[np.float64]) -> tuple[np.uint64, ...]:
        u = float(row[self.column[CHANCE]])
        number = int(u * FINEST) if self.chance_sets is None else level_of(u, self.chance_sets)
        return tuple(run_seed(self.seed, number, replicate) for replicate in range(self.seeds_per_set))

    def policy(self, in_force: Sequence[InForce]) -> Policy:
        """The policy that some policies make together; the baseline where there are none."""
        from scenarios.composition import compose

        held = [one.of(self._policies) for one in in_force if one.name != BASELINE]
        name = "+".join(policy.name for policy in held) or BASELINE
        return compose([self._policies[BASELINE], *held], name)

    def _levers(self, in_force: tuple[InForce, ...], future: str) -> Levers:
        from scenarios.translation import levers_of

        return levers_of(self.policy(in_force), self._futures[future], self.world, self.horizon)

    def description(self) -> dict[str, object]:
        """What of the space enters the identity of a design."""
        return {
            "factors": [f"{factor.name}: {factor.text}" for factor in self.factors],
            "policies": {name: policy.digest[:16] for name, policy in sorted(self._policies.items())},
            "futures": {name: future.digest[:16] for name, future in sorted(self._futures.items())},
            "structures": {switch.name: dict(sorted(switch.sources.items())) for switch in self.switches},
            "seeds_per_set": self.seeds_per_set,
        }


def _arrived(world: World, *others: Any) -> FactorSpace:
    return FactorSpace(read_only(world), *others)


def named_factors(space: FactorSpace, names: Sequence[str]) -> tuple[str, ...]:
    """Factors behind names: themselves, or one for each place where only the parameter is named.

    Raises:
        BadInput: lists every unknown name and every one without a range.
    """
    found: list[str] = []
    faults = []
    for name in names:
        places = [one.name for one in space.space.parameters if one.declaration.name == name and one.place]
        known = [one for one in places if one in space.column]
        if name in space.column:
            found.append(name)
        elif known:
            found += known
        elif reason := space.refuse_without_range(places[0] if places else name):
            faults.append(f"--factors {name}: {reason}")
        else:
            faults.append(f"--factors {name}: unknown factor" + nearest(name, space.names))
    if faults:
        raise BadInput("\n".join(faults))
    return tuple(dict.fromkeys(found))


def without_spread(space: FactorSpace) -> list[str]:
    """Parameters whose prior is a single point."""
    found = []
    for parameter in space.space.parameters:
        if parameter.name in space.column and parameter.prior is not None:
            levels = [0.0, 0.999] if isinstance(parameter.prior, Choice) else [0.001, 0.999]
            low, high = (parameter.prior.quantile(u) for u in levels)
            if low == high:
                found.append(parameter.name)
    return found
