"""fit: the training loop, and what goes with it: History, predict, accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from autograd import Value, no_grad
from nn.arguments import Seed, positive_integer, random_source
from nn.losses import Decision, decision_of, is_right
from nn.module import Module
from nn.optim import Optimizer
from nn.replaying import ReplayedStep, chooses_replay
from nn.samples import Rows, Samples, checked_rows, checked_samples
from nn.steps import EagerStep, LossFunction, Model, Tally, checked_loss, name_of

__all__ = ["History", "accuracy", "fit", "predict"]


@dataclass
class History:
    """How a training went: one number an epoch, the mean over its samples as the model saw them.

    Attributes:
        loss: The mean loss.
        accuracy: The fraction of samples that were right; empty where the loss does not say how to decide.

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
    """Train a model: one optimiser step for each batch, on the mean loss of the batch.

    Everything given is checked before the first step, each target too, against the prediction for the first row.

    Args:
        model: What maps a row to a prediction; usually a `Module`.
        X: The rows: lists, tuples or an array, all of one length.
        y: The target of each row, as the loss wants it.
        loss: A function (prediction, target) -> Value, such as `nn.hinge`. Its attribute `decision`, if it has one,
            says how accuracy decides (see `nn.decides`).
        optimizer: The rule that changes the parameters, such as `nn.Adam(model.parameters())`.
        epochs: How often to go through all rows.
        batch_size: How many rows make one step; the last batch of an epoch may be smaller.
        seed: What the order of the rows in each epoch is drawn from: an int, a `random.Random`, or None for the global
            module `random`.
        progress: Whether to show a progress bar, on standard error.
        replay: Whether model and loss are recorded on the first row, as a tape, which each step replays on its batch.
            None: where the model is made of `MLP`, `Layer` and `Neuron` and the loss is one of `nn`'s, all as they
            are; not under `detect_anomaly`. True: whatever they are; in the first two batches each row is compared
            with an eager run. False: never. Gradients are summed over a batch in another order than eagerly, so that
            parameters and losses agree to rounding, not to the bit.

    Returns:
        The loss and accuracy of each epoch.

    Raises:
        TypeError: Something is of the wrong kind; the error says what.
        ValueError: X and y differ in length, are empty, ragged or not finite; a number is out of range; the optimiser
            holds no parameter of the model; or a loss or a gradient stops being finite while training, which names the
            epoch and the batch; or with `replay=True` a row's loss or gradient is not that of an eager run.
        BranchChanged: With `replay=True`, a row would take another branch than the first row did.

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
    decision = decision_of(loss)
    _rehearse(model, samples, loss, decision)
    step = (
        ReplayedStep(model, samples, loss, decision, optimizer, batch_size, compares=replay is True)
        if chooses_replay(model, loss, replay)
        else EagerStep(model, samples, loss, decision, optimizer)
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
            if decision is not None:
                history.accuracy.append(tally.right / tally.samples)
            bar.set_postfix_str(_latest(history), refresh=False)
    return history


def predict(model: Model, X: Rows) -> list[Any]:
    """The model's outputs for each row as plain numbers; nothing is recorded.

    Args:
        model: What maps a row to a prediction.
        X: The rows, as for `fit`.

    Returns:
        A float for each row, or a list of floats where the model has several outputs.

    Raises:
        TypeError, ValueError: The rows are not as `fit` asks.

    >>> predict(lambda row: Value(row[0]) * 2.0, [[1.0], [2.5]])
    [2.0, 5.0]
    """
    rows = checked_rows(X)
    with no_grad():
        return [_plain(model(row)) for row in rows]


def accuracy(model: Model, X: Rows, y: Sequence[Any], loss: LossFunction) -> float:
    """The fraction of rows that the model gets right, decided as the loss says; nothing is recorded.

    Args:
        model: What maps a row to a prediction.
        X, y: The rows and their targets, as for `fit`.
        loss: A loss with a decision, such as `nn.hinge`.

    Returns:
        A number from 0 to 1.

    Raises:
        TypeError, ValueError: The data are not as `fit` asks, or the loss does not say how to decide.

    >>> from nn import hinge
    >>> accuracy(lambda row: Value(row[0]), [[-1.0], [2.0], [3.0]], [0, 1, 0], hinge) == 2 / 3
    True
    """
    decision = decision_of(loss)
    if decision is None:
        raise ValueError(f"{name_of(loss)} does not say how accuracy decides: give it a decision with nn.decides")
    samples = checked_samples(X, y)
    with no_grad():
        return sum(is_right(decision, model(row), target) for row, target in samples) / len(samples)


def _rehearse(model: Model, samples: Samples, loss: LossFunction, decision: Decision | None) -> None:
    """Try the model on the first row, and the loss on each target: errors come before anything is trained."""
    with no_grad():
        prediction = model(samples[0][0])
        for row, (_, target) in enumerate(samples):
            try:
                checked_loss(loss, prediction, target)
                if decision is not None:
                    is_right(decision, prediction, target)
            except (TypeError, ValueError) as error:
                kind = TypeError if isinstance(error, TypeError) else ValueError
                raise kind(f"{error} (the loss was tried on y[{row}] = {target!r} before training)") from error


def _check_optimizer(model: Model, optimizer: Optimizer) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one such as nn.Adam(model.parameters()), not {optimizer!r}")
    if isinstance(model, Module):
        held = {id(parameter) for parameter in optimizer.params}
        if not any(id(parameter) in held for parameter in model.parameters()):
            raise ValueError("the optimizer holds none of the model's parameters: make it from model.parameters()")


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
