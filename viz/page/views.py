"""Where cards, lines and frames stand in each view of a page.

A view is the graph with some modules open: the values of an open module stand as cards, those of a closed one are one
card together. Every module has the view in which it and those around it are open, so the page needs no layout of its
own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

from autograd import Value
from autograd.formatting import name_of
from autograd.primitives.primitive import glyph
from viz.dot import SLOT_SIZE, TEXT_SIZE, TITLE_SIZE
from viz.font_metrics import text_width
from viz.layout import Box, Link, place
from viz.model import LABEL_LENGTH, Node
from viz.page.groups import Group, ancestors

__all__ = ["views"]

_SHOWN_SLOTS = 24  # a card of more operands has one slot for all
_PAD, _TIP, _CAP = 9.0, 11.0, 5.0
_TITLE_LINE, _ROW_LINE, _SLOT_LINE = 22.0, 17.0, 20.0
_GAP = 26.0  # room for a product beside a line, over what the layout leaves between ranks
_Spot = tuple[float, float, float, float]  # left, top, width, height
_ROOM = "-0.01234"  # what a card has room for, whatever number it starts with


def views(
    order: Sequence[Value],
    places: dict[int, int],
    groups: list[Group],
    group_of: Sequence[int],
    nodes: Sequence[Node],
    first: set[int],
    known: Mapping[int, str],
) -> list[dict[str, Any]]:
    """Return the view that the page starts with and, where modules are closed in it, one for each of them."""
    wanted = [first]
    if nodes:
        wanted += [first | set(ancestors(groups, group)) for group in range(len(groups)) if group not in first]
    return [_view(order, places, groups, group_of, nodes, opened, known) for opened in wanted]


def _view(
    order: Sequence[Value],
    places: dict[int, int],
    groups: list[Group],
    group_of: Sequence[int],
    nodes: Sequence[Node],
    opened: set[int],
    known: Mapping[int, str],
) -> dict[str, Any]:
    """Return cards, lines and frames of one view; a card is a value's place, or -1 - g for the group g."""
    closed = [_closed_around(groups, group, opened) for group in range(len(groups))]
    owner = []
    for at, inner in enumerate(group_of):
        around = closed[inner] if inner >= 0 else None
        owner.append(at if around is None else -1 - around)
    links: dict[tuple[int, int, int], None] = {}
    for at, value in enumerate(order):
        head = owner[at]
        for slot, operand in enumerate(value.operands):
            if not isinstance(operand, Value) or id(operand) not in places:
                continue
            tail = owner[places[id(operand)]]
            if tail != head:
                links[tail, head, 0 if head < 0 or len(value.operands) > _SHOWN_SLOTS else slot] = None
    cards = _in_order(owner, links)
    rank = {card: i for i, card in enumerate(cards)}
    boxes, slot_widths = [], []
    for card in cards:
        if card < 0:
            box, slots = _group_box(groups[-1 - card])
        else:
            box, slots = _box(order[card], nodes[card] if nodes else None, known)
        boxes.append(box)
        slot_widths.append(slots)
    forward = [link for link in links if rank[link[0]] < rank[link[1]]]
    wide = [Box(box.width + _GAP, box.height, box.slots) for box in boxes]
    placement = place(wide, [Link(rank[tail], rank[head], slot) for tail, head, slot in forward])
    spots = [
        (left + _GAP, middle - box.height / 2, right - left - _GAP, box.height)
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
    closed = [group for group in ancestors(groups, inner) if group not in opened]
    return closed[-1] if closed else None


def _figure(x: float) -> float | int:
    rounded = round(x, 1)
    return int(rounded) if rounded.is_integer() else rounded


def _frames(
    groups: Sequence[Group],
    opened: set[int],
    spots: dict[int, tuple[float, float, float, float]],
    group_of: Sequence[int],
) -> list[list[Any]]:
    """Return the rectangles around open modules, outer ones first; one that others' cards stand in is left out."""
    inside: dict[int, set[int]] = {group: set() for group in opened}
    for card in spots:
        start = groups[-1 - card].parent if card < 0 else group_of[card]
        for group in ancestors(groups, -1 if start is None else start):
            inside[group].add(card)
    frames = []
    for group in sorted(opened, key=lambda group: len(ancestors(groups, group))):
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
    return max(
        (1 + _height_above(groups, child, opened) for child in groups[group].children if child in opened), default=0
    )


def _box(value: Value, node: Node | None, known: Mapping[int, str]) -> tuple[Box, float]:
    title = glyph(value.op) if value.op else (name_of(value, LABEL_LENGTH, known) or "%0000")
    subtitle = (name_of(value, LABEL_LENGTH, known) or "%0000") if value.op else ""
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
