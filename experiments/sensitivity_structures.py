"""Structural switches as factors: choices about how the world works that the data cannot decide (`structures`).

A switch is a factor without an order, its answers equally likely: a stress test, not a belief. Where the reference
answer is that a parameter is drawn from its prior, that parameter acts under this answer alone; a parameter that only
chooses between the answers (the exchange rate at which Russian wages are seen) is replaced by the switch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.failures import BadInput
from experiments.parameter_source import ParameterSource, parameter_source
from experiments.sensitivity_levers import level_of
from experiments.structures import STRUCTURES, Alternative, Structure, structure
from model.parameters import ParameterSpace
from model.priors import Choice
from model.world import World

NONE = "none"


@dataclass(frozen=True)
class Switch:
    """A structure as a factor.

    Attributes:
        answers: its levels. sources: where calibrated parameters come from under an answer, by its value; those not
            named leave the reference's. replaced: parameters that are no factors any more, as the switch decides them.
    """

    structure: Structure
    answers: tuple[Alternative, ...]
    sources: Mapping[str, ParameterSource]
    replaced: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name of its factor."""
        return f"structure {self.structure.name}"

    @property
    def text(self) -> str:
        """Its answers in words."""
        return "one of " + ", ".join(answer.value for answer in self.answers)

    def answer(self, u: float) -> Alternative:
        """The answer at a number in (0, 1)."""
        return self.answers[level_of(u, len(self.answers))]


def build_switches(
    world: World,
    world_source: str,
    source: ParameterSource,
    fixed: Mapping[str, float],
    names: Sequence[str],
) -> tuple[tuple[Switch, ...], tuple[str, ...]]:
    """Structures that are factors, and notes on those that cannot be.

    Args:
        source, fixed: of the reference answers. names: structures the user named; empty for all that fit, `none` for
            none.

    Raises:
        BadInput: lists every unknown structure, and every named one that cannot vary here.
    """
    wanted = [structure(name) for name in dict.fromkeys(names) if name != NONE] if names else list(STRUCTURES)
    switches, notes, faults = [], [], []
    for one in wanted:
        made = _switch(one, world, world_source, source, fixed)
        if isinstance(made, Switch):
            switches.append(made)
        elif names:
            faults.append(f"--structure {one.name}: {made}")
        else:
            notes.append(f"structure '{one.name}' is left out: {made}")
    if faults:
        raise BadInput("\n".join(faults))
    return tuple(switches), tuple(notes)


def _switch(
    one: Structure, world: World, world_source: str, source: ParameterSource, fixed: Mapping[str, float]
) -> Switch | str:
    """The switch, or why there is none."""
    space = ParameterSpace(world)
    parameters = {name for answer in one.alternatives for name in answer.fixed}
    if held := parameters & set(fixed):
        return f"{', '.join(sorted(held))} is fixed by --set"
    sources = {}
    for answer in one.alternatives:
        if answer.parameters is None:
            continue
        if source.draws is None:
            return "its answers are posteriors, and parameters are drawn from their priors"
        try:
            other = parameter_source(world, world_source, answer.parameters)
        except BadInput as error:
            return str(error)
        if other.identity == source.identity:
            return f"'{answer.value}' is the source of all runs already"
        if other.draws is None or set(other.draws.names) != set(source.draws.names):
            return f"the posterior of '{answer.value}' has other parameters"
        sources[answer.value] = other
    answers, replaced = one.alternatives, frozenset[str]()
    priors = [space.by_name[name].prior for name in parameters]
    if parameters and all(isinstance(prior, Choice) for prior in priors):
        answers, replaced = one.alternatives[1:], frozenset(parameters)
    return Switch(one, answers, sources, replaced)
