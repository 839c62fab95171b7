"""grad, jacobian, hessian, jvp, hvp: values against mpmath and by hand, shapes, nesting, errors."""

from __future__ import annotations

import itertools
import math
from collections import namedtuple
from fractions import Fraction

import numpy as np
import pytest
from graphs import programs, run, run_on_values
from hypothesis import HealthCheck, given, settings
from mpmath import mp, mpf

import autograd as ag
import nn
from autograd import (
    Value,
    grad,
    gradcheck,
    hessian,
    hvp,
    jacobian,
    jvp,
    no_grad,
    passes,
    topological_order,
    value_and_grad,
)
from autograd.passes import gradients
from autograd.value import creation_number, number_of


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
        assert hvp(lambda x: x**3, (3.0,), (2.0,)) == 36.0
        assert hvp(lambda x: x**3, (Value(3.0),), (2.0,)) == 36.0
        assert hessian(lambda x, y: x * x * y)(3.0, 2.0) == ((4.0, 6.0), (6.0, 0.0))
        assert jvp(lambda x: x**3, (2.0,), (1.0,)) == (8.0, 12.0)
        assert (Value(2.0) * 2).parents == ()


# -- no gradient is lost -----------------------------------------------------------------------------------------------
def test_the_gradient_by_what_the_function_uses_besides_its_argument():
    x = Value(1.0)
    y = x * grad(lambda t: x * t)(2.0)
    y.backward()
    assert (y.data, x.grad) == (1.0, 2.0)
    assert gradcheck(lambda x: x * grad(lambda y: x * y)(2.0), (1.0,))


# d/dw of each at w = 3, by hand, for f(t) = w² t³ at t = 2: f = 72, f' = 3w²t² = 108, f'' = 6w²t = 108
BY_WEIGHT = {
    "grad": (lambda f: grad(f)(2.0), 108.0, 72.0),
    "grad of several": (lambda f: grad(lambda t, u: f(t) * u, argnums=[0, 1])(2.0, 1.0)[0], 108.0, 72.0),
    "value": (lambda f: value_and_grad(f)(2.0)[0], 72.0, 48.0),
    "value_and_grad": (lambda f: value_and_grad(f)(2.0)[1], 108.0, 72.0),
    "jacobian": (lambda f: jacobian(lambda t: [t * t, f(t)])(2.0)[1], 108.0, 72.0),
    "hessian": (lambda f: hessian(f)(2.0), 108.0, 72.0),
    "hessian, blocks": (lambda f: hessian(lambda t, u: f(t) * u)(2.0, 1.0)[0][1], 108.0, 72.0),
    "jvp, value": (lambda f: jvp(f, (2.0,), (1.0,))[0], 72.0, 48.0),
    "jvp": (lambda f: jvp(f, (2.0,), (0.5,))[1], 54.0, 36.0),
    "hvp": (lambda f: hvp(f, (2.0,), (0.5,)), 54.0, 36.0),
    "grad of grad": (lambda f: grad(grad(f))(2.0), 108.0, 72.0),
    "an array": (lambda f: grad(lambda a: f(a[0]))(np.array([2.0])).tolist()[0], 108.0, 72.0),
}


@pytest.mark.parametrize("name", BY_WEIGHT)
def test_results_carry_their_graph_where_the_function_reaches_older_leaves(name):
    transform, value, slope = BY_WEIGHT[name]
    w = Value(3.0)
    result = transform(lambda t: w * w * t**3)
    assert type(result) is Value
    result.backward()
    assert (result.data, w.grad) == (value, slope)
    w.grad = 0.5
    with no_grad():
        result = transform(lambda t: w * w * t**3)
    assert type(result) is float
    assert (result, w.grad) == (value, 0.5)


@pytest.mark.parametrize("name", BY_WEIGHT)
def test_results_are_floats_where_it_reaches_none(name):
    def own(t):
        w = Value(3.0)  # made in the call
        return w * w * t**3 + 0.0 * Value(0.0)

    transform, value, _ = BY_WEIGHT[name]
    assert type(transform(own)) is float
    assert transform(own) == value


