"""The paths that a gradient takes through a graph."""

from __future__ import annotations

import heapq
import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import overload

from autograd.arguments import no_value, shortened
from autograd.backward_pass import BackwardPass
from autograd.formatting import amount, columns, encodable, number, padded
from autograd.names import names_in_scope
from autograd.primitives import table
from autograd.steps import called
from autograd.value import Value

__all__ = ["GradientPath", "GradientPaths", "gradient_paths"]

_ENDS = 4, 2  # nodes of a long path that are shown: the first, the last
_SHOWN = 10  # paths of a summary
_SPARE = 1000  # paths kept beyond those that will be told, so that dropping them costs little


@dataclass(slots=True, eq=False, repr=False)
class GradientPath:
    """One way from a root to a node on which its gradient depends.

    Attributes:
        nodes: the nodes on the way, the root first.
        numbers: their places in `topological_order(root)`, `%3` in tables.
        local_grads: one per step on the way, the local derivative of a node by the next.
        product: all of them multiplied, from the root on; 0 once a factor is 0.
        walk: the pass that it is a way through; names of variables come from it.
    """

    nodes: tuple[Value, ...]
    numbers: tuple[int, ...]
    local_grads: tuple[float, ...]
    product: float
    walk: BackwardPass

    @property
    def way(self) -> str:
        """`y %3 → × %2 → x %0`, the middle of a long one left out."""
        first, last = _ENDS
        names = [called(node, place, self.walk.names) for node, place in zip(self.nodes, self.numbers, strict=True)]
        if len(names) > first + last + 1:
            names[first:-last] = [f"({len(names) - first - last:,} more)"]
        return " → ".join(names)

    def __str__(self) -> str:
        text = f"{number(self.product, sign=True)}  {self.way}"
        return encodable(text, getattr(sys.stdout, "encoding", None))

    __repr__ = __str__


class GradientPaths:
    """The paths from a root to a node, those of the largest products first; `gradient_paths` makes it."""

    def __init__(self, walk: BackwardPass, leaf: Value, top: int | None) -> None:
        self._walk = walk.finish()
        self._leaf = leaf
        self._top = top
        self._target = walk.place_of(leaf)
        self._way = walk.way_to(leaf)

    @property
    def total(self) -> float:
        """The sum over all paths, whether shown or not: the gradient, to the bit as `backward` adds it up."""
        return 0.0 if self._target is None else self._walk.gradients[self._target]

    @cached_property
    def count(self) -> int:
        """How many paths there are, those of product 0 among them."""
        walk, way = self._walk, self._way
        if self._target is None:
            return 0
        counts = {len(walk.nodes) - 1: 1}
        for turn, at in enumerate(walk.turns):
            if at <= self._target:
                break
            count = counts.pop(at, 0) if way[at] else 0
            if count:
                for parent in walk.operands_of(turn):
                    if way[parent]:
                        counts[parent] = counts.get(parent, 0) + count
        return counts[self._target]

    def __len__(self) -> int:
        return self.count if self._top is None else min(self._top, self.count)

    @overload
    def __getitem__(self, index: int) -> GradientPath: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[GradientPath]: ...
    def __getitem__(self, index: int | slice) -> GradientPath | Sequence[GradientPath]:
        stop = index.stop if isinstance(index, slice) else index + 1
        if self._top is None and stop is not None and stop > 0:  # there may be more than can be gone through
            return tuple(islice(self, stop))[index]
        return tuple(self)[index]

    def __iter__(self) -> Iterator[GradientPath]:
        return iter(self._found) if self._top is not None else map(self._path, self._largest_first())

    def __repr__(self) -> str:
        root, known = len(self._walk.nodes) - 1, self._walk.names
        names = called(self._walk.nodes[root], root, known), called(self._leaf, self._target or 0, known)
        if self._target is None:
            return f"no path from {names[0]}: it does not depend on this node"
        lines = [
            f"gradient of {names[0]} by {names[1]}: {number(self.total, sign=True)}, over {amount(self.count, 'path')}"
        ]
        shown = list(islice(self, _SHOWN))
        products = [number(path.product, sign=True) for path in shown]
        width = max(map(columns, products))
        lines += [f"  {padded(p, width, right=True)}  {path.way}" for p, path in zip(products, shown, strict=True)]
        if self.count > len(shown):
            lines.append(f"  … and {self.count - len(shown):,} more" if self.count < 10**15 else "  … and the others")
        return encodable("\n".join(lines), getattr(sys.stdout, "encoding", None))

    @cached_property
    def _found(self) -> tuple[GradientPath, ...]:
        return tuple(map(self._path, self._largest_first()))

    # -- the search ----------------------------------------------------------------------------------------------------
    # A path is the list of its edges, an edge a place in the pass's array of operands. The best way on from each node
    # is known beforehand, so the next largest path leaves one of those found at one node by another edge and then goes
    # the best way (E. L. Lawler, 1972). Sizes are sums of logarithms: products of long paths overflow and underflow.
    @cached_property
    def _turns(self) -> array[int]:
        """By place, the turn of the node."""
        turns = array("q", [-1]) * len(self._walk.nodes)
        for turn, at in enumerate(self._walk.turns):
            turns[at] = turn
        return turns

    @cached_property
    def _best(self) -> tuple[array[float], array[int]]:
        """By place, the size of the largest path from the node to the end, and the edge it begins with."""
        walk, way = self._walk, self._way
        sizes, edges = array("d", [-math.inf]) * len(walk.nodes), array("q", [-1]) * len(walk.nodes)
        assert self._target is not None
        sizes[self._target] = 0.0
        for turn in range(len(walk.turns) - 1, -1, -1):
            at = walk.turns[turn]
            if way[at] and at != self._target:
                for edge, local_grad in enumerate(walk.nodes[at].local_grads, start=walk.starts[turn]):
                    parent = walk.parents[edge]
                    if way[parent]:
                        size = _multiplied(_size(local_grad), sizes[parent])
                        if edges[at] < 0 or size > sizes[at]:
                            sizes[at], edges[at] = size, edge
        return sizes, edges

    def _largest_first(self) -> Iterator[array[int]]:
        if self._target is None or self._top == 0:
            return
        walk, root = self._walk, len(self._walk.nodes) - 1
        # paths not yet told: (-size, a number that settles ties, edges before the deviation, place, edge of it)
        waiting: list[tuple[float, int, array[int], int, int]] = []
        told, made = 0, 0
        edges, kept = self._onward(array("q"), root), 0
        while True:
            yield edges
            told += 1
            if told == self._top:
                return
            for size, position, other in self._deviations(edges, kept):
                made += 1
                heapq.heappush(waiting, (-size, made, edges, position, other))
                if self._top is not None and len(waiting) > 2 * self._top + _SPARE:
                    waiting = heapq.nsmallest(self._top - told, waiting)  # more will not be told; sorted, it is a heap
            if not waiting:
                return
            _, _, base, position, other = heapq.heappop(waiting)
            edges = self._onward(array("q", [*base[:position], other]), walk.parents[other])
            kept = position + 1

    def _onward(self, edges: array[int], at: int) -> array[int]:
        """The edges, and from the node on the best way."""
        while at != self._target:
            edges.append(self._best[1][at])
            at = self._walk.parents[edges[-1]]
        return edges

    def _deviations(self, edges: array[int], first: int) -> Iterator[tuple[float, int, int]]:
        """Where another path may leave this one, from edge `first` on: (size of the best that does, position, edge)."""
        walk, way, sizes = self._walk, self._way, self._best[0]
        at, size = len(walk.nodes) - 1, 0.0
        for position, taken in enumerate(edges):
            start, local_grads = walk.starts[self._turns[at]], walk.nodes[at].local_grads
            if position >= first:
                for edge, local_grad in enumerate(local_grads, start=start):
                    parent = walk.parents[edge]
                    if way[parent] and edge != taken:
                        yield _multiplied(size, _multiplied(_size(local_grad), sizes[parent])), position, edge
            size = _multiplied(size, _size(local_grads[taken - start]))
            at = walk.parents[taken]

    def _path(self, edges: array[int]) -> GradientPath:
        walk = self._walk
        places, local_grads, product = [len(walk.nodes) - 1], [], 1.0
        for edge in edges:
            at = places[-1]
            local_grad = walk.nodes[at].local_grads[edge - walk.starts[self._turns[at]]]
            product = table.MULTIPLY_NO_NAN.forward(product, local_grad)
            local_grads.append(local_grad)
            places.append(walk.parents[edge])
        return GradientPath(tuple(walk.nodes[at] for at in places), tuple(places), tuple(local_grads), product, walk)


