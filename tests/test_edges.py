"""Where functions bend, break or end: the table of docs/edges.md, row by row, and the rules behind it."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edges import EDGES, Edge, docs_table
from oracles import ORACLES, analytic, complaints, ulps
from test_builds import bits
from test_primitives import COMPARISONS

import autograd as ag
import nn
from autograd import Value
from autograd.passes import product
from autograd.primitives import ieee
from autograd.primitives.primitive import PRIMITIVES, Primitive
from autograd.value import restore

ROOT = Path(__file__).resolve().parent.parent
inf, nan = math.inf, math.nan
HALF_PI = math.pi / 2


def same(got: float, want: float, within: float = 0.0) -> bool:
    """Equal as numbers, nan to nan; a zero's sign does not count."""
    if math.isnan(want) or math.isinf(want):
        return math.isnan(got) if math.isnan(want) else got == want
    return abs(got - want) <= within * math.ulp(want)


@pytest.mark.parametrize("edge", EDGES, ids=lambda e: f"{e.expression}@{','.join(map(str, e.at))}")
def test_the_table_of_edges(edge: Edge):
    leaves = [Value(x) for x in edge.at]
    root = eval(edge.expression, {**vars(ag.functions), **dict(zip("xyz", leaves, strict=False))})
    assert same(root.data, edge.value, within=1), root
    root.backward()
    for leaf, want in zip(leaves, edge.gradient, strict=True):
        assert same(leaf.grad, want, within=1), (leaf, want)


def test_the_docs_publish_the_table():
    text = (ROOT / "docs" / "edges.md").read_text(encoding="utf-8")
    published = re.search(r"(?s)<!-- rows -->\n(.*?)<!-- /rows -->", text)
    assert published is not None
    assert published[1] == docs_table(), "docs/edges.md is not current: python tests/edges.py prints the table"


# -- nan in, nan out -------------------------------------------------------------------------------------------------
# Derivatives that do not depend on an operand are not made nan by it: 1 and -1 of + and -, the other factors of a
# product, 1/y of a quotient, the choices of where and take. `where` takes nan for true, as C and Python do.
OTHERS = (0.5, 1.0, 0.0, 2.0, -1.0, inf, -inf)  # beside the nan: 1 and 0 tempt pow and products to forget it


def evaluate(primitive: Primitive, xs: list[float]) -> tuple[float, tuple[float, ...]]:
    return primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)


def with_nan(primitive: Primitive) -> list[tuple[int, list[float]]]:
    """Operands of which one is nan, and which one it is."""
    cases = []
    for other in OTHERS:
        n = primitive.arity or (3 if len(primitive.arguments) - primitive.takes_index == 1 else 4)
        for j in range(n):
            xs = [nan if i == j else other for i in range(n)]
            if primitive.takes_index:
                xs.append(1.0)
            cases.append((j, xs))
    return cases


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=lambda p: p.name)
def test_nan_in_nan_out(primitive: Primitive):
    if primitive.name in COMPARISONS:  # as in IEEE: nan is in no order, and unequal to all
        for _, xs in with_nan(primitive):
            assert evaluate(primitive, xs)[0] == (primitive.name == "not_equal")
        return
    independent = ORACLES[primitive.name].independent
    for j, xs in with_nan(primitive):
        out, local_grads = evaluate(primitive, xs)
        zero_factor = primitive.name == "multiply_no_nan" and 0.0 in xs
        chosen_not_nan = (primitive.name == "where" and not math.isnan(xs[1 if xs[0] != 0.0 else 2])) or (
            primitive.name == "take" and j != 1
        )
        assert math.isnan(out) != (zero_factor or chosen_not_nan), (xs, out)
        index = len(xs) - 1 if primitive.takes_index else None
        for i, local in enumerate(local_grads):
            if i != index and not independent(i, j):
                if primitive.name == "prod" and any(x == 0.0 for k, x in enumerate(xs) if k != i):
                    assert local == 0.0  # by the zero rule
                else:
                    assert math.isnan(local), (xs, i, local)


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=lambda p: p.name)
def test_a_nan_reaches_every_leaf_it_decides(primitive: Primitive):
    if primitive.arity != 1 or primitive.internal or primitive.name == "negate":
        return
    x = Value(nan)
    (getattr(ag, primitive.name)(x) * 2.0).backward()
    assert math.isnan(x.grad)


