"""What is true of each primitive, from elsewhere than the engine: one entry per row of the table.

The result and the derivatives are formulas in mpmath, where a function is chosen for its meaning and not for its
rounding. None is taken from the engine. A test holds the derivatives to central differences of the result at hundreds
of digits, which need no formula but fail far out (at 1e-300 they would take a thousand digits).

To add a primitive, add an entry to ORACLES; where one is missing the tests say so.
"""

from __future__ import annotations

import itertools
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
from mpmath import mp, mpf

from autograd.primitives.primitive import Primitive

inf, nan = math.inf, math.nan
HALF_PI = math.pi / 2
Bounds = tuple[float, float]

# 1 - tanh(300)² is 1e-260: a difference of two values needs that many digits before it has any
DIGITS_OF_DIFFERENCES = 420
DIGITS_OF_CURVATURES = 800  # and one of slopes the more: that of sin at 1e-300 differs from 1 in digit 600
RELATIVE_STEP = mpf(10) ** -60
DIGITS = 60


@dataclass(frozen=True)
class Oracle:
    """What is true of a primitive.

    Attributes:
        value: the result, in mpmath.
        slopes: the derivatives by all operands, by calculus, in mpmath.
        curvatures: the second derivatives, row by row, by calculus, where differences of slopes have no digits.
        graphs: where the operands of random graphs lie, one pair per operand or list: inside the domain, of moderate
            size. Every public primitive has it.
        at_infinities: (value, derivative) at -inf and at +inf. Every primitive of one operand has it.
        from_kink: how far operands are from the nearest kink, jump or end, where there is one; 0 is there.
        fixed: the operands that are numbers by nature, or by intent have no derivative; an index is one without saying.
        independent: (derivative by operand i, nan in operand j) -> whether one does not know of the other.
        numpy: the name of the same function in NumPy.
        natural: where the function is defined and its result a normal float, where that is more than the row's domain.
    """

    value: Callable[..., Any]
    slopes: Callable[..., list[Any]]
    graphs: tuple[Bounds, ...] | None = None
    at_infinities: tuple[Bounds, Bounds] | None = None
    from_kink: Callable[..., float] | None = None
    fixed: tuple[int, ...] = ()
    independent: Callable[[int, int], bool] = lambda i, j: False
    numpy: str | None = None
    natural: tuple[Bounds, ...] | None = None
    curvatures: Callable[..., list[list[Any]]] | None = None


class _Oracles(dict[str, Oracle]):
    def __missing__(self, name: str) -> Oracle:
        raise LookupError(f"the primitive {name!r} has no oracle: add an entry to ORACLES in tests/oracles.py")


def _of_one(value: Callable[[Any], Any], slope: Callable[[Any], Any], **rest: Any) -> Oracle:
    return Oracle(value, lambda x: [slope(x)], **rest)


# -- mathematics -------------------------------------------------------------------------------------------------------
def _logistic(x: mpf) -> mpf:
    return 1 / (1 + mp.exp(-x))


def _logistic_slope(x: mpf) -> mpf:
    return _logistic(x) * _logistic(-x)


def _softplus(x: mpf) -> mpf:
    return mp.log1p(mp.exp(x)) if x < 0 else x + mp.log1p(mp.exp(-x))


def _density(x: mpf) -> mpf:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _share_below(x: mpf) -> mpf:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _modulo(x: mpf, y: mpf) -> mpf:
    with mp.workdps(700):  # the quotient of two floats has up to 632 digits before its point
        return x - y * mp.floor(x / y)


def _radius(x: mpf, y: mpf) -> mpf:
    return mp.sqrt(x * x + y * y)


def _shifted(xs: Sequence[mpf]) -> list[mpf]:
    top = max(xs)
    return [mp.exp(x - top) for x in xs]


def _softmax(xs: Sequence[mpf]) -> list[mpf]:
    weights = _shifted(xs)
    return [weight / mp.fsum(weights) for weight in weights]


def _cross_entropy(*operands: mpf) -> mpf:
    *logits, index = operands
    right = logits.pop(int(index))
    # log1p: at logits 1000 apart the other classes' share is 1e-435 of the sum
    return mp.log1p(mp.fsum(mp.exp(x - right) for x in logits))


def _cross_entropy_slopes(*operands: mpf) -> list[mpf]:
    *logits, index = operands
    shares = _softmax(logits)
    others = mp.fsum(share for i, share in enumerate(shares) if i != int(index))
    return [-others if i == int(index) else share for i, share in enumerate(shares)] + [mpf(0)]


