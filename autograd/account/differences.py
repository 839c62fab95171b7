"""compare: what changed between two runs of one program.

>>> from autograd import Value, compare
>>> x, w = Value(2.0, "x"), Value(0.5, "w")
>>> def loss(): return (x * w - 3) ** 2
>>> before = loss()
>>> w.data = 1.0
>>> compare(before, loss())
** %4: 4 → 1 (-3); of 7 numbers 4 changed, the largest change first
  ** %4  4 → 1      -3
  × %2   1 → 2      +1
  − %3   -2 → -1    +1
  w %1   0.5 → 1  +0.5
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autograd.arguments import no_value
from autograd.formatting import columns, encodable, number, padded
from autograd.names import names_in_scope
from autograd.recorded import is_as_recorded, is_same, recorded_number, recorded_term
from autograd.steps import called
from autograd.value import Value, topological_order

__all__ = ["Change", "Differences", "compare"]

_TOLD = 5  # places where graphs part, and where a change ends, that are told


@dataclass(slots=True, eq=False)
class Change:
    """A number of the second run that is another than in the first.

    Attributes:
        node: the node of the second graph; for a number among the operands, the node that has it.
        name: what it is called in tables.
        before: the number in the first run; None where it is not known any more.
        after: the number in the second run.
        is_of_node: False for a number among the node's operands.
        is_rounded: whether `before` was found by subtraction from a sum, and may differ in its last digits.
    """

    node: Value
    name: str
    before: float | None
    after: float
    is_of_node: bool = True
    is_rounded: bool = False

    @property
    def by(self) -> float:
        """after - before; nan where the number before is not known."""
        return math.nan if self.before is None else self.after - self.before


class Differences:
    """What `compare` found. At a prompt, and printed, it is a table.

    Attributes:
        before, after: the two roots.
        changes: the numbers that changed, the largest changes first; last those whose number before is not known.
        parted: pairs of nodes (or numbers) at which the graphs stop being alike, oldest first; empty where they have
            the same shape. What such nodes were computed from is not compared.
        compared: how many numbers were compared.
        unknown: leaves of both graphs of which the first does not tell what they were, for no number in it and no
            gradient depends on that.
        ended: nodes of the second graph whose operands changed and which did not.
    """

    def __init__(self, before: Value, after: Value, names: Mapping[int, str]) -> None:
        self._names = names
        self.before = before
        self.after = after
        self._places = tuple(
            {id(node): at for at, node in enumerate(topological_order(root))} for root in (before, after)
        )
        pairs = _Pairing(before, after)
        self.parted = tuple(sorted(pairs.parted, key=lambda pair: self._place_in(1, pair[1])))
        self.compared = len(pairs.nodes) + len(pairs.numbers)
        was, now = _Numbers(old for old, _ in pairs.nodes), _Numbers(new for _, new in pairs.nodes)
        changes, unknown = [], []
        for old, new in pairs.nodes:
            x, y = was.of(old), now.of(new)
            y = new.data if y is None else y
            is_rounded = False
            if x is None and was.is_current(old):  # the first graph does not tell what it was
                if old is new:
                    unknown.append(new)
                    continue
                x = old.data
            elif x is None:
                x = was.as_term(old)
                is_rounded = x is not None
            if x is None or not is_same(x, y):
                changes.append(Change(new, self._name(new), x, y, is_rounded=is_rounded))
        for new, x, y in pairs.numbers:
            if not is_same(x, y):
                changes.append(Change(new, f"number {number(y)} in {self._name(new)}", x, y, False))
        changes.sort(key=lambda c: (c.before is None, -_size(c.by), self._place_in(1, c.node)))
        self.changes = tuple(changes)
        self.unknown = tuple(unknown)
        moved = {id(change.node) for change in changes if change.is_of_node}
        touched = {id(change.node) for change in changes}
        self.ended = tuple(
            new
            for _, new in pairs.nodes
            if id(new) not in moved and (id(new) in touched or any(id(parent) in moved for parent in new.parents))
        )

    @property
    def same_shape(self) -> bool:
        """Whether the two graphs are the same but for their numbers."""
        return not self.parted

    def __str__(self) -> str:
        return encodable("\n".join(self._lines()), getattr(sys.stdout, "encoding", None))

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        old, new = self.before.data, self.after.data
        name = self._name(self.after)
        if is_same(old, new):
            head = f"{name}: {number(old)} both times"
        else:
            head = f"{name}: {number(old)} → {number(new)} ({number(new - old, sign=True)})"
        count = len(self.changes)
        numbers = f"{self.compared:,} number{'s' * (self.compared != 1)}"
        head += f"; of {numbers} {f'{count:,}' if count else 'none'} changed"
        yield head + (", the largest change first" if count > 1 else "")
        yield from self._table()
        for pair in self.parted[:_TOLD]:
            sides = [self._side(i, x) for i, x in enumerate(pair)]
            yield f"  the graphs part: {sides[0]} before, {sides[1]} after"
        if len(self.parted) > _TOLD:
            yield f"  … and at {len(self.parted) - _TOLD:,} more places"
        if is_same(old, new) and not self.parted:
            if not count:
                yield "  no leaf is known to have had another number: was anything updated between the two?"
            for leaf in self.unknown[:_TOLD]:
                yield f"  what {self._name(leaf)} was is not known: nothing here depends on it"
            for node in self.ended[:_TOLD]:
                yield f"  a change ends at {self._name(node)}, which is {number(node.data)} both times"

    def _table(self) -> Iterator[str]:
        shown = self.changes[:_LIMIT]
        names = [change.name for change in shown]
        moves = [f"{_before(c)} → {number(c.after)}" for c in shown]
        sizes = ["not known" if c.before is None else number(c.by, sign=True) for c in shown]
        widths = [max(map(columns, cells), default=0) for cells in (names, moves, sizes)]
        for name, move, size in zip(names, moves, sizes, strict=True):
            yield f"  {padded(name, widths[0])}  {padded(move, widths[1])}  {padded(size, widths[2], right=True)}"
        if len(self.changes) > _LIMIT:
            unknown = sum(change.before is None for change in self.changes[_LIMIT:])
            told = f" ({unknown:,} from a number that is not known)" if unknown else ""
            yield f"  … and {len(self.changes) - _LIMIT:,} more changes{told}"

    def _name(self, node: Value) -> str:
        return called(node, self._places[1][id(node)], self._names)

    def _place_in(self, which: int, x: Value | float) -> int:
        return self._places[which][id(x)] if isinstance(x, Value) else -1

    def _side(self, which: int, x: Value | float) -> str:
        if not isinstance(x, Value):
            return f"the number {number(x)}"
        name = called(x, self._place_in(which, x), self._names)
        return name if x.op else f"the leaf {name}"


_LIMIT = 10  # changes in the table


class _Pairing:
    """Two graphs, side by side from their roots down, as far as they are alike."""

    def __init__(self, before: Value, after: Value) -> None:
        self.nodes: list[tuple[Value, Value]] = []
        self.numbers: list[tuple[Value, float, float]] = []  # with the second graph's node that has them as operands
        self.parted: list[tuple[Value | float, Value | float]] = []
        self._partner: dict[int, int] = {}
        self._taken: dict[int, int] = {}
        waiting: list[tuple[Value, Value]] = [(before, after)]
        while waiting:
            pair = waiting.pop()
            if self._is_new(*pair):
                waiting += reversed(list(self._operands(*pair)))

    def _is_new(self, old: Value, new: Value) -> bool:
        partner, taken = self._partner.get(id(old)), self._taken.get(id(new))
        if partner is None and taken is None:
            if old.primitive is not new.primitive or len(old.operands) != len(new.operands):
                self.parted.append((old, new))
                return False
            self._partner[id(old)], self._taken[id(new)] = id(new), id(old)
            self.nodes.append((old, new))
            return True
        if partner != id(new):  # one of the two was shared, the other was not
            self.parted.append((old, new))
        return False

    def _operands(self, old: Value, new: Value) -> Iterator[tuple[Value, Value]]:
        for x, y in zip(old.operands, new.operands, strict=True):
            if isinstance(x, Value) and isinstance(y, Value):
                yield x, y
            elif isinstance(x, Value) or isinstance(y, Value):
                self.parted.append((x, y))
            else:
                self.numbers.append((new, x, y))


class _Numbers:
    """The numbers of a graph as they were when it was recorded."""

    def __init__(self, nodes: Iterable[Value]) -> None:
        self._users: dict[int, list[Value]] = {}
        for node in nodes:
            for parent in node.parents:
                if parent.primitive is None:
                    self._users.setdefault(id(parent), []).append(node)

    def of(self, node: Value) -> float | None:
        """The number of a node; None where it is a leaf's and nothing tells what it was."""
        return node.data if node.primitive is not None else recorded_number(node, self._users.get(id(node), ()))

    def as_term(self, leaf: Value) -> float | None:
        """The number of a leaf to within the rounding of a sum that it stands in; None where there is none."""
        return recorded_term(leaf, self._users.get(id(leaf), ()))

    def is_current(self, leaf: Value) -> bool:
        """Whether the graph would be recorded as it is with the leaf's data."""
        return all(map(is_as_recorded, self._users.get(id(leaf), ())))


