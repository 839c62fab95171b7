"""Losses of one sample: `loss(prediction, target)` returns a Value; `nn.fit` averages over the batch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, cast, overload

import autograd
from autograd import Value, dot, log, log1p, mean, relu, softplus, where
from autograd.modes import current_mode
from nn.arguments import real, shown
from nn.decisions import Decision, check_decision, decision_of, one_output
from nn.module import Module

__all__ = [
    "DecidedLoss",
    "Loss",
    "WithL2",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "decides",
    "half_squared_error",
    "hinge",
    "huber",
    "l1",
    "mse",
    "softmax_cross_entropy",
    "with_l2",
    "without_penalty",
]

Number = Value | float
Numbers = Number | Sequence[Number]

Inputs = ParamSpec("Inputs")


class Loss(Protocol):
    """A function of one sample's prediction and target that also states how accuracy decides, or None."""

    decision: Decision | None

    def __call__(self, prediction: Any, target: Any, /) -> Value:
        """Return the loss of one sample."""


class DecidedLoss(Protocol[Inputs]):
    """What `decides` makes of a function: a `Loss` that keeps the types of its arguments."""

    decision: Decision | None

    def __call__(self, *args: Inputs.args, **kwargs: Inputs.kwargs) -> Value:
        """Return the loss of one sample."""


def decides(decision: Decision | None) -> Callable[[Callable[Inputs, Value]], DecidedLoss[Inputs]]:
    """Decorate a loss with the way accuracy decides whether a prediction is right.

    Args:
        decision: "> 0" or "> 0.5" if a prediction above that means class 1; "argmax" if the largest of several outputs
            names the class; None if there is nothing to decide, as in a regression.

    Raises:
        ValueError: the decision is anything else.

    >>> @decides("> 0")
    ... def squared_hinge(prediction, target):
    ...     return relu(1.0 - target * prediction) ** 2
    >>> squared_hinge.decision, squared_hinge(Value(0.5), 1).data
    ('> 0', 0.25)
    """
    check_decision(decision)

    def decorate(function: Callable[Inputs, Value]) -> DecidedLoss[Inputs]:
        loss = cast(DecidedLoss[Inputs], function)
        loss.decision = decision
        return loss

    return decorate


@decides(None)
def mse(prediction: Numbers, target: Numbers) -> Value:
    """Return the squared error, (prediction - target)²; for several outputs, the mean of theirs.

    Args:
        prediction: one output, or a list of them.
        target: a number for each output.

    Raises:
        ValueError: the numbers of outputs and targets differ.

    >>> mse(Value(3.0), 1.0).data, mse([Value(3.0), Value(1.0)], [1.0, 1.0]).data
    (4.0, 2.0)
    """
    return _mean([error**2 for error in _errors("mse", prediction, target)])


@decides(None)
def half_squared_error(prediction: Numbers, target: Numbers) -> Value:
    """Return half the squared error, summed over the outputs, so that each gradient is prediction - target.

    Args:
        prediction: one output, or a list of them.
        target: a number for each output.

    Raises:
        ValueError: the numbers of outputs and targets differ.

    >>> half_squared_error(Value(3.0), 1.0).data, half_squared_error([Value(3.0), Value(2.0)], [1.0, 1.0]).data
    (2.0, 2.5)
    """
    errors = _errors("half_squared_error", prediction, target)
    squares = [error**2 for error in errors]
    return 0.5 * (squares[0] if len(squares) == 1 else autograd.sum(squares))


@decides(None)
def l1(prediction: Numbers, target: Numbers) -> Value:
    """Return the absolute error, |prediction - target|; for several outputs, the mean of theirs.

    Args:
        prediction: one output, or a list of them.
        target: a number for each output.

    Raises:
        ValueError: the numbers of outputs and targets differ.

    >>> l1(Value(3.0), 1.0).data, l1([Value(3.0), Value(0.0)], [1.0, 1.0]).data
    (2.0, 1.5)
    """
    return _mean([abs(error) for error in _errors("l1", prediction, target)])


