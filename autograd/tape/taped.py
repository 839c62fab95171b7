"""taped: a function that is recorded at its first call and replayed from then on.

>>> import autograd as ag
>>> w = ag.Value(3.0, "w")
>>> @ag.taped
... def f(x):
...     return w * x if x > 0.0 else -x
>>> x = ag.Value(2.0)
>>> y = f(x)
>>> y.backward()
>>> y.data, x.grad, w.grad
(6.0, 3.0, 2.0)
>>> f(-4.0), len(f.tapes)  # another branch: another tape
(4.0, 2)
>>> f.forward([[1.0], [-1.0], [2.0]])
[3.0, 1.0, 6.0]
"""

from __future__ import annotations

import functools
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from autograd.modes import current_mode, unwatched
from autograd.primitives.primitive import Primitive, declare
from autograd.pytree import flatten, shape_of
from autograd.tape.batches import read_batch
from autograd.tape.record import record_call
from autograd.tape.replay import Failure, Sums, add_gradients
from autograd.tape.tape import Tape, note_reading
from autograd.value import Value, number_of, restore

__all__ = ["Taped", "taped"]


def _no_formula(*_: Any) -> NoReturn:
    raise TypeError(
        "the result of a taped function holds its derivatives as numbers: for higher derivatives, and to evaluate it "
        "anew, call the function itself, which is the attribute __wrapped__"
    )


# A node of a taped function is made with the derivatives that its tape gave; nothing can compute it from its operands.
_TAPED = declare(Primitive("taped", _no_formula, _no_formula, about="The result of a taped function", internal=True))


def taped(function: Callable[..., Any] | None = None, *, limit: int = 16) -> Any:
    """The same function, recorded at its first call and replayed from then on; also a decorator.

    It takes what the function takes as positional arguments (Values, numbers, nested lists, tuples and dicts of them)
    and gives what it gives. A result is one node, `taped`, whose parents are the arguments that are Values and the
    parameters, with the derivatives that the tape gave: `backward` from it has the bits of the function's own graph.
    Where arguments come in another shape, or a branch comes out otherwise, the function is recorded anew, and all tapes
    are kept.

    Args:
        function: a function of Values; what it reads from elsewhere as numbers is frozen (see `autograd.record`).
        limit: how many tapes may be kept for arguments of one shape.

    Raises:
        TypeError: what is given is no function.
        ValueError: the limit is below 1.

    >>> square = taped(lambda x: x * x)
    >>> square(3.0), square(Value(4.0))
    (9.0, Value(16.0, grad=0.0, op='taped'))
    """
    if function is None:
        return functools.partial(taped, limit=limit)
    return Taped(function, limit)


