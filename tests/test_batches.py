"""Batches of every kind: what is read, without a copy where it can be, and results in kind."""

from __future__ import annotations

import ctypes
import math
import mmap
from array import array
from fractions import Fraction

import numpy as np
import pytest

import autograd as ag
from autograd import Value
from autograd.tape.batches import narrowed, read_batch, widened

ROWS = [[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]]
OUTPUTS = [x * y + x for x, y in ROWS]
GRADIENTS = [[y + 1.0, x] for x, y in ROWS]


@pytest.fixture
def tape():
    return ag.record(lambda x, y: x * y + x, inputs=[0.0, 0.0])


def flat(rows):
    return [x for row in rows for x in row]


LISTS = {
    "lists": ROWS,
    "tuples": tuple(map(tuple, ROWS)),
    "a generator": lambda: (row for row in ROWS),
    "fractions": [[Fraction(x) for x in row] for row in ROWS],
    "numpy scalars": [[np.float64(x) for x in row] for row in ROWS],
    "numpy rows": [np.array(row) for row in ROWS],
    "float32 scalars": [[np.float32(x) for x in row] for row in ROWS],
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_give_lists(kind: str, tape):
    batch = LISTS[kind]
    outputs, gradients = tape.value_and_grad(batch() if callable(batch) else batch)
    assert (outputs, gradients) == (OUTPUTS, GRADIENTS)
    assert {type(outputs), type(gradients), type(gradients[0])} == {list}
    assert {type(x) for x in [*outputs, *flat(gradients)]} == {float}


def test_integers_and_bools_are_numbers(tape):
    assert tape.forward([[3, True], [False, 2]]) == [6.0, 0.0]


@pytest.mark.parametrize("code", ["d", "f"])
def test_arrays_give_arrays(code: str, tape):
    outputs, gradients = tape.value_and_grad(array(code, flat(ROWS)))
    assert (outputs, gradients) == (array("d", OUTPUTS), array("d", flat(GRADIENTS)))
    assert tape.forward(array("i", [3, 1])) == array("d", [6.0])


ARRAYS = {
    "float64": np.array(ROWS),
    "float32": np.array(ROWS, dtype=np.float32),
    "half": np.array(ROWS, dtype=np.float16),
    "extended": np.array(ROWS, dtype=np.longdouble),
    "the other byte order": np.array(ROWS, dtype=np.dtype(np.float64).newbyteorder()),
    "Fortran order": np.asfortranarray(ROWS),
    "every other column": np.array([[x, 9.0, y, 9.0] for x, y in ROWS])[:, ::2],
    "backward": np.array(ROWS[::-1])[::-1],
    "objects": np.array(ROWS, dtype=object),
    "records": np.array([tuple(row) for row in ROWS], dtype=[("x", "f8"), ("y", "f8")]),
    "one byte off": np.frombuffer(b"-" + np.array(ROWS).tobytes(), dtype="u1")[1:].view("f8").reshape(3, 2),
    "one row after another": np.array(flat(ROWS)),
    "read only": np.frombuffer(np.array(ROWS).tobytes()).reshape(3, 2),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_numpy_arrays_give_numpy_arrays(kind: str, tape):
    outputs, gradients = tape.value_and_grad(ARRAYS[kind])
    assert (type(outputs), outputs.dtype, outputs.shape) == (np.ndarray, np.float64, (3,))
    assert (type(gradients), gradients.dtype, gradients.shape) == (np.ndarray, np.float64, (3, 2))
    assert (outputs.tolist(), gradients.tolist()) == (OUTPUTS, GRADIENTS)
    assert tape.forward(ARRAYS[kind]).tolist() == OUTPUTS
    outputs += 1.0  # they are the caller's


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_whole_numbers_in_numpy(dtype, tape):
    assert tape.forward(np.array([[1, 0], [1, 1]], dtype=dtype)).tolist() == [1.0, 2.0]


def test_what_lies_in_memory_row_by_row_is_not_copied():
    numbers = np.array(ROWS)
    for batch in (numbers, numbers.reshape(-1), memoryview(numbers), array("d", flat(ROWS))):
        read = read_batch(batch, 2)
        there = np.frombuffer(read.numbers, dtype=np.float64)
        assert np.shares_memory(there, np.frombuffer(batch, dtype=np.float64))
        assert there.tolist() == flat(ROWS)
    assert not np.shares_memory(np.frombuffer(read_batch(ARRAYS["Fortran order"], 2).numbers), ARRAYS["Fortran order"])


VIEWS = {
    "of an array": memoryview(array("d", flat(ROWS))),
    "of two dimensions": memoryview(np.array(ROWS)),
    "in Fortran order": memoryview(np.asfortranarray(ROWS)),
    "of every other": memoryview(array("d", [x for y in flat(ROWS) for x in (y, 9.0)]))[::2],
    "read only": memoryview(array("d", flat(ROWS))).toreadonly(),
    "of ctypes": (ctypes.c_double * 6)(*flat(ROWS)),
    "of float32": memoryview(array("f", flat(ROWS))),
}


@pytest.mark.parametrize("kind", VIEWS)
def test_other_buffers_give_views(kind: str, tape):
    outputs, gradients = tape.value_and_grad(VIEWS[kind])
    assert (type(outputs), outputs.format, outputs.tolist()) == (memoryview, "d", OUTPUTS)
    assert (type(gradients), gradients.shape, gradients.tolist()) == (memoryview, (3, 2), GRADIENTS)


def test_several_outputs_have_a_column_each():
    tape = ag.record(lambda x: [x, 2.0, x * x], inputs=[1.0])
    expected = [[3.0, 2.0, 9.0], [4.0, 2.0, 16.0]]
    assert tape.forward([[3.0], [4.0]]) == expected
    assert tape.forward(array("d", [3.0, 4.0])) == array("d", flat(expected))
    assert tape.forward(np.array([[3.0], [4.0]])).tolist() == expected
    assert tape.forward(memoryview(array("d", [3.0, 4.0]))).tolist() == expected
    one = ag.record(lambda x: [x * x], inputs=[1.0])
    assert one.forward([[3.0], [4.0]]) == [[9.0], [16.0]]
    assert one.forward(np.array([3.0, 4.0])).shape == (2, 1)


def test_a_tape_without_inputs_has_rows_of_nothing():
    w = Value(3.0)
    tape = ag.record(lambda: w * 2.0, inputs=[])
    assert tape.value_and_grad([[], []]) == ([6.0, 6.0], [[], []])
    assert w.grad == 4.0
    assert tape.forward(np.zeros((3, 0))).tolist() == [6.0] * 3
    with pytest.raises(ValueError, match="empty"):
        tape.forward(array("d"))


def test_inf_and_nan_are_numbers(tape):
    assert tape.forward([[math.inf, 1.0]]) == [math.inf]
    assert math.isnan(tape.forward([[math.nan, 1.0]])[0])


WRONG = [
    ([], ValueError, "the batch is empty: give at least one row"),
    ((), ValueError, "the batch is empty"),
    (array("d"), ValueError, "the batch is empty"),
    (np.zeros((0, 2)), ValueError, "the batch is empty"),
    ([[1.0]], ValueError, "row 0 of the batch has 1 numbers for a tape of 2 inputs"),
    ([[1.0, 2.0], [1.0, 2.0, 3.0]], ValueError, "row 1 of the batch has 3 numbers for a tape of 2 inputs"),
    ([[]], ValueError, "row 0 of the batch has 0 numbers"),
    (array("d", [1.0, 2.0, 3.0]), ValueError, r"shape \(3,\) for a tape of 2 inputs: give the shape \(rows, 2\)"),
    (np.zeros((2, 3)), ValueError, r"shape \(2, 3\) for a tape of 2 inputs"),
    (np.zeros((2, 2, 2)), ValueError, r"shape \(2, 2, 2\)"),
    (np.array(1.0), ValueError, r"shape \(\)"),
    (memoryview(np.zeros((2, 2, 2))), ValueError, r"shape \(2, 2, 2\)"),
    ([1.0, 2.0], TypeError, "row 0 of the batch must be a sequence of numbers, not float 1.0"),
    ([[1.0, 2.0], None], TypeError, "row 1 of the batch must be a sequence of numbers, not NoneType None"),
    ([[1.0, 2.0], "34"], TypeError, "row 1 of the batch must be a sequence of numbers, not str '34'"),
    ([[1.0, 2.0], {1.0, 2.0}], TypeError, "row 1 of the batch must be a sequence of numbers, not set"),
    ([[1.0, 2.0], [3.0, "4"]], TypeError, "row 1, column 1 of the batch must be a number, not str '4'"),
    ([[1.0, 1j]], TypeError, "row 0, column 1 of the batch must be a number, not complex 1j"),
    ([[1.0, None]], TypeError, "row 0, column 1 of the batch must be a number, not NoneType None"),
    ([[1.0, [2.0]]], TypeError, r"row 0, column 1 of the batch must be a number, not list \[2.0\]"),
    ([[1.0, 2.0], [3.0, 10**400]], OverflowError, "row 1, column 1 of the batch: int too large"),
    ([[1.0, Value(2.0)]], TypeError, "row 0, column 1 of the batch must be a number, not Value"),
    (Value(1.0), TypeError, "a batch must be a sequence of rows, not Value"),
    ("12", TypeError, "a batch must be a sequence of rows, not str '12'"),
    (b"12", TypeError, "not bytes"),
    (None, TypeError, "not NoneType None"),
    (3, TypeError, "not int 3"),
    ({1.0: 2.0}, TypeError, "not dict"),
    (np.array([["1", "2"]]), TypeError, "row 0, column 0 of the batch must be a number, not str '1'"),
    (np.array([[1.0, "x"]], dtype=object), TypeError, "row 0, column 1 of the batch must be a number, not str 'x'"),
    (np.array([[1j, 2.0]]), TypeError, "row 0, column 0 of the batch must be a number, not complex"),
    (
        np.array([["2020-01-01", "2020-01-02"]], dtype="M8[D]"),
        TypeError,
        "column 0 of the batch must be a number, not date",
    ),
    (np.ma.array([[1.0, 2.0]], mask=[[False, True]]), TypeError, "must not be a masked array"),
    (memoryview(b"ab").cast("c"), TypeError, "must hold numbers, not the format 'c'"),
]


@pytest.mark.parametrize(("batch", "error", "message"), WRONG)
def test_a_wrong_batch_changes_nothing(batch, error, message: str):
    w = Value(2.0)
    tape = ag.record(lambda x, y: w * x * y, inputs=[0.0, 0.0])
    for run in (tape.forward, tape.value_and_grad):
        with pytest.raises(error, match=message):
            run(batch)
    assert w.grad == 0.0
    assert tape.forward([[1.0, 2.0]]) == [4.0]


def test_bytes_in_a_file_are_no_numbers(tape):
    with mmap.mmap(-1, 16) as file, pytest.raises(TypeError):
        tape.forward(file)


def test_numbers_drawn_at_random_follow_each_row():
    rows = array("d", [1.0, 2.0, 3.0, 4.0])
    wide = widened(rows, 2, 2, 1)
    assert [*wide[:2], *wide[3:5]] == [*rows]
    assert len(wide) == 6
    assert narrowed(wide, 2, 2, 1) == rows
