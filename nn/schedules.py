"""Schedules of the learning rate: functions from progress, 0 to 1, to a factor on the optimiser's learning rate.

`fit(..., schedule=cosine())` calls the schedule before each step, with progress = (steps done) / (steps in all). Any
function of one number does.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from nn.arguments import real

__all__ = ["Schedule", "cosine", "linear", "step"]

Schedule = Callable[[float], float]


def cosine(warmup: float = 0.0) -> Schedule:
    """Fall from 1 to 0 along half a cosine, after a linear rise from 0 over the first part of the training.

    From Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", without restarts.

    Args:
        warmup: The part of the training that the rise takes, in [0, 1).

    Raises:
        TypeError: warmup is not a number.
        ValueError: warmup is out of range.

    >>> [round(cosine()(progress), 3) for progress in (0.0, 0.5, 1.0)]
    [1.0, 0.5, 0.0]
    >>> cosine(warmup=0.1)(0.05)
    0.5
    """
    return _after(warmup, lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)))


def linear(warmup: float = 0.0) -> Schedule:
    """Fall from 1 to 0 in a straight line, after a linear rise from 0 over the first part of the training.

    Args:
        warmup: As for `cosine`.

    Raises:
        TypeError: As for `cosine`.
        ValueError: As for `cosine`.

    >>> [linear()(progress) for progress in (0.0, 0.25, 1.0)]
    [1.0, 0.75, 0.0]
    """
    return _after(warmup, lambda progress: 1.0 - progress)


def step(at: float, factor: float) -> Schedule:
    """Change the learning rate once: by `factor`, from the progress `at` on.

    Args:
        at: A progress, in [0, 1).
        factor: A factor of at least 0.

    Raises:
        TypeError: An argument is not a number.
        ValueError: An argument is out of range.

    >>> [step(at=0.5, factor=0.1)(progress) for progress in (0.25, 0.5)]
    [1.0, 0.1]
    """
    at, factor = real("at", at, low=0.0, high=1.0), real("factor", factor, low=0.0)
    return lambda progress: factor if progress >= at else 1.0


def _after(warmup: float, fall: Schedule) -> Schedule:
    rise = real("warmup", warmup, low=0.0, high=1.0)
    return lambda progress: progress / rise if progress < rise else fall((progress - rise) / (1.0 - rise))
