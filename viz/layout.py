"""The built-in layered layout, left to right, for machines without the dot program.

The steps are those of Sugiyama, Tagawa and Toda (1981): ranks by longest path, dummies on edges that span several
ranks, barycentre sweeps against crossings, then coordinates. A card's height is kept apart from its neighbours by
isotonic regression (pool adjacent violators), which finds the positions closest to the wanted ones in linear time.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Box", "Link", "Placement", "Point", "place"]

Point = tuple[float, float]

_CARD_GAP, _DUMMY_GAP = 18.0, 10.0
_RANK_GAP, _STEEP_GAP = 44.0, 110.0
_SWEEPS, _SETTLINGS = 12, 8


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
    crosses a rank straight.
    """

    spans: list[tuple[float, float]]
    middles: list[float]
    routes: list[list[Point]]
    width: float
    height: float


class _Vertices:
    """Boxes followed by dummies of height 0; ``ahead`` and ``behind`` hold (neighbour, offset of the slot)."""

    def __init__(self, boxes: Sequence[Box], ranks: list[int]) -> None:
        self.ranks = ranks
        self.heights = [box.height for box in boxes]
        self.ahead: list[list[tuple[int, float]]] = [[] for _ in boxes]
        self.behind: list[list[tuple[int, float]]] = [[] for _ in boxes]

    def add_dummy(self, rank: int) -> int:
        self.ranks.append(rank)
        self.heights.append(0.0)
        self.ahead.append([])
        self.behind.append([])
        return len(self.ranks) - 1

    def join(self, tail: int, head: int, offset: float) -> None:
        self.ahead[tail].append((head, offset))
        self.behind[head].append((tail, offset))


def place(boxes: Sequence[Box], links: Sequence[Link]) -> Placement:
    """Return a placement of ``boxes`` (at least one); it is the same for the same input in every process."""
    vertices = _Vertices(boxes, _ranks(len(boxes), links))
    chains = _join_all(vertices, boxes, links)
    orders = _ordered(vertices)
    middle = _heights(vertices, orders)
    top = min(y - height / 2 for y, height in zip(middle, vertices.heights, strict=True))
    middle = [y - top for y in middle]
    bottom = max(y + height / 2 for y, height in zip(middle, vertices.heights, strict=True))
    columns = _columns(boxes, vertices, orders, middle)
    spans = [columns[rank] for rank in vertices.ranks]
    routes = []
    for link, chain in zip(links, chains, strict=True):
        route = [(spans[link.tail][1], middle[link.tail])]
        for dummy in chain:
            route += [(spans[dummy][0], middle[dummy]), (spans[dummy][1], middle[dummy])]
        routes.append([*route, (spans[link.head][0], middle[link.head] + boxes[link.head].slots[link.slot])])
    own = range(len(boxes))
    return Placement([spans[box] for box in own], [middle[box] for box in own], routes, columns[-1][1], bottom)


def _ranks(count: int, links: Sequence[Link]) -> list[int]:
    """Return ranks by the longest way to a root, so that a box stands next to its users; some then move back.

    A box with more incoming links from boxes that stay than outgoing links moves towards those, which shortens the sum
    of all links. A leaf with one user stays beside it.
    """
    tails: list[list[int]] = [[] for _ in range(count)]
    heads: list[list[int]] = [[] for _ in range(count)]
    for link in links:
        tails[link.head].append(link.tail)
        heads[link.tail].append(link.head)
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


def _join_all(vertices: _Vertices, boxes: Sequence[Box], links: Sequence[Link]) -> list[list[int]]:
    """Add a dummy where a link passes a rank, and return the dummies of each link; links from one tail share them."""
    trunks: dict[tuple[int, int], int] = {}
    chains: list[list[int]] = [[] for _ in links]
    for index in sorted(range(len(links)), key=lambda index: (links[index].head, links[index].slot)):
        link, last = links[index], links[index].tail
        for rank in range(vertices.ranks[link.tail] + 1, vertices.ranks[link.head]):
            if (link.tail, rank) not in trunks:
                trunks[link.tail, rank] = vertices.add_dummy(rank)
                vertices.join(last, trunks[link.tail, rank], 0.0)
            last = trunks[link.tail, rank]
            chains[index].append(last)
        vertices.join(last, link.head, boxes[link.head].slots[link.slot])
    return chains


def _ordered(vertices: _Vertices) -> list[list[int]]:
    """Return the order of every rank: a walk from the roots starts, sweeps improve, the fewest crossings win."""
    orders = _first_orders(vertices)
    best, fewest = orders, _crossings(vertices, orders)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        orders = _sweep(vertices, orders, forward=sweep % 2 == 0)
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
        waiting.extend(tail for tail, _ in reversed(vertices.behind[vertex]))
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


def _barycentre(vertices: _Vertices, vertex: int, places: Sequence[float], forward: bool) -> float:
    if forward:
        return _mean([places[tail] - _lean(vertices, vertex, o) for tail, o in vertices.behind[vertex]], places[vertex])
    return _mean([places[head] + _lean(vertices, head, o) for head, o in vertices.ahead[vertex]], places[vertex])


def _mean(numbers: Sequence[float], default: float) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else default


def _crossings(vertices: _Vertices, orders: list[list[int]]) -> int:
    places, count = _places(vertices, orders), 0
    for order in orders:
        seen: list[float] = []
        for vertex in order:
            ports = [places[head] + _lean(vertices, head, offset) for head, offset in vertices.ahead[vertex]]
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
        [(middle[tail] - offset, _pull(vertices, vertex, tail)) for tail, offset in vertices.behind[vertex]]
        if back
        else []
    )
    if front:
        pulls += [(middle[head] + offset, _pull(vertices, vertex, head)) for head, offset in vertices.ahead[vertex]]
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
    boxes: Sequence[Box], vertices: _Vertices, orders: list[list[int]], middle: list[float]
) -> list[tuple[float, float]]:
    """Return the left and the right edge of every rank; steep edges get more room."""
    columns, left = [], 0.0
    for order in orders:
        right = left + max((boxes[vertex].width for vertex in order if vertex < len(boxes)), default=0.0)
        columns.append((left, right))
        climbs = [abs(middle[head] + offset - middle[v]) for v in order for head, offset in vertices.ahead[v]]
        left = right + _RANK_GAP + min(_STEEP_GAP, 0.12 * max(climbs, default=0.0))
    return columns
