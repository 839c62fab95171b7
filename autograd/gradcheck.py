"""Gradients held against differences.

>>> import autograd as ag
>>> report = ag.gradcheck(lambda x, y: ag.sin(x) * y**2, (1.0, 2.0))
>>> bool(report), report.relative_difference < 1e-8
(True, True)
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autograd.arguments import as_operand, no_value, shortened
from autograd.modes import recording
from autograd.passes import gradients
from autograd.pytree import Rebuild, flatten
from autograd.value import Value, number_of, topological_order

__all__ = ["GradcheckReport", "GradientMismatch", "gradcheck", "numerical_gradient"]

_CLOSER = 0.01  # of the step: for a second look, whether something bends in between
_STEP = sys.float_info.epsilon ** (1 / 3)  # balances the formula's error, step², with rounding, epsilon / step


class GradientMismatch(AssertionError):
    """Raised when a gradient differs from the finite differences; `report` has the figures."""

    def __init__(self, message: str, report: GradcheckReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True, slots=True)
class GradcheckReport:
    """What `gradcheck` compared; true where all agree.

    Attributes:
        analytic: the gradient by the engine, in the shape of the argument (a tuple where there are several); with
            parameters, the pair of that and the list of theirs.
        numerical: the same by central differences, at a kink the mean of both sides.
        relative_difference: the largest relative difference of an entry, as `gradcheck` defines it.
        worst: which entry has it.
        passed: whether every entry agrees within the tolerance.
        kinks: the entries at a kink, each with both one-sided derivatives and the engine's:
            `"number 0 of the inputs: left -1, right 1, ours 0"`.
    """

    analytic: Any
    numerical: Any
    relative_difference: float
    worst: str
    passed: bool
    kinks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.passed


def numerical_gradient(f: Callable[..., Any], inputs: tuple[Any, ...], step: float = _STEP) -> Any:
    """The gradient of `f` by central differences, (f(x + h) - f(x - h)) / 2h, one entry at a time.

    Args:
        f: a function that returns a Value or a number.
        inputs: the tuple of f's arguments: numbers, or nested lists, tuples and dicts of numbers.
        step: h, relative to |x| where that is above 1.

    Returns:
        the gradient in the shape of the argument; where there are several, a tuple of one for each.

    Raises:
        TypeError: `inputs` is not a tuple of numbers, or `f` returns something else.
        ValueError: the step is not a positive number, or vanishes beside an input.

    >>> round(numerical_gradient(lambda x: x**3, (2.0,)), 6)
    12.0
    """
    checked = _Checked(f, inputs, (), step)
    return _bare(checked.rebuild([checked.line(i).central for i in range(len(checked.numbers))]))


def gradcheck(
    f: Callable[..., Any],
    inputs: tuple[Any, ...],
    *,
    parameters: Iterable[Value] = (),
    step: float = _STEP,
    tolerance: float = 1e-6,
) -> GradcheckReport:
    """Compare the engine's gradient of `f` with differences.

    An entry agrees where its relative difference to the central difference, |a - n| / (|a| + |n|), is within the
    tolerance. Where |a - n| is within what rounding may do to the central difference, it agrees, and its relative
    difference counts as that share of the tolerance.

    Where the difference shrinks with the step, as it does where the second derivative jumps, the central difference is
    extrapolated from two steps to none. Where an entry does not agree or is at a kink, and a step that is 100 times
    smaller has another central difference than rounding explains, something bends in between, and the smaller step
    decides.

    An entry is at a kink where the derivatives on its two sides, each by three points, differ by more than rounding
    explains, and by 1/4 to 5/4 of what the plain one-sided differences differ by. Curvature moves only the latter; at a
    jump the former differ by more. An entry counts as smooth where the central difference agrees and the plain ones
    differ, relative to their size, by less than the square root of the tolerance.

    At a kink the engine's derivative agrees where it is between the one-sided derivatives, both included, within the
    tolerance. Where several primitives bend at once, the rule of each may lead to a derivative that is not between.
    Then it agrees if the local derivative of every primitive at a kink is between the one-sided derivatives of that
    primitive, and the engine's derivatives on both sides of the entry are the one-sided derivatives. `kinks` of the
    report names the entries at a kink.

    Args:
        f: a function that returns one Value.
        inputs: the tuple of f's arguments: numbers, or nested lists, tuples and dicts of numbers.
        parameters: leaves that `f` uses besides, such as `model.parameters()`; their gradients are checked as well.
            Their data is moved by the step and put back; no `grad` is touched.
        step: as for `numerical_gradient`.
        tolerance: the largest relative difference that passes.

    Returns:
        a report, which is true.

    Raises:
        GradientMismatch: an entry differs; the message shows the worst.
        TypeError: an input is not a number, or `f` does not return a Value.
        ValueError: an input is not finite; the step is not a positive number, or vanishes beside an input.

    >>> gradcheck(lambda x: x * x, (3.0,)).analytic
    6.0
    >>> gradcheck(lambda x: abs(x), (0.0,)).kinks
    ('number 0 of the inputs: left -1, right 1, ours 0',)
    """
    checked = _Checked(f, inputs, parameters, step)
    checked.check_finite()
    with recording():
        root, analytic = checked.gradient(checked.numbers)
        entries = [checked.entry(i, root, derivative, tolerance) for i, derivative in enumerate(analytic)]

    agrees = [entry.difference <= tolerance for entry in entries]
    ranked = sorted(range(len(entries)), key=lambda i: (agrees[i], -entries[i].difference))
    worst = ranked[0] if ranked else None
    report = GradcheckReport(
        checked.in_shape(analytic),
        checked.in_shape([entry.line.central for entry in entries]),
        max((entry.difference for entry in entries), default=0.0),
        "" if worst is None else checked.name(worst),
        all(agrees),
        tuple(f"{checked.name(i)}: {entry.kink(analytic[i])}" for i, entry in enumerate(entries) if entry.sides),
    )
    if worst is not None and not report.passed:
        entry, ours = entries[worst], analytic[worst]
        figures = (
            f"  |a - n| / (|a| + |n|)  {entry.difference:.3g}, tolerance {tolerance:.3g}\n"
            "Look at the local derivative of the primitives on its way (autograd.steps)."
            if entry.sides is None
            else f"  at a kink    {entry.kink(ours)}\n"
            f"  relative difference  {entry.difference:.3g}, tolerance {tolerance:.3g}\n"
            "At a kink the gradient must be between the one-sided derivatives."
        )
        raise GradientMismatch(
            f"the gradient of {getattr(f, '__name__', 'f')}() is not that of central differences: "
            f"{agrees.count(False)} of {len(agrees)} entries differ.\n"
            f"  worst entry  {report.worst}, input {checked.numbers[worst]!r}\n"
            f"  analytic     {ours!r}\n"
            f"  numerical    {entry.line.central!r}\n{figures}",
            report,
        )
    return report


# -- a function of one number near a point -----------------------------------------------------------------------------
class _Line:
    """Differences of a function of one number at x.

    Attributes:
        central: the central difference.
        noise: how far rounding may have moved it.
        step: how far from x it reaches.
    """

    __slots__ = ("_middle", "_value", "_x", "central", "noise", "step")

    def __init__(self, value: Callable[[float], float], x: float, step: float, middle: float | None = None) -> None:
        self._value, self._x, self._middle = value, x, middle
        self.step = step * max(1.0, abs(x))
        above, below = x + self.step, x - self.step
        width = above - below
        if width == 0.0:
            raise ValueError(f"a step of {step} vanishes beside the input {x}: choose a larger one")
        high, low = value(above), value(below)
        # each value is off by some hundred roundings at most; the difference divides that by its width
        self.noise = 100 * sys.float_info.epsilon * max(abs(high), abs(low)) / width
        self.central = (high - low) / width

    def extrapolated(self, ours: float) -> float | None:
        """The central differences of one and of two steps, extrapolated to none; None if they do not come nearer."""
        h = 2 * self.step
        above, below = self._x + h, self._x - h
        wider = (self._value(above) - self._value(below)) / (above - below)
        return 2 * self.central - wider if abs(ours - wider) > 1.5 * abs(ours - self.central) else None

    def _slope(self, offset: float) -> float:
        assert self._middle is not None
        moved = self._x + offset
        return (self._value(moved) - self._middle) / (moved - self._x)

    def sides(self, least: float = 0.0) -> tuple[float, float] | None:
        """Both one-sided derivatives at a kink, left and right; None where there is none.

        Args:
            least: by what part of their size the plain one-sided differences must differ for a closer look.
        """
        left, right = self._slope(-self.step), self._slope(self.step)
        bend = right - left
        if not abs(bend) > least * (abs(left) + abs(right)) + 4 * self.noise:
            return None
        # through three points: what is linear in the step, curvature, drops out
        left, right = 2 * left - self._slope(-2 * self.step), 2 * right - self._slope(2 * self.step)
        is_kink = abs(right - left) > 10 * self.noise and 0.25 <= (right - left) / bend <= 1.25
        return (left, right) if is_kink else None


# -- what is checked -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a gradient: its differences, both sides where it is at a kink, and the relative difference."""

    line: _Line
    sides: tuple[float, float] | None
    difference: float

    def kink(self, ours: float) -> str:
        assert self.sides is not None
        left, right = self.sides
        return f"left {left:.3g}, right {right:.3g}, ours {ours:.3g}"