def _softmax_slopes(*xs: mpf) -> list[list[mpf]]:
    shares = _softmax(xs)
    n = range(len(xs))
    return [[shares[i] * (_without_sum(shares, i) if i == j else -shares[j]) for j in n] for i in n]


def _cross_entropy_curvatures(*operands: mpf) -> list[list[mpf]]:
    *logits, _ = operands
    return [[*row, mpf(0)] for row in (*_softmax_slopes(*logits), [mpf(0)] * len(logits))]


def _without_sum(xs: Sequence[mpf], i: int) -> mpf:
    return mp.fsum(x for j, x in enumerate(xs) if j != i)


def _share_slopes(*operands: mpf) -> list[mpf]:
    *xs, index = operands
    shares, at = _softmax(xs), int(index)
    others = mp.fsum(share for i, share in enumerate(shares) if i != at)
    return [shares[at] * (others if i == at else -share) for i, share in enumerate(shares)] + [mpf(0)]


def _from_tie(*xs: float) -> float:
    ordered = sorted(xs)
    return min((y - x for x, y in itertools.pairwise(ordered)), default=1.0)


def _log_of_sum(*xs: mpf) -> mpf:
    weights = _shifted(xs)
    weights.remove(1)
    return max(xs) + mp.log1p(mp.fsum(weights))


def _without(xs: Sequence[mpf], i: int) -> mpf:
    return mp.fprod(x for j, x in enumerate(xs) if j != i)


