"""No memory, still Python: whichever allocation fails, the result is MemoryError, and the next call is right."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from starved import starved

import autograd as ag
from autograd import Value, named_scope, no_grad, steps
from autograd.modes import current_mode
from autograd.tape.tape import Tape

X, W = Value(0.5, "x"), Value(-0.25, "w")


def function(x: Value, i: Value) -> Value:
    y = x * W + 1.0
    if y > 0.0:
        y = ag.dot([x, 2.0, y], [y, x, W]) - x**2
    y = ag.where(y < 3.0, y.tanh(), y) + ag.take([x, y, 1.0], i) + y.detach()
    return ag.softmax_cross_entropy([y, x, 1.0], i) / 2 + ag.sum([y, x, 0.5]) * ag.exp(y * 0.1)


def graph() -> Value:
    with named_scope("a"):
        y = X * W + 1.0
    with no_grad():
        z = y * 2.0
    return ag.dot([X, 2.0, y], [y, z, W]) + ag.softmax_cross_entropy([y, X, 1.0], 0) - y**2 / 3.0


ROWS = [[0.5 + 0.01 * i, float(i % 3)] for i in range(70 if ag.compiled else 1)]
TAPE = ag.record(function, inputs=[Value(0.5), Value(1.0)])
PICKLE = pickle.dumps(TAPE)
FAST = ag.taped(lambda x, i: function(x, i))


def replayed(tape: Tape) -> Any:
    W.grad = 0.0
    found = tape.forward(ROWS), tape.value_and_grad(ROWS)
    return found, W.grad


def backward() -> list[float]:
    X.grad = W.grad = 0.0
    root = graph()
    root.backward()
    return [root.data, X.grad, W.grad]


WORK: dict[str, Callable[[], Any]] = {
    "graph": lambda: graph().data,
    "backward": backward,
    "steps": lambda: [str(step) for step in steps(graph())],
    "record": lambda: ag.record(function, inputs=[Value(0.5), Value(1.0)]).stats()["by kind"],
    "lowering and replay": lambda: replayed(ag.record(function, inputs=[Value(0.5), Value(1.0)])),
    "replay": lambda: replayed(TAPE),
    "taped": lambda: ag.taped(lambda x, i: function(x, i)).forward(ROWS),
    "taped again": lambda: (FAST(0.5, 1).data, FAST.forward(ROWS)),
    "transforms": lambda: (ag.grad(lambda x: x * x * W)(2.0), ag.hessian(lambda x: x**3.0)(2.0)),
    # dumps is left out: where pickle itself lacks memory to look a function up, it raises PicklingError
    "unpickled tape": lambda: pickle.loads(PICKLE).forward(ROWS),
}


@pytest.mark.parametrize("name", WORK)
def test_whichever_allocation_fails(name):
    work = WORK[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = work()
        assert work() == expected
        failures = 0
        for _ in starved(work):
            failures += 1
            assert current_mode() is None
            if failures % 7 == 1:
                assert work() == expected
        assert work() == expected
    assert failures > 0
