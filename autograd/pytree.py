"""Nested lists, tuples, dicts and NumPy vectors of numbers: taken apart into numbers, and put together again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd.arguments import as_operand, shortened
from autograd.value import Value

__all__ = ["Rebuild", "flatten", "flatten_like", "is_vector", "shape_of"]

Rebuild = Callable[[Sequence[Any]], Any]


def flatten(tree: Any, what: str) -> tuple[list[Value | float], Rebuild]:
    """The numbers of a tree from left to right, and the function that puts others in their places.

    Args:
        tree: a number, a Value, or nested lists, tuples, dicts and one-dimensional NumPy arrays of them.
        what: how an error names the tree.

    Returns:
        the pair (numbers, rebuild). Where an array was, `rebuild` puts an array: of floats, or of dtype object.

    Raises:
        TypeError: something in the tree is not one of these.

    >>> numbers, rebuild = flatten({"w": [1, 2], "b": 3.0}, "the argument")
    >>> numbers, rebuild(["a", "b", "c"])
    ([1.0, 2.0, 3.0], {'w': ['a', 'b'], 'b': 'c'})
    """
    numbers: list[Value | float] = []
    shape = _shape(tree, what, numbers)
    return numbers, _first if shape is None else lambda leaves: _build(shape, iter(leaves))


def _first(leaves: Sequence[Any]) -> Any:
    return leaves[0]


def shape_of(tree: Any, what: str) -> Any:
    """The shape of a tree, which can be compared and hashed.

    >>> shape_of([1, (2, 3)], "the argument") == shape_of([4, (5, 6)], "the argument")
    True
    """
    return _shape(tree, what, [])


def flatten_like(tree: Any, pattern: Any, what: str) -> list[Value | float]:
    """The numbers of a tree that must have the shape of `pattern`.

    Raises:
        ValueError: the tree has another shape.

    >>> flatten_like([4, (5,)], [1, (2,)], "the tangents")
    [4.0, 5.0]
    """
    numbers: list[Value | float] = []
    if _shape(tree, what, numbers) != _shape(pattern, what, []):
        raise ValueError(f"{what} must have the shape of the primals: {_sketch(pattern)}, not {_sketch(tree)}")
    return numbers


def is_vector(tree: Any) -> bool:
    """Whether a tree is a one-dimensional NumPy array.

    >>> is_vector([1.0, 2.0])
    False
    """
    numpy = sys.modules.get("numpy")  # NumPy is optional: its arrays exist only where it has been imported
    return numpy is not None and type(tree) is numpy.ndarray and tree.ndim == 1


# A shape is None for a number, else (type, keys or None, shapes of the parts).
_Shape = tuple[type, tuple[Any, ...] | None, tuple[Any, ...]] | None


def _shape(tree: Any, what: str, numbers: list[Value | float]) -> _Shape:
    if type(tree) is float or type(tree) is Value:
        numbers.append(tree)
        return None
    if isinstance(tree, dict):
        return type(tree), tuple(tree), tuple(_shape(part, f"{what}[{key!r}]", numbers) for key, part in tree.items())
    if isinstance(tree, list | tuple):
        return type(tree), None, _parts(tree, what, numbers)
    number = as_operand(tree)
    if number is not None:
        numbers.append(number)
        return None
    if is_vector(tree):
        return type(tree), None, _parts(tree.tolist(), what, numbers)
    raise TypeError(
        f"{what} must be a number, a Value, or nested lists, tuples, dicts and one-dimensional NumPy arrays of them, "
        f"not {type(tree).__name__} {shortened(tree)}"
    )


def _parts(parts: Sequence[Any], what: str, numbers: list[Value | float]) -> tuple[_Shape, ...]:
    shapes: list[_Shape] = []
    for i, part in enumerate(parts):
        if type(part) is float or type(part) is Value:  # most are: a shorter way to the same
            numbers.append(part)
            shapes.append(None)
        else:
            shapes.append(_shape(part, f"{what}[{i}]", numbers))
    return tuple(shapes)


def _build(shape: _Shape, leaves: Iterator[Any]) -> Any:
    if shape is None:
        return next(leaves)
    kind, keys, parts = shape
    built = [next(leaves) if part is None else _build(part, leaves) for part in parts]
    if keys is not None:
        return dict(zip(keys, built, strict=True))
    if hasattr(kind, "_fields"):
        return kind(*built)
    if issubclass(kind, list | tuple):
        return tuple(built) if issubclass(kind, tuple) else built
    return _array(built)


def _array(parts: list[Any]) -> Any:
    """The array of numbers; the matrix of rows that are arrays; else an array of dtype object."""
    numpy = sys.modules["numpy"]
    if all(type(part) is float for part in parts) or all(is_vector(part) for part in parts):
        return numpy.array(parts, dtype=None if parts else float)
    array = numpy.empty(len(parts), dtype=object)
    for i, part in enumerate(parts):
        array[i] = part
    return array


def _sketch(tree: Any) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {_sketch(part)}" for key, part in tree.items()) + "}"
    if isinstance(tree, list | tuple):
        open_, close = "[]" if isinstance(tree, list) else "()"
        return open_ + ", ".join(map(_sketch, tree)) + close
    return f"array({_sketch(tree.tolist())})" if is_vector(tree) else "·"