def _dot(*xs: mpf) -> mpf:
    return mp.fsum(xs[i] * xs[i + len(xs) // 2] for i in range(len(xs) // 2))


# -- where they are looked at ----------------------------------------------------------------------------------------
LARGEST = sys.float_info.max
REALS = (-LARGEST, LARGEST)
ANY = (-60.0, 60.0)
POSITIVE = (0.05, 50.0)
NOTHING = (nan, nan)


def _from_step(x: float, offset: float = 0.0) -> float:
    return abs(x - offset - round(x - offset))


# fmt: off
ORACLES = _Oracles({
    "add": Oracle(lambda x, y: x + y, lambda x, y: [mpf(1), mpf(1)], graphs=(ANY, ANY), independent=lambda i, j: True,
        numpy="add", natural=(REALS, REALS)),
    "identity": _of_one(lambda x: x, lambda x: mpf(1), at_infinities=((-inf, 1), (inf, 1)),
        independent=lambda i, j: True, natural=(REALS,)),
    "subtract": Oracle(lambda x, y: x - y, lambda x, y: [mpf(1), mpf(-1)], graphs=(ANY, ANY),
        independent=lambda i, j: True, numpy="subtract", natural=(REALS, REALS)),
    "multiply": Oracle(lambda x, y: x * y, lambda x, y: [y, x], graphs=((-8.0, 8.0), (-8.0, 8.0)),
        independent=lambda i, j: i == j, numpy="multiply", natural=(REALS, REALS)),
    "multiply_no_nan": Oracle(lambda x, y: x * y, lambda x, y: [y, x], independent=lambda i, j: i == j,
        natural=(REALS, REALS)),
    "divide": Oracle(lambda x, y: x / y, lambda x, y: [1 / y, -x / y**2], graphs=(ANY, (0.2, 50.0)),
        independent=lambda i, j: i == j == 0, numpy="divide", natural=(REALS, REALS)),
    "modulo": Oracle(_modulo, lambda x, y: [mpf(1), -mp.floor(x / y)], graphs=(ANY, (0.3, 10.0)),
        from_kink=lambda x, y: _from_step(x / y), numpy="mod"),
    "power": Oracle(lambda x, y: x**y, lambda x, y: [y * x**(y - 1), x**y * mp.log(x)],
        graphs=((0.1, 8.0), (-3.0, 3.0)), from_kink=lambda x, y: abs(x), numpy="power",
        natural=((0.0, LARGEST), (-1100.0, 1100.0))),
    "power_constant": Oracle(lambda x, y: x**y, lambda x, y: [y * x**(y - 1), mpf(0)],
        graphs=((0.1, 8.0), (-3.0, 3.0)), from_kink=lambda x, y: abs(x), fixed=(1,), independent=lambda i, j: i == 1,
        numpy="power", natural=((0.0, LARGEST), (-1100.0, 1100.0))),
    "negate": _of_one(lambda x: -x, lambda x: mpf(-1), graphs=(ANY,), at_infinities=((inf, -1), (-inf, -1)),
        independent=lambda i, j: True, numpy="negative", natural=(REALS,)),
    "abs": _of_one(mp.fabs, mp.sign, graphs=(ANY,), at_infinities=((inf, -1), (inf, 1)), from_kink=abs,
        numpy="absolute", natural=(REALS,)),
    "exp": _of_one(mp.exp, mp.exp, graphs=((-5.0, 4.0),), at_infinities=((0, 0), (inf, inf)), numpy="exp",
        natural=((-708.0, 709.78),)),
    "exp_difference": Oracle(lambda x, y: mp.exp(x - y), lambda x, y: [mp.exp(x - y), -mp.exp(x - y)],
        natural=((-350.0, 350.0), (-350.0, 350.0))),
    "exp2": _of_one(lambda x: mpf(2)**x, lambda x: mpf(2)**x * mp.log(2), graphs=((-6.0, 6.0),),
        at_infinities=((0, 0), (inf, inf)), numpy="exp2", natural=((-1022.0, 1023.999),)),
    "expm1": _of_one(mp.expm1, mp.exp, graphs=((-5.0, 4.0),), at_infinities=((-1, 0), (inf, inf)), numpy="expm1",
        natural=((-708.0, 709.78),)),
    "log": _of_one(mp.log, lambda x: 1 / x, graphs=(POSITIVE,), at_infinities=(NOTHING, (inf, 0)), numpy="log",
        natural=((0.0, LARGEST),)),
    "log2": _of_one(lambda x: mp.log(x) / mp.log(2), lambda x: 1 / (x * mp.log(2)), graphs=(POSITIVE,),
        at_infinities=(NOTHING, (inf, 0)), numpy="log2", natural=((0.0, LARGEST),)),
    "log10": _of_one(mp.log10, lambda x: 1 / (x * mp.log(10)), graphs=(POSITIVE,), at_infinities=(NOTHING, (inf, 0)),
        numpy="log10", natural=((0.0, LARGEST),)),
    "log1p": _of_one(mp.log1p, lambda x: 1 / (1 + x), graphs=((-0.9, 50.0),), at_infinities=(NOTHING, (inf, 0)),
        numpy="log1p", natural=((-1.0, LARGEST),)),
    "sqrt": _of_one(mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), graphs=(POSITIVE,), at_infinities=(NOTHING, (inf, 0)),
        numpy="sqrt", natural=((0.0, LARGEST),)),
    "cbrt": _of_one(lambda x: mp.sign(x) * mp.cbrt(mp.fabs(x)), lambda x: 1 / (3 * mp.cbrt(mp.fabs(x))**2),
        graphs=(POSITIVE,), at_infinities=((-inf, 0), (inf, 0)), numpy="cbrt", natural=(REALS,)),
    "cbrt_slope": _of_one(lambda x: 1 / (3 * mp.cbrt(mp.fabs(x))**2),
        lambda x: -2 * mp.sign(x) / (9 * mp.cbrt(mp.fabs(x))**5), at_infinities=((0, 0), (0, 0)), from_kink=abs,
        natural=((-1e150, 1e150),)),
    "hypot": Oracle(_radius, lambda x, y: [x / _radius(x, y), y / _radius(x, y)],
        graphs=((-20.0, 20.0), (-20.0, 20.0)), from_kink=math.hypot, numpy="hypot", natural=(REALS, REALS)),
    "sin": _of_one(mp.sin, mp.cos, graphs=((-20.0, 20.0),), at_infinities=(NOTHING, NOTHING), numpy="sin",
        natural=(REALS,)),
    "cos": _of_one(mp.cos, lambda x: -mp.sin(x), graphs=((-20.0, 20.0),), at_infinities=(NOTHING, NOTHING),
        numpy="cos", natural=(REALS,)),
    "tan": _of_one(mp.tan, lambda x: mp.sec(x)**2, graphs=((-1.3, 1.3),), at_infinities=(NOTHING, NOTHING),
        numpy="tan", natural=(REALS,)),
    "asin": _of_one(mp.asin, lambda x: 1 / mp.sqrt(1 - x * x), graphs=((-0.95, 0.95),),
        at_infinities=(NOTHING, NOTHING), from_kink=lambda x: 1 - abs(x), numpy="arcsin", natural=((-1.0, 1.0),)),
    "asin_slope": _of_one(lambda x: 1 / mp.sqrt(1 - x * x), lambda x: x / mp.sqrt(1 - x * x)**3,
        at_infinities=(NOTHING, NOTHING), from_kink=lambda x: 1 - abs(x), natural=((-1.0, 1.0),)),
    "acos": _of_one(mp.acos, lambda x: -1 / mp.sqrt(1 - x * x), graphs=((-0.95, 0.95),),
        at_infinities=(NOTHING, NOTHING), from_kink=lambda x: 1 - abs(x), numpy="arccos", natural=((-1.0, 1.0),)),
    "atan": _of_one(mp.atan, lambda x: 1 / (1 + x * x), graphs=((-20.0, 20.0),),
        at_infinities=((-HALF_PI, 0), (HALF_PI, 0)), numpy="arctan", natural=(REALS,)),
    "atan2": Oracle(mp.atan2, lambda y, x: [x / (x * x + y * y), -y / (x * x + y * y)],
        graphs=((-20.0, 20.0), (-20.0, 20.0)), from_kink=lambda y, x: max(abs(y), x), numpy="arctan2",
        natural=(REALS, REALS)),
    "sinh": _of_one(mp.sinh, mp.cosh, graphs=((-4.0, 4.0),), at_infinities=((-inf, inf), (inf, inf)), numpy="sinh",
        natural=((-710.4, 710.4),)),
    "cosh": _of_one(mp.cosh, mp.sinh, graphs=((-4.0, 4.0),), at_infinities=((inf, -inf), (inf, inf)), numpy="cosh",
        natural=((-710.4, 710.4),)),
    "tanh": _of_one(mp.tanh, lambda x: mp.sech(x)**2, graphs=((-4.0, 4.0),), at_infinities=((-1, 0), (1, 0)),
        numpy="tanh", natural=((-10000.0, 10000.0),)),
    "sech2": _of_one(lambda x: mp.sech(x)**2, lambda x: -2 * mp.sech(x)**2 * mp.tanh(x),
        at_infinities=((0, 0), (0, 0)), natural=((-354.0, 354.0),)),
    "asinh": _of_one(lambda x: mp.sign(x) * mp.log1p(mp.fabs(x) + x * x / (1 + mp.sqrt(1 + x * x))),
        lambda x: 1 / mp.sqrt(1 + x * x), graphs=(ANY,), at_infinities=((-inf, 0), (inf, 0)), numpy="arcsinh",
        natural=(REALS,)),
    "acosh": _of_one(lambda x: mp.log1p(x - 1 + mp.sqrt((x - 1) * (x + 1))), lambda x: 1 / mp.sqrt((x - 1) * (x + 1)),
        graphs=((1.1, 50.0),), at_infinities=(NOTHING, (inf, 0)), numpy="arccosh", natural=((1.0, LARGEST),)),
    "atanh": _of_one(lambda x: (mp.log1p(x) - mp.log1p(-x)) / 2, lambda x: 1 / ((1 - x) * (1 + x)),
        graphs=((-0.95, 0.95),), at_infinities=(NOTHING, NOTHING), numpy="arctanh", natural=((-1.0, 1.0),)),
    "atanh_slope": _of_one(lambda x: 1 / ((1 - x) * (1 + x)), lambda x: 2 * x / ((1 - x) * (1 + x))**2,
        at_infinities=(NOTHING, NOTHING), natural=((-1.0, 1.0),)),
    "gaussian": _of_one(lambda x: mp.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x), at_infinities=((0, 0), (0, 0)),
        natural=((-26.6, 26.6),)),
    "erf": _of_one(mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x), graphs=((-3.0, 3.0),),
        at_infinities=((-1, 0), (1, 0)), natural=(REALS,)),
    "erfc": _of_one(mp.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x), graphs=((-3.0, 3.0),),
        at_infinities=((2, 0), (0, 0)), natural=((-40.0, 26.5),)),
    "normal_pdf": _of_one(_density, lambda x: -x * _density(x), at_infinities=((0, 0), (0, 0)),
        natural=((-37.6, 37.6),)),
    "normal_cdf": _of_one(_share_below, _density, at_infinities=((0, 0), (1, 0)), natural=((-37.5, 40.0),)),
    "floor": _of_one(mp.floor, lambda x: mpf(0), graphs=(ANY,), at_infinities=((-inf, 0), (inf, 0)),
        from_kink=_from_step, numpy="floor", natural=(REALS,)),
    "ceil": _of_one(mp.ceil, lambda x: mpf(0), graphs=(ANY,), at_infinities=((-inf, 0), (inf, 0)),
        from_kink=_from_step, numpy="ceil", natural=(REALS,)),
    "round": _of_one(mp.nint, lambda x: mpf(0), graphs=(ANY,), at_infinities=((-inf, 0), (inf, 0)),
        from_kink=lambda x: _from_step(x, 0.5), numpy="rint", natural=(REALS,)),
    "sign": _of_one(mp.sign, lambda x: mpf(0), graphs=(ANY,), at_infinities=((-1, 0), (1, 0)), from_kink=abs,
        numpy="sign", natural=(REALS,)),
    "maximum": Oracle(max, lambda x, y: [mpf(x > y), mpf(y > x)], graphs=(ANY, ANY),
        from_kink=lambda x, y: abs(x - y), numpy="maximum", natural=(REALS, REALS)),
    "minimum": Oracle(min, lambda x, y: [mpf(x < y), mpf(y < x)], graphs=(ANY, ANY),
        from_kink=lambda x, y: abs(x - y), numpy="minimum", natural=(REALS, REALS)),
    "clip": Oracle(lambda x, low, high: min(max(x, low), high),
        lambda x, low, high: [mpf(low < x < high), mpf(x < low), mpf(x > high)],
        graphs=(ANY, (-3.0, -0.1), (0.1, 3.0)), from_kink=lambda x, low, high: min(abs(x - low), abs(x - high))),
    "where": Oracle(lambda c, a, b: a if c else b, lambda c, a, b: [mpf(0), mpf(c != 0), mpf(c == 0)],
        graphs=(ANY, ANY, ANY), from_kink=lambda condition, a, b: abs(condition), fixed=(0,),
        independent=lambda i, j: True),
    "less": Oracle(lambda x, y: mpf(x < y), lambda x, y: [mpf(0), mpf(0)], from_kink=lambda x, y: abs(x - y),
        independent=lambda i, j: True),
    "less_or_equal": Oracle(lambda x, y: mpf(x <= y), lambda x, y: [mpf(0), mpf(0)],
        from_kink=lambda x, y: abs(x - y), independent=lambda i, j: True),
    "equal": Oracle(lambda x, y: mpf(x == y), lambda x, y: [mpf(0), mpf(0)], from_kink=lambda x, y: abs(x - y),
        independent=lambda i, j: True),
    "not_equal": Oracle(lambda x, y: mpf(x != y), lambda x, y: [mpf(0), mpf(0)], from_kink=lambda x, y: abs(x - y),
        independent=lambda i, j: True),
    "detach": _of_one(lambda x: x, lambda x: mpf(0), at_infinities=((-inf, 0), (inf, 0)), fixed=(0,),
        independent=lambda i, j: True),
    "sigmoid": _of_one(_logistic, _logistic_slope, graphs=((-8.0, 8.0),), at_infinities=((0, 0), (1, 0)),
        natural=((-708.0, 10000.0),)),
    "sigmoid_slope": _of_one(_logistic_slope, lambda x: -_logistic_slope(x) * mp.tanh(x / 2),
        at_infinities=((0, 0), (0, 0)), natural=((-708.0, 708.0),)),
    "logsigmoid": _of_one(lambda x: -_softplus(-x), lambda x: _logistic(-x), graphs=((-20.0, 20.0),),
        at_infinities=((-inf, 1), (0, 0)), natural=((-1e+300, 708.0),)),
    "softplus": _of_one(_softplus, _logistic, graphs=((-20.0, 20.0),), at_infinities=((0, 0), (inf, 1)),
        natural=((-708.0, 1e+300),)),
    "relu": _of_one(lambda x: max(x, mpf(0)), lambda x: mpf(x > 0), graphs=(ANY,), at_infinities=((0, 0), (inf, 1)),
        from_kink=abs, natural=(REALS,)),
    "leaky_relu": _of_one(lambda x: max(x, x * mpf(0.01)), lambda x: mpf(1) if x > 0 else mpf(0.01), graphs=(ANY,),
        at_infinities=((-inf, 0.01), (inf, 1)), from_kink=abs, natural=(REALS,)),
    "elu": _of_one(lambda x: x if x > 0 else mp.expm1(x), lambda x: mpf(1) if x > 0 else mp.exp(x),
        graphs=((-8.0, 50.0),), at_infinities=((-1, 0), (inf, 1)), from_kink=abs, natural=((-708.0, LARGEST),)),
    "gelu": _of_one(lambda x: x * _share_below(x), lambda x: _share_below(x) + x * _density(x), graphs=((-5.0, 5.0),),
        at_infinities=((0, 0), (inf, 1)), natural=((-37.5, 1e+300),)),
    "silu": _of_one(lambda x: x * _logistic(x), lambda x: _logistic(x) + x * _logistic_slope(x),
        graphs=((-8.0, 8.0),), at_infinities=((0, 0), (inf, 1)), natural=((-708.0, 1e+300),)),
    "sum": Oracle(lambda *xs: mp.fsum(xs), lambda *xs: [mpf(1)] * len(xs), graphs=(ANY,),
        independent=lambda i, j: True),
    "mean": Oracle(lambda *xs: mp.fsum(xs) / len(xs), lambda *xs: [mpf(1) / len(xs)] * len(xs), graphs=(ANY,),
        independent=lambda i, j: True),
    "dot": Oracle(_dot, lambda *xs: [*xs[len(xs) // 2:], *xs[:len(xs) // 2]], graphs=((-5.0, 5.0), (-5.0, 5.0)),
        independent=lambda i, j: j != (i + 2) % 4),
    "prod": Oracle(lambda *xs: mp.fprod(xs), lambda *xs: [_without(xs, i) for i in range(len(xs))],
        graphs=((-3.0, 3.0),), independent=lambda i, j: i == j),
    "take": Oracle(lambda *xs: xs[int(xs[-1])],
        lambda *xs: [*(mpf(i == int(xs[-1])) for i in range(len(xs) - 1)), mpf(0)], graphs=(ANY,),
        independent=lambda i, j: True),
    "logsumexp": Oracle(_log_of_sum, lambda *xs: _softmax(xs), graphs=((-20.0, 20.0),), natural=((-1000.0, 1000.0),),
        curvatures=_softmax_slopes),
    "softmax_cross_entropy": Oracle(_cross_entropy, _cross_entropy_slopes, graphs=((-20.0, 20.0),),
        natural=((-350.0, 350.0),), curvatures=_cross_entropy_curvatures),
    "leaky_relu_slope": Oracle(lambda x, slope: x if x > 0 else slope * x,
        lambda x, slope: [mpf(1) if x > 0 else slope, mpf(0) if x > 0 else x], from_kink=lambda x, slope: abs(x)),
    "elu_alpha": Oracle(lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
        lambda x, alpha: [mpf(1) if x > 0 else alpha * mp.exp(x), mpf(0) if x > 0 else mp.expm1(x)],
        from_kink=lambda x, alpha: abs(x)),
    "maximum_of": Oracle(lambda *xs: max(xs), lambda *xs: [mpf(x == max(xs)) / xs.count(max(xs)) for x in xs],
        from_kink=_from_tie),
    "minimum_of": Oracle(lambda *xs: min(xs), lambda *xs: [mpf(x == min(xs)) / xs.count(min(xs)) for x in xs],
        from_kink=_from_tie),
    "softmax": Oracle(lambda *operands: _softmax(operands[:-1])[int(operands[-1])], _share_slopes),
})
# fmt: on


