# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Where nodes stand in a list of them, and what of a whole graph is found by one look at each operand.

A graph of a million nodes may have many millions of operands: each is asked here for its place, at the speed of C.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.value import Value, operand_count, operand_node, operand_number

__all__ = ["Index", "edges_between", "first_users"]


@cython.cclass
class Index:
    """A map from the creation numbers of nodes to their ids."""

    def __init__(self, nodes: list[Value], first: int) -> None:
        """Give nodes the ids from `first` on, in the order of the list."""
        self.others: dict[int, int] = {}
        self._fill(nodes, first)

    def _fill(self, nodes: list[Value], first: int) -> None:
        low = high = 0
        for i in range(len(nodes)):
            node = nodes[i]
            if i == 0 or node._number < low:
                low = node._number
            if i == 0 or node._number > high:
                high = node._number
        # numbers of one graph are dense, so a table of their range will mostly do
        is_dense = high - low < 16 * len(nodes) + 1024
        self.is_dense = is_dense
        self.low = low
        self.count = high - low + 1 if nodes and is_dense else 0
        self.ids = array("i", [0]) * (self.count + 1)  # a memoryview must not be empty
        for i in range(len(nodes)):
            node = nodes[i]
            if is_dense:
                self.ids[node._number - low] = first + i + 1
            else:
                self.others[node._number] = first + i + 1

    def find(self, number: int) -> int:
        """Return the id of a node; -1 if it is not among the nodes."""
        place = number - self.low
        if 0 <= place < self.count:
            return self.ids[place] - 1
        return -1 if self.is_dense else self.others.get(number, 0) - 1

    def of_parents(self, node: Value) -> list[int]:
        """Return the ids of the parents of a node that are among the nodes, in their order.

        >>> from autograd import Value
        >>> x = Value(2.0)
        >>> Index([Value(1.0), x], 0).of_parents(x * x + 1.0)
        []
        >>> Index([Value(1.0), x], 0).of_parents(x * x)
        [1, 1]
        """
        found: list[int] = []
        for i in range(operand_count(node)):
            parent = operand_node(node, i)
            if parent is not None:
                place = self.find(parent._number)
                if place >= 0:
                    found.append(place)
        return found


def first_users(nodes: list[Value]) -> list[int]:
    """Return the places of the nodes that have a leaf as operand which none before them has.

    Args:
        nodes: nodes of a graph, operands first.

    >>> from autograd import Value
    >>> x, y = Value(1.0), Value(2.0)
    >>> double, shifted, product = x * 2, x + 1, x * y
    >>> first_users([x, double, shifted, y, product])
    [1, 4]
    """
    index = Index(nodes, 0)
    fresh = bytearray(len(nodes) + 1)  # leaves without a user so far
    users: list[int] = []
    for k in range(len(nodes)):
        node = nodes[k]
        count = operand_count(node)
        if count == 0:
            fresh[k] = 1
        is_first = False
        for i in range(count):
            parent = operand_node(node, i)
            if parent is not None:
                place = index.find(parent._number)
                if place >= 0 and fresh[place] != 0:
                    fresh[place] = 0
                    is_first = True
        if is_first:
            users.append(k)
    return users


def edges_between(nodes: list[Value], groups: array[int], count: int) -> dict[tuple[int, int], tuple[int, float]]:
    """Return the edges between groups of nodes: how many there are, and the sum of their contributions.

    A contribution is upstream × local derivative, 0 where either is 0 and where no backward pass has reached the node.
    Edges inside a group, and those from nodes that are not in the list, are left out.

    Args:
        nodes: nodes of a graph, operands first.
        groups: the group of each node.
        count: the number of groups; each is less.

    Returns:
        The number of edges and their sum, by the groups of operand and node.

    >>> from autograd import Value
    >>> x, w = Value(3.0), Value(2.0)
    >>> product = x * w
    >>> y = product + x
    >>> y.backward()
    >>> edges_between([x, w, product, y], array("i", [0, 0, 1, 1]), 2)
    {(0, 1): (3, 6.0)}
    """
    index = Index(nodes, 0)
    starts = array("i", bytes(4 * (count + 2)))
    for k in range(len(nodes)):
        starts[groups[k] + 2] += 1
    for group in range(count):
        starts[group + 2] += starts[group + 1]
    members = array("i", bytes(4 * (len(nodes) + 1)))  # the places of nodes, group by group
    for k in range(len(nodes)):
        members[starts[groups[k] + 1]] = k
        starts[groups[k] + 1] += 1
    edges: dict[tuple[int, int], tuple[int, float]] = {}
    numbers, sums = array("q", bytes(8 * (count + 1))), array("d", bytes(8 * (count + 1)))
    tails = array("i", bytes(4 * (count + 1)))
    for group in range(count):
        found = 0
        for k in range(starts[group], starts[group + 1]):
            node = nodes[members[k]]
            upstream = node._grad if node._reached else 0.0
            local_grads = () if cython.compiled else node.local_grads
            parents = 0
            for i in range(operand_count(node)):
                parent = operand_node(node, i)
                if parent is None:
                    continue
                # compiled, the field of an operand that is a node has the local derivative
                local_grad = operand_number(node, i) if cython.compiled else local_grads[parents]
                parents += 1
                place = index.find(parent._number)
                if place < 0 or groups[place] == group:
                    continue
                tail = groups[place]
                if numbers[tail] == 0:
                    tails[found] = tail
                    found += 1
                numbers[tail] += 1
                if upstream != 0.0 and local_grad != 0.0:
                    sums[tail] += upstream * local_grad
        for i in range(found):
            tail = tails[i]
            edges[tail, group] = (numbers[tail], sums[tail])
            numbers[tail] = 0
            sums[tail] = 0.0
    return edges
