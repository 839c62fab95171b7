"""Batches: rows of numbers as lists, arrays and buffers, and results of the same kind."""

from __future__ import annotations

import random
import sys
from array import array
from collections.abc import Callable
from typing import Any

from autograd.arguments import as_operand, shortened
from autograd.value import Value

__all__ = ["Batch", "narrowed", "read_batch", "read_gradient", "widened"]


class Batch:
    """The rows of one call.

    Attributes:
        numbers: A buffer of float64, row by row.
        rows: The number of rows.
        in_kind: `(numbers, columns)` -> the numbers in the kind of the batch; one number per row if columns is None.
    """

    __slots__ = ("in_kind", "numbers", "rows")

    def __init__(self, numbers: Any, rows: int, in_kind: Callable[[array[float], int | None], Any]) -> None:
        self.numbers = numbers
        self.rows = rows
        self.in_kind = in_kind


def read_batch(batch: Any, width: int) -> Batch:
    """Read the rows of a batch, each of `width` numbers.

    A buffer of float64 that lies in memory row by row is used in place; anything else is copied.

    Raises:
        TypeError: The batch is not a sequence of rows, or something in it is not a number.
        ValueError: The batch is empty, or a row does not have `width` numbers.
        OverflowError: An int in the batch is too large for a float.

    >>> read_batch([[1, 2], [3, 4]], 2).rows
    2
    """
    if type(batch) is array and batch.typecode == "d" and width and batch and len(batch) % width == 0:
        return Batch(batch, len(batch) // width, _as_it_is)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(batch, numpy.ndarray):
        return _read_numpy(numpy, batch, width)
    if isinstance(batch, array | memoryview):
        return _read_buffer(batch, width)
    if not isinstance(batch, list | tuple):
        view = _view_of(batch)
        if view is not None and view.format != "B":  # bytes, a file in memory: not numbers unless declared so
            return _read_buffer(view, width)
    return _read_rows(batch, width)


def widened(numbers: Any, rows: int, width: int, draws: int) -> Any:
    """Return rows of `width` numbers, each followed by `draws` uniform random numbers from the module `random`.

    >>> widened(array("d", [1.0, 2.0]), 2, 1, 0)
    array('d', [1.0, 2.0])
    """
    if draws == 0:
        return numbers
    wide = array("d")
    for row in range(rows):
        wide.extend(numbers[row * width : (row + 1) * width])
        wide.extend([random.random() for _ in range(draws)])
    return wide


def narrowed(numbers: array[float], rows: int, width: int, draws: int) -> array[float]:
    """Return rows of `width` numbers without the `draws` numbers that follow each of them.

    >>> narrowed(array("d", [1.0, 0.5, 2.0, 0.25]), 2, 1, 1)
    array('d', [1.0, 2.0])
    """
    if draws == 0:
        return numbers
    narrow = array("d")
    for row in range(rows):
        narrow += numbers[row * (width + draws) : row * (width + draws) + width]
    return narrow


def read_gradient(gradient: Any, rows: int, columns: int) -> array[float]:
    """Return upstream gradients of the outputs of some rows, `columns` per row.

    Args:
        gradient: One number, or one number per row.
        rows: The number of rows.
        columns: The number of outputs per row.

    Returns:
        The gradients of the outputs of one row if they are those of all rows; otherwise those of each row in turn.

    Raises:
        TypeError: `gradient` is not a number or a sequence of numbers.
        ValueError: `gradient` does not have one number per row.

    >>> read_gradient(0.5, 3, 2), read_gradient([1, 2, 3], 3, 1)
    (array('d', [0.5, 0.5]), array('d', [1.0, 2.0, 3.0]))
    """
    number = gradient if type(gradient) is float else None if type(gradient) is Value else as_operand(gradient)
    if number is not None:
        return array("d", [number]) * columns
    if isinstance(gradient, list | tuple):
        numbers = [None if type(x) is Value else as_operand(x) for x in gradient]
        if None in numbers:
            place = numbers.index(None)
            x = gradient[place]
            raise TypeError(f"gradient[{place}] must be a number, not {type(x).__name__} {shortened(x)}")
        listed: Any = array("d", numbers)
    elif _view_of(gradient) is not None and not isinstance(gradient, bytes | bytearray):
        listed = read_batch(gradient, 1).numbers
    else:
        raise TypeError(
            f"gradient must be a number or a sequence with one number per row, not {type(gradient).__name__} "
            f"{shortened(gradient)}"
        )
    if len(listed) != rows:
        raise ValueError(f"gradient has {len(listed)} numbers for {rows} rows: give one number, or one per row")
    return array("d", listed if columns == 1 else [x for x in listed for _ in range(columns)])


def _view_of(batch: Any) -> memoryview | None:
    try:
        return memoryview(batch)
    except TypeError:
        return None


def _read_numpy(numpy: Any, batch: Any, width: int) -> Batch:
    if isinstance(batch, numpy.ma.MaskedArray):
        raise TypeError(
            "a batch must not be a masked array, because its masked numbers would be used: give its .filled(number)"
        )
    if batch.dtype.kind not in "biuf":
        read = _read_rows(batch.tolist(), width)
        numbers, rows = read.numbers, read.rows
    else:
        numbers = numpy.ascontiguousarray(batch, dtype=numpy.float64)
        if not numbers.flags.aligned:
            numbers = numbers.copy()
        rows = _rows_of_shape(batch.shape, width)
        numbers = memoryview(numbers.reshape(-1))

    def in_kind(found: array[float], columns: int | None) -> Any:
        result = numpy.frombuffer(found, dtype=numpy.float64)
        return result if columns is None else result.reshape(rows, columns)

    return Batch(numbers, rows, in_kind)


def _as_it_is(found: array[float], columns: int | None) -> array[float]:
    return found


def _read_buffer(batch: array[Any] | memoryview, width: int) -> Batch:
    view = memoryview(batch)
    if view.format not in _NUMBER_FORMATS:
        raise TypeError(f"a batch must hold numbers, not the format {view.format!r}")
    rows = _rows_of_shape(view.shape or (), width)
    if view.format == "d" and view.c_contiguous:
        numbers: Any = view.cast("B").cast("d")
    elif view.format == _LITTLE_ENDIAN:
        numbers = array("d", view.tobytes())
    else:
        listed: list[Any] = view.tolist()
        numbers = array("d", listed if view.ndim == 1 else [x for row in listed for x in row])

    def in_kind(found: array[float], columns: int | None) -> Any:
        if isinstance(batch, array) or columns is None:
            return found if isinstance(batch, array) else memoryview(found)
        return memoryview(found).cast("B").cast("d", (rows, columns))

    return Batch(numbers, rows, in_kind)


_LITTLE_ENDIAN = "<d" if sys.byteorder == "little" else "d"  # the float64 of ctypes' arrays, which cannot be cast
_NUMBER_FORMATS = frozenset((*"dfbBhHiIlLqQnN?", _LITTLE_ENDIAN))


def _rows_of_shape(shape: tuple[int, ...], width: int) -> int:
    if len(shape) == 1 and (shape[0] % width == 0 if width else shape[0] == 0):
        rows = shape[0] // width if width else 0
    elif len(shape) == 2 and shape[1] == width:
        rows = shape[0]
    else:
        raise ValueError(
            f"a batch of shape {tuple(shape)} for a tape of {_inputs(width)}: give the shape (rows, {width}), or all "
            "rows one after another"
        )
    if rows == 0:
        raise ValueError(_EMPTY)
    return rows


def _read_rows(batch: Any, width: int) -> Batch:
    if isinstance(batch, str | bytes | bytearray | dict | set | frozenset | Value) or not hasattr(batch, "__iter__"):
        raise TypeError(f"a batch must be a sequence of rows, not {type(batch).__name__} {shortened(batch)}")
    numbers = array("d")
    rows = 0
    for row in batch:
        if isinstance(row, str | bytes | dict | set | frozenset) or not hasattr(row, "__iter__"):
            raise TypeError(
                f"row {rows} of the batch must be a sequence of numbers, not {type(row).__name__} {shortened(row)}"
            )
        before = len(numbers)
        for x in row:
            numbers.append(x if type(x) is float else _number(x, rows, len(numbers) - before))
        if len(numbers) - before != width:
            raise ValueError(
                f"row {rows} of the batch has {len(numbers) - before} numbers for a tape of {_inputs(width)}"
            )
        rows += 1
    if rows == 0:
        raise ValueError(_EMPTY)

    def in_kind(found: array[float], columns: int | None) -> Any:
        if columns is None:
            return found.tolist()
        return [found[i * columns : (i + 1) * columns].tolist() for i in range(rows)]

    return Batch(numbers, rows, in_kind)


def _number(x: object, row: int, column: int) -> float:
    try:
        number = None if type(x) is Value else as_operand(x)
    except OverflowError as error:
        raise OverflowError(f"row {row}, column {column} of the batch: {error}") from None
    if number is None:
        raise TypeError(
            f"row {row}, column {column} of the batch must be a number, not {type(x).__name__} {shortened(x)}"
        )
    return number


def _inputs(width: int) -> str:
    return f"{width} input{'s' * (width != 1)}"


_EMPTY = "the batch is empty: give at least one row"
