"""One training step through a tape: model and loss are recorded on one row and replayed on each batch."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Sequence
from typing import Any, NoReturn

from autograd import BranchChanged, FrozenValueWarning, Tape, Value, no_grad, record
from autograd.modes import current_mode
from autograd.tape.replay import Failure, Rows, Sums, add_gradients
from autograd.value import creation_number
from nn import inner_loops, losses
from nn.checked_samples import Samples
from nn.decisions import DecisionRule
from nn.layers import ACTIVATIONS, MLP, Layer, Neuron
from nn.module import Module
from nn.optim import Optimizer
from nn.training_step import LossFunction, Model, Tally, change_parameters, check_finite, checked_loss

__all__ = ["ReplayedStep", "chooses_replay"]

_COMPARED = 2  # batches: a frozen number shows in the second at the latest, when rows and parameters have changed

# as they are at import, so that a program that replaces one of them trains with its own
_OWN_FORWARD = {kind: kind.forward for kind in (Neuron, Layer, MLP)}
_OWN_CALL = Module.__call__
_OWN_ACTIVATIONS = dict(ACTIVATIONS)
_OWN_LOSSES = (
    losses.binary_cross_entropy,
    losses.binary_cross_entropy_with_logits,
    losses.half_squared_error,
    losses.hinge,
    losses.mse,
    losses.softmax_cross_entropy,
)


def chooses_replay(model: Model, loss: LossFunction, asked: bool | None) -> bool:
    """Return whether to train through a tape: as asked, or else if only this package's own parts are called.

    Inside `no_grad()` nothing can be recorded, and eager training raises the error. Under `detect_anomaly()`, and while
    another tape is being recorded, every node must be computed.

    >>> chooses_replay(MLP(2, [1]), losses.hinge, None), chooses_replay(MLP(2, [1]), lambda p, t: p - t, None)
    (True, False)
    """
    mode = current_mode()
    if asked is not None:
        return asked and (mode is None or mode.recording)
    plain = mode is None or (mode.recording and mode.watch is None and mode.recorder is None)
    return plain and any(loss is own for own in _OWN_LOSSES) and _is_own(model)


def _is_own(module: object) -> bool:
    kind = type(module)
    if kind not in _OWN_FORWARD or kind.forward is not _OWN_FORWARD[kind] or Module.__call__ is not _OWN_CALL:
        return False
    if "forward" in vars(module):
        return False
    if isinstance(module, MLP):
        return all(type(layer) is Layer and _is_own(layer) for layer in module.layers)
    if isinstance(module, Layer):
        return all(type(neuron) is Neuron and _is_own(neuron) for neuron in module.neurons)
    assert isinstance(module, Neuron)
    activation = _OWN_ACTIVATIONS.get(module.activation)
    if activation is None or ACTIVATIONS.get(module.activation) is not activation:
        return False
    return type(module.w) is list and all(type(x) is Value and not x.op for x in (*module.w, module.b))


class ReplayedStep:
    """A training step that replays a tape on the rows of the batch; it is called like `nn.training_step.EagerStep`.

    Args:
        model: as for the eager step.
        samples: as for the eager step; the first one is recorded.
        loss: as for the eager step.
        rule: as for the eager step.
        optimizer: as for the eager step.
        batch_size: the largest number of rows in a step.
        compares: whether to compare the first batches with eager runs, row by row.

    Raises:
        ValueError: the loss does not depend on any parameter, or the targets differ in form.
    """

    def __init__(
        self,
        model: Model,
        samples: Samples,
        loss: LossFunction,
        rule: DecisionRule | None,
        optimizer: Optimizer,
        batch_size: int,
        compares: bool,
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.samples = samples
        self.rule = rule
        self.compares = _COMPARED if compares else 0
        row, target = samples[0]
        self.names_class = not isinstance(target, list)
        self.width = len(row) + _width(target)
        self.table = _table(samples, self.width, keeps_form=compares)
        newest = creation_number(Value(0.0))
        self.tape, self.frozen = _recorded(model, loss, rule, row, target, keeps_lines=compares)
        # constants that the function creates itself, such as a sum's Value(0.0), are newer than those that it found
        self.found = tuple(leaf for leaf in self.tape.params if creation_number(leaf) < newest)
        if not any(self.tape.param_needed[: len(self.found)]):
            raise ValueError("the loss does not depend on any parameter: there is nothing to train")
        self.columns = self.tape.output_count
        size = min(batch_size, len(samples))
        self.batch = array("d", bytes(8 * size * self.width))
        self.outputs = array("d", bytes(8 * size * self.columns))

    def __call__(self, rows: list[int], tally: Tally, where: str) -> None:
        """Train on these rows.

        Args:
            rows: the indices of the samples.
            tally: the sums of the epoch, which this batch is added to.
            where: the name of the batch in errors.

        Raises:
            ValueError: as for the eager step; or a row's loss or gradients differ from the eager run's.
            BranchChanged: a row takes a different branch from the one recorded.
        """
        if self.compares:
            self.compares -= 1
            self._compare(rows, where)
        count, tape = len(rows), self.tape
        inner_loops.gather_rows(self.table, rows, self.width, self.batch)
        sums = Sums(len(tape.params))
        failure = tape.replay(Rows(self.batch, count, self.outputs, self._seeds(1.0 / count), sums=sums))
        if failure is not None:
            self._refuse(failure, rows, where)
        check_finite(inner_loops.add_column(self.outputs, self.columns, count, 0.0) / count, where)
        self._count(count, tally)
        self.optimizer.zero_grad()
        add_gradients(tape.params, tape.param_needed, sums.finish())
        change_parameters(self.optimizer, where)

    def _seeds(self, of_loss: float) -> array[float]:
        """Return the upstream gradients of the outputs; the scores that accuracy looks at are not differentiated."""
        seeds = array("d", bytes(8 * self.columns))
        seeds[0] = of_loss
        return seeds

    def _count(self, count: int, tally: Tally) -> None:
        tally.samples += count
        tally.loss = inner_loops.add_column(self.outputs, self.columns, count, tally.loss)
        if self.rule is not None and self.names_class:
            tally.right += self.rule.count_right(self.outputs, self.columns, self.batch, self.width, count)

    def _refuse(self, failure: Failure, rows: list[int], where: str) -> NoReturn:
        """Raise the error of a row that the tape does not fit: the loss's or the model's own, if they have one."""
        with no_grad():
            for row in rows:
                features, target = self.samples[row]
                self.loss(self.model(features), target)
        error = self.tape.error_of(failure)
        message = f"{error}\n({where}, X[{rows[failure.row]}]; fit trains without a tape if replay is False)"
        raise BranchChanged(message, failure.row) from None

    def _compare(self, rows: list[int], where: str) -> None:
        """Compare each row with the eager run; the gradients of a single row agree to the bit."""
        params = _without_repeats([*self.found, *self.optimizer.params])
        before = [parameter.grad for parameter in params]
        try:
            for row in rows:
                replayed = self._replay_of_row(row, len(params))
                if replayed is None:
                    return  # the step itself says which branch has changed
                expected = self._eager_of_row(row, params)
                for i, (found, wanted) in enumerate(zip(replayed, expected, strict=True)):
                    if found != wanted and not (found != found and wanted != wanted):
                        what = _described(params[i - 1], i) if i else "the loss"
                        raise ValueError(self._difference(f"{where}, X[{row}]", what, wanted, found))
        finally:
            for parameter, gradient in zip(params, before, strict=True):
                parameter.grad = gradient

    def _replay_of_row(self, row: int, count: int) -> list[float] | None:
        numbers = self.table[row * self.width : (row + 1) * self.width]
        outputs, sums = array("d", bytes(8 * self.columns)), Sums(len(self.tape.params))
        if self.tape.replay(Rows(numbers, 1, outputs, self._seeds(1.0), sums=sums)) is not None:
            return None
        gradients = sums.finish()[: len(self.found)].tolist()
        return [outputs[0], *gradients, *[0.0] * (count - len(gradients))]

    def _eager_of_row(self, row: int, params: list[Value]) -> list[float]:
        for parameter in params:
            parameter.grad = 0.0
        features, target = self.samples[row]
        computed = checked_loss(self.loss, self.model(features), target)
        computed.backward()
        return [computed.data, *[parameter.grad for parameter in params]]

    def _difference(self, where: str, what: str, eager: float, replayed: float) -> str:
        lines = "".join(f"\n  {line}" for line in self.frozen)
        frozen = (
            f"numbers that were read while it was recorded are frozen into the tape:{lines}"
            if lines
            else (
                "what the model or the loss draws at random, counts or keeps from call to call is frozen into the tape"
            )
        )
        return (
            f"replay=True, and in {where} {what} is {eager!r} in an eager run and {replayed!r} in a replay: {frozen}\n"
            "Compute with the Values themselves, or train with replay=False"
        )


def _recorded(
    model: Model, loss: LossFunction, rule: DecisionRule | None, row: list[float], target: Any, keeps_lines: bool
) -> tuple[Tape, list[str]]:
    """Return the tape of one row's loss and scores, and the source lines that read numbers during the recording."""

    def loss_and_outputs(x: list[Value], y: Any) -> list[Value | float]:
        prediction = model(x)
        return [checked_loss(loss, prediction, y), *(rule.scores(prediction) if rule is not None else ())]

    if not keeps_lines:  # catching warnings affects those of other threads
        return record(loss_and_outputs, inputs=[row, target]), []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            tape = record(loss_and_outputs, inputs=[row, target])
        except Exception as error:
            error.add_note("while model and loss were recorded for replay, on X[0] and y[0] as Values")
            raise
    for seen in caught:
        warnings.warn_explicit(seen.message, seen.category, seen.filename, seen.lineno)
    read = [seen for seen in caught if issubclass(seen.category, FrozenValueWarning)]
    return tape, [f'File "{seen.filename}", line {seen.lineno}' for seen in read]


def _table(samples: Samples, width: int, keeps_form: bool) -> array[float]:
    """Return all rows, each followed by its target."""
    table = array("d")
    is_list = isinstance(samples[0][1], list)
    for index, (row, target) in enumerate(samples):
        if len(row) + _width(target) != width or (keeps_form and isinstance(target, list) != is_list):
            raise ValueError(
                f"y[0] is {samples[0][1]!r} and y[{index}] is {target!r}: a tape takes targets of one form; "
                "train with replay=False"
            )
        table.extend(row)
        table.extend(target if isinstance(target, list) else (target,))
    return table


def _width(target: Any) -> int:
    return len(target) if isinstance(target, list) else 1


def _without_repeats(params: Sequence[Value]) -> list[Value]:
    return list({id(parameter): parameter for parameter in params}.values())


def _described(parameter: Value, place: int) -> str:
    named = ".".join(part for part in (parameter.module, parameter.label) if part)
    return f"the gradient of {named or f'parameter {place}'}"
