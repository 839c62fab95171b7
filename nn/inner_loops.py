# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The inner loops of training, over parameters and over the rows of a batch; compiled where there is a compiler.

Numbers are arrays of doubles (`array("d")`), for parameters one number each.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd import Value

if not cython.compiled:
    from math import isfinite
    from operator import is_

    if TYPE_CHECKING:
        from collections.abc import Callable, Sequence

        # from autograd/core: inner_loops.pxd has the types for C
        core_floats: Callable[[list[Any], Any], bool]

__all__ = [
    "SIZED",
    "add_column",
    "add_segments",
    "are_distinct_leaves",
    "are_same",
    "are_values",
    "assign",
    "clip_gradients",
    "count_above",
    "count_argmax",
    "draw_rows",
    "fill_rows",
    "gather_rows",
    "order_rows",
    "read",
    "read_gradients",
    "scale_gradients",
    "sizes_of",
    "sum_of_squares",
    "table_of",
    "uniform",
    "write_gradients",
    "zero_gradients",
]

_GAMMA = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_ALL = 0xFFFFFFFFFFFFFFFF  # 64 bits, which C's arithmetic keeps by itself
_UNIT = 2.0**-53
_FLOAT = frozenset((float,))
_VALUE = frozenset((Value,))
SIZED = (list, tuple, dict, set)


def zero_gradients(params: tuple[Value, ...]) -> None:
    """Set every gradient to zero.

    >>> x = Value(1.0)
    >>> x.grad = 3.0
    >>> zero_gradients((x,)); x.grad
    0.0
    """
    for i in range(len(params)):
        parameter = params[i]
        parameter._grad = 0.0


def read_gradients(params: tuple[Value, ...], gradients: array[float]) -> None:
    """Copy every gradient into an array.

    >>> x = Value(1.0)
    >>> x.grad, found = 3.0, array("d", [0.0])
    >>> read_gradients((x,), found); found
    array('d', [3.0])
    """
    for i in range(len(params)):
        parameter = params[i]
        gradients[i] = parameter._grad


def read(params: tuple[Value, ...], data: array[float], gradients: array[float]) -> bool:
    """Copy the data and the gradient of every parameter into arrays, and return whether all gradients are finite.

    >>> x = Value(2.0)
    >>> x.grad, data, gradients = 3.0, array("d", [0.0]), array("d", [0.0])
    >>> read((x,), data, gradients), data, gradients
    (True, array('d', [2.0]), array('d', [3.0]))
    """
    if not cython.compiled:
        data[:] = array("d", [parameter._data for parameter in params])
        gradients[:] = array("d", [parameter._grad for parameter in params])
        return isfinite(sum(gradients)) or all(map(isfinite, gradients))  # where the sum is finite, each of them is
    doubt = 0  # of integers, because a sum of floats waits for each of them
    for i in range(len(params)):
        parameter = params[i]
        data[i] = parameter._data
        gradients[i] = parameter._grad
        doubt |= parameter._grad - parameter._grad != 0.0  # inf - inf is nan
    return doubt == 0


def are_distinct_leaves(params: tuple[Any, ...]) -> bool:
    """Return whether all objects are leaf Values, and none of them stands there twice.

    >>> x, y = Value(1.0), Value(2.0)
    >>> are_distinct_leaves((x, y)), are_distinct_leaves((x, y, x)), are_distinct_leaves((x, x * y))
    (True, False, False)
    """
    if not cython.compiled:
        leaves = [1 for parameter in params if type(parameter) is Value and parameter._code == 0]
        return len(leaves) == len(params) == len(set(map(id, params)))
    kind = Value
    marked = 0
    for i in range(len(params)):
        if type(params[i]) is not kind:
            break
        parameter = params[i]
        if parameter._marked or parameter._code != 0:
            break
        parameter._marked = 1
        marked += 1
    for i in range(marked):
        parameter = params[i]
        parameter._marked = 0
    return marked == len(params)


