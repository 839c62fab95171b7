"""What a page holds: the numbers of a graph, and where its cards stand in every view.

All of it is plain numbers and cleaned text, written as JSON. A view is the graph with some modules open: the values of
an open module stand as cards, those of a closed one are one card together. Every module has the view in which it and
those around it are open, so the page needs no layout of its own.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from autograd import Value
from autograd.formatting import clean_text, number
from autograd.primitives.primitive import PRIMITIVES, glyph
from viz.graph import LABEL_LENGTH, TOOLTIP_LENGTH, Node, prepare, walk
from viz.layout import Box, Link, place
from viz.metrics import text_width
from viz.svg import SLOT_SIZE, TEXT_SIZE, TITLE_SIZE

__all__ = ["FULL_LIMIT", "STEP_LIMIT", "Page", "page_of"]

FULL_LIMIT = 300
"""Up to so many values every one is a card when the page opens; above, modules are closed."""

STEP_LIMIT = 5_000
"""Up to so many values the page holds each of them and steps; above, it shows modules and what they sum up to."""

_CHUNK = 150  # values that stand in no module, and are too many, close in lots of this size
_SHOWN_SLOTS = 24  # a card of more operands has one slot for all
_PAD, _TIP, _CAP = 9.0, 11.0, 5.0
_TITLE_LINE, _ROW_LINE, _SLOT_LINE = 22.0, 17.0, 20.0
_ROOM = "-0.01234"  # what a card has room for, whatever number it starts with


@dataclass(slots=True)
class Group:
    """A module, or a lot of values that stand in none: which values it has, and what it is inside of."""

    title: str
    path: str
    parent: int | None
    members: list[int] = field(default_factory=list)
    children: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """What `viz.page.build` writes.

    Attributes:
        title: The root's name, with the formula where it is short.
        subtitle: What there is, in numbers.
        primitives: The names of the primitives of the table that the graph uses.
        leaves: The places of the leaves and what a slider of each needs: name, value, reach.
        content: All else, for JSON.
    """

    title: str
    subtitle: str
    primitives: tuple[str, ...]
    leaves: tuple[tuple[int, str, float, float], ...]
    content: dict[str, Any]


def page_of(
    root: Value | Sequence[Value], *, parameters: Iterable[Value] = (), limit: int | None = None
) -> Page:
    """Return what a page of ``root`` holds.

    Args:
        root: One Value, or a list of them, whose sum is then differentiated.
        parameters: Leaves to show as parameters, besides those of modules.
        limit: The number of values up to which every one is a card at first; 300 if None.

    Raises:
        TypeError: ``root`` or ``parameters`` holds something else than Values.
        ValueError: ``limit`` is less than 1, or one of ``parameters`` is computed.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit={limit} allows no value at all; give 1 or more")
    order = walk(root)
    places = {id(value): at for at, value in enumerate(order)}
    roots = [places[id(value)] for value in ([root] if isinstance(root, Value) else root)]
    steps = len(order) <= STEP_LIMIT
    groups, group_of = grouped(order, chunk=_CHUNK if steps else -(-len(order) // 40))
    fitting = FULL_LIMIT if limit is None else limit
    nodes = prepare(root, parameters=parameters, limit=len(order) * 1_000).nodes if steps else ()
    content = _values(order, places, nodes) if steps else _summary(order, groups, group_of)
    content |= {
        "roots": roots,
        "groups": [[group.title, group.path, -1 if group.parent is None else group.parent] for group in groups],
        "groupOf": group_of if steps else [],
        "views": _views(order, places, groups, group_of, nodes, _first_open(groups, group_of, roots[:1] if steps else [], fitting)),
    }
    operations = 0
    for value in order:
        operations += bool(value.op)
    counts = f"{len(order):,} value{'s' * (len(order) != 1)}, {operations:,} operation{'s' * (operations != 1)}"
    names = dict.fromkeys(value.primitive.name for value in order if value.primitive is not None)
    return Page(
        title=_title([order[at] for at in dict.fromkeys(roots)], places),
        subtitle=counts,
        primitives=tuple(name for name in names if name in PRIMITIVES) if steps else (),
        leaves=tuple((at, nodes[at].title, order[at].data, reach) for at, reach in content.get("reach", {}).items()),
        content=content,
    )


# -- numbers ---------------------------------------------------------------------------------------------------------
def _plain(x: float) -> float | str:
    """Return ``x`` for JSON, which has neither nan nor infinity; a whole number is shorter without its point."""
    if not math.isfinite(x):
        return number(x)
    return int(x) if x.is_integer() and abs(x) < 2**53 and (x != 0.0 or math.copysign(1.0, x) > 0) else x


def _values(order: Sequence[Value], places: dict[int, int], nodes: Sequence[Node]) -> dict[str, Any]:
    """Return the columns of a table with a row for each value."""
    ops = list(dict.fromkeys((value.primitive.name, value.op) for value in order if value.primitive is not None))
    numbers = {name: i for i, (name, _) in enumerate(ops)}
    operands = [
        [places[id(o)] if isinstance(o, Value) else [_plain(o)] for o in value.operands] for value in order
    ]
    return {
        "ops": [[name, glyph(symbol), name in PRIMITIVES] for name, symbol in ops],
        "op": [-1 if value.primitive is None else numbers[value.primitive.name] for value in order],
        "operands": operands,
        "data": [_plain(value.data) for value in order],
        "local": [[_plain(local) for local in value.local_grads] for value in order],
        "grad": [_plain(value.grad) if value.reached else None for value in order],
        "name": [node.subtitle if value.op else node.title for node, value in zip(nodes, order, strict=True)],
        "full": {
            at: clean_text(value.label, TOOLTIP_LENGTH)
            for at, value in enumerate(order)
            if value.label is not None and len(value.label) > LABEL_LENGTH
        },
        "parameter": [at for at, node in enumerate(nodes) if node.kind == "parameter"],
        "reach": {at: _reach(value.data) for at, value in enumerate(order) if not value.op},
        "stale": [at for at, value in enumerate(order) if _is_stale(value)],
    }


def _summary(order: Sequence[Value], groups: Sequence[Group], group_of: Sequence[int]) -> dict[str, Any]:
    """Return what the cards of a graph too large to step through say: those of groups, and those of values."""
    loose = {}
    for at, inner in enumerate(group_of):
        if inner < 0:
            value, label = order[at], clean_text(order[at].label or f"%{at}", LABEL_LENGTH)
            title, subtitle = (glyph(value.op), label) if value.op else (label, "")
            grad = number(value.grad, sign=True) if value.reached else "–"
            kind = "operation" if value.op else "input"
            loose[at] = [title, subtitle, number(value.data), grad, kind]
    facts = []
    for group in groups:
        members = [order[at] for at in group.members]
        numbers = [value.data for value in members if not math.isnan(value.data)]
        parameters = [value for value in members if not value.op and value.module is not None]
        norm = math.hypot(*(value.grad for value in parameters if value.reached)) if parameters else math.nan
        span = f"{number(min(numbers))} … {number(max(numbers))}" if numbers else "nan"
        facts.append([len(members), len(parameters), span, "–" if math.isnan(norm) else number(norm)])
    return {"summary": facts, "loose": loose, "total": len(order)}


def _is_stale(value: Value) -> bool:
    """Return whether the operands have other data now than when ``value`` was computed from them."""
    row = value.primitive
    if row is None or row.name not in PRIMITIVES:
        return False
    operands = [o.data if isinstance(o, Value) else o for o in value.operands]
    now = row.forward(operands) if row.arity is None else row.forward(*operands)
    return now != value.data and not (math.isnan(now) and math.isnan(value.data))


def _reach(data: float) -> float:
    """Return how far a leaf's slider goes on either side of 0: 1, 2 or 5 times a power of ten, twice ``data`` or more."""
    if not math.isfinite(data) or data == 0.0 or 1e-3 < abs(data) < 1.0:
        return 2.0
    wanted = min(2.0 * abs(data), 1e307) if abs(data) > 5e-307 else 1e-306
    power = 10.0 ** math.floor(math.log10(wanted))
    return max(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= wanted), abs(data))


# -- modules ---------------------------------------------------------------------------------------------------------
def grouped(order: Sequence[Value], *, chunk: int) -> tuple[list[Group], list[int]]:
    """Return the groups that values stand in, outer ones first, and for each value the innermost one, or -1.

    A module's path gives its groups: every part that ends in a number or is some value's own path. Values that stand
    directly in one module, or in none, and are more than ``chunk``, are put into lots of neighbours.
    """
    own = {value.module for value in order if value.module}
    groups: list[Group] = []
    by_path: dict[str, int] = {}
    group_of: list[int] = []
    for at, value in enumerate(order):
        parent = None
        for path in _prefixes(value.module or ""):
            if path not in own and not path.rpartition(".")[2].isdigit():
                continue
            if path not in by_path:
                before = groups[parent].path if parent is not None else ""
                title = clean_text(path[len(before) :].lstrip(".") or path, LABEL_LENGTH)
                by_path[path] = _add(groups, title, path, parent)
            parent = by_path[path]
        group_of.append(-1 if parent is None else parent)
    direct_of: dict[int, list[int]] = {}
    for at, group in enumerate(group_of):
        direct_of.setdefault(group, []).append(at)
    for home, direct in direct_of.items():
        if len(direct) > chunk:
            for start in range(0, len(direct), chunk):
                lot = direct[start : start + chunk]
                title = f"values {start + 1:,} to {start + len(lot):,}"
                parent = None if home < 0 else home
                inner = _add(groups, title, f"{'' if parent is None else groups[parent].path}/{start}", parent)
                for at in lot:
                    group_of[at] = inner
    around = [_ancestors(groups, group) for group in range(len(groups))]
    for at, inner in enumerate(group_of):
        for group in around[inner] if inner >= 0 else ():
            groups[group].members.append(at)
    return groups, group_of


def _prefixes(path: str) -> list[str]:
    return list(itertools.accumulate(path.split("."), lambda a, b: f"{a}.{b}")) if path else []


def _add(groups: list[Group], title: str, path: str, parent: int | None) -> int:
    groups.append(Group(title, path, parent))
    if parent is not None:
        groups[parent].children.append(len(groups) - 1)
    return len(groups) - 1


def _ancestors(groups: Sequence[Group], inner: int) -> list[int]:
    """Return ``inner`` and the groups around it, innermost first."""
    found = []
    while inner >= 0:
        found.append(inner)
        parent = groups[inner].parent
        inner = -1 if parent is None else parent
    return found


def _first_open(groups: Sequence[Group], group_of: Sequence[int], roots: Iterable[int], limit: int) -> set[int]:
    """Return what is open at first: all where the values fit, else every level that does, from the outside.

    A root that stands in a lot of values is in sight, its lot open.
    """
    if len(group_of) <= limit:
        return set(range(len(groups)))
    depth = [len(_ancestors(groups, group)) for group in range(len(groups))]
    direct = Counter(group_of)
    opened: set[int] = set()
    for level in range(1, max(depth, default=0) + 1):
        further = opened | {group for group in range(len(groups)) if depth[group] == level}
        cards = direct[-1]
        for group in range(len(groups)):
            parent = groups[group].parent
            cards += direct[group] if group in further else parent is None or parent in further
        if cards > min(limit, 150):
            break
        opened = further
    for root in roots:
        around = _ancestors(groups, group_of[root])
        if around and "/" in groups[around[0]].path and len(groups[around[0]].members) <= _CHUNK:
            opened |= set(around)
    return opened


# -- views -----------------------------------------------------------------------------------------------------------
def _views(
    order: Sequence[Value],
    places: dict[int, int],
    groups: list[Group],
    group_of: Sequence[int],
    nodes: Sequence[Node],
    first: set[int],
) -> list[dict[str, Any]]:
    """Return the view that the page starts with and, where modules are closed in it, one for each of them."""
    wanted = [first]
    if len(order) <= STEP_LIMIT:
        for group in range(len(groups)):
            if group not in first:
                wanted.append(first | set(_ancestors(groups, group)))
    return [_view(order, places, groups, group_of, nodes, opened) for opened in wanted]


def _view(
    order: Sequence[Value],
    places: dict[int, int],
    groups: list[Group],
    group_of: Sequence[int],
    nodes: Sequence[Node],
    opened: set[int],
) -> dict[str, Any]:
    """Return cards, lines and frames of one view; a card is a value's place, or -1 - g for the group g."""
    closed = [_closed_around(groups, group, opened) for group in range(len(groups))]
    owner = [at if inner < 0 or closed[inner] is None else -1 - closed[inner] for at, inner in enumerate(group_of)]
    links: dict[tuple[int, int, int], None] = {}
    for at, value in enumerate(order):
        head = owner[at]
        for slot, operand in enumerate(value.operands):
            if not isinstance(operand, Value):
                continue
            tail = owner[places[id(operand)]]
            if tail != head:
                links[tail, head, 0 if head < 0 or len(value.operands) > _SHOWN_SLOTS else slot] = None
    cards = _in_order(owner, links)
    rank = {card: i for i, card in enumerate(cards)}
    boxes, slot_widths = [], []
    for card in cards:
        box, slots = _group_box(groups[-1 - card]) if card < 0 else _box(order[card], nodes[card] if nodes else None)
        boxes.append(box)
        slot_widths.append(slots)
    forward = [link for link in links if rank[link[0]] < rank[link[1]]]
    placement = place(boxes, [Link(rank[tail], rank[head], slot) for tail, head, slot in forward])
    spots = [
        (left, middle - box.height / 2, right - left, box.height)
        for (left, right), middle, box in zip(placement.spans, placement.middles, boxes, strict=True)
    ]
    # the page draws a line from card to card; what lies between is where it passes other ranks
    passes = {
        link: [(route[i][0], route[i + 1][0], route[i][1]) for i in range(1, len(route) - 1, 2)]
        for link, route in zip(forward, placement.routes, strict=True)
    }
    return {
        "open": sorted(opened),
        "size": [_figure(placement.width), _figure(placement.height)],
        "cards": [
            [card, *map(_figure, spot), _figure(slots)]
            for card, spot, slots in zip(cards, spots, slot_widths, strict=True)
        ],
        "edges": [[*link, *(_figure(x) for passed in passes.get(link, ()) for x in passed)] for link in links],
        "frames": _frames(groups, opened, dict(zip(cards, spots, strict=True)), group_of),
    }


def _in_order(owner: Sequence[int], links: Iterable[tuple[int, int, int]]) -> list[int]:
    """Return the cards so that links run onward; where modules feed each other, the one that comes first does."""
    ahead: dict[int, set[int]] = {card: set() for card in owner}
    waiting = dict.fromkeys(owner, 0)
    for tail, head, _ in links:
        if head not in ahead[tail]:
            ahead[tail].add(head)
            waiting[head] += 1
    first: dict[int, int] = {}
    for at, card in enumerate(owner):
        first.setdefault(card, at)
    by_place = sorted(waiting, key=lambda card: first[card])
    ready = [(first[card], card) for card in by_place if waiting[card] == 0]
    found: dict[int, None] = {}
    left = iter(by_place)
    while len(found) < len(by_place):
        card = heappop(ready)[1] if ready else next(card for card in left if card not in found)
        if card in found:
            continue
        found[card] = None
        for head in sorted(ahead[card]):
            waiting[head] -= 1
            if waiting[head] == 0:
                heappush(ready, (first[head], head))
    return list(found)


def _closed_around(groups: Sequence[Group], inner: int, opened: set[int]) -> int | None:
    """Return the outermost closed group around what stands in ``inner``."""
    closed = [group for group in _ancestors(groups, inner) if group not in opened]
    return closed[-1] if closed else None


def _figure(x: float) -> float | int:
    rounded = round(x, 1)
    return int(rounded) if rounded.is_integer() else rounded


def _frames(
    groups: Sequence[Group], opened: set[int], spots: dict[int, tuple[float, float, float, float]], group_of: Sequence[int]
) -> list[list[Any]]:
    """Return the rectangles around open modules, outer ones first; one that others' cards stand in is left out."""
    inside: dict[int, set[int]] = {group: set() for group in opened}
    for card in spots:
        start = groups[-1 - card].parent if card < 0 else group_of[card]
        for group in _ancestors(groups, -1 if start is None else start):
            inside[group].add(card)
    frames = []
    for group in sorted(opened, key=lambda group: len(_ancestors(groups, group))):
        if not inside[group] or groups[group].path.startswith("/"):
            continue
        level = _height_above(groups, group, opened)
        margin, top = 8.0 + 7.0 * level, 24.0 + 22.0 * level
        left = min(spots[card][0] for card in inside[group]) - margin
        right = max(spots[card][0] + spots[card][2] for card in inside[group]) + margin
        high = min(spots[card][1] for card in inside[group]) - top
        low = max(spots[card][1] + spots[card][3] for card in inside[group]) + margin
        strangers = (spot for card, spot in spots.items() if card not in inside[group])
        if not any(x < right and x + w > left and y < low and y + h > high + top - 8 for x, y, w, h in strangers):
            frames.append([group, *map(_figure, (left, high, right - left, low - high))])
    return frames


def _height_above(groups: Sequence[Group], group: int, opened: set[int]) -> int:
    """Return how many frames may stand inside that of ``group``, one in the other."""
    return max((1 + _height_above(groups, child, opened) for child in groups[group].children if child in opened), default=0)


def _box(value: Value, node: Node | None) -> tuple[Box, float]:
    title = glyph(value.op) if value.op else clean_text(value.label or "%0000", LABEL_LENGTH)
    subtitle = clean_text(value.label or "%0000", LABEL_LENGTH) if value.op else ""
    if node is not None:
        title, subtitle = node.title, node.subtitle or subtitle
    operands = value.operands
    count = 1 if len(operands) > _SHOWN_SLOTS else len(operands)
    slots = 0.0
    if operands:
        texts = [f"{len(operands)} operands"] if len(operands) > _SHOWN_SLOTS else ["∂ -0.1234"]
        slots = max(text_width(text, SLOT_SIZE) for text in texts) + 9
    rows = text_width("data", TEXT_SIZE) + 10 + text_width(_ROOM, TEXT_SIZE, bold=True)
    heading = text_width(title, TITLE_SIZE, bold=True) + (6 + text_width(subtitle, TEXT_SIZE) if subtitle else 0)
    width = max(rows, heading) + 2 * _PAD + slots
    height = max(_TITLE_LINE + 2 * _ROW_LINE + 8, count * _SLOT_LINE + 8)
    if not value.op:
        is_parameter = value.module is not None if node is None else node.kind == "parameter"
        width, height = (width, height + 3 * _CAP) if is_parameter else (width + _TIP, height)
    line = (height - 4) / count if count else 0.0
    return Box(width, height, tuple(line * (k - (count - 1) / 2) for k in range(count))), slots


def _group_box(group: Group) -> tuple[Box, float]:
    rows = text_width("data", TEXT_SIZE) + 10 + text_width(f"{_ROOM} … {_ROOM}", TEXT_SIZE)
    width = max(rows, text_width(group.title, TITLE_SIZE, bold=True) + 40) + 2 * _PAD
    return Box(width, _TITLE_LINE + 4 * _ROW_LINE + 8, (0.0,)), 0.0


# -- the title -------------------------------------------------------------------------------------------------------
_TITLE_LENGTH = 64
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "neg": 3, "**": 4}


