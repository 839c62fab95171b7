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

import linecache
import math
import os
import sys
from types import FrameType

from autograd.debugging import steps
from autograd.formatting import clean_text
from autograd.modes import Mode, Setting
from autograd.ops import glyph
from autograd.value import Value, creation_number

__all__ = ["AnomalyError", "detect_anomaly"]

_HOME = os.path.dirname(os.path.dirname(__file__))
_OURS = {os.path.join(_HOME, package) for package in ("autograd", "nn", "viz")}
_LABEL_LIMIT = 60  # characters of a label in a message


class AnomalyError(ArithmeticError):
    """A value or a gradient is not finite, or a contribution is 0·inf; the message says where."""


class detect_anomaly(Setting):
    """Inside, the first value or gradient that is not finite raises `AnomalyError`, and so does a product 0·inf.

    The error names the op, the label, the operands with their values, and the line of the program that computed the
    node. Backward is checked before it begins, so a pass that fails has changed no gradient. For this thread only;
    off, it costs nothing.

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

    def _mode(self, outer: Mode) -> Mode:
        return Mode(outer.recording, outer.scope, _Watch())


class _Watch:
    """Remembers on which line each node was computed, for as long as the block lasts."""

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}

    def computed(self, node: Value) -> None:
        line = self._lines[creation_number(node)] = _user_line(sys._getframe(1))
        if not math.isfinite(node.data):
            raise AnomalyError(_account(f"{node.op} gave {node.data}", node, line))

    def backward(self, root: Value, gradient: float) -> None:
        if not math.isfinite(gradient):
            raise AnomalyError(_account(f"backward from {gradient}", root, "(the gradient given to backward)"))
        for step in steps(root, gradient):
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
                name = _name(operand.value) or f"%{operand.number}"
                line = self._lines.get(creation_number(step.node)) or "(computed outside detect_anomaly)"
                message = f"backward through {step.node.op}: {what} for operand {name}"
                raise AnomalyError(_account(message, step.node, line))


def _is_ours(file: str) -> bool:
    return os.path.dirname(file) in _OURS or file.startswith("<formula of ")


def _account(message: str, node: Value, line: str) -> str:
    lines = [message, f"  node     {f'{glyph(node.op)} {_name(node)}'.rstrip()}"]
    for operand in node.operands:
        if isinstance(operand, Value):
            name = _name(operand) or (f"result of {operand.op}" if operand.op else "a leaf")
            lines.append(f"  operand  {name} = {operand.data}")
        else:
            lines.append(f"  operand  {operand}")
    return "\n".join([*lines, f"  line     {line}"])


def _name(node: Value) -> str:
    return clean_text(node.label or "", _LABEL_LIMIT)


def _user_line(frame: FrameType | None) -> str:
    """The innermost line that is not this project's own."""
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return "(unknown)"
    file, number = frame.f_code.co_filename, frame.f_lineno
    source = linecache.getline(file, number, frame.f_globals).strip()
    return f'File "{file}", line {number}, in {frame.f_code.co_name}' + (f"\n             {source}" if source else "")
