"""The primitives once more, in mpmath: the oracle that the engine's numbers are held to.

Nothing here is shared with the engine. Derivatives are central differences at hundreds of digits, so that neither a
formula of ours nor cancellation can creep into them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
from mpmath import mp, mpf

from autograd.primitives.primitive import Primitive

# 1 - tanh(300)² is 1e-260: a difference of two values needs that many digits before it has any
DIGITS = 420
RELATIVE_STEP = mpf(10) ** -60


def _logsumexp(*xs: mpf) -> mpf:
    return mp.log(mp.fsum(mp.exp(x) for x in xs))


def _dot(*xs: mpf) -> mpf:
    n = len(xs) // 2
    return mp.fsum(x * y for x, y in zip(xs[:n], xs[n:], strict=True))


ORACLES: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "identity": lambda x: x,
    "contribution": lambda x, y: x * y,
    "modulo": lambda x, y: x - y * mp.floor(x / y),
    "power": lambda x, y: x**y,
    "power_constant": lambda x, y: x**y,
    "negate": lambda x: -x,
    "abs": mp.fabs,
    "exp": mp.exp,
    "exp_difference": lambda x, y: mp.exp(x - y),
    "exp2": lambda x: mpf(2) ** x,
    "expm1": lambda x: mp.exp(x) - 1,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "log1p": lambda x: mp.log(1 + x),
    "cbrt": mp.cbrt,
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "sech2": lambda x: mp.sech(x) ** 2,
    "asinh": mp.asinh,
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "gaussian": lambda x: mp.exp(-x * x),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "normal_pdf": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
    "normal_cdf": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "round": mp.nint,
    "sign": mp.sign,
    "maximum": max,
    "minimum": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda c, a, b: a if c != 0 else b,
    "less": lambda x, y: mpf(x < y),
    "less_or_equal": lambda x, y: mpf(x <= y),
    "equal": lambda x, y: mpf(x == y),
    "not_equal": lambda x, y: mpf(x != y),
    "detach": lambda x: x,
    "sigmoid_slope": lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
    "logsigmoid": lambda x: -mp.log(1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "leaky_relu": lambda x: max(x, x * mpf(0.01)),
    "elu": lambda x: x if x > 0 else mp.exp(x) - 1,
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "log": mp.log,
    "sqrt": mp.sqrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "relu": lambda x: max(x, mpf(0)),
    "prod": lambda *xs: mp.fprod(xs),
    "take": lambda *xs: xs[int(xs[-1])],
    "sum": lambda *xs: mp.fsum(xs),
    "mean": lambda *xs: mp.fsum(xs) / len(xs),
    "dot": _dot,
    "logsumexp": _logsumexp,
    "softmax_cross_entropy": lambda *xs: _logsumexp(*xs[:-1]) - xs[int(xs[-1])],
}

# operands that are numbers by nature: they have no derivative
NUMBER_OPERANDS: dict[str, Callable[[int], set[int]]] = {
    "power_constant": lambda n: {1},
    "softmax_cross_entropy": lambda n: {n - 1},
    "take": lambda n: {n - 1},
    "where": lambda n: {0},
    "detach": lambda n: {0},  # by intent
}


TAKES_INDEX = ("softmax_cross_entropy", "take")  # lists of operands that end with an index


def exact(name: str, xs: Sequence[float]) -> tuple[mpf, list[mpf | None]]:
    """Value and derivatives of a primitive at floats, to far more digits than a float has."""
    with mp.workdps(DIGITS):
        oracle = ORACLES[name]
        at = [mpf(x) for x in xs]
        fixed = NUMBER_OPERANDS.get(name, lambda n: set())(len(xs))
        derivatives: list[mpf | None] = []
        for i in range(len(at)):
            if i in fixed:
                derivatives.append(None)
                continue
            step = RELATIVE_STEP * (mp.fabs(at[i]) or 1)
            up, down = list(at), list(at)
            up[i] += step
            down[i] -= step
            derivatives.append((oracle(*up) - oracle(*down)) / (2 * step))
        return oracle(*at), derivatives


def ulps(got: float, want: mpf, scale: float | None = None) -> float:
    """How far `got` is from the exact value, in units of the last place of it (or of the largest term, `scale`)."""
    with mp.workdps(DIGITS):
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
        result.append([*xs, float(rng.randrange(n))] if primitive.name in TAKES_INDEX else xs)
    return result
