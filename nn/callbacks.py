"""Callbacks of `fit`: functions (epoch, history), called after each epoch; a true result ends the training."""

from __future__ import annotations

import os
from dataclasses import asdict

from nn.arguments import positive_integer
from nn.history import History
from nn.module import Module
from nn.optimizer import Optimizer
from nn.serialization import save

__all__ = ["Checkpoint", "EarlyStopping"]


class EarlyStopping:
    """Stop a training that has not improved for some epochs.

    It looks at the validation loss, or, without `validation=`, at the training loss. It keeps nothing between calls, so
    a resumed training stops where an uninterrupted one does. The model stays as after the last epoch, not as after the
    best: `Checkpoint(..., best_only=True)` beside it keeps that one.

    Args:
        patience: The number of epochs without a new lowest loss after which the training stops.

    Raises:
        TypeError: `patience` is not an integer.
        ValueError: `patience` is less than 1.

    >>> stopping, history = EarlyStopping(patience=2), History(loss=[3.0, 2.0, 2.5, 2.25])
    >>> stopping(3, History(loss=history.loss[:3])), stopping(4, history)
    (False, True)
    """

    changes_model = False

    def __init__(self, patience: int) -> None:
        self.patience = positive_integer("patience", patience)

    def __call__(self, epoch: int, history: History) -> bool:
        """Return whether the training stops after this epoch."""
        return _epochs_since_best(history) >= self.patience


class Checkpoint:
    """Write a training to a file after each epoch, so that `fit(..., resume=path)` goes on from there.

    The file holds the model with its buffers, the optimiser, and the key, epoch and history of the training; `nn.load`
    reads it as any other.

    Args:
        path: The file; each epoch replaces it whole.
        model: The model.
        optimizer: Its optimiser.
        best_only: Whether to write only after an epoch with a new lowest loss: the validation loss, or, without
            `validation=`, the training loss. Then `nn.load(path, model)` gives the best model after the training.

    Raises:
        TypeError: `best_only` is not a bool.

    >>> import tempfile, nn
    >>> model = nn.MLP(2, [1], seed=0)
    >>> optimizer = nn.Adam(model.parameters())
    >>> checkpoint = Checkpoint(os.path.join(tempfile.mkdtemp(), "run.json"), model, optimizer)
    >>> X, y = nn.xor()
    >>> history = nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=2, callback=checkpoint, progress=False)
    >>> nn.load(checkpoint.path, model, optimizer)["fit"]["epoch"]
    2
    """

    changes_model = False

    def __init__(
        self, path: str | os.PathLike[str], model: Module, optimizer: Optimizer, *, best_only: bool = False
    ) -> None:
        if not isinstance(best_only, bool):
            raise TypeError(f"best_only must be True or False, not {best_only!r}")
        self.path = path
        self.model = model
        self.optimizer = optimizer
        self.best_only = best_only

    def __call__(self, epoch: int, history: History) -> None:
        """Write the file."""
        if self.best_only and _epochs_since_best(history) > 0:
            return
        save(self.path, self.model, self.optimizer, fit={"epoch": epoch, "history": asdict(history)})


def _epochs_since_best(history: History) -> int:
    losses = history.validation_loss or history.loss
    return len(losses) - 1 - losses.index(min(losses))
