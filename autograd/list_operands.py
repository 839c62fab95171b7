"""What the functions of lists check of their operands; `autograd.generated.functions` calls it."""

from __future__ import annotations

from typing import Any

from autograd.arguments import as_operand
from autograd.value import Value, number_of

__all__ = ["index_among", "lengths_differ", "of_nothing"]


def of_nothing(function: str) -> ValueError:
    """The error of a function that is not defined for an empty list."""
    return ValueError(f"{function}() of nothing is not defined: give it at least one operand")


def lengths_differ(function: str, *lists: list[Value | float]) -> ValueError:
    """The error of a function whose lists are not of one length."""
    many = {2: "two lists"}.get(len(lists), f"{len(lists)} lists")
    return ValueError(f"{function}() takes {many} of one length, not of {' and '.join(str(len(xs)) for xs in lists)}")


def index_among(function: str, index: Any, count: int) -> Value | float:
    """An index as an operand; a Value may be one, so that it can be an input of a tape.

    Raises:
        TypeError: it is not a whole number.
        IndexError: it is not one of so many positions.

    >>> index_among("take", 1, 2)
    1.0
    """
    position = number_of(index) if type(index) is Value else as_operand(index)
    if position is None or position % 1.0 != 0.0:
        raise TypeError(f"{function}() takes a whole number as index, not {index!r}")
    if count == 0:
        raise IndexError(f"{function}() of nothing has no index {int(position)}")
    if not 0 <= position < count:
        raise IndexError(f"{function}() of {count} has the indices 0 to {count - 1}, not {int(position)}")
    return index if type(index) is Value else position
