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

import nn

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


CASES: dict[str, Any] = {
    "linear": (lambda: nn.Linear(4, 2), nn.mse, lambda p: nn.SGD(p, lr=0.05, momentum=0.9), same_state),
    "sequential": (
        lambda: nn.Sequential(nn.Linear(4, 6), "tanh", nn.Linear(6, 5), "gelu", nn.Linear(5, 3)),
        nn.softmax_cross_entropy,
        lambda p: nn.Adam(p, lr=0.02),
        same_state,
    ),
    "mlp": (
        lambda: nn.MLP(4, [6, 3], activation="silu"),
        nn.softmax_cross_entropy,
        lambda p: nn.SGD(p, lr=0.1),
        mlp_state,
    ),
}


def check(name: str, expected: dict[str, Any], replay: bool) -> None:
    make, loss, optimizer_of, named = CASES[name]
    model = make()
    model.load_state_dict(named(expected["state"]))
    X, y = expected["X"], expected["y"]
    assert flat(nn.predict(model, X)) == pytest.approx(flat(expected["outputs"]), **WITHIN)
    assert nn.evaluate(model, X, y, loss)[0] == pytest.approx(expected["loss"], **WITHIN)

    losses = [loss(model(row), target) for row, target in zip(X, y, strict=True)]
    (sum(losses) / len(losses)).backward()
    gradients = named(expected["gradients"])
    data = model.state_dict()
    for parameter in model.parameters():  # a state dict of gradients
        parameter.data = parameter.grad
    for path, held in model.state_dict().items():
        assert flat(held) == pytest.approx(flat(gradients[path]), **WITHIN), path
    model.load_state_dict(data)

    history = nn.fit(
        model, X, y, loss=loss, optimizer=optimizer_of(model.parameters()), epochs=len(expected["losses"]),
        batch_size=len(X), seed=0, progress=False, replay=replay,
    )  # fmt: skip
    assert history.loss == pytest.approx(expected["losses"], **WITHIN)
    trained = named(expected["trained"])
    for path, held in model.state_dict().items():
        assert flat(held) == pytest.approx(flat(trained[path]), **WITHIN), path


@pytest.mark.parametrize("replay", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_pytorch_s(name: str, replay: bool) -> None:
    check(name, STORED["cases"][name], replay)


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


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
@pytest.mark.parametrize("build", [
    lambda lib: lib.Linear(3, 2),
    lambda lib: lib.Sequential(lib.Linear(3, 4), lib.ReLU(), lib.Sequential(lib.Linear(4, 2, bias=False), lib.Tanh())),
])  # fmt: skip
def test_states_go_to_pytorch_and_back(build: Any) -> None:
    torch = sys.modules.get("torch") or importlib.import_module("torch")
    theirs, ours = build(torch.nn).double(), build(nn)
    ours.load_state_dict({name: held.tolist() for name, held in theirs.state_dict().items()})
    assert [len(name) for name in ours.state_dict()] == [len(name) for name in theirs.state_dict()]
    for parameter in ours.parameters():
        parameter.data = 2.0 * parameter.data
    theirs.load_state_dict({name: torch.tensor(held, dtype=torch.float64) for name, held in ours.state_dict().items()})
    row = [0.5, -1.0, 2.0]
    assert [v.data for v in ours(row)] == pytest.approx(
        theirs(torch.tensor(row, dtype=torch.float64)).tolist(), **WITHIN
    )


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
