"""C from the formulas of autograd/primitives/table.py: what the compiled core evaluates.

    python tools/kernels.py FILE       write the header FILE, and program.h beside it

One function a formula, `f_tanh(x)` for the value and `d0_tanh(x, out)` for the local derivative by the first operand,
and for each arity a switch from a primitive's code to both. Written when the core is built; nothing of it is kept.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

# The table alone is imported, not the package, which may be compiled already, or not yet whole.
package = ModuleType("autograd")
package.__path__ = [str(Path(__file__).resolve().parent.parent / "autograd")]
sys.modules["autograd"] = package

from autograd.primitives import formulas  # noqa: E402
from autograd.primitives.table import PRIMITIVES, Primitive  # noqa: E402
from autograd.tape.compiled import program  # noqa: E402

FUNCTIONS = {"abs": "fabs", "power": "pow", "round": "rint", "modulo": "modulo"}
CONSTANTS = {"inf": "INFINITY", "nan": "NAN", "ln2": "0.6931471805599453", "ln10": "2.302585092994046"}
LIBM = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh erf erfc exp exp2 expm1 floor hypot log log10 log1p log2
    sin sinh sqrt tan tanh
""".split()  # noqa: SIM905 - a table of names
BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


def expression(node: ast.expr) -> str:
    """A C expression; every number is a double, so `1/3` divides as Python does."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return repr(float(value))
        case ast.Name(id=name):
            return CONSTANTS.get(name, name)
        case ast.NamedExpr(target=ast.Name(id=name)):
            return name  # hoisted by `parts`
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(-{expression(operand)})"
        case ast.BinOp(left=left, op=op, right=right):
            return f"({expression(left)} {BINARY[type(op)]} {expression(right)})"
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return f"({expression(left)} {COMPARISON[type(op)]} {expression(right)})"
        case ast.BoolOp(op=op, values=values):
            return "(" + (" && " if isinstance(op, ast.And) else " || ").join(map(expression, values)) + ")"
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return f"({expression(test)} ? {expression(body)} : {expression(orelse)})"
        case ast.Call(func=ast.Name(id=name), args=arguments):
            called = FUNCTIONS.get(name) or (name if name in LIBM else f"f_{name}")
            return f"{called}({', '.join(map(expression, arguments))})"
    raise ValueError(f"no C for {ast.unparse(node)!r}")


def parts(node: ast.expr) -> Iterator[str]:
    """Statements for the named parts of an expression, in the order in which Python evaluates them.

    C leaves the order of operands open, so a part is worked out before the expression it stands in; formulas have no
    side effects, so one that a condition would have skipped does no harm.
    """
    if isinstance(node, ast.IfExp):
        order: list[ast.expr] = [node.test, node.body, node.orelse]
    else:
        order = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    for child in order:
        yield from parts(child)
    if isinstance(node, ast.NamedExpr):
        yield f"double {expression(node.target)} = {expression(node.value)};"


def body(node: ast.expr, indent: str) -> Iterator[str]:
    """Statements that return an expression: conditions outside become `if`, so only the branch taken is evaluated."""
    if isinstance(node, ast.IfExp):
        yield from (indent + part for part in parts(node.test))
        yield f"{indent}if ({expression(node.test)}) {{"
        yield from body(node.body, indent + "    ")
        yield f"{indent}}} else {{"
        yield from body(node.orelse, indent + "    ")
        yield f"{indent}}}"
    else:
        yield from (indent + part for part in parts(node))
        yield f"{indent}return {expression(node)};"


def function(name: str, arguments: tuple[str, ...], formula: str) -> str:
    """One C function."""
    parameters = ", ".join(f"double {argument}" for argument in arguments)
    used = formulas.names(formula)
    unused = "".join(f"    (void){argument};\n" for argument in arguments if argument not in used)
    statements = "\n".join(body(formulas.parse(formula).body, "    "))
    return f"static inline double {name}({parameters}) {{\n{unused}{statements}\n}}\n"


def prototype(primitive: Primitive) -> str:
    """The declaration of a row's value: formulas call rows that stand behind them."""
    return f"static inline double f_{primitive.name}({', '.join(['double'] * len(primitive.arguments))});\n"