def complaints(primitive: Primitive) -> list[str]:
    """What the entry of a row lacks."""
    oracle, name = ORACLES[primitive.name], f"ORACLES[{primitive.name!r}] in tests/oracles.py"
    operands = primitive.arity or len(primitive.arguments) - primitive.takes_index
    found = []
    if primitive.arity == 1 and oracle.at_infinities is None:
        found.append(f"{name} needs at_infinities: (value, derivative) at -inf and at inf")
    if not primitive.internal and oracle.graphs is None:
        found.append(f"{name} needs graphs: where the operands of random graphs lie")
    for what, bounds in (("graphs", oracle.graphs), ("natural", oracle.natural)):
        if bounds is not None and len(bounds) != operands:
            found.append(f"{name}: {what} has {len(bounds)} pairs for {operands} operands")
    if len(primitive.domain) != operands:
        found.append(
            f"the domain of the row {primitive.name!r} has {len(primitive.domain)} pairs for {operands} operands"
        )
    return found


def fixed_operands(primitive: Primitive, count: int) -> set[int]:
    """The operands, of so many, that have no derivative."""
    return {*ORACLES[primitive.name].fixed, *([count - 1] if primitive.takes_index else [])}


def at_kink(primitive: Primitive, xs: Sequence[float]) -> bool:
    """Whether operands are at a kink, a jump or an end, where a central difference says nothing."""
    from_kink = ORACLES[primitive.name].from_kink
    return from_kink is not None and from_kink(*xs) == 0.0


