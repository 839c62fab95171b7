"""Graphs of any size: grouped by modules, or shown in part, and never refused."""

from __future__ import annotations

import math
import time
from typing import Any
from xml.etree import ElementTree

import pytest

import autograd as ag
import nn
import viz
from autograd import Value, named_scope
from autograd.assigned import assigned_marks
from viz.graph import prepare, prepare_all, walk
from viz.model import Graph, Node
from viz.options import PictureOptions, complete


def prepared(root: Value | list[Value], **options: Any) -> Graph:
    return prepare(root, complete(PictureOptions, options))


def chain(length: int) -> Value:
    value = Value(1.0)
    for _ in range(length - 1):
        value = value + 1
    return value


def mlp_loss(samples: int, inputs: bool = False) -> Value:
    model = nn.MLP(2, [16, 16, 1], seed=1)
    X, y = (part[:samples] for part in nn.moons(max(2, samples), seed=1))
    rows: list[Any] = [[Value(x, f"x{i}") for i, x in enumerate(row)] for row in X] if inputs else X
    loss = ag.mean([nn.hinge(model(row), target) for row, target in zip(rows, y, strict=True)])
    loss.backward()
    return loss


def row(node: Node, name: str) -> str:
    return next(row.text for row in node.rows if row.name == name)


def test_full_detail_up_to_150_nodes_and_400_operands():
    assert len(prepared(chain(150)).nodes) == 150
    assert len(prepared(chain(151)).nodes) < 50
    assert len(prepared(chain(151), limit=151).nodes) == 151
    x = Value(1.0)
    assert len(prepared(ag.sum([x] * 400)).nodes[-1].slots) == 400
    assert len(prepared(ag.sum([x] * 401), limit=151).nodes[-1].slots) == 401


@pytest.mark.parametrize("samples", [1, 100])
def test_an_mlp_is_grouped_by_neuron_and_nothing_is_lost(samples):
    loss = mlp_loss(samples)
    order, graph = walk(loss), prepared(loss)
    neurons = [node for node in graph.nodes if node.kind == "group" and node.title.startswith("neurons.")]
    assert len(neurons) == 33
    assert sum(node.values for node in graph.nodes) == len(order) == graph.total
    assert sum(int(row(node, "params")) for node in neurons) == 337
    assert [frame.title for frame in graph.frames] == ["layers.0", "layers.1", "layers.2"]
    first = neurons[0]
    assert graph.frames[first.frame or 0].title == "layers.0"
    assert graph.caption == f"{len(order):,} values in {len(graph.nodes):,} cards, by module"


def test_what_a_group_says_is_what_was_computed():
    model = nn.MLP(1, [200, 1], seed=3)
    loss = model([0.5])
    loss.backward()
    group = next(node for node in prepared(loss, group=1).nodes if node.title == "layers.0")
    values = [value for value in walk(loss) if (value.module or "").startswith("layers.0")]
    gradients = [value.grad for value in values if not value.op]
    assert group.values == len(values)
    assert row(group, "ops") == str(sum(bool(value.op) for value in values))
    assert row(group, "params") == "400"
    assert row(group, "‖∇‖") == f"{sum(g * g for g in gradients) ** 0.5:.4g}"
    data = [value.data for value in values]
    assert row(group, "data") == f"{min(data):.4g} … {max(data):.4g}"


def test_a_group_says_that_something_was_assigned_since():
    model = nn.MLP(2, [3, 1], seed=3)
    loss = model([0.5, 1.0])
    loss.backward()
    assert not any(row(node, "data").endswith("assigned since") for node in prepared(loss, group=1).nodes)
    for weight in model.layers[0].neurons[0].w:
        weight.data += 1.0
    marked = [row(node, "data").endswith(", assigned since") for node in prepared(loss, group=1).nodes]
    assert marked == [True, False]


def test_what_was_assigned_is_found_in_graphs_of_any_size():
    w, b = Value(0.5, "w"), Value(0.1, "b")
    h = Value(1.0)
    for _ in range(12_000):
        h = h * w + b
    w.data = 0.25
    assert assigned_marks(walk(h)) == {id(w): "was 0.5"}
    b.data = 0.0
    assert assigned_marks(walk(h)) == {id(w): "was 0.5", id(b): "assigned since"}


