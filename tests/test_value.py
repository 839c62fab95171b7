"""A Value as a number, and what it knows of its making."""

from __future__ import annotations

import decimal
import math
from fractions import Fraction

import pytest

import autograd as ag
from autograd import Value, current_scope, named_scope, no_grad


def test_a_leaf():
    v = Value(2, "x")
    assert (v.data, v.grad, v.op, v.parents, v.local_grads, v.operands, v.label) == (2.0, 0.0, "", (), (), (), "x")
    assert type(v.data) is float


def test_a_computed_node_knows_its_making():
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    assert (c.data, c.op, c.local_grads) == (-6.0, "*", (-3.0, 2.0))
    assert c.parents[0] is a
    assert c.parents[1] is b


@pytest.mark.parametrize(
    ("node", "op", "operands", "local_grads"),
    [
        (lambda x: x * 2, "*", ("x", 2.0), (2.0,)),
        (lambda x: 2 * x, "*", (2.0, "x"), (2.0,)),
        (lambda x: x + 2, "+", ("x", 2.0), (1.0,)),
        (lambda x: 2 + x, "+", (2.0, "x"), (1.0,)),
        (lambda x: x - 2, "-", ("x", 2.0), (1.0,)),
        (lambda x: 2 - x, "-", (2.0, "x"), (-1.0,)),
        (lambda x: x / 2, "/", ("x", 2.0), (0.5,)),
        (lambda x: 2 / x, "/", (2.0, "x"), (-2 / 9,)),
        (lambda x: x**2, "**", ("x", 2.0), (6.0,)),
        (lambda x: x**-1, "**", ("x", -1.0), (-1 / 9,)),
        (lambda x: 2**x, "**", (2.0, "x"), (8 * math.log(2),)),
        (lambda x: -x, "neg", ("x",), (-1.0,)),
        (lambda x: abs(x), "abs", ("x",), (1.0,)),
        (lambda x: x * x, "*", ("x", "x"), (3.0, 3.0)),
        (lambda x: ag.dot([x, 4.0], [2.0, x]), "dot", ("x", 4.0, 2.0, "x"), (2.0, 4.0)),
        (lambda x: ag.mean([x, 1.0]), "mean", ("x", 1.0), (0.5,)),
        (lambda x: sum([x]), "+", (0.0, "x"), (1.0,)),
    ],
)
def test_operands_stay_as_written(node, op, operands, local_grads):
    x = Value(3.0)
    made = node(x)
    assert made.op == op
    assert ["x" if o is x else o for o in made.operands] == list(operands)
    assert all(type(o) in (Value, float) for o in made.operands)
    assert made.local_grads == pytest.approx(local_grads, rel=1e-15)  # one rounding of the expectation written here
    assert len(made.parents) == len(local_grads)


def test_the_square_is_the_product():
    for x in (1.1, -3.7e-160, 1e200, 0.1 + 0.2):
        assert (Value(x) ** 2).data == x * x
        assert (Value(x) ** 2).local_grads == (2 * x,)


@pytest.mark.parametrize("data", ["3", None, 1 + 2j, [1.0], decimal.Decimal(1), b"1", object()])
def test_what_is_not_a_real_number_is_refused(data):
    with pytest.raises(TypeError, match=type(data).__name__):
        Value(data)
    with pytest.raises(TypeError, match=type(data).__name__):
        Value(1.0) + data
    with pytest.raises(TypeError, match="Value"):
        data * Value(1.0)
    with pytest.raises(TypeError, match=type(data).__name__):
        Value(1.0) ** data
    with pytest.raises(TypeError, match=type(data).__name__):
        Value(1.0) < data  # noqa: B015
    with pytest.raises(TypeError, match=type(data).__name__):
        ag.exp(data)
    assert (Value(1.0) == data) is False
    assert (Value(1.0) != data) is True


def test_a_value_of_a_value_names_detach():
    with pytest.raises(TypeError, match="detach"):
        Value(Value(1.0))


def test_numbers_of_many_kinds():
    assert Value(True).data == 1.0
    assert (Value(1.0) + Fraction(1, 4)).operands[1] == 0.25
    assert type((Value(1.0) + True).operands[1]) is float
    with pytest.raises(OverflowError):
        Value(10**400)
    with pytest.raises(OverflowError):
        Value(1.0) * 10**400


def test_no_silent_loss_of_the_gradient():
    v = Value(2.0)
    for convert in (float, int, math.exp, math.sqrt):
        with pytest.raises(TypeError, match=r"v\.data"):
            convert(v)