def _size(local_grad: float) -> float:
    """log |local derivative|; nan counts as inf, so that it is seen first."""
    if local_grad != local_grad:
        return math.inf
    return math.log(abs(local_grad)) if local_grad else -math.inf


def _multiplied(size: float, other: float) -> float:
    """The size of a product: 0 where a factor is, whatever the other."""
    return -math.inf if size == -math.inf or other == -math.inf else size + other


def gradient_paths(root: Value, leaf: Value, top: int | None = 10) -> GradientPaths:
    """The paths from `root` to `leaf`: its gradient is the sum over them of the products of local derivatives.

    Args:
        root: the Value that is differentiated.
        leaf: the Value by which, a leaf or any node.
        top: how many paths to iterate over, the largest products first; None for all.

    Returns:
        A lazy sequence of `GradientPath` (`.nodes`, `.local_grads`, `.product`). `.total` is the gradient, the sum over
        all paths, and `.count` their number, however large. Where there is no path they are 0.0 and 0.

    Raises:
        TypeError: `root` or `leaf` is not a Value, or `top` is not a number of paths.

    >>> x = Value(3.0, "x")
    >>> y = x * x + x
    >>> gradient_paths(y, x)
    gradient of y %2 by x %0: +7, over 3 paths
      +3  y %2 → × %1 → x %0
      +3  y %2 → × %1 → x %0
      +1  y %2 → x %0
    """
    for name, node in (("root", root), ("leaf", leaf)):
        if type(node) is not Value:
            raise TypeError(f"gradient_paths() takes a Value as {name}, not {no_value(node)}")
    if top is not None and (type(top) is not int or top < 0):
        raise TypeError(f"top must be a whole number from 0 on, or None for all paths, not {shortened(top)}")
    walk = BackwardPass(root)
    walk.names = names_in_scope()
    return GradientPaths(walk, leaf, top)
