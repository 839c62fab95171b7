"""Every primitive, declared once.

A row states what there is to know of a primitive: its name, its formula, its local derivatives (one an operand, in
terms of the operands `x`, `y`, `z` and the result `out`), what it is, the domain that tests draw from, and its error
bound. The methods of `Value`, the functions of `autograd.functions`, the eager path, higher derivatives, the gradient
check and the table in the docs all follow from the row. To add a primitive, add a row and run `make generate`.

The formulas are Python expressions in the small grammar of `autograd.formulas`, evaluated in IEEE arithmetic
(`autograd.ieee`). They keep their accuracy in the tails (the derivative of tanh is not `1 - out*out`, which cancels),
and follow the conventions of the docs at kinks and singularities: the minimum-norm subgradient at a kink, nan outside
the domain and for nan. `x + 0` turns -0.0 into 0.0 where a zero's sign would choose the wrong infinity.

Bounds are in ulp (value, derivatives), against arithmetic of hundreds of digits. Where a sum inside may cancel,
`value_scale` or `derivative_scale` gives the largest term of the exact sum, and the bound is in ulp of that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd import formulas, ieee

__all__ = ["PRIMITIVES", "Primitive", "glyph"]

Domain = tuple[tuple[float, float], ...]
Scale = Callable[..., float]

_NAMESPACE = vars(ieee)


class Primitive:
    """One differentiable function: a row of the table below.

    Attributes:
        name: its name as a function, `"exp"`, `"multiply"`.
        symbol: `Value.op` of its nodes, `"exp"`, `"*"`.
        glyph: its sign in pictures, `"exp"`, `"×"`.
        arity: the number of operands; None where it takes any number.
        forward: `(x, ...) -> out` on floats; an n-ary one takes one sequence.
        evaluate: `(x, ...) -> (out, local derivatives)` on floats; an n-ary one takes one sequence.

    >>> PRIMITIVES["multiply"].evaluate(3.0, 4.0)
    (12.0, (4.0, 3.0))
    """

    __slots__ = (
        "about",
        "arguments",
        "arity",
        "derivative_formulas",
        "domain",
        "evaluate",
        "example",
        "forward",
        "forward_formula",
        "glyph",
        "name",
        "derivative_scale",
        "symbol",
        "ulp",
        "value_scale",
    )

    forward: Callable[..., float]
    evaluate: Callable[..., tuple[float, tuple[float, ...]]]

    def __init__(
        self,
        name: str,
        forward: str | Callable[..., Any],
        derivatives: tuple[str, ...] | Callable[..., Any],
        about: str,
        *,
        symbol: str | None = None,
        glyph: str | None = None,
        domain: Domain = ((-4.0, 4.0),),
        ulp: tuple[float, float] = (4, 8),
        value_scale: Scale | None = None,
        derivative_scale: Scale | None = None,
        arguments: tuple[str, ...] | None = None,
        example: tuple[float, ...] | None = None,
    ) -> None:
        self.name = name
        self.symbol = name if symbol is None else symbol
        self.glyph = self.symbol if glyph is None else glyph
        self.arity = len(derivatives) if isinstance(derivatives, tuple) else None
        self.forward_formula = forward
        self.derivative_formulas = derivatives
        self.about = about
        self.domain = domain
        self.ulp = ulp
        self.value_scale = value_scale
        self.derivative_scale = derivative_scale
        self.arguments = arguments or formulas.OPERAND_NAMES[: self.arity or 0]
        self.example = example

    def __getattr__(self, attribute: str) -> Any:
        # Formulas are compiled when first used: an import should not pay for 50 primitives of which 5 are needed.
        if attribute not in ("forward", "evaluate"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")
        self._compile()
        return getattr(self, attribute)

    def _compile(self) -> None:
        forward, derivatives = self.forward_formula, self.derivative_formulas
        if isinstance(forward, str) and isinstance(derivatives, tuple):
            self.forward = formulas.compile_forward(self.name, len(derivatives), forward, _NAMESPACE)
            self.evaluate = formulas.compile_evaluation(self.name, forward, derivatives, _NAMESPACE)
        elif callable(forward) and callable(derivatives):
            value, local = forward, derivatives

            def evaluate(xs: Sequence[float]) -> tuple[float, tuple[float, ...]]:
                out = value(ieee, xs)
                return out, tuple(local(ieee, xs, out))

            self.forward = lambda xs: value(ieee, xs)
            self.evaluate = evaluate

    def __repr__(self) -> str:
        return f"<primitive {self.name} {self.symbol!r}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return _by_name, (self.name,)


PRIMITIVES: dict[str, Primitive] = {}
"""All primitives by name, in the order of the table."""


def _by_name(name: str) -> Primitive:
    return PRIMITIVES[name]


def _row(name: str, forward: str, *derivatives: str, about: str, **rest: Any) -> Primitive:
    primitive = PRIMITIVES[name] = Primitive(name, forward, derivatives, about, **rest)
    return primitive


def glyph(symbol: str) -> str:
    """The sign of an op in pictures.

    >>> glyph("*"), glyph("tanh")
    ('×', 'tanh')
    """
    return _GLYPHS.get(symbol, symbol)


_PAIR: Domain = ((-4.0, 4.0), (-4.0, 4.0))

# fmt: off
# -- arithmetic ----------------------------------------------------------------------------------------------------
ADD = _row("add", "x + y", "1", "1", symbol="+", domain=_PAIR, about="x + y")
SUBTRACT = _row("subtract", "x - y", "1", "-1", symbol="-", glyph="−", domain=_PAIR, about="x - y")
MULTIPLY = _row("multiply", "x * y", "y", "x", symbol="*", glyph="×", domain=_PAIR, about="x · y")
DIVIDE = _row("divide", "x / y", "1/y", "-out/y", symbol="/", domain=((-4.0, 4.0), (0.1, 4.0)), about="x / y")
POWER = _row("power",
    "power(x, y) if x == x and y == y else nan",
    "y * power(x, y - 1) if y != 0 else 0",
    "(out*log(x) if out != 0 else 0) if x > 0 else ((0 if y >= 0 else (-inf if y < 0 else nan)) if x == 0 else nan)",
    symbol="**", domain=((0.1, 4.0), (-4.0, 4.0)), about="x to the power y")
POWER_CONSTANT = _row("power_constant",
    "x * x if y == 2 else (power(x, y) if x == x and y == y else nan)",
    "2 * x if y == 2 else (y * power(x, y - 1) if y != 0 else (0 if x == x else nan))",
    "0",  # the exponent is a number
    symbol="**", domain=((0.1, 4.0), (-4.0, 4.0)), about="x to a power y that is a number")
NEGATE = _row("negate", "-x", "-1", symbol="neg", about="-x")
ABS = _row("abs",
    "x if x > 0 else (-x if x < 0 else x + 0)", "1 if x > 0 else (-1 if x < 0 else (0 if x == 0 else nan))",
    about="Absolute value |x|, with derivative 0 at 0")

# -- exponentials, logarithms and roots ----------------------------------------------------------------------------
EXP = _row("exp", "exp(x)", "out", domain=((-700.0, 700.0),), about="Exponential, e to the power x")
LOG = _row("log", "log(x)", "1/(x + 0) if x >= 0 else nan", domain=((1e-300, 1e3),), about="Natural logarithm of x")
SQRT = _row("sqrt", "sqrt(x + 0)", "0.5/out", domain=((1e-300, 1e3),), about="Square root of x")

# -- trigonometry --------------------------------------------------------------------------------------------------
SIN = _row("sin", "sin(x)", "cos(x)", domain=((-100.0, 100.0),), about="Sine of x radians")
COS = _row("cos", "cos(x)", "-sin(x)", domain=((-100.0, 100.0),), about="Cosine of x radians")

# -- activations ---------------------------------------------------------------------------------------------------
TANH = _row("tanh", "tanh(x)", "4*(e := exp(-2*abs(x)))/((1 + e)*(1 + e))", domain=((-300.0, 300.0),),
    about="Hyperbolic tangent of x")
SIGMOID = _row("sigmoid",
    "1/(1 + exp(-x)) if x >= 0 else (e := exp(x))/(1 + e)",
    "(e := exp(-abs(x)))/((1 + e)*(1 + e))",
    domain=((-700.0, 700.0),), about="Logistic function 1/(1 + exp(-x))")
RELU = _row("relu", "x if x > 0 else (0 if x <= 0 else nan)", "1 if x > 0 else (0 if x <= 0 else nan)",
    about="Rectifier max(x, 0), with derivative 0 at 0")
# fmt: on


# -- of any number of operands -------------------------------------------------------------------------------------
# The result and the local derivatives are functions of the list of operands; `m` is the arithmetic they are worked
# out in. Sums are left folds that start with the first term: the order of additions is part of the promise.
def _fold_row(name: str, forward: Callable[..., Any], derivatives: Callable[..., Any], **rest: Any) -> Primitive:
    primitive = PRIMITIVES[name] = Primitive(name, forward, derivatives, **rest)
    return primitive


def _left_fold(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for i in range(1, len(terms)):
        total = total + terms[i]
    return total


def _dot(m: Any, xs: Sequence[Any]) -> Any:  # x0, x1, ..., y0, y1, ...
    n = len(xs) // 2
    return _left_fold([xs[i] * xs[n + i] for i in range(n)])


def _exps_below_largest(m: Any, xs: Sequence[Any]) -> tuple[int, list[Any]]:
    """The index of the largest x, and exp(x - largest) of each: nothing overflows, the largest is exactly 1."""
    top = 0
    for i in range(1, len(xs)):
        if xs[i] > xs[top]:
            top = i
    # inf - inf is nan, but an infinity stands 0 below itself
    return top, [m.exp(x - xs[top] if x != xs[top] else 0.0) for x in xs]


def _sum_but(terms: Sequence[Any], left_out: int) -> Any:
    others = [terms[i] for i in range(len(terms)) if i != left_out]
    return _left_fold(others) if others else 0.0


def _logsumexp(m: Any, xs: Sequence[Any]) -> Any:
    top, exps = _exps_below_largest(m, xs)
    return xs[top] + m.log1p(_sum_but(exps, top))


def _softmax(m: Any, xs: Sequence[Any], out: Any) -> list[Any]:
    top, exps = _exps_below_largest(m, xs)
    if xs[top] == -ieee.inf:
        return [0.0] * len(xs)
    total = 1.0 + _sum_but(exps, top)
    return [e / total for e in exps]


def _cross_entropy(m: Any, xs: Sequence[Any]) -> Any:  # logit 0, logit 1, ..., index
    *logits, index = xs
    top, exps = _exps_below_largest(m, logits)
    return m.log1p(_sum_but(exps, top)) + (logits[top] - logits[int(index)])


def _cross_entropy_derivatives(m: Any, xs: Sequence[Any], out: Any) -> list[Any]:
    *logits, index = xs
    if out != out:
        return [ieee.nan] * len(logits) + [0.0]
    top, exps = _exps_below_largest(m, logits)
    total = 1.0 + _sum_but(exps, top)
    gradient = [e / total for e in exps]
    # softmax - 1 cancels where the right class is near certain: the others' share does not
    gradient[int(index)] = -(_sum_but(exps, int(index)) / total)
    return [*gradient, 0.0]


# fmt: off
SUM = _fold_row("sum", lambda m, xs: _left_fold(xs), lambda m, xs, out: [1.0] * len(xs),
    value_scale=lambda xs: max(map(abs, xs)), about="x0 + x1 + ..., added from the left")
MEAN = _fold_row("mean", lambda m, xs: _left_fold(xs) / len(xs), lambda m, xs, out: [1.0 / len(xs)] * len(xs),
    value_scale=lambda xs: max(map(abs, xs)) / len(xs), about="(x0 + x1 + ...) / n, added from the left")
DOT = _fold_row("dot", _dot, lambda m, xs, out: [*xs[len(xs) // 2:], *xs[:len(xs) // 2]],
    domain=_PAIR, value_scale=lambda xs: max(abs(xs[i] * xs[i + len(xs) // 2]) for i in range(len(xs) // 2)),
    about="x0·y0 + x1·y1 + ..., added from the left")
LOGSUMEXP = _fold_row("logsumexp", _logsumexp, _softmax,
    value_scale=lambda xs: max(map(abs, xs)) + math.log(len(xs)),
    about="log(exp(x0) + exp(x1) + ...), without overflow")
SOFTMAX_CROSS_ENTROPY = _fold_row("softmax_cross_entropy", _cross_entropy, _cross_entropy_derivatives,
    about="-log(softmax(logits)[index]), without overflow")
# fmt: on

_GLYPHS = {primitive.symbol: primitive.glyph for primitive in PRIMITIVES.values()}
