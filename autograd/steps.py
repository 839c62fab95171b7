"""The engine's own account of a backward pass.

`steps` walks it one node at a time, in the order and with the arithmetic of `Value.backward`:

    >>> from autograd import Value, steps
    >>> x1, w1 = Value(2.0, "x1"), Value(-1.5, "w1")
    >>> x1w1 = x1 * w1; x1w1.label = "x1·w1"
    >>> x2, w2 = Value(0.5, "x2"), Value(1.0, "w2")
    >>> x2w2 = x2 * w2; x2w2.label = "x2·w2"
    >>> f = (x1w1 + x2w2 + Value(3.2, "b")).tanh()
    >>> print(list(steps(f))[3])
    backward 4/5   × x2·w2 %5   upstream +0.6347
      operand  upstream  × local ∂  = contribution  grad before  → after
      x2 %3     +0.6347          1         +0.6347            0  +0.6347
      w2 %4     +0.6347        0.5         +0.3174            0  +0.3174
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from autograd.arguments import as_operand, shortened
from autograd.formatting import clean_text, encodable, number
from autograd.primitives import table
from autograd.primitives.primitive import glyph
from autograd.value import Value, topological_order

__all__ = ["OperandStep", "Step", "steps"]

_LABEL_LIMIT = 24  # characters of a label in a table


@dataclass(frozen=True, slots=True, eq=False)
class OperandStep:
    """What one step passes to one operand.

    Attributes:
        value: the operand, a parent of the step's node.
        number: its place in `topological_order(root)`, `%3` in tables.
        local_grad: the local derivative of the node with respect to it.
        contribution: upstream × local_grad; 0 where either is 0.
        before: its gradient in this pass before the step.
        after: its gradient after the step.
    """

    value: Value
    number: int
    local_grad: float
    contribution: float
    before: float
    after: float


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One node's turn in a backward pass. `print(step)` shows it as a table.

    Attributes:
        index: which turn it is, from 1.
        total: how many turns the pass has, one a computed node.
        node: the node.
        number: its place in `topological_order(root)`, `%5` in tables.
        upstream: its whole gradient, which it now passes on.
        operands: one entry a parent, in the order of `node.parents`.
    """

    index: int
    total: int
    node: Value
    number: int
    upstream: float
    operands: tuple[OperandStep, ...]

    @property
    def title(self) -> str:
        """`backward 4/5   × x2·w2 %5   upstream +0.6347`."""
        name = f"{glyph(self.node.op)} {_name(self.node, self.number)}"
        return f"backward {self.index}/{self.total}   {name}   upstream {number(self.upstream, sign=True)}"

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("operand", "upstream", "× local ∂", "= contribution", "grad before", "→ after")]
        for operand in self.operands:
            local, numbers = number(operand.local_grad), (operand.contribution, operand.before, operand.after)
            name, upstream = _name(operand.value, operand.number), number(self.upstream, sign=True)
            rows.append((name, upstream, local, *(number(x, sign=True) for x in numbers)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.title]
        for first, *rest in rows:
            cells = [first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(rest, widths[1:], strict=True))]
            lines.append("  " + "  ".join(cells))
        return encodable("\n".join(lines), getattr(sys.stdout, "encoding", None))


def _name(value: Value, place: int) -> str:
    label = clean_text(value.label or "", _LABEL_LIMIT)
    return f"{label} %{place}".lstrip()


def steps(root: Value, gradient: float = 1.0) -> Iterator[Step]:
    """The backward pass from `root`, one computed node at a time, without touching any `grad`.

    Order and arithmetic are those of `root.backward(gradient)` on leaves whose gradients start from zero: the last
    `after` of every leaf is what that call adds up in its `grad`, to the last bit.

    Args:
        root: the Value to start from; a leaf takes no step.
        gradient: its upstream gradient.

    Raises:
        TypeError: `root` is not a Value.

    >>> a = Value(3.0, "a")
    >>> [(s.node.op, s.upstream, [o.contribution for o in s.operands]) for s in steps(a * a)]
    [('*', 1.0, [3.0, 3.0])]
    """
    if type(root) is not Value:
        raise TypeError(f"steps() takes the Value to start from, not {type(root).__name__}")
    upstream = as_operand(gradient)
    if upstream is None:
        raise TypeError(f"steps() takes a number as gradient, not {type(gradient).__name__} {shortened(gradient)}")
    return _steps(root, upstream)


def _steps(root: Value, gradient: float) -> Iterator[Step]:
    nodes = topological_order(root)
    place = {id(node): i for i, node in enumerate(nodes)}
    grads = [0.0] * len(nodes)
    grads[-1] += gradient
    turns = [at for at, node in enumerate(nodes) if node.parents]
    for index, turn in enumerate(reversed(turns), start=1):
        node, upstream = nodes[turn], grads[turn]
        operands = []
        for parent, local_grad in zip(node.parents, node.local_grads, strict=True):
            at = place[id(parent)]
            contribution = table.MULTIPLY_NO_NAN.forward(local_grad, upstream)
            before = grads[at]
            grads[at] += contribution
            operands.append(OperandStep(parent, at, local_grad, contribution, before, grads[at]))
        yield Step(index, len(turns), node, turn, upstream, tuple(operands))
