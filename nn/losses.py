"""Losses: each takes one sample, `loss(prediction, target)`, and returns a Value; `nn.fit` averages over the batch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, cast

import autograd
from autograd import Value, log, log1p, mean, relu, softplus, where
from autograd.modes import current_mode

__all__ = [
    "Decision",
    "Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "decided_by",
    "decides",
    "decision_of",
    "half_squared_error",
    "hinge",
    "is_right",
    "mse",
    "softmax_cross_entropy",
]

Decision = Literal["> 0", "> 0.5", "argmax"]
DECISIONS: tuple[Decision, ...] = ("> 0", "> 0.5", "argmax")

Number = Value | float
Numbers = Number | Sequence[Number]


class Loss(Protocol):
    """A function of one sample's prediction and target that also says how accuracy decides (None: it does not)."""

    decision: Decision | None

    def __call__(self, prediction: Any, target: Any, /) -> Value:
        """The loss of one sample."""


def _check_decision(decision: object) -> Decision | None:
    if decision is None:
        return None
    for known in DECISIONS:
        if decision == known:
            return known
    raise ValueError(f"a loss decides by {', '.join(map(repr, DECISIONS))} or None, not by {decision!r}")


def decides(decision: Decision | None) -> Callable[[Callable[[Any, Any], Value]], Loss]:
    """Decorate a loss with the way accuracy decides whether a prediction is right.

    Args:
        decision: "> 0" or "> 0.5": a prediction above that means the class 1; "argmax": the largest of several outputs
            names the class; None: there is nothing to decide, as in a regression.

    Raises:
        ValueError: The decision is anything else.

    >>> @decides("> 0")
    ... def squared_hinge(prediction, target):
    ...     return relu(1.0 - target * prediction) ** 2
    >>> squared_hinge.decision, squared_hinge(Value(0.5), 1).data
    ('> 0', 0.25)
    """
    _check_decision(decision)

    def decorate(function: Callable[[Any, Any], Value]) -> Loss:
        loss = cast(Loss, function)
        loss.decision = decision
        return loss

    return decorate


@decides(None)
def mse(prediction: Numbers, target: Numbers) -> Value:
    """The squared error, (prediction - target)²; of several outputs their mean.

    Raises:
        ValueError: There are not as many predictions as targets.

    >>> mse(Value(3.0), 1.0).data, mse([Value(3.0), Value(1.0)], [1.0, 1.0]).data
    (4.0, 2.0)
    """
    errors = _errors("mse", prediction, target)
    squares = [error**2 for error in errors]
    return squares[0] if len(squares) == 1 else mean(squares)


@decides(None)
def half_squared_error(prediction: Numbers, target: Numbers) -> Value:
    """Half the squared error; of several outputs the sum, so that each one's gradient is prediction - target.

    Raises:
        ValueError: There are not as many predictions as targets.

    >>> half_squared_error(Value(3.0), 1.0).data, half_squared_error([Value(3.0), Value(2.0)], [1.0, 1.0]).data
    (2.0, 2.5)
    """
    errors = _errors("half_squared_error", prediction, target)
    squares = [error**2 for error in errors]
    return 0.5 * (squares[0] if len(squares) == 1 else autograd.sum(squares))


@decides("> 0.5")
def binary_cross_entropy(prediction: Value, target: Number) -> Value:
    """-log of the probability that the prediction, a probability of class 1, gives to the target.

    Args:
        prediction: One output between 0 and 1, as an MLP with `output="sigmoid"` gives.
        target: 0 or 1, or a probability between them.

    Raises:
        TypeError: There are several outputs, or several targets.
        ValueError: The prediction or the target does not lie between 0 and 1.

    >>> round(binary_cross_entropy(Value(0.8), 1).data, 4)
    0.2231
    """
    probability = _one_output("binary_cross_entropy", prediction)
    _check_one_target("binary_cross_entropy", target)
    if not _is_recorded(target) and not 0.0 <= target <= 1.0:
        raise ValueError(f"binary_cross_entropy takes a target from 0 to 1, not {target!r}")
    # A nan prediction passes: it gives a nan loss, which fit reports with its epoch and batch.
    if probability < 0.0 or probability > 1.0:
        raise ValueError(
            f"binary_cross_entropy takes a probability from 0 to 1, not {probability.data!r}: "
            'use MLP(..., output="sigmoid")'
        )
    # Only the terms with a weight: 0 * log(0) would be nan.
    if _is_recorded(target):
        between = -(target * log(probability) + (1.0 - target) * log1p(-probability))
        return where(target == 1.0, -log(probability), where(target == 0.0, -log1p(-probability), between))
    if target == 1.0:
        return -log(probability)
    if target == 0.0:
        return -log1p(-probability)
    return -(target * log(probability) + (1.0 - target) * log1p(-probability))


