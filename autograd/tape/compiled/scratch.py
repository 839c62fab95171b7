# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Memory for the arrays that a lowering works with, kept from one to the next.

A lowering makes some thirty arrays as long as the graph and drops them at its end. From a general allocator their pages
go back to the system and come again with the next recording, each at the cost of a page fault, which is more than the
passes themselves take. So they are cut from one piece of memory, one behind another, and the piece is kept.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

if not cython.compiled and TYPE_CHECKING:
    # scratch.pxd has them for C
    MOST_ROOM: int
    memset: Any

__all__ = ["Scratch", "copied", "give_back", "lent"]

PATIENCE = 16
_FIRST_ROOM = 1 << 16  # bytes

_kept: Scratch | None = None  # between lowerings; the interpreter lock is held from reading to writing it
_next_room = _FIRST_ROOM  # of the piece that is made where none is kept


@cython.cclass
class Scratch:
    """Arrays for one lowering, cut from one piece of memory; in pure Python each has memory of its own.

    A piece that is too small is replaced by one of twice its size, up to 16 MiB. What does not fit then is allocated.

    Args:
        room: The bytes of the first piece.

    Attributes:
        room: The bytes of the piece.
    """

    def __init__(self, room: int) -> None:
        self.room = self.used = self.asked = self.small = 0
        if cython.compiled:
            self.replace(room if room < MOST_ROOM else MOST_ROOM)

    def ints(self, count: int, number: int) -> array[int]:
        """Return an array whose bytes are all alike, one longer than asked, because a memoryview must not be empty.

        Args:
            count: Its length.
            number: 0, -1, or any positive number for one larger than all that occur.

        >>> list(Scratch(0).ints(2, -1))
        [-1, -1, -1]
        """
        byte = 0 if number == 0 else 255 if number < 0 else 127
        if not cython.compiled:
            return array("i", bytes([byte]) * (4 * (count + 1)))
        found: Any = self.any_ints(count)
        memset(cython.address(found[0]), byte, 4 * (count + 1))
        return found  # type: ignore[no-any-return]

    def any_ints(self, count: int) -> array[int]:
        """Return an array with any contents, one longer than asked."""
        if not cython.compiled:
            return array("i", bytes(4 * (count + 1)))
        begin = self.cut(4 * (count + 1)) // 4
        found: Any = array("i", [0]) * (count + 1) if begin < 0 else self.as_ints[begin : begin + count + 1]
        return found  # type: ignore[no-any-return]

    def longs(self, count: int, number: int) -> array[int]:
        """Return an array as `ints` does, of integers of 64 bits."""
        byte = 0 if number == 0 else 255 if number < 0 else 127
        if not cython.compiled:
            return array("q", bytes([byte]) * (8 * (count + 1)))
        begin = self.cut(8 * (count + 1)) // 8
        found: Any = array("q", [0]) * (count + 1) if begin < 0 else self.as_longs[begin : begin + count + 1]
        memset(cython.address(found[0]), byte, 8 * (count + 1))
        return found  # type: ignore[no-any-return]

    def cut(self, size: int) -> int:
        """Return where the next bytes of the piece begin; negative where they are more than a piece may have."""
        size = (size + 7) // 8 * 8
        self.asked += size
        if size > self.room - self.used:
            room = 2 * self.room if self.room else _FIRST_ROOM
            while room < size:
                room *= 2
            if room > MOST_ROOM:
                return -8
            self.replace(room)
        self.used += size
        return self.used - size

    def replace(self, room: int) -> None:
        """Take a new piece; the arrays that were cut from the one before keep it alive."""
        memory = memoryview(array("q", [0]) * (room // 8 + 1))
        self.as_longs, self.as_ints = memory, memory.cast("B").cast("i")
        self.room, self.used = room, 0


def lent() -> Scratch:
    """Return scratch memory that nobody else has until it is given back."""
    global _kept
    found = _kept
    if found is None:
        return Scratch(_next_room)
    _kept = None
    return found


def give_back(scratch: Scratch) -> None:
    """Keep scratch memory for the next lowering, when none of its arrays is used any more.

    After PATIENCE lowerings in a row that asked for less than half of the piece, the next one makes one half as large.
    """
    global _kept, _next_room
    if cython.compiled:
        scratch.small = scratch.small + 1 if 2 * scratch.asked < scratch.room else 0
        scratch.asked = scratch.used = 0
        if scratch.small == PATIENCE and scratch.room > _FIRST_ROOM:
            _next_room, _kept = scratch.room // 2, None
        else:
            _next_room, _kept = scratch.room, scratch


def copied(numbers: array[int], count: int) -> array[int]:
    """Return the first numbers as an array of its own.

    >>> copied(array("i", [3, 4, 5]), 2)
    array('i', [3, 4])
    """
    result = array("i")
    result.frombytes(memoryview(numbers).cast("B")[: 4 * count])
    return result
