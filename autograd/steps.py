"""The engine's own account of a pass, a node at a time.

`steps` walks the backward pass in the order and with the arithmetic of `Value.backward`:

    >>> from autograd import Value, steps
    >>> x1, w1 = Value(2.0, "x1"), Value(-1.5, "w1")
    >>> x1w1 = x1 * w1; x1w1.label = "x1·w1"
    >>> x2, w2 = Value(0.5, "x2"), Value(1.0, "w2")
    >>> x2w2 = x2 * w2; x2w2.label = "x2·w2"
    >>> y = (x1w1 + x2w2 + Value(3.2, "b")).tanh(); y.label = "y"
    >>> steps(y)
    backward from y %9: 5 steps
      1/5  tanh y %9   upstream +1
      2/5  + %8        upstream +0.6347
      3/5  + %6        upstream +0.6347
      4/5  × x2·w2 %5  upstream +0.6347
      5/5  × x1·w1 %2  upstream +0.6347
    >>> steps(y)[3]
    backward 4/5   × x2·w2 %5   upstream +0.6347
      operand  upstream  × local ∂  = contribution  grad before  → after
      x2 %3     +0.6347          1         +0.6347            0  +0.6347
      w2 %4     +0.6347        0.5         +0.3174            0  +0.3174
    >>> steps(y, direction="forward")[0]
    forward 1/5   × x1·w1 %2   = -3
      operand  data  ∂ local
      x1 %0       2     -1.5
      w1 %1    -1.5        2
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, overload

from autograd.arguments import as_operand, no_value, shortened
from autograd.assigned import assigned_texts
from autograd.backward_pass import BackwardPass
from autograd.formatting import columns, encodable, named, number, padded, table
from autograd.names import names_in_scope
from autograd.primitives.primitive import glyph
from autograd.recorded import is_as_recorded, parents_of
from autograd.value import Value

__all__ = [
    "BackwardSteps",
    "ForwardOperand",
    "ForwardStep",
    "OperandStep",
    "Step",
    "Steps",
    "called",
    "steps",
    "title_of",
]

SHOWN = 8  # operands of a step in its table, steps of a pass in its summary


# -- one step of the backward pass -------------------------------------------------------------------------------------
@dataclass(slots=True, eq=False)
class OperandStep:
    """What one step passes to one operand.

    Attributes:
        value: the operand, a parent of the step's node.
        number: its place in `topological_order(root)`, `%3` in tables.
        local_grad: the local derivative of the node with respect to it.
        contribution: upstream × local_grad; 0 where either is 0.
        before: its gradient in this pass before the step.
        after: its gradient after the step.
    """

    value: Value
    number: int
    local_grad: float
    contribution: float
    before: float
    after: float


@dataclass(slots=True, eq=False, repr=False)
class Step:
    """One node's turn in a backward pass. At a prompt, and printed, it is a table.

    Attributes:
        index: which turn it is, from 1.
        total: how many turns the pass has, one per computed node.
        node: the node.
        number: its place in `topological_order(root)`, `%5` in tables.
        upstream: its whole gradient, which it now passes on.
        operands: one entry per parent, in the order of `node.parents`.
        walk: the pass that it is a step of; pictures of the step need it, and names of variables come from it.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> steps(a * b)[0]
    backward 1/1   × %2   upstream +1
      operand  upstream  × local ∂  = contribution  grad before  → after
      a %0           +1          3              +3            0       +3
      b %1           +1          2              +2            0       +2
    """

    index: int
    total: int
    node: Value
    number: int
    upstream: float
    operands: tuple[OperandStep, ...]
    walk: BackwardPass | None = None

    @property
    def title(self) -> str:
        """`backward 4/5   × x2·w2 %5   upstream +0.6347`."""
        name = title_of(self.node, self.number, _names(self.walk))
        return f"backward {self.index}/{self.total}   {name}   upstream {number(self.upstream, sign=True)}"

    def rows(self) -> tuple[list[tuple[str, ...]], str]:
        """The cells of the table below its heading, and a note: past eight operands, the largest contributions."""
        shown, note = _largest(self.operands)
        rows: list[tuple[str, ...]] = [("operand", "upstream", "× local ∂", "= contribution", "grad before", "→ after")]
        upstream, names = number(self.upstream, sign=True), _names(self.walk)
        for operand in shown:
            numbers = (operand.contribution, operand.before, operand.after)
            name, local_grad = named(operand.value, operand.number, names), number(operand.local_grad)
            rows.append((name, upstream, local_grad, *(number(x, sign=True) for x in numbers)))
        return rows, "; ".join(filter(None, (note, self._assigned())))

    def _assigned(self) -> str:
        """What is said of operands whose data was assigned since: the local derivatives are of the old number."""
        told = {}
        at = {position: i for i, (position, _) in enumerate(parents_of(self.node))}
        for position, text in assigned_texts(self.node).items():
            if position < 0:
                told[-1] = text
            else:
                operand = self.operands[at[position]]
                name = named(operand.value, operand.number, _names(self.walk))
                told[operand.number] = f"{name} is {number(operand.value.data)}, {text}"
        return "; ".join(told.values())

    def __str__(self) -> str:
        return _text(self.title, *self.rows())

    __repr__ = __str__


def _largest(operands: tuple[OperandStep, ...]) -> tuple[Sequence[OperandStep], str]:
    """Up to eight operands, those of the largest contributions in their order, and what is said of the others."""
    if len(operands) <= SHOWN:
        return operands, ""
    order = sorted(range(len(operands)), key=lambda i: -_size(operands[i].contribution))
    shown = [operands[i] for i in sorted(order[:SHOWN])]
    return shown, f"… and {len(operands) - SHOWN:,} smaller contributions, {len(operands):,} in all"


def _size(x: float) -> float:
    return math.inf if math.isnan(x) else abs(x)


# -- one step of the forward pass --------------------------------------------------------------------------------------
@dataclass(slots=True, eq=False)
class ForwardOperand:
    """An operand of a step of the forward pass.

    Attributes:
        value: the operand, a Value or a number.
        number: its place in `topological_order(root)`; None for a number.
        data: its number.
        local_grad: the local derivative of the node with respect to it; None for a number.
    """

    value: Value | float
    number: int | None
    data: float
    local_grad: float | None


@dataclass(slots=True, eq=False, repr=False)
class ForwardStep:
    """One node's turn in a forward pass. At a prompt, and printed, it is a table.

    Attributes:
        index: which turn it is, from 1.
        total: how many turns the pass has, one per computed node.
        node: the node; `node.data` is the result.
        number: its place in `topological_order(root)`, `%5` in tables.
        operands: one entry per operand, in the order of `node.operands`.
        walk: the pass that it is a step of; names of variables come from it.

    >>> a = Value(3.0, "a")
    >>> steps(a * 2, direction="forward")[0]
    forward 1/1   × %1   = 6
      operand  data  ∂ local
      a %0        3        2
      2           2
    """

    index: int
    total: int
    node: Value
    number: int
    operands: tuple[ForwardOperand, ...]
    walk: BackwardPass | None = None

    @property
    def title(self) -> str:
        """`forward 1/5   × x1·w1 %2   = -3`."""
        name = title_of(self.node, self.number, _names(self.walk))
        return f"forward {self.index}/{self.total}   {name}   = {number(self.node.data)}"

    def rows(self) -> tuple[list[tuple[str, ...]], str]:
        """The cells of the table below its heading, and a note where something was assigned since or is left out."""
        rows: list[tuple[str, ...]] = [("operand", "data", "∂ local")]
        assigned, names = assigned_texts(self.node), _names(self.walk)
        for position, operand in enumerate(self.operands[:SHOWN]):
            if operand.number is None or not isinstance(operand.value, Value):
                rows.append((number(operand.data), number(operand.data), ""))
                continue
            local_grad = "" if operand.local_grad is None else number(operand.local_grad)
            data = f"{number(operand.data)}, {assigned[position]}" if position in assigned else number(operand.data)
            rows.append((named(operand.value, operand.number, names), data, local_grad))
        notes = []
        if len(self.operands) > SHOWN:
            notes.append(f"… and {len(self.operands) - SHOWN:,} more operands, {len(self.operands):,} in all")
        if not is_as_recorded(self.node):
            notes.append("data was assigned to an operand since: the result is of the old number")
        return rows, "; ".join(notes)

    def __str__(self) -> str:
        return _text(self.title, *self.rows())

    __repr__ = __str__


def title_of(node: Value, place: int, names: Mapping[int, str] | None = None) -> str:
    """A node as a title has it: `× x1·w1 %2`, its sign, its name, its number."""
    return f"{glyph(node.op)} {named(node, place, names)}".lstrip()


def called(node: Value, place: int, names: Mapping[int, str] | None = None) -> str:
    """A node as a sentence has it: by its name, `h %2`, or without one by its sign, `× %3`; always with its number."""
    name = named(node, place, names)
    return name if name != f"%{place}" else f"{glyph(node.op)} {name}".lstrip()


def _names(walk: BackwardPass | None) -> Mapping[int, str] | None:
    return None if walk is None else walk.names


def _text(title: str, rows: list[tuple[str, ...]], note: str) -> str:
    lines = [title, *("  " + "  ".join(cells).rstrip() for cells in table(rows))]
    if note:
        lines.append(f"  {note}")
    return encodable("\n".join(lines), getattr(sys.stdout, "encoding", None))


# -- a pass ------------------------------------------------------------------------------------------------------------
Turn = TypeVar("Turn", Step, ForwardStep)


class Steps(Sequence[Turn], Generic[Turn]):
    """A pass as a sequence of its steps: `len`, index, slice and iterate; at a prompt it is a summary.

    A step is made when it is asked for, so a pass over a million nodes holds a few numbers for each and no step.

    >>> x, w = Value(2.0, "x"), Value(-1.0, "w")
    >>> y = (x * w).relu() + x
    >>> len(steps(y)), [step.node.op for step in steps(y)[1:]]
    (3, ['relu', '*'])
    """

    __slots__ = ("_picked", "_target", "_walk", "_way")

    def __init__(
        self, walk: BackwardPass, picked: Sequence[int], target: Value | None = None, way: bytearray | None = None
    ) -> None:
        self._walk = walk
        self._picked = picked  # which turns of the pass, from 0
        self._target = target  # where `to` leads, and by place whether a node is on the way there
        self._way = way

    def __len__(self) -> int:
        return len(self._picked)

    @overload
    def __getitem__(self, index: int) -> Turn: ...
    @overload
    def __getitem__(self, index: slice) -> Steps[Turn]: ...
    def __getitem__(self, index: int | slice) -> Turn | Steps[Turn]:
        if isinstance(index, slice):
            return type(self)(self._walk, self._picked[index], self._target, self._way)
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no step [{index}]: there are {len(self):,}")
        (step,) = self._steps((self._picked[index],))
        return step

    def __iter__(self) -> Iterator[Turn]:
        return self._steps(self._picked)

    def to(self, node: Value) -> Steps[Turn]:
        """The steps that reach a node: those whose node was computed from it, in however many steps.

        The last of them are the ones that have it as operand. Where the root does not reach it there are none.

        Args:
            node: a Value.

        Raises:
            TypeError: `node` is not a Value.

        >>> x, w = Value(2.0, "x"), Value(3.0, "w")
        >>> [step.node.op for step in steps(x.exp() + w * 2).to(w)]
        ['+', '*']
        """
        if type(node) is not Value:
            raise TypeError(f"to() takes the Value to go to, not {type(node).__name__} {shortened(node)}")
        way = self._walk.way_to(node)
        own = self._walk.place_of(node)
        picked = array("q", [turn for turn in self._picked if way[at := self._place(turn)] and at != own])
        return type(self)(self._walk, picked, node, way)

    def first(self, *, zero: bool = False, nonfinite: bool = False) -> Turn | None:
        """The first step at which the gradient, or the value, goes to zero or stops being a finite number.

        In a backward pass a step counts where it passes on a zero, or where a factor, a contribution or a gradient is
        inf or nan; in a forward pass where its result is that. Behind `to`, only operands that lead there count.

        Args:
            zero: look for a zero.
            nonfinite: look for inf and nan.

        Returns:
            The step; None where there is no such step.

        Raises:
            ValueError: neither is asked for.

        >>> x = Value(-2.0, "x")
        >>> steps(x.relu() * 3).first(zero=True)
        backward 2/2   relu %1   upstream +3
          operand  upstream  × local ∂  = contribution  grad before  → after
          x %0           +3          0               0            0        0
        """
        if not zero and not nonfinite:
            raise ValueError("first() looks for zero=True, for nonfinite=True, or for both")
        for step in self:
            for x in self._watched(step):
                if (nonfinite and not math.isfinite(x[0])) or (zero and x[1]):
                    return step
        return None

    def __repr__(self) -> str:
        walk = self._walk
        root = len(walk.nodes) - 1
        text = f"{self._direction} from {named(walk.nodes[root], root, walk.names)}"
        if self._target is not None:
            at = walk.place_of(self._target)
            where = "a node that it does not reach" if at is None else named(self._target, at, walk.names)
            text += f" to {where}"
        text += f": {len(self):,} step{'s' * (len(self) != 1)}"
        if not walk.turns:
            text += "; it is a leaf"
        shown = list(self[:SHOWN])
        names = [title_of(step.node, step.number, walk.names) for step in shown]
        counts = [f"{step.index}/{step.total}" for step in shown]
        width, counted = max(map(columns, names), default=0), max(map(len, counts), default=0)
        lines = [text]
        for step, count, name in zip(shown, counts, names, strict=True):
            lines.append(f"  {count:>{counted}}  {padded(name, width)}  {self._outcome(step)}")
        if len(self) > SHOWN:
            lines.append(f"  … and {len(self) - SHOWN:,} more")
        return encodable("\n".join(lines), getattr(sys.stdout, "encoding", None))

    # what a direction has of its own
    _direction = ""

    def _place(self, turn: int) -> int:
        raise NotImplementedError

    def _steps(self, turns: Iterable[int]) -> Iterator[Turn]:
        raise NotImplementedError

    def _outcome(self, step: Turn) -> str:
        raise NotImplementedError

    def _watched(self, step: Turn) -> Iterator[tuple[float, bool]]:
        """Numbers of a step that may not be finite, each with whether it counts as a zero."""
        raise NotImplementedError


class BackwardSteps(Steps[Step]):
    """The steps of a backward pass, newest node first."""

    __slots__ = ()
    _direction = "backward"

    def _place(self, turn: int) -> int:
        return self._walk.turns[turn]

    def _steps(self, turns: Iterable[int]) -> Iterator[Step]:
        walk, total = self._walk, len(self._walk.turns)
        nodes, gradients, starts = walk.nodes, walk.gradients, walk.starts
        places, befores = walk.parents, walk.before
        for turn in turns:
            if turn + 1 >= len(starts):
                walk.advance(turn + 1)
            at, edge = walk.turns[turn], starts[turn]
            node, upstream = nodes[at], gradients[at]
            local_grads, operands = node.local_grads, []
            for i, parent in enumerate(node.parents):
                local_grad, before = local_grads[i], befores[edge]
                passed = local_grad * upstream if local_grad and upstream else 0.0  # multiply_no_nan, without a call
                operands.append(OperandStep(parent, places[edge], local_grad, passed, before, before + passed))
                edge += 1
            yield Step(turn + 1, total, node, at, upstream, tuple(operands), walk)

    def _outcome(self, step: Step) -> str:
        return f"upstream {number(step.upstream, sign=True)}"

    def _watched(self, step: Step) -> Iterator[tuple[float, bool]]:
        yield step.upstream, False
        for operand in step.operands:
            if self._way is None or self._way[operand.number]:
                yield operand.local_grad, False
                yield operand.contribution, operand.contribution == 0.0
                yield operand.after, False


class ForwardSteps(Steps[ForwardStep]):
    """The steps of a forward pass, oldest node first."""

    __slots__ = ()
    _direction = "forward"

    def _place(self, turn: int) -> int:
        return self._walk.turns[-1 - turn]

    def _steps(self, turns: Iterable[int]) -> Iterator[ForwardStep]:
        walk, total = self._walk.finish(), len(self._walk.turns)
        for turn in turns:
            at, edge = self._place(turn), walk.starts[total - 1 - turn]
            node = walk.nodes[at]
            local_grads = iter(node.local_grads)
            operands = []
            for operand in node.operands:
                if isinstance(operand, Value):
                    operands.append(ForwardOperand(operand, walk.parents[edge], operand.data, next(local_grads)))
                    edge += 1
                else:
                    operands.append(ForwardOperand(operand, None, operand, None))
            yield ForwardStep(turn + 1, total, node, at, tuple(operands), walk)

    def _outcome(self, step: ForwardStep) -> str:
        return f"= {number(step.node.data)}"

    def _watched(self, step: ForwardStep) -> Iterator[tuple[float, bool]]:
        yield step.node.data, step.node.data == 0.0


@overload
def steps(root: Value, gradient: float = 1.0, direction: Literal["backward"] = "backward") -> Steps[Step]: ...
@overload
def steps(root: Value, gradient: float = 1.0, *, direction: Literal["forward"]) -> Steps[ForwardStep]: ...
def steps(
    root: Value, gradient: float = 1.0, direction: Literal["backward", "forward"] = "backward"
) -> Steps[Step] | Steps[ForwardStep]:
    """The pass from `root` as a sequence of steps, one per computed node, without touching any `grad`.

    Order and arithmetic are those of `root.backward(gradient)` on leaves whose gradients start from zero: the last
    `after` of every leaf is what that call adds to its `grad`, to the last bit. The forward pass is told from what was
    recorded, oldest node first; nothing is computed again.

    Args:
        root: the Value to start from; a leaf takes no step.
        gradient: its upstream gradient.
        direction: "backward" or "forward".

    Returns:
        A lazy sequence (`len`, index, slice, iterate) that has two questions of its own: `.to(w)` for the steps that
        reach w, and `.first(zero=True)` or `.first(nonfinite=True)` for where a gradient vanished or broke.

    Raises:
        TypeError: `root` is not a Value, or `gradient` is not a number.
        ValueError: `direction` is neither of the two.

    >>> a = Value(3.0, "a")
    >>> [(s.node.op, s.upstream, [o.contribution for o in s.operands]) for s in steps(a * a)]
    [('*', 1.0, [3.0, 3.0])]
    """
    walk = _pass(root, gradient)
    if direction == "backward":
        return BackwardSteps(walk, range(len(walk.turns)))
    if direction == "forward":
        return ForwardSteps(walk, range(len(walk.turns)))
    raise ValueError(f"direction must be 'backward' or 'forward', not {shortened(direction)}")


def _pass(root: Any, gradient: Any) -> BackwardPass:
    if type(root) is not Value:
        raise TypeError(f"steps() takes the Value to start from, not {no_value(root)}")
    upstream = as_operand(gradient)
    if upstream is None:
        raise TypeError(f"steps() takes a number as gradient, not {type(gradient).__name__} {shortened(gradient)}")
    walk = BackwardPass(root, upstream)
    walk.names = names_in_scope()
    return walk
