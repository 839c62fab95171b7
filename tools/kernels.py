"""C from the formulas of autograd/primitives/table.py: what the compiled core evaluates.

    python tools/kernels.py FOLDER       write the headers kernels.h and program.h into it

One function per formula, `f_tanh(x)` for the value and `d0_tanh(x, out)` for the local derivative by the first operand,
one per primitive of lists, `list_dot(count, at, d, room)`, and for each arity a switch from a primitive's code to both.
Every row of the table has its C, or there is an error that names the row. Each build writes them into build/include; a
header is written only where its text changes, because what includes it is compiled again then.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

# The table alone is imported, not the package, which may be compiled already, or not yet whole.
package = ModuleType("autograd")
package.__path__ = [str(Path(__file__).resolve().parent.parent / "autograd")]
sys.modules["autograd"] = package

import autograd.primitives.table  # noqa: E402, F401 - fills PRIMITIVES
from autograd.primitives import formulas, lists  # noqa: E402
from autograd.primitives.lists import FOLDS, INDEX, INDEX_KIND, LIST_KIND  # noqa: E402
from autograd.primitives.primitive import PRIMITIVES, Primitive, table_digest  # noqa: E402
from autograd.tape.compiled import program  # noqa: E402

FUNCTIONS = {"power": "pow", "modulo": "modulo"}
# functions whose results IEEE 754 or C fixes to the bit: what a compiler makes of them is exact, also in lanes
EXACT = {"abs": "exact_fabs", "ceil": "exact_ceil", "floor": "exact_floor", "round": "exact_rint", "sqrt": "exact_sqrt"}
CONSTANTS = {"inf": "INFINITY", "nan": "NAN", "ln2": "0.6931471805599453", "ln10": "2.302585092994046"}
LIBM = """
    acos acosh asin asinh atan atan2 atanh cbrt cos cosh erf erfc exp exp2 expm1 hypot log log10 log1p log2 sin sinh tan
    tanh
""".split()  # noqa: SIM905 - a table of names
# what a formula may call, and its name in C: functions of libm and of arithmetic.h, and the other rows
CALLED = {
    **{name: f"f_{name}" for name, primitive in PRIMITIVES.items() if primitive.arity is not None},
    **{name: name for name in LIBM},
    **FUNCTIONS,
    **EXACT,
}
TAKEN = """
    at auto case char const count d default do double enum extern float goto int long register restrict room short
    signed sizeof static struct switch typedef union unsigned void volatile
