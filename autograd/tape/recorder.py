"""The recording mode: comparisons, and numbers that leave the graph.

A function that is recorded runs once, on one set of numbers. Its arithmetic on `Value`s replays with other numbers; its
decisions do not, unless they are known. So in recording mode a comparison of Values returns a `Comparison`: if the
program branches on it, it becomes a guard, which every replay checks; if `autograd.where` takes it, every replay
computes it. A number that leaves the graph (`.data`, `.grad`) is frozen into the tape, and a `FrozenValueWarning` names
the line.
"""

from __future__ import annotations

import numbers
import operator
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograd.arguments import as_operand
from autograd.modes import Layer, layer_set, unwatched
from autograd.primitives import table
from autograd.primitives.primitive import Primitive
from autograd.source_lines import SourceLine, user_line
from autograd.value import Value, creation_number, many

__all__ = ["Comparison", "FrozenValueWarning", "Guard", "Recorder", "recording"]


class FrozenValueWarning(UserWarning):
    """Issued when a number is read while a tape is recorded: the tape keeps it, whatever it is replayed with."""


# the primitive that computes each relation, and whether the operands are swapped
_RELATIONS: dict[Callable[[Any, Any], Any], tuple[Primitive, bool]] = {
    operator.lt: (table.LESS, False),
    operator.gt: (table.LESS, True),
    operator.le: (table.LESS_OR_EQUAL, False),
    operator.ge: (table.LESS_OR_EQUAL, True),
    operator.eq: (table.EQUAL, False),
    operator.ne: (table.NOT_EQUAL, False),
}


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """A decision of the program while a tape was recorded.

    Attributes:
        primitive: The comparison, a row of `autograd.primitives.table`.
        left, right: The operands, Values or floats.
        outcome: Whether the comparison held.
        after: The creation number of the newest node at that time.
        line: The line of the user's program that decided.
    """

    primitive: Primitive
    left: Value | float
    right: Value | float
    outcome: bool
    after: int
    line: SourceLine


class Comparison:
    """The result of comparing Values while a tape is recorded.

    `autograd.where(comparison, a, b)` chooses in every replay. Any other use (`if`, `and`, `not`, `max`, as a number)
    takes the present outcome and becomes a guard: a replay with a different outcome raises `BranchChanged`.
    """

    __slots__ = ("_guarded", "_left", "_outcome", "_primitive", "_recorder", "_right")

    def __init__(
        self, recorder: Recorder, primitive: Primitive, left: Value | float, right: Value | float, outcome: bool
    ) -> None:
        self._recorder = recorder
        self._primitive = primitive
        self._left = left
        self._right = right
        self._outcome = outcome
        self._guarded = False

    def __bool__(self) -> bool:
        if not self._guarded and self._recorder.is_open:
            self._guarded = True
            self._recorder.guard(self._primitive, self._left, self._right, self._outcome)
        return self._outcome

    def condition(self) -> Value:
        """Return the comparison as a node: 1 if it holds, otherwise 0."""
        return many(self._primitive, [self._left, self._right])

    def __repr__(self) -> str:
        return f"Comparison({self._outcome})"

    def __hash__(self) -> int:
        return hash(bool(self))

    def __int__(self) -> int:
        return int(bool(self))

    __index__ = __int__

    def __float__(self) -> float:
        return float(bool(self))


