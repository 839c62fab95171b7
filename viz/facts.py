"""What the card of a group says of its values: how many, of which operations, the range of data, gradients."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import attrgetter

from autograd import Value
from viz.cards import Look, is_parameter

__all__ = ["Facts", "facts_of"]

_DATA, _GRAD, _OP, _REACHED = map(attrgetter, ("data", "grad", "op", "reached"))


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to say of a group.

    Attributes:
        values: how many values it has.
        parameters: how many of them are parameters.
        ops: how often each operation stands in it.
        least: the smallest number, infinite where none is finite.
        most: the largest.
        odd: how many numbers are nan or infinite.
        is_assigned: whether something among them or their operands was assigned since.
        norm: the norm of the parameters' gradients, of all gradients where there is no parameter; None before a pass.
        is_output: whether a root is among them.
    """

    values: int
    parameters: int
    ops: Mapping[str, int]
    least: float
    most: float
    odd: int
    is_assigned: bool
    norm: float | None
    is_output: bool

    @property
    def operations(self) -> int:
        """How many of the values are computed."""
        return sum(self.ops.values())


def facts_of(values: Sequence[Value], look: Look) -> Facts:
    """Return what there is to say of these values; there may be a million of them.

    >>> facts = facts_of([Value(3.0), Value(-1.0), Value(2.0) * 3], Look(places={}, outputs=frozenset()))
    >>> facts.values, facts.ops, facts.least, facts.most, facts.norm
    (3, {'*': 1}, -1.0, 6.0, None)
    """
    finite = [data for data in map(_DATA, values) if data - data == 0.0]
    ops = dict(Counter(map(_OP, values)))
    leaves = [value for value in values if not value.op] if ops.pop("", 0) else []
    parameters = [leaf for leaf in leaves if is_parameter(leaf, look.parameters)]
    norm = None
    if any(map(_REACHED, values)):
        counted = parameters or values
        norm = math.hypot(*compress(map(_GRAD, counted), map(_REACHED, counted)))
    ids = [*map(id, values)]
    return Facts(
        values=len(values),
        parameters=len(parameters),
        ops=ops,
        least=min(finite, default=math.inf),
        most=max(finite, default=-math.inf),
        odd=len(values) - len(finite),
        is_assigned=not look.marks.keys().isdisjoint(ids),
        norm=norm,
        is_output=not look.outputs.isdisjoint(ids),
    )
