"""The built-in layered layout, left to right, for machines without the dot program.

The steps are those of Sugiyama, Tagawa and Toda (1981): ranks by longest path, dummies on edges that span several
ranks, barycentre sweeps against crossings, then coordinates. A card's height is kept apart from its neighbours by
isotonic regression (pool adjacent violators), which finds the positions closest to the wanted ones in linear time.

A frame is laid out by itself and then stands as one box among its neighbours, so no other card is ever inside it. A
link that crosses its border does so at a port: a vertex without a height on the left or the right side of its inside.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import groupby, pairwise

__all__ = ["Box", "Link", "Placement", "Point", "Span", "place"]

Point = tuple[float, float]
Span = tuple[float, float]

_CARD_GAP, _DUMMY_GAP = 18.0, 10.0
_RANK_GAP, _STEEP_GAP = 44.0, 110.0
_SWEEPS, _SETTLINGS = 12, 8
_SWAPPED, _SWAPS = 400, 3  # vertices up to which neighbours are swapped, and how often
_FRAME_PAD, _FRAME_TITLE = 14.0, 24.0
_PORT_GAP = 9.0


@dataclass(frozen=True, slots=True)
class Box:
    """The size of a card, and the height of each slot's middle below the card's middle."""

    width: float
    height: float
    slots: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A link from the right side of box ``tail`` to slot ``slot`` of box ``head``; always ``tail < head``."""

    tail: int
    head: int
    slot: int


@dataclass(frozen=True, slots=True)
class Placement:
    """The positions: the left and right edge and the middle of each box, the route of each link, the size of the whole.

    A route runs from its first point to its last; between points 2k and 2k+1 it bends, between 2k+1 and 2k+2 it
    crosses a rank straight. ``frames`` holds the left, top, right and bottom of each frame.
    """

    spans: list[Span]
    middles: list[float]
    routes: list[list[Point]]
    width: float
    height: float
    frames: list[tuple[float, float, float, float]] = field(default_factory=list)


@dataclass(slots=True)
class _Level:
    """What stands directly inside one frame, or in none: boxes and inner frames as vertices, and the ports of links.

    Attributes:
        vertices: ("box", i), ("frame", f), ("in", tail box) or ("out", tail box).
        links: (tail vertex, head vertex, offset of its slot).
        keys: for each of ``links`` a key of its own, (kind of leg, tail box, ...).
    """

    vertices: list[tuple[str, int]] = field(default_factory=list)
    index: dict[tuple[str, int], int] = field(default_factory=dict)
    links: list[tuple[int, int, float]] = field(default_factory=list)
    keys: list[tuple[int, ...]] = field(default_factory=list)

    def vertex(self, kind: str, number: int) -> int:
        if (kind, number) not in self.index:
            self.index[kind, number] = len(self.vertices)
            self.vertices.append((kind, number))
        return self.index[kind, number]


@dataclass(slots=True)
class _Inside:
    """A level that is laid out: the spans and middles of its vertices, the routes by key, its size, its ports."""

    level: _Level
    spans: list[Span]
    middles: list[float]
    routes: dict[tuple[int, ...], list[Point]]
    width: float
    height: float
    ports: dict[tuple[str, int], float]  # the height below the middle of each port on its border


@dataclass(frozen=True, slots=True)
class _Wire:
    """A link of one level, from a port of vertex ``tail`` to one of ``head``; offsets are below their middles."""

    tail: int
    out: float
    head: int
    offset: float


class _Vertices:
    """Boxes followed by dummies of height 0; ``ahead`` and ``behind`` hold (neighbour, own offset, its offset)."""

    def __init__(self, heights: Sequence[float], ranks: list[int]) -> None:
        self.ranks = ranks
        self.heights = list(heights)
        self.ahead: list[list[tuple[int, float, float]]] = [[] for _ in heights]
        self.behind: list[list[tuple[int, float, float]]] = [[] for _ in heights]

    def add_dummy(self, rank: int) -> int:
        self.ranks.append(rank)
        self.heights.append(0.0)
        self.ahead.append([])
        self.behind.append([])
        return len(self.ranks) - 1

    def join(self, tail: int, head: int, out: float, offset: float) -> None:
        self.ahead[tail].append((head, out, offset))
        self.behind[head].append((tail, offset, out))