def test_assigning_data_grad_and_label():
    x = Value(2.0)
    y = x * 3
    x.data = 5
    x.grad = 1
    y.grad = 0.5
    y.label = "y"
    assert (x.data, x.grad, y.grad, y.label) == (5.0, 1.0, 0.5, "y")
    assert type(x.data) is type(x.grad) is float
    with pytest.raises(AttributeError, match=r"'\*'.*detach"):
        y.data = 1.0
    assert y.data == 6.0
    for wrong in ("1", None, Value(1.0)):
        with pytest.raises(TypeError):
            x.data = wrong
        with pytest.raises(TypeError):
            x.grad = wrong
    with pytest.raises(TypeError, match="label"):
        x.label = 3
    with pytest.raises(TypeError, match="label"):
        Value(1.0, type("Text", (str,), {})("x"))
    with pytest.raises(AttributeError):
        x.gard = 0.0


@pytest.mark.parametrize("name", ["op", "parents", "local_grads", "operands"])
def test_the_record_is_read_only(name):
    with pytest.raises(AttributeError):
        setattr(Value(1.0) + 1, name, ())


def test_a_value_is_initialised_once():
    for v in (Value(1.0), Value(1.0) * 2):
        with pytest.raises(TypeError, match="initialised once"):
            v.__init__(5.0)
        assert v.data in (1.0, 2.0)


def test_value_is_final():
    with pytest.raises(TypeError, match=r"final|not an acceptable base type"):
        type("Sub", (Value,), {})


def test_comparison_by_number_and_hash_by_identity():
    a, b = Value(1.0), Value(1.0)
    assert a == b == 1.0
    assert a <= 1 < Value(2.0) >= 2
    assert a != 2
    assert len({a, b}) == 2
    assert min([Value(3.0), a]) is a
    assert not Value(0.0)
    assert Value(math.nan)
    assert Value(math.nan) != Value(math.nan)


def test_repr_format_and_item():
    a = Value(2.0, "x")
    b = a * -1.5
    assert repr(a) == "Value(2.0, grad=0.0, label='x')"
    b.label = "y"
    assert repr(b) == "Value(-3.0, grad=0.0, op='*', label='y')"
    assert f"{b:.3f} {a}" == "-3.000 Value(2.0, grad=0.0, label='x')"
    assert b.item() == -3.0


def test_detach_cuts():
    x = Value(2.0, "x")
    y = (x * x).detach() * x
    y.backward()
    assert x.grad == 4.0
    assert x.detach().label == "x"


def test_no_grad_records_nothing_and_ends():
    x = Value(2.0)
    with no_grad():
        y = x * x + ag.sum([x, x])
        assert (y.data, y.op, y.parents) == (8.0, "", ())
        with no_grad():
            assert (x * x).parents == ()
        assert (x * x).parents == ()
    assert (x * x).op == "*"
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert (x * x).op == "*"


def test_no_grad_is_of_one_thread():
    import threading

    made = []
    with no_grad():
        thread = threading.Thread(target=lambda: made.append((Value(1.0) * 2).op))
        thread.start()
        thread.join()
    assert made == ["*"]


def test_scopes_name_what_is_made_inside():
    x = Value(1.0)
    with named_scope("outer"):
        a = x * 2
        with named_scope("inner.0"):
            b = ag.exp(a)
            assert current_scope() == "outer.inner.0"
            leaf = Value(3.0)
        c = b + 1
    assert (a.module, b.module, c.module) == ("outer", "outer.inner.0", "outer")
    assert (x.module, leaf.module) == (None, None)  # a scope is about what is computed in it
    assert current_scope() is None
    for wrong in ("", None, 3):
        with pytest.raises(TypeError, match="scope"):
            named_scope(wrong)


