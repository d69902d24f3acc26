"""An attribute of households or persons that lives in the engine's columns, for one row or many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

from model.census import Census, Rows

T = TypeVar("T")


class RowAttribute(Generic[T]):
    """Descriptor of one column.

    Args:
        read: values of some rows, in their order. write: gives all of some rows one value; None: derived.
        instead: for a derived attribute, what to set instead.
        meaning: one line, with the unit.
    """

    def __init__(
        self,
        meaning: str,
        read: Callable[[Census, Rows], list[T]],
        write: Callable[[Census, Rows, Any], None] | None = None,
        instead: str = "",
    ) -> None:
        self.__doc__ = meaning
        self.read, self._write, self.instead = read, write, instead
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    @overload
    def __get__(self, proxy: None, owner: type) -> RowAttribute[T]: ...

    @overload
    def __get__(self, proxy: Any, owner: type) -> T: ...

    def __get__(self, proxy: Any, owner: type) -> RowAttribute[T] | T:
        return self if proxy is None else self.read(proxy.model.census, proxy.rows())[0]

    def __set__(self, proxy: Any, value: Any) -> None:
        self.write(proxy.model.census, proxy.rows(), value)

    def write(self, census: Census, rows: Rows, value: Any) -> None:
        """Give all rows one value.

        Raises:
            AttributeError: the attribute is derived; the message says what to set instead.
            ValueError: not a value of this attribute.
        """
        if self._write is None:
            raise AttributeError(f"{self.name} cannot be set: {self.instead}")
        try:
            self._write(census, rows, value)
        except ValueError as fault:
            raise ValueError(f"{self.name}: {fault}") from None


class RowKey(RowAttribute[int]):
    """The key of a row: what a proxy holds itself, so that it is known even of those who are gone."""

    @overload
    def __get__(self, proxy: None, owner: type) -> RowAttribute[int]: ...

    @overload
    def __get__(self, proxy: Any, owner: type) -> int: ...

    def __get__(self, proxy: Any, owner: type) -> RowAttribute[int] | int:
        if proxy is None:
            return self
        key: int = proxy.__dict__["_key"]
        return key
