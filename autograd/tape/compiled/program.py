"""The lowered program of a tape: instructions in flat arrays, which the compiled core runs, and their listing.

Every number that the program works with has a slot: first the scalars (parameters and constants, which are the same for
all rows), then the inputs, then the results of the instructions in order. An instruction is eight integers:

    op  flags  out  x  y  z  n  aux

`op` is the code of a primitive or one of the opcodes below; `out` is the slot of the result; `x`, `y` and `z` are
slots, or, for instructions of many operands, places in the array `lists`, where `n` slots stand. A primitive of one
operand is applied to `n` slots from `x` on, and its results have the slots from `out` on. Local derivatives that the
forward pass keeps for the backward pass lie from `aux` on.

These numbers are written down here alone: `tools/kernels.py` writes those that the C code needs to
`build/include/program.h`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE, PRIMITIVES

if TYPE_CHECKING:
    from autograd.tape.compiled.scratch import Scratch
    from autograd.tape.graph import FlatGraph

__all__ = ["LAYOUTS", "Draft", "Program", "layout_of", "list_program", "op_name"]

BLOCK = 64
"""The number of rows whose gradients are summed before the sum is added to the total."""

# -- instructions ------------------------------------------------------------------------------------------------------
FIELDS = ("op", "flags", "out", "x", "y", "z", "n", "aux")
OP, FLAGS, OUT, X, Y, Z, N, AUX = range(8)
STRIDE = 8
NO_SLOT = -(2**31)
"""In the field z of a DOT or DOTS: there is none."""

TABLE_SIZE = 1 + len(PRIMITIVES)
OPCODES = ("DOT", "DOT_SCALARS", "DOT_ALL_SCALARS", "TAKE_SCALARS", "GUARD", "CALL", "DOTS")
DOT, DOT_SCALARS, DOT_ALL_SCALARS, TAKE_SCALARS, GUARD, CALL, DOTS = range(TABLE_SIZE, TABLE_SIZE + 7)
"""
DOT: z + x0·y0 + x1·y1 + ..., from the left; z may be NO_SLOT.
DOT_SCALARS: DOT whose x are scalars.
DOT_ALL_SCALARS: DOT whose x and y are scalars.
TAKE_SCALARS: take from scalars.
GUARD: whether the comparison z of x and y has the outcome n; `out` is the number of the guard.
CALL: a user's primitive, whose code is z.
DOTS: a layer, `aux` dots of n terms with the same y. Their x are rows of parameters, one after another in the list x,
    each row in consecutive slots; the list z has for each dot what is added last, or with BIAS_FIRST what it starts
    with; `out` is the first of their slots. A row, and the parameter in z beside it, may come in several DOTS, always
    together, and nowhere else: its gradient, the sum over these dots from the newest, needs no slot.