class Taped:
    """What `taped` makes of a function.

    Attributes:
        tapes: the tapes so far, in the order of their recording.
    """

    def __init__(self, function: Callable[..., Any], limit: int = 16) -> None:
        if not callable(function):
            raise TypeError(f"taped takes a function, not {type(function).__name__} {function!r}")
        if type(limit) is not int or limit < 1:
            raise ValueError(f"limit must be a whole number of at least 1, not {limit!r}")
        functools.update_wrapper(self, function)
        self._function = function
        self._limit = limit
        self._lock = threading.RLock()
        self._branches: dict[Any, _Branches] = {}  # by the shape of the arguments

    @property
    def tapes(self) -> tuple[Tape, ...]:
        """The tapes so far."""
        with self._lock:
            return tuple(tape for branches in self._branches.values() for tape in branches.tapes)

    def __repr__(self) -> str:
        return f"<taped {getattr(self._function, '__name__', self._function)!s}: {len(self.tapes)} tapes>"

    def __get__(self, instance: object, owner: type | None = None) -> Taped:
        if instance is None:
            return self
        name = self._name.rpartition(".")[2]
        raise TypeError(
            f"{name} is a method, and taped takes functions: tape the bound one, as in self.{name} = taped(self.{name})"
        )

    def __reduce__(self) -> str:
        return self._name  # by its name, as functions are copied and pickled

    @property
    def _name(self) -> str:
        return getattr(self, "__qualname__", type(self._function).__qualname__)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """The function's result.

        Raises:
            TypeError: an argument is given by keyword.
            RuntimeError: it would take a tape more than the limit.
            Any error of the function itself, and those of `autograd.record`.
        """
        if keywords:
            raise TypeError(f"a taped function takes arguments by position: {', '.join(keywords)} came by keyword")
        mode = current_mode()
        if mode is not None and mode.recorder is not None:  # into the tape that is being recorded
            return self._function(*arguments)
        with unwatched():
            operands, _ = flatten(list(arguments), "arguments")
            row = array("d", [number_of(x) for x in operands])
            branches = self._branches_for(arguments, operands)
            tape, outputs = branches.forward(self, branches.distinct(row))
            given = [operands[i] for i in branches.places]
            is_recorded = mode is None or mode.recording
            results = [
                _result(tape, branches.distinct(row), j, outputs[j], given, is_recorded) for j in range(len(outputs))
            ]
        for result in results:
            if isinstance(result, Value) and mode is not None:
                result.module = mode.scope
                if mode.watch is not None:
                    mode.watch.computed(result)
        return results[0] if branches.kind is None else branches.kind(results)

    def forward(self, batch: Any) -> Any:
        """The outputs of each row, as `Tape.forward` gives them; a row that takes a new branch is recorded.

        The columns of a batch are the numbers of the arguments from left to right. Where the function has not been
        called with so many yet, each is an argument of its own.

        >>> taped(lambda x, y: x if x > y else y).forward([[1.0, 2.0], [4.0, 3.0]])
        [2.0, 4.0]
        """
        return self._rows(batch, with_gradients=False, input_gradients=False)[0]

    def value_and_grad(self, batch: Any, input_gradients: bool = True) -> tuple[Any, Any]:
        """Outputs and gradients of each row, as `Tape.value_and_grad` gives them, parameters' sums in its order.

        >>> taped(lambda x: x * x if x > 0.0 else -x).value_and_grad([[3.0], [-1.0]])
        ([9.0, 1.0], [[6.0], [-1.0]])
        """
        return self._rows(batch, with_gradients=True, input_gradients=input_gradients)

    # -- tapes --------------------------------------------------------------------------------------------------------
    def _branches_for(self, arguments: tuple[Any, ...], operands: list[Value | float]) -> _Branches:
        """The tapes for arguments of this shape, in which the same Values are given more than once."""
        first: dict[int, int] = {}
        sharing = tuple(first.setdefault(id(x), i) if isinstance(x, Value) else i for i, x in enumerate(operands))
        key = shape_of(list(arguments), "the arguments"), sharing
        with self._lock:
            if key not in self._branches:
                self._branches[key] = _Branches(list(arguments), sharing)
            return self._branches[key]

    def _record(self, branches: _Branches, row: array[float], tried: int) -> Tape:
        """A tape of the branch that a row takes, where the first `tried` do not."""
        with self._lock:
            for tape in branches.tapes[tried:]:  # another thread's, made in the meantime
                if tape.replay(row, 1, array("d", bytes(8 * tape.output_count))) is None:
                    return tape
            if len(branches.tapes) >= self._limit:
                raise RuntimeError(
                    f"{self!r} has {self._limit} tapes for arguments of this shape, and this row takes yet another "
                    "branch: decide by autograd.where, which needs no tape of its own, or raise the limit, "
                    "taped(function, limit=...)"
                )
            leaves, arguments = branches.fresh(row)
            tape, result = record_call(self._function, leaves, arguments)
            branches.add(tape, type(result) if isinstance(result, list | tuple) else None)
            return tape

    # -- rows ---------------------------------------------------------------------------------------------------------
    def _rows(self, batch: Any, with_gradients: bool, input_gradients: bool) -> tuple[Any, Any]:
        if isinstance(batch, Iterator):
            batch = list(batch)
        with unwatched():
            branches = self._branches_of_width(batch)
            rows = read_batch(batch, branches.width)
            run = _Run(self, branches, _floats(rows.numbers), rows.rows)
            run.go(with_gradients, input_gradients)
            add_gradients(tuple(run.params), run.needed, run.sums.finish())
            columns = None if branches.kind is None else run.count
            gradients = None if run.gradients is None else rows.in_kind(run.gradients, branches.width)
        for tape in branches.tapes:
            note_reading(tape.params)
        return rows.in_kind(run.outputs, columns), gradients

    def _branches_of_width(self, batch: Any) -> _Branches:
        """Those of the arguments that the function was called with first, of the width of the batch."""
        with self._lock:
            plain = [branches for branches in self._branches.values() if branches.is_plain and branches.tapes]
        width = _width_of(batch)
        if width is None:
            if not plain:
                raise ValueError(
                    "a batch of rows one after another does not say how long they are, and the function has not been "
                    "called yet: give rows of their own, or call it first"
                )
            return plain[0]
        for branches in plain:
            if branches.width == width:
                return branches
        numbers = [0.0] * width
        return self._branches_for(tuple(numbers), list(numbers))


