"""Operands that were assigned since the graph was recorded: marked wherever numbers are shown."""

from __future__ import annotations

import io
import math
import random

import pytest

import autograd as ag
import viz
from autograd import Value
from autograd.assigned import assigned_marks, assigned_operands
from autograd.recorded import is_as_recorded, recorded_number
from viz.graph import prepare, walk

E = [
    # expression of x (2) and y (3); what is known of x after x.data = 100
    (lambda x, y: x * y, {0: 2.0}),
    (lambda x, y: y * x, {1: 2.0}),
    (lambda x, y: x * x, {0: 2.0, 1: 2.0}),
    (lambda x, y: x**2, {0: 2.0}),
    (lambda x, y: -x, {0: 2.0}),
    (lambda x, y: abs(x), {0: 2.0}),
    (lambda x, y: x.relu(), {0: 2.0}),
    (lambda x, y: ag.minimum(x, y), {0: 2.0}),
    (lambda x, y: ag.dot([x, 1.0], [y, x]), {0: 2.0, 3: None}),
    (lambda x, y: ag.dot([x, 1.0], [y, y]), {0: 2.0}),
    (lambda x, y: ag.dot([y, x, 1.0], [y, y, y]), {1: 2.0}),
    (lambda x, y: x + 1, {0: None}),
    (lambda x, y: 5 / x, {1: None}),
    (lambda x, y: x.exp(), {0: None}),
    (lambda x, y: x**3, {0: None}),
    (lambda x, y: x + x, {0: None}),
    (lambda x, y: x + y, {-1: None}),
    (lambda x, y: ag.sum([x, y, 1.0]), {-1: None}),
    (lambda x, y: ag.logsumexp([x, y]), {-1: None}),
    (lambda x, y: ag.where(1.0, y, x), {}),
    (lambda x, y: x * 0, {}),
]


@pytest.mark.parametrize(("expression", "known"), E)
def test_what_is_known_of_an_assigned_operand(expression, known):
    x, y = Value(2.0), Value(3.0)
    node = expression(x, y)
    assert assigned_operands(node) == {}
    x.data = 100.0
    assert assigned_operands(node) == known


@pytest.mark.parametrize(("expression", "known"), E)
def test_the_number_that_a_leaf_had_is_told_where_a_node_holds_it(expression, known):
    x, y = Value(2.0), Value(3.0)
    node = expression(x, y)
    x.data = 100.0
    if node.operands and any(operand is x for operand in node.operands) and known:
        held = [number for number in known.values() if number is not None]
        assert recorded_number(x, [node]) == (held[0] if held else None)


def test_a_node_of_nan_is_as_recorded():
    x = Value(math.nan)
    y = x * 2.0
    assert is_as_recorded(y)
    x.data = 1.0
    assert not is_as_recorded(y)


def test_an_old_number_is_the_old_number_or_is_not_told():
    draw = random.Random(1)
    for expression, _ in E:
        for _ in range(50):
            old, new, other = draw.uniform(-3, 3), draw.uniform(-3, 3), draw.uniform(-3, 3)
            x, y = Value(old), Value(other)
            node = expression(x, y)
            assert assigned_operands(node) == {}
            x.data = new
            for position, was in assigned_operands(node).items():
                assert was is None or was == old, (node.op, position)
                if position >= 0:
                    assert node.operands[position] is x


@pytest.mark.parametrize("number", [0.0, -0.0, math.inf, -math.inf, math.nan, 1e308, 5e-324])
def test_no_false_alarm(number):
    for expression, _ in E:
        x, y = Value(number), Value(3.0)
        assert assigned_operands(expression(x, y)) == {}
        x, y = Value(2.0), Value(number)
        assert assigned_operands(expression(x, y)) == {}


def test_users_primitives_are_not_called():
    calls = []

    def counted(x: float) -> float:
        calls.append(x)
        return x

    x = Value(1.0)
    y = ag.primitive("counted_calls", counted, lambda x, out: 1.0)(x)
    x.data, made = 5.0, len(calls)
    assert assigned_operands(y) == {}
    assert len(calls) == made


def test_pictures_and_listings_mark_it():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    z = x * y
    x.data = 100.0
    assert assigned_marks(walk(z)) == {id(x): "was 2"}
    assert [row.text for row in prepare(z).nodes[0].rows] == ["100, was 2", "–"]
    assert "100, was 2" in viz.to_svg(z)
    assert "100, was 2" in viz.to_dot(z)
    out = io.StringIO()
    viz.print_graph(z, out)
    assert "100, was 2" in out.getvalue()
    total = x + y
    y.data = 4.0
    assert assigned_marks(walk(total)) == {id(total): "operands assigned since"}
    alone = y + 1
    y.data = 9.0
    assert assigned_marks(walk(alone)) == {id(y): "assigned since"}
