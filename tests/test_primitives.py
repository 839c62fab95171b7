"""The table of primitives against mpmath, row by row, and every consumer against the table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from oracles import NUMBER_OPERANDS, ORACLES, TAKES_INDEX, exact, points, ulps

import autograd as ag
from autograd import Value, functions
from autograd.primitives import formulas
from autograd.primitives.primitive import PRIMITIVES, Primitive, glyph

ROOT = Path(__file__).resolve().parent.parent
TABLE = list(PRIMITIVES.values())
PUBLIC = [p for p in TABLE if not p.internal]


def test_every_primitive_has_an_oracle():
    assert set(ORACLES) == set(PRIMITIVES)


@pytest.mark.parametrize("primitive", TABLE, ids=lambda p: p.name)
def test_value_and_derivatives_agree_with_mpmath(primitive: Primitive):
    for xs in points(primitive, 60):
        out, local_grads = primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)
        assert (primitive.forward(xs) if primitive.arity is None else primitive.forward(*xs)) == out
        value, derivatives = exact(primitive.name, xs)
        scale = primitive.value_scale(xs) if primitive.value_scale else None
        assert ulps(out, value, scale) <= primitive.ulp[0], (xs, out)
        for got, want in zip(local_grads, derivatives, strict=True):
            if want is not None and not at_kink(primitive, xs):
                scale = primitive.derivative_scale(xs) if primitive.derivative_scale else None
                assert ulps(got, want, scale) <= primitive.ulp[1], (xs, got)


def at_kink(primitive: Primitive, xs: list[float]) -> bool:
    """Whether a central difference straddles a corner there; corners have a test of their own."""
    corner_at_zero = ("abs", "relu", "leaky_relu", "sign")
    steps = {"floor": 0.0, "ceil": 0.0, "round": 0.5}
    if primitive.name in corner_at_zero:
        return xs[0] == 0.0
    if primitive.name in COMPARISONS:
        return xs[0] == xs[1]
    if primitive.name in steps:
        return xs[0] % 1.0 == steps[primitive.name]
    if primitive.name == "modulo":
        return xs[0] % xs[1] == 0.0
    # at the ends of its domain asin is vertical; a chosen bound equals an operand
    return (primitive.name in ("asin", "acos") and abs(xs[0]) == 1.0) or (
        primitive.name in ("maximum", "minimum", "clip") and len(set(xs)) < len(xs)
    )


@pytest.mark.parametrize("primitive", PUBLIC, ids=lambda p: p.name)
def test_a_recorded_node_holds_what_the_row_says(primitive: Primitive):
    numbers = points(primitive, 3)[-1]
    fixed = NUMBER_OPERANDS.get(primitive.name, lambda n: set())(len(numbers))
    operands = [x if i in fixed else Value(x) for i, x in enumerate(numbers)]
    node = call(primitive, operands)
    out, local_grads = primitive.evaluate(numbers) if primitive.arity is None else primitive.evaluate(*numbers)
    assert (node.op, node.data) == (primitive.symbol, out)
    assert [id(o) for o in node.operands if type(o) is Value] == [id(p) for p in node.parents]
    assert [o.data if type(o) is Value else o for o in node.operands] == numbers
    assert node.local_grads == tuple(g for i, g in enumerate(local_grads) if i not in fixed)


COMPARISONS = ("less", "less_or_equal", "equal", "not_equal")
OPERATORS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "modulo": lambda x, y: x % y,
    "power": lambda x, y: x**y,
    "power_constant": lambda x, y: x**y,
    "negate": lambda x: -x,
}


def call(primitive: Primitive, operands):
    """Use a primitive as a user would: by its operator or by its function."""
    if primitive.name in OPERATORS:
        return OPERATORS[primitive.name](*operands)
    function = getattr(ag, primitive.name)
    if primitive.name == "dot":
        n = len(operands) // 2
        return function(operands[:n], operands[n:])
    if primitive.name in TAKES_INDEX:
        return function(operands[:-1], operands[-1])
    return function(operands) if primitive.arity is None else function(*operands)


@pytest.mark.parametrize("primitive", PUBLIC, ids=lambda p: p.name)
def test_every_consumer_has_the_primitive(primitive: Primitive):
    xs = points(primitive, 1)[0]
    floats = call(primitive, xs) if primitive.name not in OPERATORS else primitive.forward(*xs)
    assert type(floats) is float
    if primitive.name not in OPERATORS:
        assert primitive.name in functions.__all__
        if primitive.arity is not None:
            method = getattr(Value(xs[0]), primitive.name)
            assert method(*xs[1:]).data == floats
    assert glyph(primitive.symbol) == primitive.glyph


@pytest.mark.skipif(not (ROOT / "autograd").is_dir(), reason="needs the checkout: the sources beside tests/")
def test_what_is_generated_from_the_table_is_current():
    run = subprocess.run(
        [sys.executable, ROOT / "tools" / "generate.py", "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("formula", ["x ** 2", "x @ y", "[x]", "x.real", "lambda: x", "'x'", "x if y else True"])
def test_a_formula_outside_the_grammar_is_refused(formula: str):
    with pytest.raises(ValueError, match="formula"):
        formulas.compile_forward("f", 2, formula, {})
