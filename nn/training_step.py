"""One training step on a batch: what is computed of it, and the eager step; `nn.replayed_step` has the other one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, cast

import autograd
from autograd import Value
from nn import buffers, inner_loops
from nn.arguments import shown
from nn.batches import Batch
from nn.decisions import DecisionRule
from nn.generator import Draws, drawing
from nn.interruption import Interruption
from nn.module import Module
from nn.optimizer import Optimizer

__all__ = [
    "Change",
    "EagerStep",
    "LossFunction",
    "Model",
    "Objective",
    "Tally",
    "check_finite",
    "checked_loss",
    "name_of",
]

Model = Callable[[Any], Any] | Module
LossFunction = Callable[[Any, Any], Value]


class Tally:
    """The sums of one epoch: its samples, those that were right, their losses; its steps and their gradients' norms."""

    __slots__ = ("loss", "norms", "right", "samples", "steps")

    def __init__(self) -> None:
        self.samples = 0
        self.right = 0.0
        self.loss = 0.0
        self.steps = 0
        self.norms = 0.0


@dataclass(frozen=True, slots=True)
class Objective:
    """What a step computes of its samples: their losses, and the outputs that accuracy looks at.

    Attributes:
        model: The model.
        loss: The loss of one sample.
        rule: How accuracy decides, or None.
        penalty: A term that is added to the mean loss of each batch, or None.
    """

    model: Model
    loss: LossFunction
    rule: DecisionRule | None
    penalty: Callable[[], Value] | None = None

    @property
    def whole_batch(self) -> bool:
        """Whether the model computes a batch as a whole, because a part of it looks across the batch in training."""
        return isinstance(self.model, Module) and self.model.training and self.model._looks_across_batch()

    def sample(self, samples: list[Any]) -> list[Value | float]:
        """Return the loss of one sample, the only one of the list, and its scores."""
        ((features, target),) = samples
        prediction = self.model(features)
        return [checked_loss(self.loss, prediction, target), *self._scores(prediction)]

    def batch(self, samples: list[Any]) -> list[Value | float]:
        """Return the mean loss of a batch that is computed as a whole, the scores of all samples, and new buffers."""
        outputs, updates = self.batch_and_updates(samples)
        return [*outputs, *(number for _, number in updates)]

    def batch_and_updates(self, samples: list[Any]) -> tuple[list[Value | float], buffers.Updates]:
        """Return the mean loss and the scores of a batch that is computed as a whole, and the updates of buffers."""
        with buffers.collected() as updates:
            predictions = cast(Module, self.model).forward_batch([features for features, _ in samples])
        losses = [checked_loss(self.loss, p, target) for p, (_, target) in zip(predictions, samples, strict=True)]
        scores = [score for prediction in predictions for score in self._scores(prediction)]
        return [autograd.mean(losses), *scores], updates

    def score(self, prediction: Any, target: Any) -> None:
        """Try the loss and the decision on a target; raise their errors."""
        checked_loss(self.loss, prediction, target)
        if self.rule is not None:
            self.rule.share_right(prediction, target)

    def _scores(self, prediction: Any) -> Sequence[Value | float]:
        return () if self.rule is None else self.rule.scores(prediction)

    def count_right(self, scores: Sequence[float], targets: Sequence[Any]) -> float:
        """Return how many samples are right, given the scores of all in turn; of a sequence the fraction counts."""
        return 0.0 if self.rule is None else self.rule.count_of(scores, targets)