def are_same(ones: Sequence[Any], others: Sequence[Any], count: int) -> bool:
    """Return whether the first objects of two lists or tuples, of at least `count` each, are the same objects.

    >>> x, y = Value(1.0), Value(1.0)
    >>> are_same([x, y], (x, y), 2), are_same([x, x], (x, y), 2)
    (True, False)
    """
    if not cython.compiled:
        return all(map(is_, ones[:count], others[:count]))
    for i in range(count):  # noqa: SIM110 - as below
        if ones[i] is not others[i]:
            return False
    return True


def are_values(members: list[Any]) -> bool:
    """Return whether all members of a list are Values.

    >>> are_values([Value(1.0), Value(2.0)]), are_values([Value(1.0), 2.0])
    (True, False)
    """
    if not cython.compiled:
        return _VALUE.issuperset(map(type, members))
    kind = Value
    for i in range(len(members)):  # noqa: SIM110 - a generator would be a Python object
        if type(members[i]) is not kind:
            return False
    return True


def sizes_of(attributes: dict[str, Any]) -> list[int]:
    """Return the sizes of the lists, tuples, dicts and sets among the attributes of an object.

    >>> sizes_of({"rows": [1, 2], "name": "x", "shape": (3,)})
    [2, 1]
    """
    sizes: list[int] = []
    for held in attributes.values():
        if isinstance(held, SIZED):
            sizes.append(len(held))  # noqa: PERF401 - compiled, a comprehension that lacks memory gives one back twice
    return sizes


def write_gradients(params: tuple[Value, ...], gradients: array[float]) -> None:
    """Assign every gradient from an array.

    >>> x = Value(1.0)
    >>> write_gradients((x,), array("d", [3.0])); x.grad
    3.0
    """
    for i in range(len(params)):
        parameter = params[i]
        parameter._grad = gradients[i]


def assign(params: tuple[Value, ...], data: array[float]) -> None:
    """Assign every parameter its new data.

    >>> x = Value(1.0)
    >>> assign((x,), array("d", [2.0])); x.data
    2.0
    """
    for i in range(len(params)):
        parameter = params[i]
        parameter._data = data[i]


def sum_of_squares(params: tuple[Value, ...]) -> float:
    """Return the sum of the squares of the gradients, added from the left.

    >>> x, y = Value(1.0), Value(1.0)
    >>> x.grad, y.grad = 3.0, 4.0
    >>> sum_of_squares((x, y))
    25.0
    """
    total = 0.0
    for i in range(len(params)):
        parameter = params[i]
        total += parameter._grad * parameter._grad
    return total


def scale_gradients(params: tuple[Value, ...], factor: float) -> None:
    """Multiply every gradient by a number.

    >>> x = Value(1.0)
    >>> x.grad = 3.0
    >>> scale_gradients((x,), 0.5); x.grad
    1.5
    """
    for i in range(len(params)):
        parameter = params[i]
        parameter._grad = factor * parameter._grad


def clip_gradients(params: tuple[Value, ...], bound: float) -> None:
    """Move every gradient into the interval from -bound to bound.

    >>> x = Value(1.0)
    >>> x.grad = -3.0
    >>> clip_gradients((x,), 0.5); x.grad
    -0.5
    """
    for i in range(len(params)):
        parameter = params[i]
        if parameter._grad > bound:
            parameter._grad = bound
        elif parameter._grad < -bound:
            parameter._grad = -bound


def gather_rows(table: array[float], rows: list[int], width: int, batch: array[float], stride: int) -> None:
    """Copy rows of a table, of `width` numbers, to the beginnings of rows of `stride` numbers of a batch.

    >>> batch = array("d", [0.0] * 4)
    >>> gather_rows(array("d", [1.0, 2.0, 3.0]), [2, 0], 1, batch, 2); batch
    array('d', [3.0, 0.0, 1.0, 0.0])
    """
    for i in range(len(rows)):
        row = rows[i]
        start = row * width
        to = i * stride
        for j in range(width):
            batch[to + j] = table[start + j]