def test_all_rows_of_a_jacobian_are_of_one_kind():
    w = Value(3.0)
    assert [type(x) for x in jacobian(lambda t: [t, w * t, Value(1.0), 2.0])(1.0)] == [Value] * 4
    assert [type(x) for x in jacobian(lambda t: [t, Value(1.0), 2.0])(1.0)] == [float] * 3
    value, tangent = jvp(lambda t: [t, w * t, 2.0], (1.0,), (1.0,))
    assert {type(x) for x in value + tangent} == {Value}


def test_a_network_that_is_trained_on_its_derivative():
    """A loss on u'(t), as physics-informed training has it: parameters' gradients against differences."""
    model = nn.MLP(1, [4, 1], activation="tanh", seed=3)
    u = lambda t: model([t])  # noqa: E731

    def loss(t):
        return (grad(u)(t) + u(t)) ** 2 + grad(grad(u))(t)

    assert gradcheck(lambda t: loss(t), (0.3,), parameters=model.parameters())
    assert gradcheck(lambda: loss(0.3), (), parameters=model.parameters())
    before = [p.grad for p in model.parameters()]
    with no_grad():
        assert type(grad(u)(0.3)) is float
    assert [p.grad for p in model.parameters()] == before


def test_results_inside_no_grad_inside_a_tape_are_computed_anew():
    w = Value(3.0)

    def function(x):
        with no_grad():
            slope = grad(lambda t: w * t * t * x)(x)
        return slope * x

    tape = ag.record(function, inputs=[2.0])
    w.data = 5.0
    outputs, gradients = tape.value_and_grad([[2.0], [1.0]])
    assert outputs == [80.0, 10.0]
    assert gradients == [[40.0], [10.0]]  # the slope alone: its own gradient was cut
    # no number of the function's own is frozen, and none warned of
    assert ag.record(lambda x: x * value_and_grad(lambda t: t * t)(3.0)[0], inputs=[2.0]).forward([[4.0]]) == [36.0]


# -- several arguments, numbers as results, arrays ---------------------------------------------------------------------
def test_jacobian_and_hessian_take_all_arguments():
    f = lambda x, y: [x * y, y * y]  # noqa: E731
    assert jacobian(f)(2.0, 3.0) == [(3.0, 2.0), (0.0, 6.0)]
    assert jacobian(f, argnums=0)(2.0, 3.0) == [3.0, 0.0]
    assert jacobian(lambda x, y: x * y)(2.0, 3.0) == (3.0, 2.0)
    assert jacobian(lambda x, y: x[0] * x[1] * y)([2.0, 3.0], 5.0) == ([15.0, 10.0], 6.0)
    assert jacobian(lambda x: x * x)(2.0) == 4.0
    assert jacobian(lambda x: x * x, argnums=[0])(2.0) == (4.0,)
    g = lambda x, y: x[0] * x[0] * x[1] * y  # noqa: E731
    blocks = hessian(g)([2.0, 3.0], 5.0)
    assert blocks == (([[30.0, 20.0], [20.0, 0.0]], [12.0, 4.0]), ([12.0, 4.0], 0.0))
    assert hessian(g, argnums=[1, 0])([2.0, 3.0], 5.0) == ((0.0, [12.0, 4.0]), ([12.0, 4.0], blocks[0][0]))
    assert hessian(g, argnums=0)([2.0, 3.0], 5.0) == blocks[0][0]
    assert hessian(lambda x, y: x * y)({"a": 1.0}["a"], 2.0)[0][1] == 1.0
    assert hessian(lambda x, y: y * y)([], 2.0) == (([], []), ([], 2.0))
    assert hessian(lambda p, q: p["a"] * q[0])({"a": 2.0}, (3.0,)) == (
        ({"a": {"a": 0.0}}, {"a": (1.0,)}),
        (({"a": 1.0},), ((0.0,),)),
    )
    assert grad(lambda x, y: x * y, argnums=[0, 1])(2.0, 3.0) == (3.0, 2.0)
    assert value_and_grad(lambda x, y: x * y, argnums=[1])(2.0, 3.0) == (6.0, (2.0,))


