"""A stand-in for `import cython` where Cython is absent: nothing is compiled, so every mark is ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

compiled = False


def final(kind: T) -> T:
    """Mark a class without subclasses; in Python, `__init_subclass__` refuses them."""
    return kind


def cast(kind: type[T], value: Any) -> T:
    """Return the value, which is known to be of that type."""
    return value  # type: ignore[no-any-return]


def boundscheck(wanted: bool) -> Callable[[T], T]:
    """Mark whether an index is checked; Python always checks it."""
    return lambda function: function


wraparound = boundscheck


def no_gc(kind: T) -> T:
    """Mark a type that the garbage collector does not track; Python offers no such choice."""
    return kind


def cclass(kind: T) -> T:
    """Mark a C struct; the types of its fields are in the .pxd file."""
    return kind
