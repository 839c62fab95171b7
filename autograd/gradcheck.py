"""Gradients held against central differences.

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

from autograd.arguments import as_operand, shortened
from autograd.modes import no_grad
from autograd.pytree import flatten
from autograd.transforms import gradients, one_value
from autograd.value import Value

__all__ = ["GradcheckReport", "GradientMismatch", "gradcheck", "numerical_gradient"]

_STEP = sys.float_info.epsilon ** (1 / 3)  # balances the formula's error, step², with rounding, epsilon / step


class GradientMismatch(AssertionError):
    """The gradient of `gradcheck` is not that of the differences; `report` has the figures."""

    def __init__(self, message: str, report: GradcheckReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True, slots=True)
class GradcheckReport:
    """What `gradcheck` compared; true where all agree.

    Attributes:
        analytic: the gradient by the engine, in the shape of the argument (a tuple where there are several); with
            parameters, the pair of that and the list of theirs.
        numerical: the same by central differences.
        relative_difference: the largest |a - n| / (|a| + |n|).
        worst: what entry that is.
        passed: whether every entry agrees within the tolerance.
    """

    analytic: Any
    numerical: Any
    relative_difference: float
    worst: str
    passed: bool

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
        TypeError: `inputs` is not a tuple of numbers.
        ValueError: the step is not a positive number.

    >>> round(numerical_gradient(lambda x: x**3, (2.0,)), 6)
    12.0
    """
    numbers, rebuild = _numbers(inputs)
    with no_grad():
        entries = _differences(lambda xs: _number(f(*rebuild([Value(x) for x in xs]))), numbers, _checked(step))
    return _bare(rebuild([entry for entry, _ in entries]))


def gradcheck(
    f: Callable[..., Any],
    inputs: tuple[Any, ...],
    *,
    parameters: Iterable[Value] = (),
    step: float = _STEP,
    tolerance: float = 1e-6,
) -> GradcheckReport:
    """Compare the engine's gradient of `f` with central differences.

    An entry agrees where |a - n| / (|a| + |n|) is within the tolerance, or |a - n| is within what rounding does to the
    differences. Arguments should keep away from kinks by more than the step.

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
        TypeError, ValueError: an input is not a number, or not finite; the step is not a positive number.

    >>> gradcheck(lambda x: x * x, (3.0,)).analytic
    6.0
    """
    numbers, rebuild = _numbers(inputs)
    leaves = _leaves(parameters)
    count, step = len(numbers), _checked(step)
    for i, x in enumerate(numbers + [leaf.data for leaf in leaves]):
        if not math.isfinite(x):
            raise ValueError(f"gradcheck needs finite inputs, but {_entry(i, count, leaves)} is {x}")

    nodes = [Value(x) for x in numbers]
    analytic = gradients(one_value(f, f(*rebuild(nodes))), [*nodes, *leaves])

    def moved(xs: Sequence[float]) -> float:
        for leaf, x in zip(leaves, xs[count:], strict=True):
            leaf.data = x
        return _number(f(*rebuild([Value(x) for x in xs[:count]])))

    kept = [leaf.data for leaf in leaves]
    try:
        with no_grad():
            entries = _differences(moved, numbers + kept, step)
    finally:
        for leaf, x in zip(leaves, kept, strict=True):
            leaf.data = x

    differences = [_relative(a, n) for a, (n, _) in zip(analytic, entries, strict=True)]
    agrees = [
        d <= tolerance or abs(a - n) <= noise for d, a, (n, noise) in zip(differences, analytic, entries, strict=True)
    ]
    ranked = sorted(range(len(agrees)), key=lambda i: (agrees[i], -differences[i]))
    worst = ranked[0] if ranked else None
    numerical = [n for n, _ in entries]
    report = GradcheckReport(
        _shaped(analytic, rebuild, count, leaves),
        _shaped(numerical, rebuild, count, leaves),
        max(differences, default=0.0),
        "" if worst is None else _entry(worst, count, leaves),
        all(agrees),
    )
    if worst is not None and not report.passed:
        raise GradientMismatch(
            f"the gradient of {getattr(f, '__name__', 'f')}() is not that of central differences: "
            f"{agrees.count(False)} of {len(agrees)} entries differ.\n"
            f"  worst entry  {report.worst}, input {(numbers + kept)[worst]!r}\n"
            f"  analytic     {analytic[worst]!r}\n"
            f"  numerical    {numerical[worst]!r}\n"
            f"  |a - n| / (|a| + |n|)  {differences[worst]:.3g}, tolerance {tolerance:.3g}\n"
            "Look at the local derivative of the primitives on its way (autograd.steps), or whether the input stands "
            "at a kink.",
            report,
        )
    return report


def _numbers(inputs: Any) -> tuple[list[float], Callable[[Sequence[Any]], Any]]:
    if type(inputs) is not tuple:
        raise TypeError(
            f"inputs must be the tuple of the function's arguments, as ({shortened(inputs)},), "
            f"not {type(inputs).__name__}"
        )
    leaves, rebuild = flatten(inputs, "inputs")
    return [x.data if isinstance(x, Value) else x for x in leaves], rebuild


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
    number = result.data if type(result) is Value else as_operand(result)
    if number is None:
        raise TypeError(f"the function must return a Value or a number, not {type(result).__name__}")
    return number


def _differences(f: Callable[[list[float]], float], xs: Sequence[float], step: float) -> list[tuple[float, float]]:
    """For each entry of xs the central difference of f, and how far rounding may have moved it."""
    entries = []
    for i, x in enumerate(xs):
        above, below = list(xs), list(xs)
        h = step * max(1.0, abs(x))
        above[i], below[i] = x + h, x - h
        width = above[i] - below[i]
        if width == 0.0:
            raise ValueError(f"a step of {step} vanishes beside the input {x}: choose a larger one")
        high, low = f(above), f(below)
        # each value is off by some hundred roundings at most; the difference divides that by its width
        noise = 100 * sys.float_info.epsilon * max(abs(high), abs(low)) / width
        entries.append(((high - low) / width, noise))
    return entries


def _relative(a: float, n: float) -> float:
    size = abs(a) + abs(n)
    return abs(a - n) / size if size else 0.0


def _entry(i: int, count: int, leaves: Sequence[Value]) -> str:
    if i < count:
        return f"number {i} of the inputs"
    return f"parameter {i - count}" + (f" ({leaves[i - count].label})" if leaves[i - count].label else "")


def _shaped(entries: Sequence[float], rebuild: Callable[[Sequence[Any]], Any], count: int, leaves: list[Value]) -> Any:
    shaped = _bare(rebuild(entries[:count]))
    return (shaped, list(entries[count:])) if leaves else shaped


def _bare(shaped: tuple[Any, ...]) -> Any:
    """The gradient by the only argument, or the tuple of several."""
    return shaped[0] if len(shaped) == 1 else shaped
