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

from autograd.ops import Primitive

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
    "power": lambda x, y: x**y,
    "power_constant": lambda x, y: x**y,
    "negate": lambda x: -x,
    "abs": mp.fabs,
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "relu": lambda x: max(x, mpf(0)),
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
}


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
        if way < 0.6 or low * high > 0 and way < 0.8:
            return rng.uniform(low, high)
        if way < 0.95:  # by magnitude: tails and neighbourhoods of 0 that an even draw never meets
            small = max(low, 1e-12) if low > 0 else 1e-12
            x = math.exp(rng.uniform(math.log(small), math.log(max(abs(high), small * 2))))
            return -x if low < 0 and rng.random() < 0.5 else min(x, high)
        return rng.choice((low, high))

    result = []
    for i in range(count):
        if primitive.arity is not None:
            result.append([draw(*bounds) for bounds in primitive.domain])
            continue
        n = (1, 2, 5)[i % 3]
        xs = [draw(*bounds) for bounds in primitive.domain for _ in range(n)]
        result.append([*xs, float(rng.randrange(n))] if primitive.name == "softmax_cross_entropy" else xs)
    return result