# -- infinities ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("primitive", [p for p in PRIMITIVES.values() if p.arity == 1], ids=lambda p: p.name)
def test_at_infinity_stand_the_limits(primitive: Primitive):
    at_infinities = ORACLES[primitive.name].at_infinities
    assert at_infinities is not None, complaints(primitive)
    for x, (value, slope) in zip((-inf, inf), at_infinities, strict=True):
        out, (local,) = primitive.evaluate(x)
        assert same(out, value), (x, out)
        assert same(local, slope), (x, local)


# -- C's semantics, through an oracle we did not write ---------------------------------------------------------------
IN_NUMPY = {name: oracle.numpy for name, oracle in ORACLES.items() if oracle.numpy is not None}
LARGEST, SMALLEST = sys.float_info.max, 5e-324
SIZES = (0.0, SMALLEST, 1e-310, 1e-17, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 19.0, 709.0, 711.0, 1e5, 2.0**52 + 1, 1e16, 1e300)
SPECIAL = [sign * x for x in (*SIZES, LARGEST, inf) for sign in (1.0, -1.0)]


def c_disagrees_by_rule(name: str, xs: tuple[float, ...]) -> bool:
    """Where C answers although an operand is nan, or is -inf to a power that is not whole (here both are nan)."""
    power = name in ("power", "power_constant")
    return ((power or name == "hypot") and any(map(math.isnan, xs))) or (
        power and xs[0] == -inf and math.isfinite(xs[1]) and xs[1] % 1.0 != 0.0
    )


@pytest.mark.parametrize("name", IN_NUMPY)
def test_values_are_c_s(name: str):
    np = pytest.importorskip("numpy")
    primitive, function = PRIMITIVES[name], getattr(np, IN_NUMPY[name])
    numbers = [*SPECIAL, nan]
    points = [(x,) for x in numbers] if primitive.arity == 1 else [(x, y) for x in numbers for y in numbers]
    with np.errstate(all="ignore"):
        for xs in points:
            if c_disagrees_by_rule(name, xs):
                continue
            got, want = primitive.forward(*xs), float(function(*xs))
            # NumPy's own vector code and libm differ by a few ulp; infinities, nans and zeros they share
            assert same(got, want, within=0 if primitive.ulp[0] <= 0.5 else 4), (xs, got, want)


KEEPS_SIGN_OF_ZERO = ("abs", "floor", "ceil", "round", "negate", "asin", "atan", "sinh", "tanh", "asinh", "atan2")


@pytest.mark.parametrize("name", KEEPS_SIGN_OF_ZERO)
def test_where_c_keeps_the_sign_of_a_zero_so_do_we(name: str):
    np = pytest.importorskip("numpy")
    primitive, function = PRIMITIVES[name], getattr(np, IN_NUMPY[name])
    for x in (0.0, -0.0, 0.25, -0.25):
        for y in (1.0, -1.0)[: primitive.arity]:
            xs = (x, y)[: primitive.arity]
            assert math.copysign(1.0, primitive.forward(*xs)) == math.copysign(1.0, float(function(*xs))), xs


SEES_THE_SIGN_OF_ZERO = {"atan2", "divide", "power", "power_constant"}  # IEEE's: 1/-0.0 is -inf


@pytest.mark.parametrize(
    "primitive", [p for p in PRIMITIVES.values() if p.name not in SEES_THE_SIGN_OF_ZERO], ids=lambda p: p.name
)
def test_a_zero_s_sign_does_not_matter(primitive: Primitive):
    n = primitive.arity or 4
    if primitive.takes_index:
        n = 3
    for others in (0.5, 1.0, 0.0):
        for j in range(n):
            plus = [0.0 if i == j else others for i in range(n)]
            minus = [-0.0 if i == j else others for i in range(n)]
            if primitive.takes_index:
                plus[-1] = minus[-1] = 0.0
            if primitive.name == "modulo" and j == 1:
                continue
            (out, local_grads), (out_minus, local_minus) = evaluate(primitive, plus), evaluate(primitive, minus)
            assert same(out_minus, out), (minus, out_minus, out)
            for got, want in zip(local_minus, local_grads, strict=True):
                assert same(got, want), (minus, local_minus, local_grads)


