"""Functions of Values and numbers, under the names that `math` gives them where it has them.

Operands are Values, numbers, or a mix. Where one is a Value the result is a Value that records it; a function of
numbers alone gives a float. Anything else is a `TypeError` that names the function.

    >>> import autograd as ag
    >>> ag.exp(0.0), ag.exp(ag.Value(0.0))
    (1.0, Value(1.0, grad=0.0, op='exp'))

Outside its domain a function gives nan, at a pole or past the largest float inf, as C does and `math` does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, overload

from autograd import ops
from autograd.value import Number, Value, apply, apply_to_list, as_operand, operands_of

__all__ = [
    # <generated names from ops.py by `make generate`: do not edit>
    "abs",
    "cos",
    "dot",
    "exp",
    "log",
    "logsumexp",
    "mean",
    "relu",
    "sigmoid",
    "sin",
    "softmax_cross_entropy",
    "sqrt",
    "sum",
    "tanh",
    # </generated>
]


def _not_empty(function: str, operands: list[Value | float]) -> list[Value | float]:
    if not operands:
        raise ValueError(f"{function}() of nothing is not defined: give it at least one operand")
    return operands


@overload
def sum(xs: Iterable[Value]) -> Value: ...
@overload
def sum(xs: Iterable[Value | Number]) -> Value | float: ...
def sum(xs: Iterable[Value | Number]) -> Value | float:
    """x0 + x1 + ..., added from the left, as one node. Of nothing it is 0.0.

    >>> sum([Value(1.0), 2.0, Value(3.0)])
    Value(6.0, grad=0.0, op='sum')
    """
    operands = operands_of("sum", xs)
    return apply_to_list(ops.SUM, operands) if operands else 0.0


@overload
def mean(xs: Iterable[Value]) -> Value: ...
@overload
def mean(xs: Iterable[Value | Number]) -> Value | float: ...
def mean(xs: Iterable[Value | Number]) -> Value | float:
    """(x0 + x1 + ...) / n, as one node. Of nothing it is a ValueError.

    >>> mean([Value(1.0), 2.0, Value(6.0)])
    Value(3.0, grad=0.0, op='mean')
    """
    return apply_to_list(ops.MEAN, _not_empty("mean", operands_of("mean", xs)))


@overload
def dot(xs: Iterable[Value], ys: Iterable[Value | Number]) -> Value: ...
@overload
def dot(xs: Iterable[Value | Number], ys: Iterable[Value]) -> Value: ...
@overload
def dot(xs: Iterable[Value | Number], ys: Iterable[Value | Number]) -> Value | float: ...
def dot(xs: Iterable[Value | Number], ys: Iterable[Value | Number]) -> Value | float:
    """x0·y0 + x1·y1 + ..., added from the left, as one node. Of nothing it is 0.0.

    Raises:
        ValueError: the two are not of one length.

    >>> dot([Value(1.0), Value(2.0)], [3.0, 4.0])
    Value(11.0, grad=0.0, op='dot')
    """
    left, right = operands_of("dot", xs), operands_of("dot", ys)
    if len(left) != len(right):
        raise ValueError(f"dot() takes two lists of one length, not of {len(left)} and {len(right)}")
    return apply_to_list(ops.DOT, left + right) if left else 0.0


@overload
def logsumexp(xs: Iterable[Value]) -> Value: ...
@overload
def logsumexp(xs: Iterable[Value | Number]) -> Value | float: ...
def logsumexp(xs: Iterable[Value | Number]) -> Value | float:
    """log(exp(x0) + exp(x1) + ...), without overflow, as one node. Of nothing it is a ValueError.

    The gradient is the softmax of the operands.

    >>> logsumexp([1000.0, 1000.0])  # 1000 + log 2
    1000.6931471805599
    """
    return apply_to_list(ops.LOGSUMEXP, _not_empty("logsumexp", operands_of("logsumexp", xs)))


@overload
def softmax_cross_entropy(logits: Iterable[Value], index: int) -> Value: ...
@overload
def softmax_cross_entropy(logits: Iterable[Value | Number], index: int) -> Value | float: ...
def softmax_cross_entropy(logits: Iterable[Value | Number], index: int) -> Value | float:
    """-log(softmax(logits)[index]), without overflow or cancellation, as one node.

    Args:
        logits: one unnormalised log probability a class.
        index: the right class, from 0; no gradient goes to it.

    Raises:
        ValueError: there are no logits.
        IndexError: `index` is not one of theirs.

    >>> loss = softmax_cross_entropy([Value(1000.0), Value(0.0)], 0)
    >>> loss.data, loss.local_grads
    (0.0, (-0.0, 0.0))
    """
    operands = _not_empty("softmax_cross_entropy", operands_of("softmax_cross_entropy", logits))
    return apply_to_list(ops.SOFTMAX_CROSS_ENTROPY, [*operands, _index("softmax_cross_entropy", index, operands)])


def _index(function: str, index: int, among: Sequence[Any]) -> float:
    position = as_operand(index)
    if position is None or position % 1.0 != 0.0:
        raise TypeError(f"{function}() takes a whole number as index, not {index!r}")
    if not 0 <= position < len(among):
        raise IndexError(f"{function}() of {len(among)} has the indices 0 to {len(among) - 1}, not {int(position)}")
    return position


# <generated functions from ops.py by `make generate`: do not edit>


@overload
def abs(x: Number) -> float: ...
@overload
def abs(x: Value) -> Value: ...
def abs(x: Value | Number) -> Value | float:
    """Absolute value |x|, with derivative 0 at 0.

    >>> f"{abs(0.5):.6f}"
    '0.500000'
    """
    return apply(ops.ABS, x)


@overload
def exp(x: Number) -> float: ...
@overload
def exp(x: Value) -> Value: ...
def exp(x: Value | Number) -> Value | float:
    """Exponential, e to the power x.

    >>> f"{exp(0.5):.6f}"
    '1.648721'
    """
    return apply(ops.EXP, x)


@overload
def log(x: Number) -> float: ...
@overload
def log(x: Value) -> Value: ...
def log(x: Value | Number) -> Value | float:
    """Natural logarithm of x.

    >>> f"{log(0.5):.6f}"
    '-0.693147'
    """
    return apply(ops.LOG, x)


@overload
def sqrt(x: Number) -> float: ...
@overload
def sqrt(x: Value) -> Value: ...
def sqrt(x: Value | Number) -> Value | float:
    """Square root of x.

    >>> f"{sqrt(0.5):.6f}"
    '0.707107'
    """
    return apply(ops.SQRT, x)


@overload
def sin(x: Number) -> float: ...
@overload
def sin(x: Value) -> Value: ...
def sin(x: Value | Number) -> Value | float:
    """Sine of x radians.

    >>> f"{sin(0.5):.6f}"
    '0.479426'
    """
    return apply(ops.SIN, x)


@overload
def cos(x: Number) -> float: ...
@overload
def cos(x: Value) -> Value: ...
def cos(x: Value | Number) -> Value | float:
    """Cosine of x radians.

    >>> f"{cos(0.5):.6f}"
    '0.877583'
    """
    return apply(ops.COS, x)


@overload
def tanh(x: Number) -> float: ...
@overload
def tanh(x: Value) -> Value: ...
def tanh(x: Value | Number) -> Value | float:
    """Hyperbolic tangent of x.

    >>> f"{tanh(0.5):.6f}"
    '0.462117'
    """
    return apply(ops.TANH, x)


@overload
def sigmoid(x: Number) -> float: ...
@overload
def sigmoid(x: Value) -> Value: ...
def sigmoid(x: Value | Number) -> Value | float:
    """Logistic function 1/(1 + exp(-x)).

    >>> f"{sigmoid(0.5):.6f}"
    '0.622459'
    """
    return apply(ops.SIGMOID, x)


@overload
def relu(x: Number) -> float: ...
@overload
def relu(x: Value) -> Value: ...
def relu(x: Value | Number) -> Value | float:
    """Rectifier max(x, 0), with derivative 0 at 0.

    >>> f"{relu(0.5):.6f}"
    '0.500000'
    """
    return apply(ops.RELU, x)


# </generated>
