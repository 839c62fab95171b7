"""Copies and pickles: contents, sharing, depth."""

from __future__ import annotations

import copy
import gc
import pickle
import random
import sys

import pytest
from test_backward import random_graph

import nn
from autograd import Value, topological_order

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def contents(root: Value) -> list[tuple]:
    nodes = topological_order(root)
    place = {id(node): i for i, node in enumerate(nodes)}
    return [
        (
            node.data,
            node.grad,
            node.op,
            node.label,
            node.module,
            node.local_grads,
            [("node", place[id(o)]) if type(o) is Value else o for o in node.operands],
        )
        for node in nodes
    ]


def duplicators():
    yield "deepcopy", copy.deepcopy
    for protocol in PROTOCOLS:
        yield f"pickle {protocol}", lambda x, protocol=protocol: pickle.loads(pickle.dumps(x, protocol))
    yield "python pickle", lambda x: pickle.loads(pickle._dumps(x))


@pytest.mark.parametrize(("name", "duplicate"), list(duplicators()))
def test_a_copy_has_the_same_contents_and_no_node_in_common(name, duplicate):
    rng = random.Random(1)
    for _ in range(30):
        root = random_graph(rng)
        root.label = "root"
        root.backward()
        twin = duplicate(root)
        assert contents(twin) == contents(root)
        assert not {id(n) for n in topological_order(twin)} & {id(n) for n in topological_order(root)}
        twin.backward()
        root.backward()
        assert contents(twin) == contents(root)


@pytest.mark.parametrize(("name", "duplicate"), list(duplicators()))
def test_sharing_survives_across_roots(name, duplicate):
    x = Value(2.0, "x")
    h = x.tanh()
    f, g = h * 2, h + x
    f2, g2, h2, x2 = duplicate([f, g, h, x])
    assert f2.parents[0] is g2.parents[0] is h2
    assert g2.parents[1] is h2.parents[0] is x2
    d = duplicate({"a": g, "b": [f, g]})
    assert d["a"] is d["b"][1]


@pytest.mark.parametrize("length", [1, 2, 999, 1000, 1001, 1002, 2001, 5000])
def test_lengths_around_a_picklers_batches(length):
    y = Value(0.0)
    for i in range(length):
        y = y + i
    for dumps in (pickle.dumps, pickle._dumps):
        assert contents(pickle.loads(dumps([y, y]))[0]) == contents(y)


@pytest.mark.slow
def test_a_graph_of_a_million_nodes_is_copied_and_pickled():
    limit = sys.getrecursionlimit()
    x = y = Value(1.0)
    for _ in range(1_000_000):
        y = y + 1e-6
    for duplicate in (copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))):
        twin = duplicate(y)
        twin.backward()
        nodes = topological_order(twin)
        assert (len(nodes), nodes[0].grad, twin.data) == (1_000_001, 1.0, y.data)
        del twin, nodes
    assert x.grad == 0.0
    assert sys.getrecursionlimit() == limit


def test_an_edited_copy_leaves_the_original_alone():
    x = Value(2.0, "x")
    y = x * x
    twin = copy.deepcopy(y)
    leaf = twin.parents[0]
    leaf.data, leaf.grad, leaf.label = 5.0, 1.0, "edited"
    assert (x.data, x.grad, x.label, twin.data) == (2.0, 0.0, "x", 4.0)
    with pytest.raises(AttributeError, match="computed"):
        twin.data = 1.0


def test_a_shallow_copy_shares_its_parents():
    x = Value(2.0)
    y = x * x
    y.grad = 3.0
    twin = copy.copy(y)
    assert twin is not y
    assert twin.parents[0] is x
    assert (twin.data, twin.grad, twin.op) == (4.0, 3.0, "*")
    leaf = copy.copy(x)
    leaf.data = 7.0
    assert x.data == 2.0


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("not this")


def test_a_pickle_that_fails_leaves_nothing_behind():
    y = Value(0.0)
    for _ in range(3000):
        y = y + 1.0

    class Full:
        def __init__(self, room):
            self.room = room

        def write(self, data):
            self.room -= len(data)
            if self.room < 0:
                raise OSError("full")

    for room in (0, 70_000):
        with pytest.raises(OSError, match="full"):
            pickle.Pickler(Full(room)).dump(y)
    with pytest.raises(RuntimeError, match="not this"):
        pickle.dumps([y, Unpicklable()])
    gc.collect()
    # had a pickler's progress been kept, the middle would be written without its parents: too deep
    middle = topological_order(y)[1500]
    assert contents(pickle.loads(pickle.dumps(middle))) == contents(middle)


def test_models_are_copied_and_pickled():
    model = nn.MLP(2, [3, 1], seed=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert [p.data for p in twin.parameters()] == [p.data for p in model.parameters()]
        assert not {id(p) for p in twin.parameters()} & {id(p) for p in model.parameters()}
        assert twin([0.5, 1.0]).data == model([0.5, 1.0]).data
