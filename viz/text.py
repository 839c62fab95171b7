"""A graph as lines of a terminal: one line per node, sharing explicit."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TextIO, Unpack

from autograd import Value
from autograd.formatting import columns, encodable, name_of, number, padded
from autograd.primitives.primitive import glyph
from viz.graph import LABEL_LENGTH, leaf_kind, walk
from viz.options import GraphOptions, complete, takes_options

__all__ = ["listing", "print_graph"]

_DEFAULTS = complete(GraphOptions, {})
_INFIX = frozenset(["+", "-", "*", "/", "**", "%"])
_SHOWN = 8  # operands of one node on a line, then their count
_HEADING = ("", "label", "from", "data", "grad", "∂ local")


@takes_options(GraphOptions)
def print_graph(root: Value | Sequence[Value], file: TextIO | None = None, **options: Unpack[GraphOptions]) -> None:
    """Print the graph of ``root``, one line per node, parents first.

    A line holds the node's number, its label, its origin, its value, its gradient (``–`` before a backward pass) and
    the local derivative of each operand that is a Value. A shared node has one line, so the listing is linear in the
    number of nodes. Where the stream cannot encode ``∂ × −`` it is ASCII.

    Args:
        root: one Value, or a list of them.
        file: the stream to print to; standard output if None.
        **options: the options of listings.

    Raises:
        TypeError: ``root`` or ``parameters`` holds something other than Values, or an option is unknown.
        ValueError: ``root`` is an empty list, or one of ``parameters`` is computed.

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
    for line in listing(root, complete(GraphOptions, options)):
        stream.write(encodable(line, encoding) + "\n")


def listing(root: Value | Sequence[Value], options: GraphOptions = _DEFAULTS) -> Iterator[str]:
    """Yield the lines that `print_graph` prints, without their line ends.

    >>> for line in listing(Value(2.0) * 5):
    ...     print(line)
        from    data  grad  ∂ local
    %0  input      2     –
    %1  %0 × 5    10     –  ∂ 5
    """
    order = walk(root)
    marked = set(map(id, options["parameters"]))
    numbers = {id(value): position for position, value in enumerate(order)}
    widths = [0] * len(_HEADING)
    for value in order:
        for column, cell in enumerate(_cells(value, numbers, marked)):
            widths[column] = max(widths[column], columns(cell))
    # A column that is empty all the way (no label given, nothing computed) is left out, heading and all.
    used = [column for column, width in enumerate(widths) if width]
    for column in used:
        widths[column] = max(widths[column], columns(_HEADING[column]))
    for cells in chain([_HEADING], (_cells(value, numbers, marked) for value in order)):
        yield "  ".join(padded(cells[column], widths[column], column in (3, 4)) for column in used).rstrip()


def _cells(value: Value, numbers: dict[int, int], marked: set[int]) -> tuple[str, ...]:
    return (
        f"%{numbers[id(value)]}",
        name_of(value, LABEL_LENGTH),
        _origin(value, numbers, marked),
        number(value.data),
        number(value.grad, sign=True) if value.reached else "–",
        f"∂ {_shortened([number(local) for local in value.local_grads[:_SHOWN]], len(value.local_grads))}"
        if value.parents
        else "",
    )


def _origin(value: Value, numbers: dict[int, int], marked: set[int]) -> str:
    """Return the expression that computed ``value``, operands by number (``%0 × %1``), or the kind of leaf it is."""
    if not value.op:
        return leaf_kind(value, marked)
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