@pytest.mark.parametrize(
    ("compute", "want"),
    [
        (lambda x: x(1.0) / 0.0, math.inf),
        (lambda x: x(-1.0) / x(0.0), -math.inf),
        (lambda x: 1.0 / x(-0.0), -math.inf),
        (lambda x: x(0.0) / 0.0, math.nan),
        (lambda x: ag.exp(x(1000.0)), math.inf),
        (lambda x: ag.log(x(0.0)), -math.inf),
        (lambda x: ag.log(x(-0.0)), -math.inf),
        (lambda x: ag.log(x(-1.0)), math.nan),
        (lambda x: ag.sqrt(x(-1.0)), math.nan),
        (lambda x: x(-2.0) ** 0.5, math.nan),
        (lambda x: x(0.0) ** -1, math.inf),
        (lambda x: x(10.0) ** 400, math.inf),
        (lambda x: x(-10.0) ** 401, -math.inf),
        (lambda x: x(-10.0) ** 400, math.inf),
        (lambda x: ag.sin(x(math.inf)), math.nan),
        (lambda x: x(1e308) * 10, math.inf),
        (lambda x: ag.relu(x(math.nan)), math.nan),
        (lambda x: ag.sigmoid(x(-1000.0)), 0.0),
        (lambda x: ag.logsumexp([x(1000.0), x(-1000.0)]), 1000.0),
    ],
)
def test_ieee_values_and_no_exception(compute, want):
    got = compute(Value).data
    assert got == want or (math.isnan(want) and math.isnan(got))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ag.mean([]), ValueError, "at least one"),
        (lambda: ag.logsumexp([]), ValueError, "at least one"),
        (lambda: ag.dot([1.0], [1.0, Value(2.0)]), ValueError, "1 and 2"),
        (lambda: ag.softmax_cross_entropy([Value(1.0)], 1), IndexError, "0 to 0"),
        (lambda: ag.softmax_cross_entropy([Value(1.0)], 0.5), TypeError, "whole number"),
        (lambda: ag.softmax_cross_entropy([Value(1.0)], -1), IndexError, "not -1"),
        (lambda: ag.take([], 0), IndexError, "of nothing has no index 0"),
        (lambda: ag.topological_order(1.0), TypeError, "a graph starts from a Value, not from float 1.0"),
        (lambda: ag.sum([Value(1.0), "2"]), TypeError, "sum.*str '2'"),
        (lambda: ag.sum(3), TypeError, "iterable"),
    ],
)
def test_functions_refuse_what_they_cannot_mean(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_functions_of_numbers_alone_give_floats():
    assert ag.exp(0) == 1.0
    assert type(ag.exp(0)) is float
    assert ag.sum([]) == ag.dot([], []) == 0.0
    assert ag.mean([1, 2]) == 1.5


def test_importing_everything_shadows_no_builtin():
    import builtins

    assert not set(ag.__all__) & set(dir(builtins))
    namespace: dict[str, object] = {}
    exec("from autograd import *", namespace)
    assert namespace["Value"] is Value


METHODS = sorted(
    name for name in dir(Value) if callable(getattr(Value, name)) and name not in (*dir(object), "__pos__", "conjugate")
)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("stranger", [None, 3, "s", 2.5])
def test_a_method_of_something_else_is_an_error(name, stranger):
    """A compiled method that took any object for a node would read, or write, whatever lies behind it."""
    with pytest.raises((TypeError, AttributeError)):
        getattr(Value, name)(stranger)


def test_comparison_with_numbers_that_no_float_holds():
    assert (Value(1.0) == 10**400) is False
    assert Value(1e308) < 10**400
    assert Value(2.0**53) != 2**53 + 1  # as Python compares floats and ints: exactly


def test_a_numpy_duration_is_not_a_number():
    np = pytest.importorskip("numpy")
    with pytest.raises(TypeError):
        Value(np.timedelta64(3, "ns"))


def test_a_node_knows_whether_a_backward_pass_reached_it():
    x = Value(2.0)
    y, z = x * 0.0, x * 2
    assert (x.reached, y.reached) == (False, False)
    y.backward()
    assert (x.reached, y.reached, z.reached, x.grad) == (True, True, False, 0.0)
    z.grad = 0.0
    assert z.reached


def test_the_layer_below_refuses_what_it_cannot_hold():
    from autograd.primitives.primitive import PRIMITIVES
    from autograd.value import creation_number, many, restore

    with pytest.raises(ValueError, match="'exp' cannot have 0 operands"):
        restore(PRIMITIVES["exp"], 1.0, 0.0, False, (), None, None, ())
    for name in ("take", "softmax_cross_entropy"):
        with pytest.raises((ValueError, IndexError)):
            many(PRIMITIVES[name], [Value(1.0), 1.0, 9.0])  # the index of two operands
    with pytest.raises((TypeError, AttributeError)):
        creation_number(None)


@pytest.mark.parametrize("wrong", [3, None, int, Value])
def test_no_grad_decorates_functions_only(wrong):
    with pytest.raises(TypeError, match=r"no_grad\(\) decorates functions"):
        ag.no_grad()(wrong)
