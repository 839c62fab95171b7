"""Tapes: record a graph once, replay it on rows of numbers at the speed of C, with the same bits.

>>> import autograd as ag
>>> w = ag.Value(0.5, "w")
>>> tape = ag.record(lambda x, t: (w * x - t) ** 2, inputs=[1.0, 2.0])
>>> tape.forward([[1.0, 2.0], [3.0, 0.5]])
[2.25, 1.0]
>>> tape.value_and_grad([[1.0, 2.0], [3.0, 0.5]])
([2.25, 1.0], [[-1.5, 3.0], [1.0, -2.0]])
>>> w.grad  # summed over the rows, as the optimisers want it
3.0

A tape holds the instructions and the parameters, not the graph. What a function decides while it is recorded becomes a
guard, which every replay checks; see `autograd.tape.recorder`.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from autograd.modes import current_mode
from autograd.primitives.primitive import BY_CODE, PRIMITIVES
from autograd.tape.batches import Batch, read_batch
from autograd.tape.compiled.fuse import lower
from autograd.tape.compiled.listing import list_program, names_of
from autograd.tape.compiled.program import STRIDE, op_name
from autograd.tape.pickling import Form, leaves_of, packed, unpacked
from autograd.tape.replay import Failure, Sums, add_gradients, replay, scalars_of
from autograd.value import Value

__all__ = ["BranchChanged", "Tape", "note_reading"]


class BranchChanged(RuntimeError):
    """A row would take another branch than the one that was recorded.

    Attributes:
        row: the row of the batch.
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
        params: the leaves that are no inputs, in the order of their creation: read at each replay.

    >>> import autograd as ag
    >>> x, w, b = ag.Value(1.0, "x"), ag.Value(2.0, "w"), ag.Value(0.5, "b")
    >>> print(ag.record((w * x + b).tanh(), inputs=[x]))
    tape of 1 input and 2 parameters, recorded from a standing graph: no guards
    %0 = multiply(w, x)
    %1 = add(%0, b)
    %2 = tanh(%1)
    return %2
    """

    __slots__ = ("_form", "_leaves", "_params", "_program")

    def __init__(self, form: Form, params: Sequence[Value]) -> None:
        self._form = form
        self._params = tuple(params)
        self._leaves: tuple[tuple[list[int], list[int]], ...] | None = None
        self._program = lower(form.flat, form.receiving)

    @property
    def params(self) -> tuple[Value, ...]:
        """The leaves that are no inputs: their numbers are read at each replay, their gradients added to."""
        return self._params

    def forward(self, batch: Any) -> Any:
        """The outputs of each row.

        Args:
            batch: rows of inputs: nested lists, an `array.array` with all rows one after another, a NumPy array of
                shape (rows, inputs), or another buffer of numbers. A C-contiguous buffer of float64 is not copied.

        Returns:
            One number a row, or a list of them where the recorded output was a list, in the batch's kind: lists, an
            `array.array`, a NumPy array of shape (rows,) or (rows, outputs), a memoryview.

        Raises:
            TypeError: something in the batch is no number.
            ValueError: the batch is empty, a row has the wrong width, or an index among the inputs is none.
            BranchChanged: a row would take another branch.

        >>> from array import array
        >>> from autograd import record
        >>> tape = record(lambda x: x * x, inputs=[0.0])
        >>> tape.forward(array("d", [2.0, 3.0]))
        array('d', [4.0, 9.0])
        """
        rows = read_batch(batch, self._form.flat.inputs)
        return self._outputs(rows, self._run(rows))

    def value_and_grad(self, batch: Any, input_gradients: bool = True) -> tuple[Any, Any]:
        """The outputs of each row, and the gradient of their sum by that row's inputs.

        The gradients of the parameters, summed over the rows, are added to their `grad`, as `backward` does it: those
        of 64 rows from the first on, then those sums, each from the left. Where anything fails, none has changed.

        Args:
            batch: as for `forward`.
            input_gradients: whether the gradients by the inputs are asked for.

        Returns:
            The pair (outputs, gradients), in the batch's kind: gradients of shape (rows, inputs), or None.

        Raises:
            TypeError, ValueError, BranchChanged: as `forward`.

        >>> w = Value(3.0)
        >>> from autograd import record
        >>> tape = record(lambda x: w * x, inputs=[0.0])
        >>> tape.value_and_grad([[1.0], [2.0]]), w.grad
        (([3.0, 6.0], [[3.0], [3.0]]), 3.0)
        """
        rows = read_batch(batch, self._form.flat.inputs)
        width = self._form.flat.inputs
        gradients = array("d", bytes(8 * rows.rows * width)) if input_gradients else None
        sums = Sums(len(self.params))
        outputs = self._run(rows, self._seeds(), gradients, sums)
        add_gradients(self.params, self._program.param_needed, sums.finish())
        return self._outputs(rows, outputs), None if gradients is None else rows.in_kind(gradients, width)

    def stats(self) -> dict[str, Any]:
        """How large the tape is, before and after it was lowered.

        Returns:
            A dict: "recorded", the nodes that were computed while it was recorded; "live", those of them that an output
            or a guard depends on; "instructions", what is left of them; "by kind" and "live by kind", counts of both;
            "inputs", "params", "constants", "guards"; "calls", the primitives of users, which replay calls as they are;
            "source", "function" or "graph"; "bytes", the memory of one replay in lanes of 8 rows.

        >>> xs = [Value(float(i)) for i in range(4)]
        >>> y = xs[0] * xs[1] + xs[2] * xs[3]
        >>> from autograd import record
        >>> stats = record(y, inputs=xs).stats()
        >>> stats["live"], stats["instructions"], stats["by kind"]
        (3, 1, {'dot': 1})
        """
        found, flat = self._program, self._form.flat
        code = found.code
        kinds = Counter(op_name(code[at], code[at + 5]) for at in range(0, len(code), STRIDE))
        return {
            "recorded": self._form.recorded,
            "live": len(flat.codes),
            "instructions": len(found),
            "by kind": dict(kinds),
            "live by kind": dict(Counter(_primitive_name(code) for code in flat.codes)),
            "inputs": flat.inputs,
            "params": flat.params,
            "constants": len(flat.constants),
            "guards": len(flat.guard_codes),
            "calls": sorted({_primitive_name(code) for code in flat.codes if _is_custom(code)}),
            "source": "graph" if self._form.lines is None else "function",
            "bytes": found.bytes_of_lanes(),
        }

    def __len__(self) -> int:
        return len(self._program)

    def __repr__(self) -> str:
        return f"<Tape: {self._sketch()}; {len(self)} instructions>"

    def __str__(self) -> str:
        inputs = list(self._form.names)
        lines = list_program(self._program, inputs, names_of(self.params, "p"), self._form.lines or [])
        return "\n".join([f"tape of {self._sketch()}", *lines])

    def _sketch(self) -> str:
        flat, lines = self._form.flat, self._form.lines
        guards = f"{_count(len(lines), 'guard')}" if lines else "no guards"
        source = "from a standing graph" if lines is None else "from a function"
        inputs, params = _count(flat.inputs, "input"), _count(flat.params, "parameter")
        return f"{inputs} and {params}, recorded {source}: {guards}"

    def _seeds(self) -> array[float]:
        return array("d", [1.0]) * self.output_count

    def _run(
        self,
        rows: Batch,
        seeds: array[float] | None = None,
        gradients: array[float] | None = None,
        sums: Sums | None = None,
    ) -> array[float]:
        outputs = array("d", bytes(8 * rows.rows * self.output_count))
        failure = self.replay(rows.numbers, rows.rows, outputs, seeds, gradients, sums)
        if failure is not None:
            raise self.error_of(failure)
        return outputs

    def replay(
        self,
        numbers: Any,
        rows: int,
        outputs: Any,
        seeds: array[float] | None = None,
        gradients: Any = None,
        sums: Sums | None = None,
        places: array[int] | None = None,
    ) -> Failure | None:
        """`autograd.tape.replay.replay` with the parameters as they are now; `add_gradients` is left to the caller."""
        note_reading(self.params)
        scalars = scalars_of(self._program, self.params)
        return replay(self._program, scalars, numbers, rows, outputs, seeds, gradients, sums, places)

    @property
    def output_count(self) -> int:
        """How many outputs a row has."""
        return len(self._form.flat.outputs)

    @property
    def input_count(self) -> int:
        """How many inputs a row has."""
        return self._form.flat.inputs

    def leaves_of_output(self, j: int) -> tuple[list[int], list[int]]:
        """The places of the inputs, and those of the parameters, that output j depends on."""
        if self._leaves is None:
            self._leaves = tuple(leaves_of(self._form.flat, output) for output in self._form.flat.outputs)
        return self._leaves[j]

    @property
    def param_needed(self) -> array[int]:
        """For each parameter, whether a gradient comes to it."""
        return self._program.param_needed

    def __reduce__(self) -> tuple[Callable[..., Tape], tuple[Any, ...]]:
        return _restored, (packed(self._form), self.params)

    def _outputs(self, rows: Batch, outputs: array[float]) -> Any:
        return rows.in_kind(outputs, self.output_count if self._form.is_list else None)

    def error_of(self, failure: Failure) -> Exception:
        """The error that says where a replay stopped."""
        row, guard, left, right = failure
        if guard < 0:
            return ValueError(
                f"row {row}: {left!r} is no index of {int(right)} values: a whole number from 0 to {int(right) - 1}"
            )
        flat = self._form.flat
        comparison = BY_CODE[flat.guard_codes[guard]]
        assert comparison is not None
        assert self._form.lines is not None
        was = "held" if flat.guard_outcomes[guard] else "did not hold"
        return BranchChanged(
            f"row {row} takes another branch than the one that was recorded: {left!r} {comparison.symbol} {right!r}, "
            f"which {was} then, comes out otherwise\n  {self._form.lines[guard]}\n"
            "autograd.taped(function) records a tape for each branch; autograd.where chooses without a branch",
            row,
        )


def note_reading(params: Sequence[Value]) -> None:
    """While another tape is recorded, the numbers of parameters are frozen into it: warn as for any that is read."""
    mode = current_mode()
    if params and mode is not None and mode.recorder is not None:
        mode.recorder.read(params[0])


def _restored(packed_form: Any, params: Any) -> Tape:
    """What a pickle of a tape makes."""
    return Tape(*unpacked(packed_form, params))


def _primitive_name(code: int) -> str:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive.name


def _is_custom(code: int) -> bool:
    return _primitive_name(code) not in PRIMITIVES


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"
