"""A graph as lines of a terminal: one line per node with sharing explicit, or a tree."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TextIO, Unpack

from autograd import Value
from autograd.formatting import columns, encodable, name_of, padded
from autograd.names import names_in_scope
from autograd.primitives.primitive import glyph
from viz.cards import Look, is_parameter
from viz.graph import look_of, roots_of, walk
from viz.model import LABEL_LENGTH
from viz.options import ListingOptions, complete, takes_options

__all__ = ["listing", "print_graph"]

_DEFAULTS = complete(ListingOptions, {})
_INFIX = frozenset(["+", "-", "*", "/", "**", "%"])
_SHOWN = 8  # operands of one node on a line, then their count
_HEADING = ("", "label", "from", "data", "grad", "∂ local")
_DEEPEST = 200  # branches of a tree in one another


@takes_options(ListingOptions)
def print_graph(root: Value | Sequence[Value], file: TextIO | None = None, **options: Unpack[ListingOptions]) -> None:
    """Print the graph of ``root``, one line per node.

    In a list, parents come first; a line holds the node's number, its name, its origin, its value, its gradient (``–``
    before a backward pass) and the local derivative of each operand that is a Value. In a tree, operands stand below
    what uses them, and what was shown before is not shown again. Both are linear in the number of nodes, and cut to
    ``limit`` lines. Where the stream cannot encode ``∂ × −`` it is ASCII.

    Args:
        root: one Value, or a list of them.
        file: the stream to print to; standard output if None.
        **options: the options of listings.

    Raises:
        TypeError: ``root`` or an option is of the wrong type, or an option is unknown.
        ValueError: ``root`` is an empty list, or an option has a value that it cannot have.

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> print_graph(y)
        label  from     data  grad  ∂ local
    %0  x      input       3    +6
    %1         %0 × %0     9    +1  ∂ 3, 3
    %2  y      %1 + 1     10    +1  ∂ 1
    >>> print_graph(y, style="tree")
    + y %2   data 10   grad +1
    ├─ ∂ 1   × %1   data 9   grad +1
    │  ├─ ∂ 3   x   data 3   grad +6
    │  └─ ∂ 3   x ↑ shown above
    └─ 1
    """
    completed = complete(ListingOptions, options)
    roots_of(root)
    if completed["names"] is None:
        completed["names"] = names_in_scope()  # type: ignore[typeddict-item]
    stream = sys.stdout if file is None else file
    encoding = getattr(stream, "encoding", None)
    for line in listing(root, completed):
        stream.write(encodable(line, encoding) + "\n")


def listing(
    root: Value | Sequence[Value], options: ListingOptions = _DEFAULTS, order: Sequence[Value] | None = None
) -> Iterator[str]:
    """Yield the lines that `print_graph` prints, without their line ends; ``order`` if not all values are listed.

    >>> for line in listing(Value(2.0) * 5):
    ...     print(line)
        from    data  grad  ∂ local
    %0  input      2     –
    %1  %0 × 5    10     –  ∂ 5
    """
    order = walk(root) if order is None else order
    look = look_of(root, order, options, options["precision"])
    look = replace(look, places=look.places or {id(value): place for place, value in enumerate(order)})
    if options["style"] == "tree":
        yield from _tree(root, order, look, options["limit"])
    else:
        yield from _list(order, look, options["limit"])


def _list(order: Sequence[Value], look: Look, limit: int | None) -> Iterator[str]:
    head, tail = len(order), 0
    if limit is not None and len(order) > limit:
        head, tail = limit - limit // 2, limit // 2
    shown = [*order[:head], *order[len(order) - tail :]] if tail or head < len(order) else order
    rows = [_cells(value, look) for value in shown]
    widths = [max((columns(row[column]) for row in rows), default=0) for column in range(len(_HEADING))]
    # A column that is empty all the way (no label given, nothing computed) is left out, heading and all.
    used = [column for column, width in enumerate(widths) if width]
    for column in used:
        widths[column] = max(widths[column], columns(_HEADING[column]))
    for at, cells in enumerate([_HEADING, *rows]):
        if at == head + 1 and len(shown) < len(order):
            yield f"… {len(order) - len(shown):,} more …"
        yield "  ".join(padded(cells[column], widths[column], column in (3, 4)) for column in used).rstrip()
    if tail == 0 and len(shown) < len(order):
        yield f"… {len(order) - len(shown):,} more …"


def _cells(value: Value, look: Look) -> tuple[str, ...]:
    mark = look.marks.get(id(value))
    data = look.number(value.data)
    return (
        f"%{look.places[id(value)]}",
        _name(value, look),
        _origin(value, look),
        f"{data}, {mark}" if mark else data,
        look.number(value.grad, sign=True) if value.reached else "–",
        f"∂ {_shortened([look.number(local) for local in value.local_grads[:_SHOWN]], len(value.local_grads))}"
        if value.parents
        else "",
    )


def _name(value: Value, look: Look) -> str:
    """Return the name; of a long path its end, which tells the parameters of a module apart."""
    return name_of(value, LABEL_LENGTH, look.names)


def _operand(operand: Value | float, look: Look) -> str:
    if not isinstance(operand, Value):
        return look.number(operand)
    place = look.places.get(id(operand))  # None outside of the part that is listed
    return look.number(operand.data) if place is None else f"%{place}"


def _origin(value: Value, look: Look) -> str:
    """Return the expression that computed ``value``, operands by number (``%0 × %1``), or the kind of leaf it is."""
    if not value.op:
        return "parameter" if is_parameter(value, look.parameters) else "input"
    operands = [_operand(operand, look) for operand in value.operands[:_SHOWN]]
    symbol = glyph(value.op)
    if value.op in _INFIX:
        return f" {symbol} ".join(operands)
    if value.op == "neg":
        return f"−{operands[0]}"
    return f"{symbol}({_shortened(operands, len(value.operands))})"


def _shortened(texts: list[str], count: int) -> str:
    return ", ".join(texts) + (f", … {count} in all" if count > len(texts) else "")


def _tree(root: Value | Sequence[Value], order: Sequence[Value], look: Look, limit: int | None) -> Iterator[str]:
    """Yield the tree of operands: a shared value is expanded once, and then said to be shown above."""
    seen: set[int] = set()
    lines, shown = 0, 0
    # What waits is (value or number, its local derivative, the indent of its line, of the lines below it).
    waiting: list[tuple[Value | float, float | None, str, str, int]] = [
        (one, None, "", "", 0) for one in reversed(roots_of(root))
    ]
    while waiting:
        operand, local, indent, below, depth = waiting.pop()
        if limit is not None and lines >= limit:
            yield f"… {len(order) - shown:,} more values"
            return
        lines += 1
        if not isinstance(operand, Value):
            yield f"{indent}{look.number(operand)}"
            continue
        through = "" if local is None else f"∂ {look.number(local)}   "
        if id(operand) in seen:
            yield f"{indent}{through}{_heading(operand, look)} ↑ shown above"
            continue
        seen.add(id(operand))
        shown += 1
        cells = _cells(operand, look)
        yield f"{indent}{through}{_heading(operand, look)}   data {cells[3]}   grad {cells[4]}"
        locals_ = iter(operand.local_grads)
        inner = [(one, next(locals_) if isinstance(one, Value) else None) for one in operand.operands]
        if depth >= _DEEPEST and inner:
            yield f"{below}└─ … deeper"
            continue
        for position in range(len(inner) - 1, -1, -1):
            last = position == len(inner) - 1
            waiting.append(
                (
                    *inner[position],
                    f"{below}{'└─ ' if last else '├─ '}",
                    f"{below}{'   ' if last else '│  '}",
                    depth + 1,
                )
            )


def _heading(value: Value, look: Look) -> str:
    """Return how a value is called in a tree: ``× n %7``, a leaf by its name or else by its number."""
    name = _name(value, look)
    if not value.op and name.strip():
        return name
    return (
        "  ".join([glyph(value.op), name, f"%{look.places[id(value)]}"]).replace("    ", " ").replace("  ", " ").strip()
    )
