"""History: the course of a training."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["History", "percent"]


@dataclass
class History:
    """The course of a training: one number per epoch in each list.

    Attributes:
        loss: The mean loss of the samples, as the model saw them.
        accuracy: The fraction of the samples that were right; empty if the loss does not state how to decide.
        validation_loss: The mean loss of the validation samples after the epoch; empty without `validation=`.
        validation_accuracy: The fraction of the validation samples that are right then.
        lr: The learning rate of the last step.
        gradient_norm: The mean over the steps of the norm of the gradients, before clipping.
        replayed: Whether every step was replayed from tapes.
        interrupted: Whether Ctrl-C ended the training.
        key: The key of the training's random numbers (see `nn.generator`).

    >>> History(loss=[0.9, 0.25], accuracy=[0.5, 0.75])
    History(2 epochs, loss 0.9 -> 0.25, accuracy 50 % -> 75 %)
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    replayed: bool = False
    interrupted: bool = False
    key: int = 0

    def latest(self) -> str:
        """Return the last epoch's numbers in a few words.

        >>> History(loss=[0.25], validation_loss=[0.5]).latest()
        'loss 0.25, validation loss 0.5'
        """
        parts = [f"loss {self.loss[-1]:.4g}"]
        if self.accuracy:
            parts.append(f"accuracy {percent(self.accuracy[-1])}")
        if self.validation_loss:
            parts.append(f"validation loss {self.validation_loss[-1]:.4g}")
        if self.validation_accuracy:
            parts.append(f"validation accuracy {percent(self.validation_accuracy[-1])}")
        return ", ".join(parts)

    def __repr__(self) -> str:
        if not self.loss:
            return "History(0 epochs)"
        parts = [f"{len(self.loss)} epoch{'s' if len(self.loss) > 1 else ''}"]
        parts.append(f"loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g}")
        if self.accuracy:
            parts.append(f"accuracy {percent(self.accuracy[0])} -> {percent(self.accuracy[-1])}")
        if self.validation_loss:
            parts.append(f"validation loss {self.validation_loss[0]:.4g} -> {self.validation_loss[-1]:.4g}")
        if self.validation_accuracy:
            first, last = self.validation_accuracy[0], self.validation_accuracy[-1]
            parts.append(f"validation accuracy {percent(first)} -> {percent(last)}")
        return f"History({', '.join(parts)}{', interrupted' if self.interrupted else ''})"


def percent(fraction: float) -> str:
    """Return a fraction in percent.

    >>> percent(0.25)
    '25 %'
    """
    return f"{100.0 * fraction:.4g} %"