def analytic(name: str, xs: Sequence[float], digits: int = DIGITS) -> tuple[Any, list[Any]]:
    """Value and derivatives of a primitive at floats, by formula at so many digits."""
    oracle = ORACLES[name]
    with mp.workdps(digits):
        at = [mpf(x) for x in xs]
        return +oracle.value(*at), oracle.slopes(*at)


def exact(primitive: Primitive, xs: Sequence[float]) -> tuple[Any, list[Any]]:
    """Value and derivatives of a primitive at floats, by differences; None for operands that have no derivative."""
    with mp.workdps(DIGITS_OF_DIFFERENCES):
        value = ORACLES[primitive.name].value
        at = [mpf(x) for x in xs]
        fixed = fixed_operands(primitive, len(xs))
        derivatives: list[Any] = []
        for i in range(len(at)):
            if i in fixed:
                derivatives.append(None)
                continue
            step = RELATIVE_STEP * (mp.fabs(at[i]) or 1)
            up, down = list(at), list(at)
            up[i] += step
            down[i] -= step
            derivatives.append((value(*up) - value(*down)) / (2 * step))
        return value(*at), derivatives


def curvatures(primitive: Primitive, xs: Sequence[float]) -> list[list[Any]]:
    """The second derivatives at floats by the operands that have derivatives: by formula, else by differences."""
    oracle = ORACLES[primitive.name]
    free = free_operands(primitive, len(xs))
    with mp.workdps(DIGITS_OF_CURVATURES):
        at = [mpf(x) for x in xs]
        if oracle.curvatures is not None:
            rows = oracle.curvatures(*at)
            return [[rows[i][j] for j in free] for i in free]
        columns = []
        for i in free:
            step = RELATIVE_STEP * (min(mp.fabs(at[i]), 1) or 1)
            up, down = list(at), list(at)
            up[i] += step
            down[i] -= step
            slopes = zip(oracle.slopes(*up), oracle.slopes(*down), strict=True)
            columns.append([(above - below) / (2 * step) for above, below in slopes])
        return [[columns[j][i] for j in range(len(free))] for i in free]