def table_of(rows: list[Any], targets: list[Any]) -> array[float] | None:
    """Return the numbers of all rows, each followed by its target; None where it takes a closer look to tell them.

    Rows must be lists of floats of one length, and targets floats or integers, all finite.

    >>> table_of([[1.5, 2.0], [3.0, 4.0]], [1, 0])
    array('d', [1.5, 2.0, 1.0, 3.0, 4.0, 0.0])
    >>> table_of([[1.5], [3]], [1, 0]) is table_of([[1.5], [3.0, 4.0]], [1, 0]) is None
    True
    """
    if not rows or type(rows[0]) is not list or not rows[0]:
        return None
    width = len(rows[0])
    made = array("d", [0.0]) * (len(rows) * (width + 1))  # its memory once, where bytes would take it twice
    table = made
    doubt = 0.0  # becomes nan where a number is not finite: inf - inf
    for i in range(len(rows)):
        if type(rows[i]) is not list:
            return None
        row = rows[i]
        target = targets[i]
        if len(row) != width or not (type(target) is float or (type(target) is int and abs(target) < 2**53)):
            return None
        start = i * (width + 1)
        if cython.compiled:
            if not core_floats(row, cython.address(table[start])):
                return None
        else:
            if not _FLOAT.issuperset(map(type, row)):
                return None
            table[start : start + width] = array("d", row)
            total = sum(row)
            doubt += total - total
        table[start + width] = target
        doubt += table[start + width] - table[start + width]
    return made if doubt == 0.0 else None


def draw_rows(key: int, epoch: int, rows: list[int], batch: array[float], width: int, stride: int) -> None:
    """Fill the rows of a batch, of `stride` numbers, behind the first `width` with their random numbers."""
    seed = _mix((_mix(key) + epoch) & _ALL)
    for i in range(len(rows)):
        row = rows[i]
        state = _mix((seed + row) & _ALL)
        for j in range(width, stride):
            batch[i * stride + j] = (_mix((state + j - width) & _ALL) >> 11) * _UNIT


def order_rows(key: int, epoch: int, order: array[int]) -> None:
    """Fill an array with the numbers from 0 on, sorted by their draws of index -1 in this epoch.

    >>> order = array("q", [0] * 5)
    >>> order_rows(7, 1, order); sorted(order)
    [0, 1, 2, 3, 4]
    """
    room = bytes(8 * len(order))
    _order_rows(key, epoch, order, array("d", room), array("d", room), array("q", room))


def _order_rows(
    key: int, epoch: int, order: array[int], draws: array[float], found: array[float], counts: array[int]
) -> None:
    """Sort by buckets of about one row each, since draws are uniform, and what is left by insertion; it is stable."""
    rows = len(order)
    seed = _mix((_mix(key) + epoch) & _ALL)
    for row in range(rows):
        counts[row] = 0
        found[row] = 0.0  # below every draw that moves, so that none leaves its bucket
    for row in range(rows):
        draws[row] = (_mix((_mix((seed + row) & _ALL) - 1) & _ALL) >> 11) * _UNIT
        bucket = int(draws[row] * rows)
        counts[bucket if bucket < rows else rows - 1] += 1
    start = 0
    for bucket in range(rows):
        start += counts[bucket]
        counts[bucket] = start - counts[bucket]
    for row in range(rows):
        bucket = int(draws[row] * rows)
        bucket = bucket if bucket < rows else rows - 1
        place = counts[bucket]
        counts[bucket] += 1
        draw = draws[row]
        while place > 0 and found[place - 1] > draw:
            found[place] = found[place - 1]
            order[place] = order[place - 1]
            place -= 1
        found[place] = draw
        order[place] = row


def fill_rows(
    key: int,
    begin: int,
    order: array[int],
    ordered: int,
    table: array[float],
    width: int,
    batch: array[float],
    stride: int,
    count: int,
) -> int:
    """Fill a batch with rows of a training, in the order of its epochs, and with their random numbers.

    Args:
        key: The key of the training.
        begin: The number of rows before these, counted from the beginning of the first epoch.
        order: The order of the rows in an epoch, filled where it is that of another one.
        ordered: The epoch that it is of; 0 for none.
        table: All rows, of `width` numbers.
        width: The numbers of a row of the table.
        batch: Receives rows of `stride` numbers, random ones behind those of the table.
        stride: The numbers of a row of the batch.
        count: The number of rows.

    Returns:
        The epoch that `order` is of now.
    """
    rows = len(order)
    room = bytes(8 * rows)
    draws, found, counts = array("d", room), array("d", room), array("q", room)
    at = begin % rows
    to = done = 0
    while done < count:
        epoch = (begin + done) // rows + 1
        seed = _mix((_mix(key) + epoch) & _ALL)
        if epoch != ordered:
            ordered = epoch
            _order_rows(key, epoch, order, draws, found, counts)
        until = rows if rows - at < count - done else at + count - done
        for i in range(at, until):
            row = order[i]
            for j in range(width):
                batch[to + j] = table[row * width + j]
            if width < stride:
                state = _mix((seed + row) & _ALL)
                for j in range(width, stride):
                    batch[to + j] = (_mix((state + j - width) & _ALL) >> 11) * _UNIT
            to += stride
        done += until - at
        at = 0
    return ordered


