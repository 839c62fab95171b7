"""JavaScript from the rows of `autograd.primitives.table`: what a page computes with.

The third target of the formulas, beside Python and C. Each row gives a function of the list of its operands that
returns the value and the local derivatives; what the formulas call stands in `arithmetic.js`.

>>> print(rows(["multiply"]), end="")
const f_multiply = (x, y) => x * y;
const ROWS = {
  multiply: ([x, y]) => {
    const out = f_multiply(x, y);
    return [out, [y, x]];
  },
};
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from autograd.primitives import formulas
from autograd.primitives.lists import INDEX, ListFormulas
from autograd.primitives.primitive import PRIMITIVES, Primitive

__all__ = ["expression", "rows"]

_MATH = (
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "floor",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
)
_OWN = {"abs": "Math.abs", "round": "rint", **{name: f"Math.{name}" for name in _MATH}}
_ARITHMETIC = frozenset(["erf", "erfc", "exp2", "exp_difference", "modulo", "power"])
_CONSTANTS = {"inf": "Infinity", "nan": "NaN", "ln2": "Math.LN2", "ln10": "Math.LN10"}
_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "===", ast.NotEq: "!=="}
_LOOSEST, _TIGHTEST = 0, 9


def rows(names: Iterable[str]) -> str:
    """Return JavaScript that defines `ROWS`: for each name a function `operands => [value, local derivatives]`.

    Args:
        names: Names of primitives of the table. The rows that their formulas call come with them.

    Raises:
        KeyError: The table has no primitive of that name.
        ValueError: A formula uses what has no JavaScript.
    """
    wanted = list(dict.fromkeys(names))
    functions = "".join(
        f"const f_{name} = ({', '.join(_operands(PRIMITIVES[name]))}) => {_closed(_forward(PRIMITIVES[name]))};\n"
        for name in _called(wanted)
    )
    entries = "".join(f"  {name}: {_entry(PRIMITIVES[name])},\n" for name in wanted)
    return f"{functions}const ROWS = {{\n{entries}}};\n"


def _operands(row: Primitive) -> tuple[str, ...]:
    return formulas.OPERAND_NAMES[: row.arity]


def _forward(row: Primitive) -> ast.expr:
    assert isinstance(row.forward_formula, str)
    return formulas.parse(row.forward_formula).body


def _derivatives(row: Primitive) -> list[ast.expr]:
    assert isinstance(row.derivative_formulas, tuple)
    return [formulas.parse(str(derivative)).body for derivative in row.derivative_formulas]


def _called(names: Iterable[str]) -> list[str]:
    """Return the rows of fixed arity among ``names`` and those that formulas call, callees first."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        row = PRIMITIVES[name]
        if row.arity is None:
            of_lists = row.list_formulas
            expressions = [*(part.expression for part in of_lists.parts), of_lists.value, *of_lists.derivatives]
        else:
            expressions = [_forward(row), *_derivatives(row)]
        waiting.add(name)
        for expression_ in expressions:
            for callee in _callees(expression_):
                if callee not in waiting:
                    visit(callee)
        if row.arity is not None:
            order.append(name)

    waiting: set[str] = set()
    for name in names:
        if name not in waiting:
            visit(name)
    return order


