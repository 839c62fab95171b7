"""The rules by which accuracy decides: the class that a prediction names, and whether it is the target's."""

from __future__ import annotations

import operator
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from autograd import Value
from nn import inner_loops

__all__ = ["RULES", "Decision", "DecisionRule", "check_decision", "decision_of", "one_output", "rule_of"]

Decision = Literal["> 0", "> 0.5", "argmax"]


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """One way to decide: by a threshold for one output, or by the largest of several.

    A prediction for a sequence, a list of outputs per position, is decided by the largest at each position.

    Attributes:
        decision: the rule's name, as losses state it.
        threshold: an output above it names class 1, any other class 0; None: the largest output names the class.

    >>> RULES["> 0.5"].predicted_class(0.7), RULES["argmax"].predicted_class([0.1, 0.5, 0.2])
    (1, 1)
    """

    decision: Decision
    threshold: float | None

    def scores(self, prediction: Any) -> list[Value | float]:
        """Return the outputs that decide.

        Raises:
            TypeError: the rule takes one output and there are several, or the other way round.
        """
        if self.threshold is not None:
            return [one_output(f"the decision {self.decision!r}", prediction)]
        if not isinstance(prediction, Sequence):
            raise TypeError("argmax decides among several outputs, and the model has one")
        if prediction and isinstance(prediction[0], list | tuple):
            return [score for position in prediction for score in position]
        return list(prediction)

    def predicted_class(self, prediction: Any) -> int:
        """Return the class that a prediction names; of equal outputs the first.

        Raises:
            TypeError: as `scores`.
        """
        return self._class_of(_plain(self.scores(prediction)))

    def _class_of(self, scores: Sequence[float]) -> int:
        return scores.index(max(scores)) if self.threshold is None else int(scores[0] > self.threshold)

    def target_class(self, target: Any) -> Any:
        """Return the class that a target names; for the largest of several outputs, the target itself."""
        return target if self.threshold is None else int(target > self.threshold)

    def share_right(self, prediction: Any, target: Any) -> float:
        """Return 1 if a prediction names the target's class, else 0; for a sequence, the fraction of its positions.

        Raises:
            TypeError: as `scores`.

        >>> RULES["> 0"].share_right(Value(-0.3), -1), RULES["> 0.5"].share_right(0.7, 0)
        (1.0, 0.0)
        >>> RULES["argmax"].share_right([[0.1, 0.5], [0.7, 0.3]], [1, 1])
        0.5
        """
        return self.share_of(_plain(self.scores(prediction)), target)

    def share_of(self, scores: Sequence[float], target: Any) -> float:
        """Return `share_right` of a prediction with these `scores`."""
        if self.threshold is not None or not isinstance(target, list | tuple):
            return float(self._class_of(scores) == self.target_class(target))
        positions = len(target)
        classes = len(scores) // positions
        if classes < 2:  # one list of scores, and a list as its target, such as probabilities
            return 0.0
        found = [self._class_of(scores[i * classes : (i + 1) * classes]) for i in range(positions)]
        return float(sum(map(operator.eq, found, target))) / positions

    def count_of(self, scores: Sequence[float], targets: Sequence[Any]) -> float:
        """Return the sum of `share_of` over samples, given the `scores` of all in turn."""
        each = len(scores) // len(targets)
        if self.threshold is not None or isinstance(targets[0], list | tuple):
            return sum(self.share_of(scores[i * each : (i + 1) * each], target) for i, target in enumerate(targets))
        count, numbers = len(targets), array("d", [0.0])  # in front of the scores, where a replay has the loss
        numbers.extend(scores)
        return float(inner_loops.count_argmax(numbers, len(numbers), array("d", targets), 0, count, 1, count))

    def count_right(
        self, outputs: array[float], columns: int, batch: array[float], targets: range, width: int, rows: int
    ) -> float:
        """Return the sum of `share_of` over a replay's rows.

        Args:
            outputs: for each row its loss and its `scores`, `columns` numbers.
            columns: see above.
            batch: for each row `width` numbers, its target or the targets of its positions among them.
            targets: the columns of the targets.
            width: see above.
            rows: the number of rows.
        """
        first, positions = targets.start, len(targets)
        if self.threshold is None:
            if positions > 1 and (columns - 1) // positions < 2:  # as in share_of
                return 0.0
            return inner_loops.count_argmax(outputs, columns, batch, first, width, rows, positions) / positions
        return inner_loops.count_above(outputs, batch, first, width, rows, self.threshold)


def _plain(scores: Sequence[Value | float]) -> list[float]:
    return [score.data if type(score) is Value else score for score in scores]  # type: ignore[misc]


RULES: dict[Decision, DecisionRule] = {
    "> 0": DecisionRule("> 0", 0.0),
    "> 0.5": DecisionRule("> 0.5", 0.5),
    "argmax": DecisionRule("argmax", None),
}


def check_decision(decision: object) -> Decision | None:
    """Return a decision as given.

    Raises:
        ValueError: it is not one of `RULES`, nor None.
    """
    if decision is None:
        return None
    for known in RULES:
        if decision == known:
            return known
    raise ValueError(f"a loss decides by {', '.join(map(repr, RULES))} or None, not by {decision!r}")


def decision_of(loss: Callable[..., object]) -> Decision | None:
    """Return the attribute `decision` of a loss, or None if it has none.

    Raises:
        ValueError: the attribute is not a known decision.

    >>> decision_of(lambda prediction, target: prediction * 0.0) is None
    True
    """
    return check_decision(getattr(loss, "decision", None))


def rule_of(loss: Callable[..., object]) -> DecisionRule | None:
    """Return the rule of a loss, or None if the loss does not decide.

    Raises:
        ValueError: as `decision_of`.

    >>> from nn import hinge
    >>> rule_of(hinge)
    DecisionRule(decision='> 0', threshold=0.0)
    """
    decision = decision_of(loss)
    return None if decision is None else RULES[decision]


def one_output(who: str, prediction: Any) -> Value:
    """Return the only output of a model as a Value.

    Args:
        who: the subject of the error.
        prediction: a Value, a number, or a sequence of one of them.

    Raises:
        TypeError: there are several outputs.

    >>> one_output("this loss", [2.0]).data
    2.0
    """
    if isinstance(prediction, Value):
        return prediction
    if not isinstance(prediction, Sequence):
        return Value(prediction)
    if len(prediction) != 1:
        raise TypeError(f"{who} takes one output, and the model has {len(prediction)}")
    return one_output(who, prediction[0])
