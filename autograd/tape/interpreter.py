"""Replay a flat graph as it stands, node by node, one row at a time.

It does what `Value.backward` does on the nodes that eager code would create: newest node first, operands from left to
right, with the same zero rule. So its bits are eager's by construction. The pure build replays tapes by it, and the
compiled executors, which run the lowered program, are held to it by tests.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from math import isfinite, sqrt
from typing import Any

from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE, PRIMITIVES, Primitive
from autograd.tape.graph import FlatGraph

__all__ = ["Interpreter", "column_function"]

_ADD = table.ADD.code
_MULTIPLY = table.MULTIPLY.code
_INDEXED = frozenset(primitive.code for primitive in PRIMITIVES.values() if primitive.takes_index)
_OPERATORS = {_ADD: "+", table.SUBTRACT.code: "-", _MULTIPLY: "*", table.DIVIDE.code: "/"}
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


def column_function(flat: FlatGraph, divides: bool = True) -> Callable[..., int]:
    """Return a Python function that computes a graph without guards on columns, as `Replayer.columns` does.

    Args:
        flat: The graph.
        divides: Whether `/` stands for division; it raises ZeroDivisionError where the primitive gives inf or nan.
    """
    first = flat.inputs + flat.params
    names: dict[str, Any] = {"array": array, "isfinite": isfinite, "is_index": _is_index, "sqrt": sqrt}
    operators = _OPERATORS if divides else {code: sign for code, sign in _OPERATORS.items() if sign != "/"}
    body = []

    def name(i: int) -> str:
        if i < 0:
            return repr(flat.constants[-1 - i]) if isfinite(flat.constants[-1 - i]) else f"c{-1 - i}"
        return f"x{i}"

    for k, code in enumerate(flat.codes):
        xs = [name(i) for i in flat.operands[flat.starts[k] : flat.starts[k + 1]]]
        if code in _INDEXED:
            body.append(f"if not is_index({xs[-1]}, {len(xs) - 1}): return len(out0)")
        if code in operators:
            result = f"{xs[0]} {operators[code]} {xs[1]}"
        elif code == table.SQRT.code:  # without the call that zero and numbers outside the domain need
            names[f"f{code}"] = table.SQRT.forward
            result = f"sqrt({xs[0]}) if {xs[0]} > 0.0 else f{code}({xs[0]})"
        else:
            names[f"f{code}"] = _primitive(code).forward
            result = f"f{code}(({', '.join(xs)},))" if _primitive(code).arity is None else f"f{code}({', '.join(xs)})"
        body.append(f"x{first + k} = {result}")
    body += [f"append{o}({name(i)})" for o, i in enumerate(flat.outputs)]
    names |= {f"c{j}": number for j, number in enumerate(flat.constants) if not isfinite(number)}
    outs = "".join(f"out{o}, " for o in range(len(flat.outputs)))
    columns = f"{''.join(f'x{i}, ' for i in range(flat.inputs))}in zip(*inputs)"
    lines = [
        "def rows(inputs, params, outputs):",
        *(f" x{flat.inputs + p} = params[{p}]" for p in range(flat.params)),
        *(f" out{o} = []; append{o} = out{o}.append" for o in range(len(flat.outputs))),
        f" for {columns if flat.inputs else '_ in outputs[0]'}:",
        *(f"  {line}" for line in body),
        f" for output, found in zip(outputs, ({outs})): output[:] = array('d', found)",
        # where a sum is finite, each number is
        f" return -1 if all(isfinite(sum(found)) or all(map(isfinite, found)) for found in ({outs})) else -2",
    ]
    exec("\n".join(lines), names)  # numbers and names of this function alone
    return names["rows"]  # type: ignore[no-any-return]


def _primitive(code: int) -> Primitive:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive


def _is_index(x: float, count: int) -> bool:
    return 0.0 <= x < count and x % 1.0 == 0.0