def place(
    boxes: Sequence[Box],
    links: Sequence[Link],
    homes: Sequence[int | None] | None = None,
    parents: Sequence[int | None] = (),
) -> Placement:
    """Return a placement of ``boxes`` (at least one); it is the same for the same input in every process.

    Args:
        boxes: the cards.
        links: the edges between them.
        homes: the innermost frame of each box, or None.
        parents: the frame around each frame, or None; an outer frame comes before those in it.
    """
    homes = [None] * len(boxes) if homes is None else homes
    levels = _levels(boxes, links, homes, parents)
    inside: dict[int | None, _Inside] = {}
    for frame in [*reversed(range(len(parents))), None]:
        inside[frame] = _laid_out(levels[frame], boxes, inside, framed=frame is not None)
    spans: list[Span] = [(0.0, 0.0)] * len(boxes)
    middles = [0.0] * len(boxes)
    frames = [(0.0, 0.0, 0.0, 0.0)] * len(parents)
    pieces: dict[tuple[int, ...], list[Point]] = {}
    corners: dict[int | None, Point] = {None: (0.0, 0.0)}
    for frame in [None, *range(len(parents))]:
        x, y = corners[frame]
        laid = inside[frame]
        if frame is not None:
            _move_ports(laid, inside[parents[frame]], frame)
        for (kind, number), (left, right), middle in zip(laid.level.vertices, laid.spans, laid.middles, strict=True):
            if kind == "box":
                spans[number], middles[number] = (x + left, x + right), y + middle
            elif kind == "frame":
                inner = inside[number]
                top = y + middle - inner.height / 2
                corners[number] = x + left, top
                frames[number] = (x + left, top, x + left + inner.width, top + inner.height)
    for frame, laid in inside.items():
        x, y = corners[frame]
        for key, route in laid.routes.items():
            pieces[key] = [(x + px, y + py) for px, py in route]
    routes = [[point for _, key, _, _ in _legs(link, homes, parents) for point in pieces[key]] for link in links]
    whole = inside[None]
    return Placement(spans, middles, routes, whole.width, whole.height, frames)


def _around(frame: int | None, parents: Sequence[int | None]) -> list[int | None]:
    """Return the frames around and including ``frame``, outermost (None: the picture) first."""
    found: list[int | None] = []
    while frame is not None:
        found.append(frame)
        frame = parents[frame]
    return [None, *reversed(found)]


def _levels(
    boxes: Sequence[Box], links: Sequence[Link], homes: Sequence[int | None], parents: Sequence[int | None]
) -> dict[int | None, _Level]:
    """Return what stands in each frame. A link is cut at the borders that it crosses."""
    levels: dict[int | None, _Level] = {frame: _Level() for frame in [None, *range(len(parents))]}
    entered: set[int] = set()
    for box, home in enumerate(homes):
        chain = _around(home, parents)
        for outer, inner in pairwise(chain):
            if inner not in entered and inner is not None:
                entered.add(inner)
                levels[outer].vertex("frame", inner)
        levels[home].vertex("box", box)
    done: set[tuple[int, ...]] = set()
    for link in links:
        for frame, key, start, end in _legs(link, homes, parents):
            if key in done:
                continue
            done.add(key)
            level = levels[frame]
            slot = boxes[link.head].slots[link.slot] if end == ("box", link.head) else 0.0
            level.links.append((level.vertex(*start), level.vertex(*end), slot))
            level.keys.append(key)
    return levels


def _legs(
    link: Link, homes: Sequence[int | None], parents: Sequence[int | None]
) -> list[tuple[int | None, tuple[int, ...], tuple[str, int], tuple[str, int]]]:
    """Return the legs of a link: the frame each is in, a key of its own, the vertices where it starts and ends."""
    tails, heads = _around(homes[link.tail], parents), _around(homes[link.head], parents)
    common = 0
    while common < min(len(tails), len(heads)) and tails[common] == heads[common]:
        common += 1
    legs: list[tuple[int | None, tuple[int, ...], tuple[str, int], tuple[str, int]]] = []
    start: tuple[str, int] = ("box", link.tail)
    for frame in reversed(tails[common:]):
        assert frame is not None
        legs.append((frame, (0, link.tail, frame), start, ("out", link.tail)))
        start = ("frame", frame)
    inner = heads[common:]
    shared = tails[common - 1]
    for frame, into in zip([shared, *inner], [*inner, None], strict=True):
        if into is None:
            legs.append((frame, (1, link.tail, link.head, link.slot), start, ("box", link.head)))
        else:
            legs.append((frame, (2, link.tail, into), start, ("frame", into)))
        start = ("in", link.tail)
    return legs


