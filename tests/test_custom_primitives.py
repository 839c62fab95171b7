"""A user's primitive takes part in everything."""

from __future__ import annotations

import copy
import math
import pickle

import pytest

import autograd as ag
import viz
from autograd import Value, grad, gradcheck, hessian, primitive, steps

softcap = primitive(
    "softcap",
    lambda x, cap: cap * math.tanh(x / cap),
    [
        lambda x, cap, out: 1 - (out / cap) ** 2,
        lambda x, cap, out: out / cap - x / cap * (1 - (out / cap) ** 2),
    ],
    symbol="⊓",
)


def test_it_records_like_any_other():
    x = Value(0.5, "x")
    y = softcap(x, 2)
    assert (y.op, y.operands[1], len(y.parents)) == ("⊓", 2.0, 1)
    assert y.data == 2 * math.tanh(0.25)
    y.backward()
    assert x.grad == 1 - math.tanh(0.25) ** 2
    assert next(steps(y)).operands[0].contribution == x.grad
    assert softcap(0.5, 2.0) == y.data
    assert type(softcap(0.5, 2.0)) is float


def test_gradcheck_pictures_copies_and_higher_derivatives():
    assert gradcheck(softcap, (0.7, 1.5))
    assert "⊓" in viz.to_svg(softcap(Value(0.5), Value(2.0)))
    y = softcap(Value(0.5), 2.0)
    assert pickle.loads(pickle.dumps(y)).op == copy.deepcopy(y).op == "⊓"
    # d²/dx² of cap·tanh(x/cap) = -2/cap · t (1 - t²)
    t = math.tanh(0.5)
    assert grad(grad(softcap))(1.0, 2.0) == pytest.approx(-t * (1 - t * t), rel=1e-14)
    assert hessian(softcap, argnums=(0, 1))(1.0, 2.0)[0][1] == pytest.approx(t * (1 - t * t) / 2, rel=1e-14)


def test_a_derivative_that_math_cannot_differentiate_says_so():
    scale = primitive("only_first_order", lambda x: math.exp(x), [lambda x, out: math.exp(x)])
    assert grad(scale)(0.0) == 1.0
    with pytest.raises(TypeError, match=r"autograd\.exp"):
        grad(grad(scale))(0.0)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: primitive("softcap", lambda x: x, lambda x, out: 1.0), ValueError, "'softcap' already"),
        (lambda: primitive("exp", lambda x: x, lambda x, out: 1.0), ValueError, "'exp' already"),
        (
            lambda: primitive("two", lambda x, y: x, [lambda x, y, out: 1.0]),
            ValueError,
            "'two' has 2 operands but 1 deri",
        ),
        (lambda: primitive("one", lambda x: x, []), ValueError, "'one' has 1 operand but 0 derivatives"),
        (
            lambda: primitive("args", lambda x: x, [lambda x: 1.0]),
            TypeError,
            "derivative 0 of primitive 'args' takes 1",
        ),
        (lambda: primitive("star", lambda *xs: xs[0], [lambda x, out: 1.0]), TypeError, "fixed number"),
        (lambda: primitive("text", "x + 1", [lambda x, out: 1.0]), TypeError, "must be a function"),
        (lambda: primitive("no name", lambda x: x, lambda x, out: 1.0), ValueError, "identifier"),
        (lambda: primitive("ok_1", lambda x: "x", lambda x, out: 1.0)(1.0), TypeError, "'ok_1': a function gave 'x'"),
        (lambda: primitive("ok_2", lambda x: x, lambda x, out: None)(Value(1.0)), TypeError, "'ok_2'.*None"),
        (
            lambda: primitive("ok_3", lambda x: x, lambda x, out: 1.0)(1.0, 2.0),
            TypeError,
            r"ok_3\(\) takes 1 op.* not 2",
        ),
        (lambda: primitive("ok_4", lambda x: x, lambda x, out: 1.0)("1"), TypeError, r"ok_4\(\) takes Values"),
    ],
)
def test_bad_declarations(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_a_pickle_of_an_undeclared_primitive_names_it():
    text = pickle.dumps(softcap(Value(0.5), 2.0)).replace(b"softcap", b"unknown")
    with pytest.raises(ValueError, match=r"'unknown'.*autograd\.primitive"):
        pickle.loads(text)


def test_a_custom_primitive_is_not_a_function_of_the_package():
    assert not hasattr(ag, "softcap")
