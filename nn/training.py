"""The training loop, `fit`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import islice, repeat
from time import perf_counter
from typing import Any, cast

from tqdm import tqdm

from autograd import no_grad
from nn import buffers
from nn.arguments import Seed, positive_integer, real, shown
from nn.batches import Batch, Group, batches, count_batches, grouped
from nn.checked_samples import Rows, Samples, checked_samples
from nn.chunks import Chunks, steps_within
from nn.decisions import rule_of
from nn.evaluation import LossOfSamples, accuracy, predict
from nn.generator import Draws, drawing, key_of
from nn.history import History
from nn.interruption import Interruption
from nn.losses import without_penalty
from nn.module import Module
from nn.optimizer import Optimizer
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
    at_once = validator is None and not callbacks  # there is nothing to do between epochs
    try:
        with interruption, tqdm(total=total, initial=done, unit="batch") if progress else nullcontext() as bar:
            while len(history.loss) < epochs:
                training.run_epochs(epochs if at_once else len(history.loss) + 1, bar)
                if validator is not None:
                    _validate(validator, history)
                training.show(bar)
                if training.call(callbacks, len(history.loss), validator):
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
        self.tally = Tally()
        self._batches: Iterator[Batch] = iter(())
        self._next = -1  # the number of the step that the next one of these batches is for

    def plan(self, epochs: int, schedule: Schedule | None, change: Change, modules: Modules) -> None:
        """Prepare the steps."""
        self.per_epoch = count_batches(self.groups, self.batch_size)
        self.steps_done, self.steps_in_all = len(self.history.loss) * self.per_epoch, epochs * self.per_epoch
        self.schedule = schedule
        self.change = change
        self.step: EagerStep | ReplayedStep = EagerStep(self.objective, self.change, self.history.key)
        if self.replay is not False and may_record():
            self.step = ReplayedStep(self.objective, self.change, self.history.key, modules)
        self.history.replayed = isinstance(self.step, ReplayedStep)
        self.chunks: Chunks | None = None
        if isinstance(self.step, ReplayedStep) and Chunks.may_run(self.step, self.groups):
            self.chunks = Chunks(self.step, self.groups[0], self.batch_size)

    def run_epochs(self, last: int, bar: Any) -> None:
        """Train to the end of an epoch, and append what each epoch was to the history.

        Args:
            last: The number of the epoch.
            bar: The progress bar, or None.
        """
        while len(self.history.loss) < last:
            if self._run_chunk(last, bar):
                continue
            if self.schedule is not None:
                self.optimizer.set_lr(self._scheduled(self.steps_done))
            started = perf_counter()
            self._step(self._batch())
            if self.chunks is not None:
                self.chunks.size = max(self.chunks.size, steps_within(perf_counter() - started, 1))
            self._count_steps(1, self.optimizer.lr)
            if bar is not None:
                bar.update()

    def show(self, bar: Any) -> None:
        """Show the epoch, and the numbers of the last one, beside the progress bar."""
        if bar is not None and self.history.loss:
            epoch, epochs = len(self.history.loss), self.steps_in_all // self.per_epoch
            bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
            bar.set_postfix_str(self.history.latest(), refresh=False)

    def _run_chunk(self, last: int, bar: Any) -> bool:
        """Run steps up to the end of an epoch in the compiled core; return whether any were run."""
        if self.chunks is None or not self.chunks.is_ready(self.steps_done):
            return False
        steps = min(self.chunks.size, last * self.per_epoch - self.steps_done)
        rates = self._rates(steps)
        self.change.interruption.hold()
        try:
            count = steps if rates is None else len(rates)
            chunk = self.chunks.run(self.steps_done, count, rates, self.tally)
            if chunk is None:
                return False
            done = 0
            for self.tally in chunk.tallies:
                until = min(chunk.steps, done + self.per_epoch - self.steps_done % self.per_epoch)
                self._count_steps(until - done, self.optimizer.lr if rates is None else rates[until - 1])
                done = until
        finally:
            self.change.interruption.release()
        self.show(bar)
        if bar is not None:
            bar.update(chunk.steps)
        return True

    def _rates(self, steps: int) -> list[float] | None:
        """Return the learning rates of the next steps; None where they do not change."""
        if self.schedule is None:
            return None
        rates = [self._scheduled(self.steps_done)]
        with suppress(Exception):  # it comes again at its step
            rates.extend(self._scheduled(self.steps_done + step) for step in range(1, steps))
        return rates

    def _batch(self) -> Batch:
        """Return the batch of the next step."""
        if self._next != self.steps_done:
            epoch, place = divmod(self.steps_done, self.per_epoch)
            self._batches = islice(batches(self.groups, self.batch_size, self.history.key, epoch + 1), place, None)
        self._next = self.steps_done + 1
        batch = next(self._batches)
        if self._next % self.per_epoch == 0:
            self._next = -1
        return batch

    def _count_steps(self, count: int, lr: float) -> None:
        """Count steps of one epoch; at its end, append what it was to the history."""
        self.steps_done += count
        if self.steps_done % self.per_epoch:
            return
        tally, history = self.tally, self.history
        history.lr.append(lr)
        if self.schedule is not None:
            self.optimizer.set_lr(self.lr)
        history.gradient_norm.append(tally.norms / tally.steps)
        if self.objective.rule is not None:
            history.accuracy.append(tally.right / tally.samples)
        history.loss.append(tally.loss / tally.samples)
        self.tally = Tally()

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

    def _scheduled(self, step: int) -> float:
        """Return the learning rate of a step."""
        assert self.schedule is not None
        progress = step / self.steps_in_all
        factor = self.schedule(progress)
        try:
            checked = real("the factor", factor, low=0.0)
        except (TypeError, ValueError) as error:
            raise type(error)(f"schedule({progress:g}) returned {shown(factor)}: {error}") from None
        return real("lr", self.lr * checked, low=0.0)

    def _step(self, batch: Batch) -> None:
        try:
            self.step(batch, self.tally)
        except NotReplayable as reason:
            if self.replay:
                raise ValueError(f"replay=True, and the model or its loss cannot be replayed: {reason}") from reason
            message = f"fit trains eagerly, because the model or its loss cannot be replayed: {reason}"
            warnings.warn(message, ReplayWarning, stacklevel=4)
            self.history.replayed = False
            self.step, self.chunks = EagerStep(self.objective, self.change, self.history.key), None
            self.step(batch, self.tally)


def _rehearse(objective: Objective, groups: Sequence[Group], key: int, batch_size: int) -> None:
    """Try the model on a row of each shape and the loss on each target, so that errors come before anything changes."""
    whole = objective.whole_batch
    call = objective.model
    with no_grad(), random_state_kept(), buffers.collected():
        for group in groups:
            row, features = group.rows[0], group.samples[0][0]
            smallest = len(group.rows) % batch_size or min(batch_size, len(group.rows))
            count = min(smallest, 2)  # a batch of one is the hard case
            try:
                with drawing(Draws(key, 1, [row] if not whole else group.rows[:count])):
                    rows = [sample[0] for sample in group.samples[:count]]
                    prediction = cast(Module, call).forward_batch(rows)[0] if whole else call(features)
            except (TypeError, ValueError, IndexError) as error:
                raise type(error)(f"{error} (the model was tried on X[{row}] before training)") from error
            for target, kind in _distinct(group.targets):
                try:
                    objective.score(prediction, target)
                except (TypeError, ValueError) as error:
                    place = next(i for i, one in enumerate(group.targets) if type(one) is kind and one == target)
                    tried = f"(the loss was tried on y[{group.rows[place]}] = {target!r} before training)"
                    raise (TypeError if isinstance(error, TypeError) else ValueError)(f"{error} {tried}") from error


def _distinct(targets: list[Any]) -> Iterable[tuple[Any, type]]:
    """Return targets with their types, equal ones once if they are numbers, in their order."""
    kinds = set(map(type, targets))
    if len(kinds) > 1 or list in kinds:
        typed = zip(targets, map(type, targets), strict=True)
        return typed if list in kinds else dict.fromkeys(typed)
    return zip(dict.fromkeys(targets), repeat(*kinds))


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
    if isinstance(model, Module) and next(model._each_value(), None) is not optimizer.params[0]:
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
