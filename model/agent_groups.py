"""Members of an agent set by group, with the interface of Mesa's `GroupBy`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any


class Groups:
    """Members by group, with the interface of Mesa's `GroupBy`.

    Attributes:
        groups: dict of sets (or lists) by the value that they share.
    """

    def __init__(self, groups: dict[Any, Any]) -> None:
        self.groups = groups

    def map(self, method: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        """Result of a method of the group, or of a function with the group first, by group."""
        if isinstance(method, str):
            return {name: getattr(group, method)(*args, **kwargs) for name, group in self.groups.items()}
        return {name: method(group, *args, **kwargs) for name, group in self.groups.items()}

    def do(self, method: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> Groups:
        """As `map`, without results."""
        self.map(method, *args, **kwargs)
        return self

    def count(self) -> dict[Any, int]:
        """Members by group."""
        return {name: len(group) for name, group in self.groups.items()}

    def agg(self, attr_name: str, func: Callable[..., Any]) -> dict[Hashable, Any]:
        """Value of a function of the members' values, by group."""
        return {
            name: func(
                [getattr(a, attr_name) for a in group] if isinstance(group, list) else group.get(attr_name)
            )
            for name, group in self.groups.items()
        }

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return iter(self.groups.items())

    def __len__(self) -> int:
        return len(self.groups)
