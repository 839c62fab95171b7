"""Write what follows from the table of primitives: methods, functions and the operator table of the docs.

python tools/generate.py           write autograd/generated/functions.py and the marked regions
python tools/generate.py --check   exit with 1 where one of them is not what the table says
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# The table alone is imported, not the package: what is generated in the package may be out of date, or lack a row.
package = ModuleType("autograd")
package.__path__ = [str(ROOT / "autograd")]
sys.modules["autograd"] = package

import autograd.primitives.table  # noqa: E402, F401 - fills PRIMITIVES
from autograd.primitives.primitive import PRIMITIVES, Primitive  # noqa: E402

# where the example of a function is worked out; most are at home at 0.5
EXAMPLE_AT = {1: (0.5,), 2: (0.5, 2.0), 3: (0.5, 0.0, 1.0)}
EXAMPLE_LIST = (0.5, 2.0)


def named() -> list[Primitive]:
    """The primitives that are called by name: of a fixed arity, not written as an operator, not internal."""
    return [p for p in PRIMITIVES.values() if p.arity is not None and p.symbol == p.name and not p.internal]


def of_lists() -> list[Primitive]:
    """The primitives whose operands are lists."""
    return [p for p in PRIMITIVES.values() if p.arity is None and not p.internal]


def extension(primitive: Primitive) -> Primitive | None:
    """The row that the function takes more operands by; None where there is none."""
    return next((p for p in PRIMITIVES.values() if p.extends == primitive.name), None)


def constant(primitive: Primitive) -> str:
    """The name of the row in table.py."""
    return f"table.{primitive.name.upper()}"


def coded() -> list[str]:
    """The names under which value.py keeps the codes of primitives that it records by code: `_TANH`, `_ADD`."""
    by_operator = [p for p in PRIMITIVES.values() if p.symbol != p.name and not p.internal]
    return [f"_{p.name.upper()}" for p in [*by_operator, *(p for p in named() if p.arity == 1)]]


def codes() -> str:
    """Their values, looked up once."""
    return "".join(f'{name} = PRIMITIVES["{name[1:].lower()}"].code\n' for name in coded())


def code_types() -> str:
    """Their C type."""
    return "".join(f"cdef int {name}\n" for name in coded())


def methods() -> str:
    """One method of Value per primitive."""
    texts = []
    for p in named():
        if extension(p) is not None:
            texts.append(extended_method(p))
            continue
        others = ", ".join(p.arguments[1:])
        parameters = "".join(f", {name}: Value | Number" for name in p.arguments[1:])
        record = (
            f'many({constant(p)}, operands_of("{p.name}", [self, {others}]))'
            if others
            else f"unary(_{p.name.upper()}, self)"
        )
        texts.append(
            f'    def {p.name}(self{parameters}) -> Value:\n        """{p.about}."""\n        return {record}\n'
        )
    return "\n".join(texts) + "\n"


def extended_method(primitive: Primitive) -> str:
    """A method that takes one operand more, or any number."""
    more = extension(primitive)
    assert more is not None
    name = primitive.name
    if more.default is None:
        parameters, others = "y: Value | Number, *more: Value | Number", "y, *more"
        plain, body = "len(more) == 0", f'many({constant(primitive)}, operands_of("{name}", [self, y]))'
    else:
        others = more.arguments[1]
        parameters = f"{others}: Value | Number = {more.default!r}"
        plain, body = f"type({others}) is float and {others} == {more.default!r}", f"unary(_{name.upper()}, self)"
    return (
        f"    def {name}(self, {parameters}) -> Value:\n"
        f'        """{more.about}."""\n'
        f"        if {plain}:\n            return {body}\n"
        f'        return many({constant(more)}, operands_of("{name}", [self, {others}]))\n'
    )


def extended_function(primitive: Primitive) -> str:
    """A function that takes one operand more, or any number."""
    more = extension(primitive)
    assert more is not None
    name, raises = primitive.name, ""
    if more.default is None:
        example_at: tuple[float, ...] = (0.5, 2.0, -1.0)
        parameters, kinds = "*xs: Value | Number", ["*xs: Number", "x: Value, /, *more: Value | Number"]
        kinds += ["x: Value | Number, y: Value, /, *more: Value | Number", "*xs: Value | Number"]
        results = ["float", "Value", "Value", "Value | float"]
        body = (
            f"    if len(xs) == 2:\n        x, y = xs\n        return apply({constant(primitive)}, x, y)\n"
            f'    operands = operands_of("{name}", xs)\n'
            f'    if not operands:\n        raise of_nothing("{name}")\n'
            f"    return apply_to_list({constant(more)}, operands)\n"
        )
        errors = ("TypeError: an operand is not a real number.", "ValueError: there is no operand.")
        raises = "".join(["\n    Raises:\n", *(f"        {error}\n" for error in errors)])
        out = more.forward(example_at)
    else:
        x, other = primitive.arguments[0], more.arguments[1]
        example_at = (-0.5, 0.25)
        parameters = f"{x}: Value | Number, {other}: Value | Number = {more.default!r}"
        kinds = [f"{x}: Number, {other}: Number = ...", f"{x}: Value, {other}: Value | Number = ..."]
        kinds += [f"{x}: Value | Number, {other}: Value"]
        results = ["float", "Value", "Value"]
        body = (
            f"    if isinstance({x}, Value):\n        return {x}.{name}({other})\n"
            f"    return apply({constant(more)}, {x}, {other})\n"
        )
        out = more.forward(*example_at)
    lines = "".join(
        f"@overload\ndef {name}({kind}) -> {result}: ...\n" for kind, result in zip(kinds, results, strict=True)
    )
    return (
        f"{lines}def {name}({parameters}) -> Value | float:\n"
        f'    """{more.about}.\n{raises}\n'
        f'    >>> f"{{{name}({", ".join(map(repr, example_at))}):.6f}}"\n'
        f"    '{out:.6f}'\n"
        f'    """\n{body}'
    )


