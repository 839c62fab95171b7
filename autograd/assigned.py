"""Operands that were assigned since: a graph is what was recorded, and a leaf's `data` may be another number by now.

`backward` differentiates what was recorded, so pictures, listings and steps mark the leaves whose number has changed. A
node keeps neither its operands' numbers nor a flag: whether one was assigned is derived from the node's own result and
its local derivatives.
"""

from __future__ import annotations

from collections.abc import Iterable

from autograd.formatting import number
from autograd.places import first_users
from autograd.primitives.primitive import PRIMITIVES
from autograd.recorded import is_as_recorded, is_same, recorded_operands
from autograd.value import Value

__all__ = ["assigned_marks", "assigned_operands", "assigned_texts"]

_ASSIGNED_SINCE = "assigned since"
_OPERANDS_ASSIGNED = "operands assigned since"


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
    if is_as_recorded(value):  # most are, and this look is the cheaper one
        return {}
    operands = value.operands
    old = recorded_operands(value)
    changed: dict[int, float | None] = {}
    unknown: dict[int, int] = {}  # the first position of each leaf whose old number is not known
    for position, operand in enumerate(operands):
        if type(operand) is not Value or operand.op:
            continue
        if old[position] is None:
            unknown.setdefault(id(operand), position)
        elif not is_same(old[position], operand.data):
            changed[position] = old[position]
    if unknown:
        numbers = [
            was if was is not None else operand.data if isinstance(operand, Value) else operand
            for operand, was in zip(operands, old, strict=True)
        ]
        again = row.forward(numbers) if row.arity is None else row.forward(*numbers)
        if not is_same(again, value.data):
            changed[next(iter(unknown.values())) if len(unknown) == 1 else -1] = None
    return changed


def assigned_texts(value: Value, *, digits: int = 4) -> dict[int, str]:
    """Return what to write beside the data of the operands that were assigned since ``value`` was computed.

    The keys are those of `assigned_operands`.

    >>> x = Value(2.0)
    >>> y, z = x * x, x + 3
    >>> x.data = 100.0
    >>> assigned_texts(y), assigned_texts(z)
    ({0: 'was 2', 1: 'was 2'}, {0: 'assigned since'})
    """
    return {
        position: _OPERANDS_ASSIGNED if position < 0 else _was([number(was, digits=digits)] if was is not None else [])
        for position, was in assigned_operands(value).items()
    }


def _was(numbers: Iterable[str]) -> str:
    text = ", ".join(numbers)
    return f"was {text}" if text else _ASSIGNED_SINCE


def assigned_marks(order: Iterable[Value], *, digits: int = 4) -> dict[int, str]:
    """Return what to write beside the nodes of ``order`` that show other numbers than were recorded, by their ids.

    A leaf is marked ``was 2``, or ``assigned since`` where its old number is not certain. A computed node is marked
    ``operands assigned since`` where it is not certain which operand was. Of more than 20,000 nodes only those that use
    a leaf first are asked, which saw what it was in the beginning.

    Args:
        order: the nodes, operands first.
        digits: the significant digits of numbers.

    >>> x, y = Value(2.0), Value(3.0)
    >>> product = x * y
    >>> x.data = 100.0
    >>> list(assigned_marks([x, y, product]).values())
    ['was 2']
    """
    old: dict[int, dict[str, None]] = {}
    marks: dict[int, str] = {}
    nodes = list(order)
    for value in nodes if len(nodes) <= _ALL else [nodes[place] for place in first_users(nodes)]:
        for position, was in assigned_operands(value).items():
            if position < 0:
                marks[id(value)] = _OPERANDS_ASSIGNED
                continue
            texts = old.setdefault(id(value.operands[position]), {})
            if was is not None:
                texts[number(was, digits=digits)] = None
    for leaf, texts in old.items():
        marks[leaf] = _was(texts)
    return marks


_ALL = 20_000  # nodes of a graph in which every node is asked