def _laid_out(level: _Level, boxes: Sequence[Box], inside: dict[int | None, _Inside], *, framed: bool) -> _Inside:
    """Lay out one level; the frames in it are laid out already."""
    sizes = []
    for kind, number in level.vertices:
        if kind == "box":
            sizes.append((boxes[number].width, boxes[number].height))
        else:
            sizes.append((inside[number].width, inside[number].height) if kind == "frame" else (0.0, 0.0))

    def port(vertex: int, side: str, tail: int) -> float:
        kind, number = level.vertices[vertex]
        return inside[number].ports[side, tail] if kind == "frame" else 0.0

    wires = [
        _Wire(tail, port(tail, "out", key[1]), head, slot + port(head, "in", key[1]))
        for (tail, head, slot), key in zip(level.links, level.keys, strict=True)
    ]
    vertices = _Vertices([height for _, height in sizes], _port_ranks(level, wires))
    chains = _join_all(vertices, wires)
    orders = _ordered(vertices)
    middle = _heights(vertices, orders)
    return _measured(level, sizes, wires, vertices, chains, orders, middle, framed=framed)


def _measured(
    level: _Level,
    sizes: Sequence[tuple[float, float]],
    wires: Sequence[_Wire],
    vertices: _Vertices,
    chains: Sequence[list[int]],
    orders: list[list[int]],
    middle: list[float],
    *,
    framed: bool,
) -> _Inside:
    pad, title = (_FRAME_PAD, _FRAME_TITLE) if framed else (0.0, 0.0)
    top = min(y - height / 2 for y, height in zip(middle, vertices.heights, strict=True))
    middle = [y - top + title for y in middle]
    bottom = max(y + height / 2 for y, height in zip(middle, vertices.heights, strict=True))
    columns = _columns(sizes, vertices, orders, middle, 0.0 if level.vertices[orders[0][0]][0] == "in" else pad)
    own = range(len(sizes))
    spans = [columns[rank] for rank in vertices.ranks]
    for order in orders:
        cards = [vertex for vertex in order if vertex < len(sizes) and level.vertices[vertex][0] == "box"]
        widest = max((sizes[vertex][0] for vertex in cards), default=0.0)
        for vertex in order:
            if vertex < len(sizes):
                width = widest if level.vertices[vertex][0] == "box" else sizes[vertex][0]
                spans[vertex] = _aligned(spans[vertex], width, vertices, vertex)
    routes = {}
    for wire, chain, key in zip(wires, chains, level.keys, strict=True):
        right, left = columns[vertices.ranks[wire.tail]][1], columns[vertices.ranks[wire.head]][0]
        start, end = middle[wire.tail] + wire.out, middle[wire.head] + wire.offset
        route = [(spans[wire.tail][1], start)]
        if spans[wire.tail][1] < right:
            route += [(right, start), (right, start)]
        for dummy in chain:
            route += [(spans[dummy][0], middle[dummy]), (spans[dummy][1], middle[dummy])]
        route.append((left, end))
        if left < spans[wire.head][0]:
            route += [(left, end), (spans[wire.head][0], end)]
        routes[key] = route
    last = level.vertices[orders[-1][0]][0] == "out"
    width = columns[-1][1] + (0.0 if last else pad)
    height = bottom + pad
    if framed:
        width = max(width, 90.0)
    ports = {
        (kind, number): middle[vertex] - height / 2
        for vertex, (kind, number) in enumerate(level.vertices)
        if kind in ("in", "out")
    }
    return _Inside(level, [spans[v] for v in own], [middle[v] for v in own], routes, width, height, ports)


