"""`math` with IEEE 754 results: where C gives inf or nan, so does this, and nothing raises.

Python's `math` raises `ValueError` outside a domain and `OverflowError` past the largest float. An engine that
must agree with its compiled twin bit for bit cannot: `exp(1000)` is inf, `log(0)` is -inf, `sqrt(-1)` is nan.
The formulas of `autograd.primitives.table` are evaluated in this namespace.

    >>> from autograd.primitives import ieee
    >>> ieee.exp(1000.0), ieee.log(0.0), ieee.divide(1.0, 0.0), ieee.power(-2.0, 0.5)
    (inf, -inf, inf, nan)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import atan, copysign, erf, erfc, inf, nan

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "divide",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "exp_difference",
    "expm1",
    "floor",
    "hypot",
    "inf",
    "log",
    "log1p",
    "log2",
    "log10",
    "modulo",
    "nan",
    "power",
    "rint",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]

Unary = Callable[[float], float]


def _returning(function: Unary, *, pole: Unary | None = None, overflow: Unary | None = None) -> Unary:
    """Wrap a function of `math`: `pole(x)` where it calls x outside its domain, `overflow(x)` where it overflows."""

    def wrapped(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return nan if pole is None else pole(x)
        except OverflowError:
            return inf if overflow is None else overflow(x)

    return wrapped


def _minus_inf_at(point: float) -> Unary:
    return lambda x: -inf if x == point else nan


def _signed_inf(x: float) -> float:
    return copysign(inf, x)


exp = _returning(math.exp)
exp2 = _returning(math.exp2)
expm1 = _returning(math.expm1)
log = _returning(math.log, pole=_minus_inf_at(0.0))
log2 = _returning(math.log2, pole=_minus_inf_at(0.0))
log10 = _returning(math.log10, pole=_minus_inf_at(0.0))
log1p = _returning(math.log1p, pole=_minus_inf_at(-1.0))
sqrt = _returning(math.sqrt)
cbrt: Unary = math.cbrt
sin = _returning(math.sin)
cos = _returning(math.cos)
tan = _returning(math.tan)
asin = _returning(math.asin)
acos = _returning(math.acos)
sinh = _returning(math.sinh, overflow=_signed_inf)
cosh = _returning(math.cosh)
tanh: Unary = math.tanh
asinh: Unary = math.asinh
acosh = _returning(math.acosh)
atanh = _returning(math.atanh, pole=lambda x: _signed_inf(x) if abs(x) == 1.0 else nan)
floor = _returning(lambda x: copysign(float(math.floor(x)), x), pole=lambda x: x, overflow=lambda x: x)
ceil = _returning(lambda x: copysign(float(math.ceil(x)), x), pole=lambda x: x, overflow=lambda x: x)
atan2 = math.atan2


def rint(x: float) -> float:
    """The nearest integer, halves to even, as C's `rint`."""
    return copysign(float(round(x)), x) if abs(x) < 2.0**52 else x


def divide(x: float, y: float) -> float:
    """x / y, with inf for a number over zero and nan for zero over zero."""
    try:
        return x / y
    except ZeroDivisionError:
        return nan if x == 0.0 or x != x else copysign(inf, x) * copysign(1.0, y)


def modulo(x: float, y: float) -> float:
    """x % y with the sign of y, as Python's; nan where y is 0."""
    try:
        return x % y
    except ZeroDivisionError:
        return nan


def power(x: float, y: float) -> float:
    """x ** y as C's `pow`: inf at a pole and past the largest float, nan where no real number is the result."""
    try:
        return math.pow(x, y)
    except ValueError:
        if x != 0.0:
            return nan
    except OverflowError:
        pass
    odd = abs(y) < 2.0**53 and y % 2.0 == 1.0
    return copysign(inf, x) if odd else inf


def exp_difference(x: float, y: float) -> float:
    """exp(x - y) with the rounding of the subtraction put right, which exp would multiply by the difference.

    Two equal infinities are 0 apart. What a subtraction rounds off is exact in floats (T. J. Dekker, 1971).
    """
    if x == y:
        return 1.0
    difference = x - y
    power = exp(difference)
    if not abs(difference) < 750.0:
        return power
    rounded_off = x - (difference + y) if abs(x) < abs(y) else (x - difference) - y
    return power + power * rounded_off


def hypot(x: float, y: float) -> float:
    """sqrt(x² + y²) as C's `hypot` gives it; `math.hypot` rounds differently."""
    if x != x or y != y:  # abs of a complex nan raises where an earlier call has left its errno
        return inf if abs(x) == inf or abs(y) == inf else nan
    try:
        return abs(complex(x, y))
    except OverflowError:
        return inf
