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


# -- kinks -------------------------------------------------------------------------------------------------------------
# value, and what gradcheck says of its first number: (left, right, ours)
KINKS = {
    "relu": (ag.relu, (0.0,), "left 0, right 1, ours 0"),
    "leaky_relu": (ag.leaky_relu, (0.0,), "left 0.01, right 1, ours 0.01"),
    "abs": (abs, (0.0,), "left -1, right 1, ours 0"),
    "abs, curved": (lambda x: abs(x - 2.0) * x + 50.0 * ag.sin(x), (2.0,), "left -22.8, right -18.8, ours -20.8"),
    "maximum at a tie": (lambda x, y: ag.maximum(x, y), (2.0, 2.0), "left 0, right 1, ours 0.5"),
    "minimum at a tie": (lambda x, y: ag.minimum(x, y), (2.0, 2.0), "left 1, right 0, ours 0.5"),
    "clip": (lambda x: ag.clip(x, -1.0, 1.0), (1.0,), "left 1, right 0, ours 0"),
    "far from 0": (lambda x: ag.relu(x - 1e6), (1e6,), "left 0, right 1, ours 0"),
    "steep": (lambda x: 1e8 * ag.relu(x) + 1e8, (0.0,), "left 0, right 1e+08, ours 0"),
    "a slight bend": (lambda x: x * x * x + 1e-4 * ag.relu(x - 1.0), (1.0,), "left 3, right 3, ours 3"),
    "between, at either end": (lambda x: ag.where(x > 0, 3.0 * x, 2.0 * x), (0.0,), "left 2, right 3, ours 2"),
    # relu(x) - relu(-x)/2 has the derivatives 1/2 and 1; by the rule of relu it is 0, which is not between
    "several at once": (lambda x: ag.relu(x) - 0.5 * ag.relu(-x), (0.0,), "left 0.5, right 1, ours 0"),
}


@pytest.mark.parametrize("name", KINKS)
def test_an_entry_at_a_kink_is_named_and_judged_by_both_sides(name):
    f, inputs, figures = KINKS[name]
    report = gradcheck(f, inputs)
    assert report.kinks[0] == f"number 0 of the inputs: {figures}"
    assert report.relative_difference < 1e-6


