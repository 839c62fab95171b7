"""Local derivatives of recorded nodes, as numbers or, for higher derivatives, as Values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

from autograd import formulas, ieee, ops
from autograd.ops import PRIMITIVES, Primitive
from autograd.value import Value, apply

__all__ = ["derivatives_of", "product"]


def derivatives_of(node: Value, recorded: bool) -> Sequence[Value | float]:
    """The local derivatives of a computed node, one a parent.

    Args:
        node: a computed node.
        recorded: whether they should be Values, made by the formulas of the primitive's row and so differentiable
            again, or the numbers that the node holds.

    >>> x = Value(3.0)
    >>> derivatives_of(x * x, recorded=False)
    (3.0, 3.0)
    >>> [local is x for local in derivatives_of(x * x, recorded=True)]
    [True, True]
    """
    if not recorded:
        return node.local_grads
    operands, primitive = node.operands, node.primitive
    assert primitive is not None
    derivatives = _on_values(primitive)
    if callable(derivatives):
        local = derivatives(operands, node)
        return [local[i] for i, operand in enumerate(operands) if type(operand) is Value]
    return [derivatives[i](*operands, node) for i, operand in enumerate(operands) if type(operand) is Value]


def product(upstream: Value | float, local: Value | float) -> Value | float:
    """upstream × local: 0.0 where either is the number 0, and no node where either is the number 1.

    A factor that merely has the value 0 is recorded: it may not stay 0.

    >>> product(2.0, 0.0), product(Value(2.0), 0.0), product(Value(0.0), Value(float("inf"))).data
    (0.0, 0.0, 0.0)
    """
    for factor, other in ((upstream, local), (local, upstream)):
        if not isinstance(factor, Value):
            if factor == 0.0:
                return 0.0
            if factor == 1.0:
                return other
    return apply(ops.CONTRIBUTION, upstream, local)


@cache
def _on_values(primitive: Primitive) -> Callable[..., Any] | tuple[Callable[..., Any], ...]:
    """The derivative formulas of a row as functions of Values: one an operand, or one for all of an n-ary one."""
    derivatives = primitive.derivative_formulas
    if callable(derivatives):
        return partial(derivatives, _arithmetic())
    return tuple(
        formulas.compile_derivative(primitive.name, len(derivatives), derivative, vars(_arithmetic()))
        if isinstance(derivative, str)
        else derivative
        for derivative in derivatives
    )


@cache
def _arithmetic() -> SimpleNamespace:
    """What formulas may name, for Values and numbers alike."""
    functions: dict[str, Any] = {
        name: partial(apply, primitive) for name, primitive in PRIMITIVES.items() if primitive.arity is not None
    }
    functions.update(abs=abs, divide=_divide, power=_power, **ops.CONSTANTS)
    return SimpleNamespace(**functions)


def _divide(x: Value | float, y: Value | float) -> Value | float:
    return x / y if isinstance(x, Value) or isinstance(y, Value) else ieee.divide(x, y)


def _power(x: Value | float, y: Value | float) -> Value | float:
    # the operator, which records a constant exponent as what it is
    return x**y if isinstance(x, Value) or isinstance(y, Value) else ieee.power(x, y)
