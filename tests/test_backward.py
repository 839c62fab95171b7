"""Gradients: the chain rule, accumulation, order, depth; and the same pass step by step."""

from __future__ import annotations

import gc
import random
import sys

import pytest

import autograd as ag
from autograd import Value, steps, topological_order


def test_the_bill_for_two_apples():
    price, count, tax = Value(100.0, "apple price"), Value(2.0, "apple count"), Value(1.1, "tax")
    apples = price * count
    bill = apples * tax
    bill.backward()
    assert (apples.data, bill.data) == (200.0, pytest.approx(220.0, rel=1e-15))  # 1.1 is not a binary fraction
    assert (bill.grad, apples.grad, tax.grad) == (1.0, 1.1, 200.0)
    assert (price.grad, count.grad) == (2.2, pytest.approx(110.0, rel=1e-15))


def test_leaves_accumulate_and_computed_nodes_restart():
    a = Value(3.0)
    square = a * a
    cube = square * a
    cube.backward()
    assert (a.grad, square.grad, cube.grad) == (27.0, 3.0, 1.0)
    cube.backward()
    assert (a.grad, square.grad, cube.grad) == (54.0, 3.0, 1.0)
    cube.zero_grad()
    assert (a.grad, square.grad, cube.grad) == (54.0, 3.0, 0.0)


def test_two_roots_share_leaves_and_nothing_else():
    a = Value(2.0)
    shared = a * 3
    f, g = shared + 1, shared * shared
    f.backward()
    g.backward()
    assert a.grad == 3.0 + 2 * 6.0 * 3.0
    assert shared.grad == 12.0


def test_upstream_gradient():
    a = Value(3.0)
    (a * a).backward(gradient=0.5)
    assert a.grad == 3.0
    a.backward(2)
    assert a.grad == 5.0
    with pytest.raises(TypeError, match="backward"):
        a.backward("1")


def test_zero_times_anything_is_zero():
    x = Value(0.0)
    y = x.log() * 0.0  # upstream of log is 0, its local derivative inf
    y.backward()
    assert x.grad == 0.0
    z = Value(2.0)
    (z * 0.0 * float("inf")).backward()  # upstream inf, local derivative 0
    assert z.grad == 0.0
    w = Value(-1.0)
    (w.relu() * float("inf")).backward()
    assert w.grad == 0.0


def test_kinks_have_the_minimum_norm_subgradient():
    for function in (ag.relu, ag.abs):
        x = Value(0.0)
        function(x).backward()
        assert x.grad == 0.0


def test_a_node_that_is_used_twice_in_reach_of_itself():
    a = Value(1.5)
    b = a + 1
    c = b * b * a + b
    c.backward()
    # c = a(a+1)² + a + 1, c' = (a+1)² + 2a(a+1) + 1
    assert a.grad == 2.5 * 2.5 + 2 * 1.5 * 2.5 + 1


def test_forty_doublings_are_forty_nodes():
    x = y = Value(1.0)
    for _ in range(40):
        y = y + y
    y.backward()
    assert x.grad == 2.0**40


def test_a_chain_of_a_million_nodes():
    limit = sys.getrecursionlimit()
    x = y = Value(1.0)
    for _ in range(1_000_000):
        y = y + 1e-6
    y.backward()
    assert x.grad == 1.0
    assert len(topological_order(y)) == 1_000_001
    assert sys.getrecursionlimit() == limit
    del y  # frees a million nodes without recursion


def test_graphs_die_with_their_last_reference():
    def live() -> int:
        return sum(type(o) is Value for o in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = live()
        x = Value(1.0)
        for _ in range(10):
            y = x
            for _ in range(100):
                y = y * x + 1
            y.backward()
            list(steps(y))
        del x, y
        assert live() == before  # no collector has run: reference counting alone
    finally:
        gc.enable()


def same(xs, ys) -> bool:
    """Whether these are the same nodes, not just equal numbers."""
    return [id(x) for x in xs] == [id(y) for y in ys]


def test_order_is_newest_first():
    a = Value(1.0, "a")
    late = Value(2.0, "late")
    b = a * late
    c = a + 1
    d = c * b
    assert same([s.node for s in steps(d)], [d, c, b])
    assert same(topological_order(d), [a, late, b, c, d])
    assert topological_order(a)[0] is a


def random_graph(rng: random.Random) -> Value:
    pool = [Value(rng.uniform(-2, 2)) for _ in range(rng.randint(1, 4))]
    for _ in range(rng.randint(1, 40)):
        a, b = rng.choice(pool), rng.choice(pool)
        made = rng.choice(
            [
                lambda a=a, b=b: a + b,
                lambda a=a, b=b: a * b,
                lambda a=a, b=b: a - b * 0.5,
                lambda a=a: a.tanh(),
                lambda a=a: a.relu(),
                lambda a=a: (a * 0.1).exp(),
                lambda a=a, b=b: ag.dot([a, b, 2.0], [b, 0.5, a]),
                lambda a=a, b=b: a / (b * b + 1),
            ]
        )()
        pool.append(made)
    return pool[-1]


@pytest.mark.skipif(ag.compiled, reason="no Python runs during a compiled pass")
def test_a_pass_that_is_interrupted_leaves_the_leaves_as_they_were(monkeypatch):
    x = Value(2.0)
    y = x * x
    y.backward()
    passed = Value._pass_back

    def interrupted(*arguments):
        passed(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Value, "_pass_back", interrupted)
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    assert x.grad == 4.0


def test_a_sparse_pass_leaves_nothing_for_the_next_one():
    """Creation numbers that lie far apart end the quick way of the compiled core, which begins with a ring of nodes."""

    def spread(x: Value, nodes: int, between: int) -> Value:
        for _ in range(nodes):
            for _ in range(between):
                Value(0.0)
            x = x * 1.0
        return x

    x, other = Value(1.0), Value(1.0)
    root = spread(x, 4, 600)
    root.backward()
    assert x.grad == 1.0
    spread(other, 2000, 1).backward()
    assert (x.grad, other.grad) == (1.0, 1.0)


def unrelated(count: int) -> None:
    for _ in range(count):
        Value(0.0)


def test_nodes_that_wait_while_others_are_met_far_away_have_their_turn():
    x = Value(1.0)
    far = y = x * 2.0
    for i in range(140_000):
        y = y + 1.0
        if i == 70_000:
            middle = y * 3.0
    ag.sum([middle, far, y]).backward()  # met in this order, twice farther away than what there is room for
    assert x.grad == 2.0 * (3.0 + 1.0 + 1.0)


def test_nodes_that_lie_far_apart_are_visited_newest_first():
    x = Value(1.0)
    old = x * 3.0
    unrelated(50_000)
    new = old * 2.0
    unrelated(50_000)
    ag.sum([old, new]).backward()  # met in this order
    assert (old.grad, x.grad) == (3.0, 9.0)


def test_a_pass_that_takes_another_way_leaves_nothing_to_the_next_one():
    """Nodes that lie far apart are found by the walk; the sweep that met some of them goes over their places again."""
    x, y = Value(1.0), Value(1.0)
    p = x * 3.0
    unrelated(5_000)
    q = y * 2.0
    unrelated(45_000)
    x.grad = 1.0
    (p + 1.0).backward(2.0)
    assert x.grad == 1.0 + 3.0 * 2.0
    chain = y
    for _ in range(8_000):
        chain = chain + 1.0
    (chain + q).backward()
    assert (x.grad, y.grad) == (7.0, 1.0 + 2.0)
