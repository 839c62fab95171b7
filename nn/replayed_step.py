"""One training step through tapes: model and loss are recorded on a sample and replayed on each batch."""

from __future__ import annotations

import weakref
from array import array
from dataclasses import dataclass, field
from typing import Any

from autograd import Value, no_grad
from autograd.modes import current_mode
from autograd.recorded import is_same
from autograd.tape.replay import add_gradients
from autograd.tape.tape import Tape
from nn import buffers, inner_loops
from nn.batches import Batch, Group
from nn.generator import Draws, drawing
from nn.module import Module
from nn.row_tapes import Function, Kept, Modules, NotReplayable, ShapeTapes
from nn.training_step import Change, Objective, Tally, check_finite

__all__ = ["ReplayedStep", "is_recorded", "may_record"]

_COMPARED_BATCHES, _COMPARED_ROWS = 2, 1  # with eager runs, when a training begins


def may_record() -> bool:
    """Return whether this thread can record: not in `no_grad()`, nor where each node must be computed.

    Under `detect_anomaly()` and while another tape is being recorded every node must be computed.

    >>> may_record()
    True
    """
    mode = current_mode()
    return mode is None or (mode.recording and mode.watch is None and mode.recorder is None)


def is_recorded() -> bool:
    """Return whether a tape is being recorded in this thread.

    >>> is_recorded()
    False
    """
    mode = current_mode()
    return mode is not None and mode.recorder is not None


@dataclass(slots=True)
class Room:
    """What the chunks of one training leave to the next one (`nn.chunks`).

    Attributes:
        rows: The number of rows that fill a chunk.
        batch, outputs: Arrays for the rows of a chunk and their outputs.
        places: A tape, the parameters of an optimiser, and the place of each parameter of the tape among these.
    """

    rows: int = 1
    batch: array[float] = field(default_factory=lambda: array("d"))
    outputs: array[float] = field(default_factory=lambda: array("d"))
    places: tuple[Tape, tuple[Value, ...], array[int] | None] | None = None


