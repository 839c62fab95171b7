"""A backward pass over graphs whose creation numbers lie together, apart, and far apart; and running out of memory."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from starved import starved
from test_backward import random_graph

import autograd as ag
from autograd import Value
from autograd.backward_pass import BackwardPass


def skip_numbers(count: int) -> None:
    """Make nodes that no graph has, so that the next one is newer by so much."""
    for _ in range(count):
        Value(0.0)


def chain(length: int, start: Value, skip: int = 0) -> Value:
    """A computed node that depends on a start in so many steps, between which numbers are skipped."""
    y = start * 1.0
    for i in range(length):
        skip_numbers(skip)
        y = y * 0.999 + start if i % 3 else y - 0.01
    return y


def with_an_old_operand(length: int, skip: int) -> Value:
    """A graph that comes back to its oldest node at its end."""
    x = Value(0.7)
    old = x * x
    skip_numbers(skip)
    return old * chain(length, x) * old


def many_leaves(count: int) -> Value:
    return ag.dot([Value(i * 0.1) for i in range(count)], [Value(math.cos(i)) for i in range(count)]) * Value(2.0)


# what is met on the way: the ring grows for an operand far behind; places stay empty, few or too many; an operand lies
# further behind than any ring reaches, at once or where the ring and marks are in use
GRAPHS: dict[str, Callable[[], Value]] = {
    "a leaf": lambda: Value(2.0),
    "together": lambda: chain(2000, Value(0.5)),
    "a wide node": lambda: many_leaves(2000),
    "far back": lambda: with_an_old_operand(3000, 0),
    "further back than the ring that is kept": lambda: with_an_old_operand(70_000, 0),
    "some empty places": lambda: with_an_old_operand(2000, 5000),
    "too many empty places": lambda: with_an_old_operand(10, 5000),
    "too many empty places, with nodes behind them": lambda: chain(40, with_an_old_operand(50, 0), 1000),
    "empty places everywhere": lambda: chain(300, Value(0.5), 20),
    "zero and inf": lambda: (Value(0.0).log() * 0.0 + Value(3.0)) * chain(20, Value(1.0), 900),
}
if ag.compiled:
    GRAPHS["too far for a ring"] = lambda: with_an_old_operand(500, 9_000_000)


def bits(numbers: list[float]) -> list[str]:
    return [number.hex() for number in numbers]


def check_pass(root: Value) -> None:
    """Run a pass, and compare every gradient with the account of it, which is worked out in Python."""
    account = BackwardPass(root, 0.5).finish()
    is_leaf = [node.primitive is None for node in account.nodes]
    before = [node.grad for node in account.nodes]
    expected = [
        gradient + was if leaf else gradient
        for gradient, was, leaf in zip(account.gradients, before, is_leaf, strict=True)
    ]
    root.backward(0.5)
    assert bits([node.grad for node in account.nodes]) == bits(expected)
    assert all(node.reached for node in account.nodes)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_gradient_has_the_bits_of_the_account(name):
    root = GRAPHS[name]()
    for _ in range(2):  # the second pass finds gradients, and no mark of the first
        check_pass(root)


def test_random_graphs_have_the_bits_of_the_account():
    rng = random.Random(17)
    for _ in range(200):
        check_pass(random_graph(rng))


# what the pass of the compiled engine allocates anew: more leaves, a larger ring, the walk's lists
WITHOUT_MEMORY = ["too many empty places", "too many empty places, with nodes behind them"]
if ag.compiled:  # in Python each number is an allocation
    WITHOUT_MEMORY += ["a wide node", "further back than the ring that is kept"]


@pytest.mark.parametrize("name", WITHOUT_MEMORY)
def test_a_pass_without_memory_changes_no_leaf_and_leaves_no_mark(name):
    root = GRAPHS[name]()
    nodes = BackwardPass(root).nodes
    leaves = [node for node in nodes if node.primitive is None]

    def prepare() -> None:
        for leaf in leaves:
            leaf.grad = 1.5

    def passed() -> list[str]:
        prepare()
        root.backward(0.5)
        return bits([node.grad for node in nodes])

    expected = passed()
    failures = 0
    for _ in starved(lambda: root.backward(0.5), prepare, quiet_runs=10):
        failures += 1
        assert [leaf.grad for leaf in leaves] == [1.5] * len(leaves)
        assert passed() == expected
    assert failures >= 1
