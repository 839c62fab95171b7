"""Bounds on gradients, between `backward` and `step`."""

from __future__ import annotations

import math
from collections.abc import Iterable

from autograd import Value
from nn import inner_loops
from nn.arguments import real
from nn.optimizer import ABOVE_0, checked_parameters

__all__ = ["clip_grad_norm", "clip_grad_value"]


def clip_grad_norm(params: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients by one factor so that their norm, sqrt(g0² + g1² + ...), is at most `max_norm`.

    Call it between `backward` and `step`. After Pascanu, Mikolov & Bengio 2013.

    Args:
        params: the parameters, as for `Optimizer`.
        max_norm: a number above 0.

    Returns:
        The norm before scaling.

    Raises:
        TypeError: as for `Optimizer`; or max_norm is not a number.
        ValueError: as for `Optimizer`; max_norm is out of range, or the norm is not finite; then nothing has changed.

    >>> x, y = Value(1.0), Value(1.0)
    >>> x.grad, y.grad = 3.0, 4.0
    >>> clip_grad_norm([x, y], 0.5), x.grad, y.grad
    (5.0, 0.30000000000000004, 0.4)
    """
    checked = tuple(checked_parameters(params))
    bound = real("max_norm", max_norm, **ABOVE_0)
    norm = math.sqrt(inner_loops.sum_of_squares(checked))
    if not math.isfinite(norm):
        raise ValueError(f"the norm of the gradients is {norm}; nothing was changed")
    if norm > bound:
        inner_loops.scale_gradients(checked, bound / norm)
    return norm


def clip_grad_value(params: Iterable[Value], clip_value: float) -> None:
    """Move each gradient into the interval from -clip_value to clip_value.

    Args:
        params: the parameters, as for `Optimizer`.
        clip_value: a number above 0.

    Raises:
        TypeError: as for `Optimizer`; or clip_value is not a number.
        ValueError: as for `Optimizer`; clip_value is out of range, or a gradient is nan; then nothing has changed.

    >>> x, y = Value(1.0), Value(1.0)
    >>> x.grad, y.grad = 3.0, -0.25
    >>> clip_grad_value([x, y], 0.5); x.grad, y.grad
    (0.5, -0.25)
    """
    checked = tuple(checked_parameters(params))
    bound = real("clip_value", clip_value, **ABOVE_0)
    if math.isnan(inner_loops.sum_of_squares(checked)):  # the squares of numbers, infinite ones too, add up to one
        index = next(i for i, parameter in enumerate(checked) if math.isnan(parameter.grad))
        raise ValueError(f"the gradient of {checked[index].name or f'params[{index}]'} is nan; nothing was changed")
    inner_loops.clip_gradients(checked, bound)
