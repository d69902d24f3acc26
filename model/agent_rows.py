"""The agent set of a model: settlements, destinations and zones beside households that are rows of columns.

It has the interface of Mesa's `AgentSet` and never is one: Mesa's holds weak references, and a proxy that
is made on demand would be lost at once. A set that was selected, sorted or shuffled keeps keys, so that it
follows its households over the years and drops those that are gone; `model.agents` always shows everyone.
"""

from __future__ import annotations

import copy
import inspect
import operator
from collections.abc import Callable, Collection, Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model import mesa_seam
from model.agent_groups import Groups
from model.agents import Household, Person, RowAgent
from model.census import MISSING
from model.row_attribute import RowAttribute

if TYPE_CHECKING:
    from model.border_model import BorderModel

Positions = NDArray[np.int64]


class Selection(NamedTuple):
    """Members of a set that is not simply everyone.

    Attributes:
        agents: registered agents. keys: uint64 keys of rows.
        order: int64 the sequence of members; k stands for row k of `keys`, -1 - k for agent k.
    """

    agents: list[Any]
    keys: NDArray[np.uint64]
    order: Positions


class Members(NamedTuple):
    """A selection as it stands now: with the current rows, without members that are gone."""

    agents: list[Any]
    keys: NDArray[np.uint64]
    rows: Positions
    order: Positions