@overload
def huber(delta: float = 1.0, /) -> Loss: ...
@overload
def huber(*, delta: float) -> Loss: ...
@overload
def huber(prediction: Numbers, target: Numbers, *, delta: float = 1.0) -> Value: ...
def huber(prediction: Any = None, target: Any = None, *, delta: float = 1.0) -> Any:
    """Return the squared error near the target and the absolute error far from it; of delta alone, return that loss.

    From Huber 1964, "Robust estimation of a location parameter": with e = prediction - target,

        e² / 2 where |e| <= delta,    delta · (|e| - delta / 2) elsewhere

    so that no sample pulls with a gradient larger than delta. For several outputs it is the mean of theirs.

    `nn.huber` is the loss with delta = 1, and `nn.huber(delta=0.5)`, or `nn.huber(0.5)`, the loss with another one.

    Args:
        prediction: one output, or a list of them.
        target: as many numbers; without them the result is a loss, and a single number is its delta.
        delta: the error beyond which the loss is linear, above 0.

    Raises:
        TypeError: delta is not a number.
        ValueError: delta is not above 0; or there are not as many outputs as targets.

    >>> huber(Value(1.5), 1.0).data, huber(Value(4.0), 1.0).data
    (0.125, 2.5)
    >>> loss = huber(delta=0.5)
    >>> loss(Value(4.0), 1.0).data
    1.375
    """
    chosen = delta if target is not None or prediction is None else prediction
    bound = real("delta", chosen, low=0.0, open_low=True)
    if target is not None:
        return _huber(prediction, target, bound)

    @decides(None)
    def huber(prediction: Numbers, target: Numbers) -> Value:
        return _huber(prediction, target, bound)

    return huber


def _huber(prediction: Numbers, target: Numbers, delta: float) -> Value:
    errors = _errors("huber", prediction, target)
    return _mean([where(abs(e) <= delta, e * e / 2.0, delta * (abs(e) - delta / 2.0)) for e in errors])


@decides("> 0.5")
def binary_cross_entropy(prediction: Numbers, target: Number) -> Value:
    """Return -log of the probability that the prediction, a probability of class 1, gives to the target.

    Args:
        prediction: one output between 0 and 1, such as that of an MLP with `output="sigmoid"`.
        target: 0 or 1, or a probability between them.

    Raises:
        TypeError: there are several outputs, or several targets.
        ValueError: the prediction or the target is not between 0 and 1.

    >>> round(binary_cross_entropy(Value(0.8), 1).data, 4)
    0.2231
    """
    probability = one_output("binary_cross_entropy", prediction)
    _check_one_target("binary_cross_entropy", target)
    if not _is_recorded(target) and not 0.0 <= target <= 1.0:
        raise ValueError(f"binary_cross_entropy takes a target from 0 to 1, not {target!r}")
    # A nan prediction passes: it gives a nan loss, which fit reports with its epoch and batch.
    if probability < 0.0 or probability > 1.0:
        raise ValueError(
            f"binary_cross_entropy takes a probability from 0 to 1, not {probability.data!r}: "
            "end the model with a sigmoid, or use binary_cross_entropy_with_logits without one"
        )
    # Only the terms whose weight is not zero: 0 * log(0) would be nan.
    if _is_recorded(target):
        between = -(target * log(probability) + (1.0 - target) * log1p(-probability))
        return where(target == 1.0, -log(probability), where(target == 0.0, -log1p(-probability), between))
    if target == 1.0:
        return -log(probability)
    if target == 0.0:
        return -log1p(-probability)
    return -(target * log(probability) + (1.0 - target) * log1p(-probability))


