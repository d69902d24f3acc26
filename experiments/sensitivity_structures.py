"""Structural switches as factors: choices about how the world works that the data cannot decide (`structures`).

A switch is a factor without an order, its answers equally likely: a stress test, not a belief. Where the reference
answer is that a parameter is drawn from its prior, that parameter acts under this answer alone; a parameter that only
chooses between the answers (the exchange rate at which Russian wages are seen) is replaced by the switch.

Where an answer has a posterior of its own, the reference's draws are carried over to it (`carried_over`). Its draws of
the same number would be others altogether, and the switch would be charged with the whole spread of the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.failures import BadInput
from experiments.parameter_source import ParameterSource, parameter_source
from experiments.sensitivity_levers import level_of
from experiments.structures import STRUCTURES, Alternative, Structure, structure
from model.parameters import ParameterSpace
from model.priors import Choice
from model.world import World

Floats = NDArray[np.float64]
NONE = "none"


@dataclass(frozen=True)
class Switch:
    """A structure as a factor.

    Attributes:
        answers: its levels. sources: identity of the posterior of an answer, by its value; those not named leave the
            reference's. draws: the reference's draws carried over to it, float64[draws, parameters] in its order.
        replaced: parameters that are no factors any more, as the switch decides them.
    """

    structure: Structure
    answers: tuple[Alternative, ...]
    sources: Mapping[str, str]
    draws: Mapping[str, Floats]
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
    sources, draws = {}, {}
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
        column = {name: k for k, name in enumerate(other.draws.names)}
        theirs = other.draws.values[:, [column[name] for name in source.draws.names]]
        sources[answer.value] = other.identity
        draws[answer.value] = carried_over(source.draws.values, theirs)
    answers, replaced = one.alternatives, frozenset[str]()
    priors = [space.by_name[name].prior for name in parameters]
    if parameters and all(isinstance(prior, Choice) for prior in priors):
        answers, replaced = one.alternatives[1:], frozenset(parameters)
    return Switch(one, answers, sources, draws, replaced)


def carried_over(ours: Floats, theirs: Floats) -> Floats:
    """Draws of one posterior carried over to another one, each to its likeness, float64[draws, parameters].

    The map is the optimal transport between normal distributions (Olkin & Pukelsheim 1982; Peyre & Cuturi 2019, remark
    2.31) on normal scores, and from there to the quantiles of the other's draws: every parameter is distributed as
    there, their rank correlations are those there, and no draw moves further than it has to.

    Args:
        ours, theirs: float64[draws, parameters], the same parameters, numbers of draws may differ.
    """
    from scipy.special import ndtr

    here, there = _scores(ours), _scores(theirs)
    one, two = np.cov(here.T), np.cov(there.T)
    root, inverse = _root(one, 0.5), _root(one, -0.5)
    moved = here @ (inverse @ _root(root @ two @ root, 0.5) @ inverse).T
    levels = ndtr(moved)
    middles = (np.arange(len(theirs)) + 0.5) / len(theirs)
    ordered = np.sort(theirs, axis=0)
    return np.column_stack([np.interp(levels[:, k], middles, ordered[:, k]) for k in range(theirs.shape[1])])


def _scores(values: Floats) -> Floats:
    """Normal scores of ranks, column by column."""
    from scipy.special import ndtri

    ranks = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0)
    return np.asarray(ndtri((ranks + 0.5) / len(values)))


def _root(matrix: Floats, power: float) -> Floats:
    """Power of a symmetric matrix with positive eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-9) ** power) @ vectors.T)