def overloads(primitive: Primitive) -> str:
    """Numbers give a float; one Value among the operands gives a Value."""
    names = primitive.arguments
    kinds = [["Number"] * len(names)]
    kinds += [["Value" if i == at else "Value | Number" for i in range(len(names))] for at in range(len(names))]
    lines = ""
    for row, result in zip(kinds, ["float", *["Value"] * len(names)], strict=True):
        parameters = ", ".join(f"{name}: {kind}" for name, kind in zip(names, row, strict=True))
        lines += f"@overload\ndef {primitive.name}({parameters}) -> {result}: ...\n"
    return lines


def called(primitive: Primitive) -> str:
    """The body of a function; of one operand it is the method, which is the shorter way."""
    otherwise = f"apply({constant(primitive)}, {', '.join(primitive.arguments)})"
    if primitive.arity == 1:
        return f"x.{primitive.name}() if isinstance(x, Value) else {otherwise}"
    return otherwise


def functions() -> str:
    """One function per primitive of a fixed arity, with an example that the test run executes."""
    texts = []
    for p in named():
        if extension(p) is not None:
            texts.append(extended_function(p))
            continue
        at = p.example or EXAMPLE_AT[len(p.arguments)]
        parameters = ", ".join(f"{name}: Value | Number" for name in p.arguments)
        texts.append(
            f"{overloads(p)}"
            f"def {p.name}({parameters}) -> Value | float:\n"
            f'    """{p.about}.\n\n'
            f'    >>> f"{{{p.name}({", ".join(map(str, at))}):.6f}}"\n'
            f"    '{p.forward(*at):.6f}'\n"
            f'    """\n'
            f"    return {called(p)}\n"
        )
    return "\n\n".join(texts)


# -- functions of lists ----------------------------------------------------------------------------------------------
def lists_of(primitive: Primitive) -> tuple[str, ...]:
    """The names of the lists among the operands."""
    return primitive.arguments[:-1] if primitive.takes_index else primitive.arguments


