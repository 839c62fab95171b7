"""Write tests/torch_oracle.json: what PyTorch computes in float64 for the networks of tests/test_nn_oracle.py.

Also for the optimisers of tests/test_nn_optim.py.

    python tools/torch_oracle.py

It needs torch, which the package does not. The tests compare with the file, and with `computed()` where torch is there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "tests" / "torch_oracle.json"
STEPS = 50
CASES = (
    "linear", "sequential", "mlp", "max_pool", "avg_pool", "batch_norm", "layer_norm", "rnn", "gru", "attention",
)  # fmt: skip
OPTIMIZER_STEPS = 100
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.1}),
    "SGD, momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "SGD, Nesterov, decay": ("SGD", {"lr": 0.02, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "Adagrad": ("Adagrad", {}),
    "Adagrad, decay": ("Adagrad", {"lr": 0.1, "weight_decay": 0.2, "eps": 1e-6}),
    "RMSprop": ("RMSprop", {}),
    "RMSprop, decay": ("RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.2}),
    "Adam": ("Adam", {}),
    "Adam, decay": ("Adam", {"lr": 0.05, "betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.1}),
    "AdamW": ("AdamW", {}),
    "AdamW, decay": ("AdamW", {"lr": 0.05, "betas": [0.8, 0.95], "weight_decay": 0.3}),
}


def computed() -> dict[str, Any]:
    """Return for each case the data, both states, and PyTorch's outputs, loss, gradients and losses of a training."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    torch.manual_seed(20)
    torch.set_default_dtype(torch.float64)
    nn = torch.nn
    X = torch.randn(23, 4)
    classes, targets = torch.randint(0, 3, (23,)), torch.randn(23, 2)
    models = {
        "linear": (nn.Linear(4, 2), nn.MSELoss(), X, targets, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
        "sequential": (
            nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 3)),
            nn.CrossEntropyLoss(),
            X,
            classes,
            lambda p: torch.optim.Adam(p, lr=0.02),
        ),
        "mlp": (
            nn.Sequential(nn.Linear(4, 6), nn.SiLU(), nn.Linear(6, 3)),
            nn.CrossEntropyLoss(),
            X,
            classes,
            lambda p: torch.optim.SGD(p, lr=0.1),
        ),
        **parts(torch, X, classes, targets),
    }
    return {
        "torch": torch.__version__.partition("+")[0],
        "cases": {name: case(*model) for name, model in models.items()},
        "dropout": dropout(torch),
        "optimizers": optimizers(torch),
    }


def parts(torch: Any, X: Any, classes: Any, targets: Any) -> dict[str, tuple[Any, ...]]:
    """Return the models of parts that need more than rows of numbers, or the whole batch."""
    nn = torch.nn
    images, tokens = torch.randn(4, 2, 6, 5), torch.randint(0, 7, (3, 5))

    def entropy(logits: Any, found: Any) -> Any:
        return nn.functional.cross_entropy(logits.flatten(0, 1), found.flatten())

    def sgd(parameters: Any) -> Any:
        return torch.optim.SGD(parameters, lr=0.1)

    def adam(parameters: Any) -> Any:
        return torch.optim.Adam(parameters, lr=0.02)

    # Adam would blow up the rounding of gradients that are 0: of a bias before batch norm, of the keys' bias
    return {
        "max_pool": (
            nn.Sequential(
                nn.Conv2d(2, 3, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(18, 3)
            ),
            nn.CrossEntropyLoss(), images, classes[:4], adam,
        ),
        "avg_pool": (
            nn.Sequential(
                nn.Conv2d(2, 2, 2, stride=2, padding=1), nn.Tanh(), nn.AvgPool2d(2, 1), nn.Flatten(), nn.Linear(12, 2)
            ),
            nn.L1Loss(), images, targets[:4], sgd,
        ),
        "batch_norm": (
            nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5, eps=1e-3, momentum=0.2), nn.Tanh(), nn.Linear(5, 3)),
            nn.CrossEntropyLoss(), X, classes, sgd,
        ),
        "layer_norm": (
            nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 2)),
            nn.HuberLoss(delta=0.5), X, targets, sgd,
        ),
        "rnn": (recurrence(torch, nn.RNNCell(3, 4)), entropy, tokens, tokens.flip(1), adam),
        "gru": (recurrence(torch, nn.GRUCell(3, 4)), entropy, tokens, tokens.flip(1), sgd),
        "attention": (block(torch), entropy, tokens, tokens.flip(1), sgd),
    }  # fmt: skip


