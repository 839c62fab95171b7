"""compare: what changed between two runs, and where their graphs part."""

from __future__ import annotations

import math
import random

import pytest
from graphs import Program, random_program, run

import autograd as ag
import nn
from autograd import Value, compare


def test_an_update_is_told_largest_change_first():
    x, w = Value(2.0, "x"), Value(0.5, "w")

    def loss() -> Value:
        return (x * w - 3) ** 2

    before = loss()
    w.data = 1.0
    found = compare(before, loss())
    assert found.same_shape
    assert [(c.node.op or c.node.label, c.before, c.after, c.by) for c in found.changes] == [
        ("**", 4.0, 1.0, -3.0),
        ("*", 1.0, 2.0, 1.0),
        ("-", -2.0, -1.0, 1.0),
        ("w", 0.5, 1.0, 0.5),
    ]
    assert found.compared == 7


@pytest.mark.parametrize("seed", range(30))
def test_two_runs_of_one_program(seed: int):
    made = random_program(seed)
    first = run(made, [Value(x) for x in made.inputs])
    second = run(made, [Value(x + 0.001) for x in made.inputs])
    found = compare(first[-1], second[-1])
    assert found.same_shape
    reached = {id(node) for node in ag.topological_order(second[-1])}
    pairs = {id(b): a.data for a, b in zip(first, second, strict=True)}
    told = {id(c.node): (c.before, c.after) for c in found.changes}
    for node in second:
        if id(node) in reached:
            want = (pairs[id(node)], node.data)
            same = want[0] == want[1] or (math.isnan(want[0]) and math.isnan(want[1]))
            assert told.get(id(node)) == (None if same else want)
    sizes = [abs(c.by) for c in found.changes if c.before is not None]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_graph_twice_is_unchanged(seed: int):
    made: Program = random_program(seed)
    leaves = [Value(x) for x in made.inputs]
    found = compare(run(made, leaves)[-1], run(made, leaves)[-1])
    assert (found.changes, found.parted, found.ended) == ((), (), ())


def test_a_trained_model_shows_what_its_weights_were():
    model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    old = [p.data for p in model.parameters()]
    inputs = [Value(0.5), Value(-1.0)]
    before = nn.mse(model(inputs), 1.0)
    before.backward()
    optimizer.step()
    found = compare(before, nn.mse(model(inputs), 1.0))
    assert found.same_shape
    was = {id(c.node): c.before for c in found.changes}
    weights = [(p, x) for p, x in zip(model.parameters(), old, strict=True) if p.name.split(".")[-1] != "b"]
    assert len(weights) == 9
    for p, x in weights:
        assert was[id(p)] == x  # the other factor of dot holds it
    biases = [p for p in model.parameters() if p.name.split(".")[-1] == "b"]
    assert len(biases) == 4
    assert [was[id(b)] for b in biases] == [0.0] * 4  # what the rest of a sum leaves
    assert "b %" in str(found)
    assert "≈ 0 → " in str(found)


def test_an_update_that_does_not_show():
    x, w = Value(-2.0, "x"), Value(1.0, "w")

    def loss() -> Value:
        return (x * w).relu() + 1

    before = loss()
    w.data = 0.5
    lines = str(compare(before, loss())).splitlines()
    assert lines[0] == "+ %4: 1 both times; of 6 numbers 2 changed, the largest change first"
    assert lines[-1] == "  a change ends at relu %3, which is 0 both times"


def test_no_update_at_all():
    x, w = Value(2.0, "x"), Value(1.0, "w")
    text = str(compare(x * w, x * w))
    assert "none changed" in text
    assert "no leaf is known to have had another number: was anything updated between the two?" in text


def test_what_a_leaf_was_is_not_claimed_where_nothing_tells():
    x = Value(-1.0, "x")
    before = x.relu()
    x.data = -7.0
    found = compare(before, x.relu())
    assert (found.changes, [id(leaf) for leaf in found.unknown]) == ((), [id(x)])
    assert "what x %0 was is not known: nothing here depends on it" in str(found)
    grown = x.exp()
    x.data = 2.0
    (_, change) = compare(grown, x.exp()).changes
    assert (change.node is x, change.before, change.after) == (True, None, 2.0)
    assert math.isnan(change.by)


# -- graphs of another shape -----------------------------------------------------------------------------------------
def test_an_if_that_went_the_other_way():
    def program(x: Value) -> Value:
        y = x * 2
        return (y.tanh() if y > 0 else -y) + 1

    first, second = program(Value(1.0)), program(Value(-1.0))
    found = compare(first, second)
    assert not found.same_shape
    assert [(a.op, b.op) for a, b in found.parted] == [("tanh", "neg")]
    assert "the graphs part: tanh %2 before, neg %2 after" in str(found)


def test_a_loop_of_another_length():
    def program(n: int) -> Value:
        y = x
        for _ in range(n):
            y = y * 2
        return y

    x = Value(1.0, "x")
    found = compare(program(3), program(4))
    assert "the graphs part: the leaf x %0 before, × %1 after" in str(found)


def test_other_ways_to_part():
    x, y = Value(1.0, "x"), Value(1.0, "y")
    assert len(compare(x * x, x * y).parted) == 1  # shared in one, not in the other
    assert len(compare(x * y, x * x).parted) == 1
    assert [type(side) for side in compare(x * 2, x * y).parted[0]] == [float, Value]
    assert "the number 2 before, the leaf y %1 after" in str(compare(x * 2, x * y))
    assert len(compare(ag.sum([x, y]), ag.sum([x, y, 1.0])).parted) == 1
    assert len(compare(x, x * 2).parted) == 1
    many = [compare(ag.sum([x.exp() for _ in range(9)]), ag.sum([x.log() for _ in range(9)]))]
    assert "and at 4 more places" in str(many[0])


def test_numbers_among_the_operands_are_compared():
    x = Value(3.0, "x")
    found = compare(x * 2, x * 5)
    assert [(c.name, c.before, c.after) for c in found.changes] == [
        ("× %1", 6.0, 15.0),
        ("number 5 in × %1", 2.0, 5.0),
    ]


def test_deep_graphs():
    def chain(x: Value) -> Value:
        y = x
        for _ in range(50_000):
            y = y + 1e-6
        return y

    found = compare(chain(Value(1.0, "x")), chain(Value(2.0, "x")))
    assert len(found.changes) == 50_001
    assert "more changes" in str(found)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="a Value as before, not float"):
        compare(1.0, Value(1.0))
    with pytest.raises(TypeError, match="a Value as after, not NoneType"):
        compare(Value(1.0), None)


def test_it_touches_nothing():
    rng = random.Random(0)
    x = Value(rng.random(), "x")
    before, after = x * x, x * x
    before.backward()
    grads = [n.grad for n in ag.topological_order(before)]
    compare(before, after)
    assert [n.grad for n in ag.topological_order(before)] == grads
    assert not after.reached


@pytest.mark.parametrize(
    ("before", "after", "count"), [(math.nan, math.nan, 0), (math.nan, 1.0, 1), (1.0, math.nan, 1)]
)
def test_a_nan_is_a_change_where_there_was_a_number(before: float, after: float, count: int):
    assert len(compare(Value(before), Value(after)).changes) == count
