"""The functions of `autograd.functions`, written by `make generate` from the table of primitives. Do not edit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import overload

from autograd.list_operands import index_among, lengths_differ, of_nothing
from autograd.primitives import table
from autograd.value import Number, Value, apply, apply_to_list, operands_of

__all__ = [
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
]


@overload
def abs(x: Number) -> float: ...
@overload
def abs(x: Value) -> Value: ...
def abs(x: Value | Number) -> Value | float:
    """Absolute value |x|, with derivative 0 at 0.

    >>> f"{abs(0.5):.6f}"
    '0.500000'
    """
    return x.abs() if isinstance(x, Value) else apply(table.ABS, x)


@overload
def exp(x: Number) -> float: ...
@overload
def exp(x: Value) -> Value: ...
def exp(x: Value | Number) -> Value | float:
    """Exponential, e to the power x.

    >>> f"{exp(0.5):.6f}"
    '1.648721'
    """
    return x.exp() if isinstance(x, Value) else apply(table.EXP, x)


@overload
def exp2(x: Number) -> float: ...
@overload
def exp2(x: Value) -> Value: ...
def exp2(x: Value | Number) -> Value | float:
    """2 to the power x.

    >>> f"{exp2(0.5):.6f}"
    '1.414214'
    """
    return x.exp2() if isinstance(x, Value) else apply(table.EXP2, x)


@overload
def expm1(x: Number) -> float: ...
@overload
def expm1(x: Value) -> Value: ...
def expm1(x: Value | Number) -> Value | float:
    """exp(x) - 1, accurate near 0.

    >>> f"{expm1(0.5):.6f}"
    '0.648721'
    """
    return x.expm1() if isinstance(x, Value) else apply(table.EXPM1, x)


@overload
def log(x: Number) -> float: ...
@overload
def log(x: Value) -> Value: ...
def log(x: Value | Number) -> Value | float:
    """Natural logarithm of x.

    >>> f"{log(0.5):.6f}"
    '-0.693147'
    """
    return x.log() if isinstance(x, Value) else apply(table.LOG, x)


@overload
def log2(x: Number) -> float: ...
@overload
def log2(x: Value) -> Value: ...
def log2(x: Value | Number) -> Value | float:
    """Logarithm of x to base 2.

    >>> f"{log2(0.5):.6f}"
    '-1.000000'
    """
    return x.log2() if isinstance(x, Value) else apply(table.LOG2, x)


@overload
def log10(x: Number) -> float: ...
@overload
def log10(x: Value) -> Value: ...
def log10(x: Value | Number) -> Value | float:
    """Logarithm of x to base 10.

    >>> f"{log10(0.5):.6f}"
    '-0.301030'
    """
    return x.log10() if isinstance(x, Value) else apply(table.LOG10, x)


@overload
def log1p(x: Number) -> float: ...
@overload
def log1p(x: Value) -> Value: ...
def log1p(x: Value | Number) -> Value | float:
    """log(1 + x), accurate near 0.

    >>> f"{log1p(0.5):.6f}"
    '0.405465'
    """
    return x.log1p() if isinstance(x, Value) else apply(table.LOG1P, x)


@overload
def sqrt(x: Number) -> float: ...
@overload
def sqrt(x: Value) -> Value: ...
def sqrt(x: Value | Number) -> Value | float:
    """Square root of x.

    >>> f"{sqrt(0.5):.6f}"
    '0.707107'
    """
    return x.sqrt() if isinstance(x, Value) else apply(table.SQRT, x)


@overload
def cbrt(x: Number) -> float: ...
@overload
def cbrt(x: Value) -> Value: ...
def cbrt(x: Value | Number) -> Value | float:
    """Cube root of x.

    >>> f"{cbrt(0.5):.6f}"
    '0.793701'
    """
    return x.cbrt() if isinstance(x, Value) else apply(table.CBRT, x)


@overload
def hypot(x: Number, y: Number) -> float: ...
@overload
def hypot(x: Value, y: Value | Number) -> Value: ...
@overload
def hypot(x: Value | Number, y: Value) -> Value: ...
def hypot(x: Value | Number, y: Value | Number) -> Value | float:
    """Distance sqrt(x*x + y*y).

    >>> f"{hypot(0.5, 2.0):.6f}"
    '2.061553'
    """
    return apply(table.HYPOT, x, y)


@overload
def sin(x: Number) -> float: ...
@overload
def sin(x: Value) -> Value: ...
def sin(x: Value | Number) -> Value | float:
    """Sine of x radians.

    >>> f"{sin(0.5):.6f}"
    '0.479426'
    """
    return x.sin() if isinstance(x, Value) else apply(table.SIN, x)


@overload
def cos(x: Number) -> float: ...
@overload
def cos(x: Value) -> Value: ...
def cos(x: Value | Number) -> Value | float:
    """Cosine of x radians.

    >>> f"{cos(0.5):.6f}"
    '0.877583'
    """
    return x.cos() if isinstance(x, Value) else apply(table.COS, x)


@overload
def tan(x: Number) -> float: ...
@overload
def tan(x: Value) -> Value: ...
def tan(x: Value | Number) -> Value | float:
    """Tangent of x radians.

    >>> f"{tan(0.5):.6f}"
    '0.546302'
    """
    return x.tan() if isinstance(x, Value) else apply(table.TAN, x)


@overload
def asin(x: Number) -> float: ...
@overload
def asin(x: Value) -> Value: ...
def asin(x: Value | Number) -> Value | float:
    """Arc sine of x, in radians.

    >>> f"{asin(0.5):.6f}"
    '0.523599'
    """
    return x.asin() if isinstance(x, Value) else apply(table.ASIN, x)


@overload
def acos(x: Number) -> float: ...
@overload
def acos(x: Value) -> Value: ...
def acos(x: Value | Number) -> Value | float:
    """Arc cosine of x, in radians.

    >>> f"{acos(0.5):.6f}"
    '1.047198'
    """
    return x.acos() if isinstance(x, Value) else apply(table.ACOS, x)


@overload
def atan(x: Number) -> float: ...
@overload
def atan(x: Value) -> Value: ...
def atan(x: Value | Number) -> Value | float:
    """Arc tangent of x, in radians.

    >>> f"{atan(0.5):.6f}"
    '0.463648'
    """
    return x.atan() if isinstance(x, Value) else apply(table.ATAN, x)


@overload
def atan2(y: Number, x: Number) -> float: ...
@overload
def atan2(y: Value, x: Value | Number) -> Value: ...
@overload
def atan2(y: Value | Number, x: Value) -> Value: ...
def atan2(y: Value | Number, x: Value | Number) -> Value | float:
    """Angle of the point (x, y), in radians.

    >>> f"{atan2(0.5, 2.0):.6f}"
    '0.244979'
    """
    return apply(table.ATAN2, y, x)


@overload
def sinh(x: Number) -> float: ...
@overload
def sinh(x: Value) -> Value: ...
def sinh(x: Value | Number) -> Value | float:
    """Hyperbolic sine of x.

    >>> f"{sinh(0.5):.6f}"
    '0.521095'
    """
    return x.sinh() if isinstance(x, Value) else apply(table.SINH, x)


@overload
def cosh(x: Number) -> float: ...
@overload
def cosh(x: Value) -> Value: ...
def cosh(x: Value | Number) -> Value | float:
    """Hyperbolic cosine of x.

    >>> f"{cosh(0.5):.6f}"
    '1.127626'
    """
    return x.cosh() if isinstance(x, Value) else apply(table.COSH, x)


@overload
def tanh(x: Number) -> float: ...
@overload
def tanh(x: Value) -> Value: ...
def tanh(x: Value | Number) -> Value | float:
    """Hyperbolic tangent of x.

    >>> f"{tanh(0.5):.6f}"
    '0.462117'
    """
    return x.tanh() if isinstance(x, Value) else apply(table.TANH, x)


@overload
def asinh(x: Number) -> float: ...
@overload
def asinh(x: Value) -> Value: ...
def asinh(x: Value | Number) -> Value | float:
    """Inverse hyperbolic sine of x.

    >>> f"{asinh(0.5):.6f}"
    '0.481212'
    """
    return x.asinh() if isinstance(x, Value) else apply(table.ASINH, x)


@overload
def acosh(x: Number) -> float: ...
@overload
def acosh(x: Value) -> Value: ...
def acosh(x: Value | Number) -> Value | float:
    """Inverse hyperbolic cosine of x.

    >>> f"{acosh(2.0):.6f}"
    '1.316958'
    """
    return x.acosh() if isinstance(x, Value) else apply(table.ACOSH, x)


@overload
def atanh(x: Number) -> float: ...
@overload
def atanh(x: Value) -> Value: ...
def atanh(x: Value | Number) -> Value | float:
    """Inverse hyperbolic tangent of x.

    >>> f"{atanh(0.5):.6f}"
    '0.549306'
    """
    return x.atanh() if isinstance(x, Value) else apply(table.ATANH, x)


@overload
def erf(x: Number) -> float: ...
@overload
def erf(x: Value) -> Value: ...
def erf(x: Value | Number) -> Value | float:
    """Error function of x.

    >>> f"{erf(0.5):.6f}"
    '0.520500'
    """
    return x.erf() if isinstance(x, Value) else apply(table.ERF, x)


@overload
def erfc(x: Number) -> float: ...
@overload
def erfc(x: Value) -> Value: ...
def erfc(x: Value | Number) -> Value | float:
    """1 - erf(x), accurate where erf(x) is near 1.

    >>> f"{erfc(0.5):.6f}"
    '0.479500'
    """
    return x.erfc() if isinstance(x, Value) else apply(table.ERFC, x)


@overload
def floor(x: Number) -> float: ...
@overload
def floor(x: Value) -> Value: ...
def floor(x: Value | Number) -> Value | float:
    """Largest whole number not above x.

    >>> f"{floor(0.5):.6f}"
    '0.000000'
    """
    return x.floor() if isinstance(x, Value) else apply(table.FLOOR, x)


@overload
def ceil(x: Number) -> float: ...
@overload
def ceil(x: Value) -> Value: ...
def ceil(x: Value | Number) -> Value | float:
    """Smallest whole number not below x.

    >>> f"{ceil(0.5):.6f}"
    '1.000000'
    """
    return x.ceil() if isinstance(x, Value) else apply(table.CEIL, x)


@overload
def round(x: Number) -> float: ...
@overload
def round(x: Value) -> Value: ...
def round(x: Value | Number) -> Value | float:
    """Nearest whole number, halves to even.

    >>> f"{round(0.5):.6f}"
    '0.000000'
    """
    return x.round() if isinstance(x, Value) else apply(table.ROUND, x)


@overload
def sign(x: Number) -> float: ...
@overload
def sign(x: Value) -> Value: ...
def sign(x: Value | Number) -> Value | float:
    """-1, 0 or 1, as x is negative, zero or positive.

    >>> f"{sign(0.5):.6f}"
    '1.000000'
    """
    return x.sign() if isinstance(x, Value) else apply(table.SIGN, x)


@overload
def maximum(*xs: Number) -> float: ...
@overload
def maximum(x: Value, /, *more: Value | Number) -> Value: ...
@overload
def maximum(x: Value | Number, y: Value, /, *more: Value | Number) -> Value: ...
@overload
def maximum(*xs: Value | Number) -> Value | float: ...
def maximum(*xs: Value | Number) -> Value | float:
    """The largest of any number; at a tie all that are largest have equal derivatives, of sum 1.

    Raises:
        TypeError: an operand is not a real number.
        ValueError: there is no operand.

    >>> f"{maximum(0.5, 2.0, -1.0):.6f}"
    '2.000000'
    """
    if len(xs) == 2:
        x, y = xs
        return apply(table.MAXIMUM, x, y)
    operands = operands_of("maximum", xs)
    if not operands:
        raise of_nothing("maximum")
    return apply_to_list(table.MAXIMUM_OF, operands)


@overload
def minimum(*xs: Number) -> float: ...
@overload
def minimum(x: Value, /, *more: Value | Number) -> Value: ...
@overload
def minimum(x: Value | Number, y: Value, /, *more: Value | Number) -> Value: ...
@overload
def minimum(*xs: Value | Number) -> Value | float: ...
def minimum(*xs: Value | Number) -> Value | float:
    """The smallest of any number; at a tie all that are smallest have equal derivatives, of sum 1.

    Raises:
        TypeError: an operand is not a real number.
        ValueError: there is no operand.

    >>> f"{minimum(0.5, 2.0, -1.0):.6f}"
    '-1.000000'
    """
    if len(xs) == 2:
        x, y = xs
        return apply(table.MINIMUM, x, y)
    operands = operands_of("minimum", xs)
    if not operands:
        raise of_nothing("minimum")
    return apply_to_list(table.MINIMUM_OF, operands)


@overload
def clip(x: Number, low: Number, high: Number) -> float: ...
@overload
def clip(x: Value, low: Value | Number, high: Value | Number) -> Value: ...
@overload
def clip(x: Value | Number, low: Value, high: Value | Number) -> Value: ...
@overload
def clip(x: Value | Number, low: Value | Number, high: Value) -> Value: ...
def clip(x: Value | Number, low: Value | Number, high: Value | Number) -> Value | float:
    """x, or the bound it is beyond; derivative 0 at a bound.

    >>> f"{clip(0.5, 0.0, 1.0):.6f}"
    '0.500000'
    """
    return apply(table.CLIP, x, low, high)


@overload
def where(condition: Number, a: Number, b: Number) -> float: ...
@overload
def where(condition: Value, a: Value | Number, b: Value | Number) -> Value: ...
@overload
def where(condition: Value | Number, a: Value, b: Value | Number) -> Value: ...
@overload
def where(condition: Value | Number, a: Value | Number, b: Value) -> Value: ...
def where(condition: Value | Number, a: Value | Number, b: Value | Number) -> Value | float:
    """a where the condition holds, else b.

    >>> f"{where(0.5, 0.0, 1.0):.6f}"
    '0.000000'
    """
    return apply(table.WHERE, condition, a, b)


@overload
def sigmoid(x: Number) -> float: ...
@overload
def sigmoid(x: Value) -> Value: ...
def sigmoid(x: Value | Number) -> Value | float:
    """Logistic function 1/(1 + exp(-x)).

    >>> f"{sigmoid(0.5):.6f}"
    '0.622459'
    """
    return x.sigmoid() if isinstance(x, Value) else apply(table.SIGMOID, x)


@overload
def logsigmoid(x: Number) -> float: ...
@overload
def logsigmoid(x: Value) -> Value: ...
def logsigmoid(x: Value | Number) -> Value | float:
    """log(sigmoid(x)), without overflow.

    >>> f"{logsigmoid(0.5):.6f}"
    '-0.474077'
    """
    return x.logsigmoid() if isinstance(x, Value) else apply(table.LOGSIGMOID, x)


@overload
def softplus(x: Number) -> float: ...
@overload
def softplus(x: Value) -> Value: ...
def softplus(x: Value | Number) -> Value | float:
    """log(1 + exp(x)), without overflow.

    >>> f"{softplus(0.5):.6f}"
    '0.974077'
    """
    return x.softplus() if isinstance(x, Value) else apply(table.SOFTPLUS, x)


@overload
def relu(x: Number) -> float: ...
@overload
def relu(x: Value) -> Value: ...
def relu(x: Value | Number) -> Value | float:
    """Rectifier max(x, 0), with derivative 0 at 0.

    >>> f"{relu(0.5):.6f}"
    '0.500000'
    """
    return x.relu() if isinstance(x, Value) else apply(table.RELU, x)


@overload
def leaky_relu(x: Number, slope: Number = ...) -> float: ...
@overload
def leaky_relu(x: Value, slope: Value | Number = ...) -> Value: ...
@overload
def leaky_relu(x: Value | Number, slope: Value) -> Value: ...
def leaky_relu(x: Value | Number, slope: Value | Number = 0.01) -> Value | float:
    """x where it is positive, else slope·x; derivative slope at 0.

    >>> f"{leaky_relu(-0.5, 0.25):.6f}"
    '-0.125000'
    """
    if isinstance(x, Value):
        return x.leaky_relu(slope)
    return apply(table.LEAKY_RELU_SLOPE, x, slope)


@overload
def elu(x: Number, alpha: Number = ...) -> float: ...
@overload
def elu(x: Value, alpha: Value | Number = ...) -> Value: ...
@overload
def elu(x: Value | Number, alpha: Value) -> Value: ...
def elu(x: Value | Number, alpha: Value | Number = 1.0) -> Value | float:
    """x where it is positive, else alpha·(exp(x) - 1); derivative alpha at 0.

    >>> f"{elu(-0.5, 0.25):.6f}"
    '-0.098367'
    """
    if isinstance(x, Value):
        return x.elu(alpha)
    return apply(table.ELU_ALPHA, x, alpha)


@overload
def gelu(x: Number) -> float: ...
@overload
def gelu(x: Value) -> Value: ...
def gelu(x: Value | Number) -> Value | float:
    """x times the share of the normal distribution below x.

    >>> f"{gelu(0.5):.6f}"
    '0.345731'
    """
    return x.gelu() if isinstance(x, Value) else apply(table.GELU, x)


@overload
def silu(x: Number) -> float: ...
@overload
def silu(x: Value) -> Value: ...
def silu(x: Value | Number) -> Value | float:
    """x times sigmoid(x).

    >>> f"{silu(0.5):.6f}"
    '0.311230'
    """
    return x.silu() if isinstance(x, Value) else apply(table.SILU, x)


@overload
def sum(xs: Iterable[Value]) -> Value: ...
@overload
def sum(xs: Iterable[Value | Number]) -> Value | float: ...
def sum(xs: Iterable[Value | Number]) -> Value | float:
    """x0 + x1 + ..., added from the left.

    Args:
        xs: Values and numbers.

    Returns:
        A Value that records the operands, where one of them is a Value; else a float. Of nothing it is 0.0.

    Raises:
        TypeError: an operand is not a real number.

    >>> y = sum([Value(1.0), Value(2.0), Value(4.0)])
    >>> y.data, y.local_grads
    (7.0, (1.0, 1.0, 1.0))
    """
    operands = operands_of("sum", xs)
    if not operands:
        return 0.0
    return apply_to_list(table.SUM, operands)


@overload
def mean(xs: Iterable[Value]) -> Value: ...
@overload
def mean(xs: Iterable[Value | Number]) -> Value | float: ...
def mean(xs: Iterable[Value | Number]) -> Value | float:
    """(x0 + x1 + ...) / n, added from the left.

    Args:
        xs: Values and numbers.

    Returns:
        A Value that records the operands, where one of them is a Value; else a float.

    Raises:
        TypeError: an operand is not a real number.
        ValueError: `xs` is empty.

    >>> y = mean([Value(1.0), Value(2.0), Value(6.0), Value(3.0)])
    >>> y.data, y.local_grads
    (3.0, (0.25, 0.25, 0.25, 0.25))
    """
    operands = operands_of("mean", xs)
    if not operands:
        raise of_nothing("mean")
    return apply_to_list(table.MEAN, operands)


@overload
def dot(xs: Iterable[Value], ys: Iterable[Value | Number]) -> Value: ...
@overload
def dot(xs: Iterable[Value | Number], ys: Iterable[Value]) -> Value: ...
@overload
def dot(xs: Iterable[Value | Number], ys: Iterable[Value | Number]) -> Value | float: ...
def dot(xs: Iterable[Value | Number], ys: Iterable[Value | Number]) -> Value | float:
    """x0·y0 + x1·y1 + ..., added from the left.

    Args:
        xs: Values and numbers.
        ys: Values and numbers, as many as `xs`.

    Returns:
        A Value that records the operands, where one of them is a Value; else a float. Of nothing it is 0.0.

    Raises:
        TypeError: an operand is not a real number.
        ValueError: the lists are not of one length.

    >>> y = dot([Value(1.0), Value(2.0)], [3.0, 4.0])
    >>> y.data, y.local_grads
    (11.0, (3.0, 4.0))
    """
    xs_operands = operands_of("dot", xs)
    ys_operands = operands_of("dot", ys)
    if len(ys_operands) != len(xs_operands):
        raise lengths_differ("dot", xs_operands, ys_operands)
    operands = xs_operands + ys_operands
    if not operands:
        return 0.0
    return apply_to_list(table.DOT, operands)


@overload
def prod(xs: Iterable[Value]) -> Value: ...
@overload
def prod(xs: Iterable[Value | Number]) -> Value | float: ...
def prod(xs: Iterable[Value | Number]) -> Value | float:
    """x0 · x1 · ..., multiplied from the left.

    The derivative by an operand is the product of the others, and 0 where one of these is 0.

    Args:
        xs: Values and numbers.

    Returns:
        A Value that records the operands, where one of them is a Value; else a float. Of nothing it is 1.0.

    Raises:
        TypeError: an operand is not a real number.

    >>> y = prod([Value(2.0), Value(0.0), Value(3.0)])
    >>> y.data, y.local_grads
    (0.0, (0.0, 6.0, 0.0))
    """
    operands = operands_of("prod", xs)
    if not operands:
        return 1.0
    return apply_to_list(table.PROD, operands)


@overload
def take(xs: Iterable[Value], index: int | Value) -> Value: ...
@overload
def take(xs: Iterable[Value | Number], index: int | Value) -> Value | float: ...
def take(xs: Iterable[Value | Number], index: int | Value) -> Value | float:
    """The value that stands at an index.

    Args:
        xs: Values and numbers.
        index: a position in `xs`, from 0, as a number or as a Value; no gradient goes to it.

    Returns:
        A Value that records the operands, where one of them is a Value; else a float.

    Raises:
        TypeError: an operand is not a real number, or `index` is not a whole number.
        IndexError: `index` is not a position in `xs`.

    >>> y = take([Value(2.0), Value(5.0)], 1)
    >>> y.data, y.local_grads
    (5.0, (0.0, 1.0))
    """
    operands = operands_of("take", xs)
    operands.append(index_among("take", index, len(operands)))
    return apply_to_list(table.TAKE, operands)


@overload
def logsumexp(xs: Iterable[Value]) -> Value: ...
@overload
def logsumexp(xs: Iterable[Value | Number]) -> Value | float: ...
def logsumexp(xs: Iterable[Value | Number]) -> Value | float:
    """log(exp(x0) + exp(x1) + ...), without overflow.

    The local derivatives are the softmax of the operands.

    Args:
        xs: Values and numbers.

    Returns:
        A Value that records the operands, where one of them is a Value; else a float.

    Raises:
        TypeError: an operand is not a real number.
        ValueError: `xs` is empty.

    >>> y = logsumexp([Value(1000.0), Value(1000.0)])
    >>> f"{y.data:.6f}", [f"{local:.6f}" for local in y.local_grads]
    ('1000.693147', ['0.500000', '0.500000'])
    """
    operands = operands_of("logsumexp", xs)
    if not operands:
        raise of_nothing("logsumexp")
    return apply_to_list(table.LOGSUMEXP, operands)


@overload
def softmax_cross_entropy(logits: Iterable[Value], index: int | Value) -> Value: ...
@overload
def softmax_cross_entropy(logits: Iterable[Value | Number], index: int | Value) -> Value | float: ...
def softmax_cross_entropy(logits: Iterable[Value | Number], index: int | Value) -> Value | float:
    """-log(softmax(logits)[index]), without overflow.

    The logits are unnormalised log probabilities, one per class, and the index is the right class.

    Args:
        logits: Values and numbers.
        index: a position in `logits`, from 0, as a number or as a Value; no gradient goes to it.

    Returns:
        A Value that records the operands, where one of them is a Value; else a float.

    Raises:
        TypeError: an operand is not a real number, or `index` is not a whole number.
        ValueError: `logits` is empty.
        IndexError: `index` is not a position in `logits`.

    >>> y = softmax_cross_entropy([Value(2.0), Value(0.0), Value(1.0)], 0)
    >>> f"{y.data:.6f}", [f"{local:.6f}" for local in y.local_grads]
    ('0.407606', ['-0.334759', '0.090031', '0.244728'])
    """
    operands = operands_of("softmax_cross_entropy", logits)
    if not operands:
        raise of_nothing("softmax_cross_entropy")
    operands.append(index_among("softmax_cross_entropy", index, len(operands)))
    return apply_to_list(table.SOFTMAX_CROSS_ENTROPY, operands)