def recurrence(torch: Any, cell: Any) -> Any:
    """Return a cell between an embedding and a linear map, applied to the tokens of a sequence in turn."""

    class Recurrence(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.cell, self.out = torch.nn.Embedding(7, 3), cell, torch.nn.Linear(4, 7)

        def forward(self, tokens: Any) -> Any:
            h, logits = None, []
            for x in self.embed(tokens).unbind(1):
                h = self.cell(x, h)
                logits.append(self.out(h))
            return torch.stack(logits, 1)

    return Recurrence()


def block(torch: Any) -> Any:
    """Return the block of a transformer between an embedding and a linear map."""

    class Block(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.place = torch.nn.Embedding(7, 4), torch.nn.Embedding(5, 4)
            self.norm, self.out = torch.nn.LayerNorm(4), torch.nn.Linear(4, 7)
            self.attend = torch.nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, tokens: Any) -> Any:
            x = self.embed(tokens) + self.place.weight
            y, mask = self.norm(x), torch.ones(5, 5, dtype=torch.bool).triu(1)
            return self.out(x + self.attend(y, y, y, attn_mask=mask, need_weights=False)[0])

    return Block()


def dropout(torch: Any) -> dict[str, Any]:
    """Return what Dropout makes of some numbers, and the gradient of the sum of the squares of that."""
    x = torch.randn(20, requires_grad=True)
    y = torch.nn.Dropout(0.3)(x)
    y.square().sum().backward()
    return {"x": x.tolist(), "y": y.tolist(), "gradients": x.grad.tolist()}


def optimizers(torch: Any) -> dict[str, Any]:
    """Return parameters, their gradients in each step, and the parameters after all steps by each optimiser."""
    torch.manual_seed(21)
    start, gradients = torch.randn(5), torch.randn(OPTIMIZER_STEPS, 5) * torch.tensor([1e-3, 0.1, 1.0, 10.0, 1e3])
    trained = {}
    for name, (kind, settings) in OPTIMIZERS.items():
        parameter = torch.nn.Parameter(start.clone())
        optimizer = getattr(torch.optim, kind)([parameter], **settings)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
        trained[name] = parameter.tolist()
    return {"start": start.tolist(), "gradients": gradients.tolist(), "trained": trained}


def case(model: Any, criterion: Any, X: Any, y: Any, optimizer_of: Callable[[Any], Any]) -> dict[str, Any]:
    """Return one case."""
    found: dict[str, Any] = {"X": X.tolist(), "y": y.tolist(), "state": state(model)}
    before = copy.deepcopy(model.state_dict())
    inputs = X.clone().requires_grad_(X.is_floating_point())
    outputs = model(inputs)
    loss = criterion(outputs, y)
    loss.backward()
    found |= {"outputs": outputs.tolist(), "loss": loss.item()}
    found["gradients"] = {name: parameter.grad.tolist() for name, parameter in model.named_parameters()}
    found["input_gradients"] = inputs.grad.tolist() if inputs.requires_grad else None
    model.load_state_dict(before)  # the buffers have moved
    optimizer, losses = optimizer_of(model.parameters()), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return found | {"losses": losses, "trained": state(model), "evaluated": model.eval()(X).tolist()}


def state(model: Any) -> dict[str, Any]:
    """Return a state dict as lists."""
    return {name: held.tolist() for name, held in model.state_dict().items()}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(computed()) + "\n", encoding="utf-8")
    print(f"wrote {TARGET}")