@decides("> 0")
def binary_cross_entropy_with_logits(prediction: Numbers, target: Number) -> Value:
    """Return `binary_cross_entropy(sigmoid(prediction), target)` without the overflow and rounding of sigmoid.

    Args:
        prediction: one output, any number: the log odds of class 1.
        target: 0 or 1, or a probability between them.

    Raises:
        TypeError: there are several outputs, or several targets.
        ValueError: the target is not between 0 and 1.

    >>> [binary_cross_entropy_with_logits(Value(logit), 1).data for logit in (-1000.0, 1000.0)]
    [1000.0, 0.0]
    """
    logit = one_output("binary_cross_entropy_with_logits", prediction)
    _check_one_target("binary_cross_entropy_with_logits", target)
    if _is_recorded(target):
        between = target * softplus(-logit) + (1.0 - target) * softplus(logit)
        return where(target == 1.0, softplus(-logit), where(target == 0.0, softplus(logit), between))
    if not 0.0 <= target <= 1.0:
        raise ValueError(f"binary_cross_entropy_with_logits takes a target from 0 to 1, not {target!r}")
    if target == 1.0:
        return softplus(-logit)
    if target == 0.0:
        return softplus(logit)
    return target * softplus(-logit) + (1.0 - target) * softplus(logit)


@decides("> 0")
def hinge(prediction: Numbers, target: Number) -> Value:
    """Return the max-margin loss relu(1 - y·prediction), where y is +1 for class 1 and -1 for the other class.

    Args:
        prediction: one output, any number; above 0 means class 1.
        target: 1 for class 1; 0 or -1 for the other class.

    Raises:
        TypeError: there are several outputs, or several targets.
        ValueError: the target is anything else.

    >>> hinge(Value(0.25), 1).data, hinge(Value(0.25), 0).data, hinge(Value(0.25), -1).data
    (0.75, 1.25, 1.25)
    """
    score = one_output("hinge", prediction)
    _check_one_target("hinge", target)
    if _is_recorded(target):
        return where(target == 1.0, relu(1.0 - score), relu(1.0 + score))
    if not (target == 1 or target == 0 or target == -1):
        raise ValueError(f"hinge takes targets 0 and 1, or -1 and +1, not {target!r}")
    return relu(1.0 - score) if target == 1 else relu(1.0 + score)


@decides("argmax")
def softmax_cross_entropy(
    prediction: Value | Sequence[Value] | Sequence[Sequence[Value]], target: int | Value | Sequence[int | Value]
) -> Value:
    """Return -log of the probability that the softmax of the logits gives to the class; of a sequence, their mean.

    Args:
        prediction: a list with one logit per class, such as the output of an MLP with a linear last layer; or a list of
            such lists, one per position of a sequence.
        target: the index of the class, counted from 0; or a list of them, one per position. Accuracy is then the
            fraction of positions that are right, for each sequence.

    Raises:
        TypeError: there is only one output, or the target is not an integer.
        ValueError: the target is not the index of a class; or there are more or fewer lists of logits than classes.

    >>> round(softmax_cross_entropy([Value(2.0), Value(0.0)], 0).data, 4)
    0.1269
    >>> round(softmax_cross_entropy([[Value(2.0), 0.0], [0.0, Value(2.0)]], [0, 1]).data, 4)
    0.1269
    """
    if isinstance(prediction, Value):
        raise TypeError("softmax_cross_entropy takes a list of logits, one for each class, and got one Value")
    if prediction and isinstance(prediction[0], list | tuple):
        return _mean([softmax_cross_entropy(logits, one) for logits, one in _positions(prediction, target)])
    logits: Any = prediction
    index: Any = target if _is_recorded(target) else _class_index(target, len(logits))
    loss: Value = autograd.softmax_cross_entropy(logits, index)
    return loss


class WithL2:
    """A loss plus a multiple of the sum of the squares of a model's parameters; `with_l2` makes one.

    Attributes:
        loss: The loss without the penalty.
        decision: That of the loss.
    """

    def __init__(self, loss: Callable[[Any, Any], Value], model: Module, factor: float) -> None:
        self.loss = loss
        self.decision = decision_of(loss)
        self._model = model
        self._factor = factor

    def penalty(self) -> Value:
        """Return the multiple of the sum of the squares, as the parameters are now."""
        parameters = self._model.parameters()
        return self._factor * dot(parameters, parameters)

    def __call__(self, prediction: Any, target: Any) -> Value:
        """Return the loss of one sample and the penalty; the mean over a batch then has the penalty once."""
        return self.loss(prediction, target) + self.penalty()

    def __repr__(self) -> str:
        return f"with_l2({getattr(self.loss, '__name__', self.loss)}, factor={self._factor:g})"


