"""maximum and minimum of any number, softmax, clip's bounds, and activations with a number of one's own."""

from __future__ import annotations

import math
import random

import pytest
from mpmath import mp, mpf
from oracles import analytic, ulps

import autograd as ag
from autograd import Value, gradcheck, hessian, jacobian
from autograd.primitives import table

inf, nan = math.inf, math.nan


def gradients(root: Value, leaves: list[Value]) -> list[float]:
    root.backward()
    return [leaf.grad for leaf in leaves]


# -- maximum, minimum --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("xs", "largest", "by_largest", "smallest", "by_smallest"),
    [
        ([3.0], 3.0, [1.0], 3.0, [1.0]),
        ([1.0, 3.0, 2.0], 3.0, [0, 1, 0], 1.0, [1, 0, 0]),
        ([3.0, 1.0, 3.0], 3.0, [0.5, 0, 0.5], 1.0, [0, 1, 0]),
        ([2.0, 2.0, 2.0, 2.0], 2.0, [0.25] * 4, 2.0, [0.25] * 4),
        ([-1.0, 5.0, -1.0, -1.0], 5.0, [0, 1, 0, 0], -1.0, [1 / 3, 0, 1 / 3, 1 / 3]),
        ([0.0, -0.0, -1.0], 0.0, [0.5, 0.5, 0], -1.0, [0, 0, 1]),
        ([inf, 1.0, -inf], inf, [1, 0, 0], -inf, [0, 0, 1]),
        ([1.0, nan, 3.0], nan, [nan] * 3, nan, [nan] * 3),
        ([nan, 1.0, 3.0], nan, [nan] * 3, nan, [nan] * 3),
    ],
)
def test_the_extremes_of_any_number(xs, largest, by_largest, smallest, by_smallest):
    for function, value, shares in ((ag.maximum, largest, by_largest), (ag.minimum, smallest, by_smallest)):
        leaves = [Value(x) for x in xs]
        root = function(*leaves)
        assert root.data == pytest.approx(value, nan_ok=True, rel=0)
        assert function(*xs) == pytest.approx(value, nan_ok=True, rel=0)
        assert type(function(*xs)) is float
        assert gradients(root, leaves) == pytest.approx(shares, nan_ok=True, rel=0)


def test_two_operands_keep_their_primitive():
    x, y = Value(2.0), Value(3.0)
    for function, of_two, of_many in (
        (ag.maximum, table.MAXIMUM, table.MAXIMUM_OF),
        (ag.minimum, table.MINIMUM, table.MINIMUM_OF),
    ):
        assert function(x, y).primitive is of_two
        assert function(x, y, 1.0).primitive is of_many
        assert function(x, y, 1.0).op == function(x, y).op == of_two.name
        assert getattr(x, of_two.name)(y).primitive is of_two
        assert getattr(x, of_two.name)(y, 1.0).primitive is of_many


def test_why_an_extreme_passes_nothing_on():
    x, y, z = Value(2.0, "x"), Value(1.0, "y"), Value(0.0, "z")
    assert "its operand y %1 is 1, and another operand is larger" in ag.why(ag.maximum(x, y, z), y)
    assert "its operand y %1 is 1, and another operand is smaller" in ag.why(ag.minimum(x, y, z), y)


def test_what_extremes_refuse():
    for function in (ag.maximum, ag.minimum):
        with pytest.raises(ValueError, match=f"{function.__name__}.*at least one"):
            function()
        for wrong in ([[1.0, 2.0]], ["a"], [1.0, 2.0, None], [Value(1.0), [2.0]]):
            with pytest.raises(TypeError, match=f"{function.__name__}\\(\\) takes Values and real numbers"):
                function(*wrong)
        with pytest.raises(TypeError):
            getattr(Value(1.0), function.__name__)()


def test_extremes_of_many_on_a_tape():
    tape = ag.record(lambda x, y, z: ag.maximum(x, y, z) * ag.minimum(x, y, z), inputs=[1.0, 2.0, 3.0])
    outputs, rows = tape.value_and_grad([[1.0, 2.0, 3.0], [5.0, 5.0, 2.0], [4.0, -1.0, 0.0]])
    assert outputs == [3.0, 10.0, -4.0]
    assert rows == [[3.0, 0.0, 1.0], [1.0, 1.0, 5.0], [-1.0, 4.0, 0.0]]


