"""What a prepared graph says, before anybody draws it."""

from __future__ import annotations

import math
from typing import Unpack

import pytest

import autograd as ag
import nn
import viz
from autograd import Value, named_scope
from viz.graph import prepare, walk
from viz.options import PictureOptions, complete


def chosen(**options: Unpack[PictureOptions]) -> PictureOptions:
    return complete(PictureOptions, options)


def neuron() -> tuple[Value, list[Value]]:
    x1, w1, x2, w2, b = (Value(d, n) for d, n in [(2.0, "x1"), (-1.5, "w1"), (0.5, "x2"), (1.0, "w2"), (3.2, "b")])
    f = (x1 * w1 + x2 * w2 + b).tanh()
    f.label = "f"
    return f, [w1, w2, b]


def test_cards_of_a_neuron():
    f, parameters = neuron()
    f.backward()
    graph = prepare(f, chosen(parameters=parameters))
    shown = [(n.kind, n.title, n.subtitle, [r.text for r in n.rows], [s.text for s in n.slots]) for n in graph.nodes]
    assert shown == [
        ("input", "x1", "", ["2", "-0.9521"], []),
        ("parameter", "w1", "", ["-1.5", "+1.269"], []),
        ("input", "x2", "", ["0.5", "+0.6347"], []),
        ("parameter", "w2", "", ["1", "+0.3174"], []),
        ("parameter", "b", "", ["3.2", "+0.6347"], []),
        ("operation", "×", "", ["-3", "+0.6347"], ["∂ -1.5", "∂ 2"]),
        ("operation", "×", "", ["0.5", "+0.6347"], ["∂ 1", "∂ 0.5"]),
        ("operation", "+", "", ["-2.5", "+0.6347"], ["∂ 1", "∂ 1"]),
        ("operation", "+", "", ["0.7", "+0.6347"], ["∂ 1", "∂ 1"]),
        ("operation", "tanh", "f", ["0.6044", "+1"], ["∂ 0.6347"]),
    ]
    assert [n.is_output for n in graph.nodes] == [False] * 9 + [True]
    ends = [(e.tail, e.head, e.slot) for e in graph.edges]
    assert ends == [(0, 5, 0), (1, 5, 1), (2, 6, 0), (3, 6, 1), (5, 7, 0), (6, 7, 1), (7, 8, 0), (4, 8, 1), (8, 9, 0)]


@pytest.mark.parametrize(
    ("expression", "slots"),
    [
        (lambda x: x * 2, ["∂ 2", "2"]),
        (lambda x: 2 * x, ["2", "∂ 2"]),
        (lambda x: x**2, ["∂ 6", "2"]),
        (lambda x: 1 - x, ["1", "∂ -1"]),
        (lambda x: x * x, ["∂ 3", "∂ 3"]),
        (lambda x: -x, ["∂ -1"]),
        (lambda x: ag.sum([x, 1, x]), ["∂ 1", "1", "∂ 1"]),
        (lambda x: ag.dot([x, 4.0], [5.0, x]), ["∂ 5", "4", "5", "∂ 4"]),
        (lambda x: ag.softmax_cross_entropy([x, 3.0], 1), ["∂ 0.5", "3", "class 1"]),
    ],
)
def test_every_operand_as_written_has_a_slot(expression, slots):
    graph = prepare(expression(Value(3.0)))
    node = graph.nodes[-1]
    assert [slot.text for slot in node.slots] == slots
    assert [slot.is_number for slot in node.slots] == ["∂" not in text for text in slots]
    assert [edge.slot for edge in graph.edges] == [i for i, text in enumerate(slots) if "∂" in text]


def test_dot_is_divided_between_its_two_sequences():
    x = Value(3.0)
    assert prepare(ag.dot([x, 1, 2], [3, 4, 5])).nodes[-1].divider == 3
    assert prepare(x + 1).nodes[-1].divider is None


def test_gradients_show_only_after_a_backward_pass():
    f, _ = neuron()
    before = prepare(f)
    assert {node.rows[1].text for node in before.nodes} == {"–"}
    assert {node.gradient for node in before.nodes} == {None}
    assert {edge.contribution for edge in before.edges} == {None}
    f.backward()
    after = prepare(f)
    assert all(edge.contribution is not None for edge in after.edges)
    assert {node.rows[1].text for node in before.nodes} == {"–"}, "a prepared graph is a snapshot"


