"""A graph prepared for showing: the contents of cards, slots and edges, for every renderer.

A prepared graph is a snapshot of plain numbers and cleaned text. It does not hold any Value, so a picture does not keep
a graph alive, and shows what the engine had computed when the picture was made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from autograd import Value, topological_order
from autograd.formatting import clean_text, name_of, number
from autograd.primitives import table
from autograd.primitives.primitive import glyph
from viz.options import EDGE_LIMIT, NODE_LIMIT, PictureOptions, complete

__all__ = [
    "LABEL_LENGTH",
    "TOOLTIP_LENGTH",
    "Edge",
    "Graph",
    "Kind",
    "Node",
    "Row",
    "Slot",
    "check_size",
    "leaf_kind",
    "prepare",
    "trace",
    "walk",
]

LABEL_LENGTH = 24
TOOLTIP_LENGTH = 120

_DEFAULTS = complete(PictureOptions, {})

Kind = Literal["input", "parameter", "operation"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a card: a name on the left, a number on the right; ``signed`` if its colour shows the sign."""

    name: str
    text: str
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one operand on a card: a local derivative, or the number itself if the operand is a number."""

    text: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One card.

    ``gradient`` is None before a backward pass (``Value.reached``); ``divider`` is the slot before which a rule
    separates the two lists of operands of dot, or None.
    """

    kind: Kind
    title: str
    subtitle: str
    rows: tuple[Row, ...]
    slots: tuple[Slot, ...]
    gradient: float | None
    is_output: bool
    tooltip: str
    divider: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge from node ``tail`` to a slot of ``head``; ``contribution`` is upstream × local, None before backward."""

    tail: int
    head: int
    slot: int
    contribution: float | None
    tooltip: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Cards in topological order (every edge goes from a lower index to a higher one) and the edges between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    largest_gradient: float
    largest_contribution: float


def walk(root: Value | Sequence[Value]) -> list[Value]:
    """Return every node that ``root`` (a Value, or several) reaches, parents before children.

    Raises:
        TypeError: ``root`` is neither a Value nor a sequence of them.
        ValueError: the sequence is empty.

    >>> x = Value(2.0)
    >>> [v.op for v in walk(x * x)]
    ['', '*']
    """
    roots = _roots(root)
    if len(roots) == 1:
        return topological_order(roots[0])
    # Each root's order contains all ancestors of its nodes, so appending the new ones keeps parents first.
    merged: dict[int, Value] = {}
    for one in roots:
        for value in topological_order(one):
            merged.setdefault(id(value), value)
    return list(merged.values())


def _roots(root: object) -> list[Value]:
    if isinstance(root, Value):
        return [root]
    if not isinstance(root, (list, tuple)):
        raise TypeError(f"a graph is drawn from a Value or a list of Values, not from {type(root).__name__}")
    for one in root:
        if not isinstance(one, Value):
            raise TypeError(f"a graph is drawn from Values; this list holds a {type(one).__name__}")
    if not root:
        raise ValueError("an empty list has nothing to draw; give at least one Value")
    return list(root)


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """Return all nodes of the graph of ``root`` and all its (parent, child) edges, as two sets.

    >>> x = Value(2.0)
    >>> nodes, edges = trace(x * x)
    >>> len(nodes), len(edges)
    (2, 1)
    """
    order = walk(root)
    return set(order), {(parent, child) for child in order for parent in child.parents}


def check_size(order: Sequence[Value], limit: int | None) -> None:
    """Refuse a graph that is too large to be read, before anything is laid out.

    All operands count as edges, numbers included, because each takes a slot. ``limit`` replaces the bound on nodes and
    scales the bound on edges with it.

    Raises:
        ValueError: the graph is too large.
    """
    node_limit = NODE_LIMIT if limit is None else limit
    edge_limit = node_limit * EDGE_LIMIT // NODE_LIMIT
    nodes, edges = len(order), 0
    for value in order:
        edges += len(value.operands)
    if nodes <= node_limit and edges <= edge_limit:
        return
    needed = max(nodes, -(-edges * NODE_LIMIT // EDGE_LIMIT))
    raise ValueError(
        f"this graph has {nodes:,} nodes and {edges:,} operands; a picture in full detail is limited to "
        f"{node_limit:,} and {edge_limit:,}. Draw a smaller root (one neuron, the loss of one sample), list it with "
        f"print_graph(root), or insist with limit={needed}"
    )


def prepare(root: Value | Sequence[Value], options: PictureOptions = _DEFAULTS) -> Graph:
    """Return the graph of ``root`` as cards and edges.

    Args:
        root: one Value, or a list of them.
        options: all options of pictures, as `viz.options.complete` returns them.

    Raises:
        TypeError: ``root`` holds something other than Values.
        ValueError: the graph is too large.

    >>> x = Value(3.0, label="x")
    >>> graph = prepare(x * 2)
    >>> [(node.title, [slot.text for slot in node.slots]) for node in graph.nodes]
    [('x', []), ('×', ['∂ 2', '2'])]
    """
    marked = set(map(id, options["parameters"]))
    order = walk(root)
    check_size(order, options["limit"])
    outputs = {id(value) for value in _roots(root)}
    positions = {id(value): position for position, value in enumerate(order)}
    nodes = tuple(
        _node(value, position, marked, is_output=id(value) in outputs) for position, value in enumerate(order)
    )
    edges = tuple(edge for value in order for edge in _edges(value, positions))
    return Graph(
        nodes,
        edges,
        largest_gradient=_largest(node.gradient for node in nodes),
        largest_contribution=_largest(edge.contribution for edge in edges),
    )


def _largest(numbers: Iterable[float | None]) -> float:
    return max((abs(x) for x in numbers if x is not None and math.isfinite(x)), default=0.0)


def leaf_kind(value: Value, marked: set[int]) -> Literal["input", "parameter"]:
    """Return how to show a leaf: as a parameter if it belongs to a module or its id is among those marked.

    >>> leaf_kind(Value(1.0), set())
    'input'
    """
    return "parameter" if value.module is not None or id(value) in marked else "input"


def _node(value: Value, position: int, marked: set[int], *, is_output: bool) -> Node:
    label = name_of(value, LABEL_LENGTH)
    gradient = value.grad if value.reached else None
    kind: Kind = "operation" if value.op else leaf_kind(value, marked)
    return Node(
        kind,
        # A leaf without a label is named by its number, as in listings and steps.
        title=glyph(value.op) if value.op else label if label.strip() else f"%{position}",
        subtitle=label if value.op else "",
        rows=(
            Row("data", number(value.data)),
            Row("grad", "–" if gradient is None else number(gradient, sign=True), signed=True),
        ),
        slots=_slots(value),
        gradient=gradient,
        is_output=is_output,
        tooltip=_tooltip(value, position, gradient),
        divider=len(value.operands) // 2 if value.op == "dot" else None,
    )


def _tooltip(value: Value, position: int, gradient: float | None) -> str:
    parts = [f"%{position}", glyph(value.op), name_of(value, TOOLTIP_LENGTH), f"data={value.data!r}"]
    if gradient is not None:
        parts.append(f"grad={gradient!r}")
    if value.module is not None:
        parts.append(f"module={clean_text(value.module, TOOLTIP_LENGTH)}")
    return "  ".join(part for part in parts if part)


def _slots(value: Value) -> tuple[Slot, ...]:
    slots, local_grads, last = [], iter(value.local_grads), len(value.operands) - 1
    for position, operand in enumerate(value.operands):
        if isinstance(operand, Value):
            slots.append(Slot(f"∂ {number(next(local_grads))}"))
        elif value.op == "softmax_cross_entropy" and position == last:
            slots.append(Slot(f"class {number(operand)}", is_number=True))
        else:
            slots.append(Slot(number(operand), is_number=True))
    return tuple(slots)


def _edges(value: Value, positions: dict[int, int]) -> list[Edge]:
    edges, local_grads = [], iter(value.local_grads)
    for slot, operand in enumerate(value.operands):
        if not isinstance(operand, Value):
            continue
        local = next(local_grads)
        contribution = table.MULTIPLY_NO_NAN.forward(value.grad, local) if value.reached else None
        tooltip = f"∂ {local!r}"
        if contribution is not None:
            tooltip = f"{value.grad!r} × {local!r} = {contribution!r}"
        edges.append(Edge(positions[id(operand)], positions[id(value)], slot, contribution, tooltip))
    return edges
