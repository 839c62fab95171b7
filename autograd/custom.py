"""Primitives of your own: a function and its local derivatives, and the engine does the rest.

>>> from autograd import Value, grad, primitive
>>> import autograd as ag
>>> softsign = primitive(
...     "softsign",
...     lambda x: x / (1 + abs(x)),
...     [lambda x, out: 1 / (1 + abs(x)) ** 2],
... )
>>> softsign(Value(1.0))
Value(0.5, grad=0.0, op='softsign')
>>> grad(softsign)(1.0), grad(grad(softsign))(1.0)
(0.25, -0.25)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from autograd.arguments import shortened
from autograd.primitives.primitive import PRIMITIVES, Primitive, by_name, declare, with_symbol
from autograd.value import Number, Value, apply

__all__ = ["primitive"]

Function = Callable[..., Value | float]


def primitive(
    name: str,
    forward: Callable[..., float],
    derivatives: Callable[..., Value | float] | Sequence[Callable[..., Value | float]],
    *,
    symbol: str | None = None,
) -> Function:
    """Declare a primitive; returns the function of Values and numbers that records it.

    It takes part in everything: backward, steps, gradcheck, pictures, copies and pickles (where the name is declared
    again before loading), and higher derivatives where its derivatives are written with operators and with
    `autograd`'s functions, which take Values as well.

    A name declared again stands for the new primitive, as where the cell of a notebook is corrected and run again.
    Nodes and tapes recorded before keep the earlier one; what is loaded from a pickle gets the latest.

    Args:
        name: an identifier that is not the name of a primitive of `autograd` itself.
        forward: `(x, ...) -> number` on floats, with a fixed number of operands.
        derivatives: for each operand a function `(x, ..., out) -> local derivative`, `out` being forward's result; for
            one operand the function alone will do.
        symbol: what `Value.op` and pictures show, printable and not another primitive's; the name where it is None.

    Raises:
        TypeError: a function does not take the arguments above.
        ValueError: the name or the symbol is taken, or the number of derivatives is not that of the operands.

    >>> gap = primitive("gap", lambda x, y: x - y, [lambda x, y, out: 1.0, lambda x, y, out: -1.0])
    >>> gap(Value(3.0), 1.0).local_grads
    (1.0,)
    """
    if type(name) is not str or not name.isidentifier():
        raise ValueError(f"a primitive's name must be an identifier, not {shortened(name)}")
    earlier = by_name(name)
    if earlier is not None and (name in PRIMITIVES or earlier.internal):
        raise ValueError(f"there is a primitive {name!r} already: choose another name")
    if symbol is not None and (type(symbol) is not str or not symbol or not symbol.isprintable()):
        raise ValueError(f"the symbol of primitive {name!r} must be a printable str, not {shortened(symbol)}")
    other = with_symbol(name if symbol is None else symbol)
    if other is not None and other.name != name:
        raise ValueError(f"the symbol of primitive {name!r} is that of primitive {other.name!r}: choose another")
    if not callable(derivatives) and not isinstance(derivatives, Sequence):
        raise TypeError(f"derivatives of primitive {name!r} must be functions, not {shortened(derivatives)}")
    arity = _operand_count(f"forward of primitive {name!r}", forward)
    functions = (derivatives,) if callable(derivatives) else tuple(derivatives)
    if len(functions) != arity:
        raise ValueError(
            f"primitive {name!r} has {arity} operand{'s' * (arity != 1)} but {len(functions)} "
            f"derivative{'s' * (len(functions) != 1)}: give a list of functions, one for each operand"
        )
    for i, derivative in enumerate(functions):
        taken = _operand_count(f"derivative {i} of primitive {name!r}", derivative)
        if taken != arity + 1:
            raise TypeError(
                f"derivative {i} of primitive {name!r} takes {taken} arguments: it must take the {arity} operand"
                f"{'s' * (arity != 1)} and the result"
            )
    declared = declare(Primitive(name, forward, functions, about=inspect.getdoc(forward) or name, symbol=symbol))

    def function(*xs: Value | Number) -> Value | float:
        if len(xs) != arity:
            raise TypeError(f"{name}() takes {arity} operand{'s' * (arity != 1)}, not {len(xs)}")
        return apply(declared, *xs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = inspect.getdoc(forward)
    return function


def _operand_count(what: str, function: Callable[..., object]) -> int:
    if not callable(function):
        raise TypeError(f"{what} must be a function, not {type(function).__name__} {shortened(function)}")
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
        raise TypeError(f"{what} must take a fixed number of positional arguments")
    return len(parameters)
