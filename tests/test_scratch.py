"""The memory that recordings are lowered in: nothing of a tape lies in it, and no more is kept than is of use."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
from autograd.tape.compiled.scratch import Scratch, copied, give_back, lent

compiled_only = pytest.mark.skipif(not ag.compiled, reason="in pure Python each array has memory of its own")

FIRST_ROOM, MOST_ROOM = 2**16, 2**24


def chain(nodes: int) -> Callable[[Any], Any]:
    """A function of so many nodes, among them sums, dots, a guard and a constant."""

    def function(x: Any) -> Any:
        y = x
        for i in range(nodes // 4):
            y = (y * 0.5 + x * y).tanh() + (1.0 + i)
        return y if y > -1.0 else x

    return function


def listing(nodes: int) -> str:
    tape = ag.record(chain(nodes), inputs=[0.5])
    tape.forward([[0.25]])  # lowers once more
    return "\n".join(str(tape).splitlines()[: 4 + nodes])


def drained() -> int:
    """Return the room of what is kept after many small recordings."""
    for _ in range(150):
        listing(8)
    scratch = lent()
    give_back(scratch)
    return scratch.room


@compiled_only
@pytest.mark.parametrize("byte", [0x00, 0x7F, 0xFF])
def test_what_is_left_in_it_does_not_matter(byte: int) -> None:
    expected = listing(400)
    scratch = lent()
    room = memoryview(scratch.any_ints(scratch.room // 4 - 2)).cast("B")
    room[:] = bytes([byte]) * len(room)
    give_back(scratch)
    assert listing(400) == expected


def test_a_tape_keeps_its_program_when_others_are_recorded() -> None:
    tape = ag.record(chain(60), inputs=[0.5])
    before, number = str(tape), tape.forward([[0.25]])
    for nodes in (8, 400, 60):
        listing(nodes)
    assert (str(tape), tape.forward([[0.25]])) == (before, number)


def test_threads_record_at_the_same_time() -> None:
    sizes = [8, 60, 400]
    expected = [listing(nodes) for nodes in sizes]
    found: dict[int, set[str]] = {nodes: set() for nodes in sizes}

    def work(nodes: int) -> None:
        for _ in range(5):
            found[nodes].add(listing(nodes))

    threads = [threading.Thread(target=work, args=(nodes,)) for nodes in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[nodes] for nodes in sizes] == [{text} for text in expected]


@compiled_only
def test_two_lowerings_never_share_it() -> None:
    one, other = lent(), lent()
    try:
        assert one is not other
        a, b = one.ints(100, 0), other.ints(100, -1)
        assert set(a) == {0}
        assert set(b) == {-1}
    finally:
        give_back(one)
        give_back(other)


@compiled_only
def test_as_much_is_kept_as_was_wanted_up_to_a_bound() -> None:
    assert drained() == FIRST_ROOM
    rooms = []
    for nodes in (8_000, 8_000, 100_000, 8_000):
        ag.record(chain(nodes), inputs=[0.5])
        scratch = lent()
        rooms.append(scratch.room)
        give_back(scratch)
    assert FIRST_ROOM < rooms[0] <= rooms[1] < rooms[2] == rooms[3] == MOST_ROOM
    assert drained() == FIRST_ROOM


@compiled_only
def test_a_piece_that_is_too_small_is_replaced() -> None:
    scratch = Scratch(FIRST_ROOM)
    arrays = [scratch.ints(FIRST_ROOM // 8, i) for i in (0, -1, 1)]
    assert scratch.room > FIRST_ROOM
    arrays.append(scratch.ints(MOST_ROOM // 4, -1))  # with the one number more than asked, too much for any piece
    assert scratch.room < MOST_ROOM
    assert [set(memoryview(numbers)[::4095]) for numbers in arrays] == [{0}, {-1}, {0x7F7F7F7F}, {-1}]
    assert set(scratch.longs(3, 1)) == {0x7F7F7F7F7F7F7F7F}


def test_a_copy_is_an_array_of_its_own() -> None:
    numbers = array("i", range(5))
    copy = copied(numbers, 3)
    numbers[0] = 9
    assert copy == array("i", [0, 1, 2])
