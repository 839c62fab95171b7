"""From a formula in text to code.

`autograd.primitives.table` states every primitive as Python expressions in strings. This module turns them into
functions: over floats (IEEE arithmetic, for the eager path) and over Values (for higher derivatives). The grammar is
small on purpose, so that the same text can be read as C: arithmetic, comparisons, conditional expressions, a few names.
In a formula `x`, `y`, `z` are the operands in order, `out` is the result, `(e := ...)` names a part.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = [
    "CONSTANTS",
    "OPERAND_NAMES",
    "Floating",
    "compile_derivative",
    "compile_evaluation",
    "compile_forward",
    "defined",
    "names",
    "parse",
]

OPERAND_NAMES = ("x", "y", "z")

CONSTANTS = {"inf": math.inf, "nan": math.nan, "ln2": math.log(2.0), "ln10": math.log(10.0)}
"""The numbers that a formula may name."""

_ALLOWED = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.IfExp,
    ast.Compare,
    ast.BoolOp,
    ast.Call,
    ast.Name,
    ast.NamedExpr,
    ast.Constant,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.USub,
    ast.And,
    ast.Or,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.Eq,
    ast.NotEq,
    ast.Load,
    ast.Store,
)


class Floating(ast.NodeTransformer):
    """Make numbers floats and `/` a call of `divide`, which knows inf and nan."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Make a number a float."""
        if not isinstance(node.value, int | float) or isinstance(node.value, bool):
            raise ValueError(f"a formula may hold numbers only, not {node.value!r}")
        return ast.copy_location(ast.Constant(float(node.value)), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Make `/` a call."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        call = ast.Call(ast.Name("divide", ast.Load()), [node.left, node.right], [])
        return ast.copy_location(call, node)


def parse(formula: str) -> ast.Expression:
    """The syntax tree of a formula; `ValueError` names what the small grammar does not have.

    >>> ast.unparse(parse("1/3*x"))
    '1 / 3 * x'
    >>> parse("x ** 2")
    Traceback (most recent call last):
    ...
    ValueError: formula 'x ** 2': Pow is not part of the formula grammar
    """
    tree = ast.parse(formula.strip(), mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(f"formula {formula!r}: {type(node).__name__} is not part of the formula grammar")
    return tree


def names(formula: str) -> set[str]:
    """The names that a formula uses: operands, `out`, functions, constants and parts.

    >>> sorted(names("2*x*exp(out)"))
    ['exp', 'out', 'x']
    """
    return {node.id for node in ast.walk(parse(formula)) if isinstance(node, ast.Name)}


def _python(formula: str) -> str:
    return ast.unparse(ast.fix_missing_locations(Floating().visit(parse(formula))))


def defined(arguments: Sequence[str], body: str, namespace: Mapping[str, Any], name: str) -> Callable[..., Any]:
    """Return a function of this name and body, which is indented Python over the names of a namespace.

    >>> defined(["x"], "    return x + one", {"one": 1.0}, "successor")(2.0)
    3.0
    """
    scope = dict(namespace)
    # not defined under its own name: the formula of `exp` calls the `exp` of the namespace
    source = f"def formula({', '.join(arguments)}):\n{body}"
    exec(compile(source, f"<formula of {name}>", "exec"), scope)
    function: Callable[..., Any] = scope["formula"]
    function.__name__ = name
    return function


def compile_forward(name: str, arity: int, forward: str, namespace: Mapping[str, Any]) -> Callable[..., float]:
    """The function `(x, ...) -> out`.

    >>> from autograd.primitives import ieee
    >>> compile_forward("reciprocal", 1, "1/x", vars(ieee))(0.0)
    inf
    """
    return defined(OPERAND_NAMES[:arity], f"    return {_python(forward)}", namespace, name)


def compile_evaluation(
    name: str, forward: str, derivatives: Sequence[str], namespace: Mapping[str, Any]
) -> Callable[..., tuple[float, tuple[float, ...]]]:
    """The function `(x, ...) -> (out, local derivatives)`, one local derivative per operand."""
    locals_ = ", ".join(_python(d) for d in derivatives)
    body = f"    out = {_python(forward)}\n    return out, ({locals_},)"
    return defined(OPERAND_NAMES[: len(derivatives)], body, namespace, name)


def compile_derivative(name: str, arity: int, derivative: str, namespace: Mapping[str, Any]) -> Callable[..., Any]:
    """The function `(x, ..., out) -> local derivative`, in the arithmetic of `namespace`."""
    return defined((*OPERAND_NAMES[:arity], "out"), f"    return {_python(derivative)}", namespace, name)