@pytest.mark.parametrize("name", ["expm1", "log1p", "sin", "tan", "asin", "atan", "sinh", "tanh", "asinh", "atanh"])
@pytest.mark.parametrize("x", [SMALLEST, -SMALLEST, 3e-310, 1e-200, -1e-300])
def test_tiny_numbers_pass_through(name: str, x: float):
    assert PRIMITIVES[name].evaluate(x) == (x, (1.0,))


@pytest.mark.parametrize("x", [0.0, -0.0])
def test_the_slope_of_cbrt_at_0(x: float):
    assert PRIMITIVES["cbrt_slope"].evaluate(x) == (inf, (-inf,))


def test_no_function_of_floats_raises():
    for primitive in PRIMITIVES.values():
        for x in (*SPECIAL, nan):
            for y in (0.0, -1.0, inf, nan, LARGEST, SMALLEST):
                if primitive.takes_index:
                    evaluate(primitive, [x, y, 1.0])
                else:
                    evaluate(primitive, [x, y, y][: primitive.arity or 2])


def assert_within_bounds(name: str, xs: list[float]) -> None:
    primitive = PRIMITIVES[name]
    out, local_grads = evaluate(primitive, xs)
    value, slopes = analytic(name, xs)
    assert math.isfinite(out)
    scale = primitive.value_scale(xs) if primitive.value_scale else None
    assert ulps(out, value, scale) <= primitive.ulp[0], (out, value)
    for got, want in zip(local_grads, slopes, strict=True):
        assert ulps(got, want) <= primitive.ulp[1], (xs, got, want)


# -- the zero rule ---------------------------------------------------------------------------------------------------
BREAKS: list[Callable[[Value], Value]] = [ag.sqrt, ag.log, lambda x: 1 / x, lambda x: x**-0.5, lambda x: ag.exp(1 / x)]


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, -LARGEST, nan])
@pytest.mark.parametrize("function", BREAKS)
def test_a_branch_not_taken_poisons_nothing(function: Callable[[Value], Value], x: float):
    leaf, other = Value(x), Value(3.0)
    (ag.where(leaf > 0, function(leaf), other * other) + other).backward()
    assert leaf.grad == 0.0
    assert other.grad == 7.0


@pytest.mark.parametrize("gate", [lambda x: ag.relu(x), lambda x: ag.maximum(x, 5.0), lambda x: ag.floor(x) * 1.0])
@pytest.mark.parametrize("factor", [inf, -inf, nan])
def test_an_infinite_or_nan_upstream_stops_at_a_closed_gate(gate: Callable[[Value], Value], factor: float):
    x = Value(-0.5)
    (gate(x) * factor).backward()
    assert x.grad == 0.0


@pytest.mark.parametrize("gradient", [0.0, -0.0])
def test_a_zero_upstream_passes_zero(gradient: float):
    for function in BREAKS:
        x = Value(0.0)
        function(x).backward(gradient)
        assert x.grad == 0.0


@pytest.mark.parametrize("factor", [0.0, 1.0, inf, -inf, nan])
def test_a_product_is_zero_where_a_factor_is(factor: float):
    product = PRIMITIVES["multiply_no_nan"].forward
    assert product(factor, 0.0) == product(0.0, factor) == product(-0.0, factor) == 0.0


FACTORS = (0.0, -0.0, 1.0, -2.5, 1e-310, -1e-200, 1e200, inf, -inf, nan)


