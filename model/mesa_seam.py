"""Every touch of Mesa's internals, in one file: what Mesa 3.3 (Python 3.11) and 3.5 (3.12 on) do differently.

Held by `tests/test_mesa_contract.py` on the oldest and the newest interpreter found.
"""

from __future__ import annotations

import collections
import functools
from collections.abc import Iterable
from typing import Any

import mesa

# What `Model.__init__` puts into the instance to wrap the user's `step`: bound methods of this very model.
_WRAPPED = ("step", "_user_step")
# Mesa 3.5: weak references to observers of signals, which can neither be pickled nor belong to a copy.
_OBSERVERS = "subscribers"


def registered(model: mesa.Model) -> Iterable[Any]:
    """Agents that Mesa itself knows (settlements, destinations, zones, a user's own), in order of creation.

    `Model.agents` is read from Mesa's class because `BorderModel` answers it with an agent set of its own.
    """
    agents: Iterable[Any] = mesa.Model.agents.fget(model)
    return agents


@functools.wraps(mesa.Model.register_agent)
def register(model: Any, agent: Any) -> None:
    """Register an agent with Mesa, numbered by the model itself.

    On Mesa 3.3 the number comes from `Agent._ids`, a dictionary of the class that is keyed by the model and
    so keeps every model of the process alive: the entry is dropped at once. `wraps` carries over the mark by
    which Mesa 3.5 finds the signals that a method emits.
    """
    mesa.Model.register_agent(model, agent)
    counters = getattr(mesa.Agent, "_ids", None)
    if counters is not None:
        counters.pop(model, None)
    model.last_agent_id += 1
    agent.unique_id = model.last_agent_id


def take_state(model: mesa.Model) -> dict[str, Any]:
    """State of a model for pickle and deepcopy, without what belongs to this very object."""
    return {
        name: value for name, value in model.__dict__.items() if name not in _WRAPPED and name != _OBSERVERS
    }


def restore_state(model: Any, state: dict[str, Any]) -> None:
    """Give a new model the state of another and wrap its `step` as `Model.__init__` does."""
    model.__dict__.update(state)
    if hasattr(mesa.Model, "observe"):
        model.subscribers = collections.defaultdict(list)
    model._user_step = model.step
    model.step = model._wrapped_step