def list_overloads(primitive: Primitive) -> str:
    """A list of Values gives a Value; of lists that may hold numbers alone one cannot tell."""
    lists = lists_of(primitive)
    lines = ""
    for at in (*range(len(lists)), None):
        kinds = ["Iterable[Value]" if j == at else "Iterable[Value | Number]" for j in range(len(lists))]
        result = "Value | float" if at is None else "Value"
        lines += f"@overload\ndef {primitive.name}({list_parameters(primitive, kinds)}) -> {result}: ...\n"
    return lines


def list_parameters(primitive: Primitive, kinds: list[str]) -> str:
    """The parameters of a function of lists, with their types."""
    parameters = [f"{name}: {kind}" for name, kind in zip(lists_of(primitive), kinds, strict=True)]
    return ", ".join(parameters + ["index: int | Value"] * primitive.takes_index)


def list_docstring(primitive: Primitive) -> str:
    """What the row says of the function, what goes in and comes out, and what is raised."""
    lists = lists_of(primitive)
    first, of_nothing = lists[0], primitive.of_nothing
    arguments = [f"{name}: Values and numbers{f', as many as `{first}`' if name != first else ''}." for name in lists]
    returns = "A Value that records the operands, where one of them is a Value; else a float."
    type_error, value_error = "an operand is not a real number", []
    if len(lists) > 1:
        value_error.append("the lists are not of one length")
    if of_nothing is ValueError:
        value_error.append(f"`{first}` is empty")
    if not isinstance(of_nothing, type):
        returns += f" Of nothing it is {of_nothing!r}."
    if primitive.takes_index:
        arguments.append(f"index: a position in `{first}`, from 0, as a number or as a Value; no gradient goes to it.")
        type_error += ", or `index` is not a whole number"
    raises = [f"TypeError: {type_error}."]
    if value_error:
        raises.append(f"ValueError: {', or '.join(value_error)}.")
    if primitive.takes_index:
        raises.append(f"IndexError: `index` is not a position in `{first}`.")
    paragraphs = [f'"""{primitive.about}.', *([primitive.details] if primitive.details else [])]
    for title, entries in (("Args", arguments), ("Returns", [returns]), ("Raises", raises)):
        paragraphs.append("\n".join([f"{title}:", *(f"    {entry}" for entry in entries)]))
    paragraphs.append(f'{list_example(primitive)}\n"""')
    return indented("\n\n".join(paragraphs))


def list_example(primitive: Primitive) -> str:
    """A doctest: the value and the local derivatives of a list of Values, other lists being numbers."""
    lists = lists_of(primitive)
    given: tuple[Any, ...] = primitive.example or ((EXAMPLE_LIST,) * len(lists) + (0,) * primitive.takes_index)
    first, *others = given
    operands = [f"[{', '.join(f'Value({x!r})' for x in first)}]"]
    operands += [repr(list(other) if isinstance(other, tuple) else other) for other in others]
    flat = [float(x) for each in given for x in (each if isinstance(each, tuple) else (each,))]
    out, local_grads = primitive.evaluate(flat)
    by_first = local_grads[: len(first)]
    if all(len(repr(x)) <= 8 for x in (out, *by_first)):
        shown, result = "y.data, y.local_grads", repr((out, by_first))
    else:
        shown = 'f"{y.data:.6f}", [f"{local:.6f}" for local in y.local_grads]'
        result = repr((f"{out:.6f}", [f"{local:.6f}" for local in by_first]))
    return f">>> y = {primitive.name}({', '.join(operands)})\n>>> {shown}\n{result}"


def list_body(primitive: Primitive) -> str:
    """The statements of a function of lists: its operands are checked, then recorded or computed with."""
    name, lists = primitive.name, lists_of(primitive)
    if len(lists) == 1:
        lines = [f'operands = operands_of("{name}", {lists[0]})']
    else:
        taken = [f"{each}_operands" for each in lists]
        lines = [f'{each}_operands = operands_of("{name}", {each})' for each in lists]
        lines += [f"if {' or '.join(f'len({each}) != len({taken[0]})' for each in taken[1:])}:"]
        lines += [f'    raise lengths_differ("{name}", {", ".join(taken)})']
        lines += [f"operands = {' + '.join(taken)}"]
    if primitive.of_nothing is ValueError:
        lines += ["if not operands:", f'    raise of_nothing("{name}")']
    elif not isinstance(primitive.of_nothing, type):
        lines += ["if not operands:", f"    return {primitive.of_nothing!r}"]
    if primitive.takes_index:
        count = "len(operands)" if len(lists) == 1 else f"len({lists[0]}_operands)"
        lines += [f'operands.append(index_among("{name}", index, {count}))']
    lines += [f"return apply_to_list({constant(primitive)}, operands)"]
    return indented("\n".join(lines))


