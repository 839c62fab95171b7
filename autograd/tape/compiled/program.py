"""The program of a tape: instructions in flat arrays, which the compiled core and the Python interpreter both run.

A number that the program works with has a slot: first the scalars (parameters and constants, which no row changes),
then the inputs, then the results of the instructions in their order. An instruction is eight integers:

    op  flags  out  x  y  z  n  aux

`op` is the code of a primitive, or one of those below; `out` the slot of its result; `x`, `y`, `z` are slots, or where
the operands are many, places in the array `lists`, where `n` slots stand. A primitive of one operand is applied to n
slots from x on, and its results have those from `out` on. Where backward needs the local derivatives that forward
worked out, they lie from `aux` on.
"""

from __future__ import annotations

from array import array
from typing import Any

from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE, PRIMITIVES
from autograd.tape.graph import FlatGraph

__all__ = ["Program", "filled", "layout_of", "op_name"]

STRIDE = 8
NONE = -(2**31)
"""In the field z of a DOT or DOTS: there is none."""

TABLE_SIZE = 1 + len(PRIMITIVES)
DOT = TABLE_SIZE
"""z + x0·y0 + x1·y1 + ..., from the left; z may be NONE."""
DOT_SCALARS = TABLE_SIZE + 1
"""DOT whose x are scalars."""
DOT_ALL_SCALARS = TABLE_SIZE + 2
"""DOT whose x and y are scalars."""
TAKE_SCALARS = TABLE_SIZE + 3
"""take whose values are scalars."""
GUARD = TABLE_SIZE + 4
"""Whether the comparison z of x and y has the outcome n; `out` is the number of the guard."""
CALL = TABLE_SIZE + 5
"""A user's primitive, whose code is z."""
DOTS = TABLE_SIZE + 6
"""A layer: `aux` dots of n terms with the same y. Their x are parameters that are used nowhere else, row by row in the
list x, each row in slots that follow each other; the list z has for each what is added last, or with BIAS_FIRST what it
starts with; `out` is the first of their slots."""

# flags
NEED_X, NEED_Y, NEED_Z = 1, 2, 4
"""The operand passes a gradient on to an input or a parameter; for lists, one of them does."""
PARAMS_ONLY = 3
"""The same three, shifted by this, where the gradients of the inputs are not asked for."""
XS_FIRST = 64
"""Backward of DOT goes through all x, then all y, each from the first; else through the terms from the last."""
BIAS_FIRST = 128
"""The z of DOTS come before the terms."""

# layout: which of x, y, z are what
X_SLOT, Y_SLOT, Z_SLOT, X_LIST, Y_LIST, Z_LIST, X_SCALARS, Y_SCALARS, Z_SCALARS = (1 << bit for bit in range(9))


def layout_of(op: int) -> int:
    """What the fields x, y, z of an instruction are.

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


def op_name(op: int, z: int) -> str:
    """The name of an instruction in listings and statistics.

    >>> op_name(DOT_SCALARS, NONE), op_name(PRIMITIVES["tanh"].code, 0)
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


class Program:
    """Instructions, and what a replay needs to know besides.

    Attributes:
        flat: the graph that was lowered.
        code, lists: the instructions; see above.
        slots: how many there are.
        grads_from: the slots before are parameters of DOTS alone, whose gradients are summed without a slot.
        lanes_from: the slots before are scalars that only lists of scalars refer to.
        first_input: the slot of the first input; scalars are before, results behind the inputs.
        scalars: the numbers of the scalars, those of the constants filled in.
        param_slots: the slot of each parameter.
        param_needed: whether a gradient comes to each parameter.
        places: 0, 1, 2, ..., one for each parameter: where its gradient belongs among theirs.
        outputs: the slots of the outputs.
        aux: how many local derivatives forward keeps.
        longest: the longest list.
        machines: what runs it, as `autograd.tape.replay` makes them; each is used by one thread at a time.
        forward_only: the same for `forward`, where storage is used again once a value is dead; made when first wanted.
    """

    __slots__ = (
        "aux",
        "code",
        "first_input",
        "flat",
        "forward_only",
        "grads_from",
        "lanes_from",
        "lists",
        "longest",
        "machines",
        "outputs",
        "param_needed",
        "param_slots",
        "places",
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
        self.places = array("i", range(flat.params))
        self.machines: list[Any] = []
        self.forward_only: Program | None = None
        self.slots = self.grads_from = self.lanes_from = self.first_input = self.aux = self.longest = 0

    def __len__(self) -> int:
        return len(self.code) // STRIDE

    def bytes_of_lanes(self) -> int:
        """The memory of a replay in lanes of 8 rows: values, gradients and kept local derivatives.

        >>> from autograd.tape.record import record
        >>> record(lambda x: x * 2.0, inputs=[1.0])._program.bytes_of_lanes()
        384
        """
        return 64 * (2 * self.slots - self.grads_from - self.lanes_from + self.aux)


def filled(typecode: str, count: int, number: int) -> array[int]:
    """An array whose bytes are all alike, and one more than asked: a memoryview must not be empty.

    Args:
        typecode: "i" or "q".
        number: 0, -1, or above that for a number that none reaches.

    >>> filled("i", 2, -1)
    array('i', [-1, -1, -1])
    """
    byte = b"\x00" if number == 0 else b"\xff" if number < 0 else b"\x7f"
    return array(typecode, byte * ((8 if typecode == "q" else 4) * (count + 1)))
