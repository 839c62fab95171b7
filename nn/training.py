"""The training loop, `fit`, with `History`, `predict` and `accuracy`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast, overload

from tqdm import tqdm

from autograd import Value, no_grad
from nn.arguments import Seed, positive_integer, random_source
from nn.checked_samples import Rows, Samples, checked_rows, checked_samples
from nn.decisions import DecisionRule, rule_of
from nn.module import Forwards, Module
from nn.optim import Optimizer
from nn.replayed_step import ReplayedStep, chooses_replay
from nn.training_step import EagerStep, LossFunction, Model, Tally, checked_loss, name_of

__all__ = ["History", "accuracy", "fit", "predict"]

Outputs = TypeVar("Outputs")
_Maps = Callable[[list[float]], Outputs] | Forwards[[list[float]], Outputs]  # a model of one row


@dataclass
class History:
    """The course of a training: one number per epoch, the mean over its samples as the model saw them.

    Attributes:
        loss: the mean loss.
        accuracy: the fraction of samples that were right; empty if the loss does not state how to decide.

    >>> History(loss=[0.9, 0.25], accuracy=[0.5, 0.75])
    History(2 epochs, loss 0.9 -> 0.25, accuracy 50 % -> 75 %)
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        if not self.loss:
            return "History(0 epochs)"
        right = f", accuracy {_percent(self.accuracy[0])} -> {_percent(self.accuracy[-1])}" if self.accuracy else ""
        epochs = f"{len(self.loss)} epoch{'s' if len(self.loss) > 1 else ''}"
        return f"History({epochs}, loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}{right})"


def fit(
    model: Model,
    X: Rows,
    y: Sequence[Any],
    *,
    loss: LossFunction,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int = 32,
    seed: Seed = None,
    progress: bool = True,
    replay: bool | None = None,
) -> History:
    """Train a model: one optimiser step per batch, on the mean loss of the batch.

    All arguments are checked before the first step; each target is, with the prediction for the first row.

    Args:
        model: a function from a row to a prediction; usually a `Module`.
        X: the rows: lists, tuples or an array, all of the same length.
        y: the target of each row, in the form that the loss takes.
        loss: a function (prediction, target) -> Value, such as `nn.hinge`. Its attribute `decision`, if it has one,
            states how accuracy decides (see `nn.decides`).
        optimizer: the optimiser of the parameters, such as `nn.Adam(model.parameters())`.
        epochs: the number of passes over all rows.
        batch_size: the number of rows per step; the last batch of an epoch may be smaller.
        seed: the source of the order of the rows in each epoch: an int, a `random.Random`, or None for the global
            module `random`.
        progress: whether to show a progress bar on standard error.
        replay: whether to record model and loss on the first row as a tape, which each step replays on its batch.
            None: if the model is made of `MLP`, `Layer` and `Neuron` and the loss is one of `nn`'s, all unchanged, but
            not under `detect_anomaly`. True: for any model and loss; each row of the first two batches is compared
            with an eager run. False: never. Gradients are summed over a batch in a different order from the eager
            one, so parameters and losses agree with it to rounding, not to the bit.

    Returns:
        The loss and accuracy of each epoch.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: X and y differ in length, are empty, ragged or not finite; a number is out of range; the optimiser
            does not hold any parameter of the model; a loss or a gradient is not finite while training (the error names
            the epoch and the batch); or, with `replay=True`, a row's loss or gradient differs from an eager run's.
        BranchChanged: with `replay=True`, a row takes a different branch from the first row.

    >>> from nn import MLP, Adam, hinge, moons
    >>> X, y = moons(20, noise=0.0)
    >>> model = MLP(2, [8, 1], seed=1)
    >>> optimizer = Adam(model.parameters(), lr=0.05)
    >>> history = fit(model, X, y, loss=hinge, optimizer=optimizer, epochs=30, batch_size=5, seed=1, progress=False)
    >>> len(history.loss), history.loss[-1] < history.loss[0]
    (30, True)
    """
    for name, given in (("model", model), ("loss", loss)):
        if not callable(given):
            raise TypeError(f"{name} must be a function or a module, such as nn.hinge or nn.MLP(...), not {given!r}")
    if replay is not None and not isinstance(replay, bool):
        raise TypeError(f"replay must be True, False or None, not {replay!r}")
    samples = checked_samples(X, y)
    epochs, batch_size = positive_integer("epochs", epochs), positive_integer("batch_size", batch_size)
    rng = random_source(seed)
    _check_optimizer(model, optimizer)
    rule = rule_of(loss)
    _rehearse(model, samples, loss, rule)
    step = (
        ReplayedStep(model, samples, loss, rule, optimizer, batch_size, compares=replay is True)
        if chooses_replay(model, loss, replay)
        else EagerStep(model, samples, loss, rule, optimizer)
    )

    history = History()
    order = list(range(len(samples)))
    batches = math.ceil(len(samples) / batch_size)
    with tqdm(total=epochs * batches, unit="batch", disable=not progress) as bar:
        for epoch in range(1, epochs + 1):
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            rng.shuffle(order)
            tally = Tally()
            for batch, rows in enumerate(_chunks(order, batch_size), start=1):
                step(rows, tally, f"epoch {epoch}, batch {batch} of {batches}")
                bar.update()
            history.loss.append(tally.loss / tally.samples)
            if rule is not None:
                history.accuracy.append(tally.right / tally.samples)
            bar.set_postfix_str(_latest(history), refresh=False)
    return history


