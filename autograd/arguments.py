"""Checks of arguments: what counts as a real number, and how a wrong argument is shown."""

from __future__ import annotations

import numbers
import sys

__all__ = ["as_operand", "no_value", "shortened", "text_or_none"]


def as_operand(x: object) -> float | None:
    """Return a real number as a float; None for anything else.

    A float, int, bool, `Fraction` or NumPy scalar of a real kind is a number; a `Decimal`, a complex or a str is not.

    Raises:
        OverflowError: `x` is an int that is too large for a float.

    >>> from fractions import Fraction
    >>> [as_operand(x) for x in (2, True, Fraction(1, 4), "2", 1j, None)]
    [2.0, 1.0, 0.25, None, None, None]
    """
    if isinstance(x, numbers.Real):
        return None if _is_numpy(x, "timedelta64") else float(x)  # registered as a whole number, but it has a unit
    return float(x) if _is_numpy(x, "bool_") else None  # type: ignore[arg-type]


def _is_numpy(x: object, kind: str) -> bool:
    numpy = sys.modules.get("numpy")  # NumPy is optional: its scalars exist only where it has been imported
    return numpy is not None and isinstance(x, getattr(numpy, kind))


def text_or_none(text: str | None, what: str) -> str | None:
    """Return `text`, which must be exactly a str or None.

    Raises:
        TypeError: It is not; the message names `what`.
    """
    if text is not None and type(text) is not str:
        raise TypeError(f"a {what} must be a str or None, not {type(text).__name__} {shortened(text)}")
    return text


def no_value(x: object) -> str:
    """Return how an error shows what stands in the place of a Value, and how a plain number may have come there.

    >>> no_value("3")
    "str '3'"
    >>> no_value(3.0)
    'float 3.0: a plain number has lost its graph (through .data, float() or math?)'
    """
    hint = ": a plain number has lost its graph (through .data, float() or math?)"
    return f"{type(x).__name__} {shortened(x)}" + (hint if isinstance(x, numbers.Real) else "")


def shortened(x: object) -> str:
    """Return at most 60 characters of the repr of an argument.

    >>> shortened("x" * 100)[-8:]
    'xxxxx...'
    """
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."
