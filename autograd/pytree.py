"""Nested lists, tuples and dicts of numbers: taken apart into their numbers, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd.arguments import as_operand, shortened
from autograd.value import Value

__all__ = ["flatten", "flatten_like", "shape_of"]

Rebuild = Callable[[Sequence[Any]], Any]


def flatten(tree: Any, what: str) -> tuple[list[Value | float], Rebuild]:
    """The numbers of a tree from left to right, and the function that puts others in their places.

    Args:
        tree: a number, a Value, or nested lists, tuples and dicts of them.
        what: how an error names the tree.

    Raises:
        TypeError: something in the tree is none of these.

    >>> numbers, rebuild = flatten({"w": [1, 2], "b": 3.0}, "the argument")
    >>> numbers, rebuild(["a", "b", "c"])
    ([1.0, 2.0, 3.0], {'w': ['a', 'b'], 'b': 'c'})
    """
    numbers: list[Value | float] = []
    shape = _shape(tree, what, numbers)
    return numbers, lambda leaves: _build(shape, iter(leaves))


def shape_of(tree: Any, what: str) -> Any:
    """The shape of a tree, which can be compared and hashed.

    >>> shape_of([1, (2, 3)], "the argument") == shape_of([4, (5, 6)], "the argument")
    True
    """
    return _shape(tree, what, [])


def flatten_like(tree: Any, pattern: Any, what: str) -> list[Value | float]:
    """The numbers of a tree that must have the shape of `pattern`; ValueError where it has another.

    >>> flatten_like([4, (5,)], [1, (2,)], "the tangents")
    [4.0, 5.0]
    """
    numbers: list[Value | float] = []
    if _shape(tree, what, numbers) != _shape(pattern, what, []):
        raise ValueError(f"{what} must have the shape of the primals: {_sketch(pattern)}, not {_sketch(tree)}")
    return numbers


# A shape is None for a number, else (type, keys or None, shapes of the parts).
_Shape = tuple[type, tuple[Any, ...] | None, tuple[Any, ...]] | None


def _shape(tree: Any, what: str, numbers: list[Value | float]) -> _Shape:
    if isinstance(tree, dict):
        return type(tree), tuple(tree), tuple(_shape(part, f"{what}[{key!r}]", numbers) for key, part in tree.items())
    if isinstance(tree, list | tuple):
        return type(tree), None, tuple(_shape(part, f"{what}[{i}]", numbers) for i, part in enumerate(tree))
    number = tree if type(tree) is Value else as_operand(tree)
    if number is None:
        raise TypeError(
            f"{what} must be a number, a Value, or nested lists, tuples and dicts of them, "
            f"not {type(tree).__name__} {shortened(tree)}"
        )
    numbers.append(number)
    return None


def _build(shape: _Shape, leaves: Iterator[Any]) -> Any:
    if shape is None:
        return next(leaves)
    kind, keys, parts = shape
    built = [_build(part, leaves) for part in parts]
    if keys is not None:
        return dict(zip(keys, built, strict=True))
    if hasattr(kind, "_fields"):
        return kind(*built)
    return tuple(built) if issubclass(kind, tuple) else built


def _sketch(tree: Any) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {_sketch(part)}" for key, part in tree.items()) + "}"
    if isinstance(tree, list | tuple):
        open_, close = "[]" if isinstance(tree, list) else "()"
        return open_ + ", ".join(map(_sketch, tree)) + close
    return "·"
