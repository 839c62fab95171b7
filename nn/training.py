"""The training loop, `fit`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from tqdm import tqdm

from autograd import no_grad
from nn import buffers
from nn.arguments import Seed, positive_integer, real, shown
from nn.batches import Batch, Group, batches, count_batches, grouped
from nn.checked_samples import Rows, Samples, checked_samples
from nn.decisions import rule_of
from nn.evaluation import LossOfSamples, accuracy, predict
from nn.generator import Draws, drawing, key_of
from nn.history import History
from nn.interruption import Interruption
from nn.losses import without_penalty
from nn.module import Module
from nn.optim import Optimizer
from nn.replayed_step import ReplayedStep, may_record
from nn.row_tapes import Modules, NotReplayable, random_state_kept
from nn.schedules import Schedule
from nn.serialization import Path, load
from nn.training_step import Change, EagerStep, LossFunction, Model, Objective, Tally

__all__ = ["Callback", "History", "ReplayWarning", "accuracy", "fit", "predict"]

Callback = Callable[[int, History], Any]


class ReplayWarning(UserWarning):
    """Issued by `fit` where it trains eagerly because a replay would not do what the model does."""


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
    validation: tuple[Rows, Sequence[Any]] | None = None,
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    callback: Callback | Sequence[Callback] | None = None,
    resume: Path | None = None,
) -> History:
    """Train a model: one optimiser step per batch, on the mean loss of the batch.

    All arguments are checked before the first step; each target is, with the prediction for the first row. The model
    trains in training mode and is left in it. Ctrl-C ends the training: the history so far is returned, and the model
    is as after the last whole step.

    Args:
        model: a function from a row to a prediction; usually a `Module`.
        X: the rows: lists, tuples or an array of numbers, also nested. Rows may have several lengths or shapes; a batch
            has rows of one.
        y: the target of each row, in the form that the loss takes: a number, or a list of numbers. Integers stay
            integers.
        loss: a function (prediction, target) -> Value, such as `nn.hinge`. Its attribute `decision`, if it has one,
            states how accuracy decides (see `nn.decides`).
        optimizer: the optimiser of the parameters, such as `nn.Adam(model.parameters())`. Parameters that it does not
            hold stay as they are.
        epochs: the number of passes over all rows.
        batch_size: the number of rows per step; the last batch of a shape in an epoch may be smaller.
        seed: the source of all random numbers, of the order of the rows and of `nn.random()` (see `nn.generator`): an
            int, a `random.Random`, or None for the global module `random`.
        progress: whether to show a progress bar on standard error.
        replay: whether to record model and loss as tapes, which each step replays on its batch. None: wherever a replay
            gives what an eager run does, else eagerly, with a `ReplayWarning` that says why. True: it is an error where
            it does not. False: never. Gradients are summed over a batch in another order than eagerly, so parameters
            and losses agree with an eager training to rounding, not to the bit.
        validation: a pair (X, y) that the model is evaluated on after each epoch.
        schedule: a function from progress, (steps done) / (steps in all), to a factor on the optimiser's learning rate,
            such as `nn.schedules.cosine()`; the learning rate is restored at the end.
        clip_norm: the largest norm of the gradients, as for `nn.clip_grad_norm`.
        callback: a function (epoch, history), or a list of them, called after each epoch, counted from 1; a true result
            ends the training. See `nn.EarlyStopping` and `nn.Checkpoint`.
        resume: a file that `nn.Checkpoint` wrote: the training goes on after its epoch, and ends, given the same other
            arguments, with the bits of a training that was not interrupted.

    Returns:
        The history: loss, accuracy and more of each epoch, and whether the training was replayed.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: X and y differ in length, are empty or not finite; a number is out of range; the optimiser does not
            hold any parameter of the model; a loss or a gradient is not finite while training (the error names the
            epoch and the batch, and the parameters are as after the last good step); the file of `resume` does not
            fit; or, with `replay=True`, a replay would not do what the model does.

    >>> from nn import MLP, Adam, hinge, moons
    >>> X, y = moons(20, noise=0.0)
    >>> model = MLP(2, [8, 1], seed=1)
    >>> optimizer = Adam(model.parameters(), lr=0.05)
    >>> history = fit(model, X, y, loss=hinge, optimizer=optimizer, epochs=30, batch_size=5, seed=1, progress=False)
    >>> len(history.loss), history.loss[-1] < history.loss[0], history.replayed
    (30, True, True)
    """
    for name, given in (("model", model), ("loss", loss)):
        if not callable(given):
            raise TypeError(f"{name} must be a function or a module, such as nn.hinge or nn.MLP(...), not {given!r}")
    if replay is not None and not isinstance(replay, bool):
        raise TypeError(f"replay must be True, False or None, not {replay!r}")
    samples = checked_samples(X, y)
    epochs, batch_size = positive_integer("epochs", epochs), positive_integer("batch_size", batch_size)
    callbacks = _callbacks(callback)
    clip_norm = None if clip_norm is None else real("clip_norm", clip_norm, low=0.0, open_low=True)
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of progress, such as nn.schedules.cosine(), not {schedule!r}")
    held_out = _validation(validation)
    key = key_of(seed)
    _check_optimizer(model, optimizer)
    of_sample, penalty = without_penalty(loss)
    objective, groups = Objective(model, of_sample, rule_of(loss), penalty), grouped(samples)
    modules = model.named_modules() if isinstance(model, Module) else []
    with _training_mode(modules):
        _rehearse(objective, groups, key, batch_size)
    history = History(key=key)
    if resume is not None:
        history = _resumed(resume, model, optimizer)
    training = _Training(objective, optimizer, groups, history, batch_size, replay)
    interruption = Interruption()
    training.plan(epochs, schedule, Change(optimizer, clip_norm, interruption), modules)
    validator = None if held_out is None else LossOfSamples(model, held_out, loss)
    done, total = training.steps_done, training.steps_in_all
    try:
        with interruption, tqdm(total=total, initial=done, unit="batch", disable=not progress) as bar:
            for epoch in range(len(history.loss) + 1, epochs + 1):
                bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
                training.run_epoch(epoch, bar.update)
                if validator is not None:
                    _validate(validator, history)
                bar.set_postfix_str(history.latest(), refresh=False)
                if training.call(callbacks, epoch, validator):
                    break
    except KeyboardInterrupt:
        history.interrupted = True
        if isinstance(model, Module):
            model.train()
    finally:
        training.end()
    return history


class _Training:
    """A training while it runs."""

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        groups: list[Group],
        history: History,
        batch_size: int,
        replay: bool | None,
    ) -> None:
        self.objective = objective
        self.optimizer = optimizer
        self.groups = groups
        self.history = history
        self.batch_size = batch_size
        self.replay = replay
        self.lr = optimizer.lr

    def plan(self, epochs: int, schedule: Schedule | None, change: Change, modules: Modules) -> None:
        """Prepare the steps."""
        per_epoch = count_batches(self.groups, self.batch_size)
        self.steps_done, self.steps_in_all = len(self.history.loss) * per_epoch, epochs * per_epoch
        self.schedule = schedule
        self.change = change
        self.step: EagerStep | ReplayedStep = EagerStep(self.objective, self.change, self.history.key)
        if self.replay is not False and may_record():
            self.step = ReplayedStep(self.objective, self.change, self.history.key, modules)
        self.history.replayed = isinstance(self.step, ReplayedStep)

    def run_epoch(self, epoch: int, step_done: Callable[[], Any]) -> None:
        """Train on all rows once, and append what the epoch was to the history."""
        tally, history = Tally(), self.history
        for batch in batches(self.groups, self.batch_size, history.key, epoch):
            self._set_lr()
            self._step(batch, tally)
            self.steps_done += 1
            step_done()
        history.lr.append(self.optimizer.lr)
        self.optimizer.set_lr(self.lr)
        history.gradient_norm.append(tally.norms / tally.steps)
        if self.objective.rule is not None:
            history.accuracy.append(tally.right / tally.samples)
        history.loss.append(tally.loss / tally.samples)

    def call(self, callbacks: Sequence[Callback], epoch: int, validator: LossOfSamples | None) -> bool:
        """Call the callbacks, and return whether one of them ends the training."""
        stops = [callback(epoch, self.history) for callback in callbacks]
        if any(getattr(callback, "changes_model", True) for callback in callbacks):
            if isinstance(self.step, ReplayedStep):
                self.step.look_again()
            if validator is not None:
                validator.evaluation.look_again()
            if isinstance(self.objective.model, Module):
                self.objective.model.train()
        return any(map(bool, stops))

    def end(self) -> None:
        """Restore the learning rate, and leave the tapes to the next fit."""
        self.optimizer.set_lr(self.lr)
        if isinstance(self.step, ReplayedStep):
            self.step.keep()

    def _set_lr(self) -> None:
        if self.schedule is None:
            return
        progress = self.steps_done / self.steps_in_all
        factor = self.schedule(progress)
        try:
            checked = real("the factor", factor, low=0.0)
        except (TypeError, ValueError) as error:
            raise type(error)(f"schedule({progress:g}) returned {shown(factor)}: {error}") from None
        self.optimizer.set_lr(self.lr * checked)

    def _step(self, batch: Batch, tally: Tally) -> None:
        try:
            self.step(batch, tally)
        except NotReplayable as reason:
            if self.replay:
                raise ValueError(f"replay=True, and the model or its loss cannot be replayed: {reason}") from reason
            message = f"fit trains eagerly, because the model or its loss cannot be replayed: {reason}"
            warnings.warn(message, ReplayWarning, stacklevel=4)
            self.history.replayed = False
            self.step = EagerStep(self.objective, self.change, self.history.key)
            self.step(batch, tally)


def _rehearse(objective: Objective, groups: Sequence[Group], key: int, batch_size: int) -> None:
    """Try the model on a row of each shape and the loss on each target, so that errors come before anything changes."""
    whole = objective.whole_batch
    call = objective.model
    for group in groups:
        with no_grad(), random_state_kept(), buffers.collected():
            row, features = group.rows[0], group.samples[0][0]
            smallest = len(group.rows) % batch_size or min(batch_size, len(group.rows))
            count = min(smallest, 2)  # a batch of one is the hard case
            try:
                with drawing(Draws(key, 1, [row] if not whole else group.rows[:count])):
                    rows = [sample[0] for sample in group.samples[:count]]
                    prediction = cast(Module, call).forward_batch(rows)[0] if whole else call(features)
            except (TypeError, ValueError, IndexError) as error:
                raise type(error)(f"{error} (the model was tried on X[{row}] before training)") from error
            tried_targets: set[Any] = set()
            for place, target in enumerate(group.targets):
                if not isinstance(target, list):
                    if (type(target), target) in tried_targets:
                        continue
                    tried_targets.add((type(target), target))
                try:
                    objective.score(prediction, target)
                except (TypeError, ValueError) as error:
                    kind = TypeError if isinstance(error, TypeError) else ValueError
                    tried = f"(the loss was tried on y[{group.rows[place]}] = {target!r} before training)"
                    raise kind(f"{error} {tried}") from error


def _validate(validator: LossOfSamples, history: History) -> None:
    found, right = validator()
    history.validation_loss.append(found)
    if right is not None:
        history.validation_accuracy.append(right)


def _callbacks(callback: Any) -> list[Callback]:
    listed = [] if callback is None else list(callback) if isinstance(callback, list | tuple) else [callback]
    for one in listed:
        if not callable(one):
            raise TypeError(f"callback must be a function (epoch, history), or a list of them, not {shown(one)}")
    return listed


def _validation(validation: Any) -> Samples | None:
    if validation is None:
        return None
    if not isinstance(validation, list | tuple) or len(validation) != 2:
        raise TypeError(f"validation must be a pair (X, y), not {shown(validation)}")
    try:
        return checked_samples(*validation)
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None


@contextmanager
def _training_mode(modules: Modules) -> Iterator[None]:
    """Set modules to training mode inside, and put each one's mode back if there is an error."""
    modes = [(module, module.training) for _, module in modules]
    for module, is_training in modes:
        if not is_training:
            module.training = True
    try:
        yield
    except BaseException:
        for module, mode in modes:
            module.training = mode
        raise


