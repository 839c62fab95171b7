"""Many steps of a training in one call of the compiled core.

What a step is stands in `nn.replayed_step`, and these steps have its bits. Where one of them cannot be done here (a row
takes another branch, a number is not finite), the steps before it are done, and it is left to the other way, which says
what is wrong or does it.
"""

from __future__ import annotations

import math
from array import array
from time import perf_counter
from typing import NamedTuple

import autograd
from autograd import Value
from autograd.tape.replay import Steps, run_steps
from autograd.tape.tape import Tape
from nn import inner_loops
from nn.batches import Group
from nn.optimizer import Columns, Optimizer
from nn.replayed_step import ReplayedStep
from nn.row_tapes import NotReplayable, ShapeTapes
from nn.training_step import Tally

__all__ = ["Chunk", "Chunks", "steps_within"]

_SECONDS = 0.05  # of a chunk: so long Ctrl-C and the progress bar wait
_NUMBERS = 2**16  # in the rows of a chunk, which stay in the processor's cache


class Chunk(NamedTuple):
    """Steps that are done.

    Attributes:
        steps: Their number.
        tallies: The sums of each epoch that they are of.
    """

    steps: int
    tallies: list[Tally]


class Chunks:
    """The steps of one training, as many at a time as fill a chunk.

    Args:
        step: Does what a chunk cannot.
        group: All samples, which are of one shape.
        batch_size: The number of rows per step.
    """

    def __init__(self, step: ReplayedStep, group: Group, batch_size: int) -> None:
        self.step = step
        self.group = group
        self.batch_size = batch_size
        self.per_epoch = math.ceil(len(group.rows) / batch_size)
        self._room = step.room
        self._order = array("q", bytes(8 * len(group.rows)))
        self._ordered = 0
        self._tapes: ShapeTapes | None = None

    @staticmethod
    def may_run(step: object, groups: list[Group]) -> bool:
        """Return whether a training has steps that may be run in chunks."""
        if not (autograd.compiled and isinstance(step, ReplayedStep) and len(groups) == 1):
            return False
        optimizer, objective = step.change.optimizer, step.objective
        is_rule = all(
            getattr(type(optimizer), name) is getattr(Optimizer, name) and name not in vars(optimizer)
            for name in ("step", "zero_grad", "set_lr")
        )
        return is_rule and objective.penalty is None and not objective.whole_batch

    @property
    def size(self) -> int:
        """The number of steps of the next chunk."""
        return max(1, self._room.rows // self.batch_size)

    @size.setter
    def size(self, steps: int) -> None:
        self._room.rows = steps * self.batch_size

    def is_ready(self, first: int) -> bool:
        """Look at the model if it is time to, and return whether its steps may be run here.

        Args:
            first: The number of steps of the training before these.

        Raises:
            ValueError: The loss does not depend on any parameter.
        """
        try:
            self._tapes = self.step.replayable(self.group, 1 + first // self.per_epoch)
        except NotReplayable:  # the step in Python raises it again
            return False
        return self._tapes is not None

    def run(self, first: int, steps: int, rates: list[float] | None, tally: Tally) -> Chunk | None:
        """Run steps; `is_ready` comes before.

        Args:
            first: The number of steps of the training before these.
            steps: The number of steps, at most.
            rates: The learning rate of each step, where a schedule changes it.
            tally: The sums of the epoch so far.

        Returns:
            What was done; None if nothing was.
        """
        tapes, optimizer = self._tapes, self.step.change.optimizer
        assert tapes is not None
        if rates is not None:
            optimizer.set_lr(rates[0])
        try:
            formula = optimizer._tape()
        except (TypeError, ValueError):  # the step in Python raises it again, and names the batch
            return None
        tape, setting_places = tapes.tapes[0], formula.setting_places
        places = self._places_in(optimizer.params, tape, len(tapes.found))
        if places is None or setting_places is None or not all(part.is_in_core() for part in formula.parts):
            return None
        most = max(1, _NUMBERS // (tapes.width * self.batch_size))
        sizes = self._sizes(first, min(steps, self.size, most))
        batch = self._rows(first, sum(sizes), tapes)
        outputs = self._room.outputs = _with_room(self._room.outputs, sum(sizes) * tape.output_count)
        norms = array("d", bytes(8 * len(sizes)))
        settings = array("d", optimizer._numbers()[0])
        count = len(settings)
        for rate in (rates or ())[1 : len(sizes)]:
            optimizer.set_lr(rate)
            settings.extend(optimizer._numbers()[0])
        clip_norm = self.step.change.clip_norm or math.inf
        started = perf_counter()

        def taken(now: Columns, following: Columns) -> int:
            steps = Steps(
                sizes, batch, outputs, places, settings, count, setting_places, now, following, norms,
                optimizer.steps + 1, clip_norm,
            )  # fmt: skip
            return run_steps(tape.replayer, tape.params, formula.parts, steps)

        done = optimizer._take_steps(taken)
        if done == len(sizes):
            self.size = min(most, 4 * done, steps_within(perf_counter() - started, done))
        return Chunk(done, self._tallies(first, sizes[:done], norms, batch, outputs, tapes, tally)) if done else None

    def _sizes(self, first: int, count: int) -> array[int]:
        """Return the number of rows of each step."""
        sizes = array("i", [self.batch_size]) * count
        last = len(self.group.rows) - (self.per_epoch - 1) * self.batch_size
        for step in range(self.per_epoch - 1 - first % self.per_epoch, count, self.per_epoch):
            sizes[step] = last
        return sizes

    def _rows(self, first: int, count: int, tapes: ShapeTapes) -> array[float]:
        """Return the rows of steps."""
        batch = self._room.batch = _with_room(self._room.batch, count * tapes.width)
        begin = first // self.per_epoch * len(self.group.rows) + first % self.per_epoch * self.batch_size
        self._ordered = inner_loops.fill_rows(
            self.step.key, begin, self._order, self._ordered, self.group.table, tapes.columns, batch, tapes.width, count
        )
        return batch

    def _tallies(
        self,
        first: int,
        sizes: array[int],
        norms: array[float],
        batch: array[float],
        outputs: array[float],
        tapes: ShapeTapes,
        tally: Tally,
    ) -> list[Tally]:
        """Return the sums of each epoch, the first of them with what it had before."""
        count, per_epoch, columns, width = len(sizes), self.per_epoch, tapes.tapes[0].output_count, tapes.width
        ends = [*range(per_epoch - first % per_epoch, count, per_epoch), count]
        begins = [0, *ends[:-1]]
        whole = len(self.group.rows)
        lengths = array("i", [whole]) * len(ends)
        for k in {0, len(ends) - 1}:
            lengths[k] = sum(sizes[begins[k] : ends[k]])
        losses = array("d", bytes(8 * len(ends)))
        losses[0] = tally.loss
        inner_loops.add_segments(outputs, columns, lengths, losses)
        row, tallies = 0, []
        counts = self.step.objective.rule is not None
        for begin, end, rows, loss in zip(begins, ends, lengths, losses, strict=True):
            tally.loss = loss
            tally.samples += rows
            tally.steps += end - begin
            for norm in norms[begin:end]:
                tally.norms += norm
            if counts:
                part = memoryview(outputs)[row * columns : (row + rows) * columns]
                of_batch = memoryview(batch)[row * width : (row + rows) * width]
                tally.right += self.step.count_right(part, columns, of_batch, tapes, rows)
                row += rows
            tallies.append(tally)
            tally = Tally()
        return tallies

    def _places_in(self, params: tuple[Value, ...], tape: Tape, found: int) -> array[int] | None:
        """Return the place of each parameter of the tape among those of the optimiser; -1 where it has none.

        None where a parameter that the optimiser does not have receives gradients, which add up over the steps, or
        where the core does not replay the tape alone.
        """
        known = self._room.places
        if known is None or known[0] is not tape or known[1] is not params:
            if len(params) == len(tape.params) and inner_loops.are_same(params, tape.params, len(params)):
                places = array("i", range(len(params)))
            else:
                place = {id(parameter): i for i, parameter in enumerate(params)}
                places = array("i", [place.get(id(parameter), -1) for parameter in tape.params])
            is_whole = -1 not in places[:found] or all(
                i >= 0 or not needed for i, needed in zip(places[:found], tape.param_needed, strict=False)
            )
            known = self._room.places = tape, params, places if is_whole and tape.replayer.is_in_core() else None
        return known[2]


def steps_within(seconds: float, steps: int) -> int:
    """Return how many steps fill a chunk, if so many take so long.

    >>> steps_within(0.0011, 2), steps_within(1.0, 2)
    (90, 1)
    """
    return max(1, int(steps * _SECONDS / (seconds + 1e-9)))


def _with_room(numbers: array[float], count: int) -> array[float]:
    """Return an array of as many numbers at least, this one if it has them."""
    return numbers if len(numbers) >= count else array("d", [0.0]) * count