class _Branches:
    """The tapes for arguments of one shape."""

    def __init__(self, arguments: list[Any], sharing: tuple[int, ...]) -> None:
        self._arguments = [flatten(argument, "an argument") for argument in arguments]
        self._lengths = [len(numbers) for numbers, _ in self._arguments]
        self._sharing = sharing
        self.places = [i for i, source in enumerate(sharing) if i == source]
        self._place = {source: i for i, source in enumerate(self.places)}
        self._rebuild = [rebuild for _, rebuild in self._arguments]
        del self._arguments
        self.width = len(self.places)
        self.is_plain = self.width == len(sharing)
        self.kind: type | None = None
        self.tapes: list[Tape] = []

    def distinct(self, row: array[float]) -> array[float]:
        """The row that the tapes take: each Value once."""
        return array("d", [row[i] for i in self.places])

    def fresh(self, row: array[float]) -> tuple[list[Value], list[Any]]:
        """Leaves with the numbers of a row that the tapes take, and arguments made of them."""
        leaves = [Value(x) for x in row]
        everywhere = [leaves[self._place[source]] for source in self._sharing]
        arguments, at = [], 0
        for length, rebuild in zip(self._lengths, self._rebuild, strict=True):
            arguments.append(rebuild(everywhere[at : at + length]))
            at += length
        return leaves, arguments

    def add(self, tape: Tape, kind: type | None) -> None:
        """Keep a tape; all branches of a function must give as many outputs."""
        if self.tapes and (kind is not self.kind or tape.output_count != self.tapes[0].output_count):
            raise ValueError(
                f"one branch of the function gives {self.tapes[0].output_count} outputs and another "
                f"{tape.output_count}, or one a list and another not: give the same in all"
            )
        self.kind = kind
        self.tapes.append(tape)

    def forward(self, owner: Taped, row: array[float]) -> tuple[Tape, array[float]]:
        """The tape whose guards hold for a row that the tapes take, and its outputs."""
        tapes = tuple(self.tapes)
        for tape in tapes:
            outputs = array("d", bytes(8 * tape.output_count))
            failure = tape.replay(row, 1, outputs)
            if failure is None:
                return tape, outputs
            if failure.guard < 0:
                raise tape.error_of(failure)
        tape = owner._record(self, row, len(tapes))
        outputs = array("d", bytes(8 * tape.output_count))
        failure = tape.replay(row, 1, outputs)
        if failure is not None:
            raise tape.error_of(failure)
        return tape, outputs


def _result(
    tape: Tape, row: array[float], j: int, data: float, given: list[Value | float], is_recorded: bool
) -> Value | float:
    """Output j as the function would give it, with its derivatives.

    It is a Value where it depends on one: on the Values and numbers that were given for the row, or on parameters.
    """
    inputs, params = tape.leaves_of_output(j)
    if not params and not any(isinstance(given[i], Value) for i in inputs):
        return data
    if not is_recorded:
        return Value(data)
    seeds = array("d", bytes(8 * tape.output_count))
    seeds[j] = 1.0
    outputs, gradients, sums = array("d", seeds), array("d", bytes(8 * len(row))), Sums(len(tape.params))
    failure = tape.replay(row, 1, outputs, seeds, gradients, sums)
    if failure is not None:  # a parameter has been changed since, by another thread
        raise tape.error_of(failure)
    by_inputs = [gradients[i] for i in inputs if isinstance(given[i], Value)]
    by_params: Sequence[float] = sums.finish()
    parameters: Sequence[Value] = tape.params
    if len(params) < len(parameters):
        by_params, parameters = [by_params[i] for i in params], [parameters[i] for i in params]
    operands = *(given[i] for i in inputs), *parameters
    return restore(_TAPED, data, 0.0, False, (*by_inputs, *by_params), None, None, operands)


