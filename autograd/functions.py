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

from autograd.arguments import as_operand
from autograd.generated.functions import *  # noqa: F403 - its __all__ is the list of functions
from autograd.primitives import table
from autograd.value import Number, Value, apply_to_list, number_of, operands_of

__all__ = [
    # <generated all names by `make generate`: do not edit>
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
    return apply_to_list(table.SUM, operands) if operands else 0.0


@overload
def mean(xs: Iterable[Value]) -> Value: ...
@overload
def mean(xs: Iterable[Value | Number]) -> Value | float: ...
def mean(xs: Iterable[Value | Number]) -> Value | float:
    """(x0 + x1 + ...) / n, as one node. Of nothing it is a ValueError.

    >>> mean([Value(1.0), 2.0, Value(6.0)])
    Value(3.0, grad=0.0, op='mean')
    """
    return apply_to_list(table.MEAN, _not_empty("mean", operands_of("mean", xs)))


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
    return apply_to_list(table.DOT, left + right) if left else 0.0


@overload
def prod(xs: Iterable[Value]) -> Value: ...
@overload
def prod(xs: Iterable[Value | Number]) -> Value | float: ...
def prod(xs: Iterable[Value | Number]) -> Value | float:
    """x0 · x1 · ..., multiplied from the left, as one node. Of nothing it is 1.0.

    The derivative by an operand is the product of the others, zeros among them or not.

    >>> prod([Value(2.0), Value(0.0), 3.0]).local_grads
    (0.0, 6.0)
    """
    operands = operands_of("prod", xs)
    return apply_to_list(table.PROD, operands) if operands else 1.0


@overload
def take(xs: Iterable[Value], index: int | Value) -> Value: ...
@overload
def take(xs: Iterable[Value | Number], index: int | Value) -> Value | float: ...
def take(xs: Iterable[Value | Number], index: int | Value) -> Value | float:
    """The element of `xs` at `index`, as a node: the choice is recorded, and no gradient goes to the index.

    Args:
        xs: Values and numbers.
        index: a whole number from 0, as a number or as a Value (which an input of a tape is).

    Raises:
        IndexError: `xs` has no element there.

    >>> take([Value(2.0), Value(5.0)], 1)
    Value(5.0, grad=0.0, op='take')
    """
    operands = operands_of("take", xs)
    return apply_to_list(table.TAKE, [*operands, _index("take", index, operands)])


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
    return apply_to_list(table.LOGSUMEXP, _not_empty("logsumexp", operands_of("logsumexp", xs)))


@overload
def softmax_cross_entropy(logits: Iterable[Value], index: int | Value) -> Value: ...
@overload
def softmax_cross_entropy(logits: Iterable[Value | Number], index: int | Value) -> Value | float: ...
def softmax_cross_entropy(logits: Iterable[Value | Number], index: int | Value) -> Value | float:
    """-log(softmax(logits)[index]), without overflow or cancellation, as one node.

    Args:
        logits: one unnormalised log probability a class.
        index: the right class, from 0, as a number or as a Value; no gradient goes to it.

    Raises:
        ValueError: there are no logits.
        IndexError: `index` is not one of theirs.

    >>> loss = softmax_cross_entropy([Value(1000.0), Value(0.0)], 0)
    >>> loss.data, loss.local_grads
    (0.0, (-0.0, 0.0))
    """
    operands = _not_empty("softmax_cross_entropy", operands_of("softmax_cross_entropy", logits))
    return apply_to_list(table.SOFTMAX_CROSS_ENTROPY, [*operands, _index("softmax_cross_entropy", index, operands)])


def _index(function: str, index: int | Value, among: Sequence[Any]) -> Value | float:
    # a Value may be the index, so that it can be an input of a tape
    position = number_of(index) if type(index) is Value else as_operand(index)
    if position is None or position % 1.0 != 0.0:
        raise TypeError(f"{function}() takes a whole number as index, not {index!r}")
    if not among:
        raise IndexError(f"{function}() of nothing has no index {int(position)}")
    if not 0 <= position < len(among):
        raise IndexError(f"{function}() of {len(among)} has the indices 0 to {len(among) - 1}, not {int(position)}")
    return index if type(index) is Value else position
