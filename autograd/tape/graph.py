# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""A graph as flat arrays: what a tape means. It is replayed as it stands or lowered first, and a pickle holds it.

Every number of the graph has an id: first the inputs, then the parameters (the leaves that are not inputs), then the
computed nodes in the order of their creation, which is a topological order. Constants have the ids -1, -2, ...
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.places import Index
from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE
from autograd.value import Value, creation_number, many, operand_count, operand_node, operand_number, reached_by

if TYPE_CHECKING:
    from autograd.tape.recorder import Guard

__all__ = [
    "LAST",
    "FlatGraph",
    "check_size",
    "difference",
    "flatten_graph",
    "folded",
    "gradients_needed",
    "inert_operands",
]

LAST = _LAST = 8
"""In a mask of operands: the last one."""

_LARGEST = 2**27


class FlatGraph:
    """The flat arrays of a graph.

    Attributes:
        inputs, params: The number of inputs and of parameters.
        constants: The numbers among the operands.
        codes: The code of the primitive of each computed node.
        starts: Where the operands of each node begin, and the end of the last ones.
        operands: The ids of the operands.
        outputs: The ids of the outputs.
        guard_codes, guard_lefts, guard_rights, guard_outcomes: For each guard the code of the comparison, the ids of
            its operands, and its outcome.
        guard_places: The number of computed nodes before each guard.
        kinds: For each code whether a node has it; empty if this was not noted.
    """

    __slots__ = (
        "codes",
        "constants",
        "guard_codes",
        "guard_lefts",
        "guard_outcomes",
        "guard_places",
        "guard_rights",
        "inputs",
        "kinds",
        "operands",
        "outputs",
        "params",
        "starts",
    )

    def __init__(self, inputs: int, params: int) -> None:
        self.inputs = inputs
        self.params = params
        self.constants = array("d")
        self.codes = array("i")
        self.starts = array("i", [0])
        self.operands = array("i")
        self.outputs = array("i")
        self.guard_codes = array("i")
        self.guard_lefts = array("i")
        self.guard_rights = array("i")
        self.guard_outcomes = array("i")
        self.guard_places = array("i")
        self.kinds = bytearray()


@cython.cclass
class Flattening:
    """A graph that is being flattened."""

    def __init__(self, flat: FlatGraph, leaves: list[Value], computed: list[Value], inputs: list[Value]) -> None:
        self.flat = flat
        self.leaves = Index(leaves, len(inputs))
        self.nodes = Index(computed, len(inputs) + len(leaves))
        self.inputs = Index(inputs, 0)
        self.constants: dict[float, int] = {}

    def id_of(self, node: Value) -> int:
        """Return the id of a node."""
        found = self.nodes.find(node._number)
        if found < 0:
            found = self.leaves.find(node._number)
        return found if found >= 0 else self.inputs.find(node._number)

    def id_of_number(self, number: float) -> int:
        """Return the id of a constant; equal constants share it."""
        known = self.constants.get(number, 0)
        if known < 0 and number != 0.0:
            return known
        self.flat.constants.append(number)
        self.constants[number] = known = -len(self.flat.constants)
        return known

    def flatten(self, computed: list[Value]) -> None:
        """Append computed nodes, which are given oldest first."""
        nodes = len(computed)
        total = 0
        for k in range(nodes):
            total += operand_count(computed[k])
        self.flat.codes = array("i", [0]) * nodes
        self.flat.starts = array("i", [0]) * (nodes + 1)
        self.flat.operands = array("i", [0]) * total
        self.flat.kinds = kinds = bytearray(len(BY_CODE))
        if nodes == 0:
            return
        codes, starts, operands = self.flat.codes, self.flat.starts, self.flat.operands
        to = 0
        for k in range(nodes):
            node = computed[k]
            codes[k] = node._code
            kinds[codes[k]] = 1
            for i in range(operand_count(node)):
                parent = operand_node(node, i)
                operands[to] = self.id_of_number(operand_number(node, i)) if parent is None else self.id_of(parent)
                to += 1
            starts[k + 1] = to


