"""A model as units in layers, found in the graph that one of its outputs stands on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autograd import Value, topological_order

__all__ = ["Network", "network_of"]


@dataclass(slots=True)
class Network:
    """Units by layer and the weights between them.

    Attributes:
        layers: by unit its layer, 0 for the inputs.
        links: (unit, unit, parameter): a weight, or -1 for a link that has none.
        biases: by unit the parameter that is added to it, or -1.
    """

    layers: list[int] = field(default_factory=list)
    links: list[tuple[int, int, int]] = field(default_factory=list)
    biases: list[int] = field(default_factory=list)

    def add(self, layer: int) -> int:
        """Add a unit, and return its index."""
        self.layers.append(layer)
        self.biases.append(-1)
        return len(self.layers) - 1


@dataclass(slots=True)
class _Sum:
    """What a node adds up so far: weighted units, units as they are, parameters alone."""

    terms: list[tuple[int, int]] = field(default_factory=list)  # unit, parameter or -1
    biases: list[int] = field(default_factory=list)


def network_of(outputs: Iterable[Value], inputs: Sequence[Value], parameters: Sequence[Value]) -> Network:
    """Return the network that ``outputs`` were computed by.

    A sum of products of parameters and units is a unit, together with the functions of one operand that follow; so is
    whatever combines several units in another way.

    Args:
        outputs: what the model returned.
        inputs: the Values it was called with.
        parameters: its parameters.

    >>> x, w, b = Value(1.0), Value(2.0), Value(3.0)
    >>> network_of([(x * w + b).tanh()], [x], [w, b])
    Network(layers=[0, 1], links=[(0, 1, 0)], biases=[-1, 1])
    """
    builder = _Builder(inputs, parameters)
    for output in outputs:
        for node in topological_order(output):
            builder.visit(node)
        builder.unit(output)
    return builder.network


class _Builder:
    def __init__(self, inputs: Sequence[Value], parameters: Sequence[Value]) -> None:
        self.network = Network()
        self.parameters = {id(parameter): index for index, parameter in enumerate(parameters)}
        self.units = {id(x): self.network.add(0) for x in inputs}  # by node; a sum becomes a unit where it is used
        self.sums: dict[int, _Sum] = {}

    def visit(self, node: Value) -> None:
        """Say what a node is, after its parents."""
        if not node.op or id(node) in self.units or id(node) in self.sums:
            return
        values = [operand for operand in node.operands if isinstance(operand, Value)]
        if node.op in ("+", "sum", "dot") or (node.op == "*" and any(id(v) in self.parameters for v in values)):
            self.sums[id(node)] = self._added(node)
            return
        sources = list(dict.fromkeys(unit for unit in map(self.unit, values) if unit is not None))
        if len(sources) == 1:
            self.units[id(node)] = sources[0]
        elif sources:
            self.units[id(node)] = self._new([(unit, -1) for unit in sources], [])

    def _added(self, node: Value) -> _Sum:
        if node.op in ("*", "dot"):
            half = len(node.operands) // 2
            pairs = zip(node.operands[:half], node.operands[half:], strict=True)
        else:
            pairs = ((operand, None) for operand in node.operands)  # type: ignore[assignment]
        found = _Sum()
        for first, second in pairs:
            self._add(found, first, second)
        return found

    def _add(self, found: _Sum, first: object, second: object) -> None:
        if isinstance(second, Value) and id(second) in self.parameters:
            first, second = second, first
        weight = self.parameters.get(id(first), -1) if isinstance(first, Value) else -1
        if weight >= 0:
            unit = self.unit(second) if isinstance(second, Value) else None
            if unit is not None:
                found.terms.append((unit, weight))
            elif second is None:
                found.biases.append(weight)
            return
        for operand in (first, second):
            if not isinstance(operand, Value):
                continue
            inner = self.sums.get(id(operand))
            if inner is not None and second is None and id(operand) not in self.units:
                found.terms += inner.terms
                found.biases += inner.biases
                continue
            unit = self.unit(operand)
            if unit is not None:
                found.terms.append((unit, -1))

    def unit(self, node: Value) -> int | None:
        """Return the unit that a node belongs to; None if no input reaches it."""
        if id(node) not in self.units and id(node) in self.sums:
            pending = self.sums[id(node)]
            if not pending.terms:
                return None
            self.units[id(node)] = self._new(pending.terms, pending.biases)
        return self.units.get(id(node))

    def _new(self, terms: list[tuple[int, int]], biases: list[int]) -> int:
        unit = self.network.add(1 + max(self.network.layers[source] for source, _ in terms))
        self.network.links += [(source, unit, weight) for source, weight in terms]
        self.network.biases[unit] = biases[0] if biases else -1
        return unit
