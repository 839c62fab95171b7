"""What a primitive is, and the registry of all of them; the table of rows fills it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autograd.arguments import as_operand, shortened
from autograd.primitives import formulas, ieee

__all__ = [
    "BY_CODE",
    "CONSTANTS",
    "PRIMITIVES",
    "Domain",
    "Primitive",
    "Scale",
    "by_name",
    "coded",
    "declare",
    "glyph",
    "has_symbol",
]

Domain = tuple[tuple[float, float], ...]
Scale = Callable[..., float]

# what a formula may name besides its operands and the other primitives
CONSTANTS = {"inf": math.inf, "nan": math.nan, "ln2": math.log(2.0), "ln10": math.log(10.0)}
_NAMESPACE = {**vars(ieee), "abs": abs, "round": ieee.rint, **CONSTANTS}


class Primitive:
    """One differentiable function: a row of the table below.

    Attributes:
        name: its name as a function, `"exp"`, `"multiply"`.
        symbol: `Value.op` of its nodes, `"exp"`, `"*"`.
        glyph: its sign in pictures, `"exp"`, `"×"`.
        arity: the number of operands; None where it takes any number.
        forward: `(x, ...) -> out` on floats; an n-ary one takes one sequence.
        evaluate: `(x, ...) -> (out, local derivatives)` on floats; an n-ary one takes one sequence.

    >>> PRIMITIVES["multiply"].evaluate(3.0, 4.0)
    (12.0, (4.0, 3.0))
    """

    __slots__ = (
        "about",
        "arguments",
        "arity",
        "code",
        "derivative_formulas",
        "derivative_scale",
        "domain",
        "evaluate",
        "example",
        "forward",
        "forward_formula",
        "glyph",
        "internal",
        "name",
        "symbol",
        "ulp",
        "value_scale",
    )

    forward: Callable[..., float]
    evaluate: Callable[..., tuple[float, tuple[float, ...]]]

    def __init__(
        self,
        name: str,
        forward: str | Callable[..., Any],
        derivatives: tuple[str | Callable[..., Any], ...] | Callable[..., Any],
        about: str,
        *,
        symbol: str | None = None,
        glyph: str | None = None,
        domain: Domain = ((-4, 4),),
        ulp: tuple[float, float] = (4, 8),
        value_scale: Scale | None = None,
        derivative_scale: Scale | None = None,
        arguments: tuple[str, ...] | None = None,
        example: tuple[float, ...] | None = None,
        internal: bool = False,
    ) -> None:
        self.name = name
        self.code = 0
        self.symbol = name if symbol is None else symbol
        self.glyph = self.symbol if glyph is None else glyph
        self.arity = len(derivatives) if isinstance(derivatives, tuple) else None
        self.forward_formula = forward
        self.derivative_formulas = derivatives
        self.about = about
        self.domain = domain
        self.ulp = ulp
        self.value_scale = value_scale
        self.derivative_scale = derivative_scale
        self.arguments = arguments or formulas.OPERAND_NAMES[: self.arity or 0]
        self.example = example
        self.internal = internal

    def __getattr__(self, attribute: str) -> Any:
        # Formulas are compiled when first used: an import should not pay for 50 primitives of which 5 are needed.
        if attribute not in ("forward", "evaluate"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")
        self._compile()
        return getattr(self, attribute)

    def _compile(self) -> None:
        forward, derivatives = self.forward_formula, self.derivative_formulas
        if callable(derivatives):
            self._bind_list(forward, derivatives)
        elif callable(forward):
            self._bind_functions(forward, derivatives)
        else:
            self._bind_formulas(forward, derivatives)

    def _bind_formulas(self, forward: str, derivatives: tuple[Any, ...]) -> None:
        names = {name for formula in (forward, *derivatives) for name in formulas.names(formula)} - _NAMESPACE.keys()
        namespace = {**_NAMESPACE, **{name: PRIMITIVES[name].forward for name in names if name in PRIMITIVES}}
        self.forward = formulas.compile_forward(self.name, len(derivatives), forward, namespace)
        self.evaluate = formulas.compile_evaluation(self.name, forward, derivatives, namespace)

    def _bind_list(self, forward: Any, derivatives: Callable[..., Any]) -> None:
        def evaluate(xs: Sequence[float]) -> tuple[float, tuple[float, ...]]:
            out = forward(ieee, xs)
            return out, tuple(derivatives(ieee, xs, out))

        self.forward, self.evaluate = partial(forward, ieee), evaluate

    def _bind_functions(self, forward: Callable[..., Any], derivatives: tuple[Any, ...]) -> None:
        def evaluate(*xs: float) -> tuple[float, tuple[float, ...]]:
            out = self.forward(*xs)
            return out, tuple(self._number(derivative(*xs, out)) for derivative in derivatives)

        self.forward, self.evaluate = lambda *xs: self._number(forward(*xs)), evaluate

    def _number(self, result: object) -> float:
        number = as_operand(result)
        if number is None:
            raise TypeError(f"primitive {self.name!r}: a function gave {shortened(result)} where a number was due")
        return number

    def __repr__(self) -> str:
        return f"<primitive {self.name} {self.symbol!r}>"

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return _restored, (self.name,)


PRIMITIVES: dict[str, Primitive] = {}
"""All primitives of the table by name, in its order."""

BY_CODE: list[Primitive | None] = [None]
"""All primitives by code, users' behind the table's; 0 is the code of a leaf."""


_CUSTOM: dict[str, Primitive] = {}


def by_name(name: str) -> Primitive | None:
    """The primitive of this name, of the table or a user's; None where there is none."""
    return PRIMITIVES.get(name) or _CUSTOM.get(name)


def has_symbol(symbol: str) -> bool:
    """Whether a primitive has this symbol."""
    return any(primitive is not None and primitive.symbol == symbol for primitive in BY_CODE)


def declare(primitive: Primitive) -> Primitive:
    """Take up a user's primitive, whose functions are Python's: forward, and one derivative an operand."""
    _CUSTOM[primitive.name] = primitive
    return coded(primitive)


def _restored(name: str) -> Primitive:
    primitive = by_name(name)
    if primitive is None:
        raise ValueError(f"the pickle uses the primitive {name!r}: declare it (autograd.primitive) before loading")
    return primitive


def coded(primitive: Primitive) -> Primitive:
    """Give a primitive its code."""
    primitive.code = len(BY_CODE)
    BY_CODE.append(primitive)
    return primitive


def glyph(symbol: str) -> str:
    """The sign of an op in pictures.

    >>> glyph("*"), glyph("tanh")
    ('×', 'tanh')
    """
    for primitive in PRIMITIVES.values():
        if primitive.symbol == symbol:
            return primitive.glyph
    return symbol
