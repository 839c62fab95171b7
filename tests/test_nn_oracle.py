"""Layers, losses and training against PyTorch in float64, from the same numbers (tools/torch_oracle.py)."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import autograd
import nn
from autograd import Value
from nn.generator import Draws, drawing

ROOT = Path(__file__).resolve().parent.parent
STORED = json.loads((ROOT / "tests" / "torch_oracle.json").read_text(encoding="utf-8"))
WITHIN = {"rel": 1e-9, "abs": 1e-12}


def flat(numbers: Any) -> list[float]:
    return nn.Flatten()(numbers)


def mlp_state(state: dict[str, Any]) -> dict[str, Any]:
    """PyTorch's numbers under the names of an MLP: a neuron is a row of weights with its bias."""
    found = {}
    for depth, place in enumerate(sorted({name.partition(".")[0] for name in state})):
        for index, (row, bias) in enumerate(zip(state[f"{place}.weight"], state[f"{place}.bias"], strict=True)):
            found[f"layers.{depth}.neurons.{index}.w"] = row
            found[f"layers.{depth}.neurons.{index}.b"] = bias
    return found


def same_state(state: dict[str, Any]) -> dict[str, Any]:
    return state


class Recurrence(nn.Module):
    """A cell between an embedding and a linear map, applied to the tokens of a sequence in turn."""

    def __init__(self, cell: Any) -> None:
        self.embed, self.cell, self.out = nn.Embedding(7, 3), cell, nn.Linear(4, 7)

    def forward(self, tokens: Any) -> Any:
        h, logits = None, []
        for token in tokens:
            h = self.cell(self.embed(token), h)
            logits.append(self.out(h))
        return logits


class Block(nn.Module):
    """The block of a transformer between an embedding and a linear map."""

    def __init__(self) -> None:
        self.embed, self.place = nn.Embedding(7, 4), nn.Embedding(5, 4)
        self.norm, self.out = nn.LayerNorm(4), nn.Linear(4, 7)
        self.attend = nn.CausalSelfAttention(4, 2)

    def forward(self, tokens: Any) -> Any:
        xs = [[a + b for a, b in zip(self.embed(token), self.place(t), strict=True)] for t, token in enumerate(tokens)]
        seen = self.attend([self.norm(x) for x in xs])
        return [self.out([a + b for a, b in zip(x, y, strict=True)]) for x, y in zip(xs, seen, strict=True)]


def sgd(parameters: Any) -> nn.Optimizer:
    return nn.SGD(parameters, lr=0.1)


def adam(parameters: Any) -> nn.Optimizer:
    return nn.Adam(parameters, lr=0.02)


CASES: dict[str, Any] = {
    "linear": (lambda: nn.Linear(4, 2), nn.mse, lambda p: nn.SGD(p, lr=0.05, momentum=0.9), same_state),
    "sequential": (
        lambda: nn.Sequential(nn.Linear(4, 6), "tanh", nn.Linear(6, 5), "gelu", nn.Linear(5, 3)),
        nn.softmax_cross_entropy, adam, same_state,
    ),
    "mlp": (lambda: nn.MLP(4, [6, 3], activation="silu"), nn.softmax_cross_entropy, sgd, mlp_state),
    "max_pool": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), "tanh", nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3)),
        nn.softmax_cross_entropy, adam, same_state,
    ),
    "avg_pool": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 2, 2, stride=2, padding=1), "tanh", nn.AvgPool2d(2, 1), nn.Flatten(), nn.Linear(12, 2)
        ),
        nn.l1, sgd, same_state,
    ),
    "batch_norm": (
        lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, eps=1e-3, momentum=0.2), "tanh", nn.Linear(5, 3)),
        nn.softmax_cross_entropy, sgd, same_state,
    ),
    "layer_norm": (
        lambda: nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), "gelu", nn.Linear(5, 2)),
        nn.huber(delta=0.5), sgd, same_state,
    ),
    "rnn": (lambda: Recurrence(nn.RNNCell(3, 4)), nn.softmax_cross_entropy, adam, same_state),
    "gru": (lambda: Recurrence(nn.GRUCell(3, 4)), nn.softmax_cross_entropy, sgd, same_state),
    "attention": (Block, nn.softmax_cross_entropy, sgd, same_state),
}  # fmt: skip


def leaves(numbers: Any) -> Any:
    """Nested lists with a Value for each float; ints are indices."""
    if isinstance(numbers, list):
        return [leaves(member) for member in numbers]
    return Value(numbers) if isinstance(numbers, float) else numbers


