"""Buffers: numbers of a module that are part of its state and not trained, and when they change.

A module in training computes new numbers for its buffers in its forward pass. Outside `fit` they are assigned at once.
`fit` collects them, because a tape computes them anew in each replay, and assigns them after the step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autograd import Value

__all__ = ["Updates", "assign", "collected", "numbers_in", "update", "values_of"]

Updates = list[tuple[Value, Value | float]]


class _Thread(threading.local):  # not of the context, for the reason given in nn/generator.py
    updates: Updates | None = None


_thread = _Thread()


def values_of(numbers: Any) -> Any:
    """Return nested lists with a new Value for each number.

    >>> values_of([1.0, [2.0]])[1][0].data
    2.0
    """
    return [values_of(x) for x in numbers] if isinstance(numbers, list | tuple) else Value(numbers)


def numbers_in(held: Any) -> Iterator[Any]:
    """Yield what stands in nested lists, from left to right.

    >>> list(numbers_in([1.0, [2.0, 3.0]]))
    [1.0, 2.0, 3.0]
    """
    if isinstance(held, list | tuple):
        for member in held:
            yield from numbers_in(member)
    else:
        yield held


def update(buffer: Any, numbers: Any) -> None:
    """Give a buffer new numbers, or leave them to `collected`.

    Raises:
        ValueError: The buffer has another number of numbers.

    >>> mean = values_of([0.0])
    >>> update(mean, [Value(0.5)]); mean[0].data
    0.5
    """
    places, new = list(numbers_in(buffer)), list(numbers_in(numbers))
    if len(places) != len(new):
        raise ValueError(f"a buffer of {len(places)} numbers was given {len(new)}")
    updates = list(zip(places, new, strict=True))
    if _thread.updates is None:
        assign(updates)
    else:
        _thread.updates += updates


def assign(updates: Sequence[tuple[Value, Value | float]]) -> None:
    """Assign new numbers to buffers."""
    for place, number in updates:
        place.data = number.data if isinstance(number, Value) else number


@contextmanager
def collected() -> Iterator[Updates]:
    """Collect the updates of this thread inside, in place of assigning them."""
    outer, _thread.updates = _thread.updates, []
    try:
        yield _thread.updates
    finally:
        _thread.updates = outer
