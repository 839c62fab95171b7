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
guard, which every replay checks; see `autograd.recorder`.
"""

from __future__ import annotations

import inspect
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import isnan
from typing import Any

from autograd import ops
from autograd.batches import Batch, read_batch
from autograd.flat import flatten_graph
from autograd.forms import Form, leaves_of, packed, unpacked
from autograd.listing import list_program, names_of
from autograd.lowering import lower
from autograd.modes import current_mode, unwatched
from autograd.numeric import as_operand, shortened
from autograd.ops import BY_CODE
from autograd.program import STRIDE, op_name
from autograd.recorder import Comparison, Recorder, recording
from autograd.replay import Failure, Sums, add_gradients, replay, scalars_of
from autograd.trees import flatten
from autograd.value import Value, creation_number, many, reached_by

__all__ = ["BranchChanged", "Tape", "record", "record_call"]


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
        """`autograd.replay.replay` with the parameters as they are now; `add_gradients` is left to the caller."""
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


def record(
    source: Callable[..., Any] | Value | Sequence[Value | float],
    inputs: Sequence[Any],
    *,
    params: Iterable[Value] | None = None,
) -> Tape:
    """Record a function, or a graph that stands, as a tape.

    A function is called once, on the inputs, in recording mode: see `autograd.recorder` for what its branches and the
    numbers it reads become. A standing graph has no guards, for its comparisons are gone; one that contains `where` is
    refused, for what it chose by is gone too.

    Args:
        source: a function that returns a Value or a list of them; or such an output itself.
        inputs: what the function is called with: leaf Values, numbers, and nested lists, tuples and dicts of them.
            For a standing graph, leaves of it. From left to right they are the columns of a batch.
        params: which of the other leaves receive gradients; all where it is None.

    Raises:
        TypeError: `source` or what it returns, or something among the inputs or params, is of the wrong kind.
        ValueError: an input is a computed node or is given twice, or a standing graph contains `where`.
        RuntimeError: inside `no_grad()`, where there is nothing to record, or while another tape is recorded.

    >>> x = Value(2.0)
    >>> record(x * x + 1.0, inputs=[x]).forward([[3.0]])
    [10.0]
    """
    mode = current_mode()
    if mode is not None and mode.recorder is not None:
        raise RuntimeError("a tape is being recorded in this thread: record the other before or after it")
    if not isinstance(inputs, list | tuple):
        raise TypeError(
            f"inputs must be a list, one entry an argument, not {type(inputs).__name__} {shortened(inputs)}"
        )
    with unwatched():
        leaves, arguments = _checked_inputs(inputs)
    if isinstance(source, Value | list | tuple):
        _check_standing(inputs)
        return _tape_of(source, leaves, names_of(leaves, "x"), None, params, "the output")
    if not callable(source):
        raise TypeError(f"record takes a function or a Value, not {type(source).__name__} {shortened(source)}")
    return record_call(source, leaves, arguments, params)[0]


def record_call(
    function: Callable[..., Any], leaves: list[Value], arguments: list[Any], params: Iterable[Value] | None = None
) -> tuple[Tape, Any]:
    """Call a function in recording mode on arguments that are made of leaves; the tape, and what it returned."""
    mode = current_mode()
    if mode is not None and not mode.recording:
        raise RuntimeError("a tape cannot be recorded inside no_grad(), where nothing is recorded: do it outside")
    recorder = Recorder(leaves)
    with unwatched():
        numbers = [leaf.data for leaf in leaves]
    with recording(recorder):
        result = function(*arguments)
    _check_inputs_kept(leaves, numbers)
    what = f"{getattr(function, '__name__', type(function).__name__)}()"
    return _tape_of(result, leaves, _names(function, leaves, arguments), recorder, params, what), result


def _check_inputs_kept(leaves: list[Value], numbers: list[float]) -> None:
    """A replay would not know of a number that was assigned."""
    with unwatched():
        for i, (leaf, number) in enumerate(zip(leaves, numbers, strict=True)):
            if leaf.data != number and not (isnan(leaf.data) and isnan(number)):
                raise ValueError(
                    f"input {i} was {number!r} and the function assigned {leaf.data!r} to its data: compute a new "
                    "Value instead"
                )


def _names(function: Callable[..., Any], leaves: list[Value], arguments: list[Any]) -> list[str]:
    """Labels, or else the names of the function's arguments."""
    names = names_of(leaves, "x")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return names
    place = {id(leaf): i for i, leaf in enumerate(leaves)}
    for argument, parameter in zip(arguments, parameters, strict=False):
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            break
        for j, leaf in enumerate(flatten(argument, "an argument")[0]):
            if isinstance(leaf, Value) and not leaf.label:
                names[place[id(leaf)]] = parameter.name if leaf is argument else f"{parameter.name}{j}"
    return names


