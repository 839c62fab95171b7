"""A program as text: one instruction a line, in static single assignment; a layer (`dots`) has a line a dot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autograd.formatting import clean_text
from autograd.primitives.primitive import BY_CODE
from autograd.tape.compiled import program
from autograd.tape.compiled.program import NONE, STRIDE, Program, layout_of, op_name
from autograd.value import Value

__all__ = ["list_program", "names_of"]

_SHOWN = 8  # operands of a list before it is cut
_NAME_LIMIT = 40


def names_of(leaves: Sequence[Value], fallback: str) -> list[str]:
    """What leaves are called: by module and label, or by their place.

    >>> names_of([Value(1.0, "slope"), Value(2.0)], "p")
    ['slope', 'p1']
    """
    names = []
    for i, leaf in enumerate(leaves):
        known = ".".join(part for part in (leaf.module, leaf.label) if part)
        names.append(clean_text(known, _NAME_LIMIT) or f"{fallback}{i}")
    return names


def list_program(found: Program, inputs: Sequence[str], params: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
    """The lines of a listing.

    Args:
        found: the program.
        inputs, params: their names.
        lines: where the program decided, one for each guard.
    """
    names: dict[int, str] = {slot: repr(number) for slot, number in enumerate(found.scalars)}
    names.update((slot, name) for slot, name in zip(found.param_slots, params, strict=True))
    names.update((found.first_input + i, name) for i, name in enumerate(inputs))
    first = found.first_input + len(inputs)

    def name(slot: int) -> str:
        return names[slot] if slot in names else f"%{slot - first}"

    def listed(at: int, n: int) -> list[str]:
        shown = n if n <= _SHOWN + 1 else _SHOWN
        more = [] if shown == n else [f"... {n - shown} more"]
        return [*(name(slot) for slot in found.lists[at : at + shown]), *more]

    def span(slot: int, n: int) -> str:
        return name(slot) if n == 1 else f"{name(slot)}..{name(slot + n - 1)}"

    def dot(x: int, y: int, n: int) -> str:
        return f"dot([{', '.join(listed(x, n))}], [{', '.join(listed(y, n))}])"

    def layer(out: int, x: int, y: int, z: int, n: int, count: int, bias_first: bool) -> Iterator[str]:
        for j in range(count):
            parts = [dot(x + j * n, y, n)]
            if z != NONE:
                parts.insert(0 if bias_first else 1, name(found.lists[z + j]))
            opening = "dots " if j == 0 else "     "
            yield f"{opening}{name(out + j)} = {' + '.join(parts)}"

    for at in range(0, len(found.code), STRIDE):
        op, flags, out, x, y, z, n, aux = found.code[at : at + STRIDE]
        layout = layout_of(op)
        if op == program.GUARD:
            comparison = BY_CODE[z]
            assert comparison is not None
            holds = "holds" if n else "does not hold"
            yield f"guard {name(x)} {comparison.symbol} {name(y)} {holds}    # {lines[out]}"
        elif op == program.DOTS:
            yield from layer(out, x, y, z, n, aux, bool(flags & program.BIAS_FIRST))
        elif layout & program.Y_LIST:
            yield f"{name(out)} = " + ("" if z == NONE else f"{name(z)} + ") + dot(x, y, n)
        elif layout == program.X_SLOT:
            yield f"{span(out, n)} = {op_name(op, z)}({span(x, n)})"
        else:
            operands = listed(x, n) if layout & program.X_LIST else []
            operands += [name(i) for i, bit in ((x, 1), (y, 2), (z, 4)) if layout & bit and i != NONE]
            yield f"{name(out)} = {op_name(op, z)}({', '.join(operands)})"
    yield f"return {', '.join(map(name, found.outputs))}"