@decides("> 0")
def binary_cross_entropy_with_logits(prediction: Value, target: Number) -> Value:
    """`binary_cross_entropy(sigmoid(prediction), target)`, without the overflow and the rounding of sigmoid.

    Args:
        prediction: One output, any number: the log odds of class 1.
        target: 0 or 1, or a probability between them.

    Raises:
        TypeError: There are several outputs, or several targets.
        ValueError: The target does not lie between 0 and 1.

    >>> [binary_cross_entropy_with_logits(Value(logit), 1).data for logit in (-1000.0, 1000.0)]
    [1000.0, 0.0]
    """
    logit = _one_output("binary_cross_entropy_with_logits", prediction)
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
def hinge(prediction: Value, target: Number) -> Value:
    """The max-margin loss relu(1 - y·prediction), where y is +1 for class 1 and -1 for the other class.

    Args:
        prediction: One output, any number; above 0 means class 1.
        target: 1 for class 1; 0 or -1 for the other.

    Raises:
        TypeError: There are several outputs, or several targets.
        ValueError: The target is anything else.

    >>> hinge(Value(0.25), 1).data, hinge(Value(0.25), 0).data, hinge(Value(0.25), -1).data
    (0.75, 1.25, 1.25)
    """
    score = _one_output("hinge", prediction)
    _check_one_target("hinge", target)
    if _is_recorded(target):
        return where(target == 1.0, relu(1.0 - score), relu(1.0 + score))
    if not (target == 1 or target == 0 or target == -1):
        raise ValueError(f"hinge takes targets 0 and 1, or -1 and +1, not {target!r}")
    return relu(1.0 - score) if target == 1 else relu(1.0 + score)


@decides("argmax")
def softmax_cross_entropy(prediction: Sequence[Value], target: int | Value) -> Value:
    """-log of the probability that the softmax of the logits gives to the class.

    Args:
        prediction: One logit for each class, as an MLP with a linear output gives.
        target: The index of the class, counted from 0.

    Raises:
        TypeError: There is one output only, or the target is no integer.
        ValueError: The target is no class.

    >>> round(softmax_cross_entropy([Value(2.0), Value(0.0)], 0).data, 4)
    0.1269
    """
    if isinstance(prediction, Value):
        raise TypeError("softmax_cross_entropy takes a list of logits, one for each class, and got one Value")
    index = target if _is_recorded(target) else _class_index(target, len(prediction))
    return autograd.softmax_cross_entropy(prediction, index)


def decision_of(loss: Callable[[Any, Any], Value]) -> Decision | None:
    """How accuracy decides under this loss: its attribute `decision`, or None where it has none.

    Raises:
        ValueError: The attribute is none of the known decisions.

    >>> decision_of(hinge), decision_of(lambda prediction, target: prediction * 0.0)
    ('> 0', None)
    """
    return _check_decision(getattr(loss, "decision", None))


def is_right(decision: Decision, prediction: Numbers, target: float) -> bool:
    """Whether a prediction names the target's class: class 1 or the other, or by its index for "argmax".

    >>> is_right("> 0", Value(-0.3), -1), is_right("> 0.5", Value(0.7), 0), is_right("argmax", [0.1, 0.2], 1)
    (True, False, True)
    """
    if decision == "argmax":
        if not isinstance(prediction, Sequence):
            raise TypeError("argmax decides among several outputs, and the model has one")
        outputs = [_data(output) for output in prediction]
        return outputs.index(max(outputs)) == target
    score = _data(_one_output(f"the decision {decision!r}", prediction))
    threshold = 0.0 if decision == "> 0" else 0.5
    return (score > threshold) == (target > threshold)


def decided_by(decision: Decision | None, prediction: Any) -> list[Any]:
    """The outputs that `is_right` looks at.

    >>> decided_by("argmax", [0.1, 0.2]), decided_by("> 0", [0.5])[0].data, decided_by(None, 0.5)
    ([0.1, 0.2], 0.5, [])
    """
    if decision is None:
        return []
    return list(prediction) if decision == "argmax" else [_one_output("the decision", prediction)]


def _data(number: Number) -> float:
    return number.data if isinstance(number, Value) else number


def _is_recorded(target: Any) -> bool:
    """Whether the target is an input of a tape that is recorded now.

    Then each replay chooses by its own target, which is not checked: `nn.fit` has checked all of them.
    """
    mode = current_mode()
    return isinstance(target, Value) and mode is not None and mode.recorder is not None


def _one_output(who: str, prediction: Any) -> Value:
    if isinstance(prediction, Value):
        return prediction
    if not isinstance(prediction, Sequence):
        return Value(prediction)
    if len(prediction) != 1:
        raise TypeError(f"{who} takes one output, and the model has {len(prediction)}")
    return _one_output(who, prediction[0])


def _check_one_target(who: str, target: Any) -> None:
    if hasattr(target, "__len__"):
        raise TypeError(f"{who} takes one number as target, not {target!r}")


def _errors(who: str, prediction: Numbers, target: Numbers) -> list[Value]:
    predictions = _as_list(prediction)
    targets = _as_list(target)
    if len(predictions) != len(targets) or not predictions:
        raise ValueError(f"{who} needs a target for each output: {len(predictions)} outputs, {len(targets)} targets")
    return [output - wanted for output, wanted in zip(predictions, targets, strict=True)]  # type: ignore[misc]


def _as_list(numbers: Any) -> list[Number]:
    return list(numbers) if hasattr(numbers, "__len__") else [numbers]


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
