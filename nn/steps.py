"""One training step on a batch, node by node, and what an epoch adds up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd
from autograd import Value
from nn.losses import Decision, is_right
from nn.optim import Optimizer
from nn.samples import Samples

__all__ = [
    "EagerStep",
    "LossFunction",
    "Model",
    "Tally",
    "change_parameters",
    "check_finite",
    "checked_loss",
    "name_of",
]

Model = Callable[[Any], Any]
LossFunction = Callable[[Any, Any], Value]


class Tally:
    """The sums over one epoch's samples: how many, how many right, and their losses."""

    def __init__(self) -> None:
        self.samples = 0
        self.right = 0
        self.loss = 0.0


class EagerStep:
    """A step that records the graph of each batch anew; it is called with the rows of the batch."""

    def __init__(
        self, model: Model, samples: Samples, loss: LossFunction, decision: Decision | None, optimizer: Optimizer
    ) -> None:
        self.model = model
        self.samples = samples
        self.loss = loss
        self.decision = decision
        self.optimizer = optimizer

    def __call__(self, rows: list[int], tally: Tally, where: str) -> None:
        """Train on these rows; `where` says in errors which batch it is.

        Raises:
            ValueError: The loss or a gradient is not finite, or the loss depends on no parameter.
        """
        losses = []
        for row in rows:
            features, target = self.samples[row]
            prediction = self.model(features)
            losses.append(checked_loss(self.loss, prediction, target))
            tally.loss += losses[-1].data
            if self.decision is not None:
                tally.right += is_right(self.decision, prediction, target)
        tally.samples += len(rows)
        total = autograd.mean(losses)
        check_finite(total.data, where)
        if not total.op:
            raise ValueError(f"the loss depends on no parameter in {where}: is fit called inside no_grad()?")
        self.optimizer.zero_grad()
        total.backward()
        change_parameters(self.optimizer, where)


def check_finite(loss: float, where: str) -> None:
    """Refuse a mean loss that is nan or infinite."""
    if not math.isfinite(loss):
        raise ValueError(f"the loss is {loss} in {where}: try a lower lr, or scale the data")


def change_parameters(optimizer: Optimizer, where: str) -> None:
    """The optimiser's step, whose error names the batch."""
    try:
        optimizer.step()
    except ValueError as error:
        raise ValueError(f"{error} ({where})") from error


def checked_loss(loss: LossFunction, prediction: Any, target: Any) -> Value:
    """The loss of one sample; TypeError where it is no Value."""
    computed = loss(prediction, target)
    if not isinstance(computed, Value):
        raise TypeError(f"{name_of(loss)} must return a Value, not {type(computed).__name__} {computed!r}")
    return computed


def name_of(loss: LossFunction) -> str:
    """What errors call a loss."""
    return getattr(loss, "__name__", repr(loss))