def flatten_graph(
    outputs: Sequence[Value | float], guards: Sequence[Guard], inputs: list[Value], asked: Sequence[Value] = ()
) -> tuple[FlatGraph, list[Value], list[Value]]:
    """Return the graph that outputs and guards depend on.

    Args:
        outputs: The outputs.
        guards: The guards.
        inputs: The inputs.
        asked: Computed nodes.

    Returns:
        The graph, its parameters in the order of their creation, and those of the nodes `asked` that it does not have.
    """
    roots: list[Value | float] = [x for x in outputs if type(x) is Value]
    for guard in guards:
        roots += [x for x in (guard.left, guard.right) if type(x) is Value]
    computed: list[Value] = []
    leaves: list[Value] = []
    if roots:
        computed, leaves = reached_by(many(table.SUM, roots))
        computed.reverse()
        computed.pop()  # the sum
    params = _parameters(leaves, inputs)
    flat = FlatGraph(len(inputs), len(params))
    flattening = Flattening(flat, params, computed, inputs)
    flattening.flatten(computed)

    def id_of(x: Value | float) -> int:
        return flattening.id_of(x) if isinstance(x, Value) else flattening.id_of_number(x)

    # no lists of comprehensions: compiled, one that lacks memory in the middle gives an entry back twice (Cython 3.3)
    flat.outputs = array("i", map(id_of, outputs))
    numbers = list(map(creation_number, computed)) if guards else []
    for guard in guards:
        flat.guard_codes.append(guard.primitive.code)
        flat.guard_lefts.append(id_of(guard.left))
        flat.guard_rights.append(id_of(guard.right))
        flat.guard_outcomes.append(guard.outcome)
        flat.guard_places.append(bisect_right(numbers, guard.after))
    lacking: list[Value] = []
    for node in asked:
        if flattening.id_of(node) < 0:
            lacking.append(node)  # noqa: PERF401 - as above
    return flat, params, lacking


def _parameters(leaves: list[Value], inputs: list[Value]) -> list[Value]:
    """Return the leaves that are not inputs, in the order of their creation."""
    if not cython.compiled:
        ids = set(map(id, inputs))
        return sorted([leaf for leaf in leaves if id(leaf) not in ids], key=creation_number)
    given = Index(inputs, 0)
    params: list[Value] = []
    low = high = 0
    for k in range(len(leaves)):
        leaf = leaves[k]
        if given.find(leaf._number) >= 0:
            continue
        if not params or leaf._number < low:
            low = leaf._number
        if not params or leaf._number > high:
            high = leaf._number
        params.append(leaf)
    if high - low >= 16 * len(params) + 1024:
        return sorted(params, key=creation_number)
    # numbers of one model are dense: each has a place of its own in a table of their range
    places = array("i", [0]) * (high - low + 1)
    for k in range(len(params)):
        leaf = params[k]
        places[leaf._number - low] = k + 1
    found: list[Value] = []
    for k in range(len(places)):
        if places[k]:
            found.append(params[places[k] - 1])  # noqa: PERF401 - as in `flatten_graph`
    return found


def difference(one: FlatGraph, other: FlatGraph) -> str | None:
    """Return how the graphs of two runs of a function differ: None, "branch", or "frozen".

    Where a guard has another outcome, the program took another branch, and nothing else can be said of the graphs. Any
    other difference comes from what is not among the inputs: a number or a decision that a tape would keep as it is.
    """
    for was, now in zip(one.guard_outcomes, other.guard_outcomes, strict=False):
        if was != now:
            return "branch"
    names = [name for name in FlatGraph.__slots__ if name not in ("kinds", "constants")]
    same = all(getattr(one, name) == getattr(other, name) for name in names)
    return None if same and one.constants.tobytes() == other.constants.tobytes() else "frozen"


def check_size(flat: FlatGraph) -> None:
    """Raise OverflowError if a graph is too large for the 32-bit places of a program."""
    if len(flat.operands) + len(flat.codes) + flat.inputs + flat.params >= _LARGEST:
        raise OverflowError(f"a graph of {len(flat.codes):,} nodes is too large for a tape: record a part of it")


def inert_operands() -> array[int]:
    """Return, for the code of each primitive, a mask of the operands to which no gradient ever passes.

    These are the operands whose local derivative is the constant 0.
    """
    return _inert_operands(len(BY_CODE))


@cache
def _inert_operands(codes: int) -> array[int]:  # again only when a user has declared another primitive
    masks = array("i", bytes(4 * codes))
    for code, primitive in enumerate(BY_CODE):
        if primitive is None:
            continue
        if primitive.arity is not None:
            masks[code] = sum(1 << i for i, formula in enumerate(primitive.derivatives) if formula == "0")
        elif primitive.takes_index:
            masks[code] = LAST
    return masks


