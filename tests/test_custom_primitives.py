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
    assert steps(y)[0].operands[0].contribution == x.grad
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


# -- declared again --------------------------------------------------------------------------------------------------
def declared(name: str, factor: float, symbol: str | None = None):
    return primitive(name, lambda x: factor * x, lambda x, out: factor, symbol=symbol)


def test_a_primitive_declared_again_replaces_it_and_what_was_recorded_keeps_the_earlier_one():
    wrong = declared("scaled", 2.0, symbol="⊛")
    x = Value(3.0)
    y, tape = wrong(x), ag.record(wrong, inputs=[1.0])
    right = declared("scaled", 5.0, symbol="⊛")
    assert right(x).data == 15.0
    assert (y.data, y.local_grads, wrong(x).data) == (6.0, (2.0,), 6.0)
    assert tape.value_and_grad([[1.0], [2.0]]) == ([2.0, 4.0], [[2.0], [2.0]])
    assert grad(grad(lambda v: wrong(v) * v))(1.0) == 4.0
    assert ag.record(lambda v: wrong(v) + right(v), inputs=[1.0]).forward([[1.0]]) == [7.0]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_keeps_the_earlier_primitive_and_a_pickle_gets_the_latest(duplicate):
    earlier = declared("copied", 2.0)
    x = Value(3.0)
    y, tape = earlier(x), ag.record(earlier, inputs=[1.0])
    declared("copied", 5.0)
    assert duplicate(y).primitive is y.primitive
    loaded = pickle.loads(pickle.dumps(y))
    assert loaded.data == 6.0  # what was computed stays
    assert loaded.primitive is not y.primitive
    assert loaded.primitive.evaluate(3.0) == (15.0, (5.0,))
    assert pickle.loads(pickle.dumps(tape)).forward([[1.0]]) == [5.0]


def test_a_pickle_does_not_load_where_the_latest_primitive_takes_other_operands():
    node = pickle.dumps(declared("widened", 2.0)(Value(1.0)))
    tape = pickle.dumps(ag.record(declared("widened", 2.0), inputs=[1.0]))
    primitive("widened", lambda x, y: x, [lambda x, y, out: 1.0, lambda x, y, out: 0.0])
    with pytest.raises(ValueError, match="'widened' cannot have 1 operands"):
        pickle.loads(node)
    with pytest.raises(ValueError, match="widened of 1 operands"):
        pickle.loads(tape)


def test_a_symbol_is_one_primitive_s():
    declared("first_owner", 1.0, symbol="⊞")
    with pytest.raises(ValueError, match="'second_owner' is that of primitive 'first_owner'"):
        declared("second_owner", 1.0, symbol="⊞")
    declared("first_owner", 1.0, symbol="⊟")  # its own may be kept or given up
    declared("second_owner", 1.0, symbol="⊞")
    with pytest.raises(ValueError, match="'third_owner' is that of primitive 'multiply'"):
        declared("third_owner", 1.0, symbol="*")


@pytest.mark.parametrize("name", ["tanh", "gaussian", "taped", "sum"])
def test_the_names_of_the_package_are_not_replaced(name):
    with pytest.raises(ValueError, match=f"{name!r} already"):
        declared(name, 1.0)


def test_the_function_has_the_documentation_of_its_forward_formula():
    def forward(x):
        """Twice a number."""
        return 2 * x

    assert primitive("documented", forward, [lambda x, out: 2.0]).__doc__ == "Twice a number."