class ReplayedStep:
    """A training step that replays tapes on the rows of a batch; it is called like `nn.training_step.EagerStep`.

    Args:
        objective: What is computed of the samples.
        change: What is done with the gradients.
        key: The key of the random numbers.
        modules: The modules of the model, with their paths.

    Attributes:
        room: What its chunks work with.
    """

    def __init__(self, objective: Objective, change: Change, key: int, modules: Modules) -> None:
        self.objective = objective
        self.change = change
        self.key = key
        self.modules = modules
        self._look = 1
        self._tapes: dict[Any, ShapeTapes] = {}
        self._kept, self.compared, self.room = _taken_tapes(objective)

    def replayable(self, group: Group, epoch: int) -> ShapeTapes | None:
        """Return the tapes of single samples if there is one tape alone and nothing more to find out about it.

        Args:
            group: The samples.
            epoch: The number of the epoch, counted from 1.

        Raises:
            ValueError, NotReplayable: As for a step.
        """
        if self.compared < _COMPARED_BATCHES:
            return None
        tapes = self._tapes_for(group, epoch, 1, False)
        return tapes if self.compared >= _COMPARED_BATCHES and len(tapes.tapes) == 1 else None

    def look_again(self) -> None:
        """Look at the model again before it is replayed: something else may have changed it."""
        self._look += 1
        model = self.objective.model
        self.modules = model.named_modules() if isinstance(model, Module) else []

    def keep(self) -> None:
        """Leave the tapes to the next fit of the same model and loss."""
        _keep(self.objective, {key: tapes.kept for key, tapes in self._tapes.items()}, self.compared, self.room)

    def __call__(self, batch: Batch, tally: Tally) -> None:
        """Train on a batch.

        Args:
            batch: The batch.
            tally: The sums of the epoch, which this batch is added to.

        Raises:
            ValueError: As for the eager step.
            NotReplayable: A replay would not do what an eager run does; then nothing has changed.
        """
        whole, count = self.objective.whole_batch, len(batch.rows)
        tapes, function = self._tapes_for(batch.group, batch.epoch, count if whole else 1, whole), self._function(whole)
        if self.compared < _COMPARED_BATCHES:
            self.compared += 1
            self._compare(tapes, function, batch, whole)
        draws = Draws(self.key, batch.epoch, batch.rows)
        try:
            run, rows = tapes.run(function, self.modules, batch.places, draws, _seeds(1.0 if whole else 1.0 / count))
        except (ValueError, IndexError, TypeError):
            self._raise_own_error(function, batch, whole)
            raise
        columns, outputs = run.columns, run.outputs
        loss = count * outputs[0] if whole else inner_loops.add_column(outputs, columns, count, 0.0)
        check_finite(outputs[0] if whole else loss / count, batch.where)
        penalty = None if self.objective.penalty is None else self.objective.penalty()
        if penalty is not None:
            check_finite(penalty.data, batch.where)
            tally.loss += count * penalty.data
        updates: buffers.Updates = []
        if whole:
            tally.loss += loss
            updates = list(zip(tapes.updated, outputs[columns - len(tapes.updated) :], strict=True))
            scores = outputs[1 : columns - len(updates)]
            tally.right += self.objective.count_right(scores, batch.targets())
        else:
            tally.loss = inner_loops.add_column(outputs, columns, count, tally.loss)
            tally.right += self.count_right(outputs, columns, rows, tapes, count)
        tally.samples += count
        self.change.optimizer.zero_grad()
        add_gradients(run.params, run.needed, run.sums.finish())
        if penalty is not None:
            penalty.backward()
        self.change(tally, batch.where, updates)

    def _function(self, whole: bool) -> Function:
        return self.objective.batch if whole else self.objective.sample

    def _tapes_for(self, group: Group, epoch: int, count: int, whole: bool) -> ShapeTapes:
        """Return the tapes for so many samples at a time, those of the model as it is now."""
        key = group.shape, count, whole
        tapes = self._tapes.get(key)
        if tapes is None:
            tapes = self._tapes[key] = ShapeTapes(group, count)
            if key in self._kept:
                tapes.adopt(self._kept[key])
        if tapes.look != self._look:
            draws = Draws(self.key, epoch, group.rows[:count])
            before = tapes.tapes
            tapes.looked_at(self._function(whole), self.modules, self._look, draws)
            if before and all(tapes.tapes[0] is not tape for tape in before):  # the model is another one now
                self.compared = 0
            if not any(needed for tape in tapes.tapes for needed in tape.param_needed[: len(tapes.found)]):
                raise ValueError("the loss does not depend on any parameter: there is nothing to train")
            if whole:
                tapes.updated = self._updated(list(group.samples[:count]), draws)
        return tapes

    def _updated(self, samples: list[Any], draws: Draws) -> list[Value]:
        """Return the buffers that a batch gives new numbers."""
        with no_grad(), drawing(Draws(draws.key, draws.epoch, draws.rows)):
            return [buffer for buffer, _ in self.objective.batch_and_updates(samples)[1]]

    def count_right(self, outputs: Any, columns: int, rows: Any, tapes: ShapeTapes, count: int) -> float:
        """Return how many rows of a replay are right; of rows whose targets are lists, the sum of their fractions."""
        rule, target = self.objective.rule, tapes.samples[0][1]
        if rule is None:
            return 0.0
        targets = range(tapes.columns - (len(target) if isinstance(target, list) else 1), tapes.columns)
        return rule.count_right(outputs, columns, rows, targets, tapes.width, count)

    def _raise_own_error(self, function: Function, batch: Batch, whole: bool) -> None:
        """Raise the error of the model or the loss for a row that the tape refuses, if they have one."""
        samples = batch.samples()
        with no_grad():
            if whole:
                function(samples)
            for sample in samples if not whole else ():
                function([sample])

    def _compare(self, tapes: ShapeTapes, function: Function, batch: Batch, whole: bool) -> None:
        """Compare some rows, or a batch that is computed as a whole, with the eager run; they agree to the bit."""
        parts = [slice(None)] if whole else [slice(i, i + 1) for i in range(min(_COMPARED_ROWS, len(batch.rows)))]
        params = self._all_params(tapes)
        before = _gradients(params)
        try:
            for part in parts:
                replayed = self._replayed(tapes, function, batch, part, params, whole)
                eager = self._eager(function, batch, part, params)
                if replayed.tobytes() != eager.tobytes():
                    _check_same(replayed, eager, params, f"{batch.where}, X[{batch.rows[part][0]}]")
        finally:
            inner_loops.write_gradients(params, before)

    def _all_params(self, tapes: ShapeTapes) -> tuple[Value, ...]:
        """Return the parameters of the optimiser, and others that the tapes have."""
        held, found = self.change.optimizer.params, tapes.found
        if len(held) == len(found) and inner_loops.are_same(held, found, len(held)):
            return held
        known = set(map(id, held))
        return (*held, *(parameter for parameter in found if id(parameter) not in known))

    def _replayed(
        self,
        tapes: ShapeTapes,
        function: Function,
        batch: Batch,
        part: slice,
        params: tuple[Value, ...],
        whole: bool,
    ) -> array[float]:
        """Return the loss of a row and its gradients from a replay."""
        draws = Draws(self.key, batch.epoch, batch.rows[part])
        try:
            run, _ = tapes.run(function, self.modules, batch.places[part], draws, _seeds(1.0))
        except (ValueError, IndexError, TypeError):
            self._raise_own_error(function, batch, whole)
            raise
        gradients = dict.fromkeys(map(id, params), 0.0)
        gradients.update(zip(map(id, run.params), run.sums.finish(), strict=True))
        return array("d", [run.outputs[0], *list(gradients.values())[: len(params)]])

    def _eager(self, function: Function, batch: Batch, part: slice, params: tuple[Value, ...]) -> array[float]:
        """Return the loss of a row and its gradients from an eager run."""
        inner_loops.zero_gradients(params)
        with buffers.collected(), drawing(Draws(self.key, batch.epoch, batch.rows[part])):
            loss = function(batch.samples()[part])[0]
        loss.backward()
        return array("d", [loss.data]) + _gradients(params)


