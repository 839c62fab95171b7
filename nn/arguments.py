"""Checks of arguments, with errors that name the argument, and the source of random numbers."""

from __future__ import annotations

import difflib
import math
import operator
import random
import reprlib
from collections.abc import Iterable
from numbers import Real
from typing import Protocol

__all__ = [
    "RandomSource",
    "Seed",
    "choice",
    "non_negative_integer",
    "positive_integer",
    "random_source",
    "real",
    "shared_stream",
    "shown",
]


class RandomSource(Protocol):
    """A source of random numbers: a `random.Random`, or the module `random` itself."""

    def random(self) -> float:
        """Return a float in [0, 1)."""

    def uniform(self, a: float, b: float) -> float:
        """Return a float from the uniform distribution between a and b."""

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """Return a float from the normal distribution."""

    def shuffle(self, x: list[int]) -> None:
        """Put the list in random order."""

    def getrandbits(self, k: int, /) -> int:
        """Return a random int of k bits."""


Seed = int | random.Random | None


def random_source(seed: Seed) -> RandomSource:
    """Return the random numbers that a `seed=` argument asks for.

    Args:
        seed: an int for a stream of its own; a `random.Random` to draw from; None for the global module `random`,
            which a script seeds by `random.seed(1337)`.

    Raises:
        TypeError: the seed is anything else.

    >>> random_source(3).random() == random.Random(3).random()
    True
    """
    if seed is None:
        return random
    if isinstance(seed, random.Random):
        return seed
    try:
        return random.Random(operator.index(seed))
    except TypeError:
        raise TypeError(f"seed must be an int, a random.Random or None, not {seed!r}") from None


def shared_stream(seed: Seed) -> Seed:
    """Return one stream for all parts of a module, so that an int does not give each part the same numbers.

    >>> shared_stream(3).random() == random.Random(3).random(), shared_stream(None)
    (True, None)
    """
    source = random_source(seed)
    return None if seed is None else source  # type: ignore[return-value]


_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 3


def shown(x: object) -> str:
    """Return the type and the beginning of the repr of an object of any size.

    >>> shown("weights"), shown([1.0] * 1000)
    ("str 'weights'", 'list [1.0, 1.0, 1.0, ...]')
    """
    kind = type(x).__name__
    if isinstance(x, str | bytes):
        return f"{kind} {x[:40]!r}{'...' if len(x) > 40 else ''}"
    if isinstance(x, list | tuple | dict):
        return f"{kind} {_SHORT.repr(x)[:80]}"
    text = reprlib.repr(x)
    return f"{kind} {text if len(text) <= 60 else text[:57] + '...'}"


def positive_integer(name: str, number: object) -> int:
    """Return a number as an int of at least 1.

    Raises:
        TypeError: it is not an integer, or it is a bool.
        ValueError: it is below 1.

    >>> positive_integer("epochs", 20)
    20
    """
    return _integer(name, number, 1)


def non_negative_integer(name: str, number: object) -> int:
    """Return a number as an int of at least 0.

    Raises:
        TypeError: it is not an integer, or it is a bool.
        ValueError: it is below 0.

    >>> non_negative_integer("padding", 0)
    0
    """
    return _integer(name, number, 0)


def _integer(name: str, number: object, least: int) -> int:
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError(f"{name} must be an integer of at least {least}, not {number!r}")
    integer = operator.index(number)
    if integer < least:
        raise ValueError(f"{name} must be at least {least}, not {integer}")
    return integer


def real(name: str, number: object, *, low: float, high: float = math.inf, open_low: bool = False) -> float:
    """Return a number as a finite float in [low, high), or in (low, high) if `open_low`.

    Raises:
        TypeError: it is not a real number.
        ValueError: it is nan, infinite or out of range.

    >>> real("momentum", 0.9, low=0.0, high=1.0)
    0.9
    """
    if not isinstance(number, Real):
        raise TypeError(f"{name} must be a number, not {shown(number)}")
    converted = float(number)
    in_range = low < converted < high if open_low else low <= converted < high
    if not in_range:
        interval = f"{'(' if open_low else '['}{low:g}, {high:g})"
        raise ValueError(f"{name} must lie in {interval}, not {converted!r}")
    return converted


def choice(name: str, chosen: object, choices: Iterable[str]) -> str:
    """Return the chosen name if it is one of the choices.

    Raises:
        TypeError: it is not a string.
        ValueError: it is not one of the choices; the error lists them and suggests the nearest.

    >>> choice("activation", "relu", ["relu", "tanh"])
    'relu'
    """
    known = list(choices)
    listed = ", ".join(known)
    if not isinstance(chosen, str):
        raise TypeError(f"{name} must be one of {listed}, not {chosen!r}")
    if chosen in known:
        return chosen
    near = difflib.get_close_matches(chosen.lower(), known, n=1) or difflib.get_close_matches(chosen, known, n=1)
    suggestion = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown {name} {chosen!r}: choose one of {listed}{suggestion}")
