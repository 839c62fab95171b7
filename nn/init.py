"""Initialisers: each draws one weight of a layer with nin inputs and nout outputs."""

from __future__ import annotations

import math
from collections.abc import Callable

from nn.arguments import RandomSource, choice

__all__ = ["INITIALIZERS", "Initializer", "he", "initializer", "normal", "xavier"]

Initializer = Callable[[RandomSource, int, int], float]


def he(rng: RandomSource, nin: int, nout: int) -> float:
    """Draw one weight from the normal distribution of variance 2 / nin, made for relu.

    From He et al. 2015, "Delving deep into rectifiers", equation 10.

    >>> import random
    >>> he(random.Random(0), 2, 16) == random.Random(0).gauss(0.0, 1.0)
    True
    """
    return rng.gauss(0.0, math.sqrt(2.0 / nin))


def xavier(rng: RandomSource, nin: int, nout: int) -> float:
    """Draw one weight uniformly between -a and a, with a = sqrt(6 / (nin + nout)), made for tanh and sigmoid.

    From Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", equation 16.

    >>> import random
    >>> abs(xavier(random.Random(0), 3, 3)) <= 1.0
    True
    """
    bound = math.sqrt(6.0 / (nin + nout))
    return rng.uniform(-bound, bound)


def normal(rng: RandomSource, nin: int, nout: int, std: float = 0.08) -> float:
    """Draw one weight from the normal distribution with standard deviation std, whatever the layer's size.

    `init="normal"` means std 0.08; for another std pass a function: `init=functools.partial(nn.normal, std=0.02)`.

    >>> import random
    >>> normal(random.Random(0), 2, 16, std=0.5) == random.Random(0).gauss(0.0, 0.5)
    True
    """
    return rng.gauss(0.0, std)


INITIALIZERS: dict[str, Initializer] = {"he": he, "xavier": xavier, "normal": normal}


def initializer(init: str | Initializer) -> Initializer:
    """Return the initialiser of that name, or the function itself.

    Raises:
        TypeError: `init` is neither a name nor a function.
        ValueError: the name is unknown; the error lists the known ones.

    >>> initializer("he") is he
    True
    """
    if callable(init):
        return init
    return INITIALIZERS[choice("init", init, INITIALIZERS)]
