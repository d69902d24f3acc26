"""An attribute of places, read live from the engine's columns; where it is derived it refuses to be set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.engine import Engine

Column = NDArray[Any]


class PlaceAttribute:
    """Descriptor of one column over places.

    Args:
        meaning: one line, with the unit.
        read: the column, one entry per place (at least all that agents stand for).
        write: changes one entry of the engine; None: derived.
        instead: for a derived attribute, what to set instead.
    """

    def __init__(
        self,
        meaning: str,
        read: Callable[[Engine], Column],
        write: Callable[[Any, Any], None] | None = None,
        instead: str = "",
    ) -> None:
        self.__doc__ = meaning
        self.column, self._write, self._instead = read, write, instead
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    def __get__(self, agent: Any, owner: type) -> Any:
        """Value of the agent's place as a Python number (of the class: this descriptor)."""
        return self if agent is None else self.column(agent.model.engine)[agent.index].item()

    def __set__(self, agent: Any, value: Any) -> None:
        """Change the engine.

        Raises:
            AttributeError: the attribute is derived; the message says what to set instead.
            ValueError: outside the range.
        """
        if self._write is None:
            raise AttributeError(f"{self.name} is derived and cannot be set: {self._instead}")
        self._write(agent, value)


def number_between(low: float, high: float, value: Any, name: str) -> float:
    """A finite number in [low, high].

    Raises:
        ValueError: anything else, with the name and the range.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not low <= number <= high:
        raise ValueError(f"{name} = {value!r}: expected a number from {low:g} to {high:g}")
    return number


def flow(read: Callable[[Engine], Column]) -> Callable[[Engine], Column]:
    """Counts of the year that ended on this 1 January; NaN before the first year."""

    def of_last_year(engine: Engine) -> Column:
        counts = read(engine)
        return counts if engine.t > 0 else np.full(len(counts), np.nan)

    return of_last_year