def test_a_long_row_of_modules_is_not_one_card():
    class Chain(nn.Module):
        def __init__(self) -> None:
            self.blocks = [nn.Layer(4, 4, "tanh", seed=i) for i in range(30)]

        def forward(self, x: list[float]) -> Any:
            with named_scope("chain"):
                for block in self.blocks:
                    x = block(x)
                return ag.sum(x)

    graph = prepare(Chain()([1.0, 2.0, 3.0, 4.0]))
    assert len(graph.nodes) >= 30


def test_a_group_tells_how_many_numbers_are_not_finite():
    model = nn.Linear(1, 3, seed=0)
    for place, number in enumerate((math.nan, math.inf)):
        model.weight[place][0].data = number
    loss = ag.sum([*model([0.5]), *model([1.0])])
    group = prepared(loss, group=1).nodes[0]
    # two weights, and for two samples two products and two sums
    assert row(group, "data").endswith(", 10 not finite")


def test_edges_between_groups_add_up():
    model = nn.MLP(2, [3, 1], activation="tanh", seed=3)
    loss = model([0.5, 1.0])
    loss.backward()
    graph = prepared(loss, group=1)
    (edge,) = graph.edges
    hidden = [value for value in walk(loss) if value.op == "tanh"]
    assert edge.contribution == pytest.approx(sum(value.grad for value in hidden))


def test_equal_leaves_are_one_card():
    graph = prepared(mlp_loss(100, inputs=True))
    x = graph.nodes[0]
    assert (x.kind, x.title, x.subtitle, x.values) == ("input", "x", "×200", 200)
    assert all(edge.tail < edge.head for edge in graph.edges)


def test_layers_follow_each_other_and_parameters_stand_in_their_neuron():
    model = nn.MLP(4, [8, 3], seed=1)
    graph = prepared(nn.softmax_cross_entropy(model([5.1, 3.5, 1.4, 0.2]), 0))
    assert len(graph.nodes) == len(walk(model([5.1, 3.5, 1.4, 0.2]))) + 1
    paths = [graph.frames[node.frame].path if node.frame is not None else "" for node in graph.nodes]
    for node, path in zip(graph.nodes, paths, strict=True):
        if path:
            assert f"module={path}" in node.tooltip
    assert paths.count("layers.0.neurons.5") == 4 + 1 + 3


def test_a_module_used_again_later_has_a_frame_for_each_use():
    with named_scope("cell"):
        a = Value(1.0) * 2
    b = a + 1
    with named_scope("cell"):
        c = b * 3
    graph = prepare(c)
    assert [frame.title for frame in graph.frames] == ["cell", "cell"]


def test_groups_that_depend_on_each_other_are_drawn():
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            self.cell = nn.Layer(3, 2, "tanh", seed=1)
            self.out = nn.Neuron(2, "linear", seed=2)

        def forward(self, xs: list[float]) -> Value:
            h: list[Any] = [0.0, 0.0]
            for x in xs:
                h = [one * 0.5 for one in self.cell([x, *h])]
            return self.out(h)

    y = Recurrent()([0.1 * i for i in range(60)])
    graph = prepare(y)
    assert any(edge.tail > edge.head for edge in graph.edges)
    assert len(graph.nodes) < 10
    svg = viz.to_svg(y)
    assert svg.count('class="edge"') == len(graph.edges)
    assert viz.to_dot(y).count("->") == len(graph.edges)


CASES = {
    "chain": lambda: chain(1_000_000),
    "paths": lambda: _doubled(40),
    "operands": lambda: ag.sum([Value(float(i)) for i in range(100_000)]),
    "mlp": lambda: mlp_loss(100),
    "labels": lambda: ag.sum([Value(1.0, f"x{i}") * Value(2.0, f"w{i}") for i in range(5_000)]),
}


def _doubled(times: int) -> Value:
    value = Value(1.0)
    for _ in range(times):
        value = value + value
    return value


