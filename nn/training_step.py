"""One training step on a batch: the eager one, and what it shares with the replayed one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd
from autograd import Value
from nn.checked_samples import Samples
from nn.decisions import DecisionRule
from nn.module import Module
from nn.optim import Optimizer

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

Model = Callable[[Any], Any] | Module
LossFunction = Callable[[Any, Any], Value]


class Tally:
    """The sums over one epoch's samples: their number, the number that was right, and their losses."""

    def __init__(self) -> None:
        self.samples = 0
        self.right = 0
        self.loss = 0.0


class EagerStep:
    """A training step that records the graph of each batch anew; it is called with the rows of the batch."""

    def __init__(
        self, model: Model, samples: Samples, loss: LossFunction, rule: DecisionRule | None, optimizer: Optimizer
    ) -> None:
        self.model = model
        self.samples = samples
        self.loss = loss
        self.rule = rule
        self.optimizer = optimizer

    def __call__(self, rows: list[int], tally: Tally, where: str) -> None:
        """Train on these rows.

        Args:
            rows: the indices of the samples.
            tally: the sums of the epoch, which this batch is added to.
            where: the name of the batch in errors.

        Raises:
            ValueError: the loss or a gradient is not finite, or the loss does not depend on any parameter.
        """
        losses = []
        for row in rows:
            features, target = self.samples[row]
            prediction = self.model(features)
            losses.append(checked_loss(self.loss, prediction, target))
            tally.loss += losses[-1].data
            if self.rule is not None:
                tally.right += self.rule.is_right(prediction, target)
        tally.samples += len(rows)
        total = autograd.mean(losses)
        check_finite(total.data, where)
        if not total.op:
            raise ValueError(f"the loss does not depend on any parameter in {where}: is fit called inside no_grad()?")
        self.optimizer.zero_grad()
        total.backward()
        change_parameters(self.optimizer, where)


def check_finite(loss: float, where: str) -> None:
    """Raise ValueError if a mean loss is nan or infinite."""
    if not math.isfinite(loss):
        raise ValueError(f"the loss is {loss} in {where}: try a lower lr, or scale the data")


def change_parameters(optimizer: Optimizer, where: str) -> None:
    """Take the optimiser's step; an error names the batch."""
    try:
        optimizer.step()
    except ValueError as error:
        raise ValueError(f"{error} ({where})") from error


def checked_loss(loss: LossFunction, prediction: Any, target: Any) -> Value:
    """Return the loss of one sample; raise TypeError if it is not a Value."""
    computed = loss(prediction, target)
    if not isinstance(computed, Value):
        raise TypeError(f"{name_of(loss)} must return a Value, not {type(computed).__name__} {computed!r}")
    return computed


def name_of(loss: LossFunction) -> str:
    """Return the name of a loss in errors."""
    return getattr(loss, "__name__", repr(loss))
