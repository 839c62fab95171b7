"""What numbers a node was computed from, where a leaf's data was assigned afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite, ulp

from autograd.modes import unwatched
from autograd.primitives.primitive import PRIMITIVES
from autograd.value import Value, many, number_of

__all__ = ["is_as_recorded", "is_same", "parents_of", "recorded_number", "recorded_operands", "recorded_term"]

_PASSING = {
    *("maximum", "maximum_of", "minimum", "minimum_of", "clip", "where", "take"),
    *("relu", "leaky_relu", "leaky_relu_slope", "elu", "identity", "detach"),
}


def is_same(x: float | None, y: float | None) -> bool:
    """Whether two numbers are equal, or both nan.

    >>> is_same(1.0, 1.0), is_same(float("nan"), float("nan")), is_same(1.0, None)
    (True, True, False)
    """
    return x == y or (x != x and y != y)


def is_as_recorded(node: Value) -> bool:
    """Whether the operands, as they are now, give the node's data and local derivatives again, to the bit.

    Only a leaf's data can be assigned, so most nodes need no look. A leaf and the result of a primitive that is not in
    the table (a user's function is not called again) count as recorded.

    >>> x = Value(3.0)
    >>> y = x * 3
    >>> x.data = 100.0
    >>> is_as_recorded(y)
    False
    """
    primitive = node.primitive
    if primitive is None or primitive.name not in PRIMITIVES or "" not in [p.op for p in node.parents]:
        return True
    operands = list(node.operands)
    if primitive.takes_index:
        index = number_of(operands[-1])
        if not (index % 1.0 == 0.0 and 0 <= index < len(operands) - 1):
            return False
    with unwatched():
        again = many(primitive, operands)
        was, now = (node.data, *node.local_grads), (again.data, *again.local_grads)
        return was == now or all(map(is_same, was, now))


def recorded_number(leaf: Value, users: Iterable[Value]) -> float | None:
    """The number that a leaf had when these nodes were computed from it; None where they do not tell.

    Where the nodes are as recorded and depend on it, it is the leaf's data. Else some nodes hold it exactly: a product
    keeps it as the local derivative by its other factor, a ReLU that is open passes it on.

    Args:
        leaf: the leaf.
        users: nodes that have it as operand.

    >>> x, w = Value(3.0), Value(0.5)
    >>> y = x * w
    >>> w.data = 0.25
    >>> recorded_number(w, [y]), recorded_number(x, [y])
    (0.5, 3.0)
    """
    is_current, is_told = True, False
    for node in users:
        is_current = is_current and is_as_recorded(node)
        operands, local_grads = node.operands, dict(parents_of(node))
        for position, local_grad in local_grads.items():
            if operands[position] is leaf:
                number = _held(node, position, operands, local_grads)
                if number is not None:
                    return number
                is_told = is_told or (local_grad != 0.0 and isfinite(local_grad))
    return leaf.data if is_current and is_told else None


def parents_of(node: Value) -> Iterator[tuple[int, float]]:
    """The positions of the operands that are Values, each with the local derivative by it.

    >>> list(parents_of(2.0 * Value(3.0)))
    [(1, 2.0)]
    """
    local_grads = iter(node.local_grads)
    for position, operand in enumerate(node.operands):
        if isinstance(operand, Value):
            yield position, next(local_grads)


def recorded_operands(node: Value) -> list[float | None]:
    """The number of each operand when a node was recorded, None where that is not certain.

    >>> x, y = Value(2.0), Value(3.0)
    >>> product, total = x * y, x + y
    >>> x.data = 100.0
    >>> recorded_operands(product), recorded_operands(total)
    ([2.0, 3.0], [None, None])
    """
    operands, local_grads = node.operands, dict(parents_of(node))
    return [
        operand
        if not isinstance(operand, Value)
        else operand.data
        if operand.op
        else _held(node, position, operands, local_grads)
        for position, operand in enumerate(operands)
    ]


def _held(
    node: Value, position: int, operands: tuple[Value | float, ...], local_grads: dict[int, float]
) -> float | None:
    """An operand's number, where the node holds it exactly."""
    assert node.primitive is not None
    name, local_grad = node.primitive.name, local_grads[position]
    if name == "multiply":
        return local_grads.get(1 - position)
    if name == "dot":
        return local_grads.get((position + len(operands) // 2) % len(operands))
    if name == "negate":
        return -node.data
    if name == "abs" and abs(local_grad) == 1.0:
        return node.data * local_grad
    if name == "power_constant" and operands[1] == 2.0:
        return _halved(local_grad)
    return node.data if name in _PASSING and local_grad == 1.0 else None


def _halved(double: float) -> float | None:
    half = double / 2.0
    return half if isfinite(double) and half * 2.0 == double else None


def recorded_term(leaf: Value, users: Iterable[Value]) -> float | None:
    """The number that a leaf had when these nodes were computed from it, to within the rounding of a sum.

    A sum does not keep its terms; where all others are known, what is left is this one, 0 where that is less than
    a rounding, and unknown where rounding took most of its digits.

    >>> x, b = Value(3.0), Value(0.1)
    >>> y = x * 2 + b
    >>> b.data = 0.5
    >>> round(recorded_term(b, [y]), 12)
    0.1
    """
    for node in users:
        name = "" if node.primitive is None else node.primitive.name
        if name not in ("add", "subtract", "sum"):
            continue
        signs = [1.0, -1.0] if name == "subtract" else [1.0] * len(node.operands)
        position = next(at for at, operand in enumerate(node.operands) if operand is leaf)
        left = size = node.data
        for at, number in enumerate(recorded_operands(node)):
            if (number is None) != (at == position):
                break  # another term is not known either, or this one is kept
            if number is not None:
                left -= signs[at] * number
                size = abs(size) + abs(number)
        else:
            rounding = len(signs) * ulp(size)
            if not isfinite(size):
                continue
            if abs(left) >= _DIGITS * rounding:
                return signs[position] * left
            if abs(left) <= rounding:
                return 0.0
    return None


_DIGITS = 1e6  # a term counts as known where rounding leaves it six digits
