"""nn.health: norms, update ratios, dead and saturated units, verdicts, against sums written out here."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import Value

X, Y = nn.moons(60, seed=1)
LOSS = nn.binary_cross_entropy_with_logits


def first(outputs: list[Value]) -> Value:
    return outputs[0]


def deep(activation: str, init: Any, *, residual: bool = False, layers: int = 10) -> nn.Sequential:
    rng = random.Random(1)
    parts: list[Any] = [nn.Linear(2, 8, init=init, seed=rng), activation]
    for _ in range(layers - 1):
        block = [nn.Linear(8, 8, init=init, seed=rng), activation]
        parts += [nn.Residual(*block)] if residual else block
    return nn.Sequential(*parts, nn.Linear(8, 1, init=init, seed=rng), first)


def test_norms_and_ratios_are_those_of_the_mean_loss() -> None:
    model = nn.MLP(2, [5, 1], activation="tanh", seed=3)
    optimizer = nn.SGD(model.parameters(), lr=0.25)
    report = nn.health(model, X, Y, LOSS, optimizer)
    total = ag.mean([LOSS(model(x), t) for x, t in zip(X, Y, strict=True)])
    model.zero_grad()
    total.backward()
    assert report.loss == total.data
    assert report.lr == 0.25
    assert [layer.path for layer in report.layers] == ["layers.0", "layers.1"]
    for layer, module in zip(report.layers, model.layers, strict=True):
        held = module.parameters()
        assert layer.parameters == len(held)
        # math.hypot and these sums round differently
        assert layer.weight_norm == pytest.approx(math.sqrt(math.fsum(p.data**2 for p in held)), rel=1e-14)
        assert layer.gradient_norm == pytest.approx(math.sqrt(math.fsum(p.grad**2 for p in held)), rel=1e-14)
        assert layer.update_ratio == pytest.approx(0.25 * layer.gradient_norm / layer.weight_norm, rel=1e-14)


def test_dead_and_saturated_units_are_counted() -> None:
    layer = nn.Linear(1, 4, init=lambda rng, nin, nout: 1.0)
    for bias, number in zip(layer.bias or [], (0.0, -10.0, 5.0, -0.5), strict=True):
        bias.data = number
    rows, targets = [[0.0], [1.0]], [1.0, 0.0]

    def report(activation: str) -> nn.LayerHealth:
        model = nn.Sequential(layer, activation, nn.Linear(4, 1, seed=1), first)
        return nn.health(model, rows, targets, nn.mse).layers[0]

    relu = report("relu")
    assert (relu.units, relu.dead, relu.saturated) == (4, 0.25, None)  # -10, -9 is the dead one
    sigmoid = report("sigmoid")  # beyond ±4.6: -10, -9, 5, 6
    assert (sigmoid.units, sigmoid.dead, sigmoid.saturated) == (4, 0.0, 0.5)
    tanh = report("tanh")  # beyond ±2.3: -10, -9, 5, 6
    assert (tanh.dead, tanh.saturated) == (0.0, 0.5)


@pytest.mark.parametrize(
    ("model", "lr", "first_layer", "whole"),
    [
        (deep("sigmoid", "xavier"), 0.1, "vanishing", "vanishing"),
        (deep("relu", "he"), 0.1, "fine", "fine"),
        (deep("sigmoid", "xavier", residual=True), 0.1, "fine", "fine"),
        (deep("relu", functools.partial(nn.normal, std=1.5)), 0.1, "exploding", "exploding"),
        (deep("relu", functools.partial(nn.normal, std=1.5)), 1e-6, "fine", "fine"),
        (deep("relu", lambda rng, nin, nout: -1.0, layers=2), 0.1, "dead", "dead"),
        (deep("relu", functools.partial(nn.normal, std=1e200)), 0.1, "exploding", "exploding"),
    ],
)
def test_verdicts(model: nn.Sequential, lr: float, first_layer: str, whole: str) -> None:
    rows = [[abs(a), abs(b)] for a, b in X]
    report = nn.health(model, rows, Y, LOSS, nn.SGD(model.parameters(), lr=lr))
    assert (report.layers[0].verdict, report.verdict) == (first_layer, whole)


def test_a_loss_at_its_minimum_is_fine_and_a_dead_part_of_it_is_not() -> None:
    model = nn.Sequential(nn.Linear(2, 3, seed=1), "relu", nn.Linear(3, 1, seed=1), first)
    reached = [model(row).data for row in X]
    report = nn.health(model, X, reached, nn.mse, nn.SGD(model.parameters(), lr=0.1))
    assert (report.loss, report.verdict, report.layers[0].gradient_norm) == (0.0, "fine", 0.0)
    for bias in model[0].bias:
        bias.data = -1e3
    reached = [model(row).data for row in X]
    assert nn.health(model, X, reached, nn.mse).verdict == "dead"


def test_without_an_optimiser_the_verdict_assumes_a_rate() -> None:
    model = deep("relu", functools.partial(nn.normal, std=1.5))
    report = nn.health(model, X, Y, LOSS)
    assert report.lr is None
    assert report.layers[0].update_ratio is None
    assert report.verdict == "exploding"


class Normalising(nn.Module):
    """Looks across the batch in training, and counts the batches it has seen in a buffer."""

    def __init__(self) -> None:
        self.gain = Value(1.0)
        self.register_buffer("batches", 0.0)

    def forward(self, x: list[Any]) -> list[Any]:
        return [self.gain * v for v in x]

    def forward_batch(self, rows: list[Any]) -> list[Any]:
        if not self.training:
            return super().forward_batch(rows)
        self.update_buffer("batches", self.batches.data + 1.0)
        middle = [ag.mean(list(column)) for column in zip(*rows, strict=True)]
        return [[self.gain * (v - m) for v, m in zip(row, middle, strict=True)] for row in rows]


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(training: bool) -> None:
    model = nn.Sequential(nn.Linear(2, 3, seed=1), Normalising(), "relu", nn.Linear(3, 1, seed=2), first)
    model.train(not training)
    for index, parameter in enumerate(model.parameters()):
        parameter.grad = float(index)
    state = model.state_dict()
    report = nn.health(model, X, Y, nn.with_l2(LOSS, model, 0.1), training=training)
    assert model.state_dict() == state
    assert [p.grad for p in model.parameters()] == [float(index) for index in range(len(model.parameters()))]
    assert {module.training for module in model.modules()} == {not training}
    assert [(layer.path, layer.units) for layer in report.layers] == [("0", 0), ("1", 3), ("3", 0)]
    other = nn.health(model, X, Y, LOSS, training=not training)
    assert report.loss != other.loss


def test_dropout_draws_in_training_mode_alone_and_the_same_each_time() -> None:
    class Dropping(nn.Module):
        def forward(self, x: list[Any]) -> list[Any]:
            return [ag.where(nn.random() < 0.5, 0.0, 2.0 * v) for v in x] if self.training else x

    model = nn.Sequential(nn.Linear(2, 3, seed=1), Dropping(), nn.Linear(3, 1, seed=2), first)
    random.seed(1)
    state = random.getstate()
    eager = [nn.health(model, X, Y, LOSS, training=training).loss for training in (True, True, False)]
    assert random.getstate() == state
    assert eager[0] == eager[1] != eager[2]


def test_it_prints_a_table_and_displays_one() -> None:
    model = nn.Sequential(nn.Linear(1, 1, init=lambda rng, nin, nout: 2.0), nn.Tanh(), first)
    report = nn.health(model, [[1.0]], [0.0], nn.half_squared_error, nn.SGD(model.parameters(), lr=0.5))
    assert repr(report) == (
        "mean loss 0.4647, lr 0.5: fine\n"
        "layer  kind    parameters  |w|      |g|  lr·|g|/|w|  units  dead  saturated  verdict\n"
        "0      Linear           2    2  0.09632     0.02408      1   0 %        0 %     fine"
    )
    shown = report._repr_html_()
    assert shown.count("<tr>") == 2
    assert "<td>0.02408</td>" in shown


class Hostile(nn.Module):
    def __init__(self) -> None:
        self.held = {"<b>": nn.Linear(1, 1, seed=1)}

    def forward(self, x: list[Any]) -> Value:
        return self.held["<b>"](x)[0]


def test_paths_are_escaped() -> None:
    assert "&lt;b&gt;" in nn.health(Hostile(), [[1.0]], [0.0], nn.mse)._repr_html_()


def test_a_part_is_looked_at_alone() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 4, seed=1), "relu", nn.Linear(4, 1, seed=1), first))
    model.parameters()
    whole = nn.health(model, X, Y, LOSS).layers
    part = nn.health(model[0], X, Y, LOSS).layers
    assert [layer.path for layer in whole] == ["0.0", "0.2"]
    assert [layer.path for layer in part] == ["0", "2"]
    assert [layer.units for layer in part] == [layer.units for layer in whole] == [4, 0]


BAD: list[tuple[str, Callable[[], Any], type[Exception], str]] = [
    ("a function", lambda: nn.health(lambda x: x, X, Y, LOSS), TypeError, "layers of a module"),  # type: ignore[arg-type]
    ("no parameters", lambda: nn.health(nn.Sequential("relu"), X, Y, LOSS), ValueError, "does not have parameters"),
    ("sizes", lambda: nn.health(nn.MLP(2, [1], seed=1), X, Y[:3], LOSS), ValueError, "60"),
    ("no rows", lambda: nn.health(nn.MLP(2, [1], seed=1), [], [], LOSS), ValueError, "X is empty"),
]


@pytest.mark.parametrize(("call", "error", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_inside_no_grad() -> None:
    with ag.no_grad(), pytest.raises(ValueError, match="no_grad"):
        nn.health(nn.MLP(2, [1], seed=1), X, Y, LOSS)
