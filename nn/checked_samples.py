"""The rows and targets given to training, checked and turned into plain numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

from autograd import Value

__all__ = ["Rows", "Samples", "checked_rows", "checked_samples"]

Rows = Iterable[Iterable[float]]
Samples = Sequence[tuple[list[float], Any]]


def checked_rows(X: Rows) -> list[list[float]]:
    """Return the rows as lists of floats.

    Raises:
        TypeError: X is not a sequence of rows of numbers; the error names row and column.
        ValueError: X is empty, its rows are empty or differ in length, or a number is nan or infinite.

    >>> checked_rows([(1, 2.5), (0, -1)])
    [[1.0, 2.5], [0.0, -1.0]]
    """
    rows = [_checked_row(index, row) for index, row in enumerate(_listed("X", X))]
    if not rows:
        raise ValueError("X is empty: there is nothing to train on or to predict")
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ValueError(f"X is ragged: X[0] has {len(rows[0])} numbers and X[{index}] has {len(row)}")
    if not rows[0]:
        raise ValueError("the rows of X are empty: each needs at least one number")
    return rows


def checked_samples(X: Rows, y: Iterable[Any]) -> list[tuple[list[float], Any]]:
    """Return each row with its target: a number (an integer stays an integer) or a list of numbers.

    Raises:
        TypeError: as for `checked_rows`; or a target is neither a number nor a sequence of numbers.
        ValueError: as for `checked_rows`; or X and y differ in length, or a target is not finite.

    >>> checked_samples([[1, 2]], [1])
    [([1.0, 2.0], 1)]
    """
    rows, targets = _listed("X", X), _listed("y", y)
    if len(rows) != len(targets):
        raise ValueError(f"X has {len(rows)} rows and y has {len(targets)} targets: each row needs one")
    return list(zip(checked_rows(rows), map(_checked_target, range(len(targets)), targets), strict=True))


def _listed(name: str, items: Any) -> list[Any]:
    """Return the items of a list, tuple, array or other iterable; an array's as Python numbers."""
    if hasattr(items, "tolist"):
        items = items.tolist()
    if isinstance(items, (str, bytes, dict, Value)) or not hasattr(items, "__iter__"):
        raise TypeError(f"{name} must be a sequence, not {type(items).__name__} {items!r}")
    return list(items)


_PLAIN = frozenset((float, int))  # rows of these need no look at each number


def _checked_row(index: int, row: Any) -> list[float]:
    if isinstance(row, Real):
        raise TypeError(f"X[{index}] is the number {row!r}: each row must be a sequence, such as [{row!r}]")
    if type(row) is list and _PLAIN.issuperset(map(type, row)):
        converted = list(map(float, row))
        if all(map(math.isfinite, converted)):
            return converted
    return [_checked_number(f"X[{index}][{column}]", x) for column, x in enumerate(_listed(f"X[{index}]", row))]


def _checked_target(index: int, target: Any) -> Any:
    if isinstance(target, Integral):
        return int(target)
    if isinstance(target, (Real, Value)):
        return _checked_number(f"y[{index}]", target)
    return [_checked_number(f"y[{index}][{column}]", x) for column, x in enumerate(_listed(f"y[{index}]", target))]


def _checked_number(where: str, number: Any) -> float:
    if not isinstance(number, Real):
        raise TypeError(f"{where} must be a number, not {type(number).__name__} {number!r}")
    converted = float(number)
    if not math.isfinite(converted):
        raise ValueError(f"{where} is {converted}: remove or replace missing values before training")
    return converted