class Change:
    """What a step does with the gradients: clip them, and change the parameters.

    Args:
        optimizer: The optimiser.
        clip_norm: The largest norm of the gradients, or None.
        interruption: Holds Ctrl-C back while numbers change.
    """

    def __init__(self, optimizer: Optimizer, clip_norm: float | None, interruption: Interruption) -> None:
        self.optimizer = optimizer
        self.clip_norm = clip_norm
        self.interruption = interruption

    def __call__(self, tally: Tally, where: str, updates: buffers.Updates) -> None:
        """Take the step.

        Args:
            tally: The sums of the epoch, which the norm of the gradients is added to.
            where: The name of the batch in errors.
            updates: New numbers of buffers.

        Raises:
            ValueError: A gradient or a new number is not finite; then nothing has changed.
        """
        params = self.optimizer.params
        norm = math.sqrt(inner_loops.sum_of_squares(params))
        if self.clip_norm is not None and self.clip_norm < norm < math.inf:  # else the step says which one is infinite
            inner_loops.scale_gradients(params, self.clip_norm / norm)
        self.interruption.hold()
        try:
            self.optimizer.step()
            buffers.assign(updates)
        except ValueError as error:
            raise ValueError(f"{error} ({where})") from error
        finally:
            self.interruption.release()
        tally.norms += norm
        tally.steps += 1


class EagerStep:
    """A training step that records the graph of each batch anew."""

    def __init__(self, objective: Objective, change: Change, key: int) -> None:
        self.objective = objective
        self.change = change
        self.key = key

    def __call__(self, batch: Batch, tally: Tally) -> None:
        """Train on a batch.

        Args:
            batch: The batch.
            tally: The sums of the epoch, which this batch is added to.

        Raises:
            ValueError: The loss or a gradient is not finite, or the loss does not depend on any parameter.
        """
        whole = self.objective.whole_batch
        total, updates = self._whole(batch, tally) if whole else self._row_by_row(batch, tally)
        if self.objective.penalty is not None:
            penalty = self.objective.penalty()
            tally.loss += len(batch.rows) * penalty.data
            total = total + penalty
        tally.samples += len(batch.rows)
        check_finite(total.data, batch.where)
        if not total.op:
            raise ValueError(
                f"the loss does not depend on any parameter in {batch.where}: is fit called inside no_grad()?"
            )
        self.change.optimizer.zero_grad()
        total.backward()
        self.change(tally, batch.where, updates)

    def _row_by_row(self, batch: Batch, tally: Tally) -> tuple[Value, buffers.Updates]:
        losses = []
        with buffers.collected() as updates:
            for row, sample in zip(batch.rows, batch.samples(), strict=True):
                with self._drawing(batch, [row]):
                    loss, *scores = self.objective.sample([sample])
                losses.append(loss)
                tally.loss += _number(loss)
                tally.right += self.objective.count_right(list(map(_number, scores)), [sample[1]])
        return autograd.mean(losses), updates  # type: ignore[return-value]

    def _whole(self, batch: Batch, tally: Tally) -> tuple[Value, buffers.Updates]:
        samples = batch.samples()
        with self._drawing(batch, batch.rows):
            (loss, *scores), updates = self.objective.batch_and_updates(samples)
        tally.loss += len(samples) * _number(loss)
        tally.right += self.objective.count_right(list(map(_number, scores)), [target for _, target in samples])
        return loss, updates  # type: ignore[return-value]

    def _drawing(self, batch: Batch, rows: list[int]) -> AbstractContextManager[None]:
        return drawing(Draws(self.key, batch.epoch, rows))


def _number(x: Value | float) -> float:
    return x.data if isinstance(x, Value) else x


def check_finite(loss: float, where: str) -> None:
    """Raise ValueError if a mean loss is nan or infinite."""
    if not math.isfinite(loss):
        raise ValueError(f"the loss is {loss} in {where}: try a lower lr, or scale the data")


def checked_loss(loss: LossFunction, prediction: Any, target: Any) -> Value:
    """Return the loss of one sample; raise TypeError if it is not a Value."""
    computed = loss(prediction, target)
    if not isinstance(computed, Value):
        raise TypeError(f"{name_of(loss)} must return a Value, not {shown(computed)}")
    return computed


def name_of(loss: LossFunction) -> str:
    """Return the name of a loss in errors."""
    return getattr(loss, "__name__", repr(loss))
