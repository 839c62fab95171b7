"""A graph as a tree of lines, from its root down; what is shared stands once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from autograd.formatting import cut, number
from autograd.steps import title_of
from autograd.value import Value, topological_order

__all__ = ["tree"]


def tree(
    root: Value,
    limit: int = 60,
    width: int = 0,
    note: Callable[[Value, int], str] = lambda node, place: "",
    names: Mapping[int, str] | None = None,
) -> Iterator[str]:
    r"""Yield the lines of a tree: a node, and below it, two further in, its operands.

    A node that was shown with its operands is not shown again, so there are no more lines than operands.

    Args:
        root: the Value at the top.
        limit: how many lines to yield; a last one counts the nodes that have none.
        width: how many columns a line may take, 0 for any number.
        note: what to add to the line of a node, given the node and its place in `topological_order(root)`.
        names: the names of variables by the ids of their Values.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> print(*tree(y * y + 1), sep="\n")
    + %3 = 82
      × %2 = 81
        × %1 = 9
          x %0 = 3
          x %0 = 3
        × %1 ↑ shown above
      1
    """
    nodes = topological_order(root)
    places = {id(node): at for at, node in enumerate(nodes)}
    shown: set[int] = set()
    waiting: list[tuple[int, Value | float]] = [(0, root)]
    lines = 0
    while waiting and lines < limit:
        depth, item = waiting.pop()
        if not isinstance(item, Value):
            text = number(item)
        else:
            place = places[id(item)]
            text = title_of(item, place, names)
            if item.op and id(item) in shown:
                text += " ↑ shown above"
            else:
                text += f" = {number(item.data)}{note(item, place)}"
                waiting += [(depth + 1, operand) for operand in reversed(item.operands)]
            shown.add(id(item))
        line = "  " * depth + text
        if width and 2 * depth > width // 2:  # a deep chain would leave the screen
            line = " " * (width // 2) + text
        yield cut(line, width) if width else line
        lines += 1
    if waiting:
        hidden = len(nodes) - len(shown)
        yield f"… and {hidden:,} more of {len(nodes):,} nodes" if hidden else "…"
