"""numerical_gradient and gradcheck, on formulas, on wrong primitives and on a whole model."""

from __future__ import annotations

import math

import pytest

import autograd as ag
import nn
from autograd import GradientMismatch, Value, gradcheck, numerical_gradient, primitive


def test_numerical_gradient_keeps_the_shape():
    assert numerical_gradient(lambda x: x**2, (3.0,)) == pytest.approx(6.0, rel=1e-9)
    a, b = numerical_gradient(lambda p, q: p["u"] * q[0] + q[1], ({"u": 2.0}, [3.0, 4.0]))
    assert a == {"u": pytest.approx(3.0)}
    assert b == pytest.approx([2.0, 1.0])


def test_numerical_gradient_takes_functions_that_return_numbers():
    assert numerical_gradient(lambda x: math.sin(x.data), (1.0,)) == pytest.approx(math.cos(1.0), rel=1e-8)


def test_gradcheck_reports():
    report = gradcheck(lambda x, y: ag.exp(x) * y[0], (0.5, [2.0, 3.0]))
    assert report
    assert report.passed
    assert report.analytic == (2 * math.exp(0.5), [math.exp(0.5), 0.0])
    assert report.numerical[0] == pytest.approx(report.analytic[0], rel=1e-8)
    assert 0 <= report.relative_difference < 1e-8


def test_a_wrong_primitive_is_caught():
    wrong = primitive("wrong_cube", lambda x: x**3, lambda x, out: 2 * x**2)
    with pytest.raises(GradientMismatch) as caught:
        gradcheck(lambda x, y: wrong(x) + y, (2.0, 1.0))
    text = str(caught.value)
    assert "number 0 of the inputs, input 2.0" in text
    assert "analytic     8.0" in text
    assert "numerical    12.0" in text
    assert "1 of 2 entries" in text
    assert not caught.value.report
    assert caught.value.report.relative_difference == pytest.approx(0.2, rel=1e-6)


def test_a_small_relative_error_is_caught():
    wrong = primitive("slightly_wrong", lambda x: x**3, lambda x, out: 3.0001 * x**2)
    with pytest.raises(GradientMismatch):
        gradcheck(wrong, (2.0,))


def test_a_whole_model_in_inputs_and_parameters():
    model = nn.MLP(3, [4, 2], activation="tanh", seed=0)
    parameters = model.parameters()
    parameters[0].grad = 5.0
    before = [p.data for p in parameters]
    report = gradcheck(lambda x: nn.mse(model(x), [0.3, -0.1]), ([0.5, -1.0, 2.0],), parameters=parameters)
    assert report
    inputs, weights = report.analytic
    assert len(inputs) == 3
    assert len(weights) == len(parameters)
    assert [p.data for p in parameters] == before
    assert [p.grad for p in parameters] == [5.0] + [0.0] * (len(parameters) - 1)


def test_parameters_are_put_back_when_the_function_fails():
    p = Value(2.0, "p")
    calls = []

    def failing(x):
        calls.append(p.data)
        if len(calls) == 3:
            raise RuntimeError("no")
        return x * p

    with pytest.raises(RuntimeError):
        gradcheck(failing, (1.0,), parameters=[p])
    assert p.data == 2.0


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: gradcheck(lambda x: x * x, (math.nan,)), ValueError, "number 0 of the inputs is nan"),
        (lambda: gradcheck(lambda x: x[1], ([1.0, math.inf],)), ValueError, "number 1 of the inputs is inf"),
        (
            lambda: gradcheck(lambda: Value(1.0), (), parameters=[Value(math.nan, "w")]),
            ValueError,
            r"parameter 0 \(w\)",
        ),
        (lambda: gradcheck(lambda x: x, (1.0,), step=0), ValueError, "positive number, not 0"),
        (lambda: gradcheck(lambda x: x, (1.0,), step=1e-300), ValueError, "vanishes"),
        (lambda: numerical_gradient(lambda x: x, (1.0,), step=0.0), ValueError, "positive"),
        (lambda: numerical_gradient(lambda x: x, (1.0,), step=math.nan), ValueError, "positive"),
        (lambda: numerical_gradient(lambda x: x, 1.0), TypeError, r"as \(1.0,\)"),
        (lambda: gradcheck(lambda x: x, [1.0]), TypeError, "tuple"),
        (lambda: gradcheck(lambda x: 2.0, (1.0,)), TypeError, "must return a Value"),
        (lambda: numerical_gradient(lambda x: [x], (1.0,)), TypeError, "list"),
        (lambda: gradcheck(lambda x: x, (1.0,), parameters=[Value(1.0) * 2]), TypeError, "leaf"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()
