"""Optimisers against their published formulas, worked out apart from the code."""

from __future__ import annotations

import importlib.util
import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Value
from autograd.primitives import primitive as table

ROOT = Path(__file__).resolve().parent.parent
STORED = json.loads((ROOT / "tests" / "torch_oracle.json").read_text(encoding="utf-8"))["optimizers"]
GRADIENTS = st.lists(st.floats(-100, 100), min_size=1, max_size=12)
FACTORS = st.floats(0, 0.999)


def run(make: Callable[[list[Value]], nn.Optimizer], start: float, gradients: list[float]) -> float:
    parameter = Value(start)
    optimizer = make([parameter])
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
    return parameter.data


@settings(deadline=None)  # a machine at work on other things
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


@settings(deadline=None)  # a machine at work on other things
@given(start=st.floats(-10, 10), gradients=GRADIENTS, lr=st.floats(1e-4, 1.0))
def test_plain_sgd_is_the_loop_written_by_hand(start: float, gradients: list[float], lr: float) -> None:
    by_hand = start
    for gradient in gradients:
        by_hand -= lr * gradient
    assert run(lambda params: nn.SGD(params, lr=lr), start, gradients) == by_hand


@settings(deadline=None)  # a machine at work on other things
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


# -- against PyTorch --------------------------------------------------------------------------------------------------
def oracle() -> Any:
    spec = importlib.util.spec_from_file_location("torch_oracle", ROOT / "tools" / "torch_oracle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES: dict[str, tuple[str, dict[str, Any]]] = oracle().OPTIMIZERS


def check_against_torch(expected: dict[str, Any], name: str) -> None:
    kind, arguments = CASES[name]
    params = [Value(number) for number in expected["start"]]
    optimizer = getattr(nn, kind)(params, **arguments)
    for gradients in expected["gradients"]:
        for parameter, gradient in zip(params, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
    for found, wanted in zip(params, expected["trained"][name], strict=True):
        # some ten roundings per step of numbers near the parameter: 100 · 10 · 2^-53 is 1e-13
        assert abs(found.data - wanted) <= 1e-12 * (1.0 + abs(wanted))


@pytest.mark.parametrize("name", CASES)
def test_a_hundred_steps_are_pytorch_s(name: str) -> None:
    assert len(STORED["gradients"]) == oracle().OPTIMIZER_STEPS
    check_against_torch(STORED, name)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_the_numbers_are_those_of_the_pytorch_that_is_here() -> None:
    torch = importlib.import_module("torch")
    torch.set_default_dtype(torch.float64)
    found = oracle().optimizers(torch)
    for name in CASES:
        check_against_torch(found, name)


# -- a rule is a formula ----------------------------------------------------------------------------------------------
class Lion(nn.Optimizer):
    """Of Chen et al. 2023, with what else a rule may do: nested settings, choices, a branch on a setting."""

    def __init__(
        self, params: Any, lr: float, betas: Any = (0.9, 0.99), decay: float = 0.0, kind: str = "sign"
    ) -> None:
        super().__init__(params, lr)
        self.decays = {"p": decay, "betas": list(betas)}
        self.kind = kind

    def rule(self, p: Any, g: Any, step: Any, mean: Any = 0.5) -> Any:
        keep, learn = self.decays["betas"]
        new = keep * mean + (1.0 - keep) * g
        if self.kind == "sign":
            move = autograd.sign(new)
        else:
            move = autograd.where(new > 0.25, 0.25 * new, new) / autograd.sqrt(step)
        if self.decays["p"] > 0.0:
            move = move + self.decays["p"] * p
        return p - self.lr * move, learn * mean + (1.0 - learn) * g


MAKERS: dict[str, Callable[[Any], nn.Optimizer]] = {
    "SGD": lambda params: nn.SGD(params, lr=0.1),
    "SGD with momentum": lambda params: nn.SGD(params, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adagrad": lambda params: nn.Adagrad(params, lr=0.1),
    "RMSprop": lambda params: nn.RMSprop(params, lr=0.1, weight_decay=0.1),
    "Adam": lambda params: nn.Adam(params, lr=0.1),
    "AdamW": lambda params: nn.AdamW(params, lr=0.1),
    "one's own": lambda params: Lion(params, lr=0.1, decay=0.2),
    "one's own, of another kind": lambda params: Lion(params, lr=0.1, kind="where"),
}


def by_hand(optimizer: nn.Optimizer, data: list[float], gradients: list[float], memory: list[list[float]]) -> None:
    """One step by the rule itself, on floats."""
    step = optimizer.steps + 1.0
    for i, row in enumerate(zip(data, gradients, *memory, strict=True)):
        found = optimizer.rule(row[0], row[1], step, *row[2:])
        data[i] = found[0]
        for column, number in zip(memory, found[1:], strict=True):
            column[i] = number


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 29])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_step_has_the_bits_of_the_rule_on_floats(make: Any, count: int, each_executor: str) -> None:
    params = [Value(math.sin(1.0 + i)) for i in range(count)]
    optimizer = make(params)
    data = [p.data for p in params]
    memory = [list(held) for held in optimizer._memory.values()]
    for step in range(5):
        gradients = [math.cos(3.7 * i + step) * 10.0 ** (i % 5 - 2) for i in range(count)]
        for parameter, gradient in zip(params, gradients, strict=True):
            parameter.grad = gradient
        by_hand(optimizer, data, gradients, memory)
        optimizer.step()
        assert [p.data for p in params] == data
        assert [list(held) for held in optimizer._memory.values()] == memory
        assert optimizer.steps == step + 1
        optimizer.lr = optimizer.lr * 0.7


SETTINGS: dict[str, tuple[Callable[[Any], nn.Optimizer], Callable[[Any], None]]] = {
    "lr": (MAKERS["Adam"], lambda o: o.set_lr(0.5)),
    "a rate of 0": (MAKERS["SGD"], lambda o: o.set_lr(0.0)),
    "a pair": (MAKERS["Adam"], lambda o: setattr(o, "betas", (0.5, 0.6))),
    "a branch on a number": (MAKERS["Adam"], lambda o: setattr(o, "weight_decay", 0.3)),
    "a bool": (MAKERS["SGD with momentum"], lambda o: setattr(o, "nesterov", False)),
    "a text": (MAKERS["one's own"], lambda o: setattr(o, "kind", "where")),
    "a number in a list in a dict": (
        MAKERS["one's own, of another kind"],
        lambda o: o.decays["betas"].__setitem__(0, 0.1),
    ),
    "a branch on a number in a dict": (MAKERS["one's own"], lambda o: o.decays.update(p=0.0)),
}


@pytest.mark.parametrize(("make", "change"), SETTINGS.values(), ids=SETTINGS)
def test_settings_are_read_at_each_step(make: Any, change: Any) -> None:
    params = [Value(0.5), Value(-2.0), Value(3.0)]
    optimizer = make(params)
    data, memory = [p.data for p in params], [list(held) for held in optimizer._memory.values()]
    gradients = [0.25, 1.0, -4.0]
    for step in range(4):
        if step == 2:
            before = [optimizer.rule(*row) for row in zip(data, gradients, [3.0] * 3, *memory, strict=True)]
            change(optimizer)
            after = [optimizer.rule(*row) for row in zip(data, gradients, [3.0] * 3, *memory, strict=True)]
            assert before != after
        for parameter, gradient in zip(params, gradients, strict=True):
            parameter.grad = gradient
        by_hand(optimizer, data, gradients, memory)
        optimizer.step()
        assert [p.data for p in params] == data


def test_what_depends_on_settings_alone_is_computed_once_per_step() -> None:
    x = Value(1.0)
    optimizer = nn.Adam([x])
    optimizer.step()
    tape = optimizer._tape()
    of_each = [table.BY_CODE[code].name for code in tape._inner.flat.codes]
    once = [table.BY_CODE[code].name for code in tape._outer.flat.codes]
    assert sorted(once) == sorted(["power"] * 2 + ["subtract"] * 4 + ["divide"] * 2 + ["sqrt"])
    assert sorted(of_each) == sorted(["multiply"] * 7 + ["add"] * 3 + ["divide", "sqrt", "subtract"])


def test_a_decision_by_the_step_is_taken_anew() -> None:
    class Late(nn.Optimizer):
        def rule(self, p: Any, g: Any, step: Any) -> Any:
            return p - (self.lr if step > 2 else 10.0 * self.lr) * g * self.steps

    parameter = Value(1.0)
    optimizer = Late([parameter], lr=1.0)
    found = []
    for _ in range(5):
        parameter.grad = 1.0
        optimizer.step()
        found.append(parameter.data)
    assert found == [1.0, -9.0, -11.0, -14.0, -18.0]


def test_a_value_among_the_settings_is_read_at_each_step() -> None:
    class Learned(nn.Optimizer):
        def rule(self, p: Any, g: Any, step: Any) -> Any:
            return p - self.rate * g

    x, rate = Value(1.0), Value(0.5)
    optimizer = Learned([x], lr=1.0)
    optimizer.rate = rate  # type: ignore[attr-defined]
    for number, wanted in ((0.5, 0.5), (2.0, -1.5)):
        rate.data, x.grad = number, 1.0
        optimizer.step()
        assert x.data == wanted


def test_a_rule_may_divide_by_zero_and_use_lists_and_constants_that_are_not_finite() -> None:
    class Own(nn.Optimizer):
        def rule(self, p: Any, g: Any, step: Any, v: Any = 0.0, w: Any = 2.0) -> Any:
            bound = autograd.minimum(1.0 / abs(g), math.inf)  # inf where g is 0
            return autograd.take([p, autograd.sum([p, g, v])], v), autograd.where(bound > 1e9, 1.0, 0.0), 2.0

    params = [Value(float(i)) for i in range(11)]
    optimizer = Own(params, lr=0.1)
    for parameter in params:
        parameter.grad = parameter.data - 4.0
    optimizer.step()
    assert optimizer.state_dict()["v"] == [float(i == 4) for i in range(11)]
    assert optimizer.state_dict()["w"] == [2.0] * 11
    optimizer.step()
    assert [p.data for p in params] == [0.0, 1.0, 2.0, 3.0, 5.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]


def test_steps_may_be_taken_where_nothing_is_recorded() -> None:
    x = Value(1.0)
    optimizer = nn.Adam([x], lr=0.5)
    x.grad = 1.0
    with autograd.no_grad():
        optimizer.step()
    with autograd.detect_anomaly():
        nn.SGD([x], lr=0.5).step()
    assert x.data == pytest.approx(0.0, abs=1e-7)


def rule_of(rule: Callable[..., Any]) -> Callable[[], None]:
    def build() -> None:
        kind = type("Own", (nn.Optimizer,), {"rule": rule})
        x, y = Value(1.0), Value(2.0)
        x.grad, y.grad = 1.0, 7.0
        kind([x, y], lr=0.1).step()

    return build


def assigning(self: Any, p: Any, g: Any, step: Any) -> Any:
    self.count = step
    return p


@pytest.mark.parametrize(
    ("rule", "error", "message"),
    [
        (lambda self, p, g, step: (p, g), ValueError, r"Own.rule returned 2 numbers, and p are 1"),
        (lambda self, p, g, step, v=0.0: p, ValueError, r"Own.rule returned 1 numbers, and p, v are 2"),
        (lambda self, p, g, step, v=0.0: (p, "v"), TypeError, r"Own.rule returned str 'v' for v, not a number"),
        (lambda self, p, g, step: None, TypeError, r"Own.rule returned NoneType None for p, not a number"),
        (lambda self, p, g, step, v: (p, v), TypeError, "Own.rule: v has no default"),
        (lambda self, p, g, step, v=None: (p, v), TypeError, "the default of v must be a number, not NoneType None"),
        (lambda self, p, g, step, v=math.nan: (p, v), ValueError, "the default of v must lie in"),
        (lambda self, p, g: p, TypeError, r"Own.rule must take \(self, p, g, step\)"),
        (lambda self, p, g, step, *rest: p, TypeError, r"Own.rule must take \(self, p, g, step\)"),
        (lambda self, p, g, step, lr=0.0: (p, lr), ValueError, "lr is the name of a setting and of a memory"),
        (lambda self, p, g, step: p if g > 0 else -p, ValueError, "Own.rule decides by p or g, .* autograd.where"),
        (lambda self, p, g, step: g if p > 0 else -g, ValueError, "Own.rule decides by p or g, .* autograd.where"),
        (lambda self, p, g, step: p - g.data, ValueError, "Own.rule reads a number of a Value"),
        (lambda self, p, g, step: p - g * nn.random(), ValueError, "Own.rule draws a random number"),
        (lambda self, p, g, step: p - math.sqrt(g), TypeError, "use autograd.exp"),
        (lambda self, p, g, step: p + autograd.take([p, g], g - 1), ValueError, "row 1 takes an index"),
        (assigning, ValueError, "Own.rule assigns self.count: what it keeps it must return"),
    ],
)
def test_bad_rules(rule: Callable[..., Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rule_of(rule)()


def test_without_a_rule_there_is_no_step() -> None:
    with pytest.raises(NotImplementedError, match="Optimizer does not define rule"):
        nn.Optimizer([Value(1.0)], lr=0.1)


def test_a_bad_rule_changes_nothing() -> None:
    class Own(nn.Optimizer):
        bad = True

        def rule(self, p: Any, g: Any, step: Any, v: Any = 0.0) -> Any:
            return p - g, "v" if self.bad else v + g

    x = Value(1.0)
    optimizer = Own([x], lr=0.1)
    x.grad = 1.0
    with pytest.raises(TypeError, match="returned str"):
        optimizer.step()
    assert (x.data, optimizer.state_dict()) == (1.0, {"lr": 0.1, "steps": 0, "v": [0.0]})
    Own.bad = False
    optimizer.step()
    assert (x.data, optimizer.state_dict()) == (0.0, {"lr": 0.1, "steps": 1, "v": [1.0]})


def test_a_pickled_optimiser_goes_on() -> None:
    x = Value(2.0)
    optimizer = nn.Adam([x], lr=0.1)
    x.grad = 1.0
    optimizer.step()
    (again,) = (copy := pickle.loads(pickle.dumps(optimizer))).params
    for one, of in ((x, optimizer), (again, copy)):
        one.grad = -3.0
        of.step()
    assert x.data == again.data
    assert copy.state_dict() == optimizer.state_dict()


# -- state ------------------------------------------------------------------------------------------------------------
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
        (lambda params: nn.Adam(params), 1e200, r"this step would set second of params\[1\] to inf"),
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
        (lambda: nn.SGD([X], lr=0.1, weight_decay=-1.0), ValueError, "weight_decay must lie in"),
        (lambda: nn.SGD([X], lr=0.1, nesterov=True), ValueError, "nesterov=True needs a momentum"),
        (lambda: nn.SGD([X], lr=0.1, nesterov=1), TypeError, "nesterov must be True or False, not 1"),
        (lambda: nn.RMSprop([X], alpha=1.0), ValueError, r"alpha must lie in \[0, 1\), not 1.0"),
        (lambda: nn.RMSprop([X], eps=math.inf), ValueError, "eps must lie in"),
        (lambda: nn.Adagrad([X], eps=math.nan), ValueError, "eps must lie in"),
        (lambda: nn.AdamW([X], weight_decay=math.inf), ValueError, "weight_decay must lie in"),
        (lambda: setattr(nn.Adam([X]), "lr", -1.0), ValueError, "lr must lie in"),
        (lambda: setattr(nn.SGD([X], lr=0.1), "momentum", 2.0), ValueError, "momentum must lie in"),
        (lambda: setattr(nn.SGD([X], lr=0.1), "own", math.nan), ValueError, "own must lie in"),
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
        ({"nesterov": True}, "the state of Adam holds lr, betas, eps, .*not .*nesterov"),
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
    with pytest.raises(ValueError, match=r"the state of SGD holds lr, momentum, .*velocity, not lr"):
        optimizer.load_state_dict({"lr": 0.1})


def test_states_of_earlier_versions_load() -> None:
    x = Value(1.0)
    sgd, adam = nn.SGD([x], lr=0.1, momentum=0.5, weight_decay=0.3), nn.Adam([x], weight_decay=0.1)
    sgd.load_state_dict({"lr": 0.2, "momentum": 0.9, "velocity": [3.0]})
    assert sgd.state_dict() == {
        "lr": 0.2, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0, "steps": 0, "velocity": [3.0],
    }  # fmt: skip
    adam.load_state_dict({"lr": 0.2, "betas": [0.8, 0.9], "eps": 1e-7, "steps": 3, "first": [1.0], "second": [2.0]})
    assert adam.state_dict() == {
        "lr": 0.2, "betas": (0.8, 0.9), "eps": 1e-7, "weight_decay": 0.0, "steps": 3, "first": [1.0], "second": [2.0],
    }  # fmt: skip


def test_a_state_of_one_s_own_has_settings_and_memory() -> None:
    optimizer = Lion([Value(1.0), Value(2.0)], lr=0.1)
    assert optimizer.state_dict() == {"lr": 0.1, "kind": "sign", "steps": 0, "mean": [0.5, 0.5]}
    for changes, message in (
        ({"kind": 3}, "kind must be str, not int 3"),
        ({"lr": "fast"}, "lr must be a number"),
        ({"mean": [1.0]}, "mean has 1 numbers for 2 parameters"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            optimizer.load_state_dict({**optimizer.state_dict(), **changes})


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


def test_clipping_by_value_moves_each_gradient_into_an_interval() -> None:
    params = [Value(1.0, f"p{i}") for i in range(5)]
    for parameter, gradient in zip(params, [3.0, -4.0, 0.5, 0.0, -math.inf], strict=True):
        parameter.grad = gradient
    nn.clip_grad_value(iter(params), 0.75)
    assert [p.grad for p in params] == [0.75, -0.75, 0.5, 0.0, -0.75]
    params[3].grad = math.nan
    with pytest.raises(ValueError, match="the gradient of p3 is nan; nothing was changed"):
        nn.clip_grad_value(params, 0.1)
    assert params[0].grad == 0.75
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="clip_value"):
            nn.clip_grad_value(params, wrong)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([X, X * 2.0], ValueError, r"params\[1\] is a computed Value"),
        ([X, Value(1.0), X], ValueError, r"params\[2\] is params\[0\] again"),
        ([X, 1.0], TypeError, r"params\[1\] must be a Value"),
    ],
)
def test_what_is_clipped_is_checked(params: Any, error: type[Exception], message: str) -> None:
    for clip in (nn.clip_grad_norm, nn.clip_grad_value):
        with pytest.raises(error, match=message):
            clip(params, 1.0)
    nn.SGD([X], lr=0.1).step()  # no mark was left behind
    (X * X).backward()


def test_a_rule_that_takes_by_an_index() -> None:
    class Choosing(nn.Optimizer):
        def __init__(self, params: Any, lr: float, place: float) -> None:
            super().__init__(params, lr)
            self.place = place

        def rule(self, p: Any, g: Any, step: Any) -> Any:
            return p - self.lr * autograd.take([g, p, -g], self.place)

    for place, expected in ((0.0, 0.5 - 0.1 * 3.0), (1.0, 0.5 - 0.1 * 0.5), (2.0, 0.5 + 0.1 * 3.0)):
        parameter = Value(0.5)
        parameter.grad = 3.0
        Choosing([parameter], 0.1, place).step()
        assert parameter.data == expected


def test_a_step_after_a_rate_that_was_changed_and_put_back() -> None:
    """The same float object again: what was prepared for the rate in between must not stay."""
    for kind in (nn.SGD, nn.Adam):
        x, y, rate = Value(1.0), Value(1.0), 0.5
        changed, plain = kind([x], lr=rate), kind([y], lr=rate)
        for step in range(3):
            x.grad = y.grad = 1.0
            changed.step()
            plain.step()
            before = x.data
            changed.lr = 0.25
            changed._tape()
            if step == 1:
                changed.step()
                x.data = before
                plain.lr = 0.25
                plain.step()
                y.data = before
            changed.lr = plain.lr = rate
        assert x.data == y.data
