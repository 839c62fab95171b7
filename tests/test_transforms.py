"""grad, jacobian, hessian, jvp, hvp: values against mpmath and by hand, shapes, nesting, errors."""

from __future__ import annotations

import itertools
import math
from collections import namedtuple

import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import Value, grad, hessian, hvp, jacobian, jvp, no_grad, topological_order, value_and_grad
from autograd.value import creation_number


def nested(f, order):
    for _ in range(order):
        f = grad(f)
    return f


SMOOTH = {
    "x**5": (lambda x: x**5, lambda x: x**5, 1.3),
    "x**-2": (lambda x: x**-2, lambda x: x**-2, 1.3),
    "x**x": (lambda x: x**x, lambda x: x**x, 1.7),
    "2**x": (lambda x: 2**x, lambda x: mpf(2) ** x, 0.7),
    "1/x": (lambda x: 1 / x, lambda x: 1 / x, -0.6),
    "exp(sin x)": (lambda x: ag.exp(ag.sin(x)), lambda x: mp.exp(mp.sin(x)), 0.4),
    "tanh": (ag.tanh, mp.tanh, 0.7),
    "tanh at 0": (ag.tanh, mp.tanh, 0.0),
    "tanh in the tail": (ag.tanh, mp.tanh, 9.0),
    "sigmoid": (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), -1.2),
    "sigmoid at 0": (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), 0.0),
    "softplus": (ag.softplus, lambda x: mp.log(1 + mp.exp(x)), 0.3),
    "logsigmoid": (ag.logsigmoid, lambda x: -mp.log(1 + mp.exp(-x)), 0.3),
    "gelu": (ag.gelu, lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, -0.8),
    "silu": (ag.silu, lambda x: x / (1 + mp.exp(-x)), 1.1),
    "erf": (ag.erf, mp.erf, 0.35),
    "erf at a grid point": (ag.erf, mp.erf, 0.5),
    "erfc": (ag.erfc, mp.erfc, 1.9),
    "log": (ag.log, mp.log, 2.5),
    "log1p": (ag.log1p, lambda x: mp.log(1 + x), 0.2),
    "log2": (ag.log2, lambda x: mp.log(x) / mp.log(2), 2.5),
    "expm1": (ag.expm1, mp.expm1, 0.2),
    "sqrt": (ag.sqrt, mp.sqrt, 0.9),
    "cbrt": (ag.cbrt, mp.cbrt, 0.9),
    "tan": (ag.tan, mp.tan, 0.3),
    "asin": (ag.asin, mp.asin, 0.3),
    "acos": (ag.acos, mp.acos, 0.3),
    "atan": (ag.atan, mp.atan, 0.6),
    "asinh": (ag.asinh, mp.asinh, 0.6),
    "acosh": (ag.acosh, mp.acosh, 1.6),
    "atanh": (ag.atanh, mp.atanh, 0.3),
    "sinh cosh": (lambda x: ag.sinh(x) * ag.cosh(x), lambda x: mp.sinh(x) * mp.cosh(x), 0.8),
    "hypot": (lambda x: ag.hypot(x, 2.0), lambda x: mp.sqrt(x * x + 4), 0.8),
    "atan2": (lambda x: ag.atan2(x, 1 + x), lambda x: mp.atan2(x, 1 + x), 0.8),
    "logsumexp": (
        lambda x: ag.logsumexp([x, 2 * x, 0.5]),
        lambda x: mp.log(mp.exp(x) + mp.exp(2 * x) + mp.exp(0.5)),
        0.3,
    ),
    "cross entropy": (
        lambda x: ag.softmax_cross_entropy([x, x * x, 1.0], 1),
        lambda x: mp.log(mp.exp(x) + mp.exp(x * x) + mp.e) - x * x,
        0.6,
    ),
    "prod": (lambda x: ag.prod([x, x + 1, x * x]), lambda x: x * (x + 1) * x * x, 0.7),
    "dot": (lambda x: ag.dot([x, x * x], [x, 3.0]), lambda x: x * x + 3 * x * x, 0.7),
    "mean": (lambda x: ag.mean([x**3, ag.sin(x)]), lambda x: (x**3 + mp.sin(x)) / 2, 0.7),
    "abs": (lambda x: abs(x) ** 3, lambda x: mp.fabs(x) ** 3, -0.7),
    "elu": (ag.elu, lambda x: mp.exp(x) - 1, -0.4),
    "where": (lambda x: ag.where(x > 0, x**3, ag.sqrt(x)), lambda x: x**3, 0.7),
    "maximum": (lambda x: ag.maximum(x**3, 0.1), lambda x: x**3, 0.7),
    "clip": (lambda x: ag.clip(x**3, 0.0, 1.0), lambda x: x**3, 0.7),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_to_order_five_agree_with_mpmath(name):
    f, oracle, x = SMOOTH[name]
    for order in range(1, 6):
        with mp.workdps(120):
            want = mp.diff(oracle, mpf(x), order, h=mpf(10) ** -18)
        # Sums inside higher derivatives cancel, which multiplies roundings: 1e-11 of the largest lower derivative
        # or of the result, whichever is larger, is 10^5 roundings and far below any wrong sign or factor.
        got = nested(f, order)(x)
        assert got == pytest.approx(float(want), rel=1e-11, abs=1e-11), order


