"""detect_anomaly names the first number that went wrong, and the user's line."""

from __future__ import annotations

import math
import threading

import pytest

import autograd as ag
import nn
from autograd import AnomalyError, Value, detect_anomaly, grad, named_scope, no_grad


def caught(function) -> list[str]:
    with pytest.raises(AnomalyError) as error, detect_anomaly():
        function()
    return str(error.value).splitlines()


def test_forward():
    x = Value(-1.0, "x")
    lines = caught(lambda: ag.log(x) + 1)
    assert lines[0] == "log gave nan"
    assert lines[2] == "  operand  x = -1.0"
    assert "test_anomaly.py" in lines[3]
    assert lines[4].strip() == "lines = caught(lambda: ag.log(x) + 1)"


@pytest.mark.parametrize(
    ("compute", "first"),
    [
        (lambda: Value(1e308) * 10, "* gave inf"),
        (lambda: Value(math.inf) * 0.0, "* gave nan"),
        (lambda: 1 / Value(0.0), "/ gave inf"),
        (lambda: ag.sum([Value(math.inf), Value(1.0)]), "sum gave inf"),
        (lambda: Value(0.0, "x").sqrt().backward(), "backward through sqrt: 1.0 × inf = inf for operand x"),
        (
            lambda: (Value(0.0, "x").sqrt() * 0.0).backward(),
            "backward through sqrt: 0.0 × inf, which counts as 0 for operand x",
        ),
        (
            lambda: Value(3.0, "x").exp().backward(1e308),
            "backward through exp: 1e+308 × 20.085536923187668 = inf for operand x",
        ),
    ],
)
def test_the_first_anomaly_is_named(compute, first):
    assert caught(compute)[0] == first


def test_a_sum_of_finite_contributions_that_overflows():
    x = Value(1.0, "x")
    y = x * 1e308 + x * 1e308
    lines = caught(y.backward)
    assert lines[0] == "backward through *: 1e+308 + 1e+308 = inf for operand x"
    assert lines[-1] == "  line     (computed outside detect_anomaly)"
    assert x.grad == y.grad == 0.0  # the pass has not begun


def test_the_line_of_a_backward_error_is_where_the_node_was_computed():
    def compute():
        root = Value(0.0, "x").sqrt()
        root.backward()

    assert caught(compute)[-1].strip() == 'root = Value(0.0, "x").sqrt()'


def test_a_model_is_watched_and_its_own_lines_are_skipped():
    model = nn.MLP(1, [2, 1], seed=0)
    for p in model.parameters():
        p.data = 1e200
    lines = caught(lambda: model([1e200]))
    assert lines[0] == "dot gave inf"
    assert lines[-1].strip() == "lines = caught(lambda: model([1e200]))"


def test_it_ends_nests_and_works_in_other_modes():
    x = Value(-1.0)
    with detect_anomaly():
        with named_scope("s"), pytest.raises(AnomalyError):
            x.log()
        with no_grad(), pytest.raises(AnomalyError):
            x.log()
        with pytest.raises(AnomalyError):
            grad(ag.log)(-1.0)
        (x * 2).backward()
    assert math.isnan(x.log().data)


def test_transforms_are_watched_too():
    assert caught(lambda: grad(ag.sqrt)(0.0))[0] == "backward through sqrt: 1.0 × inf = inf for operand %0"
    assert "counts as 0" in caught(lambda: ag.jvp(lambda x: ag.sqrt(x) * 0.0, (0.0,), (1.0,)))[0]
    lines = caught(lambda: ag.hessian(ag.sqrt)(0.0))
    assert "formula" not in lines[-2]


def test_a_leaf_that_overflows_by_adding_up_and_a_gradient_that_is_nan():
    x = Value(1.0, "x")
    x.grad = 1.5e308
    assert caught((x * 1.5e308).backward)[0] == "backward through *: 1.5e+308 + 1.5e+308 = inf for operand x"
    assert x.grad == 1.5e308
    assert caught(lambda: (x * 2).backward(math.nan))[0] == "backward from nan"


def test_it_is_of_one_thread():
    made = []
    with detect_anomaly():
        thread = threading.Thread(target=lambda: made.append(Value(-1.0).log().data))
        thread.start()
        thread.join()
    assert math.isnan(made[0])


def test_operands_that_are_numbers_are_told():
    lines = caught(lambda: Value(1e308, "x") * 10)
    assert lines[2:4] == ["  operand  x = 1e+308", "  operand  10.0"]