""".split()  # noqa: SIM905 - names that mean something else in C
BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISON = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


def expression(node: ast.expr) -> str:
    """A C expression; every number is a double, so `1/3` divides as Python does."""
    match node:
        case ast.Name(id="n"):
            return "(double)n"
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=at)):
            return f"{name}[{at}]"
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
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in CALLED:
            return f"{CALLED[name]}({', '.join(map(expression, arguments))})"
    raise ValueError(f"there is no C for {ast.unparse(node)!r}")


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
    if primitive.parts is not None:
        return list_function(primitive)
    operands = formulas.OPERAND_NAMES[: primitive.arity]
    text = (
        ""
        if primitive.name == "exp_difference"
        else function(f"f_{primitive.name}", operands, str(primitive.forward_formula))
    )
    for i, derivative in enumerate(primitive.derivatives):
        text += function(f"d{i}_{primitive.name}", (*operands, "out"), str(derivative))
    return text


# -- primitives of lists ---------------------------------------------------------------------------------------------
def list_function(primitive: Primitive) -> str:
    """The value of a row of lists, and its local derivatives into `d`; `room` is for the lists that are parts."""
    row = primitive.list_formulas
    count = "(count - 1)" if row.takes_index else "count"
    for name in (*row.lists, *(part.name for part in row.parts)):
        if name in TAKEN or name in CALLED:
            raise ValueError(f"the name {name!r} has a meaning in C: choose another")
    lines = [f"const Py_ssize_t n = {count} / {len(row.lists)};"]
    lines += [f"const double *const {name} = at + {j} * n;" for j, name in enumerate(row.lists)]
    if row.takes_index:
        lines.append(f"const Py_ssize_t {INDEX} = (Py_ssize_t)at[count - 1];")
    kept = 0
    for part in row.parts:
        match part.kind, part.expression:
            case kind, ast.Call(func=ast.Name(id=name), args=[ast.Name(id=of)]) if kind == INDEX_KIND:
                lines.append(f"const Py_ssize_t {part.name} = {name}(n, {of});")
            case kind, part_expression if kind == LIST_KIND:
                lines.append(f"double *const {part.name} = room + {kept} * n;")
                lines += filled(part.name, part_expression)
                kept += 1
            case _:
                lines += number(part.name, part.expression)
    lines += number("out", row.value)
    for j, derivative in enumerate(row.derivatives):
        lines += mapped(f"d[{j} * n + i]", derivative, "i")
    if row.takes_index:
        lines.append("d[count - 1] = 0.0;")
    if not kept:
        lines.append("(void)room;")
    body = "\n".join(f"    {line}" for line in [*lines, "return out;"])
    parameters = "Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room"
    return f"static inline double list_{primitive.name}({parameters}) {{\n{body}\n}}\n"


def filled(name: str, node: ast.expr) -> list[str]:
    """Statements that fill a list."""
    match node:
        case ast.ListComp(elt=term, generators=[ast.comprehension(target=ast.Name(id=variable))]):
            return mapped(f"{name}[{variable}]", term, variable)
        case ast.Call(func=ast.Name(id=function_name), args=[ast.Name(id=of)]):
            return [f"{function_name}(n, {of}, {name});"]
    raise ValueError(f"there is no C for the list {ast.unparse(node)!r}")


def mapped(place: str, term: ast.expr, variable: str) -> list[str]:
    """Statements that assign a term for each position; a choice that is the same for all of them is made once."""
    if isinstance(term, ast.IfExp) and variable not in lists.names_of(term.test):
        body, orelse = mapped(place, term.body, variable), mapped(place, term.orelse, variable)
        return [f"if ({expression(term.test)}) {{", *indented(body), "} else {", *indented(orelse), "}"]
    return [f"for (Py_ssize_t {variable} = 0; {variable} < n; {variable}++) {place} = {expression(term)};"]


def indented(lines: list[str]) -> list[str]:
    """Lines one level deeper."""
    return [f"    {line}" for line in lines]


class _Folds(ast.NodeTransformer):
    """Puts the name of a variable in the place of each fold, and keeps the statements that work it out."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.lines: list[str] = []
        self.count = 0

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Name) or node.func.id not in FOLDS:
            self.generic_visit(node)
            return node
        name = f"{self.prefix}_{self.count}"
        self.count += 1
        self.lines += folded(name, node.func.id, node.args[0])
        return ast.Name(name, ast.Load())


def folded(name: str, fold: str, argument: ast.expr) -> list[str]:
    """Statements that work out a left fold, which starts with the first term."""
    operator = {"sum": "+", "prod": "*"}[fold]
    match argument:
        case ast.Name(id=of):
            variable, term = "i", f"{of}[i]"
        case ast.GeneratorExp(elt=element, generators=[ast.comprehension(target=ast.Name(id=variable))]):
            term = expression(element)
        case _:
            raise ValueError(f"there is no C for {fold}({ast.unparse(argument)})")
    tests = argument.generators[0].ifs if isinstance(argument, ast.GeneratorExp) else []
    loop = f"for (Py_ssize_t {variable} = %d; {variable} < n; {variable}++)"
    if not tests:  # a list has one element at least
        first = f"{{ const Py_ssize_t {variable} = 0; {name} = {term}; }}"
        return [f"double {name};", first, f"{loop % 1} {name} = {name} {operator} {term};"]
    return [
        f"double {name} = {FOLDS[fold]([])};",
        f"int {name}_started = 0;",
        f"{loop % 0} {{",
        f"    if (!{expression(tests[0])}) continue;",
        f"    {name} = {name}_started ? {name} {operator} {term} : {term};",
        f"    {name}_started = 1;",
        "}",
    ]


def number(name: str, node: ast.expr) -> list[str]:
    """Statements that define a number: first the folds in it, then the expression."""
    folds = _Folds(name)
    rest = folds.visit(copy.deepcopy(node))
    return [*folds.lines, f"const double {name} = {expression(rest)};"]


def shapes() -> str:
    """What operands each primitive takes, by code, and the switch from a code to the function of lists."""
    rows = list(PRIMITIVES.values())
    listed = {p.code: p.list_formulas for p in rows if p.parts is not None}
    shape = [(p.arity or 0, len(listed[p.code].lists) if p.code in listed else 0, int(p.takes_index)) for p in rows]
    of_code = ", ".join(f"{{{arity}, {lists}, {index}}}" for arity, lists, index in [(0, 0, 0), *shape])
    room = 2 + max(sum(part.kind == LIST_KIND for part in row.parts) for row in listed.values())
    cases = "\n".join(f"    case {p.code}: return list_{p.name}(n, x, d, room);" for p in rows if p.code in listed)
    return SHAPES.format(size=1 + len(rows), of_code=of_code, room=room, cases=cases)


