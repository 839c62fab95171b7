"""What a primitive is, and the registry of all of them; the table of rows fills it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from autograd.arguments import as_operand, shortened
from autograd.primitives import formulas, ieee
from autograd.primitives.lists import INDEX, ListFormulas

__all__ = [
    "BY_CODE",
    "PRIMITIVES",
    "Domain",
    "Primitive",
    "Scale",
    "by_name",
    "check_core",
    "coded",
    "declare",
    "glyph",
    "table_digest",
    "with_symbol",
]

Domain = tuple[tuple[float, float], ...]
Scale = Callable[..., float]

# what a formula may name besides its operands and the other primitives
_NAMESPACE = {**vars(ieee), "abs": abs, "round": ieee.rint, **formulas.CONSTANTS}


class Primitive:
    """One differentiable function: a row of `autograd.primitives.table`, or a user's.

    Attributes:
        name: its name as a function, `"exp"`, `"multiply"`.
        symbol: `Value.op` of its nodes, `"exp"`, `"*"`.
        glyph: its sign in pictures, `"exp"`, `"×"`.
        arity: the number of operands; None where they are lists.
        arguments: the names of the operands; of the lists, and "index" behind them where there is one.
        extends: the name of the row whose function this one is with more operands than that has.
        function: the name of the function that users call.
        default: the operand that stands in for it there; None where the row is of lists.
        forward: `(x, ...) -> out` on floats; one of lists takes one sequence, the lists one behind the other.
        evaluate: `(x, ...) -> (out, local derivatives)` on floats; one of lists takes one sequence.

    >>> PRIMITIVES["multiply"].evaluate(3.0, 4.0)
    (12.0, (4.0, 3.0))
    """

    __slots__ = (
        "about",
        "arguments",
        "arity",
        "code",
        "curvature_scale",
        "default",
        "derivative_formulas",
        "derivative_scale",
        "details",
        "domain",
        "evaluate",
        "example",
        "extends",
        "forward",
        "forward_formula",
        "function",
        "glyph",
        "internal",
        "name",
        "of_nothing",
        "parts",
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
        ulp: tuple[float, float, float] = (4, 8, 16),
        value_scale: Scale | None = None,
        derivative_scale: Scale | None = None,
        curvature_scale: Scale | None = None,
        arguments: tuple[str, ...] | None = None,
        parts: tuple[str, ...] | None = None,
        details: str = "",
        of_nothing: float | type[Exception] = ValueError,
        example: tuple[Any, ...] | None = None,
        internal: bool = False,
        extends: str | None = None,
        default: float | None = None,
    ) -> None:
        self.name = name
        self.code = 0
        self.symbol = name if symbol is None else symbol
        self.glyph = self.symbol if glyph is None else glyph
        self.arity = None if parts is not None or callable(derivatives) else len(derivatives)
        self.forward_formula = forward
        self.derivative_formulas = derivatives
        self.parts = parts
        self.about = about
        self.details = details
        self.of_nothing = of_nothing
        self.domain = domain
        self.ulp = ulp
        self.value_scale = value_scale
        self.derivative_scale = derivative_scale
        self.curvature_scale = curvature_scale
        self.arguments = arguments or formulas.OPERAND_NAMES[: self.arity or 0]
        self.example = example
        self.internal = internal or extends is not None
        self.extends = extends
        self.function = extends or name
        self.default = default

    @property
    def derivatives(self) -> tuple[Any, ...]:
        """The derivative formulas or functions: one per operand, or one per list."""
        return () if callable(self.derivative_formulas) else self.derivative_formulas

    @property
    def takes_index(self) -> bool:
        """Whether the last operand is a position in the lists before it."""
        return self.arguments[-1:] == (INDEX,)

    def takes(self, count: int) -> bool:
        """Return whether the primitive takes this number of operands.

        >>> PRIMITIVES["exp"].takes(2), PRIMITIVES["dot"].takes(4), PRIMITIVES["dot"].takes(3)
        (False, True, False)
        """
        if self.arity is not None:
            return count == self.arity
        lists = max(len(self.arguments) - self.takes_index, 1)
        return count > self.takes_index and (count - self.takes_index) % lists == 0

    def __getattr__(self, attribute: str) -> Any:
        # Formulas are compiled when first used: an import should not pay for 50 primitives of which 5 are needed.
        if attribute not in ("forward", "evaluate"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")
        self.bind(self.forward_formula, self.derivative_formulas, self.parts)
        return getattr(self, attribute)

    def bind(self, forward: Any, derivatives: Any, parts: tuple[str, ...] | None) -> None:
        """Make `forward` and `evaluate` from formulas, or from a user's functions."""
        if callable(derivatives):
            self.forward = self.evaluate = forward
        elif callable(forward):
            self._bind_functions(forward, derivatives)
        elif parts is None:
            namespace = _namespace({name for formula in (forward, *derivatives) for name in formulas.names(formula)})
            self.forward = formulas.compile_forward(self.name, len(derivatives), forward, namespace)
            self.evaluate = formulas.compile_evaluation(self.name, forward, derivatives, namespace)
        else:
            of_lists = ListFormulas(self.arguments, parts, forward, derivatives)
            namespace = _namespace(of_lists.names)
            self.forward = of_lists.forward(self.name, namespace)
            self.evaluate = of_lists.evaluation(self.name, namespace)

    @property
    def list_formulas(self) -> ListFormulas:
        """The parsed formulas of a row of lists."""
        return ListFormulas(self.arguments, self.parts or (), str(self.forward_formula), self.derivatives)

    def differentiation(self, namespace: Mapping[str, Any]) -> Callable[[Any, Any, list[int]], list[Any]]:
        """The function `(operands, out, wanted) -> local derivatives by those wanted`, in a namespace's arithmetic."""
        if self.arity is None:
            by_all: Any = self.derivative_formulas
            if self.parts is not None:
                by_all = self.list_formulas.differentiation(self.name, namespace)

            def differentiate(operands: Any, out: Any, wanted: list[int]) -> list[Any]:
                local = by_all(operands, out)
                return [local[i] for i in wanted]

            return differentiate
        by_each = [
            formulas.compile_derivative(self.name, self.arity, derivative, namespace)
            if isinstance(derivative, str)
            else derivative
            for derivative in self.derivatives
        ]
        return lambda operands, out, wanted: [by_each[i](*operands, out) for i in wanted]

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

    def __copy__(self) -> Primitive:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Primitive:
        return self

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return _restored, (self.name,)


