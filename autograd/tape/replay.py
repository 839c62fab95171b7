"""Run the program of a tape on rows of numbers.

The interpreter here and the compiled one (`core/replay.h`) run the same instructions with the same arithmetic: one row
at a time here, rows in lanes there. The bits of a row do not depend on it, and the gradients of parameters are summed
over rows in a fixed order: blocks of 64 rows from the left, then the sums of the blocks from the left.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE
from autograd.tape.compiled import program
from autograd.tape.compiled.program import BIAS_FIRST, NONE, PARAMS_ONLY, STRIDE, X_SLOT, XS_FIRST, Program, layout_of
from autograd.tape.compiled.reuse import reusing_storage
from autograd.value import Value

if not cython.compiled and TYPE_CHECKING:
    from autograd.core import core_choose, core_executors, core_machine, core_replay

__all__ = [
    "BLOCK",
    "Failure",
    "Interpreter",
    "Sums",
    "add_gradients",
    "choose_executor",
    "executor",
    "executors",
    "replay",
    "run_rows",
    "scalars_of",
]

BLOCK = 64
"""Rows whose gradients are summed before they join the total."""

_TAKE = table.TAKE.code
_SUM = table.SUM.code
_MEAN = table.MEAN.code


class Failure(NamedTuple):
    """Where a replay stopped: at a guard whose comparison came out otherwise, or at an index that is none.

    Attributes:
        row: the row, counted from the first that was given.
        guard: the number of the guard; -1 for an index.
        left, right: what the guard compares; for an index it and how many values there are.
    """

    row: int
    guard: int
    left: float
    right: float


class Sums:
    """The gradients of parameters, on their way to a sum over the rows of one call."""

    def __init__(self, count: int) -> None:
        self.rows = 0
        self.block = array("d", bytes(8 * count))
        self.total = self.block[:]

    def add_row(self, gradients: Sequence[float], places: Sequence[int]) -> None:
        """Add those of one row; `places` says where each belongs."""
        for place, gradient in zip(places, gradients, strict=True):
            self.block[place] += gradient
        self.rows += 1
        if self.rows % BLOCK == 0:
            self.end_block()

    def end_block(self) -> None:
        """Add the sum of a block to the total."""
        if len(self.block):
            _end_block(self.block, self.total)

    def finish(self) -> array[float]:
        """The sums over all rows."""
        if self.rows < BLOCK:  # one block, and the total is still zero
            return self.block
        if self.rows % BLOCK:
            self.end_block()
        return self.total


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _end_block(block_: array[float], total_: array[float]) -> None:
    block, total = block_, total_
    for i in range(len(block)):
        total[i] += block[i]
        block[i] = 0.0


def scalars_of(program: Program, params: tuple[Value, ...]) -> array[float]:
    """The numbers of the program's scalars, the parameters' as they are now."""
    numbers = program.scalars[:]
    if params:
        _load(numbers, program.param_slots, params)
    return numbers


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _load(numbers_: array[float], slots_: array[int], params: tuple[Value, ...]) -> None:
    numbers, slots = numbers_, slots_
    for i in range(len(params)):
        parameter = cython.cast(Value, params[i])  # a tape's params are Values: not to be checked again
        numbers[slots[i]] = parameter._data


def add_gradients(params: tuple[Value, ...], needed: array[int], gradients: array[float]) -> None:
    """Add to the gradients of the parameters to which any comes."""
    if params:
        _store(params, needed, gradients)


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _store(params: tuple[Value, ...], needed_: array[int], gradients_: array[float]) -> None:
    needed, gradients = needed_, gradients_
    for i in range(len(params)):
        if needed[i]:
            parameter = cython.cast(Value, params[i])
            parameter._grad += gradients[i]
            parameter._reached = True


def executors() -> list[str]:
    """How rows can be run on this machine, the best last; `"python"` alone where the core is not compiled.

    >>> "python" in executors() or "scalar" in executors()
    True
    """
    return core_executors() if cython.compiled else ["python"]


def choose_executor(name: str) -> None:
    """Run rows in this way from now on; ValueError where this machine cannot.

    >>> choose_executor("abacus")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: no executor 'abacus' on this machine: choose one of ...
    """
    global _executor
    if name not in executors():
        raise ValueError(f"no executor {name!r} on this machine: choose one of {', '.join(executors())}")
    if cython.compiled:
        core_choose(name.encode())
    _executor = name


def executor() -> str:
    """How rows are run: in the best way here, or as the environment variable GLASSGRAD_SIMD names, or as was chosen."""
    return _executor


_NO_PLACES = array("i")
_executor = ""
choose_executor(os.environ.get("GLASSGRAD_SIMD") or executors()[-1])


def replay(
    program: Program,
    scalars: array[float],
    batch: Any,
    rows: int,
    outputs: array[float],
    seeds: array[float] | None = None,
    input_gradients: array[float] | None = None,
    sums: Sums | None = None,
    places: array[int] | None = None,
) -> Failure | None:
    """Run rows forward, and backward where seeds are given.

    Args:
        scalars: as `scalars_of` gives them.
        batch: the inputs, a buffer of float64, row by row.
        outputs: where those of the program go, row by row.
        seeds: the upstream gradient of each output; None for forward alone.
        input_gradients: where they go, row by row; None where they are not asked for.
        sums: what the gradients of the parameters are added to.
        places: where in `sums` each parameter's gradient belongs; in the order of the parameters where it is None.

    Returns:
        None, or where the first row failed that did; then what was written says nothing.
    """
    if places is None:
        places = program.places
    if seeds is None:
        if program.forward_only is None:
            program.forward_only = reusing_storage(program)
        program = program.forward_only
    try:
        machine = program.machines.pop()
    except IndexError:
        machine = _machine(program) if cython.compiled else Interpreter(program)
    try:
        if not cython.compiled:
            return run_rows(machine, scalars, batch, rows, outputs, seeds, input_gradients, sums, places)
        failed = core_replay(
            machine,
            scalars,
            batch,
            rows,
            outputs,
            seeds,
            input_gradients,
            None if sums is None else sums.block,
            None if sums is None else sums.total,
            0 if sums is None else sums.rows,
            places,
        )
        if failed is not None:
            return Failure(*failed)
        if sums is not None:
            sums.rows += rows
        return None
    finally:
        program.machines.append(machine)


def _machine(program: Program) -> Any:
    return core_machine(
        program.code,
        program.lists,
        program.outputs,
        program.param_slots,
        program.param_needed,
        program.slots,
        program.grads_from,
        program.lanes_from,
        program.first_input,
        program.flat.inputs,
        program.aux,
        program.longest,
        _call,
    )


def _call(code: int, xs: list[float]) -> tuple[float, tuple[float, ...]]:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive.evaluate(*xs)


def run_rows(
    interpreter: Interpreter,
    scalars: array[float],
    batch: Any,
    rows: int,
    outputs: array[float],
    seeds: array[float] | None = None,
    input_gradients: array[float] | None = None,
    sums: Sums | None = None,
    places: array[int] = _NO_PLACES,
) -> Failure | None:
    """`replay` in Python, on the interpreter of its program."""
    program = interpreter.program
    width = program.flat.inputs
    count = len(program.outputs)
    interpreter.values[: len(scalars)] = scalars
    for row in range(rows):
        failure = interpreter.forward(batch[row * width : (row + 1) * width], keep=seeds is not None)
        if failure is not None:
            return Failure(row, *failure)
        outputs[row * count : (row + 1) * count] = array("d", interpreter.outputs())
        if seeds is None:
            continue
        gradients = interpreter.backward(seeds, params_only=input_gradients is None)
        if input_gradients is not None:
            first = program.first_input
            input_gradients[row * width : (row + 1) * width] = array("d", gradients[first : first + width])
        if sums is not None:
            sums.add_row([gradients[slot] for slot in program.param_slots], places)
    return None


class Interpreter:
    """Runs a program on one row at a time."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.values = [0.0] * program.slots
        self.locals = [0.0] * program.aux
        code = program.code
        self.instructions = [tuple(code[at : at + STRIDE]) for at in range(0, len(code), STRIDE)]

    def outputs(self) -> list[float]:
        """The outputs of the last row."""
        return [self.values[slot] for slot in self.program.outputs]

    def forward(self, row: Sequence[float], keep: bool) -> tuple[int, float, float] | None:
        """Compute all values, and where asked keep the local derivatives that backward wants; None, or what failed."""
        v, lists = self.values, self.program.lists
        first = self.program.first_input
        v[first : first + len(row)] = row
        for op, flags, out, x, y, z, n, aux in self.instructions:
            if op in _DOTS:
                terms = range(n)
                total = v[z] if z != NONE else v[lists[x]] * v[lists[y]]
                for i in terms if z != NONE else terms[1:]:
                    total = total + v[lists[x + i]] * v[lists[y + i]]
                v[out] = total
            elif op == program.DOTS:
                for j in range(aux):
                    bias = v[lists[z + j]] if z != NONE else None
                    total = v[lists[x + j * n]] * v[lists[y]]
                    if bias is not None and flags & BIAS_FIRST:
                        total = bias + total
                    for i in range(1, n):
                        total = total + v[lists[x + j * n + i]] * v[lists[y + i]]
                    v[out + j] = total + bias if bias is not None and not flags & BIAS_FIRST else total
            elif op == program.GUARD:
                comparison = BY_CODE[z]
                assert comparison is not None
                if (comparison.forward(v[x], v[y]) != 0.0) != bool(n):
                    return out, v[x], v[y]
            elif op in (_TAKE, program.TAKE_SCALARS):
                if not _is_index(v[y], n):
                    return -1, v[y], n
                v[out] = v[lists[x + int(v[y])]]
            else:
                primitive = BY_CODE[z if op == program.CALL else op]
                assert primitive is not None
                if primitive.arity == 1 and op != program.CALL:
                    for i in range(n):
                        v[out + i] = primitive.forward(v[x + i])
                    continue
                if primitive.arity is not None and op != program.CALL:
                    v[out] = primitive.forward(*[v[slot] for slot in (x, y, z)[: primitive.arity]])
                    continue
                xs = [v[slot] for slot in lists[x : x + n]]
                if primitive.takes_index and not _is_index(xs[-1], n - 1):
                    return -1, xs[-1], n - 1
                if not keep or op in (_SUM, _MEAN):
                    v[out] = primitive.forward(xs) if primitive.arity is None else primitive.forward(*xs)
                else:
                    v[out], local = primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)
                    self.locals[aux : aux + n] = local
        return None

    def backward(self, seeds: Sequence[float], params_only: bool) -> list[float]:
        """The gradients of all slots, after `forward`; those of slots that pass nothing on may be left out."""
        v, lists = self.values, self.program.lists
        g = [0.0] * len(v)
        for slot, seed in zip(self.program.outputs, seeds, strict=True):
            g[slot] += seed
        for op, flags, out, x, y, z, n, aux in reversed(self.instructions):
            if not (flags >> PARAMS_ONLY if params_only else flags) & 7:
                continue
            if op == program.DOTS:
                for j in range(aux - 1, -1, -1):
                    for i in range(n - 1, -1, -1):
                        weight, other = lists[x + j * n + i], lists[y + i]
                        self.contribute(g, weight, v[other], g[out + j])
                        self.contribute(g, other, v[weight], g[out + j])
                    if z != NONE:
                        g[lists[z + j]] += g[out + j]
                continue
            if op < program.TABLE_SIZE and layout_of(op) == X_SLOT:
                primitive = BY_CODE[op]
                assert primitive is not None
                for i in range(n):
                    self.contribute(g, x + i, primitive.evaluate(v[x + i])[1][0], g[out + i])
                continue
            upstream = g[out]
            if upstream == 0.0:
                continue
            if op in _DOTS:
                if flags & XS_FIRST:
                    pairs = [(lists[x + i], lists[y + i]) for i in range(n)]
                    pairs += [(lists[y + i], lists[x + i]) for i in range(n)]
                else:
                    pairs = [
                        pair
                        for i in range(n - 1, -1, -1)
                        for pair in ((lists[x + i], lists[y + i]), (lists[y + i], lists[x + i]))
                    ]
                for slot, other in pairs:
                    self.contribute(g, slot, v[other], upstream)
                if z != NONE:
                    g[z] += upstream
            elif op in (_TAKE, program.TAKE_SCALARS):
                g[lists[x + int(v[y])]] += upstream
            else:
                primitive = BY_CODE[z if op == program.CALL else op]
                assert primitive is not None
                if primitive.arity is not None and op != program.CALL:
                    slots: Sequence[int] = (x, y, z)[: primitive.arity]
                    local: Sequence[float] = primitive.evaluate(*[v[slot] for slot in slots])[1]
                else:
                    slots = lists[x : x + n]
                    equal = 1.0 if op == _SUM else 1.0 / n
                    local = [equal] * n if op in (_SUM, _MEAN) else self.locals[aux : aux + n]
                for slot, derivative in zip(slots, local, strict=True):
                    self.contribute(g, slot, derivative, upstream)
        return g

    def contribute(self, g: list[float], slot: int, local: float, upstream: float) -> None:
        """Add a contribution: zero where either factor is, whatever the other."""
        g[slot] += table.MULTIPLY_NO_NAN.forward(local, upstream)


_DOTS = (program.DOT, program.DOT_SCALARS, program.DOT_ALL_SCALARS)


def _is_index(x: float, count: int) -> bool:
    return 0.0 <= x < count and x % 1.0 == 0.0
