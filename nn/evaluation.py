"""predict, accuracy, evaluate and confusion: a model in evaluation mode on many rows, through tapes where it can be."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast, overload

from autograd import Value, no_grad
from autograd.pytree import flatten, shape_of
from nn.batches import Group, grouped
from nn.checked_samples import Rows, Samples, checked_rows, checked_samples
from nn.decisions import RULES, DecisionRule, rule_of
from nn.generator import Draws
from nn.losses import without_penalty
from nn.module import Forwards, Module
from nn.replayed_step import is_recorded, may_record
from nn.row_tapes import NotReplayable, ShapeTapes
from nn.training_step import LossFunction, Model, checked_loss, name_of

__all__ = ["Evaluation", "LossOfSamples", "accuracy", "confusion", "evaluate", "in_mode", "predict"]

Outputs = TypeVar("Outputs")
_Maps = Callable[[list[float]], Outputs] | Forwards[[list[float]], Outputs]  # a model of one row

_FEW = 8  # rows of one shape, which are not worth a recording
_CHUNK = 4096  # rows that are replayed at a time


@overload
def predict(model: _Maps[Value | float], X: Rows) -> list[float]: ...


@overload
def predict(model: _Maps[Sequence[Value | float]], X: Rows) -> list[list[float]]: ...


@overload
def predict(model: Model, X: Rows) -> list[Any]: ...


def predict(model: Model | _Maps[Any], X: Rows) -> list[Any]:
    """Return the model's outputs for each row as plain numbers.

    The model runs in evaluation mode, and each module's mode is put back afterwards.

    Args:
        model: a function from a row to a prediction.
        X: the rows, as for `fit`.

    Returns:
        A float for each row, or a list of floats if the model has several outputs, nested as they are.

    Raises:
        TypeError: as for the rows of `fit`.
        ValueError: as for the rows of `fit`.

    >>> predict(lambda row: Value(row[0]) * 2.0, [[1.0], [2.5]])
    [2.0, 5.0]
    """
    rows, call = checked_rows(X), cast(Callable[[Any], Any], model)
    structure: list[Any] = []  # of the last prediction: its shape, and the function that gives numbers this shape

    def outputs(samples: list[Any]) -> list[Value | float]:
        ((row,),) = samples
        prediction = call(row)
        shape = shape_of(prediction, "a prediction")
        if structure and structure[0] != shape and is_recorded():
            raise TypeError("one prediction has another structure than another")
        numbers, rebuild = flatten(prediction, "a prediction")
        structure[:] = shape, rebuild
        return numbers

    predictions: list[Any] = [None] * len(rows)
    evaluation = Evaluation(model, outputs, [(row,) for row in rows])
    with in_mode(model):
        for group in evaluation.groups:
            structure.clear()
            for place, numbers in enumerate(evaluation.outputs_of(group)):
                predictions[group.rows[place]] = _plain(structure[1](numbers))
    return predictions


def accuracy(model: Model, X: Rows, y: Sequence[Any], loss: LossFunction) -> float:
    """Return the fraction of rows that the model gets right, decided as the loss states, in evaluation mode.

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
    rule = _required_rule(loss)
    samples = checked_samples(X, y)
    scores = _scores(model, samples, rule)
    right = sum(rule.share_of(found, target) for found, (_, target) in zip(scores, samples, strict=True))
    return right / len(samples)


def evaluate(model: Model, X: Rows, y: Sequence[Any], loss: LossFunction) -> tuple[float, float | None]:
    """Return the mean loss of the rows, and the fraction that the model gets right, in evaluation mode.

    Args:
        model: a function from a row to a prediction.
        X: the rows, as for `fit`.
        y: their targets, as for `fit`.
        loss: a function (prediction, target) -> Value.

    Returns:
        The loss, and the accuracy, or None if the loss does not state how to decide.

    Raises:
        TypeError: as for the rows and targets of `fit`.
        ValueError: as for the rows and targets of `fit`.

    >>> from nn import hinge
    >>> evaluate(lambda row: Value(row[0]), [[-1.0], [2.0]], [0, 1], hinge)
    (0.0, 1.0)
    """
    return LossOfSamples(model, checked_samples(X, y), loss)()


def confusion(model: Model, X: Rows, y: Sequence[Any], loss: LossFunction | None = None) -> list[list[int]]:
    """Count for each true class how often the model names each class, in evaluation mode.

    Args:
        model: a function from a row to a prediction.
        X: the rows, as for `fit`.
        y: the class of each row: the index of an output, or for a model of one output 0 or 1 (or -1 or 1).
        loss: a loss whose decision tells the two classes of a model with one output apart; None for several outputs,
            of which the largest names the class.

    Returns:
        A row per true class, with a count per class that the model names.

    Raises:
        TypeError: as for the rows of `fit`; or the model has one output and there is no loss.
        ValueError: as for the rows of `fit`; the loss does not state how to decide, or a target is not a class.

    >>> from nn import hinge
    >>> confusion(lambda row: Value(row[0]), [[-1.0], [2.0], [3.0]], [0, 1, 0], hinge)
    [[1, 1], [0, 1]]
    """
    rule = RULES["argmax"] if loss is None else _required_rule(loss)
    samples = checked_samples(X, y)
    try:
        scores = _scores(model, samples, rule)
    except TypeError as error:
        if loss is None and "argmax decides" in str(error):
            raise TypeError("a model with one output needs the loss, whose decision tells its classes apart") from None
        raise
    classes = len(scores[0]) if rule.threshold is None else 2
    counts = [[0] * classes for _ in range(classes)]
    for row, (found, (_, target)) in enumerate(zip(scores, samples, strict=True)):
        true = rule.target_class(target) if not isinstance(target, list) else None
        if true not in range(classes):
            raise ValueError(f"y[{row}] is {target!r}, which is not a class: classes are 0 to {classes - 1}")
        counts[int(true or 0)][rule.predicted_class(found)] += 1
    return counts


