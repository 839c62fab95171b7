"""Long graphs in several rows, as a text has lines: a chain of 41 cards is then as wide as a page and can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from viz.layout import Link, Placement, Point

__all__ = ["fold"]

_LONG = 2_200.0  # a wider placement is folded
_ROW = 1_400.0
_CUT = 3  # links that may run from one row to the next
_LANE, _SIDE, _GAP = 12.0, 14.0, 22.0


def fold(placement: Placement, links: Sequence[Link], heights: Sequence[float]) -> tuple[Placement, set[int]]:
    """Return the placement in rows where it is long and thin enough, and which links run from row to row.

    A row ends where at most three links go on, none of them further than into the next row. The route of such a link is
    the corners of its way: out to the right, below its row, in from the left. Others keep theirs. Where there are
    frames, or nowhere to cut, the placement is returned as it is.
    """
    if placement.width <= _LONG or placement.frames:
        return placement, set()
    cuts = _cuts(placement, links)
    if not cuts:
        return placement, set()
    row_of = [sum(left >= cut for cut in cuts) for left, _ in placement.spans]
    turning = {index for index, link in enumerate(links) if row_of[link.tail] != row_of[link.head]}
    edges = [0.0, *cuts, placement.width]
    rows = _row_heights(placement, links, heights, row_of, len(cuts) + 1)
    shifts: list[Point] = []
    lanes: list[float] = []
    below = 0.0
    for row, (top, bottom) in enumerate(rows):
        shifts.append(((_SIDE + 3 * _LANE if row else 0.0) - edges[row], below - top))
        turns = sum(row_of[links[index].tail] == row for index in turning)
        lanes.append(below + bottom - top + _LANE)
        below += bottom - top + _GAP + _LANE * turns
    spans = [
        (left + shifts[row][0], right + shifts[row][0])
        for (left, right), row in zip(placement.spans, row_of, strict=True)
    ]
    middles = [middle + shifts[row][1] for middle, row in zip(placement.middles, row_of, strict=True)]
    routes = []
    used = [0] * len(rows)
    for index, (link, route) in enumerate(zip(links, placement.routes, strict=True)):
        (x0, y0), (x1, y1) = shifts[row_of[link.tail]], shifts[row_of[link.head]]
        if index in turning:
            row = row_of[link.tail]
            turn = used[row]
            used[row] += 1
            start, end = (route[0][0] + x0, route[0][1] + y0), (route[-1][0] + x1, route[-1][1] + y1)
            right, left, lane = start[0] + _SIDE + _LANE * turn / 2, end[0] - _SIDE - _LANE * turn, lanes[row]
            lane += _LANE * turn
            routes.append([start, (right, start[1]), (right, lane), (left, lane), (left, end[1]), end])
        else:
            routes.append([(x + x0, y + y0) for x, y in route])
    width = max(right for _, right in spans) + 3 * _LANE
    return replace(placement, spans=spans, middles=middles, routes=routes, width=width, height=below), turning


def _cuts(placement: Placement, links: Sequence[Link]) -> list[float]:
    """Return where rows end, from left to right."""
    columns = sorted(set(placement.spans))
    cuts: list[float] = []
    start, best = 0.0, None
    for (_, right), (left, _) in pairwise(columns):
        if left <= right:
            continue  # columns of one rank
        if left - start > _ROW and best is not None:
            cuts.append(best)
            start, best = best, None
        ends = [(placement.spans[link.tail][0], placement.spans[link.head][0]) for link in links]
        crossing = [(tail, head) for tail, head in ends if tail < left <= head]
        near = all(tail >= start and head < left + _ROW / 2 for tail, head in crossing)
        if len(crossing) <= _CUT and near:
            best = left
    if best is not None and placement.width - start > _ROW:
        cuts.append(best)
    return cuts


def _row_heights(
    placement: Placement, links: Sequence[Link], heights: Sequence[float], row_of: Sequence[int], rows: int
) -> list[Point]:
    """Return the top and the bottom of what stands in each row."""
    tops, bottoms = [placement.height] * rows, [0.0] * rows
    for row, middle, height in zip(row_of, placement.middles, heights, strict=True):
        tops[row], bottoms[row] = min(tops[row], middle - height / 2), max(bottoms[row], middle + height / 2)
    for link, route in zip(links, placement.routes, strict=True):
        row = row_of[link.tail]
        if row == row_of[link.head]:
            tops[row] = min(tops[row], *(y for _, y in route))
            bottoms[row] = max(bottoms[row], *(y for _, y in route))
    return list(zip(tops, bottoms, strict=True))
