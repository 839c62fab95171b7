"""The parts of a tape and their pickled form, which has a version and is checked completely when it is loaded.

Programs are not pickled, but the graph with its primitives by name, which is lowered again. So whatever a file contains
passes the checks here before it reaches a replay.
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
    """The parts of a tape besides its parameters.

    Attributes:
        flat: The graph.
        receiving: For each parameter whether it receives a gradient.
        names: The names of the inputs.
        is_list: Whether the output is a list.
        lines: The source line of each guard; None for an existing graph.
        recorded: The number of nodes that were computed while the tape was recorded.
        draws: The number of inputs, the last ones, that are drawn at random.
    """

    __slots__ = ("draws", "flat", "is_list", "lines", "names", "receiving", "recorded")

    def __init__(
        self,
        flat: FlatGraph,
        receiving: array[int],
        names: Sequence[str],
        is_list: bool,
        lines: list[str] | None,
        recorded: int,
        draws: int = 0,
    ) -> None:
        self.flat = flat
        self.receiving = receiving
        self.names = tuple(names)
        self.is_list = is_list
        self.lines = lines
        self.recorded = recorded
        self.draws = draws


def leaves_of(flat: FlatGraph, output: int) -> tuple[list[int], list[int]]:
    """Return the places of the inputs and those of the parameters that an output depends on.

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
        "draws": form.draws,
        **arrays,
    }


def unpacked(state: Any, params: Any) -> tuple[Form, tuple[Value, ...]]:
    """Return the form and the parameters that a pickle holds.

    Raises:
        ValueError: The state is not that of a tape, has another version, or is inconsistent; the error says how.
    """
    _expect(type(state) is dict, f"its state must be a dict, not {type(state).__name__}")
    _expect(
        state.get("version") == _VERSION,
        f"its version is {state.get('version')!r}, and this package reads version {_VERSION}",
    )
    _expect(
        state.keys() == {*_KEYS, *_ARRAYS},
        f"its keys {', '.join(sorted(map(str, state)))[:200]} are not the expected ones",
    )
    for name, kind in _KEYS.items():
        _expect(
            type(state[name]) is kind or (name == "lines" and state[name] is None),
            f"{name!r} is not of type {kind.__name__}",
        )
    for name in (*_ARRAYS, "receiving"):
        _expect(type(state[name]) is array and state[name].typecode == "i", f"{name!r} is not an array of integers")
    _expect(state["constants"].typecode == "d", "'constants' is not an array of floats")
    names, lines = state["inputs"], state["lines"]
    _expect(all(type(x) is str for x in [*names, *state["primitives"], *(lines or [])]), "a name is not a str")
    parameters = _checked_params(params)
    primitives = [_known(name) for name in state["primitives"]]
    flat = FlatGraph(len(names), len(parameters))
    flat.constants = state["constants"]
    for name in _ARRAYS:
        setattr(flat, name, state[name])
    for name in ("codes", "guard_codes"):
        _expect(
            all(0 <= i < len(primitives) for i in state[name]), f"{name!r} refers to a primitive that is not listed"
        )
        setattr(flat, name, array("i", [primitives[i].code for i in state[name]]))
    _check_nodes(flat)
    _check_outputs(flat, state["is_list"])
    _check_guards(flat, lines)
    receiving = state["receiving"]
    _expect(len(receiving) == len(parameters) and set(receiving) <= {0, 1}, "'receiving' does not match the parameters")
    _expect(state["recorded"] >= 0, "'recorded' is negative")
    _expect(0 <= state["draws"] <= len(names), "'draws' does not fit the inputs")
    return Form(flat, receiving, names, state["is_list"], lines, state["recorded"], state["draws"]), parameters


_KEYS: dict[str, type] = {
    "version": int,
    "primitives": list,
    "inputs": list,
    "constants": array,
    "receiving": array,
    "is_list": bool,
    "lines": list,
    "recorded": int,
    "draws": int,
}


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"this is not a valid pickle of a tape: {what}")


def _primitive(code: int) -> Primitive:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive


def _known(name: str) -> Primitive:
    primitive = by_name(name)
    if primitive is None:
        raise ValueError(
            f"the tape uses the primitive {shortened(name)}: declare it (autograd.primitive) before loading the tape"
        )
    _expect(name != "taped", "a result of a taped function cannot be replayed")
    return primitive


def _checked_params(params: Any) -> tuple[Value, ...]:
    _expect(type(params) is tuple and all(type(p) is Value for p in params), "the parameters are not a tuple of Values")
    _expect(len({id(p) for p in params}) == len(params), "a parameter occurs twice")
    _expect(not any(p.op for p in params), "a parameter is a computed Value")
    found: tuple[Value, ...] = params
    return found


def _check_nodes(flat: FlatGraph) -> None:
    nodes, first, starts, lowest = len(flat.codes), flat.inputs + flat.params, flat.starts, -len(flat.constants)
    _expect(
        len(starts) == nodes + 1 and starts[0] == 0 and starts[-1] == len(flat.operands),
        "'starts' does not match the operands",
    )
    _expect(len(flat.operands) + first < 2**28, "it is too large")
    for k, code in enumerate(flat.codes):
        low, high = starts[k], starts[k + 1]
        _expect(0 <= low <= high <= len(flat.operands), f"the operands of node {k} are out of range")
        _expect(_primitive(code).takes(high - low), f"node {k}: {_primitive(code).name} of {high - low} operands")
        operands = flat.operands[low:high]
        _expect(all(lowest <= i < first + k for i in operands), f"an operand of node {k} does not come before it")
        _expect(code != table.POWER_CONSTANT.code or operands[1] < 0, f"the exponent of node {k} is not a constant")


def _check_outputs(flat: FlatGraph, is_list: bool) -> None:
    last, lowest = flat.inputs + flat.params + len(flat.codes), -len(flat.constants)
    _expect(
        len(flat.outputs) == 1 or (is_list and len(flat.outputs) > 1), "the number of outputs does not match 'is_list'"
    )
    _expect(all(lowest <= i < last for i in flat.outputs), "an output is not in the graph")


def _check_guards(flat: FlatGraph, lines: list[str] | None) -> None:
    first, lowest, places = flat.inputs + flat.params, -len(flat.constants), flat.guard_places
    count = len(lines or [])
    columns = (flat.guard_codes, flat.guard_lefts, flat.guard_rights, flat.guard_outcomes, places)
    _expect(all(len(column) == count for column in columns), "the number of lines is not that of the guards")
    _expect(list(places) == sorted(places), "the guards are not in order")
    for code, left, right, outcome, place in zip(*columns, strict=True):
        _expect(_primitive(code) in _COMPARISONS and outcome in (0, 1), "a guard is not a comparison")
        _expect(0 <= place <= len(flat.codes), "a guard is out of range")
        _expect(
            all(lowest <= i < first + place for i in (left, right)),
            "a guard compares a number that does not come before it",
        )