def _callees(node: ast.expr) -> list[str]:
    calls = [n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    return [name for name in calls if name not in _OWN and name not in _ARITHMETIC and name in PRIMITIVES]


def _entry(row: Primitive) -> str:
    if row.arity is None:
        return _list_entry(row.list_formulas)
    operands = ", ".join(_operands(row))
    parts = _parts(_derivatives(row))
    derivatives = ", ".join(expression(derivative) for derivative in _derivatives(row))
    return (
        f"([{operands}]) => {{\n{_let(parts)}    const out = f_{row.name}({operands});\n"
        f"    return [out, [{derivatives}]];\n  }}"
    )


def _closed(node: ast.expr) -> str:
    """Return the body of an arrow function that is ``node``."""
    parts = _parts([node])
    if not parts:
        return expression(node)
    return f"{{\n{_let(parts, '  ')}  return {expression(node)};\n}}"


def _parts(nodes: Iterable[ast.expr]) -> list[str]:
    """Return the names that ``:=`` gives, each once."""
    named = [n.target.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
    return list(dict.fromkeys(named))


def _let(parts: list[str], indent: str = "    ") -> str:
    return f"{indent}let {', '.join(parts)};\n" if parts else ""


def _list_entry(row: ListFormulas) -> str:
    """Return the function of a row of lists, whose grammar `autograd.primitives.lists` describes."""
    count = "operands.length - 1" if row.takes_index else "operands.length"
    lines = [f"const n = ({count}) / {len(row.lists)};"]
    lines += [f"const {name} = operands.slice({j} * n, {j + 1} * n);" for j, name in enumerate(row.lists)]
    if row.takes_index:
        lines.append(f"const {INDEX} = Math.trunc(operands[operands.length - 1]);")
    lines += [f"const {part.name} = {_part(part.expression)};" for part in row.parts]
    lines.append(f"const out = {expression(row.value)};")
    maps = [f"...map(n, (i) => {expression(derivative)})" for derivative in row.derivatives]
    lines.append(f"return [out, [{', '.join(maps + ['0'] * row.takes_index)}]];")
    return "(operands) => {\n" + "".join(f"    {line}\n" for line in lines) + "  }"


def _part(node: ast.expr) -> str:
    match node:
        case ast.ListComp(elt=term, generators=[ast.comprehension(target=ast.Name(id=variable))]):
            return f"map(n, ({variable}) => {expression(term)})"
        case ast.Call(
            func=ast.Name(id="argmax" | "products_before" | "products_behind" as name), args=[ast.Name(id=of)]
        ):
            return f"{name}({of})"
    return expression(node)


def expression(node: ast.expr, binding: int = _LOOSEST) -> str:
    """Return ``node`` as JavaScript, in brackets where it binds less than ``binding``.

    Numbers are doubles in both languages, `/` divides as IEEE says, and operands are evaluated from left to right in
    both, so a formula reads the same.

    >>> expression(formulas.parse("4*(e := exp(-2*abs(x)))/((1 + e)*(1 + e))").body)
    '4 * (e = Math.exp(-2 * Math.abs(x))) / ((1 + e) * (1 + e))'
    """
    text, own = _expression(node)
    return f"({text})" if own < binding else text


def _expression(node: ast.expr) -> tuple[str, int]:
    """Return JavaScript and how tightly it binds."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return _number(value), _TIGHTEST
        case ast.Name(id=name):
            return _CONSTANTS.get(name, name), _TIGHTEST
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=at)):
            # a leaf that is an index may be moved to where no element stands
            return (f"({name}[{at}] ?? NaN)" if at == INDEX else f"{name}[{at}]"), _TIGHTEST
        case ast.NamedExpr(target=ast.Name(id=name), value=value_node):
            return f"{name} = {expression(value_node, 1)}", 0
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return f"{expression(test, 2)} ? {expression(body, 1)} : {expression(orelse, 1)}", 1
        case ast.BoolOp(op=op, values=values):
            own = 3 if isinstance(op, ast.And) else 2
            return (" && " if own == 3 else " || ").join(expression(value, own + 1) for value in values), own
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return f"{expression(left, 5)} {_COMPARISON[type(comparison)]} {expression(right, 5)}", 4
        case ast.BinOp(left=left, op=operator, right=right):
            own = 5 if isinstance(operator, ast.Add | ast.Sub) else 6
            # a - (b - c) and a + (b + c) keep their brackets: the order of roundings is part of the formula
            return f"{expression(left, own)} {_BINARY[type(operator)]} {expression(right, own + 1)}", own
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{expression(operand, 8)}", 7
        case ast.Call(func=ast.Name(id="sum" | "prod" as name), args=[argument]):
            return _fold(name, argument), _TIGHTEST
        case ast.Call(func=ast.Name(id=name), args=arguments):
            called = _OWN.get(name) or (name if name in _ARITHMETIC else f"f_{name}")
            if called.startswith("f_") and name not in PRIMITIVES:
                raise ValueError(f"viz/page/javascript.py knows no JavaScript for the function {name!r}")
            return f"{called}({', '.join(expression(argument) for argument in arguments)})", _TIGHTEST
    raise ValueError(f"viz/page/javascript.py knows no JavaScript for {ast.unparse(node)!r}")


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def _fold(name: str, argument: ast.expr) -> str:
    match argument:
        case ast.GeneratorExp(elt=term, generators=[ast.comprehension(target=ast.Name(id=variable), ifs=tests)]):
            condition = "".join(f", ({variable}) => {expression(test)}" for test in tests)
            return f"{name}(n, ({variable}) => {expression(term)}{condition})"
        case ast.Name(id=of):
            return f"{name}(n, (i) => {of}[i])"
    raise ValueError(f"viz/page/javascript.py knows no JavaScript for {ast.unparse(argument)!r}")
