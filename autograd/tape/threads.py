"""The replay of a batch by several threads, with the bits of one.

Rows are replayed in blocks of 64, each with sums of gradients of its own, which are then added in the order of the
blocks, as one thread does. So the bits depend neither on the number of threads nor on which of them is faster.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterator
from itertools import count
from typing import Any

from autograd.arguments import shortened
from autograd.tape.compiled.program import BLOCK
from autograd.tape.replay import Failure, Replayer, Rows, Sums

__all__ = ["replay_in_threads", "usable_threads"]

_LEAST_ROWS = 512  # below, starting a thread costs more than it saves
_SUMS_AT_ONCE = 1 << 15  # numbers that a thread has room for: 256 KiB


def usable_threads(threads: int, replayer: Replayer, rows: int) -> int:
    """Return how many of the threads that were asked for are of use.

    One where the rows are few, where a replay calls primitives of the user, and in the pure build: the interpreter lock
    is then held.

    Raises:
        TypeError: `threads` is not an int.
        ValueError: It is less than 1.
    """
    if type(threads) is not int:
        raise TypeError(f"threads must be an int, not {type(threads).__name__} {shortened(threads)}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    return threads if rows >= _LEAST_ROWS and replayer.is_in_core() else 1


def replay_in_threads(replayer: Replayer, numbers: Any, rows: Rows, threads: int) -> Failure | None:
    """Run rows as `Replayer.replay` does, in several threads.

    Args:
        replayer: What replays them.
        numbers: What `Replayer.numbers_of` gives.
        rows: All rows of a call, without `which` and `separate`.
        threads: How many threads, this one among them.

    Returns:
        None, or where the first row failed.
    """
    blocks = -(-rows.count // BLOCK)
    width = 0 if rows.sums is None else len(rows.sums)
    step = max(1, min(blocks // (4 * threads), _SUMS_AT_ONCE // (1 + width)))
    parts = [_part(rows, begin, min(blocks, begin + step)) for begin in range(0, blocks, step)]
    return _Crew(replayer, numbers, parts, rows.sums, step).run(min(threads, len(parts)))


def _part(rows: Rows, first: int, last: int) -> Rows:
    """Return some blocks of the rows, which are views of those of the call."""
    begin, end = BLOCK * first, min(BLOCK * last, rows.count)

    def view(numbers: Any) -> Any:
        if numbers is None:
            return None
        flat: memoryview[Any] = memoryview(numbers)
        if flat.ndim != 1:
            flat = flat.cast("B").cast("d")
        columns = len(flat) // rows.count
        return flat[begin * columns : end * columns]

    has_own = rows.seeds is not None and len(rows.seeds) == len(rows.outputs)  # else all rows have the same seeds
    seeds = view(rows.seeds) if has_own else rows.seeds
    return Rows(view(rows.batch), end - begin, view(rows.outputs), seeds, view(rows.input_gradients))


class _Crew:
    """Threads that share the parts of a batch: each takes the next one until there is none, or until something failed.

    A thread waits until the sums of the parts before its own are added. So it needs room for those of one part.
    """

    def __init__(self, replayer: Replayer, numbers: Any, parts: list[Rows], sums: Sums | None, step: int) -> None:
        self._replayer, self._numbers, self._parts, self._sums, self._step = replayer, numbers, parts, sums, step
        self._next: Iterator[int] = count()  # shared: taking one is one step under the interpreter lock
        self._turn = 0  # the part whose sums are added next
        self._changed = threading.Condition()
        self._failures: list[Failure] = []
        self._errors: list[BaseException] = []
        self._is_stopped = False

    def run(self, threads: int) -> Failure | None:
        """Replay all parts; return where the first row failed."""
        others = [threading.Thread(target=self._work, daemon=True) for _ in range(threads - 1)]
        started = []
        try:
            for thread in others:
                thread.start()
                started.append(thread)
            self._work()
        except BaseException:
            self._stop()
            raise
        finally:  # nothing may be written after this call
            for thread in started:
                thread.join()
        if self._errors:
            raise self._errors[0]
        return min(self._failures) if self._failures else None

    def _stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            width = None if self._sums is None else len(self._sums)
            block = None if width is None else array("d", bytes(8 * width))
            totals = None if width is None else array("d", bytes(8 * width * self._step))
            for i in self._next:
                if i >= len(self._parts) or self._is_stopped:
                    return
                part = self._parts[i]
                failure = self._replayer.run_blocks(self._numbers, part, block, totals)
                if failure is not None:  # the parts before this one are done, or other threads do them
                    self._failures.append(failure._replace(row=failure.row + BLOCK * self._step * i))
                    self._stop()
                    return
                self._add(i, part, totals)
        except BaseException as error:
            self._errors.append(error)
            self._stop()

    def _add(self, i: int, part: Rows, totals: array[float] | None) -> None:
        if self._sums is None or totals is None:
            return
        with self._changed:
            while self._turn != i and not self._is_stopped:
                self._changed.wait()
            if not self._is_stopped:
                self._sums.add_blocks(totals, -(-part.count // BLOCK))
                self._turn += 1
                self._changed.notify_all()
