"""The formulas of the primitives of any number of operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd.primitives import ieee


# -- of any number of operands -------------------------------------------------------------------------------------
# The result and the local derivatives are functions of the list of operands; `m` is the arithmetic they are worked
# out in. Sums are left folds that start with the first term: the order of additions is part of the promise.
def _left_fold(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for i in range(1, len(terms)):
        total = total + terms[i]
    return total


def _partial_sums(terms: Sequence[float]) -> float:
    """The sizes of the terms and of their partial sums, added up: a left fold errs by at most half an ulp of that."""
    size = abs(terms[0])
    partial = terms[0]
    for i in range(1, len(terms)):
        partial += terms[i]
        size += abs(terms[i]) + abs(partial)
    return size


def _products(xs: Sequence[Any]) -> list[Any]:  # x0, x1, ..., y0, y1, ...
    n = len(xs) // 2
    return [xs[i] * xs[n + i] for i in range(n)]


def _dot(m: Any, xs: Sequence[Any]) -> Any:
    return _left_fold(_products(xs))


def _prod(m: Any, xs: Sequence[Any]) -> Any:
    product = xs[0]
    for i in range(1, len(xs)):
        product = product * xs[i]
    return product


def _products_of_others(m: Any, xs: Sequence[Any], out: Any) -> list[Any]:
    """For each operand the product of all before it times the product of all behind it: no division by a zero."""
    n = len(xs)
    before, behind = [1.0] * n, [1.0] * n
    for i in range(1, n):
        before[i] = before[i - 1] * xs[i - 1]
        behind[n - 1 - i] = behind[n - i] * xs[n - i]
    return [before[i] * behind[i] for i in range(n)]


def _take_derivatives(m: Any, xs: Sequence[Any], out: Any) -> list[Any]:  # value 0, value 1, ..., index
    chosen = int(xs[-1])
    return [*(1.0 if i == chosen else 0.0 for i in range(len(xs) - 1)), 0.0]


def _exps_below_largest(m: Any, xs: Sequence[Any]) -> tuple[int, list[Any]]:
    """The index of the largest x, and exp(x - largest) of each: nothing overflows, the largest is exactly 1."""
    top = 0
    for i in range(1, len(xs)):
        if xs[i] > xs[top]:
            top = i
    return top, [m.exp_difference(x, xs[top]) for x in xs]


def _sum_but(terms: Sequence[Any], left_out: int) -> Any:
    others = [terms[i] for i in range(len(terms)) if i != left_out]
    return _left_fold(others) if others else 0.0


def _logsumexp(m: Any, xs: Sequence[Any]) -> Any:
    top, exps = _exps_below_largest(m, xs)
    return xs[top] + m.log1p(_sum_but(exps, top))


def _softmax(m: Any, xs: Sequence[Any], out: Any) -> list[Any]:
    if out != out:
        return [ieee.nan] * len(xs)
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
