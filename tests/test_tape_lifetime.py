"""What a tape keeps alive, how deep it may be, and threads that share one or record at the same time."""

from __future__ import annotations

import gc
import random
import sys
import threading
import tracemalloc

import pytest
import tapes

import autograd as ag
from autograd import Tape, Value, primitive

noted = primitive("noted_square", lambda x: x * x, [lambda x, out: 2 * x])


def test_a_tape_keeps_its_parameters_and_nothing_else_of_the_graph():
    p, leaf, label = Value(2.0), Value(1.0), "a label of some length"
    before = sys.getrefcount(p), sys.getrefcount(leaf), sys.getrefcount(label)

    def function(x):
        y = x * p
        y.label = label
        return y * y if y > 0.0 else y

    held = [ag.record(function, inputs=[leaf]) for _ in range(5)]
    held[0].value_and_grad([[1.0]] * 9)
    assert sys.getrefcount(leaf) == before[1]  # no node has it as a parent, and it is no parameter
    assert sys.getrefcount(label) == before[2]  # the nodes that were labelled are gone
    assert sys.getrefcount(p) == before[0] + len(held)
    held.clear()
    assert sys.getrefcount(p) == before[0]


def test_replays_leave_no_memory_behind():
    p = Value(2.0)
    tape = ag.record(lambda x: [p * x if x > 0.0 else x, noted(x)], inputs=[1.0])

    def work() -> None:
        for _ in range(20):
            tape.value_and_grad([[1.0]] * 9)
            tape.forward([[1.0]] * 70)
            for wrong in ([["a"]], [[-1.0]], [[1.0, 2.0]]):
                with pytest.raises((TypeError, ValueError, ag.BranchChanged)):
                    tape.forward(wrong)

    work()
    gc.collect()
    tracemalloc.start()
    work()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    work()
    work()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 2000  # one row's list or array for each of the 40 calls would be more


def test_a_deep_graph_is_recorded_without_recursion():
    depth = 200_000 if ag.compiled else 20_000

    def function(x):
        for _ in range(depth):
            x = x * 1.0000001 - 1e-9
        return x

    tape = ag.record(function, inputs=[1.0])
    assert tape.stats()["live"] == 2 * depth
    x = Value(0.5)
    eager = function(x)
    eager.backward()
    assert tape.value_and_grad([[0.5]]) == ([eager.data], [[x.grad]])


# -- threads ---------------------------------------------------------------------------------------------------------
def test_one_tape_in_several_threads():
    rng = random.Random(17)  # whose numbers are finite, so that equal means equal
    made = tapes.layered(rng, 0.0)
    made.outputs = (made.pool_size() + len(made.steps) - 1,)
    params = [Value(x) for x in made.params]
    tape = ag.record(lambda *xs: made(xs, params), inputs=[0.0] * made.inputs, params=())
    batches = [[made.row(rng, 0.0) for _ in range(count)] for count in (1, 5, 9, 70)]
    expected = [tape.value_and_grad(batch) for batch in batches]
    wrong: list[int] = []

    def work(first: int) -> None:
        for i in range(40):
            at = (first + i) % len(batches)
            if tape.value_and_grad(batches[at]) != expected[at] or tape.forward(batches[at]) != expected[at][0]:
                wrong.append(at)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


def test_threads_record_at_the_same_time():
    tapes_of: dict[int, Tape] = {}
    start = threading.Barrier(3)

    def work(k: int) -> None:
        p = Value(float(k))

        def function(x):
            start.wait()
            return x * p if x < 10.0 * k else x

        tapes_of[k] = ag.record(function, inputs=[1.0])

    threads = [threading.Thread(target=work, args=(k,)) for k in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, tape in tapes_of.items():
        assert (tape.forward([[2.0]]), tape.stats()["guards"]) == ([2.0 * k], 1)