def _gradients(params: tuple[Value, ...]) -> array[float]:
    gradients = array("d", bytes(8 * len(params)))
    inner_loops.read_gradients(params, gradients)
    return gradients


def _check_same(replayed: array[float], eager: array[float], params: tuple[Value, ...], where: str) -> None:
    """Raise NotReplayable where numbers differ, other than in the sign of zero or in which nan they are."""
    for i, (found, wanted) in enumerate(zip(replayed, eager, strict=True)):
        if not is_same(found, wanted):
            what = f"the gradient of {_name(params[i - 1], i)}" if i else "the loss"
            raise NotReplayable(
                f"in {where}, {what} is {wanted!r} in an eager run and {found!r} in a replay: it depends on something "
                "that is not among its inputs, which a replay keeps as it was"
            )


def _seeds(of_loss: float) -> Any:
    """Return upstream gradients, by the number of outputs: what accuracy looks at is not differentiated."""
    return lambda columns: array("d", [of_loss, *[0.0] * (columns - 1)])


def _name(parameter: Value, place: int) -> str:
    return parameter.name or f"parameter {place}"


def _keep(objective: Objective, tapes: dict[Any, Kept], compared: int, room: Room) -> None:
    """Leave tapes with the model, for the loss, which is not kept alive."""
    if isinstance(objective.model, Module):
        try:
            objective.model._tapes = weakref.ref(objective.loss), objective.rule, tapes, compared, room
        except TypeError:  # the loss cannot be referred to weakly
            objective.model._tapes = None


def _taken_tapes(objective: Objective) -> tuple[dict[Any, Kept], int, Room]:
    """Take the tapes that another fit left with the model for this loss, and the other arguments of `_keep`.

    Another thread that trains the model at the same time finds none: a room is for one training at a time.
    """
    kept = vars(objective.model).pop("_tapes", None) if isinstance(objective.model, Module) else None
    if kept is None or kept[0]() is not objective.loss or kept[1] != objective.rule:
        return {}, 0, Room()
    return kept[2:]  # type: ignore[no-any-return]