def uniform(key: int, epoch: int, row: int, draw: int) -> float:
    """Return a uniform random number in [0, 1), a hash of four integers (`nn.generator` has the formula).

    >>> uniform(7, 1, 40, 0) == uniform(7, 1, 40, 0) != uniform(7, 1, 40, 1)
    True
    """
    state = _mix((_mix((_mix(key) + epoch) & _ALL) + row) & _ALL)
    return (_mix((state + draw) & _ALL) >> 11) * _UNIT


def _mix(z: int) -> int:
    z = (z + _GAMMA) & _ALL
    z = ((z ^ (z >> 30)) * _FIRST) & _ALL
    z = ((z ^ (z >> 27)) * _SECOND) & _ALL
    return z ^ (z >> 31)


def add_column(outputs: array[float], width: int, rows: int, total: float) -> float:
    """Return a total plus the first number of each row, added from the left.

    >>> add_column(array("d", [1.0, 9.0, 2.0, 9.0]), 2, 2, 0.5)
    3.5
    """
    for i in range(rows):
        total += outputs[i * width]
    return total


def add_segments(outputs: array[float], width: int, lengths: array[int], totals: array[float]) -> None:
    """Add the first numbers of rows to totals, a segment of the rows to each, from the left.

    >>> totals = array("d", [0.5, 0.0])
    >>> add_segments(array("d", [1.0, 9.0, 2.0, 9.0, 4.0, 9.0]), 2, array("i", [2, 1]), totals); totals
    array('d', [3.5, 4.0])
    """
    row = 0
    for k in range(len(lengths)):
        total = totals[k]
        for i in range(row, row + lengths[k]):
            total += outputs[i * width]
        row += lengths[k]
        totals[k] = total


def count_above(
    outputs: array[float], batch: array[float], target: int, stride: int, rows: int, threshold: float
) -> int:
    """Return the number of rows whose score is on their target's side of the threshold.

    A row of `outputs` is (loss, score); a row of `batch` has `stride` numbers, the target in the column `target`.

    >>> count_above(array("d", [0.1, 0.7, 0.2, 0.6]), array("d", [5.0, 1.0, 5.0, 0.0]), 1, 2, 2, 0.5)
    1
    """
    right = 0
    for i in range(rows):
        if (outputs[2 * i + 1] > threshold) == (batch[i * stride + target] > threshold):
            right += 1
    return right


def count_argmax(
    outputs: array[float], columns: int, batch: array[float], target: int, stride: int, rows: int, positions: int
) -> int:
    """Return the number of positions whose largest score, the first of equal ones, has the index that is the target.

    A row of `outputs` is the loss and the scores of each position, columns - 1 in all; a row of `batch` has `stride`
    numbers, the targets of the positions from the column `target` on.

    >>> count_argmax(array("d", [0.1, 0.7, 0.2, 0.1, 0.6, 0.6]), 3, array("d", [0.0, 1.0]), 0, 1, 2, 1)
    1
    >>> count_argmax(array("d", [0.1, 0.7, 0.2, 0.5, 0.6]), 5, array("d", [0.0, 1.0]), 0, 2, 1, 2)
    2
    """
    right = 0
    classes = (columns - 1) // positions
    for i in range(rows):
        for position in range(positions):
            first = i * columns + 1 + position * classes
            best = 0
            for j in range(1, classes):
                if outputs[first + j] > outputs[first + best]:
                    best = j
            if best == batch[i * stride + target + position]:
                right += 1
    return right
