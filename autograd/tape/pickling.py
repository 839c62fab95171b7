"""What a tape is made of, and its pickled form: versioned, and checked whole when it is loaded.

A program is never pickled: the graph that it was lowered from is, primitives by name, and is lowered again. So nothing
that a file says reaches the replay but through the checks here.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from autograd.arguments import shortened
from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE, Primitive, by_name
from autograd.tape.graph import FlatGraph
from autograd.value import Value

__all__ = ["Form", "leaves_of", "packed", "unpacked"]

_VERSION = 1
_COMPARISONS = (table.LESS, table.LESS_OR_EQUAL, table.EQUAL, table.NOT_EQUAL)
_ARRAYS = (
    "codes",
    "starts",
    "operands",
    "outputs",
    "guard_codes",
    "guard_lefts",
    "guard_rights",
    "guard_outcomes",
    "guard_places",
)


class Form:
    """What a tape is made of, besides its parameters: what a pickle of it holds.

    Attributes:
        flat: the graph.
        receiving: for each parameter whether it receives a gradient.
        names: what the inputs are called.
        is_list: whether the output was a list.
        lines: where the program decided, a text for each guard; None for a standing graph.
        recorded: how many nodes were computed while it was recorded.
    """

    __slots__ = ("flat", "is_list", "lines", "names", "receiving", "recorded")

    def __init__(
        self,
        flat: FlatGraph,
        receiving: array[int],
        names: Sequence[str],
        is_list: bool,
        lines: list[str] | None,
        recorded: int,
    ) -> None:
        self.flat = flat
        self.receiving = receiving
        self.names = tuple(names)
        self.is_list = is_list
        self.lines = lines
        self.recorded = recorded


def leaves_of(flat: FlatGraph, output: int) -> tuple[list[int], list[int]]:
    """The places of the inputs, and those of the parameters, that an output depends on.

    >>> from autograd.tape.record import record
    >>> flat = record(lambda x, y: [x * x, y], inputs=[1.0, 2.0])._form.flat
    >>> [leaves_of(flat, output) for output in flat.outputs]
    [([0], []), ([1], [])]
    """
    first = flat.inputs + flat.params
    reached = bytearray(first + len(flat.codes))
    if output >= 0:
        reached[output] = 1
    for k in range(output - first, -1, -1):
        if reached[first + k]:
            for i in flat.operands[flat.starts[k] : flat.starts[k + 1]]:
                if i >= 0:
                    reached[i] = 1
    inputs = [i for i in range(flat.inputs) if reached[i]]
    return inputs, [i for i in range(flat.params) if reached[flat.inputs + i]]


def packed(form: Form) -> dict[str, Any]:
    """A form as plain objects; codes of primitives are places in a list of their names."""
    flat = form.flat
    codes = sorted({*flat.codes, *flat.guard_codes})
    place = {code: i for i, code in enumerate(codes)}
    arrays = {name: getattr(flat, name) for name in _ARRAYS}
    for name in ("codes", "guard_codes"):
        arrays[name] = array("i", [place[code] for code in arrays[name]])
    return {
        "version": _VERSION,
        "primitives": [_primitive(code).name for code in codes],
        "inputs": list(form.names),
        "constants": flat.constants,
        "receiving": form.receiving,
        "is_list": form.is_list,
        "lines": form.lines,
        "recorded": form.recorded,
        **arrays,
    }


def unpacked(state: Any, params: Any) -> tuple[Form, tuple[Value, ...]]:
    """The form and the parameters that a pickle holds.

    Raises:
        ValueError: it is none, or of another version, or does not hold together; the error says what is wrong.
    """
    _expect(type(state) is dict, f"a dict was due, not {type(state).__name__}")
    _expect(state.get("version") == _VERSION, f"version {state.get('version')!r}, and this is version {_VERSION}")
    _expect(
        state.keys() == {*_KEYS, *_ARRAYS},
        f"it has {', '.join(sorted(map(str, state)))[:200]}, which is not what was due",
    )
    for name, kind in _KEYS.items():
        _expect(
            type(state[name]) is kind or (name == "lines" and state[name] is None), f"{name!r} is no {kind.__name__}"
        )
    for name in (*_ARRAYS, "receiving"):
        _expect(type(state[name]) is array and state[name].typecode == "i", f"{name!r} is no array of integers")
    _expect(state["constants"].typecode == "d", "'constants' is no array of floats")
    names, lines = state["inputs"], state["lines"]
    _expect(all(type(x) is str for x in [*names, *state["primitives"], *(lines or [])]), "a name is no str")
    parameters = _checked_params(params)
    primitives = [_known(name) for name in state["primitives"]]
    flat = FlatGraph(len(names), len(parameters))
    flat.constants = state["constants"]
    for name in _ARRAYS:
        setattr(flat, name, state[name])
    for name in ("codes", "guard_codes"):
        _expect(all(0 <= i < len(primitives) for i in state[name]), f"{name!r} names a primitive that is not listed")
        setattr(flat, name, array("i", [primitives[i].code for i in state[name]]))
    _check_nodes(flat)
    _check_outputs(flat, state["is_list"])
    _check_guards(flat, lines)
    receiving = state["receiving"]
    _expect(len(receiving) == len(parameters) and set(receiving) <= {0, 1}, "'receiving' does not fit the parameters")
    _expect(state["recorded"] >= 0, "'recorded' is negative")
    return Form(flat, receiving, names, state["is_list"], lines, state["recorded"]), parameters


_KEYS: dict[str, type] = {
    "version": int,
    "primitives": list,
    "inputs": list,
    "constants": array,
    "receiving": array,
    "is_list": bool,
    "lines": list,
    "recorded": int,
}


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"this is no pickle of a tape: {what}")


def _primitive(code: int) -> Primitive:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive


def _known(name: str) -> Primitive:
    primitive = by_name(name)
    if primitive is None:
        raise ValueError(
            f"the tape uses the primitive {shortened(name)}: declare it (autograd.primitive) before loading"
        )
    _expect(name != "taped", "a result of a taped function cannot be replayed")
    return primitive


def _checked_params(params: Any) -> tuple[Value, ...]:
    _expect(type(params) is tuple and all(type(p) is Value for p in params), "the parameters are no tuple of Values")
    _expect(len({id(p) for p in params}) == len(params), "a parameter is there twice")
    _expect(not any(p.op for p in params), "a parameter is a computed Value")
    found: tuple[Value, ...] = params
    return found


def _check_nodes(flat: FlatGraph) -> None:
    nodes, first, starts, lowest = len(flat.codes), flat.inputs + flat.params, flat.starts, -len(flat.constants)
    _expect(len(starts) == nodes + 1 and starts[0] == 0 and starts[-1] == len(flat.operands), "'starts' does not fit")
    _expect(len(flat.operands) + first < 2**28, "it is too large")
    for k, code in enumerate(flat.codes):
        low, high = starts[k], starts[k + 1]
        _expect(0 <= low <= high <= len(flat.operands), f"the operands of node {k} lie outside")
        _expect(_primitive(code).takes(high - low), f"node {k}: {_primitive(code).name} of {high - low} operands")
        operands = flat.operands[low:high]
        _expect(all(lowest <= i < first + k for i in operands), f"an operand of node {k} does not stand before it")
        _expect(code != table.POWER_CONSTANT.code or operands[1] < 0, f"the exponent of node {k} is no constant")


def _check_outputs(flat: FlatGraph, is_list: bool) -> None:
    last, lowest = flat.inputs + flat.params + len(flat.codes), -len(flat.constants)
    _expect(len(flat.outputs) == 1 or (is_list and len(flat.outputs) > 1), "the outputs do not fit")
    _expect(all(lowest <= i < last for i in flat.outputs), "an output is no number of the graph")


def _check_guards(flat: FlatGraph, lines: list[str] | None) -> None:
    first, lowest, places = flat.inputs + flat.params, -len(flat.constants), flat.guard_places
    count = len(lines or [])
    columns = (flat.guard_codes, flat.guard_lefts, flat.guard_rights, flat.guard_outcomes, places)
    _expect(all(len(column) == count for column in columns), "there is not one line for each guard")
    _expect(list(places) == sorted(places), "the guards are not in order")
    for code, left, right, outcome, place in zip(*columns, strict=True):
        _expect(_primitive(code) in _COMPARISONS and outcome in (0, 1), "a guard is no comparison")
        _expect(0 <= place <= len(flat.codes), "a guard lies outside")
        _expect(all(lowest <= i < first + place for i in (left, right)), "a guard compares what is not there yet")