def _define_as_bools() -> None:
    """Define the operators of a bool on `Comparison`: each takes the outcome, and so makes it a guard."""

    def unary(operation: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda self, *others: operation(bool(self), *others)

    def binary(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda self, other: operation(bool(self), bool(other) if isinstance(other, Comparison) else other)

    def reflected(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        return lambda self, other: operation(other, bool(self))

    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
        operation = getattr(operator, f"__{name}__")
        setattr(Comparison, f"__{name}__", binary(operation))
        setattr(Comparison, f"__r{name}__", reflected(operation))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Comparison, f"__{name}__", binary(getattr(operator, name)))
    for name, function in (
        *(("neg", operator.neg), ("pos", operator.pos), ("abs", abs), ("round", round), ("format", format)),
    ):
        setattr(Comparison, f"__{name}__", unary(function))


_define_as_bools()
numbers.Real.register(Comparison)  # it is accepted as a number wherever a bool is


class Recorder:
    """Record what one function compares, draws and reads while it runs, in its context.

    Args:
        inputs: The leaves that are the inputs of the tape.
        warns: Whether to warn of a number that is frozen into the tape; if not, `frozen` alone tells.

    Attributes:
        guards: The decisions of the program.
        drawn: Leaves for the numbers that were drawn at random: inputs that a replay fills in.
        frozen: The lines of the program that read a number.
        indexed: The nodes that chose among others by an index which is not the same in each replay.
    """

    def __init__(self, inputs: list[Value], warns: bool = True) -> None:
        self.is_open = True
        self.guards: list[Guard] = []
        self.drawn: list[Value] = []
        self.frozen: list[SourceLine] = []
        self.indexed: list[Value] = []
        self._warns = warns
        self.began = creation_number(Value(0.0))
        self._inputs = {id(node) for node in inputs}
        self._warned: set[tuple[str, int]] = set()

    def count(self) -> int:
        """Return the number of nodes that were created so far."""
        return creation_number(Value(0.0)) - self.began - 1 - len(self.guards)

    def compared(self, relation: Callable[[Any, Any], Any], x: Value, y: object) -> Any:
        """Return a `Comparison` of x with another Value or a number; NotImplemented for anything else."""
        number = y if type(y) is Value else as_operand(y)
        if number is None:
            return NotImplemented
        primitive, swapped = _RELATIONS[relation]
        with unwatched():
            outcome = bool(relation(x, y))
        left, right = (number, x) if swapped else (x, number)
        return Comparison(self, primitive, left, right, outcome)

    def guard(self, primitive: Primitive, left: Value | float, right: Value | float, outcome: bool) -> None:
        """Add a guard: the program decided by this comparison."""
        newest = creation_number(Value(0.0))
        self.guards.append(Guard(primitive, left, right, outcome, newest, user_line()))

    def chose(self, node: Value) -> None:
        """Note a node that chose among others by an index."""
        index = node.operands[-1]
        if isinstance(index, Value) and not self._is_constant(index):
            self.indexed.append(node)

    def checks_of_indices(self, unused: Sequence[Value]) -> list[Guard]:
        """Return guards for the indices of nodes that no output and no other guard depends on.

        The program raises where such an index is out of range, although nothing follows from what it chose, and so must
        a replay. A guard compares what the index chooses from a list of zeros with zero: it holds where there is one.
        """
        checks = []
        for node in unused:
            chosen = many(table.TAKE, [*[0.0] * (len(node.operands) - 1), node.operands[-1]])
            line = SourceLine("(unknown)", 0, "(unknown)", "an index that nothing depends on")
            checks.append(Guard(table.EQUAL, chosen, 0.0, True, creation_number(chosen), line))
        return checks

    def _is_constant(self, node: Value) -> bool:
        """Return whether the program made a leaf while it ran: it is the same in each replay."""
        return not node.op and creation_number(node) > self.began and id(node) not in self._inputs

    def detached(self, node: Value) -> Value:
        """Return a node that has the number of this one in every replay, and passes no gradient on."""
        with layer_set(Layer(recording=True)):  # under no_grad, this node is recorded all the same
            result = many(table.DETACH, [node])
        result.label = node.label
        return result

    def draw(self, number: float) -> Value:
        """A number that was drawn at random, as a leaf whose number is drawn anew in each replay."""
        leaf = Value(number)
        self._inputs.add(id(leaf))
        self.drawn.append(leaf)
        return leaf

    def read(self, node: Value) -> None:
        """Warn, once per line of the program, that a number is frozen into the tape."""
        if self._is_constant(node):
            return
        line = user_line()
        if (line.file, line.number) in self._warned:
            return
        self._warned.add((line.file, line.number))
        self.frozen.append(line)
        if not self._warns:
            return
        message = (
            "the number of a Value was read while a tape was being recorded, so it is frozen into the tape. Compute "
            f"with the Value itself, or with its .detach() to stop gradients.{line.in_brackets}"
        )
        warnings.warn_explicit(message, FrozenValueWarning, line.file, line.number)


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Set recording mode in this context."""
    with layer_set(Layer(recording=True, recorder=recorder)):
        try:
            yield
        finally:
            recorder.is_open = False
