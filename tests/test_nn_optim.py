"""Optimisers against their published formulas, worked out apart from the code."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd import Value

GRADIENTS = st.lists(st.floats(-100, 100), min_size=1, max_size=12)
FACTORS = st.floats(0, 0.999)


def run(make: Callable[[list[Value]], nn.Optimizer], start: float, gradients: list[float]) -> float:
    parameter = Value(start)
    optimizer = make([parameter])
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
    return parameter.data


@given(start=st.floats(-10, 10), gradients=GRADIENTS, lr=st.floats(1e-4, 1.0), momentum=FACTORS)
def test_sgd_sums_past_gradients_by_powers_of_momentum(
    start: float, gradients: list[float], lr: float, momentum: float
) -> None:
    with mpmath.workdps(50):
        expected = mpmath.mpf(start)
        for now in range(len(gradients)):
            powers = (mpmath.mpf(momentum) ** (now - past) * gradients[past] for past in range(now + 1))
            expected -= mpmath.mpf(lr) * mpmath.fsum(powers)
        scale = 1.0 + sum(map(abs, gradients)) * len(gradients)
        actual = run(lambda params: nn.SGD(params, lr=lr, momentum=momentum), start, gradients)
        assert abs(actual - expected) <= 1e-13 * (abs(start) + scale)


@given(start=st.floats(-10, 10), gradients=GRADIENTS, lr=st.floats(1e-4, 1.0))
def test_plain_sgd_is_the_loop_written_by_hand(start: float, gradients: list[float], lr: float) -> None:
    by_hand = start
    for gradient in gradients:
        by_hand -= lr * gradient
    assert run(lambda params: nn.SGD(params, lr=lr), start, gradients) == by_hand


@given(start=st.floats(-10, 10), gradients=GRADIENTS, lr=st.floats(1e-4, 1.0), beta1=FACTORS, beta2=FACTORS)
def test_adam_is_algorithm_1(start: float, gradients: list[float], lr: float, beta1: float, beta2: float) -> None:
    with mpmath.workdps(50):
        theta, b1, b2 = mpmath.mpf(start), mpmath.mpf(beta1), mpmath.mpf(beta2)
        for now in range(1, len(gradients) + 1):
            # The moments as the sums that section 3 of the paper writes out, not as the recursion.
            past = [(mpmath.mpf(g), now - t) for t, g in enumerate(gradients[:now], start=1)]
            m = (1 - b1) * mpmath.fsum(b1**age * g for g, age in past)
            v = (1 - b2) * mpmath.fsum(b2**age * g * g for g, age in past)
            theta -= lr * (m / (1 - b1**now)) / (mpmath.sqrt(v / (1 - b2**now)) + mpmath.mpf(1e-8))
        actual = run(lambda params: nn.Adam(params, lr=lr, betas=(beta1, beta2)), start, gradients)
        assert actual == pytest.approx(float(theta), rel=1e-9, abs=1e-9 * (1 + lr * len(gradients)))


def test_the_first_step_of_adam_is_lr_whatever_the_scale() -> None:
    for gradient in (1e-3, 1.0, 1e6):
        assert run(lambda params: nn.Adam(params, lr=0.5), 2.0, [gradient]) == pytest.approx(1.5, rel=1e-5)


MAKERS: dict[str, Callable[[Any], nn.Optimizer]] = {
    "SGD": lambda params: nn.SGD(params, lr=0.1),
    "SGD with momentum": lambda params: nn.SGD(params, lr=0.1, momentum=0.9),
    "Adam": lambda params: nn.Adam(params, lr=0.1),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_state_restored_goes_on_with_the_same_numbers(make: Callable[[Any], nn.Optimizer]) -> None:
    def descend(optimizer: nn.Optimizer, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            x, y = optimizer.params
            (x * x + 3.0 * (y - x) ** 2).backward()
            optimizer.step()

    whole = make([Value(2.0), Value(-1.0)])
    descend(whole, 7)
    first = make([Value(2.0), Value(-1.0)])
    descend(first, 4)
    state = json.loads(json.dumps(first.state_dict()))
    second = make([p.detach() for p in first.params])
    second.lr = 9.0
    second.load_state_dict(state)
    descend(second, 3)
    assert [p.data for p in second.params] == [p.data for p in whole.params]
    assert second.state_dict() == whole.state_dict()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_state_is_a_copy(make: Callable[[Any], nn.Optimizer]) -> None:
    parameter = Value(1.0)
    optimizer = make([parameter])
    before = optimizer.state_dict()
    frozen = json.dumps(before)
    parameter.grad = 1.0
    optimizer.step()
    assert json.dumps(before) == frozen
    after = optimizer.state_dict()
    assert after != before
    for name, held in after.items():
        if isinstance(held, list):
            held[0] = 99.0
            assert optimizer.state_dict()[name][0] != 99.0


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_gradient_that_is_not_finite_changes_nothing(make: Callable[[Any], nn.Optimizer]) -> None:
    model = nn.Neuron(1, seed=0)
    optimizer = make(model.parameters())
    before = [p.data for p in model.parameters()], optimizer.state_dict()
    model.w[0].grad, model.b.grad = 1.0, float("nan")
    with pytest.raises(ValueError, match=r"the gradient of neuron\.b is nan; nothing was changed"):
        optimizer.step()
    assert before == ([p.data for p in model.parameters()], optimizer.state_dict())


@pytest.mark.parametrize(
    ("make", "gradient", "message"),
    [
        (lambda params: nn.SGD(params, lr=1e10), 1e300, r"this step would set params\[1\] to -inf: lower lr"),
        (lambda params: nn.Adam(params), 1e200, r"the mean square of the gradient of params\[1\] is inf"),
    ],
)
def test_an_overflow_changes_nothing(make: Callable[[Any], nn.Optimizer], gradient: float, message: str) -> None:
    params = [Value(1.0), Value(1.0)]
    optimizer = make(params)
    params[0].grad, params[1].grad = 1.0, gradient
    with pytest.raises(ValueError, match=message):
        optimizer.step()
    assert [p.data for p in params] == [1.0, 1.0]


def test_params_may_be_an_iterator_and_lr_may_change() -> None:
    x, y = Value(1.0), Value(2.0)
    optimizer = nn.SGD((p for p in [x, y]), lr=0.1)
    x.grad = y.grad = 1.0
    optimizer.lr = 0.5
    optimizer.step()
    assert (x.data, y.data) == (0.5, 1.5)
    optimizer.zero_grad()
    assert (x.grad, y.grad) == (0.0, 0.0)


X = Value(1.0)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.SGD([], lr=0.1), ValueError, "params is empty"),
        (lambda: nn.SGD(X, lr=0.1), TypeError, "params must be a list of Values"),
        (lambda: nn.SGD(3, lr=0.1), TypeError, "params must be a list of Values"),
        (lambda: nn.SGD([X, 1.0], lr=0.1), TypeError, r"params\[1\] must be a Value, not float 1.0"),
        (lambda: nn.SGD([X, X * 2.0], lr=0.1), ValueError, r"params\[1\] is a computed Value .* give the leaves"),
        (lambda: nn.SGD([X, Value(1.0), X], lr=0.1), ValueError, r"params\[2\] is params\[0\] again"),
        (lambda: nn.SGD([X], lr=0.0), ValueError, r"lr must lie in \(0, inf\), not 0.0"),
        (lambda: nn.SGD([X], lr=-1), ValueError, r"lr must lie in \(0, inf\), not -1.0"),
        (lambda: nn.SGD([X], lr=float("nan")), ValueError, "lr must lie in"),
        (lambda: nn.SGD([X], lr=float("inf")), ValueError, "lr must lie in"),
        (lambda: nn.SGD([X], lr="0.1"), TypeError, "lr must be a number, not str '0.1'"),
        (lambda: nn.SGD([X], lr=0.1, momentum=1.0), ValueError, r"momentum must lie in \[0, 1\), not 1.0"),
        (lambda: nn.SGD([X], lr=0.1, momentum=-0.1), ValueError, "momentum must lie in"),
        (lambda: nn.Adam([X], betas=(0.9, 1.0)), ValueError, r"betas\[1\] must lie in \[0, 1\), not 1.0"),
        (lambda: nn.Adam([X], betas=(-0.1, 0.9)), ValueError, r"betas\[0\] must lie in"),
        (lambda: nn.Adam([X], betas=0.9), TypeError, "betas must be a pair"),
        (lambda: nn.Adam([X], betas=(0.9,)), TypeError, "betas must be a pair"),
        (lambda: nn.Adam([X], eps=0.0), ValueError, "eps must lie in"),
        (lambda: setattr(nn.Adam([X]), "lr", -1.0), ValueError, "lr must lie in"),
    ],
)
def test_bad_settings(build: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": [1.0]}, "first has 1 numbers for 2 parameters"),
        ({"second": [1.0, -1.0]}, r"second\[1\] must lie in \[0, inf\), not -1.0"),
        ({"first": [1.0, float("nan")]}, r"first\[1\] must lie in"),
        ({"steps": -1}, "steps must be an integer of at least 0, not -1"),
        ({"lr": 0.0}, "lr must lie in"),
        ({"nesterov": True}, "the state of Adam holds lr, betas, eps, steps, first, second, not .*nesterov"),
    ],
)
def test_a_bad_state_changes_nothing(changes: dict[str, Any], message: str) -> None:
    optimizer = nn.Adam([Value(1.0), Value(2.0)])
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict({**before, **changes})
    assert optimizer.state_dict() == before


def test_a_state_that_lacks_a_name_is_refused() -> None:
    optimizer = nn.SGD([Value(1.0)], lr=0.1)
    with pytest.raises(ValueError, match="the state of SGD holds lr, momentum, velocity, not lr"):
        optimizer.load_state_dict({"lr": 0.1})


def test_repr() -> None:
    assert repr(nn.Adam([X])) == "Adam(1 parameters, lr=0.001)"


def test_clipping_scales_all_gradients_by_one_factor() -> None:
    params = [Value(1.0, f"p{i}") for i in range(5)]
    gradients = [3.0, -4.0, 0.5, 0.0, 12.0]
    for parameter, gradient in zip(params, gradients, strict=True):
        parameter.grad = gradient
    norm = math.sqrt(math.fsum(g * g for g in gradients))
    assert nn.clip_grad_norm(params, 20.0) == pytest.approx(norm, rel=1e-15)
    assert [p.grad for p in params] == gradients
    assert nn.clip_grad_norm(iter(params), 1.3) == pytest.approx(norm, rel=1e-15)
    assert [p.grad for p in params] == pytest.approx([g * 1.3 / norm for g in gradients], rel=1e-14)
    params[2].grad = math.inf
    with pytest.raises(ValueError, match="inf; nothing was changed"):
        nn.clip_grad_norm(params, 1.0)
    assert params[2].grad == math.inf
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="max_norm"):
            nn.clip_grad_norm(params, wrong)
    with pytest.raises(ValueError, match="empty"):
        nn.clip_grad_norm([], 1.0)
