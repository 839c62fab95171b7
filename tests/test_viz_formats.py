"""What other formats say: JSON to draw from, Mermaid, the backward graph, expanded nodes, frames and the layout."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd as ag
import nn
import viz
from autograd import Value
from viz.expansion import EXPANDABLE
from viz.frames import enclose, units_of
from viz.graph import prepare
from viz.layout import Box, Link, place
from viz.options import PictureOptions, complete


def drawn_json(root: Value, tmp_path, **options):
    return json.loads(viz.draw(root, tmp_path / "graph.json", **options).read_text(encoding="utf-8"))


# JSON


def test_json_has_what_a_drawing_needs(tmp_path):
    model = nn.MLP(2, [2, 1], seed=1)
    loss = model([1.0, -2.0])
    loss.backward()
    content = drawn_json(loss, tmp_path)
    graph = prepare(loss)
    assert (content["format"], content["version"], content["theme"]) == ("glassgrad.picture", 1, "light")
    assert len(content["nodes"]) == len(graph.nodes)
    assert len(content["edges"]) == len(graph.edges)
    for node, known in zip(content["nodes"], graph.nodes, strict=True):
        left, top, right, bottom = node["box"]
        assert 0 <= left < right <= content["width"] + 0.01
        assert 0 <= top < bottom <= content["height"] + 0.01
        assert (node["title"], node["gradient"]) == (known.title, known.gradient)
        frame = node["frame"]
        while frame is not None:  # a card is inside its frame, and that in its own
            ((x0, y0, x1, y1),) = content["frames"][frame]["boxes"]
            assert x0 < left
            assert right < x1 + 0.01
            assert y0 < top
            assert bottom < y1
            frame = content["frames"][frame]["parent"]
    for edge in content["edges"]:
        (start_x, start_y), (end_x, end_y) = edge["route"][0], edge["route"][-1]
        left, top, right, bottom = content["nodes"][edge["tail"]]["box"]
        assert (start_x, start_y) == (right, pytest.approx((top + bottom) / 2, abs=0.02))
        left, top, right, bottom = content["nodes"][edge["head"]]["box"]
        assert end_x == left
        assert top <= end_y <= bottom


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e-300, 1e300])
def test_json_writes_any_number(tmp_path, number):
    x = Value(number, "x")
    y = x * number
    y.backward()
    content = drawn_json(y, tmp_path)
    assert content["nodes"][0]["gradient"] == (number if math.isfinite(number) else str(number))


# Mermaid


def test_mermaid_has_every_card_edge_and_frame(tmp_path):
    model = nn.MLP(2, [2, 1], seed=1)
    loss = model([1.0, -2.0])
    text = viz.draw(loss, tmp_path / "graph.mmd").read_text(encoding="utf-8")
    graph = prepare(loss)
    assert text.count(" -->") == len(graph.edges)
    assert text.count("subgraph") == len(graph.frames) == text.count("end\n")
    assert text.count("  style n") == len(graph.nodes)


# The backward graph


def test_the_backward_graph_runs_from_the_output_to_the_leaves():
    x, w = Value(2.0, "x"), Value(-1.5, "w")
    h = x * w
    h.label = "h"
    y = h + x
    y.label = "y"
    y.backward()
    graph = prepare(y, complete(PictureOptions, {"direction": "backward"}))
    assert [node.title for node in graph.nodes] == ["∂y/∂y", "∂y/∂h", "∂y/∂w", "∂y/∂x"]
    assert [[slot.text for slot in node.slots] for node in graph.nodes] == [
        [],
        ["1 × 1 = 1"],
        ["1 × 2 = 2"],
        ["1 × 1 = 1", "1 × -1.5 = -1.5"],
    ]
    assert [(edge.tail, edge.head, edge.slot) for edge in graph.edges] == [(0, 1, 0), (1, 2, 0), (0, 3, 0), (1, 3, 1)]
    assert [node.rows[0].text for node in graph.nodes] == ["+1", "+1", "+2", "-0.5"]


def test_the_backward_graph_before_a_pass_has_no_numbers_it_does_not_know():
    x = Value(2.0, "x")
    graph = prepare(x * 3, complete(PictureOptions, {"direction": "backward"}))
    assert graph.nodes[1].slots[0].text == "– × 3 = –"


@pytest.mark.parametrize("suffix", ["svg", "dot", "mmd", "json"])
def test_a_grouped_graph_is_drawn_backward_too(tmp_path, suffix):
    loss = nn.MLP(2, [16, 16, 1], seed=1)([1.0, 2.0])
    assert viz.draw(loss, tmp_path / f"x.{suffix}", direction="backward").stat().st_size > 1_000


# Expanded nodes

FUSED = {
    "sigmoid": lambda x, y: x.sigmoid(),
    "softplus": lambda x, y: x.softplus(),
    "logsigmoid": lambda x, y: x.logsigmoid(),
    "silu": lambda x, y: x.silu(),
    "gelu": lambda x, y: x.gelu(),
    "sum": lambda x, y: ag.sum([x, y, 2.0, x]),
    "mean": lambda x, y: ag.mean([x, y, 2.0]),
    "prod": lambda x, y: ag.prod([x, y, x]),
    "dot": lambda x, y: ag.dot([x, 2.0], [y, x]),
    "logsumexp": lambda x, y: ag.logsumexp([x, y, 1.0]),
    "softmax_cross_entropy": lambda x, y: ag.softmax_cross_entropy([x, y, 0.5], 1),
    "hypot": lambda x, y: ag.hypot(x, y),
}


def test_every_expansion_is_tested():
    assert set(FUSED) == set(EXPANDABLE)


@pytest.mark.parametrize("op", FUSED)
@pytest.mark.parametrize(("a", "b"), [(0.5, -1.25), (-3.0, 2.0), (20.0, 19.0), (-40.0, 3.0)])
def test_an_expanded_node_has_the_same_value_and_gradients(op, a, b):
    x, y = Value(a, "x"), Value(b, "y")
    root = FUSED[op](x, y) * 3.0
    root.backward()
    graph = prepare(root, complete(PictureOptions, {"expand": [op]}))
    assert len(graph.nodes) > len(prepare(root).nodes)
    assert not any(op == node.title for node in graph.nodes)
    for position, leaf in enumerate((x, y)):
        found = [n for n in graph.nodes if n.title == "xy"[position]]
        if found:
            at = graph.nodes.index(found[0])
            into = [edge.contribution for edge in graph.edges if edge.tail == at]
            assert math.fsum(into) == pytest.approx(leaf.grad, rel=1e-9, abs=1e-12)


def test_what_an_expansion_may_not_change_it_does_not_draw():
    x = Value(math.inf, "x")
    graph = prepare(ag.logsumexp([x, 1.0]), complete(PictureOptions, {"expand": True}))
    assert [node.title for node in graph.nodes] == ["x", "logsumexp"]


# Frames


@st.composite
def framed(draw: st.DrawFn) -> tuple[list[Box], list[Link], list[tuple[str, ...]]]:
    count = draw(st.integers(1, 22))
    boxes, links, paths = [], [], []
    for head in range(count):
        tails = draw(st.lists(st.integers(0, head - 1), max_size=3)) if head else []
        width, height = draw(st.floats(20, 200)), draw(st.floats(30, 120))
        boxes.append(Box(width, height, tuple(height * ((i + 0.5) / len(tails) - 0.5) for i in range(len(tails)))))
        links += [Link(tail, head, slot) for slot, tail in enumerate(tails)]
        paths.append(draw(st.sampled_from(["", "a", "a.0", "a.0.b", "a.1", "b", "b.c.d"])))
    units = units_of([path for path in paths if path])
    return boxes, links, [units[path] if path else () for path in paths]


@given(framed())
@settings(deadline=None)
def test_frames_hold_their_cards_and_no_other(graph):
    boxes, links, units = graph
    homes, frames = enclose(units, [(link.tail, link.head) for link in links])
    placed = place(boxes, links, homes, [frame.parent for frame in frames])

    def inside(box: int, frame: int) -> bool:
        home = homes[box]
        while home is not None and home != frame:
            home = frames[home].parent
        return home == frame

    for box, (left, right) in enumerate(placed.spans):
        top, bottom = placed.middles[box] - boxes[box].height / 2, placed.middles[box] + boxes[box].height / 2
        for frame, (x0, y0, x1, y1) in enumerate(placed.frames):
            if inside(box, frame):
                assert x0 <= left
                assert right <= x1 + 1e-6
                assert y0 <= top
                assert bottom <= y1
            else:
                assert right <= x0 + 1e-6 or x1 <= left + 1e-6 or bottom <= y0 + 1e-6 or y1 <= top + 1e-6
        for other in range(box):
            a, b = placed.spans[other]
            distance = abs(placed.middles[other] - placed.middles[box]) - (boxes[box].height + boxes[other].height) / 2
            assert right <= a + 1e-6 or b <= left + 1e-6 or distance >= 9.9
    for link, route in zip(links, placed.routes, strict=True):
        assert route[0] == (placed.spans[link.tail][1], placed.middles[link.tail])
        end = placed.middles[link.head] + boxes[link.head].slots[link.slot]
        assert route[-1] == pytest.approx((placed.spans[link.head][0], end))
        assert all(before <= after + 1e-6 for (before, _), (after, _) in pairwise(route))
        assert len(route) % 2 == 0


@given(framed())
@settings(deadline=None)
def test_a_card_stands_in_the_frame_of_its_module(graph):
    _, links, units = graph
    homes, frames = enclose(units, [(link.tail, link.head) for link in links])
    for home, own in zip(homes, units, strict=True):
        assert (frames[home].path if home is not None else "") == (own[-1] if own else "")


# Both layouts


TOOL = Path(__file__).resolve().parent.parent / "tools" / "layouts.py"


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs the dot program")
@pytest.mark.skipif(not TOOL.exists(), reason="needs the tool of the repository")
def test_the_built_in_layout_crosses_little_more_than_dot_s():
    out = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stdout + out.stderr
