"""Second derivatives: every row within its bound, the cases that used to cancel, and what holds where none exists."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from edges import SECOND_DERIVATIVES, SecondDerivative, second_derivatives_table
from oracles import ORACLES, at_kink, curvatures, points, ulps
from test_edges import accuracy, same

import autograd as ag
from autograd import Value, grad, hessian
from autograd.primitives.primitive import PRIMITIVES, Primitive

ROOT = Path(__file__).resolve().parent.parent
ACCURACY = accuracy()
inf, nan = math.inf, math.nan


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=lambda p: p.name)
def test_second_derivatives_agree_with_mpmath(primitive: Primitive):
    for xs in points(primitive, 25):
        if at_kink(primitive, xs) or not all(map(math.isfinite, evaluate(primitive, xs))):
            continue
        exact = curvatures(primitive, xs)
        size = max((abs(float(want)) for row in exact for want in row), default=0.0)
        scale = max(size, primitive.curvature_scale(xs) if primitive.curvature_scale else 0.0)
        got = ACCURACY.second_derivatives(primitive, xs)
        assert [len(row) for row in got] == [len(row) for row in exact]
        for got_row, row in zip(got, exact, strict=True):
            for entry, want in zip(got_row, row, strict=True):
                assert ACCURACY.error(entry, want, scale) <= primitive.ulp[2], (xs, got, want)


def evaluate(primitive: Primitive, xs: list[float]) -> tuple[float, ...]:
    """The value and the derivatives."""
    out, local_grads = primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)
    return out, *local_grads


@pytest.mark.parametrize("name", ["asin", "acos", "atanh"])
@pytest.mark.parametrize("x", [1e-12, -1e-12, 1e-18, -1e-18, 1e-200])
def test_near_0_they_are_as_small_as_x(name: str, x: float):
    factor = {"asin": 1.0, "acos": -1.0, "atanh": 2.0}[name]
    second = grad(grad(getattr(ag, name)))(x)
    assert math.isclose(second, factor * x, rel_tol=1e-15)
    ((want,),) = curvatures(PRIMITIVES[name], [x])
    assert ulps(second, want) <= PRIMITIVES[name].ulp[2]


def test_that_of_cbrt_is_right_until_it_overflows():
    second = grad(grad(ag.cbrt))
    ((want,),) = curvatures(PRIMITIVES["cbrt"], [1e-184])
    assert ulps(second(1e-184), want) <= PRIMITIVES["cbrt"].ulp[2]
    assert second(1e-186) == -inf  # -2e309
    assert second(-1e-186) == inf


# -- logits far apart ------------------------------------------------------------------------------------------------
GAPS = (0.0, 1.0, 40.0, 400.0)
ENTRY = 8  # ulp of each entry, the small ones too


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("others", [[], [0.3], [0.0, -2.5]])
def test_the_hessian_of_logsumexp_is_symmetric_and_right(gap: float, others: list[float]):
    for xs in ([gap, 0.0, *others], [0.0, *others, gap]):
        assert_right_in_each_entry("logsumexp", xs, hessian(ag.logsumexp)(xs))


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("others", [[], [0.3], [0.0, -2.5]])
def test_the_hessian_of_softmax_cross_entropy_is_symmetric_and_right(gap: float, others: list[float]):
    for xs in ([gap, 0.0, *others], [0.0, *others, gap]):
        for index in range(len(xs)):
            rows = hessian(lambda logits, index=index: ag.softmax_cross_entropy(logits, index))(xs)
            assert_right_in_each_entry("softmax_cross_entropy", [*xs, float(index)], rows)


def assert_right_in_each_entry(name: str, xs: list[float], rows: list[list[float]]) -> None:
    """Each entry within some ulp of itself, and of the one across the diagonal."""
    exact = curvatures(PRIMITIVES[name], xs)
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            assert exact[i][j] != 0
            if abs(exact[i][j]) >= 2.3e-308:  # a product of two far ones underflows
                assert ulps(entry, exact[i][j]) <= ENTRY, (xs, i, j, entry)
            else:
                assert abs(entry) <= 2.3e-308
            assert abs(entry - rows[j][i]) <= 2 * ENTRY * math.ulp(entry), (xs, i, j)


# -- conventions -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", SECOND_DERIVATIVES, ids=lambda r: f"{r.expression}@{','.join(map(str, r.at))}")
def test_the_table_of_second_derivatives(row: SecondDerivative):
    def function(*leaves: Value) -> Value:
        return eval(row.expression, {**vars(ag.functions), **dict(zip("xyz", leaves, strict=False))})

    rows = hessian(function, argnums=tuple(range(len(row.at))))(*row.at)
    for got_row, want_row in zip(rows, row.hessian, strict=True):
        for got, want in zip(got_row, want_row, strict=True):
            assert same(got, want), (rows, row.hessian)


def test_the_docs_publish_the_second_derivatives():
    text = (ROOT / "docs" / "edges.md").read_text(encoding="utf-8")
    published = re.search(r"(?s)<!-- second derivatives -->\n(.*?)<!-- /second derivatives -->", text)
    assert published is not None
    assert published[1] == second_derivatives_table(), "docs/edges.md is not current: python tests/edges.py prints it"


@pytest.mark.parametrize("name", [name for name, oracle in ORACLES.items() if oracle.curvatures is not None])
def test_formulas_of_curvatures_are_the_differences_of_the_slopes(name: str):
    """So that no formula is taken on trust: close by, where differences have digits."""
    oracle, primitive = ORACLES[name], PRIMITIVES[name]
    xs = [0.5, -1.25, 2.0, *([1.0] if primitive.takes_index else [])]
    by_formula = curvatures(primitive, xs)
    ORACLES[name] = by_differences = type(oracle)(oracle.value, oracle.slopes)
    try:
        assert by_differences.curvatures is None
        for row, other in zip(by_formula, curvatures(primitive, xs), strict=True):
            for one, two in zip(row, other, strict=True):
                assert abs(one - two) <= abs(one) * 1e-50
    finally:
        ORACLES[name] = oracle
