"""Steps in the compiled core against steps in Python: the same bits, and the same state where something goes wrong."""

from __future__ import annotations

import math
import operator
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import autograd
import nn
from autograd import Value
from nn import chunks
from nn.chunks import Chunks

X, Y = nn.moons(70, seed=1)
SPIRALS, ARMS = nn.spirals(150, seed=1, classes=3)

pytestmark = pytest.mark.skipif(not autograd.compiled, reason="the core is not compiled: every step is in Python")


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of steps of each chunk from here on."""
    found: list[int] = []
    run_steps = chunks.run_steps

    def counted(*arguments: Any) -> int:
        found.append(run_steps(*arguments))
        return found[-1]

    monkeypatch.setattr(chunks, "run_steps", counted)
    return found


@pytest.fixture
def in_python(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    """Call a function that trains without chunks."""

    def call(function: Callable[[], Any]) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(Chunks, "may_run", staticmethod(lambda *arguments: False))
            return function()

    return call


class Dropping(nn.Module):
    """A part that draws random numbers."""

    def forward(self, x: Any) -> Any:
        return [autograd.where(nn.random() < 0.25, 0.0, v) for v in x] if self.training else x


class Late(nn.Optimizer):
    """A rule that decides by its step and by its settings."""

    def rule(self, p: Any, g: Any, step: Any, mean: Any = 0.25) -> Any:
        mean = 0.5 * mean + (0.5 if self.lr > 0.05 else 0.25) * g
        return p - self.lr * (mean if step > 11 else g) / autograd.sqrt(step), mean


def mlp(outputs: int = 1) -> nn.Module:
    return nn.MLP(2, [8, outputs], seed=1)


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8, seed=1), Dropping(), "tanh", nn.Linear(8, 1, seed=2))


class OfConstants(nn.Module):
    """A module that makes leaves in each call, and has a parameter that the loss does not reach."""

    def __init__(self) -> None:
        self.inner = nn.Linear(2, 1, seed=3)
        self.unused = Value(0.5)

    def forward(self, x: Any) -> Any:
        return self.inner([Value(2.0) * v for v in x])[0]


Case = tuple[Callable[[], nn.Module], Callable[[Any], nn.Optimizer], dict[str, Any]]
CASES: dict[str, Case] = {
    "batches": (mlp, lambda p: nn.SGD(p, lr=0.1), {"epochs": 7, "batch_size": 16}),
    "one batch per epoch": (mlp, lambda p: nn.SGD(p, lr=0.1, momentum=0.9), {"epochs": 90, "batch_size": 70}),
    "a block of rows": (mlp, lambda p: nn.SGD(p, lr=0.1), {"epochs": 9, "batch_size": 64}),
    "more than a block of rows": (mlp, lambda p: nn.SGD(p, lr=0.1), {"epochs": 9, "batch_size": 65}),
    "a batch of one row": (mlp, lambda p: nn.Adam(p, lr=0.01), {"epochs": 2, "batch_size": 1}),
    "clipping and a schedule": (
        mlp,
        lambda p: nn.Adam(p, lr=0.05, weight_decay=0.01),
        {"epochs": 9, "batch_size": 20, "clip_norm": 0.5, "schedule": nn.schedules.cosine(warmup=0.1)},
    ),
    "callbacks": (mlp, nn.AdamW, {"epochs": 6, "batch_size": 7, "callback": lambda epoch, history: None}),
    "a callback that changes nothing": (
        mlp, nn.RMSprop, {"epochs": 6, "batch_size": 7, "callback": nn.EarlyStopping(patience=2)},
    ),
    "validation": (mlp, nn.Adagrad, {"epochs": 6, "batch_size": 7, "validation": (X[:10], Y[:10])}),
    "random numbers": (dropping, lambda p: nn.SGD(p, lr=0.1, nesterov=True, momentum=0.5), {"epochs": 6}),
    "decisions by settings": (
        mlp, lambda p: Late(p, lr=0.1), {"epochs": 6, "batch_size": 20, "schedule": lambda progress: 1.0 - progress},
    ),
    "leaves of a call": (OfConstants, lambda p: nn.SGD(p, lr=0.01, weight_decay=0.1), {"epochs": 6}),
}  # fmt: skip


def outcome(case: Case, X: Any = X, Y: Any = Y, loss: Any = nn.hinge) -> Any:
    make, optimizer_of, options = case
    model = make()
    optimizer = optimizer_of(model.parameters())
    history = nn.fit(model, X, Y, loss=loss, optimizer=optimizer, seed=3, progress=False, **options)
    gradients = [(p.grad, p.reached) for p in model.parameters()]
    return history, [p.data for p in model.parameters()], gradients, optimizer.state_dict()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_ways_have_the_same_bits(case: Case, sizes: list[int], in_python: Any) -> None:
    found = outcome(case)
    steps = case[2]["epochs"] * math.ceil(len(X) / case[2].get("batch_size", 32))
    assert sum(sizes) >= steps - 3 - case[2]["epochs"]  # the rest is compared, or follows a callback or a decision
    sizes.clear()
    assert found == in_python(lambda: outcome(case))
    assert not sizes


def test_each_executor_has_the_same_bits(each_executor: str, sizes: list[int], in_python: Any) -> None:
    case: Case = (lambda: mlp(3), lambda p: nn.Adam(p, lr=0.05), {"epochs": 4, "batch_size": 40, "clip_norm": 1.0})
    found = outcome(case, SPIRALS, ARMS, nn.softmax_cross_entropy)
    assert sizes
    assert found == in_python(lambda: outcome(case, SPIRALS, ARMS, nn.softmax_cross_entropy))


def test_a_callback_may_change_the_optimiser(in_python: Any) -> None:
    def train() -> Any:
        model = mlp()
        optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.5)

        def halve(epoch: int, history: nn.History) -> None:
            if epoch == 3:
                optimizer.lr *= 0.5
                optimizer.momentum = 0.25

        history = nn.fit(
            model, X, Y, loss=nn.hinge, optimizer=optimizer, epochs=6, seed=3, progress=False, callback=halve
        )
        return history, [p.data for p in model.parameters()], optimizer.state_dict()

    found = train()
    assert found[0].lr == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05]
    assert found == in_python(train)


class Reading(nn.Module):
    """A module that may read a number of its graph, which a tape would keep."""

    def __init__(self) -> None:
        self.inner = nn.Linear(2, 1, seed=3)
        self.reads = False

    def forward(self, x: Any) -> Any:
        (p,) = self.inner(x)
        return p * (1.0 + 0.1 * p.data) if self.reads else p


def test_a_callback_may_make_of_it_what_cannot_be_replayed(sizes: list[int], in_python: Any) -> None:
    def train() -> Any:
        model = Reading()

        def read(epoch: int, history: nn.History) -> None:
            model.reads = epoch >= 3

        optimizer = nn.SGD(model.parameters(), lr=0.01)
        options: dict[str, Any] = {"loss": nn.mse, "epochs": 6, "batch_size": 10, "seed": 3, "progress": False}
        with pytest.warns(nn.ReplayWarning):
            history = nn.fit(model, X, Y, optimizer=optimizer, callback=read, **options)
        return history.loss, [p.data for p in model.parameters()]

    found = train()
    assert sizes
    assert found == in_python(train)


class Own(nn.SGD):
    """Its own step."""

    def step(self) -> None:
        super().step()


def with_rate(params: Any) -> nn.Optimizer:
    class Learned(nn.Optimizer):
        def rule(self, p: Any, g: Any, step: Any) -> Any:
            return p - abs(self.rate) * 0.01 * g  # type: ignore[attr-defined]

    optimizer = Learned(params, lr=1.0)
    optimizer.rate = params[0]  # type: ignore[attr-defined]
    return optimizer


@pytest.mark.parametrize(
    "optimizer_of",
    [lambda p: Own(p, lr=0.1), with_rate, lambda p: nn.SGD(p[:5], lr=0.1)],
    ids=["a step of one's own", "a Value among the settings", "a part of the parameters"],
)
def test_what_a_chunk_cannot_do_is_left_to_python(optimizer_of: Any, sizes: list[int], in_python: Any) -> None:
    case: Case = mlp, optimizer_of, {"epochs": 3}
    found = outcome(case)
    assert not sizes
    assert found == in_python(lambda: outcome(case))


def test_rows_that_take_another_branch_are_trained_on(sizes: list[int], in_python: Any) -> None:
    def loss(prediction: Any, target: Any) -> Any:
        return nn.hinge(prediction, target) * (3.0 if prediction > 1.4 else 1.0)

    case: Case = mlp, lambda p: nn.SGD(p, lr=0.1), {"epochs": 8, "batch_size": 10}
    found = outcome(case, loss=loss)
    assert 0 < sum(sizes) < 56
    assert found == in_python(lambda: outcome(case, loss=loss))


# -- where something goes wrong ---------------------------------------------------------------------------------------
def failed(options: dict[str, Any], lr: float, X: Any, loss: Any = nn.mse, kind: Any = nn.SGD) -> Any:
    model = mlp()
    optimizer = kind(model.parameters(), lr=lr)
    with pytest.raises((ValueError, IndexError, ZeroDivisionError)) as error:
        nn.fit(model, X, Y, loss=loss, optimizer=optimizer, seed=3, progress=False, **options)
    data = [p.data for p in model.parameters()]
    assert all(map(math.isfinite, data))
    return str(error.value), data, optimizer.state_dict()


def stopping(progress: float) -> float:
    return 1.0 / (1.0 if progress < 0.61 else 0.0)


@pytest.mark.parametrize(
    ("options", "lr", "loss", "message"),
    [
        ({"epochs": 200, "batch_size": 10}, 5.0, nn.mse, "epoch"),
        ({"epochs": 200, "batch_size": 70}, 3.0, nn.mse, "epoch"),
        ({"epochs": 40, "batch_size": 10, "schedule": stopping}, 0.01, nn.mse, "division by zero"),
        (
            {"epochs": 40, "batch_size": 10},
            0.01,
            lambda p, t: autograd.take([(p - 3.0) ** 2, p], autograd.where(p > 1.6, 9.0, 0.0)),
            "has the indices 0 to 1, not 9",
        ),
        (
            {"epochs": 40, "batch_size": 10},
            0.01,
            lambda p, t: (p - 3.0) ** 2 + autograd.where(p > 1.6, 1e308, 0.0),
            "the loss is inf",
        ),
        (
            {"epochs": 40, "batch_size": 10, "clip_norm": 1.0},
            0.01,
            lambda p, t: (p - 3.0) ** 2 + autograd.where(p > 1.6, 1e200 * p, 0.0),
            "the loss is inf",
        ),
    ],
    ids=[
        *("a loss that explodes", "in whole batches", "a schedule that raises", "an index out of range"),
        *("losses of infinite sum and finite gradients", "finite gradients of infinite norm"),
    ],
)
def test_an_error_leaves_the_state_of_the_last_good_step(
    options: dict[str, Any], lr: float, loss: Any, message: str, sizes: list[int], in_python: Any
) -> None:
    found = failed(options, lr, X, loss)
    assert message in found[0]
    assert sum(sizes) > 0
    assert found == in_python(lambda: failed(options, lr, X, loss))


class Overflowing(nn.Optimizer):
    """A rule whose numbers are not finite from its twelfth step on, where the loss and its gradients still are."""

    def rule(self, p: Any, g: Any, step: Any) -> Any:
        factor = autograd.where(step > 11, 1e200, 1.0)
        return p - self.lr * factor * (factor * g)


def test_a_step_that_overflows_is_not_done(sizes: list[int], in_python: Any) -> None:
    found = failed({"epochs": 40, "batch_size": 10}, 0.01, X, kind=Overflowing)
    assert sum(sizes) > 0
    assert found[2]["steps"] == 11
    assert found == in_python(lambda: failed({"epochs": 40, "batch_size": 10}, 0.01, X, kind=Overflowing))


def test_ctrl_c_at_any_moment_leaves_whole_steps(in_python: Any) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for trial in range(5):
            model = mlp()
            optimizer = nn.Adam(model.parameters(), lr=0.01)
            timer = threading.Timer(0.01 + 0.013 * trial, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            options: dict[str, Any] = {"loss": nn.hinge, "batch_size": 10, "seed": 3, "progress": False}
            history = nn.fit(model, X, Y, optimizer=optimizer, epochs=10**6, **options)
            timer.join()
            assert history.interrupted
            # the same number of steps without an interruption
            same, steps = mlp(), optimizer.steps
            other = nn.Adam(same.parameters(), lr=0.01)

            def until(progress: float, steps: int = steps) -> float:
                if round(progress * 7 * 10**6) >= steps:
                    raise RuntimeError("enough")
                return 1.0

            def train(same: Any = same, other: Any = other, until: Any = until, options: Any = options) -> None:
                with pytest.raises(RuntimeError, match="enough"):
                    nn.fit(same, X, Y, optimizer=other, epochs=10**6, schedule=until, **options)

            (in_python if trial == 0 else operator.call)(train)  # Python takes long
            assert [p.data for p in same.parameters()] == [p.data for p in model.parameters()]
            assert other.state_dict() == optimizer.state_dict()
            assert len(history.loss) == steps // 7
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_run_meanwhile() -> None:
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    outcome((lambda: nn.MLP(2, [64, 64, 1], seed=1), lambda p: nn.SGD(p, lr=0.01), {"epochs": 100, "batch_size": 70}))
    stop.set()
    thread.join()
    assert len(ticks) > 3


def test_the_order_of_rows_is_that_of_the_generator() -> None:
    for rows in (1, 2, 3, 10, 1000, 5000):
        for epoch in (1, 2, 9):
            draws = [nn.generator.uniform(7, epoch, row, -1) for row in range(rows)]
            assert nn.generator.order_of_rows(7, epoch, rows) == sorted(range(rows), key=draws.__getitem__)
