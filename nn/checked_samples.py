"""The rows and targets given to training, checked and turned into plain numbers."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, overload

from autograd import Value
from nn import inner_loops

__all__ = ["Rows", "Samples", "checked_rows", "checked_samples", "numbers_of", "shape_of"]

Rows = Iterable[Iterable[Any]]
Samples = Sequence[tuple[list[Any], Any]]


class TableSamples(Sequence[tuple[list[Any], Any]]):
    """Checked samples of one width, rows of floats and one number each, which become Python numbers when asked for.

    Attributes:
        table: The numbers of all rows, each followed by its target.
        targets: The targets.
    """

    def __init__(self, table: array[float], targets: list[Any]) -> None:
        self.table = table
        self.targets = targets
        self._stride = len(table) // len(targets)

    def __len__(self) -> int:
        return len(self.targets)

    @overload
    def __getitem__(self, place: int) -> tuple[list[Any], Any]: ...

    @overload
    def __getitem__(self, place: slice) -> list[tuple[list[Any], Any]]: ...

    def __getitem__(self, place: int | slice) -> Any:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        target = self.targets[place]
        start = (place if place >= 0 else place + len(self)) * self._stride
        return self.table[start : start + self._stride - 1].tolist(), target


def checked_rows(X: Rows) -> list[list[Any]]:
    """Return the rows as lists of plain numbers, nested as they are; integers stay integers.

    Raises:
        TypeError: X is not a sequence of rows of numbers; the error names row and column.
        ValueError: X or one of its rows is empty, or a number is nan or infinite.

    >>> checked_rows([(1, 2.5), (0, -1, 4)])
    [[1, 2.5], [0, -1, 4]]
    """
    rows = [_checked_row(index, row) for index, row in enumerate(_listed("X", X))]
    if not rows:
        raise ValueError("X is empty: there is nothing to train on or to predict")
    for index, row in enumerate(rows):
        if not row:
            raise ValueError(f"X[{index}] is empty: each row needs at least one number")
    return rows


def checked_samples(X: Rows, y: Iterable[Any]) -> Samples:
    """Return each row with its target: a number, or a list of numbers, nested as it is; integers stay integers.

    Raises:
        TypeError: as for `checked_rows`; or a target is neither a number nor a sequence of numbers.
        ValueError: as for `checked_rows`; or X and y differ in length, or a target is not finite.

    >>> checked_samples([[1.5, 2.0]], [[1, 2]])
    [([1.5, 2.0], [1, 2])]
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and _is_plain(numpy, X, "f", 2) and _is_plain(numpy, y, "fiu", 1) and len(X) == len(y):  # type: ignore[arg-type]
        table = _stacked(numpy, X, y)
        if table is not None:
            return TableSamples(table, y.tolist())  # type: ignore[attr-defined]
    rows, targets = _listed("X", X), _listed("y", y)
    if len(rows) != len(targets):
        raise ValueError(f"X has {len(rows)} rows and y has {len(targets)} targets: each row needs one")
    table = inner_loops.table_of(rows, targets)
    if table is not None:
        return TableSamples(table, targets)
    return list(zip(checked_rows(rows), map(_checked_target, range(len(targets)), targets), strict=True))


def shape_of(numbers: Any) -> Any:
    """Return the shape of nested lists of numbers, which can be compared and hashed.

    >>> shape_of([1, 2.0]) == shape_of([3.0, 4.0]) != shape_of([[1], [2.0]])
    True
    """
    if type(numbers) is not list:
        return None
    return tuple(map(shape_of, numbers)) if numbers and type(numbers[0]) is list else len(numbers)


def numbers_of(numbers: Any) -> list[Any]:
    """Return the numbers of nested lists from left to right.

    >>> numbers_of([[1, 2.0], [3]])
    [1, 2.0, 3]
    """
    if type(numbers) is not list:
        return [numbers]
    if not numbers or type(numbers[0]) is not list:
        return numbers
    return [number for member in numbers for number in numbers_of(member)]


def _is_plain(numpy: Any, items: Any, kinds: str, dimensions: int) -> bool:
    """Return whether this is an array of numbers that need no look at each of them, other than whether it is finite."""
    return (
        type(items) is numpy.ndarray
        and items.ndim == dimensions
        and items.dtype.kind in kinds
        and items.dtype.itemsize <= 8
        and items.size > 0
    )


def _stacked(numpy: Any, X: Any, y: Any) -> array[float] | None:
    """Return the numbers of all rows, each followed by its target; None if one is not finite."""
    table = array("d", [0.0]) * (len(y) * (X.shape[1] + 1))
    numbers = numpy.frombuffer(table).reshape(len(y), -1)
    numbers[:, :-1] = X
    numbers[:, -1] = y
    return table if numpy.isfinite(numbers).all() else None


def _listed(name: str, items: Any) -> list[Any]:
    """Return the items of a list, tuple, array or other iterable; an array's as Python numbers."""
    if hasattr(items, "tolist"):
        items = items.tolist()
    if isinstance(items, (str, bytes, dict, Value)) or not hasattr(items, "__iter__"):
        raise TypeError(f"{name} must be a sequence, not {type(items).__name__} {items!r}")
    return list(items)


_PLAIN = frozenset((float, int))  # rows of these need no look at each number


def _checked_row(index: int, row: Any) -> list[Any]:
    if isinstance(row, Real):
        raise TypeError(
            f"X[{index}] is the number {row!r}: each row must be a sequence, such as [{row!r}]; of one row X is [row]"
        )
    if type(row) is list and _PLAIN.issuperset(map(type, row)):
        try:
            if math.isfinite(sum(row)):  # then each of them is
                return row[:]
        except OverflowError:
            pass  # said below, with its place
    where = f"X[{index}]"
    return _uniform(where, [_checked(f"{where}[{column}]", x) for column, x in enumerate(_listed(where, row))])


def _uniform(where: str, numbers: list[Any]) -> list[Any]:
    """Return a list that has numbers alone, or lists alone."""
    if len({type(x) is list for x in numbers}) > 1:
        raise TypeError(f"{where} mixes numbers and lists: give numbers, or lists of numbers")
    return numbers


def _checked_target(index: int, target: Any) -> Any:
    if type(target) is int and -(2**53) < target < 2**53:
        return target
    if isinstance(target, str | bytes):
        raise TypeError(f"y[{index}] is {type(target).__name__} {target!r}: labels must be numbers, such as 0 and 1")
    return _checked(f"y[{index}]", target)


def _checked(where: str, x: Any) -> Any:
    """Return a number, or nested lists of numbers, as plain numbers."""
    if hasattr(x, "tolist"):
        x = x.tolist()
    if isinstance(x, list | tuple):
        return _uniform(where, [_checked(f"{where}[{place}]", member) for place, member in enumerate(x)])
    if not isinstance(x, Real):
        raise TypeError(f"{where} must be a number, not {type(x).__name__} {x!r}")
    try:
        number = float(x)
    except OverflowError:
        raise ValueError(f"{where} is an integer that is too large for a float") from None
    if not math.isfinite(number):
        raise ValueError(f"{where} is {number}: remove or replace missing values before training")
    return int(x) if isinstance(x, Integral) else number