"""

FLAG_NAMES = ("NEED_X", "NEED_Y", "NEED_Z", "PARAMS_ONLY", "XS_FIRST", "BIAS_FIRST")
NEED_X, NEED_Y, NEED_Z = 1, 2, 4
"""The operand passes a gradient on to an input or a parameter; for lists, at least one of them does."""
PARAMS_ONLY = 3
"""The shift at which the same three flags stand for the case that the gradients of the inputs are not asked for."""
XS_FIRST = 64
"""The backward pass of DOT visits all x, then all y, each from the first; otherwise the terms from the last."""
BIAS_FIRST = 128
"""The z of DOTS come before the terms."""

# layout: which of x, y, z are what
X_SLOT, Y_SLOT, Z_SLOT, X_LIST, Y_LIST, Z_LIST, X_SCALARS, Y_SCALARS, Z_SCALARS = (1 << bit for bit in range(9))


def layout_of(op: int) -> int:
    """Return what the fields x, y and z of an instruction are.

    >>> layout_of(PRIMITIVES["multiply"].code) == X_SLOT | Y_SLOT
    True
    """
    special = {
        DOT: X_LIST | Y_LIST | Z_SLOT,
        DOT_SCALARS: X_LIST | Y_LIST | Z_SLOT | X_SCALARS,
        DOT_ALL_SCALARS: X_LIST | Y_LIST | Z_SLOT | X_SCALARS | Y_SCALARS,
        TAKE_SCALARS: X_LIST | Y_SLOT | X_SCALARS,
        table.TAKE.code: X_LIST | Y_SLOT,
        GUARD: X_SLOT | Y_SLOT,
        DOTS: X_LIST | Y_LIST | Z_LIST | X_SCALARS | Z_SCALARS,
        CALL: X_LIST,
    }
    if op in special:
        return special[op]
    primitive = BY_CODE[op]
    assert primitive is not None
    return (
        X_LIST if primitive.arity is None else (X_SLOT, X_SLOT | Y_SLOT, X_SLOT | Y_SLOT | Z_SLOT)[primitive.arity - 1]
    )


LAYOUTS = array("i", [0] + [layout_of(op) for op in range(1, DOTS + 1)])
"""The layout of each instruction, by its opcode."""


def op_name(op: int, z: int) -> str:
    """Return the name of an instruction in listings and statistics.

    >>> op_name(DOT_SCALARS, NO_SLOT), op_name(PRIMITIVES["tanh"].code, 0)
    ('dot', 'tanh')
    """
    if op in (DOT, DOT_SCALARS, DOT_ALL_SCALARS):
        return "dot"
    if op == GUARD:
        return "guard"
    if op == DOTS:
        return "dots"
    primitive = table.TAKE if op == TAKE_SCALARS else BY_CODE[z if op == CALL else op]
    assert primitive is not None
    return primitive.name


# -- programs ----------------------------------------------------------------------------------------------------------
class Draft:
    """Instructions whose operands are still ids of the graph.

    Attributes:
        flat: The graph.
        code, lists: The instructions as above, with ids in place of slots; constants have negative ids.
        instructions: The number of instructions.
        temporaries: The number of ids beyond those of the graph.
        uses: For each id how often it is an operand, an output, or compared by a guard.
        need: For each id whether a gradient passes through it: bit 0 to parameters, bit 1 to inputs.
        scratch: The memory of all arrays that the program does not keep.
    """

    __slots__ = ("code", "flat", "instructions", "lists", "need", "scratch", "temporaries", "uses")

    def __init__(self, flat: FlatGraph, need: array[int], scratch: Scratch) -> None:
        count = flat.inputs + flat.params + len(flat.codes)
        self.flat = flat
        self.need = need
        self.scratch = scratch
        self.uses = scratch.ints(count, 0)
        self.code = scratch.any_ints(STRIDE * (2 * len(flat.codes) + len(flat.guard_codes)))
        self.lists = scratch.any_ints(len(flat.operands))
        self.instructions = self.temporaries = 0


class Program:
    """Instructions, and what else a replay needs to know.

    Attributes:
        flat: The graph that was lowered.
        code, lists: The instructions; see above.
        slots: The number of slots.
        grads_from: The slots before this one are parameters of DOTS alone, whose gradients are summed without a slot.
        lanes_from: The slots before this one are scalars that only lists of scalars refer to.
        first_input: The slot of the first input; scalars stand before the inputs, results behind them.
        scalars: The numbers of the scalars, with those of the constants filled in.
        param_slots: The slot of each parameter.
        param_needed: For each parameter, whether a gradient comes to it.
        outputs: The slots of the outputs.
        aux: The number of local derivatives that the forward pass keeps.
        longest: The length of the longest list.
    """

    __slots__ = (
        "aux",
        "code",
        "first_input",
        "flat",
        "grads_from",
        "lanes_from",
        "lists",
        "longest",
        "outputs",
        "param_needed",
        "param_slots",
        "scalars",
        "slots",
    )

    code: array[int]
    lists: array[int]
    scalars: array[float]
    param_slots: array[int]
    param_needed: array[int]
    outputs: array[int]

    def __init__(self, flat: FlatGraph) -> None:
        self.flat = flat
        self.slots = self.grads_from = self.lanes_from = self.first_input = self.aux = self.longest = 0

    def __len__(self) -> int:
        return len(self.code) // STRIDE

    def instructions(self) -> Iterator[tuple[int, ...]]:
        """Yield the fields of each instruction."""
        for at in range(0, len(self.code), STRIDE):
            yield tuple(self.code[at : at + STRIDE])

    def bytes_of_lanes(self) -> int:
        """Return the memory of a replay of 8 rows: values, gradients and kept local derivatives.

        >>> from autograd.tape.record import record
        >>> record(lambda x: x * 2.0, inputs=[1.0]).stats()["bytes"]
        384
        """
        return 64 * (2 * self.slots - self.grads_from - self.lanes_from + self.aux)


# -- listings ----------------------------------------------------------------------------------------------------------
_SHOWN = 8  # operands of a list before it is cut


def list_program(found: Program, inputs: Sequence[str], params: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a listing: one instruction per line, in static single assignment; a layer has a line per dot.

    Args:
        found: The program.
        inputs, params: The names of the inputs and of the parameters.
        lines: The source line of each guard.
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
            if z != NO_SLOT:
                parts.insert(0 if bias_first else 1, name(found.lists[z + j]))
            opening = "dots " if j == 0 else "     "
            yield f"{opening}{name(out + j)} = {' + '.join(parts)}"

    def line(op: int, out: int, x: int, y: int, z: int, n: int) -> str:
        layout = layout_of(op)
        if op == GUARD:
            comparison: Any = BY_CODE[z]
            holds = "holds" if n else "does not hold"
            return f"guard {name(x)} {comparison.symbol} {name(y)} {holds}    # {lines[out]}"
        if layout & Y_LIST:
            return f"{name(out)} = " + ("" if z == NO_SLOT else f"{name(z)} + ") + dot(x, y, n)
        if layout == X_SLOT:
            return f"{span(out, n)} = {op_name(op, z)}({span(x, n)})"
        operands = listed(x, n) if layout & X_LIST else []
        operands += [name(i) for i, bit in ((x, X_SLOT), (y, Y_SLOT), (z, Z_SLOT)) if layout & bit and i != NO_SLOT]
        return f"{name(out)} = {op_name(op, z)}({', '.join(operands)})"

    for op, flags, out, x, y, z, n, aux in found.instructions():
        if op == DOTS:
            yield from layer(out, x, y, z, n, aux, bool(flags & BIAS_FIRST))
        else:
            yield line(op, out, x, y, z, n)
    yield f"return {', '.join(map(name, found.outputs))}"
