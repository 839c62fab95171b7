"""Functions of Values and numbers, under the names of Python's `math` where it has them.

Operands are Values, numbers, or a mix. Where one is a Value the result is a Value that records it; a function of
numbers alone gives a float. Anything else is a `TypeError` that names the function.

    >>> import autograd as ag
    >>> ag.exp(0.0), ag.exp(ag.Value(0.0))
    (1.0, Value(1.0, grad=0.0, op='exp'))

Outside its domain a function gives nan, at a pole or past the largest float inf, as C does and `math` does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import overload

from autograd.generated.functions import *  # noqa: F403 - the functions that follow from the table
from autograd.list_operands import of_nothing
from autograd.primitives import table
from autograd.value import Number, Value, apply_to_list, operands_of

__all__ = [
    # <generated names by `make generate`: do not edit>
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "clip",
    "cos",
    "cosh",
    "dot",
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "gelu",
    "hypot",
    "leaky_relu",
    "log",
    "log1p",
    "log2",
    "log10",
    "logsigmoid",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "prod",
    "relu",
    "round",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "sqrt",
    "sum",
    "take",
    "tan",
    "tanh",
    "where",
    # </generated>
]


@overload
def softmax(xs: Iterable[Value]) -> list[Value]: ...
@overload
def softmax(xs: Iterable[Value | Number]) -> list[Value | float]: ...
def softmax(xs: Iterable[Value | Number]) -> list[Value] | list[Value | float]:
    """Shares exp(x) / (exp(x0) + exp(x1) + ...), without overflow.

    Each share is one node with all the operands, whose derivatives keep their digits where a share is near 0 or 1. So
    the work grows with the square of the number of operands; for a loss of logits use `softmax_cross_entropy`.

    Args:
        xs: Values and numbers.

    Returns:
        A list of as many Values, where one of the operands is a Value; else of floats.

    Raises:
        TypeError: an operand is not a real number.
        ValueError: `xs` is empty.

    >>> [f"{share.data:.6f}" for share in softmax([Value(1000.0), 1000.0, 1001.0])]
    ['0.211942', '0.211942', '0.576117']
    """
    operands = operands_of("softmax", xs)
    if not operands:
        raise of_nothing("softmax")
    return [apply_to_list(table.SOFTMAX, [*operands, float(index)]) for index in range(len(operands))]