@pytest.mark.parametrize("local", FACTORS)
@pytest.mark.parametrize("upstream", FACTORS)
def test_every_pass_multiplies_by_the_one_rule(local: float, upstream: float):
    """The loops of backward in both builds, steps and transforms, for one, two and many operands."""
    wanted = 0.0 + PRIMITIVES["multiply_no_nan"].forward(local, upstream)
    passed = product(upstream, local)
    assert type(passed) is float
    assert bits(0.0 + passed) == bits(wanted)
    for name, operands in (("tanh", 1), ("add", 2), ("sum", 3)):
        xs = [Value(0.5) for _ in range(operands)]
        node = restore(PRIMITIVES[name], 1.0, 0.0, False, (local,) * operands, None, None, tuple(xs))
        (step,) = ag.steps(node, upstream)
        node.backward(upstream)
        for x, operand in zip(xs, step.operands, strict=True):
            assert bits(x.grad) == bits(operand.after) == bits(wanted)


EXPONENTS = (-3.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("y", EXPONENTS)
def test_whole_and_half_powers(y: float):
    for x in (0.3, 1.1, 7.7, *((-0.3, -1.1, -7.7) if y % 1.0 == 0.0 else ())):
        assert_within_bounds("power_constant", [x, y])


# -- logits far apart ------------------------------------------------------------------------------------------------
FAR_APART = (
    [1000.0, 0.0],
    [0.0, 1000.0],
    [-1000.0, 1000.0, 0.5],
    [1000.1, 0.3, -0.2, 350.7],
    [700.3, 0.1],
    [1e-3, -1000.0, -1000.0],
    [1e308, -1e308, 0.0],
)


@pytest.mark.parametrize("logits", FAR_APART, ids=str)
def test_fused_functions_are_exact_far_apart(logits: list[float]):
    for index in range(len(logits)):
        if math.isfinite(max(logits) - logits[index]):
            assert_within_bounds("softmax_cross_entropy", [*logits, float(index)])
    assert_within_bounds("logsumexp", logits)
    for x in logits:
        assert_within_bounds("softplus", [x])
        assert_within_bounds("logsigmoid", [x])


@pytest.mark.parametrize("logit", [1000.0, -1000.0, 700.3, -36.7, 0.0, 1e300, -1e300])
@pytest.mark.parametrize("target", [0, 1])
def test_binary_cross_entropy_of_logits_is_exact_far_out(logit: float, target: int):
    x = Value(logit)
    loss = nn.binary_cross_entropy_with_logits(x, target)
    loss.backward()
    value, (slope,) = analytic("softplus", [-logit if target else logit])
    assert ulps(loss.data, value) <= PRIMITIVES["softplus"].ulp[0]
    assert ulps(x.grad, -slope if target else slope) <= PRIMITIVES["softplus"].ulp[1]


# -- accuracy over all floats ----------------------------------------------------------------------------------------
def accuracy() -> Any:
    """tools/accuracy.py, which is not a package."""
    spec = importlib.util.spec_from_file_location("accuracy", ROOT / "tools" / "accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["accuracy"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=lambda p: p.name)
def test_bounds_hold_far_out_and_close_to_the_ends(primitive: Primitive):
    report = accuracy().measure(primitive.name, 400)
    assert report.value.ulp <= primitive.ulp[0], report
    assert report.derivative.ulp <= primitive.ulp[1], report
    assert report.curvature.ulp <= primitive.ulp[2], report


def test_the_difference_in_an_exponent_is_put_right():
    x, y = 669.6777329150881, 1e-3
    assert ulps(ieee.exp_difference(y, x), analytic("exp_difference", [y, x])[0]) <= 2
    assert ulps(math.exp(y - x), analytic("exp_difference", [y, x])[0]) > 10  # what it is there for


def test_hypot_of_nan_reads_no_errno_that_an_earlier_call_has_left():
    library = ctypes.util.find_library("m")
    if library is None:
        pytest.skip("no C library of mathematics to call")
    c_exp = ctypes.CDLL(library).exp
    c_exp.argtypes, c_exp.restype = [ctypes.c_double], ctypes.c_double
    for x, y in ((nan, 1.0), (1.0, nan), (nan, nan)):
        assert c_exp(1e6) == inf  # which leaves ERANGE
        assert math.isnan(ieee.hypot(x, y))
    assert (ieee.hypot(nan, -inf), ieee.hypot(inf, nan)) == (inf, inf)