def test_contributions_add_up_to_the_gradients():
    f, _ = neuron()
    y = f * f + f
    y.backward()
    order, graph = walk(y), prepare(y)
    for position, value in enumerate(order[:-1]):
        assert math.fsum(e.contribution for e in graph.edges if e.tail == position) == pytest.approx(value.grad)


def test_a_zero_factor_contributes_zero():
    x = Value(0.0, "x")
    y = x.sqrt() * 0
    y.backward()
    assert [edge.contribution for edge in prepare(y).edges] == [0.0, 0.0]


def test_a_leaf_of_a_module_is_a_parameter():
    with named_scope("layers.0"):
        w = Value(1.0, "w0")
        w.module = "layers.0"
    graph = prepare(w * Value(2.0, "x"))
    assert [node.kind for node in graph.nodes] == ["parameter", "input", "operation"]
    assert "module=layers.0" in graph.nodes[0].tooltip


def test_a_card_of_a_parameter_goes_by_the_end_of_its_path_and_its_tooltip_by_all_of_it():
    w = Value(1.0, "w0")
    w.module = "layers.0.neurons.2"
    node = prepare(w * 2).nodes[0]
    assert (node.title, node.tooltip) == ("w0", "%0  w0  data=1.0  module=layers.0.neurons.2")


def test_a_module_is_called_before_it_is_drawn():
    with pytest.raises(TypeError, match=r"not from MLP: call it first, draw\(model\(x\), \.\.\.\)"):
        viz.draw(nn.MLP(2, [1]), "/nowhere/model.svg")  # type: ignore[arg-type]


def test_a_leaf_without_a_label_goes_by_its_number():
    a, b, c = Value(1.0), Value(2.0, "b"), Value(3.0, "  ")
    assert [node.title for node in prepare(ag.sum([a, b, c])).nodes] == ["%0", "b", "%2", "sum"]


def test_tooltips_carry_full_precision():
    x = Value(0.1, "x")
    y = x * 3
    y.backward()
    graph = prepare(y)
    assert graph.nodes[0].tooltip == "%0  x  data=0.1  grad=3.0"
    assert graph.nodes[1].tooltip == "%1  ×  data=0.30000000000000004  grad=1.0"
    assert graph.edges[0].tooltip == "1.0 × 3.0 = 3.0"


def test_several_roots():
    x = Value(2.0, "x")
    a, b = x + 1, x * 5
    order = walk([b, a])
    place = {id(value): i for i, value in enumerate(order)}
    assert len(order) == 3
    assert all(place[id(parent)] < place[id(value)] for value in order for parent in value.parents)
    assert [node.is_output for node in prepare([b, a]).nodes] == [False, True, True]


@pytest.mark.parametrize(
    ("root", "error", "words"),
    [
        (3.0, TypeError, "not from float"),
        (None, TypeError, "not from NoneType"),
        ([Value(1.0), 2.0], TypeError, "holds a float"),
        ([], ValueError, "empty"),
    ],
)
def test_roots_that_are_no_graph(root, error, words):
    for call in (viz.draw_dot, viz.to_dot, viz.to_svg, viz.print_graph, viz.trace):
        with pytest.raises(error, match=words):
            call(root)


def test_parameters_must_be_leaves():
    x = Value(1.0, "x")
    y = x + 1
    with pytest.raises(ValueError, match=r"is computed"):
        viz.to_dot(y, parameters=[y])
    with pytest.raises(TypeError, match="not str"):
        viz.to_dot(y, parameters=["w"])
    assert prepare(y, chosen(parameters=[Value(9.0)])).nodes[0].kind == "input", "a parameter elsewhere is no concern"


def test_trace_is_micrograds():
    a, b = Value(2.0), Value(2.0)
    c = a * a + b
    nodes, edges = viz.trace(c)
    assert {id(v) for v in nodes} == {id(a), id(b), id(c), id(c.parents[0])}
    assert {(id(p), id(q)) for p, q in edges} == {
        (id(a), id(c.parents[0])),
        (id(c.parents[0]), id(c)),
        (id(b), id(c)),
    }
