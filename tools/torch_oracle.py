"""Write tests/torch_oracle.json: what PyTorch computes in float64 for the networks of tests/test_nn_oracle.py.

Also for the optimisers of tests/test_nn_optim.py.

    python tools/torch_oracle.py

It needs torch, which the package does not. The tests compare with the file, and with `computed()` where torch is there.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "tests" / "torch_oracle.json"
STEPS = 50
CASES = ("linear", "sequential", "mlp")
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
        "linear": (nn.Linear(4, 2), nn.MSELoss(), targets, lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
        "sequential": (
            nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 3)),
            nn.CrossEntropyLoss(),
            classes,
            lambda p: torch.optim.Adam(p, lr=0.02),
        ),
        "mlp": (
            nn.Sequential(nn.Linear(4, 6), nn.SiLU(), nn.Linear(6, 3)),
            nn.CrossEntropyLoss(),
            classes,
            lambda p: torch.optim.SGD(p, lr=0.1),
        ),
    }
    return {
        "torch": torch.__version__.partition("+")[0],
        "cases": {name: case(*model[:2], X, *model[2:]) for name, model in models.items()},
        "optimizers": optimizers(torch),
    }


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


def case(model: Any, criterion: Any, X: Any, y: Any, optimizer_of: Any) -> dict[str, Any]:
    """Return one case."""
    found: dict[str, Any] = {"X": X.tolist(), "y": y.tolist(), "state": state(model)}
    outputs = model(X)
    loss = criterion(outputs, y)
    loss.backward()
    found |= {"outputs": outputs.tolist(), "loss": loss.item()}
    found["gradients"] = {name: parameter.grad.tolist() for name, parameter in model.named_parameters()}
    optimizer, losses = optimizer_of(model.parameters()), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return found | {"losses": losses, "trained": state(model)}


def state(model: Any) -> dict[str, Any]:
    """Return a state dict as lists."""
    return {name: held.tolist() for name, held in model.state_dict().items()}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(computed()) + "\n", encoding="utf-8")
    print(f"wrote {TARGET}")