# -- softmax -----------------------------------------------------------------------------------------------------------
LOGITS = [[0.0], [1.0, 2.0], [1.0, 1.0, 1.0], [1000.0, -1000.0, 999.0], [40.0, 0.0], [-1e300, 0.0, 1.0]]


@pytest.mark.parametrize("xs", LOGITS)
def test_softmax_keeps_its_digits(xs):
    shares = ag.softmax([Value(x) for x in xs])
    assert [share.op for share in shares] == ["softmax"] * len(xs)
    assert ag.softmax(xs) == [share.data for share in shares]
    for index, share in enumerate(shares):
        value, slopes = analytic("softmax", [*xs, float(index)], digits=500)
        for got, want in zip((share.data, *share.local_grads), (value, *slopes[:-1]), strict=True):
            assert ulps(got, want) <= 8 or abs(want) < 1e-300, (xs, index, got)


def test_softmax_second_derivatives_keep_their_digits():
    for xs in ([0.5, -1.0, 2.0], [40.0, 0.0, 1.0]):
        for index in range(3):
            got = hessian(lambda a, b, c, index=index: ag.softmax([a, b, c])[index])(*xs)
            with mp.workdps(60):

                def share(*at, index=index):
                    weights = [mp.exp(x) for x in at]
                    return weights[index] / mp.fsum(weights)

                for i in range(3):
                    for j in range(3):
                        orders = [0, 0, 0]
                        orders[i] += 1
                        orders[j] += 1
                        want = mp.diff(share, tuple(map(mpf, xs)), tuple(orders))
                        assert abs(got[i][j] - want) <= 1e-14 * abs(want), (xs, index, i, j)


def test_softmax_of_anything():
    x = Value(1.0)
    shares = ag.softmax(v for v in (x, 1, True))
    assert [share.data for share in shares] == pytest.approx([1 / 3] * 3, rel=1e-15)
    assert sum(gradients(shares[0] + shares[1] + shares[2], [x])) == pytest.approx(0.0, abs=1e-16)
    assert ag.softmax([inf, 0.0]) == [1.0, 0.0]
    assert ag.softmax([-inf, 0.0]) == [0.0, 1.0]
    assert ag.softmax([inf, inf, 0.0]) == [0.5, 0.5, 0.0]  # the limit of equal operands, as logsumexp has it
    for bad in ([nan], [nan, 1.0], [1.0, nan]):
        assert all(map(math.isnan, ag.softmax(bad)))
    masked = [Value(-inf), Value(2.0), Value(3.0)]
    assert gradients(ag.softmax(masked)[1], masked)[0] == 0.0
    with pytest.raises(ValueError, match=r"softmax.*at least one"):
        ag.softmax([])
    with pytest.raises(TypeError, match=r"softmax.*str 'a'"):
        ag.softmax(["a"])
    with pytest.raises(TypeError, match="iterable"):
        ag.softmax(3.0)
    assert gradcheck(lambda *xs: ag.softmax(xs)[1], (0.5, -1.0, 2.0)).passed
    j = jacobian(lambda a, b: ag.softmax([a, b]))(0.5, -1.0)
    assert j[0][0] == -j[1][0]


def test_softmax_on_a_tape():
    rng = random.Random(4)
    w = [Value(rng.gauss(0, 1)) for _ in range(3)]

    def f(x, y):
        shares = ag.softmax([w[0] * x, w[1] * y, w[2] * x * y])
        return shares[0] * shares[1] + shares[2]

    tape = ag.record(f, inputs=[1.0, 2.0])
    rows = [[rng.gauss(0, 2), rng.gauss(0, 2)] for _ in range(70)]
    outputs, by_inputs = tape.value_and_grad(rows)
    for row, output, gradient in zip(rows, outputs, by_inputs, strict=True):
        leaves = [Value(x) for x in row]
        root = f(*leaves)
        assert root.data == output
        assert gradients(root, leaves) == gradient


