"""Every primitive, declared once.

A row states what there is to know of a primitive: its name, its formula, its local derivatives (one an operand, in
terms of the operands `x`, `y`, `z` and the result `out`), what it is, the domain that tests draw from, and its error
bound. The methods of `Value`, the functions of `autograd.functions`, the eager path, higher derivatives, the gradient
check and the table in the docs all follow from the row. To add a primitive, add a row and run `make generate`.

The formulas are Python expressions in the small grammar of `autograd.primitives.formulas`, evaluated in IEEE arithmetic
(`autograd.primitives.ieee`). They keep their accuracy in the tails (the derivative of tanh is not `1 - out*out`, which
cancels), and follow the conventions of the docs at kinks and singularities: the minimum-norm subgradient at a kink, nan
outside the domain and for nan. `x + 0` turns -0.0 into 0.0 where a zero's sign would choose the wrong infinity.

Bounds are in ulp (value, derivatives, second derivatives), against arithmetic of many digits; `tools/accuracy.py`
measures them. Second derivatives are those that `hessian` gives for a node of the row alone, in ulp of the largest
entry of the Hessian. Where a sum inside may cancel, `value_scale`, `derivative_scale` or `curvature_scale` gives the
size of its terms, and the bound is in ulp of that. Half an ulp is IEEE's promise; the 4 leaves room for the C
libraries, whose functions differ by an ulp or two.
Bounds are for at most 8 operands where the number is open and no scale is given, and for normal floats: what underflows
keeps the bits that subnormal numbers have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd.primitives.primitive import PRIMITIVES, Domain, Primitive, coded

__all__ = []


def _row(name: str, forward: str, *derivatives: str, about: str, **rest: Any) -> Primitive:
    primitive = PRIMITIVES[name] = coded(Primitive(name, forward, derivatives, about, **rest))
    return primitive


def _list_row(
    name: str, arguments: tuple[str, ...], value: str, *derivatives: str, parts: tuple[str, ...] = (), **rest: Any
) -> Primitive:
    primitive = Primitive(name, value, derivatives, arguments=arguments, parts=parts, **rest)
    PRIMITIVES[name] = coded(primitive)
    return primitive


def _partial_sums(terms: Sequence[float]) -> float:
    """The sizes of the terms and of their partial sums, added up: a left fold errs by at most half an ulp of that."""
    size = abs(terms[0])
    partial = terms[0]
    for i in range(1, len(terms)):
        partial += terms[i]
        size += abs(terms[i]) + abs(partial)
    return size


def _products(xs: Sequence[float]) -> list[float]:
    """The products of a list and a second one behind it."""
    n = len(xs) // 2
    return [xs[i] * xs[n + i] for i in range(n)]


def _share_slope(operands: Sequence[float]) -> float:
    """p(1 - p) of the share p that softmax gives the element at the index."""
    xs, index = operands[:-1], int(operands[-1])
    shares = [math.exp(x - max(xs)) for x in xs]
    total = math.fsum(shares)
    return shares[index] / total * (math.fsum(shares[:index] + shares[index + 1 :]) / total)


_PAIR: Domain = ((-4, 4), (-4, 4))
_STEP = "0 if x == x else nan"  # the derivative of a step function

# fmt: off
# -- arithmetic ----------------------------------------------------------------------------------------------------
ADD = _row("add", "x + y", "1", "1", symbol="+", domain=_PAIR, ulp=(0.5, 0, 0), about="x + y")
SUBTRACT = _row("subtract", "x - y", "1", "-1", symbol="-", glyph="−", domain=_PAIR, ulp=(0.5, 0, 0),
    about="x - y")
MULTIPLY = _row("multiply", "x * y", "y", "x", symbol="*", glyph="×", domain=_PAIR, ulp=(0.5, 0, 0),
    about="x · y")
DIVIDE = _row("divide", "x / y", "1/y", "-out/y", symbol="/", domain=((-4, 4), (0.1, 4)), ulp=(0.5, 2, 4),
    about="x / y")
MODULO = _row("modulo", "modulo(x, y)", "1 if out == out else nan",
    "1 if abs(out) == inf else -round((x - out)/y)",  # infinite where y is, of the other sign than x: x + y
    symbol="%", domain=((-40, 40), (0.1, 4)), ulp=(0.5, 0, 0), about="x modulo y, with the sign of y")
# A negative number has no power that is not whole, and -inf none either, though C's pow gives inf there.
# where y - 1 rounds, power would multiply that by log x: x**y / x does not
POWER = _row("power",
    "power(x, y) if x == x and y == y and (x != -inf or floor(y) == y) else nan",
    "(multiply_no_nan(y, power(x, y - 1)) if y - 1 + 1 == y or x == 0 or abs(x) == inf else y*out/x)"
    " if out == out else nan",
    "multiply_no_nan(out, log(x)) if x > 0 and out == out"
    " else ((0 if y >= 0 else (-inf if y < 0 else nan)) if x == 0 else nan)",
    symbol="**", domain=((0.1, 4), (-4, 4)), about="x to the power y")
POWER_CONSTANT = _row("power_constant",
    "x * x if y == 2 else (power(x, y) if x == x and y == y and (x != -inf or floor(y) == y) else nan)",
    "2 * x if y == 2 else ((multiply_no_nan(y, power(x, y - 1)) if y - 1 + 1 == y or x == 0 or abs(x) == inf"
    " else y*out/x) if out == out else nan)",
    "0",  # the exponent is a number
    symbol="**", domain=((0.1, 4), (-4, 4)), about="x to a power y that is a number")
NEGATE = _row("negate", "-x", "-1", symbol="neg", ulp=(0, 0, 0), about="-x")
ABS = _row("abs",
    "x if x > 0 else (-x if x < 0 else x + 0)", "1 if x > 0 else (-1 if x < 0 else (0 if x == 0 else nan))",
    ulp=(0, 0, 0), about="Absolute value |x|, with derivative 0 at 0")
IDENTITY = _row("identity", "x", "1", internal=True, ulp=(0, 0, 0), about="x itself, as a node of its own")
# The zero rule: an upstream gradient times a local derivative is zero where either is, whatever the other. This is what
# backward does with numbers and what higher derivatives record.
MULTIPLY_NO_NAN = _row("multiply_no_nan", "x * y if x != 0 and y != 0 else 0", "y", "x", symbol="*", glyph="×",
    internal=True, domain=_PAIR, ulp=(0.5, 0, 0), about="x · y, and 0 where either is 0")

# -- exponentials and logarithms -----------------------------------------------------------------------------------
EXP = _row("exp", "exp(x)", "out", domain=((-700, 700),), about="Exponential, e to the power x")
EXP_DIFFERENCE = _row("exp_difference", "exp_difference(x, y)", "out", "-out", internal=True,
    domain=((-300, 300), (-300, 300)), about="exp(x - y), with what the subtraction rounds off")
EXP2 = _row("exp2", "exp2(x)", "out*ln2", domain=((-1000, 1000),), about="2 to the power x")
EXPM1 = _row("expm1", "expm1(x)", "exp(x)", domain=((-30, 700),), about="exp(x) - 1, accurate near 0")
LOG = _row("log", "log(x)", "1/(x + 0) if x >= 0 else nan", domain=((1e-300, 1e3),), about="Natural logarithm of x")
LOG2 = _row("log2", "log2(x)", "1/((x + 0)*ln2) if x >= 0 else nan", domain=((1e-300, 1e3),),
    about="Logarithm of x to base 2")
LOG10 = _row("log10", "log10(x)", "1/((x + 0)*ln10) if x >= 0 else nan", domain=((1e-300, 1e3),),
    about="Logarithm of x to base 10")
LOG1P = _row("log1p", "log1p(x)", "1/(1 + x) if x >= -1 else nan", domain=((-0.999, 1e3),),
    about="log(1 + x), accurate near 0")

# -- roots and distances -------------------------------------------------------------------------------------------
SQRT = _row("sqrt", "sqrt(x + 0)", "0.5/out", domain=((1e-300, 1e3),), ulp=(0.5, 2, 6), about="Square root of x")
CBRT = _row("cbrt", "cbrt(x)", "cbrt_slope(x)", domain=((1e-3, 1e3),), about="Cube root of x")
# the quotients in this order: x·x would underflow
CBRT_SLOPE = _row("cbrt_slope", "(c := cbrt(x))/x/3 if x != 0 and abs(x) < inf else 1/(3*(d := cbrt(x))*d)",
    "-2*out/(x + 0)/3", internal=True, domain=((1e-3, 1e3),), about="The derivative of cbrt")
HYPOT = _row("hypot", "hypot(x, y) if x == x and y == y else nan",
    "(x/out if out < inf else 0.5*x/hypot(0.5*x, 0.5*y)) if out != 0 else 0",
    "(y/out if out < inf else 0.5*y/hypot(0.5*x, 0.5*y)) if out != 0 else 0", domain=_PAIR,
    about="Distance sqrt(x*x + y*y)")

# -- trigonometry --------------------------------------------------------------------------------------------------
SIN = _row("sin", "sin(x)", "cos(x)", domain=((-100, 100),), about="Sine of x radians")
COS = _row("cos", "cos(x)", "-sin(x)", domain=((-100, 100),), about="Cosine of x radians")
TAN = _row("tan", "tan(x)", "1 + out*out", domain=((-1.57, 1.57),), about="Tangent of x radians")
ASIN = _row("asin", "asin(x)", "asin_slope(x)", domain=((-1, 1),), about="Arc sine of x, in radians")
ASIN_SLOPE = _row("asin_slope", "1/sqrt((1 - x)*(1 + x))", "x*out*out*out", internal=True, domain=((-0.999, 0.999),),
    about="The derivative of asin")
ACOS = _row("acos", "acos(x)", "-asin_slope(x)", domain=((-1, 1),), about="Arc cosine of x, in radians")
ATAN = _row("atan", "atan(x)", "1/(1 + x*x) if abs(x) < 1e8 else 1/x/x", domain=((-1e3, 1e3),),
    about="Arc tangent of x, in radians")
ATAN2 = _row("atan2", "atan2(x, y)",
    "y/h/h if (h := hypot(x, y)) != 0 else 0", "-x/h/h if (h := hypot(x, y)) != 0 else 0",
    arguments=("y", "x"), domain=_PAIR, about="Angle of the point (x, y), in radians")

# -- hyperbolic functions ------------------------------------------------------------------------------------------
SINH = _row("sinh", "sinh(x)", "cosh(x)", domain=((-700, 700),), about="Hyperbolic sine of x")
COSH = _row("cosh", "cosh(x)", "sinh(x)", domain=((-700, 700),), about="Hyperbolic cosine of x")
TANH = _row("tanh", "tanh(x)", "sech2(x)", domain=((-300, 300),), about="Hyperbolic tangent of x")
SECH2 = _row("sech2", "4*(e := exp(-2*abs(x)))/((1 + e)*(1 + e))", "-2*tanh(x)*out", internal=True,
    domain=((-300, 300),), curvature_scale=lambda xs: 4 * PRIMITIVES["sech2"].forward(xs[0]),
    about="1/cosh(x)², the derivative of tanh")
ASINH = _row("asinh", "asinh(x)", "1/hypot(1, x)", domain=((-1e3, 1e3),), about="Inverse hyperbolic sine of x")
ACOSH = _row("acosh", "acosh(x)", "1/(sqrt(x - 1)*sqrt(x + 1))", domain=((1.0001, 1e3),), example=(2.0,),
    about="Inverse hyperbolic cosine of x")
ATANH = _row("atanh", "atanh(x)", "atanh_slope(x)", domain=((-0.999, 0.999),), about="Inverse hyperbolic tangent of x")
ATANH_SLOPE = _row("atanh_slope", "1/((1 - x)*(1 + x)) if abs(x) <= 1 else nan", "2*x*out*out", internal=True,
    domain=((-0.999, 0.999),), about="The derivative of atanh")

# -- the normal distribution ---------------------------------------------------------------------------------------
# exp(-x²) loses as many bits as x² has before its point; a part of x whose square is exact goes first.
GAUSSIAN = _row("gaussian",
    "exp(-h*h)*exp((h - x)*(h + x)) if abs(h := floor(1048576*x)/1048576) < 28 else (0 if x == x else nan)",
    "-2*multiply_no_nan(x, out)", internal=True, domain=((-26, 26),), about="exp(-x²)",
    curvature_scale=lambda xs: (2 + 4 * xs[0] * xs[0]) * PRIMITIVES["gaussian"].forward(xs[0]))
ERF = _row("erf", "erf(x)", "1.1283791670955126*gaussian(x)", domain=((-26, 26),), about="Error function of x")
ERFC = _row("erfc", "erfc(x)", "-1.1283791670955126*gaussian(x)", domain=((-26, 26),), ulp=(5, 8, 16),
    about="1 - erf(x), accurate where erf(x) is near 1")
NORMAL_PDF = _row("normal_pdf",
    "0.3989422804014327*exp(-h*h/2)*exp((h - x)*(h + x)/2)"
    " if abs(h := floor(1048576*x)/1048576) < 39 else (0 if x == x else nan)",
    "-multiply_no_nan(x, out)", internal=True, domain=((-37, 37),), about="exp(-x²/2)/sqrt(2π)",
    curvature_scale=lambda xs: (1 + xs[0] * xs[0]) * PRIMITIVES["normal_pdf"].forward(xs[0]))
# erfc(-x/sqrt(2))/2 with the rounding of x/sqrt(2), which erfc would multiply by x², put right to first order
NORMAL_CDF = _row("normal_cdf",
    "0.5*(erfc(z := -0.7071067811865476*x) + ((z + 0.7071067690849304*(h := floor(1048576*x)/1048576))"
    " + (1.210161710447897e-08*h + 0.7071067811865476*(x - h)))*1.1283791670955126*gaussian(z))"
    " if abs(x) < 39 else (1 if x > 0 else (0 if x < 0 else nan))",
    "normal_pdf(x)", internal=True, domain=((-37, 37),), about="Share of the normal distribution below x")

# -- steps and choices ---------------------------------------------------------------------------------------------
FLOOR = _row("floor", "floor(x)", _STEP, domain=((-40, 40),), ulp=(0, 0, 0), about="Largest whole number not above x")
CEIL = _row("ceil", "ceil(x)", _STEP, domain=((-40, 40),), ulp=(0, 0, 0), about="Smallest whole number not below x")
ROUND = _row("round", "round(x)", _STEP, domain=((-40, 40),), ulp=(0, 0, 0),
    about="Nearest whole number, halves to even")
SIGN = _row("sign", "1 if x > 0 else (-1 if x < 0 else (0 if x == 0 else nan))", _STEP, ulp=(0, 0, 0),
    about="-1, 0 or 1, as x is negative, zero or positive")
MAXIMUM = _row("maximum", "x if x >= y else (y if y > x else nan)",
    "1 if x > y else (0.5 if x == y else (0 if x < y else nan))",
    "1 if y > x else (0.5 if x == y else (0 if y < x else nan))",
    domain=_PAIR, ulp=(0, 0, 0), about="The larger of x and y; each has derivative 1/2 at a tie")
MINIMUM = _row("minimum", "x if x <= y else (y if y < x else nan)",
    "1 if x < y else (0.5 if x == y else (0 if x > y else nan))",
    "1 if y < x else (0.5 if x == y else (0 if y > x else nan))",
    domain=_PAIR, ulp=(0, 0, 0), about="The smaller of x and y; each has derivative 1/2 at a tie")
CLIP = _row("clip",
    "(z if x > z or y > z else (y if x < y else x)) if y == y and z == z else nan",
    "1 if y < x and x < z else (0 if x == x and y == y and z == z else nan)",
    "1 if x < y and y <= z else (0 if x == x and y == y and z == z else nan)",
    "1 if x > z or y > z else (0 if x == x and y == y and z == z else nan)",
    arguments=("x", "low", "high"), domain=((-4, 4), (-2, -0.5), (0.5, 2)), ulp=(0, 0, 0),
    about="x, or the bound it is beyond; derivative 0 at a bound")
WHERE = _row("where", "y if x != 0 else z", "0", "1 if x != 0 else 0", "0 if x != 0 else 1",
    arguments=("condition", "a", "b"), domain=((0, 1), *_PAIR), ulp=(0, 0, 0),
    about="a where the condition holds, else b")

# what a recorded comparison is on a tape, where nan compares as in IEEE, and a node at which gradients stop
LESS = _row("less", "1 if x < y else 0", "0", "0", symbol="<", internal=True, domain=_PAIR, ulp=(0, 0, 0),
    about="1 where x < y, else 0")
LESS_OR_EQUAL = _row("less_or_equal", "1 if x <= y else 0", "0", "0", symbol="<=", glyph="≤", internal=True,
    domain=_PAIR, ulp=(0, 0, 0), about="1 where x <= y, else 0")
EQUAL = _row("equal", "1 if x == y else 0", "0", "0", symbol="==", glyph="=", internal=True,
    domain=_PAIR, ulp=(0, 0, 0), about="1 where x == y, else 0")
NOT_EQUAL = _row("not_equal", "1 if x != y else 0", "0", "0", symbol="!=", glyph="≠", internal=True,
    domain=_PAIR, ulp=(0, 0, 0), about="1 where x != y, else 0")
DETACH = _row("detach", "x", "0", internal=True, ulp=(0, 0, 0), about="x, without a gradient")

# -- activations ---------------------------------------------------------------------------------------------------
SIGMOID = _row("sigmoid", "1/(1 + exp(-x)) if x >= 0 else (e := exp(x))/(1 + e)", "sigmoid_slope(x)",
    domain=((-700, 700),), about="Logistic function 1/(1 + exp(-x))")
SIGMOID_SLOPE = _row("sigmoid_slope", "(e := exp(-abs(x)))/((1 + e)*(1 + e))", "-out*tanh(x/2)", internal=True,
    domain=((-700, 700),), curvature_scale=lambda xs: PRIMITIVES["sigmoid_slope"].forward(xs[0]),
    about="The derivative of sigmoid")
LOGSIGMOID = _row("logsigmoid", "-log1p(exp(-x)) if x >= 0 else x - log1p(exp(x))", "sigmoid(-x)",
    domain=((-700, 700),), about="log(sigmoid(x)), without overflow")
SOFTPLUS = _row("softplus", "x + log1p(exp(-x)) if x > 0 else log1p(exp(x))", "sigmoid(x)", domain=((-700, 700),),
    about="log(1 + exp(x)), without overflow")
RELU = _row("relu", "x if x > 0 else (0 if x <= 0 else nan)", "1 if x > 0 else (0 if x <= 0 else nan)", ulp=(0, 0, 0),
    about="Rectifier max(x, 0), with derivative 0 at 0")
LEAKY_RELU = _row("leaky_relu", "x if x > 0 else 0.01*x", "1 if x > 0 else (0.01 if x <= 0 else nan)",
    ulp=(0.5, 0, 0), about="x where it is positive, else 0.01·x; derivative 0.01 at 0")
ELU = _row("elu", "x if x > 0 else expm1(x)", "1 if x > 0 else exp(x)", domain=((-30, 30),),
    about="x where it is positive, else exp(x) - 1")
GELU = _row("gelu", "multiply_no_nan(x, normal_cdf(x))", "normal_cdf(x) + multiply_no_nan(x, normal_pdf(x))",
    domain=((-37, 37),), derivative_scale=lambda xs: 0.4 * abs(xs[0]) * math.exp(-xs[0] * xs[0] / 2),
    curvature_scale=lambda xs: (2 + xs[0] * xs[0]) * PRIMITIVES["normal_pdf"].forward(xs[0]),
    about="x times the share of the normal distribution below x")
SILU = _row("silu", "multiply_no_nan(x, sigmoid(x))",
    "multiply_no_nan(sigmoid(x), 1 + multiply_no_nan(x, sigmoid(-x)))",
    domain=((-700, 700),), derivative_scale=lambda xs: (1 + abs(xs[0])) * math.exp(min(xs[0], 0)),
    curvature_scale=lambda xs: (2 + abs(xs[0])) * PRIMITIVES["sigmoid_slope"].forward(xs[0]),
    about="x times sigmoid(x)")
# the same functions with a number of one's own; a Value has its derivative too
LEAKY_RELU_SLOPE = _row("leaky_relu_slope",
    "(x if x > 0 else (y*x if y != 0 else 0)) if x == x and y == y else nan",
    "(1 if x > 0 else y) if x == x and y == y else nan", "(0 if x > 0 else x) if x == x and y == y else nan",
    symbol="leaky_relu", extends="leaky_relu", default=0.01, arguments=("x", "slope"),
    domain=((-4, 4), (0.001, 0.5)), ulp=(0.5, 0, 0),
    about="x where it is positive, else slope·x; derivative slope at 0")
ELU_ALPHA = _row("elu_alpha",
    "(x if x > 0 else (y*expm1(x) if y != 0 else 0)) if x == x and y == y else nan",
    "(1 if x > 0 else y*exp(x)) if x == x and y == y else nan",
    "(0 if x > 0 else expm1(x)) if x == x and y == y else nan",
    symbol="elu", extends="elu", default=1.0, arguments=("x", "alpha"), domain=((-30, 30), (0.1, 3)),
    about="x where it is positive, else alpha·(exp(x) - 1); derivative alpha at 0")
# fmt: on


# fmt: off
# -- functions of lists --------------------------------------------------------------------------------------------
SUM = _list_row("sum", ("xs",), "sum(xs)", "1", ulp=(1, 0, 0), value_scale=_partial_sums, of_nothing=0.0,
    about="x0 + x1 + ..., added from the left", example=((1.0, 2.0, 4.0),))
MEAN = _list_row("mean", ("xs",), "sum(xs)/n", "1/n",
    ulp=(1.5, 0.5, 0), value_scale=lambda xs: _partial_sums(xs) / len(xs),
    about="(x0 + x1 + ...) / n, added from the left", example=((1.0, 2.0, 6.0, 3.0),))
DOT = _list_row("dot", ("xs", "ys"), "sum(xs[i]*ys[i] for i in range(n))", "ys[i]", "xs[i]",
    domain=_PAIR, ulp=(1, 0, 0), value_scale=lambda xs: _partial_sums(_products(xs)), of_nothing=0.0,
    about="x0·y0 + x1·y1 + ..., added from the left", example=((1.0, 2.0), (3.0, 4.0)))
PROD = _list_row("prod", ("xs",), "prod(xs)", "multiply_no_nan(before[i], behind[i])",
    parts=("before = products_before(xs)", "behind = products_behind(xs)"), ulp=(7, 8, 16), of_nothing=1.0,
    about="x0 · x1 · ..., multiplied from the left", example=((2.0, 0.0, 3.0),),
    details="The derivative by an operand is the product of the others, and 0 where one of these is 0.")
TAKE = _list_row("take", ("xs", "index"), "xs[index]", "1 if i == index else 0", ulp=(0, 0, 0), of_nothing=IndexError,
    about="The value that stands at an index", example=((2.0, 5.0), 1))
LOGSUMEXP = _list_row("logsumexp", ("xs",), "xs[top] + log1p(others)",
    "nan if out != out else (0 if xs[top] == -inf else e[i]/total)",
    parts=(
        "top = argmax(xs)",  # exp(x - largest): nothing overflows, the largest is exactly 1
        "e = [1 if i == top else exp_difference(xs[i], xs[top]) for i in range(n)]",  # a constant: see the Hessian
        "others = sum(e[i] for i in range(n) if i != top)",
        "total = 1 + others",
    ),
    value_scale=lambda xs: max(map(abs, xs)) + math.log(len(xs)),
    about="log(exp(x0) + exp(x1) + ...), without overflow", example=((1000.0, 1000.0),),
    details="The local derivatives are the softmax of the operands.")
# softmax - 1 cancels where the right class is near certain, and the others' share does not; where they have half or
# more, the second derivatives of that share cancel, and those of softmax - 1 do not
SOFTMAX_CROSS_ENTROPY = _list_row("softmax_cross_entropy", ("logits", "index"),
    "log1p(others) + (logits[top] - logits[index])",
    "nan if out != out else ((-(missed/total) if missed < 1 else e[index]/total - 1) if i == index else e[i]/total)",
    parts=(
        "top = argmax(logits)",
        "e = [1 if i == top else exp_difference(logits[i], logits[top]) for i in range(n)]",
        "others = sum(e[i] for i in range(n) if i != top)",
        "total = 1 + others",
        "missed = sum(e[i] for i in range(n) if i != index)",
    ),
    about="-log(softmax(logits)[index]), without overflow", example=((2.0, 0.0, 1.0), 0),
    details="The logits are unnormalised log probabilities, one per class, and the index is the right class.")
MAXIMUM_OF = _list_row("maximum_of", ("xs",), "xs[top] if nans == 0 else nan",
    "(1/ties if xs[i] == xs[top] else 0) if nans == 0 else nan",
    parts=(
        "top = argmax(xs)",
        "ties = sum(1 for i in range(n) if xs[i] == xs[top])",
        "nans = sum(1 for i in range(n) if xs[i] != xs[i])",
    ),
    symbol="maximum", extends="maximum", ulp=(0, 0.5, 0),
    about="The largest of any number; at a tie all that are largest have equal derivatives, of sum 1")
MINIMUM_OF = _list_row("minimum_of", ("xs",), "xs[low] if nans == 0 else nan",
    "(1/ties if xs[i] == xs[low] else 0) if nans == 0 else nan",
    parts=(
        "negated = [-xs[i] for i in range(n)]",
        "low = argmax(negated)",
        "ties = sum(1 for i in range(n) if xs[i] == xs[low])",
        "nans = sum(1 for i in range(n) if xs[i] != xs[i])",
    ),
    symbol="minimum", extends="minimum", ulp=(0, 0.5, 0),
    about="The smallest of any number; at a tie all that are smallest have equal derivatives, of sum 1")
# 1 - softmax cancels where one is near certain: the others' share does not
SOFTMAX = _list_row("softmax", ("xs", "index"), "e[index]/total if xs[top] == xs[top] else nan",
    "nan if out != out else (out*(missed/total) if i == index else -out*(e[i]/total))",
    parts=(
        "top = argmax(xs)",
        "e = [1 if i == top else exp_difference(xs[i], xs[top]) for i in range(n)]",
        "total = 1 + sum(e[i] for i in range(n) if i != top)",
        "missed = sum(e[i] for i in range(n) if i != index)",
    ),
    internal=True, curvature_scale=_share_slope,
    about="exp(x) of the element at an index, divided by the sum of all exp(x)")
# fmt: on
