"""What numbers a node was computed from, where a leaf's data was assigned afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite

from autograd.modes import unwatched
from autograd.primitives.primitive import PRIMITIVES
from autograd.value import Value, many, number_of

__all__ = ["is_as_recorded", "parents_of", "recorded_number"]

_PASSING = {
    *("maximum", "maximum_of", "minimum", "minimum_of", "clip", "where", "take"),
    *("relu", "leaky_relu", "leaky_relu_slope", "elu", "identity", "detach"),
}


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
    if primitive is None or primitive.name not in PRIMITIVES or not any(parent.op == "" for parent in node.parents):
        return True
    operands = list(node.operands)
    if primitive.takes_index:
        index = number_of(operands[-1])
        if not (index % 1.0 == 0.0 and 0 <= index < len(operands) - 1):
            return False
    with unwatched():
        again = many(primitive, operands)
        pairs = zip((node.data, *node.local_grads), (again.data, *again.local_grads), strict=True)
        return all(x == y or (x != x and y != y) for x, y in pairs)


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
        for position, local_grad in parents_of(node):
            if node.operands[position] is leaf:
                number = _held(node, position)
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


def _held(node: Value, position: int) -> float | None:
    """An operand's number, where the node holds it exactly."""
    primitive, operands = node.primitive, node.operands
    assert primitive is not None
    name, data = primitive.name, node.data
    local_grads = dict(parents_of(node))
    local_grad = local_grads[position]
    if name == "multiply":
        return local_grads.get(1 - position)
    if name == "dot":
        return local_grads.get((position + len(operands) // 2) % len(operands))
    if name == "negate":
        return -data
    if name == "abs" and abs(local_grad) == 1.0:
        return data * local_grad
    if name == "power_constant" and operands[1] == 2.0:
        return local_grad / 2.0
    return data if name in _PASSING and local_grad == 1.0 else None
