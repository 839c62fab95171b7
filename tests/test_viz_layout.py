"""The built-in layout: properties that hold for any graph."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
from autograd import Value, named_scope
from viz.folding import fold
from viz.font_metrics import text_width
from viz.graph import prepare
from viz.layout import Box, Link, Placement, place
from viz.model import Graph
from viz.svg import Sheet, draw_svg, lay_out
from viz.theme import LIGHT


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    count = draw(st.integers(1, 25))
    boxes, links = [], []
    for head in range(count):
        tails = draw(st.lists(st.integers(0, head - 1), max_size=4)) if head else []
        width, height = draw(st.floats(20, 200)), draw(st.floats(30, 120))
        slots = tuple(height * ((slot + 0.5) / len(tails) - 0.5) for slot in range(len(tails)))
        boxes.append(Box(width, height, slots))
        links += [Link(tail, head, slot) for slot, tail in enumerate(tails)]
    return boxes, links


@given(graphs())
@settings(deadline=None)
def test_cards_lie_apart_and_edges_run_to_the_right(graph):
    boxes, links = graph
    placed = place(boxes, links)
    assert_apart(boxes, placed)
    for link, route in zip(links, placed.routes, strict=True):
        assert route[0] == (placed.spans[link.tail][1], placed.middles[link.tail])
        assert route[-1] == (placed.spans[link.head][0], placed.middles[link.head] + boxes[link.head].slots[link.slot])
        xs = [x for x, _ in route]
        assert xs == sorted(xs)
        assert len(route) % 2 == 0


def assert_apart(boxes: list[Box], placed: Placement) -> None:
    for i, box in enumerate(boxes):
        left, right = placed.spans[i]
        top, bottom = placed.middles[i] - box.height / 2, placed.middles[i] + box.height / 2
        assert left >= -1e-6
        assert right - left >= box.width - 1e-6
        assert right <= placed.width + 1e-6
        assert top >= -1e-6
        assert bottom <= placed.height + 1e-6
        for j in range(i):
            beside = placed.spans[j][1] <= left or right <= placed.spans[j][0]
            distance = abs(placed.middles[i] - placed.middles[j]) - (box.height + boxes[j].height) / 2
            assert beside or distance >= 9.9


@given(graphs())
@settings(deadline=None, max_examples=30)
def test_routes_pass_no_card(graph):
    boxes, links = graph
    placed = place(boxes, links)
    for route in placed.routes:
        for (start, y), (end, _) in zip(route[1:-1:2], route[2:-1:2], strict=True):
            for i, box in enumerate(boxes):
                left, right = placed.spans[i]
                if left < end and start < right:
                    assert abs(y - placed.middles[i]) >= box.height / 2 + 9.9


def test_a_tree_has_no_crossing():
    leaves = [Box(100, 60)] * 8
    inner = [Box(100, 60, (-11.0, 11.0))] * 7
    # The operands of every node are in order, but the leaves were made in another.
    tails = [(3, 0), (7, 1), (2, 6), (5, 4), (8, 9), (10, 11), (12, 13)]
    links = [Link(tail, 8 + head, slot) for head, pair in enumerate(tails) for slot, tail in enumerate(pair)]
    placed = place(leaves + inner, links)
    for first in links:
        for second in links:
            start = placed.middles[first.tail] - placed.middles[second.tail]
            end = placed.middles[first.head] + (-11, 11)[first.slot] - placed.middles[second.head]
            end -= (-11, 11)[second.slot]
            if placed.spans[first.tail] == placed.spans[second.tail]:
                assert start * end >= 0


def test_a_leaf_stands_beside_what_uses_it():
    chain = [Box(100, 60)] + [Box(100, 60, (-11.0, 11.0)) for _ in range(4)] + [Box(100, 60)]
    # x -> 1 -> 2 -> 3 -> 4, and a leaf that only the last one uses; numbers are topological, so the leaf comes before.
    boxes = [chain[0], chain[5], *chain[1:5]]
    links = [Link(0, 2, 0), Link(2, 3, 0), Link(3, 4, 0), Link(4, 5, 0), Link(1, 5, 1)]
    placed = place(boxes, links)
    assert placed.spans[1] == placed.spans[4]


def test_a_long_chain_is_laid_out_without_recursion():
    count = 20_000
    boxes = [Box(50, 50)] + [Box(50, 50, (0.0,))] * (count - 1)
    placed = place(boxes, [Link(i, i + 1, 0) for i in range(count - 1)])
    assert math.isclose(max(placed.middles), min(placed.middles))


def test_text_is_measured_by_character():
    assert text_width("", 10) == 0
    assert text_width("iiii", 10) < text_width("mmmm", 10) < text_width("mmmm", 10, bold=True)
    assert text_width("苹果", 11) == 22.0
    assert text_width("ŷ", 10) == text_width("y\u0302", 10) + 10 * (0.72 - 0.592)


@st.composite
def long_graphs(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    boxes, links = [Box(120, 60)], []
    for head in range(1, draw(st.integers(20, 60))):
        tails = draw(st.lists(st.integers(max(0, head - 3), head - 1), min_size=1, max_size=2))
        width, height = draw(st.floats(60, 200)), draw(st.floats(40, 90))
        boxes.append(Box(width, height, tuple(height * ((i + 0.5) / len(tails) - 0.5) for i in range(len(tails)))))
        links += [Link(tail, head, slot) for slot, tail in enumerate(tails)]
    return boxes, links


@given(long_graphs())
@settings(deadline=None, max_examples=60)
def test_a_long_graph_is_folded_and_its_turns_pass_no_card(graph):
    boxes, links = graph
    flat = place(boxes, links)
    rows = fold(flat, links, [box.height for box in boxes])
    folded, turning = rows.placement, rows.turning
    if folded is flat:
        assert not turning
        return
    assert_apart(boxes, folded)
    assert folded.width < flat.width
    for index, (link, route) in enumerate(zip(links, folded.routes, strict=True)):
        assert route[0] == pytest.approx((folded.spans[link.tail][1], folded.middles[link.tail]))
        end = folded.middles[link.head] + boxes[link.head].slots[link.slot]
        assert route[-1] == pytest.approx((folded.spans[link.head][0], end))
        if index not in turning:
            continue
        for (x0, y0), (x1, y1) in pairwise(route):
            for (left, right), middle, box in zip(folded.spans, folded.middles, boxes, strict=True):
                beside = max(x0, x1) <= left + 0.01 or min(x0, x1) >= right - 0.01
                assert beside or max(y0, y1) <= middle - box.height / 2 or min(y0, y1) >= middle + box.height / 2


def test_a_chain_is_as_wide_as_a_page():
    boxes = [Box(120, 60)] + [Box(120, 60, (0.0,))] * 40
    links = [Link(i, i + 1, 0) for i in range(40)]
    folded = fold(place(boxes, links), links, [60.0] * 41)
    assert folded.placement.width < 1_500
    assert len(folded.turning) == 5


def test_modules_stay_whole_where_a_long_graph_is_folded():
    model = nn.MLP(2, [2, 2, 2, 2, 1], activation="tanh", seed=1)
    graph = prepare(model([1.0, 2.0]))
    sheet = lay_out(graph)
    # Rows are about 1,300 wide, and half as much more where that keeps a module whole.
    assert sheet.placement.width < 1_950 < 3_500 < lay_out(graph, folded=False).placement.width
    assert sheet.cornered
    assert [index for index, _ in sheet.frames] == list(range(len(graph.frames))), "each stands in one row"
    assert_framed(graph, sheet)


def test_a_frame_that_is_longer_than_a_row_goes_on_in_the_next():
    value = Value(1.0, "x")
    for index in range(12):
        with named_scope("chain"), named_scope(f"block{index}"):
            for _ in range(20):
                value = value * 1.5 + 0.5
    graph = prepare(value.exp())
    sheet = lay_out(graph)
    (outer,) = {index for index, frame in enumerate(graph.frames) if frame.path == "chain"}
    parts = [corners for index, corners in sheet.frames if index == outer]
    assert len(parts) >= 2
    assert all(above[3] < below[1] for above, below in pairwise(parts))
    assert sheet.placement.width < 1_700
    assert_framed(graph, sheet)
    assert draw_svg(graph, LIGHT, "a chain").count('class="frame"') == len(sheet.frames)


def assert_framed(graph: Graph, sheet: Sheet) -> None:
    """Every card stands in the frames around it, in one of its rows, and in no other."""
    placed = sheet.placement
    for node, (left, right), middle in zip(graph.nodes, placed.spans, placed.middles, strict=True):
        around, frame = set(), node.frame
        while frame is not None:
            around.add(frame)
            frame = graph.frames[frame].parent
        inside = {
            index
            for index, (x0, y0, x1, y1) in sheet.frames
            if x0 < (left + right) / 2 < x1 and y0 < middle < y1 and x0 < left and right < x1
        }
        assert inside == around, node.title
