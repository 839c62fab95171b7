"""A function that is recorded at its first call and replayed from then on.

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
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar, overload

from autograd.modes import current_mode, unwatched
from autograd.primitives.primitive import Primitive, declare
from autograd.pytree import flatten, shape_of
from autograd.tape.batches import read_batch
from autograd.tape.branching import Run
from autograd.tape.record import record_call
from autograd.tape.replay import Failure, Rows, Sums, add_gradients
from autograd.tape.tape import Tape, note_reading
from autograd.value import Number, Value, number_of, restore

__all__ = ["Taped", "taped"]

P = ParamSpec("P")
R = TypeVar("R")


def _no_formula(*_: Any) -> NoReturn:
    raise TypeError(
        "the result of a taped function holds its derivatives as numbers: for higher derivatives, for a gradient that "
        "carries its graph, and to evaluate it again, call the function itself, which is the attribute __wrapped__; "
        "under no_grad() a transform gives numbers"
    )


# A node of a taped function is made with the derivatives that its tape gave; nothing can compute it from its operands.
_TAPED = declare(Primitive("taped", _no_formula, _no_formula, about="The result of a taped function", internal=True))


@overload
def taped(function: Callable[P, R], *, limit: int = 16) -> Taped[P, R]: ...
@overload
def taped(function: None = None, *, limit: int = 16) -> Callable[[Callable[P, R]], Taped[P, R]]: ...
def taped(function: Callable[P, R] | None = None, *, limit: int = 16) -> Any:
    """Record a function at its first call and replay it from then on; also a decorator.

    The taped function takes the positional arguments of the function (Values, numbers, nested lists, tuples and dicts
    of them) and returns what the function returns. A result is one node, `taped`, whose parents are the arguments that
    are Values and the parameters, with the derivatives that the tape computed: `backward` from it has the bits of the
    function's own graph. The function is recorded again for arguments of another shape and for another branch, and all
    tapes are kept.

    Args:
        function: A function of Values; numbers that it reads from elsewhere are frozen (see `autograd.record`).
        limit: The largest number of tapes to keep for arguments of one shape.

    Raises:
        TypeError: `function` is not callable.
        ValueError: `limit` is less than 1.

    >>> square = taped(lambda x: x * x)
    >>> square(3.0), square(Value(4.0))
    (9.0, Value(16.0, grad=0.0, op='taped'))
    """
    if function is None:
        return functools.partial(taped, limit=limit)
    return Taped(function, limit)


class Taped(Generic[P, R]):
    """A function with its tapes; `taped` makes one.

    Attributes:
        tapes: The tapes so far, in the order of their recording.
    """

    def __init__(self, function: Callable[P, R], limit: int = 16) -> None:
        if not callable(function):
            raise TypeError(f"taped takes a function, not {type(function).__name__} {function!r}")
        if type(limit) is not int or limit < 1:
            raise ValueError(f"limit must be a whole number of at least 1, not {limit!r}")
        functools.update_wrapper(self, function)
        self._function = function
        self._limit = limit
        try:
            self._lock = threading.RLock()
        except RuntimeError as error:  # "can't allocate lock"
            raise MemoryError(str(error)) from None
        self._branches: dict[Any, _Branches] = {}  # by the shape of the arguments

    @property
    def tapes(self) -> tuple[Tape, ...]:
        """The tapes so far."""
        with self._lock:
            return tuple(tape for branches in self._branches.values() for tape in branches.tapes)

    def __repr__(self) -> str:
        return f"<taped {getattr(self._function, '__name__', self._function)!s}: {len(self.tapes)} tapes>"

    def __get__(self, instance: object, owner: type | None = None) -> Taped[P, R]:
        if instance is None:
            return self
        name = self._name.rpartition(".")[2]
        raise TypeError(
            f"{name} is a method, and taped takes functions: tape the bound method, self.{name} = taped(self.{name})"
        )

    def __reduce__(self) -> str:
        return self._name  # by its name, as functions are copied and pickled

    @property
    def _name(self) -> str:
        return getattr(self, "__qualname__", type(self._function).__qualname__)

    def __call__(self, *arguments: P.args, **keywords: P.kwargs) -> R:
        """Return the result of the function.

        Raises:
            TypeError: An argument is given by keyword.
            RuntimeError: The row takes a new branch, and there are as many tapes as the limit.

        Errors of the function itself and those of `autograd.record` are raised as well.
        """
        if keywords:
            raise TypeError(f"a taped function takes arguments by position: {', '.join(keywords)} came by keyword")
        mode = current_mode()
        if mode is not None and mode.recorder is not None:  # into the tape that is being recorded
            return self._function(*arguments, **keywords)  # there are no keywords
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
        found: Any = results[0] if branches.kind is None else branches.kind(results)
        return found  # type: ignore[no-any-return]

    def forward(self, batch: Any) -> Any:
        """Compute the outputs of each row, as `Tape.forward` does; a row that takes a new branch is recorded.

        The columns of a batch are the numbers of the arguments from left to right. If the function has not been called
        with arguments of so many numbers, each column is an argument of its own.

        >>> taped(lambda x, y: x if x > y else y).forward([[1.0, 2.0], [4.0, 3.0]])
        [2.0, 4.0]
        """
        return self._rows(batch, None, input_gradients=False)[0]

    def value_and_grad(
        self, batch: Any, input_gradients: bool = True, *, gradient: Number | Sequence[Number] = 1.0
    ) -> tuple[Any, Any]:
        """Compute outputs and gradients of each row, as `Tape.value_and_grad` does, with the same order of sums.

        >>> taped(lambda x: x * x if x > 0.0 else -x).value_and_grad([[3.0], [-1.0]])
        ([9.0, 1.0], [[6.0], [-1.0]])
        """
        return self._rows(batch, gradient, input_gradients)

    # -- tapes --------------------------------------------------------------------------------------------------------
    def _branches_for(self, arguments: tuple[Any, ...], operands: list[Value | float]) -> _Branches:
        """Return the tapes for arguments of this shape, with the same Values given more than once."""
        first: dict[int, int] = {}
        sharing = tuple(first.setdefault(id(x), i) if isinstance(x, Value) else i for i, x in enumerate(operands))
        key = shape_of(list(arguments), "the arguments"), sharing
        with self._lock:
            if key not in self._branches:
                self._branches[key] = _Branches(list(arguments), sharing)
            return self._branches[key]

    def _record(self, branches: _Branches, row: array[float], tried: int) -> Tape:
        """Return a tape of the branch that a row takes; it is not one of the first `tried`."""
        with self._lock:
            for tape in branches.tapes[tried:]:  # of another thread, made in the meantime
                if _outputs_of(tape, row)[0] is None:
                    return tape
            if len(branches.tapes) >= self._limit:
                raise RuntimeError(
                    f"{self!r} has {self._limit} tapes for arguments of this shape, and this row takes yet another "
                    "branch: decide by autograd.where, which does not need a tape of its own, or raise the limit, "
                    "taped(function, limit=...)"
                )
            leaves, arguments = branches.fresh(row)
            tape, result = record_call(self._function, leaves, arguments)
            if tape.draw_count:
                raise TypeError(f"{self!r} draws random numbers: autograd.record(function, inputs=...) takes it")
            branches.add(tape, type(result) if isinstance(result, list | tuple) else None)
            return tape

    # -- rows ---------------------------------------------------------------------------------------------------------
    def _rows(self, batch: Any, gradient: Any, input_gradients: bool) -> tuple[Any, Any]:
        """Run a batch forward, and backward if `gradient` is not None."""
        if isinstance(batch, Iterator):
            batch = list(batch)
        with unwatched():
            branches = self._branches_of_width(batch)
            found = read_batch(batch, branches.width)
            run = Run(functools.partial(self._record, branches), branches, _floats(found.numbers), found.rows)
            if gradient is not None:
                run.prepare_backward(gradient, input_gradients)
            run.go()
            add_gradients(run.params, run.needed, run.sums.finish())
            columns = None if branches.kind is None else run.columns
            gradients = None if run.gradients is None else found.in_kind(run.gradients, branches.width)
        for tape in branches.tapes:
            note_reading(tape.params)
        return found.in_kind(run.outputs, columns), gradients

    def _branches_of_width(self, batch: Any) -> _Branches:
        """Return the tapes of the first call whose arguments had as many numbers as the batch has columns."""
        with self._lock:
            plain = [branches for branches in self._branches.values() if branches.is_plain and branches.tapes]
        width = _width_of(batch)
        if width is None:
            widths = sorted({branches.width for branches in plain})
            if not widths:
                raise ValueError(
                    "the width of the rows is unknown: the batch has all rows one after another, and the function has "
                    "not been called yet. Give rows as lists or in two dimensions, or call the function first"
                )
            if len(widths) > 1:
                raise ValueError(
                    "the width of the rows is ambiguous: the batch has all rows one after another, and the function "
                    f"has been called with {', '.join(map(str, widths[:-1]))} and {widths[-1]} numbers. Give rows as "
                    "lists or in two dimensions"
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
        """Return the row that the tapes take: each Value once."""
        return array("d", [row[i] for i in self.places])

    def fresh(self, row: array[float]) -> tuple[list[Value], list[Any]]:
        """Return leaves with the numbers of a row that the tapes take, and arguments made of them."""
        leaves = [Value(x) for x in row]
        everywhere = [leaves[self._place[source]] for source in self._sharing]
        arguments, at = [], 0
        for length, rebuild in zip(self._lengths, self._rebuild, strict=True):
            arguments.append(rebuild(everywhere[at : at + length]))
            at += length
        return leaves, arguments

    def add(self, tape: Tape, kind: type | None) -> None:
        """Keep a tape; all branches of a function must return the same number of outputs."""
        if self.tapes and (kind is not self.kind or tape.output_count != self.tapes[0].output_count):
            raise ValueError(
                f"one branch of the function returns {self.tapes[0].output_count} outputs and another "
                f"{tape.output_count}, or one a list and another not: return the same in all branches"
            )
        self.kind = kind
        self.tapes.append(tape)

    def forward(self, owner: Taped[Any, Any], row: array[float]) -> tuple[Tape, array[float]]:
        """Return the tape whose guards hold for a row that the tapes take, and its outputs."""
        tapes = tuple(self.tapes)
        for tape in tapes:
            failure, outputs = _outputs_of(tape, row)
            if failure is None:
                return tape, outputs
            if failure.guard < 0:
                raise tape.error_of(failure)
        tape = owner._record(self, row, len(tapes))
        failure, outputs = _outputs_of(tape, row)
        if failure is not None:
            raise tape.error_of(failure)
        return tape, outputs


def _outputs_of(tape: Tape, row: array[float]) -> tuple[Failure | None, array[float]]:
    outputs = array("d", bytes(8 * tape.output_count))
    return tape.replay(Rows(row, 1, outputs)), outputs


def _result(
    tape: Tape, row: array[float], j: int, data: float, given: list[Value | float], is_recorded: bool
) -> Value | float:
    """Return output `j` as the function would, with its derivatives.

    It is a Value if it depends on one: on the Values among the numbers that were given for the row, or on parameters.
    """
    inputs, params = tape.leaves_of_output(j)
    if not params and not any(isinstance(given[i], Value) for i in inputs):
        return data
    if not is_recorded:
        return Value(data)
    seeds = array("d", bytes(8 * tape.output_count))
    seeds[j] = 1.0
    outputs, gradients, sums = array("d", seeds), array("d", bytes(8 * len(row))), Sums(len(tape.params))
    failure = tape.replay(Rows(row, 1, outputs, seeds, gradients, sums))
    if failure is not None:  # a parameter has been changed since, by another thread
        raise tape.error_of(failure)
    by_inputs = [gradients[i] for i in inputs if isinstance(given[i], Value)]
    by_params: Sequence[float] = sums.finish()
    parameters: Sequence[Value] = tape.params
    if len(params) < len(parameters):
        by_params, parameters = [by_params[i] for i in params], [parameters[i] for i in params]
    operands = *(given[i] for i in inputs), *parameters
    return restore(_TAPED, data, 0.0, False, (*by_inputs, *by_params), None, None, operands)


def _floats(numbers: Any) -> Any:
    """Return a view of a buffer, whose slices are not copied."""
    return memoryview(numbers).cast("B").cast("d")


def _width_of(batch: Any) -> int | None:
    """Return the width of the rows of a batch; None if the batch has all rows one after another."""
    shape = getattr(batch, "shape", None)
    if isinstance(batch, array):
        return None
    if isinstance(shape, tuple):
        return shape[1] if len(shape) == 2 else None
    try:
        return len(batch[0])
    except (TypeError, IndexError, KeyError):
        return 0  # read_batch says what is wrong