def with_l2(loss: Callable[[Any, Any], Value], model: Module, factor: float) -> WithL2:
    """Return a loss with an L2 penalty: factor · (the sum of the squares of all parameters) is added to it.

    `fit`, `evaluate` and validation add the penalty once to the mean loss of a batch, so it costs next to nothing. A
    penalty inside a loss of one's own is computed for each sample.

    Args:
        loss: The loss of one sample.
        model: The model whose parameters are kept small.
        factor: A number above 0.

    Raises:
        TypeError: `model` is not a module, or `factor` is not a number.
        ValueError: `factor` is not above 0, or the model has no parameters.

    >>> from nn import Linear
    >>> model = Linear(1, 1, bias=False, init=lambda rng, nin, nout: 2.0)
    >>> with_l2(mse, model, 0.5)(model([1.0]), [3.0]).data
    3.0
    """
    if not callable(loss):
        raise TypeError(f"loss must be a function, not {loss!r}")
    if not isinstance(model, Module):
        raise TypeError(f"model must be a module, not {shown(model)}")
    if not model.parameters():
        raise ValueError(f"{type(model).__name__} has no parameters: a parameter is a Value attribute")
    return WithL2(loss, model, real("factor", factor, low=0.0, open_low=True))


def without_penalty(
    loss: Callable[[Any, Any], Value],
) -> tuple[Callable[[Any, Any], Value], Callable[[], Value] | None]:
    """Return the loss of one sample, and the penalty that is added once per batch, or None.

    >>> without_penalty(mse)[1] is None
    True
    """
    if isinstance(loss, WithL2):
        return loss.loss, loss.penalty
    return loss, None


def _is_recorded(target: Any) -> bool:
    """Return whether the target is an input of a tape that is being recorded.

    Each replay then chooses by its own target, which is not checked again: `nn.fit` has checked all of them.
    """
    mode = current_mode()
    return isinstance(target, Value) and mode is not None and mode.recorder is not None


def _check_one_target(who: str, target: Any) -> None:
    if hasattr(target, "__len__"):
        raise TypeError(f"{who} takes one number as target, not {target!r}")


def _errors(who: str, prediction: Numbers, target: Numbers) -> list[Value]:
    predictions = _as_list(prediction)
    targets = _as_list(target)
    if len(predictions) != len(targets) or not predictions:
        raise ValueError(f"{who} needs a target for each output: {len(predictions)} outputs, {len(targets)} targets")
    return [output - wanted for output, wanted in zip(predictions, targets, strict=True)]  # type: ignore[misc]


def _mean(terms: list[Value]) -> Value:
    return terms[0] if len(terms) == 1 else mean(terms)


def _as_list(numbers: Any) -> list[Number]:
    return list(numbers) if hasattr(numbers, "__len__") else [numbers]


def _positions(logits: Sequence[Any], classes: Any) -> list[tuple[Any, Any]]:
    """Return for each position of a sequence its logits and its class."""
    if not isinstance(classes, list | tuple):
        raise TypeError(
            f"softmax_cross_entropy takes a list of {len(logits)} classes, one for each list of logits, not "
            f"{shown(classes)}"
        )
    if len(classes) != len(logits):
        raise ValueError(
            f"softmax_cross_entropy takes a class for each list of logits: {len(logits)} lists, {len(classes)} classes"
        )
    return list(zip(logits, classes, strict=True))


def _class_index(target: Any, classes: int) -> int:
    if isinstance(target, Value) and target.data % 1.0 == 0.0:
        target = int(target.data)
    try:
        index = operator.index(target)
    except TypeError:
        raise TypeError(f"a class is an integer from 0 to {classes - 1}, not {target!r}") from None
    if not 0 <= index < classes:
        raise ValueError(f"a class is an integer from 0 to {classes - 1}, as there are {classes} outputs, not {index}")
    return index
