"""Replay a flat graph as it stands, node by node, one row at a time.

It does what `Value.backward` does on the nodes that eager code would create: newest node first, operands from left to
right, with the same zero rule. So its bits are eager's by construction. The pure build replays tapes by it, and the
compiled executors, which run the lowered program, are held to it by tests.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Iterable, Sequence
from itertools import repeat
from math import isfinite

from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE, PRIMITIVES, Primitive
from autograd.tape.graph import FlatGraph

__all__ = ["Interpreter", "interpret_columns"]

_ADD = table.ADD.code
_MULTIPLY = table.MULTIPLY.code
_INDEXED = frozenset(primitive.code for primitive in PRIMITIVES.values() if primitive.takes_index)
_OPERATORS = {  # the same bits, sooner; the last one raises an error where the primitive gives inf or nan
    _ADD: operator.add,
    table.SUBTRACT.code: operator.sub,
    _MULTIPLY: operator.mul,
    table.DIVIDE.code: operator.truediv,
}
_GUARD = 0  # in place of the code of a primitive


class Interpreter:
    """A flat graph with room for the numbers of one row.

    Numbers are found by their ids; constants, whose ids are -1, -2, ..., lie at the end of the list.
    """

    def __init__(self, flat: FlatGraph) -> None:
        first = flat.inputs + flat.params
        self.inputs = flat.inputs
        self.params = range(flat.inputs, first)
        self.outputs = flat.outputs.tolist()
        self.values = [0.0] * (first + len(flat.codes)) + flat.constants[::-1].tolist()
        self.locals: list[Sequence[float]] = [()] * (first + len(flat.codes))
        starts, operands = flat.starts, flat.operands.tolist()
        self.nodes = [
            (first + k, code, _primitive(code), operands[starts[k] : starts[k + 1]])
            for k, code in enumerate(flat.codes)
        ]
        # nodes and guards, each guard where the program decided
        self.steps: list[tuple[int, int, Primitive, list[int]]] = []
        at = 0
        for guard, place in enumerate(flat.guard_places):
            compared = [flat.guard_lefts[guard], flat.guard_rights[guard], flat.guard_outcomes[guard]]
            self.steps += self.nodes[at:place]
            self.steps.append((guard, _GUARD, _primitive(flat.guard_codes[guard]), compared))
            at = place
        self.steps += self.nodes[at:]

    def forward(self, row: Sequence[float], keeps: bool) -> tuple[int, float, float] | None:
        """Compute all nodes of a row.

        Args:
            row: The inputs.
            keeps: Whether to keep the local derivatives, which `backward` needs.

        Returns:
            None; or where it stopped: the number of a guard and what it compares, or -1, an index and the number of
            values that it does not index.
        """
        v = self.values
        v[: self.inputs] = row
        for out, code, primitive, xs in self.steps:
            if code == _MULTIPLY:
                v[out] = v[xs[0]] * v[xs[1]]
            elif code == _ADD:
                v[out] = v[xs[0]] + v[xs[1]]
            elif code == _GUARD:
                x, y, outcome = v[xs[0]], v[xs[1]], xs[2]
                if (primitive.forward(x, y) != 0.0) != outcome:
                    return out, x, y
            else:
                numbers = [v[x] for x in xs]
                if code in _INDEXED and not _is_index(numbers[-1], len(numbers) - 1):
                    return -1, numbers[-1], len(numbers) - 1
                arguments = (numbers,) if primitive.arity is None else numbers
                if keeps:
                    v[out], self.locals[out] = primitive.evaluate(*arguments)
                else:
                    v[out] = primitive.forward(*arguments)
        return None

    def backward(self, seeds: Sequence[float]) -> list[float]:
        """Return the gradients of all numbers by id, after `forward`.

        Args:
            seeds: The upstream gradient of each output.
        """
        v = self.values
        g = [0.0] * len(v)
        for output, seed in zip(self.outputs, seeds, strict=True):
            g[output] += seed
        for out, code, _, xs in reversed(self.nodes):
            upstream = g[out]
            if upstream == 0.0:
                continue
            if code == _ADD:
                g[xs[0]] += upstream
                g[xs[1]] += upstream
                continue
            for x, local in zip(xs, (v[xs[1]], v[xs[0]]) if code == _MULTIPLY else self.locals[out], strict=True):
                if local != 0.0:  # a contribution is zero if either factor is, whatever the other is
                    g[x] += local * upstream
        return g


def interpret_columns(
    flat: FlatGraph, params: Sequence[float], inputs: Sequence[array[float]], outputs: Sequence[array[float]]
) -> int:
    """Compute a graph without guards on columns, node by node for all rows, as `Replayer.columns` does.

    Args:
        flat: The graph.
        params: The numbers of the parameters.
        inputs: A column per input.
        outputs: The columns that receive the outputs.

    Returns:
        A row with an index out of range; else -1 if all outputs are finite, -2 if one is not.
    """
    rows = len(inputs[0])
    found: list[Sequence[float]] = [*inputs]  # the columns of the inputs and of the nodes

    def column(i: int) -> Iterable[float]:
        """Return the numbers that an id has in all rows."""
        if i < 0:
            return repeat(flat.constants[-1 - i], rows)
        if flat.inputs <= i < flat.inputs + flat.params:
            return repeat(params[i - flat.inputs], rows)
        return found[i if i < flat.inputs else i - flat.params]

    for k, code in enumerate(flat.codes):
        ids = flat.operands[flat.starts[k] : flat.starts[k + 1]]
        if code in _INDEXED:
            for row, index in enumerate(column(ids[-1])):
                if not _is_index(index, len(ids) - 1):
                    return row
        primitive = _primitive(code)
        if primitive.arity is None:
            found.append([primitive.forward(numbers) for numbers in zip(*map(column, ids), strict=True)])
        else:
            try:
                found.append(list(map(_OPERATORS.get(code, primitive.forward), *map(column, ids))))
            except ZeroDivisionError:
                found.append(list(map(primitive.forward, *map(column, ids))))
    for output, i in zip(outputs, flat.outputs, strict=True):
        output[:] = array("d", column(i))
    return -1 if all(all(map(isfinite, output)) for output in outputs) else -2


def _primitive(code: int) -> Primitive:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive


def _is_index(x: float, count: int) -> bool:
    return 0.0 <= x < count and x % 1.0 == 0.0