def check(name: str, expected: dict[str, Any], replay: bool) -> None:
    make, loss, optimizer_of, named = CASES[name]
    model = make()
    model.load_state_dict(named(expected["state"]))
    X, y = leaves(expected["X"]), expected["y"]
    predictions = model.forward_batch(X)
    assert [v.data for v in flat(predictions)] == pytest.approx(flat(expected["outputs"]), **WITHIN)
    losses = [loss(prediction, target) for prediction, target in zip(predictions, y, strict=True)]
    mean = sum(losses) / len(losses)
    assert mean.data == pytest.approx(expected["loss"], **WITHIN)
    mean.backward()
    if expected["input_gradients"] is not None:
        assert [x.grad for x in flat(X)] == pytest.approx(flat(expected["input_gradients"]), **WITHIN)
    gradients = named(expected["gradients"])
    for parameter in model.parameters():  # a state dict of gradients
        parameter.data = parameter.grad
    found = model.state_dict()
    for path in gradients:
        assert flat(found[path]) == pytest.approx(flat(gradients[path]), **WITHIN), path

    model.load_state_dict(named(expected["state"]))
    history = nn.fit(
        model, expected["X"], y, loss=loss, optimizer=optimizer_of(model.parameters()),
        epochs=len(expected["losses"]), batch_size=len(X), seed=0, progress=False, replay=replay,
    )  # fmt: skip
    assert history.replayed is replay
    assert history.loss == pytest.approx(expected["losses"], **WITHIN)
    trained = named(expected["trained"])
    for path, held in model.state_dict().items():
        assert flat(held) == pytest.approx(flat(trained[path]), **WITHIN), path
    assert flat(nn.predict(model, expected["X"])) == pytest.approx(flat(expected["evaluated"]), **WITHIN)


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_pytorch_s(name: str, replay: bool) -> None:
    check(name, STORED["cases"][name], replay)


def check_dropout(expected: dict[str, Any]) -> None:
    """The same numbers are left out where the draws are below p."""
    dropout, xs = nn.Dropout(0.3), leaves(expected["x"])

    class Chosen(Draws):
        def next(self) -> float:
            return 0.29 if expected["y"][self.count()] == 0.0 else 0.3

        def count(self) -> int:
            super().next()
            return len(self.places) - 1

    with drawing(Chosen(0, 0, [0])):
        ys = dropout(xs)
    autograd.dot(ys, ys).backward()
    assert [y.data for y in ys] == pytest.approx(expected["y"], **WITHIN)
    assert [x.grad for x in xs] == pytest.approx(expected["gradients"], **WITHIN)


def test_dropout_is_pytorch_s_where_the_same_numbers_are_left_out() -> None:
    check_dropout(STORED["dropout"])


def oracle() -> Any:
    spec = importlib.util.spec_from_file_location("torch_oracle", ROOT / "tools" / "torch_oracle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stored_numbers_cover_every_case() -> None:
    assert set(STORED["cases"]) == set(CASES) == set(oracle().CASES)
    assert all(len(case["losses"]) == oracle().STEPS for case in STORED["cases"].values())


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_the_numbers_are_those_of_the_pytorch_that_is_here() -> None:
    found = oracle().computed()
    for name, expected in found["cases"].items():
        check(name, expected, replay=True)
    check_dropout(found["dropout"])


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("build", [
    lambda lib: lib.Linear(3, 2),
    lambda lib: lib.Sequential(lib.Linear(3, 4), lib.ReLU(), lib.Sequential(lib.Linear(4, 2, bias=False), lib.Tanh())),
    lambda lib: lib.Sequential(lib.Linear(3, 4), lib.LayerNorm(4), lib.BatchNorm1d(4), lib.Dropout(0.5)),
    lambda lib: lib.RNNCell(3, 4),
    lambda lib: lib.GRUCell(3, 4),
    lambda lib: lib.Sequential(lib.Embedding(3, 2)),
    lambda lib: lib.Sequential(lib.Conv2d(1, 2, 3, stride=2, padding=1), lib.MaxPool2d(2), lib.AvgPool2d(1)),
    lambda lib: lib.MultiheadAttention(4, 2) if lib is not nn else lib.CausalSelfAttention(4, 2),
])  # fmt: skip
def test_states_go_to_pytorch_and_back(build: Any) -> None:
    torch = sys.modules.get("torch") or importlib.import_module("torch")
    theirs, ours = build(torch.nn).double(), build(nn)
    ours.load_state_dict({name: held.tolist() for name, held in theirs.state_dict().items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for parameter in ours.parameters():
        parameter.data = 2.0 * parameter.data
    theirs.load_state_dict({name: torch.tensor(held, dtype=torch.float64) for name, held in ours.state_dict().items()})
    assert ours.state_dict() == {name: held.tolist() for name, held in theirs.state_dict().items()}


RUN = """
import nn
X, y = nn.moons(60, seed=1)
outcomes = []
for replay in (True, False):
    middle = nn.Residual(nn.Linear(8, 8, seed=3), "gelu")
    model = nn.Sequential(nn.Linear(2, 8, seed=1), "tanh", middle, nn.Linear(8, 1, seed=2))
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    history = nn.fit(
        model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=3, seed=4, progress=False, replay=replay
    )
    print(*history.loss, *[p.data for p in model.parameters()])
"""


def test_eager_and_replayed_training_agree_in_both_builds() -> None:
    outcomes = []
    for pure in ("", "1"):
        run = subprocess.run(
            [sys.executable, "-c", RUN],
            env={**os.environ, "GLASSGRAD_PURE": pure},
            check=True,
            capture_output=True,
            text=True,
        )
        outcomes.append([[float(x) for x in line.split()] for line in run.stdout.splitlines()])
    compiled, pure_build = outcomes
    assert compiled == pure_build  # to the bit
    replayed, eager = compiled
    assert replayed == pytest.approx(eager, **WITHIN)