def _check_optimizer(model: Model, optimizer: Optimizer) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an optimiser such as nn.Adam(model.parameters()), not {optimizer!r}")
    if isinstance(model, Module):
        held = set(map(id, optimizer.params))
        if not any(id(parameter) in held for parameter in model._each_value()):
            if not model.parameters():
                kind = type(model).__name__
                raise ValueError(f"the model, {kind}, has no parameters: a parameter is a Value attribute")
            raise ValueError(
                "the optimizer does not hold any of the model's parameters: make it from model.parameters()"
            )


def _resumed(path: Path, model: Any, optimizer: Optimizer) -> History:
    """Load a checkpoint, and return its history."""
    if not isinstance(model, Module):
        raise TypeError(f"resume needs a model that is a module, not {shown(model)}")
    before = model.state_dict(), optimizer.state_dict()
    meta = load(path, model, optimizer)
    try:
        fit_meta = meta["fit"]
        history = History(**fit_meta["history"])
        if fit_meta["epoch"] != len(history.loss) or not 0 <= history.key < 2**64:
            raise ValueError("its epoch is not that of its history")
    except (KeyError, TypeError, ValueError) as error:
        model.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        raise ValueError(f"{path} is not a checkpoint of a training: {error}") from None
    history.interrupted = False
    return history
