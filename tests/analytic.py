"""The primitives and their derivatives by formula in mpmath: an oracle that is quick and holds over all floats.

`oracles` differentiates by differences at 420 digits, which needs no formula but fails far out (at 1e-300 it would
take a thousand digits). These formulas are written for mpmath, where a function is chosen for its meaning and not for
its rounding, and a test holds them to those differences wherever both work. None is taken from the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mpmath import mp, mpf

DIGITS = 60

Formulas = tuple[Callable[..., mpf], Callable[..., list[mpf]]]


def _of_one(value: Callable[[mpf], mpf], slope: Callable[[mpf], mpf]) -> Formulas:
    return value, lambda x: [slope(x)]


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


def _log_of_sum(*xs: mpf) -> mpf:
    weights = _shifted(xs)
    weights.remove(1)
    return max(xs) + mp.log1p(mp.fsum(weights))


def _without(xs: Sequence[mpf], i: int) -> mpf:
    return mp.fprod(x for j, x in enumerate(xs) if j != i)


def _dot(*xs: mpf) -> mpf:
    return mp.fsum(xs[i] * xs[i + len(xs) // 2] for i in range(len(xs) // 2))


FORMULAS: dict[str, Formulas] = {
    "add": (lambda x, y: x + y, lambda x, y: [mpf(1), mpf(1)]),
    "identity": _of_one(lambda x: x, lambda x: mpf(1)),
    "subtract": (lambda x, y: x - y, lambda x, y: [mpf(1), mpf(-1)]),
    "multiply": (lambda x, y: x * y, lambda x, y: [y, x]),
    "contribution": (lambda x, y: x * y, lambda x, y: [y, x]),
    "divide": (lambda x, y: x / y, lambda x, y: [1 / y, -x / y**2]),
    "modulo": (_modulo, lambda x, y: [mpf(1), -mp.floor(x / y)]),
    "power": (lambda x, y: x**y, lambda x, y: [y * x ** (y - 1), x**y * mp.log(x)]),
    "power_constant": (lambda x, y: x**y, lambda x, y: [y * x ** (y - 1), mpf(0)]),
    "negate": _of_one(lambda x: -x, lambda x: mpf(-1)),
    "abs": _of_one(mp.fabs, mp.sign),
    "exp": _of_one(mp.exp, mp.exp),
    "exp_difference": (lambda x, y: mp.exp(x - y), lambda x, y: [mp.exp(x - y), -mp.exp(x - y)]),
    "exp2": _of_one(lambda x: mpf(2) ** x, lambda x: mpf(2) ** x * mp.log(2)),
    "expm1": _of_one(mp.expm1, mp.exp),
    "log": _of_one(mp.log, lambda x: 1 / x),
    "log2": _of_one(lambda x: mp.log(x) / mp.log(2), lambda x: 1 / (x * mp.log(2))),
    "log10": _of_one(mp.log10, lambda x: 1 / (x * mp.log(10))),
    "log1p": _of_one(mp.log1p, lambda x: 1 / (1 + x)),
    "sqrt": _of_one(mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x))),
    "cbrt": _of_one(lambda x: mp.sign(x) * mp.cbrt(mp.fabs(x)), lambda x: 1 / (3 * mp.cbrt(mp.fabs(x)) ** 2)),
    "hypot": (_radius, lambda x, y: [x / _radius(x, y), y / _radius(x, y)]),
    "sin": _of_one(mp.sin, mp.cos),
    "cos": _of_one(mp.cos, lambda x: -mp.sin(x)),
    "tan": _of_one(mp.tan, lambda x: mp.sec(x) ** 2),
    "asin": _of_one(mp.asin, lambda x: 1 / mp.sqrt(1 - x * x)),
    "acos": _of_one(mp.acos, lambda x: -1 / mp.sqrt(1 - x * x)),
    "atan": _of_one(mp.atan, lambda x: 1 / (1 + x * x)),
    "atan2": (mp.atan2, lambda y, x: [x / (x * x + y * y), -y / (x * x + y * y)]),
    "sinh": _of_one(mp.sinh, mp.cosh),
    "cosh": _of_one(mp.cosh, mp.sinh),
    "tanh": _of_one(mp.tanh, lambda x: mp.sech(x) ** 2),
    "sech2": _of_one(lambda x: mp.sech(x) ** 2, lambda x: -2 * mp.sech(x) ** 2 * mp.tanh(x)),
    "asinh": _of_one(
        lambda x: mp.sign(x) * mp.log1p(mp.fabs(x) + x * x / (1 + mp.sqrt(1 + x * x))),
        lambda x: 1 / mp.sqrt(1 + x * x),
    ),
    "acosh": _of_one(
        lambda x: mp.log1p((x - 1) + mp.sqrt((x - 1) * (x + 1))), lambda x: 1 / mp.sqrt((x - 1) * (x + 1))
    ),
    "atanh": _of_one(lambda x: (mp.log1p(x) - mp.log1p(-x)) / 2, lambda x: 1 / ((1 - x) * (1 + x))),
    "gaussian": _of_one(lambda x: mp.exp(-x * x), lambda x: -2 * x * mp.exp(-x * x)),
    "erf": _of_one(mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    "erfc": _of_one(mp.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    "normal_pdf": _of_one(_density, lambda x: -x * _density(x)),
    "normal_cdf": _of_one(_share_below, _density),
    "floor": _of_one(mp.floor, lambda x: mpf(0)),
    "ceil": _of_one(mp.ceil, lambda x: mpf(0)),
    "round": _of_one(mp.nint, lambda x: mpf(0)),
    "sign": _of_one(mp.sign, lambda x: mpf(0)),
    "maximum": (max, lambda x, y: [mpf(x > y), mpf(y > x)]),
    "minimum": (min, lambda x, y: [mpf(x < y), mpf(y < x)]),
    "clip": (
        lambda x, low, high: min(max(x, low), high),
        lambda x, low, high: [mpf(low < x < high), mpf(x < low), mpf(x > high)],
    ),
    "where": (lambda c, a, b: a if c else b, lambda c, a, b: [mpf(0), mpf(c != 0), mpf(c == 0)]),
    "less": (lambda x, y: mpf(x < y), lambda x, y: [mpf(0), mpf(0)]),
    "less_or_equal": (lambda x, y: mpf(x <= y), lambda x, y: [mpf(0), mpf(0)]),
    "equal": (lambda x, y: mpf(x == y), lambda x, y: [mpf(0), mpf(0)]),
    "not_equal": (lambda x, y: mpf(x != y), lambda x, y: [mpf(0), mpf(0)]),
    "detach": _of_one(lambda x: x, lambda x: mpf(0)),
    "sigmoid": _of_one(_logistic, _logistic_slope),
    "sigmoid_slope": _of_one(_logistic_slope, lambda x: -_logistic_slope(x) * mp.tanh(x / 2)),
    "logsigmoid": _of_one(lambda x: -_softplus(-x), lambda x: _logistic(-x)),
    "softplus": _of_one(_softplus, _logistic),
    "relu": _of_one(lambda x: max(x, mpf(0)), lambda x: mpf(x > 0)),
    "leaky_relu": _of_one(lambda x: max(x, x * mpf(0.01)), lambda x: mpf(1) if x > 0 else mpf(0.01)),
    "elu": _of_one(lambda x: x if x > 0 else mp.expm1(x), lambda x: mpf(1) if x > 0 else mp.exp(x)),
    "gelu": _of_one(lambda x: x * _share_below(x), lambda x: _share_below(x) + x * _density(x)),
    "silu": _of_one(lambda x: x * _logistic(x), lambda x: _logistic(x) + x * _logistic_slope(x)),
    "sum": (lambda *xs: mp.fsum(xs), lambda *xs: [mpf(1)] * len(xs)),
    "mean": (lambda *xs: mp.fsum(xs) / len(xs), lambda *xs: [mpf(1) / len(xs)] * len(xs)),
    "dot": (_dot, lambda *xs: [*xs[len(xs) // 2 :], *xs[: len(xs) // 2]]),
    "prod": (lambda *xs: mp.fprod(xs), lambda *xs: [_without(xs, i) for i in range(len(xs))]),
    "take": (
        lambda *xs: xs[int(xs[-1])],
        lambda *xs: [*(mpf(i == int(xs[-1])) for i in range(len(xs) - 1)), mpf(0)],
    ),
    "logsumexp": (_log_of_sum, lambda *xs: _softmax(xs)),
    "softmax_cross_entropy": (_cross_entropy, _cross_entropy_slopes),
}


def analytic(name: str, xs: Sequence[float], digits: int = DIGITS) -> tuple[mpf, list[mpf]]:
    """Value and derivatives of a primitive at floats, by formula at so many digits."""
    value, slopes = FORMULAS[name]
    with mp.workdps(digits):
        at = [mpf(x) for x in xs]
        return +value(*at), slopes(*at)
