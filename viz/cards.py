"""Values as cards: titles, numbers, slots and edges, forward or backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from autograd import Value
from autograd.formatting import PATH_LIMIT, clean_text, number
from autograd.names import module_path, name_of
from autograd.primitives.primitive import glyph
from viz.expansion import EXPANDABLE, expansion
from viz.model import LABEL_LENGTH, TOOLTIP_LENGTH, Edge, Kind, Node, Row, Slot
from viz.telling_ends import telling_ends

__all__ = [
    "Item",
    "Look",
    "Operand",
    "backward_cards",
    "expandable",
    "forward_cards",
    "is_parameter",
    "items_of",
    "product",
]

_HIDDEN = -1


@dataclass(slots=True)
class Operand:
    """One operand of an item: another item (``tail``), a value that is not shown (-1), or a number (None)."""

    tail: int | None
    number: float
    local: float = 0.0
    gone: Value | None = None


@dataclass(slots=True)
class Item:
    """What a card says of one value, before it is worded."""

    op: str
    data: float
    gradient: float | None
    operands: list[Operand]
    name: str
    path: str  # the whole of the name if it is not a label
    is_parameter_of_model: bool
    module: str
    place: int
    is_parameter: bool
    is_output: bool
    mark: str = ""
    slots: int | None = None  # how many operands have a slot of their own; all if None

    def slot_of(self, operand: int) -> int:
        """Return the slot of an operand: those without one of their own share the last."""
        return operand if self.slots is None else min(operand, self.slots)


@dataclass(frozen=True, slots=True)
class Look:
    """What decides the wording of cards: the options, and what was found out about the values.

    Attributes:
        places: the number of each value shown in the whole graph, ``%3``, by its id.
        outputs: the ids of the roots.
        parameters: the ids of leaves that are parameters without a module.
        names: the names of variables by id.
        marks: what to write beside data that was assigned since, by id.
        digits: the significant digits of numbers.
        expand: the symbols of fused primitives to expand.
        in_frames: whether the cards of a module stand in a frame that names it.
    """

    places: Mapping[int, int]
    outputs: frozenset[int]
    parameters: frozenset[int] = frozenset()
    names: Mapping[int, str] = field(default_factory=dict)
    marks: Mapping[int, str] = field(default_factory=dict)
    digits: int = 4
    expand: frozenset[str] = frozenset()
    in_frames: bool = True

    @property
    def number(self) -> Callable[..., str]:
        """The function that writes a number in these digits."""
        return partial(number, digits=self.digits)


def is_parameter(value: Value, marked: Iterable[int]) -> bool:
    """Return whether a leaf is shown as a parameter: it belongs to a module, or its id is among those marked.

    >>> is_parameter(Value(1.0), ())
    False
    """
    return value.module is not None or id(value) in marked


def items_of(shown: Sequence[Value], look: Look) -> list[Item]:
    """Return an item for each value (several for one that is expanded), in the order given: operands first."""
    items: list[Item] = []
    index: dict[int, int] = {}
    kept = []  # what expansions made: an id is good only as long as its value lives
    for value in shown:
        if value.op and value.primitive is not None and value.primitive.name in look.expand:
            nodes, gradients = expansion(value)
            kept.append(nodes)
            for node, gradient in zip(nodes[:-1], gradients[:-1], strict=True):
                index[id(node)] = len(items)
                items.append(_inner_item(node, value, gradient, index, look))
            if nodes:
                item = _item(value, index, look)
                item.op, item.operands = nodes[-1].op, _operands(nodes[-1], index)
                index[id(value)] = len(items)
                items.append(item)
                continue
        index[id(value)] = len(items)
        items.append(_item(value, index, look))
    ends = telling_ends(dict.fromkeys(item.path for item in items))
    for item in items:
        if item.path:
            item.name = _shown_of(item, ends[item.path], look)
    return items


def _shown_of(item: Item, end: str, look: Look) -> str:
    """Return what a card shows of a path, whose end tells it from others."""
    if not item.is_parameter_of_model:
        shown = item.path if len(item.path) <= PATH_LIMIT else end
    elif look.in_frames:
        shown = item.path.rpartition(".")[2]
    else:
        shown = end
    return shown if len(shown) <= PATH_LIMIT else f"…{shown[1 - PATH_LIMIT :]}"


def _item(value: Value, index: Mapping[int, int], look: Look) -> Item:
    return Item(
        op=value.op,
        data=value.data,
        gradient=value.grad if value.reached else None,
        operands=_operands(value, index),
        name=name_of(value, look.names),
        path=name_of(value, look.names) if value.label is None else "",
        is_parameter_of_model=module_path(value) != "",
        module=value.module or "",
        place=look.places[id(value)],
        is_parameter=not value.op and is_parameter(value, look.parameters),
        is_output=id(value) in look.outputs,
        mark=look.marks.get(id(value), ""),
    )


def _inner_item(node: Value, fused: Value, gradient: float, index: Mapping[int, int], look: Look) -> Item:
    return Item(
        op=node.op,
        data=node.data,
        gradient=gradient if fused.reached else None,
        operands=_operands(node, index),
        name="",
        path="",
        is_parameter_of_model=False,
        module=fused.module or "",
        place=look.places[id(fused)],
        is_parameter=False,
        is_output=False,
    )


def _operands(value: Value, index: Mapping[int, int]) -> list[Operand]:
    operands, locals_ = [], iter(value.local_grads)
    for operand in value.operands:
        if isinstance(operand, Value):
            tail = index.get(id(operand), _HIDDEN)
            operands.append(Operand(tail, operand.data, next(locals_), operand if tail == _HIDDEN else None))
        else:
            operands.append(Operand(None, operand))
    return operands


# -- forward -----------------------------------------------------------------------------------------------------------
def forward_cards(items: Sequence[Item], look: Look) -> tuple[list[Node], list[Edge]]:
    """Return a card per item, and an edge for each operand that is shown."""
    nodes = [_card(item, look) for item in items]
    edges = [
        _edge(operand.tail, head, item.slot_of(slot), item.gradient, operand)
        for head, item in enumerate(items)
        for slot, operand in enumerate(item.operands)
        if operand.tail is not None and operand.tail != _HIDDEN
    ]
    return nodes, edges


def _kind(item: Item) -> Kind:
    return "operation" if item.op else "parameter" if item.is_parameter else "input"


def _card(item: Item, look: Look) -> Node:
    name = clean_text(item.name, PATH_LIMIT if item.path else LABEL_LENGTH)
    return Node(
        _kind(item),
        # A leaf without a name is named by its number, as in listings and steps.
        title=glyph(item.op) if item.op else name if name.strip() else f"%{item.place}",
        subtitle=name if item.op else "",
        rows=_rows(item, look),
        slots=_slots(item, look),
        gradient=item.gradient,
        is_output=item.is_output,
        tooltip=_tooltip(item),
        divider=len(item.operands) // 2 if item.op == "dot" and item.slots is None else None,
    )


def _slots(item: Item, look: Look) -> tuple[Slot, ...]:
    if item.slots is None:
        return tuple(_slot(item, position, look) for position in range(len(item.operands)))
    more = Slot(f"… {len(item.operands) - item.slots:,} more", is_number=True)
    return (*(_slot(item, position, look) for position in range(item.slots)), more)


def _rows(item: Item, look: Look) -> tuple[Row, ...]:
    gradient = "–" if item.gradient is None else look.number(item.gradient, sign=True)
    data = look.number(item.data)
    return (Row("data", f"{data}, {item.mark}" if item.mark else data), Row("grad", gradient, signed=True))


def _slot(item: Item, position: int, look: Look) -> Slot:
    operand = item.operands[position]
    if operand.tail is not None:
        return Slot(f"∂ {look.number(operand.local)}")
    if item.op == "softmax_cross_entropy" and position == len(item.operands) - 1:
        return Slot(f"class {number(operand.number)}", is_number=True)
    return Slot(look.number(operand.number), is_number=True)


def _tooltip(item: Item) -> str:
    name = clean_text(item.path or item.name, TOOLTIP_LENGTH)
    parts = [f"%{item.place}", glyph(item.op), name, f"data={item.data!r}"]
    if item.mark:
        parts.append(item.mark)
    if item.gradient is not None:
        parts.append(f"grad={item.gradient!r}")
    if item.module:
        parts.append(f"module={clean_text(item.module, TOOLTIP_LENGTH)}")
    return "  ".join(part for part in parts if part)


def product(upstream: float | None, operand: Operand) -> tuple[str, float | None]:
    """Return what an edge says, ``upstream × local = contribution``, and the contribution."""
    contribution = _contribution(upstream, operand.local)
    if contribution is None:
        return f"∂ {operand.local!r}", None
    return f"{upstream!r} × {operand.local!r} = {contribution!r}", contribution


def _edge(tail: int, head: int, slot: int, upstream: float | None, operand: Operand) -> Edge:
    text, contribution = product(upstream, operand)
    return Edge(tail, head, slot, contribution, text)


def _contribution(upstream: float | None, local: float) -> float | None:
    if upstream is None:
        return None
    # The engine's rule: zero times anything passes zero.
    return 0.0 if upstream == 0.0 or local == 0.0 else upstream * local


# -- backward ----------------------------------------------------------------------------------------------------------
def backward_cards(items: Sequence[Item], look: Look) -> tuple[list[Node], list[Edge]]:
    """Return the backward graph: a card per gradient, from the output to the leaves.

    A card has a slot for each place where the value was used, ``upstream × local = contribution``; their sum is its
    gradient in this pass.
    """
    outputs = [item for item in items if item.is_output]
    of = f"∂{clean_text(outputs[0].name, 12)}" if len(outputs) == 1 and outputs[0].name.strip() else "∂"
    users: list[list[tuple[int, Operand]]] = [[] for _ in items]
    for head, item in enumerate(items):
        for operand in item.operands:
            if operand.tail is not None and operand.tail != _HIDDEN:
                users[operand.tail].append((head, operand))
    last = len(items) - 1
    nodes, edges = [], []
    for position in range(last, -1, -1):
        item, uses = items[position], users[position][::-1]
        slots = []
        for slot, (head, operand) in enumerate(uses):
            upstream = items[head].gradient
            passed = _contribution(upstream, operand.local)
            texts = ["–" if x is None else look.number(x) for x in (upstream, operand.local, passed)]
            slots.append(Slot(f"{texts[0]} × {texts[1]} = {texts[2]}"))
            edges.append(_edge(last - head, last - position, slot, upstream, operand))
        nodes.append(
            Node(
                "operation" if uses or item.op else _kind(item),
                title=_backward_title(item, of),
                subtitle=glyph(item.op),
                rows=(_rows(item, look)[1],),
                slots=tuple(slots),
                gradient=item.gradient,
                is_output=item.is_output,
                tooltip=_tooltip(item),
            )
        )
    return nodes, edges


def _backward_title(item: Item, of: str) -> str:
    name = clean_text(item.name, PATH_LIMIT if item.path else LABEL_LENGTH)
    return f"{of}/∂{name if name.strip() else f'%{item.place}'}"


def expandable(expand: Any) -> frozenset[str]:
    """Return the names of the primitives that ``expand`` names: all for True, none for False."""
    if expand is True:
        return frozenset(EXPANDABLE)
    return frozenset(expand or ())