# -- clip --------------------------------------------------------------------------------------------------------------
def test_bounds_in_the_wrong_order():
    v = Value(2.0)
    for call in (
        lambda: ag.clip(v, 3, 1),
        lambda: v.clip(3, 1),
        lambda: ag.clip(2.0, 3.0, 1.0),
        lambda: ag.clip(v, inf, -inf),
    ):
        with pytest.raises(ValueError, match=r"clip\(\) takes a low bound and a high one"):
            call()
    assert ag.clip(v, 1, 1).data == 1.0
    assert ag.clip(v, -inf, inf).data == 2.0
    assert math.isnan(ag.clip(v, nan, 1.0).data)
    assert ag.clip(v, Value(3.0), 1.0).data == 1.0  # bounds that are Values may cross: docs/edges.md


# -- activations with a number of one's own ----------------------------------------------------------------------------
ACTIVATIONS = [(ag.leaky_relu, 0.01, table.LEAKY_RELU, 0.2), (ag.elu, 1.0, table.ELU, 1.75)]


@pytest.mark.parametrize(("function", "default", "row", "other"), ACTIVATIONS)
def test_the_default_is_the_primitive_of_one_operand(function, default, row, other):
    for x in (-2.0, -1e-300, -0.0, 0.0, 3.0, -inf, inf):
        plain, given = function(Value(x)), function(Value(x), default)
        assert plain.primitive is given.primitive is row
        assert plain.operands[1:] == ()
        slow = function(Value(x), Value(default))
        assert repr((slow.data, slow.local_grads[0])) == repr((plain.data, plain.local_grads[0]))
        assert repr(function(x)) == repr(function(x, default)) == repr(plain.data)
    node = function(Value(-2.0), other)
    assert (node.op, node.operands[1], len(node.parents)) == (row.name, other, 1)
    assert getattr(Value(-2.0), row.name)(other).data == node.data


@pytest.mark.parametrize("at", [-2.0, 0.0, 3.0])
def test_their_derivatives(at):
    for slope in (0.0, 0.2, 3.0, -1.0):
        x = Value(at)
        y = ag.leaky_relu(x, slope)
        assert (y.data, gradients(y, [x])) == (at if at > 0 else slope * at, [1.0 if at > 0 else slope])
        x = Value(at)
        y = ag.elu(x, slope)
        assert (y.data, gradients(y, [x])) == (
            at if at > 0 else slope * math.expm1(at),
            [1.0 if at > 0 else slope * math.exp(at)],
        )


def test_of_second_order_and_by_the_number():
    assert hessian(ag.elu)(-1.0, 1.5) == ((1.5 * math.exp(-1), math.exp(-1)), (math.exp(-1), 0.0))
    assert hessian(ag.leaky_relu)(-1.0, 0.5) == ((0.0, 1.0), (1.0, 0.0))
    assert gradcheck(ag.elu, (-0.5, 1.5)).passed
    assert gradcheck(ag.leaky_relu, (-0.5, 0.3)).passed


def test_at_infinity_and_nan():
    assert ag.leaky_relu(-inf, 0.0) == 0.0  # as relu
    assert ag.elu(-inf, 2.0) == -2.0
    for function in (ag.leaky_relu, ag.elu):
        for operands in ((nan, 0.5), (1.0, nan), (-1.0, nan)):
            assert math.isnan(function(*operands))
        for wrong in ("a", None):
            with pytest.raises(TypeError, match=f"{function.__name__}\\(\\) takes Values"):
                function(1.0, wrong)
            with pytest.raises(TypeError, match=f"{function.__name__}\\(\\) takes Values"):
                function(Value(1.0), wrong)


def test_on_a_tape():
    tape = ag.record(lambda x, s: ag.leaky_relu(x, s) + ag.elu(x, 0.5), inputs=[1.0, 0.2])
    rows = [[-1.5, 0.25], [2.0, 0.25], [0.0, -0.5]]
    outputs, by_inputs = tape.value_and_grad(rows)
    for row, output, gradient in zip(rows, outputs, by_inputs, strict=True):
        x, s = Value(row[0]), Value(row[1])
        root = ag.leaky_relu(x, s) + ag.elu(x, 0.5)
        assert (root.data, gradients(root, [x, s])) == (output, gradient)