def indented(text: str) -> str:
    """Lines one level deeper."""
    return "".join(f"    {line}\n" if line else "\n" for line in text.split("\n"))


def list_functions() -> str:
    """One function per primitive of lists."""
    texts = []
    for p in of_lists():
        parameters = list_parameters(p, ["Iterable[Value | Number]"] * len(lists_of(p)))
        signature = f"def {p.name}({parameters}) -> Value | float:\n"
        texts.append(list_overloads(p) + signature + list_docstring(p) + list_body(p))
    return "\n\n".join(texts)


def names() -> str:
    """The functions of `autograd.functions`: those of the table, and the one that is written there."""
    return listed([*(p.name for p in (*named(), *of_lists())), "softmax"])


def functions_file() -> str:
    """autograd/generated/functions.py."""
    public = listed([p.name for p in (*named(), *of_lists())])
    return f"{FUNCTIONS_HEAD}\n__all__ = [\n{public}]\n\n\n{functions()}\n\n{list_functions()}"


FUNCTIONS_HEAD = '''\
"""The functions of `autograd.functions`, written by `make generate` from the table of primitives. Do not edit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import overload

from autograd.list_operands import index_among, lengths_differ, of_nothing
from autograd.primitives import table
from autograd.value import Number, Value, apply, apply_to_list, operands_of
'''


# -- lists of names, and the docs ------------------------------------------------------------------------------------
def listed(called: list[str]) -> str:
    """Names as lines of a list, sorted with numbers as numbers: log2 before log10."""
    called = sorted(
        called,
        key=lambda name: [(part.isdigit(), int(part) if part.isdigit() else part) for part in re.split(r"(\d+)", name)],
    )
    return "".join(f'    "{name}",\n' for name in called)


def operators() -> str:
    """The operator table of the docs."""
    rows = ["| primitive | op | value | local derivatives |", "|---|---|---|---|"]
    for p in PRIMITIVES.values():
        derivatives = "<br>".join(f"`{formula}`" for formula in (*p.derivatives, *(p.parts or ())))
        rows.append(f"| `{p.name}` | `{p.symbol}` | {p.about} | {derivatives} |")
    return "\n".join(rows).replace("||", "|") + "\n"


REGIONS: dict[str, list[tuple[str, Callable[[], str]]]] = {
    "autograd/value.py": [("codes", codes), ("methods", methods)],
    "autograd/value.pxd": [("codes", code_types)],
    "autograd/functions.py": [("names", names)],
    "docs/operators.md": [("table", operators)],
}
FILES: dict[str, Callable[[], str]] = {"autograd/generated/functions.py": functions_file}


def regenerated(text: str, region: str, content: str) -> str:
    """`text` with the lines between a region's two marks replaced."""
    pattern = rf"(?ms)^([^\n]*<generated {region} [^\n]*\n).*?(^[^\n]*</generated>)"
    if len(re.findall(pattern, text)) != 1:
        raise SystemExit(f"the marks of the region {region!r} do not stand there exactly once")
    return re.sub(pattern, lambda match: match[1] + content + match[2], text)


def main() -> int:
    """Write or check every file."""
    stale = []
    for name in (*FILES, *REGIONS):
        path = ROOT / name
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        text = FILES[name]() if name in FILES else before
        for region, content in REGIONS.get(name, []):
            text = regenerated(text, region, content())
        if text != before:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_text(text, encoding="utf-8")
    if "--check" in sys.argv[1:] and stale:
        print(f"not what autograd/primitives/table.py says: {', '.join(stale)}; run `make generate`", file=sys.stderr)
        return 1
    print(f"{len(PRIMITIVES)} primitives; rewritten: {', '.join(stale) or 'nothing'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