SHAPES = """/* The room that a primitive of n operands wants, over n: for them, local derivatives, lists in between. */
#define ROOM {room}

/* By code: how many operands, or else in how many lists they stand, and whether an index is behind these. */
static const struct {{
    signed char arity, lists, index;
}} shapes[{size}] = {{{of_code}}};

static inline int takes_index(int code) {{ return code < {size} && shapes[code].index; }}

static inline int takes(int code, Py_ssize_t n, const double *x) {{ /* whether a primitive takes these operands */
    Py_ssize_t elements = n - shapes[code].index;
    if (shapes[code].arity) return n == shapes[code].arity;
    return elements > 0 && elements % shapes[code].lists == 0 &&
           (!shapes[code].index || is_index(x[n - 1], elements / shapes[code].lists));
}}

/* Any primitive of n operands that it `takes`: the value, and the local derivatives into d. */
static inline double evaluate_many(int code, Py_ssize_t n, const double *x, double *d, double *room) {{
    switch (code) {{
{cases}
    }}
    if (n == 3) return evaluate3(code, x[0], x[1], x[2], &d[0], &d[1], &d[2]);
    if (n == 2) return evaluate2(code, x[0], x[1], &d[0], &d[1]);
    return evaluate1(code, x[0], &d[0]);
}}
"""


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
        f"static inline double evaluate{arity}(int code, {parameters}) {{\n    double out;\n    switch (code) {{\n"
        + "\n".join(cases)
        + "\n    }\n    return NAN;\n}\n"
    )


def is_vectorizable(primitive: Primitive) -> bool:
    """Whether value and derivatives are exact operations and choices: a call of libm would stay one for each number."""
    formulas_ = (str(primitive.forward_formula), *primitive.derivatives)
    calls = [node for formula in formulas_ for node in ast.walk(formulas.parse(formula)) if isinstance(node, ast.Call)]
    return all(isinstance(call.func, ast.Name) and call.func.id in EXACT for call in calls)


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
    rows = [p for p in PRIMITIVES.values() if p.arity is not None]
    codes = "".join(f"#define CODE_{p.name.upper()} {p.code}\n" for p in PRIMITIVES.values())
    return (
        "/* Written by tools/kernels.py from autograd/primitives/table.py when the core is built. Do not edit. */\n"
        + codes
        + f"#define TABLE_SIZE {1 + len(PRIMITIVES)}\n#define TABLE_DIGEST {table_digest()}\n\n"
        + "".join(prototype(p) for p in rows)
        + "\n"
        + "\n".join(translated(p) for p in PRIMITIVES.values())
        + "\n"
        + "\n".join(switch(arity) for arity in (1, 2, 3))
        + "\n"
        + shapes()
        + "\n"
        + rows_macros()
    )


def translated(primitive: Primitive) -> str:
    """The C of one row; an error names it."""
    try:
        return functions(primitive)
    except (SyntaxError, TypeError, ValueError) as error:
        row = f"the row {primitive.name!r} of autograd/primitives/table.py"
        raise SystemExit(f"tools/kernels.py: {row} cannot be translated to C: {error}") from error


def program_header() -> str:
    """Return the header with what the C code and `autograd.tape.compiled.program` share."""
    numbers = {name: getattr(program, name) for name in program.FLAG_NAMES}
    numbers |= {f"OP_{name}": getattr(program, name) for name in program.OPCODES}
    numbers |= {f"FIELD_{name.upper()}": getattr(program, name.upper()) for name in program.FIELDS}
    numbers |= {"FIELDS": program.STRIDE, "BLOCK": program.BLOCK}
    return (
        "/* Written by tools/kernels.py from autograd/tape/compiled/program.py at each build. Do not edit. */\n"
        + f"typedef struct {{\n    int {', '.join(program.FIELDS)};\n}} instruction;\n"
        + f"#define NO_SLOT ({program.NO_SLOT + 1} - 1)\n"  # C has no literal for the least int
        + "".join(f"#define {name} {number}\n" for name, number in numbers.items())
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"kernels.h": header(), "program.h": program_header()}.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