class AgentRows(Collection[Any]):
    """An ordered set of agents, most of them rows.

    Args:
        model: the model.
        kind: Household or Person for the rows to show, None for none.
        registered: type of registered agents to show, None for none.
    """

    def __init__(self, model: BorderModel, kind: type[RowAgent] | None, registered: type | None) -> None:
        self.model = model
        self._kind = kind
        self._registered = registered
        self._selection: Selection | None = None

    @property
    def random(self) -> Random:
        """The model's generator for shuffling. No draw of the simulation comes from it."""
        generator: Random = self.model.random
        return generator

    # ---- members ----

    def _known(self) -> list[Any]:
        if self._registered is None:
            return []
        return [agent for agent in mesa_seam.registered(self.model) if isinstance(agent, self._registered)]

    def _members(self) -> Members:
        census, chosen = self.model.census, self._selection
        if chosen is None:
            agents = self._known()
            keys = census.keys(self._kind.kind) if self._kind else np.empty(0, np.uint64)
            rows = np.arange(len(keys))
            return Members(agents, keys, rows, np.concatenate((-1 - np.arange(len(agents)), rows)))
        rows = census.find(self._kind.kind, chosen.keys) if self._kind else np.empty(0, np.int64)
        lost = (
            np.append(rows, 0)[np.maximum(chosen.order, -1)] == MISSING
        )  # -1 reads the appended 0: not lost
        if chosen.agents:
            still = set(map(id, mesa_seam.registered(self.model)))
            gone = np.array([id(agent) not in still for agent in chosen.agents])
            lost |= (chosen.order < 0) & gone[np.maximum(-1 - chosen.order, 0)]
        return Members(chosen.agents, chosen.keys, rows, chosen.order[~lost] if lost.any() else chosen.order)

    def _take(self, members: Members, positions: Any) -> AgentRows:
        """A new set of the members at these positions of the order."""
        order = members.order[np.asarray(positions, np.int64)]
        taken = type(self)(self.model, self._kind, self._registered)
        in_rows = order >= 0
        keys = members.keys[order[in_rows]]
        order = order.copy()
        order[in_rows] = np.arange(len(keys))
        taken._selection = Selection(members.agents, keys, order)
        return taken

    def _become(self, other: AgentRows) -> AgentRows:
        self._selection = other._selection
        return self

    def _proxies(self, members: Members) -> Iterator[Any]:
        version, model, kind = self.model.census.version, self.model, self._kind
        codes = members.order.tolist()
        if kind is None:
            for code in codes:
                yield members.agents[-1 - code]
            return
        keys, rows = members.keys.tolist(), members.rows.tolist()
        for code in codes:
            yield kind(model, keys[code], rows[code], version) if code >= 0 else members.agents[-1 - code]

    def __len__(self) -> int:
        if self._selection is None:
            return len(self._known()) + (self.model.census.count(self._kind.kind) if self._kind else 0)
        return len(self._members().order)

    def __iter__(self) -> Iterator[Any]:
        return self._proxies(self._members())

    def __contains__(self, agent: object) -> bool:
        if isinstance(agent, RowAgent):
            if type(agent) is not self._kind or agent.model is not self.model or not agent.alive:
                return False
            if self._selection is None:
                return True
            order = self._selection.order
            return bool((self._selection.keys[order[order >= 0]] == np.uint64(agent.key)).any())
        members = self._members()
        return any(members.agents[-1 - code] is agent for code in members.order[members.order < 0].tolist())

    def __getitem__(self, item: int | slice) -> Any:
        members = self._members()
        if isinstance(item, slice):
            return self._take(members, np.arange(len(members.order))[item]).to_list()
        return next(self._proxies(members._replace(order=members.order[[operator.index(item)]])))

    def __repr__(self) -> str:
        counts: dict[str, int] = {}
        members = self._members()
        for code in members.order[members.order < 0].tolist():
            name = type(members.agents[-1 - code]).__name__
            counts[name] = counts.get(name, 0) + 1
        if self._kind:
            counts[self._kind.__name__] = int((members.order >= 0).sum())
        return (
            f"<AgentRows of {len(members.order):,}: "
            + ", ".join(f"{n:,} {name}" for name, n in counts.items())
            + ">"
        )

    def to_list(self) -> list[Any]:
        """All members as a list."""
        return list(self)

    def copy(self) -> AgentRows:
        """A set of the same members, which may be changed in place."""
        members = self._members()
        return self._take(members, np.arange(len(members.order)))

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> AgentRows:
        twin = type(self)(copy.deepcopy(self.model, memo), self._kind, self._registered)
        twin._selection = copy.deepcopy(self._selection, memo)
        return twin

    # ---- choosing and ordering ----

    def select(
        self,
        filter_func: Callable[[Any], bool] | None = None,
        at_most: int | float = float("inf"),
        inplace: bool = False,
        agent_type: type | None = None,
    ) -> AgentRows:
        """Members for which the filter is true, of that type, at most so many (up to 1.0: that share)."""
        members = self._members()
        total = len(members.order)
        wanted: float = int(total * at_most) if isinstance(at_most, float) and at_most <= 1.0 else at_most
        fits = np.ones(total, np.bool_)
        if agent_type is not None:
            fits = np.full(total, self._kind is not None and issubclass(self._kind, agent_type))
            for position in np.flatnonzero(members.order < 0).tolist():
                fits[position] = isinstance(members.agents[-1 - int(members.order[position])], agent_type)
        positions = np.flatnonzero(fits)
        if filter_func is not None:
            chosen: list[int] = []
            candidates = self._proxies(members._replace(order=members.order[positions]))
            for position, agent in zip(positions.tolist(), candidates, strict=True):
                if len(chosen) >= wanted:
                    break
                if filter_func(agent):
                    chosen.append(position)
            positions = np.array(chosen, np.int64)
        if wanted < len(positions):
            positions = positions[: max(0, int(wanted))]
        taken = self._take(members, positions)
        return self._become(taken) if inplace else taken

    def sort(
        self, key: Callable[[Any], Any] | str, ascending: bool = False, inplace: bool = False
    ) -> AgentRows:
        """Members in the order of an attribute or function; largest first, as in Mesa, unless `ascending`."""
        if isinstance(key, str) and "." in key:
            key = operator.attrgetter(key)
        values = self.get(key) if isinstance(key, str) else [key(agent) for agent in self]
        positions = sorted(range(len(values)), key=values.__getitem__, reverse=not ascending)
        taken = self._take(self._members(), positions)
        return self._become(taken) if inplace else taken

    def shuffle(self, inplace: bool = False) -> AgentRows:
        """Members in random order."""
        members = self._members()
        positions = list(range(len(members.order)))
        self.random.shuffle(positions)
        taken = self._take(members, positions)
        return self._become(taken) if inplace else taken

    def groupby(
        self, by: Callable[[Any], Any] | str, result_type: Literal["agentset", "list"] = "agentset"
    ) -> Groups:
        """Members grouped by an attribute or by what a function returns."""
        values = self.get(by) if isinstance(by, str) else [by(agent) for agent in self]
        positions: dict[Any, list[int]] = {}
        for position, value in enumerate(values):
            positions.setdefault(value, []).append(position)
        members = self._members()
        groups = {value: self._take(members, chosen) for value, chosen in positions.items()}
        return Groups(
            {value: group.to_list() for value, group in groups.items()} if result_type == "list" else groups
        )

    # ---- reading and writing ----

    def get(
        self,
        attr_names: str | list[str],
        handle_missing: Literal["error", "default"] = "error",
        default_value: Any = None,
    ) -> list[Any]:
        """Values of one attribute, or lists of values for a list of attributes; columns are read at once.

        Raises:
            AttributeError: a member lacks the attribute and `handle_missing` is "error".
            ValueError: another `handle_missing`.
        """
        if handle_missing not in ("error", "default"):
            raise ValueError(
                f"Unknown handle_missing option: {handle_missing}, should be one of 'error' or 'default'"
            )
        if not isinstance(attr_names, str):
            columns = [self.get(name, handle_missing, default_value) for name in attr_names]
            return [list(values) for values in zip(*columns, strict=True)] if columns else [[] for _ in self]
        members = self._members()
        lacking = (default_value,) if handle_missing == "default" else ()
        column = inspect.getattr_static(self._kind, attr_names, None) if self._kind else None
        if not isinstance(column, RowAttribute):
            return [getattr(agent, attr_names, *lacking) for agent in self._proxies(members)]
        in_rows = members.order >= 0
        of_rows = column.read(self.model.census, members.rows[members.order[in_rows]])
        if in_rows.all():
            return of_rows
        values: list[Any] = [None] * len(members.order)
        for position, value in zip(np.flatnonzero(in_rows).tolist(), of_rows, strict=True):
            values[position] = value
        for position in np.flatnonzero(~in_rows).tolist():
            values[position] = getattr(
                members.agents[-1 - int(members.order[position])], attr_names, *lacking
            )
        return values

    def set(self, attr_name: str, value: Any) -> AgentRows:
        """Give all members the value; what is derived refuses it with what to set instead."""
        members = self._members()
        column = inspect.getattr_static(self._kind, attr_name, None) if self._kind else None
        for code in members.order[members.order < 0].tolist():
            setattr(members.agents[-1 - code], attr_name, value)
        rows = members.rows[members.order[members.order >= 0]]
        if isinstance(column, RowAttribute):
            column.write(self.model.census, rows, value)
        elif len(rows):
            setattr(
                next(self._proxies(members._replace(order=members.order[members.order >= 0]))),
                attr_name,
                value,
            )
        return self

    def agg(self, attribute: str, func: Callable[..., Any] | Iterable[Callable[..., Any]]) -> Any:
        """Value of a function of all members' values, or a list of values of several functions."""
        values = self.get(attribute)
        return func(values) if callable(func) else [each(values) for each in func]

    # ---- doing ----

    def do(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> AgentRows:
        """Call a method, or a function with the member first, for each member that is there at its turn."""
        members = self._members()
        if method == "remove" and self._kind and len(members.order) and (members.order >= 0).all():
            rows = members.rows[members.order]
            census = self.model.census
            census.remove_households(rows) if self._kind is Household else census.remove_people(rows)
            return self
        for _ in self._results(members, method, args, kwargs):
            pass
        return self

    def shuffle_do(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> AgentRows:
        """As `do`, in random order; the order of the set itself stays."""
        self.shuffle().do(method, *args, **kwargs)
        return self

    def map(self, method: str | Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """As `do`, and return the results."""
        return list(self._results(self._members(), method, args, kwargs))

    def _results(
        self, members: Members, method: str | Callable[..., Any], args: Any, kwargs: Any
    ) -> Iterator[Any]:
        version = self.model.census.version
        for agent in list(self._proxies(members)):
            if isinstance(agent, RowAgent) and self.model.census.version != version and not agent.alive:
                continue
            yield (
                getattr(agent, method)(*args, **kwargs)
                if isinstance(method, str)
                else method(agent, *args, **kwargs)
            )


def everyone(model: BorderModel) -> AgentRows:
    """`model.agents`: registered agents, then all households."""
    return AgentRows(model, Household, object)


def by_type(model: BorderModel) -> dict[type, AgentRows]:
    """`model.agents_by_type`: one set for each type of registered agents, and one of all households."""
    types: dict[type, AgentRows] = {
        kind: AgentRows(model, None, kind)
        for kind in dict.fromkeys(type(agent) for agent in mesa_seam.registered(model))
    }
    types[Household] = AgentRows(model, Household, None)
    return types


def people(model: BorderModel) -> AgentRows:
    """`model.people`: all members of all households."""
    return AgentRows(model, Person, None)
