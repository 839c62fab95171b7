"""Fused nodes drawn as elementary ones: the same value, the same gradients, one operation per card.

Each expansion is chosen by the operands' numbers, as the fused primitive chooses its own formula, so that nothing
overflows and every local derivative is that of the fused node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from autograd import Value
from autograd.modes import unwatched

__all__ = ["EXPANDABLE", "expansion"]

Operand = Value | float


def _data(x: Operand) -> float:
    return x.data if isinstance(x, Value) else x


def _sigmoid(x: Any) -> Any:
    if _data(x) >= 0:
        return 1 / (1 + (-x).exp())
    e = x.exp()
    return e / (1 + e)


def _softplus(x: Any) -> Any:
    return x + (-x).exp().log1p() if _data(x) > 0 else x.exp().log1p()


def _sum(*xs: Any) -> Any:
    return reduce(lambda total, x: total + x, xs)


def _dot(*operands: Any) -> Any:
    half = len(operands) // 2
    return _sum(*(x * y for x, y in zip(operands[:half], operands[half:], strict=True)))


def _logsumexp(*xs: Any) -> Any:
    top = max(map(_data, xs))
    return _sum(*((x - top).exp() if isinstance(x, Value) else math.exp(x - top) for x in xs)).log() + top


def _cross_entropy(*operands: Any) -> Any:
    *logits, index = operands
    return _logsumexp(*logits) - logits[int(_data(index))]


_EXPANSIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "logsigmoid": lambda x: -_softplus(-x),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: 0.5 * x * (x * -math.sqrt(0.5)).erfc(),
    "sum": _sum,
    "mean": lambda *xs: _sum(*xs) / len(xs),
    "prod": lambda *xs: reduce(lambda product, x: product * x, xs),
    "dot": _dot,
    "logsumexp": _logsumexp,
    "softmax_cross_entropy": _cross_entropy,
    "hypot": lambda x, y: (x * x + y * y).sqrt(),
}

EXPANDABLE = tuple(sorted(_EXPANSIONS))
"""The primitives that `expansion` can expand."""


def expansion(value: Value) -> tuple[list[Value], list[float]]:
    """Return elementary nodes that compute ``value`` from its operands, and the gradient of each.

    Args:
        value: a node whose primitive is one of `EXPANDABLE`.

    Returns:
        The nodes, operands first, the last one in place of ``value``; ([], []) where there is nothing to expand: one
        operand, or numbers at which the elementary nodes would compute something else (infinities).

    >>> x = Value(0.5)
    >>> [node.op for node in expansion(x.sigmoid())[0]]
    ['neg', 'exp', '+', '/']
    """
    assert value.primitive is not None
    with unwatched():  # a picture records for itself, whatever the user's mode
        last = _EXPANSIONS[value.primitive.name](*value.operands)
    if (
        not isinstance(last, Value)
        or not last.op
        or not math.isclose(last.data, value.data, rel_tol=1e-9, abs_tol=1e-12)
    ):
        return [], []
    nodes = _new_nodes(last, value.parents)
    gradients = {id(node): 0.0 for node in nodes}
    gradients[id(last)] = value.grad
    for node in reversed(nodes):
        upstream = gradients[id(node)]
        for parent, local in zip(node.parents, node.local_grads, strict=True):
            if id(parent) in gradients and upstream != 0.0 and local != 0.0:
                gradients[id(parent)] += upstream * local
    return nodes, [gradients[id(node)] for node in nodes]


def _new_nodes(last: Value, operands: Sequence[Value]) -> list[Value]:
    """Return the nodes from ``operands`` (without them) to ``last``, in the order in which they were made."""
    known = {id(operand) for operand in operands}
    found: dict[int, Value] = {}
    waiting: list[tuple[Value, bool]] = [(last, False)]
    while waiting:
        node, done = waiting.pop()
        if done:
            found.setdefault(id(node), node)
        elif id(node) not in known and id(node) not in found:
            waiting.append((node, True))
            waiting.extend((parent, False) for parent in reversed(node.parents))
    return list(found.values())
