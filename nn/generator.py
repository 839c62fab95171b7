"""The random numbers of training: a counter-based generator, the same in both builds.

Each number is a hash of four integers, and of nothing else: the key of the training, the epoch, the row (its index in
X) and the draw (0 for the first number that a forward pass of that row draws). So it depends neither on the order of
the rows nor on the size of the batches, nor on whether the row is computed eagerly or by a tape. With mix(z) the
finaliser of SplitMix64 (Steele, Lea & Flood 2014) on z + 0x9E3779B97F4A7C15, all modulo 2^64,

    uniform = (mix(mix(mix(mix(key) + epoch) + row) + draw) >> 11) · 2^-53

The order of the rows in an epoch sorts them by their draw of index -1.
"""

from __future__ import annotations

import random as _random
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from autograd import Value
from autograd.modes import current_mode
from nn.arguments import Seed, random_source
from nn.inner_loops import order_rows, uniform

__all__ = ["Draws", "drawing", "key_of", "order_of_rows", "random", "row_of_batch", "uniform"]


def key_of(seed: Seed) -> int:
    """Return the key that a `seed=` argument gives: 64 bits of the stream of random numbers that it asks for.

    >>> import random
    >>> key_of(3) == key_of(random.Random(3)) == random.Random(3).getrandbits(64)
    True
    """
    return random_source(seed).getrandbits(64)


def order_of_rows(key: int, epoch: int, rows: int) -> list[int]:
    """Return the numbers from 0 to rows - 1 in the random order of an epoch.

    >>> sorted(order_of_rows(7, 1, 5))
    [0, 1, 2, 3, 4]
    """
    order = array("q", bytes(8 * rows))
    order_rows(key, epoch, order)
    return order.tolist()


class Draws:
    """The random numbers of some rows in one forward pass.

    Args:
        key: The key of the training.
        epoch: The number of the epoch.
        rows: The indices of the rows, one, or all of a batch that is computed as a whole.

    Attributes:
        places: For each number so far its row, as a place in `rows`, and its draw.

    >>> draws = Draws(7, 1, [40])
    >>> draws.next() == uniform(7, 1, 40, 0), draws.places
    (True, [(0, 0)])
    """

    def __init__(self, key: int, epoch: int, rows: Sequence[int]) -> None:
        self.key = key
        self.epoch = epoch
        self.rows = rows
        self.row = 0
        self.places: list[tuple[int, int]] = []
        self._drawn: dict[int, int] = {}

    def next(self) -> float:
        """Return the next number of the current row."""
        draw = self._drawn.get(self.row, 0)
        self._drawn[self.row] = draw + 1
        self.places.append((self.row, draw))
        return uniform(self.key, self.epoch, self.rows[self.row], draw)


# of the thread and not of the context: a forward pass does not await, so no other task runs inside a block of
# `drawing`, and a task that a model creates there must not draw from it later
class _Thread(threading.local):
    draws: Draws | None = None


_thread = _Thread()


def random() -> Value | float:
    """Return a uniform random number in [0, 1), drawn anew for each row in each step, also where a tape is replayed.

    While `nn.fit` trains, it comes from the generator of this module; otherwise from the module `random`. While a tape
    is recorded, it is a Value: a hidden input of the tape, which each replay fills in.

    >>> import autograd, nn
    >>> 0.0 <= nn.random() < 1.0
    True
    >>> tape = autograd.record(lambda x: x + nn.random(), inputs=[1.0])
    >>> len(set(tape.forward([[3.0]] * 100)))
    100
    """
    draws = _thread.draws
    number = _random.random() if draws is None else draws.next()
    mode = current_mode()
    return number if mode is None or mode.recorder is None else mode.recorder.draw(number)


@contextmanager
def drawing(draws: Draws) -> Iterator[None]:
    """Take the random numbers of this thread from `draws` inside."""
    outer, _thread.draws = _thread.draws, draws
    try:
        yield
    finally:
        _thread.draws = outer


@contextmanager
def row_of_batch(place: int) -> Iterator[None]:
    """Draw for one row of a batch that is computed as a whole, inside."""
    draws = _thread.draws
    if draws is None:
        yield
        return
    outer, draws.row = draws.row, place
    try:
        yield
    finally:
        draws.row = outer
