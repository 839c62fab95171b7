"""Backward and forward passes that leave every `grad` alone: what the transforms are made of.

A pass goes over the nodes made after a given creation number, so what a function found when it was called is left out
of it. It works on numbers, in C where the core is compiled; or, where the derivatives must be differentiable again, it
records itself: the derivative formula of each primitive's row is evaluated on Values.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.arguments import as_operand, shortened
from autograd.primitives import formulas, ieee, table
from autograd.primitives.primitive import PRIMITIVES, Primitive
from autograd.value import Value, apply, binary, creation_number, many, number_of, unary

if not cython.compiled and TYPE_CHECKING:
    core_reaches_older: Callable[[list[Value], int], bool] = NotImplemented
    core_gradients: Callable[[list[Value], list[Value], int, bool], list[float] | None] = NotImplemented
    core_tangents: Callable[[list[Value], list[Value], list[float], int], list[float]] = NotImplemented
    core_dependents: Callable[[list[Value], list[Value], int], tuple[list[Value], list[int], list[int]]] = (
        NotImplemented
    )

__all__ = ["derivatives_of", "gradients", "product", "reaches_older", "recorded_gradients", "recorded_tangents"]

_MULTIPLY_NO_NAN = table.MULTIPLY_NO_NAN.code


# -- on numbers --------------------------------------------------------------------------------------------------------
def reaches_older(roots: list[Value], after: int) -> bool:
    """Return whether one of the roots is, or depends on, a node whose creation number is at most `after`.

    >>> from autograd.value import Value, creation_number
    >>> x = Value(3.0)
    >>> reaches_older([x * x], creation_number(x)), reaches_older([x * x], 0)
    (True, False)
    """
    if cython.compiled:
        return core_reaches_older(roots, after)
    return _reached_after(roots, after)[1]


def gradients(root: Value, sources: list[Value], after: int = 0, alone: bool = False) -> list[float] | None:
    """Return the derivatives of `root` with respect to each source, bit for bit those of `backward`.

    Args:
        root: where the pass starts.
        sources: nodes made after `after`.
        after: a creation number; the pass leaves out the nodes up to it.
        alone: whether to give None where `root` depends on nodes that are left out.

    >>> from autograd.value import Value
    >>> x = Value(3.0)
    >>> gradients(x * x, [x]), x.grad
    ([6.0], 0.0)
    """
    if cython.compiled:
        return core_gradients([root], sources, after, alone)  # the loop below, in C
    nodes, older = _reached_after([root], after)
    if alone and older:
        return None
    grads = {creation_number(node): 0.0 for node in nodes}
    if nodes:
        grads[creation_number(root)] = 1.0
    for node in reversed(nodes):
        upstream = grads[creation_number(node)]
        if upstream == 0.0:
            continue
        for parent, local in zip(node.parents, node.local_grads, strict=True):
            number = creation_number(parent)
            if local != 0.0 and number in grads:  # multiply_no_nan, as in Value.backward
                grads[number] += local * upstream
    return [grads.get(creation_number(source), 0.0) for source in sources]


def tangents(roots: list[Value], sources: list[Value], directions: list[float], after: int) -> list[float]:
    """The derivative of each root along the directions, one number for each source.

    >>> from autograd.value import Value
    >>> x = Value(3.0)
    >>> tangents([x * x, x], [x], [0.5], 0)
    [3.0, 0.5]
    """
    if cython.compiled:
        return core_tangents(roots, sources, directions, after)  # the loop below, in C
    along = {creation_number(source): direction for source, direction in zip(sources, directions, strict=True)}
    for node in _reached_after(roots, after)[0]:
        if creation_number(node) in along:
            continue
        total = 0.0
        for parent, local in zip(node.parents, node.local_grads, strict=True):
            tangent = along.get(creation_number(parent), 0.0)
            if local != 0.0 and tangent != 0.0:  # multiply_no_nan
                total += tangent * local
        along[creation_number(node)] = total
    return [along.get(creation_number(root), 0.0) for root in roots]


def _reached_after(roots: list[Value], after: int) -> tuple[list[Value], bool]:
    """The nodes that the roots reach, oldest first, and whether there are others up to the number `after`."""
    nodes: list[Value] = []
    seen: set[int] = set()
    older = False
    for root in roots:
        if creation_number(root) not in seen:
            seen.add(creation_number(root))
            nodes.append(root)
    for node in nodes:  # which grows while it is read
        if creation_number(node) <= after:
            older = True
            continue
        for parent in node.parents:
            if creation_number(parent) not in seen:
                seen.add(creation_number(parent))
                nodes.append(parent)
    nodes = [node for node in nodes if creation_number(node) > after]
    nodes.sort(key=creation_number)
    return nodes, older


def _dependents(roots: list[Value], sources: list[Value], after: int) -> tuple[list[Value], list[int], list[int]]:
    """Return the nodes between the sources and the roots, the ids of their parents, and the ids of the roots.

    The nodes are computed ones, oldest first. A parent that does not depend on a source has the id -1; sources have
    the ids from 0, and the nodes those that follow.
    """
    if cython.compiled:
        return core_dependents(roots, sources, after)  # what follows, in C
    place = {creation_number(source): i for i, source in enumerate(sources)}
    between: list[Value] = []
    ids: list[int] = []
    for node in _reached_after(roots, after)[0]:
        if creation_number(node) in place or not node.parents:
            continue  # a source stands for itself, whatever it was made of
        of_parents = [place.get(creation_number(parent), -1) for parent in node.parents]
        if max(of_parents) >= 0:
            place[creation_number(node)] = len(sources) + len(between)
            between.append(node)
            ids += of_parents
    return between, ids, [place.get(creation_number(root), -1) for root in roots]


# -- on Values ---------------------------------------------------------------------------------------------------------
def recorded_gradients(root: Value, sources: list[Value], after: int) -> list[Value | float]:
    """The derivatives of `root` by each of the sources, as Values where they depend on anything.

    >>> from autograd.value import Value
    >>> x = Value(3.0)
    >>> recorded_gradients(x * x * x, [x], 0)
    [Value(27.0, grad=0.0, op='+')]
    """
    nodes, ids, root_ids = _dependents([root], sources, after)
    count = len(sources)
    sums: list[Value | float | None] = [None] * (count + len(nodes))
    if root_ids[0] >= 0:
        sums[root_ids[0]] = 1.0
    to = len(ids)
    for i in range(len(nodes) - 1, -1, -1):
        node = nodes[i]
        upstream = sums[count + i]
        sums[count + i] = None
        if upstream is None:
            to -= len(node.parents)
            continue
        locals_ = derivatives_of(node)
        to -= len(locals_)
        for j in range(len(locals_)):
            place = ids[to + j]
            if place >= 0:
                _add_to(sums, place, product(upstream, locals_[j]))
    return [0.0 if gradient is None else gradient for gradient in sums[:count]]


def recorded_tangents(
    roots: list[Value], sources: list[Value], directions: list[Value | float], after: int
) -> list[Value | float]:
    """The derivative of each root along the directions of the sources, as Values where they depend on anything.

    >>> from autograd.value import Value
    >>> x = Value(3.0)
    >>> recorded_tangents([x * x], [x], [Value(0.5)], 0)
    [Value(3.0, grad=0.0, op='+')]
    """
    nodes, ids, root_ids = _dependents(roots, sources, after)
    count = len(sources)
    along: list[Value | float | None] = [*directions, *([None] * len(nodes))]
    to = 0
    for i in range(len(nodes)):
        node = nodes[i]
        locals_ = derivatives_of(node)
        for j in range(len(locals_)):
            place = ids[to + j]
            tangent = along[place] if place >= 0 else None
            if tangent is not None:
                _add_to(along, count + i, product(tangent, locals_[j]))
        to += len(locals_)
    found = [along[place] if place >= 0 else None for place in root_ids]
    return [0.0 if tangent is None else tangent for tangent in found]


def _add_to(sums: list[Value | float | None], place: int, term: Value | float) -> None:
    if type(term) is float and term == 0.0:
        return
    before = sums[place]
    sums[place] = term if before is None else before + term


def product(upstream: Value | float, local: Value | float) -> Value | float:
    """upstream × local: 0.0 where either is the number 0, and no node where either is the number 1.

    A factor that merely has the value 0 is recorded: it may not stay 0.

    >>> from autograd.value import Value
    >>> product(2.0, 0.0), product(Value(2.0), 0.0), product(Value(0.0), Value(float("inf"))).data
    (0.0, 0.0, 0.0)
    """
    if type(upstream) is not Value:
        if upstream == 0.0:
            return 0.0
        if upstream == 1.0:
            return local
    if type(local) is not Value:
        if local == 0.0:
            return 0.0
        if local == 1.0:
            return upstream
        if type(upstream) is not Value:
            return upstream * local  # neither is zero
    return binary(_MULTIPLY_NO_NAN, upstream, local)


def derivatives_of(node: Value) -> list[Value | float]:
    """The local derivatives of a computed node, one per parent, by the formulas of the primitive's row.

    >>> from autograd.value import Value
    >>> x = Value(3.0)
    >>> [local is x for local in derivatives_of(x * x)]
    [True, True]
    """
    operands = node.operands
    count = len(operands)
    row = _rows.get(node._code)
    if row is None:
        row = _rows[node._code] = _row(node.primitive)
    wanted = [i for i in range(count) if type(operands[i]) is Value]
    found: list[Value | float] = []
    if type(row) is not tuple:
        found = row(operands, node, wanted)
    else:
        for i in wanted:
            entry = row[i]
            if type(entry) is float:
                found.append(entry)
            elif type(entry) is int:
                found.append(operands[entry])
            elif count == 1:
                found.append(entry(operands[0], node))
            elif count == 2:
                found.append(entry(operands[0], operands[1], node))
            else:
                found.append(entry(*operands, node))
    for i in range(len(found)):
        local = found[i]
        if type(local) is float and local != local:
            found[i] = _nan_of(operands)
    return found


def _nan_of(operands: tuple[Value | float, ...]) -> Value:
    """A nan that depends on all operands: so that their higher derivatives are nan too, and not those of a constant."""
    terms: list[Value | float] = [operand * math.nan for operand in operands if type(operand) is Value]
    return many(table.SUM, terms)


# by code: for a row of fixed arity a tuple of one entry per operand, a constant, the index of an operand that is the
# derivative, or a function of Values; for a row of lists one function `(operands, node, wanted) -> local derivatives`
_rows: dict[int, Any] = {}


def _row(primitive: Primitive | None) -> Any:
    assert primitive is not None
    if primitive.arity is None:
        return primitive.differentiation(_arithmetic())
    entries: list[Any] = []
    for derivative in primitive.derivatives:
        if not isinstance(derivative, str):
            entries.append(partial(_checked, primitive, derivative))
        elif derivative in formulas.OPERAND_NAMES:
            entries.append(formulas.OPERAND_NAMES.index(derivative))
        elif formulas.names(derivative):
            entries.append(formulas.compile_derivative(primitive.name, primitive.arity, derivative, _arithmetic()))
        else:
            entries.append(formulas.compile_derivative(primitive.name, 0, derivative, {})(None))
    return tuple(entries)


def _checked(primitive: Primitive, derivative: Callable[..., Any], *xs: Value | float) -> Value | float:
    """Return the result of a user's function: a Value, or a number as a float."""
    result = derivative(*xs)
    if type(result) is Value:
        return result
    number = as_operand(result)
    if number is None:
        raise TypeError(
            f"primitive {primitive.name!r}: a derivative gave {shortened(result)} where a Value or a number was due"
        )
    return number


