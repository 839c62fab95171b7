"""A batch that several threads replay: the bits of one thread, the same errors, and nothing left behind."""

from __future__ import annotations

import random
import threading
from array import array

import pytest
import tapes
from tapes import bits

import autograd as ag
from autograd import Value
from autograd.tape import threads as tape_threads
from autograd.tape.replay import Replayer

ROWS = (511, 512, 513, 575, 576, 1000)


def numbers_of(tape: ag.Tape, batch: array[float], threads: int, seeds: object = 1.0) -> list[bytes]:
    """All that a replay gives, to the bit: outputs, gradients of the inputs, and those of the parameters."""
    for parameter in tape.params:
        parameter.grad = 0.0
    outputs, gradients = tape.value_and_grad(batch, gradient=seeds, threads=threads)
    alone, none = tape.value_and_grad(batch, False, threads=threads)
    assert none is None
    again = tape.forward(batch, threads=threads)
    return [b"".join(map(bits, x)) for x in (outputs, gradients, alone, again, [p.grad for p in tape.params])]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of rows of the parts that threads replayed."""
    counts: list[int] = []
    run_blocks = Replayer.run_blocks

    def counting(self, numbers, rows, *sums):
        counts.append(rows.count)
        return run_blocks(self, numbers, rows, *sums)

    monkeypatch.setattr(Replayer, "run_blocks", counting)
    return counts


@pytest.mark.parametrize("seed", range(20 if ag.compiled else 2))
@pytest.mark.parametrize("at_once", [1 << 15, 1])  # several blocks in a part; one
def test_the_bits_are_those_of_one_thread(seed: int, at_once: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tape_threads, "_SUMS_AT_ONCE", at_once)
    rng = random.Random(seed)
    special = rng.choice((0.0, 0.1))
    function = tapes.layered(rng, special) if seed % 2 else tapes.function(rng, special)
    if not function.outputs:
        function.outputs = (function.pool_size() + len(function.steps) - 1,)
    params = [Value(x) for x in function.params]
    count = ROWS[seed % len(ROWS)] if ag.compiled else 520
    rows = function.rows(rng, special, count)
    tape = function.record(params, rows[0])
    batch = array("d", [x for row in rows for x in row])
    seeds = [rng.uniform(-1.0, 1.0) for _ in range(count)] if seed % 3 else 1.0
    expected = numbers_of(tape, batch, 1, seeds)
    for threads in (2, 3, 50):
        assert numbers_of(tape, batch, threads, seeds) == expected


@pytest.mark.skipif(not ag.compiled, reason="the pure build uses one thread")
def test_only_where_it_is_of_use(counted: list[int]):
    tape = ag.record(lambda x: x * x, inputs=[1.0])
    double = ag.primitive("double", lambda x: 2.0 * x, lambda x, out: 2.0)
    own = ag.record(double, inputs=[1.0])
    cases = [(tape, 511, 2, []), (tape, 512, 1, []), (tape, 600, 2, [64] * 9 + [24]), (own, 600, 2, [])]
    for each, rows, threads, parts in cases:
        counted.clear()
        each.forward(array("d", [0.5]) * rows, threads=threads)
        assert sorted(counted, reverse=True) == parts


@pytest.mark.parametrize("places", [(0,), (63,), (64, 640), (599,), (70, 71, 300), (1090,)])
def test_the_first_row_that_fails_is_named_and_no_gradient_changes(places: tuple[int, ...]):
    running = threading.active_count()  # a progress bar or the test session may have some
    w = Value(2.0)
    tape = ag.record(lambda x: w * x if x > 0.0 else x, inputs=[1.0])
    batch = [[-1.0 if row in places else 0.5] for row in range(1100)]
    for threads in (1, 2, 4):  # two blocks in a part, and one
        for _ in range(5):
            with pytest.raises(ag.BranchChanged) as raised:
                tape.value_and_grad(batch, threads=threads)
            assert raised.value.row == places[0]
            assert w.grad == 0.0
    assert threading.active_count() == running


@pytest.mark.skipif(not ag.compiled, reason="the pure build uses one thread")
def test_an_error_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch):
    running = threading.active_count()
    w = Value(2.0)
    tape = ag.record(lambda x: w * x, inputs=[1.0])
    run_blocks, calls = Replayer.run_blocks, iter(range(100))

    def failing(self, numbers, rows, *sums):
        if next(calls) == 3:
            raise MemoryError("a block")
        return run_blocks(self, numbers, rows, *sums)

    monkeypatch.setattr(Replayer, "run_blocks", failing)
    with pytest.raises(MemoryError, match="a block"):
        tape.value_and_grad([[1.0]] * 700, threads=3)
    assert w.grad == 0.0
    assert threading.active_count() == running


@pytest.mark.parametrize(("threads", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_number_of_threads_that_is_none(threads: object, error: type[Exception]):
    tape = ag.record(lambda x: x * x, inputs=[1.0])
    for call in (tape.forward, tape.value_and_grad):
        with pytest.raises(error, match="threads must be "):
            call([[1.0]], threads=threads)
