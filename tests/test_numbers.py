"""A Value among numbers: Python's own, NumPy's scalars and arrays, fractions; and what is refused."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import autograd as ag
from autograd import Value

np = pytest.importorskip("numpy")

RELATIONS = (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge)
ARITHMETIC: tuple[Callable[[Any, Any], Any], ...] = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.mod,
    operator.pow,
)
SCALARS = (
    2,
    True,
    2.5,
    Fraction(1, 4),
    np.float64(2.5),
    np.float32(0.1),
    np.float16(1.5),
    np.int64(3),
    np.int8(2),
    np.uint8(4),
    np.bool_(True),
)


# -- comparing -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("y", [-1.0, 1.0, 2.0, math.inf, math.nan, 0.0, -0.0])
def test_comparisons_are_those_of_the_numbers(relation: Callable[[Any, Any], Any], y: float):
    for x in (1.0, -0.0, 2.0, math.nan):
        want = relation(x, y)
        others = [y, np.float64(y), Value(y)]
        for got in (*(relation(Value(x), other) for other in others), relation(x, Value(y))):
            assert type(got) is bool
            assert got is want


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: f"{type(s).__name__}")
@pytest.mark.parametrize("relation", RELATIONS)
def test_scalars_compare_on_both_sides(relation: Callable[[Any, Any], Any], scalar: Any):
    for x in (float(scalar), 0.5):
        assert bool(relation(Value(x), scalar)) == bool(relation(x, float(scalar)))
        assert bool(relation(scalar, Value(x))) == bool(relation(float(scalar), x))


@pytest.mark.parametrize(
    "other", [None, "1.0", [1.0], Decimal(1), 1 + 0j, object()], ids=lambda other: type(other).__name__
)
def test_equality_with_what_is_no_number_is_false(other: Any):
    assert (Value(1.0) == other) is False
    assert (Value(1.0) != other) is True
    with pytest.raises(TypeError):
        Value(1.0) < other  # noqa: B015


def test_equal_numbers_are_different_nodes():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert len({a: "a", b: "b"}) == 2
    assert {a: "a", b: "b"}[a] == "a"
    assert hash(a) == object.__hash__(a)


# -- Python's functions of numbers -----------------------------------------------------------------------------------
def gradient_of(function: Callable[..., Any], *xs: float) -> tuple[float, list[float]]:
    leaves = [Value(x) for x in xs]
    root = function(*leaves)
    assert type(root) is Value
    root.backward()
    return root.data, [leaf.grad for leaf in leaves]


@pytest.mark.parametrize(
    ("function", "at", "value", "gradient"),
    [
        (lambda x, y: sum([x, y, x]), (2.0, 3.0), 7.0, [2.0, 1.0]),
        (lambda x, y: sum((x * y for _ in range(3)), start=y), (2.0, 3.0), 21.0, [9.0, 7.0]),
        (lambda x, y: min(x, y), (2.0, 3.0), 2.0, [1.0, 0.0]),
        (lambda x, y: max([x, y]), (2.0, 3.0), 3.0, [0.0, 1.0]),
        (lambda x, y: max(x, 2.5) * min(y, 2.5, x), (2.75, 3.0), 2.75 * 2.5, [2.5, 0.0]),
        (lambda x, y: sorted([y, x], key=lambda v: v.data)[0] * 1.0, (2.0, 3.0), 2.0, [1.0, 0.0]),
        (lambda x: abs(x), (-2.0,), 2.0, [-1.0]),
        (lambda x: +x * 1.0, (-2.0,), -2.0, [1.0]),
        (lambda x: -x, (-2.0,), 2.0, [-1.0]),
        (lambda x: round(x), (2.5,), 2.0, [0.0]),
        (lambda x: round(x), (-1.7,), -2.0, [0.0]),
        (lambda x: math.floor(x), (-1.5,), -2.0, [0.0]),
        (lambda x: math.ceil(x), (-1.5,), -1.0, [0.0]),
        (lambda x: x % 3, (-7.5,), 1.5, [1.0]),
        (lambda x: 7.5 % x, (-2.0,), -0.5, [4.0]),
        (lambda x, y: x % y, (7.5, 2.0), 1.5, [1.0, -3.0]),
        (lambda x: 2**x, (3.0,), 8.0, [8.0 * math.log(2.0)]),
        (lambda x: x**-1, (4.0,), 0.25, [-1 / 16]),
        (lambda x: math.prod([x, x, x]), (2.0,), 8.0, [12.0]),
    ],
)
def test_python_s_functions_of_numbers(
    function: Callable[..., Any], at: tuple[float, ...], value: float, gradient: Any
):
    got_value, got_gradient = gradient_of(function, *at)
    assert got_value == value
    assert got_gradient == pytest.approx(gradient, rel=1e-15)  # one rounding of the expectation written here


@pytest.mark.parametrize("x", [2.0, -0.5, 1e300, math.inf, -0.0])
@pytest.mark.parametrize("spec", [".3f", "+.2e", "10.1f", "g", "<12", "%"])
def test_format_is_the_number_s(x: float, spec: str):
    assert format(Value(x), spec) == format(x, spec)
    assert f"{Value(x) * 1.0:{spec}}" == format(x, spec)


def test_digits_of_round_and_wrong_formats_are_refused():
    with pytest.raises(TypeError, match=r"v\.data"):
        round(Value(1.234), 2)
    with pytest.raises(ValueError, match="format"):
        format(Value(1.0), "d")


def test_truth_is_of_the_number():
    assert [bool(Value(x)) for x in (0.0, -0.0, 1e-320, math.nan, -2.0)] == [False, False, True, True, True]
    assert any([Value(0.0), Value(1.0)])
    assert not all([Value(0.0), Value(1.0)])


# -- other numbers in arithmetic -------------------------------------------------------------------------------------
@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: f"{type(s).__name__}")
@pytest.mark.parametrize("operation", ARITHMETIC)
def test_scalars_count_as_their_float_on_both_sides(operation: Callable[[Any, Any], Any], scalar: Any):
    x, number = 3.5, float(scalar)
    for made, plain in (
        (lambda v: operation(v, scalar), lambda v: operation(v, number)),
        (lambda v: operation(scalar, v), lambda v: operation(number, v)),
    ):
        got, want = made(Value(x)), plain(Value(x))
        assert type(got) is Value
        assert (got.data, got.op, got.local_grads) == (want.data, want.op, want.local_grads)
        assert all(type(operand) in (Value, float) for operand in got.operands)


@pytest.mark.parametrize("scalar", SCALARS, ids=lambda s: f"{type(s).__name__}")
def test_functions_and_leaves_take_scalars(scalar: Any):
    number = float(scalar)
    assert (Value(scalar).data, type(Value(scalar).data)) == (number, float)
    assert type(ag.exp(scalar)) is float
    assert ag.exp(scalar) == ag.exp(number)
    assert ag.hypot(Value(1.0), scalar).data == ag.hypot(1.0, number)
    assert ag.sum([scalar, Value(1.0)]).operands[0] == number
    leaf = Value(0.0)
    leaf.data = scalar
    leaf.grad = scalar
    assert (leaf.data, leaf.grad) == (number, number)
    leaf.backward(scalar)
    assert leaf.grad == 2 * number


def test_a_fraction_is_the_nearest_float():
    assert (Value(1.0) * Fraction(1, 3)).data == 1 / 3
    assert (Fraction(1, 3) / Value(2.0)).data == (1 / 3) / 2.0


@pytest.mark.parametrize("other", [Decimal(2), 2 + 0j, np.complex128(2), "2", None, [2.0], np.datetime64("2020-01-01")])
@pytest.mark.parametrize("operation", ARITHMETIC)
def test_other_kinds_are_refused_on_both_sides(operation: Callable[[Any, Any], Any], other: Any):
    with pytest.raises(TypeError):
        operation(Value(2.0), other)
    if not (isinstance(other, str) and operation is operator.mod):  # "2" % v is formatting
        with pytest.raises(TypeError):
            operation(other, Value(2.0))
    with pytest.raises(TypeError, match=type(other).__name__):
        Value(other)


@pytest.mark.parametrize("large", [10**400, -(10**400), Fraction(10**400)])
def test_a_number_too_large_for_a_float_is_an_error(large: Any):
    for use in (Value, lambda n: Value(1.0) + n, lambda n: n * Value(1.0), lambda n: ag.exp(n)):
        with pytest.raises(OverflowError):
            use(large)


# -- NumPy's arrays --------------------------------------------------------------------------------------------------
def test_a_value_times_an_array_is_an_array_of_values():
    x = Value(3.0)
    for made in (x * np.array([1.0, 2.0]), np.array([1.0, 2.0]) * x):
        assert isinstance(made, np.ndarray)
        assert (made.dtype, made.shape) == (object, (2,))
        assert [type(v) for v in made] == [Value, Value]
        assert [v.data for v in made] == [3.0, 6.0]


@pytest.mark.parametrize("operation", ARITHMETIC)
def test_arrays_of_floats_on_both_sides(operation: Callable[[Any, Any], Any]):
    array = np.array([[1.5, 2.0, 0.5], [4.0, 1.0, 2.25]])
    for x in (3.0, 0.75):
        assert [[v.data for v in row] for row in operation(Value(x), array)] == [
            [operation(Value(x), y).data for y in row] for row in array.tolist()
        ]
        assert [[v.data for v in row] for row in operation(array, Value(x))] == [
            [operation(y, Value(x)).data for y in row] for row in array.tolist()
        ]


def test_arrays_of_values_go_through_linear_algebra():
    a = np.array([Value(1.0), Value(2.0)])
    w = np.array([[0.5, -1.0], [2.0, 3.0]])
    out = (w @ a) @ a
    out.backward()
    assert out.data == 0.5 + 2 * 1.0 + 3.0 * 4.0
    # d(aᵀWa)/da = (W + Wᵀ)a
    assert [v.grad for v in a] == ((w + w.T) @ np.array([1.0, 2.0])).tolist()
    assert (a @ np.array([Value(3.0), Value(4.0)])).data == 11.0
    assert np.dot(a, a).data == 5.0
    assert np.outer(a, [1.0, 2.0])[1, 1].data == 4.0


UFUNCS = ("exp", "log", "sqrt", "sin", "cos", "tanh", "sinh", "cosh", "log2", "log10", "log1p", "expm1", "exp2", "cbrt")


@pytest.mark.parametrize("name", UFUNCS)
def test_numpy_s_functions_call_the_methods(name: str):
    a = np.array([Value(0.25), Value(1.5)])
    made = getattr(np, name)(a)
    assert [v.op for v in made] == [name, name]
    assert [v.data for v in made] == [getattr(ag, name)(0.25), getattr(ag, name)(1.5)]
    made.sum().backward()
    assert [v.grad for v in a] == [getattr(ag, name)(Value(x)).local_grads[0] for x in (0.25, 1.5)]


def test_reductions_and_choices_of_arrays():
    a = np.array([Value(2.0), Value(-1.0), Value(0.5)])
    assert (a.sum().data, a.prod().data, a.mean().data) == (1.5, -1.0, 0.5)
    assert (a.max() is a[0], a.min() is a[1], int(a.argmax()), int(np.argmin(a))) == (True, True, 0, 1)
    assert [v.data for v in np.abs(a)] == [2.0, 1.0, 0.5]
    assert [v.data for v in -a] == [-2.0, 1.0, -0.5]
    assert [v.data for v in a**2] == [4.0, 1.0, 0.25]
    assert (a > 0).tolist() == [True, False, True]
    assert [v.data for v in a[(a > 0).astype(bool)]] == [2.0, 0.5]
    assert [v.data for v in np.sort(a)] == [-1.0, 0.5, 2.0]
    assert [v is w for v, w in zip(np.maximum(a, a[::-1]), a[[0, 1, 0]], strict=True)] == [True, True, True]
    assert [v.data for v in np.cumsum(a)] == [2.0, 1.0, 1.5]


def test_a_value_does_not_slip_into_an_array_of_floats():
    with pytest.raises(TypeError, match=r"v\.data"):
        np.array([Value(1.0)], dtype=float)
    with pytest.raises(TypeError, match=r"v\.data"):
        np.zeros(2)[0] = np.float64(Value(1.0))


NUMPY_S_NAMES = {
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctanh": "atanh",
    "fabs": "abs",
    "rint": "round",
}


@pytest.mark.parametrize("name", NUMPY_S_NAMES)
def test_numpy_s_own_names_are_aliases(name: str):
    ours, numbers = NUMPY_S_NAMES[name], (1.25, 1.75) if name == "arccosh" else (0.25, 0.75)
    a = np.array([Value(x) for x in numbers])
    made = getattr(np, name)(a)
    assert [v.op for v in made] == [ours, ours]
    assert [v.data for v in made] == [getattr(ag, ours)(x) for x in numbers]
    made.sum().backward()
    assert [v.grad for v in a] == [getattr(ag, ours)(Value(x)).local_grads[0] for x in numbers]


def test_numpy_s_functions_of_two_and_its_statistics():
    a = np.array([Value(1.0), Value(2.0), Value(4.5)])
    angle = np.arctan2(a, 2.0)
    assert [(v.op, v.data) for v in angle] == [("atan2", ag.atan2(x, 2.0)) for x in (1.0, 2.0, 4.5)]
    assert [v.data for v in np.hypot(a, a[::-1])] == [ag.hypot(x, y) for x, y in ((1.0, 4.5), (2.0, 2.0), (4.5, 1.0))]
    numbers = np.array([1.0, 2.0, 4.5])
    for statistic in (np.std, np.var, np.median, np.ptp, np.linalg.norm):
        assert statistic(a).data == pytest.approx(statistic(numbers), rel=1e-15)
    assert np.vdot(a, a).data == 25.25
    assert [v.data for v in np.round(a)] == [1.0, 2.0, 4.0]
    assert np.conjugate(a)[0] is a[0]
    np.std(a).backward()
    deviations = (numbers - numbers.mean()) / (3 * numbers.std())
    assert [v.grad for v in a] == pytest.approx(deviations.tolist(), rel=1e-14)


NOT_FOUND = {
    1: "trunc degrees radians deg2rad rad2deg gradient isnan isfinite isinf modf cov",
    2: "floor_divide isclose allclose logaddexp heaviside copysign float_power",
    3: "interp",
}


@pytest.mark.parametrize(("count", "name"), [(count, name) for count in NOT_FOUND for name in NOT_FOUND[count].split()])
def test_numpy_s_functions_that_the_docs_list_as_not_found(count: int, name: str):
    """No gradient is lost without a word; docs/from_micrograd.md lists them."""
    array = np.array([Value(0.5), Value(0.25)])
    with pytest.raises((TypeError, AttributeError)):
        getattr(np, name)(*[array] * count)
