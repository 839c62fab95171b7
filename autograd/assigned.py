"""Operands that were assigned since: a graph is what was recorded, and a leaf's `data` may be another number by now.

`backward` differentiates what was recorded, so pictures, listings and steps mark the leaves whose number has changed. A
node keeps neither its operands' numbers nor a flag: whether one was assigned is derived from the node's own result and
its local derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from autograd.formatting import number
from autograd.primitives.primitive import PRIMITIVES
from autograd.value import Value

__all__ = ["ASSIGNED_SINCE", "OPERANDS_ASSIGNED", "assigned_marks", "assigned_operands"]

ASSIGNED_SINCE = "assigned since"
OPERANDS_ASSIGNED = "operands assigned since"


def assigned_operands(value: Value) -> dict[int, float | None]:
    """Return which operands of ``value`` were assigned since it was computed, with their old numbers.

    Args:
        value: a node.

    Returns:
        For the position of each such operand the number that ``value`` was computed from, None where that is not
        certain. Where the result no longer follows from the operands and several of them could be the reason, the only
        key is -1.

    >>> x, y = Value(2.0), Value(3.0)
    >>> product, total = x * y, x + y
    >>> x.data = 100.0
    >>> assigned_operands(product), assigned_operands(total), assigned_operands(x + 1)
    ({0: 2.0}, {-1: None}, {})
    """
    row = value.primitive
    if row is None or PRIMITIVES.get(row.name) is not row:  # a user's primitive is not called
        return {}
    operands = value.operands
    old = _recorded(row.name, value, operands)
    changed: dict[int, float | None] = {}
    unknown: dict[int, int] = {}  # the first position of each leaf whose old number is not known
    for position, operand in enumerate(operands):
        if type(operand) is not Value or operand.op:
            continue
        if old[position] is None:
            unknown.setdefault(id(operand), position)
        elif not _same(old[position], operand.data):
            changed[position] = old[position]
    if unknown:
        numbers = [
            was if was is not None else operand.data if isinstance(operand, Value) else operand
            for operand, was in zip(operands, old, strict=True)
        ]
        again = row.forward(numbers) if row.arity is None else row.forward(*numbers)
        if not _same(again, value.data):
            changed[next(iter(unknown.values())) if len(unknown) == 1 else -1] = None
    return changed


def assigned_marks(order: Iterable[Value], *, digits: int = 4) -> dict[int, str]:
    """Return what to write beside the nodes of ``order`` that show other numbers than were recorded, by their ids.

    A leaf is marked ``was 2``, or ``assigned since`` where its old number is not certain. A computed node is marked
    ``operands assigned since`` where it is not certain which operand was.

    >>> x, y = Value(2.0), Value(3.0)
    >>> product = x * y
    >>> x.data = 100.0
    >>> list(assigned_marks([x, y, product]).values())
    ['was 2']
    """
    old: dict[int, dict[str, None]] = {}
    marks: dict[int, str] = {}
    for value in order:
        for position, was in assigned_operands(value).items():
            if position < 0:
                marks[id(value)] = OPERANDS_ASSIGNED
                continue
            texts = old.setdefault(id(value.operands[position]), {})
            if was is not None:
                texts[number(was, digits=digits)] = None
    for leaf, texts in old.items():
        marks[leaf] = f"was {', '.join(texts)}" if texts else ASSIGNED_SINCE
    return marks


def _same(one: float | None, other: float) -> bool:
    return one == other or (one != one and other != other)


def _recorded(name: str, value: Value, operands: tuple[Value | float, ...]) -> list[float | None]:
    """Return the number of each operand when ``value`` was recorded, None where it is not certain."""
    old: list[float | None] = [
        (operand.data if operand.op else None) if isinstance(operand, Value) else operand for operand in operands
    ]
    locals_ = iter(value.local_grads)
    local = [next(locals_) if type(operand) is Value else None for operand in operands]
    out = value.data
    if name == "multiply" or name == "dot":
        # The local derivative by one factor is the other factor.
        half = len(operands) // 2
        for position in range(len(operands)):
            other = position - half if position >= half else position + half
            if old[position] is None:
                old[position] = local[other]
    elif name == "power_constant" and operands[1] == 2.0 and old[0] is None and local[0] is not None:
        old[0] = _halved(local[0])
    elif name in _PASSING:
        for position, derivative in enumerate(local):
            if old[position] is None and derivative is not None and math.isfinite(out):
                if derivative == 1.0 and out != 0.0:
                    old[position] = out
                elif derivative == -1.0 and out != 0.0 and name in ("negate", "abs"):
                    old[position] = -out
    return old


# Where the local derivative is 1, the result is the operand itself (-1: its opposite).
_PASSING = frozenset(["negate", "abs", "relu", "leaky_relu", "maximum", "minimum", "clip", "take"])


def _halved(double: float) -> float | None:
    half = double / 2
    return half if math.isfinite(double) and half * 2 == double and abs(half) > 1e-300 else None