@cache
def _arithmetic() -> dict[str, Any]:
    """What formulas may name, for Values and numbers alike."""
    functions = {name: _function(primitive) for name, primitive in PRIMITIVES.items() if primitive.arity is not None}
    functions.update(abs=operator.abs, divide=_divide, power=_power, position=_position, **formulas.CONSTANTS)
    return functions


def _function(primitive: Primitive) -> Any:
    """A primitive of fixed arity as a function of Values and floats."""
    code = primitive.code

    def of_one(x: Value | float) -> Value | float:
        return unary(code, x) if type(x) is Value else primitive.forward(x)

    def of_two(x: Value | float, y: Value | float) -> Value | float:
        return binary(code, x, y) if type(x) is Value or type(y) is Value else primitive.forward(x, y)

    if primitive.arity == 1:
        return of_one
    return of_two if primitive.arity == 2 else partial(apply, primitive)


def _divide(x: Value | float, y: Value | float) -> Value | float:
    return x / y if isinstance(x, Value) or isinstance(y, Value) else ieee.divide(x, y)


def _power(x: Value | float, y: Value | float) -> Value | float:
    # the operator, which records a constant exponent as what it is
    return x**y if isinstance(x, Value) or isinstance(y, Value) else ieee.power(x, y)


def _position(x: Value | float) -> int:
    return int(number_of(x))