def functions(primitive: Primitive) -> str:
    """The value and the derivatives of one row."""
    assert isinstance(primitive.forward_formula, str)
    assert isinstance(primitive.derivative_formulas, tuple)
    operands = formulas.OPERAND_NAMES[: primitive.arity]
    text = (
        ""
        if primitive.name == "exp_difference"
        else function(f"f_{primitive.name}", operands, primitive.forward_formula)
    )
    for i, derivative in enumerate(primitive.derivative_formulas):
        assert isinstance(derivative, str)
        text += function(f"d{i}_{primitive.name}", (*operands, "out"), derivative)
    return text


def switch(arity: int) -> str:
    """The function from a code to value and local derivatives; nan for a code that it does not know."""
    operands = formulas.OPERAND_NAMES[:arity]
    parameters = ", ".join([f"double {x}" for x in operands] + [f"double *d{x}" for x in operands])
    cases = []
    for p in PRIMITIVES.values():
        if p.arity == arity:
            values = ", ".join(operands)
            locals_ = " ".join(f"*d{x} = d{i}_{p.name}({values}, out);" for i, x in enumerate(operands))
            cases.append(f"    case {p.code}: out = f_{p.name}({values}); {locals_} return out;")
    return (
        f"static double evaluate{arity}(int code, {parameters}) {{\n    double out;\n    switch (code) {{\n"
        + "\n".join(cases)
        + "\n    }\n    return NAN;\n}\n"
    )


def is_vectorizable(primitive: Primitive) -> bool:
    """Whether value and derivatives are arithmetic and choices alone: a call of libm would stay one for each number."""
    formulas_ = (primitive.forward_formula, *primitive.derivative_formulas)  # type: ignore[misc]
    return not any(isinstance(node, ast.Call) for formula in formulas_ for node in ast.walk(formulas.parse(formula)))


def rows_macro(name: str, primitives: list[Primitive]) -> str:
    """A list of rows for a replay's switch: `ROW(name, code)` for each."""
    rows = "".join(f" \\\n    ROW({p.name}, {p.code})" for p in primitives)
    return f"#define {name}(ROW){rows}\n"


def rows_macros() -> str:
    """The rows of each arity, those that a compiler can put in lanes, and those that call libm for each number.

    Of the rows of any number of operands, those that a replay has no instruction of its own for.
    """
    own = ("sum", "mean", "dot", "take")
    text = rows_macro("LIST_ROWS", [p for p in PRIMITIVES.values() if p.arity is None and p.name not in own])
    for arity in (1, 2, 3):
        rows = [p for p in PRIMITIVES.values() if p.arity == arity]
        text += rows_macro(f"LANE_ROWS{arity}", [p for p in rows if is_vectorizable(p)])
        text += rows_macro(f"CALL_ROWS{arity}", [p for p in rows if not is_vectorizable(p)])
    return text


def header() -> str:
    """The whole header."""
    rows = [p for p in PRIMITIVES.values() if isinstance(p.forward_formula, str)]
    codes = "".join(f"#define CODE_{p.name.upper()} {p.code}\n" for p in PRIMITIVES.values())
    return (
        "/* Written by tools/kernels.py from autograd/primitives/table.py when the core is built. Do not edit. */\n"
        + codes
        + f"#define TABLE_SIZE {1 + len(PRIMITIVES)}\n\n"
        + "".join(prototype(p) for p in rows)
        + "\n"
        + "\n".join(functions(p) for p in rows)
        + "\n"
        + "\n".join(switch(arity) for arity in (1, 2, 3))
        + "\n"
        + rows_macros()
    )


def program_header() -> str:
    """Return the header with what the C code and `autograd.tape.compiled.program` share."""
    numbers = {name: getattr(program, name) for name in program.FLAG_NAMES}
    numbers |= {f"OP_{name}": getattr(program, name) for name in program.OPCODES}
    numbers |= {"BLOCK": program.BLOCK}
    return (
        "/* Written by tools/kernels.py from autograd/tape/compiled/program.py at each build. Do not edit. */\n"
        + f"typedef struct {{\n    int {', '.join(program.FIELDS)};\n}} instruction;\n"
        + f"#define NO_SLOT ({program.NO_SLOT + 1} - 1)\n"  # C has no literal for the least int
        + "".join(f"#define {name} {number}\n" for name, number in numbers.items())
    )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(header(), encoding="utf-8")
    target.with_name("program.h").write_text(program_header(), encoding="utf-8")
