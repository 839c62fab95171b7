"""Long graphs in several rows, as a text has lines: a chain of 41 cards is then as wide as a page and can be read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from viz.layout import Link, Placement, Point

__all__ = ["Corners", "Folded", "fold"]

Corners = tuple[float, float, float, float]  # left, top, right, bottom

_LONG = 1_800.0  # a wider placement is folded
_THIN = 1.3  # where it is so many times as wide as high
_ROW = 1_300.0
_PAD = 14.0  # from the last card of a row to a frame that goes on
_CUT = 3  # cards whose links may run from one row to the next
_LANE, _SIDE, _GAP = 12.0, 14.0, 22.0


@dataclass(frozen=True, slots=True)
class Folded:
    """A placement in rows.

    Attributes:
        placement: where everything stands; its frames are those before.
        turning: the links that run from row to row. The route of such a link is the corners of its way: out to the
            right, below its row, in from the left.
        frames: (frame, corners); a frame that goes on in the next row stands there again.
    """

    placement: Placement
    turning: set[int]
    frames: list[tuple[int, Corners]]


def fold(placement: Placement, links: Sequence[Link], heights: Sequence[float]) -> Folded:
    """Return the placement in rows where it is long and thin enough.

    A row ends where the links of at most three cards go on, none of them further than into the next row, and where no
    frame goes on that has room in a row. Where there is nowhere to cut, the placement is returned as it is.
    """
    cuts = _cuts(placement, links)
    if not cuts:
        return Folded(placement, set(), list(enumerate(placement.frames)))
    row_of = [sum(left >= cut for cut in cuts) for left, _ in placement.spans]
    turning = {index for index, link in enumerate(links) if row_of[link.tail] != row_of[link.head]}
    edges = [0.0, *cuts, placement.width]
    rows = _row_heights(placement, links, heights, row_of, edges)
    shifts: list[Point] = []
    lanes: list[float] = []
    below = 0.0
    for row, (top, bottom) in enumerate(rows):
        shifts.append(((_SIDE + 3 * _LANE if row else 0.0) - edges[row], below - top))
        turns = len({links[index].tail for index in turning if row_of[links[index].tail] == row})
        lanes.append(below + bottom - top + _LANE)
        below += bottom - top + _GAP + _LANE * turns
    spans = [
        (left + shifts[row][0], right + shifts[row][0])
        for (left, right), row in zip(placement.spans, row_of, strict=True)
    ]
    middles = [middle + shifts[row][1] for middle, row in zip(placement.middles, row_of, strict=True)]
    ends = [max((right for (_, right), its in zip(spans, row_of, strict=True) if its == row)) for row in set(row_of)]
    frames = []
    for index, (left, top, right, bottom) in enumerate(placement.frames):
        for row, (x, y) in enumerate(shifts):
            if left < edges[row + 1] and right > edges[row]:
                begin = max(left, edges[row] - _PAD) + x
                stop = right + x if right <= edges[row + 1] else ends[row] + _PAD
                frames.append((index, (begin, top + y, stop, bottom + y)))
    routes = []
    turns_of: list[dict[int, int]] = [{} for _ in rows]  # links of one tail take one lane
    for index, (link, route) in enumerate(zip(links, placement.routes, strict=True)):
        row = row_of[link.tail]
        (x0, y0), (x1, y1) = shifts[row], shifts[row_of[link.head]]
        if index not in turning:
            routes.append([(x + x0, y + y0) for x, y in route])
            continue
        turn = turns_of[row].setdefault(link.tail, len(turns_of[row]))
        before = [(x + x0, y + y0) for x, y in route if x < edges[row + 1]]
        behind = [(x + x1, y + y1) for x, y in route if x >= edges[row + 1]]
        # out beside what stands in the row, and in beside what stands in the next
        out = max([ends[row], *(right for _, (_, top, right, bottom) in frames if top <= before[-1][1] <= bottom)])
        into = min([behind[0][0], *(left for _, (left, top, _, bottom) in frames if top <= behind[0][1] <= bottom)])
        out, into = out + _SIDE + _LANE * turn / 2, into - _SIDE - _LANE * turn
        lane = lanes[row] + _LANE * turn
        routes.append([*before, (out, before[-1][1]), (out, lane), (into, lane), (into, behind[0][1]), *behind])
    width = max([right for _, right in spans] + [it[2] for _, it in frames]) + 3 * _LANE
    folded = replace(placement, spans=spans, middles=middles, routes=routes, width=width, height=below)
    return Folded(folded, turning, frames)


def _cuts(placement: Placement, links: Sequence[Link]) -> list[float]:
    """Return where rows end, from left to right, so that they are about equally long."""
    if placement.width <= max(_LONG, _THIN * placement.height):
        return []
    length = placement.width / math.ceil(placement.width / _ROW)
    possible = list(_possible_cuts(placement, links, length / 2))
    cuts: list[float] = []
    start = 0.0
    while placement.width - start > 1.5 * length:
        near = [
            (abs(cut - start - length), cut) for cut, first in possible if cut - start >= length / 2 and first >= start
        ]
        if not near:
            break
        start = min(near)[1]
        if placement.width - start < length / 4:
            break  # what is left has room in this row
        cuts.append(start)
    return cuts


def _possible_cuts(placement: Placement, links: Sequence[Link], reach: float) -> Iterator[tuple[float, float]]:
    """Yield where a row may end, and where the first card stands that goes on; none does so by more than ``reach``."""
    columns = sorted(set(placement.spans))
    short = [(left, right) for left, _, right, _ in placement.frames if right - left <= _ROW]
    ends = [(link.tail, placement.spans[link.tail][0], placement.spans[link.head][0]) for link in links]
    for (_, right), (column, _) in pairwise(columns):
        if column <= right:
            continue  # columns of one rank
        # the frames that begin with this column begin the row
        cut = min([column, *(begin for begin, end in short if right < begin <= column < end)])
        crossing = [(card, tail, head) for card, tail, head in ends if tail < cut <= head]
        if (
            len({card for card, _, _ in crossing}) <= _CUT
            and all(head < cut + reach for _, _, head in crossing)
            and not any(begin < cut < end for begin, end in short)
        ):
            yield cut, min((tail for _, tail, _ in crossing), default=cut)


def _row_heights(
    placement: Placement,
    links: Sequence[Link],
    heights: Sequence[float],
    row_of: Sequence[int],
    edges: Sequence[float],
) -> list[Point]:
    """Return the top and the bottom of what stands in each row."""
    rows = len(edges) - 1
    tops, bottoms = [placement.height] * rows, [0.0] * rows
    for row, middle, height in zip(row_of, placement.middles, heights, strict=True):
        tops[row], bottoms[row] = min(tops[row], middle - height / 2), max(bottoms[row], middle + height / 2)
    for link, route in zip(links, placement.routes, strict=True):
        row = row_of[link.tail]
        if row == row_of[link.head]:
            tops[row] = min(tops[row], *(y for _, y in route))
            bottoms[row] = max(bottoms[row], *(y for _, y in route))
    for left, top, right, bottom in placement.frames:
        for row in range(rows):
            if left < edges[row + 1] and right > edges[row]:
                tops[row], bottoms[row] = min(tops[row], top), max(bottoms[row], bottom)
    return list(zip(tops, bottoms, strict=True))