SMOOTH = {
    "x**2 at 0": (lambda x: x * x, 0.0),
    "strongly curved": (lambda x: 1e4 * x * x + x, 0.0),
    "exp": (lambda x: ag.exp(30.0 * x), 0.3),
    "near a pole": (lambda x: 1.0 / x, 1e-2),
    "no slope, little curvature": (lambda x: x * x * x + 1e-3 * x * x + 1.0, 0.0),
    "a constant gradient": (lambda x: 3.0 * x, 0.1),
    "beside a kink": (lambda x: ag.relu(x), 1e-3),
    "gelu": (ag.gelu, 0.0),
    "softplus, sharp": (lambda x: ag.softplus(100.0 * x) / 100.0, 0.0),
    "beside a large number": (lambda x: 1e6 + ag.sin(x), 0.5),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_curvature_and_noise_are_no_kinks(name):
    f, x = SMOOTH[name]
    assert gradcheck(f, (x,)).kinks == ()


def test_nets_with_relus_exactly_on_zero_pass():
    named = 0
    for seed in range(5):
        for inputs in ([0.0, 0.0], [0.0, 1.0]):
            model = nn.MLP(2, [5, 4, 1], seed=seed)  # biases are 0: at input 0 every ReLU is
            report = gradcheck(lambda x, model=model: model(x), (inputs,), parameters=model.parameters())
            assert report.relative_difference <= 1e-6
            named += len(report.kinks)
    assert named > 20


# right gradients that one step of differences does not show, at 0
BENT = {
    "a jump of the second derivative": lambda x: 0.7 + 2e-3 * ag.relu(x) * x,
    "a jump of the second derivative, with a slope": lambda x: 1e-3 * x + ag.relu(x) * x,
    "a kink inside the step": lambda x: x + ag.relu(x - 1e-6),
    "a kink inside the step, and one at the point": lambda x: ag.relu(x) + 3.0 * x + 0.5 * ag.relu(-1e-6 - x),
    "several at the point, and one inside the step": lambda x: ag.relu(x) - 0.5 * ag.relu(-x) + ag.relu(x - 1e-6),
    "a jump inside the step": lambda x: x + ag.floor(x - 1e-6),
}


@pytest.mark.parametrize("name", BENT)
def test_what_bends_inside_the_step_is_looked_at_again(name):
    assert gradcheck(BENT[name], (0.0,)).relative_difference <= 1e-6


@pytest.mark.parametrize("name", BENT)
def test_a_wrong_gradient_beside_such_a_bend_is_caught(name):
    # by 1e-5, more than rounding does to the smaller step's difference at a value of 1 (4e-7), and below both sides
    wrong = primitive("wrong_identity", lambda x: x, lambda x, out: 0.99999)
    with pytest.raises(GradientMismatch):
        gradcheck(lambda x: BENT[name](x) + wrong(x), (0.0,))


def wrong_at_0(name, slope):
    return primitive(name, lambda x: max(x, 0.0), lambda x, out: 1.0 if x > 0 else (slope if x == 0 else 0.0))


def test_a_wrong_derivative_at_a_kink_is_caught():
    wrong = wrong_at_0("relu_seven", 7.0)
    for f in (wrong, lambda x: wrong(x) - 0.5 * ag.relu(-x)):
        with pytest.raises(GradientMismatch) as caught:
            gradcheck(f, (0.0,))
        assert "at a kink" in str(caught.value)
        assert "ours 7" in str(caught.value)
        assert caught.value.report.kinks
    assert gradcheck(wrong, (0.5,))
    assert gradcheck(wrong_at_0("relu_half", 0.5), (0.0,))  # a subgradient as good as another
    with pytest.raises(GradientMismatch, match=r"left 0, right 1, ours -0.001"):
        gradcheck(wrong_at_0("relu_below", -0.001), (0.0,))


def test_a_wrong_derivative_beside_a_kink_is_caught():
    """Where several bend at once, the engine's derivatives on both sides are held against the one-sided ones."""
    slanted = primitive("slanted_relu", lambda x: max(x, 0.0), lambda x, out: 1.001 if x > 0 else 0.0)
    with pytest.raises(GradientMismatch, match="at a kink"):
        gradcheck(lambda x: slanted(x) - 0.5 * ag.relu(-x), (0.0,))


def test_what_cannot_be_computed_anew_is_judged_by_the_sides_alone():
    fast = ag.taped(lambda x: ag.relu(x) * 2.0)
    assert gradcheck(fast, (0.0,)).kinks == ("number 0 of the inputs: left 0, right 2, ours 0",)
    with pytest.raises(GradientMismatch, match="left 1, right 2, ours 0"):
        gradcheck(lambda x: fast(x) - ag.relu(-x), (0.0,))


def test_a_jump_is_not_a_kink():
    for f, x in ((ag.floor, 2.0), (ag.sign, 0.0), (lambda x: ag.where(x > 0, x + 1.0, x), 0.0)):
        with pytest.raises(GradientMismatch) as caught:
            gradcheck(f, (x,))
        assert caught.value.report.kinks == ()


def test_what_is_inside_the_noise_does_not_count_as_a_difference_of_1():
    report = gradcheck(lambda x, y: ag.sin(x) + 0.0 * y + (y - y), (1.0, 2.0))
    assert report.relative_difference < 1e-6
    # the engine's 0 against differences of roundings
    one = lambda x: ag.sin(x) ** 2 + ag.cos(x) ** 2  # noqa: E731
    numerical = []
    for i in range(20):
        report = gradcheck(one, (0.1 * i,))
        assert report.analytic == 0.0
        assert report.relative_difference < 1e-6
        assert gradcheck(one, (0.1 * i,), tolerance=0.0).relative_difference == 0.0
        numerical.append(report.numerical)
    assert any(numerical)


def test_under_no_grad_gradcheck_still_differentiates():
    with ag.no_grad():
        assert gradcheck(lambda x: x * x * x, (2.0,)).analytic == 12.0
        assert gradcheck(lambda x: ag.grad(lambda t: x * t * t)(2.0).exp(), (0.5,))


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
        (lambda: numerical_gradient(lambda x: x, 1.0), TypeError, r"not float: \(1.0,\) for a function of one"),
        (lambda: gradcheck(lambda x: x, [1.0]), TypeError, "tuple"),
        (lambda: gradcheck(lambda x: 2.0, (1.0,)), TypeError, "must return a Value"),
        (lambda: numerical_gradient(lambda x: [x], (1.0,)), TypeError, "list"),
        (lambda: gradcheck(lambda x: x, (1.0,), parameters=[Value(1.0) * 2]), TypeError, "leaf"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_entries_of_several_lists_are_told_by_their_argument():
    def loses(x: list[Value], y: list[Value]) -> Value:
        return x[0] * y[1] + x[1] * y[0] * y[1].data

    with pytest.raises(GradientMismatch, match=r"worst entry  number 3 of the inputs \(number 1 of argument 1\)"):
        gradcheck(loses, ([1.0, 2.0], [3.0, 4.0]))
    with pytest.raises(TypeError, match=r"for a function of one argument, tuple\(\[1.0, 2.0\]\) for one of 2"):
        gradcheck(loses, [1.0, 2.0])