class _Checked:
    """A function, its inputs, and the leaves besides: `numbers` holds the inputs and then the data of the leaves."""

    def __init__(
        self, f: Callable[..., Any], inputs: tuple[Any, ...], parameters: Iterable[Value], step: float
    ) -> None:
        numbers, self.rebuild = _numbers(inputs)
        self._sizes = [len(flatten(argument, "inputs")[0]) for argument in inputs]
        self._f, self._count, self._leaves = f, len(numbers), _leaves(parameters)
        self.numbers = numbers + [leaf.data for leaf in self._leaves]
        self._step = _checked(step)

    def name(self, i: int) -> str:
        if i < self._count:
            return f"number {i} of the inputs{self._within_argument(i)}"
        name = self._leaves[i - self._count].name
        return f"parameter {i - self._count}" + (f" ({name})" if name else "")

    def _within_argument(self, i: int) -> str:
        if len(self._sizes) == 1 or max(self._sizes) == 1:
            return ""
        argument = 0
        while i >= self._sizes[argument]:
            i -= self._sizes[argument]
            argument += 1
        which = f"number {i} of " if self._sizes[argument] > 1 else ""
        return f" ({which}argument {argument})"

    def check_finite(self) -> None:
        for i, x in enumerate(self.numbers):
            if not math.isfinite(x):
                raise ValueError(f"gradcheck needs finite inputs, but {self.name(i)} is {x}")

    def in_shape(self, entries: Sequence[float]) -> Any:
        shaped = _bare(self.rebuild(entries[: self._count]))
        return (shaped, list(entries[self._count :])) if self._leaves else shaped

    def _run(self, xs: Sequence[float]) -> tuple[list[Value], Any]:
        """Call the function at xs; the nodes of its inputs, and its result."""
        kept = [leaf.data for leaf in self._leaves]
        nodes = [Value(x) for x in xs[: self._count]]
        try:
            for leaf, x in zip(self._leaves, xs[self._count :], strict=True):
                leaf.data = x
            return nodes, self._f(*self.rebuild(nodes))
        finally:
            for leaf, x in zip(self._leaves, kept, strict=True):
                leaf.data = x

    def gradient(self, xs: Sequence[float]) -> tuple[Value, list[float]]:
        """The root, and the engine's derivatives by all of xs."""
        nodes, root = self._run(xs)
        if type(root) is not Value:
            raise TypeError(f"{getattr(self._f, '__name__', 'f')}() must return a Value, not {no_value(root)}")
        return root, gradients(root, [*nodes, *self._leaves]) or []

    def _moved(self, i: int, x: float) -> list[float]:
        xs = list(self.numbers)
        xs[i] = x
        return xs

    def line(self, i: int, middle: float | None = None, part: float = 1.0) -> _Line:
        """The function of entry i alone, with a part of the step."""
        return _Line(lambda x: _number(self._run(self._moved(i, x))[1]), self.numbers[i], part * self._step, middle)

    def entry(self, i: int, root: Value, ours: float, tolerance: float) -> _Entry:
        """The engine's derivative by entry i held against differences."""
        line = self.line(i, root.data)
        entry = self._entry(i, line, root, ours, tolerance)
        x = self.numbers[i]
        agrees = entry.difference <= tolerance and entry.sides is None
        if agrees or x + _CLOSER * self._step * max(1.0, abs(x)) == x:
            return entry
        closer = self.line(i, root.data, _CLOSER)
        if abs(closer.central - line.central) <= 2 * closer.noise:
            return entry
        return self._entry(i, closer, root, ours, tolerance)

    def _entry(self, i: int, line: _Line, root: Value, ours: float, tolerance: float) -> _Entry:
        """The engine's derivative by entry i held against the differences of one step."""
        difference = _relative(ours, line.central, line.noise, tolerance)
        if not difference <= tolerance:
            limit = line.extrapolated(ours)
            if limit is not None:
                difference = min(difference, _relative(ours, limit, 3 * line.noise, tolerance))
        # a bend too slight to be told from curvature does not matter where the central difference agrees
        sides = line.sides(least=math.sqrt(tolerance) if difference <= tolerance else 0.0)
        if sides is None:
            return _Entry(line, None, difference)
        difference = _relative(ours, _clamped(ours, *sides), 5 * line.noise, tolerance)
        if not difference <= tolerance and self._primitives_hold(root, tolerance):
            difference = self._sides_differ(i, sides, line, tolerance)
        return _Entry(line, sides, difference)

    def _sides_differ(self, i: int, sides: tuple[float, float], line: _Line, tolerance: float) -> float:
        """How far the engine's derivatives on both sides of a kink are from the one-sided ones."""
        worst, x = 0.0, self.numbers[i]
        for side, derivative in zip((-1, 1), sides, strict=True):
            h = side * line.step
            near, far = (self.gradient(self._moved(i, x + distance))[1][i] for distance in (h, 2 * h))
            # as far as curvature goes, the derivative at x
            worst = max(worst, _relative(2 * near - far, derivative, 5 * line.noise, tolerance))
        return worst

    def _primitives_hold(self, root: Value, tolerance: float) -> bool:
        """Whether each local derivative at a kink of its primitive is between the one-sided ones."""
        for node in topological_order(root):
            primitive = node.primitive
            if primitive is None:
                continue
            xs = [number_of(operand) for operand in node.operands]
            locals_ = iter(node.local_grads)
            for k, operand in enumerate(node.operands):
                if type(operand) is not Value:
                    continue
                local = next(locals_)

                def value(x: float, k: int = k, xs: list[float] = xs, primitive: Any = primitive) -> float:
                    moved = [*xs[:k], x, *xs[k + 1 :]]
                    result: float = primitive.forward(moved) if primitive.arity is None else primitive.forward(*moved)
                    return result

                try:
                    line = _Line(value, xs[k], self._step, node.data)
                    sides = line.sides()
                except TypeError:  # the result of a taped function cannot be computed anew
                    return False
                if sides is not None:
                    between = _clamped(local, *sides)
                    if not _relative(local, between, 5 * line.noise, tolerance) <= tolerance:
                        return False
        return True