def _title(roots: Sequence[Value], places: dict[int, int]) -> str:
    """Return ``y = tanh(x1·w1 + b)`` for one root whose formula is short, else the roots' names."""
    names = [clean_text(root.label or f"%{places[id(root)]}", LABEL_LENGTH) for root in roots]
    if len(roots) > 1 or not roots[0].op:
        return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    formula = _formula(roots[0], _TITLE_LENGTH)
    if formula is None:
        return names[0] if roots[0].label else f"{glyph(roots[0].op)} {names[0]}"
    return f"{names[0]} = {formula[0]}" if roots[0].label else formula[0]


def _formula(value: Value, room: int) -> tuple[str, int] | None:
    """Return the formula of a node down to its leaves and how tightly it binds, None where it has no room."""
    if room <= 0:
        return None
    if not value.op:
        name = clean_text(value.label, LABEL_LENGTH) if value.label else number(value.data)
        return (name, 9) if len(name) <= room else None
    parts: list[tuple[str, int]] = []
    for operand in value.operands:
        if not isinstance(operand, Value):
            parts.append((number(operand), 9 if operand >= 0 else 3))
            room -= len(parts[-1][0]) + 1
            continue
        part = _formula(operand, room - 1)
        if part is None:
            return None
        parts.append(part)
        room -= len(part[0]) + 1
    own = _PRECEDENCE.get(value.op)
    if own is None or len(parts) != (1 if value.op == "neg" else 2):
        text = f"{glyph(value.op)}({', '.join(part for part, _ in parts)})"
        return (text, 9) if room >= 0 else None
    texts = [f"({text})" if binding < own + (k > 0) else text for k, (text, binding) in enumerate(parts)]
    if value.op == "neg":
        return f"−{texts[0]}", own
    sign = {"*": "·", "**": "^", "-": " − ", "/": " / "}.get(value.op, f" {value.op} ")
    return sign.join(texts), own
