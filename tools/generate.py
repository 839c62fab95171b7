"""Write what follows from the table of primitives: methods, functions and the operator table of the docs.

python tools/generate.py           rewrite the marked regions
python tools/generate.py --check   exit with 1 where a region is not what the table says
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent

# The table alone is imported, not the package: what is generated in the package may be out of date, or lack a row.
package = ModuleType("autograd")
package.__path__ = [str(ROOT / "autograd")]
sys.modules["autograd"] = package

import autograd.primitives.table  # noqa: E402, F401 - fills PRIMITIVES
from autograd.primitives.primitive import PRIMITIVES, Primitive  # noqa: E402

# where the example of a function is worked out; most are at home at 0.5
EXAMPLE_AT = {1: (0.5,), 2: (0.5, 2.0), 3: (0.5, 0.0, 1.0)}


def named() -> list[Primitive]:
    """The primitives that are called by name: of a fixed arity, not written as an operator, not internal."""
    return [p for p in PRIMITIVES.values() if p.arity is not None and p.symbol == p.name and not p.internal]


def constant(primitive: Primitive) -> str:
    """The name of the row in ops.py."""
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
    """One method of Value a primitive."""
    texts = []
    for p in named():
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
    """One function a primitive, with an example that the test run executes."""
    texts = []
    for p in named():
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
    return "\n\n" + "\n\n".join(texts) + "\n\n"


def names() -> str:
    """`__all__` of the functions of one to three operands."""
    return listed([p.name for p in named()])


def all_names() -> str:
    """`__all__` of those and of the functions of lists."""
    return listed([p.name for p in named()] + [p.name for p in PRIMITIVES.values() if p.arity is None])


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
        if isinstance(p.derivative_formulas, tuple):
            derivatives = "<br>".join(f"`{formula}`" for formula in p.derivative_formulas)
        else:
            derivatives = "in `autograd/primitives/table.py`"
        rows.append(f"| `{p.name}` | `{p.symbol}` | {p.about} | {derivatives} |")
    return "\n".join(rows).replace("||", "|") + "\n"


REGIONS: dict[str, list[tuple[str, Callable[[], str]]]] = {
    "autograd/value.py": [("codes", codes), ("methods", methods)],
    "autograd/value.pxd": [("codes", code_types)],
    "autograd/functions.py": [("all names", all_names)],
    "autograd/generated/functions.py": [("names", names), ("functions", functions)],
    "docs/operators.md": [("table", operators)],
}


def regenerated(text: str, region: str, content: str) -> str:
    """`text` with the lines between a region's two marks replaced."""
    pattern = rf"(?ms)^([^\n]*<generated {region} [^\n]*\n).*?(^[^\n]*</generated>)"
    if len(re.findall(pattern, text)) != 1:
        raise SystemExit(f"the marks of the region {region!r} do not stand there exactly once")
    return re.sub(pattern, lambda match: match[1] + content + match[2], text)


def main() -> int:
    """Rewrite or check every region."""
    stale = []
    for name, regions in REGIONS.items():
        path = ROOT / name
        before = text = path.read_text(encoding="utf-8")
        for region, content in regions:
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