def _tape_of(
    result: Any,
    inputs: list[Value],
    names: list[str],
    recorder: Recorder | None,
    params: Iterable[Value] | None,
    what: str,
) -> Tape:
    with unwatched():
        recorded = recorder.count() if recorder else None
        outputs = _checked_outputs(result, what)
        flat, leaves = flatten_graph(outputs, recorder.guards if recorder else (), inputs)
        if flat.kinds and (flat.kinds[ops.WHERE.code] or flat.kinds[_taped_code()]):
            _check_replayable(outputs, recorder)
        lines = [f"{guard.line.where}: {guard.line.text}" for guard in recorder.guards] if recorder else None
        receiving = _receiving(params, leaves, inputs)
        is_list = isinstance(result, list | tuple)
        form = Form(flat, receiving, names, is_list, lines, len(flat.codes) if recorded is None else recorded)
        return Tape(form, leaves)


def _checked_inputs(inputs: Sequence[Any]) -> tuple[list[Value], list[Any]]:
    """The leaves, and the arguments made of them."""
    leaves: list[Value] = []
    arguments = []
    for i, tree in enumerate(inputs):
        found, rebuild = flatten(tree, f"inputs[{i}]")
        own = [x if isinstance(x, Value) else Value(x) for x in found]
        leaves += own
        arguments.append(rebuild(own))
    seen: dict[int, int] = {}
    for i, leaf in enumerate(leaves):
        if leaf.op:
            raise ValueError(
                f"input {i} is computed ({leaf!r}): inputs are leaves; give .detach() of it, or its leaves"
            )
        if id(leaf) in seen:
            raise ValueError(f"input {i} is input {seen[id(leaf)]} again ({leaf!r}): give each once")
        seen[id(leaf)] = i
    return leaves, arguments


def _check_standing(inputs: Sequence[Any]) -> None:
    if any(not isinstance(x, Value) for tree in inputs for x in flatten(tree, "inputs")[0]):
        raise TypeError("the inputs of a standing graph must be leaves of it, and numbers are none: record a function")


def _checked_outputs(result: Any, what: str) -> list[Value | float]:
    outputs: list[Value | float] = []
    for i, x in enumerate(result if isinstance(result, list | tuple) else [result]):
        if isinstance(x, Comparison):  # 1 or 0, anew in each replay
            outputs.append(x.condition())
            continue
        number = x if isinstance(x, Value) else as_operand(x)
        if number is None:
            place = f"[{i}]" if isinstance(result, list | tuple) else ""
            raise TypeError(
                f"{what}{place} must be a Value or a number, or a list of them, not {type(x).__name__} {shortened(x)}"
            )
        outputs.append(number)
    if not outputs:
        raise ValueError(f"{what} is an empty list: there is nothing to record")
    return outputs


def _taped_code() -> int:
    primitive = ops.by_name("taped")
    assert primitive is not None
    return primitive.code


def _check_replayable(outputs: Sequence[Value | float], recorder: Recorder | None) -> None:
    """Refuse what stood before the recording and cannot be computed again: choices, and results of taped functions."""
    roots = [output for output in outputs if isinstance(output, Value)]
    if recorder is not None:
        roots += [x for guard in recorder.guards for x in (guard.left, guard.right) if isinstance(x, Value)]
    if not roots:
        return
    for node in reached_by(many(ops.SUM, [*roots]))[0]:
        if node.primitive is ops.WHERE and (recorder is None or creation_number(node) < recorder.began):
            raise ValueError(
                "the graph contains where, and what it chose by is gone: record the function that makes the graph, "
                "autograd.record(function, inputs=...)"
            )
        if node.op == "taped":
            raise ValueError("the graph contains the result of a taped function: call the function itself")


def _receiving(params: Iterable[Value] | None, leaves: list[Value], inputs: list[Value]) -> array[int]:
    if params is None:
        return array("i", [1]) * len(leaves)
    if isinstance(params, Value) or not isinstance(params, Iterable):
        raise TypeError(f"params must be a list of Values, not {type(params).__name__} {shortened(params)}")
    given = {id(leaf) for leaf in inputs}
    chosen = set()
    for i, parameter in enumerate(params):
        if not isinstance(parameter, Value):
            raise TypeError(f"params[{i}] must be a Value, not {type(parameter).__name__} {shortened(parameter)}")
        if parameter.op or id(parameter) in given:
            kind = "is computed" if parameter.op else "is an input"
            raise ValueError(f"params[{i}] {kind} ({parameter!r}): params are leaves that are no inputs")
        chosen.add(id(parameter))
    return array("i", [id(leaf) in chosen for leaf in leaves])


def _primitive_name(code: int) -> str:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive.name


def _is_custom(code: int) -> bool:
    return _primitive_name(code) not in ops.PRIMITIVES


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"