def test_nested_derivatives_are_not_confused():
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(3.0) == 1.0
    # the inner argument is a number, the inner gradient depends on x all the same
    assert grad(lambda x: x * grad(lambda y: x * y)(5.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z)(1.0))(1.0))(7.0) == 1.0


def test_second_derivatives_where_a_factor_is_zero():
    assert hessian(lambda p: p[0] * p[1])([0.0, 0.0]) == [[0.0, 1.0], [1.0, 0.0]]
    assert nested(lambda x: x * x, 2)(0.0) == 2.0
    assert nested(lambda x: x**2, 2)(0.0) == 2.0
    assert nested(lambda x: x**3, 2)(0.0) == 0.0
    assert nested(lambda x: x**3, 3)(0.0) == 6.0
    assert hessian(lambda x, y: x**y, argnums=(0, 1))(2.0, 0.0)[0][1] == 0.5  # x**(y-1) (1 + y log x)
    for x in (-1.0, 0.0):
        safe = lambda x: ag.where(x > 0, ag.sqrt(x), 0.0 * x)  # noqa: E731
        assert [nested(safe, n)(x) for n in (1, 2)] == [0.0, 0.0]
    assert nested(ag.relu, 2)(1.0) == 0.0


def rosenbrock(p):
    return (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2


def test_the_hessian_of_rosenbrock_by_hand():
    for x, y in ((1.0, 1.0), (-1.5, 2.0), (0.0, 0.0)):
        by_hand = [[2 - 400 * (y - 3 * x * x), -400 * x], [-400 * x, 200.0]]
        assert hessian(rosenbrock)([x, y]) == [pytest.approx(row, rel=1e-14) for row in by_hand]
        product = hvp(rosenbrock, ([x, y],), ([0.5, -2.0],))
        assert product == pytest.approx([0.5 * a - 2.0 * b for a, b in by_hand], rel=1e-13)


def tanh_net_loss(w):
    """(2, 4, 1) with tanh, squared error at one sample; 17 parameters in a flat list."""
    x, t = (0.5, -1.2), 0.3
    hidden = [ag.tanh(w[3 * i] * x[0] + w[3 * i + 1] * x[1] + w[3 * i + 2]) for i in range(4)]
    out = sum((w[12 + i] * hidden[i] for i in range(4)), w[16])
    return (out - t) ** 2


def test_the_hessian_of_a_tanh_net_by_hand():
    w = [0.3, -0.4, 0.1, 0.8, 0.2, -0.3, -0.5, 0.6, 0.0, 0.9, -0.7, 0.2, 0.5, -0.6, 0.7, 0.4, 0.1]
    x, t = (0.5, -1.2, 1.0), 0.3
    h = [math.tanh(sum(w[3 * i + j] * x[j] for j in range(3))) for i in range(4)]
    error = sum(w[12 + i] * h[i] for i in range(4)) + w[16] - t
    slope = [1 - v * v for v in h]
    # d out / d parameter, then H = 2 J Jᵀ + 2 error · d²out
    first = [w[12 + i] * slope[i] * x[j] for i in range(4) for j in range(3)] + h + [1.0]
    want = [[2 * a * b for b in first] for a in first]
    for i in range(4):
        for j in range(3):
            for k in range(3):
                curvature = w[12 + i] * -2 * h[i] * slope[i] * x[j] * x[k]
                want[3 * i + j][3 * i + k] += 2 * error * curvature
            want[3 * i + j][12 + i] += 2 * error * slope[i] * x[j]
            want[12 + i][3 * i + j] += 2 * error * slope[i] * x[j]
    got = hessian(tanh_net_loss)(w)
    for got_row, want_row in zip(got, want, strict=True):
        assert got_row == pytest.approx(want_row, rel=1e-12, abs=1e-14)  # sums of a few terms, each rounded
    v = [math.sin(i) for i in range(17)]
    product = hvp(tanh_net_loss, (w,), (v,))
    assert product == pytest.approx([sum(a * b for a, b in zip(row, v, strict=True)) for row in want], rel=1e-11)


def test_hvp_costs_a_small_multiple_of_f_whatever_the_dimension():
    """Counted in recorded nodes, not in seconds."""

    def f(xs):
        total = xs[0]
        for a, b in itertools.pairwise(xs):
            total = total + ag.sin(a * b) * a
        return total

    def nodes_made(run) -> int:
        before = creation_number(Value(0.0))
        run()
        return creation_number(Value(0.0)) - before - 1

    ratios = []
    for n in (10, 100, 1000):
        xs = [1.0 + i / n for i in range(n)]
        own = nodes_made(lambda xs=xs: f([Value(x) for x in xs]))
        ratios.append(nodes_made(lambda xs=xs, n=n: hvp(f, (xs,), ([1.0] * n,))) / own)
    assert max(ratios) < 6
    assert ratios[2] == pytest.approx(ratios[1], rel=0.05)


def test_arguments_and_gradients_share_their_shape():
    Point = namedtuple("Point", "x y")
    f = lambda t: t["w"][0] * t["w"][1][0] * t["p"].x + t["p"].y  # noqa: E731
    argument = {"w": [2, (3.0,)], "p": Point(5.0, 7)}
    value, gradient = value_and_grad(f)(argument)
    assert value == 37.0
    assert gradient == {"w": [15.0, (10.0,)], "p": Point(6.0, 1.0)}
    assert type(gradient["p"]) is Point
    assert grad(lambda x, y: x * y, argnums=1)(2.0, 3.0) == 2.0
    assert grad(lambda x, y: x * y, argnums=(1,))(2.0, 3.0) == (2.0,)
    assert grad(lambda x, y: x * y, argnums=-1)(2.0, 3.0) == 2.0
    assert grad(lambda x, factor=1.0: x * factor)(2.0, factor=5.0) == 5.0
    assert grad(lambda x, how: x**2 if how == "square" else x)(3.0, "square") == 6.0
    assert jacobian(lambda x: (x, [x * x, Value(2.0)]))(3.0) == (1.0, [6.0, 0.0])
    assert jacobian(lambda a, b: [a * b], argnums=(0, 1))(2.0, 3.0) == [(3.0, 2.0)]


def test_jvp():
    assert jvp(lambda x, y: [x * y, x], (2.0, 3.0), (1.0, 0.5)) == ([6.0, 2.0], [4.0, 1.0])
    assert jvp(lambda p: p["a"] ** 2, ({"a": 3.0},), ({"a": 2.0},)) == (9.0, 12.0)
    assert jvp(lambda x: Value(4.0), (1.0,), (1.0,)) == (4.0, 0.0)
    value, tangent = jvp(lambda x: x**3, (Value(2.0),), (1.0,))
    assert type(value) is type(tangent) is Value
    assert grad(lambda x: jvp(lambda y: y**3, (x,), (1.0,))[1])(2.0) == 12.0
    assert grad(lambda v: jvp(lambda y: y**3, (2.0,), (v,))[1])(1.0) == 12.0


def test_values_in_give_values_out_and_floats_floats():
    x = Value(2.0)
    g = grad(lambda y: y**3)(x)
    assert type(g) is Value
    g.backward()
    assert (g.data, x.grad) == (12.0, 12.0)
    assert type(grad(lambda y: y)(x)) is Value
    assert type(grad(lambda y: y**3)(2)) is float


def test_no_transform_touches_a_gradient():
    w = Value(3.0)
    w.grad = 7.0
    loss = w * w
    loss.grad = 5.0
    assert grad(lambda x: loss * x * w)(2.0) == 27.0
    hessian(lambda x: loss * x * x * w)(2.0)
    hvp(lambda x: loss * x * x * w, (2.0,), (1.0,))
    assert (w.grad, loss.grad) == (7.0, 5.0)
    assert all(node.grad in (7.0, 5.0) for node in topological_order(loss))


def test_inside_no_grad_a_transform_still_differentiates():
    with no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert nested(lambda x: x**3, 2)(3.0) == 18.0
        assert (Value(2.0) * 2).parents == ()


def test_a_value_that_does_not_depend_on_the_input_gives_zeros():
    assert grad(lambda x: Value(2.0) * 3)([1.0, 2.0]) == [0.0, 0.0]
    assert hessian(lambda x: x[0] * 2)([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: grad(lambda x: x.data)(1.0), TypeError, "must return a Value, not float"),
        (lambda: grad(lambda x: None)(1.0), TypeError, "must return a Value, not NoneType"),
        (lambda: grad(lambda x: [x])(1.0), TypeError, "jacobian"),
        (lambda: grad(lambda x: x, argnums=1)(1.0), ValueError, "argument 1, but the function was given 1"),
        (lambda: grad(lambda x: x, argnums=(0, -2))(1.0), ValueError, "argument -2"),
        (lambda: grad(lambda x: x, argnums=(0, 0))(1.0), ValueError, "each once"),
        (lambda: grad(lambda x, y: x, argnums=(0, -2))(1.0, 2.0), ValueError, "each once"),
        (lambda: grad(lambda x: x, argnums=())(1.0), ValueError, "at least one"),
        (lambda: grad(3)(1.0), TypeError, "takes a function, not int"),
        (lambda: grad(lambda x: x, argnums=0.5)(1.0), TypeError, "argnums must be"),
        (lambda: grad(lambda x: x)("1"), TypeError, "argument 0 .* not str '1'"),
        (lambda: grad(lambda x: x[0])([1.0, None]), TypeError, r"argument 0 .*\[1\] .* NoneType"),
        (lambda: jacobian(lambda x: {"y": x})(1.0), TypeError, "lists and tuples of Values, not dict"),
        (lambda: jacobian(lambda x: [x, {"y": x}])(1.0), TypeError, "dict"),
        (lambda: jacobian(lambda x: [x, 1.0])(1.0), TypeError, "lists and tuples of Values"),
        (lambda: jvp(lambda x: x, (1.0,), (1.0, 2.0)), ValueError, "shape of the primals"),
        (lambda: jvp(lambda x: x[0], ([1.0],), ((1.0,),)), ValueError, r"\(\[·\]\), not \(\(·\)\)"),
        (lambda: jvp(lambda x: x, 1.0, 1.0), TypeError, r"tuple of the function's arguments, as \(1.0,\)"),
        (lambda: hvp(lambda x: x, (1.0,), [1.0]), TypeError, "vectors must be the tuple"),
    ],
)
def test_errors_say_what_is_wrong(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("function", [ag.take, ag.softmax_cross_entropy])
def test_second_derivatives_where_the_index_is_a_value(function):
    index = Value(1.0)
    by_value, by_number = (hessian(lambda p, i=i: function(p, i) ** 2)([0.5, 2.0, -1.0]) for i in (index, 1))
    assert by_value == by_number
    assert any(x != 0.0 for row in by_number for x in row)