def _move_ports(laid: _Inside, outside: _Inside, frame: int) -> None:
    """Move the ports on the left of a frame halfway to where their links come from, so that these do not meet there."""
    ports = {number: at for at, (kind, number) in enumerate(laid.level.vertices) if kind == "in"}
    if not ports:
        return
    vertex = outside.level.index["frame", frame]
    top = outside.middles[vertex] - laid.height / 2
    routes = {
        key[1]: outside.routes[key]
        for (_, head, _), key in zip(outside.level.links, outside.level.keys, strict=True)
        if head == vertex
    }
    wanted = {}
    for tail, at in ports.items():
        old = routes[tail][-1][1]
        far = next((y for _, y in reversed(routes[tail]) if y != old), old) - top
        wanted[tail] = (min(max(far, _FRAME_TITLE), laid.height - _FRAME_PAD) + laid.middles[at]) / 2
    order = sorted(ports, key=lambda tail: (wanted[tail], laid.middles[ports[tail]]))
    gap = min(_PORT_GAP, (laid.height - _FRAME_TITLE) / len(order))
    heights = [0.0] * len(order)
    gaps = [0.0, *[gap] * (len(order) - 1)]
    _settle(list(range(len(order))), gaps, [wanted[tail] for tail in order], heights)
    for tail, height in zip(order, heights, strict=True):
        laid.middles[ports[tail]] = height
        outer = routes[tail]
        # Where the frame stands away from its column, the last three points run straight.
        straight = 3 if len(outer) > 3 and outer[-2][1] == outer[-3][1] and outer[-3][0] == outer[-2][0] else 1
        for at in range(1, straight + 1):
            outer[-at] = (outer[-at][0], top + height)
    for (start, _, _), key in zip(laid.level.links, laid.level.keys, strict=True):
        if start == ports.get(key[1], -1):
            route = laid.routes[key]
            route[0] = (route[0][0], laid.middles[start])


def _aligned(column: Span, width: float, vertices: _Vertices, vertex: int) -> Span:
    """Return where a vertex narrower than its column stands: beside what it is linked to, on one side or between."""
    left, right = column
    if width > right - left - 1e-6:
        return column
    if not vertices.behind[vertex]:
        return right - width, right
    if not vertices.ahead[vertex]:
        return left, left + width
    spare = (right - left - width) / 2
    return left + spare, right - spare


def _port_ranks(level: _Level, wires: Sequence[_Wire]) -> list[int]:
    """Return the rank of each vertex: ports first and last, between them the others."""
    inner = [vertex for vertex, (kind, _) in enumerate(level.vertices) if kind in ("box", "frame")]
    position = {vertex: number for number, vertex in enumerate(_sorted(inner, wires))}
    pairs = [
        (position[wire.tail], position[wire.head]) for wire in wires if wire.tail in position and wire.head in position
    ]
    found = _ranks(len(inner), pairs)
    kinds = {kind for kind, _ in level.vertices}
    first = 1 if "in" in kinds else 0
    last = first + max(found) + 1
    return [
        first + found[position[vertex]] if vertex in position else 0 if kind == "in" else last
        for vertex, (kind, _) in enumerate(level.vertices)
    ]


