"""A property that is computed once for each object, without a lock.

functools.cached_property of Python 3.11 has one lock for a property of all objects together: threads that each work on
a snapshot of their own would wait for each other's forward. Here two threads at the same object may both compute it.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801  (a decorator, named as the one it stands in for)
    """`functools.cached_property`, as Python has it from 3.12 on."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> "cached_property[T]": ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Return the value, which hides this property from then on."""
        if instance is None:
            return self
        value = self.function(instance)
        # The first to be done counts: no thread sees two values.
        return instance.__dict__.setdefault(self.name, value)