class Evaluation:
    """A function of samples, computed for all of them, through tapes that are kept from one time to the next.

    Args:
        model: The model that the function calls; it is to be in evaluation mode.
        function: A function from a list of one sample to numbers.
        samples: All samples.

    Attributes:
        groups: The samples by shape.
    """

    def __init__(
        self, model: Any, function: Callable[[list[Any]], list[Any]], samples: Samples | Sequence[tuple[Any, ...]]
    ) -> None:
        self.groups = grouped(samples)
        self._model = model
        self._function = function
        self._tapes: dict[int, ShapeTapes | None] = {}  # by the identity of the group; None: it is computed eagerly
        self._look = 1

    def look_again(self) -> None:
        """Look at the model again before it is replayed: something else may have changed it."""
        self._look += 1

    def outputs_of(self, group: Group) -> Iterator[Sequence[float]]:
        """Yield the outputs for each sample of a group."""
        replayed = self._replayed(group)
        if replayed is not None:
            yield from replayed
            return
        for sample in group.samples:
            with no_grad():
                outputs = self._function([sample])
            yield [x.data if isinstance(x, Value) else float(x) for x in outputs]

    def _replayed(self, group: Group) -> list[Sequence[float]] | None:
        """Return the outputs by a tape; None where a replay would not do what a call does."""
        if len(group.rows) < _FEW or not may_record():
            return None
        tapes = self._tapes.setdefault(id(group), ShapeTapes(group))
        if tapes is None:
            return None
        modules = self._model.named_modules() if isinstance(self._model, Module) else []
        found: list[Sequence[float]] = []
        try:
            tapes.looked_at(self._function, modules, self._look, Draws(0, 0, group.rows[:1]))
            for start in range(0, len(group.rows), _CHUNK):
                places = list(range(start, min(start + _CHUNK, len(group.rows))))
                if tapes.places:
                    raise NotReplayable("it draws random numbers")
                run, _ = tapes.run(self._function, modules, places, Draws(0, 0, group.rows[start:]), None)
                found += [run.outputs[i : i + run.columns] for i in range(0, len(run.outputs), run.columns)]
        except (NotReplayable, ValueError):  # an eager run raises the model's own error
            self._tapes[id(group)] = None
            return None
        return found


class LossOfSamples:
    """The mean loss and the accuracy of samples, which are computed again each time it is called."""

    def __init__(self, model: Model, samples: Samples, loss: LossFunction) -> None:
        self.rule = rule_of(loss)
        self._model = model
        self._samples = samples
        of_sample, self._penalty = without_penalty(loss)

        def loss_and_scores(samples: list[Any]) -> list[Value | float]:
            ((features, target),) = samples
            prediction = model(features)
            scores = () if self.rule is None else self.rule.scores(prediction)
            return [checked_loss(of_sample, prediction, target), *scores]

        self.evaluation = Evaluation(model, loss_and_scores, samples)

    def __call__(self) -> tuple[float, float | None]:
        """Return the mean loss, and the accuracy or None."""
        total, right = 0.0, 0.0
        losses = array("d", bytes(8 * len(self._samples)))
        with in_mode(self._model):
            for group in self.evaluation.groups:
                for place, (loss, *scores) in enumerate(self.evaluation.outputs_of(group)):
                    losses[group.rows[place]] = loss
                    if self.rule is not None:
                        right += self.rule.share_of(scores, group.samples[place][1])
        for loss in losses:
            total += loss
        mean = total / len(losses)
        if self._penalty is not None:
            with no_grad():
                mean += self._penalty().data
        return mean, None if self.rule is None else right / len(losses)


@contextmanager
def in_mode(model: Any, *, training: bool = False) -> Iterator[None]:
    """Set a model to evaluation mode, or to training mode, inside, and put each module's mode back afterwards."""
    modes = [(module, module.training) for module in model.modules()] if isinstance(model, Module) else []
    for module, is_training in modes:
        if is_training != training:
            module.training = training
    try:
        yield
    finally:
        for module, is_training in modes:
            if module.training != is_training:
                module.training = is_training


def _scores(model: Model, samples: Samples, rule: DecisionRule) -> list[Sequence[float]]:
    """Return the outputs that decide, for each sample."""

    def scores(samples: list[Any]) -> list[Value | float]:
        return rule.scores(model(samples[0][0]))

    evaluation = Evaluation(model, scores, [(row,) for row, _ in samples])
    found: list[Any] = [None] * len(samples)
    with in_mode(model):
        for group in evaluation.groups:
            for place, numbers in enumerate(evaluation.outputs_of(group)):
                found[group.rows[place]] = list(numbers)
    return found


def _required_rule(loss: LossFunction) -> DecisionRule:
    rule = rule_of(loss)
    if rule is None:
        raise ValueError(f"{name_of(loss)} does not state how accuracy decides: give it a decision with nn.decides")
    return rule


def _plain(prediction: Any) -> Any:
    return [_plain(output) for output in prediction] if isinstance(prediction, list | tuple) else prediction