def gradients_needed(flat: FlatGraph, receiving: array[int]) -> array[int]:
    """Return for each id whether a gradient passes through it: bit 0 to parameters, bit 1 to inputs.

    Args:
        flat: The graph.
        receiving: For each parameter whether it receives a gradient.
    """
    count = flat.inputs + flat.params + len(flat.codes)
    need, up = array("i", [0]) * (count + 1), array("i", [0]) * (count + 1)
    for i in range(flat.inputs + flat.params):
        up[i] = 2 if i < flat.inputs else receiving[i - flat.inputs]
    codes = flat.codes if len(flat.codes) else array("i", [0])
    operands = flat.operands if len(flat.operands) else array("i", [0])
    inert = inert_operands()
    _mark_from_leaves(codes, flat.starts, operands, inert, up, len(flat.codes))
    for output in flat.outputs:
        if output >= 0:
            need[output] = up[output]
    _mark_from_outputs(codes, flat.starts, operands, inert, up, need, len(flat.codes))
    return need


def _mark_from_leaves(
    codes: array[int], starts: array[int], operands: array[int], inert: array[int], up: array[int], nodes: int
) -> None:
    """Mark what each node depends on."""
    first = len(up) - 1 - nodes
    for k in range(nodes):
        mask = inert[codes[k]]
        low = starts[k]
        found = 0
        for j in range(low, starts[k + 1] - (mask == _LAST)):
            if operands[j] >= 0 and not (mask < _LAST and j - low < 3 and mask >> (j - low) & 1):
                found |= up[operands[j]]
        up[first + k] = found


def _mark_from_outputs(
    codes: array[int],
    starts: array[int],
    operands: array[int],
    inert: array[int],
    up: array[int],
    need: array[int],
    nodes: int,
) -> None:
    """Mark those that an output depends on."""
    first = len(up) - 1 - nodes
    for k in range(nodes - 1, -1, -1):
        if need[first + k] == 0:
            continue
        mask = inert[codes[k]]
        low = starts[k]
        for j in range(low, starts[k + 1] - (mask == _LAST)):
            if operands[j] >= 0 and not (mask < _LAST and j - low < 3 and mask >> (j - low) & 1):
                need[operands[j]] = up[operands[j]]


def folded(flat: FlatGraph) -> FlatGraph:
    """Return the graph without the nodes that are computed from constants alone."""
    first = flat.inputs + flat.params
    renamed: dict[int, int] = {}
    result: FlatGraph | None = None
    if not _has_constant_node(flat.starts, flat.operands, len(flat.codes)):
        return flat
    result = FlatGraph(flat.inputs, flat.params)
    result.constants = flat.constants[:]
    places = [0]
    for k, code in enumerate(flat.codes):
        ids = [renamed.get(i, i) for i in flat.operands[flat.starts[k] : flat.starts[k + 1]]]
        if all(i < 0 for i in ids):
            primitive = BY_CODE[code]
            assert primitive is not None
            numbers = [flat.constants[-1 - i] if -i <= len(flat.constants) else result.constants[-1 - i] for i in ids]
            result.constants.append(
                primitive.forward(numbers) if primitive.arity is None else primitive.forward(*numbers)
            )
            renamed[first + k] = -len(result.constants)
        else:
            renamed[first + k] = first + len(result.codes)
            result.codes.append(code)
            result.operands.extend(ids)
            result.starts.append(len(result.operands))
        places.append(len(result.codes))
    result.outputs = array("i", [renamed.get(i, i) for i in flat.outputs])
    result.guard_codes, result.guard_outcomes = flat.guard_codes, flat.guard_outcomes
    result.guard_lefts = array("i", [renamed.get(i, i) for i in flat.guard_lefts])
    result.guard_rights = array("i", [renamed.get(i, i) for i in flat.guard_rights])
    result.guard_places = array("i", [places[place] for place in flat.guard_places])
    return result


def _has_constant_node(starts: array[int], operands: array[int], nodes: int) -> bool:
    for k in range(nodes):
        found = False
        for i in range(starts[k], starts[k + 1]):
            if operands[i] >= 0:
                found = True
                break
        if not found:
            return True
    return False