def test_a_number_is_a_constant():
    assert grad(lambda x: 1.0)(3.0) == 0.0
    assert type(grad(lambda x: 1)(3.0)) is float
    assert grad(lambda x: Fraction(1, 2))([3.0, 4.0]) == [0.0, 0.0]
    assert value_and_grad(lambda x: np.float64(2.0))(3.0) == (2.0, 0.0)
    assert type(value_and_grad(lambda x: 1)(3.0)[0]) is float
    assert jacobian(lambda x: [x[0], 1.0, (Value(2.0), True)])([1.0, 2.0]) == [[1.0, 0.0], [0.0, 0.0], ([0.0] * 2,) * 2]
    assert hessian(lambda x: 1.0)([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert hessian(lambda x: 2.0 * x)(3.0) == 0.0
    assert jvp(lambda x: [4.0, x], (1.0,), (2.0,)) == ([4.0, 1.0], [0.0, 2.0])
    assert hvp(lambda x, y: 4.0, (1.0, [2.0]), (1.0, [2.0])) == (0.0, [0.0])


def rosen(p):
    return sum(100.0 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(p))


def test_arrays_in_arrays_out():
    x = np.array([1.3, 0.7, 0.8])
    gradient = grad(rosen)(x)
    assert (type(gradient), gradient.dtype, gradient.shape) == (np.ndarray, np.float64, (3,))
    assert gradient.tolist() == grad(rosen)(x.tolist())
    value, gradient = value_and_grad(rosen)(np.array([1, 2]))
    assert (value, gradient.tolist()) == (100.0, [-400.0, 200.0])
    # the function sees an array of Values
    assert grad(lambda a: np.sum(a[1:] * a[:-1]) + np.exp(a)[0])(np.array([0.0, 2.0])).tolist() == [3.0, 0.0]
    hessian_matrix = hessian(rosen)(x)
    assert (hessian_matrix.dtype, hessian_matrix.shape) == (np.float64, (3, 3))
    assert hessian_matrix.tolist() == hessian(rosen)(x.tolist())
    assert jacobian(lambda a: a * a)(np.array([2.0, 3.0])).tolist() == [[4.0, 0.0], [0.0, 6.0]]
    product = hvp(rosen, (x,), (np.array([1.0, 0.0, 2.0]),))
    assert product == pytest.approx(hessian_matrix @ [1.0, 0.0, 2.0], rel=1e-13)
    nested_ = grad(lambda p: p["w"][1] * p["b"])({"w": np.array([1.0, 2.0]), "b": 3.0})
    assert (nested_["w"].tolist(), nested_["b"]) == ([0.0, 3.0], 2.0)
    of_values = grad(lambda a: a[0] * a[1])(np.array([Value(2.0), Value(3.0)]))
    assert (of_values.dtype, [type(v) for v in of_values]) == (object, [Value, Value])
    assert grad(lambda a: 1.0)(np.array([])).tolist() == []
    with pytest.raises(ValueError, match=r"array\(\[·\]\), not \[·\]|array\(\[·\]\)"):
        jvp(lambda a: a[0], (np.array([1.0]),), ([1.0],))


def test_scipy_minimizes_by_it():
    optimize = pytest.importorskip("scipy.optimize")
    for method in ("BFGS", "L-BFGS-B"):
        found = optimize.minimize(optimize.rosen, np.array([1.3, 0.7, 0.8]), jac=grad(optimize.rosen), method=method)
        assert found.success
        assert found.x == pytest.approx([1.0, 1.0, 1.0], abs=1e-3)
    newton = optimize.minimize(
        rosen, [1.3, 0.7], jac=grad(rosen), hessp=lambda x, v: hvp(rosen, (x,), (v,)), method="Newton-CG"
    )
    assert newton.x == pytest.approx([1.0, 1.0], abs=1e-4)
    both = optimize.minimize(value_and_grad(rosen), [1.3, 0.7], jac=True)
    assert both.x == pytest.approx([1.0, 1.0], abs=1e-3)
    fitted = optimize.least_squares(
        lambda p: [10 * (p[1] - p[0] ** 2), 1 - p[0]],
        [-1.0, 2.0],
        jac=jacobian(lambda p: [10 * (p[1] - p[0] ** 2), 1 - p[0]]),
    )
    assert fitted.x == pytest.approx([1.0, 1.0], abs=1e-6)


# -- the passes --------------------------------------------------------------------------------------------------------
def bits(xs):
    return [x.hex() for x in xs]


@settings(derandomize=True, max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_passes_on_random_graphs(program):
    nodes = run_on_values(program)
    root, leaves = nodes[-1], nodes[: len(program.inputs)]
    root.backward()
    want = [leaf.grad for leaf in leaves]
    for node in nodes:
        node.grad = 0.25
    last = lambda xs: run(program, xs)[-1]  # noqa: E731

    # first derivatives are backward's, to the bit; a second pass over what stands gives them again
    value, gradient = value_and_grad(last)(list(program.inputs))
    assert bits([value, *gradient]) == bits([root.data, *want])
    assert bits(passes.gradients(root, leaves)) == bits(want)
    assert passes.gradients(root, leaves, creation_number(leaves[-1]), True) is None or not any(want)

    # recorded passes have the numbers of those that are not
    after = creation_number(leaves[0]) - 1
    recorded = passes.recorded_gradients(root, leaves, after)
    assert bits([number_of(x) for x in recorded]) == bits(want)
    directions = [math.sin(i + 1.0) for i in range(len(leaves))]
    along = passes.tangents([root, *nodes], leaves, directions, after)
    recorded = passes.recorded_tangents([root, *nodes], leaves, directions, after)
    assert bits([number_of(x) for x in recorded]) == bits(along)
    assert along[1 : 1 + len(leaves)] == directions
    assert {node.grad for node in nodes} == {0.25}


def test_no_pass_touches_a_node():
    """`grad` and `reached` of every node stay, and of what is older than the call too, whatever the pass."""
    w, unreached = Value(3.0), Value(4.0)
    w.grad = -0.0
    older = w * w
    f = lambda t: older * t * t + unreached * 0.0  # noqa: E731
    for run_it in (*(transform for transform, _, _ in BY_WEIGHT.values()), lambda f: passes.gradients(f(w), [w])):
        run_it(f)
        with no_grad():
            run_it(f)
    assert [(node.grad, node.reached) for node in (older, unreached)] == [(0.0, False)] * 2
    assert math.copysign(1.0, w.grad) == -1.0


def test_a_function_that_fails_leaves_nothing_behind():
    x = Value(2.0)
    for transform in (grad, jacobian, hessian):
        with no_grad():
            with pytest.raises(ZeroDivisionError):
                transform(lambda t: x * t * (1 / 0))(1.0)
            assert (x * x).parents == ()
    assert len((x * x).parents) == 2


def test_a_forward_pass_to_many_outputs():
    def powers(x):
        made = [x]
        for _ in range(100):
            made.append(made[-1] * x)
        return made

    _, slopes = jvp(powers, (1.01,), (2.0,))
    assert slopes == pytest.approx([2 * (n + 1) * 1.01**n for n in range(101)], rel=1e-12)


def test_deep_graphs():
    def chain(x):
        y = x
        for _ in range(50_000):
            y = y * 0.5 + x
        return y * y

    assert grad(chain)(1.0) == 8.0
    assert hvp(chain, (1.0,), (1.0,)) == 8.0
    w = Value(1.0)
    slope = grad(lambda x: chain(x) * w)(1.0)
    slope.backward()
    assert w.grad == 8.0


# -- nan goes on -------------------------------------------------------------------------------------------------------
NAN = math.nan


@pytest.mark.parametrize(
    ("f", "x"),
    [
        *((f, -1.5) for f in (ag.log, ag.log2, ag.log10, ag.log1p, ag.atanh, ag.sqrt)),
        *((f, NAN) for f in (abs, ag.floor, ag.ceil, ag.round, ag.sign, ag.relu, ag.leaky_relu, ag.exp, ag.logsigmoid)),
        (lambda p: -(ag.log(p) + 3 * ag.log(1 - p)), 1.2),
        (lambda x: ag.logsumexp([x, 1.0]), NAN),
        (lambda x: ag.maximum(x, 1.0), NAN),
    ],
)
def test_nan_stays_nan_in_every_order(f, x):
    for order in range(4):
        assert math.isnan(nested(f, order)(x) if order else f(x)), order
    assert math.isnan(hessian(f)(x))
    assert math.isnan(hvp(f, (x,), (1.0,)))


def test_hessians_where_an_entry_is_nan():
    assert hessian(lambda x, y: x**y)(-2.0, 3.0)[0][0] == -12.0
    assert all(map(math.isnan, hessian(lambda x, y: x**y)(-2.0, 3.0)[1]))
    assert all(math.isnan(x) for row in hessian(lambda x, y: x**y)(-2.0, 0.5) for x in row)
    # a branch that is not taken passes nothing on, in any order
    assert [nested(lambda x: ag.where(x > 0, ag.log(x), x * x), n)(-1.0) for n in (1, 2, 3)] == [-2.0, 2.0, 0.0]


def test_a_value_that_does_not_depend_on_the_input_gives_zeros():
    assert grad(lambda x: Value(2.0) * 3)([1.0, 2.0]) == [0.0, 0.0]
    assert hessian(lambda x: x[0] * 2)([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: grad(lambda x: "1")(1.0), TypeError, "must return a Value, not str '1'"),
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
        (lambda: jacobian(lambda x: [x, None])(1.0), TypeError, "lists and tuples of Values, not NoneType"),
        (lambda: grad(lambda x: x, argnums=[])(1.0), ValueError, "at least one"),
        (lambda: grad(lambda x: x, argnums=[0, True])(1.0, 2.0), TypeError, "argnums must be"),
        (lambda: jacobian(lambda: Value(1.0))(), ValueError, "at least one"),
        (lambda: grad(lambda x: x[0, 0])(np.ones((2, 2))), TypeError, "argument 0 .* one-dimensional .* not ndarray"),
        (lambda: grad(lambda x: x[0])(np.array([1j])), TypeError, r"argument 0 .*\[0\] .* complex"),
        (lambda: grad(lambda x: x[0])(np.ma.array([1.0], mask=[True])), TypeError, "MaskedArray"),
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


def test_leaves_that_the_function_makes_keep_their_gradients():
    made = []

    def function(x):
        made.append(Value(2.0))
        made[-1].grad = 7.0
        return x * made[-1]

    assert grad(function)(3.0) == 2.0
    assert ag.jvp(function, (3.0,), (1.0,)) == (6.0, 2.0)
    assert [leaf.grad for leaf in made] == [7.0] * len(made)


def test_a_result_from_before_keeps_its_gradient():
    y = Value(2.0)
    y.grad = 7.0
    with ag.no_grad():
        assert grad(lambda x: y)(1.0) == 0.0
    assert gradients(y, [Value(1.0)], creation_number(y)) == [0.0]
    assert y.grad == 7.0


def test_an_argument_that_is_kept_is_a_leaf_like_any_other():
    kept = []
    ag.jvp(lambda x: kept.append(x) or x * x, (3.0,), (1.0,))
    assert len(ag.topological_order(kept[0] * 2.0)) == 2


def test_a_constant_factor_that_is_infinite_is_no_error():
    assert ag.hessian(lambda x: (x / 0.0) * x)(1.0) == math.inf


def test_a_direction_of_zero_meets_an_infinite_derivative():
    assert ag.jvp(lambda x, y: ag.sqrt(x) + y, (0.0, 1.0), (0.0, 1.0)) == (1.0, 1.0)
    assert ag.jvp(lambda x: x.relu(), (-1.0,), (math.inf,)) == (0.0, 0.0)