def _relative(a: float, n: float, noise: float, tolerance: float) -> float:
    """|a - n| / (|a| + |n|); within the noise no more than that share of the tolerance."""
    gap, size = abs(a - n), abs(a) + abs(n)
    if gap == 0.0:
        return 0.0
    return min(gap / size, tolerance * (gap / noise)) if gap <= noise else gap / size


def _clamped(x: float, a: float, b: float) -> float:
    return min(max(x, min(a, b)), max(a, b))


def _numbers(inputs: Any) -> tuple[list[float], Rebuild]:
    if type(inputs) is not tuple:
        of_several = f", tuple({shortened(inputs)}) for one of {len(inputs)}" if isinstance(inputs, list) else ""
        raise TypeError(
            f"inputs must be the tuple of the function's arguments, not {type(inputs).__name__}: "
            f"({shortened(inputs)},) for a function of one argument{of_several}"
        )
    leaves, rebuild = flatten(inputs, "inputs")
    return [number_of(x) for x in leaves], rebuild


def _leaves(parameters: Iterable[Value]) -> list[Value]:
    leaves = list(parameters)
    for leaf in leaves:
        if type(leaf) is not Value or leaf.op:
            raise TypeError(f"parameters must be leaf Values, not {shortened(leaf)}")
    return leaves


def _checked(step: float) -> float:
    number = as_operand(step)
    if number is None or not 0.0 < number < math.inf:
        raise ValueError(f"the step of a difference must be a positive number, not {shortened(step)}")
    return number


def _number(result: Any) -> float:
    number = number_of(result) if type(result) is Value else as_operand(result)
    if number is None:
        raise TypeError(f"the function must return a Value or a number, not {type(result).__name__}")
    return number


def _bare(shaped: tuple[Any, ...]) -> Any:
    """The gradient by the only argument, or the tuple of several."""
    return shaped[0] if len(shaped) == 1 else shaped