def _sorted(inner: Sequence[int], wires: Sequence[_Wire]) -> list[int]:
    """Return the vertices in topological order, the first ones first where there is a choice."""
    ahead: dict[int, list[int]] = {vertex: [] for vertex in inner}
    needs = dict.fromkeys(inner, 0)
    for wire in wires:
        if wire.tail in needs and wire.head in needs:
            ahead[wire.tail].append(wire.head)
            needs[wire.head] += 1
    ready = [vertex for vertex in inner if needs[vertex] == 0]
    heapify(ready)
    order = []
    while ready:
        vertex = heappop(ready)
        order.append(vertex)
        for head in ahead[vertex]:
            needs[head] -= 1
            if needs[head] == 0:
                heappush(ready, head)
    assert len(order) == len(inner), "frames that depend on each other"
    return order


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return ranks by the longest way to a root, so that a box stands next to its users; some then move back.

    A box with more incoming links from boxes that stay than outgoing links moves towards those, which shortens the sum
    of all links. A leaf with one user stays beside it.
    """
    tails: list[list[int]] = [[] for _ in range(count)]
    heads: list[list[int]] = [[] for _ in range(count)]
    for tail, head in pairs:
        tails[head].append(tail)
        heads[tail].append(head)
    depths = [0] * count
    for box in reversed(range(count)):
        depths[box] = max((depths[head] + 1 for head in heads[box]), default=0)
    deepest = max(depths)
    ranks = [deepest - depth for depth in depths]
    for box in range(count):
        staying = [tail for tail in tails[box] if tails[tail] or len(heads[tail]) > 1]
        if len(staying) > len(heads[box]) > 0:
            ranks[box] = max(ranks[tail] for tail in staying) + 1
    for box in range(count):
        if not tails[box] and heads[box]:
            ranks[box] = min(ranks[head] for head in heads[box]) - 1
    return ranks


def _join_all(vertices: _Vertices, wires: Sequence[_Wire]) -> list[list[int]]:
    """Add a dummy where a wire passes a rank, and return the dummies of each wire; those from one port share them."""
    trunks: dict[tuple[int, float, int], int] = {}
    chains: list[list[int]] = [[] for _ in wires]
    for index in sorted(range(len(wires)), key=lambda index: (wires[index].head, wires[index].offset)):
        wire, last, out = wires[index], wires[index].tail, wires[index].out
        for rank in range(vertices.ranks[wire.tail] + 1, vertices.ranks[wire.head]):
            if (wire.tail, wire.out, rank) not in trunks:
                trunks[wire.tail, wire.out, rank] = vertices.add_dummy(rank)
                vertices.join(last, trunks[wire.tail, wire.out, rank], out, 0.0)
            last, out = trunks[wire.tail, wire.out, rank], 0.0
            chains[index].append(last)
        vertices.join(last, wire.head, out, wire.offset)
    return chains


def _ordered(vertices: _Vertices) -> list[list[int]]:
    """Return the order of every rank: a walk from the roots starts, sweeps improve, the fewest crossings win."""
    orders = _first_orders(vertices)
    best, fewest = orders, _crossings(vertices, orders)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        orders = _sweep(vertices, orders, forward=sweep % 2 == 0)
        if len(vertices.ranks) <= _SWAPPED:
            _swap(vertices, orders)
        crossings = _crossings(vertices, orders)
        if crossings < fewest:
            best, fewest = orders, crossings
    return best


def _first_orders(vertices: _Vertices) -> list[list[int]]:
    orders: list[list[int]] = [[] for _ in range(max(vertices.ranks) + 1)]
    seen = [False] * len(vertices.ranks)
    waiting = [vertex for vertex in reversed(range(len(vertices.ranks))) if not vertices.ahead[vertex]]
    while waiting:
        vertex = waiting.pop()
        if seen[vertex]:
            continue
        seen[vertex] = True
        orders[vertices.ranks[vertex]].append(vertex)
        waiting.extend(tail for tail, _, _ in reversed(vertices.behind[vertex]))
    return orders


def _places(vertices: _Vertices, orders: list[list[int]]) -> list[float]:
    places = [0.0] * len(vertices.ranks)
    for order in orders:
        for position, vertex in enumerate(order):
            places[vertex] = float(position)
    return places


def _lean(vertices: _Vertices, vertex: int, offset: float) -> float:
    """Return a slot's place relative to its card's, in cards: slots of one card differ by less than cards do."""
    return offset / vertices.heights[vertex] if vertices.heights[vertex] else 0.0


def _sweep(vertices: _Vertices, orders: list[list[int]], *, forward: bool) -> list[list[int]]:
    places = _places(vertices, orders)
    swept = [list(order) for order in orders]
    for order in swept if forward else reversed(swept):
        keys = {vertex: _barycentre(vertices, vertex, places, forward) for vertex in order}
        order.sort(key=lambda vertex: keys[vertex])
        for position, vertex in enumerate(order):
            places[vertex] = float(position)
    return swept


def _swap(vertices: _Vertices, orders: list[list[int]]) -> None:
    """Swap neighbours in every rank where that leaves fewer crossings between their own links."""
    places = _places(vertices, orders)

    def ends(vertex: int) -> tuple[list[float], list[float]]:
        behind = [places[tail] + _lean(vertices, tail, its) for tail, _, its in vertices.behind[vertex]]
        return behind, [places[head] + _lean(vertices, head, its) for head, _, its in vertices.ahead[vertex]]

    for _ in range(_SWAPS):
        swapped = False
        for order in orders:
            for at in range(len(order) - 1):
                upper, lower = ends(order[at]), ends(order[at + 1])
                now = turned = 0
                for one, other in zip(upper, lower, strict=True):
                    now += sum(y > z for y in one for z in other)
                    turned += sum(y < z for y in one for z in other)
                if turned < now:
                    order[at], order[at + 1] = order[at + 1], order[at]
                    places[order[at]], places[order[at + 1]] = float(at), float(at + 1)
                    swapped = True
        if not swapped:
            return


def _barycentre(vertices: _Vertices, vertex: int, places: Sequence[float], forward: bool) -> float:
    near = vertices.behind[vertex] if forward else vertices.ahead[vertex]
    leans = [places[v] + _lean(vertices, v, its) - _lean(vertices, vertex, own) for v, own, its in near]
    return _mean(leans, places[vertex])


def _mean(numbers: Sequence[float], default: float) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else default


def _crossings(vertices: _Vertices, orders: list[list[int]]) -> int:
    places, count = _places(vertices, orders), 0
    for order in orders:
        seen: list[float] = []
        for vertex in order:
            wires = sorted(
                (out, places[head] + _lean(vertices, head, its)) for head, out, its in vertices.ahead[vertex]
            )
            # Wires from one port do not cross each other.
            for _, group in groupby(wires, key=lambda wire: wire[0]):
                ports = [port for _, port in group]
                for port in ports:
                    count += len(seen) - bisect_right(seen, port)
                for port in ports:
                    insort(seen, port)
    return count


def _heights(vertices: _Vertices, orders: list[list[int]]) -> list[float]:
    """Return the middle of every vertex, near its neighbours as the gaps allow: first on one side, then on both."""
    middle = [0.0] * len(vertices.ranks)
    gaps = [_gaps(vertices, order) for order in orders]
    for order, gap in zip(orders, gaps, strict=True):
        _settle(order, gap, [0.0] * len(order), middle)
    for turn in range(_SETTLINGS):
        back, front = turn % 2 == 1 or turn >= _SETTLINGS - 2, turn % 2 == 0 or turn >= _SETTLINGS - 2
        for rank in range(len(orders)) if back else reversed(range(len(orders))):
            wanted = [_wanted(vertices, vertex, middle, back, front) for vertex in orders[rank]]
            _settle(orders[rank], gaps[rank], wanted, middle)
    return middle


def _wanted(vertices: _Vertices, vertex: int, middle: list[float], back: bool, front: bool) -> float:
    """Return the weighted mean of the neighbours' heights; dummies pull more, so that long edges run straight."""
    pulls = (
        [(middle[tail] + its - own, _pull(vertices, vertex, tail)) for tail, own, its in vertices.behind[vertex]]
        if back
        else []
    )
    if front:
        pulls += [
            (middle[head] + its - own, _pull(vertices, vertex, head)) for head, own, its in vertices.ahead[vertex]
        ]
    weight = sum(pull for _, pull in pulls)
    return math.fsum(height * pull for height, pull in pulls) / weight if weight else middle[vertex]