def free_operands(primitive: Primitive, count: int) -> list[int]:
    """The operands, of so many, that have a derivative."""
    fixed = fixed_operands(primitive, count)
    return [i for i in range(count) if i not in fixed]


def ulps(got: float, want: mpf, scale: float | None = None) -> float:
    """How far `got` is from the exact value, in units of the last place of it (or of the largest term, `scale`)."""
    with mp.workdps(DIGITS_OF_DIFFERENCES):
        unit = math.ulp(float(want)) if scale is None else math.ulp(max(abs(float(want)), scale))
        return float(mpmath.fabs(mpf(got) - want) / unit)


def points(primitive: Primitive, count: int) -> list[list[float]]:
    """Operands from a primitive's domain: even, small, at the ends; lists of several lengths for an n-ary one."""
    rng = random.Random(primitive.name)

    def draw(low: float, high: float) -> float:
        way = rng.random()
        if way < 0.6 or (low * high > 0 and way < 0.8):
            return rng.uniform(low, high)
        if way < 0.95:  # by magnitude: tails and neighbourhoods of 0 that an even draw never meets
            small = max(low, 1e-12) if low > 0 else 1e-12
            x = math.exp(rng.uniform(math.log(small), math.log(max(abs(high), small * 2))))
            return max(-x, low) if low < 0 and rng.random() < 0.5 else min(x, high)
        return rng.choice((low, high))

    result = []
    for i in range(count):
        if primitive.arity is not None:
            result.append([draw(*bounds) for bounds in primitive.domain])
            continue
        n = (1, 2, 5)[i % 3]
        xs = [draw(*bounds) for bounds in primitive.domain for _ in range(n)]
        result.append([*xs, float(rng.randrange(n))] if primitive.takes_index else xs)
    return result