class _Run:
    """One batch, row by row on the tape whose guards hold."""

    def __init__(self, owner: Taped, branches: _Branches, numbers: Any, rows: int) -> None:
        self.owner = owner
        self.branches = branches
        self.numbers = numbers
        self.rows = rows
        self.params: list[Value] = []
        self.needed = array("i")
        self.sums = Sums(0)
        self.outputs = array("d")
        self.gradients: array[float] | None = None
        self.count = 0
        self._places: dict[int, int] = {}

    def go(self, with_gradients: bool, input_gradients: bool) -> None:
        """Run all rows: as many at a time as one tape takes."""
        width, row = self.branches.width, 0
        if with_gradients and input_gradients:
            self.gradients = array("d", bytes(8 * width * self.rows))
        while row < self.rows:
            row += self._some(row, with_gradients)

    def _some(self, row: int, with_gradients: bool) -> int:
        """Run rows from this one on, on the first tape that takes it; how many it took."""
        tapes = tuple(self.branches.tapes)
        for tape in tapes:
            taken = self._on(tape, row, self.rows, with_gradients)
            if taken:
                return taken
        tape = self.owner._record(self.branches, array("d", self._numbers(row, row + 1)), len(tapes))
        taken = self._on(tape, row, self.rows, with_gradients)
        assert taken > 0
        return taken

    def _numbers(self, begin: int, end: int) -> Any:
        return self.numbers[begin * self.branches.width : end * self.branches.width]

    def _on(self, tape: Tape, begin: int, end: int, with_gradients: bool) -> int:
        """Run rows on one tape, up to the first that it does not take."""
        if not self.count:
            self.count = tape.output_count
            self.outputs = array("d", bytes(8 * self.count * self.rows))
        if not with_gradients:
            taken = self._taken(tape, self._forward(tape, begin, end), begin, end)
            if 0 < taken < end - begin:  # where a row has failed, what was written for those before it says nothing
                self._forward(tape, begin, begin + taken)
            return taken
        places = self._places_of(tape)
        before = self.sums.rows, self.sums.block[:], self.sums.total[:]
        failure = self._backward(tape, begin, end, places)
        taken = self._taken(tape, failure, begin, end)
        if failure is not None:  # what the rows before it added is added again, without it
            self.sums.rows, self.sums.block, self.sums.total = before
            if taken:
                self._backward(tape, begin, begin + taken, places)
        return taken

    def _forward(self, tape: Tape, begin: int, end: int) -> Failure | None:
        return tape.replay(self._numbers(begin, end), end - begin, self._part(self.outputs, self.count, begin, end))

    def _taken(self, tape: Tape, failure: Failure | None, begin: int, end: int) -> int:
        if failure is None:
            return end - begin
        if failure.guard < 0:
            raise tape.error_of(failure._replace(row=begin + failure.row))
        return failure.row

    def _backward(self, tape: Tape, begin: int, end: int, places: array[int]) -> Failure | None:
        seeds = array("d", [1.0]) * tape.output_count
        outputs = self._part(self.outputs, self.count, begin, end)
        gradients = None if self.gradients is None else self._part(self.gradients, self.branches.width, begin, end)
        return tape.replay(self._numbers(begin, end), end - begin, outputs, seeds, gradients, self.sums, places)

    def _part(self, numbers: array[float], columns: int, begin: int, end: int) -> memoryview:
        return memoryview(numbers)[begin * columns : end * columns]

    def _places_of(self, tape: Tape) -> array[int]:
        """Where the sums have the tape's parameters; those that they have not yet come behind."""
        for parameter, needed in zip(tape.params, tape.param_needed, strict=True):
            if id(parameter) not in self._places:
                self._places[id(parameter)] = len(self.params)
                self.params.append(parameter)
                self.needed.append(0)
                self.sums.block.append(0.0)
                self.sums.total.append(0.0)
            self.needed[self._places[id(parameter)]] |= needed
        return array("i", [self._places[id(p)] for p in tape.params])


def _floats(numbers: Any) -> Any:
    """A view of a buffer, whose parts are not copied."""
    return memoryview(numbers).cast("B").cast("d")


def _width_of(batch: Any) -> int | None:
    """How many numbers a row of a batch has; None where the batch has all rows one after another."""
    shape = getattr(batch, "shape", None)
    if isinstance(batch, array):
        return None
    if isinstance(shape, tuple):
        return shape[1] if len(shape) == 2 else None
    try:
        return len(batch[0])
    except (TypeError, IndexError, KeyError):
        return 0  # read_batch says what is wrong
