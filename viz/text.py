"""A graph as lines of a terminal: one line a node, sharing explicit."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TextIO

from autograd import Value
from autograd.formatting import clean_text, encodable, number
from autograd.primitives.primitive import glyph
from viz.graph import LABEL_LENGTH, walk
from viz.metrics import columns

__all__ = ["listing", "print_graph"]

_INFIX = frozenset(["+", "-", "*", "/", "**", "%"])
_SHOWN = 8  # operands of one node on a line, then their count
_HEADING = ("", "label", "from", "data", "grad", "∂ local")


def print_graph(root: Value | Sequence[Value], file: TextIO | None = None) -> None:
    """Print the graph of ``root``, one line a node, parents first, to ``file`` (standard output if None).

    A line holds the node's number, its label, what it was made from, its value, its gradient (``–`` where no backward
    pass has been) and the local derivative of each operand that is a Value. A shared node stands once, so the listing
    is linear in the number of nodes. Where the stream cannot encode ``∂ × −`` it is ASCII.

    Raises:
        TypeError: ``root`` is neither a Value nor a sequence of them.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> print_graph(y)
        label  from     data  grad  ∂ local
    %0  x      input       3    +6
    %1         %0 × %0     9    +1  ∂ 3, 3
    %2         %1 + 1     10    +1  ∂ 1
    """
    stream = sys.stdout if file is None else file
    encoding = getattr(stream, "encoding", None)
    for line in listing(root):
        stream.write(encodable(line, encoding) + "\n")


def listing(root: Value | Sequence[Value]) -> Iterator[str]:
    """Yield the lines that `print_graph` prints, without their ends.

    >>> for line in listing(Value(2.0) * 5):
    ...     print(line)
        from    data  grad  ∂ local
    %0  input      2     –
    %1  %0 × 5    10     –  ∂ 5
    """
    order = walk(root)
    numbers = {id(value): position for position, value in enumerate(order)}
    widths = [0] * len(_HEADING)
    for value in order:
        for column, cell in enumerate(_cells(value, numbers)):
            widths[column] = max(widths[column], columns(cell))
    # A column that is empty all the way (no label given, nothing computed) is left out, heading and all.
    used = [column for column, width in enumerate(widths) if width]
    for column in used:
        widths[column] = max(widths[column], columns(_HEADING[column]))
    for cells in chain([_HEADING], (_cells(value, numbers) for value in order)):
        yield "  ".join(_padded(cells[column], widths[column], column in (3, 4)) for column in used).rstrip()


def _padded(cell: str, width: int, right: bool) -> str:
    space = " " * (width - columns(cell))
    return space + cell if right else cell + space


def _cells(value: Value, numbers: dict[int, int]) -> tuple[str, ...]:
    return (
        f"%{numbers[id(value)]}",
        clean_text(value.label or "", LABEL_LENGTH),
        _origin(value, numbers),
        number(value.data),
        number(value.grad, sign=True) if value.reached else "–",
        f"∂ {_shortened([number(local) for local in value.local_grads[:_SHOWN]], len(value.local_grads))}"
        if value.parents
        else "",
    )


def _origin(value: Value, numbers: dict[int, int]) -> str:
    """Return what ``value`` was made from, operands by number: ``%0 × %1``, ``tanh(%4)``, ``input``."""
    if not value.op:
        return "input" if value.module is None else "parameter"
    operands = [
        f"%{numbers[id(operand)]}" if isinstance(operand, Value) else number(operand)
        for operand in value.operands[:_SHOWN]
    ]
    symbol = glyph(value.op)
    if value.op in _INFIX:
        return f" {symbol} ".join(operands)
    if value.op == "neg":
        return f"−{operands[0]}"
    return f"{symbol}({_shortened(operands, len(value.operands))})"


def _shortened(texts: list[str], count: int) -> str:
    return ", ".join(texts) + (f", … {count} in all" if count > len(texts) else "")