def _pull(vertices: _Vertices, one: int, other: int) -> int:
    return (1, 2, 8)[(vertices.heights[one] == 0.0) + (vertices.heights[other] == 0.0)]


def _gaps(vertices: _Vertices, order: list[int]) -> list[float]:
    """Return the least distance of each vertex's middle from the one above."""
    gaps = [0.0]
    for above, below in pairwise(order):
        cards = vertices.heights[above] > 0.0 and vertices.heights[below] > 0.0
        gaps.append((vertices.heights[above] + vertices.heights[below]) / 2 + (_CARD_GAP if cards else _DUMMY_GAP))
    return gaps


def _settle(order: list[int], gaps: list[float], wanted: list[float], middle: list[float]) -> None:
    """Place ``order`` nearest to ``wanted`` (least squares) with the given gaps: pool adjacent violators."""
    stacked, blocks = 0.0, list[tuple[float, int]]()
    offsets = []
    for gap, height in zip(gaps, wanted, strict=True):
        stacked += gap
        offsets.append(stacked)
        mean, size = height - stacked, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size))
    shifts = [mean for mean, size in blocks for _ in range(size)]
    for vertex, shift, offset in zip(order, shifts, offsets, strict=True):
        middle[vertex] = shift + offset


def _columns(
    sizes: Sequence[tuple[float, float]], vertices: _Vertices, orders: list[list[int]], middle: list[float], left: float
) -> list[Span]:
    """Return the left and the right edge of every rank; steep edges get more room."""
    columns = []
    for order in orders:
        right = left + max((sizes[vertex][0] for vertex in order if vertex < len(sizes)), default=0.0)
        columns.append((left, right))
        climbs = [abs(middle[head] + its - middle[v] - own) for v in order for head, own, its in vertices.ahead[v]]
        left = right + _RANK_GAP + min(_STEEP_GAP, 0.12 * max(climbs, default=0.0))
    return columns
