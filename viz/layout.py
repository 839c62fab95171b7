"""A layered layout of its own, left to right, for where the dot program is missing.

The steps are those of Sugiyama, Tagawa and Toda (1981): ranks by longest path, dummies on edges that span several
ranks, barycentre sweeps against crossings, then coordinates. A card's height is kept apart from its neighbours by
isotonic regression (pool adjacent violators), which finds the closest positions to the wanted ones in linear time.
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
    """A card's size and the height of each slot's middle below its own middle."""

    width: float
    height: float
    slots: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """From the right side of box ``tail`` to slot ``slot`` of box ``head``; always ``tail < head``."""

    tail: int
    head: int
    slot: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where everything is: the left and right edge and the middle of each box, the route of each link, the extent.

    A route runs from its first point to its last; between points 2k and 2k+1 it bends, between 2k+1 and 2k+2 it
    crosses a rank straight.
    """

    spans: list[tuple[float, float]]
    middles: list[float]
    routes: list[list[Point]]
    width: float
    height: float


class _Web:
    """Boxes and, after them, dummies of height 0; ``ahead`` and ``behind`` hold (neighbour, offset of the slot)."""

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
    """Return a placement of ``boxes`` (at least one); the same input gives the same one in every process."""
    web = _Web(boxes, _ranks(len(boxes), links))
    chains = _join_all(web, boxes, links)
    orders = _ordered(web)
    middle = _heights(web, orders)
    top = min(y - height / 2 for y, height in zip(middle, web.heights, strict=True))
    middle = [y - top for y in middle]
    bottom = max(y + height / 2 for y, height in zip(middle, web.heights, strict=True))
    columns = _columns(boxes, web, orders, middle)
    spans = [columns[rank] for rank in web.ranks]
    routes = []
    for link, chain in zip(links, chains, strict=True):
        route = [(spans[link.tail][1], middle[link.tail])]
        for dummy in chain:
            route += [(spans[dummy][0], middle[dummy]), (spans[dummy][1], middle[dummy])]
        routes.append([*route, (spans[link.head][0], middle[link.head] + boxes[link.head].slots[link.slot])])
    own = range(len(boxes))
    return Placement([spans[box] for box in own], [middle[box] for box in own], routes, columns[-1][1], bottom)


