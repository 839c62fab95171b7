"""Pickles of graphs of any depth: nodes are written oldest first, so nothing recurses. Copies are `Value.__deepcopy__`.

>>> import copy, pickle
>>> from autograd import Value
>>> x = Value(2.0, "x")
>>> f, g = x * x, x + 1
>>> f2, g2 = pickle.loads(pickle.dumps((f, g)))
>>> f2.parents[0] is f2.parents[1] is g2.parents[0]
True
>>> copy.deepcopy(f).parents[0] is x
False
"""

from __future__ import annotations

import copyreg
import threading
from collections.abc import Callable, Iterator
from typing import Any

from autograd.value import Value, contents, restore, topological_order

__all__ = ["reduced"]


class _Session(threading.local):
    """The nodes whose parents are in the pickle already, by id: each is written with its operands alone."""

    def __init__(self) -> None:
        self.ready: set[int] = set()


_session = _Session()


def reduced(node: Value) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What pickle writes for a node: first all that it reaches, oldest first, then its own record.

    A pickler writes the parts of a record in their order and each object once, so by the time it comes to a node of
    the list, that node's parents are written, and the depth of the graph is never the depth of the recursion.
    """
    record = (*contents(node), node.operands)
    if id(node) in _session.ready:
        return restore, record
    return _restore_after, (_Ancestors(node), *record)


def _restore_after(ancestors: list[Any], *record: Any) -> Value:
    return restore(*record)


class _Ancestors:
    """A list of all nodes that a node reaches, itself left out, written one after the other."""

    def __init__(self, root: Value) -> None:
        self._root = root

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self._written()

    def _written(self) -> Iterator[Any]:
        nodes = topological_order(self._root)[:-1]
        ready = {id(node) for node in nodes} - _session.ready
        _session.ready |= ready
        try:
            yield from nodes
            # A pickler may take items ahead of writing them: that all are written shows when it writes this one.
            yield _End(ready)
        except GeneratorExit:  # the pickler failed
            _session.ready -= ready
            raise


class _End:
    def __init__(self, ready: set[int]) -> None:
        self._ready = ready

    def __reduce__(self) -> tuple[Any, ...]:
        _session.ready -= self._ready
        return int, ()


copyreg.pickle(Value, reduced)
