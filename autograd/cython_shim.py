"""What `autograd.value` asks of Cython, where there is none: that nothing is compiled, so nothing is to be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

compiled = False


def final(kind: T) -> T:
    """No subclasses; in Python, `__init_subclass__` sees to it."""
    return kind


def cast(kind: type[T], value: Any) -> T:
    """The value, known to be of that kind."""
    return value  # type: ignore[no-any-return]


def boundscheck(wanted: bool) -> Callable[[T], T]:
    """Whether an index is checked; Python's always is."""
    return lambda function: function


wraparound = boundscheck


def no_gc(kind: T) -> T:
    """No tracking by the garbage collector; Python has no say in it."""
    return kind


def cclass(kind: T) -> T:
    """A C struct; the types of its fields are in `value.pxd`."""
    return kind