@overload
def predict(model: _Maps[Value | float], X: Rows) -> list[float]: ...


@overload
def predict(model: _Maps[Sequence[Value | float]], X: Rows) -> list[list[float]]: ...


@overload
def predict(model: Model, X: Rows) -> list[Any]: ...


def predict(model: Model | _Maps[Any], X: Rows) -> list[Any]:
    """Return the model's outputs for each row as plain numbers; nothing is recorded.

    Args:
        model: a function from a row to a prediction.
        X: the rows, as for `fit`.

    Returns:
        A float for each row, or a list of floats if the model has several outputs.

    Raises:
        TypeError: as for the rows of `fit`.
        ValueError: as for the rows of `fit`.

    >>> predict(lambda row: Value(row[0]) * 2.0, [[1.0], [2.5]])
    [2.0, 5.0]
    """
    rows, call = checked_rows(X), cast(Callable[[list[float]], Any], model)
    with no_grad():
        return [_plain(call(row)) for row in rows]


def accuracy(model: Model, X: Rows, y: Sequence[Any], loss: LossFunction) -> float:
    """Return the fraction of rows that the model gets right, decided as the loss states; nothing is recorded.

    Args:
        model: a function from a row to a prediction.
        X: the rows, as for `fit`.
        y: their targets, as for `fit`.
        loss: a loss with a decision, such as `nn.hinge`.

    Returns:
        A number from 0 to 1.

    Raises:
        TypeError: as for the rows and targets of `fit`.
        ValueError: as for the rows and targets of `fit`; or the loss does not state how to decide.

    >>> from nn import hinge
    >>> accuracy(lambda row: Value(row[0]), [[-1.0], [2.0], [3.0]], [0, 1, 0], hinge) == 2 / 3
    True
    """
    rule = rule_of(loss)
    if rule is None:
        raise ValueError(f"{name_of(loss)} does not state how accuracy decides: give it a decision with nn.decides")
    samples = checked_samples(X, y)
    with no_grad():
        return sum(rule.is_right(model(row), target) for row, target in samples) / len(samples)


def _rehearse(model: Model, samples: Samples, loss: LossFunction, rule: DecisionRule | None) -> None:
    """Try the model on the first row and the loss on each target, so that errors come before anything is trained."""
    with no_grad():
        prediction = model(samples[0][0])
        for row, (_, target) in enumerate(samples):
            try:
                checked_loss(loss, prediction, target)
                if rule is not None:
                    rule.is_right(prediction, target)
            except (TypeError, ValueError) as error:
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"{error} (the loss was tried on y[{row}] = {target!r} before training)") from error


def _check_optimizer(model: Model, optimizer: Optimizer) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an optimiser such as nn.Adam(model.parameters()), not {optimizer!r}")
    if isinstance(model, Module):
        held = {id(parameter) for parameter in optimizer.params}
        if not any(id(parameter) in held for parameter in model.parameters()):
            raise ValueError(
                "the optimizer does not hold any of the model's parameters: make it from model.parameters()"
            )


def _chunks(order: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _plain(prediction: Any) -> Any:
    if isinstance(prediction, Value):
        return prediction.data
    return [_plain(output) for output in prediction] if isinstance(prediction, list | tuple) else float(prediction)


def _latest(history: History) -> str:
    right = f", accuracy {_percent(history.accuracy[-1])}" if history.accuracy else ""
    return f"loss {history.loss[-1]:.4g}{right}"


def _percent(fraction: float) -> str:
    return f"{100.0 * fraction:.4g} %"
