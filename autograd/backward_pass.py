"""A backward pass as flat arrays: what it did with each operand, without touching any gradient."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping

from autograd.value import Value, creation_number, topological_order

__all__ = ["BackwardPass"]

_AHEAD = 4096  # how many turns are worked out at a time


class BackwardPass:
    """What `root.backward(gradient)` does, product by product, in its order and with its arithmetic.

    It is worked out as far as it is asked for, and holds a few numbers for each node and each operand.

    Attributes:
        nodes: all that the root reaches, oldest first; a node's place in it is its number in listings.
        turns: the places of the computed nodes, newest first: the order of the pass.
        gradients: by place, what has reached the node so far; the whole of it once its turn has come.
        starts: by turn, where its operands begin in the two arrays below; one more than there are turns.
        parents: the place of each operand that is a Value.
        before: the gradient of that operand before the turn's contribution to it.
        names: what nodes are called beside their labels and paths, by their ids; whoever shows the pass gives them.

    >>> a = Value(3.0)
    >>> walk = BackwardPass(a * a).finish()
    >>> list(walk.turns), list(walk.parents), list(walk.before), list(walk.gradients)
    ([1], [0, 0], [0.0, 3.0], [6.0, 1.0])
    """

    __slots__ = ("_place", "before", "gradients", "names", "nodes", "parents", "starts", "turns")

    def __init__(self, root: Value, gradient: float = 1.0) -> None:
        self.nodes = nodes = topological_order(root)
        self.turns = array("q", [at for at in range(len(nodes) - 1, -1, -1) if nodes[at].primitive is not None])
        self.gradients = array("d", [0.0]) * len(nodes)
        self.gradients[-1] = gradient
        self.starts = array("q", [0])
        self.parents = array("q")
        self.before = array("d")
        self._place: dict[int, int] = {}
        self.names: Mapping[int, str] = {}

    def place_of(self, value: Value) -> int | None:
        """The place of a node; None where the root does not reach it."""
        at = bisect_left(self.nodes, creation_number(value), key=creation_number)
        return at if at < len(self.nodes) and self.nodes[at] is value else None

    def finish(self) -> BackwardPass:
        """Work out all turns; returns the pass."""
        self.advance(len(self.turns))
        return self

    def advance(self, turns: int) -> None:
        """Work out at least so many turns."""
        done, end = len(self.starts) - 1, len(self.turns)
        if turns <= done:
            return
        if not self._place:
            self._place = dict(zip(map(id, self.nodes), range(len(self.nodes)), strict=True))
        place, nodes, gradients = self._place, self.nodes, self.gradients
        starts, parents, before = self.starts, self.parents, self.before
        for at in self.turns[done : max(turns, done + _AHEAD)]:
            node, upstream = nodes[at], gradients[at]
            local_grads = node.local_grads
            for i, parent in enumerate(node.parents):
                to = place[id(parent)]
                gradient = gradients[to]
                parents.append(to)
                before.append(gradient)
                local_grad = local_grads[i]
                if local_grad and upstream:  # multiply_no_nan, without the cost of a call
                    gradients[to] = gradient + local_grad * upstream
            starts.append(len(parents))
        if len(starts) > end:
            self._place = {}  # the array of places has what the dict was for

    def operands_of(self, turn: int) -> array[int]:
        """The places of the operands of a turn that are Values; of a finished pass."""
        return self.parents[self.starts[turn] : self.starts[turn + 1]]

    def way_to(self, node: Value) -> bytearray:
        """By place, whether a node depends on this one, which counts as well."""
        self.finish()
        way = bytearray(len(self.nodes))
        target = self.place_of(node)
        if target is None:
            return way
        way[target] = 1
        parents, starts = self.parents, self.starts
        for turn in range(len(self.turns) - 1, -1, -1):
            at = self.turns[turn]
            if at > target:
                for operand in range(starts[turn], starts[turn + 1]):
                    if way[parents[operand]]:
                        way[at] = 1
                        break
        return way
