"""detect_anomaly: the first nan, inf or 0·inf is an error that shows where it arose.

>>> from autograd import Value, detect_anomaly
>>> x = Value(0.0, "x")
>>> with detect_anomaly():  # doctest: +ELLIPSIS
...     y = x.log()
Traceback (most recent call last):
...
autograd.anomaly.AnomalyError: log gave -inf
  node     log
  operand  x = 0.0
  line     File "...", line 2, in <module>
             y = x.log()
"""

from __future__ import annotations

import math

from autograd.backward_pass import BackwardPass
from autograd.formatting import name_of
from autograd.modes import Layer, Setting, unwatched
from autograd.names import names_in_scope
from autograd.primitives.primitive import glyph
from autograd.source_lines import user_line
from autograd.steps import BackwardSteps
from autograd.value import Value, creation_number

__all__ = ["AnomalyError", "detect_anomaly"]

_LABEL_LIMIT = 60  # characters of a label in a message


class AnomalyError(ArithmeticError):
    """Raised when a value or a gradient is not finite, or a contribution is 0·inf; the message says where."""


class detect_anomaly(Setting):
    """Raise `AnomalyError` inside, at the first value or gradient that is not finite or product that is 0·inf.

    The error names the op, the label, the operands with their values, and the line of the program that computed the
    node. Backward is checked before it begins, so a pass that fails has changed no gradient. For this thread and
    this asyncio task only; off, it costs nothing.

    >>> x = Value(0.0, "x")
    >>> with detect_anomaly():
    ...     y = x.sqrt()  # the value is fine, the derivative is inf
    ...     try:
    ...         y.backward()
    ...     except AnomalyError as error:
    ...         print(str(error).splitlines()[0])
    backward through sqrt: 1.0 × inf = inf for operand x
    """

    __slots__ = ()

    def _layer(self) -> Layer:
        return Layer(watch=_Watch())


class _Watch:
    """Remembers on which line each node was computed, for as long as the block lasts."""

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}

    def computed(self, node: Value) -> None:
        source = user_line()
        line = source.where + (f"\n             {source.text}" if source.text else "")
        self._lines[creation_number(node)] = line
        with unwatched():
            if not math.isfinite(node.data):
                raise AnomalyError(_account(f"{node.op} gave {node.data}", node, line))

    def backward(self, root: Value, gradient: float) -> None:
        with unwatched():
            self._check(root, gradient)

    def _check(self, root: Value, gradient: float) -> None:
        if not math.isfinite(gradient):
            raise AnomalyError(_account(f"backward from {gradient}", root, "(the gradient given to backward)"))
        walk = BackwardPass(root, gradient)
        for step in BackwardSteps(walk, range(len(walk.turns))):
            for operand in step.operands:
                factors = (step.upstream, operand.local_grad)
                # a leaf adds the pass to what it had
                total = operand.after if operand.value.op else operand.after + operand.value.grad
                if all(map(math.isfinite, (*factors, operand.contribution, total))):
                    continue
                what = f"{step.upstream} × {operand.local_grad} = {operand.contribution}"
                if 0.0 in factors:
                    what = f"{step.upstream} × {operand.local_grad}, which counts as 0"
                elif math.isfinite(operand.contribution):
                    before = operand.before if operand.value.op else operand.before + operand.value.grad
                    what = f"{before} + {operand.contribution} = {total}"
                name = name_of(operand.value, _LABEL_LIMIT, names_in_scope()) or f"%{operand.number}"
                line = self._lines.get(creation_number(step.node)) or "(computed outside detect_anomaly)"
                message = f"backward through {step.node.op}: {what} for operand {name}"
                raise AnomalyError(_account(message, step.node, line))


def _account(message: str, node: Value, line: str) -> str:
    names = names_in_scope()
    lines = [message, f"  node     {glyph(node.op)} {name_of(node, _LABEL_LIMIT, names)}".rstrip()]
    for operand in node.operands:
        if isinstance(operand, Value):
            name = name_of(operand, _LABEL_LIMIT, names) or (f"result of {operand.op}" if operand.op else "a leaf")
            lines.append(f"  operand  {name} = {operand.data}")
        else:
            lines.append(f"  operand  {operand}")
    return "\n".join([*lines, f"  line     {line}"])