@pytest.mark.parametrize("name", CASES)
def test_any_graph_is_drawn_in_seconds_and_two_megabytes(name):
    root = CASES[name]()
    started = time.process_time()
    svg = viz.to_svg(root)
    # The bound of the promise is 2 s (5 s for a million nodes); the pure build and a busy machine take longer.
    assert time.process_time() - started < 20
    assert len(svg) < 2_000_000
    ElementTree.fromstring(svg)


def test_a_part_says_what_is_left_out():
    graph = prepare(chain(1_000))
    assert graph.caption.startswith(f"{len(graph.nodes) - 1} of 1,000 values, around ")
    stub = graph.nodes[0]
    assert (stub.kind, stub.subtitle) == ("stub", "+")
    assert row(stub, "beyond") == f"{1_000 - (len(graph.nodes) - 1):,} values"


def test_focus_radius_and_users():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    h = x * w
    uses = [h + i for i in range(3)]
    y = ag.sum(uses)
    graph = prepared(y, focus=h, radius=1)
    kinds = [(node.kind, node.title) for node in graph.nodes]
    assert kinds.count(("operation", "+")) == 3
    assert ("input", "x") in kinds
    assert ("operation", "sum") not in kinds
    assert [row(node, "users") for node in graph.nodes if node.kind == "stub"] == ["1", "1", "1"]
    assert len(prepared(y, radius=1).nodes) == 5, "the root, three operands and one stub for what they share"


def test_stubs_count_against_the_limit():
    for limit in range(1, 12):
        assert len(prepared(chain(1_000), limit=limit).nodes) <= limit


def test_between_shows_the_ways_alone():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    h = x * 5
    loss = (h + w) * h
    graph = prepared(loss, between=(x, loss))
    assert [node.title for node in graph.nodes] == ["x", "×", "+", "×"]
    assert graph.caption == "4 of 5 values, between x and %4"
    assert [slot.text for slot in graph.nodes[2].slots] == ["∂ 1", "∂ 1"]
    assert len(graph.edges) == 4


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"focus": Value(1.0)}, ValueError, "focus= names .*not in this graph"),
        ({"focus": 3.0}, TypeError, "focus= takes a Value"),
        ({"between": (Value(1.0), Value(2.0))}, ValueError, "between= names .*not in this graph"),
        ({"between": 3}, TypeError, r"between= takes two Values, \(x, loss\)"),
        ({"radius": 0}, ValueError, "radius=0 is too small"),
        ({"group": 0}, ValueError, "group=0 is too small"),
        ({"group": "neuron"}, TypeError, "group= takes a depth"),
        ({"precision": 0}, ValueError, "precision=0"),
        ({"precision": 40}, ValueError, "precision=40"),
        ({"names": 3}, TypeError, "names= takes a dict"),
        ({"expand": "dot"}, TypeError, "a list of operations"),
        ({"expand": ["dott"]}, ValueError, "did you mean 'dot'"),
        ({"direction": "up"}, ValueError, "forward, backward"),
        ({"scale": 0}, ValueError, "scale=0"),
        ({"scale": "big"}, TypeError, "scale= takes a number"),
    ],
)
def test_bad_options_say_what_to_do(options, error, words):
    with pytest.raises(error, match=words):
        viz.to_svg(Value(1.0, "x") * 2, **options)


def test_no_way_between_is_an_error():
    x, w = Value(2.0), Value(3.0)
    y = x * w
    with pytest.raises(ValueError, match="no way leads from the first to the second"):
        viz.to_svg(y, between=(x, w))


def test_every_value_has_a_card_where_a_page_wants_it():
    root = chain(1_000)
    graph = prepare_all(root)
    assert len(graph.nodes) == 1_000
    assert [node.rows[0].text for node in graph.nodes[:2]] == ["1", "2"]


def test_many_modules_and_hostile_paths_are_drawn():
    values = []
    for index in range(400):
        value = Value(float(index)) * 2
        value.module = f"a.{index}." + ".".join(["b"] * index)
        values.append(value)
    values[0].module = "." * 50
    ElementTree.fromstring(viz.to_svg(ag.sum(values)))