def _ranks(count: int, links: Sequence[Link]) -> list[int]:
    """Rank by the longest way to a root, so that a box stands next to what uses it; some then move back.

    A box with more links from boxes that stay than links onward moves to those: that shortens the whole. A leaf with
    one user stays beside it.
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


def _join_all(web: _Web, boxes: Sequence[Box], links: Sequence[Link]) -> list[list[int]]:
    """Add dummies wherever a link passes a rank, and return those of each link; links from one tail share them."""
    trunks: dict[tuple[int, int], int] = {}
    chains: list[list[int]] = [[] for _ in links]
    for index in sorted(range(len(links)), key=lambda index: (links[index].head, links[index].slot)):
        link, last = links[index], links[index].tail
        for rank in range(web.ranks[link.tail] + 1, web.ranks[link.head]):
            if (link.tail, rank) not in trunks:
                trunks[link.tail, rank] = web.add_dummy(rank)
                web.join(last, trunks[link.tail, rank], 0.0)
            last = trunks[link.tail, rank]
            chains[index].append(last)
        web.join(last, link.head, boxes[link.head].slots[link.slot])
    return chains


def _ordered(web: _Web) -> list[list[int]]:
    """Order every rank: a walk from the roots gives the start, sweeps improve it, the fewest crossings win."""
    orders = _first_orders(web)
    best, fewest = orders, _crossings(web, orders)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        orders = _sweep(web, orders, forward=sweep % 2 == 0)
        crossings = _crossings(web, orders)
        if crossings < fewest:
            best, fewest = orders, crossings
    return best


def _first_orders(web: _Web) -> list[list[int]]:
    orders: list[list[int]] = [[] for _ in range(max(web.ranks) + 1)]
    seen = [False] * len(web.ranks)
    waiting = [vertex for vertex in reversed(range(len(web.ranks))) if not web.ahead[vertex]]
    while waiting:
        vertex = waiting.pop()
        if seen[vertex]:
            continue
        seen[vertex] = True
        orders[web.ranks[vertex]].append(vertex)
        waiting.extend(tail for tail, _ in reversed(web.behind[vertex]))
    return orders


def _places(web: _Web, orders: list[list[int]]) -> list[float]:
    places = [0.0] * len(web.ranks)
    for order in orders:
        for position, vertex in enumerate(order):
            places[vertex] = float(position)
    return places


def _lean(web: _Web, vertex: int, offset: float) -> float:
    """Return a slot's place relative to its card's, in cards: slots of one card differ by less than cards do."""
    return offset / web.heights[vertex] if web.heights[vertex] else 0.0


def _sweep(web: _Web, orders: list[list[int]], *, forward: bool) -> list[list[int]]:
    places = _places(web, orders)
    swept = [list(order) for order in orders]
    for order in swept if forward else reversed(swept):
        keys = {vertex: _barycentre(web, vertex, places, forward) for vertex in order}
        order.sort(key=lambda vertex: keys[vertex])
        for position, vertex in enumerate(order):
            places[vertex] = float(position)
    return swept


def _barycentre(web: _Web, vertex: int, places: Sequence[float], forward: bool) -> float:
    if forward:
        return _mean([places[tail] - _lean(web, vertex, o) for tail, o in web.behind[vertex]], places[vertex])
    return _mean([places[head] + _lean(web, head, o) for head, o in web.ahead[vertex]], places[vertex])


def _mean(numbers: Sequence[float], default: float) -> float:
    return math.fsum(numbers) / len(numbers) if numbers else default


def _crossings(web: _Web, orders: list[list[int]]) -> int:
    places, count = _places(web, orders), 0
    for order in orders:
        seen: list[float] = []
        for vertex in order:
            ports = [places[head] + _lean(web, head, offset) for head, offset in web.ahead[vertex]]
            for port in ports:
                count += len(seen) - bisect_right(seen, port)
            for port in ports:
                insort(seen, port)
    return count


def _heights(web: _Web, orders: list[list[int]]) -> list[float]:
    """Return the middle of every vertex: as near to its neighbours as the gaps allow, from one side, then both."""
    middle = [0.0] * len(web.ranks)
    gaps = [_gaps(web, order) for order in orders]
    for order, gap in zip(orders, gaps, strict=True):
        _settle(order, gap, [0.0] * len(order), middle)
    for turn in range(_SETTLINGS):
        back, front = turn % 2 == 1 or turn >= _SETTLINGS - 2, turn % 2 == 0 or turn >= _SETTLINGS - 2
        for rank in range(len(orders)) if back else reversed(range(len(orders))):
            wanted = [_wanted(web, vertex, middle, back, front) for vertex in orders[rank]]
            _settle(orders[rank], gaps[rank], wanted, middle)
    return middle


def _wanted(web: _Web, vertex: int, middle: list[float], back: bool, front: bool) -> float:
    """Return the weighted mean of where the neighbours are; dummies pull more, so that long edges run straight."""
    pulls = [(middle[tail] - offset, _pull(web, vertex, tail)) for tail, offset in web.behind[vertex]] if back else []
    if front:
        pulls += [(middle[head] + offset, _pull(web, vertex, head)) for head, offset in web.ahead[vertex]]
    weight = sum(pull for _, pull in pulls)
    return math.fsum(height * pull for height, pull in pulls) / weight if weight else middle[vertex]


def _pull(web: _Web, one: int, other: int) -> int:
    return (1, 2, 8)[(web.heights[one] == 0.0) + (web.heights[other] == 0.0)]


def _gaps(web: _Web, order: list[int]) -> list[float]:
    """Return the least distance of each vertex's middle from the one above."""
    gaps = [0.0]
    for above, below in pairwise(order):
        cards = web.heights[above] > 0.0 and web.heights[below] > 0.0
        gaps.append((web.heights[above] + web.heights[below]) / 2 + (_CARD_GAP if cards else _DUMMY_GAP))
    return gaps


def _settle(order: list[int], gaps: list[float], wanted: list[float], middle: list[float]) -> None:
    """Put ``order`` nearest to ``wanted`` (least squares) with ``gaps`` kept: pool adjacent violators."""
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
    boxes: Sequence[Box], web: _Web, orders: list[list[int]], middle: list[float]
) -> list[tuple[float, float]]:
    """Return the left and the right edge of every rank; steep edges get more room."""
    columns, left = [], 0.0
    for order in orders:
        right = left + max((boxes[vertex].width for vertex in order if vertex < len(boxes)), default=0.0)
        columns.append((left, right))
        climbs = [abs(middle[head] + offset - middle[v]) for v in order for head, offset in web.ahead[v]]
        left = right + _RANK_GAP + min(_STEEP_GAP, 0.12 * max(climbs, default=0.0))
    return columns