def _before(change: Change) -> str:
    if change.before is None:
        return "?"
    return f"≈ {number(change.before)}" if change.is_rounded else number(change.before)


def _size(x: float) -> float:
    return math.inf if math.isnan(x) else abs(x)


def compare(before: Value, after: Value) -> Differences:
    """Tell what changed between two runs of one program, or between a graph before an update and after.

    The two graphs are laid side by side from their roots: nodes that were computed alike are compared. A leaf that
    both runs share is shown with the number that it had when the first was recorded, where a node still holds it (a
    factor of a product is held by the other factor's local derivative). A term of a sum is what the others leave of it,
    to within rounding, and is marked `≈`; what nothing tells is `?`.

    Args:
        before: the root of the first run.
        after: the root of the second.

    Returns:
        `Differences`: `.changes`, `.parted`, `.same_shape`; at a prompt a table.

    Raises:
        TypeError: `before` or `after` is not a Value.

    >>> x = Value(-1.0, "x")
    >>> before = x.relu() + 1
    >>> x.data = -2.0
    >>> compare(before, x.relu() + 1)
    + %2: 1 both times; of 4 numbers none changed
      no leaf is known to have had another number: was anything updated between the two?
      what x %0 was is not known: nothing here depends on it
    """
    for name, root in (("before", before), ("after", after)):
        if type(root) is not Value:
            raise TypeError(f"compare() takes a Value as {name}, not {no_value(root)}")
    return Differences(before, after, names_in_scope())
