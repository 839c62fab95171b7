"""Tapes: record a graph once, replay it on rows of numbers at the speed of C, with the same bits.

>>> import autograd as ag
>>> w = ag.Value(0.5, "w")
>>> tape = ag.record(lambda x, t: (w * x - t) ** 2, inputs=[1.0, 2.0])
>>> tape.forward([[1.0, 2.0], [3.0, 0.5]])
[2.25, 1.0]
>>> tape.value_and_grad([[1.0, 2.0], [3.0, 0.5]])
([2.25, 1.0], [[-1.5, 3.0], [1.0, -2.0]])
>>> w.grad  # summed over the rows, as optimisers expect it
3.0

A tape holds the flat graph and the parameters, not the Values in between. Decisions of a function while it is recorded
become guards, which every replay checks; see `autograd.tape.recorder`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from autograd.formatting import name_of
from autograd.modes import current_mode
from autograd.primitives.primitive import BY_CODE, PRIMITIVES, Primitive
from autograd.tape.batches import Batch, narrowed, read_batch, read_gradient, widened
from autograd.tape.compiled.program import list_program, op_name
from autograd.tape.pickling import Form, leaves_of, packed, unpacked
from autograd.tape.replay import Failure, Replayer, Rows, Sums, add_gradients
from autograd.tape.threads import replay_in_threads, usable_threads
from autograd.value import Number, Value

__all__ = ["BranchChanged", "Tape", "names_of", "note_reading"]

_NAME_LIMIT = 40
_ZERO = array("d", [0.0])


class BranchChanged(RuntimeError):
    """Raised when a row takes a different branch from the one recorded.

    Attributes:
        row: The number of the row in the batch.
    """

    def __init__(self, message: str, row: int = 0) -> None:
        super().__init__(message, row)
        self.row = row

    def __str__(self) -> str:
        return str(self.args[0])


class Tape:
    """A recorded graph; `autograd.record` makes one.

    `len(tape)` is the number of its instructions, `print(tape)` lists them.

    Attributes:
        params: The leaves that are not inputs, in the order of their creation; read at each replay.

    >>> import autograd as ag
    >>> x, w, b = ag.Value(1.0, "x"), ag.Value(2.0, "w"), ag.Value(0.5, "b")
    >>> print(ag.record((w * x + b).tanh(), inputs=[x]))
    tape of 1 input and 2 parameters, recorded from an existing graph: no guards
    %0 = multiply(w, x)
    %1 = add(%0, b)
    %2 = tanh(%1)
    return %2
    """

    __slots__ = ("_columns", "_draws", "_form", "_leaves", "_ones", "_params", "_replayer", "_width")

    def __init__(self, form: Form, params: Sequence[Value]) -> None:
        self._form = form
        self._params = tuple(params)
        self._draws = form.draws
        self._width = form.flat.inputs - form.draws
        self._columns = len(form.flat.outputs)
        self._ones = array("d", [1.0]) * self._columns  # the upstream gradients where none are given
        self._leaves: tuple[tuple[list[int], list[int]], ...] | None = None
        self._replayer = Replayer(form.flat, form.receiving)

    @property
    def params(self) -> tuple[Value, ...]:
        """The leaves that are not inputs: each replay reads their data and adds to their gradients."""
        return self._params

    def forward(self, batch: Any, *, threads: int = 1) -> Any:
        """Compute the outputs of each row.

        Args:
            batch: Rows of inputs: nested lists, an `array.array` with all rows one after another, a NumPy array of
                shape (rows, inputs), or another buffer of numbers. A C-contiguous buffer of float64 is not copied.
            threads: How many threads to use, at most. The numbers do not depend on it. One is used for less than 512
                rows, where a primitive of yours is called, and in pure Python.

        Returns:
            One number per row, or a list of numbers per row if the recorded output was a list, of the same kind as the
            batch: lists, an `array.array`, a NumPy array of shape (rows,) or (rows, outputs), a memoryview.

        Raises:
            TypeError: Something in the batch is not a number, or an index is not a whole number; or `threads` is not.
            ValueError: The batch is empty, or a row has the wrong width; or `threads` is less than 1.
            IndexError: An index of `take` or `softmax_cross_entropy` is out of range.
            BranchChanged: A row takes a different branch from the one recorded.

        >>> from array import array
        >>> from autograd import record
        >>> tape = record(lambda x: x * x, inputs=[0.0])
        >>> tape.forward(array("d", [2.0, 3.0]))
        array('d', [4.0, 9.0])
        """
        found = read_batch(batch, self._width)
        rows = Rows(self._numbers(found), found.rows, _ZERO * (found.rows * self._columns))
        usable = usable_threads(threads, self._replayer, found.rows)
        self._check(self.replay(rows) if usable == 1 else self._replay_in_threads(rows, usable))
        return self._outputs(found, rows.outputs)

    def value_and_grad(
        self,
        batch: Any,
        input_gradients: bool = True,
        *,
        gradient: Number | Sequence[Number] = 1.0,
        threads: int = 1,
    ) -> tuple[Any, Any]:
        """Compute the outputs of each row and the gradients of their sum with respect to the inputs of the row.

        The gradients of the parameters, summed over the rows, are added to their `grad`, as `backward` does: the sums
        over blocks of 64 rows from the first row on, then the sum of these, each from the left. If anything fails, no
        gradient has changed.

        Args:
            batch: As for `forward`.
            input_gradients: Whether to compute the gradients of the inputs.
            gradient: The upstream gradient of each row, as for `backward`: one number, or one number per row.
            threads: As for `forward`.

        Returns:
            The pair (outputs, gradients), of the same kind as the batch: gradients of shape (rows, inputs), or None.

        Raises:
            TypeError: As for `forward`; or `gradient` is not a number or a sequence of numbers.
            ValueError: As for `forward`; or `gradient` does not have one number per row.
            IndexError, BranchChanged: As for `forward`.

        >>> w = Value(3.0)
        >>> from autograd import record
        >>> tape = record(lambda x: w * x, inputs=[0.0])
        >>> tape.value_and_grad([[1.0], [2.0]]), w.grad
        (([3.0, 6.0], [[3.0], [3.0]]), 3.0)
        >>> tape.value_and_grad([[1.0], [2.0]], gradient=[0.5, 2.0])
        ([3.0, 6.0], [[1.5], [6.0]])
        """
        found = read_batch(batch, self._width)
        count, params, replayer = found.rows, self._params, self._replayer
        numbers, outputs = self._numbers(found), _ZERO * (count * self._columns)
        gradients = _ZERO * (count * (self._width + self._draws)) if input_gradients else None
        plain = type(gradient) is float and gradient == 1.0
        seeds = self._ones if plain else read_gradient(gradient, count, self._columns)
        usable = usable_threads(threads, replayer, count)
        if usable == 1:
            note_reading(params)
            self._check(replayer.value_and_grad(params, numbers, count, outputs, seeds, gradients))
        else:
            sums = Sums(len(params))
            self._check(self._replay_in_threads(Rows(numbers, count, outputs, seeds, gradients, sums), usable))
            add_gradients(params, self.param_needed, sums.finish())
        if gradients is not None:
            gradients = found.in_kind(narrowed(gradients, count, self._width, self._draws), self._width)
        return self._outputs(found, outputs), gradients

    def stats(self) -> dict[str, Any]:
        """Return the size of the tape, before and after lowering.

        Returns:
            A dict: "recorded", the number of nodes that were computed during the recording; "live", the number of those
            that an output or a guard depends on; "instructions", the number of instructions they are lowered to; "by
            kind" and "live by kind", counts of both; "inputs", "params", "constants", "guards"; "calls", the names of
            the user's primitives, which a replay calls as they are; "source", "function" or "graph"; "bytes", the
            memory of a replay of 8 rows.

        >>> xs = [Value(float(i)) for i in range(4)]
        >>> y = xs[0] * xs[1] + xs[2] * xs[3]
        >>> from autograd import record
        >>> stats = record(y, inputs=xs).stats()
        >>> stats["live"], stats["instructions"], stats["by kind"]
        (3, 1, {'dot': 1})
        """
        found, flat = self._replayer.program, self._form.flat
        kinds = Counter(op_name(op, z) for op, _, _, _, _, z, _, _ in found.instructions())
        return {
            "recorded": self._form.recorded,
            "live": len(flat.codes),
            "instructions": len(found),
            "by kind": dict(kinds),
            "live by kind": dict(Counter(_primitive(code).name for code in flat.codes)),
            "inputs": flat.inputs,
            "params": flat.params,
            "constants": len(flat.constants),
            "guards": len(flat.guard_codes),
            "calls": sorted({_primitive(code).name for code in flat.codes} - PRIMITIVES.keys()),
            "source": "graph" if self._form.lines is None else "function",
            "bytes": found.bytes_of_lanes(),
        }

    def __len__(self) -> int:
        return len(self._replayer.program)

    def __repr__(self) -> str:
        return f"<Tape: {self._sketch()}; {len(self)} instructions>"

    def __str__(self) -> str:
        inputs = list(self._form.names)
        lines = list_program(self._replayer.program, inputs, names_of(self.params, "p"), self._form.lines or [])
        return "\n".join([f"tape of {self._sketch()}", *lines])

    def _sketch(self) -> str:
        flat, lines = self._form.flat, self._form.lines
        guards = f"{_count(len(lines), 'guard')}" if lines else "no guards"
        source = "from an existing graph" if lines is None else "from a function"
        inputs, params = _count(self.input_count, "input"), _count(flat.params, "parameter")
        if self.draw_count:
            inputs += f", {self.draw_count} drawn at random,"
        return f"{inputs} and {params}, recorded {source}: {guards}"

    def _numbers(self, found: Batch) -> Any:
        return widened(found.numbers, found.rows, self._width, self._draws)

    def _replay_in_threads(self, rows: Rows, threads: int) -> Failure | None:
        note_reading(self._params)
        return replay_in_threads(self._replayer, self._replayer.numbers_of(self._params), rows, threads)

    def _check(self, failure: Failure | None) -> None:
        if failure is not None:
            raise self.error_of(failure)

    def replay(self, rows: Rows) -> Failure | None:
        """Run rows with the parameters as they are now, as `Replayer.replay`; `add_gradients` is left to the caller."""
        note_reading(self._params)
        return self._replayer.replay(self._params, rows)

    def select(self, rows: Rows) -> bytearray:
        """Return which rows take the branch of this tape, as `Replayer.select`."""
        return self._replayer.select(self._params, rows)

    @property
    def output_count(self) -> int:
        """The number of outputs per row."""
        return self._columns

    @property
    def input_count(self) -> int:
        """The number of inputs per row that the caller gives."""
        return self._width

    @property
    def draw_count(self) -> int:
        """The number of inputs per row that are drawn at random; they stand behind those that the caller gives."""
        return self._draws

    @property
    def form(self) -> Form:
        """What the tape is made of, besides its parameters."""
        return self._form

    def leaves_of_output(self, j: int) -> tuple[list[int], list[int]]:
        """Return the places of the inputs and those of the parameters that output `j` depends on."""
        if self._leaves is None:
            self._leaves = tuple(leaves_of(self._form.flat, output) for output in self._form.flat.outputs)
        return self._leaves[j]

    @property
    def replayer(self) -> Replayer:
        """What replays it."""
        return self._replayer

    @property
    def param_needed(self) -> array[int]:
        """For each parameter, whether a gradient comes to it."""
        return self._replayer.param_needed

    def __reduce__(self) -> tuple[Callable[..., Tape], tuple[Any, ...]]:
        return _restored, (packed(self._form), self.params)

    def _outputs(self, rows: Batch, outputs: array[float]) -> Any:
        return rows.in_kind(outputs, self._columns if self._form.is_list else None)

    def error_of(self, failure: Failure) -> Exception:
        """Return the error that says where a replay stopped."""
        row, guard, left, right = failure
        if guard < 0:
            kind = IndexError if left % 1.0 == 0.0 else TypeError  # as where the function itself is called
            return kind(
                f"row {row}: {left!r} is not a valid index into {int(right)} values: it must be a whole number from 0 "
                f"to {int(right) - 1}"
            )
        flat = self._form.flat
        assert self._form.lines is not None
        was, now = ("true", "false") if flat.guard_outcomes[guard] else ("false", "true")
        comparison = f"{left!r} {_primitive(flat.guard_codes[guard]).symbol} {right!r}"
        return BranchChanged(
            f"row {row} takes a different branch from the one recorded: {comparison} is {now}, and this comparison was "
            f"{was} when the tape was recorded\n  {self._form.lines[guard]}\n"
            "autograd.taped(function) records one tape per branch; autograd.where chooses without a branch",
            row,
        )


def note_reading(params: Sequence[Value]) -> None:
    """Warn that the data of parameters is read, if another tape is being recorded: it is frozen into that one."""
    mode = current_mode()
    if params and mode is not None and mode.recorder is not None:
        mode.recorder.read(params[0])


def names_of(leaves: Sequence[Value], fallback: str) -> list[str]:
    """Return the names of leaves, otherwise their places.

    >>> names_of([Value(1.0, "slope"), Value(2.0)], "p")
    ['slope', 'p1']
    """
    names = []
    for i, leaf in enumerate(leaves):
        names.append(name_of(leaf, _NAME_LIMIT) or f"{fallback}{i}")
    return names


def _restored(packed_form: Any, params: Any) -> Tape:
    """Return the tape that a pickle holds."""
    return Tape(*unpacked(packed_form, params))


def _primitive(code: int) -> Primitive:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"