PRIMITIVES: dict[str, Primitive] = {}
"""All primitives of the table by name, in its order."""

BY_CODE: list[Primitive | None] = [None]
"""All primitives by code, users' behind the table's; 0 is the code of a leaf."""


_CUSTOM: dict[str, Primitive] = {}


def _namespace(names: set[str]) -> dict[str, Any]:
    """What formulas that use these names are evaluated in: floats, and rows that are called by name."""
    rows = [PRIMITIVES[name] for name in names - _NAMESPACE.keys() if name in PRIMITIVES]
    return {**_NAMESPACE, **{row.name: row.forward for row in rows if row.arity is not None}}


def by_name(name: str) -> Primitive | None:
    """Return the primitive of this name, from the table or the latest of a user; None if there is none."""
    return PRIMITIVES.get(name) or _CUSTOM.get(name)


def with_symbol(symbol: str) -> Primitive | None:
    """Return the primitive that `by_name` knows with this symbol; None if there is none."""
    for primitive in (*PRIMITIVES.values(), *_CUSTOM.values()):
        if primitive.symbol == symbol:
            return primitive
    return None


def declare(primitive: Primitive) -> Primitive:
    """Register a user's primitive, whose functions are Python's, in place of an earlier one of its name.

    The earlier one keeps its code, and nodes and tapes keep the code that they were recorded with.
    """
    _CUSTOM[primitive.name] = primitive
    return coded(primitive)


def check_core(digest: int) -> None:
    """Raise ImportError if the compiled core was built from another table than this one."""
    if digest != table_digest():
        raise ImportError(
            "the compiled core of autograd was built from another table than autograd/primitives/table.py: "
            "build it again (make build), or set GLASSGRAD_PURE=1"
        )


def table_digest() -> int:
    """A checksum of all that the compiled core takes from the table: codes and formulas."""
    rows = PRIMITIVES.values()
    facts = [(p.name, p.code, p.arguments, p.parts, p.forward_formula, p.derivative_formulas) for p in rows]
    return zlib.crc32(repr(facts).encode()) & 0x7FFFFFFF


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
