"""A graph prepared for showing: which values are shown, as cards of which kind, in which frames.

Up to 150 values and 400 operands every value has a card. Larger graphs are grouped by their modules, at the deepest
level that fits; where there are none, the neighbourhood of the root is shown. A prepared graph is a snapshot of plain
numbers and cleaned text. It does not hold any Value, so a picture does not keep a graph alive, and shows what the
engine had computed when the picture was made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from autograd import Value, topological_order
from autograd.arguments import no_value
from autograd.assigned import assigned_marks
from autograd.formatting import clean_text
from autograd.names import name_of
from autograd.primitives.primitive import glyph
from viz.cards import Item, Look, backward_cards, expandable, forward_cards, items_of
from viz.frames import enclose, units_of
from viz.grouping import group_by_modules
from viz.model import LABEL_LENGTH, Edge, Graph, Node, Row
from viz.neighbourhood import Part, around, between
from viz.options import EDGE_LIMIT, NODE_LIMIT, GraphOptions, PartOptions, PictureOptions, complete

__all__ = ["look_of", "part_of", "prepare", "prepare_all", "roots_of", "trace", "walk"]

_DEFAULTS = complete(PictureOptions, {})
_PLACED = 20_000  # values up to which each is given its number, before it is known which are shown
_SLOTS = 12  # of a card that does not show all its operands


def walk(root: Value | Sequence[Value]) -> list[Value]:
    """Return every node that ``root`` (a Value, or several) reaches, parents before children.

    Raises:
        TypeError: ``root`` is neither a Value nor a sequence of them.
        ValueError: the sequence is empty.

    >>> x = Value(2.0)
    >>> [v.op for v in walk(x * x)]
    ['', '*']
    """
    roots = roots_of(root)
    if len(roots) == 1:
        return topological_order(roots[0])
    # Each root's order contains all ancestors of its nodes, so appending the new ones keeps parents first.
    merged: dict[int, Value] = {}
    for one in roots:
        for value in topological_order(one):
            merged.setdefault(id(value), value)
    return list(merged.values())


def roots_of(root: object) -> list[Value]:
    """Return the roots as a list.

    Raises:
        TypeError: ``root`` is neither a Value nor a list or tuple of them.
        ValueError: the list is empty.

    >>> roots_of("3")
    Traceback (most recent call last):
    TypeError: a graph is drawn from a Value or a list of Values, not from str '3'
    """
    if isinstance(root, Value):
        return [root]
    if not isinstance(root, (list, tuple)):
        is_model = callable(root) and hasattr(root, "parameters")
        shown = f"{type(root).__name__}: call it first, draw(model(x), ...)" if is_model else no_value(root)
        raise TypeError(f"a graph is drawn from a Value or a list of Values, not from {shown}")
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


def look_of(root: Value | Sequence[Value], order: Sequence[Value], options: GraphOptions, digits: int = 4) -> Look:
    """Return what decides the wording of the cards of ``order``."""
    names = options["names"]
    return Look(
        places=_places(order, order) if len(order) <= _PLACED else {},
        outputs=frozenset(map(id, roots_of(root))),
        parameters=frozenset(map(id, options["parameters"])),
        names=names if isinstance(names, dict) else {},
        marks=assigned_marks(order, digits=digits),
        digits=digits,
    )


def _places(order: Sequence[Value], shown: Sequence[Value]) -> dict[int, int]:
    """Return the number of each of ``shown`` in ``order``."""
    if shown is order:
        return {id(value): place for place, value in enumerate(order)}
    wanted = set(map(id, shown))
    return {id(value): place for place, value in enumerate(order) if id(value) in wanted}


def prepare(root: Value | Sequence[Value], options: PictureOptions = _DEFAULTS) -> Graph:
    """Return the graph of ``root`` as cards, edges and frames.

    Args:
        root: one Value, or a list of them.
        options: all options of pictures, as `viz.options.complete` returns them.

    Raises:
        TypeError: ``root`` holds something other than Values.
        ValueError: ``focus`` or ``between`` names a value that is not in the graph.

    >>> x = Value(3.0, label="x")
    >>> graph = prepare(x * 2)
    >>> [(node.title, [slot.text for slot in node.slots]) for node in graph.nodes]
    [('x', []), ('×', ['∂ 2', '2'])]
    """
    whole = walk(root)
    look = replace(look_of(root, whole, options, options["precision"]), expand=expandable(options["expand"]))
    order, caption = part_of(whole, options), ""
    ends = options["between"]
    if ends is not None:
        caption = (
            f"{len(order):,} of {len(whole):,} values, between {' and '.join(_named(end, look, whole) for end in ends)}"
        )
    node_limit = NODE_LIMIT if options["limit"] is None else options["limit"]
    edge_limit = max(1, node_limit * EDGE_LIMIT // NODE_LIMIT)
    if options["focus"] is not None:
        return _neighbourhood(order, whole, [options["focus"]], look, options, users=True)
    if options["radius"] is not None:
        return _neighbourhood(order, whole, roots_of(root), look, options, users=False)
    group = options["group"]
    fits = len(order) <= node_limit and _operands(order, edge_limit) <= edge_limit
    if group is not False and (group is not None or not fits):
        depth = None if group is None or group is True else group
        grouped = group_by_modules(order, look, node_limit, edge_limit, depth)
        if grouped is not None:
            kind = f"{len(order):,} values in {len(grouped.nodes):,} cards, by module"
            nodes, edges, units = grouped.nodes, grouped.edges, grouped.units
            if options["direction"] == "backward":
                nodes, edges, units = _reversed(nodes, edges, units)
            return _framed(nodes, edges, units, caption or kind, len(whole))
    if fits:
        look = replace(look, places=look.places or _places(whole, order))
        return _drawn(items_of(order, look), Part(list(order)), look, options, caption, len(whole))
    centres = roots_of(root) if ends is None else [ends[1]]
    return _neighbourhood(order, whole, centres, look, options, users=False)


def part_of(order: Sequence[Value], options: PartOptions) -> Sequence[Value]:
    """Return what ``between`` leaves of a graph.

    Args:
        order: the values of the graph, operands first.
        options: the options that name a part of it.

    Raises:
        ValueError: ``focus`` or ``between`` names a value that is not in the graph, or no way leads there.
    """
    ends = options["between"]
    if ends is not None:
        for end in ends:
            _check_inside(end, order, "between")
        order = between(order, *ends)
    if options["focus"] is not None:
        _check_inside(options["focus"], order, "focus")
    return order


def prepare_all(
    root: Value | Sequence[Value], options: GraphOptions = _DEFAULTS, order: Sequence[Value] | None = None
) -> Graph:
    """Return the graph of ``root`` with a card for every value, whatever their number, in the order of `walk`.

    Args:
        root: one Value, or a list of them.
        options: the options of names and parameters.
        order: the values that have a card, if those are not all.

    >>> x = Value(3.0, label="x")
    >>> len(prepare_all(x * 2 + 1).nodes)
    3
    """
    order = walk(root) if order is None else order
    look = replace(look_of(root, order, options), places=_places(order, order), in_frames=False)
    return _drawn(items_of(order, look), Part(list(order)), look, complete(PictureOptions, {}), "", len(order))


def _check_inside(value: Value, order: Sequence[Value], option: str) -> None:
    if not any(one is value for one in order):
        raise ValueError(
            f"{option}= names {value!r}, which is not in this graph: give a Value that the root depends on"
        )


def _named(value: Value, look: Look, order: Sequence[Value]) -> str:
    name = clean_text(name_of(value, look.names), LABEL_LENGTH)
    return name if name.strip() else f"%{_places(order, [value])[id(value)]}"


def _operands(order: Sequence[Value], enough: int) -> int:
    count = 0
    for value in order:
        count += len(value.operands)
        if count > enough:
            break
    return count


def _reversed(
    nodes: list[Node], edges: list[Edge], units: list[tuple[str, ...]]
) -> tuple[list[Node], list[Edge], list[tuple[str, ...]]]:
    last = len(nodes) - 1
    turned = [replace(edge, tail=last - edge.head, head=last - edge.tail, slot=0) for edge in edges]
    return [replace(node, slots=()) for node in reversed(nodes)], turned, units[::-1]


# -- cards of values ---------------------------------------------------------------------------------------------------
def _neighbourhood(
    order: Sequence[Value],
    whole: Sequence[Value],
    centres: list[Value],
    look: Look,
    options: PictureOptions,
    *,
    users: bool,
) -> Graph:
    part = around(order, centres, options["radius"], options["limit"], users=users)
    marks = {**look.marks, **assigned_marks(part.shown, digits=look.digits)}
    look = replace(look, places=look.places or _places(whole, part.shown), marks=marks)
    names = ", ".join(_named(centre, look, whole) for centre in centres[:3])
    caption = f"{len(part.shown):,} of {len(whole):,} values, around {names}"
    return _drawn(items_of(part.shown, look), part, look, options, caption, len(whole))


def _drawn(items: list[Item], part: Part, look: Look, options: PictureOptions, caption: str, total: int) -> Graph:
    for item in items:
        if len(item.operands) > 2 * _SLOTS and any(operand.gone is not None for operand in item.operands):
            item.slots = _SLOTS
    if options["direction"] == "backward":
        nodes, edges = backward_cards(items, look)
        items = items[::-1]
    else:
        nodes, edges = forward_cards(items, look)
    paths = units_of(sorted({item.module for item in items if item.module}))
    units = [paths[item.module] if item.module else () for item in items]
    if options["direction"] == "forward" and (part.beyond or part.users):
        room = None if options["limit"] is None else options["limit"] - len(nodes)
        nodes, edges, units = _with_stubs(items, nodes, edges, units, part, look, room)
    return _framed(nodes, edges, units, caption, total)


def _framed(
    nodes: Sequence[Node], edges: Sequence[Edge], units: Sequence[tuple[str, ...]], caption: str, total: int
) -> Graph:
    homes, frames = enclose(units, [(edge.tail, edge.head) for edge in edges])
    return Graph(
        tuple(replace(node, frame=home) for node, home in zip(nodes, homes, strict=True)),
        tuple(edges),
        largest_gradient=_largest(node.gradient for node in nodes),
        largest_contribution=_largest(edge.contribution for edge in edges),
        frames=tuple(frames),
        caption=caption,
        total=total,
    )


def _largest(numbers: Iterable[float | None]) -> float:
    return max((abs(x) for x in numbers if x is not None and math.isfinite(x)), default=0.0)


def _with_stubs(
    items: list[Item],
    nodes: list[Node],
    edges: list[Edge],
    units: list[tuple[str, ...]],
    part: Part,
    look: Look,
    room: int | None,
) -> tuple[list[Node], list[Edge], list[tuple[str, ...]]]:
    """Add the stubs for what is beyond: operands before the card that needs them, users behind the card they need."""
    left = len(nodes) if room is None else max(0, room)
    by_place = {look.places[id(value)]: id(value) for value in part.shown}
    before: dict[int, Node] = {}
    shared: dict[frozenset[int], int] = {}  # where the stub of these operands stands already
    leads: dict[int, int] = {}
    behind: dict[int, Node] = {}
    for position, item in enumerate(items):
        own = by_place[item.place]
        hidden = [operand.gone for operand in item.operands if operand.gone is not None]
        ids = frozenset(map(id, hidden))
        if ids in shared:
            leads[position] = shared[ids]
        elif hidden and len(before) + len(behind) < left:
            leads[position] = shared[ids] = position
            before[position] = _stub_before(hidden, part.beyond.get(own, 0), look)
        users = part.users.get(own, 0)
        if users and len(before) + len(behind) < left:
            text = f"{users:,} user{'s' * (users > 1)} not shown"
            behind[position] = Node("stub", "…", "", (Row("users", f"{users:,}"),), (), None, False, text)
    moved: dict[int, int] = {}
    stub_at: dict[int, int] = {}
    placed: list[Node] = []
    placed_units: list[tuple[str, ...]] = []
    kept: list[Edge] = []
    for position, (node, item) in enumerate(zip(nodes, items, strict=True)):
        if position in before:
            stub_at[position] = len(placed)
            placed.append(before[position])
            placed_units.append(units[position])
        if position in leads:
            slots = {item.slot_of(at) for at, operand in enumerate(item.operands) if operand.gone is not None}
            kept += [Edge(stub_at[leads[position]], len(placed), slot, None, "") for slot in sorted(slots)]
        moved[position] = len(placed)
        placed.append(node)
        placed_units.append(units[position])
    for position, node in behind.items():
        kept.append(Edge(moved[position], len(placed), 0, None, ""))
        placed.append(node)
        placed_units.append(())
    kept += [replace(edge, tail=moved[edge.tail], head=moved[edge.head]) for edge in edges]
    kept.sort(key=lambda edge: (edge.head, edge.slot))
    return placed, kept, placed_units


def _stub_before(hidden: list[Value], beyond: int, look: Look) -> Node:
    rows = []
    subtitle = f"{len(hidden):,} operands"
    if len(hidden) == 1:
        name = clean_text(name_of(hidden[0], look.names), LABEL_LENGTH)
        subtitle = name if name.strip() else glyph(hidden[0].op)
        rows.append(Row("data", look.number(hidden[0].data)))
    if beyond > 1 or len(hidden) > 1:
        rows.append(Row("beyond", f"{beyond:,} value{'s' * (beyond != 1)}" if beyond else "as for others"))
    return Node("stub", "…", subtitle, tuple(rows), (), None, False, f"{beyond:,} values not shown", values=beyond)
